/* audit: was it the facts and the plans that made every decision? (SEMANTICS "A tick", audit replay)
 *
 * Begins with nobody in any plan and repeats the tick log line by line: takes the facts up to the line's number, the
 * plan states and the hold it names, asks whom it says was asked, gives the slots, claims what was claimed; then
 * compares the hash of what was said. Reads only; the runs, decisions and messages of the database are never looked at.
 * Stops at the first line that differs. A tick cut off by a crash is repeated as far as its commits came.
 *
 * Not in the log, so taken as they are today: the catalogue, and suppressions that were lifted since. Promised for
 * those not erased: a line older than an erasure that comes out otherwise is counted as `blurred`, and the repeating
 * goes on. Once slots of a smoothed plan were among them, who got them can no longer be known, and later lines may blur
 * too. Memory: as much as a running shop. */
#ifndef RELANCE_APP_AUDIT_H
#define RELANCE_APP_AUDIT_H

#include "app/live.h"

struct audit_result {
	uint64_t ticks, unfinished; /* repeated; of these cut off */
	uint64_t rounds, decisions, claims, facts;
	uint64_t erased, blurred; /* people; rounds that cannot be proven for their sake */
	bool same;
	/* the first that differs */
	int64_t tick, round;
	struct instant at;
	char what[256];
	char trace_sha256[65]; /* of everything said */
};

/* `trace`: every decision's line; may be NULL. False: could not be repeated (err); a difference is not an error. */
bool audit_run(const char *address, void (*trace)(void *ctx, struct str text), void *ctx, struct audit_result *out,
               struct err *err) MUST_CHECK;

#endif
