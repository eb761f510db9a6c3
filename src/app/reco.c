#include "app/reco_int.h"

#include "base/par.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- orders ---- */

static void put_line(struct reco *r, uint32_t item, int32_t quantity, int64_t minor)
{
	size_t q = r->lines++;
	r->line_item = mem_grow(r->line_item, &r->item_cap, q + 1, sizeof *r->line_item);
	r->line_quantity = mem_grow(r->line_quantity, &r->quantity_cap, q + 1, sizeof *r->line_quantity);
	r->line_minor = mem_grow(r->line_minor, &r->minor_cap, q + 1, sizeof *r->line_minor);
	r->line_item[q] = item;
	r->line_quantity[q] = (float)quantity;
	r->line_minor[q] = (int32_t)(minor > INT32_MAX ? INT32_MAX : minor < INT32_MIN ? INT32_MIN : minor);
}

bool reco_put_order(struct reco *r, const struct chunk *k, uint32_t o)
{
	size_t before = r->lines;
	for (uint32_t q = order_line(k, o); q < order_line(k, o + 1) && r->lines < RECO_LINES_MAX; q++) {
		product_id p = line_product(k, q);
		uint32_t item = p < r->products ? r->item_of[p] : REC_NONE;
		if (item != REC_NONE && line_quantity(k, q) != 0)
			put_line(r, item, line_quantity(k, q), line_amount(k, q));
		else
			r->lines_left_out++;
	}
	if (r->lines == before)
		return false;
	size_t at = r->orders++;
	r->order_day = mem_grow(r->order_day, &r->order_cap, at + 1, sizeof *r->order_day);
	r->line_start = mem_grow(r->line_start, &r->line_start_cap, at + 2, sizeof *r->line_start);
	r->order_day[at] = zone_date(r->zone, (struct instant){ k->order_at[o] }).day;
	r->line_start[at] = (uint32_t)before;
	r->line_start[at + 1] = (uint32_t)r->lines;
	return true;
}

static void point(struct reco *r)
{
	r->data.order_start = r->order_start;
	r->data.order_day = r->order_day;
	r->data.line_start = r->line_start;
	r->data.line_item = r->line_item;
	r->data.line_quantity = r->line_quantity;
	r->data.line_minor = r->line_minor;
}

void reco_no_orders(struct reco *r)
{
	r->order_day = mem_grow(r->order_day, &r->order_cap, 1, sizeof *r->order_day);
	r->line_start = mem_grow(r->line_start, &r->line_start_cap, 2, sizeof *r->line_start);
	r->line_start[0] = 0;
	put_line(r, 0, 0, 0); /* so that no array is NULL */
	r->orders = r->lines = 0;
}

/* The customer behind all others is a place for reco_fresh(). */
static void end_orders(struct reco *r, size_t customer)
{
	r->order_start[++customer] = (uint32_t)r->orders; /* it starts, and ends, here */
	r->order_start[++customer] = (uint32_t)r->orders;
	r->data.customers = (uint32_t)customer;
	r->data.guests = r->people + 1;
	r->known_orders = r->orders;
	r->known_lines = r->lines;
	point(r);
}

void reco_place(struct reco *r)
{
	reco_no_orders(r);
	r->order_start = mem_alloc(3 * sizeof *r->order_start);
	end_orders(r, 0);
}

static void read_orders(struct reco *r, const struct version *v, struct instant now)
{
	struct view w;
	view_at(&w, v, GUESTS, now);
	size_t guests = w.order1 - w.order0, customer = 0;
	r->people = v->customers;
	r->order_start = mem_alloc(((size_t)r->people + guests + 3) * sizeof *r->order_start);
	reco_no_orders(r);
	for (customer_id c = 1; c <= r->people; c++) {
		r->order_start[++customer] = (uint32_t)r->orders;
		view_at(&w, v, c, now);
		for (uint32_t o = w.order0; o < w.order1; o++)
			reco_put_order(r, w.k, o);
	}
	view_at(&w, v, GUESTS, now);
	for (uint32_t o = w.order0; o < w.order1; o++) {
		r->order_start[customer + 1] = (uint32_t)r->orders;
		customer += reco_put_order(r, w.k, o);
	}
	end_orders(r, customer);
}

uint32_t reco_fresh(struct reco *r, const struct view *v)
{
	uint32_t place = r->data.customers - 1;
	r->orders = r->known_orders;
	r->lines = r->known_lines;
	for (uint32_t o = v->order0; o < v->order1; o++)
		reco_put_order(r, v->k, o);
	r->order_start[place + 1] = (uint32_t)r->orders;
	point(r);
	if (r->refused_start)
		reco_guards_fresh(r, place, v);
	return place;
}

static void newest_prices(struct reco *r, size_t from, size_t to, int32_t *newest)
{
	for (size_t o = from; o < to; o++)
		for (uint32_t q = r->line_start[o]; q < r->line_start[o + 1]; q++) {
			uint32_t i = r->line_item[q];
			if (r->line_quantity[q] <= 0 || r->line_minor[q] <= 0 || r->order_day[o] < newest[i])
				continue;
			newest[i] = r->order_day[o];
			r->items[i].price_minor = r->items[i].price_net_minor =
				(int64_t)((double)r->line_minor[q] / (double)r->line_quantity[q] + 0.5);
		}
}

/* What the catalogue does not say: the price of the newest sale to a customer, else to a guest. */
static void complete_prices(struct reco *r)
{
	int32_t *newest = mem_alloc((r->data.items + 1u) * sizeof *newest);
	size_t guests = r->order_start[r->people + 1];
	for (uint32_t i = 0; i < r->data.items; i++)
		newest[i] = r->items[i].price_minor >= 0 ? INT32_MAX : INT32_MIN;
	newest_prices(r, 0, guests, newest);
	for (uint32_t i = 0; i < r->data.items; i++)
		newest[i] = newest[i] != INT32_MIN ? INT32_MAX : INT32_MIN;
	newest_prices(r, guests, r->orders, newest);
	for (uint32_t i = 0; i < r->data.items; i++)
		if (r->items[i].price_minor < 0)
			r->items[i].price_minor = r->items[i].price_net_minor = 0;
	free(newest);
}

/* ---- building ---- */

bool reco_number(struct db *db, const char *name, int low, int high, int *out, struct err *err)
{
	struct arena a;
	struct str text;
	bool found;
	int64_t v;
	arena_init(&a);
	bool ok = store_shop_get(db, name, &a, &text, &found, err);
	if (ok && found && text.n) {
		ok = str_i64(text, &v) && v >= low && v <= high;
		if (ok)
			*out = (int)v;
		else
			err_set(err, ERR_INPUT, "the setting %s is a whole number from %d to %d", name, low, high);
	}
	arena_release(&a);
	return ok;
}

bool reco_guards_settings(struct reco *r, struct db *db, struct instant now, struct err *err)
{
	int y, month, d, per_type = 1;
	struct date today = zone_date(r->zone, now);
	date_ymd(today, &y, &month, &d);
	r->guards = rec_guards_default(today.day, month);
	r->guards.n_max = REC_OUT_MAX;
	bool ok = reco_number(db, "recommend.cross_percent", -1, 1000, &r->guards.cross_percent, err) &&
	          reco_number(db, "recommend.up_percent", -1, 1000, &r->guards.up_percent, err) &&
	          reco_number(db, "recommend.margin_percent", -1, 99, &r->guards.margin_percent, err) &&
	          reco_number(db, "recommend.per_type", 0, REC_OUT_MAX, &per_type, err);
	r->guards.per_type = (uint32_t)per_type;
	return ok;
}

static bool read_rules(struct reco *r, struct db *db, const struct settings *settings, struct err *err)
{
	struct str exclude, segments;
	bool excludes, segmented;
	return store_shop_get(db, "recommend.exclude", &r->arena, &exclude, &excludes, err) &&
	       store_shop_get(db, "recommend.segments", &r->arena, &segments, &segmented, err) &&
	       (!excludes || reco_rules_read(exclude, settings, &r->arena, &r->rules, err)) &&
	       ((r->segments_text = segmented ? segments : STR("")), true) &&
	       (!segmented || reco_segments_read(segments, settings, &r->arena, &r->segments, err));
}

bool reco_open(struct reco *r, struct db *db, const struct book *book, const struct settings *settings,
               const struct reco_options *o, struct err *err)
{
	*r = (struct reco){ .zone = settings->zone };
	arena_init(&r->arena);
	if (reco_guards_settings(r, db, o->now, err) && read_rules(r, db, settings, err) &&
	    reco_catalogue(r, db, book, err))
		return true;
	reco_release(r);
	return false;
}

/* Items keep their numbers while the catalogue only grows. */
bool reco_same_items(const struct reco *r, const struct reco *before)
{
	if (!before || !before->model || before->data.items > r->data.items)
		return false;
	for (uint32_t i = 0; i < before->data.items; i++)
		if (before->product_of[i] != r->product_of[i])
			return false;
	return true;
}

bool reco_learn(struct reco *r, const struct book *book, const struct version *v, const struct settings *settings,
                const struct reco_options *o, struct err *err)
{
	read_orders(r, v, o->now);
	complete_prices(r);
	if (r->lines >= RECO_LINES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d order lines", RECO_LINES_MAX);
	if (o->no_model)
		return true;
	reco_guards_read(r, book, v, settings, o->now, o->threads);
	if (r->orders < o->orders_min) {
		snprintf(r->reason, sizeof r->reason, "fewer than %zu orders: too little to learn from yet", o->orders_min);
		return true;
	}
	struct err why;
	struct rec_options rec = {
		.threads = o->threads,
		.no_cross = o->no_cross,
		.follow = o->follow && r->lines >= (size_t)o->follow_lines_min,
		.no_rank = o->no_rank,
		.no_basket = o->no_basket,
		.seed = 1,
		.stop = o->stop,
		.before = reco_same_items(r, o->before) ? o->before->model : NULL,
	};
	r->model = rec_build(&r->data, &rec, &why);
	if (!r->model)
		snprintf(r->reason, sizeof r->reason, "%.190s", why.text);
	return true;
}

bool reco_build(struct reco *r, struct db *db, const struct book *book, const struct version *v,
                const struct settings *settings, const struct reco_options *o, struct err *err)
{
	if (!reco_open(r, db, book, settings, o, err))
		return false;
	if (reco_learn(r, book, v, settings, o, err))
		return true;
	reco_release(r);
	return false;
}

bool reco_of_shop(struct reco *r, const struct shop_world *w, const struct reco_options *o, struct err *err)
{
	const struct version *v = book_pin(w->book);
	bool ok = reco_build(r, w->db, w->book, v, &w->settings, o, err);
	book_unpin(w->book, v);
	return ok;
}

void reco_release(struct reco *r)
{
	rec_free(r->model);
	free(r->order_start);
	free(r->order_day);
	free(r->line_start);
	free(r->line_item);
	free(r->line_quantity);
	free(r->line_minor);
	free(r->items);
	free(r->attributes);
	free(r->words);
	free(r->names);
	free(r->attribute_names);
	free(r->item_of);
	free(r->product_of);
	free(r->refused_start);
	free(r->refused);
	free(r->customer_rules);
	free(r->segment);
	free(r->hashes);
	arena_release(&r->arena);
	*r = (struct reco){ 0 };
}

/* ---- answers ---- */

uint32_t reco_item(const struct reco *r, struct str sku)
{
	for (uint32_t i = 0; i < r->data.items; i++)
		if (str_eq(r->words[i].sku, sku))
			return i;
	return REC_NONE;
}

size_t reco_last_sale(const struct reco *r, uint32_t customer, uint32_t *items, size_t max)
{
	const struct rec_data *d = &r->data;
	size_t n = 0;
	for (uint32_t o = d->order_start[customer + 1]; o-- > d->order_start[customer] && n == 0;)
		for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1] && n < max; q++) {
			bool had = d->line_quantity[q] <= 0;
			for (size_t i = 0; i < n; i++)
				had |= items[i] == d->line_item[q];
			if (!had)
				items[n++] = d->line_item[q];
		}
	return n;
}

void reco_answer(const struct reco *r, struct rec_scratch *s, enum rec_kind kind, const struct rec_ask *ask,
                 int32_t days, size_t n, struct rec_list *out)
{
	uint32_t items[RECO_BASKET_MAX];
	struct rec_ask of_sale = *ask;
	memset(out, 0, sizeof *out);
	if (!r->model)
		return;
	switch (kind) {
	case REC_CROSS: rec_cross(r->model, s, ask, n, out); break;
	case REC_UP:
		if (!ask->basket_n && ask->customer != REC_NONE) {
			of_sale.basket = items;
			of_sale.basket_n = reco_last_sale(r, ask->customer, items, RECO_BASKET_MAX);
		}
		rec_up(r->model, s, &of_sale, n, out);
		break;
	case REC_AGAIN: rec_again(r->model, s, ask, days, n, out); break;
	case REC_BUNDLE: rec_bundle(r->model, s, ask, RECO_DISCOUNT_PERCENT, n, out); break;
	}
}

void reco_reason(const struct reco *r, enum rec_kind kind, const struct rec_list *l, struct buf *out)
{
	static const char *const NOTHING[] = { "the orders so far say nothing about it",
		                                   "nothing is known to be better at a price near it",
		                                   "nothing bought falls due in these days",
		                                   "nothing sells together with it more often than chance would have it" };
	if (!r->model) {
		buf_cstr(out, r->reason);
		return;
	}
	size_t before = out->n;
	for (int i = REC_ALLOWED + 1; i < REC_REFUSALS; i++)
		if (l->refused[i])
			buf_printf(out, "%s%s: %u", out->n > before ? ", " : "candidates turned away: ", REC_REFUSAL_NAMES[i],
			           l->refused[i]);
	if (out->n == before)
		buf_cstr(out, NOTHING[kind]);
}
