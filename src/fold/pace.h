/* pace: where a sum ends that grows day by day, at the pace it had so far, with the interval that pace allows.
 *
 * Method: each whole day so far is one draw. The days to come are as many draws from the same source, whose mean is
 * only known from the days seen: expected = sum + R·m, variance s²(R + R²/e), Student quantile of e − 1 degrees of
 * freedom, with e days seen and R to come. s² is that of the days, week-ends included: rather too wide than too narrow.
 * Unknown before PACE_DAYS_MIN whole days, and as long as no two days differ. */
#ifndef RELANCE_FOLD_PACE_H
#define RELANCE_FOLD_PACE_H

#include "base/check.h"

#include <stdbool.h>

enum { PACE_DAYS_MIN = 7 };

struct pace {
	bool known;
	double expected, low, high; /* at the end, at `level` */
};

/* day[0 … elapsed − 1]: whole days that are over; `running`: what the day that has begun has brought so far;
 * length: days of the period, elapsed ≤ length. The result is never below what is reached already when no day is
 * negative. */
struct pace pace_make(const double *day, int elapsed, double running, int length, double level);

#endif
