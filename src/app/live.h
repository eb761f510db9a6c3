/* live: a shop that is running: its world in memory, turned by ticks (SEMANTICS "A tick").
 *
 *     live_open      takes the lease, recovers what a crash left, loads facts, runs, messages and plans
 *     live_tick      new facts → everybody due → decide → allot → commit in slices → claim → deliver
 *     live_close     gives the lease back
 *
 * Memory is changed before a slice is committed; when a commit fails, the world is worth nothing any more and the
 * caller opens it again: what was committed is what happened. Time comes from the caller only. One thread calls these.
 */
#ifndef RELANCE_APP_LIVE_H
#define RELANCE_APP_LIVE_H

#include "app/allot.h"
#include "app/load.h"
#include "app/timers.h"
#include "store/outbox.h"

struct live;

/* What became of a message that left in the background. Strings in the arena it was told in. */
struct delivered {
	struct message_key key;
	struct settlement said;
};

/* How a message becomes content and leaves. `render` fills subject and content (arena); `hand_off` gives it to the
 * channel and says what became of it. Both may be called for 50 messages in a row. */
struct courier {
	void *ctx;
	bool (*render)(void *ctx, struct live *live, struct outbox_message *m, struct arena *a, struct err *err);
	/* All of a batch at once: fills out[i] for every message, whatever happens: what could not be handed over is
	 * deferred; MESSAGE_SENDING: its outcome comes by `collect`. NULL: hand_off one by one. */
	void (*hand_off_all)(void *ctx, struct live *live, const struct outbox_message *messages, size_t count,
	                     struct settlement *out, struct arena *a, struct instant now);
	/* Whether a message has to wait before it may leave (how fast a mail server may be written to). May be NULL. */
	bool (*wait)(void *ctx, struct live *live, const struct outbox_message *m, struct arena *a, struct instant *until,
	             struct err *err);
	/* With `wait`: a message it let pass did not leave after all (not rendered, nobody reached); then, once, that the
	 * batch is through. May be NULL. */
	void (*give_back)(void *ctx, const struct message_key *key);
	void (*batch_done)(void *ctx, struct live *live);
	struct settlement (*hand_off)(void *ctx, struct live *live, const struct outbox_message *m, struct arena *a,
	                              struct instant now);
	/* All NULL, or all set: mails leave on a thread of their own, and hand_off_all does not wait for the answer. */
	bool (*room)(void *ctx, struct live *live); /* for another batch of mails */
	bool (*arrived)(void *ctx);                 /* whether collect would tell something */
	size_t (*collect)(void *ctx, struct live *live, struct delivered out[OUTBOX_CLAIM_MAX], struct arena *a);
	void (*collected)(void *ctx, size_t count); /* of those told by collect, the first are settled */
	void (*recall)(void *ctx, customer_id who); /* 0: everybody; what was not handed over yet comes back, deferred */
	void (*finish)(void *ctx);                  /* nothing leaves any more; waits, bounded, for what is on the wire */
};

struct live_options {
	const char *owner; /* who holds the lease: host, process, nonce */
	int threads;
	int64_t lease_s;                           /* 60 */
	bool fold_log;                             /* by a thread of its own (log_folder.h): no turn waits for it */
	struct courier courier;                    /* render NULL: decide only, leave the messages queued */
	void (*trace)(void *ctx, struct str text); /* every decision's line; may be NULL */
	void *trace_ctx;
};

struct tick_result {
	uint64_t facts, asked, decisions, queued, accepted, refused, deferred, dropped, entered;
	uint64_t commits;    /* of decisions; 0: nothing changed */
	uint64_t paced;      /* put off: the mail server is written to at the shop's pace */
	uint64_t unrendered; /* messages that could not be rendered: tried again in a quarter of an hour, until `late` */
	struct err why_unrendered; /* the last one's */
	double decided_s, total_s; /* until the decisions were committed; until everything had left */
	bool more;                 /* the next tick has something to do at once: mails that are due */
	enum reason hold_all;
};

struct live *live_open(const char *address, const struct live_options *o, struct instant now,
                       struct err *err) MUST_CHECK;
/* What is on the wire is waited for, bounded, and what became of it is written; live_close does it too. */
void live_finish(struct live *l);
void live_close(struct live *l);

/* Opens to look at one person only: read-only, no lease, and of the facts only theirs are loaded. */
struct live *live_open_for(const char *address, struct str who, customer_id *c, struct err *err) MUST_CHECK;

/* Opens to look at everybody: read-only, no lease; facts learned before `known` (INSTANT_NEVER: all). */
struct live *live_open_to_look(const char *address, struct instant known, struct err *err) MUST_CHECK;

/* Before a tick at the real time: a wall clock that has jumped ahead of the running one (clock.h) by more than
 * settings.jump_s since the last call holds sending until a person confirms; the tick then decides nothing. */
bool live_watch_clock(struct live *l, struct instant wall, double running, bool *jumped, struct err *err) MUST_CHECK;

bool live_tick(struct live *l, struct instant now, struct tick_result *out, struct err *err) MUST_CHECK;

/* These people were erased (app/erase.h) by whoever runs the shop, between two ticks: what is in memory of them goes;
 * nobody else is asked anew. False: what is in memory is not what the database holds, and it is to be opened again. */
bool live_erased(struct live *l, const customer_id *records, size_t count, struct err *err) MUST_CHECK;

/* Whether a tick now would find facts it has not seen, or somebody due: one small read, so that it may be asked often.
 */
bool live_has_news(struct live *l, struct instant now, bool *news, struct err *err) MUST_CHECK;

/* The next instant at which a tick has something to do if no fact comes. */
struct instant live_next(const struct live *l);

/* Facts written by this process: in one transaction, decided upon by the next tick. The batch's keys and ids are the
 * caller's business (store_batch). */
struct db *live_db(struct live *l);
const struct shop_world *live_shop(const struct live *l);
const struct plan_set *live_plans(const struct live *l);
const struct pstate *live_state(const struct live *l, customer_id c);
const struct world *live_world(const struct live *l);

/* Runs and messages of one person as the database has them, by any thread with a handle of its own, for whoever shows
 * them; suppressions and wake are left out. out: pstate_release() it, also after a failure. */
bool live_person(struct db *db, const struct world *w, customer_id c, struct pstate *out, struct err *err) MUST_CHECK;

size_t live_waiting(const struct live *l, uint16_t plan); /* for a smoothing slot */

#endif
