/* The life cycle, sentence by sentence (doc/semantics.md, "Life cycle and figures"), then against a naive count. */
#include "small_shop.h"

#include "base/hash.h"
#include "fold/lifecycle.h"
#include "fold/retention.h"

static struct lifecycle as_of(struct small_shop *s, customer_id c, const char *day)
{
	const struct version *v = book_pin(s->book);
	struct date d = day_of_text(day);
	struct thresholds t;
	thresholds_compute(s->book, v, d, &LIFECYCLE_DEFAULTS, 1, &t);
	struct view w;
	view_at(&w, v, c, INSTANT_NEVER);
	struct lifecycle l;
	lifecycle_of(&w, s->zone, d, &t, &LIFECYCLE_DEFAULTS, &l);
	struct lifecycle_day at;
	lifecycle_day_init(&at, s->zone, d, &LIFECYCLE_DEFAULTS);
	ck_assert_int_eq(lifecycle_phase(&w, &at, &t, &LIFECYCLE_DEFAULTS), l.phase);
	book_unpin(s->book, v);
	return l;
}

static void phase_is(struct small_shop *s, customer_id c, const char *day, const char *phase)
{
	struct lifecycle l = as_of(s, c, day);
	ck_assert_msg(strcmp(phase_name(l.phase), phase) == 0, "customer %u at %s: %s, expected %s", c, day,
	              phase_name(l.phase), phase);
}

/* orders on → as of → phase */
static const struct {
	const char *orders[6];
	const char *day, *phase;
} CASES[] = {
	{ { NULL }, "2025-06-01", "prospect" },
	{ { "2025-06-01 00:00:00" }, "2025-06-01", "prospect" }, /* the day itself does not count yet */
	{ { "2025-05-31 23:59:59" }, "2025-06-01", "new" },
	{ { "2025-05-01 10:00", "2025-05-02 10:00" }, "2025-06-01", "loyal" },
	{ { "2025-01-15 10:00" }, "2025-07-14", "new" },
	{ { "2025-01-15 10:00" }, "2025-07-15", "lapsing" },
	{ { "2025-01-15 10:00" }, "2027-01-14", "lapsing" },
	{ { "2025-01-15 10:00" }, "2027-01-15", "former" },
	/* month ends are clamped: 31 August + 6 months is 28 February, or the 29th of a leap year */
	{ { "2025-08-31 12:00" }, "2026-02-27", "new" },
	{ { "2025-08-31 12:00" }, "2026-02-28", "lapsing" },
	{ { "2025-08-29 12:00" }, "2026-02-28", "lapsing" },
	{ { "2023-08-31 12:00" }, "2024-02-28", "new" },
	{ { "2023-08-31 12:00" }, "2024-02-29", "lapsing" },
	{ { "2024-02-29 12:00" }, "2026-02-27", "lapsing" },
	{ { "2024-02-29 12:00" }, "2026-02-28", "former" },
	{ { "2025-03-31 12:00" }, "2025-09-29", "new" },
	{ { "2025-03-31 12:00" }, "2025-09-30", "lapsing" },
	/* midnight of the shop, not of the sea: 23:30 in Paris is the same day, though 21:30 or 22:30 in UTC */
	{ { "2025-01-14 23:30" }, "2025-07-14", "lapsing" },
	{ { "2025-01-15 00:30" }, "2025-07-14", "new" },
	{ { "2025-07-14 00:30" }, "2026-01-13", "new" },
	{ { "2025-07-14 00:30" }, "2026-01-14", "lapsing" },
	{ { "2025-03-01 10:00", "2025-04-01 10:00", "2025-05-01 10:00", "2025-05-20 10:00" }, "2025-06-01", "ambassador" },
	{ { "2025-03-01 10:00", "2025-04-01 10:00", "2025-05-01 10:00" }, "2025-06-01", "loyal" },
	{ { "2023-03-01 10:00", "2023-04-01 10:00", "2023-05-01 10:00", "2025-05-31 10:00" }, "2025-06-01", "ambassador" },
	{ { "2024-03-01 10:00", "2024-04-01 10:00", "2024-05-01 10:00", "2024-05-20 10:00" }, "2025-06-01", "lapsing" },
};

START_TEST(phases_by_date)
{
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct small_shop s;
		small_shop_init(&s, "Europe/Paris");
		add_profile(&s, 1, nobody());
		for (size_t o = 0; o < 6 && CASES[i].orders[o]; o++)
			add_order(&s, 1, CASES[i].orders[o], 5000);
		small_shop_apply(&s);
		phase_is(&s, 1, CASES[i].day, CASES[i].phase);
		small_shop_release(&s);
	}
}
END_TEST

START_TEST(a_return_is_no_order_but_lowers_the_spend)
{
	struct small_shop s;
	small_shop_init(&s, "Europe/Paris");
	add_order(&s, 1, "2025-01-10 10:00", 10000);
	add_order(&s, 1, "2025-02-10 10:00", -4000);
	add_order(&s, 2, "2025-02-10 10:00", -4000); /* a return alone */
	small_shop_apply(&s);
	struct lifecycle l = as_of(&s, 1, "2025-06-01");
	ck_assert_uint_eq(l.orders, 1);
	ck_assert_int_eq(l.spend, 6000);
	ck_assert_int_eq(l.spend_12m, 6000);
	ck_assert_int_eq(l.spend_sales_12m, 10000);
	ck_assert_int_eq(l.last_order.day, day_of_text("2025-01-10").day); /* the return does not make one active */
	phase_is(&s, 1, "2025-07-10", "lapsing");
	phase_is(&s, 2, "2025-06-01", "prospect");
	/* each by its own date: the sale has left the twelve months, its return has not */
	l = as_of(&s, 1, "2026-01-20");
	ck_assert_int_eq(l.spend_12m, -4000);
	ck_assert_int_eq(l.spend, 6000);
	ck_assert_uint_eq(l.orders_12m, 0);
	small_shop_release(&s);
}
END_TEST

/* 11 buyers: ⌈11/10⌉ = 2, and two share the second place. */
START_TEST(the_top_tenth_is_rounded_up_and_takes_ties)
{
	struct small_shop s;
	small_shop_init(&s, "Europe/Paris");
	for (customer_id c = 1; c <= 11; c++) {
		int64_t each = c == 11 ? 9000 : c >= 9 ? 8000 : 1000 + c; /* 11 first; 9 and 10 tie; 8 is below */
		for (int i = 0; i < 4; i++) {
			char when[32];
			snprintf(when, sizeof when, "2025-0%d-10 10:00", i + 1);
			add_order(&s, c, when, each);
		}
	}
	add_order(&s, 12, "2023-01-01 10:00", 99999999);    /* did not order in these months */
	add_order(&s, 13, "2025-06-01 00:00:00", 99999999); /* nor this one: today */
	small_shop_apply(&s);
	for (customer_id c = 1; c <= 8; c++)
		phase_is(&s, c, "2025-06-01", "loyal");
	phase_is(&s, 9, "2025-06-01", "ambassador");
	phase_is(&s, 10, "2025-06-01", "ambassador");
	phase_is(&s, 11, "2025-06-01", "ambassador");
	const struct version *v = book_pin(s.book);
	struct thresholds t;
	thresholds_compute(s.book, v, day_of_text("2025-06-01"), &LIFECYCLE_DEFAULTS, 1, &t);
	ck_assert_uint_eq(t.buyers_12m, 11);
	ck_assert_int_eq(t.top_decile_spend, 32000);
	thresholds_compute(s.book, v, day_of_text("2020-06-01"), &LIFECYCLE_DEFAULTS, 1, &t);
	ck_assert_int_eq(t.top_decile_spend, INT64_MAX);
	ck_assert_int_eq(t.average_basket, 0);
	book_unpin(s.book, v);
	small_shop_release(&s);
}
END_TEST

START_TEST(the_average_basket_is_of_sales_and_known_customers)
{
	struct small_shop s;
	small_shop_init(&s, "Europe/Paris");
	add_order(&s, 1, "2025-01-10 10:00", 1000);
	add_order(&s, 1, "2025-01-11 10:00", -1000);
	add_order(&s, 2, "2025-01-12 10:00", 2001);
	add_order(&s, 2, "2024-05-31 10:00", 90000); /* more than 12 months ago */
	add_order(&s, GUESTS, "2025-01-12 10:00", 70000);
	small_shop_apply(&s);
	const struct version *v = book_pin(s.book);
	struct thresholds t;
	thresholds_compute(s.book, v, day_of_text("2025-06-01"), &LIFECYCLE_DEFAULTS, 1, &t);
	ck_assert_int_eq(t.average_basket, 1501); /* 1500.5, half away from zero */
	ck_assert_uint_eq(t.buyers_12m, 2);
	book_unpin(s.book, v);
	small_shop_release(&s);
}
END_TEST

static int descending(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
	return (a < b) - (a > b);
}

/* Random shops: the threshold by sorting, for one thread and for four. */
START_TEST(thresholds_equal_a_sort)
{
	enum { CUSTOMERS = 1500 };
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct small_shop s;
		small_shop_init(&s, "Europe/Paris");
		struct rng r;
		rng_init(&r, seed, 1);
		int64_t *spend = arena_array(&s.arena, int64_t, CUSTOMERS + 1);
		bool *bought = arena_array(&s.arena, bool, CUSTOMERS + 1);
		struct date day = day_of_text("2025-03-30");
		int64_t from = zone_instant(s.zone, day_of_text("2024-03-30"), 0).s, to = zone_instant(s.zone, day, 0).s;
		int64_t sales = 0;
		uint64_t orders = 0;
		for (int i = 0; i < 4000; i++) {
			customer_id c = rng_below(&r, CUSTOMERS + 1);
			int64_t at = to - 500 * (int64_t)DAY_S + rng_below(&r, 520 * DAY_S);
			if (rng_below(&r, 20) == 0)
				at = rng_below(&r, 2) ? from - rng_below(&r, 2) : to - rng_below(&r, 2);
			bool back = rng_below(&r, 6) == 0;
			int64_t amount = (rng_below(&r, 40) + 1) * 100 * (back ? -1 : 1);
			struct line l = { 1, back ? -1 : 1, amount };
			add_order_lines(&s, c, (struct instant){ at }, SALE_STORE, &l, 1);
			if (c == GUESTS || at < from || at >= to)
				continue;
			spend[c] += amount;
			bought[c] |= !back;
			orders += !back;
			sales += back ? 0 : amount;
		}
		small_shop_apply(&s);
		size_t n = 0;
		for (customer_id c = 1; c <= CUSTOMERS; c++)
			if (bought[c])
				spend[n++] = spend[c];
		qsort(spend, n, sizeof *spend, descending);
		const struct version *v = book_pin(s.book);
		for (int threads = 1; threads <= 4; threads += 3) {
			struct thresholds t;
			thresholds_compute(s.book, v, day, &LIFECYCLE_DEFAULTS, threads, &t);
			ck_assert_uint_eq(t.buyers_12m, n);
			ck_assert_int_eq(t.top_decile_spend, spend[(n + 9) / 10 - 1]);
			ck_assert_int_eq(t.average_basket, (int64_t)((double)sales / (double)orders + 0.5));
		}
		book_unpin(s.book, v);
		small_shop_release(&s);
	}
}
END_TEST

/* The last contact of c, as a day's text, and since when it is too long ago; "": not known, or not over. */
static const char *kept_until(const struct small_shop *s, customer_id c, const struct pstate *messages, bool *customer)
{
	static char text[16];
	static const struct retention_rules RULES = { .prospect_months = 36, .customer_months = 60 };
	const struct version *v = book_pin(s->book);
	struct retention_words words = retention_words(s->book);
	struct retention r = { .customer = false };
	struct view w;
	view_at(&w, v, c, shop_time(s, "2026-01-01 10:00"));
	bool known = retention_of(s->book, &words, &w, messages, s->zone, &RULES, &r);
	book_unpin(s->book, v);
	*customer = r.customer;
	return known ? date_text(r.due, text) : "";
}

START_TEST(data_is_kept_for_so_long_after_the_last_contact)
{
	struct small_shop s;
	bool customer;
	small_shop_init(&s, "Europe/Paris");
	struct profile_body met = nobody();
	met.created = shop_time(&s, "2020-02-29 10:00");
	for (customer_id c = 1; c <= 9; c++)
		add_profile(&s, c, c == 9 ? nobody() : met);
	add_order(&s, 2, "2021-03-01 10:00", 1000);
	add_consent(&s, 3, "2022-05-01 10:00", CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_WITHDRAWN);
	add_event(&s, 4, shop_time(&s, "2023-05-01 10:00"), "visit", 1);
	add_event(&s, 5, shop_time(&s, "2023-05-01 10:00"), TAG_EVENT "winter", 1); /* a plan's, not theirs */
	add_event(&s, 6, shop_time(&s, "2021-01-01 10:00"), "subscription", 900);
	add_event(&s, 7, shop_time(&s, "2021-01-01 10:00"), "subscription", 900);
	add_event(&s, 7, shop_time(&s, "2021-06-01 10:00"), "subscription_ended", 900);
	add_event(&s, 8, shop_time(&s, "2027-01-01 10:00"), "visit", 1); /* not yet */
	small_shop_apply(&s);
	static const char *const DUE[] = { "",           "2023-02-28", "2026-03-01", "2025-05-01", "2026-05-01",
		                               "2023-02-28", "",           "2024-06-01", "2023-02-28", "" };
	for (customer_id c = 1; c <= 9; c++) {
		ck_assert_str_eq(kept_until(&s, c, NULL, &customer), DUE[c]);
		ck_assert(customer == (c == 2));
	}
	struct sent clicked[] = { { .at = (uint32_t)shop_time(&s, "2024-01-01 10:00").s,
		                        .opened_at = (uint32_t)shop_time(&s, "2024-01-02 10:00").s } };
	const struct pstate messages = { .sent = clicked, .sent_count = 1 };
	ck_assert_str_eq(kept_until(&s, 1, &messages, &customer), "2023-02-28"); /* an open is no contact */
	clicked[0].clicked_at = (uint32_t)shop_time(&s, "2024-01-03 10:00").s;
	ck_assert_str_eq(kept_until(&s, 1, &messages, &customer), "2027-01-03");
	small_shop_release(&s);
}
END_TEST

UNIT_MAIN("lifecycle", data_is_kept_for_so_long_after_the_last_contact, phases_by_date,
          a_return_is_no_order_but_lowers_the_spend, the_top_tenth_is_rounded_up_and_takes_ties,
          the_average_basket_is_of_sales_and_known_customers, thresholds_equal_a_sort)
