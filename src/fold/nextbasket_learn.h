/* nextbasket_learn: the table of candidates and features, and the learnt blend. Not for other rooms. */
#ifndef RELANCE_FOLD_NEXTBASKET_LEARN_H
#define RELANCE_FOLD_NEXTBASKET_LEARN_H

#include "fold/nextbasket_inner.h"

enum { NB_CANDIDATES = 104, NB_CANDIDATES_MIXED = 84, NB_FEATURES = 48 }; /* a case: of new items, of all */
extern const char *const NB_FEATURE_NAMES[NB_FEATURES];

struct nb_table {
	const struct nb_data *d;
	const struct nb_case *cases;
	size_t count;
	const struct nb_model *models;
	const uint8_t *model_of; /* by case; NULL: models[0] */
	const struct nb_pool *pool;
	bool fresh_only; /* candidates: only what the user never bought */
	/* filled */
	float *x;
	uint8_t *truth;
	uint32_t *items, *query, *counts;
};
void nb_table_fill(struct nb_table *t, int threads);
/* Dense scores of one simple method for a case, by name of its feature; what is owned set to 0 when fresh_only. */
enum nb_single {
	NB_BY_POPULARITY,
	NB_BY_RECENT,
	NB_BY_FOLLOW,
	NB_BY_TOGETHER,
	NB_BY_BESIDE,
	NB_BY_RIDGE,
	NB_BY_EASE,
	NB_BY_NEXT,
	NB_BY_PAST,
	NB_SINGLES
};
extern const char *const NB_SINGLE_NAMES[NB_SINGLES];
struct nb_worker;
struct nb_worker *nb_worker_new(const struct nb_data *d, const struct nb_pool *pool);
void nb_worker_free(struct nb_worker *w);
/* tops: for each single, its k best items into top[single × k], counts into n[single]. */
void nb_singles(const struct nb_table *t, size_t index, struct nb_worker *w, uint32_t k, uint32_t *top, size_t *n);
void nb_table_release(struct nb_table *t);

#endif
