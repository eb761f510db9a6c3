/* relance bundles: sets that sell together, for nobody in particular. */
#include "cli/reco_shop.h"

int cmd_bundles(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "bundles DB [-n 20] [--discount 10]",
	.text = "Pairs sold together more often than chance would have it, best first, with what they cost apart and a "
			"price for\n"
			"the set: the discount, less when the costs are known and the margin floor (setting "
			"recommend.margin_percent, else\n"
			"the cost) forbids it, none when they are not known.",
	.example = "relance bundles shop.db -n 10 --discount 15",
	.positional_min = 1,
	.positional_max = 1,
};

static void print_sets(const struct reco_shop *s, const struct rec_list *l, enum format format)
{
	static const char *const COLUMNS[] = {
		"sku", "name", "with", "with_name", "both", "of", "separate", "price", "why"
	};
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	struct buf text;
	buf_init(&text, 1 << 16);
	for (size_t i = 0; i < l->count; i++) {
		const struct rec_answer *a = &l->answers[i];
		table_text(t, s->reco.words[a->item].sku);
		table_text(t, s->reco.words[a->item].name);
		table_text(t, s->reco.words[a->because].sku);
		table_text(t, s->reco.words[a->because].name);
		table_int(t, a->both);
		table_int(t, a->of);
		reco_money(s, t, a->separate_minor);
		reco_money(s, t, a->price_minor);
		buf_clear(&text);
		rec_why_text(s->reco.model, a, s->language, &text);
		table_text(t, buf_view(&text));
	}
	table_print(t, format, stdout);
	table_free(t);
	buf_release(&text);
}

/* Nobody can say what a discount would leave of these. */
static bool costs_lack(const struct reco_shop *s, const struct rec_list *l)
{
	const struct rec_item *item = s->reco.data.item;
	for (size_t i = 0; i < l->count; i++)
		if (!(item[l->answers[i].item].flags & item[l->answers[i].because].flags & REC_KNOWN_COST))
			return true;
	return false;
}

int cmd_bundles(int argc, char **argv)
{
	int64_t n = REC_OUT_MAX, discount = RECO_DISCOUNT_PERCENT;
	enum format format = FORMAT_TABLE;
	struct reco_shop_options o = { .no_rank = true, .no_basket = true };
	const struct opt opts[] = {
		{ "-n", OPT_INT, &n, "N", "at most so many, up to 20 (20)" },
		{ "--discount", OPT_INT, &discount, "PERCENT", "off the sum of the prices (10)" },
		{ "--at", OPT_TEXT, &o.at, "DATE", "as of the start of this day (default: now)" },
		{ "--format", OPT_FORMAT, &format, "F", "table, csv or json" },
		{ "--threads", OPT_INT, &o.threads, "N", "threads (all processors)" },
	};
	const char *where[1];
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	if (n < 1 || n > REC_OUT_MAX || discount < 0 || discount > 90)
		return cli_usage_error("-n is from 1 to %d, --discount from 0 to 90", REC_OUT_MAX);
	struct err err;
	struct reco_shop s;
	if (!reco_shop_open(&s, where[0], &o, &err))
		return cli_fail(&err);
	struct rec_list list = { .count = 0 };
	struct rec_guards guards = s.reco.guards;
	guards.per_type = 0;
	struct rec_ask ask = { .customer = REC_NONE, .guards = &guards };
	if (s.reco.model) {
		struct rec_scratch *scratch = rec_scratch_new(s.reco.model);
		rec_bundle(s.reco.model, scratch, &ask, (int)discount, (size_t)n, &list);
		rec_scratch_free(scratch);
	}
	print_sets(&s, &list, format);
	if (costs_lack(&s, &list))
		fputs("a set with a product of unknown cost has no discount: give the cost in the catalogue\n", stderr);
	if (!list.count)
		fprintf(stderr, "no sets: %s\n",
		        s.reco.model ? "no two products sell together more often than chance would have it" : s.reco.reason);
	reco_shop_close(&s);
	return EXIT_DONE;
}
