/* arrival: what was told by the hundred, kept before it is among the facts.
 *
 * A fact costs a page of two b-trees wherever its customer lies; a batch of them as one row at the end of one table
 * costs next to nothing. So what comes in numbers is read and checked, kept whole as one row (arrivals_put), answered,
 * and brought into the facts right behind, in order of arrival, many batches in one transaction that also deletes them
 * (arrivals_apply): nothing is lost and nothing comes twice, wherever a program dies. A fact's seq is given at that
 * time, under the lock of the shard; learned_at is the instant at which it was told.
 *
 * The body of a row: "1," (the form's number), then fact by fact its fields in fixed order, a number as "12,", a text
 * as "3:abc". Texts are UTF-8 without NUL. A fact names its customer by reference only.
 *
 * Whoever opens a shop to read or change it goes through shop_open: what waits is applied first. Only one program has
 * arrivals made (the holder of the lease); any may apply them. */
#ifndef RELANCE_APP_ARRIVAL_H
#define RELANCE_APP_ARRIVAL_H

#include "app/incoming.h"

/* ARRIVALS_FACTS_MAX: above it whoever takes facts says no, until some were applied. */
enum { ARRIVALS_FACTS_MAX = 5000000, ARRIVAL_SLICE_FACTS = 50000, ARRIVAL_BYTES_MAX = 64 << 20 };

/* A body: begun, then fact by fact. Look at out->full at the end. */
void arrival_begin(struct buf *out);
void arrival_add(struct buf *out, const struct incoming *in);

struct arrival {
	struct str body;
	size_t facts;
};

/* Keeps them, in one transaction. *last: the number of the last one. */
bool arrivals_put(struct db *db, const struct arrival *list, size_t count, struct instant now, int64_t *last,
                  struct err *err) MUST_CHECK;

struct arrivals {
	int64_t facts;         /* that wait */
	int64_t last;          /* number of the newest; 0: none */
	struct instant oldest; /* told then; s = 0: none */
};
bool arrivals_waiting(struct db *db, struct arrivals *out, struct err *err) MUST_CHECK;

/* Applies the oldest, up to number `upto`, in one transaction: whole rows, until they hold about `most` facts. *facts:
 * how many it were, 0: none are left up to there; *last: the number of the last one; *seq: the newest fact's, 0: none
 * was new. With none left, *last and *seq are those of the last that somebody applied. Numbers grow for as long as the
 * shop lives. ids as for store_batch_begin. */
struct applied {
	int64_t facts, last, seq;
	struct instant at; /* when the last of them were told */
};
bool arrivals_apply(struct db *db, struct store_ids *ids, int64_t upto, int64_t most, struct applied *out,
                    struct err *err) MUST_CHECK;

/* Applies what waits now; cheap when nothing does. */
bool arrivals_settle(struct db *db, struct err *err) MUST_CHECK;

/* store_open, and what waits is applied; when the shop is opened read-only by a handle of its own. Where it may not
 * write, stderr says how many facts are missing. */
struct db *shop_open(const char *address, bool read_only, struct shop *out, struct err *err) MUST_CHECK;

/* Reads every body that waits: *bad is the number of the first one that cannot be read, 0: none. For relance check. */
bool arrivals_check(struct db *db, int64_t *bad, struct err *err) MUST_CHECK;

#endif
