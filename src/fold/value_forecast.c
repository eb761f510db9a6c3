/* Forecasts from the posterior of one customer.
 *
 * Given that the customer is still there at T, λ ~ Gamma(r + x, α + T), independent of
 *   BG, MBG: p ~ Beta(a, b + x + k): orders in the span are min(Poisson(λ·span), Geometric(p)), so with y = p·span/(α +
 * T) E[Y | p]      = (1 − (1+y)^−q) / p E[Y(Y−1) | p] = 2(1−p)/p² · (1 − (1+y)^−q − q y (1+y)^−(q+1)),          q = r +
 * x and the mean over p is a Gauss quadrature for Beta: positive terms, no singularity at a = 1, no 2F1 Pareto:  μ ~
 * Gamma(s, β + T): orders are Poisson(λ·min(span, life)), life's survival is (B/(B+u))^s, B = β + T */
#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/value_math.h"
#include "fold/value_orders.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 24, NODES_FEW = 16, CACHED = 32, CELLS_CHUNK = 1024 };

struct value_predictor {
	struct value_fit fit;
	double span;
	int nodes; /* the farther ahead beside alpha, the closer the integrand's singularity: more nodes */
	struct {
		bool made;
		double x;
		double node[NODES], weight[NODES];
	} beta[CACHED]; /* nodes for Beta(a, b + x + k), by x mod CACHED */
	double even_node[NODES], even_weight[NODES];
	struct order_quadrature quadrature;
};

struct value_predictor *value_predictor_new(const struct value_fit *fit, double span)
{
	check(fit->model != VALUE_GAMMAGAMMA);
	struct value_predictor *p = mem_alloc(sizeof *p);
	p->fit = *fit;
	p->span = span;
	p->nodes = fit->p[1] > 0.1 * span ? NODES_FEW : NODES; /* relative error 1e-9 at the border */
	if (fit->model == VALUE_PARETONBD) {
		math_gauss_legendre(NODES, p->even_node, p->even_weight);
		order_quadrature_init(&p->quadrature);
	}
	return p;
}

void value_predictor_free(struct value_predictor *p)
{
	free(p);
}

static double alive_bg(const double *p, double k, double x, double t_x, double t)
{
	if (x + k <= 0)
		return 1;
	double d = log(p[2]) - log(p[3] + x + k - 1) + (p[0] + x) * (log(p[1] + t) - log(p[1] + t_x));
	return math_sigmoid(-d);
}

static double alive_pareto(const struct value_predictor *v, double x, double t_x, double t)
{
	const double *p = v->fit.p;
	if (t <= t_x)
		return 1;
	double stay = -(p[0] + x) * log(p[1] + t) - p[2] * log(p[3] + t);
	double left = log(p[2]) + order_pareto_integral(&v->quadrature, p, p[0] + x, t_x, t, NULL);
	return math_sigmoid(stay - left);
}

static void moments_bg(struct value_predictor *v, double k, double x, double t, double *mean, double *second)
{
	const double *p = v->fit.p;
	size_t slot = (size_t)fmod(x, CACHED);
	const double *node = v->beta[slot].node, *weight = v->beta[slot].weight;
	if (!v->beta[slot].made || v->beta[slot].x != x) {
		math_gauss_beta(v->nodes, p[2], p[3] + x + k, v->beta[slot].node, v->beta[slot].weight);
		v->beta[slot].made = true;
		v->beta[slot].x = x;
	}
	double q = p[0] + x, reach = v->span / (p[1] + t);
	*mean = *second = 0;
	for (int i = 0; i < v->nodes; i++) {
		double leave = node[i], y = leave * reach, gone = -expm1(-q * log1p(y));
		double orders = leave > 1e-300 ? gone / leave : q * reach, pairs;
		if ((q + 4) * y < 1e-3) /* the series: the difference below would cancel */
			pairs = (1 - leave) * q * (q + 1) * reach * reach * (1 - (q + 2) * y * (2.0 / 3 - (q + 3) * y / 4));
		else
			pairs = 2 * (1 - leave) / (leave * leave) * (gone - q * y / (1 + y) * (1 - gone));
		*mean += weight[i] * orders;
		*second += weight[i] * (pairs + orders);
	}
}

static void moments_pareto(const struct value_predictor *v, double x, double t, double *mean, double *second)
{
	const double *p = v->fit.p;
	double q = p[0] + x, a = p[1] + t, b = p[3] + t, s = p[2], reach = log1p(v->span / b);
	double life = 0, life2 = 0; /* mean of min(span, life) and of its square: ∫S, ∫2uS, in ln(1 + u/b) */
	for (int i = 0; i < NODES; i++) {
		double l = reach * v->even_node[i], w = reach * v->even_weight[i] * b * exp((1 - s) * l);
		life += w;
		life2 += w * 2 * b * expm1(l);
	}
	double rate = q / a, rate2 = q * (q + 1) / (a * a);
	*mean = rate * life;
	*second = rate * life + rate2 * life2;
}

struct value_forecast value_predict(struct value_predictor *v, double x, double t_x, double t)
{
	struct value_forecast f = { 0 };
	double mean, second;
	if (v->fit.model == VALUE_PARETONBD) {
		f.alive = alive_pareto(v, x, t_x, t);
		moments_pareto(v, x, t, &mean, &second);
	} else {
		double k = v->fit.model == VALUE_MBGNBD;
		f.alive = alive_bg(v->fit.p, k, x, t_x, t);
		moments_bg(v, k, x, t, &mean, &second);
	}
	f.orders = f.alive * mean;
	f.variance = fmax(0, f.alive * second - f.orders * f.orders);
	return f;
}

struct predict_all {
	const struct value_fit *fit;
	const struct value_cells *cells;
	double span;
	struct value_forecast *out;
};

static void predict_chunk(void *ctx, size_t from, size_t to, int thread)
{
	struct predict_all *a = ctx;
	struct value_predictor *p = value_predictor_new(a->fit, a->span);
	for (size_t i = from; i < to; i++)
		a->out[i] = value_predict(p, a->cells->x[i], a->cells->tx_day[i] / a->cells->unit_days,
		                          a->cells->t_day[i] / a->cells->unit_days);
	value_predictor_free(p);
}

void value_predict_cells(const struct value_fit *fit, const struct value_cells *cells, double span, int threads,
                         struct value_forecast *out)
{
	struct predict_all a = { fit, cells, span, out };
	par_for(cells->count, CELLS_CHUNK, threads, predict_chunk, &a);
}

static double total_orders(const struct value_fit *fit, const struct value_cells *cells, double span, int threads,
                           struct value_forecast *room, double *variance)
{
	double total = 0;
	value_predict_cells(fit, cells, span, threads, room);
	*variance = 0;
	for (size_t i = 0; i < cells->count; i++) {
		total += cells->n[i] * room[i].orders;
		*variance += cells->n[i] * room[i].variance;
	}
	return total;
}

double value_total(const struct value_fit *fit, const struct value_cells *cells, double span, int threads,
                   double *variance)
{
	struct value_forecast *room = mem_alloc((cells->count + 1) * sizeof *room);
	double unused, total = total_orders(fit, cells, span, threads, room, variance);
	if (fit->se_known) {
		double gradient[VALUE_PARAMS_MAX];
		for (int i = 0; i < fit->params; i++) {
			struct value_fit moved = *fit;
			double h = 1e-4 * fit->p[i];
			moved.p[i] = fit->p[i] + h;
			gradient[i] = (total_orders(&moved, cells, span, threads, room, &unused) - total) / h;
		}
		for (int i = 0; i < fit->params; i++)
			for (int j = 0; j < fit->params; j++)
				*variance += gradient[i] * fit->cov[i][j] * gradient[j];
	}
	free(room);
	return total;
}

/* ---- one customer ---- */

static double draw_poisson(struct rng *r, double mean)
{
	if (mean < 1e3)
		return rng_poisson(r, mean);
	return fmax(0, floor(mean + sqrt(mean) * rng_normal(r) + 0.5));
}

static double draw_orders(const struct value_fit *fit, struct rng *r, double x, double t, double span)
{
	const double *p = fit->p;
	double rate = rng_gamma(r, p[0] + x) / (p[1] + t);
	if (fit->model == VALUE_PARETONBD) {
		double leave = rng_gamma(r, p[2]) / (p[3] + t);
		double life = leave > 0 ? rng_exp(r, leave) : INFINITY;
		return draw_poisson(r, rate * fmin(span, life));
	}
	double g = rng_gamma(r, p[2]), h = rng_gamma(r, p[3] + x + (fit->model == VALUE_MBGNBD)), leave = g / (g + h);
	double orders = draw_poisson(r, rate * span), u = 1 - rng_unit(r);
	if (!(leave > 0))
		return orders;
	double last = leave >= 1 ? 1 : 1 + floor(log(u) / log1p(-leave)); /* the order after which the customer leaves */
	return fmin(orders, last);
}

static int number_order(const void *a, const void *b)
{
	double p = *(const double *)a, q = *(const double *)b;
	return p < q ? -1 : p > q;
}

static void quantiles(double *draws, size_t n, double level, double *low, double *high)
{
	qsort(draws, n, sizeof *draws, number_order);
	size_t cut = (size_t)floor((1 - level) / 2 * (double)n);
	*low = draws[cut];
	*high = draws[n - 1 - cut];
}

struct value_prospect value_prospect(const struct value_fit *orders, const struct value_fit *spend, double x,
                                     double t_x, double t, double m, double span, double level)
{
	struct value_prospect out = { .amount = -1, .revenue = -1, .revenue_low = -1, .revenue_high = -1 };
	struct value_predictor *v = value_predictor_new(orders, span);
	struct value_forecast f = value_predict(v, x, t_x, t);
	value_predictor_free(v);
	out.alive = f.alive;
	out.orders = f.orders;
	if (spend)
		out.amount = value_spend(spend, x, m, NULL);
	double key[3] = { x, t_x, t }, *count = mem_alloc(VALUE_DRAWS * sizeof *count),
		   *revenue = mem_alloc(VALUE_DRAWS * sizeof *revenue);
	struct rng r;
	rng_init(&r, hash64(key, sizeof key, 1), 0);
	double shape = 0, rate = 1;
	if (out.amount >= 0) {
		bool known = x > 0 && m > 0;
		shape = spend->p[1] + (known ? spend->p[0] * x : 0);
		rate = spend->p[2] + (known ? m * x : 0);
	}
	for (size_t i = 0; i < VALUE_DRAWS; i++) {
		count[i] = rng_unit(&r) < f.alive ? draw_orders(orders, &r, x, t, span) : 0;
		if (out.amount >= 0) { /* own rate ν, then the sum of `count` orders of Gamma(p, ν) */
			double nu = rng_gamma(&r, shape) / rate;
			revenue[i] = count[i] > 0 && nu > 0 ? rng_gamma(&r, spend->p[0] * count[i]) / nu : 0;
		}
	}
	quantiles(count, VALUE_DRAWS, level, &out.orders_low, &out.orders_high);
	if (out.amount >= 0) {
		out.revenue = out.orders * out.amount;
		quantiles(revenue, VALUE_DRAWS, level, &out.revenue_low, &out.revenue_high);
	}
	free(count);
	free(revenue);
	return out;
}
