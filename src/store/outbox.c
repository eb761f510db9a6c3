/* Method: every change of a message names the states it may come from in its WHERE; zero rows changed means somebody
 * else was first, and is an error, never a silent pass. */
#include "store/outbox.h"

#include "model/names.h"
#include "store/outbox_rows.h"

#include <stdio.h>
#include <stdlib.h>

const char *message_state_name(enum message_state s)
{
	static const char *const NAMES[] = { "queued",   "claimed", "sending",   "accepted",
		                                 "deferred", "refused", "uncertain", "dropped" };
	_Static_assert(ARRAY_LEN(NAMES) == MESSAGE_STATE_COUNT, "every state has a name");
	return s < MESSAGE_STATE_COUNT ? NAMES[s] : "unknown";
}

static void key_text(const struct message_key *k, char out[256])
{
	snprintf(out, 256, "message #%u %.*s run %u %.*s %s", k->customer, STR_ARG(k->plan), k->run_no, STR_ARG(k->step),
	         channel_name(k->channel));
}

static void bind_key(struct query *q, const struct message_key *k)
{
	query_int(q, 1, k->customer);
	query_text(q, 2, k->plan);
	query_int(q, 3, k->run_no);
	query_text(q, 4, k->step);
	query_int(q, 5, k->channel);
}

static void bind_instant(struct query *q, int index, struct instant t)
{
	if (t.s)
		query_int(q, index, t.s);
	else
		query_null(q, index);
}

static void bind_text(struct query *q, int index, struct str s)
{
	if (s.n)
		query_text(q, index, s);
	else
		query_null(q, index);
}

/* Runs a change of one message; what: "claimed" … */
static bool change_one(struct query *q, const struct message_key *key, const char *what, struct err *err)
{
	int64_t changed = 0;
	if (!query_run(q, &changed, err))
		return false;
	if (changed == 1)
		return true;
	char text[256];
	key_text(key, text);
	return err_set(err, ERR_CONFLICT, "%s cannot become %s: it is gone or in another state", text, what);
}

static bool count(struct db *db, int64_t changes, struct err *err)
{
	struct query *q = db_query(db, "outbox_count");
	query_int(q, 1, changes);
	return changes == 0 || query_run(q, NULL, err);
}

/* ---- deciding ---- */

static bool put_run(struct query *q, const struct outbox_run *r, struct err *err)
{
	query_int(q, 1, r->customer);
	query_text(q, 2, r->plan);
	query_int(q, 3, r->run_no);
	query_int(q, 4, r->plan_id);
	query_int(q, 5, (int64_t)r->subject);
	query_int(q, 6, r->entered_at.s);
	query_int(q, 7, r->anchor_at.s);
	query_int(q, 8, r->day.day);
	query_int(q, 9, r->state);
	query_int(q, 10, r->control);
	query_int(q, 11, r->step);
	query_int(q, 12, r->queued);
	query_int(q, 13, r->last_sent_at.s);
	query_int(q, 14, r->hold_until.s);
	query_int(q, 15, r->held_reason);
	query_int(q, 16, r->last_done_at.s);
	return query_run(q, NULL, err);
}

static bool put_decision(struct query *q, const struct outbox_decision *d, struct err *err)
{
	query_int(q, 1, d->customer);
	query_text(q, 2, d->plan);
	query_int(q, 3, d->run_no);
	query_text(q, 4, d->step);
	query_int(q, 5, d->verdict);
	query_int(q, 6, d->reason);
	query_int(q, 7, d->argument);
	query_int(q, 8, d->version);
	query_int(q, 9, d->channel);
	query_int(q, 10, d->at.s);
	query_int(q, 11, d->tick);
	return query_run(q, NULL, err);
}

static bool put_message(struct query *q, const struct outbox_message *m, int64_t epoch, struct err *err)
{
	bind_key(q, &m->key);
	query_int(q, 6, m->purpose);
	query_int(q, 7, m->version);
	query_int(q, 8, m->variant);
	query_int(q, 9, m->locale);
	query_text(q, 10, m->message);
	query_int(q, 11, m->due_at.s);
	query_int(q, 12, m->queued_at.s);
	query_int(q, 13, m->try_after.s ? m->try_after.s : m->due_at.s);
	query_int(q, 14, epoch);
	if (query_run(q, NULL, err))
		return true;
	if (err->kind == ERR_CONFLICT && !strstr(err->text, "Key (")) { /* PostgreSQL names the key itself, perhaps later */
		char text[256];
		key_text(&m->key, text);
		err_context(err, "%s", text);
	}
	return false;
}

static bool put_voucher(struct query *q, const struct outbox_voucher *v, struct err *err)
{
	query_text(q, 1, v->code);
	query_int(q, 2, v->key.customer);
	query_text(q, 3, v->key.plan);
	query_int(q, 4, v->key.run_no);
	query_text(q, 5, v->key.step);
	query_text(q, 6, v->pool);
	query_int(q, 7, v->percent);
	query_int(q, 8, v->amount);
	query_int(q, 9, v->minimum);
	bind_instant(q, 10, v->valid_from);
	bind_instant(q, 11, v->valid_until);
	return query_run(q, NULL, err);
}

static bool put_all(struct db *db, const struct outbox_slice *s, struct err *err)
{
	struct query *q = db_query(db, "run_put");
	for (size_t i = 0; i < s->run_count; i++)
		if (!put_run(q, &s->runs[i], err))
			return false;
	q = db_query(db, "decision_put");
	for (size_t i = 0; i < s->decision_count; i++)
		if (!put_decision(q, &s->decisions[i], err))
			return false;
	q = db_query(db, "message_insert");
	for (size_t i = 0; i < s->message_count; i++)
		if (!put_message(q, &s->messages[i], s->epoch, err))
			return false;
	q = db_query(db, "voucher_insert");
	for (size_t i = 0; i < s->voucher_count; i++)
		if (!put_voucher(q, &s->vouchers[i], err))
			return false;
	return count(db, (int64_t)s->message_count, err);
}

bool outbox_put(struct db *db, const struct outbox_slice *slice, struct err *err)
{
	if (!store_fence(db, slice->epoch, err) || !db_pipeline(db, true, err))
		return false;
	struct err later;
	bool ok = put_all(db, slice, err);
	if (!db_pipeline(db, false, ok ? err : &later))
		ok = false;
	return ok;
}

/* ---- sending ---- */

bool outbox_claim(struct db *db, int64_t epoch, struct instant now, size_t limit, bool mails, struct arena *a,
                  struct outbox_message out[OUTBOX_CLAIM_MAX], size_t *n, struct err *err)
{
	check(limit <= OUTBOX_CLAIM_MAX);
	*n = 0;
	if (!store_fence(db, epoch, err))
		return false;
	struct query *q = db_query(db, "message_due");
	query_int(q, 1, now.s);
	query_int(q, 2, (int64_t)limit);
	query_int(q, 3, mails);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct outbox_message *m = &out[(*n)++];
		message_of_row(q, true, m);
		message_keep(m, a);
		m->state = MESSAGE_CLAIMED;
		m->claimed_at = now;
		m->epoch = epoch;
	}
	q = db_query(db, "message_claim");
	for (size_t i = 0; i < *n && got == 0; i++) {
		bind_key(q, &out[i].key);
		query_int(q, 6, now.s);
		query_int(q, 7, epoch);
		if (!change_one(q, &out[i].key, "claimed", err))
			return false;
	}
	return got == 0 && count(db, (int64_t)*n, err);
}

bool outbox_release(struct db *db, int64_t epoch, const struct message_key *key, struct instant try_after,
                    struct str why, struct err *err)
{
	if (!store_fence(db, epoch, err))
		return false;
	struct query *q = db_query(db, "message_release");
	bind_key(q, key);
	query_int(q, 6, try_after.s);
	query_int(q, 7, epoch);
	bind_text(q, 8, why);
	return change_one(q, key, "queued again", err) && count(db, 1, err);
}

bool outbox_sending(struct db *db, int64_t epoch, struct instant now, const struct outbox_message *messages, size_t n,
                    struct err *err)
{
	if (!store_fence(db, epoch, err))
		return false;
	struct query *q = db_query(db, "message_sending");
	for (size_t i = 0; i < n; i++) {
		const struct outbox_message *m = &messages[i];
		bind_key(q, &m->key);
		bind_text(q, 6, m->subject);
		bind_text(q, 7, m->content);
		bind_text(q, 8, m->voucher);
		bind_text(q, 9, m->basis);
		query_int(q, 10, epoch);
		query_int(q, 11, now.s);
		if (!change_one(q, &m->key, "sending", err))
			return false;
	}
	return count(db, (int64_t)n, err);
}

struct str outbox_receipt_key(const struct message_key *key, enum receipt receipt, struct arena *a)
{
	return arena_printf(a, "%.*s:%u:%.*s:%s:%s", STR_ARG(key->plan), key->run_no, STR_ARG(key->step),
	                    channel_name(key->channel), receipt_name(receipt));
}

static bool receipt_fact(struct store_batch *b, const struct message_key *key, enum receipt receipt, struct instant at,
                         struct str answer, struct err *err)
{
	struct buf body;
	struct arena a;
	buf_init(&body, 1 << 16);
	arena_init(&a);
	struct receipt_body r = { .receipt = receipt,
		                      .plan = key->plan,
		                      .step = key->step,
		                      .run = key->run_no,
		                      .channel = key->channel,
		                      .answer = answer };
	body_write_receipt(&r, &body);
	struct fact f = { .customer = key->customer,
		              .kind = FACT_RECEIPT,
		              .key = outbox_receipt_key(key, receipt, &a),
		              .at = at,
		              .body = buf_view(&body) };
	bool ok = !body.full || err_set(err, ERR_LIMIT, "the answer to a message is too long");
	bool ahead = false;
	ok = ok && store_batch_fact(b, &f, &ahead, err);
	if (ok && ahead)
		ok = err_set(err, ERR_INPUT, "the receipt of a message is dated more than a day ahead: look at the clock");
	buf_release(&body);
	arena_release(&a);
	return ok;
}

static enum receipt receipt_of(enum message_state s)
{
	switch (s) {
	case MESSAGE_ACCEPTED: return RECEIPT_ACCEPTED;
	case MESSAGE_REFUSED: return RECEIPT_REFUSED;
	case MESSAGE_UNCERTAIN: return RECEIPT_UNCERTAIN;
	case MESSAGE_DROPPED: return RECEIPT_DROPPED;
	case MESSAGE_DEFERRED:
	case MESSAGE_QUEUED:
	case MESSAGE_CLAIMED:
	case MESSAGE_SENDING:
	case MESSAGE_STATE_COUNT: break;
	}
	return 0;
}

bool outbox_settle(struct store_batch *b, int64_t epoch, const struct message_key *key, const struct settlement *s,
                   struct err *err)
{
	struct db *db = store_batch_db(b);
	bool by_person = epoch < 0;
	enum receipt receipt = receipt_of(s->to);
	check(receipt || s->to == MESSAGE_DEFERRED);
	check(!by_person || (receipt && s->to != MESSAGE_UNCERTAIN));
	if (!by_person && !store_fence(db, epoch, err))
		return false;
	struct query *q = db_query(db, "message_settle");
	bind_key(q, key);
	query_int(q, 6, s->to);
	query_int(q, 7, s->at.s);
	query_int(q, 8, s->try_after.s);
	bind_text(q, 9, s->outcome);
	query_int(q, 10, by_person);
	query_int(q, 11, s->untried);
	return change_one(q, key, message_state_name(s->to), err) && count(db, 1, err) &&
	       (!receipt || receipt_fact(b, key, receipt, s->at, (struct str){ "", 0 }, err));
}

bool outbox_feedback(struct store_batch *b, const struct message_key *key, enum receipt receipt, struct instant at,
                     struct str answer, bool *known, struct err *err)
{
	const char *name = receipt == RECEIPT_OPENED     ? "message_opened"
	                   : receipt == RECEIPT_CLICKED  ? "message_clicked"
	                   : receipt == RECEIPT_ANSWERED ? "message_answered"
	                                                 : "message_touch";
	struct query *q = db_query(store_batch_db(b), name);
	int64_t changed = 0;
	bind_key(q, key);
	if (receipt == RECEIPT_ANSWERED)
		query_text(q, 6, answer);
	else if (receipt == RECEIPT_OPENED || receipt == RECEIPT_CLICKED)
		query_int(q, 6, at.s);
	*known = false;
	if (!query_run(q, &changed, err))
		return false;
	*known = changed == 1;
	return !*known || (count(store_batch_db(b), 1, err) && receipt_fact(b, key, receipt, at, answer, err));
}

bool outbox_recover(struct store_batch *b, int64_t epoch, struct instant at, int64_t *requeued, int64_t *uncertain,
                    struct err *err)
{
	struct db *db = store_batch_db(b);
	*requeued = *uncertain = 0;
	if (!store_fence(db, epoch, err) || !query_run(db_query(db, "message_requeue"), requeued, err) ||
	    !count(db, *requeued, err))
		return false;
	struct arena a;
	arena_init(&a);
	struct message_key *keys = NULL;
	size_t n = 0, cap = 0;
	struct query *q = db_query(db, "message_in_flight");
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct outbox_message m;
		message_of_row(q, false, &m);
		message_keep(&m, &a);
		keys = mem_grow(keys, &cap, n + 1, sizeof *keys);
		keys[n++] = m.key;
	}
	bool ok = got == 0;
	struct settlement s = { .to = MESSAGE_UNCERTAIN, .at = at, .outcome = STR("the program stopped while sending") };
	for (size_t i = 0; i < n && ok; i++)
		ok = outbox_settle(b, epoch, &keys[i], &s, err);
	*uncertain = (int64_t)n;
	free(keys);
	arena_release(&a);
	return ok;
}
