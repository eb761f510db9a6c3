/* Claim and delivery: at most 50 messages at a time; each person is folded again to the newest fact and the whole guard
 * is asked; content is stored, `sending` is durable before the hand-off (SEMANTICS "Runs, messages, claims"). */
#include "app/live_int.h"

enum { RENDER_AGAIN_S = 15 * MINUTE_S };

struct sent *live_find_sent(struct live *l, const struct message_key *k, uint16_t *plan, uint8_t *step)
{
	if (k->customer >= l->people || !live_find_step(l, k->customer, k->plan, k->run_no, k->step, plan, step))
		return NULL;
	struct pstate *s = &l->states[k->customer];
	for (uint16_t i = s->sent_count; i-- > 0;)
		if (s->sent[i].plan == *plan && s->sent[i].run_no == k->run_no && s->sent[i].step == *step &&
		    s->sent[i].channel == k->channel && s->sent[i].state != SENT_DROPPED)
			return &s->sent[i];
	return NULL;
}

/* What the guard said about one claimed message. */
struct asked {
	bool go;
	struct instant retry; /* INSTANT_NEVER and not go: dropped */
	struct str why;
};

/* The guard, once more. */
static struct asked ask(struct live *l, const struct outbox_message *m, struct live_slice *said)
{
	uint16_t plan;
	uint8_t step;
	struct asked out = { .retry = INSTANT_NEVER, .why = STR("guard") };
	struct sent *s = live_find_sent(l, &m->key, &plan, &step);
	if (!s || s->state != SENT_QUEUED) { /* its run was left in the meantime */
		out.why = STR("run left");
		return out;
	}
	live_turn_begin(l, said, m->key.customer);
	out.go = engine_claim(&l->world, m->key.customer, &l->states[m->key.customer], s, l->now, &said->said, &out.retry);
	live_turn_end(l, said);
	if (!out.go) {
		if (out.retry.s == INSTANT_NEVER.s)
			s->state = SENT_DROPPED;
		live_look_at(l, m->key.customer, l->states[m->key.customer].wake);
	}
	return out;
}

static struct str claims_text(const struct live *l, const struct outbox_message *claimed, size_t n, struct arena *a)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		uint16_t plan = 0;
		uint8_t step = 0;
		const struct message_key *k = &claimed[i].key;
		bool known =
			k->customer < l->people && live_find_step(l, k->customer, k->plan, k->run_no, k->step, &plan, &step);
		buf_printf(&b, "%s%u:%d:%u:%d:%d", i ? " " : "", k->customer, known ? plan : -1, k->run_no, step,
		           (int)k->channel);
	}
	struct str text = arena_str(a, buf_view(&b));
	buf_release(&b);
	return text;
}

/* What the guard said becomes true in one transaction: decisions, runs, what waits on, what is dropped. */
static bool put_asked(struct live *l, const struct outbox_message *claimed, const struct asked *answers, size_t n,
                      const struct live_slice *said, struct arena *a, struct err *err)
{
	struct live_round round = { .kind = ROUND_CLAIMED, .claims = claims_text(l, claimed, n, a) };
	struct store_batch *b = store_batch_begin(l->shop.db, NULL, l->now, err);
	if (!b)
		return false;
	bool ok = live_put(l, said, &round, err);
	for (size_t i = 0; i < n && ok; i++) {
		if (answers[i].go)
			continue;
		if (answers[i].retry.s != INSTANT_NEVER.s)
			ok = outbox_release(l->shop.db, l->epoch, &claimed[i].key, answers[i].retry, STR(""), err);
		else
			ok = outbox_settle(b, l->epoch, &claimed[i].key,
			                   &(struct settlement){ .to = MESSAGE_DROPPED, .at = l->now, .outcome = answers[i].why },
			                   err);
	}
	if (!ok) {
		store_batch_rollback(b);
		return false;
	}
	if (!store_batch_commit(b, err))
		return false;
	live_told(l, said);
	for (size_t i = 0; i < n; i++)
		if (!answers[i].go && answers[i].retry.s == INSTANT_NEVER.s)
			live_count(l->result, MESSAGE_DROPPED);
	return true;
}

/* One message that cannot be rendered must not keep the others: it waits, and `late` ends it. */
static bool render(struct live *l, struct outbox_message *m, struct arena *a, bool *rendered, struct err *err)
{
	*rendered = l->o.courier.render(l->o.courier.ctx, l, m, a, err);
	if (*rendered)
		return true;
	if (err->kind == ERR_WORLD || err->kind == ERR_CONFLICT)
		return false;
	l->result->unrendered++;
	live_give_back(l, &m->key);
	l->result->why_unrendered = *err;
	struct str why = arena_printf(a, "cannot be written: %.300s", err->text);
	bool ok = db_begin(l->shop.db, err) &&
	          outbox_release(l->shop.db, l->epoch, &m->key, (struct instant){ l->now.s + RENDER_AGAIN_S }, why, err) &&
	          db_commit(l->shop.db, err);
	if (!ok)
		db_rollback(l->shop.db);
	return ok;
}

/* Those the courier will not take yet go back to the queue, before anything is rendered. */
static bool pace(struct live *l, const struct outbox_message *claimed, struct asked *answers, size_t n, struct arena *a,
                 struct err *err)
{
	const struct courier *c = &l->o.courier;
	struct instant until[OUTBOX_CLAIM_MAX];
	bool waits[OUTBOX_CLAIM_MAX] = { false };
	size_t count = 0;
	for (size_t i = 0; i < n && c->wait; i++) {
		until[i].s = 0;
		if (answers[i].go && !c->wait(c->ctx, l, &claimed[i], a, &until[i], err))
			return false;
		waits[i] = until[i].s > l->now.s;
		count += waits[i];
	}
	if (!count)
		return true;
	bool ok = db_begin(l->shop.db, err);
	for (size_t i = 0; i < n && ok; i++)
		if (waits[i]) {
			answers[i].go = false;
			ok = outbox_release(l->shop.db, l->epoch, &claimed[i].key, until[i], STR(""), err);
		}
	ok = ok && db_commit(l->shop.db, err);
	if (!ok)
		db_rollback(l->shop.db);
	l->result->paced += count;
	return ok;
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

/* The emergency stop holds what was about to leave this second: it was not handed over, so it waits like a deferred
 * one. */
static bool deliver_one_by_one(struct live *l, const struct outbox_message *go, size_t n, struct arena *a,
                               struct err *err)
{
	const struct courier *c = &l->o.courier;
	const struct settlement waits = {
		.to = MESSAGE_DEFERRED, .at = l->now, .try_after = l->now, .outcome = STR("held back"), .untried = true
	};
	bool held = false;
	for (size_t i = 0; i < n; i++) {
		if (!live_read_holds(l, err))
			return false;
		held = held || c->hand_off_all || l->world.hold_all != REASON_NONE;
		struct delivered d = { .key = go[i].key, .said = held ? waits : c->hand_off(c->ctx, l, &go[i], a, l->now) };
		if (!live_settle(l, &d, 1, err))
			return false;
	}
	return true;
}

static bool deliver(struct live *l, const struct outbox_message *go, size_t n, struct arena *a, struct err *err)
{
	const struct courier *c = &l->o.courier;
	if (!live_read_holds(l, err))
		return false;
	if (!c->hand_off_all || l->world.hold_all != REASON_NONE)
		return deliver_one_by_one(l, go, n, a, err);
	struct settlement said[OUTBOX_CLAIM_MAX];
	struct delivered all[OUTBOX_CLAIM_MAX];
	size_t known = 0;
	c->hand_off_all(c->ctx, l, go, n, said, a, l->now);
	for (size_t i = 0; i < n; i++)
		if (said[i].to != MESSAGE_SENDING)
			all[known++] = (struct delivered){ .key = go[i].key, .said = said[i] };
	return live_settle(l, all, known, err);
}

static bool send_batch(struct live *l, struct outbox_message *claimed, size_t n, struct arena *a, struct err *err)
{
	struct outbox_message go[OUTBOX_CLAIM_MAX];
	struct asked answers[OUTBOX_CLAIM_MAX];
	struct live_slice said = { .turn_count = 0 };
	size_t going = 0;
	l->voucher_count = 0;
	arena_init(&said.arena);
	for (size_t i = 0; i < n; i++)
		answers[i] = ask(l, &claimed[i], &said);
	bool ok = put_asked(l, claimed, answers, n, &said, a, err) && pace(l, claimed, answers, n, a, err);
	for (size_t i = 0; i < n && ok; i++) {
		if (!answers[i].go)
			continue;
		bool rendered;
		go[going] = claimed[i];
		ok = render(l, &go[going], a, &rendered, err);
		going += ok && rendered;
	}
	ok = ok && (going == 0 || (mark_sending(l, go, going, err) && deliver(l, go, going, a, err)));
	if (l->o.courier.batch_done)
		l->o.courier.batch_done(l->o.courier.ctx, l);
	live_slice_release(&said);
	return ok;
}

/* Claims a batch and sends it; *n: how many were claimed. */
static bool claim_and_send(struct live *l, bool mails, size_t *n, struct err *err)
{
	struct arena a;
	struct outbox_message claimed[OUTBOX_CLAIM_MAX];
	arena_init(&a);
	bool ok = db_begin(l->shop.db, err) &&
	          outbox_claim(l->shop.db, l->epoch, l->now, OUTBOX_CLAIM_MAX, mails, &a, claimed, n, err) &&
	          db_commit(l->shop.db, err);
	if (!ok)
		db_rollback(l->shop.db);
	if (ok && *n) /* the order that cancels a reminder may have come in between */
		ok = live_take_facts(l, err) && send_batch(l, claimed, *n, &a, err);
	arena_release(&a);
	return ok;
}

bool live_send(struct live *l, struct err *err)
{
	const struct courier *c = &l->o.courier;
	if (!c->render || l->world.hold_all != REASON_NONE)
		return true;
	for (;;) {
		if (!live_take_arrived(l, err) || !live_read_holds(l, err))
			return false;
		if (l->world.hold_all != REASON_NONE)
			return true;
		size_t n = 0;
		bool room = !c->room || c->room(c->ctx, l);
		if (!room && l->others_at.s == l->now.s) /* what is no mail is looked for once a second */
			return true;
		l->others_at = room ? l->others_at : l->now;
		bool ok = claim_and_send(l, room, &n, err);
		if (!ok || n == 0)
			return ok;
		if (c->room && timers_next(&l->timers) <= l->now.s) /* whoever waits for a decision comes first */
			return true;
	}
}
