/* complete: which product is missing from a basket, measured on undated baskets in order of time.
 *
 * Protocol: the first 80 % of the baskets to learn, the rest to test; items with at least `sales_min` sales in the
 * learning part; a test basket of s ≥ 2 such items hides the one at position n mod s (n = number of the basket among
 * the test ones, positions in the order written); the k best of the others are proposed. HR@k and NDCG@k (one true
 * item).
 *
 * Methods: popularity, rule max-confidence, asymmetric cosine item-to-item, EASE, and the blend learnt on the last
 * fifth of the learning part from models of its first four fifths. */
#ifndef RELANCE_FOLD_COMPLETE_H
#define RELANCE_FOLD_COMPLETE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { COMPLETE_METHODS = 5, COMPLETE_BLEND = 4 };

struct complete_report {
	struct {
		const char *name;
		double hit_rate, ndcg;
	} methods[COMPLETE_METHODS];
	uint32_t cases, items;
};

struct complete_options {
	int k, threads;
	uint32_t sales_min; /* 0: 20 */
};

/* Basket b is items[start[b]] … items[start[b + 1] − 1]. */
bool complete_run(const uint64_t *start, const uint32_t *items, size_t baskets, const struct complete_options *o,
                  struct complete_report *out, struct err *err) MUST_CHECK;

#endif
