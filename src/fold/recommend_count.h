/* recommend_count: what one history adds to the counts of a model, or takes from them. Shared between the files of
 * recommend; not for other rooms. */
#ifndef RELANCE_FOLD_RECOMMEND_COUNT_H
#define RELANCE_FOLD_RECOMMEND_COUNT_H

#include "fold/recommend_follow.h"
#include "fold/recommend_inner.h"

enum { REC_LATER_ORDERS = 2, REC_GROUP_LINES = 256, REC_GROUPS_LOOKED = 32, REC_KNOWN_MIN = 200 };

static inline struct rec_history rec_history_of(const struct rec_data *d, uint32_t customer)
{
	uint32_t first = d->order_start[customer];
	return (struct rec_history){ .orders = d->order_start[customer + 1] - first,
		                         .day = d->order_day + first,
		                         .line_start = d->line_start + first,
		                         .item = d->line_item,
		                         .quantity = d->line_quantity,
		                         .minor = d->line_minor };
}

static inline bool rec_bought(const struct rec_history *h, uint32_t line)
{
	return !h->quantity || h->quantity[line] > 0;
}

/* Each once, ascending. Items of an order, of its first REC_ORDER_LEARNED lines; of a history, of its newest
 * REC_ORDER_LEARNED; groups of an order, of its first REC_GROUP_LINES that have one. */
size_t rec_order_once(const struct rec_history *h, uint32_t order, uint32_t items[REC_ORDER_LEARNED]);
size_t rec_history_once(const struct rec_history *h, uint32_t items[REC_ORDER_LEARNED]);
size_t rec_groups_once(const uint32_t *group, const struct rec_history *h, uint32_t order,
                       uint32_t groups[REC_GROUP_LINES]);

/* Who bought what, by item. */
struct rec_facts {
	uint32_t *customers_of, *baskets_of, *learnt_of, *again;
	uint64_t customers_n, baskets_n;
	uint32_t *seen, *held, customer, order; /* the last that touched an item; the one being read */
	uint8_t *twice;
};
void rec_facts_init(struct rec_facts *f, uint32_t items);
void rec_facts_grow(struct rec_facts *f, uint32_t items, uint32_t more);
void rec_facts_add(struct rec_facts *f, const struct rec_history *h, bool learnt, int sign); /* +1 or −1 */
void rec_facts_tell(const struct rec_facts *f, struct rec_model *m);
void rec_facts_release(struct rec_facts *f);

/* What sales say as of the day `until`, by item (recommend_rank.c). Taking away leaves first and last as they are. */
struct rec_sales {
	uint32_t *reach, *recent, *lately, *fresh, *again, *seen, *lines, *newly, *newly_in[REC_SPANS];
	int32_t *first, *last;
	double *quantity, *minor;
	uint32_t orders, recent_orders, lately_orders, customers, steps, steps_in[REC_SPANS], customer;
	int32_t until;
};
void rec_sales_init(struct rec_sales *x, uint32_t items, int32_t until);
void rec_sales_grow(struct rec_sales *x, uint32_t items, uint32_t more);
void rec_sales_add(struct rec_sales *x, const struct rec_history *h, int sign);
void rec_sales_forget_days(struct rec_sales *x, uint32_t item);      /* of its first and last sale */
void rec_sales_day(struct rec_sales *x, uint32_t item, int32_t day); /* a sale on that day */
void rec_sales_tell(const struct rec_sales *x, struct rec_model *m); /* m->seller, m->popular, m->by_recent */
void rec_sales_release(struct rec_sales *x);

/* Of one segment: who bought what. seen: by item, the last customer that touched it. True: anything was bought. */
bool rec_segment_add(uint32_t *both, uint32_t *seen, uint32_t customer, const struct rec_history *h, int sign);

void *rec_wider(void *p, size_t n, size_t more, size_t size); /* the new ones zero */

/* recommend_build.c */
struct rec_lists { /* by item: lists of others, heaviest first; of the first three REC_KEEP count, EASE's are all looked
	                  at */
	struct nb_rows beside, after, users, ease;
	double *order_total, *user_total;
};
void rec_join(struct rec_model *m, const struct rec_lists *k, int threads); /* m->links */
void rec_lists_release(struct rec_lists *k);
bool rec_guests_learnt(uint32_t known); /* customers with two orders or more */
void rec_ease_links(struct rec_learning *l, const struct nb_rows *users, struct nb_rows *out);
void rec_order_catalogue(struct rec_model *m); /* by_popular, types */
struct rec_model *rec_model_new(const struct rec_data *d, const struct rec_options *o);

/* recommend_facts.c */
void rec_name_groups(struct rec_model *m);
void rec_join_groups(struct rec_model *m, const struct nb_rows *cross); /* m->group_baskets is known */
void rec_segments_best(struct rec_model *m, uint32_t segments);
/* cross: the `wide` others that go most with a group; the caller's. */
void rec_learn_groups(struct rec_model *m, uint32_t wide, struct nb_rows *cross);

/* recommend_follow.c: takes the lists and the sums over. groups: REC_WIDE of what goes with a group. */
struct rec_follow *rec_follow_new(struct rec_learning *l, struct rec_facts *facts, struct rec_lists *lists,
                                  const struct nb_rows *groups);

#endif
