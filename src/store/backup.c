/* Method: a backup is always one SQLite file. From SQLite it is made by SQLite's own online backup (a snapshot while
 * others write); from PostgreSQL every table is copied within one read-only snapshot. Restoring goes the other way and
 * begins a new incarnation. Keys are not in it. The file is written beside its place and renamed when whole. */
#include "store/store_internal.h"

#include "store/db_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLES_MAX = 64, COLUMNS_MAX = 40, PAGES_AT_ONCE = 2048 };

struct watch {
	void (*copied)(void *ctx, double share); /* or NULL */
	void *ctx;
};

static void tell(const struct watch *w, double done, double total)
{
	if (w && w->copied && total > 0)
		w->copied(w->ctx, done / total);
}

static bool sync_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (!ok)
		err_errno(err, "%s: cannot be written", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

static void remove_database(const char *path)
{
	char side[SIDE_PATH_MAX + 8];
	unlink(path);
	snprintf(side, sizeof side, "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof side, "%s-shm", path);
	unlink(side);
}

/* ---- SQLite to SQLite ---- */

/* Within a read transaction of `from`, else whoever writes meanwhile makes it begin again. */
static bool copy_pages(struct db *from, struct db *to, const struct watch *watch, struct err *err)
{
	sqlite3_backup *b = sqlite3_backup_init(to->conn, "main", from->conn, "main");
	int rc = b ? SQLITE_OK : sqlite3_errcode(to->conn);
	while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
		rc = sqlite3_backup_step(b, PAGES_AT_ONCE);
		int left = sqlite3_backup_remaining(b), all = sqlite3_backup_pagecount(b);
		tell(watch, all - left, all);
	}
	if (b)
		sqlite3_backup_finish(b);
	if (rc == SQLITE_DONE)
		return true;
	if ((rc & 0xff) == SQLITE_FULL)
		return err_set(err, ERR_WORLD, "%s: disk full: nothing was kept; free space and run the command again",
		               to->address);
	return err_set(err, ERR_WORLD, "%s: %s", to->address, sqlite3_errstr(rc));
}

static bool copy_file(struct db *from, struct db *to, const struct watch *watch, struct err *err)
{
	if (!db_begin_read(from, err))
		return false;
	bool ok = copy_pages(from, to, watch, err);
	db_rollback(from);
	return ok;
}

/* ---- table by table, between any two databases ---- */

struct table_shape {
	char name[64];
	char columns[COLUMNS_MAX][64];
	bool text[COLUMNS_MAX];
	size_t count;
};

/* The tables as the SQLite side has them. */
static bool shapes(struct db *lite, struct table_shape *out, size_t *count, struct err *err)
{
	struct query *q = query_new(lite,
	                            "SELECT m.name, c.name, c.type FROM sqlite_schema m JOIN pragma_table_info(m.name) c "
	                            "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid",
	                            err);
	if (!q)
		return false;
	int got;
	*count = 0;
	while ((got = query_next(q, err)) == 1) {
		struct str table = query_get_text(q, 0);
		if (*count == 0 || !str_is(table, out[*count - 1].name)) {
			check(*count < TABLES_MAX);
			out[*count].count = 0;
			snprintf(out[(*count)++].name, 64, "%.*s", STR_ARG(table));
		}
		struct table_shape *t = &out[*count - 1];
		check(t->count < COLUMNS_MAX);
		t->text[t->count] = str_is(query_get_text(q, 2), "TEXT");
		snprintf(t->columns[t->count++], 64, "%.*s", STR_ARG(query_get_text(q, 1)));
	}
	query_free(q);
	return got == 0;
}

static bool copy_rows(struct query *q, struct bulk *k, const struct table_shape *t, struct err *err)
{
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		for (size_t i = 0; i < t->count; i++) {
			if (query_is_null(q, (int)i))
				bulk_null(k);
			else if (t->text[i])
				bulk_text(k, query_get_text(q, (int)i));
			else
				bulk_int(k, query_get_int(q, (int)i));
		}
		if (!bulk_row(k, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

static bool copy_table(struct db *from, struct db *to, const struct table_shape *t, struct err *err)
{
	const char *columns[COLUMNS_MAX];
	struct buf sql;
	buf_init(&sql, SQL_MAX);
	buf_cstr(&sql, "SELECT ");
	for (size_t i = 0; i < t->count; i++) {
		columns[i] = t->columns[i];
		buf_printf(&sql, "%s%s", i ? ", " : "", t->columns[i]);
	}
	buf_printf(&sql, " FROM %s", t->name);
	struct query *q = query_new(from, sql.p, err);
	buf_release(&sql);
	struct bulk *k = q ? bulk_begin(to, t->name, columns, t->count, err) : NULL;
	bool ok = k && copy_rows(q, k, t, err);
	if (ok)
		ok = bulk_end(k, err);
	else
		bulk_abandon(k);
	query_free(q);
	return ok || err_context(err, "table %s", t->name);
}

/* `lite` is whichever of the two is SQLite. The target's tables are there and empty. */
static bool copy_tables(struct db *from, struct db *to, struct db *lite, const struct watch *watch, struct err *err)
{
	struct table_shape *all = mem_alloc(TABLES_MAX * sizeof *all);
	size_t count = 0;
	bool ok = shapes(lite, all, &count, err);
	for (size_t i = 0; i < count && ok; i++) {
		ok = copy_table(from, to, &all[i], err);
		tell(watch, (double)i + 1, (double)count);
	}
	free(all);
	return ok;
}

static bool empty_schema(struct db *to, struct err *err)
{
	return migrate_apply(to, 0, err) && db_exec(to, "DELETE FROM shop", err);
}

/* A new incarnation with nobody at work in it. */
static bool begin_again(struct db *to, int64_t above, struct err *err)
{
	return db_prepare(to, err) && store_incarnate(to, above, err) &&
	       query_run(db_query(to, "restore_lease"), NULL, err);
}

static bool copy_to_lite(struct db *from, struct db *to, const struct watch *watch, struct err *err)
{
	if (!db_begin_read(from, err))
		return false;
	bool ok = db_begin(to, err);
	if (ok) {
		ok = empty_schema(to, err) && copy_tables(from, to, to, watch, err) && db_commit(to, err);
		if (!ok)
			db_rollback(to);
	}
	db_rollback(from);
	return ok;
}

/* ---- backup ---- */

bool store_backup(struct db *db, const char *path, void (*copied)(void *ctx, double share), void *ctx, struct err *err)
{
	check(!db_in_transaction(db));
	const struct watch watch = { copied, ctx };
	struct stat st;
	char tmp[SIDE_PATH_MAX];
	if (snprintf(tmp, sizeof tmp, "%s.part", path) >= (int)sizeof tmp)
		return err_set(err, ERR_LIMIT, "%s: the path is too long", path);
	if (stat(path, &st) == 0)
		return err_set(err, ERR_INPUT, "%s exists already; nothing was written: choose another name", path);
	remove_database(tmp);
	struct db *to = db_open(tmp, DB_CREATE | DB_RAW, err);
	if (!to)
		return false;
	bool ok = db->kind == DB_SQLITE ? copy_file(db, to, &watch, err) : copy_to_lite(db, to, &watch, err);
	/* one file that stands alone: no write-ahead log beside it */
	ok = ok && db_exec(to, "PRAGMA journal_mode=DELETE", err);
	db_close(to);
	ok = ok && sync_file(tmp, err);
	if (ok && rename(tmp, path) != 0)
		ok = err_errno(err, "%s: cannot be written", path);
	if (!ok)
		remove_database(tmp);
	return ok;
}

/* ---- restore ---- */

/* A whole SQLite file at `path` with the backup's content, brought forward, in a new incarnation above `above`. */
static bool build_file(struct db *from, const char *path, int64_t version, int64_t above, struct err *err)
{
	remove_database(path);
	struct db *to = db_open(path, DB_CREATE | DB_RAW, err);
	if (!to)
		return false;
	bool ok = copy_pages(from, to, NULL, err) && db_exec(to, "PRAGMA journal_mode=WAL", err) && db_begin(to, err);
	if (ok) {
		ok = migrate_apply(to, version, err) && begin_again(to, above, err) && db_commit(to, err);
		if (!ok)
			db_rollback(to);
	}
	db_close(to);
	return ok && sync_file(path, err);
}

static bool restore_file(struct db *from, const char *address, int64_t version, int64_t above, struct err *err)
{
	char tmp[SIDE_PATH_MAX];
	if (snprintf(tmp, sizeof tmp, "%s.part", address) >= (int)sizeof tmp)
		return err_set(err, ERR_LIMIT, "%s: the path is too long", address);
	bool ok = build_file(from, tmp, version, above, err);
	if (ok) {
		remove_database(address); /* with its write-ahead log, which must not meet the new file */
		ok = rename(tmp, address) == 0 || err_errno(err, "%s: cannot be written", address);
	}
	if (!ok)
		remove_database(tmp);
	return ok;
}

static bool drop_tables(struct db *to, struct db *lite, struct err *err)
{
	struct table_shape *all = mem_alloc(TABLES_MAX * sizeof *all);
	size_t count = 0;
	bool ok = shapes(lite, all, &count, err);
	for (size_t i = 0; i < count && ok; i++) {
		char sql[128];
		snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", all[i].name);
		ok = db_exec(to, sql, err);
	}
	free(all);
	return ok;
}

/* PostgreSQL: all in one transaction. An older backup first becomes a SQLite file of today's schema. */
static bool restore_tables(struct db *from, struct db *to, int64_t above, bool there, struct err *err)
{
	if (!db_begin(to, err))
		return false;
	bool ok = migrate_lock(to, err) && (!there || drop_tables(to, from, err)) && empty_schema(to, err) &&
	          copy_tables(from, to, from, NULL, err) && begin_again(to, above, err) && db_commit(to, err);
	if (!ok)
		db_rollback(to);
	return ok;
}

/* One number of the shop, read without named queries; 0 when there is none. */
static bool shop_number(struct db *db, const char *name, int64_t *out, struct err *err)
{
	*out = 0;
	struct query *q = query_new(db, "SELECT value FROM shop WHERE name = ?1", err);
	if (!q)
		return false;
	query_text(q, 1, str_from(name));
	int got = query_next(q, err);
	if (got == 1 && !str_i64(query_get_text(q, 0), out))
		*out = 0;
	query_done(q);
	query_free(q);
	return got >= 0;
}

/* What stands at the target: whether a shop, its incarnation, and whether a program is running it. */
static bool look_at_target(struct db *to, bool replace, bool *there, int64_t *incarnation, struct err *err)
{
	*incarnation = 0;
	if (!db_has_shop(to, there, err))
		return false;
	if (!*there)
		return true;
	if (!replace)
		return err_set(err, ERR_INPUT,
		               "%s holds a shop already; nothing was changed: give --replace to put the backup in its place",
		               db_address(to));
	struct query *q =
		query_new(to, "SELECT lease_until FROM shard WHERE lease_owner IS NOT NULL AND lease_until > ?1", err);
	if (!q)
		return false;
	query_int(q, 1, store_clock().s);
	int got = query_next(q, err);
	query_done(q);
	query_free(q);
	if (got == 1)
		return err_set(err, ERR_CONFLICT, "%s is being run by a program: stop it first", db_address(to));
	return got == 0 && shop_number(to, "incarnation", incarnation, err);
}

static bool restore_into(struct db *from, const char *address, bool replace, int64_t version, struct err *err)
{
	int64_t incarnation = 0, other = 0;
	bool there = false;
	struct stat st;
	if (!shop_number(from, "incarnation", &incarnation, err))
		return false;
	bool lite = !strstr(address, "://");
	if (!lite || stat(address, &st) == 0) {
		struct db *to = db_open(address, DB_RAW | (lite ? 0 : DB_CREATE), err);
		if (!to)
			return false;
		bool ok = look_at_target(to, replace, &there, &other, err);
		if (other > incarnation)
			incarnation = other;
		if (ok && !lite)
			ok = version == store_schema_version() ? restore_tables(from, to, incarnation, there, err)
			                                       : err_set(err, ERR_INPUT,
			                                                 "this backup is of an older schema: restore it into a "
			                                                 "file first, back that up, restore again");
		db_close(to);
		if (!ok || !lite)
			return ok;
	}
	return restore_file(from, address, version, incarnation, err);
}

bool store_restore(const char *path, const char *address, bool replace, struct err *err)
{
	struct db *from = db_open(path, DB_RAW | DB_READ_ONLY, err);
	if (!from)
		return false;
	int64_t version = 0;
	bool ok = from->kind == DB_SQLITE || err_set(err, ERR_INPUT, "%s: a backup is a file", path);
	ok = ok && migrate_version(from, &version, err);
	if (ok && version == 0)
		ok = err_set(err, ERR_INPUT, "%s holds no shop", path);
	if (ok && version > store_schema_version())
		ok = migrate_too_new(from, version, err);
	ok = ok && restore_into(from, address, replace, version, err);
	db_close(from);
	return ok;
}
