/* nextbasket: what will be in a customer's next basket, from sequences of baskets alone (no dates).
 *
 * Data: users in three splits; each user is a sequence of baskets, oldest first. A user key names a person inside its
 * split only (published splits number users from zero in each). The last basket of a validate or test user is the
 * truth, the ones before are history.
 *
 * Methods: global popularity; personal top frequency (P-Top) and the same topped up by popularity (GP-Top: Li et al.
 * 2021, "A next basket recommendation reality check"); TIFU-KNN (Hu et al., SIGIR 2020); UP-CF@r (Faggioli, Polato &
 * Aiolli, UMAP 2020); asymmetric-cosine item-to-item (Aiolli 2013); EASE (Steck 2019); a ridge regression of the next
 * basket on the history; and the learnt blend: boosted trees over the above and over cadence, recency and item facts.
 * Parameters are chosen on the validate users; test users are looked at only to be scored.
 *
 * Metrics at k, mean over users: recall; ndcg with the ideal DCG over all true items; phr (a hit or not). Apart: the
 * same recall for true items bought before (repeat) and not (new), over the users that have some.
 *
 * Limits: NB_*_MAX below; the text reader refuses more with the place. Deterministic whatever the threads. */
#ifndef RELANCE_FOLD_NEXTBASKET_H
#define RELANCE_FOLD_NEXTBASKET_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum {
	NB_USERS_MAX = 20000000,
	NB_ITEMS_MAX = 5000000,
	NB_K_MAX = 100,
	NB_METHODS_MAX = 16,
	NB_BASKETS_USED = 100, /* the newest baskets of a user that are looked at */
};

enum nb_split { NB_TRAIN, NB_VALIDATE, NB_TEST, NB_SPLITS };

struct nb_data {
	uint32_t users, items;
	uint32_t split_start[NB_SPLITS + 1]; /* users by split */
	uint32_t *user_start;                /* users + 1, in baskets */
	uint32_t *basket_start;              /* baskets + 1, in item */
	uint32_t *item;                      /* dense numbers, ascending and once in a basket */
	size_t users_cap, baskets_cap, items_cap, item_n;
	struct nb_names *names; /* as the text read had them; NULL for a caller's own sequences */
};

/* {"train": {user: [[item, …], …]}, "validate": …, "test": …}; items are whole numbers or strings. */
struct nb_data *nb_parse(struct str json, struct err *err) MUST_CHECK;
void nb_free(struct nb_data *d);

/* As written in the text, a number or what is between the quotes; valid until nb_free. */
struct str nb_item_name(const struct nb_data *d, uint32_t item);
bool nb_items_quoted(const struct nb_data *d); /* at least one was a string */
struct str nb_user_key(const struct nb_data *d, uint32_t user);

/* For callers with their own sequences: users in split order, baskets in time order. */
struct nb_data *nb_new(void);
void nb_add_user(struct nb_data *d);
void nb_add_basket(struct nb_data *d, const uint32_t *items, size_t n); /* empty baskets are left out */
void nb_end_split(struct nb_data *d, enum nb_split split);

struct nb_metrics {
	double recall, ndcg, phr, recall_repeat, recall_new;
	uint32_t users, users_repeat, users_new;
};

struct nb_method_result {
	const char *name;
	struct nb_metrics validate, test;
	char chosen[160]; /* parameters, as text */
	float *worth;     /* while evaluating: by validate case recall + ndcg + phr; NULL afterwards */
	uint32_t *lists;  /* keep_lists: by user of the test split k items, best first, then UINT32_MAX; else NULL */
};

struct nb_report {
	struct nb_method_result methods[NB_METHODS_MAX];
	size_t count;
	size_t chosen; /* the shipped default: the blend, or what is surely better on validate by recall + ndcg + phr */
};

struct nb_options {
	int k, threads;
	uint64_t seed;
	bool quick; /* baselines and no learnt blend */
	bool keep_lists;
	void (*progress)(void *ctx, const char *what);
	void *progress_ctx;
};

bool nb_evaluate(const struct nb_data *d, const struct nb_options *o, struct nb_report *out,
                 struct err *err) MUST_CHECK;
void nb_report_release(struct nb_report *r); /* only after keep_lists is there something to release */

#endif
