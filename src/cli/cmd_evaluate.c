/* relance evaluate: every method beside its baselines. */
#include "base/arena.h"
#include "base/zone.h"
#include "cli/cli.h"
#include "cli/evaluate_orders.h"
#include "cli/rules_shop.h"
#include "fold/crosseval.h"
#include "fold/nextbasket.h"

#include <stdlib.h>

int cmd_evaluate(int argc, char **argv);

enum { TEXT_MAX_MB = 2048 };

static bool read_file(const char *path, struct buf *out, struct err *err)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_errno(err, "%s", path);
	buf_init(out, (size_t)TEXT_MAX_MB << 20);
	char *room;
	size_t n;
	while ((room = buf_reserve(out, 1 << 20)) && (n = fread(room, 1, 1 << 20, f)) > 0)
		out->n += n;
	bool failed = ferror(f);
	fclose(f);
	if (!room)
		return err_set(err, ERR_LIMIT, "%s is larger than %d MB", path, TEXT_MAX_MB);
	return !failed || err_errno(err, "%s", path);
}

static void metrics_json(struct buf *b, const struct nb_metrics *m)
{
	buf_printf(b,
	           "{\"recall\": %.6f, \"ndcg\": %.6f, \"phr\": %.6f, \"users\": %u, \"repeat\": {\"recall\": %.6f, "
	           "\"users\": %u}, \"new\": {\"recall\": %.6f, \"users\": %u}",
	           m->recall, m->ndcg, m->phr, m->users, m->recall_repeat, m->users_repeat, m->recall_new, m->users_new);
}

static void method_json(struct buf *b, const struct nb_method_result *r)
{
	metrics_json(b, &r->test);
	buf_cstr(b, ", \"validate\": ");
	metrics_json(b, &r->validate);
	buf_cstr(b, "}, \"chosen\": ");
	buf_json(b, str_from(r->chosen));
	buf_char(b, '}');
}

static void print_json(const struct nb_report *r, int k)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_printf(&b, "{\"k\": %d, \"default\": ", k);
	method_json(&b, &r->methods[r->chosen]);
	buf_printf(&b, ",\n \"default_method\": \"%s\",\n \"methods\": {", r->methods[r->chosen].name);
	for (size_t i = 0; i < r->count; i++) {
		buf_printf(&b, "%s\n  \"%s\": ", i ? "," : "", r->methods[i].name);
		method_json(&b, &r->methods[i]);
	}
	buf_cstr(&b, "\n }\n}\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static void print_table(const struct nb_report *r, enum format format)
{
	static const char *const COLUMNS[] = { "method",        "recall",         "ndcg",  "phr",
		                                   "repeat_recall", "new_recall",     "users", "validate_recall",
		                                   "default",       "chosen_settings" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < r->count; i++) {
		const struct nb_metrics *m = &r->methods[i].test;
		table_cstr(t, r->methods[i].name);
		table_float(t, m->recall, 4);
		table_float(t, m->ndcg, 4);
		table_float(t, m->phr, 4);
		table_float(t, m->recall_repeat, 4);
		table_float(t, m->recall_new, 4);
		table_int(t, m->users);
		table_float(t, r->methods[i].validate.recall, 4);
		table_cstr(t, i == r->chosen ? "default" : "");
		table_cstr(t, r->methods[i].chosen);
	}
	table_print(t, format, stdout);
	table_free(t);
}

static void show(void *ctx, const char *what)
{
	fprintf(stderr, "%s …\n", what);
}

static bool evaluate_baskets(const char *path, struct nb_options *o, enum format format, struct err *err)
{
	struct buf text;
	if (!read_file(path, &text, err))
		return false;
	struct nb_data *d = nb_parse(buf_view(&text), err);
	buf_release(&text);
	if (!d)
		return err_context(err, "%s", path);
	struct nb_report *r = mem_alloc(sizeof(*r));
	bool ok = nb_evaluate(d, o, r, err);
	if (ok && format == FORMAT_JSON)
		print_json(r, o->k);
	else if (ok)
		print_table(r, format);
	free(r);
	nb_free(d);
	return ok || err_context(err, "%s", path);
}

static void print_cross(const struct crosseval_report *r, enum format format)
{
	static const char *const COLUMNS[] = { "method", "hit_rate", "ndcg", "against_best_single", "default" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < r->count; i++) {
		table_cstr(t, r->methods[i].name);
		table_float(t, r->methods[i].hit_rate, 4);
		table_float(t, r->methods[i].ndcg, 4);
		table_float(t, r->methods[i].hit_rate / r->methods[r->best_single].hit_rate, 3);
		table_cstr(t, i == r->blend ? "default" : "");
	}
	table_print(t, format, stdout);
	table_free(t);
	fprintf(stderr, "%u customers scored, %u earlier cases learnt from\n", r->cases, r->learn_cases);
}

static bool evaluate_orders(const char *path, struct date split, const struct nb_options *o, enum format format,
                            struct err *err)
{
	struct buf text;
	struct dated_baskets b;
	struct crosseval_report r;
	if (!read_file(path, &text, err))
		return false;
	bool ok = dated_baskets_read(buf_view(&text), &b, err);
	buf_release(&text);
	if (!ok)
		return err_context(err, "%s", path);
	ok = crosseval_run(b.d, b.day, split.day, o->k, o->threads, &r, err);
	if (ok)
		print_cross(&r, format);
	dated_baskets_release(&b);
	return ok || err_context(err, "%s", path);
}

static bool evaluate_shop(const char *address, struct date split, const struct nb_options *o, enum format format,
                          struct err *err)
{
	struct reco_shop s;
	struct dated_baskets b;
	struct crosseval_report r;
	if (!reco_shop_open(&s, address, &(struct reco_shop_options){ .threads = o->threads, .no_model = true }, err))
		return false;
	rules_shop_dated(&s, &b);
	bool ok = crosseval_run(b.d, b.day, split.day, o->k, o->threads, &r, err);
	if (ok)
		print_cross(&r, format);
	dated_baskets_release(&b);
	reco_shop_close(&s);
	return ok;
}

int cmd_evaluate(int argc, char **argv)
{
	const char *where[1], *baskets = NULL, *orders = NULL, *split = NULL;
	int64_t k = 10, threads = 0, seed = 1;
	bool quick = false, verbose = false;
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = {
		{ "--baskets", OPT_TEXT, &baskets, "FILE",
		  "basket sequences: {\"train\": {user: [[item, …], …]}, \"validate\": …, \"test\": …}" },
		{ "--orders-csv", OPT_TEXT, &orders, "FILE",
		  "order lines: InvoiceNo, StockCode, Quantity, InvoiceDate, CustomerID" },
		{ "--split", OPT_TEXT, &split, "DATE",
		  "with DB or --orders-csv: learn before, predict the next order from then on" },
		{ "-k", OPT_INT, &k, "N", "length of the list (10)" },
		{ "--format", OPT_FORMAT, &format, "F", "table, csv or json" },
		{ "--seed", OPT_INT, &seed, "N", "of the draws (1)" },
		{ "--threads", OPT_INT, &threads, "N", "threads (all processors); the figures do not depend on them" },
		{ "--quick", OPT_FLAG, &quick, NULL, "the simple methods only" },
		{ "--verbose", OPT_FLAG, &verbose, NULL, "say what is being done" },
	};
	const struct usage usage = {
		"evaluate DB --split DATE | --orders-csv FILE --split DATE | --baskets FILE [-k 10]",
		"The last basket of a validate or test user is the truth, the ones before are history. Every parameter is "
		"chosen on "
		"train and validate; the figures are those of the test users. \"default\" is what the product uses.",
		"relance evaluate shop.db --split 2011-06-01\n"
		"  relance evaluate --baskets TMS.json -k 10 --format json\n"
		"  relance evaluate --orders-csv online_retail.csv --split 2011-06-01",
		0, 1
	};
	int positionals;
	int status = opts_parse(&usage, opts, ARRAY_LEN(opts), argc, argv, where, &positionals);
	if (status >= 0)
		return status;
	struct date day = DATE_UNKNOWN;
	if (!!baskets + !!orders + positionals != 1)
		return cli_usage_error(
			"evaluate needs one of: a shop's database, --orders-csv FILE (both with --split DATE), --baskets FILE");
	if (!baskets && (!split || !date_parse(str_from(split), &day)))
		return cli_usage_error("a shop or --orders-csv goes with --split DATE, a day like 2011-06-01");
	if (k < 1 || k > NB_K_MAX || threads < 0 || threads > 256)
		return cli_usage_error("-k is from 1 to %d, --threads from 0 to 256", NB_K_MAX);
	struct nb_options o = {
		.k = (int)k, .threads = (int)threads, .seed = (uint64_t)seed, .quick = quick, .progress = verbose ? show : NULL
	};
	struct err err;
	if (positionals)
		return evaluate_shop(where[0], day, &o, format, &err) ? EXIT_DONE : cli_fail(&err);
	if (orders)
		return evaluate_orders(orders, day, &o, format, &err) ? EXIT_DONE : cli_fail(&err);
	return evaluate_baskets(baskets, &o, format, &err) ? EXIT_DONE : cli_fail(&err);
}
