/* objectives: how far each one is, and where it ends at the present pace.
 *
 * What is counted, over the period's days in the shop's zone
 *   shop     all sales, guests' too            team    those of its sellers, or of the store of that name
 *   person   those of the seller               plan    orders of its treated entrants within OBJECTIVE_WINDOW days of
 *                                                      entry, dated by the order; each entry of a person
 *                                                      opens a window, an order counts once
 *   revenue all lines, returns taken off; orders documents with a line of positive quantity; volume articles sold
 *   conversion  prospects who ordered ÷ prospects, as the key figure; of a team or person: prospects who belong to that
 *               store or bear its name as a tag. Of a plan: treated entrants of the period who ordered within the
 * window The projection is that of fold/pace.h, 95 %; a conversion's, its orders at that pace ÷ the prospects of today,
 * a plan's, the rate so far with Wilson's interval. */
#ifndef RELANCE_APP_OBJECTIVES_H
#define RELANCE_APP_OBJECTIVES_H

#include "app/figures.h"
#include "store/objective.h"

enum { OBJECTIVE_WINDOW = 30 };

enum objective_state {
	OBJECTIVE_MET,       /* reached already */
	OBJECTIVE_ON_TRACK,  /* the whole interval is at or above the target */
	OBJECTIVE_OPEN,      /* the target lies within it, or there is no projection yet */
	OBJECTIVE_OFF_TRACK, /* the whole interval is below */
	OBJECTIVE_MISSED,    /* the period is over */
	OBJECTIVE_AHEAD,     /* the period has not begun */
	OBJECTIVE_UNKNOWN    /* nothing to count: see why */
};
const char *objective_state_key(enum objective_state s); /* "on_track" */

struct objective_progress {
	const struct objective *of;
	enum objective_state state;
	const char *why_fr, *why_en; /* OBJECTIVE_UNKNOWN */
	struct date from, until;     /* until excluded */
	int elapsed, length;         /* days */
	int64_t reached;             /* as the target */
	double attainment;           /* per cent of the target */
	bool projected;
	double expected, low, high; /* at the end, as the target */
};

void objective_progress(const struct figures_shop *s, const struct objective *o, struct objective_progress *out);

/* "Claire · revenue · 2026-11", and a sentence: "12,400 € of 20,000 € (62%); at this pace 18,900 € by the end, between
 * 17,200 € and 20,600 €". */
void objective_title(const struct objective *o, bool french, struct buf *out);
void objective_text(const struct objective_progress *p, struct currency currency, bool french, struct buf *out);
void objective_amount(const struct objective *o, double v, struct currency currency, bool french, struct buf *out);

/* "2026-11", "2026-Q4", "2026". */
bool objective_period_read(struct str text, int *first_month, int *months) MUST_CHECK;
/* What `text` sets: an amount, a number, "12%". */
bool objective_target_read(enum objective_measure m, struct str text, struct currency currency,
                           int64_t *out) MUST_CHECK;

/* Everybody may see the shop's; a person their own and those of their teams. */
bool objective_concerns(const struct objective *o, struct str person);

/* Fills objective_reached, objective_set (the revenue of the same slice and period, else any of its measures) and
 * objectives_met, objectives_count (all of that period) of a period's counts. `scope` and `name`: whose figures. */
void objectives_into(const struct figures_shop *s, const struct objective *list, size_t count,
                     enum objective_scope scope, struct str name, int first_month, int months, struct kpi_input *in);

#endif
