/* nextbasket_learn: the table of candidates and features, and the learnt blend. Not for other rooms. */
#ifndef RELANCE_FOLD_NEXTBASKET_LEARN_H
#define RELANCE_FOLD_NEXTBASKET_LEARN_H

#include "fold/nextbasket_inner.h"

enum { NB_CANDIDATES = 84, NB_FEATURES = 44 };
extern const char *const NB_FEATURE_NAMES[NB_FEATURES];

struct nb_table {
	const struct nb_data *d;
	const struct nb_case *cases;
	size_t count;
	const struct nb_model *models;
	const uint8_t *model_of; /* by case; NULL: models[0] */
	const struct nb_pool *pool;
	/* filled */
	float *x;
	uint8_t *truth;
	uint32_t *items, *query, *counts;
};
void nb_table_fill(struct nb_table *t, int threads);
void nb_table_release(struct nb_table *t);

#endif
