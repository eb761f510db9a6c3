/* replay: what would the plans have done? (SEMANTICS "What-if replay").
 *
 * The shop's history is read by `at`; the engine is asked for every person at every instant at which something could
 * change: a fact, or the moment the engine itself named. A day is: thresholds, what is due at its start, the smoothing
 * slots (most valuable first), then everybody's day. People are independent (those who share an address go together)
 * until they ask for a slot, so each is taken through many days at once, by any thread: the result is the same for any
 * number of threads and any such stretch of days. */
#ifndef RELANCE_APP_REPLAY_H
#define RELANCE_APP_REPLAY_H

#include "engine/engine.h"

enum replay_response { RESPONSE_NONE, RESPONSE_RATES, RESPONSE_RECORDED };

/* What really became of a message once: opened, clicked, answered … Told again when the replay sends the same message.
 */
struct replay_feedback {
	customer_id customer;
	uint32_t at;
	uint64_t plan, step; /* hash_str() of their names */
	uint16_t run_no;     /* 0: the latest run of the plan */
	uint8_t channel, receipt, answer;
};

/* Per million deliveries; PRODUCT's benchmarks when not given. */
struct response_rates {
	uint32_t open, click_of_open, buy_of_open;
};

struct replay_options {
	const struct book *book;
	const struct version *version;
	const struct plan_set *plans;
	const struct plan_words *words;
	const struct settings *settings;
	uint64_t seed;
	struct instant from, to; /* [from, to) */
	bool assume_consent;
	enum replay_response response;
	struct response_rates rates;            /* zeros: by the plan's kind */
	const struct replay_feedback *feedback; /* with RESPONSE_RECORDED: by customer, then time */
	size_t feedback_count;
	const uint8_t *erased; /* by customer id, 1: erased, nothing is decided about; NULL: nobody is */
	int threads;
	int stretch_days;    /* days done person by person before they are brought into order; 0: as memory allows. Changes
	                        nothing in the result */
	bool ask_everything; /* every trigger and exit at every look, also where nothing can have changed: for tests */
	/* These three are called in order, by one thread at a time, which need not be the caller's. */
	/* Receives the trace, in order; may be NULL. */
	bool (*trace)(void *ctx, struct str text, struct err *err);
	/* Receives every day's decisions (for reports); may be NULL. */
	void (*decided)(void *ctx, struct date day, const struct decision *decisions, size_t count);
	void (*progress)(void *ctx, uint64_t done_days, uint64_t total_days);
	void *ctx;
};

struct replay_plan {
	uint64_t entered, control, messages, held, skipped, dropped, exited, ended, tagged;
	uint64_t by_channel[CHANNEL_COUNT];
	uint64_t opened, clicked, goals;
};

struct replay_result {
	uint64_t facts;            /* order lines, carts, consents, events in [from, to) */
	uint64_t decisions, asked; /* times a person was looked at */
	double seconds;
	char trace_sha256[65];
	struct replay_plan plans[PLANS_MAX];
	struct pstate *states; /* index = customer id; replay_result_release frees */
	uint32_t customers;
};

/* What the shop's own messages got as answers, for RESPONSE_RECORDED: by customer, then time; malloc'd. */
struct db;
bool replay_recorded(struct db *db, uint32_t customers, struct replay_feedback **out, size_t *count,
                     struct err *err) MUST_CHECK;

/* Who has been erased, for `erased`: customers + 1 bytes, malloc'd. */
bool replay_erased(struct db *db, uint32_t customers, uint8_t **out, struct err *err) MUST_CHECK;

bool replay_run(const struct replay_options *o, struct replay_result *out, struct err *err) MUST_CHECK;
void replay_result_release(struct replay_result *r);

#endif
