/* relance segment: how many customers a condition names, and who. */
#include "app/arrival.h"
#include "cli/asof.h"
#include "store/segment.h"

#include <stdlib.h>
#include <time.h>

int cmd_segment(int argc, char **argv);

struct request {
	const char *text, *at, *known, *save;
	bool list, functions, saved;
	enum format format;
};

static const struct usage USAGE = {
	.synopsis = "segment DB 'CONDITION' [--at DATE] [--list] [--save NAME]",
	.text = "Counts the customers for whom a condition holds, now or as of the start of any day in the shop's zone.\n"
			"The language is in doc/expressions.md; --functions lists its words.",
	.example = "relance segment shop.db 'bought(category = \"Salon\", 2025-09-01..2026-02-28) and not bought(category "
			   "= \"Jardin\")'\n"
			   "  relance segment shop.db 'lifecycle = lapsing and may(email)' --list --format csv\n"
			   "  relance segment --functions",
	.positional_min = 0,
	.positional_max = 2,
};

static int print_functions(enum format format)
{
	static const char *const COLUMNS[] = { "group", "name", "signature", "type", "meaning", "example" };
	static const char *const SHORT[] = { "signature", "type", "example" };
	bool all = format != FORMAT_TABLE;
	struct table *t = all ? table_new(COLUMNS, ARRAY_LEN(COLUMNS)) : table_new(SHORT, ARRAY_LEN(SHORT));
	size_t count;
	const struct expr_word *words = expr_words(&count);
	for (size_t i = 0; i < count; i++) {
		if (all) {
			table_cstr(t, words[i].group);
			table_cstr(t, words[i].name);
		}
		table_cstr(t, words[i].signature);
		table_cstr(t, words[i].type);
		if (all)
			table_cstr(t, words[i].meaning);
		table_cstr(t, words[i].example);
	}
	table_print(t, format, stdout);
	table_free(t);
	return EXIT_DONE;
}

static bool take_saved(void *ctx, struct str name, struct str text, struct err *err)
{
	(void)err;
	table_text(ctx, name);
	table_text(ctx, text);
	return true;
}

static bool print_saved(const struct request *q, const struct shop_world *w, struct err *err)
{
	static const char *const COLUMNS[] = { "name", "condition" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	bool ok = store_segments(w->db, take_saved, t, err);
	if (ok)
		table_print(t, q->format, stdout);
	table_free(t);
	return ok;
}

/* Those who are there: merged and erased records may still have rows in the book. */
static uint64_t only_people(const struct people *p, const struct version *v, uint64_t *bits)
{
	uint64_t count = 0;
	for (customer_id c = 1; c <= v->customers; c++) {
		if (c > p->ids || !p->ref[c].p)
			bits[c >> 6] &= ~(1ull << (c & 63));
		count += bits[c >> 6] >> (c & 63) & 1;
	}
	return count;
}

static void print_count(const struct request *q, const struct asof *a, const struct people *p, uint64_t count,
                        double seconds)
{
	static const char *const COLUMNS[] = { "at", "count", "customers", "share", "seconds" };
	char text[16];
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	table_cstr(t, date_text(a->day, text));
	table_int(t, (int64_t)count);
	table_int(t, p->count);
	table_float(t, p->count ? (double)count / p->count : 0, 4);
	table_float(t, seconds, 4);
	table_print_record(t, q->format, stdout);
	table_free(t);
}

static void show_error(const struct expr_error *e, struct str text)
{
	struct buf b;
	buf_init(&b, 4 * EXPR_TEXT_MAX);
	expr_error_show(e, text, &b);
	fprintf(stderr, "relance: condition %.*s", STR_ARG(buf_view(&b)));
	buf_release(&b);
}

static bool evaluate(const struct request *q, const struct live *l, const struct people *p, const struct expr *e,
                     struct err *err)
{
	const struct shop_world *w = live_shop(l);
	struct asof a;
	if (!asof_init(&a, w, q->at, err))
		return false;
	uint64_t *bits = mem_alloc(((size_t)a.version->customers + 64) / 64 * sizeof *bits);
	double started = cli_seconds();
	expr_select(e, w->book, a.version, live_state(l, 0), a.now, &a.thresholds, 0, bits);
	double seconds = cli_seconds() - started;
	uint64_t count = only_people(p, a.version, bits);
	if (q->list)
		asof_print_people(&a, w, p, bits, q->format);
	else
		print_count(q, &a, p, count, seconds);
	free(bits);
	asof_release(&a, w);
	return true;
}

static bool save(const struct request *q, const char *address, struct err *err)
{
	struct shop shop;
	struct db *db = shop_open(address, false, &shop, err);
	bool ok =
		db && store_segment_put(db, str_from(q->save), str_from(q->text), (struct instant){ (int64_t)time(NULL) }, err);
	db_close(db);
	return ok;
}

static int run(const struct request *q, const char *address, const struct live *l, struct people *p)
{
	struct err err;
	struct str text = str_from(q->text);
	struct expr_context context;
	struct expr_error error;
	struct arena arena;
	arena_init(&arena);
	people_context(live_shop(l), p, l, &context);
	if (q->save) {
		p->saving = str_from(q->save);
		p->saving_text = q->text;
	}
	const struct expr *e = expr_compile(text, &context, &arena, &error);
	int status = EXIT_DONE;
	if (!e) {
		show_error(&error, text);
		status = EXIT_REFUSED;
	} else if ((q->save && !save(q, address, &err)) || !evaluate(q, l, p, e, &err)) {
		status = cli_fail(&err);
	}
	arena_release(&arena);
	return status;
}

int cmd_segment(int argc, char **argv)
{
	struct request q = { 0 };
	const struct opt opts[] = {
		{ "--at", OPT_TEXT, &q.at, "DATE", "as of the start of this day (default: now)" },
		{ "--known", OPT_TEXT, &q.known, "T", "only what was learned before this date or instant (UTC)" },
		{ "--list", OPT_FLAG, &q.list, NULL, "the customers: phase, orders, last order, spend" },
		{ "--save", OPT_TEXT, &q.save, "NAME", "keep it: segment(\"NAME\") stands for it from then on" },
		{ "--saved", OPT_FLAG, &q.saved, NULL, "list the saved segments" },
		{ "--functions", OPT_FLAG, &q.functions, NULL, "list the words of the language" },
		{ "--format", OPT_FORMAT, &q.format, "F", "table, csv or json" },
	};
	const char *where[2];
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	if (q.functions)
		return print_functions(q.format);
	if (count < (q.saved ? 1 : 2))
		return cli_usage_error("something is missing; usage: relance %s", USAGE.synopsis);
	q.text = where[1];
	struct err err;
	struct instant known;
	struct people p;
	struct live *l = asof_known(q.known, &known, &err) ? live_open_to_look(where[0], known, &err) : NULL;
	if (!l)
		return cli_fail(&err);
	bool ok = people_load(live_shop(l), &p, &err);
	status = EXIT_DONE;
	if (ok && q.saved)
		ok = print_saved(&q, live_shop(l), &err);
	else if (ok)
		status = run(&q, where[0], l, &p);
	people_release(&p);
	live_close(l);
	return ok ? status : cli_fail(&err);
}
