/* Plans: listed, shown as a picture with live counts, checked, edited, switched. */
#include "web/plans.h"
#include "web/web_int.h"

#include "app/approval.h"
#include "app/clock.h"
#include "app/switch.h"
#include "engine/plan_words.h"
#include "model/names.h"
#include "store/outbox.h"

EMBEDDED(plans)

#include <stdlib.h>

/* ---- a plan as a picture ---- */

static void put_step(struct buf *b, const struct plan *p, size_t i, enum locale locale, const struct plan_summary *s)
{
	static const char *const ACTIONS[] = { "send", "notify", "tag", "wait" };
	const struct step *st = &p->steps[i];
	struct buf at;
	buf_init(&at, 512);
	step_moment_text(p, st, locale, &at);
	put_open(b, NULL, '{');
	put_str(b, "name", st->name);
	put_cstr(b, "action", ACTIONS[st->action]);
	put_str(b, "at", buf_view(&at));
	if (st->after_days >= 0)
		put_int(b, "after_days", st->after_days);
	else
		put_null(b, "after_days");
	put_int(b, "after_s", st->after_days >= 0 ? 0 : st->after_s);
	put_open(b, "channels", '[');
	for (uint8_t c = 0; c < st->channel_count; c++)
		put_cstr(b, NULL, channel_name((enum channel)st->channels[c]));
	put_close(b, ']');
	put_str(b, "condition", st->condition_text);
	put_str(b, "until", st->wait_text);
	put_str(b, "message", st->variant_count ? st->variants[0].message : STR(""));
	put_open(b, "variants", '[');
	for (uint8_t v = 0; v < st->variant_count; v++)
		put_str(b, NULL, st->variants[v].message);
	put_close(b, ']');
	const struct step_summary none = { 0 }, *n = s ? &s->steps[i] : &none;
	put_int(b, "waiting", n->waiting);
	put_int(b, "queued", n->queued);
	put_int(b, "sent", n->sent);
	put_int(b, "knowable", n->knowable);
	put_int(b, "opened", n->opened);
	put_int(b, "clicked", n->clicked);
	put_close(b, '}');
	buf_release(&at);
}

static const char *exit_word(const struct plan_exit *e)
{
	switch (e->kind) {
	case EXIT_ORDER: return "order";
	case EXIT_CART_PAID: return "cart_paid";
	case EXIT_CART_EMPTIED: return "cart_emptied";
	case EXIT_CART_CHANGED: return "cart_changed";
	case EXIT_EVENT_NAMED: return "event";
	case EXIT_ANSWER: return "answer";
	case EXIT_WHEN: return "when";
	}
	return "";
}

static void put_exits(struct buf *b, const char *key, const struct plan_exit *e, size_t count)
{
	put_open(b, key, '[');
	for (size_t i = 0; i < count; i++) {
		put_open(b, NULL, '{');
		put_cstr(b, "kind", exit_word(&e[i]));
		put_str(b, "text", e[i].kind == EXIT_EVENT_NAMED ? e[i].event : e[i].when_text);
		put_close(b, '}');
	}
	put_close(b, ']');
}

void put_picture(struct buf *b, const struct plan *p, enum locale locale, const struct plan_summary *s)
{
	struct buf trigger;
	buf_init(&trigger, 1024);
	plan_trigger_text(p, locale, &trigger);
	put_str(b, "name", p->name);
	put_str(b, "title", p->title[locale]);
	put_str(b, "trigger", buf_view(&trigger));
	put_str(b, "who", p->who_text);
	put_int(b, "priority", p->priority);
	put_int(b, "smooth_per_day", p->smooth_per_day);
	put_real(b, "control", p->control_per_million / 10000.0);
	put_open(b, "steps", '[');
	for (size_t i = 0; i < p->step_count; i++)
		put_step(b, p, i, locale, s);
	put_close(b, ']');
	put_exits(b, "exits", p->exits, p->exit_count);
	put_exits(b, "goal", p->goal, p->goal_count);
	put_open(b, "counts", '{');
	const struct plan_summary none = { 0 }, *n = s ? s : &none;
	put_int(b, "entered", n->entered);
	put_int(b, "active", n->active);
	put_int(b, "control", n->control);
	put_int(b, "ended", n->ended);
	put_int(b, "exited", n->exited);
	put_int(b, "sent", n->sent);
	put_int(b, "knowable", n->knowable);
	put_int(b, "opened", n->opened);
	put_int(b, "clicked", n->clicked);
	put_int(b, "messages_30d", n->messages_30d);
	put_close(b, '}');
	buf_release(&trigger);
}

static void put_issues(struct buf *b, const struct plan_issues *issues)
{
	put_open(b, "issues", '[');
	for (size_t i = 0; i < issues->count; i++) {
		const struct plan_issue *x = &issues->items[i];
		put_open(b, NULL, '{');
		put_cstr(b, "level", x->level == ISSUE_ERROR ? "error" : "advice");
		put_int(b, "line", x->line);
		put_int(b, "column", x->column);
		put_str(b, "text", x->text);
		put_close(b, '}');
	}
	put_close(b, ']');
}

/* ---- what the shop has: switched on once, drafts, shipped ---- */

struct version_row {
	uint32_t version;
	struct str text, state;
	struct instant on_since;
};

struct standing {
	struct str name, text, draft;
	struct version_row versions[64];
	size_t version_count;
	int family; /* −1: never on */
};

struct standings {
	struct arena *a;
	struct standing *items[PLANS_MAX];
	size_t count;
};

static struct standing *standing_of(struct standings *s, struct str name)
{
	for (size_t i = 0; i < s->count; i++)
		if (str_eq(s->items[i]->name, name))
			return s->items[i];
	if (s->count == PLANS_MAX)
		return NULL;
	struct standing *x = s->items[s->count++] = arena_new(s->a, struct standing);
	x->name = arena_str(s->a, name);
	x->family = -1;
	return x;
}

static bool take_plan(void *ctx, const struct plan_row *p, struct err *err)
{
	struct standings *s = ctx;
	struct standing *x = standing_of(s, p->name);
	if (!x)
		return err_set(err, ERR_LIMIT, "more than %d plans in this shop", PLANS_MAX);
	if (x->family < 0)
		x->family = (int)p->plan_id;
	x->text = arena_str(s->a, p->text);
	if (x->version_count == ARRAY_LEN(x->versions)) /* the oldest are not shown */
		memmove(x->versions, x->versions + 1, --x->version_count * sizeof *x->versions);
	x->versions[x->version_count++] =
		(struct version_row){ p->version, x->text, arena_str(s->a, p->state), p->on_since };
	return true;
}

static bool load_standings(struct request *r, struct db *db, struct standings *s, struct err *err)
{
	*s = (struct standings){ .a = &r->arena };
	if (!plans(db, take_plan, s, err))
		return false;
	for (size_t i = 0; i < plans_file_count; i++) {
		struct str file = str_from(plans_files[i].name);
		struct standing *x = standing_of(s, (struct str){ file.p, file.n - strlen(".yaml") });
		if (x && !x->text.n)
			x->text = (struct str){ (const char *)plans_files[i].data, plans_files[i].size };
	}
	struct query *q = db_query(db, "web_drafts");
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct standing *x = standing_of(s, query_get_text(q, 0));
		if (!x)
			continue;
		x->draft = arena_str(&r->arena, query_get_text(q, 1));
		if (!x->text.n)
			x->text = x->draft;
	}
	return got == 0;
}

static const struct plan *read_plan(struct request *r, struct str name, struct str text, struct plan_issues *issues)
{
	struct expr_context context;
	*issues = (struct plan_issues){ .french = request_locale(r) == LOCALE_FR };
	web_plan_context(r->web, &context);
	context.french = issues->french;
	return plan_read(name, text, &context, &r->arena, issues);
}

static const struct plan_summary *summary_of(const struct summary *s, const struct standing *x)
{
	return x->family >= 0 && (size_t)x->family < s->count ? &s->plans[x->family] : NULL;
}

static void put_state(struct buf *b, const struct standing *x)
{
	const struct version_row *v = x->version_count ? &x->versions[x->version_count - 1] : NULL;
	if (v)
		put_int(b, "version", v->version);
	else
		put_null(b, "version");
	put_str(b, "state", v ? v->state : STR("never"));
	put_instant(b, "on_since", v && str_is(v->state, "on") ? v->on_since : (struct instant){ 0 });
	put_bool(b, "draft", x->draft.n > 0);
}

/* ---- lists and one ---- */

void on_plans(struct request *r)
{
	struct err err;
	struct standings *all = arena_new(&r->arena, struct standings);
	struct plan_issues *issues = arena_new(&r->arena, struct plan_issues);
	const struct summary *s = request_summary(r);
	enum locale locale = request_locale(r);
	struct buf *b = &r->out;
	if (!s || !request_db(r))
		return;
	const struct plan_set *set = r->still->world.plans;
	if (!load_standings(r, r->db, all, &err)) {
		request_err(r, &err);
		return;
	}
	put_open(b, NULL, '{');
	put_open(b, "items", '[');
	for (size_t i = 0; i < all->count; i++) {
		const struct standing *x = all->items[i];
		const struct plan *p = read_plan(r, x->name, x->text, issues);
		const struct plan_summary none = { 0 }, *n = summary_of(s, x);
		n = n ? n : &none;
		put_open(b, NULL, '{');
		put_str(b, "name", x->name);
		put_str(b, "title", p ? p->title[locale] : x->name);
		put_state(b, x);
		put_int(b, "entered", n->entered);
		put_int(b, "active", n->active);
		put_int(b, "control", n->control);
		put_int(b, "messages_30d", n->messages_30d);
		bool known =
			x->family >= 0 && (size_t)x->family < set->count; /* else switched on by another process just now */
		put_int(b, "waiting", known ? (int64_t)r->still->waiting[set->current[x->family]] : 0);
		put_int(b, "priority", p ? p->priority : 0);
		put_int(b, "steps", p ? p->step_count : 0);
		put_close(b, '}');
	}
	put_close(b, ']');
	put_close(b, '}');
	request_send_json(r, 200);
}

static struct standing *named(struct request *r, struct standings *all)
{
	struct err err;
	if (!request_db(r))
		return NULL;
	if (!load_standings(r, r->db, all, &err)) {
		request_err(r, &err);
		return NULL;
	}
	for (size_t i = 0; i < all->count; i++)
		if (str_eq(all->items[i]->name, r->args[0]))
			return all->items[i];
	request_problem(r, 404, "there is no plan of this name");
	return NULL;
}

void on_plan(struct request *r)
{
	struct standings *all = arena_new(&r->arena, struct standings);
	struct plan_issues *issues = arena_new(&r->arena, struct plan_issues);
	const struct standing *x = named(r, all);
	struct buf *b = &r->out;
	const struct summary *s = x ? request_summary(r) : NULL;
	if (!s)
		return;
	struct str text = x->draft.n ? x->draft : x->text;
	const struct plan *p = read_plan(r, x->name, text, issues);
	if (p)
		plan_check(&p, 1, web_thresholds(r->web).average_basket, NULL, NULL, &r->arena, issues);
	put_open(b, NULL, '{');
	if (p)
		put_picture(b, p, request_locale(r), summary_of(s, x));
	else
		put_str(b, "name", x->name);
	put_str(b, "text", text);
	plan_put_form(r, text);
	put_state(b, x);
	put_open(b, "versions", '[');
	for (size_t i = x->version_count; i-- > 0;) {
		put_open(b, NULL, '{');
		put_int(b, "version", x->versions[i].version);
		put_str(b, "state", x->versions[i].state);
		put_instant(b, "on_since", x->versions[i].on_since);
		put_str(b, "text", x->versions[i].text);
		put_close(b, '}');
	}
	put_close(b, ']');
	put_issues(b, issues);
	put_close(b, '}');
	request_send_json(r, 200);
}

void plan_put_checked(struct request *r, struct str text)
{
	struct plan_issues *issues = arena_new(&r->arena, struct plan_issues);
	const struct plan *p = read_plan(r, STR("plan"), text, issues);
	if (p)
		plan_check(&p, 1, web_thresholds(r->web).average_basket, NULL, NULL, &r->arena, issues);
	put_issues(&r->out, issues);
	if (p) {
		put_open(&r->out, "plan", '{');
		put_picture(&r->out, p, request_locale(r), NULL);
		put_close(&r->out, '}');
	} else {
		put_null(&r->out, "plan");
	}
}

void on_plan_check(struct request *r)
{
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *text = member(o, "text");
	if (!text) {
		request_problem(r, 422, "\"text\" is needed: the plan file");
	} else if (request_book(r)) {
		put_open(&r->out, NULL, '{');
		plan_put_checked(r, arena_str(&r->arena, str_from(text)));
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
	json_decref(o);
}

/* ---- editing and switching ---- */

static bool run_draft(struct request *r, const char *query, struct str text, struct err *err)
{
	struct db *db = live_db(r->web->live);
	struct instant now = clock_now();
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, query);
	query_text(q, 1, r->args[0]);
	if (text.n) {
		query_text(q, 2, text);
		query_int(q, 3, now.s);
	}
	bool ok = query_run(q, NULL, err) &&
	          store_audit(db, now, r->who.actor, text.n ? "plan edited" : "draft used",
	                      arena_cstr(&r->arena, r->args[0]), err) &&
	          db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

static bool text_given(struct request *r, const json_t *o, struct str *text)
{
	struct standings *all = arena_new(&r->arena, struct standings);
	const struct standing *x;
	if (!json_object_get(o, "form"))
		return plan_text_of(r, o, STR(""), text);
	return (x = named(r, all)) && plan_text_of(r, o, x->draft.n ? x->draft : x->text, text);
}

void on_plan_put(struct request *r)
{
	struct plan_issues *issues = arena_new(&r->arena, struct plan_issues);
	struct err err;
	json_t *o = request_json(r);
	if (!o)
		return;
	struct str text;
	if (!member(o, "text") && !json_object_get(o, "form")) {
		request_problem(r, 422, "\"text\" is needed, the plan file; or \"form\", its values");
		json_decref(o);
		return;
	}
	if (!text_given(r, o, &text)) {
		json_decref(o);
		return;
	}
	const struct plan *p = read_plan(r, r->args[0], text, issues);
	if (!p) {
		request_problem(r, 422, "the plan has mistakes: see issues");
		r->out.n--; /* the problem goes on */
		put_issues(&r->out, issues);
		put_close(&r->out, '}');
	} else if (!str_eq(p->name, r->args[0])) {
		request_problem(r, 422, "the file is of the plan \"%.*s\": its name never changes; save it under its own",
		                STR_ARG(p->name));
	} else if (!run_draft(r, "web_draft_put", text, &err)) {
		request_err(r, &err);
	} else {
		json_decref(o);
		request_read_on(r, on_plan, LANE_QUICK); /* with counts, which are read beside the turns */
		return;
	}
	json_decref(o);
}

static const char *who_approves(const struct request *r)
{
	return r->who.name[0] ? r->who.name : r->who.actor;
}

static bool already_on(struct request *r, const struct standing *x, const struct plan *p)
{
	struct plan_issues *issues = arena_new(&r->arena, struct plan_issues);
	const struct version_row *v = x->version_count ? &x->versions[x->version_count - 1] : NULL;
	const struct plan *stored = v && str_is(v->state, "on") ? read_plan(r, x->name, v->text, issues) : NULL;
	return stored && stored->hash == p->hash;
}

/* A campaign waits for a second person where the shop wants it. */
static bool switch_on(struct request *r, const struct standing *x, struct err *err)
{
	struct plan_issues *issues = arena_new(&r->arena, struct plan_issues);
	struct switch_result result;
	const struct plan *p = read_plan(r, x->name, x->draft.n ? x->draft : x->text, issues);
	struct db *db = live_db(r->web->live);
	if (!p)
		return err_set(err, ERR_INPUT, "the plan has mistakes; mend it first");
	bool asks = approval_needed(r->web->settings, p) && !already_on(r, x, p);
	bool ok = asks ? approval_propose(db, p, who_approves(r), clock_now(), &result, err)
	               : switch_plan_on(db, p, clock_now(), &result, err);
	return ok && (!x->draft.n || run_draft(r, "web_draft_delete", STR(""), err));
}

/* By a second person: the version that waits is on from now on. */
static bool approve(struct request *r, const struct standing *x, struct err *err)
{
	struct plan_issues *issues = arena_new(&r->arena, struct plan_issues);
	struct switch_result result;
	const struct plan *p = read_plan(r, x->name, x->text, issues);
	if (!p)
		return err_set(err, ERR_INPUT, "the plan has mistakes; mend it first");
	return approval_give(live_db(r->web->live), p, who_approves(r), clock_now(), &result, err);
}

void on_plan_switch(struct request *r)
{
	struct standings *all = arena_new(&r->arena, struct standings);
	struct err err;
	struct db *db = live_db(r->web->live);
	json_t *o = request_json(r);
	const struct standing *x = o ? named(r, all) : NULL;
	const char *to = member(o, "to");
	if (x) {
		char action[32];
		bool known = true, ok = false;
		if (to && strcmp(to, "on") == 0)
			ok = switch_on(r, x, &err);
		else if (to && strcmp(to, "approve") == 0)
			ok = approve(r, x, &err);
		else if (to && strcmp(to, "off") == 0)
			ok = switch_plan(db, x->name, SWITCH_OFF, clock_now(), &err);
		else if (to && strcmp(to, "drain") == 0)
			ok = switch_plan(db, x->name, SWITCH_DRAIN, clock_now(), &err);
		else
			known = false;
		snprintf(action, sizeof action, "plan %s", known ? to : "");
		if (!known)
			request_problem(r, 422, "\"to\" is one of on, off, drain, approve");
		else if (!ok || !db_begin(db, &err) ||
		         !store_audit(db, clock_now(), r->who.actor, action, arena_cstr(&r->arena, x->name), &err) ||
		         !db_commit(db, &err)) {
			db_rollback(db);
			request_err(r, &err);
		} else {
			json_decref(o);
			request_read_on(r, on_plan, LANE_QUICK); /* with counts, which are read beside the turns */
			return;
		}
	}
	json_decref(o);
}
