/* recommend_inner: shared between the files of recommend. Not for other rooms. */
#ifndef RELANCE_FOLD_RECOMMEND_INNER_H
#define RELANCE_FOLD_RECOMMEND_INNER_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/due.h"
#include "fold/forest.h"
#include "fold/nextbasket_inner.h"
#include "fold/recommend.h"

#include <stdatomic.h>

struct rec_link { /* item → other, as learnt */
	uint32_t item;
	float beside, after, users, ease; /* each scaled to its own comparable range, see recommend_build.c */
	uint32_t both_baskets, both_customers;
};

enum { REC_PARTS = 4 }; /* beside, after, users, ease: the floats of a link, in this order */

struct rec_tally { /* of an item, within one answer; zero between calls. Small: hundreds are met at random */
	float part[REC_PARTS];
	float score, best, single, newest; /* single: the heaviest confidence; newest: EASE of the newest order's items */
	uint32_t source;
	uint16_t votes;
	uint8_t because; /* link of source */
	bool looked;     /* a candidate already */
};

struct rec_scored {
	float score;
	uint32_t item;
};

enum { REC_SPANS = 3 }; /* two, four and eight weeks */

/* What sales say of an item, as of the day the models were learnt; shares, so that samples compare. */
struct rec_seller {
	float reach, recent, lately, fresh, again, age_days, quiet_days, quantity, price, line;
	float newly[REC_SPANS]; /* a further order of the newest weeks holds it for the first time */
};

struct rec_words { /* recommend_words.c */
	uint32_t n;
	uint32_t *start, *word; /* items + 1; the words of an item's name */
	float *weight;          /* rarity, of length 1 over an item's words */
};

struct rec_model {
	const struct rec_data *d;
	struct rec_options o;
	struct rec_weights w;
	uint32_t items;
	uint64_t baskets_learnt;   /* when weights and EASE were */
	struct rec_follow *follow; /* until rec_model_follow() */
	uint64_t *link_start;      /* items + 1 */
	struct rec_link *links;
	struct rec_seller *seller; /* by item */
	struct rec_words words;
	struct forest *rank;                 /* NULL: too little past to learn it from, the blend alone answers */
	struct rec_basket *basket;           /* recommend_basket.h; NULL: what goes with what is not learnt */
	uint32_t *customers_of, *baskets_of; /* by item, returns left out */
	uint32_t *learnt_of;                 /* of the customers whose histories the links are counted from */
	float *popular;                      /* by item, 0 … 1: customers, those of the newest month twelvefold */
	uint32_t *by_popular;                /* items, best first */
	uint32_t *by_recent;                 /* the REC_RECENT best sellers of the newest weeks */
	uint32_t recent_n;
	uint8_t *again_by_nature; /* by item: consumable as given or as seen */
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
	uint32_t orders;         /* of the customer */
	int32_t newest;          /* day of the newest; INT32_MIN */
	uint32_t *slot;          /* by item: own index + 1 */
	struct rec_tally *tally; /* by item */
	uint32_t *touched;
	size_t touched_n;
	struct rec_scored *heap; /* of what was touched, best first */
	size_t heap_n;
	uint8_t *in_basket;        /* by item, zero between calls */
	struct rec_beside *beside; /* by item, zero between calls: recommend_basket.h */
	uint32_t *met;             /* which of them are not zero */
	size_t met_n;
	float *said; /* by word: how much the customer's products say it */
	uint32_t *said_word;
	size_t said_n;
};

void rec_read_customer(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask);
void rec_read_orders(const struct rec_model *m, struct rec_scratch *s, uint32_t first, uint32_t end);
void rec_leave_customer(struct rec_scratch *s, const struct rec_ask *ask);

/* What a customer's items and a basket's say of others: into tally and touched. */
void rec_vote_all(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask);
void rec_vote_clear(struct rec_scratch *s);

/* recommend_rank.c: the second look at the best candidates of the blend. */
enum { REC_RANKED = 52, REC_RANK_POPULAR = 12, REC_RANK_FEATURES = 43 };
/* One build. The past is cut by `until` to learn from what came then. */
struct rec_learning {
	const struct rec_data *d;
	const struct rec_options *o;
	struct rec_model *m;
	uint32_t step;         /* every step-th customer is read */
	int32_t until, newest; /* orders of that day and later are not seen; the day of the newest order */
	uint64_t cut_orders;
	uint32_t ease_items;            /* EASE at a cut: of so many best sellers; 0: as usual */
	const struct rec_model *before; /* near enough to be taken over in part */
};
bool rec_stopped(const struct rec_options *o);
uint32_t rec_orders_end(const struct rec_learning *l, uint32_t c); /* one past the last order that may be seen */
/* Items of an order, each once, ascending; at most REC_ORDER_LEARNED lines are looked at. */
size_t rec_order_items(struct rec_learning *l, uint32_t order, uint32_t *items);
/* EASE on the best sold items that the rows hold, at most `most`: the inverse of their Gram matrix with a ridge. */
struct rec_ease {
	const struct nb_rows *rows;
	float *g;
	uint32_t *column, n; /* item → column, REC_NONE; columns, in the order of by_popular */
};
void rec_ease_solve(struct rec_learning *l, const struct nb_rows *rows, float ridge, uint32_t most, struct rec_ease *e);
void rec_ease_row(const struct rec_ease *e, size_t column, float *row); /* n coefficients, column-normalised */
void rec_ease_release(struct rec_ease *e);
void rec_learn_links(struct rec_learning *l);
void rec_learn_weights(struct rec_learning *l); /* recommend_tune.c: of the blend, and the trees */

struct rec_person {
	float orders, distinct, size, since_days, gap_days, price, best;
	float items_age, items_reach, quantity, line, weight; /* of what they have; the sum of its weights */
};
void rec_rank_sellers(const struct rec_learning *l); /* m->seller, m->popular, m->by_recent */
/* After rec_heap(), before what is in it is taken out. */
struct rec_person rec_rank_person(const struct rec_model *m, struct rec_scratch *s, int32_t today);
void rec_rank_describe(const struct rec_model *m, const struct rec_scratch *s, const struct rec_person *p,
                       uint32_t item, float rank, float *x);
struct forest *rec_rank_learn(const struct boost_rows *rows, int threads);
/* After rec_vote_all(): what was touched, the best of what is left first; REC_NONE behind the last. */
/* Of what is not owned and, where somebody asks, passes the guards: the REC_RANKED best of the blend and the
 * REC_RANK_POPULAR that sell most now. items: room for both. */
size_t rec_candidates(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, struct rec_list *out,
                      uint32_t *items);
void rec_heap(struct rec_scratch *s);
/* Not owned, and the guards (ask NULL: none) let it pass; refusals are counted in out. */
bool rec_may(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, int64_t budget, uint32_t item,
             struct rec_list *out);
uint32_t rec_heap_next(struct rec_scratch *s);

void rec_words_learn(struct rec_model *m);
void rec_words_read(const struct rec_model *m, struct rec_scratch *s); /* what is in s->own */
float rec_words_score(const struct rec_model *m, const struct rec_scratch *s, uint32_t item);

/* recommend_facts.c: of what is in the model already, more. */
void rec_learn_segments(struct rec_model *m);
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
