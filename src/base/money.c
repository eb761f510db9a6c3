#include "base/money.h"

#include <stdio.h>

/* ISO 4217: the currencies whose exponent is not 2. */
static const struct {
	char code[4];
	int exponent;
} ODD[] = {
	{ "BHD", 3 }, { "BIF", 0 }, { "CLP", 0 }, { "DJF", 0 }, { "GNF", 0 }, { "IQD", 3 }, { "ISK", 0 }, { "JOD", 3 },
	{ "JPY", 0 }, { "KMF", 0 }, { "KRW", 0 }, { "KWD", 3 }, { "LYD", 3 }, { "OMR", 3 }, { "PYG", 0 }, { "RWF", 0 },
	{ "TND", 3 }, { "UGX", 0 }, { "VND", 0 }, { "VUV", 0 }, { "XAF", 0 }, { "XOF", 0 }, { "XPF", 0 },
};

bool currency_find(struct str code, struct currency *out)
{
	if (code.n != 3)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (code.p[i] < 'A' || code.p[i] > 'Z')
			return false;
	*out = (struct currency){ .exponent = 2 };
	memcpy(out->code, code.p, 3);
	for (size_t i = 0; i < sizeof ODD / sizeof ODD[0]; i++)
		if (str_is(code, ODD[i].code))
			out->exponent = ODD[i].exponent;
	return true;
}

const char *currency_sign(const struct currency *currency)
{
	static const struct {
		const char *code, *sign;
	} SIGNS[] = { { "EUR", "€" }, { "GBP", "£" }, { "USD", "$" } };
	for (size_t i = 0; i < sizeof SIGNS / sizeof SIGNS[0]; i++)
		if (strcmp(currency->code, SIGNS[i].code) == 0)
			return SIGNS[i].sign;
	return currency->code;
}

bool money_add(struct money a, struct money b, struct money *out)
{
	return !__builtin_add_overflow(a.minor, b.minor, &out->minor);
}

bool money_sub(struct money a, struct money b, struct money *out)
{
	return !__builtin_sub_overflow(a.minor, b.minor, &out->minor);
}

bool money_times(struct money a, int64_t n, struct money *out)
{
	return !__builtin_mul_overflow(a.minor, n, &out->minor);
}

bool money_share(struct money a, int64_t numerator, int64_t denominator, struct money *out)
{
	if (denominator == 0)
		return false;
	__int128 product = (__int128)a.minor * numerator;
	__int128 d = denominator;
	if (d < 0) {
		d = -d;
		product = -product;
	}
	__int128 half = product < 0 ? -(d / 2) : d / 2;
	__int128 q = (product + half) / d;
	if (q > INT64_MAX || q < INT64_MIN)
		return false;
	out->minor = (int64_t)q;
	return true;
}

/* Skips signs of currency and spaces (ASCII, U+00A0, U+202F); returns the bytes skipped at s. */
static size_t skip_at(struct str s)
{
	if (s.n >= 3 && (memcmp(s.p, "\xE2\x82\xAC", 3) == 0 || memcmp(s.p, "\xE2\x80\xAF", 3) == 0))
		return 3; /* € and the narrow no-break space */
	if (s.n >= 2 && (memcmp(s.p, "\xC2\xA0", 2) == 0 || memcmp(s.p, "\xC2\xA3", 2) == 0))
		return 2; /* no-break space and £ */
	if (s.n >= 1 && (s.p[0] == ' ' || s.p[0] == '$' || s.p[0] == '\'' || (s.p[0] >= 'A' && s.p[0] <= 'Z')))
		return 1;
	return 0;
}

enum { MONEY_TEXT_MAX = 48 };

/* The mark that separates the decimals, or 0: `text` holds only digits and marks. */
static char decimal_mark(const char *text, size_t n)
{
	size_t dots = 0, commas = 0;
	char last = 0;
	for (size_t i = 0; i < n; i++) {
		dots += text[i] == '.';
		commas += text[i] == ',';
		if (text[i] == '.' || text[i] == ',')
			last = text[i];
	}
	if (dots && commas)
		return last;
	if (dots == 1 || commas == 1)
		return last;
	return 0; /* none, or one mark repeated: grouping */
}

bool money_parse(struct str text, struct currency currency, char decimal, struct money *out)
{
	char digits[MONEY_TEXT_MAX];
	size_t n = 0;
	bool negative = false, sign_seen = false;
	text = str_trim(text);
	if (text.n >= 2 && text.p[0] == '(' && text.p[text.n - 1] == ')') { /* accountants' negative */
		negative = sign_seen = true;
		text = (struct str){ text.p + 1, text.n - 2 };
	}
	while (text.n > 0) {
		size_t skip = skip_at(text);
		if (skip == 0) {
			char c = text.p[0];
			skip = 1;
			if (text.n >= 3 && memcmp(text.p, "\xE2\x88\x92", 3) == 0) { /* U+2212 minus */
				c = '-';
				skip = 3;
			}
			if (c == '-' || c == '+') {
				if (sign_seen || n > 0)
					return false;
				sign_seen = true;
				negative = c == '-';
			} else if ((c >= '0' && c <= '9') || c == '.' || c == ',') {
				if (n == sizeof digits)
					return false;
				digits[n++] = c;
			} else {
				return false;
			}
		}
		text.p += skip;
		text.n -= skip;
	}
	if (decimal == 0)
		decimal = decimal_mark(digits, n);
	int64_t v = 0;
	int decimals = -1, round = 0;
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		char c = digits[i];
		if (c == decimal) {
			if (decimals >= 0)
				return false;
			decimals = 0;
			continue;
		}
		if (c == '.' || c == ',') {
			if (decimals >= 0)
				return false;
			continue; /* grouping */
		}
		any = true;
		if (decimals >= currency.exponent) {
			if (decimals == currency.exponent)
				round = c >= '5';
			decimals++;
			continue;
		}
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, c - '0', &v))
			return false;
		if (decimals >= 0)
			decimals++;
	}
	if (!any)
		return false;
	for (int d = decimals < 0 ? 0 : decimals; d < currency.exponent; d++)
		if (__builtin_mul_overflow(v, 10, &v))
			return false;
	if (__builtin_add_overflow(v, round, &v))
		return false;
	out->minor = negative ? -v : v;
	return true;
}

char *money_plain(struct money m, struct currency currency, char *out)
{
	uint64_t u = m.minor < 0 ? 0 - (uint64_t)m.minor : (uint64_t)m.minor;
	uint64_t unit = 1;
	for (int i = 0; i < currency.exponent; i++)
		unit *= 10;
	const char *sign = m.minor < 0 ? "-" : "";
	if (currency.exponent == 0)
		snprintf(out, 32, "%s%llu", sign, (unsigned long long)u);
	else
		snprintf(out, 32, "%s%llu.%0*llu", sign, (unsigned long long)(u / unit), currency.exponent,
		         (unsigned long long)(u % unit));
	return out;
}
