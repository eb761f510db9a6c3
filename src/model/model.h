/* model: the nouns every room shares, as plain structs and enums. Nothing here acts.
 *
 * Numbers stored in the database or drawn upon are part of the product: enums are append-only. Text names of the enums
 * are in names.h. */
#ifndef RELANCE_MODEL_MODEL_H
#define RELANCE_MODEL_MODEL_H

#include "base/money.h"
#include "base/zone.h"

/* Dense numbers given by the store, from 1 up. Customer 0 is "no customer": the guests of a till. */
typedef uint32_t customer_id;
typedef uint32_t product_id;

enum { GUESTS = 0 };

enum channel {
	CHANNEL_EMAIL = 0,
	CHANNEL_SMS = 1,
	CHANNEL_POSTCARD = 2,
	CHANNEL_PHONE = 3,
	CHANNEL_AUDIENCE = 4,
	CHANNEL_PUSH = 5,
	CHANNEL_STAFF = 6, /* a notice to the shop's own people: no consent, no pressure */
	CHANNEL_COUNT = 7,
};

enum purpose { PURPOSE_MARKETING = 0, PURPOSE_SERVICE = 1, PURPOSE_TRACKING = 2, PURPOSE_COUNT = 3 };

/* ---- facts: what happened, never updated (SEMANTICS, "Facts and knowledge") ---- */

enum fact_kind {
	FACT_ORDER = 1,      /* a sale or return document with its lines */
	FACT_CART = 2,       /* one change of one cart */
	FACT_CONSENT = 3,    /* granted, withdrawn, soft opt-in; with proof */
	FACT_PROFILE = 4,    /* what decisions need to know of a person; names and addresses live in `person` */
	FACT_EVENT = 5,      /* anything named: account_created, newsletter, visit, call … */
	FACT_RECEIPT = 6,    /* what became of a message: accepted, opened, clicked, bounced, answered … */
	FACT_RETRACT = 7,    /* the fact with this key no longer holds */
	FACT_SETTING = 8,    /* customer 0 */
	FACT_SWITCH = 9,     /* a plan switched on or off, or a version put in force; customer 0 */
	FACT_THRESHOLD = 10, /* a shop day's frozen figures; customer 0 */
	FACT_GRANT = 11,     /* an allotment: this customer may enter this smoothed plan today */
	FACT_CONTROL = 12,   /* drawn into, or out of, a control group */
	FACT_MERGE = 13,     /* this customer's record is another's: merged into the one the body names */
	FACT_DISTINCT = 14,  /* this customer and the one the body names look alike and are two people */
	FACT_KIND_COUNT = 15,
};

struct fact {
	customer_id customer;
	int64_t seq; /* 0 until stored */
	enum fact_kind kind;
	struct str key; /* unique per kind and customer: source + document, "till:536365" */
	struct instant at, learned_at;
	struct str body; /* JSON in the canonical form of body.h */
};

/* ---- bodies ---- */

struct line {
	product_id product;
	int32_t quantity; /* negative: returned */
	int64_t amount;   /* minor units, VAT included, net of discounts; for the whole line; signed */
};

enum sale_channel {
	SALE_UNKNOWN = 0,
	SALE_STORE,
	SALE_WEB,
	SALE_PHONE,
	SALE_APP,
	SALE_MARKETPLACE,
	SALE_B2B,
	SALE_CHANNEL_COUNT
};

enum cart_state { CART_CHANGED = 0, CART_PAID = 1, CART_EMPTIED = 2 };

enum consent_state {
	CONSENT_GRANTED = 0,
	CONSENT_WITHDRAWN = 1,
	CONSENT_SOFT = 2,    /* address collected at a sale, opposition offered (CPCE L34-5) */
	CONSENT_OPPOSED = 3, /* art. 21(2): wins over everything */
};

enum reach { REACH_EMAIL = 1, REACH_PHONE = 2, REACH_POST = 4, REACH_PUSH = 8 };

enum locale { LOCALE_FR = 0, LOCALE_EN = 1, LOCALE_COUNT = 2 };

enum receipt {
	RECEIPT_ACCEPTED = 1,
	RECEIPT_REFUSED = 2,
	RECEIPT_UNCERTAIN = 3,
	RECEIPT_OPENED = 4,
	RECEIPT_CLICKED = 5,
	RECEIPT_HARD_BOUNCE = 6,
	RECEIPT_SOFT_BOUNCE = 7,
	RECEIPT_COMPLAINT = 8,
	RECEIPT_ANSWERED = 9,
	RECEIPT_UNSUBSCRIBED = 10,
	RECEIPT_DROPPED = 11, /* taken out of the queue by the guard, before it left */
	RECEIPT_COUNT = 12,
};

/* ---- decisions ---- */

enum verdict {
	VERDICT_ENTERED = 0,
	VERDICT_CONTROL = 1, /* entered, but in the control group: nothing is sent */
	VERDICT_SEND = 2,
	VERDICT_HELD = 3,    /* not now: the reason says until when */
	VERDICT_SKIPPED = 4, /* this step will not be: the run goes on */
	VERDICT_DROPPED = 5, /* held for longer than `late` allows */
	VERDICT_EXITED = 6,  /* goal or exit reached */
	VERDICT_ENDED = 7,   /* last step passed */
	VERDICT_TAGGED = 8,  /* a tag given or taken: the step says which */
	VERDICT_COUNT = 9,
};

/* Why; the sentence is made by reason_text() from the code and its argument. */
enum reason {
	REASON_NONE = 0,
	REASON_TRIGGER, /* the trigger fired and `who` holds */
	REASON_GRANTED, /* smoothing slot granted */
	REASON_EMERGENCY_STOP,
	REASON_PLAN_OFF,
	REASON_ERASED,
	REASON_SUPPRESSED, /* hard bounce, complaint */
	REASON_NO_CONSENT, /* no basis: argument = channel */
	REASON_OPPOSED,
	REASON_NOT_REACHABLE, /* no address for any channel of the step */
	REASON_CONTROL_GROUP,
	REASON_GLOBAL_CONTROL,
	REASON_EXIT_ORDER,
	REASON_EXIT_CART_PAID,
	REASON_EXIT_CART_EMPTIED,
	REASON_EXIT_CART_CHANGED,
	REASON_EXIT_EVENT,
	REASON_EXIT_CONDITION,
	REASON_EXIT_ANSWERED,
	REASON_GOAL_MET,    /* argument = reason of the goal */
	REASON_TOO_LATE,    /* due longer ago than `late` */
	REASON_QUIET_HOURS, /* argument = until (instant) */
	REASON_QUIET_DAY,
	REASON_PRESSURE_CHANNEL, /* argument = until */
	REASON_PRESSURE_ALL,
	REASON_BEATEN,    /* a message of higher priority goes first */
	REASON_CONDITION, /* the step's `if` is false or unknown */
	REASON_SMOOTHING, /* waits for a slot */
	REASON_CLOCK_JUMP,
	REASON_LAST_STEP,
	REASON_SUPERSEDED, /* handed to another plan */
	REASON_AUDIENCE,   /* `who` is false */
	REASON_BLACKOUT,
	REASON_BUDGET,
	REASON_RESTORED,     /* a restored backup: waits for a person */
	REASON_MAX_MESSAGES, /* the plan has sent as many as it may */
	REASON_MERGED,       /* the record was merged into another, which goes on alone */
	REASON_COUNT,
};

struct decision {
	struct instant at;
	customer_id customer;
	uint16_t plan;   /* index in the plan set */
	uint16_t run_no; /* from 1 */
	int16_t step;    /* index in the plan, -1 for the run itself */
	uint8_t verdict; /* enum verdict */
	uint8_t reason;  /* enum reason */
	uint8_t channel; /* enum channel, for SEND; else CHANNEL_COUNT */
	uint8_t variant;
	int64_t argument; /* see enum reason */
};

#endif
