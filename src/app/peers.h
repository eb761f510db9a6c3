/* peers: people who share an address are one person for pressure (SEMANTICS "Guard"): a ring of customer numbers.
 * A record merged into another stands in the same ring, with whoever shares either's address. */
#ifndef RELANCE_APP_PEERS_H
#define RELANCE_APP_PEERS_H

#include "book/book.h"

/* ring[c] is the next person with c's address, 0 when c is alone with it; NULL when nobody shares. malloc'd. */
customer_id *peers_find(const struct version *v);

#endif
