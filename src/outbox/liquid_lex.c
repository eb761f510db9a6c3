/* The markup between {{ }} or after a tag's name: tokens, then expressions by recursive descent, everything in the
 * template's arena. The tokens are those of the reference's lexer. */
#include "outbox/liquid_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void lline_column(struct str source, size_t pos, int *line, int *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < pos && i < source.n; i++) {
		if (source.p[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)source.p[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

bool lsyntax(const struct liquid_template *t, struct err *err, uint32_t pos, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	int line, column;
	lline_column(t->source, pos, &line, &column);
	return err_set(err, ERR_INPUT, "%s:%d:%d: %s", t->name, line, column, text);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static size_t number_length(const char *p, const char *end)
{
	const char *q = p;
	if (q < end && *q == '-')
		q++;
	if (q == end || !is_digit(*q))
		return 0;
	while (q < end && is_digit(*q))
		q++;
	if (q + 1 < end && *q == '.' && is_digit(q[1]))
		for (q++; q < end && is_digit(*q);)
			q++;
	return (size_t)(q - p);
}

static size_t compare_length(const char *p, const char *end, enum lcompare *op)
{
	char next = p + 1 < end ? p[1] : '\0';
	if (*p == '=' && next == '=')
		return *op = LCMP_EQ, 2;
	if (*p == '!' && next == '=')
		return *op = LCMP_NE, 2;
	if (*p == '<')
		return next == '>' ? (*op = LCMP_NE, 2) : next == '=' ? (*op = LCMP_LE, 2) : (*op = LCMP_LT, 1);
	if (*p == '>')
		return next == '=' ? (*op = LCMP_GE, 2) : (*op = LCMP_GT, 1);
	return 0;
}

static enum ltoken_type special(char c)
{
	static const char CHARS[] = "|.:,[]()?-";
	static const enum ltoken_type TYPES[] = { LTOK_PIPE,        LTOK_DOT,          LTOK_COLON,      LTOK_COMMA,
		                                      LTOK_OPEN_SQUARE, LTOK_CLOSE_SQUARE, LTOK_OPEN_ROUND, LTOK_CLOSE_ROUND,
		                                      LTOK_QUESTION,    LTOK_DASH };
	const char *at = c ? strchr(CHARS, c) : NULL;
	return at ? TYPES[at - CHARS] : LTOK_END;
}

/* One token at p; false when nothing starts with this character. */
static bool next_token(const char *p, const char *end, enum ltoken_type before, struct ltoken *out, size_t *length)
{
	*out = (struct ltoken){ 0 };
	size_t n = compare_length(p, end, &out->op);
	if (n) {
		out->type = LTOK_COMPARE;
	} else if (*p == '\'' || *p == '"') {
		const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
		if (!close)
			return false;
		out->type = LTOK_STRING;
		out->text = (struct str){ p + 1, (size_t)(close - p - 1) };
		*length = (size_t)(close + 1 - p);
		return true;
	} else if ((n = number_length(p, end))) {
		out->type = LTOK_NUMBER;
	} else if (is_word(*p)) {
		for (n = 1; p + n < end && (is_word(p[n]) || p[n] == '-');)
			n++;
		if (p + n < end && p[n] == '?')
			n++;
		bool contains = n == 8 && memcmp(p, "contains", 8) == 0 && before != LTOK_DOT;
		out->type = contains ? LTOK_COMPARE : LTOK_ID;
		out->op = contains ? LCMP_CONTAINS : LCMP_NONE;
	} else if (*p == '.' && p + 1 < end && p[1] == '.') {
		out->type = LTOK_DOTDOT;
		n = 2;
	} else {
		out->type = special(*p);
		n = 1;
		if (out->type == LTOK_END)
			return false;
	}
	out->text = (struct str){ p, n };
	*length = n;
	return true;
}

bool lparser_init(struct lparser *p, struct liquid_template *t, struct str markup, struct err *err)
{
	*p = (struct lparser){ .t = t, .err = err };
	size_t cap = 0, n = 0;
	struct ltoken *tokens = NULL;
	enum ltoken_type before = LTOK_END;
	bool ok = true;
	const char *c = markup.p, *end = markup.p + markup.n;
	for (;;) {
		while (c < end && is_space(*c))
			c++;
		tokens = mem_grow(tokens, &cap, n + 1, sizeof *tokens);
		uint32_t pos = (uint32_t)(c - t->source.p);
		if (c == end) {
			tokens[n++] = (struct ltoken){ .type = LTOK_END, .pos = pos };
			break;
		}
		size_t length = 0;
		if (!next_token(c, end, before, &tokens[n], &length)) {
			int bytes = 1;
			while (bytes < 4 && c + bytes < end && ((unsigned char)c[bytes] & 0xc0) == 0x80)
				bytes++;
			ok = *c == '\'' || *c == '"' ? lsyntax(t, err, pos, "this quotation is never closed")
			                             : lsyntax(t, err, pos, "unexpected character \"%.*s\"", bytes, c);
			break;
		}
		if (n == LTOKENS_MAX) {
			ok = lsyntax(t, err, pos, "more than %d words and signs in one tag", LTOKENS_MAX);
			break;
		}
		tokens[n].pos = pos;
		before = tokens[n++].type;
		c += length;
	}
	if (ok) {
		p->tokens = arena_copy(&t->arena, tokens, n * sizeof *tokens);
		p->count = n;
	}
	free(tokens);
	return ok;
}

/* ---- expressions ---- */

static const struct lexpr *fail_expr(struct lparser *p, const char *wanted)
{
	const struct ltoken *t = lpeek(p);
	if (t->type == LTOK_END)
		lsyntax(p->t, p->err, t->pos, "%s is missing", wanted);
	else
		lsyntax(p->t, p->err, t->pos, "expected %s, found \"%.*s\"", wanted, (int)(t->text.n > 40 ? 40 : t->text.n),
		        t->text.p);
	return NULL;
}

static struct lexpr *new_expr(struct lparser *p, enum lexpr_type type, uint32_t pos)
{
	struct lexpr *e = arena_new(&p->t->arena, struct lexpr);
	e->type = type;
	e->pos = pos;
	return e;
}

static const struct lexpr *new_literal(struct lparser *p, struct lval v, uint32_t pos)
{
	struct lexpr *e = new_expr(p, LEXPR_LITERAL, pos);
	e->literal = v;
	return e;
}

static struct lval number_literal(struct str s)
{
	int64_t i;
	if (str_i64(s, &i))
		return lval_int(i);
	if (!memchr(s.p, '.', s.n))
		return lval_str(s); /* beyond 64 bits: printed as written, and counted with as far as 128 bits go */
	double f = 0;
	return str_f64(s, &f) ? lval_float(f) : lval_int(0);
}

static bool word_literal(struct str word, bool condition, struct lval *out)
{
	if (str_is(word, "nil") || str_is(word, "null"))
		*out = lval_nil();
	else if (str_is(word, "true") || str_is(word, "false"))
		*out = lval_bool(word.n == 4);
	else if (str_is(word, "empty"))
		*out = condition ? (struct lval){ .type = LVAL_EMPTY } : lval_cstr("");
	else if (str_is(word, "blank"))
		*out = condition ? (struct lval){ .type = LVAL_BLANK } : lval_cstr("");
	else
		return false;
	return true;
}

static enum lcommand command_of(struct str key)
{
	return str_is(key, "size")    ? LCOMMAND_SIZE
	       : str_is(key, "first") ? LCOMMAND_FIRST
	       : str_is(key, "last")  ? LCOMMAND_LAST
	                              : LCOMMAND_NONE;
}

/* .name and [expression] after a name. */
static bool parse_segments(struct lparser *p, struct lexpr *e)
{
	struct lsegment list[LIQUID_NESTING_MAX];
	uint32_t n = 0;
	for (;;) {
		enum ltoken_type type = lpeek(p)->type;
		if (type != LTOK_OPEN_SQUARE && type != LTOK_DOT)
			break;
		p->at++;
		if (n == LIQUID_NESTING_MAX)
			return lsyntax(p->t, p->err, e->pos, "more than %d steps in one path", LIQUID_NESTING_MAX);
		struct lsegment *s = &list[n++];
		*s = (struct lsegment){ 0 };
		if (type == LTOK_DOT) {
			const struct ltoken *t = lpeek(p);
			if (t->type != LTOK_ID)
				return fail_expr(p, "a name after the point") != NULL;
			p->at++;
			s->key = t->text;
			s->hash = lkey_hash(s->key);
			s->command = (uint8_t)command_of(s->key);
			continue;
		}
		const struct lexpr *inner = lparse_expr(p, false);
		if (!inner)
			return false;
		if (lpeek(p)->type != LTOK_CLOSE_SQUARE)
			return fail_expr(p, "\"]\"") != NULL;
		p->at++;
		if (inner->type == LEXPR_LITERAL && inner->literal.type == LVAL_STRING) {
			s->key = lval_view(inner->literal);
			s->hash = lkey_hash(s->key);
		} else {
			s->expr = inner;
			int64_t i = inner->type == LEXPR_LITERAL && inner->literal.type == LVAL_INT ? inner->literal.i : -1;
			s->is_index = i >= 0 && i <= UINT32_MAX;
			s->index = (uint32_t)i;
		}
	}
	uint32_t *hints = arena_array(&p->t->arena, uint32_t, n + 1);
	e->lookup.hint = hints;
	for (uint32_t i = 0; i < n; i++)
		list[i].hint = hints + 1 + i;
	e->lookup.segments = arena_copy(&p->t->arena, list, n * sizeof *list);
	e->lookup.segment_count = n;
	return true;
}

/* The same path has the same slot: looked up once while nothing changes. */
static void give_slot(struct liquid_template *t, struct lexpr *e)
{
	struct buf b;
	if (e->lookup.name_expr)
		return;
	for (uint32_t i = 0; i < e->lookup.segment_count; i++)
		if (e->lookup.segments[i].expr && !e->lookup.segments[i].is_index)
			return;
	buf_init(&b, LIQUID_SOURCE_MAX);
	buf_str(&b, e->lookup.name);
	for (uint32_t i = 0; i < e->lookup.segment_count; i++) {
		const struct lsegment *s = &e->lookup.segments[i];
		if (s->is_index)
			buf_printf(&b, "[%u", s->index);
		else
			buf_printf(&b, ".%zu:%.*s", s->key.n, STR_ARG(s->key));
	}
	struct str path = buf_view(&b);
	const struct lval *known = lobject_find(t->slots, path, lkey_hash(path));
	e->slot = known ? (uint32_t)known->i : ++t->slot_count;
	if (!known)
		lobject_put(&t->arena, t->slots, arena_str(&t->arena, path), lval_int(e->slot));
	buf_release(&b);
}

static bool range_end(struct lparser *p, const struct lexpr *e, int64_t *out)
{
	struct lval v = e->literal;
	switch ((enum lval_type)v.type) {
	case LVAL_INT: *out = v.i; return true;
	case LVAL_FLOAT: *out = v.f > -9e18 && v.f < 9e18 ? (int64_t)v.f : 0; return true;
	case LVAL_STRING: *out = lstring_to_i(lval_view(v)); return true;
	case LVAL_NIL: *out = 0; return true;
	case LVAL_BOOL:
	case LVAL_ARRAY:
	case LVAL_OBJECT:
	case LVAL_RANGE:
	case LVAL_LOOP:
	case LVAL_EMPTY:
	case LVAL_BLANK: break;
	}
	return lsyntax(p->t, p->err, e->pos, "a range goes from a number to a number");
}

static const struct lexpr *parse_range(struct lparser *p)
{
	uint32_t pos = lpeek(p)->pos;
	p->at++;
	const struct lexpr *from = lparse_expr(p, false);
	if (!from)
		return NULL;
	if (lpeek(p)->type != LTOK_DOTDOT)
		return fail_expr(p, "\"..\"");
	p->at++;
	const struct lexpr *to = lparse_expr(p, false);
	if (!to)
		return NULL;
	if (lpeek(p)->type != LTOK_CLOSE_ROUND)
		return fail_expr(p, "\")\"");
	p->at++;
	if (from->type == LEXPR_LITERAL && to->type == LEXPR_LITERAL) {
		struct lrange *range = arena_new(&p->t->arena, struct lrange);
		if (!range_end(p, from, &range->from) || !range_end(p, to, &range->to))
			return NULL;
		return new_literal(p, (struct lval){ .type = LVAL_RANGE, .range = range }, pos);
	}
	struct lexpr *e = new_expr(p, LEXPR_RANGE, pos);
	e->range.from = from;
	e->range.to = to;
	return e;
}

static const struct lexpr *parse_lookup(struct lparser *p, bool condition)
{
	const struct ltoken *t = lpeek(p);
	struct lexpr *e = new_expr(p, LEXPR_LOOKUP, t->pos);
	p->at++;
	if (t->type == LTOK_OPEN_SQUARE) {
		const struct lexpr *inner = lparse_expr(p, false);
		if (!inner)
			return NULL;
		if (lpeek(p)->type != LTOK_CLOSE_SQUARE)
			return fail_expr(p, "\"]\"");
		p->at++;
		if (inner->type == LEXPR_LITERAL && inner->literal.type == LVAL_STRING)
			e->lookup.name = lval_view(inner->literal);
		else
			e->lookup.name_expr = inner;
	} else {
		e->lookup.name = t->text;
	}
	e->lookup.hash = lkey_hash(e->lookup.name);
	if (!parse_segments(p, e))
		return NULL;
	struct lval literal;
	if (t->type == LTOK_ID && e->lookup.segment_count == 0 && word_literal(t->text, condition, &literal))
		return new_literal(p, literal, t->pos);
	give_slot(p->t, e);
	return e;
}

const struct lexpr *lparse_expr(struct lparser *p, bool condition)
{
	const struct ltoken *t = lpeek(p);
	if (p->depth == LIQUID_NESTING_MAX) {
		lsyntax(p->t, p->err, t->pos, "brackets nested more than %d deep", LIQUID_NESTING_MAX);
		return NULL;
	}
	p->depth++;
	const struct lexpr *e = NULL;
	if (t->type == LTOK_ID || t->type == LTOK_OPEN_SQUARE) {
		e = parse_lookup(p, condition);
	} else if (t->type == LTOK_STRING) {
		p->at++;
		e = new_literal(p, lval_str(t->text), t->pos);
	} else if (t->type == LTOK_NUMBER) {
		p->at++;
		e = new_literal(p, number_literal(t->text), t->pos);
	} else if (t->type == LTOK_OPEN_ROUND) {
		e = parse_range(p);
	} else {
		e = fail_expr(p, "a value");
	}
	p->depth--;
	return e;
}

/* ---- expression | filter: arguments ---- */

static bool parse_argument(struct lparser *p, const struct lexpr **args, struct lkwarg *kwargs,
                           struct lfilter_call *call)
{
	const struct ltoken *t = lpeek(p);
	if (call->arg_count + call->kwarg_count == LFILTER_ARGS_MAX)
		return lsyntax(p->t, p->err, t->pos, "more than %d arguments", LFILTER_ARGS_MAX);
	bool keyword = t->type == LTOK_ID && p->tokens[p->at + 1].type == LTOK_COLON;
	if (keyword)
		p->at += 2;
	const struct lexpr *e = lparse_expr(p, false);
	if (!e)
		return false;
	if (keyword)
		kwargs[call->kwarg_count++] = (struct lkwarg){ t->text, e };
	else
		args[call->arg_count++] = e;
	return true;
}

static bool parse_filter(struct lparser *p, struct lfilter_call *call)
{
	const struct ltoken *t = lpeek(p);
	if (t->type != LTOK_ID)
		return fail_expr(p, "a filter's name after \"|\"") != NULL;
	p->at++;
	*call = (struct lfilter_call){ .name = t->text, .pos = t->pos, .def = lfilter_find(t->text) };
	const struct lexpr *args[LFILTER_ARGS_MAX];
	struct lkwarg kwargs[LFILTER_ARGS_MAX];
	if (lpeek(p)->type == LTOK_COLON) {
		do {
			p->at++;
			if (lpeek(p)->type == LTOK_PIPE || lpeek(p)->type == LTOK_END)
				break; /* a trailing comma */
			if (!parse_argument(p, args, kwargs, call))
				return false;
		} while (lpeek(p)->type == LTOK_COMMA);
	}
	call->args = arena_copy(&p->t->arena, args, call->arg_count * sizeof *args);
	call->kwargs = arena_copy(&p->t->arena, kwargs, call->kwarg_count * sizeof *kwargs);
	return true;
}

bool lparse_pipe(struct liquid_template *t, struct str markup, struct lpipe *out, struct err *err)
{
	struct lparser p;
	*out = (struct lpipe){ 0 };
	if (!lparser_init(&p, t, markup, err))
		return false;
	if (lpeek(&p)->type == LTOK_END)
		return true;
	if (!(out->expr = lparse_expr(&p, false)))
		return false;
	struct lfilter_call list[LIQUID_NESTING_MAX];
	while (lpeek(&p)->type == LTOK_PIPE) {
		p.at++;
		if (out->filter_count == LIQUID_NESTING_MAX)
			return lsyntax(t, err, lpeek(&p)->pos, "more than %d filters in a row", LIQUID_NESTING_MAX);
		if (!parse_filter(&p, &list[out->filter_count++]))
			return false;
	}
	if (lpeek(&p)->type != LTOK_END)
		return fail_expr(&p, "\"|\" and a filter, or the end") != NULL;
	out->lenient = out->filter_count && str_is(list[0].name, "default");
	out->filters = arena_copy(&t->arena, list, out->filter_count * sizeof *list);
	return true;
}

/* ---- conditions: a == b and c or d, read from the right as the reference does ---- */

static bool parse_comparison(struct lparser *p, struct lcondition *c)
{
	c->left = lparse_expr(p, true);
	if (!c->left)
		return false;
	if (lpeek(p)->type != LTOK_COMPARE)
		return true;
	c->op = lpeek(p)->op;
	p->at++;
	c->right = lparse_expr(p, true);
	if (c->op == LCMP_NE && c->right && c->right->type == LEXPR_LITERAL && c->right->literal.type == LVAL_STRING &&
	    c->right->literal.n == 0)
		c->op = LCMP_NE_NOTHING;
	return c->right != NULL;
}

bool lparse_condition(struct liquid_template *t, struct str markup, const struct lcondition **out, struct err *err)
{
	struct lparser p;
	if (!lparser_init(&p, t, markup, err))
		return false;
	struct lcondition *c = arena_new(&t->arena, struct lcondition);
	*out = c;
	for (;;) {
		if (!parse_comparison(&p, c))
			return false;
		bool is_or = lis_id(lpeek(&p), "or");
		if (!is_or && !lis_id(lpeek(&p), "and"))
			break;
		p.at++;
		struct lcondition *next = arena_new(&t->arena, struct lcondition);
		c->next = next;
		c->next_is_or = is_or;
		c = next;
	}
	if (lpeek(&p)->type != LTOK_END)
		return fail_expr(&p, "and, or, a comparison (== != < > <= >= contains) or the end") != NULL;
	return true;
}
