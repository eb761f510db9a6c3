/* Method: one connection per handle without SQLite's own locks (a handle belongs to one thread). WAL, so that readers
 * never wait for the writer. Text is read with sqlite3_column_blob: it is already UTF-8 and need not be copied for a
 * NUL. */
#include "store/db_driver.h"
#include "store/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x726c6e63 /* "rlnc" */ };

static bool fail(struct db *db, int rc, struct err *err)
{
	sqlite3 *s = db->conn;
	int os = s ? sqlite3_system_errno(s) : 0;
	const char *where = db->address;
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return err_set(err, ERR_WORLD,
		               "%s: disk full: nothing of this batch was kept; free space and run the command again", where);
	case SQLITE_READONLY:
		return err_set(
			err, ERR_WORLD,
			"%s is read-only: nothing was changed; give this user the right to write the file and its folder", where);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_CONFLICT,
		               "%s: another program is writing to it; nothing of this batch was kept, run it again", where);
	case SQLITE_NOTADB: return err_set(err, ERR_INPUT, "%s is not a relance database (not an SQLite file)", where);
	case SQLITE_CORRUPT: return err_set(err, ERR_WORLD, "%s is damaged: restore a backup (\"relance restore\")", where);
	case SQLITE_CANTOPEN:
		if (!os)
			return err_set(err, ERR_WORLD, "%s: cannot be opened: look at the rights of the file and its folder",
			               where);
		errno = os;
		return err_errno(err, "%s: cannot be opened", where);
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_WRITE || os == ENOSPC || os == EFBIG ||
		    os == EDQUOT) /* the cause is often lost on the way */
			return err_set(
				err, ERR_WORLD,
				"%s: disk full, over a size limit, or failing: nothing of this batch was kept; free space and run the "
				"command again",
				where);
		errno = os ? os : EIO;
		return err_errno(err, "%s: the disk failed: nothing of this batch was kept", where);
	case SQLITE_CONSTRAINT:
		return err_set(err, ERR_CONFLICT, "%s: a row with this key exists already, or a value is missing (%s)", where,
		               sqlite3_errmsg(s)); /* names columns, never values */
	default: return err_set(err, ERR_WORLD, "%s: %s", where, s ? sqlite3_errmsg(s) : sqlite3_errstr(rc));
	}
}

static bool lite_exec(struct db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->conn, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK || fail(db, rc, err);
}

/* What is said at every transaction, compiled once. */
enum verb { BEGIN_READ, BEGIN_WRITE, COMMIT, ROLLBACK, DATA_VERSION };

static sqlite3_stmt *verb(struct db *db, enum verb v)
{
	static const char *const TEXTS[] = {
		[BEGIN_READ] = "BEGIN",  [BEGIN_WRITE] = "BEGIN IMMEDIATE",      [COMMIT] = "COMMIT",
		[ROLLBACK] = "ROLLBACK", [DATA_VERSION] = "PRAGMA data_version",
	};
	_Static_assert(ARRAY_LEN(TEXTS) == ARRAY_LEN(db->verbs), "a place for each");
	sqlite3_stmt *s = db->verbs[v];
	if (!s && sqlite3_prepare_v3(db->conn, TEXTS[v], -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) == SQLITE_OK)
		db->verbs[v] = s;
	return s;
}

static int say(struct db *db, enum verb v)
{
	sqlite3_stmt *s = verb(db, v);
	if (!s)
		return sqlite3_errcode(db->conn);
	int rc = sqlite3_step(s);
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool pragma_int(struct db *db, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->conn, sql, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || fail(db, rc, err);
}

static void library_init(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* its counters take a global lock */
}

/* Another handle is writing. SQLite's own waiting grows to 100 ms a time, and a commit of ours lasts one or two:
 * whoever waits looks again after 0.2 ms at first, 1 ms, then 5 ms, DB_BUSY_MS in all. */
static int wait_for_writer(void *ctx, int tries)
{
	enum { QUICK = 50, MEDIUM = 200, SLOW_US = 5000 };
	(void)ctx;
	useconds_t us = tries < QUICK ? 200 : tries < MEDIUM ? 1000 : SLOW_US;
	if (tries > MEDIUM + DB_BUSY_MS * 1000 / SLOW_US)
		return 0;
	usleep(us);
	return 1;
}

static bool lite_open(struct db *db, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, library_init);
	struct stat st;
	bool exists = stat(db->location, &st) == 0;
	if (exists && !S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "%s is not a file", db->address);
	if (!exists && !(db->flags & DB_CREATE))
		return err_set(err, ERR_INPUT, "%s: no such database: make one with \"relance init\"", db->address);
	bool read_only = db->flags & DB_READ_ONLY;
	int flags =
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	if (!exists) {
		flags |= SQLITE_OPEN_CREATE;
		int fd =
			open(db->location, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600); /* personal data: for its owner alone */
		if (fd < 0)
			return err_errno(err, "%s: cannot be made", db->address);
		close(fd);
	}
	sqlite3 *s = NULL;
	int rc = sqlite3_open_v2(db->location, &s, flags, NULL);
	db->conn = s;
	if (rc != SQLITE_OK)
		return fail(db, rc, err);
	sqlite3_busy_handler(s, wait_for_writer, NULL);
	if (!read_only && stat(db->location, &st) == 0)
		db->turn = turn_open(&st);
	sqlite3_limit(s, SQLITE_LIMIT_ATTACHED, 0);
	int64_t id = 0, tables = 0;
	if (!pragma_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err) ||
	    !pragma_int(db, "PRAGMA application_id", &id, err))
		return false;
	if (tables && id != APPLICATION_ID)
		return err_set(err, ERR_INPUT, "%s is an SQLite file, but not a relance database", db->address);
	char sql[512];
	snprintf(sql, sizeof sql,
	         "PRAGMA page_size=4096; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536; PRAGMA mmap_size=17179869184;"
	         "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA wal_autocheckpoint=16000;"
	         "PRAGMA journal_size_limit=67108864; PRAGMA foreign_keys=OFF");
	if (!lite_exec(db, sql, err))
		return false;
	if (read_only || tables)
		return true;
	snprintf(sql, sizeof sql, "PRAGMA journal_mode=WAL; PRAGMA application_id=%d", APPLICATION_ID);
	return lite_exec(db, sql, err);
}

/* Nobody of this process waits longer than for another process; who waited in vain lets SQLite say that it is busy. */
static void take_turn(struct db *db)
{
	if (db->turn && !db->my_turn)
		db->my_turn = turn_take(db->turn, DB_BUSY_MS);
}

static void give_turn(struct db *db)
{
	if (db->my_turn)
		turn_give(db->turn);
	db->my_turn = false;
}

static void lite_close(struct db *db)
{
	for (size_t i = 0; i < ARRAY_LEN(db->verbs); i++)
		sqlite3_finalize(db->verbs[i]);
	sqlite3_close_v2(db->conn);
	give_turn(db);
	if (db->turn)
		turn_close(db->turn);
}

static bool lite_begin(struct db *db, bool write, struct err *err)
{
	if (write)
		take_turn(db);
	int rc = say(db, write ? BEGIN_WRITE : BEGIN_READ);
	if (rc != SQLITE_OK)
		give_turn(db);
	return rc == SQLITE_OK || fail(db, rc, err);
}

static bool lite_commit(struct db *db, struct err *err)
{
	int rc = say(db, COMMIT);
	if (rc == SQLITE_OK)
		give_turn(db);
	return rc == SQLITE_OK || fail(db, rc, err); /* it is rolled back next */
}

static void lite_rollback(struct db *db)
{
	/* a full disk may have rolled back already */
	if (!sqlite3_get_autocommit(db->conn))
		(void)say(db, ROLLBACK);
	give_turn(db);
}

static bool lite_changes(struct db *db, int64_t *number, struct err *err)
{
	sqlite3_stmt *s = verb(db, DATA_VERSION);
	int rc = s ? sqlite3_step(s) : sqlite3_errcode(db->conn);
	if (rc == SQLITE_ROW)
		*number = sqlite3_column_int64(s, 0);
	if (s)
		sqlite3_reset(s);
	return rc == SQLITE_ROW || fail(db, rc, err);
}

static bool lite_durable(struct db *db, bool on, struct err *err)
{
	return lite_exec(db, on ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
}

enum { LOG_LEFT_PAGES = 64000 }; /* a quarter of a GB: when nobody folds after all */

static bool lite_log_left(struct db *db, struct err *err)
{
	char sql[64];
	snprintf(sql, sizeof sql, "PRAGMA wal_autocheckpoint=%d", LOG_LEFT_PAGES);
	return lite_exec(db, sql, err);
}

static bool lite_log_fold(struct db *db, int64_t bytes, struct err *err)
{
	char path[4096];
	struct stat st;
	snprintf(path, sizeof path, "%s-wal", db->location);
	return stat(path, &st) != 0 || st.st_size <= bytes || lite_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", err);
}

/* While TRUNCATE waits for those who read, nobody writes: it waits a little only, after all there is to copy was copied
 * beside the others. Whoever wants the log empty asks again. */
enum { EMPTY_WAIT_MS = 30 };

static bool lite_log_empty(struct db *db, bool *emptied, struct err *err)
{
	int64_t busy = 0;
	bool ok = lite_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", err);
	sqlite3_busy_timeout(db->conn, EMPTY_WAIT_MS);
	ok = ok && pragma_int(db, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, err);
	sqlite3_busy_handler(db->conn, wait_for_writer, NULL);
	*emptied = ok && !busy;
	return ok;
}

static bool lite_pipeline(struct db *db, bool on, struct err *err)
{
	return true;
}

static bool lite_has_shop(struct db *db, bool *yes, struct err *err)
{
	int64_t n = 0;
	if (!pragma_int(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'shop'", &n, err))
		return false;
	*yes = n > 0;
	return true;
}

/* ---- queries ---- */

static bool lite_prepare(struct query **queries, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct query *q = queries[i];
		sqlite3_stmt *s = NULL;
		int rc = sqlite3_prepare_v3(q->db->conn, q->sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);
		q->stmt = s;
		if (rc != SQLITE_OK)
			return fail(q->db, rc, err), err_context(err, "query %s", q->name);
	}
	return true;
}

static void lite_unprepare(struct query *q)
{
	sqlite3_finalize(q->stmt);
}

static void lite_int(struct query *q, int index, int64_t v)
{
	sqlite3_bind_int64(q->stmt, index, v);
}

static void lite_text(struct query *q, int index, struct str s)
{
	sqlite3_bind_text64(q->stmt, index, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

static void lite_null(struct query *q, int index)
{
	sqlite3_bind_null(q->stmt, index);
}

/* A statement that writes outside of a transaction is one of its own. */
static void begin_alone(struct query *q)
{
	if (sqlite3_get_autocommit(q->db->conn) && !sqlite3_stmt_readonly(q->stmt))
		take_turn(q->db);
}

static void end_alone(struct query *q)
{
	if (sqlite3_get_autocommit(q->db->conn))
		give_turn(q->db);
}

static bool lite_run(struct query *q, int64_t *changed, struct err *err)
{
	int rc;
	begin_alone(q);
	do
		rc = sqlite3_step(q->stmt);
	while (rc == SQLITE_ROW);
	bool ok = rc == SQLITE_DONE;
	if (!ok)
		fail(q->db, rc, err);
	else if (changed)
		*changed = sqlite3_changes64(q->db->conn);
	sqlite3_reset(q->stmt);
	end_alone(q);
	return ok;
}

static int lite_next(struct query *q, struct err *err)
{
	if (!q->active)
		begin_alone(q);
	int rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		fail(q->db, rc, err);
	sqlite3_reset(q->stmt);
	end_alone(q);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void lite_done(struct query *q)
{
	sqlite3_reset(q->stmt);
	end_alone(q);
}

static bool lite_is_null(struct query *q, int column)
{
	return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

static int64_t lite_get_int(struct query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

static struct str lite_get_text(struct query *q, int column)
{
	const char *p = sqlite3_column_blob(q->stmt, column);
	return (struct str){ p ? p : "", p ? (size_t)sqlite3_column_bytes(q->stmt, column) : 0 };
}

/* ---- bulk: one prepared insert; of HELD_ROWS rows when the texts are held ---- */

enum { HELD_ROWS = 16 };

struct cell {
	const char *text; /* NULL: a number */
	int64_t v;        /* or the length of the text */
	bool null;
};

struct lite_bulk {
	struct bulk base;
	sqlite3_stmt *stmt, *many;
	struct cell *cells; /* HELD_ROWS × columns; NULL: not held */
	int column, columns, rows;
	char *into; /* "INSERT INTO t (…) VALUES " */
};

static void row_marks(struct buf *sql, int columns)
{
	for (int i = 0; i < columns; i++)
		buf_cstr(sql, i ? ", ?" : "(?");
	buf_char(sql, ')');
}

static bool lite_bulk_prepare(struct lite_bulk *b, int rows, sqlite3_stmt **out, struct err *err)
{
	struct buf sql;
	buf_init(&sql, SQL_MAX);
	buf_cstr(&sql, b->into);
	for (int i = 0; i < rows; i++) {
		buf_cstr(&sql, i ? ", " : "");
		row_marks(&sql, b->columns);
	}
	int rc = sqlite3_prepare_v2(b->base.db->conn, sql.p, -1, out, NULL);
	buf_release(&sql);
	return rc == SQLITE_OK || fail(b->base.db, rc, err);
}

static void lite_bulk_abandon(struct bulk *bulk)
{
	struct lite_bulk *b = (struct lite_bulk *)bulk;
	sqlite3_finalize(b->stmt);
	sqlite3_finalize(b->many);
	free(b->cells);
	free(b->into);
	free(b);
}

static struct bulk *lite_bulk_begin(struct db *db, const char *table, const char *const *columns, size_t count,
                                    size_t keys, struct err *err)
{
	struct buf sql;
	buf_init(&sql, SQL_MAX);
	buf_printf(&sql, "INSERT %sINTO %s (", keys ? "OR REPLACE " : "", table);
	for (size_t i = 0; i < count; i++)
		buf_printf(&sql, "%s%s", i ? ", " : "", columns[i]);
	buf_cstr(&sql, ") VALUES ");
	struct lite_bulk *b = mem_alloc(sizeof *b);
	b->base = (struct bulk){ db, db->driver };
	b->columns = (int)count;
	b->into = sql.p; /* released with the bulk */
	if (lite_bulk_prepare(b, 1, &b->stmt, err))
		return &b->base;
	lite_bulk_abandon(&b->base);
	return NULL;
}

static bool lite_bulk_hold(struct bulk *bulk, struct err *err)
{
	struct lite_bulk *b = (struct lite_bulk *)bulk;
	b->cells = mem_alloc(HELD_ROWS * (size_t)b->columns * sizeof *b->cells);
	return lite_bulk_prepare(b, HELD_ROWS, &b->many, err);
}

static void cell_bind(sqlite3_stmt *s, int index, const struct cell *c)
{
	if (c->null)
		sqlite3_bind_null(s, index);
	else if (c->text)
		sqlite3_bind_text64(s, index, c->text, (uint64_t)c->v, SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_int64(s, index, c->v);
}

static void lite_bulk_cell(struct bulk *bulk, struct cell c)
{
	struct lite_bulk *b = (struct lite_bulk *)bulk;
	if (b->cells)
		b->cells[b->rows * b->columns + b->column++] = c;
	else
		cell_bind(b->stmt, ++b->column, &c);
}

static void lite_bulk_int(struct bulk *bulk, int64_t v)
{
	lite_bulk_cell(bulk, (struct cell){ .v = v });
}

static void lite_bulk_text(struct bulk *bulk, struct str s)
{
	lite_bulk_cell(bulk, (struct cell){ .text = s.p ? s.p : "", .v = (int64_t)s.n });
}

static void lite_bulk_null(struct bulk *bulk)
{
	lite_bulk_cell(bulk, (struct cell){ .null = true });
}

static bool lite_bulk_step(struct bulk *bulk, sqlite3_stmt *s, struct err *err)
{
	int rc = sqlite3_step(s);
	if (rc != SQLITE_DONE)
		fail(bulk->db, rc, err);
	sqlite3_reset(s);
	return rc == SQLITE_DONE;
}

/* The rows that wait: all of them in one statement, or one by one. */
static bool lite_bulk_flush(struct lite_bulk *b, struct err *err)
{
	bool full = b->rows == HELD_ROWS, ok = true;
	for (int row = 0; row < b->rows && ok; row++) {
		int from = full ? row * b->columns : 0;
		for (int i = 0; i < b->columns; i++)
			cell_bind(full ? b->many : b->stmt, from + i + 1, &b->cells[row * b->columns + i]);
		ok = full || lite_bulk_step(&b->base, b->stmt, err);
	}
	b->rows = 0;
	return ok && (!full || lite_bulk_step(&b->base, b->many, err));
}

static bool lite_bulk_row(struct bulk *bulk, struct err *err)
{
	struct lite_bulk *b = (struct lite_bulk *)bulk;
	check(b->column == b->columns);
	b->column = 0;
	if (!b->cells)
		return lite_bulk_step(bulk, b->stmt, err);
	return ++b->rows < HELD_ROWS || lite_bulk_flush(b, err);
}

static bool lite_bulk_end(struct bulk *bulk, struct err *err)
{
	struct lite_bulk *b = (struct lite_bulk *)bulk;
	bool ok = !b->cells || lite_bulk_flush(b, err);
	lite_bulk_abandon(bulk);
	return ok;
}

const struct driver DRIVER_SQLITE = {
	.open = lite_open,
	.close = lite_close,
	.exec = lite_exec,
	.begin = lite_begin,
	.commit = lite_commit,
	.rollback = lite_rollback,
	.durable = lite_durable,
	.changes = lite_changes,
	.pipeline = lite_pipeline,
	.log_left = lite_log_left,
	.log_fold = lite_log_fold,
	.log_empty = lite_log_empty,
	.has_shop = lite_has_shop,
	.prepare = lite_prepare,
	.unprepare = lite_unprepare,
	.bind_int = lite_int,
	.bind_text = lite_text,
	.bind_null = lite_null,
	.run = lite_run,
	.next = lite_next,
	.done = lite_done,
	.is_null = lite_is_null,
	.get_int = lite_get_int,
	.get_text = lite_get_text,
	.bulk_begin = lite_bulk_begin,
	.bulk_hold = lite_bulk_hold,
	.bulk_int = lite_bulk_int,
	.bulk_text = lite_bulk_text,
	.bulk_null = lite_bulk_null,
	.bulk_row = lite_bulk_row,
	.bulk_end = lite_bulk_end,
	.bulk_abandon = lite_bulk_abandon,
};
