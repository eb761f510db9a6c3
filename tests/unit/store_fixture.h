/* store_fixture: shops to test on: the same tests on SQLite and, when $RELANCE_TEST_PG holds an address, on PostgreSQL
 * (a schema for each). A test takes its database by address(_i). */
#ifndef RELANCE_TESTS_STORE_FIXTURE_H
#define RELANCE_TESTS_STORE_FIXTURE_H

#include "unit.h"

#include "store/outbox.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

static char dir[256];
static int shops;

UNUSED static void cleanup(void)
{
	char command[512];
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	if (dir[0] && system(command) != 0)
		fputs("cannot remove the test folder\n", stderr);
}

/* A fresh address: 0 SQLite, 1 PostgreSQL. */
UNUSED UNUSED static const char *address(int kind)
{
	static char all[64][1024];
	char *out = all[shops % 64];
	if (!dir[0]) {
		snprintf(dir, sizeof dir, "%s/relance-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
		ck_assert_ptr_nonnull(mkdtemp(dir));
		setenv("RELANCE_KEYS", dir, 1);
		atexit(cleanup);
	}
	shops++;
	if (kind == 0)
		snprintf(out, 1024, "%s/shop%d.db", dir, shops);
	else
		snprintf(out, 1024, "%s&schema=t%d_%d", getenv("RELANCE_TEST_PG"), (int)getpid(), shops);
	return out;
}

UNUSED static bool has_pg(void)
{
	const char *pg = getenv("RELANCE_TEST_PG");
	return pg && *pg;
}

#define OK(call)                                                                                                       \
	do {                                                                                                               \
		if (!(call))                                                                                                   \
			ck_abort_msg("%s: %s", #call, err.text);                                                                   \
	} while (0)

UNUSED static struct shop a_shop(void)
{
	struct shop shop = { .locale = LOCALE_FR, .seed = 7, .name = "Chez Léa" };
	ck_assert(zone_find(STR("Europe/Paris"), &shop.zone));
	ck_assert(currency_find(STR("EUR"), &shop.currency));
	return shop;
}

UNUSED static struct db *fresh(const char *where)
{
	struct err err;
	struct shop shop = a_shop();
	OK(store_init(where, &shop, &err));
	struct db *db = store_open(where, false, &shop, &err);
	if (!db)
		ck_abort_msg("%s", err.text);
	return db;
}

UNUSED static struct fact order(customer_id c, const char *key, int64_t at, const char *body)
{
	return (
		struct fact){ .customer = c, .kind = FACT_ORDER, .key = str_from(key), .at = { at }, .body = str_from(body) };
}

UNUSED static bool count_fact(void *ctx, const struct fact *f, struct err *err)
{
	int64_t *n = ctx;
	n[0]++;
	n[1] = f->seq;
	return true;
}

UNUSED static int64_t count_rows(struct db *db, int64_t *last_seq)
{
	struct err err;
	int64_t n[2] = { 0 };
	OK(store_facts_by_customer(db, 0, UINT32_MAX, INSTANT_NEVER, count_fact, n, &err));
	if (last_seq)
		*last_seq = n[1];
	return n[0];
}

UNUSED static const struct instant NOW = { 1300000000 };

/* Two customers, two products, three orders, one of them a guest's. */
UNUSED static bool small_import(struct db *db, struct err *err)
{
	struct store_ids *ids = store_ids_load(db, err);
	if (!ids)
		return false;
	struct store_batch *b = store_batch_begin(db, ids, NOW, err);
	if (!b) {
		store_ids_free(ids);
		return false;
	}
	customer_id ada = store_customer(ids, STR("17850"), NULL), bob = store_customer(ids, STR("13047"), NULL);
	struct fact facts[] = { order(bob, "till:2", 1200000100, "{\"lines\":[[1,2,300]]}"),
		                    order(ada, "till:1", 1200000000, "{\"lines\":[[1,6,1530]]}"),
		                    order(GUESTS, "till:3", 1200000200, "{\"lines\":[[2,1,99]]}") };
	struct person p = { .first_name = STR("Ada"), .email = STR("Ada@Example.org"), .phone = STR("06 12 34 56 78") };
	struct product_row row = { .sku = STR("85123A"),
		                       .name = STR("T-LIGHT HOLDER"),
		                       .price = 255,
		                       .cost = -1,
		                       .vat_x2 = 40,
		                       .stock = -1,
		                       .lifetime_days = -1,
		                       .tier = -1 };
	bool ok = store_batch_product(b, &row, NULL, err);
	store_product(ids, STR("71053"), NULL);
	for (size_t i = 0; i < ARRAY_LEN(facts) && ok; i++)
		ok = store_batch_fact(b, &facts[i], NULL, err);
	ok = ok && store_batch_person(b, ada, &p, NULL, err);
	if (ok)
		ok = store_batch_commit(b, err);
	else
		store_batch_rollback(b);
	store_ids_free(ids);
	return ok;
}

UNUSED static bool one_fact(struct db *db, struct fact *f, struct err *err)
{
	struct store_batch *b = store_batch_begin(db, NULL, NOW, err);
	if (!b)
		return false;
	if (store_batch_fact(b, f, NULL, err))
		return store_batch_commit(b, err);
	store_batch_rollback(b);
	return false;
}

UNUSED static void assert_sound(struct db *db)
{
	struct err err;
	int64_t findings = 0;
	OK(store_check(db, NULL, NULL, &findings, &err));
	ck_assert_int_eq(findings, 0);
}

UNUSED static const struct message_key KEY = { 1, { "anti-churn", 10 }, { "winback-1", 9 }, 1, CHANNEL_EMAIL };

UNUSED static struct outbox_message a_message(void)
{
	return (struct outbox_message){ .key = KEY,
		                            .purpose = PURPOSE_MARKETING,
		                            .version = 1,
		                            .message = STR("winback-1"),
		                            .due_at = NOW,
		                            .queued_at = NOW };
}

UNUSED static bool put_one(struct db *db, int64_t epoch, int64_t at, enum verdict verdict, enum reason reason,
                           bool message, struct err *err)
{
	struct outbox_run run = { .customer = 1,
		                      .plan = STR("anti-churn"),
		                      .run_no = 1,
		                      .plan_id = 0,
		                      .entered_at = NOW,
		                      .subject = UINT64_MAX,
		                      .day = { 15000 } };
	struct outbox_decision d = { .customer = 1,
		                         .plan = STR("anti-churn"),
		                         .run_no = 1,
		                         .step = STR("winback-1"),
		                         .verdict = verdict,
		                         .reason = reason,
		                         .channel = CHANNEL_COUNT,
		                         .at = { at },
		                         .tick = 1 };
	struct outbox_message m = a_message();
	struct outbox_slice s = { .epoch = epoch,
		                      .runs = &run,
		                      .run_count = 1,
		                      .decisions = &d,
		                      .decision_count = 1,
		                      .messages = &m,
		                      .message_count = message };
	if (!db_begin(db, err))
		return false;
	if (outbox_put(db, &s, err))
		return db_commit(db, err);
	db_rollback(db);
	return false;
}

UNUSED static bool plan_row(struct db *db, struct err *err)
{
	struct plan_row p = { .name = STR("anti-churn"),
		                  .version = 1,
		                  .text = STR("plan: anti-churn"),
		                  .state = STR("on"),
		                  .on_since = NOW,
		                  .first_on = NOW,
		                  .created_at = NOW };
	return plan_put(db, &p, err);
}

UNUSED static int64_t shop_with_lease(struct db *db)
{
	struct err err;
	int64_t epoch;
	OK(small_import(db, &err));
	OK(plan_row(db, &err));
	OK(store_lease(db, "host:1:a", NOW, 60, &epoch, &err));
	return epoch;
}

UNUSED static enum message_state state_of(struct db *db)
{
	struct err err;
	struct arena a;
	struct outbox_message m;
	bool found;
	arena_init(&a);
	OK(outbox_message(db, &KEY, &a, &m, &found, &err));
	arena_release(&a);
	return found ? m.state : MESSAGE_STATE_COUNT;
}

struct both_test {
	const TTest *test;
	bool both; /* on both databases */
};

UNUSED static int run_both(const char *name, const struct both_test *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	tcase_set_timeout(tcase, 120);
	if (!has_pg())
		fprintf(stderr, "%s: RELANCE_TEST_PG is not set: PostgreSQL is left out (tools/with_postgres.sh runs it)\n",
		        name);
	for (size_t i = 0; i < count; i++)
		tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].both && has_pg() ? 2 : 1);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
