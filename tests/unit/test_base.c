#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/money.h"
#include "base/par.h"
#include "base/zone.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t parsed(const char *text, char decimal)
{
	struct currency eur;
	struct money m;
	ck_assert(currency_find(STR("EUR"), &eur));
	ck_assert_msg(money_parse(str_from(text), eur, decimal, &m), "%s", text);
	return m.minor;
}

START_TEST(money_reads_what_tills_write)
{
	ck_assert_int_eq(parsed("2.55", '.'), 255);
	ck_assert_int_eq(parsed("-3,00 €", 0), -300);
	ck_assert_int_eq(parsed("1 234,50", 0), 123450);
	ck_assert_int_eq(parsed("1\xE2\x80\xAF"
	                        "234,5",
	                        ','),
	                 123450);
	ck_assert_int_eq(parsed("1.234,50", 0), 123450);
	ck_assert_int_eq(parsed("1,234.50", 0), 123450);
	ck_assert_int_eq(parsed("1,234,567", 0), 123456700);
	ck_assert_int_eq(parsed("-11062.06", '.'), -1106206);
	ck_assert_int_eq(parsed("0.005", '.'), 1);
	ck_assert_int_eq(parsed("EUR 12", 0), 1200);
	ck_assert_int_eq(parsed("(4.20)", 0), -420);
	struct currency eur;
	struct money m;
	ck_assert(currency_find(STR("EUR"), &eur));
	const char *bad[] = { "", "x", "1-2", "1.2.3,4,5", "99999999999999999999", "--1", "." };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!money_parse(str_from(bad[i]), eur, '.', &m), "%s", bad[i]);
}
END_TEST

START_TEST(money_shares_round_half_away)
{
	struct money out;
	ck_assert(money_share((struct money){ 25 }, 10, 100, &out));
	ck_assert_int_eq(out.minor, 3);
	ck_assert(money_share((struct money){ -25 }, 10, 100, &out));
	ck_assert_int_eq(out.minor, -3);
	ck_assert(!money_share((struct money){ INT64_MAX }, 3, 1, &out));
	char text[32];
	struct currency eur;
	ck_assert(currency_find(STR("EUR"), &eur));
	ck_assert_str_eq(money_plain((struct money){ -5 }, eur, text), "-0.05");
}
END_TEST

START_TEST(dates_go_round)
{
	for (int32_t day = -200000; day < 200000; day += 7) {
		int y, m, d;
		date_ymd((struct date){ day }, &y, &m, &d);
		ck_assert_int_eq(date_from_ymd(y, m, d).day, day);
	}
	struct date jan31 = date_from_ymd(2024, 1, 31);
	ck_assert_int_eq(date_add_months(jan31, 1).day, date_from_ymd(2024, 2, 29).day);
	ck_assert_int_eq(date_add_months(jan31, -2).day, date_from_ymd(2023, 11, 30).day);
	ck_assert_int_eq(date_easter(2026).day, date_from_ymd(2026, 4, 5).day);
	ck_assert_int_eq(date_weekday(date_from_ymd(2026, 11, 21)), 5);
}
END_TEST

START_TEST(paris_changes_its_clocks)
{
	zone_id paris;
	char text[40];
	ck_assert(zone_find(STR("Europe/Paris"), &paris));
	ck_assert(!zone_find(STR("Europe/Pariss"), &paris) && !zone_find(STR(""), &paris));
	struct instant t = zone_instant(paris, date_from_ymd(2025, 7, 1), 10 * HOUR_S);
	ck_assert_str_eq(instant_text(t, text), "2025-07-01T08:00:00Z");
	ck_assert_str_eq(instant_local(t, paris, text), "2025-07-01T10:00:00+02:00");
	/* 02:30 does not exist on 30 March 2025: moved forward to 03:30 (+02:00). */
	t = zone_instant(paris, date_from_ymd(2025, 3, 30), 2 * HOUR_S + 30 * MINUTE_S);
	ck_assert_str_eq(instant_local(t, paris, text), "2025-03-30T03:30:00+02:00");
	/* 02:30 exists twice on 26 October 2025: the first. */
	t = zone_instant(paris, date_from_ymd(2025, 10, 26), 2 * HOUR_S + 30 * MINUTE_S);
	ck_assert_str_eq(instant_local(t, paris, text), "2025-10-26T02:30:00+02:00");
	for (int32_t day = 0; day < 40000; day++) { /* noon always exists, once */
		t = zone_instant(paris, (struct date){ day }, 12 * HOUR_S);
		struct civil c = zone_civil(paris, t);
		ck_assert_int_eq(c.date.day, day);
		ck_assert_int_eq(c.second, 12 * HOUR_S);
	}
}
END_TEST

START_TEST(instants_are_read)
{
	struct instant t;
	ck_assert(instant_parse(STR("2010-12-01 08:26:00"), 0, &t));
	ck_assert_int_eq(t.s, 1291191960);
	ck_assert(instant_parse(STR("2010-12-01T09:26:00+01:00"), 0, &t));
	ck_assert_int_eq(t.s, 1291191960);
	ck_assert(!instant_parse(STR("2010-13-01"), 0, &t));
	ck_assert(!instant_parse(STR("2010-12-01T25:00"), 0, &t));
	ck_assert(!instant_parse(STR("2011-02-29"), 0, &t));
}
END_TEST

START_TEST(draws_do_not_depend_on_order)
{
	uint64_t a = draw_u64(7, DRAW_CONTROL, 1, 2, 3, 4);
	(void)draw_u64(7, DRAW_VARIANT, 1, 2, 3, 4);
	ck_assert_uint_eq(a, draw_u64(7, DRAW_CONTROL, 1, 2, 3, 4));
	uint64_t in = 0, n = 200000;
	for (uint64_t c = 0; c < n; c++)
		in += draw_per_million(draw_u64(7, DRAW_CONTROL, 1, c, 0, 0)) < 100000;
	/* 10 % of 200,000 is 20,000; five standard deviations are 671 */
	ck_assert_int_gt((int)in, 19329);
	ck_assert_int_lt((int)in, 20671);
}
END_TEST

START_TEST(hashes_of_short_keys_differ)
{
	uint64_t seen[2000];
	for (int i = 0; i < 2000; i++) {
		char key[16];
		int n = snprintf(key, sizeof key, "t:%d", i);
		seen[i] = hash64(key, (size_t)n, 1);
		for (int j = 0; j < i; j++)
			ck_assert_uint_ne(seen[i], seen[j]);
	}
	ck_assert_uint_ne(hash64("", 0, 1), hash64("", 0, 2));
}
END_TEST

START_TEST(sha256_is_sha256)
{
	char hex[65];
	struct sha256 *h = sha256_new();
	sha256_add(h, "abc", 3);
	sha256_hex(h, hex);
	sha256_free(h);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(buffers_stop_at_their_maximum)
{
	struct buf b;
	buf_init(&b, 8);
	buf_cstr(&b, "12345678");
	ck_assert(!b.full);
	buf_char(&b, '9');
	ck_assert(b.full);
	ck_assert_str_eq(b.p, "12345678");
	buf_release(&b);
	buf_init(&b, 1000);
	buf_json(&b, (struct str){ "a\"\n\xFFz", 5 });
	ck_assert_str_eq(b.p, "\"a\\\"\\n\xEF\xBF\xBDz\"");
	buf_release(&b);
}
END_TEST

/* A byte that belongs to no character is one U+FFFD; what stands beside it stays. */
START_TEST(json_strings)
{
	static const struct {
		const char *text, *json;
	} CASES[] = {
		{ "", "\"\"" },
		{ "plain \x7F", "\"plain \x7F\"" },
		{ "\xC3\xA9\"\xE2\x82\xAC\\\xF0\x9F\x98\x80", "\"\xC3\xA9\\\"\xE2\x82\xAC\\\\\xF0\x9F\x98\x80\"" },
		{ "\xC3", "\"\xEF\xBF\xBD\"" },
		{ "\xC3\"", "\"\xEF\xBF\xBD\\\"\"" },
		{ "\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
		{ "\xED\xA0\x80z", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\"" },
		{ "\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
		{ "\x01\t\r\n", "\"\\u0001\\t\\r\\n\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct buf b;
		buf_init(&b, 1000);
		buf_json(&b, str_from(CASES[i].text));
		ck_assert_str_eq(b.p, CASES[i].json);
		buf_release(&b);
	}
	struct buf many;
	size_t n = 1 << 20;
	char *quotes = mem_alloc(n);
	memset(quotes, '"', n);
	buf_init(&many, 4 * n); /* in one pass: it used to read the rest again at each */
	buf_json(&many, (struct str){ quotes, n });
	ck_assert_uint_eq(many.n, 2 * n + 2);
	buf_release(&many);
	buf_init(&many, 7);
	buf_json(&many, STR("seven+"));
	ck_assert(many.full);
	buf_release(&many);
	free(quotes);
}
END_TEST

START_TEST(interned_names_are_dense)
{
	struct intern t;
	intern_init(&t);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 10000; i++) {
			char name[16];
			snprintf(name, sizeof name, "n%u", i);
			ck_assert_uint_eq(intern_put(&t, str_from(name), NULL), i);
		}
	ck_assert_uint_eq(intern_find(&t, STR("nope")), INTERN_NONE);
	intern_release(&t);
}
END_TEST

/* A number keeps its place under another name; the old one leads nowhere, also when the table has grown since. */
START_TEST(interned_names_change)
{
	struct intern t;
	char name[24];
	intern_init(&t);
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "name-%u", i);
		ck_assert_uint_eq(intern_put(&t, str_from(name), NULL), i);
	}
	const char *was = intern_name(&t, 7).p;
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 1000; i++) {
			snprintf(name, sizeof name, "%s-%u", round ? "again" : "gone", i);
			intern_rename(&t, i, str_from(name));
		}
		for (uint32_t i = 0; i < 1000; i++) {
			snprintf(name, sizeof name, "%s-%u", round ? "gone" : "name", i);
			ck_assert_uint_eq(intern_find(&t, str_from(name)), INTERN_NONE);
			snprintf(name, sizeof name, "%s-%u", round ? "again" : "gone", i);
			ck_assert_uint_eq(intern_find(&t, str_from(name)), i);
		}
	}
	ck_assert_int_eq(was[0], 0); /* it is not in memory any more */
	ck_assert_uint_eq(intern_put(&t, STR("name-7"), NULL), 1000);
	intern_release(&t);
}
END_TEST

static void add_up(void *ctx, size_t from, size_t to, int thread)
{
	for (size_t i = from; i < to; i++)
		atomic_fetch_add((atomic_size_t *)ctx, i);
}

START_TEST(parallel_loops_visit_all_once)
{
	for (int threads = 1; threads <= 8; threads++) {
		atomic_size_t sum = 0;
		par_for(10001, 7, threads, add_up, &sum);
		ck_assert_uint_eq(sum, (size_t)10001 * 10000 / 2);
	}
}
END_TEST

static void add_up_within(void *ctx, size_t from, size_t to, int thread)
{
	for (size_t i = from; i < to; i++)
		par_for(1000, 50, 3, add_up, ctx);
}

static void *add_up_often(void *ctx)
{
	for (int i = 0; i < 50; i++)
		par_for(8, 1, 4, add_up_within, ctx);
	return NULL;
}

/* Loops within loops, of many threads at once, and again in a child that has none of the threads kept. */
START_TEST(parallel_loops_share_their_threads)
{
	atomic_size_t sum = 0;
	pthread_t threads[6];
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, add_up_often, &sum), 0);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(sum, (size_t)6 * 50 * 8 * (1000 * 999 / 2));
	pid_t child = fork();
	if (child == 0) {
		atomic_size_t mine = 0;
		add_up_often(&mine);
		_exit(mine == (size_t)50 * 8 * (1000 * 999 / 2) ? 0 : 1);
	}
	int status = -1;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(near_words_are_found)
{
	const char *words[] = { "lifecycle", "orders", "spend" };
	ck_assert_str_eq(str_nearest(STR("lifecicle"), words, 3, 2), "lifecycle");
	ck_assert_ptr_null(str_nearest(STR("weather"), words, 3, 2));
	ck_assert_uint_eq(str_utf8_valid(STR("abcdefgh\xC3\xA9\xFF")), 10);
}
END_TEST

UNIT_MAIN("base", money_reads_what_tills_write, money_shares_round_half_away, dates_go_round, paris_changes_its_clocks,
          instants_are_read, draws_do_not_depend_on_order, hashes_of_short_keys_differ, sha256_is_sha256,
          buffers_stop_at_their_maximum, json_strings, interned_names_are_dense, interned_names_change,
          parallel_loops_visit_all_once, parallel_loops_share_their_threads, near_words_are_found)
