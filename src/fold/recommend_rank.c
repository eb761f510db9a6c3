/* The second look of recommend.h: boosted trees over the best candidates of the blend.
 *
 * A linear blend of item-to-item lists cannot see that a product is new, fading, dear for this customer or said by one
 * old purchase only. So the REC_RANKED best candidates, and what sells now, are described by a few numbers (what the
 * lists say, what sales say, who asks) and ordered by trees learnt on cuts of the shop's own past: the lists and the
 * sales as of a day, and what the customer bought for the first time in the next order. */
#include "fold/recommend_count.h"

#include <stdlib.h>

enum { RECENT_DAYS = 30, LATELY_DAYS = 10, SPAN_MAX = 3650, RECENT_WEIGHT = 11 };
static const int32_t SPAN_DAYS[REC_SPANS] = { 14, 30, 60 };

/* ---- what sales say ---- */

static int32_t *days_of(int32_t *p, uint32_t items, uint32_t more, int32_t day)
{
	p = rec_wider(p, items, more, sizeof(*p));
	for (uint32_t i = items; i <= more; i++)
		p[i] = day;
	return p;
}

void rec_sales_init(struct rec_sales *x, uint32_t items, int32_t until)
{
	*x = (struct rec_sales){ .until = until };
	rec_sales_grow(x, 0, items);
}

void rec_sales_grow(struct rec_sales *x, uint32_t items, uint32_t more)
{
	uint32_t **const all[] = {
		&x->reach, &x->recent, &x->lately, &x->fresh, &x->again, &x->seen, &x->lines, &x->newly
	};
	for (int k = 0; k < REC_SPANS; k++)
		x->newly_in[k] = rec_wider(x->newly_in[k], items, more, sizeof(uint32_t));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		*all[i] = rec_wider(*all[i], items, more, sizeof(uint32_t));
	x->first = days_of(x->first, items, more, x->until);
	x->last = days_of(x->last, items, more, x->until - SPAN_MAX);
	x->quantity = rec_wider(x->quantity, items, more, sizeof(double));
	x->minor = rec_wider(x->minor, items, more, sizeof(double));
}

void rec_sales_release(struct rec_sales *x)
{
	void *const all[] = { x->reach, x->recent, x->lately, x->fresh, x->again,    x->seen,
		                  x->lines, x->newly,  x->first,  x->last,  x->quantity, x->minor };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	for (int k = 0; k < REC_SPANS; k++)
		free(x->newly_in[k]);
	*x = (struct rec_sales){ 0 };
}

void rec_sales_forget_days(struct rec_sales *x, uint32_t item)
{
	x->first[item] = x->until;
	x->last[item] = x->until - SPAN_MAX;
}

void rec_sales_day(struct rec_sales *x, uint32_t item, int32_t day)
{
	x->first[item] = day < x->first[item] ? day : x->first[item];
	x->last[item] = day > x->last[item] ? day : x->last[item];
}

static void add_order(struct rec_sales *x, const struct rec_history *h, uint32_t o, int sign)
{
	uint32_t one = (uint32_t)sign; /* adding 2³² − 1 takes one away */
	int32_t day = h->day[o], age = x->until - day;
	bool recent = age <= RECENT_DAYS, lately = age <= LATELY_DAYS;
	x->orders += one;
	x->recent_orders += recent ? one : 0;
	x->lately_orders += lately ? one : 0;
	x->steps += o ? one : 0;
	for (int k = 0; k < REC_SPANS; k++)
		x->steps_in[k] += o && age <= SPAN_DAYS[k] ? one : 0;
	for (uint32_t q = h->line_start[o]; q < h->line_start[o + 1]; q++) {
		uint32_t i = h->item[q];
		if (!rec_bought(h, q))
			continue;
		x->recent[i] += recent ? one : 0;
		x->lately[i] += lately ? one : 0;
		if (x->seen[i] != x->customer) {
			x->seen[i] = x->customer;
			x->reach[i] += one;
			x->fresh[i] += o ? one : 0;
			x->newly[i] += recent ? one : 0;
			for (int k = 0; k < REC_SPANS; k++)
				x->newly_in[k][i] += o && age <= SPAN_DAYS[k] ? one : 0;
		} else {
			x->again[i] += one;
		}
		if (sign > 0)
			rec_sales_day(x, i, day);
		x->lines[i] += one;
		x->quantity[i] += sign * (h->quantity ? (double)h->quantity[q] : 1);
		x->minor[i] += sign * (double)(h->minor ? h->minor[q] : 0);
	}
}

void rec_sales_add(struct rec_sales *x, const struct rec_history *h, int sign)
{
	x->customer++;
	for (uint32_t o = 0; o < h->orders; o++)
		add_order(x, h, o, sign);
	x->customers += h->orders ? (uint32_t)sign : 0;
}

static float price_of(const struct rec_data *d, const struct rec_sales *x, uint32_t i)
{
	if (d->item)
		return (float)d->item[i].price_minor;
	return x->quantity[i] > 0 ? (float)(x->minor[i] / x->quantity[i]) : 0;
}

static float newly(const struct rec_sales *x, uint32_t i, int span)
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

void rec_sales_tell(const struct rec_sales *x, struct rec_model *m)
{
	float top = 1;
	for (uint32_t i = 0; i < m->items; i++)
		m->seller[i] = (struct rec_seller){ .reach = (float)x->reach[i] / (float)(x->customers + 1),
			                                .recent = (float)x->recent[i] / (float)(x->recent_orders + 1),
			                                .lately = (float)x->lately[i] / (float)(x->lately_orders + 1),
			                                .fresh = (float)x->fresh[i] / (float)(x->steps + 1),
			                                .again = (float)x->again[i] / (float)(x->lines[i] + 1),
			                                .age_days = (float)(x->until - x->first[i]),
			                                .quiet_days = (float)(x->until - x->last[i]),
			                                .quantity = (float)(x->quantity[i] / (x->lines[i] + 1)),
			                                .price = price_of(m->d, x, i),
			                                .line = (float)(x->minor[i] / (x->lines[i] + 1)),
			                                .newly = { newly(x, i, 0), newly(x, i, 1), newly(x, i, 2) } };
	for (uint32_t i = 0; i < m->items; i++) {
		m->popular[i] = (float)(x->reach[i] + RECENT_WEIGHT * x->newly[i]);
		top = m->popular[i] > top ? m->popular[i] : top;
	}
	for (uint32_t i = 0; i < m->items; i++)
		m->popular[i] /= top;
	order_recent(m);
}

void rec_rank_sellers(const struct rec_learning *l)
{
	const struct rec_data *d = l->d;
	struct rec_sales x;
	rec_sales_init(&x, d->items, l->until == INT32_MAX ? l->newest + 1 : l->until);
	for (uint32_t c = 0; c < d->customers; c += l->step) {
		struct rec_history h = rec_history_of(d, c);
		while (h.orders && h.day[h.orders - 1] >= x.until)
			h.orders--;
		rec_sales_add(&x, &h, 1);
	}
	rec_sales_tell(&x, l->m);
	rec_sales_release(&x);
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
	p.best = s->heap_n && s->heap[0].score > 0 ? s->heap[0].score : 0;
	return p;
}

void rec_rank_describe(const struct rec_model *m, const struct rec_scratch *s, const struct rec_person *p,
                       uint32_t item, float rank, float *x)
{
	const struct rec_tally *t = &s->tally[item];
	const struct rec_seller *v = &m->seller[item];
	float words = rec_words_score(m, s, item);
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
