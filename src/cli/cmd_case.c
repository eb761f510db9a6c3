/* relance case: the business case, a calculator. */
#include "cli/cli.h"
#include "fold/case.h"

#include <math.h>
#include <stdlib.h>

int cmd_case(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "case [options]",
	.text = "What a retention effort brings in a year: before, after, gain. Without options: the reference case. Rates "
			"are written\n"
			"1.5% (or 1.5); amounts are in euros, or in --currency. An \"after\" that is not given keeps its reference "
			"value, unless\n"
			"the \"before\" was given: then it is the same as before.",
	.example = "relance case\n"
			   "  relance case --prospects 12000 --rate 2% --rate-after 2.4% --basket 35 --customers 900 --cost 2400\n"
			   "  relance case --lang fr --explain",
	.positional_max = 0,
};

enum what { PEOPLE, RATE, MONEY };

struct entry {
	const char *text;
	enum what what;
	int64_t *to, *same; /* `same` gets the value too unless it is given itself */
	const char *name;
};

static bool number(const char *text, double *v, enum what what)
{
	struct str s = str_trim(str_from(text));
	if (what == RATE && s.n > 0 && s.p[s.n - 1] == '%')
		s = str_trim((struct str){ s.p, s.n - 1 });
	return str_f64(s, v) && *v >= 0;
}

static bool entry_read(const struct entry *e, struct currency currency, struct err *err)
{
	double v;
	struct money m;
	if (!e->text)
		return true;
	switch (e->what) {
	case PEOPLE:
		if (!number(e->text, &v, PEOPLE) || v != floor(v) || v > (double)CASE_PEOPLE_MAX)
			return err_set(err, ERR_INPUT, "%s: \"%s\" is not a number of people", e->name, e->text);
		*e->to = (int64_t)v;
		break;
	case RATE:
		if (!number(e->text, &v, RATE) || v > 100)
			return err_set(err, ERR_INPUT, "%s: \"%s\" is not a rate between 0 and 100 %%", e->name, e->text);
		*e->to = llround(v * 10000);
		break;
	case MONEY:
		if (!money_parse(str_from(e->text), currency, 0, &m) || m.minor < 0)
			return err_set(err, ERR_INPUT, "%s: \"%s\" is not an amount", e->name, e->text);
		*e->to = m.minor;
		break;
	}
	if (e->same)
		*e->same = *e->to;
	return true;
}

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
		printf(french ? "\ngain net du coût : %.*s ; 100 € dépensés en rapportent %lld\n"
		              : "\ngain after cost: %.*s; 100 spent bring %lld\n",
		       STR_ARG(buf_view(&b)), (long long)r->return_percent);
	}
	buf_release(&b);
}

int cmd_case(int argc, char **argv)
{
	struct case_input in = CASE_REFERENCE;
	struct case_side *b = &in.before, *a = &in.after;
	const char *code = "EUR", *lang = "en";
	enum format format = FORMAT_TABLE;
	bool explain = false;
	/* a "before" comes ahead of its "after", so that the one given wins */
	struct entry e[] = {
		{ NULL, PEOPLE, &in.prospects, NULL, "--prospects" },
		{ NULL, RATE, &b->transformation, &a->transformation, "--rate" },
		{ NULL, RATE, &a->transformation, NULL, "--rate-after" },
		{ NULL, MONEY, &b->basket, &a->basket, "--basket" },
		{ NULL, MONEY, &a->basket, NULL, "--basket-after" },
		{ NULL, RATE, &b->conversion, &a->conversion, "--loyal" },
		{ NULL, RATE, &a->conversion, NULL, "--loyal-after" },
		{ NULL, MONEY, &b->loyal_value, &a->loyal_value, "--loyal-value" },
		{ NULL, MONEY, &a->loyal_value, NULL, "--loyal-value-after" },
		{ NULL, PEOPLE, &in.customers, NULL, "--customers" },
		{ NULL, RATE, &b->activity, &a->activity, "--active" },
		{ NULL, RATE, &a->activity, NULL, "--active-after" },
		{ NULL, MONEY, &b->active_value, &a->active_value, "--active-value" },
		{ NULL, MONEY, &a->active_value, NULL, "--active-value-after" },
		{ NULL, MONEY, &a->extra_value, NULL, "--extra-value" },
		{ NULL, MONEY, &in.yearly_cost, NULL, "--cost" },
	};
	static const char *const helps[] = {
		"people who know the shop and have not bought yet (500000)",
		"of them who buy, before (1%)",
		"after (1.5%)",
		"first basket (50)",
		"after, if it changes",
		"new customers who become loyal, before (20%)",
		"after (25%)",
		"yearly value of a loyal customer (300)",
		"after, if it changes",
		"customers in the base (50000)",
		"of them active, before (60%)",
		"after (75%)",
		"yearly value of an active customer (300)",
		"after, if it changes",
		"extra yearly value of an active customer, after (150)",
		"of the effort in a year: adds the return",
	};
	struct opt opts[ARRAY_LEN(e) + 4];
	size_t n = 0;
	for (; n < ARRAY_LEN(e); n++)
		opts[n] = (struct opt){ e[n].name, OPT_TEXT, &e[n].text,
			                    e[n].what == PEOPLE ? "PEOPLE"
			                    : e[n].what == RATE ? "PERCENT"
			                                        : "AMOUNT",
			                    helps[n] };
	opts[n++] = (struct opt){ "--explain", OPT_FLAG, &explain, NULL, "show each line's calculation" };
	opts[n++] = (struct opt){ "--currency", OPT_TEXT, &code, "CODE", "EUR (default), CHF, …" };
	opts[n++] = (struct opt){ "--lang", OPT_TEXT, &lang, "LANG", "fr or en (default)" };
	opts[n++] = (struct opt){ "--format", OPT_FORMAT, &format, "FORMAT", "table, csv or json" };
	int none, status = opts_parse(&USAGE, opts, n, argc, argv, NULL, &none);
	struct currency currency;
	struct err err = { 0 };
	struct case_result r;
	if (status >= 0)
		return status;
	if (!currency_find(str_from(code), &currency))
		return cli_usage_error("--currency: \"%s\" is not a currency code such as EUR", code);
	if (strcmp(lang, "fr") != 0 && strcmp(lang, "en") != 0)
		return cli_usage_error("--lang: \"%s\" is none of fr, en", lang);
	rescale(&in, currency.exponent);
	for (size_t i = 0; i < ARRAY_LEN(e); i++)
		if (!entry_read(&e[i], currency, &err))
			return cli_fail(&err);
	if (!case_compute(&in, &r, &err))
		return cli_fail(&err);
	print_case(&r, &in, currency, strcmp(lang, "fr") == 0, explain, format);
	return EXIT_DONE;
}
