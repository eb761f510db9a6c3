/* The variants of a plan's steps beside each other, for relance experiment. */
#include "cli/experiment_shop.h"

#include "app/variants.h"

#include <math.h>
#include <stdlib.h>

static const struct plan *plan_of(const struct figures_shop *s, const struct uplift_ask *ask)
{
	return s->plans->plans[s->plans->current[ask->plan]];
}

static void share(struct table *t, int64_t part, int64_t whole)
{
	if (whole > 0)
		table_float(t, (double)part / (double)whole * 100, 2);
	else
		table_null(t);
}

static void amount(struct table *t, int64_t minor, bool known, const struct settings *s)
{
	char text[32];
	if (known)
		table_number(t, str_from(money_plain((struct money){ minor }, s->currency, text)));
	else
		table_null(t);
}

static const char *const ARMS[] = { "step",      "variant", "customers", "opened", "clicked",
	                                "converted", "orders",  "revenue",   "margin" };

static void arm_row(struct table *t, const struct variants *v, int i, const struct settings *s)
{
	const struct uplift_arm *a = &v->arm[i];
	table_text(t, v->step);
	table_text(t, v->name[i]);
	table_int(t, a->customers);
	share(t, v->opened[i], v->knowable[i]);
	share(t, v->clicked[i], v->knowable[i]);
	share(t, a->converted, a->customers);
	table_int(t, a->orders);
	amount(t, a->revenue, true, s);
	amount(t, a->margin - a->message_cost, v->margin_known, s);
}

static void number(struct table *t, double v, bool known, int decimals)
{
	if (known && isfinite(v))
		table_float(t, v, decimals);
	else
		table_null(t);
}

static const char *const COMPARISONS[] = { "step",    "variant",  "against", "outcome", "difference", "low", "high",
	                                       "seq_low", "seq_high", "p",       "p_holm",  "verdict",    "text" };

static void comparison_row(struct table *t, const struct variants *v, int i, int o, const struct experiment_shop *q,
                           const struct settings *s)
{
	const struct comparison *c = &v->outcome[o][i];
	bool known = c->known && (o != UPLIFT_MARGIN || v->margin_known);
	struct finding f;
	variants_finding(v, i, o, s, q->french, &f);
	table_text(t, v->step);
	table_text(t, v->name[i]);
	table_text(t, v->name[0]);
	table_cstr(t, variant_outcome_key(o));
	number(t, c->difference, known, 6);
	number(t, c->low, known, 6);
	number(t, c->high, known, 6);
	number(t, c->seq_low, known && c->seq_known, 6);
	number(t, c->seq_high, known && c->seq_known, 6);
	number(t, c->p_difference, known, 6);
	number(t, v->p_holm[o][i], known, 6);
	table_cstr(t, known ? finding_name(f.kind) : finding_name(FINDING_MISSING));
	table_cstr(t, known ? f.text : "");
}

static bool add_comparisons(struct table *t, const struct experiment_shop *q, const struct figures_shop *s,
                            const struct uplift_ask *ask)
{
	bool any = false;
	struct variants *v = mem_alloc(sizeof *v);
	for (int step = 0; step < plan_of(s, ask)->step_count; step++) {
		if (!variants_make(s, ask, step, v))
			continue;
		any = true;
		for (int i = 1; i < v->count; i++)
			for (int o = 0; o < VARIANT_OUTCOMES; o++)
				comparison_row(t, v, i, o, q, s->settings);
	}
	free(v);
	return any;
}

bool experiment_variants_table(const struct experiment_shop *q, const struct figures_shop *s,
                               const struct uplift_ask *ask)
{
	struct table *t = table_new(COMPARISONS, ARRAY_LEN(COMPARISONS));
	bool any = add_comparisons(t, q, s, ask);
	if (any)
		table_print(t, q->format, stdout);
	table_free(t);
	return any;
}

void experiment_variants_json(const struct experiment_shop *q, const struct figures_shop *s,
                              const struct uplift_ask *ask, struct buf *out)
{
	struct table *arms = table_new(ARMS, ARRAY_LEN(ARMS)), *found = table_new(COMPARISONS, ARRAY_LEN(COMPARISONS));
	struct variants *v = mem_alloc(sizeof *v);
	for (int step = 0; !q->global && step < plan_of(s, ask)->step_count; step++)
		if (variants_make(s, ask, step, v))
			for (int i = 0; i < v->count; i++)
				arm_row(arms, v, i, s->settings);
	if (!q->global)
		add_comparisons(found, q, s, ask);
	buf_cstr(out, "{\"arms\": ");
	table_json(arms, out);
	buf_cstr(out, ", \"comparisons\": ");
	table_json(found, out);
	buf_cstr(out, ", \"correction\": \"Holm\"}");
	table_free(arms);
	table_free(found);
	free(v);
}

/* What decides: margin when it is known, else revenue; and clicks, which come sooner. */
static void verdicts(const struct variants *v, const struct experiment_shop *q, const struct settings *s)
{
	const int outcomes[] = { v->margin_known ? UPLIFT_MARGIN : UPLIFT_REVENUE, VARIANT_CLICKED };
	for (int i = 1; i < v->count; i++)
		for (size_t k = 0; k < ARRAY_LEN(outcomes); k++) {
			struct finding f;
			variants_finding(v, i, outcomes[k], s, q->french, &f);
			printf(q->french ? "%.*s face à %.*s, %s : %s (p = %.3f, Holm)\n"
			                 : "%.*s beside %.*s, %s: %s (p = %.3f, Holm)\n",
			       STR_ARG(v->name[i]), STR_ARG(v->name[0]), variant_outcome_name(outcomes[k], q->french), f.text,
			       v->p_holm[outcomes[k]][i]);
		}
}

void experiment_variants_text(const struct experiment_shop *q, const struct figures_shop *s,
                              const struct uplift_ask *ask)
{
	struct variants *v = mem_alloc(sizeof *v);
	for (int step = 0; step < plan_of(s, ask)->step_count; step++) {
		if (!variants_make(s, ask, step, v))
			continue;
		struct table *t = table_new(ARMS, ARRAY_LEN(ARMS));
		printf(q->french ? "\nvariantes de %.*s%s\n" : "\nvariants of %.*s%s\n", STR_ARG(v->step),
		       !v->srm.known || !v->srm.alarm ? ""
		       : q->french                    ? " : le partage n’est pas celui prévu"
		                                      : ": not split as planned");
		for (int i = 0; i < v->count; i++)
			arm_row(t, v, i, s->settings);
		table_print(t, FORMAT_TABLE, stdout);
		table_free(t);
		verdicts(v, q, s->settings);
	}
	free(v);
}
