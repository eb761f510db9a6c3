/* courier: from a claimed message to what leaves: the person, the shop, the order, the cart, the voucher and the links
 * go into the message's template; a mail is built around it and handed to the channel.
 *
 * Where mail goes: a folder (one .eml a message; the default), or a mail server when the shop has one (setting
 * smtp.host). What cannot be handed over this way (cards, calls, notices to the team) is written into the folder too,
 * as text. The shop's own words are settings (`relance set DB shop.url …`): shop.url, shop.address, shop.phone,
 * shop.email, shop.signature, shop.review_url, public_url (where relance's own pages are reached). */
#ifndef RELANCE_APP_COURIER_H
#define RELANCE_APP_COURIER_H

#include "app/live.h"
#include "app/reco.h"
#include "outbox/message.h"

struct courier_state;

/* messages: a folder of message files, NULL: those shipped. folder: where files are written. */
struct courier_state *courier_new(const char *messages, const char *folder, struct err *err) MUST_CHECK;
/* Where a shop's messages are written as files when nobody says where: ADDRESS.outbox, or ./outbox for a server's
 * address (which may hold a password). Whoever looks for them (an erasure) asks here. */
enum { COURIER_FOLDER_MAX = 4096 };
void courier_folder(const char *address, char out[COURIER_FOLDER_MAX]);
/* The courier of a shop: `folder` NULL is courier_folder. */
struct courier_state *courier_for(const char *address, const char *messages, const char *folder,
                                  struct err *err) MUST_CHECK;
void courier_free(struct courier_state *c);
/* Before its live is closed: lets go of what was read from it, waits for a build under way. */
void courier_rest(struct courier_state *c);
/* Between two ticks: models that are behind are built anew on a thread of their own, done ones put in place. Costs
 * nothing when nobody has asked for a proposal yet. */
bool courier_look(struct courier_state *c, struct live *l, struct err *err) MUST_CHECK;
/* On the thread that turns the shop: how often models were learnt anew, and followed, since it was asked last. */
struct courier_models {
	uint32_t learnt, followed;
};
struct courier_models courier_models(struct courier_state *c);
/* On the thread that turns the shop: models at hand, as fresh as they can be. The first ones of a large shop are made
 * on a thread of their own; there are none until it is done. */
bool courier_ready(struct courier_state *c, struct live *l, struct err *err) MUST_CHECK;
/* On any thread: the models that messages use, for this thread alone until courier_return(); stock and prices read anew
 * with `db` when they are old. NULL, and nothing to return: there are none of this book (courier_ready() makes them),
 * or an error, which sets err->kind. Hold it for one answer. */
struct reco *courier_borrow(struct courier_state *c, const struct book *book, struct db *db, struct instant now,
                            struct rec_scratch **scratch, struct err *err) MUST_CHECK;
void courier_return(struct courier_state *c);

struct courier courier_of(struct courier_state *c);
/* From now on mails to the shop's mail server leave by a thread of their own (dispatch.h): for a program that keeps
 * turning. notify: called on that thread when an outcome has come, may be NULL. */
void courier_in_background(struct courier_state *c, const char *address, void (*notify)(void *ctx), void *ctx);

/* Which variant a message is, of those its step or its template has; empty: there is but one, or it is not rendered
 * yet. content: as stored (outbox_message). In the arena. */
struct str courier_variant(struct str content, struct arena *a);

/* "12.welcome.1.hello.email": a message's files and its Message-ID are named so. */
struct str courier_key_name(const struct message_key *k, struct arena *a);

/* The template's data for one message of one person; also for previews (m may lack a plan: sample values are left out).
 */
bool courier_context(struct courier_state *c, struct live *l, struct outbox_message *m, struct arena *a,
                     struct lobject **out, struct err *err) MUST_CHECK;

/* A mail of the pages' own (a sign-up to confirm), now: through the shop's mail server, signed, or as NAME.eml into the
 * folder when it has none. mail: to, subject, text, html, date, zone; the sender, the return path (bounce.address) and
 * the Message-ID are set here. `what` NULL: false when it did not leave. Else what became of it is told there, and
 * false means that it could not even be tried. */
struct mime_mail;
bool courier_post(struct courier_state *c, struct live *l, struct str name, struct mime_mail *mail,
                  struct settlement *what, struct arena *a, struct err *err) MUST_CHECK;

/* A message looked at before it is on: one person's data over sample values (what a run would add: voucher, cart),
 * rendered as a claim would; nothing is written to the database. */
struct courier_preview {
	const char *address, *messages; /* the shop; a folder of messages or NULL */
	struct str customer, name; /* whom it is about (store_find_customer; empty: the sample's person); the message */
	const struct lobject *sample;
	enum locale locale;
	bool marketing;
	uint32_t variant;
	const struct message_set *set; /* NULL: the courier's; a message being edited, compiled */
	/* A shop that is open already and its courier, lent; NULL: opened for this. */
	struct courier_state *courier;
	struct live *live;
	/* out */
	struct courier_state *own_courier;
	struct live *own_live;
	struct outbox_message message;
	struct person to;
	struct str mail; /* the whole mail, unsigned */
};
/* p is to be closed whatever the answer. t: the parts. */
bool courier_preview_open(struct courier_preview *p, struct instant now, struct message_text *t, struct arena *a,
                          struct err *err) MUST_CHECK;
/* To this address, through the shop's mail server, or into `folder` when it has none. */
bool courier_preview_send(struct courier_preview *p, struct str to, const char *folder, struct arena *a,
                          struct str *answer, struct err *err) MUST_CHECK;
void courier_preview_close(struct courier_preview *p);

#endif
