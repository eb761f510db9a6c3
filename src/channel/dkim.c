/* dkim: one pass finds the header fields, one hashes the body where it stands; each key then signs
 * the hash of the chosen fields. */
#include "channel/dkim.h"

#include "base/arena.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <strings.h>

enum { FIELDS_MAX = 128, SIGNATURE_MAX = 512, ED25519_BYTES = 32 };

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
};

struct dkim_signer {
	char domain[256], selectors[DKIM_KEYS_MAX][64];
	const struct dkim_key *keys[DKIM_KEYS_MAX];
	EVP_PKEY_CTX *rsa[DKIM_KEYS_MAX]; /* ready to sign a digest */
	EVP_MD_CTX *md, *sha;             /* for Ed25519; for hashes */
	EVP_MD *sha256;                   /* fetched once: a lookup costs as much as hashing a kilobyte */
	size_t count;
	struct buf chosen;
};

/* ---- keys ---- */

static bool openssl_failed(struct err *err, const char *what)
{
	ERR_clear_error();
	return err_set(err, ERR_INPUT, "dkim: %s", what);
}

static struct dkim_key *key_new(EVP_PKEY *pkey, struct err *err)
{
	int id = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);
	if (id != EVP_PKEY_ED25519 && (id != EVP_PKEY_RSA || bits < 1024 || bits > 4096)) {
		EVP_PKEY_free(pkey);
		err_set(err, ERR_INPUT, "dkim: the key must be RSA of 1024 to 4096 bits, or Ed25519");
		return NULL;
	}
	struct dkim_key *key = mem_alloc(sizeof *key);
	key->pkey = pkey;
	key->algorithm = id == EVP_PKEY_RSA ? DKIM_RSA : DKIM_ED25519;
	return key;
}

static int no_password(char *buffer, int size, int writing, void *ctx)
{
	return -1; /* never asks on the terminal */
}

struct dkim_key *dkim_key_parse(struct str pem, struct err *err)
{
	BIO *bio = pem.n <= DKIM_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	if (!pkey) {
		openssl_failed(err, "this is not a private key in PEM form without a password");
		return NULL;
	}
	return key_new(pkey, err);
}

void dkim_key_free(struct dkim_key *key)
{
	if (key)
		EVP_PKEY_free(key->pkey);
	free(key);
}

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key)
{
	return key->algorithm;
}

bool dkim_key_generate(enum dkim_algorithm algorithm, struct buf *pem, struct err *err)
{
	EVP_PKEY *pkey = algorithm == DKIM_RSA ? EVP_RSA_gen(DKIM_RSA_BITS) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	bool ok = pkey && bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1;
	if (ok) {
		long n = BIO_get_mem_data(bio, &text);
		buf_add(pem, text, (size_t)n);
	}
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return ok || openssl_failed(err, "cannot generate a key");
}

static void add_base64(struct buf *out, const unsigned char *p, size_t n)
{
	char *room = buf_reserve(out, (n + 2) / 3 * 4 + 1);
	if (room)
		out->n += (size_t)EVP_EncodeBlock((unsigned char *)room, p, (int)n);
}

bool dkim_key_record(const struct dkim_key *key, struct buf *out, struct err *err)
{
	buf_printf(out, "v=DKIM1; k=%s; p=", key->algorithm == DKIM_RSA ? "rsa" : "ed25519");
	if (key->algorithm == DKIM_ED25519) {
		unsigned char raw[ED25519_BYTES];
		size_t n = sizeof raw;
		if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &n) != 1)
			return openssl_failed(err, "cannot read the public key");
		add_base64(out, raw, n);
		return true;
	}
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key->pkey, &der);
	if (n <= 0)
		return openssl_failed(err, "cannot read the public key");
	add_base64(out, der, (size_t)n);
	OPENSSL_free(der);
	return true;
}

/* ---- signers ---- */

static EVP_PKEY_CTX *rsa_context(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	if (ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static bool name_ok(struct str s, size_t max)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
		      (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' || s.p[i] == '.' || s.p[i] == '_'))
			return false;
	return s.n > 0 && s.n < max;
}

struct dkim_signer *dkim_signer_new(struct str domain, const struct dkim_key *const *keys, const struct str *selectors,
                                    size_t count, struct err *err)
{
	struct dkim_signer *s = mem_alloc(sizeof *s);
	buf_init(&s->chosen, 256 << 10);
	s->md = EVP_MD_CTX_new();
	s->sha = EVP_MD_CTX_new();
	s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	bool ok = name_ok(domain, sizeof s->domain) && count >= 1 && count <= DKIM_KEYS_MAX && s->md && s->sha && s->sha256;
	if (ok)
		memcpy(s->domain, domain.p, domain.n);
	for (size_t i = 0; ok && i < count; i++) {
		ok = name_ok(selectors[i], sizeof s->selectors[0]);
		if (!ok)
			break;
		memcpy(s->selectors[i], selectors[i].p, selectors[i].n);
		s->keys[s->count++] = keys[i];
		if (keys[i]->algorithm == DKIM_RSA)
			ok = (s->rsa[i] = rsa_context(keys[i]->pkey)) != NULL;
	}
	if (ok)
		return s;
	dkim_signer_free(s);
	err_set(err, ERR_INPUT, "dkim: the domain or a selector is not a name (letters, digits, dots, dashes)");
	return NULL;
}

void dkim_signer_free(struct dkim_signer *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < DKIM_KEYS_MAX; i++)
		EVP_PKEY_CTX_free(s->rsa[i]);
	EVP_MD_CTX_free(s->md);
	EVP_MD_CTX_free(s->sha);
	EVP_MD_free(s->sha256);
	buf_release(&s->chosen);
	free(s);
}

/* ---- canonicalization ---- */

struct field {
	struct str name, raw; /* raw: the value, after the colon, with folds, without the last CRLF */
	bool used;
};

static size_t read_fields(struct str mail, struct field *fields, size_t *count)
{
	size_t at = 0;
	*count = 0;
	while (at < mail.n) {
		size_t start = at;
		for (;;) { /* to the end of the field, folds included */
			const char *end = memchr(mail.p + at, '\n', mail.n - at);
			at = end ? (size_t)(end + 1 - mail.p) : mail.n;
			if (at >= mail.n || (mail.p[at] != ' ' && mail.p[at] != '\t'))
				break;
		}
		struct str line = { mail.p + start, at - start };
		while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
			line.n--;
		if (line.n == 0)
			return at;
		const char *colon = memchr(line.p, ':', line.n);
		if (colon && *count < FIELDS_MAX)
			fields[(*count)++] = (struct field){ .name = str_trim((struct str){ line.p, (size_t)(colon - line.p) }),
				                                 .raw = { colon + 1, line.n - (size_t)(colon + 1 - line.p) } };
	}
	return mail.n;
}

/* RFC 6376 section 3.4.2: name in lower case, folds undone, runs of white space one space, none at the ends. */
static void relaxed_field(struct buf *out, struct str name, struct str raw, bool end)
{
	char *o = buf_reserve(out, name.n + raw.n + 4);
	if (!o)
		return;
	char *start = o;
	for (size_t i = 0; i < name.n; i++)
		*o++ = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
	*o++ = ':';
	bool space = false, any = false;
	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i];
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			space = true;
			continue;
		}
		if (space && any)
			*o++ = ' ';
		*o++ = c;
		any = true;
		space = false;
	}
	if (end) {
		*o++ = '\r';
		*o++ = '\n';
	}
	out->n += (size_t)(o - start);
}

/* Does the relaxed form change a body at this byte? At a tab, at white space before white space or a line's end, and at
 * a line feed without its carriage return. Between such places bytes are hashed where they stand: most of a mail needs
 * no change. */
static bool changes_at(unsigned char c, unsigned char after)
{
	return (c == '\t') | ((c == ' ') & (after <= ' ')) | ((c != '\r') & (after == '\n'));
}

enum { BLOCK = 64 };

static size_t next_change(struct str body, size_t at)
{
	const unsigned char *p = (const unsigned char *)body.p;
	for (; at + BLOCK < body.n; at += BLOCK) {
		unsigned char any = 0;
		for (int i = 0; i < BLOCK;
		     i++) /* constant and without branches: the compiler makes it a few vector operations */
			any |= (unsigned char)changes_at(p[at + (size_t)i], p[at + (size_t)i + 1]);
		if (any)
			break;
	}
	while (at + 1 < body.n && !changes_at(p[at], p[at + 1]))
		at++;
	return at + 1 < body.n ? at : body.n;
}

/* Without the empty lines at the end (RFC 6376 section 3.4.4); lines of nothing but white space are empty. */
static struct str without_end(struct str body)
{
	while (body.n && (body.p[body.n - 1] == '\n' || body.p[body.n - 1] == '\r' || body.p[body.n - 1] == ' ' ||
	                  body.p[body.n - 1] == '\t'))
		body.n--;
	return body;
}

static bool hash_body(EVP_MD_CTX *md, const EVP_MD *sha256, struct str body, unsigned char *digest)
{
	if (EVP_DigestInit_ex(md, sha256, NULL) != 1)
		return false;
	body = without_end(body);
	if (body.n && body.p[0] == '\n') { /* nothing stands before it */
		EVP_DigestUpdate(md, "\r\n", 2);
		body = (struct str){ body.p + 1, body.n - 1 };
	}
	for (size_t at = 0; at < body.n;) {
		size_t stop = next_change(body, at);
		char c = stop < body.n ? body.p[stop] : 'x';
		bool space = c == ' ' || c == '\t';
		size_t keep = stop + (stop < body.n && !space ? 1 : 0); /* what stands before a bare line feed */
		EVP_DigestUpdate(md, body.p + at, keep - at);
		at = keep;
		if (stop == body.n)
			break;
		while (at < body.n && (body.p[at] == ' ' || body.p[at] == '\t'))
			at++;
		if (body.p[at] == '\n') {
			EVP_DigestUpdate(md, "\r\n", 2);
			at++;
		} else if (body.p[at] != '\r') {
			EVP_DigestUpdate(md, " ", 1);
		}
	}
	return (body.n == 0 || EVP_DigestUpdate(md, "\r\n", 2) == 1) && EVP_DigestFinal_ex(md, digest, NULL) == 1;
}

/* ---- signing ---- */

static const char *const SIGNED[] = { "From",
	                                  "To",
	                                  "Subject",
	                                  "Date",
	                                  "Message-ID",
	                                  "Reply-To",
	                                  "MIME-Version",
	                                  "Content-Type",
	                                  "Content-Transfer-Encoding",
	                                  "List-Unsubscribe",
	                                  "List-Unsubscribe-Post",
	                                  "List-ID",
	                                  "Feedback-ID",
	                                  "Auto-Submitted" };
enum { OVERSIGNED = 4 }; /* the first four are signed once more than they occur */

static void add_name(struct buf *names, struct str name)
{
	if (names->n)
		buf_char(names, ':');
	buf_str(names, name);
}

/* The chosen fields in relaxed form into `canonical`, their names into `names` ("from:from:to:to:…"). */
static void choose(struct field *fields, size_t count, struct buf *canonical, struct buf *names)
{
	for (size_t k = 0; k < ARRAY_LEN(SIGNED); k++) {
		struct str wanted = str_from(SIGNED[k]);
		for (size_t i = count; i-- > 0;) /* from the bottom, as verifiers do */
			if (str_eq_nocase(fields[i].name, wanted)) {
				relaxed_field(canonical, fields[i].name, fields[i].raw, true);
				add_name(names, wanted);
			}
		if (k < OVERSIGNED)
			add_name(names, wanted);
	}
}

static bool sign_digest(struct dkim_signer *s, size_t i, const unsigned char *digest, unsigned char *signature,
                        size_t *n)
{
	*n = SIGNATURE_MAX;
	if (s->keys[i]->algorithm == DKIM_RSA)
		return EVP_PKEY_sign(s->rsa[i], signature, n, digest, SHA256_DIGEST_LENGTH) == 1;
	return EVP_MD_CTX_reset(s->md) == 1 && EVP_DigestSignInit(s->md, NULL, NULL, NULL, s->keys[i]->pkey) == 1 &&
	       EVP_DigestSign(s->md, signature, n, digest, SHA256_DIGEST_LENGTH) == 1;
}

static void fold_base64(struct buf *out, const char *text, size_t n, size_t column)
{
	for (size_t i = 0; i < n;) {
		size_t room = column < 74 ? 74 - column : 0, part = n - i < room ? n - i : room;
		buf_add(out, text + i, part);
		i += part;
		if (i < n) {
			buf_cstr(out, "\r\n\t");
			column = 1;
		}
	}
}

static bool add_signature(struct dkim_signer *s, size_t k, struct str names, const char *body_hash, struct buf *out)
{
	size_t start = out->n;
	unsigned char digest[SHA256_DIGEST_LENGTH], signature[SIGNATURE_MAX], coded[SIGNATURE_MAX * 4 / 3 + 8];
	buf_printf(out, "DKIM-Signature: v=1; a=%s-sha256; c=relaxed/relaxed; d=%s;\r\n\ts=%s; q=dns/txt; bh=%s;\r\n\th=",
	           s->keys[k]->algorithm == DKIM_RSA ? "rsa" : "ed25519", s->domain, s->selectors[k], body_hash);
	size_t column = 3;
	for (size_t i = 0; i < names.n;) { /* folded after a colon */
		const char *colon = memchr(names.p + i, ':', names.n - i);
		size_t n = colon ? (size_t)(colon + 1 - names.p) - i : names.n - i;
		if (column + n > 74) {
			buf_cstr(out, "\r\n\t");
			column = 1;
		}
		buf_add(out, names.p + i, n);
		column += n;
		i += n;
	}
	buf_cstr(out, ";\r\n\tb=");
	if (out->full)
		return false;
	size_t before = s->chosen.n; /* the signature field itself, with an empty b=, ends what is signed */
	struct str own = { out->p + start + 15, out->n - start - 15 };
	relaxed_field(&s->chosen, STR("DKIM-Signature"), own, false);
	bool hashed = !s->chosen.full && EVP_DigestInit_ex(s->sha, s->sha256, NULL) == 1 &&
	              EVP_DigestUpdate(s->sha, s->chosen.p, s->chosen.n) == 1 &&
	              EVP_DigestFinal_ex(s->sha, digest, NULL) == 1;
	s->chosen.n = before;
	size_t n;
	if (!hashed || !sign_digest(s, k, digest, signature, &n))
		return false;
	int length = EVP_EncodeBlock(coded, signature, (int)n);
	fold_base64(out, (const char *)coded, (size_t)length, 3);
	buf_cstr(out, "\r\n");
	return !out->full;
}

bool dkim_sign(struct dkim_signer *s, struct str mail, struct buf *out, struct err *err)
{
	struct field fields[FIELDS_MAX];
	size_t count;
	size_t header = read_fields(mail, fields, &count);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char body_hash[64];
	struct buf names;
	buf_init(&names, 4096);
	buf_clear(&s->chosen);
	bool ok = hash_body(s->sha, s->sha256, (struct str){ mail.p + header, mail.n - header }, digest);
	EVP_EncodeBlock((unsigned char *)body_hash, digest, SHA256_DIGEST_LENGTH);
	choose(fields, count, &s->chosen, &names);
	for (size_t k = 0; ok && k < s->count; k++)
		ok = add_signature(s, k, buf_view(&names), body_hash, out);
	buf_release(&names);
	if (ok)
		return true;
	ERR_clear_error();
	return err_set(err, ERR_LIMIT, "dkim: cannot sign: the mail is too large or the key does not work");
}
