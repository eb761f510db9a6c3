#include "app/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void sentence(struct report *r, const struct kpi_input in[2])
{
	struct html *h = &r->h;
	struct kpi_value change =
		kpi_change(KPI_REVENUE, kpi_compute(KPI_REVENUE, &in[1]), kpi_compute(KPI_REVENUE, &in[0]));
	buf_cstr(h->out, "<p class=\"answer\"><b>");
	html_money(h, (double)in[1].revenue, false);
	buf_cstr(h->out, report_word(r, "</b> de chiffre d’affaires", "</b> of revenue"));
	if (change.known) {
		buf_cstr(h->out, ", <b>");
		buf_cstr(h->out, change.value >= 0 ? "+" : "");
		html_percent(h, change.value, fabs(change.value) < 10 ? 1 : 0);
		buf_cstr(h->out, report_word(r, "</b> sur le mois précédent", "</b> on the month before"));
	}
	buf_cstr(h->out, report_word(r, ". <b>", ". <b>"));
	html_number(h, (double)in[1].orders, 0);
	buf_cstr(h->out, report_word(r, " commandes</b> de <b>", " orders</b> from <b>"));
	html_number(h, (double)in[1].buyers, 0);
	buf_cstr(h->out, report_word(r, " clients</b>, dont <b>", " customers</b>, <b>"));
	html_number(h, (double)in[1].new_customers, 0);
	buf_cstr(h->out, report_word(r, "</b> pour la première fois.", "</b> of them for the first time."));
	buf_cstr(h->out, "</p>\n");
}

static void head(struct report *r, const struct kpi_input in[2])
{
	struct html *h = &r->h;
	char title[256];
	struct buf month;
	buf_init(&month, 256);
	struct html m = { .out = &month, .french = h->french, .currency = h->currency };
	html_month(&m, r->ask->month, true);
	snprintf(title, sizeof title, report_word(r, "La boutique en %s", "The shop in %s"), month.p);
	buf_release(&month);
	html_page_begin(h, title);
	buf_cstr(h->out, "<div class=\"brand\">relance<i></i><small>");
	html_text(h, r->ask->shop);
	buf_cstr(h->out, "</small></div>\n<h1>");
	html_text(h, title);
	buf_cstr(h->out, "</h1>\n<p class=\"sub\">");
	buf_cstr(h->out, report_word(r, "Tel qu’on le sait au soir du ", "As known on the evening of "));
	html_day(h, r->until);
	buf_cstr(h->out, "</p>\n");
	sentence(r, in);
	buf_cstr(h->out, "<section style=\"display:none\">\n");
}

static void start(struct report *r, int first_month)
{
	zone_id zone = r->s->settings->zone;
	int next = r->ask->month + 1;
	struct date after = date_from_ymd(next / 12, next % 12 + 1, 1);
	r->end = zone_instant(zone, after, 0);
	if (r->end.s > r->s->now.s)
		r->end = r->s->now;
	r->until.day = zone_date(zone, (struct instant){ r->end.s - 1 }).day;
	r->first_month = first_month;
	r->rows = figures_rows(r->s, &(struct figures_ask){ .channel = -1 }, &r->row_count);
}

static bool fill(struct report *r, int months, struct err *err)
{
	struct figures_ask ask = { .first_month = r->ask->month - months + 1,
		                       .each = 1,
		                       .periods = months,
		                       .channel = -1,
		                       .complementary = r->ask->complementary,
		                       .margin_per_mille = r->ask->margin_per_mille };
	struct kpi_input *in = mem_alloc((size_t)(months + 1) * sizeof *in);
	struct kpi_input now[2];
	struct figures_ask one = ask;
	one.first_month = r->ask->month;
	one.periods = 1;
	one.worth = true;
	bool ok = figures_make(r->s, &ask, in, err) && figures_make(r->s, &one, now, err);
	if (ok) {
		for (int p = 0; p < 2; p++)
			objectives_into(r->s, r->ask->objectives, r->ask->objective_count, OBJECTIVE_SHOP, STR(""),
			                r->ask->month - 1 + p, 1, &now[p]);
		head(r, now);
		report_revenue(r, in, months);
		report_objectives(r);
		report_plans(r);
		report_lifecycle(r);
		report_segments(r);
		report_share(r);
		report_cohorts(r);
		report_figures(r, &one, now);
		report_benchmarks(r);
		html_page_end(&r->h);
	}
	free(in);
	return ok;
}

bool report_make(const struct figures_shop *s, const struct report_ask *ask, struct buf *out, struct err *err)
{
	int first, last;
	if (!figures_span(s, &first, &last) || ask->month < first)
		return err_set(err, ERR_INPUT, "no order up to %d-%02d: nothing to report", ask->month / 12,
		               ask->month % 12 + 1);
	struct figures_shop then = *s;
	struct report r = { .s = &then,
		                .ask = ask,
		                .h = { .out = out, .french = ask->french, .currency = s->settings->currency } };
	start(&r, first);
	if (r.end.s < then.now.s)
		then.now = r.end; /* plans, too, as they stood */
	int months = ask->month - first + 1;
	bool ok = fill(&r, months < REPORT_MONTHS ? months : REPORT_MONTHS, err);
	free(r.rows);
	return ok && (!out->full || err_set(err, ERR_LIMIT, "the page is larger than %d bytes", REPORT_BYTES_MAX));
}
