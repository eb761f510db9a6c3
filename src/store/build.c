/* Method: facts, customers and persons come in the order of their trees and are appended. Documents and addresses are
 * keyed by hashes: they go to temporary files by the highest bits of the hash, which are sorted one by one, several at
 * a time, and appended in order. The index of fact numbers is made after the facts: its order is theirs. */
#include "store/build.h"

#include "base/par.h"
#include "base/turn.h"
#include "store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARTS_BITS = 6, PARTS = 1 << PARTS_BITS };

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

struct hashed { /* a document, or an address (kind and seq 0) */
	int64_t hash, seq;
	uint32_t customer, kind;
};

struct spill {
	FILE *part[PARTS];
	uint32_t count[PARTS];
};

struct store_build {
	struct db *db;
	struct shop shop;
	char name[SIDE_PATH_MAX],
		working[SIDE_PATH_MAX]; /* SQLite: the file's name, and the one it has until it is whole */
	struct spill documents, addresses;
	int64_t seq;
};

static bool lite(const struct store_build *b)
{
	return b->working[0] != 0;
}

/* ---- temporary files ---- */

static size_t part_of(int64_t hash)
{
	return (size_t)(((uint64_t)hash ^ UINT64_C(1) << 63) >> (64 - PARTS_BITS)); /* in the order of signed numbers */
}

static bool spill_error(struct err *err)
{
	return err_errno(err, "a temporary file cannot be written: free space in $TMPDIR or /tmp");
}

static FILE *spill_open(void)
{
	char path[SIDE_PATH_MAX];
	const char *dir = getenv("TMPDIR");
	int n = snprintf(path, sizeof path, "%s/relance-XXXXXX", dir && *dir ? dir : "/tmp");
	int fd = n > 0 && (size_t)n < sizeof path ? mkostemp(path, O_CLOEXEC) : -1;
	if (fd < 0)
		return NULL;
	unlink(path);
	FILE *f = fdopen(fd, "w+b");
	if (!f)
		close(fd);
	return f;
}

static bool spill_add(struct spill *s, const struct hashed *h, struct err *err)
{
	size_t p = part_of(h->hash);
	if (!s->part[p] && !(s->part[p] = spill_open()))
		return spill_error(err);
	s->count[p]++;
	return fwrite_unlocked(h, sizeof *h, 1, s->part[p]) == 1 || spill_error(err);
}

static void spill_release(struct spill *s)
{
	for (size_t i = 0; i < PARTS; i++)
		if (s->part[i])
			fclose(s->part[i]);
	*s = (struct spill){ 0 };
}

static int hashed_order(const void *x, const void *y)
{
	const struct hashed *a = x, *b = y;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->customer > b->customer) - (a->customer < b->customer);
}

struct pouring {
	struct store_build *b;
	struct spill *from;
	bool documents;
	struct turn turn;
	bool failed;
	struct err *err;
};

static struct hashed *part_read(struct spill *s, size_t part)
{
	struct hashed *rows = mem_alloc((s->count[part] + 1) * sizeof *rows);
	FILE *f = s->part[part];
	if (f && (fflush(f) != 0 || fseek(f, 0, SEEK_SET) != 0 ||
	          fread(rows, sizeof *rows, s->count[part], f) != s->count[part])) {
		free(rows);
		return NULL;
	}
	qsort(rows, s->count[part], sizeof *rows, hashed_order);
	return rows;
}

static bool part_write(struct pouring *p, const struct hashed *rows, size_t n)
{
	struct bulk *k = p->documents ? bulk_begin_held(p->b->db, "document", DOCUMENT, ARRAY_LEN(DOCUMENT), p->err)
	                              : bulk_begin_held(p->b->db, "address", ADDRESS, ARRAY_LEN(ADDRESS), p->err);
	bool ok = k;
	for (size_t i = 0; ok && i < n; i++) {
		bulk_int(k, rows[i].hash);
		if (p->documents)
			bulk_int(k, rows[i].kind);
		bulk_int(k, rows[i].customer);
		if (p->documents)
			bulk_int(k, rows[i].seq);
		ok = bulk_row(k, p->err);
	}
	if (ok)
		return bulk_end(k, p->err);
	if (k)
		bulk_abandon(k);
	return false;
}

static void pour_part(void *ctx, size_t from, size_t to, int thread)
{
	struct pouring *p = ctx;
	(void)to, (void)thread;
	struct hashed *rows = p->from->count[from] ? part_read(p->from, from) : NULL;
	turn_wait(&p->turn, from);
	if (!rows && p->from->count[from] && !p->failed)
		p->failed = !spill_error(p->err);
	if (!p->failed && rows)
		p->failed = !part_write(p, rows, p->from->count[from]);
	turn_next(&p->turn);
	free(rows);
}

static bool pour(struct store_build *b, struct spill *from, bool documents, int threads, struct err *err)
{
	struct pouring p = { .b = b, .from = from, .documents = documents, .err = err };
	turn_init(&p.turn);
	par_for(PARTS, 1, threads, pour_part, &p);
	turn_release(&p.turn);
	spill_release(from);
	return !p.failed;
}

/* ---- begin ---- */

static bool path_with(char out[SIDE_PATH_MAX], const char *stem, const char *tail, struct err *err)
{
	int n = snprintf(out, SIDE_PATH_MAX, "%s%s", stem, tail);
	return (n > 0 && n < SIDE_PATH_MAX) || err_set(err, ERR_LIMIT, "%s: the path is too long", stem);
}

static void remove_working(const struct store_build *b)
{
	static const char *const TAILS[] = { "", "-wal", "-shm", "-journal", ".key", ".mark" };
	char path[SIDE_PATH_MAX];
	struct err ignored;
	for (size_t i = 0; lite(b) && i < ARRAY_LEN(TAILS); i++)
		if (path_with(path, b->working, TAILS[i], &ignored))
			unlink(path);
}

static bool claim_name(struct store_build *b, const char *address, struct err *err)
{
	struct stat st;
	struct shop shop;
	if (strncmp(address, "postgresql://", 13) == 0 || strncmp(address, "postgres://", 11) == 0)
		return true;
	if (!path_with(b->name, address, "", err) || !path_with(b->working, address, ".building", err))
		return false;
	if (lstat(address, &st) == 0) {
		struct db *db = store_open(address, true, &shop, err);
		db_close(db);
		b->working[0] = 0;
		return err_set(err, ERR_INPUT, "%s %s; nothing was changed: give another name", address,
		               db ? "holds a shop already" : "is there already");
	}
	remove_working(b); /* left by a run that was killed */
	return true;
}

/* In place of the key that store_init drew. */
static bool key_put(struct store_build *b, const uint64_t key[2], struct err *err)
{
	char text[64], proof[17];
	int n = snprintf(text, sizeof text, "relance-key 1 %016" PRIx64 "%016" PRIx64 "\n", key[0], key[1]);
	side_key_proof(key, proof);
	FILE *f = fopen(store_key_path(b->db), "we");
	bool ok = f && fwrite(text, 1, (size_t)n, f) == (size_t)n;
	if (!f || fclose(f) != 0 || !ok)
		return err_errno(err, "%s: the key file cannot be written", store_key_path(b->db));
	return db_begin(b->db, err) && store_shop_set(b->db, "key_proof", str_from(proof), err) && db_commit(b->db, err);
}

static bool open_for_load(struct store_build *b, const char *address, const struct shop *shop, const uint64_t key[2],
                          struct err *err)
{
	b->db = store_open(address, false, &b->shop, err);
	if (!b->db || !key_put(b, key, err))
		return false;
	b->shop.address_key[0] = key[0];
	b->shop.address_key[1] = key[1];
	return (!lite(b) || db_exec(b->db,
	                            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
	                            "PRAGMA mmap_size=0; PRAGMA cache_size=-65536; PRAGMA temp_store=FILE",
	                            err)) &&
	       db_begin(b->db, err) && db_exec(b->db, "DROP INDEX fact_seq; DROP INDEX customer_ref", err);
}

struct store_build *store_build_begin(const char *address, const struct shop *shop, const uint64_t key[2],
                                      struct err *err)
{
	struct store_build *b = mem_alloc(sizeof *b);
	if (!claim_name(b, address, err)) {
		free(b);
		return NULL;
	}
	const char *where = lite(b) ? b->working : address;
	if (store_init(where, shop, err) && open_for_load(b, where, shop, key, err))
		return b;
	store_build_abandon(b);
	return NULL;
}

const struct shop *store_build_shop(const struct store_build *b)
{
	return &b->shop;
}

void store_build_abandon(struct store_build *b)
{
	if (!b)
		return;
	if (b->db)
		db_rollback(b->db);
	db_close(b->db);
	spill_release(&b->documents);
	spill_release(&b->addresses);
	remove_working(b);
	free(b);
}

/* ---- rows ---- */

static bool write_products(struct db *db, const struct product_row *rows, size_t count, struct err *err)
{
	struct bulk *k = bulk_begin(db, "product", PRODUCT, ARRAY_LEN(PRODUCT), err);
	bool ok = k;
	for (size_t i = 0; ok && i < count; i++) {
		const struct product_row *p = &rows[i];
		const struct str texts[] = { p->name, p->type, p->family, p->category, p->brand };
		const int64_t ints[] = { p->price, p->cost, p->vat_x2, p->stock, p->lifetime_days, p->tier };
		bulk_int(k, (int64_t)i + 1);
		bulk_text(k, p->sku);
		for (size_t j = 0; j < ARRAY_LEN(texts); j++)
			bulk_text_or_null(k, texts[j]);
		for (size_t j = 0; j < ARRAY_LEN(ints); j++)
			bulk_int_or_null(k, ints[j]);
		bulk_text_or_null(k, p->replaced_by);
		bulk_int(k, p->not_a_product);
		bulk_text_or_null(k, p->url);
		bulk_text_or_null(k, p->image);
		bulk_text_or_null(k, p->attributes);
		ok = bulk_row(k, err);
	}
	return bulk_finish(k, ok, err);
}

bool store_build_products(struct store_build *b, const struct product_row *rows, size_t count,
                          const struct build_price *prices, size_t price_count, struct err *err)
{
	if (!write_products(b->db, rows, count, err))
		return false;
	struct bulk *k = bulk_begin_held(b->db, "price", PRICE, ARRAY_LEN(PRICE), err);
	bool ok = k;
	for (size_t i = 0; ok && i < price_count; i++) {
		bulk_int(k, prices[i].product);
		bulk_int(k, prices[i].at.s);
		bulk_int(k, prices[i].price);
		ok = bulk_row(k, err);
	}
	return bulk_finish(k, ok, err);
}

static bool write_customers(struct store_build *b, const struct build_block *block, struct err *err)
{
	struct bulk *k = bulk_begin_held(b->db, "customer", CUSTOMER, ARRAY_LEN(CUSTOMER), err);
	bool ok = k;
	for (size_t i = 0; ok && i < block->customer_count; i++) {
		bulk_int(k, (int64_t)(block->first + i));
		bulk_text(k, block->customers[i].ref);
		bulk_int(k, block->customers[i].created.s);
		ok = bulk_row(k, err);
	}
	return bulk_finish(k, ok, err);
}

static bool spill_addresses(struct store_build *b, customer_id id, const struct build_customer *c, struct err *err)
{
	struct hashed h = { .hash = (int64_t)c->email_hash, .customer = id };
	if (c->email_hash && !spill_add(&b->addresses, &h, err))
		return false;
	h.hash = (int64_t)c->phone_hash;
	return !c->phone_hash || c->phone_hash == c->email_hash || spill_add(&b->addresses, &h, err);
}

static bool write_persons(struct store_build *b, const struct build_block *block, struct err *err)
{
	struct bulk *k = bulk_begin_held(b->db, "person", PERSON, ARRAY_LEN(PERSON), err);
	bool ok = k;
	for (size_t i = 0; ok && i < block->customer_count; i++) {
		const struct person *p = &block->customers[i].person;
		const struct str texts[] = { p->civility, p->first_name, p->last_name, p->company, p->email,   p->phone,
			                         p->address1, p->address2,   p->postcode,  p->city,    p->country, p->attributes };
		customer_id id = block->first + (customer_id)i;
		bulk_int(k, id);
		for (size_t j = 0; j < ARRAY_LEN(texts); j++)
			bulk_text_or_null(k, texts[j]);
		ok = bulk_row(k, err) && spill_addresses(b, id, &block->customers[i], err);
	}
	return bulk_finish(k, ok, err);
}

static bool write_facts(struct store_build *b, const struct build_block *block, struct err *err)
{
	struct bulk *k = bulk_begin_held(b->db, "fact", FACT, ARRAY_LEN(FACT), err);
	bool ok = k;
	for (size_t i = 0; ok && i < block->fact_count; i++) {
		const struct fact *f = &block->facts[i];
		bulk_int(k, f->customer);
		bulk_int(k, ++b->seq);
		bulk_int(k, f->kind);
		bulk_text(k, f->key);
		bulk_int(k, f->at.s);
		bulk_int(k, f->learned_at.s);
		bulk_text(k, f->body);
		ok = bulk_row(k, err);
		struct hashed h = { .seq = b->seq, .customer = f->customer, .kind = f->kind };
		if (ok && fact_is_document(f->kind)) {
			h.hash = (int64_t)document_hash(f->kind, f->key);
			ok = spill_add(&b->documents, &h, err);
		}
	}
	return bulk_finish(k, ok, err);
}

bool store_build_block(struct store_build *b, const struct build_block *k, struct err *err)
{
	return write_customers(b, k, err) && write_persons(b, k, err) && write_facts(b, k, err);
}

/* ---- commit ---- */

static bool settle(struct store_build *b, struct err *err)
{
	char sql[512];
	snprintf(sql, sizeof sql,
	         "CREATE UNIQUE INDEX customer_ref ON customer (ref);"
	         "CREATE UNIQUE INDEX fact_seq ON fact (seq, customer_id);"
	         "UPDATE shard SET seq_hi = %" PRId64 " WHERE shard = 0",
	         b->seq);
	return db_exec(b->db, sql, err) && db_commit(b->db, err);
}

/* Everything reaches the disk, then the key, then the database gets its name. */
static bool put_in_place(struct store_build *b, struct err *err)
{
	char key_from[SIDE_PATH_MAX], key_to[SIDE_PATH_MAX];
	if (!path_with(key_from, b->working, ".key", err) || !path_with(key_to, b->name, ".key", err))
		return false;
	if (rename(key_from, key_to) != 0)
		return err_errno(err, "%s: the key file cannot be written", key_to);
	if (link(b->working, b->name) != 0) /* not rename: a file that came meanwhile stays */
		return err_errno(err, "%s: cannot be made", b->name);
	unlink(b->working);
	return true;
}

static bool mark(const char *address, struct err *err)
{
	struct shop shop;
	struct db *db = store_open(address, false, &shop, err);
	bool ok = db && store_mark(db, err);
	db_close(db);
	return ok;
}

bool store_build_commit(struct store_build *b, int threads, int64_t *facts, struct err *err)
{
	char address[SIDE_PATH_MAX];
	bool ok =
		pour(b, &b->documents, true, threads, err) && pour(b, &b->addresses, false, threads, err) && settle(b, err);
	if (ok && lite(b))
		ok = db_exec(b->db, "PRAGMA locking_mode=NORMAL; PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL", err);
	if (ok && !lite(b))
		ok = store_mark(b->db, err);
	if (facts)
		*facts = b->seq;
	if (!ok) {
		store_build_abandon(b);
		return false;
	}
	bool file = lite(b);
	snprintf(address, sizeof address, "%s", b->name);
	db_close(b->db);
	b->db = NULL;
	ok = !file || put_in_place(b, err);
	store_build_abandon(b);
	return ok && (!file || mark(address, err));
}
