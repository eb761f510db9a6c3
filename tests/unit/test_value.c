#include "unit.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/value.h"
#include "fold/value_math.h"
#include "fold/value_orders.h"
#include "fold/value_views.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_hyperg.h>
#include <gsl/gsl_sf_psi.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NEAR(a, b, tolerance)                                                                                          \
	ck_assert_msg(fabs((double)(a) - (double)(b)) <= (tolerance), "%s = %.12g, not %.12g", #a, (double)(a), (double)(b))

/* ---- data ---- */

/* $RELANCE_DATA, else shared/data beside the source, seen from the source or the build directory. */
static FILE *data_open(const char *name)
{
	const char *roots[] = { getenv("RELANCE_DATA"), "../shared/data", "../../shared/data" };
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		char path[1024];
		snprintf(path, sizeof path, "%s/%s", roots[i] ? roots[i] : "", name);
		FILE *f = roots[i] ? fopen(path, "r") : NULL;
		if (f)
			return f;
	}
	printf("skipped: %s is absent; set RELANCE_DATA\n", name);
	return NULL;
}

static size_t cdnow_read(struct value_row **rows)
{
	FILE *f = data_open("cdnow/CDNOW_sample.txt");
	if (!f)
		return 0;
	size_t n = 0, cap = 0;
	int all, id, ymd, quantity;
	double dollars;
	*rows = NULL;
	while (fscanf(f, "%d %d %d %d %lf", &all, &id, &ymd, &quantity, &dollars) == 5) {
		*rows = mem_grow(*rows, &cap, n + 1, sizeof **rows);
		(*rows)[n++] = (struct value_row){ (uint32_t)id, date_from_ymd(ymd / 10000, ymd / 100 % 100, ymd % 100).day,
			                               llround(dollars * 100) };
	}
	fclose(f);
	return n;
}

static double draw_beta(struct rng *r, double a, double b)
{
	double g = rng_gamma(r, a), h = rng_gamma(r, b);
	return g + h > 0 ? g / (g + h) : 0;
}

/* One customer of BG/NBD over 0 … end, watched at T: repeat orders until T and after. */
static void live(struct rng *r, enum value_model model, const double *p, double T, double end, uint32_t *x, double *t_x,
                 uint32_t *later)
{
	double rate = rng_gamma(r, p[0]) / p[1], t = 0;
	double leave = model == VALUE_PARETONBD ? 0 : draw_beta(r, p[2], p[3]);
	double death = model == VALUE_PARETONBD ? rng_exp(r, rng_gamma(r, p[2]) / p[3]) : INFINITY;
	*x = *later = 0;
	*t_x = 0;
	if (model == VALUE_MBGNBD && rng_unit(r) < leave)
		return;
	for (;;) {
		t += rng_exp(r, rate);
		if (!(t <= end) || t > death)
			return;
		if (t <= T) {
			(*x)++;
			*t_x = t;
		} else {
			(*later)++;
		}
		if (rng_unit(r) < leave)
			return;
	}
}

struct cell {
	uint32_t x;
	int32_t tx_day, t_day;
};

static int cell_order(const void *a, const void *b)
{
	const struct cell *p = a, *q = b;
	return p->x != q->x ? (p->x < q->x ? -1 : 1) : p->t_day != q->t_day ? p->t_day - q->t_day : p->tx_day - q->tx_day;
}

/* Cells of `n` simulated customers who came during the first third of 60 weeks; day grid fine enough not to matter. */
enum { GRID = 100 };
static void simulate_cells(struct rng *r, enum value_model model, const double *p, size_t n, double end,
                           struct value_cells *c, double *later_total)
{
	memset(c, 0, sizeof *c);
	c->unit_days = GRID; /* 1 unit = GRID "days" */
	c->count = c->customers = n;
	c->x = mem_alloc((n + 1) * sizeof *c->x);
	c->tx_day = mem_alloc((n + 1) * sizeof *c->tx_day);
	c->t_day = mem_alloc((n + 1) * sizeof *c->t_day);
	c->n = mem_alloc((n + 1) * sizeof *c->n);
	c->day_max = 60 * GRID;
	*later_total = 0;
	struct cell *cells = mem_alloc((n + 1) * sizeof *cells);
	for (size_t i = 0; i < n; i++) {
		int32_t t_day = (int32_t)(40 + 2 * (10 * i / n)) * GRID; /* ten cohorts */
		double t_x;
		uint32_t later;
		live(r, model, p, (double)t_day / GRID, (double)t_day / GRID + end, &cells[i].x, &t_x, &later);
		cells[i].tx_day = (int32_t)ceil(t_x * GRID);
		cells[i].t_day = t_day;
		*later_total += later;
	}
	qsort(cells, n, sizeof *cells, cell_order);
	c->count = 0;
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || cell_order(&cells[i - 1], &cells[i]) != 0) {
			c->x[c->count] = cells[i].x;
			c->tx_day[c->count] = cells[i].tx_day;
			c->t_day[c->count++] = cells[i].t_day;
		}
		c->n[c->count - 1]++;
	}
	free(cells);
}

static const double TRUE_BG[4] = { 0.6, 5, 0.8, 2.4 };

/* ---- the published figures ---- */

START_TEST(cdnow_gives_the_published_estimates)
{
	struct value_row *rows;
	size_t n = cdnow_read(&rows);
	if (n == 0)
		return;
	struct value_summary s;
	struct value_cells c;
	struct value_fit f;
	struct err err;
	ck_assert(value_summarise(rows, n, date_from_ymd(1997, 9, 30), VALUE_WEEK, 2, &s, &err));
	ck_assert_uint_eq(s.count, 2357);
	value_cells_make(&s, false, &c);
	static const double published[3][4] = { { .2426, 4.4136, .7929, 2.4259 },
		                                    { .5248, 6.1831, .8914, 1.6140 },
		                                    { .5533, 10.5777, .6062, 11.6687 } };
	static const double loglik[3] = { -9582.429, -9582.136, -9594.976 };
	for (int m = 0; m < 3; m++) {
		ck_assert(value_fit_orders((enum value_model)m, &c, 2, &f, &err));
		for (int i = 0; i < 4; i++)
			NEAR(f.p[i], published[m][i], 0.51e-4);
		NEAR(f.loglik, loglik[m], 0.51e-3);
		ck_assert(f.se_known);
		for (int i = 0; i < 4; i++)
			ck_assert_double_gt(f.se[i], 0);
	}
	ck_assert(value_fit_spend(&s, 2, &f, &err));
	ck_assert_uint_eq(f.customers, 946);
	NEAR(f.p[0], 6.2496, 0.51e-4);
	NEAR(f.p[1], 3.7442, 0.51e-4);
	NEAR(f.p[2], 15.4435, 0.51e-4);
	NEAR(f.loglik, -4055.918, 0.51e-3);
	value_cells_release(&c);
	value_summary_release(&s);
	free(rows);
}
END_TEST

START_TEST(cdnow_holdout_beats_the_naive_guess)
{
	struct value_row *rows;
	size_t n = cdnow_read(&rows);
	if (n == 0)
		return;
	struct err err;
	struct value_holdout h;
	for (int m = 0; m < 3; m++) {
		ck_assert(value_holdout_check((enum value_model)m, rows, n, date_from_ymd(1997, 9, 30),
		                              date_from_ymd(1998, 6, 30), VALUE_WEEK, 2, &h, &err));
		NEAR(h.span, 39, 1e-9);
		ck_assert_double_lt(h.mean_absolute_error, h.naive_error);
		ck_assert_double_gt(h.correlation, 0.6);
		ck_assert_double_lt(fabs(h.predicted - h.actual) / h.actual, 0.2);
		double total = 0;
		for (int g = 0; g < VALUE_HOLDOUT_GROUPS; g++)
			total += h.group[g].actual;
		NEAR(total, h.actual, 1e-6);
	}
	free(rows);
}
END_TEST

static struct value_fit published_bg(void)
{
	return (struct value_fit){ .model = VALUE_BGNBD, .params = 4, .p = { .2426, 4.4136, .7929, 2.4259 } };
}

START_TEST(one_customer_is_forecast_as_published)
{
	struct value_fit f = published_bg();
	struct value_predictor *p = value_predictor_new(&f, 39);
	struct value_forecast v = value_predict(p, 2, 30.43, 38.86);
	NEAR(v.orders, 1.2259, 0.51e-4);
	NEAR(v.alive, 0.7266, 0.51e-4);
	for (double x = 100; x <= 3000; x *= 1.5) { /* extreme rows stay finite and sensible */
		v = value_predict(p, x, 103.43, 103.57);
		ck_assert(isfinite(v.orders) && isfinite(v.variance) && v.orders > 0 && v.alive > 0.9 && v.alive <= 1);
	}
	value_predictor_free(p);
	f.model = VALUE_PARETONBD;
	memcpy(f.p, (double[]){ .5533, 10.578, .6062, 11.669 }, sizeof f.p);
	p = value_predictor_new(&f, 39);
	v = value_predict(p, 221, 103.43, 103.57);
	ck_assert(isfinite(v.orders) && v.orders > 60 && v.orders < 90 && v.alive > 0.99);
	v = value_predict(p, 221, 10, 103.57);
	ck_assert(isfinite(v.orders) && v.alive < 1e-10 && v.alive >= 0);
	value_predictor_free(p);
}
END_TEST

/* ---- derivatives and integrals against independent ones ---- */

START_TEST(derivatives_are_the_slopes)
{
	struct rng r;
	struct value_cells c;
	double later;
	rng_init(&r, 11, 0);
	simulate_cells(&r, VALUE_BGNBD, TRUE_BG, 300, 1, &c, &later);
	c.x[0] = 221;
	c.tx_day[0] = 4000;
	const double points[][4] = { { .3, 4, .8, 2.5 }, { 2, 15, .2, .9 }, { .7, 3, 5, 30 } };
	for (int m = 0; m < 3; m++)
		for (size_t k = 0; k < ARRAY_LEN(points); k++) {
			double g[4], h[16], up[4], down[4], p[4];
			value_loglik((enum value_model)m, &c, points[k], g, h, 1);
			for (int i = 0; i < 4; i++) {
				double step = 1e-5 * points[k][i];
				memcpy(p, points[k], sizeof p);
				p[i] += step;
				double f1 = value_loglik((enum value_model)m, &c, p, up, NULL, 1);
				p[i] -= 2 * step;
				double f0 = value_loglik((enum value_model)m, &c, p, down, NULL, 1);
				NEAR(g[i], (f1 - f0) / (2 * step), 1e-5 * (1 + fabs(g[i])));
				for (int j = 0; j < 4; j++)
					NEAR(h[i * 4 + j], (up[j] - down[j]) / (2 * step), 1e-5 * (1 + fabs(h[i * 4 + j])));
			}
		}
	value_cells_release(&c);
}
END_TEST

struct integrand {
	const double *p;
	double q, t_x, top;
};

static double integrand(double y, void *ctx)
{
	const struct integrand *f = ctx;
	double t = f->t_x + y;
	return exp(-f->q * log(f->p[1] + t) - (f->p[2] + 1) * log(f->p[3] + t) - f->top);
}

START_TEST(pareto_integral_is_exact)
{
	struct rng r;
	struct order_quadrature q;
	gsl_integration_workspace *w = gsl_integration_workspace_alloc(2000);
	double worst = 0;
	gsl_set_error_handler_off();
	order_quadrature_init(&q);
	rng_init(&r, 5, 0);
	for (int run = 0; run < 4000; run++) {
		double p[4] = { exp(3 * rng_unit(&r) - 2), exp(7 * rng_unit(&r) - 3), exp(4 * rng_unit(&r) - 2),
			            exp(9 * rng_unit(&r) - 4) };
		double T = 1 + 200 * rng_unit(&r), x = run % 3 ? floor(exp(6 * rng_unit(&r))) - 1 : 0,
			   t_x = x > 0 ? T * rng_unit(&r) : 0;
		struct integrand f = { p, p[0] + x, t_x, 0 };
		f.top = log(integrand(0, &f));
		gsl_function g = { integrand, &f };
		double value, error;
		/* the mass lies near t_x when x is large: cut there */
		double near = fmin(T - t_x, 40 * (fmin(p[1], p[3]) + t_x) / (f.q + p[2])), far = 0;
		gsl_integration_qag(&g, 0, near, 0, 1e-12, 2000, GSL_INTEG_GAUSS61, w, &value, &error);
		if (near < T - t_x)
			gsl_integration_qag(&g, near, T - t_x, 1e-14 * value, 1e-10, 2000, GSL_INTEG_GAUSS61, w, &far, &error);
		double exact = f.top + log(value + far), ours = order_pareto_integral(&q, p, f.q, t_x, T, NULL);
		worst = fmax(worst, fabs(expm1(ours - exact)));
	}
	ck_assert_msg(worst < 1e-9, "relative error %g", worst);
	gsl_integration_workspace_free(w);
}
END_TEST

START_TEST(expected_orders_agree_with_the_closed_form)
{
	struct rng r;
	gsl_set_error_handler_off();
	rng_init(&r, 6, 0);
	int compared = 0;
	for (int run = 0; run < 2000; run++) {
		struct value_fit f = { .model = VALUE_BGNBD,
			                   .params = 4,
			                   .p = { 0.1 + rng_unit(&r), 1 + 9 * rng_unit(&r), 0.2 + 3 * rng_unit(&r),
			                          0.5 + 4 * rng_unit(&r) } };
		double x = rng_below(&r, 12), T = 10 + 60 * rng_unit(&r), t_x = x > 0 ? T * rng_unit(&r) : 0,
			   span = 1 + 60 * rng_unit(&r);
		double R = f.p[0], al = f.p[1], a = f.p[2], b = f.p[3];
		if (fabs(a - 1) < 0.05)
			continue;
		gsl_sf_result F;
		if (gsl_sf_hyperg_2F1_e(R + x, b + x, a + b + x - 1, span / (al + T + span), &F) != GSL_SUCCESS)
			continue;
		double top = (a + b + x - 1) / (a - 1) * (1 - pow((al + T) / (al + T + span), R + x) * F.val);
		double expected = top / (1 + (x > 0 ? a / (b + x - 1) * pow((al + T) / (al + t_x), R + x) : 0));
		struct value_predictor *p = value_predictor_new(&f, span);
		NEAR(value_predict(p, x, t_x, T).orders, expected, 1e-6 * (1 + expected));
		value_predictor_free(p);
		compared++;
	}
	ck_assert_int_gt(compared, 1500);
}
END_TEST

START_TEST(forecasts_agree_with_simulated_lives)
{
	static const double params[3][4] = { { .6, 5, .8, 2.4 }, { .6, 5, .8, 2.4 }, { .6, 5, .7, 9 } };
	for (int m = 0; m < 3; m++) {
		struct value_fit f = { .model = (enum value_model)m, .params = 4 };
		memcpy(f.p, params[m], sizeof f.p);
		struct value_predictor *v = value_predictor_new(&f, 30);
		struct rng r;
		double predicted = 0, actual = 0, variance = 0, squares = 0, still = 0, alive = 0;
		rng_init(&r, 21, (uint64_t)m);
		enum { LIVES = 100000 };
		for (int i = 0; i < LIVES; i++) {
			uint32_t x, later;
			double t_x;
			live(&r, f.model, f.p, 25, 55, &x, &t_x, &later);
			struct value_forecast p = value_predict(v, x, t_x, 25);
			predicted += p.orders;
			variance += p.variance;
			actual += later;
			squares += (later - p.orders) * (later - p.orders);
			still += later > 0;
			alive += p.alive;
		}
		NEAR(actual / predicted, 1, 4 * sqrt(variance) / predicted);
		NEAR(squares / variance, 1, 0.06); /* the stated variance is the variance */
		ck_assert_double_gt(alive, still);
		value_predictor_free(v);
	}
}
END_TEST

START_TEST(special_functions_agree)
{
	for (double x = 0.01; x < 500; x *= 1.37) {
		NEAR(math_digamma(x), gsl_sf_psi(x), 1e-12 * (1 + fabs(gsl_sf_psi(x))));
		NEAR(math_trigamma(x), gsl_sf_psi_1(x), 1e-12 * (1 + gsl_sf_psi_1(x)));
	}
	double node[32], weight[32], mean, square, one;
	const double shapes[][2] = { { .05, .3 }, { 1, 1 }, { .8, 225 }, { .5, .5 }, { 300, 2 }, { .79, 5000 } };
	for (size_t k = 0; k < ARRAY_LEN(shapes); k++) {
		double a = shapes[k][0], b = shapes[k][1];
		math_gauss_beta(32, a, b, node, weight);
		one = mean = square = 0;
		for (int i = 0; i < 32; i++) {
			one += weight[i];
			mean += weight[i] * node[i];
			square += weight[i] * node[i] * node[i];
		}
		NEAR(one, 1, 1e-12);
		NEAR(mean, a / (a + b), 1e-11 * a / (a + b) + 1e-14);
		NEAR(square, a * (a + 1) / ((a + b) * (a + b + 1)), 1e-10 * a / (a + b) + 1e-14);
	}
}
END_TEST

/* ---- coverage ---- */

enum { RUNS = 10000 };

struct coverage {
	enum value_model model;
	uint8_t hit[RUNS][4], total[RUNS], known[RUNS];
};

static void cover_orders(void *ctx, size_t from, size_t to, int thread)
{
	struct coverage *c = ctx;
	for (size_t run = from; run < to; run++) {
		struct rng r;
		struct value_cells cells;
		struct value_fit f;
		struct err err;
		double later, variance;
		rng_init(&r, 77, run);
		simulate_cells(&r, VALUE_BGNBD, TRUE_BG, 300, 20, &cells, &later);
		if (value_fit_orders(VALUE_BGNBD, &cells, 1, &f, &err) && f.se_known) {
			c->known[run] = 1;
			for (int i = 0; i < 4; i++) /* on the logarithm, as the parameter is positive */
				c->hit[run][i] = fabs(log(f.p[i] / TRUE_BG[i])) < 1.96 * f.se[i] / f.p[i];
			double total = value_total(&f, &cells, 20, 1, &variance);
			c->total[run] = fabs(total - later) < 1.96 * sqrt(variance);
		}
		value_cells_release(&cells);
	}
}

START_TEST(order_intervals_cover)
{
	struct coverage *c = mem_alloc(sizeof *c);
	par_for(RUNS, 50, 0, cover_orders, c);
	double known = 0, total = 0, hit[4] = { 0 };
	for (int run = 0; run < RUNS; run++) {
		known += c->known[run];
		total += c->total[run];
		for (int i = 0; i < 4; i++)
			hit[i] += c->hit[run][i];
	}
	printf("orders: known %.4f, total %.4f, parameters %.4f %.4f %.4f %.4f\n", known / RUNS, total / known,
	       hit[0] / known, hit[1] / known, hit[2] / known, hit[3] / known);
	ck_assert_double_gt(known / RUNS, 0.95);
	NEAR(total / known, 0.95, 0.01);
	for (int i = 0; i < 4; i++) { /* of 300 customers the shape of leaving is skewed: on the safe side */
		ck_assert_double_gt(hit[i] / known, 0.94);
		ck_assert_double_lt(hit[i] / known, 0.98);
	}
	free(c);
}
END_TEST

__attribute__((unused)) static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const double TRUE_SPEND[3] = { 6, 4, 15 };

static void cover_spend(void *ctx, size_t from, size_t to, int thread)
{
	struct coverage *c = ctx;
	enum { N = 800 };
	for (size_t run = from; run < to; run++) {
		struct rng r;
		struct err err;
		struct value_fit f;
		uint32_t x[N];
		double m[N];
		struct value_summary s = { .count = N, .x = x, .m = m };
		rng_init(&r, 78, run);
		for (int i = 0; i < N; i++) {
			x[i] = 1 + rng_below(&r, 4);
			double nu = rng_gamma(&r, TRUE_SPEND[1]) / TRUE_SPEND[2];
			m[i] = rng_gamma(&r, TRUE_SPEND[0] * x[i]) / (nu * x[i]);
		}
		c->known[run] = value_fit_spend(&s, 1, &f, &err) && f.se_known;
		for (int i = 0; c->known[run] && i < 3; i++)
			c->hit[run][i] = fabs(log(f.p[i] / TRUE_SPEND[i])) < 1.96 * f.se[i] / f.p[i];
	}
}

START_TEST(spend_intervals_cover)
{
	struct coverage *c = mem_alloc(sizeof *c);
	par_for(RUNS, 50, 0, cover_spend, c);
	double known = 0, hit[3] = { 0 };
	for (int run = 0; run < RUNS; run++) {
		known += c->known[run];
		for (int i = 0; i < 3; i++)
			hit[i] += c->hit[run][i];
	}
	printf("spend: known %.4f, parameters %.4f %.4f %.4f\n", known / RUNS, hit[0] / known, hit[1] / known,
	       hit[2] / known);
	ck_assert_double_gt(known / RUNS, 0.99);
	for (int i = 0; i < 3; i++) { /* p and gamma are skewed at this size: on the safe side */
		ck_assert_double_gt(hit[i] / known, 0.94);
		ck_assert_double_lt(hit[i] / known, 0.98);
	}
	free(c);
}
END_TEST

START_TEST(customer_intervals_hold_what_they_promise)
{
	struct value_fit f = { .model = VALUE_BGNBD, .params = 4 }, g = { .model = VALUE_GAMMAGAMMA, .params = 3 };
	memcpy(f.p, TRUE_BG, sizeof TRUE_BG);
	memcpy(g.p, TRUE_SPEND, sizeof TRUE_SPEND);
	struct rng r;
	rng_init(&r, 31, 0);
	int inside = 0, money = 0, n = 2000;
	for (int i = 0; i < n; i++) {
		uint32_t x, later;
		double t_x, nu = rng_gamma(&r, g.p[1]) / g.p[2];
		live(&r, VALUE_BGNBD, f.p, 25, 55, &x, &t_x, &later);
		double m = x > 0 ? rng_gamma(&r, g.p[0] * x) / (nu * x) : 0,
			   spent = later > 0 ? rng_gamma(&r, g.p[0] * later) / nu : 0;
		struct value_prospect p = value_prospect(&f, &g, x, t_x, 25, m, 30, 0.9);
		inside += later >= p.orders_low && later <= p.orders_high;
		money += spent >= p.revenue_low && spent <= p.revenue_high;
	}
	ck_assert_int_ge(inside, n * 89 / 100); /* counts are discrete: at least 90 %, give or take chance */
	ck_assert_int_ge(money, n * 89 / 100);
}
END_TEST

/* ---- rows → lines ---- */

START_TEST(rows_are_summarised_whatever_their_order)
{
	struct rng r;
	enum { N = 5000 };
	struct value_row *rows = mem_alloc(N * sizeof *rows);
	struct value_summary a, b;
	struct err err;
	rng_init(&r, 3, 0);
	for (int i = 0; i < N; i++)
		rows[i] = (struct value_row){ rng_below(&r, 700) * 7919, (int32_t)rng_below(&r, 900) - 400,
			                          (int64_t)rng_below(&r, 9000) - 900 };
	ck_assert(value_summarise(rows, N, (struct date){ 300 }, VALUE_WEEK, 2, &a, &err));
	for (int i = N - 1; i > 0; i--) {
		uint32_t k = rng_below(&r, (uint32_t)i + 1);
		struct value_row swap = rows[i];
		rows[i] = rows[k];
		rows[k] = swap;
	}
	ck_assert(value_summarise(rows, N, (struct date){ 300 }, VALUE_WEEK, 2, &b, &err));
	ck_assert_uint_eq(a.count, b.count);
	ck_assert_mem_eq(a.customer, b.customer, a.count * sizeof *a.customer);
	ck_assert_mem_eq(a.x, b.x, a.count * sizeof *a.x);
	ck_assert_mem_eq(a.tx_day, b.tx_day, a.count * sizeof *a.tx_day);
	ck_assert_mem_eq(a.m, b.m, a.count * sizeof *a.m);
	ck_assert_uint_eq(a.rows_used + a.rows_after + a.rows_before_first, N);
	value_summary_release(&a);
	value_summary_release(&b);
	free(rows);
}
END_TEST

START_TEST(days_merge_and_returns_lower_the_spend)
{
	const struct value_row rows[] = {
		{ 9, 100, 1000 }, { 9, 100, 500 },                                      /* one order day of 15.00 */
		{ 9, 114, 2000 }, { 9, 121, -500 }, { 9, 128, 4000 }, { 9, 200, 9900 }, /* the last is after the horizon */
		{ 4, 90, -700 },  { 4, 120, 800 },                                      /* a return of something older */
		{ 5, 180, 100 },
	};
	struct value_summary s;
	struct err err;
	ck_assert(value_summarise(rows, ARRAY_LEN(rows), (struct date){ 135 }, VALUE_WEEK, 2, &s, &err));
	ck_assert_uint_eq(s.count, 2);
	ck_assert_uint_eq(s.customer[0], 4);
	ck_assert_uint_eq(s.x[0], 0);
	ck_assert_int_eq(s.first[0], 800);
	ck_assert_uint_eq(s.rows_before_first, 1);
	ck_assert_uint_eq(s.customer[1], 9);
	ck_assert_uint_eq(s.x[1], 2);
	ck_assert_int_eq(s.tx_day[1], 28);
	ck_assert_int_eq(s.t_day[1], 35);
	ck_assert_int_eq(s.first[1], 1500);
	ck_assert_int_eq(s.repeat[1], 5500);
	NEAR(s.m[1], 27.5, 1e-12);
	ck_assert_uint_eq(s.rows_after, 2);
	value_summary_release(&s);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
	struct rng r;
	struct value_cells c;
	double later;
	struct value_fit a, b;
	struct err err;
	rng_init(&r, 12, 0);
	simulate_cells(&r, VALUE_BGNBD, TRUE_BG, 9000, 1, &c, &later);
	for (int m = 0; m < 3; m++) {
		ck_assert(value_fit_orders((enum value_model)m, &c, 1, &a, &err));
		ck_assert(value_fit_orders((enum value_model)m, &c, 4, &b, &err));
		ck_assert_mem_eq(a.p, b.p, sizeof a.p);
		ck_assert_mem_eq(a.se, b.se, sizeof a.se);
		ck_assert(a.loglik == b.loglik);
	}
	value_cells_release(&c);
}
END_TEST

/* ---- what cannot be known is said ---- */

static void refused(const struct value_row *rows, size_t n, int32_t until, const char *must_say)
{
	struct value_summary s;
	struct value_cells c;
	struct value_fit f;
	struct err err = { 0 };
	if (value_summarise(rows, n, (struct date){ until }, VALUE_WEEK, 2, &s, &err)) {
		value_cells_make(&s, false, &c);
		ck_assert(!value_fit_orders(VALUE_BGNBD, &c, 1, &f, &err));
		value_cells_release(&c);
		value_summary_release(&s);
	}
	ck_assert_msg(strstr(err.text, must_say) != NULL, "\"%s\" does not say \"%s\"", err.text, must_say);
	ck_assert_ptr_null(strstr(err.text, "nan"));
}

START_TEST(what_is_missing_is_said)
{
	struct value_row rows[400];
	for (uint32_t i = 0; i < 400; i++)
		rows[i] = (struct value_row){ i, 100 + (int32_t)(i % 50), 1000 };
	refused(rows, 0, 200, "no order on or before");
	refused(rows, 400, 50, "no order on or before 1970-02-20");
	refused(rows, 1, 200, "one customer");
	refused(rows, 400, 200, "none of the 400 customers ordered on a second day");
	for (uint32_t i = 0; i < 400; i++)
		rows[i].day = 100;
	refused(rows, 400, 100, "dated the last day");
	refused(rows, 400, 300, "none of the 400");
	for (uint32_t i = 0; i < 3; i++)
		rows[i + 300] = (struct value_row){ i, 130, 500 };
	refused(rows, 303, 200, "only 3 of 300 customers");
	for (uint32_t i = 0; i < 400; i++)
		rows[i] = (struct value_row){ i / 4, 100, -1000 };
	refused(rows, 400, 200, "no order on or before");
}
END_TEST

START_TEST(odd_bases_never_give_a_nan)
{
	struct rng r;
	rng_init(&r, 8, 0);
	for (int run = 0; run < 300; run++) {
		enum { N = 300 };
		struct value_row rows[N];
		uint32_t customers = 1 + rng_below(&r, 60), days = 1 + rng_below(&r, 300);
		int64_t low = run % 3 == 0 ? -5000 : 0, flat = run % 5 == 0;
		for (int i = 0; i < N; i++)
			rows[i] = (struct value_row){ rng_below(&r, customers), (int32_t)rng_below(&r, days),
				                          flat ? 1000 : low + (int64_t)rng_below(&r, 9000) };
		struct value_summary s;
		struct value_cells c;
		struct value_fit f;
		struct err err;
		if (!value_summarise(rows, N, (struct date){ (int32_t)days }, VALUE_WEEK, 2, &s, &err))
			continue;
		value_cells_make(&s, false, &c);
		for (int m = 0; m < 4; m++) {
			bool good =
				m < 3 ? value_fit_orders((enum value_model)m, &c, 1, &f, &err) : value_fit_spend(&s, 1, &f, &err);
			if (!good) {
				ck_assert_uint_gt(strlen(err.text), 20);
				continue;
			}
			ck_assert(isfinite(f.loglik));
			ck_assert(f.se_known == (f.why == NULL));
			for (int i = 0; i < f.params; i++)
				ck_assert(isfinite(f.p[i]) && f.p[i] > 0 && isfinite(f.se[i]));
			if (m == 3)
				continue;
			double variance, total = value_total(&f, &c, 20, 1, &variance);
			ck_assert(isfinite(total) && total >= 0 && isfinite(variance) && variance >= 0);
		}
		value_cells_release(&c);
		value_summary_release(&s);
	}
}
END_TEST

UNIT_MAIN("value", cdnow_gives_the_published_estimates, cdnow_holdout_beats_the_naive_guess,
          one_customer_is_forecast_as_published, derivatives_are_the_slopes, pareto_integral_is_exact,
          expected_orders_agree_with_the_closed_form, forecasts_agree_with_simulated_lives, special_functions_agree,
          order_intervals_cover, spend_intervals_cover, customer_intervals_hold_what_they_promise,
          rows_are_summarised_whatever_their_order, days_merge_and_returns_lower_the_spend, threads_do_not_change_a_bit,
          what_is_missing_is_said, odd_bases_never_give_a_nan)
