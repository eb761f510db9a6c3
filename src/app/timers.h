/* timers: who must be looked at when: a binary heap of (instant, customer). A customer may stand in it several times;
 * the caller keeps the instant that counts and passes over the others. Derived state: rebuilt at load, never stored. */
#ifndef RELANCE_APP_TIMERS_H
#define RELANCE_APP_TIMERS_H

#include "base/arena.h"
#include "model/model.h"

struct timer {
	uint32_t at;
	customer_id customer;
};

struct timers {
	struct timer *items;
	size_t count, cap;
};

void timers_release(struct timers *t);
void timers_add(struct timers *t, uint32_t at, customer_id c);
uint32_t timers_next(const struct timers *t); /* UINT32_MAX: none */
struct timer timers_take(struct timers *t);   /* the earliest; check()s that there is one */

#endif
