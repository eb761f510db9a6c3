/* experiment_shop: what a plan of a shop brought, for `relance experiment DB PLAN`. */
#ifndef RELANCE_CLI_EXPERIMENT_SHOP_H
#define RELANCE_CLI_EXPERIMENT_SHOP_H

#include "cli/cli.h"

struct experiment_shop {
	const char *address, *plan;
	const char *from, *to; /* days of entry; NULL: all */
	bool global;           /* all plans together, by the global control group; `plan` is then NULL */
	int64_t window_days;   /* 0: default */
	double margin;         /* per cent, −1: not said */
	double level;
	bool french, variants; /* variants: their table alone */
	enum format format;
};

struct figures_shop;
struct uplift_ask;
/* The variants of every step of the plan that has some: as text, as a table's rows, as JSON members. */
void experiment_variants_text(const struct experiment_shop *q, const struct figures_shop *s,
                              const struct uplift_ask *ask);
void experiment_variants_json(const struct experiment_shop *q, const struct figures_shop *s,
                              const struct uplift_ask *ask, struct buf *out);
/* false: no step of the plan has variants */
bool experiment_variants_table(const struct experiment_shop *q, const struct figures_shop *s,
                               const struct uplift_ask *ask);

bool experiment_is_shop(const char *name); /* FILE.db or postgresql://… */
int experiment_shop_run(const struct experiment_shop *q);

#endif
