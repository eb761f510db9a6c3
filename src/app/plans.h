/* plans: plan files from a folder, or the ones shipped in the binary, compiled into a plan set. */
#ifndef RELANCE_APP_PLANS_H
#define RELANCE_APP_PLANS_H

#include "app/load.h"
#include "engine/plan_file.h"

/* What conditions of this shop may refer to. */
void plans_context(const struct settings *s, struct expr_context *out);

/* Reads every *.yaml of `path` (a folder, sorted by name, or one file; NULL: the six plans shipped), all on since
 * `on_since`. Errors of the files are in `issues`; false when there is one, or when nothing could be read. The compiled
 * plans live in the arena. */
bool plans_load(const char *path, const struct settings *s, struct instant on_since, struct arena *a,
                struct plan_set *out, struct plan_issues *issues, struct err *err) MUST_CHECK;

/* Adds a compiled plan as the newest version of its name; its place in the set. */
uint16_t plan_set_add(struct plan_set *set, const struct plan *p, bool on, uint32_t on_since);

/* The names behind plan and step numbers, as conditions want them; in the arena. */
const struct plan_words *plan_set_words(const struct plan_set *set, struct arena *a);

#endif
