/* Any bytes as a returned mail. */
#include "channel/bounce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	arena_init(&a);
	struct bounce_report r;
	bounce_parse(&a, (struct str){ (const char *)data, size }, &r);
	for (size_t i = 0; i < r.count; i++) {
		check(r.list[i].recipient.n < 1024);
		check(bounce_verdict_name(r.list[i].verdict) && bounce_reason_name(r.list[i].reason));
	}
	arena_release(&a);
	return 0;
}
