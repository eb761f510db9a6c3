/* Claim and delivery: at most 50 messages at a time; each person is folded again to the newest fact and the whole guard is
 * asked; content is stored, `sending` is durable before the hand-off (SEMANTICS "Runs, messages, claims"). */
#include "app/live_int.h"

static struct sent *sent_of(struct live *l, const struct outbox_message *m, uint16_t *plan, uint8_t *step)
{
	if (m->key.customer >= l->people ||
	    !live_find_step(l, m->key.customer, m->key.plan, m->key.run_no, m->key.step, plan, step))
		return NULL;
	struct pstate *s = &l->states[m->key.customer];
	for (uint16_t i = s->sent_count; i-- > 0;)
		if (s->sent[i].plan == *plan && s->sent[i].run_no == m->key.run_no && s->sent[i].step == *step &&
		    s->sent[i].channel == m->key.channel && s->sent[i].state != SENT_DROPPED)
			return &s->sent[i];
	return NULL;
}

/* Settles in one transaction with the receipt's fact, then in memory. */
static bool settle(struct live *l, const struct outbox_message *m, const struct settlement *s, struct err *err)
{
	struct store_batch *b = store_batch_begin(l->shop.db, NULL, l->now, err);
	if (!b)
		return false;
	if (!outbox_settle(b, l->epoch, &m->key, s, err)) {
		store_batch_rollback(b);
		return false;
	}
	return store_batch_commit(b, err);
}

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

static void count(struct tick_result *r, enum message_state s)
{
	r->accepted += s == MESSAGE_ACCEPTED;
	r->refused += s == MESSAGE_REFUSED;
	r->deferred += s == MESSAGE_DEFERRED;
	r->dropped += s == MESSAGE_DROPPED;
}

/* The guard, once more. True: the message may go. */
static bool ask(struct live *l, const struct outbox_message *m, struct live_slice *said, bool *go, struct err *err)
{
	uint16_t plan;
	uint8_t step;
	struct instant retry;
	struct sent *s = sent_of(l, m, &plan, &step);
	*go = false;
	if (!s || s->state != SENT_QUEUED) { /* its run was left in the meantime */
		count(l->result, MESSAGE_DROPPED);
		return settle(l, m, &(struct settlement){ .to = MESSAGE_DROPPED, .at = l->now, .outcome = STR("run left") }, err);
	}
	live_turn_begin(l, said, m->key.customer);
	*go = engine_claim(&l->world, m->key.customer, &l->states[m->key.customer], s, l->now, &said->said, &retry);
	live_turn_end(l, said);
	if (*go)
		return true;
	live_look_at(l, m->key.customer, l->states[m->key.customer].wake);
	if (retry.s != INSTANT_NEVER.s)
		return db_begin(l->shop.db, err) && outbox_release(l->shop.db, l->epoch, &m->key, retry, err) &&
		       db_commit(l->shop.db, err);
	count(l->result, MESSAGE_DROPPED);
	return settle(l, m, &(struct settlement){ .to = MESSAGE_DROPPED, .at = l->now, .outcome = STR("guard") }, err);
}

static bool mark_sending(struct live *l, const struct outbox_message *go, size_t n, struct err *err)
{
	struct outbox_slice codes = { .epoch = l->epoch, .vouchers = l->vouchers, .voucher_count = l->voucher_count };
	bool ok = db_durable(l->shop.db, true, err) && db_begin(l->shop.db, err) &&
	          (codes.voucher_count == 0 || outbox_put(l->shop.db, &codes, err)) &&
	          outbox_sending(l->shop.db, l->epoch, l->now, go, n, err);
	for (size_t i = 0; i < n && ok; i++)
		ok = outbox_link_put(l->shop.db, &go[i].key, err);
	ok = ok && db_commit(l->shop.db, err);
	if (!ok)
		db_rollback(l->shop.db);
	struct err later;
	if (!db_durable(l->shop.db, false, ok ? err : &later))
		ok = false;
	return ok;
}

static bool deliver(struct live *l, struct outbox_message *go, size_t n, struct live_slice *said, struct arena *a, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct settlement s = l->o.courier.hand_off(l->o.courier.ctx, l, &go[i], a, l->now);
		if (!settle(l, &go[i], &s, err))
			return false;
		count(l->result, s.to);
		uint16_t plan;
		uint8_t step;
		if (s.to != MESSAGE_DEFERRED && sent_of(l, &go[i], &plan, &step)) {
			struct pstate *state = &l->states[go[i].key.customer];
			live_turn_begin(l, said, go[i].key.customer);
			engine_receipt(&l->world, state, plan, (uint16_t)go[i].key.run_no, step, go[i].key.channel, receipt_of(s.to), 0, s.at);
			live_turn_end(l, said);
			live_look_at(l, go[i].key.customer, (uint32_t)l->now.s);
		}
	}
	return true;
}

static bool send_batch(struct live *l, struct outbox_message *claimed, size_t n, struct arena *a, struct err *err)
{
	struct outbox_message go[OUTBOX_CLAIM_MAX];
	struct live_slice said = { .turn_count = 0 };
	size_t going = 0;
	l->voucher_count = 0;
	bool ok = true;
	arena_init(&said.arena);
	for (size_t i = 0; i < n && ok; i++) {
		bool may;
		ok = ask(l, &claimed[i], &said, &may, err);
		if (ok && may) {
			go[going] = claimed[i];
			ok = l->o.courier.render(l->o.courier.ctx, l, &go[going], a, err);
			going++;
		}
	}
	ok = ok && live_commit(l, &said, err);
	live_slice_clear(&said);
	ok = ok && (going == 0 || (mark_sending(l, go, going, err) && deliver(l, go, going, &said, a, err)));
	ok = ok && live_commit(l, &said, err); /* the runs that moved on; a crash before this is mended at the next start */
	live_slice_release(&said);
	return ok;
}

bool live_send(struct live *l, struct err *err)
{
	if (!l->o.courier.render || l->world.hold_all != REASON_NONE)
		return true;
	for (;;) {
		struct arena a;
		struct outbox_message claimed[OUTBOX_CLAIM_MAX];
		size_t n = 0;
		arena_init(&a);
		bool ok = db_begin(l->shop.db, err) &&
		          outbox_claim(l->shop.db, l->epoch, l->now, OUTBOX_CLAIM_MAX, &a, claimed, &n, err) &&
		          db_commit(l->shop.db, err);
		if (!ok)
			db_rollback(l->shop.db);
		if (ok && n) /* the order that cancels a reminder may have come in between */
			ok = live_take_facts(l, err) && send_batch(l, claimed, n, &a, err);
		arena_release(&a);
		if (!ok || n == 0)
			return ok;
	}
}
