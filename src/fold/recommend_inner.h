/* recommend_inner: shared between the files of recommend. Not for other rooms. */
#ifndef RELANCE_FOLD_RECOMMEND_INNER_H
#define RELANCE_FOLD_RECOMMEND_INNER_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/due.h"
#include "fold/nextbasket_inner.h"
#include "fold/recommend.h"

#include <stdatomic.h>

struct rec_link { /* item → other, as learnt */
	uint32_t item;
	float beside, after, users, ease; /* each scaled to its own comparable range, see recommend_build.c */
	uint32_t both_baskets, both_customers;
};

struct rec_vote {
	uint32_t item;
	float value;
};

struct rec_tally { /* of an item, within one answer; zero between calls */
	float score, best;
	uint64_t because; /* link */
	uint32_t source;
};

struct rec_model {
	const struct rec_data *d;
	struct rec_options o;
	struct rec_weights w;
	uint32_t items;
	uint64_t baskets_learnt; /* when weights and EASE were */
	uint64_t *link_start;    /* items + 1 */
	struct rec_link *links;
	struct rec_vote *votes;              /* by link */
	uint32_t *customers_of, *baskets_of; /* by item, returns left out */
	float *popular;                      /* by item, 0 … 1: customers, those of the newest month twelvefold */
	uint32_t *by_popular;                /* items, best first */
	uint8_t *again_by_nature;            /* by item: consumable as given or as seen */
	uint64_t customers_n, baskets_n;
	uint32_t types;
	uint32_t groups, *group;                          /* by item: its type, else its family; REC_NONE */
	uint64_t *group_start;                            /* groups + 1: what groups go with a group, by extra baskets */
	uint32_t *group_other, *group_both;               /* baskets with both */
	uint32_t *group_baskets;                          /* by group */
	uint32_t *group_item_start, *group_item;          /* items by group, best sellers first */
	struct due_prior *due;                            /* by item; falls back to the family's, then everyone's */
	uint32_t segment_customers[REC_SEGMENTS_MAX + 1]; /* who bought anything */
	uint32_t *segment_both;                           /* segment × items: who bought it */
	uint32_t *segment_top;                 /* segment × REC_SEGMENT_TOP: best sellers, REC_NONE behind the last */
	double due_quantile[DUE_QUANTILES];    /* of the model, that are the true 10th, 50th and 90th percentile */
	uint32_t *type_item_start, *type_item; /* items by type, by price ascending */
	uint32_t *bundle_a, *bundle_b;         /* pairs by extra baskets */
	uint32_t *bundle_both;
	size_t bundle_n;
	char notes[256];
};

enum { REC_SEGMENT_TOP = 64, REC_SEGMENT_MIN = 20 }; /* a segment of fewer buyers says nothing */

struct rec_own {
	uint32_t item;
	int32_t first_day, last_day;
	float quantity; /* bought − returned */
	float weight;   /* newer orders weigh more */
	uint32_t times;
	bool returned;
};

struct rec_scratch {
	struct rec_own *own;
	size_t own_n, own_cap;
	uint32_t *slot;          /* by item: own index + 1 */
	struct rec_tally *tally; /* by item */
	uint32_t *touched;
	size_t touched_n;
	uint8_t *in_basket; /* by item, zero between calls */
};

void rec_read_customer(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask);
void rec_leave_customer(struct rec_scratch *s, const struct rec_ask *ask);

/* recommend_facts.c: of what is in the model already, more. */
void rec_learn_segments(struct rec_model *m);
void rec_learn_groups(struct rec_model *m);
void rec_learn_rhythm(struct rec_model *m);
void rec_learn_bundles(struct rec_model *m);

/* Guards. `taken` = answers accepted so far; `added` their price; `budget` what may be added, negative = any. */
enum rec_refusal rec_guard_item(const struct rec_model *m, const struct rec_scratch *s, const struct rec_ask *ask,
                                enum rec_kind kind, uint32_t item, const struct rec_list *taken, int64_t added,
                                int64_t budget);
int64_t rec_budget(const struct rec_model *m, const struct rec_scratch *s, const struct rec_ask *ask);
/* A next purchase that should have come with this chance and did not: the customer no longer buys it. */
#define REC_GONE 0.98
/* Of a customer (REC_NONE: nobody): the segment, 0 when there is none that says something. */
uint32_t rec_segment_of(const struct rec_model *m, uint32_t customer);
/* Whether what a customer has is asked for a due date. */
bool rec_has_rhythm(const struct rec_model *m, const struct rec_own *own);
const struct due_prior *rec_due_prior(const struct rec_model *m, uint32_t item);

#endif
