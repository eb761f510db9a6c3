/* The first byte chooses the provider, the rest is its payload. */
#include "channel/webhook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct arena a;
	arena_init(&a);
	struct webhook_events events;
	struct err err = { 0 };
	struct str json = { (const char *)data + 1, size - 1 };
	if (!webhook_parse(&a, (enum webhook_provider)(data[0] % PROVIDER_COUNT), json, &events, &err))
		check(err.text[0]);
	for (size_t i = 0; i < events.count; i++)
		check(events.list[i].address.n || events.list[i].kind == WEBHOOK_CONFIRM);
	arena_release(&a);
	return 0;
}
