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

bool due_predict(const struct due_prior *p, const int32_t *days, size_t n, int32_t as_of, struct due *out)
{
	if (p->gaps == 0 || n == 0)
		return false;
	double sum, square;
	size_t gaps = distinct_gaps(days, n, &sum, &square);
	double a = p->a + p->shape * (double)gaps, b = p->b + p->shape * sum;
	double waited = as_of > days[n - 1] ? (double)as_of - days[n - 1] : 0;
	double passed = gsl_cdf_fdist_P(waited * a / b, 2 * p->shape, 2 * a);
	double quantile[3] = { 0.1, 0.5, 0.9 };
	int32_t at[3];
	for (int i = 0; i < 3; i++) {
		double share = passed + (1 - passed) * quantile[i];
		double gap = share < 1 - 1e-9 ? gsl_cdf_fdist_Pinv(share, 2 * p->shape, 2 * a) * b / a : waited + b / a;
		double day = days[n - 1] + (gap < 36500 ? gap : 36500);
		at[i] = (int32_t)lround(day);
	}
	*out = (struct due){ .from = at[0], .day = at[1], .to = at[2], .gap_days = b / (a - 1), .overdue = passed };
	return true;
}
