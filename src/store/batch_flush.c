#include "store/batch.h"
#include "store/store_internal.h"

#include <stdlib.h>

enum { WIDE_FACTS = 100000, HELD_FROM = 256 };

static const char *const CUSTOMER[] = { "customer_id", "ref", "created_at" };
static const char *const PERSON[] = { "customer_id", "civility", "first_name", "last_name", "company",
	                                  "email",       "phone",    "address1",   "address2",  "postcode",
	                                  "city",        "country",  "attributes" };
static const char *const ADDRESS[] = { "hash", "customer_id" };
static const char *const PRODUCT[] = { "product_id", "sku",           "name",      "type",        "family",
	                                   "category",   "brand",         "price",     "cost",        "vat_x2",
	                                   "stock",      "lifetime_days", "tier",      "replaced_by", "not_a_product",
	                                   "url",        "image",         "attributes" };
static const char *const PRICE[] = { "product_id", "at", "price" };
static const char *const FACT[] = { "customer_id", "seq", "kind", "key", "at", "learned_at", "body" };
static const char *const DOCUMENT[] = { "hash", "kind", "customer_id", "seq" };

static bool flush_customers(struct store_batch *b, struct err *err)
{
	if (!b->ids || b->customers_saved == b->ids->customers.count)
		return true;
	struct bulk *k = bulk_begin(b->db, "customer", CUSTOMER, ARRAY_LEN(CUSTOMER), err);
	bool ok = k;
	for (uint32_t i = b->customers_saved; ok && i < b->ids->customers.count; i++) {
		bulk_int(k, i + 1);
		bulk_text(k, intern_name(&b->ids->customers, i));
		bulk_int(k, b->now.s);
		ok = bulk_row(k, err);
	}
	if (k && !bulk_finish(k, ok, err))
		return false;
	b->customers_saved = (uint32_t)b->ids->customers.count;
	return ok;
}

#define NONE                                                                                                           \
	{                                                                                                                  \
		"", 0                                                                                                          \
	}
const struct product_row PRODUCT_UNSAID = { .sku = NONE,
	                                        .name = NONE,
	                                        .type = NONE,
	                                        .family = NONE,
	                                        .category = NONE,
	                                        .brand = NONE,
	                                        .replaced_by = NONE,
	                                        .url = NONE,
	                                        .image = NONE,
	                                        .attributes = NONE,
	                                        .price = -1,
	                                        .cost = -1,
	                                        .vat_x2 = -1,
	                                        .stock = -1,
	                                        .lifetime_days = -1,
	                                        .tier = -1 };
#undef NONE

static void product_columns(struct bulk *k, product_id id, struct str sku, const struct product_row *p)
{
	bulk_int(k, id);
	bulk_text(k, sku);
	bulk_text_or_null(k, p->name);
	bulk_text_or_null(k, p->type);
	bulk_text_or_null(k, p->family);
	bulk_text_or_null(k, p->category);
	bulk_text_or_null(k, p->brand);
	bulk_int_or_null(k, p->price);
	bulk_int_or_null(k, p->cost);
	bulk_int_or_null(k, p->vat_x2);
	bulk_int_or_null(k, p->stock);
	bulk_int_or_null(k, p->lifetime_days);
	bulk_int_or_null(k, p->tier);
	bulk_text_or_null(k, p->replaced_by);
	bulk_int(k, p->not_a_product);
	bulk_text_or_null(k, p->url);
	bulk_text_or_null(k, p->image);
	bulk_text_or_null(k, p->attributes);
}

static bool flush_products(struct store_batch *b, struct err *err)
{
	if (!b->ids || b->products_saved == b->ids->products.count)
		return true;
	struct bulk *k = bulk_begin(b->db, "product", PRODUCT, ARRAY_LEN(PRODUCT), err);
	bool ok = k;
	for (uint32_t i = b->products_saved; ok && i < b->ids->products.count; i++) {
		uint32_t row = idmap_find(&b->product_map, i + 1);
		product_columns(k, i + 1, intern_name(&b->ids->products, i),
		                row == INTERN_NONE ? &PRODUCT_UNSAID : &b->products[row].p);
		ok = bulk_row(k, err);
	}
	if (k && !bulk_finish(k, ok, err))
		return false;
	b->products_saved = (uint32_t)b->ids->products.count;
	b->catalogue = true;
	idmap_release(&b->product_map);
	idmap_init(&b->product_map);
	return ok;
}

static int price_order(const void *x, const void *y)
{
	const struct batch_price *a = x, *b = y;
	return (a->product > b->product) - (a->product < b->product);
}

/* One price a product and batch: the last one said. */
static bool flush_prices(struct store_batch *b, struct err *err)
{
	if (b->price_count == 0)
		return true;
	qsort(b->prices, b->price_count, sizeof *b->prices, price_order);
	struct bulk *k = bulk_upsert(b->db, "price", PRICE, ARRAY_LEN(PRICE), 2, err);
	bool ok = k;
	for (size_t i = 0; ok && i < b->price_count; i++) {
		if (i + 1 < b->price_count && b->prices[i + 1].product == b->prices[i].product)
			continue;
		bulk_int(k, b->prices[i].product);
		bulk_int(k, b->now.s);
		bulk_int(k, b->prices[i].price);
		ok = bulk_row(k, err);
	}
	b->price_count = 0;
	return k && bulk_finish(k, ok, err);
}

static int address_order(const void *x, const void *y)
{
	const int64_t *a = x, *b = y;
	if (a[0] != b[0])
		return (a[0] > b[0]) - (a[0] < b[0]);
	return (a[1] > b[1]) - (a[1] < b[1]);
}

static bool flush_addresses(struct store_batch *b, struct err *err)
{
	const struct shop *shop = store_shop(b->db);
	int64_t(*rows)[2] = mem_alloc(b->person_map.count * 2 * sizeof *rows);
	size_t n = 0;
	for (size_t i = 0; i < b->person_map.count; i++) {
		uint64_t mail = store_address_hash(shop, b->persons[i].p.email);
		uint64_t phone = store_address_hash(shop, b->persons[i].p.phone);
		if (mail)
			rows[n][0] = (int64_t)mail, rows[n++][1] = b->persons[i].customer;
		if (phone && phone != mail)
			rows[n][0] = (int64_t)phone, rows[n++][1] = b->persons[i].customer;
	}
	qsort(rows, n, sizeof *rows, address_order);
	struct bulk *k = bulk_begin(b->db, "address", ADDRESS, ARRAY_LEN(ADDRESS), err);
	bool ok = k;
	for (size_t i = 0; ok && i < n; i++) {
		bulk_int(k, rows[i][0]);
		bulk_int(k, rows[i][1]);
		ok = bulk_row(k, err);
	}
	free(rows);
	return k && bulk_finish(k, ok, err);
}

static int person_order(const void *x, const void *y)
{
	const struct batch_person *a = x, *b = y;
	return (a->customer > b->customer) - (a->customer < b->customer);
}

static bool flush_persons(struct store_batch *b, struct err *err)
{
	if (b->person_map.count == 0)
		return true;
	qsort(b->persons, b->person_map.count, sizeof *b->persons, person_order);
	struct bulk *k = bulk_begin(b->db, "person", PERSON, ARRAY_LEN(PERSON), err);
	bool ok = k;
	for (size_t i = 0; ok && i < b->person_map.count; i++) {
		const struct person *p = &b->persons[i].p;
		const struct str fields[] = { p->civility, p->first_name, p->last_name, p->company, p->email,   p->phone,
			                          p->address1, p->address2,   p->postcode,  p->city,    p->country, p->attributes };
		bulk_int(k, b->persons[i].customer);
		for (size_t j = 0; j < ARRAY_LEN(fields); j++)
			bulk_text_or_null(k, fields[j]);
		ok = bulk_row(k, err);
	}
	if (!k || !bulk_finish(k, ok, err) || !flush_addresses(b, err))
		return false;
	idmap_release(&b->person_map);
	idmap_init(&b->person_map);
	return true;
}

static int fact_order(const void *x, const void *y)
{
	const struct fact *const *a = x, *const *b = y;
	if ((*a)->customer != (*b)->customer)
		return (*a)->customer < (*b)->customer ? -1 : 1;
	return (*a)->seq < (*b)->seq ? -1 : 1;
}

static bool flush_facts(struct store_batch *b, struct err *err)
{
	if (b->fact_count == 0)
		return true;
	const struct fact **order = mem_alloc(b->fact_count * sizeof *order);
	for (size_t i = 0; i < b->fact_count; i++)
		order[i] = &b->facts[i];
	if (!b->sorted)
		qsort(order, b->fact_count, sizeof *order, fact_order);
	struct bulk *k = b->fact_count < HELD_FROM ? bulk_begin(b->db, "fact", FACT, ARRAY_LEN(FACT), err)
	                                           : bulk_begin_held(b->db, "fact", FACT, ARRAY_LEN(FACT), err);
	bool ok = k;
	for (size_t i = 0; ok && i < b->fact_count; i++) {
		const struct fact *f = order[i];
		bulk_int(k, f->customer);
		bulk_int(k, f->seq);
		bulk_int(k, f->kind);
		bulk_text(k, f->key);
		bulk_int(k, f->at.s);
		bulk_int(k, f->learned_at.s);
		bulk_text(k, f->body);
		ok = bulk_row(k, err);
	}
	ok = k && bulk_finish(k, ok, err);
	free(order);
	b->fact_count = 0;
	idmap_release(&b->waiting_map);
	idmap_init(&b->waiting_map);
	return ok;
}

static int document_order(const void *x, const void *y)
{
	const struct batch_document *const *a = x, *const *b = y;
	if ((*a)->hash != (*b)->hash)
		return (*a)->hash < (*b)->hash ? -1 : 1;
	return (int)(*a)->kind - (int)(*b)->kind;
}

/* Documents that are surely new go in as plain rows; the rest replaces. */
static bool write_documents(struct store_batch *b, struct batch_document **order, size_t n, bool replace,
                            struct err *err)
{
	struct bulk *k = bulk_upsert(b->db, "document", DOCUMENT, ARRAY_LEN(DOCUMENT), replace ? 2 : 0, err);
	bool ok = k;
	for (size_t i = 0; ok && i < n; i++) {
		if (order[i]->in_table != replace)
			continue;
		bulk_int(k, order[i]->hash);
		bulk_int(k, order[i]->kind);
		bulk_int(k, order[i]->customer);
		bulk_int(k, order[i]->seq);
		ok = bulk_row(k, err);
	}
	return k && bulk_finish(k, ok, err);
}

static bool delete_document(struct store_batch *b, const struct batch_document *d, struct err *err)
{
	struct query *q = db_query(b->db, "document_delete");
	query_int(q, 1, d->hash);
	query_int(q, 2, d->kind);
	return query_run(q, NULL, err);
}

static bool flush_documents(struct store_batch *b, struct err *err)
{
	size_t n = 0, replaced = 0;
	struct batch_document **order = mem_alloc(b->document_map.count * sizeof *order);
	bool ok = true;
	for (size_t i = 0; i < b->document_map.count && ok; i++) {
		struct batch_document *d = &b->documents[i];
		if (d->state == DOCUMENT_CHANGED) {
			order[n++] = d;
			replaced += d->in_table;
		} else if (d->state == DOCUMENT_GONE && d->in_table) {
			ok = delete_document(b, d, err);
		}
	}
	qsort(order, n, sizeof *order, document_order);
	ok = ok && (n == replaced || write_documents(b, order, n, false, err));
	ok = ok && (replaced == 0 || write_documents(b, order, n, true, err));
	free(order);
	idmap_release(&b->document_map);
	idmap_init(&b->document_map);
	return ok;
}

/* A large import touches every tree at random: more page cache for its time saves reading back what was spilled. */
static bool cache(struct store_batch *b, struct err *err)
{
	if (b->wide || b->fact_count < WIDE_FACTS || db_kind(b->db) != DB_SQLITE)
		return true;
	b->wide = true;
	return db_exec(b->db, "PRAGMA cache_size=-262144", err);
}

bool batch_flush(struct store_batch *b, struct err *err)
{
	if (!cache(b, err) || !flush_customers(b, err) || !flush_products(b, err) || !flush_prices(b, err) ||
	    !flush_persons(b, err) || !flush_facts(b, err) || !flush_documents(b, err))
		return false;
	b->documents_empty = false;
	b->flushed = true;
	arena_clear(&b->arena);
	arena_clear(&b->row_arena);
	return true;
}
