/* The chunk itself, from what a builder has gathered: one block, every column aligned to 8. */
#include "book/chunk.h"

#include <stdlib.h>

static void *place(char **at, const void *from, size_t bytes)
{
	char *to = *at;
	if (bytes)
		memcpy(to, from, bytes);
	*at += (bytes + 7) & ~(size_t)7;
	return to;
}

static struct ints place_ints(char **at, const struct column *c, uint32_t width)
{
	struct ints out = { *at, width };
	ints_narrow((const int64_t *)(const void *)c->p, c->n, width, *at);
	*at += (c->n * width + 7) & ~(size_t)7;
	return out;
}

struct chunk *builder_finish(struct builder *b)
{
	int64_t lines = (int64_t)b->out[C_LINE_PRODUCT].n;
	check(lines <= UINT32_MAX);
	*(int64_t *)column_add(&b->out[C_ORDER_LINE], 1) = lines; /* the end of the last order */
	if (!b->desks)
		b->out[C_ORDER_DESK].n = 0;
	const struct column *all[ALL_COLUMNS];
	uint32_t width[ALL_COLUMNS];
	size_t bytes = 0;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		all[i] = &b->out[i];
	all[C_WORDS] = &b->words_now;
	all[C_CHILDREN] = &b->children_now;
	for (size_t i = 0; i < ALL_COLUMNS; i++) {
		bool narrowed = i >= C_NARROWED && i < COLUMN_COUNT;
		width[i] = narrowed ? ints_width((const int64_t *)(const void *)all[i]->p, all[i]->n) : (uint32_t)all[i]->size;
		bytes += (all[i]->n * width[i] + 7) & ~(size_t)7;
	}
	struct chunk *k = mem_alloc(sizeof *k);
	k->memory = mem_alloc(bytes);
	k->bytes = sizeof *k + bytes;
	char *at = k->memory;
	void *placed[ALL_COLUMNS];
	struct ints ints[COLUMN_COUNT];
	for (size_t i = 0; i < ALL_COLUMNS; i++)
		if (i >= C_NARROWED && i < COLUMN_COUNT)
			ints[i] = place_ints(&at, all[i], width[i]);
		else
			placed[i] = place(&at, all[i]->p, all[i]->n * all[i]->size);
	atomic_init(&k->refs, 1);
	k->first = b->first;
	for (uint32_t i = b->count; i < BOOK_CHUNK; i++) { /* customers not there yet: empty ranges, the shop's zone */
		const struct book_options *o = book_get_options(b->book);
		b->profiles[i] = (struct profile){ .born = INT32_MIN, .zone = o->zone, .locale = (uint8_t)o->locale };
		for (size_t s = 0; s < 6; s++)
			b->start[s][i + 1] = b->start[s][i];
	}
	uint32_t *starts[] = { k->order_start, k->cart_start, k->consent_start,
		                   k->event_start, k->word_start, k->child_start };
	for (size_t s = 0; s < 6; s++)
		memcpy(starts[s], b->start[s], sizeof b->start[s]);
	memcpy(k->profile, b->profiles, sizeof b->profiles);
	k->order_at = placed[C_ORDER_AT];
	k->order_total = ints[C_ORDER_TOTAL];
	k->order_line = ints[C_ORDER_LINE];
	k->order_key = placed[C_ORDER_KEY];
	k->order_flags = placed[C_ORDER_FLAGS];
	k->order_desk = b->desks ? placed[C_ORDER_DESK] : NULL;
	k->line_product = ints[C_LINE_PRODUCT];
	k->line_quantity = ints[C_LINE_QUANTITY];
	k->line_amount = ints[C_LINE_AMOUNT];
	k->carts = placed[C_CARTS];
	k->cart_key = placed[C_CART_KEY];
	k->cart_product = ints[C_CART_PRODUCT];
	k->cart_quantity = ints[C_CART_QUANTITY];
	k->cart_amount = ints[C_CART_AMOUNT];
	k->cart_line_count = (uint32_t)b->out[C_CART_PRODUCT].n;
	k->consents = placed[C_CONSENTS];
	k->consent_key = placed[C_CONSENT_KEY];
	k->events = placed[C_EVENTS];
	k->event_key = placed[C_EVENT_KEY];
	k->event_value = ints[C_EVENT_VALUE];
	k->words = placed[C_WORDS];
	k->children = placed[C_CHILDREN];
	return k;
}

void chunk_unref(struct chunk *k)
{
	if (k && atomic_fetch_sub(&k->refs, 1) == 1) {
		free(k->memory);
		free(k);
	}
}
