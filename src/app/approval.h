/* approval: a campaign (`once on DATE`) that a second person approves before it is on, where the shop wants it
 * (setting approval.campaigns).
 *
 * Switched on, such a plan is stored as "waiting" and who proposed it is kept; nobody enters. Approved by somebody else
 * it is on from then on; by the same person it is refused, and so is an approval that comes when the campaign's day has
 * begun. Both are lines of the audit log. A new version waits anew. Names of people are compared as they are given: the
 * web interface gives the signed-in user, the command line --by, else the system's user. */
#ifndef RELANCE_APP_APPROVAL_H
#define RELANCE_APP_APPROVAL_H

#include "app/switch.h"

bool approval_needed(const struct settings *s, const struct plan *plan);

/* Stores the plan as waiting. */
bool approval_propose(struct db *db, const struct plan *plan, const char *who, struct instant now,
                      struct switch_result *out, struct err *err) MUST_CHECK;

/* `plan` is the waiting version, compiled. */
bool approval_give(struct db *db, const struct plan *plan, const char *who, struct instant now,
                   struct switch_result *out, struct err *err) MUST_CHECK;

#endif
