/* objective: what is to be reached, by whom, in which months. Only the aim is stored; what was reached is
 * counted whenever it is asked for (app/objectives.h).
 *
 * target: minor units (revenue), orders, articles (volume), thousandths of a per cent (conversion). Limits:
 * OBJECTIVES_MAX of them, names BODY_NAME_MAX bytes, OBJECTIVE_MEMBERS_MAX sellers in a team. */
#ifndef RELANCE_STORE_OBJECTIVE_H
#define RELANCE_STORE_OBJECTIVE_H

#include "store/store.h"

enum { OBJECTIVES_MAX = 10000, OBJECTIVE_MEMBERS_MAX = 100 };

enum objective_scope { OBJECTIVE_SHOP, OBJECTIVE_TEAM, OBJECTIVE_PERSON, OBJECTIVE_PLAN, OBJECTIVE_SCOPES };
enum objective_measure {
	OBJECTIVE_REVENUE,
	OBJECTIVE_ORDERS,
	OBJECTIVE_VOLUME,
	OBJECTIVE_CONVERSION,
	OBJECTIVE_MEASURES
};
extern const char *const OBJECTIVE_SCOPE_NAMES[OBJECTIVE_SCOPES];     /* "shop" … */
extern const char *const OBJECTIVE_MEASURE_NAMES[OBJECTIVE_MEASURES]; /* "revenue" … */

struct objective {
	int64_t id;
	enum objective_scope scope;
	struct str name; /* empty for the shop */
	enum objective_measure measure;
	int first_month, months; /* year × 12 + month − 1; 1, 3 or 12 */
	int64_t target;
	struct str members; /* of a team: its sellers, one a line; empty: the store of that name */
};

/* All of them, by period, scope, name; strings and array in the arena. */
bool objectives_read(struct db *db, struct arena *a, struct objective **out, size_t *count, struct err *err) MUST_CHECK;

/* Sets it, or changes the target of the one there is; in its own transaction, with a line of the audit log. */
bool objective_put(struct db *db, const struct objective *o, struct instant now, const char *actor, int64_t *id,
                   struct err *err) MUST_CHECK;
/* False with ERR_INPUT when there is none of that number. */
bool objective_remove(struct db *db, int64_t id, struct instant now, const char *actor, struct err *err) MUST_CHECK;

/* ---- the monthly report by mail: at most once for a month and address, whatever happens in between ---- */

enum report_mail {
	REPORT_SENDING = 0,
	REPORT_ACCEPTED = 1,
	REPORT_REFUSED = 2,
	REPORT_UNCERTAIN = 3,
	REPORT_DEFERRED = 4
};
enum { REPORT_RETRY_S = 15 * 60 };

/* True in *ours: nobody has sent it and the right to is ours; committed. A deferred one may be claimed again after
 * REPORT_RETRY_S; `asked` by a person: at once, and a refused one too. Never one that was or may have been accepted. */
bool report_mail_claim(struct db *db, int month, uint64_t recipient, struct instant now, bool asked, bool *ours,
                       struct err *err) MUST_CHECK;
bool report_mail_settle(struct db *db, int month, uint64_t recipient, enum report_mail state, struct str outcome,
                        struct instant now, struct err *err) MUST_CHECK;
/* What was left "sending" by a program that ended is uncertain. By the holder of the lease, at start. */
bool report_mail_recover(struct db *db, struct err *err) MUST_CHECK;
bool report_mail_state(struct db *db, int month, uint64_t recipient, bool *found, enum report_mail *state,
                       struct instant *at, struct err *err) MUST_CHECK;

#endif
