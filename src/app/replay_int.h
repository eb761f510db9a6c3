/* Inside the replay only: what its files share. replay.c goes through the days, replay_look.c asks one person,
 * replay_say.c brings what was said into its order. */
#ifndef RELANCE_APP_REPLAY_INT_H
#define RELANCE_APP_REPLAY_INT_H

#include "app/allot.h"
#include "app/purse.h"
#include "app/replay.h"
#include "app/trace.h"
#include "base/hash.h"
#include "base/par.h"

#include <pthread.h>
#include <stdatomic.h>

/* A supposed purchase after a message, in a what-if replay with response rates. */
struct conversion {
	uint32_t at;
	uint16_t plan, run_no;
};

/* A day has two passes: its first instant, and the rest. Numbered through a stretch of days: 2 × day and 2 × day + 1.
 */
typedef uint16_t pass_no;

enum { STRETCH_MAX = 366, PASSES_MAX = 2 * STRETCH_MAX };

/* What one unit said in one pass: decisions from … from + count of a hand. */
struct segment {
	customer_id unit;
	uint32_t from, count;
	pass_no pass;
	uint8_t hand;
};

struct asked_slot {
	struct proposal proposal;
	pass_no pass;
};

struct asked_money {
	struct spend spend;
	pass_no pass;
};

/* Why a unit stops. */
enum asks {
	ASKS_SLOT = 1,  /* on a day that has not come yet */
	ASKS_MONEY = 2, /* its time stands still until the answer */
};

struct ids {
	customer_id *items;
	size_t count, cap;
};

/* One thread's own. */
struct hand {
	struct replay *r;
	struct world world; /* with the thresholds of the day being looked at, and the person's `view` */
	struct view view;
	struct decisions said; /* in the stretch */
	struct segment *segments;
	size_t segment_count, segment_cap;
	size_t late_from;         /* segments from here on are of units that went day by day */
	struct asked_slot *slots; /* proposals of the stretch not handed on yet */
	size_t slot_count, slot_cap;
	struct asked_money *money; /* the same of messages that cost */
	size_t money_count, money_cap;
	bool apart;         /* what is said now has its place by the day, not by the unit */
	struct ids stopped; /* units that go on day by day */
	struct trace_writer *writer;
	uint64_t asked;
	uint64_t *opened, *clicked; /* by plan */
	char between[128];          /* no line of the cache is written by two threads */
};

/* A few people in a row: what one thread takes at a time. Its segments lie together. */
struct slice {
	size_t from, to; /* segments of the hand */
	uint8_t hand;
};

/* A day's decisions in their order, and as text. */
struct said_day {
	struct decision *items;
	size_t count, cap;
	struct buf text;
	struct said_day *next; /* in the list of free ones */
};

struct span {
	size_t from, count;
};

struct replay {
	const struct replay_options *o;
	struct replay_result *out;
	struct world world;
	struct pstate *states;
	uint32_t *next_at;              /* per customer: next look; UINT32_MAX never */
	uint32_t *next_fact;            /* per customer: next fact not seen yet */
	struct conversion *conversions; /* per customer; at = 0: none. NULL without rates */
	uint32_t *feedback;             /* per customer: next of o->feedback; NULL without recorded responses */
	uint32_t *quiet;    /* per customer QUIET_MORE + plans: see struct world; NULL: everything is asked every time */
	customer_id *peers; /* ring of those who share an address; NULL when nobody does */
	uint8_t *asks;      /* per unit: enum asks */
	int threads;
	int hand_count;
	struct hand *hands; /* by thread */
	struct allot waiting;
	struct purse purse;

	int32_t first_day, day_count;  /* the shop's civil days */
	int64_t *day_start;            /* day_count + 1 instants; the first is `from`, the last `to` */
	struct thresholds *thresholds; /* by day */
	struct spend_window *window;
	pthread_t figures;
	bool figures_apart; /* `figures` makes the thresholds */

	/* the stretch under way */
	int32_t stretch, length; /* its first day, its days */
	struct slice *slices;
	size_t slice_people, slice_count;
	uint32_t *counts;                   /* slice × pass: segments, then where they go in `sorted` */
	struct ids *due;                    /* by day of the stretch: units that go day by day */
	struct ids list;                    /* those of the day under way */
	int32_t today;                      /* day of the replay under way, for the list */
	bool rest;                          /* pass of the list: the rest of the day, not its first instant */
	struct proposal *slots[PASSES_MAX]; /* asked for in each pass, not taken yet */
	size_t slot_count[PASSES_MAX], slot_cap[PASSES_MAX];
	struct spend *spends[PASSES_MAX]; /* messages that asked for money in each pass, not answered yet */
	size_t spend_count[PASSES_MAX], spend_cap[PASSES_MAX];
	struct span apart[PASSES_MAX]; /* decisions of hand 0 after each pass: answers about money, slots */
	struct segment *sorted, *late; /* by pass: of the slices; of those who went day by day */
	size_t sorted_cap, late_cap;
	struct span sorted_at[PASSES_MAX], late_at[PASSES_MAX];

	/* the record, told in order: by whoever has made the next day's, or by a thread of its own */
	struct sha256 *hash;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t teller;
	bool teller_apart, finished;
	struct said_day **made; /* by day: waits to be told */
	struct said_day *free;
	int32_t told;    /* days */
	size_t pending;  /* decisions made and not told */
	int32_t figured; /* days with thresholds */
	atomic_bool failed;
	struct err *err;
};

/* ---- replay_look.c ---- */

/* The people of the unit in time order, every look before `until`; ends early, after the pass, when somebody asks for
 * a slot, or at once for money, and then returns true. */
bool look_unit(struct hand *h, customer_id unit, int64_t until);
/* Instant of the unit's next look; UINT32_MAX never. */
uint32_t unit_next(const struct replay *r, customer_id unit);
/* The unit of a person: the lowest number of those who share the address. */
customer_id unit_of(const struct replay *r, customer_id c);
void look_settle(struct replay *r, customer_id c);
/* The hand's world is this person's, at this instant, of this day of the replay. */
void look_begin(struct hand *h, customer_id c, int32_t day, struct instant now);
/* The steps of an instant, after engine_person() when `begins`: each message delivered may make the next one due at
 * once. False: one asks for money, and the person stands still until the answer. */
bool look_on(struct hand *h, customer_id c, struct instant now, bool begins);
/* Messages decided from said[from] on leave now. */
void look_deliver(struct hand *h, struct pstate *state, size_t from);
/* Day of the replay (0 …) of an instant within it. */
int32_t look_day(const struct replay *r, int64_t at);

/* ---- replay_say.c ---- */

void say_begin(struct replay *r);
/* Everything said in the stretch, in order: by day, first instant, slots, rest; within those by unit. */
void say_stretch(struct replay *r);
void say_end(struct replay *r); /* waits until all is told */

#endif
