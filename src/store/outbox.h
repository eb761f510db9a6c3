/* outbox: what the engine decided and what became of it: runs, decisions, messages, vouchers, suppressions, plans,
 * ticks.
 *
 * Functions that write want an open transaction (db_begin, or a store_batch whose db is store_batch_db(b)), so that a
 * slice of decisions, its messages and its facts are one commit. Functions under a lease take its epoch and fence
 * first: ERR_CONFLICT when another program has taken over. Plans and steps go by their names, never by an index.
 *
 * The life of a message (SEMANTICS, "Runs, messages, claims"):
 *
 *     outbox_put       → queued
 *     outbox_claim     queued, deferred → claimed     commit; now the caller folds again, asks the guard, renders
 *     outbox_release   claimed → queued               the guard says: not before …
 *     outbox_sending   claimed → sending              with content; commit with db_durable(true), only then hand off
 *     outbox_settle    sending → accepted, deferred, refused, uncertain; queued, claimed, deferred → dropped; uncertain
 * → what a person found out; with the RECEIPT fact in the same transaction outbox_recover   after a crash: claimed →
 * queued, sending → uncertain; nothing is resent by itself */
#ifndef RELANCE_STORE_OUTBOX_H
#define RELANCE_STORE_OUTBOX_H

#include "store/store.h"

enum { OUTBOX_CLAIM_MAX = 50 };

/* Stored: append only. */
enum message_state {
	MESSAGE_QUEUED = 0,
	MESSAGE_CLAIMED = 1,
	MESSAGE_SENDING = 2,
	MESSAGE_ACCEPTED = 3,
	MESSAGE_DEFERRED = 4,
	MESSAGE_REFUSED = 5,
	MESSAGE_UNCERTAIN = 6,
	MESSAGE_DROPPED = 7,
	MESSAGE_STATE_COUNT = 8,
};
const char *message_state_name(enum message_state s);

struct message_key {
	customer_id customer;
	struct str plan, step;
	uint32_t run_no;
	enum channel channel;
};

struct outbox_message {
	struct message_key key;
	enum message_state state;
	enum purpose purpose;
	enum locale locale;
	uint32_t version, variant, tries;
	struct str message; /* the template's name */
	struct instant due_at, queued_at;
	struct instant claimed_at, sent_at; /* s = 0: not yet */
	struct instant try_after;           /* not to be claimed before */
	int64_t epoch;
	struct instant opened_at, clicked_at; /* s = 0: not known */
	struct str answer, outcome;
	struct str subject, content, voucher, basis; /* empty until sending; not read by the lists */
};

struct outbox_run {
	customer_id customer;
	struct str plan;
	uint32_t run_no;
	uint32_t plan_id; /* version of the plan: plan.plan_id */
	uint64_t subject;
	struct instant entered_at, anchor_at, last_sent_at, last_done_at, hold_until; /* s = 0: none */
	struct date day;
	uint8_t state, control, step, queued, held_reason;
};

struct outbox_decision {
	customer_id customer;
	struct str plan, step; /* step '': the run itself */
	uint32_t run_no, version;
	enum verdict verdict;
	enum reason reason;
	int64_t argument;
	uint8_t channel; /* CHANNEL_COUNT: none */
	struct instant at;
	int64_t tick;
	/* when read: the same verdict, said `times` from first_at to `at` */
	struct instant first_at;
	int64_t times;
};

struct outbox_voucher {
	struct str code, pool;  /* pool empty: made by us */
	struct message_key key; /* customer 0: free, of a pool */
	int32_t percent;
	int64_t amount, minimum;
	struct instant valid_from, valid_until; /* s = 0: not yet */
};

/* ---- deciding ---- */

/* One slice of a tick. Runs are written over; decisions are merged with the newest of their step when verdict and
 * reason are the same; a message whose key exists is an error that names the key (ERR_CONFLICT); vouchers likewise. */
struct outbox_slice {
	int64_t epoch;
	const struct outbox_run *runs;
	size_t run_count;
	const struct outbox_decision *decisions;
	size_t decision_count;
	const struct outbox_message
		*messages; /* key, purpose, locale, version, variant, message, due_at, queued_at, try_after */
	size_t message_count;
	const struct outbox_voucher *vouchers;
	size_t voucher_count;
};
bool outbox_put(struct db *db, const struct outbox_slice *slice, struct err *err) MUST_CHECK;

/* ---- sending ---- */

/* Up to `limit` (at most OUTBOX_CLAIM_MAX) messages whose try_after has come, oldest first. Strings in the arena.
 * mails false: without those that a mail server takes (e-mail, notices to the team). */
bool outbox_claim(struct db *db, int64_t epoch, struct instant now, size_t limit, bool mails, struct arena *a,
                  struct outbox_message out[OUTBOX_CLAIM_MAX], size_t *count, struct err *err) MUST_CHECK;
/* why: what the shop has to mend, "cannot be …"; empty: it just waits. */
bool outbox_release(struct db *db, int64_t epoch, const struct message_key *key, struct instant try_after,
                    struct str why, struct err *err) MUST_CHECK;
/* Stores subject, content, voucher and basis of each message (a retry keeps what the first try stored: pass it again).
 */
bool outbox_sending(struct db *db, int64_t epoch, struct instant now, const struct outbox_message *messages,
                    size_t count, struct err *err) MUST_CHECK;

struct settlement {
	enum message_state to; /* accepted, deferred, refused, uncertain, dropped */
	struct instant at;
	struct instant try_after; /* deferred */
	struct str outcome;       /* the server's answer, without addresses */
	bool untried;             /* deferred and never offered to anybody: does not count among its tries */
};
/* epoch < 0: a person settles an uncertain message; not fenced. Deferred writes no fact. */
bool outbox_settle(struct store_batch *b, int64_t epoch, const struct message_key *key, const struct settlement *s,
                   struct err *err) MUST_CHECK;
/* Opened, clicked, bounced, complained, answered, unsubscribed: the fact, and the first of its kind on the message.
 * known = false: there is no such message, nothing was written. */
bool outbox_feedback(struct store_batch *b, const struct message_key *key, enum receipt receipt, struct instant at,
                     struct str answer, bool *known, struct err *err) MUST_CHECK;
/* The key of that fact, in the arena: to see whether it is there. */
struct str outbox_receipt_key(const struct message_key *key, enum receipt receipt, struct arena *a);
/* At the start of a program that holds the lease. */
bool outbox_recover(struct store_batch *b, int64_t epoch, struct instant at, int64_t *requeued, int64_t *uncertain,
                    struct err *err) MUST_CHECK;

/* The number by which links (channel/token.h) name a message: a hash of its key, never negative. */
int64_t outbox_link_id(const struct message_key *key);
/* Inside a transaction, before the message leaves. */
bool outbox_link_put(struct db *db, const struct message_key *key, struct err *err) MUST_CHECK;
/* Strings in the arena. */
bool outbox_link_find(struct db *db, int64_t id, struct arena *a, struct message_key *key, bool *found,
                      struct err *err) MUST_CHECK;

/* ---- reading; strings live until the function returns ---- */

typedef bool (*outbox_run_fn)(void *ctx, const struct outbox_run *r, struct err *err);
typedef bool (*outbox_message_fn)(void *ctx, const struct outbox_message *m, struct err *err);
typedef bool (*outbox_decision_fn)(void *ctx, const struct outbox_decision *d, struct err *err);

/* By customer, then plan and number; customers from … to inclusive; for start-up, over several handles if wanted. */
bool outbox_runs(struct db *db, customer_id from, customer_id to, outbox_run_fn fn, void *ctx,
                 struct err *err) MUST_CHECK;
bool outbox_messages(struct db *db, customer_id from, customer_id to, outbox_message_fn fn, void *ctx,
                     struct err *err) MUST_CHECK;
/* All of one person, also of records merged into theirs, in the order they were first said. */
bool outbox_decisions(struct db *db, customer_id c, outbox_decision_fn fn, void *ctx, struct err *err) MUST_CHECK;
/* What is queued, in flight, deferred or uncertain, the next due first. */
bool outbox_queue(struct db *db, int64_t limit, outbox_message_fn fn, void *ctx, struct err *err) MUST_CHECK;
bool outbox_counts(struct db *db, int64_t counts[MESSAGE_STATE_COUNT], struct err *err) MUST_CHECK;
/* How many wait because they cannot be written or built ("cannot be …"), and one of the reasons, in the arena. */
bool outbox_unwritten(struct db *db, struct arena *a, int64_t *count, struct str *why, struct err *err) MUST_CHECK;
bool outbox_state(struct db *db, const struct message_key *key, enum message_state *out, bool *found,
                  struct err *err) MUST_CHECK;
/* One message with its content, in the arena. */
bool outbox_message(struct db *db, const struct message_key *key, struct arena *a, struct outbox_message *out,
                    bool *found, struct err *err) MUST_CHECK;

/* ---- vouchers, suppressions ---- */

/* A free code of the pool becomes this message's; found = false: the pool is empty. */
bool voucher_draw(struct db *db, struct str pool, const struct message_key *key, struct arena *a, struct str *code,
                  bool *found, struct err *err) MUST_CHECK;
/* The pool's code that this message already has; valid_until.s = 0: not started. */
bool voucher_of(struct db *db, struct str pool, const struct message_key *key, struct arena *a, struct str *code,
                struct instant *valid_until, bool *found, struct err *err) MUST_CHECK;
/* A code of the shop's own, free until drawn; added = false: it was there. */
bool voucher_add(struct db *db, struct str pool, struct str code, bool *added, struct err *err) MUST_CHECK;
bool voucher_free(struct db *db, struct str pool, int64_t *count, struct err *err) MUST_CHECK;
/* Validity starts at the claim. */
bool voucher_start(struct db *db, struct str code, struct instant from, struct instant until,
                   struct err *err) MUST_CHECK;
/* known = false: no such code, or redeemed before. */
bool voucher_redeem(struct db *db, struct str code, struct str order, struct instant at, bool *known,
                    struct err *err) MUST_CHECK;

/* An address (keyed hash) that must not be written to on this channel; the first reason stays. */
bool suppression_put(struct db *db, uint64_t hash, enum channel channel, struct str reason, struct instant at,
                     struct err *err) MUST_CHECK;
bool suppression_lift(struct db *db, uint64_t hash, enum channel channel, struct err *err) MUST_CHECK;
typedef bool (*suppression_fn)(void *ctx, uint64_t hash, enum channel channel, struct str reason, struct instant at,
                               struct err *err);
bool suppressions(struct db *db, suppression_fn fn, void *ctx, struct err *err) MUST_CHECK;

/* ---- plans and ticks ---- */

struct plan_row {
	uint32_t plan_id, version; /* plan_id: index in the engine's plan set */
	struct str name, text;
	struct str state; /* on, off, paused, draining */
	struct instant on_since, first_on, created_at;
};
/* A new version, or a new state of one: written over by plan_id. */
bool plan_put(struct db *db, const struct plan_row *p, struct err *err) MUST_CHECK;
typedef bool (*plan_fn)(void *ctx, const struct plan_row *p, struct err *err);
bool plans(struct db *db, plan_fn fn, void *ctx, struct err *err) MUST_CHECK; /* by plan_id */

struct tick_row {
	int64_t tick; /* 0 when put: the next number */
	struct instant at;
	int64_t seq_hi, settings, plans, decisions;
	struct date thresholds_day;
	struct str tzdata, engine, trace_sha256;
};
bool tick_put(struct db *db, struct tick_row *t, struct err *err) MUST_CHECK;
/* The newest tick; strings in the arena. */
bool tick_last(struct db *db, struct arena *a, struct tick_row *out, bool *found, struct err *err) MUST_CHECK;
/* The number of the next tick: after those logged, and after those that were cut off. */
bool tick_next(struct db *db, int64_t *out, struct err *err) MUST_CHECK;

/* What one commit of a tick did (table round); put in the commit's own transaction. */
enum round_kind { ROUND_ASKED = 0, ROUND_SLOTS = 1, ROUND_CLAIMED = 2, ROUND_SPENT = 3, ROUND_SUPPRESSED = 4 };
struct round_row {
	int64_t tick, round;
	enum round_kind kind;
	bool fresh;
	struct instant at;
	int64_t seq_hi, hold, upto, decisions;
	struct str plans, claims; /* empty: as before; none. SUPPRESSED: "+hash:channels -hash:channels …", both in hex */
	struct str trace_sha256;
};
bool round_put(struct db *db, const struct round_row *r, struct err *err) MUST_CHECK;
typedef bool (*round_fn)(void *ctx, const struct round_row *r, struct err *err);
bool rounds(struct db *db, round_fn fn, void *ctx, struct err *err) MUST_CHECK; /* in the order they were done */

typedef bool (*tick_fn)(void *ctx, const struct tick_row *t, struct err *err);
bool ticks(struct db *db, int64_t from, tick_fn fn, void *ctx, struct err *err) MUST_CHECK;

#endif
