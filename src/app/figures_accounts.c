/* Accounts, subscriptions, leads, deals and proposals, all from named events; and what acquisition costs. */
#include "app/figures.h"

#include <stdlib.h>

enum word {
	W_SUBSCRIPTION,
	W_SUBSCRIPTION_ENDED,
	W_ADD_ON,
	W_ADD_ON_ENDED,
	W_LEAD,
	W_OPENED,
	W_WON,
	W_PROPOSAL,
	W_ACCEPTED,
	WORDS
};

static const char *const NAMES[WORDS] = {
	[W_SUBSCRIPTION] = "subscription",
	[W_SUBSCRIPTION_ENDED] = "subscription_ended",
	[W_ADD_ON] = "add_on",
	[W_ADD_ON_ENDED] = "add_on_ended",
	[W_LEAD] = "lead_qualified",
	[W_OPENED] = "deal_opened",
	[W_WON] = "deal_won",
	[W_PROPOSAL] = "proposal",
	[W_ACCEPTED] = "proposal_accepted",
};

struct pass {
	const struct figures_shop *s;
	const struct figures_time *t;
	struct kpi_input *out;
	const struct figures_watch *watch;
	uint32_t word[WORDS]; /* 0: no such event anywhere */
};

static int word_of(const struct pass *x, uint32_t name)
{
	for (int w = 0; w < WORDS; w++)
		if (x->word[w] && x->word[w] == name)
			return w;
	return WORDS;
}

/* What runs of one kind at an instant: how many, and their monthly sum. */
struct running {
	int64_t count, sum;
};

static void step(struct running *r, bool starts, int64_t value)
{
	if (starts) {
		r->count++;
		r->sum += value;
	} else if (value == 0 || r->count <= 1) {
		*r = (struct running){ 0, 0 };
	} else {
		r->count--;
		r->sum -= value < r->sum ? value : r->sum;
	}
}

static void state_before(const struct pass *x, const struct chunk *k, uint32_t i, int64_t until, struct running *main,
                         struct running *add_on)
{
	*main = *add_on = (struct running){ 0, 0 };
	for (uint32_t e = k->event_start[i]; e < k->event_start[i + 1] && k->events[e].at < until; e++) {
		int w = word_of(x, k->events[e].name);
		if (w == W_SUBSCRIPTION || w == W_SUBSCRIPTION_ENDED)
			step(main, w == W_SUBSCRIPTION, event_value(k, e));
		else if (w == W_ADD_ON || w == W_ADD_ON_ENDED)
			step(add_on, w == W_ADD_ON, event_value(k, e));
	}
}

/* Whether what event `e` ends began in period `p`: one of the same monthly value did, and none ended it yet. */
static bool began_in(const struct pass *x, const struct chunk *k, uint32_t i, uint32_t e, int p)
{
	int64_t open = 0;
	for (uint32_t f = k->event_start[i]; f < e; f++) {
		int w = figures_period(x->t, k->events[f].at) == p ? word_of(x, k->events[f].name) : WORDS;
		if (w == W_ADD_ON)
			open += event_value(k, f) == event_value(k, e);
		else if (w == W_ADD_ON_ENDED && event_value(k, f) == 0)
			open = 0;
		else if (w == W_ADD_ON_ENDED && open)
			open -= event_value(k, f) == event_value(k, e);
	}
	return open > 0;
}

/* Add-ons that ran at the start and were ended in the period. */
static int64_t ended_in(const struct pass *x, const struct chunk *k, uint32_t i, int p, int64_t running)
{
	int64_t ended = 0;
	for (uint32_t e = k->event_start[i]; e < k->event_start[i + 1]; e++)
		if (x->word[W_ADD_ON_ENDED] && k->events[e].name == x->word[W_ADD_ON_ENDED] &&
		    figures_period(x->t, k->events[e].at) == p)
			ended += event_value(k, e) == 0 ? running : !began_in(x, k, i, e, p);
	return ended < running ? ended : running;
}

static void account(const struct pass *x, const struct chunk *k, uint32_t i, customer_id c)
{
	for (int p = 0; p < x->t->count; p++) {
		struct kpi_input *o = &x->out[p];
		struct running main, add_on, main_before, add_on_before;
		state_before(x, k, i, x->t->start[p], &main_before, &add_on_before);
		state_before(x, k, i, x->t->start[p + 1], &main, &add_on);
		int64_t revenue = main.sum + add_on.sum;
		bool eligible = main.count > 0;
		figures_plus(&o->accounts_eligible, eligible);
		figures_plus(&o->accounts_attached, eligible && add_on.count > 0);
		figures_plus(&o->add_on_mrr, add_on.sum);
		figures_plus(&o->add_ons_start, add_on_before.count);
		figures_plus(&o->add_ons_ended, ended_in(x, k, i, p, add_on_before.count));
		figures_plus(&o->recurring_revenue, revenue);
		figures_plus(&o->accounts, revenue > 0);
		if (eligible || add_on.count || add_on_before.count)
			figures_tell(x->watch, (struct figures_seen){ .what = FIGURES_ACCOUNT,
			                                              .customer = c,
			                                              .period = p,
			                                              .at = x->t->start[p + 1] - 1,
			                                              .amount = revenue,
			                                              .yes = add_on.count > 0 });
	}
}

static int64_t won_after(const struct pass *x, const struct chunk *k, uint32_t i, int64_t at, int64_t until)
{
	int64_t won = INT64_MAX;
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1] && won == INT64_MAX; o++)
		if (order_is_sale(k, o) && k->order_at[o] >= at)
			won = k->order_at[o];
	for (uint32_t e = k->event_start[i]; x->word[W_WON] && e < k->event_start[i + 1]; e++)
		if (k->events[e].name == x->word[W_WON] && k->events[e].at >= at && k->events[e].at < won)
			won = k->events[e].at;
	return won < until ? won : 0;
}

static void lead(const struct pass *x, const struct chunk *k, uint32_t i, customer_id c, uint32_t e, int p)
{
	int64_t won = won_after(x, k, i, k->events[e].at, x->t->start[p + 1]);
	figures_plus(&x->out[p].leads_qualified, 1);
	figures_plus(&x->out[p].leads_qualified_won, won != 0);
	figures_tell(
		x->watch,
		(struct figures_seen){
			.what = FIGURES_LEAD, .customer = c, .period = p, .at = k->events[e].at, .until = won, .yes = won != 0 });
}

static void deal(const struct pass *x, const struct chunk *k, uint32_t i, customer_id c, uint32_t e, int p)
{
	zone_id zone = x->s->settings->zone;
	int64_t opened = -1;
	for (uint32_t before = k->event_start[i]; x->word[W_OPENED] && before < e; before++)
		if (k->events[before].name == x->word[W_OPENED])
			opened = k->events[before].at;
	if (opened < 0)
		return;
	figures_plus(&x->out[p].deals_won, 1);
	figures_plus(&x->out[p].cycle_days, zone_date(zone, (struct instant){ k->events[e].at }).day -
	                                        zone_date(zone, (struct instant){ opened }).day);
	figures_tell(x->watch, (struct figures_seen){ .what = FIGURES_DEAL,
	                                              .customer = c,
	                                              .period = p,
	                                              .at = opened,
	                                              .until = k->events[e].at,
	                                              .amount = event_value(k, e),
	                                              .yes = true });
}

static void proposal(const struct pass *x, const struct chunk *k, customer_id c, uint32_t e, int p, bool accepted)
{
	figures_plus(accepted ? &x->out[p].proposals_accepted : &x->out[p].proposals, 1);
	figures_tell(x->watch,
	             (struct figures_seen){
					 .what = FIGURES_PROPOSAL, .customer = c, .period = p, .at = k->events[e].at, .yes = accepted });
}

static void events_of(const struct pass *x, const struct chunk *k, uint32_t i, customer_id c)
{
	bool subscribes = false;
	for (uint32_t e = k->event_start[i]; e < k->event_start[i + 1]; e++) {
		int w = word_of(x, k->events[e].name), p = w == WORDS ? -1 : figures_period(x->t, k->events[e].at);
		subscribes |= w == W_SUBSCRIPTION || w == W_ADD_ON;
		if (p < 0)
			continue;
		if (w == W_LEAD)
			lead(x, k, i, c, e, p);
		else if (w == W_WON)
			deal(x, k, i, c, e, p);
		else if (w == W_PROPOSAL || w == W_ACCEPTED)
			proposal(x, k, c, e, p, w == W_ACCEPTED);
	}
	if (subscribes)
		account(x, k, i, c);
}

/* What the shop records at all is 0 in a quiet period, not unknown. */
static void begin(const struct pass *x, const struct figures_ask *ask)
{
	int64_t monthly = x->s->settings->acquisition_cost;
	for (int p = 0; p < x->t->count; p++) {
		struct kpi_input *o = &x->out[p];
		if (monthly > 0 && !ask->segment)
			o->acquisition_cost = (monthly * ask->each + 500) / 1000;
		if (x->word[W_SUBSCRIPTION] || x->word[W_ADD_ON])
			o->accounts_eligible = o->accounts_attached = o->add_on_mrr = o->add_ons_start = o->add_ons_ended =
				o->recurring_revenue = o->accounts = 0;
		if (x->word[W_LEAD])
			o->leads_qualified = o->leads_qualified_won = 0;
		if (x->word[W_WON] && x->word[W_OPENED])
			o->deals_won = o->cycle_days = 0;
		if (x->word[W_PROPOSAL])
			o->proposals = o->proposals_accepted = 0;
	}
}

void figures_accounts(const struct figures_shop *s, const struct figures_ask *ask, const struct figures_time *t,
                      struct kpi_input *out, const struct figures_watch *watch)
{
	struct pass x = { .s = s, .t = t, .out = out, .watch = watch };
	uint32_t any = 0;
	for (int w = 0; w < WORDS; w++)
		any |= x.word[w] = book_word_find(s->book, str_from(NAMES[w]));
	begin(&x, ask);
	for (size_t n = 0; any && n < s->version->chunk_count; n++) {
		const struct chunk *k = s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK; i++) {
			customer_id c = k->first + i;
			if (c <= s->version->customers && figures_counts(s, ask, c) && k->event_start[i] < k->event_start[i + 1])
				events_of(&x, k, i, c);
		}
	}
}
