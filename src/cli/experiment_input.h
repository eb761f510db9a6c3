/* experiment_input: the arms of an experiment, from numbers on the command line or from a CSV, one row a customer. */
#ifndef RELANCE_CLI_EXPERIMENT_INPUT_H
#define RELANCE_CLI_EXPERIMENT_INPUT_H

#include "base/arena.h"
#include "cli/cli.h"
#include "fold/experiment.h"

enum { TRIAL_OUTCOMES_MAX = 16 };
#define TRIAL_ROWS_MAX ((size_t)1 << 28)

struct trial {
	struct arena text;
	int arms, control; /* control: index of the arm compared with */
	const char *arm[EXPERIMENT_ARMS_MAX];
	double count[EXPERIMENT_ARMS_MAX]; /* people assigned */
	int outcomes;
	const char *outcome[TRIAL_OUTCOMES_MAX];
	struct moments moments[TRIAL_OUTCOMES_MAX][EXPERIMENT_ARMS_MAX];
	double days;    /* from a date column; 0 unknown */
	size_t skipped; /* rows that could not be used */
};

void trial_init(struct trial *t);
void trial_release(struct trial *t);

/* "NAME:N:SUM:SQUARES" or "N:SUM:SQUARES" */
bool trial_add_means(struct trial *t, const char *text, struct err *err) MUST_CHECK;
/* "14/28" or "NAME:14/28" */
bool trial_add_proportion(struct trial *t, const char *text, struct err *err) MUST_CHECK;
bool trial_read_csv(struct trial *t, const char *path, const char *outcome, int threads, struct err *err) MUST_CHECK;
bool trial_choose_control(struct trial *t, const char *name,
                          struct err *err) MUST_CHECK; /* NULL: by its usual names, else the first */

/* "1000,1200": numbers separated by commas, at most EXPERIMENT_ARMS_MAX; returns how many, −1 with err. */
int trial_numbers(const char *text, double *out, struct err *err);

#endif
