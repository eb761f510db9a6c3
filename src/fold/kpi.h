/* kpi: the key figures, each one a documented formula over plain counts.
 *
 * struct kpi_input holds the counts of one period and one slice of the business (a sector, a segment, a category, a
 * store, a channel, a salesperson, or everything). Whoever knows a count fills it; the rest stays KPI_UNKNOWN.
 * kpi_compute() gives each figure, or says in a sentence why it is not known: never a NaN, never a 0 that means "no
 * data".
 *
 * Money is minor units (as double in a result: minor units too). Rates are 0 … 100 per cent, as the formulas say × 100.
 */
#ifndef RELANCE_FOLD_KPI_H
#define RELANCE_FOLD_KPI_H

#include "base/check.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define KPI_UNKNOWN INT64_MIN

struct kpi_input {
	/* sales; an order is a document with a line of positive quantity */
	int64_t orders;
	int64_t orders_complement;      /* with a complementary product (recommendation families, or a user's list) */
	int64_t order_value;            /* sum of the values of these orders */
	int64_t order_value_complement; /* of the orders with a complementary product */
	int64_t revenue;                /* all lines of the period, returns taken off by their own date, VAT included */
	int64_t returned;               /* value of returned lines, as a positive amount */
	int64_t quantity;               /* products sold, without returns */
	int64_t margin;                 /* excluding VAT: net price − cost, over the lines whose cost is known */
	int64_t margin_revenue;         /* revenue excluding VAT of these lines */
	int64_t buyers;                 /* different customers who ordered */
	int64_t new_customers;          /* first order ever in the period */
	int64_t customers_start;        /* customers at the start: ordered within the activity window before it */
	int64_t customers_end;
	int64_t cross_sell_delay_days; /* sum, over customers whose first cross-sell is in the period, of days since first
	                                  purchase */
	int64_t cross_sell_firsts;     /* how many these are */

	/* prospects, leads, opportunities */
	int64_t prospects;      /* addressed or met in the period */
	int64_t prospects_sold; /* of them who bought */
	int64_t convert_days;   /* sum of days from first contact to first purchase, over `converted` */
	int64_t converted;
	int64_t leads_qualified, leads_qualified_won;
	int64_t cycle_days; /* sum of days from opening to winning, over `deals_won` */
	int64_t deals_won;
	int64_t acquisition_cost; /* spent on winning new customers */

	/* offers and subscriptions (accounts) */
	int64_t accounts_eligible, accounts_attached;
	int64_t proposals, proposals_accepted;
	int64_t add_on_mrr;                   /* monthly recurring revenue of add-ons at the end */
	int64_t add_ons_start, add_ons_ended; /* add-on subscriptions running at the start; of these ended in the period */
	int64_t recurring_revenue;            /* of all accounts in the period's last month */
	int64_t accounts;                     /* accounts with recurring revenue then */

	/* messages, carts, web, satisfaction */
	int64_t delivered_knowable; /* deliveries where an open may be known (consent); both rates count only these */
	int64_t opened, clicked;
	int64_t carts, carts_abandoned;
	int64_t web_visits, web_orders;
	int64_t surveys_delivered, answers, answers_satisfied; /* satisfied or very satisfied */

	/* increment, measured against a control group; amounts of margin */
	int64_t treated, control;               /* customers in each */
	int64_t treated_margin, control_margin; /* sums */
	int64_t treated_cost;                   /* messages, vouchers, returns */

	/* worth, from the value model */
	int64_t forecast_value; /* expected revenue of the customers over the coming year */
	int64_t forecast_customers;

	/* objectives */
	int64_t objective_reached, objective_set; /* of one objective: what was reached, what was set */
	int64_t objectives_met, objectives_count;
};

/* All counts unknown. */
void kpi_input_init(struct kpi_input *i);

enum kpi_unit { KPI_PERCENT, KPI_MONEY, KPI_COUNT, KPI_DAYS };

enum kpi {
	KPI_CROSS_SELL_RATE,
	KPI_BASKET_UPLIFT,
	KPI_ATTACH_RATE,
	KPI_ADD_ON_ARR,
	KPI_ADD_ON_MRR,
	KPI_CONVERSION,
	KPI_RETENTION,
	KPI_OBJECTIVE_ATTAINMENT,
	KPI_ACCEPTANCE_RATE,
	KPI_CROSS_SELL_DELAY,
	KPI_ADD_ON_CHURN,
	KPI_INCREMENTAL_MARGIN,
	KPI_REVENUE,
	KPI_REVENUE_PER_CUSTOMER,
	KPI_NEW_CUSTOMERS,
	KPI_MEAN_BASKET,
	KPI_TIME_TO_CONVERT,
	KPI_SALES_CYCLE,
	KPI_CAC,
	KPI_CLV,
	KPI_OPEN_RATE,
	KPI_CLICK_RATE,
	KPI_CARTS_ABANDONED,
	KPI_ARPA,
	KPI_WEB_CONVERSION,
	KPI_SALES_VOLUME,
	KPI_QUALIFIED_CONVERSION,
	KPI_SATISFACTION,
	KPI_RESPONSE_RATE,
	KPI_OBJECTIVES_REACHED,
	KPI_ORDERS,
	KPI_RETURN_RATE,
	KPI_MARGIN_RATE,
	KPI_ALL
};

struct kpi_value {
	bool known;
	double value;
	const char *why_fr, *why_en; /* when not known */
};

struct kpi_definition {
	const char *key; /* "cross_sell_rate" */
	const char *fr, *en;
	const char *formula_fr, *formula_en;
	enum kpi_unit unit;
	int better; /* +1 more is better, −1 less is better, 0 neither */
	bool b2b;   /* shown when there are accounts and subscriptions in the data */
};

const struct kpi_definition *kpi_definition(enum kpi k);
bool kpi_find(struct str key, enum kpi *out) MUST_CHECK;
struct kpi_value kpi_compute(enum kpi k, const struct kpi_input *in);

/* Against the previous period: rates change in points, the rest in per cent of before. */
struct kpi_value kpi_change(enum kpi k, struct kpi_value now, struct kpi_value before);

#endif
