/* The forecast put to the test: fitted on the first two thirds of the orders, held against what came after. */
#include "app/report.h"

#include <math.h>
#include <stdio.h>

static void group_row(struct report *r, const struct value_holdout *h, int g, double most)
{
	struct html *out = &r->h;
	double n = (double)h->group[g].customers;
	char name[64];
	bool last = g == VALUE_HOLDOUT_GROUPS - 1;
	snprintf(name, sizeof name, "%d%s", g, last ? report_word(r, " et plus", " and more") : "");
	buf_cstr(out->out, "<tr><td><b>");
	html_text(out, name);
	buf_cstr(out->out, "</b></td><td class=\"n\">");
	html_number(out, n, 0);
	buf_cstr(out->out, "</td><td class=\"n\">");
	html_number(out, h->group[g].predicted / n, 2);
	chart_share(out, h->group[g].predicted / n / most, "--line-2");
	buf_cstr(out->out, "</td><td class=\"n\"><b>");
	html_number(out, h->group[g].actual / n, 2);
	buf_cstr(out->out, "</b>");
	chart_share(out, h->group[g].actual / n / most, "--accent");
	buf_cstr(out->out, "</td></tr>\n");
}

static void total(struct report *r, const struct value_holdout *h, struct date cut)
{
	struct html *out = &r->h;
	bool within = h->actual >= h->low && h->actual <= h->high;
	buf_cstr(out->out, "<p>");
	html_text(out, report_word(r, "Appris jusqu’au ", "Learned until "));
	html_day(out, cut);
	html_text(out, report_word(r, ", la prévision disait ", ", the forecast said "));
	html_number(out, h->predicted, 0);
	html_text(out, report_word(r, " commandes ensuite (entre ", " orders after it (between "));
	html_number(out, h->low, 0);
	html_text(out, report_word(r, " et ", " and "));
	html_number(out, h->high, 0);
	html_text(out, report_word(r, ")\xE2\x80\xAF; il y en a eu ", "); there were "));
	buf_cstr(out->out, "<b>");
	html_number(out, h->actual, 0);
	buf_cstr(out->out, "</b>");
	html_text(out, within ? report_word(r, ", dans l’intervalle.", ", within the interval.")
	                      : report_word(r, ", hors de l’intervalle\u00a0: à lire avec prudence.",
	                                    ", outside the interval: to be read with care."));
	buf_cstr(out->out, "</p>\n");
}

void report_forecast(struct report *r)
{
	struct value_holdout h;
	struct err why;
	struct html *out = &r->h;
	double most = 0;
	html_section(out, report_word(r, "La prévision à l’épreuve", "The forecast put to the test"),
	             report_word(r, "commandes par client selon ses commandes d’avant",
	                         "orders per customer, by the orders they had placed before"));
	struct date cut = value_two_thirds(r->rows, r->row_count, r->until);
	if (!r->row_count ||
	    !value_holdout_check(VALUE_BGNBD, r->rows, r->row_count, cut, r->until, VALUE_WEEK, r->s->threads, &h, &why)) {
		buf_cstr(out->out,
		         report_word(r, "<p class=\"mute\">Pas assez d’historique\u00a0: il faut dix clients revenus.</p>\n",
		                     "<p class=\"mute\">Not enough history: ten customers have to have come back.</p>\n"));
		return;
	}
	for (int g = 0; g < VALUE_HOLDOUT_GROUPS; g++)
		if (h.group[g].customers) {
			double n = (double)h.group[g].customers;
			most = fmax(most, fmax(h.group[g].actual, h.group[g].predicted) / n);
		}
	total(r, &h, cut);
	buf_printf(out->out,
	           "<table><thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">%s</th><th scope=\"col\" "
	           "class=\"n\">%s</th><th scope=\"col\" class=\"n\">%s</th></tr></thead><tbody>\n",
	           report_word(r, "Commandes en plus de la première", "Orders after the first"),
	           report_word(r, "Clients", "Customers"), report_word(r, "Prévu", "Predicted"),
	           report_word(r, "Fait", "Actual"));
	for (int g = 0; g < VALUE_HOLDOUT_GROUPS; g++)
		if (h.group[g].customers && most > 0)
			group_row(r, &h, g, most);
	buf_cstr(out->out, "</tbody></table>\n");
}
