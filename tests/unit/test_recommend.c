/* Recommendation on made-up shops: whatever the shop, the basket and the settings, no answer breaks a guard. The guards
 * are checked here by a second, plain reading of the orders. */
#include "unit.h"

#include "base/hash.h"
#include "fold/due.h"
#include "fold/recoeval.h"
#include "fold/recommend.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

struct shop {
	struct rec_data d;
	uint32_t *order_start, *line_start, *line_item;
	int32_t *order_day, *line_minor;
	float *quantity;
	struct rec_item *item;
	struct rec_attribute *attribute;
	uint32_t *refused_start, *refused, *rules; /* by customer */
};

enum { REFUSED_EACH = 3 };

/* Refusals of some customers and five rules: who they hold for and which kinds they speak of is drawn. */
static void shop_forbid(struct shop *s, struct rng *r)
{
	struct rec_data *d = &s->d;
	s->refused_start = calloc(d->customers + 1, 4);
	s->refused = calloc((size_t)d->customers * REFUSED_EACH, 4);
	s->rules = calloc(d->customers, 4);
	for (uint32_t c = 0; c < d->customers; c++) {
		uint32_t n = rng_below(r, REFUSED_EACH + 1);
		s->refused_start[c + 1] = s->refused_start[c] + n;
		for (uint32_t i = 0; i < n; i++)
			s->refused[s->refused_start[c] + i] = rng_below(r, d->items);
		s->rules[c] = rng_below(r, 32);
	}
	for (uint32_t i = 0; i < d->items; i++)
		s->item[i].rules = rng_below(r, 3) ? 0 : 1u << rng_below(r, 5);
	for (int kind = 0; kind < REC_KINDS; kind++)
		d->kind_rules[kind] = rng_below(r, 32);
	d->visitor_rules = rng_below(r, 32);
	d->refused_start = s->refused_start;
	d->refused = s->refused;
	d->customer_rules = s->rules;
}

static void shop_make(struct shop *s, uint64_t seed, uint32_t customers, uint32_t items, uint32_t orders_each,
                      uint32_t lines)
{
	struct rng r;
	rng_init(&r, seed, 1);
	size_t orders = (size_t)customers * orders_each;
	*s = (struct shop){ .order_start = calloc(customers + 1, 4),
		                .line_start = calloc(orders + 1, 4),
		                .line_item = calloc(orders * lines + 1, 4),
		                .order_day = calloc(orders + 1, 4),
		                .line_minor = calloc(orders * lines + 1, 4),
		                .quantity = calloc(orders * lines + 1, 4),
		                .item = calloc(items, sizeof(struct rec_item)),
		                .attribute = calloc(items * 2, sizeof(struct rec_attribute)) };
	for (uint32_t i = 0; i < items; i++) {
		int64_t price = 100 + rng_below(&r, 5000);
		s->item[i] = (struct rec_item){ .type = rng_below(&r, 10) ? rng_below(&r, items / 4 + 1) : REC_NONE,
			                            .family = 0,
			                            .collection = rng_below(&r, 4) ? REC_NONE : rng_below(&r, 5),
			                            .replaced_by = rng_below(&r, 8) ? REC_NONE : rng_below(&r, items),
			                            .price_minor = price,
			                            .price_net_minor = price * 5 / 6,
			                            .cost_minor = price * rng_below(&r, 90) / 100,
			                            .stock = (int32_t)rng_below(&r, 4),
			                            .lifetime_days = rng_below(&r, 5) ? 0 : 200,
			                            .months = rng_below(&r, 6) ? 0 : (uint16_t)rng_below(&r, 4096),
			                            .tier = (uint8_t)rng_below(&r, 4),
			                            .flags = (uint8_t)rng_below(&r, 32),
			                            .attribute_start = 2 * i,
			                            .attribute_count = 2 };
		if (rng_below(&r, 3))
			s->item[i].flags &= (uint8_t) ~(REC_HIDDEN | REC_EXCLUDED);
		if (rng_below(&r, 15) == 0)
			s->item[i].price_minor = s->item[i].price_net_minor = 0;
		s->attribute[2 * i] = (struct rec_attribute){ 0, 1, (float)rng_below(&r, 5) };
		s->attribute[2 * i + 1] = (struct rec_attribute){ 1, -1, (float)rng_below(&r, 5) };
	}
	uint32_t order = 0, line = 0;
	for (uint32_t c = 0; c < customers; c++) {
		int32_t day = 15000 + (int32_t)rng_below(&r, 300);
		uint32_t n = rng_below(&r, orders_each + 1);
		for (uint32_t o = 0; o < n; o++, order++) {
			day += (int32_t)rng_below(&r, 60);
			s->order_day[order] = day;
			uint32_t k = 1 + rng_below(&r, lines), base = rng_below(&r, items);
			for (uint32_t q = 0; q < k; q++, line++) {
				s->line_item[line] = rng_below(&r, 3) ? (base + q) % items : rng_below(&r, items);
				s->quantity[line] = rng_below(&r, 12) ? 1 : -1;
				s->line_minor[line] = (int32_t)s->item[s->line_item[line]].price_minor;
			}
			s->line_start[order + 1] = line;
		}
		s->order_start[c + 1] = order;
	}
	s->d = (struct rec_data){ .customers = customers,
		                      .items = items,
		                      .order_start = s->order_start,
		                      .order_day = s->order_day,
		                      .line_start = s->line_start,
		                      .line_item = s->line_item,
		                      .line_quantity = s->quantity,
		                      .line_minor = s->line_minor,
		                      .item = s->item,
		                      .attribute = s->attribute };
	shop_forbid(s, &r);
}

static void shop_drop(struct shop *s)
{
	free(s->order_start);
	free(s->line_start);
	free(s->line_item);
	free(s->order_day);
	free(s->line_minor);
	free(s->quantity);
	free(s->item);
	free(s->attribute);
	free(s->refused_start);
	free(s->refused);
	free(s->rules);
}

/* Bought and kept; *back: some was returned; *last: day of the last purchase. */
static double kept(const struct rec_data *d, uint32_t customer, uint32_t item, bool *back, int32_t *last)
{
	double sum = 0;
	*back = false;
	*last = INT32_MIN;
	if (customer == REC_NONE)
		return 0;
	for (uint32_t o = d->order_start[customer]; o < d->order_start[customer + 1]; o++)
		for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++)
			if (d->line_item[q] == item) {
				sum += d->line_quantity[q];
				*back |= d->line_quantity[q] < 0;
				*last = d->line_quantity[q] > 0 ? d->order_day[o] : *last;
			}
	return sum;
}

enum { AGAIN_DAYS = 30 };

static void check_item(const struct rec_data *d, const struct rec_ask *ask, enum rec_kind kind, uint32_t item)
{
	const struct rec_item *x = &d->item[item];
	const struct rec_guards *g = ask->guards;
	bool back;
	int32_t last;
	double owned = kept(d, ask->customer, item, &back, &last);
	ck_assert(!(x->flags & (REC_HIDDEN | REC_EXCLUDED)));
	ck_assert(!(x->flags & REC_KNOWN_STOCK) || x->stock > 0);
	ck_assert(!x->months || x->months >> (g->month - 1) & 1);
	ck_assert(!back);
	if (g->margin_percent >= 0 && x->flags & REC_KNOWN_COST)
		ck_assert((x->price_net_minor - x->cost_minor) * 100 >= x->price_net_minor * g->margin_percent);
	for (size_t i = 0; i < ask->basket_n; i++)
		ck_assert_uint_ne(ask->basket[i], item);
	for (size_t i = 0; i < g->refused_n; i++)
		ck_assert_uint_ne(g->refused[i], item);
	for (size_t i = 0; i < g->excluded_n; i++)
		ck_assert_uint_ne(g->excluded[i], item);
	uint32_t rules = ask->customer == REC_NONE ? d->visitor_rules : d->customer_rules[ask->customer];
	for (int i = 0; i < 32; i++) /* a rule that names the item, holds for the customer and speaks of the kind */
		ck_assert(!(x->rules >> i & 1 && rules >> i & 1 && d->kind_rules[kind] >> i & 1));
	for (uint32_t i = 0; ask->customer != REC_NONE && i < d->refused_start[ask->customer + 1]; i++)
		ck_assert(i < d->refused_start[ask->customer] || d->refused[i] != item);
	bool worn = x->lifetime_days > 0 && (int64_t)g->today - last >= x->lifetime_days;
	if (kind == REC_CROSS)
		ck_assert(owned <= 0);
	else if (kind != REC_AGAIN && !(x->flags & REC_CONSUMABLE) && x->lifetime_days > 0)
		ck_assert(owned <= 0 || worn);
	else if (kind == REC_AGAIN && x->lifetime_days > 0 && !(x->flags & REC_CONSUMABLE))
		ck_assert(owned > 0 && (int64_t)g->today + AGAIN_DAYS - last >= x->lifetime_days); /* within the days asked */
}

static void check_list(const struct rec_data *d, const struct rec_ask *ask, enum rec_kind kind, size_t n,
                       const struct rec_list *l)
{
	const struct rec_guards *g = ask->guards;
	int64_t added = 0, basket = 0;
	ck_assert(l->count <= n && l->count <= g->n_max);
	for (size_t i = 0; i < ask->basket_n; i++)
		basket += d->item[ask->basket[i]].price_minor;
	for (size_t i = 0; i < l->count; i++) {
		const struct rec_answer *a = &l->answers[i];
		check_item(d, ask, kind, a->item);
		added += d->item[a->item].price_minor;
		uint32_t type = d->item[a->item].type, same = 0;
		for (size_t j = 0; j < l->count; j++) {
			ck_assert(i == j || l->answers[j].item != a->item);
			same += type != REC_NONE && d->item[l->answers[j].item].type == type;
		}
		ck_assert(kind == REC_UP || !g->per_type || same <= g->per_type);
		for (size_t j = 0; j < ask->basket_n && kind == REC_CROSS && !g->same_type; j++)
			ck_assert(type == REC_NONE || d->item[ask->basket[j]].type != type);
		if (kind == REC_UP) {
			const struct rec_item *from = &d->item[a->because], *to = &d->item[a->item];
			ck_assert(to->type == from->type && to->price_minor > from->price_minor);
			ck_assert(to->price_minor * 100 <= from->price_minor * (100 + g->up_percent));
			ck_assert(a->why == REC_WHY_BETTER || a->why == REC_WHY_REPLACES || a->why == REC_WHY_RANGE);
			if (a->why == REC_WHY_BETTER)
				ck_assert(a->attribute == 0 ? a->better > a->than : a->better < a->than);
		}
		if (kind == REC_BUNDLE && a->with_n) {
			const struct rec_item *x = &d->item[a->item], *y = &d->item[a->with[0]];
			ck_assert(a->price_minor <= a->separate_minor);
			int64_t net = x->price_net_minor + y->price_net_minor, cost = x->cost_minor + y->cost_minor;
			if (a->price_minor < a->separate_minor && g->margin_percent >= 0) /* the floor holds after the discount */
				ck_assert_double_ge(
					(double)a->price_minor * (double)net / (double)a->separate_minor - (double)cost,
					(double)a->price_minor * (double)net / (double)a->separate_minor * g->margin_percent / 100 - 0.02);
		}
	}
	if (kind == REC_CROSS && g->cross_percent >= 0 && basket > 0)
		ck_assert_int_le(added, basket * g->cross_percent / 100);
}

static void check_words(const struct rec_model *m, const struct rec_list *l)
{
	struct buf b;
	buf_init(&b, 4096);
	for (size_t i = 0; i < l->count; i++)
		for (int language = REC_ENGLISH; language <= REC_FRENCH; language++) {
			buf_clear(&b);
			rec_why_text(m, &l->answers[i], (enum rec_language)language, &b);
			ck_assert(b.n > 10 && !b.full && str_utf8_valid(buf_view(&b)) == b.n);
			ck_assert(l->answers[i].why == REC_WHY_DUE || l->answers[i].both <= l->answers[i].of);
		}
	buf_release(&b);
}

static size_t ask_all(const struct shop *s, const struct rec_model *m, uint64_t seed, int times)
{
	struct rec_scratch *scratch = rec_scratch_new(m);
	struct rng r;
	size_t answers = 0;
	rng_init(&r, seed, 2);
	for (int i = 0; i < times; i++) {
		uint32_t basket[6], refused[3], excluded[3];
		struct rec_guards g = rec_guards_default(15300 + (int32_t)rng_below(&r, 600), 1 + (int)rng_below(&r, 12));
		for (size_t k = 0; k < 6; k++)
			basket[k] = rng_below(&r, s->d.items);
		for (size_t k = 0; k < 3; k++) {
			refused[k] = rng_below(&r, s->d.items);
			excluded[k] = rng_below(&r, s->d.items);
		}
		g.refused = refused;
		g.refused_n = rng_below(&r, 4);
		g.excluded = excluded;
		g.excluded_n = rng_below(&r, 4);
		g.margin_percent = rng_below(&r, 2) ? -1 : (int)rng_below(&r, 60);
		g.cross_percent = rng_below(&r, 4) ? 25 + (int)rng_below(&r, 200) : -1;
		g.up_percent = 10 + (int)rng_below(&r, 60);
		g.per_type = rng_below(&r, 3);
		g.n_max = rng_below(&r, 8);
		g.same_type = rng_below(&r, 2);
		struct rec_ask ask = { rng_below(&r, 5) ? rng_below(&r, s->d.customers) : REC_NONE, basket, rng_below(&r, 7),
			                   &g };
		struct rec_list l;
		size_t n = rng_below(&r, 6);
		rec_cross(m, scratch, &ask, n, &l);
		check_list(&s->d, &ask, REC_CROSS, n, &l);
		check_words(m, &l);
		answers += l.count;
		rec_up(m, scratch, &ask, n, &l);
		check_list(&s->d, &ask, REC_UP, n, &l);
		check_words(m, &l);
		answers += l.count;
		rec_again(m, scratch, &ask, AGAIN_DAYS, n, &l);
		check_list(&s->d, &ask, REC_AGAIN, n, &l);
		check_words(m, &l);
		answers += l.count;
		rec_bundle(m, scratch, &ask, 10, n, &l);
		check_list(&s->d, &ask, REC_BUNDLE, n, &l);
		check_words(m, &l);
		answers += l.count;
	}
	rec_scratch_free(scratch);
	return answers;
}

static struct rec_model *build(const struct rec_data *d, int threads)
{
	struct err err;
	struct rec_options o = { .threads = threads };
	struct rec_model *m = rec_build(d, &o, &err);
	ck_assert_msg(m != NULL, "%s", err.text);
	return m;
}

START_TEST(recommend_never_breaks_a_guard)
{
	size_t answers = 0;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct shop s;
		shop_make(&s, seed, 20 + (uint32_t)seed * 17 % 400, 5 + (uint32_t)seed * 7 % 90, 6, 5);
		struct rec_model *m = build(&s.d, 2);
		answers += ask_all(&s, m, seed, 200);
		rec_free(m);
		shop_drop(&s);
	}
	ck_assert_uint_gt(answers, 1000); /* guards are not kept by silence */
}
END_TEST

/* Enough orders that what is missing from a basket is learnt. */
START_TEST(recommend_for_a_basket_never_breaks_a_guard)
{
	struct shop s;
	shop_make(&s, 31, 1200, 150, 6, 5);
	struct rec_model *m = build(&s.d, 2);
	ck_assert_uint_gt(ask_all(&s, m, 31, 1000), 1000);
	rec_free(m);
	shop_drop(&s);
}
END_TEST

START_TEST(recommend_same_whatever_the_threads)
{
	struct shop s;
	shop_make(&s, 99, 3000, 200, 6, 5);
	struct rec_model *one = build(&s.d, 1), *four = build(&s.d, 4);
	struct rec_scratch *a = rec_scratch_new(one), *b = rec_scratch_new(four);
	struct rec_guards g = rec_guards_default(15500, 6);
	for (uint32_t c = 0; c < 500; c++) {
		struct rec_list x, y;
		uint32_t basket[] = { c % s.d.items, c * 7 % s.d.items };
		struct rec_ask ask = { c % 5 ? c : REC_NONE, basket, c % 3, &g };
		rec_cross(one, a, &ask, 3, &x);
		rec_cross(four, b, &ask, 3, &y);
		ck_assert(x.count == y.count && memcmp(&x, &y, sizeof(x)) == 0);
	}
	rec_scratch_free(a);
	rec_scratch_free(b);
	rec_free(one);
	rec_free(four);
	shop_drop(&s);
}
END_TEST

/* A segment whose people only brought things back has no best seller: they are told what sells elsewhere. */
START_TEST(recommend_stands_a_segment_of_returns)
{
	enum { CUSTOMERS = 120, RETURNING = 40 };
	struct shop s;
	shop_make(&s, 97, CUSTOMERS, 20, 6, 5);
	uint8_t segment[CUSTOMERS] = { 0 };
	for (uint32_t c = 0; c < RETURNING; c++)
		segment[c] = 1;
	for (uint32_t q = 0; q < s.d.line_start[s.d.order_start[CUSTOMERS]]; q++)
		s.quantity[q] = q < s.d.line_start[s.d.order_start[RETURNING]] ? -1 : 1;
	s.d.line_quantity = s.quantity;
	s.d.segment = segment;
	s.d.segments = 1;
	struct rec_model *m = build(&s.d, 1);
	struct rec_scratch *scratch = rec_scratch_new(m);
	struct rec_guards g = rec_guards_default(15500, 6);
	size_t answers = 0;
	for (uint32_t c = 0; c < RETURNING; c++)
		for (uint32_t item = 0; item < s.d.items; item++) {
			struct rec_list l;
			struct rec_ask ask = { c, &item, 1, &g };
			rec_cross(m, scratch, &ask, 3, &l);
			answers += l.count;
		}
	ck_assert_uint_gt(answers, 0);
	rec_scratch_free(scratch);
	rec_free(m);
	shop_drop(&s);
}
END_TEST

/* What is taken over from the model before changes no answer while the orders are the same; told to stop, it gives up.
 */
START_TEST(recommend_builds_on_the_model_before)
{
	struct shop s;
	shop_make(&s, 98, 3000, 200, 6, 5);
	struct err err;
	atomic_bool stop = false;
	struct rec_model *whole = build(&s.d, 2);
	struct rec_model *again =
		rec_build(&s.d, &(struct rec_options){ .threads = 2, .before = whole, .stop = &stop }, &err);
	ck_assert(again != NULL);
	struct rec_weights w = rec_model_weights(whole), v = rec_model_weights(again);
	ck_assert_mem_eq(&w, &v, sizeof(w));
	struct rec_scratch *a = rec_scratch_new(whole), *b = rec_scratch_new(again);
	struct rec_guards g = rec_guards_default(15500, 6);
	size_t answers = 0;
	for (uint32_t c = 0; c < 500; c++) {
		struct rec_list x, y;
		uint32_t basket[] = { c % s.d.items, c * 7 % s.d.items };
		struct rec_ask ask = { c % 5 ? c : REC_NONE, basket, c % 3, &g };
		rec_cross(whole, a, &ask, 3, &x);
		rec_cross(again, b, &ask, 3, &y);
		ck_assert(x.count == y.count && memcmp(&x, &y, sizeof(x)) == 0);
		answers += x.count;
	}
	ck_assert_uint_gt(answers, 100);
	stop = true;
	ck_assert(rec_build(&s.d, &(struct rec_options){ .threads = 2, .stop = &stop }, &err) == NULL);
	ck_assert_msg(strstr(err.text, "told to stop") != NULL, "%s", err.text);
	rec_scratch_free(a);
	rec_scratch_free(b);
	rec_free(again);
	rec_free(whole);
	shop_drop(&s);
}
END_TEST

/* A lantern is always followed by tea lights: said with the exact numbers, in both languages. */
START_TEST(recommend_says_why_in_exact_numbers)
{
	enum { CUSTOMERS = 100, TEA = 78 };
	uint32_t order_start[CUSTOMERS + 2], line_start[CUSTOMERS + 3], line_item[2 * CUSTOMERS + 4], lines = 0;
	int32_t day[CUSTOMERS + 2];
	for (uint32_t c = 0; c < CUSTOMERS; c++) {
		order_start[c] = line_start[0] = c;
		line_start[c] = lines;
		day[c] = 15000;
		line_item[lines++] = 0;
		if (c < TEA)
			line_item[lines++] = 1;
	}
	order_start[CUSTOMERS] = order_start[CUSTOMERS + 1] = CUSTOMERS;
	line_start[CUSTOMERS] = lines;
	line_start[0] = 0;
	const struct str names[] = { STR("la lanterne"), STR("les bougies"), STR("autre") };
	struct rec_data d = { .customers = CUSTOMERS + 1,
		                  .items = 3,
		                  .order_start = order_start,
		                  .order_day = day,
		                  .line_start = line_start,
		                  .line_item = line_item,
		                  .item_names = names };
	struct rec_model *m = build(&d, 1);
	struct rec_scratch *s = rec_scratch_new(m);
	struct rec_guards g = rec_guards_default(15001, 1);
	uint32_t basket[] = { 0 };
	struct rec_ask ask = { CUSTOMERS, basket, 1, &g };
	struct rec_list l;
	rec_cross(m, s, &ask, 3, &l);
	ck_assert_uint_eq(l.count, 1);
	ck_assert_uint_eq(l.answers[0].item, 1);
	ck_assert_uint_eq(l.answers[0].both, TEA);
	ck_assert_uint_eq(l.answers[0].of, CUSTOMERS);
	struct buf b;
	buf_init(&b, 1000);
	rec_why_text(m, &l.answers[0], REC_FRENCH, &b);
	ck_assert_msg(strstr(b.p, "78 paniers sur 100 avec «\xe2\x80\xafla lanterne\xe2\x80\xaf» contenaient aussi") !=
	                  NULL,
	              "%s", b.p);
	buf_clear(&b);
	rec_why_text(m, &l.answers[0], REC_ENGLISH, &b);
	ck_assert_msg(strstr(b.p, "78 of 100 baskets with") != NULL, "%s", b.p);
	ask.customer = 0; /* owns both: nothing left to say, and the reason is counted */
	ask.basket_n = 0;
	rec_cross(m, s, &ask, 3, &l);
	ck_assert_uint_eq(l.count, 0);
	ck_assert_uint_gt(l.refused[REC_OWNED], 0);
	buf_release(&b);
	rec_scratch_free(s);
	rec_free(m);
}
END_TEST

/* One product, one customer, identical baskets, a product in every basket, zero prices, an endless basket, no sale
 * twice. */
START_TEST(recommend_stands_odd_shops)
{
	const struct {
		uint32_t customers, items, orders, lines;
	} odd[] = {
		{ 1, 1, 1, 1 }, { 1, 1, 6, 1 }, { 1, 50, 8, 5 }, { 200, 1, 4, 1 }, { 200, 2, 6, 5 }, { 3, 12000, 2, 10000 },
	};
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		for (uint64_t seed = 1; seed <= 3; seed++) {
			struct shop s;
			shop_make(&s, seed, odd[i].customers, odd[i].items, odd[i].orders, odd[i].lines);
			struct err err;
			struct rec_options o = { .threads = 2 };
			struct rec_model *m = rec_build(&s.d, &o, &err);
			if (m)
				ask_all(&s, m, seed, 50);
			else
				ck_assert_msg(strstr(err.text, "no orders") != NULL, "%s", err.text);
			if (m && odd[i].lines == 10000)
				ck_assert_uint_gt(rec_model_notes(m).n, 0);
			rec_free(m);
			shop_drop(&s);
		}
}
END_TEST

START_TEST(recommend_takes_a_million_products_sold_once)
{
	enum { N = 1000000 };
	uint32_t *start = calloc(N + 1, 4), *items = calloc(N, 4);
	int32_t *day = calloc(N, 4);
	for (uint32_t i = 0; i < N; i++) {
		start[i + 1] = i + 1;
		items[i] = i;
	}
	struct rec_data d = {
		.customers = N, .items = N, .order_start = start, .order_day = day, .line_start = start, .line_item = items
	};
	struct rec_model *m = build(&d, 4);
	struct rec_scratch *s = rec_scratch_new(m);
	struct rec_guards g = rec_guards_default(10, 1);
	struct rec_ask ask = { 5, NULL, 0, &g };
	struct rec_list l;
	rec_cross(m, s, &ask, 3, &l);
	for (size_t i = 0; i < l.count; i++)
		ck_assert(l.answers[i].why == REC_WHY_POPULAR && l.answers[i].item != 5);
	rec_scratch_free(s);
	rec_free(m);
	free(start);
	free(items);
	free(day);
}
END_TEST

/* Customers with gamma gaps around their own mean: the median is near, and 80 % intervals hold about 80 %. */
START_TEST(due_dates_are_calibrated)
{
	enum { CUSTOMERS = 4000, BOUGHT = 8 };
	struct rng r;
	rng_init(&r, 5, 5);
	static int32_t days[CUSTOMERS][BOUGHT];
	struct due_fit f = { 0 };
	for (int c = 0; c < CUSTOMERS; c++) {
		double mean = 40 * 4 / rng_gamma(&r, 5), at = 0;
		for (int k = 0; k < BOUGHT; k++) {
			at += 1 + mean * rng_gamma(&r, 4) / 4;
			days[c][k] = (int32_t)at;
		}
		due_fit_add(&f, days[c], BOUGHT - 1);
	}
	struct due_prior p = due_fit_finish(&f);
	ck_assert(p.shape > 2.5 && p.shape < 6);
	int inside = 0, before = 0;
	for (int c = 0; c < CUSTOMERS; c++) {
		struct due d;
		ck_assert(due_predict(&p, days[c], BOUGHT - 1, days[c][BOUGHT - 2], DUE_QUANTILES_PLAIN, &d));
		inside += days[c][BOUGHT - 1] >= d.from && days[c][BOUGHT - 1] <= d.to;
		before += days[c][BOUGHT - 1] < d.median;
	}
	ck_assert(inside > CUSTOMERS * 0.76 && inside < CUSTOMERS * 0.86);
	ck_assert(before > CUSTOMERS * 0.45 && before < CUSTOMERS * 0.55);
	struct due d;
	ck_assert(!due_predict(&p, days[0], 0, 0, DUE_QUANTILES_PLAIN, &d));
	struct due_prior none = due_fit_finish(&(struct due_fit){ 0 });
	ck_assert(!due_predict(&none, days[0], 3, 0, DUE_QUANTILES_PLAIN, &d));
}
END_TEST

/* Ten lamps of one type, 100, 110, 120 … each brighter: forty customers bought the first; later ten took the second
 * (the next tier, 10 % dearer), ten the third (20 %), ten the fifth (40 %, above the cap), ten nothing. */
START_TEST(recoeval_counts_up_sells_within_the_cap)
{
	enum { CUSTOMERS = 40, LAMPS = 10, CUT = 15100 };
	struct rec_item item[LAMPS] = { 0 };
	struct rec_attribute lumen[LAMPS];
	uint32_t order_start[CUSTOMERS + 1] = { 0 }, line_start[2 * CUSTOMERS + 1] = { 0 }, line_item[2 * CUSTOMERS], n = 0;
	int32_t day[2 * CUSTOMERS];
	for (uint32_t i = 0; i < LAMPS; i++) {
		int64_t price = 100 + 10 * (int64_t)i;
		lumen[i] = (struct rec_attribute){ 0, 1, (float)(400 + 100 * i) };
		item[i] = (struct rec_item){ .collection = REC_NONE,
			                         .replaced_by = REC_NONE,
			                         .price_minor = price,
			                         .price_net_minor = price,
			                         .attribute_start = i,
			                         .attribute_count = 1 };
	}
	static const uint32_t THEN[] = { 1, 2, 4 };
	for (uint32_t c = 0; c < CUSTOMERS; c++) {
		line_item[n] = 0;
		day[n++] = 15000 + (int32_t)c;
		line_start[n] = n;
		if (c < 30) {
			line_item[n] = THEN[c / 10];
			day[n++] = CUT + (int32_t)c;
			line_start[n] = n;
		}
		order_start[c + 1] = n;
	}
	struct rec_data d = { .customers = CUSTOMERS,
		                  .items = LAMPS,
		                  .order_start = order_start,
		                  .order_day = day,
		                  .line_start = line_start,
		                  .line_item = line_item,
		                  .item = item,
		                  .attribute = lumen };
	struct recoeval r;
	struct err err;
	struct recoeval_options o = { .day = CUT, .k = 1, .threads = 1, .up_percent = 25 };
	ck_assert_msg(recoeval_run(&d, &o, &r, &err), "%s", err.text);
	ck_assert_uint_eq(r.up_cases, 30);
	ck_assert_uint_eq(r.up_within_cap, 20);
	ck_assert_double_eq_tol(r.up[1].hit_rate, 0.5, 1e-9); /* the next dearer: the ten who took it */
	ck_assert_double_eq_tol(r.up[1].tier_accuracy, 0.5, 1e-9);
	ck_assert_double_eq_tol(r.up[1].revenue_minor, 5, 1e-9);
	ck_assert_uint_eq(r.up[RECOEVAL_OURS].answered, 20);
	o.k = 3;
	ck_assert(recoeval_run(&d, &o, &r, &err));
	ck_assert_double_eq_tol(r.up[RECOEVAL_OURS].hit_rate, 1, 1e-9); /* both are among the two within the cap */
	ck_assert_double_eq_tol(r.up[RECOEVAL_OURS].revenue_minor, 15, 1e-9);
	ck_assert_uint_eq(r.due_cases, 0);
	o.day = 14000;
	ck_assert(!recoeval_run(&d, &o, &r, &err) && strstr(err.text, "before the split"));
}
END_TEST

/* Every customer buys one product again and again, gaps gamma around their own mean: told on a day in the past, four in
 * five come within the interval, half before the median, and the date is nearer than what a plain mean gap says. */
START_TEST(recoeval_due_dates_are_calibrated_on_the_past)
{
	enum { CUSTOMERS = 3000, EACH = 40, DAYS = 900 };
	struct rng r;
	rng_init(&r, 9, 9);
	uint32_t *order_start = calloc(CUSTOMERS + 1, 4), *line_start = calloc(CUSTOMERS * EACH + 1, 4), n = 0;
	uint32_t *line_item = calloc(CUSTOMERS * EACH, 4);
	int32_t *day = calloc(CUSTOMERS * EACH, 4);
	for (uint32_t c = 0; c < CUSTOMERS; c++) {
		double mean = 50 * 5 / rng_gamma(&r, 6), at = 15000 + (double)rng_below(&r, 60);
		for (int k = 0; k < EACH && at < 15000 + DAYS; k++) {
			day[n++] = (int32_t)at;
			line_start[n] = n;
			at += 1 + mean * rng_gamma(&r, 3) / 3;
		}
		order_start[c + 1] = n;
	}
	struct rec_data d = { .customers = CUSTOMERS,
		                  .items = 1,
		                  .order_start = order_start,
		                  .order_day = day,
		                  .line_start = line_start,
		                  .line_item = line_item };
	struct recoeval out;
	struct err err;
	struct recoeval_options o = { .day = 15500, .k = 3, .threads = 1, .up_percent = 25 };
	ck_assert_msg(recoeval_run(&d, &o, &out, &err), "%s", err.text);
	const struct recoeval_due *ours = &out.due[RECOEVAL_OURS];
	ck_assert_uint_gt(out.due_again, CUSTOMERS * 9 / 10);
	ck_assert_msg(ours->inside > 0.76 && ours->inside < 0.86, "%g", ours->inside);
	ck_assert_msg(ours->before > 0.45 && ours->before < 0.55, "%g", ours->before);
	ck_assert_double_gt(ours->within_7, out.due[1].within_7);
	ck_assert_double_gt(ours->within_7, 1.3 * out.due[2].within_7);
	/* early in a history who is not back yet says as much as who is: short gaps alone would make it too narrow */
	o.day = 15110;
	ck_assert_msg(recoeval_run(&d, &o, &out, &err), "%s", err.text);
	ck_assert_uint_gt(out.due_again, 500);
	ck_assert_msg(ours->inside > 0.74 && ours->inside < 0.88, "%g", ours->inside);
	free(order_start);
	free(line_start);
	free(line_item);
	free(day);
}
END_TEST

UNIT_MAIN("recommend", recommend_never_breaks_a_guard, recommend_for_a_basket_never_breaks_a_guard,
          recommend_same_whatever_the_threads, recommend_stands_a_segment_of_returns,
          recommend_builds_on_the_model_before, recommend_says_why_in_exact_numbers, recommend_stands_odd_shops,
          recommend_takes_a_million_products_sold_once, due_dates_are_calibrated,
          recoeval_counts_up_sells_within_the_cap, recoeval_due_dates_are_calibrated_on_the_past)
