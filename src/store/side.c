/* Method: small text files, one line, written whole and renamed into place. */
#include "store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool paths_set(struct store_state *state, const char *stem, struct err *err)
{
	int k = snprintf(state->key_path, sizeof state->key_path, "%s.key", stem);
	int m = snprintf(state->mark_path, sizeof state->mark_path, "%s.mark", stem);
	if (k < 0 || m < 0 || (size_t)m >= sizeof state->mark_path - 8)
		return err_set(err, ERR_LIMIT, "%s: the path is too long", stem);
	return true;
}

bool side_paths(const struct db *db, const char *shop_id, struct store_state *state, struct err *err)
{
	if (db_kind(db) == DB_SQLITE)
		return paths_set(state, db_address(db), err);
	char dir[SIDE_PATH_MAX - 128], stem[SIDE_PATH_MAX];
	const char *keys = getenv("RELANCE_KEYS"), *home = getenv("HOME");
	int n;
	if (keys && *keys) {
		n = snprintf(dir, sizeof dir, "%s", keys);
	} else if (home && *home) {
		n = snprintf(dir, sizeof dir, "%s/.config", home);
		mkdir(dir, 0700);
		n = snprintf(dir, sizeof dir, "%s/.config/relance", home);
	} else {
		return err_set(err, ERR_INPUT, "set RELANCE_KEYS to the folder that keeps the key of %s", db_address(db));
	}
	if (n < 0 || (size_t)n >= sizeof dir)
		return err_set(err, ERR_LIMIT, "the folder of the keys has too long a name");
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_errno(err, "%s: cannot be made for the key of the database", dir);
	snprintf(stem, sizeof stem, "%s/%s", dir, shop_id);
	return paths_set(state, stem, err);
}

bool side_key_make(const char *path, uint64_t key[2], struct err *err)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return side_key_read(path, key, err); /* of a shop that was here before: its erased identities stay known */
	if (fd < 0)
		return err_errno(err, "%s: the key file cannot be made", path);
	check(sodium_init() >= 0);
	randombytes_buf(key, 16);
	char text[64];
	int n = snprintf(text, sizeof text, "relance-key 1 %016" PRIx64 "%016" PRIx64 "\n", key[0], key[1]);
	bool ok = write(fd, text, (size_t)n) == n && fsync(fd) == 0;
	if (!ok)
		err_errno(err, "%s: the key file cannot be written", path);
	close(fd);
	if (!ok)
		unlink(path);
	return ok;
}

bool side_key_read(const char *path, uint64_t key[2], struct err *err)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return err_errno(err, "%s: the key file of the database is missing: put your copy of it back", path);
	int n = fscanf(f, "relance-key 1 %16" SCNx64 "%16" SCNx64, &key[0], &key[1]);
	fclose(f);
	return n == 2 || err_set(err, ERR_INPUT, "%s is not a key file: put your copy of it back", path);
}

void side_key_proof(const uint64_t key[2], char out[17])
{
	snprintf(out, 17, "%016" PRIx64, address_hash(key, STR("proof@relance.invalid")));
}

/* ---- the mark ---- */

struct mark {
	int64_t incarnation, seq, outbox;
};

static bool mark_now(struct db *db, struct mark *out, struct err *err)
{
	struct query *q = db_query(db, "mark_now");
	int got = query_next(q, err);
	if (got != 1)
		return got == 0 ? err_set(err, ERR_WORLD, "%s: the row of the shard is missing", db_address(db)) : false;
	*out = (struct mark){ 0, query_get_int(q, 0), query_get_int(q, 1) };
	check(str_i64(query_get_text(q, 2), &out->incarnation));
	query_done(q);
	return true;
}

/* A missing mark is no mark: the first start, or a database moved to another machine. */
static bool mark_read(const char *path, struct mark *out, bool *found, struct err *err)
{
	*found = false;
	FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT || err_errno(err, "%s: cannot be read", path);
	*found =
		fscanf(f, "relance-mark 1 %" SCNd64 " %" SCNd64 " %" SCNd64, &out->incarnation, &out->seq, &out->outbox) == 3;
	fclose(f);
	return true;
}

/* The mark may never be ahead of what a power cut leaves of the database: that would look like an old copy put back. */
static bool sync_log(const struct db *db, struct err *err)
{
	if (db_kind(db) != DB_SQLITE || db_is_durable(db))
		return true;
	char wal[SIDE_PATH_MAX];
	if (snprintf(wal, sizeof wal, "%s-wal", db_address(db)) >= (int)sizeof wal)
		return err_set(err, ERR_LIMIT, "%s: the path is too long", db_address(db));
	int fd = open(wal, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || err_errno(err, "%s: cannot be opened", wal);
	bool ok = fdatasync(fd) == 0 || err_errno(err, "%s: cannot be written", wal);
	close(fd);
	return ok;
}

bool store_mark(struct db *db, struct err *err)
{
	check(!db_in_transaction(db));
	struct store_state *state = store_state(db);
	struct mark now, old;
	bool found;
	if (!mark_now(db, &now, err) || !mark_read(state->mark_path, &old, &found, err))
		return false;
	if (found && (old.incarnation > now.incarnation ||
	              (old.incarnation == now.incarnation && old.seq >= now.seq && old.outbox >= now.outbox)))
		return true;
	if (!sync_log(db, err))
		return false;
	char tmp[SIDE_PATH_MAX + 8];
	snprintf(tmp, sizeof tmp, "%s.new", state->mark_path);
	FILE *f = fopen(tmp, "we");
	if (!f)
		return err_errno(err, "%s: cannot be written", tmp);
	fprintf(f, "relance-mark 1 %" PRId64 " %" PRId64 " %" PRId64 "\n", now.incarnation, now.seq, now.outbox);
	bool ok = fflush(f) == 0;
	ok = fclose(f) == 0 && ok;
	if (!ok || rename(tmp, state->mark_path) != 0) {
		err_errno(err, "%s: cannot be written", state->mark_path);
		unlink(tmp);
		return false;
	}
	return true;
}

bool store_mark_check(struct db *db, bool *restored, struct err *err)
{
	struct store_state *state = store_state(db);
	struct mark now, old;
	bool found;
	*restored = false;
	if (!mark_now(db, &now, err) || !mark_read(state->mark_path, &old, &found, err))
		return false;
	if (!found || now.incarnation > old.incarnation ||
	    (now.incarnation == old.incarnation && now.seq >= old.seq && now.outbox >= old.outbox))
		return true;
	*restored = true;
	if (!db_begin(db, err))
		return false;
	if (!store_incarnate(db, old.incarnation > now.incarnation ? old.incarnation : now.incarnation, err)) {
		db_rollback(db);
		return false;
	}
	return db_commit(db, err) && store_mark(db, err);
}
