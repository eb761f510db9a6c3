/* relance value: what the customer base is worth, from orders in a file or a shop. */
#include "cli/sales.h"
#include "cli/value_print.h"

#include "base/arena.h"
#include "cli/cli.h"

#include <stdlib.h>

#define VALUE_ROWS_MAX ((size_t)1 << 31)

static const struct {
	const char *name;
	bool (*show)(const struct value_job *, struct err *);
} VIEWS[] = {
	{ "fit", value_view_fit },           { "holdout", value_view_holdout }, { "customers", value_view_customers },
	{ "segments", value_view_segments }, { "share", value_view_share },     { "cohorts", value_view_cohorts },
};

static const struct usage USAGE = {
	.synopsis = "value FILE|SHOP [--fit MODEL] [--until DATE] [--view VIEW] [options]",
	.text =
		"Fits a model of the customer base on its own history and says what to expect of it. FILE is a CSV with the "
		"columns\n"
		"customer, date, amount (a negative amount is a return), or the CDNOW sample. Orders of one day count as one.\n"
		"\n"
		"views: fit        parameters, standard errors, log-likelihood; orders to expect from everybody\n"
		"       holdout    fit up to --until, predict the rest, compare with what happened (calibration table)\n"
		"       customers  still a customer? orders and revenue to expect, with intervals, best first\n"
		"       segments   recency, frequency, amount in quintiles, in plain language\n"
		"       share      which few customers and products make most of the revenue (20/80)\n"
		"       cohorts    who came back in which month after the first order",
	.example = "relance value orders.csv --fit bgnbd --until 1997-09-30 --unit week --format json\n"
			   "  relance value orders.csv --view holdout --until 1997-09-30\n"
			   "  relance value orders.csv --view customers --span 52 --top 20\n"
			   "  relance value orders.csv --predict 2,30.43,38.86 --span 39 --format json",
	.positional_min = 1,
	.positional_max = 1,
};

static bool load(struct value_job *j, struct sale_source *source, struct err *err)
{
	size_t cap = 0, product_cap = 0;
	struct sale sale;
	enum sale_next next;
	j->first_day = INT32_MAX;
	j->last_day = INT32_MIN;
	while ((next = source->next(source, &sale, err)) == SALE_MORE) {
		if (j->count == VALUE_ROWS_MAX)
			return err_set(err, ERR_LIMIT, "more than %zu rows", VALUE_ROWS_MAX);
		j->rows = mem_grow(j->rows, &cap, j->count + 1, sizeof *j->rows);
		j->product = mem_grow(j->product, &product_cap, j->count + 1, sizeof *j->product);
		j->rows[j->count] =
			(struct value_row){ intern_put(&j->customers, sale.customer, NULL), sale.date.day, sale.minor };
		j->product[j->count++] = intern_put(&j->products, sale.product, NULL);
		j->first_day = sale.date.day < j->first_day ? sale.date.day : j->first_day;
		j->last_day = sale.date.day > j->last_day ? sale.date.day : j->last_day;
	}
	if (next == SALE_FAILED)
		return false;
	j->rejected = source->rejected;
	j->exponent = source->exponent;
	if (j->count == 0)
		return err_set(err, ERR_INPUT, "no row of orders%s%s", source->rejected ? ": " : "", source->first_reason);
	if (source->rejected > j->count)
		return err_set(err, ERR_INPUT, "%zu of %zu rows cannot be used; the first: %s", source->rejected,
		               source->rejected + j->count, source->first_reason);
	if (source->rejected)
		fprintf(stderr, "relance: %zu rows left out; the first: %s\n", source->rejected, source->first_reason);
	if (j->products.count == 1 && intern_name(&j->products, 0).n == 0) {
		free(j->product);
		j->product = NULL;
	}
	return true;
}

static bool read_unit(const char *text, struct value_job *j, double *year)
{
	struct str s = str_from(text);
	j->unit_name = text;
	*year = 365.25;
	j->unit = VALUE_DAY;
	if (str_is(s, "week")) {
		j->unit = VALUE_WEEK;
		*year = 52;
	} else if (str_is(s, "month")) {
		j->unit = VALUE_MONTH;
		*year = 12;
	} else if (!str_is(s, "day"))
		return false;
	return true;
}

static int run(struct value_job *j, const char *path, size_t view, const char *until)
{
	struct err err = { 0 };
	struct sale_source source;
	if (!sales_open(path, &source, &err))
		return cli_fail(&err);
	bool good = load(j, &source, &err);
	source.close(&source);
	if (!good) {
		err_context(&err, "%s", path);
		return cli_fail(&err);
	}
	j->end = (struct date){ j->last_day };
	j->until = j->end;
	if (until && !date_parse(str_from(until), &j->until))
		return cli_usage_error("--until: \"%s\" is not a date; write 2024-03-01", until);
	if (!until && VIEWS[view].show == value_view_holdout)
		j->until.day = j->first_day + (j->last_day - j->first_day) / 2;
	return VIEWS[view].show(j, &err) ? EXIT_DONE : cli_fail(&err);
}

static int checked(struct value_job *j, const char *path, const char *view, const char *fit, const char *unit,
                   const char *until, const char *lang)
{
	size_t v = 0;
	double year;
	while (v < ARRAY_LEN(VIEWS) && !str_is(str_from(view), VIEWS[v].name))
		v++;
	if (v == ARRAY_LEN(VIEWS))
		return cli_usage_error("--view: \"%s\" is none of fit, holdout, customers, segments, share, cohorts", view);
	if (!value_model_find(str_from(fit), &j->model))
		return cli_usage_error("--fit: \"%s\" is none of bgnbd, mbgnbd, paretonbd, gammagamma", fit);
	if (!read_unit(unit, j, &year))
		return cli_usage_error("--unit: \"%s\" is none of day, week, month", unit);
	if (j->span == 0)
		j->span = year;
	if (!(j->span > 0) || j->span > 100 * year)
		return cli_usage_error("--span: between 0 and %g %ss", 100 * year, unit);
	if (!(j->level >= 0.5 && j->level <= 0.99))
		return cli_usage_error("--level: between 0.5 and 0.99");
	if (j->top < 1)
		return cli_usage_error("--top: at least 1");
	j->french = str_is(str_from(lang), "fr");
	if (!j->french && !str_is(str_from(lang), "en"))
		return cli_usage_error("--lang: \"%s\" is none of fr, en", lang);
	return run(j, path, v, until);
}

int cmd_value(int argc, char **argv);

int cmd_value(int argc, char **argv)
{
	struct value_job j = { .level = 0.9, .top = 20 };
	const char *view = "fit", *fit = "bgnbd", *until = NULL, *unit = "week", *lang = "en", *path[1];
	const struct opt opts[] = {
		{ "--fit", OPT_TEXT, &fit, "MODEL", "bgnbd (default), mbgnbd, paretonbd, gammagamma" },
		{ "--until", OPT_TEXT, &until, "DATE", "learn from orders up to this day (default: the last one)" },
		{ "--unit", OPT_TEXT, &unit, "UNIT", "day, week (default) or month" },
		{ "--view", OPT_TEXT, &view, "VIEW", "fit (default), holdout, customers, segments, share, cohorts" },
		{ "--span", OPT_FLOAT, &j.span, "N", "how far to look ahead, in units (default: a year)" },
		{ "--predict", OPT_TEXT, &j.ask, "X,TX,T[,M]", "one customer: repeat orders, last, age [, mean amount]" },
		{ "--level", OPT_FLOAT, &j.level, "P", "of the intervals per customer (default 0.9)" },
		{ "--top", OPT_INT, &j.top, "N", "customers shown (default 20)" },
		{ "--threads", OPT_INT, &j.threads, "N", "default: all processors" },
		{ "--lang", OPT_TEXT, &lang, "LANG", "fr or en (default)" },
		{ "--format", OPT_FORMAT, &j.format, "FORMAT", "table, csv or json" },
	};
	int n, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, path, &n);
	if (status >= 0)
		return status;
	intern_init(&j.customers);
	intern_init(&j.products);
	status = checked(&j, path[0], view, fit, unit, until, lang);
	intern_release(&j.customers);
	intern_release(&j.products);
	free(j.rows);
	free(j.product);
	return status;
}
