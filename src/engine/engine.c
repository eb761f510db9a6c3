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
	if (out->count == out->cap)
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
	if (w->view)
		t->s.view = *w->view;
	else
		view_at(&t->s.view, w->version, c, now);
	t->s.state = state;
	t->s.thresholds = w->thresholds;
	t->s.zone = view_profile(&t->s.view)->zone;
	t->s.today = zone_date(t->s.zone, now);
	t->s.assume_consent = w->assume_consent;
	t->s.plans = w->words;
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

int64_t person_value(const struct view *v)
{
	int64_t sum = 0;
	for (uint32_t o = v->order0; o < v->order1; o++)
		if (__builtin_add_overflow(sum, order_total(v->k, o), &sum))
			return INT64_MAX;
	return sum;
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
	r->next = 0;
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
	r->next = 0;
}

/* The run has nothing to do before `at`. */
static void rest_until(struct turn *t, struct run *r, int64_t at, bool waits)
{
	person_wake(t, at);
	if (!t->quiet)
		return;
	r->next = person_quiet(at);
	r->waits = waits;
}

static bool rests(const struct turn *t, const struct run *r)
{
	return t->quiet && r->next > t->s.view.now.s;
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
		                                          .value = person_value(&t->s.view) };
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
		person_wake(t, last + 1);
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
	person_wake(t, t->s.view.now.s + 1); /* another plan may have waited for it */
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

static bool step_holds(struct turn *t, const struct run *r, const struct expr *e)
{
	t->s.run = r;
	bool holds = expr_holds(e, &t->s);
	t->s.run = NULL;
	return holds;
}

static void wait_on(struct turn *t, struct run *r, const struct step *st, int64_t given_up)
{
	rest_until(t, r, given_up, true);
	if (expr_needs(st->wait).time) /* else a fact or a receipt will wake it */
		person_wake(t, t->s.view.now.s + DAY_S);
}

/* A step that is due. Returns true when the run moved on and its next step may be due too. */
static bool do_step(struct turn *t, struct run *r, int64_t due)
{
	const struct plan *p = person_plan(t, r);
	const struct step *st = &p->steps[r->step];
	int64_t now = t->s.view.now.s;
	bool holds = step_holds(t, r, st->condition), waits = holds && st->wait && !step_holds(t, r, st->wait);

	if (holds && now > due && now > person_late_limit(t, p, st, due)) {
		person_skip(t, r, VERDICT_DROPPED, REASON_TOO_LATE, 0);
		return true;
	}
	if (waits) {
		wait_on(t, r, st, person_late_limit(t, p, st, due) + 1);
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
		return do_tag(t, r, person_late_limit(t, p, st, due));
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
		int64_t last = person_late_limit(t, p, st, due);
		person_hold(t, r, a.reason, a.argument);
		int64_t again = a.argument > now && a.argument <= last ? a.argument : last + 1;
		if (r->hold_until)
			rest_until(t, r, again, false);
		else
			person_wake(t, again);
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
		if (rests(t, r) && r->waits) { /* still, unless what it waits for has come */
			const struct step *st = &p->steps[r->step];
			if (step_holds(t, r, st->condition) && !step_holds(t, r, st->wait)) {
				wait_on(t, r, st, r->next);
				return;
			}
		}
		if (r->step >= p->step_count) {
			r->state = RUN_ENDED;
			person_say(t, r, -1, VERDICT_ENDED, REASON_LAST_STEP, 0);
			if (p->trigger == TRIGGER_INACTIVE || p->trigger == TRIGGER_SEGMENT)
				person_wake(t, t->s.view.now.s + 1); /* the state may last: when may the person enter again? */
			return;
		}
		int64_t due = person_step_due(t, r), now = t->s.view.now.s;
		if (due > now) {
			rest_until(t, r, due, false);
			return;
		}
		int64_t last = r->hold_until > now ? person_late_limit(t, p, &p->steps[r->step], due) : now;
		if (r->hold_until > now && now <= last) {
			rest_until(t, r, r->hold_until < last + 1 ? r->hold_until : last + 1, false);
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
	int n = 0, active = 0;
	for (uint16_t i = person_first_run(t); i < t->state->run_count && active < ACTIVE_MAX; i++) {
		const struct run *r = &t->state->runs[i];
		active += r->state == RUN_ACTIVE;
		if (r->state != RUN_ACTIVE || r->queued)
			continue;
		if (rests(t, r) && !r->waits)
			person_wake(t, r->next);
		else
			order[n++] = i;
	}
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
	if (view_profile(&t->s.view)->merged) {
		person_leave_all(t, REASON_MERGED);
		state->wake = UINT32_MAX;
		return;
	}
	person_check_exits(t, news);
	if (person_check_entries(t,
	                         news)) /* bought between the event and the entry: the run ends before it says anything */
		person_check_exits(t, NEWS_ALL);
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
	if (state->erased || view_profile(&t.s.view)->merged || !w->plans->on[plan] || w->plans->draining[plan] ||
	    w->plans->current[plan] != plan)
		return false;
	if (!person_granted(&t, plan))
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
	if (!r || r->state != RUN_ACTIVE || r->queued || r->step != s->step || r->hold_until > s->at.s ||
	    view_profile(&t.s.view)->merged)
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
