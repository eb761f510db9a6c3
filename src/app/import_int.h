/* import, inside: one struct over three files. import.c reads the file and keeps the books of the import,
 * import_orders.c gathers documents, import_people.c does persons, profiles, consents, events, products. */
#ifndef RELANCE_APP_IMPORT_INT_H
#define RELANCE_APP_IMPORT_INT_H

#include "app/import.h"

#include "intake/map.h"

#include "base/intern.h"

#include <stdio.h>

struct gathered_line {
	product_id product;
	int32_t quantity;
	int64_t amount;
	uint32_t next; /* + 1; 0: the last */
};

/* What an order says beside its lines; each may be empty. */
struct order_words {
	struct str voucher, url, store, seller;
};

/* A document being gathered; its number is that of its key in `keys`. */
struct document {
	customer_id customer;
	uint32_t first, last, count; /* lines: first and last + 1 */
	int64_t at, total;
	int8_t sale_channel, cart_state;
	bool cancelled, total_known, positive;
	struct order_words words; /* in import.text */
};

/* What is told of one line once customer and article have numbers; also the form in the temporary files. */
struct part_line {
	customer_id customer;
	product_id product;
	int32_t quantity;
	int64_t amount, at, total;
	int8_t sale_channel, cart_state;
	bool cancelled, total_known, no_line;
	uint8_t voucher_n, store_n, seller_n;
	uint16_t key_n, url_n;
};

enum seen { SEEN_FILE = 1, SEEN_NEW = 2, SEEN_NAMED = 4, SEEN_SOLD = 8, SEEN_PROFILE = 16, SEEN_NONE = 32 };

struct import {
	struct db *db;
	const struct shop *shop;
	const struct import_options *o;
	struct import_result *r;
	struct intake_report report;
	struct store_batch *batch;
	struct store_ids *ids;
	struct arena scratch;
	struct buf body, key, fact_key; /* key: of the line in hand; fact_key: import_key() */
	char source[48];
	struct instant who_at;     /* date of the row in hand: a person met in an order is known since then */
	uint32_t customers_before; /* ids up to here existed before */
	/* documents */
	struct intern keys;
	struct document *documents;
	size_t document_cap;
	struct gathered_line *lines;
	size_t line_count, line_cap, lines_max;
	struct arena text;
	FILE *parts[IMPORT_PARTS];
	bool spilled;
	uint32_t last_document; /* + 1 */
	struct idmap complete;  /* hashes of document keys, with --complete */
	int64_t at_min, at_max;
	/* people and articles */
	uint8_t *customer_seen, *product_seen; /* enum seen, by id */
	size_t customer_seen_cap, product_seen_cap;
	struct idmap emails; /* address hash → customer */
	customer_id *email_customers;
	size_t email_cap;
	struct idmap soft; /* customer → earliest purchase with an e-mail */
	int64_t *soft_at;
	size_t soft_cap;
	struct idmap facts_seen; /* hash of customer, kind, key written or compared in this import */
	char last_sku[64];
	size_t last_sku_n;
	product_id last_product;
	/* rejects */
	FILE *rejects;
	struct buf reject_row;
};

void import_documents_init(struct import *m);
void import_documents_release(struct import *m);
bool import_line(void *ctx, const struct intake_line *l, struct err *err);
bool import_documents_end(struct import *m, struct err *err) MUST_CHECK; /* writes what was gathered */
bool import_documents_complete(struct import *m, struct err *err) MUST_CHECK;

bool import_customer(void *ctx, const struct intake_customer *c, struct err *err);
bool import_product(void *ctx, const struct intake_product *p, struct err *err);
bool import_consent(void *ctx, const struct intake_consent *c, struct err *err);
bool import_event(void *ctx, const struct intake_event *e, struct err *err);
bool import_people_end(struct import *m, struct err *err) MUST_CHECK;
bool import_not_products(struct import *m, struct err *err) MUST_CHECK;

/* Who a row speaks of: by number, else by e-mail; made when unknown. */
bool import_who(struct import *m, struct str ref, struct str email, customer_id *out, bool *created,
                struct err *err) MUST_CHECK;
/* The article of a line: made, and named, when unknown. */
bool import_article(struct import *m, struct str sku, struct str name, struct str category, bool sold, product_id *out,
                    struct err *err) MUST_CHECK;
bool import_consent_fact(struct import *m, customer_id c, int channel, int purpose, int state, struct instant at,
                         struct str source, struct str wording, struct err *err) MUST_CHECK;
/* A fact goes out, or into quarantine; counted. */
bool import_fact(struct import *m, struct fact *f, struct err *err) MUST_CHECK;
bool import_retract(struct import *m, customer_id c, struct str key, const char *kind, struct err *err) MUST_CHECK;
struct str import_key(struct import *m, const char *fmt, ...)
	PRINTF_LIKE(2, 3); /* SOURCE:…; lives until the next call */
void import_reject(struct import *m, uint64_t row, const char *reason);

#endif
