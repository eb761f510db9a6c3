/* Every formula of the key figures, once. */
#include "fold/kpi.h"

#include <stddef.h>

void kpi_input_init(struct kpi_input *i)
{
	int64_t *count = (int64_t *)i;
	for (size_t k = 0; k < sizeof *i / sizeof *count; k++)
		count[k] = KPI_UNKNOWN;
}

_Static_assert(sizeof(struct kpi_input) % sizeof(int64_t) == 0, "all counts are int64_t");

static struct kpi_value known(double value)
{
	return (struct kpi_value){ .known = true, .value = value };
}

static struct kpi_value unknown(const char *fr, const char *en)
{
	return (struct kpi_value){ .why_fr = fr, .why_en = en };
}

static struct kpi_value missing(void)
{
	return unknown("ces données ne sont pas encore dans la boutique", "the shop holds no such data yet");
}

/* one ÷ other × scale; `fr`, `en` say what is missing when the divisor is 0 */
static struct kpi_value quotient(int64_t one, int64_t other, double scale, const char *fr, const char *en)
{
	if (one == KPI_UNKNOWN || other == KPI_UNKNOWN)
		return missing();
	if (other <= 0)
		return unknown(fr, en);
	return known((double)one / (double)other * scale);
}

static struct kpi_value sum(int64_t v)
{
	return v == KPI_UNKNOWN ? missing() : known((double)v);
}

#define NO_ORDER    "aucune commande sur la période", "no order in the period"
#define NO_CUSTOMER "aucun client sur la période", "no customer in the period"

static struct kpi_value cross_sell_rate(const struct kpi_input *i)
{
	return quotient(i->orders_complement, i->orders, 100, NO_ORDER);
}

/* (mean basket with cross-sell − without) ÷ without, in per cent */
static struct kpi_value basket_uplift(const struct kpi_input *i)
{
	if (i->orders == KPI_UNKNOWN || i->orders_complement == KPI_UNKNOWN || i->order_value == KPI_UNKNOWN ||
	    i->order_value_complement == KPI_UNKNOWN)
		return missing();
	int64_t plain = i->orders - i->orders_complement;
	if (i->orders_complement <= 0)
		return unknown("aucune commande avec un produit complémentaire", "no order with a complementary product");
	if (plain <= 0)
		return unknown("aucune commande sans produit complémentaire\u00a0: rien à quoi comparer",
		               "no order without a complementary product: nothing to compare with");
	double with = (double)i->order_value_complement / (double)i->orders_complement;
	double without = (double)(i->order_value - i->order_value_complement) / (double)plain;
	if (!(without > 0))
		return unknown("les commandes sans produit complémentaire ne valent rien",
		               "orders without a complementary product are "
		               "worth nothing");
	return known((with - without) / without * 100);
}

static struct kpi_value attach_rate(const struct kpi_input *i)
{
	return quotient(i->accounts_attached, i->accounts_eligible, 100, "aucun compte éligible", "no eligible account");
}

static struct kpi_value add_on_arr(const struct kpi_input *i)
{
	return i->add_on_mrr == KPI_UNKNOWN ? missing() : known(12.0 * (double)i->add_on_mrr);
}

static struct kpi_value add_on_mrr(const struct kpi_input *i)
{
	return sum(i->add_on_mrr);
}

static struct kpi_value conversion(const struct kpi_input *i)
{
	return quotient(i->prospects_sold, i->prospects, 100, "aucun prospect sur la période", "no prospect in the period");
}

/* (customers at end − new customers) ÷ customers at start × 100 */
static struct kpi_value retention(const struct kpi_input *i)
{
	if (i->customers_end == KPI_UNKNOWN || i->new_customers == KPI_UNKNOWN || i->customers_start == KPI_UNKNOWN)
		return missing();
	return quotient(i->customers_end - i->new_customers, i->customers_start, 100, "aucun client au début de la période",
	                "no customer at the start of the period");
}

static struct kpi_value objective_attainment(const struct kpi_input *i)
{
	return quotient(i->objective_reached, i->objective_set, 100, "aucun objectif fixé", "no objective set");
}

static struct kpi_value acceptance_rate(const struct kpi_input *i)
{
	return quotient(i->proposals_accepted, i->proposals, 100, "aucune proposition faite", "no proposal made");
}

static struct kpi_value cross_sell_delay(const struct kpi_input *i)
{
	return quotient(i->cross_sell_delay_days, i->cross_sell_firsts, 1, "aucune première vente croisée sur la période",
	                "no first cross-sell in the period");
}

static struct kpi_value add_on_churn(const struct kpi_input *i)
{
	return quotient(i->add_ons_ended, i->add_ons_start, 100, "aucune option en cours au début de la période",
	                "no add-on running at the start of the period");
}

/* (margin per treated customer − per control customer) × treated − cost */
static struct kpi_value incremental_margin(const struct kpi_input *i)
{
	if (i->treated == KPI_UNKNOWN || i->control == KPI_UNKNOWN || i->treated_margin == KPI_UNKNOWN ||
	    i->control_margin == KPI_UNKNOWN || i->treated_cost == KPI_UNKNOWN)
		return missing();
	if (i->treated <= 0 || i->control <= 0)
		return unknown("sans groupe témoin, l’apport n’est pas mesurable",
		               "without a control group the increment cannot be measured");
	double per_control = (double)i->control_margin / (double)i->control;
	return known((double)i->treated_margin - per_control * (double)i->treated - (double)i->treated_cost);
}

static struct kpi_value revenue(const struct kpi_input *i)
{
	return sum(i->revenue);
}

static struct kpi_value revenue_per_customer(const struct kpi_input *i)
{
	return quotient(i->revenue, i->buyers, 1, NO_CUSTOMER);
}

static struct kpi_value new_customers(const struct kpi_input *i)
{
	return sum(i->new_customers);
}

static struct kpi_value mean_basket(const struct kpi_input *i)
{
	return quotient(i->order_value, i->orders, 1, NO_ORDER);
}

static struct kpi_value time_to_convert(const struct kpi_input *i)
{
	return quotient(i->convert_days, i->converted, 1, "personne n’est passé de prospect à client",
	                "nobody turned from prospect to customer");
}

static struct kpi_value sales_cycle(const struct kpi_input *i)
{
	return quotient(i->cycle_days, i->deals_won, 1, "aucune affaire gagnée sur la période",
	                "no deal won in the period");
}

static struct kpi_value cac(const struct kpi_input *i)
{
	return quotient(i->acquisition_cost, i->new_customers, 1, "aucun nouveau client sur la période",
	                "no new customer in the period");
}

static struct kpi_value clv(const struct kpi_input *i)
{
	return quotient(i->forecast_value, i->forecast_customers, 1, "aucun client à qui prévoir des commandes",
	                "no customer to forecast for");
}

#define NO_DELIVERY                                                                                                    \
	"aucun message remis à des personnes dont l’ouverture peut être connue",                                           \
		"no message delivered where opens may be known"

static struct kpi_value open_rate(const struct kpi_input *i)
{
	return quotient(i->opened, i->delivered_knowable, 100, NO_DELIVERY);
}

static struct kpi_value click_rate(const struct kpi_input *i)
{
	return quotient(i->clicked, i->delivered_knowable, 100, NO_DELIVERY);
}

static struct kpi_value carts_abandoned(const struct kpi_input *i)
{
	return quotient(i->carts_abandoned, i->carts, 100, "aucun panier sur la période", "no cart in the period");
}

static struct kpi_value arpa(const struct kpi_input *i)
{
	return quotient(i->recurring_revenue, i->accounts, 1, "aucun compte avec un revenu récurrent",
	                "no account with recurring revenue");
}

static struct kpi_value web_conversion(const struct kpi_input *i)
{
	return quotient(i->web_orders, i->web_visits, 100, "aucune visite du site sur la période",
	                "no web visit in the period");
}

static struct kpi_value sales_volume(const struct kpi_input *i)
{
	return sum(i->quantity);
}

static struct kpi_value qualified_conversion(const struct kpi_input *i)
{
	return quotient(i->leads_qualified_won, i->leads_qualified, 100, "aucun prospect qualifié sur la période",
	                "no qualified lead in the period");
}

static struct kpi_value satisfaction(const struct kpi_input *i)
{
	return quotient(i->answers_satisfied, i->answers, 100, "aucune réponse à l’enquête", "no answer to the survey");
}

static struct kpi_value response_rate(const struct kpi_input *i)
{
	return quotient(i->answers, i->surveys_delivered, 100, "aucune enquête remise", "no survey delivered");
}

static struct kpi_value objectives_reached(const struct kpi_input *i)
{
	return quotient(i->objectives_met, i->objectives_count, 100, "aucun objectif fixé", "no objective set");
}

static struct kpi_value orders(const struct kpi_input *i)
{
	return sum(i->orders);
}

/* value of returned lines ÷ value of sold lines (= revenue + returned) */
static struct kpi_value return_rate(const struct kpi_input *i)
{
	if (i->revenue == KPI_UNKNOWN || i->returned == KPI_UNKNOWN)
		return missing();
	return quotient(i->returned, i->revenue + i->returned, 100, "aucune vente sur la période", "no sale in the period");
}

static struct kpi_value margin_rate(const struct kpi_input *i)
{
	return quotient(i->margin, i->margin_revenue, 100, "le coût d’aucun produit vendu n’est connu",
	                "the cost of no product sold is known");
}

static const struct {
	struct kpi_definition d;
	struct kpi_value (*compute)(const struct kpi_input *);
} FIGURES[KPI_ALL] = {
#define FIGURE(KPI, name, unit, better, b2b, fr, en, formula_fr, formula_en)                                           \
	[KPI] = { { #name, fr, en, formula_fr, formula_en, unit, better, b2b }, name }
	FIGURE(KPI_CROSS_SELL_RATE, cross_sell_rate, KPI_PERCENT, 1, false, "Taux de vente croisée", "Cross-sell rate",
	       "commandes avec au moins un produit complémentaire ÷ commandes × 100",
	       "transactions with ≥ 1 complementary product ÷ transactions × 100"),
	FIGURE(KPI_BASKET_UPLIFT, basket_uplift, KPI_PERCENT, 1, false, "Gain de panier", "Basket uplift",
	       "(panier moyen avec vente croisée − sans) ÷ sans × 100",
	       "(mean basket with cross-sell − without) ÷ without × 100"),
	FIGURE(KPI_ATTACH_RATE, attach_rate, KPI_PERCENT, 1, true, "Taux d’attachement", "Attach rate",
	       "comptes ayant ajouté l’offre ÷ comptes éligibles × 100",
	       "accounts that added the offer ÷ eligible accounts × 100"),
	FIGURE(KPI_ADD_ON_ARR, add_on_arr, KPI_MONEY, 1, true, "Revenu annuel des options", "Add-on ARR",
	       "somme du revenu annuel des options (12 × mensuel)", "sum of yearly add-on revenue (12 × monthly)"),
	FIGURE(KPI_ADD_ON_MRR, add_on_mrr, KPI_MONEY, 1, true, "Revenu mensuel des options", "Add-on MRR",
	       "somme du revenu mensuel des options", "sum of monthly add-on revenue"),
	FIGURE(KPI_CONVERSION, conversion, KPI_PERCENT, 1, false, "Taux de transformation", "Conversion",
	       "ventes ÷ prospects × 100", "sales ÷ prospects × 100"),
	FIGURE(KPI_RETENTION, retention, KPI_PERCENT, 1, false, "Taux de rétention", "Retention",
	       "(clients à la fin − nouveaux clients) ÷ clients au début × 100",
	       "(customers at end − new customers) ÷ customers at start × 100"),
	FIGURE(KPI_OBJECTIVE_ATTAINMENT, objective_attainment, KPI_PERCENT, 1, false, "Atteinte de l’objectif",
	       "Objective attainment", "réalisé ÷ fixé × 100", "reached ÷ set × 100"),
	FIGURE(KPI_ACCEPTANCE_RATE, acceptance_rate, KPI_PERCENT, 1, false, "Taux d’acceptation", "Acceptance rate",
	       "propositions acceptées ÷ propositions faites × 100", "accepted proposals ÷ proposals made × 100"),
	FIGURE(KPI_CROSS_SELL_DELAY, cross_sell_delay, KPI_DAYS, -1, false, "Délai avant la première vente croisée",
	       "Delay to the first cross-sell", "moyenne des jours entre premier achat et première vente croisée",
	       "mean days from first purchase to first cross-sell"),
	FIGURE(KPI_ADD_ON_CHURN, add_on_churn, KPI_PERCENT, -1, true, "Résiliation des options", "Add-on churn",
	       "options arrêtées ÷ options en cours au début × 100", "add-ons ended ÷ add-ons running at the start × 100"),
	FIGURE(KPI_INCREMENTAL_MARGIN, incremental_margin, KPI_MONEY, 1, false, "Marge apportée", "Incremental margin",
	       "(marge par client contacté − par client témoin) × clients contactés − coûts",
	       "(margin per treated − per control customer) × treated customers − costs"),
	FIGURE(KPI_REVENUE, revenue, KPI_MONEY, 1, false, "Chiffre d’affaires", "Revenue",
	       "somme des lignes, retours et remises déduits, TTC",
	       "sum of all lines, net of returns and discounts, VAT included"),
	FIGURE(KPI_REVENUE_PER_CUSTOMER, revenue_per_customer, KPI_MONEY, 1, false, "Chiffre d’affaires par client",
	       "Revenue per customer", "chiffre d’affaires ÷ clients ayant commandé", "revenue ÷ customers who ordered"),
	FIGURE(KPI_NEW_CUSTOMERS, new_customers, KPI_COUNT, 1, false, "Nouveaux clients", "New customers",
	       "clients dont la première commande est de la période", "customers whose first order is in the period"),
	FIGURE(KPI_MEAN_BASKET, mean_basket, KPI_MONEY, 1, false, "Panier moyen", "Mean basket",
	       "valeur des commandes ÷ commandes", "value of orders ÷ orders"),
	FIGURE(KPI_TIME_TO_CONVERT, time_to_convert, KPI_DAYS, -1, false, "Délai de transformation", "Mean time to convert",
	       "moyenne des jours entre premier contact et premier achat",
	       "mean days from first contact to first purchase"),
	FIGURE(KPI_SALES_CYCLE, sales_cycle, KPI_DAYS, -1, true, "Durée du cycle de vente", "Sales-cycle length",
	       "moyenne des jours entre ouverture et gain des affaires", "mean days from opening to winning of deals"),
	FIGURE(KPI_CAC, cac, KPI_MONEY, -1, false, "Coût d’acquisition", "CAC", "dépenses d’acquisition ÷ nouveaux clients",
	       "acquisition spend ÷ new customers"),
	FIGURE(KPI_CLV, clv, KPI_MONEY, 1, false, "Valeur client", "CLV",
	       "chiffre d’affaires attendu sur l’année à venir ÷ clients",
	       "expected revenue over the coming year ÷ customers"),
	FIGURE(KPI_OPEN_RATE, open_rate, KPI_PERCENT, 1, false, "Taux d’ouverture", "Open rate",
	       "ouverts ÷ remis (là où l’ouverture peut être connue) × 100",
	       "opened ÷ delivered (where opens may be known) × 100"),
	FIGURE(KPI_CLICK_RATE, click_rate, KPI_PERCENT, 1, false, "Taux de clic", "Click rate",
	       "cliqués ÷ remis (là où l’ouverture peut être connue) × 100",
	       "clicked ÷ delivered (where opens may be known) × 100"),
	FIGURE(KPI_CARTS_ABANDONED, carts_abandoned, KPI_PERCENT, -1, false, "Paniers abandonnés", "Carts abandoned",
	       "paniers abandonnés ÷ paniers × 100", "abandoned carts ÷ carts × 100"),
	FIGURE(KPI_ARPA, arpa, KPI_MONEY, 1, true, "Revenu moyen par compte", "ARPA", "revenu récurrent du mois ÷ comptes",
	       "recurring revenue of the month ÷ accounts"),
	FIGURE(KPI_WEB_CONVERSION, web_conversion, KPI_PERCENT, 1, false, "Conversion du site", "Web conversion",
	       "commandes du site ÷ visites × 100", "web orders ÷ visits × 100"),
	FIGURE(KPI_SALES_VOLUME, sales_volume, KPI_COUNT, 1, false, "Volume de ventes", "Sales volume", "produits vendus",
	       "products sold"),
	FIGURE(KPI_QUALIFIED_CONVERSION, qualified_conversion, KPI_PERCENT, 1, true, "Conversion des prospects qualifiés",
	       "Qualified-lead conversion", "prospects qualifiés devenus clients ÷ prospects qualifiés × 100",
	       "qualified leads won ÷ qualified leads × 100"),
	FIGURE(KPI_SATISFACTION, satisfaction, KPI_PERCENT, 1, false, "Satisfaction", "Satisfaction rate",
	       "réponses satisfaites ou très satisfaites ÷ réponses × 100",
	       "satisfied or very satisfied answers ÷ answers × 100"),
	FIGURE(KPI_RESPONSE_RATE, response_rate, KPI_PERCENT, 1, false, "Taux de réponse", "Response rate",
	       "réponses ÷ enquêtes remises × 100", "answers ÷ surveys delivered × 100"),
	FIGURE(KPI_OBJECTIVES_REACHED, objectives_reached, KPI_PERCENT, 1, false, "Objectifs atteints",
	       "Objectives reached", "objectifs atteints ÷ objectifs fixés × 100",
	       "objectives reached ÷ objectives set × 100"),
	FIGURE(KPI_ORDERS, orders, KPI_COUNT, 1, false, "Commandes", "Orders",
	       "documents avec au moins une ligne de quantité positive", "documents with a line of positive quantity"),
	FIGURE(KPI_RETURN_RATE, return_rate, KPI_PERCENT, -1, false, "Taux de retour", "Return rate",
	       "valeur retournée ÷ valeur vendue × 100", "value returned ÷ value sold × 100"),
	FIGURE(KPI_MARGIN_RATE, margin_rate, KPI_PERCENT, 1, false, "Taux de marge", "Margin rate",
	       "marge ÷ chiffre d’affaires hors taxes, là où le coût est connu × 100",
	       "margin ÷ revenue excluding VAT, where the cost is known × 100"),
#undef FIGURE
};

const struct kpi_definition *kpi_definition(enum kpi k)
{
	check(k >= 0 && k < KPI_ALL);
	return &FIGURES[k].d;
}

bool kpi_find(struct str key, enum kpi *out)
{
	for (int k = 0; k < KPI_ALL; k++)
		if (str_is(key, FIGURES[k].d.key)) {
			*out = (enum kpi)k;
			return true;
		}
	return false;
}

struct kpi_value kpi_compute(enum kpi k, const struct kpi_input *in)
{
	check(k >= 0 && k < KPI_ALL);
	return FIGURES[k].compute(in);
}

struct kpi_value kpi_change(enum kpi k, struct kpi_value now, struct kpi_value before)
{
	if (!now.known)
		return now;
	if (!before.known)
		return unknown("rien à quoi comparer sur la période précédente",
		               "nothing to compare with in the previous period");
	if (kpi_definition(k)->unit == KPI_PERCENT)
		return known(now.value - before.value);
	if (!(before.value > 0))
		return unknown("la période précédente était à zéro", "the previous period was zero");
	return known((now.value - before.value) / before.value * 100);
}
