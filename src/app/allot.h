/* allot: who waits for a slot of a smoothed plan, the most valuable first. One heap a plan; an entry counts only while
 * its value is the one last proposed for the customer. Derived state. */
#ifndef RELANCE_APP_ALLOT_H
#define RELANCE_APP_ALLOT_H

#include "engine/engine.h"

struct waiting {
	int64_t value;
	customer_id customer;
};

struct allot_plan {
	struct waiting *items;
	size_t count, cap;
	int64_t *value; /* per customer; INT64_MIN: not waiting. NULL: the plan is not smoothed */
};

struct allot {
	struct allot_plan *plans;
	size_t count;
	size_t people;
};

void allot_init(struct allot *a, const struct plan_set *plans, size_t people);
void allot_release(struct allot *a);
/* The base or the plan set has grown. */
void allot_grow(struct allot *a, const struct plan_set *plans, size_t people);
void allot_take(struct allot *a, const struct proposal *proposals, size_t count);
/* The person waits for nothing any more. */
void allot_forget(struct allot *a, customer_id c);
/* Whether the person waits for a slot of any plan. */
bool allot_waits(const struct allot *a, customer_id c);
/* The best who waits for plan p; false when nobody does. */
bool allot_next(struct allot *a, size_t p, customer_id *out);
size_t allot_waiting(const struct allot *a, size_t p);

#endif
