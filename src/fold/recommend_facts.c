/* What recommend.h learns besides links: which types go together, rhythms of purchase, sets. */
#include "fold/recommend_count.h"

#include <math.h>
#include <stdlib.h>

/* ---- groups: rules between types, which serve products without a history of their own ---- */

enum { GROUPS_KEPT = 8, GROUP_BOTH_MIN = 3 };

/* Items of a group next to each other, in the order of by_popular. */
static void order_groups(struct rec_model *m)
{
	uint32_t items = m->d->items, *at = mem_alloc((m->groups + 2u) * sizeof(*at));
	m->group_item_start = mem_alloc((m->groups + 2u) * sizeof(uint32_t));
	m->group_item = mem_alloc((items + 1u) * sizeof(uint32_t));
	for (uint32_t i = 0; i < items; i++)
		if (m->group[i] != REC_NONE)
			m->group_item_start[m->group[i] + 1]++;
	for (uint32_t g = 0; g < m->groups; g++)
		m->group_item_start[g + 1] += m->group_item_start[g];
	memcpy(at, m->group_item_start, (m->groups + 1u) * sizeof(*at));
	for (uint32_t k = 0; k < items; k++)
		if (m->group[m->by_popular[k]] != REC_NONE)
			m->group_item[at[m->group[m->by_popular[k]]]++] = m->by_popular[k];
	free(at);
}

/* Types have the even numbers and families the odd ones, so that a new one changes no other. */
void rec_name_groups(struct rec_model *m)
{
	const struct rec_data *d = m->d;
	m->group = mem_alloc((d->items + 1u) * sizeof(*m->group));
	for (uint32_t i = 0; i < d->items; i++) {
		bool typed = d->item && d->item[i].type != REC_NONE,
			 known = typed || (d->item && d->item[i].family != REC_NONE);
		m->group[i] = !known ? REC_NONE : typed ? 2 * d->item[i].type : 2 * d->item[i].family + 1;
		if (known && m->group[i] >= m->groups)
			m->groups = m->group[i] + 1;
	}
}

static void group_rows(struct rec_model *m, struct nb_rows *rows)
{
	const struct rec_data *d = m->d;
	uint32_t groups[REC_GROUP_LINES];
	for (uint32_t c = 0; m->groups && c < d->customers; c++) {
		struct rec_history h = rec_history_of(d, c);
		for (uint32_t o = 0; o < h.orders; o++) {
			size_t n = rec_groups_once(m->group, &h, o, groups);
			for (size_t i = 0; i < n; i++) {
				nb_rows_add(rows, groups[i], 1);
				m->group_baskets[groups[i]]++;
			}
			nb_rows_end(rows);
		}
	}
}

/* The best of what goes with group g: more baskets with both than chance would have. */
static size_t group_best(const struct rec_model *m, const struct nb_rows *cross, uint32_t g, uint32_t *other,
                         uint32_t *both)
{
	double extra[GROUPS_KEPT];
	size_t n = 0;
	for (uint64_t q = cross->start[g]; q < cross->start[g + 1] && q < cross->start[g] + REC_GROUPS_LOOKED; q++) {
		uint32_t h = cross->item[q];
		double met = (double)cross->weight[q];
		double here = met - (double)m->group_baskets[g] * m->group_baskets[h] / ((double)m->baskets_n + 1);
		if (h == g || met < GROUP_BOTH_MIN || here <= 0 || (n == GROUPS_KEPT && here <= extra[n - 1]))
			continue;
		size_t j = n < GROUPS_KEPT ? n++ : n - 1;
		for (; j > 0 && here > extra[j - 1]; j--) {
			extra[j] = extra[j - 1];
			other[j] = other[j - 1];
			both[j] = both[j - 1];
		}
		extra[j] = here;
		other[j] = h;
		both[j] = (uint32_t)met;
	}
	return n;
}

void rec_join_groups(struct rec_model *m, const struct nb_rows *cross)
{
	m->group_start = mem_alloc((m->groups + 2u) * sizeof(*m->group_start));
	m->group_other = mem_alloc((m->groups * (size_t)GROUPS_KEPT + 1) * sizeof(uint32_t));
	m->group_both = mem_alloc((m->groups * (size_t)GROUPS_KEPT + 1) * sizeof(uint32_t));
	order_groups(m);
	for (uint32_t g = 0; g < m->groups; g++) {
		uint64_t n = m->group_start[g];
		m->group_start[g + 1] = n + group_best(m, cross, g, m->group_other + n, m->group_both + n);
	}
}

void rec_learn_groups(struct rec_model *m, uint32_t wide, struct nb_rows *cross)
{
	rec_name_groups(m);
	m->group_baskets = mem_alloc((m->groups + 1u) * sizeof(uint32_t));
	struct nb_rows rows = { 0 };
	group_rows(m, &rows);
	nb_cross(&rows, &rows, m->groups, wide, m->o.threads, cross);
	nb_rows_release(&rows);
	rec_join_groups(m, cross);
}

/* ---- segments ---- */

static void segment_best(struct rec_model *m, uint32_t g)
{
	const uint32_t *both = m->segment_both + (size_t)g * m->items;
	uint32_t *top = m->segment_top + (size_t)g * REC_SEGMENT_TOP;
	size_t n = 0;
	for (uint32_t k = 0; k < m->items; k++) {
		uint32_t i = m->by_popular[k]; /* ties: what sells elsewhere too */
		if (!both[i] || (n == REC_SEGMENT_TOP && both[i] <= both[top[n - 1]]))
			continue;
		size_t j = n < REC_SEGMENT_TOP ? n++ : n - 1;
		for (; j > 0 && both[i] > both[top[j - 1]]; j--)
			top[j] = top[j - 1];
		top[j] = i;
	}
	for (; n < REC_SEGMENT_TOP; n++)
		top[n] = REC_NONE;
}

void rec_segments_best(struct rec_model *m, uint32_t segments)
{
	m->segment_top = mem_alloc((segments + 1u) * REC_SEGMENT_TOP * sizeof(uint32_t));
	for (uint32_t g = 1; g <= segments; g++)
		segment_best(m, g);
}

void rec_learn_segments(struct rec_model *m)
{
	const struct rec_data *d = m->d;
	if (!d->segment)
		return;
	check(d->segments <= REC_SEGMENTS_MAX);
	uint32_t *seen = mem_alloc((m->items + 1u) * sizeof(*seen));
	m->segment_both = mem_alloc((d->segments + 1u) * (size_t)(m->items + 1u) * sizeof(uint32_t));
	for (uint32_t c = 0; c < d->customers; c++) {
		struct rec_history h = rec_history_of(d, c);
		uint32_t g = d->segment[c];
		m->segment_customers[g] += rec_segment_add(m->segment_both + (size_t)g * m->items, seen, c + 1, &h, 1);
	}
	rec_segments_best(m, d->segments);
	free(seen);
}

uint32_t rec_segment_of(const struct rec_model *m, uint32_t customer)
{
	uint32_t g = m->segment_both && customer != REC_NONE ? m->d->segment[customer] : 0;
	return m->segment_customers[g] >= REC_SEGMENT_MIN ? g : 0;
}

/* ---- rhythm ---- */

enum { CUSTOMERS_CALIBRATED = 50000, CALIBRATE_MIN = 200, DAYS_MAX = 64 };

struct reach {
	float share; /* of the model's distribution that had passed when the purchase came, or when what is known ended */
	bool came;
};

struct calibration {
	int32_t day, last; /* the past is told as of this day, and known up to that one */
	struct reach *reached;
	size_t n, cap, came;
};

static size_t days_of(const struct rec_data *d, uint32_t customer, uint32_t item, int32_t *days)
{
	size_t n = 0;
	for (uint32_t o = d->order_start[customer]; o < d->order_start[customer + 1] && n < DAYS_MAX; o++)
		for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++)
			if (d->line_item[q] == item && (!d->line_quantity || d->line_quantity[q] > 0)) {
				days[n++] = d->order_day[o];
				break;
			}
	return n;
}

typedef void rhythm_fn(void *ctx, struct rec_model *m, uint32_t item, const int32_t *days, size_t n);

/* Every product a customer bought on two days or more, every step-th customer. */
static void each_rhythm(struct rec_model *m, uint32_t step, rhythm_fn *fn, void *ctx)
{
	const struct rec_data *d = m->d;
	struct rec_scratch *s = rec_scratch_new(m);
	int32_t days[DAYS_MAX];
	for (uint32_t c = 0; c < d->customers; c += step) {
		struct rec_ask ask = { .customer = c };
		if (d->order_start[c + 1] - d->order_start[c] < 2)
			continue;
		rec_read_customer(m, s, &ask);
		for (size_t k = 0; k < s->own_n; k++)
			if (s->own[k].times >= 2)
				fn(ctx, m, s->own[k].item, days, days_of(d, c, s->own[k].item, days));
		rec_leave_customer(s, &ask);
	}
	rec_scratch_free(s);
}

static void add_fit(void *ctx, struct rec_model *m, uint32_t item, const int32_t *days, size_t n)
{
	struct due_fit *fits = ctx;
	due_fit_add(&fits[item], days, n);
	due_fit_add(&fits[m->d->items], days, n);
}

static void add_reached(void *ctx, struct rec_model *m, uint32_t item, const int32_t *days, size_t n)
{
	struct calibration *c = ctx;
	size_t past = 0;
	while (past < n && days[past] < c->day)
		past++;
	double share;
	struct due plain;
	const struct due_prior *p = rec_due_prior(m, item);
	bool came = past < n;
	if (past < 2 || !due_predict(p, days, past, c->day, DUE_QUANTILES_PLAIN, &plain) || plain.overdue > REC_GONE ||
	    !due_reached(p, days, past, c->day, came ? days[past] : c->last, &share) || (!came && share > REC_GONE))
		return;
	c->reached = mem_grow(c->reached, &c->cap, c->n + 1, sizeof(*c->reached));
	c->reached[c->n++] = (struct reach){ (float)share, came };
	c->came += came;
}

static int by_share(const void *a, const void *b)
{
	const struct reach *x = a, *y = b;
	return x->share != y->share ? (x->share > y->share) - (x->share < y->share) : y->came - x->came;
}

/* Where a share of the purchases had come (Kaplan and Meier 1958): who is not back yet counts as long as is known, else
 * short gaps alone would speak, above all early in a history. */
static void quantiles(const struct calibration *c, double out[DUE_QUANTILES])
{
	static const double WANTED[DUE_QUANTILES] = { 0.1, 0.5, 0.9 };
	double left = 1, most = 0;
	int k = 0;
	for (size_t i = 0; i < c->n && k < DUE_QUANTILES; i++) {
		left *= c->reached[i].came ? 1 - 1 / (double)(c->n - i) : 1;
		most = c->reached[i].came ? (double)c->reached[i].share : most;
		while (k < DUE_QUANTILES && 1 - left >= WANTED[k])
			out[k++] = most;
	}
	for (; k < DUE_QUANTILES; k++) /* not within what is known */
		out[k] = fmax(REC_GONE, most);
}

/* Real gaps are not quite gamma: what the model would have said on some days of the past, against what came, says which
 * of its quantiles are the true ones. */
static void calibrate(struct rec_model *m)
{
	static const int PERCENT[] = { 35, 50, 65, 80 };
	const struct rec_data *d = m->d;
	int32_t first = INT32_MAX, last = INT32_MIN;
	for (uint32_t o = 0; o < d->order_start[d->customers]; o++) {
		first = d->order_day[o] < first ? d->order_day[o] : first;
		last = d->order_day[o] > last ? d->order_day[o] : last;
	}
	struct calibration c = { .last = last };
	for (size_t i = 0; i < ARRAY_LEN(PERCENT) && first <= last; i++) {
		c.day = first + (int32_t)((int64_t)(last - first) * PERCENT[i] / 100);
		each_rhythm(m, d->customers / CUSTOMERS_CALIBRATED + 1, add_reached, &c);
	}
	memcpy(m->due_quantile, DUE_QUANTILES_PLAIN, sizeof(m->due_quantile));
	if (c.came >= CALIBRATE_MIN) {
		qsort(c.reached, c.n, sizeof(*c.reached), by_share);
		quantiles(&c, m->due_quantile);
	}
	free(c.reached);
}

void rec_learn_rhythm(struct rec_model *m)
{
	uint32_t items = m->d->items;
	struct due_fit *fits = mem_alloc((items + 1u) * sizeof(*fits)); /* the last one: everything */
	each_rhythm(m, 1, add_fit, fits);
	m->due = mem_alloc((items + 1u) * sizeof(*m->due));
	for (uint32_t i = 0; i <= items; i++)
		m->due[i] = due_fit_finish(&fits[i]);
	free(fits);
	calibrate(m);
}

/* ---- bundles ---- */

enum { BUNDLES_KEEP = 2000 };

struct bundle {
	double extra;
	uint32_t a, b, both;
};

static int by_extra(const void *a, const void *b)
{
	const struct bundle *x = a, *y = b;
	if (x->extra != y->extra)
		return x->extra > y->extra ? -1 : 1;
	return x->a != y->a ? (x->a > y->a) - (x->a < y->a) : (x->b > y->b) - (x->b < y->b);
}

void rec_learn_bundles(struct rec_model *m)
{
	struct bundle *all = NULL;
	size_t n = 0, cap = 0;
	for (uint32_t i = 0; i < m->d->items; i++)
		for (uint64_t q = m->link_start[i]; q < m->link_start[i + 1]; q++) {
			const struct rec_link *x = &m->links[q];
			double extra =
				x->both_baskets - (double)m->baskets_of[i] * m->baskets_of[x->item] / ((double)m->baskets_n + 1);
			if (x->item <= i || x->both_baskets < 5 || extra <= 2 * sqrt((double)x->both_baskets))
				continue;
			all = mem_grow(all, &cap, n + 1, sizeof(*all));
			all[n++] = (struct bundle){ extra, i, x->item, x->both_baskets };
		}
	if (n)
		qsort(all, n, sizeof(*all), by_extra);
	m->bundle_n = n < BUNDLES_KEEP ? n : BUNDLES_KEEP;
	m->bundle_a = mem_alloc((m->bundle_n + 1) * sizeof(uint32_t));
	m->bundle_b = mem_alloc((m->bundle_n + 1) * sizeof(uint32_t));
	m->bundle_both = mem_alloc((m->bundle_n + 1) * sizeof(uint32_t));
	for (size_t i = 0; i < m->bundle_n; i++) {
		m->bundle_a[i] = all[i].a;
		m->bundle_b[i] = all[i].b;
		m->bundle_both[i] = all[i].both;
	}
	free(all);
}
