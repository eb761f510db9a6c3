/* crosseval: how well cross-selling would have done on a shop's own history.
 *
 * Dated orders are cut at a day: models see what is before, a case is a customer with orders before and an order from
 * that day on, and the truth is what their next order holds that they had never bought. HR@k: share of cases where one
 * of k proposals is in it; NDCG@k normalised over all true items. The blend is learnt the same way at
 * earlier cuts of the same history, and sees nothing from the cut on. It is the default unless it loses to a simple
 * method on customers and weeks it did not learn from. "served" is what recommend.h answers in
 * microseconds, without a price cap: what messages and the web shop get. */
#ifndef RELANCE_FOLD_CROSSEVAL_H
#define RELANCE_FOLD_CROSSEVAL_H

#include "fold/nextbasket.h"

enum { CROSSEVAL_METHODS = 16 };

struct crosseval_result {
	const char *name;
	double hit_rate, ndcg;
};

struct crosseval_report {
	struct crosseval_result methods[CROSSEVAL_METHODS];
	size_t count, best_single, blend, served, chosen; /* indices; chosen: the default */
	uint32_t cases, learn_cases, whole;               /* whole: cases there were, when too many to look at */
};

struct crosseval_options {
	int k, threads;
	bool quick; /* no blend */
};

/* day: per basket of d (ascending within a user), days since 1970-01-01. The splits of d are not looked at. Too few
 * earlier cases to learn from: no blend (blend SIZE_MAX), the default is what is served. */
bool crosseval_run(const struct nb_data *d, const int32_t *day, int32_t split, const struct crosseval_options *o,
                   struct crosseval_report *out, struct err *err) MUST_CHECK;

#endif
