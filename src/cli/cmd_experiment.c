/* relance experiment: what a test brought, from summary numbers or a CSV. */
#include "cli/experiment_input.h"
#include "cli/experiment_shop.h"

#include <math.h>
#include <stdlib.h>

int cmd_experiment(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "experiment [DB PLAN | FILE.csv | --means A B … | --proportions A B … | --counts N,N,…] [options]",
	.text = "Compares treated groups with a control group: difference and relative lift with 95 % intervals, p, the "
			"split check,\n"
			"and a verdict in words. The first arm is the control group (in a CSV: the one called control, témoin, "
			"holdout or a).\n"
			"\n"
			"DB PLAN compares a plan's control group with those it treated, over the days after entry: conversion, "
			"orders,\n"
			"revenue, and margin net of vouchers, message costs and returns.\n"
			"\n"
			"FILE.csv has one row a customer: arm, outcome, and if known pre (the same figure before the test; makes "
			"the answer\n"
			"sharper, CUPED) and date. Several outcome columns are each compared.\n"
			"\n"
			"The verdict may be looked at every day: it uses an always-valid interval (seq_low, seq_high). With "
			"--once, for a test\n"
			"analysed once at its planned end, the narrower fixed-horizon interval (ci_low, ci_high) decides.\n"
			"With several variants intervals hold together (Bonferroni) and p is adjusted (Holm).",
	.example = "relance experiment shop.db anti-churn --window 30 --lang fr\n"
			   "  relance experiment --means a:3407:1396.87:52377.9767 b:3461:2422.7:134698.29\n"
			   "  relance experiment --proportions 14/28 16/30\n"
			   "  relance experiment --counts 310,98 --expected .75,.25\n"
			   "  relance experiment winback.csv --cost 310 --days 42 --lang fr",
	.positional_min = 0,
	.positional_max = EXPERIMENT_ARMS_MAX,
};

struct options {
	struct opt_list means, proportions;
	const char *counts, *expected, *control, *outcome, *unit, *lang;
	struct experiment_shop shop;
	double level;
	struct finding_ask ask;
	enum format format;
};

/* The split check: against what was planned, else against equal shares when they look meant to be equal. */
static bool check_split(const struct trial *t, const struct options *o, struct srm *srm, struct err *err)
{
	double expected[EXPERIMENT_ARMS_MAX], least = INFINITY, most = 0;
	*srm = (struct srm){ 0 };
	for (int a = 0; a < t->arms; a++) {
		expected[a] = 1;
		least = fmin(least, t->count[a]);
		most = fmax(most, t->count[a]);
	}
	if (o->expected) {
		int n = trial_numbers(o->expected, expected, err);
		if (n < 0)
			return err_context(err, "--expected");
		if (n != t->arms)
			return err_set(err, ERR_INPUT, "--expected: %d shares for %d groups", n, t->arms);
		for (int a = 0; a < n; a++)
			if (!(expected[a] > 0))
				return err_set(err, ERR_INPUT, "--expected: every share is above 0");
	} else if (!o->counts && most > 1.5 * least) {
		return true; /* meant to be unequal: nothing to check against */
	}
	*srm = experiment_srm(t->count, expected, t->arms);
	return true;
}

static void number_json(struct buf *b, const char *name, double v, bool known)
{
	if (known && isfinite(v))
		buf_printf(b, "\"%s\": %.9g, ", name, v);
	else
		buf_printf(b, "\"%s\": null, ", name);
}

struct result {
	const char *variant, *outcome;
	struct comparison c;
	struct finding v;
	double p_adjusted;
};

static void result_json(struct buf *b, const struct trial *t, const struct result *r, const struct srm *srm)
{
	const struct comparison *c = &r->c;
	buf_cstr(b, "\"control\": ");
	buf_json(b, str_from(t->arm[t->control]));
	buf_cstr(b, ", \"variant\": ");
	buf_json(b, str_from(r->variant));
	buf_cstr(b, ", \"outcome\": ");
	buf_json(b, str_from(r->outcome));
	buf_printf(b, ", \"control_n\": %.0f, \"treated_n\": %.0f, ", c->control_n, c->treated_n);
	const struct {
		const char *name;
		double v;
		bool known;
	} fields[] = {
		{ "control_mean", c->control_mean, c->control_n > 0 },
		{ "treated_mean", c->treated_mean, c->treated_n > 0 },
		{ "lift", c->lift, c->lift_known },
		{ "ci_low", c->ci_low, c->lift_known },
		{ "ci_high", c->ci_high, c->lift_known },
		{ "p", c->p, c->known },
		{ "p_adjusted", r->p_adjusted, c->known },
		{ "seq_low", c->lift_seq_low, c->lift_known && c->seq_known },
		{ "seq_high", c->lift_seq_high, c->lift_known && c->seq_known },
		{ "seq_p", c->seq_p, c->seq_known },
		{ "difference", c->difference, c->known },
		{ "p_difference", c->p_difference, c->known },
		{ "difference_low", c->low, c->known },
		{ "difference_high", c->high, c->known },
		{ "difference_seq_low", c->seq_low, c->seq_known },
		{ "difference_seq_high", c->seq_high, c->seq_known },
		{ "df", c->df, c->known },
		{ "level", c->level, true },
		{ "cuped_theta", c->theta, c->cuped },
		{ "cuped_variance_cut", c->variance_cut, c->cuped },
		{ "srm_p", srm->p, srm->known },
		{ "total", r->v.total, r->v.plus_minus > 0 },
		{ "plus_minus", r->v.plus_minus, r->v.plus_minus > 0 },
		{ "weeks_more", r->v.weeks, r->v.weeks > 0 },
		{ "customers_more", r->v.customers, r->v.customers > 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		number_json(b, fields[i].name, fields[i].v, fields[i].known);
	buf_printf(b, "\"srm_alarm\": %s, \"rough\": %s, \"verdict\": \"%s\", \"text\": ", srm->alarm ? "true" : "false",
	           c->rough ? "true" : "false", finding_name(r->v.kind));
	buf_json(b, str_from(r->v.text));
	buf_cstr(b, ", \"why\": ");
	if (c->why[0])
		buf_json(b, str_from(c->why));
	else
		buf_cstr(b, "null");
}

static void print_json(const struct trial *t, const struct result *r, int count, const struct srm *srm)
{
	struct buf b;
	buf_init(&b, 4 << 20);
	buf_char(&b, '{');
	result_json(&b, t, &r[0], srm);
	buf_printf(&b, ", \"skipped_rows\": %zu", t->skipped);
	if (count > 1) {
		buf_cstr(&b, ", \"correction\": \"holm\", \"comparisons\": [");
		for (int i = 0; i < count; i++) {
			buf_cstr(&b, i ? ",\n {" : "\n {");
			result_json(&b, t, &r[i], srm);
			buf_char(&b, '}');
		}
		buf_cstr(&b, "\n]");
	}
	buf_cstr(&b, "}\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static void cell(struct table *t, double v, bool known, int decimals)
{
	if (known)
		table_float(t, v, decimals);
	else
		table_null(t);
}

static void print_table(const struct trial *t, const struct result *r, int count, const struct srm *srm,
                        enum format format)
{
	const char *columns[] = { "variant", "outcome", "control_n", "treated_n", "control_mean", "treated_mean", "lift",
		                      "ci_low",  "ci_high", "p",         "seq_low",   "seq_high",     "verdict" };
	struct table *out = table_new(columns, ARRAY_LEN(columns));
	for (int i = 0; i < count; i++) {
		const struct comparison *c = &r[i].c;
		table_cstr(out, r[i].variant);
		table_cstr(out, r[i].outcome);
		table_int(out, (int64_t)c->control_n);
		table_int(out, (int64_t)c->treated_n);
		cell(out, c->control_mean, c->control_n > 0, 5);
		cell(out, c->treated_mean, c->treated_n > 0, 5);
		cell(out, c->lift, c->lift_known, 5);
		cell(out, c->ci_low, c->lift_known, 5);
		cell(out, c->ci_high, c->lift_known, 5);
		cell(out, r[i].p_adjusted, c->known, 5);
		cell(out, c->lift_seq_low, c->lift_known && c->seq_known, 5);
		cell(out, c->lift_seq_high, c->lift_known && c->seq_known, 5);
		table_cstr(out, r[i].v.text);
	}
	table_print(out, format, stdout);
	table_free(out);
	if (format == FORMAT_CSV)
		return;
	puts("");
	if (srm->known)
		printf("split between the groups: p = %.9f%s\n", srm->p, srm->alarm ? ": not what was planned" : "");
	else
		puts("split between the groups: not checked; give --expected with the planned shares");
	if (t->skipped)
		printf("%zu rows without an arm or a number were left out\n", t->skipped);
	if (t->arms > 2)
		puts("several variants: intervals hold together (Bonferroni), p adjusted (Holm)");
	for (int i = 0; i < count; i++) {
		if (r[i].c.cuped)
			printf("%s %s: the figure before the test took away %.0f %% of the noise (CUPED)\n", r[i].variant,
			       r[i].outcome, 100 * r[i].c.variance_cut);
		if (r[i].c.why[0])
			printf("%s %s: %s\n", r[i].variant, r[i].outcome, r[i].c.why);
	}
}

/* Amounts are in euros; anything else is counted in its own name, and costs in euros are not set against it. */
static struct finding_ask ask_for(const struct trial *t, int outcome, int arm, const struct options *o)
{
	static const char *const money[] = { "mean",   "outcome", "amount",  "revenue", "margin", "marge",
		                                 "spend",  "montant", "value",   "valeur",  "ca",     "sales",
		                                 "profit", "total",   "dollars", "euros",   "eur",    "chiffre_affaires" };
	struct finding_ask ask = o->ask;
	if (ask.days == 0)
		ask.days = t->days;
	if (ask.unit)
		return ask;
	bool amounts = false;
	for (size_t k = 0; k < ARRAY_LEN(money); k++)
		amounts = amounts || str_eq_nocase(str_from(t->outcome[outcome]), str_from(money[k]));
	bool binary = t->moments[outcome][arm].binary && t->moments[outcome][t->control].binary;
	ask.unit = binary ? "conversions" : amounts ? "€" : t->outcome[outcome];
	if (binary || !amounts)
		ask.cost = ask.worth = 0;
	return ask;
}

static int show(struct trial *t, const struct options *o)
{
	struct err err = { 0 };
	struct srm srm;
	if (t->arms < 2)
		return cli_usage_error("two groups at least are needed, a control group first");
	if (!trial_choose_control(t, o->control, &err) || !check_split(t, o, &srm, &err))
		return cli_fail(&err);
	struct result *r = mem_alloc(sizeof *r * (size_t)(t->arms * t->outcomes));
	int count = 0;
	for (int k = 0; k < t->outcomes; k++) {
		double p[EXPERIMENT_ARMS_MAX];
		int first = count, tests = 0;
		for (int a = 0; a < t->arms; a++) {
			if (a == t->control)
				continue;
			struct result *x = &r[count++];
			struct finding_ask ask = ask_for(t, k, a, o);
			x->variant = t->arm[a];
			x->outcome = t->outcome[k];
			experiment_compare(&t->moments[k][t->control], &t->moments[k][a], o->level, t->arms - 1, &x->c);
			experiment_finding(&x->c, &srm, &ask, &x->v);
			if (x->c.known)
				p[tests++] = x->c.p;
		}
		experiment_holm(p, tests);
		for (int i = first, j = 0; i < count; i++)
			if (r[i].c.known)
				r[i].p_adjusted = p[j++];
	}
	if (o->format == FORMAT_JSON)
		print_json(t, r, count, &srm);
	else
		print_table(t, r, count, &srm, o->format);
	free(r);
	return EXIT_DONE;
}

static int show_counts(struct trial *t, const struct options *o)
{
	struct err err = { 0 };
	struct srm srm;
	int n = trial_numbers(o->counts, t->count, &err);
	if (n < 0) {
		err_context(&err, "--counts");
		return cli_fail(&err);
	}
	if (n < 2)
		return cli_usage_error("--counts: two groups at least, as in 1000,1200");
	t->arms = n;
	if (!check_split(t, o, &srm, &err))
		return cli_fail(&err);
	if (!srm.known)
		return cli_usage_error("--counts: nobody was counted: there is no split to check");
	const char *columns[] = { "srm_p", "chi2", "df", "alarm", "verdict" };
	struct table *out = table_new(columns, ARRAY_LEN(columns));
	table_float(out, srm.p, srm.p < 1e-6 ? 15 : 9);
	table_float(out, srm.chi2, 6);
	table_int(out, srm.df);
	table_raw(out, srm.alarm ? STR("true") : STR("false"));
	table_cstr(out, srm.alarm
	                    ? o->ask.french ? "le partage n’est pas celui prévu" : "the groups were not split as planned"
	                : o->ask.french ? "le partage est celui prévu"
	                                : "the split is as planned");
	table_print_record(out, o->format, stdout);
	table_free(out);
	return EXIT_DONE;
}

static int run(struct trial *t, const struct options *o, const char **rest, int n)
{
	struct err err = { 0 };
	bool good = true;
	if ((o->means.count > 0) + (o->proportions.count > 0) + (o->counts != NULL) > 1)
		return cli_usage_error("one of --means, --proportions, --counts");
	if (o->counts)
		return n == 0 ? show_counts(t, o) : cli_usage_error("--counts stands alone: \"%s\"", rest[0]);
	if (n > 0 && !o->means.count && !o->proportions.count && experiment_is_shop(rest[0])) {
		if (n != 2 - o->shop.global)
			return cli_usage_error("which plan? relance experiment %s PLAN, or --global alone", rest[0]);
		struct experiment_shop q = o->shop;
		if (q.variants && q.global)
			return cli_usage_error("--variants are those of one plan: relance experiment %s PLAN --variants", rest[0]);
		q.address = rest[0];
		q.plan = q.global ? NULL : rest[1];
		q.level = o->level;
		q.french = o->ask.french;
		q.format = o->format;
		return experiment_shop_run(&q);
	}
	const struct opt_list *list = o->means.count ? &o->means : &o->proportions;
	bool (*add)(struct trial *, const char *, struct err *) = o->means.count ? trial_add_means : trial_add_proportion;
	if (list->count == 0) {
		if (n != 1)
			return cli_usage_error("give one FILE.csv, or --means, --proportions, --counts; relance experiment --help");
		return trial_read_csv(t, rest[0], o->outcome, 0, &err) ? show(t, o) : cli_fail(&err);
	}
	for (size_t i = 0; good && i < list->count; i++)
		good = add(t, list->values[i], &err);
	for (int i = 0; good && i < n; i++)
		good = add(t, rest[i], &err);
	return good ? show(t, o) : cli_fail(&err);
}

int cmd_experiment(int argc, char **argv)
{
	struct options o = { .level = 0.95, .lang = "en", .shop.margin = -1 };
	const char *rest[EXPERIMENT_ARMS_MAX];
	const struct opt opts[] = {
		{ "--means", OPT_LIST, &o.means, "ARM…", "[NAME:]CUSTOMERS:SUM:SUM_OF_SQUARES, control first" },
		{ "--proportions", OPT_LIST, &o.proportions, "ARM…", "[NAME:]DONE/CUSTOMERS, control first" },
		{ "--counts", OPT_TEXT, &o.counts, "N,N,…", "only check the split" },
		{ "--expected", OPT_TEXT, &o.expected, "S,S,…", "planned shares, in the order of the groups" },
		{ "--control", OPT_TEXT, &o.control, "NAME", "which arm is the control group" },
		{ "--outcome", OPT_TEXT, &o.outcome, "NAME", "only this column of the CSV" },
		{ "--level", OPT_FLOAT, &o.level, "P", "of the intervals (default 0.95)" },
		{ "--cost", OPT_FLOAT, &o.ask.cost, "AMOUNT",
		  "what the treated group cost: messages, vouchers; set against amounts" },
		{ "--worth", OPT_FLOAT, &o.ask.worth, "AMOUNT", "smallest total worth having, after costs" },
		{ "--days", OPT_FLOAT, &o.ask.days, "N", "how long it has run, to say how much longer" },
		{ "--once", OPT_FLAG, &o.ask.once, NULL, "looked at once, at the planned end" },
		{ "--global", OPT_FLAG, &o.shop.global, NULL, "of a shop: all plans together, by the global control group" },
		{ "--variants", OPT_FLAG, &o.shop.variants, NULL,
		  "of a plan: only the variants of its steps beside each other" },
		{ "--window", OPT_INT, &o.shop.window_days, "DAYS",
		  "of a plan: how long after entry orders count (default 30)" },
		{ "--from", OPT_TEXT, &o.shop.from, "DATE", "of a plan: entries from this day on" },
		{ "--to", OPT_TEXT, &o.shop.to, "DATE", "of a plan: entries before this day" },
		{ "--margin", OPT_FLOAT, &o.shop.margin, "PERCENT", "of a plan: margin on products whose cost is not known" },
		{ "--unit", OPT_TEXT, &o.ask.unit, "WORD", "of the outcome (default: € for amounts, else its name)" },
		{ "--lang", OPT_TEXT, &o.lang, "LANG", "fr or en (default)" },
		{ "--format", OPT_FORMAT, &o.format, "FORMAT", "table, csv or json" },
	};
	int n, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, rest, &n);
	if (status >= 0)
		return status;
	if (!(o.level >= 0.5 && o.level < 1))
		return cli_usage_error("--level: from 0.5 to below 1");
	if (o.shop.window_days < 0 || o.shop.window_days > 3650 || o.shop.margin > 100)
		return cli_usage_error("--window: 1 to 3650 days; --margin: 0 to 100");
	if (o.ask.cost < 0 || o.ask.worth < 0 || o.ask.days < 0)
		return cli_usage_error("--cost, --worth and --days are not negative");
	o.ask.french = str_is(str_from(o.lang), "fr");
	if (!o.ask.french && !str_is(str_from(o.lang), "en"))
		return cli_usage_error("--lang: \"%s\" is none of fr, en", o.lang);
	struct trial t;
	trial_init(&t);
	status = run(&t, &o, rest, n);
	trial_release(&t);
	return status;
}
