/* plan_form: a plan file as a form edits it, and back.
 *
 * As a form a plan is JSON with the keys of the file (doc/plans.md): maps are objects, lists arrays, every value a text
 * as it stands in the file ("10%", "J+8", "20 days"). Written back, only what differs is changed: comments, order of
 * keys, spacing and quotes stay. A step that was moved takes the comments above it along; a step or key that is gone
 * leaves, a new one is written beside its fellows. What is written is read again and compared before it is given out.
 *
 * Pure: nothing is compiled here; plan_read() says whether the result is a plan. Limits are those of plan_file.h. */
#ifndef RELANCE_ENGINE_PLAN_FORM_H
#define RELANCE_ENGINE_PLAN_FORM_H

#include "engine/plan_file.h"

#include <jansson.h>

/* NULL: the text is no YAML (in `issues`). The caller decrefs. */
json_t *plan_form_read(struct str file, struct str text, struct arena *a, struct plan_issues *issues);

/* `text` with the values of `form`; numbers and booleans are taken as their text, null as "not there". False: the form
 * is no object of texts, or the text is no YAML. out is a buffer of PLAN_FILE_MAX at least. */
bool plan_form_write(struct str text, const json_t *form, struct arena *a, struct buf *out, struct err *err) MUST_CHECK;

#endif
