#include "store/merge.h"

#include "base/hash.h"
#include "model/names.h"
#include "store/store_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the merges that hold ---- */

void merges_release(struct merges *m)
{
	free(m->items);
	idmap_release(&m->places);
	*m = (struct merges){ .count = 0 };
}

/* Who was merged away cannot be merged again before that is taken back: so the order of the rest stays. */
static void take_back(struct merges *m, customer_id from)
{
	uint32_t at = m->count ? idmap_find(&m->places, from) : INTERN_NONE;
	if (at == INTERN_NONE)
		return;
	memmove(&m->items[at], &m->items[at + 1], (m->count - at - 1) * sizeof *m->items);
	m->count--;
	idmap_release(&m->places);
	idmap_init(&m->places);
	for (size_t i = 0; i < m->count; i++)
		idmap_put(&m->places, m->items[i].from, NULL);
}

bool merges_take(struct merges *m, const struct fact *f, bool *changed, struct err *err)
{
	if (f->kind == FACT_RETRACT && retract_kind(f->body) == FACT_MERGE) {
		take_back(m, f->customer);
		*changed = true;
		return true;
	}
	if (f->kind != FACT_MERGE)
		return true;
	struct arena a;
	struct merge_body body;
	arena_init(&a);
	bool ok = body_read_merge(f->body, &a, &body, err);
	arena_release(&a);
	if (!ok)
		return false;
	take_back(m, f->customer);
	if (m->count == 0) {
		idmap_release(&m->places);
		idmap_init(&m->places);
	}
	m->items = mem_grow(m->items, &m->cap, m->count + 1, sizeof *m->items);
	m->items[m->count++] = (struct merge_edge){ f->customer, body.customer, f->at, f->seq };
	idmap_put(&m->places, f->customer, NULL);
	*changed = true;
	return true;
}

static bool read_edges(struct query *q, struct instant known, struct merges *out, struct err *err)
{
	struct fact f;
	int got;
	bool changed, ok = true;
	*out = (struct merges){ .count = 0 };
	while (ok && (got = query_next(q, err)) == 1) {
		fact_of_row(q, &f);
		ok = f.learned_at.s >= known.s || merges_take(out, &f, &changed, err);
	}
	query_done(q);
	if (ok && got == 0)
		return true;
	merges_release(out);
	return false;
}

bool merges_read(struct db *db, struct instant known, struct merges *out, struct err *err)
{
	return read_edges(db_query(db, "merge_facts"), known, out, err);
}

bool merges_read_of(struct db *db, customer_id survivor, struct merges *out, struct err *err)
{
	struct query *q = db_query(db, "merge_members");
	query_int(q, 1, survivor);
	int got = query_next(q, err);
	query_done(q);
	*out = (struct merges){ .count = 0 };
	if (got != 1) /* nearly always: nobody */
		return got == 0;
	q = db_query(db, "merge_facts_into");
	query_int(q, 1, survivor);
	return read_edges(q, INSTANT_NEVER, out, err);
}

customer_id merges_root(const struct merges *m, customer_id c)
{
	for (uint32_t at; m->count && (at = idmap_find(&m->places, c)) != INTERN_NONE;)
		c = m->items[at].into;
	return c;
}

bool merges_joined(const struct merges *m, customer_id c)
{
	if (!m->count)
		return false;
	if (idmap_find(&m->places, c) != INTERN_NONE)
		return true;
	for (size_t i = 0; i < m->count; i++)
		if (m->items[i].into == c)
			return true;
	return false;
}

void merges_members(const struct merges *m, customer_id survivor, customer_id **list, size_t *count, size_t *cap)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->items[i].into != survivor)
			continue;
		*list = mem_grow(*list, cap, *count + 1, sizeof **list);
		(*list)[(*count)++] = m->items[i].from;
		merges_members(m, m->items[i].from, list, count, cap);
	}
}

/* ---- records ---- */

bool store_record(struct db *db, customer_id c, customer_id *into, bool *erased, struct err *err)
{
	struct query *q = db_query(db, "merge_record");
	query_int(q, 1, c);
	int got = query_next(q, err);
	if (got == 1) {
		*into = (customer_id)query_get_int(q, 0);
		*erased = query_get_int(q, 1) != 0;
	}
	query_done(q);
	return got == 1 || (got == 0 && err_set(err, ERR_INPUT, "there is no customer #%u", c));
}

bool store_find_record(struct db *db, const struct shop *shop, struct str who, customer_id *out, struct err *err)
{
	int64_t id;
	who = str_trim(who);
	if (who.n > 1 && who.p[0] == '#' && str_i64((struct str){ who.p + 1, who.n - 1 }, &id) && id > 0 &&
	    id <= UINT32_MAX) {
		customer_id into;
		bool erased;
		*out = (customer_id)id;
		return store_record(db, *out, &into, &erased, err);
	}
	struct query *q = db_query(db, "merge_record_by_ref");
	query_text(q, 1, who);
	int got = query_next(q, err);
	*out = got == 1 ? (customer_id)query_get_int(q, 0) : 0;
	query_done(q);
	return got == 1 || (got == 0 && store_find_customer(db, shop, who, out, err));
}

/* Stands by itself and is not erased. */
static bool may_merge(struct db *db, customer_id c, struct err *err)
{
	customer_id into;
	bool erased;
	if (!store_record(db, c, &into, &erased, err))
		return false;
	if (erased)
		return err_set(err, ERR_INPUT, "customer #%u was erased: nothing is left to merge", c);
	return !into || err_set(err, ERR_INPUT, "customer #%u was merged into #%u already: name #%u, or un-merge it first",
	                        c, into, into);
}

/* ---- writing ---- */

static bool put(struct store_batch *b, enum fact_kind kind, customer_id about, struct str key, struct str body,
                struct instant now, struct err *err)
{
	struct fact f = { .customer = about, .kind = kind, .key = key, .at = now, .learned_at = now, .body = body };
	bool quarantined;
	return store_batch_fact(b, &f, &quarantined, err);
}

static bool put_said(struct store_batch *b, enum fact_kind kind, customer_id about, customer_id other, struct str key,
                     struct instant now, const char *actor, struct err *err)
{
	struct buf body;
	buf_init(&body, BODY_MAX);
	body_write_merge(&(struct merge_body){ .customer = other, .by = str_from(actor) }, &body);
	bool ok = put(b, kind, about, key, buf_view(&body), now, err);
	buf_release(&body);
	return ok;
}

static bool lead(struct db *db, const char *query, customer_id c, customer_id into, struct err *err)
{
	struct query *q = db_query(db, query);
	query_int(q, 1, c);
	query_int(q, 2, into);
	return query_run(q, NULL, err);
}

bool store_merge(struct store_batch *b, customer_id survivor, customer_id other, struct instant now, const char *actor,
                 struct err *err)
{
	struct db *db = store_batch_db(b);
	char object[64];
	if (survivor == other)
		return err_set(err, ERR_INPUT, "#%u and #%u are one record: name two", survivor, other);
	snprintf(object, sizeof object, "#%u into #%u", other, survivor);
	return may_merge(db, survivor, err) && may_merge(db, other, err) &&
	       put_said(b, FACT_MERGE, other, survivor, STR("merge"), now, actor, err) &&
	       lead(db, "merge_lead", other, survivor, err) && store_audit(db, now, actor, "customers merged", object, err);
}

/* Whoever was merged into `other` before it went stays with it. */
static bool lead_back(struct db *db, customer_id other, customer_id survivor, struct err *err)
{
	struct merges m;
	customer_id *list = NULL;
	size_t count = 0, cap = 0;
	if (!merges_read_of(db, survivor, &m, err))
		return false;
	merges_members(&m, other, &list, &count, &cap);
	bool ok = lead(db, "merge_lead_one", other, 0, err);
	for (size_t i = 0; ok && i < count; i++)
		ok = lead(db, "merge_lead_one", list[i], other, err);
	free(list);
	merges_release(&m);
	return ok;
}

bool store_unmerge(struct store_batch *b, customer_id other, struct instant now, const char *actor,
                   customer_id *survivor, struct err *err)
{
	struct db *db = store_batch_db(b);
	char object[64];
	bool erased;
	if (!store_record(db, other, survivor, &erased, err))
		return false;
	if (!*survivor)
		return err_set(err, ERR_INPUT, "customer #%u was not merged into another", other);
	if (erased)
		return err_set(err, ERR_INPUT, "customer #%u was erased: nothing is left to give back", other);
	snprintf(object, sizeof object, "#%u from #%u", other, *survivor);
	return put(b, FACT_RETRACT, other, STR("merge"), STR("{\"kind\":\"merge\"}"), now, err) &&
	       lead_back(db, other, *survivor, err) && store_audit(db, now, actor, "customers un-merged", object, err);
}

uint64_t merge_pair(customer_id one, customer_id other)
{
	return one < other ? (uint64_t)one << 32 | other : (uint64_t)other << 32 | one;
}

bool store_distinct(struct store_batch *b, customer_id one, customer_id other, bool distinct, struct instant now,
                    const char *actor, struct err *err)
{
	customer_id low = one < other ? one : other, high = one < other ? other : one, into;
	char key[32], object[64];
	bool erased;
	if (one == other)
		return err_set(err, ERR_INPUT, "#%u and #%u are one record: name two", one, other);
	if (!store_record(store_batch_db(b), low, &into, &erased, err) ||
	    !store_record(store_batch_db(b), high, &into, &erased, err))
		return false;
	struct str name = { key, (size_t)snprintf(key, sizeof key, "distinct:%u", high) };
	snprintf(object, sizeof object, "#%u and #%u", low, high);
	bool ok = distinct ? put_said(b, FACT_DISTINCT, low, high, name, now, actor, err)
	                   : put(b, FACT_RETRACT, low, name, STR("{\"kind\":\"distinct\"}"), now, err);
	return ok && store_audit(store_batch_db(b), now, actor,
	                         distinct ? "customers said to be two" : "customers may be one again", object, err);
}

/* The newest word on each pair. */
bool store_distincts(struct db *db, struct idmap *out, struct err *err)
{
	struct query *q = db_query(db, "merge_facts");
	struct idmap seen;
	bool *holds = NULL;
	size_t cap = 0;
	int got;
	idmap_init(&seen);
	while ((got = query_next(q, err)) == 1) {
		struct fact f;
		int64_t other;
		fact_of_row(q, &f);
		bool back = f.kind == FACT_RETRACT;
		if ((back ? retract_kind(f.body) : f.kind) != FACT_DISTINCT || f.key.n < 10 ||
		    !str_i64((struct str){ f.key.p + 9, f.key.n - 9 }, &other))
			continue;
		uint32_t at = idmap_put(&seen, (int64_t)merge_pair(f.customer, (customer_id)other), NULL);
		holds = mem_grow(holds, &cap, (size_t)at + 1, sizeof *holds);
		holds[at] = !back;
	}
	for (size_t i = 0; got == 0 && i < seen.count; i++)
		if (holds[i])
			idmap_put(out, seen.keys[i], NULL);
	free(holds);
	idmap_release(&seen);
	return got == 0;
}

bool store_records(struct db *db, customer_id c, struct arena *a, customer_id **list, size_t *count, struct err *err)
{
	struct query *q = db_query(db, "merge_members");
	customer_id *some = NULL;
	size_t n = 0, cap = 0;
	int got;
	some = mem_grow(some, &cap, 1, sizeof *some);
	some[n++] = c;
	query_int(q, 1, c);
	while ((got = query_next(q, err)) == 1) {
		some = mem_grow(some, &cap, n + 1, sizeof *some);
		some[n++] = (customer_id)query_get_int(q, 0);
	}
	*list = arena_copy(a, some, n * sizeof *some);
	*count = n;
	free(some);
	return got == 0;
}
