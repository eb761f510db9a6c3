/* replay_tally: what a replay said, counted for a report: per day, plan and channel; per step; per reason; messages per
 * customer and calendar week (Monday to Sunday in the shop's zone); cost; vouchers promised.
 *
 * Give replay_run() `decided = tally_take` with the tally as ctx (or call it), then tally_finish(). Days come in order.
 * Memory: 4 bytes × days × plans × channels, 3 bytes a customer. Amounts are minor units, costs thousandths of one. */
#ifndef RELANCE_APP_REPLAY_TALLY_H
#define RELANCE_APP_REPLAY_TALLY_H

#include "app/replay.h"

enum { TALLY_WEEK_MAX = 10 }; /* a week with so many messages or more is counted as so many */

enum tally_why { TALLY_HELD, TALLY_SKIPPED, TALLY_DROPPED, TALLY_WHYS };

struct tally_step {
	uint64_t sent, why[TALLY_WHYS];
};

struct tally_plan {
	uint64_t entered, control, exited, goals, ended, messages;
	uint64_t by_channel[CHANNEL_COUNT];
	uint64_t why[TALLY_WHYS][REASON_COUNT]; /* of messages and notices; waits are not counted */
	struct tally_step step[STEPS_MAX];
	int64_t cost;          /* thousandths of a minor unit */
	int64_t most_in_month; /* of that, in the dearest civil month */
	int64_t month_cost;    /* of the month under way */
	int32_t month;
	uint64_t codes;   /* vouchers promised */
	int64_t exposure; /* every code used once: amounts, and percents of the average basket (or of the minimum) */
};

struct tally {
	const struct plan_set *set;
	const struct settings *settings;
	struct date first;
	int32_t days;
	int64_t average_basket; /* orders of the period; 0: none */
	struct tally_plan *plans;
	uint32_t *sent;    /* [day × plans + plan] × CHANNEL_COUNT + channel */
	uint32_t *entered; /* [day × plans + plan] */
	uint64_t week_marketing[TALLY_WEEK_MAX + 1],
		week_all[TALLY_WEEK_MAX + 1];    /* customers × weeks with so many messages */
	uint64_t messages, entries, reached; /* to customers: notices to staff are not counted here */
	int64_t cost, exposure;
	uint64_t codes;
	uint32_t busiest; /* most marketing messages to one customer in one week */

	/* the week under way */
	uint32_t customers;
	uint8_t *week[2]; /* messages of the week by customer: marketing, all */
	uint8_t *ever;    /* a message at least once */
	customer_id *touched;
	size_t touched_count, touched_cap;
	int32_t week_no;
};

void tally_init(struct tally *t, const struct plan_set *set, const struct settings *settings, const struct version *v,
                struct instant from, struct instant to);
void tally_release(struct tally *t);
void tally_take(struct tally *t, struct date day, const struct decision *decisions, size_t count);
void tally_finish(struct tally *t);

/* What a channel's messages of a plan cost. */
static inline int64_t tally_cost(const struct tally *t, size_t plan, int channel)
{
	return (int64_t)t->plans[plan].by_channel[channel] * t->settings->channel_cost[channel];
}

static inline uint32_t tally_sent(const struct tally *t, int32_t day, size_t plan, int channel)
{
	return t->sent[((size_t)day * t->set->count + plan) * CHANNEL_COUNT + (size_t)channel];
}

#endif
