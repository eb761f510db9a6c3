#include "fold/value.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tally {
	double n, actual, predicted, actual2, predicted2, both, error, naive;
};

static void tally_add(struct tally *t, double actual, double predicted, double naive)
{
	t->n++;
	t->actual += actual;
	t->predicted += predicted;
	t->actual2 += actual * actual;
	t->predicted2 += predicted * predicted;
	t->both += actual * predicted;
	t->error += fabs(actual - predicted);
	t->naive += fabs(actual - naive);
}

static double tally_correlation(const struct tally *t)
{
	double va = t->actual2 - t->actual * t->actual / t->n, vp = t->predicted2 - t->predicted * t->predicted / t->n;
	if (!(va > 1e-12) || !(vp > 1e-12))
		return 0;
	return (t->both - t->actual * t->predicted / t->n) / sqrt(va * vp);
}

/* Both summaries are sorted by customer and the second has every customer of the first (it only looks further ahead).
 */
static void compare(const struct value_summary *first, const struct value_summary *whole,
                    const struct value_cells *cells, const struct value_forecast *forecast, struct value_holdout *out)
{
	struct tally t = { 0 };
	size_t j = 0;
	for (size_t i = 0; i < first->count; i++) {
		while (whole->customer[j] != first->customer[i])
			j++;
		double x = first->x[i], actual = whole->x[j] - x, predicted = forecast[cells->of[i]].orders;
		double time = (first->t_day[i] + 1) / first->unit_days; /* the horizon's own day is part of it */
		size_t g = x < VALUE_HOLDOUT_GROUPS - 1 ? (size_t)x : VALUE_HOLDOUT_GROUPS - 1;
		out->group[g].customers++;
		out->group[g].actual += actual;
		out->group[g].predicted += predicted;
		tally_add(&t, actual, predicted, x / time * out->span);
	}
	out->actual = t.actual;
	out->predicted = t.predicted;
	out->mean_absolute_error = t.error / t.n;
	out->naive_error = t.naive / t.n;
	out->correlation = tally_correlation(&t);
}

static int by_day(const void *x, const void *y)
{
	int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;
	return (a > b) - (a < b);
}

struct date value_two_thirds(const struct value_row *rows, size_t count, struct date end)
{
	int32_t *days = mem_alloc((count + 1) * sizeof *days);
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		if (rows[i].day <= end.day)
			days[n++] = rows[i].day;
	qsort(days, n, sizeof *days, by_day);
	struct date cut = { n ? days[n * 2 / 3] : end.day };
	free(days);
	cut.day = cut.day < end.day ? cut.day : end.day - 1;
	return cut;
}

bool value_holdout_check(enum value_model model, const struct value_row *rows, size_t count, struct date until,
                         struct date end, enum value_unit unit, int threads, struct value_holdout *out, struct err *err)
{
	memset(out, 0, sizeof *out);
	if (end.day <= until.day) {
		char a[16], b[16];
		return err_set(err, ERR_INPUT,
		               "nothing to check against: the fit goes to %s and the orders end on %s; give an earlier "
		               "--until",
		               date_text(until, a), date_text(end, b));
	}
	struct value_summary first, whole;
	struct value_cells cells;
	if (!value_summarise(rows, count, until, unit, 2, &first, err))
		return false;
	if (!value_summarise(rows, count, end, unit, 2, &whole, err)) {
		value_summary_release(&first);
		return false;
	}
	value_cells_make(&first, true, &cells);
	out->span = (end.day - until.day) / first.unit_days;
	bool good = value_fit_orders(model, &cells, threads, &out->fit, err);
	if (good) {
		struct value_forecast *forecast = mem_alloc((cells.count + 1) * sizeof *forecast);
		double variance, total;
		value_predict_cells(&out->fit, &cells, out->span, threads, forecast);
		compare(&first, &whole, &cells, forecast, out);
		total = value_total(&out->fit, &cells, out->span, threads, &variance);
		out->low = fmax(0, total - 1.959963984540054 * sqrt(variance));
		out->high = total + 1.959963984540054 * sqrt(variance);
		free(forecast);
	}
	value_cells_release(&cells);
	value_summary_release(&first);
	value_summary_release(&whole);
	return good;
}
