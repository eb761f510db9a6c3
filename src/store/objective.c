#include "store/objective.h"

#include "model/body.h"

#include <stdio.h>

const char *const OBJECTIVE_SCOPE_NAMES[OBJECTIVE_SCOPES] = { "shop", "team", "person", "plan" };
const char *const OBJECTIVE_MEASURE_NAMES[OBJECTIVE_MEASURES] = { "revenue", "orders", "volume", "conversion" };

static int find(struct str text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (str_is(text, names[i]))
			return i;
	return -1;
}

bool objectives_read(struct db *db, struct arena *a, struct objective **out, size_t *count, struct err *err)
{
	struct objective *list = arena_array(a, struct objective, OBJECTIVES_MAX);
	struct query *q = db_query(db, "objectives");
	size_t n = 0;
	int got;
	while ((got = query_next(q, err)) == 1) {
		int scope = find(query_get_text(q, 1), OBJECTIVE_SCOPE_NAMES, OBJECTIVE_SCOPES);
		int measure = find(query_get_text(q, 3), OBJECTIVE_MEASURE_NAMES, OBJECTIVE_MEASURES);
		if (n == OBJECTIVES_MAX || scope < 0 || measure < 0) {
			query_done(q);
			return err_set(err, ERR_WORLD, "the table \"objective\" holds what this program does not know");
		}
		list[n++] = (struct objective){ .id = query_get_int(q, 0),
			                            .scope = (enum objective_scope)scope,
			                            .name = arena_str(a, query_get_text(q, 2)),
			                            .measure = (enum objective_measure)measure,
			                            .first_month = (int)query_get_int(q, 4),
			                            .months = (int)query_get_int(q, 5),
			                            .target = query_get_int(q, 6),
			                            .members = arena_str(a, query_get_text(q, 7)) };
	}
	*out = list;
	*count = n;
	return got == 0;
}

static bool sound(const struct objective *o, struct err *err)
{
	bool named = o->scope != OBJECTIVE_SHOP;
	size_t lines = o->members.n > 0;
	for (size_t i = 0; i < o->members.n; i++)
		lines += o->members.p[i] == '\n';
	if (named != (o->name.n > 0) || o->name.n > BODY_NAME_MAX || str_utf8_valid(o->name) != o->name.n)
		return err_set(err, ERR_INPUT, "an objective of a %s %s", OBJECTIVE_SCOPE_NAMES[o->scope],
		               named ? "needs its name, at most 100 bytes" : "has no name");
	if (o->target <= 0)
		return err_set(err, ERR_INPUT, "what is to be reached is more than 0");
	if (o->measure == OBJECTIVE_CONVERSION && o->target > 100000)
		return err_set(err, ERR_INPUT, "a conversion is at most 100 %%");
	if (lines > OBJECTIVE_MEMBERS_MAX)
		return err_set(err, ERR_LIMIT, "a team has at most %d sellers", OBJECTIVE_MEMBERS_MAX);
	return (o->months == 1 || o->months == 3 || o->months == 12) ||
	       err_set(err, ERR_INPUT, "a period is a month, a quarter or a year");
}

static void key(struct query *q, const struct objective *o)
{
	query_text(q, 1, str_from(OBJECTIVE_SCOPE_NAMES[o->scope]));
	query_text(q, 2, o->name);
	query_text(q, 3, str_from(OBJECTIVE_MEASURE_NAMES[o->measure]));
	query_int(q, 4, o->first_month);
	query_int(q, 5, o->months);
}

static bool write_objective(struct db *db, const struct objective *o, struct instant now, int64_t *id, struct err *err)
{
	struct query *q = db_query(db, "objective_put");
	key(q, o);
	query_int(q, 6, o->target);
	query_text(q, 7, o->members.p ? o->members : STR(""));
	query_int(q, 8, now.s);
	if (!query_run(q, NULL, err))
		return false;
	q = db_query(db, "objective_id");
	key(q, o);
	bool found = query_next(q, err) == 1;
	*id = found ? query_get_int(q, 0) : 0;
	query_done(q);
	return found;
}

bool objective_put(struct db *db, const struct objective *o, struct instant now, const char *actor, int64_t *id,
                   struct err *err)
{
	if (!sound(o, err) || !db_begin(db, err))
		return false;
	char object[48];
	bool ok = write_objective(db, o, now, id, err);
	snprintf(object, sizeof object, "objective %lld", (long long)*id);
	ok = ok && store_audit(db, now, actor, "objective set", object, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

bool objective_remove(struct db *db, int64_t id, struct instant now, const char *actor, struct err *err)
{
	int64_t changed = 0;
	char object[48];
	snprintf(object, sizeof object, "objective %lld", (long long)id);
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "objective_remove");
	query_int(q, 1, id);
	bool ok = query_run(q, &changed, err) &&
	          (changed == 1 || err_set(err, ERR_INPUT, "there is no objective %lld", (long long)id)) &&
	          store_audit(db, now, actor, "objective removed", object, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

/* ---- the report ---- */

static struct query *of_report(struct db *db, const char *name, int month, uint64_t recipient, struct instant now)
{
	struct query *q = db_query(db, name);
	query_int(q, 1, month);
	query_int(q, 2, (int64_t)recipient);
	query_int(q, 3, now.s);
	return q;
}

static bool reclaim(struct db *db, int month, uint64_t recipient, struct instant now, bool asked, int64_t *changed,
                    struct err *err)
{
	struct query *q = of_report(db, "report_mail_reclaim", month, recipient, now);
	query_int(q, 4, now.s - REPORT_RETRY_S);
	query_int(q, 5, asked);
	return query_run(q, changed, err);
}

bool report_mail_claim(struct db *db, int month, uint64_t recipient, struct instant now, bool asked, bool *ours,
                       struct err *err)
{
	int64_t changed = 0;
	if (!db_begin(db, err))
		return false;
	bool ok = query_run(of_report(db, "report_mail_claim", month, recipient, now), &changed, err) &&
	          (changed || reclaim(db, month, recipient, now, asked, &changed, err)) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	*ours = ok && changed > 0;
	return ok;
}

bool report_mail_settle(struct db *db, int month, uint64_t recipient, enum report_mail state, struct str outcome,
                        struct instant now, struct err *err)
{
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "report_mail_settle");
	query_int(q, 1, month);
	query_int(q, 2, (int64_t)recipient);
	query_int(q, 3, state);
	query_int(q, 4, now.s);
	query_text(q, 5, outcome);
	bool ok = query_run(q, NULL, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

bool report_mail_recover(struct db *db, struct err *err)
{
	if (!db_begin(db, err))
		return false;
	bool ok = query_run(db_query(db, "report_mail_recover"), NULL, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

bool report_mail_state(struct db *db, int month, uint64_t recipient, bool *found, enum report_mail *state,
                       struct instant *at, struct err *err)
{
	struct query *q = db_query(db, "report_mail_state");
	query_int(q, 1, month);
	query_int(q, 2, (int64_t)recipient);
	int got = query_next(q, err);
	*found = got == 1;
	*state = got == 1 ? (enum report_mail)query_get_int(q, 0) : REPORT_SENDING;
	at->s = got == 1 ? query_get_int(q, 1) : 0;
	query_done(q);
	return got >= 0;
}
