/* The business case: the shop's own year, or the trade's reference, with whatever the reader's sliders say instead. */
#include "web/rows.h"
#include "web/web_int.h"

#include "app/case_shop.h"
#include "app/clock.h"

#include <math.h>

static const char *KIND[] = {
	[CASE_KIND_PEOPLE] = "people", [CASE_KIND_RATE] = "percent", [CASE_KIND_MONEY] = "money"
};

/* Every assumption by its name, as the query takes it: people, per cent, minor units. */
static void put_inputs(struct request *r, const struct case_input *in)
{
	struct buf *b = &r->out;
	put_open(b, "inputs", '[');
	for (int w = 0; w < CASE_WORD_COUNT; w++) {
		put_open(b, NULL, '{');
		put_cstr(b, "name", CASE_WORDS[w].name);
		put_cstr(b, "kind", KIND[CASE_WORDS[w].kind]);
		if (CASE_WORDS[w].kind == CASE_KIND_RATE)
			put_real(b, "value", (double)case_get(in, w) / 10000);
		else
			put_int(b, "value", case_get(in, w));
		put_close(b, '}');
	}
	put_close(b, ']');
}

static void put_result(struct request *r, const struct case_input *in, const struct case_result *x,
                       struct currency currency, bool french)
{
	struct buf *b = &r->out, text;
	buf_init(&text, 1 << 12);
	put_open(b, "lines", '[');
	for (int l = 0; l < CASE_LINES; l++) {
		put_open(b, NULL, '{');
		put_cstr(b, "line", case_line_key((enum case_line)l));
		put_cstr(b, "name", case_line_name((enum case_line)l, french));
		put_int(b, "before", x->line[l].before.minor);
		put_int(b, "after", x->line[l].after.minor);
		put_int(b, "gain", x->line[l].gain.minor);
		buf_clear(&text);
		case_explain((enum case_line)l, in, x, currency, french, &text);
		put_str(b, "explanation", buf_view(&text));
		put_close(b, '}');
	}
	put_close(b, ']');
	put_int(b, "before", x->total.before.minor);
	put_int(b, "after", x->total.after.minor);
	put_int(b, "gain", x->total.gain.minor);
	put_int(b, "net", x->net.minor);
	if (x->return_known)
		put_int(b, "return_percent", x->return_percent);
	else
		put_null(b, "return_percent");
	buf_release(&text);
}

static void put_plans(struct request *r, const struct case_shop *c, const struct plan_set *set, enum locale locale)
{
	struct buf *b = &r->out;
	put_open(b, "plans", '[');
	for (size_t i = 0; i < c->plan_count; i++) {
		const struct case_plan *p = &c->plans[i];
		put_open(b, NULL, '{');
		put_str(b, "name", set->plans[p->plan]->name);
		put_str(b, "title", set->plans[set->current[p->plan]]->title[locale]);
		put_cstr(b, "line", case_line_key(p->line));
		put_bool(b, "counts", p->counts);
		put_cstr(b, "unit", p->line == CASE_EXTRA ? "money" : "people");
		put_real(b, "brought", p->brought);
		put_real(b, "low", p->low);
		put_real(b, "high", p->high);
		put_cstr(b, "verdict", finding_name(p->finding.kind));
		put_cstr(b, "text", p->finding.text);
		put_close(b, '}');
	}
	put_close(b, ']');
}

static void put_missing(struct request *r, const struct case_shop *c, bool french)
{
	struct buf *b = &r->out;
	put_open(b, "missing", '[');
	for (int k = 0; k < CASE_KNOWN; k++)
		if (c->missing_en[k])
			put_cstr(b, NULL, french ? c->missing_fr[k] : c->missing_en[k]);
	put_close(b, ']');
}

static bool read_query(struct request *r, struct case_input *in, struct currency currency, bool *changed)
{
	struct err err;
	*changed = false;
	for (int w = 0; w < CASE_WORD_COUNT; w++) {
		const char *text = request_query(r, CASE_WORDS[w].name);
		char major[48];
		int64_t minor;
		if (!text)
			continue;
		*changed = true;
		if (CASE_WORDS[w].kind == CASE_KIND_MONEY) {
			if (!str_i64(str_from(text), &minor) || minor < 0) {
				request_problem(r, 422, "%s: an amount in minor units, 0 or more", CASE_WORDS[w].name);
				return false;
			}
			text = money_plain((struct money){ minor }, currency, major);
		}
		if (!case_set(in, w, str_from(text), currency, &err)) {
			request_err(r, &err);
			return false;
		}
	}
	return true;
}

void on_case(struct request *r)
{
	struct buf *b = &r->out;
	struct err err;
	struct case_shop *c = arena_new(&r->arena, struct case_shop);
	const char *from = request_query(r, "from");
	bool reference = from && str_is(str_from(from), "reference"), changed;
	enum locale locale = request_locale(r);
	struct currency currency = { "EUR", 2 };
	if (from && !reference && !str_is(str_from(from), "shop")) {
		request_problem(r, 422, "\"from\" is shop or reference");
		return;
	}
	const struct plan_set *set = NULL;
	if (!request_book(r))
		return;
	if (reference) {
		c->input = CASE_REFERENCE;
	} else {
		struct figures_shop s;
		currency = r->web->settings->currency;
		if (!request_figures(r, &s))
			return;
		set = s.plans;
		if (!case_shop_make(&s, locale == LOCALE_FR, c, &err)) {
			request_err(r, &err);
			return;
		}
	}
	if (!read_query(r, &c->input, currency, &changed))
		return;
	if (!case_compute(&c->input, &c->result, &err)) {
		request_err(r, &err);
		return;
	}
	put_open(b, NULL, '{');
	put_cstr(b, "from", reference ? "reference" : "shop");
	put_cstr(b, "currency", currency.code);
	put_int(b, "exponent", currency.exponent);
	put_date(b, "year_from", reference ? DATE_UNKNOWN : c->from);
	put_date(b, "year_until", reference ? DATE_UNKNOWN : (struct date){ c->until.day - 1 });
	put_inputs(r, &c->input);
	put_result(r, &c->input, &c->result, currency, locale == LOCALE_FR);
	if (reference || changed || c->gain_low.minor == c->gain_high.minor) {
		put_null(b, "gain_low");
		put_null(b, "gain_high");
	} else {
		put_int(b, "gain_low", c->gain_low.minor);
		put_int(b, "gain_high", c->gain_high.minor);
	}
	put_bool(b, "loyal_understated", c->loyal_understated && !c->missing_en[CASE_KNOWN_LOYAL]);
	put_plans(r, c, set, locale);
	put_missing(r, c, locale == LOCALE_FR);
	put_close(b, '}');
	request_send_json(r, 200);
}

/* ---- who stands behind a line ---- */

struct behind {
	enum case_line line;
	struct figures_shop shop;
};

static bool list_rows(void *ctx, const struct drill_sink *sink, struct err *err)
{
	const struct behind *x = ctx;
	return case_rows(&x->shop, x->line, sink, err);
}

static void rows_of_case(struct request *r, bool as_file)
{
	struct drill_column columns[DRILL_COLUMNS_MAX];
	struct behind x;
	if (!case_line_find(r->args[0], &x.line)) {
		request_problem(r, 404, "there is no such line; GET /case lists them");
		return;
	}
	int count = case_columns(x.line, columns);
	if (request_book(r) && request_figures(r, &x.shop))
		rows_answer(r, &(struct rows){ case_line_key(x.line), columns, count, list_rows, &x }, as_file);
}

void on_case_rows(struct request *r)
{
	rows_of_case(r, false);
}

void on_case_csv(struct request *r)
{
	rows_of_case(r, true);
}
