#include "store/outbox_rows.h"

void message_of_row(struct query *q, bool content, struct outbox_message *m)
{
	*m = (struct outbox_message){
		.key = { .customer = (customer_id)query_get_int(q, 0),
		         .plan = query_get_text(q, 1),
		         .run_no = (uint32_t)query_get_int(q, 2),
		         .step = query_get_text(q, 3),
		         .channel = (enum channel)query_get_int(q, 4) },
		.state = (enum message_state)query_get_int(q, 5),
		.purpose = (enum purpose)query_get_int(q, 6),
		.version = (uint32_t)query_get_int(q, 7),
		.variant = (uint32_t)query_get_int(q, 8),
		.locale = (enum locale)query_get_int(q, 9),
		.message = query_get_text(q, 10),
		.due_at = { query_get_int(q, 11) },
		.queued_at = { query_get_int(q, 12) },
		.claimed_at = { query_get_int(q, 13) },
		.sent_at = { query_get_int(q, 14) },
		.try_after = { query_get_int(q, 15) },
		.tries = (uint32_t)query_get_int(q, 16),
		.epoch = query_get_int(q, 17),
		.opened_at = { query_get_int(q, 18) },
		.clicked_at = { query_get_int(q, 19) },
		.answer = query_get_text(q, 20),
		.outcome = query_get_text(q, 21),
	};
	if (!content)
		return;
	m->subject = query_get_text(q, 22);
	m->content = query_get_text(q, 23);
	m->voucher = query_get_text(q, 24);
	m->basis = query_get_text(q, 25);
}

void message_keep(struct outbox_message *m, struct arena *a)
{
	struct str *texts[] = { &m->key.plan, &m->key.step, &m->message, &m->answer, &m->outcome,
		                    &m->subject,  &m->content,  &m->voucher, &m->basis };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = arena_str(a, *texts[i]);
}

static bool each_message(struct query *q, outbox_message_fn fn, void *ctx, struct err *err)
{
	struct outbox_message m;
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		message_of_row(q, false, &m);
		if (!fn(ctx, &m, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

bool outbox_messages(struct db *db, customer_id from, customer_id to, outbox_message_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "messages_by_customer");
	query_int(q, 1, from);
	query_int(q, 2, to);
	return each_message(q, fn, ctx, err);
}

bool outbox_queue(struct db *db, int64_t limit, outbox_message_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "message_queue");
	query_int(q, 1, limit);
	return each_message(q, fn, ctx, err);
}

bool outbox_counts(struct db *db, int64_t counts[MESSAGE_STATE_COUNT], struct err *err)
{
	for (int i = 0; i < MESSAGE_STATE_COUNT; i++)
		counts[i] = 0;
	struct query *q = db_query(db, "message_counts");
	int got;
	while ((got = query_next(q, err)) == 1) {
		int64_t state = query_get_int(q, 0);
		if (state >= 0 && state < MESSAGE_STATE_COUNT)
			counts[state] = query_get_int(q, 1);
	}
	return got == 0;
}

bool outbox_unwritten(struct db *db, struct arena *a, int64_t *count, struct str *why, struct err *err)
{
	struct query *q = db_query(db, "message_unwritten");
	int got = query_next(q, err);
	*count = got == 1 ? query_get_int(q, 0) : 0;
	*why = got == 1 ? arena_str(a, query_get_text(q, 1)) : STR("");
	query_done(q);
	return got == 1;
}

bool outbox_state(struct db *db, const struct message_key *key, enum message_state *out, bool *found, struct err *err)
{
	struct query *q = db_query(db, "message_state");
	query_int(q, 1, key->customer);
	query_text(q, 2, key->plan);
	query_int(q, 3, key->run_no);
	query_text(q, 4, key->step);
	query_int(q, 5, key->channel);
	int got = query_next(q, err);
	*found = got == 1;
	*out = *found ? (enum message_state)query_get_int(q, 0) : MESSAGE_QUEUED;
	query_done(q);
	return got >= 0;
}

bool outbox_message(struct db *db, const struct message_key *key, struct arena *a, struct outbox_message *out,
                    bool *found, struct err *err)
{
	struct query *q = db_query(db, "message_get");
	query_int(q, 1, key->customer);
	query_text(q, 2, key->plan);
	query_int(q, 3, key->run_no);
	query_text(q, 4, key->step);
	query_int(q, 5, key->channel);
	int got = query_next(q, err);
	*found = got == 1;
	if (*found) {
		message_of_row(q, true, out);
		message_keep(out, a);
	}
	query_done(q);
	return got >= 0;
}

bool outbox_runs(struct db *db, customer_id from, customer_id to, outbox_run_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "runs_by_customer");
	query_int(q, 1, from);
	query_int(q, 2, to);
	query_stream(q);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct outbox_run r = {
			.customer = (customer_id)query_get_int(q, 0),
			.plan = query_get_text(q, 1),
			.run_no = (uint32_t)query_get_int(q, 2),
			.plan_id = (uint32_t)query_get_int(q, 3),
			.subject = (uint64_t)query_get_int(q, 4),
			.entered_at = { query_get_int(q, 5) },
			.anchor_at = { query_get_int(q, 6) },
			.day = { (int32_t)query_get_int(q, 7) },
			.state = (uint8_t)query_get_int(q, 8),
			.control = (uint8_t)query_get_int(q, 9),
			.step = (uint8_t)query_get_int(q, 10),
			.queued = (uint8_t)query_get_int(q, 11),
			.last_sent_at = { query_get_int(q, 12) },
			.hold_until = { query_get_int(q, 13) },
			.held_reason = (uint8_t)query_get_int(q, 14),
			.last_done_at = { query_get_int(q, 15) },
		};
		if (!fn(ctx, &r, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

bool outbox_decisions(struct db *db, customer_id c, outbox_decision_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "decisions_of");
	query_int(q, 1, c);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct outbox_decision d = {
			.customer = c,
			.plan = query_get_text(q, 1),
			.run_no = (uint32_t)query_get_int(q, 2),
			.step = query_get_text(q, 3),
			.verdict = (enum verdict)query_get_int(q, 4),
			.reason = (enum reason)query_get_int(q, 5),
			.argument = query_get_int(q, 6),
			.version = (uint32_t)query_get_int(q, 7),
			.channel = (uint8_t)query_get_int(q, 8),
			.first_at = { query_get_int(q, 9) },
			.at = { query_get_int(q, 10) },
			.times = query_get_int(q, 11),
			.tick = query_get_int(q, 12),
		};
		if (!fn(ctx, &d, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}
