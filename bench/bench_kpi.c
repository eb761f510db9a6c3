/* All key figures that orders and lines give, by month over three years, beside the same as SQL on PostgreSQL.
 *
 *   bench_kpi [--json] [--lines N] [--sql]
 *
 * With --sql the same simulated shop is copied into the database of $RELANCE_TEST_PG (tools/with_postgres.sh starts
 * one), indexed and analysed outside the clock, and bench_kpi.sql is timed; revenue, orders and customers must agree.
 */
#include "base/arena.h"
#include "base/hash.h"
#include "fold/kpi_fold.h"

#include <libpq-fe.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PRODUCTS = 5000, DAYS = 1096, FIRST_DAY = 18993 /* 2022-01-01 */ };

struct shop {
	uint32_t customers, orders, lines;
	uint32_t *order_start, *order_line, *product;
	int32_t *day, *quantity;
	uint8_t *flags, complementary[PRODUCTS], vat[PRODUCTS];
	int64_t *amount, cost[PRODUCTS];
};

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int day_order(const void *a, const void *b)
{
	return *(const int32_t *)a - *(const int32_t *)b;
}

/* 12 orders a customer over the years (skewed), 3 lines an order, a return now and then. */
static void simulate(struct shop *s, uint32_t lines)
{
	struct rng r;
	rng_init(&r, 7, 0);
	for (int p = 0; p < PRODUCTS; p++) {
		s->complementary[p] = rng_below(&r, 5) == 0;
		s->vat[p] = rng_below(&r, 2) ? 40 : 11;
		s->cost[p] = 100 + rng_below(&r, 3000);
	}
	s->order_start = mem_alloc((lines + 2) * sizeof *s->order_start);
	s->order_line = mem_alloc((lines + 2) * sizeof *s->order_line);
	s->day = mem_alloc((lines + 64) * sizeof *s->day);
	s->flags = mem_alloc(lines + 64);
	s->product = mem_alloc((lines + 64) * sizeof *s->product);
	s->quantity = mem_alloc((lines + 64) * sizeof *s->quantity);
	s->amount = mem_alloc((lines + 64) * sizeof *s->amount);
	while (s->lines < lines) {
		uint32_t n = 1 + (uint32_t)(rng_gamma(&r, .6) * 5);
		n = n > 60 ? 60 : n;
		s->order_start[s->customers++] = s->orders;
		for (uint32_t o = 0; o < n; o++)
			s->day[s->orders + o] = FIRST_DAY + (int32_t)rng_below(&r, DAYS);
		qsort(s->day + s->orders, n, sizeof *s->day, day_order);
		for (uint32_t o = 0; o < n && s->lines < lines; o++, s->orders++) {
			bool back = rng_below(&r, 20) == 0;
			s->order_line[s->orders] = s->lines;
			s->flags[s->orders] = back ? 0 : ORDER_SALE;
			for (uint32_t l = 1 + rng_below(&r, 5); l > 0 && s->lines < lines; l--, s->lines++) {
				s->product[s->lines] = rng_below(&r, PRODUCTS);
				s->quantity[s->lines] = back ? -1 : 1 + (int32_t)rng_below(&r, 2);
				s->amount[s->lines] = (int64_t)(200 + rng_below(&r, 8000)) * s->quantity[s->lines];
			}
		}
	}
	s->order_start[s->customers] = s->orders;
	s->order_line[s->orders] = s->lines;
}

static void must(PGconn *db, PGresult *r, ExecStatusType wanted)
{
	if (PQresultStatus(r) != wanted) {
		fprintf(stderr, "%s\n", PQerrorMessage(db));
		exit(1);
	}
	PQclear(r);
}

static void put(PGconn *db, struct buf *b, bool last)
{
	if (b->n > (1 << 20) || last) {
		if (PQputCopyData(db, b->p, (int)b->n) != 1)
			exit(1);
		buf_clear(b);
	}
}

static void copy_in(PGconn *db, const struct shop *s)
{
	struct buf b;
	char day[16];
	buf_init(&b, 4 << 20);
	must(db,
	     PQexec(db, "create table product(id int, complementary bool, vat int, cost bigint);"
	                "create table orders(id int, customer int, day date, sale bool);"
	                "create table line(order_id int, product int, quantity int, amount bigint)"),
	     PGRES_COMMAND_OK);
	must(db, PQexec(db, "copy product from stdin"), PGRES_COPY_IN);
	for (int p = 0; p < PRODUCTS; p++)
		buf_printf(&b, "%d\t%c\t%d\t%lld\n", p, s->complementary[p] ? 't' : 'f', s->vat[p], (long long)s->cost[p]);
	put(db, &b, true);
	PQputCopyEnd(db, NULL);
	must(db, PQgetResult(db), PGRES_COMMAND_OK);
	while (PQgetResult(db))
		;
	must(db, PQexec(db, "copy orders from stdin"), PGRES_COPY_IN);
	for (uint32_t c = 0; c < s->customers; c++)
		for (uint32_t o = s->order_start[c]; o < s->order_start[c + 1]; o++) {
			buf_printf(&b, "%u\t%u\t%s\t%c\n", o, c, date_text((struct date){ s->day[o] }, day),
			           s->flags[o] ? 't' : 'f');
			put(db, &b, false);
		}
	put(db, &b, true);
	PQputCopyEnd(db, NULL);
	must(db, PQgetResult(db), PGRES_COMMAND_OK);
	while (PQgetResult(db))
		;
	must(db, PQexec(db, "copy line from stdin"), PGRES_COPY_IN);
	for (uint32_t o = 0; o < s->orders; o++)
		for (uint32_t l = s->order_line[o]; l < s->order_line[o + 1]; l++) {
			buf_printf(&b, "%u\t%u\t%d\t%lld\n", o, s->product[l], s->quantity[l], (long long)s->amount[l]);
			put(db, &b, false);
		}
	put(db, &b, true);
	PQputCopyEnd(db, NULL);
	must(db, PQgetResult(db), PGRES_COMMAND_OK);
	while (PQgetResult(db))
		;
	must(db,
	     PQexec(db, "create index on orders(id) include (customer, day, sale); create index on orders(customer, day);"
	                "create index on line(order_id) include (product, quantity, amount); create index on product(id)"),
	     PGRES_COMMAND_OK);
	must(db, PQexec(db, "vacuum analyze"), PGRES_COMMAND_OK);
	buf_release(&b);
}

static char *file_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = mem_alloc(1 << 16);
	size_t n = f ? fread(text, 1, (1 << 16) - 1, f) : 0;
	if (f)
		fclose(f);
	if (n == 0) {
		fprintf(stderr, "%s is missing\n", path);
		exit(1);
	}
	return text;
}

/* Times the SQL; its rows are month, orders, orders with complement, revenue, new customers, customers at start,
 * margin. */
static double run_sql(const struct shop *s, const struct kpi_table *t, bool *agree)
{
	PGconn *db = PQconnectdb(getenv("RELANCE_TEST_PG"));
	if (PQstatus(db) != CONNECTION_OK) {
		fprintf(stderr, "%s\n", PQerrorMessage(db));
		exit(1);
	}
	copy_in(db, s);
	char *sql = file_text(BENCH_DIR "/bench_kpi.sql");
	must(db, PQexec(db, "set work_mem = '512MB'; set max_parallel_workers_per_gather = 4; set jit = off"),
	     PGRES_COMMAND_OK);
	double best = 1e9;
	*agree = true;
	for (int round = 0; round < 2; round++) {
		double start = seconds();
		PGresult *r = PQexec(db, sql);
		if (PQresultStatus(r) != PGRES_TUPLES_OK) {
			fprintf(stderr, "%s\n", PQerrorMessage(db));
			exit(1);
		}
		best = fmin(best, seconds() - start);
		*agree = *agree && PQntuples(r) == t->months;
		for (int m = 0; *agree && m < t->months; m++) {
			const struct kpi_sums *c = &t->cell[m];
			const int64_t ours[] = {
				c->orders,           c->orders_complement, c->order_value,     c->order_value_complement,
				c->revenue,          c->returned,          c->quantity,        c->margin,
				c->buyers,           c->new_customers,     c->customers_start, c->cross_sell_delay_days,
				c->cross_sell_firsts
			};
			for (size_t k = 0; k < ARRAY_LEN(ours); k++)
				if (ours[k] != strtoll(PQgetvalue(r, m, (int)k + 1), NULL, 10)) {
					fprintf(stderr, "month %d column %zu: %lld, SQL says %s\n", m, k, (long long)ours[k],
					        PQgetvalue(r, m, (int)k + 1));
					*agree = false;
				}
		}
		PQclear(r);
	}
	PQfinish(db);
	free(sql);
	return best;
}

int main(int argc, char **argv)
{
	static struct shop s;
	int64_t lines = 12000000;
	bool json = false, sql = false;
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--sql") == 0)
			sql = true;
		else if (strcmp(argv[i], "--lines") == 0 && i + 1 < argc && str_i64(str_from(argv[++i]), &lines) && lines > 0)
			continue;
		else
			return fputs("bench_kpi [--json] [--lines N] [--sql]\n", stderr), 2;
	simulate(&s, (uint32_t)lines);
	struct kpi_slice slice = { .customers = s.customers,
		                       .order_start = s.order_start,
		                       .order_day = s.day,
		                       .order_flags = s.flags,
		                       .order_line = { s.order_line, sizeof *s.order_line },
		                       .line_product = { s.product, sizeof *s.product },
		                       .line_quantity = { s.quantity, sizeof *s.quantity },
		                       .line_amount = { s.amount, sizeof *s.amount } };
	struct kpi_plan plan = {
		.by = KPI_WHOLE,
		.groups = 1,
		.catalogue = { .count = PRODUCTS, .complementary = s.complementary, .cost = s.cost, .vat_percent_x2 = s.vat }
	};
	struct kpi_table t = { 0 };
	struct err err;
	double best = 1e9;
	for (int round = 0; round < 3; round++) {
		kpi_table_release(&t);
		double start = seconds();
		if (!kpi_fold(&plan, &slice, 1, 0, &t, &err))
			return fprintf(stderr, "%s\n", err.text), 1;
		for (int m = 0; m < t.months; m++) {
			struct kpi_input in;
			kpi_input_of(&t, 0, t.first_month + m, t.first_month + m, &in);
			for (int k = 0; k < KPI_ALL; k++)
				(void)kpi_compute((enum kpi)k, &in);
		}
		best = fmin(best, seconds() - start);
	}
	bool agree = false;
	double base = sql && getenv("RELANCE_TEST_PG") && *getenv("RELANCE_TEST_PG") ? run_sql(&s, &t, &agree) : 0;
	char against[128] = "\"baseline\": null, \"baseline_s\": null, \"ratio\": null, \"agree\": null";
	if (base > 0)
		snprintf(against, sizeof against,
		         "\"baseline\": \"PostgreSQL\", \"baseline_s\": %.3f, \"ratio\": %.1f, \"agree\": %s", base,
		         base / best, agree ? "true" : "false");
	if (json)
		printf("[{\"work\": \"key figures by month\", \"lines\": %u, \"ours_s\": %.4f, %s, \"goal\": \">= 20x\"}]\n",
		       s.lines, best, against);
	else if (base > 0)
		printf("key figures by month, %u lines, %u orders, %u customers, %d months: ours %.4f s, PostgreSQL %.2f s "
		       "(%s), %.0fx, goal 20x\n",
		       s.lines, s.orders, s.customers, t.months, best, base, agree ? "same figures" : "FIGURES DIFFER",
		       base / best);
	else
		printf(
			"key figures by month, %u lines, %u orders, %u customers, %d months: ours %.4f s; PostgreSQL not run, give "
			"--sql under tools/with_postgres.sh\n",
			s.lines, s.orders, s.customers, t.months, best);
	return base > 0 && !agree;
}
