/* relance rules: what sells with what, tested. */
#include "app/basket_file.h"
#include "cli/reco_shop.h"
#include "cli/rules_shop.h"
#include "fold/rules.h"

#include <stdlib.h>

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

/* What the numbers of the baskets stand for; shop NULL: a file's own numbers. */
struct words {
	const struct reco_shop *shop;
	enum rules_level level;
	struct intern groups; /* above the level of SKUs */
};

/* The SKU or the group in a shop, the number in a file of baskets. */
static void put_item(struct buf *b, const struct words *w, uint32_t item)
{
	if (!w->shop)
		buf_printf(b, "%u", item);
	else
		buf_str(b, w->level == RULES_SKU ? w->shop->reco.words[item].sku : intern_name(&w->groups, item));
}

/* How many there were to print. */
static size_t print_rules(const struct rules *r, const struct words *w, int64_t item, int64_t limit, enum format format)
{
	static const char *const COLUMNS[] = { "if",         "then", "baskets", "confidence", "lift", "leverage",
		                                   "conviction", "p",    "q",       "if_name",    "name" };
	bool named = w->shop && w->level == RULES_SKU;
	enum { NAMES = 2 };
	size_t printed = 0;
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS) - (named ? 0 : NAMES));
	struct buf text;
	buf_init(&text, 1 << 16);
	for (size_t i = 0; i < r->count && limit > 0; i++) {
		const struct rule *x = &r->rules[i];
		if (!about(x, item))
			continue;
		limit--;
		printed++;
		buf_clear(&text);
		for (uint32_t j = 0; j + 1 < x->size; j++) {
			buf_cstr(&text, !j ? "" : w->level == RULES_SKU ? " " : " + ");
			put_item(&text, w, x->items[j]);
		}
		table_text(t, buf_view(&text));
		buf_clear(&text);
		put_item(&text, w, x->items[x->size - 1]);
		if (w->shop)
			table_text(t, buf_view(&text));
		else
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
		if (named) {
			buf_clear(&text);
			for (uint32_t j = 0; j + 1 < x->size; j++) {
				buf_cstr(&text, j ? " + " : "");
				buf_str(&text, w->shop->reco.words[x->items[j]].name);
			}
			table_text(t, buf_view(&text));
			table_text(t, w->shop->reco.words[x->items[x->size - 1]].name);
		}
	}
	table_print(t, format, stdout);
	table_free(t);
	buf_release(&text);
	return printed;
}

static bool level_of(const char *name, enum rules_level *out)
{
	static const char *const NAMES[] = { "sku", "type", "family", "category" };
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (str_is(str_from(name), NAMES[i])) {
			*out = (enum rules_level)i;
			return true;
		}
	return false;
}

/* "11,12", "6-8", "11-2" (over the turn of the year). */
static bool months_of(const char *text, unsigned *out)
{
	for (*out = 0; *text;) {
		char *end;
		long from = strtol(text, &end, 10), to = from;
		if (end != text && *end == '-')
			to = strtol(text = end + 1, &end, 10);
		if (end == text || (*end && *end != ',') || from < 1 || from > 12 || to < 1 || to > 12)
			return false;
		for (long m = from;; m = m % 12 + 1) {
			*out |= 1u << (m - 1);
			if (m == to)
				break;
		}
		text = *end ? end + 1 : end;
	}
	return *out != 0;
}

/* The number behind --for. */
static bool find_item(const struct words *w, const char *name, int64_t *item, struct err *err)
{
	static const char *const WHAT[] = { "product", "type", "family", "category" };
	uint32_t found =
		w->level == RULES_SKU ? reco_item(&w->shop->reco, str_from(name)) : intern_find(&w->groups, str_from(name));
	*item = found;
	return found != REC_NONE || err_set(err, ERR_INPUT, "no %s \"%s\" in this shop's sales", WHAT[w->level], name);
}

/* Nothing to look for rules in: which of what was asked leaves nothing. */
static void say_no_baskets(const struct words *w, const struct rules_ask *ask)
{
	static const char *const GROUPS[] = { "", "a type", "a family", "a category" };
	if (!w->shop)
		fputs("no rules: the file holds no basket\n", stderr);
	else if (!w->shop->reco.orders)
		fputs("no rules: this shop has no orders yet\n", stderr);
	else if (w->level != RULES_SKU && !w->groups.count)
		fprintf(stderr, "no rules: no product has %s; import a catalogue that says it\n", GROUPS[w->level]);
	else
		fprintf(stderr, "no rules: no order of these %s\n",
		        !ask->segment  ? "months"
		        : !ask->months ? "customers"
		                       : "customers in these months");
}

int cmd_rules(int argc, char **argv)
{
	const char *file = NULL, *sort = "leverage";
	const char *segment = NULL, *about_text = NULL, *level = "sku", *months = NULL, *where[1];
	struct rules_ask ask = { .months = 0 };
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
		{ "--for", OPT_TEXT, &about_text, "SKU", "only rules that start from this product (in a file: its number)" },
		{ "--segment", OPT_TEXT, &segment, "EXPR", "of a shop: only these customers' baskets (doc/expressions.md)" },
		{ "--level", OPT_TEXT, &level, "LEVEL",
		  "of a shop: rules between sku (default), type, family or category: these serve products nobody has bought "
		  "yet" },
		{ "--months", OPT_TEXT, &months, "LIST", "of a shop: only orders of these months: 11,12 or 6-8" },
		{ "-n", OPT_INT, &limit, "N", "rows (50)" },
		{ "--count", OPT_FLAG, &count, NULL, "print how many, not which" },
		{ "--format", OPT_FORMAT, &format, "F", "table, csv or json" },
		{ "--threads", OPT_INT, &threads, "N", "threads (all processors)" },
	};
	const struct usage usage = {
		"rules DB | --baskets-file FILE [--min-support 5] [--q 0.05] [--for SKU] [--segment EXPR]",
		"Each rule passes an exact Fisher test, corrected for all rules looked at; a longer rule must improve on every "
		"shorter one.",
		"relance rules shop.db --min-support 20 --for 22423\n  relance rules shop.db --segment 'lifecycle = loyal'\n"
		"  relance rules shop.db --level category --months 11-12\n"
		"  relance rules --baskets-file retail.dat --min-support 20 --sort leverage",
		0, 1
	};
	int positionals;
	int status = opts_parse(&usage, opts, ARRAY_LEN(opts), argc, argv, where, &positionals);
	if (status >= 0)
		return status;
	if (!file == !positionals)
		return cli_usage_error("rules needs a shop's database or --baskets-file FILE");
	if (!level_of(level, &ask.level))
		return cli_usage_error("--level is sku, type, family or category");
	if (months && !months_of(months, &ask.months))
		return cli_usage_error("--months is a list of months such as 11,12 or 6-8");
	if (file && (segment || months || ask.level != RULES_SKU))
		return cli_usage_error("--segment, --months and --level go with a shop's database");
	if (file && about_text && (!str_i64(str_from(about_text), &item) || item < 0))
		return cli_usage_error("--for is the number of an item, 0 or more");
	if (str_is(str_from(sort), "lift"))
		return cli_usage_error("rules are not ranked by lift: the rarest coincidences would come first; use leverage");
	if (!sort_of(sort, &o.sort))
		return cli_usage_error("--sort is leverage, confidence, conviction, support or q");
	if (support < 1 || support > UINT32_MAX || size < 2 || size > RULES_SIZE_MAX || q <= 0 || q > 1 || limit < 1)
		return cli_usage_error("--min-support and -n are at least 1, --size from 2 to %d, --q above 0 up to 1",
		                       RULES_SIZE_MAX);
	o.support = (uint32_t)support;
	o.size_max = (uint32_t)size;
	o.q_max = q;
	o.threads = (int)threads;
	struct err err;
	struct reco_shop shop;
	if (!file &&
	    !reco_shop_open(&shop, where[0], &(struct reco_shop_options){ .threads = threads, .no_model = true }, &err))
		return cli_fail(&err);
	struct words words = { .shop = file ? NULL : &shop, .level = ask.level };
	intern_init(&words.groups);
	ask.segment = segment;
	struct itemset_baskets *b =
		file ? basket_file_read(file, o.threads, &err) : rules_shop_baskets(&shop, where[0], &ask, &words.groups, &err);
	bool ok = b && (file || !about_text || find_item(&words, about_text, &item, &err));
	struct rules r = { .count = 0 };
	ok = ok && rules_mine(b, &o, &r, &err);
	itemset_free(b);
	if (ok && count)
		printf("%zu rules of %llu tested\n", r.count, (unsigned long long)r.tests);
	else if (ok && !print_rules(&r, &words, item, limit, format) && r.count)
		fprintf(stderr, "no rules start from %s; %zu others do without it\n", about_text, r.count);
	if (ok && !r.count && !r.baskets)
		say_no_baskets(&words, &ask);
	else if (ok && !r.count)
		fprintf(stderr,
		        "no rules: in %llu basket%s no two items meet %lld time%s or more, and more often than chance would "
		        "have it\n",
		        (unsigned long long)r.baskets, r.baskets == 1 ? "" : "s", (long long)support, support == 1 ? "" : "s");
	if (ok)
		rules_release(&r);
	intern_release(&words.groups);
	if (!file)
		reco_shop_close(&shop);
	return ok ? EXIT_DONE : cli_fail(&err);
}
