/* Values as they are written: 12.5, 10 %, 25 EUR, 6 months, 2025-09-01, "text", a word of a list. */
#include "fold/expr_parse.h"

const char *type_title(enum type t)
{
	switch (t) {
	case T_BOOL: return "a yes/no condition";
	case T_NUMBER: return "a number";
	case T_MONEY: return "an amount of money";
	case T_DURATION: return "a duration";
	case T_DATE: return "a date";
	case T_TEXT: return "a text";
	case T_ENUM: return "a word of a list";
	}
	return "";
}

const char *type_example(enum type t)
{
	switch (t) {
	case T_BOOL: return "company";
	case T_NUMBER: return "3";
	case T_MONEY: return "25 EUR";
	case T_DURATION: return "3 days";
	case T_DATE: return "2025-09-01";
	case T_TEXT: return "\"59*\"";
	case T_ENUM: return "lapsing";
	}
	return "";
}

static bool unit_of(struct str word, struct node *n, int64_t v)
{
	static const struct {
		const char *one, *many;
		int64_t seconds, months;
	} UNITS[] = {
		{ "second", "seconds", 1, 0 }, { "minute", "minutes", MINUTE_S, 0 }, { "hour", "hours", HOUR_S, 0 },
		{ "day", "days", DAY_S, 0 },   { "week", "weeks", 7 * DAY_S, 0 },    { "month", "months", 0, 1 },
		{ "year", "years", 0, 12 },
	};
	for (size_t i = 0; i < ARRAY_LEN(UNITS); i++) {
		if (!str_is(word, UNITS[i].one) && !str_is(word, UNITS[i].many))
			continue;
		n->type = T_DURATION;
		n->months = UNITS[i].months != 0;
		int64_t by = n->months ? UNITS[i].months : UNITS[i].seconds;
		if (v % NUMBER_ONE != 0 || v / NUMBER_ONE > INT32_MAX / (n->months ? 1200 : 1))
			return false;
		n->op.v = v / NUMBER_ONE * by;
		return true;
	}
	return false;
}

static bool is_unit(struct str word)
{
	struct node n = { 0 };
	return unit_of(word, &n, NUMBER_ONE);
}

static bool money_literal(struct parser *p, struct node *out, int64_t v)
{
	int64_t scale = 1;
	for (int i = 0; i < p->b->context->currency.exponent; i++)
		scale *= 10;
	int64_t minor;
	if (__builtin_mul_overflow(v / NUMBER_ONE, scale, &minor))
		return perr(p, out->at, "that amount is too large");
	int64_t part = v % NUMBER_ONE * scale;
	if (part % NUMBER_ONE != 0)
		return perr(p, out->at, "an amount in %s has at most %d decimals", p->b->context->currency.code,
		            p->b->context->currency.exponent);
	out->type = T_MONEY;
	out->op.v = minor + part / NUMBER_ONE;
	return true;
}

/* The word after a number: a unit of time, the shop's currency, km. */
static bool literal_unit(struct parser *p, struct node *out, int64_t v)
{
	const char *currency = p->b->context->currency.code;
	struct str word = p->tok.text;
	struct currency other;
	if (is_unit(word)) {
		if (!unit_of(word, out, v))
			return perr(p, out->at, "a duration is a whole number of units, not beyond 68 years: 6 months");
	} else if (str_is(word, currency) || (str_is(word, "\xE2\x82\xAC") && strcmp(currency, "EUR") == 0)) {
		if (!money_literal(p, out, v))
			return false;
	} else if (str_is(word, "\xE2\x82\xAC") || currency_find(word, &other)) {
		return perr(p, p->tok.at, "this shop counts in %s, not in %.*s", currency, STR_ARG(word));
	} else if (!str_is(word, "km")) {
		return true; /* not a unit: the caller's business */
	}
	lex_next(p);
	return !p->b->failed;
}

bool parse_literal(struct parser *p, struct node *out)
{
	*out = (struct node){ .kind = NODE_CONST, .type = T_NUMBER, .literal = true, .fn = F_COUNT, .at = p->tok.at };
	out->op.code = OP_CONST;
	bool negative = p->tok.kind == TOK_MINUS;
	if (negative)
		lex_next(p);
	if (p->tok.kind == TOK_DATE && !negative) {
		out->type = T_DATE;
		out->op.v = p->tok.v;
		lex_next(p);
		return !p->b->failed;
	}
	if (p->tok.kind != TOK_NUMBER)
		return perr(p, p->tok.at, "a number, an amount or a date belongs here");
	int64_t v = p->tok.v;
	out->op.v = v;
	lex_next(p);
	if (p->tok.kind == TOK_PERCENT) {
		out->op.v = v / 100;
		out->percent = true;
		lex_next(p);
	} else if (p->tok.kind == TOK_NAME && !literal_unit(p, out, v)) {
		return false;
	}
	if (negative)
		out->op.v = -out->op.v;
	return !p->b->failed;
}

bool parse_string(struct parser *p, const char *example, struct str *out)
{
	if (p->tok.kind != TOK_STRING) {
		if (p->tok.kind == TOK_NAME)
			return perr(p, p->tok.at, "a text stands between double quotes: \"%.*s\"", STR_ARG(p->tok.text));
		return perr(p, p->tok.at, "a text belongs here, e.g. %s", example);
	}
	*out = p->tok.text;
	lex_next(p);
	return !p->b->failed;
}

bool parse_enum_word(struct parser *p, enum enum_kind k, int64_t *out)
{
	struct str word = p->tok.text;
	size_t at = p->tok.at;
	if (k == E_DEPARTMENT && p->tok.kind == TOK_NUMBER)
		word = (struct str){ p->text.p + at, p->tok.n };
	else if (p->tok.kind != TOK_NAME && p->tok.kind != TOK_STRING)
		return perr(p, at, "%s belongs here, e.g. %s", enum_title(k), enum_example(k));
	*out = enum_find(k, word);
	if (*out < 0) {
		const char *const *names;
		size_t count = enum_names(k, &names);
		const char *near = near_word(word, names, count);
		if (near)
			return perr(p, at, "\"%.*s\" is not %s; did you mean \"%s\"?", STR_ARG(word), enum_title(k), near);
		return perr(p, at, "\"%.*s\" is not %s; one is %s", STR_ARG(word), enum_title(k), enum_example(k));
	}
	lex_next(p);
	return !p->b->failed;
}

bool literal_money(struct parser *p, struct node *number)
{
	return money_literal(p, number, number->op.v);
}
