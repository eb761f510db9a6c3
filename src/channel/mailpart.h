/* mailpart: a tolerant reader of mails that other people's software wrote: bounces, complaints, automatic replies.
 *
 * Splits a mail into its header and a flat list of decoded parts (RFC 2045 transfer encodings, RFC 2046 multiparts). It
 * never refuses: a missing boundary, a cut mail, bare LF or an unknown encoding still gives the text that is there,
 * since bounces are often malformed and are never worth losing. Everything lives in the caller's arena or points into
 * the mail, which must outlive the result. Charsets are left as they are, but for encoded words in headers (RFC 2047),
 * which become UTF-8 from UTF-8, ISO-8859-1, -15 and Windows-1252 (others are left encoded).
 *
 * Limits: MAIL_MAX bytes are looked at, MAIL_PARTS_MAX parts, MAIL_DEPTH_MAX nested multiparts; what is beyond is
 * ignored. */
#ifndef RELANCE_CHANNEL_MAILPART_H
#define RELANCE_CHANNEL_MAILPART_H

#include "base/arena.h"

enum { MAIL_MAX = 2 << 20, MAIL_PARTS_MAX = 32, MAIL_DEPTH_MAX = 6, MAIL_HEADERS_MAX = 512 };

enum part_kind {
	PART_TEXT,     /* text/plain, or anything that had no type */
	PART_HTML,     /* text/html */
	PART_STATUS,   /* message/delivery-status (RFC 3464), message/global-delivery-status (RFC 6533) */
	PART_FEEDBACK, /* message/feedback-report (RFC 5965) */
	PART_ORIGINAL, /* message/rfc822, message/global, text/rfc822-headers: what was sent */
	PART_OTHER,
};

struct part {
	enum part_kind kind;
	struct str body; /* transfer encoding undone */
};

struct header {
	struct str name, value; /* value unfolded and trimmed */
};

struct headers {
	struct header *list;
	size_t count;
};

struct mail {
	struct headers headers;
	struct str body; /* raw, after the blank line */
	struct part *parts;
	size_t part_count;
};

/* Reads header lines up to a blank line or the end; returns the number of bytes taken, blank line included. */
size_t headers_read(struct arena *a, struct str text, struct headers *out);
struct str headers_find(const struct headers *h, const char *name); /* the first; {NULL, 0} when absent */

void mail_read(struct arena *a, struct str bytes, struct mail *out);

/* Takes one line off *text (without its CR and LF); false at the end. */
bool line_next(struct str *text, struct str *line);

struct str header_words(struct arena *a, struct str value); /* RFC 2047 encoded words as UTF-8 */
struct str text_of_html(struct arena *a, struct str html);  /* tags dropped, the common entities undone */

/* The first address in s at or after *from: local@domain, without brackets; *from is moved behind it. A quoted local
 * part keeps its quotes. False when there is none. */
bool address_next(struct str s, size_t *from, struct str *out);

bool str_has(struct str s, const char *lower); /* ASCII case-insensitive substring; `lower` in lower case */

#endif
