/* plans: what the handlers of plans share. */
#ifndef RELANCE_WEB_PLANS_H
#define RELANCE_WEB_PLANS_H

#include "web/web_int.h"

/* "form": the file as a form edits it (engine/plan_form.h); null when it is no YAML. */
void plan_put_form(struct request *r, struct str text);

/* The file a body gives: its "text", or `before` with the values of its "form". False: a problem was set. */
bool plan_text_of(struct request *r, const json_t *o, struct str before, struct str *text);

/* "issues", and "plan": the picture, null when it does not compile. request_book() was asked before. */
void plan_put_checked(struct request *r, struct str text);

#endif
