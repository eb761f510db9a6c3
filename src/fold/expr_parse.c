/* Method: recursive descent, a type on every node. or < and < not < comparison < + − < × ÷ < sign. */
#include "fold/expr_parse.h"

#include <stdlib.h>

static const char *const KEYWORDS[] = { "and", "or", "not", "in", "true", "false" };

struct node *node_new(struct parser *p, enum node_kind kind, enum type type, size_t at)
{
	if (++p->b->nodes > 2 * EXPR_OPS_MAX)
		perr(p, at, "this condition is too long (limit: %d operations)", EXPR_OPS_MAX);
	struct node *n = arena_new(p->b->arena, struct node);
	n->kind = (uint8_t)kind;
	n->type = (uint8_t)type;
	n->fn = F_COUNT;
	n->at = at;
	return n;
}

bool at_name(const struct parser *p, const char *word)
{
	return p->tok.kind == TOK_NAME && str_is(p->tok.text, word);
}

bool expect(struct parser *p, enum token_kind kind, const char *what)
{
	if (p->tok.kind != kind) {
		if (p->tok.kind == TOK_END)
			return perr(p, p->tok.at, "%s is missing at the end", what);
		return perr(p, p->tok.at, "%s is missing here", what);
	}
	lex_next(p);
	return !p->b->failed;
}

static struct node *operation(struct parser *p, enum opcode code, enum type type, struct node *a, struct node *b)
{
	struct node *n = node_new(p, b ? NODE_OP2 : NODE_OP1, type, a->at);
	n->op.code = (uint8_t)code;
	n->a = a;
	n->b = b;
	n->cost = a->cost + (b ? b->cost : 0);
	return n;
}

/* ---- comparisons ---- */

static const char *what_is(const struct node *n)
{
	size_t count;
	return n->fn < F_COUNT ? expr_words(&count)[n->fn].name : n->literal ? "this value" : "this";
}

static bool same_type(struct parser *p, const struct node *a, const struct node *b)
{
	if (a->type == T_DURATION && b->type == T_DURATION && (a->months || b->months) && !(a->months && b->months))
		return perr(p, b->months ? b->at : a->at,
		            "months differ in length: compare days, or add them to a date: "
		            "last_order + 6 months <= today");
	if (a->type == b->type)
		return true;
	if (a->type == T_MONEY && b->type == T_NUMBER && b->literal)
		return perr(p, b->at, "%s is an amount of money: write it as 25 %s", what_is(a), p->b->context->currency.code);
	return perr(p, b->at, "%s is %s; it compares with another, e.g. %s, not with %s", what_is(a),
	            type_title((enum type)a->type), type_example((enum type)a->type), type_title((enum type)b->type));
}

static enum opcode compare_code(enum token_kind k)
{
	switch ((int)k) {
	case TOK_EQ: return OP_EQ;
	case TOK_NE: return OP_NE;
	case TOK_LT: return OP_LT;
	case TOK_LE: return OP_LE;
	case TOK_GT: return OP_GT;
	case TOK_GE: return OP_GE;
	default: return OP_CONST;
	}
}

static struct node *negated(struct parser *p, struct node *a)
{
	struct node *n = node_new(p, NODE_NOT, T_BOOL, a->at);
	n->a = a;
	n->cost = a->cost;
	return n;
}

static struct node *text_node(struct parser *p, struct node *left, struct str *texts, uint32_t count)
{
	struct text_list *t = arena_new(p->b->arena, struct text_list);
	t->texts = texts;
	t->count = count;
	t->index = (uint16_t)p->b->text_count++;
	t->slots = arena_array(p->b->arena, uint16_t, count + 1);
	for (uint32_t i = 0; i < count; i++)
		t->slots[i] = memchr(texts[i].p, '*', texts[i].n) ? NO_SLOT : slot_of(p, texts[i]);
	struct node *n = operation(p, OP_TEXT, T_BOOL, left, NULL);
	n->op.texts = t;
	n->cost += 3;
	return n;
}

static int by_value(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
	return (a > b) - (a < b);
}

/* "(a, b, c)" after `in`. */
static struct node *in_list(struct parser *p, struct node *left)
{
	size_t open = p->tok.at;
	lex_next(p);
	int64_t *values = NULL;
	struct str *texts = NULL;
	uint32_t count = 0, value_cap = 0, text_cap = 0;
	do {
		if (count == LIST_MAX) {
			perr(p, p->tok.at, "a list holds at most %d values", LIST_MAX);
			return NULL;
		}
		if (count)
			lex_next(p);
		values = list_grow(p->b->arena, values, count, &value_cap, sizeof *values);
		texts = list_grow(p->b->arena, texts, count, &text_cap, sizeof *texts);
		if (left->type == T_ENUM) {
			if (!parse_enum_word(p, (enum enum_kind)left->enum_kind, &values[count]))
				return NULL;
		} else if (left->type == T_TEXT) {
			if (!parse_string(p, "\"Lille\"", &texts[count]))
				return NULL;
		} else {
			struct node value;
			if (!parse_literal(p, &value) || !same_type(p, left, &value))
				return NULL;
			values[count] = value.op.v;
		}
		count++;
	} while (p->tok.kind == TOK_COMMA);
	if (!expect(p, TOK_RPAREN, "\")\""))
		return NULL;
	if (left->type == T_BOOL) {
		perr(p, open, "%s is yes or no: it needs no list", what_is(left));
		return NULL;
	}
	if (left->type == T_TEXT)
		return text_node(p, left, texts, count);
	qsort(values, count, sizeof *values, by_value);
	struct node *n = operation(p, OP_SET, T_BOOL, left, NULL);
	n->op.v = count;
	n->op.set = values;
	return n;
}

static struct node *in_window(struct parser *p, struct node *left)
{
	struct window *w = arena_new(p->b->arena, struct window);
	size_t at = p->tok.at;
	if (!parse_window(p, w))
		return NULL;
	if (w->unit == U_HOURS && (w->kind == W_LAST || w->kind == W_BEFORE_LAST)) {
		perr(p, at, "%s is a date: count in days, e.g. last 3 days", what_is(left));
		return NULL;
	}
	if (w->kind != W_FIXED)
		p->b->needs |= N_TIME;
	struct node *n = operation(p, OP_WINDOW, T_BOOL, left, NULL);
	n->op.window = w;
	return n;
}

/* After `in`: a list, a range of values, a range of dates. */
static struct node *parse_in(struct parser *p, struct node *left)
{
	if (p->tok.kind == TOK_LPAREN)
		return in_list(p, left);
	if (left->type == T_DATE && at_window(p))
		return in_window(p, left);
	if (left->type == T_ENUM || left->type == T_TEXT || left->type == T_BOOL) {
		perr(p, p->tok.at, "after \"in\" a list stands in parentheses: (%s)",
		     left->type == T_ENUM ? enum_example((enum enum_kind)left->enum_kind) : "\"Lille\", \"Roubaix\"");
		return NULL;
	}
	struct node lo, hi;
	if (!parse_literal(p, &lo) || !expect(p, TOK_DOTS, "\"..\" and the end of the range") || !parse_literal(p, &hi))
		return NULL;
	if (lo.type == T_NUMBER && hi.type == T_MONEY && !literal_money(p, &lo)) /* 20..50 EUR */
		return NULL;
	if (lo.type == T_NUMBER && hi.percent && !lo.percent) /* 10..20 % */
		lo.op.v /= 100;
	if (!same_type(p, left, &lo) || !same_type(p, left, &hi))
		return NULL;
	if (lo.op.v > hi.op.v) {
		perr(p, lo.at, "this range ends before it starts");
		return NULL;
	}
	struct node *n = operation(p, OP_BETWEEN, T_BOOL, left, NULL);
	n->op.v = lo.op.v;
	n->op.w = hi.op.v;
	return n;
}

static struct node *compare_with(struct parser *p, struct node *left, enum opcode code)
{
	size_t at = p->tok.at;
	bool equality = code == OP_EQ || code == OP_NE;
	if ((left->type == T_ENUM || left->type == T_TEXT || left->type == T_BOOL) && !equality) {
		perr(p, left->at, "%s has no order: compare it with = or !=", what_is(left));
		return NULL;
	}
	if (left->type == T_TEXT) {
		struct str *text = arena_new(p->b->arena, struct str);
		if (!parse_string(p, "\"59*\"", text))
			return NULL;
		struct node *n = text_node(p, left, text, 1);
		return code == OP_NE ? negated(p, n) : n;
	}
	struct node *right;
	if (left->type == T_ENUM) {
		right = node_new(p, NODE_CONST, T_ENUM, at);
		right->op.code = OP_CONST;
		if (!parse_enum_word(p, (enum enum_kind)left->enum_kind, &right->op.v))
			return NULL;
	} else {
		right = parse_additive(p);
		if (!right || !same_type(p, left, right))
			return NULL;
	}
	return operation(p, code, T_BOOL, left, right);
}

static struct node *parse_comparison(struct parser *p)
{
	struct node *left = parse_additive(p);
	if (!left)
		return NULL;
	enum opcode code = compare_code(p->tok.kind);
	struct node *n = left;
	if (code != OP_CONST) {
		lex_next(p);
		n = compare_with(p, left, code);
	} else if (at_name(p, "in")) {
		lex_next(p);
		n = parse_in(p, left);
	} else if (at_name(p, "not")) {
		lex_next(p);
		if (!at_name(p, "in")) {
			perr(p, p->tok.at, "\"in\" belongs after \"not\" here; or \"and\" before it");
			return NULL;
		}
		lex_next(p);
		n = parse_in(p, left);
		n = n ? negated(p, n) : NULL;
	}
	if (n && n != left && compare_code(p->tok.kind) != OP_CONST) {
		perr(p, p->tok.at, "comparisons do not chain: write a < b and b < c, or b in 3..6");
		return NULL;
	}
	return n;
}

static struct node *parse_not(struct parser *p)
{
	if (!at_name(p, "not"))
		return parse_comparison(p);
	size_t at = p->tok.at;
	if (++p->depth > EXPR_DEPTH_MAX) {
		perr(p, at, "nested too deeply (limit: %d levels)", EXPR_DEPTH_MAX);
		return NULL;
	}
	lex_next(p);
	struct node *a = parse_not(p);
	p->depth--;
	if (a && a->type != T_BOOL) {
		perr(p, a->at, "\"not\" takes a condition; %s is %s", what_is(a), type_title((enum type)a->type));
		return NULL;
	}
	return a ? negated(p, a) : NULL;
}

static bool condition(struct parser *p, const struct node *n)
{
	if (n->type == T_BOOL)
		return true;
	if (n->type == T_ENUM)
		return perr(p, n->at, "%s is no condition by itself: write %s = %s", what_is(n), what_is(n),
		            enum_example((enum enum_kind)n->enum_kind));
	return perr(p, n->at, "%s is %s, not a condition: compare it, e.g. %s > %s", what_is(n),
	            type_title((enum type)n->type), what_is(n), type_example((enum type)n->type));
}

/* a and b and c: one node with children, so that length costs no depth and the cheap ones can be asked first. */
static struct node *parse_chain(struct parser *p, const char *word, enum node_kind kind,
                                struct node *(*operand)(struct parser *))
{
	struct node *first = operand(p);
	if (!first || !at_name(p, word))
		return first;
	struct node *n = node_new(p, kind, T_BOOL, first->at), *last = first;
	n->a = first;
	n->cost = first->cost;
	if (!condition(p, first))
		return NULL;
	while (at_name(p, word)) {
		lex_next(p);
		struct node *next = operand(p);
		if (!next || !condition(p, next))
			return NULL;
		last->sibling = next;
		last = next;
		n->cost += next->cost;
	}
	return n;
}

static struct node *parse_and(struct parser *p)
{
	return parse_chain(p, "and", NODE_AND, parse_not);
}

struct node *parse_expression(struct parser *p)
{
	return parse_chain(p, "or", NODE_OR, parse_and);
}

/* ---- arithmetic ---- */

static struct node *unknown_word(struct parser *p, struct str word, size_t at)
{
	static const enum enum_kind KINDS[] = { E_PHASE, E_GENDER, E_LOCALE, E_CONSENT, E_ANSWER, E_WEEKDAY, E_RFM };
	static const char *const FIELDS[] = { "lifecycle", "gender",         "locale", "consent(email)",
		                                  "answered",  "weekday(today)", "rfm" };
	const char *names[F_COUNT + ARRAY_LEN(KEYWORDS)];
	size_t count, n = 0;
	const struct expr_word *words = expr_words(&count);
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
		if (enum_find(KINDS[i], word) >= 0 && !str_is(word, "none")) {
			perr(p, at, "\"%.*s\" is no condition by itself: write %s = %.*s", STR_ARG(word), FIELDS[i], STR_ARG(word));
			return NULL;
		}
	for (size_t i = 0; i < count; i++)
		names[n++] = words[i].name;
	for (size_t i = 2; i < ARRAY_LEN(KEYWORDS); i++)
		names[n++] = KEYWORDS[i];
	const char *near = near_word(word, names, n);
	if (near)
		perr(p, at, "no word \"%.*s\"; did you mean \"%s\"?", STR_ARG(word), near);
	else
		perr(p, at, "no word \"%.*s\"; the words are listed in doc/expressions.md", STR_ARG(word));
	return NULL;
}

static struct node *parse_parentheses(struct parser *p)
{
	if (++p->depth > EXPR_DEPTH_MAX) {
		perr(p, p->tok.at, "nested too deeply (limit: %d levels)", EXPR_DEPTH_MAX);
		return NULL;
	}
	lex_next(p);
	struct node *n = parse_expression(p);
	p->depth--;
	if (!n || !expect(p, TOK_RPAREN, "\")\""))
		return NULL;
	return n;
}

static struct node *parse_primary(struct parser *p)
{
	size_t at = p->tok.at;
	switch ((int)p->tok.kind) {
	case TOK_NUMBER:
	case TOK_DATE: {
		struct node literal;
		if (!parse_literal(p, &literal))
			return NULL;
		struct node *n = node_new(p, NODE_CONST, (enum type)literal.type, at);
		*n = literal;
		return n;
	}
	case TOK_LPAREN: return parse_parentheses(p);
	case TOK_NAME: {
		struct str word = p->tok.text;
		bool yes = str_is(word, "true");
		if (yes || str_is(word, "false")) {
			struct node *n = node_new(p, NODE_CONST, T_BOOL, at);
			n->op.code = OP_CONST;
			n->op.v = yes;
			n->literal = true;
			lex_next(p);
			return n;
		}
		int fn = fn_find(word);
		if (fn < 0)
			return unknown_word(p, word, at);
		lex_next(p);
		return parse_function(p, (enum fn)fn, at);
	}
	case TOK_STRING:
		perr(p, at, "a text cannot stand here: write the field first, e.g. store = \"Lille\"");
		return NULL;
	case TOK_END:
		perr(p, at,
		     at == 0 ? "nothing is asked: write a condition, e.g. lifecycle = lapsing"
		             : "a condition is missing at the end");
		return NULL;
	default: perr(p, at, "a word or a value is missing here, e.g. lifecycle = lapsing"); return NULL;
	}
}

static struct node *parse_sign(struct parser *p)
{
	if (p->tok.kind != TOK_MINUS)
		return parse_primary(p);
	size_t at = p->tok.at;
	if (++p->depth > EXPR_DEPTH_MAX) {
		perr(p, at, "nested too deeply (limit: %d levels)", EXPR_DEPTH_MAX);
		return NULL;
	}
	lex_next(p);
	struct node *a = parse_sign(p);
	p->depth--;
	if (!a)
		return NULL;
	if (a->type != T_NUMBER && a->type != T_MONEY) {
		perr(p, at, "only a number or an amount takes a minus sign; %s is %s", what_is(a),
		     type_title((enum type)a->type));
		return NULL;
	}
	return operation(p, OP_NEG, (enum type)a->type, a, NULL);
}

static struct node *no_arithmetic(struct parser *p, size_t at, const char *sign, const struct node *a,
                                  const struct node *b)
{
	perr(p, at, "%s %s %s has no meaning", type_title((enum type)a->type), sign, type_title((enum type)b->type));
	return NULL;
}

static struct node *product(struct parser *p, size_t at, bool divide, struct node *a, struct node *b)
{
	bool number_b = b->type == T_NUMBER;
	if (!divide && number_b && (a->type == T_NUMBER || a->type == T_MONEY))
		return operation(p, OP_MUL, (enum type)a->type, a, b);
	if (!divide && a->type == T_NUMBER && b->type == T_MONEY)
		return operation(p, OP_MUL, T_MONEY, b, a);
	if (divide && number_b && (a->type == T_NUMBER || a->type == T_MONEY))
		return operation(p, OP_DIV, (enum type)a->type, a, b);
	if (divide && a->type == T_MONEY && b->type == T_MONEY)
		return operation(p, OP_RATIO, T_NUMBER, a, b);
	return no_arithmetic(p, at, divide ? "/" : "*", a, b);
}

static struct node *parse_product(struct parser *p)
{
	struct node *a = parse_sign(p);
	while (a && (p->tok.kind == TOK_STAR || p->tok.kind == TOK_SLASH)) {
		size_t at = p->tok.at;
		bool divide = p->tok.kind == TOK_SLASH;
		lex_next(p);
		struct node *b = parse_sign(p);
		a = b ? product(p, at, divide, a, b) : NULL;
	}
	return a;
}

static struct node *date_shift(struct parser *p, bool minus, struct node *a, struct node *b)
{
	if (!b->literal || b->kind != NODE_CONST) {
		perr(p, b->at, "only a written duration can be added to a date, e.g. last_order + 30 days");
		return NULL;
	}
	int64_t n = minus ? -b->op.v : b->op.v;
	if (!b->months && n % DAY_S != 0) {
		perr(p, b->at, "a date has no hours: add days, weeks, months or years");
		return NULL;
	}
	struct node *shifted = operation(p, b->months ? OP_ADD_MONTHS : OP_ADD_DAYS, T_DATE, a, NULL);
	shifted->op.v = b->months ? n : n / DAY_S;
	return shifted;
}

static struct node *sum(struct parser *p, size_t at, bool minus, struct node *a, struct node *b)
{
	if (a->type == T_DATE && b->type == T_DURATION)
		return date_shift(p, minus, a, b);
	if (minus && a->type == T_DATE && b->type == T_DATE)
		return operation(p, OP_DATE_DIFF, T_DURATION, a, b);
	if (a->type != b->type || (a->type != T_NUMBER && a->type != T_MONEY && a->type != T_DURATION))
		return no_arithmetic(p, at, minus ? "-" : "+", a, b);
	if (a->type == T_DURATION && !same_type(p, a, b))
		return NULL;
	struct node *n = operation(p, minus ? OP_SUB : OP_ADD, (enum type)a->type, a, b);
	n->months = a->months;
	return n;
}

struct node *parse_additive(struct parser *p)
{
	struct node *a = parse_product(p);
	while (a && (p->tok.kind == TOK_PLUS || p->tok.kind == TOK_MINUS)) {
		size_t at = p->tok.at;
		bool minus = p->tok.kind == TOK_MINUS;
		lex_next(p);
		struct node *b = parse_product(p);
		a = b ? sum(p, at, minus, a, b) : NULL;
	}
	return a;
}

/* ---- the whole ---- */

static struct node *parse_all(struct parser *p)
{
	lex_next(p);
	struct node *n = parse_expression(p);
	if (!n || p->b->failed)
		return NULL;
	if (p->tok.kind != TOK_END) {
		const char *near = p->tok.kind == TOK_NAME ? str_nearest(p->tok.text, KEYWORDS, 4, 2) : NULL;
		if (near)
			perr(p, p->tok.at, "\"%.*s\" cannot stand here; did you mean \"%s\"?", STR_ARG(p->tok.text), near);
		else
			perr(p, p->tok.at, "something is too much from here on; two conditions are joined with \"and\" or \"or\"");
		return NULL;
	}
	return condition(p, n) ? n : NULL;
}

struct node *parse_segment_text(struct parser *p, struct str name, struct str text, size_t at)
{
	if (p->b->segment_depth == SEGMENT_DEPTH_MAX) {
		perr(p, at, "segments name each other more than %d deep, or in a circle", SEGMENT_DEPTH_MAX);
		return NULL;
	}
	struct parser inner = { .b = p->b, .text = text, .depth = p->depth };
	p->b->segment_depth++;
	struct node *n = text.n <= EXPR_TEXT_MAX ? parse_all(&inner) : NULL;
	p->b->segment_depth--;
	if (n)
		return n;
	struct expr_error was = *p->b->error; /* the place is in the other text */
	p->b->failed = false;
	if (str_starts(str_from(was.text), STR("in segment")) ||
	    str_starts(str_from(was.text), STR("dans le segment"))) /* the innermost says it best */
		perr(p, at, "%s", was.text);
	else
		perr(p, at, "in segment \"%.*s\", %zu:%zu: %.160s", STR_ARG(name), was.line, was.column, was.text);
	return NULL;
}

const struct expr *expr_compile(struct str text, const struct expr_context *context, struct arena *a,
                                struct expr_error *error)
{
	*error = (struct expr_error){ .line = 1, .column = 1 };
	struct build b = { .context = context, .arena = a, .error = error };
	struct parser p = { .b = &b, .text = text };
	if (text.n > EXPR_TEXT_MAX) {
		perr(&p, 0, "this condition is too long (limit: %d bytes)", EXPR_TEXT_MAX);
		return NULL;
	}
	struct node *root = parse_all(&p);
	if (!root || b.failed)
		return NULL;
	return emit_expression(&b, root, &p);
}
