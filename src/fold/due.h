/* due: when a customer is next due for what they buy regularly, with an interval.
 *
 * Gaps between purchases of one customer are Gamma(shape, shape · rate) with the customer's own rate, itself Gamma(a,
 * b) over customers (Poisson–Gamma with an aggregate prior when shape = 1; shape above 1 is a steadier rhythm). Fitted
 * by moments on everyone's gaps; a customer's own gaps then sharpen it. The next gap is (b'/a') · F(2 shape, 2 a'),
 * hence quantiles; given that the customer has already waited w days, those are of the gap beyond w. */
#ifndef RELANCE_FOLD_DUE_H
#define RELANCE_FOLD_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due_prior {
	double shape, a, b; /* b in days */
	uint64_t gaps;      /* how many it was fitted on; 0: no rhythm known, nothing is ever due */
};

struct due_fit { /* sums; zero it, add customers, then finish */
	double mean_sum, mean_square, within, share_sum;
	uint64_t customers, gaps, within_n;
};

/* days: ascending purchase days of one customer (same day twice counts once). */
void due_fit_add(struct due_fit *f, const int32_t *days, size_t n);
struct due_prior due_fit_finish(const struct due_fit *f);

enum { DUE_QUANTILES = 3, DUE_NEAR_DAYS = 7 };
extern const double DUE_QUANTILES_PLAIN[DUE_QUANTILES]; /* 0.1, 0.5, 0.9 */

struct due {
	int32_t day;      /* the likely day: most of the chance is within a week of it */
	int32_t median;   /* of the next purchase */
	int32_t from, to; /* 80 % interval */
	double gap_days;  /* the customer's posterior mean gap */
	double overdue;   /* chance that the next purchase would have come by now: near 1 = gone or very late */
};

/* False without a prior or a purchase. as_of: today; nothing is placed before it. quantile: which of the model's are to
 * be told as 10 %, 50 % and 90 % (DUE_QUANTILES_PLAIN, or calibrated on the past). */
bool due_predict(const struct due_prior *p, const int32_t *days, size_t n, int32_t as_of,
                 const double quantile[DUE_QUANTILES], struct due *out);

/* How far into the model's distribution of the next purchase, as of that day, the day it came was: uniform on 0 … 1
 * when the model is right. */
bool due_reached(const struct due_prior *p, const int32_t *days, size_t n, int32_t as_of, int32_t came, double *share);

#endif
