/* engine_int: what the files of the engine share: one person at one instant. */
#ifndef RELANCE_ENGINE_ENGINE_INT_H
#define RELANCE_ENGINE_ENGINE_INT_H

#include "engine/engine.h"

struct turn {
	const struct world *w;
	struct subject s;
	struct pstate *state;
	struct decisions *out;
	int64_t wake;
	uint32_t *quiet; /* [0]: the last look; [1 + plan]: the trigger's next firing, 0: one may still be taken; then the
	                    earliest of them; then a run before which none is active */
	bool asks_money; /* a spend was asked for: nothing goes on before its answer */
};

void person_init(struct turn *t, const struct world *w, customer_id c, struct pstate *state, struct instant now,
                 struct decisions *out);
void person_say(struct turn *t, const struct run *r, int step, enum verdict v, enum reason reason, int64_t argument);

static inline const struct plan *person_plan(const struct turn *t, const struct run *r)
{
	return t->w->plans->plans[r->plan];
}

static inline void person_wake(struct turn *t, int64_t at)
{
	if (at > t->s.view.now.s && at < t->wake)
		t->wake = at;
}

/* An instant as `quiet` and struct run keep it. */
static inline uint32_t person_quiet(int64_t at)
{
	return at < UINT32_MAX ? (uint32_t)at : UINT32_MAX;
}

/* No run before this one is active: with `quiet` alone. */
static inline uint32_t *person_active_from(const struct turn *t)
{
	return &t->quiet[2 + t->w->plans->count];
}

static inline uint16_t person_first_run(const struct turn *t)
{
	if (!t->quiet)
		return 0;
	uint32_t i = *person_active_from(t);
	while (i < t->state->run_count && t->state->runs[i].state != RUN_ACTIVE)
		i++;
	*person_active_from(t) = i;
	return (uint16_t)i;
}

int64_t person_value(const struct view *v); /* spend so far, minor units */

/* True when a run began. `news`: which facts have come since the last look. */
bool person_check_entries(struct turn *t, int news);
/* Enters by a smoothing slot, if the trigger and `who` still hold. */
bool person_granted(struct turn *t, uint16_t plan);

/* The goal first: whoever bought has met it, whatever else also ends the run. */
bool person_exits(struct turn *t, const struct run *r, enum reason *reason);
void person_leave(struct turn *t, struct run *r, enum reason reason);
void person_leave_all(struct turn *t, enum reason reason);
/* Of all runs, where one of these facts may have come since they were asked. */
void person_check_exits(struct turn *t, int news);

/* Which variant of a step the run gets. */
uint8_t person_variant(const struct turn *t, const struct run *r, const struct plan *p, const struct step *st);

/* When the run's step falls due, and the last instant at which it may still be done. */
int64_t person_step_due(const struct turn *t, const struct run *r);
int64_t person_late_limit(const struct turn *t, const struct plan *p, const struct step *st, int64_t due);

/* The run goes on: `passed_over`, as if the step had not been there (no `then`, no `goto`). */
void person_next_step(struct turn *t, struct run *r, bool passed_over);
void person_skip(struct turn *t, struct run *r, enum verdict v, enum reason reason, int64_t argument);
void person_hold(struct turn *t, struct run *r, enum reason reason, int64_t until);

#endif
