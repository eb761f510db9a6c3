#include "app/erase.h"

#include "app/arrival.h"
#include "store/merge.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REJECT_LINE_MAX = 1 << 20, LEFT_MAX = 1 << 20 };

/* ---- messages written as files: "12.welcome.1.hello.email.eml" ---- */

static void leave(struct erase_report *r, const char *where, const char *why)
{
	buf_printf(&r->left, "%s: %s\n", where, why);
}

static void erase_files(const char *folder, customer_id c, struct erase_report *r)
{
	char prefix[16], path[4600];
	DIR *dir = opendir(folder);
	if (!dir) {
		if (errno != ENOENT)
			leave(r, folder, strerror(errno));
		return;
	}
	snprintf(prefix, sizeof prefix, "%u.", c);
	for (struct dirent *e; (e = readdir(dir));) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		if (unlink(path) == 0)
			r->files++;
		else
			leave(r, path, strerror(errno));
	}
	closedir(dir);
}

/* ---- rejected rows of imports: FILE.rejects.csv ---- */

/* Whether a field of the line is this text. */
static bool has_field(const char *line, struct str text)
{
	static const char ENDS[] = ",;\t\"\r\n";
	if (!text.n)
		return false;
	for (const char *at = line; (at = strcasestr(at, text.p)); at++)
		if ((at == line || strchr(ENDS, at[-1])) && strchr(ENDS, at[text.n]))
			return true;
	return false;
}

static bool names_them(const char *line, const struct erase_trace *n)
{
	return has_field(line, n->ref) || has_field(line, n->email) || has_field(line, n->phone);
}

static bool sift(FILE *in, FILE *out, const struct erase_trace *n, uint64_t *rows)
{
	char *line = mem_alloc(REJECT_LINE_MAX);
	bool ok = true;
	while (ok && fgets(line, REJECT_LINE_MAX, in)) {
		if (names_them(line, n))
			(*rows)++;
		else
			ok = fputs(line, out) >= 0;
	}
	free(line);
	return ok && !ferror(in);
}

static void erase_rejects(const char *path, const struct erase_trace *n, struct erase_report *r)
{
	char other[4200];
	uint64_t rows = 0;
	FILE *in = fopen(path, "re");
	if (!in) {
		if (errno != ENOENT)
			leave(r, path, strerror(errno));
		else if (path[0] != '/')
			leave(r, path, "not here; the import was told this path in another folder");
		return;
	}
	snprintf(other, sizeof other, "%s.part", path);
	FILE *out = fopen(other, "we");
	bool ok = out && sift(in, out, n, &rows);
	fclose(in);
	ok = out && fclose(out) == 0 && ok;
	if (ok && rows)
		ok = rename(other, path) == 0;
	if (!ok)
		leave(r, path, strerror(errno));
	else
		r->reject_rows += rows;
	if (out && (!ok || !rows))
		unlink(other);
}

static bool erase_all_rejects(struct db *db, const struct erase_trace *n, struct erase_report *r, struct arena *a,
                              struct err *err)
{
	struct query *q = db_query(db, "import_files");
	const char **paths = NULL;
	size_t count = 0, cap = 0;
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct str name = query_get_text(q, 0);
		paths = mem_grow(paths, &cap, count + 1, sizeof *paths);
		paths[count++] = str_is(name, "-") ? "stdin.rejects.csv" : arena_printf(a, "%.*s.rejects.csv", STR_ARG(name)).p;
	}
	for (size_t i = 0; got == 0 && i < count; i++)
		erase_rejects(paths[i], n, r);
	free(paths);
	return got == 0;
}

void erase_report_release(struct erase_report *r)
{
	buf_release(&r->left);
}

/* ---- all ---- */

static bool erase_rows(struct db *db, customer_id c, const char *actor, struct instant now, struct erasure *out,
                       struct err *err)
{
	char object[24];
	snprintf(object, sizeof object, "#%u", c);
	if (db_kind(db) == DB_SQLITE && !db_exec(db, "PRAGMA secure_delete=ON", err))
		return false;
	if (!db_begin(db, err))
		return false;
	bool ok = store_erase(db, c, now, out, err) &&
	          (out->was_erased || store_audit(db, now, actor, "customer erased", object, err)) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

static bool erase_record(struct db *db, customer_id c, const char *actor, struct instant now,
                         struct erase_traces *traces, struct erase_report *out, struct err *err)
{
	struct person p;
	struct str ref;
	struct erasure rows = { .orders = 0 };
	if (!store_person_of(db, c, &traces->arena, &p, &ref, err) || !erase_rows(db, c, actor, now, &rows, err))
		return false;
	traces->list[traces->count++] = (struct erase_trace){ .customer = c,
		                                                  .ref = str_from(arena_cstr(&traces->arena, ref)),
		                                                  .email = str_from(arena_cstr(&traces->arena, p.email)),
		                                                  .phone = str_from(arena_cstr(&traces->arena, p.phone)) };
	out->rows.orders += rows.orders;
	out->rows.facts += rows.facts;
	out->rows.messages += rows.messages;
	out->rows.was_erased = rows.was_erased;
	return true;
}

void erase_begin(struct erase_traces *traces, struct erase_report *out)
{
	*traces = (struct erase_traces){ .count = 0 };
	*out = (struct erase_report){ .files = 0 };
	arena_init(&traces->arena);
	buf_init(&out->left, LEFT_MAX);
}

void erase_end(struct erase_traces *traces)
{
	arena_release(&traces->arena);
}

/* The records merged into this one are the same person. They go first: cut off in between, a second try finds them. */
bool erase_person(struct db *db, customer_id c, const char *actor, struct instant now, struct erase_traces *traces,
                  struct erase_report *out, struct err *err)
{
	customer_id *records;
	size_t count = 0;
	bool ok = store_records(db, c, &traces->arena, &records, &count, err);
	struct erase_trace *all = arena_array(&traces->arena, struct erase_trace, traces->count + count + 1);
	if (traces->count)
		memcpy(all, traces->list, traces->count * sizeof *all);
	traces->list = all;
	for (size_t i = count; i-- > 0 && ok;)
		ok = erase_record(db, records[i], actor, now, traces, out, err);
	return ok;
}

bool erase_left(struct db *db, const char *folder, const struct erase_traces *traces, struct erase_report *out,
                struct err *err)
{
	struct arena a;
	bool ok = true;
	arena_init(&a);
	for (size_t i = 0; i < traces->count && ok; i++) {
		if (folder)
			erase_files(folder, traces->list[i].customer, out);
		ok = erase_all_rejects(db, &traces->list[i], out, &a, err);
	}
	arena_release(&a);
	return ok && store_erase_settle(db, &out->log_left, err);
}

bool erase_customer(struct db *db, customer_id c, const char *actor, const char *folder, struct instant now,
                    struct erase_report *out, struct err *err)
{
	struct erase_traces traces;
	erase_begin(&traces, out);
	bool ok = arrivals_settle(db, err) && erase_person(db, c, actor, now, &traces, out, err) &&
	          erase_left(db, folder, &traces, out, err);
	erase_end(&traces);
	return ok;
}
