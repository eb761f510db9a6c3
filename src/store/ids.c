#include "store/ids.h"

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

bool ids_refresh(struct store_ids *ids, struct db *db, struct err *err)
{
	if (ids->stale) {
		intern_release(&ids->customers);
		intern_release(&ids->products);
		intern_init(&ids->customers);
		intern_init(&ids->products);
		ids->stale = false;
	}
	bool ok = load(&ids->customers, db_query(db, "customers_after"), "customers", err) &&
	          load(&ids->products, db_query(db, "skus_after"), "products", err);
	ids->stale = !ok;
	return ok;
}

struct store_ids *store_ids_load(struct db *db, struct err *err)
{
	struct store_ids *ids = mem_alloc(sizeof *ids);
	intern_init(&ids->customers);
	intern_init(&ids->products);
	if (ids_refresh(ids, db, err))
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

customer_id store_customer(struct store_ids *ids, struct str ref, bool *created)
{
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
