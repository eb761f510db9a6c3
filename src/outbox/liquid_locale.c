/* Filters of the shop: money, t, plural, greeting, json, and date's table row. */
#include "outbox/liquid_int.h"
#include "outbox/wording.h"

#include <math.h>
#include <stdio.h>

/* ---- money ---- */

#define NBSP        "\u00a0"
#define NARROW_NBSP "\u202f"

enum { MONEY_TEXT_MAX = 96 };

static char *put_text(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *put_digits(char *to, uint64_t v, int width)
{
	char text[24];
	int i = sizeof text;
	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v || (int)sizeof text - i < width);
	for (; i < (int)sizeof text; i++)
		*to++ = text[i];
	return to;
}

static char *put_grouped(char *to, uint64_t units, const char *group)
{
	if (units < 1000)
		return put_digits(to, units, 1);
	return put_digits(put_text(put_grouped(to, units / 1000, group), group), units % 1000, 3);
}

static const char *symbol_of(const char *code)
{
	static const char *const SYMBOLS[][2] = { { "EUR", "€" }, { "USD", "$" }, { "GBP", "£" }, { "JPY", "¥" } };
	for (size_t i = 0; i < ARRAY_LEN(SYMBOLS); i++)
		if (memcmp(code, SYMBOLS[i][0], 4) == 0)
			return SYMBOLS[i][1];
	return code;
}

/* At most 7 groups of digits with 3 bytes between, sign, decimals, symbol: MONEY_TEXT_MAX. Returns its length. */
static size_t put_money(char *text, int64_t minor, const struct currency *c, bool fr)
{
	uint64_t magnitude = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor, unit = 1;
	const char *symbol = symbol_of(c->code);
	char *to = text;
	for (int i = 0; i < c->exponent; i++)
		unit *= 10;
	if (minor < 0)
		*to++ = '-';
	if (!fr)
		to = put_text(to, symbol);
	if (!fr && symbol == c->code)
		to = put_text(to, NBSP);
	to = put_grouped(to, magnitude / unit, fr ? NARROW_NBSP : ",");
	if (c->exponent) {
		*to++ = fr ? ',' : '.';
		to = put_digits(to, magnitude % unit, c->exponent);
	}
	if (fr)
		to = put_text(put_text(to, NBSP), symbol);
	return (size_t)(to - text);
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
	char text[MONEY_TEXT_MAX];
	return lgive(r, text, put_money(text, minor, &c, r->options->locale == LIQUID_FR), out);
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
	const char *mark = strstr(text, "%{");
	if (!mark) {
		*out = lval_cstr(text);
		return true;
	}
	struct buf b;
	lbuf_init(r, &b);
	for (const char *p = text; *p; mark = strstr(p, "%{")) {
		const char *close = mark ? strchr(mark, '}') : NULL;
		buf_add(&b, p, close ? (size_t)(mark - p) : strlen(p));
		if (!close)
			break;
		p = mark;
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

static struct str field(const struct lobject *o, struct str key)
{
	const struct lpair *p = o->pairs, *end = p + o->count;
	while (p < end && !(p->n == key.n && lkey_same(p->key, key.p, key.n)))
		p++;
	return p < end && p->value.type == LVAL_STRING ? str_trim(lval_view(p->value)) : (struct str){ "", 0 };
}

/* 'f', 'm' or 0, from civility or gender as shops write them. */
static char gender_of(const struct lobject *o)
{
	static const char *const FEMALE[] = { "mme", "mme.", "madame", "mlle", "mademoiselle", "ms",   "ms.",
		                                  "mrs", "mrs.", "miss",   "f",    "female",       "femme" };
	static const char *const MALE[] = { "m", "m.", "mr", "mr.", "monsieur", "male", "homme", "h" };
	struct str said = field(o, STR("civility"));
	if (!said.n)
		said = field(o, STR("gender"));
	for (size_t i = 0; i < ARRAY_LEN(FEMALE); i++)
		if (str_eq_nocase(said, str_from(FEMALE[i])))
			return 'f';
	for (size_t i = 0; i < ARRAY_LEN(MALE); i++)
		if (str_eq_nocase(said, str_from(MALE[i])))
			return 'm';
	return 0;
}

/* customer | greeting: « Bonjour Léa »; without a first name, or with "formal", « Chère Madame Martin »; else « Bonjour
 * ». */
static bool f_greeting(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	bool fr = r->options->locale != LIQUID_EN;
	struct str first = STR(""), last = STR(""), hello = fr ? STR("Bonjour") : STR("Hello"), name;
	if (in.type == LVAL_OBJECT) {
		first = field(in.object, STR("first_name"));
		last = field(in.object, STR("last_name"));
	}
	bool formal = n > 0 && args[0].type == LVAL_STRING && str_is(lval_view(args[0]), "formal");
	char gender = last.n && (formal || !first.n) ? gender_of(in.object) : 0;
	if (gender == 'f')
		hello = fr ? STR("Chère Madame") : STR("Dear Ms");
	else if (gender)
		hello = fr ? STR("Cher Monsieur") : STR("Dear Mr");
	name = gender ? last : first;
	char *text = arena_alloc(&r->arena, hello.n + 1 + name.n);
	memcpy(text, hello.p, hello.n);
	text[hello.n] = ' ';
	memcpy(text + hello.n + 1, name.p, name.n);
	*out = lval_str((struct str){ text, name.n ? hello.n + 1 + name.n : hello.n });
	return lcharge(r, name.n / 256);
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
