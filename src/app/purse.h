/* purse: what the plans with a budget may still spend, and the messages that ask for it (SEMANTICS "A tick": allot).
 *
 * A budget is money for sending, by the tariffs of channel_cost: of one civil month in the shop's zone, or in all. What
 * counts is what is queued, accepted or uncertain of any version of the plan, in the month of its `at`; the newest
 * version's budget holds for all. Vouchers are not in it: they cost when they are used, and are shown apart.
 *
 * Asked of one instant are granted the most valuable customer first, then by number; one whose cost is no longer there
 * is held, and a cheaper one behind it may still go. One thread calls these. */
#ifndef RELANCE_APP_PURSE_H
#define RELANCE_APP_PURSE_H

#include "engine/engine.h"

struct purse {
	struct spend *items; /* a heap: the earliest, then most valuable, first */
	size_t count, cap;
	struct date month;         /* its first day: that `spent` speaks of */
	int64_t spent[PLANS_MAX];  /* by family: this month's, or all; thousandths of a minor unit */
	int64_t before[PLANS_MAX]; /* by family: of earlier months */
};

void purse_release(struct purse *p);
/* Takes what was asked for out of `said`. */
void purse_take(struct purse *p, struct decisions *said);
bool purse_next(struct purse *p, struct spend *out);
/* What was spent by `now`, from the messages of everybody: states[1 … people − 1]. */
void purse_count(struct purse *p, const struct world *w, const struct pstate *states, size_t people,
                 struct instant now);
/* Takes the money out, if it is there. Else *again is the instant at which there will be more; 0: nobody knows. */
bool purse_grant(struct purse *p, const struct world *w, const struct spend *s, int64_t *again);

void purse_give_back(struct purse *p, const struct world *w, const struct spend *s);

#endif
