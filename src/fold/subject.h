/* subject: one person at one instant, as conditions see them: the facts so far, the runs and messages so far.
 *
 * `pstate` is what the engine knows of a person beyond the facts: runs of plans and messages sent. It is small, owned
 * by `struct pstates` (index = customer_id), and changed by the engine's caller only. Live it is rebuilt from decisions
 * and receipts; in a what-if replay it is what the replay made. */
#ifndef RELANCE_FOLD_SUBJECT_H
#define RELANCE_FOLD_SUBJECT_H

#include "book/book.h"

enum { ANSWER_NONE = 0, ANSWER_VERY_SATISFIED = 1, ANSWER_SATISFIED = 2, ANSWER_UNSATISFIED = 3 };

enum sent_state {
	SENT_QUEUED = 0,
	SENT_ACCEPTED = 1,
	SENT_REFUSED = 2,
	SENT_UNCERTAIN = 3,
	SENT_DROPPED = 4,
	SENT_TAG = 5, /* no message: the plan's step tagged the person (or took the tag away) at `at` */
};

struct sent {
	uint32_t at;         /* queued at; once accepted, the instant of acceptance */
	uint32_t opened_at;  /* 0: not known to be opened (unknown is "no") */
	uint32_t clicked_at; /* 0 */
	uint16_t plan;       /* index in the plan set */
	uint16_t run_no;
	uint8_t step;
	uint8_t channel, purpose;
	uint8_t state; /* enum sent_state */
	uint8_t variant;
	uint8_t answer;  /* ANSWER_… */
	uint8_t bounced; /* 1 soft, 2 hard, 3 complaint */
};

enum run_state { RUN_ACTIVE = 0, RUN_ENDED = 1, RUN_EXITED = 2 };

/* Numbers from here on: runs of a record that was merged into this person's, and their messages. They are over, count
 * for all that asks what the person got, and belong to the other record wherever messages are counted over everybody.
 */
enum { RUN_JOINED = 0x8000 };
static inline bool run_is_joined(uint16_t run_no)
{
	return run_no >= RUN_JOINED;
}

struct run {
	uint64_t subject; /* what the run is about: hash of the cart, key of the order; 0 none */
	uint32_t entered_at;
	uint32_t anchor_at;    /* the instant the trigger speaks of: last cart change, the order … */
	uint32_t last_sent_at; /* actual send of an earlier step, 0 none */
	uint32_t last_done_at; /* the last thing done: message accepted, wait over, team told; 0: the entry */
	uint32_t hold_until;   /* next look at the current step, 0: when it falls due */
	int32_t day;           /* J, the civil day of entry in the person's zone */
	uint16_t plan;         /* index in the plan set (a version of a plan) */
	uint16_t run_no;       /* from 1, per customer and plan name */
	uint8_t state;         /* enum run_state */
	uint8_t control;       /* in the control group */
	uint8_t step;          /* next step */
	uint8_t queued;        /* the step's message is queued: waits for its receipt */
	uint8_t held_reason;   /* last reason written for this step, so that it is written once */
	uint8_t waits;         /* the step is due, and `next` is when its `until` is given up */
	uint32_t next;         /* nothing to do before; 0: not known. Kept where struct world has `quiet`, else 0 */
};

struct pstate {
	struct run *runs;  /* by (plan, run_no) of entry: append order */
	struct sent *sent; /* append order */
	uint16_t run_count, run_cap;
	uint16_t sent_count, sent_cap;
	uint32_t wake;         /* next instant at which something may change, UINT32_MAX never */
	uint32_t trigger_wake; /* the part of it that triggers alone ask for */
	uint8_t suppressed;    /* bit per channel: hard bounce, complaint */
	uint8_t erased;
};

/* Figures frozen once per shop day (SEMANTICS, "A tick"). */
struct thresholds {
	struct date day;
	int64_t top_decile_spend; /* 12-month spend from which one is among the top ⌈n/10⌉; INT64_MAX when nobody ordered */
	int64_t average_basket; /* mean order value of the trailing 12 months; 0 when none */
	uint32_t buyers_12m;
};

/* The names behind the plan numbers of runs and messages, as hash_str(): for conditions that name a plan or a step. */
struct plan_words {
	size_t count;
	const uint64_t *plan;        /* by plan index; all versions of a plan share the name */
	const uint64_t *const *step; /* by plan index, then step index */
	const uint8_t *step_count;
	const uint64_t *const *tag;   /* by plan index, then step index: the tag it gives or takes; 0: no such step */
	const uint8_t *const *untags; /* the same: 1, it takes */
};

struct subject {
	const struct book *book;
	const struct version *version;
	struct view view;           /* facts visible */
	const struct pstate *state; /* may be NULL: no runs, no messages */
	const struct run *run;      /* the run a step's condition is asked for; NULL in a segment */
	const struct thresholds *thresholds;
	struct date today;              /* in the person's zone */
	zone_id zone;                   /* the person's */
	bool assume_consent;            /* what-if replay on a history that holds no consents: unknown counts as granted */
	const struct plan_words *plans; /* may be NULL: plans are then known by their place in expr_context.plan_names */
};

#endif
