/* provider: what an e-mail provider tells of mails sent through it (channel/webhook.h), written into the shop.
 *
 * Bounces and complaints do what a returned mail does (returned.h). An unsubscription withdraws the person's consent;
 * of an address that is nobody's it is kept as a suppression. Opens and clicks count when the event names one of our
 * messages, looks like a person's (visitor.h) and the caller says that the person agreed to them. Deliveries and delays
 * write nothing: the provider tries again itself. One transaction a payload; the same payload again writes nothing.
 *
 * Whether the caller is the provider: the address it was given holds a token under the shop's key (provider_hook_url);
 * a signature is checked where the provider makes one and the shop has its key (provider_signed). */
#ifndef RELANCE_APP_PROVIDER_H
#define RELANCE_APP_PROVIDER_H

#include "app/returned.h"
#include "channel/webhook.h"

struct provider_taken {
	uint64_t events, receipts, suppressed, unsubscribed;
	uint64_t unknown;   /* about nobody and no message here */
	uint64_t machines;  /* opens and clicks of machines, or of who did not agree */
	struct str confirm; /* an address that the operator has to open once (Amazon SNS); empty: none */
};

/* Whether opens and clicks of this person may be kept. NULL: none are. */
typedef bool (*provider_may_fn)(void *ctx, customer_id c);

bool provider_take(struct db *db, const struct shop *shop, enum webhook_provider provider,
                   const struct webhook_events *events, provider_may_fn may, void *ctx, struct instant now,
                   struct arena *a, struct provider_taken *out, struct err *err) MUST_CHECK;

/* BASE/h/TOKEN: the address to give to the provider. */
struct str provider_hook_url(const struct shop *shop, struct str base, enum webhook_provider provider, struct arena *a);
/* Which provider a token of /h/ is of; false: none of ours. */
bool provider_hook_find(const unsigned char *key, struct str token, enum webhook_provider *out) MUST_CHECK;

#endif
