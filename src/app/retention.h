/* retention: whose data is not to be kept any more (fold/retention.h), of a whole shop: counted, listed as the rows
 * behind that count, erased. A record merged away is its survivor's; whoever was erased is gone; a person whose request
 * about their data is open is left until it is answered. */
#ifndef RELANCE_APP_RETENTION_H
#define RELANCE_APP_RETENTION_H

#include "app/drill.h"
#include "fold/retention.h"

struct retention_ask {
	const struct book *book;
	const struct version *version;
	const struct pstate *states; /* by customer; NULL: no message is known */
	const struct settings *settings;
	struct instant now;
	struct date today;
	struct retention_words words;
	uint64_t *asking; /* a bit per customer whose request is open; retention_release() */
};

struct retention_count {
	int64_t prospects, customers;
};

bool retention_begin(struct retention_ask *a, struct db *db, const struct book *book, const struct version *v,
                     const struct pstate *states, const struct settings *settings, struct instant now,
                     struct err *err) MUST_CHECK;
void retention_release(struct retention_ask *a);

/* Whether c's data is not to be kept any more. c: 1 … version->customers. */
bool retention_due(const struct retention_ask *a, customer_id c, struct retention *out);

/* Columns customer, kind, last_contact, due. `sink` NULL: they are only counted; `count` may be NULL. */
enum { RETENTION_COLUMNS = 4 };
extern const struct drill_column RETENTION_LIST[RETENTION_COLUMNS];
void retention_list(const struct retention_ask *a, const struct drill_sink *sink, struct retention_count *count);

#endif
