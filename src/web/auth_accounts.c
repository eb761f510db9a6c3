/* Accounts made, by the first link or by an invitation, listed and taken away; keys of programs. */
#include "web/auth.h"

#include "app/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- accounts ---- */

/* From the request's JSON; the hash is worked out here, on an HTTP thread. */
struct new_account *auth_read_account(struct request *r, json_t *o, const char *role)
{
	struct new_account *n = arena_new(&r->arena, struct new_account);
	const char *name = member(o, "name"), *password = member(o, "password"), *locale = member(o, "locale");
	if (!auth_role_known(role)) {
		request_problem(r, 422, "role is one of owner, marketer, seller, service, privacy, reader");
		return NULL;
	}
	if (!name || !name[0] || strlen(name) > NAME_MAX_BYTES) {
		request_problem(r, 422, "name is needed: 1 to %d bytes", NAME_MAX_BYTES);
		return NULL;
	}
	if (!password || strlen(password) < PASSWORD_MIN || strlen(password) > PASSWORD_MAX) {
		request_problem(r, 422,
		                request_locale(r) == LOCALE_FR ? "le mot de passe doit avoir de %d à %d caractères"
		                                               : "the password has to have %d to %d characters",
		                PASSWORD_MIN, PASSWORD_MAX);
		return NULL;
	}
	snprintf(n->name, sizeof n->name, "%s", name);
	snprintf(n->role, sizeof n->role, "%s", role);
	snprintf(n->locale, sizeof n->locale, "%s", locale && strcmp(locale, "en") == 0 ? "en" : "fr");
	if (crypto_pwhash_str(n->password, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
	                      crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
		request_refuse(r, 503, "la mémoire manque pour garder ce mot de passe en sûreté\u00a0: réessayez",
		               "not enough memory to keep a password safely; try again");
		return NULL;
	}
	return n;
}

bool auth_write_account(struct request *r, const struct new_account *n, const char *invite, struct err *err)
{
	struct db *db = live_db(r->web->live);
	struct instant now = clock_now();
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "web_account_put");
	query_text(q, 1, str_from(n->name));
	query_text(q, 2, str_from(n->role));
	query_text(q, 3, str_from(n->locale));
	query_text(q, 4, str_from(n->password));
	query_int(q, 5, now.s);
	bool ok = query_run(q, NULL, err);
	int64_t spent = 1;
	if (ok && invite) {
		q = db_query(db, "invite_spend");
		query_text(q, 1, str_from(invite));
		ok = query_run(q, &spent, err) &&
		     (spent || err_set(err, ERR_CONFLICT, "this invitation was used already; ask for another"));
	}
	ok = ok && store_audit(db, now, r->who.actor[0] ? r->who.actor : "setup", "account made", n->role, err) &&
	     db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok && auth_load(r->web, db, err);
}

bool auth_name_taken(struct web *w, const char *name, int64_t *id)
{
	bool taken = false;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->account_count; i++)
		if (strcmp(w->accounts[i].name, name) == 0) {
			taken = true;
			*id = w->accounts[i].id;
		}
	pthread_mutex_unlock(&w->lock);
	return taken;
}

struct setting_up {
	struct new_account *account;
	char invite[TOKEN_HEX + 1]; /* its hash; empty: the first owner */
};

static void make_first(struct request *r)
{
	struct web *w = r->web;
	const struct setting_up *u = r->handed;
	struct err err;
	int64_t id = 0;
	if (!u->invite[0] && w->account_count) {
		request_refuse(r, 410, "le compte de la gérance existe déjà\u00a0: connectez-vous",
		               "the owner's account exists already; sign in");
	} else if (auth_name_taken(w, u->account->name, &id)) {
		request_refuse(r, 409, "quelqu’un porte déjà ce nom", "somebody has this name already");
	} else if (!auth_write_account(r, u->account, u->invite[0] ? u->invite : NULL, &err)) {
		request_err(r, &err);
	} else if (auth_name_taken(w, u->account->name, &id)) {
		pthread_mutex_lock(&w->lock);
		sodium_memzero(w->setup_token, sizeof w->setup_token);
		pthread_mutex_unlock(&w->lock);
		auth_sign_in(r, id);
	}
}

/* By the link printed at the first start, or by an invitation. */
void on_setup(struct request *r)
{
	struct web *w = r->web;
	json_t *o = request_json(r);
	struct setting_up *u = arena_new(&r->arena, struct setting_up);
	struct err err;
	char role[16] = "";
	if (!o)
		return;
	const char *token = member(o, "token");
	pthread_mutex_lock(&w->lock);
	bool open = w->account_count == 0;
	bool fits = open && token && strlen(token) == 32 && sodium_memcmp(token, w->setup_token, 32) == 0;
	pthread_mutex_unlock(&w->lock);
	if (fits)
		snprintf(role, sizeof role, "owner");
	else if (!invite_role(r, token, role, &err))
		request_err(r, &err);
	if (role[0]) {
		if (!fits)
			auth_token_hash(token, u->invite);
		if ((u->account = auth_read_account(r, o, role))) {
			r->handed = u;
			request_hand_over(r, make_first);
		}
	} else if (r->status == 200 && open) {
		request_refuse(r, 401, "ce n’est pas le lien que le serveur a affiché à son démarrage",
		               "this is not the link that was printed when the server started");
	} else if (r->status == 200) {
		request_refuse(
			r, 410,
			"ce lien a déjà servi, ou n’est plus valable\u00a0: connectez-vous, ou demandez-en un autre à la gérance",
			"this link was used already, or is over; sign in, or ask the owner for another");
	}
	json_decref(o);
}

void on_users_get(struct request *r)
{
	struct web *w = r->web;
	struct buf *b = &r->out;
	put_open(b, NULL, '{');
	put_open(b, "items", '[');
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->account_count; i++) {
		put_open(b, NULL, '{');
		put_int(b, "id", w->accounts[i].id);
		put_cstr(b, "name", w->accounts[i].name);
		put_cstr(b, "role", w->accounts[i].role);
		put_cstr(b, "locale", w->accounts[i].locale);
		put_bool(b, "factor", w->accounts[i].totp[0] != 0);
		put_close(b, '}');
	}
	pthread_mutex_unlock(&w->lock);
	put_close(b, ']');
	put_close(b, '}');
	request_send_json(r, 200);
}

static void make_user(struct request *r)
{
	struct new_account *n = r->handed;
	struct err err;
	int64_t id = 0;
	if (auth_name_taken(r->web, n->name, &id)) {
		request_refuse(r, 409, "quelqu’un porte déjà ce nom", "somebody has this name already");
		return;
	}
	if (!auth_write_account(r, n, NULL, &err)) {
		request_err(r, &err);
		return;
	}
	if (!auth_name_taken(r->web, n->name, &id))
		id = 0;
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "id", id);
	put_close(&r->out, '}');
	request_send_json(r, 201);
}

void on_users_post(struct request *r)
{
	json_t *o = request_json(r);
	if (!o)
		return;
	struct new_account *n = auth_read_account(r, o, member(o, "role"));
	if (n) {
		r->handed = n;
		request_hand_over(r, make_user);
	}
	json_decref(o);
}

static bool run_by_id(struct request *r, const char *query, int64_t id, const char *what, int64_t *changed,
                      struct err *err)
{
	struct db *db = live_db(r->web->live);
	char object[32];
	snprintf(object, sizeof object, "%lld", (long long)id);
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, query);
	query_int(q, 1, id);
	bool ok = query_run(q, changed, err) && store_audit(db, clock_now(), r->who.actor, what, object, err);
	if (ok && strcmp(query, "web_account_delete") == 0) {
		q = db_query(db, "web_session_sweep");
		query_int(q, 1, 0);
		query_int(q, 2, id);
		ok = query_run(q, NULL, err);
	}
	ok = ok && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok && auth_load(r->web, db, err);
}

static void delete_by_id(struct request *r, const char *query, const char *what)
{
	int64_t id, changed = 0;
	struct err err;
	bool ok = !str_i64(r->args[0], &id) || run_by_id(r, query, id, what, &changed, &err);
	request_deleted(r, ok, id, changed, &err);
}

void on_users_delete(struct request *r)
{
	int64_t id;
	size_t owners = 0;
	bool is_owner = false;
	if (str_i64(r->args[0], &id)) {
		for (size_t i = 0; i < r->web->account_count; i++) { /* only this thread writes the list */
			bool owner = strcmp(r->web->accounts[i].role, "owner") == 0;
			owners += owner;
			is_owner |= owner && r->web->accounts[i].id == id;
		}
		if (is_owner && owners == 1) {
			request_problem(r, 409, "the last owner cannot be taken away; make another first");
			return;
		}
	}
	delete_by_id(r, "web_account_delete", "account deleted");
}

/* ---- keys ---- */

void on_keys_get(struct request *r)
{
	struct web *w = r->web;
	struct buf *b = &r->out;
	put_open(b, NULL, '{');
	put_open(b, "items", '[');
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->key_count; i++) {
		put_open(b, NULL, '{');
		put_int(b, "id", w->keys[i].id);
		put_cstr(b, "name", w->keys[i].name);
		put_cstr(b, "scopes", w->keys[i].scopes);
		put_close(b, '}');
	}
	pthread_mutex_unlock(&w->lock);
	put_close(b, ']');
	put_close(b, '}');
	request_send_json(r, 200);
}

void on_keys_post(struct request *r)
{
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *name = member(o, "name"), *scopes = member(o, "scopes");
	unsigned may = 0;
	struct err err;
	if (!name || !name[0] || strlen(name) > NAME_MAX_BYTES || !scopes || strlen(scopes) >= 64 ||
	    !auth_scopes_read(scopes, &may)) {
		request_problem(
			r, 422,
			"name and scopes are needed; scopes are read, people, plans, facts, admin, privacy, separated by spaces, "
			"or recommend alone");
		json_decref(o);
		return;
	}
	char key[TOKEN_HEX + 1], hash[TOKEN_HEX + 1];
	auth_token_make(key);
	auth_token_hash(key, hash);
	struct db *db = live_db(r->web->live);
	struct instant now = clock_now();
	bool ok = db_begin(db, &err);
	struct query *q = db_query(db, "web_key_put");
	query_text(q, 1, str_from(hash));
	query_text(q, 2, str_from(name));
	query_text(q, 3, str_from(scopes));
	query_int(q, 4, now.s);
	ok = ok && query_run(q, NULL, &err) && store_audit(db, now, r->who.actor, "key made", scopes, &err) &&
	     db_commit(db, &err);
	if (!ok)
		db_rollback(db);
	json_decref(o);
	if (!ok || !auth_load(r->web, db, &err)) {
		request_err(r, &err);
		return;
	}
	put_open(&r->out, NULL, '{');
	put_cstr(&r->out, "key", key);
	put_close(&r->out, '}');
	request_send_json(r, 201);
}

void on_keys_delete(struct request *r)
{
	delete_by_id(r, "web_key_delete", "key deleted");
}
