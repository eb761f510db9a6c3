/* relance why: the story of one person: what was decided, when and why; and what the plans say of them now. */
#include "app/clock.h"
#include "app/courier.h"
#include "app/live_int.h"
#include "cli/cli.h"
#include "model/names.h"

#include <stdlib.h>

int cmd_why(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "why DB CUSTOMER",
	.text =
		"Everything decided about one person, with reasons, and where each plan stands with them now. CUSTOMER is the\n"
		"shop's own number, #N (ours), or an e-mail address.",
	.example = "relance why shop.db 17850",
	.positional_min = 2,
	.positional_max = 2,
};

/* A message of the person, and which variant it was. */
struct told {
	struct message_key key;
	struct str variant, waits; /* waits: why it has not left; empty: it has, or just waits for its hour */
};

struct story {
	struct arena arena;
	struct told *told;
	size_t told_count, told_cap;
	struct table *decisions;
	zone_id zone;
	enum locale locale;
};

static bool take_key(void *ctx, const struct outbox_message *m, struct err *err)
{
	struct story *s = ctx;
	(void)err;
	s->told = mem_grow(s->told, &s->told_cap, s->told_count + 1, sizeof *s->told);
	struct told *t = &s->told[s->told_count++];
	*t = (struct told){ .key = m->key };
	t->key.plan = arena_str(&s->arena, m->key.plan);
	t->key.step = arena_str(&s->arena, m->key.step);
	return true;
}

static bool read_variants(struct story *s, struct db *db, customer_id c, struct err *err)
{
	bool ok = outbox_messages(db, c, c, take_key, s, err);
	for (size_t i = 0; i < s->told_count && ok; i++) {
		struct outbox_message m;
		bool found;
		ok = outbox_message(db, &s->told[i].key, &s->arena, &m, &found, err);
		if (ok && found)
			s->told[i].variant = courier_variant(m.content, &s->arena);
		if (ok && found && m.state <= MESSAGE_DEFERRED && m.state != MESSAGE_ACCEPTED && m.outcome.n)
			s->told[i].waits = arena_printf(&s->arena, "%s: %.*s", message_state_name(m.state), STR_ARG(m.outcome));
	}
	return ok;
}

static const struct told *told_of(const struct story *s, const struct outbox_decision *d)
{
	for (size_t i = 0; i < s->told_count && d->verdict == VERDICT_SEND; i++) {
		const struct message_key *k = &s->told[i].key;
		if (k->customer == d->customer && k->run_no == d->run_no && (int)k->channel == d->channel &&
		    str_eq(k->plan, d->plan) && str_eq(k->step, d->step))
			return &s->told[i];
	}
	return NULL;
}

static bool add_decision(void *ctx, const struct outbox_decision *d, struct err *err)
{
	struct story *s = ctx;
	struct buf reason;
	char at[40];
	(void)err;
	buf_init(&reason, 1024);
	reason_text(d->reason, d->argument, s->zone, s->locale, &reason);
	table_cstr(s->decisions, instant_local(d->first_at, s->zone, at));
	table_text(s->decisions, d->plan);
	table_int(s->decisions, d->version);
	table_int(s->decisions, d->run_no);
	table_text(s->decisions, d->step.n ? d->step : STR("-"));
	table_cstr(s->decisions, verdict_name(d->verdict));
	table_cstr(s->decisions, d->channel < CHANNEL_COUNT ? channel_name((enum channel)d->channel) : NULL);
	const struct told *told = told_of(s, d);
	if (told && told->variant.n)
		table_text(s->decisions, told->variant);
	else
		table_null(s->decisions);
	if (told)
		buf_str(&reason, told->waits);
	table_text(s->decisions, buf_view(&reason));
	table_int(s->decisions, d->times);
	buf_release(&reason);
	return true;
}

/* When the engine will look at the person again, asked of a copy: nothing is decided by looking. */
static uint32_t next_look(const struct live *l, customer_id c, struct instant now)
{
	const struct pstate *s = &l->states[c];
	struct decisions none = { 0 };
	struct pstate copy = *s;
	copy.runs = mem_alloc((size_t)s->run_cap * sizeof *copy.runs + 1);
	copy.sent = mem_alloc((size_t)s->sent_cap * sizeof *copy.sent + 1);
	if (s->run_count)
		memcpy(copy.runs, s->runs, s->run_count * sizeof *copy.runs);
	if (s->sent_count)
		memcpy(copy.sent, s->sent, s->sent_count * sizeof *copy.sent);
	engine_person(&l->world, c, &copy, now, &none);
	uint32_t wake = copy.wake;
	pstate_release(&copy);
	decisions_release(&none);
	return wake;
}

/* Where a plan stands with the person: said in one sentence. */
static void stands(const struct world *w, customer_id c, const struct pstate *s, uint16_t plan, struct instant now,
                   uint32_t wake, zone_id zone, struct buf *out)
{
	const struct plan *p = w->plans->plans[plan];
	char at[40];
	for (uint16_t i = s->run_count; i-- > 0;) {
		const struct run *r = &s->runs[i];
		if (w->plans->family[r->plan] != w->plans->family[plan] || r->state != RUN_ACTIVE)
			continue;
		const struct plan *on = w->plans->plans[r->plan];
		buf_printf(out, "in run %u%s", r->run_no, r->control ? ", in the control group" : "");
		if (r->step < on->step_count)
			buf_printf(out, ", next step %.*s", STR_ARG(on->steps[r->step].name));
		if (r->queued)
			buf_cstr(out, ", its message is queued");
		else if (wake != UINT32_MAX)
			buf_printf(out, ", looked at again %s", instant_local((struct instant){ wake }, zone, at));
		return;
	}
	if (!w->plans->on[plan])
		buf_cstr(out, "the plan is off");
	else if (engine_candidate(w, c, s, plan, now))
		buf_cstr(out, p->smooth_per_day ? "would enter: waits for a smoothing slot" : "would enter now");
	else
		buf_cstr(out, "not in it: its trigger has not been reached, or its audience does not hold");
}

static void print_json(const struct table *decisions, const struct table *plans_now, struct str who, const char *phase)
{
	struct buf b;
	buf_init(&b, SIZE_MAX / 2);
	buf_cstr(&b, "{\"customer\": ");
	buf_json(&b, who);
	buf_printf(&b, ", \"phase\": \"%s\", \"decisions\": ", phase);
	table_json(decisions, &b);
	buf_cstr(&b, ", \"plans\": ");
	table_json(plans_now, &b);
	buf_cstr(&b, "}\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static bool tell(struct live *l, customer_id c, struct str who, struct instant now, enum format format, struct err *err)
{
	static const char *const COLUMNS[] = { "at",      "plan",    "version", "run",    "step",
		                                   "verdict", "channel", "variant", "reason", "times" };
	static const char *const PLANS[] = { "plan", "now" };
	struct view v;
	struct lifecycle life;
	view_at(&v, l->world.version, c, now);
	struct date today = zone_date(l->shop.settings.zone, now);
	lifecycle_of(&v, l->shop.settings.zone, today, &l->thresholds, &l->shop.settings.lifecycle, &life);
	struct story s = { .decisions = table_new(COLUMNS, ARRAY_LEN(COLUMNS)),
		               .zone = view_profile(&v)->zone,
		               .locale = LOCALE_EN };
	struct table *plans_now = table_new(PLANS, ARRAY_LEN(PLANS));
	arena_init(&s.arena);
	customer_id *records;
	size_t count;
	bool ok = store_records(l->shop.db, c, &s.arena, &records, &count, err);
	for (size_t i = 0; i < count && ok; i++)
		ok = read_variants(&s, l->shop.db, records[i], err);
	ok = ok && outbox_decisions(l->shop.db, c, add_decision, &s, err);
	uint32_t wake = next_look(l, c, now);
	for (uint16_t i = 0; i < l->plans->count && ok; i++) {
		if (l->plans->current[i] != i)
			continue;
		struct buf b;
		buf_init(&b, 4096);
		stands(&l->world, c, &l->states[c], i, now, wake, s.zone, &b);
		table_text(plans_now, l->plans->plans[i]->name);
		table_text(plans_now, buf_view(&b));
		buf_release(&b);
	}
	if (ok && format == FORMAT_JSON) {
		print_json(s.decisions, plans_now, who, phase_name(life.phase));
	} else if (ok) {
		if (format == FORMAT_TABLE)
			printf("%.*s: %s, %u orders\n\n", STR_ARG(who), phase_name(life.phase), life.orders);
		table_print(s.decisions, format, stdout);
		if (format == FORMAT_TABLE) {
			puts("");
			table_print(plans_now, format, stdout);
		}
	}
	table_free(s.decisions);
	free(s.told);
	arena_release(&s.arena);
	table_free(plans_now);
	return ok;
}

int cmd_why(int argc, char **argv)
{
	const char *at = NULL, *where[2];
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = {
		{ "--at", OPT_TEXT, &at, "TIME", "where the plans stand as of this instant (default: now)" },
		{ "--format", OPT_FORMAT, &format, "F", "table, csv or json" },
	};
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	struct err err;
	customer_id c;
	struct instant now = { 0 };
	struct live *l = live_open_for(where[0], str_from(where[1]), &c, &err);
	bool ok = l && clock_at(at, l->shop.shop.zone, &now, &err) && tell(l, c, str_from(where[1]), now, format, &err);
	live_close(l);
	return ok ? EXIT_DONE : cli_fail(&err);
}
