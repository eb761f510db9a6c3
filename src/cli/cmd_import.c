/* relance import: a shop's history, from whatever wrote it. */
#include "app/arrival.h"
#include "app/import.h"
#include "cli/cli.h"
#include "intake/map.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int cmd_import(int argc, char **argv);

struct request {
	const char *as, *map, *consent_source, *source, *not_products;
	bool complete, dry_run;
	enum format format;
};

static const struct usage USAGE = {
	.synopsis = "import DB FILE [options]",
	.text = "Reads a CSV or JSON file of orders, customers, products, carts, consents or events.\n"
			"What it is, its columns, dates and decimal marks are guessed, or told by a map file.\n"
			"The same file again changes nothing; a corrected row is a new fact; rows that cannot\n"
			"be read go to FILE.rejects.csv with line, column and reason. FILE may be - .\n"
			"`orders` counts documents with a line sold, `lines` every line taken, `returns` lines\n"
			"of negative quantity. Consents in the file are kept only with --consent-source, which\n"
			"says where the addresses come from and is their proof; withdrawals are always kept.",
	.example = "relance import shop.db orders.csv --not-products POST,M,\"BANK CHARGES\"\n"
			   "  relance import shop.db customers.csv --consent-source \"sign-up form of shop.example, box ticked\"",
	.positional_min = 2,
	.positional_max = 2,
};

static bool read_map(const char *path, struct intake_map *map, struct err *err)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_errno(err, "map %s: cannot open it", path);
	char *text = malloc(MAP_SIZE_MAX + 1);
	check(text);
	size_t n = fread(text, 1, MAP_SIZE_MAX + 1, f);
	bool ok = !ferror(f) || err_errno(err, "cannot read it");
	fclose(f);
	ok = ok && map_read((struct str){ text, n }, map, err);
	free(text);
	return ok || err_context(err, "map %s", path);
}

/* "POST,M,BANK CHARGES" */
static size_t split(const char *text, struct str *out, size_t max)
{
	size_t count = 0;
	while (text && *text && count < max) {
		size_t n = strcspn(text, ",");
		struct str one = str_trim((struct str){ text, n });
		if (one.n)
			out[count++] = one;
		text += n + (text[n] == ',');
	}
	return count;
}

static void show(void *ctx, uint64_t done, uint64_t total)
{
	progress_show(ctx, done, total);
}

static void print_result(const struct import_result *r, const struct request *q)
{
	static const char *const NAMES[] = {
		"rows",          "accepted",     "rejected",    "rejects_file", "kind",
		"source",        "orders",       "lines",       "returns",      "guest_lines",
		"carts",         "consents",     "events",      "customers",    "products",
		"new_customers", "new_products", "facts",       "corrected",    "unchanged",
		"retracted",     "cancelled",    "quarantined", "erased",       "consents_withheld",
		"unknown_zones", "dates",        "dry_run",     "seconds"
	};
	struct table *t = table_new(NAMES, ARRAY_LEN(NAMES));
	table_int(t, (int64_t)r->rows);
	table_int(t, (int64_t)r->accepted);
	table_int(t, (int64_t)r->rejected);
	table_cstr(t, r->rejects_file[0] ? r->rejects_file : NULL);
	table_cstr(t, intake_kind_name(r->kind));
	table_cstr(t, r->source);
	const uint64_t figures[] = {
		r->orders,       r->lines,       r->returns,   r->guest_lines,       r->carts,
		r->consents,     r->events,      r->customers, r->products,          r->new_customers,
		r->new_products, r->facts,       r->corrected, r->unchanged,         r->retracted,
		r->cancelled,    r->quarantined, r->erased,    r->consents_withheld, r->unknown_zones
	};
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		table_int(t, (int64_t)figures[i]);
	table_cstr(t, !r->dates_ambiguous ? NULL : r->month_first ? "month-first" : "day-first");
	table_raw(t, q->dry_run ? STR("true") : STR("false"));
	table_float(t, r->seconds, 3);
	table_print_record(t, q->format, stdout);
	table_free(t);
}

static void print_notes(const struct import_result *r, const struct request *q)
{
	if (r->interrupted_before)
		fputs("relance: an earlier import of this file was interrupted; nothing of it had been kept\n", stderr);
	if (r->consents_withheld)
		fprintf(
			stderr,
			"relance: %llu consents were not kept: say where these addresses come from with --consent-source TEXT\n",
			(unsigned long long)r->consents_withheld);
	if (r->quarantined)
		fprintf(stderr,
		        "relance: %llu facts are dated more than a day ahead: they are in quarantine, look at their dates\n",
		        (unsigned long long)r->quarantined);
	if (r->erased)
		fprintf(
			stderr,
			"relance: %llu facts are about people who were erased: they were not kept. Who wants to come back signs "
			"up again\n",
			(unsigned long long)r->erased);
	if (r->rejected)
		fprintf(stderr, "relance: %llu rows were rejected: %s says why\n", (unsigned long long)r->rejected,
		        r->rejects_file);
	if (q->dry_run)
		fputs("relance: dry run: nothing was kept\n", stderr);
}

static int run(const char *address, const struct request *q, struct import_options *o)
{
	struct err err = { 0 };
	struct shop shop;
	struct progress progress;
	struct import_result r = { 0 };
	struct buf template_map;
	struct db *db = shop_open(address, false, &shop, &err);
	if (!db)
		return cli_fail(&err);
	buf_init(&template_map, 256 << 10);
	progress_start(&progress, "bytes");
	r.template_map = &template_map;
	o->progress = show;
	o->ctx = &progress;
	bool ok = import_run(db, &shop, o, &r, &err);
	progress_end(&progress);
	if (ok) {
		print_notes(&r, q);
		print_result(&r, q);
	} else if (template_map.n && q->format != FORMAT_JSON) {
		fwrite(template_map.p, 1, template_map.n, stdout); /* > map.yaml, edit, --map map.yaml */
	}
	buf_release(&template_map);
	db_close(db);
	return ok ? EXIT_DONE : cli_fail(&err);
}

static bool settle(const struct request *q, struct import_options *o, struct intake_map *map, bool *usage_error,
                   struct err *err)
{
	*usage_error = false;
	if (q->as) {
		int kind = intake_kind_find(str_from(q->as));
		if (kind < 0) {
			*usage_error = true;
			return false;
		}
		o->as = (enum intake_kind)kind;
	}
	o->source = q->source ? str_from(q->source) : STR("");
	o->consent_source = q->consent_source ? str_trim(str_from(q->consent_source)) : STR("");
	if (o->source.n > 40 || memchr(o->source.p, ':', o->source.n))
		return err_set(err, ERR_INPUT, "--source: at most 40 characters, no colon");
	if (o->consent_source.n > 500)
		return err_set(err, ERR_INPUT, "--consent-source: at most 500 characters");
	if (q->map && !read_map(q->map, map, err))
		return false;
	o->map = q->map ? map : NULL;
	o->now = (struct instant){ (int64_t)time(NULL) };
	return true;
}

int cmd_import(int argc, char **argv)
{
	struct request q = { .format = FORMAT_TABLE };
	const struct opt opts[] = {
		{ "--as", OPT_TEXT, &q.as, "KIND",
		  "orders, customers, products, carts, consents or events (default: guessed)" },
		{ "--map", OPT_TEXT, &q.map, "FILE", "what the columns are; an import that lacks one prints a map to edit" },
		{ "--source", OPT_TEXT, &q.source, "NAME", "the system the file comes from; leads the key of its documents" },
		{ "--not-products", OPT_TEXT, &q.not_products, "LIST", "articles that are none: POST,M,\"BANK CHARGES\"" },
		{ "--consent-source", OPT_TEXT, &q.consent_source, "TEXT",
		  "where the addresses come from: the proof of their consent" },
		{ "--complete", OPT_FLAG, &q.complete, NULL,
		  "the file is all there is between its first and last date: retract the rest" },
		{ "--dry-run", OPT_FLAG, &q.dry_run, NULL, "read, check and count; keep nothing" },
		{ "--format", OPT_FORMAT, &q.format, "FORMAT", "table, csv or json" },
	};
	const char *positional[2];
	int count = 0, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	static struct str not_products[IMPORT_NOT_PRODUCTS_MAX];
	struct intake_map map = { 0 };
	struct import_options o = {
		.file = positional[1], .complete = q.complete, .dry_run = q.dry_run, .not_products = not_products
	};
	struct err err = { 0 };
	bool usage_error;
	o.not_product_count = split(q.not_products, not_products, IMPORT_NOT_PRODUCTS_MAX);
	if (!settle(&q, &o, &map, &usage_error, &err)) {
		if (q.map)
			map_release(&map);
		return usage_error ? cli_usage_error("--as %s: orders, customers, products, carts, consents or events", q.as)
		                   : cli_fail(&err);
	}
	status = run(positional[0], &q, &o);
	if (q.map)
		map_release(&map);
	return status;
}
