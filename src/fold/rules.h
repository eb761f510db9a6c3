/* rules: "who buys these also buys that", tested.
 *
 * A rule A → c has support (baskets with all of it), confidence n(A ∪ c) / n(A), lift (confidence ÷ n(c)/n), leverage
 * ((n(A ∪ c) − n(A) n(c)/n) / n: extra baskets, as a share), conviction ((1 − n(c)/n) / (1 − confidence)), and p: the
 * one-sided exact Fisher test that A and c meet this often by chance. q is Benjamini & Hochberg's (1995) over every
 * hypothesis looked at, kept or not.
 *
 * A rule of more than one item in A is kept only if its confidence is above that of every shorter one (of each proper
 * subset of A), and its p is the largest of Webb's (2007) productivity tests: each item of A, added last, must raise
 * the share of c among the baskets that hold the others.
 *
 * Rules are never ranked by lift: it favours the rarest coincidences. Limits: RULES_SIZE_MAX items, `limit` rules. */
#ifndef RELANCE_FOLD_RULES_H
#define RELANCE_FOLD_RULES_H

#include "fold/itemset.h"

enum { RULES_SIZE_MAX = 5 };
#define RULES_LIMIT_DEFAULT ((uint64_t)20000000)

struct rule {
	uint32_t items[RULES_SIZE_MAX];               /* antecedent ascending, then the consequent */
	uint32_t size;                                /* 2 … RULES_SIZE_MAX */
	uint32_t support, antecedent, consequent;     /* baskets with all, with A, with c */
	float confidence, lift, leverage, conviction; /* conviction: INFINITY at confidence 1 */
	double p, q;
};

enum rules_sort { RULES_LEVERAGE, RULES_CONFIDENCE, RULES_CONVICTION, RULES_SUPPORT, RULES_Q };

struct rules_options {
	uint32_t support;  /* at least 1 */
	uint32_t size_max; /* 2 … RULES_SIZE_MAX; 0 = 2 */
	double q_max;      /* 1: all positive rules */
	enum rules_sort sort;
	uint64_t limit; /* 0: RULES_LIMIT_DEFAULT */
	int threads;
};

struct rules {
	struct rule *rules;
	size_t count;
	uint64_t tests; /* hypotheses looked at */
	uint64_t baskets;
};

bool rules_mine(struct itemset_baskets *b, const struct rules_options *o, struct rules *out,
                struct err *err) MUST_CHECK;
void rules_release(struct rules *r);

/* P(X ≥ k), X hypergeometric: k of n draws are among the `marked` of `all`. `table` from rules_factorials(all). */
double rules_fisher(const double *table, uint64_t all, uint64_t marked, uint64_t n, uint64_t k);
double *rules_factorials(uint64_t all); /* log i! for i = 0 … all; free() */

#endif
