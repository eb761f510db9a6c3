/* Method: a batch takes the shard's row lock first (so seq numbers are gap-free in commit order), keeps facts in an
 * arena, and writes them sorted by (customer, seq): the b-tree of the clustered table is then filled from left to
 * right. Persons and products of ids made in this batch are merged in memory and inserted once. */
#include "store/batch.h"

#include "base/hash.h"
#include "store/erase.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct db *store_batch_db(struct store_batch *b)
{
	return b->db;
}

static bool batch_start(struct store_batch *b, struct err *err)
{
	struct query *q = db_query(b->db, "shard_lock");
	int got = query_next(q, err);
	if (got != 1)
		return got == 0
		           ? err_set(err, ERR_WORLD, "%s: the row of the shard is missing: restore a backup", db_address(b->db))
		           : false;
	b->seq_hi = b->seq_before = query_get_int(q, 0);
	query_done(q);
	b->documents_empty = b->seq_hi == 0;
	if (!b->ids)
		return true;
	if (!ids_refresh(b->ids, b->db, b->seq_hi, err))
		return false;
	b->ids->open = true;
	b->customers_saved = b->customers_before = (uint32_t)b->ids->customers.count;
	b->products_saved = (uint32_t)b->ids->products.count;
	return true;
}

static void batch_free(struct store_batch *b)
{
	struct err ignored;
	if (b->wide)
		(void)!db_exec(b->db, "PRAGMA cache_size=-65536; PRAGMA shrink_memory", &ignored);
	if (b->ids)
		b->ids->open = false;
	arena_release(&b->arena);
	arena_release(&b->row_arena);
	idmap_release(&b->document_map);
	idmap_release(&b->waiting_map);
	idmap_release(&b->person_map);
	idmap_release(&b->product_map);
	free(b->facts);
	free(b->before);
	free(b->newest);
	free(b->documents);
	free(b->persons);
	free(b->products);
	free(b->prices);
	free(b);
}

struct store_batch *store_batch_begin(struct db *db, struct store_ids *ids, struct instant now, struct err *err)
{
	check(!ids || !ids->open);
	if (!db_begin(db, err))
		return NULL;
	struct store_batch *b = mem_alloc(sizeof *b);
	b->db = db;
	b->ids = ids;
	b->now = now;
	arena_init(&b->arena);
	arena_init(&b->row_arena);
	idmap_init(&b->document_map);
	idmap_init(&b->waiting_map);
	idmap_init(&b->person_map);
	idmap_init(&b->product_map);
	if (batch_start(b, err))
		return b;
	store_batch_rollback(b);
	return NULL;
}

void store_batch_rollback(struct store_batch *b)
{
	if (!b)
		return;
	db_rollback(b->db);
	if (b->ids)
		b->ids->stale = true;
	batch_free(b);
}

/* ---- documents ---- */

static struct batch_document *document_slot(struct store_batch *b, enum fact_kind kind, int64_t hash)
{
	bool is_new;
	uint64_t slot = document_slot_key((uint64_t)hash, kind);
	uint32_t i = idmap_put(&b->document_map, (int64_t)slot, &is_new);
	b->documents = mem_grow(b->documents, &b->document_cap, b->document_map.count, sizeof *b->documents);
	bool surely_new = is_new && b->ids && b->ids->documents && !seen_maybe(&b->ids->seen, slot);
	if (is_new)
		b->documents[i] = (struct batch_document){ .hash = hash,
			                                       .kind = kind,
			                                       .state = surely_new ? DOCUMENT_NONE : DOCUMENT_UNREAD };
	return &b->documents[i];
}

/* Looks in the database once per document and batch. */
static bool document_read(struct store_batch *b, struct batch_document *d, struct err *err)
{
	if (d->state != DOCUMENT_UNREAD)
		return true;
	d->state = DOCUMENT_NONE;
	if (b->documents_empty)
		return true;
	struct query *q = db_query(b->db, "document_get");
	query_int(q, 1, d->hash);
	query_int(q, 2, d->kind);
	int got = query_next(q, err);
	if (got == 1) {
		d->customer = (customer_id)query_get_int(q, 0);
		d->seq = query_get_int(q, 1);
		d->state = DOCUMENT_STORED;
		d->in_table = true;
	}
	query_done(q);
	return got >= 0;
}

static bool document_fact(struct store_batch *b, const struct fact *f, struct err *err)
{
	if (fact_is_document(f->kind)) {
		struct batch_document *d = document_slot(b, f->kind, (int64_t)document_hash(f->kind, f->key));
		if (d->state == DOCUMENT_UNREAD && !b->documents_empty)
			d->in_table = true; /* may be: write it as an upsert */
		if (b->ids && b->ids->documents && d->state != DOCUMENT_CHANGED)
			seen_put(&b->ids->seen, document_slot_key((uint64_t)d->hash, d->kind));
		d->state = DOCUMENT_CHANGED;
		d->customer = f->customer;
		d->seq = f->seq;
		return true;
	}
	enum fact_kind kind = f->kind == FACT_RETRACT ? retract_kind(f->body) : 0;
	if (!fact_is_document(kind))
		return true;
	struct batch_document *d = document_slot(b, kind, (int64_t)document_hash(kind, f->key));
	if (!document_read(b, d, err))
		return false;
	if ((d->state == DOCUMENT_STORED || d->state == DOCUMENT_CHANGED) && d->customer == f->customer)
		d->state = DOCUMENT_GONE;
	return true;
}

/* ---- facts ---- */

static bool quarantine(struct store_batch *b, const struct fact *f, struct err *err)
{
	struct query *q = db_query(b->db, "quarantine_insert");
	query_int(q, 1, f->customer);
	query_int(q, 2, f->kind);
	query_text(q, 3, f->key);
	query_int(q, 4, f->at.s);
	query_int(q, 5, f->learned_at.s);
	query_text(q, 6, f->body);
	return query_run(q, NULL, err);
}

/* The fact that comes next is the newest of this customer's. */
static void chain(struct store_batch *b, customer_id c)
{
	bool is_new;
	uint32_t i = idmap_put(&b->waiting_map, c, &is_new);
	b->before = mem_grow(b->before, &b->before_cap, b->fact_count + 1, sizeof *b->before);
	b->newest = mem_grow(b->newest, &b->newest_cap, b->waiting_map.count, sizeof *b->newest);
	b->before[b->fact_count] = is_new ? INTERN_NONE : b->newest[i];
	b->newest[i] = (uint32_t)b->fact_count;
}

bool store_batch_fact(struct store_batch *b, struct fact *f, bool *quarantined, struct err *err)
{
	check(f->kind > 0 && f->kind < FACT_KIND_COUNT);
	if (f->learned_at.s == 0)
		f->learned_at = b->now;
	bool ahead = f->at.s > f->learned_at.s + STORE_AHEAD_S;
	if (quarantined)
		*quarantined = ahead;
	if (b->ids && store_is_erased(b->ids, f->customer)) { /* told again of somebody who was erased */
		f->seq = b->seq_hi;
		return true;
	}
	if (ahead)
		return quarantine(b, f, err);
	f->seq = ++b->seq_hi;
	if (!document_fact(b, f, err))
		return false;
	b->facts = mem_grow(b->facts, &b->fact_cap, b->fact_count + 1, sizeof *b->facts);
	chain(b, f->customer);
	struct fact *kept = &b->facts[b->fact_count++];
	*kept = *f;
	char *text = arena_alloc(&b->arena, f->key.n + f->body.n);
	memcpy(text, f->key.p, f->key.n);
	if (f->body.n)
		memcpy(text + f->key.n, f->body.p, f->body.n);
	kept->key.p = text;
	kept->body.p = text + f->key.n;
	b->sorted = b->fact_count == 1 || (b->sorted && kept[-1].customer <= kept->customer);
	return b->arena.total < STORE_FLUSH_BYTES || batch_flush(b, err);
}

/* ---- what is known already ---- */

static void fact_copy(struct fact *out, const struct fact *f, struct arena *a)
{
	*out = *f;
	out->key = arena_str(a, f->key);
	out->body = arena_str(a, f->body);
}

/* A fact by its number: among those that wait (kept in order of seq), or in the table. */
static bool fact_by_seq(struct store_batch *b, customer_id c, int64_t seq, struct arena *a, struct fact *out,
                        bool *found, struct err *err)
{
	int64_t first = b->seq_hi - (int64_t)b->fact_count + 1;
	if (seq >= first) {
		fact_copy(out, &b->facts[seq - first], a);
		*found = true;
		return true;
	}
	struct query *q = db_query(b->db, "fact_get");
	query_int(q, 1, c);
	query_int(q, 2, seq);
	int got = query_next(q, err);
	*found = got == 1;
	if (*found) {
		struct fact f;
		fact_of_row(q, &f);
		fact_copy(out, &f, a);
	}
	query_done(q);
	return got >= 0;
}

bool store_batch_known(struct store_batch *b, enum fact_kind kind, struct str key, struct arena *a, struct fact *out,
                       bool *found, struct err *err)
{
	check(fact_is_document(kind));
	*found = false;
	struct batch_document *d = document_slot(b, kind, (int64_t)document_hash(kind, key));
	if (!document_read(b, d, err))
		return false;
	if (d->state != DOCUMENT_STORED && d->state != DOCUMENT_CHANGED)
		return true;
	if (!fact_by_seq(b, d->customer, d->seq, a, out, found, err))
		return false;
	*found = *found && out->kind == kind && str_eq(out->key, key); /* else: two keys with one hash */
	return true;
}

/* Whether `f` is the document, or takes it back. */
static void known_step(const struct fact *f, enum fact_kind kind, struct str key, struct fact *out, bool *found)
{
	if (!str_eq(f->key, key))
		return;
	if (f->kind == kind) {
		*out = *f;
		*found = true;
	} else if (f->kind == FACT_RETRACT && retract_kind(f->body) == kind) {
		*found = false;
	}
}

/* Of the facts that wait, newest first. True: it is the document, or takes it back. */
static bool known_here(const struct fact *f, enum fact_kind kind, struct str key, struct fact *out, bool *found,
                       struct arena *a)
{
	if (!str_eq(f->key, key))
		return false;
	*found = f->kind == kind;
	if (*found)
		fact_copy(out, f, a);
	return *found || (f->kind == FACT_RETRACT && retract_kind(f->body) == kind);
}

bool store_batch_known_of(struct store_batch *b, customer_id c, enum fact_kind kind, struct str key, struct arena *a,
                          struct fact *out, bool *found, struct err *err)
{
	*found = false;
	/* A customer made in this batch has nothing in the table but what this batch flushed. */
	if (b->flushed || !b->ids || c <= b->customers_before) {
		struct query *q = db_query(b->db, "fact_of_key");
		query_int(q, 1, c);
		query_text(q, 2, key);
		query_int(q, 3, kind);
		int got;
		while ((got = query_next(q, err)) == 1) {
			struct fact f, kept;
			fact_of_row(q, &f);
			fact_copy(&kept, &f, a);
			known_step(&kept, kind, key, out, found);
		}
		if (got < 0)
			return false;
	}
	uint32_t at = idmap_find(&b->waiting_map, c);
	for (at = at == INTERN_NONE ? at : b->newest[at]; at != INTERN_NONE; at = b->before[at])
		if (known_here(&b->facts[at], kind, key, out, found, a))
			break; /* the newest decides */
	return true;
}

bool store_batch_newest_profile(struct store_batch *b, customer_id c, struct arena *a, struct fact *out, bool *found,
                                struct err *err)
{
	struct str key = STR("");
	int got = 0;
	*found = false;
	uint32_t at = idmap_find(&b->waiting_map, c);
	for (at = at == INTERN_NONE ? at : b->newest[at]; at != INTERN_NONE && !key.n; at = b->before[at])
		if (b->facts[at].kind == FACT_PROFILE)
			key = b->facts[at].key;
	if (!key.n && (b->flushed || !b->ids || c <= b->customers_before)) {
		struct query *q = db_query(b->db, "newest_profile_key");
		query_int(q, 1, c);
		got = query_next(q, err);
		if (got == 1)
			key = arena_str(a, query_get_text(q, 0));
		query_done(q);
	}
	return got >= 0 && (!key.n || store_batch_known_of(b, c, FACT_PROFILE, key, a, out, found, err));
}

/* ---- commit ---- */

bool store_batch_commit(struct store_batch *b, struct err *err)
{
	bool ok = batch_flush(b, err) && (!b->catalogue || store_changed(b->db, STORE_CATALOGUE, err));
	if (ok && b->seq_hi != b->seq_before) {
		struct query *q = db_query(b->db, "shard_seq");
		query_int(q, 1, b->seq_hi);
		ok = query_run(q, NULL, err);
	}
	if (!ok || !db_commit(b->db, err)) {
		store_batch_rollback(b);
		return false;
	}
	if (b->ids)
		b->ids->documents_seq = b->seq_hi;
	batch_free(b);
	return true;
}
