/* forest: the sum of boosted forests, laid out to score the candidates of one answer in microseconds.
 *
 * Every node of a tree is compared for sixteen candidates at once; a node that sends a candidate to the right crosses
 * out the leaves on its left, and the leftmost leaf left is where it ends (Lucchese et al., "QuickScorer", SIGIR 2015).
 * No branch depends on the data. The order of the sums is fixed: the same scores on every processor. */
#ifndef RELANCE_FOLD_FOREST_H
#define RELANCE_FOLD_FOREST_H

#include "fold/boost.h"

enum { FOREST_LEAVES_MAX = 16, FOREST_ROWS_MAX = 64 };

struct forest;
/* All of the same features, trees of at most FOREST_LEAVES_MAX leaves. The caller frees both. */
struct forest *forest_of(struct boost *const *boosts, size_t count);
struct forest *forest_copy(const struct forest *f);
void forest_free(struct forest *f);
/* x: rows × features, at most FOREST_ROWS_MAX rows, no NaN. */
void forest_score(const struct forest *f, const float *x, size_t rows, float *scores);

#endif
