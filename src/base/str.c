#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

static size_t space_at(struct str s)
{
	if (s.n == 0)
		return 0;
	if (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r'))
		return 1;
	if (s.n >= 2 && s.p[0] == '\xC2' && s.p[1] == '\xA0')
		return 2;
	return 0;
}

struct str str_trim(struct str s)
{
	for (size_t k; (k = space_at(s)) > 0;) {
		s.p += k;
		s.n -= k;
	}
	for (;;) {
		if (s.n >= 1 && space_at((struct str){ s.p + s.n - 1, 1 }))
			s.n -= 1;
		else if (s.n >= 2 && space_at((struct str){ s.p + s.n - 2, 2 }) == 2)
			s.n -= 2;
		else
			return s;
	}
}

bool str_i64(struct str s, int64_t *out)
{
	size_t i = 0;
	bool negative = false;
	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
		negative = s.p[0] == '-';
		i = 1;
	}
	if (i == s.n)
		return false;
	int64_t v = 0;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		int digit = s.p[i] - '0';
		if (__builtin_mul_overflow(v, 10, &v) ||
		    (negative ? __builtin_sub_overflow(v, digit, &v) : __builtin_add_overflow(v, digit, &v)))
			return false;
	}
	*out = v;
	return true;
}

bool str_f64(struct str s, double *out)
{
	char text[64];
	if (s.n == 0 || s.n >= sizeof text)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789+-.eE", s.p[i]) || s.p[i] == '\0')
			return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	char *end;
	errno = 0;
	double v = strtod(text, &end);
	if (*end != '\0' || !isfinite(v))
		return false;
	*out = v;
	return true;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return 1;
	if (n >= 2 && p[0] >= 0xC2 && p[0] <= 0xDF && (p[1] & 0xC0) == 0x80)
		return 2;
	if (n >= 3 && (p[0] & 0xF0) == 0xE0 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80) {
		if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F))
			return 0;
		return 3;
	}
	if (n >= 4 && p[0] >= 0xF0 && p[0] <= 0xF4 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80 &&
	    (p[3] & 0xC0) == 0x80) {
		if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
			return 0;
		return 4;
	}
	return 0;
}

size_t str_utf8_valid(struct str s)
{
	size_t i = 0;
	while (i < s.n) {
		uint64_t word;
		while (i + 8 <= s.n) {
			memcpy(&word, s.p + i, 8);
			if (word & 0x8080808080808080u)
				break;
			i += 8;
		}
		if (i >= s.n)
			break;
		size_t k = utf8_length((const unsigned char *)s.p + i, s.n - i);
		if (k == 0)
			return i;
		i += k;
	}
	return i;
}

enum { NEAREST_MAX = 64 };

static int distance(struct str a, struct str b)
{
	int row[NEAREST_MAX + 1];
	for (size_t j = 0; j <= b.n; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= a.n; i++) {
		int diagonal = row[0];
		row[0] = (int)i;
		for (size_t j = 1; j <= b.n; j++) {
			int change = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
			diagonal = row[j];
			int best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			row[j] = best < change ? best : change;
		}
	}
	return row[b.n];
}

const char *str_nearest(struct str s, const char *const *candidates, size_t count, int limit)
{
	const char *best = NULL;
	int best_distance = limit + 1;
	for (size_t i = 0; i < count; i++) {
		struct str c = str_from(candidates[i]);
		if (c.n > NEAREST_MAX || s.n > NEAREST_MAX)
			continue;
		int d = distance(s, c);
		if (d < best_distance) {
			best_distance = d;
			best = candidates[i];
		}
	}
	return best;
}
