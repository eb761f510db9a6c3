/* The models of a shop that follow its book, beside those learnt from the same version of it: facts of any kind come
 * for known and new customers and for guests, some of them dated tomorrow. */
#include "same_model.h"

#include "app/reco.h"
#include "base/hash.h"

#include <string.h>

enum { CUSTOMERS = 600, NEW_EACH = 40, PRODUCTS = 80, NEW_PRODUCTS = 3, KEYS = 8, GUESTS_EACH = 1100 };
enum { START = 1700000000, DAY = 86400, NO_PRODUCT = 3, UNPRICED = 5 };

static const struct book_options OPTIONS = { .zone = 0 };

struct world {
	struct book *book;
	struct arena arena;
	struct rng r;
	int64_t seq;
	uint32_t customers, products;
	struct instant now;
};

static struct str body_of(struct arena *a, const struct order_body *o)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_order(o, &b);
	struct str s = arena_str(a, buf_view(&b));
	buf_release(&b);
	return s;
}

static struct fact draw_fact(struct world *w, customer_id c)
{
	struct line lines[6];
	size_t n = 1 + rng_below(&w->r, 6);
	uint32_t corner = c % w->products;
	struct fact f = { .customer = c, .seq = ++w->seq, .kind = FACT_ORDER };
	/* a key again is a correction; a guest's never is */
	f.key = c ? arena_printf(&w->arena, "till:%u", rng_below(&w->r, KEYS))
	          : arena_printf(&w->arena, "web:%lld", (long long)w->seq);
	f.at.s = w->now.s - rng_below(&w->r, 60) * (DAY / 2);
	f.learned_at = w->now;
	if (rng_below(&w->r, 20) == 0)
		f.at.s = w->now.s + DAY / 2; /* not yet */
	if (c && rng_below(&w->r, 12) == 0) {
		f.kind = FACT_RETRACT;
		f.body = STR("{\"kind\":\"order\"}");
		return f;
	}
	for (size_t l = 0; l < n; l++) {
		double u = rng_unit(&w->r);
		product_id p =
			1 + (rng_below(&w->r, 2) ? (uint32_t)(w->products * u * u) : (corner + rng_below(&w->r, 8)) % w->products);
		p += p == UNPRICED;
		lines[l] = (struct line){ p, rng_below(&w->r, 10) ? 1 + (int32_t)rng_below(&w->r, 3) : -1,
			                      (int64_t)(100 + rng_below(&w->r, 900)) };
	}
	f.body = body_of(&w->arena, &(struct order_body){ .lines = lines, .line_count = n, .channel = SALE_WEB });
	return f;
}

/* n facts of known customers, some new customers, now and then so many of guests that they are folded in. */
static void happen(struct world *w, size_t n, uint32_t more, size_t guests)
{
	struct err err;
	struct fact *facts = mem_alloc((n + more + guests) * sizeof *facts);
	size_t count = 0;
	while (count < n)
		facts[count++] = draw_fact(w, 1 + rng_below(&w->r, w->customers));
	for (uint32_t k = 0; k < more; k++)
		facts[count++] = draw_fact(w, ++w->customers);
	for (size_t k = 0; k < guests; k++)
		facts[count++] = draw_fact(w, GUESTS);
	ck_assert_msg(book_apply(w->book, facts, count, &err), "%s", err.text);
	free(facts);
}

/* The first sale of what the catalogue has no price for: 7.77 each. */
static void sell_unpriced(struct world *w)
{
	struct err err;
	struct line line = { UNPRICED, 2, 1554 };
	struct fact f = draw_fact(w, 7);
	f.kind = FACT_ORDER;
	f.key = STR("till:unpriced");
	f.at = w->now;
	f.body = body_of(&w->arena, &(struct order_body){ .lines = &line, .line_count = 1, .channel = SALE_WEB });
	ck_assert_msg(book_apply(w->book, &f, 1, &err), "%s", err.text);
}

/* One record's orders become another's: both are folded anew. */
static void join(struct world *w, customer_id from, customer_id into)
{
	struct err err;
	struct fact both[2 * KEYS], one;
	size_t n = 0;
	struct book_join how = { .from = from, .into = into, .at = (uint32_t)w->now.s };
	for (int k = 0; k < 3; k++) {
		both[n] = draw_fact(w, k ? into : from);
		n += both[n].kind == FACT_ORDER;
	}
	one = both[0];
	const struct book_group there = {
		.customer = into, .joins = &how, .join_count = 1, .facts = both, .fact_count = n
	};
	const struct book_group gone = { .customer = from, .merged_into = into, .facts = &one, .fact_count = 0 };
	struct book_group groups[] = { from < into ? gone : there, from < into ? there : gone };
	ck_assert_msg(book_replace(w->book, groups, 2, &err), "%s", err.text);
}

/* What reco_open() takes from the catalogue. Product NO_PRODUCT is none; the price of UNPRICED is left to its sales. */
static void open_reco(struct reco *r, const struct world *w)
{
	*r = (struct reco){ .products = w->products + 1 };
	arena_init(&r->arena);
	r->item_of = mem_alloc((w->products + 1u) * sizeof *r->item_of);
	r->product_of = mem_alloc((w->products + 1u) * sizeof *r->product_of);
	r->items = mem_alloc((w->products + 1u) * sizeof *r->items);
	r->words = mem_alloc((w->products + 1u) * sizeof *r->words);
	r->item_of[0] = REC_NONE;
	for (product_id p = 1; p <= w->products; p++) {
		uint32_t i = r->data.items;
		r->item_of[p] = p == NO_PRODUCT ? REC_NONE : i;
		if (p == NO_PRODUCT)
			continue;
		r->product_of[i] = p;
		r->words[i].sku = arena_printf(&r->arena, "P%u", p);
		r->items[i] = (struct rec_item){ .type = p % 7 ? p % 11 : REC_NONE,
			                             .family = p % 5,
			                             .collection = REC_NONE,
			                             .replaced_by = REC_NONE,
			                             .price_minor = p == UNPRICED ? -1 : 100 * (int64_t)p,
			                             .price_net_minor = p == UNPRICED ? -1 : 100 * (int64_t)p };
		r->data.items++;
	}
	r->data.item = r->items;
}

static struct reco *learnt(const struct world *w, const struct version *v, bool follow)
{
	static const struct settings SETTINGS;
	struct err err;
	struct reco *r = mem_alloc(sizeof *r);
	struct reco_options o = { .now = w->now, .threads = 2, .follow = follow };
	open_reco(r, w);
	ck_assert_msg(reco_learn(r, w->book, v, &SETTINGS, &o, &err), "%s", err.text);
	ck_assert_msg(r->model != NULL, "%s", r->reason);
	return r;
}

static void drop(struct reco *r)
{
	reco_release(r);
	free(r);
}

static struct reco *followed(const struct world *w, struct reco_trail *t, const struct reco *before)
{
	static const struct settings SETTINGS;
	struct err err;
	struct reco *r = mem_alloc(sizeof *r);
	const struct version *v = book_pin(w->book);
	open_reco(r, w);
	ck_assert_msg(reco_follow(t, before, r, v, &SETTINGS, &(struct reco_options){ .now = w->now, .threads = 2 }, &err),
	              "%s", err.text);
	ck_assert(reco_trail_version(t) == v);
	return r;
}

/* A customer's answers from the place that fresh orders go to. */
static void check_fresh(const struct world *w, struct reco *a, struct reco *b, const struct version *v)
{
	struct rec_scratch *s = rec_scratch_new(a->model), *t = rec_scratch_new(b->model);
	size_t answers = 0;
	for (customer_id c = 1; c <= v->customers; c += 3) {
		struct rec_list x, y;
		struct view view;
		view_at(&view, v, c, w->now);
		struct rec_guards g = rec_guards_default(19700, 6);
		struct rec_ask ask = { .customer = reco_fresh(a, &view), .guards = &g }, too = ask;
		too.customer = reco_fresh(b, &view);
		reco_answer(a, s, REC_CROSS, &ask, 14, 5, &x);
		reco_answer(b, t, REC_CROSS, &too, 14, 5, &y);
		ck_assert(x.count == y.count && memcmp(&x, &y, sizeof x) == 0);
		answers += x.count;
	}
	ck_assert_uint_gt(answers, 100);
	rec_scratch_free(s);
	rec_scratch_free(t);
}

START_TEST(models_follow_the_book)
{
	enum { ROUNDS = 5 }; /* each so much that EASE is solved anew too */
	struct world w = { .customers = CUSTOMERS, .products = PRODUCTS, .now = { START } };
	w.book = book_new(&OPTIONS);
	arena_init(&w.arena);
	rng_init(&w.r, 3, 3);
	happen(&w, 3000, NEW_EACH, GUESTS_EACH);
	const struct version *v = book_pin(w.book);
	struct reco *r = learnt(&w, v, true);
	struct reco_trail *t = reco_trail_new(r, w.book, v, w.now);
	ck_assert(t != NULL);
	for (int round = 0; round < ROUNDS; round++) {
		w.now.s += round % 2 ? DAY : 60; /* what was dated later comes into sight */
		w.products += round % 3 ? 0 : NEW_PRODUCTS;
		happen(&w, 30, NEW_EACH, round % 3 == 1 ? GUESTS_EACH : 2);
		if (round == 2 || round == 4) {
			join(&w, 10, 400);
			join(&w, 500, 20);
		}
		if (round == 3)
			sell_unpriced(&w);
		struct reco *next = followed(&w, t, r);
		ck_assert_int_eq(next->items[next->item_of[UNPRICED]].price_minor, round < 3 ? 0 : 777);
		v = book_pin(w.book);
		struct reco *whole = learnt(&w, v, false);
		memcpy(&whole->model->w, &next->model->w, sizeof whole->model->w);
		forest_free(whole->model->rank);
		whole->model->rank = next->model->rank ? forest_copy(next->model->rank) : NULL;
		ck_assert(reco_trail_told(t).ease);
		ck_assert_uint_eq(next->data.customers, 2); /* no orders of its own */
		check_same(next->model, whole->model, 0);
		check_fresh(&w, next, whole, v);
		drop(whole);
		book_unpin(w.book, v);
		drop(r);
		r = next;
	}
	reco_trail_free(t);
	drop(r);
	book_free(w.book);
	arena_release(&w.arena);
}
END_TEST

/* A product that was none before, or that is gone: items have other numbers, the models are to be learnt anew. */
START_TEST(another_catalogue_is_not_followed)
{
	static const struct settings SETTINGS;
	struct err err;
	struct world w = { .customers = CUSTOMERS, .products = PRODUCTS, .now = { START } };
	w.book = book_new(&OPTIONS);
	arena_init(&w.arena);
	rng_init(&w.r, 4, 4);
	happen(&w, 3000, 0, 0);
	const struct version *v = book_pin(w.book);
	struct reco *r = learnt(&w, v, true), next;
	struct reco_trail *t = reco_trail_new(r, w.book, v, w.now);
	ck_assert(reco_trail_new(r, w.book, v, w.now) == NULL); /* it was taken */
	struct reco_options o = { .now = w.now, .threads = 1 };
	w.products--;
	open_reco(&next, &w);
	ck_assert(!reco_follow(t, r, &next, v, &SETTINGS, &o, &err));
	reco_release(&next);
	w.products++;
	open_reco(&next, &w);
	next.items[5].type++;
	ck_assert(!reco_follow(t, r, &next, v, &SETTINGS, &o, &err));
	reco_release(&next);
	ck_assert(reco_trail_version(t) == v);
	reco_trail_free(t);
	drop(r);
	book_free(w.book);
	arena_release(&w.arena);
}
END_TEST

UNIT_MAIN("reco_follow", models_follow_the_book, another_catalogue_is_not_followed)
