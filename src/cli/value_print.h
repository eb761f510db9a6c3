/* value_print: the views of `relance value`, each over rows in memory. */
#ifndef RELANCE_CLI_VALUE_PRINT_H
#define RELANCE_CLI_VALUE_PRINT_H

#include "base/intern.h"
#include "cli/cli.h"
#include "fold/value.h"

struct value_job {
	struct value_row *rows;
	size_t count;
	struct intern customers, products;
	uint32_t *product; /* per row; NULL when the source has none */
	int32_t first_day, last_day;
	int exponent;
	size_t rejected;

	enum value_model model;
	enum value_unit unit;
	const char *unit_name;
	struct date until, end;
	double span, level;
	int64_t top, threads;
	enum format format;
	bool french;
	const char *ask; /* "x,t_x,T[,m]" or NULL */
};

bool value_view_fit(const struct value_job *j, struct err *err) MUST_CHECK;
bool value_view_holdout(const struct value_job *j, struct err *err) MUST_CHECK;
bool value_view_customers(const struct value_job *j, struct err *err) MUST_CHECK;
bool value_view_segments(const struct value_job *j, struct err *err) MUST_CHECK;
bool value_view_share(const struct value_job *j, struct err *err) MUST_CHECK;
bool value_view_cohorts(const struct value_job *j, struct err *err) MUST_CHECK;

#endif
