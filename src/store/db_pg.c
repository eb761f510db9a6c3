/* Method: libpq with prepared statements. Numbers travel as text, texts as they are (binary format needs no NUL). Bulk
 * is a binary COPY; upserts go through a temporary table; many small writes use pipeline mode, drained every
 * PIPELINE_MAX statements so that neither side can block the other; large results come row by row. */
#include "store/db_driver.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIPELINE_MAX = 128, COPY_CHUNK = 1 << 18, COPY_ROW_MAX = 32 << 20 };

struct pg_query {
	const char *values[QUERY_PARAMS_MAX];
	int lengths[QUERY_PARAMS_MAX], formats[QUERY_PARAMS_MAX];
	char numbers[QUERY_PARAMS_MAX][24];
	PGresult *result;
	int row, rows;
};

/* State of the connection beyond libpq's own. */
struct pg {
	PGconn *c;
	int pending;
};

static PGconn *conn(struct db *db)
{
	return ((struct pg *)db->conn)->c;
}

/* The server's message without its end of line; DETAIL only where it can hold no personal data. */
static bool fail_state(struct db *db, const char *state, const PGresult *r, struct err *err)
{
	const char *where = db->address;
	if (!state || PQstatus(conn(db)) == CONNECTION_BAD)
		return err_set(err, ERR_WORLD, "%s: the connection to the database was lost; nothing of this batch was kept",
		               where);
	if (!strcmp(state, "40001") || !strcmp(state, "40P01") || !strcmp(state, "55P03"))
		return err_set(err, ERR_CONFLICT,
		               "%s: another program was writing the same rows; nothing of this batch was kept, run it again",
		               where);
	if (!strcmp(state, "53100"))
		return err_set(err, ERR_WORLD,
		               "%s: disk full: nothing of this batch was kept; free space and run the command again", where);
	if (!strcmp(state, "25006"))
		return err_set(err, ERR_WORLD, "%s is read-only: nothing was changed", where);
	if (!strcmp(state, "42501"))
		return err_set(err, ERR_WORLD, "%s: this user may not do that: %s", where,
		               PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
	if (!strcmp(state, "23505")) {
		const char *constraint = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
		const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
		bool plain = constraint && !strcmp(constraint, "message_pkey");
		return err_set(err, ERR_CONFLICT, "%s: a row with this key exists already (%s)", where,
		               plain && detail ? detail
		               : constraint    ? constraint
		                               : "key");
	}
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	return err_set(err, ERR_WORLD, "%s: %s", where, text ? text : "the server refused without a reason");
}

static bool fail(struct db *db, const PGresult *r, struct err *err)
{
	return fail_state(db, r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL, r, err);
}

static bool result_ok(const PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);
	return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK || s == PGRES_COPY_IN;
}

static bool pg_exec(struct db *db, const char *sql, struct err *err)
{
	PGresult *r = PQexec(conn(db), sql);
	bool ok = result_ok(r) || fail(db, r, err);
	PQclear(r);
	return ok;
}

static void quiet(void *arg, const PGresult *r)
{
}

static void first_line(char *s)
{
	s[strcspn(s, "\n")] = '\0';
}

static bool pg_open(struct db *db, struct err *err)
{
	struct pg *pg = mem_alloc(sizeof *pg);
	db->conn = pg;
	pg->c = PQconnectdb(db->location);
	if (PQstatus(pg->c) != CONNECTION_OK) {
		char text[512];
		snprintf(text, sizeof text, "%s", PQerrorMessage(pg->c));
		first_line(text);
		return err_set(err, ERR_WORLD, "%s: %s", db->address, text);
	}
	PQsetNoticeReceiver(pg->c, quiet, NULL);
	if (PQserverVersion(pg->c) < 130000)
		return err_set(err, ERR_INPUT, "%s: PostgreSQL 13 or newer is needed, this is %d", db->address,
		               PQserverVersion(pg->c) / 10000);
	if (PQsetClientEncoding(pg->c, "UTF8") != 0)
		return err_set(err, ERR_INPUT, "%s: the database does not speak UTF-8: make one with ENCODING 'UTF8'",
		               db->address);
	char sql[256];
	if (db->schema) {
		snprintf(sql, sizeof sql, "CREATE SCHEMA IF NOT EXISTS \"%s\"", db->schema);
		if ((db->flags & DB_CREATE) && !pg_exec(db, sql, err))
			return false;
		snprintf(sql, sizeof sql, "SET search_path TO \"%s\"", db->schema);
		if (!pg_exec(db, sql, err))
			return false;
	}
	snprintf(sql, sizeof sql, "SET lock_timeout = %d", DB_BUSY_MS);
	return pg_exec(db, sql, err) && pg_exec(db, "SET standard_conforming_strings = on", err) &&
	       (!(db->flags & DB_READ_ONLY) || pg_exec(db, "SET default_transaction_read_only = on", err));
}

static void pg_close(struct db *db)
{
	PQfinish(conn(db));
	free(db->conn);
}

static bool pg_begin(struct db *db, bool write, struct err *err)
{
	return pg_exec(
		db, write ? "BEGIN ISOLATION LEVEL READ COMMITTED" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
}

/* COMMIT of a failed transaction answers ROLLBACK without an error: that is a failure here. */
static bool pg_commit(struct db *db, struct err *err)
{
	PGresult *r = PQexec(conn(db), "COMMIT");
	bool ok = result_ok(r) || fail(db, r, err);
	if (ok && strcmp(PQcmdStatus(r), "COMMIT") != 0)
		ok = err_set(err, ERR_WORLD, "%s: the transaction had failed: nothing of this batch was kept", db->address);
	PQclear(r);
	return ok;
}

/* ---- pipeline ---- */

/* Waits for all answers; false with the first error. */
static bool drain(struct db *db, struct err *err)
{
	struct pg *pg = db->conn;
	bool ok = true;
	if (PQpipelineSync(pg->c) != 1)
		return fail(db, NULL, err);
	for (int nulls = 0; nulls < 2;) {
		PGresult *r = PQgetResult(pg->c);
		ExecStatusType s = r ? PQresultStatus(r) : PGRES_EMPTY_QUERY;
		nulls = r ? 0 : nulls + 1;
		if (r && s != PGRES_PIPELINE_SYNC && s != PGRES_PIPELINE_ABORTED && !result_ok(r) && ok)
			ok = fail(db, r, err);
		PQclear(r);
		if (r && s == PGRES_PIPELINE_SYNC)
			break;
	}
	pg->pending = 0;
	return ok;
}

static bool pg_pipeline(struct db *db, bool on, struct err *err)
{
	if (on)
		return PQenterPipelineMode(conn(db)) == 1 || fail(db, NULL, err);
	bool ok = drain(db, err);
	if (PQexitPipelineMode(conn(db)) != 1 && ok)
		ok = fail(db, NULL, err);
	return ok;
}

static void pg_rollback(struct db *db)
{
	struct err ignored;
	if (PQpipelineStatus(conn(db)) != PQ_PIPELINE_OFF)
		(void)!pg_pipeline(db, false, &ignored);
	for (PGresult *r; (r = PQgetResult(conn(db)));) {
		ExecStatusType s = PQresultStatus(r);
		PQclear(r);
		if (s == PGRES_COPY_IN)
			PQputCopyEnd(conn(db), "given up");
		if (PQstatus(conn(db)) == CONNECTION_BAD)
			break;
	}
	if (PQtransactionStatus(conn(db)) != PQTRANS_IDLE)
		(void)!pg_exec(db, "ROLLBACK", &ignored);
}

static bool pg_durable(struct db *db, bool on, struct err *err)
{
	return true;
}

static bool pg_has_shop(struct db *db, bool *yes, struct err *err)
{
	PGresult *r = PQexec(conn(db), "SELECT to_regclass(quote_ident(current_schema()) || '.shop') IS NOT NULL");
	bool ok = result_ok(r) || fail(db, r, err);
	if (ok)
		*yes = PQntuples(r) == 1 && PQgetvalue(r, 0, 0)[0] == 't';
	PQclear(r);
	return ok;
}

/* ---- queries ---- */

/* All statements in one round trip. */
static bool pg_prepare(struct query **queries, size_t count, struct err *err)
{
	if (count == 0)
		return true;
	struct db *db = queries[0]->db;
	bool ok = PQenterPipelineMode(conn(db)) == 1 || fail(db, NULL, err);
	size_t done = 0;
	while (ok && done < count) {
		size_t n = count - done < PIPELINE_MAX ? count - done : PIPELINE_MAX;
		for (size_t i = 0; i < n && ok; i++) {
			struct query *q = queries[done + i];
			q->stmt = mem_alloc(sizeof(struct pg_query));
			ok = PQsendPrepare(conn(db), q->name, q->sql, 0, NULL) == 1 || fail(db, NULL, err);
		}
		ok = ok && drain(db, err);
		done += n;
	}
	PQexitPipelineMode(conn(db));
	return ok;
}

static void pg_unprepare(struct query *q)
{
	struct pg_query *p = q->stmt;
	if (!p)
		return;
	PQclear(p->result);
	free(p);
}

static void pg_int(struct query *q, int index, int64_t v)
{
	struct pg_query *p = q->stmt;
	int n = snprintf(p->numbers[index - 1], sizeof p->numbers[0], "%lld", (long long)v);
	p->values[index - 1] = p->numbers[index - 1];
	p->lengths[index - 1] = n;
	p->formats[index - 1] = 0;
}

static void pg_text(struct query *q, int index, struct str s)
{
	struct pg_query *p = q->stmt;
	p->values[index - 1] = s.p ? s.p : "";
	p->lengths[index - 1] = (int)s.n;
	p->formats[index - 1] = 1;
}

static void pg_null(struct query *q, int index)
{
	struct pg_query *p = q->stmt;
	p->values[index - 1] = NULL;
}

static bool pg_send(struct query *q, struct err *err)
{
	struct pg_query *p = q->stmt;
	return PQsendQueryPrepared(conn(q->db), q->name, q->params, p->values, p->lengths, p->formats, 0) == 1 ||
	       fail(q->db, NULL, err);
}

static bool pg_run(struct query *q, int64_t *changed, struct err *err)
{
	struct pg_query *p = q->stmt;
	struct pg *pg = q->db->conn;
	if (q->db->pipelined) {
		check(!changed);
		if (!pg_send(q, err))
			return false;
		return ++pg->pending < PIPELINE_MAX || drain(q->db, err);
	}
	PGresult *r = PQexecPrepared(pg->c, q->name, q->params, p->values, p->lengths, p->formats, 0);
	bool ok = result_ok(r) || fail(q->db, r, err);
	if (ok && changed)
		*changed = strtoll(PQcmdTuples(r), NULL, 10);
	PQclear(r);
	return ok;
}

static void finish(struct query *q)
{
	struct pg_query *p = q->stmt;
	PQclear(p->result);
	p->result = NULL;
	p->row = p->rows = 0;
}

static int next_streamed(struct query *q, struct err *err)
{
	struct pg_query *p = q->stmt;
	PGconn *c = conn(q->db);
	if (!q->active && (!pg_send(q, err) || PQsetSingleRowMode(c) != 1))
		return -1;
	PQclear(p->result);
	p->row = 0;
	p->result = PQgetResult(c);
	if (p->result && PQresultStatus(p->result) == PGRES_SINGLE_TUPLE)
		return 1;
	bool ok = (p->result && result_ok(p->result)) || fail(q->db, p->result, err);
	finish(q);
	for (PGresult *r; (r = PQgetResult(c));)
		PQclear(r);
	return ok ? 0 : -1;
}

static int pg_next(struct query *q, struct err *err)
{
	struct pg_query *p = q->stmt;
	check(!q->db->pipelined);
	if (q->stream)
		return next_streamed(q, err);
	if (!q->active) {
		p->result = PQexecPrepared(conn(q->db), q->name, q->params, p->values, p->lengths, p->formats, 0);
		if (!result_ok(p->result)) {
			fail(q->db, p->result, err);
			finish(q);
			return -1;
		}
		p->rows = PQntuples(p->result);
		p->row = -1;
	}
	if (++p->row < p->rows)
		return 1;
	finish(q);
	return 0;
}

static void pg_done(struct query *q)
{
	if (q->stream) {
		char why[256];
		PGcancel *cancel = PQgetCancel(conn(q->db));
		if (cancel)
			PQcancel(cancel, why, sizeof why);
		PQfreeCancel(cancel);
		for (PGresult *r; (r = PQgetResult(conn(q->db)));)
			PQclear(r);
	}
	finish(q);
}

static bool pg_is_null(struct query *q, int column)
{
	struct pg_query *p = q->stmt;
	return PQgetisnull(p->result, p->row, column);
}

static int64_t pg_get_int(struct query *q, int column)
{
	struct pg_query *p = q->stmt;
	const char *s = PQgetvalue(p->result, p->row, column);
	bool minus = *s == '-';
	uint64_t v = 0;
	for (s += minus; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	return (int64_t)(minus ? 0 - v : v);
}

static struct str pg_get_text(struct query *q, int column)
{
	struct pg_query *p = q->stmt;
	return (struct str){ PQgetvalue(p->result, p->row, column), (size_t)PQgetlength(p->result, p->row, column) };
}

/* ---- bulk: binary COPY ---- */

struct pg_bulk {
	struct bulk base;
	struct buf buf;
	char *merge; /* the statement that moves the temporary table's rows; NULL: copied straight */
	uint16_t columns;
};

static char *merge_sql(const char *table, const char *const *columns, size_t count, size_t keys)
{
	struct buf b;
	buf_init(&b, SQL_MAX);
	buf_printf(&b, "INSERT INTO %s (", table);
	for (size_t i = 0; i < count; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", columns[i]);
	buf_cstr(&b, ") SELECT ");
	for (size_t i = 0; i < count; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", columns[i]);
	buf_printf(&b, " FROM bulk_%s ON CONFLICT (", table);
	for (size_t i = 0; i < keys; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", columns[i]);
	buf_cstr(&b, ") DO UPDATE SET ");
	for (size_t i = keys; i < count; i++)
		buf_printf(&b, "%s%s = excluded.%s", i > keys ? ", " : "", columns[i], columns[i]);
	return b.p;
}

static void bulk_free(struct pg_bulk *b)
{
	buf_release(&b->buf);
	free(b->merge);
	free(b);
}

static struct bulk *pg_bulk_begin(struct db *db, const char *table, const char *const *columns, size_t count,
                                  size_t keys, struct err *err)
{
	struct pg_bulk *b = mem_alloc(sizeof *b);
	struct buf sql;
	b->base = (struct bulk){ db, db->driver };
	b->columns = (uint16_t)count;
	buf_init(&b->buf, COPY_CHUNK + COPY_ROW_MAX);
	buf_init(&sql, SQL_MAX);
	bool ok = true;
	if (keys) {
		b->merge = merge_sql(table, columns, count, keys);
		buf_printf(&sql, "CREATE TEMP TABLE IF NOT EXISTS bulk_%s (LIKE %s) ON COMMIT DELETE ROWS", table, table);
		ok = pg_exec(db, sql.p, err);
		buf_clear(&sql);
		buf_printf(&sql, "TRUNCATE bulk_%s", table);
		ok = ok && pg_exec(db, sql.p, err);
		buf_clear(&sql);
	}
	buf_printf(&sql, "COPY %s%s (", keys ? "bulk_" : "", table);
	for (size_t i = 0; i < count; i++)
		buf_printf(&sql, "%s%s", i ? ", " : "", columns[i]);
	buf_cstr(&sql, ") FROM STDIN (FORMAT binary)");
	ok = ok && pg_exec(db, sql.p, err);
	buf_release(&sql);
	if (!ok) {
		bulk_free(b);
		return NULL;
	}
	buf_add(&b->buf, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
	uint16_t fields = htobe16(b->columns);
	buf_add(&b->buf, &fields, 2);
	return &b->base;
}

static void pg_bulk_int(struct bulk *bulk, int64_t v)
{
	struct pg_bulk *b = (struct pg_bulk *)bulk;
	uint64_t value = htobe64((uint64_t)v);
	buf_add(&b->buf, "\0\0\0\10", 4);
	buf_add(&b->buf, &value, 8);
}

static void pg_bulk_text(struct bulk *bulk, struct str s)
{
	struct pg_bulk *b = (struct pg_bulk *)bulk;
	uint32_t n = htobe32((uint32_t)s.n);
	buf_add(&b->buf, &n, 4);
	buf_str(&b->buf, s);
}

static void pg_bulk_null(struct bulk *bulk)
{
	struct pg_bulk *b = (struct pg_bulk *)bulk;
	buf_add(&b->buf, "\377\377\377\377", 4);
}

static bool put(struct pg_bulk *b, struct err *err)
{
	if (b->buf.full)
		return err_set(err, ERR_LIMIT, "%s: a row is longer than %d bytes", b->base.db->address, COPY_ROW_MAX);
	bool ok = PQputCopyData(conn(b->base.db), b->buf.p, (int)b->buf.n) == 1 || fail(b->base.db, NULL, err);
	buf_clear(&b->buf);
	return ok;
}

/* The field count of the next row is written ahead; bulk_end takes it back. */
static bool pg_bulk_row(struct bulk *bulk, struct err *err)
{
	struct pg_bulk *b = (struct pg_bulk *)bulk;
	if (b->buf.n >= COPY_CHUNK && !put(b, err))
		return false;
	uint16_t fields = htobe16(b->columns);
	buf_add(&b->buf, &fields, 2);
	return true;
}

static bool copy_end(struct pg_bulk *b, const char *give_up, struct err *err)
{
	struct db *db = b->base.db;
	bool ok = PQputCopyEnd(conn(db), give_up) == 1 || fail(db, NULL, err);
	for (PGresult *r; (r = PQgetResult(conn(db)));) {
		if (ok && !result_ok(r))
			ok = fail(db, r, err);
		PQclear(r);
		if (PQstatus(conn(db)) == CONNECTION_BAD)
			break;
	}
	return ok;
}

static bool pg_bulk_end(struct bulk *bulk, struct err *err)
{
	struct pg_bulk *b = (struct pg_bulk *)bulk;
	struct err ignored;
	b->buf.n -= 2;
	buf_add(&b->buf, "\377\377", 2);
	bool ok = put(b, err);
	ok = copy_end(b, ok ? NULL : "given up", ok ? err : &ignored) && ok;
	if (ok && b->merge)
		ok = pg_exec(bulk->db, b->merge, err);
	bulk_free(b);
	return ok;
}

static void pg_bulk_abandon(struct bulk *bulk)
{
	struct pg_bulk *b = (struct pg_bulk *)bulk;
	struct err ignored;
	(void)!copy_end(b, "given up", &ignored);
	bulk_free(b);
}

const struct driver DRIVER_POSTGRES = {
	.open = pg_open,
	.close = pg_close,
	.exec = pg_exec,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.durable = pg_durable,
	.pipeline = pg_pipeline,
	.has_shop = pg_has_shop,
	.prepare = pg_prepare,
	.unprepare = pg_unprepare,
	.bind_int = pg_int,
	.bind_text = pg_text,
	.bind_null = pg_null,
	.run = pg_run,
	.next = pg_next,
	.done = pg_done,
	.is_null = pg_is_null,
	.get_int = pg_get_int,
	.get_text = pg_get_text,
	.bulk_begin = pg_bulk_begin,
	.bulk_int = pg_bulk_int,
	.bulk_text = pg_bulk_text,
	.bulk_null = pg_bulk_null,
	.bulk_row = pg_bulk_row,
	.bulk_end = pg_bulk_end,
	.bulk_abandon = pg_bulk_abandon,
};
