/* Method: the facts of a person are read newest first, so that of each order only the version that holds is kept. What
 * is not kept keeps its number (numbers have no gaps) as a retraction of nothing. */
#include "store/erase.h"

#include "base/hash.h"
#include "store/db_driver.h"
#include "store/ids.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct str erased_ref(customer_id c, char out[ERASED_REF_MAX])
{
	int n = snprintf(out, ERASED_REF_MAX, "erased-%u", c);
	return (struct str){ out, (size_t)n };
}

struct eraser {
	struct db *db;
	const struct shop *shop;
	customer_id c;
	struct instant now;
	struct arena arena;
	struct fact *facts;
	size_t count, cap;
	struct idmap seen; /* documents of which a newer version is known */
	struct buf body;
	struct erasure *out;
};

static struct instant month_of(const struct eraser *e, struct instant t)
{
	int year, month, day;
	date_ymd(zone_date(e->shop->zone, t), &year, &month, &day);
	return zone_instant(e->shop->zone, date_from_ymd(year, month, 1), 12 * HOUR_S);
}

static bool write_fact(struct eraser *e, const struct fact *f, enum fact_kind kind, struct str key, struct str body,
                       struct err *err)
{
	struct query *q = db_query(e->db, "erase_fact");
	query_int(q, 1, e->c);
	query_int(q, 2, f->seq);
	query_int(q, 3, kind);
	query_text(q, 4, key);
	query_int(q, 5, month_of(e, f->at).s);
	query_int(q, 6, month_of(e, f->learned_at).s);
	query_text(q, 7, body);
	return query_run(q, NULL, err);
}

static struct str new_key(struct eraser *e, const struct fact *f)
{
	return arena_printf(&e->arena, "erased:%lld", (long long)f->seq);
}

static bool empty_fact(struct eraser *e, const struct fact *f, struct err *err)
{
	e->out->facts++;
	return write_fact(e, f, FACT_RETRACT, new_key(e, f), STR("{\"kind\":\"event\"}"), err);
}

/* Whether this is the first (newest) word on the document; its row of the look-up goes. */
static bool first_word(struct eraser *e, enum fact_kind kind, struct str key, bool *first, struct err *err)
{
	int64_t hash = (int64_t)document_hash(kind, key);
	struct query *q = db_query(e->db, "erase_document");
	idmap_put(&e->seen, (int64_t)hash_mix((uint64_t)hash, (uint64_t)kind), first);
	query_int(q, 1, hash);
	query_int(q, 2, kind);
	return !*first || query_run(q, NULL, err);
}

static bool keep_order(struct eraser *e, const struct fact *f, struct err *err)
{
	struct order_body o;
	if (!body_read_order(f->body, &e->arena, &o, err))
		return false;
	o.voucher = STR("");
	buf_clear(&e->body);
	body_write_order(&o, &e->body);
	struct str key = new_key(e, f);
	struct query *q = db_query(e->db, "erase_document_put");
	query_int(q, 1, (int64_t)document_hash(FACT_ORDER, key));
	query_int(q, 2, FACT_ORDER);
	query_int(q, 3, e->c);
	query_int(q, 4, f->seq);
	e->out->orders++;
	return query_run(q, NULL, err) && write_fact(e, f, FACT_ORDER, key, buf_view(&e->body), err);
}

static bool keep_receipt(struct eraser *e, const struct fact *f, struct err *err)
{
	struct receipt_body r;
	if (!body_read_receipt(f->body, &e->arena, &r, err))
		return false;
	r.answer = STR("");
	buf_clear(&e->body);
	body_write_receipt(&r, &e->body);
	return write_fact(e, f, FACT_RECEIPT, f->key, buf_view(&e->body), err);
}

static bool one_fact(struct eraser *e, const struct fact *f, struct err *err)
{
	bool first = true;
	switch (f->kind) {
	case FACT_ORDER:
		if (!first_word(e, FACT_ORDER, f->key, &first, err))
			return false;
		return first ? keep_order(e, f, err) : empty_fact(e, f, err);
	case FACT_CART: return first_word(e, FACT_CART, f->key, &first, err) && empty_fact(e, f, err);
	case FACT_RETRACT: {
		enum fact_kind kind = retract_kind(f->body);
		if (kind == FACT_MERGE || kind == FACT_DISTINCT)
			return true; /* numbers only, and without it the merge would hold again */
		if (fact_is_document(kind) && !first_word(e, kind, f->key, &first, err))
			return false;
		return empty_fact(e, f, err);
	}
	case FACT_RECEIPT: return keep_receipt(e, f, err);
	case FACT_CONSENT:
	case FACT_PROFILE:
	case FACT_EVENT: return empty_fact(e, f, err);
	case FACT_MERGE:
	case FACT_DISTINCT:
	case FACT_GRANT:
	case FACT_CONTROL:
	case FACT_SETTING:
	case FACT_SWITCH:
	case FACT_THRESHOLD:
	case FACT_KIND_COUNT: break;
	}
	return true;
}

static bool read_facts(struct eraser *e, struct err *err)
{
	struct query *q = db_query(e->db, "erase_facts");
	int got;
	query_int(q, 1, e->c);
	while ((got = query_next(q, err)) == 1) {
		e->facts = mem_grow(e->facts, &e->cap, e->count + 1, sizeof *e->facts);
		struct fact *f = &e->facts[e->count++];
		fact_of_row(q, f);
		f->key = arena_str(&e->arena, f->key);
		f->body = arena_str(&e->arena, f->body);
	}
	return got == 0;
}

/* ---- links, hashes, rows ---- */

struct keys {
	struct arena *arena;
	int64_t *ids;
	size_t count, cap;
	uint64_t *messages;
};

static bool take_key(void *ctx, const struct outbox_message *m, struct err *err)
{
	struct keys *k = ctx;
	(void)err;
	k->ids = mem_grow(k->ids, &k->cap, k->count + 1, sizeof *k->ids);
	k->ids[k->count++] = outbox_link_id(&m->key);
	return true;
}

static bool erase_links(struct eraser *e, struct err *err)
{
	struct keys k = { .arena = &e->arena };
	bool ok = outbox_messages(e->db, e->c, e->c, take_key, &k, err);
	for (size_t i = 0; ok && i < k.count; i++) {
		struct query *q = db_query(e->db, "erase_link");
		query_int(q, 1, k.ids[i]);
		ok = query_run(q, NULL, err);
	}
	e->out->messages = k.count;
	free(k.ids);
	return ok;
}

static bool keep_hash(struct eraser *e, uint64_t hash, struct err *err)
{
	struct query *q = db_query(e->db, "erased_put");
	if (!hash)
		return true;
	query_int(q, 1, (int64_t)hash);
	query_int(q, 2, e->c);
	query_int(q, 3, e->now.s);
	return query_run(q, NULL, err);
}

static bool keep_address(struct eraser *e, struct str address, struct err *err)
{
	static const enum channel CHANNELS[] = { CHANNEL_EMAIL, CHANNEL_SMS, CHANNEL_PHONE, CHANNEL_POSTCARD };
	uint64_t hash = address.n ? store_address_hash(e->shop, address) : 0;
	bool ok = keep_hash(e, hash, err);
	for (size_t i = 0; ok && hash && i < ARRAY_LEN(CHANNELS); i++)
		ok = suppression_put(e->db, hash, CHANNELS[i], STR("erased"), e->now, err);
	return ok;
}

static bool run_for(struct eraser *e, const char *name, struct err *err)
{
	struct query *q = db_query(e->db, name);
	query_int(q, 1, e->c);
	return query_run(q, NULL, err);
}

static bool erase_rows(struct eraser *e, const struct person *p, struct str ref, struct err *err)
{
	static const char *const QUERIES[] = { "erase_person",    "erase_address",  "erase_quarantine",
		                                   "erase_decisions", "erase_waiting",  "erase_messages",
		                                   "erase_runs",      "erase_vouchers", "erase_redeemed" };
	if (!keep_hash(e, store_ref_hash(e->shop, ref), err) || !keep_address(e, p->email, err) ||
	    !keep_address(e, p->phone, err) || !erase_links(e, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(QUERIES); i++)
		if (!run_for(e, QUERIES[i], err))
			return false;
	if (p->email.n) {
		struct query *q = db_query(e->db, "erase_signups");
		query_text(q, 1, p->email);
		if (!query_run(q, NULL, err))
			return false;
	}
	if (!store_changed(e->db, STORE_ERASED, err))
		return false;
	struct query *q = db_query(e->db, "erase_customer");
	query_int(q, 1, e->c);
	char name[ERASED_REF_MAX];
	query_text(q, 2, erased_ref(e->c, name));
	query_int(q, 3, e->now.s);
	return query_run(q, NULL, err);
}

bool store_erase(struct db *db, customer_id c, struct instant now, struct erasure *out, struct err *err)
{
	struct eraser e = { .db = db, .shop = store_shop(db), .c = c, .now = now, .out = out };
	struct person p;
	struct str ref;
	check(db_in_transaction(db) && c > 0);
	*out = (struct erasure){ 0 };
	arena_init(&e.arena);
	idmap_init(&e.seen);
	buf_init(&e.body, BODY_MAX);
	bool ok = store_person_of(db, c, &e.arena, &p, &ref, err);
	char name[ERASED_REF_MAX];
	out->was_erased = ok && str_eq(ref, erased_ref(c, name));
	if (ok && !out->was_erased) {
		ok = read_facts(&e, err);
		for (size_t i = 0; ok && i < e.count; i++)
			ok = one_fact(&e, &e.facts[i], err);
		ok = ok && erase_rows(&e, &p, ref, err);
	}
	free(e.facts);
	buf_release(&e.body);
	idmap_release(&e.seen);
	arena_release(&e.arena);
	return ok;
}

/* SQLite waits for whoever reads, but is told at once that it is busy while another handle folds the log: asked again.
 */
static bool empty_log(struct db *db, bool *emptied, struct err *err)
{
	enum { PAUSE_MS = 100 };
	struct timespec from, now;
	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		if (!db_log_empty(db, emptied, err))
			return false;
		if (!*emptied)
			usleep(PAUSE_MS * 1000);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!*emptied && (now.tv_sec - from.tv_sec) * 1000 < DB_BUSY_MS);
	return true;
}

bool store_erase_settle(struct db *db, bool *log_left, struct err *err)
{
	check(!db_in_transaction(db));
	bool emptied = true;
	*log_left = false;
	if (db_kind(db) == DB_SQLITE) {
		bool ok = empty_log(db, &emptied, err);
		*log_left = !emptied;
		return ok;
	}
	static const char *const TABLES[] = { "arrival", "fact",     "person",  "customer",
		                                  "message", "decision", "voucher", "signup" };
	char sql[64];
	for (size_t i = 0; i < ARRAY_LEN(TABLES); i++) {
		snprintf(sql, sizeof sql, "VACUUM %s", TABLES[i]);
		if (!db_exec(db, sql, err))
			return false;
	}
	return true;
}

bool store_erased(struct db *db, void (*fn)(void *ctx, customer_id c), void *ctx, struct err *err)
{
	struct query *q = db_query(db, "erased_customers");
	int got;
	while ((got = query_next(q, err)) == 1)
		fn(ctx, (customer_id)query_get_int(q, 0));
	return got == 0;
}

bool store_erased_forget(struct db *db, struct str email_or_phone, struct err *err)
{
	static const enum channel CHANNELS[] = { CHANNEL_EMAIL, CHANNEL_SMS, CHANNEL_PHONE, CHANNEL_POSTCARD };
	uint64_t hash = store_address_hash(store_shop(db), email_or_phone);
	struct query *q = db_query(db, "erased_forget");
	int64_t gone = 0;
	query_int(q, 1, (int64_t)hash);
	bool ok = query_run(q, &gone, err);
	ok = ok && (!gone || store_changed(db, STORE_ERASED, err));
	for (size_t i = 0; ok && gone && i < ARRAY_LEN(CHANNELS); i++)
		ok = suppression_lift(db, hash, CHANNELS[i], err);
	return ok;
}
