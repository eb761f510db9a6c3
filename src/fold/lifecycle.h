/* lifecycle: the phase of a customer as of the start of a civil day (SEMANTICS, "Life cycle and figures").
 *
 *   former      inactive 24 months            lapsing   inactive 6 months
 *   ambassador  ≥ 4 orders and 12-month spend in the top ⌈n/10⌉ (ties included) of those who ordered in these months
 *   loyal       ≥ 2 orders                    new       1 order            prospect  none
 *
 * Inactive n months at D: last order's date + n months (clamped to the month's end) ≤ D. An order is a document with a
 * line of positive quantity, dated in the shop's zone; spend is all lines, returns included, each by its own date.
 * Every figure is a setting. */
#ifndef RELANCE_FOLD_LIFECYCLE_H
#define RELANCE_FOLD_LIFECYCLE_H

#include "fold/subject.h"

enum phase { PHASE_PROSPECT = 0, PHASE_NEW, PHASE_LOYAL, PHASE_AMBASSADOR, PHASE_LAPSING, PHASE_FORMER, PHASE_COUNT };

struct lifecycle_settings {
	int loyal_orders, ambassador_orders, lapsing_months, former_months, ambassador_percent; /* 2, 4, 6, 24, 10 */
};
extern const struct lifecycle_settings LIFECYCLE_DEFAULTS;

const char *phase_name(enum phase p);
int phase_find(struct str s); /* −1 */

struct lifecycle {
	enum phase phase;
	uint32_t orders;         /* sales before D */
	struct date last_order;  /* DATE_UNKNOWN */
	int64_t spend;           /* all lines before D */
	int64_t spend_12m;       /* lines dated in [D − 12 months, D) */
	int64_t spend_sales_12m; /* their sales documents alone */
	uint32_t orders_12m;
};

/* The instants that decide on a shop day, so that a customer costs comparisons only. */
struct lifecycle_day {
	struct date day;
	int64_t cutoff;         /* facts at or after it do not count: the start of `day` */
	int64_t from_12m;       /* start of day − 12 months */
	int64_t lapsing_before; /* last order before this instant: inactive for lapsing_months */
	int64_t former_before;
};
void lifecycle_day_init(struct lifecycle_day *d, zone_id shop_zone, struct date day,
                        const struct lifecycle_settings *s);
void lifecycle_at(const struct view *w, zone_id shop_zone, const struct lifecycle_day *d, const struct thresholds *t,
                  const struct lifecycle_settings *s, struct lifecycle *out);
/* The phase alone (conditions ask for nothing else). */
enum phase lifecycle_phase(const struct view *w, const struct lifecycle_day *d, const struct thresholds *t,
                           const struct lifecycle_settings *s);

/* The start of a civil day, remembered per thread: zone_instant(zone, day, 0). */
struct instant day_start(zone_id zone, struct date day);

/* As of the start of `day` in the shop's zone; the view must show at least all facts before it. */
void lifecycle_of(const struct view *w, zone_id shop_zone, struct date day, const struct thresholds *t,
                  const struct lifecycle_settings *s, struct lifecycle *out);

/* The thresholds of a shop day over the whole base: O(customers), parallel, independent of the number of threads. */
void thresholds_compute(const struct book *b, const struct version *v, struct date day,
                        const struct lifecycle_settings *s, int threads, struct thresholds *out);

/* Their arithmetic: ⌈buyers × percent ÷ 100⌉, and a mean rounded half away from zero (0 of none). */
uint64_t thresholds_rank(uint64_t buyers, int percent);
int64_t thresholds_divide(int64_t sum, uint64_t count);

#endif
