/* sales: where `relance value` gets its orders: an iterator of (customer key, civil date, amount), whatever is behind
 * it.
 *
 * next() gives one sale and returns SALE_MORE, SALE_END at the end, SALE_FAILED with err filled. The key is valid until
 * the next call. A source counts the rows it could not use and keeps the first reason. */
#ifndef RELANCE_CLI_SALES_H
#define RELANCE_CLI_SALES_H

#include "base/err.h"
#include "base/zone.h"

enum sale_next { SALE_MORE, SALE_END, SALE_FAILED };

struct sale {
	struct str customer;
	struct date date;
	int64_t minor;      /* net amount of the row; negative = return */
	struct str product; /* empty when the source has none */
};

struct sale_source {
	enum sale_next (*next)(struct sale_source *s, struct sale *out, struct err *err);
	void (*close)(struct sale_source *s);
	int exponent; /* decimals of the amounts */
	size_t rejected;
	char first_reason[256]; /* "line 8: …", empty when none was rejected */
	void *state;
};

/* A CSV of customer, date, amount (columns found by their heads, else in this order), or the CDNOW sample's layout
 * (customer in full, sample id, yyyymmdd, quantity, dollars; or without the sample id). */
bool sales_open_file(const char *path, struct sale_source *out, struct err *err) MUST_CHECK;

/* A shop: FILE.db or postgresql://… */
bool value_open_shop(const char *shop, struct sale_source *out, struct err *err) MUST_CHECK;

/* The one of the two that fits the name. */
bool sales_open(const char *name, struct sale_source *out, struct err *err) MUST_CHECK;

#endif
