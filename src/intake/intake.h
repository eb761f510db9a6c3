/* intake: bytes of a till, a spreadsheet, Shopify, WooCommerce or PrestaShop → documents, one by one, into a sink.
 *
 * Pure over the bytes it is given (an fd is read by the caller through intake_feed); memory is flat whatever the size of the
 * file. A row that cannot be read goes to the reject function with its line, column and reason; the rest goes in.
 * Rows of one order that stand apart in the file still make one order when they are within the same import: the sink
 * merges by key. */
#ifndef RELANCE_INTAKE_INTAKE_H
#define RELANCE_INTAKE_INTAKE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/model.h"

enum intake_kind { INTAKE_GUESS, INTAKE_ORDERS, INTAKE_CUSTOMERS, INTAKE_PRODUCTS, INTAKE_CARTS, INTAKE_CONSENTS, INTAKE_EVENTS };

enum { INTAKE_FIELD_MAX = 1 << 20, INTAKE_ROW_MAX = 4 << 20, INTAKE_COLUMNS_MAX = 512 };

/* One line of an order or cart as the file says it; strings live until the callback returns. */
struct intake_line {
	struct str document;     /* order or cart number */
	struct str customer;     /* external reference; empty: guest */
	struct instant at;
	struct str sku, product_name;
	int64_t quantity;        /* signed */
	struct money amount;     /* of the whole line, signed as the quantity */
	bool is_return;
	int sale_channel;        /* enum sale_channel */
	struct str voucher;
	struct str category;
	struct str email;        /* Shopify, WooCommerce: identifies the customer when there is no number */
	int cart_state;          /* enum cart_state, −1 for orders */
	struct str url;
	uint64_t row;            /* line number in the file, from 1 */
};

struct intake_customer {
	struct str ref, civility, first_name, last_name, company, email, phone;
	struct str address1, address2, postcode, city, country, zone, locale, store, tags, interests, children, attributes;
	struct date born;
	struct instant created;
	char gender;
	bool is_company;
	int email_consent, sms_consent, post_consent; /* −1 not said, 0 no, 1 yes, 2 soft */
	struct instant consent_at;
	uint64_t row;
};

struct intake_product {
	struct str sku, name, type, family, category, brand, replaced_by, url, image, attributes;
	int64_t price, cost;
	int32_t vat_x2, stock, lifetime_days, tier;
	bool not_a_product;
	uint64_t row;
};

struct intake_consent {
	struct str customer, email, source, wording;
	int channel, purpose, state; /* model.h enums */
	struct instant at;
	uint64_t row;
};

struct intake_event {
	struct str customer, email, name, text;
	int64_t value;
	struct instant at;
	uint64_t row;
};

/* What the reader hands over. A callback returns false to stop (err filled). */
struct intake_sink {
	void *ctx;
	bool (*line)(void *ctx, const struct intake_line *l, struct err *err);
	bool (*customer)(void *ctx, const struct intake_customer *c, struct err *err);
	bool (*product)(void *ctx, const struct intake_product *p, struct err *err);
	bool (*consent)(void *ctx, const struct intake_consent *c, struct err *err);
	bool (*event)(void *ctx, const struct intake_event *e, struct err *err);
	/* raw: the row's bytes as read; column from 1, 0 = the whole row */
	bool (*reject)(void *ctx, uint64_t row, uint32_t column, struct str column_name, struct str reason, struct str raw,
	               struct err *err);
};

#endif
