#include "app/switch.h"

#include <stdio.h>

struct known {
	struct arena *a;
	struct plan_row *rows;
	size_t count, cap;
};

static bool take(void *ctx, const struct plan_row *p, struct err *err)
{
	struct known *k = ctx;
	(void)err;
	struct plan_row *rows = arena_array(k->a, struct plan_row, k->count + 1); /* few plans: copying is simplest */
	if (k->count)
		memcpy(rows, k->rows, k->count * sizeof *rows);
	rows[k->count] = *p;
	rows[k->count].name = arena_str(k->a, p->name);
	rows[k->count].text = arena_str(k->a, p->text);
	rows[k->count].state = arena_str(k->a, p->state);
	k->rows = rows;
	k->count++;
	return true;
}

static bool put_switch_fact(struct store_batch *b, struct str name, uint32_t version, const char *state,
                            struct instant now, struct arena *a, struct err *err)
{
	struct buf body;
	buf_init(&body, 4096);
	buf_cstr(&body, "{\"plan\":");
	buf_json(&body, name);
	buf_printf(&body, ",\"version\":%u,\"state\":\"%s\"}", version, state);
	struct fact f = { .kind = FACT_SWITCH,
		              .key = arena_printf(a, "%.*s@%lld", STR_ARG(name), (long long)now.s),
		              .at = now,
		              .learned_at = now,
		              .body = arena_str(a, buf_view(&body)) };
	buf_release(&body);
	bool quarantined;
	return store_batch_fact(b, &f, &quarantined, err);
}

/* By meaning: an edited comment is no new version. */
static bool same_plan(struct db *db, const struct plan_row *row, const struct plan *plan, struct arena *a)
{
	const struct shop *shop = store_shop(db);
	struct settings *s = arena_new(a, struct settings);
	struct plan_issues *issues = arena_new(a, struct plan_issues);
	struct expr_context context;
	settings_defaults(s, shop->zone, shop->locale, shop->currency);
	plans_context(s, &context);
	const struct plan *stored = plan_read(row->name, row->text, &context, a, issues);
	return stored && stored->hash == plan->hash;
}

static bool put_on(struct store_batch *b, const struct known *k, const struct plan *plan, const char *state,
                   struct instant now, struct switch_result *out, struct arena *a, struct err *err)
{
	struct plan_row row = { .plan_id = (uint32_t)k->count,
		                    .version = 1,
		                    .name = plan->name,
		                    .text = plan->text,
		                    .state = str_from(state),
		                    .on_since = now,
		                    .first_on = now,
		                    .created_at = now };
	const struct plan_row *newest = NULL;
	for (size_t i = 0; i < k->count; i++)
		if (str_eq(k->rows[i].name, plan->name))
			newest = &k->rows[i];
	*out = (struct switch_result){ .version = 1, .new_version = true };
	if (newest) {
		row.version = newest->version + 1;
		if (same_plan(store_batch_db(b), newest, plan, a)) {
			row = *newest;
			row.state = str_from(state);
			out->new_version = false;
		}
		/* An edit of a plan that is on goes on since then: the carts and orders that wait for their delay still enter.
		 */
		row.on_since = str_is(newest->state, "on") ? newest->on_since : now;
		row.first_on = newest->first_on;
	}
	out->version = row.version;
	/* earlier versions go on for the runs that are on them */
	for (size_t i = 0; i < k->count; i++) {
		struct plan_row old = k->rows[i];
		if (!str_eq(old.name, plan->name) || old.plan_id == row.plan_id)
			continue;
		old.state = STR("on"); /* off, draining, or paused by a restore before */
		if (!plan_put(store_batch_db(b), &old, err))
			return false;
	}
	return plan_put(store_batch_db(b), &row, err) && put_switch_fact(b, row.name, row.version, state, now, a, err);
}

static bool put_version(struct db *db, const struct plan *plan, const char *state, struct instant now,
                        struct switch_result *out, struct err *err)
{
	struct arena a;
	arena_init(&a);
	struct known k = { .a = &a };
	struct store_batch *b = store_batch_begin(db, NULL, now, err);
	bool ok = b && plans(db, take, &k, err) && put_on(b, &k, plan, state, now, out, &a, err);
	if (ok)
		ok = store_batch_commit(b, err);
	else if (b)
		store_batch_rollback(b);
	arena_release(&a);
	return ok;
}

bool switch_plan_on(struct db *db, const struct plan *plan, struct instant now, struct switch_result *out,
                    struct err *err)
{
	return put_version(db, plan, "on", now, out, err);
}

bool switch_plan_waiting(struct db *db, const struct plan *plan, struct instant now, struct switch_result *out,
                         struct err *err)
{
	return put_version(db, plan, "waiting", now, out, err);
}

static const char *state_name(enum switch_state s)
{
	switch (s) {
	case SWITCH_ON: return "on";
	case SWITCH_OFF: return "off";
	case SWITCH_DRAIN: return "draining";
	}
	return "off";
}

static bool put_state(struct store_batch *b, const struct known *k, struct str name, enum switch_state to,
                      struct instant now, struct arena *a, struct err *err)
{
	uint32_t version = 0;
	const char *names[64];
	size_t n = 0;
	for (size_t i = 0; i < k->count; i++) {
		struct plan_row row = k->rows[i];
		if (n < ARRAY_LEN(names))
			names[n++] = row.name.p;
		if (!str_eq(row.name, name))
			continue;
		version = row.version;
		row.state = str_from(state_name(to));
		if (!plan_put(store_batch_db(b), &row, err))
			return false;
	}
	if (version == 0) {
		const char *near = str_nearest(name, names, n, 3);
		return near ? err_set(err, ERR_INPUT, "no plan \"%.*s\" was ever switched on here; did you mean \"%s\"?",
		                      STR_ARG(name), near)
		            : err_set(err, ERR_INPUT,
		                      "no plan \"%.*s\" was ever switched on here; \"relance plan list DB\" shows them",
		                      STR_ARG(name));
	}
	return put_switch_fact(b, name, version, state_name(to), now, a, err);
}

bool switch_plan(struct db *db, struct str name, enum switch_state to, struct instant now, struct err *err)
{
	struct arena a;
	arena_init(&a);
	struct known k = { .a = &a };
	struct store_batch *b = store_batch_begin(db, NULL, now, err);
	bool ok = b && plans(db, take, &k, err) && put_state(b, &k, name, to, now, &a, err);
	if (ok)
		ok = store_batch_commit(b, err);
	else if (b)
		store_batch_rollback(b);
	arena_release(&a);
	return ok;
}

static bool set_flags(struct db *db, const char *const *names, size_t count, const char *value, const char *action,
                      struct instant now, const char *actor, struct err *err)
{
	bool ok = db_begin(db, err);
	for (size_t i = 0; i < count && ok; i++)
		ok = store_shop_set(db, names[i], str_from(value), err);
	ok = ok && store_audit(db, now, actor, action, "shop", err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

bool switch_stop(struct db *db, struct instant now, const char *actor, struct err *err)
{
	return set_flags(db, (const char *const[]){ "stopped" }, 1, "1", "emergency stop", now, actor, err);
}

bool switch_resume(struct db *db, struct instant now, const char *actor, struct err *err)
{
	char at[32];
	snprintf(at, sizeof at, "%lld", (long long)now.s); /* a silence up to here is confirmed */
	return set_flags(db, (const char *const[]){ "clock_confirmed" }, 1, at, "clock confirmed", now, actor, err) &&
	       set_flags(db, (const char *const[]){ "stopped", "clock_hold", "restored_hold" }, 3, "0", "resume", now,
	                 actor, err);
}
