/* mime: builds a mail, ready for the wire: RFC 5322 headers, CRLF lines, text and HTML as alternatives (RFC 2046).
 *
 * Bodies are quoted-printable (RFC 2045), so that no server on the way has to change them and a DKIM signature holds;
 * no line begins with a dot or "From ". Names and subjects beyond ASCII become encoded words (RFC 2047), file names RFC
 * 2231 parameters. International domains are written in their ASCII form (UTS 46, through ICU); a local part beyond
 * ASCII needs a server with SMTPUTF8 (RFC 6531, 6532), which the result says. Line breaks and control characters in
 * what becomes a header turn into spaces: nothing a customer typed can add a header.
 *
 * Pure: the same input gives the same bytes. Limits: MIME_MAIL_MAX bytes. Errors name the field, never its content. */
#ifndef RELANCE_CHANNEL_MIME_H
#define RELANCE_CHANNEL_MIME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/zone.h"

enum { MIME_MAIL_MAX = 20 << 20, MIME_ADDRESS_MAX = 254, MIME_FILES_MAX = 16 };

struct mime_file {
	struct str name; /* UTF-8 */
	struct str type; /* "application/pdf" */
	struct str bytes;
};

struct mime_mail {
	struct str from_name, from_address;
	struct str to_name, to_address;
	struct str reply_to; /* optional */
	struct str subject;
	struct str message_id; /* without brackets: see mime_message_id */
	struct instant date;
	zone_id zone;                  /* of the shop: the Date header's offset */
	struct str text, html;         /* UTF-8, any line ends; one of them may be empty */
	struct str unsubscribe_url;    /* optional: List-Unsubscribe, and one click by POST (RFC 8058) */
	struct str unsubscribe_mail;   /* optional address: List-Unsubscribe's mailto */
	struct str list_name, list_id; /* optional: List-ID "name <id>" (RFC 2919) */
	struct str feedback_id;        /* optional: Feedback-ID, "campaign:customer group:type:sender" */
	bool automatic;                /* Auto-Submitted: auto-generated (RFC 3834): service mails a machine causes */
	const struct mime_file *files;
	size_t file_count;
};

struct mime_result {
	bool smtputf8; /* the server has to offer SMTPUTF8 */
};

/* Appends the mail to out (whose maximum is the caller's, at most MIME_MAIL_MAX is useful). */
bool mime_build(const struct mime_mail *m, struct buf *out, struct mime_result *result, struct err *err) MUST_CHECK;

/* The left side is the message's key ("c12.welcome.1.hello.email"); what may not stand there is hashed. */
void mime_message_id(struct str key, struct str domain, struct buf *out);

/* local@domain, plausible for SMTP: lengths (RFC 5321 section 4.5.3), no control characters, spaces or brackets, one
 * '@' outside quotes, a domain without empty labels. Adds it with the domain in ASCII; utf8 says that the local part is
 * beyond ASCII (then the domain is left in UTF-8 as well). */
bool mime_address(struct str address, struct buf *out, bool *utf8) MUST_CHECK;

/* For tests and other writers of headers. */
void mime_words(struct str text, size_t column, struct buf *out); /* unstructured text, folded at 76 */

#endif
