/* relance simulate: a shop to try things on, whose truth is known. */
#include "app/clock.h"
#include "app/simulate.h"
#include "cli/cli.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

int cmd_simulate(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "simulate OUT --customers N --years Y --seed S [--until DATE] [--threads N] [--truth FILE]\n"
				"       relance simulate DB --react --seed S [--at TIME]",
	.text =
		"Makes the database of an invented French home, garden and bicycle shop, with customers, orders, carts and\n"
		"consents from a known random process (doc/simulator.md). The same numbers and the same --until make the\n"
		"same shop, whatever the number of threads. OUT is a new file, or postgresql://host/db?schema=NAME. All\n"
		"people are invented; addresses and phone numbers are those reserved for examples. --parameters prints the\n"
		"numbers of the process and the true effects of messages; --truth writes every customer's own. --react lets\n"
		"the customers of such a shop react to what its plans sent: bounces, opens, clicks, orders and "
		"unsubscriptions\n"
		"up to now become facts, once.",
	.example = "relance simulate shop.db --customers 10000 --years 3 --seed 7 --until 2026-01-01\n"
			   "  relance simulate shop.db --react --seed 7 --at 2026-01-09T20:00\n"
			   "  relance simulate --parameters --format json",
	.positional_min = 0,
	.positional_max = 1,
};

static int print_parameters(enum format format)
{
	static const char *const NAMES[] = { "parameter", "value", "meaning" };
	struct table *t = table_new(NAMES, ARRAY_LEN(NAMES));
	for (size_t i = 0; i < SIMULATE_PARAMETER_COUNT; i++) {
		table_cstr(t, SIMULATE_PARAMETERS[i].name);
		table_float(t, SIMULATE_PARAMETERS[i].value, 4);
		table_cstr(t, SIMULATE_PARAMETERS[i].meaning);
	}
	for (size_t i = 0; i < SIMULATE_EFFECT_COUNT; i++) {
		const struct simulate_effect *e = &SIMULATE_EFFECTS[i];
		const struct {
			const char *name, *meaning;
			double value;
		} rows[] = { { "open", "first message of the plan: opened", e->open },
			         { "click_of_open", "clicked, of those opened", e->click_of_open },
			         { "order", "orders that the message alone causes, mean over customers", e->order },
			         { "unsubscribe", "unsubscribed", e->unsubscribe } };
		for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
			char name[64];
			snprintf(name, sizeof name, "effect/%s/%s", e->plan[0] ? e->plan : "any other", rows[j].name);
			table_cstr(t, name);
			table_float(t, rows[j].value, 4);
			table_cstr(t, rows[j].meaning);
		}
	}
	table_print(t, format, stdout);
	table_free(t);
	return EXIT_DONE;
}

static void show(void *ctx, uint64_t done, uint64_t total)
{
	progress_show(ctx, done, total);
}

static void print_result(const struct simulate_options *o, const struct simulate_result *r, enum format format)
{
	static const char *const NAMES[] = { "database",
		                                 "until",
		                                 "seed",
		                                 "customers",
		                                 "products",
		                                 "facts",
		                                 "orders",
		                                 "lines",
		                                 "returns",
		                                 "carts",
		                                 "carts_abandoned",
		                                 "cart_facts",
		                                 "consents",
		                                 "events",
		                                 "bytes",
		                                 "bytes_per_customer",
		                                 "seconds" };
	char until[16];
	struct stat st;
	struct table *t = table_new(NAMES, ARRAY_LEN(NAMES));
	table_cstr(t, o->address);
	table_cstr(t, date_text(o->until, until));
	table_int(t, (int64_t)o->seed);
	const uint64_t figures[] = { r->customers, r->products,        r->facts,      r->orders,   r->lines, r->returns,
		                         r->carts,     r->carts_abandoned, r->cart_facts, r->consents, r->events };
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		table_int(t, (int64_t)figures[i]);
	if (stat(o->address, &st) == 0) {
		table_int(t, st.st_size);
		table_int(t, st.st_size / (int64_t)r->customers);
	} else {
		table_null(t);
		table_null(t);
	}
	table_float(t, r->seconds, 3);
	table_print_record(t, format, stdout);
	table_free(t);
	if (format == FORMAT_TABLE)
		printf("\nNext: relance lifecycle %s --at %s\n", o->address, until);
}

static struct date today(void)
{
	zone_id paris;
	struct instant now = { (int64_t)time(NULL) };
	return zone_find(STR("Europe/Paris"), &paris) ? zone_date(paris, now) : (struct date){ (int32_t)(now.s / DAY_S) };
}

/* Between dates that the zone's tables know. */
static bool until_ok(struct date d)
{
	return d.day >= date_from_ymd(1995, 1, 1).day && d.day <= date_from_ymd(2090, 1, 1).day;
}

static int react(const char *address, uint64_t seed, const char *at, enum format format)
{
	static const char *const NAMES[] = { "at",      "messages", "bounced", "opened",
		                                 "clicked", "orders",   "revenue", "unsubscribed" };
	struct err err = { 0 };
	struct shop shop;
	struct instant now = { 0 };
	struct db *db = store_open(address, true, &shop, &err);
	bool ok = db && clock_at(at, shop.zone, &now, &err);
	struct simulate_reactions r;
	char text[32], amount[32];
	db_close(db);
	if (!ok || !simulate_react(address, seed, now, &r, &err))
		return cli_fail(&err);
	struct table *t = table_new(NAMES, ARRAY_LEN(NAMES));
	table_cstr(t, instant_text(now, text));
	const uint64_t figures[] = { r.messages, r.bounced, r.opened, r.clicked, r.orders };
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		table_int(t, (int64_t)figures[i]);
	table_number(t, str_from(money_plain((struct money){ r.spend_cents }, shop.currency, amount)));
	table_int(t, (int64_t)r.unsubscribed);
	table_print_record(t, format, stdout);
	table_free(t);
	return EXIT_DONE;
}

int cmd_simulate(int argc, char **argv)
{
	int64_t customers = 0, years = 0, seed = -1, threads = 0;
	const char *until = NULL, *truth = NULL, *at = NULL, *positional[1];
	bool parameters = false, reacting = false;
	enum format format = FORMAT_TABLE;
	int count = 0;
	const struct opt opts[] = {
		{ "--customers", OPT_INT, &customers, "N", "how many, 1 to 50,000,000" },
		{ "--years", OPT_INT, &years, "Y", "of history, 1 to 20" },
		{ "--seed", OPT_INT, &seed, "S", "a number, 0 or more: another seed, another shop" },
		{ "--until", OPT_TEXT, &until, "DATE", "the history ends when this day begins (default: today)" },
		{ "--threads", OPT_INT, &threads, "N", "default: as many as processors" },
		{ "--truth", OPT_TEXT, &truth, "FILE",
		  "CSV: every customer's true rate and chance of leaving, and when they left" },
		{ "--react", OPT_FLAG, &reacting, NULL, "let the customers of an invented shop react to what it sent" },
		{ "--at", OPT_TEXT, &at, "TIME", "with --react: up to this instant, in the shop's zone (default: now)" },
		{ "--parameters", OPT_FLAG, &parameters, NULL, "print the numbers of the random process, make nothing" },
		{ "--format", OPT_FORMAT, &format, "FORMAT", "table, csv or json" },
	};
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	if (parameters)
		return print_parameters(format);
	if (count == 0)
		return cli_usage_error("simulate: say which database to make, as in relance simulate shop.db --customers 1000 "
		                       "--years 3 --seed 7");
	if (seed < 0)
		return cli_usage_error("simulate: --seed is needed: any number, 0 or more");
	if (reacting)
		return react(positional[0], (uint64_t)seed, at, format);
	if (at)
		return cli_usage_error("simulate: --at goes with --react; a new shop ends with --until");
	if (customers < 1 || customers > SIMULATE_CUSTOMERS_MAX)
		return cli_usage_error("simulate: --customers is needed: 1 to %d", SIMULATE_CUSTOMERS_MAX);
	if (years < 1 || years > SIMULATE_YEARS_MAX)
		return cli_usage_error("simulate: --years is needed: 1 to %d", SIMULATE_YEARS_MAX);
	if (threads < 0 || threads > 256)
		return cli_usage_error("simulate: --threads is 0 (all) to 256");
	struct simulate_options o = { .address = positional[0],
		                          .customers = (uint32_t)customers,
		                          .years = (int)years,
		                          .seed = (uint64_t)seed,
		                          .until = today(),
		                          .threads = (int)threads,
		                          .truth = truth };
	if (until && (!date_parse(str_from(until), &o.until) || !until_ok(o.until)))
		return cli_usage_error("simulate: --until \"%s\": a day from 1995-01-01 to 2090-01-01, as in 2026-01-01",
		                       until);
	struct err err = { 0 };
	struct simulate_result r;
	struct progress progress;
	progress_start(&progress, "customers");
	o.progress = show;
	o.ctx = &progress;
	bool ok = simulate_run(&o, &r, &err);
	progress_end(&progress);
	if (!ok)
		return cli_fail(&err);
	print_result(&o, &r, format);
	return EXIT_DONE;
}
