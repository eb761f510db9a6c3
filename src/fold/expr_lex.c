#include "fold/expr_parse.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool starts(const struct parser *p, size_t at, const char *bytes)
{
	size_t n = strlen(bytes);
	return p->text.n - at >= n && memcmp(p->text.p + at, bytes, n) == 0;
}

bool perr(struct parser *p, size_t at, const char *fmt, ...)
{
	struct build *b = p->b;
	if (b->failed)
		return false;
	b->failed = true;
	struct expr_error *e = b->error;
	*e = (struct expr_error){ .offset = at, .line = 1, .column = 1 };
	for (size_t i = 0; i < at && i < p->text.n; i++) {
		if (p->text.p[i] == '\n') {
			e->line++;
			e->column = 1;
		} else if (((unsigned char)p->text.p[i] & 0xC0) != 0x80) {
			e->column++;
		}
	}
	va_list args;
	va_start(args, fmt);
	if (b->context->french)
		expr_french(e->text, sizeof e->text, fmt, &args);
	else
		vsnprintf(e->text, sizeof e->text, fmt, args);
	va_end(args);
	size_t n = strlen(e->text); /* a cut in the middle of a character, or bytes that are no characters */
	n = str_utf8_valid((struct str){ e->text, n });
	e->text[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)e->text[i] < ' ')
			e->text[i] = ' ';
	return false;
}

const char *near_word(struct str s, const char *const *words, size_t count)
{
	return str_nearest(s, words, count, s.n <= 3 ? 1 : s.n <= 6 ? 2 : 3);
}

/* White space, "# …" to the end of the line, and the spaces French typography puts before a unit. */
static void skip_blank(struct parser *p)
{
	for (;;) {
		if (p->next >= p->text.n)
			return;
		char c = p->text.p[p->next];
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			p->next++;
		else if (starts(p, p->next, "\xC2\xA0"))
			p->next += 2;
		else if (starts(p, p->next, "\xE2\x80\xAF") || starts(p, p->next, "\xE2\x80\x89"))
			p->next += 3;
		else if (c == '#')
			while (p->next < p->text.n && p->text.p[p->next] != '\n')
				p->next++;
		else
			return;
	}
}

static bool lex_date(struct parser *p)
{
	const char *c = p->text.p + p->next;
	static const char SHAPE[] = "dddd-dd-dd";
	if (p->text.n - p->next < 10)
		return false;
	for (size_t i = 0; i < 10; i++)
		if (SHAPE[i] == '-' ? c[i] != '-' : !is_digit(c[i]))
			return false;
	if (p->text.n - p->next > 10 && (is_digit(c[10]) || is_letter(c[10])))
		return false;
	struct date d;
	p->tok = (struct token){ .kind = TOK_DATE, .at = p->next, .n = 10 };
	if (!date_parse((struct str){ c, 10 }, &d)) {
		p->tok.kind = TOK_BAD;
		perr(p, p->next, "%.10s is no day of the calendar", c);
	}
	p->tok.v = d.day;
	p->next += 10;
	return true;
}

static void lex_number(struct parser *p)
{
	size_t at = p->next, i = at;
	int64_t whole = 0, part = 0;
	bool ok = true;
	int decimals = 0;
	for (; i < p->text.n && is_digit(p->text.p[i]); i++)
		ok = ok && !__builtin_mul_overflow(whole, 10, &whole) &&
		     !__builtin_add_overflow(whole, p->text.p[i] - '0', &whole);
	if (i + 1 < p->text.n && p->text.p[i] == '.' && is_digit(p->text.p[i + 1]))
		for (i++; i < p->text.n && is_digit(p->text.p[i]); i++)
			if (++decimals <= 6)
				part = part * 10 + (p->text.p[i] - '0');
	for (int d = decimals; d < 6; d++)
		part *= 10;
	int64_t v = 0;
	ok = ok && !__builtin_mul_overflow(whole, NUMBER_ONE, &v) && !__builtin_add_overflow(v, part, &v);
	p->tok = (struct token){ .kind = TOK_NUMBER, .at = at, .n = i - at, .v = v };
	p->next = i;
	if (!ok)
		perr(p, at, "that number is too large (up to 9,000,000,000,000)");
	else if (decimals > 6)
		perr(p, at, "that number has more than six decimals");
}

static void lex_string(struct parser *p)
{
	size_t at = p->next, i = at + 1, n = 0;
	char *out = arena_alloc(p->b->arena, p->text.n - at + 1);
	while (i < p->text.n && p->text.p[i] != '"') {
		if (p->text.p[i] == '\\' && i + 1 < p->text.n)
			i++;
		out[n++] = p->text.p[i++];
	}
	p->tok = (struct token){ .kind = TOK_STRING, .at = at, .n = i - at, .text = { out, n } };
	if (i >= p->text.n) {
		perr(p, at, "this text is not closed: a \" is missing at its end");
		p->next = p->text.n;
		return;
	}
	p->tok.n++;
	p->next = i + 1;
}

static void lex_symbol(struct parser *p)
{
	static const struct {
		const char *text;
		enum token_kind kind;
	} SYMBOLS[] = {
		{ "..", TOK_DOTS },
		{ "==", TOK_EQ },
		{ "!=", TOK_NE },
		{ "<>", TOK_NE },
		{ "<=", TOK_LE },
		{ ">=", TOK_GE },
		{ "\xE2\x89\xA4", TOK_LE },
		{ "\xE2\x89\xA5", TOK_GE },
		{ "\xE2\x89\xA0", TOK_NE },
		{ "(", TOK_LPAREN },
		{ ")", TOK_RPAREN },
		{ ",", TOK_COMMA },
		{ "=", TOK_EQ },
		{ "<", TOK_LT },
		{ ">", TOK_GT },
		{ "+", TOK_PLUS },
		{ "-", TOK_MINUS },
		{ "*", TOK_STAR },
		{ "/", TOK_SLASH },
		{ "%", TOK_PERCENT },
	};
	for (size_t i = 0; i < ARRAY_LEN(SYMBOLS); i++)
		if (starts(p, p->next, SYMBOLS[i].text)) {
			p->tok = (struct token){ .kind = SYMBOLS[i].kind, .at = p->next, .n = strlen(SYMBOLS[i].text) };
			p->next += p->tok.n;
			return;
		}
	p->tok = (struct token){ .kind = TOK_BAD, .at = p->next, .n = 1 };
	char c = p->text.p[p->next++];
	if (c == '\'')
		perr(p, p->tok.at, "a text stands between double quotes: \"Salon\"");
	else if (c == '&' || c == '|')
		perr(p, p->tok.at, "write \"%s\" instead of \"%c\"", c == '&' ? "and" : "or", c);
	else if (c == '!')
		perr(p, p->tok.at, "write \"not\" instead of \"!\"");
	else if (c > ' ' && c < 0x7F)
		perr(p, p->tok.at, "\"%c\" has no meaning here", c);
	else
		perr(p, p->tok.at, "a character that has no meaning here");
}

void lex_next(struct parser *p)
{
	skip_blank(p);
	if (p->b->failed || p->next >= p->text.n) {
		p->tok = (struct token){ .kind = TOK_END, .at = p->text.n };
		return;
	}
	char c = p->text.p[p->next];
	if (is_digit(c)) {
		if (!lex_date(p))
			lex_number(p);
	} else if (c == '"') {
		lex_string(p);
	} else if (starts(p, p->next, "\xE2\x82\xAC")) { /* € */
		p->tok = (struct token){ .kind = TOK_NAME, .at = p->next, .n = 3, .text = { p->text.p + p->next, 3 } };
		p->next += 3;
	} else if (starts(p, p->next, "\xE2\x80\x9C") || starts(p, p->next, "\xC2\xAB")) {
		p->tok = (struct token){ .kind = TOK_BAD, .at = p->next, .n = 1 };
		perr(p, p->next, "a text stands between straight double quotes: \"Salon\"");
	} else if (is_letter(c) && !starts(p, p->next, "\xE2\x89")) {
		size_t at = p->next;
		while (p->next < p->text.n && (is_letter(p->text.p[p->next]) || is_digit(p->text.p[p->next])) &&
		       !starts(p, p->next, "\xC2\xA0") && !starts(p, p->next, "\xE2"))
			p->next++;
		if (p->next == at)
			p->next++; /* a lone lead byte */
		p->tok =
			(struct token){ .kind = TOK_NAME, .at = at, .n = p->next - at, .text = { p->text.p + at, p->next - at } };
	} else {
		lex_symbol(p);
	}
	if (p->b->failed)
		p->tok.kind = TOK_BAD;
}

bool lex_plain_name(struct parser *p, struct str *out)
{
	if (p->tok.kind == TOK_STRING) {
		*out = p->tok.text;
		lex_next(p);
		return !p->b->failed;
	}
	if (p->tok.kind != TOK_NAME && p->tok.kind != TOK_NUMBER)
		return false;
	size_t i = p->tok.at;
	while (i < p->text.n) {
		char c = p->text.p[i];
		bool joins =
			(c == '-' || c == '.') && i + 1 < p->text.n && (is_letter(p->text.p[i + 1]) || is_digit(p->text.p[i + 1]));
		if (!is_letter(c) && !is_digit(c) && !joins)
			break;
		i++;
	}
	*out = arena_str(p->b->arena, (struct str){ p->text.p + p->tok.at, i - p->tok.at });
	p->next = i;
	lex_next(p);
	return !p->b->failed;
}
