/* small_shop: a book made of a few lines of code, for tests: facts are written as bodies and applied. */
#ifndef RELANCE_TESTS_SMALL_SHOP_H
#define RELANCE_TESTS_SMALL_SHOP_H

#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "book/book.h"

#include <stdio.h>

struct small_shop {
	struct book *book;
	struct arena arena;
	struct fact *facts;
	size_t count, cap;
	zone_id zone;
	int64_t seq;
};

static inline void small_shop_init(struct small_shop *s, const char *zone)
{
	*s = (struct small_shop){ 0 };
	arena_init(&s->arena);
	ck_assert(zone_find(str_from(zone), &s->zone));
	s->book = book_new(&(struct book_options){ .zone = s->zone, .locale = LOCALE_FR });
}

static inline void small_shop_release(struct small_shop *s)
{
	book_free(s->book);
	arena_release(&s->arena);
	free(s->facts);
}

/* "2025-03-01 10:00" in the shop's zone */
static inline struct instant shop_time(const struct small_shop *s, const char *text)
{
	struct instant t;
	ck_assert_msg(instant_parse(str_from(text), s->zone, &t), "%s", text);
	return t;
}

static inline struct date day_of_text(const char *text)
{
	struct date d;
	ck_assert_msg(date_parse(str_from(text), &d), "%s", text);
	return d;
}

static inline void add_fact(struct small_shop *s, customer_id c, enum fact_kind kind, struct instant at, struct str key,
                            struct buf *body)
{
	s->facts = mem_grow(s->facts, &s->cap, s->count + 1, sizeof *s->facts);
	s->seq++;
	if (key.n == 0)
		key = arena_printf(&s->arena, "k%lld", (long long)s->seq);
	s->facts[s->count++] = (struct fact){ .customer = c,
		                                  .seq = s->seq,
		                                  .kind = kind,
		                                  .key = key,
		                                  .at = at,
		                                  .learned_at = at,
		                                  .body = arena_str(&s->arena, buf_view(body)) };
	buf_release(body);
}

static inline void add_order_lines(struct small_shop *s, customer_id c, struct instant at, enum sale_channel channel,
                                   struct line *lines, size_t n)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_order(&(struct order_body){ .lines = lines, .line_count = n, .channel = channel }, &b);
	add_fact(s, c, FACT_ORDER, at, STR(""), &b);
}

/* one line of one piece; a negative amount is a return */
static inline void add_order(struct small_shop *s, customer_id c, const char *when, int64_t amount)
{
	struct line l = { 1, amount < 0 ? -1 : 1, amount };
	add_order_lines(s, c, shop_time(s, when), SALE_WEB, &l, 1);
}

static inline void add_profile(struct small_shop *s, customer_id c, struct profile_body p)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_profile(&p, &b);
	add_fact(s, c, FACT_PROFILE, (struct instant){ 1000000 }, STR("profile"), &b);
}

static inline void add_consent(struct small_shop *s, customer_id c, const char *when, enum channel channel,
                               enum purpose purpose, enum consent_state state)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_consent(
		&(struct consent_body){
			.channel = channel, .purpose = purpose, .state = state, .source = STR("form"), .wording = STR("v1") },
		&b);
	add_fact(s, c, FACT_CONSENT, shop_time(s, when), STR(""), &b);
}

static inline void add_cart(struct small_shop *s, customer_id c, struct instant at, const char *id,
                            enum cart_state state, struct line *lines, size_t n)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_cart(
		&(struct cart_body){ .cart = str_from(id), .state = state, .lines = lines, .line_count = n, .url = STR("") },
		&b);
	add_fact(s, c, FACT_CART, at, STR(""), &b);
}

static inline void add_event(struct small_shop *s, customer_id c, struct instant at, const char *name, int64_t value)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_event(&(struct event_body){ .name = str_from(name), .value = value, .text = STR("") }, &b);
	add_fact(s, c, FACT_EVENT, at, STR(""), &b);
}

static inline struct profile_body nobody(void)
{
	return (struct profile_body){ .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN };
}

/* Puts what was added into the book. */
static inline void small_shop_apply(struct small_shop *s)
{
	struct err err;
	ck_assert_msg(book_apply(s->book, s->facts, s->count, &err), "%s", err.text);
	s->count = 0;
}

#endif
