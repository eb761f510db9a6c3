/* What is not sales: first contacts, carts, messages, surveys, visits. One pass over the customers. */
#include "app/figures.h"

#include "fold/basis.h"

#include <stdlib.h>

struct pass {
	const struct figures_shop *s;
	const struct figures_ask *ask;
	const struct figures_time *t;
	struct kpi_input *out;
	const struct figures_watch *watch;
	uint32_t visit; /* word of the event, 0 never used */
	uint8_t *asks;  /* by plan × STEPS_MAX + step: a survey's question */
	uint64_t *carts;
	size_t cart_cap;
	struct thresholds thresholds;
};

/* ---- contacts ---- */

static int64_t first_contact(const struct chunk *k, uint32_t i)
{
	if (k->profile[i].created)
		return k->profile[i].created;
	int64_t at = INT64_MAX;
	if (k->event_start[i] < k->event_start[i + 1])
		at = k->events[k->event_start[i]].at;
	if (k->consent_start[i] < k->consent_start[i + 1] && k->consents[k->consent_start[i]].at < at)
		at = k->consents[k->consent_start[i]].at;
	if (k->cart_start[i] < k->cart_start[i + 1] && k->carts[k->cart_start[i]].at < at)
		at = k->carts[k->cart_start[i]].at;
	return at;
}

static int64_t first_sale(const struct chunk *k, uint32_t i)
{
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++)
		if (order_is_sale(k, o))
			return k->order_at[o];
	return INT64_MAX;
}

static void contacts(const struct pass *x, const struct chunk *k, uint32_t i, customer_id c)
{
	int64_t met = first_contact(k, i), bought = first_sale(k, i);
	zone_id zone = x->s->settings->zone;
	if (met == INT64_MAX || met >= bought)
		return;
	int days = bought == INT64_MAX
	               ? 1
	               : zone_date(zone, (struct instant){ bought }).day - zone_date(zone, (struct instant){ met }).day;
	if (days == 0)
		return;
	int q = bought == INT64_MAX ? -1 : figures_period(x->t, bought);
	for (int p = 0; p < x->t->count; p++) {
		if (met >= x->t->start[p + 1] || bought < x->t->start[p])
			continue;
		figures_plus(&x->out[p].prospects, 1);
		figures_plus(&x->out[p].prospects_sold, p == q);
		figures_tell(x->watch, (struct figures_seen){ .what = FIGURES_PROSPECT,
		                                              .customer = c,
		                                              .period = p,
		                                              .at = met,
		                                              .until = p == q ? bought : 0,
		                                              .yes = p == q });
	}
	if (q >= 0) {
		figures_plus(&x->out[q].convert_days, days);
		figures_plus(&x->out[q].converted, 1);
		figures_tell(
			x->watch,
			(struct figures_seen){
				.what = FIGURES_CONVERTED, .customer = c, .period = q, .at = met, .until = bought, .yes = true });
	}
}

/* ---- carts ---- */

static bool ordered_after(const struct chunk *k, uint32_t i, uint32_t at)
{
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++)
		if (order_is_sale(k, o) && k->order_at[o] >= at && k->order_at[o] <= (int64_t)at + FIGURES_CART_DAYS * DAY_S)
			return true;
	return false;
}

static void carts(struct pass *x, const struct chunk *k, uint32_t i, customer_id who)
{
	uint32_t from = k->cart_start[i], to = k->cart_start[i + 1];
	for (uint32_t c = from; c < to; c++) {
		uint32_t last = c;
		bool known = false;
		for (uint32_t d = from; d < c && !known; d++)
			known = k->carts[d].cart == k->carts[c].cart;
		for (uint32_t d = c + 1; d < to && !known; d++)
			last = k->carts[d].cart == k->carts[c].cart ? d : last;
		int p = known ? -1 : figures_period(x->t, k->carts[c].at);
		if (p < 0)
			continue;
		bool left = k->carts[last].state == CART_CHANGED && !ordered_after(k, i, k->carts[last].at);
		figures_plus(&x->out[p].carts, 1);
		figures_plus(&x->out[p].carts_abandoned, left);
		figures_tell(x->watch, (struct figures_seen){ .what = FIGURES_CART,
		                                              .customer = who,
		                                              .period = p,
		                                              .at = k->carts[c].at,
		                                              .until = k->carts[last].at,
		                                              .amount = cart_total(k, &k->carts[last]),
		                                              .yes = left });
	}
}

/* ---- the web ---- */

static void visits(const struct pass *x, const struct chunk *k, uint32_t i, customer_id c)
{
	for (uint32_t e = k->event_start[i]; x->visit && e < k->event_start[i + 1]; e++) {
		int p = k->events[e].name == x->visit ? figures_period(x->t, k->events[e].at) : -1;
		if (p < 0)
			continue;
		figures_plus(&x->out[p].web_visits, 1);
		figures_tell(x->watch,
		             (struct figures_seen){ .what = FIGURES_VISIT, .customer = c, .period = p, .at = k->events[e].at });
	}
	for (uint32_t o = k->order_start[i]; x->visit && o < k->order_start[i + 1]; o++) {
		bool web = order_is_sale(k, o) && k->order_flags[o] >> ORDER_CHANNEL_SHIFT == SALE_WEB;
		int p = web ? figures_period(x->t, k->order_at[o]) : -1;
		if (p < 0)
			continue;
		figures_plus(&x->out[p].web_orders, 1);
		figures_tell(x->watch, (struct figures_seen){ .what = FIGURES_WEB_ORDER,
		                                              .customer = c,
		                                              .period = p,
		                                              .at = k->order_at[o],
		                                              .amount = order_total(k, o),
		                                              .yes = true });
	}
}

/* ---- messages ---- */

bool figures_may_know(const struct book *b, const struct version *v, const struct thresholds *t, customer_id c,
                      const struct sent *m)
{
	return m->state == SENT_ACCEPTED && m->channel == CHANNEL_EMAIL &&
	       basis_may_track_at(b, v, t, c, (struct instant){ m->at });
}

static void messages(const struct pass *x, customer_id c)
{
	const struct pstate *state = &x->s->states[c];
	for (uint16_t m = 0; m < state->sent_count; m++) {
		const struct sent *sent = &state->sent[m];
		int p = sent->state == SENT_ACCEPTED ? figures_period(x->t, sent->at) : -1;
		if (p < 0)
			continue;
		if (figures_may_know(x->s->book, x->s->version, &x->thresholds, c, sent)) {
			figures_plus(&x->out[p].delivered_knowable, 1);
			figures_plus(&x->out[p].opened, sent->opened_at || sent->clicked_at);
			figures_plus(&x->out[p].clicked, sent->clicked_at != 0);
			figures_tell(x->watch, (struct figures_seen){ .what = FIGURES_MESSAGE,
			                                              .customer = c,
			                                              .period = p,
			                                              .at = sent->at,
			                                              .opened = sent->opened_at || sent->clicked_at,
			                                              .yes = sent->clicked_at != 0 });
		}
		if (x->asks && x->asks[x->s->plans->family[sent->plan] * STEPS_MAX + sent->step]) {
			figures_plus(&x->out[p].surveys_delivered, 1);
			figures_plus(&x->out[p].answers, sent->answer != ANSWER_NONE);
			bool satisfied = sent->answer == ANSWER_VERY_SATISFIED || sent->answer == ANSWER_SATISFIED;
			figures_plus(&x->out[p].answers_satisfied, satisfied);
			figures_tell(x->watch, (struct figures_seen){ .what = FIGURES_SURVEY,
			                                              .customer = c,
			                                              .period = p,
			                                              .at = sent->at,
			                                              .answer = sent->answer,
			                                              .yes = satisfied });
		}
	}
}

static void find_surveys(struct pass *x)
{
	const struct plan_set *set = x->s->plans;
	x->asks = mem_alloc((set->count + 1) * STEPS_MAX);
	for (size_t i = 0; i < set->count; i++)
		if (str_is(set->plans[i]->name, "survey"))
			for (int step = 0; step < set->plans[i]->step_count; step++)
				if (set->plans[i]->steps[step].action == STEP_SEND) {
					x->asks[set->family[i] * STEPS_MAX + step] = 1;
					break;
				}
	for (customer_id c = 1; c <= x->s->version->customers; c++)
		for (uint16_t m = 0; m < x->s->states[c].sent_count; m++)
			if (x->s->states[c].sent[m].answer != ANSWER_NONE)
				x->asks[set->family[x->s->states[c].sent[m].plan] * STEPS_MAX + x->s->states[c].sent[m].step] = 1;
}

/* A shop that holds such data at all has none of it in a quiet period: 0, not unknown. */
static void zero_where_known(struct kpi_input *out, int count)
{
	static const size_t GROUPS[][3] = {
#define AT(field) offsetof(struct kpi_input, field) / sizeof(int64_t)
		{ AT(prospects), AT(prospects_sold), AT(prospects_sold) },
		{ AT(convert_days), AT(converted), AT(converted) },
		{ AT(carts), AT(carts_abandoned), AT(carts_abandoned) },
		{ AT(web_visits), AT(web_orders), AT(web_orders) },
		{ AT(delivered_knowable), AT(opened), AT(clicked) },
		{ AT(surveys_delivered), AT(answers), AT(answers_satisfied) },
#undef AT
	};
	for (size_t g = 0; g < ARRAY_LEN(GROUPS); g++) {
		bool known = false;
		for (int p = 0; p < count; p++)
			known = known || ((int64_t *)&out[p])[GROUPS[g][0]] != KPI_UNKNOWN;
		for (int p = 0; p < count && known; p++)
			for (size_t i = 0; i < 3; i++)
				figures_plus(&((int64_t *)&out[p])[GROUPS[g][i]], 0);
	}
}

void figures_people(const struct figures_shop *s, const struct figures_ask *ask, const struct figures_time *t,
                    struct kpi_input *out, const struct figures_watch *watch)
{
	struct pass x = {
		.s = s, .ask = ask, .t = t, .out = out, .watch = watch, .visit = book_word_find(s->book, STR("visit"))
	};
	x.thresholds.day = zone_date(s->settings->zone, s->now);
	if (s->states && s->plans)
		find_surveys(&x);
	for (size_t n = 1; n < s->version->chunk_count; n++) { /* the first is of guests alone */
		const struct chunk *k = s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK; i++) {
			customer_id c = k->first + i;
			if (c > s->version->customers || !figures_counts(s, ask, c))
				continue;
			contacts(&x, k, i, c);
			carts(&x, k, i, c);
			visits(&x, k, i, c);
			if (s->states)
				messages(&x, c);
		}
	}
	zero_where_known(out, t->count);
	free(x.asks);
}
