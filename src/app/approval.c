#include "app/approval.h"

#include <stdio.h>

enum { KEY_MAX = PLAN_NAME_MAX + 16 };

/* Who proposed it stands in the shop table under this name: "HASH of the plan WHO". */
static const char *key_of(const struct plan *plan, char key[KEY_MAX])
{
	snprintf(key, KEY_MAX, "proposed.%.*s", STR_ARG(plan->name));
	return key;
}

bool approval_needed(const struct settings *s, const struct plan *plan)
{
	return s->approve_campaigns && plan->trigger == TRIGGER_ONCE;
}

static bool note(struct db *db, const struct plan *plan, struct str value, const char *who, const char *action,
                 struct instant now, struct err *err)
{
	char key[KEY_MAX], object[KEY_MAX];
	snprintf(object, sizeof object, "plan %.*s", STR_ARG(plan->name));
	bool ok = db_begin(db, err) && store_shop_set(db, key_of(plan, key), value, err) &&
	          store_audit(db, now, who, action, object, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

bool approval_propose(struct db *db, const struct plan *plan, const char *who, struct instant now,
                      struct switch_result *out, struct err *err)
{
	char value[128];
	snprintf(value, sizeof value, "%016llx %.100s", (unsigned long long)plan->hash, who);
	return note(db, plan, str_from(value), who, "campaign proposed", now, err) &&
	       switch_plan_waiting(db, plan, now, out, err);
}

bool approval_give(struct db *db, const struct plan *plan, const char *who, struct instant now,
                   struct switch_result *out, struct err *err)
{
	struct arena a;
	struct str value;
	bool found = false;
	char key[KEY_MAX], hash[20], day[16];
	arena_init(&a);
	bool ok = store_shop_get(db, key_of(plan, key), &a, &value, &found, err);
	snprintf(hash, sizeof hash, "%016llx ", (unsigned long long)plan->hash);
	if (ok && (!found || !str_starts(value, str_from(hash))))
		ok = err_set(err, ERR_INPUT, "plan %.*s waits for no approval: \"relance plan on\" proposes it",
		             STR_ARG(plan->name));
	else if (ok && str_is((struct str){ value.p + 17, value.n - 17 }, who))
		ok = err_set(err, ERR_INPUT, "%s proposed plan %.*s: a second person approves it", who, STR_ARG(plan->name));
	else if (ok && zone_date(store_shop(db)->zone, now).day >= plan->once.day)
		ok = err_set(err, ERR_INPUT, "plan %.*s: its day, %s, has begun: write a later one and propose it again",
		             STR_ARG(plan->name), date_text(plan->once, day));
	ok = ok && note(db, plan, STR(""), who, "campaign approved", now, err) && switch_plan_on(db, plan, now, out, err);
	arena_release(&a);
	return ok;
}
