/* Plans put in force: states, versions, and the fact that tells a running ticker. On SQLite and, when $RELANCE_TEST_PG
 * holds an address, on PostgreSQL. */
#include "unit.h"

#include "app/switch.h"

#include <stdio.h>
#include <unistd.h>

static char dir[256];

static void cleanup(void)
{
	char command[512];
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	if (dir[0] && system(command) != 0)
		fputs("cannot remove the test folder\n", stderr);
}

#define OK(call)                                                                                                       \
	do {                                                                                                               \
		if (!(call))                                                                                                   \
			ck_abort_msg("%s: %s", #call, err.text);                                                                   \
	} while (0)

static struct arena arena;
static struct settings settings;

static struct db *fresh(bool pg)
{
	struct err err;
	struct shop shop = { .locale = LOCALE_FR, .seed = 7, .name = "Chez Léa" };
	char where[1024];
	ck_assert(zone_find(STR("Europe/Paris"), &shop.zone) && currency_find(STR("EUR"), &shop.currency));
	snprintf(dir, sizeof dir, "%s/relance-switch-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	atexit(cleanup);
	setenv("RELANCE_KEYS", dir, 1);
	if (pg)
		snprintf(where, sizeof where, "%s&schema=s%d", getenv("RELANCE_TEST_PG"), (int)getpid());
	else
		snprintf(where, sizeof where, "%s/shop.db", dir);
	OK(store_init(where, &shop, &err));
	struct db *db = store_open(where, false, &shop, &err);
	if (!db)
		ck_abort_msg("%s", err.text);
	settings_defaults(&settings, shop.zone, shop.locale, shop.currency);
	arena_init(&arena);
	return db;
}

static const struct plan *plan(const char *name, int day)
{
	struct expr_context context;
	static struct plan_issues issues;
	issues = (struct plan_issues){ .count = 0 };
	plans_context(&settings, &context);
	struct str text =
		arena_printf(&arena, "plan: %s\nenter: {when: order}\nsteps:\n  - {at: J+%d, send: a}\n", name, day);
	const struct plan *p = plan_read(STR("p.yaml"), text, &context, &arena, &issues);
	ck_assert(p != NULL);
	return p;
}

static struct switch_result put(struct db *db, const struct plan *p, enum switch_state to, int64_t now)
{
	struct err err;
	struct switch_result out = { 0 };
	if (to == SWITCH_ON)
		OK(switch_plan_on(db, p, (struct instant){ now }, &out, &err));
	else
		OK(switch_plan(db, p->name, to, (struct instant){ now }, &err));
	return out;
}

struct rows {
	char text[2048];
	size_t n;
};

static bool take_row(void *ctx, const struct plan_row *p, struct err *err)
{
	struct rows *r = ctx;
	(void)err;
	r->n += (size_t)snprintf(r->text + r->n, sizeof r->text - r->n, "%u %.*s v%u %.*s %lld %lld\n", p->plan_id,
	                         STR_ARG(p->name), p->version, STR_ARG(p->state), (long long)p->on_since.s,
	                         (long long)p->first_on.s);
	return true;
}

static bool take_fact(void *ctx, const struct fact *f, struct err *err)
{
	struct rows *r = ctx;
	(void)err;
	ck_assert(f->kind == FACT_SWITCH && f->customer == GUESTS);
	r->n +=
		(size_t)snprintf(r->text + r->n, sizeof r->text - r->n, "%lld %.*s\n", (long long)f->at.s, STR_ARG(f->body));
	return true;
}

static const char *rows(struct db *db)
{
	static struct rows r;
	struct err err;
	r.n = 0;
	OK(plans(db, take_row, &r, &err));
	return r.text;
}

static void plans_go_on_and_off(bool pg)
{
	struct db *db = fresh(pg);
	struct err err;
	const struct plan *a = plan("a", 1), *a2 = plan("a", 2), *b = plan("b", 1);
	struct switch_result s = put(db, a, SWITCH_ON, 100);
	ck_assert(s.new_version && s.version == 1);
	s = put(db, a, SWITCH_ON, 200); /* on already, unchanged: nothing new, on since 100 */
	ck_assert(!s.new_version && s.version == 1);
	struct plan commented = *a; /* the same meaning in other words */
	commented.text = arena_printf(&arena, "# a comment\n%.*s", STR_ARG(a->text));
	s = put(db, &commented, SWITCH_ON, 210);
	ck_assert(!s.new_version && s.version == 1);
	put(db, b, SWITCH_ON, 250);
	s = put(db, a2, SWITCH_ON, 300); /* edited while on: what waits since 100 still enters */
	ck_assert(s.new_version && s.version == 2);
	ck_assert_str_eq(rows(db), "0 a v1 on 100 100\n1 b v1 on 250 250\n2 a v2 on 100 100\n");
	put(db, a, SWITCH_DRAIN, 400); /* by name: both versions */
	ck_assert_str_eq(rows(db), "0 a v1 draining 100 100\n1 b v1 on 250 250\n2 a v2 draining 100 100\n");
	put(db, a, SWITCH_OFF, 500);
	s = put(db, a2, SWITCH_ON, 600); /* events of its pause do not enter; runs of the first version go on */
	ck_assert(!s.new_version && s.version == 2);
	ck_assert_str_eq(rows(db), "0 a v1 on 100 100\n1 b v1 on 250 250\n2 a v2 on 600 100\n");
	struct rows r = { .n = 0 };
	OK(store_facts_after(db, 0, 100, take_fact, &r, &err));
	ck_assert_msg(strstr(r.text, "300 {\"plan\":\"a\",\"version\":2,\"state\":\"on\"}\n") &&
	                  strstr(r.text, "400 {\"plan\":\"a\",\"version\":2,\"state\":\"draining\"}\n") &&
	                  strstr(r.text, "500 {\"plan\":\"a\",\"version\":2,\"state\":\"off\"}\n"),
	              "%s", r.text);
	ck_assert(!switch_plan(db, STR("c"), SWITCH_OFF, (struct instant){ 700 }, &err));
	ck_assert_msg(strstr(err.text, "no plan \"c\" was ever switched on here"), "%s", err.text);
	arena_release(&arena);
	db_close(db);
}

START_TEST(on_sqlite)
{
	plans_go_on_and_off(false);
}
END_TEST

START_TEST(on_postgresql)
{
	const char *pg = getenv("RELANCE_TEST_PG");
	if (pg && *pg)
		plans_go_on_and_off(true);
	else
		puts("skipped: no PostgreSQL in RELANCE_TEST_PG");
}
END_TEST

UNIT_MAIN("switch", on_sqlite, on_postgresql)
