/* db: one database, two drivers: SQLite (a path) and PostgreSQL (postgresql://…). Same schema, same named queries.
 *
 * Queries are named in sql/queries/NAME.sql files (`-- name: fact_insert` … one statement each), written in the common
 * dialect: parameters ?1, ?2 …; the driver turns them into $1 where needed. All are prepared when the database is
 * opened, so a bad one fails at once. Text order is byte order (COLLATE "C"), NULL order explicit.
 *
 * A handle belongs to one thread. db_begin … db_commit nest nowhere. On PostgreSQL a serialization failure or deadlock
 * comes back as ERR_CONFLICT: the caller runs the transaction again. A full disk, a read-only file, a lost server is an
 * ERR_WORLD that says what was kept and what to do. */
#ifndef RELANCE_STORE_DB_H
#define RELANCE_STORE_DB_H

#include "base/arena.h"
#include "base/err.h"

struct db;
struct query; /* a named, prepared statement of one handle */

enum db_kind { DB_SQLITE, DB_POSTGRES };

enum db_open_flags {
	DB_CREATE = 1, /* make it when absent */
	DB_READ_ONLY = 2,
	DB_RAW = 4, /* do not look at the schema: for init, migrate, restore */
};

/* `address`: a file path, or postgresql://user@host/db[?options], optionally with schema=NAME for one shop of several.
 */
struct db *db_open(const char *address, unsigned flags, struct err *err) MUST_CHECK;
void db_close(struct db *db);
enum db_kind db_kind(const struct db *db);
const char *db_address(const struct db *db); /* without password */

/* What stores of this program keep in a database is there (the table `shop`). */
bool db_has_shop(struct db *db, bool *yes, struct err *err) MUST_CHECK;

/* Prepares the named queries; done by db_open but for DB_RAW, whose schema may not be there yet. */
bool db_prepare(struct db *db, struct err *err) MUST_CHECK;

/* A write transaction (SQLite: BEGIN IMMEDIATE; PostgreSQL: READ COMMITTED, order is made by row locks), or a read-only
 * one that sees one state of the whole database. */
bool db_begin(struct db *db, struct err *err) MUST_CHECK;
bool db_begin_read(struct db *db, struct err *err) MUST_CHECK;
bool db_commit(struct db *db, struct err *err) MUST_CHECK;
void db_rollback(struct db *db); /* harmless when nothing is open */

bool db_in_transaction(const struct db *db);

/* true: a commit returns only when it survives a power cut (SQLite synchronous=FULL): before a message leaves. false,
 * the default: it survives a crash of the program; the newest commits may be lost to a power cut, never half of one.
 * PostgreSQL is always durable. Not inside a transaction. */
bool db_durable(struct db *db, bool on, struct err *err) MUST_CHECK;
bool db_is_durable(const struct db *db);

/* A number that is another one when another handle has committed since it was last asked; for this handle alone.
 * *told false: the database does not say (PostgreSQL). Outside a transaction. */
bool db_changes(struct db *db, int64_t *number, bool *told, struct err *err) MUST_CHECK;

/* SQLite's log is folded back into the file by whoever commits when it has grown, and all wait meanwhile. A program
 * with a thread to spare: db_log_left on the handles that write, db_log_fold now and then on a handle of that thread's
 * own: it folds what is more than `bytes` and keeps nobody waiting. Nothing on PostgreSQL. */
bool db_log_left(struct db *db, struct err *err) MUST_CHECK;
bool db_log_fold(struct db *db, int64_t bytes, struct err *err) MUST_CHECK;

/* All of the log goes into the file, nothing is left in it. *emptied false: others read or wrote all the while that we
 * waited (DB_BUSY_MS). Outside a transaction; PostgreSQL: nothing to do. */
bool db_log_empty(struct db *db, bool *emptied, struct err *err) MUST_CHECK;

/* Between db_pipeline(true) and db_pipeline(false), query_run(q, NULL, …) on PostgreSQL does not wait for the server's
 * answer: many small writes in few round trips. Errors may come late, at the latest from db_pipeline(false). Inside a
 * transaction, writes only. Nothing on SQLite. */
bool db_pipeline(struct db *db, bool on, struct err *err) MUST_CHECK;

/* For tests: the nth database operation from now on (statement, row of a bulk, begin, commit) of this process fails, as
 * if the world had; −n: the process ends right before it (_exit, nothing is flushed or closed); 0 switches off. Returns
 * the number still to go: not 0 when it has not fired. */
enum { DB_FAULT_EXIT = 70 };
int64_t db_fault(int64_t nth);

/* Runs statements given as text (migrations, PRAGMA-like upkeep); in the common dialect. */
bool db_exec(struct db *db, const char *sql, struct err *err) MUST_CHECK;

/* A named query; aborts (check) when the name is unknown: that is a bug. Valid as long as the handle. */
struct query *db_query(struct db *db, const char *name);

void query_int(struct query *q, int index, int64_t v);     /* index from 1 */
void query_text(struct query *q, int index, struct str s); /* s must live until the query ran */
void query_null(struct query *q, int index);

/* Runs to the end; for statements without rows. `changed` (may be NULL) is the number of rows touched. */
bool query_run(struct query *q, int64_t *changed, struct err *err) MUST_CHECK;

/* Rows: 1 = a row, 0 = no more, −1 = error. Columns from 0; text is valid until the next call on q. */
int query_next(struct query *q, struct err *err) MUST_CHECK;
void query_done(struct query *q); /* ends reading early; needed unless query_next returned 0 or −1 */
bool query_is_null(struct query *q, int column);
int64_t query_get_int(struct query *q, int column);
struct str query_get_text(struct query *q, int column);

/* Bulk append into a table, in one transaction opened by the caller: prepared inserts on SQLite, binary or text COPY on
 * PostgreSQL. Columns in the order named. */
struct bulk;
struct bulk *bulk_begin(struct db *db, const char *table, const char *const *columns, size_t count,
                        struct err *err) MUST_CHECK;
/* The same, for texts that stay where they are until bulk_end: rows are then written several at a time. */
struct bulk *bulk_begin_held(struct db *db, const char *table, const char *const *columns, size_t count,
                             struct err *err) MUST_CHECK;
/* The same, but a row whose first `keys` columns exist already replaces that row. Keys may not repeat within one bulk.
 */
struct bulk *bulk_upsert(struct db *db, const char *table, const char *const *columns, size_t count, size_t keys,
                         struct err *err) MUST_CHECK;
void bulk_int(struct bulk *b, int64_t v);
void bulk_text(struct bulk *b, struct str s);
void bulk_null(struct bulk *b);
bool bulk_row(struct bulk *b, struct err *err) MUST_CHECK; /* after all columns of a row */
bool bulk_end(struct bulk *b, struct err *err) MUST_CHECK; /* frees b, also on failure */
void bulk_abandon(struct bulk *b);

/* Streams a large result with bounded memory (PostgreSQL: single-row mode). Call it before the first query_next of a
 * run; until the rows are read, the handle can do nothing else. Nothing on SQLite, which always streams. */
void query_stream(struct query *q);

#endif
