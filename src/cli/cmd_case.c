/* relance case: the business case, a calculator. */
#include "app/case_shop.h"
#include "app/people.h"
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

int cmd_case(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "case [DB] [options]",
	.text =
		"What a retention effort brings in a year: before, after, gain. Without DB: the reference case of the trade.\n"
		"With one: the shop's last twelve months, with what its plans are measured to have brought as the gain.\n"
		"Rates are written 1.5% (or 1.5), amounts in the currency's units. An \"after\" that is not given keeps its\n"
		"value, unless the \"before\" was given: then it is the same as before.",
	.example = "relance case\n"
			   "  relance case shop.db --rate-after 2.4% --cost 2400\n"
			   "  relance case --prospects 12000 --rate 2% --basket 35 --customers 900\n"
			   "  relance case --lang fr --explain",
	.positional_max = 1,
};

static void table_money(struct table *t, struct money m, struct currency currency)
{
	char text[32];
	double v = strtod(money_plain(m, currency, text), NULL);
	int64_t unit = llround(pow(10, currency.exponent));
	table_float(t, v, m.minor % unit ? currency.exponent : 0);
}

static void amount_json(struct buf *b, const char *before, struct money m, struct currency currency)
{
	char text[32];
	buf_printf(b, "%s%s", before, money_plain(m, currency, text));
}

static void print_json(const struct case_result *r, const struct table *lines, struct currency currency, struct buf *b)
{
	buf_clear(b);
	buf_cstr(b, "{\"lines\": ");
	table_json(lines, b);
	amount_json(b, ", \"before\": ", r->total.before, currency);
	amount_json(b, ", \"after\": ", r->total.after, currency);
	amount_json(b, ", \"gain\": ", r->total.gain, currency);
	amount_json(b, ", \"net\": ", r->net, currency);
	buf_printf(b, ", \"currency\": \"%s\", \"return_percent\": ", currency.code);
	if (r->return_known)
		buf_i64(b, r->return_percent);
	else
		buf_cstr(b, "null");
	buf_cstr(b, "}\n");
	fwrite(b->p, 1, b->n, stdout);
}

/* The reference amounts are in cents; other currencies have other decimals. */
static void rescale(struct case_input *in, int exponent)
{
	int64_t *amounts[] = { &in->before.basket,      &in->before.loyal_value, &in->before.active_value,
		                   &in->before.extra_value, &in->after.basket,       &in->after.loyal_value,
		                   &in->after.active_value, &in->after.extra_value };
	for (size_t i = 0; i < ARRAY_LEN(amounts); i++)
		*amounts[i] = llround((double)*amounts[i] * pow(10, exponent - 2));
}

static void print_case(const struct case_result *r, const struct case_input *in, struct currency currency, bool french,
                       bool explain, enum format format)
{
	const char *columns[] = { "line", "name", "before", "after", "gain", "explanation" };
	struct table *t = table_new(columns, explain || format == FORMAT_JSON ? 6 : 5);
	struct buf b;
	buf_init(&b, 1 << 16);
	int lines = format == FORMAT_JSON ? CASE_LINES : CASE_LINES + 1;
	for (int l = 0; l < lines; l++) {
		bool total = l == CASE_LINES;
		table_cstr(t, total ? "total" : case_line_key((enum case_line)l));
		table_cstr(t, total ? "Total" : case_line_name((enum case_line)l, french));
		table_money(t, total ? r->total.before : r->line[l].before, currency);
		table_money(t, total ? r->total.after : r->line[l].after, currency);
		table_money(t, total ? r->total.gain : r->line[l].gain, currency);
		if (!explain && format != FORMAT_JSON)
			continue;
		buf_clear(&b);
		if (!total)
			case_explain((enum case_line)l, in, r, currency, french, &b);
		if (total)
			table_null(t);
		else
			table_text(t, buf_view(&b));
	}
	if (format == FORMAT_JSON)
		print_json(r, t, currency, &b);
	else
		table_print(t, format, stdout);
	table_free(t);
	if (format == FORMAT_TABLE && r->return_known) {
		buf_clear(&b);
		case_money(&b, r->net, currency, french);
		printf(french ? "\ngain net du coût\u00a0: %.*s\u202f; 100 € dépensés en rapportent %lld\n"
		              : "\ngain after cost: %.*s; 100 spent bring %lld\n",
		       STR_ARG(buf_view(&b)), (long long)r->return_percent);
	}
	buf_release(&b);
}

/* ---- a shop's own ---- */

/* What the figures rest on: the year, the plans that count and those that do not, what is not known. */
static void print_basis(const struct case_shop *c, const struct plan_set *plans, struct currency currency, bool french)
{
	char from[16], until[16];
	struct buf b;
	buf_init(&b, 1 << 10);
	printf(french ? "\nde %s à %s\u202f; «\u00a0after\u00a0»\u00a0: l’année telle qu’elle fut, "
	                "«\u00a0before\u00a0»\u00a0: sans ce que les plans ont "
	                "rapporté\n"
	              : "\nfrom %s to %s; after: the year as it was, before: without what the plans brought\n",
	       date_text(c->from, from), date_text((struct date){ c->until.day - 1 }, until));
	for (size_t i = 0; i < c->plan_count; i++) {
		const struct case_plan *p = &c->plans[i];
		printf(p->counts ? "%.*s (%s): %s\n"
		       : french  ? "%.*s (%s), pas compté\u00a0: %s\n"
		                 : "%.*s (%s), not counted: %s\n",
		       STR_ARG(plans->plans[p->plan]->name), case_line_name(p->line, french), p->finding.text);
	}
	if (c->plan_count == 0)
		puts(french ? "aucun plan n’a encore fait entrer personne : avant et après sont égaux"
		            : "no plan has let anybody in yet: before and after are equal");
	else if (c->gain_low.minor != c->gain_high.minor) {
		case_money(&b, c->gain_low, currency, french);
		buf_cstr(&b, french ? " à " : " to ");
		case_money(&b, c->gain_high, currency, french);
		printf(french ? "gain, 19 fois sur 20 : de %.*s\n" : "gain, 19 times in 20: %.*s\n", STR_ARG(buf_view(&b)));
	}
	for (int k = 0; k < CASE_KNOWN; k++)
		if (c->missing_en[k])
			printf(french ? "pas connu\u00a0: %s\n" : "not known: %s\n", french ? c->missing_fr[k] : c->missing_en[k]);
	if (c->loyal_understated && !c->missing_en[CASE_KNOWN_LOYAL])
		puts(french ? "part des fidèles\u00a0: suivis moins de douze mois, donc plutôt sous-estimée"
		            : "share of loyal: followed for less than twelve months, so rather understated");
	buf_release(&b);
}

struct request {
	const char *values[CASE_WORD_COUNT];
	const char *code, *lang;
	enum format format;
	bool explain, french;
};

static bool overwrite(const struct request *q, struct case_input *in, struct currency currency, bool *any,
                      struct err *err)
{
	*any = false;
	for (int w = 0; w < CASE_WORD_COUNT; w++) {
		if (!q->values[w])
			continue;
		*any = true;
		if (!case_set(in, w, str_from(q->values[w]), currency, err))
			return false;
	}
	return true;
}

static bool show_shop(const struct request *q, const struct live *l, const struct people *p, struct err *err)
{
	struct figures_shop s;
	struct case_shop *c = mem_alloc(sizeof *c);
	struct currency currency = live_shop(l)->settings.currency;
	bool changed;
	figures_shop_of(l, p->ref, p->ids, (struct instant){ (int64_t)time(NULL) }, &s);
	bool ok = case_shop_make(&s, q->french, c, err) && overwrite(q, &c->input, currency, &changed, err) &&
	          case_compute(&c->input, &c->result, err);
	if (ok) {
		print_case(&c->result, &c->input, currency, q->french, q->explain, q->format);
		if (changed) /* no longer what the plans' intervals say */
			c->gain_low = c->gain_high = c->result.total.gain;
		if (q->format == FORMAT_TABLE)
			print_basis(c, live_plans(l), currency, q->french);
	}
	book_unpin(live_shop(l)->book, s.version);
	free(c);
	return ok;
}

static int of_shop(const struct request *q, const char *address)
{
	struct err err;
	struct people p;
	struct live *l = live_open_to_look(address, INSTANT_NEVER, &err);
	if (!l)
		return cli_fail(&err);
	bool ok = people_load(live_shop(l), &p, &err);
	if (ok) {
		ok = show_shop(q, l, &p, &err);
		people_release(&p);
	}
	live_close(l);
	return ok ? EXIT_DONE : cli_fail(&err);
}

static int of_reference(const struct request *q)
{
	struct case_input in = CASE_REFERENCE;
	struct currency currency;
	struct case_result r;
	struct err err = { 0 };
	bool any;
	if (!currency_find(str_from(q->code ? q->code : "EUR"), &currency))
		return cli_usage_error("--currency: \"%s\" is not a currency code such as EUR", q->code);
	rescale(&in, currency.exponent);
	if (!overwrite(q, &in, currency, &any, &err) || !case_compute(&in, &r, &err))
		return cli_fail(&err);
	print_case(&r, &in, currency, q->french, q->explain, q->format);
	return EXIT_DONE;
}

int cmd_case(int argc, char **argv)
{
	struct request q = { .lang = "en" };
	struct opt opts[CASE_WORD_COUNT + 4];
	char names[CASE_WORD_COUNT][32];
	const char *where[1];
	size_t n = 0;
	int given;
	for (; n < CASE_WORD_COUNT; n++) {
		const struct case_word *w = &CASE_WORDS[n];
		snprintf(names[n], sizeof names[n], "--%s", w->name);
		opts[n] = (struct opt){ names[n], OPT_TEXT, &q.values[n],
			                    w->kind == CASE_KIND_PEOPLE ? "PEOPLE"
			                    : w->kind == CASE_KIND_RATE ? "PERCENT"
			                                                : "AMOUNT",
			                    w->help };
	}
	opts[n++] = (struct opt){ "--explain", OPT_FLAG, &q.explain, NULL, "show each line's calculation" };
	opts[n++] = (struct opt){ "--currency", OPT_TEXT, &q.code, "CODE", "EUR (default), CHF, …; a shop has its own" };
	opts[n++] = (struct opt){ "--lang", OPT_TEXT, &q.lang, "LANG", "fr or en (default)" };
	opts[n++] = (struct opt){ "--format", OPT_FORMAT, &q.format, "FORMAT", "table, csv or json" };
	int status = opts_parse(&USAGE, opts, n, argc, argv, where, &given);
	if (status >= 0)
		return status;
	q.french = str_is(str_from(q.lang), "fr");
	if (!q.french && !str_is(str_from(q.lang), "en"))
		return cli_usage_error("--lang: \"%s\" is none of fr, en", q.lang);
	if (given && q.code)
		return cli_usage_error("--currency: %s has its own", where[0]);
	return given ? of_shop(&q, where[0]) : of_reference(&q);
}
