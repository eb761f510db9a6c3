/* Rules against plain counting, Fisher against known values, Benjamini–Hochberg against its definition. */
#include "unit.h"

#include "base/hash.h"
#include "fold/dense.h"
#include "fold/rules.h"

#include <math.h>
#include <string.h>

enum { ITEMS = 7, ROWS = 150 };

START_TEST(rules_fisher_known)
{
	double *t = rules_factorials(1000);
	/* Fisher's tea: 3 of 4 right: 17/70; all 4: 1/70 */
	ck_assert_double_eq_tol(rules_fisher(t, 8, 4, 4, 3), 17.0 / 70, 1e-12);
	ck_assert_double_eq_tol(rules_fisher(t, 8, 4, 4, 4), 1.0 / 70, 1e-12);
	ck_assert_double_eq(rules_fisher(t, 8, 4, 4, 0), 1);
	ck_assert_double_eq_tol(rules_fisher(t, 8, 4, 4, 1), 69.0 / 70, 1e-12);
	ck_assert_double_eq(rules_fisher(t, 8, 2, 4, 3), 0);
	for (uint64_t k = 1; k < 60; k++) /* falls with k; sums of both tails and the term agree */
		ck_assert_double_ge(rules_fisher(t, 1000, 100, 60, k - 1), rules_fisher(t, 1000, 100, 60, k));
	free(t);
}
END_TEST

static uint32_t count_of(const uint32_t *rows, uint32_t set)
{
	uint32_t n = 0;
	for (int i = 0; i < ROWS; i++)
		n += (rows[i] & set) == set;
	return n;
}

START_TEST(rules_agree_with_counting)
{
	double *table = rules_factorials(ROWS);
	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t start[ROWS + 1] = { 0 };
		uint32_t rows[ROWS], items[ROWS * ITEMS], n = 0;
		struct rng r;
		rng_init(&r, seed, 3);
		for (int i = 0; i < ROWS; i++) {
			rows[i] = 0;
			uint32_t bundle = rng_below(&r, 3);
			for (uint32_t j = 0; j < ITEMS; j++)
				if (rng_unit(&r) < (j % 3 == bundle ? 0.7 : 0.25) || (!rows[i] && j == ITEMS - 1)) {
					rows[i] |= 1u << j;
					items[n++] = j;
				}
			start[i + 1] = n;
		}
		struct err err;
		struct rules out;
		struct itemset_baskets *b = itemset_from_rows(start, items, ROWS, &err);
		struct rules_options o = { .support = 4, .size_max = 4, .q_max = 1, .threads = 2 };
		ck_assert(b && rules_mine(b, &o, &out, &err));
		uint64_t pairs = 0, longer = 0;
		for (size_t i = 0; i < out.count; i++) {
			const struct rule *x = &out.rules[i];
			uint32_t a = 0, c = 1u << x->items[x->size - 1];
			for (uint32_t k = 0; k + 1 < x->size; k++)
				a |= 1u << x->items[k];
			ck_assert_uint_eq(x->support, count_of(rows, a | c));
			ck_assert_uint_eq(x->antecedent, count_of(rows, a));
			ck_assert_uint_eq(x->consequent, count_of(rows, c));
			double confidence = (double)x->support / x->antecedent, share = (double)x->consequent / ROWS;
			ck_assert_double_eq_tol(x->confidence, confidence, 1e-6);
			ck_assert_double_eq_tol(x->lift, confidence / share, 1e-5);
			ck_assert_double_eq_tol(x->leverage, (double)x->support / ROWS - (double)x->antecedent / ROWS * share,
			                        1e-6);
			if (x->size == 2) {
				pairs++;
				ck_assert_double_eq_tol(x->p, rules_fisher(table, ROWS, x->consequent, x->antecedent, x->support),
				                        1e-9);
			} else {
				longer++;
			}
			for (uint32_t part = 0; part < a; part++) /* better than every shorter rule */
				if ((part & a) == part)
					ck_assert_double_gt(confidence, (double)count_of(rows, part | c) / count_of(rows, part));
			ck_assert(x->q >= x->p && x->q <= 1);
			ck_assert(i == 0 || out.rules[i - 1].leverage >= x->leverage);
		}
		uint64_t expected = 0;
		for (uint32_t p = 0; p < ITEMS; p++)
			for (uint32_t c = 0; c < ITEMS; c++) {
				uint32_t both = count_of(rows, 1u << p | 1u << c);
				expected += p != c && both >= 4 &&
				            (double)both * ROWS > (double)count_of(rows, 1u << p) * count_of(rows, 1u << c);
			}
		ck_assert_uint_eq(pairs, expected);
		ck_assert_uint_gt(out.tests, pairs + longer - 1);
		for (size_t i = 0; i < out.count; i++) { /* q by definition: the least p_j · m / rank_j among p_j ≥ p_i */
			double q = 1;
			for (size_t j = 0; j < out.count; j++) {
				size_t rank = 0;
				for (size_t k = 0; k < out.count; k++)
					rank += out.rules[k].p <= out.rules[j].p;
				if (out.rules[j].p >= out.rules[i].p)
					q = fmin(q, out.rules[j].p * (double)out.tests / (double)rank);
			}
			ck_assert_double_eq_tol(out.rules[i].q, q, 1e-12);
		}
		rules_release(&out);
		itemset_free(b);
	}
	free(table);
}
END_TEST

START_TEST(dense_inverse_and_product)
{
	const size_t sizes[] = { 1, 5, 33, 128, 200, 300 };
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		size_t n = sizes[s];
		float *a = calloc(n * n, 4), *b = calloc(n * n, 4), *c = calloc(n * n, 4), *one = calloc(n * n, 4);
		struct rng r;
		rng_init(&r, s, 4);
		for (size_t k = 0; k < n * 10; k++) {
			size_t i = rng_below(&r, (uint32_t)n), j = rng_below(&r, (uint32_t)n);
			a[i * n + j] += 1;
			a[j * n + i] += 1;
			a[i * n + i] += 1;
			a[j * n + j] += 1;
		}
		for (size_t i = 0; i < n; i++)
			a[i * n + i] += 5;
		memcpy(b, a, n * n * sizeof(float));
		memcpy(one, a, n * n * sizeof(float));
		dense_invert(b, n, 3);
		dense_invert(one, n, 1);
		ck_assert(memcmp(b, one, n * n * sizeof(float)) == 0);
		dense_product(a, b, c, n, n, n, 2);
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				ck_assert_float_eq_tol(c[i * n + j], i == j ? 1 : 0, 2e-4);
		free(a);
		free(b);
		free(c);
		free(one);
	}
}
END_TEST

UNIT_MAIN("rules", rules_fisher_known, rules_agree_with_counting, dense_inverse_and_product)
