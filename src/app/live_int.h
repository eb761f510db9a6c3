/* live_int: what the files of app/live share. */
#ifndef RELANCE_APP_LIVE_INT_H
#define RELANCE_APP_LIVE_INT_H

#include "app/clock.h"
#include "app/live.h"
#include "app/log_folder.h"
#include "app/peers.h"
#include "app/plans.h"
#include "app/purse.h"
#include "app/trace.h"
#include "base/hash.h"

/* One person's turn: its decisions are said[from … to) of the slice. */
struct turn_out {
	customer_id customer;
	uint32_t from, to;
	struct run *before; /* copy of the runs, to see which changed */
	uint16_t before_count;
};

struct live_slice {
	struct decisions said;
	struct turn_out *turns;
	size_t turn_count, turn_cap;
	struct arena arena;
};

/* Addresses that must not be written to: a bit per channel. */
struct suppressed {
	struct idmap map;
	uint8_t *bits;
	size_t cap;
};

struct live {
	struct live_options o;
	char *address;
	struct shop_world shop;
	struct log_folder *folder; /* NULL: whoever commits folds */
	struct arena arena;        /* plans */
	struct plan_set *plans;
	struct pstate *states;
	size_t people; /* states has this many places: ids 0 … people − 1 */
	size_t people_cap;
	customer_id *peers;
	struct timers timers;
	uint32_t *next_at; /* per customer: the look that counts */
	struct allot waiting;
	struct purse purse;
	struct thresholds thresholds;
	struct world world;
	struct suppressed suppressed;
	int64_t seen[STORE_PART_COUNT]; /* changes of other programs that are in */
	int64_t epoch, seq_hi, tick;
	struct instant last_tick;
	struct clock_watch clock;
	struct instant leased, marked; /* when the lease was renewed last, the high-water mark written */
	bool lease;
	struct date allotted; /* the shop day whose slots were given */

	customer_id *due;
	size_t due_count, due_cap;
	struct live_slice *slices;
	size_t slice_cap;
	int64_t seq_max;     /* facts beyond are not taken: an audit's round; else INT64_MAX */
	bool audit;          /* nothing is written (audit.h) */
	int64_t round;       /* of the tick: commits so far */
	bool fresh;          /* nothing was committed since the start */
	uint64_t plans_told; /* hash of the plan states the log was last told */
	struct sha256 *hash;
	struct tick_result *result;
	struct instant now;
	struct instant others_at; /* when messages that are no mail were looked for, while mails had no room */
	bool sound;               /* what is in memory is what was committed */

	/* codes promised by the messages being rendered: written in the transaction that marks them as sending */
	struct outbox_voucher vouchers[OUTBOX_CLAIM_MAX];
	size_t voucher_count;
};

/* A world without facts and states, to be filled by the audit. */
struct live *live_open_to_audit(const char *address, struct err *err) MUST_CHECK;

bool live_load_plans(struct live *l, struct err *err) MUST_CHECK;
bool live_load_states(struct live *l, struct err *err) MUST_CHECK;
bool live_load_state(struct live *l, customer_id c, struct err *err) MUST_CHECK; /* one person */

/* live_others.c */
bool live_load_suppressed(struct live *l, struct err *err) MUST_CHECK; /* all, and onto everybody's state */
bool live_load_erased(struct live *l, struct err *err) MUST_CHECK;     /* the same of who was erased */
/* The profile is another one than in `before`: with another address goes what was known of the old one, as at a start.
 */
void live_suppress_anew(struct live *l, const struct version *before, customer_id c);
bool live_read_others(struct live *l, struct err *err) MUST_CHECK; /* what other programs changed beside facts */
bool live_repeat_suppressed(struct live *l, struct str text);      /* a line of the log; false: it cannot be read */
void suppressed_release(struct suppressed *s);

/* The plan (in the set) and step of a message named by words; false: unknown. */
bool live_find_step(const struct live *l, customer_id c, struct str plan, uint32_t run_no, struct str step,
                    uint16_t *plan_at, uint8_t *step_at);
uint8_t live_answer(struct str text);

bool live_read_holds(struct live *l, struct err *err) MUST_CHECK; /* world.hold_all: why nothing may leave */

/* live.c: parts of a tick, shared with the audit. */
void live_gather_due(struct live *l); /* everybody whose timer has come, once each, by number; of a ring, its first */
void live_ask(struct live *l, customer_id first, struct live_slice *s); /* the due of that ring */
void live_look_again(struct live *l, customer_id first);

struct live_slots { /* how far the giving of the day's slots has come */
	uint16_t plan;
	bool begun;
	int32_t left;
};
bool live_slot_next(struct live *l, struct live_slots *at, customer_id *c);
void live_slot_give(struct live *l, struct live_slots *at, customer_id c, struct live_slice *s);

/* live_purse.c: the messages that asked for money of their plan's budget. */
bool live_spend(struct live *l, struct err *err) MUST_CHECK;
void live_spend_one(struct live *l, const struct spend *s, struct live_slice *out);

/* live_facts.c */
bool live_take_facts(struct live *l, struct err *err) MUST_CHECK; /* everything new in the database */
void live_look_at(struct live *l, customer_id c, uint32_t at);
void live_grow(struct live *l, uint32_t customers);

/* live_commit.c: a slice of decisions in one transaction with its line of the tick log. */
struct live_round {
	enum round_kind kind;
	int64_t upto;
	struct str claims;
};
bool live_commit(struct live *l, const struct live_slice *s, const struct live_round *r, struct err *err) MUST_CHECK;
/* The same in two parts: inside the caller's transaction; once that is committed. r NULL: no line (runs alone). */
bool live_put(struct live *l, const struct live_slice *s, const struct live_round *r, struct err *err) MUST_CHECK;
void live_told(struct live *l, const struct live_slice *s);
void live_turn_begin(struct live *l, struct live_slice *s, customer_id c);
void live_turn_end(struct live *l, struct live_slice *s);
void live_slice_clear(struct live_slice *s);
void live_slice_release(struct live_slice *s);

void live_plan_states(const struct plan_set *set, struct buf *out); /* as the tick log has them */

/* live_send.c */
struct sent *live_find_sent(struct live *l, const struct message_key *k, uint16_t *plan,
                            uint8_t *step);                 /* not dropped */
bool live_send(struct live *l, struct err *err) MUST_CHECK; /* claims and delivers what is due */

/* live_settle.c */
bool live_settle(struct live *l, const struct delivered *all, size_t n, struct err *err) MUST_CHECK;
bool live_take_arrived(struct live *l, struct err *err) MUST_CHECK; /* what a courier in the background has told */
void live_recall(struct live *l, customer_id c);                    /* there is news: the guard is to be asked again */
void live_count(struct tick_result *r, enum message_state s);
void live_give_back(struct live *l, const struct message_key *k);

#endif
