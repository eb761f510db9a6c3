/* returned: what a returned mail, a complaint or an automatic reply does to the shop: the message it is about is found,
 * the receipt written, a dead or complaining address suppressed.
 *
 * The message is found by its signed return path (channel/token.h), else by the Message-ID of the mail that came back,
 * else as the newest mail that left for the recipient. hard: receipt hard_bounce, the address is suppressed; complaint:
 * the same with complaint; soft: receipt soft_bounce, nothing is suppressed; vacation and unknown: nothing. A mail read
 * twice writes nothing the second time. Only a signed return path is proof; the others trust who delivers the mail to
 * us. */
#ifndef RELANCE_APP_RETURNED_H
#define RELANCE_APP_RETURNED_H

#include "channel/bounce.h"
#include "store/outbox.h"

enum returned_by { RETURNED_NOT_FOUND, RETURNED_BY_PATH, RETURNED_BY_ID, RETURNED_BY_RECIPIENT };
const char *returned_by_name(enum returned_by by); /* "path"; NULL: not found */

struct returned {
	struct bounce bounce;
	enum returned_by by;
	struct message_key message; /* customer 0: none */
	bool receipt, suppressed;   /* written now; false when it was known, or is nothing to write */
};

struct returned_list {
	struct returned list[BOUNCE_RECIPIENTS_MAX];
	size_t count;
};

/* The parts of it, for what others tell of returned mails (provider.h): the message by its Message-ID, else the newest
 * that left for the recipient; what a verdict does (at: when it happened, now: when it is learned, which is since when
 * the address is known as one not to be written to); one receipt, unless it is known. The last two inside a batch. */
bool returned_find(struct db *db, const struct shop *shop, struct str message_id, struct str recipient, struct arena *a,
                   struct returned *r, struct err *err) MUST_CHECK;
bool returned_write(struct store_batch *b, const struct shop *shop, struct returned *r, struct instant at,
                    struct instant now, struct arena *a, struct err *err) MUST_CHECK;
bool returned_receipt(struct store_batch *b, struct returned *r, enum receipt receipt, struct instant now,
                      struct arena *a, struct err *err) MUST_CHECK;

/* One mail, one transaction of its own. to: the envelope's recipient when the caller knows it, else empty (the mail's
 * own To is taken). Strings in the arena, or pointing into mail. */
bool returned_take(struct db *db, const struct shop *shop, struct str mail, struct str to, struct instant now,
                   struct arena *a, struct returned_list *out, struct err *err) MUST_CHECK;

#endif
