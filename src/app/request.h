/* request: what people ask about their data (GDPR articles 15 to 21), with the day by which it has to be answered: one
 * month after it was asked, to the day, clamped to the month's end; two more when the shop says why (article 12(3)).
 * The note holds no personal data: it is kept as the receipt after an erasure. */
#ifndef RELANCE_APP_REQUEST_H
#define RELANCE_APP_REQUEST_H

#include "store/store.h"

enum request_kind {
	REQUEST_ACCESS,        /* art. 15 */
	REQUEST_RECTIFICATION, /* art. 16 */
	REQUEST_ERASURE,       /* art. 17 */
	REQUEST_PORTABILITY,   /* art. 20 */
	REQUEST_OBJECTION,     /* art. 21 */
	REQUEST_MESSAGE,       /* written to the shop on its page: whoever reads it sees what it asks */
	REQUEST_KIND_COUNT
};
const char *request_kind_name(enum request_kind k); /* "access" … */
int request_kind_find(struct str name);             /* −1: none */
extern const char *const REQUEST_CAME_BY[];         /* "email", "letter", "phone", "counter", "page"; ends with NULL */

struct data_request {
	int64_t id;
	struct str kind, came_by, state, extended, answer, actor; /* state: open, done, refused */
	customer_id customer;
	struct instant asked_at, due_at, closed_at; /* closed_at 0: open */
};

/* The last second of the day by which it is due, in the shop's zone. */
struct instant request_due(zone_id zone, struct instant asked, bool extended);

/* Each is one transaction with its line of the audit log. came_by "": page. */
bool request_add(struct db *db, enum request_kind kind, customer_id c, struct str came_by, struct instant asked,
                 const char *actor, struct instant now, int64_t *id, struct err *err) MUST_CHECK;
/* The same inside the caller's transaction, which commits it. */
bool request_add_within(struct db *db, enum request_kind kind, customer_id c, struct str came_by, struct instant asked,
                        const char *actor, struct instant now, int64_t *id, struct err *err) MUST_CHECK;
/* done or refused, with what was done or why not: a refusal needs a reason. */
bool request_close(struct db *db, int64_t id, bool done, struct str answer, const char *actor, struct instant now,
                   struct err *err) MUST_CHECK;
bool request_extend(struct db *db, int64_t id, struct str reason, const char *actor, struct instant now,
                    struct err *err) MUST_CHECK;

typedef bool (*request_fn)(void *ctx, const struct data_request *r, struct err *err);
/* Open ones first by due day, then closed ones, newest first; those after the `skip` first, at most `limit`. */
bool requests(struct db *db, bool open_only, int64_t skip, int64_t limit, request_fn fn, void *ctx,
              struct err *err) MUST_CHECK;
/* Whether a request of this kind, of this person, made on our page within the last day, is still open: a form sent
 * twice. */
bool request_again(struct db *db, enum request_kind kind, customer_id c, struct instant now, bool *again,
                   struct err *err) MUST_CHECK;
bool request_get(struct db *db, int64_t id, struct arena *a, struct data_request *out, bool *found,
                 struct err *err) MUST_CHECK;
/* How many are open, and of these how many are due before `until`. */
bool request_counts(struct db *db, struct instant until, int64_t *open, int64_t *due, struct err *err) MUST_CHECK;

/* Objection (article 21): opposed to marketing and to being followed, on every channel, from now on; facts with the
 * wording given as their proof. */
bool request_object(struct db *db, customer_id c, struct str source, struct str wording, struct instant now,
                    struct err *err) MUST_CHECK;

#endif
