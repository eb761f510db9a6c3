#include "unit.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/case.h"
#include "fold/experiment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NEAR(a, b, tolerance)                                                                                          \
	ck_assert_msg(fabs((double)(a) - (double)(b)) <= (tolerance), "%s = %.12g, not %.12g", #a, (double)(a), (double)(b))

/* ---- reference figures ---- */

START_TEST(lift_of_means_is_the_reference)
{
	struct moments a, b;
	struct comparison c;
	ck_assert(moments_from_sums(3407, 1396.87, 52377.9767, &a) && moments_from_sums(3461, 2422.7, 134698.29, &b));
	experiment_compare(&a, &b, 0.95, 1, &c);
	ck_assert(c.known && c.lift_known);
	NEAR(c.lift, 0.70732, 0.5e-5);
	NEAR(c.ci_low, -0.03526, 0.5e-5);
	NEAR(c.ci_high, 1.44989, 0.5e-5);
	NEAR(c.p, 0.06191, 0.5e-5);
	ck_assert_double_lt(c.lift_seq_low, c.ci_low);
	ck_assert_double_gt(c.lift_seq_high, c.ci_high);
}
END_TEST

START_TEST(lift_of_proportions_is_the_reference)
{
	struct moments a, b;
	struct comparison c;
	ck_assert(moments_from_proportion(14, 28, &a) && moments_from_proportion(16, 30, &b));
	experiment_compare(&a, &b, 0.95, 1, &c);
	NEAR(c.lift, 0.06667, 0.5e-5);
	NEAR(c.ci_low, -0.47767, 0.5e-5);
	NEAR(c.ci_high, 0.61101, 0.5e-5);
}
END_TEST

START_TEST(split_check_is_the_reference)
{
	const double even[] = { 1000, 1200 }, skew[] = { 310, 98 }, half[] = { .5, .5 }, planned[] = { .75, .25 };
	struct srm s = experiment_srm(even, half, 2);
	ck_assert(s.known && s.alarm);
	NEAR(s.p, .000020079, 0.5e-9);
	s = experiment_srm(skew, planned, 2);
	ck_assert(s.known && !s.alarm);
	NEAR(s.p, .647434186, 0.5e-9);
	const double nobody[] = { 0, 0 }, zero[] = { 1, 0 };
	ck_assert(!experiment_srm(nobody, half, 2).known);
	ck_assert(!experiment_srm(even, zero, 2).known);
	ck_assert(!experiment_srm(even, half, 1).known);
}
END_TEST

START_TEST(holm_adjusts)
{
	double p[] = { 0.04, 0.01, 0.03, 0.9 };
	experiment_holm(p, 4);
	NEAR(p[1], 0.04, 1e-12);
	NEAR(p[2], 0.09, 1e-12);
	NEAR(p[0], 0.09, 1e-12); /* never below the one before */
	NEAR(p[3], 0.9, 1e-12);
	experiment_holm(p, 0);
}
END_TEST

/* ---- folding ---- */

START_TEST(folding_is_exact_and_the_same_on_any_threads)
{
	enum { N = 100000 };
	struct rng r;
	uint8_t *arm = mem_alloc(N);
	double *y = mem_alloc(N * sizeof *y), *x = mem_alloc(N * sizeof *x), sum[3] = { 0 }, squares[3] = { 0 },
		   n[3] = { 0 };
	struct moments one[3], many[3], plain;
	rng_init(&r, 1, 1);
	for (int i = 0; i < N; i++) {
		arm[i] = (uint8_t)rng_below(&r, 4); /* 3 is nobody's */
		x[i] = rng_normal(&r);
		y[i] = 1e6 + x[i] + rng_normal(&r); /* large and close together */
		if (i % 1000 == 0)
			y[i] = i % 2000 ? NAN : INFINITY;
		else if (arm[i] < 3) {
			n[arm[i]]++;
			sum[arm[i]] += y[i] - 1e6;
			squares[arm[i]] += (y[i] - 1e6) * (y[i] - 1e6);
		}
	}
	size_t skipped = moments_fold(arm, y, x, N, 3, 1, one);
	ck_assert_uint_eq(skipped, moments_fold(arm, y, x, N, 3, 5, many));
	ck_assert_mem_eq(one, many, sizeof one);
	ck_assert_uint_gt(skipped, 50);
	for (int a = 0; a < 3; a++) {
		ck_assert(moments_from_sums(n[a], sum[a], squares[a], &plain));
		ck_assert(one[a].n == n[a]);
		NEAR(one[a].y - 1e6, plain.y, 1e-8);
		NEAR(one[a].yy / plain.yy, 1, 1e-9);
		NEAR(one[a].xy / one[a].xx, 1, 0.03);
	}
	free(arm);
	free(y);
	free(x);
}
END_TEST

/* ---- coverage by simulation ---- */

enum { RUNS = 10000, LOOKS = 20 };

struct simulation {
	int kind; /* 0 skewed amounts, 1 proportions, 2 amounts with a covariate, 3 a shop's spend with a tenth as control
	           */
	bool cuped;
	int size; /* customers, kind 3 */
	uint8_t difference[RUNS], lift[RUNS], always[RUNS], lift_always[RUNS], known[RUNS];
	double width[RUNS];
};

/* Outcomes of one customer; the truth is mean 2 against 2.3 (amounts), 30 % against 36 % (proportions). */
static double outcome(struct rng *r, int kind, bool treated, double *pre)
{
	*pre = 0;
	if (kind == 1)
		return rng_unit(r) < (treated ? .36 : .30);
	if (kind == 2) {
		*pre = rng_gamma(r, 2);
		return 0.8 * *pre + 0.4 + (treated ? 0.3 : 0) + 0.5 * rng_normal(r);
	}
	return rng_gamma(r, 2) * (treated ? 1.15 : 1);
}

static double truth(int kind, bool treated)
{
	if (kind == 3)
		return (treated ? .12 : .10) * exp(3 + 0.32);
	return kind == 1 ? (treated ? .36 : .30) : treated ? 2.3 : 2.0;
}

/* A shop's spend: few buy, and some spend ten times what others do; the first tenth is the control group. */
static void draw_spend(struct rng *r, int n, uint8_t *arm, double *y)
{
	for (int i = 0; i < n; i++) {
		arm[i] = i >= n / 10;
		y[i] = 0;
	}
	for (int a = 0; a < 2; a++) {
		double step = 1 / log1p(a ? -.12 : -.10); /* from buyer to buyer */
		for (double at = a ? n / 10 : 0;; at++) {
			at += floor(log(1 - rng_unit(r)) * step);
			if (at >= (a ? n : n / 10))
				break;
			y[(int)at] = exp(3 + 0.8 * rng_normal(r));
		}
	}
}

static void draw_arms(struct rng *r, int kind, int n, struct moments m[2])
{
	double y[20000], x[20000];
	uint8_t arm[20000];
	if (kind == 3)
		draw_spend(r, n, arm, y);
	for (int i = 0; kind != 3 && i < n; i++) {
		arm[i] = i & 1;
		y[i] = outcome(r, kind, arm[i], &x[i]);
	}
	moments_fold(arm, y, kind == 2 ? x : NULL, (size_t)n, 2, 1, m);
}

static bool holds(double low, double high, double value)
{
	return low <= value && value <= high;
}

static void cover_fixed(void *ctx, size_t from, size_t to, int thread)
{
	struct simulation *s = ctx;
	for (size_t run = from; run < to; run++) {
		struct rng r;
		struct moments m[2];
		struct comparison c;
		rng_init(&r, 100 + (uint64_t)s->kind, run);
		draw_arms(&r, s->kind, s->kind == 3 ? s->size : 800, m);
		if (!s->cuped)
			m[0].covariate = m[1].covariate = false;
		experiment_compare(&m[0], &m[1], 0.95, 1, &c);
		double difference = truth(s->kind, true) - truth(s->kind, false);
		s->known[run] = c.known && c.lift_known && c.cuped == s->cuped;
		s->difference[run] = holds(c.low, c.high, difference);
		s->lift[run] = holds(c.ci_low, c.ci_high, difference / truth(s->kind, false));
		s->width[run] = c.high - c.low;
	}
}

static double share(const uint8_t *v)
{
	double n = 0;
	for (int i = 0; i < RUNS; i++)
		n += v[i];
	return n / RUNS;
}

START_TEST(fixed_intervals_cover)
{
	struct simulation *s = mem_alloc(sizeof *s);
	double width[4] = { 0 };
	for (int kind = 0; kind < 4; kind++) {
		s->kind = kind == 3 ? 2 : kind;
		s->cuped = kind == 3;
		par_for(RUNS, 100, 0, cover_fixed, s);
		printf("kind %d%s: difference %.4f, lift %.4f\n", s->kind, s->cuped ? " (CUPED)" : "", share(s->difference),
		       share(s->lift));
		ck_assert(share(s->known) == 1);
		NEAR(share(s->difference), 0.95, 0.01);
		NEAR(share(s->lift), 0.95, 0.01);
		for (int i = 0; i < RUNS; i++)
			width[kind] += s->width[i];
	}
	s->kind = 3; /* 200 buyers in a control group of 2,000: from here on amounts are not called rough */
	s->cuped = false;
	s->size = 20000;
	par_for(RUNS, 100, 0, cover_fixed, s);
	printf("kind 3: difference %.4f, lift %.4f\n", share(s->difference), share(s->lift));
	NEAR(share(s->difference), 0.95, 0.01);
	NEAR(share(s->lift), 0.95, 0.01);
	ck_assert_double_lt(width[3], 0.5 * width[2]); /* the covariate explains five sixths of the variance */
	free(s);
}
END_TEST

/* Looked at after every 50 customers a group: an interval that misses once is a miss. */
static void cover_always(void *ctx, size_t from, size_t to, int thread)
{
	struct simulation *s = ctx;
	for (size_t run = from; run < to; run++) {
		struct rng r;
		struct moments sum[2] = { 0 };
		bool always = true, lift = true, fixed = true;
		rng_init(&r, 200 + (uint64_t)s->kind, run);
		double difference = truth(s->kind, true) - truth(s->kind, false);
		for (int look = 0; look < LOOKS; look++) {
			struct moments m[2];
			struct comparison c;
			draw_arms(&r, s->kind, s->kind == 3 ? 300 : 100, m);
			for (int a = 0; a < 2; a++)
				moments_merge(&sum[a], &m[a]);
			experiment_compare(&sum[0], &sum[1], 0.95, 1, &c);
			if (!c.known || !c.seq_known)
				continue;
			always = always && holds(c.seq_low, c.seq_high, difference);
			fixed = fixed && holds(c.low, c.high, difference);
			lift =
				lift && (!c.lift_known || holds(c.lift_seq_low, c.lift_seq_high, difference / truth(s->kind, false)));
		}
		s->always[run] = always;
		s->lift_always[run] = lift;
		s->difference[run] = fixed;
	}
}

START_TEST(always_valid_intervals_hold_at_every_look)
{
	struct simulation *s = mem_alloc(sizeof *s);
	for (s->kind = 0; s->kind < 4; s->kind++) {
		par_for(RUNS, 100, 0, cover_always, s);
		printf("kind %d, every look: always-valid %.4f, its lift %.4f, fixed-horizon %.4f\n", s->kind, share(s->always),
		       share(s->lift_always), share(s->difference));
		ck_assert_double_ge(share(s->always), 0.95);
		ck_assert_double_ge(share(s->lift_always), 0.95);
		ck_assert_double_lt(share(s->difference), 0.9); /* which is why it is needed */
	}
	free(s);
}
END_TEST

static void alarm_rate(void *ctx, size_t from, size_t to, int thread)
{
	uint8_t *alarm = ctx;
	for (size_t run = from; run < to; run++) {
		struct rng r;
		double counts[2] = { 0 };
		const double planned[2] = { .9, .1 };
		rng_init(&r, 300, run);
		for (int i = 0; i < 1000; i++)
			counts[rng_unit(&r) < .1]++;
		alarm[run] = experiment_srm(counts, planned, 2).p < 0.05;
	}
}

START_TEST(split_check_is_wrong_as_often_as_it_says)
{
	static uint8_t alarm[RUNS];
	par_for(RUNS, 100, 0, alarm_rate, alarm);
	NEAR(share(alarm), 0.05, 0.01);
}
END_TEST

/* ---- words ---- */

static struct finding judged(const struct moments *a, const struct moments *b, struct finding_ask ask, int variants)
{
	struct comparison c;
	struct finding f;
	experiment_compare(a, b, 0.95, variants, &c);
	if (!ask.unit)
		ask.unit = "€";
	experiment_finding(&c, NULL, &ask, &f);
	ck_assert_ptr_null(strstr(f.text, "nan"));
	ck_assert_ptr_null(strstr(f.text, "inf"));
	ck_assert_uint_gt(strlen(f.text), 5);
	return f;
}

static struct moments arm_of(double n, double mean, double sd)
{
	return (struct moments){ .n = n, .y = mean, .yy = sd * sd * (n - 1), .events = -1 };
}

START_TEST(the_answer_is_in_words)
{
	struct moments a = arm_of(2000, 10, 8), b = arm_of(2000, 10.62, 8), same = arm_of(200000, 10.01, 8),
				   big = arm_of(200000, 10, 8), better = arm_of(2000, 12, 8), worse = arm_of(2000, 8, 8);
	struct finding f = judged(&a, &better, (struct finding_ask){ .once = true }, 1);
	ck_assert_int_eq(f.kind, FINDING_BROUGHT);
	ck_assert_str_eq(f.text, "brought 4,000 € ± 992");
	f = judged(&a, &better, (struct finding_ask){ .once = true, .french = true, .cost = 500 }, 1);
	ck_assert_str_eq(f.text, "a rapporté 3\u202f500\u202f€\u202f±\u202f992");
	f = judged(&a, &worse, (struct finding_ask){ 0 }, 1);
	ck_assert_int_eq(f.kind, FINDING_LOST);
	f = judged(&a, &b, (struct finding_ask){ .days = 42 }, 1);
	ck_assert_int_eq(f.kind, FINDING_OPEN);
	ck_assert_double_gt(f.weeks, 0);
	ck_assert_ptr_nonnull(strstr(f.text, "more week"));
	/* after that long, at the same difference, it is known */
	double more = (f.weeks * 7 + 42) / 42;
	struct moments a2 = arm_of(ceil(2000 * more), 10, 8), b2 = arm_of(ceil(2000 * more), 10.62, 8);
	ck_assert_int_eq(judged(&a2, &b2, (struct finding_ask){ 0 }, 1).kind, FINDING_BROUGHT);
	f = judged(&big, &same, (struct finding_ask){ .cost = 60000 }, 1);
	ck_assert_int_eq(f.kind, FINDING_NOT_WORTH);
	ck_assert_str_eq(f.text, "no effect worth its cost");
	f = judged(&a, &a, (struct finding_ask){ .days = 30, .french = true }, 1);
	ck_assert_int_eq(f.kind, FINDING_OPEN);
	ck_assert_ptr_nonnull(strstr(f.text, "deux ans"));
	struct comparison c;
	struct srm s = { .known = true, .alarm = true };
	experiment_compare(&a, &better, 0.95, 1, &c);
	experiment_finding(&c, &s, &(struct finding_ask){ .unit = "€" }, &f);
	ck_assert_int_eq(f.kind, FINDING_BROKEN);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
	const struct {
		struct moments a, b;
		const char *says;
	} cases[] = {
		{ { 0 }, arm_of(100, 1, 1), "the control group is empty" },
		{ arm_of(3, 1, 1), arm_of(1000, 1, 1), "the control group has 3 customers; at least 20" },
		{ arm_of(1000, 1, 1), arm_of(1, 1, 0), "the treated group has 1 customer; at least 20" },
		{ arm_of(100, 5, 0), arm_of(100, 6, 1), "the same outcome" },
		{ arm_of(100, 0, 0), arm_of(100, 0, 0), "the same outcome" },
		{ { .n = 500, .y = .004, .yy = 1.992, .events = 2, .binary = true },
		  { .n = 500, .y = .1, .yy = 45, .events = 50, .binary = true },
		  "only 2 of 500" },
		{ { .n = 100, .y = .5, .yy = 25, .events = 50, .binary = true },
		  { .n = 100, .y = .98, .yy = 1.96, .events = 98, .binary = true },
		  "all but 2 of 100" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct comparison c;
		experiment_compare(&cases[i].a, &cases[i].b, 0.95, 1, &c);
		ck_assert(!c.known && !c.lift_known);
		ck_assert_msg(strstr(c.why, cases[i].says) != NULL, "\"%s\" does not say \"%s\"", c.why, cases[i].says);
		for (int french = 0; french < 2; french++)
			ck_assert_int_eq(judged(&cases[i].a, &cases[i].b, (struct finding_ask){ .french = french }, 1).kind,
			                 FINDING_MISSING);
	}
	/* a mean of returns: a difference, but no percentage */
	struct moments below = arm_of(500, -2, 5), above = arm_of(500, 3, 5);
	struct comparison c;
	experiment_compare(&below, &above, 0.95, 1, &c);
	ck_assert(c.known && !c.lift_known && c.why[0] && isfinite(c.low) && isfinite(c.p));
	struct moments bad;
	ck_assert(!moments_from_sums(10, 100, 5, &bad));
	ck_assert(!moments_from_sums(-1, 0, 0, &bad));
	ck_assert(!moments_from_sums(1.5, 0, 0, &bad));
	ck_assert(!moments_from_sums(10, NAN, 5, &bad));
	ck_assert(!moments_from_proportion(5, 4, &bad));
}
END_TEST

START_TEST(figures_are_finite_whatever_comes)
{
	struct rng r;
	rng_init(&r, 9, 9);
	for (int i = 0; i < 200000; i++) {
		struct moments m[2];
		struct comparison c;
		for (int a = 0; a < 2; a++) {
			double n = rng_below(&r, 3) ? floor(exp(14 * rng_unit(&r))) : rng_below(&r, 30);
			m[a] = (struct moments){ .n = n,
				                     .events = -1,
				                     .y = (rng_unit(&r) - 0.3) * exp(20 * rng_unit(&r) - 10),
				                     .yy = n * exp(40 * rng_unit(&r) - 20),
				                     .x = rng_normal(&r),
				                     .xx = n * rng_unit(&r),
				                     .covariate = i & 1 };
			m[a].xy = (2 * rng_unit(&r) - 1) * sqrt(m[a].xx * m[a].yy);
		}
		experiment_compare(&m[0], &m[1], 0.95, 1 + (int)rng_below(&r, 4), &c);
		if (!c.known) {
			ck_assert_int_gt(c.why[0], 0);
			continue;
		}
		ck_assert(isfinite(c.low) && isfinite(c.high) && isfinite(c.p) && c.p >= 0 && c.p <= 1 && isfinite(c.seq_low) &&
		          c.seq_p >= 0 && c.seq_p <= 1 && isfinite(c.lift) && isfinite(c.ci_low));
		ck_assert(c.seq_low <= c.low && c.seq_high >= c.high);
		(void)judged(&m[0], &m[1], (struct finding_ask){ .days = 10, .cost = i % 7, .french = i & 2, .once = i & 4 },
		             1);
	}
}
END_TEST

/* ---- business case ---- */

START_TEST(the_reference_case_to_the_euro)
{
	struct case_result r;
	struct err err;
	ck_assert(case_compute(&CASE_REFERENCE, &r, &err));
	const int64_t expected[CASE_LINES][3] = {
		{ 250000, 375000, 125000 }, { 300000, 562500, 262500 }, { 9000000, 11250000, 2250000 }, { 0, 5625000, 5625000 }
	};
	for (int l = 0; l < CASE_LINES; l++) {
		ck_assert_int_eq(r.line[l].before.minor, expected[l][0] * 100);
		ck_assert_int_eq(r.line[l].after.minor, expected[l][1] * 100);
		ck_assert_int_eq(r.line[l].gain.minor, expected[l][2] * 100);
	}
	ck_assert_int_eq(r.total.before.minor, INT64_C(955000000));
	ck_assert_int_eq(r.total.after.minor, INT64_C(1781250000));
	ck_assert_int_eq(r.total.gain.minor, INT64_C(826250000));
	ck_assert(r.new_before == 5000 && r.new_after == 7500 && r.active_after == 37500);
	struct currency eur;
	struct buf b;
	ck_assert(currency_find(STR("EUR"), &eur));
	buf_init(&b, 1000);
	case_explain(CASE_EXTRA, &CASE_REFERENCE, &r, eur, false, &b);
	ck_assert_str_eq(b.p, "50,000 customers × 75% × €150 = €5,625,000");
	buf_clear(&b);
	case_money(&b, (struct money){ -123456789 }, eur, true);
	ck_assert_str_eq(b.p, "−1\u202f234\u202f567,89\u202f€");
	buf_release(&b);
}
END_TEST

START_TEST(the_case_refuses_nonsense)
{
	struct case_result r;
	struct err err;
	struct case_input in = CASE_REFERENCE;
	in.after.activity = 1000001;
	ck_assert(!case_compute(&in, &r, &err));
	in = CASE_REFERENCE;
	in.prospects = -1;
	ck_assert(!case_compute(&in, &r, &err));
	in = CASE_REFERENCE;
	in.customers = CASE_PEOPLE_MAX;
	in.after.active_value = CASE_MINOR_MAX;
	ck_assert(!case_compute(&in, &r, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "too large"));
	in = (struct case_input){ 0 };
	ck_assert(case_compute(&in, &r, &err));
	ck_assert_int_eq(r.total.gain.minor, 0);
	ck_assert(!r.return_known);
}
END_TEST

UNIT_MAIN("experiment", lift_of_means_is_the_reference, lift_of_proportions_is_the_reference,
          split_check_is_the_reference, holm_adjusts, folding_is_exact_and_the_same_on_any_threads,
          fixed_intervals_cover, always_valid_intervals_hold_at_every_look, split_check_is_wrong_as_often_as_it_says,
          the_answer_is_in_words, what_is_missing_is_said, figures_are_finite_whatever_comes,
          the_reference_case_to_the_euro, the_case_refuses_nonsense)
