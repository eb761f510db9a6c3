/* erase: a person taken out of the shop: the database (store/erase.h), the files written for them, the rejected rows of
 * imports, the write-ahead log. What backups hold goes when they expire (doc/operations.md). On a shop that runs
 * (`relance run`, `serve`) whoever runs it does it (live_erased); anybody else is refused by the lease. */
#ifndef RELANCE_APP_ERASE_H
#define RELANCE_APP_ERASE_H

#include "store/erase.h"

struct erase_report {
	struct erasure rows;
	uint64_t files, reject_rows;
	bool log_left;   /* another program read the database all the while: erasing again empties its log */
	struct buf left; /* what could not be looked at, a line each: where, and why. erase_report_release() */
};

void erase_report_release(struct erase_report *r);

/* `folder`: where messages were written as files; NULL: none. actor: for the audit log, which gets the number only.
 * What lies in a file that cannot be read or written stops nothing and is told in the report: an erasure asked for
 * again would not know the person any more. */
bool erase_customer(struct db *db, customer_id c, const char *actor, const char *folder, struct instant now,
                    struct erase_report *out, struct err *err) MUST_CHECK;

/* The same in two parts, for who serves others meanwhile: the rows of some people, then what else was left of them. The
 * second part needs nothing of the shop but a handle, and any thread may take its time over it. Facts that were told
 * and wait (app/arrival.h) are the caller's to apply before. */
struct erase_trace {
	customer_id customer;
	struct str ref, email, phone;
};
struct erase_traces {
	struct arena arena;
	struct erase_trace *list; /* the records erased, so far */
	size_t count;
};
void erase_begin(struct erase_traces *traces, struct erase_report *out);
void erase_end(struct erase_traces *traces); /* `out` stays the caller's */
bool erase_person(struct db *db, customer_id c, const char *actor, struct instant now, struct erase_traces *traces,
                  struct erase_report *out, struct err *err) MUST_CHECK;
bool erase_left(struct db *db, const char *folder, const struct erase_traces *traces, struct erase_report *out,
                struct err *err) MUST_CHECK;

#endif
