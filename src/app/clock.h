/* clock: the only place where the program asks what time it is. */
#ifndef RELANCE_APP_CLOCK_H
#define RELANCE_APP_CLOCK_H

#include "base/err.h"
#include "base/zone.h"

struct instant clock_now(void);
double clock_monotonic(void); /* seconds, never goes back */
double clock_running(void);   /* the same, and goes on while the machine sleeps: a nap is no jump of the clock */

/* The wall clock watched against the running one. Zeroed: not looked at yet. */
struct clock_watch {
	struct instant wall;
	double running;
};
/* Seconds the wall clock has gained since the last call; 0 the first time, negative when it was put back. */
int64_t clock_gained(struct clock_watch *w, struct instant wall, double running);

/* "2011-09-01", "2011-09-01 10:00", "2011-09-01T10:00:00Z" in the zone; NULL: now. */
bool clock_at(const char *text, zone_id zone, struct instant *out, struct err *err) MUST_CHECK;

/* HOST:PID:NONCE, who holds a lease. */
char *clock_owner(char out[96]);

#endif
