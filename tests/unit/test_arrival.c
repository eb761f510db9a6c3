/* What is kept before it is among the facts: the same facts as told one by one, all or nothing whatever fails, nothing
 * lost and nothing twice wherever a program dies. */
#include "store_fixture.h"

#include "app/arrival.h"
#include "store/db_driver.h"

#include <sys/wait.h>

enum { MANY = 48, EACH = 7 };

static struct arena told_arena;

static struct str texts(const char *fmt, int i)
{
	return arena_printf(&told_arena, "%s%d", fmt, i);
}

static struct incoming_line *two_lines(int i)
{
	struct incoming_line *l = arena_array(&told_arena, struct incoming_line, 2);
	l[0] = (struct incoming_line){ texts("SKU", i % 5), STR("Théière « bleue »"), -1, -1250 };
	l[1] = (struct incoming_line){ texts("SKU", i % 3), STR(""), 3, 4500 + i };
	return l;
}

/* Number i of all that is told: every kind, keys told again with the same and with other content, a document that
 * becomes somebody else's, a date too far ahead, a fact without its date. */
static struct incoming told(int i)
{
	static struct str tags[] = { { "vip", 3 }, { "jardin", 6 } };
	struct incoming in = { .kind = (enum incoming_kind)(i % 6),
		                   .key = texts("k:", i % 31),
		                   .ref = texts("client ", i % 11),
		                   .at = { i % 7 == 3    ? 0
		                           : i % 13 == 5 ? NOW.s + 3 * DAY_S
		                                         : 1200000000 + i * 1000 } };
	switch (in.kind) {
	case IN_ORDER:
		in.ref = i % 12 == 6 ? STR("") : in.ref;
		in.order = (struct order_body){
			.channel = SALE_WEB, .voucher = STR("CODE"), .store = STR("Lille"), .seller = STR("")
		};
		break;
	case IN_CART:
		in.cart =
			(struct cart_body){ .cart = texts("c", i), .state = CART_PAID, .url = STR("https://shop.example/c?a=1") };
		break;
	case IN_CONSENT:
		in.consent = (struct consent_body){ .channel = CHANNEL_SMS,
			                                .purpose = PURPOSE_MARKETING,
			                                .state = i % 4 ? CONSENT_GRANTED : CONSENT_OPPOSED,
			                                .source = STR("form, 3:abc"),
			                                .wording = STR("J’accepte\nde recevoir") };
		break;
	case IN_PROFILE:
		in.person = (struct person){ .first_name = texts("Prénom", i),
			                         .email = arena_printf(&told_arena, "p%d@example.org", i % 5),
			                         .last_name = i % 4 ? STR("O'Neil") : STR(""),
			                         .city = STR("Lille") };
		in.profile = (struct profile_body){ .locale = i % 3 - 1,
			                                .created = INSTANT_NEVER,
			                                .born = i % 2 ? DATE_UNKNOWN : (struct date){ -3000 + i },
			                                .gender = i % 3 ? 'f' : 0,
			                                .zone = STR("Europe/Madrid"),
			                                .tags = tags,
			                                .tag_count = (size_t)(i % 3) };
		in.company_said = i % 2;
		break;
	case IN_EVENT: in.event = (struct event_body){ texts("visit", i % 3), -9000000000000 + i, STR("") }; break;
	case IN_PRODUCT:
		in.product = PRODUCT_UNSAID;
		in.product.sku = texts("SKU", i % 5);
		in.product.name = texts("Article ", i);
		in.product.price = 100 + i;
		in.product.attributes = STR("{\"size\":\"3,4:5\"}");
		break;
	}
	if (in.kind == IN_ORDER || in.kind == IN_CART) {
		in.lines = two_lines(i);
		in.line_count = (size_t)(1 + i % 2);
	}
	return in;
}

static void tell_singly(struct db *db)
{
	struct err err;
	struct store_ids *ids = store_ids_load(db, &err);
	struct arena a;
	struct buf body;
	arena_init(&a);
	buf_init(&body, BODY_MAX);
	for (int i = 0; i < MANY; i++) {
		struct facts_result r = { 0 };
		struct incoming in = told(i);
		struct store_batch *b = store_batch_begin(db, ids, NOW, &err);
		ck_assert_ptr_nonnull(b);
		OK(incoming_write(store_shop(db), ids, b, &in, NOW, &a, &body, &r, &err));
		OK(store_batch_commit(b, &err));
	}
	arena_release(&a);
	buf_release(&body);
	store_ids_free(ids);
}

/* Rows of EACH facts, kept in one go. */
static bool tell_arrivals(struct db *db, struct err *err)
{
	struct arrival list[MANY / EACH + 1];
	struct buf bodies[MANY / EACH + 1];
	size_t n = 0;
	int64_t last;
	for (int i = 0; i < MANY; i++) {
		struct incoming in = told(i);
		if (i % EACH == 0) {
			buf_init(&bodies[n], ARRIVAL_BYTES_MAX);
			arrival_begin(&bodies[n]);
			list[n++].facts = 0;
		}
		arrival_add(&bodies[n - 1], &in);
		list[n - 1].facts++;
	}
	for (size_t i = 0; i < n; i++)
		list[i].body = buf_view(&bodies[i]);
	bool ok = arrivals_put(db, list, n, NOW, &last, err);
	for (size_t i = 0; i < n; i++)
		buf_release(&bodies[i]);
	return ok;
}

/* Without the hash of the address: each shop has a key of its own. */
static bool dump_fact(void *ctx, const struct fact *f, struct err *err)
{
	static const char ADDRESS[] = "\"address\":\"";
	const char *found = memmem(f->body.p, f->body.n, ADDRESS, sizeof ADDRESS - 1);
	size_t until = found ? (size_t)(found - f->body.p) : f->body.n, rest = found ? until + sizeof ADDRESS + 15 : until;
	buf_printf(ctx, "%lld %u %d %.*s %lld %lld %.*s%.*s\n", (long long)f->seq, f->customer, (int)f->kind,
	           STR_ARG(f->key), (long long)f->at.s, (long long)f->learned_at.s, (int)until, f->body.p,
	           (int)(f->body.n - rest), f->body.p + rest);
	return true;
}

static void dump_rows(struct db *db, const char *sql, int columns, struct buf *out)
{
	struct err err;
	struct query *q = query_new(db, sql, &err);
	ck_assert_ptr_nonnull(q);
	while (query_next(q, &err) == 1) {
		for (int i = 0; i < columns; i++)
			buf_printf(out, "%.*s|", STR_ARG(query_get_text(q, i)));
		buf_char(out, '\n');
	}
	query_free(q);
}

/* Every table that facts are written to. */
static struct buf dump(struct db *db)
{
	struct err err;
	struct buf out;
	buf_init(&out, 1 << 24);
	OK(store_facts_after(db, 0, INT64_MAX, dump_fact, &out, &err));
	dump_rows(db, "SELECT first_name, last_name, email, city FROM person ORDER BY customer_id", 4, &out);
	dump_rows(db, "SELECT sku, name, attributes FROM product ORDER BY product_id", 3, &out);
	dump_rows(db, "SELECT ref FROM customer ORDER BY customer_id", 1, &out);
	dump_rows(db, "SELECT key, body FROM quarantine ORDER BY id", 2, &out);
	return out;
}

static void assert_same(const struct buf *wanted, const struct buf *got)
{
	size_t at = 0, line = 0;
	while (at < wanted->n && at < got->n && wanted->p[at] == got->p[at])
		line = wanted->p[at++] == '\n' ? at : line;
	if (at < wanted->n || at < got->n)
		ck_abort_msg("wanted: %.300s\ngot: %.300s", wanted->p + line, got->p + line);
}

START_TEST(the_same_as_told_one_by_one)
{
	struct err err;
	struct db *singly = fresh(address(_i)), *kept = fresh(address(_i));
	struct arrivals w;
	arena_init(&told_arena);
	tell_singly(singly);
	OK(tell_arrivals(kept, &err));
	ck_assert_int_eq(count_rows(kept, NULL), 0); /* kept, and no more */
	OK(arrivals_waiting(kept, &w, &err));
	ck_assert_int_eq(w.facts, MANY);
	ck_assert_int_eq(w.oldest.s, NOW.s);
	OK(arrivals_settle(kept, &err));
	struct buf a = dump(singly), b = dump(kept);
	ck_assert_int_gt((int)a.n, 4000);
	assert_same(&a, &b);
	OK(arrivals_waiting(kept, &w, &err));
	ck_assert_int_eq(w.last, 0);
	assert_sound(kept);
	OK(tell_arrivals(kept, &err)); /* told again: nothing is new but what had no date of its own, or another version */
	OK(arrivals_settle(kept, &err));
	assert_sound(kept);
	buf_release(&a);
	buf_release(&b);
	db_close(singly);
	db_close(kept);
	arena_release(&told_arena);
}
END_TEST

START_TEST(every_fault_is_all_or_nothing)
{
	struct err err;
	struct arrivals w;
	arena_init(&told_arena);
	struct db *db = fresh(address(_i)), *wanted = fresh(address(_i));
	tell_singly(wanted);
	int64_t fired = 0, all = count_rows(wanted, NULL);
	for (int64_t nth = 1;; nth++, fired++) {
		db_fault(nth);
		bool ok = tell_arrivals(db, &err), never = db_fault(0) > 0;
		ck_assert_int_eq(ok, never);
		OK(arrivals_waiting(db, &w, &err));
		ck_assert_int_eq(w.facts, never ? MANY : 0);
		if (never)
			break;
	}
	for (int64_t nth = 1;; nth++, fired++) {
		struct applied done;
		struct store_ids *ids = store_ids_load(db, &err);
		ck_assert_ptr_nonnull(ids);
		db_fault(nth);
		bool ok = arrivals_apply(db, ids, INT64_MAX, MANY, &done, &err), never = db_fault(0) > 0;
		store_ids_free(ids);
		ck_assert_int_eq(ok, never);
		ck_assert_int_eq(count_rows(db, NULL), never ? all : 0);
		OK(arrivals_waiting(db, &w, &err));
		ck_assert_int_eq(w.facts, never ? 0 : MANY);
		if (never)
			break;
	}
	ck_assert_int_gt(fired, 20);
	struct buf a = dump(wanted), b = dump(db);
	assert_same(&a, &b);
	buf_release(&a);
	buf_release(&b);
	db_close(db);
	db_close(wanted);
	arena_release(&told_arena);
}
END_TEST

/* The program ends at the nth operation of keeping and applying in slices; the next one goes on. */
START_TEST(it_dies_anywhere)
{
	struct err err;
	arena_init(&told_arena);
	struct db *wanted = fresh(address(_i));
	tell_singly(wanted);
	struct buf a = dump(wanted);
	for (int64_t nth = 1;; nth += 5) {
		char where[1024];
		snprintf(where, sizeof where, "%s", address(_i));
		db_close(fresh(where));
		pid_t child = fork();
		ck_assert_int_ge(child, 0);
		if (child == 0) {
			struct db *db = store_open(where, false, NULL, &err);
			struct store_ids *ids = db ? store_ids_load(db, &err) : NULL;
			struct applied done = { .facts = 1 };
			db_fault(-nth);
			bool ok = ids && tell_arrivals(db, &err);
			while (ok && done.facts)
				ok = arrivals_apply(db, ids, INT64_MAX, EACH, &done, &err);
			_exit(ok ? 0 : 1);
		}
		int status;
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DB_FAULT_EXIT));
		struct db *db = shop_open(where, false, NULL, &err);
		ck_assert_ptr_nonnull(db);
		struct buf b = dump(db);
		if (b.n) /* it had been kept */
			assert_same(&a, &b);
		assert_sound(db);
		buf_release(&b);
		db_close(db);
		if (WEXITSTATUS(status) == 0) {
			ck_assert_int_gt(nth, 50);
			break;
		}
	}
	buf_release(&a);
	db_close(wanted);
	arena_release(&told_arena);
}
END_TEST

START_TEST(who_only_reads_sees_it_applied)
{
	struct err err;
	char where[1024];
	arena_init(&told_arena);
	snprintf(where, sizeof where, "%s", address(_i));
	struct db *db = fresh(where);
	OK(tell_arrivals(db, &err));
	struct db *reader = shop_open(where, true, NULL, &err);
	ck_assert_ptr_nonnull(reader);
	ck_assert_int_gt(count_rows(reader, NULL), 30);
	db_close(reader);
	db_close(db);
	arena_release(&told_arena);
}
END_TEST

START_TEST(a_damaged_row_is_named)
{
	static const char *const DAMAGE[] = {
		"'2,'", "'1,0,'", "'1,9,3:abc'", "'1,4,9:abc'", "'1,4,-3:abc'", "'1,4,3:k:1,'", "'1,4,99999999999999999999:a'",
		"''"
	};
	struct err err;
	int64_t bad;
	arena_init(&told_arena);
	for (size_t i = 0; i < ARRAY_LEN(DAMAGE); i++) {
		struct db *db = fresh(address(_i));
		char sql[200];
		OK(tell_arrivals(db, &err));
		OK(arrivals_check(db, &bad, &err));
		ck_assert_int_eq(bad, 0);
		snprintf(sql, sizeof sql, "UPDATE arrival SET body = %s WHERE id = 3", DAMAGE[i]);
		OK(db_exec(db, sql, &err));
		OK(arrivals_check(db, &bad, &err));
		ck_assert_int_eq(bad, 3);
		ck_assert(!arrivals_settle(db, &err));
		ck_assert_ptr_nonnull(strstr(err.text, "number 3 (table arrival) cannot be read"));
		ck_assert_int_eq(count_rows(db, NULL), 0);
		db_close(db);
	}
	arena_release(&told_arena);
}
END_TEST

int main(void)
{
	static struct both_test tests[5];
	const TTest *const all[] = { the_same_as_told_one_by_one, every_fault_is_all_or_nothing, it_dies_anywhere,
		                         who_only_reads_sees_it_applied, a_damaged_row_is_named };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		tests[i] = (struct both_test){ all[i], true };
	return run_both("arrival", tests, ARRAY_LEN(all));
}
