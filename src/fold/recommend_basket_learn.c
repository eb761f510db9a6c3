/* Learning of recommend_basket.h. */
#include "fold/recommend_basket.h"

enum { KEEP = REC_BASKET_KEEP - 1, RIDGE = 150, EASE_ITEMS = 6144, EASE_ITEMS_TUNE = 4096, CUSTOMERS_TUNE = 200000 };
enum { CASES = 16000, CASES_MIN = 400, HELD_MIN = 3, TREES = 120, DAYS_LOOKED = 100000 };

void rec_basket_free(struct rec_basket *b)
{
	if (!b)
		return;
	free(b->start);
	free(b->pairs);
	free(b->held);
	free(b->popular);
	forest_free(b->trees);
	free(b);
}

void rec_basket_before(struct rec_learning *l)
{
	const struct rec_basket *before = l->before->basket;
	l->m->basket = mem_alloc(sizeof(*l->m->basket));
	if (!before)
		return;
	memcpy(l->m->basket->weights, before->weights, sizeof(before->weights));
	l->m->basket->trees = before->trees ? forest_copy(before->trees) : NULL;
}

/* ---- links ---- */

struct joining {
	const struct rec_learning *l;
	const struct nb_rows *counts;
	const struct rec_ease *ease;     /* NULL: as `before` has it */
	const struct rec_basket *before; /* NULL: none */
	uint32_t before_items;
	struct rec_pair **pairs; /* by item */
	uint32_t *pairs_n;
};

static int by_item(const void *a, const void *b)
{
	const struct rec_pair *x = a, *y = b;
	return (x->item > y->item) - (x->item < y->item);
}

static struct rec_pair *find(struct rec_pair *pairs, size_t n, uint32_t item)
{
	return bsearch(&(struct rec_pair){ .item = item }, pairs, n, sizeof(*pairs), by_item);
}

/* Behind the n counted pairs: those that only EASE speaks of. Returns how many there are then. */
static size_t add_ease(const struct joining *j, uint32_t item, float *row, struct rec_pair *pairs, size_t n)
{
	const struct rec_ease *e = j->ease;
	uint32_t top[REC_KEEP], column = e->column[item];
	size_t all = n;
	if (column == REC_NONE)
		return n;
	rec_ease_row(e, column, row);
	for (size_t i = 0; i < n; i++)
		pairs[i].ease = e->column[pairs[i].item] == REC_NONE ? 0 : row[e->column[pairs[i].item]];
	size_t k = nb_top(row, e->n, REC_KEEP, top);
	for (size_t i = 0; i < k; i++) {
		uint32_t other = j->l->m->by_popular[top[i]];
		if (!find(pairs, n, other))
			pairs[all++] = (struct rec_pair){ .item = other, .ease = row[top[i]] };
	}
	return all;
}

static size_t add_before(const struct joining *j, uint32_t item, struct rec_pair *pairs, size_t n)
{
	const struct rec_basket *b = j->before;
	size_t all = n;
	if (item >= j->before_items)
		return n;
	for (uint64_t q = b->start[item]; q < b->start[item + 1]; q++) {
		struct rec_pair *x = find(pairs, n, b->pairs[q].item);
		if (x)
			x->ease = b->pairs[q].ease;
		else if (b->pairs[q].ease > 0 && all < KEEP + 2 * REC_KEEP)
			pairs[all++] = (struct rec_pair){ .item = b->pairs[q].item, .ease = b->pairs[q].ease };
	}
	return all;
}

static void join_body(void *ctx, size_t from, size_t to, int thread)
{
	struct joining *j = ctx;
	struct rec_pair pairs[KEEP + 2 * REC_KEEP];
	float *row = mem_alloc(((j->ease ? j->ease->n : 0) + 1u) * sizeof(*row));
	for (uint32_t i = (uint32_t)from; i < to; i++) {
		size_t n = 0;
		for (uint64_t q = j->counts->start[i]; q < j->counts->start[i + 1] && q < j->counts->start[i] + KEEP + 1; q++)
			if (j->counts->item[q] != i)
				pairs[n++] = (struct rec_pair){ .item = j->counts->item[q], .both = (uint32_t)j->counts->weight[q] };
		qsort(pairs, n, sizeof(*pairs), by_item);
		if (j->ease)
			n = add_ease(j, i, row, pairs, n);
		else if (j->before)
			n = add_before(j, i, pairs, n);
		j->pairs_n[i] = (uint32_t)n;
		j->pairs[i] = mem_alloc((n + 1) * sizeof(*pairs));
		memcpy(j->pairs[i], pairs, n * sizeof(*pairs));
	}
	free(row);
}

static void join(struct joining *j, struct rec_basket *b)
{
	uint32_t items = j->l->d->items;
	j->pairs = mem_alloc((items + 1u) * sizeof(*j->pairs));
	j->pairs_n = mem_alloc((items + 1u) * sizeof(*j->pairs_n));
	par_for(items, 64, j->l->o->threads, join_body, j);
	for (uint32_t i = 0; i < items; i++)
		b->start[i + 1] = b->start[i] + j->pairs_n[i];
	b->pairs = mem_alloc((b->start[items] + 1) * sizeof(*b->pairs));
	for (uint32_t i = 0; i < items; i++) {
		memcpy(b->pairs + b->start[i], j->pairs[i], j->pairs_n[i] * sizeof(*b->pairs));
		free(j->pairs[i]);
	}
	free(j->pairs);
	free(j->pairs_n);
}

static int by_held(const void *a, const void *b, void *ctx)
{
	const uint32_t *held = ctx, x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (held[x] != held[y])
		return held[x] > held[y] ? -1 : 1;
	return (x > y) - (x < y);
}

static void order_rows(struct rec_learning *l, struct nb_rows *rows, double *total)
{
	const struct rec_data *d = l->d;
	uint32_t items[REC_ORDER_LEARNED];
	for (uint32_t c = 0; c < d->customers; c += l->step)
		for (uint32_t o = d->order_start[c], end = rec_orders_end(l, c); o < end; o++) {
			size_t n = rec_order_items(l, o, items);
			for (size_t i = 0; i < n; i++) {
				nb_rows_add(rows, items[i], 1);
				total[items[i]]++;
			}
			nb_rows_end(rows);
		}
}

static void order_popular(struct rec_basket *b, uint32_t items)
{
	for (uint32_t i = 0; i < items; i++)
		b->popular[i] = i;
	qsort_r(b->popular, items, sizeof(*b->popular), by_held, b->held);
	b->popular_n = items < REC_BASKET_POPULAR ? items : REC_BASKET_POPULAR;
	while (b->popular_n && b->held[b->popular[b->popular_n - 1]] == 0)
		b->popular_n--;
}

void rec_basket_tell(struct rec_learning *l, const struct nb_rows *counts, const double *total, uint32_t orders,
                     const struct nb_rows *rows)
{
	uint32_t items = l->d->items;
	struct rec_basket *b = l->m->basket;
	struct rec_ease ease = { 0 };
	free(b->pairs);
	free(b->start);
	free(b->held);
	free(b->popular);
	b->start = mem_alloc((items + 2u) * sizeof(*b->start));
	b->held = mem_alloc((items + 1u) * sizeof(*b->held));
	b->popular = mem_alloc((items + 1u) * sizeof(*b->popular));
	for (uint32_t i = 0; i < items; i++)
		b->held[i] = (uint32_t)total[i];
	b->orders = orders;
	order_popular(b, items);
	struct joining j = { .l = l, .counts = counts };
	if (l->before && l->until == INT32_MAX) {
		j.before = l->before->basket;
		j.before_items = l->before->items;
	} else if (!l->o->no_ease && !rec_stopped(l->o)) {
		rec_ease_solve(l, rows, RIDGE, l->until == INT32_MAX ? EASE_ITEMS : EASE_ITEMS_TUNE, &ease);
		j.ease = &ease;
	}
	join(&j, b);
	rec_ease_release(&ease);
}

/* What is learnt stays; counts and EASE are those of the orders before l->until. */
static void basket_links(struct rec_learning *l)
{
	struct nb_rows rows = { 0 }, counts = { 0 };
	double *total = mem_alloc((l->d->items + 1u) * sizeof(*total));
	order_rows(l, &rows, total);
	nb_cross(&rows, &rows, l->d->items, REC_BASKET_KEEP, l->o->threads, &counts);
	rec_basket_tell(l, &counts, total, rows.n, &rows);
	nb_rows_release(&rows);
	nb_rows_release(&counts);
	free(total);
}

/* ---- cases ---- */

struct basket_case {
	uint32_t customer, order;
	bool known, after; /* after: the order before it is the basket, what is new in it is wanted */
};

struct basket_learn {
	struct rec_learning *l;
	struct basket_case *cases;
	size_t cases_n, cases_cap;
	uint32_t *counts; /* by case: candidates */
	float *x;         /* by case: REC_SHORT rows */
	uint8_t *truth;
};

static int by_day(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

/* The day from which on a fifth of the orders are. */
static int32_t cut_day(const struct rec_data *d)
{
	uint32_t orders = d->order_start[d->customers], step = orders / DAYS_LOOKED + 1, n = 0;
	int32_t *days = mem_alloc((orders / step + 2u) * sizeof(*days));
	for (uint32_t o = 0; o < orders; o += step)
		days[n++] = d->order_day[o];
	qsort(days, n, sizeof(*days), by_day);
	int32_t day = n && days[n * 4u / 5] > days[0] ? days[n * 4u / 5] : INT32_MIN;
	free(days);
	return day;
}

/* Where the past allows it, every other case is of somebody known, and one in four asks what comes after. */
static struct basket_case case_of(const struct rec_data *d, uint32_t customer, uint32_t order, uint64_t number)
{
	uint32_t guests = d->guests ? d->guests : d->customers;
	bool past = customer < guests && order > d->order_start[customer];
	return (struct basket_case){ customer, order, past && number & 1, past && number % 4 >= 2 && number % 8 < 4 };
}

/* Orders from the cut on, a sample when they are many; the halves that the trees and the weights learn from follow each
 * other. */
static void collect(struct basket_learn *b)
{
	const struct rec_data *d = b->l->d;
	uint64_t there = 0;
	for (int pass = 0; pass < 3; pass++) {
		uint64_t at = 0, step = there / CASES + 1;
		for (uint32_t c = 0; c < d->customers; c++)
			for (uint32_t o = rec_orders_end(b->l, c); o < d->order_start[c + 1]; o++) {
				if (d->line_start[o + 1] - d->line_start[o] < 2)
					continue;
				uint64_t number = at / step;
				if (at++ % step != 0 || pass == 0 || (hash_mix(number, 5) & 1) != (pass == 1))
					continue;
				b->cases = mem_grow(b->cases, &b->cases_cap, b->cases_n + 1, sizeof(*b->cases));
				b->cases[b->cases_n++] = case_of(d, c, o, number);
			}
		there = pass == 0 ? at : there;
	}
}

/* One of the items that can be known and is not owned goes to the end; how many are left in the basket. */
static size_t hide(const struct basket_learn *b, const struct rec_scratch *s, uint32_t order, uint32_t *items, size_t n)
{
	const struct rec_basket *m = b->l->m->basket;
	for (size_t i = 0, at = n ? hash_mix(order, 77) % n : 0; n >= 2 && i < n; i++, at = (at + 1) % n) {
		uint32_t item = items[at];
		if (m->held[item] < HELD_MIN || s->slot[item])
			continue;
		items[at] = items[n - 1];
		items[n - 1] = item;
		return n - 1;
	}
	return n;
}

static bool among(const uint32_t *items, size_t n, uint32_t item)
{
	for (size_t i = 0; i < n; i++)
		if (items[i] == item)
			return true;
	return false;
}

static void case_fill(struct basket_learn *b, struct rec_scratch *s, struct rec_short *list, size_t index)
{
	struct rec_learning l = *b->l; /* counts what it cuts */
	const struct basket_case *c = &b->cases[index];
	uint32_t items[REC_ORDER_LEARNED], later[REC_ORDER_LEARNED], *wanted = later, order = c->order - c->after;
	size_t n = rec_order_items(&l, order, items), basket_n = n, wanted_n = 0;
	s->own_n = s->orders = 0;
	if (c->known)
		rec_read_orders(l.m, s, l.d->order_start[c->customer], order);
	if (c->after) {
		wanted_n = rec_order_items(&l, c->order, later);
	} else {
		basket_n = hide(b, s, order, items, n);
		wanted = items + basket_n;
		wanted_n = n - basket_n;
	}
	struct rec_ask ask = { .customer = c->known ? c->customer : REC_NONE, .basket = items, .basket_n = basket_n };
	for (size_t i = 0; i < basket_n; i++)
		s->in_basket[items[i]] = 1;
	if (wanted_n && basket_n) {
		rec_basket_list(l.m, s, &ask, NULL, list);
		b->counts[index] = (uint32_t)list->n;
		memcpy(b->x + index * REC_SHORT * REC_BASKET_FEATURES, list->x,
		       list->n * REC_BASKET_FEATURES * sizeof(*list->x));
		for (size_t i = 0; i < list->n; i++)
			b->truth[index * REC_SHORT + i] = among(wanted, wanted_n, list->item[i]);
		rec_basket_leave(s);
		rec_vote_clear(s);
	}
	rec_leave_customer(s, &ask);
}

static void fill_body(void *ctx, size_t from, size_t to, int thread)
{
	struct basket_learn *b = ctx;
	struct rec_scratch *s = rec_scratch_new(b->l->m);
	struct rec_short *list = mem_alloc(sizeof(*list));
	for (size_t i = from; i < to; i++)
		case_fill(b, s, list, i);
	free(list);
	rec_scratch_free(s);
}

/* Rows closed up: the first row of each case, and behind the last. Cases where nothing can be wanted are empty. */
static uint32_t *close_up(struct basket_learn *b)
{
	uint32_t *query = mem_alloc((b->cases_n + 1) * sizeof(*query)), at = 0;
	for (size_t i = 0; i < b->cases_n; i++) {
		query[i] = at;
		memmove(b->x + (size_t)at * REC_BASKET_FEATURES, b->x + i * REC_SHORT * REC_BASKET_FEATURES,
		        b->counts[i] * REC_BASKET_FEATURES * sizeof(*b->x));
		memmove(b->truth + at, b->truth + i * REC_SHORT, b->counts[i]);
		at += b->counts[i];
	}
	query[b->cases_n] = at;
	return query;
}

/* ---- weights ---- */

struct weighing {
	const struct basket_learn *b;
	const uint32_t *query;
	const float *trees;
	const float *weights;
	double *worth; /* by case */
	size_t from;
};

static void weigh_body(void *ctx, size_t from, size_t to, int thread)
{
	enum { K = 10 };
	struct weighing *w = ctx;
	for (size_t i = from + w->from; i < to + w->from; i++) {
		uint32_t n = w->query[i + 1] - w->query[i], first = w->query[i], truth = n, rank = 0;
		float sum[REC_SHORT];
		w->worth[i] = 0;
		for (uint32_t r = 0; r < n; r++) {
			sum[r] =
				rec_basket_sum(w->weights, w->b->x + (size_t)(first + r) * REC_BASKET_FEATURES, w->trees[first + r]);
			if (w->b->truth[first + r] && (truth == n || sum[r] > sum[truth]))
				truth = r;
		}
		if (truth == n)
			continue;
		for (uint32_t r = 0; r < n; r++)
			rank += sum[r] > sum[truth] || (sum[r] == sum[truth] && r < truth);
		w->worth[i] = rank < K ? 1 + 1 / log2(rank + 2.0) : 0; /* hit rate and NDCG */
	}
}

static double worth(struct weighing *w)
{
	double total = 0;
	par_for(w->b->cases_n - w->from, 512, w->b->l->o->threads, weigh_body, w);
	for (size_t i = w->from; i < w->b->cases_n; i++)
		total += w->worth[i];
	return total;
}

/* Coordinate search on the cases that the trees have not seen, or they would be believed too much. */
static void choose_weights(const struct basket_learn *b, const uint32_t *query, size_t from, const float *trees,
                           float *weights)
{
	struct weighing w = {
		b, query, trees, weights, mem_alloc((b->cases_n + 1) * sizeof(double)), from,
	};
	memset(weights, 0, (REC_BASKET_PARTS + 1) * sizeof(*weights));
	weights[0] = 1;
	double best = worth(&w);
	for (int round = 0; round < 3; round++)
		for (int i = 1; i <= REC_BASKET_PARTS; i++) {
			float kept = weights[i];
			const float first = i == REC_BASKET_PARTS ? 0.02f : 0.1f;
			const float tries[] = { 0, kept * 0.5f, kept * 2, kept == 0 ? first : kept * 1.4f,
				                    kept == 0 ? first * 5 : kept * 0.7f };
			for (size_t t = 0; t < ARRAY_LEN(tries); t++) {
				weights[i] = tries[t];
				double here = worth(&w);
				if (here > best) {
					best = here;
					kept = tries[t];
				}
			}
			weights[i] = kept;
		}
	free(w.worth);
}

static void learn(struct basket_learn *b)
{
	struct rec_basket *m = b->l->m->basket;
	size_t half = b->cases_n / 2;
	b->x = mem_alloc((b->cases_n * REC_SHORT + 1) * REC_BASKET_FEATURES * sizeof(*b->x));
	b->truth = mem_alloc(b->cases_n * REC_SHORT + 1);
	b->counts = mem_alloc((b->cases_n + 1) * sizeof(*b->counts));
	par_for(b->cases_n, b->cases_n / (size_t)b->l->o->threads + 1, b->l->o->threads, fill_body, b);
	uint32_t *query = close_up(b);
	const struct boost_rows rows = { b->x, b->truth, query, half, REC_BASKET_FEATURES };
	struct boost *boost = boost_train(&rows, &(struct boost_options){ .loss = BOOST_SOFTMAX,
	                                                                  .trees = TREES,
	                                                                  .leaves = 8,
	                                                                  .rate = 0.05,
	                                                                  .ridge = 5,
	                                                                  .sample = 0.6,
	                                                                  .feature_sample = 0.7,
	                                                                  .leaf_rows_min = 100,
	                                                                  .seed = 7,
	                                                                  .threads = b->l->o->threads });
	float *trees = mem_alloc((query[b->cases_n] + 1u) * sizeof(*trees));
	boost_score(boost, b->x, query[b->cases_n], 0, trees);
	choose_weights(b, query, half, trees, m->weights);
	m->trees = forest_of(&boost, 1);
	boost_free(boost);
	free(trees);
	free(query);
	free(b->x);
	free(b->truth);
	free(b->counts);
}

void rec_basket_learn(struct rec_learning *l)
{
	struct basket_learn b = { .l = l };
	l->m->basket = mem_alloc(sizeof(*l->m->basket));
	l->until = cut_day(l->d);
	if (l->until != INT32_MIN)
		collect(&b);
	if (b.cases_n >= CASES_MIN && !rec_stopped(l->o)) {
		l->step = l->d->customers / CUSTOMERS_TUNE + 1;
		rec_rank_sellers(l);
		rec_learn_links(l);
		basket_links(l);
		learn(&b);
	}
	free(b.cases);
	l->until = INT32_MAX;
	l->step = 1;
}
