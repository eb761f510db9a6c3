/* links: the addresses that stand in messages, and the key that signs them (channel/token.h).
 *
 * The key is derived from the shop's secret beside the database, so a copy of the database alone cannot forge a link.
 *
 * What is stored of a message has its links as written. Only a mail whose person agreed to it (LAW: opens and clicks)
 * leaves with them turned into /c/ links, numbered as they stand in the stored HTML, so that a click is sent on to what
 * the shop wrote and to nothing else.
 *
 *     /u/TOKEN unsubscribe   /p/TOKEN preferences   /m/TOKEN web version   /s/TOKEN survey, reason for leaving (extra:
 * the answer)   /c/TOKEN click (extra: number of the link)   /o/TOKEN.gif open */
#ifndef RELANCE_APP_LINKS_H
#define RELANCE_APP_LINKS_H

#include "channel/token.h"
#include "store/outbox.h"

enum { LINKS_MAX = 200 }; /* of one message; those after it are left alone */

/* Answers of a survey and reasons for leaving, as they stand in tokens: append only. */
enum link_answer {
	LINK_VERY_SATISFIED = 1,
	LINK_SATISFIED = 2,
	LINK_UNSATISFIED = 3,
	LINK_LEFT_DISAPPOINTED = 10,
	LINK_LEFT_LATE = 11,
	LINK_LEFT_EXPENSIVE = 12,
	LINK_LEFT_CHANGED = 13,
	LINK_LEFT_OTHER = 14,
};
const char *link_answer_name(enum link_answer a); /* "very_satisfied", "left_late" …; NULL when there is none */

void links_key(const struct shop *shop, unsigned char key[TOKEN_KEY_BYTES]);

/* BASE/u/TOKEN for the message, in the arena. base without a slash at its end. */
struct str links_url(const unsigned char *key, struct str base, enum token_purpose purpose,
                     const struct message_key *message, uint16_t extra, struct arena *a);

/* The next web address that html links to (`href="http…"`), from *at on, as it stands in HTML; empty: none left. */
struct str links_next(struct str html, size_t *at);

/* A web address as it stands in HTML, decoded, in the arena; empty when it cannot be one. */
struct str links_plain(struct str url, struct arena *a);

/* The text part of the same message: the addresses that its HTML links to go through the same /c/ as there, so that a
 * click of who reads plain text is a click. */
struct str links_tracked_text(const unsigned char *key, struct str base, const struct message_key *message,
                              struct str html, struct str text, struct arena *a);

/* html with its links, but for those to relance's own pages (base), going through /c/, and a pixel at its end. */
struct str links_tracked(const unsigned char *key, struct str base, const struct message_key *message, struct str html,
                         struct arena *a);

#endif
