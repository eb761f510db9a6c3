/* A model that follows, beside one learnt anew: after any orders, returns, corrections, merges, erasures and new
 * products the two are the same, number by number, and so are their answers. */
#include "same_model.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

enum { ORDERS_MAX = 40, LINES_MAX = 8, ITEMS_MAX = 700, TYPES = 40, FAMILIES = 12, SEGMENTS = 2, NEWEST = 15400 };

struct order {
	int32_t day;
	uint32_t n, item[LINES_MAX];
	float quantity[LINES_MAX];
	int32_t minor[LINES_MAX];
};

struct person {
	struct order *orders;
	uint32_t n;
	uint8_t segment;
	bool changed;
};

/* People, then guests of one order each at most. */
struct shop {
	struct person *people, *guests;
	uint32_t people_n, guests_n, items;
	struct rec_item item[ITEMS_MAX];
	struct rng r;
	int32_t today;
};

struct flat { /* a shop as the models read it */
	struct rec_data d;
	uint32_t *order_start, *line_start, *line_item;
	int32_t *order_day, *line_minor;
	float *quantity;
	uint8_t *segment;
	uint32_t people, guests;
	struct rec_item item[ITEMS_MAX];
};

static uint32_t draw_item(struct shop *s, uint32_t corner)
{
	double u = rng_unit(&s->r);
	return rng_below(&s->r, 2) ? (uint32_t)(s->items * u * u) : (corner + rng_below(&s->r, 20)) % s->items;
}

static void person_order(struct shop *s, struct person *p, int32_t day, uint32_t corner)
{
	if (p->n == ORDERS_MAX)
		return;
	uint32_t at = p->n++;
	for (; at > 0 && p->orders[at - 1].day > day; at--)
		p->orders[at] = p->orders[at - 1];
	struct order *o = &p->orders[at];
	*o = (struct order){ .day = day, .n = 1 + rng_below(&s->r, LINES_MAX) };
	for (uint32_t q = 0; q < o->n; q++) {
		o->item[q] = draw_item(s, corner);
		o->quantity[q] = rng_below(&s->r, 12) ? (float)(1 + rng_below(&s->r, 3)) : -1;
		o->minor[q] = (int32_t)(100 + rng_below(&s->r, 900));
	}
	p->changed = true;
}

static void new_item(struct shop *s)
{
	uint32_t i = s->items++;
	ck_assert_uint_lt(i, ITEMS_MAX);
	s->item[i] = (struct rec_item){ .type = rng_below(&s->r, 4) ? rng_below(&s->r, TYPES) : REC_NONE,
		                            .family = rng_below(&s->r, 4) ? rng_below(&s->r, FAMILIES) : REC_NONE,
		                            .collection = REC_NONE,
		                            .replaced_by = REC_NONE,
		                            .price_minor = 100 + rng_below(&s->r, 3000) };
}

static void new_person(struct shop *s, struct person **list, uint32_t *n)
{
	*list = mem_realloc(*list, (*n + 1u) * sizeof(**list));
	(*list)[(*n)++] = (struct person){ .orders = mem_alloc(ORDERS_MAX * sizeof(struct order)),
		                               .segment = (uint8_t)rng_below(&s->r, SEGMENTS + 1) };
}

static void shop_make(struct shop *s, uint64_t seed, uint32_t people, uint32_t guests, uint32_t items)
{
	*s = (struct shop){ .today = NEWEST };
	rng_init(&s->r, seed, 7);
	for (uint32_t i = 0; i < items; i++)
		new_item(s);
	for (uint32_t c = 0; c < people; c++) {
		new_person(s, &s->people, &s->people_n);
		uint32_t corner = rng_below(&s->r, items);
		for (uint32_t k = rng_below(&s->r, 6); k > 0; k--)
			person_order(s, &s->people[c], NEWEST - (int32_t)rng_below(&s->r, 120), corner);
	}
	for (uint32_t g = 0; g < guests; g++) {
		new_person(s, &s->guests, &s->guests_n);
		person_order(s, &s->guests[g], NEWEST - (int32_t)rng_below(&s->r, 120), rng_below(&s->r, items));
	}
}

static void shop_drop(struct shop *s)
{
	for (uint32_t i = 0; i < s->people_n; i++)
		free(s->people[i].orders);
	for (uint32_t i = 0; i < s->guests_n; i++)
		free(s->guests[i].orders);
	free(s->people);
	free(s->guests);
}

static void retract(struct person *p, uint32_t at)
{
	p->n--;
	memmove(p->orders + at, p->orders + at + 1, (p->n - at) * sizeof(*p->orders));
	p->changed = true;
}

/* All orders of one become the other's. */
static void merge(struct shop *s, struct person *from, struct person *into)
{
	while (from != into && from->n && into->n < ORDERS_MAX) {
		struct order moved = from->orders[0];
		retract(from, 0);
		person_order(s, into, moved.day, 0);
		for (uint32_t k = 0; k < into->n; k++)
			if (into->orders[k].day == moved.day && (k + 1 == into->n || into->orders[k + 1].day > moved.day))
				into->orders[k] = moved;
	}
}

static void change_something(struct shop *s)
{
	struct person *p = &s->people[rng_below(&s->r, s->people_n)];
	struct person *q = &s->people[rng_below(&s->r, s->people_n)];
	uint32_t corner = p->n ? p->orders[0].item[0] : rng_below(&s->r, s->items);
	switch (rng_below(&s->r, 16)) {
	case 0: person_order(s, p, s->today - (int32_t)rng_below(&s->r, 100), corner); break;
	case 1: /* gone, perhaps the first or last sale of something */
		if (p->n)
			retract(p, rng_below(&s->r, p->n));
		break;
	case 2: merge(s, p, q); break;
	case 3: /* erased */
		while (p->n)
			retract(p, p->n - 1);
		break;
	case 4: /* a line is corrected, or comes back */
		if (p->n) {
			struct order *o = &p->orders[rng_below(&s->r, p->n)];
			if (rng_below(&s->r, 2))
				o->quantity[0] = -o->quantity[0];
			else
				o->item[0] = draw_item(s, corner);
			p->changed = true;
		}
		break;
	case 5:
		new_person(s, &s->people, &s->people_n);
		person_order(s, &s->people[s->people_n - 1], s->today, corner);
		break;
	case 6:
		new_person(s, &s->guests, &s->guests_n);
		person_order(s, &s->guests[s->guests_n - 1], s->today, corner);
		break;
	case 7:
		if (s->guests_n && s->guests[0].n)
			retract(&s->guests[0], 0);
		break;
	case 8:
		p->segment = (uint8_t)rng_below(&s->r, SEGMENTS + 1);
		p->changed = true;
		break;
	default: person_order(s, p, s->today, corner); break;
	}
}

static void flatten_one(struct flat *f, const struct person *p, uint32_t c, uint32_t *order, uint32_t *line)
{
	for (uint32_t o = 0; o < p->n; o++) {
		const struct order *x = &p->orders[o];
		f->order_day[*order] = x->day;
		for (uint32_t q = 0; q < x->n; q++) {
			f->line_item[*line] = x->item[q];
			f->quantity[*line] = x->quantity[q];
			f->line_minor[(*line)++] = x->minor[q];
		}
		f->line_start[++*order] = *line;
	}
	f->segment[c] = p->segment;
	f->order_start[c + 1] = *order;
}

static void flatten(const struct shop *s, struct flat *f)
{
	uint32_t all = s->people_n + s->guests_n, order = 0, line = 0;
	size_t orders = (size_t)all * ORDERS_MAX, lines = orders * LINES_MAX;
	*f = (struct flat){ .people = s->people_n, .guests = s->guests_n };
	f->order_start = mem_alloc((all + 2u) * 4);
	f->line_start = mem_alloc((orders + 2) * 4);
	f->order_day = mem_alloc((orders + 1) * 4);
	f->line_item = mem_alloc((lines + 1) * 4);
	f->line_minor = mem_alloc((lines + 1) * 4);
	f->quantity = mem_alloc((lines + 1) * 4);
	f->segment = mem_alloc(all + 1u);
	memcpy(f->item, s->item, sizeof(f->item));
	for (uint32_t c = 0; c < all; c++)
		flatten_one(f, c < s->people_n ? &s->people[c] : &s->guests[c - s->people_n], c, &order, &line);
	f->d = (struct rec_data){ .customers = all,
		                      .items = s->items,
		                      .guests = s->people_n,
		                      .order_start = f->order_start,
		                      .order_day = f->order_day,
		                      .line_start = f->line_start,
		                      .line_item = f->line_item,
		                      .line_quantity = f->quantity,
		                      .line_minor = f->line_minor,
		                      .item = f->item,
		                      .segment = f->segment,
		                      .segments = SEGMENTS };
}

static void flat_drop(struct flat *f)
{
	free(f->order_start);
	free(f->line_start);
	free(f->order_day);
	free(f->line_item);
	free(f->line_minor);
	free(f->quantity);
	free(f->segment);
	free(f);
}

static void read_flat(void *ctx, int thread, uint32_t who, struct rec_history *out)
{
	const struct flat *f = ctx;
	uint32_t c = who & REC_GUEST ? f->people + (who & ~REC_GUEST) : who;
	(void)thread;
	*out = (struct rec_history){ 0 };
	if (c < f->d.customers && (who & REC_GUEST || c < f->people))
		*out = rec_history_of(&f->d, c);
}

static void tell_change(struct rec_follow *follow, struct flat *was, struct flat *is, struct person *p, uint32_t who)
{
	struct rec_change c = { .who = who };
	uint32_t number = who & ~REC_GUEST, old = who & REC_GUEST ? was->guests : was->people;
	if (!p->changed)
		return;
	p->changed = false;
	if (number < old)
		read_flat(was, 0, who, &c.was);
	read_flat(is, 0, who, &c.is);
	c.segment_was = number < old ? was->segment[who & REC_GUEST ? was->people + number : number] : 0;
	c.segment_is = p->segment;
	rec_follow_change(follow, &c);
}

static struct rec_model *follow_on(struct rec_follow *follow, struct shop *s, struct flat *was, struct flat *is,
                                   const struct rec_model *before, int threads)
{
	struct err err;
	struct rec_reader reader = { is, is->people, is->guests, read_flat };
	ck_assert(rec_follow_items(follow, &is->d));
	for (uint32_t c = 0; c < s->people_n; c++)
		tell_change(follow, was, is, &s->people[c], c);
	for (uint32_t g = 0; g < s->guests_n; g++)
		tell_change(follow, was, is, &s->guests[g], REC_GUEST | g);
	struct rec_model *m =
		rec_follow_build(follow, &is->d, before, &reader, &(struct rec_options){ .threads = threads }, &err);
	ck_assert_msg(m != NULL, "%s", err.text);
	return m;
}

/* With the weights and trees of the one the other answers the same. */
static void check_answers(const struct rec_model *a, struct rec_model *b, uint32_t customers)
{
	b->w = a->w;
	forest_free(b->rank);
	b->rank = a->rank ? forest_copy(a->rank) : NULL;
	struct rec_scratch *s = rec_scratch_new(a), *t = rec_scratch_new(b);
	struct rec_guards g = rec_guards_default(NEWEST + 3, 6);
	size_t answers = 0;
	for (uint32_t c = 0; c < customers; c++) {
		struct rec_list x, y;
		struct rec_ask ask = { c, NULL, 0, &g };
		rec_cross(a, s, &ask, 3, &x);
		rec_cross(b, t, &ask, 3, &y);
		ck_assert(x.count == y.count && memcmp(&x, &y, sizeof(x)) == 0);
		answers += x.count;
	}
	ck_assert_uint_gt(answers, customers / 4);
	rec_scratch_free(s);
	rec_scratch_free(t);
}

/* before: not NULL, weights and trees need not be learnt again, which takes longest. */
static struct rec_model *learn(const struct rec_data *d, bool ease, bool follow, const struct rec_model *before)
{
	struct err err;
	struct rec_model near = before ? *before : (struct rec_model){ 0 };
	near.baskets_n = 0;
	near.baskets_learnt = d->order_start[d->customers];
	struct rec_options o = { .threads = 2, .no_ease = !ease, .follow = follow, .before = before ? &near : NULL };
	struct rec_model *m = rec_build(d, &o, &err);
	ck_assert_msg(m != NULL, "%s", err.text);
	return m;
}

/* Rounds of changes, each followed and learnt anew. What was counted again is added to *rows. */
static void follow_rounds(uint64_t seed, uint32_t people, uint32_t guests, uint32_t items, uint32_t changes,
                          uint64_t *rows, uint64_t *all_rows)
{
	enum { ROUNDS = 5 };
	struct shop s;
	shop_make(&s, seed, people, guests, items);
	struct flat *was = mem_alloc(sizeof(*was));
	flatten(&s, was);
	struct rec_model *m = learn(&was->d, false, true, NULL);
	struct rec_follow *follow = rec_model_follow(m);
	ck_assert(follow != NULL && rec_model_follow(m) == NULL);
	for (uint32_t i = 0; i < s.people_n; i++)
		s.people[i].changed = false;
	for (uint32_t i = 0; i < s.guests_n; i++)
		s.guests[i].changed = false;
	for (int round = 0; round < ROUNDS; round++) {
		s.today += round == 3; /* another day: what sold lately is counted from there */
		for (uint32_t k = rng_below(&s.r, 4); k > 0; k--)
			new_item(&s);
		for (uint32_t k = 0; k < changes; k++)
			change_something(&s);
		struct flat *is = mem_alloc(sizeof(*is));
		flatten(&s, is);
		struct rec_model *next = follow_on(follow, &s, was, is, m, 1 + round % 3);
		struct rec_model *whole = learn(&is->d, false, false, m);
		check_same(next, whole, SEGMENTS);
		check_answers(next, whole, people < 300 ? people : 300);
		*rows += rec_follow_told(follow).rows;
		*all_rows += 3 * (uint64_t)s.items;
		rec_free(whole);
		rec_free(m);
		flat_drop(was);
		m = next;
		was = is;
	}
	rec_free(m);
	rec_follow_free(follow);
	flat_drop(was);
	shop_drop(&s);
}

START_TEST(follow_is_what_learning_anew_gives)
{
	uint64_t rows = 0, all = 0;
	for (uint64_t seed = 1; seed <= 2; seed++)
		follow_rounds(seed, 400, 60, 60, 25, &rows, &all); /* everything is kept */
	for (uint64_t seed = 5; seed <= 5; seed++)
		follow_rounds(seed, 1500, 200, 500, 40, &rows, &all); /* lists are cut */
	ck_assert_uint_gt(rows, 0);
	ck_assert_uint_lt(rows, all / 4); /* most rows know what they need */
}
END_TEST

/* Hardly anybody known: guests are learnt from as customers. Once enough are, another model is needed. */
START_TEST(follow_says_when_it_cannot)
{
	struct shop s;
	struct err err;
	shop_make(&s, 20, 100, 300, 50);
	struct flat *was = mem_alloc(sizeof(*was)), *is = mem_alloc(sizeof(*is));
	flatten(&s, was);
	struct rec_model *m = learn(&was->d, false, true, NULL);
	struct rec_follow *follow = rec_model_follow(m);
	for (uint32_t i = 0; i < s.people_n; i++)
		s.people[i].changed = false;
	for (uint32_t i = 0; i < s.guests_n; i++)
		s.guests[i].changed = false;
	for (uint32_t c = 0; c < 300; c++) {
		new_person(&s, &s.people, &s.people_n);
		person_order(&s, &s.people[s.people_n - 1], s.today, c % 50);
		person_order(&s, &s.people[s.people_n - 1], s.today, c % 50);
	}
	flatten(&s, is);
	struct rec_reader reader = { is, is->people, is->guests, read_flat };
	ck_assert(rec_follow_items(follow, &is->d));
	for (uint32_t c = 0; c < s.people_n; c++)
		tell_change(follow, was, is, &s.people[c], c);
	ck_assert(rec_follow_build(follow, &is->d, m, &reader, &(struct rec_options){ .threads = 1 }, &err) == NULL);
	is->item[3].type += 1; /* an older product is of another type now */
	ck_assert(!rec_follow_items(follow, &is->d));
	is->item[3].type -= 1;
	is->d.items--;
	ck_assert(!rec_follow_items(follow, &is->d));
	rec_follow_free(follow);
	rec_free(m);
	flat_drop(was);
	flat_drop(is);
	shop_drop(&s);
}
END_TEST

static double ease_apart(const struct rec_model *a, const struct rec_model *b, double *mean)
{
	double most = 0, sum = 0;
	size_t n = 0;
	for (uint32_t i = 0; i < a->items; i++)
		for (uint64_t q = a->link_start[i]; q < a->link_start[i + 1]; q++)
			for (uint64_t r = b->link_start[i]; r < b->link_start[i + 1]; r++)
				if (a->links[q].item == b->links[r].item && a->links[q].ease > 0 && b->links[r].ease > 0) {
					double apart = fabs((double)a->links[q].ease - (double)b->links[r].ease);
					most = apart > most ? apart : most;
					sum += (double)b->links[r].ease;
					n++;
				}
	*mean = n ? sum / (double)n : 0;
	return most;
}

/* EASE is taken over while few orders have changed, within a tolerance; then solved anew, and is the same again. */
START_TEST(follow_renews_ease)
{
	struct shop s;
	shop_make(&s, 30, 1800, 60, 120);
	struct flat *was = mem_alloc(sizeof(*was)), *is = mem_alloc(sizeof(*is)), *then = mem_alloc(sizeof(*then));
	flatten(&s, was);
	struct rec_model *m = learn(&was->d, true, true, NULL);
	struct rec_follow *follow = rec_model_follow(m);
	for (uint32_t i = 0; i < s.people_n; i++)
		s.people[i].changed = false;
	for (uint32_t i = 0; i < s.guests_n; i++)
		s.guests[i].changed = false;
	for (uint32_t k = 0; k < 12; k++)
		person_order(&s, &s.people[rng_below(&s.r, s.people_n)], s.today, k);
	flatten(&s, is);
	struct rec_model *next = follow_on(follow, &s, was, is, m, 2), *whole = learn(&is->d, true, false, NULL);
	double mean, apart = ease_apart(next, whole, &mean);
	ck_assert(!rec_follow_told(follow).ease);
	ck_assert_msg(apart > 0 && apart < 0.5 * mean, "%g of %g", apart, mean);
	rec_free(whole);
	for (uint32_t k = 0; k < 60; k++)
		person_order(&s, &s.people[rng_below(&s.r, s.people_n)], s.today, k);
	flatten(&s, then);
	struct rec_model *last = follow_on(follow, &s, is, then, next, 2);
	whole = learn(&then->d, true, false, NULL);
	ck_assert(rec_follow_told(follow).ease);
	check_same(last, whole, SEGMENTS);
	rec_free(whole);
	rec_free(last);
	rec_free(next);
	rec_free(m);
	rec_follow_free(follow);
	flat_drop(was);
	flat_drop(is);
	flat_drop(then);
	shop_drop(&s);
}
END_TEST

UNIT_MAIN("recommend_follow", follow_is_what_learning_anew_gives, follow_says_when_it_cannot, follow_renews_ease)
