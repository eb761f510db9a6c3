/* Any bytes as an address: its one form is the form of itself, so that a stored address is found by any spelling of it.
 */
#include "store/store_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t KEY[2] = { 1, 2 };
	struct arena a;
	arena_init(&a);
	struct str text = { (const char *)data, size };
	struct str one = address_normal(text, &a);
	check((address_hash(KEY, text) == 0) == (one.n == 0));
	if (one.n > 0 && one.n <= 320) {
		struct str two = address_normal(one, &a);
		check(str_eq(one, two));
		check(address_hash(KEY, text) == address_hash(KEY, one));
	}
	arena_release(&a);
	return 0;
}
