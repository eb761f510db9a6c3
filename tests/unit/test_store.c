/* Facts, persons, products, backups: what is put in comes out, on both databases. */
#include "store_fixture.h"

#include "app/duplicates.h"
#include "app/log_folder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

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
	struct fact back = {
		.customer = GUESTS, .kind = FACT_RETRACT, .key = STR("till:3"), .at = NOW, .body = STR("{\"kind\":\"order\"}")
	};
	OK(store_batch_fact(b, &back, NULL, &err));
	OK(store_batch_known(b, FACT_ORDER, STR("till:3"), &a, &got, &found, &err));
	ck_assert(!found);
	struct fact event = {
		.customer = 1, .kind = FACT_EVENT, .key = STR("e1"), .at = NOW, .body = STR("{\"name\":\"visit\"}")
	};
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

static void put_person(struct store_batch *b, struct store_ids *ids, const char *ref, struct person p)
{
	struct err err;
	customer_id c = store_customer(ids, str_from(ref), NULL);
	OK(store_batch_person(b, c, &p, NULL, &err));
}

static struct duplicates found(struct db *db)
{
	struct duplicates d;
	struct err err;
	OK(duplicates_find(db, store_shop(db), &d, &err));
	return d;
}

static void is_pair(const struct duplicate *d, customer_id one, customer_id other, uint8_t why,
                    enum duplicate_sure sure)
{
	ck_assert_uint_eq(d->one, one);
	ck_assert_uint_eq(d->other, other);
	ck_assert_uint_eq(d->why, why);
	ck_assert_uint_eq(d->sure, sure);
}

/* Look-alikes: by what, how sure, a switchboard told once, those said to be two left out, and who is merged is one. */
START_TEST(look_alikes)
{
	struct err err;
	struct db *db = fresh(address(_i));
	struct store_ids *ids = store_ids_load(db, &err);
	struct store_batch *b = store_batch_begin(db, ids, NOW, &err);
	put_person(
		b, ids, "1",
		(struct person){
			.first_name = STR("Zoé"), .last_name = STR("D’Arc"), .email = STR("z@x.fr"), .postcode = STR("59 000") });
	put_person(b, ids, "2",
	           (struct person){ .first_name = STR("ZOE"), .last_name = STR("darc"), .email = STR("Z@X.fr") });
	put_person(b, ids, "3",
	           (struct person){ .first_name = STR("zoë"), .last_name = STR("d'Arc"), .postcode = STR("59000") });
	put_person(b, ids, "4",
	           (struct person){ .first_name = STR("Ada"), .last_name = STR("Roy"), .phone = STR("06 12 34 56 78") });
	put_person(b, ids, "5",
	           (struct person){ .first_name = STR("Max"), .last_name = STR("Roy"), .phone = STR("+33612345678") });
	for (int i = 6; i < 20; i++) {
		char ref[8];
		snprintf(ref, sizeof ref, "%d", i);
		put_person(b, ids, ref, (struct person){ .email = STR("info@office.example") });
	}
	OK(store_batch_commit(b, &err));
	struct duplicates d = found(db);
	ck_assert_uint_eq(d.count, 3);
	is_pair(&d.items[0], 1, 2, DUPLICATE_EMAIL, DUPLICATE_HIGH);
	is_pair(&d.items[1], 1, 3, DUPLICATE_NAME, DUPLICATE_LOW);
	is_pair(&d.items[2], 4, 5, DUPLICATE_PHONE, DUPLICATE_LOW); /* one household's telephone */
	ck_assert_uint_eq(d.shared_count, 1);
	ck_assert_uint_eq(d.shared[0].records, 14);
	duplicates_release(&d);
	b = store_batch_begin(db, NULL, NOW, &err);
	OK(store_distinct(b, 5, 4, true, NOW, "test", &err));
	OK(store_distinct(b, 1, 3, true, NOW, "test", &err));
	OK(store_distinct(b, 1, 3, false, NOW, "test", &err));
	OK(store_merge(b, 1, 2, NOW, "test", &err));
	OK(store_batch_commit(b, &err));
	d = found(db);
	ck_assert_uint_eq(d.count, 1);
	is_pair(&d.items[0], 1, 3, DUPLICATE_NAME, DUPLICATE_LOW);
	duplicates_release(&d);
	assert_sound(db);
	store_ids_free(ids);
	db_close(db);
}
END_TEST

/* Whose record is whose: look-ups follow merges and un-merges of merges, and refuse what makes no sense. */
START_TEST(merges_lead_to_one)
{
	struct err err;
	struct arena a;
	struct person p;
	customer_id c, *records;
	size_t count;
	struct db *db = fresh(address(_i));
	struct store_ids *ids = store_ids_load(db, &err);
	struct store_batch *b = store_batch_begin(db, ids, NOW, &err);
	arena_init(&a);
	put_person(b, ids, "1", (struct person){ .last_name = STR("Roy"), .attributes = STR("{\"size\":\"42\"}") });
	put_person(b, ids, "2", (struct person){ .first_name = STR("Ada"), .email = STR("a@x.fr"), .city = STR("Lille") });
	put_person(b, ids, "3",
	           (struct person){ .phone = STR("0612345678"), .attributes = STR("{\"size\":\"40\",\"dog\":\"yes\"}") });
	OK(store_batch_commit(b, &err));
	b = store_batch_begin(db, NULL, NOW, &err);
	OK(store_merge(b, 2, 3, NOW, "test", &err));
	OK(store_merge(b, 1, 2, NOW, "test", &err));
	ck_assert(!store_merge(b, 2, 1, NOW, "test", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "already"));
	ck_assert(!store_merge(b, 1, 9, NOW, "test", &err));
	OK(store_batch_commit(b, &err));
	OK(store_find_customer(db, store_shop(db), STR("3"), &c, &err));
	ck_assert_uint_eq(c, 1);
	OK(store_find_customer(db, store_shop(db), STR("a@x.fr"), &c, &err));
	ck_assert_uint_eq(c, 1);
	OK(store_find_record(db, store_shop(db), STR("3"), &c, &err));
	ck_assert_uint_eq(c, 3);
	OK(store_person(db, 1, &a, &p, NULL, &err)); /* a name is taken as a whole: Roy is not Ada Roy */
	ck_assert(str_is(p.last_name, "Roy") && p.first_name.n == 0 && str_is(p.email, "a@x.fr"));
	ck_assert(str_is(p.phone, "0612345678") && str_is(p.city, "Lille"));
	ck_assert(str_is(p.attributes, "{\"size\":\"42\",\"dog\":\"yes\"}"));
	OK(store_records(db, 1, &a, &records, &count, &err));
	ck_assert_uint_eq(count, 3);
	assert_sound(db);
	b = store_batch_begin(db, NULL, NOW, &err);
	OK(store_unmerge(b, 2, NOW, "test", &c, &err));
	ck_assert_uint_eq(c, 1);
	OK(store_batch_commit(b, &err));
	OK(store_find_customer(db, store_shop(db), STR("3"), &c, &err));
	ck_assert_uint_eq(c, 2); /* stays with whom it was merged into first */
	b = store_batch_begin(db, NULL, NOW, &err);
	ck_assert(!store_unmerge(b, 2, NOW, "test", &c, &err));
	store_batch_rollback(b);
	assert_sound(db);
	store_ids_free(ids);
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
		{ "l\xc3\xa9"
		  "a@x.fr",
		  "le\xcc\x81"
		  "a@x.fr" },
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
	struct product_row row = { .sku = STR("85123A"),
		                       .category = STR("light"),
		                       .price = 199,
		                       .cost = -1,
		                       .vat_x2 = -1,
		                       .stock = -1,
		                       .lifetime_days = -1,
		                       .tier = -1 };
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
	OK(store_backup(db, file, NULL, NULL, &err));
	ck_assert(!store_backup(db, file, NULL, NULL, &err));
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
	int64_t epoch;
	OK(store_lease(db, "host:1:a", NOW, 60, &epoch, &err));
	OK(store_mark_check(db, &restored, &err));
	ck_assert(restored);
	OK(db_begin(db, &err));
	OK(store_fence(db, epoch, &err)); /* who noticed goes on */
	OK(db_commit(db, &err));
	ck_assert_int_eq(store_shop(db)->incarnation, 2);
	OK(store_mark_check(db, &restored, &err));
	ck_assert(!restored);
	db_close(db);
}
END_TEST

/* Ids that know every document answer as the table does, also for what another handle wrote or a rollback took back. */
START_TEST(seen_documents_are_the_table)
{
	struct err err;
	struct arena a;
	struct fact got;
	bool found;
	char key[16];
	arena_init(&a);
	const char *where = address(_i);
	struct db *db = fresh(where), *other = store_open(where, false, NULL, &err);
	OK(small_import(db, &err));
	struct store_ids *ids = store_ids_load(db, &err);
	OK(store_ids_documents(ids, db, &err));
	struct fact elsewhere = order(2, "till:77", 1200000000, "{\"lines\":[[1,1,1]]}");
	OK(one_fact(other, &elsewhere, &err));
	for (int round = 0; round < 2; round++) {
		struct store_batch *b = store_batch_begin(db, ids, NOW, &err);
		OK(store_batch_known(b, FACT_ORDER, STR("till:1"), &a, &got, &found, &err));
		ck_assert(found && got.seq == 2);
		OK(store_batch_known(b, FACT_ORDER, STR("till:77"), &a, &got, &found, &err));
		ck_assert(found && got.customer == 2 && got.seq == 4);
		for (int i = 0; i < 300; i++) { /* and many are written in one go */
			snprintf(key, sizeof key, "new:%d", i);
			OK(store_batch_known(b, FACT_ORDER, str_from(key), &a, &got, &found, &err));
			ck_assert(!found);
			struct fact f = order(1 + (customer_id)i % 2, key, 1200000000 + i, "{\"lines\":[[1,2,3]]}");
			OK(store_batch_fact(b, &f, NULL, &err));
		}
		if (round == 0)
			store_batch_rollback(b);
		else
			OK(store_batch_commit(b, &err));
	}
	struct store_batch *b = store_batch_begin(db, ids, NOW, &err);
	OK(store_batch_known(b, FACT_ORDER, STR("new:299"), &a, &got, &found, &err));
	ck_assert(found && got.seq == 304);
	store_batch_rollback(b);
	ck_assert_int_eq(count_rows(db, NULL), 304);
	assert_sound(db);
	store_ids_free(ids);
	arena_release(&a);
	db_close(other);
	db_close(db);
}
END_TEST

/* The newest fact of a key holds, among those that wait in a batch too. */
START_TEST(the_newest_that_waits_holds)
{
	struct err err;
	struct arena a;
	struct fact got;
	bool found;
	arena_init(&a);
	struct db *db = fresh(address(_i));
	OK(small_import(db, &err));
	struct store_batch *b = store_batch_begin(db, NULL, NOW, &err);
	struct fact visit = {
		.customer = 1, .kind = FACT_EVENT, .key = STR("e1"), .at = NOW, .body = STR("{\"name\":\"visit\"}")
	};
	struct fact other = visit, back = visit, again = visit;
	other.key = STR("e2");
	again.body = STR("{\"name\":\"again\"}");
	back.kind = FACT_RETRACT;
	back.body = STR("{\"kind\":\"event\"}");
	OK(store_batch_fact(b, &visit, NULL, &err));
	OK(store_batch_fact(b, &again, NULL, &err));
	OK(store_batch_fact(b, &other, NULL, &err));
	OK(store_batch_known_of(b, 1, FACT_EVENT, STR("e1"), &a, &got, &found, &err));
	ck_assert(found && str_eq(got.body, again.body));
	OK(store_batch_fact(b, &back, NULL, &err));
	OK(store_batch_known_of(b, 1, FACT_EVENT, STR("e1"), &a, &got, &found, &err));
	ck_assert(!found);
	OK(store_batch_known_of(b, 1, FACT_EVENT, STR("e2"), &a, &got, &found, &err));
	ck_assert(found);
	store_batch_rollback(b);
	arena_release(&a);
	db_close(db);
}
END_TEST

struct busy_writer {
	struct db *db;
	atomic_int begun;
	atomic_bool stop;
};

static void *write_without_pause(void *ctx)
{
	struct busy_writer *w = ctx;
	struct err err;
	while (!w->stop && db_begin(w->db, &err)) {
		w->begun++;
		usleep(2000);
		if (!db_commit(w->db, &err))
			break;
	}
	return NULL;
}

/* One that commits without pause lets the next one of the same process in. */
START_TEST(writers_take_turns)
{
	struct err err;
	const char *where = address(0);
	struct db *db = fresh(where);
	struct busy_writer w = { .db = store_open(where, false, NULL, &err) };
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, write_without_pause, &w), 0);
	while (w.begun < 2)
		usleep(100);
	for (int i = 0; i < 20; i++) {
		int before = w.begun;
		OK(db_begin(db, &err));
		int waited = w.begun - before;
		OK(db_commit(db, &err));
		ck_assert_int_le(waited, 2);
		int64_t epoch; /* a statement of its own waits its turn as well */
		before = w.begun;
		OK(store_lease(db, "host:1:a", NOW, 60, &epoch, &err));
		ck_assert_int_le(w.begun - before, 3);
	}
	w.stop = true;
	pthread_join(thread, NULL);
	db_close(w.db);
	db_close(db);
}
END_TEST

static int64_t size_of(const char *path, const char *tail)
{
	char name[1100];
	struct stat st;
	snprintf(name, sizeof name, "%s%s", path, tail);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

static void write_mb(struct db *db, int mb, const char *name)
{
	struct err err;
	char *text = malloc(1 << 20);
	memset(text, 'x', 1 << 20);
	for (int i = 0; i < mb; i++) {
		OK(db_begin(db, &err));
		char mine[64];
		snprintf(mine, sizeof mine, "%s %d", name, i);
		OK(store_shop_set(db, mine, (struct str){ text, 1 << 20 }, &err));
		OK(db_commit(db, &err));
	}
	free(text);
}

/* Who commits no longer folds; the folder does, on a thread of its own, and ends when it is told. */
START_TEST(the_log_is_folded_by_a_thread_of_its_own)
{
	struct err err;
	const char *where = address(_i);
	struct db *db = fresh(where);
	int64_t before = size_of(where, "");
	OK(db_log_left(db, &err));
	write_mb(db, 40, "left");
	ck_assert_int_eq(size_of(where, ""), before);
	ck_assert_int_gt(size_of(where, "-wal"), 40 << 20);
	struct log_folder *folder;
	OK(log_folder_start(&folder, db, &err));
	ck_assert_ptr_nonnull(folder);
	for (int ms = 0; ms < 60000 && size_of(where, "") < 40 << 20; ms += 20)
		usleep(20000);
	ck_assert_int_ge(size_of(where, ""), 40 << 20);
	write_mb(db, 1, "after");
	log_folder_stop(folder);
	log_folder_stop(NULL);
	db_close(db);
}
END_TEST

int main(void)
{
	const struct both_test tests[] = {
		{ opens_what_it_made, true },
		{ facts_are_kept_in_order, true },
		{ known_documents_are_found, true },
		{ a_rollback_leaves_no_gap, true },
		{ persons_merge_and_are_found, true },
		{ look_alikes, true },
		{ merges_lead_to_one, true },
		{ addresses_have_one_form, false },
		{ products_merge_and_remember_prices, true },
		{ the_future_is_quarantined, true },
		{ a_restored_backup_sends_nothing_by_itself, true },
		{ a_copy_put_back_is_noticed, false },
		{ seen_documents_are_the_table, true },
		{ the_newest_that_waits_holds, true },
		{ writers_take_turns, false },
		{ the_log_is_folded_by_a_thread_of_its_own, false },
	};
	return run_both("store", tests, ARRAY_LEN(tests));
}
