/* nextbasket_inner: shared between the files of nextbasket. Not for other rooms. */
#ifndef RELANCE_FOLD_NEXTBASKET_INNER_H
#define RELANCE_FOLD_NEXTBASKET_INNER_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/boost.h"
#include "fold/nextbasket.h"

#include <math.h>
#include <stdlib.h>

/* One prediction to make: the baskets of `user` before basket `target` are known. */
struct nb_case {
	uint32_t user, target;
};

static inline uint32_t nb_first(const struct nb_data *d, struct nb_case c)
{
	uint32_t first = d->user_start[c.user];
	return c.target - first > NB_BASKETS_USED ? c.target - NB_BASKETS_USED : first;
}

/* The items of a case's history, with what the features need. Ages count baskets: 0 = the last one. */
struct nb_own {
	uint32_t item, count, last, second, oldest;
	float decay[4];
};
extern const float NB_DECAYS[4];

struct nb_history {
	struct nb_own *own; /* ascending by item */
	size_t own_n, own_cap;
	uint32_t baskets, lines, repeats, repeat_chances;
	uint32_t *slot;                  /* by item: own index + 1, 0 = never; items entries, cleaned by the next call */
	float power[NB_BASKETS_USED][4]; /* by age: NB_DECAYS to its power */
};
void nb_history_init(struct nb_history *h, const struct nb_data *d);
void nb_history_release(struct nb_history *h);
void nb_history_read(struct nb_history *h, const struct nb_data *d, struct nb_case c);

/* ---- sparse rows and their products ---- */
struct nb_rows {
	uint32_t n;
	uint64_t *start;
	uint32_t *item;
	float *weight;
	size_t start_cap, item_cap, weight_cap;
};
void nb_rows_add(struct nb_rows *r, uint32_t item, float weight);
void nb_rows_end(struct nb_rows *r);
void nb_rows_release(struct nb_rows *r);
struct nb_heavy {
	float weight;
	uint32_t item;
};
int nb_by_weight(const void *a, const void *b); /* the heaviest first, then the lower number */
/* The `keep` first of a list, in that order; how many there are. */
uint32_t nb_heaviest(struct nb_heavy *list, uint32_t n, uint32_t keep);
/* out = aᵀ b, items × items, each row cut to its `keep` heaviest. */
void nb_cross(const struct nb_rows *a, const struct nb_rows *b, uint32_t items, uint32_t keep, int threads,
              struct nb_rows *out);

/* ---- count models over a set of users ---- */
enum { NB_RECENCIES = 8 };
struct nb_facts {                 /* by item */
	float *popularity;            /* share of baskets */
	float *reach;                 /* share of users */
	float *fresh;                 /* chance that a next basket holds it for the first time */
	float *final;                 /* share of last baskets */
	float *again;                 /* chance of the next basket given that it was bought before, smoothed */
	float *again_soon;            /* the same given that it is in the last basket */
	float *gap;                   /* mean number of baskets between two purchases, smoothed */
	float again_at[NB_RECENCIES]; /* chance by age of the last purchase, all items */
	float *again_ratio;           /* observed ÷ expected from again_at: by item, smoothed */
	uint32_t *order;              /* items by final, then popularity */
};

struct nb_model {
	struct nb_facts facts;
	struct nb_rows follow;   /* last basket → next basket, share */
	struct nb_rows together; /* users who had both, asymmetric cosine */
	struct nb_rows beside;   /* same basket: confidence */
	float *ridge;            /* blocks × inputs → outputs, dense */
	float *ease;             /* dense */
	uint32_t ridge_items;    /* outputs, and inputs of a block */
	uint32_t *ridge_of;      /* item → column, UINT32_MAX */
	uint32_t *ridge_item;    /* column → item */
};

struct nb_fit {
	const struct nb_data *d;
	const uint8_t *use;    /* by user: take it? */
	const uint8_t *hidden; /* by user: its last basket is not to be seen; NULL: none */
	const uint32_t *end;   /* by user: one past the last basket that may be seen; NULL: all */
	const float *recent;   /* by item: takes the place of facts.final; NULL: share of last baskets */
	double ridge_lambda, ease_lambda, asymmetry;
	bool dense; /* ridge and EASE too */
	int threads;
};
void nb_model_fit(const struct nb_fit *f, struct nb_model *m);
void nb_model_release(struct nb_model *m);
void nb_facts_fit(const struct nb_fit *f, struct nb_facts *out);
void nb_dense_fit(const struct nb_fit *f, struct nb_model *m);
uint32_t nb_fit_end(const struct nb_fit *f, uint32_t user); /* one past the last basket that may be seen */

enum { NB_RIDGE_BLOCKS = 3, NB_RIDGE_ITEMS = 1600 };

/* Adds the model's score of every item to out (items entries, zeroed by the caller). */
void nb_score_follow(const struct nb_model *m, const struct nb_data *d, uint32_t basket, float scale, float *out);
void nb_score_together(const struct nb_model *m, const struct nb_history *h, float *out);
void nb_score_beside(const struct nb_model *m, const struct nb_data *d, uint32_t basket, float *out); /* max */
void nb_score_ridge(const struct nb_model *m, const struct nb_data *d, struct nb_case c, const struct nb_history *h,
                    float *out);
void nb_score_ease(const struct nb_model *m, const struct nb_history *h, float *out);

/* ---- neighbours ---- */
struct nb_pool {
	const struct nb_data *d;
	struct nb_case *cases;            /* each: a history and the basket that followed */
	struct nb_rows vectors, inverted; /* unit vectors; by item: case, weight */
	uint32_t n;
	float *idf;
};
enum { NB_POOL_MAX = 60000, NB_NEIGHBOURS = 300, NB_POSTINGS_MAX = 6000 };
void nb_pool_fit(struct nb_pool *p, const struct nb_fit *f, uint32_t per_user);
void nb_pool_release(struct nb_pool *p);
struct nb_pool_scratch {
	float *dot; /* pool n, zero between calls */
	uint32_t *touched;
};
/* next: what followed in similar histories; past: what similar histories held. */
void nb_pool_score(const struct nb_pool *p, struct nb_pool_scratch *s, const struct nb_history *h, uint32_t user,
                   float *next, float *past);

/* ---- baselines, metrics ---- */
/* Writes the k best item numbers of a dense score array, ties by lower number; items with score ≤ 0 are left out. */
size_t nb_top(const float *score, uint32_t items, uint32_t k, uint32_t *out);

struct nb_tally {
	double recall, ndcg, phr, repeat, fresh;
	uint32_t users, repeat_users, fresh_users;
};
void nb_tally_add(struct nb_tally *t, const struct nb_data *d, struct nb_case c, const struct nb_history *h,
                  const uint32_t *top, size_t k);
/* The same, and the case's recall + ndcg + phr; each: where, or NULL. */
void nb_tally_case(struct nb_tally *t, const struct nb_data *d, struct nb_case c, const struct nb_history *h,
                   const uint32_t *top, size_t k, float *each);
uint32_t *nb_lists_new(const struct nb_data *d, const struct nb_options *o); /* NULL unless they are kept */
/* A test user's list for the report; lists: NULL or as in struct nb_method_result. */
void nb_list_keep(uint32_t *lists, const struct nb_data *d, uint32_t user, const uint32_t *top, size_t n, uint32_t k);
void nb_tally_join(struct nb_tally *to, const struct nb_tally *from);
struct nb_metrics nb_tally_means(const struct nb_tally *t);
struct nb_case *nb_split_cases(const struct nb_data *d, enum nb_split split, size_t *count);
size_t nb_thin_cases(struct nb_case *cases, size_t count, size_t max); /* spread evenly; returns how many are left */

/* The published methods, one result each: chosen on validate over `train`, a model of the train users; measured on test
 * over `both`, of train and validate users, as the blend is. */
void nb_baselines(const struct nb_data *d, const struct nb_options *o, const struct nb_model *train,
                  const struct nb_model *both, struct nb_report *out);

#endif
