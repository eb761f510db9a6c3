/* Next-basket evaluation: metrics by hand on a tiny file, bad files refused with the place, the learnt blend on made-up
 * customers with a rhythm, same figures whatever the threads. */
#include "unit.h"

#include "base/buf.h"
#include "base/hash.h"
#include "fold/boost.h"
#include "fold/nextbasket.h"

#include <math.h>
#include <string.h>

static const struct nb_method_result *method(const struct nb_report *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->methods[i].name, name) == 0)
			return &r->methods[i];
	ck_abort_msg("no method %s", name);
}

START_TEST(nextbasket_metrics_by_hand)
{
	/* test user: bought 1 twice and 2 once; truth {2, 9, 7}: of the top 2 (1, 2) one hits, at rank 2 */
	const char *json =
		"{\"test\": {\"a\": [[1, 2], [1], [9, 2, 7, 2]]}, \"train\": {\"a\": [[1], [2]], \"b\": [[9], [7, 1]]},"
		"\"validate\": {\"c\": [[\"x\"], [\"x\"]]}}";
	struct err err;
	struct nb_data *d = nb_parse(str_from(json), &err);
	ck_assert_msg(d != NULL, "%s", err.text);
	ck_assert_uint_eq(d->users, 4);
	ck_assert_uint_eq(d->items, 5);
	struct nb_options o = { .k = 2, .threads = 1, .quick = true };
	struct nb_report r;
	ck_assert_msg(nb_evaluate(d, &o, &r, &err), "%s", err.text);
	const struct nb_metrics *m = &method(&r, "p-top")->test;
	double ideal = 1 + 1 / log2(3) + 0.5;
	ck_assert_double_eq_tol(m->recall, 1.0 / 3, 1e-12);
	ck_assert_double_eq_tol(m->ndcg, 1 / log2(3) / ideal, 1e-12);
	ck_assert_double_eq_tol(m->phr, 1, 1e-12);
	ck_assert_double_eq_tol(m->recall_repeat, 1, 1e-12);
	ck_assert_double_eq_tol(m->recall_new, 0, 1e-12);
	ck_assert_double_eq_tol(method(&r, "p-top")->validate.recall, 1, 1e-12);
	nb_free(d);
}
END_TEST

START_TEST(nextbasket_refuses_bad_files)
{
	const struct {
		const char *json, *says;
	} bad[] = {
		{ "", "line 1" },
		{ "[]", "line 1" },
		{ "{\"train\": {}\n, \"test\": {\"a\": [[1], 2]}}", "line 2" },
		{ "{\"train\": {\"a\": [[1.5]]}, \"test\": {}}", "train: user 1, basket 1: line 1, byte 19: expected an item" },
		{ "{\"train\": {\"a\": [[1]], \"b\": [[2], [-]]}, \"test\": {}}", "train: user 2, basket 2: line 1" },
		{ "{\"train\": {\"a\": [[1]]}, \"test\": {\"z\": [[3], [null]]}}", "test: user 1, basket 2: line 1" },
		{ "{\"train\": {\"a\": [[1]", "line 1" },
		{ "{\"train\": {\"a\": [[1]]}}", "no \"test\"" },
		{ "{\"train\": {\"a", "line 1" },
		{ "{\"train\": {}, \"test\": {}} x", "nothing after" },
		{ "{\"train\": 5, \"test\": {}}", "line 1" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };
		struct nb_data *d = nb_parse(str_from(bad[i].json), &err);
		ck_assert(d == NULL);
		ck_assert_msg(strstr(err.text, bad[i].says) != NULL, "%zu: %s", i, err.text);
	}
	struct err err;
	struct nb_report r;
	struct nb_options o = { .k = 10 };
	struct nb_data *d = nb_parse(str_from("{\"train\": {}, \"test\": {}}"), &err);
	ck_assert(d && !nb_evaluate(d, &o, &r, &err) && strstr(err.text, "no baskets"));
	nb_free(d);
}
END_TEST

/* Each customer has three items of their own, the first every other basket, and buys item+100 right after item. */
static struct nb_data *rhythm(uint32_t train, uint32_t rest)
{
	struct rng r;
	rng_init(&r, 9, 9);
	struct nb_data *d = nb_new();
	for (int split = NB_TRAIN; split < NB_SPLITS; split++) {
		for (uint32_t u = 0; u < (split == NB_TRAIN ? train : rest); u++) {
			uint32_t own[3] = { rng_below(&r, 60), rng_below(&r, 60), rng_below(&r, 60) }, before = 200;
			nb_add_user(d);
			uint32_t n = 4 + rng_below(&r, 5), phase = rng_below(&r, 2);
			for (uint32_t b = 0; b < n; b++) {
				uint32_t items[4] = { b % 2 == phase ? own[0] : own[1], own[2], 60 + rng_below(&r, 40), before };
				nb_add_basket(d, items, 4 - rng_below(&r, 2));
				before = 100 + items[2];
			}
		}
		nb_end_split(d, (enum nb_split)split);
	}
	return d;
}

START_TEST(nextbasket_blend_learns_the_rhythm)
{
	struct nb_data *d = rhythm(600, 150);
	struct nb_options o = { .k = 5, .threads = 3, .seed = 1 };
	struct nb_report *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	struct err err;
	ck_assert(nb_evaluate(d, &o, a, &err));
	const struct nb_metrics *blend = &method(a, "blend")->test;
	ck_assert_double_gt(blend->recall, method(a, "p-top")->test.recall * 1.05);
	ck_assert_double_gt(blend->recall, method(a, "popularity")->test.recall * 1.5);
	o.threads = 1;
	ck_assert(nb_evaluate(d, &o, b, &err));
	ck_assert_uint_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		ck_assert(memcmp(&a->methods[i].test, &b->methods[i].test, sizeof(a->methods[i].test)) == 0);
	ck_assert_uint_eq(a->chosen, b->chosen);
	nb_free(d);
	free(a);
	free(b);
}
END_TEST

START_TEST(boost_finds_the_true_item)
{
	enum { QUERIES = 400, EACH = 8, F = 3 };
	float *x = calloc(QUERIES * EACH * F, sizeof(*x)), scores[EACH];
	uint8_t *truth = calloc(QUERIES * EACH, 1);
	uint32_t query[QUERIES + 1];
	struct rng r;
	rng_init(&r, 2, 2);
	for (uint32_t q = 0; q < QUERIES; q++) { /* true: the row nearest to x0 = 0.3 among those with x1 > 0.5 */
		query[q] = q * EACH;
		uint32_t best = 0;
		double best_far = 9;
		for (uint32_t i = 0; i < EACH; i++) {
			float *row = x + (q * EACH + i) * F;
			for (int f = 0; f < F; f++)
				row[f] = (float)rng_unit(&r);
			double far = fabs(row[0] - 0.3) + (row[1] > 0.5f ? 0 : 5);
			if (far < best_far) {
				best_far = far;
				best = i;
			}
		}
		truth[q * EACH + best] = 1;
	}
	query[QUERIES] = QUERIES * EACH;
	for (int loss = BOOST_LOGISTIC; loss <= BOOST_SOFTMAX; loss++) {
		struct boost_rows rows = { x, truth, query, QUERIES / 2, F };
		struct boost_options o = { .loss = (enum boost_loss)loss,
			                       .trees = 150,
			                       .leaves = 12,
			                       .rate = 0.1,
			                       .ridge = 1,
			                       .sample = 0.7,
			                       .feature_sample = 1,
			                       .leaf_rows_min = 5,
			                       .seed = 1,
			                       .threads = 2 };
		struct boost *b = boost_train(&rows, &o);
		int right = 0;
		for (uint32_t q = QUERIES / 2; q < QUERIES; q++) {
			boost_score(b, x + (size_t)query[q] * F, EACH, 0, scores);
			uint32_t best = 0;
			for (uint32_t i = 1; i < EACH; i++)
				best = scores[i] > scores[best] ? i : best;
			right += truth[query[q] + best];
		}
		ck_assert_int_gt(right, QUERIES / 2 * 7 / 10);
		boost_free(b);
	}
	free(x);
	free(truth);
}
END_TEST

UNIT_MAIN("nextbasket", nextbasket_metrics_by_hand, nextbasket_refuses_bad_files, nextbasket_blend_learns_the_rhythm,
          boost_finds_the_true_item)
