#include "store/ids.h"

#include "base/hash.h"
#include "store/erase.h"

#include <stdlib.h>

static bool load(struct intern *map, struct query *q, const char *what, struct err *err)
{
	query_int(q, 1, (int64_t)map->count);
	query_stream(q);
	int got;
	while ((got = query_next(q, err)) == 1) {
		int64_t id = query_get_int(q, 0);
		bool is_new;
		uint32_t number = intern_put(map, query_get_text(q, 1), &is_new);
		if (!is_new || (int64_t)number + 1 != id) {
			query_done(q);
			return err_set(err, ERR_WORLD, "the numbers of the %s are not 1, 2, 3 … (at %lld): run \"relance check\"",
			               what, (long long)id);
		}
	}
	return got == 0;
}

/* In the database their reference is another too (erase.c). */
static void forget_ref(struct store_ids *ids, customer_id c)
{
	char name[ERASED_REF_MAX];
	struct str erased = erased_ref(c, name);
	if (c <= ids->customers.count && !str_eq(intern_name(&ids->customers, c - 1), erased))
		intern_rename(&ids->customers, c - 1, erased);
}

/* Read whole when somebody was erased since, or came back. */
static bool load_erased(struct store_ids *ids, struct db *db, struct err *err)
{
	int64_t changes[STORE_PART_COUNT];
	int got;
	if (!store_changes(db, changes, err))
		return false;
	if (ids->erased_known && ids->erased_change == changes[STORE_ERASED])
		return true;
	ids->erased_known = false;
	idmap_release(&ids->erased);
	idmap_release(&ids->erased_ids);
	idmap_init(&ids->erased);
	idmap_init(&ids->erased_ids);
	struct query *q = db_query(db, "erased_hashes");
	while ((got = query_next(q, err)) == 1) {
		uint32_t i = idmap_put(&ids->erased, query_get_int(q, 0), NULL);
		ids->erased_customers =
			mem_grow(ids->erased_customers, &ids->erased_cap, (size_t)i + 1, sizeof *ids->erased_customers);
		ids->erased_customers[i] = (customer_id)query_get_int(q, 1);
		idmap_put(&ids->erased_ids, query_get_int(q, 1), NULL);
		forget_ref(ids, (customer_id)query_get_int(q, 1));
	}
	ids->erased_known = got == 0;
	ids->erased_change = changes[STORE_ERASED];
	return got == 0;
}

/* ---- documents seen ---- */

enum { SEEN_FIRST = 1 << 16, SEEN_PROBES = 4, SEEN_BITS = 16 };

void seen_release(struct seen *s)
{
	for (int i = 0; i < s->count; i++)
		free(s->layers[i].bits);
	*s = (struct seen){ .count = 0 };
}

static struct seen_layer *seen_layer(struct seen *s)
{
	struct seen_layer *last = s->count ? &s->layers[s->count - 1] : NULL;
	if (last && (last->count < last->room || s->count == SEEN_LAYERS))
		return last;
	size_t room = last ? last->room * 2 : SEEN_FIRST;
	last = &s->layers[s->count++];
	*last = (struct seen_layer){ .bits = mem_alloc(room * SEEN_BITS / 8), .room = room };
	return last;
}

/* The bits of one hash lie in one cache line. */
static uint64_t *seen_line(const struct seen_layer *l, uint64_t hash)
{
	size_t lines = l->room * SEEN_BITS / 512;
	return l->bits + (hash & (lines - 1)) * 8;
}

void seen_put(struct seen *s, uint64_t hash)
{
	struct seen_layer *l = seen_layer(s);
	uint64_t *line = seen_line(l, hash), mixed = hash_mix(hash, 1);
	for (int i = 0; i < SEEN_PROBES; i++, mixed >>= 9)
		line[mixed >> 6 & 7] |= 1ull << (mixed & 63);
	l->count++;
}

bool seen_maybe(const struct seen *s, uint64_t hash)
{
	uint64_t mixed = hash_mix(hash, 1);
	for (int i = 0; i < s->count; i++) {
		const uint64_t *line = seen_line(&s->layers[i], hash);
		uint64_t m = mixed;
		int n = 0;
		while (n < SEEN_PROBES && line[m >> 6 & 7] >> (m & 63) & 1) {
			m >>= 9;
			n++;
		}
		if (n == SEEN_PROBES)
			return true;
	}
	return false;
}

static bool see_all(struct store_ids *ids, struct query *q, bool hashed, struct err *err)
{
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		enum fact_kind kind = (enum fact_kind)query_get_int(q, 0);
		uint64_t hash = hashed ? (uint64_t)query_get_int(q, 1) : document_hash(kind, query_get_text(q, 1));
		seen_put(&ids->seen, document_slot_key(hash, kind));
	}
	return got == 0;
}

/* What others wrote since. */
static bool see_new(struct store_ids *ids, struct db *db, int64_t seq_hi, struct err *err)
{
	if (!ids->documents || ids->documents_seq == seq_hi)
		return true;
	struct query *q = db_query(db, "document_keys_after");
	query_int(q, 1, ids->documents_seq);
	if (!see_all(ids, q, false, err))
		return false;
	ids->documents_seq = seq_hi;
	return true;
}

bool store_ids_documents(struct store_ids *ids, struct db *db, struct err *err)
{
	int64_t seq_hi;
	uint32_t customers;
	/* the number first: what is added meanwhile is read twice, and never missed */
	if (!store_seq_hi(db, &seq_hi, &customers, err) || !see_all(ids, db_query(db, "document_hashes"), true, err))
		return false;
	ids->documents_seq = seq_hi;
	ids->documents = true;
	return true;
}

/* ---- names ---- */

bool ids_refresh(struct store_ids *ids, struct db *db, int64_t seq_hi, struct err *err)
{
	if (ids->stale) {
		intern_release(&ids->customers);
		intern_release(&ids->products);
		intern_init(&ids->customers);
		intern_init(&ids->products);
		ids->stale = false;
	}
	bool ok = load(&ids->customers, db_query(db, "customers_after"), "customers", err) &&
	          load(&ids->products, db_query(db, "skus_after"), "products", err) && see_new(ids, db, seq_hi, err) &&
	          load_erased(ids, db, err);
	ids->stale = !ok;
	return ok;
}

struct store_ids *store_ids_load(struct db *db, struct err *err)
{
	struct store_ids *ids = mem_alloc(sizeof *ids);
	ids->shop = store_shop(db);
	idmap_init(&ids->erased);
	idmap_init(&ids->erased_ids);
	intern_init(&ids->customers);
	intern_init(&ids->products);
	if (ids_refresh(ids, db, 0, err))
		return ids;
	store_ids_free(ids);
	return NULL;
}

void store_ids_free(struct store_ids *ids)
{
	if (!ids)
		return;
	intern_release(&ids->customers);
	intern_release(&ids->products);
	seen_release(&ids->seen);
	idmap_release(&ids->erased);
	idmap_release(&ids->erased_ids);
	free(ids->erased_customers);
	free(ids);
}

static uint32_t id_find(const struct intern *map, struct str name)
{
	uint32_t number = intern_find(map, name);
	return number == INTERN_NONE ? 0 : number + 1;
}

static uint32_t id_put(struct store_ids *ids, struct intern *map, struct str name, bool *created)
{
	uint32_t id = id_find(map, name);
	if (created)
		*created = id == 0;
	if (id)
		return id;
	check(ids->open);
	return intern_put(map, name, NULL) + 1;
}

customer_id store_erased_find(const struct store_ids *ids, uint64_t address_hash)
{
	uint32_t i = address_hash && ids->erased.count ? idmap_find(&ids->erased, (int64_t)address_hash) : INTERN_NONE;
	return i == INTERN_NONE ? 0 : ids->erased_customers[i];
}

bool store_is_erased(const struct store_ids *ids, customer_id c)
{
	return ids->erased_ids.count && idmap_find(&ids->erased_ids, c) != INTERN_NONE;
}

customer_id store_customer(struct store_ids *ids, struct str ref, bool *created)
{
	customer_id known = id_find(&ids->customers, ref), erased;
	if (!known && ids->erased.count && (erased = store_erased_find(ids, store_ref_hash(ids->shop, ref)))) {
		if (created)
			*created = false;
		return erased;
	}
	return id_put(ids, &ids->customers, ref, created);
}

customer_id store_customer_find(const struct store_ids *ids, struct str ref)
{
	return id_find(&ids->customers, ref);
}

product_id store_product(struct store_ids *ids, struct str sku, bool *created)
{
	return id_put(ids, &ids->products, sku, created);
}

product_id store_product_find(const struct store_ids *ids, struct str sku)
{
	return id_find(&ids->products, sku);
}
