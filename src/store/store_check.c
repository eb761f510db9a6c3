/* Method: what the schema cannot say is counted by queries that must answer 0, then three passes compare what is kept
 * twice: seq numbers with the shard's counter, documents with facts, address hashes with persons. Bodies are read and
 * written again: canonical means byte for byte the same. Findings name ids and tables, never a person. */
#include "store/merge.h"
#include "store/store_internal.h"

#include "base/hash.h"
#include "store/db_driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FINDINGS_SHOWN = 20 }; /* of one sort */

struct checker {
	struct db *db;
	void (*report)(void *ctx, const char *finding);
	void *ctx;
	int64_t findings;
};

static void found(struct checker *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void found(struct checker *c, const char *fmt, ...)
{
	char line[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	c->findings++;
	if (c->report)
		c->report(c->ctx, line);
}

static const struct {
	const char *query, *finding;
} COUNTS[] = {
	{ "check_fact_customer", "facts of customers that do not exist" },
	{ "check_person_customer", "persons without a customer" },
	{ "check_address_person", "address hashes without a person" },
	{ "check_merged", "merged customers that lead to nobody, or to one merged away" },
	{ "check_customer_dense", "customer numbers missing" },
	{ "check_product_dense", "product numbers missing" },
	{ "check_run_customer", "runs of customers that do not exist" },
	{ "check_run_plan", "runs of a plan version that does not exist, or in no known state" },
	{ "check_message_run", "messages without a run" },
	{ "check_message_state", "messages in an impossible state" },
	{ "check_message_receipt", "settled messages without a receipt" },
	{ "check_decision_run", "impossible decisions" },
	{ "check_voucher", "vouchers of customers that do not exist, or ending before they begin" },
	{ "check_tick", "ticks that saw facts which are not there" },
	{ "check_price", "prices of products that do not exist, or negative" },
};

static bool check_counts(struct checker *c, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(COUNTS); i++) {
		struct query *q = db_query(c->db, COUNTS[i].query);
		int got = query_next(q, err);
		if (got < 0)
			return false;
		int64_t n = query_get_int(q, 0);
		query_done(q);
		if (n != 0)
			found(c, "%lld %s", (long long)n, COUNTS[i].finding);
	}
	return true;
}

static bool check_file(struct checker *c, struct err *err)
{
	if (db_kind(c->db) != DB_SQLITE)
		return true;
	struct query *q = query_new(c->db, "PRAGMA integrity_check(20)", err);
	if (!q)
		return false;
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct str line = query_get_text(q, 0);
		if (!str_is(line, "ok"))
			found(c, "the file is damaged: %.*s", STR_ARG(line));
	}
	query_free(q);
	return got == 0;
}

static bool check_seqs(struct checker *c, struct err *err)
{
	struct query *q = db_query(c->db, "check_seqs");
	int64_t expected = 1, hi;
	uint32_t customers;
	int got, shown = 0;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		int64_t seq = query_get_int(q, 0);
		if (seq != expected && shown++ < FINDINGS_SHOWN)
			found(c, seq < expected ? "fact number %lld is given twice" : "before fact %lld, numbers are missing",
			      (long long)seq);
		expected = seq + 1;
	}
	if (got < 0 || !store_seq_hi(c->db, &hi, &customers, err))
		return false;
	if (hi != expected - 1)
		found(c, "the newest fact is number %lld, the shard's counter says %lld", (long long)expected - 1,
		      (long long)hi);
	return true;
}

/* ---- facts: bodies, and which documents there ought to be ---- */

struct newest {
	int64_t hash, seq, retracted; /* seq of the newest retraction by the same customer */
	customer_id customer;
	enum fact_kind kind;
};

struct fact_pass {
	struct checker *c;
	struct arena arena;
	struct buf again;
	struct idmap map; /* of mixed hash and kind */
	struct newest *docs;
	size_t cap;
	/* retractions are compared at the end, when the newest fact is known */
	struct newest *gone;
	size_t gone_count, gone_cap;
	int bodies_shown;
};

static int64_t doc_key(int64_t hash, enum fact_kind kind)
{
	return (int64_t)hash_mix((uint64_t)hash, (uint64_t)kind);
}

static bool body_again(struct str body, enum fact_kind kind, struct arena *a, struct buf *out)
{
	struct err err;
	switch (kind) {
#define AGAIN(upper, name)                                                                                             \
	case FACT_##upper: {                                                                                               \
		struct name##_body b;                                                                                          \
		if (!body_read_##name(body, a, &b, &err))                                                                      \
			return false;                                                                                              \
		body_write_##name(&b, out);                                                                                    \
		return true;                                                                                                   \
	}
		AGAIN(ORDER, order)
		AGAIN(CART, cart)
		AGAIN(CONSENT, consent)
		AGAIN(PROFILE, profile)
		AGAIN(EVENT, event)
		AGAIN(RECEIPT, receipt)
#undef AGAIN
	case FACT_MERGE:
	case FACT_DISTINCT: {
		struct merge_body b;
		if (!body_read_merge(body, a, &b, &err))
			return false;
		body_write_merge(&b, out);
		return true;
	}
	case FACT_RETRACT: buf_str(out, body); return retract_kind(body) != 0;
	case FACT_SETTING:
	case FACT_SWITCH:
	case FACT_THRESHOLD:
	case FACT_GRANT:
	case FACT_CONTROL: buf_str(out, body); return body.n >= 2 && body.p[0] == '{' && body.p[body.n - 1] == '}';
	case FACT_KIND_COUNT: break;
	}
	return false;
}

static bool on_fact(void *ctx, const struct fact *f, struct err *err)
{
	struct fact_pass *p = ctx;
	arena_clear(&p->arena);
	buf_clear(&p->again);
	if ((!body_again(f->body, f->kind, &p->arena, &p->again) || !str_eq(buf_view(&p->again), f->body)) &&
	    p->bodies_shown++ < FINDINGS_SHOWN)
		found(p->c, "fact %lld: its body is not in the canonical form of its kind (%d)", (long long)f->seq,
		      (int)f->kind);
	if (f->at.s > f->learned_at.s + STORE_AHEAD_S)
		found(p->c, "fact %lld lies more than a day ahead of its arrival", (long long)f->seq);
	enum fact_kind kind = f->kind == FACT_RETRACT ? retract_kind(f->body) : f->kind;
	if (!fact_is_document(kind))
		return true;
	struct newest n = { (int64_t)document_hash(kind, f->key), f->seq, 0, f->customer, kind };
	if (f->kind == FACT_RETRACT) {
		p->gone = mem_grow(p->gone, &p->gone_cap, p->gone_count + 1, sizeof *p->gone);
		p->gone[p->gone_count++] = n;
		return true;
	}
	bool is_new;
	uint32_t i = idmap_put(&p->map, doc_key(n.hash, kind), &is_new);
	p->docs = mem_grow(p->docs, &p->cap, (size_t)i + 1, sizeof *p->docs);
	if (is_new || p->docs[i].seq < n.seq)
		p->docs[i] = n;
	return true;
}

static bool check_documents(struct fact_pass *p, struct err *err)
{
	for (size_t i = 0; i < p->gone_count; i++) {
		uint32_t d = idmap_find(&p->map, doc_key(p->gone[i].hash, p->gone[i].kind));
		if (d != INTERN_NONE && p->docs[d].customer == p->gone[i].customer && p->gone[i].seq > p->docs[d].seq)
			p->docs[d].retracted = p->gone[i].seq;
	}
	struct query *q = db_query(p->c->db, "check_documents");
	int got;
	int64_t wrong = 0, missing = 0;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		uint32_t d = idmap_find(&p->map, doc_key(query_get_int(q, 0), (enum fact_kind)query_get_int(q, 1)));
		bool ok = d != INTERN_NONE && !p->docs[d].retracted && p->docs[d].seq == query_get_int(q, 3) &&
		          p->docs[d].customer == query_get_int(q, 2);
		wrong += !ok;
		if (d != INTERN_NONE)
			p->docs[d].retracted = -1; /* seen */
	}
	for (size_t i = 0; i < p->map.count; i++)
		missing += p->docs[i].retracted == 0;
	if (wrong)
		found(p->c, "%lld documents do not lead to their newest fact", (long long)wrong);
	if (missing)
		found(p->c, "%lld documents are missing from the table of documents", (long long)missing);
	return got == 0;
}

static bool check_facts(struct checker *c, struct err *err)
{
	struct fact_pass p = { .c = c };
	arena_init(&p.arena);
	buf_init(&p.again, BODY_MAX * 2);
	idmap_init(&p.map);
	bool ok =
		store_facts_by_customer(c->db, 0, UINT32_MAX, INSTANT_NEVER, on_fact, &p, err) && check_documents(&p, err);
	arena_release(&p.arena);
	buf_release(&p.again);
	idmap_release(&p.map);
	free(p.docs);
	free(p.gone);
	return ok;
}

/* ---- addresses: both sides as sorted pairs ---- */

struct pair {
	uint64_t hash;
	int64_t customer;
};

static int pair_order(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->customer > b->customer) - (a->customer < b->customer);
}

static void pair_add(struct pair **list, size_t *n, size_t *cap, uint64_t hash, int64_t customer)
{
	if (!hash)
		return;
	*list = mem_grow(*list, cap, *n + 1, sizeof **list);
	(*list)[(*n)++] = (struct pair){ hash, customer };
}

static bool check_addresses(struct checker *c, struct err *err)
{
	const struct shop *shop = store_shop(c->db);
	struct pair *want = NULL, *have = NULL;
	size_t wants = 0, want_cap = 0, haves = 0, have_cap = 0;
	struct query *q = db_query(c->db, "check_persons");
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		uint64_t mail = store_address_hash(shop, query_get_text(q, 1)),
				 phone = store_address_hash(shop, query_get_text(q, 2));
		pair_add(&want, &wants, &want_cap, mail, query_get_int(q, 0));
		if (phone != mail)
			pair_add(&want, &wants, &want_cap, phone, query_get_int(q, 0));
	}
	q = db_query(c->db, "check_addresses");
	if (got == 0)
		query_stream(q);
	bool readable = got == 0;
	while (readable && (got = query_next(q, err)) == 1)
		pair_add(&have, &haves, &have_cap, (uint64_t)query_get_int(q, 0), query_get_int(q, 1));
	if (wants)
		qsort(want, wants, sizeof *want, pair_order);
	if (haves)
		qsort(have, haves, sizeof *have, pair_order);
	size_t same = 0;
	for (size_t i = 0, j = 0; i < wants && j < haves;) {
		int order = pair_order(&want[i], &have[j]);
		same += order == 0;
		i += order <= 0;
		j += order >= 0;
	}
	if (got == 0 && (same != wants || same != haves))
		found(c, "%zu of %zu addresses of persons cannot be found by their hash, %zu hashes belong to no address",
		      wants - same, wants, haves - same);
	free(want);
	free(have);
	return got == 0;
}

/* ---- merges: what look-ups follow is what the facts say ---- */

static bool check_merges(struct checker *c, struct err *err)
{
	struct merges m;
	struct query *q = db_query(c->db, "merge_all");
	size_t led = 0, astray = 0;
	int got;
	if (!merges_read(c->db, INSTANT_NEVER, &m, err))
		return false;
	while ((got = query_next(q, err)) == 1) {
		customer_id from = (customer_id)query_get_int(q, 0);
		customer_id root = merges_root(&m, from);
		led += root != from;
		astray += root == from || root != (customer_id)query_get_int(q, 1);
	}
	if (astray)
		found(c, "%zu customers are looked up as merged otherwise than their facts say", astray);
	if (got == 0 && led != m.count)
		found(c, "%zu merges are facts that no look-up follows", m.count - led);
	merges_release(&m);
	return got == 0;
}

bool store_check(struct db *db, void (*report)(void *ctx, const char *finding), void *ctx, int64_t *findings,
                 struct err *err)
{
	struct checker c = { .db = db, .report = report, .ctx = ctx };
	if (!check_file(&c, err) || !db_begin_read(db, err))
		return false;
	bool ok = check_counts(&c, err) && check_seqs(&c, err) && check_facts(&c, err) && check_addresses(&c, err) &&
	          check_merges(&c, err);
	db_rollback(db);
	*findings = c.findings;
	return ok;
}
