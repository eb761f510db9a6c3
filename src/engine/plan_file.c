/* The keys of a plan. The schema is strict: what is not in a table is an error with the nearest word. */
#include "base/hash.h"
#include "engine/plan_file_int.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- maps ---- */

static const struct key *key_find(const struct key *keys, size_t count, struct str name, size_t *index)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(name, keys[i].name)) {
			*index = i;
			return &keys[i];
		}
	return NULL;
}

static void key_unknown(struct reader *r, const struct node *k, const struct node *v, const struct node *map,
                        const struct key *keys, size_t count, const char *what)
{
	const char *names[32];
	char list[512];
	size_t used = 0;
	check(count <= ARRAY_LEN(names));
	for (size_t i = 0; i < count; i++) {
		names[i] = keys[i].name;
		if (used < sizeof list)
			used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
	}
	struct str s = k->text;
	if (map->flow && v->kind == NODE_SCALAR && v->text.n == 0 && memchr(s.p, ')', s.n))
		return; /* the rest of a condition cut at its comma: told where the condition begins */
	const char *near = str_nearest(s, names, count, s.n < 6 ? (int)s.n / 2 : 3);
	if (near)
		issue_node(r, k, "no key \"%.*s\" in %s; did you mean \"%s\"?", (int)(s.n < 60 ? s.n : 60), s.p, what, near);
	else
		issue_node(r, k, "no key \"%.*s\" in %s; its keys are: %s", (int)(s.n < 60 ? s.n : 60), s.p, what, list);
}

uint64_t keys_read(struct reader *r, const struct node *map, const struct key *keys, size_t count, const char *what,
                   const char *example)
{
	uint64_t seen = 0;
	if (map->kind == NODE_BAD)
		return 0;
	if (map->kind != NODE_MAP) {
		issue_node(r, map, "%s is written as keys and values; for example: %s", what, example);
		return 0;
	}
	for (const struct node *k = map->first; k && k->next; k = k->next->next) {
		const struct node *v = k->next;
		size_t i = 0;
		if (k->kind != NODE_SCALAR) {
			issue_node(r, k, "a key is a word; for example: %s", example);
			continue;
		}
		const struct key *key = key_find(keys, count, k->text, &i);
		if (!key) {
			key_unknown(r, k, v, map, keys, count, what);
		} else if (seen >> i & 1) {
			issue_node(r, k, "\"%s\" is there twice in %s: keep one", key->name, what);
		} else {
			seen |= UINT64_C(1) << i;
			key->read(r, v);
		}
	}
	return seen;
}

/* ---- plan ---- */

static void plan_name(struct reader *r, const struct node *n)
{
	read_name(r, n, "plan", "win-back", &r->plan->name);
}

static void title_fr(struct reader *r, const struct node *n)
{
	read_scalar(r, n, "fr", "Réveil des inactifs", &r->plan->title[LOCALE_FR]);
}

static void title_en(struct reader *r, const struct node *n)
{
	read_scalar(r, n, "en", "Win-back", &r->plan->title[LOCALE_EN]);
}

static void plan_title(struct reader *r, const struct node *n)
{
	static const struct key KEYS[] = { { "fr", title_fr, "…" }, { "en", title_en, "…" } };
	if (n->kind == NODE_SCALAR) { /* one text for both */
		if (read_scalar(r, n, "title", "{fr: Réveil des inactifs, en: Win-back}", &r->plan->title[LOCALE_FR]))
			r->plan->title[LOCALE_EN] = r->plan->title[LOCALE_FR];
		return;
	}
	keys_read(r, n, KEYS, ARRAY_LEN(KEYS), "a title", "title: {fr: Réveil des inactifs, en: Win-back}");
	for (int i = 0; i < LOCALE_COUNT; i++)
		if (r->plan->title[i].n == 0)
			r->plan->title[i] = r->plan->title[1 - i];
}

static void enter_who(struct reader *r, const struct node *n)
{
	r->plan->who = read_expr(r, n, 0, "who", &r->plan->who_text);
}

static void enter_smooth(struct reader *r, const struct node *n)
{
	struct str s;
	int64_t v = 0;
	if (!read_scalar(r, n, "smooth", "500 per day", &s))
		return;
	struct words w;
	words_split(n, &w);
	bool number = str_i64(words_peek(&w), &v) && v >= 1 && v <= 100000000;
	w.next++;
	bool none = !number && w.count == 1 && str_is(s, "none");
	bool good = none || (number && words_take(&w, "per") && words_take(&w, "day") && w.next == w.count);
	if (!good)
		issue_node(r, n, "\"smooth\": \"%.*s\" is not a number of entries a day; for example: smooth: 500 per day",
		           (int)(s.n < 60 ? s.n : 60), s.p);
	else
		r->plan->smooth_per_day = none ? 0 : (int32_t)v;
}

static void plan_first(struct reader *r, const struct node *n)
{
	r->plan->boost = read_expr(r, n, 0, "first", &r->plan->boost_text);
}

static const char ENTER_EXAMPLE[] = "enter: {when: inactive 6 months, again: after 12 months}";

static void plan_enter(struct reader *r, const struct node *n)
{
	static const struct key KEYS[] = {
		{ "when", read_when, "inactive 6 months" },   { "who", enter_who, "orders >= 2" },
		{ "again", read_again, "after 12 months" },   { "smooth", enter_smooth, "500 per day" },
		{ "first", plan_first, "lifecycle = loyal" },
	};
	uint64_t seen = keys_read(r, n, KEYS, ARRAY_LEN(KEYS), "\"enter\"", ENTER_EXAMPLE);
	if (n->kind == NODE_MAP && !(seen & 1))
		issue_node(r, n, "\"enter\" needs its trigger, \"when\"; for example: %s", ENTER_EXAMPLE);
	if (n->kind == NODE_MAP && r->plan->trigger == TRIGGER_SEGMENT && (seen & 3) == 1)
		issue_node(r, n, "\"when: segment\" needs \"who\": people enter when it becomes true for them");
}

/* ---- exits ---- */

static const struct {
	const char *word;
	enum exit_kind kind;
} EXITS[] = {
	{ "order", EXIT_ORDER },
	{ "cart_paid", EXIT_CART_PAID },
	{ "cart_emptied", EXIT_CART_EMPTIED },
	{ "cart_changed", EXIT_CART_CHANGED },
	{ "answered", EXIT_ANSWER },
};

static void exit_read(struct reader *r, const struct node *n, const char *what, struct plan_exit *list, uint8_t *count)
{
	struct str s;
	if (!read_scalar(r, n, what, "order", &s))
		return;
	if (*count == EXITS_MAX) {
		issue_node(r, n, "\"%s\": at most %d", what, EXITS_MAX);
		return;
	}
	struct plan_exit *e = &list[*count];
	*e = (struct plan_exit){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(EXITS); i++)
		if (str_is(s, EXITS[i].word)) {
			e->kind = EXITS[i].kind;
			(*count)++;
			return;
		}
	struct words w;
	words_split(n, &w);
	if (words_take(&w, "event") && w.count == 2) {
		e->kind = EXIT_EVENT_NAMED;
		e->event = words_peek(&w);
		(*count)++;
	} else if (w.count > 1 && str_is(w.word[0], "when")) {
		e->kind = EXIT_WHEN;
		read_expr_later(r, n, w.at[0] + 4, "when", &e->when, &e->when_text);
		(*count)++;
	} else {
		const char *words[ARRAY_LEN(EXITS)];
		for (size_t i = 0; i < ARRAY_LEN(EXITS); i++)
			words[i] = EXITS[i].word;
		const char *near = str_nearest(s, words, ARRAY_LEN(words), 2);
		issue_node(r, n,
		           "\"%s\": no word \"%.*s\"; %s%s%swrite order, cart_paid, cart_emptied, cart_changed, answered, "
		           "event NAME or when CONDITION",
		           what, (int)(s.n < 60 ? s.n : 60), s.p, near ? "did you mean \"" : "", near ? near : "",
		           near ? "\"? " : "");
	}
}

static void exits_read(struct reader *r, const struct node *n, const char *what, struct plan_exit *list, uint8_t *count)
{
	if (n->kind != NODE_LIST) {
		exit_read(r, n, what, list, count);
		return;
	}
	for (const struct node *c = n->first; c; c = c->next)
		exit_read(r, c, what, list, count);
}

static void plan_goal(struct reader *r, const struct node *n)
{
	exits_read(r, n, "goal", r->plan->goal, &r->plan->goal_count);
}

static void plan_exits(struct reader *r, const struct node *n)
{
	exits_read(r, n, "exit", r->plan->exits, &r->plan->exit_count);
}

/* ---- figures ---- */

static void plan_control(struct reader *r, const struct node *n)
{
	struct place at = place_of(r->text, n->offset);
	r->plan->control_line = at.line;
	r->plan->control_column = at.column;
	if (read_per_million(r, n, "control", "10%", &r->plan->control_per_million))
		r->control_given = true;
}

static void plan_priority(struct reader *r, const struct node *n)
{
	int64_t v;
	if (read_int(r, n, "priority", "40", 0, 1000, &v))
		r->plan->priority = (int32_t)v;
}

static void plan_hour(struct reader *r, const struct node *n)
{
	r->hour_given = read_hour(r, n, "hour", "10:00", &r->plan->hour_s);
}

static void plan_late(struct reader *r, const struct node *n)
{
	read_duration(r, n, "late", "1 day", &r->plan->late_s);
}

static void plan_max(struct reader *r, const struct node *n)
{
	int64_t v;
	if (read_int(r, n, "max_messages", "3", 1, STEPS_MAX, &v))
		r->plan->max_messages = (int32_t)v;
}

static void plan_budget(struct reader *r, const struct node *n)
{
	struct str s;
	if (!read_scalar(r, n, "budget", "200 EUR per month", &s))
		return;
	struct node sum = *n;
	static const struct {
		const char *end;
		bool total;
	} ENDS[] = { { " per month", false }, { " a month", false }, { " in all", true } };
	struct place at = place_of(r->text, n->offset);
	r->plan->budget_line = at.line;
	r->plan->budget_column = at.column;
	bool said = false;
	for (size_t i = 0; i < ARRAY_LEN(ENDS) && !said; i++)
		if (str_ends(s, str_from(ENDS[i].end))) {
			said = true;
			r->plan->budget_total = ENDS[i].total;
			sum.text = (struct str){ s.p, s.n - strlen(ENDS[i].end) };
		}
	if (!said) {
		issue_node(r, n,
		           "\"budget\": \"%.*s\" does not say for how long; write budget: 200 EUR per month, or 200 EUR in all",
		           (int)(s.n < 60 ? s.n : 60), s.p);
		return;
	}
	if (read_money(r, &sum, "budget", "200 EUR per month", &r->plan->budget) && r->plan->budget == 0)
		issue_node(r, n, "\"budget\": nothing could be sent; leave the key out for no limit");
}

static void blackout_days(struct reader *r, const struct node *n)
{
	struct str s;
	struct date from, to;
	struct plan *p = r->plan;
	if (!read_scalar(r, n, "blackout", "[2026-12-24..2026-12-26]", &s))
		return;
	bool range = s.n == 22 && memcmp(s.p + 10, "..", 2) == 0;
	bool good = date_parse((struct str){ s.p, s.n < 10 ? s.n : 10 }, &from) && (range || s.n == 10);
	to = from;
	if (good && range)
		good = date_parse((struct str){ s.p + 12, 10 }, &to) && to.day >= from.day;
	if (!good) {
		issue_node(r, n,
		           "\"blackout\": \"%.*s\" is not a day; for example: blackout: [2026-12-25, 2026-12-31..2027-01-02]",
		           (int)(s.n < 60 ? s.n : 60), s.p);
		return;
	}
	if ((size_t)(to.day - from.day) >= ARRAY_LEN(p->blackout) - p->blackout_count) {
		issue_node(r, n, "\"blackout\": at most %zu days in all", ARRAY_LEN(p->blackout));
		return;
	}
	for (int32_t d = from.day; d <= to.day; d++)
		p->blackout[p->blackout_count++] = (struct date){ d };
}

static int date_order(const void *a, const void *b)
{
	const struct date *x = a, *y = b;
	return (x->day > y->day) - (x->day < y->day);
}

static void plan_blackout(struct reader *r, const struct node *n)
{
	if (n->kind == NODE_LIST)
		for (const struct node *c = n->first; c; c = c->next)
			blackout_days(r, c);
	else
		blackout_days(r, n);
	qsort(r->plan->blackout, r->plan->blackout_count, sizeof(struct date), date_order);
}

static void plan_experiment(struct reader *r, const struct node *n)
{
	read_name(r, n, "experiment", "spring-test", &r->plan->experiment);
}

static void plan_purpose(struct reader *r, const struct node *n)
{
	static const char *const WORDS[] = { "marketing", "service" };
	int v;
	if (read_word(r, n, "purpose", WORDS, ARRAY_LEN(WORDS), &v))
		r->plan->purpose = (uint8_t)v;
}

static void plan_note(struct reader *r, const struct node *n)
{
	read_scalar(r, n, "version", "\"longer validity\"", &r->plan->note);
}

static void plan_by(struct reader *r, const struct node *n)
{
	r->plan_by = n;
}

enum { KEY_PLAN = 0, KEY_ENTER = 2, KEY_STEPS = 3 };
static const struct key PLAN_KEYS[] = {
	[KEY_PLAN] = { "plan", plan_name, "win-back" },
	{ "title", plan_title, "{fr: …, en: …}" },
	[KEY_ENTER] = { "enter", plan_enter, "{when: inactive 6 months}" },
	[KEY_STEPS] = { "steps", read_steps, "- {at: J, send: winback-1}" },
	{ "goal", plan_goal, "order" },
	{ "exit", plan_exits, "order" },
	{ "control", plan_control, "10%" },
	{ "priority", plan_priority, "40" },
	{ "hour", plan_hour, "10:00" },
	{ "late", plan_late, "1 day" },
	{ "max_messages", plan_max, "3" },
	{ "budget", plan_budget, "200 EUR per month" },
	{ "blackout", plan_blackout, "[2026-12-25]" },
	{ "first", plan_first, "lifecycle = loyal" },
	{ "experiment", plan_experiment, "spring-test" },
	{ "purpose", plan_purpose, "marketing" },
	{ "version", plan_note, "\"what changed\"" },
	{ "by", plan_by, "[email]" },
};

static void plan_defaults(struct reader *r)
{
	struct plan *p = r->plan;
	*p = (struct plan){ .file = r->file, .text = arena_str(r->arena, r->text), .again_months = -1, .again_days = -1 };
	p->once = DATE_UNKNOWN;
	p->hour_s = 10 * HOUR_S;
	p->late_s = DAY_S;
	p->priority = 50;
	p->version = 1;
	p->yearly = YEARLY_DATE;
}

/* Whoever may enter twice when the plan does not say. */
static void again_default(struct plan *p)
{
	p->again_each_year = p->trigger == TRIGGER_BIRTHDAY || p->trigger == TRIGGER_DATED_EVENT;
	switch (p->trigger) {
	case TRIGGER_ORDER:
	case TRIGGER_CART:
	case TRIGGER_EVENT:
	case TRIGGER_BIRTHDAY:
	case TRIGGER_DATED_EVENT:
	case TRIGGER_YEARLY:
	case TRIGGER_LIFETIME: p->again_months = p->again_days = 0; break;
	case TRIGGER_INACTIVE:
	case TRIGGER_FIRST_ORDER:
	case TRIGGER_WELCOME:
	case TRIGGER_ONCE:
	case TRIGGER_SEGMENT: p->again_months = p->again_days = -1; break;
	}
}

static uint8_t expr_news(const struct expr *e)
{
	struct expr_needs n = expr_needs(e);
	bool more = n.time || n.messages || n.consents || n.profile || n.products || n.lifecycle_thresholds;
	return (uint8_t)((n.orders ? NEWS_ORDERS : 0) | (n.carts ? NEWS_CARTS : 0) | (n.events ? NEWS_EVENTS : 0) |
	                 (more ? NEWS_MORE : 0));
}

static uint8_t exit_news(const struct plan_exit *e)
{
	switch (e->kind) {
	case EXIT_ORDER: return NEWS_ORDERS;
	case EXIT_CART_PAID:
	case EXIT_CART_EMPTIED:
	case EXIT_CART_CHANGED: return NEWS_CARTS;
	case EXIT_EVENT_NAMED: return NEWS_EVENTS;
	case EXIT_ANSWER: return NEWS_MORE;
	case EXIT_WHEN: break;
	}
	return expr_news(e->when);
}

static void plan_finish(struct reader *r)
{
	struct plan *p = r->plan;
	if (!r->again_given)
		again_default(p);
	if (!r->control_given) /* a marketing plan is measured unless switched off; service messages have no control group
	                        */
		p->control_per_million = p->purpose == PURPOSE_SERVICE ? 0 : 100000;
	else if (p->purpose == PURPOSE_SERVICE && p->control_per_million)
		issue_put(r->issues, r->arena, ISSUE_ERROR, r->file, p->control_line, p->control_column,
		          "\"control\": service messages have no control group: leave the key out");
	if (p->title[LOCALE_FR].n == 0)
		p->title[LOCALE_FR] = p->title[LOCALE_EN] = p->name;
	steps_finish(r);
	read_deferred(r);
	p->draw_key = hash_str(p->experiment.n ? p->experiment : p->name);
	p->hash = plan_hash(p);
	p->who_news = expr_news(p->who);
	for (int i = 0; i < p->goal_count; i++)
		p->exit_news |= exit_news(&p->goal[i]);
	for (int i = 0; i < p->exit_count; i++)
		p->exit_news |= exit_news(&p->exits[i]);
}

static int issue_order(const void *a, const void *b)
{
	const struct plan_issue *x = a, *y = b;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return str_cmp(x->text, y->text);
}

const struct plan *plan_read(struct str file, struct str text, const struct expr_context *context, struct arena *a,
                             struct plan_issues *issues)
{
	struct reader r = { .arena = a, .issues = issues, .file = arena_str(a, file), .text = text, .context = context };
	size_t before = issues->errors, first = issues->count;
	const struct node *root = node_read(&r);
	if (!root)
		return NULL;
	r.plan = arena_new(a, struct plan);
	plan_defaults(&r);
	uint64_t seen = keys_read(&r, root, PLAN_KEYS, ARRAY_LEN(PLAN_KEYS), "a plan", "plan: win-back");
	if (root->kind == NODE_MAP) {
		static const int NEEDED[] = { KEY_PLAN, KEY_ENTER, KEY_STEPS };
		for (size_t i = 0; i < ARRAY_LEN(NEEDED); i++)
			if (!(seen >> NEEDED[i] & 1))
				issue_node(&r, root, "the key \"%s\" is missing; for example: %s: %s", PLAN_KEYS[NEEDED[i]].name,
				           PLAN_KEYS[NEEDED[i]].name, PLAN_KEYS[NEEDED[i]].example);
		plan_finish(&r);
	}
	qsort(issues->items + first, issues->count - first, sizeof *issues->items, issue_order);
	return issues->errors > before ? NULL : r.plan;
}
