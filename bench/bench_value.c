/* Customer value and experiments at size, beside R's optim on the same likelihood.
 *
 *   bench_value [--json] [--customers N] [--no-r]
 *
 * One simulated base (BG/NBD: r .25, alpha 4.5, a .8, b 2.5; first orders over a year, watched for two) serves both
 * sides. Ours: from one line a customer, merging equal lines included. R: vectorised likelihood over the same lines,
 * optim's L-BFGS-B on the logarithms from 1, 1, 1, 1 as is usual there; once over all lines, once over the merged ones.
 */
#include "base/arena.h"
#include "base/hash.h"
#include "fold/experiment.h"
#include "fold/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct base {
	struct value_row *rows;
	size_t count, cap;
};

static void add(struct base *b, uint32_t who, double day, int64_t minor)
{
	b->rows = mem_grow(b->rows, &b->cap, b->count + 1, sizeof *b->rows);
	b->rows[b->count++] = (struct value_row){ who, (int32_t)floor(day), minor };
}

enum { YEARS_DAYS = 730 };

static struct base simulate(size_t customers)
{
	struct base b = { 0 };
	struct rng r;
	rng_init(&r, 2024, 0);
	for (size_t i = 0; i < customers; i++) {
		double day = rng_below(&r, 365), rate = rng_gamma(&r, .25) / (4.5 * 7), g = rng_gamma(&r, .8),
			   h = rng_gamma(&r, 2.5);
		double leave = g / (g + h), nu = rng_gamma(&r, 4) / 1500;
		add(&b, (uint32_t)i, day, (int64_t)(rng_gamma(&r, 6) / nu));
		while (rate > 0 && (day += rng_exp(&r, rate)) < YEARS_DAYS) {
			add(&b, (uint32_t)i, day, (int64_t)(rng_gamma(&r, 6) / nu));
			if (rng_unit(&r) < leave)
				break;
		}
	}
	return b;
}

static bool json;
static bool first_line = true;

static void line(const char *work, double ours, double baseline, const char *what, const char *goal)
{
	if (json) {
		printf("%s{\"work\": \"%s\", \"ours_s\": %.4f, \"baseline\": \"%s\", ", first_line ? "" : ",\n ", work, ours,
		       what);
		if (baseline > 0)
			printf("\"baseline_s\": %.3f, \"ratio\": %.1f, ", baseline, baseline / ours);
		printf("\"goal\": \"%s\"}", goal);
	} else if (baseline > 0) {
		printf("%-46s %9.4f s  %9.2f s %-28s %8.0fx  %s\n", work, ours, baseline, what, baseline / ours, goal);
	} else {
		printf("%-46s %9.4f s  %11s %-28s %9s  %s\n", work, ours, "-", what, "", goal);
	}
	first_line = false;
	fflush(stdout);
}

/* Runs the R script on lines x, t_x, T, n; false when there is no Rscript. */
static bool run_r(const char *script, const struct value_cells *c, double *time, double *loglik)
{
	char path[] = "/tmp/bench_value_XXXXXX", command[1024], answer[256];
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!f)
		return false;
	for (int column = 0; column < 4; column++)
		for (size_t i = 0; i < c->count; i++) {
			double v = column == 0   ? c->x[i]
			           : column == 1 ? c->tx_day[i] / c->unit_days
			           : column == 2 ? c->t_day[i] / c->unit_days
			                         : c->n[i];
			fwrite(&v, sizeof v, 1, f);
		}
	fclose(f);
	snprintf(command, sizeof command, "Rscript --vanilla %s %s %zu 2>/dev/null", script, path, c->count);
	FILE *p = popen(command, "r");
	bool good = p && fgets(answer, sizeof answer, p) && sscanf(answer, "%lf %lf", time, loglik) == 2;
	if (p)
		pclose(p);
	unlink(path);
	return good;
}

/* The cells unmerged: every customer its own line, as R users have them. */
static struct value_cells unmerged(const struct value_summary *s)
{
	struct value_cells c = {
		.count = s->count, .customers = s->count, .unit_days = s->unit_days, .day_max = YEARS_DAYS
	};
	c.x = s->x;
	c.tx_day = s->tx_day;
	c.t_day = s->t_day;
	c.n = mem_alloc(s->count * sizeof *c.n);
	for (size_t i = 0; i < s->count; i++)
		c.n[i] = 1;
	return c;
}

static void bench_experiment(size_t n)
{
	uint8_t *arm = mem_alloc(n);
	double *y[4], *x = mem_alloc(n * sizeof *x);
	struct rng r;
	rng_init(&r, 5, 0);
	for (int k = 0; k < 4; k++)
		y[k] = mem_alloc(n * sizeof **y);
	for (size_t i = 0; i < n; i++) {
		arm[i] = rng_below(&r, 10) > 0;
		x[i] = rng_exp(&r, 1);
		bool bought = rng_unit(&r) < .1;
		y[0][i] = bought;
		y[1][i] = bought ? 1 + rng_poisson(&r, .3) : 0;
		y[2][i] = bought ? 50 * x[i] + 10 : 0;
		y[3][i] = 0.4 * y[2][i] - 0.1;
	}
	double start = seconds();
	struct moments m[2];
	struct comparison c;
	struct finding f;
	const double planned[] = { .1, .9 };
	for (int k = 0; k < 4; k++) {
		moments_fold(arm, y[k], x, n, 2, 0, m);
		experiment_compare(&m[0], &m[1], 0.95, 1, &c);
		const double counts[] = { m[0].n, m[1].n };
		struct srm s = experiment_srm(counts, planned, 2);
		experiment_finding(&c, &s, &(struct finding_ask){ .unit = "€", .days = 30 }, &f);
	}
	line("experiment report, 4 figures, CUPED, 1 M customers", seconds() - start, 0, "", "<= 1 s");
	for (int k = 0; k < 4; k++)
		free(y[k]);
	free(arm);
	free(x);
}

int main(int argc, char **argv)
{
	size_t customers = 1000000;
	bool with_r = true;
	const char *script = BENCH_DIR "/bench_value.R";
	for (int i = 1; i < argc; i++) {
		int64_t n;
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--no-r") == 0)
			with_r = false;
		else if (strcmp(argv[i], "--customers") == 0 && i + 1 < argc && str_i64(str_from(argv[++i]), &n) && n > 100)
			customers = (size_t)n;
		else
			return fputs("bench_value [--json] [--customers N] [--no-r]\n", stderr), 2;
	}
	struct base b = simulate(customers);
	struct value_summary s;
	struct value_cells c;
	struct value_fit f, g;
	struct err err;
	if (json)
		printf("[");
	else
		printf("%zu customers, %zu orders\n%-46s %11s  %11s %-28s %9s  %s\n", customers, b.count, "work", "ours",
		       "baseline", "", "ratio", "goal");
	double t0 = seconds();
	if (!value_summarise(b.rows, b.count, (struct date){ YEARS_DAYS }, VALUE_WEEK, 2, &s, &err))
		return fprintf(stderr, "%s\n", err.text), 1;
	line("orders -> x, t_x, T, m", seconds() - t0, 0, "", "");
	double best = 1e9;
	for (int k = 0; k < 3; k++) {
		double t1 = seconds();
		value_cells_make(&s, false, &c);
		if (!value_fit_orders(VALUE_BGNBD, &c, 0, &f, &err))
			return fprintf(stderr, "%s\n", err.text), 1;
		best = fmin(best, seconds() - t1);
		if (k < 2)
			value_cells_release(&c);
	}
	double time, loglik;
	if (with_r) {
		struct value_cells all = unmerged(&s);
		if (run_r(script, &all, &time, &loglik)) {
			line("BG/NBD fit", best, time, "R optim, all customers", ">= 100x, <= 2 s");
			if (!json)
				printf("  (log-likelihood reached: ours %.3f, R's %.3f)\n", f.loglik, loglik);
		} else {
			line("BG/NBD fit", best, 0, "Rscript is absent", ">= 100x, <= 2 s");
		}
		if (run_r(script, &c, &time, &loglik))
			line("BG/NBD fit", best, time, "R optim, merged lines", "");
	} else {
		line("BG/NBD fit", best, 0, "", "<= 2 s");
	}
	const enum value_model others[] = { VALUE_MBGNBD, VALUE_PARETONBD };
	for (int k = 0; k < 2; k++) {
		double t1 = seconds();
		if (!value_fit_orders(others[k], &c, 0, &g, &err))
			return fprintf(stderr, "%s\n", err.text), 1;
		line(k ? "Pareto/NBD fit" : "MBG/NBD fit", seconds() - t1, 0, "", "");
	}
	double t2 = seconds();
	if (!value_fit_spend(&s, 0, &g, &err))
		return fprintf(stderr, "%s\n", err.text), 1;
	line("Gamma-Gamma fit", seconds() - t2, 0, "", "");
	struct value_forecast *forecast = mem_alloc((c.count + 1) * sizeof *forecast);
	double t3 = seconds();
	value_predict_cells(&f, &c, 52, 0, forecast);
	line("P(alive), orders, variance of every customer", seconds() - t3, 0, "", "");
	bench_experiment(customers);
	if (json)
		printf("]\n");
	else
		printf("r %.4f alpha %.4f a %.4f b %.4f, log-likelihood %.3f, %zu merged lines, %d iterations\n", f.p[0],
		       f.p[1], f.p[2], f.p[3], f.loglik, c.count, f.iterations);
	return 0;
}
