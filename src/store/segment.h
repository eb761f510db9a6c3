/* segment: saved conditions by name, and the customers there are. */
#ifndef RELANCE_STORE_SEGMENT_H
#define RELANCE_STORE_SEGMENT_H

#include "store/store.h"

enum { SEGMENT_NAME_MAX = 80 };

/* Everybody who is neither merged into another nor erased, in id order. */
typedef bool (*store_customer_fn)(void *ctx, customer_id id, struct str ref, struct err *err);
bool store_customers(struct db *db, store_customer_fn fn, void *ctx, struct err *err) MUST_CHECK;

/* Saves or replaces, in its own transaction. A name is 1 … SEGMENT_NAME_MAX bytes of UTF-8 without control characters.
 */
bool store_segment_put(struct db *db, struct str name, struct str text, struct instant now, struct err *err) MUST_CHECK;

/* Forgets one, in its own transaction; *found says whether there was one. */
bool store_segment_delete(struct db *db, struct str name, bool *found, struct err *err) MUST_CHECK;

/* All of them, by name; strings live until the callback returns. */
typedef bool (*store_segment_fn)(void *ctx, struct str name, struct str text, struct err *err);
bool store_segments(struct db *db, store_segment_fn fn, void *ctx, struct err *err) MUST_CHECK;

#endif
