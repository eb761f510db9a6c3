/* batch: the insides of struct store_batch. Private to src/store. */
#ifndef RELANCE_STORE_BATCH_H
#define RELANCE_STORE_BATCH_H

#include "store/ids.h"

enum document_state {
	DOCUMENT_UNREAD,  /* nobody looked in the table */
	DOCUMENT_NONE,    /* not in the table */
	DOCUMENT_STORED,  /* as in the table */
	DOCUMENT_CHANGED, /* a fact of this batch */
	DOCUMENT_GONE,    /* retracted by this batch */
};

struct batch_document {
	int64_t hash, seq;
	customer_id customer;
	enum fact_kind kind;
	enum document_state state;
	bool in_table;
};

struct batch_person {
	customer_id customer;
	struct person p;
};

struct batch_product {
	product_id product;
	struct product_row p;
};

struct batch_price {
	product_id product;
	int64_t price;
};

struct store_batch {
	struct db *db;
	struct store_ids *ids;
	struct instant now;
	struct arena arena;     /* facts that wait */
	struct arena row_arena; /* persons and products that wait */
	int64_t seq_hi, seq_before;
	uint32_t customers_saved, customers_before, products_saved;
	struct fact *facts;
	size_t fact_count, fact_cap;
	struct idmap waiting_map; /* customer → place in newest */
	uint32_t *newest;         /* the last fact of each that waits */
	uint32_t *before;         /* by fact: the one before of the same customer; INTERN_NONE */
	size_t newest_cap, before_cap;
	bool sorted;    /* the facts are in the table's order already */
	bool flushed;   /* something was written before the commit */
	bool wide;      /* page cache enlarged until the end */
	bool catalogue; /* products were added or changed */
	bool documents_empty;
	struct idmap document_map;
	struct batch_document *documents;
	size_t document_cap;
	struct idmap person_map, product_map; /* of ids made in this batch and not flushed */
	struct batch_person *persons;
	size_t person_cap;
	struct batch_product *products;
	size_t product_cap;
	struct batch_price *prices;
	size_t price_count, price_cap;
};

/* Writes all that waits, in the open transaction. (batch_flush.c) */
bool batch_flush(struct store_batch *b, struct err *err) MUST_CHECK;

#endif
