/* figures: the key figures of a running shop, period by period: what fold/kpi computes, fed from the book, the
 * runs and the messages.
 *
 * Periods are whole civil months of the shop's zone, `each` months long, one after the other; entry 0 of the result is
 * the period before the first, to compare with. Orders of guests (customer 0) count in sales and products, not in
 * people.
 *
 * What a count means here
 *   prospect     somebody met before the end of the period (profile created, else first event, consent or cart, on a
 *                day before any order) who had not ordered when it began; `sold` of them: ordered in it
 *   converted    first order in the period, first contact before it; days between the two
 *   cart         counted in the period of its first change; abandoned: its last word is "changed", and its customer did
 *                not order within FIGURES_CART_DAYS days after
 *   delivered    e-mails accepted where opens may be known (tracking consent at that instant); a click counts as opened
 *   survey       messages of the steps that got an answer, or of the plan "survey"'s first
 *   web visits   events named "visit"; web orders: sales of the channel web
 *   account      a customer with a subscription: events "subscription" and "add_on" start one, their value the monthly
 *                amount in minor units; "subscription_ended" and "add_on_ended" end the one of that value, or, without
 *                a value, all of them. Revenue and accounts are those running at the period's end
 *   lead         event "lead_qualified" of the period; won: its customer ordered, or an event "deal_won", by its end
 *   deal         event "deal_won", with the days since the customer's last "deal_opened" before it
 *   proposal     event "proposal"; accepted: event "proposal_accepted" of the period
 *   acquisition  the setting cost.acquisition, a month
 *   increment    entrants of the period, plan by plan (app/uplift.h), added up
 *   CLV          Gamma-Gamma × BG/NBD on all orders up to the period's end, over the coming year
 *
 * Complementary products: `complementary` by product_id; NULL: those of another family than the rest of the order; no
 * family in the catalogue: the cross-sell figures are unknown.
 * Narrowed to a category, a channel, a store or a seller, people are unknown but for buyers: nobody belongs to one.
 * The result does not depend on the number of threads. Limit: FIGURES_PERIODS_MAX periods. */
#ifndef RELANCE_APP_FIGURES_H
#define RELANCE_APP_FIGURES_H

#include "app/live.h"
#include "fold/kpi_fold.h"
#include "fold/value.h"

enum { FIGURES_PERIODS_MAX = 1200, FIGURES_CART_DAYS = 1, FIGURES_WORTH_CELLS_MAX = 40000000 };

struct figures_shop {
	const struct book *book;
	const struct version *version;
	const struct pstate *states; /* by customer id; NULL: no runs, no messages */
	const struct plan_set *plans;
	const struct settings *settings;
	const struct str *ref; /* by customer id (people.ref): the shop's own numbers, to name rows by; NULL: ours */
	uint32_t ids;
	struct instant now;
	uint64_t seed; /* of the shop's draws: who is in the global control group */
	int threads;
};
/* `ref` from a people_load of the same shop; pins a version: unpin it with book_unpin. */
void figures_shop_of(const struct live *l, const struct str *ref, uint32_t ids, struct instant now,
                     struct figures_shop *out);

struct figures_ask {
	int first_month;         /* year × 12 + month − 1 of the first period shown */
	int each;                /* months in a period: 1, 3, 12 */
	int periods;             /* shown; one more is computed before them */
	const uint64_t *segment; /* a bit per customer id; NULL: all, guests too */
	uint32_t category;       /* word number; 0: all */
	int channel;             /* enum sale_channel; −1: all */
	uint32_t store, seller;  /* word numbers, of the order; 0: all */
	const uint8_t *complementary;
	int64_t margin_per_mille; /* margin of products whose cost is unknown, of their price without VAT; −1: unknown */
	bool worth;               /* compute the CLV, too */
};

/* First and last month with an order; false when there is none. */
bool figures_span(const struct figures_shop *s, int *first_month, int *last_month);

/* "2011-09" → year × 12 + month − 1. */
bool figures_month_read(struct str text, int *month) MUST_CHECK;
void figures_month_text(int month, int each, char out[12]); /* "2011-09", "2011-Q3", "2011" */

/* Whole periods of ask->each months from … to (INT_MIN: not said): ask->first_month and ask->periods. Without any, the
 * last that is over. ERR_INPUT, ERR_LIMIT; no order: ERR_INPUT. */
bool figures_periods(const struct figures_shop *s, int from, int to, struct figures_ask *ask,
                     struct err *err) MUST_CHECK;

/* The last month that is over at s->now, but not after the last order; the newest with an order when none is over.
 * False: no order. */
bool figures_last_month(const struct figures_shop *s, int *month);

/* out: ask->periods + 1 entries. */
bool figures_make(const struct figures_shop *s, const struct figures_ask *ask, struct kpi_input *out,
                  struct err *err) MUST_CHECK;

/* kpi_compute() with a reason that says what this shop could do about it. */
struct kpi_value figures_value(enum kpi k, const struct kpi_input *in, const struct figures_ask *ask);

/* Narrowed by something a customer does not belong to. */
static inline bool figures_narrowed(const struct figures_ask *ask)
{
	return ask->category || ask->channel >= 0 || ask->store || ask->seller;
}

/* The order is of the channel, store and seller asked for. */
static inline bool figures_order_in(const struct figures_ask *ask, const struct chunk *k, uint32_t o)
{
	if (ask->channel >= 0 && k->order_flags[o] >> ORDER_CHANNEL_SHIFT != ask->channel)
		return false;
	if (!ask->store && !ask->seller)
		return true;
	return k->order_desk && (!ask->store || k->order_desk[o].store == ask->store) &&
	       (!ask->seller || k->order_desk[o].seller == ask->seller);
}

/* The families of the catalogue, by product_id, malloc'd; NULL when no product has one. */
uint32_t *figures_families(const struct figures_shop *s);

/* Who was erased does not count, nor a record merged away: whoever goes on for it has its orders, and copies of its
 * runs and messages. */
static inline bool figures_is_person(const struct figures_shop *s, customer_id c)
{
	return c != GUESTS && book_survivor(s->version, c) == c && !(s->states && s->states[c].erased);
}

static inline bool figures_counts(const struct figures_shop *s, const struct figures_ask *ask, customer_id c)
{
	return figures_is_person(s, c) && (!ask->segment || (ask->segment[c >> 6] >> (c & 63) & 1));
}

/* An accepted e-mail whose opening may be known: with tracking consent when it left (SEMANTICS, "Openers"). c: the
 * record it was sent to, or whoever it was merged into. */
bool figures_may_know(const struct book *b, const struct version *v, const struct thresholds *t, customer_id c,
                      const struct sent *m);

/* For the parts of it: boundaries of the periods as instants; starts[periods + 2]. */
struct figures_time {
	int64_t start[FIGURES_PERIODS_MAX + 2];
	int count; /* periods + 1 */
};
void figures_time_make(const struct figures_shop *s, const struct figures_ask *ask, struct figures_time *out);
int figures_period(const struct figures_time *t, int64_t at); /* −1: in none */

/* Told each thing that is counted, when somebody wants to see them (app/drill.h); NULL: nobody does. */
struct figures_seen {
	enum figures_what {
		FIGURES_PROSPECT,
		FIGURES_CONVERTED,
		FIGURES_CART,
		FIGURES_VISIT,
		FIGURES_WEB_ORDER,
		FIGURES_MESSAGE,
		FIGURES_SURVEY,
		FIGURES_ACCOUNT,
		FIGURES_LEAD,
		FIGURES_DEAL,
		FIGURES_PROPOSAL
	} what;
	customer_id customer;
	int period;
	int64_t at;    /* of the first contact, the cart's first change, the message … */
	int64_t until; /* first order, the cart's last change, the win; 0: none */
	bool yes;      /* sold, abandoned, clicked, satisfied, attached, won, accepted */
	bool opened;
	int answer;     /* enum answer */
	int64_t amount; /* minor units a month: the account's revenue */
};
struct figures_watch {
	void (*see)(void *ctx, const struct figures_seen *seen);
	void *ctx;
};
static inline void figures_tell(const struct figures_watch *watch, struct figures_seen seen)
{
	if (watch)
		watch->see(watch->ctx, &seen);
}

/* A count that was unknown begins with what is added. */
static inline void figures_plus(int64_t *count, int64_t n)
{
	*count = (*count == KPI_UNKNOWN ? 0 : *count) + n;
}

void figures_people(const struct figures_shop *s, const struct figures_ask *ask, const struct figures_time *t,
                    struct kpi_input *out, const struct figures_watch *watch);
/* Accounts and subscriptions, leads, deals, proposals: from events. */
void figures_accounts(const struct figures_shop *s, const struct figures_ask *ask, const struct figures_time *t,
                      struct kpi_input *out, const struct figures_watch *watch);

/* Documents of the customers counted, as the value models read them; free() them. NULL when there are none. */
struct value_row *figures_rows(const struct figures_shop *s, const struct figures_ask *ask, size_t *count);
void figures_worth(const struct figures_shop *s, const struct figures_ask *ask, const struct figures_time *t,
                   struct kpi_input *out);

#endif
