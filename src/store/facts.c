#include "store/store_internal.h"

#include "base/hash.h"
#include "model/names.h"

uint64_t document_hash(enum fact_kind kind, struct str key)
{
	return hash64(key.p, key.n, (uint64_t)kind);
}

uint64_t document_slot_key(uint64_t hash, enum fact_kind kind)
{
	return hash_mix(hash, (uint64_t)kind);
}

enum fact_kind retract_kind(struct str body)
{
	struct str open = STR("{\"kind\":\"");
	if (!str_starts(body, open))
		return 0;
	const char *word = body.p + open.n, *end = memchr(word, '"', body.n - open.n);
	for (enum fact_kind k = FACT_ORDER; end && k < FACT_KIND_COUNT; k++)
		if (str_is((struct str){ word, (size_t)(end - word) }, fact_kind_name(k)))
			return k;
	return 0;
}

void fact_of_row(struct query *q, struct fact *f)
{
	f->customer = (customer_id)query_get_int(q, 0);
	f->seq = query_get_int(q, 1);
	f->kind = (enum fact_kind)query_get_int(q, 2);
	f->key = query_get_text(q, 3);
	f->at.s = query_get_int(q, 4);
	f->learned_at.s = query_get_int(q, 5);
	f->body = query_get_text(q, 6);
}

static bool read_all(struct query *q, struct instant known, store_fact_fn fn, void *ctx, struct err *err)
{
	struct fact f;
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		fact_of_row(q, &f);
		if (f.learned_at.s < known.s && !fn(ctx, &f, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

bool store_facts_by_customer(struct db *db, customer_id from, customer_id to, struct instant known, store_fact_fn fn,
                             void *ctx, struct err *err)
{
	struct query *q = db_query(db, "facts_by_customer");
	query_int(q, 1, from);
	query_int(q, 2, to);
	return read_all(q, known, fn, ctx, err);
}

bool store_facts_to_load(struct db *db, customer_id from, customer_id to, store_fact_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "facts_to_load");
	query_int(q, 1, from);
	query_int(q, 2, to);
	query_stream(q);
	struct fact f = { .seq = 0 };
	int got;
	while ((got = query_next(q, err)) == 1) {
		f.customer = (customer_id)query_get_int(q, 0);
		f.kind = (enum fact_kind)query_get_int(q, 1);
		f.key = query_get_text(q, 2);
		f.at.s = query_get_int(q, 3);
		f.body = query_get_text(q, 4);
		if (!fn(ctx, &f, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

bool store_facts_after(struct db *db, int64_t after, int64_t limit, store_fact_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "facts_after");
	query_int(q, 1, after);
	query_int(q, 2, limit);
	return read_all(q, INSTANT_NEVER, fn, ctx, err);
}

bool store_seq_hi(struct db *db, int64_t *seq, uint32_t *customers, struct err *err)
{
	struct query *q = db_query(db, "seq_hi");
	int got = query_next(q, err);
	if (got == 0)
		return err_set(err, ERR_WORLD, "%s: the row of the shard is missing: restore a backup", db_address(db));
	if (got < 0)
		return false;
	*seq = query_get_int(q, 0);
	*customers = (uint32_t)query_get_int(q, 1);
	query_done(q);
	return true;
}
