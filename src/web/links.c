/* The key that signs the links in messages: derived from the shop's secret, which lives beside the database. */
#include "web/web_int.h"

#include <sodium.h>

void link_key(const struct shop *shop, unsigned char out[32])
{
	static const char WHAT[] = "relance: links in messages";
	crypto_generichash(out, 32, (const unsigned char *)WHAT, sizeof WHAT - 1, (const unsigned char *)shop->address_key,
	                   sizeof shop->address_key);
}
