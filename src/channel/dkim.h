/* dkim: signs mails (RFC 6376), with RSA-SHA256 and Ed25519-SHA256 (RFC 8463), both at once: old receivers check the
 * one, new ones prefer the other. Canonicalization relaxed/relaxed, so that servers which refold headers do no harm.
 *
 * A key is parsed once. A signer belongs to one thread (it keeps OpenSSL contexts); keys may be shared. Signed are the
 * header fields a reader or a mail service acts on; From, To, Subject and Date are signed once more than they occur, so
 * that nobody can add another. The body is hashed once for both signatures. No time stamp and no expiry (t=, x=): the
 * same mail gives the same RSA and Ed25519 signature (both schemes are deterministic). */
#ifndef RELANCE_CHANNEL_DKIM_H
#define RELANCE_CHANNEL_DKIM_H

#include "base/buf.h"
#include "base/err.h"

enum dkim_algorithm { DKIM_RSA, DKIM_ED25519 };

enum { DKIM_KEYS_MAX = 2, DKIM_RSA_BITS = 2048, DKIM_PEM_MAX = 16 << 10 };

struct dkim_key;

/* PEM, PKCS#8 or PKCS#1; RSA of 1024 … 4096 bits, or Ed25519. NULL = failed. */
struct dkim_key *dkim_key_parse(struct str pem, struct err *err) MUST_CHECK;
void dkim_key_free(struct dkim_key *key);
enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key);

/* A new private key as PEM. */
bool dkim_key_generate(enum dkim_algorithm algorithm, struct buf *pem, struct err *err) MUST_CHECK;

/* What to publish as TXT at SELECTOR._domainkey.DOMAIN: "v=DKIM1; k=rsa; p=…". */
bool dkim_key_record(const struct dkim_key *key, struct buf *out, struct err *err) MUST_CHECK;

struct dkim_signer;

/* domain: ASCII form. selectors[i] goes with keys[i]; keys are kept, not owned. NULL = failed. */
struct dkim_signer *dkim_signer_new(struct str domain, const struct dkim_key *const *keys, const struct str *selectors,
                                    size_t count, struct err *err) MUST_CHECK;
void dkim_signer_free(struct dkim_signer *s);

/* mail: a whole mail with CRLF line ends. Appends the DKIM-Signature fields (CRLF included) to out; they go before it.
 */
bool dkim_sign(struct dkim_signer *s, struct str mail, struct buf *out, struct err *err) MUST_CHECK;

#endif
