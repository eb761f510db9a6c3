/* A customer as of an instant: in each sorted range, how many items lie at or before it. */
#include "book/book.h"

static uint32_t visible(const uint32_t *at, uint32_t from, uint32_t to, uint32_t now)
{
	if (from == to || at[to - 1] <= now) /* live: all of it */
		return to;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		if (at[middle] <= now)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

#define VISIBLE_IN(function, type)                                                                                     \
	static uint32_t function(const type *items, uint32_t from, uint32_t to, uint32_t now)                              \
	{                                                                                                                  \
		while (to > from && items[to - 1].at > now)                                                                    \
			to--;                                                                                                      \
		return to;                                                                                                     \
	}
VISIBLE_IN(visible_carts, struct cart)
VISIBLE_IN(visible_consents, struct consent)
VISIBLE_IN(visible_events, struct event)

static uint32_t clamped(struct instant t)
{
	return t.s < 0 ? 0 : t.s >= UINT32_MAX ? UINT32_MAX : (uint32_t)t.s;
}

void view_at(struct view *w, const struct version *v, customer_id c, struct instant now)
{
	size_t index = c == GUESTS ? 0 : 1 + (c - 1) / BOOK_CHUNK;
	check(index < v->chunk_count);
	const struct chunk *k = v->chunks[index];
	uint32_t i = c - k->first, t = clamped(now);
	*w = (struct view){ .k = k, .customer = c, .i = i, .now = now };
	w->order0 = k->order_start[i];
	w->order1 = visible(k->order_at, w->order0, k->order_start[i + 1], t);
	w->cart0 = k->cart_start[i];
	w->cart1 = visible_carts(k->carts, w->cart0, k->cart_start[i + 1], t);
	w->consent0 = k->consent_start[i];
	w->consent1 = visible_consents(k->consents, w->consent0, k->consent_start[i + 1], t);
	w->event0 = k->event_start[i];
	w->event1 = visible_events(k->events, w->event0, k->event_start[i + 1], t);
}

void view_go_on(struct view *w, struct instant now)
{
	const struct chunk *k = w->k;
	uint32_t t = clamped(now);
	while (w->order1 < k->order_start[w->i + 1] && k->order_at[w->order1] <= t)
		w->order1++;
	while (w->cart1 < k->cart_start[w->i + 1] && k->carts[w->cart1].at <= t)
		w->cart1++;
	while (w->consent1 < k->consent_start[w->i + 1] && k->consents[w->consent1].at <= t)
		w->consent1++;
	while (w->event1 < k->event_start[w->i + 1] && k->events[w->event1].at <= t)
		w->event1++;
	w->now = now;
}

int64_t cart_total(const struct chunk *k, const struct cart *c)
{
	int64_t total = 0;
	for (uint32_t n = cart_line_count(k, c), i = 0; i < n; i++)
		total += cart_line_amount(k, c->line + i);
	return total;
}

bool order_is_sale(const struct chunk *k, uint32_t order)
{
	return k->order_flags[order] & ORDER_SALE;
}

struct instant view_next_fact(const struct view *w)
{
	const struct chunk *k = w->k;
	int64_t next = INSTANT_NEVER.s;
	if (w->order1 < k->order_start[w->i + 1] && k->order_at[w->order1] < next)
		next = k->order_at[w->order1];
	if (w->cart1 < k->cart_start[w->i + 1] && k->carts[w->cart1].at < next)
		next = k->carts[w->cart1].at;
	if (w->consent1 < k->consent_start[w->i + 1] && k->consents[w->consent1].at < next)
		next = k->consents[w->consent1].at;
	if (w->event1 < k->event_start[w->i + 1] && k->events[w->event1].at < next)
		next = k->events[w->event1].at;
	return (struct instant){ next };
}
