/* value_views: plain pictures of a customer base: RFM quintiles and segments, the 20/80 view, cohort retention.
 *
 * RFM. Recency = days since the last order, frequency = order days, monetary = net spend. Each is cut into quintiles by
 * rank; equal values share one score, that of the middle of their ranks, so that a base of one-time buyers is not split
 * by chance. 5 is best. Frequency and monetary count together as their mean.
 *
 * Segments, first that fits (R = recency score, V = mean of frequency and monetary scores):
 *   best       R ≥ 4, V ≥ 4           loyal    R ≥ 3, V ≥ 3
 *   recent     R ≥ 4                  cooling  R = 3
 *   precious   R ≤ 2, V ≥ 4           fading   R ≤ 2, V ≥ 3
 *   asleep     the rest
 *
 * Limits: VIEW_MONTHS_MAX cohorts; older ones are added to the first. */
#ifndef RELANCE_FOLD_VALUE_VIEWS_H
#define RELANCE_FOLD_VALUE_VIEWS_H

#include "fold/value.h"

enum rfm_segment { RFM_BEST, RFM_LOYAL, RFM_RECENT, RFM_COOLING, RFM_PRECIOUS, RFM_FADING, RFM_ASLEEP, RFM_SEGMENTS };

struct rfm {
	uint8_t recency, frequency, monetary; /* 1 … 5, 5 best */
	uint8_t segment;
};

/* One entry a line of the summary; out is the caller's, s->count long. */
void rfm_scores(const struct value_summary *s, struct rfm *out);
enum rfm_segment rfm_segment_of(int recency, int frequency, int monetary);
const char *rfm_key(enum rfm_segment s);               /* "best" */
const char *rfm_name(enum rfm_segment s, bool french); /* "Meilleurs clients" */
const char *rfm_advice(enum rfm_segment s, bool french);

/* Everybody's segment as of `now` from the book, malloc'd by customer id; RFM_NONE: never ordered. As `relance value`
 * counts: documents with a sold article, and returns that lower the spend. */
enum { RFM_NONE = 255 };
struct version;
uint8_t *rfm_of_everybody(const struct version *v, zone_id zone, struct instant now);

/* Which few make most of it. Entries with an amount ≤ 0 count as members that bring nothing. */
struct share_view {
	size_t count, paying;
	int64_t total;       /* of the positive amounts */
	double top_20_share; /* what the best ⌈20 %⌉ bring, 0 … 1 */
	size_t count_for_80; /* how many bring 80 % of it */
	double part_for_80;  /* the same ÷ count */
	double curve[21];    /* share brought by the best 0, 5, … 100 % */
	double gini;         /* 0 all equal … 1 one brings all */
};
/* False when nothing positive was brought: there is nothing to share. */
bool share_view_make(const int64_t *amounts, size_t count, struct share_view *out) MUST_CHECK;

/* Cohorts by month of the first order: active[c][k] = customers of cohort c who ordered in the k-th month after it. */
enum { VIEW_MONTHS_MAX = 240 };
struct cohorts {
	int first_month;  /* year × 12 + month − 1 of cohort 0 */
	int months;       /* cohorts 0 … months−1; row c has months − c entries */
	uint32_t *active; /* months × months, row-major; [c][0] is the cohort's size */
};
bool cohorts_make(const struct value_row *rows, size_t count, struct date until, struct cohorts *out,
                  struct err *err) MUST_CHECK;
void cohorts_release(struct cohorts *c);

#endif
