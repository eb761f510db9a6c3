#include "intake/number.h"

static const int64_t POW10[NUMBER_DIGITS_MAX + 1] = { 1,
	                                                  10,
	                                                  100,
	                                                  1000,
	                                                  10000,
	                                                  100000,
	                                                  1000000,
	                                                  10000000,
	                                                  100000000,
	                                                  1000000000,
	                                                  10000000000,
	                                                  100000000000,
	                                                  1000000000000,
	                                                  10000000000000,
	                                                  100000000000000,
	                                                  1000000000000000,
	                                                  10000000000000000,
	                                                  100000000000000000,
	                                                  1000000000000000000 };

int64_t number_pow10(int n)
{
	check(n >= 0 && n <= NUMBER_DIGITS_MAX);
	return POW10[n];
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits with at most one '.', perhaps a sign: what nearly every row holds. */
static bool plain(struct str s, struct decimal *out)
{
	size_t i = 0;
	bool negative = s.n && s.p[0] == '-';
	i += negative;
	int64_t v = 0;
	int scale = -1, digits = 0;
	for (; i < s.n; i++) {
		unsigned d = (unsigned char)s.p[i] - (unsigned)'0';
		if (d <= 9) {
			if (++digits > NUMBER_DIGITS_MAX)
				return false;
			v = v * 10 + d;
			scale += scale >= 0;
		} else if (s.p[i] == '.' && scale < 0) {
			scale = 0;
		} else {
			return false;
		}
	}
	if (!digits)
		return false;
	*out = (struct decimal){ negative ? -v : v, scale < 0 ? 0 : scale };
	return true;
}

/* Bytes of a space, no-break space, thin space or apostrophe at p: grouping. */
static size_t gap_at(struct str s, size_t i)
{
	struct str rest = { s.p + i, s.n - i };
	if (rest.p[0] == ' ' || rest.p[0] == '\'')
		return 1;
	if (str_starts(rest, STR("\xc2\xa0")))
		return 2;
	if (str_starts(rest, STR("\xe2\x80\xaf")) || str_starts(rest, STR("\xe2\x80\x89")) ||
	    str_starts(rest, STR("\xe2\x80\x99")))
		return 3;
	return 0;
}

/* Currency signs and codes around the number; what is left begins and ends with a digit, mark, sign or bracket. */
static struct str strip_currency(struct str s)
{
	s = str_trim(s);
	static const char *const SIGNS[] = { "€", "$", "£", "EUR", "USD", "GBP", "CHF", "CAD", "Fr.", "%" };
	for (size_t pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < ARRAY_LEN(SIGNS); i++) {
			struct str sign = str_from(SIGNS[i]);
			if (str_starts(s, sign))
				s = str_trim((struct str){ s.p + sign.n, s.n - sign.n });
			if (str_ends(s, sign))
				s = str_trim((struct str){ s.p, s.n - sign.n });
		}
	while (s.n && gap_at(s, 0))
		s = (struct str){ s.p + gap_at(s, 0), s.n - gap_at(s, 0) };
	if (s.n >= 3 && str_ends(s, STR("\xe2\x80\xaf")))
		s.n -= 3;
	return s;
}

static struct str strip_sign(struct str s, bool *negative)
{
	*negative = false;
	if (s.n >= 2 && s.p[0] == '(' && s.p[s.n - 1] == ')') {
		*negative = true;
		return strip_currency((struct str){ s.p + 1, s.n - 2 });
	}
	if (str_starts(s, STR("\xe2\x88\x92"))) {
		*negative = true;
		return strip_currency((struct str){ s.p + 3, s.n - 3 });
	}
	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		*negative = s.p[0] == '-';
		return strip_currency((struct str){ s.p + 1, s.n - 1 });
	}
	if (s.n && s.p[s.n - 1] == '-') {
		*negative = true;
		return strip_currency((struct str){ s.p, s.n - 1 });
	}
	return s;
}

/* Where the decimal mark stands, or s.n. */
static bool find_mark(struct str s, char mark, size_t *at)
{
	size_t dots = 0, commas = 0, dot = s.n, comma = s.n;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			dots++;
			dot = i;
		} else if (s.p[i] == ',') {
			commas++;
			comma = i;
		}
	}
	*at = s.n;
	if (!dots && !commas)
		return true;
	if (dots && commas) {
		*at = dot > comma ? dot : comma;
		return (dot > comma ? dots : commas) == 1;
	}
	size_t count = dots + commas, last = dots ? dot : comma;
	char seen = dots ? '.' : ',';
	bool grouping_fits = last + 4 == s.n && last > 0;
	if (count > 1)
		return grouping_fits;
	if (mark && mark != seen && grouping_fits)
		return true;
	*at = last;
	return true;
}

bool number_parse(struct str text, char mark, struct decimal *out)
{
	if (mark != ',' && plain(text, out))
		return true;
	bool negative;
	struct str s = strip_sign(strip_currency(text), &negative);
	size_t at;
	if (!s.n || !find_mark(s, mark, &at))
		return false;
	int64_t v = 0;
	int digits = 0, scale = 0, group = -1; /* group: digits since the last grouping mark */
	for (size_t i = 0; i < s.n; i++) {
		if (is_digit(s.p[i])) {
			if (++digits > NUMBER_DIGITS_MAX)
				return false;
			v = v * 10 + (s.p[i] - '0');
			scale += i > at;
			group += group >= 0 && i < at;
			continue;
		}
		if (i == at) {
			if (group >= 0 && group != 3)
				return false;
			group = -1;
			continue;
		}
		size_t gap = s.p[i] == '.' || s.p[i] == ',' ? 1 : gap_at(s, i);
		if (!gap || i > at || !digits || (group >= 0 && group != 3))
			return false;
		group = 0;
		i += gap - 1;
	}
	if (!digits || (group >= 0 && group != 3))
		return false;
	*out = (struct decimal){ negative ? -v : v, scale };
	return true;
}

bool number_whole(struct decimal d, int64_t *out)
{
	if (d.digits % POW10[d.scale] != 0)
		return false;
	*out = d.digits / POW10[d.scale];
	return true;
}

bool number_scaled(struct decimal d, int64_t times, int exponent, int64_t *out)
{
	__int128 v = (__int128)d.digits * times;
	if (d.scale <= exponent) {
		v *= POW10[exponent - d.scale];
	} else {
		__int128 unit = POW10[d.scale - exponent], half = unit / 2;
		v = (v + (v < 0 ? -half : half)) / unit;
	}
	if (v > INT64_MAX || v < INT64_MIN)
		return false;
	*out = (int64_t)v;
	return true;
}

int number_mark_evidence(struct str text)
{
	bool negative;
	struct str s = strip_sign(strip_currency(text), &negative);
	size_t dots = 0, commas = 0, last = 0;
	for (size_t i = 0; i < s.n; i++) {
		dots += s.p[i] == '.';
		commas += s.p[i] == ',';
		if (s.p[i] == '.' || s.p[i] == ',')
			last = i;
		else if (!is_digit(s.p[i]) && !gap_at(s, i) && ((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	}
	size_t after = s.n - last - 1;
	if (dots + commas == 0)
		return 0;
	int last_is = s.p[last] == ',' ? 1 : -1;
	if (dots && commas)
		return last_is;
	if (dots + commas > 1)
		return -last_is; /* repeated: grouping */
	return after == 3 && last > 0 && last <= 3 ? 0 : last_is;
}
