/* wording: the shop's phrase library, in French and English, for the `t` filter: {{ 'exclusive_offer' | t }}.
 *
 * Phrases that sell without pressing, and small words that recur. %{name} is filled by the filter's named arguments.
 * doc/messages.md lists the keys. Append freely; a key in use is never renamed. */
#ifndef RELANCE_OUTBOX_WORDING_H
#define RELANCE_OUTBOX_WORDING_H

#include "outbox/liquid.h"

struct wording {
	const char *key, *fr, *en;
};

extern const struct wording WORDINGS[];
extern const size_t WORDING_COUNT;

const char *wording_find(struct str key, enum liquid_locale locale); /* NULL when unknown; neutral = English */

#endif
