/* erase: a person taken out of the shop: the database (store/erase.h), the files written for them, the rejected rows of
 * imports, the write-ahead log. What backups hold goes when they expire (doc/operations.md). The shop must not be
 * running on this database (`relance run`, `serve`): whoever runs it does it in its place, or it is refused by the
 * lease. */
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

#endif
