/* bounce: reads what comes back when mail does not arrive, and says for each recipient what it means.
 *
 * Understands delivery reports (RFC 3464, 6522, 6533), complaints (RFC 5965, and providers' informal ones), automatic
 * replies (RFC 3834 and what programs really send), and the prose of servers that know none of these. A report about
 * several recipients gives several verdicts. In doubt the verdict is unknown: a good address is never called dead.
 *
 *   hard       the address does not exist (any more): suppress it
 *   soft       this mail, or mail at this moment, did not arrive: count it
 *   complaint  the person called it spam: suppress it
 *   vacation   somebody answers automatically: nothing to do
 *   unknown    it is a report, but of what is not clear
 *
 * bounce_parse is pure: bytes in, a list in the caller's arena out (which may point into `mail`). A mail that is no
 * report at all gives an empty list. Limits: MAIL_MAX bytes read, BOUNCE_RECIPIENTS_MAX recipients, BOUNCE_TEXT_MAX
 * bytes of prose. */
#ifndef RELANCE_CHANNEL_BOUNCE_H
#define RELANCE_CHANNEL_BOUNCE_H

#include "base/arena.h"
#include "channel/bounce_reason.h"

enum { BOUNCE_RECIPIENTS_MAX = 256, BOUNCE_TEXT_MAX = 64 << 10 };

enum bounce_verdict { BOUNCE_UNKNOWN, BOUNCE_SOFT, BOUNCE_HARD, BOUNCE_COMPLAINT, BOUNCE_VACATION };

struct bounce {
	struct str recipient; /* as the report writes it; empty when the report hides it */
	char status[12];      /* "5.1.1"; empty when none was given */
	int reply;            /* SMTP reply, 0 when none was given */
	enum bounce_verdict verdict;
	enum bounce_reason reason;
};

struct bounce_report {
	struct bounce *list;
	size_t count;
	struct str to;         /* whom the report was sent to: our VERP return path (see verp.h), may be empty */
	struct str message_id; /* of the original mail, without brackets, may be empty */
};

void bounce_parse(struct arena *a, struct str mail, struct bounce_report *out);

const char *bounce_verdict_name(enum bounce_verdict v); /* "hard" */

/* ---- shared with the parser of prose (bounce_text.c) ---- */

struct mail;

/* One recipient as found, with the words that concern it (lower case, single spaces). */
struct bounce_found {
	struct str address;
	struct str words;
	char status[12]; /* of a report's Status field */
	bool delayed;    /* Action: delayed */
	bool structured; /* from report fields, not prose */
};

struct bounce_finds {
	struct bounce_found list[BOUNCE_RECIPIENTS_MAX];
	size_t count;
};

/* Prose: recipients and their words in `notice`; `self` (the report's addressee) is not taken for a recipient when
 * there is another. */
void bounce_read_text(struct arena *a, struct str notice, struct str self, struct bounce_finds *out);

/* Fields like "Final-Recipient:" in groups, from a report part or from lines of prose. */
void bounce_read_fields(struct arena *a, struct str text, struct bounce_finds *out);

/* Lower case, single spaces, no accents (whether the text is UTF-8 or, undeclared, Latin-1), straight apostrophes. */
struct str bounce_words(struct arena *a, struct str text);

/* The words about one address: from its line to the next recipient's, or all of them. */
struct str bounce_words_near(struct arena *a, struct str notice, struct str address, const struct bounce_finds *all);

#endif
