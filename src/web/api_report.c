/* The month's page over HTTP, and what the trade calls usual beside the shop's own figures. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/report.h"

static bool month_asked(struct request *r, const struct figures_shop *s, int *month)
{
	const char *text = request_query(r, "month");
	if (text ? figures_month_read(str_from(text), month) : figures_last_month(s, month))
		return true;
	request_problem(r, 422, text ? "\"month\" is such as 2026-11" : "no order yet");
	return false;
}

void on_report(struct request *r)
{
	struct figures_shop s;
	struct objective *list;
	struct err err;
	struct report_ask ask = { .shop = r->web->shop.name,
		                      .margin_per_mille = -1,
		                      .french = request_locale(r) == LOCALE_FR };
	struct db *db = request_book(r) ? request_db(r) : NULL;
	if (!db)
		return;
	if (!objectives_read(db, &r->arena, &list, &ask.objective_count, &err)) {
		request_err(r, &err);
		return;
	}
	ask.objectives = list;
	if (!request_figures(r, &s))
		return;
	if (month_asked(r, &s, &ask.month)) {
		if (report_make(&s, &ask, &r->out, &err)) {
			r->status = 200;
			r->type = "text/html; charset=utf-8";
		} else {
			request_err(r, &err);
		}
	}
}

void on_benchmarks(struct request *r)
{
	struct figures_shop s;
	struct benchmark all[BENCHMARKS];
	bool french = request_locale(r) == LOCALE_FR;
	struct buf *b = &r->out;
	int month;
	if (!request_figures(r, &s))
		return;
	if (month_asked(r, &s, &month)) {
		benchmarks_make(&s, month, all);
		put_open(b, NULL, '{');
		put_open(b, "items", '[');
		for (int i = 0; i < BENCHMARKS; i++) {
			const struct benchmark *x = &all[i];
			put_open(b, NULL, '{');
			put_cstr(b, "name", french ? x->fr : x->en);
			put_cstr(b, "usual", french ? x->usual_fr : x->usual_en);
			put_real(b, "low", x->low);
			put_real(b, "high", x->high);
			put_cstr(b, "source", french ? x->source_fr : x->source_en);
			if (x->known)
				put_real(b, "own", x->own);
			else
				put_null(b, "own");
			put_cstr(b, "note", french ? x->own_fr : x->own_en);
			put_close(b, '}');
		}
		put_close(b, ']');
		put_close(b, '}');
		request_send_json(r, 200);
	}
}
