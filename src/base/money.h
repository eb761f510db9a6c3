/* money: integer minor units (cents) in the shop's one currency; checked arithmetic, rounding said where it happens.
 *
 * A shop keeps its books in one currency; the number of decimals (`exponent`) is ISO 4217's (EUR 2, JPY 0, TND 3). */
#ifndef RELANCE_BASE_MONEY_H
#define RELANCE_BASE_MONEY_H

#include "base/str.h"

struct money {
	int64_t minor;
};

struct currency {
	char code[4];
	int exponent;
};

bool currency_find(struct str code, struct currency *out) __attribute__((warn_unused_result));

/* "€", "£", "$" where a sign is known by all, else the code itself, which `currency` holds. */
const char *currency_sign(const struct currency *currency);

/* False on overflow, *out untouched. */
bool money_add(struct money a, struct money b, struct money *out) __attribute__((warn_unused_result));
bool money_sub(struct money a, struct money b, struct money *out) __attribute__((warn_unused_result));
bool money_times(struct money a, int64_t n, struct money *out) __attribute__((warn_unused_result));

/* a × numerator ÷ denominator, rounded half away from zero: percentages, shares. False on overflow or denominator 0. */
bool money_share(struct money a, int64_t numerator, int64_t denominator, struct money *out)
	__attribute__((warn_unused_result));

/* Reads "1234.5", "1 234,50", "1.234,50", "1,234.50", "-3,00 €", "EUR 12": what tills and spreadsheets write. `decimal`
 * is the decimal mark, '.' or ',', or 0 when unknown (then: the last mark, unless it stands before exactly three digits
 * and appears more than once or alone with exponent < 3 is ambiguous, read as grouping only when repeated). More
 * decimals than the currency has are rounded half away from zero. False when it is not a number or overflows. */
bool money_parse(struct str text, struct currency currency, char decimal, struct money *out)
	__attribute__((warn_unused_result));

/* Plain "1234.50" (for JSON, CSV): out holds at least 32 bytes. Returns out. */
char *money_plain(struct money m, struct currency currency, char *out);

#endif
