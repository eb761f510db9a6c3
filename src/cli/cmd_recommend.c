/* relance recommend: what to propose to one customer. */
#include "cli/reco_shop.h"

int cmd_recommend(int argc, char **argv);

struct request {
	const char *customer, *basket, *kind, *language;
	int64_t n, days;
	bool why;
	enum format format;
};

static const struct usage USAGE = {
	.synopsis = "recommend DB --customer ID [--basket SKU,SKU] [--kind cross|up|again|bundle] [-n 3] [--why]",
	.text = "What to propose now: cross (what goes with it, never bought before), up (a better one of the same type, "
			"within the\n"
			"price limit; of the basket, else of the newest sale), again (due or worn out), bundle (a set that sells\n"
			"together). Out of stock, hidden, owned, returned and non-products are never proposed. When nothing is "
			"left the list\n"
			"is empty and the reason is said on stderr.",
	.example = "relance recommend shop.db --customer 12583 -n 3 --why\n"
			   "  relance recommend shop.db --basket 22423,22699 --kind cross --format json",
	.positional_min = 1,
	.positional_max = 1,
};

static bool kind_of(const char *name, enum rec_kind *out)
{
	static const char *const NAMES[] = { "cross", "up", "again", "bundle" };
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (str_is(str_from(name), NAMES[i])) {
			*out = (enum rec_kind)i;
			return true;
		}
	return false;
}

static void put_date(struct table *t, int32_t day)
{
	char text[16];
	table_cstr(t, date_text((struct date){ day }, text));
}

static void put_why(const struct reco_shop *s, struct table *t, const struct rec_answer *a, struct buf *text)
{
	if (a->because != REC_NONE)
		table_text(t, s->reco.words[a->because].sku);
	else
		table_null(t);
	if (a->of) {
		table_int(t, a->both);
		table_int(t, a->of);
	} else {
		table_null(t);
		table_null(t);
	}
	buf_clear(text);
	rec_why_text(s->reco.model, a, s->language, text);
	table_text(t, buf_view(text));
}

static void print_answers(const struct reco_shop *s, const struct request *q, enum rec_kind kind,
                          const struct rec_list *l)
{
	static const char *const PLAIN[] = { "sku", "name", "price", "score", "because", "both", "of", "why" };
	static const char *const DATED[] = { "sku", "name",    "price", "score", "due", "from",
		                                 "to",  "because", "both",  "of",    "why" };
	static const char *const SETS[] = { "sku",      "name",    "price", "score", "with",
		                                "separate", "because", "both",  "of",    "why" };
	enum { WHY_COLUMNS = 4 };
	bool why = q->why || q->format == FORMAT_JSON;
	size_t left_out = why ? 0 : WHY_COLUMNS;
	struct table *t = kind == REC_AGAIN    ? table_new(DATED, ARRAY_LEN(DATED) - left_out)
	                  : kind == REC_BUNDLE ? table_new(SETS, ARRAY_LEN(SETS) - left_out)
	                                       : table_new(PLAIN, ARRAY_LEN(PLAIN) - left_out);
	struct buf text;
	buf_init(&text, 1 << 16);
	for (size_t i = 0; i < l->count; i++) {
		const struct rec_answer *a = &l->answers[i];
		table_text(t, s->reco.words[a->item].sku);
		table_text(t, s->reco.words[a->item].name);
		reco_money(s, t, a->price_minor);
		table_float(t, (double)a->score, 4);
		if (kind == REC_AGAIN) {
			put_date(t, a->day);
			put_date(t, a->why == REC_WHY_WORN ? a->day : a->from_day);
			put_date(t, a->to_day);
		} else if (kind == REC_BUNDLE) {
			table_text(t, a->with_n ? s->reco.words[a->with[0]].sku : STR(""));
			reco_money(s, t, a->separate_minor);
		}
		if (why)
			put_why(s, t, a, &text);
	}
	table_print(t, q->format, stdout);
	table_free(t);
	buf_release(&text);
}

static void say_reason(const struct reco_shop *s, enum rec_kind kind, const struct rec_list *l)
{
	struct buf text;
	buf_init(&text, 4096);
	reco_reason(&s->reco, kind, l, &text);
	fprintf(stderr, "nothing to propose: %.*s\n", STR_ARG(buf_view(&text)));
	buf_release(&text);
}

static bool answer(struct reco_shop *s, const struct request *q, enum rec_kind kind, struct err *err)
{
	uint32_t basket[RECO_BASKET_MAX];
	struct rec_guards guards = s->reco.guards;
	struct rec_ask ask = { .customer = REC_NONE, .basket = basket, .guards = &guards };
	struct rec_list list = { .count = 0 };
	if (q->customer) {
		customer_id c;
		if (!store_find_customer(s->world.db, &s->world.shop, str_from(q->customer), &c, err))
			return false;
		ask.customer = c;
	}
	if (q->basket && !reco_basket(s, q->basket, basket, &ask.basket_n, err))
		return false;
	if (s->reco.model) {
		struct rec_scratch *scratch = rec_scratch_new(s->reco.model);
		reco_answer(&s->reco, scratch, kind, &ask, (int32_t)q->days, (size_t)q->n, &list);
		rec_scratch_free(scratch);
	}
	print_answers(s, q, kind, &list);
	if (!list.count)
		say_reason(s, kind, &list);
	return true;
}

int cmd_recommend(int argc, char **argv)
{
	struct request q = { .kind = "cross", .n = 3, .days = RECO_DAYS_DEFAULT };
	struct reco_shop_options o = { 0 };
	const struct opt opts[] = {
		{ "--customer", OPT_TEXT, &q.customer, "ID", "reference, e-mail, or #NUMBER" },
		{ "--basket", OPT_TEXT, &q.basket, "SKU,SKU", "what is in the basket now" },
		{ "--kind", OPT_TEXT, &q.kind, "KIND", "cross (default), up, again or bundle" },
		{ "-n", OPT_INT, &q.n, "N", "at most so many, up to 20 (3)" },
		{ "--days", OPT_INT, &q.days, "N", "again: due within so many days (14)" },
		{ "--why", OPT_FLAG, &q.why, NULL, "with the reason and its numbers (always in JSON)" },
		{ "--language", OPT_TEXT, &q.language, "L", "fr or en (the shop's)" },
		{ "--at", OPT_TEXT, &o.at, "DATE", "as of the start of this day (default: now)" },
		{ "--format", OPT_FORMAT, &q.format, "F", "table, csv or json" },
		{ "--threads", OPT_INT, &o.threads, "N", "threads (all processors)" },
	};
	const char *where[1];
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	enum rec_kind kind;
	if (!q.customer && !q.basket)
		return cli_usage_error("recommend needs --customer ID or --basket SKU,SKU");
	if (!kind_of(q.kind, &kind))
		return cli_usage_error("--kind is cross, up, again or bundle");
	if (q.n < 1 || q.n > REC_OUT_MAX || q.days < 0 || q.days > 36500)
		return cli_usage_error("-n is from 1 to %d, --days from 0 to 36500", REC_OUT_MAX);
	if (q.language && !str_is(str_from(q.language), "fr") && !str_is(str_from(q.language), "en"))
		return cli_usage_error("--language is fr or en");
	struct err err;
	struct reco_shop s;
	o.no_cross = kind == REC_UP || kind == REC_AGAIN;
	o.no_basket = kind != REC_CROSS || !q.basket || !*q.basket; /* what this one answer does not need is not learnt */
	o.no_rank = kind != REC_CROSS || !o.no_basket;
	if (!reco_shop_open(&s, where[0], &o, &err))
		return cli_fail(&err);
	if (q.language)
		s.language = str_is(str_from(q.language), "fr") ? REC_FRENCH : REC_ENGLISH;
	bool ok = answer(&s, &q, kind, &err);
	reco_shop_close(&s);
	return ok ? EXIT_DONE : cli_fail(&err);
}
