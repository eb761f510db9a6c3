/* Decisions, messages and vouchers: every state, and what a crash leaves of it. */
#include "store_fixture.h"

#include "model/names.h"

/* ---- the outbox ---- */

static bool on_decision(void *ctx, const struct outbox_decision *d, struct err *err)
{
	struct buf *out = ctx;
	buf_printf(out, "%s %s %d-%d x%d;", verdict_name(d->verdict), reason_name(d->reason), (int)(d->first_at.s - NOW.s),
	           (int)(d->at.s - NOW.s), (int)d->times);
	return true;
}

START_TEST(decisions_merge_while_the_verdict_stays)
{
	struct err err;
	struct buf story;
	buf_init(&story, 4096);
	struct db *db = fresh(address(_i));
	int64_t e = shop_with_lease(db);
	OK(put_one(db, e, NOW.s, VERDICT_HELD, REASON_QUIET_HOURS, false, &err));
	OK(put_one(db, e, NOW.s + 10, VERDICT_HELD, REASON_QUIET_HOURS, false, &err));
	OK(put_one(db, e, NOW.s + 20, VERDICT_HELD, REASON_PRESSURE_ALL, false, &err));
	OK(put_one(db, e, NOW.s + 30, VERDICT_HELD, REASON_QUIET_HOURS, false, &err));
	OK(put_one(db, e, NOW.s + 40, VERDICT_SEND, REASON_NONE, true, &err));
	OK(outbox_decisions(db, 1, on_decision, &story, &err));
	ck_assert_str_eq(
		story.p, "held quiet_hours 0-10 x2;held pressure_all 20-20 x1;held quiet_hours 30-30 x1;send none 40-40 x1;");
	assert_sound(db);
	buf_release(&story);
	db_close(db);
}
END_TEST

START_TEST(a_message_exists_once)
{
	struct err err;
	struct db *db = fresh(address(_i));
	int64_t e = shop_with_lease(db);
	OK(put_one(db, e, NOW.s, VERDICT_SEND, REASON_NONE, true, &err));
	ck_assert(!put_one(db, e, NOW.s + 5, VERDICT_SEND, REASON_NONE, true, &err));
	ck_assert_int_eq(err.kind, ERR_CONFLICT);
	ck_assert_msg(strstr(err.text, "anti-churn") && strstr(err.text, "winback-1"), "%s", err.text);
	int64_t counts[MESSAGE_STATE_COUNT];
	OK(outbox_counts(db, counts, &err));
	ck_assert_int_eq(counts[MESSAGE_QUEUED], 1);
	db_close(db);
}
END_TEST

static bool claim(struct db *db, int64_t epoch, struct arena *a, struct outbox_message *out, size_t *n, struct err *err)
{
	if (!db_begin(db, err))
		return false;
	if (outbox_claim(db, epoch, NOW, OUTBOX_CLAIM_MAX, true, a, out, n, err))
		return db_commit(db, err);
	db_rollback(db);
	return false;
}

static bool sending(struct db *db, int64_t epoch, struct outbox_message *m, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		m[i].subject = STR("Revenez !");
		m[i].content = STR("{}");
	}
	if (!db_durable(db, true, err) || !db_begin(db, err))
		return false;
	if (outbox_sending(db, epoch, NOW, m, n, err))
		return db_commit(db, err);
	db_rollback(db);
	return false;
}

static bool settle(struct db *db, int64_t epoch, enum message_state to, struct err *err)
{
	struct store_batch *b = store_batch_begin(db, NULL, NOW, err);
	struct settlement s = { .to = to, .at = NOW, .try_after = { NOW.s + 60 }, .outcome = STR("250 ok") };
	if (!b)
		return false;
	if (outbox_settle(b, epoch, &KEY, &s, err))
		return store_batch_commit(b, err);
	store_batch_rollback(b);
	return false;
}

START_TEST(a_message_lives_its_states)
{
	struct err err;
	struct arena a;
	struct outbox_message m[OUTBOX_CLAIM_MAX];
	size_t n;
	arena_init(&a);
	struct db *db = fresh(address(_i));
	int64_t e = shop_with_lease(db);
	OK(put_one(db, e, NOW.s, VERDICT_SEND, REASON_NONE, true, &err));
	OK(claim(db, e, &a, m, &n, &err));
	ck_assert_uint_eq(n, 1);
	ck_assert(str_is(m[0].key.plan, "anti-churn") && m[0].state == MESSAGE_CLAIMED);
	size_t again;
	OK(claim(db, e, &a, m, &again, &err));
	ck_assert_uint_eq(again, 0);
	ck_assert(!settle(db, e, MESSAGE_ACCEPTED, &err)); /* never left */
	ck_assert_int_eq(err.kind, ERR_CONFLICT);
	OK(sending(db, e, m, n, &err));
	ck_assert_int_eq(state_of(db), MESSAGE_SENDING);
	OK(settle(db, e, MESSAGE_DEFERRED, &err));
	OK(claim(db, e, &a, m, &n, &err));
	ck_assert_uint_eq(n, 0); /* not before try_after */
	ck_assert_int_eq(count_rows(db, NULL), 3);
	ck_assert_int_eq(state_of(db), MESSAGE_DEFERRED);
	OK(settle(db, e, MESSAGE_DROPPED, &err));
	ck_assert(!settle(db, e, MESSAGE_ACCEPTED, &err));
	ck_assert_int_eq(count_rows(db, NULL), 4); /* the receipt */
	assert_sound(db);
	arena_release(&a);
	db_close(db);
}
END_TEST

START_TEST(a_crash_leaves_uncertain_only_what_was_sending)
{
	struct err err;
	struct arena a;
	struct outbox_message m[OUTBOX_CLAIM_MAX];
	size_t n;
	int64_t requeued, uncertain, e2;
	bool known;
	arena_init(&a);
	for (int step = 0; step < 2; step++) {
		struct db *db = fresh(address(_i));
		int64_t e = shop_with_lease(db);
		OK(put_one(db, e, NOW.s, VERDICT_SEND, REASON_NONE, true, &err));
		OK(claim(db, e, &a, m, &n, &err));
		if (step == 1)
			OK(sending(db, e, m, n, &err));
		ck_assert(!store_lease(db, "host:2:b", NOW, 60, &e2, &err));
		ck_assert_int_eq(err.kind, ERR_CONFLICT);
		OK(store_lease(db, "host:2:b", (struct instant){ NOW.s + 61 }, 60, &e2, &err));
		ck_assert_int_eq(e2, e + 1);
		ck_assert(!settle(db, e, MESSAGE_ACCEPTED, &err)); /* fenced */
		ck_assert_int_eq(err.kind, ERR_CONFLICT);
		struct store_batch *b = store_batch_begin(db, NULL, NOW, &err);
		OK(outbox_recover(b, e2, NOW, &requeued, &uncertain, &err));
		OK(store_batch_commit(b, &err));
		ck_assert_int_eq(requeued, step == 0);
		ck_assert_int_eq(uncertain, step == 1);
		ck_assert_int_eq(state_of(db), step == 0 ? MESSAGE_QUEUED : MESSAGE_UNCERTAIN);
		if (step == 1) {
			OK(settle(db, -1, MESSAGE_ACCEPTED, &err)); /* a person found it in the server's log */
			b = store_batch_begin(db, NULL, NOW, &err);
			OK(outbox_feedback(b, &KEY, RECEIPT_OPENED, NOW, STR(""), &known, &err));
			ck_assert(known);
			struct message_key nobody = KEY;
			nobody.run_no = 9;
			OK(outbox_feedback(b, &nobody, RECEIPT_OPENED, NOW, STR(""), &known, &err));
			ck_assert(!known);
			OK(store_batch_commit(b, &err));
		}
		assert_sound(db);
		db_close(db);
	}
	arena_release(&a);
}
END_TEST

START_TEST(vouchers_are_drawn_once)
{
	struct err err;
	struct arena a;
	arena_init(&a);
	struct db *db = fresh(address(_i));
	int64_t e = shop_with_lease(db);
	struct outbox_voucher v[2] = { { .code = STR("A1"), .pool = STR("spring"), .percent = 10 },
		                           { .code = STR("A2"), .pool = STR("spring"), .percent = 10 } };
	struct outbox_slice s = { .epoch = e, .vouchers = v, .voucher_count = 2 };
	OK(db_begin(db, &err));
	OK(outbox_put(db, &s, &err));
	struct str code;
	bool found, known;
	OK(voucher_draw(db, STR("spring"), &KEY, &a, &code, &found, &err));
	ck_assert(found && str_is(code, "A1"));
	OK(voucher_draw(db, STR("spring"), &KEY, &a, &code, &found, &err));
	ck_assert(found && str_is(code, "A2"));
	OK(voucher_draw(db, STR("spring"), &KEY, &a, &code, &found, &err));
	ck_assert(!found);
	OK(voucher_start(db, STR("A1"), NOW, (struct instant){ NOW.s + 20 * DAY_S }, &err));
	OK(voucher_redeem(db, STR("A1"), STR("till:7"), NOW, &known, &err));
	ck_assert(known);
	OK(voucher_redeem(db, STR("A1"), STR("till:8"), NOW, &known, &err));
	ck_assert(!known);
	OK(suppression_put(db, 5, CHANNEL_EMAIL, STR("hard_bounce"), NOW, &err));
	OK(suppression_put(db, 5, CHANNEL_EMAIL, STR("complaint"), NOW, &err));
	struct tick_row t = { .at = NOW, .seq_hi = 3, .tzdata = STR("2024a"), .engine = STR("1"), .trace_sha256 = STR("") };
	OK(tick_put(db, &t, &err));
	ck_assert_int_eq(t.tick, 1);
	OK(db_commit(db, &err));
	OK(tick_last(db, &a, &t, &found, &err));
	ck_assert(found && t.seq_hi == 3 && str_is(t.tzdata, "2024a"));
	arena_release(&a);
	db_close(db);
}
END_TEST

int main(void)
{
	const struct both_test tests[] = {
		{ decisions_merge_while_the_verdict_stays, true },
		{ a_message_exists_once, true },
		{ a_message_lives_its_states, true },
		{ a_crash_leaves_uncertain_only_what_was_sending, true },
		{ vouchers_are_drawn_once, true },
	};
	return run_both("outbox", tests, ARRAY_LEN(tests));
}
