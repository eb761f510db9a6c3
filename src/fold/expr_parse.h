/* expr_parse: tokens and the typed tree; inside expr_*.c only. */
#ifndef RELANCE_FOLD_EXPR_PARSE_H
#define RELANCE_FOLD_EXPR_PARSE_H

#include "base/hash.h"
#include "fold/expr_int.h"

#include <stdarg.h>

enum token_kind {
	TOK_END,
	TOK_NAME,
	TOK_NUMBER,
	TOK_DATE,
	TOK_STRING,
	TOK_LPAREN,
	TOK_RPAREN,
	TOK_COMMA,
	TOK_DOTS,
	TOK_EQ,
	TOK_NE,
	TOK_LT,
	TOK_LE,
	TOK_GT,
	TOK_GE,
	TOK_PLUS,
	TOK_MINUS,
	TOK_STAR,
	TOK_SLASH,
	TOK_PERCENT,
	TOK_BAD,
};

struct token {
	enum token_kind kind;
	size_t at, n;    /* bytes of the text */
	int64_t v;       /* NUMBER × NUMBER_ONE, DATE */
	struct str text; /* NAME, STRING without quotes and escapes */
};

/* What one compilation gathers, over the text and the segments it names. */
struct build {
	const struct expr_context *context;
	struct arena *arena;
	struct expr_error *error;
	bool failed;
	struct word_slot *slots;
	const struct leaf **leaves;
	uint32_t slot_count, slot_cap, leaf_count, leaf_cap, text_count, segment_depth;
	uint32_t needs;
	uint32_t nodes;
};

struct parser {
	struct build *b;
	struct str text;
	size_t next; /* where the next token starts */
	struct token tok;
	int depth;
};

enum node_kind { NODE_CONST, NODE_LEAF, NODE_NOT, NODE_AND, NODE_OR, NODE_OP1, NODE_OP2 };

struct node {
	uint8_t kind, type, enum_kind, fn; /* fn: the word it came from, F_COUNT none */
	bool literal;
	bool months; /* a duration literal in months (v), not seconds */
	bool percent;
	uint32_t cost;
	size_t at;
	struct op op; /* OP1, OP2, CONST, LEAF */
	struct node *a, *b;
	struct node *sibling; /* of an AND or OR */
};

void lex_next(struct parser *p);
/* A plan's or step's name from the current token on: letters, digits, '_', '-', '.'; or a quoted text. */
bool lex_plain_name(struct parser *p, struct str *out);

bool perr(struct parser *p, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4); /* first one wins; returns false */
/* The sentence in French: expr_french.c. */
void expr_french(char *out, size_t size, const char *fmt, va_list *args);
const char *near_word(struct str s, const char *const *words, size_t count); /* or NULL */

struct node *node_new(struct parser *p, enum node_kind kind, enum type type, size_t at);
struct node *parse_expression(struct parser *p);
struct node *parse_additive(struct parser *p);
bool parse_literal(struct parser *p, struct node *out);    /* number, money, percent, duration, date; no text */
bool literal_money(struct parser *p, struct node *number); /* 20 in "20..50 EUR" */
struct node *parse_segment_text(struct parser *p, struct str name, struct str text, size_t at);
void *list_grow(struct arena *a, void *list, uint32_t count, uint32_t *cap, size_t size); /* room for one more */
bool at_name(const struct parser *p, const char *word);
bool expect(struct parser *p, enum token_kind kind, const char *what);
bool parse_window(struct parser *p, struct window *out); /* at `last`, `since`, `before`, `this` or a date */
bool at_window(const struct parser *p);
bool parse_enum_word(struct parser *p, enum enum_kind k, int64_t *out);
bool parse_string(struct parser *p, const char *example, struct str *out);

/* The function `fn` whose name was just read: its arguments, then the leaf or operation. */
struct node *parse_function(struct parser *p, enum fn fn, size_t at);

uint16_t slot_of(struct parser *p, struct str text);
const char *type_title(enum type t);
const char *type_example(enum type t);

/* The tree as operations; NULL when a limit is passed. */
const struct expr *emit_expression(struct build *b, const struct node *root, struct parser *p);

#endif
