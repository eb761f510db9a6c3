/* complete: how well the product that is missing from a basket is found, measured on orders that came after those
 * learnt from.
 *
 * Protocol: products in at least `sales_min` orders of the learning part (more, when those are more than
 * COMPLETE_ITEMS_MAX); an order of s ≥ 2 of them hides the one at position n mod s (n = number of the order among the
 * later ones, positions in the order written); the k best of the others are proposed. HR@k and NDCG@k (one true item).
 *
 * Two questions: of somebody nobody knows, any product is hidden; of a customer with orders in the learning part, in
 * the first order after it, one they never bought, and what they have is proposed by no method.
 *
 * Methods: popularity, rule max-confidence, asymmetric cosine item-to-item, EASE over orders; and "served": what
 * recommend.h answers, learnt on the same orders, without a price cap and with any number of a type (those say what may
 * be shown, not what fits). */
#ifndef RELANCE_FOLD_COMPLETE_H
#define RELANCE_FOLD_COMPLETE_H

#include "fold/recommend.h"

#include <stddef.h>

enum { COMPLETE_METHODS = 5, COMPLETE_SERVED = 4, COMPLETE_ITEMS_MAX = 8192, COMPLETE_CASES_MAX = 20000 };

struct complete_part {
	struct {
		const char *name;
		double hit_rate, ndcg;
	} methods[COMPLETE_METHODS];
	size_t best_single;
	uint32_t cases, whole; /* whole: when they were too many to look at */
};

struct complete_report {
	struct complete_part anyone, known;
	uint32_t items, sales_min;
};

struct complete_options {
	int k, threads;     /* k: at most REC_OUT_MAX */
	uint32_t sales_min; /* 0: 20 */
};

/* Learns from the orders of d before the day, asks about those from it on. No case is no failure: the counts are 0.
 * False: nothing to learn from before the day. */
bool complete_shop(const struct rec_data *d, int32_t day, const struct complete_options *o, struct complete_report *out,
                   struct err *err) MUST_CHECK;

/* The same on undated baskets in order of time, of customers nobody knows: the first 80 % to learn. Basket b is
 * items[start[b]] … items[start[b + 1] − 1]; only the products with enough sales exist. */
bool complete_run(const uint64_t *start, const uint32_t *items, size_t baskets, const struct complete_options *o,
                  struct complete_report *out, struct err *err) MUST_CHECK;

#endif
