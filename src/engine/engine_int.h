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
	uint32_t *quiet; /* [0]: the last look; [1 + plan]: the trigger's next firing, 0: one may still be taken; last:
	                    the earliest of them */
	bool news;       /* orders, carts or events may have come since the last look */
	bool asks_money; /* a spend was asked for: nothing goes on before its answer */
};

void person_init(struct turn *t, const struct world *w, customer_id c, struct pstate *state, struct instant now,
                 struct decisions *out);
void person_say(struct turn *t, const struct run *r, int step, enum verdict v, enum reason reason, int64_t argument);
const struct plan *person_plan(const struct turn *t, const struct run *r);

/* The goal first: whoever bought has met it, whatever else also ends the run. */
bool person_exits(struct turn *t, const struct run *r, enum reason *reason);
void person_leave(struct turn *t, struct run *r, enum reason reason);
void person_leave_all(struct turn *t, enum reason reason);
void person_check_exits(struct turn *t); /* of all runs */

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
