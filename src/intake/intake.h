/* intake: bytes of a till, a spreadsheet, Shopify, WooCommerce, PrestaShop or Magento → rows of ours, one by one, into
 * a sink.
 *
 * Pure over the bytes it is given (the caller reads the file, through intake_read_fn); memory is flat whatever the size
 * of the file. CSV or JSON (an array, an object around one, or one value a line) is told by the first byte. A row that
 * cannot be read goes to the reject function with its line, column and reason; the rest goes in. Rows of one order that
 * stand apart in the file still make one order when they are within the same import: the sink merges by key. */
#ifndef RELANCE_INTAKE_INTAKE_H
#define RELANCE_INTAKE_INTAKE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/model.h"

enum intake_kind {
	INTAKE_GUESS,
	INTAKE_ORDERS,
	INTAKE_CUSTOMERS,
	INTAKE_PRODUCTS,
	INTAKE_CARTS,
	INTAKE_CONSENTS,
	INTAKE_EVENTS
};

enum intake_charset { INTAKE_CHARSET_GUESS, INTAKE_UTF8, INTAKE_1252 };

/* Fills p with up to cap bytes; *n = 0 at the end of the input. False: reading failed. */
typedef bool (*intake_read_fn)(void *ctx, char *p, size_t cap, size_t *n, struct err *err);

enum { INTAKE_FIELD_MAX = 1 << 20, INTAKE_ROW_MAX = 4 << 20, INTAKE_COLUMNS_MAX = 512 };

/* One line of an order or cart as the file says it; strings live until the callback returns. */
struct intake_line {
	struct str document; /* order or cart number */
	struct str customer; /* external reference; empty: guest */
	struct instant at;
	struct str sku, product_name; /* sku empty: the file names no article */
	int64_t quantity;             /* signed; a weight of 0.350 counts as 1 */
	struct money amount;          /* of the whole line, signed as the quantity */
	bool is_return;               /* quantity < 0 */
	bool cancelled;               /* the document does not count (cancelled, failed, awaiting payment): no sale */
	bool derived;                 /* made from an order's refund total: no row of the file, no article */
	bool total_known;   /* the file says what the whole document came to: shipping, discounts and taxes are the */
	struct money total; /* difference from its lines */
	int sale_channel;   /* enum sale_channel */
	struct str voucher;
	struct str store, seller; /* where it was sold, and by whom */
	struct str category;
	struct str email;  /* Shopify, WooCommerce: identifies the customer when there is no number */
	int email_consent; /* −1 not said, 0 no, 1 yes */
	int cart_state;    /* enum cart_state, −1 for orders */
	struct str url;
	uint64_t row; /* line number in the file, from 1 */
};

struct intake_customer {
	struct str ref, civility, first_name, last_name, company, email, phone;
	struct str address1, address2, postcode, city, country, zone, locale, store, sector, tags, interests, children,
		attributes;
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
	struct str marks; /* columns hidden, excluded, consumable, months, collection: a JSON object of those said */
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

/* ---- running ---- */

struct intake_map; /* map.h */

struct intake_options {
	enum intake_kind as;          /* INTAKE_GUESS: from the columns */
	zone_id zone;                 /* of dates without one */
	enum locale locale;           /* fr: 01/12/2010 is 1 December unless the file says otherwise */
	struct currency currency;     /* a row in another one is refused */
	const struct intake_map *map; /* may be NULL */
	bool month_first;             /* said by the caller after ERR_CONFLICT (see intake_run) */
};

struct intake_report {
	enum intake_kind kind;
	char platform[32]; /* "shopify", "csv", …: the default source; known before the first row is handed over */
	bool json;
	bool month_first, month_first_known; /* how 01/12/2010 was read; known: the file or the map said so */
	bool dates_ambiguous;                /* there were dates that read both ways */
	uint64_t rows, accepted,
		rejected;             /* rows = accepted + rejected; a row of JSON is a line item or a document without */
	struct buf *template_map; /* may be NULL; filled when the columns do not suffice: a map file to edit */
};

/* Reads everything and hands it to the sink; `out` is filled as it goes. ERR_INPUT: not such a file, or columns
 * missing. ERR_CONFLICT: rows already handed over turned out to be read with day and month swapped; start again with
 * month_first. */
bool intake_run(const struct intake_options *o, intake_read_fn read, void *ctx, const struct intake_sink *sink,
                struct intake_report *out, struct err *err) MUST_CHECK;

const char *intake_kind_name(enum intake_kind k); /* "orders" */
int intake_kind_find(struct str s);               /* −1 when unknown */

#endif
