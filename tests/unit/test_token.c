/* test_token: links and return paths come back; anything else does not. Who is a person. Throttle and files. */
#include "channel/dir.h"
#include "channel/throttle.h"
#include "channel/token.h"
#include "channel/visitor.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static const unsigned char KEY[TOKEN_KEY_BYTES] = { 1, 2, 3 }, OTHER[TOKEN_KEY_BYTES] = { 1, 2, 4 };

START_TEST(token_comes_back)
{
	char text[TOKEN_CHARS + 1];
	struct token t;
	const int64_t ids[] = { 0, 1, 123456789012345, INT64_MAX };
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		token_write(KEY, (struct token){ TOKEN_CLICK, ids[i], 65535 }, text);
		ck_assert_uint_eq(strlen(text), TOKEN_CHARS);
		ck_assert(token_read(KEY, TOKEN_CLICK, str_from(text), &t));
		ck_assert_int_eq(t.message, ids[i]);
		ck_assert_int_eq(t.extra, 65535);
		ck_assert(!token_read(KEY, TOKEN_UNSUBSCRIBE, str_from(text), &t)); /* bound to its purpose */
		ck_assert(!token_read(OTHER, TOKEN_CLICK, str_from(text), &t));
	}
}
END_TEST

START_TEST(token_cannot_be_changed)
{
	char text[TOKEN_CHARS + 1];
	struct token t;
	token_write(KEY, (struct token){ TOKEN_OPEN, 42, 0 }, text);
	for (int i = 0; i < TOKEN_CHARS; i++)
		for (char c = 'A'; c <= 'z'; c++) {
			char was = text[i];
			if (c == was)
				continue;
			text[i] = c;
			ck_assert(!token_read(KEY, TOKEN_OPEN, str_from(text), &t));
			text[i] = was;
		}
	ck_assert(!token_read(KEY, TOKEN_OPEN, STR(""), &t));
	ck_assert(!token_read(KEY, TOKEN_OPEN, (struct str){ text, TOKEN_CHARS - 1 }, &t));
}
END_TEST

START_TEST(verp_comes_back)
{
	struct buf b;
	int64_t id;
	buf_init(&b, 300);
	verp_write(KEY, 9876543210, STR("bounce"), STR("shop.example"), &b);
	ck_assert(str_starts(buf_view(&b), STR("bounce+")) && str_ends(buf_view(&b), STR("@shop.example")));
	ck_assert_uint_le(strchr(b.p, '@') - b.p, 64);
	ck_assert(verp_read(KEY, buf_view(&b), &id));
	ck_assert_int_eq(id, 9876543210);
	for (char *c = b.p; *c; c++) /* servers may change the case */
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 32);
	ck_assert(verp_read(KEY, buf_view(&b), &id));
	ck_assert(!verp_read(OTHER, buf_view(&b), &id));
	b.p[8] = b.p[8] == 'A' ? 'B' : 'A';
	ck_assert(!verp_read(KEY, buf_view(&b), &id));
	ck_assert(!verp_read(KEY, STR("bounce@shop.example"), &id));
	ck_assert(!verp_read(KEY, STR("aaaaaaaaaaaaaaaaaaaaaaaaaa@shop.example"), &id));
	buf_release(&b);
}
END_TEST

static enum visitor who(const char *agent, bool open, int64_t after, int links)
{
	return visitor_of(&(struct visit){ str_from(agent), STR("GET"), open, after, links });
}

START_TEST(visitor_tells_people)
{
	const char *phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";
	ck_assert(who(phone, true, 300, 0) == VISITOR_PERSON);
	ck_assert(who(phone, false, 300, 1) == VISITOR_PERSON);
	ck_assert(who(phone, false, 1, 1) == VISITOR_SCANNER);
	ck_assert(who(phone, false, 300, 3) == VISITOR_SCANNER);
	ck_assert(who("Mozilla/5.0", true, 300, 0) == VISITOR_PROXY);
	ck_assert(who("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", true,
	              300, 0) == VISITOR_PROXY);
	ck_assert(who("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", true, 9, 0) ==
	          VISITOR_PROXY);
	ck_assert(who("", false, 300, 1) == VISITOR_SCANNER);
	ck_assert(who("Mozilla/5.0 (compatible; Barracuda Sentinel)", false, 300, 1) == VISITOR_SCANNER);
	ck_assert(visitor_of(&(struct visit){ str_from(phone), STR("HEAD"), false, 300, 1 }) == VISITOR_SCANNER);
}
END_TEST

START_TEST(throttle_holds_domains_back)
{
	static const struct throttle_rule RULES[] = { { "gmail.com", 60 }, { "*", 0 } };
	struct throttle t;
	int64_t wait;
	throttle_init(&t, RULES, 2);
	int64_t now = 1000000;
	for (int i = 0; i < 60; i++)
		ck_assert(throttle_take(&t, STR("a@GMAIL.com"), now, &wait));
	ck_assert(!throttle_take(&t, STR("a@gmail.com"), now, &wait));
	ck_assert_int_le(wait, 1001);
	ck_assert(throttle_take(&t, STR("a@gmail.com"), now + wait, &wait));
	for (int i = 0; i < 1000; i++)
		ck_assert(throttle_take(&t, STR("a@example.com"), now, &wait)); /* no limit */
	/* a minute passes at half the rate after a 4xx */
	now += 2000;
	throttle_deferred(&t, STR("a@gmail.com"), now);
	int went = 0;
	for (int64_t at = now; at < now + 60000; at += 100)
		went += throttle_take(&t, STR("a@gmail.com"), at, &wait);
	ck_assert_int_ge(went, 28);
	ck_assert_int_le(went, 32);
	/* those held back at one instant are told to come back one after the other */
	int64_t first, second;
	while (throttle_take(&t, STR("a@gmail.com"), now + 900000, &first))
		;
	ck_assert(!throttle_take(&t, STR("a@gmail.com"), now + 900000, &second));
	ck_assert_int_gt(second, first + 900);
	throttle_day(&t, date_from_ymd(2011, 9, 1), 10, 9);
	ck_assert(throttle_take(&t, STR("a@example.com"), now, &wait));
	ck_assert(!throttle_take(&t, STR("a@example.com"), now, &wait));
	throttle_give_back(&t);
	ck_assert(throttle_take(&t, STR("b@example.com"), now, &wait));
	ck_assert(!throttle_take(&t, STR("b@example.com"), now, &wait));
	ck_assert_int_eq(wait, -1); /* not today */
	throttle_release(&t);
}
END_TEST

/* A domain that says 4xx again and again is left alone, limit or not; an accepted mail ends it. */
START_TEST(throttle_leaves_a_domain_alone)
{
	struct throttle t;
	int64_t now = 1000000, wait, second;
	throttle_init(&t, NULL, 0);
	ck_assert(throttle_is_open(&t));
	for (int i = 0; i < 3; i++)
		throttle_deferred(&t, STR("a@full.example"), now);
	ck_assert(!throttle_is_open(&t));
	ck_assert(!throttle_take(&t, STR("b@FULL.example"), now, &wait) && wait == 60000);
	ck_assert(!throttle_take(&t, STR("c@full.example"), now, &second) && second > wait);
	ck_assert(throttle_take(&t, STR("a@other.example"), now, &wait));
	now += 60000;
	ck_assert(throttle_take(&t, STR("a@full.example"), now, &wait));
	throttle_deferred(&t, STR("a@full.example"), now);
	ck_assert(!throttle_take(&t, STR("a@full.example"), now, &wait) && wait == 120000);
	for (int i = 0; i < 20; i++, now += THROTTLE_PAUSE_MAX_S * 1000)
		throttle_deferred(&t, STR("a@full.example"), now);
	ck_assert(!throttle_take(&t, STR("a@full.example"), now - THROTTLE_PAUSE_MAX_S * 1000, &wait));
	ck_assert_int_eq(wait, THROTTLE_PAUSE_MAX_S * 1000);
	throttle_accepted(&t, STR("z@full.example"));
	ck_assert(throttle_is_open(&t) && throttle_take(&t, STR("a@full.example"), now, &wait));
	throttle_release(&t);
}
END_TEST

START_TEST(throttle_survives_a_restart)
{
	static const struct throttle_rule RULES[] = { { "gmail.com", 60 }, { "*", 0 } };
	struct throttle t, again;
	int64_t now = 1000000, wait, first, second;
	struct buf kept;
	buf_init(&kept, 1 << 16);
	throttle_init(&t, RULES, 2);
	for (int i = 0; i < 60; i++)
		ck_assert(throttle_take(&t, STR("a@gmail.com"), now, &wait));
	ck_assert(throttle_take(&t, STR("a@free.example"), now, &wait));
	for (int i = 0; i < 3; i++)
		throttle_deferred(&t, STR("a@full.example"), now);
	throttle_write(&t, now, &kept);
	throttle_init(&again, RULES, 2);
	throttle_read(&again, buf_view(&kept), now + 1000);
	ck_assert(throttle_take(&again, STR("a@gmail.com"), now + 1000, &wait)); /* one a second */
	ck_assert(!throttle_take(&again, STR("a@gmail.com"), now + 1000, &wait));
	ck_assert(!throttle_take(&t, STR("b@full.example"), now + 1000, &first));
	ck_assert(!throttle_take(&again, STR("b@full.example"), now + 1000, &second) && first == second);
	throttle_release(&again);
	/* lines that are no such lines, and a clock that was put back, are left out */
	throttle_init(&again, RULES, 2);
	throttle_read(&again, STR("gmail.com\n\ngmail.com x y z\ngmail.com 0 0.1 99999999999 0 0 0\n"), now);
	ck_assert(throttle_take(&again, STR("a@gmail.com"), now, &wait) &&
	          throttle_take(&again, STR("a@gmail.com"), now, &wait));
	throttle_release(&again);
	throttle_release(&t);
	buf_release(&kept);
}
END_TEST

START_TEST(throttle_settings)
{
	struct throttle_rule rules[THROTTLE_RULES_MAX];
	size_t n;
	int64_t wait, target;
	struct date first;
	struct throttle t;
	ck_assert(throttle_rules_read(STR(" Gmail.com 60,*.fr 120 , * 300"), rules, &n) && n == 3);
	ck_assert(throttle_rules_read(STR(""), rules, &n) && n == 0);
	static const char *const BAD[] = { "gmail.com", "60", "g*l.com 5", "gmail.com -1", "gmail.com 6x" };
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
		ck_assert_msg(!throttle_rules_read(str_from(BAD[i]), rules, &n), "%s", BAD[i]);
	ck_assert(throttle_rules_read(STR("*.fr 1, *.free.fr 2, a.free.fr 3, * 4"), rules, &n));
	throttle_init(&t, rules, n);
	static const char *const WHO[] = { "a@b.fr", "a@b.free.fr", "a@a.free.fr", "a@b.com" };
	for (size_t i = 0; i < ARRAY_LEN(WHO); i++)
		for (size_t k = 0; k <= i + 1; k++)
			ck_assert_msg(throttle_take(&t, str_from(WHO[i]), 0, &wait) == (k <= i), "%s, mail %zu", WHO[i], k);
	throttle_release(&t);
	ck_assert(throttle_warmup_read(STR("2026-11-20 20000"), &first, &target) && target == 20000);
	ck_assert(throttle_warmup_read(STR(""), &first, &target) && target == 0);
	ck_assert(!throttle_warmup_read(STR("2026-11-20"), &first, &target));
	ck_assert(!throttle_warmup_read(STR("20000"), &first, &target));
}
END_TEST

START_TEST(throttle_grows_and_retries)
{
	ck_assert_int_eq(throttle_warmup(0, 100000), 50);
	ck_assert_int_eq(throttle_warmup(1, 100000), 75);
	ck_assert_int_eq(throttle_warmup(400, 100000), 100000);
	ck_assert_int_eq(throttle_warmup(0, 20), 20);
	ck_assert_int_eq(throttle_retry_s(1, 0), 300);
	ck_assert_int_eq(throttle_retry_s(2, 0), 900);
	int64_t total = 0, next;
	int n = 1;
	for (; (next = throttle_retry_s(n, 0)) != 0; n++)
		total += next;
	ck_assert_int_le(total, 48 * 3600);
	ck_assert_int_ge(total, 40 * 3600);
	ck_assert_int_lt(throttle_retry_s(3, UINT64_MAX), 45 * 60 * 5 / 4 + 1);
}
END_TEST

START_TEST(dir_writes_whole_files)
{
	char folder[] = "/tmp/relance-dir-XXXXXX", inner[64], path[4096], second[4096], text[100] = "";
	struct err err;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(inner, sizeof inner, "%s/out", folder);
	ck_assert_msg(
		dir_write_text(inner, STR("c1.welcome.1.sms"), STR("+33600000000"), STR("Bonjour"), path, sizeof path, &err),
		"%s", err.text);
	FILE *f = fopen(path, "r");
	ck_assert_uint_gt(fread(text, 1, sizeof text - 1, f), 0);
	fclose(f);
	ck_assert_str_eq(text, "To: +33600000000\n\nBonjour\n");
	ck_assert(dir_write(inner, STR("../../etc/passwd"), ".eml", STR("x"), second, sizeof second, &err));
	ck_assert_ptr_null(strstr(second + strlen(inner) + 1, "/")); /* stays in its folder */
	ck_assert(dir_write(inner, STR("c1.welcome.1.sms"), ".txt", STR("y"), path, sizeof path, &err));
	DIR *d = opendir(inner);
	int files = 0;
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		files += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	ck_assert_int_eq(files, 2); /* nothing half-written is left; the same key is the same file */
	unlink(path);
	unlink(second);
	rmdir(inner);
	rmdir(folder);
	ck_assert(!dir_write("/nonexistent/folder", STR("k"), ".eml", STR("x"), NULL, 0, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/folder"));
}
END_TEST

UNIT_MAIN("token", token_comes_back, token_cannot_be_changed, verp_comes_back, visitor_tells_people,
          throttle_holds_domains_back, throttle_leaves_a_domain_alone, throttle_survives_a_restart, throttle_settings,
          throttle_grows_and_retries, dir_writes_whole_files)
