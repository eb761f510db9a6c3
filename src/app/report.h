/* report: one month of a shop on one page that stands alone: revenue, life cycle, cohorts, 20/80, segments, what plans
 * brought, key figures with their formulas. French or English; prints on A4.
 *
 * Everything is as of the end of the month: facts of later days do not count. Limits: REPORT_MONTHS back,
 * REPORT_COHORTS cohorts, REPORT_BYTES_MAX of HTML. */
#ifndef RELANCE_APP_REPORT_H
#define RELANCE_APP_REPORT_H

#include "app/figures.h"
#include "app/html_chart.h"
#include "app/uplift.h"

enum { REPORT_MONTHS = 24, REPORT_COHORTS = 12, REPORT_BYTES_MAX = 8 << 20 };

struct report_ask {
	int month; /* year × 12 + month − 1 */
	bool french;
	const char *shop; /* its name; empty: none */
	int64_t margin_per_mille;
	const uint8_t *complementary; /* by product; may be NULL */
};

/* Appends the page to `out`. False: no order up to that month, or a limit. */
bool report_make(const struct figures_shop *s, const struct report_ask *ask, struct buf *out,
                 struct err *err) MUST_CHECK;

/* ---- its parts ---- */

struct report {
	const struct figures_shop *s;
	const struct report_ask *ask;
	struct html h;
	struct instant end; /* of the month; or now, when the month is not over */
	struct date until;  /* the last day of it */
	int first_month;    /* with an order */
	struct value_row *rows;
	size_t row_count;
};

static inline const char *report_word(const struct report *r, const char *fr, const char *en)
{
	return r->ask->french ? fr : en;
}

void report_revenue(struct report *r, const struct kpi_input *in, int months);
void report_lifecycle(struct report *r);
void report_cohorts(struct report *r);
void report_share(struct report *r);
void report_segments(struct report *r);
void report_plans(struct report *r);
void report_figures(struct report *r, const struct figures_ask *ask, const struct kpi_input in[2]);

#endif
