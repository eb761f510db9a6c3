/* GET /backup: the whole shop as one file, as it stands, while it goes on. The copy is made on a thread of its own,
 * which tells the pages how far it is, and has no name any more when it is sent; who took it stands in the log. */
#include "app/live_int.h"
#include "web/web_int.h"

#include "app/clock.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct copy {
	int file;
	uint64_t size;
};

/* What was not sent: the shop was closed, or the server is stopping. */
static void copy_close(struct request *r)
{
	struct copy *c = r->handed;
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
}

/* On the ticker: noted, then sent. */
static void send_copy(struct request *r)
{
	struct copy *c = r->handed;
	struct err err;
	struct db *db = live_db(r->web->live);
	if (!db_begin(db, &err) || !store_audit(db, clock_now(), r->who.actor, "backup taken", "shop", &err) ||
	    !db_commit(db, &err)) {
		db_rollback(db);
		request_err(r, &err);
		return;
	}
	r->ready = MHD_create_response_from_fd64(c->size, c->file); /* closes it */
	c->file = -1;
	r->bytes = (size_t)c->size;
	r->status = 200;
	(void)MHD_add_response_header(r->ready, "Content-Type", "application/vnd.sqlite3");
	(void)MHD_add_response_header(r->ready, "Content-Disposition", "attachment; filename=\"relance.backup\"");
	(void)MHD_add_response_header(r->ready, "Cache-Control", "no-store");
}

struct telling {
	struct web *web;
	double told;
};

static void tell(void *ctx, double share)
{
	struct telling *t = ctx;
	if (share - t->told < 0.02 && share < 1)
		return;
	t->told = share;
	web_event(t->web, "backup", "{\"progress\":%.3f}", share);
}

/* A folder that only we can read, for a moment: store_backup wants to make the file itself. */
static bool make_copy(struct web *w, struct db *db, struct copy *out, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char folder[256], path[280];
	struct stat st;
	snprintf(folder, sizeof folder, "%s/relance-XXXXXX", tmp && tmp[0] ? tmp : "/var/tmp");
	if (!mkdtemp(folder))
		return err_set(err, ERR_WORLD, "%s: no room for a copy: say where with TMPDIR", folder);
	snprintf(path, sizeof path, "%s/backup", folder);
	struct telling t = { .web = w };
	bool ok = store_backup(db, path, tell, &t, err);
	out->file = ok ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (ok && (out->file < 0 || fstat(out->file, &st) != 0))
		ok = err_set(err, ERR_WORLD, "%s: the copy cannot be read", path);
	(void)unlink(path);
	(void)rmdir(folder);
	if (!ok && out->file >= 0)
		close(out->file);
	out->size = ok ? (uint64_t)st.st_size : 0;
	return ok;
}

/* One at a time: a copy takes a thread that answers and as much disk as the shop. */
static bool copy_begin(struct web *w)
{
	pthread_mutex_lock(&w->lock);
	bool free_now = !w->copying;
	w->copying = true;
	pthread_mutex_unlock(&w->lock);
	return free_now;
}

static void copy_end(struct web *w)
{
	pthread_mutex_lock(&w->lock);
	w->copying = false;
	pthread_mutex_unlock(&w->lock);
}

static void copy_here(struct request *r)
{
	struct err err;
	struct db *db = request_db(r);
	struct copy *c = arena_new(&r->arena, struct copy);
	bool made = db && make_copy(r->web, db, c, &err);
	copy_end(r->web);
	if (!db)
		return;
	if (!made) {
		request_err(r, &err);
		return;
	}
	r->handed = c;
	r->let_go = copy_close;
	request_hand_over(r, send_copy);
}

void on_backup(struct request *r)
{
	if (copy_begin(r->web))
		request_read_on(r, copy_here, LANE_COPY);
	else
		request_problem(r, 409, "a backup is being made already: ask again when it is done");
}
