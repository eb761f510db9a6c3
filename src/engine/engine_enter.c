/* Who enters a plan: what the triggers say, whether she may enter again, `who`, the smoothing slot, the control group.
 */
#include "engine/engine_int.h"

#include "base/hash.h"
#include "engine/trigger.h"

struct history {
	const struct run *last;
	bool active, same;         /* an active run; a run about the same subject and event */
	uint16_t number, messages; /* the last run's, of the record itself; messages: about the same subject */
};

static struct history history_of(const struct turn *t, uint16_t plan, const struct firing *f)
{
	struct history h = { 0 };
	uint16_t family = t->w->plans->family[plan];
	for (uint16_t i = 0; i < t->state->run_count; i++) {
		const struct run *r = &t->state->runs[i];
		if (t->w->plans->family[r->plan] != family)
			continue;
		if (!run_is_joined(r->run_no) && r->run_no > h.number)
			h.number = r->run_no;
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
	bool always = !p->again_each_year && p->again_months == 0 && p->again_days == 0;
	if (always && (f->state || f->at.s >= h->last->entered_at)) /* no need to ask for the days */
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
static int64_t state_again(const struct turn *t, const struct plan *p, const struct history *h)
{
	if (!h->last || p->again_each_year || p->again_months < 0 || p->again_days < 0)
		return INT64_MAX;
	struct date last = zone_date(t->s.zone, (struct instant){ h->last->entered_at });
	struct date from = { date_add_months(last, p->again_months).day + p->again_days };
	return zone_instant(t->s.zone, from, 0).s;
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
		                 .run_no = (uint16_t)(h->number + 1),
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
	if (t->quiet && r < t->state->runs + *person_active_from(t))
		*person_active_from(t) = (uint32_t)(r - t->state->runs);
	person_say(t, r, -1, r->control ? VERDICT_CONTROL : VERDICT_ENTERED, reason, 0);
}

#define QUIET_FOR_GOOD UINT32_MAX

struct entering {
	struct turn *t;
	uint16_t plan;
	bool granted, entered;
	bool open;            /* a firing was not taken, and may still be */
	bool never;           /* had its one entry */
	int64_t again;        /* a state that lasts may be taken from here on */
	bool just_ask, would; /* engine_candidate */
};

static void propose(struct turn *t, uint16_t plan)
{
	struct decisions *d = t->out;
	d->proposals = mem_grow(d->proposals, &d->proposal_cap, d->proposal_count + 1, sizeof *d->proposals);
	d->proposals[d->proposal_count++] =
		(struct proposal){ .customer = t->s.view.customer, .plan = plan, .value = person_value(&t->s.view) };
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
				person_wake(t, zone_instant(t->w->settings->zone, d, 0).s);
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
	bool once = !p->again_each_year && (p->again_months < 0 || p->again_days < 0);
	e->never = once && h.last;
	if (e->never || h.same)
		return;
	if (h.active || (p->max_messages > 0 && f->subject && h.messages >= p->max_messages)) {
		e->open = true;
		return;
	}
	if (!may_enter_again(t, p, &h, f)) { /* an event's day does not change any more */
		if (f->state)
			e->again = state_again(t, p, &h);
		e->open |= f->state && e->again == INT64_MAX;
		return;
	}
	if (!expr_holds(p->who, &t->s)) {
		e->open |= p->who_news & NEWS_MORE;
		if (f->state && !e->just_ask)
			wake_for_who(t, p);
		return;
	}
	if (e->just_ask) {
		e->would = true;
		return;
	}
	if (p->smooth_per_day > 0 && !e->granted) {
		e->open = true;
		propose(t, e->plan);
		return;
	}
	enter(t, e->plan, f, &h, e->granted ? REASON_GRANTED : REASON_TRIGGER);
	e->never = once;
	e->open |= !f->subject; /* a state may last longer than the run */
	e->entered = true;
}

/* Nothing fired that could still be taken, nothing it reads has come, and its next firing is later; or it has had its
 * one entry. */
static bool trigger_quiet(const struct turn *t, size_t plan, int news)
{
	const struct plan *p = t->w->plans->plans[plan];
	if (!t->quiet || t->quiet[1 + plan] <= t->s.view.now.s)
		return false;
	return t->quiet[1 + plan] == QUIET_FOR_GOOD || !(news & (trigger_reads(p, &t->s) | p->who_news));
}

/* What to remember of a trigger that was asked. */
static uint32_t quiet_after(const struct entering *e, const struct plan *p, struct instant next)
{
	if (e->never)
		return QUIET_FOR_GOOD;
	if (e->open || trigger_sees_no_further(p, next))
		return 0;
	return next.s < QUIET_FOR_GOOD ? (uint32_t)next.s : QUIET_FOR_GOOD - 1;
}

/* True when a run began. */
bool person_check_entries(struct turn *t, int news)
{
	const struct plan_set *set = t->w->plans;
	uint16_t before = t->state->run_count;
	uint32_t *all = t->quiet ? &t->quiet[1 + set->count] : NULL, earliest = UINT32_MAX;
	if (all && !news && *all > t->s.view.now.s) {
		person_wake(t, *all);
		return false;
	}
	for (size_t i = 0; i < set->count; i++) {
		if (!set->on[i] || set->draining[i] || set->current[i] != i)
			continue;
		if (trigger_quiet(t, i, news)) {
			person_wake(t, t->quiet[1 + i]);
			earliest = t->quiet[1 + i] < earliest ? t->quiet[1 + i] : earliest;
			continue;
		}
		struct entering e = { .t = t, .plan = (uint16_t)i, .again = INT64_MAX };
		struct instant next = trigger_look(t->w, &t->s, (uint16_t)i, fired, &e);
		next.s = e.again < next.s ? e.again : next.s;
		if (next.s != INSTANT_NEVER.s)
			person_wake(t, next.s);
		if (t->quiet) {
			t->quiet[1 + i] = quiet_after(&e, set->plans[i], next);
			earliest = t->quiet[1 + i] < earliest ? t->quiet[1 + i] : earliest;
		}
	}
	if (all)
		*all = earliest;
	return t->state->run_count > before;
}

bool person_granted(struct turn *t, uint16_t plan)
{
	struct entering e = { .t = t, .plan = plan, .granted = true, .again = INT64_MAX };
	trigger_look(t->w, &t->s, plan, fired, &e);
	return e.entered;
}

bool engine_candidate(const struct world *w, customer_id c, const struct pstate *state, uint16_t plan,
                      struct instant now)
{
	struct turn t;
	struct decisions none = { 0 };
	person_init(&t, w, c, (struct pstate *)state, now, &none);
	if (view_profile(&t.s.view)->merged)
		return false;
	struct entering e = { .t = &t, .plan = plan, .again = INT64_MAX, .just_ask = true };
	trigger_look(w, &t.s, plan, fired, &e);
	return e.would;
}
