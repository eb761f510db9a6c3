/* Any bytes: parsed or refused with a text; what is parsed is mined within the limit. */
#include "fold/itemset.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct itemset_baskets *b = itemset_parse((const char *)data, n, 1, &err);
	if (!b) {
		check(err.text[0]);
		return 0;
	}
	for (int kind = ITEMSET_ALL; kind <= ITEMSET_MAXIMAL; kind++) {
		struct itemset_options o = { .support = 1, .kind = (enum itemset_kind)kind, .limit = 2000, .threads = 1 };
		struct itemset_result r;
		if (itemset_mine(b, &o, &r, &err))
			itemset_result_release(&r);
	}
	itemset_free(b);
	return 0;
}
