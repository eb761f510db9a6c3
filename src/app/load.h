/* load: a shop's database → the world the engine and the figures work on: book, catalogue, settings.
 *
 * Facts are read customer by customer in ranges of whole chunks, one database handle a thread. */
#ifndef RELANCE_APP_LOAD_H
#define RELANCE_APP_LOAD_H

#include "book/book.h"
#include "engine/settings.h"
#include "store/merge.h"
#include "store/store.h"

struct load_options {
	bool read_only;
	struct instant known; /* only facts learned before; INSTANT_NEVER: all */
	int threads;          /* ≤ 0: all processors */
	bool no_facts;        /* an empty book */
	bool one;             /* only the facts of customer `only` and the shop's own */
	customer_id only;
};

struct shop_world {
	struct db *db;
	struct shop shop;
	struct book *book;
	struct settings settings;
	uint32_t customers;
	int64_t seq_hi;
	struct merges merges;              /* records that are one person: folded together in the book */
	struct thresholds thresholds;      /* last frozen; day unknown: never */
	int64_t changes[STORE_PART_COUNT]; /* when it was loaded */
};

bool load_shop(const char *address, const struct load_options *o, struct shop_world *out, struct err *err) MUST_CHECK;
void load_release(struct shop_world *w);

/* The catalogue of the database takes the place of the book's. */
bool load_catalogue(struct db *db, struct book *book, struct err *err) MUST_CHECK;

/* The body of a FACT_THRESHOLD. */
bool load_thresholds(struct str body, struct thresholds *out) MUST_CHECK;

#endif
