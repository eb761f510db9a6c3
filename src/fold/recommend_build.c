/* Learning for recommend.h. Customers and orders become sparse rows; three products give item-to-item counts (same
 * order, later order, same customer); EASE is one dense inverse. The union of the heaviest neighbours of each becomes
 * the links of an item. Weights of the blend are learnt by predicting what sampled customers bought for the first time
 * in their newest order, from models that have not seen these orders. */
#include "fold/dense.h"
#include "fold/recommend_basket.h"

#include <stdio.h>

enum { LATER_ORDERS = 2, AGAIN_BUYERS_MIN = 20, EASE_LAMBDA = 200, EASE_BUYERS_MIN = 3 };
enum { EASE_ITEMS_TUNE = 4096, EASE_WHOLE = 128 };

static int by_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

uint32_t rec_orders_end(const struct rec_learning *l, uint32_t c)
{
	uint32_t o = l->d->order_start[c + 1];
	while (o > l->d->order_start[c] && l->d->order_day[o - 1] >= l->until)
		o--;
	return o;
}

static bool bought(const struct rec_data *d, uint32_t line)
{
	return !d->line_quantity || d->line_quantity[line] > 0;
}

size_t rec_order_items(struct rec_learning *l, uint32_t order, uint32_t *items)
{
	const struct rec_data *d = l->d;
	uint32_t from = d->line_start[order], to = d->line_start[order + 1];
	size_t n = 0, kept = 0;
	if (to - from > REC_ORDER_LEARNED) {
		to = from + REC_ORDER_LEARNED;
		l->cut_orders++;
	}
	for (uint32_t q = from; q < to; q++)
		if (bought(d, q))
			items[n++] = d->line_item[q];
	qsort(items, n, sizeof(*items), by_u32);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || items[i] != items[i - 1])
			items[kept++] = items[i];
	return kept;
}

static void order_rows(struct rec_learning *l, struct nb_rows *orders, struct nb_rows *later)
{
	const struct rec_data *d = l->d;
	uint32_t items[REC_ORDER_LEARNED];
	for (uint32_t c = 0; c < d->customers; c += l->step) {
		uint32_t end = rec_orders_end(l, c);
		for (uint32_t o = d->order_start[c]; o < end; o++) {
			size_t n = rec_order_items(l, o, items);
			for (size_t i = 0; i < n; i++)
				nb_rows_add(orders, items[i], 1);
			nb_rows_end(orders);
			for (uint32_t k = 1; k <= LATER_ORDERS && o + k < end; k++) {
				n = rec_order_items(l, o + k, items);
				for (size_t i = 0; i < n; i++)
					nb_rows_add(later, items[i], 1.0f / (float)k);
			}
			nb_rows_end(later);
		}
	}
}

/* A guest is one order, which says what is bought together already: as a customer it would say the same again, and a
 * shop's own collected web orders of hundreds of lines would drown the rest. Where hardly anybody is known, guests are
 * all there is. */
static uint32_t customers_learnt(const struct rec_learning *l)
{
	enum { KNOWN_MIN = 200 };
	uint32_t known = 0, guests = l->d->guests ? l->d->guests : l->d->customers;
	for (uint32_t c = 0; c < guests && known < KNOWN_MIN; c++)
		known += l->d->order_start[c + 1] - l->d->order_start[c] > 1;
	return known == KNOWN_MIN ? guests : l->d->customers;
}

static void customer_rows(struct rec_learning *l, struct nb_rows *rows)
{
	const struct rec_data *d = l->d;
	uint32_t items[REC_ORDER_LEARNED], end = customers_learnt(l);
	for (uint32_t c = 0; c < end; c += l->step) {
		size_t n = 0;
		for (uint32_t o = rec_orders_end(l, c); o-- > d->order_start[c] && n < REC_ORDER_LEARNED;)
			for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1] && n < REC_ORDER_LEARNED; q++)
				if (bought(d, q))
					items[n++] = d->line_item[q];
		qsort(items, n, sizeof(*items), by_u32);
		for (size_t i = 0; i < n; i++)
			if (i == 0 || items[i] != items[i - 1])
				nb_rows_add(rows, items[i], 1);
		nb_rows_end(rows);
	}
}

/* ---- facts ---- */

static void count_facts(struct rec_learning *l)
{
	struct rec_model *m = l->m;
	const struct rec_data *d = l->d;
	uint32_t *seen = mem_alloc((d->items + 1u) * sizeof(*seen)), *again = mem_alloc((d->items + 1u) * sizeof(*again));
	uint32_t *first_order = mem_alloc((d->items + 1u) * sizeof(*first_order));
	uint32_t learnt = customers_learnt(l);
	uint8_t *twice = mem_alloc(d->items + 1u);
	for (uint32_t c = 0; c < d->customers; c++)
		for (uint32_t o = d->order_start[c]; o < d->order_start[c + 1]; o++) {
			m->baskets_n++;
			for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++) {
				uint32_t i = d->line_item[q];
				if (!bought(d, q))
					continue;
				if (first_order[i] != o + 1)
					m->baskets_of[i]++;
				if (seen[i] != c + 1) {
					seen[i] = c + 1;
					twice[i] = 0;
					m->customers_of[i]++;
					m->learnt_of[i] += c < learnt && c % l->step == 0;
				} else if (first_order[i] != o + 1 && !twice[i]) {
					twice[i] = 1;
					again[i]++;
				}
				first_order[i] = o + 1;
			}
		}
	for (uint32_t i = 0; i < d->items; i++)
		m->again_by_nature[i] = (d->item && d->item[i].flags & REC_CONSUMABLE) ||
		                        (m->customers_of[i] >= AGAIN_BUYERS_MIN && again[i] * 3 >= m->customers_of[i] &&
		                         !(d->item && d->item[i].lifetime_days > 0));
	for (uint32_t c = 0; c < d->customers; c++)
		m->customers_n += d->order_start[c + 1] > d->order_start[c];
	free(seen);
	free(again);
	free(first_order);
	free(twice);
}

static int by_popularity(const void *a, const void *b, void *ctx)
{
	const float *p = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (p[x] != p[y])
		return p[x] > p[y] ? -1 : 1;
	return (x > y) - (x < y);
}

static int by_type_price(const void *a, const void *b, void *ctx)
{
	const struct rec_item *item = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (item[x].type != item[y].type)
		return item[x].type < item[y].type ? -1 : 1;
	if (item[x].price_minor != item[y].price_minor)
		return item[x].price_minor < item[y].price_minor ? -1 : 1;
	return (x > y) - (x < y);
}

static void order_items(struct rec_model *m)
{
	const struct rec_data *d = m->d;
	m->by_popular = mem_alloc((d->items + 1u) * sizeof(*m->by_popular));
	m->type_item = mem_alloc((d->items + 1u) * sizeof(*m->type_item));
	for (uint32_t i = 0; i < d->items; i++)
		m->by_popular[i] = m->type_item[i] = i;
	qsort_r(m->by_popular, d->items, sizeof(uint32_t), by_popularity, m->popular);
	for (uint32_t i = 0; d->item && i < d->items; i++)
		if (d->item[i].type != REC_NONE && d->item[i].type >= m->types)
			m->types = d->item[i].type + 1;
	m->type_item_start = mem_alloc((m->types + 2u) * sizeof(uint32_t));
	if (!d->item)
		return;
	qsort_r(m->type_item, d->items, sizeof(uint32_t), by_type_price, (void *)d->item);
	for (uint32_t i = 0; i < d->items; i++)
		if (d->item[i].type != REC_NONE)
			m->type_item_start[d->item[i].type + 1]++;
	for (uint32_t t = 0; t < m->types; t++)
		m->type_item_start[t + 1] += m->type_item_start[t];
}

/* ---- links ---- */

struct links {
	struct nb_rows beside, after, users, ease;
	double *order_total, *user_total;
};

/* The lower triangle of the Gram matrix, a stripe of columns a thread: counts, so their order does not matter. */
static void gram_body(void *ctx, size_t from, size_t to, int thread)
{
	struct rec_ease *e = ctx;
	uint32_t columns[REC_ORDER_LEARNED];
	for (uint32_t r = 0; r < e->rows->n; r++) {
		size_t k = 0;
		for (uint64_t q = e->rows->start[r]; q < e->rows->start[r + 1]; q++)
			if (e->column[e->rows->item[q]] != REC_NONE)
				columns[k++] = e->column[e->rows->item[q]];
		for (size_t i = 0; i < k; i++)
			for (size_t j = 0; columns[i] >= from && columns[i] < to && j < k; j++)
				if (columns[j] <= columns[i])
					e->g[(size_t)columns[i] * e->n + columns[j]]++;
	}
}

void rec_ease_solve(struct rec_learning *l, const struct nb_rows *rows, float ridge, uint32_t most, struct rec_ease *e)
{
	enum { STRIPES_A_THREAD = 4 };
	const struct rec_data *d = l->d;
	*e = (struct rec_ease){ .rows = rows };
	while (e->n < d->items && e->n < most && l->m->customers_of[l->m->by_popular[e->n]] >= EASE_BUYERS_MIN)
		e->n++;
	e->n = e->n > EASE_WHOLE ? e->n / EASE_WHOLE * EASE_WHOLE : e->n; /* no padded copy in the inverse */
	e->column = mem_alloc((d->items + 1u) * sizeof(*e->column));
	memset(e->column, 0xff, (d->items + 1u) * sizeof(*e->column));
	for (uint32_t i = 0; i < e->n; i++)
		e->column[l->m->by_popular[i]] = i;
	e->g = mem_alloc(((size_t)e->n * e->n + 1) * sizeof(*e->g));
	/* the best sold come first and are most of the work: narrow stripes */
	par_for(e->n, e->n / ((size_t)l->o->threads * STRIPES_A_THREAD) + 1, l->o->threads, gram_body, e);
	for (uint32_t i = 0; i < e->n; i++)
		e->g[(size_t)i * e->n + i] += ridge;
	dense_invert(e->g, e->n, l->o->threads);
}

void rec_ease_row(const struct rec_ease *e, size_t a, float *row)
{
	for (uint32_t j = 0; j < e->n; j++)
		row[j] = j == a ? 0 : -e->g[a * e->n + j] / e->g[(size_t)j * e->n + j];
}

void rec_ease_release(struct rec_ease *e)
{
	free(e->g);
	free(e->column);
}

struct ease_top {
	const struct rec_ease *e;
	uint32_t (*top)[REC_KEEP], *n;
	float (*weight)[REC_KEEP];
};

static void coefficient_body(void *ctx, size_t from, size_t to, int thread)
{
	struct ease_top *t = ctx;
	float *row = mem_alloc((t->e->n + 1u) * sizeof(*row));
	for (size_t a = from; a < to; a++) {
		rec_ease_row(t->e, a, row);
		t->n[a] = (uint32_t)nb_top(row, t->e->n, REC_KEEP, t->top[a]);
		for (uint32_t i = 0; i < t->n[a]; i++)
			t->weight[a][i] = row[t->top[a][i]];
	}
	free(row);
}

/* Inverse on the best sold items; column-normalised coefficients, the heaviest REC_KEEP of a row kept. */
static void ease_links(struct rec_learning *l, const struct nb_rows *users, struct nb_rows *out)
{
	const struct rec_data *d = l->d;
	struct rec_ease e;
	rec_ease_solve(l, users, EASE_LAMBDA, l->until != INT32_MAX ? EASE_ITEMS_TUNE : REC_EASE_ITEMS_MAX, &e);
	struct ease_top t = { .e = &e };
	t.top = mem_alloc((e.n + 1u) * sizeof(*t.top));
	t.weight = mem_alloc((e.n + 1u) * sizeof(*t.weight));
	t.n = mem_alloc((e.n + 1u) * sizeof(*t.n));
	par_for(e.n, 32, l->o->threads, coefficient_body, &t);
	for (uint32_t item = 0; item < d->items; item++) {
		uint32_t a = e.column[item];
		for (uint32_t i = 0; a != REC_NONE && i < t.n[a]; i++)
			nb_rows_add(out, l->m->by_popular[t.top[a][i]], t.weight[a][i]);
		nb_rows_end(out);
	}
	free(t.top);
	free(t.weight);
	free(t.n);
	rec_ease_release(&e);
}

bool rec_stopped(const struct rec_options *o)
{
	return o->stop && atomic_load(o->stop);
}

/* As the model before has it. */
static void ease_before(const struct rec_learning *l, struct nb_rows *out)
{
	const struct rec_model *b = l->before;
	for (uint32_t i = 0; i < l->d->items; i++) {
		for (uint64_t q = i < b->items ? b->link_start[i] : 0; i < b->items && q < b->link_start[i + 1]; q++)
			if (b->links[q].ease > 0)
				nb_rows_add(out, b->links[q].item, b->links[q].ease);
		nb_rows_end(out);
	}
}

static struct rec_link *link_find(struct rec_link *links, size_t *n, uint32_t item)
{
	for (size_t i = 0; i < *n; i++)
		if (links[i].item == item)
			return &links[i];
	links[*n] = (struct rec_link){ .item = item };
	return &links[(*n)++];
}

static int by_blend(const void *a, const void *b)
{
	const struct rec_link *x = a, *y = b;
	float fx = x->beside + x->after + x->users + x->ease, fy = y->beside + y->after + y->users + y->ease;
	if (fx != fy)
		return fx > fy ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

/* Each part divided by what its own item total would explain, so that the four are of like size. */
static void join_item(struct rec_model *m, const struct links *k, uint32_t i, struct rec_link *out, size_t *n)
{
	*n = 0;
	for (uint64_t q = k->beside.start[i]; q < k->beside.start[i + 1]; q++)
		if (k->beside.item[q] != i) {
			struct rec_link *x = link_find(out, n, k->beside.item[q]);
			x->both_baskets = (uint32_t)k->beside.weight[q];
			x->beside = k->beside.weight[q] / (float)(k->order_total[i] + 3);
		}
	for (uint64_t q = k->after.start[i]; q < k->after.start[i + 1]; q++)
		if (k->after.item[q] != i)
			link_find(out, n, k->after.item[q])->after = k->after.weight[q] / (float)(k->order_total[i] + 3);
	for (uint64_t q = k->users.start[i]; q < k->users.start[i + 1]; q++)
		if (k->users.item[q] != i) {
			struct rec_link *x = link_find(out, n, k->users.item[q]);
			x->both_customers = (uint32_t)k->users.weight[q];
			x->users = k->users.weight[q] / (float)sqrt((k->user_total[i] + 3) * (k->user_total[k->users.item[q]] + 3));
		}
	for (uint64_t q = k->ease.n ? k->ease.start[i] : 0; k->ease.n && q < k->ease.start[i + 1]; q++)
		link_find(out, n, k->ease.item[q])->ease = k->ease.weight[q];
	qsort(out, *n, sizeof(*out), by_blend);
	if (*n > REC_KEEP)
		*n = REC_KEEP;
}

static double *totals(const struct nb_rows *r, uint32_t items)
{
	double *t = mem_alloc((items + 1u) * sizeof(*t));
	for (uint64_t q = 0; r->n && q < r->start[r->n]; q++)
		t[r->item[q]]++;
	return t;
}

void rec_learn_links(struct rec_learning *l)
{
	struct rec_model *m = l->m;
	uint32_t items = l->d->items;
	struct nb_rows orders = { 0 }, later = { 0 }, users = { 0 };
	struct links k = { 0 };
	order_rows(l, &orders, &later);
	k.order_total = totals(&orders, items);
	nb_cross(&orders, &orders, items, REC_KEEP, l->o->threads, &k.beside);
	nb_cross(&orders, &later, items, REC_KEEP, l->o->threads, &k.after);
	nb_rows_release(&orders);
	nb_rows_release(&later);
	customer_rows(l, &users);
	k.user_total = totals(&users, items);
	nb_cross(&users, &users, items, REC_KEEP, l->o->threads, &k.users);
	if (l->before && l->until == INT32_MAX)
		ease_before(l, &k.ease);
	else if (!l->o->no_ease && !rec_stopped(l->o))
		ease_links(l, &users, &k.ease);
	nb_rows_release(&users);
	free(m->links);
	m->links = NULL;
	size_t cap = 0;
	struct rec_link join[4 * REC_KEEP + 4];
	for (uint32_t i = 0; i < items; i++) {
		size_t n;
		join_item(m, &k, i, join, &n);
		m->links = mem_grow(m->links, &cap, m->link_start[i] + n + 1, sizeof(*m->links));
		memcpy(m->links + m->link_start[i], join, n * sizeof(*join));
		m->link_start[i + 1] = m->link_start[i] + n;
	}
	nb_rows_release(&k.beside);
	nb_rows_release(&k.after);
	nb_rows_release(&k.users);
	nb_rows_release(&k.ease);
	free(k.order_total);
	free(k.user_total);
}

static bool data_ok(const struct rec_data *d, struct err *err)
{
	uint32_t orders = d->order_start[d->customers];
	for (uint32_t c = 0; c < d->customers; c++)
		for (uint32_t o = d->order_start[c] + 1; o < d->order_start[c + 1]; o++)
			check(d->order_day[o] >= d->order_day[o - 1]);
	for (uint32_t q = 0; q < d->line_start[orders]; q++)
		check(d->line_item[q] < d->items);
	if (d->items == 0)
		return err_set(err, ERR_INPUT, "no products: import a catalogue or orders first");
	if (orders == 0)
		return err_set(err, ERR_INPUT, "no orders: nothing can be learnt from yet");
	return true;
}

static const struct rec_model *near_enough(const struct rec_model *before, const struct rec_model *m)
{
	enum { GROWTH_OF = 50 };
	bool near = before && before->items <= m->d->items && before->baskets_n <= m->baskets_n &&
	            (m->baskets_n - before->baskets_learnt) * GROWTH_OF < m->baskets_n;
	return near ? before : NULL;
}

static void note_left_out(struct rec_model *m, uint64_t cut_orders)
{
	uint32_t sold = 0;
	int n = 0;
	for (uint32_t i = 0; i < m->items; i++)
		sold += m->customers_of[i] >= EASE_BUYERS_MIN;
	if (cut_orders)
		n = snprintf(m->notes, sizeof(m->notes), "%llu order%s of more than %d lines: learnt from in part",
		             (unsigned long long)cut_orders, cut_orders == 1 ? "" : "s", REC_ORDER_LEARNED);
	if (sold > REC_EASE_ITEMS_MAX && !m->o.no_ease)
		snprintf(m->notes + n, sizeof(m->notes) - (size_t)n, "%sEASE: the %d best sellers of %u products",
		         n ? "; " : "", REC_EASE_ITEMS_MAX, sold);
}

static void learn_cross(struct rec_learning *l)
{
	if (l->before) {
		l->m->w = l->before->w;
		l->m->rank = l->before->rank ? forest_copy(l->before->rank) : NULL;
		rec_basket_before(l);
	} else {
		rec_learn_weights(l);
		rec_basket_learn(l);
	}
	l->cut_orders = 0;
	rec_rank_sellers(l);
	rec_basket_links(l);
	l->cut_orders = 0;
	rec_learn_links(l);
}

struct rec_model *rec_build(const struct rec_data *d, const struct rec_options *o, struct err *err)
{
	if (!data_ok(d, err))
		return NULL;
	struct rec_model *m = mem_alloc(sizeof(*m));
	m->d = d;
	m->items = d->items;
	m->o = *o;
	m->o.threads = par_threads(o->threads);
	m->link_start = mem_alloc((d->items + 2u) * sizeof(*m->link_start));
	m->customers_of = mem_alloc((d->items + 1u) * sizeof(uint32_t));
	m->learnt_of = mem_alloc((d->items + 1u) * sizeof(uint32_t));
	m->baskets_of = mem_alloc((d->items + 1u) * sizeof(uint32_t));
	m->popular = mem_alloc((d->items + 1u) * sizeof(float));
	m->again_by_nature = mem_alloc(d->items + 1u);
	struct rec_learning l = { .d = d, .o = &m->o, .m = m, .step = 1, .until = INT32_MAX, .newest = INT32_MIN };
	m->seller = mem_alloc((d->items + 1u) * sizeof(*m->seller));
	m->by_recent = mem_alloc((d->items + 1u) * sizeof(*m->by_recent));
	for (uint32_t k = 0; k < d->order_start[d->customers]; k++)
		l.newest = d->order_day[k] > l.newest ? d->order_day[k] : l.newest;
	count_facts(&l);
	rec_rank_sellers(&l);
	order_items(m);
	l.before = near_enough(o->before, m);
	if (!o->no_cross)
		learn_cross(&l);
	rec_learn_groups(m);
	rec_learn_segments(m);
	rec_learn_rhythm(m);
	rec_learn_bundles(m);
	m->baskets_learnt = l.before ? l.before->baskets_learnt : m->baskets_n;
	m->o.before = NULL;
	m->o.stop = NULL;
	if (rec_stopped(o)) {
		rec_free(m);
		err_set(err, ERR_WORLD, "told to stop");
		return NULL;
	}
	note_left_out(m, l.cut_orders);
	return m;
}

struct rec_weights rec_model_weights(const struct rec_model *m)
{
	return m->w;
}

struct str rec_model_notes(const struct rec_model *m)
{
	return str_from(m->notes);
}

void rec_free(struct rec_model *m)
{
	if (!m)
		return;
	void *const all[] = { m->seller,          m->by_recent,        m->link_start,  m->links,
		                  m->customers_of,    m->learnt_of,        m->baskets_of,  m->popular,
		                  m->by_popular,      m->again_by_nature,  m->group_start, m->group_other,
		                  m->group_both,      m->segment_both,     m->segment_top, m->group,
		                  m->group_baskets,   m->group_item_start, m->group_item,  m->due,
		                  m->type_item_start, m->type_item,        m->bundle_a,    m->bundle_b,
		                  m->bundle_both };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	forest_free(m->rank);
	rec_basket_free(m->basket);
	free(m);
}
