/* The charts of the report, one function a section. */
#include "app/report.h"

#include "base/par.h"
#include "fold/value_views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void report_revenue(struct report *r, const struct kpi_input *in, int months)
{
	double value[REPORT_MONTHS];
	int month[REPORT_MONTHS];
	for (int i = 0; i < months; i++) {
		value[i] = (double)in[i + 1].revenue;
		month[i] = r->ask->month - months + 1 + i;
	}
	html_section(&r->h, report_word(r, "Chiffre d’affaires", "Revenue"),
	             report_word(r, "par mois, retours déduits, TTC", "by month, net of returns, VAT included"));
	chart_bars(&r->h, &(struct chart_bars){
						  .count = months, .value = value, .month = month, .now = months - 1, .money = true });
}

/* ---- life cycle ---- */

/* From the baseline up: the living first. */
static const struct {
	enum phase phase;
	const char *fr, *en, *color;
} LAYERS[PHASE_COUNT] = {
	{ PHASE_AMBASSADOR, "ambassadeurs", "ambassadors", "--lc-ambassador" },
	{ PHASE_LOYAL, "fidèles", "loyal", "--lc-loyal" },
	{ PHASE_NEW, "nouveaux", "new", "--lc-new" },
	{ PHASE_PROSPECT, "prospects", "prospects", "--lc-prospect" },
	{ PHASE_LAPSING, "abandonnistes", "lapsing", "--lc-lapsing" },
	{ PHASE_FORMER, "anciens", "former", "--lc-former" },
};

/* Known at D: a fact or a profile before it. Others are not prospects yet. */
static bool known_at(const struct view *v, int64_t at)
{
	const struct chunk *k = v->k;
	uint32_t i = v->i;
	if (view_profile(v)->created && view_profile(v)->created < at)
		return true;
	return v->order1 > v->order0 || v->cart1 > v->cart0 || v->event1 > v->event0 || v->consent1 > v->consent0 ||
	       (k->order_start[i] == k->order_start[i + 1] && k->event_start[i] == k->event_start[i + 1] &&
	        k->cart_start[i] == k->cart_start[i + 1] && !view_profile(v)->created);
}

static void phases_at(const struct report *r, struct date day, double counts[PHASE_COUNT])
{
	const struct figures_shop *s = r->s;
	struct thresholds t;
	struct lifecycle_day d;
	for (int p = 0; p < PHASE_COUNT; p++)
		counts[p] = 0;
	thresholds_compute(s->book, s->version, day, &s->settings->lifecycle, 1, &t);
	lifecycle_day_init(&d, s->settings->zone, day, &s->settings->lifecycle);
	for (customer_id c = 1; c <= s->version->customers; c++) {
		struct view v;
		if (!figures_is_person(s, c))
			continue;
		view_at(&v, s->version, c, (struct instant){ d.cutoff - 1 });
		if (known_at(&v, d.cutoff))
			counts[lifecycle_phase(&v, &d, &t, &s->settings->lifecycle)]++;
	}
}

struct phase_months {
	const struct report *r;
	int first;
	double value[PHASE_COUNT][REPORT_MONTHS];
};

static void phase_month(void *ctx, size_t from, size_t to, int thread)
{
	struct phase_months *x = ctx;
	(void)thread;
	for (size_t i = from; i < to; i++) {
		double counts[PHASE_COUNT];
		int next = x->first + (int)i + 1;
		struct date day = date_from_ymd(next / 12, next % 12 + 1, 1);
		if (day.day > x->r->until.day + 1)
			day.day = x->r->until.day + 1;
		phases_at(x->r, day, counts);
		for (int k = 0; k < PHASE_COUNT; k++)
			x->value[k][i] = counts[LAYERS[k].phase];
	}
}

void report_lifecycle(struct report *r)
{
	int month[REPORT_MONTHS], months = r->ask->month - r->first_month + 1;
	months = months < REPORT_MONTHS ? months : REPORT_MONTHS;
	struct phase_months x = { .r = r, .first = r->ask->month - months + 1 };
	struct chart_layer layer[PHASE_COUNT];
	int layers = 0;
	for (int i = 0; i < months; i++)
		month[i] = x.first + i;
	par_for((size_t)months, 1, r->s->threads, phase_month, &x);
	for (int k = 0; k < PHASE_COUNT; k++) {
		double any = 0;
		for (int i = 0; i < months; i++)
			any += x.value[k][i];
		if (any > 0)
			layer[layers++] =
				(struct chart_layer){ report_word(r, LAYERS[k].fr, LAYERS[k].en), LAYERS[k].color, x.value[k] };
	}
	html_section(&r->h, report_word(r, "Cycle de vie", "Life cycle"),
	             report_word(r, "clients à la fin de chaque mois", "customers at the end of each month"));
	if (months < 2 || layers == 0) {
		buf_cstr(r->h.out, report_word(r, "<p class=\"mute\">Il faut deux mois d’historique.</p>\n",
		                               "<p class=\"mute\">It takes two months of history.</p>\n"));
		return;
	}
	chart_stack(&r->h, &(struct chart_stack){ .count = months, .layers = layers, .month = month, .layer = layer });
	const struct lifecycle_settings *l = &r->s->settings->lifecycle;
	buf_printf(
		r->h.out,
		report_word(r,
	                "<p class=\"note\">Ambassadeurs\u00a0: au moins %d commandes et parmi les %d\u202f%% qui dépensent "
	                "le plus sur 12 mois. Fidèles\u00a0: %d commandes ou plus. Abandonnistes\u00a0: %d mois sans "
	                "commande. Anciens\u00a0: %d mois.</p>\n",
	                "<p class=\"note\">Ambassadors: at least %d orders and in the top %d%% by spend over 12 months. "
	                "Loyal: %d orders or more. Lapsing: %d months without an order. Former: %d months.</p>\n"),
		l->ambassador_orders, l->ambassador_percent, l->loyal_orders, l->lapsing_months, l->former_months);
}

/* ---- cohorts ---- */

static void cohort_row(struct report *r, const struct cohorts *c, int row, int columns)
{
	struct html *h = &r->h;
	const uint32_t *active = c->active + (size_t)row * (size_t)c->months;
	buf_cstr(h->out, "<tr><th scope=\"row\">");
	html_month(h, c->first_month + row, true);
	buf_cstr(h->out, "</th><td>");
	html_number(h, active[0], 0);
	buf_cstr(h->out, "</td>");
	for (int k = 1; k <= columns; k++) {
		buf_cstr(h->out, "<td>");
		if (k < c->months - row && active[0]) {
			double share = (double)active[k] / active[0];
			buf_printf(h->out, "<i style=\"background:color-mix(in srgb,var(--accent-band) %.0f%%,var(--sheet))\">",
			           fmin(60, share * 130));
			html_percent(h, share * 100, 0);
			buf_cstr(h->out, "</i>");
		}
		buf_cstr(h->out, "</td>");
	}
	buf_cstr(h->out, "</tr>\n");
}

void report_cohorts(struct report *r)
{
	struct cohorts c;
	struct err ignored;
	struct html *h = &r->h;
	html_section(h, report_word(r, "Qui revient", "Who comes back"),
	             report_word(r, "par mois du premier achat\u00a0: part qui recommande 1, 2, 3… mois après",
	                         "by month of first purchase: share that orders again 1, 2, 3… months later"));
	if (!cohorts_make(r->rows, r->row_count, r->until, &c, &ignored)) {
		buf_cstr(h->out, report_word(r, "<p class=\"mute\">Pas assez d’historique.</p>\n",
		                             "<p class=\"mute\">Not enough history.</p>\n"));
		return;
	}
	int from = c.months > REPORT_COHORTS ? c.months - REPORT_COHORTS : 0, columns = c.months - from - 1;
	buf_cstr(h->out, "<div class=\"scroll\"><table class=\"heat\"><thead><tr><th></th><th>");
	html_text(h, report_word(r, "clients", "customers"));
	buf_cstr(h->out, "</th>");
	for (int k = 1; k <= columns; k++)
		buf_printf(h->out, "<th>+%d</th>", k);
	buf_cstr(h->out, "</tr></thead><tbody>\n");
	for (int row = from; row < c.months; row++)
		cohort_row(r, &c, row, columns);
	buf_cstr(h->out, "</tbody></table></div>\n");
	cohorts_release(&c);
}

/* ---- 20/80 ---- */

void report_share(struct report *r)
{
	struct value_summary s;
	struct share_view v;
	struct err ignored;
	struct html *h = &r->h;
	html_section(h, "20/80", report_word(r, "la part des meilleurs clients", "what the best customers bring"));
	if (!r->row_count ||
	    !value_summarise(r->rows, r->row_count, r->until, VALUE_DAY, h->currency.exponent, &s, &ignored))
		return;
	int64_t *spend = mem_alloc(s.count * sizeof *spend);
	for (size_t i = 0; i < s.count; i++)
		spend[i] = s.first[i] + s.repeat[i];
	if (share_view_make(spend, s.count, &v)) {
		struct buf mark;
		buf_init(&mark, 256);
		struct html m = { .out = &mark, .french = h->french, .currency = h->currency };
		buf_cstr(&mark, report_word(r, "20\u202f% des clients\u00a0: ", "20% of customers: "));
		html_percent(&m, v.top_20_share * 100, 0);
		chart_curve(h, &(struct chart_curve){
						   .count = 21,
						   .value = v.curve,
						   .mark_x = 0.2,
						   .mark_y = v.top_20_share,
						   .mark = mark.p,
						   .x_name = report_word(r, "clients, du meilleur au moindre →", "customers, best first →"),
						   .y_name = report_word(r, "part du chiffre d’affaires", "share of revenue") });
		buf_release(&mark);
		buf_cstr(h->out, "<p class=\"note\">");
		html_number(h, (double)v.count_for_80, 0);
		buf_cstr(h->out, report_word(r, " clients sur ", " customers of "));
		html_number(h, (double)v.count, 0);
		buf_cstr(h->out, report_word(r, " apportent 80 % du chiffre d’affaires depuis l’ouverture.</p>\n",
		                             " bring 80% of all revenue so far.</p>\n"));
	}
	free(spend);
	value_summary_release(&s);
}

/* ---- RFM ---- */

struct group {
	double customers, spend;
};

static void segment_row(struct report *r, enum rfm_segment k, const struct group *g, const struct group *all)
{
	struct html *h = &r->h;
	buf_cstr(h->out, "<tr><td><b>");
	html_text(h, rfm_name(k, h->french));
	buf_cstr(h->out, "</b><span class=\"f\">");
	html_text(h, rfm_advice(k, h->french));
	buf_cstr(h->out, "</span></td><td class=\"n\">");
	html_number(h, g->customers, 0);
	chart_share(h, g->customers / all->customers, "--line-2");
	buf_cstr(h->out, "</td><td class=\"n\">");
	html_money(h, g->spend, false);
	chart_share(h, all->spend > 0 ? g->spend / all->spend : 0, "--accent");
	buf_cstr(h->out, "</td><td class=\"n hide\">");
	html_percent(h, all->spend > 0 ? g->spend / all->spend * 100 : 0, 0);
	buf_cstr(h->out, "</td></tr>\n");
}

void report_segments(struct report *r)
{
	struct value_summary s;
	struct err ignored;
	struct html *h = &r->h;
	if (!r->row_count ||
	    !value_summarise(r->rows, r->row_count, r->until, VALUE_DAY, h->currency.exponent, &s, &ignored))
		return;
	struct rfm *rfm = mem_alloc(s.count * sizeof *rfm);
	struct group group[RFM_SEGMENTS] = { 0 }, all = { 0 };
	rfm_scores(&s, rfm);
	for (size_t i = 0; i < s.count; i++) {
		double spend = (double)(s.first[i] + s.repeat[i]);
		group[rfm[i].segment].customers++;
		group[rfm[i].segment].spend += spend;
		all.customers++;
		all.spend += spend;
	}
	html_section(h, report_word(r, "Récence, fréquence, montant", "Recency, frequency, amount"),
	             report_word(r, "qui sont les clients, et que faire", "who the customers are, and what to do"));
	buf_printf(h->out,
	           "<table><thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">%s</th><th scope=\"col\" "
	           "class=\"n\">%s</th><th scope=\"col\" class=\"n hide\">%s</th></tr></thead><tbody>\n",
	           report_word(r, "Segment", "Segment"), report_word(r, "Clients", "Customers"),
	           report_word(r, "Chiffre d’affaires depuis l’ouverture", "Revenue so far"),
	           report_word(r, "Part", "Share"));
	for (int k = 0; k < RFM_SEGMENTS; k++)
		if (group[k].customers > 0)
			segment_row(r, (enum rfm_segment)k, &group[k], &all);
	buf_cstr(h->out, "</tbody></table>\n");
	free(rfm);
	value_summary_release(&s);
}

/* ---- plans ---- */

struct band_text {
	char name[128], note[160], why[320];
};

static void band_note(struct report *r, const struct uplift *u, enum uplift_outcome o, struct band_text *text)
{
	struct buf b;
	buf_init(&b, sizeof text->note - 1);
	struct html h = { .out = &b, .french = r->h.french, .currency = r->h.currency };
	buf_cstr(&b, uplift_outcome_name(o, h.french));
	buf_cstr(&b, report_word(r, "\xE2\x80\xAF; ", "; "));
	html_number(&h, (double)u->arm[UPLIFT_TREATED].customers, 0);
	buf_cstr(&b, report_word(r, " contactés, ", " treated, "));
	html_number(&h, (double)u->arm[UPLIFT_CONTROL].customers, 0);
	buf_cstr(&b, report_word(r, " témoins", " in the control group"));
	snprintf(text->note, sizeof text->note, "%.*s", STR_ARG(buf_view(&b)));
	buf_release(&b);
}

static bool plan_band(struct report *r, uint16_t plan, struct chart_band *band, struct band_text *text)
{
	struct uplift u;
	struct finding f;
	const struct plan *p = r->s->plans->plans[r->s->plans->current[plan]];
	enum locale locale = r->ask->french ? LOCALE_FR : LOCALE_EN;
	struct str title = p->title[locale].n ? p->title[locale] : p->name;
	uplift_make(r->s, &(struct uplift_ask){ .plan = plan, .margin_per_mille = r->ask->margin_per_mille }, &u);
	int64_t entered = u.arm[0].customers + u.arm[1].customers + u.too_recent;
	if (entered == 0)
		return false;
	enum uplift_outcome o = u.margin_known ? UPLIFT_MARGIN : UPLIFT_REVENUE;
	const struct comparison *c = &u.outcome[o];
	double scale = pow(10, r->h.currency.exponent) * c->treated_n;
	uplift_finding(&u, o, r->s->settings, r->ask->french, &f);
	snprintf(text->name, sizeof text->name, "%.*s", STR_ARG(title));
	band_note(r, &u, o, text);
	snprintf(text->why, sizeof text->why, "%s", f.text);
	*band = (struct chart_band){ .name = text->name,
		                         .note = text->note,
		                         .why = text->why,
		                         .known = c->known && c->seq_known && !u.srm.alarm,
		                         .low = c->seq_low * scale,
		                         .high = c->seq_high * scale,
		                         .likeliest = c->difference * scale };
	return true;
}

void report_plans(struct report *r)
{
	struct chart_band band[CHART_BANDS_MAX];
	struct html *h = &r->h;
	int count = 0;
	const struct plan_set *set = r->s->plans;
	struct band_text *text = mem_alloc(CHART_BANDS_MAX * sizeof *text);
	for (uint16_t i = 0; set && r->s->states && i < set->count && count < CHART_BANDS_MAX; i++)
		if (set->family[i] == i && plan_band(r, i, &band[count], &text[count]))
			count++;
	html_section(h, report_word(r, "Ce que les plans ont rapporté", "What the plans brought"),
	             report_word(r, "en plus de ce qu’auraient fait les mêmes clients sans eux",
	                         "beyond what the same customers would have done without them"));
	if (count == 0) {
		buf_cstr(h->out, "<p class=\"mute\">");
		html_text(
			h,
			report_word(
				r,
				"Aucun plan n’a encore fait entrer personne. Essayer un plan sur l’historique\u00a0: relance replay.",
				"No plan has let anybody in yet. Try one on the shop's history: relance replay."));
		buf_cstr(h->out, "</p>\n");
	} else {
		chart_bands(h, band, count);
		buf_cstr(h->out, "<p class=\"note\">");
		html_text(
			h,
			report_word(
				r,
				"La bande dit où est le vrai chiffre, 19 fois sur 20, quel que soit le jour où l’on regarde\u202f; le "
				"trait, "
				"le plus probable. Groupe témoin tiré au sort à l’entrée\u202f; 30 jours suivis\u202f; messages, bons "
				"et retours déduits.",
				"The band holds the true figure 19 times in 20, whenever one looks; the tick is the likeliest. Control "
				"group drawn at entry; followed for 30 days; messages, vouchers and returns taken off."));
		buf_cstr(h->out, "</p>\n");
	}
	free(text);
}

/* ---- key figures ---- */

static void figure_value(struct html *h, enum kpi k, double v)
{
	switch (kpi_definition(k)->unit) {
	case KPI_PERCENT: html_percent(h, v, 1); break;
	case KPI_MONEY: html_money(h, v, fabs(v) < 1e6); break;
	case KPI_COUNT: html_number(h, v, 0); break;
	case KPI_DAYS:
		html_number(h, v, 1);
		buf_cstr(h->out, h->french ? "\xC2\xA0j" : " d");
		break;
	}
}

static void figure_row(struct report *r, enum kpi k, struct kpi_value now, struct kpi_value before)
{
	struct html *h = &r->h;
	const struct kpi_definition *d = kpi_definition(k);
	struct kpi_value change = kpi_change(k, now, before);
	buf_cstr(h->out, "<tr><td><b>");
	html_text(h, h->french ? d->fr : d->en);
	buf_cstr(h->out, "</b><span class=\"f\">");
	html_text(h, h->french ? d->formula_fr : d->formula_en);
	buf_cstr(h->out, "</span></td><td class=\"n\"><b>");
	figure_value(h, k, now.value);
	buf_cstr(h->out, "</b></td><td class=\"n hide\">");
	if (before.known)
		figure_value(h, k, before.value);
	buf_cstr(h->out, "</td><td class=\"n\">");
	if (change.known) {
		int way = fabs(change.value) < 0.05 ? 0 : change.value > 0 ? 1 : -1;
		bool good = way * d->better > 0, bad = way * d->better < 0;
		buf_printf(h->out, "<span class=\"%s\">%s",
		           good  ? "good"
		           : bad ? "wrong"
		                 : "mute",
		           way > 0   ? "↑ +"
		           : way < 0 ? "↓ "
		                     : "= ");
		html_number(h, change.value, 1);
		buf_cstr(h->out,
		         d->unit == KPI_PERCENT ? report_word(r, "\xC2\xA0pt", " pt") : report_word(r, "\xE2\x80\xAF%", "%"));
		buf_cstr(h->out, "</span>");
	}
	buf_cstr(h->out, "</td></tr>\n");
}

/* Those with one reason together, in the order of their first. */
static void unknown_figures(struct report *r, const struct figures_ask *ask, const struct kpi_input *in)
{
	struct html *h = &r->h;
	const char *why[KPI_ALL];
	for (int k = 0; k < KPI_ALL; k++) {
		struct kpi_value v = figures_value((enum kpi)k, in, ask);
		why[k] = v.known || kpi_definition((enum kpi)k)->b2b ? NULL : h->french ? v.why_fr : v.why_en;
	}
	buf_cstr(h->out, "<p class=\"note\">");
	for (int k = 0; k < KPI_ALL; k++) {
		const char *reason = why[k];
		if (!reason)
			continue;
		buf_cstr(h->out, report_word(r, "Pas connu\xE2\x80\xAF: <b>", "Not known: <b>"));
		for (int other = k; other < KPI_ALL; other++) {
			if (!why[other] || !str_eq(str_from(why[other]), str_from(reason)))
				continue;
			const struct kpi_definition *d = kpi_definition((enum kpi)other);
			buf_cstr(h->out, other > k ? ", " : "");
			html_text(h, h->french ? d->fr : d->en);
			why[other] = NULL;
		}
		buf_cstr(h->out, report_word(r, "</b>\xE2\x80\xAF; ", "</b>; "));
		html_text(h, reason);
		buf_cstr(h->out, ".<br>\n");
	}
	buf_cstr(h->out, "</p>\n");
}

void report_figures(struct report *r, const struct figures_ask *ask, const struct kpi_input in[2])
{
	struct html *h = &r->h;
	html_section(h, report_word(r, "Chiffres clés", "Key figures"),
	             report_word(r, "du mois, face au mois précédent", "of the month, beside the month before"));
	buf_printf(
		h->out,
		"<table><thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">%s</th><th scope=\"col\" class=\"n "
		"hide\">%s</th><th scope=\"col\" class=\"n\">%s</th></tr></thead><tbody>\n",
		report_word(r, "Chiffre et formule", "Figure and formula"), report_word(r, "Ce mois", "This month"),
		report_word(r, "Mois précédent", "Month before"), report_word(r, "Écart", "Change"));
	for (int k = 0; k < KPI_ALL; k++) {
		struct kpi_value now = figures_value((enum kpi)k, &in[1], ask);
		if (now.known)
			figure_row(r, (enum kpi)k, now, figures_value((enum kpi)k, &in[0], ask));
	}
	buf_cstr(h->out, "</tbody></table>\n");
	unknown_figures(r, ask, &in[1]);
}
