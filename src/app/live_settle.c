/* What became of messages: a group of them is one transaction, with the receipts' facts and the runs that move on.
 * Those of a batch that was waited for, and those a courier in the background has told since. */
#include "app/live_int.h"

static enum receipt receipt_of(enum message_state s)
{
	switch (s) {
	case MESSAGE_ACCEPTED: return RECEIPT_ACCEPTED;
	case MESSAGE_REFUSED: return RECEIPT_REFUSED;
	case MESSAGE_UNCERTAIN: return RECEIPT_UNCERTAIN;
	case MESSAGE_QUEUED:
	case MESSAGE_CLAIMED:
	case MESSAGE_SENDING:
	case MESSAGE_DEFERRED:
	case MESSAGE_DROPPED:
	case MESSAGE_STATE_COUNT: break;
	}
	return RECEIPT_DROPPED;
}

void live_count(struct tick_result *r, enum message_state s)
{
	r->accepted += s == MESSAGE_ACCEPTED;
	r->refused += s == MESSAGE_REFUSED;
	r->deferred += s == MESSAGE_DEFERRED;
	r->dropped += s == MESSAGE_DROPPED;
}

void live_give_back(struct live *l, const struct message_key *k)
{
	if (l->o.courier.give_back)
		l->o.courier.give_back(l->o.courier.ctx, k);
}

static void move_on(struct live *l, const struct delivered *d, struct live_slice *moved)
{
	uint16_t plan;
	uint8_t step;
	customer_id c = d->key.customer;
	if (d->said.to == MESSAGE_DEFERRED || !live_find_sent(l, &d->key, &plan, &step))
		return;
	live_turn_begin(l, moved, c);
	engine_receipt(&l->world, &l->states[c], plan, (uint16_t)d->key.run_no, step, d->key.channel,
	               receipt_of(d->said.to), 0, d->said.at);
	live_turn_end(l, moved);
	live_look_at(l, c, (uint32_t)l->now.s);
}

/* One that left in the background may be gone: its person was erased meanwhile. */
static bool settle_one(struct live *l, struct store_batch *b, const struct delivered *d, bool sound,
                       struct live_slice *moved, struct err *err)
{
	enum message_state state;
	bool found;
	if (!outbox_state(l->shop.db, &d->key, &state, &found, err))
		return false;
	if (!found || state != MESSAGE_SENDING)
		return true;
	if (sound)
		move_on(l, d, moved);
	live_count(l->result, d->said.to);
	return outbox_settle(b, l->epoch, &d->key, &d->said, err);
}

/* sound false: the world in memory is not to be believed any more; what is opened next brings the runs in line. */
static bool settle(struct live *l, const struct delivered *all, size_t n, bool sound, struct err *err)
{
	struct live_slice moved = { .turn_count = 0 };
	arena_init(&moved.arena);
	struct store_batch *b = store_batch_begin(l->shop.db, NULL, l->now, err);
	bool ok = b != NULL;
	for (size_t i = 0; i < n && ok; i++)
		ok = settle_one(l, b, &all[i], sound, &moved, err);
	ok = ok && (moved.turn_count == 0 || live_put(l, &moved, NULL, err));
	if (ok)
		ok = store_batch_commit(b, err);
	else if (b)
		store_batch_rollback(b);
	live_slice_release(&moved);
	for (size_t i = 0; i < n && ok; i++)
		if (all[i].said.untried)
			live_give_back(l, &all[i].key);
	return ok;
}

bool live_settle(struct live *l, const struct delivered *all, size_t n, struct err *err)
{
	return n == 0 || settle(l, all, n, true, err);
}

static bool take_arrived(struct live *l, bool sound, struct err *err)
{
	const struct courier *c = &l->o.courier;
	if (!c->collect)
		return true;
	for (;;) {
		struct delivered all[OUTBOX_CLAIM_MAX];
		struct arena a;
		arena_init(&a);
		size_t n = c->collect(c->ctx, l, all, &a);
		bool ok = n == 0 || settle(l, all, n, sound, err);
		if (ok && n)
			c->collected(c->ctx, n);
		if (ok && n && c->batch_done)
			c->batch_done(c->ctx, l);
		arena_release(&a);
		if (!ok || n == 0)
			return ok;
	}
}

bool live_take_arrived(struct live *l, struct err *err)
{
	return take_arrived(l, true, err);
}

void live_recall(struct live *l, customer_id c)
{
	if (l->o.courier.recall)
		l->o.courier.recall(l->o.courier.ctx, c);
}

void live_finish(struct live *l)
{
	struct tick_result ignored = { 0 };
	struct err err;
	if (!l->o.courier.finish || !l->lease)
		return;
	l->o.courier.finish(l->o.courier.ctx);
	if (l->world.hold_all == REASON_CLOCK_JUMP) /* nothing is written as of a wrong hour */
		l->now = l->last_tick;
	l->result = &ignored;
	if (!take_arrived(l, l->sound, &err)) /* what cannot be written is uncertain at the next start */
		l->sound = false;
	l->result = NULL;
}
