/* guard: may this message leave now? (SEMANTICS "Guard", LAW). Inside src/engine.
 *
 * The order is fixed and the first refusal names the reason: emergency stop, plan on, erased, suppression, basis,
 * control group, exits, late, quiet hours, pressure. Exits and lateness are the caller's (engine.c), between guard_who
 * and guard_when. */
#ifndef RELANCE_ENGINE_GUARD_H
#define RELANCE_ENGINE_GUARD_H

#include "engine/engine.h"

struct guard_answer {
	enum verdict verdict; /* SEND, HELD or SKIPPED */
	enum reason reason;
	int64_t argument;
	enum channel channel; /* chosen, when SEND */
};

/* May this person be written to at all: stop, plan, erasure, suppression, basis, control group. Chooses the first
 * allowed and reachable channel among `channels`. */
struct guard_answer guard_who(const struct world *w, const struct subject *s, uint16_t plan, const struct run *run,
                              const uint8_t *channels, uint8_t count, enum purpose purpose);

/* May it leave at this moment on this channel: blackout, quiet hours, pressure. `except` is the message itself at a
 * claim. */
struct guard_answer guard_when(const struct world *w, const struct subject *s, uint16_t plan, enum channel channel,
                               enum purpose purpose, const struct sent *except);

#endif
