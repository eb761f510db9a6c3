/* What ends a run: its goal, its exits; asked at every look and once more at the claim. */
#include "engine/engine_int.h"
#include "engine/trigger.h"

static bool sale_after(const struct view *v, int64_t after)
{
	for (uint32_t o = v->order1; o-- > v->order0 && v->k->order_at[o] > after;)
		if (order_is_sale(v->k, o))
			return true;
	return false;
}

static bool cart_after(const struct view *v, const struct run *r, enum cart_state state)
{
	for (uint32_t i = v->cart1; i-- > v->cart0 && v->k->carts[i].at > r->anchor_at;)
		if (v->k->carts[i].state == state && (r->subject == 0 || v->k->carts[i].cart == r->subject))
			return true;
	return false;
}

static bool event_after(const struct turn *t, struct str name, int64_t after)
{
	const struct view *v = &t->s.view;
	uint32_t word = book_word_find(t->w->book, name);
	for (uint32_t i = v->event1; i-- > v->event0 && word && v->k->events[i].at > after;)
		if (v->k->events[i].name == word)
			return true;
	return false;
}

static bool answered(const struct turn *t, const struct run *r)
{
	for (uint16_t i = 0; i < t->state->sent_count; i++)
		if (t->state->sent[i].plan == r->plan && t->state->sent[i].run_no == r->run_no && t->state->sent[i].answer)
			return true;
	return false;
}

/* Bought since the run began; for inactivity also: an order learned late that makes the person active again. */
static bool bought_since(const struct turn *t, const struct run *r)
{
	const struct plan *p = person_plan(t, r);
	if (sale_after(&t->s.view, r->anchor_at > r->entered_at ? r->anchor_at : r->entered_at))
		return true;
	if (p->trigger == TRIGGER_INACTIVE) {
		zone_id zone = t->w->settings->zone; /* inactivity is counted in the shop's days, wherever the person lives */
		struct date last = last_sale_date(&t->s.view, zone);
		return date_known(last) &&
		       date_add_months(last, p->months).day > zone_date(zone, (struct instant){ r->entered_at }).day;
	}
	return sale_after(&t->s.view, r->anchor_at);
}

static bool exit_holds(struct turn *t, const struct run *r, const struct plan_exit *e, enum reason *reason)
{
	switch (e->kind) {
	case EXIT_ORDER: *reason = REASON_EXIT_ORDER; return bought_since(t, r);
	case EXIT_CART_PAID: *reason = REASON_EXIT_CART_PAID; return cart_after(&t->s.view, r, CART_PAID);
	case EXIT_CART_EMPTIED: *reason = REASON_EXIT_CART_EMPTIED; return cart_after(&t->s.view, r, CART_EMPTIED);
	case EXIT_CART_CHANGED: *reason = REASON_EXIT_CART_CHANGED; return cart_after(&t->s.view, r, CART_CHANGED);
	case EXIT_EVENT_NAMED: *reason = REASON_EXIT_EVENT; return event_after(t, e->event, r->anchor_at);
	case EXIT_ANSWER: *reason = REASON_EXIT_ANSWERED; return answered(t, r);
	case EXIT_WHEN:
		*reason = REASON_EXIT_CONDITION;
		t->s.run = r;
		bool holds = expr_holds(e->when, &t->s);
		t->s.run = NULL;
		return holds;
	}
	return false;
}

/* The goal first: whoever bought has met it, whatever else also ends the run. */
bool person_exits(struct turn *t, const struct run *r, enum reason *reason)
{
	const struct plan *p = person_plan(t, r);
	for (uint8_t i = 0; i < p->goal_count; i++)
		if (exit_holds(t, r, &p->goal[i], reason)) {
			*reason = REASON_GOAL_MET;
			return true;
		}
	for (uint8_t i = 0; i < p->exit_count; i++)
		if (exit_holds(t, r, &p->exits[i], reason))
			return true;
	return false;
}

void person_leave(struct turn *t, struct run *r, enum reason reason)
{
	r->state = RUN_EXITED;
	r->queued = 0;
	r->hold_until = 0;
	for (uint16_t i = 0; i < t->state->sent_count; i++) { /* what is queued will not leave */
		struct sent *m = &t->state->sent[i];
		if (m->plan == r->plan && m->run_no == r->run_no && m->state == SENT_QUEUED)
			m->state = SENT_DROPPED;
	}
	person_say(t, r, -1, VERDICT_EXITED, reason, 0);
}

void person_leave_all(struct turn *t, enum reason reason)
{
	for (uint16_t i = 0; i < t->state->run_count; i++)
		if (t->state->runs[i].state == RUN_ACTIVE)
			person_leave(t, &t->state->runs[i], reason);
}

void person_check_exits(struct turn *t, int news)
{
	for (uint16_t i = person_first_run(t); i < t->state->run_count; i++) {
		struct run *r = &t->state->runs[i];
		enum reason reason = REASON_NONE;
		if (r->state != RUN_ACTIVE || !(person_plan(t, r)->exit_news & (news | NEWS_MORE)))
			continue;
		if (person_exits(t, r, &reason))
			person_leave(t, r, reason);
	}
}
