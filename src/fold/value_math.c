#include "fold/value_math.h"

#include "base/check.h"

#include <math.h>
#include <string.h>

double math_lgamma(double x)
{
	int sign;
	return lgamma_r(x, &sign);
}

double math_digamma(double x)
{
	double sum = 0;
	for (; x < 8; x++)
		sum -= 1 / x;
	double i = 1 / x, i2 = i * i;
	return sum + log(x) - 0.5 * i -
	       i2 * (1.0 / 12 -
	             i2 * (1.0 / 120 - i2 * (1.0 / 252 - i2 * (1.0 / 240 - i2 * (1.0 / 132 - i2 * 691.0 / 32760)))));
}

double math_trigamma(double x)
{
	double sum = 0;
	for (; x < 8; x++)
		sum += 1 / (x * x);
	double i = 1 / x, i2 = i * i;
	return sum + i + 0.5 * i2 +
	       i * i2 *
	           (1.0 / 6 - i2 * (1.0 / 30 - i2 * (1.0 / 42 - i2 * (1.0 / 30 - i2 * (5.0 / 66 - i2 * 691.0 / 2730)))));
}

double math_log1pexp(double d)
{
	return d > 0 ? d + log1p(exp(-d)) : log1p(exp(d));
}

double math_sigmoid(double d)
{
	if (d >= 0)
		return 1 / (1 + exp(-d));
	double e = exp(d);
	return e / (1 + e);
}

/* Eigenvalues of the symmetric tridiagonal Jacobi matrix are the nodes, squared first components of the eigenvectors
 * the weights: implicit QL that carries the first components only (Golub & Welsch 1969). off[n − 1] is scratch. */
static void golub_welsch(int n, double *d, double *off, double *weight)
{
	enum { ROUNDS_MAX = 60 };
	for (int i = 0; i < n; i++)
		weight[i] = i == 0;
	off[n - 1] = 0;
	for (int l = 0; l < n; l++)
		for (int round = 0;; round++) {
			int m = l;
			while (m < n - 1 && fabs(off[m]) > 1e-16 * (fabs(d[m]) + fabs(d[m + 1])))
				m++;
			if (m == l || round == ROUNDS_MAX)
				break;
			double g = (d[l + 1] - d[l]) / (2 * off[l]), s = 1, c = 1, p = 0;
			g = d[m] - d[l] + off[l] / (g + copysign(sqrt(g * g + 1), g));
			for (int i = m - 1; i >= l; i--) {
				double f = s * off[i], b = c * off[i], r = sqrt(f * f + g * g);
				off[i + 1] = r;
				if (r == 0) { /* underflow: deflate and go round again */
					d[i + 1] -= p;
					off[m] = 0;
					break;
				}
				s = f / r;
				c = g / r;
				g = d[i + 1] - p;
				r = (d[i] - g) * s + 2 * c * b;
				p = s * r;
				d[i + 1] = g + p;
				g = c * r - b;
				f = weight[i + 1];
				weight[i + 1] = s * weight[i] + c * f;
				weight[i] = c * weight[i] - s * f;
				if (i == l) {
					d[l] -= p;
					off[l] = g;
					off[m] = 0;
				}
			}
		}
	for (int i = 0; i < n; i++)
		weight[i] *= weight[i];
}

void math_gauss_beta(int n, double a, double b, double *node, double *weight)
{
	check(n >= 2 && n <= MATH_NODES_MAX && a > 0 && b > 0);
	/* Jacobi weight (1−y)^A (1+y)^B on [−1, 1] with p = (1+y)/2: A = b−1, B = a−1. */
	double A = b - 1, B = a - 1, off[MATH_NODES_MAX];
	for (int k = 0; k < n; k++) {
		double c = 2 * k + A + B;
		node[k] = k == 0 ? (B - A) / (A + B + 2) : (B * B - A * A) / (c * (c + 2));
		if (k == 0)
			continue;
		double top = 4.0 * k * (k + A) * (k + B) * (k + A + B);
		/* for k = 1, (k + A + B) / (c − 1) is 1, also where both vanish */
		double square = k == 1 ? 4 * (1 + A) * (1 + B) / (c * c * (c + 1)) : top / (c * c * (c + 1) * (c - 1));
		off[k - 1] = sqrt(square);
	}
	golub_welsch(n, node, off, weight);
	for (int k = 0; k < n; k++)
		node[k] = node[k] <= -1 ? 0 : node[k] >= 1 ? 1 : 0.5 * (1 + node[k]);
}

void math_gauss_legendre(int n, double *node, double *weight)
{
	math_gauss_beta(n, 1, 1, node, weight);
}

/* Cholesky in place on the lower triangle; false when not positive definite. */
static bool cholesky(int n, double *m)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++) {
			double sum = m[i * n + j];
			for (int k = 0; k < j; k++)
				sum -= m[i * n + k] * m[j * n + k];
			if (i == j) {
				if (!(sum > 0) || !isfinite(sum))
					return false;
				m[i * n + i] = sqrt(sum);
			} else {
				m[i * n + j] = sum / m[j * n + j];
			}
		}
	return true;
}

static void cholesky_solve(int n, const double *l, const double *b, double *x)
{
	for (int i = 0; i < n; i++) {
		double sum = b[i];
		for (int k = 0; k < i; k++)
			sum -= l[i * n + k] * x[k];
		x[i] = sum / l[i * n + i];
	}
	for (int i = n - 1; i >= 0; i--) {
		double sum = x[i];
		for (int k = i + 1; k < n; k++)
			sum -= l[k * n + i] * x[k];
		x[i] = sum / l[i * n + i];
	}
}

bool math_spd_inverse(int n, const double *m, double *out)
{
	double l[NEWTON_PARAMS_MAX * NEWTON_PARAMS_MAX];
	check(n <= NEWTON_PARAMS_MAX);
	memcpy(l, m, sizeof *m * (size_t)(n * n));
	if (!cholesky(n, l))
		return false;
	for (int j = 0; j < n; j++) {
		double unit[NEWTON_PARAMS_MAX] = { 0 }, x[NEWTON_PARAMS_MAX];
		unit[j] = 1;
		cholesky_solve(n, l, unit, x);
		for (int i = 0; i < n; i++)
			out[i * n + j] = x[i];
	}
	return true;
}

/* Gradient and minus Hessian in the logarithms; the coordinates held at a bound get a unit row. */
static void to_logs(const struct newton *s, const double *theta, double *g, double *m)
{
	int n = s->n;
	for (int i = 0; i < n; i++)
		g[i] = s->p[i] * s->gradient[i];
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			m[i * n + j] = -(s->p[i] * s->p[j] * s->hessian[i * n + j] + (i == j ? g[i] : 0));
	for (int i = 0; i < n; i++) {
		bool held = (theta[i] <= NEWTON_LOG_LOW && g[i] <= 0) || (theta[i] >= NEWTON_LOG_HIGH && g[i] >= 0);
		if (!held)
			continue;
		g[i] = 0;
		for (int j = 0; j < n; j++)
			m[i * n + j] = m[j * n + i] = i == j;
	}
}

static double newton_value(struct newton *s, const double *theta)
{
	for (int i = 0; i < s->n; i++)
		s->p[i] = exp(theta[i]);
	s->value = s->eval(s->ctx, s->p, s->gradient, s->hessian);
	return s->value;
}

/* One step: the ridge grows until the step is uphill. False when no step helps. */
static bool newton_step(struct newton *s, double *theta, double *ridge)
{
	int n = s->n;
	double g[NEWTON_PARAMS_MAX], m[NEWTON_PARAMS_MAX * NEWTON_PARAMS_MAX], scale = 0;
	struct newton before = *s;
	to_logs(s, theta, g, m);
	for (int i = 0; i < n; i++)
		scale = fmax(scale, fabs(m[i * n + i]));
	for (int tries = 0; tries < 60; tries++) {
		double l[NEWTON_PARAMS_MAX * NEWTON_PARAMS_MAX], step[NEWTON_PARAMS_MAX], next[NEWTON_PARAMS_MAX], longest = 0;
		memcpy(l, m, sizeof l);
		for (int i = 0; i < n; i++)
			l[i * n + i] += *ridge * scale;
		if (cholesky(n, l)) {
			cholesky_solve(n, l, g, step);
			double gain = 0;
			for (int i = 0; i < n; i++) {
				longest = fmax(longest, fabs(step[i]));
				gain += g[i] * step[i];
			}
			double shrink = longest > 2 ? 2 / longest : 1; /* never more than e² at once */
			for (int i = 0; i < n; i++)
				next[i] = fmin(fmax(theta[i] + shrink * step[i], NEWTON_LOG_LOW), NEWTON_LOG_HIGH);
			double value = newton_value(s, next);
			if (isfinite(value) && value >= before.value - 1e-13 * fabs(before.value) &&
			    (value > before.value || gain < 1e-9)) {
				memcpy(theta, next, sizeof next);
				*ridge = *ridge < 1e-12 ? 0 : *ridge / 10;
				s->converged = gain < 1e-12 * (1 + fabs(value)) && longest < 1e-7;
				return true;
			}
		}
		*ridge = *ridge == 0 ? 1e-8 : *ridge * 10;
		if (*ridge > 1e12)
			break;
	}
	*s = before;
	s->converged = true; /* nothing uphill within rounding */
	for (int i = 0; i < n; i++)
		if (fabs(g[i]) > 1e-6 * (1 + fabs(s->value)))
			s->converged = false;
	return false;
}

void newton_ascend(struct newton *s)
{
	double theta[NEWTON_PARAMS_MAX], ridge = 1e-3;
	check(s->n >= 1 && s->n <= NEWTON_PARAMS_MAX);
	for (int i = 0; i < s->n; i++)
		theta[i] = fmin(fmax(log(s->p[i]), NEWTON_LOG_LOW), NEWTON_LOG_HIGH);
	s->converged = false;
	s->iterations = 0;
	newton_value(s, theta);
	while (!s->converged && s->iterations < NEWTON_ITERATIONS_MAX) {
		s->iterations++;
		if (!newton_step(s, theta, &ridge))
			break;
	}
}
