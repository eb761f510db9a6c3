/* The table of filters, and those that count. */
#include "outbox/liquid_int.h"

const struct lfilter_def *lfilter_find(struct str name)
{
	static const struct lfilter_def *const TABLES[] = { LFILTERS_TEXT, LFILTERS_MATH, LFILTERS_ARRAY, LFILTERS_LOCALE };
	for (size_t i = 0; i < ARRAY_LEN(TABLES); i++)
		for (const struct lfilter_def *d = TABLES[i]; d->name; d++)
			if (str_is(name, d->name))
				return d;
	return NULL;
}

static bool math(struct liquid *r, struct lval in, struct lval arg, char op, struct lval *out)
{
	struct ldecimal d;
	if (!ldecimal_op(ldecimal_from(in), ldecimal_from(arg), op, &d))
		return lfail(r, ERR_INPUT, "divided by 0");
	*out = lgive_number(r, d);
	return true;
}

static bool f_plus(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return math(r, in, args[0], '+', out);
}

static bool f_minus(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return math(r, in, args[0], '-', out);
}

static bool f_times(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return math(r, in, args[0], '*', out);
}

static bool f_divided_by(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return math(r, in, args[0], '/', out);
}

static bool f_modulo(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return math(r, in, args[0], '%', out);
}

static bool f_abs(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct ldecimal d = ldecimal_from(in);
	if (d.inexact)
		d.f = d.f < 0 ? -d.f : d.f;
	else if (d.mantissa < 0)
		d.mantissa = -d.mantissa;
	*out = lgive_number(r, d);
	return true;
}

static bool f_at_least(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct ldecimal a = ldecimal_from(in), b = ldecimal_from(args[0]);
	*out = lgive_number(r, ldecimal_compare(b, a) > 0 ? b : a);
	return true;
}

static bool f_at_most(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct ldecimal a = ldecimal_from(in), b = ldecimal_from(args[0]);
	*out = lgive_number(r, ldecimal_compare(b, a) < 0 ? b : a);
	return true;
}

static bool whole(struct liquid *r, struct lval in, char mode, struct lval *out)
{
	struct ldecimal d = ldecimal_from(in);
	if (d.inexact && (d.f != d.f || d.f - d.f != 0))
		return lfail(r, ERR_INPUT, "this number is not finite");
	*out = lgive_number(r, ldecimal_round(d, 0, mode));
	return true;
}

static bool f_ceil(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return whole(r, in, 'c', out);
}

static bool f_floor(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return whole(r, in, 'f', out);
}

static bool f_round(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	int64_t digits = 0;
	if (n > 0) {
		struct ldecimal d = ldecimal_from(args[0]);
		if (d.mantissa < 0 && !d.is_int)
			d = ldecimal_round(d, 0, 'c');
		struct lval v = ldecimal_value(ldecimal_round(d, 0, 'f'));
		digits = v.type == LVAL_INT ? v.i : 0;
	}
	if (digits == 0)
		return whole(r, in, 'r', out);
	*out = lgive_number(r, ldecimal_round(ldecimal_from(in), digits < -40 ? -40 : digits > 40 ? 40 : digits, 'r'));
	return true;
}

const struct lfilter_def LFILTERS_MATH[] = {
	{ "plus", f_plus, 1, 1 },         { "minus", f_minus, 1, 1 },
	{ "times", f_times, 1, 1 },       { "divided_by", f_divided_by, 1, 1 },
	{ "modulo", f_modulo, 1, 1 },     { "abs", f_abs, 0, 0 },
	{ "at_least", f_at_least, 1, 1 }, { "at_most", f_at_most, 1, 1 },
	{ "ceil", f_ceil, 0, 0 },         { "floor", f_floor, 0, 0 },
	{ "round", f_round, 0, 1 },       { NULL, NULL, 0, 0 },
};
