/* Loading what the engine knows beyond the facts: plans, runs, messages, suppressions. */
#include "app/live_int.h"
#include "app/together.h"
#include "store/erase.h"

#include <stdlib.h>

/* ---- plans ---- */

struct plan_loading {
	struct live *l;
	struct expr_context context;
};

static bool take_plan(void *ctx, const struct plan_row *row, struct err *err)
{
	struct plan_loading *p = ctx;
	struct plan_set *set = p->l->plans;
	bool on = str_is(row->state, "on") || str_is(row->state, "draining");
	if (row->plan_id < set->count) { /* known: its state may have changed */
		set->on[row->plan_id] = on;
		set->draining[row->plan_id] = str_is(row->state, "draining");
		set->on_since[row->plan_id] = (uint32_t)row->on_since.s;
		return true;
	}
	struct plan_issues issues = { .count = 0 };
	struct str text = arena_str(&p->l->arena, row->text);
	struct plan *plan =
		(struct plan *)plan_read(arena_str(&p->l->arena, row->name), text, &p->context, &p->l->arena, &issues);
	if (!plan)
		return err_set(err, ERR_WORLD, "plan %.*s version %u of the database no longer compiles: %.*s",
		               STR_ARG(row->name), row->version, STR_ARG(issues.items[0].text));
	plan->version = row->version;
	if (row->plan_id != set->count)
		return err_set(err, ERR_WORLD, "plan numbers have a gap before %u: run \"relance check\"", row->plan_id);
	uint16_t at = plan_set_add(set, plan, on, (uint32_t)row->on_since.s);
	set->first_on[at] = (uint32_t)row->first_on.s;
	set->draining[at] = str_is(row->state, "draining");
	return true;
}

bool live_load_plans(struct live *l, struct err *err)
{
	struct plan_loading p = { .l = l };
	plans_context(&l->shop.settings, &p.context);
	if (!plans(l->shop.db, take_plan, &p, err))
		return false;
	allot_grow(&l->waiting, l->plans, l->people);
	return true;
}

/* ---- runs and messages ---- */

/* Into states[0 … count − 1], those of the customers first … */
struct loading {
	const struct world *world;
	struct pstate *states;
	customer_id first;
	size_t count;
	bool behind; /* the world may be a moment older than the rows: what it does not know yet is left out */
};

static struct pstate *state_of(const struct loading *l, customer_id c)
{
	return c >= l->first && c - l->first < l->count ? &l->states[c - l->first] : NULL;
}

static bool take_run(void *ctx, const struct outbox_run *o, struct err *err)
{
	struct loading *l = ctx;
	struct pstate *s = state_of(l, o->customer);
	if (l->behind && o->plan_id >= l->world->plans->count)
		return true;
	if (!s || o->plan_id >= l->world->plans->count)
		return err_set(err, ERR_WORLD, "run %u of customer #%u names what is not there: run \"relance check\"",
		               o->run_no, o->customer);
	struct run *r = pstate_add_run(s);
	*r = (struct run){ .subject = o->subject,
		               .entered_at = (uint32_t)o->entered_at.s,
		               .anchor_at = (uint32_t)o->anchor_at.s,
		               .last_sent_at = (uint32_t)o->last_sent_at.s,
		               .last_done_at = (uint32_t)o->last_done_at.s,
		               .hold_until = (uint32_t)o->hold_until.s,
		               .day = o->day.day,
		               .plan = (uint16_t)o->plan_id,
		               .run_no = (uint16_t)o->run_no,
		               .state = o->state,
		               .control = o->control,
		               .step = o->step,
		               .queued = o->queued,
		               .held_reason = o->held_reason };
	pstate_place_run(s, l->world->plans);
	return true;
}

static int step_of(const struct plan *p, struct str name)
{
	for (uint8_t i = 0; i < p->step_count; i++)
		if (str_eq(p->steps[i].name, name))
			return i;
	return -1;
}

static bool find_step(const struct pstate *s, const struct plan_set *set, struct str plan, uint32_t run_no,
                      struct str step, uint16_t *plan_at, uint8_t *step_at)
{
	for (uint16_t i = s->run_count; i-- > 0;) {
		const struct plan *p = set->plans[s->runs[i].plan];
		if (s->runs[i].run_no != run_no || !str_eq(p->name, plan))
			continue;
		int at = step_of(p, step);
		if (at < 0)
			return false;
		*plan_at = s->runs[i].plan;
		*step_at = (uint8_t)at;
		return true;
	}
	return false;
}

bool live_find_step(const struct live *l, customer_id c, struct str plan, uint32_t run_no, struct str step,
                    uint16_t *plan_at, uint8_t *step_at)
{
	return find_step(&l->states[c], l->plans, plan, run_no, step, plan_at, step_at);
}

static uint8_t sent_state_of(enum message_state s)
{
	switch (s) {
	case MESSAGE_QUEUED:
	case MESSAGE_CLAIMED:
	case MESSAGE_SENDING:
	case MESSAGE_DEFERRED: return SENT_QUEUED;
	case MESSAGE_ACCEPTED: return SENT_ACCEPTED;
	case MESSAGE_REFUSED: return SENT_REFUSED;
	case MESSAGE_UNCERTAIN: return SENT_UNCERTAIN;
	case MESSAGE_DROPPED:
	case MESSAGE_STATE_COUNT: break;
	}
	return SENT_DROPPED;
}

uint8_t live_answer(struct str text)
{
	if (str_is(text, "very_satisfied"))
		return ANSWER_VERY_SATISFIED;
	if (str_is(text, "satisfied"))
		return ANSWER_SATISFIED;
	return text.n ? ANSWER_UNSATISFIED : ANSWER_NONE;
}

static bool take_message(void *ctx, const struct outbox_message *m, struct err *err)
{
	struct loading *l = ctx;
	struct pstate *state = state_of(l, m->key.customer);
	uint16_t plan;
	uint8_t step;
	bool known = state && find_step(state, l->world->plans, m->key.plan, m->key.run_no, m->key.step, &plan, &step);
	if (!known && l->behind)
		return true;
	if (!known)
		return err_set(err, ERR_WORLD, "a message of customer #%u has no run: run \"relance check\"", m->key.customer);
	struct sent *s = pstate_add_sent(state);
	bool left = m->state == MESSAGE_ACCEPTED || m->state == MESSAGE_UNCERTAIN; /* a deferred one has a sent_at too */
	*s = (struct sent){ .at = (uint32_t)((left || m->state == MESSAGE_REFUSED) && m->sent_at.s ? m->sent_at.s
		                                                                                       : m->queued_at.s),
		                .opened_at = (uint32_t)m->opened_at.s,
		                .clicked_at = (uint32_t)m->clicked_at.s,
		                .plan = plan,
		                .run_no = (uint16_t)m->key.run_no,
		                .step = step,
		                .channel = (uint8_t)m->key.channel,
		                .purpose = (uint8_t)m->purpose,
		                .state = sent_state_of(m->state),
		                .variant = (uint8_t)m->variant,
		                .answer = live_answer(m->answer) };
	return true;
}

/* A message settled whose run still waits for it (the receipt came in while nothing ran), and one queued whose run has
 * been left: brought in line as the running program would have. */
static void reconcile(const struct world *w, struct pstate *s)
{
	for (uint16_t i = 0; i < s->sent_count; i++) {
		struct sent *m = &s->sent[i];
		enum receipt receipt = m->state == SENT_ACCEPTED    ? RECEIPT_ACCEPTED
		                       : m->state == SENT_UNCERTAIN ? RECEIPT_UNCERTAIN
		                       : m->state == SENT_REFUSED   ? RECEIPT_REFUSED
		                                                    : 0;
		for (uint16_t k = 0; k < s->run_count; k++) {
			struct run *r = &s->runs[k];
			if (r->plan != m->plan || r->run_no != m->run_no)
				continue;
			if (m->state == SENT_QUEUED && r->state != RUN_ACTIVE)
				m->state = SENT_DROPPED;
			if (receipt && r->queued && r->step == m->step)
				engine_receipt(w, s, m->plan, m->run_no, m->step, (enum channel)m->channel, receipt, 0,
				               (struct instant){ m->at });
		}
	}
}

static bool load_states(struct db *db, struct loading *l, struct err *err)
{
	customer_id last = (customer_id)(l->first + l->count - 1);
	if (!outbox_runs(db, l->first, last, take_run, l, err))
		return false;
	if (l->count == 1 && l->states->run_count == 0) /* no message without its run */
		return true;
	if (!outbox_messages(db, l->first, last, take_message, l, err))
		return false;
	for (size_t i = 0; i < l->count; i++)
		reconcile(l->world, &l->states[i]);
	return true;
}

bool live_person(struct db *db, const struct world *w, customer_id c, struct pstate *out, struct err *err)
{
	struct loading loading = { .world = w, .states = out, .first = c, .count = 1, .behind = true };
	struct arena a;
	customer_id *records;
	size_t count;
	uint16_t next = RUN_JOINED;
	*out = (struct pstate){ 0 };
	arena_init(&a);
	bool ok = load_states(db, &loading, err) && store_records(db, c, &a, &records, &count, err);
	for (size_t i = 1; ok && i < count; i++) {
		struct pstate other = { 0 };
		struct loading more = { .world = w, .states = &other, .first = records[i], .count = 1, .behind = true };
		ok = load_states(db, &more, err);
		together_state(out, &other, &next, w->plans);
		pstate_release(&other);
	}
	arena_release(&a);
	return ok;
}

bool live_load_state(struct live *l, customer_id c, struct err *err)
{
	size_t count;
	bool ok = true;
	customer_id *all = together_all(&l->shop.merges, &c, 1, &count);
	for (size_t i = 0; ok && i < count; i++) {
		struct loading loading = { .world = &l->world, .states = &l->states[all[i]], .first = all[i], .count = 1 };
		ok = load_states(l->shop.db, &loading, err);
	}
	if (ok && count > 1)
		together_states(&l->shop.merges, c, l->states, l->plans);
	free(all);
	return ok;
}

static void take_erased(void *ctx, customer_id c)
{
	struct live *l = ctx;
	if (c < l->people)
		l->states[c].erased = 1;
}

bool live_load_erased(struct live *l, struct err *err)
{
	return store_erased(l->shop.db, take_erased, l, err);
}

bool live_load_states(struct live *l, struct err *err)
{
	struct loading loading = { .world = &l->world, .states = l->states + 1, .first = 1, .count = l->people - 1 };
	if (!load_states(l->shop.db, &loading, err))
		return false;
	for (size_t i = 0; i < l->shop.merges.count; i++) /* a survivor more than once: the same again */
		together_states(&l->shop.merges, merges_root(&l->shop.merges, l->shop.merges.items[i].into), l->states,
		                l->plans);
	return live_load_suppressed(l, err) && live_load_erased(l, err);
}
