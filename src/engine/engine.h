/* engine: one person, one instant: what do the plans say? Pure: no clock, no file, no database, no allocation beyond the
 * caller's outputs.
 *
 * The same function runs live, in a what-if replay and in an audit replay. It reads the facts up to `now` and the
 * person's state, appends decisions, changes that state, and returns the next instant at which it must be asked again
 * (if no fact comes first). Draws are hash draws; figures are integers.
 *
 * What needs the whole shop is not decided here: a candidate of a smoothed plan is *proposed* (struct proposal); the
 * caller allots the day's slots by (value, id) and calls engine_enter for the winners. */
#ifndef RELANCE_ENGINE_ENGINE_H
#define RELANCE_ENGINE_ENGINE_H

#include "engine/plan.h"
#include "engine/settings.h"

struct world {
	const struct book *book;
	const struct version *version;
	const struct plan_set *plans;
	const struct settings *settings;
	const struct thresholds *thresholds; /* of the shop day of `now` */
	uint64_t seed;
	bool assume_consent; /* what-if replay on history that holds no consents */
	bool stopped;        /* emergency stop */
};

/* A candidate of a smoothed plan: enters when granted, the most valuable first. */
struct proposal {
	customer_id customer;
	uint16_t plan;
	int64_t value; /* spend so far, minor units */
};

struct decisions {
	struct decision *items;
	size_t count, cap;
	struct proposal *proposals;
	size_t proposal_count, proposal_cap;
};

void decisions_release(struct decisions *d);

/* Everything due for this person up to world time `now`: exits, entries, steps. Messages it decides are appended to
 * state->sent as SENT_QUEUED and to the decisions as VERDICT_SEND; the caller claims and delivers them, then reports by
 * engine_receipt(). Sets state->wake. */
void engine_person(const struct world *w, customer_id c, struct pstate *state, struct instant now, struct decisions *out);

/* A smoothing slot was granted: enters if the trigger and `who` still hold. Returns false when they no longer do. */
bool engine_enter(const struct world *w, customer_id c, struct pstate *state, uint16_t plan, struct instant now,
                  struct decisions *out);

/* The whole guard once more, for a queued message about to leave (SEMANTICS, "Runs, messages, claims"). */
struct claim_answer {
	enum verdict verdict; /* SEND, HELD, SKIPPED, DROPPED or EXITED */
	enum reason reason;
	int64_t argument;
};
struct claim_answer engine_claim(const struct world *w, customer_id c, const struct pstate *state,
                                 const struct sent *message, struct instant now);

/* What became of a message. Accepted and uncertain advance the run with `at` as the actual send; refused and dropped
 * advance it without. */
void engine_receipt(const struct world *w, struct pstate *state, uint16_t plan, uint16_t run_no, uint8_t step,
                    enum channel channel, enum receipt receipt, struct instant at);

#endif
