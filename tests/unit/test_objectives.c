/* How far an objective is: where its period ends, and what runs of a plan bring. */
#include "small_shop.h"

#include "app/objectives.h"

static void shop_as_of(const struct small_shop *s, const struct settings *settings, const struct version *v,
                       const char *now, struct figures_shop *out)
{
	*out = (struct figures_shop){
		.book = s->book, .version = v, .settings = settings, .now = shop_time(s, now), .threads = 1
	};
}

static int64_t reached(const struct figures_shop *s, const struct objective *o)
{
	struct objective_progress p;
	objective_progress(s, o, &p);
	ck_assert_ptr_null(p.why_en);
	return p.reached;
}

/* Days without an hour are 00:00: the last is of the month, the first of the next never is. */
START_TEST(a_month_ends_before_the_first_of_the_next)
{
	struct small_shop s;
	struct figures_shop shop;
	small_shop_init(&s, "Europe/Paris");
	add_order(&s, 1, "2025-06-30 00:00", 1000);
	add_order(&s, 1, "2025-07-01 00:00", 500);
	small_shop_apply(&s);
	const struct settings settings = { .zone = s.zone };
	const struct version *v = book_pin(s.book);
	const struct objective june = {
		.measure = OBJECTIVE_REVENUE, .first_month = 2025 * 12 + 5, .months = 1, .target = 1
	};
	const struct objective july = {
		.measure = OBJECTIVE_REVENUE, .first_month = 2025 * 12 + 6, .months = 1, .target = 1
	};
	static const char *const NOW[] = { "2025-06-30 00:00", "2025-07-01 00:00", "2025-07-02 10:00" };
	for (size_t i = 0; i < ARRAY_LEN(NOW); i++) {
		shop_as_of(&s, &settings, v, NOW[i], &shop);
		ck_assert_int_eq(reached(&shop, &june), 1000);
		if (i)
			ck_assert_int_eq(reached(&shop, &july), 500);
	}
	book_unpin(s.book, v);
	small_shop_release(&s);
}
END_TEST

/* Birthdays come again: the second entry counts as the first did, an order in two windows once, control never. */
START_TEST(each_run_of_a_plan_counts)
{
	struct small_shop s;
	struct figures_shop shop;
	small_shop_init(&s, "Europe/Paris");
	add_order(&s, 1, "2024-06-10 12:00", 700);
	add_order(&s, 1, "2025-06-12 12:00", 1000);
	add_order(&s, 2, "2025-06-12 12:00", 90);
	add_order(&s, 3, "2025-01-12 12:00", 40);
	small_shop_apply(&s);
	const struct settings settings = { .zone = s.zone };
	const struct version *v = book_pin(s.book);
	const struct plan plan = { .name = STR("birthday") };
	struct plan_set set = { .plans = { &plan }, .count = 1 };
	uint32_t first = (uint32_t)shop_time(&s, "2024-06-05 09:00").s,
			 again = (uint32_t)shop_time(&s, "2025-06-05 09:00").s;
	struct run of_1[] = { { .entered_at = first }, { .entered_at = again }, { .entered_at = again + 86400 } };
	struct run of_2[] = { { .entered_at = again, .control = 1 } }, of_3[] = { { .entered_at = again } };
	struct pstate states[4] = { [1] = { .runs = of_1, .run_count = 3 },
		                        [2] = { .runs = of_2, .run_count = 1 },
		                        [3] = { .runs = of_3, .run_count = 1 } };
	struct objective o = { .scope = OBJECTIVE_PLAN,
		                   .name = STR("birthday"),
		                   .measure = OBJECTIVE_REVENUE,
		                   .first_month = 2025 * 12 + 5,
		                   .months = 1,
		                   .target = 1 };
	shop_as_of(&s, &settings, v, "2025-08-01 10:00", &shop);
	shop.states = states;
	shop.plans = &set;
	ck_assert_int_eq(reached(&shop, &o), 1000);
	o.measure = OBJECTIVE_CONVERSION;
	ck_assert_int_eq(reached(&shop, &o), 66667); /* two of the three runs of June 2025 */
	o.first_month -= 12;
	ck_assert_int_eq(reached(&shop, &o), 100000);
	book_unpin(s.book, v);
	small_shop_release(&s);
}
END_TEST

UNIT_MAIN("objectives", a_month_ends_before_the_first_of_the_next, each_run_of_a_plan_counts)
