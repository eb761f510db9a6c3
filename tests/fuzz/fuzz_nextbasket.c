/* Any bytes: read as basket sequences or refused with a text. */
#include "fold/nextbasket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct nb_data *d = nb_parse((struct str){ (const char *)data, n }, &err);
	check(d || err.text[0]);
	for (uint32_t u = 0; d && u < d->users; u++)
		for (uint32_t b = d->user_start[u]; b < d->user_start[u + 1]; b++)
			check(d->basket_start[b] < d->basket_start[b + 1]);
	nb_free(d);
	return 0;
}
