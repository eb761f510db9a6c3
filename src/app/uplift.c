#include "app/uplift_int.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>

static const struct {
	const char *key, *fr, *en;
} NAMES[UPLIFT_OUTCOMES] = {
	[UPLIFT_CONVERSION] = { "conversion", "ont commandé", "ordered" },
	[UPLIFT_ORDERS] = { "orders", "commandes", "orders" },
	[UPLIFT_REVENUE] = { "revenue", "chiffre d’affaires", "revenue" },
	[UPLIFT_MARGIN] = { "margin", "marge nette", "net margin" },
};

const char *uplift_outcome_key(enum uplift_outcome o)
{
	return NAMES[o].key;
}

const char *uplift_outcome_name(enum uplift_outcome o, bool french)
{
	return french ? NAMES[o].fr : NAMES[o].en;
}

/* Cost of one piece; −1 unknown. */
static double piece_cost(const struct making *m, const struct product *p, double net_each)
{
	if (p->cost >= 0)
		return (double)p->cost;
	return m->ask->margin_per_mille >= 0 ? net_each * (double)(1000 - m->ask->margin_per_mille) / 1000 : -1;
}

static void add_margin(struct making *m, const struct chunk *k, uint32_t line, struct tally *t)
{
	product_id id = line_product(k, line) < m->product_count ? line_product(k, line) : 0;
	const struct product *p = &m->products[id];
	int64_t amount = line_amount(k, line);
	int32_t quantity = line_quantity(k, line);
	double net = (double)amount / (1 + p->vat_percent_x2 / 200.0);
	if (p->not_a_product) {
		t->margin += llround(net);
		return;
	}
	double cost = piece_cost(m, p, quantity ? net / quantity : net);
	int64_t size = amount < 0 ? -amount : amount;
	if (cost < 0) {
		m->out->blind_revenue += size;
		return;
	}
	m->known_revenue += size;
	t->margin += llround(net - cost * quantity);
}

static void add_order(struct making *m, const struct chunk *k, uint32_t o, struct tally *t)
{
	t->orders += order_is_sale(k, o);
	for (uint32_t l = order_line(k, o); l < order_line(k, o + 1); l++) {
		t->revenue += line_amount(k, l);
		add_margin(m, k, l, t);
	}
}

struct tally uplift_tally(struct making *m, customer_id c, int64_t entered)
{
	struct tally t = { 0 };
	struct view v;
	int64_t end = entered + (int64_t)m->out->window_days * DAY_S, pre = entered - (int64_t)UPLIFT_PRE_DAYS * DAY_S;
	view_at(&v, m->s->version, c, (struct instant){ end });
	for (uint32_t o = v.order0; o < v.order1; o++) {
		int64_t at = v.k->order_at[o];
		if (at > entered) {
			add_order(m, v.k, o, &t);
			continue;
		}
		if (order_is_sale(v.k, o)) {
			t.before++;
			t.last = at;
		}
		if (at > pre) {
			t.pre_orders += order_is_sale(v.k, o);
			t.pre_spend += order_total(v.k, o);
		}
	}
	return t;
}

/* Messages of the plan's run that left within the window; their cost in minor units, rounded once a customer. */
static int64_t message_cost(const struct making *m, const struct pstate *state, const struct run *run,
                            int64_t *messages)
{
	const struct plan_set *set = m->s->plans;
	int64_t thousandths = 0, end = (int64_t)run->entered_at + (int64_t)m->out->window_days * DAY_S;
	for (uint16_t i = 0; i < state->sent_count; i++) {
		const struct sent *sent = &state->sent[i];
		bool left = sent->state == SENT_ACCEPTED || sent->state == SENT_UNCERTAIN;
		bool own = m->ask->global ? sent->purpose == PURPOSE_MARKETING && sent->at >= run->entered_at
		                          : set->family[sent->plan] == set->family[run->plan] && sent->run_no == run->run_no;
		if (!left || !own || sent->at > end)
			continue;
		thousandths += m->s->settings->channel_cost[sent->channel];
		++*messages;
	}
	return (thousandths + 500) / 1000;
}

size_t uplift_row(struct making *m, int arm, const struct tally *t, int64_t cost)
{
	struct entrants *e = &m->e;
	if (e->count == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 1024;
		e->arm = mem_realloc(e->arm, cap);
		for (int o = 0; o < UPLIFT_OUTCOMES; o++) {
			e->y[o] = mem_realloc(e->y[o], cap * sizeof *e->y[o]);
			e->x[o] = mem_realloc(e->x[o], cap * sizeof *e->x[o]);
		}
		e->cap = cap;
	}
	size_t i = e->count++;
	e->arm[i] = (uint8_t)arm;
	e->y[UPLIFT_CONVERSION][i] = t->orders > 0;
	e->y[UPLIFT_ORDERS][i] = (double)t->orders;
	e->y[UPLIFT_REVENUE][i] = (double)t->revenue / m->scale;
	e->y[UPLIFT_MARGIN][i] = (double)(t->margin - cost) / m->scale;
	e->x[UPLIFT_CONVERSION][i] = e->x[UPLIFT_ORDERS][i] = (double)t->pre_orders;
	e->x[UPLIFT_REVENUE][i] = e->x[UPLIFT_MARGIN][i] = (double)t->pre_spend / m->scale;
	return i;
}

void uplift_rows_release(struct entrants *e)
{
	free(e->arm);
	for (int o = 0; o < UPLIFT_OUTCOMES; o++) {
		free(e->y[o]);
		free(e->x[o]);
	}
}

bool uplift_margin_known(const struct making *m)
{
	int64_t all = m->known_revenue + m->out->blind_revenue;
	return m->out->blind_revenue * 100 <= all * UPLIFT_BLIND_PERCENT && (all > 0 || m->e.count > 0);
}

static enum uplift_was was_at(const struct making *m, const struct tally *t, int64_t entered)
{
	zone_id zone = m->s->settings->zone;
	if (t->before == 0)
		return UPLIFT_WAS_PROSPECT;
	struct date last = zone_date(zone, (struct instant){ t->last }), day = zone_date(zone, (struct instant){ entered });
	if (date_add_months(last, m->s->settings->lifecycle.lapsing_months).day <= day.day)
		return UPLIFT_WAS_LAPSING;
	return t->before == 1 ? UPLIFT_WAS_NEW : UPLIFT_WAS_ACTIVE;
}

static void add_entrant(struct making *m, customer_id c, const struct pstate *state, const struct run *run)
{
	struct uplift *u = m->out;
	struct uplift_arm *arm = &u->arm[run->control ? UPLIFT_CONTROL : UPLIFT_TREATED];
	struct tally t = uplift_tally(m, c, run->entered_at);
	int64_t cost = message_cost(m, state, run, &arm->messages);
	uplift_row(m, run->control ? UPLIFT_CONTROL : UPLIFT_TREATED, &t, cost);
	u->was[was_at(m, &t, run->entered_at)]++;
	arm->customers++;
	arm->converted += t.orders > 0;
	arm->orders += t.orders;
	arm->revenue += t.revenue;
	arm->margin += t.margin;
	arm->message_cost += cost;
	m->planned += (m->ask->global ? m->s->settings->global_control_per_million
	                              : m->s->plans->plans[run->plan]->control_per_million) /
	              1e6;
	if (u->first.s == 0 || run->entered_at < u->first.s)
		u->first.s = run->entered_at;
	if (run->entered_at > u->last.s)
		u->last.s = run->entered_at;
}

/* Known before the start: a profile that says since when, or any fact. */
static bool known_at(const struct making *m, customer_id c, int64_t at)
{
	struct view v;
	view_at(&v, m->s->version, c, (struct instant){ at - 1 });
	uint32_t created = view_profile(&v)->created;
	return (created && created < at) || v.order1 > v.order0 || v.cart1 > v.cart0 || v.consent1 > v.consent0 ||
	       v.event1 > v.event0;
}

static bool in_global_control(const struct making *m, customer_id c)
{
	return draw_per_million(draw_u64(m->s->seed, DRAW_GLOBAL_CONTROL, 0, c, 0, 0)) <
	       m->s->settings->global_control_per_million;
}

static void look_at_everybody(struct making *m, customer_id c)
{
	struct run run = { .entered_at = (uint32_t)m->ask->from.s };
	static const struct pstate NOTHING;
	if (!known_at(m, c, run.entered_at))
		return;
	run.control = in_global_control(m, c);
	if (run.entered_at + (int64_t)m->out->window_days * DAY_S > m->s->now.s)
		m->out->too_recent++;
	else
		add_entrant(m, c, m->s->states ? &m->s->states[c] : &NOTHING, &run);
}

/* One person by a merge whose records stood in different arms of the experiment: which one worked on them? */
static bool crosses_arms(const struct making *m, const struct pstate *state)
{
	const struct plan_set *set = m->s->plans;
	bool joined = false, arms[2] = { false, false };
	for (uint16_t i = 0; i < state->run_count; i++) {
		const struct run *r = &state->runs[i];
		if (set->plans[r->plan]->draw_key != set->plans[m->ask->plan]->draw_key)
			continue;
		joined |= run_is_joined(r->run_no);
		arms[r->control] = true;
	}
	return joined && arms[0] && arms[1];
}

/* Of the global control group: a bit per survivor one of whose records was drawn otherwise. */
static uint64_t *find_crossed(const struct making *m)
{
	uint64_t *bits = NULL;
	for (customer_id c = 1; c <= m->s->version->customers; c++) {
		customer_id root = book_profile(m->s->version, c)->merged;
		if (!root || in_global_control(m, c) == in_global_control(m, root))
			continue;
		if (!bits)
			bits = mem_alloc(((size_t)m->s->version->customers / 64 + 1) * sizeof *bits);
		bits[root >> 6] |= (uint64_t)1 << (root & 63);
	}
	return bits;
}

static void look_at(struct making *m, customer_id c)
{
	if (m->ask->global) {
		look_at_everybody(m, c);
		return;
	}
	const struct pstate *state = &m->s->states[c];
	const struct plan_set *set = m->s->plans;
	const struct run *first = NULL;
	for (uint16_t i = 0; i < state->run_count; i++) {
		const struct run *r = &state->runs[i];
		if (set->family[r->plan] == set->family[m->ask->plan] && (!first || r->entered_at < first->entered_at))
			first = r;
	}
	if (!first || crosses_arms(m, state) || first->entered_at < m->ask->from.s ||
	    (m->ask->to.s && first->entered_at >= m->ask->to.s))
		return;
	if (first->entered_at + (int64_t)m->out->window_days * DAY_S > m->s->now.s)
		m->out->too_recent++;
	else
		add_entrant(m, c, state, first);
}

/* With a covariate only where it varies in the arms: CUPED on a constant is nothing. */
static void compare(struct making *m)
{
	struct uplift *u = m->out;
	double level = m->ask->level > 0 ? m->ask->level : 0.95;
	for (int o = 0; o < UPLIFT_OUTCOMES; o++) {
		struct moments arms[UPLIFT_ARMS] = { 0 };
		moments_fold(m->e.arm, m->e.y[o], m->e.x[o], m->e.count, UPLIFT_ARMS, m->s->threads, arms);
		experiment_compare(&arms[UPLIFT_CONTROL], &arms[UPLIFT_TREATED], level, 1, &u->outcome[o]);
	}
	double n = (double)m->e.count;
	if (n > 0 && m->planned > 0 && m->planned < n) {
		u->planned_control = m->planned / n;
		u->srm = experiment_srm((double[]){ (double)u->arm[0].customers, (double)u->arm[1].customers },
		                        (double[]){ u->planned_control, 1 - u->planned_control }, UPLIFT_ARMS);
	}
	u->margin_known = uplift_margin_known(m);
}

void uplift_make(const struct figures_shop *s, const struct uplift_ask *ask, struct uplift *out)
{
	struct making m = { .s = s, .ask = ask, .out = out, .scale = pow(10, s->settings->currency.exponent) };
	*out = (struct uplift){ .window_days = ask->window_days > 0 ? ask->window_days : UPLIFT_WINDOW_DAYS };
	m.products = book_products(s->book, &m.product_count);
	uint64_t *crossed = ask->global ? find_crossed(&m) : NULL;
	for (customer_id c = 1; c <= s->version->customers; c++)
		if (figures_is_person(s, c) && !(crossed && crossed[c >> 6] >> (c & 63) & 1) &&
		    (!ask->segment || (ask->segment[c >> 6] >> (c & 63) & 1)))
			look_at(&m, c);
	if (out->first.s)
		out->days = (double)(s->now.s - out->first.s) / DAY_S;
	compare(&m);
	free(crossed);
	uplift_rows_release(&m.e);
}

void uplift_finding(const struct uplift *u, enum uplift_outcome o, const struct settings *settings, bool french,
                    struct finding *out)
{
	bool euro = str_is(str_from(settings->currency.code), "EUR");
	struct finding_ask ask = { .days = u->days, .french = french };
	switch (o) {
	case UPLIFT_CONVERSION: ask.unit = french ? "acheteurs" : "buyers"; break;
	case UPLIFT_ORDERS: ask.unit = french ? "commandes" : "orders"; break;
	case UPLIFT_REVENUE:
	case UPLIFT_MARGIN:
	case UPLIFT_OUTCOMES: ask.unit = euro ? "€" : settings->currency.code; break;
	}
	experiment_finding(&u->outcome[o], &u->srm, &ask, out);
}
