#include "app/case_shop.h"

#include <math.h>

struct counting {
	const struct figures_shop *s;
	int64_t from, until, year_ago; /* instants */
	int64_t firsts, first_value;   /* first ordered in the year; the value of these first orders */
	struct cohort {
		int64_t people, loyal, loyal_spend;
	} earlier, own; /* first ordered in the year before, in the year */
	int64_t customers, active, active_spend;
};

static struct instant start_of(zone_id zone, int month)
{
	return zone_instant(zone, date_from_ymd(month / 12, month % 12 + 1, 1), 0);
}

/* What one customer is in the case. */
struct in_case {
	bool bought;                /* before the end of the year */
	int64_t first, first_value; /* the first order */
	bool active;                /* ordered in the year; */
	int64_t spend;              /* revenue of the year */
	bool earlier, own;          /* of whom it is asked whether they became loyal: first ordered … */
	bool loyal;
	int64_t orders, loyal_spend; /* in the twelve months from the first order on */
};

static void follow(const struct counting *x, const struct chunk *k, uint32_t i, struct in_case *p)
{
	zone_id zone = x->s->settings->zone;
	int32_t end = date_add_months(zone_date(zone, (struct instant){ p->first }), 12).day;
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
		int64_t at = k->order_at[o];
		if (at < p->first || at >= x->until || zone_date(zone, (struct instant){ at }).day >= end)
			continue;
		p->orders += order_is_sale(k, o);
		p->loyal_spend += order_total(k, o);
	}
	p->loyal = p->orders >= x->s->settings->lifecycle.loyal_orders;
}

static struct in_case look_at(const struct counting *x, const struct chunk *k, uint32_t i)
{
	struct in_case p = { .first = -1 };
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1] && k->order_at[o] < x->until; o++) {
		bool sale = order_is_sale(k, o);
		if (sale && p.first < 0) {
			p.first = k->order_at[o];
			p.first_value = order_total(k, o);
		}
		if (k->order_at[o] < x->from)
			continue;
		p.active |= sale;
		p.spend += order_total(k, o);
	}
	p.bought = p.first >= 0;
	p.own = p.bought && p.first >= x->from;
	p.earlier = p.bought && !p.own && p.first >= x->year_ago;
	if (p.own || p.earlier)
		follow(x, k, i, &p);
	return p;
}

static void count_cohort(struct cohort *c, const struct in_case *p)
{
	c->people++;
	c->loyal += p->loyal;
	c->loyal_spend += p->loyal ? p->loyal_spend : 0;
}

static void count_customer(struct counting *x, const struct in_case *p)
{
	x->customers += p->bought;
	x->active += p->active;
	x->active_spend += p->active ? p->spend : 0;
	x->firsts += p->own;
	x->first_value += p->own ? p->first_value : 0;
	if (p->own)
		count_cohort(&x->own, p);
	if (p->earlier)
		count_cohort(&x->earlier, p);
}

/* Without a sink they are counted; with one, listed until it has enough. */
static void look_at_all(struct counting *x, void (*row)(void *ctx, customer_id c, const struct in_case *p), void *ctx)
{
	const struct figures_ask all = { .channel = -1 };
	for (size_t n = 0; n < x->s->version->chunk_count; n++) {
		const struct chunk *k = x->s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && k->first + i <= x->s->version->customers; i++) {
			if (k->order_start[i] == k->order_start[i + 1] || !figures_counts(x->s, &all, k->first + i))
				continue;
			struct in_case p = look_at(x, k, i);
			if (row)
				row(ctx, k->first + i, &p);
			else
				count_customer(x, &p);
		}
	}
}

static int64_t millionths(int64_t part, int64_t whole)
{
	return whole > 0 ? llround((double)part / (double)whole * CASE_MILLION) : 0;
}

static int64_t mean(int64_t sum, int64_t count)
{
	return count > 0 && sum > 0 ? llround((double)sum / (double)count) : 0;
}

/* Thousandths of minor units, rounded once. */
static int64_t messages_cost(const struct counting *x)
{
	int64_t thousandths = 0;
	for (customer_id c = 1; x->s->states && c <= x->s->version->customers; c++)
		for (uint16_t m = 0; m < x->s->states[c].sent_count; m++) {
			const struct sent *sent = &x->s->states[c].sent[m];
			bool left = sent->state == SENT_ACCEPTED || sent->state == SENT_UNCERTAIN;
			if (left && !run_is_joined(sent->run_no) && sent->at >= x->from && sent->at < x->until)
				thousandths += x->s->settings->channel_cost[sent->channel];
		}
	return (thousandths + 500) / 1000;
}

static void missing(struct case_shop *out, enum case_known k, const char *fr, const char *en)
{
	out->missing_fr[k] = fr;
	out->missing_en[k] = en;
}

/* Of whom it is asked whether they became loyal. */
static const struct cohort *cohort_of(const struct counting *x)
{
	return x->earlier.people > 0 ? &x->earlier : &x->own;
}

/* The year as it was, on the side "after". */
static void fill(const struct counting *x, const struct kpi_input *year, struct case_shop *out)
{
	struct case_input *in = &out->input;
	struct case_side *a = &in->after;
	bool known = year->prospects != KPI_UNKNOWN && year->prospects > 0;
	in->prospects = known ? year->prospects : 0;
	a->transformation = known ? millionths(year->prospects_sold, year->prospects) : 0;
	if (!known)
		missing(out, CASE_KNOWN_CONVERSION,
		        "personne n’est connu avant son premier achat\u00a0: importer les prospects avec leur date de création",
		        "nobody is known before their first order: import prospects with the date they were met");
	a->basket = mean(x->first_value, x->firsts);
	if (x->firsts == 0)
		missing(out, CASE_KNOWN_BASKET, "aucun premier achat dans l’année", "no first order in the year");
	const struct cohort *c = cohort_of(x);
	out->loyal_understated = c == &x->own;
	a->conversion = millionths(c->loyal, c->people);
	a->loyal_value = mean(c->loyal_spend, c->loyal);
	if (c->loyal == 0)
		missing(out, CASE_KNOWN_LOYAL, "aucun nouveau client n’est encore devenu fidèle",
		        "no new customer has become loyal yet");
	in->customers = x->customers;
	a->activity = millionths(x->active, x->customers);
	a->active_value = mean(x->active_spend, x->active);
	if (x->active == 0)
		missing(out, CASE_KNOWN_ACTIVE, "personne n’a commandé dans l’année", "nobody ordered in the year");
	in->yearly_cost = messages_cost(x);
}

/* ---- what the plans brought ---- */

static enum case_line line_of(const struct uplift *u)
{
	static const enum case_line LINE[UPLIFT_WAS] = { [UPLIFT_WAS_PROSPECT] = CASE_FIRST_SALES,
		                                             [UPLIFT_WAS_NEW] = CASE_LOYAL,
		                                             [UPLIFT_WAS_LAPSING] = CASE_ACTIVE,
		                                             [UPLIFT_WAS_ACTIVE] = CASE_EXTRA };
	int most = UPLIFT_WAS_ACTIVE;
	for (int w = 0; w < UPLIFT_WAS; w++)
		most = u->was[w] > u->was[most] ? w : most;
	return LINE[most];
}

static void add_plan(const struct counting *x, uint16_t plan, bool french, struct case_shop *out)
{
	struct uplift u;
	struct case_plan *p = &out->plans[out->plan_count];
	uplift_make(x->s,
	            &(struct uplift_ask){ .plan = plan, .from = { x->from }, .to = { x->until }, .margin_per_mille = -1 },
	            &u);
	if (u.arm[UPLIFT_TREATED].customers + u.arm[UPLIFT_CONTROL].customers == 0)
		return;
	out->plan_count++;
	*p = (struct case_plan){ .plan = plan, .line = line_of(&u) };
	enum uplift_outcome o = p->line == CASE_EXTRA ? UPLIFT_REVENUE : UPLIFT_CONVERSION;
	const struct comparison *c = &u.outcome[o];
	uplift_finding(&u, o, x->s->settings, french, &p->finding);
	if (!c->known || !c->seq_known)
		return;
	double scale = c->treated_n * (o == UPLIFT_REVENUE ? pow(10, x->s->settings->currency.exponent) : 1);
	p->brought = c->difference * scale;
	p->low = c->seq_low * scale;
	p->high = c->seq_high * scale;
	p->counts = p->finding.kind == FINDING_BROUGHT || p->finding.kind == FINDING_LOST;
}

static int64_t least(double v, int64_t high)
{
	return v < 0 ? 0 : v > (double)high ? high : llround(v);
}

/* The year without `brought` on each line as "before". What active customers spent more is their extra value. */
static struct case_input parted(const struct counting *x, const struct case_input *year,
                                const double brought[CASE_LINES])
{
	struct case_input in = *year;
	struct case_side *b = &in.before, *a = &in.after;
	double fresh = (double)in.prospects * (double)a->transformation / CASE_MILLION;
	int64_t extra = x->active > 0 ? llround(brought[CASE_EXTRA] / (double)x->active) : 0;
	*b = *a;
	if (extra >= 0) {
		a->extra_value = least((double)extra, a->active_value);
		a->active_value -= a->extra_value;
		b->active_value = a->active_value;
	} else {
		b->active_value = least((double)(a->active_value - extra), CASE_MINOR_MAX);
	}
	if (in.prospects > 0)
		b->transformation = least(
			(double)a->transformation - brought[CASE_FIRST_SALES] / (double)in.prospects * CASE_MILLION, CASE_MILLION);
	if (fresh >= 1)
		b->conversion = least((double)a->conversion - brought[CASE_LOYAL] / fresh * CASE_MILLION, CASE_MILLION);
	if (in.customers > 0)
		b->activity =
			least((double)a->activity - brought[CASE_ACTIVE] / (double)in.customers * CASE_MILLION, CASE_MILLION);
	return in;
}

static bool compute(const struct counting *x, struct case_shop *out, struct err *err)
{
	double brought[CASE_LINES] = { 0 }, low[CASE_LINES] = { 0 }, high[CASE_LINES] = { 0 };
	struct case_input in;
	struct case_result r;
	for (size_t i = 0; i < out->plan_count; i++) {
		const struct case_plan *p = &out->plans[i];
		if (!p->counts)
			continue;
		brought[p->line] += p->brought;
		low[p->line] += p->low;
		high[p->line] += p->high;
	}
	in = parted(x, &out->input, low);
	if (!case_compute(&in, &r, err))
		return false;
	out->gain_low = r.total.gain;
	in = parted(x, &out->input, high);
	if (!case_compute(&in, &r, err))
		return false;
	out->gain_high = r.total.gain;
	out->input = parted(x, &out->input, brought);
	return case_compute(&out->input, &out->result, err);
}

/* The year of the case. */
static bool begin(const struct figures_shop *s, struct counting *x, struct figures_ask *ask, struct err *err)
{
	int month;
	zone_id zone = s->settings->zone;
	if (!figures_last_month(s, &month))
		return err_set(err, ERR_INPUT, "no order yet: import some with \"relance import\"");
	*ask = (struct figures_ask){
		.first_month = month - 11, .each = 12, .periods = 1, .channel = -1, .margin_per_mille = -1
	};
	*x = (struct counting){ .s = s,
		                    .from = start_of(zone, month - 11).s,
		                    .until = start_of(zone, month + 1).s,
		                    .year_ago = start_of(zone, month - 23).s };
	return true;
}

bool case_shop_make(const struct figures_shop *s, bool french, struct case_shop *out, struct err *err)
{
	struct kpi_input year[2];
	struct figures_ask ask;
	struct counting x;
	zone_id zone = s->settings->zone;
	*out = (struct case_shop){ 0 };
	if (!begin(s, &x, &ask, err) || !figures_make(s, &ask, year, err))
		return false;
	out->from = zone_date(zone, (struct instant){ x.from });
	out->until = zone_date(zone, (struct instant){ x.until });
	look_at_all(&x, NULL, NULL);
	fill(&x, &year[1], out);
	for (uint16_t i = 0; s->plans && s->states && i < s->plans->count; i++)
		if (s->plans->family[i] == i)
			add_plan(&x, i, french, out);
	return compute(&x, out, err);
}

/* ---- who stands behind a line ---- */

struct listing {
	const struct counting *x;
	const struct drill_sink *sink;
	enum case_line line;
	bool earlier, enough;
};

static void list_customer(void *ctx, customer_id c, const struct in_case *p)
{
	struct listing *l = ctx;
	bool here = l->line == CASE_LOYAL    ? (l->earlier ? p->earlier : p->own)
	            : l->line == CASE_ACTIVE ? p->bought
	                                     : p->active;
	struct drill_cell first = drill_day(l->x->s, p->first);
	if (!here || l->enough)
		return;
	if (l->line == CASE_LOYAL)
		l->enough = !l->sink->row(l->sink->ctx,
		                          (struct drill_cell[]){ drill_number(c), first, drill_number(p->orders),
		                                                 drill_number(p->loyal_spend), drill_number(p->loyal) },
		                          5);
	else
		l->enough = !l->sink->row(
			l->sink->ctx,
			(struct drill_cell[]){ drill_number(c), first, drill_number(p->spend), drill_number(p->active) }, 4);
}

int case_columns(enum case_line line, struct drill_column out[DRILL_COLUMNS_MAX])
{
	static const struct drill_column LOYAL[] = { { "customer", DRILL_CUSTOMER },
		                                         { "first_order", DRILL_DAY },
		                                         { "orders", DRILL_NUMBER },
		                                         { "revenue", DRILL_MONEY },
		                                         { "loyal", DRILL_YES_NO } },
									 ACTIVE[] = { { "customer", DRILL_CUSTOMER },
		                                          { "first_order", DRILL_DAY },
		                                          { "revenue", DRILL_MONEY },
		                                          { "active", DRILL_YES_NO } };
	if (line == CASE_FIRST_SALES)
		return drill_columns(KPI_CONVERSION, out);
	memcpy(out, line == CASE_LOYAL ? LOYAL : ACTIVE, line == CASE_LOYAL ? sizeof LOYAL : sizeof ACTIVE);
	return line == CASE_LOYAL ? (int)ARRAY_LEN(LOYAL) : (int)ARRAY_LEN(ACTIVE);
}

bool case_rows(const struct figures_shop *s, enum case_line line, const struct drill_sink *sink, struct err *err)
{
	struct figures_ask ask;
	struct counting x;
	if (!begin(s, &x, &ask, err))
		return false;
	if (line == CASE_FIRST_SALES) {
		drill_make(KPI_CONVERSION, s, &ask, sink);
		return true;
	}
	if (line == CASE_LOYAL)
		look_at_all(&x, NULL, NULL);
	struct listing l = { &x, sink, line, cohort_of(&x) == &x.earlier, false };
	look_at_all(&x, list_customer, &l);
	return true;
}
