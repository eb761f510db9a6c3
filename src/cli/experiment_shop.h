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
	bool french;
	enum format format;
};

bool experiment_is_shop(const char *name); /* FILE.db or postgresql://… */
int experiment_shop_run(const struct experiment_shop *q);

#endif
