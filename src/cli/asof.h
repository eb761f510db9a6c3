/* asof: what `lifecycle` and `segment` share: --at and --known, and a table of people. */
#ifndef RELANCE_CLI_ASOF_H
#define RELANCE_CLI_ASOF_H

#include "app/people.h"
#include "cli/cli.h"

struct asof {
	struct date day;    /* as of its start, in the shop's zone */
	struct instant now; /* the last instant that counts */
	bool live;          /* no --at: today's facts count too */
	struct thresholds thresholds;
	const struct version *version;
};

/* --known: a date or an instant, in UTC unless it says otherwise; NULL: everything. */
bool asof_known(const char *text, struct instant *out, struct err *err) MUST_CHECK;
/* --at: a date; NULL: now. Pins a version and computes its thresholds; release with asof_release(). */
bool asof_init(struct asof *a, const struct shop_world *w, const char *at, struct err *err) MUST_CHECK;
void asof_release(struct asof *a, const struct shop_world *w);

/* customer, phase, orders, last_order, spend: of everybody, or of those in `bits`. */
void asof_print_people(const struct asof *a, const struct shop_world *w, const struct people *p, const uint64_t *bits,
                       enum format format);

#endif
