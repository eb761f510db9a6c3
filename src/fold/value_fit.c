/* Fitting: Newton ascent with exact derivatives from a start suited to the data; standard errors from the observed
 * information. A parameter that runs to the edge means that the history cannot tell it: said, not hidden. */
#include "fold/value.h"

#include "base/arena.h"
#include "base/par.h"
#include "fold/value_math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int params;
	const char *param[VALUE_PARAMS_MAX];
} MODELS[] = {
	[VALUE_BGNBD] = { "bgnbd", 4, { "r", "alpha", "a", "b" } },
	[VALUE_MBGNBD] = { "mbgnbd", 4, { "r", "alpha", "a", "b" } },
	[VALUE_PARETONBD] = { "paretonbd", 4, { "r", "alpha", "s", "beta" } },
	[VALUE_GAMMAGAMMA] = { "gammagamma", 3, { "p", "q", "gamma", NULL } },
};

const char *value_model_name(enum value_model m)
{
	return MODELS[m].name;
}

int value_model_params(enum value_model m)
{
	return MODELS[m].params;
}

const char *value_param_name(enum value_model m, int i)
{
	return MODELS[m].param[i];
}

bool value_model_find(struct str name, enum value_model *out)
{
	for (size_t i = 0; i < ARRAY_LEN(MODELS); i++)
		if (str_is(name, MODELS[i].name)) {
			*out = (enum value_model)i;
			return true;
		}
	return false;
}

/* ---- Gamma-Gamma: p = p, q, gamma ----
 * ln L = lnΓ(px+q) − lnΓ(px) − lnΓ(q) + q ln γ + (px−1) ln m + px ln x − (px+q) ln(γ + mx) */

struct spend {
	size_t count;
	double *x, *m, *log_m;
	const double *p;
	struct spend_sums *parts;
	int threads;
};

struct spend_sums {
	double f, g[3], h[3][3];
};

enum { SPEND_CHUNK = 4096 };

static void spend_by_x(struct spend_sums *s, double n, double x, const double *p)
{
	double y = p[0] * x + p[1];
	double psi_y = math_digamma(y), tri_y = math_trigamma(y), psi_p = math_digamma(p[0] * x);
	s->f += n * (math_lgamma(y) - math_lgamma(p[0] * x) - math_lgamma(p[1]) + p[1] * log(p[2]));
	s->g[0] += n * x * (psi_y - psi_p);
	s->g[1] += n * (psi_y - math_digamma(p[1]) + log(p[2]));
	s->g[2] += n * p[1] / p[2];
	s->h[0][0] += n * x * x * (tri_y - math_trigamma(p[0] * x));
	s->h[1][0] += n * x * tri_y;
	s->h[1][1] += n * (tri_y - math_trigamma(p[1]));
	s->h[2][1] += n / p[2];
	s->h[2][2] -= n * p[1] / (p[2] * p[2]);
}

static void spend_chunk(void *ctx, size_t from, size_t to, int thread)
{
	struct spend *e = ctx;
	struct spend_sums s = { 0 };
	const double *p = e->p;
	double n = 0, log_x = 0;
	for (size_t i = from; i < to; i++) {
		double x = e->x[i], m = e->m[i], total = p[2] + m * x, lt = log(total), y = p[0] * x + p[1];
		if (i == from || x > e->x[i - 1])
			log_x = log(x);
		s.f += (p[0] * x - 1) * e->log_m[i] + p[0] * x * log_x - y * lt;
		s.g[0] += x * (e->log_m[i] + log_x - lt);
		s.g[1] -= lt;
		s.g[2] -= y / total;
		s.h[2][0] -= x / total;
		s.h[2][1] -= 1 / total;
		s.h[2][2] += y / (total * total);
		n++;
		if (i + 1 == to || e->x[i + 1] > x) {
			spend_by_x(&s, n, x, p);
			n = 0;
		}
	}
	e->parts[from / SPEND_CHUNK] = s;
}

static double spend_eval(void *ctx, const double *p, double *gradient, double *hessian)
{
	struct spend *e = ctx;
	struct spend_sums s = { 0 };
	size_t chunks = (e->count + SPEND_CHUNK - 1) / SPEND_CHUNK;
	e->p = p;
	par_for(e->count, SPEND_CHUNK, e->threads, spend_chunk, e);
	for (size_t c = 0; c < chunks; c++) {
		s.f += e->parts[c].f;
		for (int i = 0; i < 3; i++) {
			s.g[i] += e->parts[c].g[i];
			for (int j = 0; j <= i; j++)
				s.h[i][j] += e->parts[c].h[i][j];
		}
	}
	for (int i = 0; i < 3; i++) {
		if (gradient)
			gradient[i] = s.g[i];
		for (int j = 0; hessian && j < 3; j++)
			hessian[i * 3 + j] = j <= i ? s.h[i][j] : s.h[j][i];
	}
	return s.f;
}

struct pair {
	double x, m;
};

static int pair_order(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;
	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return p->m < q->m ? -1 : p->m > q->m;
}

static void spend_init(struct spend *e, const struct value_summary *s, int threads)
{
	memset(e, 0, sizeof *e);
	e->threads = threads;
	struct pair *pairs = mem_alloc((s->count + 1) * sizeof *pairs);
	for (size_t i = 0; i < s->count; i++)
		if (s->x[i] > 0 && s->m[i] > 0)
			pairs[e->count++] = (struct pair){ s->x[i], s->m[i] };
	qsort(pairs, e->count, sizeof *pairs, pair_order);
	e->x = mem_alloc((e->count + 1) * sizeof *e->x);
	e->m = mem_alloc((e->count + 1) * sizeof *e->m);
	e->log_m = mem_alloc((e->count + 1) * sizeof *e->log_m);
	for (size_t i = 0; i < e->count; i++) {
		e->x[i] = pairs[i].x;
		e->m[i] = pairs[i].m;
		e->log_m[i] = log(pairs[i].m);
	}
	free(pairs);
	e->parts = mem_alloc((e->count / SPEND_CHUNK + 1) * sizeof *e->parts);
}

static void spend_release(struct spend *e)
{
	free(e->x);
	free(e->m);
	free(e->log_m);
	free(e->parts);
}

double value_loglik_spend(const struct value_summary *s, const double *p, double *gradient, double *hessian,
                          int threads)
{
	struct spend e;
	spend_init(&e, s, threads);
	double f = spend_eval(&e, p, gradient, hessian);
	spend_release(&e);
	return f;
}

/* ---- fitting ---- */

static void finish(const struct newton *s, enum value_model model, struct value_fit *out)
{
	int n = s->n;
	double minus[NEWTON_PARAMS_MAX * NEWTON_PARAMS_MAX], inverse[NEWTON_PARAMS_MAX * NEWTON_PARAMS_MAX];
	out->model = model;
	out->params = n;
	out->loglik = s->value;
	out->iterations = s->iterations;
	out->se_known = true;
	for (int i = 0; i < n; i++) {
		out->p[i] = s->p[i];
		if (fabs(log(s->p[i])) > NEWTON_LOG_HIGH - 2)
			out->se_known = false;
	}
	for (int i = 0; i < n * n; i++)
		minus[i] = -s->hessian[i];
	if (!s->converged || !math_spd_inverse(n, minus, inverse))
		out->se_known = false;
	if (!out->se_known) {
		out->why = "the history is too short or too even to tell every parameter: a parameter ran to the edge, so the "
				   "figures describe this base but their precision is not known";
		return;
	}
	for (int i = 0; i < n; i++) {
		out->se[i] = sqrt(inverse[i * n + i]);
		for (int j = 0; j < n; j++)
			out->cov[i][j] = inverse[i * n + j];
	}
}

struct order_fit {
	enum value_model model;
	const struct value_cells *cells;
	int threads;
};

static double order_eval(void *ctx, const double *p, double *gradient, double *hessian)
{
	const struct order_fit *f = ctx;
	return value_loglik(f->model, f->cells, p, gradient, hessian, f->threads);
}

/* Refuses what has no answer. */
static bool order_data_suffices(const struct value_cells *c, struct err *err)
{
	size_t repeat = 0;
	int32_t longest = 0;
	for (size_t i = 0; i < c->count; i++) {
		repeat += c->x[i] > 0 ? c->n[i] : 0;
		longest = c->t_day[i] > longest ? c->t_day[i] : longest;
	}
	if (c->customers == 1)
		return err_set(err, ERR_INPUT,
		               "there is one customer: a model of the customer base needs at least %d with a second "
		               "order",
		               VALUE_BUYERS_MIN);
	if (longest == 0)
		return err_set(err, ERR_INPUT,
		               "all orders are dated the last day of the period: time has to pass after a first order "
		               "before anything can be said; choose a later --until");
	if (repeat == 0)
		return err_set(err, ERR_INPUT,
		               "none of the %zu customers ordered on a second day: the rate of repeat orders cannot be "
		               "estimated yet",
		               c->customers);
	if (repeat < VALUE_BUYERS_MIN)
		return err_set(err, ERR_INPUT, "only %zu of %zu customers ordered on a second day; at least %d are needed",
		               repeat, c->customers, VALUE_BUYERS_MIN);
	return true;
}

bool value_fit_orders(enum value_model model, const struct value_cells *cells, int threads, struct value_fit *out,
                      struct err *err)
{
	check(model != VALUE_GAMMAGAMMA);
	memset(out, 0, sizeof *out);
	if (!order_data_suffices(cells, err))
		return false;
	double horizon = 0, orders = 0;
	for (size_t i = 0; i < cells->count; i++) {
		horizon += (double)cells->n[i] * cells->t_day[i] / cells->unit_days;
		orders += (double)cells->n[i] * cells->x[i];
	}
	horizon /= (double)cells->customers;
	double rate = orders / (double)cells->customers / horizon; /* repeat orders per unit of time, as if nobody left */
	struct order_fit f = { model, cells, threads };
	const double shapes[] = { 0.5, 0.2, 2 };
	struct newton best = { .value = -INFINITY };
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct newton s = { .n = 4, .eval = order_eval, .ctx = &f };
		double r = shapes[i];
		double start[4] = { r, r / (2 * rate), model == VALUE_PARETONBD ? r : 0.8,
			                model == VALUE_PARETONBD ? horizon / 2 : 2 };
		memcpy(s.p, start, sizeof start);
		newton_ascend(&s);
		if (s.value > best.value + 1e-9 * fabs(best.value) || i == 0)
			best = s;
		bool inside = best.converged;
		for (int k = 0; k < 4; k++)
			inside = inside && fabs(log(best.p[k])) < NEWTON_LOG_HIGH - 2;
		if (inside)
			break; /* the surface has one top in practice; more starts only when this one went astray */
	}
	finish(&best, model, out);
	out->customers = cells->customers;
	return true;
}

bool value_fit_spend(const struct value_summary *s, int threads, struct value_fit *out, struct err *err)
{
	memset(out, 0, sizeof *out);
	struct spend e;
	spend_init(&e, s, threads);
	size_t repeat = 0;
	for (size_t i = 0; i < s->count; i++)
		repeat += s->x[i] > 0;
	bool spread = false;
	for (size_t i = 1; i < e.count; i++)
		spread = spread || e.m[i] != e.m[0];
	bool good = true;
	if (repeat == 0)
		good = err_set(err, ERR_INPUT,
		               "none of the %zu customers ordered on a second day: the amount of a repeat order "
		               "cannot be estimated yet",
		               s->count);
	else if (e.count < VALUE_BUYERS_MIN)
		good = err_set(err, ERR_INPUT,
		               "only %zu customers spent something (net of returns) on repeat orders; at least %d are "
		               "needed",
		               e.count, VALUE_BUYERS_MIN);
	else if (!spread)
		good = err_set(err, ERR_INPUT,
		               "all customers spend the same amount per order: there is nothing to model, that amount "
		               "is the expectation");
	if (good) {
		double mean = 0;
		for (size_t i = 0; i < e.count; i++)
			mean += e.m[i] / (double)e.count;
		struct newton n = { .n = 3, .eval = spend_eval, .ctx = &e, .p = { 4, 4, mean } };
		newton_ascend(&n);
		finish(&n, VALUE_GAMMAGAMMA, out);
		out->customers = e.count;
		out->left_out = s->count - e.count;
	}
	spend_release(&e);
	return good;
}

double value_spend(const struct value_fit *fit, double x, double m, double *sd)
{
	/* own mean = p/ν, ν ~ Gamma(px + q, γ + mx): posterior mean p(γ + mx)/(px + q − 1) */
	double p = fit->p[0], q = fit->p[1], shape = p * x + q, rate = fit->p[2] + (x > 0 ? m * x : 0);
	if (m <= 0) { /* left out of the model: known as a newcomer is */
		shape = q;
		rate = fit->p[2];
	}
	double mean = shape > 1 ? p * rate / (shape - 1) : -1;
	if (sd)
		*sd = shape > 2 ? mean / sqrt(shape - 2) : -1;
	return mean;
}
