/* people: who there is (table customer), which of them a bitmap or the life cycle names, and the saved segments. */
#ifndef RELANCE_APP_PEOPLE_H
#define RELANCE_APP_PEOPLE_H

#include "app/live.h"
#include "fold/expr.h"

struct people {
	struct arena text;
	struct str *ref; /* by customer_id; p == NULL: merged, erased, or never there */
	uint32_t ids;    /* 1 … ids */
	uint32_t count;  /* how many are there */
	struct intern segment_names;
	const char **segment_texts; /* by number in segment_names */
	size_t segment_cap;
	struct str saving; /* a segment about to be saved counts as saved, so that a circle is seen */
	const char *saving_text;
};

bool people_load(const struct shop_world *w, struct people *out, struct err *err) MUST_CHECK;
void people_release(struct people *p);

/* The context conditions of this shop compile in; holds `p` for the saved segments. `live` (may be NULL) adds the
 * plans. */
void people_context(const struct shop_world *w, struct people *p, const struct live *live, struct expr_context *out);

/* One person as of a day; `day` = its thresholds' day. */
struct lifecycle people_lifecycle(const struct shop_world *w, const struct version *v, customer_id c,
                                  const struct thresholds *t);

#endif
