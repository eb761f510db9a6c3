/* reco: a loaded shop as the recommendation models read it (fold/recommend.h), and their answers in the shop's words.
 *
 * Customers keep their number; every order of a guest is a customer of its own behind them, and the very last one is a
 * place for reco_fresh(). What is not a product is left out; a return is a negative quantity. A product without a price
 * in the catalogue has that of its newest sale; without VAT rate its price counts as net.
 *
 * Attributes are the catalogue's JSON object (numbers, true/false, text that begins with a number). "collection"
 * (text), "consumable", "hidden", "excluded" (true/false) and "months" (1 … 12, when it is sold) mean what they say.
 * Whether more of the others is better: setting recommend.better ("power: more, weight: less, size: no"); unset, what
 * dearer products of the same type have. Others: recommend.cross_percent, recommend.up_percent,
 * recommend.margin_percent, recommend.per_type, recommend.exclude (reco_guards.c),
 * recommend.segments (reco_segments.c). What a customer said no to is an
 * event "refused" with the SKU as its text.
 *
 * A struct reco must not move (the model points into it). Answers from several threads are fine, each with a scratch of
 * its own; reco_fresh() needs the others out. Limits: RECO_LINES_MAX lines. */
#ifndef RELANCE_APP_RECO_H
#define RELANCE_APP_RECO_H

#include "app/load.h"
#include "base/arena.h"
#include "fold/expr.h"
#include "fold/recommend_follow.h"

enum { RECO_BASKET_MAX = 256, RECO_LINES_MAX = 1 << 30 };

struct reco_words {
	struct str sku, name, category, url, image, type, family; /* n = 0: not said */
};

/* One rule of the setting recommend.exclude (reco_guards.c). */
struct reco_rule {
	const struct expr *condition; /* NULL: for everybody */
	struct str pattern;
	int kind, field; /* kind −1: all */
	bool unless;
};

struct reco_rules {
	struct reco_rule rules[REC_RULES_MAX];
	size_t count;
};

/* The setting recommend.segments (reco_segments.c); numbers from 1. */
struct reco_segments {
	const struct expr *condition[REC_SEGMENTS_MAX + 1];
	struct str name[REC_SEGMENTS_MAX + 1];
	size_t count;
};

struct reco_hash {
	int64_t hash;
	uint32_t item;
};

struct reco {
	struct rec_data data;
	struct rec_model *model; /* NULL: `reason` says why there is nothing to propose */
	char reason[200];
	struct rec_guards guards;
	struct reco_words *words; /* by item */
	struct str *names, *attribute_names;
	uint32_t *item_of;      /* by product_id below `products`; REC_NONE: not a product */
	product_id *product_of; /* by item */
	uint32_t products;
	uint32_t people;         /* customers 1 … people are the shop's */
	uint64_t lines_left_out; /* of what is not a product */

	/* the arrays behind `data` */
	struct arena arena;
	uint32_t *order_start, *line_start, *line_item;
	int32_t *order_day, *line_minor;
	float *line_quantity;
	struct rec_item *items;
	struct rec_attribute *attributes;
	size_t orders, lines, order_cap, line_start_cap, item_cap, quantity_cap, minor_cap;
	size_t known_orders, known_lines; /* before the fresh customer's */
	zone_id zone;

	/* what customers said no to, and the shop's rules */
	struct reco_rules rules;
	struct reco_segments segments;
	struct str segments_text;     /* the setting */
	uint8_t *segment;             /* by customer */
	struct thresholds thresholds; /* of today, when a rule has a condition */
	const struct book *book;
	uint32_t refused_word, *refused_start, *refused, *customer_rules;
	struct reco_hash *hashes; /* of the SKUs */
	size_t refused_n, refused_cap, known_refused;
};

struct reco_options {
	struct instant now;        /* later orders are not seen; its day is "today" */
	int threads;               /* ≤ 0: all processors */
	bool no_model;             /* the arrays only */
	bool no_cross;             /* up-sells and due dates only, in a fraction of the time */
	bool no_rank, no_basket;   /* only those with a basket are asked for; only those without */
	const struct reco *before; /* learnt a while ago: what changes slowly is taken over; NULL */
	const _Atomic bool *stop;  /* true: gives up, with no model; NULL */
	size_t orders_min;         /* with fewer orders: no model */
	bool follow;               /* keep what reco_trail_new() needs, when there are so many lines */
	int follow_lines_min;
};

/* False: the database failed. A shop without products or orders is no failure: model NULL and a reason. */
bool reco_build(struct reco *r, struct db *db, const struct book *book, const struct version *v,
                const struct settings *settings, const struct reco_options *o, struct err *err) MUST_CHECK;
/* The same in two steps: what needs the database, then the rest, which may run on another thread with `v` pinned. After
 * a failed reco_learn(): reco_release(). */
bool reco_open(struct reco *r, struct db *db, const struct book *book, const struct settings *settings,
               const struct reco_options *o, struct err *err) MUST_CHECK;
bool reco_learn(struct reco *r, const struct book *book, const struct version *v, const struct settings *settings,
                const struct reco_options *o, struct err *err) MUST_CHECK;
/* Stock, prices, costs and visibility as they are in the catalogue now, the numbers among the settings, today. */
bool reco_restock(struct reco *r, struct db *db, struct instant now, struct err *err) MUST_CHECK;

/* What lets a model take in what has changed in the book since (fold/recommend_follow.h): customers are compared
 * between the version it was made of, which stays pinned, and a later one, where their chunks are not the same. NULL:
 * `r` was not built for it. The pin of `v` is the trail's from then on. */
struct reco_trail;
struct reco_trail *reco_trail_new(struct reco *r, struct book *book, const struct version *v, struct instant now);
const struct version *reco_trail_version(const struct reco_trail *t);
void reco_trail_free(struct reco_trail *t);
/* Instead of reco_learn(), for `r` just opened: the next model after `before`, the newest of the trail, as of `v`,
 * whose pin becomes the trail's. r->data has no orders then, only the place for reco_fresh(). Which customers the
 * shop's rules and segments hold for is asked of those with new facts only. False: told to stop, or this is to be
 * learnt anew (products renumbered, another setting recommend.segments, a shop that outgrew its first customers); then
 * neither the trail nor `r` is of more use. */
bool reco_follow(struct reco_trail *t, const struct reco *before, struct reco *r, const struct version *v,
                 const struct settings *settings, const struct reco_options *o, struct err *err) MUST_CHECK;
struct rec_follow_told reco_trail_told(const struct reco_trail *t);

bool reco_of_shop(struct reco *r, const struct shop_world *w, const struct reco_options *o, struct err *err) MUST_CHECK;
void reco_release(struct reco *r);

/* The orders of a customer as they are in `v` go into the last place; its number is returned. */
uint32_t reco_fresh(struct reco *r, const struct view *v);

/* The item sold under this SKU, REC_NONE when there is none. */
uint32_t reco_item(const struct reco *r, struct str sku);

/* The distinct items of a customer's newest sale, at most `max`. */
size_t reco_last_sale(const struct reco *r, uint32_t customer, uint32_t *items, size_t max);

enum { RECO_DAYS_DEFAULT = 14, RECO_DISCOUNT_PERCENT = 10 };
/* One of the four kinds. An up-sell without a basket speaks of the newest sale. days: for `again`. Nothing without a
 * model. */
void reco_answer(const struct reco *r, struct rec_scratch *s, enum rec_kind kind, const struct rec_ask *ask,
                 int32_t days, size_t n, struct rec_list *out);

/* Why a list is empty: "owned: 12, out of stock: 3", or that nothing was found. */
void reco_reason(const struct reco *r, enum rec_kind kind, const struct rec_list *l, struct buf *out);

/* A setting that is a whole number; *out stays when it is not set. */
bool reco_number(struct db *db, const char *name, int low, int high, int *out, struct err *err) MUST_CHECK;

/* Whether the text of recommend.exclude or recommend.segments is understood: err says what is not. Other names: true.
 */
bool reco_setting_check(struct str name, struct str text, const struct settings *settings, struct err *err) MUST_CHECK;

#endif
