/* The same tests on SQLite and, when $RELANCE_TEST_PG holds an address, on PostgreSQL (one schema per test). */
#include "unit.h"

#include "base/hash.h"
#include "model/names.h"
#include "store/outbox.h"

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

static bool one_fact(struct db *db, struct fact *f, struct err *err)
{
	struct store_batch *b = store_batch_begin(db, NULL, NOW, err);
	if (!b)
		return false;
	if (store_batch_fact(b, f, NULL, err))
		return store_batch_commit(b, err);
	store_batch_rollback(b);
	return false;
}

static void assert_sound(struct db *db)
{
	struct err err;
	int64_t findings = 0;
	OK(store_check(db, NULL, NULL, &findings, &err));
	ck_assert_int_eq(findings, 0);
}

START_TEST(known_documents_are_found)
{
	struct err err;
	struct arena a;
	struct fact got;
	bool found;
	arena_init(&a);
	struct db *db = fresh(address(_i));
	OK(small_import(db, &err));
	struct store_batch *b = store_batch_begin(db, NULL, NOW, &err);
	ck_assert_ptr_nonnull(b);
	OK(store_batch_known(b, FACT_ORDER, STR("till:1"), &a, &got, &found, &err));
	ck_assert(found && got.customer == 1 && got.seq == 2);
	ck_assert(str_is(got.body, "{\"lines\":[[1,6,1530]]}"));
	OK(store_batch_known(b, FACT_CART, STR("till:1"), &a, &got, &found, &err));
	ck_assert(!found);
	struct fact corrected = order(1, "till:1", 1200000000, "{\"lines\":[[1,7,1785]]}");
	OK(store_batch_fact(b, &corrected, NULL, &err));
	OK(store_batch_known(b, FACT_ORDER, STR("till:1"), &a, &got, &found, &err));
	ck_assert(found && got.seq == 4);
	struct fact back = { .customer = GUESTS, .kind = FACT_RETRACT, .key = STR("till:3"), .at = NOW,
		                 .body = STR("{\"kind\":\"order\"}") };
	OK(store_batch_fact(b, &back, NULL, &err));
	OK(store_batch_known(b, FACT_ORDER, STR("till:3"), &a, &got, &found, &err));
	ck_assert(!found);
	struct fact event = { .customer = 1, .kind = FACT_EVENT, .key = STR("e1"), .at = NOW,
		                  .body = STR("{\"name\":\"visit\"}") };
	OK(store_batch_fact(b, &event, NULL, &err));
	OK(store_batch_known_of(b, 1, FACT_EVENT, STR("e1"), &a, &got, &found, &err));
	ck_assert(found && got.seq == 6);
	OK(store_batch_known_of(b, 2, FACT_EVENT, STR("e1"), &a, &got, &found, &err));
	ck_assert(!found);
	OK(store_batch_commit(b, &err));
	b = store_batch_begin(db, NULL, NOW, &err);
	OK(store_batch_known(b, FACT_ORDER, STR("till:1"), &a, &got, &found, &err));
	ck_assert(found && got.seq == 4);
	OK(store_batch_known(b, FACT_ORDER, STR("till:3"), &a, &got, &found, &err));
	ck_assert(!found);
	OK(store_batch_known_of(b, 1, FACT_EVENT, STR("e1"), &a, &got, &found, &err));
	ck_assert(found && got.seq == 6);
	store_batch_rollback(b);
	assert_sound(db);
	arena_release(&a);
	db_close(db);
}
END_TEST

START_TEST(a_rollback_leaves_no_gap)
{
	struct err err;
	struct db *db = fresh(address(_i));
	OK(small_import(db, &err));
	struct store_ids *ids = store_ids_load(db, &err);
	ck_assert_ptr_nonnull(ids);
	for (int round = 0; round < 2; round++) {
		struct store_batch *b = store_batch_begin(db, ids, NOW, &err);
		ck_assert_msg(b != NULL, "%s", err.text);
		bool created;
		customer_id c = store_customer(ids, STR("new"), &created);
		ck_assert(created && c == 3);
		struct fact f = order(c, "till:9", 1200000000, "{\"lines\":[[1,1,1]]}");
		OK(store_batch_fact(b, &f, NULL, &err));
		ck_assert_int_eq(f.seq, 4);
		if (round == 0)
			store_batch_rollback(b);
		else
			OK(store_batch_commit(b, &err));
	}
	store_ids_free(ids);
	ck_assert_int_eq(count_rows(db, NULL), 4);
	assert_sound(db);
	db_close(db);
}
END_TEST

START_TEST(persons_merge_and_are_found)
{
	struct err err;
	struct arena a;
	arena_init(&a);
	struct db *db = fresh(address(_i));
	const struct shop *shop = store_shop(db);
	OK(small_import(db, &err));
	customer_id c;
	OK(store_find_customer(db, shop, STR("17850"), &c, &err));
	ck_assert_uint_eq(c, 1);
	OK(store_find_customer(db, shop, STR("ada@EXAMPLE.org "), &c, &err));
	ck_assert_uint_eq(c, 1);
	OK(store_find_customer(db, shop, STR("+33 6 12 34 56 78"), &c, &err));
	ck_assert_uint_eq(c, 1);
	OK(store_find_customer(db, shop, STR("#2"), &c, &err));
	ck_assert_uint_eq(c, 2);
	ck_assert(!store_find_customer(db, shop, STR("nobody@example.org"), &c, &err));
	ck_assert_ptr_null(strstr(err.text, "nobody"));
	bool changed;
	struct store_batch *b = store_batch_begin(db, NULL, NOW, &err);
	struct person p = { .email = STR("ada@new.example"), .city = STR("Lille") };
	OK(store_batch_person(b, 1, &p, &changed, &err));
	ck_assert(changed);
	OK(store_batch_person(b, 1, &p, &changed, &err));
	ck_assert(!changed);
	OK(store_batch_person(b, 2, &p, &changed, &err));
	OK(store_batch_commit(b, &err));
	struct person got;
	struct str ref;
	OK(store_person(db, 1, &a, &got, &ref, &err));
	ck_assert(str_is(got.first_name, "Ada") && str_is(got.city, "Lille") && str_is(got.email, "ada@new.example"));
	ck_assert(str_is(ref, "17850"));
	ck_assert(!store_find_customer(db, shop, STR("ada@example.org"), &c, &err));
	ck_assert(!store_find_customer(db, shop, STR("ada@new.example"), &c, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "several customers"));
	assert_sound(db);
	arena_release(&a);
	db_close(db);
}
END_TEST

START_TEST(addresses_have_one_form)
{
	struct shop shop = { .address_key = { 1, 2 } }, other = { .address_key = { 1, 3 } };
	static const char *const SAME[][2] = {
		{ "Ada@Example.ORG", " ada@example.org" },
		{ "LÉA@exemple.fr", "léa@exemple.fr" },
		{ "lea@bücher.example", "LEA@xn--bcher-kva.example" },
		{ "l\xc3\xa9" "a@x.fr", "le\xcc\x81" "a@x.fr" },
		{ "06 12 34 56 78", "+33612345678" },
		{ "+33 (0)6.12.34.56.78", "0033612345678" },
		{ "+44 20 7946 0018", "00442079460018" },
	};
	for (size_t i = 0; i < ARRAY_LEN(SAME); i++) {
		uint64_t one = store_address_hash(&shop, str_from(SAME[i][0]));
		ck_assert_msg(one != 0 && one == store_address_hash(&shop, str_from(SAME[i][1])), "%s", SAME[i][0]);
		ck_assert(one != store_address_hash(&other, str_from(SAME[i][0])));
	}
	static const char *const NONE[] = { "", " ", "@", "ada@", "@example.org", "n/a", "call me", "123", "\xff\xfe@x" };
	for (size_t i = 0; i < ARRAY_LEN(NONE); i++)
		ck_assert_msg(store_address_hash(&shop, str_from(NONE[i])) == 0, "%s", NONE[i]);
}
END_TEST

static bool on_product(void *ctx, product_id id, const struct product_row *p, struct err *err)
{
	if (id == 1) {
		ck_assert(str_is(p->name, "T-LIGHT HOLDER") && str_is(p->category, "light"));
		ck_assert_int_eq(p->price, 199);
		ck_assert_int_eq(p->vat_x2, 40);
		ck_assert_int_eq(p->stock, -1);
	} else {
		ck_assert(str_is(p->sku, "71053") && p->name.n == 0 && p->price == -1);
	}
	++*(int *)ctx;
	return true;
}

START_TEST(products_merge_and_remember_prices)
{
	struct err err;
	struct db *db = fresh(address(_i));
	OK(small_import(db, &err));
	struct store_ids *ids = store_ids_load(db, &err);
	struct store_batch *b = store_batch_begin(db, ids, (struct instant){ NOW.s + 100 }, &err);
	struct product_row row = { .sku = STR("85123A"), .category = STR("light"), .price = 199, .cost = -1, .vat_x2 = -1,
		                       .stock = -1, .lifetime_days = -1, .tier = -1 };
	bool changed;
	OK(store_batch_product(b, &row, &changed, &err));
	ck_assert(changed);
	OK(store_batch_product(b, &row, &changed, &err));
	ck_assert(!changed);
	OK(store_batch_commit(b, &err));
	int n = 0;
	OK(store_products(db, on_product, &n, &err));
	ck_assert_int_eq(n, 2);
	store_ids_free(ids);
	assert_sound(db);
	db_close(db);
}
END_TEST

START_TEST(the_future_is_quarantined)
{
	struct err err;
	struct db *db = fresh(address(_i));
	bool quarantined;
	struct store_batch *b = store_batch_begin(db, NULL, NOW, &err);
	struct fact ahead = order(GUESTS, "till:1", NOW.s + DAY_S + 1, "{\"lines\":[[1,1,1]]}");
	struct fact near = order(GUESTS, "till:2", NOW.s + DAY_S, "{\"lines\":[[1,1,1]]}");
	OK(store_batch_fact(b, &ahead, &quarantined, &err));
	ck_assert(quarantined && ahead.seq == 0);
	OK(store_batch_fact(b, &near, &quarantined, &err));
	ck_assert(!quarantined && near.seq == 1);
	OK(store_batch_commit(b, &err));
	ck_assert_int_eq(count_rows(db, NULL), 1);
	db_close(db);
}
END_TEST

/* ---- the outbox ---- */

static const struct message_key KEY = { 1, { "anti-churn", 10 }, { "winback-1", 9 }, 1, CHANNEL_EMAIL };

static struct outbox_message a_message(void)
{
	return (struct outbox_message){ .key = KEY, .purpose = PURPOSE_MARKETING, .version = 1, .message = STR("winback-1"),
		                            .due_at = NOW, .queued_at = NOW };
}

static bool put_one(struct db *db, int64_t epoch, int64_t at, enum verdict verdict, enum reason reason, bool message,
                    struct err *err)
{
	struct outbox_run run = { .customer = 1, .plan = STR("anti-churn"), .run_no = 1, .plan_id = 0, .entered_at = NOW,
		                      .subject = UINT64_MAX, .day = { 15000 } };
	struct outbox_decision d = { .customer = 1, .plan = STR("anti-churn"), .run_no = 1, .step = STR("winback-1"),
		                         .verdict = verdict, .reason = reason, .channel = CHANNEL_COUNT, .at = { at }, .tick = 1 };
	struct outbox_message m = a_message();
	struct outbox_slice s = { .epoch = epoch, .runs = &run, .run_count = 1, .decisions = &d, .decision_count = 1,
		                      .messages = &m, .message_count = message };
	if (!db_begin(db, err))
		return false;
	if (outbox_put(db, &s, err))
		return db_commit(db, err);
	db_rollback(db);
	return false;
}

static bool on_decision(void *ctx, const struct outbox_decision *d, struct err *err)
{
	struct buf *out = ctx;
	buf_printf(out, "%s %s %d-%d x%d;", verdict_name(d->verdict), reason_name(d->reason), (int)(d->first_at.s - NOW.s),
	           (int)(d->at.s - NOW.s), (int)d->times);
	return true;
}

static bool plan_row(struct db *db, struct err *err)
{
	struct plan_row p = { .name = STR("anti-churn"), .version = 1, .text = STR("plan: anti-churn"), .state = STR("on"),
		                  .on_since = NOW, .first_on = NOW, .created_at = NOW };
	return plan_put(db, &p, err);
}

static int64_t shop_with_lease(struct db *db)
{
	struct err err;
	int64_t epoch;
	OK(small_import(db, &err));
	OK(plan_row(db, &err));
	OK(store_lease(db, "host:1:a", NOW, 60, &epoch, &err));
	return epoch;
}

START_TEST(decisions_merge_while_the_verdict_stays)
{
	struct err err;
	struct buf story;
	buf_init(&story, 4096);
	struct db *db = fresh(address(_i));
	int64_t e = shop_with_lease(db);
	OK(put_one(db, e, NOW.s, VERDICT_HELD, REASON_QUIET_HOURS, false, &err));
	OK(put_one(db, e, NOW.s + 10, VERDICT_HELD, REASON_QUIET_HOURS, false, &err));
	OK(put_one(db, e, NOW.s + 20, VERDICT_HELD, REASON_PRESSURE_ALL, false, &err));
	OK(put_one(db, e, NOW.s + 30, VERDICT_HELD, REASON_QUIET_HOURS, false, &err));
	OK(put_one(db, e, NOW.s + 40, VERDICT_SEND, REASON_NONE, true, &err));
	OK(outbox_decisions(db, 1, on_decision, &story, &err));
	ck_assert_str_eq(story.p, "held quiet_hours 0-10 x2;held pressure_all 20-20 x1;held quiet_hours 30-30 x1;send none 40-40 x1;");
	assert_sound(db);
	buf_release(&story);
	db_close(db);
}
END_TEST

START_TEST(a_message_exists_once)
{
	struct err err;
	struct db *db = fresh(address(_i));
	int64_t e = shop_with_lease(db);
	OK(put_one(db, e, NOW.s, VERDICT_SEND, REASON_NONE, true, &err));
	ck_assert(!put_one(db, e, NOW.s + 5, VERDICT_SEND, REASON_NONE, true, &err));
	ck_assert_int_eq(err.kind, ERR_CONFLICT);
	ck_assert_msg(strstr(err.text, "anti-churn") && strstr(err.text, "winback-1"), "%s", err.text);
	int64_t counts[MESSAGE_STATE_COUNT];
	OK(outbox_counts(db, counts, &err));
	ck_assert_int_eq(counts[MESSAGE_QUEUED], 1);
	db_close(db);
}
END_TEST

static bool claim(struct db *db, int64_t epoch, struct arena *a, struct outbox_message *out, size_t *n, struct err *err)
{
	if (!db_begin(db, err))
		return false;
	if (outbox_claim(db, epoch, NOW, OUTBOX_CLAIM_MAX, a, out, n, err))
		return db_commit(db, err);
	db_rollback(db);
	return false;
}

static bool sending(struct db *db, int64_t epoch, struct outbox_message *m, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		m[i].subject = STR("Revenez !");
		m[i].content = STR("{}");
	}
	if (!db_durable(db, true, err) || !db_begin(db, err))
		return false;
	if (outbox_sending(db, epoch, NOW, m, n, err))
		return db_commit(db, err);
	db_rollback(db);
	return false;
}

static bool settle(struct db *db, int64_t epoch, enum message_state to, struct err *err)
{
	struct store_batch *b = store_batch_begin(db, NULL, NOW, err);
	struct settlement s = { .to = to, .at = NOW, .try_after = { NOW.s + 60 }, .outcome = STR("250 ok") };
	if (!b)
		return false;
	if (outbox_settle(b, epoch, &KEY, &s, err))
		return store_batch_commit(b, err);
	store_batch_rollback(b);
	return false;
}

static enum message_state state_of(struct db *db)
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

START_TEST(a_message_lives_its_states)
{
	struct err err;
	struct arena a;
	struct outbox_message m[OUTBOX_CLAIM_MAX];
	size_t n;
	arena_init(&a);
	struct db *db = fresh(address(_i));
	int64_t e = shop_with_lease(db);
	OK(put_one(db, e, NOW.s, VERDICT_SEND, REASON_NONE, true, &err));
	OK(claim(db, e, &a, m, &n, &err));
	ck_assert_uint_eq(n, 1);
	ck_assert(str_is(m[0].key.plan, "anti-churn") && m[0].state == MESSAGE_CLAIMED);
	size_t again;
	OK(claim(db, e, &a, m, &again, &err));
	ck_assert_uint_eq(again, 0);
	ck_assert(!settle(db, e, MESSAGE_ACCEPTED, &err)); /* never left */
	ck_assert_int_eq(err.kind, ERR_CONFLICT);
	OK(sending(db, e, m, n, &err));
	ck_assert_int_eq(state_of(db), MESSAGE_SENDING);
	OK(settle(db, e, MESSAGE_DEFERRED, &err));
	OK(claim(db, e, &a, m, &n, &err));
	ck_assert_uint_eq(n, 0); /* not before try_after */
	ck_assert_int_eq(count_rows(db, NULL), 3);
	ck_assert_int_eq(state_of(db), MESSAGE_DEFERRED);
	OK(settle(db, e, MESSAGE_DROPPED, &err));
	ck_assert(!settle(db, e, MESSAGE_ACCEPTED, &err));
	ck_assert_int_eq(count_rows(db, NULL), 4); /* the receipt */
	assert_sound(db);
	arena_release(&a);
	db_close(db);
}
END_TEST

START_TEST(a_crash_leaves_uncertain_only_what_was_sending)
{
	struct err err;
	struct arena a;
	struct outbox_message m[OUTBOX_CLAIM_MAX];
	size_t n;
	int64_t requeued, uncertain, e2;
	bool known;
	arena_init(&a);
	for (int step = 0; step < 2; step++) {
		struct db *db = fresh(address(_i));
		int64_t e = shop_with_lease(db);
		OK(put_one(db, e, NOW.s, VERDICT_SEND, REASON_NONE, true, &err));
		OK(claim(db, e, &a, m, &n, &err));
		if (step == 1)
			OK(sending(db, e, m, n, &err));
		ck_assert(!store_lease(db, "host:2:b", NOW, 60, &e2, &err));
		ck_assert_int_eq(err.kind, ERR_CONFLICT);
		OK(store_lease(db, "host:2:b", (struct instant){ NOW.s + 61 }, 60, &e2, &err));
		ck_assert_int_eq(e2, e + 1);
		ck_assert(!settle(db, e, MESSAGE_ACCEPTED, &err)); /* fenced */
		ck_assert_int_eq(err.kind, ERR_CONFLICT);
		struct store_batch *b = store_batch_begin(db, NULL, NOW, &err);
		OK(outbox_recover(b, e2, NOW, &requeued, &uncertain, &err));
		OK(store_batch_commit(b, &err));
		ck_assert_int_eq(requeued, step == 0);
		ck_assert_int_eq(uncertain, step == 1);
		ck_assert_int_eq(state_of(db), step == 0 ? MESSAGE_QUEUED : MESSAGE_UNCERTAIN);
		if (step == 1) {
			OK(settle(db, -1, MESSAGE_ACCEPTED, &err)); /* a person found it in the server's log */
			b = store_batch_begin(db, NULL, NOW, &err);
			OK(outbox_feedback(b, &KEY, RECEIPT_OPENED, NOW, STR(""), &known, &err));
			ck_assert(known);
			struct message_key nobody = KEY;
			nobody.run_no = 9;
			OK(outbox_feedback(b, &nobody, RECEIPT_OPENED, NOW, STR(""), &known, &err));
			ck_assert(!known);
			OK(store_batch_commit(b, &err));
		}
		assert_sound(db);
		db_close(db);
	}
	arena_release(&a);
}
END_TEST

START_TEST(vouchers_are_drawn_once)
{
	struct err err;
	struct arena a;
	arena_init(&a);
	struct db *db = fresh(address(_i));
	int64_t e = shop_with_lease(db);
	struct outbox_voucher v[2] = { { .code = STR("A1"), .pool = STR("spring"), .percent = 10 },
		                           { .code = STR("A2"), .pool = STR("spring"), .percent = 10 } };
	struct outbox_slice s = { .epoch = e, .vouchers = v, .voucher_count = 2 };
	OK(db_begin(db, &err));
	OK(outbox_put(db, &s, &err));
	struct str code;
	bool found, known;
	OK(voucher_draw(db, STR("spring"), &KEY, &a, &code, &found, &err));
	ck_assert(found && str_is(code, "A1"));
	OK(voucher_draw(db, STR("spring"), &KEY, &a, &code, &found, &err));
	ck_assert(found && str_is(code, "A2"));
	OK(voucher_draw(db, STR("spring"), &KEY, &a, &code, &found, &err));
	ck_assert(!found);
	OK(voucher_start(db, STR("A1"), NOW, (struct instant){ NOW.s + 20 * DAY_S }, &err));
	OK(voucher_redeem(db, STR("A1"), STR("till:7"), NOW, &known, &err));
	ck_assert(known);
	OK(voucher_redeem(db, STR("A1"), STR("till:8"), NOW, &known, &err));
	ck_assert(!known);
	OK(suppression_put(db, 5, CHANNEL_EMAIL, STR("hard_bounce"), NOW, &err));
	OK(suppression_put(db, 5, CHANNEL_EMAIL, STR("complaint"), NOW, &err));
	struct tick_row t = { .at = NOW, .seq_hi = 3, .tzdata = STR("2024a"), .engine = STR("1"), .trace_sha256 = STR("") };
	OK(tick_put(db, &t, &err));
	ck_assert_int_eq(t.tick, 1);
	OK(db_commit(db, &err));
	OK(tick_last(db, &a, &t, &found, &err));
	ck_assert(found && t.seq_hi == 3 && str_is(t.tzdata, "2024a"));
	arena_release(&a);
	db_close(db);
}
END_TEST

/* ---- backups ---- */

START_TEST(a_restored_backup_sends_nothing_by_itself)
{
	struct err err;
	char file[400];
	const char *where = address(_i);
	struct db *db = fresh(where);
	int64_t e = shop_with_lease(db);
	OK(put_one(db, e, NOW.s, VERDICT_SEND, REASON_NONE, true, &err));
	snprintf(file, sizeof file, "%s/copy.backup", dir);
	OK(store_backup(db, file, &err));
	ck_assert(!store_backup(db, file, &err));
	struct fact later = order(1, "till:8", 1200000000, "{\"lines\":[[1,1,1]]}");
	OK(one_fact(db, &later, &err));
	db_close(db);
	ck_assert(!store_restore(file, where, false, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "--replace"));
	OK(store_restore(file, where, true, &err));
	struct shop shop;
	db = store_open(where, false, &shop, &err);
	ck_assert_msg(db != NULL, "%s", err.text);
	ck_assert_int_eq(shop.incarnation, 2);
	ck_assert_int_eq(count_rows(db, NULL), 3);
	ck_assert_int_eq(state_of(db), MESSAGE_UNCERTAIN);
	assert_sound(db);
	db_close(db);
	/* a backup of one database is a database of the other */
	const char *elsewhere = address(has_pg() ? !_i : 0);
	OK(store_restore(file, elsewhere, false, &err));
}
END_TEST

START_TEST(a_copy_put_back_is_noticed)
{
	struct err err;
	char command[1200];
	const char *where = address(0);
	struct db *db = fresh(where);
	OK(small_import(db, &err));
	OK(store_mark(db, &err));
	bool restored;
	OK(store_mark_check(db, &restored, &err));
	ck_assert(!restored);
	db_close(db);
	snprintf(command, sizeof command, "cp '%s' '%s.old'", where, where);
	ck_assert_int_eq(system(command), 0);
	db = store_open(where, false, NULL, &err);
	struct fact later = order(1, "till:8", 1200000000, "{\"lines\":[[1,1,1]]}");
	OK(one_fact(db, &later, &err));
	OK(store_mark(db, &err));
	db_close(db);
	snprintf(command, sizeof command, "mv '%s.old' '%s' && rm -f '%s-wal' '%s-shm'", where, where, where, where);
	ck_assert_int_eq(system(command), 0);
	struct shop shop;
	db = store_open(where, false, &shop, &err);
	OK(store_mark_check(db, &restored, &err));
	ck_assert(restored);
	ck_assert_int_eq(store_shop(db)->incarnation, 2);
	OK(store_mark_check(db, &restored, &err));
	ck_assert(!restored);
	db_close(db);
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(check_finds_damage)
{
	static const char *const DAMAGE[] = {
		"DELETE FROM fact WHERE seq = 2",
		"UPDATE fact SET seq = 9 WHERE seq = 3",
		"UPDATE fact SET body = '{\"lines\": [[1,6,1530]]}' WHERE seq = 2",
		"UPDATE document SET seq = 1 WHERE seq = 2",
		"DELETE FROM document WHERE seq = 3",
		"DELETE FROM customer WHERE customer_id = 2",
		"UPDATE person SET email = 'bob@example.org'",
		"DELETE FROM address",
		"UPDATE shard SET seq_hi = 7",
		"INSERT INTO message (customer_id, plan, run_no, step, channel, state, purpose, version, variant, locale, message, due_at,"
		" queued_at, try_after, tries, epoch) VALUES (1, 'x', 1, 'y', 0, 0, 0, 1, 0, 0, 'm', 1, 1, 1, 0, 0)",
	};
	struct err err;
	for (size_t i = 0; i < ARRAY_LEN(DAMAGE); i++) {
		struct db *db = fresh(address(_i));
		OK(small_import(db, &err));
		assert_sound(db);
		OK(db_exec(db, DAMAGE[i], &err));
		int64_t findings = 0;
		OK(store_check(db, NULL, NULL, &findings, &err));
		ck_assert_msg(findings > 0, "%s", DAMAGE[i]);
		db_close(db);
	}
}
END_TEST

START_TEST(every_fault_is_all_or_nothing)
{
	struct err err;
	struct db *db = fresh(address(_i));
	int64_t fired = 0;
	for (int64_t nth = 1;; nth++) {
		db_fault(nth);
		bool ok = small_import(db, &err);
		bool never = db_fault(0) > 0;
		ck_assert_int_eq(ok, never);
		ck_assert_int_eq(count_rows(db, NULL), never ? 3 : 0);
		ck_assert(!db_in_transaction(db));
		if (never)
			break;
		fired++;
		ck_assert_ptr_nonnull(strstr(err.text, "injected fault"));
	}
	ck_assert_int_gt(fired, 15);
	assert_sound(db);
	/* the same for a slice of decisions */
	OK(plan_row(db, &err));
	int64_t epoch;
	OK(store_lease(db, "host:1:a", NOW, 60, &epoch, &err));
	for (int64_t nth = 1;; nth++) {
		db_fault(nth);
		bool ok = put_one(db, epoch, NOW.s, VERDICT_SEND, REASON_NONE, true, &err);
		bool never = db_fault(0) > 0;
		ck_assert_int_eq(ok, never);
		ck_assert_int_eq(state_of(db), never ? MESSAGE_QUEUED : MESSAGE_STATE_COUNT);
		if (never)
			break;
	}
	assert_sound(db);
	db_close(db);
}
END_TEST

START_TEST(init_survives_every_fault)
{
	struct err err;
	struct shop shop = a_shop();
	const char *where = address(_i);
	for (int64_t nth = 1; nth < 1000; nth++) {
		db_fault(nth);
		bool ok = store_init(where, &shop, &err);
		if (db_fault(0) > 0) {
			OK(ok);
			break;
		}
		ck_assert(!ok);
	}
	struct db *db = store_open(where, false, NULL, &err);
	ck_assert_msg(db != NULL, "%s", err.text);
	assert_sound(db);
	db_close(db);
}
END_TEST

static void worker(const char *where, int who)
{
	struct err err;
	struct db *db = store_open(where, false, NULL, &err);
	struct store_ids *ids = db ? store_ids_load(db, &err) : NULL;
	for (int i = 0; ids && i < 40;) {
		struct store_batch *b = store_batch_begin(db, ids, NOW, &err);
		if (!b) {
			if (err.kind != ERR_CONFLICT)
				_exit(2);
			continue;
		}
		char key[64], ref[64];
		snprintf(key, sizeof key, "till:%d:%d", who, i);
		snprintf(ref, sizeof ref, "c%d:%d", i % 5 ? who : 9, i);
		struct fact f = order(store_customer(ids, str_from(ref), NULL), key, 1200000000, "{\"lines\":[[1,1,1]]}");
		if (!store_batch_fact(b, &f, NULL, &err))
			_exit(3);
		if (!store_batch_commit(b, &err)) {
			if (err.kind != ERR_CONFLICT)
				_exit(4);
			continue;
		}
		i++;
	}
	store_ids_free(ids);
	db_close(db);
	_exit(ids ? 0 : 1);
}

START_TEST(two_processes_share_a_database)
{
	struct err err;
	const char *where = address(_i);
	struct db *db = fresh(where);
	db_close(db);
	pid_t pids[3];
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			worker(where, i);
	}
	for (int i = 0; i < 3; i++) {
		int status;
		waitpid(pids[i], &status, 0);
		ck_assert_int_eq(status, 0);
	}
	db = store_open(where, false, NULL, &err);
	ck_assert_msg(db != NULL, "%s", err.text);
	ck_assert_int_eq(count_rows(db, NULL), 120);
	assert_sound(db);
	db_close(db);
}
END_TEST

/* Facts of 1 kB until something fails; the error says what, and what was committed before is there. */
static void fill(struct db *db, const char *says)
{
	struct err err;
	static char body[1200];
	int n = snprintf(body, sizeof body, "{\"name\":\"");
	memset(body + n, 'x', 1000);
	snprintf(body + n + 1000, 16, "\"}");
	int64_t kept = count_rows(db, NULL);
	for (int round = 0; round < 50; round++) {
		struct store_batch *b = store_batch_begin(db, NULL, NOW, &err);
		bool ok = b;
		for (int i = 0; ok && i < 2000; i++) {
			char key[32];
			snprintf(key, sizeof key, "e:%d:%d", round, i);
			struct fact f = { .customer = GUESTS, .kind = FACT_EVENT, .key = str_from(key), .at = NOW, .body = str_from(body) };
			ok = store_batch_fact(b, &f, NULL, &err);
		}
		if (ok)
			ok = store_batch_commit(b, &err);
		else if (b)
			store_batch_rollback(b);
		if (!ok) {
			ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
			ck_assert_int_eq(err.kind, ERR_WORLD);
			ck_assert_int_eq(count_rows(db, NULL), kept);
			return;
		}
		kept += 2000;
	}
	ck_abort_msg("the disk never filled");
}

START_TEST(a_full_disk_is_said)
{
	struct err err;
	struct db *db = fresh(address(0));
	OK(small_import(db, &err));
	OK(db_exec(db, "PRAGMA max_page_count = 1500", &err));
	fill(db, "disk full");
	assert_sound(db);
	db_close(db);
	db = fresh(address(0));
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit limit = { 6 << 20, 6 << 20 };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	fill(db, "disk full");
	db_close(db);
}
END_TEST

START_TEST(a_read_only_file_is_said)
{
	struct err err;
	const char *where = address(0);
	db_close(fresh(where));
	ck_assert_int_eq(chmod(where, 0444), 0);
	pid_t pid = fork();
	if (pid == 0) {
		/* root may write everything: be somebody else */
		if (chmod(dir, 0755) != 0 || (getuid() == 0 && chown(dir, 65534, 65534) != 0))
			_exit(9);
		char key[1100];
		snprintf(key, sizeof key, "%s.key", where);
		if (getuid() == 0 && (chown(key, 65534, 65534) != 0 || setuid(65534) != 0))
			_exit(8);
		struct db *db = store_open(where, false, NULL, &err);
		if (db) {
			struct fact f = order(GUESTS, "till:8", 1200000000, "{\"lines\":[[1,1,1]]}");
			if (one_fact(db, &f, &err))
				_exit(1);
		}
		fprintf(stderr, "(expected) %s\n", err.text);
		_exit(strstr(err.text, "read-only") || strstr(err.text, "cannot be opened") ? 0 : 2);
	}
	int status;
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_newer_database_is_refused)
{
	struct err err;
	const char *where = address(_i);
	struct db *db = fresh(where);
	OK(db_exec(db, "UPDATE shop SET value = '99' WHERE name = 'schema_version'", &err));
	db_close(db);
	ck_assert_ptr_null(store_open(where, false, NULL, &err));
	ck_assert_msg(strstr(err.text, "newer relance (schema 99"), "%s", err.text);
}
END_TEST

START_TEST(what_is_no_database_is_said)
{
	struct err err;
	const char *where = address(0);
	FILE *f = fopen(where, "w");
	for (int i = 0; i < 1000; i++)
		fputs("InvoiceNo,StockCode,Description\n", f);
	fclose(f);
	ck_assert_ptr_null(store_open(where, false, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "not a relance database"));
	ck_assert_ptr_null(store_open(address(0), false, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "relance init"));
	ck_assert_ptr_null(store_open(dir, false, NULL, &err));
	ck_assert_ptr_null(store_open("", false, NULL, &err));
	ck_assert_ptr_null(store_open("postgresql://u:secret@127.0.0.1:1/none?schema=x", false, NULL, &err));
	ck_assert_ptr_null(strstr(err.text, "secret"));
	ck_assert_ptr_null(store_open("postgresql://127.0.0.1:1/none?schema=x;y", false, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "schema is named"));
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
		{ known_documents_are_found, true },
		{ a_rollback_leaves_no_gap, true },
		{ persons_merge_and_are_found, true },
		{ addresses_have_one_form, false },
		{ products_merge_and_remember_prices, true },
		{ the_future_is_quarantined, true },
		{ decisions_merge_while_the_verdict_stays, true },
		{ a_message_exists_once, true },
		{ a_message_lives_its_states, true },
		{ a_crash_leaves_uncertain_only_what_was_sending, true },
		{ vouchers_are_drawn_once, true },
		{ a_restored_backup_sends_nothing_by_itself, true },
		{ a_copy_put_back_is_noticed, false },
		{ check_finds_damage, true },
		{ every_fault_is_all_or_nothing, true },
		{ init_survives_every_fault, true },
		{ two_processes_share_a_database, true },
		{ a_full_disk_is_said, false },
		{ a_read_only_file_is_said, false },
		{ a_newer_database_is_refused, true },
		{ what_is_no_database_is_said, false },
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
