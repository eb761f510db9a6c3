/* drill: from a key figure to what stands behind it: documents, customers, carts, messages … of the periods shown. What
 * is listed is what was counted: the same code counts and lists, or reads the same columns.
 *
 * Rows go to a sink cell by cell, in the order of drill_columns(). Amounts are minor units, days civil days of the
 * shop's zone. The order is that of customers, then of time. */
#ifndef RELANCE_APP_DRILL_H
#define RELANCE_APP_DRILL_H

#include "app/figures.h"

enum { DRILL_COLUMNS_MAX = 8 };

/* A word is one of a few (drill_said()); a text is the shop's own. */
enum drill_type { DRILL_CUSTOMER, DRILL_DAY, DRILL_MONEY, DRILL_NUMBER, DRILL_YES_NO, DRILL_WORD, DRILL_TEXT };
struct drill_column {
	const char *name;
	enum drill_type type;
};

struct drill_cell {
	bool known;
	int64_t number;   /* customer id, day, minor units, count, 0 or 1 */
	const char *word; /* of DRILL_WORD, DRILL_TEXT */
};
static inline struct drill_cell drill_number(int64_t v)
{
	return (struct drill_cell){ .known = true, .number = v };
}
/* The civil day of an instant; none: unknown. */
struct drill_cell drill_day(const struct figures_shop *s, int64_t at);

const char *drill_title(const char *column, bool french); /* "Premier achat" of "first_order" */
const char *drill_said(const char *word, bool french);    /* "vente" of "sale" */

struct drill_sink {
	bool (*row)(void *ctx, const struct drill_cell *cells, int count); /* false: enough */
	void *ctx;
};

/* How many columns the figure's list has; 0: it has none (it is a sum of a model, or an objective). */
int drill_columns(enum kpi k, struct drill_column out[DRILL_COLUMNS_MAX]);

void drill_make(enum kpi k, const struct figures_shop *s, const struct figures_ask *ask, const struct drill_sink *sink);

#endif
