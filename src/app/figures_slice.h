/* figures_slice: the business cut by sector, category, store, channel or salesperson: which there are, and asking for
 * one.
 *
 * Sector is the customer's; category the article's; store, channel and seller the order's. */
#ifndef RELANCE_APP_FIGURES_SLICE_H
#define RELANCE_APP_FIGURES_SLICE_H

#include "app/figures.h"

enum { SLICES_MAX = 500 };

enum slice_by { SLICE_SECTOR, SLICE_CATEGORY, SLICE_STORE, SLICE_CHANNEL, SLICE_SELLER, SLICE_COUNT };
const char *slice_name(enum slice_by by); /* "sector" */
bool slice_find(struct str name, enum slice_by *out) MUST_CHECK;

struct slice {
	struct str name;
	uint32_t number; /* word, or channel */
};

/* Those there are, by name, malloc'd; more than SLICES_MAX is ERR_LIMIT. */
bool slices_list(const struct figures_shop *s, enum slice_by by, struct slice **out, size_t *count,
                 struct err *err) MUST_CHECK;

/* Narrows `ask` to one. A sector becomes bits of customers: *segment (malloc'd, or NULL: everybody) is cut down to it,
 * and ask->segment points there; the caller frees it. */
void slice_narrow(const struct figures_shop *s, enum slice_by by, const struct slice *to, struct figures_ask *ask,
                  uint64_t **segment);

/* The same by name; an error names the nearest there is. */
bool slice_narrow_to(const struct figures_shop *s, enum slice_by by, struct str name, struct figures_ask *ask,
                     uint64_t **segment, struct err *err) MUST_CHECK;

#endif
