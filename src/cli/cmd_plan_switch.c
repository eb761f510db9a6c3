#include "cli/cmd_plan_switch.h"

#include "app/clock.h"
#include "app/switch.h"
#include "base/embed.h"

#include <stdlib.h>
#include <string.h>

extern const struct embedded_file plans_files[];
extern const size_t plans_file_count;

/* A path has a slash or ends in .yaml; anything else is the name of a shipped plan. */
static bool is_path(const char *name)
{
	struct str s = str_from(name);
	return strchr(name, '/') || str_ends(s, STR(".yaml")) || str_ends(s, STR(".yml"));
}

static const struct plan *find_plan(const char *name, const struct settings *s, struct arena *a, struct err *err)
{
	struct plan_set *set = arena_new(a, struct plan_set);
	struct plan_issues *issues = arena_new(a, struct plan_issues);
	if (!plans_load(is_path(name) ? name : NULL, s, (struct instant){ 0 }, a, set, issues, err))
		return NULL;
	const char *names[64];
	size_t n = 0;
	for (size_t i = 0; i < set->count; i++) {
		if (is_path(name) || str_is(set->plans[i]->name, name))
			return set->plans[i];
		if (n < ARRAY_LEN(names))
			names[n++] = arena_cstr(a, set->plans[i]->name);
	}
	const char *near = str_nearest(str_from(name), names, n, 4);
	if (near)
		err_set(err, ERR_INPUT, "no plan \"%s\" is shipped; did you mean \"%s\"? A file of your own is given by its path", name, near);
	else
		err_set(err, ERR_INPUT, "no plan \"%s\" is shipped; a file of your own is given by its path", name);
	return NULL;
}

static bool switch_one(struct db *db, const struct settings *s, const char *verb, const char *name, struct instant now,
                       struct arena *a, struct err *err)
{
	if (strcmp(verb, "on") != 0) {
		bool off = strcmp(verb, "off") == 0;
		if (!switch_plan(db, str_from(name), off ? SWITCH_OFF : SWITCH_DRAIN, now, err))
			return false;
		printf("%s  %s\n", name, off ? "off: what is queued is held" : "draining: runs in progress end, nobody enters");
		return true;
	}
	const struct plan *p = find_plan(name, s, a, err);
	struct switch_result r;
	if (!p || !switch_plan_on(db, p, now, &r, err))
		return false;
	printf("%.*s  on, version %u%s\n", STR_ARG(p->name), r.version, r.new_version ? "" : " (as before)");
	return true;
}

int plan_switch(const char *verb, const char *address, const char *const *names, int count, const char *at)
{
	struct err err;
	struct shop shop;
	struct settings *settings = mem_alloc(sizeof *settings);
	struct arena a;
	struct instant now;
	arena_init(&a);
	struct db *db = store_open(address, false, &shop, &err);
	bool ok = db != NULL && clock_at(at, shop.zone, &now, &err);
	if (ok)
		settings_defaults(settings, shop.zone, shop.locale, shop.currency);
	for (int i = 0; i < count && ok; i++)
		ok = switch_one(db, settings, verb, names[i], now, &a, &err);
	db_close(db);
	arena_release(&a);
	free(settings);
	return ok ? EXIT_DONE : cli_fail(&err);
}

static bool list_row(void *ctx, const struct plan_row *p, struct err *err)
{
	char since[32];
	(void)err;
	table_text(ctx, p->name);
	table_int(ctx, p->version);
	table_text(ctx, p->state);
	table_cstr(ctx, instant_text(p->on_since, since));
	return true;
}

int plan_list(const char *address, enum format format)
{
	static const char *const COLUMNS[] = { "plan", "version", "state", "on_since" };
	struct err err;
	struct shop shop;
	struct db *db = store_open(address, true, &shop, &err);
	if (!db)
		return cli_fail(&err);
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	bool ok = plans(db, list_row, t, &err);
	if (ok)
		table_print(t, format, stdout);
	table_free(t);
	db_close(db);
	if (ok && format == FORMAT_TABLE)
		fputs("(\"relance plan on DB NAME\" switches one on; shipped: abandoned-cart, anti-churn, birthday, cross-sell, renewal, "
		      "survey, welcome)\n",
		      stderr);
	return ok ? EXIT_DONE : cli_fail(&err);
}
