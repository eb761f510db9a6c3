/* kpi_rows: the rows behind a figure, over all periods asked for. Sales figures: one row a document (customer, day,
 * value, pieces, sale or return); people's figures: one row a customer. The rows add up to the figure. */
#ifndef RELANCE_CLI_KPI_ROWS_H
#define RELANCE_CLI_KPI_ROWS_H

#include "app/drill.h"
#include "cli/cli.h"

/* False: this figure has no rows (ERR_INPUT names those that have). */
bool kpi_rows_print(enum kpi k, const struct figures_shop *s, const struct figures_ask *ask, enum format format,
                    struct err *err) MUST_CHECK;

/* Any list of rows behind a number, customers by the shop's own number (s->ref). */
void drill_print(const struct figures_shop *s, const struct drill_column *columns, int count, enum format format,
                 void (*list)(void *ctx, const struct drill_sink *sink), void *ctx);

#endif
