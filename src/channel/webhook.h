/* webhook: what e-mail providers post about mails sent through them, read into one kind of event.
 *
 * A provider's payload may hold one event or many; all that concern a recipient are given, the others (a campaign was
 * changed, a mail was queued) are left out. Bounces carry the same verdict as bounce.h: a provider's "hard" is kept
 * only where its words do not say that the cause is another than the address. Pure: bytes in, a list in the arena out.
 * Whether the caller is the provider is not decided here: the route keeps a secret in its path, and
 * webhook_mailgun_signed and webhook_sendgrid_signed check these providers' signatures. Limits: WEBHOOK_BYTES_MAX,
 * WEBHOOK_EVENTS_MAX events a payload, JSON nesting by jansson. */
#ifndef RELANCE_CHANNEL_WEBHOOK_H
#define RELANCE_CHANNEL_WEBHOOK_H

#include "base/err.h"
#include "base/zone.h"
#include "channel/bounce.h"

enum { WEBHOOK_BYTES_MAX = 8 << 20, WEBHOOK_EVENTS_MAX = 10000 };

enum webhook_provider { /* numbers are part of addresses given out: append only */
	                    PROVIDER_BREVO,
	                    PROVIDER_MAILERSEND,
	                    PROVIDER_MAILGUN,
	                    PROVIDER_MAILJET,
	                    PROVIDER_MAILTRAP,
	                    PROVIDER_MANDRILL,
	                    PROVIDER_POSTAL,
	                    PROVIDER_POSTMARK,
	                    PROVIDER_RESEND,
	                    PROVIDER_SENDGRID,
	                    PROVIDER_SES,
	                    PROVIDER_SPARKPOST,
	                    PROVIDER_UNISENDER,
	                    PROVIDER_COUNT,
};

enum webhook_kind {
	WEBHOOK_DELIVERED,
	WEBHOOK_DEFERRED,
	WEBHOOK_BOUNCED, /* see bounce.verdict; also a mail the provider dropped itself */
	WEBHOOK_COMPLAINED,
	WEBHOOK_UNSUBSCRIBED,
	WEBHOOK_OPENED,
	WEBHOOK_CLICKED,
	WEBHOOK_CONFIRM, /* the provider asks to confirm the subscription by fetching `url` (Amazon SNS) */
};

struct webhook_event {
	enum webhook_kind kind;
	struct str address;
	struct str message_id; /* our Message-ID where the provider keeps it, else its own; without brackets */
	struct instant at;     /* INSTANT_NEVER when not given */
	struct str url;        /* clicked */
	struct str user_agent; /* opened, clicked: see scanner.h */
	struct bounce bounce;  /* deferred, bounced, complained */
};

struct webhook_events {
	struct webhook_event *list;
	size_t count;
};

bool webhook_provider_find(struct str name, enum webhook_provider *out) MUST_CHECK; /* "brevo", "ses" … */
const char *webhook_provider_name(enum webhook_provider p);
const char *webhook_kind_name(enum webhook_kind k); /* "delivered" */

bool webhook_parse(struct arena *a, enum webhook_provider provider, struct str json, struct webhook_events *out,
                   struct err *err) MUST_CHECK;

/* Mailgun signs timestamp and token with HMAC-SHA256 under the account's webhook key. False when it does not fit, or
 * when the timestamp is more than 15 minutes from now (a replay). */
bool webhook_mailgun_signed(struct str json, struct str key, struct instant now) MUST_CHECK;

/* SendGrid signs timestamp and body with ECDSA (SHA-256); the headers X-Twilio-Email-Event-Webhook-Timestamp and
 * -Signature (base64); key: the verification key its settings page shows (base64 of a DER public key). */
bool webhook_sendgrid_signed(struct str json, struct str timestamp, struct str signature, struct str key) MUST_CHECK;

#endif
