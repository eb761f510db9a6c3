/* Plans put in force: states, versions, the fact that tells a running ticker, and runs moved to a new version. On
 * SQLite and, when $RELANCE_TEST_PG holds an address, on PostgreSQL. */
#include "unit.h"

#include "app/move.h"
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

/* ---- runs moved ---- */

static const struct plan *plan_steps(const char *steps)
{
	struct expr_context context;
	static struct plan_issues issues;
	issues = (struct plan_issues){ .count = 0 };
	plans_context(&settings, &context);
	struct str text = arena_printf(&arena, "plan: m\nenter: {when: order}\nsteps:\n%s", steps);
	const struct plan *p = plan_read(STR("m.yaml"), text, &context, &arena, &issues);
	ck_assert(p != NULL);
	return p;
}

/* A run of customer c that stands before `step`, with a message for each of the steps named. */
static void put_run(struct db *db, int64_t epoch, customer_id c, uint8_t step, bool queued, const char *sent)
{
	struct err err;
	struct outbox_message messages[4] = { { .key.customer = 0 } };
	size_t n = 0;
	for (; *sent; sent++)
		messages[n++] = (struct outbox_message){ .key = { c, STR("m"), { sent, 1 }, 1, CHANNEL_EMAIL },
			                                     .version = 1,
			                                     .message = { sent, 1 },
			                                     .due_at = { 100 },
			                                     .queued_at = { 100 } };
	struct outbox_run run = {
		.customer = c, .plan = STR("m"), .run_no = 1, .entered_at = { 100 }, .step = step, .queued = queued
	};
	struct outbox_slice slice = {
		.epoch = epoch, .runs = &run, .run_count = 1, .messages = messages, .message_count = n
	};
	OK(db_begin(db, &err));
	OK(outbox_put(db, &slice, &err));
	OK(db_commit(db, &err));
}

struct run_at {
	uint32_t plan_id;
	uint8_t step;
};

static bool take_run(void *ctx, const struct outbox_run *r, struct err *err)
{
	struct run_at *at = ctx;
	(void)err;
	at[r->customer] = (struct run_at){ r->plan_id, r->step };
	return true;
}

static void runs_move(bool pg)
{
	struct db *db = fresh(pg);
	struct err err;
	int64_t epoch;
	struct store_ids *ids = store_ids_load(db, &err);
	ck_assert_ptr_nonnull(ids);
	struct store_batch *b = store_batch_begin(db, ids, (struct instant){ 50 }, &err);
	ck_assert_ptr_nonnull(b);
	for (int i = 0; i < 8; i++)
		ck_assert_uint_eq(store_customer(ids, arena_printf(&arena, "c%d", i), NULL), (customer_id)i + 1);
	OK(store_batch_commit(b, &err));
	store_ids_free(ids);
	put(db,
	    plan_steps("  - {at: J, send: a}\n  - {at: J+2, send: b}\n  - {at: J+4, send: c}\n  - {at: J+6, send: d}\n"),
	    SWITCH_ON, 100);
	OK(store_lease(db, "ticker", (struct instant){ 100 }, 60, &epoch, &err));
	put_run(db, epoch, 1, 0, false, "");   /* → before a */
	put_run(db, epoch, 2, 1, false, "a");  /* b is gone: after a → c */
	put_run(db, epoch, 3, 2, false, "ab"); /* got b, which is gone: stays */
	put_run(db, epoch, 4, 1, true, "ab");  /* b is in the queue and gone: stays */
	put_run(db, epoch, 5, 2, true, "ac");  /* c is in the queue and there: moves with it */
	put_run(db, epoch, 6, 3, false, "ac"); /* d now stands before c, which it got: stays */
	put_run(db, epoch, 7, 4, false, "a");  /* at the end */
	put(db, plan_steps("  - {at: J, send: a}\n  - {at: J+3, send: d}\n  - {at: J+4, send: c}\n"), SWITCH_ON, 200);
	struct move_report *r = arena_new(&arena, struct move_report);
	OK(move_runs(db, &settings, STR("m"), true, "person", (struct instant){ 110 }, &arena, r,
	             &err)); /* a look is free */
	ck_assert(r->to_version == 2 && r->moved == 4 && r->stay == 3);
	ck_assert(!move_runs(db, &settings, STR("m"), false, "person", (struct instant){ 110 }, &arena, r, &err));
	ck_assert_msg(strncmp(err.text, "stop \"relance run\" before runs are moved: ", 42) == 0, "%s", err.text);
	OK(store_lease_release(db, "ticker", epoch, &err));
	OK(move_runs(db, &settings, STR("m"), false, "person", (struct instant){ 120 }, &arena, r, &err));
	ck_assert(r->moved == 4 && r->stay == 3);
	struct run_at at[9] = { { 9, 9 } };
	OK(outbox_runs(db, 1, 8, take_run, at, &err));
	static const struct run_at EXPECTED[] = { { 9, 9 }, { 1, 0 }, { 1, 1 }, { 0, 2 },
		                                      { 0, 1 }, { 1, 2 }, { 0, 3 }, { 1, 3 } };
	for (size_t i = 1; i < ARRAY_LEN(EXPECTED); i++)
		ck_assert_msg(at[i].plan_id == EXPECTED[i].plan_id && at[i].step == EXPECTED[i].step,
		              "customer %zu: version %u step %d", i, at[i].plan_id + 1, at[i].step);
	OK(move_runs(db, &settings, STR("m"), false, "person", (struct instant){ 130 }, &arena, r, &err));
	ck_assert(r->moved == 0 && r->stay == 3);
	arena_release(&arena);
	db_close(db);
}

START_TEST(runs_move_on_sqlite)
{
	runs_move(false);
}
END_TEST

START_TEST(runs_move_on_postgresql)
{
	const char *pg = getenv("RELANCE_TEST_PG");
	if (pg && *pg)
		runs_move(true);
	else
		puts("skipped: no PostgreSQL in RELANCE_TEST_PG");
}
END_TEST

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

UNIT_MAIN("switch", on_sqlite, on_postgresql, runs_move_on_sqlite, runs_move_on_postgresql)
