/* bench_store: facts into the store and out again, on a SQLite file and, with $RELANCE_TEST_PG, on PostgreSQL.
 *
 *     bench_store [--facts N] [--json] [--dir DIR]
 *
 * Baselines of the same run: for writing, plain prepared inserts of the same rows into an unindexed table through the
 * same library (SQLite), or COPY text of them (PostgreSQL); for reading, the same library's bare scan of the table. */
#include "base/buf.h"
#include "base/hash.h"
#include "base/par.h"
#include "store/outbox.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { CUSTOMERS = 1000000 };

static bool json;

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void line(const char *database, const char *work, double ours, const char *unit, double baseline,
                 const char *against)
{
	double ratio = baseline > 0 ? ours / baseline : 0;
	if (json)
		printf("{\"database\":\"%s\",\"work\":\"%s\",\"ours\":%.0f,\"unit\":\"%s\",\"baseline\":%.0f,\"against\":\"%"
		       "s\",\"ratio\":%.2f}\n",
		       database, work, ours, unit, baseline, against, ratio);
	else if (baseline > 0)
		printf("%-10s  %-50s %12.0f %-8s %12.0f  %5.2fx  %s\n", database, work, ours, unit, baseline, ratio, against);
	else
		printf("%-10s  %-50s %12.0f %-8s\n", database, work, ours, unit);
	fflush(stdout);
}

static void need(bool ok, const struct err *err)
{
	if (!ok) {
		fprintf(stderr, "bench_store: %s\n", err->text);
		exit(1);
	}
}

/* The nth order: 12/5 lines on average, as the simulated shop has. */
static void order_make(struct rng *r, int64_t i, struct buf *key, struct buf *body)
{
	buf_clear(key);
	buf_clear(body);
	buf_printf(key, "till:%lld", (long long)i);
	uint32_t lines = 1 + rng_below(r, 4);
	buf_cstr(body, "{\"lines\":[");
	for (uint32_t l = 0; l < lines; l++)
		buf_printf(body, "%s[%u,%u,%u]", l ? "," : "", 1 + rng_below(r, 5000), 1 + rng_below(r, 5),
		           100 + rng_below(r, 9000));
	buf_cstr(body, "]}");
}

static double write_facts(struct db *db, int64_t facts, int64_t batch)
{
	struct err err;
	struct rng r;
	struct buf key, body;
	rng_init(&r, 7, batch == facts);
	buf_init(&key, 64);
	buf_init(&body, 4096);
	struct store_ids *ids = store_ids_load(db, &err);
	need(ids, &err);
	struct instant now = { 1700000000 };
	double start = seconds_now();
	static int64_t made;
	for (int64_t i = 0; i < facts;) {
		struct store_batch *b = store_batch_begin(db, ids, now, &err);
		need(b, &err);
		for (int64_t j = 0; j < batch && i < facts; i++, j++) {
			char ref[24];
			int n = snprintf(ref, sizeof ref, "%u", rng_below(&r, CUSTOMERS));
			order_make(&r, made++, &key, &body);
			struct fact f = { .customer = store_customer(ids, (struct str){ ref, (size_t)n }, NULL),
				              .kind = FACT_ORDER,
				              .key = buf_view(&key),
				              .at = { 1600000000 + i },
				              .body = buf_view(&body) };
			need(store_batch_fact(b, &f, NULL, &err), &err);
		}
		need(store_batch_commit(b, &err), &err);
	}
	double seconds = seconds_now() - start;
	store_ids_free(ids);
	buf_release(&key);
	buf_release(&body);
	return (double)facts / seconds;
}

/* The same rows, by the library alone, without keys. */
static double plain_inserts(const char *path, int64_t facts)
{
	sqlite3 *s;
	sqlite3_stmt *q;
	struct rng r;
	struct buf key, body;
	rng_init(&r, 7, 1);
	buf_init(&key, 64);
	buf_init(&body, 4096);
	if (sqlite3_open(path, &s) != SQLITE_OK)
		exit(1);
	sqlite3_exec(
		s,
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t (customer, seq, kind, key, at, learned, "
		"body); BEGIN",
		NULL, NULL, NULL);
	sqlite3_prepare_v2(s, "INSERT INTO t VALUES (?,?,?,?,?,?,?)", -1, &q, NULL);
	double start = seconds_now();
	for (int64_t i = 0; i < facts; i++) {
		uint32_t c = rng_below(&r, CUSTOMERS);
		order_make(&r, i, &key, &body);
		int64_t ints[] = { c, i, 1, 0, 1600000000 + i, 1700000000 };
		for (int k = 0; k < 6; k++)
			sqlite3_bind_int64(q, k + 1, ints[k]);
		sqlite3_bind_text(q, 4, key.p, (int)key.n, SQLITE_STATIC);
		sqlite3_bind_text(q, 7, body.p, (int)body.n, SQLITE_STATIC);
		sqlite3_step(q);
		sqlite3_reset(q);
	}
	sqlite3_exec(s, "COMMIT", NULL, NULL, NULL);
	double seconds = seconds_now() - start;
	sqlite3_finalize(q);
	sqlite3_close(s);
	buf_release(&key);
	buf_release(&body);
	return (double)facts / seconds;
}

static bool sum(void *ctx, const struct fact *f, struct err *err)
{
	uint64_t *n = ctx;
	n[0]++;
	n[1] += (uint64_t)f->seq + f->body.n + f->key.n;
	return true;
}

/* What importing Online Retail asks of the store: 16,000 orders of 20 lines by 4,000 customers, 3,700 products. */
static double write_import(const char *address)
{
	struct err err;
	struct shop shop = { .seed = 7 };
	struct rng r;
	struct buf body;
	rng_init(&r, 7, 3);
	buf_init(&body, 1 << 16);
	need(zone_find(STR("Europe/Paris"), &shop.zone) && currency_find(STR("EUR"), &shop.currency), &err);
	need(store_init(address, &shop, &err), &err);
	double start = seconds_now();
	struct db *db = store_open(address, false, NULL, &err);
	need(db, &err);
	struct store_ids *ids = store_ids_load(db, &err);
	need(ids, &err);
	struct store_batch *b = store_batch_begin(db, ids, (struct instant){ 1700000000 }, &err);
	need(b, &err);
	for (int i = 0; i < 3700; i++) {
		char sku[16], name[48];
		snprintf(sku, sizeof sku, "%dA", 20000 + i);
		snprintf(name, sizeof name, "WHITE HANGING HEART T-LIGHT HOLDER %d", i);
		struct product_row p = { .sku = str_from(sku),
			                     .name = str_from(name),
			                     .price = 255,
			                     .cost = -1,
			                     .vat_x2 = -1,
			                     .stock = -1,
			                     .lifetime_days = -1,
			                     .tier = -1 };
		need(store_batch_product(b, &p, NULL, &err), &err);
	}
	for (int i = 0; i < 16000; i++) {
		char ref[16], key[32];
		bool found;
		struct fact known;
		struct arena a;
		snprintf(ref, sizeof ref, "%u", 12000 + rng_below(&r, 4000));
		snprintf(key, sizeof key, "till:%d", 536365 + i);
		buf_clear(&body);
		buf_cstr(&body, "{\"lines\":[");
		for (int l = 0; l < 20; l++)
			buf_printf(&body, "%s[%u,%u,%u]", l ? "," : "", 1 + rng_below(&r, 3700), 1 + rng_below(&r, 12),
			           rng_below(&r, 9000));
		buf_cstr(&body, "]}");
		arena_init(&a);
		need(store_batch_known(b, FACT_ORDER, str_from(key), &a, &known, &found, &err), &err);
		arena_release(&a);
		struct fact f = { .customer = store_customer(ids, str_from(ref), NULL),
			              .kind = FACT_ORDER,
			              .key = str_from(key),
			              .at = { 1300000000 + i * 900 },
			              .body = buf_view(&body) };
		need(store_batch_fact(b, &f, NULL, &err), &err);
	}
	need(store_batch_commit(b, &err), &err);
	store_ids_free(ids);
	db_close(db);
	buf_release(&body);
	return seconds_now() - start;
}

/* Seconds of `sqlite3 .import` of the real file into one untyped table; 0 when the file or the program is absent. */
static double shell_import(const char *dir)
{
	const char *data = getenv("RELANCE_DATA");
	char command[2048];
	snprintf(command, sizeof command, "zstd -qdc '%s'/online_retail/*.csv.zst >'%s/lines.csv' 2>/dev/null",
	         data ? data : "../shared/data", dir);
	if (system(command) != 0)
		return 0;
	snprintf(command, sizeof command, "cd '%s' && sqlite3 import.db '.import --csv lines.csv t' >/dev/null 2>&1", dir);
	double start = seconds_now();
	return system(command) == 0 ? seconds_now() - start : 0;
}

struct reading {
	const char *address;
	uint32_t customers;
	int parts;
	uint64_t counts[64];
};

static void read_part(void *ctx, size_t from, size_t to, int thread)
{
	struct reading *r = ctx;
	struct err err;
	for (size_t i = from; i < to; i++) {
		uint64_t n[2] = { 0 };
		struct db *db = store_open(r->address, true, NULL, &err);
		need(db, &err);
		uint32_t a = (uint32_t)((uint64_t)r->customers * i / (uint64_t)r->parts) + 1;
		uint32_t b = (uint32_t)((uint64_t)r->customers * (i + 1) / (uint64_t)r->parts);
		need(store_facts_by_customer(db, i ? a : 0, b, INSTANT_NEVER, sum, n, &err), &err);
		db_close(db);
		r->counts[i] = n[0];
	}
}

static double read_facts(const char *address, uint32_t customers, int parts)
{
	struct reading r = { .address = address, .customers = customers, .parts = parts };
	double start = seconds_now();
	par_for((size_t)parts, 1, parts, read_part, &r);
	double seconds = seconds_now() - start;
	uint64_t n = 0;
	for (int i = 0; i < parts; i++)
		n += r.counts[i];
	return (double)n / seconds;
}

static double bare_scan(const char *path)
{
	sqlite3 *s;
	sqlite3_stmt *q;
	int64_t n = 0;
	if (sqlite3_open(path, &s) != SQLITE_OK)
		exit(1);
	sqlite3_exec(s, "PRAGMA mmap_size=17179869184", NULL, NULL, NULL);
	sqlite3_prepare_v2(s, "SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact", -1, &q, NULL);
	double start = seconds_now();
	while (sqlite3_step(q) == SQLITE_ROW)
		n++;
	double seconds = seconds_now() - start;
	sqlite3_finalize(q);
	sqlite3_close(s);
	return (double)n / seconds;
}

static double write_slices(struct db *db, int64_t messages)
{
	struct err err;
	int64_t epoch;
	struct instant now = { 1700000000 };
	need(store_lease(db, "bench", now, 60, &epoch, &err), &err);
	struct outbox_run *runs = mem_alloc((size_t)messages * sizeof *runs);
	struct outbox_decision *decisions = mem_alloc((size_t)messages * sizeof *decisions);
	struct outbox_message *m = mem_alloc((size_t)messages * sizeof *m);
	for (int64_t i = 0; i < messages; i++) {
		customer_id c = (customer_id)(i + 1);
		runs[i] = (struct outbox_run){ .customer = c, .plan = STR("anti-churn"), .run_no = 1, .entered_at = now };
		decisions[i] = (struct outbox_decision){ .customer = c,
			                                     .plan = STR("anti-churn"),
			                                     .step = STR("winback-1"),
			                                     .run_no = 1,
			                                     .verdict = VERDICT_SEND,
			                                     .at = now,
			                                     .tick = 1 };
		m[i] = (struct outbox_message){ .key = { c, STR("anti-churn"), STR("winback-1"), 1, CHANNEL_EMAIL },
			                            .version = 1,
			                            .message = STR("winback-1"),
			                            .due_at = now,
			                            .queued_at = now };
	}
	struct outbox_slice s = {
		epoch, runs, (size_t)messages, decisions, (size_t)messages, m, (size_t)messages, NULL, 0
	};
	double start = seconds_now();
	need(db_begin(db, &err) && outbox_put(db, &s, &err) && db_commit(db, &err), &err);
	double seconds = seconds_now() - start;
	free(runs);
	free(decisions);
	free(m);
	return (double)messages / seconds;
}

static void bench(const char *name, const char *address, const char *plain, int64_t facts)
{
	struct err err;
	struct shop shop = { .seed = 7 };
	int64_t seq;
	uint32_t customers;
	need(zone_find(STR("Europe/Paris"), &shop.zone) && currency_find(STR("EUR"), &shop.currency), &err);
	need(store_init(address, &shop, &err), &err);
	struct db *db = store_open(address, false, NULL, &err);
	need(db, &err);
	line(name, "write facts, one batch", write_facts(db, facts, facts), "facts/s",
	     plain ? plain_inserts(plain, facts) : 0, "library alone, same rows, no keys");
	need(store_seq_hi(db, &seq, &customers, &err), &err);
	double scan = plain ? bare_scan(address) : 0;
	line(name, "read all facts by customer, 1 handle", read_facts(address, customers, 1), "facts/s", scan,
	     "bare scan, nothing read");
	line(name, "read all facts by customer, 4 handles", read_facts(address, customers, 4), "facts/s", scan,
	     "bare scan, nothing read");
	line(name, "write facts, batches of 1,000", write_facts(db, facts / 10, 1000), "facts/s", 0, "");
	line(name, "write facts, one each", write_facts(db, 2000, 1), "facts/s", 0, "");
	line(name, "decide: run + decision + message, 10,000 due", write_slices(db, 10000), "rows x3/s", 0, "");
	double start = seconds_now();
	db_close(store_open(address, true, NULL, &err));
	line(name, "open and prepare", (seconds_now() - start) * 1e6, "us", 0, "");
	db_close(db);
}

int main(int argc, char **argv)
{
	int64_t facts = 5000000;
	char dir[512] = "", command[600], path[600], plain[600];
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!strcmp(argv[i], "--facts") && i + 1 < argc && str_i64(str_from(argv[++i]), &facts))
			continue;
	}
	snprintf(dir, sizeof dir, "%s/relance-bench-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return 1;
	setenv("RELANCE_KEYS", dir, 1);
	snprintf(path, sizeof path, "%s/shop.db", dir);
	snprintf(plain, sizeof plain, "%s/plain.db", dir);
	if (!json)
		printf("%-10s  %-50s %12s %-8s %12s  %6s  %s\n", "database", "work", "ours", "", "baseline", "ratio",
		       "against");
	char small[600];
	snprintf(small, sizeof small, "%s/small.db", dir);
	double shell = shell_import(dir);
	line("SQLite", "an import's writes: 16,000 orders, 320,000 lines", 320000 / write_import(small), "lines/s",
	     shell > 0 ? 320705 / shell : 0, "sqlite3 .import of Online Retail (reads CSV too)");
	bench("SQLite", path, plain, facts);
	const char *pg = getenv("RELANCE_TEST_PG");
	if (pg && *pg) {
		char address[1024];
		snprintf(address, sizeof address, "%s&schema=bench_%d", pg, (int)getpid());
		bench("PostgreSQL", address, NULL, facts);
	} else {
		fputs("bench_store: RELANCE_TEST_PG is not set: PostgreSQL is left out (tools/with_postgres.sh runs it)\n",
		      stderr);
	}
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : 1;
}
