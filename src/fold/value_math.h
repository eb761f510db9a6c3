/* value_math: the few special functions and the optimiser behind the customer value models.
 *
 * All of it is deterministic and thread-safe. Digamma and trigamma: recurrence up to 8, then the asymptotic series
 * (Abramowitz & Stegun 6.3.18, 6.4.12), relative error below 1e-13 for x > 0. */
#ifndef RELANCE_FOLD_VALUE_MATH_H
#define RELANCE_FOLD_VALUE_MATH_H

#include <stdbool.h>
#include <stddef.h>

double math_lgamma(double x);   /* x > 0, thread-safe */
double math_digamma(double x);  /* x > 0 */
double math_trigamma(double x); /* x > 0 */
double math_log1pexp(double d); /* ln(1 + e^d) without overflow */
double math_sigmoid(double d);

/* Gauss-Legendre on [0, 1]: n nodes and weights (sum 1). n ≤ MATH_NODES_MAX. */
enum { MATH_NODES_MAX = 64 };
void math_gauss_legendre(int n, double *node, double *weight);

/* Gauss quadrature for the expectation under Beta(a, b): nodes in (0, 1), weights of sum 1 (Golub & Welsch 1969 on the
 * Jacobi recurrence, so that b of thousands is no problem). */
void math_gauss_beta(int n, double a, double b, double *node, double *weight);

/* Newton ascent with a Levenberg ridge over positive parameters, in their logarithms. `eval` returns the log-likelihood
 * with gradient and Hessian in the parameters themselves. Bounds are on the logarithms. */
enum { NEWTON_PARAMS_MAX = 4, NEWTON_ITERATIONS_MAX = 200 };
typedef double newton_eval(void *ctx, const double *p, double *gradient, double *hessian);
struct newton {
	int n;
	newton_eval *eval;
	void *ctx;
	double p[NEWTON_PARAMS_MAX]; /* start in, optimum out */
	double value;
	double gradient[NEWTON_PARAMS_MAX];
	double hessian[NEWTON_PARAMS_MAX * NEWTON_PARAMS_MAX];
	int iterations;
	bool converged;
};
#define NEWTON_LOG_LOW  (-16.0)
#define NEWTON_LOG_HIGH 16.0
void newton_ascend(struct newton *s);

/* Inverse of a symmetric positive definite matrix (row-major); false when it is not. */
bool math_spd_inverse(int n, const double *m, double *out);

#endif
