#include "app/returned.h"

#include "app/courier.h"
#include "app/links.h"
#include "channel/mime.h"
#include "model/names.h"

const char *returned_by_name(enum returned_by by)
{
	static const char *const NAMES[] = { NULL, "path", "message_id", "recipient" };
	return NAMES[by];
}

/* ---- which message ---- */

static bool by_path(struct db *db, const struct shop *shop, struct str to, struct arena *a, struct message_key *key,
                    bool *found, struct err *err)
{
	unsigned char secret[TOKEN_KEY_BYTES];
	int64_t id;
	*found = false;
	links_key(shop, secret);
	return !verp_read(secret, to, &id) || outbox_link_find(db, id, a, key, found, err);
}

/* Looks through one customer's messages: for the one with this left side of a Message-ID, or the newest mail that left.
 */
struct search {
	struct str id; /* empty: the newest */
	struct arena *arena;
	struct message_key key;
	int64_t sent_at;
	bool found;
};

static bool left(const struct outbox_message *m)
{
	return m->state == MESSAGE_ACCEPTED || m->state == MESSAGE_UNCERTAIN || m->state == MESSAGE_SENDING;
}

static bool look(void *ctx, const struct outbox_message *m, struct err *err)
{
	struct search *s = ctx;
	(void)err;
	if (m->key.channel != CHANNEL_EMAIL)
		return true;
	if (s->id.n) {
		struct buf id;
		buf_init(&id, 1024);
		mime_message_id(courier_key_name(&m->key, s->arena), STR(""), &id);
		bool same = str_eq(buf_view(&id), s->id);
		buf_release(&id);
		if (!same)
			return true;
	} else if (!left(m) || (s->found && m->sent_at.s < s->sent_at)) {
		return true;
	}
	s->found = true;
	s->sent_at = m->sent_at.s;
	s->key = m->key;
	s->key.plan = arena_str(s->arena, m->key.plan);
	s->key.step = arena_str(s->arena, m->key.step);
	return true;
}

static bool search_customer(struct db *db, customer_id c, struct search *s, struct message_key *key, bool *found,
                            struct err *err)
{
	customer_id *records;
	size_t count;
	bool ok = store_records(db, c, s->arena, &records, &count, err);
	for (size_t i = 0; ok && i < count; i++)
		ok = outbox_messages(db, records[i], records[i], look, s, err);
	if (!ok)
		return false;
	*found = s->found;
	if (s->found)
		*key = s->key;
	return true;
}

/* "12.welcome.1.hello.email@shop": the first number says whose messages to look through. */
static bool by_id(struct db *db, struct str id, struct arena *a, struct message_key *key, bool *found, struct err *err)
{
	int64_t customer = 0;
	const char *at = id.n ? memchr(id.p, '@', id.n) : NULL, *dot = id.n ? memchr(id.p, '.', id.n) : NULL;
	*found = false;
	if (!at || !dot || dot > at || !str_i64((struct str){ id.p, (size_t)(dot - id.p) }, &customer) || customer < 1 ||
	    customer > UINT32_MAX)
		return true;
	struct search s = { .id = { id.p, (size_t)(at - id.p) + 1 }, .arena = a };
	return search_customer(db, (customer_id)customer, &s, key, found, err);
}

static bool by_recipient(struct db *db, const struct shop *shop, struct str address, struct arena *a,
                         struct message_key *key, bool *found, struct err *err)
{
	customer_id c;
	struct err nobody;
	*found = false;
	if (!address.n || !memchr(address.p, '@', address.n))
		return true;
	if (!store_find_customer(db, shop, address, &c, &nobody))
		return nobody.kind == ERR_INPUT || (*err = nobody, false);
	struct search s = { .arena = a };
	return search_customer(db, c, &s, key, found, err);
}

bool returned_find(struct db *db, const struct shop *shop, struct str message_id, struct str recipient, struct arena *a,
                   struct returned *r, struct err *err)
{
	bool found = false;
	if (!by_id(db, message_id, a, &r->message, &found, err))
		return false;
	if (found) {
		r->by = RETURNED_BY_ID;
		return true;
	}
	if (!by_recipient(db, shop, recipient, a, &r->message, &found, err))
		return false;
	if (found)
		r->by = RETURNED_BY_RECIPIENT;
	return true;
}

static bool find(struct db *db, const struct shop *shop, const struct bounce_report *report, struct str to,
                 struct arena *a, struct returned *r, struct err *err)
{
	bool found = false;
	if (!by_path(db, shop, to.n ? to : report->to, a, &r->message, &found, err))
		return false;
	if (found)
		r->by = RETURNED_BY_PATH;
	return found || returned_find(db, shop, report->message_id, r->bounce.recipient, a, r, err);
}

/* ---- what it does ---- */

static enum receipt receipt_for(enum bounce_verdict v)
{
	switch (v) {
	case BOUNCE_HARD: return RECEIPT_HARD_BOUNCE;
	case BOUNCE_SOFT: return RECEIPT_SOFT_BOUNCE;
	case BOUNCE_COMPLAINT: return RECEIPT_COMPLAINT;
	case BOUNCE_VACATION:
	case BOUNCE_UNKNOWN: break;
	}
	return RECEIPT_COUNT;
}

bool returned_receipt(struct store_batch *b, struct returned *r, enum receipt receipt, struct instant now,
                      struct arena *a, struct err *err)
{
	struct fact before;
	bool known = false;
	const struct message_key *m = &r->message;
	struct str key = outbox_receipt_key(m, receipt, a);
	if (!store_batch_known_of(b, m->customer, FACT_RECEIPT, key, a, &before, &known, err))
		return false;
	return known || outbox_feedback(b, m, receipt, now, STR(""), &r->receipt, err);
}

/* The address the report names (a forward's end may be another than the customer's), and the customer's own. Known from
 * now on, whenever it happened: an audit believes the list as it was when each line was written. */
static bool suppress(struct store_batch *b, const struct shop *shop, struct returned *r, enum receipt receipt,
                     struct instant now, struct arena *a, struct err *err)
{
	struct db *db = store_batch_db(b);
	struct person p = { .email = STR("") };
	struct str ref, why = str_from(receipt_name(receipt));
	if (r->message.customer && !store_person(db, r->message.customer, a, &p, &ref, err))
		return false;
	const uint64_t hashes[] = { store_address_hash(shop, r->bounce.recipient), store_address_hash(shop, p.email) };
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		if (hashes[i]) {
			if (!suppression_put(db, hashes[i], CHANNEL_EMAIL, why, now, err))
				return false;
			r->suppressed = true;
		}
	return true;
}

bool returned_write(struct store_batch *b, const struct shop *shop, struct returned *r, struct instant at,
                    struct instant now, struct arena *a, struct err *err)
{
	enum receipt receipt = receipt_for(r->bounce.verdict);
	if (receipt == RECEIPT_COUNT)
		return true;
	if (r->message.customer && !returned_receipt(b, r, receipt, at, a, err))
		return false;
	return receipt == RECEIPT_SOFT_BOUNCE || suppress(b, shop, r, receipt, now, a, err);
}

bool returned_take(struct db *db, const struct shop *shop, struct str mail, struct str to, struct instant now,
                   struct arena *a, struct returned_list *out, struct err *err)
{
	struct bounce_report report;
	bounce_parse(a, mail, &report);
	out->count = 0;
	for (size_t i = 0; i < report.count; i++) {
		struct returned *r = &out->list[out->count++];
		*r = (struct returned){ .bounce = report.list[i] };
		if (!find(db, shop, &report, to, a, r, err))
			return false;
	}
	struct store_batch *b = out->count ? store_batch_begin(db, NULL, now, err) : NULL;
	if (!b)
		return out->count == 0;
	bool ok = true;
	for (size_t i = 0; i < out->count && ok; i++)
		ok = returned_write(b, shop, &out->list[i], now, now, a, err);
	if (!ok) {
		store_batch_rollback(b);
		return false;
	}
	return store_batch_commit(b, err) && store_mark(db, err);
}
