/* A message about to leave, and what became of it: the whole guard once more; receipts, which move the run on. */
#include "engine/engine_int.h"
#include "engine/guard.h"

/* What keeps the message from leaving now; SEND when nothing does. */
static struct guard_answer claim_guard(struct turn *t, const struct run *r, const struct sent *m, bool *exits,
                                       enum reason *why)
{
	const struct step *st = &t->w->plans->plans[m->plan]->steps[m->step];
	enum purpose purpose = (enum purpose)m->purpose;
	struct guard_answer a = guard_who(t->w, &t->s, m->plan, r, &m->channel, 1, purpose);
	if (a.verdict == VERDICT_SEND && person_exits(t, r, why)) {
		*exits = true;
		return a;
	}
	t->s.run = r;
	if (a.verdict == VERDICT_SEND && !expr_holds(st->condition, &t->s))
		a = (struct guard_answer){ .verdict = VERDICT_SKIPPED, .reason = REASON_CONDITION };
	t->s.run = NULL;
	if (a.verdict == VERDICT_SEND &&
	    t->s.view.now.s > person_late_limit(t, person_plan(t, r), st, person_step_due(t, r)))
		a = (struct guard_answer){ .verdict = VERDICT_DROPPED, .reason = REASON_TOO_LATE };
	if (a.verdict == VERDICT_SEND)
		a = guard_when(t->w, &t->s, m->plan, (enum channel)m->channel, purpose, m);
	return a;
}

enum { CLAIM_RETRY_S = 60 }; /* when the guard names no instant: the emergency stop, a plan switched off */

bool engine_claim(const struct world *w, customer_id c, struct pstate *state, struct sent *m, struct instant now,
                  struct decisions *out, struct instant *retry)
{
	struct turn t;
	person_init(&t, w, c, state, now, out);
	*retry = INSTANT_NEVER;
	struct run *r = pstate_run(state, m->plan, m->run_no);
	if (!r || r->state != RUN_ACTIVE || m->state != SENT_QUEUED)
		return false;
	bool exits = false;
	enum reason why = REASON_NONE;
	if (view_profile(&t.s.view)->merged) { /* another record goes on for this one */
		person_leave_all(&t, REASON_MERGED);
		state->wake = (uint32_t)now.s;
		return false;
	}
	struct guard_answer a = claim_guard(&t, r, m, &exits, &why);
	if (exits) {
		person_leave(&t, r, why);
		state->wake = (uint32_t)now.s;
		return false;
	}
	if (a.verdict == VERDICT_SEND)
		return true;
	const struct step *st = &w->plans->plans[m->plan]->steps[m->step];
	if (a.verdict == VERDICT_HELD && !st->drop_when_held) {
		person_hold(&t, r, a.reason, a.argument);
		int64_t drop = person_late_limit(&t, person_plan(&t, r), st, person_step_due(&t, r)) + 1;
		retry->s = a.argument > now.s ? a.argument : now.s + CLAIM_RETRY_S;
		if (drop > now.s && retry->s > drop)
			retry->s = drop;
		return false;
	}
	m->state = SENT_DROPPED;
	r->queued = 0;
	person_skip(&t, r, a.verdict == VERDICT_HELD ? VERDICT_SKIPPED : a.verdict, a.reason, a.argument);
	state->wake = (uint32_t)now.s;
	return false;
}

bool engine_receipt(const struct world *w, struct pstate *state, uint16_t plan, uint16_t run_no, uint8_t step,
                    enum channel channel, enum receipt receipt, uint8_t answer, struct instant at)
{
	struct sent *m = NULL;
	/* its run may have been left while it was on the wire: it was dropped, and has left all the same */
	bool left = receipt == RECEIPT_ACCEPTED || receipt == RECEIPT_UNCERTAIN || receipt == RECEIPT_REFUSED;
	for (uint16_t i = state->sent_count; i-- > 0 && !m;) {
		struct sent *x = &state->sent[i];
		if (x->plan == plan && x->run_no == run_no && x->step == step && x->channel == channel &&
		    (left || x->state != SENT_DROPPED))
			m = x;
	}
	if (!m)
		return false;
	sent_note(m, receipt, answer, at);
	if (receipt == RECEIPT_HARD_BOUNCE || receipt == RECEIPT_COMPLAINT)
		state->suppressed |= (uint8_t)(1u << channel);
	if (state->wake > (uint32_t)at.s)
		state->wake = (uint32_t)at.s; /* a condition may wait for just this */
	bool settles = receipt == RECEIPT_ACCEPTED || receipt == RECEIPT_UNCERTAIN || receipt == RECEIPT_REFUSED ||
	               receipt == RECEIPT_DROPPED;
	struct run *r = pstate_run(state, plan, run_no);
	if (r)
		r->next = 0;
	if (!settles || !r || !r->queued || r->step != step)
		return true;
	struct turn t = { .w = w, .state = state, .s.view.now = at };
	r->queued = 0;
	if (receipt == RECEIPT_ACCEPTED || receipt == RECEIPT_UNCERTAIN)
		r->last_sent_at = (uint32_t)at.s;
	person_next_step(&t, r, false);
	if (state->wake > (uint32_t)at.s)
		state->wake = (uint32_t)at.s;
	return true;
}
