/* plan: a plan file, compiled. Reading and checking is plan_file.h; deciding is engine.h.
 *
 * A plan is trigger, audience, steps with delay and condition, exits, goal (PRODUCT §2). A compiled plan is immutable
 * and lives in an arena; a running plan's edit is a new `struct plan` with a higher version, and runs point at the one
 * they are on. The set of plans the engine sees is an array; runs and messages name a plan by its index there. */
#ifndef RELANCE_ENGINE_PLAN_H
#define RELANCE_ENGINE_PLAN_H

#include "fold/expr.h"

enum { PLANS_MAX = 1024, STEPS_MAX = 64, EXITS_MAX = 16, VARIANTS_MAX = 8, PLAN_NAME_MAX = 64 };

/* The days of TRIGGER_YEARLY. A rule with a year-dependent day is computed by plan_yearly_day(). */
enum yearly {
	YEARLY_DATE,            /* month/month_day; 29 February falls on the 28th in common years */
	YEARLY_EASTER,          /* Easter + month_day (month is 0) */
	YEARLY_WEEKDAY,         /* the nth `weekday` (0 = Monday) of `month`; nth −1: the last */
	YEARLY_MOTHERS_DAY_FR,  /* last Sunday of May, or the first of June when that is Pentecost (CASF D215-1) */
	YEARLY_WINTER_SALES_FR, /* second Wednesday of January, the first when that is after the 12th (C. com. D310-15-2) */
	YEARLY_SUMMER_SALES_FR, /* last Wednesday of June, the one before when that is after the 28th (same article) */
	YEARLY_WINTER_SALES_BE, /* 3 January, the 2nd when that is a Sunday (CDE VI.25) */
	YEARLY_SUMMER_SALES_BE, /* 1 July, 30 June when that is a Sunday (same article) */
};

/* Kinds of facts, as flags; and what else a goal or an exit may look at. */
enum fact_news { NEWS_ORDERS = 1, NEWS_CARTS = 2, NEWS_EVENTS = 4, NEWS_ALL = 7, NEWS_MORE = 8 };

/* The closed list of triggers: for each, the next instant at which it can fire is computable. */
enum trigger {
	TRIGGER_INACTIVE, /* n months without an order: a state, so those already in it enter when the plan is switched on
	                   */
	TRIGGER_ORDER,    /* each order, after `delay` */
	TRIGGER_FIRST_ORDER, /* the first order ever */
	TRIGGER_CART,        /* the last change of an unpaid cart, after `delay` (3 hours) */
	TRIGGER_EVENT,       /* a named event, after `delay`: account_created, newsletter, … */
	TRIGGER_WELCOME,     /* account_created, newsletter or first order, whichever is first; once per person */
	TRIGGER_BIRTHDAY, /* birth date, else the anniversary of the first order or of signing up; `on_day`, else on the 1st
	                     of the month */
	TRIGGER_DATED_EVENT, /* yearly, on the day of a named event of the customer */
	TRIGGER_ONCE,        /* one civil day: a campaign */
	TRIGGER_YEARLY,      /* each year on month/day, or Easter + n days: the occasion calendar */
	TRIGGER_SEGMENT,     /* `who` becomes true, looked at once a shop day: a state */
	TRIGGER_LIFETIME,    /* a product bought reaches its lifetime: renewal, service dates */
};

enum exit_kind {
	EXIT_ORDER,
	EXIT_CART_PAID,
	EXIT_CART_EMPTIED,
	EXIT_CART_CHANGED,
	EXIT_EVENT_NAMED,
	EXIT_ANSWER,
	EXIT_WHEN
};

struct plan_exit {
	enum exit_kind kind;
	struct str event;        /* EXIT_EVENT_NAMED */
	const struct expr *when; /* EXIT_WHEN */
	struct str when_text;
};

enum step_action { STEP_SEND, STEP_NOTIFY, STEP_TAG, STEP_WAIT };

struct variant {
	struct str name; /* what the comparison calls it; default: the message's name, or a, b, c … when they share one;
	                    empty: the step has no other */
	struct str message; /* name in messages/LOCALE/ */
	struct str subject; /* overrides the message's; empty: its own */
	int32_t weight;
	int32_t hour_s; /* overrides the step's hour; −1 */
};

struct voucher_offer {
	int32_t percent; /* 0: none */
	int64_t amount;  /* minor units; 0: none */
	int32_t valid_days;
	int64_t minimum; /* basket from which it counts; 0 */
	struct str pool; /* drawn from the shop's own codes; empty: one made per person */
	struct str text; /* a gift or an event instead of a discount */
};

struct step {
	struct str name; /* written in the plan, never changes; default: the message's name */
	enum step_action action;
	int32_t after_days; /* J + n, civil days at the hour; −1: by `after_s` */
	int64_t after_s;    /* from the anchor, for plans that count hours */
	bool after_last;    /* `at: then + …`: counted from the last thing done in the run (message sent, wait over, team
	                       told; else the entry) and not from J: after_days civil days at the hour, or after_s */
	int32_t hour_s;     /* second of day; −1: the plan's */
	uint8_t channels[CHANNEL_COUNT]; /* in order of preference */
	uint8_t channel_count;
	uint8_t purpose;              /* enum purpose */
	bool drop_when_held;          /* `held: drop`: not sent later */
	bool ends_run;                /* `then: end` */
	int32_t goto_step;            /* after this step when its condition held; −1: the next */
	const struct expr *condition; /* `if`; NULL: always */
	const struct expr *wait;      /* `until`: not before this holds; NULL. Not come within `late` of falling due: the
	                                 step is skipped as too late. STEP_WAIT does nothing else */
	struct date wait_date;        /* `until: 2026-12-01`; DATE_UNKNOWN: none */
	struct str condition_text, wait_text;
	int64_t late_s; /* −1: the plan's */
	struct variant variants[VARIANTS_MAX];
	uint8_t variant_count;
	bool has_voucher;
	struct voucher_offer voucher;
	struct str tag;        /* STEP_TAG; STEP_NOTIFY: whom */
	bool untags;           /* STEP_TAG: takes the tag away */
	uint32_t line, column; /* in the file */
	uint32_t voucher_line, voucher_column;
};

struct plan {
	struct str name;
	struct str file; /* as given to plan_read() */
	struct str title[LOCALE_COUNT];
	uint64_t hash;     /* of the canonical text: same hash, same version */
	uint64_t draw_key; /* hash of the name (and `experiment:`): salts draws */
	uint32_t version;
	enum trigger trigger;
	int32_t months;  /* INACTIVE */
	int64_t delay_s; /* event triggers: hours after; civil days are in delay_days */
	int32_t delay_days;
	struct str event;         /* EVENT, DATED_EVENT */
	struct date once;         /* ONCE */
	int32_t month, month_day; /* YEARLY; month 0: Easter + month_day */
	enum yearly yearly;       /* YEARLY: which rule; the day is plan_yearly_day(), `delay_days` included */
	int32_t nth, weekday;     /* YEARLY_WEEKDAY */
	bool on_day;              /* BIRTHDAY */
	const struct expr *who;
	int32_t again_months, again_days; /* may enter again after; both −1: never; both 0: at each trigger */
	bool again_each_year;             /* once per civil year */
	int32_t smooth_per_day;           /* 0: no smoothing */
	struct plan_exit goal[EXITS_MAX], exits[EXITS_MAX];
	uint8_t goal_count, exit_count;
	uint8_t who_news;  /* enum fact_news: what `who` looks at */
	uint8_t exit_news; /* enum fact_news: what goal and exits look at, so that they are asked when it has come */
	uint32_t control_per_million;
	int32_t priority; /* the higher wins */
	struct str who_text, boost_text;
	const struct expr *boost; /* `first:` those for whom it holds come before others at equal priority */
	int32_t hour_s;           /* default 10:00 */
	int64_t late_s;           /* default 1 day */
	int32_t max_messages;     /* per run; 0: no limit */
	int64_t budget;           /* for sending, minor units a month (or in all: budget_total); 0: none */
	bool budget_total;
	struct date blackout[32];
	uint8_t blackout_count;
	struct step steps[STEPS_MAX];
	uint8_t step_count;
	struct str experiment; /* `experiment:`: plans with the same one share their draws; empty: the plan's name */
	struct str note;       /* `version:`: what changed, in words; not part of the hash */
	uint8_t purpose;       /* enum purpose: the steps' default */
	uint32_t when_line, when_column, control_line, control_column; /* in the file; 0: not written */
	uint32_t budget_line, budget_column;
	struct str text; /* the file, for showing and versions */
};

/* The civil day on which a TRIGGER_YEARLY plan fires in `year`, `delay_days` included; DATE_UNKNOWN for another
 * trigger. */
struct date plan_yearly_day(const struct plan *p, int year);

struct plan_set {
	const struct plan *plans[PLANS_MAX];
	bool on[PLANS_MAX];
	bool draining[PLANS_MAX];     /* runs go on, nobody enters */
	uint32_t on_since[PLANS_MAX]; /* when it was last switched on: earlier events do not enter it */
	uint32_t first_on[PLANS_MAX];
	uint16_t current[PLANS_MAX]; /* the newest version of the same plan name (itself when newest) */
	uint16_t family[PLANS_MAX];  /* lowest index with the same name: one identity across versions */
	size_t count;
};

#endif
