/* build: fills a whole new database in one go, block by block, customers in ascending order: for generators. Nothing is
 * looked up and nothing merged, so it writes several times what a batch does; what lies in the tables afterwards is
 * what a batch would have left.
 *
 * An SQLite database is built under ADDRESS.building, without journal, and gets its name when it is whole: a failure or
 * a kill leaves nothing under ADDRESS. On PostgreSQL everything is one transaction; after a failure the empty shop
 * stays.
 *
 * The address key of the shop is given, not drawn, so that the same input makes the same rows. That is fit for invented
 * people only. Memory: one block, and 24 bytes of temporary file per document and address ($TMPDIR or /tmp). */
#ifndef RELANCE_STORE_BUILD_H
#define RELANCE_STORE_BUILD_H

#include "store/store.h"

struct build_customer {
	struct str ref;
	struct instant created;
	struct person person;
	uint64_t email_hash, phone_hash; /* store_address_hash of person.email and .phone */
};

struct build_block {
	customer_id first; /* the one after the last of the block before; the first block's is 1 */
	const struct build_customer *customers;
	size_t customer_count;
	const struct fact *facts; /* by customer; seq is given here, in this order; learned_at is set by the caller */
	size_t fact_count;
};

struct build_price {
	product_id product;
	struct instant at;
	int64_t price;
};

struct store_build;

/* Makes the shop (store_init) with this address key. Refuses a database that holds one, or a file that is there. */
struct store_build *store_build_begin(const char *address, const struct shop *shop, const uint64_t key[2],
                                      struct err *err) MUST_CHECK;
const struct shop *store_build_shop(const struct store_build *b);

/* The whole catalogue, ids 1 … count, and its prices by (product, at); once, before the first block. */
bool store_build_products(struct store_build *b, const struct product_row *rows, size_t count,
                          const struct build_price *prices, size_t price_count, struct err *err) MUST_CHECK;
/* From any thread, one at a time. Documents (orders, carts) must have keys of their own in the whole shop. */
bool store_build_block(struct store_build *b, const struct build_block *k, struct err *err) MUST_CHECK;

/* Writes what is kept sorted (documents, addresses), the indexes, and puts the database in place. Frees b, also on
 * failure. facts (may be NULL): how many were written. */
bool store_build_commit(struct store_build *b, int threads, int64_t *facts, struct err *err) MUST_CHECK;
void store_build_abandon(struct store_build *b); /* frees b; nothing is left of an SQLite database */

#endif
