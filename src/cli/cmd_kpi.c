/* relance kpi: the key figures of a shop, each with its formula, or why it is not known. */
#include "app/figures_slice.h"
#include "app/objectives.h"
#include "app/people.h"
#include "cli/cli.h"
#include "cli/kpi_rows.h"
#include "cli/rows.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

int cmd_kpi(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "kpi DB [--by month|quarter|year] [--from MONTH] [--to MONTH] [options]",
	.text =
		"The key figures of a period beside those of the one before, each with its formula, or what is missing to "
		"know\n"
		"it. Without --from and --to: the last month that is over. A rate changes in points, the rest in per cent.\n"
		"\n"
		"--explain FIGURE shows one figure's formula; --rows FIGURE lists the orders, customers, carts or messages "
		"behind\n"
		"it. An article of another family than the rest of its order is complementary; --complements FILE lists them\n"
		"instead, one a line.",
	.example = "relance kpi shop.db\n"
			   "  relance kpi shop.db --by quarter --from 2011-01 --to 2011-12 --format csv\n"
			   "  relance kpi shop.db --segment 'lifecycle = loyal' --lang fr\n"
			   "  relance kpi shop.db --split seller --explain revenue\n"
			   "  relance kpi shop.db --rows new_customers --to 2011-11",
	.positional_min = 1,
	.positional_max = 1,
};

struct request {
	const char *by, *from, *to, *segment, *slice[SLICE_COUNT], *split, *complements, *explain, *rows, *lang;
	double margin;
	enum format format;
	bool french;
	enum kpi one; /* of --explain or --rows; KPI_ALL: none */
	struct objective *objectives;
	size_t objective_count;
	bool aims; /* one of them is of what is shown */
};

struct kpi_answer {
	const struct request *q;
	const struct figures_ask *ask;
	const struct settings *settings;
	const struct kpi_input *in; /* periods + 1 */
	struct str group;           /* of --split; p NULL: not split */
	const struct figures_shop *shop;
	enum objective_scope scope; /* whose objectives these figures may be held against; OBJECTIVE_SCOPES: nobody's */
	struct str whose;
};

/* ---- one figure ---- */

static int decimals_of(enum kpi k, const struct settings *s)
{
	switch (kpi_definition(k)->unit) {
	case KPI_PERCENT: return 2;
	case KPI_MONEY: return s->currency.exponent;
	case KPI_COUNT: return 0;
	case KPI_DAYS: return 1;
	}
	return 2;
}

static const char *unit_of(enum kpi k, const struct settings *s)
{
	switch (kpi_definition(k)->unit) {
	case KPI_PERCENT: return "%";
	case KPI_MONEY: return s->currency.code;
	case KPI_COUNT: return "";
	case KPI_DAYS: return "days";
	}
	return "";
}

static void value_cell(struct table *t, enum kpi k, struct kpi_value v, const struct settings *s)
{
	bool money = kpi_definition(k)->unit == KPI_MONEY;
	if (v.known)
		table_float(t, money ? v.value / pow(10, s->currency.exponent) : v.value, decimals_of(k, s));
	else
		table_null(t);
}

static void change_cell(struct table *t, const struct kpi_answer *a, enum kpi k, struct kpi_value now,
                        struct kpi_value before)
{
	struct kpi_value change = kpi_change(k, now, before);
	if (change.known)
		table_float(t, change.value, 2);
	else
		table_null(t);
	if (a->q->format != FORMAT_TABLE)
		table_cstr(t, kpi_definition(k)->unit == KPI_PERCENT ? "points" : "%");
}

/* The objective of the figure in that period, how far it is, in per cent; two empty cells when there is none. */
static void objective_cells(struct table *t, const struct kpi_answer *a, enum kpi k, int p)
{
	static const enum kpi OF[OBJECTIVE_MEASURES] = { KPI_REVENUE, KPI_ORDERS, KPI_SALES_VOLUME, KPI_CONVERSION };
	int month = a->ask->first_month + (p - 1) * a->ask->each;
	for (size_t i = 0; i < a->q->objective_count; i++) {
		const struct objective *o = &a->q->objectives[i];
		struct objective_progress x;
		if (o->scope != a->scope || !str_eq(o->name, a->whose) || OF[o->measure] != k || o->first_month != month ||
		    o->months != a->ask->each)
			continue;
		objective_progress(a->shop, o, &x);
		bool counted = x.state != OBJECTIVE_UNKNOWN && x.state != OBJECTIVE_AHEAD;
		double target = o->measure == OBJECTIVE_CONVERSION ? (double)o->target / 1000 : (double)o->target;
		value_cell(t, k, (struct kpi_value){ .known = true, .value = target }, a->settings);
		value_cell(t, KPI_OBJECTIVE_ATTAINMENT, (struct kpi_value){ .known = counted, .value = x.attainment },
		           a->settings);
		return;
	}
	table_null(t);
	table_null(t);
}

static void figure_row(struct table *t, const struct kpi_answer *a, enum kpi k, int p)
{
	const struct kpi_definition *d = kpi_definition(k);
	struct kpi_value now = figures_value(k, &a->in[p], a->ask), before = figures_value(k, &a->in[p - 1], a->ask);
	bool table = a->q->format == FORMAT_TABLE, french = a->q->french;
	char text[12];
	if (d->b2b && !now.known && a->q->one == KPI_ALL)
		return;
	figures_month_text(a->ask->first_month + (p - 1) * a->ask->each, a->ask->each, text);
	if (a->group.p)
		table_text(t, a->group);
	table_cstr(t, text);
	if (!table)
		table_cstr(t, d->key);
	table_cstr(t, french ? d->fr : d->en);
	value_cell(t, k, now, a->settings);
	table_cstr(t, unit_of(k, a->settings));
	value_cell(t, k, before, a->settings);
	change_cell(t, a, k, now, before);
	if (!table || a->q->aims)
		objective_cells(t, a, k, p);
	if (!table)
		table_cstr(t, french ? d->formula_fr : d->formula_en);
	const char *why = now.known ? NULL : french ? now.why_fr : now.why_en;
	if (!table) {
		table_cstr(t, why);
	} else if (now.known) {
		table_cstr(t, french ? d->formula_fr : d->formula_en);
	} else {
		char line[512];
		snprintf(line, sizeof line, french ? "pas connu\u00a0: %s" : "not known: %s", why);
		table_cstr(t, line);
	}
}

static struct table *new_table(const struct request *q)
{
	static const char *const FULL[] = { "period", "figure",      "name",      "value",      "unit",    "previous",
		                                "change", "change_unit", "objective", "attainment", "formula", "why" };
	static const char *const SHORT[] = { "period", "figure", "value", "unit", "previous", "change" };
	bool table = q->format == FORMAT_TABLE;
	const char *columns[ARRAY_LEN(FULL) + 1];
	size_t n = 0;
	if (q->split)
		columns[n++] = q->split;
	for (size_t i = 0; i < (table ? ARRAY_LEN(SHORT) : ARRAY_LEN(FULL)); i++)
		columns[n++] = table ? SHORT[i] : FULL[i];
	if (table && q->aims) {
		columns[n++] = "objective";
		columns[n++] = "attainment";
	}
	if (table)
		columns[n++] = "formula";
	return table_new(columns, n);
}

static void add_figures(const struct kpi_answer *a, struct table *t)
{
	for (int p = 1; p <= a->ask->periods; p++)
		for (int k = 0; k < KPI_ALL; k++)
			if (a->q->one == KPI_ALL || a->q->one == (enum kpi)k)
				figure_row(t, a, (enum kpi)k, p);
}

/* ---- what was asked ---- */

static bool read_month(const char *text, const char *option, int *out, struct err *err)
{
	return figures_month_read(str_from(text), out) ||
	       err_set(err, ERR_INPUT, "%s: \"%s\" is not a month such as 2011-09", option, text);
}

static bool read_each(const char *by, int *each, struct err *err)
{
	struct str s = str_from(by);
	*each = str_is(s, "month") ? 1 : str_is(s, "quarter") ? 3 : str_is(s, "year") ? 12 : 0;
	return *each || err_set(err, ERR_INPUT, "--by: \"%s\" is none of month, quarter, year", by);
}

static bool read_periods(const struct request *q, const struct figures_shop *s, struct figures_ask *ask,
                         struct err *err)
{
	int from = INT_MIN, to = INT_MIN;
	return read_each(q->by, &ask->each, err) && (!q->from || read_month(q->from, "--from", &from, err)) &&
	       (!q->to || read_month(q->to, "--to", &to, err)) && figures_periods(s, from, to, ask, err);
}

static bool read_slices(const struct request *q, const struct figures_shop *s, struct figures_ask *ask,
                        uint64_t **segment, struct err *err)
{
	for (int by = 0; by < SLICE_COUNT; by++)
		if (q->slice[by] && !slice_narrow_to(s, (enum slice_by)by, str_from(q->slice[by]), ask, segment, err))
			return false;
	return true;
}

/* A bit per customer for whom the condition holds now. */
static bool read_segment(const struct request *q, const struct live *l, struct people *p, const struct figures_shop *s,
                         uint64_t **out, struct err *err)
{
	struct expr_context context;
	struct expr_error error;
	struct arena arena;
	*out = NULL;
	if (!q->segment)
		return true;
	arena_init(&arena);
	people_context(live_shop(l), p, l, &context);
	const struct expr *e = expr_compile(str_from(q->segment), &context, &arena, &error);
	if (!e) {
		err_set(err, ERR_INPUT, "--segment: %zu:%zu: %s", error.line, error.column, error.text);
	} else {
		struct thresholds t;
		thresholds_compute(s->book, s->version, zone_date(s->settings->zone, s->now), &s->settings->lifecycle, 0, &t);
		*out = mem_alloc(((size_t)s->version->customers + 64) / 64 * sizeof **out);
		expr_select(e, s->book, s->version, s->states, s->now, &t, 0, *out);
	}
	arena_release(&arena);
	return e != NULL;
}

/* One article a line, or the column sku of a CSV. Articles the catalogue does not know are counted and said. */
static bool read_complements(const char *path, const struct figures_shop *s, uint8_t **out, struct err *err)
{
	static const char *const SKU[] = { "sku", "product", "stockcode", "reference", "article" };
	uint32_t count, known = 0, unknown = 0;
	const struct product *p = book_products(s->book, &count);
	struct rows r;
	*out = NULL;
	if (!path)
		return true;
	if (!rows_open(&r, path, err))
		return false;
	struct intern skus;
	intern_init(&skus);
	uint32_t *ids = mem_alloc((count + 1) * sizeof *ids);
	for (uint32_t i = 1; i < count; i++)
		if (p[i].sku.n)
			ids[intern_put(&skus, p[i].sku, NULL)] = i;
	*out = mem_alloc(count + 1);
	int column = 0;
	for (bool first = true; rows_next(&r); first = false) {
		int named = first ? rows_column(&r, SKU, ARRAY_LEN(SKU)) : -1;
		column = named >= 0 ? named : column;
		if (named >= 0 || (int)r.fields <= column || r.field[column].n == 0)
			continue;
		uint32_t at = intern_find(&skus, r.field[column]);
		if (at == INTERN_NONE)
			unknown++;
		else
			known++, (*out)[ids[at]] = 1;
	}
	rows_close(&r);
	free(ids);
	intern_release(&skus);
	if (unknown && known)
		fprintf(stderr, "relance: %s: %u articles are not in the catalogue\n", path, unknown);
	return known || err_set(err, ERR_INPUT, "%s: no article of the catalogue in it", path);
}

/* ---- */

/* Whose objectives the slice may be held against: the shop's, a seller's, or those of the team a store is. */
static void owner_of(struct kpi_answer *a)
{
	const struct figures_ask *k = a->ask;
	const struct book *b = a->shop->book;
	bool others = k->category || k->channel >= 0 || k->segment;
	a->scope = others || (k->store && k->seller) ? OBJECTIVE_SCOPES
	           : k->seller                       ? OBJECTIVE_PERSON
	           : k->store                        ? OBJECTIVE_TEAM
	                                             : OBJECTIVE_SHOP;
	a->whose = k->seller ? book_word_text(b, k->seller) : k->store ? book_word_text(b, k->store) : STR("");
}

static bool add_group(const struct request *q, const struct figures_shop *s, const struct figures_ask *ask,
                      struct str group, struct table *t, struct err *err)
{
	struct kpi_input *in = mem_alloc((size_t)(ask->periods + 1) * sizeof *in);
	struct kpi_answer a = { .q = q, .ask = ask, .settings = s->settings, .in = in, .group = group, .shop = s };
	bool ok = figures_make(s, ask, in, err);
	owner_of(&a);
	for (int p = 0; ok && a.scope != OBJECTIVE_SCOPES && p <= ask->periods; p++)
		objectives_into(s, q->objectives, q->objective_count, a.scope, a.whose, ask->first_month + (p - 1) * ask->each,
		                ask->each, &in[p]);
	if (ok)
		add_figures(&a, t);
	free(in);
	return ok;
}

/* One after the other, by name; customers' segments are copied, since a sector cuts them. */
static bool add_groups(const struct request *q, const struct figures_shop *s, const struct figures_ask *ask,
                       struct table *t, struct err *err)
{
	enum slice_by by;
	struct slice *all;
	size_t count, words = ((size_t)s->version->customers + 64) / 64;
	if (!slice_find(str_from(q->split), &by))
		return err_set(err, ERR_INPUT, "--split: \"%s\" is none of sector, category, store, channel, seller", q->split);
	if (!slices_list(s, by, &all, &count, err))
		return false;
	bool ok = count > 0 || err_set(err, ERR_INPUT, "--split: the shop's facts name no %s", q->split);
	for (size_t i = 0; ok && i < count; i++) {
		struct figures_ask one = *ask;
		uint64_t *bits = NULL;
		if (ask->segment)
			bits = memcpy(mem_alloc(words * sizeof *bits), ask->segment, words * sizeof *bits);
		slice_narrow(s, by, &all[i], &one, &bits);
		ok = add_group(q, s, &one, all[i].name, t, err);
		free(bits);
	}
	free(all);
	return ok;
}

static bool answer(const struct request *q, struct figures_shop *s, struct figures_ask *ask, struct err *err)
{
	if (q->rows)
		return kpi_rows_print(q->one, s, ask, q->format, err);
	struct table *t = new_table(q);
	bool ok = q->split ? add_groups(q, s, ask, t, err) : add_group(q, s, ask, (struct str){ 0 }, t, err);
	if (ok)
		table_print(t, q->format, stdout);
	table_free(t);
	return ok;
}

/* Those of the periods shown. */
static void note_aims(struct request *q, const struct figures_ask *ask)
{
	for (size_t i = 0; i < q->objective_count; i++) {
		const struct objective *o = &q->objectives[i];
		q->aims = q->aims || (o->months == ask->each && o->first_month >= ask->first_month &&
		                      o->first_month < ask->first_month + ask->periods * ask->each);
	}
}

static bool run(struct request *q, struct live *l, struct people *p, struct err *err)
{
	struct arena arena;
	struct figures_shop s;
	struct figures_ask ask = { .worth = true,
		                       .channel = -1,
		                       .margin_per_mille = q->margin < 0 ? -1 : (int64_t)(q->margin * 10 + 0.5) };
	uint64_t *segment = NULL;
	uint8_t *complements = NULL;
	arena_init(&arena);
	figures_shop_of(l, p->ref, p->ids, (struct instant){ (int64_t)time(NULL) }, &s);
	bool ok = objectives_read(live_db(l), &arena, &q->objectives, &q->objective_count, err) &&
	          read_periods(q, &s, &ask, err) && read_segment(q, l, p, &s, &segment, err);
	ask.segment = segment;
	ok = ok && read_slices(q, &s, &ask, &segment, err) && read_complements(q->complements, &s, &complements, err);
	ask.complementary = complements;
	note_aims(q, &ask);
	ok = ok && answer(q, &s, &ask, err);
	arena_release(&arena);
	free(segment);
	free(complements);
	book_unpin(live_shop(l)->book, s.version);
	return ok;
}

static int checked(struct request *q)
{
	const char *one = q->rows ? q->rows : q->explain;
	q->one = KPI_ALL;
	if (one && !kpi_find(str_from(one), &q->one)) {
		const char *names[KPI_ALL];
		for (int k = 0; k < KPI_ALL; k++)
			names[k] = kpi_definition((enum kpi)k)->key;
		const char *near = str_nearest(str_from(one), names, KPI_ALL, 6);
		return cli_usage_error("no figure \"%s\"%s%s; \"relance kpi DB --format csv\" lists their names", one,
		                       near ? ": did you mean " : "", near ? near : "");
	}
	if (q->rows && q->split)
		return cli_usage_error("--rows lists one slice: --%s NAME instead of --split", q->split);
	q->french = str_is(str_from(q->lang), "fr");
	if (!q->french && !str_is(str_from(q->lang), "en"))
		return cli_usage_error("--lang: \"%s\" is none of fr, en", q->lang);
	if (q->margin > 100)
		return cli_usage_error("--margin: from 0 to 100 per cent");
	return -1;
}

int cmd_kpi(int argc, char **argv)
{
	struct request q = { .by = "month", .lang = "en", .margin = -1 };
	const struct opt opts[] = {
		{ "--by", OPT_TEXT, &q.by, "PERIOD", "month (default), quarter or year" },
		{ "--from", OPT_TEXT, &q.from, "MONTH", "first month, 2011-01" },
		{ "--to", OPT_TEXT, &q.to, "MONTH", "last month (default: the last one that is over)" },
		{ "--segment", OPT_TEXT, &q.segment, "EXPR", "only customers for whom it holds now" },
		{ "--sector", OPT_TEXT, &q.slice[SLICE_SECTOR], "NAME", "only customers of this sector of activity" },
		{ "--category", OPT_TEXT, &q.slice[SLICE_CATEGORY], "NAME", "only products of this category" },
		{ "--store", OPT_TEXT, &q.slice[SLICE_STORE], "NAME", "only sales of this store" },
		{ "--channel", OPT_TEXT, &q.slice[SLICE_CHANNEL], "NAME", "only sales of this channel: store, web, phone …" },
		{ "--seller", OPT_TEXT, &q.slice[SLICE_SELLER], "NAME", "only sales of this person" },
		{ "--split", OPT_TEXT, &q.split, "BY", "one after the other: sector, category, store, channel or seller" },
		{ "--complements", OPT_TEXT, &q.complements, "FILE", "articles that complement a purchase, one a line" },
		{ "--margin", OPT_FLOAT, &q.margin, "PERCENT", "margin on products whose cost is not known" },
		{ "--explain", OPT_TEXT, &q.explain, "FIGURE", "one figure with its formula" },
		{ "--rows", OPT_TEXT, &q.rows, "FIGURE", "the orders or customers behind a figure" },
		{ "--lang", OPT_TEXT, &q.lang, "LANG", "fr or en (default)" },
		{ "--format", OPT_FORMAT, &q.format, "FORMAT", "table, csv or json" },
	};
	const char *where[1];
	int count, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0 || (status = checked(&q)) >= 0)
		return status;
	struct err err;
	struct people p;
	struct live *l = live_open_to_look(where[0], INSTANT_NEVER, &err);
	if (!l)
		return cli_fail(&err);
	bool ok = people_load(live_shop(l), &p, &err);
	if (ok) {
		ok = run(&q, l, &p, &err);
		people_release(&p);
	}
	live_close(l);
	return ok ? EXIT_DONE : cli_fail(&err);
}
