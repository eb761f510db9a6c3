/* recommend: what to propose next to a customer, with a reason and within guards.
 *
 * rec_data is what the models read: orders by customer and time, lines, items. The caller owns the arrays (CSR, no
 * copies are made); they must outlive the model. rec_build() learns once; a customer's answers are computed from the
 * arrays at the call, so a new order put into rec_data counts at once while the model stays. Calls on one model from
 * several threads are fine, each with its own rec_scratch.
 *
 * Four kinds: cross (what goes with it), up (a better version of the same thing), again (due or worn out), bundle (sets
 * sold together). Every answer passes rec_guard_item(), the one place where guards are. Every answer says why: numbers,
 * and a sentence in French or English.
 *
 * Blend of cross: same basket, bought afterwards, bought by the same customers (asymmetric cosine), EASE; each a list
 * of at most REC_KEEP items per item; weights learnt on the shop's own past. For a customer without a basket the best
 * candidates of the blend are looked at again by trees (recommend_rank.c). Type-to-type counts for products without
 * history; popularity as the floor. Deterministic whatever the threads. */
#ifndef RELANCE_FOLD_RECOMMEND_H
#define RELANCE_FOLD_RECOMMEND_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define REC_NONE UINT32_MAX
enum {
	REC_KEEP = 48,            /* neighbours kept per item */
	REC_OWN_USED = 64,        /* newest distinct items of a customer that vote */
	REC_OUT_MAX = 20,         /* proposals in an answer */
	REC_BASKET_USED = 64,     /* items of a basket that vote; a longer basket: its first ones */
	REC_ORDER_LEARNED = 1000, /* items of an order, and distinct items of a customer, that models learn from */
	REC_ATTRIBUTES_MAX = 16,  /* per item */
	REC_EASE_ITEMS_MAX = 20000,
	REC_RULES_MAX = 32,
	REC_SEGMENTS_MAX = 16,
};

enum rec_kind { REC_CROSS, REC_UP, REC_AGAIN, REC_BUNDLE };
enum { REC_KINDS = 4 };

struct rec_attribute {
	uint16_t id;      /* index into attribute_names */
	int8_t direction; /* +1: more is better, −1: less is better, 0: says nothing */
	float value;
};

enum rec_flag { REC_CONSUMABLE = 1, REC_HIDDEN = 2, REC_EXCLUDED = 4, REC_KNOWN_STOCK = 8, REC_KNOWN_COST = 16 };

struct rec_item {
	uint32_t type, family, collection; /* REC_NONE = unknown */
	uint32_t replaced_by;              /* item, REC_NONE */
	int64_t price_minor, cost_minor;   /* cost without VAT; price_net_minor is what the margin is taken on */
	int64_t price_net_minor;           /* price without VAT */
	int32_t stock;
	int32_t lifetime_days; /* 0 = unknown */
	uint16_t months;       /* bit 0 = January …; 0 = all year */
	uint8_t tier;          /* 0 = unknown, higher = better range */
	uint8_t flags;
	uint32_t rules; /* bit by rule of the shop that keeps it out, see rec_data */
	uint32_t attribute_start, attribute_count;
};

struct rec_data {
	uint32_t customers, items;
	uint32_t guests;             /* from this customer on each is one order of somebody unknown; 0: none */
	const uint32_t *order_start; /* customers + 1 */
	const int32_t *order_day;    /* per order, ascending within a customer; days since 1970-01-01 */
	const uint32_t *line_start;  /* orders + 1 */
	const uint32_t *line_item;
	const float *line_quantity; /* negative: a return; NULL: all 1 */
	const int32_t *line_minor;  /* amount of the line, minor units; NULL: unknown */
	const struct rec_item *item;
	const struct rec_attribute *attribute;
	const struct str *item_names, *attribute_names; /* may be NULL: then "#12" */

	/* What customers said no to, by customer (customers + 1); NULL: nothing. */
	const uint32_t *refused_start, *refused;
	/* Up to REC_RULES_MAX rules by which the shop keeps items out: those of an item (rec_item.rules), those that hold
	 * for a customer (NULL: as for a visitor), for a visitor nobody knows, and those that speak of a kind. */
	const uint32_t *customer_rules;
	uint32_t visitor_rules, kind_rules[REC_KINDS];

	/* The shop's own segments (a trade, a size of account …), at most REC_SEGMENTS_MAX, by customer; 0: in none. NULL:
	 * none. What sells in a customer's segment counts as much as what sells, and comes first where nothing else is
	 * known. */
	const uint8_t *segment;
	uint32_t segments;               /* numbers 1 … segments */
	const struct str *segment_names; /* [number] */
};

struct rec_options {
	int threads;
	bool no_ease;  /* leave EASE out (very small machines) */
	bool no_cross; /* up-sells and due dates only: what goes with what is not learnt */
	bool follow;   /* keep what recommend_follow.h needs */
	/* For a program that answers once: who has no basket is answered by the blend alone; so is a basket. */
	bool no_rank, no_basket;
	uint64_t seed;
	/* A model of the same shop with fewer orders, items numbered alike: the weights and EASE are taken over while the
	 * orders have grown by less than a fiftieth. NULL: everything is learnt. */
	const struct rec_model *before;
	const _Atomic bool *stop; /* becomes true: rec_build() gives up soon. NULL: never */
};

struct rec_weights {
	float beside, after, users, ease, popular;
};

struct rec_model;
struct rec_model *rec_build(const struct rec_data *d, const struct rec_options *o, struct err *err) MUST_CHECK;
void rec_free(struct rec_model *m);
struct rec_weights rec_model_weights(const struct rec_model *m);
/* What was left out of learning because of a limit: long orders cut, items beyond EASE. Empty when nothing. */
struct str rec_model_notes(const struct rec_model *m);

struct rec_scratch;
struct rec_scratch *rec_scratch_new(const struct rec_model *m);
void rec_scratch_free(struct rec_scratch *s);

/* ---- guards ---- */

struct rec_guards {
	int32_t today;      /* days since 1970-01-01 */
	int month;          /* 1 … 12 */
	uint32_t n_max;     /* at most so many proposals; default 3 */
	uint32_t per_type;  /* default 1; 0 = any number */
	int cross_percent;  /* what is added, of the basket; default 25; negative = no cap */
	int up_percent;     /* default 25 */
	int margin_percent; /* least margin on the price without VAT; negative = no floor; unknown cost passes */
	const uint32_t *refused, *excluded; /* items said no to just now, or kept out for this once, besides rec_data's */
	size_t refused_n, excluded_n;
	bool same_type; /* cross: products of a type already in the basket too */
};
struct rec_guards rec_guards_default(int32_t today, int month);

enum rec_refusal {
	REC_ALLOWED,
	REC_OWNED,
	REC_IN_BASKET,
	REC_RETURNED,
	REC_REFUSED,
	REC_NO_STOCK,
	REC_IS_HIDDEN,
	REC_IS_EXCLUDED,
	REC_LOW_MARGIN,
	REC_OFF_SEASON,
	REC_TYPE_TAKEN,
	REC_SAME_TYPE,
	REC_TOO_DEAR,
	REC_REFUSALS,
};
extern const char *const REC_REFUSAL_NAMES[REC_REFUSALS];

struct rec_ask {
	uint32_t customer; /* REC_NONE: unknown visitor */
	const uint32_t *basket;
	size_t basket_n;
	const struct rec_guards *guards;
};

/* ---- answers ---- */

enum rec_why {
	REC_WHY_BASKET,    /* `both` of `of` baskets with `because` also held it */
	REC_WHY_CUSTOMERS, /* `both` of `of` customers of `because` also bought it */
	REC_WHY_TYPE,      /* `both` of `of` baskets with this type of product also held one of that */
	REC_WHY_POPULAR,   /* `both` of `of` customers bought it */
	REC_WHY_SEGMENT,   /* `both` of `of` customers of segment `because_segment` bought it */
	REC_WHY_BETTER,    /* attribute better than `because` */
	REC_WHY_REPLACES,
	REC_WHY_RANGE,
	REC_WHY_DUE,        /* every gap_days days; due on day */
	REC_WHY_WORN,       /* bought on from_day, lasts lifetime */
	REC_WHY_COLLECTION, /* `both` of `of` pieces of the collection owned */
};

struct rec_answer {
	uint32_t item;
	float score;
	enum rec_kind kind;
	enum rec_why why;
	uint32_t because; /* item, REC_NONE */
	uint32_t both, of, because_segment;
	uint16_t attribute;
	float better, than;  /* REC_WHY_BETTER */
	int64_t price_minor; /* of the item, or of the bundle */
	int32_t day, from_day, to_day;
	float gap_days;
	uint32_t with[3], with_n; /* bundle: the other items */
	int64_t separate_minor;   /* bundle: bought one by one */
};

struct rec_list {
	struct rec_answer answers[REC_OUT_MAX];
	size_t count;
	uint32_t refused[REC_REFUSALS]; /* candidates turned away, by reason */
};

/* At most n (and guards->n_max) answers, best first. False never happens; an empty list carries the reasons. */
void rec_cross(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, size_t n,
               struct rec_list *out);
void rec_up(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, size_t n,
            struct rec_list *out);
void rec_again(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, int32_t days, size_t n,
               struct rec_list *out);
void rec_bundle(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, int discount_percent,
                size_t n, struct rec_list *out);

enum rec_language { REC_ENGLISH, REC_FRENCH };
void rec_why_text(const struct rec_model *m, const struct rec_answer *a, enum rec_language language, struct buf *out);

#endif
