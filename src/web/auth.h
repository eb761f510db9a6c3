/* auth: what the files of signing in share. auth.c: accounts, sessions, keys, who may what; auth_factor.c: the second
 * factor; auth_people.c: invitations and the list of one's sessions. */
#ifndef RELANCE_WEB_AUTH_H
#define RELANCE_WEB_AUTH_H

#include "web/web_int.h"

#include <sodium.h>

enum { SEALED_MAX = 400, PASSWORD_MIN = 12, PASSWORD_MAX = 200 };

struct new_account {
	char name[NAME_MAX_BYTES + 1], role[16], locale[4], password[crypto_pwhash_STRBYTES];
};

void auth_token_make(char out[TOKEN_HEX + 1]);
void auth_token_hash(const char *token, char out[TOKEN_HEX + 1]);
bool auth_role_known(const char *role);
bool auth_scopes_read(const char *text, unsigned *may); /* "read facts"; false: one of them is none */

/* From the request's JSON, the password hashed on an HTTP thread. NULL: a problem was set. */
struct new_account *auth_read_account(struct request *r, json_t *o, const char *role);
/* On the ticker. `invite`: the hash of the link it was made by, spent in the same transaction; NULL: none. */
bool auth_write_account(struct request *r, const struct new_account *n, const char *invite, struct err *err) MUST_CHECK;
bool auth_name_taken(struct web *w, const char *name, int64_t *id);
/* On the ticker: r->who becomes this account, signed in, with its cookie. */
void auth_sign_in(struct request *r, int64_t account);
/* Whether the signed-in account's password is this one; false: a problem was set. Slowed like signing in. */
bool auth_password_again(struct request *r, const char *password);

/* ---- auth_factor.c ---- */

/* Text that only a program with the key beside the database can read: base64 of nonce and box. */
bool auth_seal(const struct web *w, struct str secret, char out[SEALED_MAX]) MUST_CHECK;
bool auth_unseal(const struct web *w, const char *sealed, struct arena *a, struct str *secret) MUST_CHECK;

/* What a code was, so that it is taken once: written with the session it opens. */
struct factor_use {
	int64_t account, step; /* step 0: a backup code */
	char code_hash[TOKEN_HEX + 1];
};
enum factor_answer { FACTOR_FITS, FACTOR_MISSING, FACTOR_WRONG };
enum factor_answer factor_check(struct request *r, const struct account *a, const char *code, struct factor_use *use);
/* Inside the open transaction; false with ERR_CONFLICT: the code was used meanwhile. */
bool factor_spend(struct db *db, const struct factor_use *use, struct err *err) MUST_CHECK;

/* ---- auth_people.c ---- */

/* The role an invitation gives; empty: there is none of this link, or it is over. */
bool invite_role(struct request *r, const char *token, char role[16], struct err *err) MUST_CHECK;

#endif
