/* duplicates: records that look like one person (PRODUCT M1.2): the same e-mail or phone, as look-ups normalise them
 * (store/address.c), or the same name at the same postcode, whatever the case and accents.
 *
 * One pass over the persons and three sorts of hashes: seconds for a million. An address that more than
 * DUPLICATE_SHARED_MAX records have is a switchboard or an info@: told once, never proposed. Two who were said to be
 * two people are not proposed again, nor are those who are one already. */
#ifndef RELANCE_APP_DUPLICATES_H
#define RELANCE_APP_DUPLICATES_H

#include "store/merge.h"

enum { DUPLICATE_SHARED_MAX = 8 };

enum duplicate_why { DUPLICATE_EMAIL = 1, DUPLICATE_PHONE = 2, DUPLICATE_NAME = 4 /* and postcode */ };

/* How sure: two signs agree; an address alone; a name alone, or an address under two different names. */
enum duplicate_sure { DUPLICATE_LOW, DUPLICATE_MEDIUM, DUPLICATE_HIGH };
const char *duplicate_sure_name(enum duplicate_sure s); /* "low" … */

struct duplicate {
	customer_id one, other; /* the older record first: it would stay */
	uint8_t why;            /* enum duplicate_why, or-ed */
	uint8_t sure;
};

struct duplicate_shared {
	enum duplicate_why why; /* EMAIL, PHONE, NAME */
	uint32_t records;
	customer_id first;
};

struct duplicates {
	struct duplicate *items; /* the surest first, then by number */
	struct duplicate_shared *shared;
	size_t count, shared_count, cap, shared_cap;
};

bool duplicates_find(struct db *db, const struct shop *shop, struct duplicates *out, struct err *err) MUST_CHECK;
void duplicates_release(struct duplicates *d);

/* The three words of a reason: "e-mail", "phone", "name and postcode", joined. */
void duplicate_why_text(uint8_t why, bool french, struct buf *out);

#endif
