#include "app/messages.h"

#include "base/embed.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

EMBEDDED(messages)

enum { FOLDER_DEPTH_MAX = 4 };

/* ---- a folder ---- */

static bool read_file(const char *path, struct buf *out, struct err *err)
{
	FILE *f = fopen(path, "rbe");
	if (!f)
		return err_errno(err, "%s", path);
	char block[8192];
	for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
		buf_add(out, block, n);
	bool ok = !ferror(f) && !out->full;
	fclose(f);
	return ok || err_set(err, ERR_INPUT, "%s: cannot be read, or is larger than %d MiB", path, LIQUID_SOURCE_MAX >> 20);
}

static bool add_file(struct message_set *set, const char *path, const char *name, struct err *err)
{
	struct buf bytes;
	buf_init(&bytes, LIQUID_SOURCE_MAX);
	bool ok = read_file(path, &bytes, err);
	if (ok)
		message_set_add(set, str_from(name), buf_view(&bytes));
	buf_release(&bytes);
	return ok;
}

static bool add_folder(struct message_set *set, const char *root, const char *below, int depth, struct err *err)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", root, below);
	DIR *dir = opendir(path);
	if (!dir)
		return err_errno(err, "%s", path);
	bool ok = true;
	for (struct dirent *e; ok && (e = readdir(dir));) {
		char name[2048], full[6200];
		struct stat st;
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s%s%s", below, below[0] ? "/" : "", e->d_name);
		snprintf(full, sizeof full, "%s/%s", root, name);
		if (stat(full, &st) == 0 && S_ISDIR(st.st_mode))
			ok = depth >= FOLDER_DEPTH_MAX || add_folder(set, root, name, depth + 1, err);
		else
			ok = add_file(set, full, name, err);
	}
	closedir(dir);
	return ok;
}

/* ---- what was saved ---- */

static bool add_saved(struct message_set *set, struct db *db, struct err *err)
{
	struct query *q = db_query(db, "message_texts");
	int got;
	while ((got = query_next(q, err)) == 1)
		message_set_add(set, query_get_text(q, 0), query_get_text(q, 1));
	return got == 0;
}

struct message_set *messages_collect(const char *folder, struct db *db, struct err *err)
{
	struct message_set *set = message_set_new();
	for (size_t i = 0; i < messages_file_count; i++)
		message_set_add(set, str_from(messages_files[i].name),
		                (struct str){ (const char *)messages_files[i].data, messages_files[i].size });
	if ((!folder || add_folder(set, folder, "", 0, err)) && (!db || add_saved(set, db, err)))
		return set;
	message_set_free(set);
	return NULL;
}

struct message_set *messages_load(const char *folder, struct db *db, struct err *err)
{
	struct message_set *set = messages_collect(folder, db, err);
	if (set && message_set_compile(set, err))
		return set;
	message_set_free(set);
	return NULL;
}

bool messages_revision(struct db *db, int64_t *revision, struct err *err)
{
	struct query *q = db_query(db, "message_revision");
	int got = query_next(q, err);
	*revision = got == 1 ? query_get_int(q, 0) : 0;
	query_done(q);
	return got >= 0;
}

/* ---- one ---- */

static bool newest(struct db *db, const char *path, struct arena *a, struct message_source *out, struct err *err)
{
	struct query *q = db_query(db, "message_history");
	query_text(q, 1, str_from(path));
	query_int(q, 2, 1);
	int got = query_next(q, err);
	if (got == 1) {
		out->version = query_get_int(q, 0);
		out->text = arena_str(a, query_get_text(q, 3));
	}
	query_done(q);
	return got >= 0;
}

bool messages_source(const char *folder, struct db *db, const char *path, struct arena *a, struct message_source *out,
                     bool *found, struct err *err)
{
	const struct embedded_file *f = embedded_find(messages_files, messages_file_count, path);
	char full[4096];
	*out = (struct message_source){ .text = STR("") };
	*found = true;
	if (!newest(db, path, a, out, err))
		return false;
	if (out->text.n) {
		out->from = MESSAGE_SAVED;
		return true;
	}
	if (folder && snprintf(full, sizeof full, "%s/%s", folder, path) < (int)sizeof full) {
		struct buf bytes;
		struct stat st;
		buf_init(&bytes, LIQUID_SOURCE_MAX);
		bool there = stat(full, &st) == 0, ok = !there || read_file(full, &bytes, err);
		out->text = there && ok ? arena_str(a, buf_view(&bytes)) : STR("");
		out->from = MESSAGE_FOLDER;
		buf_release(&bytes);
		if (!ok || there)
			return ok;
	}
	out->from = MESSAGE_SHIPPED;
	*found = f != NULL;
	if (f)
		out->text = (struct str){ (const char *)f->data, f->size };
	return true;
}

bool messages_history(struct db *db, const char *path, bool (*fn)(void *ctx, const struct message_version *v),
                      void *ctx, struct err *err)
{
	struct query *q = db_query(db, "message_history");
	int got;
	query_text(q, 1, str_from(path));
	query_int(q, 2, MESSAGE_VERSIONS_SHOWN);
	while ((got = query_next(q, err)) == 1) {
		struct message_version v = { .version = query_get_int(q, 0),
			                         .saved_at = { query_get_int(q, 1) },
			                         .actor = query_get_text(q, 2),
			                         .text = query_get_text(q, 3) };
		if (!fn(ctx, &v))
			break;
	}
	query_done(q);
	return got >= 0;
}

bool messages_save(struct db *db, const char *path, struct str text, const char *actor, struct instant now,
                   struct err *err)
{
	struct query *q = db_query(db, "message_save");
	query_text(q, 1, str_from(path));
	query_text(q, 2, text);
	query_int(q, 3, now.s);
	query_text(q, 4, str_from(actor));
	return query_run(q, NULL, err) &&
	       store_audit(db, now, actor, text.n ? "message saved" : "message given back", path, err);
}

bool messages_path(struct str locale, struct str name, char out[MESSAGE_PATH_MAX])
{
	if ((!str_is(locale, "fr") && !str_is(locale, "en")) || name.n == 0 || name.n > 80)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", name.p[i]))
			return false;
	snprintf(out, MESSAGE_PATH_MAX, "%.*s/%.*s.md", STR_ARG(locale), STR_ARG(name));
	return true;
}
