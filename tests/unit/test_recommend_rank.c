/* The second look at the candidates of a cross-sell: what the lists of which product goes with which cannot know. */
#include "unit.h"

#include "base/hash.h"
#include "fold/forest.h"
#include "fold/recommend_inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Laid out for speed, a forest scores as the trees it was made of. */
START_TEST(forest_scores_as_its_trees)
{
	enum { QUERIES = 300, EACH = 20, ROWS = QUERIES * EACH, FEATURES = 7, ASKED = 61 };
	float *x = malloc(ROWS * FEATURES * sizeof *x), wanted[ASKED], second[ASKED], got[ASKED];
	uint8_t *truth = malloc(ROWS);
	uint32_t query[QUERIES + 1] = { 0 };
	struct rng r;
	rng_init(&r, 5, 1);
	for (int i = 0; i < ROWS; i++) {
		for (int f = 0; f < FEATURES; f++)
			x[i * FEATURES + f] = (float)rng_below(&r, 50);
		truth[i] = x[i * FEATURES] * x[i * FEATURES + 3] + (float)rng_below(&r, 300) > 1500;
	}
	for (int q = 0; q < QUERIES; q++)
		query[q + 1] = query[q] + EACH;
	const struct boost_rows rows = { x, truth, query, QUERIES, FEATURES };
	struct boost *b[2];
	for (int i = 0; i < 2; i++)
		b[i] = boost_train(&rows, &(struct boost_options){ .loss = (enum boost_loss)i,
		                                                   .trees = 30,
		                                                   .leaves = i ? 16 : 5,
		                                                   .rate = 0.1,
		                                                   .ridge = 1,
		                                                   .sample = 0.7,
		                                                   .feature_sample = 0.7,
		                                                   .leaf_rows_min = 10,
		                                                   .seed = 1,
		                                                   .threads = 1 });
	struct forest *f = forest_of(b, 2), *copy = forest_copy(f);
	forest_free(f);
	boost_score(b[0], x, ASKED, 0, wanted);
	boost_score(b[1], x, ASKED, 0, second);
	forest_score(copy, x, ASKED, got);
	for (int i = 0; i < ASKED; i++)
		ck_assert_msg(fabsf(wanted[i] + second[i] - got[i]) < 1e-5f, "%d: %g, %g", i, (double)(wanted[i] + second[i]),
		              (double)got[i]);
	ck_assert_float_ne(got[0], got[1]);
	forest_free(copy);
	boost_free(b[0]);
	boost_free(b[1]);
	free(x);
	free(truth);
}
END_TEST

enum { CUSTOMERS = 1600, ITEMS = 60, LAMP = 10, ORDERS = 2, DAYS = 300, TURN = 150, FAMILIES = 10 };

/* Whoever buys lamp k (0 … 9) comes back for its bulb: of the old make (10 + k) in the first half of the year, since
 * then of the new one (20 + k). Most sales are old. */
static uint32_t bulb(uint32_t lamp, int32_t day)
{
	return LAMP + lamp + (day < TURN ? 0 : FAMILIES);
}

START_TEST(second_look_sees_what_has_gone_out_of_fashion)
{
	uint32_t *order_start = calloc(CUSTOMERS + 2, 4), *line_start = calloc(CUSTOMERS * ORDERS + 2, 4);
	uint32_t *line_item = calloc(CUSTOMERS * ORDERS * 2 + 2, 4), order = 0, line = 0;
	int32_t *day = calloc(CUSTOMERS * ORDERS + 2, 4);
	struct rng r;
	rng_init(&r, 8, 1);
	for (uint32_t c = 0; c < CUSTOMERS; c++) {
		uint32_t lamp = rng_below(&r, FAMILIES);
		int32_t first = (int32_t)(rng_below(&r, 4) ? rng_below(&r, TURN) : TURN + rng_below(&r, DAYS - TURN - 20));
		int32_t then = first + 5 + (int32_t)rng_below(&r, 12);
		day[order] = first;
		line_item[line++] = lamp;
		line_item[line++] = 3 * FAMILIES + rng_below(&r, ITEMS - 3 * FAMILIES);
		line_start[++order] = line;
		day[order] = then;
		line_item[line++] = bulb(lamp, then);
		line_item[line++] = 3 * FAMILIES + rng_below(&r, ITEMS - 3 * FAMILIES);
		line_start[++order] = line;
		order_start[c + 1] = order;
	}
	/* one more, who bought lamp 3 yesterday */
	day[order] = DAYS;
	line_item[line++] = 3;
	line_start[++order] = line;
	order_start[CUSTOMERS + 1] = order;
	struct rec_data d = { .customers = CUSTOMERS + 1,
		                  .items = ITEMS,
		                  .order_start = order_start,
		                  .order_day = day,
		                  .line_start = line_start,
		                  .line_item = line_item };
	struct err err;
	struct rec_model *m = rec_build(&d, &(struct rec_options){ .threads = 2, .seed = 1 }, &err);
	ck_assert(m != NULL);
	struct rec_scratch *s = rec_scratch_new(m);
	struct rec_guards g = rec_guards_default(DAYS + 1, 1);
	struct rec_list l;
	rec_cross(m, s, &(struct rec_ask){ .customer = CUSTOMERS, .guards = &g }, 3, &l);
	ck_assert_uint_ge(l.count, 1);
	ck_assert_uint_eq(l.answers[0].item, bulb(3, DAYS));
	ck_assert_uint_eq(l.answers[0].because, 3);
	/* the lists alone have it the other way round: the old make sold more with the lamp */
	uint32_t old = 0, new = 0;
	for (uint32_t q = 1; q + 1 < line; q++) {
		old += line_item[q] == bulb(3, 0);
		new += line_item[q] == bulb(3, DAYS);
	}
	ck_assert_uint_gt(old, 2 * new);
	rec_scratch_free(s);
	rec_free(m);
	free(order_start);
	free(line_start);
	free(line_item);
	free(day);
}
END_TEST

/* A shop of 12 styles × 24 kinds; every fortnight a new kind comes out, in every style. Customers have a style and take
 * what came out lately; an item is named by both. `truth` is what each bought from the day CUT on. */
enum {
	STYLES = 12,
	KINDS = 24,
	GOODS = STYLES * KINDS,
	PEOPLE = 500,
	OUT_EVERY = 15,
	CUT = 300,
	EACH = 3,
	PROPOSED = 3
};

struct fashion {
	struct rec_data d;
	uint32_t order_start[PEOPLE + 1], line_start[4 * PEOPLE + 1], line_item[4 * PEOPLE * EACH], truth[PEOPLE][EACH];
	int32_t day[4 * PEOPLE];
	bool asked[PEOPLE];
	struct str names[GOODS];
	char text[GOODS][16];
};

static uint32_t fashion_item(struct rng *r, uint32_t style, int32_t day)
{
	uint32_t newest = (uint32_t)day / OUT_EVERY, back = rng_below(r, 4);
	uint32_t kind = newest > back ? newest - back : 0;
	return (rng_below(r, 4) ? style : rng_below(r, STYLES)) * KINDS + (kind < KINDS ? kind : KINDS - 1);
}

static struct fashion *fashion_make(void)
{
	struct fashion *f = calloc(1, sizeof *f);
	uint32_t order = 0, line = 0;
	struct rng r;
	rng_init(&r, 3, 1);
	for (uint32_t i = 0; i < GOODS; i++) {
		int style = 'a' + (int)(i / KINDS), kind = 'A' + (int)(i % KINDS);
		snprintf(f->text[i], sizeof f->text[i], "%c%c%c %c%c%c%c", style, style, style, kind, kind, kind, kind);
		f->names[i] = str_from(f->text[i]);
	}
	for (uint32_t c = 0; c < PEOPLE; c++) {
		uint32_t style = rng_below(&r, STYLES), had = order;
		int32_t day = (int32_t)rng_below(&r, 260);
		for (int o = 0; o < 4 && !f->asked[c]; o++, day += 10 + (int32_t)rng_below(&r, 90)) {
			f->asked[c] = day >= CUT && order > had;
			for (int k = 0; k < EACH && day < CUT + 60; k++) {
				uint32_t item = fashion_item(&r, style, day);
				*(day < CUT ? &f->line_item[line++] : &f->truth[c][k]) = item;
			}
			if (day < CUT) {
				f->day[order++] = day;
				f->line_start[order] = line;
			}
			f->asked[c] &= day < CUT + 60;
		}
		f->order_start[c + 1] = order;
	}
	f->d = (struct rec_data){ .customers = PEOPLE,
		                      .items = GOODS,
		                      .order_start = f->order_start,
		                      .order_day = f->day,
		                      .line_start = f->line_start,
		                      .line_item = f->line_item,
		                      .item_names = f->names };
	return f;
}

/* What is proposed to everybody, into `all` (PEOPLE × PROPOSED); returns how many of the asked had one right. */
static int fashion_ask(const struct fashion *f, const struct rec_options *o, uint32_t *all)
{
	struct err err;
	struct rec_model *m = rec_build(&f->d, o, &err);
	ck_assert(m != NULL);
	struct rec_scratch *s = rec_scratch_new(m);
	struct rec_guards g = rec_guards_default(CUT, 1);
	int right = 0;
	for (uint32_t c = 0; c < PEOPLE; c++) {
		struct rec_list l;
		bool hit = false;
		rec_cross(m, s, &(struct rec_ask){ .customer = c, .guards = &g }, PROPOSED, &l);
		for (size_t i = 0; i < PROPOSED; i++) {
			uint32_t item = i < l.count ? l.answers[i].item : REC_NONE;
			all[c * PROPOSED + i] = item;
			for (int k = 0; k < EACH; k++)
				hit |= f->asked[c] && f->truth[c][k] == item;
		}
		right += hit;
	}
	rec_scratch_free(s);
	rec_free(m);
	return right;
}

START_TEST(second_look_gains)
{
	struct fashion *f = fashion_make();
	uint32_t *looked = calloc(PEOPLE * PROPOSED, 4), *again = calloc(PEOPLE * PROPOSED, 4);
	int asked = 0;
	for (int c = 0; c < PEOPLE; c++)
		asked += f->asked[c];
	ck_assert_int_gt(asked, 150);
	int with = fashion_ask(f, &(struct rec_options){ .threads = 1, .seed = 1 }, looked);
	int without = fashion_ask(f, &(struct rec_options){ .threads = 1, .seed = 1, .no_rank = true }, again);
	ck_assert_msg(with >= 2 * without, "of %d: %d with the second look, %d without", asked, with, without);
	/* neither the threads nor what else is learnt change an answer */
	ck_assert_int_eq(fashion_ask(f, &(struct rec_options){ .threads = 4, .seed = 1 }, again), with);
	ck_assert(memcmp(looked, again, PEOPLE * PROPOSED * sizeof *looked) == 0);
	ck_assert_int_eq(fashion_ask(f, &(struct rec_options){ .threads = 2, .seed = 1, .no_basket = true }, again), with);
	ck_assert(memcmp(looked, again, PEOPLE * PROPOSED * sizeof *looked) == 0);
	free(looked);
	free(again);
	free(f);
}
END_TEST

/* What a name says, before any tree: style 1 to who has style 1. */
START_TEST(words_know_a_style)
{
	struct fashion *f = fashion_make();
	struct err err;
	struct rec_model *m = rec_build(&f->d, &(struct rec_options){ .threads = 1, .no_rank = true, .seed = 1 }, &err);
	ck_assert(m != NULL);
	struct rec_scratch *s = rec_scratch_new(m);
	const uint32_t has[] = { KINDS + 3, KINDS + 5 };
	for (uint32_t i = 0; i < 2; i++) { /* as if read from an order */
		s->own = mem_grow(s->own, &s->own_cap, i + 1, sizeof *s->own);
		s->own[i] = (struct rec_own){ .item = has[i], .quantity = 1, .weight = 1, .times = 1, .last_day = CUT - 9 };
	}
	s->own_n = 2;
	s->newest = CUT - 9;
	rec_words_read(m, s);
	/* a word of one item only would say nothing: both words of these names are in many */
	ck_assert_float_gt(rec_words_score(m, s, KINDS + 8), rec_words_score(m, s, 4 * KINDS + 8) + 0.1f);
	ck_assert_float_gt(rec_words_score(m, s, 4 * KINDS + 3), 0); /* the kind */
	ck_assert_float_eq(rec_words_score(m, s, 4 * KINDS + 8), 0);
	s->own_n = 0;
	rec_words_read(m, s);
	ck_assert_float_eq(rec_words_score(m, s, KINDS + 8), 0);
	rec_scratch_free(s);
	rec_free(m);
	free(f);
}
END_TEST

UNIT_MAIN("recommend_rank", forest_scores_as_its_trees, second_look_sees_what_has_gone_out_of_fashion,
          second_look_gains, words_know_a_style)
