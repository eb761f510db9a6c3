/* case_shop: the business case filled in from what a shop did and what its plans are measured to have brought.
 *
 * The year is the twelve whole months up to the last one that is over.
 *   prospects, rate   as the key figure "conversion" of that year
 *   basket            mean first order of those who first ordered in it
 *   loyal             of those who first ordered in the year before it, the share with `lifecycle.loyal_orders` orders
 *                     within twelve months of the first; without such people: of the year's own, until its end
 *   loyal_value       what these spent in the twelve months from their first order
 *   customers         had ordered before the end of the year;  active: of them, ordered in it
 *   active_value      revenue of the active in the year ÷ active
 *   cost              messages of the year at their price
 * "After" is the year as it was, plans and all; "before" is the same without what the plans brought, so that the gain
 * is what was measured and nothing else. A plan counts when its always-valid interval leaves zero out; it is put on the
 * line of what most of its entrants were: prospects, customers of one order, lapsing, or active. Other plans are listed
 * with the reason why they do not count. What is not known is 0 and says why. */
#ifndef RELANCE_APP_CASE_SHOP_H
#define RELANCE_APP_CASE_SHOP_H

#include "app/drill.h"
#include "app/uplift.h"
#include "fold/case.h"

enum case_known { CASE_KNOWN_CONVERSION, CASE_KNOWN_BASKET, CASE_KNOWN_LOYAL, CASE_KNOWN_ACTIVE, CASE_KNOWN };

struct case_plan {
	uint16_t plan;
	enum case_line line;
	bool counts;
	double brought, low, high; /* in the year: buyers, or minor units (CASE_EXTRA); the interval is always valid */
	struct finding finding;
};

struct case_shop {
	struct date from, until; /* the year; until excluded */
	struct case_input input;
	struct case_result result;
	struct money gain_low, gain_high; /* with the plans' intervals; equal to the gain when no plan counts */
	const char *missing_fr[CASE_KNOWN], *missing_en[CASE_KNOWN]; /* NULL: known */
	bool loyal_understated;                                      /* followed for less than twelve months */
	struct case_plan plans[PLANS_MAX];
	size_t plan_count;
};

/* `french`: the language of the plans' verdicts. False: no order, or amounts too large. */
bool case_shop_make(const struct figures_shop *s, bool french, struct case_shop *out, struct err *err) MUST_CHECK;

/* Who a line was counted from, as key figures list theirs (drill.h): the prospects of the year; of whom it was asked
 * whether they became loyal; all customers; the active ones. False: no order. */
int case_columns(enum case_line line, struct drill_column out[DRILL_COLUMNS_MAX]);
bool case_rows(const struct figures_shop *s, enum case_line line, const struct drill_sink *sink,
               struct err *err) MUST_CHECK;

#endif
