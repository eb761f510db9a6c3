/* Log-likelihoods of the order models, with exact gradient and Hessian.
 *
 * Each is, for a customer, A(x) + ln(e^u + e^v): u = "still a customer at T", v = "left right after the last order"
 * (or, for Pareto/NBD, "left somewhere between t_x and T"). With d = v − u and w = sigmoid(d): f = u + ln(1 + e^d),  ∇f
 * = ∇u + w∇d,  ∇²f = ∇²u + w∇²d + w(1−w)∇d∇dᵀ which neither overflows nor cancels, for x in the hundreds as for x = 0.
 *
 * BG/NBD and MBG/NBD differ by k = 0, 1: the chances to leave before the horizon are x + k.
 * Pareto/NBD: v = ln s + ln ∫ (α+t)^−(r+x) (β+t)^−(s+1) dt over [t_x, T]. The integral, and its derivatives under the
 * integral sign, are taken by Gauss-Legendre in ln(min(α, β) + t), where the integrand is log-concave and its nearest
 * singularity is π away; no hypergeometric function, no case α < β.
 *
 * Logarithms of α + days are tabulated once per evaluation, since days are whole and customers many. Cells are sorted
 * by x, so what depends on x alone is computed once per run of equal x. Partial sums per chunk of cells are added in
 * the order of the chunks. */
#include "fold/value_orders.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/par.h"
#include "fold/value_math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 2048, P = 4 };

struct sums {
	double f, g[P], h[P][P]; /* lower triangle of h */
};

struct evaluation {
	const struct value_cells *cells;
	const double *p;
	double k;
	const double *log_alpha, *inv_alpha; /* by day; NULL when there are fewer cells than days */
	struct order_quadrature quadrature;
	struct sums *parts;
};

/* Adds weight × (∇²u + w∇²d + w(1−w)∇d∇dᵀ) and the rest for one cell. */
static void add_mixture(struct sums *s, double weight, double u, const double *du, double d, const double *dd, double w)
{
	s->f += weight * (u + math_log1pexp(d));
	double spread = weight * w * (1 - w);
	for (int i = 0; i < P; i++) {
		s->g[i] += weight * (du[i] + w * dd[i]);
		for (int j = 0; j <= i; j++)
			s->h[i][j] += spread * dd[i] * dd[j];
	}
}

/* ---- BG/NBD and MBG/NBD: p = r, alpha, a, b ---- */

static void bg_by_x(struct sums *s, double n, double x, const struct evaluation *e)
{
	double r = e->p[0], alpha = e->p[1], a = e->p[2], b = e->p[3], y = x + e->k;
	s->f += n * (math_lgamma(r + x) - math_lgamma(r) + r * log(alpha) + math_lgamma(a + b) - math_lgamma(b) +
	             math_lgamma(b + y) - math_lgamma(a + b + y));
	double psi = math_digamma(a + b) - math_digamma(a + b + y), tri = math_trigamma(a + b) - math_trigamma(a + b + y);
	s->g[0] += n * (math_digamma(r + x) - math_digamma(r) + log(alpha));
	s->g[1] += n * r / alpha;
	s->g[2] += n * psi;
	s->g[3] += n * (psi + math_digamma(b + y) - math_digamma(b));
	s->h[0][0] += n * (math_trigamma(r + x) - math_trigamma(r));
	s->h[1][0] += n / alpha;
	s->h[1][1] -= n * r / (alpha * alpha);
	s->h[2][2] += n * tri;
	s->h[3][2] += n * tri;
	s->h[3][3] += n * (tri + math_trigamma(b + y) - math_trigamma(b));
}

static double alpha_log(const struct evaluation *e, int32_t day)
{
	return e->log_alpha ? e->log_alpha[day] : log(e->p[1] + day / e->cells->unit_days);
}

static double alpha_inverse(const struct evaluation *e, int32_t day)
{
	return e->inv_alpha ? e->inv_alpha[day] : 1 / (e->p[1] + day / e->cells->unit_days);
}

static void bg_cell(struct sums *s, const struct evaluation *e, size_t i, double q, double odds, double c)
{
	double n = e->cells->n[i], a = e->p[2];
	double lt = alpha_log(e, e->cells->t_day[i]), it = alpha_inverse(e, e->cells->t_day[i]);
	double u = -q * lt, du[P] = { -lt, -q * it, 0, 0 };
	s->h[1][0] -= n * it;
	s->h[1][1] += n * q * it * it;
	if (c <= 0) { /* BG/NBD, no repeat order: nobody leaves before buying again */
		s->f += n * u;
		s->g[0] += n * du[0];
		s->g[1] += n * du[1];
		return;
	}
	double lx = alpha_log(e, e->cells->tx_day[i]), ix = alpha_inverse(e, e->cells->tx_day[i]);
	double d = odds + q * (lt - lx), w = math_sigmoid(d);
	double dd[P] = { lt - lx, q * (it - ix), 1 / a, -1 / c };
	add_mixture(s, n, u, du, d, dd, w);
	s->h[1][0] += n * w * (it - ix);
	s->h[1][1] += n * w * q * (ix * ix - it * it);
	s->h[2][2] -= n * w / (a * a);
	s->h[3][3] += n * w / (c * c);
}

static void bg_chunk(void *ctx, size_t from, size_t to, int thread)
{
	struct evaluation *e = ctx;
	const struct value_cells *cells = e->cells;
	struct sums s = { 0 };
	for (size_t i = from; i < to;) {
		double x = cells->x[i], n = 0, c = x + e->k > 0 ? e->p[3] + x + e->k - 1 : 0;
		double odds = c > 0 ? log(e->p[2]) - log(c) : 0;
		for (uint32_t same = cells->x[i]; i < to && cells->x[i] == same; i++) {
			bg_cell(&s, e, i, e->p[0] + x, odds, c);
			n += cells->n[i];
		}
		bg_by_x(&s, n, x, e);
	}
	e->parts[from / CHUNK] = s;
}

/* ---- Pareto/NBD: p = r, alpha, s, beta ---- */

static void pareto_by_x(struct sums *s, double n, double x, const double *p)
{
	s->f += n * (math_lgamma(p[0] + x) - math_lgamma(p[0]) + p[0] * log(p[1]) + p[2] * log(p[3]));
	s->g[0] += n * (math_digamma(p[0] + x) - math_digamma(p[0]) + log(p[1]));
	s->g[1] += n * p[0] / p[1];
	s->g[2] += n * log(p[3]);
	s->g[3] += n * p[2] / p[3];
	s->h[0][0] += n * (math_trigamma(p[0] + x) - math_trigamma(p[0]));
	s->h[1][0] += n / p[1];
	s->h[1][1] -= n * p[0] / (p[1] * p[1]);
	s->h[3][2] += n / p[3];
	s->h[3][3] -= n * p[2] / (p[3] * p[3]);
}

void order_quadrature_init(struct order_quadrature *q)
{
	math_gauss_legendre(ORDER_NODES, q->node, q->weight);
	math_gauss_legendre(ORDER_NODES_FEW, q->node_few, q->weight_few);
}

/* ln of the integrand in v, t = (low + t_x) e^v − low, at distance v from t_x */
static double pareto_height(const double *p, double q, double low, double from, double v)
{
	double t = from * exp(v) - low;
	return -q * log(p[1] + t) - (p[2] + 1) * log(p[3] + t) + log(from) + v;
}

enum { DROP_MAX = 40 }; /* e^-40 of the peak is below rounding */

/* Where the integrand has fallen to e^-DROP_MAX of its start; it is log-concave, so this is the end that matters. */
static double pareto_reach(const double *p, double q, double low, double from, double span, double *drop)
{
	double start = pareto_height(p, q, low, from, 0);
	*drop = start - pareto_height(p, q, low, from, span);
	if (*drop <= DROP_MAX)
		return span;
	double near = 0, far = span;
	for (int i = 0; i < 30; i++) {
		double mid = 0.5 * (near + far);
		if (start - pareto_height(p, q, low, from, mid) > DROP_MAX)
			far = mid;
		else
			near = mid;
	}
	*drop = DROP_MAX;
	return far;
}

double order_pareto_integral(const struct order_quadrature *quad, const double *p, double q, double t_x, double t,
                             struct order_moments *m)
{
	double low = fmin(p[1], p[3]), from = low + t_x, span = log((low + t) / from), drop;
	span = pareto_reach(p, q, low, from, span, &drop);
	bool few = fabs(drop) < 4 && span < 1.5;
	const double *node = few ? quad->node_few : quad->node, *weight = few ? quad->weight_few : quad->weight;
	int n = few ? ORDER_NODES_FEW : ORDER_NODES;
	double height[ORDER_NODES], la[ORDER_NODES], lb[ORDER_NODES], ta[ORDER_NODES], tb[ORDER_NODES];
	double top = -INFINITY, base = log(from), sum = 0;
	for (int k = 0; k < n; k++) {
		double v = span * node[k], at = from * exp(v), lower = base + v, time = at - low;
		ta[k] = p[1] + time;
		tb[k] = p[3] + time;
		la[k] = p[1] <= p[3] ? lower : log(ta[k]);
		lb[k] = p[1] <= p[3] ? log(tb[k]) : lower;
		height[k] = -q * la[k] - (p[2] + 1) * lb[k] + lower;
		top = fmax(top, height[k]);
	}
	if (m)
		memset(m, 0, sizeof *m);
	for (int k = 0; k < n; k++) {
		double w = weight[k] * exp(height[k] - top);
		sum += w;
		if (!m)
			continue;
		double g[P] = { -la[k], -q / ta[k], -lb[k], -(p[2] + 1) / tb[k] };
		for (int i = 0; i < P; i++) {
			m->g[i] += w * g[i];
			for (int j = 0; j <= i; j++)
				m->h[i][j] += w * g[i] * g[j];
		}
		m->h[1][0] -= w / ta[k];
		m->h[1][1] += w * q / (ta[k] * ta[k]);
		m->h[3][2] -= w / tb[k];
		m->h[3][3] += w * (p[2] + 1) / (tb[k] * tb[k]);
	}
	if (m)
		for (int i = 0; i < P; i++) {
			m->g[i] /= sum;
			for (int j = 0; j <= i; j++)
				m->h[i][j] = m->h[i][j] / sum - m->g[i] * m->g[j];
		}
	return top + log(sum * span);
}

static void pareto_cell(struct sums *s, const struct evaluation *e, size_t i)
{
	const struct value_cells *cells = e->cells;
	const double *p = e->p;
	double n = cells->n[i], q = p[0] + cells->x[i];
	double t_x = cells->tx_day[i] / cells->unit_days, t = cells->t_day[i] / cells->unit_days;
	double at = p[1] + t, bt = p[3] + t, u = -q * log(at) - p[2] * log(bt);
	double du[P] = { -log(at), -q / at, -log(bt), -p[2] / bt };
	double d2u[P][P] = { [1] = { -1 / at, q / (at * at) }, [3] = { 0, 0, -1 / bt, p[2] / (bt * bt) } };
	double w = 0;
	struct order_moments m = { 0 };
	if (t > t_x) {
		double v = log(p[2]) + order_pareto_integral(&e->quadrature, p, q, t_x, t, &m), dd[P];
		m.g[2] += 1 / p[2];
		m.h[2][2] -= 1 / (p[2] * p[2]);
		for (int k = 0; k < P; k++)
			dd[k] = m.g[k] - du[k];
		w = math_sigmoid(v - u);
		add_mixture(s, n, u, du, v - u, dd, w);
	} else {
		s->f += n * u;
		for (int k = 0; k < P; k++)
			s->g[k] += n * du[k];
	}
	for (int k = 0; k < P; k++)
		for (int j = 0; j <= k; j++)
			s->h[k][j] += n * (d2u[k][j] * (1 - w) + m.h[k][j] * w);
}

static void pareto_chunk(void *ctx, size_t from, size_t to, int thread)
{
	struct evaluation *e = ctx;
	struct sums s = { 0 };
	for (size_t i = from; i < to;) {
		double x = e->cells->x[i], n = 0;
		for (uint32_t same = e->cells->x[i]; i < to && e->cells->x[i] == same; i++) {
			pareto_cell(&s, e, i);
			n += e->cells->n[i];
		}
		pareto_by_x(&s, n, x, e->p);
	}
	e->parts[from / CHUNK] = s;
}

static double collect(const struct sums *parts, size_t count, double *gradient, double *hessian)
{
	struct sums s = { 0 };
	for (size_t c = 0; c < count; c++) {
		s.f += parts[c].f;
		for (int i = 0; i < P; i++) {
			s.g[i] += parts[c].g[i];
			for (int j = 0; j <= i; j++)
				s.h[i][j] += parts[c].h[i][j];
		}
	}
	for (int i = 0; i < P; i++) {
		if (gradient)
			gradient[i] = s.g[i];
		for (int j = 0; hessian && j < P; j++)
			hessian[i * P + j] = j <= i ? s.h[i][j] : s.h[j][i];
	}
	return s.f;
}

double value_loglik(enum value_model model, const struct value_cells *cells, const double *p, double *gradient,
                    double *hessian, int threads)
{
	check(model != VALUE_GAMMAGAMMA);
	size_t chunks = (cells->count + CHUNK - 1) / CHUNK, days = (size_t)cells->day_max + 1;
	struct evaluation e = { .cells = cells, .p = p, .k = model == VALUE_MBGNBD };
	e.parts = mem_alloc((chunks + 1) * sizeof *e.parts);
	double *table = NULL;
	if (model == VALUE_PARETONBD) {
		order_quadrature_init(&e.quadrature);
	} else if (days < 2 * cells->count) {
		table = mem_alloc(2 * days * sizeof *table);
		for (size_t d = 0; d < days; d++) {
			double at = p[1] + (double)d / cells->unit_days;
			table[d] = log(at);
			table[days + d] = 1 / at;
		}
		e.log_alpha = table;
		e.inv_alpha = table + days;
	}
	par_for(cells->count, CHUNK, threads, model == VALUE_PARETONBD ? pareto_chunk : bg_chunk, &e);
	double f = collect(e.parts, chunks, gradient, hessian);
	free(e.parts);
	free(table);
	return f;
}
