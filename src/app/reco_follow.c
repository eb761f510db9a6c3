/* reco_follow: what has changed in the book since a model was made, customer by customer.
 *
 * Versions of the book share the chunks of customers nothing has come for, so the two are compared by pointer first;
 * within a chunk, orders by instant, key and lines. Whatever made the difference (an order, a correction, a merge, an
 * erasure) is of no matter. A guest's order is found again by instant and key. Orders of a later date than the model's
 * come into sight by themselves: who has any is looked at every time. */
#include "app/reco_int.h"
#include "base/par.h"

#include <stdlib.h>

struct sale {
	int32_t day;
	int64_t minor; /* of one; 0: never sold */
};

struct reco_trail {
	struct rec_follow *follow;
	struct book *book;
	const struct version *v; /* what the model knows, as of `now` */
	struct instant now;
	uint8_t *segment; /* by customer; NULL: no segments */
	uint32_t segment_n;
	customer_id *later; /* who has orders after `now` */
	size_t later_n, later_cap;
	struct sale *sales; /* by item: the newest */
	uint32_t sales_n;
	/* guests: number ↔ place among their orders */
	uint32_t *guest_place, *guest_number; /* REC_NONE: gone; no product in it */
	size_t guests, guest_cap, places;
};

/* ---- histories from the book ---- */

struct desk { /* where a thread reads */
	struct reco r;
};

static void desk_open(struct desk *d, const struct reco *r)
{
	d->r = (struct reco){ .item_of = r->item_of, .products = r->products, .zone = r->zone };
	reco_no_orders(&d->r);
}

static void desk_release(struct desk *d)
{
	free(d->r.order_day);
	free(d->r.line_start);
	free(d->r.line_item);
	free(d->r.line_quantity);
	free(d->r.line_minor);
}

static struct rec_history history(struct desk *d, const struct chunk *k, uint32_t from, uint32_t to)
{
	d->r.orders = d->r.lines = 0;
	for (uint32_t o = from; o < to; o++)
		reco_put_order(&d->r, k, o);
	return (struct rec_history){ .orders = (uint32_t)d->r.orders,
		                         .day = d->r.order_day,
		                         .line_start = d->r.line_start,
		                         .item = d->r.line_item,
		                         .quantity = d->r.line_quantity,
		                         .minor = d->r.line_minor };
}

struct reading {
	const struct reco_trail *t;
	struct desk *desks; /* by thread */
	struct view guests;
};

static void read_history(void *ctx, int thread, uint32_t who, struct rec_history *out)
{
	const struct reading *x = ctx;
	struct view w = x->guests;
	uint32_t from = 0, to = 0;
	if (who & REC_GUEST) {
		uint32_t place = x->t->guest_place[who & ~REC_GUEST];
		from = place == REC_NONE ? 0 : w.order0 + place;
		to = place == REC_NONE ? 0 : from + 1;
	} else if (who) {
		view_at(&w, x->t->v, who, x->t->now);
		from = w.order0;
		to = w.order1;
	}
	*out = history(&x->desks[thread], w.k, from, to);
}

/* ---- beginning ---- */

static void remember_later(struct reco_trail *t, const struct view *w)
{
	if (w->order1 == w->k->order_start[w->i + 1])
		return;
	t->later = mem_grow(t->later, &t->later_cap, t->later_n + 1, sizeof *t->later);
	t->later[t->later_n++] = w->customer;
}

static void number_guests(struct reco_trail *t, const struct reco *r)
{
	struct view w;
	struct desk d;
	view_at(&w, t->v, GUESTS, t->now);
	t->places = w.order1 - w.order0;
	t->guest_number = mem_alloc((t->places + 1) * sizeof *t->guest_number);
	desk_open(&d, r);
	for (uint32_t p = 0; p < t->places; p++) {
		bool any = history(&d, w.k, w.order0 + p, w.order0 + p + 1).orders > 0;
		t->guest_number[p] = any ? (uint32_t)t->guests : REC_NONE;
		if (!any)
			continue;
		t->guest_place = mem_grow(t->guest_place, &t->guest_cap, t->guests + 1, sizeof *t->guest_place);
		t->guest_place[t->guests++] = p;
	}
	desk_release(&d);
}

static void add_sale(struct reco_trail *t, uint32_t item, int32_t day, int32_t minor, float quantity)
{
	struct sale *x = &t->sales[item];
	if (quantity <= 0 || minor <= 0 || (x->minor && day < x->day))
		return;
	*x = (struct sale){ .day = day, .minor = (int64_t)((double)minor / (double)quantity + 0.5) };
}

static void add_sales(struct reco_trail *t, const struct reco *r, size_t from, size_t to, const bool *only)
{
	for (size_t o = from; o < to; o++)
		for (uint32_t q = r->line_start[o]; q < r->line_start[o + 1]; q++)
			if (!only || only[r->line_item[q]])
				add_sale(t, r->line_item[q], r->order_day[o], r->line_minor[q], r->line_quantity[q]);
}

/* Newest sales, to customers, else to guests. */
static void read_sales(struct reco_trail *t, const struct reco *r)
{
	size_t guests = r->order_start[r->people + 1];
	bool *unsold = mem_alloc(r->data.items + 1u);
	t->sales_n = r->data.items;
	t->sales = mem_alloc((t->sales_n + 1u) * sizeof *t->sales);
	add_sales(t, r, 0, guests, NULL);
	for (uint32_t i = 0; i < t->sales_n; i++)
		unsold[i] = t->sales[i].minor == 0;
	add_sales(t, r, guests, r->known_orders, unsold);
	free(unsold);
}

struct reco_trail *reco_trail_new(struct reco *r, struct book *book, const struct version *v, struct instant now)
{
	struct rec_follow *follow = r->model ? rec_model_follow(r->model) : NULL;
	struct view w;
	if (!follow)
		return NULL;
	struct reco_trail *t = mem_alloc(sizeof *t);
	*t = (struct reco_trail){ .follow = follow, .book = book, .v = v, .now = now };
	if (r->segment) {
		t->segment_n = r->people + 1;
		t->segment = mem_alloc(t->segment_n);
		memcpy(t->segment, r->segment, t->segment_n);
	}
	for (customer_id c = 1; c <= v->customers; c++) {
		view_at(&w, v, c, now);
		remember_later(t, &w);
	}
	number_guests(t, r);
	read_sales(t, r);
	return t;
}

const struct version *reco_trail_version(const struct reco_trail *t)
{
	return t ? t->v : NULL;
}

struct rec_follow_told reco_trail_told(const struct reco_trail *t)
{
	return rec_follow_told(t->follow);
}

void reco_trail_free(struct reco_trail *t)
{
	if (!t)
		return;
	book_unpin(t->book, t->v);
	rec_follow_free(t->follow);
	free(t->segment);
	free(t->later);
	free(t->sales);
	free(t->guest_place);
	free(t->guest_number);
	free(t);
}

/* ---- what is not the same ---- */

struct comparing {
	struct reco_trail *t;
	struct reco *r;
	const struct version *v;
	struct instant now;
	struct desk was, is;
};

static bool same_order(const struct chunk *a, uint32_t o, const struct chunk *b, uint32_t p)
{
	uint32_t n = order_line(a, o + 1) - order_line(a, o);
	if (a->order_at[o] != b->order_at[p] || order_line(b, p + 1) - order_line(b, p) != n)
		return false;
	for (uint32_t q = order_line(a, o), r = order_line(b, p), i = 0; i < n; i++, q++, r++)
		if (line_product(a, q) != line_product(b, r) || line_quantity(a, q) != line_quantity(b, r) ||
		    line_amount(a, q) != line_amount(b, r))
			return false;
	return true;
}

static bool same_orders(const struct view *a, const struct view *b)
{
	uint32_t n = b->order1 - b->order0;
	bool same = (a->k ? a->order1 - a->order0 : 0) == n;
	for (uint32_t o = 0; same && o < n; o++)
		same = same_order(a->k, a->order0 + o, b->k, b->order0 + o);
	return same;
}

static void take_sales(struct comparing *x, const struct rec_history *h)
{
	for (uint32_t o = 0; o < h->orders; o++)
		for (uint32_t q = h->line_start[o]; q < h->line_start[o + 1]; q++)
			add_sale(x->t, h->item[q], h->day[o], h->minor[q], h->quantity[q]);
}

static uint8_t segment_now(struct comparing *x, const struct view *w)
{
	struct subject s = {
		.book = x->t->book, .version = x->v, .view = *w, .thresholds = &x->r->thresholds, .zone = view_profile(w)->zone
	};
	if (!x->r->segments.count)
		return 0;
	s.today = zone_date(s.zone, x->now);
	return reco_segment_of(x->r, &s);
}

static void compare_customer(struct comparing *x, customer_id c)
{
	struct reco_trail *t = x->t;
	struct view a = { 0 }, b;
	if (c <= t->v->customers)
		view_at(&a, t->v, c, t->now);
	view_at(&b, x->v, c, x->now);
	struct rec_change change = { .who = c, .segment_was = c < t->segment_n ? t->segment[c] : 0 };
	change.segment_is = segment_now(x, &b);
	if (change.segment_is == change.segment_was && same_orders(&a, &b))
		return;
	if (c < t->segment_n)
		t->segment[c] = change.segment_is;
	change.was = history(&x->was, a.k, a.order0, a.order1);
	change.is = history(&x->is, b.k, b.order0, b.order1);
	take_sales(x, &change.is);
	rec_follow_change(t->follow, &change);
}

static const struct chunk *chunk_in(const struct version *v, size_t index)
{
	return index < v->chunk_count ? v->chunks[index] : NULL;
}

static void compare_customers(struct comparing *x)
{
	struct reco_trail *t = x->t;
	struct view w;
	size_t later_n = t->later_n;
	customer_id *later = t->later;
	t->later = NULL;
	t->later_n = t->later_cap = 0;
	for (size_t index = 1; index < x->v->chunk_count; index++) {
		customer_id first = (customer_id)(1 + (index - 1) * BOOK_CHUNK);
		if (chunk_in(t->v, index) == chunk_in(x->v, index))
			continue;
		for (customer_id c = first; c < first + BOOK_CHUNK && c <= x->v->customers; c++) {
			compare_customer(x, c);
			view_at(&w, x->v, c, x->now);
			remember_later(t, &w);
		}
	}
	for (size_t i = 0; i < later_n; i++) {
		size_t index = 1 + (later[i] - 1) / BOOK_CHUNK;
		if (chunk_in(t->v, index) != chunk_in(x->v, index))
			continue;
		compare_customer(x, later[i]);
		view_at(&w, x->v, later[i], x->now);
		remember_later(t, &w);
	}
	free(later);
}

/* ---- guests ---- */

static int before(const struct chunk *a, uint32_t o, const struct chunk *b, uint32_t p)
{
	if (a->order_at[o] != b->order_at[p])
		return a->order_at[o] < b->order_at[p] ? -1 : 1;
	return (a->order_key[o] > b->order_key[p]) - (a->order_key[o] < b->order_key[p]);
}

/* o, p: the order as it was and as it is; REC_NONE: not there. Gives its number. */
static uint32_t compare_guest(struct comparing *x, const struct view *a, uint32_t o, const struct view *b, uint32_t p)
{
	struct reco_trail *t = x->t;
	uint32_t number = o != REC_NONE ? t->guest_number[o - a->order0] : REC_NONE;
	if (o != REC_NONE && p != REC_NONE && same_order(a->k, o, b->k, p))
		return number;
	struct rec_change change = { .was = history(&x->was, a->k, o == REC_NONE ? 0 : o, o == REC_NONE ? 0 : o + 1) };
	change.is = history(&x->is, b->k, p == REC_NONE ? 0 : p, p == REC_NONE ? 0 : p + 1);
	if (number == REC_NONE && change.is.orders) {
		t->guest_place = mem_grow(t->guest_place, &t->guest_cap, t->guests + 1, sizeof *t->guest_place);
		number = (uint32_t)t->guests++;
	}
	if (number == REC_NONE)
		return REC_NONE;
	change.who = REC_GUEST | number;
	rec_follow_change(t->follow, &change);
	return number;
}

static void compare_guests(struct comparing *x)
{
	struct reco_trail *t = x->t;
	struct view a, b;
	view_at(&a, t->v, GUESTS, t->now);
	view_at(&b, x->v, GUESTS, x->now);
	if (a.k == b.k && a.order1 == b.order1)
		return;
	uint32_t *numbers = mem_alloc((b.order1 - b.order0 + 1u) * sizeof *numbers);
	for (uint32_t o = a.order0, p = b.order0; o < a.order1 || p < b.order1;) {
		int first = o == a.order1 ? 1 : p == b.order1 ? -1 : before(a.k, o, b.k, p);
		uint32_t number = compare_guest(x, &a, first <= 0 ? o : REC_NONE, &b, first >= 0 ? p : REC_NONE);
		if (number != REC_NONE)
			t->guest_place[number] = first >= 0 ? p - b.order0 : REC_NONE;
		if (first >= 0)
			numbers[p - b.order0] = number;
		o += first <= 0;
		p += first >= 0;
	}
	free(t->guest_number);
	t->guest_number = numbers;
	t->places = b.order1 - b.order0;
}

/* ---- following ---- */

/* Every product known before is an item, or none, as it was. */
static bool same_products(const struct reco *r, const struct reco *was)
{
	if (!reco_same_items(r, was) || was->products > r->products)
		return false;
	return memcmp(r->item_of, was->item_of, was->products * sizeof *r->item_of) == 0;
}

/* What the catalogue does not say. */
static void complete_prices(const struct reco_trail *t, struct reco *r)
{
	for (uint32_t i = 0; i < r->data.items; i++)
		if (r->items[i].price_minor < 0)
			r->items[i].price_minor = r->items[i].price_net_minor = t->sales[i].minor;
}

static void grow_segments(struct reco_trail *t, uint32_t customers)
{
	if (!t->segment || t->segment_n > customers)
		return;
	t->segment = mem_realloc(t->segment, customers + 1u);
	memset(t->segment + t->segment_n, 0, customers + 1u - t->segment_n);
	t->segment_n = customers + 1;
}

static void grow_sales(struct reco_trail *t, uint32_t items)
{
	t->sales = mem_realloc(t->sales, (items + 1u) * sizeof *t->sales);
	memset(t->sales + t->sales_n, 0, (items + 1u - t->sales_n) * sizeof *t->sales);
	t->sales_n = items;
}

static void compare(struct comparing *x, const struct reco *was)
{
	desk_open(&x->was, was);
	desk_open(&x->is, x->r);
	compare_customers(x);
	compare_guests(x);
	desk_release(&x->was);
	desk_release(&x->is);
}

static bool build(struct reco_trail *t, const struct reco *was, struct reco *r, const struct reco_options *o,
                  struct err *err)
{
	int threads = par_threads(o->threads);
	struct reading x = { .t = t, .desks = mem_alloc((size_t)threads * sizeof *x.desks) };
	struct rec_reader reader = { &x, t->v->customers + 1, (uint32_t)t->guests, read_history };
	view_at(&x.guests, t->v, GUESTS, t->now);
	for (int i = 0; i < threads; i++)
		desk_open(&x.desks[i], r);
	r->model = rec_follow_build(t->follow, &r->data, was->model, &reader,
	                            &(struct rec_options){ .threads = threads, .seed = 1, .stop = o->stop }, err);
	for (int i = 0; i < threads; i++)
		desk_release(&x.desks[i]);
	free(x.desks);
	return r->model != NULL;
}

bool reco_follow(struct reco_trail *t, const struct reco *was, struct reco *r, const struct version *v,
                 const struct settings *settings, const struct reco_options *o, struct err *err)
{
	if (o->now.s < t->now.s || !same_products(r, was) || !str_eq(r->segments_text, was->segments_text))
		return err_set(err, ERR_INPUT, "products or segments are numbered anew");
	reco_place(r);
	reco_guards_place(r, t->book, v, was, settings, o->now, o->threads);
	if (!rec_follow_items(t->follow, &r->data))
		return err_set(err, ERR_INPUT, "products are grouped anew");
	grow_segments(t, v->customers);
	grow_sales(t, r->data.items);
	struct comparing x = { .t = t, .r = r, .v = v, .now = o->now };
	compare(&x, was);
	complete_prices(t, r);
	book_unpin(t->book, t->v);
	t->v = v;
	t->now = o->now;
	return build(t, was, r, o, err);
}
