#include "fold/due.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

enum { GAPS_FOR_SHAPE = 2 };

static size_t distinct_gaps(const int32_t *days, size_t n, double *sum, double *square)
{
	size_t gaps = 0;
	*sum = *square = 0;
	for (size_t i = 1; i < n; i++)
		if (days[i] > days[i - 1]) {
			double gap = (double)days[i] - days[i - 1];
			*sum += gap;
			*square += gap * gap;
			gaps++;
		}
	return gaps;
}

void due_fit_add(struct due_fit *f, const int32_t *days, size_t n)
{
	double sum, square;
	size_t gaps = distinct_gaps(days, n, &sum, &square);
	if (gaps == 0)
		return;
	double mean = sum / (double)gaps;
	f->customers++;
	f->gaps += gaps;
	f->mean_sum += mean;
	f->mean_square += mean * mean;
	f->share_sum += mean * mean / (double)gaps;
	if (gaps >= GAPS_FOR_SHAPE) {
		double variance = (square - sum * mean) / (double)(gaps - 1);
		f->within +=
			variance / (mean * mean + variance / (double)gaps); /* steadier than the plain ratio for few gaps */
		f->within_n++;
	}
}

struct due_prior due_fit_finish(const struct due_fit *f)
{
	struct due_prior p = { .shape = 1, .a = 3, .b = 1, .gaps = f->gaps };
	if (f->customers == 0)
		return p;
	double n = (double)f->customers, mean = f->mean_sum / n;
	double spread = f->within_n ? f->within / (double)f->within_n : 1;
	p.shape = spread > 0 ? 1 / spread : 50;
	p.shape = p.shape < 0.5 ? 0.5 : p.shape > 50 ? 50 : p.shape;
	double between = f->mean_square / n - mean * mean - f->share_sum / n / p.shape;
	double least = 0.02 * mean * mean;
	between = between > least ? between : least;
	p.a = 2 + mean * mean / between;
	p.b = mean * (p.a - 1);
	return p;
}

const double DUE_QUANTILES_PLAIN[DUE_QUANTILES] = { 0.1, 0.5, 0.9 };

struct posterior {
	double shape, a, b, waited, passed;
};

static bool posterior_of(const struct due_prior *p, const int32_t *days, size_t n, int32_t as_of, struct posterior *out)
{
	if (p->gaps == 0 || n == 0)
		return false;
	double sum, square;
	size_t gaps = distinct_gaps(days, n, &sum, &square);
	*out = (struct posterior){ p->shape, p->a + p->shape * (double)gaps, p->b + p->shape * sum, 0, 0 };
	out->waited = as_of > days[n - 1] ? (double)as_of - days[n - 1] : 0;
	out->passed = gsl_cdf_fdist_P(out->waited * out->a / out->b, 2 * out->shape, 2 * out->a);
	return true;
}

static double share_by(const struct posterior *x, double gap)
{
	return gap > x->waited ? gsl_cdf_fdist_P(gap * x->a / x->b, 2 * x->shape, 2 * x->a) : x->passed;
}

/* The day with most of the distribution within a week of it, up to the median: what is told has to be near, and a long
 * tail pulls the median away from where most purchases are. */
static int32_t likely_day(const struct posterior *x, int32_t last, int32_t from, int32_t median)
{
	enum { STEPS = 8 };
	int32_t best = median;
	double most = 0;
	for (int i = 0; i <= STEPS; i++) {
		int32_t at = median - (int32_t)lround((double)(median - from) * i / STEPS);
		double gap = (double)at - last;
		double here = share_by(x, gap + DUE_NEAR_DAYS + 0.5) - share_by(x, gap - DUE_NEAR_DAYS - 0.5);
		if (here > most) {
			most = here;
			best = at;
		}
	}
	return best;
}

bool due_predict(const struct due_prior *p, const int32_t *days, size_t n, int32_t as_of,
                 const double quantile[DUE_QUANTILES], struct due *out)
{
	struct posterior x;
	int32_t at[DUE_QUANTILES];
	if (!posterior_of(p, days, n, as_of, &x))
		return false;
	for (int i = 0; i < DUE_QUANTILES; i++) {
		double share = x.passed + (1 - x.passed) * quantile[i];
		double gap =
			share < 1 - 1e-9 ? gsl_cdf_fdist_Pinv(share, 2 * x.shape, 2 * x.a) * x.b / x.a : x.waited + x.b / x.a;
		double day = days[n - 1] + (gap < 36500 ? gap : 36500);
		at[i] = (int32_t)lround(day);
	}
	int32_t today = as_of > days[n - 1] ? as_of : days[n - 1];
	*out = (struct due){ .from = at[0],
		                 .day = likely_day(&x, days[n - 1], at[0] < today ? today : at[0], at[1]),
		                 .median = at[1],
		                 .to = at[2],
		                 .gap_days = x.b / (x.a - 1),
		                 .overdue = x.passed };
	return true;
}

bool due_reached(const struct due_prior *p, const int32_t *days, size_t n, int32_t as_of, int32_t came, double *share)
{
	struct posterior x;
	if (!posterior_of(p, days, n, as_of, &x) || x.passed > 1 - 1e-9)
		return false;
	double there = gsl_cdf_fdist_P(((double)came - days[n - 1]) * x.a / x.b, 2 * x.shape, 2 * x.a);
	*share = there > x.passed ? (there - x.passed) / (1 - x.passed) : 0;
	return true;
}
