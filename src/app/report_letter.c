/* The month in a few lines, for the mail that carries the page. */
#include "app/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct letter {
	const struct figures_shop *s;
	const struct report_ask *ask;
	struct html line; /* of the line being written */
	struct buf *text, *html;
};

static const char *tell(const struct letter *l, const char *fr, const char *en)
{
	return l->ask->french ? fr : en;
}

/* French counts none as one. */
static const char *counted(const struct letter *l, int64_t n, const char *fr_one, const char *fr, const char *en_one,
                           const char *en)
{
	return l->ask->french ? n < 2 ? fr_one : fr : n == 1 ? en_one : en;
}

/* The line so far becomes an item of both. */
static void item(struct letter *l)
{
	struct html h = { .out = l->html, .french = l->ask->french };
	buf_printf(l->text, "– %.*s\n", STR_ARG(buf_view(l->line.out)));
	buf_cstr(l->html, "<li>");
	html_text(&h, l->line.out->p);
	buf_cstr(l->html, "</li>\n");
	buf_clear(l->line.out);
}

static void paragraph(struct letter *l, const char *text)
{
	struct html h = { .out = l->html, .french = l->ask->french };
	buf_printf(l->text, "%s\n\n", text);
	buf_cstr(l->html, "<p>");
	html_text(&h, text);
	buf_cstr(l->html, "</p>\n");
}

static void revenue(struct letter *l, const struct kpi_input in[2], struct buf *subject)
{
	struct buf *b = l->line.out;
	struct kpi_value change =
		kpi_change(KPI_REVENUE, kpi_compute(KPI_REVENUE, &in[1]), kpi_compute(KPI_REVENUE, &in[0]));
	html_money(&l->line, (double)in[1].revenue, false);
	buf_cstr(b, tell(l, " de chiffre d’affaires", " of revenue"));
	if (change.known) {
		buf_cstr(b, change.value >= 0 ? ", +" : ", ");
		html_percent(&l->line, change.value, fabs(change.value) < 10 ? 1 : 0);
		buf_cstr(b, tell(l, " sur le mois précédent", " on the month before"));
	}
	buf_str(subject, buf_view(b));
	item(l);
	html_number(&l->line, (double)in[1].orders, 0);
	buf_cstr(b, counted(l, in[1].orders, " commande ", " commandes ", " order from ", " orders from "));
	bool elided = l->ask->french && in[1].buyers == 1;
	buf_cstr(b, elided ? "d’un" : tell(l, "de ", ""));
	if (!elided)
		html_number(&l->line, (double)in[1].buyers, 0);
	buf_cstr(b, counted(l, in[1].buyers, " client, dont ", " clients, dont ", " customer, ", " customers, "));
	html_number(&l->line, (double)in[1].new_customers, 0);
	buf_cstr(b, tell(l, " pour la première fois", " of them for the first time"));
	item(l);
}

static void aims(struct letter *l)
{
	for (size_t i = 0; i < l->ask->objective_count; i++) {
		const struct objective *o = &l->ask->objectives[i];
		struct objective_progress p;
		if (l->ask->month < o->first_month || l->ask->month >= o->first_month + o->months)
			continue;
		objective_progress(l->s, o, &p);
		objective_title(o, l->ask->french, l->line.out);
		buf_cstr(l->line.out, tell(l, "\xE2\x80\xAF: ", ": "));
		objective_text(&p, l->line.currency, l->ask->french, l->line.out);
		item(l);
	}
}

static void results(struct letter *l)
{
	const struct plan_set *set = l->s->plans;
	enum locale locale = l->ask->french ? LOCALE_FR : LOCALE_EN;
	for (uint16_t i = 0; set && l->s->states && i < set->count; i++) {
		struct uplift u;
		struct finding f;
		const struct plan *p = set->plans[set->current[i]];
		if (set->family[i] != i)
			continue;
		uplift_make(l->s, &(struct uplift_ask){ .plan = i, .margin_per_mille = l->ask->margin_per_mille }, &u);
		if (u.arm[UPLIFT_CONTROL].customers + u.arm[UPLIFT_TREATED].customers == 0)
			continue;
		uplift_finding(&u, u.margin_known ? UPLIFT_MARGIN : UPLIFT_REVENUE, l->s->settings, l->ask->french, &f);
		buf_str(l->line.out, p->title[locale].n ? p->title[locale] : p->name);
		buf_printf(l->line.out, "%s%s", tell(l, "\xE2\x80\xAF: ", ": "), f.text);
		item(l);
	}
}

bool report_letter(const struct figures_shop *s, const struct report_ask *ask, struct buf *subject, struct buf *text,
                   struct buf *html, struct err *err)
{
	struct figures_shop then = *s;
	struct kpi_input in[2];
	struct buf line;
	struct figures_ask month = {
		.first_month = ask->month, .each = 1, .periods = 1, .channel = -1, .margin_per_mille = ask->margin_per_mille
	};
	int next = ask->month + 1;
	struct instant end = zone_instant(s->settings->zone, date_from_ymd(next / 12, next % 12 + 1, 1), 0);
	then.now = end.s < s->now.s ? end : s->now;
	if (!figures_make(&then, &month, in, err))
		return false;
	buf_init(&line, 1 << 14);
	struct letter l = { .s = &then, .ask = ask, .text = text, .html = html };
	l.line = (struct html){ .out = &line, .french = ask->french, .currency = s->settings->currency };
	if (*ask->shop)
		buf_printf(subject, "%s · ", ask->shop);
	struct html h = { .out = subject, .french = ask->french };
	html_month(&h, ask->month, true);
	buf_cstr(subject, tell(&l, "\xE2\x80\xAF: ", ": "));
	paragraph(&l, tell(&l, "Bonjour,", "Hello,"));
	html_month(&l.line, ask->month, true);
	buf_cstr(&line, tell(&l, "\xE2\x80\xAF:", ":"));
	char opening[128];
	snprintf(opening, sizeof opening, "%s%.*s", tell(&l, "Voici ", "Here is "), STR_ARG(buf_view(&line)));
	buf_clear(&line);
	paragraph(&l, opening);
	buf_cstr(html, "<ul>\n");
	revenue(&l, in, subject);
	aims(&l);
	results(&l);
	buf_cstr(html, "</ul>\n");
	buf_char(text, '\n');
	paragraph(
		&l,
		tell(&l,
	         "La page complète est jointe\u00a0: elle s’ouvre dans un navigateur et s’imprime. Tout y est compté tel "
	         "qu’on le savait à la fin du mois.",
	         "The whole page is attached: it opens in a browser and prints. Everything is counted as it was known "
	         "at the end of the month."));
	buf_release(&line);
	return !text->full && !html->full && !subject->full ? true : err_set(err, ERR_LIMIT, "the letter is too long");
}
