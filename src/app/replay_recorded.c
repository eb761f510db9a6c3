/* What the database says for a what-if replay beside the facts: what really became of the messages once, with recorded
 * responses; who has been erased. */
#include "app/live_int.h"
#include "app/replay.h"
#include "store/erase.h"

#include <stdlib.h>

struct gathering {
	struct merges merges;
	struct replay_feedback *items;
	size_t count, cap;
};

static void add(struct gathering *g, const struct outbox_message *m, enum receipt receipt, int64_t at, uint8_t answer)
{
	if (at <= 0)
		return;
	g->items = mem_grow(g->items, &g->cap, g->count + 1, sizeof *g->items);
	g->items[g->count++] = (struct replay_feedback){ .customer = merges_root(&g->merges, m->key.customer),
		                                             .at = (uint32_t)at,
		                                             .plan = hash_str(m->key.plan),
		                                             .step = hash_str(m->key.step),
		                                             .run_no = (uint16_t)m->key.run_no,
		                                             .channel = (uint8_t)m->key.channel,
		                                             .receipt = (uint8_t)receipt,
		                                             .answer = answer };
}

static bool take(void *ctx, const struct outbox_message *m, struct err *err)
{
	(void)err;
	add(ctx, m, RECEIPT_OPENED, m->opened_at.s, ANSWER_NONE);
	add(ctx, m, RECEIPT_CLICKED, m->clicked_at.s, ANSWER_NONE);
	uint8_t answer = live_answer(m->answer);
	int64_t seen = m->clicked_at.s ? m->clicked_at.s : m->opened_at.s; /* an answer's own hour is not on the message */
	if (answer != ANSWER_NONE)
		add(ctx, m, RECEIPT_ANSWERED, seen ? seen : m->sent_at.s + 1, answer);
	return true;
}

static int by_customer(const void *x, const void *y)
{
	const struct replay_feedback *a = x, *b = y;
	if (a->customer != b->customer)
		return a->customer < b->customer ? -1 : 1;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (a->receipt > b->receipt) - (a->receipt < b->receipt);
}

bool replay_recorded(struct db *db, uint32_t customers, struct replay_feedback **out, size_t *count, struct err *err)
{
	struct gathering g = { .count = 0 };
	bool ok = merges_read(db, INSTANT_NEVER, &g.merges, err) && outbox_messages(db, 1, customers, take, &g, err);
	merges_release(&g.merges);
	if (!ok) {
		free(g.items);
		return false;
	}
	if (g.count)
		qsort(g.items, g.count, sizeof *g.items, by_customer);
	*out = g.items;
	*count = g.count;
	return true;
}

struct erased {
	uint8_t *of;
	uint32_t customers;
};

static void take_erased(void *ctx, customer_id c)
{
	struct erased *e = ctx;
	if (c <= e->customers)
		e->of[c] = 1;
}

bool replay_erased(struct db *db, uint32_t customers, uint8_t **out, struct err *err)
{
	struct erased e = { mem_alloc((size_t)customers + 1), customers };
	*out = e.of;
	if (store_erased(db, take_erased, &e, err))
		return true;
	free(e.of);
	*out = NULL;
	return false;
}
