/* book: everything the shop knows about its customers, as columns in memory.
 *
 * Customers are cut into chunks of BOOK_CHUNK consecutive ids. A chunk is immutable: a few arrays, each customer a
 * range of them, sorted by time. New facts make new chunks for the customers they name and a new version that shares
 * all the others; readers pin the version they saw and never wait. So adding a fact costs the rebuild of one small
 * chunk (tens of microseconds), whatever the size of the base.
 *
 * One writer (book_apply, book_load); any number of readers (book_pin … book_unpin, everything on a const version).
 * Instants are u32 seconds (1970 – 2106); the intake refuses others. Limits: 2^32 − 2 customers, 2^32 − 1 lines and
 * 2^30 − 1 cart lines a chunk. */
#ifndef RELANCE_BOOK_BOOK_H
#define RELANCE_BOOK_BOOK_H

#include "base/err.h"
#include "base/hash.h"
#include "base/intern.h"
#include "book/ints.h"
#include "model/body.h"

#include <stdatomic.h>

enum { BOOK_CHUNK = 256, CART_LINE_MAX = (1 << 30) - 1 };

struct profile {
	uint64_t address;  /* keyed hash, 0 none */
	uint32_t created;  /* u32 seconds, 0 unknown */
	int32_t born;      /* day, INT32_MIN unknown */
	uint32_t postcode; /* word number (book_word), 0 none */
	uint32_t store;    /* word number, 0 none */
	uint32_t sector;   /* word number, 0 none */
	uint32_t merged;   /* the record that goes on for this one, which has nothing of its own any more; 0: none */
	uint16_t zone;     /* zone_id; the shop's when unknown */
	uint8_t locale;    /* enum locale */
	uint8_t reach;     /* enum reach */
	uint8_t company, gender;
	uint8_t zone_unknown; /* the profile named a zone nobody knows */
};

struct consent {
	uint32_t at;
	uint8_t channel, purpose, state;
};

/* How strict a state is, to settle two that would both hold. */
static inline int consent_strictness(uint8_t state)
{
	static const int ORDER[] = {
		[CONSENT_GRANTED] = 0, [CONSENT_SOFT] = 1, [CONSENT_WITHDRAWN] = 2, [CONSENT_OPPOSED] = 3
	};
	return ORDER[state];
}

/* One state of a cart; the next one's lines follow its own. Its length and total are cart_line_count(), cart_total().
 */
struct cart {
	uint64_t cart; /* hash of the cart's id */
	uint32_t at;
	uint32_t line : 30; /* first of the chunk's cart lines */
	uint32_t state : 2; /* enum cart_state */
};
_Static_assert(sizeof(struct cart) == 16, "a book holds millions");

struct event { /* its value: event_value() */
	uint32_t at;
	uint32_t name; /* word number */
};

/* The value of an event "refused": which product, by its SKU. */
static inline int64_t event_refused(struct str sku)
{
	return (int64_t)(hash_str(sku) >> 1);
}

enum order_flag { ORDER_SALE = 1 /* has a line of positive quantity */, ORDER_CHANNEL_SHIFT = 4 };

/* Where an order was sold, and by whom: word numbers, 0 unknown. */
struct sale_desk {
	uint32_t store, seller;
};

/* The ranges of customer i of the chunk (i = id − first) are start[i] … start[i + 1]. Each is sorted by (at, key). */
struct chunk {
	atomic_uint refs;
	customer_id first;
	uint32_t order_start[BOOK_CHUNK + 1];
	uint32_t cart_start[BOOK_CHUNK + 1];
	uint32_t consent_start[BOOK_CHUNK + 1];
	uint32_t event_start[BOOK_CHUNK + 1];
	uint32_t word_start[BOOK_CHUNK + 1]; /* tags and interests */
	uint32_t child_start[BOOK_CHUNK + 1];
	struct profile profile[BOOK_CHUNK];

	/* orders: the lines of order o are order_line(o) … order_line(o + 1) */
	uint32_t *order_at;
	struct ints order_line, order_total; /* order_line(), order_total() */
	uint64_t *order_key;
	uint8_t *order_flags;
	struct sale_desk *order_desk; /* NULL: no order of the chunk says */

	struct ints line_product, line_quantity, line_amount; /* line_product() … */

	struct cart *carts;
	uint64_t *cart_key;
	struct ints cart_product, cart_quantity, cart_amount; /* of the cart lines: cart_line_product() … */
	uint32_t cart_line_count;
	struct consent *consents;
	uint64_t *consent_key;
	struct event *events;
	uint64_t *event_key;
	struct ints event_value; /* event_value() */
	uint32_t *words;         /* word number × 2 + 1 for an interest, × 2 for a tag */
	int32_t *children;
	void *memory; /* the one block behind all of the above */
	size_t bytes;
};

/* Products: one table for the whole book, replaced whole when the catalogue changes. Index = product_id; 0 unused. */
struct product {
	struct str sku, name;
	uint32_t type, family, category; /* word numbers, 0 unknown */
	int64_t price, cost;             /* minor units, −1 unknown */
	int32_t stock;                   /* −1 unknown */
	int32_t lifetime_days;           /* 0 unknown */
	product_id replaced_by;
	int16_t tier;           /* range order within the family, 0 unknown */
	uint8_t vat_percent_x2; /* 20 % = 40, 5.5 % = 11 */
	uint8_t not_a_product;  /* postage, manual entries, bank charges */
};

struct version {
	atomic_uint refs;
	struct version *older, *newer; /* the book's: those that are pinned, or the newest */
	bool published;
	uint64_t number;
	int64_t seq_hi;     /* facts up to here are in */
	uint32_t customers; /* ids 1 … customers */
	size_t chunk_count;
	struct chunk **chunks;
};

struct book;

struct book_options {
	zone_id zone; /* the shop's */
	enum locale locale;
};

struct book *book_new(const struct book_options *options);
void book_free(struct book *b);
const struct book_options *book_get_options(const struct book *b);

/* Applies facts in seq order (any customers; kinds ORDER, CART, CONSENT, PROFILE, EVENT, RETRACT; others are passed
 * over) and publishes a new version. Same key twice: the later wins; a retraction removes. Facts at or below the
 * version's seq_hi are the caller's mistake. False: a body is corrupt (nothing is published). */
bool book_apply(struct book *b, const struct fact *facts, size_t count, struct err *err) MUST_CHECK;

/* One customer folded anew from all facts of the records that are one person (store/merge.h), or from its own again. */
struct book_join {
	customer_id from, into;
	uint32_t at;
};

struct book_group {
	customer_id customer;
	customer_id merged_into;       /* not 0: it is merged away; of its facts only the address is kept */
	const struct book_join *joins; /* of the records that lead to it, in the order they were made */
	size_t join_count;
	const struct fact *facts; /* of all these records, in seq order */
	size_t fact_count;
};

/* Takes the place of all that was known of these customers, each named once, in ascending order; publishes a new
 * version. A profile field that the survivor leaves open is the first one's who joined and says it (profile_lay);
 * a consent is the strictest of what the records said until they joined (consents_join). False: a body is corrupt. */
bool book_replace(struct book *b, const struct book_group *groups, size_t count, struct err *err) MUST_CHECK;

/* Bulk load: facts arrive customer by customer in ascending id, each customer's in seq order; then finish. Several
 * loaders may build disjoint chunk ranges on different threads: a loader takes whole chunks (first … last + BOOK_CHUNK
 * − 1). */
struct book_loader;
struct book_loader *book_loader_new(struct book *b);
bool book_loader_add(struct book_loader *l, const struct fact *f, struct err *err) MUST_CHECK;
bool book_loader_finish(struct book_loader *l, struct err *err) MUST_CHECK; /* hands its chunks over and frees l */
void book_load_done(struct book *b, uint32_t customers, int64_t seq_hi);    /* publishes */

const struct version *book_pin(struct book *b);
void book_unpin(struct book *b, const struct version *v);

/* Words (event names, tags, stores, categories): numbers from 1 up, append-only, readable while others are added. */
uint32_t book_word(struct book *b, struct str text);            /* adds; writer or loader */
uint32_t book_word_find(const struct book *b, struct str text); /* 0 when nobody ever used it */
struct str book_word_text(const struct book *b, uint32_t word); /* takes no lock */

/* Tells books of one process apart: never 0, never given twice. With it a word number found once can be kept. */
uint32_t book_serial(const struct book *b);
uint32_t book_word_count(const struct book *b); /* words are 0 … count − 1 */

/* The catalogue; the array is the book's from then on (malloc'd), its strings in an arena of the book. It may be
 * replaced while others read: what book_products gave stays as long as the version that was pinned before. */
void book_set_products(struct book *b, struct product *products, uint32_t count); /* index 0 unused; the writer */
const struct product *book_products(const struct book *b, uint32_t *count);
struct arena *book_product_arena(struct book *b); /* put the next catalogue's strings here before book_set_products */

size_t book_bytes(const struct book *b);     /* all memory held */
size_t book_raw_bytes(const struct book *b); /* the columns alone, each number as wide as in model.h */

/* ---- one customer as of an instant: only what happened before or at `now` ---- */

struct view {
	const struct chunk *k;
	customer_id customer;
	uint32_t i; /* place in the chunk */
	struct instant now;
	uint32_t order0, order1; /* orders visible */
	uint32_t cart0, cart1;
	uint32_t consent0, consent1;
	uint32_t event0, event1;
};

void view_at(struct view *w, const struct version *v, customer_id c, struct instant now);
void view_go_on(struct view *w, struct instant now); /* the same person of the same version at a later instant */
static inline const struct profile *view_profile(const struct view *w)
{
	return &w->k->profile[w->i];
}
/* c: 1 … customers. */
static inline const struct profile *book_profile(const struct version *v, customer_id c)
{
	return &v->chunks[1 + (c - 1) / BOOK_CHUNK]->profile[(c - 1) % BOOK_CHUNK];
}
/* Who goes on for c: c itself, unless it was merged into another record. */
static inline customer_id book_survivor(const struct version *v, customer_id c)
{
	return c <= v->customers && c && book_profile(v, c)->merged ? book_profile(v, c)->merged : c;
}
/* c is one of k->carts. */
static inline uint32_t cart_line_count(const struct chunk *k, const struct cart *c)
{
	bool last = c + 1 == k->carts + k->cart_start[BOOK_CHUNK];
	return (last ? k->cart_line_count : c[1].line) - c->line;
}
static inline product_id cart_line_product(const struct chunk *k, uint32_t line)
{
	return (product_id)ints_at(k->cart_product, line);
}
static inline int32_t cart_line_quantity(const struct chunk *k, uint32_t line)
{
	return (int32_t)ints_at(k->cart_quantity, line);
}
static inline int64_t cart_line_amount(const struct chunk *k, uint32_t line)
{
	return ints_at(k->cart_amount, line);
}
static inline int64_t event_value(const struct chunk *k, uint32_t event)
{
	return ints_at(k->event_value, event);
}
int64_t cart_total(const struct chunk *k, const struct cart *c);

bool order_is_sale(const struct chunk *k, uint32_t order);
/* The first line of an order; of order + 1: behind its last. */
static inline uint32_t order_line(const struct chunk *k, uint32_t order)
{
	return (uint32_t)ints_at(k->order_line, order);
}
static inline int64_t order_total(const struct chunk *k, uint32_t order)
{
	return ints_at(k->order_total, order);
}
static inline product_id line_product(const struct chunk *k, uint32_t line)
{
	return (product_id)ints_at(k->line_product, line);
}
static inline int32_t line_quantity(const struct chunk *k, uint32_t line)
{
	return (int32_t)ints_at(k->line_quantity, line);
}
static inline int64_t line_amount(const struct chunk *k, uint32_t line)
{
	return ints_at(k->line_amount, line);
}

/* The instant of the customer's first fact after `now`, or INSTANT_NEVER: replay's next step. */
struct instant view_next_fact(const struct view *w);

#endif
