/* The next model of recommend_follow.h. */
#include "fold/recommend_basket.h"
#include "fold/recommend_follow_inner.h"

#include <stdlib.h>

/* ---- rows counted again ---- */

struct room {   /* of a thread */
	float *sum; /* by item or group, zero between rows */
	struct nb_heavy *list;
	uint32_t n;
	uint32_t *who;
	size_t who_n, who_cap;
	uint64_t histories;
};

struct task {
	enum pairs pairs;
	uint32_t row;
};

struct recount {
	struct rec_follow *f;
	const struct rec_reader *reader;
	const atomic_bool *stop;
	struct task *tasks;
	size_t n;
	struct room *rooms;
};

static void add_who(struct room *r, const uint32_t *who, size_t n)
{
	r->who = mem_grow(r->who, &r->who_cap, r->who_n + n + 1, sizeof(*r->who));
	if (n)
		memcpy(r->who + r->who_n, who, n * sizeof(*who));
	r->who_n += n;
}

static void holders_of(const struct rec_follow *f, uint32_t item, struct room *r)
{
	if (item < f->held_items)
		add_who(r, f->held + f->held_start[item], f->held_start[item + 1] - f->held_start[item]);
	add_who(r, f->since[item].who, f->since[item].n);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Customers who bought anything of a group, each once. */
static void holders_of_group(const struct rec_follow *f, uint32_t group, struct room *r)
{
	size_t kept = 0;
	for (uint32_t i = 0; i < f->items; i++)
		if (f->group[i] == group)
			holders_of(f, i, r);
	qsort(r->who, r->who_n, sizeof(*r->who), by_number);
	for (size_t i = 0; i < r->who_n; i++)
		if (i == 0 || r->who[i] != r->who[i - 1])
			r->who[kept++] = r->who[i];
	r->who_n = kept;
}

static void meet(struct room *r, const uint32_t *items, size_t n, float weight)
{
	for (size_t i = 0; i < n; i++) {
		if (r->sum[items[i]] == 0)
			r->list[r->n++].item = items[i];
		r->sum[items[i]] += weight;
	}
}

static bool holds(const uint32_t *items, size_t n, uint32_t item)
{
	size_t i = 0;
	while (i < n && items[i] < item)
		i++;
	return i < n && items[i] == item;
}

static bool mentions(const struct rec_history *h, uint32_t order, uint32_t item)
{
	for (uint32_t q = h->line_start[order]; q < h->line_start[order + 1]; q++)
		if (h->item[q] == item)
			return true;
	return false;
}

static void meet_history(const struct rec_follow *f, struct task t, const struct rec_history *h, struct room *r)
{
	uint32_t items[REC_ORDER_LEARNED], later[REC_ORDER_LEARNED];
	size_t n;
	if (t.pairs == USERS) {
		n = rec_history_once(h, items);
		meet(r, items, holds(items, n, t.row) ? n : 0, 1);
		return;
	}
	for (uint32_t o = 0; o < h->orders; o++) {
		if (t.pairs != GROUPS && !mentions(h, o, t.row))
			continue; /* before it is sorted */
		n = t.pairs == GROUPS ? rec_groups_once(f->group, h, o, items) : rec_order_once(h, o, items);
		if (!holds(items, n, t.row))
			continue;
		if (t.pairs != AFTER) {
			meet(r, items, n, 1);
			continue;
		}
		for (uint32_t k = 1; k <= REC_LATER_ORDERS && o + k < h->orders; k++)
			meet(r, later, rec_order_once(h, o + k, later), 1.0f / (float)k);
	}
}

static void recount_body(void *ctx, size_t from, size_t to, int thread)
{
	struct recount *c = ctx;
	struct room *r = &c->rooms[thread];
	const struct rec_follow *f = c->f;
	size_t numbers = (f->items > f->groups ? f->items : f->groups) + 1u;
	if (!r->sum) {
		r->sum = mem_alloc(numbers * sizeof(*r->sum));
		r->list = mem_alloc(numbers * sizeof(*r->list));
	}
	for (size_t i = from; i < to && !(c->stop && atomic_load(c->stop)); i++) {
		struct task t = c->tasks[i];
		r->who_n = r->n = 0;
		if (t.pairs == GROUPS)
			holders_of_group(f, t.row, r);
		else
			holders_of(f, t.row, r);
		for (size_t k = 0; k < r->who_n; k++) {
			struct rec_history h;
			if (t.pairs == USERS && r->who[k] & REC_GUEST && !f->guests_learnt)
				continue;
			c->reader->read(c->reader->ctx, thread, r->who[k], &h);
			meet_history(f, t, &h, r);
			r->histories++;
		}
		for (uint32_t k = 0; k < r->n; k++) {
			r->list[k].weight = r->sum[r->list[k].item];
			r->sum[r->list[k].item] = 0;
		}
		rec_row_set(&f->rows[t.pairs], t.row, r->list, r->n);
	}
}

static void recount(struct rec_follow *f, const struct rec_reader *reader, const struct rec_options *o, int threads)
{
	struct recount c = { .f = f, .reader = reader, .stop = o->stop };
	size_t cap = 0;
	for (int k = 0; k < PAIRS; k++)
		for (uint32_t i = 0; i < f->rows[k].n; i++)
			if (f->rows[k].row[i].again) {
				c.tasks = mem_grow(c.tasks, &cap, c.n + 1, sizeof(*c.tasks));
				c.tasks[c.n++] = (struct task){ (enum pairs)k, i };
			}
	c.rooms = mem_alloc((size_t)threads * sizeof(*c.rooms));
	par_for(c.n, 1, threads, recount_body, &c);
	f->told.rows = c.n;
	for (int t = 0; t < threads; t++) {
		f->told.histories += c.rooms[t].histories;
		free(c.rooms[t].sum);
		free(c.rooms[t].list);
		free(c.rooms[t].who);
	}
	free(c.rooms);
	free(c.tasks);
}

/* ---- days ---- */

typedef void history_fn(void *ctx, const struct rec_history *h);

static void each_history(const struct rec_reader *r, bool guests, history_fn *fn, void *ctx)
{
	struct rec_history h;
	for (uint32_t c = 0; c < r->customers; c++) {
		r->read(r->ctx, 0, c, &h);
		fn(ctx, &h);
	}
	for (uint32_t g = 0; guests && g < r->guests; g++) {
		r->read(r->ctx, 0, REC_GUEST | g, &h);
		fn(ctx, &h);
	}
}

static void find_newest(void *ctx, const struct rec_history *h)
{
	struct rec_follow *f = ctx;
	int32_t day = h->orders ? h->day[h->orders - 1] : INT32_MIN;
	f->newest = day > f->newest ? day : f->newest;
}

static void sum_sales(void *ctx, const struct rec_history *h)
{
	rec_follow_sales(ctx, h);
}

/* Another day is the newest: what sold in the last ten and thirty days is another thing for every product. */
static void days_again(struct rec_follow *f, const struct rec_reader *r)
{
	rec_sales_release(&f->sales);
	if (f->newest_orders <= 0) {
		f->newest = INT32_MIN;
		each_history(r, true, find_newest, f);
	}
	f->newest_orders = 0;
	rec_sales_init(&f->sales, f->items, f->newest + 1);
	each_history(r, true, sum_sales, f);
	f->told.days = true;
}

/* The first and last sale of items that may have lost them. */
static void edges_again(struct rec_follow *f, const struct rec_reader *r)
{
	struct room room = { 0 };
	struct rec_history h;
	for (uint32_t i = 0; i < f->items; i++) {
		if (!f->edge[i])
			continue;
		f->edge[i] = false;
		room.who_n = 0;
		holders_of(f, i, &room);
		rec_sales_forget_days(&f->sales, i);
		for (size_t k = 0; k < room.who_n; k++) {
			r->read(r->ctx, 0, room.who[k], &h);
			for (uint32_t o = 0; o < h.orders; o++)
				for (uint32_t q = h.line_start[o]; q < h.line_start[o + 1]; q++)
					if (h.item[q] == i && rec_bought(&h, q))
						rec_sales_day(&f->sales, i, h.day[o]);
		}
	}
	free(room.who);
}

static void tell_days(struct rec_follow *f, const struct rec_reader *r)
{
	if (f->newest_orders <= 0 || f->sales.until != f->newest + 1)
		days_again(f, r);
	else if (f->edges)
		edges_again(f, r);
	if (f->edges)
		memset(f->edge, 0, f->items * sizeof(*f->edge));
	f->edges = false;
}

/* ---- the next model ---- */

static void add_once(struct nb_rows *rows, const uint32_t *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		nb_rows_add(rows, items[i], 1);
	nb_rows_end(rows);
}

static void add_user(void *ctx, const struct rec_history *h)
{
	uint32_t items[REC_ORDER_LEARNED];
	add_once(ctx, items, rec_history_once(h, items));
}

static void add_orders(void *ctx, const struct rec_history *h)
{
	uint32_t items[REC_ORDER_LEARNED];
	for (uint32_t o = 0; o < h->orders; o++)
		add_once(ctx, items, rec_order_once(h, o, items));
}

/* One of the two at a time: each is a whole pass and a large matrix. */
static void tell_links(struct rec_follow *f, struct rec_model *m, const struct rec_model *before,
                       const struct rec_reader *r)
{
	bool renew = f->with_ease && f->ease_since * REC_EASE_RENEWED >= m->baskets_n;
	struct rec_learning l = { .d = m->d, .o = &m->o, .m = m, .step = 1, .until = INT32_MAX, .before = before };
	struct rec_lists k = { .order_total = f->order_total, .user_total = f->user_total };
	struct nb_rows rows = { 0 };
	rec_rows_put(&f->rows[BESIDE], &k.beside);
	rec_rows_put(&f->rows[AFTER], &k.after);
	rec_rows_put(&f->rows[USERS], &k.users);
	rec_basket_before(&l);
	if (renew) {
		l.before = NULL;
		each_history(r, true, add_orders, &rows);
	}
	rec_basket_tell(&l, &k.beside, f->order_total, (uint32_t)m->baskets_n, &rows);
	nb_rows_release(&rows);
	if (renew) {
		each_history(r, f->guests_learnt, add_user, &rows);
		nb_rows_release(&f->ease);
		rec_ease_links(&l, &rows, &f->ease);
		nb_rows_release(&rows);
		f->ease_since = 0;
		f->told.ease = true;
	}
	k.ease = f->ease;
	rec_join(m, &k, m->o.threads);
	nb_rows_release(&k.beside);
	nb_rows_release(&k.after);
	nb_rows_release(&k.users);
}

static void tell_groups(const struct rec_follow *f, struct rec_model *m)
{
	struct nb_rows cross;
	rec_name_groups(m);
	m->group_baskets = mem_alloc((m->groups + 1u) * sizeof(*m->group_baskets));
	memcpy(m->group_baskets, f->group_baskets, m->groups * sizeof(*m->group_baskets));
	rec_rows_put(&f->rows[GROUPS], &cross);
	rec_join_groups(m, &cross);
	nb_rows_release(&cross);
}

static void tell_segments(const struct rec_follow *f, struct rec_model *m)
{
	if (!f->segment_both)
		return;
	size_t bytes = (f->segments + 1u) * (size_t)f->items * sizeof(*f->segment_both);
	m->segment_both = mem_alloc(bytes);
	memcpy(m->segment_both, f->segment_both, bytes);
	memcpy(m->segment_customers, f->segment_customers, sizeof(f->segment_customers));
	rec_segments_best(m, f->segments);
}

/* What a day changes little, and would cost a whole pass. */
static void take_over(const struct rec_model *before, struct rec_model *m)
{
	m->w = before->w;
	m->rank = before->rank ? forest_copy(before->rank) : NULL;
	m->due = mem_alloc((m->items + 1u) * sizeof(*m->due));
	memcpy(m->due, before->due, before->items * sizeof(*m->due));
	m->due[m->items] = before->due[before->items]; /* everything's */
	memcpy(m->due_quantile, before->due_quantile, sizeof(m->due_quantile));
	memcpy(m->notes, before->notes, sizeof(m->notes));
	m->baskets_learnt = before->baskets_learnt;
}

struct rec_model *rec_follow_build(struct rec_follow *f, const struct rec_data *d, const struct rec_model *before,
                                   const struct rec_reader *r, const struct rec_options *o, struct err *err)
{
	f->told = (struct rec_follow_told){ 0 };
	check(d->items == f->items && before->items <= f->items);
	if (rec_guests_learnt(f->known > UINT32_MAX ? UINT32_MAX : (uint32_t)f->known) != f->guests_learnt) {
		err_set(err, ERR_INPUT, "another set of customers is to be learnt from");
		return NULL;
	}
	struct rec_model *m = rec_model_new(d, o);
	m->o.before = NULL;
	m->o.stop = NULL;
	rec_follow_settle(f);
	f->told.pairs = f->pairs;
	f->pairs = 0;
	recount(f, r, o, m->o.threads);
	tell_days(f, r);
	rec_facts_tell(&f->facts, m);
	rec_sales_tell(&f->sales, m);
	rec_order_catalogue(m);
	tell_links(f, m, before, r);
	tell_groups(f, m);
	tell_segments(f, m);
	take_over(before, m);
	rec_learn_bundles(m);
	if (rec_stopped(o)) {
		rec_free(m);
		err_set(err, ERR_WORLD, "told to stop");
		return NULL;
	}
	return m;
}
