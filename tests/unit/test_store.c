/* The same tests on SQLite and, when $RELANCE_TEST_PG holds an address, on PostgreSQL (one schema per test). */
#include "unit.h"

#include "base/hash.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[256];
static int shops;

static void cleanup(void)
{
	char command[512];
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	if (dir[0] && system(command) != 0)
		fputs("cannot remove the test folder\n", stderr);
}

/* A fresh address: 0 SQLite, 1 PostgreSQL. */
static const char *address(int kind)
{
	static char out[1024];
	if (!dir[0]) {
		snprintf(dir, sizeof dir, "%s/relance-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
		ck_assert_ptr_nonnull(mkdtemp(dir));
		setenv("RELANCE_KEYS", dir, 1);
		atexit(cleanup);
	}
	shops++;
	if (kind == 0)
		snprintf(out, sizeof out, "%s/shop%d.db", dir, shops);
	else
		snprintf(out, sizeof out, "%s&schema=t%d_%d", getenv("RELANCE_TEST_PG"), (int)getpid(), shops);
	return strdup(out);
}

static bool has_pg(void)
{
	const char *pg = getenv("RELANCE_TEST_PG");
	return pg && *pg;
}

#define OK(call)                                                                                                       \
	do {                                                                                                               \
		if (!(call))                                                                                                   \
			ck_abort_msg("%s: %s", #call, err.text);                                                                   \
	} while (0)

static struct shop a_shop(void)
{
	struct shop shop = { .locale = LOCALE_FR, .seed = 7, .name = "Chez Léa" };
	ck_assert(zone_find(STR("Europe/Paris"), &shop.zone));
	ck_assert(currency_find(STR("EUR"), &shop.currency));
	return shop;
}

static struct db *fresh(const char *where)
{
	struct err err;
	struct shop shop = a_shop();
	OK(store_init(where, &shop, &err));
	struct db *db = store_open(where, false, &shop, &err);
	if (!db)
		ck_abort_msg("%s", err.text);
	return db;
}

static struct fact order(customer_id c, const char *key, int64_t at, const char *body)
{
	return (struct fact){ .customer = c, .kind = FACT_ORDER, .key = str_from(key), .at = { at }, .body = str_from(body) };
}

static int64_t count_rows(struct db *db, int64_t *last_seq);

static bool count_fact(void *ctx, const struct fact *f, struct err *err)
{
	int64_t *n = ctx;
	n[0]++;
	n[1] = f->seq;
	return true;
}

static int64_t count_rows(struct db *db, int64_t *last_seq)
{
	struct err err;
	int64_t n[2] = { 0 };
	OK(store_facts_by_customer(db, 0, UINT32_MAX, INSTANT_NEVER, count_fact, n, &err));
	if (last_seq)
		*last_seq = n[1];
	return n[0];
}

static const struct instant NOW = { 1300000000 };

/* Two customers, two products, three orders, one of them a guest's. */
static bool small_import(struct db *db, struct err *err)
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
	struct product_row row = { .sku = STR("85123A"), .name = STR("T-LIGHT HOLDER"), .price = 255, .cost = -1, .vat_x2 = 40,
		                       .stock = -1, .lifetime_days = -1, .tier = -1 };
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

START_TEST(opens_what_it_made)
{
	struct err err;
	const char *where = address(_i);
	struct shop shop = a_shop(), got;
	OK(store_init(where, &shop, &err));
	ck_assert(!store_init(where, &shop, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "holds a shop already"));
	struct db *db = store_open(where, false, &got, &err);
	ck_assert_msg(db != NULL, "%s", err.text);
	ck_assert_str_eq(got.name, "Chez Léa");
	ck_assert_uint_eq(got.seed, 7);
	ck_assert_int_eq(got.incarnation, 1);
	ck_assert_uint_eq(got.zone, shop.zone);
	struct stat st;
	ck_assert_int_eq(stat(store_key_path(db), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	db_close(db);
}
END_TEST

START_TEST(facts_are_kept_in_order)
{
	struct err err;
	struct db *db = fresh(address(_i));
	OK(small_import(db, &err));
	int64_t last, seq;
	uint32_t customers;
	ck_assert_int_eq(count_rows(db, &last), 3);
	ck_assert_int_eq(last, 1); /* by customer: guest 3, Ada 2 … Bob is customer 2 with seq 1 */
	OK(store_seq_hi(db, &seq, &customers, &err));
	ck_assert_int_eq(seq, 3);
	ck_assert_uint_eq(customers, 2);
	int64_t n[2] = { 0 };
	OK(store_facts_after(db, 1, 10, count_fact, n, &err));
	ck_assert_int_eq(n[0], 2);
	ck_assert_int_eq(n[1], 3);
	db_close(db);
}
END_TEST

int main(void)
{
	const struct {
		const TTest *test;
		bool both;
	} TESTS[] = {
		{ opens_what_it_made, true },
		{ facts_are_kept_in_order, true },
	};
	Suite *suite = suite_create("store");
	TCase *tcase = tcase_create("store");
	tcase_set_timeout(tcase, 120);
	if (!has_pg())
		fputs("store: RELANCE_TEST_PG is not set: PostgreSQL is left out (tools/with_postgres.sh runs it)\n", stderr);
	for (size_t i = 0; i < ARRAY_LEN(TESTS); i++)
		tcase_add_loop_test(tcase, TESTS[i].test, 0, TESTS[i].both && has_pg() ? 2 : 1);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
