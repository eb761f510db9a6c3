/* rules_shop: a shop's sales as baskets of items, all of them or those of a segment; and as dated sequences. */
#ifndef RELANCE_CLI_RULES_SHOP_H
#define RELANCE_CLI_RULES_SHOP_H

#include "base/intern.h"
#include "cli/evaluate_orders.h"
#include "cli/reco_shop.h"
#include "fold/itemset.h"

enum rules_level { RULES_SKU, RULES_TYPE, RULES_FAMILY, RULES_CATEGORY };

struct rules_ask {
	const char *segment; /* a condition, NULL: everybody, guests too */
	unsigned months;     /* bit 0 = January …: orders of these months of any year; 0: all */
	enum rules_level level;
};

/* Baskets of items (level SKU), or of numbers in `groups`, which the caller owns. */
struct itemset_baskets *rules_shop_baskets(const struct reco_shop *s, const char *address, const struct rules_ask *ask,
                                           struct intern *groups, struct err *err) MUST_CHECK;

/* Every sale of the known customers, returns left out. */
void rules_shop_dated(const struct reco_shop *s, struct dated_baskets *out);

#endif
