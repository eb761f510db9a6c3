/* value_orders: the integral of the Pareto/NBD likelihood, shared by the likelihood and the forecast.
 *
 * order_pareto_integral() returns ln ∫ (α+t)^−q (β+t)^−(s+1) dt over [t_x, T], T > t_x, for p = r, alpha, s, beta; with
 * `m` also the gradient and Hessian of that logarithm in the parameters (lower triangle). Relative error below 1e-10.
 */
#ifndef RELANCE_FOLD_VALUE_ORDERS_H
#define RELANCE_FOLD_VALUE_ORDERS_H

#include "fold/value.h"

enum { ORDER_NODES = 32, ORDER_NODES_FEW = 14 };

struct order_quadrature {
	double node[ORDER_NODES], weight[ORDER_NODES];
	double node_few[ORDER_NODES_FEW], weight_few[ORDER_NODES_FEW];
};

struct order_moments {
	double g[VALUE_PARAMS_MAX], h[VALUE_PARAMS_MAX][VALUE_PARAMS_MAX];
};

void order_quadrature_init(struct order_quadrature *q);
double order_pareto_integral(const struct order_quadrature *quad, const double *p, double q, double t_x, double t,
                             struct order_moments *m);

#endif
