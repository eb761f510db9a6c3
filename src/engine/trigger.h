/* trigger: when does a plan's trigger fire for this person? Inside src/engine.
 *
 * trigger_look() walks the facts visible in the subject and calls found() for each firing that is due (at ≤ now); it
 * returns the next instant after now at which the trigger can fire if no new fact comes, INSTANT_NEVER otherwise.
 * Firings of event triggers from before the plan was switched on, and those longer ago than `late`, are not told. */
#ifndef RELANCE_ENGINE_TRIGGER_H
#define RELANCE_ENGINE_TRIGGER_H

#include "engine/engine.h"

struct firing {
	struct instant at;     /* when the plan is entered if somebody looks in time */
	struct instant anchor; /* the event it speaks of */
	uint64_t subject;      /* the cart, the order, the product; 0 none */
	bool state;            /* a state (inactive, segment): holds until it no longer does */
};

typedef void (*firing_fn)(void *ctx, const struct firing *f);

struct instant trigger_look(const struct world *w, const struct subject *s, uint16_t plan, firing_fn found, void *ctx);

/* Date of the last sale in the shop's zone; DATE_UNKNOWN when there is none. */
struct date last_sale_date(const struct view *v, zone_id shop_zone);

/* Which kinds of facts the trigger reads of this person, by flags. */
int trigger_reads(const struct plan *p, const struct subject *s);
/* An anniversary looks at this year and the next: nothing in them does not mean never. */
bool trigger_sees_no_further(const struct plan *p, struct instant next);

#endif
