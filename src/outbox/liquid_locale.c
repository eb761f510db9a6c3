/* Filters of the shop: money, t, plural, greeting, json, and date's table row. */
#include "outbox/liquid_int.h"
#include "outbox/wording.h"

#include <math.h>
#include <stdio.h>

/* ---- money ---- */

#define NBSP        "\u00a0"
#define NARROW_NBSP "\u202f"

static void put_grouped(struct buf *b, uint64_t units, const char *group)
{
	if (units < 1000) {
		lput_int(b, units, 1);
		return;
	}
	put_grouped(b, units / 1000, group);
	buf_cstr(b, group);
	lput_int(b, units % 1000, 3);
}

static const char *symbol_of(const char *code)
{
	static const char *const SYMBOLS[][2] = { { "EUR", "€" }, { "USD", "$" }, { "GBP", "£" }, { "JPY", "¥" } };
	for (size_t i = 0; i < ARRAY_LEN(SYMBOLS); i++)
		if (strcmp(code, SYMBOLS[i][0]) == 0)
			return SYMBOLS[i][1];
	return NULL;
}

static void put_money(struct buf *b, int64_t minor, const struct currency *c, bool fr)
{
	uint64_t magnitude = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor, unit = 1;
	for (int i = 0; i < c->exponent; i++)
		unit *= 10;
	const char *symbol = symbol_of(c->code);
	if (minor < 0)
		buf_cstr(b, "-");
	if (!fr)
		buf_cstr(b, symbol ? symbol : c->code);
	if (!fr && !symbol)
		buf_cstr(b, NBSP);
	put_grouped(b, magnitude / unit, fr ? NARROW_NBSP : ",");
	if (c->exponent) {
		buf_cstr(b, fr ? "," : ".");
		lput_int(b, magnitude % unit, c->exponent);
	}
	if (fr) {
		buf_cstr(b, NBSP);
		buf_cstr(b, symbol ? symbol : c->code);
	}
}

/* A whole number is in cents; a number with decimals, or a text, is in euros. */
static bool f_money(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct currency c = r->options->currency;
	if (n > 0 ? !currency_find(ltext(r, args[0]), &c) : !c.code[0] && !currency_find(STR("EUR"), &c))
		return lfail(r, ERR_INPUT, "money: no currency of this code");
	if (in.type == LVAL_NIL)
		return *out = in, true;
	int64_t minor = in.i;
	if (in.type == LVAL_FLOAT || in.type == LVAL_STRING) {
		struct money m;
		char text[48];
		struct str s = lval_view(in);
		if (in.type == LVAL_FLOAT)
			s = (struct str){ text, fabs(in.f) < 1e15 ? (size_t)snprintf(text, sizeof text, "%.6f", in.f) : 0 };
		if (!money_parse(s, c, in.type == LVAL_FLOAT ? '.' : 0, &m))
			return lfail(r, ERR_INPUT, "money: this is not an amount");
		minor = m.minor;
	} else if (in.type != LVAL_INT) {
		return lfail(r, ERR_INPUT, "money: this is not an amount");
	}
	struct buf b;
	lbuf_init(r, &b);
	put_money(&b, minor, &c, r->options->locale == LIQUID_FR);
	return lfinish(r, &b, false, out);
}

/* ---- words ---- */

/* n | plural: "article", "articles"[, "aucun article"]; %d in a form stands for the number. French: 0 and 1 are
 * singular. */
static bool f_plural(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	if (in.type == LVAL_ARRAY)
		in = lval_int(in.n);
	struct ldecimal d = ldecimal_from(in), two = ldecimal_from(lval_int(2)), one = ldecimal_from(lval_int(1));
	if (!d.inexact && d.mantissa < 0)
		d.mantissa = -d.mantissa;
	bool single = r->options->locale == LIQUID_FR ? ldecimal_compare(d, two) < 0 : ldecimal_compare(d, one) == 0;
	bool none = n > 2 && !d.inexact && d.mantissa == 0;
	struct str form = ltext(r, args[none ? 2 : single ? 0 : 1]);
	const char *mark = memmem(form.p, form.n, "%d", 2);
	struct buf b;
	lbuf_init(r, &b);
	buf_add(&b, form.p, mark ? (size_t)(mark - form.p) : form.n);
	if (mark) {
		ltext_add(&b, in, 0);
		buf_add(&b, mark + 2, (size_t)(form.p + form.n - mark - 2));
	}
	return lfinish(r, &b, false, out);
}

/* 'key' | t: name: value …: the wording library; %{name} stands for the value. */
static bool f_t(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct str key = ltext(r, in);
	const char *text = wording_find(key, r->options->locale);
	if (!text)
		return lfail(r, ERR_INPUT, "no wording \"%.*s\"; doc/messages.md lists them", (int)(key.n > 60 ? 60 : key.n),
		             key.p);
	struct buf b;
	lbuf_init(r, &b);
	for (const char *p = text; *p;) {
		const char *close = p[0] == '%' && p[1] == '{' ? strchr(p, '}') : NULL;
		if (!close) {
			buf_char(&b, *p++);
			continue;
		}
		struct str name = { p + 2, (size_t)(close - p - 2) };
		const struct lval *v =
			n > 0 && args[0].type == LVAL_OBJECT ? lobject_find(args[0].object, name, lkey_hash(name)) : NULL;
		if (v)
			ltext_add(&b, *v, 0);
		else if (r->options->strict) {
			buf_release(&b);
			return lfail(r, ERR_INPUT, "the wording \"%.*s\" needs %.*s: …", (int)key.n, key.p, STR_ARG(name));
		}
		p = close + 1;
	}
	return lfinish(r, &b, false, out);
}

/* ---- greeting ---- */

static struct str field(struct liquid *r, const struct lobject *o, const char *key)
{
	const struct lval *v = lobject_get(o, key);
	return v && v->type == LVAL_STRING ? str_trim(lval_view(*v)) : (struct str){ "", 0 };
}

/* 'f', 'm' or 0, from civility or gender as shops write them. */
static char gender_of(struct liquid *r, const struct lobject *o)
{
	static const char *const FEMALE[] = { "mme", "mme.", "madame", "mlle", "mademoiselle", "ms",   "ms.",
		                                  "mrs", "mrs.", "miss",   "f",    "female",       "femme" };
	static const char *const MALE[] = { "m", "m.", "mr", "mr.", "monsieur", "male", "homme", "h" };
	struct str said = field(r, o, "civility");
	if (!said.n)
		said = field(r, o, "gender");
	for (size_t i = 0; i < ARRAY_LEN(FEMALE); i++)
		if (str_eq_nocase(said, str_from(FEMALE[i])))
			return 'f';
	for (size_t i = 0; i < ARRAY_LEN(MALE); i++)
		if (str_eq_nocase(said, str_from(MALE[i])))
			return 'm';
	return 0;
}

static void formal(struct buf *b, bool fr, char gender, struct str last)
{
	if (fr)
		buf_printf(b, "%s %.*s", gender == 'f' ? "Chère Madame" : "Cher Monsieur", STR_ARG(last));
	else
		buf_printf(b, "Dear %s %.*s", gender == 'f' ? "Ms" : "Mr", STR_ARG(last));
}

/* customer | greeting: « Bonjour Léa »; without a first name, or with "formal", « Chère Madame Martin »; else « Bonjour
 * ». */
static bool f_greeting(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	bool fr = r->options->locale != LIQUID_EN;
	struct buf b;
	lbuf_init(r, &b);
	if (in.type != LVAL_OBJECT) {
		buf_cstr(&b, fr ? "Bonjour" : "Hello");
		return lfinish(r, &b, false, out);
	}
	struct str first = field(r, in.object, "first_name"), last = field(r, in.object, "last_name");
	bool wants_formal = n > 0 && args[0].type == LVAL_STRING && str_is(lval_view(args[0]), "formal");
	char gender = last.n && (wants_formal || !first.n) ? gender_of(r, in.object) : 0;
	if (gender)
		formal(&b, fr, gender, last);
	else if (first.n)
		buf_printf(&b, "%s %.*s", fr ? "Bonjour" : "Hello", STR_ARG(first));
	else
		buf_cstr(&b, fr ? "Bonjour" : "Hello");
	return lfinish(r, &b, false, out);
}

/* ---- json ---- */

static void put_json(struct buf *b, struct lval v, int depth)
{
	if (v.type == LVAL_STRING) {
		buf_json(b, lval_view(v));
	} else if (v.type == LVAL_ARRAY && depth < LVAL_DEPTH_MAX * 2) {
		buf_char(b, '[');
		for (uint32_t i = 0; i < v.n; i++) {
			if (i)
				buf_char(b, ',');
			put_json(b, v.items[i], depth + 1);
		}
		buf_char(b, ']');
	} else if (v.type == LVAL_OBJECT && depth < LVAL_DEPTH_MAX * 2) {
		buf_char(b, '{');
		for (uint32_t i = 0; i < v.object->count; i++) {
			if (i)
				buf_char(b, ',');
			buf_json(b, (struct str){ v.object->pairs[i].key, v.object->pairs[i].n });
			buf_char(b, ':');
			put_json(b, v.object->pairs[i].value, depth + 1);
		}
		buf_char(b, '}');
	} else if (v.type == LVAL_RANGE) {
		buf_printf(b, "\"%lld..%lld\"", (long long)v.range->from, (long long)v.range->to);
	} else if (v.type == LVAL_INT || v.type == LVAL_BOOL || (v.type == LVAL_FLOAT && isfinite(v.f))) {
		ltext_add(b, v, 0);
	} else {
		buf_cstr(b, "null");
	}
}

static bool f_json(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct buf b;
	lbuf_init(r, &b);
	put_json(&b, in, 0);
	return lfinish(r, &b, false, out);
}

const struct lfilter_def LFILTERS_LOCALE[] = {
	{ "date", ldate_filter, 1, 1 },   { "money", f_money, 0, 1 }, { "t", f_t, 0, 1 },   { "plural", f_plural, 2, 3 },
	{ "greeting", f_greeting, 0, 1 }, { "json", f_json, 0, 0 },   { NULL, NULL, 0, 0 },
};
