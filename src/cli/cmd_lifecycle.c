/* relance lifecycle: how many customers stand in which phase, as of any day. */
#include "cli/asof.h"

int cmd_lifecycle(int argc, char **argv);

struct request {
	const char *at, *known;
	bool list;
	enum format format;
};

static const struct usage USAGE = {
	.synopsis = "lifecycle DB [--at DATE] [--known T] [--list]",
	.text =
		"Counts the customers by phase as of the start of a day in the shop's zone: prospect (no order), new, loyal,\n"
		"ambassador, lapsing (6 months without an order), former (24). Facts of that day and later do not count.",
	.example = "relance lifecycle shop.db --at 2011-09-01\n"
			   "  relance lifecycle shop.db --at 2011-09-01 --list --format csv",
	.positional_min = 1,
	.positional_max = 1,
};

static void print_counts(const struct asof *a, const struct shop_world *w, const struct people *p, enum format format)
{
	static const char *const COLUMNS[] = { "at",         "prospect", "new",    "loyal",
		                                   "ambassador", "lapsing",  "former", "customers" };
	int64_t counts[PHASE_COUNT] = { 0 };
	char text[16];
	for (customer_id c = 1; c <= p->ids; c++)
		if (p->ref[c].p)
			counts[people_lifecycle(w, a->version, c, &a->thresholds).phase]++;
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	table_cstr(t, date_text(a->day, text));
	for (int i = 0; i < PHASE_COUNT; i++)
		table_int(t, counts[i]);
	table_int(t, p->count);
	table_print_record(t, format, stdout);
	table_free(t);
}

static bool run(const struct request *q, const struct shop_world *w, const struct people *p, struct err *err)
{
	struct asof a;
	if (!asof_init(&a, w, q->at, err))
		return false;
	if (q->list)
		asof_print_people(&a, w, p, NULL, q->format);
	else
		print_counts(&a, w, p, q->format);
	asof_release(&a, w);
	return true;
}

int cmd_lifecycle(int argc, char **argv)
{
	struct request q = { 0 };
	const struct opt opts[] = {
		{ "--at", OPT_TEXT, &q.at, "DATE", "as of the start of this day (default: today)" },
		{ "--known", OPT_TEXT, &q.known, "T", "only what was learned before this date or instant (UTC)" },
		{ "--list", OPT_FLAG, &q.list, NULL, "one row per customer: phase, orders, last order, spend" },
		{ "--format", OPT_FORMAT, &q.format, "F", "table, csv or json" },
	};
	const char *where[1];
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	struct err err;
	struct load_options o = { .read_only = true };
	struct shop_world w;
	struct people p;
	if (!asof_known(q.known, &o.known, &err) || !load_shop(where[0], &o, &w, &err))
		return cli_fail(&err);
	bool ok = people_load(&w, &p, &err);
	if (ok) {
		ok = run(&q, &w, &p, &err);
		people_release(&p);
	}
	load_release(&w);
	return ok ? EXIT_DONE : cli_fail(&err);
}
