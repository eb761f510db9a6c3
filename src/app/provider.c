#include "app/provider.h"

#include "app/links.h"
#include "channel/visitor.h"
#include "model/body.h"
#include "model/names.h"

struct str provider_hook_url(const struct shop *shop, struct str base, enum webhook_provider provider, struct arena *a)
{
	unsigned char key[TOKEN_KEY_BYTES];
	char token[TOKEN_CHARS + 1];
	links_key(shop, key);
	token_write(key, (struct token){ .purpose = TOKEN_HOOK, .message = (int64_t)provider }, token);
	return arena_printf(a, "%.*s/h/%s", STR_ARG(base), token);
}

bool provider_hook_find(const unsigned char *key, struct str token, enum webhook_provider *out)
{
	struct token t;
	if (!token_read(key, TOKEN_HOOK, token, &t) || t.message < 0 || t.message >= PROVIDER_COUNT)
		return false;
	*out = (enum webhook_provider)t.message;
	return true;
}

/* ---- what it does ---- */

struct taking {
	struct store_batch *batch;
	const struct shop *shop;
	enum webhook_provider provider;
	provider_may_fn may;
	void *ctx;
	struct instant now;
	struct arena *arena;
	struct provider_taken *out;
};

/* When it happened, as far as that can be believed. */
static struct instant when(const struct taking *t, const struct webhook_event *e)
{
	bool likely = e->at.s != INSTANT_NEVER.s && e->at.s > t->now.s - 30 * DAY_S && e->at.s <= t->now.s;
	return likely ? e->at : t->now;
}

static bool take_returned(struct taking *t, const struct webhook_event *e, struct returned *r, struct err *err)
{
	r->bounce = e->bounce;
	r->bounce.recipient = e->address;
	if (!returned_write(t->batch, t->shop, r, when(t, e), t->now, t->arena, err))
		return false;
	t->out->receipts += r->receipt;
	t->out->suppressed += r->suppressed;
	return true;
}

static bool take_unsubscribed(struct taking *t, const struct webhook_event *e, struct returned *r, struct err *err)
{
	uint64_t hash = store_address_hash(t->shop, e->address);
	if (!r->message.customer) {
		bool ok =
			!hash || suppression_put(store_batch_db(t->batch), hash, CHANNEL_EMAIL, STR("unsubscribed"), t->now, err);
		t->out->suppressed += ok && hash;
		return ok;
	}
	struct buf body;
	struct instant at = when(t, e);
	const char *name = webhook_provider_name(t->provider);
	struct consent_body consent = { .channel = CHANNEL_EMAIL,
		                            .purpose = PURPOSE_MARKETING,
		                            .state = CONSENT_WITHDRAWN,
		                            .source = arena_printf(t->arena, "unsubscribed at %s", name),
		                            .wording = STR("") };
	buf_init(&body, 4096);
	body_write_consent(&consent, &body);
	struct fact f = { .customer = r->message.customer,
		              .kind = FACT_CONSENT,
		              .key = arena_printf(t->arena, "provider:%s/email@%lld", name, (long long)at.s),
		              .at = at,
		              .body = buf_view(&body) },
				before;
	bool known = false, quarantined;
	bool ok = store_batch_known_of(t->batch, f.customer, FACT_CONSENT, f.key, t->arena, &before, &known, err);
	if (ok && !known) {
		ok = store_batch_fact(t->batch, &f, &quarantined, err);
		t->out->unsubscribed += ok;
	}
	buf_release(&body);
	return ok;
}

static bool take_seen(struct taking *t, const struct webhook_event *e, struct returned *r, struct err *err)
{
	struct visit v = { .user_agent = e->user_agent,
		               .method = STR("GET"),
		               .open = e->kind == WEBHOOK_OPENED,
		               .after_accept_s = -1,
		               .links_within_burst = 1 };
	if (r->by != RETURNED_BY_ID || visitor_of(&v) != VISITOR_PERSON || !t->may ||
	    !t->may(t->ctx, r->message.customer)) {
		t->out->machines++;
		return true;
	}
	return returned_receipt(t->batch, r, v.open ? RECEIPT_OPENED : RECEIPT_CLICKED, when(t, e), t->arena, err) &&
	       (t->out->receipts += r->receipt, true);
}

static bool take_event(struct taking *t, const struct webhook_event *e, struct returned *r, struct err *err)
{
	switch (e->kind) {
	case WEBHOOK_BOUNCED:
	case WEBHOOK_COMPLAINED: return take_returned(t, e, r, err);
	case WEBHOOK_UNSUBSCRIBED: return take_unsubscribed(t, e, r, err);
	case WEBHOOK_OPENED:
	case WEBHOOK_CLICKED: return take_seen(t, e, r, err);
	case WEBHOOK_CONFIRM: t->out->confirm = e->url; return true;
	case WEBHOOK_DELIVERED:
	case WEBHOOK_DEFERRED: break;
	}
	return true;
}

bool provider_take(struct db *db, const struct shop *shop, enum webhook_provider provider,
                   const struct webhook_events *events, provider_may_fn may, void *ctx, struct instant now,
                   struct arena *a, struct provider_taken *out, struct err *err)
{
	*out = (struct provider_taken){ .events = events->count, .confirm = STR("") };
	struct returned *found = arena_array(a, struct returned, events->count + 1);
	for (size_t i = 0; i < events->count; i++) {
		const struct webhook_event *e = &events->list[i];
		bool asks = e->kind != WEBHOOK_DELIVERED && e->kind != WEBHOOK_DEFERRED && e->kind != WEBHOOK_CONFIRM;
		found[i] = (struct returned){ .by = RETURNED_NOT_FOUND };
		if (asks && !returned_find(db, shop, e->message_id, e->address, a, &found[i], err))
			return false;
		out->unknown += asks && !found[i].message.customer;
	}
	struct taking t = {
		.shop = shop, .provider = provider, .may = may, .ctx = ctx, .now = now, .arena = a, .out = out
	};
	t.batch = store_batch_begin(db, NULL, now, err);
	if (!t.batch)
		return false;
	for (size_t i = 0; i < events->count; i++)
		if (!take_event(&t, &events->list[i], &found[i], err)) {
			store_batch_rollback(t.batch);
			return false;
		}
	return store_batch_commit(t.batch, err) && store_mark(db, err);
}
