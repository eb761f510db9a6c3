/* Pictures of what customers are worth: recency, frequency and amount, the share of the best, cohorts. */
#include "unit.h"

#include "fold/value_orders.h"
#include "fold/value_views.h"

#include <math.h>

#define NEAR(a, b, tolerance)                                                                                          \
	ck_assert_msg(fabs((double)(a) - (double)(b)) <= (tolerance), "%s = %.12g, not %.12g", #a, (double)(a), (double)(b))

START_TEST(quintiles_share_ties)
{
	enum { N = 1000 };
	struct value_row rows[N + 500];
	struct value_summary s;
	struct err err;
	struct rfm rfm[N];
	for (uint32_t i = 0; i < N; i++) /* later customers ordered later and spent more; all once */
		rows[i] = (struct value_row){ i, (int32_t)i, 100 + i };
	ck_assert(value_summarise(rows, N, (struct date){ N }, VALUE_DAY, 2, &s, &err));
	rfm_scores(&s, rfm);
	int count[6] = { 0 };
	for (int i = 0; i < N; i++) {
		count[rfm[i].recency]++;
		ck_assert_int_eq(rfm[i].frequency, 3); /* all equal: the middle */
		ck_assert_int_eq(rfm[i].monetary, rfm[i].recency);
	}
	for (int k = 1; k <= 5; k++)
		NEAR(count[k], 200, 1);
	value_summary_release(&s);
	ck_assert_int_eq(rfm_segment_of(5, 5, 5), RFM_BEST);
	ck_assert_int_eq(rfm_segment_of(1, 5, 4), RFM_PRECIOUS);
	ck_assert_int_eq(rfm_segment_of(1, 1, 1), RFM_ASLEEP);
	for (int f = 1; f <= 5; f++)
		for (int m = 1; m <= 5; m++)
			for (int q = 1; q <= 5; q++)
				ck_assert_ptr_nonnull(rfm_name(rfm_segment_of(q, f, m), true));
}
END_TEST

START_TEST(twenty_eighty)
{
	int64_t equal[100], one[100] = { [17] = 500 };
	struct share_view v;
	for (int i = 0; i < 100; i++)
		equal[i] = 70;
	ck_assert(share_view_make(equal, 100, &v));
	NEAR(v.top_20_share, 0.2, 1e-12);
	ck_assert_uint_eq(v.count_for_80, 80);
	NEAR(v.curve[10], 0.5, 1e-12);
	NEAR(v.gini, 0, 1e-9);
	ck_assert(share_view_make(one, 100, &v));
	NEAR(v.top_20_share, 1, 1e-12);
	ck_assert_uint_eq(v.count_for_80, 1);
	NEAR(v.gini, 0.99, 1e-9);
	int64_t nothing[3] = { 0, -5, 0 };
	ck_assert(!share_view_make(nothing, 3, &v) && !share_view_make(nothing, 0, &v));
}
END_TEST

START_TEST(cohorts_follow_the_first_month)
{
	int32_t jan = date_from_ymd(2024, 1, 10).day, feb = date_from_ymd(2024, 2, 29).day,
			mar = date_from_ymd(2024, 3, 1).day;
	const struct value_row rows[] = { { 1, jan, 5 }, { 1, jan + 3, 5 }, { 1, mar, 5 },  { 2, jan, 5 },
		                              { 2, feb, 5 }, { 3, feb, 5 },     { 3, mar, -5 }, { 4, mar, 5 } };
	struct cohorts c;
	struct err err;
	ck_assert(cohorts_make(rows, ARRAY_LEN(rows), (struct date){ mar }, &c, &err));
	ck_assert_int_eq(c.months, 3);
	ck_assert_int_eq(c.first_month, 2024 * 12);
	const uint32_t expected[9] = { 2, 1, 1, 1, 0, 0, 1, 0, 0 };
	ck_assert_mem_eq(c.active, expected, sizeof expected);
	cohorts_release(&c);
	ck_assert(!cohorts_make(rows, ARRAY_LEN(rows), (struct date){ 10 }, &c, &err));
}
END_TEST

UNIT_MAIN("value_views", quintiles_share_ties, twenty_eighty, cohorts_follow_the_first_month)
