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

/* Orders and spend in the twelve months from the first order on. */
static void follow(const struct counting *x, const struct chunk *k, uint32_t i, int64_t first, struct cohort *c)
{
	zone_id zone = x->s->settings->zone;
	int32_t end = date_add_months(zone_date(zone, (struct instant){ first }), 12).day;
	int64_t orders = 0, spend = 0;
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
		int64_t at = k->order_at[o];
		if (at < first || at >= x->until || zone_date(zone, (struct instant){ at }).day >= end)
			continue;
		orders += order_is_sale(k, o);
		spend += order_total(k, o);
	}
	c->people++;
	if (orders < x->s->settings->lifecycle.loyal_orders)
		return;
	c->loyal++;
	c->loyal_spend += spend;
}

static void count_customer(struct counting *x, const struct chunk *k, uint32_t i)
{
	int64_t first = -1, first_value = 0, spend = 0;
	bool active = false;
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1] && k->order_at[o] < x->until; o++) {
		bool sale = order_is_sale(k, o);
		if (sale && first < 0) {
			first = k->order_at[o];
			first_value = order_total(k, o);
		}
		if (k->order_at[o] < x->from)
			continue;
		active |= sale;
		spend += order_total(k, o);
	}
	if (first < 0)
		return;
	x->customers++;
	x->active += active;
	x->active_spend += active ? spend : 0;
	if (first >= x->from) {
		x->firsts++;
		x->first_value += first_value;
		follow(x, k, i, first, &x->own);
	} else if (first >= x->year_ago) {
		follow(x, k, i, first, &x->earlier);
	}
}

static void count_customers(struct counting *x)
{
	const struct figures_ask all = { .channel = -1 };
	for (size_t n = 0; n < x->s->version->chunk_count; n++) {
		const struct chunk *k = x->s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && k->first + i <= x->s->version->customers; i++)
			if (figures_counts(x->s, &all, k->first + i))
				count_customer(x, k, i);
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
	const struct cohort *c = x->earlier.people > 0 ? &x->earlier : &x->own;
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

bool case_shop_make(const struct figures_shop *s, bool french, struct case_shop *out, struct err *err)
{
	int month;
	struct kpi_input year[2];
	zone_id zone = s->settings->zone;
	*out = (struct case_shop){ 0 };
	if (!figures_last_month(s, &month))
		return err_set(err, ERR_INPUT, "no order yet: import some with \"relance import\"");
	struct figures_ask ask = {
		.first_month = month - 11, .each = 12, .periods = 1, .channel = -1, .margin_per_mille = -1
	};
	struct counting x = { .s = s,
		                  .from = start_of(zone, month - 11).s,
		                  .until = start_of(zone, month + 1).s,
		                  .year_ago = start_of(zone, month - 23).s };
	if (!figures_make(s, &ask, year, err))
		return false;
	out->from = zone_date(zone, (struct instant){ x.from });
	out->until = zone_date(zone, (struct instant){ x.until });
	count_customers(&x);
	fill(&x, &year[1], out);
	for (uint16_t i = 0; s->plans && s->states && i < s->plans->count; i++)
		if (s->plans->family[i] == i)
			add_plan(&x, i, french, out);
	return compute(&x, out, err);
}
