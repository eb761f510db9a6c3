/* domain: which DNS records a sending domain has to publish, and whether it does.
 *
 * SPF (RFC 7208) says which servers may send, DKIM (RFC 6376) holds the public keys, DMARC (RFC 7489) says what to do
 * with mail that is neither. Gmail, Yahoo and Microsoft ask all three of bulk senders. Lookups go to the system's
 * resolver, with two seconds' patience; without one the records are still printed. */
#ifndef RELANCE_CHANNEL_DOMAIN_H
#define RELANCE_CHANNEL_DOMAIN_H

#include "base/arena.h"
#include "base/err.h"

enum { DOMAIN_TXT_MAX = 4096, DOMAIN_ANSWERS_MAX = 32 };

enum domain_state {
	DOMAIN_PUBLISHED,
	DOMAIN_MISSING,
	DOMAIN_DIFFERS,    /* something is there, but not what is needed: see note */
	DOMAIN_NOT_LOOKED, /* no resolver answered */
};

struct domain_record {
	const char *kind;   /* "SPF", "DKIM", "DMARC" */
	struct str name;    /* where: "_dmarc.example.com" */
	struct str publish; /* the TXT value to publish */
	struct str found;   /* what is there */
	enum domain_state state;
	struct str note; /* one line for the shopkeeper, may be empty */
};

const char *domain_state_name(enum domain_state s);

/* TXT records of a name, each joined to one string. False: no answer from a resolver (not: no such record). */
bool domain_txt(struct arena *a, struct str name, struct str *out, size_t *count);

/* Pure: what the records found (count of them; answered = false when no resolver did) say about the one wanted.
 * spf: the mechanism that must be in it ("include:spf.example.net", "a", "ip4:…"). */
struct domain_record domain_judge_spf(struct arena *a, struct str domain, struct str mechanism, bool answered,
                                      const struct str *found, size_t count);
struct domain_record domain_judge_dkim(struct arena *a, struct str domain, struct str selector, struct str record,
                                       bool answered, const struct str *found, size_t count);
struct domain_record domain_judge_dmarc(struct arena *a, struct str domain, struct str report_to, bool answered,
                                        const struct str *found, size_t count);

bool domain_name_ok(struct str domain); /* letters, digits, dashes, dots; at least one dot */

#endif
