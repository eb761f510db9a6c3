/* What a plan brought beside its control group, and its variants beside each other. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/variants.h"

#include <math.h>
#include <stdio.h>

static void put_known(struct buf *b, const char *key, double v, bool known)
{
	if (known && isfinite(v))
		put_real(b, key, v);
	else
		put_null(b, key);
}

/* Money outcomes in minor units, others as they are; per customer, and in total over the treated. */
static void put_comparison(struct request *r, const struct comparison *c, bool known, bool money,
                           const struct finding *f)
{
	struct buf *b = &r->out;
	double unit = money ? pow(10, r->web->settings->currency.exponent) : 1, n = unit * c->treated_n;
	bool seq = known && c->seq_known;
	put_known(b, "control_mean", c->control_mean * unit, known);
	put_known(b, "treated_mean", c->treated_mean * unit, known);
	put_known(b, "difference", c->difference * unit, known);
	put_known(b, "low", c->low * unit, known);
	put_known(b, "high", c->high * unit, known);
	put_known(b, "seq_low", c->seq_low * unit, seq);
	put_known(b, "seq_high", c->seq_high * unit, seq);
	put_known(b, "total", c->difference * n, known);
	put_known(b, "total_low", c->seq_low * n, seq);
	put_known(b, "total_high", c->seq_high * n, seq);
	put_known(b, "p", c->p_difference, known);
	put_known(b, "cuped_variance_cut", c->variance_cut, known && c->cuped);
	put_cstr(b, "verdict", finding_name(f->kind));
	put_cstr(b, "text", f->text);
}

static bool is_money(int o)
{
	return o == UPLIFT_REVENUE || o == UPLIFT_MARGIN;
}

static void put_arm(struct buf *b, const char *key, const struct uplift_arm *a)
{
	put_open(b, key, '{');
	put_int(b, "customers", a->customers);
	put_int(b, "converted", a->converted);
	put_int(b, "orders", a->orders);
	put_int(b, "revenue", a->revenue);
	put_int(b, "messages", a->messages);
	put_int(b, "message_cost", a->message_cost);
	put_close(b, '}');
}

static void margin_unknown(bool french, struct finding *f)
{
	*f = (struct finding){ .kind = FINDING_MISSING };
	snprintf(f->text, sizeof f->text, "%s",
	         french ? "le coût des produits vendus manque" : "products sold have no cost");
}

static void put_outcomes(struct request *r, const struct uplift *u)
{
	struct buf *b = &r->out;
	bool french = request_locale(r) == LOCALE_FR;
	put_open(b, "outcomes", '[');
	for (int o = 0; o < UPLIFT_OUTCOMES; o++) {
		struct finding f;
		bool known = u->outcome[o].known && (o != UPLIFT_MARGIN || u->margin_known);
		uplift_finding(u, (enum uplift_outcome)o, r->web->settings, french, &f);
		if (o == UPLIFT_MARGIN && !u->margin_known)
			margin_unknown(french, &f);
		put_open(b, NULL, '{');
		put_cstr(b, "outcome", uplift_outcome_key((enum uplift_outcome)o));
		put_cstr(b, "name", uplift_outcome_name((enum uplift_outcome)o, french));
		put_cstr(b, "unit", is_money(o) ? "money" : o == UPLIFT_CONVERSION ? "share" : "count");
		put_comparison(r, &u->outcome[o], known, is_money(o), &f);
		put_close(b, '}');
	}
	put_close(b, ']');
}

static void put_variant(struct request *r, const struct variants *v, int i)
{
	struct buf *b = &r->out;
	bool french = request_locale(r) == LOCALE_FR;
	put_open(b, NULL, '{');
	put_str(b, "variant", v->name[i]);
	put_int(b, "customers", v->arm[i].customers);
	put_int(b, "opens_knowable", v->knowable[i]);
	put_int(b, "opened", v->opened[i]);
	put_int(b, "clicked", v->clicked[i]);
	put_int(b, "converted", v->arm[i].converted);
	put_int(b, "orders", v->arm[i].orders);
	put_int(b, "revenue", v->arm[i].revenue);
	put_open(b, "beside_first", '[');
	for (int o = 0; i > 0 && o < VARIANT_OUTCOMES; o++) {
		struct finding f;
		bool known = v->outcome[o][i].known && (o != UPLIFT_MARGIN || v->margin_known);
		variants_finding(v, i, o, r->web->settings, french, &f);
		put_open(b, NULL, '{');
		put_cstr(b, "outcome", variant_outcome_key(o));
		put_cstr(b, "name", variant_outcome_name(o, french));
		put_comparison(r, &v->outcome[o][i], known, is_money(o), &f);
		put_known(b, "p_holm", v->p_holm[o][i], known);
		put_close(b, '}');
	}
	put_close(b, ']');
	put_close(b, '}');
}

static void put_variants(struct request *r, const struct figures_shop *s, const struct uplift_ask *ask)
{
	struct buf *b = &r->out;
	struct variants *v = arena_new(&r->arena, struct variants);
	const struct plan *p = s->plans->plans[s->plans->current[ask->plan]];
	put_open(b, "variants", '[');
	for (int step = 0; step < p->step_count; step++) {
		if (!variants_make(s, ask, step, v))
			continue;
		put_open(b, NULL, '{');
		put_str(b, "step", v->step);
		put_known(b, "srm_p", v->srm.p, v->srm.known);
		put_bool(b, "srm_alarm", v->srm.known && v->srm.alarm);
		put_open(b, "arms", '[');
		for (int i = 0; i < v->count; i++)
			put_variant(r, v, i);
		put_close(b, ']');
		put_close(b, '}');
	}
	put_close(b, ']');
}

static bool read_ask(struct request *r, const struct plan_set *set, struct uplift_ask *ask)
{
	const char *window = request_query(r, "window"), *from = request_query(r, "from"), *to = request_query(r, "to");
	int64_t days = 0;
	struct date d;
	*ask = (struct uplift_ask){ .plan = PLANS_MAX, .margin_per_mille = -1 };
	for (uint16_t i = 0; i < set->count; i++)
		if (set->family[i] == i && str_eq(set->plans[i]->name, r->args[0]))
			ask->plan = i;
	if (ask->plan == PLANS_MAX) {
		request_problem(r, 404, "no plan of that name was ever switched on");
		return false;
	}
	if (window && (!str_i64(str_from(window), &days) || days < 1 || days > 3650)) {
		request_problem(r, 422, "\"window\" is a number of days, 1 to 3650");
		return false;
	}
	ask->window_days = (int)days;
	const char *texts[] = { from, to };
	struct instant *instants[] = { &ask->from, &ask->to };
	for (int i = 0; i < 2; i++) {
		if (texts[i] && !date_parse(str_from(texts[i]), &d)) {
			request_problem(r, 422, "\"from\" and \"to\" are dates such as 2026-12-31");
			return false;
		}
		if (texts[i])
			*instants[i] = zone_instant(r->web->settings->zone, d, 0);
	}
	return true;
}

void on_experiment(struct request *r)
{
	struct buf *b = &r->out;
	struct figures_shop s;
	struct uplift_ask ask;
	struct uplift *u = arena_new(&r->arena, struct uplift);
	if (!request_figures(r, &s) || !read_ask(r, s.plans, &ask))
		return;
	uplift_make(&s, &ask, u);
	put_open(b, NULL, '{');
	put_str(b, "plan", s.plans->plans[ask.plan]->name);
	put_int(b, "window_days", u->window_days);
	put_int(b, "too_recent", u->too_recent);
	put_arm(b, "control", &u->arm[UPLIFT_CONTROL]);
	put_arm(b, "treated", &u->arm[UPLIFT_TREATED]);
	put_real(b, "planned_control", u->planned_control);
	put_known(b, "srm_p", u->srm.p, u->srm.known);
	put_bool(b, "srm_alarm", u->srm.known && u->srm.alarm);
	put_bool(b, "margin_known", u->margin_known);
	put_outcomes(r, u);
	put_variants(r, &s, &ask);
	put_close(b, '}');
	request_send_json(r, 200);
}
