/* The second look at the candidates of a cross-sell: what the lists of which product goes with which cannot know. */
#include "unit.h"

#include "base/hash.h"
#include "fold/forest.h"
#include "fold/recommend.h"

#include <math.h>
#include <stdlib.h>

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

UNIT_MAIN("recommend_rank", forest_scores_as_its_trees, second_look_sees_what_has_gone_out_of_fashion)
