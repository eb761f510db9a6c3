/* import: a file of a till, a spreadsheet or a shop platform → facts (SEMANTICS "Facts and knowledge").
 *
 * One import is one transaction: it is wholly in or wholly out, whatever kills it; the table `import` says which. The
 * same file again adds nothing; a corrected row is a new version of its document.
 *
 * An order is one fact, keyed SOURCE:ORDER, with all its lines; a line is known by order, article and occurrence. Rows
 * of one order may stand anywhere in the file. Lines wait in memory by order; past IMPORT_LINES_MAX they go to
 * temporary files split by order, so memory stays flat whatever the size of the file (but for the numbers of customers
 * and articles, which the store keeps). */
#ifndef RELANCE_APP_IMPORT_H
#define RELANCE_APP_IMPORT_H

#include "intake/intake.h"
#include "store/store.h"

enum { IMPORT_LINES_MAX = 1 << 19, IMPORT_PARTS = 64, IMPORT_NOT_PRODUCTS_MAX = 2048 };

struct import_options {
	const char *file; /* "-": standard input */
	enum intake_kind as;
	const struct intake_map *map; /* may be NULL */
	struct str source;            /* empty: the map's, else the platform's */
	struct str consent_source;    /* empty: no grant of consent is written */
	const struct str *not_products;
	size_t not_product_count;
	bool complete, dry_run;
	struct instant now;
	size_t lines_max;                                                       /* 0: IMPORT_LINES_MAX; for tests */
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes); /* may be NULL; total 0 = unknown */
	void *ctx;
};

struct import_result {
	enum intake_kind kind;
	char source[48], platform[32];
	char rejects_file[4096]; /* empty: none */
	uint64_t rows, accepted, rejected;
	uint64_t orders;         /* documents of the file with a line of positive quantity */
	uint64_t lines, returns; /* accepted order lines; those with a negative quantity */
	uint64_t guest_lines;
	uint64_t carts, consents, events;
	uint64_t customers, products; /* distinct ones the file names; lines without an article do not count */
	uint64_t new_customers, new_products;
	uint64_t facts;             /* written */
	uint64_t corrected;         /* of these, new versions of documents known already */
	uint64_t unchanged;         /* documents, profiles, consents, events known already as they are */
	uint64_t retracted;         /* gone from a --complete export, cancelled, or moved to another customer */
	uint64_t cancelled;         /* documents that are no sale */
	uint64_t quarantined;       /* dated more than a day ahead */
	uint64_t erased;            /* told of people who were erased: not kept */
	uint64_t consents_withheld; /* for want of --consent-source */
	uint64_t unknown_zones;
	bool month_first, dates_ambiguous; /* how 01/12/2010 was read, where it mattered */
	bool interrupted_before;
	double seconds;
	struct buf *template_map; /* given by the caller, may be NULL */
};

bool import_run(struct db *db, const struct shop *shop, const struct import_options *o, struct import_result *out,
                struct err *err) MUST_CHECK;

#endif
