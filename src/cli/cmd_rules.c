/* relance rules: what sells with what, tested. */
#include "app/basket_file.h"
#include "cli/cli.h"
#include "fold/rules.h"

int cmd_rules(int argc, char **argv);

static bool sort_of(const char *name, enum rules_sort *out)
{
	static const char *const NAMES[] = { "leverage", "confidence", "conviction", "support", "q" };
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (str_is(str_from(name), NAMES[i])) {
			*out = (enum rules_sort)i;
			return true;
		}
	return false;
}

static bool about(const struct rule *r, int64_t item)
{
	for (uint32_t i = 0; i + 1 < r->size; i++)
		if (r->items[i] == (uint64_t)item)
			return true;
	return item < 0;
}

static void print_rules(const struct rules *r, int64_t item, int64_t limit, enum format format)
{
	static const char *const COLUMNS[] = { "if",   "then",     "baskets",    "confidence", "lift",
		                                   "leverage", "conviction", "p", "q" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	struct buf text;
	buf_init(&text, 256);
	for (size_t i = 0; i < r->count && limit > 0; i++) {
		const struct rule *x = &r->rules[i];
		if (!about(x, item))
			continue;
		limit--;
		buf_clear(&text);
		for (uint32_t j = 0; j + 1 < x->size; j++)
			buf_printf(&text, "%s%u", j ? " " : "", x->items[j]);
		table_text(t, buf_view(&text));
		table_int(t, x->items[x->size - 1]);
		table_int(t, x->support);
		table_float(t, x->confidence, 4);
		table_float(t, x->lift, 2);
		table_float(t, x->leverage, 6);
		if (x->support == x->antecedent)
			table_null(t);
		else
			table_float(t, x->conviction, 3);
		buf_clear(&text);
		buf_printf(&text, "%.3g", x->p);
		table_raw(t, buf_view(&text));
		buf_clear(&text);
		buf_printf(&text, "%.3g", x->q);
		table_raw(t, buf_view(&text));
	}
	table_print(t, format, stdout);
	table_free(t);
	buf_release(&text);
}

int cmd_rules(int argc, char **argv)
{
	const char *file = NULL, *sort = "leverage";
	int64_t support = 5, size = 2, limit = 50, item = -1, threads = 0;
	double q = 0.05;
	bool count = false;
	enum format format = FORMAT_TABLE;
	struct rules_options o = { 0 };
	const struct opt opts[] = {
		{ "--baskets-file", OPT_TEXT, &file, "FILE", "one basket a line, items as whole numbers" },
		{ "--min-support", OPT_INT, &support, "N", "baskets a rule must hold in (5)" },
		{ "--q", OPT_FLOAT, &q, "Q", "largest false-discovery rate (0.05)" },
		{ "--size", OPT_INT, &size, "N", "items in a rule, 2 to 5 (2)" },
		{ "--sort", OPT_TEXT, &sort, "BY", "leverage, confidence, conviction, support or q" },
		{ "--for", OPT_INT, &item, "ITEM", "only rules that start from this item" },
		{ "-n", OPT_INT, &limit, "N", "rows (50)" },
		{ "--count", OPT_FLAG, &count, NULL, "print how many, not which" },
		{ "--format", OPT_FORMAT, &format, "F", "table, csv or json" },
		{ "--threads", OPT_INT, &threads, "N", "threads (all processors)" },
	};
	const struct usage usage = {
		"rules --baskets-file FILE [--min-support 5] [--q 0.05]",
		"Each rule passes an exact Fisher test, corrected for all rules looked at; a longer rule must improve on every "
		"shorter one.",
		"relance rules --baskets-file retail.dat --min-support 20 --sort leverage", 0, 0
	};
	int positionals;
	int status = opts_parse(&usage, opts, ARRAY_LEN(opts), argc, argv, NULL, &positionals);
	if (status >= 0)
		return status;
	if (!file)
		return cli_usage_error("rules needs --baskets-file FILE");
	if (str_is(str_from(sort), "lift"))
		return cli_usage_error("rules are not ranked by lift: the rarest coincidences would come first; use leverage");
	if (!sort_of(sort, &o.sort))
		return cli_usage_error("--sort is leverage, confidence, conviction, support or q");
	if (support < 1 || support > UINT32_MAX || size < 2 || size > RULES_SIZE_MAX || q <= 0 || q > 1 || limit < 1)
		return cli_usage_error("--min-support and -n are at least 1, --size from 2 to %d, --q above 0 up to 1", RULES_SIZE_MAX);
	o.support = (uint32_t)support;
	o.size_max = (uint32_t)size;
	o.q_max = q;
	o.threads = (int)threads;
	struct err err;
	struct itemset_baskets *b = basket_file_read(file, o.threads, &err);
	struct rules r;
	bool ok = b && rules_mine(b, &o, &r, &err);
	itemset_free(b);
	if (!ok)
		return cli_fail(&err);
	if (count)
		printf("%zu rules of %llu tested\n", r.count, (unsigned long long)r.tests);
	else
		print_rules(&r, item, limit, format);
	rules_release(&r);
	return EXIT_DONE;
}
