/* bench_segment: a segment of five conditions over 1,000,000 customers and 12,000,000 lines, beside the same as SQL
 * with indexes on SQLite in memory and, under tools/with_postgres.sh, on PostgreSQL (the faster is the baseline; both
 * must count the same); one condition for one person; compiling. Prints work, ours, baseline, ratio, goal.
 *
 * usage: [tools/with_postgres.sh] bench_segment [--customers N] [--threads N] [--json] [--no-baseline] */
#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/expr.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PRODUCTS = 600, CATEGORIES = 12 };

static const char *const CATEGORY[CATEGORIES] = { "Salon", "Jardin", "Cuisine", "Bain",    "Chambre", "Bureau",
	                                              "Vélos", "Lampes", "Outils",  "Plantes", "Jeux",    "Textile" };
static const char CONDITION[] =
	"bought(category = \"Salon\", 2025-03-01..2025-08-31) and not bought(category = \"Jardin\") and may(email)"
	" and spend(last 12 months) > 100 EUR and lifecycle in (new, loyal, ambassador, lapsing)";

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct shop {
	struct book *book;
	uint32_t customers;
	int64_t now;
	zone_id zone;
	_Atomic uint64_t orders, lines;
};

static void products(struct shop *s)
{
	struct product *p = mem_alloc((PRODUCTS + 1) * sizeof *p);
	for (uint32_t i = 1; i <= PRODUCTS; i++)
		p[i] = (struct product){ .category = book_word(s->book, str_from(CATEGORY[i % CATEGORIES])), .price = i * 100 };
	book_set_products(s->book, p, PRODUCTS + 1);
}

static void add(struct book_loader *l, customer_id c, enum fact_kind kind, int64_t at, struct buf *body, int64_t *seq)
{
	char key[24];
	struct err err;
	int n = snprintf(key, sizeof key, "k%lld", (long long)*seq);
	struct fact f = {
		.customer = c, .seq = ++*seq, .kind = kind, .key = { key, (size_t)n }, .at = { at }, .body = buf_view(body)
	};
	check(book_loader_add(l, &f, &err));
	buf_clear(body);
}

/* A customer: profile, a consent, 5 orders of 2.4 lines in the mean over four years. */
static void customer(struct shop *s, struct book_loader *l, customer_id c, struct buf *b)
{
	struct rng r;
	int64_t seq = (int64_t)c * 64;
	rng_init(&r, 11, c);
	struct profile_body p = { .locale = -1,
		                      .created = INSTANT_NEVER,
		                      .born = { (int32_t)rng_below(&r, 12000) },
		                      .reach = rng_below(&r, 8),
		                      .postcode = STR("59100") };
	body_write_profile(&p, b);
	add(l, c, FACT_PROFILE, 1000000, b, &seq);
	if (rng_below(&r, 3)) {
		body_write_consent(&(struct consent_body){ .state = rng_below(&r, 5) ? CONSENT_GRANTED : CONSENT_WITHDRAWN,
		                                           .source = STR("form"),
		                                           .wording = STR("v1") },
		                   b);
		add(l, c, FACT_CONSENT, s->now - (int64_t)rng_below(&r, 700) * DAY_S, b, &seq);
	}
	uint32_t orders = rng_poisson(&r, 5);
	for (uint32_t o = 0; o < orders && o < 40; o++) {
		struct line lines[16];
		uint32_t n = 1 + rng_poisson(&r, 1.4);
		n = n > 16 ? 16 : n;
		for (uint32_t i = 0; i < n; i++)
			lines[i] =
				(struct line){ 1 + rng_below(&r, PRODUCTS), rng_below(&r, 30) ? 1 : -1, 500 + rng_below(&r, 9000) };
		body_write_order(&(struct order_body){ .lines = lines, .line_count = n, .channel = SALE_WEB }, b);
		add(l, c, FACT_ORDER, s->now - (int64_t)rng_below(&r, 1460) * DAY_S - rng_below(&r, DAY_S), b, &seq);
		s->orders++;
		s->lines += n;
	}
}

static void load(void *ctx, size_t from, size_t to, int thread)
{
	struct shop *s = ctx;
	struct err err;
	struct buf b;
	buf_init(&b, BODY_MAX);
	struct book_loader *l = book_loader_new(s->book);
	for (size_t i = from; i < to && i < s->customers; i++)
		customer(s, l, (customer_id)i + 1, &b);
	check(book_loader_finish(l, &err));
	buf_release(&b);
}

/* ---- the baselines: the shop's own tables as a till keeps them, every index the question can use ---- */

enum table { PRODUCT, CUSTOMER, CONSENT, ORDERS, LINE, TABLES };
static const struct {
	const char *name, *columns, *create;
	int numbers;
} TABLE[TABLES] = {
	{ "product", "?, ?", "id BIGINT PRIMARY KEY, category TEXT", 1 },
	{ "customer", "?, ?, ?", "id BIGINT PRIMARY KEY, reach BIGINT, company BIGINT", 3 },
	{ "consent", "?, ?, ?, ?, ?", "customer BIGINT, at BIGINT, channel BIGINT, purpose BIGINT, state BIGINT", 5 },
	{ "orders", "?, ?, ?, ?, ?", "id BIGINT PRIMARY KEY, customer BIGINT, at BIGINT, total BIGINT, sale BIGINT", 5 },
	{ "line", "?, ?, ?, ?", "order_id BIGINT, product BIGINT, quantity BIGINT, amount BIGINT", 4 },
};
static const char *const INDEXES[] = {
	"CREATE INDEX order_customer ON orders(customer, at, sale, total)",
	"CREATE INDEX order_at ON orders(at, customer)",
	"CREATE INDEX line_order ON line(order_id, product, quantity)",
	"CREATE INDEX line_product ON line(product, order_id, quantity)",
	"CREATE INDEX consent_customer ON consent(customer, channel, purpose, at, state)",
	"CREATE INDEX product_category ON product(category)",
};

static const char QUESTION[] =
	"SELECT count(*) FROM customer c WHERE (c.reach & 1) = 1"
	" AND coalesce((SELECT state FROM consent WHERE customer = c.id AND channel = 0 AND purpose = 0 ORDER BY at DESC"
	"   LIMIT 1), CASE c.company WHEN 1 THEN 0 ELSE 1 END) IN (0, 2)"
	" AND NOT EXISTS (SELECT 1 FROM consent WHERE customer = c.id AND purpose = 0 AND state = 3)"
	" AND (SELECT max(at) FROM orders o WHERE o.customer = c.id AND o.sale = 1) >= %lld"
	" AND (SELECT sum(total) FROM orders o WHERE o.customer = c.id AND o.at >= %lld) > 10000"
	" AND EXISTS (SELECT 1 FROM orders o JOIN line l ON l.order_id = o.id JOIN product p ON p.id = l.product"
	"   WHERE o.customer = c.id AND o.at >= %lld AND o.at < %lld AND l.quantity > 0 AND p.category = 'Salon')"
	" AND NOT EXISTS (SELECT 1 FROM orders o JOIN line l ON l.order_id = o.id JOIN product p ON p.id = l.product"
	"   WHERE o.customer = c.id AND l.quantity > 0 AND p.category = 'Jardin')";

typedef void (*row_fn)(void *to, int n, const int64_t *values, const char *text);

static void rows(enum table t, const struct shop *s, const struct version *v, row_fn row, void *to)
{
	int64_t order = 0;
	for (uint32_t p = 1; p <= PRODUCTS && t == PRODUCT; p++)
		row(to, 1, (const int64_t[]){ p }, CATEGORY[p % CATEGORIES]);
	for (customer_id c = 1; c <= v->customers && t != PRODUCT; c++) {
		struct view w;
		view_at(&w, v, c, (struct instant){ s->now });
		const struct chunk *k = w.k;
		if (t == CUSTOMER)
			row(to, 3, (const int64_t[]){ c, view_profile(&w)->reach, view_profile(&w)->company }, NULL);
		for (uint32_t i = w.consent0; i < w.consent1 && t == CONSENT; i++) {
			const struct consent *x = &k->consents[i];
			row(to, 5, (const int64_t[]){ c, x->at, x->channel, x->purpose, x->state }, NULL);
		}
		for (uint32_t o = w.order0; o < w.order1 && t >= ORDERS; o++) {
			order++;
			if (t == ORDERS)
				row(to, 5, (const int64_t[]){ order, c, k->order_at[o], order_total(k, o), order_is_sale(k, o) }, NULL);
			for (uint32_t i = order_line(k, o); i < order_line(k, o + 1) && t == LINE; i++)
				row(to, 4, (const int64_t[]){ order, line_product(k, i), line_quantity(k, i), line_amount(k, i) },
				    NULL);
		}
	}
}

static void question(char *out, size_t room, const struct shop *s, const struct lifecycle_day *d)
{
	snprintf(out, room, QUESTION, (long long)d->former_before, (long long)d->from_12m,
	         (long long)day_start(s->zone, date_from_ymd(2025, 3, 1)).s,
	         (long long)day_start(s->zone, date_from_ymd(2025, 9, 1)).s);
}

_Noreturn static void give_up(const char *message)
{
	fprintf(stderr, "bench_segment: %s\n", message);
	exit(1);
}

static void sqlite_row(void *to, int n, const int64_t *values, const char *text)
{
	for (int i = 0; i < n; i++)
		sqlite3_bind_int64(to, i + 1, values[i]);
	if (text)
		sqlite3_bind_text(to, n + 1, text, -1, SQLITE_STATIC);
	check(sqlite3_step(to) == SQLITE_DONE);
	sqlite3_reset(to);
}

static void sqlite_run(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		give_up(sqlite3_errmsg(db));
}

/* Seconds, the best of three, in memory. */
static double sqlite_baseline(const struct shop *s, const struct version *v, const struct lifecycle_day *d,
                              uint64_t *count)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	char text[4096];
	check(sqlite3_open(":memory:", &db) == SQLITE_OK);
	for (int t = 0; t < TABLES; t++) {
		snprintf(text, sizeof text, "CREATE TABLE %s(%s); BEGIN", TABLE[t].name, TABLE[t].create);
		sqlite_run(db, text);
		snprintf(text, sizeof text, "INSERT INTO %s VALUES (%s)", TABLE[t].name, TABLE[t].columns);
		if (sqlite3_prepare_v2(db, text, -1, &q, NULL) != SQLITE_OK)
			give_up(sqlite3_errmsg(db));
		rows((enum table)t, s, v, sqlite_row, q);
		sqlite3_finalize(q);
		sqlite_run(db, "COMMIT");
	}
	for (size_t i = 0; i < ARRAY_LEN(INDEXES); i++)
		sqlite_run(db, INDEXES[i]);
	sqlite_run(db, "ANALYZE");
	question(text, sizeof text, s, d);
	if (sqlite3_prepare_v2(db, text, -1, &q, NULL) != SQLITE_OK)
		give_up(sqlite3_errmsg(db));
	double best = 1e9;
	for (int i = 0; i < 3; i++) {
		double started = seconds();
		check(sqlite3_step(q) == SQLITE_ROW);
		*count = (uint64_t)sqlite3_column_int64(q, 0);
		double took = seconds() - started;
		best = took < best ? took : best;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	sqlite3_close(db);
	return best;
}

struct copy {
	PGconn *pg;
	struct buf b;
};

static void copy_row(void *to, int n, const int64_t *values, const char *text)
{
	struct copy *c = to;
	for (int i = 0; i < n; i++) {
		if (i)
			buf_char(&c->b, '\t');
		buf_i64(&c->b, values[i]);
	}
	if (text) {
		buf_char(&c->b, '\t');
		buf_cstr(&c->b, text);
	}
	buf_char(&c->b, '\n');
	if (c->b.n > 1 << 16) {
		check(PQputCopyData(c->pg, c->b.p, (int)c->b.n) == 1);
		buf_clear(&c->b);
	}
}

static int64_t pg_run(PGconn *pg, const char *text)
{
	PGresult *r = PQexec(pg, text);
	ExecStatusType status = PQresultStatus(r);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN)
		give_up(PQerrorMessage(pg));
	int64_t value = 0;
	if (status == PGRES_TUPLES_OK && PQntuples(r) == 1)
		check(str_i64(str_from(PQgetvalue(r, 0, 0)), &value));
	PQclear(r);
	return value;
}

/* Seconds, the best of three, everything in the server's caches, four parallel workers. */
static double pg_baseline(const char *address, const struct shop *s, const struct version *v,
                          const struct lifecycle_day *d, uint64_t *count)
{
	struct copy c = { .pg = PQconnectdb(address) };
	char text[4096];
	if (PQstatus(c.pg) != CONNECTION_OK)
		give_up(PQerrorMessage(c.pg));
	pg_run(c.pg, "SET client_min_messages = warning; SET work_mem = '512MB'; SET maintenance_work_mem = '512MB';"
	             "SET max_parallel_workers_per_gather = 4");
	buf_init(&c.b, 1 << 20);
	for (int t = 0; t < TABLES; t++) {
		snprintf(text, sizeof text, "CREATE TABLE %s(%s)", TABLE[t].name, TABLE[t].create);
		pg_run(c.pg, text);
		snprintf(text, sizeof text, "COPY %s FROM STDIN", TABLE[t].name);
		pg_run(c.pg, text);
		rows((enum table)t, s, v, copy_row, &c);
		check(PQputCopyData(c.pg, c.b.p, (int)c.b.n) == 1 && PQputCopyEnd(c.pg, NULL) == 1);
		buf_clear(&c.b);
		PGresult *r;
		while ((r = PQgetResult(c.pg)))
			PQclear(r);
	}
	for (size_t i = 0; i < ARRAY_LEN(INDEXES); i++)
		pg_run(c.pg, INDEXES[i]);
	pg_run(c.pg, "VACUUM ANALYZE");
	question(text, sizeof text, s, d);
	double best = 1e9;
	for (int i = 0; i < 3; i++) {
		double started = seconds();
		*count = (uint64_t)pg_run(c.pg, text);
		double took = seconds() - started;
		best = took < best ? took : best;
	}
	buf_release(&c.b);
	PQfinish(c.pg);
	return best;
}

/* ---- */

struct line_out {
	const char *work, *unit, *goal;
	double ours, baseline;
};

static void print(const struct line_out *l, bool json, bool last)
{
	bool has = l->baseline > 0;
	if (json) {
		printf("  {\"work\": \"%s\", \"unit\": \"%s\", \"ours\": %.6g", l->work, l->unit, l->ours);
		if (has)
			printf(", \"baseline\": %.6g, \"ratio\": %.4g", l->baseline, l->baseline / l->ours);
		printf(", \"goal\": \"%s\"}%s\n", l->goal, last ? "" : ",");
		return;
	}
	printf("%-62s %9.3f %s", l->work, l->ours, l->unit);
	if (has)
		printf("  baseline %9.1f %s  %7.1f×", l->baseline, l->unit, l->baseline / l->ours);
	printf("  goal %s\n", l->goal);
}

static double test_ns(const struct shop *s, const struct version *v, const struct thresholds *t, const struct expr *e)
{
	enum { PEOPLE = 4096, ROUNDS = 50 };
	struct subject *who = mem_alloc(PEOPLE * sizeof *who);
	for (uint32_t i = 0; i < PEOPLE; i++)
		expr_subject(s->book, v, NULL, 1 + i % s->customers, (struct instant){ s->now }, t, &who[i]);
	uint64_t held = 0;
	double started = seconds();
	for (int k = 0; k < ROUNDS; k++)
		for (uint32_t i = 0; i < PEOPLE; i++)
			held += expr_test(e, &who[i]) == TRI_TRUE;
	double took = seconds() - started;
	free(who);
	return held == UINT64_MAX ? 0 : took / ((double)PEOPLE * ROUNDS) * 1e9;
}

static double select_ms(const struct shop *s, const struct version *v, const struct thresholds *t, const struct expr *e,
                        int threads, uint64_t *count)
{
	uint64_t *bits = mem_alloc(((size_t)s->customers + 64) / 64 * sizeof *bits);
	double best = 1e9;
	for (int i = 0; i < 9; i++) {
		double started = seconds();
		*count = expr_select(e, s->book, v, NULL, (struct instant){ s->now }, t, threads, bits);
		double took = seconds() - started;
		best = took < best ? took : best;
	}
	free(bits);
	return best * 1e3;
}

static const struct expr *compiled(const char *text, const struct shop *s, struct arena *a)
{
	struct expr_context k = { .lifecycle = LIFECYCLE_DEFAULTS, .shop_zone = s->zone, .basis.soft_opt_in = true };
	struct expr_error error;
	check(currency_find(STR("EUR"), &k.currency));
	const struct expr *e = expr_compile(str_from(text), &k, a, &error);
	check(e);
	return e;
}

int main(int argc, char **argv)
{
	struct shop s = { .customers = 1000000 };
	bool json = false, base = true;
	int64_t threads = 0, n;
	for (int i = 1; i < argc; i++) {
		struct str a = str_from(argv[i]);
		if (str_is(a, "--json"))
			json = true;
		else if (str_is(a, "--no-baseline"))
			base = false;
		else if (str_is(a, "--customers") && i + 1 < argc && str_i64(str_from(argv[++i]), &n) && n > 0)
			s.customers = (uint32_t)n;
		else if (str_is(a, "--threads") && i + 1 < argc && str_i64(str_from(argv[++i]), &threads))
			continue;
		else
			return fprintf(stderr, "usage: bench_segment [--customers N] [--threads N] [--json] [--no-baseline]\n"), 2;
	}
	check(zone_find(STR("Europe/Paris"), &s.zone));
	s.now = day_start(s.zone, date_from_ymd(2026, 1, 1)).s;
	s.book = book_new(&(struct book_options){ .zone = s.zone });
	products(&s);
	par_for(s.customers, BOOK_CHUNK * 64, (int)threads, load, &s);
	book_load_done(s.book, s.customers, (int64_t)s.customers * 64 + 64);
	const struct version *v = book_pin(s.book);
	struct date day = date_from_ymd(2026, 1, 1);
	struct thresholds t;
	struct lifecycle_day d;
	double started = seconds();
	thresholds_compute(s.book, v, day, &LIFECYCLE_DEFAULTS, (int)threads, &t);
	double thresholds_ms = (seconds() - started) * 1e3;
	lifecycle_day_init(&d, s.zone, day, &LIFECYCLE_DEFAULTS);
	struct arena a;
	arena_init(&a);
	const struct expr *e = compiled(CONDITION, &s, &a);
	uint64_t ours = 0, theirs = 0, one = 0;
	double all_ms = select_ms(&s, v, &t, e, (int)threads, &ours), single_ms = select_ms(&s, v, &t, e, 1, &one);
	check(one == ours);
	started = seconds();
	for (int i = 0; i < 2000; i++) {
		struct arena b;
		arena_init(&b);
		compiled(CONDITION, &s, &b);
		arena_release(&b);
	}
	double compile_us = (seconds() - started) / 2000 * 1e6;
	double lite_ms = base ? sqlite_baseline(&s, v, &d, &theirs) * 1e3 : 0, base_ms = lite_ms, pg_ms = 0;
	const char *pg = getenv("RELANCE_TEST_PG");
	if (base && theirs != ours)
		give_up("SQLite counts otherwise");
	if (base && pg && *pg) {
		pg_ms = pg_baseline(pg, &s, v, &d, &theirs) * 1e3;
		base_ms = pg_ms < lite_ms ? pg_ms : lite_ms;
		if (theirs != ours)
			give_up("PostgreSQL counts otherwise");
	}
	if (!json)
		printf("%u customers, %llu orders, %llu lines, %d threads; the segment holds %llu\n", s.customers,
		       (unsigned long long)s.orders, (unsigned long long)s.lines, par_threads((int)threads),
		       (unsigned long long)ours);
	else
		printf("[\n");
	struct line_out out[] = {
		{ "segment of five conditions, all threads", "ms", "<= 50 ms, >= 20x", all_ms, base_ms },
		{ "segment of five conditions, one thread", "ms", "-", single_ms, base_ms },
		{ "the same on SQLite, in memory", "ms", "-", lite_ms, 0 },
		{ "the same on PostgreSQL, four workers (0: not asked)", "ms", "-", pg_ms, 0 },
		{ "segment: lifecycle = lapsing", "ms", "-",
		  select_ms(&s, v, &t, compiled("lifecycle = lapsing", &s, &a), (int)threads, &one), 0 },
		{ "segment: not bought(category = Jardin)", "ms", "-",
		  select_ms(&s, v, &t, compiled("not bought(category = \"Jardin\")", &s, &a), (int)threads, &one), 0 },
		{ "one person: lifecycle in (lapsing, former)", "ns", "< 200 ns",
		  test_ns(&s, v, &t, compiled("lifecycle in (lapsing, former)", &s, &a)), 0 },
		{ "one person: orders(last 12 months) >= 2 and may(email)", "ns", "< 200 ns",
		  test_ns(&s, v, &t, compiled("orders(last 12 months) >= 2 and may(email)", &s, &a)), 0 },
		{ "one person: the five conditions", "ns", "< 200 ns", test_ns(&s, v, &t, e), 0 },
		{ "compiling the five conditions", "us", "-", compile_us, 0 },
		{ "thresholds of a shop day", "ms", "-", thresholds_ms, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		print(&out[i], json, i + 1 == ARRAY_LEN(out));
	if (json)
		printf("]\n");
	book_unpin(s.book, v);
	book_free(s.book);
	arena_release(&a);
	return 0;
}
