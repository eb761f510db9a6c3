/* When a step of a run falls due, and until when it may still be done (SEMANTICS "Runs, messages, claims"). */
#include "base/hash.h"
#include "engine/engine_int.h"

static bool counts_hours(const struct plan *p)
{
	return p->trigger == TRIGGER_CART || (p->trigger == TRIGGER_EVENT && p->delay_s > 0);
}

/* The step that was sent last in this run (they only go forward, whatever the order in memory); −1: none. */
static int last_step_sent(const struct pstate *s, const struct run *r)
{
	int step = -1;
	for (uint16_t i = 0; i < s->sent_count; i++)
		if (s->sent[i].plan == r->plan && s->sent[i].run_no == r->run_no &&
		    (s->sent[i].state == SENT_ACCEPTED || s->sent[i].state == SENT_UNCERTAIN) && s->sent[i].step > step)
			step = s->sent[i].step;
	return step;
}

uint8_t person_variant(const struct turn *t, const struct run *r, const struct plan *p, const struct step *st)
{
	int64_t total = 0;
	if (st->variant_count < 2)
		return 0;
	for (uint8_t i = 0; i < st->variant_count; i++)
		total += st->variants[i].weight;
	if (total <= 0)
		return 0;
	uint64_t step = (uint64_t)(st - p->steps);
	uint64_t draw = draw_u64(t->w->seed, DRAW_VARIANT, p->draw_key, t->s.view.customer, r->run_no, (uint32_t)step);
	int64_t at = (int64_t)(((__uint128_t)draw * (uint64_t)total) >> 64);
	for (uint8_t i = 0; i < st->variant_count; i++) {
		at -= st->variants[i].weight;
		if (at < 0)
			return i;
	}
	return 0;
}

/* The hour of the variant drawn, else of the step, else of the plan. */
static int32_t step_hour(const struct turn *t, const struct run *r, const struct plan *p, const struct step *st)
{
	if (st->variant_count) {
		int32_t own = st->variants[person_variant(t, r, p, st)].hour_s;
		if (own >= 0)
			return own;
	}
	return st->hour_s >= 0 ? st->hour_s : p->hour_s;
}

static int64_t civil_due(const struct turn *t, const struct run *r, struct date d, const struct plan *p,
                         const struct step *st)
{
	return zone_instant(t->s.zone, d, step_hour(t, r, p, st)).s;
}

/* By the step's own delay (SEMANTICS "Runs, messages, claims"). */
static int64_t step_due_by_delay(const struct turn *t, const struct run *r)
{
	const struct plan *p = person_plan(t, r);
	const struct step *st = &p->steps[r->step];
	int64_t due;
	if (st->after_last) { /* counted from the last thing done in the run, not from J */
		int64_t from = r->last_done_at ? r->last_done_at : r->entered_at;
		if (st->after_days < 0)
			return from + st->after_s;
		struct date d = zone_date(t->s.zone, (struct instant){ from });
		due = civil_due(t, r, (struct date){ d.day + st->after_days }, p, st);
		return due >= from ? due : civil_due(t, r, (struct date){ d.day + st->after_days + 1 }, p, st);
	}
	if (st->after_days < 0) {
		due = (int64_t)r->anchor_at + st->after_s;
		return due < r->entered_at ? r->entered_at : due;
	}
	int last = r->last_sent_at ? last_step_sent(t->state, r) : -1;
	int gap = last >= 0 && p->steps[last].after_days >= 0 ? st->after_days - p->steps[last].after_days : 0;
	if (counts_hours(p)) {
		due = (int64_t)r->entered_at + (int64_t)st->after_days * DAY_S;
		int64_t after_gap = (int64_t)r->last_sent_at + (int64_t)gap * DAY_S;
		return gap > 0 && after_gap > due ? after_gap : due;
	}
	due = civil_due(t, r, (struct date){ r->day + st->after_days }, p, st);
	if (due < r->entered_at) /* the hour had passed at entry */
		due = civil_due(t, r, (struct date){ r->day + st->after_days + 1 }, p, st);
	if (gap > 0) {
		struct date sent = zone_date(t->s.zone, (struct instant){ r->last_sent_at });
		int64_t after_gap = civil_due(t, r, (struct date){ sent.day + gap }, p, st);
		if (after_gap > due)
			due = after_gap;
	}
	return due;
}

/* When the step falls due: its delay, and not before the date it waits for. */
int64_t person_step_due(const struct turn *t, const struct run *r)
{
	const struct plan *p = person_plan(t, r);
	const struct step *st = &p->steps[r->step];
	int64_t due = step_due_by_delay(t, r);
	if (date_known(st->wait_date)) {
		int64_t from = civil_due(t, r, st->wait_date, p, st);
		if (from > due)
			due = from;
	}
	return due;
}

/* The last instant at which the step may still be done. Whole days are civil days: a wait of four days that began at
 * ten ends at ten, whatever the clocks did in between. */
int64_t person_late_limit(const struct turn *t, const struct plan *p, const struct step *st, int64_t due)
{
	int64_t late = st->late_s >= 0 ? st->late_s : p->late_s;
	if (late == 0 || late % DAY_S != 0)
		return due + late;
	struct civil c = zone_civil(t->s.zone, (struct instant){ due });
	return zone_instant(t->s.zone, (struct date){ c.date.day + (int32_t)(late / DAY_S) }, c.second).s;
}
