/* Vouchers, suppressions, plans, ticks: small tables, one statement each. */
#include "store/outbox.h"

#include "store/store_internal.h"

bool voucher_draw(struct db *db, struct str pool, const struct message_key *key, struct arena *a, struct str *code,
                  bool *found, struct err *err)
{
	struct query *q = db_query(db, "voucher_draw");
	query_text(q, 1, pool);
	query_int(q, 2, key->customer);
	query_text(q, 3, key->plan);
	query_int(q, 4, key->run_no);
	query_text(q, 5, key->step);
	int got = query_next(q, err);
	*found = got == 1;
	*code = *found ? column_text(q, 0, a) : (struct str){ "", 0 };
	if (got == 1)
		got = query_next(q, err); /* to the end: the change counts only then */
	query_done(q);
	return got >= 0;
}

bool voucher_of(struct db *db, struct str pool, const struct message_key *key, struct arena *a, struct str *code,
                struct instant *valid_until, bool *found, struct err *err)
{
	struct query *q = db_query(db, "voucher_of");
	query_text(q, 1, pool);
	query_int(q, 2, key->customer);
	query_text(q, 3, key->plan);
	query_int(q, 4, key->run_no);
	query_text(q, 5, key->step);
	int got = query_next(q, err);
	*found = got == 1;
	*code = *found ? column_text(q, 0, a) : (struct str){ "", 0 };
	valid_until->s = *found ? query_get_int(q, 1) : 0;
	query_done(q);
	return got >= 0;
}

bool voucher_add(struct db *db, struct str pool, struct str code, bool *added, struct err *err)
{
	struct query *q = db_query(db, "voucher_add");
	query_text(q, 1, code);
	query_text(q, 2, pool);
	int64_t changed = 0;
	bool ok = query_run(q, &changed, err);
	*added = changed == 1;
	return ok;
}

bool voucher_free(struct db *db, struct str pool, int64_t *count, struct err *err)
{
	struct query *q = db_query(db, "voucher_free");
	query_text(q, 1, pool);
	int got = query_next(q, err);
	*count = got == 1 ? query_get_int(q, 0) : 0;
	query_done(q);
	return got >= 0;
}

bool voucher_start(struct db *db, struct str code, struct instant from, struct instant until, struct err *err)
{
	struct query *q = db_query(db, "voucher_start");
	query_text(q, 1, code);
	query_int(q, 2, from.s);
	query_int(q, 3, until.s);
	int64_t changed = 0;
	return query_run(q, &changed, err) &&
	       (changed == 1 || err_set(err, ERR_WORLD, "a voucher was promised that does not exist"));
}

bool voucher_redeem(struct db *db, struct str code, struct str order, struct instant at, bool *known, struct err *err)
{
	struct query *q = db_query(db, "voucher_redeem");
	query_text(q, 1, code);
	query_int(q, 2, at.s);
	query_text(q, 3, order);
	int64_t changed = 0;
	bool ok = query_run(q, &changed, err);
	*known = changed == 1;
	return ok;
}

bool suppression_put(struct db *db, uint64_t hash, enum channel channel, struct str reason, struct instant at,
                     struct err *err)
{
	struct query *q = db_query(db, "suppression_put");
	query_int(q, 1, (int64_t)hash);
	query_int(q, 2, channel);
	query_text(q, 3, reason);
	query_int(q, 4, at.s);
	int64_t changed;
	return query_run(q, &changed, err) && (changed == 0 || store_changed(db, STORE_SUPPRESSIONS, err));
}

bool suppression_lift(struct db *db, uint64_t hash, enum channel channel, struct err *err)
{
	struct query *q = db_query(db, "suppression_lift");
	query_int(q, 1, (int64_t)hash);
	query_int(q, 2, channel);
	int64_t changed;
	return query_run(q, &changed, err) && (changed == 0 || store_changed(db, STORE_SUPPRESSIONS, err));
}

bool suppressions(struct db *db, suppression_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "suppressions");
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1)
		if (!fn(ctx, (uint64_t)query_get_int(q, 0), (enum channel)query_get_int(q, 1), query_get_text(q, 2),
		        (struct instant){ query_get_int(q, 3) }, err)) {
			query_done(q);
			return false;
		}
	return got == 0;
}

bool plan_put(struct db *db, const struct plan_row *p, struct err *err)
{
	struct query *q = db_query(db, "plan_put");
	query_int(q, 1, p->plan_id);
	query_text(q, 2, p->name);
	query_int(q, 3, p->version);
	query_text(q, 4, p->text);
	query_text(q, 5, p->state);
	query_int(q, 6, p->on_since.s);
	query_int(q, 7, p->first_on.s);
	query_int(q, 8, p->created_at.s);
	return query_run(q, NULL, err);
}

bool plans(struct db *db, plan_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "plans");
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct plan_row p = { .plan_id = (uint32_t)query_get_int(q, 0),
			                  .name = query_get_text(q, 1),
			                  .version = (uint32_t)query_get_int(q, 2),
			                  .text = query_get_text(q, 3),
			                  .state = query_get_text(q, 4),
			                  .on_since = { query_get_int(q, 5) },
			                  .first_on = { query_get_int(q, 6) },
			                  .created_at = { query_get_int(q, 7) } };
		if (!fn(ctx, &p, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

bool tick_next(struct db *db, int64_t *out, struct err *err)
{
	struct query *next = db_query(db, "tick_next");
	if (query_next(next, err) != 1)
		return false;
	*out = query_get_int(next, 0);
	query_done(next);
	return true;
}

static void bind_text(struct query *q, int index, struct str s)
{
	if (s.n)
		query_text(q, index, s);
	else
		query_null(q, index);
}

bool round_put(struct db *db, const struct round_row *r, struct err *err)
{
	struct query *q = db_query(db, "round_put");
	query_int(q, 1, r->tick);
	query_int(q, 2, r->round);
	query_int(q, 3, r->kind);
	query_int(q, 4, r->fresh);
	query_int(q, 5, r->at.s);
	query_int(q, 6, r->seq_hi);
	query_int(q, 7, r->hold);
	query_int(q, 8, r->upto);
	bind_text(q, 9, r->plans);
	bind_text(q, 10, r->claims);
	query_int(q, 11, r->decisions);
	query_text(q, 12, r->trace_sha256);
	return query_run(q, NULL, err);
}

bool rounds(struct db *db, round_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "rounds");
	query_stream(q);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct round_row r = { .tick = query_get_int(q, 0),
			                   .round = query_get_int(q, 1),
			                   .kind = (enum round_kind)query_get_int(q, 2),
			                   .fresh = query_get_int(q, 3) != 0,
			                   .at = { query_get_int(q, 4) },
			                   .seq_hi = query_get_int(q, 5),
			                   .hold = query_get_int(q, 6),
			                   .upto = query_get_int(q, 7),
			                   .plans = query_get_text(q, 8),
			                   .claims = query_get_text(q, 9),
			                   .decisions = query_get_int(q, 10),
			                   .trace_sha256 = query_get_text(q, 11) };
		if (!fn(ctx, &r, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

bool tick_put(struct db *db, struct tick_row *t, struct err *err)
{
	if (t->tick == 0 && !tick_next(db, &t->tick, err))
		return false;
	struct query *q = db_query(db, "tick_put");
	query_int(q, 1, t->tick);
	query_int(q, 2, t->at.s);
	query_int(q, 3, t->seq_hi);
	query_int(q, 4, t->settings);
	query_int(q, 5, t->plans);
	query_int(q, 6, t->thresholds_day.day);
	query_text(q, 7, t->tzdata);
	query_text(q, 8, t->engine);
	query_int(q, 9, t->decisions);
	query_text(q, 10, t->trace_sha256);
	return query_run(q, NULL, err);
}

static void tick_of_row(struct query *q, struct tick_row *t)
{
	*t = (struct tick_row){ .tick = query_get_int(q, 0),
		                    .at = { query_get_int(q, 1) },
		                    .seq_hi = query_get_int(q, 2),
		                    .settings = query_get_int(q, 3),
		                    .plans = query_get_int(q, 4),
		                    .thresholds_day = { (int32_t)query_get_int(q, 5) },
		                    .tzdata = query_get_text(q, 6),
		                    .engine = query_get_text(q, 7),
		                    .decisions = query_get_int(q, 8),
		                    .trace_sha256 = query_get_text(q, 9) };
}

bool tick_last(struct db *db, struct arena *a, struct tick_row *out, bool *found, struct err *err)
{
	struct query *q = db_query(db, "tick_last");
	int got = query_next(q, err);
	*found = got == 1;
	if (*found) {
		tick_of_row(q, out);
		out->tzdata = arena_str(a, out->tzdata);
		out->engine = arena_str(a, out->engine);
		out->trace_sha256 = arena_str(a, out->trace_sha256);
	}
	query_done(q);
	return got >= 0;
}

bool ticks(struct db *db, int64_t from, tick_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "ticks");
	query_int(q, 1, from);
	query_stream(q);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct tick_row t;
		tick_of_row(q, &t);
		if (!fn(ctx, &t, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}
