/* What recommend.h learns besides links: which types go together, rhythms of purchase, sets. */
#include "fold/recommend_inner.h"

#include <math.h>
#include <stdlib.h>

/* ---- types ---- */

void rec_learn_types(struct rec_model *m)
{
	const struct rec_data *d = m->d;
	m->type_start = mem_alloc((m->types + 2u) * sizeof(*m->type_start));
	struct nb_rows rows = { 0 }, cross;
	for (uint32_t i = 0; d->item && i < d->items; i++)
		for (uint64_t q = m->link_start[i]; q < m->link_start[i + 1]; q++) {
			uint32_t a = d->item[i].type, b = d->item[m->links[q].item].type;
			if (a == REC_NONE || b == REC_NONE || a == b || !m->links[q].both_baskets)
				continue;
			nb_rows_add(&rows, a, (float)m->links[q].both_baskets);
			nb_rows_add(&rows, b, 1);
			nb_rows_end(&rows);
		}
	nb_cross(&rows, &rows, m->types, 8, 1, &cross);
	size_t cap = 0, cap2 = 0;
	for (uint32_t t = 0; t < m->types; t++) {
		uint64_t n = m->type_start[t];
		for (uint64_t q = cross.start[t]; q < cross.start[t + 1]; q++)
			if (cross.item[q] != t) {
				m->type_other = mem_grow(m->type_other, &cap, n + 1, sizeof(*m->type_other));
				m->type_share = mem_grow(m->type_share, &cap2, n + 1, sizeof(*m->type_share));
				m->type_other[n] = cross.item[q];
				m->type_share[n++] = cross.weight[q];
			}
		m->type_start[t + 1] = n;
	}
	nb_rows_release(&rows);
	nb_rows_release(&cross);
}

/* ---- rhythm ---- */

enum { CUSTOMERS_CALIBRATED = 50000, CALIBRATE_MIN = 200, DAYS_MAX = 64 };

struct calibration {
	int32_t day, last; /* the past is told as of this day, and known up to that one */
	float *reached;
	size_t n, cap;
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
	/* one that may well come later than is known would leave the short gaps only */
	if (past == n || past < 2 || !due_predict(p, days, past, c->day, DUE_QUANTILES_PLAIN, &plain) ||
	    plain.to > c->last || plain.overdue > REC_GONE || !due_reached(p, days, past, c->day, days[past], &share))
		return;
	c->reached = mem_grow(c->reached, &c->cap, c->n + 1, sizeof(*c->reached));
	c->reached[c->n++] = (float)share;
}

static int by_share(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* Real gaps are not quite gamma: what the model said half-way through the past, against what came, says which of its
 * quantiles are the true ones. */
static void calibrate(struct rec_model *m)
{
	static const double WANTED[DUE_QUANTILES] = { 0.1, 0.5, 0.9 };
	const struct rec_data *d = m->d;
	int32_t first = INT32_MAX, last = INT32_MIN;
	for (uint32_t o = 0; o < d->order_start[d->customers]; o++) {
		first = d->order_day[o] < first ? d->order_day[o] : first;
		last = d->order_day[o] > last ? d->order_day[o] : last;
	}
	struct calibration c = { .day = last - (last - first) / 2, .last = last };
	each_rhythm(m, d->customers / CUSTOMERS_CALIBRATED + 1, add_reached, &c);
	memcpy(m->due_quantile, DUE_QUANTILES_PLAIN, sizeof(m->due_quantile));
	if (c.n >= CALIBRATE_MIN) {
		qsort(c.reached, c.n, sizeof(*c.reached), by_share);
		for (int i = 0; i < DUE_QUANTILES; i++)
			m->due_quantile[i] = (double)c.reached[(size_t)(WANTED[i] * (double)(c.n - 1))];
		/* later purchases than are known would widen it: it is never told narrower than the model has it */
		m->due_quantile[0] = fmin(m->due_quantile[0], DUE_QUANTILES_PLAIN[0]);
		m->due_quantile[2] = fmax(m->due_quantile[2], DUE_QUANTILES_PLAIN[2]);
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
