/* uplift_int: what the files of app/uplift share: rows of people with their outcomes after an instant. */
#ifndef RELANCE_APP_UPLIFT_INT_H
#define RELANCE_APP_UPLIFT_INT_H

#include "app/uplift.h"

/* One entrant a row; outcomes side by side. */
struct entrants {
	uint8_t *arm;
	double *y[UPLIFT_OUTCOMES], *x[UPLIFT_OUTCOMES];
	size_t count, cap;
};

struct making {
	const struct figures_shop *s;
	const struct uplift_ask *ask;
	struct uplift *out;
	struct entrants e;
	const struct product *products;
	uint32_t product_count;
	double scale;          /* minor units in a major one */
	double planned;        /* sum of planned control shares */
	int64_t known_revenue; /* of lines with a cost */
};

struct tally {
	int64_t orders, revenue, margin, pre_orders, pre_spend;
	int64_t before, last; /* all orders before entry, and the instant of the last one */
};

/* Orders within the window after `entered`, and before it. Adds to known_revenue and out->blind_revenue. */
struct tally uplift_tally(struct making *m, customer_id c, int64_t entered);
/* A row: outcomes and covariates of one person in an arm; cost of their messages in minor units. Returns its number. */
size_t uplift_row(struct making *m, int arm, const struct tally *t, int64_t cost);
void uplift_rows_release(struct entrants *e);
bool uplift_margin_known(const struct making *m);

#endif
