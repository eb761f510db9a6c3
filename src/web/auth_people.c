/* Invitations, by which people make their own accounts; and the sessions one has open. */
#include "web/auth.h"

#include "app/clock.h"

#include <stdio.h>

enum { INVITE_S = 7 * DAY_S, NOTE_MAX = 120, SESSION_ID = 16 };

/* ---- invitations ---- */

bool invite_role(struct request *r, const char *token, char role[16], struct err *err)
{
	char hash[TOKEN_HEX + 1];
	struct db *db = request_db(r);
	role[0] = 0;
	if (!db)
		return err_set(err, ERR_WORLD, "the database cannot be read; try again");
	if (!token || strlen(token) != TOKEN_HEX)
		return true;
	auth_token_hash(token, hash);
	struct query *q = db_query(db, "invite_get");
	query_text(q, 1, str_from(hash));
	query_int(q, 2, clock_now().s);
	int got = query_next(q, err);
	if (got == 1)
		snprintf(role, 16, "%.*s", STR_ARG(query_get_text(q, 0)));
	query_done(q);
	return got >= 0;
}

void on_invites_get(struct request *r)
{
	struct err err;
	struct buf *b = &r->out;
	struct db *db = request_db(r);
	int got;
	if (!db)
		return;
	struct query *q = db_query(db, "invites");
	query_int(q, 1, clock_now().s);
	put_open(b, NULL, '{');
	put_open(b, "items", '[');
	while ((got = query_next(q, &err)) == 1) {
		put_open(b, NULL, '{');
		put_int(b, "id", query_get_int(q, 0));
		put_str(b, "role", query_get_text(q, 1));
		put_str(b, "note", query_get_text(q, 2));
		put_instant(b, "expires_at", (struct instant){ query_get_int(q, 3) });
		put_close(b, '}');
	}
	put_close(b, ']');
	put_close(b, '}');
	if (got < 0)
		request_err(r, &err);
	else
		request_send_json(r, 200);
}

static bool write_invite(struct request *r, const char *hash, const char *role, const char *note, struct instant until,
                         struct err *err)
{
	struct db *db = live_db(r->web->live);
	struct instant now = clock_now();
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "invite_sweep");
	query_int(q, 1, now.s);
	bool ok = query_run(q, NULL, err);
	q = db_query(db, "invite_put");
	query_text(q, 1, str_from(hash));
	query_text(q, 2, str_from(role));
	query_text(q, 3, str_from(note));
	query_int(q, 4, until.s);
	ok = ok && query_run(q, NULL, err) && store_audit(db, now, r->who.actor, "account invited", role, err) &&
	     db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

void on_invites_post(struct request *r)
{
	json_t *o = request_json(r);
	struct err err;
	char token[TOKEN_HEX + 1], hash[TOKEN_HEX + 1];
	struct instant until = { clock_now().s + INVITE_S };
	if (!o)
		return;
	const char *role = member(o, "role"), *note = member(o, "note");
	auth_token_make(token);
	auth_token_hash(token, hash);
	if (!role || !auth_role_known(role))
		request_problem(r, 422, "role is one of owner, marketer, seller, service, privacy, reader");
	else if (note && strlen(note) > NOTE_MAX)
		request_problem(r, 422, "\"note\" has at most %d bytes", NOTE_MAX);
	else if (!write_invite(r, hash, role, note ? note : "", until, &err))
		request_err(r, &err);
	else {
		put_open(&r->out, NULL, '{');
		put_str(&r->out, "link", arena_printf(&r->arena, "/setup?token=%s", token));
		put_instant(&r->out, "expires_at", until);
		put_close(&r->out, '}');
		request_send_json(r, 201);
	}
	json_decref(o);
}

void on_invites_delete(struct request *r)
{
	struct db *db = live_db(r->web->live);
	struct err err;
	int64_t id = 0, changed = 0;
	if (!str_i64(r->args[0], &id))
		id = 0;
	bool ok = db_begin(db, &err);
	struct query *q = db_query(db, "invite_delete");
	query_int(q, 1, id);
	ok = ok && query_run(q, &changed, &err) &&
	     store_audit(db, clock_now(), r->who.actor, "invitation taken back", arena_cstr(&r->arena, r->args[0]), &err) &&
	     db_commit(db, &err);
	if (!ok)
		db_rollback(db);
	request_deleted(r, ok, id, changed, &err);
}

/* ---- one's sessions ---- */

void on_sessions(struct request *r)
{
	struct web *w = r->web;
	struct buf *b = &r->out;
	int64_t now = clock_now().s;
	put_open(b, NULL, '{');
	put_open(b, "items", '[');
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->session_count; i++) {
		const struct session *s = &w->sessions[i];
		if (s->account != r->who.account || s->expires_at <= now)
			continue;
		put_open(b, NULL, '{');
		put_str(b, "id", (struct str){ s->token_hash, SESSION_ID });
		put_instant(b, "created_at", (struct instant){ s->created_at });
		put_instant(b, "expires_at", (struct instant){ s->expires_at });
		put_cstr(b, "agent", s->agent);
		put_bool(b, "current", strcmp(s->token_hash, r->who.token_hash) == 0);
		put_close(b, '}');
	}
	pthread_mutex_unlock(&w->lock);
	put_close(b, ']');
	put_close(b, '}');
	request_send_json(r, 200);
}

/* Ends this account's sessions but the one it asks by: the one the path names, or all. */
static void end_sessions(struct request *r)
{
	struct web *w = r->web;
	struct db *db = live_db(w->live);
	struct err err;
	int64_t ended = 0;
	bool all = r->args[0].n == 0, ok = db_begin(db, &err);
	for (size_t i = 0; ok && i < w->session_count; i++) { /* only this thread writes the list */
		const struct session *s = &w->sessions[i];
		if (s->account != r->who.account || s->expires_at == 0 || strcmp(s->token_hash, r->who.token_hash) == 0 ||
		    !(all || str_eq(r->args[0], (struct str){ s->token_hash, SESSION_ID })))
			continue;
		struct query *q = db_query(db, "web_session_delete");
		query_text(q, 1, str_from(s->token_hash));
		ok = query_run(q, NULL, &err);
		ended++;
	}
	ok = ok && store_audit(db, clock_now(), r->who.actor, "sessions ended", r->who.actor, &err) &&
	     db_commit(db, &err) && auth_load(w, db, &err);
	if (!ok) {
		db_rollback(db);
		request_err(r, &err);
	} else if (!all && !ended) {
		request_problem(r, 404, "there is no other session of this id; DELETE /session ends this one");
	} else {
		put_open(&r->out, NULL, '{');
		put_int(&r->out, "ended", ended);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
}

void on_sessions_delete(struct request *r)
{
	end_sessions(r);
}
