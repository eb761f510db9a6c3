/* dispatch: hands parcels of mails to the mail server, on a thread of its own, so that a server that is slow or silent
 * holds nobody up but the mails themselves.
 *
 * The queue is bounded (DISPATCH_MAX letters whose outcome was not taken back); connections are kept from one parcel to
 * the next. A letter can be recalled until the moment its envelope goes out; the shop's holds (emergency stop, clock,
 * restored backup) are read by the thread itself, HOLD_LOOK_MS apart, so that a stop acts while the shop is deciding.
 * Outcomes are told in the order they come, each exactly once.
 *
 * One thread calls these functions. A letter on the wire when the dispatch is stopped is waited for STOP_MS at most;
 * then it is uncertain if its end had left, else deferred. */
#ifndef RELANCE_APP_DISPATCH_H
#define RELANCE_APP_DISPATCH_H

#include "app/parcel.h"

enum { DISPATCH_MAX = 3 * OUTBOX_CLAIM_MAX };

struct dispatch;

/* address: of the shop, for its holds. notify (may be NULL) is called on the thread when an outcome has come. */
struct dispatch *dispatch_new(const char *address, void (*notify)(void *ctx), void *ctx);
void dispatch_free(struct dispatch *d); /* stops; what was not taken is lost */

/* Whether a parcel of n letters for this server may be put now: never while it is known not to be reached. */
bool dispatch_room(struct dispatch *d, const struct mail_server *to, size_t n);
/* Takes the parcel. False: no thread could be started, the parcel is the caller's. */
bool dispatch_put(struct dispatch *d, struct parcel *p, struct err *err) MUST_CHECK;
/* Takes back what has not been handed over yet, of one person, or (0) of everybody. */
void dispatch_recall(struct dispatch *d, customer_id c);
bool dispatch_arrived(struct dispatch *d); /* an outcome waits to be taken */
/* The oldest outcomes, up to max; they stay until dispatch_taken says how many are settled. */
size_t dispatch_look(struct dispatch *d, struct letter **out, size_t max);
void dispatch_taken(struct dispatch *d, size_t n);
/* Nothing more is handed over; afterwards every letter has its outcome. The next put begins again. */
void dispatch_stop(struct dispatch *d);

/* The same at once, by the calling thread: when it returns every letter has its outcome. What the mail server is
 * blamed for goes to stderr. d: whose server it is, left alone for a while when it cannot be used; may be NULL. */
void dispatch_now(struct dispatch *d, struct parcel *p);

#endif
