/* rules_shop: a shop's sales as baskets of items, all of them or those of a segment; and as dated sequences. */
#ifndef RELANCE_CLI_RULES_SHOP_H
#define RELANCE_CLI_RULES_SHOP_H

#include "cli/evaluate_orders.h"
#include "cli/reco_shop.h"
#include "fold/itemset.h"

/* segment: a condition, NULL: everybody, guests too. */
struct itemset_baskets *rules_shop_baskets(const struct reco_shop *s, const char *address, const char *segment,
                                           struct err *err) MUST_CHECK;

/* Every sale of the known customers, returns left out. */
void rules_shop_dated(const struct reco_shop *s, struct dated_baskets *out);

#endif
