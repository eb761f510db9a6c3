/* Objectives, and what the trade calls usual, beside the shop's own figures. */
#include "app/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *state_word(const struct report *r, enum objective_state s)
{
	switch (s) {
	case OBJECTIVE_MET: return report_word(r, "atteint", "met");
	case OBJECTIVE_ON_TRACK: return report_word(r, "en bonne voie", "on track");
	case OBJECTIVE_OPEN: return report_word(r, "encore ouvert", "still open");
	case OBJECTIVE_OFF_TRACK: return report_word(r, "en retard", "behind");
	case OBJECTIVE_MISSED: return report_word(r, "pas atteint", "not reached");
	case OBJECTIVE_AHEAD: return report_word(r, "à venir", "to come");
	case OBJECTIVE_UNKNOWN: return report_word(r, "pas connu", "not known");
	}
	return "";
}

static const char *state_class(enum objective_state s)
{
	bool good = s == OBJECTIVE_MET || s == OBJECTIVE_ON_TRACK,
		 wrong = s == OBJECTIVE_MISSED || s == OBJECTIVE_OFF_TRACK;
	return good ? "good" : wrong ? "wrong" : "mute";
}

static void objective_row(struct report *r, const struct objective *o)
{
	struct html *h = &r->h;
	struct objective_progress p;
	struct buf text;
	buf_init(&text, 1 << 12);
	objective_progress(r->s, o, &p);
	objective_title(o, h->french, &text);
	buf_cstr(h->out, "<tr><td><b>");
	html_text(h, text.p);
	buf_cstr(h->out, "</b><span class=\"f\">");
	buf_clear(&text);
	objective_text(&p, h->currency, h->french, &text);
	html_text(h, text.p);
	buf_cstr(h->out, "</span></td><td class=\"n\">");
	if (p.state != OBJECTIVE_UNKNOWN && p.state != OBJECTIVE_AHEAD) {
		html_percent(h, p.attainment, 0);
		chart_share(h, fmin(p.attainment, 100) / 100, "--accent");
	}
	buf_printf(h->out, "</td><td class=\"n\"><span class=\"%s\">%s</span></td></tr>\n", state_class(p.state),
	           state_word(r, p.state));
	buf_release(&text);
}

/* Those whose period holds the month. */
void report_objectives(struct report *r)
{
	struct html *h = &r->h;
	bool any = false;
	for (size_t i = 0; i < r->ask->objective_count; i++) {
		const struct objective *o = &r->ask->objectives[i];
		if (r->ask->month < o->first_month || r->ask->month >= o->first_month + o->months)
			continue;
		if (!any) {
			html_section(
				h, report_word(r, "Objectifs", "Objectives"),
				report_word(r, "réalisé, et où mène le rythme d’aujourd’hui", "reached, and where this pace leads"));
			buf_printf(
				h->out,
				"<table><thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">%s</th><th scope=\"col\" "
				"class=\"n\"></th></tr></thead><tbody>\n",
				report_word(r, "Objectif", "Objective"), report_word(r, "Réalisé", "Reached"));
		}
		any = true;
		objective_row(r, o);
	}
	if (any)
		buf_cstr(h->out, "</tbody></table>\n");
}

/* ---- what is usual ---- */

#define GUIDES_FR "guides de la profession"
#define GUIDES_EN "guides of the trade"

static const struct benchmark USUAL[BENCHMARKS] = {
	{ "Un inconnu achète", "A stranger buys",
	  "5\xC2\xA0à\xC2\xA0"
	  "20\xE2\x80\xAF%",
	  "5–20%", 5, 20, GUIDES_FR, GUIDES_EN, false, 0, NULL, NULL },
	{ "Un client achète à nouveau", "A customer buys again",
	  "60\xC2\xA0à\xC2\xA0"
	  "70\xE2\x80\xAF%",
	  "60–70%", 60, 70, GUIDES_FR, GUIDES_EN, false, 0, NULL, NULL },
	{ "Un courrier commercial est lu", "A commercial letter is read", "87\xE2\x80\xAF%", "87%", 87, 87, GUIDES_FR,
	  GUIDES_EN, false, 0, "un courrier ne dit pas s’il est lu", "a letter does not tell whether it was read" },
	{ "Conversions en plus des e-mails personnalisés", "More conversions of personal mails", "10\xE2\x80\xAF%", "10%",
	  10, 10, GUIDES_FR, GUIDES_EN, false, 0, "à mesurer par un plan à deux variantes",
	  "to be measured by a plan of two variants" },
	{ "Conversions en plus de plusieurs canaux", "More conversions of several channels", "25\xE2\x80\xAF%", "25%", 25,
	  25, GUIDES_FR, GUIDES_EN, false, 0, "à mesurer par un plan à deux variantes",
	  "to be measured by a plan of two variants" },
};

static void own(struct benchmark *b, int64_t part, int64_t whole, const char *fr, const char *en, const char *why_fr,
                const char *why_en)
{
	b->known = part != KPI_UNKNOWN && whole != KPI_UNKNOWN && whole > 0;
	b->own = b->known ? (double)part / (double)whole * 100 : 0;
	b->own_fr = b->known ? fr : why_fr;
	b->own_en = b->known ? en : why_en;
}

/* Customers who ordered in the twelve months before the year, and of them those who did in it. */
static void again(const struct figures_shop *s, int month, int64_t *were, int64_t *came)
{
	struct figures_time t;
	const struct figures_ask ask = { .first_month = month - 11, .each = 12, .periods = 1, .channel = -1 };
	figures_time_make(s, &ask, &t);
	*were = *came = 0;
	for (size_t n = 0; n < s->version->chunk_count; n++) {
		const struct chunk *k = s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && k->first + i <= s->version->customers; i++) {
			bool before = false, now = false;
			if (!figures_counts(s, &ask, k->first + i))
				continue;
			for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
				before |= order_is_sale(k, o) && k->order_at[o] >= t.start[0] && k->order_at[o] < t.start[1];
				now |= order_is_sale(k, o) && k->order_at[o] >= t.start[1] && k->order_at[o] < t.start[2];
			}
			*were += before;
			*came += before && now;
		}
	}
}

void benchmarks_make(const struct figures_shop *s, int month, struct benchmark out[BENCHMARKS])
{
	const struct figures_ask ask = {
		.first_month = month - 11, .each = 12, .periods = 1, .channel = -1, .margin_per_mille = -1
	};
	struct figures_time t;
	struct kpi_input in[2];
	int64_t were, came;
	memcpy(out, USUAL, sizeof USUAL);
	figures_time_make(s, &ask, &t);
	kpi_input_init(&in[0]);
	kpi_input_init(&in[1]);
	figures_people(s, &ask, &t, in, NULL);
	own(&out[0], in[1].prospects_sold, in[1].prospects, "des prospects, en douze mois",
	    "of prospects, in twelve months", "personne n’est connu avant son premier achat",
	    "nobody is known before their first order");
	again(s, month, &were, &came);
	own(&out[1], came, were, "de ceux qui avaient acheté l’année d’avant, en douze mois",
	    "of those who had bought the year before, in twelve months", "il faut deux ans d’historique",
	    "it takes two years of history");
}

void report_benchmarks(struct report *r)
{
	struct html *h = &r->h;
	struct benchmark all[BENCHMARKS];
	benchmarks_make(r->s, r->ask->month, all);
	html_section(
		h, report_word(r, "Ce qui est habituel", "What is usual"),
		report_word(r, "les repères de la profession à côté de vos chiffres", "the trade's figures beside yours"));
	buf_printf(h->out,
	           "<table><thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">%s</th><th scope=\"col\" "
	           "class=\"n\">%s</th></tr></thead><tbody>\n",
	           report_word(r, "Repère et source", "Benchmark and source"), report_word(r, "Habituel", "Usual"),
	           report_word(r, "Ici", "Here"));
	for (int i = 0; i < BENCHMARKS; i++) {
		const struct benchmark *b = &all[i];
		buf_cstr(h->out, "<tr><td><b>");
		html_text(h, report_word(r, b->fr, b->en));
		buf_cstr(h->out, "</b><span class=\"f\">");
		html_text(h, report_word(r, b->source_fr, b->source_en));
		buf_cstr(h->out, report_word(r, "\xE2\x80\xAF; ici\u00a0: ", "; here: "));
		html_text(h, report_word(r, b->own_fr, b->own_en));
		buf_cstr(h->out, "</span></td><td class=\"n\">");
		html_text(h, report_word(r, b->usual_fr, b->usual_en));
		buf_cstr(h->out, "</td><td class=\"n\"><b>");
		if (b->known)
			html_percent(h, b->own, 0);
		buf_cstr(h->out, "</b></td></tr>\n");
	}
	buf_cstr(h->out, "</tbody></table>\n");
}
