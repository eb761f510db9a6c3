/* switch: plans on and off, the emergency stop and its end. Each is a fact and a line of the audit log.
 *
 * A plan switched on is stored as text; the same meaning (hash) as its newest version is that version, anything else a
 * new one. Runs in progress stay on theirs. Switching a plan on again never resends what was sent: message keys hold no
 * version, and events from before the switch do not enter it. */
#ifndef RELANCE_APP_SWITCH_H
#define RELANCE_APP_SWITCH_H

#include "app/plans.h"
#include "store/outbox.h"

enum switch_state { SWITCH_ON, SWITCH_OFF, SWITCH_DRAIN };

struct switch_result {
	uint32_t version;
	bool new_version;
};

/* On: `plan` is the compiled plan with its text. */
bool switch_plan_on(struct db *db, const struct plan *plan, struct instant now, struct switch_result *out,
                    struct err *err) MUST_CHECK;
/* Stored as the newest version, but not on: it waits for its approval (approval.h). Nobody enters it or an older
 * version. */
bool switch_plan_waiting(struct db *db, const struct plan *plan, struct instant now, struct switch_result *out,
                         struct err *err) MUST_CHECK;
/* Off holds what is queued; drain lets runs in progress end and nobody enter. */
bool switch_plan(struct db *db, struct str name, enum switch_state to, struct instant now, struct err *err) MUST_CHECK;

bool switch_stop(struct db *db, struct instant now, const char *actor, struct err *err) MUST_CHECK;
/* Ends the emergency stop, a hold after a clock jump and one after a restore. */
bool switch_resume(struct db *db, struct instant now, const char *actor, struct err *err) MUST_CHECK;

#endif
