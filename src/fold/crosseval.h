/* crosseval: how well cross-selling would have done on a shop's own history.
 *
 * Dated orders are cut at a day: models see what is before, a case is a customer with orders before and an order from
 * that day on, and the truth is what their next order holds that they had never bought. HR@k: share of cases where one
 * of k proposals is in it; NDCG@k normalised over all true items. "served" is what
 * recommend.h answers, learnt on what is before the cut, without a price cap: what messages, the API and the web shop
 * get. "blend" is a slower model of the same kind with more members, learnt the same way at earlier cuts of the same
 * history: how much there may be left to gain. */
#ifndef RELANCE_FOLD_CROSSEVAL_H
#define RELANCE_FOLD_CROSSEVAL_H

#include "fold/nextbasket.h"
#include "fold/recommend.h"

enum { CROSSEVAL_METHODS = 16 };

struct crosseval_result {
	const char *name;
	double hit_rate, ndcg;
};

struct crosseval_report {
	struct crosseval_result methods[CROSSEVAL_METHODS];
	size_t count, best_single, blend, served; /* indices */
	uint32_t cases, learn_cases, whole;       /* whole: cases there were, when too many to look at */
};

struct crosseval_options {
	int k, threads;
	bool quick; /* no blend */
	/* The shop the baskets are of, items numbered alike, and its customer of each user: "served" is then learnt from
	 * all it knows, guests, returns, prices and types too. NULL: from the baskets. */
	const struct rec_data *shop;
	const uint32_t *customer;
};

/* day: per basket of d (ascending within a user), days since 1970-01-01. The splits of d are not looked at. Too few
 * earlier cases to learn from: no blend (blend SIZE_MAX). */
bool crosseval_run(const struct nb_data *d, const int32_t *day, int32_t split, const struct crosseval_options *o,
                   struct crosseval_report *out, struct err *err) MUST_CHECK;

#endif
