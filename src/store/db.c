/* Method: what is the same for both drivers: addresses, named queries, the states a handle may be in, injected faults.
 */
#include "store/db_driver.h"

#include "base/embed.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct embedded_file sql_query_files[];
extern const size_t sql_query_file_count;

/* ---- injected faults ---- */

static atomic_llong fault_left;

int64_t db_fault(int64_t nth)
{
	return atomic_exchange(&fault_left, nth);
}

static bool fault(struct err *err)
{
	long long left = atomic_load_explicit(&fault_left, memory_order_relaxed);
	if (__builtin_expect(left == 0, 1))
		return false;
	if (left < 0) {
		if (atomic_fetch_add(&fault_left, 1) == -1)
			_exit(DB_FAULT_EXIT);
		return false;
	}
	if (atomic_fetch_sub(&fault_left, 1) != 1)
		return false;
	err_set(err, ERR_WORLD, "the database did not answer (injected fault): nothing of this batch was kept");
	return true;
}

/* ---- addresses ---- */

static bool is_postgres(struct str a)
{
	return str_starts(a, STR("postgresql://")) || str_starts(a, STR("postgres://"));
}

/* Copies the address without the option `name=…`; the option's value goes to *value (malloc'd) when value is not NULL.
 */
static char *without_option(const char *address, const char *name, char **value)
{
	size_t n = strlen(name);
	char *copy = mem_alloc(strlen(address) + 1);
	memcpy(copy, address, strlen(address));
	char *query = strchr(copy, '?');
	while (query) {
		char *option = query + 1, *end = option + strcspn(option, "&");
		if (strncmp(option, name, n) != 0 || option[n] != '=') {
			query = *end ? end : NULL;
			continue;
		}
		if (value)
			*value = strndup(option + n + 1, (size_t)(end - option) - n - 1);
		if (*end)
			memmove(option, end + 1, strlen(end + 1) + 1);
		else
			*query = '\0';
		return copy;
	}
	return copy;
}

static char *without_password(const char *address)
{
	char *copy = without_option(address, "password", NULL);
	char *host = strstr(copy, "://"), *at = host ? strchr(host, '@') : NULL;
	if (!at || at > host + 3 + strcspn(host + 3, "/?"))
		return copy;
	char *colon = memchr(host + 3, ':', (size_t)(at - host - 3));
	if (colon)
		memmove(colon, at, strlen(at) + 1);
	return copy;
}

static bool schema_name_ok(const char *s)
{
	size_t n = strlen(s);
	bool ok = n > 0 && n < 60 && !isdigit((unsigned char)s[0]);
	for (size_t i = 0; i < n; i++)
		ok = ok && (islower((unsigned char)s[i]) || isdigit((unsigned char)s[i]) || s[i] == '_');
	return ok;
}

/* ---- handles ---- */

struct db *db_open(const char *address, unsigned flags, struct err *err)
{
	struct db *db = mem_alloc(sizeof *db);
	bool pg = is_postgres(str_from(address));
	db->kind = pg ? DB_POSTGRES : DB_SQLITE;
	db->driver = pg ? &DRIVER_POSTGRES : &DRIVER_SQLITE;
	db->flags = flags;
	db->location = pg ? without_option(address, "schema", &db->schema) : strdup(address);
	db->address = pg ? without_password(address) : strdup(address);
	intern_init(&db->names);
	bool ok = true;
	if (db->schema && !schema_name_ok(db->schema))
		ok = err_set(err, ERR_INPUT, "%s: a schema is named with small letters, digits and _", db->address);
	else if (strlen(address) == 0)
		ok = err_set(err, ERR_INPUT, "the database's address is empty: give a file or postgresql://…");
	ok = ok && db->driver->open(db, err);
	if (ok && !(flags & DB_RAW)) {
		bool yes = false;
		ok = db_has_shop(db, &yes, err);
		if (ok && !yes)
			ok = err_set(err, ERR_INPUT, "%s holds no shop yet: make one with \"relance init\"", db->address);
		ok = ok && db_prepare(db, err);
	}
	if (ok)
		return db;
	db_close(db);
	return NULL;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->query_count; i++) {
		db->driver->unprepare(&db->queries[i]);
		free(db->queries[i].name);
		free(db->queries[i].sql);
	}
	free(db->queries);
	if (db->conn)
		db->driver->close(db);
	intern_release(&db->names);
	free(db->address);
	free(db->location);
	free(db->schema);
	free(db->user);
	free(db);
}

enum db_kind db_kind(const struct db *db)
{
	return db->kind;
}

const char *db_address(const struct db *db)
{
	return db->address;
}

bool db_has_shop(struct db *db, bool *yes, struct err *err)
{
	return !fault(err) && db->driver->has_shop(db, yes, err);
}

bool db_in_transaction(const struct db *db)
{
	return db->in_transaction;
}

static bool begin(struct db *db, bool write, struct err *err)
{
	check(!db->in_transaction);
	if (fault(err))
		return false;
	db->in_transaction = db->driver->begin(db, write, err);
	return db->in_transaction;
}

bool db_begin(struct db *db, struct err *err)
{
	return begin(db, true, err);
}

bool db_begin_read(struct db *db, struct err *err)
{
	return begin(db, false, err);
}

/* A failed commit is rolled back at once, so that the handle is free again. */
bool db_commit(struct db *db, struct err *err)
{
	check(db->in_transaction);
	bool ok = !fault(err) && db->driver->commit(db, err);
	if (!ok)
		db->driver->rollback(db);
	db->in_transaction = false;
	return ok;
}

void db_rollback(struct db *db)
{
	if (!db->in_transaction)
		return;
	db->driver->rollback(db);
	db->in_transaction = false;
	db->pipelined = false;
}

bool db_durable(struct db *db, bool on, struct err *err)
{
	check(!db->in_transaction);
	if (db->durable == on)
		return true;
	if (fault(err) || !db->driver->durable(db, on, err))
		return false;
	db->durable = on;
	return true;
}

bool db_log_left(struct db *db, struct err *err)
{
	return !db->driver->log_left || db->driver->log_left(db, err);
}

bool db_log_fold(struct db *db, int64_t bytes, struct err *err)
{
	check(!db->in_transaction);
	return !db->driver->log_fold || db->driver->log_fold(db, bytes, err);
}

bool db_log_empty(struct db *db, bool *emptied, struct err *err)
{
	check(!db->in_transaction);
	*emptied = true;
	return !db->driver->log_empty || db->driver->log_empty(db, emptied, err);
}

bool db_changes(struct db *db, int64_t *number, bool *told, struct err *err)
{
	*told = db->driver->changes != NULL;
	return !*told || (!fault(err) && db->driver->changes(db, number, err));
}

bool db_is_durable(const struct db *db)
{
	return db->durable || db->kind == DB_POSTGRES;
}

bool db_pipeline(struct db *db, bool on, struct err *err)
{
	check(db->in_transaction && db->pipelined != on);
	db->pipelined = on;
	return !fault(err) && db->driver->pipeline(db, on, err);
}

bool db_exec(struct db *db, const char *sql, struct err *err)
{
	struct str rest = str_from(sql);
	struct buf statement, own;
	buf_init(&statement, SQL_MAX);
	buf_init(&own, SQL_MAX);
	bool clustered, ok = true;
	while (ok && sql_statement(&rest, &statement, &clustered)) {
		sql_translate(db->kind, buf_view(&statement), clustered, &own, NULL);
		ok = !fault(err) && db->driver->exec(db, own.p, err);
	}
	buf_release(&statement);
	buf_release(&own);
	return ok;
}

/* ---- queries ---- */

static void query_init(struct query *q, struct db *db, struct str name, struct str sql)
{
	struct buf statement, own;
	buf_init(&statement, SQL_MAX);
	buf_init(&own, SQL_MAX);
	bool clustered;
	check(sql_statement(&sql, &statement, &clustered));
	*q = (struct query){ .db = db, .name = strndup(name.p, name.n) };
	sql_translate(db->kind, buf_view(&statement), false, &own, &q->params);
	q->sql = strdup(own.p);
	buf_release(&statement);
	buf_release(&own);
}

/* Adds the queries of one file: each follows a line "-- name: NAME". */
static void queries_add(struct db *db, const struct embedded_file *file, size_t *cap)
{
	static const char MARK[] = "-- name: ";
	const char *at = strstr((const char *)file->data, MARK);
	while (at) {
		const char *name = at + sizeof MARK - 1, *end = name + strcspn(name, "\n");
		const char *next = strstr(end, MARK);
		bool is_new;
		intern_put(&db->names, str_trim((struct str){ name, (size_t)(end - name) }), &is_new);
		check(is_new);
		db->queries = mem_grow(db->queries, cap, db->query_count + 1, sizeof *db->queries);
		query_init(&db->queries[db->query_count], db, intern_name(&db->names, (uint32_t)db->query_count),
		           (struct str){ end, next ? (size_t)(next - end) : strlen(end) });
		db->query_count++;
		at = next;
	}
}

bool db_prepare(struct db *db, struct err *err)
{
	check(db->query_count == 0);
	size_t cap = 0;
	for (size_t i = 0; i < sql_query_file_count; i++)
		queries_add(db, &sql_query_files[i], &cap);
	struct query **all = mem_alloc(db->query_count * sizeof *all);
	for (size_t i = 0; i < db->query_count; i++)
		all[i] = &db->queries[i];
	bool ok = !fault(err) && db->driver->prepare(all, db->query_count, err);
	free(all);
	return ok;
}

struct query *db_query(struct db *db, const char *name)
{
	uint32_t i = intern_find(&db->names, str_from(name));
	check(i != INTERN_NONE);
	return &db->queries[i];
}

struct query *query_new(struct db *db, const char *sql, struct err *err)
{
	struct query *q = mem_alloc(sizeof *q);
	char name[32];
	snprintf(name, sizeof name, "adhoc_%u", ++db->adhoc);
	query_init(q, db, str_from(name), str_from(sql));
	if (!fault(err) && db->driver->prepare(&q, 1, err))
		return q;
	query_free(q);
	return NULL;
}

void query_free(struct query *q)
{
	if (!q)
		return;
	q->db->driver->unprepare(q);
	free(q->name);
	free(q->sql);
	free(q);
}

void query_int(struct query *q, int index, int64_t v)
{
	check(index >= 1 && index <= q->params);
	q->db->driver->bind_int(q, index, v);
}

void query_text(struct query *q, int index, struct str s)
{
	check(index >= 1 && index <= q->params);
	q->db->driver->bind_text(q, index, s);
}

void query_null(struct query *q, int index)
{
	check(index >= 1 && index <= q->params);
	q->db->driver->bind_null(q, index);
}

bool query_run(struct query *q, int64_t *changed, struct err *err)
{
	check(!q->active);
	return !fault(err) && q->db->driver->run(q, changed, err);
}

int query_next(struct query *q, struct err *err)
{
	if (!q->active && fault(err))
		return -1;
	int got = q->db->driver->next(q, err);
	q->active = got == 1;
	if (got != 1)
		q->stream = false;
	return got;
}

void query_done(struct query *q)
{
	if (q->active)
		q->db->driver->done(q);
	q->active = q->stream = false;
}

bool query_is_null(struct query *q, int column)
{
	return q->db->driver->is_null(q, column);
}

int64_t query_get_int(struct query *q, int column)
{
	return q->db->driver->get_int(q, column);
}

struct str query_get_text(struct query *q, int column)
{
	return q->db->driver->get_text(q, column);
}

void query_stream(struct query *q)
{
	check(!q->active);
	q->stream = true;
}

/* ---- bulk ---- */

struct bulk *bulk_upsert(struct db *db, const char *table, const char *const *columns, size_t count, size_t keys,
                         struct err *err)
{
	check(db->in_transaction && !db->pipelined && count <= QUERY_PARAMS_MAX);
	return fault(err) ? NULL : db->driver->bulk_begin(db, table, columns, count, keys, err);
}

struct bulk *bulk_begin(struct db *db, const char *table, const char *const *columns, size_t count, struct err *err)
{
	return bulk_upsert(db, table, columns, count, 0, err);
}

struct bulk *bulk_begin_held(struct db *db, const char *table, const char *const *columns, size_t count,
                             struct err *err)
{
	struct bulk *b = bulk_begin(db, table, columns, count, err);
	if (!b || !b->driver->bulk_hold || b->driver->bulk_hold(b, err))
		return b;
	b->driver->bulk_abandon(b);
	return NULL;
}

void bulk_int(struct bulk *b, int64_t v)
{
	b->driver->bulk_int(b, v);
}

void bulk_text(struct bulk *b, struct str s)
{
	b->driver->bulk_text(b, s);
}

void bulk_null(struct bulk *b)
{
	b->driver->bulk_null(b);
}

bool bulk_row(struct bulk *b, struct err *err)
{
	return !fault(err) && b->driver->bulk_row(b, err);
}

bool bulk_end(struct bulk *b, struct err *err)
{
	if (!fault(err))
		return b->driver->bulk_end(b, err);
	b->driver->bulk_abandon(b);
	return false;
}

void bulk_abandon(struct bulk *b)
{
	if (b)
		b->driver->bulk_abandon(b);
}
