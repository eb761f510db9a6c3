/* plan_words: a compiled plan in words, in French or English: shown as a timeline, compared step by step.
 *
 * Pure; texts live in the caller's arena or buffer. Conditions and names are shown as written in the plan. */
#ifndef RELANCE_ENGINE_PLAN_WORDS_H
#define RELANCE_ENGINE_PLAN_WORDS_H

#include "base/buf.h"
#include "engine/plan.h"

/* One property in words: "priority" → "40". step: index, or −1 for the plan itself. Properties at their default that
 * say nothing are left out. */
struct plan_line {
	int step;
	const char *label;
	struct str text;
};
enum { PLAN_ROWS_MAX = 24 + STEPS_MAX * 16 };

size_t plan_rows(const struct plan *p, enum locale locale, struct currency currency, struct arena *a,
                 struct plan_line rows[PLAN_ROWS_MAX]);

/* "six months without an order" … for lists. */
void plan_trigger_text(const struct plan *p, enum locale locale, struct buf *out);
/* "J+8", "+3 h", "a day after the step before". */
void step_moment_text(const struct plan *p, const struct step *s, enum locale locale, struct buf *out);

/* The plan as a timeline of text lines. */
void plan_show(const struct plan *p, enum locale locale, struct currency currency, struct buf *out);

/* What changed from `from` to `to`, one sentence an element. Steps are matched by name. */
struct plan_change {
	struct str step; /* empty: the plan itself */
	struct str text;
};
enum { PLAN_CHANGES_MAX = PLAN_ROWS_MAX * 2 };
size_t plan_diff(const struct plan *from, const struct plan *to, enum locale locale, struct currency currency,
                 struct arena *a, struct plan_change changes[PLAN_CHANGES_MAX]);

/* A channel in the words of people: "carte postale". */
const char *plan_channel_word(enum channel c, enum locale l);

#endif
