/* engine: one person, one instant: what do the plans say? Pure: no clock, no file, no database, no allocation beyond
 * the caller's outputs.
 *
 * The same function runs live, in a what-if replay and in an audit replay. It reads the facts up to `now` and the
 * person's state, appends decisions, changes that state, and returns the next instant at which it must be asked again
 * (if no fact comes first). Draws are hash draws; figures are integers.
 *
 * What needs the whole shop is not decided here: a candidate of a smoothed plan is *proposed* (struct proposal); the
 * caller allots the day's slots by (value, id) and calls engine_enter for the winners. A message of a plan with a
 * budget asks for its cost (struct spend); the caller grants by (value, id) while there is money and calls
 * engine_spend. */
#ifndef RELANCE_ENGINE_ENGINE_H
#define RELANCE_ENGINE_ENGINE_H

#include "engine/plan.h"
#include "engine/settings.h"

enum { QUIET_MORE = 3 };

struct world {
	const struct book *book;
	const struct version *version;
	const struct plan_set *plans;
	const struct settings *settings;
	const struct thresholds *thresholds; /* of the shop day of `now` */
	const struct plan_words *words;      /* names behind plan and step numbers, for conditions; may be NULL */
	uint64_t seed;
	const struct pstate
		*states;              /* all persons, for those who share an address; NULL: pressure counts one person alone */
	const customer_id *peers; /* next person with the same address, in a ring; 0: none. NULL when states is */
	/* What the triggers last said of this one person, so that they need not be asked again before that changes:
	 * QUIET_MORE + plans->count numbers, zeros at first. For a caller that shows facts by `at`, asks at every one of
	 * them and has profiles that stay as they are; NULL: everything is asked every time. */
	uint32_t *quiet;
	/* This one person's facts up to `now`, where the caller has them at hand; NULL: looked up. */
	const struct view *view;
	bool assume_consent;  /* what-if replay on history that holds no consents */
	enum reason hold_all; /* REASON_NONE, or why nothing may leave: EMERGENCY_STOP, CLOCK_JUMP, RESTORED */
};

/* A candidate of a smoothed plan: enters when granted, the most valuable first. */
struct proposal {
	customer_id customer;
	uint16_t plan;
	int64_t value; /* spend so far, minor units */
};

/* A message of a plan with a budget, ready to leave: it does when the purse allows. The rest of the person's plans wait
 * for the answer, which is engine_spend() at the same instant. */
struct spend {
	customer_id customer;
	uint16_t plan, run_no;
	uint8_t step, channel;
	struct instant at;
	int64_t cost;  /* thousandths of a minor unit, by settings.channel_cost */
	int64_t value; /* spend so far of the person, minor units */
};

struct decisions {
	struct decision *items;
	size_t count, cap;
	struct proposal *proposals;
	size_t proposal_count, proposal_cap;
	struct spend *spends;
	size_t spend_count, spend_cap;
};

void decisions_release(struct decisions *d);

/* Everything due for this person up to world time `now`: exits, entries, steps. Messages it decides are appended to
 * state->sent as SENT_QUEUED and to the decisions as VERDICT_SEND; the caller claims and delivers them, then reports by
 * engine_receipt(). Sets state->wake. */
void engine_person(const struct world *w, customer_id c, struct pstate *state, struct instant now,
                   struct decisions *out);

/* After a message of this very instant was delivered and reported: the steps alone, since neither facts nor triggers
 * can have changed since engine_person() at `now`. */
void engine_go_on(const struct world *w, customer_id c, struct pstate *state, struct instant now,
                  struct decisions *out);

/* A smoothing slot was granted: enters if the trigger and `who` still hold. Returns false when they no longer do. */
bool engine_enter(const struct world *w, customer_id c, struct pstate *state, uint16_t plan, struct instant now,
                  struct decisions *out);

/* The answer to a spend of this instant: granted, the message is queued; else it is held as REASON_BUDGET until `again`
 * (0: nobody knows when), and asked for anew a day later at the latest, because the budget may have been raised. Then
 * the person's other steps go on, which may ask for money in turn. False: the run no longer asks for it, nothing is
 * done. */
bool engine_spend(const struct world *w, const struct spend *s, struct pstate *state, bool granted, int64_t again,
                  struct decisions *out);

/* The whole guard once more, for a queued message about to leave (SEMANTICS, "Runs, messages, claims"): true = go. When
 * not: held, it stays queued and is to be claimed again at *retry; else *retry is INSTANT_NEVER, the message is
 * SENT_DROPPED and the run is exited or moved on as the guard says. The decision is appended. */
bool engine_claim(const struct world *w, customer_id c, struct pstate *state, struct sent *message, struct instant now,
                  struct decisions *out, struct instant *retry);

/* What became of a message. Accepted and uncertain advance the run with `at` as the actual send; refused advances it
 * without; of a run that was left meanwhile they are noted on the message alone. Opens, clicks, bounces and answers are
 * noted on the message. False: no such message. */
bool engine_receipt(const struct world *w, struct pstate *state, uint16_t plan, uint16_t run_no, uint8_t step,
                    enum channel channel, enum receipt receipt, uint8_t answer, struct instant at);

/* Whether a smoothed plan's trigger and audience hold now, without changing anything: for `why` and for counts. */
bool engine_candidate(const struct world *w, customer_id c, const struct pstate *state, uint16_t plan,
                      struct instant now);

/* A what-if replay's supposed purchase: the run's goal is met. False: the run is no longer active, or its plan's goal
 * is no purchase. */
bool engine_convert(const struct world *w, customer_id c, struct pstate *state, uint16_t plan, uint16_t run_no,
                    struct instant now, struct decisions *out);

void pstate_release(struct pstate *s);
struct sent *pstate_add_sent(struct pstate *s);
struct run *pstate_add_run(struct pstate *s);
struct run *pstate_run(struct pstate *s, uint16_t plan, uint16_t run_no); /* NULL: none */
/* What became of a message, noted on it alone: engine_receipt() does this and moves the run. */
void sent_note(struct sent *m, enum receipt receipt, uint8_t answer, struct instant at);
/* Puts the run added last into its place: by entry, plan, number. The order of runs decides between equals, so it may
 * not depend on whether the program was started anew in between. */
struct run *pstate_place_run(struct pstate *s, const struct plan_set *set);

#endif
