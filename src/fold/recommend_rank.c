/* The second look of recommend.h: boosted trees over the best candidates of the blend.
 *
 * A linear blend of item-to-item lists cannot see that a product is new, fading, dear for this customer or said by one
 * old purchase only. So the REC_RANKED best candidates, and what sells now, are described by a few numbers (what the
 * lists say, what sales say, who asks) and ordered by trees learnt on cuts of the shop's own past: the lists and the
 * sales as of a day, and what the customer bought for the first time in the next order. */
#include "fold/recommend_inner.h"

enum { RECENT_DAYS = 30, LATELY_DAYS = 10, SPAN_MAX = 3650, RECENT_WEIGHT = 11, SPANS = 3 };
static const int32_t SPAN_DAYS[SPANS] = { 14, 30, 60 };

/* ---- what sales say ---- */

struct sums {
	uint32_t *reach, *recent, *lately, *fresh, *again, *seen, *lines, *newly, *newly_in[SPANS];
	int32_t *first, *last;
	double *quantity, *minor;
	uint32_t orders, recent_orders, lately_orders, customers, steps, steps_in[SPANS];
};

static bool bought(const struct rec_data *d, uint32_t line)
{
	return !d->line_quantity || d->line_quantity[line] > 0;
}

static void sum_order(struct sums *x, const struct rec_data *d, uint32_t o, int32_t until, uint32_t customer,
                      bool first)
{
	int32_t day = d->order_day[o], age = until - day;
	x->orders++;
	x->recent_orders += age <= RECENT_DAYS;
	x->lately_orders += age <= LATELY_DAYS;
	x->steps += !first;
	for (int k = 0; k < SPANS; k++)
		x->steps_in[k] += !first && age <= SPAN_DAYS[k];
	for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++) {
		uint32_t i = d->line_item[q];
		if (!bought(d, q))
			continue;
		x->recent[i] += age <= RECENT_DAYS;
		x->lately[i] += age <= LATELY_DAYS;
		if (x->seen[i] != customer + 1) {
			x->seen[i] = customer + 1;
			x->reach[i]++;
			x->fresh[i] += !first;
			x->newly[i] += age <= RECENT_DAYS;
			for (int k = 0; k < SPANS; k++)
				x->newly_in[k][i] += !first && age <= SPAN_DAYS[k];
		} else {
			x->again[i]++;
		}
		x->first[i] = day < x->first[i] ? day : x->first[i];
		x->last[i] = day > x->last[i] ? day : x->last[i];
		x->lines[i]++;
		x->quantity[i] += d->line_quantity ? (double)d->line_quantity[q] : 1;
		x->minor[i] += d->line_minor ? d->line_minor[q] : 0;
	}
}

static float price_of(const struct rec_data *d, const struct sums *x, uint32_t i)
{
	if (d->item)
		return (float)d->item[i].price_minor;
	return x->quantity[i] > 0 ? (float)(x->minor[i] / x->quantity[i]) : 0;
}

static float newly(const struct sums *x, uint32_t i, int span)
{
	return (float)x->newly_in[span][i] / (float)(x->steps_in[span] + 1);
}

static int by_recent(const void *a, const void *b, void *ctx)
{
	const struct rec_seller *v = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (v[x].recent != v[y].recent)
		return v[x].recent > v[y].recent ? -1 : 1;
	return (x > y) - (x < y);
}

static void order_recent(struct rec_model *m)
{
	enum { KEPT = 200 };
	for (uint32_t i = 0; i < m->items; i++)
		m->by_recent[i] = i;
	qsort_r(m->by_recent, m->items, sizeof(uint32_t), by_recent, m->seller);
	m->recent_n = m->items < KEPT ? m->items : KEPT;
	while (m->recent_n && m->seller[m->by_recent[m->recent_n - 1]].recent <= 0)
		m->recent_n--;
}

void rec_rank_sellers(const struct rec_learning *l)
{
	const struct rec_data *d = l->d;
	struct rec_seller *out = l->m->seller;
	int32_t until = l->until == INT32_MAX ? l->newest + 1 : l->until;
	size_t n = d->items + 1u;
	uint32_t *all = mem_alloc((8 + SPANS) * n * sizeof(*all));
	struct sums x = { .reach = all,
		              .recent = all + n,
		              .lately = all + 2 * n,
		              .fresh = all + 3 * n,
		              .again = all + 4 * n,
		              .seen = all + 5 * n,
		              .lines = all + 6 * n,
		              .newly = all + 7 * n,
		              .newly_in = { all + 8 * n, all + 9 * n, all + 10 * n },
		              .first = mem_alloc(n * sizeof(int32_t)),
		              .last = mem_alloc(n * sizeof(int32_t)),
		              .quantity = mem_alloc(n * sizeof(double)),
		              .minor = mem_alloc(n * sizeof(double)) };
	for (size_t i = 0; i < n; i++) {
		x.first[i] = until;
		x.last[i] = until - SPAN_MAX;
	}
	for (uint32_t c = 0; c < d->customers; c += l->step) {
		uint32_t o = d->order_start[c];
		for (; o < d->order_start[c + 1] && d->order_day[o] < until; o++)
			sum_order(&x, d, o, until, c, o == d->order_start[c]);
		x.customers += o > d->order_start[c];
	}
	for (uint32_t i = 0; i < d->items; i++)
		out[i] = (struct rec_seller){ .reach = (float)x.reach[i] / (float)(x.customers + 1),
			                          .recent = (float)x.recent[i] / (float)(x.recent_orders + 1),
			                          .lately = (float)x.lately[i] / (float)(x.lately_orders + 1),
			                          .fresh = (float)x.fresh[i] / (float)(x.steps + 1),
			                          .again = (float)x.again[i] / (float)(x.lines[i] + 1),
			                          .age_days = (float)(until - x.first[i]),
			                          .quiet_days = (float)(until - x.last[i]),
			                          .quantity = (float)(x.quantity[i] / (x.lines[i] + 1)),
			                          .price = price_of(d, &x, i),
			                          .line = (float)(x.minor[i] / (x.lines[i] + 1)),
			                          .newly = { newly(&x, i, 0), newly(&x, i, 1), newly(&x, i, 2) } };
	float top = 1;
	for (uint32_t i = 0; i < d->items; i++) {
		l->m->popular[i] = (float)(x.reach[i] + RECENT_WEIGHT * x.newly[i]);
		top = l->m->popular[i] > top ? l->m->popular[i] : top;
	}
	for (uint32_t i = 0; i < d->items; i++)
		l->m->popular[i] /= top;
	order_recent(l->m);
	free(all);
	free(x.first);
	free(x.last);
	free(x.quantity);
	free(x.minor);
}

/* ---- description ---- */

struct rec_person rec_rank_person(const struct rec_model *m, struct rec_scratch *s, int32_t today)
{
	struct rec_person p = { .distinct = (float)s->own_n };
	int32_t newest = INT32_MIN, oldest = INT32_MAX;
	double price = 0, weight = 0, lines = 0, age = 0, reach = 0, quantity = 0, line = 0;
	for (size_t i = 0; i < s->own_n; i++) {
		const struct rec_own *o = &s->own[i];
		newest = o->last_day > newest ? o->last_day : newest;
		oldest = o->first_day < oldest ? o->first_day : oldest;
		lines += o->times;
		price += (double)(m->seller[o->item].price * o->weight);
		age += (double)(m->seller[o->item].age_days * o->weight);
		reach += (double)(m->seller[o->item].reach * o->weight);
		line += (double)(m->seller[o->item].line * o->weight);
		quantity += o->quantity > 0 ? (double)o->quantity : 0;
		weight += (double)o->weight;
	}
	p.orders = (float)s->orders;
	p.size = s->orders ? (float)(lines / s->orders) : 0;
	/* an unknown day is INT32_MIN */
	p.since_days = newest > INT32_MIN && today > INT32_MIN ? (float)((double)today - newest) : 0;
	p.gap_days = s->orders > 1 && newest >= oldest ? (float)((double)newest - oldest) / (float)(s->orders - 1) : 0;
	p.price = (float)((price + 1) / (weight + 1e-3));
	p.items_age = (float)(age / (weight + 1e-3));
	p.items_reach = (float)(reach / (weight + 1e-3));
	p.line = (float)(line / (weight + 1e-3));
	p.quantity = (float)((quantity + 1) / (lines + 1));
	p.weight = (float)weight;
	rec_words_read(m, s);
	rec_factors_read(m, s, &p.taste);
	p.best = s->heap_n && s->heap[0].score > 0 ? s->heap[0].score : 0;
	return p;
}

void rec_rank_describe(const struct rec_model *m, const struct rec_scratch *s, const struct rec_person *p,
                       uint32_t item, float rank, float *x)
{
	const struct rec_tally *t = &s->tally[item];
	const struct rec_seller *v = &m->seller[item];
	float words = rec_words_score(m, s, item), like[REC_FACTOR_FEATURES];
	rec_factors_describe(m, &p->taste, item, like);
	const float values[REC_RANK_FEATURES] = {
		t->part[0],
		t->part[1],
		t->part[2],
		t->part[3],
		t->single,
		t->newest,
		(float)t->votes,
		t->score,
		t->score / (p->best + 1e-6f),
		rank,
		t->best,
		p->orders,
		p->distinct,
		p->size,
		p->since_days,
		p->gap_days,
		v->reach,
		v->recent,
		v->lately,
		v->fresh,
		v->again,
		v->age_days,
		v->quiet_days,
		v->quantity,
		v->recent / (v->reach + 1e-5f),
		v->lately / (v->recent + 1e-5f),
		v->price,
		v->price / p->price,
		t->part[3] / (float)(t->votes + 1),
		t->part[0] / (p->distinct + 1),
		v->newly[0],
		v->newly[1],
		v->newly[2],
		v->newly[1] / (v->fresh + 1e-5f),
		v->newly[0] / (v->newly[2] + 1e-5f),
		words,
		words / (p->weight + 1e-3f),
		v->quantity / p->quantity,
		v->line / (p->line + 1),
		v->line,
		v->age_days - p->items_age,
		p->items_reach,
		p->quantity,
		like[0],
		like[1],
		like[2],
		like[3],
	};
	memcpy(x, values, sizeof(values));
}

/* ---- the trees ---- */

struct forest *rec_rank_learn(const struct boost_rows *rows, int threads)
{
	struct boost *b = boost_train(rows, &(struct boost_options){ .loss = BOOST_LOGISTIC,
	                                                             .trees = 200,
	                                                             .leaves = 12,
	                                                             .rate = 0.03,
	                                                             .ridge = 5,
	                                                             .sample = 0.6,
	                                                             .feature_sample = 0.5,
	                                                             .leaf_rows_min = 60,
	                                                             .seed = 1,
	                                                             .threads = threads });
	struct forest *f = forest_of(&b, 1);
	boost_free(b);
	return f;
}
