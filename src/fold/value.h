/* value: what a customer base is worth: who is still a customer, how many orders and how much money to expect.
 *
 * Input is plain rows (customer, day, amount); nothing here knows the database. Steps:
 *
 *   value_summarise()  rows → one line a customer: x, t_x, T, mean repeat spend
 *   value_cells_make() equal (x, t_x, T) counted once
 *   value_fit()        maximum likelihood: parameters, log-likelihood, standard errors
 *   value_predict()    P(still a customer), expected orders and their variance over a coming period
 *   value_spend()      expected amount of an order (Gamma-Gamma)
 *
 * Models
 *   BG/NBD      Fader, Hardie, Lee 2005, "Counting your customers the easy way"
 *   MBG/NBD     Batislam, Denizel, Filiztekin 2007: a customer may leave right after the first order, too
 *   Pareto/NBD  Schmittlein, Morrison, Colombo 1987
 *   Gamma-Gamma Fader, Hardie 2013, "The gamma-gamma model of monetary value"
 *
 * Words: x = repeat order days (the first one is not counted), t_x = time of the last order and T = time of the
 * horizon, both counted from the first order. All orders of one civil day are one order. A row with a negative amount
 * is a return: it lowers the spend, it makes no order.
 *
 * Determinism: same rows in any order, any number of threads: same bits. Sums are taken chunk by chunk in a fixed
 * order. Limits: VALUE_DAYS_MAX days of history, VALUE_ORDERS_MAX order days a customer; refused with ERR_LIMIT. Bad
 * input: what cannot be estimated is refused with a sentence that says what is missing (ERR_INPUT), never a NaN. */
#ifndef RELANCE_FOLD_VALUE_H
#define RELANCE_FOLD_VALUE_H

#include "base/err.h"
#include "base/zone.h"

#include <stddef.h>
#include <stdint.h>

enum { VALUE_DAYS_MAX = (1 << 20) - 1, VALUE_ORDERS_MAX = (1 << 24) - 1, VALUE_PARAMS_MAX = 4, VALUE_BUYERS_MIN = 10 };

enum value_unit { VALUE_DAY, VALUE_WEEK, VALUE_MONTH };
double value_unit_days(enum value_unit unit); /* 1, 7, 365.25/12 */

struct value_row {
	uint32_t customer; /* any number; need not be dense */
	int32_t day;       /* days since 1970-01-01, in the shop's zone */
	int64_t minor;     /* net amount; negative = return */
};

/* One line a customer that ordered on or before the horizon, by rising customer number. Owned by the struct. */
struct value_summary {
	size_t count;
	uint32_t *customer;
	uint32_t *x;                                     /* repeat order days */
	int32_t *tx_day;                                 /* last order − first order, in days */
	int32_t *t_day;                                  /* horizon − first order, in days */
	int64_t *first;                                  /* spend on the first order day, minor units */
	int64_t *repeat;                                 /* spend after it, returns taken off */
	double *m;                                       /* mean spend per repeat order in major units; 0 when x = 0 */
	double unit_days;                                /* t_x = tx_day / unit_days */
	size_t rows_used, rows_after, rows_before_first; /* used; dated after the horizon; returns before any order */
};

/* exponent: decimals of the currency (2: cents). Rows in any order. False: no order on or before the horizon, or a
 * limit. */
bool value_summarise(const struct value_row *rows, size_t count, struct date until, enum value_unit unit, int exponent,
                     struct value_summary *out, struct err *err) MUST_CHECK;
void value_summary_release(struct value_summary *s);

/* Distinct (x, t_x, T) with their number of customers, sorted by x, then T, then t_x. */
struct value_cells {
	size_t count, customers;
	uint32_t *x;
	int32_t *tx_day, *t_day;
	uint32_t *n;
	uint32_t *of; /* summary line → cell; NULL unless asked for */
	double unit_days;
	int32_t day_max;
};
void value_cells_make(const struct value_summary *s, bool with_lines, struct value_cells *out);
void value_cells_release(struct value_cells *c);

enum value_model { VALUE_BGNBD, VALUE_MBGNBD, VALUE_PARETONBD, VALUE_GAMMAGAMMA };
const char *value_model_name(enum value_model m); /* "bgnbd" */
bool value_model_find(struct str name, enum value_model *out) MUST_CHECK;
int value_model_params(enum value_model m);
const char *value_param_name(enum value_model m, int i); /* "r", "alpha", … */

struct value_fit {
	enum value_model model;
	int params;
	double p[VALUE_PARAMS_MAX];
	double se[VALUE_PARAMS_MAX];                    /* standard errors; see se_known */
	double cov[VALUE_PARAMS_MAX][VALUE_PARAMS_MAX]; /* inverse of the observed information */
	double loglik;
	size_t customers; /* that entered the likelihood */
	size_t left_out;  /* Gamma-Gamma: no repeat order, or nothing spent on them */
	int iterations;
	bool se_known;   /* false when a parameter ran to the edge of what the data can tell */
	const char *why; /* a sentence when !se_known, else NULL */
};

/* The three transaction models. Needs at least VALUE_BUYERS_MIN customers with a repeat order. */
bool value_fit_orders(enum value_model model, const struct value_cells *cells, int threads, struct value_fit *out,
                      struct err *err) MUST_CHECK;
/* Gamma-Gamma on x and m; the lines with x = 0 or m ≤ 0 are left out and counted. */
bool value_fit_spend(const struct value_summary *s, int threads, struct value_fit *out, struct err *err) MUST_CHECK;

/* Log-likelihood at given parameters, and its gradient and Hessian when not NULL (row-major, params × params). */
double value_loglik(enum value_model model, const struct value_cells *cells, const double *p, double *gradient,
                    double *hessian, int threads);
double value_loglik_spend(const struct value_summary *s, const double *p, double *gradient, double *hessian,
                          int threads);

struct value_forecast {
	double alive;    /* probability of still being a customer at the horizon */
	double orders;   /* expected order days in the coming `span` */
	double variance; /* of their number, parameters taken as known */
};

/* What a predictor keeps between customers; one per thread. */
struct value_predictor;
struct value_predictor *value_predictor_new(const struct value_fit *fit, double span);
void value_predictor_free(struct value_predictor *p);
/* x, t_x, T and span in the units of the fit. Finite for all x ≥ 0, 0 ≤ t_x ≤ T. */
struct value_forecast value_predict(struct value_predictor *p, double x, double t_x, double t);

/* Forecast of every cell, in parallel; out has cells->count entries. */
void value_predict_cells(const struct value_fit *fit, const struct value_cells *cells, double span, int threads,
                         struct value_forecast *out);

/* One customer's prospects over the coming span: means are exact, quantiles come from VALUE_DRAWS draws of the
 * customer's posterior, which depend on (x, t_x, T) alone, so that two runs agree. Amounts in major units; without a
 * spend fit, or where its mean does not exist, `amount` and the revenue figures are negative. */
enum { VALUE_DRAWS = 2000 };
struct value_prospect {
	double alive, orders, orders_low, orders_high;
	double amount;
	double revenue, revenue_low, revenue_high;
};
struct value_prospect value_prospect(const struct value_fit *orders, const struct value_fit *spend, double x,
                                     double t_x, double t, double m, double span, double level);

/* Expected amount of a coming order for a customer with x repeat orders of mean m (major units): the Gamma-Gamma
 * posterior mean. sd (may be NULL): standard deviation of the customer's own mean; negative when not finite.
 * Negative when the model's mean does not exist (px + q ≤ 1: spend too unequal to have one). */
double value_spend(const struct value_fit *fit, double x, double m, double *sd);

/* ---- holdout: fit on the first part, predict the rest ---- */

enum { VALUE_HOLDOUT_GROUPS = 8 }; /* by x in the first part: 0, 1, … 6, 7 and more */

struct value_holdout {
	struct value_fit fit;
	double span; /* length of the second part, in units */
	struct {
		size_t customers;
		double actual, predicted; /* order days in the second part */
	} group[VALUE_HOLDOUT_GROUPS];
	double actual, predicted;   /* totals */
	double low, high;           /* 95 % prediction interval of the total: chance and uncertain parameters */
	double mean_absolute_error; /* per customer */
	double naive_error;         /* the same for "as many per week as so far": the baseline to beat */
	double correlation;         /* actual and predicted, over customers; 0 when one of them does not vary */
};

/* The day by which two thirds of the rows had happened (at most the day before `end`): a cut that one odd old date
 * moves little. */
struct date value_two_thirds(const struct value_row *rows, size_t count, struct date end);

/* Customers with an order on or before `until`; the second part is the days after it up to `end`. */
bool value_holdout_check(enum value_model model, const struct value_row *rows, size_t count, struct date until,
                         struct date end, enum value_unit unit, int threads, struct value_holdout *out,
                         struct err *err) MUST_CHECK;

/* Expected orders of all cells, with the variance of their sum: each customer's chance, plus the fit's uncertainty
 * carried through the gradient of the total (delta method); the second is 0 when the standard errors are not known. */
double value_total(const struct value_fit *fit, const struct value_cells *cells, double span, int threads,
                   double *variance);

#endif
