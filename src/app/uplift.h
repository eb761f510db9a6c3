/* uplift: what a plan brought: its control group against those it treated, from the runs and the orders after entry.
 *
 * Counted: everybody's first run of the plan (all its versions) entered in [from, to) whose window of `window_days`
 * after entry is over at `now`; later entries are `too_recent`. Records that were merged or erased are left out, and so
 * is whoever is one person by a merge of records that stood in different arms. What
 * was drawn is what counts: somebody of the treated arm whom no message reached stays in it.
 *
 * Outcomes of a customer, over (entry, entry + window]:
 *   conversion  ordered (0 or 1)          orders   documents with a line of positive quantity
 *   revenue     all lines, returns taken off, VAT included, major units
 *   margin      lines without VAT − cost, returns taken off, less the cost of the messages of the run. Order lines are
 *               net of discounts, so what a voucher gave away is in it already
 * Covariate (CUPED): orders in the UPLIFT_PRE_DAYS before entry for the first two, their spend for the others.
 * Margin needs the cost of products: lines without one use `margin_per_mille`, and when that is not given and more than
 * UPLIFT_BLIND_PERCENT % of the revenue has no cost, margin is not known.
 *
 * The global control group (`global`): everybody the shop knew at `from`, split by the engine's own draw; messages are
 * all marketing ones of the window, so the answer is what all plans together brought since `from`.
 *
 * Planned split: each entrant's version of the plan, so that an edited percentage raises no alarm. */
#ifndef RELANCE_APP_UPLIFT_H
#define RELANCE_APP_UPLIFT_H

#include "app/figures.h"
#include "fold/experiment.h"

enum { UPLIFT_WINDOW_DAYS = 30, UPLIFT_PRE_DAYS = 365, UPLIFT_BLIND_PERCENT = 5 };

enum uplift_arm_kind { UPLIFT_CONTROL, UPLIFT_TREATED, UPLIFT_ARMS };
enum uplift_outcome { UPLIFT_CONVERSION, UPLIFT_ORDERS, UPLIFT_REVENUE, UPLIFT_MARGIN, UPLIFT_OUTCOMES };
const char *uplift_outcome_name(enum uplift_outcome o, bool french);
const char *uplift_outcome_key(enum uplift_outcome o);

struct uplift_ask {
	uint16_t plan;            /* any version: its family counts */
	bool global;              /* not a plan: the global control group against the others; everybody enters at `from` */
	struct instant from, to;  /* entries; to 0: now */
	int window_days;          /* 0: UPLIFT_WINDOW_DAYS */
	const uint64_t *segment;  /* may be NULL */
	int64_t margin_per_mille; /* −1: unknown */
	double level;             /* 0: 0.95 */
};

/* What somebody was at entry, by the orders before it. */
enum uplift_was {
	UPLIFT_WAS_PROSPECT,
	UPLIFT_WAS_NEW /* one order */,
	UPLIFT_WAS_LAPSING,
	UPLIFT_WAS_ACTIVE,
	UPLIFT_WAS
};

struct uplift_arm {
	int64_t customers, converted, orders, revenue, margin, message_cost; /* minor units; margin before message costs */
	int64_t messages;
};

struct uplift {
	struct uplift_arm arm[UPLIFT_ARMS];
	int64_t too_recent;
	int64_t was[UPLIFT_WAS];    /* of those counted */
	struct instant first, last; /* entries counted; s = 0: none */
	double days;                /* first entry to now */
	double planned_control;     /* mean planned share, 0 … 1 */
	struct srm srm;
	struct comparison outcome[UPLIFT_OUTCOMES];
	bool margin_known;
	int64_t blind_revenue; /* of lines without a cost */
	int window_days;
};

void uplift_make(const struct figures_shop *s, const struct uplift_ask *ask, struct uplift *out);

/* The verdict on an outcome, in words. */
void uplift_finding(const struct uplift *u, enum uplift_outcome o, const struct settings *settings, bool french,
                    struct finding *out);

#endif
