/* chunk: building one immutable chunk of the book. Inside src/book only.
 *
 * A builder takes its customers in ascending id. For each: builder_begin, builder_open_old (what was known, if
 * anything), builder_fact for each new fact in seq order, builder_end. */
#ifndef RELANCE_BOOK_CHUNK_H
#define RELANCE_BOOK_CHUNK_H

#include "book/book.h"

/* Common head of everything staged: the same key again replaces, a dead one removes. */
struct staged {
	uint64_t key;
	uint32_t at;
	uint32_t arrival;
	customer_id member; /* the record it came to: two records' keys are two, though one person's */
	bool dead;
};

struct staged_order {
	struct staged head;
	int64_t total;
	uint32_t line, line_count;
	struct sale_desk desk;
	uint8_t flags;
};

struct staged_cart {
	struct staged head;
	uint64_t cart;
	uint32_t line, line_count;
	uint8_t state;
};

struct staged_consent {
	struct staged head;
	struct consent consent;
};

struct staged_event {
	struct staged head;
	struct event event;
	int64_t value;
};

/* The newest profile of one record of a group. */
struct join_profile {
	customer_id member;
	struct profile_body body;
};

struct column {
	char *p;
	size_t n, cap, size; /* in elements of `size` bytes */
};

enum { COLUMN_COUNT = 19 };
enum { ORDERS, CARTS, CONSENTS, EVENTS, WORDS, CHILDREN }; /* rows of start[] */

/* columns of the chunk, in builder.out; the last ones as int64, narrowed when the chunk is made (ints.h) */
enum {
	C_ORDER_AT,
	C_ORDER_KEY,
	C_ORDER_FLAGS,
	C_ORDER_DESK,
	C_CARTS,
	C_CART_KEY,
	C_CONSENTS,
	C_CONSENT_KEY,
	C_EVENTS,
	C_EVENT_KEY,
	C_ORDER_LINE,
	C_ORDER_TOTAL,
	C_EVENT_VALUE,
	C_LINE_PRODUCT,
	C_LINE_QUANTITY,
	C_LINE_AMOUNT,
	C_CART_PRODUCT,
	C_CART_QUANTITY,
	C_CART_AMOUNT,
	C_NARROWED = C_ORDER_LINE,
};
enum { C_WORDS = COLUMN_COUNT, C_CHILDREN, ALL_COLUMNS };

struct builder {
	struct book *book;
	struct intern words; /* words seen by this builder → numbers, so that the book's lock is rarely taken */
	uint32_t *word_numbers;
	size_t word_cap;
	struct arena arena; /* bodies being read; cleared per customer */

	/* the customer being staged */
	customer_id customer;
	struct profile profile;
	struct column orders, carts, consents, events, lines, cart_lines, words_now, children_now;
	uint32_t arrival;
	const struct book_group *group; /* NULL: one record alone */
	struct join_profile *profiles_said;
	size_t profile_count, profile_cap;

	/* the chunk so far */
	bool desks; /* an order of it says where or by whom it was sold */
	customer_id first;
	uint32_t count;
	uint32_t start[6][BOOK_CHUNK + 1]; /* orders, carts, consents, events, words, children */
	struct profile profiles[BOOK_CHUNK];
	struct column out[COLUMN_COUNT];
};

void *column_add(struct column *c, size_t count);
static inline void *column_at(const struct column *c, size_t i)
{
	return c->p + i * c->size;
}

/* join.c. What `have` leaves open is taken from `other`; tags, interests and children are those of both (arena). */
void profile_lay(struct profile_body *have, const struct profile_body *other, struct arena *a);
/* Settled consents of several records → what holds of the one person: until the records joined the strictest of what
 * each had said, afterwards whatever is said last. */
void consents_join(struct column *consents, const struct book_group *g);

struct builder *builder_new(struct book *book);
void builder_free(struct builder *b);
void builder_start(struct builder *b, customer_id first);
void builder_begin(struct builder *b, customer_id c);
void builder_open_old(struct builder *b, const struct chunk *old, uint32_t i);
void builder_group(struct builder *b, const struct book_group *g); /* after builder_begin: all its facts, at once */
/* Instead of all that: customers from … to − 1 of `old` just as they are, whose turn it is. */
void builder_copy(struct builder *b, const struct chunk *old, uint32_t from, uint32_t to);
bool builder_fact(struct builder *b, const struct fact *f, struct err *err) MUST_CHECK;
void builder_end(struct builder *b);
struct chunk *builder_finish(struct builder *b); /* refs = 1 */
void chunk_unref(struct chunk *k);

#endif
