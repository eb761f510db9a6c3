/* retention: how long a person's data may be kept, and when that is over (LAW "Retention"; GDPR 5(1)(e); CNIL,
 * référentiel gestion commerciale, 2022).
 *
 *   prospect   never ordered: so many months after they were met, or their last contact
 *   customer   ordered: so many months after their last order, or contact, whichever is later
 *
 * A contact is what the person did: an order, a return, a cart, an event the shop told of, a consent given or taken
 * back, a click, an answer. An open is none (CNIL), nor is what a plan did. A relationship that runs is not over: a
 * subscription begun and not ended. Of whom nothing is known, no day is known either: they are never due. Pure over the
 * view and the messages. */
#ifndef RELANCE_FOLD_RETENTION_H
#define RELANCE_FOLD_RETENTION_H

#include "fold/subject.h"

enum { RETENTION_MONTHS_MAX = 1200 };

struct retention_rules {
	int prospect_months, customer_months;
	bool on; /* the running server erases who is due; else it is only shown */
};

struct retention_words { /* of the book's events */
	uint32_t subscription, ended;
};

struct retention {
	bool customer;    /* ordered; else a prospect */
	struct date last; /* contact, in the shop's zone */
	struct date due;  /* the first day on which the data is not to be kept any more */
};

struct retention_words retention_words(const struct book *b);

/* False: no day is known, or the relationship runs. `messages` may be NULL. */
bool retention_of(const struct book *b, const struct retention_words *words, const struct view *v,
                  const struct pstate *messages, zone_id zone, const struct retention_rules *rules,
                  struct retention *out);

#endif
