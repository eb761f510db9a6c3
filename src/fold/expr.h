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
#include "fold/lifecycle.h"
#include "fold/subject.h"

enum { EXPR_TEXT_MAX = 16384, EXPR_DEPTH_MAX = 64, EXPR_OPS_MAX = 4096 };

enum tri { TRI_FALSE = 0, TRI_TRUE = 1, TRI_UNKNOWN = 2 };

struct expr;

struct expr_context {
	struct currency currency;
	struct lifecycle_settings lifecycle;
	zone_id shop_zone;
	/* names of plans for entered(plan), in(plan), sent(plan); may be empty */
	const char *const *plan_names;
	size_t plan_count;
	/* resolves a saved segment's text by name, or NULL */
	const char *(*segment)(void *user, struct str name);
	void *segment_user;
};

/* Where the text went wrong: 1-based column in the text (in code points) and byte offset. */
struct expr_error {
	size_t offset, line, column;
	char text[256];
};

/* The compiled expression lives in the arena. NULL: `error` says where and why. Words of the book (categories, SKUs) are
 * resolved against `book` at evaluation, since they may appear later. */
const struct expr *expr_compile(struct str text, const struct expr_context *context, struct arena *a,
                                struct expr_error *error);

enum tri expr_test(const struct expr *e, const struct subject *s);

static inline bool expr_holds(const struct expr *e, const struct subject *s)
{
	return e == NULL || expr_test(e, s) == TRI_TRUE;
}

/* What the expression looks at, so that the caller knows when to ask again. */
struct expr_needs {
	bool orders, carts, events, consents, messages, profile, products;
	bool time; /* its value can change by the passing of time alone */
	bool lifecycle_thresholds;
};
struct expr_needs expr_needs(const struct expr *e);

/* Everyone (ids 1 … customers) for whom it holds as of `now` (`day` = its shop day): a bit per customer id in `bits`
 * ((customers + 64) / 64 words, zeroed by the callee). Returns the count. `states` may be NULL. Vectorised over the
 * columns, parallel, the same for any number of threads. */
uint64_t expr_select(const struct expr *e, const struct book *b, const struct version *v, const struct pstate *states,
                     struct instant now, const struct thresholds *t, int threads, uint64_t *bits);

#endif
