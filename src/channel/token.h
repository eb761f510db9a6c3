/* token: what stands in a link of a message, so that only who got it can use it.
 *
 * A token names a message and a purpose (and, for a click, which link), and carries an HMAC-SHA256 of them under the
 * shop's key, cut to 128 bits (RFC 2104 section 5): it cannot be guessed, nor one for opening be used to unsubscribe.
 * It holds no personal data and never expires by itself; whether the link still does something is the caller's
 * business. 36 characters of base64url (RFC 4648 section 5), safe in paths and mails.
 *
 * VERP return paths (the envelope sender "b+TOKEN@shop") use base32 in lower case, since mail servers do not keep the
 * case of local parts, and 64 bits of HMAC, since a forged one only claims a bounce. A bounce thus finds its message
 * unread.
 *
 * Numbers of purposes are part of links already sent: append only. */
#ifndef RELANCE_CHANNEL_TOKEN_H
#define RELANCE_CHANNEL_TOKEN_H

#include "base/buf.h"

enum token_purpose {
	TOKEN_UNSUBSCRIBE = 1,
	TOKEN_OPEN = 2,
	TOKEN_CLICK = 3, /* extra: number of the link in the message */
	TOKEN_WEB = 4,   /* the message in a browser */
	TOKEN_PREFERENCES = 5,
	TOKEN_ANSWER = 6, /* extra: the answer chosen in a survey */
	TOKEN_BOUNCE = 7,
	TOKEN_SIGNUP = 8, /* message: the number of a sign-up that waits for its confirmation */
	TOKEN_HOOK = 9,   /* where an e-mail provider posts; message: which (webhook.h) */
};

enum { TOKEN_KEY_BYTES = 32, TOKEN_CHARS = 36, VERP_CHARS = 26 };

struct token {
	enum token_purpose purpose;
	int64_t message;
	uint16_t extra;
};

/* key: TOKEN_KEY_BYTES secret bytes. out: TOKEN_CHARS + 1. */
void token_write(const unsigned char *key, struct token t, char *out);
/* False when it is not a token of this purpose, or not ours. */
bool token_read(const unsigned char *key, enum token_purpose purpose, struct str text, struct token *out) MUST_CHECK;

/* Adds "prefix+TOKEN@domain". */
void verp_write(const unsigned char *key, int64_t message, struct str prefix, struct str domain, struct buf *out);
/* Takes the address, or its local part; whatever the prefix and the case. */
bool verp_read(const unsigned char *key, struct str address, int64_t *message) MUST_CHECK;

#endif
