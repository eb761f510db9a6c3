/* One person at one instant. In this order: what ended (exits, goals), what begins (triggers), what is due (steps, the
 * plan of highest priority first, so that pressure falls on the others); then when to look again. */
#include "engine/engine_int.h"

#include "base/hash.h"
#include "engine/guard.h"
#include "engine/trigger.h"

#include <stdlib.h>

enum { ROUNDS_MAX = 4 * STEPS_MAX };

/* ---- what need not be asked again ---- */

static int news_since(const struct view *v, uint32_t at)
{
	int news = 0;
	if (v->order1 > v->order0 && v->k->order_at[v->order1 - 1] > at)
		news |= NEWS_ORDERS;
	if (v->cart1 > v->cart0 && v->k->carts[v->cart1 - 1].at > at)
		news |= NEWS_CARTS;
	if (v->event1 > v->event0 && v->k->events[v->event1 - 1].at > at)
		news |= NEWS_EVENTS;
	return news;
}

/* ---- the outputs ---- */

static void decide(struct decisions *out, const struct decision *d)
{
	out->items = mem_grow(out->items, &out->cap, out->count + 1, sizeof *out->items);
	out->items[out->count++] = *d;
}

/* ---- the person at the instant ---- */

void person_init(struct turn *t, const struct world *w, customer_id c, struct pstate *state, struct instant now,
                 struct decisions *out)
{
	*t = (struct turn){ .w = w, .state = state, .out = out, .wake = UINT32_MAX, .quiet = w->quiet };
	t->s.book = w->book;
	t->s.version = w->version;
	view_at(&t->s.view, w->version, c, now);
	t->s.state = state;
	t->s.thresholds = w->thresholds;
	t->s.zone = view_profile(&t->s.view)->zone;
	t->s.today = zone_date(t->s.zone, now);
	t->s.assume_consent = w->assume_consent;
	t->s.plans = w->words;
}

static void wake_at(struct turn *t, int64_t at)
{
	if (at > t->s.view.now.s && at < t->wake)
		t->wake = at;
}

void person_say(struct turn *t, const struct run *r, int step, enum verdict v, enum reason reason, int64_t argument)
{
	decide(t->out, &(struct decision){ .at = t->s.view.now,
	                                   .customer = t->s.view.customer,
	                                   .plan = r->plan,
	                                   .run_no = r->run_no,
	                                   .step = (int16_t)step,
	                                   .verdict = (uint8_t)v,
	                                   .reason = (uint8_t)reason,
	                                   .channel = CHANNEL_COUNT,
	                                   .argument = argument });
}

const struct plan *person_plan(const struct turn *t, const struct run *r)
{
	return t->w->plans->plans[r->plan];
}

/* ---- entries ---- */

struct history {
	const struct run *last;
	bool active, same;       /* an active run; a run about the same subject and event */
	uint16_t runs, messages; /* messages: about the same subject */
};

static struct history history_of(const struct turn *t, uint16_t plan, const struct firing *f)
{
	struct history h = { 0 };
	uint16_t family = t->w->plans->family[plan];
	for (uint16_t i = 0; i < t->state->run_count; i++) {
		const struct run *r = &t->state->runs[i];
		if (t->w->plans->family[r->plan] != family)
			continue;
		h.runs++;
		h.last = r;
		bool about = f->subject == 0 || r->subject == f->subject;
		h.active |= r->state == RUN_ACTIVE && (about || !f->subject);
		h.same |= f->subject && about && r->anchor_at == (uint32_t)f->anchor.s;
		if (f->subject && about)
			for (uint16_t k = 0; k < t->state->sent_count; k++) {
				const struct sent *m = &t->state->sent[k];
				h.messages += t->w->plans->family[m->plan] == family && m->run_no == r->run_no &&
				              (m->state == SENT_ACCEPTED || m->state == SENT_QUEUED || m->state == SENT_UNCERTAIN);
			}
	}
	return h;
}

/* On the day of what fired, not of the look: an event of a day on which nobody might enter does not enter the day after
 * it, because something else happened then. */
static bool may_enter_again(const struct turn *t, const struct plan *p, const struct history *h, const struct firing *f)
{
	if (!h->last)
		return true;
	struct date last = zone_date(t->s.zone, (struct instant){ h->last->entered_at });
	struct date day = f->state ? t->s.today : zone_date(t->s.zone, f->at);
	if (p->again_each_year) {
		int y1, y2, m, d;
		date_ymd(last, &y1, &m, &d);
		date_ymd(day, &y2, &m, &d);
		return y1 < y2;
	}
	if (p->again_months < 0 || p->again_days < 0)
		return false;
	return date_add_months(last, p->again_months).day + p->again_days <= day.day;
}

/* When re-entry is next possible for a state trigger, so that the person is looked at again then. */
static void wake_for_again(struct turn *t, const struct plan *p, const struct history *h)
{
	if (!h->last || h->active || p->again_each_year || p->again_months < 0 || p->again_days < 0)
		return;
	struct date last = zone_date(t->s.zone, (struct instant){ h->last->entered_at });
	struct date from = { date_add_months(last, p->again_months).day + p->again_days };
	wake_at(t, zone_instant(t->s.zone, from, 0).s);
}

static bool only_service(const struct plan *p)
{
	for (uint8_t i = 0; i < p->step_count; i++)
		if (p->steps[i].action == STEP_SEND && p->steps[i].purpose == PURPOSE_MARKETING)
			return false;
	return true;
}

static struct run run_for(const struct turn *t, uint16_t plan, const struct firing *f, const struct history *h)
{
	int64_t from = f->state ? t->s.view.now.s : f->at.s;
	return (struct run){ .subject = f->subject,
		                 .entered_at = (uint32_t)from,
		                 .plan = plan,
		                 .anchor_at = (uint32_t)(f->state ? from : f->anchor.s),
		                 .run_no = (uint16_t)(h->runs + 1),
		                 .day = zone_date(t->s.zone, (struct instant){ from }).day };
}

static void enter(struct turn *t, uint16_t plan, const struct firing *f, const struct history *h, enum reason reason)
{
	const struct plan *p = t->w->plans->plans[plan];
	struct run *r = pstate_add_run(t->state);
	*r = run_for(t, plan, f, h);
	uint64_t draw = draw_u64(t->w->seed, DRAW_CONTROL, p->draw_key, t->s.view.customer, 0, 0);
	r->control = !only_service(p) && draw_per_million(draw) < p->control_per_million;
	r = pstate_place_run(t->state, t->w->plans);
	person_say(t, r, -1, r->control ? VERDICT_CONTROL : VERDICT_ENTERED, reason, 0);
}

struct entering {
	struct turn *t;
	uint16_t plan;
	bool granted, entered;
	bool open;            /* a firing was not taken, and may still be */
	bool just_ask, would; /* engine_candidate */
};

static int64_t value_of(const struct view *v)
{
	int64_t sum = 0;
	for (uint32_t o = v->order0; o < v->order1; o++)
		if (__builtin_add_overflow(sum, order_total(v->k, o), &sum))
			return INT64_MAX;
	return sum;
}

static void propose(struct turn *t, uint16_t plan)
{
	struct decisions *d = t->out;
	d->proposals = mem_grow(d->proposals, &d->proposal_cap, d->proposal_count + 1, sizeof *d->proposals);
	d->proposals[d->proposal_count++] =
		(struct proposal){ .customer = t->s.view.customer, .plan = plan, .value = value_of(&t->s.view) };
}

/* `who` may turn true by the passing of time alone: state triggers are looked at again at the next shop day. */
static void wake_for_who(struct turn *t, const struct plan *p)
{
	if (p->trigger == TRIGGER_INACTIVE && p->who && expr_needs(p->who).time) {
		struct date last = last_sale_date(&t->s.view, t->w->settings->zone);
		if (!date_known(last))
			return;
		/* lifecycle phases change on the same anniversaries of the last order: months from 1 to the former threshold */
		struct date today = zone_date(t->w->settings->zone, t->s.view.now);
		for (int m = p->months; m <= t->w->settings->lifecycle.former_months; m++) {
			struct date d = date_add_months(last, m);
			if (d.day > today.day) {
				wake_at(t, zone_instant(t->w->settings->zone, d, 0).s);
				return;
			}
		}
	}
}

static void fired(void *ctx, const struct firing *f)
{
	struct entering *e = ctx;
	struct turn *t = e->t;
	const struct plan *p = t->w->plans->plans[e->plan];
	struct history h = history_of(t, e->plan, f);
	bool never_again = !p->again_each_year && (p->again_months < 0 || p->again_days < 0);
	e->open |= !h.same && !(h.last && never_again);
	if (h.active || h.same || (p->max_messages > 0 && f->subject && h.messages >= p->max_messages))
		return;
	if (!may_enter_again(t, p, &h, f)) {
		if (f->state)
			wake_for_again(t, p, &h);
		return;
	}
	if (!expr_holds(p->who, &t->s)) {
		if (f->state && !e->just_ask)
			wake_for_who(t, p);
		return;
	}
	if (e->just_ask) {
		e->would = true;
		return;
	}
	if (p->smooth_per_day > 0 && !e->granted) {
		propose(t, e->plan);
		return;
	}
	enter(t, e->plan, f, &h, e->granted ? REASON_GRANTED : REASON_TRIGGER);
	e->entered = true;
}

/* Nothing fired that could still be taken, nothing it reads has come, and its next firing is later. */
static bool trigger_quiet(const struct turn *t, size_t plan, int news)
{
	return t->quiet && t->quiet[1 + plan] > t->s.view.now.s && !(news & trigger_reads(t->w->plans->plans[plan]));
}

static uint32_t quiet_until(struct instant next)
{
	return next.s < UINT32_MAX ? (uint32_t)next.s : UINT32_MAX;
}

/* True when a run began. */
static bool check_entries(struct turn *t, int news)
{
	const struct plan_set *set = t->w->plans;
	uint16_t before = t->state->run_count;
	uint32_t *all = t->quiet ? &t->quiet[1 + set->count] : NULL, earliest = UINT32_MAX;
	if (all && !news && *all > t->s.view.now.s) {
		wake_at(t, *all);
		return false;
	}
	for (size_t i = 0; i < set->count; i++) {
		if (!set->on[i] || set->draining[i] || set->current[i] != i)
			continue;
		if (trigger_quiet(t, i, news)) {
			wake_at(t, t->quiet[1 + i]);
			earliest = t->quiet[1 + i] < earliest ? t->quiet[1 + i] : earliest;
			continue;
		}
		struct entering e = { .t = t, .plan = (uint16_t)i };
		struct instant next = trigger_look(t->w, &t->s, (uint16_t)i, fired, &e);
		if (next.s != INSTANT_NEVER.s)
			wake_at(t, next.s);
		if (t->quiet) {
			t->quiet[1 + i] = e.open || trigger_sees_no_further(set->plans[i], next) ? 0 : quiet_until(next);
			earliest = t->quiet[1 + i] < earliest ? t->quiet[1 + i] : earliest;
		}
	}
	if (all)
		*all = earliest;
	return t->state->run_count > before;
}

/* ---- steps ---- */

void person_next_step(struct turn *t, struct run *r, bool held)
{
	const struct step *st = &person_plan(t, r)->steps[r->step];
	bool taken = !held;
	if (taken && st->ends_run)
		r->step = person_plan(t, r)->step_count;
	else if (taken && st->goto_step > r->step)
		r->step = (uint8_t)st->goto_step;
	else
		r->step++;
	r->hold_until = 0;
	r->held_reason = 0;
	if (taken)
		r->last_done_at = (uint32_t)t->s.view.now.s;
}

void person_skip(struct turn *t, struct run *r, enum verdict v, enum reason reason, int64_t argument)
{
	person_say(t, r, r->step, v, reason, argument);
	person_next_step(t, r, true);
}

void person_hold(struct turn *t, struct run *r, enum reason reason, int64_t until)
{
	if (r->held_reason != (uint8_t)reason) {
		r->held_reason = (uint8_t)reason;
		person_say(t, r, r->step, VERDICT_HELD, reason, until);
	}
	r->hold_until = until > t->s.view.now.s && until < UINT32_MAX ? (uint32_t)until : 0;
}

/* A message of a plan with a budget asks first; the newest version's budget counts for all runs of the plan. */
static bool ask_money(struct turn *t, const struct run *r, enum channel channel)
{
	const struct plan_set *set = t->w->plans;
	int64_t cost = t->w->settings->channel_cost[channel];
	if (set->plans[set->current[r->plan]]->budget == 0 || cost <= 0)
		return false;
	struct decisions *d = t->out;
	d->spends = mem_grow(d->spends, &d->spend_cap, d->spend_count + 1, sizeof *d->spends);
	d->spends[d->spend_count++] = (struct spend){ .customer = t->s.view.customer,
		                                          .plan = r->plan,
		                                          .run_no = r->run_no,
		                                          .step = r->step,
		                                          .channel = (uint8_t)channel,
		                                          .at = t->s.view.now,
		                                          .cost = cost,
		                                          .value = value_of(&t->s.view) };
	t->asks_money = true;
	return true;
}

static void send(struct turn *t, struct run *r, enum channel channel)
{
	const struct plan *p = person_plan(t, r);
	const struct step *st = &p->steps[r->step];
	struct sent *m = pstate_add_sent(t->state);
	*m = (struct sent){ .at = (uint32_t)t->s.view.now.s,
		                .plan = r->plan,
		                .run_no = r->run_no,
		                .step = r->step,
		                .channel = (uint8_t)channel,
		                .state = SENT_QUEUED,
		                .purpose = channel == CHANNEL_STAFF ? PURPOSE_SERVICE : st->purpose,
		                .variant = person_variant(t, r, p, st) };
	r->queued = 1;
	decide(t->out, &(struct decision){ .at = t->s.view.now,
	                                   .customer = t->s.view.customer,
	                                   .plan = r->plan,
	                                   .run_no = r->run_no,
	                                   .step = r->step,
	                                   .verdict = VERDICT_SEND,
	                                   .reason = REASON_NONE,
	                                   .channel = (uint8_t)channel,
	                                   .variant = m->variant });
}

static const uint8_t STAFF_ONLY[] = { CHANNEL_STAFF };

/* A tag is no message, so consent and pressure do not matter; but what is stopped or off waits, and the control group
 * is left alone. */
static bool do_tag(struct turn *t, struct run *r, int64_t last)
{
	enum reason stopped = t->w->hold_all != REASON_NONE ? t->w->hold_all
	                      : t->w->plans->on[r->plan]    ? REASON_NONE
	                                                    : REASON_PLAN_OFF;
	if (stopped != REASON_NONE) {
		person_hold(t, r, stopped, 0);
		wake_at(t, last + 1);
		return false;
	}
	if (r->control) {
		person_skip(t, r, VERDICT_SKIPPED, REASON_CONTROL_GROUP, 0);
		return true;
	}
	struct sent *m = pstate_add_sent(t->state);
	*m = (struct sent){ .at = (uint32_t)t->s.view.now.s,
		                .plan = r->plan,
		                .run_no = r->run_no,
		                .step = r->step,
		                .channel = CHANNEL_COUNT,
		                .state = SENT_TAG,
		                .purpose = PURPOSE_SERVICE };
	person_say(t, r, r->step, VERDICT_TAGGED, REASON_NONE, 0);
	wake_at(t, t->s.view.now.s + 1); /* another plan may have waited for it */
	if (t->state->trigger_wake > t->wake)
		t->state->trigger_wake = (uint32_t)t->wake;
	person_next_step(t, r, false);
	return true;
}

/* The plan has said enough: in this run, or about this cart or order over all its runs. */
static bool said_enough(const struct turn *t, const struct run *r, const struct plan *p)
{
	int said = 0;
	uint16_t family = t->w->plans->family[r->plan];
	for (uint16_t k = 0; p->max_messages > 0 && k < t->state->run_count; k++) {
		const struct run *x = &t->state->runs[k];
		if (t->w->plans->family[x->plan] != family || (x != r && (r->subject == 0 || x->subject != r->subject)))
			continue;
		for (uint16_t i = 0; i < t->state->sent_count; i++) {
			const struct sent *m = &t->state->sent[i];
			said += t->w->plans->family[m->plan] == family && m->run_no == x->run_no && m->channel != CHANNEL_STAFF &&
			        (m->state == SENT_ACCEPTED || m->state == SENT_QUEUED || m->state == SENT_UNCERTAIN);
		}
	}
	return p->max_messages > 0 && said >= p->max_messages;
}

/* A step that is due. Returns true when the run moved on and its next step may be due too. */
static bool do_step(struct turn *t, struct run *r, int64_t due)
{
	const struct plan *p = person_plan(t, r);
	const struct step *st = &p->steps[r->step];
	int64_t now = t->s.view.now.s, last = person_late_limit(t, p, st, due);
	t->s.run = r;
	bool holds = expr_holds(st->condition, &t->s), waits = st->wait && !expr_holds(st->wait, &t->s);
	t->s.run = NULL;

	if (holds && now > last) {
		person_skip(t, r, VERDICT_DROPPED, REASON_TOO_LATE, 0);
		return true;
	}
	if (holds && waits) {
		wake_at(t, last + 1);
		if (expr_needs(st->wait).time) /* else a fact or a receipt will wake it */
			wake_at(t, now + DAY_S);
		return false;
	}
	if (!holds) {
		person_skip(t, r, VERDICT_SKIPPED, REASON_CONDITION, 0);
		return true;
	}
	if (st->action == STEP_WAIT) {
		person_next_step(t, r, false);
		return true;
	}
	if (st->action == STEP_TAG)
		return do_tag(t, r, last);
	bool notify = st->action == STEP_NOTIFY;
	if (!notify && said_enough(t, r, p)) {
		person_skip(t, r, VERDICT_SKIPPED, REASON_MAX_MESSAGES, 0);
		return true;
	}
	struct guard_answer a =
		guard_who(t->w, &t->s, r->plan, r, notify ? STAFF_ONLY : st->channels, notify ? 1 : st->channel_count,
	              notify ? PURPOSE_SERVICE : (enum purpose)st->purpose);
	if (a.verdict == VERDICT_SEND)
		a = guard_when(t->w, &t->s, r->plan, a.channel, notify ? PURPOSE_SERVICE : (enum purpose)st->purpose, NULL);
	if (a.verdict == VERDICT_SEND) {
		if (!ask_money(t, r, a.channel))
			send(t, r, a.channel);
		return false;
	}
	if (a.verdict == VERDICT_HELD && !st->drop_when_held) {
		person_hold(t, r, a.reason, a.argument);
		wake_at(t, a.argument > now && a.argument <= last ? a.argument : last + 1);
		return false;
	}
	person_skip(t, r, VERDICT_SKIPPED, a.reason, a.argument);
	return true;
}

/* Takes the run as far as it goes now. Returns true when it stopped at a message or a hold. */
static void advance(struct turn *t, struct run *r)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		const struct plan *p = person_plan(t, r);
		if (r->state != RUN_ACTIVE || r->queued)
			return;
		if (r->step >= p->step_count) {
			r->state = RUN_ENDED;
			person_say(t, r, -1, VERDICT_ENDED, REASON_LAST_STEP, 0);
			if (p->trigger == TRIGGER_INACTIVE || p->trigger == TRIGGER_SEGMENT)
				wake_at(t, t->s.view.now.s + 1); /* the state may last: when may the person enter again? */
			return;
		}
		int64_t due = person_step_due(t, r), now = t->s.view.now.s;
		if (due > now) {
			wake_at(t, due);
			return;
		}
		int64_t last = r->hold_until > now ? person_late_limit(t, p, &p->steps[r->step], due) : now;
		if (r->hold_until > now && now <= last) {
			wake_at(t, r->hold_until < last + 1 ? r->hold_until : last + 1);
			return;
		}
		if (!do_step(t, r, due))
			return;
	}
}

/* Higher priority first, then those the plan puts first, then who fell due first, then the older run. */
static bool goes_before(struct turn *t, const struct run *a, const struct run *b)
{
	const struct plan *p = person_plan(t, a), *q = person_plan(t, b);
	if (p->priority != q->priority)
		return p->priority > q->priority;
	bool pa = p->boost && expr_holds(p->boost, &t->s), qa = q->boost && expr_holds(q->boost, &t->s);
	if (pa != qa)
		return pa;
	return a < b;
}

enum { ACTIVE_MAX = 64 };

static void do_steps(struct turn *t)
{
	uint16_t order[ACTIVE_MAX];
	int n = 0;
	for (uint16_t i = 0; i < t->state->run_count && n < ACTIVE_MAX; i++)
		if (t->state->runs[i].state == RUN_ACTIVE)
			order[n++] = i;
	for (int i = 1; i < n; i++) /* few: insertion sort, stable */
		for (int j = i; j > 0 && goes_before(t, &t->state->runs[order[j]], &t->state->runs[order[j - 1]]); j--) {
			uint16_t swap = order[j];
			order[j] = order[j - 1];
			order[j - 1] = swap;
		}
	for (int i = 0; i < n && !t->asks_money; i++)
		advance(t, &t->state->runs[order[i]]);
	if (t->asks_money)
		t->wake = UINT32_MAX; /* engine_spend goes on */
}

/* ---- the three ways in ---- */

static void whole_turn(struct turn *t, int news)
{
	struct pstate *state = t->state;
	if (state->erased) {
		state->wake = UINT32_MAX;
		return;
	}
	t->news = news != 0;
	person_check_exits(t);
	t->news = true;
	if (check_entries(t, news)) /* bought between the event and the entry: the run ends before it says anything */
		person_check_exits(t);
	if (t->quiet)
		t->quiet[0] = (uint32_t)t->s.view.now.s;
	state->trigger_wake = (uint32_t)t->wake;
	do_steps(t);
	state->wake = (uint32_t)t->wake;
}

void engine_person(const struct world *w, customer_id c, struct pstate *state, struct instant now,
                   struct decisions *out)
{
	struct turn t;
	person_init(&t, w, c, state, now, out);
	whole_turn(&t, t.quiet ? news_since(&t.s.view, t.quiet[0]) : NEWS_ALL);
}

void engine_go_on(const struct world *w, customer_id c, struct pstate *state, struct instant now, struct decisions *out)
{
	struct turn t;
	person_init(&t, w, c, state, now, out);
	t.wake = state->trigger_wake;
	do_steps(&t);
	state->wake = (uint32_t)t.wake;
}

bool engine_enter(const struct world *w, customer_id c, struct pstate *state, uint16_t plan, struct instant now,
                  struct decisions *out)
{
	struct turn t;
	person_init(&t, w, c, state, now, out);
	if (state->erased || !w->plans->on[plan] || w->plans->draining[plan] || w->plans->current[plan] != plan)
		return false;
	struct entering e = { .t = &t, .plan = plan, .granted = true };
	trigger_look(w, &t.s, plan, fired, &e);
	if (!e.entered)
		return false;
	person_init(&t, w, c, state, now, out);
	whole_turn(&t, NEWS_ALL);
	return true;
}

bool engine_spend(const struct world *w, const struct spend *s, struct pstate *state, bool granted, int64_t again,
                  struct decisions *out)
{
	struct turn t;
	person_init(&t, w, s->customer, state, s->at, out);
	t.wake = state->trigger_wake;
	struct run *r = pstate_run(state, s->plan, s->run_no);
	if (!r || r->state != RUN_ACTIVE || r->queued || r->step != s->step || r->hold_until > s->at.s)
		return false;
	const struct plan *p = person_plan(&t, r);
	if (granted) {
		send(&t, r, (enum channel)s->channel);
	} else if (p->steps[r->step].drop_when_held) {
		person_skip(&t, r, VERDICT_SKIPPED, REASON_BUDGET, again);
	} else {
		person_hold(&t, r, REASON_BUDGET, again);
		r->hold_until = (uint32_t)(again > s->at.s && again < s->at.s + DAY_S ? again : s->at.s + DAY_S);
	}
	do_steps(&t);
	state->wake = (uint32_t)t.wake;
	return true;
}

bool engine_candidate(const struct world *w, customer_id c, const struct pstate *state, uint16_t plan,
                      struct instant now)
{
	struct turn t;
	struct decisions none = { 0 };
	person_init(&t, w, c, (struct pstate *)state, now, &none);
	struct entering e = { .t = &t, .plan = plan, .just_ask = true };
	trigger_look(w, &t.s, plan, fired, &e);
	return e.would;
}

/* A purchase is what the plan is after. */
static bool bought_ends(const struct plan *p)
{
	for (uint8_t i = 0; i < p->goal_count; i++)
		if (p->goal[i].kind == EXIT_ORDER || p->goal[i].kind == EXIT_CART_PAID)
			return true;
	return false;
}

bool engine_convert(const struct world *w, customer_id c, struct pstate *state, uint16_t plan, uint16_t run_no,
                    struct instant now, struct decisions *out)
{
	struct turn t;
	person_init(&t, w, c, state, now, out);
	struct run *r = pstate_run(state, plan, run_no);
	if (!r || r->state != RUN_ACTIVE || !bought_ends(person_plan(&t, r)))
		return false;
	person_leave(&t, r, REASON_GOAL_MET);
	return true;
}
