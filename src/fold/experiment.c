#include "fold/experiment.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/par.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool moments_from_sums(double n, double sum, double squares, struct moments *out)
{
	memset(out, 0, sizeof *out);
	if (!(n >= 0) || n != floor(n) || !isfinite(n) || !isfinite(sum) || !isfinite(squares) || squares < 0)
		return false;
	if (n == 0)
		return sum == 0 && squares == 0;
	double deviation = squares - sum * sum / n;
	if (deviation < -1e-9 * squares)
		return false;
	*out = (struct moments){ .n = n, .y = sum / n, .yy = deviation > 0 ? deviation : 0, .events = -1 };
	return true;
}

bool moments_from_proportion(double successes, double n, struct moments *out)
{
	memset(out, 0, sizeof *out);
	if (!(n >= 0) || !isfinite(n) || n != floor(n) || !(successes >= 0) || successes > n ||
	    successes != floor(successes))
		return false;
	if (n > 0)
		*out =
			(struct moments){ .n = n, .y = successes / n, .yy = successes * (1 - successes / n), .events = successes };
	out->binary = true;
	return true;
}

void moments_merge(struct moments *a, const struct moments *b)
{
	if (b->n == 0)
		return;
	if (a->n == 0) {
		*a = *b;
		return;
	}
	double n = a->n + b->n, dy = b->y - a->y, dx = b->x - a->x, w = a->n * b->n / n;
	a->yy += b->yy + dy * dy * w;
	a->xx += b->xx + dx * dx * w;
	a->xy += b->xy + dx * dy * w;
	a->y += dy * b->n / n;
	a->x += dx * b->n / n;
	a->n = n;
	a->events = a->events < 0 || b->events < 0 ? -1 : a->events + b->events;
	a->covariate = a->covariate && b->covariate;
	a->binary = a->binary && b->binary;
}

enum { FOLD_CHUNK = 16384 };

struct fold {
	const uint8_t *arm;
	const double *y, *x;
	int arms;
	struct moments *parts; /* chunk × arms */
	size_t *skipped;
};

/* Two passes over a chunk that stays in cache: means first, deviations from them second. */
static void fold_chunk(void *ctx, size_t from, size_t to, int thread)
{
	struct fold *f = ctx;
	struct moments *m = f->parts + from / FOLD_CHUNK * (size_t)f->arms;
	size_t skipped = 0;
	for (int a = 0; a < f->arms; a++)
		m[a] = (struct moments){ .covariate = f->x != NULL, .binary = true };
	for (size_t i = from; i < to; i++) {
		double x = f->x ? f->x[i] : 0, y = f->y[i];
		if (f->arm[i] >= f->arms)
			continue;
		if (!isfinite(y) || !isfinite(x)) {
			skipped++;
			continue;
		}
		struct moments *p = &m[f->arm[i]];
		p->n++;
		p->events += y != 0;
		p->y += y;
		p->x += x;
		p->binary = p->binary && (y == 0 || y == 1);
	}
	for (int a = 0; a < f->arms; a++)
		if (m[a].n > 0) {
			m[a].y /= m[a].n;
			m[a].x /= m[a].n;
		}
	for (size_t i = from; i < to; i++) {
		double x = f->x ? f->x[i] : 0, y = f->y[i];
		if (f->arm[i] >= f->arms || !isfinite(y) || !isfinite(x))
			continue;
		struct moments *p = &m[f->arm[i]];
		double dy = y - p->y, dx = x - p->x;
		p->yy += dy * dy;
		p->xx += dx * dx;
		p->xy += dx * dy;
	}
	f->skipped[from / FOLD_CHUNK] = skipped;
}

size_t moments_fold(const uint8_t *arm, const double *y, const double *x, size_t count, int arms, int threads,
                    struct moments *out)
{
	check(arms >= 1 && arms <= EXPERIMENT_ARMS_MAX);
	size_t chunks = (count + FOLD_CHUNK - 1) / FOLD_CHUNK, skipped = 0;
	struct fold f = { arm,
		              y,
		              x,
		              arms,
		              mem_alloc((chunks * (size_t)arms + 1) * sizeof *f.parts),
		              mem_alloc((chunks + 1) * sizeof *f.skipped) };
	par_for(count, FOLD_CHUNK, threads, fold_chunk, &f);
	for (int a = 0; a < arms; a++)
		out[a] = (struct moments){ .covariate = x != NULL, .binary = true };
	for (size_t c = 0; c < chunks; c++) {
		skipped += f.skipped[c];
		for (int a = 0; a < arms; a++)
			moments_merge(&out[a], &f.parts[c * (size_t)arms + (size_t)a]);
	}
	free(f.parts);
	free(f.skipped);
	return skipped;
}

/* ---- comparing ---- */

double experiment_sequential_factor(double customers, double alpha)
{
	double l = -2 * log(alpha), rho2 = (l + log(l + 1)) / EXPERIMENT_TUNED, k = customers * rho2;
	return sqrt(2 * (k + 1) / k * log(sqrt(k + 1) / alpha));
}

static double sequential_p(double z, double customers)
{
	double l = -2 * log(0.05), rho2 = (l + log(l + 1)) / EXPERIMENT_TUNED, k = customers * rho2;
	return fmin(1, sqrt(k + 1) * exp(-0.5 * z * z * k / (k + 1)));
}

static bool unknown(struct comparison *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool unknown(struct comparison *c, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(c->why, sizeof c->why, fmt, args);
	va_end(args);
	return false;
}

static bool enough(struct comparison *c, const char *who, const struct moments *m)
{
	if (m->n == 0)
		return unknown(c, "the %s group is empty", who);
	if (m->n < EXPERIMENT_ARM_MIN)
		return unknown(c, "the %s group has %.0f customer%s; at least %d are needed", who, m->n, m->n == 1 ? "" : "s",
		               EXPERIMENT_ARM_MIN);
	if (m->events >= 0 && m->events < EXPERIMENT_EVENTS_MIN)
		return unknown(c, "only %.0f of %.0f in the %s group did anything; at least %d are needed", m->events, m->n,
		               who, EXPERIMENT_EVENTS_MIN);
	if (m->binary && m->n - m->events < EXPERIMENT_EVENTS_MIN)
		return unknown(c, "all but %.0f of %.0f in the %s group did it; at least %d that did not are needed",
		               m->n - m->events, m->n, who, EXPERIMENT_EVENTS_MIN);
	if (!(m->yy > 1e-12 * (m->y * m->y * m->n + 1e-300)))
		return unknown(c, "all customers of the %s group have the same outcome: no chance can be told from it", who);
	return true;
}

/* Adjusts means and spreads with the covariate when both arms have one that varies. */
static void cuped(const struct moments *a, const struct moments *b, struct comparison *c, double *sa, double *sb)
{
	double xx = a->xx + b->xx, xy = a->xy + b->xy, yy = a->yy + b->yy;
	if (!a->covariate || !b->covariate || !(xx > 0))
		return;
	double theta = xy / xx, mean = (a->n * a->x + b->n * b->x) / (a->n + b->n);
	double na = a->yy - 2 * theta * a->xy + theta * theta * a->xx,
		   nb = b->yy - 2 * theta * b->xy + theta * theta * b->xx;
	double spread = a->yy + b->yy;
	if (!(na > 1e-12 * spread) || !(nb > 1e-12 * spread))
		return; /* the covariate explains all: leave it alone */
	c->cuped = true;
	c->theta = theta;
	c->variance_cut = 1 - (na + nb) / yy;
	c->control_mean -= theta * (a->x - mean);
	c->treated_mean -= theta * (b->x - mean);
	*sa = na;
	*sb = nb;
}

static double variance_of_mean(const struct moments *m, double spread, bool adjusted)
{
	double freedom = m->binary && !adjusted ? m->n : m->n - 1;
	return spread / freedom / m->n;
}

static void compare_lift(struct comparison *c, double va, double vb, double quantile, double sequential)
{
	if (!(c->control_mean > 2 * sqrt(va))) {
		snprintf(c->why, sizeof c->why,
		         "the mean of the control group is not clearly above zero: no percentage can be given");
		return;
	}
	double m = c->control_mean, ratio = c->treated_mean / m;
	c->lift_known = true;
	c->lift = ratio - 1;
	c->lift_se = sqrt(vb / (m * m) + ratio * ratio * va / (m * m));
	c->ci_low = c->lift - quantile * c->lift_se;
	c->ci_high = c->lift + quantile * c->lift_se;
	c->lift_seq_low = c->lift - sequential * c->lift_se;
	c->lift_seq_high = c->lift + sequential * c->lift_se;
	c->p = 2 * gsl_cdf_tdist_Q(fabs(c->lift / c->lift_se), c->df);
}

static double look_factor(const struct moments *m)
{
	return EXPERIMENT_LOOK_EVENTS / (m->events < 0 ? m->n : m->events);
}

void experiment_compare(const struct moments *control, const struct moments *treated, double level, int comparisons,
                        struct comparison *c)
{
	check(level > 0 && level < 1 && comparisons >= 1);
	memset(c, 0, sizeof *c);
	c->control_n = control->n;
	c->treated_n = treated->n;
	c->control_mean = control->y;
	c->treated_mean = treated->y;
	double alpha = (1 - level) / comparisons;
	c->level = 1 - alpha;
	if (!enough(c, "control", control) || !enough(c, "treated", treated))
		return;
	double sa = control->yy, sb = treated->yy;
	cuped(control, treated, c, &sa, &sb);
	double va = variance_of_mean(control, sa, c->cuped), vb = variance_of_mean(treated, sb, c->cuped);
	c->known = true;
	c->difference = c->treated_mean - c->control_mean;
	c->se = sqrt(va + vb);
	c->df = (va + vb) * (va + vb) / (va * va / (control->n - 1) + vb * vb / (treated->n - 1));
	double quantile = gsl_cdf_tdist_Qinv(alpha / 2, c->df);
	double sequential = experiment_sequential_factor(control->n + treated->n, alpha);
	c->low = c->difference - quantile * c->se;
	c->high = c->difference + quantile * c->se;
	c->look_factor = fmax(look_factor(control), look_factor(treated));
	c->seq_known = c->look_factor <= 1;
	c->seq_low = c->difference - sequential * c->se;
	c->seq_high = c->difference + sequential * c->se;
	c->p = c->p_difference = 2 * gsl_cdf_tdist_Q(fabs(c->difference / c->se), c->df);
	c->seq_p = sequential_p(c->difference / c->se, control->n + treated->n);
	compare_lift(c, va, vb, quantile, sequential);
	double events = fmin(control->events, treated->events);
	c->rough = !(control->binary && treated->binary) && events >= 0 && events < EXPERIMENT_ROUGH_EVENTS;
	if (c->rough && !c->why[0])
		snprintf(c->why, sizeof c->why,
		         "only %.0f outcomes of a group are not 0: the interval is rough until there are %d", events,
		         EXPERIMENT_ROUGH_EVENTS);
}

struct srm experiment_srm(const double *counts, const double *expected, int arms)
{
	struct srm s = { .p = 1 };
	double total = 0, weight = 0;
	for (int i = 0; i < arms; i++) {
		if (!(counts[i] >= 0) || !(expected[i] > 0) || !isfinite(counts[i]) || !isfinite(expected[i]))
			return s;
		total += counts[i];
		weight += expected[i];
	}
	if (arms < 2 || total == 0)
		return s;
	for (int i = 0; i < arms; i++) {
		double e = total * expected[i] / weight;
		s.chi2 += (counts[i] - e) * (counts[i] - e) / e;
	}
	s.known = true;
	s.df = arms - 1;
	s.p = gsl_cdf_chisq_Q(s.chi2, s.df);
	s.alarm = s.p < EXPERIMENT_SRM_ALARM;
	return s;
}

void experiment_holm(double *p, int count)
{
	check(count <= EXPERIMENT_ARMS_MAX * 64);
	double before = 0;
	bool done[EXPERIMENT_ARMS_MAX * 64] = { false };
	for (int rank = 0; rank < count; rank++) {
		int least = -1;
		for (int i = 0; i < count; i++)
			if (!done[i] && (least < 0 || p[i] < p[least]))
				least = i;
		done[least] = true;
		before = fmax(before, fmin(1, p[least] * (count - rank)));
		p[least] = before;
	}
}
