/* evaluate_print: the results of `evaluate`: tables and bars for people, one long table as CSV, one JSON object. */
#ifndef RELANCE_CLI_EVALUATE_PRINT_H
#define RELANCE_CLI_EVALUATE_PRINT_H

#include "base/money.h"
#include "cli/cli.h"
#include "fold/complete.h"
#include "fold/crosseval.h"
#include "fold/nextbasket.h"
#include "fold/recoeval.h"

/* Of basket sequences. */
void evaluate_print_baskets(const struct nb_report *r, int k, enum format format);

/* {user: [item, …]}: what the default answers each test user, best first; the report was made with keep_lists. */
void evaluate_lists_json(const struct nb_data *d, const struct nb_report *r, int k, struct buf *out);

/* Of a shop's orders. cross NULL: too few cases, `why_not` says so; rest NULL: only baskets are known, no prices. */
struct evaluate_shop {
	int k;
	const struct crosseval_report *cross;
	const char *why_not;
	const struct complete_report *basket;
	const struct recoeval *rest;
	struct currency currency;
	int up_percent;
};
void evaluate_print_shop(const struct evaluate_shop *e, enum format format);

#endif
