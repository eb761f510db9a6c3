/* Method: migrations are numbered files inside the binary, applied in order in one transaction with the version row.
 * There is no way back: a backup is. */
#include "store/store_internal.h"

#include "base/embed.h"
#include "store/db_driver.h"

#include <stdio.h>

extern const struct embedded_file sql_migration_files[];
extern const size_t sql_migration_file_count;

static int64_t file_version(const struct embedded_file *f)
{
	int64_t v = 0;
	check(str_i64((struct str){ f->name, 4 }, &v) && v > 0);
	return v;
}

int64_t store_schema_version(void)
{
	check(sql_migration_file_count > 0);
	return file_version(&sql_migration_files[sql_migration_file_count - 1]);
}

/* One value by a statement that gives one row of text; found false when there is no row. */
static bool scalar(struct db *db, const char *sql, int64_t *out, bool *found, struct err *err)
{
	struct query *q = query_new(db, sql, err);
	if (!q)
		return false;
	int got = query_next(q, err);
	*found = got == 1 && str_i64(query_get_text(q, 0), out);
	query_done(q);
	query_free(q);
	return got >= 0;
}

bool migrate_version(struct db *db, int64_t *version, struct err *err)
{
	bool yes = false, found = false;
	*version = 0;
	if (!db_has_shop(db, &yes, err))
		return false;
	if (!yes)
		return true;
	if (!scalar(db, "SELECT value FROM shop WHERE name = 'schema_version'", version, &found, err))
		return false;
	return found ||
	       err_set(err, ERR_INPUT, "%s: the table \"shop\" holds no schema version: this is not a shop of relance",
	               db_address(db));
}

bool migrate_too_new(const struct db *db, int64_t version, struct err *err)
{
	return err_set(
		err, ERR_INPUT,
		"%s was written by a newer relance (schema %lld, this program knows %lld): install the newer program",
		db_address(db), (long long)version, (long long)store_schema_version());
}

bool migrate_lock(struct db *db, struct err *err)
{
	if (db_kind(db) == DB_SQLITE)
		return true; /* BEGIN IMMEDIATE is the lock */
	return db_exec(db, "SELECT pg_advisory_xact_lock(7451926)", err);
}

bool migrate_apply(struct db *db, int64_t from, struct err *err)
{
	check(db_in_transaction(db));
	for (size_t i = 0; i < sql_migration_file_count; i++) {
		const struct embedded_file *f = &sql_migration_files[i];
		if (file_version(f) <= from)
			continue;
		if (!db_exec(db, (const char *)f->data, err))
			return err_context(err, "migration %s", f->name);
	}
	char sql[256];
	snprintf(sql, sizeof sql,
	         "INSERT INTO shop (name, value) VALUES ('schema_version', '%lld') "
	         "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
	         (long long)store_schema_version());
	return db_exec(db, sql, err);
}
