/* Who asks: accounts with argon2id passwords and sessions for people, keys with scopes for programs. All of them are in
 * memory, written through the ticker. A session's token is in a cookie; what is stored is its SHA-256. The CSRF token
 * is derived from the session's. Signing in is slowed after SIGN_IN_TRIES failures by address and by name. */
#include "web/auth.h"

#include "app/clock.h"
#include "base/hash.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIGN_IN_TRIES = 5, SIGN_IN_WINDOW_S = 900, SESSION_S = 14 * DAY_S, SESSIONS_MAX = 100000, FAILURE_PLACES = 4 };

static const struct {
	const char *name;
	unsigned may;
} ROLES[] = {
	{ "owner", MAY_READ | MAY_PEOPLE | MAY_PLANS | MAY_FACTS | MAY_ADMIN | MAY_PRIVACY },
	{ "marketer", MAY_READ | MAY_PEOPLE | MAY_PLANS },
	{ "seller", MAY_READ | MAY_PEOPLE | MAY_FACTS },
	{ "service", MAY_READ | MAY_PEOPLE },
	{ "privacy", MAY_READ | MAY_PEOPLE | MAY_PRIVACY },
	{ "reader", MAY_READ },
}, SCOPES[] = {
	{ "read", MAY_READ },   { "people", MAY_PEOPLE }, { "plans", MAY_PLANS },
	{ "facts", MAY_FACTS }, { "admin", MAY_ADMIN },   { "privacy", MAY_PRIVACY },
	{ "recommend", MAY_RECOMMEND },
};

static bool role_find(const char *name, unsigned *may)
{
	for (size_t i = 0; i < ARRAY_LEN(ROLES); i++)
		if (name && strcmp(ROLES[i].name, name) == 0) {
			*may = ROLES[i].may;
			return true;
		}
	return false;
}

bool auth_role_known(const char *role)
{
	unsigned may;
	return role_find(role, &may);
}

bool auth_scopes_read(const char *text, unsigned *may)
{
	*may = 0;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, " ,"), i = 0;
		while (i < ARRAY_LEN(SCOPES) && !str_is((struct str){ p, n }, SCOPES[i].name))
			i++;
		if (n && i == ARRAY_LEN(SCOPES))
			return false;
		if (n)
			*may |= SCOPES[i].may;
		p += n + (p[n] != 0);
	}
	return *may && (!(*may & MAY_RECOMMEND) || *may == MAY_RECOMMEND); /* everybody can read such a key */
}

void auth_token_hash(const char *token, char out[TOKEN_HEX + 1])
{
	struct sha256 *h = sha256_new();
	sha256_add(h, token, strlen(token));
	sha256_hex(h, out);
	sha256_free(h);
}

void auth_token_make(char out[TOKEN_HEX + 1])
{
	unsigned char bytes[TOKEN_HEX / 2];
	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(out, TOKEN_HEX + 1, bytes, sizeof bytes);
}

/* ---- loading ---- */

#define COPY(to, s) snprintf(to, sizeof(to), "%.*s", STR_ARG(s))

static bool load_accounts(struct web *w, struct db *db, struct err *err)
{
	struct query *q = db_query(db, "web_accounts");
	size_t cap = 0;
	int got;
	free(w->accounts);
	w->accounts = NULL;
	w->account_count = 0;
	while ((got = query_next(q, err)) == 1) {
		w->accounts = mem_grow(w->accounts, &cap, w->account_count + 1, sizeof *w->accounts);
		struct account *a = &w->accounts[w->account_count++];
		*a = (struct account){ .id = query_get_int(q, 0) };
		COPY(a->name, query_get_text(q, 1));
		COPY(a->role, query_get_text(q, 2));
		COPY(a->locale, query_get_text(q, 3));
		COPY(a->password, query_get_text(q, 4));
		COPY(a->totp, query_get_text(q, 5));
		a->totp_step = query_get_int(q, 6);
		a->codes_left = query_get_int(q, 7);
	}
	return got == 0;
}

static bool load_sessions(struct web *w, struct db *db, struct err *err)
{
	struct query *q = db_query(db, "web_sessions");
	int got;
	query_int(q, 1, clock_now().s);
	w->session_count = 0;
	while ((got = query_next(q, err)) == 1) {
		w->sessions = mem_grow(w->sessions, &w->session_cap, w->session_count + 1, sizeof *w->sessions);
		struct session *s = &w->sessions[w->session_count++];
		*s = (struct session){ .account = query_get_int(q, 1),
			                   .expires_at = query_get_int(q, 2),
			                   .created_at = query_get_int(q, 3) };
		COPY(s->token_hash, query_get_text(q, 0));
		COPY(s->agent, query_get_text(q, 4));
	}
	return got == 0;
}

static bool load_keys(struct web *w, struct db *db, struct err *err)
{
	struct query *q = db_query(db, "web_keys");
	size_t cap = 0;
	int got;
	free(w->keys);
	w->keys = NULL;
	w->key_count = 0;
	w->keys_loading++;
	while ((got = query_next(q, err)) == 1) {
		w->keys = mem_grow(w->keys, &cap, w->key_count + 1, sizeof *w->keys);
		struct api_key *k = &w->keys[w->key_count++];
		*k = (struct api_key){ .id = query_get_int(q, 0) };
		COPY(k->key_hash, query_get_text(q, 1));
		COPY(k->name, query_get_text(q, 2));
		COPY(k->scopes, query_get_text(q, 3));
		if (!auth_scopes_read(k->scopes, &k->may))
			k->may = 0;
	}
	return got == 0;
}

bool auth_load(struct web *w, struct db *db, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	bool ok = load_accounts(w, db, err) && load_sessions(w, db, err) && load_keys(w, db, err);
	pthread_mutex_unlock(&w->lock);
	return ok;
}

void auth_release(struct web *w)
{
	free(w->accounts);
	free(w->sessions);
	free(w->keys);
}

/* ---- who ---- */

static const struct account *account_by_id(const struct web *w, int64_t id)
{
	for (size_t i = 0; i < w->account_count; i++)
		if (w->accounts[i].id == id)
			return &w->accounts[i];
	return NULL;
}

struct str auth_actor_name(struct request *r, struct str actor)
{
	struct web *w = r->web;
	int64_t id;
	struct str name = arena_str(&r->arena, actor);
	bool is_account = str_starts(actor, STR("account "));
	if ((!is_account && !str_starts(actor, STR("key "))) ||
	    !str_i64((struct str){ strchr(name.p, ' ') + 1, name.n - (is_account ? 8 : 4) }, &id))
		return name;
	pthread_mutex_lock(&w->lock);
	const struct account *a = is_account ? account_by_id(w, id) : NULL;
	if (a)
		name = arena_str(&r->arena, str_from(a->name));
	for (size_t i = 0; !is_account && i < w->key_count; i++)
		if (w->keys[i].id == id)
			name = arena_str(&r->arena, str_from(w->keys[i].name));
	pthread_mutex_unlock(&w->lock);
	return name;
}

static void csrf_of(const char *token, char out[33])
{
	unsigned char hash[16];
	crypto_generichash(hash, sizeof hash, (const unsigned char *)token, strlen(token),
	                   (const unsigned char *)"csrf-of-a-session", 17);
	sodium_bin2hex(out, 33, hash, sizeof hash);
}

static void be_account(struct identity *who, const struct account *a, const char *token, const char *hash)
{
	who->account = a->id;
	who->factor = a->totp[0] != 0;
	who->codes_left = a->codes_left;
	if (!role_find(a->role, &who->may))
		who->may = 0;
	who->may |= MAY_SIGNED_IN;
	snprintf(who->name, sizeof who->name, "%s", a->name);
	snprintf(who->role, sizeof who->role, "%s", a->role);
	snprintf(who->locale, sizeof who->locale, "%s", a->locale);
	snprintf(who->actor, sizeof who->actor, "account %lld", (long long)a->id);
	snprintf(who->token_hash, sizeof who->token_hash, "%s", hash);
	csrf_of(token, who->csrf);
}

/* The key this thread saw last, while the keys are the same: a program asks many times, and the list has a lock. */
static void by_key(struct request *r, const char *key)
{
	struct web *w = r->web;
	struct key_seen *seen = worker_key();
	char hash[TOKEN_HEX + 1];
	auth_token_hash(key, hash);
	if (seen->loading != w->keys_loading || sodium_memcmp(seen->hash, hash, TOKEN_HEX) != 0) {
		*seen = (struct key_seen){ .id = 0 };
		memcpy(seen->hash, hash, sizeof hash);
		pthread_mutex_lock(&w->lock);
		seen->loading = w->keys_loading;
		for (size_t i = 0; i < w->key_count; i++)
			if (sodium_memcmp(w->keys[i].key_hash, hash, TOKEN_HEX) == 0) {
				seen->id = w->keys[i].id;
				seen->may = w->keys[i].may;
			}
		pthread_mutex_unlock(&w->lock);
	}
	if (!seen->id)
		return;
	r->who.may = seen->may;
	r->key_used = true;
	snprintf(r->who.actor, sizeof r->who.actor, "key %lld", (long long)seen->id);
}

void auth_identify(struct request *r)
{
	struct web *w = r->web;
	const char *bearer = request_header(r, "Authorization");
	if (bearer && strncmp(bearer, "Bearer ", 7) == 0) {
		by_key(r, bearer + 7);
		return;
	}
	const char *key = r->route->flags & KEY_IN_QUERY ? request_query(r, "key") : NULL;
	if (key) {
		by_key(r, key);
		if (r->who.may != r->route->permission)
			r->who.may = 0;
		return;
	}
	const char *token = MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, "relance");
	if (!token || strlen(token) != TOKEN_HEX)
		return;
	char hash[TOKEN_HEX + 1];
	auth_token_hash(token, hash);
	int64_t now = clock_now().s;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->session_count; i++) {
		const struct session *s = &w->sessions[i];
		const struct account *a;
		if (s->expires_at > now && strcmp(s->token_hash, hash) == 0 && (a = account_by_id(w, s->account)))
			be_account(&r->who, a, token, hash);
	}
	pthread_mutex_unlock(&w->lock);
}

/* A form on another site's page that posts here, to sign somebody in under a name that is not theirs: browsers say so.
 * The pages that mails link to may be posted to from anywhere: a shop puts the sign-up form on its own site. */
static bool from_elsewhere(struct request *r)
{
	const char *site = r->route->flags & PAGE ? NULL : request_header(r, "Sec-Fetch-Site");
	return site && strcmp(site, "cross-site") == 0;
}

bool auth_allowed(struct request *r)
{
	const struct route *route = r->route;
	bool reads = strcmp(route->method, "GET") == 0;
	if (!reads && from_elsewhere(r)) {
		request_problem(r, 403,
		                "a page of another site sent this: changes are made from relance's own pages, or with "
		                "a key by a program");
		return false;
	}
	if (!route->permission)
		return true;
	if (!r->who.may) {
		request_add_header(r, "WWW-Authenticate", STR("Bearer"));
		request_problem(r, 401, "sign in first, or send \"Authorization: Bearer KEY\"");
		return false;
	}
	if ((r->who.may & route->permission) != route->permission) {
		request_problem(r, 403,
		                r->key_used ? "this key lacks the scope; make one that has it under Settings"
		                            : "your role does not allow this; ask the owner");
		return false;
	}
	if (!reads && r->who.account && !(route->flags & NO_CSRF)) {
		const char *csrf = request_header(r, "X-CSRF-Token");
		if (!csrf || strlen(csrf) != 32 || sodium_memcmp(csrf, r->who.csrf, 32) != 0) {
			request_problem(r, 403, "the header X-CSRF-Token is missing or old; GET /api/v1/session gives it");
			return false;
		}
	}
	return true;
}

/* ---- slowing down those who guess ---- */

/* Keyed, so that nobody outside can choose who shares a place with whom. */
static uint64_t guesser(const struct web *w, const void *p, size_t n)
{
	unsigned char hash[crypto_shorthash_BYTES];
	uint64_t who;
	_Static_assert(sizeof hash == sizeof who && sizeof w->link_key >= crypto_shorthash_KEYBYTES, "a 64-bit hash");
	crypto_shorthash(hash, p, n, w->link_key);
	memcpy(&who, hash, sizeof who);
	return who;
}

/* One's own place, else a free one, else the one with the fewest failures, shared: those of others are never forgotten
 * to make room. */
static struct failure *failure_at(struct web *w, uint64_t who)
{
	struct failure *best = NULL;
	for (size_t i = 0; i < FAILURE_PLACES; i++) {
		struct failure *f = &w->failures[(who + i) % FAILURES];
		if (f->count && clock_monotonic() - f->since > SIGN_IN_WINDOW_S)
			f->count = 0;
		if (f->count && f->who == who)
			return f;
		if (!best || f->count < best->count)
			best = f;
	}
	if (!best->count)
		*best = (struct failure){ .who = who, .since = clock_monotonic() };
	return best;
}

static bool too_many(struct request *r, const char *name, bool failed)
{
	struct web *w = r->web;
	uint64_t client = door_client(r);
	uint64_t by_address = guesser(w, &client, sizeof client), by_name = guesser(w, name, strlen(name));
	pthread_mutex_lock(&w->lock);
	struct failure *a = failure_at(w, by_address), *n = failure_at(w, by_name);
	if (failed) {
		a->count++;
		n->count++;
	}
	/* a whole office may share an address */
	bool yes = !failed && (a->count >= 4 * SIGN_IN_TRIES || n->count >= SIGN_IN_TRIES);
	pthread_mutex_unlock(&w->lock);
	return yes;
}

static void forget_failures(struct request *r, const char *name)
{
	uint64_t who = guesser(r->web, name, strlen(name));
	pthread_mutex_lock(&r->web->lock);
	struct failure *f = failure_at(r->web, who);
	if (f->who == who)
		f->count = 0;
	pthread_mutex_unlock(&r->web->lock);
}

/* ---- sessions ---- */

static void put_session(struct request *r)
{
	struct web *w = r->web;
	struct buf *b = &r->out;
	bool in = r->who.account != 0;
	put_open(b, NULL, '{');
	if (in) {
		put_open(b, "user", '{');
		put_cstr(b, "name", r->who.name);
		put_cstr(b, "role", r->who.role);
		put_cstr(b, "locale", r->who.locale);
		put_open(b, "may", '[');
		for (size_t i = 0; i < ARRAY_LEN(SCOPES); i++)
			if (r->who.may & SCOPES[i].may)
				put_cstr(b, NULL, SCOPES[i].name);
		put_close(b, ']');
		put_bool(b, "factor", r->who.factor);
		put_int(b, "backup_codes_left", r->who.codes_left);
		put_close(b, '}');
	} else {
		put_null(b, "user");
	}
	put_open(b, "shop", '{');
	put_cstr(b, "name", w->shop.name);
	put_cstr(b, "zone", zone_name(w->shop.zone));
	put_cstr(b, "currency", w->shop.currency.code);
	put_int(b, "exponent", w->shop.currency.exponent);
	put_cstr(b, "locale", w->shop.locale == LOCALE_FR ? "fr" : "en");
	put_instant(b, "now", clock_now());
	put_close(b, '}');
	put_cstr(b, "csrf", in ? r->who.csrf : NULL);
	pthread_mutex_lock(&w->lock);
	put_bool(b, "first_run", w->account_count == 0);
	pthread_mutex_unlock(&w->lock);
	put_close(b, '}');
	request_send_json(r, 200);
}

void on_session_get(struct request *r)
{
	put_session(r);
}

static bool write_session(struct web *w, const struct session *s, const struct factor_use *use, const char *actor,
                          struct err *err)
{
	struct db *db = live_db(w->live);
	int64_t now = clock_now().s;
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "web_session_sweep");
	query_int(q, 1, now);
	query_int(q, 2, 0);
	bool ok = query_run(q, NULL, err);
	q = db_query(db, "web_session_put");
	query_text(q, 1, str_from(s->token_hash));
	query_int(q, 2, s->account);
	query_int(q, 3, s->expires_at);
	query_int(q, 4, s->created_at);
	query_text(q, 5, str_from(s->agent));
	ok = ok && query_run(q, NULL, err) && (!use || factor_spend(db, use, err)) &&
	     store_audit(db, (struct instant){ now }, actor, "sign in", "session", err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

static void keep_session(struct web *w, const struct session *s)
{
	int64_t now = clock_now().s;
	size_t n = 0;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->session_count; i++)
		if (w->sessions[i].expires_at > now)
			w->sessions[n++] = w->sessions[i];
	w->session_count = n < SESSIONS_MAX ? n : SESSIONS_MAX - 1;
	w->sessions = mem_grow(w->sessions, &w->session_cap, w->session_count + 1, sizeof *w->sessions);
	w->sessions[w->session_count++] = *s;
	pthread_mutex_unlock(&w->lock);
}

/* What the browser calls itself, so that one knows one's sessions again. */
static void agent_of(struct request *r, char out[AGENT_MAX + 1])
{
	const char *agent = request_header(r, "User-Agent");
	size_t n = 0;
	for (; agent && *agent && n < AGENT_MAX; agent++)
		out[n++] = (unsigned char)*agent >= ' ' && (unsigned char)*agent < 0x7f ? *agent : '?';
	out[n] = 0;
}

/* On the ticker: r->who.account is who signed in, r->handed the code of the second factor, or NULL. */
static void begin_session(struct request *r)
{
	struct web *w = r->web;
	struct err err;
	char token[TOKEN_HEX + 1];
	const struct factor_use *use = r->handed;
	struct session s = { .account = r->who.account,
		                 .created_at = clock_now().s,
		                 .expires_at = clock_now().s + SESSION_S };
	agent_of(r, s.agent);
	auth_token_make(token);
	auth_token_hash(token, s.token_hash);
	if (!write_session(w, &s, use, r->who.actor, &err)) {
		request_err(r, &err);
		return;
	}
	keep_session(w, &s);
	if (use && use->account && !auth_load(w, live_db(w->live), &err)) {
		request_err(r, &err);
		return;
	}
	csrf_of(token, r->who.csrf);
	w->counters.sign_ins++;
	request_add_header(
		r, "Set-Cookie",
		arena_printf(&r->arena, "relance=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d", token, SESSION_S));
	put_session(r);
}

/* A made-up hash costs the same as a real one: names cannot be told apart by time. */
static bool password_fits(const char *stored, const char *password)
{
	if (stored)
		return crypto_pwhash_str_verify(stored, password, strlen(password)) == 0;
	char fresh[crypto_pwhash_STRBYTES];
	if (crypto_pwhash_str(fresh, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
	                      crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		fresh[0] = 0;
	return false;
}

/* The password fits. */
static void second_step(struct request *r, const struct account *a, const char *code)
{
	struct factor_use *use = arena_new(&r->arena, struct factor_use);
	switch (factor_check(r, a, code, use)) {
	case FACTOR_FITS:
		forget_failures(r, a->name);
		be_account(&r->who, a, "", "");
		r->handed = use;
		request_hand_over(r, begin_session);
		return;
	case FACTOR_MISSING:
		request_refuse(r, 401, "il manque le code\u00a0: les six chiffres du téléphone, ou un code de secours",
		               "\"code\" is needed too: six digits of the telephone, or a backup code");
		break;
	case FACTOR_WRONG:
		too_many(r, a->name, true);
		r->web->counters.sign_in_failures++;
		request_refuse(r, 401, "ce code n’est pas le bon, ou a déjà servi\u00a0: tapez le suivant",
		               "this code does not fit, or was used already: type the next one");
		break;
	}
	r->out.n--; /* the problem goes on */
	put_bool(&r->out, "factor", true);
	put_close(&r->out, '}');
}

bool auth_password_again(struct request *r, const char *password)
{
	struct account found = { .id = 0 };
	pthread_mutex_lock(&r->web->lock);
	const struct account *a = account_by_id(r->web, r->who.account);
	if (a)
		found = *a;
	pthread_mutex_unlock(&r->web->lock);
	if (too_many(r, r->who.name, false)) {
		request_add_header(r, "Retry-After", STR("900"));
		request_refuse(r, 429, "trop de mots de passe faux\u00a0: attendez un quart d’heure",
		               "too many wrong passwords; wait a quarter of an hour");
		return false;
	}
	if (password && found.id && strlen(password) <= PASSWORD_MAX && password_fits(found.password, password))
		return true;
	too_many(r, r->who.name, true);
	request_refuse(r, 403, "le mot de passe est redemandé, et ce n’est pas celui-ci",
	               "\"password\" is needed again, and this is not it");
	return false;
}

void on_session_post(struct request *r)
{
	struct web *w = r->web;
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *name = member(o, "name"), *password = member(o, "password");
	struct account found = { .id = 0 };
	if (!name || !password || strlen(password) > PASSWORD_MAX || strlen(name) > NAME_MAX_BYTES) {
		request_refuse(r, 422, "il faut un nom et un mot de passe", "name and password are needed");
	} else if (too_many(r, name, false)) {
		request_add_header(r, "Retry-After", STR("900"));
		request_refuse(
			r, 429,
			"trop de mots de passe faux\u00a0: attendez un quart d’heure, ou demandez un autre compte à la gérance",
			"too many wrong passwords; wait a quarter of an hour, or ask the owner for a new account");
	} else {
		pthread_mutex_lock(&w->lock);
		for (size_t i = 0; i < w->account_count; i++)
			if (strcmp(w->accounts[i].name, name) == 0)
				found = w->accounts[i];
		pthread_mutex_unlock(&w->lock);
		if (password_fits(found.id ? found.password : NULL, password)) {
			second_step(r, &found, member(o, "code"));
		} else {
			too_many(r, name, true);
			w->counters.sign_in_failures++;
			request_refuse(r, 401, "ce nom et ce mot de passe ne vont pas ensemble",
			               "name and password do not fit together");
		}
	}
	json_decref(o);
}

static void end_session(struct request *r)
{
	struct web *w = r->web;
	struct db *db = live_db(w->live);
	struct err err;
	bool ok = db_begin(db, &err);
	struct query *q = db_query(db, "web_session_delete");
	query_text(q, 1, str_from(r->who.token_hash));
	ok = ok && query_run(q, NULL, &err) && db_commit(db, &err);
	if (!ok) {
		db_rollback(db);
		request_err(r, &err);
		return;
	}
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->session_count; i++)
		if (strcmp(w->sessions[i].token_hash, r->who.token_hash) == 0)
			w->sessions[i].expires_at = 0;
	pthread_mutex_unlock(&w->lock);
	request_add_header(r, "Set-Cookie", STR("relance=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
	r->who = (struct identity){ 0 };
	put_session(r);
}

void on_session_delete(struct request *r)
{
	end_session(r);
}

void auth_sign_in(struct request *r, int64_t account)
{
	pthread_mutex_lock(&r->web->lock);
	be_account(&r->who, account_by_id(r->web, account), "", "");
	pthread_mutex_unlock(&r->web->lock);
	r->handed = NULL;
	begin_session(r);
}
