#include "cli/cmd_plan_switch.h"

#include "app/approval.h"
#include "app/arrival.h"
#include "app/clock.h"
#include "app/config.h"
#include "app/move.h"
#include "app/switch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A plan as it stands in the shop: its newest version. */
struct standing {
	struct str name, text, state;
	uint32_t version;
	struct instant on_since;
};

struct session {
	struct arena arena;
	struct db *db;
	struct settings settings;
	struct expr_context context;
	struct plan_set shipped, set; /* set: what a path holds */
	struct plan_issues issues;
	struct instant now;
	struct standing standing[PLANS_MAX];
	size_t standing_count;
	const struct plan *plans[PLANS_MAX]; /* named on the command line */
	size_t count;
};

static bool take_standing(void *ctx, const struct plan_row *p, struct err *err)
{
	struct session *s = ctx;
	size_t i = 0;
	while (i < s->standing_count && !str_eq(s->standing[i].name, p->name))
		i++;
	if (i == PLANS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d plans in this shop", PLANS_MAX);
	s->standing_count += i == s->standing_count;
	s->standing[i] = (struct standing){ arena_str(&s->arena, p->name), arena_str(&s->arena, p->text),
		                                arena_str(&s->arena, p->state), p->version, p->on_since };
	return true;
}

static bool session_open(struct session *s, const char *address, bool read_only, const char *at, struct err *err)
{
	struct shop shop;
	arena_init(&s->arena);
	s->db = shop_open(address, read_only, &shop, err);
	if (!s->db || !clock_at(at, shop.zone, &s->now, err))
		return false;
	if (!config_read(s->db, &shop, &s->settings, err))
		return false;
	plans_context(&s->settings, &s->context);
	return plans_load(NULL, &s->settings, s->now, &s->arena, &s->shipped, &s->issues, err) &&
	       plans(s->db, take_standing, s, err);
}

static void session_close(struct session *s)
{
	db_close(s->db);
	arena_release(&s->arena);
	free(s);
}

static bool add(struct session *s, const struct plan *p, struct err *err)
{
	for (size_t i = 0; i < s->count; i++)
		if (str_eq(s->plans[i]->name, p->name))
			return err_set(err, ERR_INPUT, "plan %.*s is named twice", STR_ARG(p->name));
	if (s->count == PLANS_MAX)
		return err_set(err, ERR_LIMIT, "at most %d plans at once", PLANS_MAX);
	s->plans[s->count++] = p;
	return true;
}

/* The shop's own newest version goes before the one shipped: switching off and on again changes no plan. */
static bool add_name(struct session *s, const char *name, struct err *err)
{
	const char *names[64];
	size_t n = 0;
	for (size_t i = 0; i < s->standing_count; i++) {
		const struct standing *x = &s->standing[i];
		if (n < ARRAY_LEN(names))
			names[n++] = arena_cstr(&s->arena, x->name);
		if (!str_is(x->name, name))
			continue;
		const struct plan *p = plan_read(x->name, x->text, &s->context, &s->arena, &s->issues);
		return p ? add(s, p, err)
		         : err_set(err, ERR_WORLD, "plan %s of the database no longer compiles: give its file", name);
	}
	for (size_t i = 0; i < s->shipped.count; i++) {
		if (n < ARRAY_LEN(names))
			names[n++] = arena_cstr(&s->arena, s->shipped.plans[i]->name);
		if (str_is(s->shipped.plans[i]->name, name))
			return add(s, s->shipped.plans[i], err);
	}
	const char *near = str_nearest(str_from(name), names, n, 3);
	if (near)
		return err_set(err, ERR_INPUT, "no plan \"%s\"; did you mean \"%s\"? A file of your own is given by its path",
		               name, near);
	return err_set(err, ERR_INPUT, "no plan \"%s\"; a file of your own is given by its path", name);
}

/* A path has a slash or ends in .yaml; anything else is a name. */
static bool add_argument(struct session *s, const char *text, struct err *err)
{
	struct str t = str_from(text);
	if (!strchr(text, '/') && !str_ends(t, STR(".yaml")) && !str_ends(t, STR(".yml")))
		return add_name(s, text, err);
	if (!plans_load(text, &s->settings, s->now, &s->arena, &s->set, &s->issues, err))
		return false;
	for (size_t i = 0; i < s->set.count; i++)
		if (!add(s, s->set.plans[i], err))
			return false;
	return true;
}

static const struct standing *standing_of(const struct session *s, struct str name)
{
	for (size_t k = 0; k < s->standing_count; k++)
		if (str_eq(s->standing[k].name, name))
			return &s->standing[k];
	return NULL;
}

/* On as it is: nothing to approve. */
static bool unchanged(struct session *s, const struct plan *p)
{
	const struct standing *x = standing_of(s, p->name);
	if (!x || !str_is(x->state, "on"))
		return false;
	const struct plan *stored = plan_read(x->name, x->text, &s->context, &s->arena, &s->issues);
	return stored && stored->hash == p->hash;
}

static bool switch_one(struct session *s, const struct plan *p, enum switch_state to, bool approve, const char *who,
                       struct switch_result *r, const char **state, struct err *err)
{
	static const char *const STATES[] = { "on", "off", "draining" };
	*state = STATES[to];
	if (to != SWITCH_ON)
		return switch_plan(s->db, p->name, to, s->now, err);
	if (approve)
		return approval_give(s->db, p, who, s->now, r, err);
	if (!approval_needed(&s->settings, p) || unchanged(s, p))
		return switch_plan_on(s->db, p, s->now, r, err);
	*state = "waiting";
	return approval_propose(s->db, p, who, s->now, r, err);
}

static bool switch_all(struct session *s, enum switch_state to, bool approve, const char *who, struct table *t,
                       enum format format, struct err *err)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct plan *p = s->plans[i];
		struct switch_result r = { 0 };
		const char *state;
		if (!switch_one(s, p, to, approve, who, &r, &state, err))
			return false;
		if (to != SWITCH_ON && standing_of(s, p->name))
			r.version = standing_of(s, p->name)->version;
		table_text(t, p->name);
		table_cstr(t, state);
		table_int(t, r.version);
		if (format == FORMAT_JSON)
			table_raw(t, r.new_version ? STR("true") : STR("false"));
		else
			table_cstr(t, r.new_version ? "yes" : "no");
	}
	return true;
}

int plan_switch(const char *verb, const char *address, const char *const *names, int count, const char *at,
                const char *by, enum format format)
{
	static const char *const COLUMNS[] = { "plan", "state", "version", "new_version" };
	struct err err;
	struct session *s = mem_alloc(sizeof *s);
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	bool approve = strcmp(verb, "approve") == 0;
	enum switch_state to = approve || strcmp(verb, "on") == 0 ? SWITCH_ON
	                       : strcmp(verb, "off") == 0         ? SWITCH_OFF
	                                                          : SWITCH_DRAIN;
	char who[64];
	if (by)
		snprintf(who, sizeof who, "%.60s", by);
	else
		snprintf(who, sizeof who, "uid %d", (int)getuid());
	bool ok = session_open(s, address, false, at, &err);
	for (int i = 0; i < count && ok; i++)
		ok = add_argument(s, names[i], &err);
	ok = ok && switch_all(s, to, approve, who, t, format, &err);
	if (ok)
		table_print(t, format, stdout);
	table_free(t);
	session_close(s);
	return ok ? EXIT_DONE : cli_fail(&err);
}

static void move_print(const struct move_report *r, bool yes, enum format format)
{
	static const char *const COLUMNS[] = {
		"from_version", "next_step", "to_version", "to_step", "runs", "stays_because"
	};
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < r->line_count; i++) {
		const struct move_line *x = &r->line[i];
		table_int(t, x->from_version);
		table_text(t, x->from_step.n ? x->from_step : STR("(end)"));
		table_int(t, x->stays ? x->from_version : r->to_version);
		table_text(t, x->stays ? x->from_step : x->to_step.n ? x->to_step : STR("(end)"));
		table_int(t, (int64_t)x->runs);
		table_cstr(t, x->stays);
	}
	table_print(t, format, stdout);
	table_free(t);
	if (format == FORMAT_TABLE)
		printf("%llu runs %s to version %u, %llu stay%s\n", (unsigned long long)r->moved, yes ? "moved" : "would move",
		       r->to_version, (unsigned long long)r->stay, yes ? "" : "; --yes does it");
}

int plan_move(const char *address, const char *name, bool yes, const char *at, enum format format)
{
	struct err err;
	char owner[96];
	struct session *s = mem_alloc(sizeof *s);
	struct move_report *r = mem_alloc(sizeof *r);
	bool ok = session_open(s, address, !yes, at, &err) &&
	          move_runs(s->db, &s->settings, str_from(name), !yes, clock_owner(owner), s->now, &s->arena, r, &err);
	if (ok)
		move_print(r, yes, format);
	free(r);
	session_close(s);
	return ok ? EXIT_DONE : cli_fail(&err);
}

static void list_row(const struct session *s, struct table *t, const struct standing *x, const struct plan *p)
{
	char text[40];
	table_text(t, x->name);
	table_text(t, x->state);
	if (x->version) {
		table_int(t, x->version);
		table_cstr(t, instant_local(x->on_since, s->settings.zone, text));
	} else {
		table_null(t);
		table_null(t);
	}
	if (p) {
		table_int(t, p->priority);
		table_int(t, p->step_count);
		table_text(t, p->title[s->settings.locale]);
	} else {
		table_null(t);
		table_null(t);
		table_null(t);
	}
}

int plan_list(const char *address, enum format format)
{
	static const char *const COLUMNS[] = { "plan", "state", "version", "on_since", "priority", "steps", "title" };
	struct err err;
	struct session *s = mem_alloc(sizeof *s);
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	bool ok = session_open(s, address, true, NULL, &err);
	for (size_t i = 0; ok && i < s->standing_count; i++) {
		const struct standing *x = &s->standing[i];
		list_row(s, t, x, plan_read(x->name, x->text, &s->context, &s->arena, &s->issues));
	}
	for (size_t i = 0; ok && i < s->shipped.count; i++) {
		const struct plan *p = s->shipped.plans[i];
		bool known = false;
		for (size_t k = 0; k < s->standing_count; k++)
			known |= str_eq(s->standing[k].name, p->name);
		if (!known)
			list_row(s, t, &(struct standing){ .name = p->name, .state = STR("never on") }, p);
	}
	if (ok)
		table_print(t, format, stdout);
	table_free(t);
	session_close(s);
	return ok ? EXIT_DONE : cli_fail(&err);
}
