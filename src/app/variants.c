#include "app/variants.h"

#include "app/uplift_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const KEYS[] = { "opened", "clicked" };
static const char *const FRENCH[] = { "ouvert", "cliqué" };

const char *variant_outcome_key(int o)
{
	return o < UPLIFT_OUTCOMES ? uplift_outcome_key((enum uplift_outcome)o) : KEYS[o - UPLIFT_OUTCOMES];
}

const char *variant_outcome_name(int o, bool french)
{
	if (o < UPLIFT_OUTCOMES)
		return uplift_outcome_name((enum uplift_outcome)o, french);
	return french ? FRENCH[o - UPLIFT_OUTCOMES] : KEYS[o - UPLIFT_OUTCOMES];
}

struct looking {
	struct making m;
	struct uplift totals; /* of `m`: only blind_revenue is used */
	struct variants *out;
	const struct step *step; /* of the newest version */
	struct thresholds thresholds;
	double expected[VARIANTS_MAX];
	/* opened, clicked: one value per message where that may be known */
	uint8_t *arm;
	double *y[2];
	size_t count, cap[3];
};

/* Which of the newest version's variants the message was; −1: none of them. */
static int variant_of(const struct looking *l, const struct sent *sent)
{
	const struct plan *p = l->m.s->plans->plans[sent->plan];
	const struct step *st = sent->step < p->step_count ? &p->steps[sent->step] : NULL;
	if (!st || !str_eq(st->name, l->step->name) || sent->variant >= st->variant_count || st->variant_count < 2)
		return -1;
	for (int v = 0; v < l->step->variant_count; v++)
		if (str_eq(l->step->variants[v].name, st->variants[sent->variant].name))
			return v;
	return -1;
}

static void expect(struct looking *l, const struct sent *sent)
{
	const struct step *st = &l->m.s->plans->plans[sent->plan]->steps[sent->step];
	double all = 0;
	for (int i = 0; i < st->variant_count; i++)
		all += st->variants[i].weight;
	for (int i = 0; i < st->variant_count; i++)
		for (int v = 0; v < l->step->variant_count && all > 0; v++)
			if (str_eq(l->step->variants[v].name, st->variants[i].name))
				l->expected[v] += st->variants[i].weight / all;
}

static void add_opening(struct looking *l, customer_id c, const struct sent *sent, int v)
{
	if (!figures_may_know(l->m.s->book, l->m.s->version, &l->thresholds, c, sent))
		return;
	bool opened = sent->opened_at || sent->clicked_at, clicked = sent->clicked_at != 0;
	l->arm = mem_grow(l->arm, &l->cap[0], l->count + 1, 1);
	l->y[0] = mem_grow(l->y[0], &l->cap[1], l->count + 1, sizeof *l->y[0]);
	l->y[1] = mem_grow(l->y[1], &l->cap[2], l->count + 1, sizeof *l->y[1]);
	l->arm[l->count] = (uint8_t)v;
	l->y[0][l->count] = opened;
	l->y[1][l->count++] = clicked;
	l->out->knowable[v]++;
	l->out->opened[v] += opened;
	l->out->clicked[v] += clicked;
}

static void add_message(struct looking *l, customer_id c, const struct sent *sent)
{
	const struct uplift_ask *ask = l->m.ask;
	int v = variant_of(l, sent);
	if (v < 0 || sent->at < ask->from.s || (ask->to.s && sent->at >= ask->to.s))
		return;
	if (sent->at + (int64_t)l->out->window_days * DAY_S > l->m.s->now.s) {
		l->out->too_recent++;
		return;
	}
	struct uplift_arm *arm = &l->out->arm[v];
	struct tally t = uplift_tally(&l->m, c, sent->at);
	int64_t cost = (l->m.s->settings->channel_cost[sent->channel] + 500) / 1000;
	uplift_row(&l->m, v, &t, cost);
	expect(l, sent);
	add_opening(l, c, sent, v);
	arm->customers++;
	arm->messages++;
	arm->converted += t.orders > 0;
	arm->orders += t.orders;
	arm->revenue += t.revenue;
	arm->margin += t.margin;
	arm->message_cost += cost;
	if (l->totals.first.s == 0 || sent->at < l->totals.first.s)
		l->totals.first.s = sent->at;
}

static void look_at(struct looking *l, customer_id c)
{
	const struct pstate *state = &l->m.s->states[c];
	const struct plan_set *set = l->m.s->plans;
	const struct sent *first = NULL;
	bool joined = false, several = false;
	for (uint16_t i = 0; i < state->sent_count; i++) {
		const struct sent *sent = &state->sent[i];
		const struct plan *p = set->plans[sent->plan];
		if (set->family[sent->plan] == set->family[l->m.ask->plan] && sent->state == SENT_ACCEPTED &&
		    sent->step < p->step_count && str_eq(p->steps[sent->step].name, l->step->name)) {
			joined |= run_is_joined(sent->run_no);
			several |= first && first->variant != sent->variant;
			if (!first || sent->at < first->at)
				first = sent;
		}
	}
	if (first && !(joined && several)) /* one person by a merge, whose records got different ones: left out */
		add_message(l, c, first);
}

static void compare(struct looking *l)
{
	struct variants *v = l->out;
	double level = l->m.ask->level > 0 ? l->m.ask->level : 0.95, counts[VARIANTS_MAX];
	for (int o = 0; o < VARIANT_OUTCOMES; o++) {
		struct moments arms[VARIANTS_MAX] = { 0 };
		double p[VARIANTS_MAX];
		if (o < UPLIFT_OUTCOMES)
			moments_fold(l->m.e.arm, l->m.e.y[o], l->m.e.x[o], l->m.e.count, v->count, l->m.s->threads, arms);
		else
			moments_fold(l->arm, l->y[o - UPLIFT_OUTCOMES], NULL, l->count, v->count, l->m.s->threads, arms);
		for (int i = 1; i < v->count; i++) {
			experiment_compare(&arms[0], &arms[i], level, v->count - 1, &v->outcome[o][i]);
			p[i - 1] = v->outcome[o][i].known ? v->outcome[o][i].p_difference : 1;
		}
		experiment_holm(p, v->count - 1);
		for (int i = 1; i < v->count; i++)
			v->p_holm[o][i] = p[i - 1];
	}
	for (int i = 0; i < v->count; i++)
		counts[i] = (double)v->arm[i].customers;
	v->srm = experiment_srm(counts, l->expected, v->count);
	v->margin_known = uplift_margin_known(&l->m);
}

bool variants_make(const struct figures_shop *s, const struct uplift_ask *ask, int step, struct variants *out)
{
	const struct plan *p = s->plans->plans[s->plans->current[ask->plan]];
	if (step >= p->step_count || p->steps[step].variant_count < 2)
		return false;
	struct looking *l = mem_alloc(sizeof *l);
	*l = (struct looking){ .m = { .s = s, .ask = ask, .scale = pow(10, s->settings->currency.exponent) },
		                   .out = out,
		                   .step = &p->steps[step],
		                   .thresholds = { .day = zone_date(s->settings->zone, s->now) } };
	l->m.out = &l->totals;
	l->m.products = book_products(s->book, &l->m.product_count);
	*out = (struct variants){ .step = p->steps[step].name,
		                      .count = p->steps[step].variant_count,
		                      .window_days = ask->window_days > 0 ? ask->window_days : UPLIFT_WINDOW_DAYS };
	l->totals.window_days = out->window_days;
	for (int i = 0; i < out->count; i++)
		out->name[i] = p->steps[step].variants[i].name;
	for (customer_id c = 1; s->states && c <= s->version->customers; c++)
		if (figures_is_person(s, c) && (!ask->segment || (ask->segment[c >> 6] >> (c & 63) & 1)))
			look_at(l, c);
	if (l->totals.first.s)
		out->days = (double)(s->now.s - l->totals.first.s) / DAY_S;
	compare(l);
	uplift_rows_release(&l->m.e);
	free(l->arm);
	free(l->y[0]);
	free(l->y[1]);
	free(l);
	return true;
}

void variants_finding(const struct variants *v, int variant, int outcome, const struct settings *settings, bool french,
                      struct finding *out)
{
	check(variant > 0 && variant < v->count && outcome >= 0 && outcome < VARIANT_OUTCOMES);
	struct finding_ask ask = { .days = v->days, .french = french };
	bool euro = str_is(str_from(settings->currency.code), "EUR");
	if (outcome == UPLIFT_REVENUE || outcome == UPLIFT_MARGIN)
		ask.unit = euro ? "€" : settings->currency.code;
	else if (outcome == UPLIFT_CONVERSION)
		ask.unit = french ? "acheteurs" : "buyers";
	else if (outcome == UPLIFT_ORDERS)
		ask.unit = french ? "commandes" : "orders";
	else if (outcome == VARIANT_OPENED)
		ask.unit = french ? "ouvertures" : "opens";
	else
		ask.unit = french ? "clics" : "clicks";
	experiment_finding(&v->outcome[outcome][variant], &v->srm, &ask, out);
	if (out->kind == FINDING_MISSING) /* its sentence speaks of a control group */
		snprintf(out->text, sizeof out->text, "%s",
		         french ? "trop peu de messages ou de résultats pour distinguer les variantes"
		                : "too few messages or outcomes to tell the variants apart");
}
