/* Two models, number by number. What is taken over from an earlier model (weights, trees, due dates) is left out. */
#ifndef RELANCE_TESTS_SAME_MODEL_H
#define RELANCE_TESTS_SAME_MODEL_H

#include "unit.h"

#include "fold/recommend_basket.h"
#include "fold/recommend_count.h"

#define SAME(member, n) ck_assert_mem_eq(a->member, b->member, (n) * sizeof(*a->member))

static void check_same(const struct rec_model *a, const struct rec_model *b, uint32_t segments)
{
	ck_assert_uint_eq(a->items, b->items);
	ck_assert_uint_eq(a->customers_n, b->customers_n);
	ck_assert_uint_eq(a->baskets_n, b->baskets_n);
	SAME(customers_of, a->items);
	SAME(baskets_of, a->items);
	SAME(learnt_of, a->items);
	SAME(again_by_nature, a->items);
	SAME(seller, a->items);
	SAME(popular, a->items);
	SAME(by_popular, a->items);
	ck_assert_uint_eq(a->recent_n, b->recent_n);
	SAME(by_recent, a->recent_n);
	SAME(link_start, a->items + 1);
	for (uint64_t q = 0; q < a->link_start[a->items]; q++) {
		const struct rec_link *x = &a->links[q], *y = &b->links[q];
		ck_assert_msg(memcmp(x, y, sizeof(*x)) == 0, "link %lu: %u %g %g %g %g, %u %g %g %g %g", (unsigned long)q,
		              x->item, (double)x->beside, (double)x->after, (double)x->users, (double)x->ease, y->item,
		              (double)y->beside, (double)y->after, (double)y->users, (double)y->ease);
	}
	ck_assert_uint_eq(a->basket->orders, b->basket->orders);
	SAME(basket->held, a->items);
	SAME(basket->start, a->items + 1);
	SAME(basket->pairs, a->basket->start[a->items]);
	ck_assert_uint_eq(a->basket->popular_n, b->basket->popular_n);
	SAME(basket->popular, a->basket->popular_n);
	ck_assert_uint_eq(a->groups, b->groups);
	SAME(group_start, a->groups + 1);
	SAME(group_other, a->group_start[a->groups]);
	SAME(group_both, a->group_start[a->groups]);
	SAME(group_baskets, a->groups);
	SAME(group_item, a->group_item_start[a->groups]);
	ck_assert_uint_eq(a->bundle_n, b->bundle_n);
	SAME(bundle_a, a->bundle_n);
	SAME(bundle_b, a->bundle_n);
	SAME(bundle_both, a->bundle_n);
	ck_assert(!a->segment_both == !b->segment_both && !a->segment_both == !segments);
	if (!segments)
		return;
	ck_assert_mem_eq(a->segment_customers, b->segment_customers, sizeof(a->segment_customers));
	SAME(segment_both, (segments + 1) * (size_t)a->items);
	SAME(segment_top, (segments + 1) * (size_t)REC_SEGMENT_TOP);
}

#undef SAME
#endif
