/* expr: the one condition language of relance: `who`, `if`, exits, segments, loyalty, figures.
 *
 *     lifecycle in (lapsing, former) and not bought(category = "Jardin", 2025-09-01..2026-02-28) and may(email)
 *
 * Typed and unit-aware (25 EUR, 6 months, 10 %), three-valued on unknown data (unknown is not true), compiled once,
 * evaluated for one person (expr_holds) or over all columns at once (expr_select). The grammar, every function and its
 * meaning are in doc/expressions.md, whose examples are run by the tests.
 *
 * A compile error points at the character and suggests the near word: "1:14: no word \"lifecicle\"; did you mean
 * \"lifecycle\"?". Limits: EXPR_TEXT_MAX bytes, EXPR_DEPTH_MAX nesting, EXPR_OPS_MAX operations. */
#ifndef RELANCE_FOLD_EXPR_H
#define RELANCE_FOLD_EXPR_H

#include "base/buf.h"
#include "fold/basis.h"
#include "fold/lifecycle.h"
#include "fold/subject.h"

enum { EXPR_TEXT_MAX = 16384, EXPR_DEPTH_MAX = 64, EXPR_OPS_MAX = 4096 };

enum tri { TRI_FALSE = 0, TRI_TRUE = 1, TRI_UNKNOWN = 2 };

struct expr;

struct expr_context {
	struct currency currency;
	bool french; /* what is wrong is said in French */
	struct lifecycle_settings lifecycle;
	zone_id shop_zone;
	/* names of plans by index, for entered(plan), in_plan(plan), sent(plan); when empty any name is taken as it is */
	const char *const *plan_names;
	size_t plan_count;
	/* steps of the plan whose condition this is, by index, for opened(step); may be empty */
	const char *const *step_names;
	size_t step_count;
	/* names behind the numbers of runs and messages, for subjects that bring none of their own (expr_select); may be
	 * NULL; must live as long as the expression */
	const struct plan_words *plans;
	/* what may() rests on (basis.h) */
	struct basis_rules basis;
	/* resolves a saved segment's text by name, or NULL */
	const char *(*segment)(void *user, struct str name);
	void *segment_user;
};

/* Where the text went wrong: 1-based line and column (in code points) and byte offset. `text` is what is wrong and what
 * to write instead, without the place. */
struct expr_error {
	size_t offset, line, column;
	char text[256];
};

/* The compiled expression lives in the arena. NULL: `error` says where and why. Words of the book (categories, SKUs)
 * are resolved against `book` at evaluation, since they may appear later. */
const struct expr *expr_compile(struct str text, const struct expr_context *context, struct arena *a,
                                struct expr_error *error);

enum tri expr_test(const struct expr *e, const struct subject *s);

static inline bool expr_holds(const struct expr *e, const struct subject *s)
{
	return e == NULL || expr_test(e, s) == TRI_TRUE;
}

/* What is known of a person besides: at least so many orders; the last one at least so many months ago (0: or none). */
struct expr_state {
	int64_t orders, months_idle;
};

/* Whether all these conditions can hold for one person at one moment. False only where they are shown to exclude each
 * other (phases, comparisons of one figure, a tag and its absence); a NULL holds for everybody. Nothing is asked of
 * anybody: it reasons on the conditions alone. */
bool expr_can_meet(const struct expr *const *all, size_t count, const struct expr_state *known);

/* What the expression looks at, so that the caller knows when to ask again. */
struct expr_needs {
	bool orders, carts, events, consents, messages, profile, products;
	bool time; /* its value can change by the passing of time alone */
	bool lifecycle_thresholds;
	bool ranks; /* known to expr_select() alone: for a single person it is unknown */
};
struct expr_needs expr_needs(const struct expr *e);

/* A text of the language against a pattern: '*' stands for any characters. */
bool text_matches(struct str pattern, struct str s);

/* The reference: every word of the language. doc/expressions.md is written from it and a test holds the two together.
 */
struct expr_word {
	const char *group; /* "Orders", "Person" … */
	const char *name;
	const char *signature; /* "orders(RANGE, channel, total, items)" */
	const char *type;      /* "number", "money", "yes/no" … */
	const char *meaning;   /* one or two sentences */
	const char *example;   /* compiles with the currency EUR */
};
const struct expr_word *expr_words(size_t *count);

/* "1:14: no word …", the line of the text and a caret under the character: three lines for a terminal. */
void expr_error_show(const struct expr_error *error, struct str text, struct buf *out);

/* Everyone (ids 1 … customers) for whom it holds with the facts up to `now`: a bit per customer id in `bits`
 * ((customers + 64) / 64 words, zeroed by the callee). Returns the count. `states` may be NULL (no runs, no messages).
 * The shop day is t->day: for "as of D" give now = start of D − 1 s and thresholds of D, so that facts before D count
 * and ages and windows are those of D. The same as expr_test on every customer, for any number of threads: evaluated op
 * by op over a chunk of customers, an operand only for those it can still matter to. */
uint64_t expr_select(const struct expr *e, const struct book *b, const struct version *v, const struct pstate *states,
                     struct instant now, const struct thresholds *t, int threads, uint64_t *bits);

/* The subject expr_select sees for one customer; `states` is indexed by customer id. For expr_test on the same terms.
 */
void expr_subject(const struct book *b, const struct version *v, const struct pstate *states, customer_id c,
                  struct instant now, const struct thresholds *t, struct subject *out);

#endif
