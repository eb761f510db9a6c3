/* report: one month of a shop on one page that stands alone: revenue, life cycle, cohorts, 20/80, segments, what plans
 * brought, key figures with their formulas. French or English; prints on A4.
 *
 * Everything is as of the end of the month: facts of later days do not count. Limits: REPORT_MONTHS back,
 * REPORT_COHORTS cohorts, REPORT_BYTES_MAX of HTML. */
#ifndef RELANCE_APP_REPORT_H
#define RELANCE_APP_REPORT_H

#include "app/figures.h"
#include "app/html_chart.h"
#include "app/objectives.h"
#include "app/uplift.h"

enum { REPORT_MONTHS = 24, REPORT_COHORTS = 12, REPORT_BYTES_MAX = 8 << 20 };

struct report_ask {
	int month; /* year × 12 + month − 1 */
	bool french;
	const char *shop; /* its name; empty: none */
	int64_t margin_per_mille;
	const uint8_t *complementary; /* by product; may be NULL */
	const struct objective *objectives;
	size_t objective_count;
};

/* Appends the page to `out`. False: no order up to that month, or a limit. */
bool report_make(const struct figures_shop *s, const struct report_ask *ask, struct buf *out,
                 struct err *err) MUST_CHECK;

/* The same month as a letter of a few lines, to go with the page: subject, plain text, simple HTML. */
bool report_letter(const struct figures_shop *s, const struct report_ask *ask, struct buf *subject, struct buf *text,
                   struct buf *html, struct err *err) MUST_CHECK;

/* What the trade's guides give as usual, beside the shop's own figures. */
struct benchmark {
	const char *fr, *en;             /* what it is about */
	const char *usual_fr, *usual_en; /* "5 – 20 %" */
	double low, high;                /* per cent; equal when the guide gives one figure */
	const char *source_fr, *source_en;
	bool known;
	double own;                  /* the shop's, per cent */
	const char *own_fr, *own_en; /* how it is counted here, or why it is not known */
};
enum { BENCHMARKS = 5 };
void benchmarks_make(const struct figures_shop *s, int month, struct benchmark out[BENCHMARKS]);

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
void report_forecast(struct report *r);
void report_plans(struct report *r);
void report_objectives(struct report *r);
void report_benchmarks(struct report *r);
void report_figures(struct report *r, const struct figures_ask *ask, const struct kpi_input in[2]);

#endif
