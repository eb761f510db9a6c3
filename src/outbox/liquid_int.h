/* liquid_int: the compiled form of a template and the state of a rendering, shared by the engine's files only.
 *
 * liquid_lex: the markup inside {{ }} and {% %} → expressions.   liquid_parse: template → blocks of nodes.
 * liquid_render: blocks → output.   liquid_filters*, liquid_date, liquid_locale: filters.   liquid_num: decimals. */
#ifndef RELANCE_OUTBOX_LIQUID_INT_H
#define RELANCE_OUTBOX_LIQUID_INT_H

#include "outbox/liquid.h"

enum {
	LSOURCE_SLACK = 32,
	LTOKENS_MAX = 4096, /* in one markup */
	LFILTER_ARGS_MAX = 8,
};

/* ---- compiled ---- */

enum lexpr_type { LEXPR_LITERAL, LEXPR_LOOKUP, LEXPR_RANGE };

struct lsegment {
	struct str key; /* when !expr */
	uint32_t hash;
	uint8_t command; /* enum lcommand */
	bool is_index;   /* expr is a whole number, index */
	uint32_t index;
	const struct lexpr *expr;
	uint32_t *hint; /* lobject_find_hinted; one of the template's own words that change */
};

enum lcommand { LCOMMAND_NONE, LCOMMAND_SIZE, LCOMMAND_FIRST, LCOMMAND_LAST };

struct lexpr {
	enum lexpr_type type;
	uint32_t pos;  /* in the source */
	uint32_t slot; /* of a plain path (a.b[0].c): its place in liquid.seen, the same for the same path; 0: none */
	union {
		struct lval literal;
		struct {
			struct str name; /* when !name_expr */
			uint32_t hash;
			uint32_t segment_count;
			const struct lexpr *name_expr;
			const struct lsegment *segments;
			uint32_t *hint;
		} lookup;
		struct {
			const struct lexpr *from, *to;
		} range;
	};
};

struct lkwarg {
	struct str name;
	const struct lexpr *value;
};

struct lfilter_def;
struct lfilter_call {
	const struct lfilter_def *def; /* NULL: unknown */
	struct str name;
	const struct lexpr *const *args;
	const struct lkwarg *kwargs;
	uint32_t pos;
	uint16_t arg_count, kwarg_count;
};

struct lpipe {                /* an expression and its filters */
	const struct lexpr *expr; /* NULL: nothing to print */
	const struct lfilter_call *filters;
	uint32_t filter_count;
	bool lenient; /* the first filter is `default`: an unknown variable is nil even when strict */
};

enum lcompare {
	LCMP_NONE,
	LCMP_EQ,
	LCMP_NE,
	LCMP_LT,
	LCMP_GT,
	LCMP_LE,
	LCMP_GE,
	LCMP_CONTAINS,
	LCMP_NE_NOTHING, /* != "" */
};

struct lcondition {
	const struct lexpr *left, *right;
	const struct lcondition *next;
	enum lcompare op;
	bool next_is_or;
};

enum lnode_type {
	LNODE_TEXT,
	LNODE_RAW, /* text that a blank block keeps */
	LNODE_OUTPUT,
	LNODE_PATH, /* an output of a plain path without filters */
	LNODE_ASSIGN,
	LNODE_CAPTURE,
	LNODE_IF,
	LNODE_UNLESS,
	LNODE_CASE,
	LNODE_FOR,
	LNODE_TABLEROW,
	LNODE_CYCLE,
	LNODE_INCREMENT,
	LNODE_DECREMENT,
	LNODE_INCLUDE,
	LNODE_RENDER,
	LNODE_BREAK,
	LNODE_CONTINUE,
	LNODE_IFCHANGED,
};

struct lnode {
	enum lnode_type type;
	uint32_t pos;
	union {
		struct str text;
		struct lpipe output;
		const struct lassign *assign;
		const struct lcapture *capture;
		const struct lbranches *branches;
		const struct lfor *loop;
		const struct lcycle *cycle;
		const struct lcounter *counter;
		const struct lpartial *partial;
		const struct lblock *block;
	};
};

struct lblock {
	struct lnode *nodes;
	uint32_t count;
	bool blank;
};

struct lassign {
	struct str name;
	uint32_t hash;
	struct lpipe value;
};
struct lcapture {
	struct str name;
	uint32_t hash;
	struct lblock block;
};
struct lbranch {
	const struct lcondition *condition; /* if, elsif; NULL = else */
	const struct lexpr *const *when;    /* case */
	uint32_t when_count;
	struct lblock block;
};
struct lbranches {
	const struct lexpr *subject; /* case */
	struct lbranch *list;
	uint32_t count;
};
struct lfor {
	struct str variable, name; /* name: "item-collection" */
	uint32_t hash;             /* of variable */
	const struct lexpr *collection, *limit, *offset, *cols;
	bool reversed, offset_continue, has_limit, has_offset, has_cols;
	struct lblock body, otherwise;
};
struct lcycle {
	const struct lexpr *group; /* NULL: unnamed, key tells */
	struct str key;
	const struct lexpr *const *items;
	uint32_t count;
};
struct lcounter {
	struct str name;
};
struct lpartial {
	const struct lexpr *name, *with;
	struct str alias;
	bool each; /* for */
	const struct lkwarg *args;
	uint32_t arg_count;
};

struct liquid_template {
	struct arena arena;
	const char *name;
	struct str source; /* LSOURCE_SLACK bytes stand behind it */
	struct lblock root;
	struct lobject *slots; /* path → slot */
	uint32_t slot_count;   /* the greatest slot */
};

/* ---- the lexer and the expression parser ---- */

enum ltoken_type {
	LTOK_END,
	LTOK_ID,
	LTOK_STRING,
	LTOK_NUMBER,
	LTOK_COMPARE,
	LTOK_DOTDOT,
	LTOK_PIPE,
	LTOK_DOT,
	LTOK_COLON,
	LTOK_COMMA,
	LTOK_OPEN_SQUARE,
	LTOK_CLOSE_SQUARE,
	LTOK_OPEN_ROUND,
	LTOK_CLOSE_ROUND,
	LTOK_QUESTION,
	LTOK_DASH,
};

struct ltoken {
	enum ltoken_type type;
	enum lcompare op;
	struct str text; /* a string's text is without its quotes */
	uint32_t pos;
};

struct lparser { /* of one markup */
	struct liquid_template *t;
	struct err *err;
	struct ltoken *tokens;
	size_t count, at;
	int depth;
};

void lline_column(struct str source, size_t pos, int *line, int *column);
bool lsyntax(const struct liquid_template *t, struct err *err, uint32_t pos, const char *fmt, ...) PRINTF_LIKE(4, 5);
bool lparser_init(struct lparser *p, struct liquid_template *t, struct str markup, struct err *err);
const struct lexpr *lparse_expr(struct lparser *p, bool condition); /* condition: `empty` and `blank` are special */
bool lparse_pipe(struct liquid_template *t, struct str markup, struct lpipe *out, struct err *err);
bool lparse_condition(struct liquid_template *t, struct str markup, const struct lcondition **out, struct err *err);
static inline struct ltoken *lpeek(struct lparser *p)
{
	return &p->tokens[p->at];
}
static inline bool lis_id(const struct ltoken *t, const char *word)
{
	return t->type == LTOK_ID && str_is(t->text, word);
}

/* ---- rendering ---- */

struct lloop {
	bool table;
	struct str name;
	int64_t length, index, cols, row, col;
	const struct lloop *parent;
};

struct llocal {
	struct str name;
	uint32_t hash;
	struct lval value;
};

struct lseen { /* where a path's value stands, while epoch is liquid.epoch */
	const struct lval *value;
	uint64_t epoch;
};

struct lregisters { /* what cycle, offset: continue and ifchanged remember; of one {% render %} alone */
	struct lobject *cycles, *offsets;
	struct str changed;
	bool has_changed;
};

struct liquid {
	struct arena arena; /* of this rendering */
	const struct liquid_template *t;
	const struct liquid_options *options;
	struct err *err;
	struct buf *out;
	uint32_t pos;

	struct llocal *locals;
	size_t local_count, local_cap, local_base;
	struct lobject *assigns, *counters;
	struct lseen *seen; /* of the template that is rendered, by slot */
	size_t seen_cap;
	uint64_t epoch;    /* grows with everything that can change what a name means; never goes back */
	uint64_t assigned; /* a bit per name in assigns, by its hash: most names are not among them */
	const struct lobject *data;
	struct lregisters registers;
	const struct lloop *for_top;

	uint64_t steps;
	size_t output_max, memory_max, out_start;
	int depth;
	enum { LFLOW_ON, LFLOW_BREAK, LFLOW_CONTINUE } flow;
	bool isolated;    /* inside {% render %}: include is refused */
	struct buf spare; /* memory for the next lbuf_init */
};

/* buf_add where there is room already, which is nearly always. */
static inline void lput(struct buf *b, const char *p, size_t n)
{
	if (__builtin_expect(b->cap - b->n > n && !b->full, 1)) {
		memcpy(b->p + b->n, p, n);
		b->n += n;
		b->p[b->n] = '\0';
	} else {
		buf_add(b, p, n);
	}
}
/* lput for a piece of a template's source: short ones, which most are, without a call. */
static inline void lput_source(struct buf *b, struct str text)
{
	if (text.n <= LSOURCE_SLACK && b->cap - b->n > LSOURCE_SLACK && !b->full) {
		memcpy(b->p + b->n, text.p, LSOURCE_SLACK);
		b->n += text.n;
		b->p[b->n] = '\0';
	} else {
		lput(b, text.p, text.n);
	}
}
/* The same for text known when this is compiled. */
#define lput_literal(b, text) lput((b), (text), sizeof(text) - 1)
void lput_html(struct buf *b, struct str s);         /* buf_html, by long runs */
void lput_int(struct buf *b, uint64_t v, int width); /* at least width digits, zeros before */

bool lfail(struct liquid *r, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4); /* false */
bool lcharge_over(struct liquid *r); /* says which limit was passed; false */
static inline bool lcharge(struct liquid *r, uint64_t steps)
{
	r->steps -= steps < r->steps ? steps : r->steps;
	if (__builtin_expect(r->steps == 0 || r->arena.total > r->memory_max || r->out->full ||
	                         r->out->n - r->out_start > r->output_max,
	                     0))
		return lcharge_over(r);
	return true;
}
bool leval(struct liquid *r, const struct lexpr *e, struct lval *out);
/* Where the value of a plain path (a.b.c) stands; NULL: none there, or not so plain: leval says. */
const struct lval *lfind_path(struct liquid *r, const struct lexpr *e);
static inline const struct lval *lpeek_value(struct liquid *r, const struct lexpr *e)
{
	if (!e->slot)
		return NULL;
	const struct lseen *seen = &r->seen[e->slot];
	return seen->epoch == r->epoch ? seen->value : lfind_path(r, e);
}
/* A text of n bytes made on the stack → string value. */
static inline bool lgive(struct liquid *r, const char *text, size_t n, struct lval *out)
{
	*out = lval_str((struct str){ arena_copy(&r->arena, text, n), n });
	return true;
}
bool leval_pipe(struct liquid *r, const struct lpipe *p, struct lval *out);
bool leval_condition(struct liquid *r, const struct lcondition *c, bool *out);
bool lcondition_equal(struct lval a, struct lval b); /* == of a condition: knows `empty` and `blank` */
const struct lval *lfind_variable(struct liquid *r, struct str name, uint32_t hash); /* NULL when there is none */
bool lwrite(struct liquid *r, struct lval v);                                        /* to r->out */
static inline void lwrite_text(struct liquid *r, struct lval v)                      /* of a string */
{
	if (r->options->autoescape && !v.safe)
		lput_html(r->out, lval_view(v));
	else
		lput(r->out, v.s, v.n);
}

/* The text of a value as `to_s` of the reference; a string is returned as it is. */
struct str ltext(struct liquid *r, struct lval v);
void ltext_add(struct buf *b, struct lval v, int depth); /* to_s */
void linspect_add(struct buf *b, struct lval v, int depth);

typedef bool (*lfilter_fn)(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out);
struct lfilter_def {
	const char *name;
	lfilter_fn fn;
	int8_t min, max; /* arguments besides the input */
};
const struct lfilter_def *lfilter_find(struct str name);
extern const struct lfilter_def LFILTERS_MATH[], LFILTERS_TEXT[], LFILTERS_ARRAY[], LFILTERS_LOCALE[];

struct lval lsize_of(struct lval v);                                        /* the size filter */
struct lval lend_item(struct liquid *r, struct lval v, bool last);          /* the first and last filters */
bool lto_integer(struct liquid *r, struct lval v, int64_t *out);            /* or fails "invalid integer" */
int64_t lstring_to_i(struct str s);                                         /* leading digits, 0 when none */
struct lval lval_pair(struct liquid *r, const struct lpair *p);             /* [key, value] */
bool lfinish(struct liquid *r, struct buf *b, bool safe, struct lval *out); /* buffer → string value; releases b */
void lbuf_init(struct liquid *r, struct buf *b);

/* ---- decimals ---- */

/* mantissa × 10^−scale, exactly; as the reference computes with BigDecimal. */
struct ldecimal {
	__int128 mantissa;
	int scale;
	bool is_int;     /* of integer type: results stay integers */
	bool minus_zero; /* -0.0 */
	bool inexact;    /* out of range: f holds the value */
	double f;
};

struct ldecimal ldecimal_from(struct lval v); /* to_number */
struct lval ldecimal_value(struct ldecimal d);
/* The same; a whole number beyond 64 bits as its digits: a text that the next filter reads as a number. */
struct lval lgive_number(struct liquid *r, struct ldecimal d);
bool ldecimal_op(struct ldecimal a, struct ldecimal b, char op, struct ldecimal *out); /* false: divided by 0 */
int ldecimal_compare(struct ldecimal a, struct ldecimal b);
struct ldecimal ldecimal_round(struct ldecimal a, int64_t digits, char mode); /* mode: 'r' half away, 'c'eil, 'f'loor */
size_t lfloat_text(double f, char out[48]);                                   /* as the reference prints a float */

/* ---- dates ---- */

struct ltime {
	struct instant at;
	int32_t offset_s;
	int32_t nanos;
	bool utc, has_offset;
};
bool ltime_from(struct liquid *r, struct lval v, struct ltime *out); /* false: not a date */
void ltime_format(struct ltime t, struct str format, enum liquid_locale locale, struct buf *out);
bool ldate_filter(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out);

#endif
