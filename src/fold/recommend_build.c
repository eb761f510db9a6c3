/* Learning for recommend.h. Customers and orders become sparse rows; three products give item-to-item counts (same
 * order, later order, same customer); EASE is one dense inverse. The union of the heaviest neighbours of each becomes
 * the links of an item. Weights of the blend are learnt by predicting what sampled customers bought for the first time
 * in their newest order, from models that have not seen these orders. */
#include "fold/dense.h"
#include "fold/recommend_basket.h"
#include "fold/recommend_count.h"

#include <stdio.h>

enum { EASE_LAMBDA = 200, EASE_BUYERS_MIN = 3 };
enum { EASE_ITEMS_TUNE = 4096, EASE_WHOLE = 128 };

uint32_t rec_orders_end(const struct rec_learning *l, uint32_t c)
{
	uint32_t o = l->d->order_start[c + 1];
	while (o > l->d->order_start[c] && l->d->order_day[o - 1] >= l->until)
		o--;
	return o;
}

size_t rec_order_items(struct rec_learning *l, uint32_t order, uint32_t *items)
{
	const struct rec_data *d = l->d;
	l->cut_orders += d->line_start[order + 1] - d->line_start[order] > REC_ORDER_LEARNED;
	struct rec_history h = {
		.orders = 1, .line_start = d->line_start + order, .item = d->line_item, .quantity = d->line_quantity
	};
	return rec_order_once(&h, 0, items);
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
			for (uint32_t k = 1; k <= REC_LATER_ORDERS && o + k < end; k++) {
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
bool rec_guests_learnt(uint32_t known)
{
	return known < REC_KNOWN_MIN;
}

static uint32_t customers_learnt(struct rec_learning *l)
{
	uint32_t known = 0, guests = l->d->guests ? l->d->guests : l->d->customers;
	for (uint32_t c = 0; c < guests && known < REC_KNOWN_MIN; c++)
		known += l->d->order_start[c + 1] - l->d->order_start[c] > 1;
	return rec_guests_learnt(known) ? l->d->customers : guests;
}

static void customer_rows(struct rec_learning *l, struct nb_rows *rows)
{
	uint32_t items[REC_ORDER_LEARNED], end = customers_learnt(l);
	for (uint32_t c = 0; c < end; c += l->step) {
		struct rec_history h = rec_history_of(l->d, c);
		h.orders = rec_orders_end(l, c) - l->d->order_start[c];
		size_t n = rec_history_once(&h, items);
		for (size_t i = 0; i < n; i++)
			nb_rows_add(rows, items[i], 1);
		nb_rows_end(rows);
	}
}

/* ---- facts ---- */

static void count_facts(struct rec_learning *l, struct rec_facts *f)
{
	const struct rec_data *d = l->d;
	uint32_t learnt = customers_learnt(l);
	rec_facts_init(f, d->items);
	for (uint32_t c = 0; c < d->customers; c++) {
		struct rec_history h = rec_history_of(d, c);
		rec_facts_add(f, &h, c < learnt, 1);
	}
	rec_facts_tell(f, l->m);
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

void rec_order_catalogue(struct rec_model *m)
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
void rec_ease_links(struct rec_learning *l, const struct nb_rows *users, struct nb_rows *out)
{
	const struct rec_data *d = l->d;
	struct rec_ease e;
	uint32_t at_cut = l->ease_items ? l->ease_items : EASE_ITEMS_TUNE;
	rec_ease_solve(l, users, EASE_LAMBDA, l->until != INT32_MAX ? at_cut : REC_EASE_ITEMS_MAX, &e);
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

struct join {
	struct rec_model *m;
	const struct rec_lists *k;
	struct rec_link (*link)[REC_KEEP]; /* by item from `first` on */
	uint32_t *n, first;
};

struct join_room {
	struct rec_link links[4 * REC_KEEP + 4];
	size_t n;
	uint8_t *at; /* by item: its place among the links + 1; zero between items */
};
_Static_assert(4 * REC_KEEP + 4 < 256, "places are bytes");

static struct rec_link *link_of(struct join_room *r, uint32_t item)
{
	if (!r->at[item]) {
		r->links[r->n++] = (struct rec_link){ .item = item };
		r->at[item] = (uint8_t)r->n;
	}
	return &r->links[r->at[item] - 1];
}

/* One past the last that counts of an item's list. */
static uint64_t list_end(const struct nb_rows *list, uint32_t i)
{
	uint64_t from = list->start[i], end = list->start[i + 1];
	return end - from > REC_KEEP ? from + REC_KEEP : end;
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
static void join_item(const struct rec_lists *k, uint32_t i, struct join_room *r)
{
	r->n = 0;
	for (uint64_t q = k->beside.start[i]; q < list_end(&k->beside, i); q++)
		if (k->beside.item[q] != i) {
			struct rec_link *x = link_of(r, k->beside.item[q]);
			x->both_baskets = (uint32_t)k->beside.weight[q];
			x->beside = k->beside.weight[q] / (float)(k->order_total[i] + 3);
		}
	for (uint64_t q = k->after.start[i]; q < list_end(&k->after, i); q++)
		if (k->after.item[q] != i)
			link_of(r, k->after.item[q])->after = k->after.weight[q] / (float)(k->order_total[i] + 3);
	for (uint64_t q = k->users.start[i]; q < list_end(&k->users, i); q++)
		if (k->users.item[q] != i) {
			struct rec_link *x = link_of(r, k->users.item[q]);
			x->both_customers = (uint32_t)k->users.weight[q];
			x->users = k->users.weight[q] / (float)sqrt((k->user_total[i] + 3) * (k->user_total[k->users.item[q]] + 3));
		}
	for (uint64_t q = k->ease.n ? k->ease.start[i] : 0; k->ease.n && q < list_end(&k->ease, i); q++)
		link_of(r, k->ease.item[q])->ease = k->ease.weight[q];
	for (size_t q = 0; q < r->n; q++)
		r->at[r->links[q].item] = 0;
	qsort(r->links, r->n, sizeof(*r->links), by_blend);
	r->n = r->n > REC_KEEP ? REC_KEEP : r->n;
}

static void join_body(void *ctx, size_t from, size_t to, int thread)
{
	const struct join *j = ctx;
	struct join_room r = { .at = mem_alloc(j->m->items + 1u) };
	for (size_t i = from; i < to; i++) {
		join_item(j->k, j->first + (uint32_t)i, &r);
		memcpy(j->link[i], r.links, r.n * sizeof(*r.links));
		j->n[i] = (uint32_t)r.n;
	}
	free(r.at);
}

/* A stretch of items at a time, so that little is held twice. */
void rec_join(struct rec_model *m, const struct rec_lists *k, int threads)
{
	enum { STRETCH = 16384, CHUNK = 256 };
	struct join j = { .m = m, .k = k };
	size_t cap = 0, most = m->items < STRETCH ? m->items : STRETCH;
	free(m->links);
	m->links = NULL;
	j.link = mem_alloc((most + 1) * sizeof(*j.link));
	j.n = mem_alloc((most + 1) * sizeof(*j.n));
	for (uint32_t first = 0; first < m->items; first += STRETCH) {
		j.first = first;
		uint32_t n = m->items - first < STRETCH ? m->items - first : STRETCH;
		par_for(n, CHUNK, threads, join_body, &j);
		for (uint32_t i = 0; i < n; i++) {
			uint64_t to = m->link_start[first + i];
			m->links = mem_grow(m->links, &cap, to + j.n[i] + 1, sizeof(*m->links));
			memcpy(m->links + to, j.link[i], j.n[i] * sizeof(*m->links));
			m->link_start[first + i + 1] = to + j.n[i];
		}
	}
	free(j.link);
	free(j.n);
}

void rec_lists_release(struct rec_lists *k)
{
	nb_rows_release(&k->beside);
	nb_rows_release(&k->after);
	nb_rows_release(&k->users);
	nb_rows_release(&k->ease);
	free(k->order_total);
	free(k->user_total);
}

static double *totals(const struct nb_rows *r, uint32_t items)
{
	double *t = mem_alloc((items + 1u) * sizeof(*t));
	for (uint64_t q = 0; r->n && q < r->start[r->n]; q++)
		t[r->item[q]]++;
	return t;
}

/* keep: others of an item in every list; of the same order, beside: at least so many. */
static void learn_lists(struct rec_learning *l, uint32_t beside, uint32_t keep, struct rec_lists *k)
{
	uint32_t items = l->d->items;
	struct nb_rows orders = { 0 }, later = { 0 }, users = { 0 };
	*k = (struct rec_lists){ 0 };
	order_rows(l, &orders, &later);
	k->order_total = totals(&orders, items);
	nb_cross(&orders, &orders, items, beside > keep ? beside : keep, l->o->threads, &k->beside);
	nb_cross(&orders, &later, items, keep, l->o->threads, &k->after);
	if (beside)
		rec_basket_tell(l, &k->beside, k->order_total, orders.n, &orders);
	nb_rows_release(&orders);
	nb_rows_release(&later);
	customer_rows(l, &users);
	k->user_total = totals(&users, items);
	nb_cross(&users, &users, items, keep, l->o->threads, &k->users);
	if (l->before && l->until == INT32_MAX)
		ease_before(l, &k->ease);
	else if (!l->o->no_ease && !rec_stopped(l->o))
		rec_ease_links(l, &users, &k->ease);
	nb_rows_release(&users);
	rec_join(l->m, k, l->o->threads);
}

void rec_learn_links(struct rec_learning *l)
{
	struct rec_lists k;
	learn_lists(l, 0, REC_KEEP, &k);
	rec_lists_release(&k);
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

static void learn_cross(struct rec_learning *l, bool follow, struct rec_lists *k)
{
	if (l->before) {
		l->m->w = l->before->w;
		l->m->rank = l->before->rank ? forest_copy(l->before->rank) : NULL;
		rec_basket_before(l);
	} else {
		rec_learn_weights(l);
		if (!l->o->no_basket)
			rec_basket_learn(l);
	}
	l->cut_orders = 0;
	rec_rank_sellers(l);
	uint32_t beside = follow ? REC_WIDE_BESIDE : REC_BASKET_KEEP;
	learn_lists(l, l->m->basket ? beside : 0, follow ? REC_WIDE : REC_KEEP, k);
}

struct rec_model *rec_model_new(const struct rec_data *d, const struct rec_options *o)
{
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
	rec_words_learn(m);
	m->seller = mem_alloc((d->items + 1u) * sizeof(*m->seller));
	m->by_recent = mem_alloc((d->items + 1u) * sizeof(*m->by_recent));
	return m;
}

struct rec_model *rec_build(const struct rec_data *d, const struct rec_options *o, struct err *err)
{
	if (!data_ok(d, err))
		return NULL;
	struct rec_model *m = rec_model_new(d, o);
	struct rec_learning l = { .d = d, .o = &m->o, .m = m, .step = 1, .until = INT32_MAX, .newest = INT32_MIN };
	struct rec_facts facts;
	struct rec_lists lists = { 0 };
	struct nb_rows groups;
	bool follow = o->follow && !o->no_cross && d->items <= REC_FOLLOW_ITEMS_MAX;
	for (uint32_t k = 0; k < d->order_start[d->customers]; k++)
		l.newest = d->order_day[k] > l.newest ? d->order_day[k] : l.newest;
	count_facts(&l, &facts);
	rec_rank_sellers(&l);
	rec_order_catalogue(m);
	l.before = near_enough(o->before, m);
	if (!o->no_cross)
		learn_cross(&l, follow, &lists);
	rec_learn_groups(m, follow ? REC_WIDE : REC_GROUPS_LOOKED, &groups);
	rec_learn_segments(m);
	rec_learn_rhythm(m);
	rec_learn_bundles(m);
	m->baskets_learnt = l.before ? l.before->baskets_learnt : m->baskets_n;
	m->o.before = NULL;
	m->o.stop = NULL;
	if (follow && !rec_stopped(o))
		m->follow = rec_follow_new(&l, &facts, &lists, &groups);
	rec_facts_release(&facts);
	rec_lists_release(&lists);
	nb_rows_release(&groups);
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
		                  m->bundle_both,     m->words.start,      m->words.word,  m->words.weight };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	forest_free(m->rank);
	rec_follow_free(m->follow);
	rec_basket_free(m->basket);
	free(m);
}
