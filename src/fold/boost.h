/* boost: gradient-boosted regression trees for ranking candidates inside a query.
 *
 * Histogram trees grown best leaf first (Friedman 2001; Ke et al., LightGBM, NeurIPS 2017) on a listwise softmax loss:
 * within a query the scores become a distribution that should match the true items (uniform over them). Features are
 * cut at quantiles into at most BOOST_BINS bins. Rows of one query are contiguous. Deterministic whatever the threads:
 * partial histograms have fixed row blocks, draws are hashes.
 *
 * Memory: rows × features bytes for training, plus 16 bytes a row. */
#ifndef RELANCE_FOLD_BOOST_H
#define RELANCE_FOLD_BOOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOOST_BINS = 64, BOOST_FEATURES_MAX = 96, BOOST_LEAVES_MAX = 64, BOOST_TREES_MAX = 1000 };

enum boost_loss { BOOST_LOGISTIC, BOOST_SOFTMAX };

struct boost_rows {
	const float *x;        /* row-major, rows × features */
	const uint8_t *truth;  /* rows: 1 = a true item */
	const uint32_t *query; /* queries + 1: first row of each query */
	size_t queries, features;
	const float *weight; /* by query: how much it counts; NULL: all 1 */
};

struct boost_options {
	enum boost_loss loss;
	int trees, leaves;
	double rate, ridge;    /* shrinkage; L2 on leaf values */
	double sample;         /* share of queries each tree sees */
	double feature_sample; /* share of features each tree sees */
	uint32_t leaf_rows_min;
	uint64_t seed;
	int threads;
};

struct boost;

struct boost *boost_train(const struct boost_rows *rows, const struct boost_options *o);
void boost_free(struct boost *b);

/* trees = 0: all of them. scores: rows of `count` × features. */
void boost_score(const struct boost *b, const float *x, size_t count, int trees, float *scores);
int boost_trees(const struct boost *b);
size_t boost_features(const struct boost *b);

struct boost_node {
	int feature; /* < 0: a leaf with its value */
	float threshold, value;
	int left, right; /* x ≤ threshold goes left */
};
/* Copies a tree out, its root first; returns the number of nodes. */
int boost_tree(const struct boost *b, int tree, struct boost_node out[2 * BOOST_LEAVES_MAX]);

/* Summed gain of the splits on each feature (features entries). */
void boost_gain(const struct boost *b, double *gain);

#endif
