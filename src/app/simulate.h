/* simulate: an invented French home, garden and bicycle shop, from a known random process with known parameters
 * (doc/simulator.md), so that what relance estimates can be held against the truth.
 *
 * Everything about customer i is drawn from streams seeded by (seed, i): the same seed, customers, years and end give
 * the same rows, whatever the number of threads. All people are invented: e-mail addresses at example domains (RFC
 * 2606), phone numbers in the ranges that ARCEP keeps for fiction. Memory: a block of 512 customers per thread. */
#ifndef RELANCE_APP_SIMULATE_H
#define RELANCE_APP_SIMULATE_H

#include "store/store.h"

enum { SIMULATE_CUSTOMERS_MAX = 50000000, SIMULATE_YEARS_MAX = 20 };

struct simulate_options {
	const char *address;
	uint32_t customers; /* 1 … SIMULATE_CUSTOMERS_MAX */
	int years;          /* 1 … SIMULATE_YEARS_MAX */
	uint64_t seed;
	struct date until; /* the history ends when this day begins */
	int threads;       /* ≤ 0: all */
	const char *truth; /* CSV file of the true parameters of every customer, or NULL */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

struct simulate_result {
	uint64_t customers, products, facts, orders, lines, returns, carts, carts_abandoned, cart_facts, consents, events;
	double seconds;
};

/* Refuses an address that holds a shop. After a failure nothing is left of an SQLite database. */
bool simulate_run(const struct simulate_options *o, struct simulate_result *out, struct err *err) MUST_CHECK;

struct simulate_parameter {
	const char *name;
	double value;
	const char *meaning;
};
extern const struct simulate_parameter SIMULATE_PARAMETERS[];
extern const size_t SIMULATE_PARAMETER_COUNT;

/* ---- how customers react to messages ---- */

/* True effects of one message of a plan's first step on the mean customer; later steps: × step_decay each. */
struct simulate_effect {
	const char *plan;
	double open, click_of_open;
	double order; /* added chance of an order that would not have been: the true uplift */
	double unsubscribe;
};
extern const struct simulate_effect SIMULATE_EFFECTS[]; /* the last one, named "", is for any other plan */
extern const size_t SIMULATE_EFFECT_COUNT;

struct simulate_reaction {
	bool hard_bounce, soft_bounce, opened, clicked, ordered, unsubscribed, complained;
	struct instant opened_at, clicked_at, ordered_at, unsubscribed_at; /* INSTANT_NEVER when not */
	int64_t spend_cents;                                               /* of the order caused */
};

/* What this customer does with this message, sent at `at`; the same answer for the same arguments. `step` is the step's
 * name; the number it ends with counts ("winback-2" is a second step). */
void simulate_response(uint64_t seed, customer_id customer, struct str plan, struct str step, struct instant at,
                       struct simulate_reaction *out);

/* The chance that simulate_response gives an order caused by this message: the truth of an uplift estimate. */
double simulate_uplift(uint64_t seed, customer_id customer, struct str plan, struct str step);

/* Lets the customers of an invented shop react to what its plans sent in the last fortnight: bounces, opens and clicks
 * (of who agreed to be told), orders, unsubscriptions that happened by `now` and are not known yet become facts. Asked
 * again for the same instant it writes nothing. Refuses a shop that simulate_run did not make with this seed. */
struct simulate_reactions {
	uint64_t messages, bounced, opened, clicked, orders, unsubscribed;
	int64_t spend_cents;
};
bool simulate_react(const char *address, uint64_t seed, struct instant now, struct simulate_reactions *out,
                    struct err *err) MUST_CHECK;

#endif
