/* number: the numbers of tills and spreadsheets as exact decimals: "1 234,50", "1,234.50", "-3,00 €", "(12.50)", "12-",
 * "£4".
 *
 * `mark` is the decimal mark of the file ('.' or ',', 0 = unknown); the other one is then grouping and must stand
 * before exactly three digits. Where both appear, the last is the decimal mark whatever was said. Limits: 18 digits in
 * all. */
#ifndef RELANCE_INTAKE_NUMBER_H
#define RELANCE_INTAKE_NUMBER_H

#include "base/check.h"
#include "base/str.h"

enum { NUMBER_DIGITS_MAX = 18 };

struct decimal {
	int64_t digits; /* value = digits ÷ 10^scale */
	int scale;
};

/* 10^n, n from 0 to NUMBER_DIGITS_MAX. */
int64_t number_pow10(int n);

bool number_parse(struct str text, char mark, struct decimal *out) MUST_CHECK;

/* All of it a whole number ("2", "2.0", "2,00"); false otherwise. */
bool number_whole(struct decimal d, int64_t *out) MUST_CHECK;

/* d × times in units of 10^-exponent, rounded half away from zero; false on overflow. */
bool number_scaled(struct decimal d, int64_t times, int exponent, int64_t *out) MUST_CHECK;

/* +1: only a decimal comma explains this text, −1: only a decimal point, 0: either or not a number. */
int number_mark_evidence(struct str text);

#endif
