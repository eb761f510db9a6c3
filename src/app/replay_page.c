/* The page answers three questions in this order: how much and when, is it too much for anybody, what was held back and
 * why; then the steps of each plan. Charts are inline SVG with a table behind each. */
#include "app/replay_page_int.h"

#include "base/embed.h"
#include "fold/case.h"
#include "model/names.h"

#include <stdio.h>

EMBEDDED(report)

/* ---- words and numbers ---- */

void page_number(const struct page *p, uint64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			buf_cstr(p->b, T(p, "\u202f", ","));
		buf_char(p->b, digits[i]);
	}
}

static void put_money(const struct page *p, int64_t minor)
{
	case_money(p->b, (struct money){ minor }, p->o->currency, p->fr);
}

/* Thousandths of a minor unit. */
static void put_cost(const struct page *p, int64_t thousandths)
{
	put_money(p, (thousandths + 500) / 1000);
}

const char *page_month(const struct page *p, int m, bool brief)
{
	static const char *const FR[] = { "janvier", "février", "mars",      "avril",   "mai",      "juin",
		                              "juillet", "août",    "septembre", "octobre", "novembre", "décembre" };
	static const char *const EN[] = { "January", "February", "March",     "April",   "May",      "June",
		                              "July",    "August",   "September", "October", "November", "December" };
	static const char *const FR3[] = { "janv.", "févr.", "mars",  "avril", "mai",  "juin",
		                               "juil.", "août",  "sept.", "oct.",  "nov.", "déc." };
	static const char *const EN3[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	size_t i = m >= 1 && m <= 12 ? (size_t)m - 1 : 0;
	return brief ? T(p, FR3, EN3)[i] : T(p, FR, EN)[i];
}

void page_date(const struct page *p, struct date d)
{
	int y, m, day;
	date_ymd(d, &y, &m, &day);
	buf_printf(p->b, "%d%s %s %d", day, p->fr && day == 1 ? "er" : "", page_month(p, m, false), y);
}

const char *page_channel(const struct page *p, int c)
{
	static const char *const FR[] = { "e-mail",   "SMS",          "carte postale", "téléphone",
		                              "audience", "notification", "équipe" };
	static const char *const EN[] = { "e-mail", "SMS", "postcard", "phone", "audience", "push", "team" };
	return T(p, FR, EN)[c];
}

void replay_reason_label(enum reason r, enum locale locale, struct buf *out)
{
	static const char *const CUTS[] = { " jusqu’au %s", " until %s", " for %s", " %s" };
	struct buf text;
	buf_init(&text, 1024);
	/* the sentence with its argument left out: what stands before the hole */
	reason_text(r, 0, 0, locale, &text);
	struct str s = buf_view(&text);
	for (size_t i = 0; i < ARRAY_LEN(CUTS); i++) {
		size_t word = strcspn(CUTS[i], "%");
		const char *hole = memmem(s.p, s.n, CUTS[i], word);
		bool argument = r == REASON_NO_CONSENT || r == REASON_NOT_REACHABLE || r == REASON_QUIET_HOURS ||
		                r == REASON_QUIET_DAY || r == REASON_PRESSURE_CHANNEL || r == REASON_PRESSURE_ALL ||
		                r == REASON_BLACKOUT;
		if (hole && argument && i < 3) {
			s.n = (size_t)(hole - s.p);
			break;
		}
	}
	if (locale == LOCALE_FR && (r == REASON_NO_CONSENT || r == REASON_NOT_REACHABLE))
		s = r == REASON_NO_CONSENT ? STR("pas de consentement") : STR("pas d’adresse");
	buf_str(out, s);
	buf_release(&text);
}

static void put_reason(const struct page *p, enum reason r)
{
	struct buf text;
	buf_init(&text, 1024);
	replay_reason_label(r, p->o->locale, &text);
	buf_html(p->b, buf_view(&text));
	buf_release(&text);
}

static struct str title_of(const struct page *p, const struct plan *plan)
{
	struct str t = plan->title[p->o->locale];
	return t.n ? t : plan->name;
}

static char letter(size_t side)
{
	return (char)('A' + side);
}

void page_tag(const struct page *p, size_t side)
{
	if (p->o->side_count > 1)
		buf_printf(p->b, "<span class=\"side %c\">%c</span> ", side ? 'b' : 'a', letter(side));
}

/* ---- the answer ---- */

static void put_answer(const struct page *p, size_t side)
{
	const struct tally *t = p->o->sides[side].tally;
	buf_cstr(p->b, "<p class=\"answer\">");
	page_tag(p, side);
	buf_cstr(p->b, "<i>");
	page_number(p, t->messages);
	buf_cstr(p->b, " messages</i>");
	if (side) { /* beside the first */
		int64_t more = (int64_t)t->messages - (int64_t)p->o->sides[0].tally->messages;
		buf_cstr(p->b, more > 0 ? " (+" : more < 0 ? " (−" : " (±");
		page_number(p, (uint64_t)(more < 0 ? -more : more));
		buf_char(p->b, ')');
	}
	buf_cstr(p->b, T(p, " à <b>", " to <b>"));
	page_number(p, t->reached);
	buf_cstr(p->b, T(p, " clients</b> en <b>", " customers</b> in <b>"));
	page_number(p, (uint64_t)t->days);
	buf_cstr(p->b, T(p, " jours</b>, pour <b>", " days</b>, for <b>"));
	put_cost(p, t->cost);
	buf_cstr(p->b, T(p, "</b> d’envois. Au plus <b>", "</b> of sending. At most <b>"));
	page_number(p, t->busiest);
	buf_cstr(p->b, T(p, " messages commerciaux</b> par client et par semaine.",
	                 " marketing messages</b> per customer and week."));
	if (t->codes) {
		buf_char(p->b, ' ');
		page_number(p, t->codes);
		buf_cstr(p->b, T(p, " codes promis\u00a0: au plus <b>", " codes promised: at most <b>"));
		put_money(p, t->exposure);
		buf_cstr(p->b, T(p, "</b> si chacun servait une fois, sur un panier moyen de ",
		                 "</b> if each were used once, on an average basket of "));
		put_money(p, t->average_basket);
		buf_char(p->b, '.');
	}
	buf_cstr(p->b, "</p>\n");
}

/* ---- the plans ---- */

static int plan_at(const struct tally *t, struct str name)
{
	for (size_t i = 0; i < t->set->count; i++)
		if (str_eq(t->set->plans[i]->name, name))
			return (int)i;
	return -1;
}

static void put_spark(const struct page *p, const struct tally *t, size_t plan)
{
	int bins = t->days < 100 ? t->days : 100;
	uint64_t top = 1, at[100] = { 0 };
	for (int32_t d = 0; d < t->days; d++)
		for (int ch = 0; ch < CHANNEL_COUNT; ch++)
			at[(int64_t)d * bins / t->days] += tally_sent(t, d, plan, ch);
	for (int b = 0; b < bins; b++)
		top = at[b] > top ? at[b] : top;
	buf_cstr(
		p->b,
		"<td class=\"spark\"><svg viewBox=\"0 0 200 28\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path d=\"");
	for (int b = 0; b < bins; b++)
		if (at[b]) {
			double h = 26.0 * (double)at[b] / (double)top, w = 200.0 / bins;
			buf_printf(p->b, "M%.1f 28v-%.1fh%.1fv%.1fz", b * w, h < 1 ? 1 : h, w > 1.5 ? w - 0.5 : w, h < 1 ? 1 : h);
		}
	buf_cstr(p->b, "\"/><path class=\"zero\" d=\"M0 28H200\"/></svg></td>");
}

static uint64_t sum_why(const struct tally_plan *p, enum tally_why why)
{
	uint64_t n = 0;
	for (int r = 0; r < REASON_COUNT; r++)
		n += p->why[why][r];
	return n;
}

static void put_cell(const struct page *p, uint64_t v)
{
	buf_printf(p->b, "<td class=\"num%s\">", v ? "" : " zero0");
	page_number(p, v);
	buf_cstr(p->b, "</td>");
}

/* Under the cost of a plan: what it may spend, and what the dearest month cost. */
static void put_budget(const struct page *p, const struct plan *plan, const struct tally_plan *x)
{
	if (plan->budget == 0)
		return;
	buf_cstr(p->b, "<br><small>");
	if (!plan->budget_total) {
		put_cost(p, x->most_in_month);
		buf_cstr(p->b, T(p, " le mois le plus cher<br>", " in the dearest month<br>"));
	}
	buf_cstr(p->b, T(p, "budget\u00a0: ", "budget: "));
	put_money(p, plan->budget);
	buf_printf(p->b, "%s</small>", plan->budget_total ? T(p, " en tout", " in all") : T(p, " par mois", " a month"));
}

static void put_plan_row(const struct page *p, struct str name, size_t side)
{
	const struct tally *t = p->o->sides[side].tally;
	int i = plan_at(t, name);
	const struct tally_plan *x = i >= 0 ? &t->plans[i] : NULL;
	bool two = p->o->side_count > 1;
	buf_printf(p->b, "<tr class=\"%s\">", !two ? "" : side ? "b" : "a");
	buf_cstr(p->b, "<th scope=\"row\">");
	int titled = i >= 0 ? i : plan_at(p->o->sides[0].tally, name);
	if (side == 0 || titled < 0 || plan_at(p->o->sides[0].tally, name) < 0)
		buf_html(p->b, i >= 0        ? title_of(p, t->set->plans[i])
		               : titled >= 0 ? title_of(p, t->set->plans[titled])
		                             : name);
	buf_cstr(p->b, "</th>");
	if (two) {
		buf_cstr(p->b, "<td>");
		page_tag(p, side);
		buf_cstr(p->b, "</td>");
	}
	if (!x) {
		buf_printf(p->b, "<td colspan=\"9\" class=\"zero0\">%s</td></tr>\n",
		           T(p, "ce plan n’y est pas", "this plan is not there"));
		return;
	}
	put_spark(p, t, (size_t)i);
	put_cell(p, x->entered);
	put_cell(p, x->control);
	put_cell(p, x->messages);
	put_cell(p, sum_why(x, TALLY_HELD));
	put_cell(p, sum_why(x, TALLY_DROPPED));
	buf_cstr(p->b, "<td class=\"num\">");
	put_cost(p, x->cost);
	put_budget(p, t->set->plans[i], x);
	buf_cstr(p->b, "</td>");
	put_cell(p, x->codes);
	buf_cstr(p->b, "<td class=\"num\">");
	put_money(p, x->exposure);
	buf_cstr(p->b, "</td></tr>\n");
}

static void put_plans(const struct page *p)
{
	bool two = p->o->side_count > 1;
	buf_printf(
		p->b,
		"<section><header><h2>%s</h2><p>%s</p></header><div class=\"wide\"><table><thead><tr><th>%s</th>%s<th>%s</th>",
		T(p, "Plan par plan", "Plan by plan"),
		T(p, "entrées, messages, coût d’envoi et codes promis",
	      "entries, messages, cost of sending and codes promised"),
		"Plan", two ? "<th></th>" : "", T(p, "Messages dans le temps", "Messages over time"));
	static const char *const FR[] = { "Entrés",     "dont témoins", "Messages", "Retenus",
		                              "Abandonnés", "Coût d’envoi", "Codes",    "Codes, au plus" };
	static const char *const EN[] = { "Entered", "of them control", "Messages", "Held",
		                              "Dropped", "Cost of sending", "Codes",    "Codes, at most" };
	for (size_t i = 0; i < ARRAY_LEN(FR); i++)
		buf_printf(p->b, "<th class=\"num\">%s</th>", T(p, FR, EN)[i]);
	buf_cstr(p->b, "</tr></thead><tbody>\n");
	for (size_t s = 0; s < p->o->side_count; s++)
		for (size_t i = 0; i < p->o->sides[s].tally->set->count; i++) {
			struct str name = p->o->sides[s].tally->set->plans[i]->name;
			if (s && plan_at(p->o->sides[0].tally, name) >= 0)
				continue;
			for (size_t k = 0; k < p->o->side_count; k++)
				put_plan_row(p, name, k);
		}
	buf_cstr(p->b, "</tbody></table></div></section>\n");
}

/* ---- channels ---- */

static void put_channels(const struct page *p)
{
	buf_printf(p->b,
	           "<section><header><h2>%s</h2><p>%s</p></header><div class=\"wide\"><table><thead><tr><th>%s</th>%s<th "
	           "class=\"num\">Messages</th><th class=\"num\">%s</th></tr></thead><tbody>\n",
	           T(p, "Canal par canal", "Channel by channel"),
	           T(p, "coût d’envoi, aux tarifs de la boutique", "cost of sending, at the shop’s tariffs"),
	           T(p, "Canal", "Channel"), p->o->side_count > 1 ? "<th></th>" : "",
	           T(p, "Coût d’envoi", "Cost of sending"));
	for (int c = 0; c < CHANNEL_STAFF; c++)
		for (size_t s = 0; s < p->o->side_count; s++) {
			const struct tally *t = p->o->sides[s].tally;
			uint64_t messages = 0;
			int64_t cost = 0;
			for (size_t i = 0; i < t->set->count; i++) {
				messages += t->plans[i].by_channel[c];
				cost += tally_cost(t, i, c);
			}
			if (messages == 0)
				continue;
			buf_printf(p->b, "<tr><th scope=\"row\">%s</th>", page_channel(p, c));
			if (p->o->side_count > 1) {
				buf_cstr(p->b, "<td>");
				page_tag(p, s);
				buf_cstr(p->b, "</td>");
			}
			put_cell(p, messages);
			buf_cstr(p->b, "<td class=\"num\">");
			put_cost(p, cost);
			buf_cstr(p->b, "</td></tr>\n");
		}
	buf_cstr(p->b, "</tbody></table></div></section>\n");
}

/* ---- pressure ---- */

static void put_pressure(const struct page *p)
{
	const struct pressure_rule *rule = &p->o->sides[0].tally->settings->pressure_all;
	uint64_t top = 1;
	int last = 1;
	for (size_t s = 0; s < p->o->side_count; s++)
		for (int n = 1; n <= TALLY_WEEK_MAX; n++) {
			uint64_t v = p->o->sides[s].tally->week_all[n];
			uint64_t m = p->o->sides[s].tally->week_marketing[n];
			top = v > top ? v : top;
			top = m > top ? m : top;
			last = v || m ? (n > last ? n : last) : last;
		}
	buf_printf(p->b, "<section><header><h2>%s</h2><p>",
	           T(p, "Est-ce trop pour quelqu’un\u00a0?", "Is it too much for anybody?"));
	buf_cstr(p->b, T(p, "combien de fois un client reçoit tant de messages dans une semaine",
	                 "how often a customer gets so many messages in a week"));
	if (rule->limit > 0)
		buf_printf(p->b,
		           T(p, "\u00a0; règle de la boutique\u00a0: %d messages commerciaux en %d jours",
		             "; the shop’s rule: %d marketing messages in %d days"),
		           rule->limit, rule->window_days);
	buf_cstr(p->b, "</p></header><div class=\"keys\">");
	buf_printf(
		p->b,
		"<span style=\"--k:var(--accent)\">%s</span><span style=\"--k:var(--band)\">%s</span></div><div class=\"two\">",
		T(p, "messages commerciaux", "marketing messages"),
		T(p, "avec les messages de service", "with service messages"));
	for (size_t s = 0; s < p->o->side_count; s++) {
		const struct tally *t = p->o->sides[s].tally;
		buf_cstr(p->b, "<div class=\"bars\">");
		if (p->o->side_count > 1) {
			buf_cstr(p->b, "<h3>");
			page_tag(p, s);
			buf_html(p->b, str_from(p->o->sides[s].label));
			buf_cstr(p->b, "</h3>");
		}
		for (int n = 1; n <= last; n++) {
			buf_printf(p->b, "<span>%d%s %s</span><span class=\"stack\">", n, n == TALLY_WEEK_MAX ? "+" : "",
			           n == 1 ? "message" : "messages");
			buf_printf(p->b,
			           "<span class=\"bar\" style=\"width:%.2f%%\"></span><span class=\"bar all\" "
			           "style=\"width:%.2f%%\"></span></span><span class=\"n\">",
			           100.0 * (double)t->week_marketing[n] / (double)top,
			           100.0 * (double)t->week_all[n] / (double)top);
			page_number(p, t->week_marketing[n]);
			buf_cstr(p->b, " <small>(");
			page_number(p, t->week_all[n]);
			buf_cstr(p->b, ")</small></span>");
		}
		buf_cstr(p->b, "</div>");
	}
	buf_cstr(p->b, "</div></section>\n");
}

/* ---- held and why ---- */

static void put_whys(const struct page *p, size_t side)
{
	static const char *const CLASS[] = { "held", "skipped", "dropped" };
	static const char *const FR[] = { "Retenus, envoyés plus tard si possible", "Étapes passées", "Abandonnés" };
	static const char *const EN[] = { "Held, sent later where possible", "Steps passed over", "Dropped" };
	const struct tally *t = p->o->sides[side].tally;
	buf_cstr(p->b, "<div class=\"bars\">");
	for (int w = 0; w < TALLY_WHYS; w++) {
		uint64_t by[REASON_COUNT] = { 0 }, top = 0, all = 0;
		for (size_t i = 0; i < t->set->count; i++)
			for (int r = 0; r < REASON_COUNT; r++)
				by[r] += t->plans[i].why[w][r];
		for (int r = 0; r < REASON_COUNT; r++) {
			top = by[r] > top ? by[r] : top;
			all += by[r];
		}
		buf_cstr(p->b, "<h3>");
		page_tag(p, side);
		buf_printf(p->b, "%s%s ", T(p, FR, EN)[w], T(p, "\u00a0:", ":"));
		page_number(p, all);
		buf_cstr(p->b, "</h3>");
		for (uint64_t bound = UINT64_MAX; top;) { /* the greatest first */
			int best = -1;
			for (int r = 0; r < REASON_COUNT; r++)
				if (by[r] && by[r] < bound && (best < 0 || by[r] > by[best]))
					best = r;
			if (best < 0)
				break;
			for (int r = 0; r < REASON_COUNT; r++) {
				if (by[r] != by[best])
					continue;
				buf_cstr(p->b, "<span>");
				put_reason(p, (enum reason)r);
				buf_printf(p->b, "</span><span class=\"bar %s\" style=\"width:%.2f%%\"></span><span class=\"n\">",
				           CLASS[w], 100.0 * (double)by[r] / (double)top);
				page_number(p, by[r]);
				buf_cstr(p->b, "</span>");
			}
			bound = by[best];
		}
	}
	buf_cstr(p->b, "</div>");
}

/* ---- steps ---- */

static void put_steps(const struct page *p, size_t side)
{
	const struct tally *t = p->o->sides[side].tally;
	buf_printf(p->b, "<details%s><summary>", p->o->side_count == 1 ? " open" : "");
	page_tag(p, side);
	buf_printf(p->b,
	           "%s</summary><div class=\"wide\"><table><thead><tr><th>Plan</th><th>%s</th><th class=\"num\">%s</th><th "
	           "class=\"num\">%s</th><th class=\"num\">%s</th><th class=\"num\">%s</th></tr></thead><tbody>",
	           T(p, "Étape par étape", "Step by step"), T(p, "Étape", "Step"), T(p, "Envoyés", "Sent"),
	           T(p, "Retenus", "Held"), T(p, "Passés", "Passed over"), T(p, "Abandonnés", "Dropped"));
	for (size_t i = 0; i < t->set->count; i++)
		for (uint8_t k = 0; k < t->set->plans[i]->step_count; k++) {
			const struct tally_step *s = &t->plans[i].step[k];
			const struct step *st = &t->set->plans[i]->steps[k];
			if (st->action != STEP_SEND && st->action != STEP_NOTIFY)
				continue;
			buf_cstr(p->b, "<tr><td>");
			if (k == 0)
				buf_html(p->b, title_of(p, t->set->plans[i]));
			buf_cstr(p->b, "</td><td>");
			buf_html(p->b, st->name);
			buf_cstr(p->b, "</td>");
			put_cell(p, s->sent);
			for (int w = 0; w < TALLY_WHYS; w++)
				put_cell(p, s->why[w]);
			buf_cstr(p->b, "</tr>");
		}
	buf_cstr(p->b, "</tbody></table></div></details>\n");
}

/* ---- the whole ---- */

static const char *said_consent(const struct page *p)
{
	return strcmp(p->o->consent, "assume") == 0 ? T(p, "consentements supposés donnés là où l’historique n’en dit rien",
	                                                "consent assumed where the history says nothing")
	                                            : T(p, "consentements tels qu’enregistrés", "consents as recorded");
}

static const char *said_response(const struct page *p)
{
	return strcmp(p->o->response, "none") == 0 ? T(p, "personne n’ouvre ni n’achète de plus que dans l’historique",
	                                               "nobody opens or buys more than history says")
	                                           : T(p, "ouvertures et achats supposés selon les taux de la profession",
	                                               "opens and purchases supposed at the trade’s rates");
}

static void put_head(const struct page *p)
{
	const struct embedded_file *css = embedded_find(report_files, report_file_count, "report.css");
	check(css);
	buf_printf(p->b,
	           "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	           "content=\"width=device-width,initial-scale=1\"><title>",
	           T(p, "fr", "en"));
	buf_cstr(p->b, T(p, "Ce que les plans auraient fait", "What the plans would have done"));
	buf_cstr(p->b, "</title><style>");
	buf_add(p->b, css->data, css->size);
	buf_cstr(p->b, "</style></head><body><main>\n<h1>");
	buf_cstr(p->b, T(p, "Ce que les plans auraient fait", "What the plans would have done"));
	buf_cstr(p->b, "</h1><p class=\"sub\">");
	buf_html(p->b, p->o->shop);
	buf_cstr(p->b, p->o->shop.n ? T(p, ", du ", ", ") : T(p, "Du ", ""));
	page_date(p, p->o->from);
	buf_cstr(p->b, T(p, " au ", " to "));
	page_date(p, p->o->to);
	buf_cstr(p->b, ", ");
	page_number(p, p->o->sides[0].result->customers);
	buf_printf(p->b, "%s %s%s %s.</p>\n", T(p, " clients\u202f;", " customers;"), said_consent(p), T(p, "\u202f;", ";"),
	           said_response(p));
}

void replay_page(const struct page_options *o, struct buf *out)
{
	struct page p = { .b = out, .o = o, .fr = o->locale == LOCALE_FR };
	put_head(&p);
	for (size_t s = 0; s < o->side_count; s++)
		put_answer(&p, s);
	page_volumes(&p);
	put_plans(&p);
	put_channels(&p);
	put_pressure(&p);
	buf_printf(out, "<section><header><h2>%s</h2><p>%s</p></header><div class=\"two\">",
	           T(&p, "Ce qui n’est pas parti, et pourquoi", "What did not leave, and why"),
	           T(&p, "une branche de plan qui n’est pas la bonne compte comme une étape passée",
	             "a branch not taken counts as a step passed over"));
	for (size_t s = 0; s < o->side_count; s++)
		put_whys(&p, s);
	buf_cstr(out, "</div></section>\n<section>");
	for (size_t s = 0; s < o->side_count; s++)
		put_steps(&p, s);
	buf_printf(out, "</section>\n<footer>%s",
	           T(&p,
	             "Rien n’a été envoyé\u00a0: les plans ont été joués sur l’historique. Le coût est celui des envois, "
	             "aux tarifs de la boutique. Même question, même empreinte\u00a0:",
	             "Nothing was sent: the plans were played over the history. The cost is that of sending, at the shop’s "
	             "tariffs. Same question, same hash:"));
	for (size_t s = 0; s < o->side_count; s++) {
		buf_cstr(out, "<br>");
		page_tag(&p, s);
		buf_cstr(out, o->sides[s].result->trace_sha256);
	}
	buf_cstr(out, "</footer></main></body></html>\n");
}
