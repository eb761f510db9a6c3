/* recommend_basket: what is missing from a basket. Shared between the files of recommend; not for other rooms.
 *
 * A model of orders beside that of customers: for every product the products it was ordered with (counts), and EASE
 * over orders. A basket's products vote; the best of each way of counting, of the blend of recommend.h (which knows
 * what is bought afterwards, and the customer's own past) and what sells most make a short list, described by a few
 * numbers and ordered by a weighted sum of some of them and of boosted trees. Both are learnt on the newest fifth of
 * the shop's orders, from counts of what is before: a product of an order is hidden and to be found again, or what is
 * new in the customer's next order; with and without knowing who orders.
 *
 * No feature says how lately something sold: the customers of one season mislead about the next. */
#ifndef RELANCE_FOLD_RECOMMEND_BASKET_H
#define RELANCE_FOLD_RECOMMEND_BASKET_H

#include "fold/recommend_inner.h"

enum {
	REC_SHORT = 60, /* candidates looked at; at most FOREST_ROWS_MAX */
	REC_BASKET_FEATURES = 24,
	REC_BASKET_PARTS = 7, /* features of the weighted sum; the trees are one more */
	REC_BASKET_POPULAR = 200,
	REC_BASKET_KEEP = 201, /* products of the same orders, itself among them */
};

struct rec_pair { /* product → another of the same orders */
	uint32_t item, both;
	float ease;
};

struct rec_basket {
	uint64_t *start; /* items + 1 */
	struct rec_pair *pairs;
	uint32_t *held; /* by item: orders learnt from that hold it */
	uint32_t orders;
	uint32_t *popular, popular_n; /* held by most orders, best first */
	float weights[REC_BASKET_PARTS + 1];
	struct forest *trees; /* NULL: too few orders to learn from, the blend of recommend.h answers */
};

enum rec_pass { REC_NOT_ASKED, REC_MAY, REC_MAY_NOT };

struct rec_beside { /* what a basket says of an item */
	float most, sum, cosine, best, ease;
	uint32_t source, both; /* of the heaviest confidence */
	uint16_t linked;
	bool met, listed;
	uint8_t may; /* enum rec_pass */
};

struct rec_short {
	uint32_t item[REC_SHORT];
	float score[REC_SHORT], x[REC_SHORT * REC_BASKET_FEATURES];
	size_t n;
};

/* recommend_basket.c. The basket is in s->in_basket and the customer's orders are read. `out` NULL: no guards. The
 * short list is described, not yet scored; what a basket says stays in s->beside until rec_basket_leave(), and what
 * the blend says in s->tally until rec_vote_clear(). */
void rec_basket_list(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, struct rec_list *out,
                     struct rec_short *list);
void rec_basket_order(const struct rec_basket *b, struct rec_short *list); /* best first; what describes them stays */
/* Of the basket's products the one it goes with most, where more than one order says so and it says more than `a`. */
void rec_basket_explain(const struct rec_model *m, const struct rec_scratch *s, struct rec_answer *a);
float rec_basket_sum(const float *weights, const float *x, float trees);
void rec_basket_leave(struct rec_scratch *s);

/* recommend_basket_learn.c */
/* The model as it answers: counts (by item the REC_BASKET_KEEP it was ordered with most, or more), the orders that hold
 * an item, how many there are; EASE of the model before, else solved from the rows. */
void rec_basket_tell(struct rec_learning *l, const struct nb_rows *counts, const double *total, uint32_t orders,
                     const struct nb_rows *rows);
void rec_basket_learn(struct rec_learning *l);  /* weights and trees */
void rec_basket_before(struct rec_learning *l); /* both taken over from the model before */
void rec_basket_free(struct rec_basket *b);

#endif
