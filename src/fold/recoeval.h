/* recoeval: how good up-sells and due dates would have been on a shop's own past.
 *
 * Orders are cut at a day; models see what is before it.
 *
 * Up-sell: a case is a customer who bought a product of a type before the day (the newest one) and, from the day on, a
 * dearer one of the same type: the truth. Asked with the first in the basket, without knowing the customer. Hit rate:
 * the truth is among k proposals, of the cases whose truth lies within the price cap. Revenue: what a hit adds to the
 * price, mean over all cases within the cap. Tier accuracy: the first proposal and the truth are as many price steps of
 * the type (the range order where the shop gives one) above the first product. Beside: the next dearer product of the
 * type, and its best seller within the cap.
 *
 * Due dates: a case is a customer and a product with a rhythm before the day, not long gone, as `again` asks them. Of
 * those that bought it again: mean and median error in days, share within ± 7 days of the date told, share inside the
 * 80 % interval (calibrated: 0.8), share before the date (calibrated: 0.5). Purchases later than the data end are not
 * known: a case whose interval ends after it is left out. Beside: the customer's own mean gap, and the mean gap of
 * everybody. */
#ifndef RELANCE_FOLD_RECOEVAL_H
#define RELANCE_FOLD_RECOEVAL_H

#include "fold/recommend.h"

/* The orders before a day, in arrays of its own; items, names and rules are shared. */
struct rec_cut {
	struct rec_data d;
	uint32_t *order_start, *line_start, *line_item;
	int32_t *order_day, *line_minor;
	float *line_quantity;
};
void rec_cut_make(struct rec_cut *c, const struct rec_data *d, int32_t day);
void rec_cut_release(struct rec_cut *c);
/* The items as of an earlier day: stock and visibility are today's, nobody knows what they were. malloc'd; NULL when
 * there are none. */
struct rec_item *rec_items_then(const struct rec_data *d);

enum { RECOEVAL_METHODS = 3, RECOEVAL_OURS = 0 };

struct recoeval_up {
	const char *name;
	double hit_rate, revenue_minor, tier_accuracy; /* tier: of the cases with a proposal */
	uint32_t answered;                             /* cases within the cap with a proposal */
};

struct recoeval_due {
	const char *name;
	double error_days, median_days, within_7;
	double inside, before; /* ours only */
};

struct recoeval {
	struct recoeval_up up[RECOEVAL_METHODS];
	struct recoeval_due due[RECOEVAL_METHODS];
	uint32_t up_cases, up_within_cap;
	uint32_t due_cases, due_again; /* asked; of them bought again */
};

struct recoeval_options {
	int32_t day;
	int k, threads, up_percent;
};

/* False: nothing to learn from before the day. No case is no failure: the counts are 0. */
bool recoeval_run(const struct rec_data *d, const struct recoeval_options *o, struct recoeval *out,
                  struct err *err) MUST_CHECK;

#endif
