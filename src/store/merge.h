/* merge: two records that are one person (PRODUCT M1.2).
 *
 * A merge is a fact about the record that goes, naming the one that stays; its retraction un-merges. Facts, runs and
 * messages stay under the record they came to: whoever folds a person gathers those of all records that lead to them
 * (app/together.h), so that un-merging gives everything back. customer.merged_into is what the facts say, kept flat for
 * look-ups: it always names the one at the end.
 *
 * That two records are two people is a fact as well (FACT_DISTINCT), about the lower number. */
#ifndef RELANCE_STORE_MERGE_H
#define RELANCE_STORE_MERGE_H

#include "base/intern.h"
#include "store/store.h"

/* The merges that hold, in the order they were learned: whoever was merged away has nothing merged into them later. */
struct merge_edge {
	customer_id from, into;
	struct instant at;
	int64_t seq;
};

struct merges {
	struct merge_edge *items;
	size_t count, cap;
	struct idmap places; /* from → place in items */
};

void merges_release(struct merges *m);

/* All that hold by the facts learned before `known` (INSTANT_NEVER: all). */
bool merges_read(struct db *db, struct instant known, struct merges *out, struct err *err) MUST_CHECK;
/* Those of one survivor. */
bool merges_read_of(struct db *db, customer_id survivor, struct merges *out, struct err *err) MUST_CHECK;

/* One more fact, in order of seq: *changed when it is a merge, or takes one back. */
bool merges_take(struct merges *m, const struct fact *f, bool *changed, struct err *err) MUST_CHECK;

/* The one who goes on for c: c itself when it was not merged. */
customer_id merges_root(const struct merges *m, customer_id c);

/* Whether c is one person with another record. */
bool merges_joined(const struct merges *m, customer_id c);

/* Those who lead to the survivor, in the order in which they fill what it leaves open: appended to a grown array. */
void merges_members(const struct merges *m, customer_id survivor, customer_id **list, size_t *count, size_t *cap);

/* Writes, in the caller's batch: the fact, what look-ups follow, the line of the audit log. Refused (ERR_INPUT) when
 * either is not there, erased, or merged away already. */
bool store_merge(struct store_batch *b, customer_id survivor, customer_id other, struct instant now, const char *actor,
                 struct err *err) MUST_CHECK;
/* *survivor: whose it was. Refused when `other` was not merged. */
bool store_unmerge(struct store_batch *b, customer_id other, struct instant now, const char *actor,
                   customer_id *survivor, struct err *err) MUST_CHECK;
/* Two who are not the same, or (`distinct` false) may be after all. */
bool store_distinct(struct store_batch *b, customer_id one, customer_id other, bool distinct, struct instant now,
                    const char *actor, struct err *err) MUST_CHECK;

/* The pairs said to be two people; hash: merge_pair(). The set is the caller's. */
uint64_t merge_pair(customer_id one, customer_id other);
bool store_distincts(struct db *db, struct idmap *out, struct err *err) MUST_CHECK;

/* The record itself by the shop's number or "#N", merged away or not; else as store_find_customer. */
bool store_find_record(struct db *db, const struct shop *shop, struct str who, customer_id *out,
                       struct err *err) MUST_CHECK;
/* *into: whom it was merged into, 0: it stands by itself. */
bool store_record(struct db *db, customer_id c, customer_id *into, bool *erased, struct err *err) MUST_CHECK;

/* c and, after it, all records that lead to it; in the arena. */
bool store_records(struct db *db, customer_id c, struct arena *a, customer_id **list, size_t *count,
                   struct err *err) MUST_CHECK;

#endif
