#include "fold/pace.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

struct pace pace_make(const double *day, int elapsed, double running, int length, double level)
{
	check(elapsed >= 0 && elapsed <= length && level > 0 && level < 1);
	double sum = 0, squares = 0, least = running;
	for (int i = 0; i < elapsed; i++) {
		sum += day[i];
		least = fmin(least, day[i]);
	}
	if (elapsed == length)
		return (struct pace){ .known = true, .expected = sum, .low = sum, .high = sum };
	if (elapsed < PACE_DAYS_MIN)
		return (struct pace){ 0 };
	double mean = sum / elapsed, left = length - elapsed;
	for (int i = 0; i < elapsed; i++)
		squares += (day[i] - mean) * (day[i] - mean);
	if (!(squares > 1e-12 * (mean * mean * elapsed + 1e-300)))
		return (struct pace){ 0 };
	double radius = gsl_cdf_tdist_Qinv((1 - level) / 2, elapsed - 1) *
	                sqrt(squares / (elapsed - 1) * (left + left * left / elapsed));
	struct pace p = { .known = true, .expected = sum + mean * left };
	p.low = p.expected - radius;
	p.high = p.expected + radius;
	if (least >= 0) {
		p.expected = fmax(p.expected, sum + running);
		p.low = fmax(p.low, sum + running);
		p.high = fmax(p.high, p.expected);
	}
	return p;
}
