/* What goes wrong: damage, injected faults, several processes, full and read-only disks, strange files. */
#include "store_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

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
		"INSERT INTO message (customer_id, plan, run_no, step, channel, state, purpose, version, variant, locale, "
		"message, due_at,"
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

START_TEST(a_crash_at_any_step_keeps_all_or_nothing)
{
	struct err err;
	const char *where = address(_i);
	db_close(fresh(where));
	int crashes = 0, status = 0;
	for (int64_t nth = 1; nth < 1000; nth++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct db *own = store_open(where, false, NULL, &err);
			db_fault(-nth);
			_exit(own && small_import(own, &err) ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status));
		bool crashed = WEXITSTATUS(status) == DB_FAULT_EXIT;
		ck_assert(crashed || WEXITSTATUS(status) == 0);
		struct db *db = store_open(where, false, NULL, &err);
		ck_assert_msg(db != NULL, "%s", err.text);
		ck_assert_int_eq(count_rows(db, NULL), crashed ? 0 : 3);
		assert_sound(db);
		db_close(db);
		if (!crashed)
			break;
		crashes++;
	}
	ck_assert_int_gt(crashes, 15);
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
			struct fact f = {
				.customer = GUESTS, .kind = FACT_EVENT, .key = str_from(key), .at = NOW, .body = str_from(body)
			};
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
	const struct both_test tests[] = {
		{ check_finds_damage, true },
		{ every_fault_is_all_or_nothing, true },
		{ init_survives_every_fault, true },
		{ a_crash_at_any_step_keeps_all_or_nothing, true },
		{ two_processes_share_a_database, true },
		{ a_full_disk_is_said, false },
		{ a_read_only_file_is_said, false },
		{ a_newer_database_is_refused, true },
		{ what_is_no_database_is_said, false },
	};
	return run_both("store faults", tests, ARRAY_LEN(tests));
}
