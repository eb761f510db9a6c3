/* db_driver: what db.c asks of a driver. Private to src/store.
 *
 * Drivers report errors in words a person can use, with ERR_CONFLICT where the transaction may simply be run again.
 * They never log values. */
#ifndef RELANCE_STORE_DB_DRIVER_H
#define RELANCE_STORE_DB_DRIVER_H

#include "base/buf.h"
#include "base/intern.h"
#include "store/db.h"

enum { QUERY_PARAMS_MAX = 40, SQL_MAX = 1 << 20, DB_BUSY_MS = 10000 };

struct query {
	struct db *db;
	char *name; /* of the named query, or of an ad hoc one */
	char *sql;  /* in the driver's dialect */
	int params;
	bool active; /* rows are being read */
	bool stream;
	void *stmt;
};

struct driver {
	bool (*open)(struct db *db, struct err *err);
	void (*close)(struct db *db);
	bool (*exec)(struct db *db, const char *sql, struct err *err); /* one statement, own dialect */
	bool (*begin)(struct db *db, bool write, struct err *err);
	bool (*commit)(struct db *db, struct err *err);
	void (*rollback)(struct db *db);
	bool (*durable)(struct db *db, bool on, struct err *err);
	bool (*pipeline)(struct db *db, bool on, struct err *err);
	bool (*log_left)(struct db *db, struct err *err); /* NULL: there is no log */
	bool (*log_fold)(struct db *db, int64_t bytes, struct err *err);
	bool (*log_empty)(struct db *db, bool *emptied, struct err *err);
	bool (*changes)(struct db *db, int64_t *number, struct err *err); /* NULL: it does not tell */
	bool (*has_shop)(struct db *db, bool *yes, struct err *err);

	bool (*prepare)(struct query **queries, size_t count, struct err *err);
	void (*unprepare)(struct query *q);
	void (*bind_int)(struct query *q, int index, int64_t v);
	void (*bind_text)(struct query *q, int index, struct str s);
	void (*bind_null)(struct query *q, int index);
	bool (*run)(struct query *q, int64_t *changed, struct err *err);
	int (*next)(struct query *q, struct err *err);
	void (*done)(struct query *q);
	bool (*is_null)(struct query *q, int column);
	int64_t (*get_int)(struct query *q, int column);
	struct str (*get_text)(struct query *q, int column);

	struct bulk *(*bulk_begin)(struct db *db, const char *table, const char *const *columns, size_t count, size_t keys,
	                           struct err *err);
	bool (*bulk_hold)(struct bulk *b, struct err *err); /* texts stay until the end; NULL: makes no difference */
	void (*bulk_int)(struct bulk *b, int64_t v);
	void (*bulk_text)(struct bulk *b, struct str s);
	void (*bulk_null)(struct bulk *b);
	bool (*bulk_row)(struct bulk *b, struct err *err);
	bool (*bulk_end)(struct bulk *b, struct err *err);
	void (*bulk_abandon)(struct bulk *b);
};

extern const struct driver DRIVER_SQLITE, DRIVER_POSTGRES;

struct db {
	enum db_kind kind;
	unsigned flags;
	char *address;  /* without password */
	char *location; /* path, or connection string with password */
	char *schema;   /* PostgreSQL: schema=NAME; NULL */
	const struct driver *driver;
	bool in_transaction, pipelined, durable;
	struct turn *turn; /* SQLite: the file's, of a handle that writes */
	bool my_turn;
	void *verbs[5]; /* SQLite: BEGIN and the like, prepared when they are used first */
	void *conn;
	struct intern names;
	struct query *queries;
	size_t query_count;
	unsigned adhoc;
	void *user; /* the store's, freed on close */
};

struct bulk {
	struct db *db;
	const struct driver *driver;
};

/* One statement of a text: comments dropped. clustered: the comment right above it ends with that word. */
bool sql_statement(struct str *rest, struct buf *out, bool *clustered);
/* A statement of the common dialect in the driver's; params (may be NULL) is the highest ?n. */
void sql_translate(enum db_kind kind, struct str statement, bool clustered, struct buf *out, int *params);

/* An own statement, not a named one: upkeep, backup. */
struct query *query_new(struct db *db, const char *sql, struct err *err) MUST_CHECK;
void query_free(struct query *q);

#endif
