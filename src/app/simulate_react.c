/* Method: what a customer does with a message is a hash of seed, message and day (simulate_response), so every call
 * works it out again for the messages of the last fortnight and writes what has happened by `now` and is not known. */
#include "app/load.h"
#include "app/returned.h"
#include "app/simulate_int.h"
#include "fold/basis.h"
#include "fold/expr.h"
#include "model/body.h"

#include <stdlib.h>

enum { REACT_WINDOW_S = 14 * DAY_S, REACT_BOUNCE_S = 60 };

struct reacting {
	struct shop_world shop;
	const struct version *version;
	struct store_batch *batch;
	uint64_t seed;
	struct instant now;
	struct arena arena;
	struct simulate_reactions *out;
	struct message_key *keys; /* with their instants: what left in the window */
	struct instant *sent;
	size_t count, key_cap, sent_cap;
};

static bool keep_sent(void *ctx, const struct outbox_message *m, struct err *err)
{
	struct reacting *x = ctx;
	(void)err;
	if (m->state != MESSAGE_ACCEPTED || m->key.channel == CHANNEL_STAFF || m->sent_at.s > x->now.s ||
	    m->sent_at.s + REACT_WINDOW_S <= x->now.s)
		return true;
	size_t n = x->count++;
	x->keys = mem_grow(x->keys, &x->key_cap, x->count, sizeof *x->keys);
	x->sent = mem_grow(x->sent, &x->sent_cap, x->count, sizeof *x->sent);
	x->keys[n] = m->key;
	x->keys[n].plan = arena_str(&x->arena, m->key.plan);
	x->keys[n].step = arena_str(&x->arena, m->key.step);
	x->sent[n] = m->sent_at;
	return true;
}

static bool may_track(const struct reacting *x, customer_id c)
{
	return basis_may_track_at(x->shop.book, x->version, &x->shop.thresholds, c, x->now);
}

static bool receipt(struct reacting *x, const struct message_key *m, enum receipt what, struct instant at,
                    uint64_t *count, struct err *err)
{
	struct returned r = { .message = *m };
	if (at.s > x->now.s)
		return true;
	bool ok = returned_receipt(x->batch, &r, what, at, &x->arena, err);
	*count += r.receipt;
	return ok;
}

static bool bounce(struct reacting *x, const struct message_key *m, const struct simulate_reaction *did,
                   struct instant sent, struct err *err)
{
	struct instant at = { sent.s + REACT_BOUNCE_S };
	struct returned r = { .message = *m, .bounce.verdict = did->hard_bounce ? BOUNCE_HARD : BOUNCE_SOFT };
	if (at.s > x->now.s)
		return true;
	bool ok = returned_write(x->batch, &x->shop.shop, &r, at, x->now, &x->arena, err);
	x->out->bounced += r.receipt;
	return ok;
}

/* One article that fits the amount: drawn among those between half of it and all of it, else the nearest below. */
static struct line article(const struct reacting *x, customer_id c, const struct simulate_reaction *did)
{
	uint32_t count, fit = 0, pick;
	const struct product *p = book_products(x->shop.book, &count);
	product_id found = 0, nearest = 0;
	for (product_id i = 1; i <= count; i++) {
		if (p[i].not_a_product || p[i].price <= 0 || p[i].price > did->spend_cents)
			continue;
		fit += 2 * p[i].price >= did->spend_cents;
		nearest = !nearest || p[i].price > p[nearest].price ? i : nearest;
	}
	pick = (uint32_t)(sim_draw(x->seed, SIM_RESPONSE, c, (uint64_t)did->ordered_at.s) * fit);
	for (product_id i = 1; i <= count && fit && !found; i++)
		if (!p[i].not_a_product && p[i].price <= did->spend_cents && 2 * p[i].price >= did->spend_cents && pick-- == 0)
			found = i;
	found = found ? found : nearest;
	return (struct line){ .product = found, .quantity = 1, .amount = found ? p[found].price : 0 };
}

/* A fact under a key of its own, once. */
static bool fact_once(struct reacting *x, struct fact *f, bool *added, struct err *err)
{
	struct fact before;
	bool known = false, quarantined;
	*added = false;
	bool document = f->kind == FACT_ORDER;
	if (!(document ? store_batch_known(x->batch, f->kind, f->key, &x->arena, &before, &known, err)
	               : store_batch_known_of(x->batch, f->customer, f->kind, f->key, &x->arena, &before, &known, err)))
		return false;
	*added = !known;
	return known || store_batch_fact(x->batch, f, &quarantined, err);
}

static bool order(struct reacting *x, const struct message_key *m, const struct simulate_reaction *did, struct err *err)
{
	struct line line = article(x, m->customer, did);
	if (did->ordered_at.s > x->now.s || !line.product)
		return true;
	struct order_body body = { .lines = &line, .line_count = 1, .channel = SALE_WEB };
	struct buf text;
	buf_init(&text, 4096);
	body_write_order(&body, &text);
	struct fact f = { .customer = m->customer,
		              .kind = FACT_ORDER,
		              .key = arena_printf(&x->arena, "sim:M%016llx", (unsigned long long)outbox_link_id(m)),
		              .at = did->ordered_at,
		              .body = arena_str(&x->arena, buf_view(&text)) };
	buf_release(&text);
	bool added = false, ok = fact_once(x, &f, &added, err);
	x->out->orders += added;
	x->out->spend_cents += added ? line.amount : 0;
	return ok;
}

static bool unsubscribe(struct reacting *x, const struct message_key *m, const struct simulate_reaction *did,
                        struct err *err)
{
	if (did->unsubscribed_at.s > x->now.s)
		return true;
	const struct consent_body body = { .channel = CHANNEL_EMAIL,
		                               .purpose = PURPOSE_MARKETING,
		                               .state = CONSENT_WITHDRAWN,
		                               .source = STR("unsubscribe link"),
		                               .wording = STR("") };
	struct buf text;
	bool added;
	buf_init(&text, 4096);
	body_write_consent(&body, &text);
	struct fact f = { .customer = m->customer,
		              .kind = FACT_CONSENT,
		              .key = arena_printf(&x->arena, "sim:U%016llx", (unsigned long long)outbox_link_id(m)),
		              .at = did->unsubscribed_at,
		              .body = arena_str(&x->arena, buf_view(&text)) };
	buf_release(&text);
	bool ok = fact_once(x, &f, &added, err);
	x->out->unsubscribed += added;
	return ok;
}

static bool react(struct reacting *x, const struct message_key *m, struct instant sent, struct err *err)
{
	struct simulate_reaction did;
	bool mail = m->channel == CHANNEL_EMAIL;
	simulate_response(x->seed, m->customer, m->plan, m->step, sent, &did);
	x->out->messages++;
	if (mail && (did.hard_bounce || did.soft_bounce))
		return bounce(x, m, &did, sent, err);
	if (mail && may_track(x, m->customer) &&
	    (!receipt(x, m, RECEIPT_OPENED, did.opened_at, &x->out->opened, err) ||
	     !receipt(x, m, RECEIPT_CLICKED, did.clicked_at, &x->out->clicked, err)))
		return false;
	return (!did.ordered || order(x, m, &did, err)) && (!mail || !did.unsubscribed || unsubscribe(x, m, &did, err));
}

static bool react_all(struct reacting *x, struct err *err)
{
	if (!outbox_messages(x->shop.db, 1, x->shop.customers, keep_sent, x, err))
		return false;
	x->batch = store_batch_begin(x->shop.db, NULL, x->now, err);
	if (!x->batch)
		return false;
	bool ok = true;
	for (size_t i = 0; i < x->count && ok; i++)
		ok = react(x, &x->keys[i], x->sent[i], err);
	if (!ok) {
		store_batch_rollback(x->batch);
		return false;
	}
	return store_batch_commit(x->batch, err) && store_mark(x->shop.db, err);
}

bool simulate_react(const char *address, uint64_t seed, struct instant now, struct simulate_reactions *out,
                    struct err *err)
{
	struct reacting x = { .seed = seed, .now = now, .out = out };
	const struct load_options o = { .known = INSTANT_NEVER };
	*out = (struct simulate_reactions){ 0 };
	if (!load_shop(address, &o, &x.shop, err))
		return false;
	arena_init(&x.arena);
	x.version = book_pin(x.shop.book);
	bool ok = x.shop.shop.seed == (hash_mix(seed, SIM_KEY) | 1)
	              ? react_all(&x, err)
	              : err_set(err, ERR_INPUT,
	                        "%s is not the invented shop of this seed: only invented customers react to messages by "
	                        "themselves (give the --seed it was made with)",
	                        address);
	book_unpin(x.shop.book, x.version);
	free(x.keys);
	free(x.sent);
	arena_release(&x.arena);
	load_release(&x.shop);
	return ok;
}
