/* bounce_reason: what a mail server's refusal means, from its words, its codes and the moment it was said.
 *
 * Words come first, since codes are used loosely (550 is anything); the enhanced status (RFC 3463, IANA's registry)
 * decides when the words say nothing. Only four reasons are about the address itself and permanent: it does not exist,
 * its domain does not exist, it has moved, its domain declares that it takes no mail. Everything else is about us, the
 * message or the moment, and is soft. Reason names follow those of the Sisimai parser, which postmasters know. */
#ifndef RELANCE_CHANNEL_BOUNCE_REASON_H
#define RELANCE_CHANNEL_BOUNCE_REASON_H

#include "base/str.h"

enum bounce_reason {
	RETURN_UNDEFINED,
	RETURN_AUTHFAILURE,   /* SPF, DKIM, DMARC */
	RETURN_BADREPUTATION, /* our address' or domain's standing */
	RETURN_BLOCKED,       /* our server is refused */
	RETURN_CONTENTERROR,  /* malformed mail */
	RETURN_EXCEEDLIMIT,   /* larger than this person may receive */
	RETURN_EXPIRED,       /* tried for too long, or a warning that it takes long */
	RETURN_FEEDBACK,      /* complaint */
	RETURN_FILTERED,      /* taken, then refused by the person's own filter */
	RETURN_HASMOVED,
	RETURN_HOSTUNKNOWN,
	RETURN_MAILBOXFULL,
	RETURN_MAILERERROR, /* the delivery program failed */
	RETURN_MESGTOOBIG,
	RETURN_NETWORKERROR, /* connections, routing loops */
	RETURN_NORELAYING,
	RETURN_NOTACCEPT, /* the domain takes no mail (RFC 7505) */
	RETURN_NOTCOMPLIANTRFC,
	RETURN_ONHOLD, /* something local and vague */
	RETURN_POLICYVIOLATION,
	RETURN_REJECTED, /* our sender address is refused */
	RETURN_REQUIREPTR,
	RETURN_SECURITYERROR,
	RETURN_SPAMDETECTED,
	RETURN_SPEEDING,    /* too many mails too fast */
	RETURN_SUSPEND,     /* account disabled for now */
	RETURN_SYNTAXERROR, /* of the SMTP dialogue */
	RETURN_SYSTEMERROR,
	RETURN_SYSTEMFULL,
	RETURN_TOOMANYCONN,
	RETURN_USERUNKNOWN,
	RETURN_VACATION,
	RETURN_VIRUSDETECTED,
	RETURN_COUNT,
};

const char *bounce_reason_name(enum bounce_reason reason); /* "userunknown" */
bool bounce_reason_hard(enum bounce_reason reason);        /* says that the address itself is dead */

enum bounce_stage { STAGE_UNKNOWN, STAGE_CONNECT, STAGE_MAIL, STAGE_RCPT, STAGE_DATA };

/* Codes in a server's words: "550 5.1.1 …" gives reply 550 and status "5.1.1". Missing: 0 and "". When several are
 * there, a precise one (5.1.1) wins over a vague one (5.0.0), then the first. IP addresses are not mistaken for one. */
struct bounce_codes {
	int reply;
	char status[12];
};
void bounce_codes_find(struct str text, struct bounce_codes *out);
bool bounce_status_vague(const char *status); /* "", x.0.0, x.5.0 … : says no more than 4 or 5 */

/* text: the words, in lower case with single spaces. stage: when it was said, as far as known. quoted: the words are
 * another server's SMTP reply, not those of the server that wrote the report. */
enum bounce_reason bounce_reason_of_text(struct str text, const char *status, enum bounce_stage stage, bool quoted);
enum bounce_reason bounce_reason_of_status(const char *status);
enum bounce_stage bounce_stage_of(struct str text); /* same kind of text */

#endif
