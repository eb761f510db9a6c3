/* itemset: frequent itemsets of baskets: all, closed or maximal, with exact supports.
 *
 * A basket is a set of items (numbers below 2^32 − 1); an item written twice in a basket counts once. The support of a
 * set is the number of baskets that hold all of it. A set is closed when no larger set has the same support, maximal
 * when no larger set is frequent.
 *
 * Method: depth-first projection. Items are ranked from rare to frequent; the projection of a set keeps, of the baskets
 * that hold it, the frequent items of higher rank, renumbered. Baskets left with fewer than two items are dropped; once
 * 64 or fewer are left, each item becomes one 64-bit mask and a child is one AND and one population count. Items
 * present in the whole projection are not recursed on: each doubles the number of sets (perfect extension). Closed and
 * maximal sets use the prefix-preserving closure extension of Uno, Kiyomi & Arimura (LCM, FIMI 2004), for which
 * projections keep whole baskets. The first level is shared out over threads; each first item has its own place in the
 * result, so the order does not depend on them.
 *
 * Limits: ITEMSET_FILE_MAX bytes of text, ITEMSET_ITEM_MAX as item number, `limit` sets, ITEMSET_DEPTH_MAX items in a
 * closed set's chain of extensions. Going past one is an error (ERR_LIMIT) that says what to change. */
#ifndef RELANCE_FOLD_ITEMSET_H
#define RELANCE_FOLD_ITEMSET_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define ITEMSET_FILE_MAX      ((uint64_t)4000 << 20) /* bytes: positions are 32 bits */
#define ITEMSET_ITEM_MAX      4294967294u
#define ITEMSET_LIMIT_DEFAULT ((uint64_t)100000000)
enum { ITEMSET_DEPTH_MAX = 2048 };

struct itemset_baskets; /* read-only once made */

/* Text: one basket a line, items separated by spaces, tabs or commas; empty lines are skipped. Errors name the line. */
struct itemset_baskets *itemset_parse(const char *text, size_t bytes, int threads, struct err *err) MUST_CHECK;

/* Basket b is items[start[b]] … items[start[b + 1] − 1]. Copies. */
struct itemset_baskets *itemset_from_rows(const uint64_t *start, const uint32_t *items, size_t baskets,
                                          struct err *err) MUST_CHECK;
void itemset_free(struct itemset_baskets *b);
uint64_t itemset_basket_count(const struct itemset_baskets *b); /* empty ones left out */
uint64_t itemset_item_count(const struct itemset_baskets *b);   /* distinct items */

enum itemset_kind { ITEMSET_ALL, ITEMSET_CLOSED, ITEMSET_MAXIMAL };

struct itemset_options {
	uint32_t support; /* at least 1 */
	enum itemset_kind kind;
	uint32_t size_max; /* 0: any; only with ITEMSET_ALL */
	uint64_t limit;    /* sets; 0: ITEMSET_LIMIT_DEFAULT */
	int threads;       /* 0: all processors */
	bool count_only;   /* leave `sets` empty */
};

/* Sets one after the other: n, support, n items ascending. */
struct itemset_block {
	uint32_t *words;
	size_t n, cap;
};

struct itemset_result {
	uint64_t count;
	struct itemset_block *blocks; /* in order; empty when count_only */
	size_t block_count;
};

bool itemset_mine(struct itemset_baskets *b, const struct itemset_options *o, struct itemset_result *out,
                  struct err *err) MUST_CHECK;
void itemset_result_release(struct itemset_result *r);

/* for (struct itemset s = { 0 }; itemset_next(r, &s);) … s.items[0 … s.n − 1], s.support */
struct itemset {
	const uint32_t *items;
	uint32_t n, support;
	size_t block, at;
};
bool itemset_next(const struct itemset_result *r, struct itemset *s);

#endif
