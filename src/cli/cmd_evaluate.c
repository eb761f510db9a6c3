/* relance evaluate: every method beside its baselines. */
#include "base/arena.h"
#include "base/zone.h"
#include "cli/cli.h"
#include "cli/evaluate_orders.h"
#include "cli/evaluate_print.h"
#include "cli/files.h"
#include "cli/rules_shop.h"

#include <stdlib.h>

int cmd_evaluate(int argc, char **argv);

enum { TEXT_MAX_MB = 2048, SLOW_BYTES = 8 << 20 };

static bool read_file(const char *path, struct buf *out, struct err *err)
{
	buf_init(out, (size_t)TEXT_MAX_MB << 20);
	bool ok = cli_read_file(path, out, err);
	if (!ok)
		buf_release(out);
	return ok;
}

static void show(void *ctx, const char *what)
{
	fprintf(stderr, "%s …\n", what);
}

static bool write_lists(const char *path, const struct nb_data *d, const struct nb_report *r, int k, struct err *err)
{
	struct buf text;
	buf_init(&text, (size_t)TEXT_MAX_MB << 20);
	evaluate_lists_json(d, r, k, &text);
	bool ok = text.full ? err_set(err, ERR_LIMIT, "%s would be larger than %d MB", path, TEXT_MAX_MB)
	                    : cli_write_file(path, buf_view(&text), err);
	buf_release(&text);
	return ok;
}

/* lists: NULL, or where the default's lists go. */
static bool evaluate_baskets(const char *path, const char *lists, struct nb_options *o, enum format format,
                             struct err *err)
{
	struct buf text;
	if (!read_file(path, &text, err))
		return false;
	if (text.n >= SLOW_BYTES) /* minutes, not seconds: say what is being done */
		o->progress = show;
	struct nb_data *d = nb_parse(buf_view(&text), err);
	buf_release(&text);
	if (!d)
		return err_context(err, "%s", path);
	struct nb_report *r = mem_alloc(sizeof(*r));
	o->keep_lists = lists != NULL;
	bool ok = nb_evaluate(d, o, r, err) || err_context(err, "%s", path);
	ok = ok && (!lists || write_lists(lists, d, r, o->k, err));
	if (ok)
		evaluate_print_baskets(r, o->k, format);
	nb_report_release(r);
	free(r);
	nb_free(d);
	return ok;
}

static bool evaluate_basket(const struct dated_baskets *b, const struct rec_data *d, struct date split,
                            const struct nb_options *o, struct complete_report *out, struct err *err)
{
	const struct rec_data plain = { .customers = b->d->users,
		                            .items = b->d->items,
		                            .order_start = b->d->user_start,
		                            .order_day = b->day,
		                            .line_start = b->d->basket_start,
		                            .line_item = b->d->item };
	struct complete_options c = { .k = o->k < REC_OUT_MAX ? o->k : REC_OUT_MAX, .threads = o->threads };
	return complete_shop(d ? d : &plain, split.day, &c, out, err);
}

/* What messages and the web shop ask besides: baskets, up-sells and due dates, on the same cut. */
static bool evaluate_rest(const struct dated_baskets *b, const struct rec_data *d, struct date split,
                          const struct nb_options *o, struct evaluate_shop *e, enum format format, struct err *err)
{
	struct crosseval_report cross;
	struct recoeval rest;
	struct complete_report basket;
	struct err why;
	e->k = o->k;
	struct crosseval_options c = {
		.k = o->k, .threads = o->threads, .quick = o->quick, .shop = d, .customer = b->customer
	};
	if (crosseval_run(b->d, b->day, split.day, &c, &cross, &why))
		e->cross = &cross;
	else if (!d) {
		*err = why;
		return false;
	}
	e->why_not = why.text;
	if (!evaluate_basket(b, d, split, o, &basket, err))
		return false;
	e->basket = &basket;
	struct recoeval_options r = { .day = split.day, .k = o->k, .threads = o->threads, .up_percent = e->up_percent };
	if (d && !recoeval_run(d, &r, &rest, err))
		return false;
	e->rest = d ? &rest : NULL;
	evaluate_print_shop(e, format);
	return true;
}

static bool evaluate_orders(const char *path, struct date split, const struct nb_options *o, enum format format,
                            struct err *err)
{
	struct buf text;
	struct dated_baskets b;
	struct evaluate_shop e = { .k = 0 };
	if (!read_file(path, &text, err))
		return false;
	bool ok = dated_baskets_read(buf_view(&text), &b, err);
	buf_release(&text);
	if (!ok)
		return err_context(err, "%s", path);
	ok = evaluate_rest(&b, NULL, split, o, &e, format, err);
	dated_baskets_release(&b);
	return ok || err_context(err, "%s", path);
}

static bool evaluate_shop(const char *address, struct date split, const struct nb_options *o, enum format format,
                          struct err *err)
{
	struct reco_shop s;
	struct dated_baskets b;
	if (!reco_shop_open(&s, address, &(struct reco_shop_options){ .threads = o->threads, .no_model = true }, err))
		return false;
	struct evaluate_shop e = { .currency = s.world.settings.currency, .up_percent = s.reco.guards.up_percent };
	rules_shop_dated(&s, &b);
	bool ok = evaluate_rest(&b, &s.reco.data, split, o, &e, format, err);
	dated_baskets_release(&b);
	reco_shop_close(&s);
	return ok;
}

int cmd_evaluate(int argc, char **argv)
{
	const char *where[1], *baskets = NULL, *orders = NULL, *split = NULL, *lists = NULL;
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
		{ "--lists", OPT_TEXT, &lists, "FILE",
		  "with --baskets: write what the default answers each test user, as JSON" },
		{ "--seed", OPT_INT, &seed, "N", "of the draws (1)" },
		{ "--threads", OPT_INT, &threads, "N", "threads (all processors); the figures do not depend on them" },
		{ "--quick", OPT_FLAG, &quick, NULL, "the simple methods only" },
		{ "--verbose", OPT_FLAG, &verbose, NULL, "say what is being done" },
	};
	const struct usage usage = {
		"evaluate DB --split DATE | --orders-csv FILE --split DATE | --baskets FILE [-k 10]",
		"The last basket of a validate or test user is the truth, the ones before are history. Every parameter is "
		"chosen on "
		"train and validate; the figures are those of the test users. \"default\" is what the product uses.\n"
		"Of a shop: cross-sells, what is missing from a basket, up-sells and due dates, each beside simple ways, on "
		"its own orders from the split on.",
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
	if (lists && !baskets)
		return cli_usage_error("--lists goes with --baskets FILE");
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
	return evaluate_baskets(baskets, lists, &o, format, &err) ? EXIT_DONE : cli_fail(&err);
}
