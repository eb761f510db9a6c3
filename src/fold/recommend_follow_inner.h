/* recommend_follow_inner: shared between the two files of recommend_follow. */
#ifndef RELANCE_FOLD_RECOMMEND_FOLLOW_INNER_H
#define RELANCE_FOLD_RECOMMEND_FOLLOW_INNER_H

#include "fold/recommend_count.h"
#include "fold/recommend_rows.h"

/* What is counted in pairs. The key of a change sorts by these, then row, then item. */
enum pairs { BESIDE, AFTER, USERS, GROUPS, PAIRS };

struct waiting {
	uint64_t key;
	float weight;
};

struct holders {
	uint32_t *who; /* ascending */
	size_t n, cap;
};

struct rec_follow {
	uint32_t items, groups, *group;
	struct rec_facts facts;
	struct rec_sales sales;
	struct rec_rows rows[PAIRS];
	double *order_total, *user_total; /* by item: orders, customers that lists are counted from */
	uint32_t *group_baskets;
	struct nb_rows ease;
	bool with_ease;
	uint64_t ease_since; /* orders that came or went since it was solved */
	uint32_t segments, segment_customers[REC_SEGMENTS_MAX + 1], *segment_both;
	uint32_t *seen, stamp; /* by item: the last stamp that touched it */

	/* Who bought an item: as learnt, and who came since. Who gave it back to the last stays: an empty history says so.
	 */
	uint32_t held_items;
	uint64_t *held_start;
	uint32_t *held;
	struct holders *since; /* by item */

	int64_t known; /* customers with two orders or more */
	bool guests_learnt;
	int32_t newest;
	int64_t newest_orders;
	bool *edge, edges; /* by item: its first or last sale may have gone */

	struct waiting *waiting;
	size_t waiting_n, waiting_cap;
	struct rec_follow_told told;
	uint64_t pairs; /* changed since */
};

void rec_follow_settle(struct rec_follow *f);                             /* what waits goes into its rows */
void rec_follow_sales(struct rec_follow *f, const struct rec_history *h); /* one more history, of what is sold */

#endif
