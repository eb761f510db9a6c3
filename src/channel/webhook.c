/* webhook: a table says where each provider keeps what; a second table says what its words for events mean. Amazon SES
 * needs a reader of its own (one event, several recipients, wrapped by SNS). */
#include "channel/webhook.h"

#include "base/buf.h"
#include "channel/mailpart.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdlib.h>

/* Paths: names separated by dots; "a|b" tries a, then b. A list of events is found at `list` ("" = the payload). */
struct shape {
	const char *name, *list, *unwrap;
	const char *type, *address, *id, *at, *url, *agent, *reason;
};

static const struct shape SHAPES[PROVIDER_COUNT] = {
	[PROVIDER_BREVO] = { "brevo", "", NULL, "event", "email", "message-id", "ts_event|ts_epoch|ts", "link",
	                     "user_agent", "reason" },
	[PROVIDER_MAILERSEND] = { "mailersend", "", NULL, "data.type|type", "data.email.recipient.email",
	                          "data.email.message.id", "data.created_at", "data.morph.url", "data.morph.user_agent",
	                          "data.morph.reason" },
	[PROVIDER_MAILGUN] = { "mailgun", "event-data", NULL, "event", "recipient", "message.headers.message-id",
	                       "timestamp", "url", "client-info.user-agent",
	                       "delivery-status.message|delivery-status.description|reason" },
	[PROVIDER_MAILJET] = { "mailjet", "", NULL, "event", "email", "Message_GUID|MessageID", "time", "url", "agent",
	                       "comment|error" },
	[PROVIDER_MAILTRAP] = { "mailtrap", "events", NULL, "event", "email", "message_id", "timestamp", "url",
	                        "user_agent", "response|reason" },
	[PROVIDER_MANDRILL] = { "mandrill", "", NULL, "event", "msg.email", "msg._id|_id", "ts", "url", "user_agent",
	                        "msg.diag|msg.bounce_description" },
	[PROVIDER_POSTAL] = { "postal", "", NULL, "event", "payload.message.to|payload.original_message.to",
	                      "payload.message.message_id|"
	                      "payload.original_message.message_id",
	                      "timestamp", "payload.url", "payload.user_agent", "payload.output|payload.details" },
	[PROVIDER_POSTMARK] = { "postmark", "", NULL, "RecordType", "Email|Recipient", "MessageID",
	                        "BouncedAt|DeliveredAt|ReceivedAt|ChangedAt", "OriginalLink", "UserAgent",
	                        "Details|Description" },
	[PROVIDER_RESEND] = { "resend", "", NULL, "type", "data.to.0", "data.email_id", "created_at", "data.click.link",
	                      "data.click.userAgent", "data.bounce.message" },
	[PROVIDER_SENDGRID] = { "sendgrid", "", NULL, "event", "email", "smtp-id|sg_message_id", "timestamp", "url",
	                        "useragent", "reason|response" },
	[PROVIDER_SES] = { "ses", "", NULL, "notificationType|eventType", "", "", "", "", "", "" },
	[PROVIDER_SPARKPOST] = { "sparkpost", "", "msys", "type", "raw_rcpt_to|rcpt_to", "message_id|transmission_id",
	                         "timestamp", "target_link_url", "user_agent", "raw_reason|reason" },
	[PROVIDER_UNISENDER] = { "unisender", "", NULL, "event_data.status|status", "event_data.email|email",
	                         "event_data.job_id|job_id", "event_data.event_time|event_time", "event_data.url|url",
	                         "event_data.delivery_info.user_agent|delivery_info.user_agent",
	                         "event_data.delivery_info.destination_response|delivery_info.destination_response" },
};

/* What the provider claims about a bounce; words of the refusing server may overrule "hard". */
enum claim { CLAIM_NONE, CLAIM_HARD, CLAIM_SOFT };

struct word {
	int provider; /* -1: any */
	const char *type;
	enum webhook_kind kind;
	enum claim claim;
};

static const struct word WORDS[] = {
	{ PROVIDER_MAILGUN, "failed", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_MAILGUN, "rejected", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_MAILJET, "sent", WEBHOOK_DELIVERED, CLAIM_NONE },
	{ PROVIDER_MAILJET, "bounce", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_POSTMARK, "bounce", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_RESEND, "email.bounced", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_POSTAL, "messagesent", WEBHOOK_DELIVERED, CLAIM_NONE },
	{ PROVIDER_POSTAL, "messagedelayed", WEBHOOK_DEFERRED, CLAIM_SOFT },
	{ PROVIDER_POSTAL, "messagedeliveryfailed", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_POSTAL, "messagebounced", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_POSTAL, "messageheld", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_POSTAL, "messagelinkclicked", WEBHOOK_CLICKED, CLAIM_NONE },
	{ PROVIDER_POSTAL, "messageloaded", WEBHOOK_OPENED, CLAIM_NONE },
	{ PROVIDER_SENDGRID, "blocked", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_SENDGRID, "bounce", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_SENDGRID, "dropped", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_SPARKPOST, "bounce", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_SPARKPOST, "out_of_band", WEBHOOK_BOUNCED, CLAIM_NONE },
	{ PROVIDER_SPARKPOST, "policy_rejection", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_SPARKPOST, "generation_failure", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_SPARKPOST, "generation_rejection", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_SPARKPOST, "delay", WEBHOOK_DEFERRED, CLAIM_SOFT },
	{ PROVIDER_SPARKPOST, "initial_open", WEBHOOK_OPENED, CLAIM_NONE },
	{ PROVIDER_SPARKPOST, "list_unsubscribe", WEBHOOK_UNSUBSCRIBED, CLAIM_NONE },
	{ PROVIDER_SPARKPOST, "link_unsubscribe", WEBHOOK_UNSUBSCRIBED, CLAIM_NONE },
	{ PROVIDER_MANDRILL, "reject", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_MANDRILL, "unsub", WEBHOOK_UNSUBSCRIBED, CLAIM_NONE },
	{ PROVIDER_MAILTRAP, "reject", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_MAILTRAP, "suspension", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_MAILTRAP, "bounce", WEBHOOK_BOUNCED, CLAIM_HARD },
	{ PROVIDER_MAILTRAP, "soft bounce", WEBHOOK_DEFERRED, CLAIM_SOFT },
	{ PROVIDER_UNISENDER, "soft_bounced", WEBHOOK_DEFERRED, CLAIM_SOFT },
	{ PROVIDER_BREVO, "invalid_email", WEBHOOK_BOUNCED, CLAIM_HARD },
	{ PROVIDER_BREVO, "invalid", WEBHOOK_BOUNCED, CLAIM_HARD },
	{ PROVIDER_BREVO, "error", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ PROVIDER_BREVO, "proxy_open", WEBHOOK_OPENED, CLAIM_NONE },
	{ PROVIDER_BREVO, "unique_proxy_open", WEBHOOK_OPENED, CLAIM_NONE },
	{ -1, "delivered", WEBHOOK_DELIVERED, CLAIM_NONE },
	{ -1, "delivery", WEBHOOK_DELIVERED, CLAIM_NONE },
	{ -1, "email.delivered", WEBHOOK_DELIVERED, CLAIM_NONE },
	{ -1, "email.delivery_delayed", WEBHOOK_DEFERRED, CLAIM_SOFT },
	{ -1, "email.complained", WEBHOOK_COMPLAINED, CLAIM_NONE },
	{ -1, "email.opened", WEBHOOK_OPENED, CLAIM_NONE },
	{ -1, "email.clicked", WEBHOOK_CLICKED, CLAIM_NONE },
	{ -1, "deferred", WEBHOOK_DEFERRED, CLAIM_SOFT },
	{ -1, "deferral", WEBHOOK_DEFERRED, CLAIM_SOFT },
	{ -1, "hard_bounce", WEBHOOK_BOUNCED, CLAIM_HARD },
	{ -1, "hard_bounced", WEBHOOK_BOUNCED, CLAIM_HARD },
	{ -1, "soft_bounce", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ -1, "soft_bounced", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ -1, "blocked", WEBHOOK_BOUNCED, CLAIM_SOFT },
	{ -1, "spam", WEBHOOK_COMPLAINED, CLAIM_NONE },
	{ -1, "spam_complaint", WEBHOOK_COMPLAINED, CLAIM_NONE },
	{ -1, "spamcomplaint", WEBHOOK_COMPLAINED, CLAIM_NONE },
	{ -1, "spamreport", WEBHOOK_COMPLAINED, CLAIM_NONE },
	{ -1, "complaint", WEBHOOK_COMPLAINED, CLAIM_NONE },
	{ -1, "complained", WEBHOOK_COMPLAINED, CLAIM_NONE },
	{ -1, "unsub", WEBHOOK_UNSUBSCRIBED, CLAIM_NONE },
	{ -1, "unsubscribe", WEBHOOK_UNSUBSCRIBED, CLAIM_NONE },
	{ -1, "unsubscribed", WEBHOOK_UNSUBSCRIBED, CLAIM_NONE },
	{ -1, "group_unsubscribe", WEBHOOK_UNSUBSCRIBED, CLAIM_NONE },
	{ -1, "subscriptionchange", WEBHOOK_UNSUBSCRIBED, CLAIM_NONE },
	{ -1, "open", WEBHOOK_OPENED, CLAIM_NONE },
	{ -1, "opened", WEBHOOK_OPENED, CLAIM_NONE },
	{ -1, "unique_opened", WEBHOOK_OPENED, CLAIM_NONE },
	{ -1, "opened_unique", WEBHOOK_OPENED, CLAIM_NONE },
	{ -1, "click", WEBHOOK_CLICKED, CLAIM_NONE },
	{ -1, "clicked", WEBHOOK_CLICKED, CLAIM_NONE },
	{ -1, "clicked_unique", WEBHOOK_CLICKED, CLAIM_NONE },
};

static const char *const KINDS[] = { "delivered",    "deferred", "bounced", "complained",
	                                 "unsubscribed", "opened",   "clicked", "confirm" };

const char *webhook_kind_name(enum webhook_kind k)
{
	return KINDS[k];
}

const char *webhook_provider_name(enum webhook_provider p)
{
	return SHAPES[p].name;
}

bool webhook_provider_find(struct str name, enum webhook_provider *out)
{
	for (int i = 0; i < PROVIDER_COUNT; i++)
		if (str_is(name, SHAPES[i].name)) {
			*out = (enum webhook_provider)i;
			return true;
		}
	return false;
}

/* ---- reading by path ---- */

static const json_t *step(const json_t *j, struct str name)
{
	int64_t index;
	if (json_is_array(j) && str_i64(name, &index))
		return index >= 0 ? json_array_get(j, (size_t)index) : NULL;
	return json_object_getn(j, name.p, name.n);
}

static const json_t *at_path(const json_t *j, struct str path)
{
	while (path.n && j) {
		const char *dot = memchr(path.p, '.', path.n);
		struct str name = { path.p, dot ? (size_t)(dot - path.p) : path.n };
		j = step(j, name);
		path = dot ? (struct str){ dot + 1, path.n - name.n - 1 } : (struct str){ path.p + path.n, 0 };
	}
	return j;
}

/* The first of the alternatives "a|b" that holds a string (not empty) or a number. */
static const json_t *find(const json_t *j, const char *paths)
{
	while (*paths) {
		size_t n = strcspn(paths, "|");
		const json_t *found = at_path(j, (struct str){ paths, n });
		if (found && ((json_is_string(found) && json_string_length(found)) || json_is_number(found)))
			return found;
		paths += n + (paths[n] == '|');
	}
	return NULL;
}

static struct str text_at(struct arena *a, const json_t *j, const char *paths)
{
	const json_t *found = find(j, paths);
	if (json_is_string(found))
		return arena_str(a, (struct str){ json_string_value(found), json_string_length(found) });
	if (json_is_integer(found))
		return arena_printf(a, "%lld", (long long)json_integer_value(found));
	return (struct str){ "", 0 };
}

enum { MILLISECONDS_FROM = 100000000000 }; /* a number this large is not seconds before the year 5138 */

static struct instant seconds(double v)
{
	if (!(v > 0) || v > 1e15)
		return INSTANT_NEVER;
	return (struct instant){ (int64_t)(v >= (double)MILLISECONDS_FROM ? v / 1000 : v) };
}

static struct instant time_at(struct arena *a, const json_t *j, const char *paths)
{
	const json_t *found = find(j, paths);
	if (json_is_number(found))
		return seconds(json_number_value(found));
	struct str text = text_at(a, j, paths);
	struct instant at;
	double v;
	if (str_f64(text, &v))
		return seconds(v);
	return text.n && instant_parse(text, 0, &at) ? at : INSTANT_NEVER;
}

static struct str without_brackets(struct str id)
{
	id = str_trim(id);
	if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		return (struct str){ id.p + 1, id.n - 2 };
	return id;
}

/* ---- verdicts ---- */

static void judge(struct arena *a, struct bounce *b, struct str address, struct str reason, enum claim claim,
                  bool deferred)
{
	struct str words = bounce_words(a, reason);
	struct bounce_codes codes;
	bounce_codes_find(words, &codes);
	*b = (struct bounce){ .recipient = address, .reply = codes.reply };
	memcpy(b->status, codes.status, sizeof b->status);
	b->reason = bounce_reason_of_text(words, b->status, bounce_stage_of(words), claim != CLAIM_HARD && codes.reply);
	if (b->reason == RETURN_UNDEFINED)
		b->reason = bounce_reason_of_status(b->status);
	bool temporary = deferred || b->status[0] == '4' || (!b->status[0] && b->reply >= 400 && b->reply < 500);
	if (temporary || claim == CLAIM_SOFT)
		b->verdict = BOUNCE_SOFT;
	else if (bounce_reason_hard(b->reason))
		b->verdict = BOUNCE_HARD;
	else if (b->reason != RETURN_UNDEFINED)
		b->verdict = BOUNCE_SOFT;
	else
		b->verdict = claim == CLAIM_HARD ? BOUNCE_HARD : BOUNCE_UNKNOWN;
	if (deferred && b->reason == RETURN_UNDEFINED)
		b->reason = RETURN_EXPIRED;
}

static const char *lower_text(struct arena *a, const json_t *j, const char *path)
{
	return arena_cstr(a, bounce_words(a, text_at(a, j, path)));
}

static bool is_one_of(const char *s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(s, list[i]) == 0)
			return true;
	return false;
}

/* Providers that say "hard" in a field beside the event's name. */
static enum claim claim_beside(struct arena *a, enum webhook_provider p, const json_t *e)
{
	static const char *const POSTMARK_HARD[] = { "hardbounce", "bademailaddress" };
	static const char *const POSTMARK_SOFT[] = { "softbounce",
		                                         "transient",
		                                         "dnserror",
		                                         "spamnotification",
		                                         "blocked",
		                                         "autoresponder",
		                                         "challengeverification",
		                                         "dmarcpolicy",
		                                         "unconfirmed" };
	switch (p) {
	case PROVIDER_MAILGUN: return strcmp(lower_text(a, e, "severity"), "permanent") == 0 ? CLAIM_HARD : CLAIM_SOFT;
	case PROVIDER_MAILJET: return json_is_true(json_object_get(e, "hard_bounce")) ? CLAIM_HARD : CLAIM_SOFT;
	case PROVIDER_POSTMARK: {
		const char *type = lower_text(a, e, "Type");
		return is_one_of(type, POSTMARK_HARD, ARRAY_LEN(POSTMARK_HARD))   ? CLAIM_HARD
		       : is_one_of(type, POSTMARK_SOFT, ARRAY_LEN(POSTMARK_SOFT)) ? CLAIM_SOFT
		                                                                  : CLAIM_NONE;
	}
	case PROVIDER_RESEND:
		return strcmp(lower_text(a, e, "data.bounce.type"), "permanent") == 0 ? CLAIM_HARD : CLAIM_SOFT;
	case PROVIDER_SENDGRID:
		return strcmp(lower_text(a, e, "type"), "blocked") == 0             ? CLAIM_SOFT
		       : strcmp(lower_text(a, e, "event"), "bounce") == 0           ? CLAIM_HARD
		       : strcmp(lower_text(a, e, "reason"), "invalid") == 0         ? CLAIM_HARD
		       : strcmp(lower_text(a, e, "reason"), "bounced address") == 0 ? CLAIM_HARD
		                                                                    : CLAIM_SOFT;
	case PROVIDER_SPARKPOST: { /* bounce classes: 10 invalid recipient, 30 no such mailbox, 90 unsubscribe */
		const char *class = lower_text(a, e, "bounce_class");
		return strcmp(class, "10") == 0 || strcmp(class, "30") == 0 ? CLAIM_HARD : CLAIM_SOFT;
	}
	case PROVIDER_BREVO:
	case PROVIDER_MAILERSEND:
	case PROVIDER_MAILTRAP:
	case PROVIDER_MANDRILL:
	case PROVIDER_POSTAL:
	case PROVIDER_SES:
	case PROVIDER_UNISENDER:
	case PROVIDER_COUNT: return CLAIM_NONE;
	}
	return CLAIM_NONE;
}

/* ---- events ---- */

static struct webhook_event *add_event(struct arena *a, struct webhook_events *out, size_t *cap)
{
	if (out->count == WEBHOOK_EVENTS_MAX)
		return NULL;
	if (out->count == *cap) {
		size_t bigger = *cap ? *cap * 2 : 8;
		struct webhook_event *list = arena_array(a, struct webhook_event, bigger);
		if (out->count)
			memcpy(list, out->list, out->count * sizeof *list);
		out->list = list;
		*cap = bigger;
	}
	struct webhook_event *e = &out->list[out->count++];
	*e = (struct webhook_event){ .at = INSTANT_NEVER };
	return e;
}

static const struct word *word_of(enum webhook_provider p, const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
		if ((WORDS[i].provider == (int)p || WORDS[i].provider < 0) && strcmp(WORDS[i].type, type) == 0)
			return &WORDS[i];
	return NULL;
}

static void complaint(struct webhook_event *e)
{
	e->bounce = (struct bounce){ .recipient = e->address, .verdict = BOUNCE_COMPLAINT, .reason = RETURN_FEEDBACK };
}

static void read_event(struct arena *a, enum webhook_provider p, const json_t *j, struct webhook_events *out,
                       size_t *cap)
{
	const struct shape *shape = &SHAPES[p];
	if (shape->unwrap) { /* SparkPost: {"msys": {"message_event": {…}}} */
		const json_t *inner = json_object_get(j, shape->unwrap);
		void *first = json_object_iter((json_t *)(uintptr_t)inner);
		j = first ? json_object_iter_value(first) : NULL;
	}
	if (!json_is_object(j))
		return;
	const struct word *word = word_of(p, lower_text(a, j, shape->type));
	struct str address = text_at(a, j, shape->address);
	if (!word || address.n == 0)
		return;
	struct webhook_event *e = add_event(a, out, cap);
	if (!e)
		return;
	e->kind = word->kind;
	e->address = address;
	e->message_id = without_brackets(text_at(a, j, shape->id));
	e->at = time_at(a, j, shape->at);
	e->url = text_at(a, j, shape->url);
	e->user_agent = text_at(a, j, shape->agent);
	enum claim claim = word->claim != CLAIM_NONE ? word->claim : claim_beside(a, p, j);
	if (e->kind == WEBHOOK_BOUNCED && p == PROVIDER_MAILGUN && claim == CLAIM_SOFT)
		e->kind = WEBHOOK_DEFERRED;
	if (e->kind == WEBHOOK_BOUNCED || e->kind == WEBHOOK_DEFERRED)
		judge(a, &e->bounce, address, text_at(a, j, shape->reason), claim, e->kind == WEBHOOK_DEFERRED);
	else if (e->kind == WEBHOOK_COMPLAINED)
		complaint(e);
	/* Postmark tells of a re-activation with the same record */
	if (p == PROVIDER_POSTMARK && e->kind == WEBHOOK_UNSUBSCRIBED &&
	    json_is_false(json_object_get(j, "SuppressSending")))
		out->count--;
}

/* ---- Amazon SES ---- */

static const struct {
	const char *type, *object, *recipients;
	enum webhook_kind kind;
} SES_TYPES[] = {
	{ "bounce", "bounce", "bouncedRecipients", WEBHOOK_BOUNCED },
	{ "complaint", "complaint", "complainedRecipients", WEBHOOK_COMPLAINED },
	{ "delivery", "delivery", "recipients", WEBHOOK_DELIVERED },
	{ "deliverydelay", "deliveryDelay", "delayedRecipients", WEBHOOK_DEFERRED },
	{ "open", "open", NULL, WEBHOOK_OPENED },
	{ "click", "click", NULL, WEBHOOK_CLICKED },
	{ "reject", "reject", NULL, WEBHOOK_BOUNCED },
	{ "subscription", "subscription", NULL, WEBHOOK_UNSUBSCRIBED },
};

static void ses_bounce(struct arena *a, struct webhook_event *e, const json_t *object, const json_t *recipient)
{
	const char *type = lower_text(a, object, "bounceType"), *sub = lower_text(a, object, "bounceSubType");
	struct str reason = text_at(a, recipient, "diagnosticCode");
	if (reason.n == 0)
		reason = text_at(a, recipient, "status");
	bool about_mail = is_one_of(
		sub, (const char *const[]){ "mailboxfull", "messagetoolarge", "contentrejected", "attachmentrejected" }, 4);
	enum claim claim = strcmp(type, "permanent") == 0 && !about_mail ? CLAIM_HARD : CLAIM_SOFT;
	if (strcmp(type, "undetermined") == 0)
		claim = CLAIM_NONE;
	judge(a, &e->bounce, e->address, reason, claim, e->kind == WEBHOOK_DEFERRED);
	if (strcmp(sub, "mailboxfull") == 0)
		e->bounce.reason = RETURN_MAILBOXFULL;
}

static void ses_recipients(struct arena *a, const json_t *j, size_t t, struct webhook_events *out, size_t *cap)
{
	const json_t *object = json_object_get(j, SES_TYPES[t].object), *mail = json_object_get(j, "mail");
	const json_t *list = SES_TYPES[t].recipients ? json_object_get(object, SES_TYPES[t].recipients)
	                                             : json_object_get(mail, "destination");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		struct str address = json_is_string(r) ? text_at(a, list, arena_cstr(a, arena_printf(a, "%zu", i)))
		                                       : text_at(a, r, "emailAddress");
		struct webhook_event *e = address.n ? add_event(a, out, cap) : NULL;
		if (!e)
			continue;
		e->kind = SES_TYPES[t].kind;
		e->address = address;
		e->message_id = without_brackets(text_at(a, mail, "commonHeaders.messageId|messageId"));
		e->at = time_at(a, object, "timestamp");
		e->url = text_at(a, object, "link");
		e->user_agent = text_at(a, object, "userAgent");
		if (e->kind == WEBHOOK_BOUNCED && strcmp(SES_TYPES[t].object, "reject") == 0)
			judge(a, &e->bounce, address, STR(""), CLAIM_SOFT, false);
		else if (e->kind == WEBHOOK_BOUNCED || e->kind == WEBHOOK_DEFERRED)
			ses_bounce(a, e, object, r);
		else if (e->kind == WEBHOOK_COMPLAINED &&
		         strcmp(lower_text(a, object, "complaintFeedbackType"), "not-spam") == 0)
			out->count--;
		else if (e->kind == WEBHOOK_COMPLAINED)
			complaint(e);
	}
}

static void read_ses(struct arena *a, const json_t *j, struct webhook_events *out, size_t *cap)
{
	const char *sns = lower_text(a, j, "Type");
	if (strcmp(sns, "subscriptionconfirmation") == 0) {
		struct webhook_event *e = add_event(a, out, cap);
		if (e) {
			e->kind = WEBHOOK_CONFIRM;
			e->url = text_at(a, j, "SubscribeURL");
		}
		return;
	}
	const json_t *message = json_object_get(j, "Message");
	if (json_is_string(message)) {
		json_t *inner = json_loadb(json_string_value(message), json_string_length(message), 0, NULL);
		if (inner && !json_is_string(json_object_get(inner, "Message")))
			read_ses(a, inner, out, cap);
		json_decref(inner);
		return;
	}
	const char *type = lower_text(a, j, SHAPES[PROVIDER_SES].type);
	for (size_t t = 0; t < ARRAY_LEN(SES_TYPES); t++)
		if (strcmp(type, SES_TYPES[t].type) == 0)
			ses_recipients(a, j, t, out, cap);
}

/* ---- payloads ---- */

static void read_payload(struct arena *a, enum webhook_provider p, const json_t *root, struct webhook_events *out)
{
	size_t cap = 0;
	const json_t *list = SHAPES[p].list[0] ? at_path(root, str_from(SHAPES[p].list)) : root;
	if (p == PROVIDER_UNISENDER && json_object_get(root, "events_by_user")) {
		const json_t *users = json_object_get(root, "events_by_user");
		for (size_t u = 0; u < json_array_size(users); u++) {
			const json_t *events = json_object_get(json_array_get(users, u), "events");
			for (size_t i = 0; i < json_array_size(events); i++)
				read_event(a, p, json_array_get(events, i), out, &cap);
		}
	} else if (p == PROVIDER_SES) {
		read_ses(a, list, out, &cap);
	} else if (json_is_array(list)) {
		for (size_t i = 0; i < json_array_size(list); i++)
			read_event(a, p, json_array_get(list, i), out, &cap);
	} else {
		read_event(a, p, list, out, &cap);
	}
}

bool webhook_parse(struct arena *a, enum webhook_provider provider, struct str json, struct webhook_events *out,
                   struct err *err)
{
	*out = (struct webhook_events){ 0 };
	if (json.n > WEBHOOK_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "webhook %s: larger than %d MB", SHAPES[provider].name, WEBHOOK_BYTES_MAX >> 20);
	json_error_t where;
	json_t *root = json_loadb(json.p, json.n, 0, &where);
	if (!root)
		return err_set(err, ERR_INPUT, "webhook %s: line %d, column %d: not JSON", SHAPES[provider].name, where.line,
		               where.column);
	read_payload(a, provider, root, out);
	json_decref(root);
	return true;
}

/* ---- Mailgun's signature ---- */

enum { REPLAY_MAX_S = 15 * MINUTE_S };

bool webhook_mailgun_signed(struct str json, struct str key, struct instant now)
{
	json_t *root = json.n <= WEBHOOK_BYTES_MAX ? json_loadb(json.p, json.n, 0, NULL) : NULL;
	const json_t *s = json_object_get(root, "signature");
	const char *stamp = json_string_value(json_object_get(s, "timestamp"));
	const char *token = json_string_value(json_object_get(s, "token"));
	const char *given = json_string_value(json_object_get(s, "signature"));
	int64_t at;
	bool ok = stamp && token && given && str_i64(str_from(stamp), &at) && at > now.s - REPLAY_MAX_S &&
	          at < now.s + REPLAY_MAX_S && strlen(given) == 2 * crypto_auth_hmacsha256_BYTES && sodium_init() >= 0;
	if (ok) {
		unsigned char mac[crypto_auth_hmacsha256_BYTES];
		char hex[2 * sizeof mac + 1];
		crypto_auth_hmacsha256_state state;
		crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.p, key.n);
		crypto_auth_hmacsha256_update(&state, (const unsigned char *)stamp, strlen(stamp));
		crypto_auth_hmacsha256_update(&state, (const unsigned char *)token, strlen(token));
		crypto_auth_hmacsha256_final(&state, mac);
		sodium_bin2hex(hex, sizeof hex, mac, sizeof mac);
		ok = sodium_memcmp(hex, given, 2 * sizeof mac) == 0;
	}
	json_decref(root);
	return ok;
}

/* ---- SendGrid's ---- */

enum { SIGNATURE_MAX = 400 };

static size_t from_base64(struct str text, unsigned char out[SIGNATURE_MAX])
{
	size_t n;
	text = str_trim(text);
	return text.n && sodium_base642bin(out, SIGNATURE_MAX, text.p, text.n, NULL, &n, NULL,
	                                   sodium_base64_VARIANT_ORIGINAL) == 0
	           ? n
	           : 0;
}

bool webhook_sendgrid_signed(struct str json, struct str timestamp, struct str signature, struct str key)
{
	unsigned char der[SIGNATURE_MAX], given[SIGNATURE_MAX];
	const unsigned char *p = der;
	size_t der_n = from_base64(key, der), given_n = from_base64(signature, given);
	EVP_PKEY *pkey = der_n ? d2i_PUBKEY(NULL, &p, (long)der_n) : NULL;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = pkey && md && given_n && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, pkey) == 1 &&
	          EVP_DigestVerifyUpdate(md, timestamp.p, timestamp.n) == 1 &&
	          EVP_DigestVerifyUpdate(md, json.p, json.n) == 1 && EVP_DigestVerifyFinal(md, given, given_n) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	return ok;
}
