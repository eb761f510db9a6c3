/* The second factor: time-based codes (RFC 6238 over RFC 4226, SHA-1, 6 digits, 30 s), one step of slack either way,
 * each step taken once. The secret is sealed with the key beside the database. Ten backup codes, each good once, kept
 * hashed. Enrolling keeps nothing until a code shows that the telephone has the secret. */
#include "web/auth.h"

#include "app/clock.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <qrencode.h>
#include <stdio.h>

enum { SECRET_BYTES = 20, STEP_S = 30, DIGITS = 1000000, BACKUP_CODES = 10 };

/* ---- sealing ---- */

static void seal_key(const struct web *w, unsigned char key[crypto_secretbox_KEYBYTES])
{
	static const char PURPOSE[] = "secrets of accounts and webhooks";
	crypto_generichash(key, crypto_secretbox_KEYBYTES, (const unsigned char *)PURPOSE, sizeof PURPOSE - 1, w->link_key,
	                   sizeof w->link_key);
}

bool auth_seal(const struct web *w, struct str secret, char out[SEALED_MAX])
{
	unsigned char key[crypto_secretbox_KEYBYTES], box[SEALED_MAX];
	size_t n = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + secret.n;
	if (sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL) > SEALED_MAX)
		return false;
	seal_key(w, key);
	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)secret.p, secret.n, box, key);
	sodium_bin2base64(out, SEALED_MAX, box, n, sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(key, sizeof key);
	return true;
}

bool auth_unseal(const struct web *w, const char *sealed, struct arena *a, struct str *secret)
{
	unsigned char key[crypto_secretbox_KEYBYTES], box[SEALED_MAX];
	size_t n = 0;
	if (sodium_base642bin(box, sizeof box, sealed, strlen(sealed), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) !=
	        0 ||
	    n < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
		return false;
	size_t length = n - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES;
	char *out = arena_alloc(a, length + 1);
	seal_key(w, key);
	bool ok = crypto_secretbox_open_easy((unsigned char *)out, box + crypto_secretbox_NONCEBYTES,
	                                     n - crypto_secretbox_NONCEBYTES, box, key) == 0;
	sodium_memzero(key, sizeof key);
	*secret = (struct str){ out, ok ? length : 0 };
	return ok;
}

/* ---- codes ---- */

static const char BASE32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void base32(const unsigned char *bytes, size_t n, char *out)
{
	unsigned bits = 0, have = 0;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 5; have -= 5)
			*out++ = BASE32[bits >> (have - 5) & 31];
	}
	*out = 0;
}

static size_t from_base32(const char *text, unsigned char *out, size_t room)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;
	for (; *text; text++) {
		const char *at = strchr(BASE32, *text);
		if (!at || n == room)
			return 0;
		bits = bits << 5 | (unsigned)(at - BASE32);
		if ((have += 5) >= 8)
			out[n++] = (unsigned char)(bits >> (have -= 8));
	}
	return n;
}

static unsigned code_at(struct str secret, int64_t step)
{
	unsigned char counter[8], hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	for (int i = 7; i >= 0; i--, step >>= 8)
		counter[i] = (unsigned char)step;
	check(HMAC(EVP_sha1(), secret.p, (int)secret.n, counter, sizeof counter, hash, &n) != NULL);
	unsigned at = hash[n - 1] & 15;
	return ((hash[at] & 127u) << 24 | (unsigned)hash[at + 1] << 16 | (unsigned)hash[at + 2] << 8 | hash[at + 3]) %
	       DIGITS;
}

/* The step of this code, within the slack and after `last`; 0: none. */
static int64_t step_of(struct str secret, const char *code, int64_t last)
{
	int64_t now = clock_now().s / STEP_S, typed;
	if (strlen(code) != 6 || strspn(code, "0123456789") != 6 || !str_i64(str_from(code), &typed))
		return 0;
	for (int64_t step = now - 1; step <= now + 1; step++)
		if (step > last && code_at(secret, step) == (unsigned)typed)
			return step;
	return 0;
}

static void backup_hash(const char *code, char out[TOKEN_HEX + 1])
{
	char plain[32];
	size_t n = 0;
	for (; *code && n < sizeof plain - 1; code++)
		if (*code != '-' && *code != ' ')
			plain[n++] = *code;
	plain[n] = 0;
	auth_token_hash(plain, out);
}

static bool backup_there(struct request *r, struct factor_use *use)
{
	struct err err;
	struct db *db = request_db(r);
	if (!db)
		return false;
	struct query *q = db_query(db, "backup_code_there");
	query_int(q, 1, use->account);
	query_text(q, 2, str_from(use->code_hash));
	int got = query_next(q, &err);
	query_done(q);
	return got == 1;
}

enum factor_answer factor_check(struct request *r, const struct account *a, const char *code, struct factor_use *use)
{
	struct str secret;
	*use = (struct factor_use){ .account = 0 };
	if (!a->totp[0])
		return FACTOR_FITS;
	if (!code || !code[0])
		return FACTOR_MISSING;
	use->account = a->id;
	if (auth_unseal(r->web, a->totp, &r->arena, &secret) && (use->step = step_of(secret, code, a->totp_step)))
		return FACTOR_FITS;
	backup_hash(code, use->code_hash);
	return backup_there(r, use) ? FACTOR_FITS : FACTOR_WRONG;
}

bool factor_spend(struct db *db, const struct factor_use *use, struct err *err)
{
	int64_t changed = 0;
	if (!use->account)
		return true;
	struct query *q = db_query(db, use->step ? "totp_step_put" : "backup_code_spend");
	query_int(q, 1, use->account);
	if (use->step)
		query_int(q, 2, use->step);
	else
		query_text(q, 2, str_from(use->code_hash));
	return query_run(q, &changed, err) &&
	       (changed || err_set(err, ERR_CONFLICT, "this code was used already: wait for the next one"));
}

/* ---- enrolling ---- */

static void put_qr(struct buf *b, const char *uri)
{
	enum { QUIET = 4 };
	QRcode *qr = QRcode_encodeString8bit(uri, 0, QR_ECLEVEL_M);
	if (!qr) {
		put_null(b, "qr");
		return;
	}
	struct buf svg;
	buf_init(&svg, 1 << 20);
	int side = qr->width + 2 * QUIET;
	buf_printf(&svg,
	           "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
	           "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"",
	           side, side, side, side);
	for (int y = 0; y < qr->width; y++)
		for (int x = 0; x < qr->width; x++)
			if (qr->data[y * qr->width + x] & 1)
				buf_printf(&svg, "M%d %dh1v1h-1z", x + QUIET, y + QUIET);
	buf_cstr(&svg, "\"/></svg>");
	put_str(b, "qr", buf_view(&svg));
	buf_release(&svg);
	QRcode_free(qr);
}

static void put_escaped(struct buf *b, const char *s)
{
	for (; *s; s++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *s))
			buf_char(b, *s);
		else
			buf_printf(b, "%%%02X", (unsigned char)*s);
}

/* A new secret, as text, as an address for an app, as a picture to photograph. Nothing is kept. */
void on_factor_post(struct request *r)
{
	unsigned char bytes[SECRET_BYTES];
	char text[SECRET_BYTES * 8 / 5 + 2];
	struct buf uri;
	randombytes_buf(bytes, sizeof bytes);
	base32(bytes, sizeof bytes, text);
	buf_init(&uri, 2048);
	buf_cstr(&uri, "otpauth://totp/relance:");
	put_escaped(&uri, r->who.name);
	buf_printf(&uri, "?secret=%s&issuer=relance&algorithm=SHA1&digits=6&period=30", text);
	buf_char(&uri, 0);
	put_open(&r->out, NULL, '{');
	put_cstr(&r->out, "secret", text);
	put_cstr(&r->out, "uri", uri.p);
	put_qr(&r->out, uri.p);
	put_close(&r->out, '}');
	request_send_json(r, 200);
	buf_release(&uri);
	sodium_memzero(bytes, sizeof bytes);
}

struct enrolling {
	char sealed[SEALED_MAX], codes[BACKUP_CODES][12];
	int64_t step;
};

static bool write_factor(struct db *db, int64_t account, const char *sealed, int64_t step, struct err *err)
{
	struct query *q = db_query(db, "totp_put");
	query_int(q, 1, account);
	query_text(q, 2, str_from(sealed));
	query_int(q, 3, step);
	if (!query_run(q, NULL, err))
		return false;
	q = db_query(db, "backup_codes_clear");
	query_int(q, 1, account);
	return query_run(q, NULL, err);
}

static bool write_codes(struct db *db, int64_t account, const struct enrolling *e, struct err *err)
{
	for (size_t i = 0; i < BACKUP_CODES; i++) {
		char hash[TOKEN_HEX + 1];
		backup_hash(e->codes[i], hash);
		struct query *q = db_query(db, "backup_code_put");
		query_int(q, 1, account);
		query_text(q, 2, str_from(hash));
		if (!query_run(q, NULL, err))
			return false;
	}
	return true;
}

/* On the ticker: `e` NULL takes the factor away. */
static bool change_factor(struct request *r, int64_t account, const struct enrolling *e, const char *action,
                          struct err *err)
{
	struct db *db = live_db(r->web->live);
	char object[40];
	snprintf(object, sizeof object, "account %lld", (long long)account);
	bool ok = db_begin(db, err) && write_factor(db, account, e ? e->sealed : "", e ? e->step : 0, err) &&
	          (!e || write_codes(db, account, e, err)) &&
	          store_audit(db, clock_now(), r->who.actor, action, object, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok && auth_load(r->web, db, err);
}

static void enrol(struct request *r)
{
	struct enrolling *e = r->handed;
	struct err err;
	if (!change_factor(r, r->who.account, e, "second factor on", &err)) {
		request_err(r, &err);
		return;
	}
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "backup_codes", '[');
	for (size_t i = 0; i < BACKUP_CODES; i++)
		put_cstr(&r->out, NULL, e->codes[i]);
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

/* {secret, code, password}: kept once the code shows that the telephone has it. */
void on_factor_put(struct request *r)
{
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *text = member(o, "secret"), *code = member(o, "code");
	unsigned char bytes[64];
	size_t n = text ? from_base32(text, bytes, sizeof bytes) : 0;
	struct enrolling *e = arena_new(&r->arena, struct enrolling);
	struct str secret = { (const char *)bytes, n };
	if (n < 16 || !code)
		request_problem(r, 422, "\"secret\" (as POST gave it), \"code\" and \"password\" are needed");
	else if (auth_password_again(r, member(o, "password"))) {
		e->step = step_of(secret, code, 0);
		if (!e->step || !auth_seal(r->web, secret, e->sealed)) {
			request_problem(r, 422, "the code does not fit: look at the telephone's clock, then type the next one");
		} else {
			for (size_t i = 0; i < BACKUP_CODES; i++)
				snprintf(e->codes[i], sizeof e->codes[i], "%05u-%05u", randombytes_uniform(100000),
				         randombytes_uniform(100000));
			r->handed = e;
			request_hand_over(r, enrol);
		}
	}
	sodium_memzero(bytes, sizeof bytes);
	json_decref(o);
}

static void take_away(struct request *r)
{
	int64_t account = r->args[0].n ? *(int64_t *)r->handed : r->who.account;
	struct err err;
	if (!change_factor(r, account, NULL, r->args[0].n ? "second factor reset" : "second factor off", &err)) {
		request_err(r, &err);
		return;
	}
	put_open(&r->out, NULL, '{');
	put_bool(&r->out, "factor", false);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

void on_factor_delete(struct request *r)
{
	json_t *o = request_json(r);
	if (!o)
		return;
	if (auth_password_again(r, member(o, "password")))
		request_hand_over(r, take_away);
	json_decref(o);
}

/* By the owner, for somebody who lost their telephone and their codes. */
void on_user_factor_delete(struct request *r)
{
	int64_t *id = arena_new(&r->arena, int64_t);
	bool there = false;
	if (str_i64(r->args[0], id)) {
		pthread_mutex_lock(&r->web->lock);
		for (size_t i = 0; i < r->web->account_count; i++)
			there |= r->web->accounts[i].id == *id;
		pthread_mutex_unlock(&r->web->lock);
	}
	r->handed = id;
	if (there)
		take_away(r);
	else
		request_problem(r, 404, "there is none with this number");
}
