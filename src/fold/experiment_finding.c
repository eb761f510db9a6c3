/* The verdict. The always-valid interval decides, unless the experiment is looked at once at its planned end.
 *
 * "How much longer": the standard error shrinks with the square root of the customers, so the smallest factor f is
 * sought at which an effect of today's size would be outside f's interval; f − 1 times the time run so far is still to
 * wait. It is a rule of thumb from today's estimate, hence "about". */
#include "fold/experiment.h"

#include "base/buf.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NARROW "\xE2\x80\xAF" /* U+202F */

static const double WEEKS_MAX = 104;

const char *finding_name(enum finding_kind k)
{
	switch (k) {
	case FINDING_BROUGHT: return "brought";
	case FINDING_LOST: return "lost";
	case FINDING_NOT_WORTH: return "not_worth_its_cost";
	case FINDING_OPEN: return "not_yet_known";
	case FINDING_MISSING: return "missing";
	case FINDING_BROKEN: return "broken_split";
	}
	return "";
}

/* 1,240 or 1 240; under 100 with the decimals that matter */
static void number(struct buf *b, double v, bool french)
{
	char plain[64];
	double size = fabs(v);
	snprintf(plain, sizeof plain, "%.*f", size >= 99.5 || size == floor(size) ? 0 : size >= 9.95 ? 1 : 2, size);
	size_t whole = strcspn(plain, ".");
	if (v < 0 && strspn(plain, "0.") != strlen(plain))
		buf_cstr(b, "−");
	for (size_t i = 0; plain[i]; i++) {
		if (i > 0 && i < whole && (whole - i) % 3 == 0)
			buf_cstr(b, french ? NARROW : ",");
		if (plain[i] == '.')
			buf_char(b, french ? ',' : '.');
		else
			buf_char(b, plain[i]);
	}
}

static void amount(struct buf *b, double v, const struct finding_ask *ask)
{
	number(b, v, ask->french);
	buf_cstr(b, ask->french ? NARROW : " ");
	buf_cstr(b, ask->unit);
}

static double radius(const struct comparison *c, double factor, bool once)
{
	double alpha = 1 - c->level, customers = (c->control_n + c->treated_n) * factor;
	double wide = once ? gsl_cdf_tdist_Qinv(alpha / 2, c->df * factor) : experiment_sequential_factor(customers, alpha);
	return wide * c->se / sqrt(factor);
}

/* How many times today's customers are needed; INFINITY when more than 10,000 times. */
static double needed(const struct comparison *c, double margin, bool once)
{
	double near = 1, far = 1;
	margin = fabs(margin);
	while (radius(c, far, once) > margin) {
		near = far;
		far *= 2;
		if (far > 1e4)
			return INFINITY;
	}
	for (int i = 0; i < 40; i++) {
		double mid = 0.5 * (near + far);
		if (radius(c, mid, once) > margin)
			near = mid;
		else
			far = mid;
	}
	return far;
}

static void open_text(const struct comparison *c, const struct finding_ask *ask, double threshold, struct finding *v,
                      struct buf *b)
{
	double factor = needed(c, c->difference - threshold, ask->once);
	if (!ask->once && !c->seq_known) /* too early to look: first the events */
		factor = fmax(factor, c->look_factor);
	v->weeks = v->customers = -1;
	bool fr = ask->french;
	buf_cstr(b, fr ? "on ne sait pas encore" NARROW ": " : "not yet known: ");
	if (isfinite(factor)) {
		v->customers = ceil((factor - 1) * (c->control_n + c->treated_n));
		if (ask->days > 0)
			v->weeks = fmax(1, ceil((factor - 1) * ask->days / 7));
	}
	if (v->weeks > 0 && v->weeks <= WEEKS_MAX) {
		buf_printf(b, fr ? "encore environ %.0f semaine%s" : "about %.0f more week%s", v->weeks,
		           v->weeks > 1 ? "s" : "");
	} else if (v->weeks > WEEKS_MAX || v->customers < 0) {
		buf_cstr(b, fr ? "à ce rythme il faudrait plus de deux ans, l’effet est donc petit s’il existe"
		               : "at this pace it would take more than two years, so the effect, if any, is small");
		v->weeks = -1;
	} else {
		buf_cstr(b, fr ? "il faudrait environ " : "about ");
		number(b, v->customers, fr);
		buf_cstr(b, fr ? " clients de plus" : " more customers");
	}
}

static void missing_text(const struct comparison *c, bool french, struct buf *b)
{
	if (!french) {
		buf_printf(b, "not known: %s", c->why);
		return;
	}
	buf_cstr(b, "on ne peut rien dire" NARROW ": ");
	if (c->control_n < EXPERIMENT_ARM_MIN)
		buf_printf(b, "le groupe témoin compte %.0f client%s, il en faut au moins %d", c->control_n,
		           c->control_n >= 2 ? "s" : "", EXPERIMENT_ARM_MIN);
	else if (c->treated_n < EXPERIMENT_ARM_MIN)
		buf_printf(b, "le groupe contacté compte %.0f client%s, il en faut au moins %d", c->treated_n,
		           c->treated_n >= 2 ? "s" : "", EXPERIMENT_ARM_MIN);
	else
		buf_cstr(b, "trop peu de résultats différents pour distinguer un effet du hasard");
}

static void decided_text(const struct finding_ask *ask, struct finding *v, struct buf *b)
{
	bool fr = ask->french;
	if (v->kind == FINDING_NOT_WORTH) {
		buf_cstr(b, fr ? "aucun effet qui vaille son coût" : "no effect worth its cost");
		return;
	}
	if (v->kind == FINDING_BROUGHT)
		buf_cstr(b, fr ? "a rapporté " : "brought ");
	else
		buf_cstr(b, fr ? "a fait perdre " : "lost ");
	amount(b, fabs(v->total), ask);
	buf_cstr(b, fr ? NARROW "±" NARROW : " ± ");
	number(b, v->plus_minus, fr);
}

void experiment_finding(const struct comparison *c, const struct srm *srm, const struct finding_ask *ask,
                        struct finding *v)
{
	struct buf b;
	memset(v, 0, sizeof *v);
	buf_init(&b, sizeof v->text - 1);
	v->weeks = v->customers = -1;
	if (srm && srm->known && srm->alarm) {
		v->kind = FINDING_BROKEN;
		buf_cstr(&b, ask->french
		                 ? "le partage entre les groupes n’est pas celui prévu" NARROW
		                   ": les chiffres ne prouvent rien tant "
		                   "que la cause n’est pas trouvée"
		                 : "the groups were not split as planned: the figures prove nothing until the cause is found");
	} else if (!c->known) {
		v->kind = FINDING_MISSING;
		missing_text(c, ask->french, &b);
	} else {
		double low = (ask->once ? c->low : c->seq_low) * c->treated_n - ask->cost;
		double high = (ask->once ? c->high : c->seq_high) * c->treated_n - ask->cost;
		bool costs = ask->cost > 0 || ask->worth > 0;
		v->total = c->difference * c->treated_n - ask->cost;
		v->plus_minus = 0.5 * (high - low);
		if (!ask->once && !c->seq_known)
			v->kind = FINDING_OPEN;
		else if (low > ask->worth && low > 0)
			v->kind = FINDING_BROUGHT;
		else if (costs && high < fmax(ask->worth, 0))
			v->kind = FINDING_NOT_WORTH;
		else if (!costs && high < 0)
			v->kind = FINDING_LOST;
		else
			v->kind = FINDING_OPEN;
		if (v->kind == FINDING_OPEN)
			open_text(c, ask, (ask->cost + ask->worth) / c->treated_n, v, &b);
		else
			decided_text(ask, v, &b);
	}
	struct str text = buf_view(&b);
	memcpy(v->text, text.p, text.n);
	v->text[text.n] = '\0';
	buf_release(&b);
}
