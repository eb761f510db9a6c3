/* One pass over the states of everybody: what each plan holds, sent and brought. */
#include "web/web_int.h"

#include "app/figures.h"

#include <stdlib.h>

enum { BROUGHT_DAYS = 30, BROUGHT_AFTER_S = 7 * DAY_S };

static bool within(const struct summary_period *p, uint32_t at)
{
	return !p || (at >= p->from.s && at < p->to.s);
}

static void sum_sent(const struct world *w, struct summary *s, customer_id c, const struct sent *m, int64_t day,
                     int64_t month)
{
	struct plan_summary *p = &s->plans[w->plans->family[m->plan]];
	struct step_summary *step = &p->steps[m->step];
	if (m->state == SENT_QUEUED) {
		p->queued[m->channel]++;
		step->queued++;
	}
	if (m->state != SENT_ACCEPTED)
		return;
	p->sent++;
	step->sent++;
	if (figures_may_know(w->book, w->version, w->thresholds, c, m)) {
		bool opened = m->opened_at || m->clicked_at;
		p->knowable++;
		step->knowable++;
		p->opened += opened;
		step->opened += opened;
		p->clicked += m->clicked_at != 0;
		step->clicked += m->clicked_at != 0;
	}
	p->sent_today[m->channel] += m->at >= day;
	p->messages_30d += m->at >= month;
}

static void sum_run(struct summary *s, const struct plan_set *set, const struct run *r)
{
	struct plan_summary *p = &s->plans[set->family[r->plan]];
	p->entered++;
	p->control += r->control;
	p->ended += r->state == RUN_ENDED;
	p->exited += r->state == RUN_EXITED;
	if (r->state != RUN_ACTIVE)
		return;
	p->active++;
	if (r->step < STEPS_MAX)
		p->steps[r->step].waiting++;
	if (r->held_reason && r->held_reason < REASON_COUNT && !r->control) {
		uint32_t *until = &p->held_until[r->held_reason];
		p->held[r->held_reason]++;
		if (r->hold_until && (!*until || r->hold_until < *until))
			*until = r->hold_until;
	}
}

const struct sent *summary_speaker(const struct pstate *state, uint32_t at)
{
	const struct sent *best = NULL;
	for (uint16_t i = 0; i < state->sent_count; i++) {
		const struct sent *m = &state->sent[i];
		if (m->state == SENT_ACCEPTED && m->purpose == PURPOSE_MARKETING && m->at <= at &&
		    at - m->at <= BROUGHT_AFTER_S && (!best || m->at > best->at))
			best = m;
	}
	return best;
}

/* Orders within a week of a message; each told of the plan that spoke last. */
static void sum_brought(const struct world *w, struct summary *s, customer_id c, const struct pstate *state,
                        struct instant to)
{
	struct view v;
	view_at(&v, w->version, c, s->at);
	for (uint32_t o = v.order0; o < v.order1; o++) {
		uint32_t at = v.k->order_at[o];
		if (at < s->since.s || at >= to.s || !order_is_sale(v.k, o))
			continue;
		const struct sent *best = summary_speaker(state, at);
		if (!best)
			continue;
		struct plan_summary *p = &s->plans[w->plans->family[best->plan]];
		p->orders++;
		p->revenue += order_total(v.k, o);
		s->orders++;
		s->revenue += order_total(v.k, o);
	}
}

struct instant summary_since(struct instant now)
{
	return (struct instant){ now.s - BROUGHT_DAYS * DAY_S };
}

struct summary *summary_make(const struct world *w, const struct pstate *states, struct instant now,
                             const struct summary_period *period)
{
	struct summary *s = mem_alloc(sizeof *s);
	*s = (struct summary){ .count = w->plans->count, .at = now, .since = period ? period->from : summary_since(now) };
	s->plans = mem_alloc((s->count + 1) * sizeof *s->plans);
	zone_id zone = w->settings->zone;
	int64_t day = zone_instant(zone, zone_date(zone, now), 0).s;
	for (customer_id c = 1; c <= w->version->customers; c++) {
		const struct pstate *state = &states[c];
		for (uint16_t i = 0; i < state->run_count; i++)
			if (within(period, state->runs[i].entered_at) && !run_is_joined(state->runs[i].run_no))
				sum_run(s, w->plans, &state->runs[i]);
		for (uint16_t i = 0; i < state->sent_count; i++)
			if (within(period, state->sent[i].at) && !run_is_joined(state->sent[i].run_no))
				sum_sent(w, s, c, &state->sent[i], day, s->since.s);
		if (state->sent_count)
			sum_brought(w, s, c, state, period ? period->to : (struct instant){ now.s + 1 });
	}
	return s;
}

void summary_free(struct summary *s)
{
	if (s)
		free(s->plans);
	free(s);
}
