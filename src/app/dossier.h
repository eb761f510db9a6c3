/* dossier: everything the shop holds about one person, to be given to them (GDPR articles 15 and 20): JSON that a
 * program can read, and, in a ZIP archive, the orders as CSV and every message as it was sent. */
#ifndef RELANCE_APP_DOSSIER_H
#define RELANCE_APP_DOSSIER_H

#include "store/store.h"

enum { DOSSIER_MAX = 64 << 20 };

/* out: a buffer of DOSSIER_MAX. locale: of the sentences (reasons). */
bool dossier_json(struct db *db, customer_id c, enum locale locale, struct instant now, struct buf *out,
                  struct err *err) MUST_CHECK;
bool dossier_zip(struct db *db, customer_id c, enum locale locale, struct instant now, struct buf *out,
                 struct err *err) MUST_CHECK;

#endif
