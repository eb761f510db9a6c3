/* Decimal arithmetic as templates expect it: 10.1 + 2.2 is 12.3. A number is a 128-bit mantissa and a decimal scale;
 * what does not fit is computed in floating point and stays there (`inexact`). */
#include "outbox/liquid_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCALE_MAX = 36 };

static bool power_of_ten(int n, __int128 *out)
{
	if (n < 0 || n > 38)
		return false;
	__int128 p = 1;
	for (int i = 0; i < n; i++)
		p *= 10;
	*out = p;
	return true;
}

static double to_double(struct ldecimal d)
{
	if (d.inexact)
		return d.f;
	static const double POWERS[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
		                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	__int128 m = d.mantissa < 0 ? -d.mantissa : d.mantissa;
	if (m < ((__int128)1 << 53) && d.scale <= 22)
		return (double)(int64_t)d.mantissa / POWERS[d.scale]; /* both exact: one correct rounding */
	char text[64], *p = text + sizeof text;
	*--p = '\0';
	p -= snprintf(NULL, 0, "e-%d", d.scale);
	snprintf(p, (size_t)(text + sizeof text - p), "e-%d", d.scale);
	do
		*--p = (char)('0' + (int)(m % 10));
	while ((m /= 10));
	double f = strtod(p, NULL);
	return d.mantissa < 0 ? -f : f;
}

static struct ldecimal inexact(double f)
{
	return (struct ldecimal){ .inexact = true, .f = f };
}

/* digits[.digits][e±n] */
static struct ldecimal from_text(const char *p, const char *end)
{
	struct ldecimal d = { 0 };
	bool negative = p < end && *p == '-';
	const char *start = p;
	p += negative;
	bool point = false;
	int digits = 0;
	for (; p < end && *p != 'e'; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		if (digits == SCALE_MAX)
			return inexact(strtod(start, NULL));
		d.mantissa = d.mantissa * 10 + (*p - '0');
		digits += d.mantissa != 0;
		d.scale += point;
	}
	if (p < end)
		d.scale -= (int)strtol(p + 1, NULL, 10);
	if (d.scale < 0) {
		__int128 ten;
		if (!power_of_ten(-d.scale, &ten) || digits - d.scale > SCALE_MAX)
			return inexact(strtod(start, NULL));
		d.mantissa *= ten;
		d.scale = 0;
	}
	if (d.scale > SCALE_MAX)
		return inexact(strtod(start, NULL));
	d.minus_zero = negative && d.mantissa == 0;
	if (negative)
		d.mantissa = -d.mantissa;
	return d;
}

static bool is_decimal(struct str s) /* -?\d+\.\d+ */
{
	size_t i = s.n && s.p[0] == '-', start = i;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == start || i == s.n || s.p[i] != '.')
		return false;
	start = ++i;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i > start && i == s.n;
}

/* to_i: the digits a text begins with. */
static struct ldecimal leading_integer(struct str s)
{
	struct ldecimal d = { .is_int = true };
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	int n = 0;
	while (i + (size_t)n < s.n && s.p[i + (size_t)n] >= '0' && s.p[i + (size_t)n] <= '9')
		n++;
	if (n < 19 || n > SCALE_MAX) {
		d.mantissa = lstring_to_i(s);
		return d;
	}
	d = from_text(s.p + i, s.p + i + n);
	d.is_int = true;
	if (s.p[0] == '-')
		d.mantissa = -d.mantissa;
	return d;
}

struct ldecimal ldecimal_from(struct lval v)
{
	if (v.type == LVAL_INT)
		return (struct ldecimal){ .mantissa = v.i, .is_int = true };
	if (v.type == LVAL_FLOAT) {
		char text[48];
		if (!isfinite(v.f))
			return inexact(v.f);
		size_t n = lfloat_text(v.f, text);
		return from_text(text, text + n);
	}
	if (v.type == LVAL_STRING) {
		struct str s = str_trim(lval_view(v));
		if (!is_decimal(s))
			return leading_integer(s);
		char text[128];
		if (s.n >= sizeof text)
			s.n = sizeof text - 1;
		memcpy(text, s.p, s.n);
		text[s.n] = '\0';
		return from_text(text, text + s.n);
	}
	return (struct ldecimal){ .is_int = true };
}

struct lval ldecimal_value(struct ldecimal d)
{
	if (d.is_int && !d.inexact && d.mantissa >= INT64_MIN && d.mantissa <= INT64_MAX)
		return lval_int((int64_t)d.mantissa);
	return lval_float(d.minus_zero && !d.inexact ? -0.0 : to_double(d));
}

static bool align(struct ldecimal *a, struct ldecimal *b)
{
	if (a->inexact || b->inexact)
		return false;
	struct ldecimal *low = a->scale < b->scale ? a : b;
	int to = a->scale < b->scale ? b->scale : a->scale;
	__int128 ten;
	if (!power_of_ten(to - low->scale, &ten) || __builtin_mul_overflow(low->mantissa, ten, &low->mantissa))
		return false;
	low->scale = to;
	return true;
}

static bool is_negative(struct ldecimal d)
{
	return d.mantissa < 0 || d.minus_zero;
}

static __int128 floor_divide(__int128 a, __int128 b)
{
	__int128 q = a / b;
	return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static bool divide(struct ldecimal a, struct ldecimal b, struct ldecimal *out)
{
	if (a.is_int && b.is_int) {
		if (b.mantissa == 0)
			return false;
		*out = (struct ldecimal){ .mantissa = floor_divide(a.mantissa, b.mantissa), .is_int = true };
		return true;
	}
	double y = to_double(b);
	if (!a.inexact && !b.inexact && b.mantissa != 0 && a.mantissa == 0) {
		*out = inexact(is_negative(a) != is_negative(b) ? -0.0 : 0.0);
	} else if (!a.inexact && !b.inexact && b.mantissa != 0) {
		long double q = (long double)a.mantissa / (long double)b.mantissa;
		*out = inexact((double)(q * powl(10.0L, b.scale - a.scale)));
	} else {
		*out = inexact(to_double(a) / y);
	}
	return true;
}

static bool remainder_of(struct ldecimal a, struct ldecimal b, struct ldecimal *out)
{
	bool is_int = a.is_int && b.is_int;
	if (to_double(b) == 0)
		return false;
	if (!align(&a, &b)) {
		double x = to_double(a), y = to_double(b), m = fmod(x, y);
		*out = inexact(m != 0 && (m < 0) != (y < 0) ? m + y : m);
		return true;
	}
	__int128 m = a.mantissa % b.mantissa;
	if (m != 0 && (m < 0) != (b.mantissa < 0))
		m += b.mantissa;
	*out = (struct ldecimal){ .mantissa = m, .scale = a.scale, .is_int = is_int };
	return true;
}

bool ldecimal_op(struct ldecimal a, struct ldecimal b, char op, struct ldecimal *out)
{
	if (op == '/')
		return divide(a, b, out);
	if (op == '%')
		return remainder_of(a, b, out);
	struct ldecimal d = { .is_int = a.is_int && b.is_int };
	double x = to_double(a), y = to_double(b);
	bool fits;
	if (op == '*') {
		d.scale = a.scale + b.scale;
		fits = !a.inexact && !b.inexact && d.scale <= SCALE_MAX &&
		       !__builtin_mul_overflow(a.mantissa, b.mantissa, &d.mantissa);
		if (fits && d.mantissa == 0 && !d.is_int && is_negative(a) != is_negative(b)) {
			*out = inexact(-0.0);
			return true;
		}
	} else {
		fits = align(&a, &b) && !(op == '+' ? __builtin_add_overflow(a.mantissa, b.mantissa, &d.mantissa)
		                                    : __builtin_sub_overflow(a.mantissa, b.mantissa, &d.mantissa));
		d.scale = a.scale;
	}
	*out = fits ? d : inexact(op == '*' ? x * y : op == '+' ? x + y : x - y);
	return true;
}

int ldecimal_compare(struct ldecimal a, struct ldecimal b)
{
	double x = to_double(a), y = to_double(b);
	if (align(&a, &b))
		return (a.mantissa > b.mantissa) - (a.mantissa < b.mantissa);
	return (x > y) - (x < y);
}

static struct ldecimal round_double(double f, char mode)
{
	f = mode == 'c' ? ceil(f) : mode == 'f' ? floor(f) : round(f);
	if (f > -9e18 && f < 9e18)
		return (struct ldecimal){ .mantissa = (int64_t)f, .is_int = true };
	return inexact(f);
}

struct ldecimal ldecimal_round(struct ldecimal a, int64_t digits, char mode)
{
	if (a.inexact) {
		if (digits <= 0 || fabs(a.f) > 1e15)
			return digits == 0 ? round_double(a.f, mode) : a;
		char text[48];
		size_t n = lfloat_text(a.f, text);
		a = from_text(text, text + n);
		if (a.inexact)
			return a;
	}
	int64_t drop = a.scale - digits;
	if (drop <= 0) {
		a.is_int = a.is_int || digits <= 0;
		return a;
	}
	__int128 ten;
	struct ldecimal d = { .is_int = a.is_int || digits <= 0, .scale = digits > 0 ? (int)digits : 0 };
	if (drop > 38 || !power_of_ten((int)drop, &ten))
		return d; /* smaller than half a unit */
	__int128 q = floor_divide(a.mantissa, ten), rest = a.mantissa - q * ten;
	if (mode == 'c')
		q += rest != 0;
	else if (mode == 'r' && (rest > ten / 2 || (rest == ten / 2 && a.mantissa >= 0)))
		q++;
	for (int64_t i = digits; i < 0; i++)
		q *= 10;
	d.mantissa = q;
	return d;
}

size_t lfloat_text(double f, char out[48])
{
	if (isnan(f))
		return (size_t)snprintf(out, 48, "NaN");
	if (isinf(f))
		return (size_t)snprintf(out, 48, f < 0 ? "-Infinity" : "Infinity");
	char e[40];
	for (int digits = 14; digits <= 16; digits++) { /* the shortest that reads back as f */
		snprintf(e, sizeof e, "%.*e", digits, f);
		if (strtod(e, NULL) == f)
			break;
	}
	char *mark = strchr(e, 'e'), digits[24];
	int exponent = (int)strtol(mark + 1, NULL, 10), n = 0;
	for (const char *p = e; p < mark; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = '\0';
	const char *sign = signbit(f) ? "-" : "";
	if (exponent < -4 || exponent >= 16)
		return (size_t)snprintf(out, 48, "%s%c.%se%c%02d", sign, digits[0], n > 1 ? digits + 1 : "0",
		                        exponent < 0 ? '-' : '+', abs(exponent));
	if (exponent < 0)
		return (size_t)snprintf(out, 48, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
	if (n <= exponent + 1)
		return (size_t)snprintf(out, 48, "%s%s%.*s.0", sign, digits, exponent + 1 - n, "0000000000000000");
	return (size_t)snprintf(out, 48, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
}
