/* monthly: the report of a month by mail, to the shop's own people: from the day set (report.day, 2) at 8 in the
 * morning on, the report of the month before goes to the addresses of report.to, through the shop's mail server or,
 * without one, as a file into its folder of messages.
 *
 * At most once for a month and an address: the right to send it is committed before it leaves. What the server refused
 * for now is tried again a quarter of an hour later; refused for good, only when a person asks; what a crash left in
 * between is uncertain and never sent again. */
#ifndef RELANCE_APP_MONTHLY_H
#define RELANCE_APP_MONTHLY_H

#include "app/courier.h"
#include "app/report.h"

enum { MONTHLY_HOUR = 8, MONTHLY_ADDRESSES_MAX = 20 };

struct monthly {
	struct instant looked_at; /* zero: not yet */
};

/* Called at every turn by whoever holds the lease; looks once a minute. False: the database failed. What the mail
 * server said, or why no report can be made, goes to stderr. */
bool monthly_turn(struct monthly *m, struct courier_state *c, struct live *l, struct instant now,
                  struct err *err) MUST_CHECK;

enum monthly_sent { MONTHLY_SENT, MONTHLY_KNOWN /* before, or perhaps before */, MONTHLY_DEFERRED, MONTHLY_REFUSED };

struct monthly_letter {
	const struct figures_shop *shop;
	const struct report_ask *report;
	struct courier_state *courier;
	struct live *live;
	struct db *db; /* to write what was sent; may be live's */
	struct str to; /* one address */
	bool asked;    /* by a person: a refused one is tried again */
};

/* One report to one address. False: the database failed, there is nothing to report, or `to` is no address. */
bool monthly_send(const struct monthly_letter *m, struct instant now, enum monthly_sent *out,
                  struct err *err) MUST_CHECK;

#endif
