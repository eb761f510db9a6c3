/* experiment: what a plan, a message or a price brought against its control group, and how sure we are.
 *
 *   moments_*            outcome (and pre-period covariate) of an arm, from sums or from one value a customer
 *   experiment_compare() difference and relative lift with intervals, p, CUPED, always-valid intervals
 *   experiment_srm()     were people split as planned?
 *   experiment_holm()    several variants: adjusted p
 *   experiment_finding() the answer in words, French or English
 *
 * Methods
 *   Lift = treated mean ÷ control mean − 1; variance by the delta method; Student quantiles with Welch–Satterthwaite
 *     degrees of freedom. Proportions are means of 0/1 with variance p(1−p)/n.
 *   CUPED (Deng, Xu, Kohavi, Walker 2013): y − θ(x − mean x), θ = pooled within-arm cov(x, y) / var(x).
 *   Always-valid: asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2021):
 *     radius = se · √( 2(Nρ²+1)/(Nρ²) · ln(√(Nρ²+1)/α) ), N = customers of both arms, ρ tuned for a first answer at
 * about EXPERIMENT_TUNED customers. It may be looked at every day; the price is a wider interval. Several variants:
 * intervals at level 1 − α/m (Bonferroni), p adjusted by Holm 1979. Split: Pearson's χ²; below EXPERIMENT_SRM_ALARM the
 * verdict is withheld.
 *
 *   The sequence is asymptotic, so looking begins when both arms have EXPERIMENT_LOOK_EVENTS outcomes that are not 0:
 * with the few large orders of a small control group it would miss too often before (measured: 93 % with looks from 5
 * on, 98 % from 30).
 *
 * Never a false precision: an arm below EXPERIMENT_ARM_MIN customers, fewer than EXPERIMENT_EVENTS_MIN outcomes that
 * are not 0 (or, for 0/1 outcomes, not 1), or outcomes that do not vary, give `known = false` and a sentence. The
 * relative lift alone is unknown when the control mean is not clearly above zero (less than twice its standard error).
 */
#ifndef RELANCE_FOLD_EXPERIMENT_H
#define RELANCE_FOLD_EXPERIMENT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
	EXPERIMENT_ARM_MIN = 20,
	EXPERIMENT_EVENTS_MIN = 5,
	EXPERIMENT_LOOK_EVENTS = 30,
	EXPERIMENT_ROUGH_EVENTS = 200,
	EXPERIMENT_TUNED = 2000,
	EXPERIMENT_ARMS_MAX = 16,
	EXPERIMENT_WHY_MAX = 256
};
#define EXPERIMENT_SRM_ALARM 0.001

/* Centred sums: stable for large amounts, mergeable. */
struct moments {
	double n, y, yy;  /* count, mean, sum of squared deviations of the outcome */
	double x, xx, xy; /* the same of the covariate, and the co-deviation; 0 when there is none */
	double events;    /* outcomes that are not 0; negative when only sums were given */
	bool covariate;
	bool binary; /* all outcomes were 0 or 1 */
};

/* From a sum and a sum of squares. False: n < 0, not finite, or squares too small to belong to that sum. */
bool moments_from_sums(double n, double sum, double squares, struct moments *out) MUST_CHECK;
bool moments_from_proportion(double successes, double n, struct moments *out) MUST_CHECK; /* 0 ≤ successes ≤ n */
void moments_merge(struct moments *into, const struct moments *more);

/* One value a customer: arm[i] in 0 … arms−1 (others are passed over), y[i], and x[i] when x is not NULL. Values that
 * are not finite are passed over and counted. out has `arms` entries. Independent of the number of threads. Returns the
 * number passed over. */
size_t moments_fold(const uint8_t *arm, const double *y, const double *x, size_t count, int arms, int threads,
                    struct moments *out);

struct comparison {
	bool known;
	char why[EXPERIMENT_WHY_MAX]; /* when !known, !lift_known or rough */
	bool rough; /* amounts, and fewer than EXPERIMENT_ROUGH_EVENTS that are not 0 in an arm: large single ones weigh too
	               much */
	double control_n, treated_n, control_mean, treated_mean; /* means after CUPED when cuped */
	double difference, se, df, low, high;                    /* per customer, fixed horizon */
	double p; /* two-sided, of the relative lift when known (goes with its interval), else of the difference */
	double p_difference;             /* of the difference per customer, which the verdict is about */
	bool seq_known;                  /* enough happened for a first look */
	double look_factor;              /* how many times today's customers the first look takes */
	double seq_low, seq_high, seq_p; /* per customer, always valid */
	bool lift_known;
	double lift, lift_se, ci_low, ci_high, lift_seq_low, lift_seq_high;
	double level;
	bool cuped;
	double theta, variance_cut; /* share of the variance that CUPED took away */
};

/* comparisons: how many variants are compared with this control (1 for one); level 0.95 is divided among them. */
void experiment_compare(const struct moments *control, const struct moments *treated, double level, int comparisons,
                        struct comparison *out);

struct srm {
	bool known;
	double chi2, p;
	int df;
	bool alarm;
};
/* expected: any positive weights. Unknown when a weight is not positive or nobody was counted. */
struct srm experiment_srm(const double *counts, const double *expected, int arms);

/* In place: p adjusted for the number of tests, order kept. */
void experiment_holm(double *p, int count);

/* Factor by which the radius of the always-valid interval exceeds the standard error. */
double experiment_sequential_factor(double customers, double alpha);

/* ---- the answer in words ---- */

enum finding_kind {
	FINDING_BROUGHT,   /* the interval is above zero, costs taken off */
	FINDING_LOST,      /* below zero, without any cost */
	FINDING_NOT_WORTH, /* what it may have brought does not reach its cost */
	FINDING_OPEN,      /* not yet known: it takes longer */
	FINDING_MISSING,   /* not known: something is missing */
	FINDING_BROKEN,    /* the split is not what was planned */
};

struct finding_ask {
	double cost;      /* of the treated arm: messages, vouchers, returns; 0 when the outcome is net already */
	double worth;     /* smallest net total worth having; 0 */
	double days;      /* how long it has run; 0 unknown */
	const char *unit; /* "€", "orders", … */
	bool once;        /* looked at once, at the planned end: the fixed-horizon interval decides */
	bool french;
};

struct finding {
	enum finding_kind kind;
	double total, plus_minus; /* over the treated arm, cost taken off; plus_minus is half the interval */
	double weeks;             /* FINDING_OPEN: about how many more; negative when not known */
	double customers;         /* FINDING_OPEN: about how many more; negative when hopeless */
	char text[320];
};

void experiment_finding(const struct comparison *c, const struct srm *srm, const struct finding_ask *ask,
                        struct finding *out);
const char *finding_name(enum finding_kind k); /* "brought" … */

#endif
