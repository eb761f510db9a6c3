#include "cli/experiment_shop.h"

#include "app/people.h"
#include "app/uplift.h"

#include <math.h>
#include <time.h>

bool experiment_is_shop(const char *name)
{
	struct str s = str_from(name);
	return str_ends(s, STR(".db")) || str_starts(s, STR("postgresql://")) || str_starts(s, STR("postgres://"));
}

/* The plan of this name, any version; an error that names those there are. */
static bool find_plan(const struct plan_set *set, const char *name, uint16_t *out, struct err *err)
{
	const char *names[PLANS_MAX];
	char text[PLANS_MAX > 64 ? 64 : PLANS_MAX][PLAN_NAME_MAX + 1];
	size_t count = 0;
	for (uint16_t i = 0; i < set->count; i++) {
		if (set->family[i] == i && str_is(set->plans[i]->name, name)) {
			*out = i;
			return true;
		}
		if (set->family[i] == i && count < ARRAY_LEN(text)) {
			snprintf(text[count], sizeof text[count], "%.*s", STR_ARG(set->plans[i]->name));
			names[count] = text[count];
			count++;
		}
	}
	if (count == 0)
		return err_set(err, ERR_INPUT, "no plan was ever switched on: relance plan on DB PLAN.yaml");
	const char *near = str_nearest(str_from(name), names, count, 6);
	return err_set(err, ERR_INPUT, "no plan \"%s\" was ever switched on%s%s%s", name, near ? "; did you mean \"" : "",
	               near ? near : "", near ? "\"?" : "");
}

static bool read_day(const char *text, const char *option, zone_id zone, struct instant *out, struct err *err)
{
	struct date d;
	if (!text)
		return true;
	if (!date_parse(str_from(text), &d))
		return err_set(err, ERR_INPUT, "%s: \"%s\" is not a date; write 2024-03-01", option, text);
	*out = zone_instant(zone, d, 0);
	return true;
}

/* ---- printing ---- */

static void number(struct table *t, double v, bool known, int decimals)
{
	if (known && isfinite(v))
		table_float(t, v, decimals);
	else
		table_null(t);
}

static bool outcome_known(const struct uplift *u, int o)
{
	return u->outcome[o].known && (o != UPLIFT_MARGIN || u->margin_known);
}

static void margin_unknown(const struct experiment_shop *q, struct finding *f)
{
	*f = (struct finding){ .kind = FINDING_MISSING, .weeks = -1, .customers = -1 };
	snprintf(f->text, sizeof f->text, "%s",
	         q->french ? "Pas connu\u00a0: le coût des produits vendus manque\u202f; l’importer avec le catalogue, ou "
	                     "donner --margin."
	                   : "Not known: products sold have no cost; import it with the catalogue, or give --margin.");
}

static void finding_of(const struct experiment_shop *q, const struct uplift *u, int o, const struct settings *s,
                       struct finding *f)
{
	if (o == UPLIFT_MARGIN && !u->margin_known)
		margin_unknown(q, f);
	else
		uplift_finding(u, (enum uplift_outcome)o, s, q->french, f);
}

static void outcome_row(struct table *t, const struct experiment_shop *q, const struct uplift *u, int o,
                        const struct settings *s)
{
	const struct comparison *c = &u->outcome[o];
	struct finding f;
	bool known = outcome_known(u, o), seq = known && c->seq_known, means = o != UPLIFT_MARGIN || u->margin_known;
	finding_of(q, u, o, s, &f);
	table_cstr(t, q->format == FORMAT_TABLE ? uplift_outcome_name((enum uplift_outcome)o, q->french)
	                                        : uplift_outcome_key((enum uplift_outcome)o));
	number(t, c->control_mean, means && c->control_n > 0, 4);
	number(t, c->treated_mean, means && c->treated_n > 0, 4);
	number(t, c->difference, known, 4);
	number(t, c->low, known, 4);
	number(t, c->high, known, 4);
	number(t, c->seq_low, seq, 4);
	number(t, c->seq_high, seq, 4);
	number(t, c->difference * c->treated_n, known, 2);
	number(t, c->seq_low * c->treated_n, seq, 2);
	number(t, c->seq_high * c->treated_n, seq, 2);
	if (q->format != FORMAT_TABLE) {
		number(t, c->lift, known && c->lift_known, 6);
		number(t, c->p_difference, known, 6);
		number(t, c->variance_cut, known && c->cuped, 4);
		table_cstr(t, finding_name(f.kind));
	}
	table_cstr(t, f.text);
}

static struct table *outcomes(const struct experiment_shop *q, const struct uplift *u, const struct settings *s)
{
	static const char *const FULL[] = {
		"outcome", "control_mean",       "treated_mean", "difference", "low",        "high",
		"seq_low", "seq_high",           "total",        "total_low",  "total_high", "lift",
		"p",       "cuped_variance_cut", "verdict",      "text"
	};
	static const char *const SHORT[] = { "outcome", "control_mean", "treated_mean", "difference",
		                                 "low",     "high",         "seq_low",      "seq_high",
		                                 "total",   "total_low",    "total_high",   "verdict" };
	struct table *t = q->format == FORMAT_TABLE ? table_new(SHORT, ARRAY_LEN(SHORT)) : table_new(FULL, ARRAY_LEN(FULL));
	for (int o = 0; o < UPLIFT_OUTCOMES; o++)
		outcome_row(t, q, u, o, s);
	return t;
}

static void arm_json(struct buf *b, const char *name, const struct uplift_arm *a, const struct settings *s)
{
	char revenue[32], cost[32];
	buf_printf(
		b,
		"\"%s\": {\"customers\": %lld, \"converted\": %lld, \"orders\": %lld, \"revenue\": %s, \"messages\": %lld, "
		"\"message_cost\": %s}",
		name, (long long)a->customers, (long long)a->converted, (long long)a->orders,
		money_plain((struct money){ a->revenue }, s->currency, revenue), (long long)a->messages,
		money_plain((struct money){ a->message_cost }, s->currency, cost));
}

static void print_json(const struct experiment_shop *q, const struct uplift *u, const struct settings *s,
                       struct table *t, const struct figures_shop *shop, const struct uplift_ask *ask)
{
	struct buf b;
	struct finding f;
	buf_init(&b, 4 << 20);
	finding_of(q, u, u->margin_known ? UPLIFT_MARGIN : UPLIFT_REVENUE, s, &f);
	buf_cstr(&b, "{\"plan\": ");
	buf_json(&b, q->global ? STR("(all plans)") : str_from(q->plan));
	buf_printf(&b, ", \"window_days\": %d, \"too_recent\": %lld, \"margin_known\": %s, ", u->window_days,
	           (long long)u->too_recent, u->margin_known ? "true" : "false");
	arm_json(&b, "control", &u->arm[UPLIFT_CONTROL], s);
	buf_cstr(&b, ", ");
	arm_json(&b, "treated", &u->arm[UPLIFT_TREATED], s);
	buf_printf(&b, ", \"planned_control\": %.6f, \"srm_p\": ", u->planned_control);
	if (u->srm.known)
		buf_printf(&b, "%.9g", u->srm.p);
	else
		buf_cstr(&b, "null");
	buf_printf(&b, ", \"srm_alarm\": %s, \"verdict\": \"%s\", \"text\": ", u->srm.alarm ? "true" : "false",
	           finding_name(f.kind));
	buf_json(&b, str_from(f.text));
	buf_cstr(&b, ", \"outcomes\": ");
	table_json(t, &b);
	buf_cstr(&b, ", \"variants\": ");
	experiment_variants_json(q, shop, ask, &b);
	buf_cstr(&b, "}\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static void print_text(const struct experiment_shop *q, const struct uplift *u, const struct settings *s)
{
	const struct uplift_arm *c = &u->arm[UPLIFT_CONTROL], *t = &u->arm[UPLIFT_TREATED];
	struct finding f;
	finding_of(q, u, u->margin_known ? UPLIFT_MARGIN : UPLIFT_REVENUE, s, &f);
	printf("%s\n\n", f.text);
	printf(q->french
	           ? "%lld clients contactés, %lld témoins, suivis %d jours\u202f; %lld entrés trop récemment\n"
	           : "%lld customers treated, %lld in the control group, followed for %d days; %lld entered too recently\n",
	       (long long)t->customers, (long long)c->customers, u->window_days, (long long)u->too_recent);
	if (u->srm.known)
		printf(q->french ? "partage prévu\u00a0: %.1f %% de témoins\u202f; p = %.4f%s\n"
		                 : "planned split: %.1f %% control; p = %.4f%s\n",
		       100 * u->planned_control, u->srm.p,
		       !u->srm.alarm ? ""
		       : q->french   ? " : ce n’est pas le partage prévu"
		                     : ": not what was planned");
	if (u->outcome[UPLIFT_REVENUE].cuped)
		printf(q->french ? "les achats d’avant l’entrée enlèvent %.0f %% du bruit (CUPED)\n"
		                 : "spend before entry takes away %.0f %% of the noise (CUPED)\n",
		       100 * u->outcome[UPLIFT_REVENUE].variance_cut);
	puts(q->french ? "difference\u00a0: par client\u202f; total\u00a0: sur les clients contactés\u202f; seq\u00a0: "
	                 "valable quel que soit le "
	                 "moment où l’on "
	                 "regarde\n"
	               : "difference: per customer; total: over the treated; seq: holds whenever one looks\n");
}

static bool check_global(const struct experiment_shop *q, const struct settings *s, struct err *err)
{
	if (s->global_control_per_million == 0)
		return err_set(err, ERR_INPUT,
		               "there is no global control group: set control.global to some per cent, then wait for a while");
	return q->from ||
	       err_set(err, ERR_INPUT, "--global: since when? give --from DATE, the day the group was set up or later");
}

static bool show(const struct experiment_shop *q, const struct live *l, const struct people *p, struct err *err)
{
	struct figures_shop s;
	struct uplift u;
	struct uplift_ask ask = { .window_days = (int)q->window_days,
		                      .level = q->level,
		                      .margin_per_mille = q->margin < 0 ? -1 : (int64_t)(q->margin * 10 + 0.5) };
	const struct settings *settings = &live_shop(l)->settings;
	ask.global = q->global;
	if (!(q->global ? check_global(q, settings, err) : find_plan(live_plans(l), q->plan, &ask.plan, err)) ||
	    !read_day(q->from, "--from", settings->zone, &ask.from, err) ||
	    !read_day(q->to, "--to", settings->zone, &ask.to, err))
		return false;
	figures_shop_of(l, p->ref, p->ids, (struct instant){ (int64_t)time(NULL) }, &s);
	if (q->variants) {
		bool any = experiment_variants_table(q, &s, &ask);
		book_unpin(live_shop(l)->book, s.version);
		return any || err_set(err, ERR_INPUT, "no step of plan \"%s\" has variants", q->plan);
	}
	uplift_make(&s, &ask, &u);
	struct table *t = outcomes(q, &u, settings);
	if (q->format == FORMAT_JSON) {
		print_json(q, &u, settings, t, &s, &ask);
	} else {
		if (q->format == FORMAT_TABLE)
			print_text(q, &u, settings);
		table_print(t, q->format, stdout);
		if (q->format == FORMAT_TABLE && !q->global)
			experiment_variants_text(q, &s, &ask);
	}
	table_free(t);
	book_unpin(live_shop(l)->book, s.version);
	return true;
}

int experiment_shop_run(const struct experiment_shop *q)
{
	struct err err;
	struct people p;
	struct live *l = live_open_to_look(q->address, INSTANT_NEVER, &err);
	if (!l)
		return cli_fail(&err);
	bool ok = people_load(live_shop(l), &p, &err);
	if (ok) {
		ok = show(q, l, &p, &err);
		people_release(&p);
	}
	live_close(l);
	return ok ? EXIT_DONE : cli_fail(&err);
}
