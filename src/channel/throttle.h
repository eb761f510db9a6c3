/* throttle: how fast mail may go to one receiving domain, and how much a new sender may send a day.
 *
 * Large mailbox services refuse senders who are too fast, and distrust ones they have not seen before: volume has to
 * grow from day to day (warm-up). A bucket per domain fills at `per_minute` and holds a minute's worth at most; a daily
 * cap of the warm-up goes over all domains. A 4xx from a domain halves its rate (backed off), an hour without one
 * doubles it back up to its limit. After three in a row without a mail accepted between, the domain is left alone,
 * limit or not: a minute, then two, four … at most THROTTLE_PAUSE_MAX_S. Pure: time comes in; the state can be written
 * down, so that a restart begins nothing again. The retry times of a deferred mail are here too. Limit:
 * THROTTLE_DOMAINS_MAX domains have a bucket of their own, the others share one. */
#ifndef RELANCE_CHANNEL_THROTTLE_H
#define RELANCE_CHANNEL_THROTTLE_H

#include "base/buf.h"
#include "base/intern.h"
#include "base/zone.h"

enum {
	THROTTLE_DOMAINS_MAX = 10000,
	THROTTLE_RULES_MAX = 64,
	THROTTLE_NAME_MAX = 255,
	THROTTLE_PAUSE_MAX_S = 1800,
	THROTTLE_KEPT_MAX = 500
};

struct throttle_rule {
	char domain[THROTTLE_NAME_MAX + 1]; /* "gmail.com"; "*": every other */
	int per_minute;                     /* 0: no limit */
};

/* "gmail.com 60, *.fr 120, * 300": false when it is no such list. */
bool throttle_rules_read(struct str text, struct throttle_rule rules[THROTTLE_RULES_MAX], size_t *count) MUST_CHECK;
/* "2026-11-20 20000": the sender's first day and the mails a day it is to reach. Empty: no warm-up, target 0. */
bool throttle_warmup_read(struct str text, struct date *first, int64_t *target) MUST_CHECK;

struct throttle_bucket {
	double tokens, rate; /* rate: mails a second now, 0 = no limit */
	double limit;        /* as configured */
	int64_t at_ms, eased_ms;
	int64_t held_ms, held; /* how many were held back at this instant: they are told to come back one after the other */
	bool seen;
	int refusals;     /* 4xx in a row */
	int64_t until_ms; /* left alone before */
};

struct throttle {
	const struct throttle_rule *rules; /* the caller's */
	size_t rule_count;
	struct intern domains;
	struct throttle_bucket *buckets;
	size_t bucket_cap;
	int64_t day_cap, day_sent; /* warm-up; cap 0: none */
	struct date day;
	size_t troubled; /* domains with a 4xx since their last accepted mail */
};

void throttle_init(struct throttle *t, const struct throttle_rule *rules, size_t count);
void throttle_release(struct throttle *t);

/* May a mail to this address go now? Else *wait_ms says when to ask again: later for each one held back at the same
 * instant; -1: not today. Takes its share when it may. */
bool throttle_take(struct throttle *t, struct str address, int64_t now_ms, int64_t *wait_ms) MUST_CHECK;
/* One of today's did not leave after all (no server reached): the day's share is as before. The domain's bucket is not
 * touched: it fills by itself. */
void throttle_give_back(struct throttle *t);
void throttle_deferred(struct throttle *t, struct str address, int64_t now_ms); /* the domain said 4xx */
void throttle_accepted(struct throttle *t, struct str address);
/* Whether every mail may go at once: there is no limit, no cap, and no domain in trouble. */
bool throttle_is_open(const struct throttle *t);

/* Appends what a restart must not forget, a line a domain: of those that wait or are in trouble, THROTTLE_KEPT_MAX at
 * most. Reading takes the lines it understands, within today's limits. */
void throttle_write(struct throttle *t, int64_t now_ms, struct buf *out);
void throttle_read(struct throttle *t, struct str text, int64_t now_ms);

/* Once a shop day: how many mails may go on it (0: no cap), how many went already. */
void throttle_day(struct throttle *t, struct date day, int64_t cap, int64_t sent);

/* A new sender's cap on its nth day (0 is the first): 50 mails, growing by a half each day, up to `target`. */
int64_t throttle_warmup(int day_index, int64_t target);

/* When to try again after the nth deferral (1 is the first): 5 minutes, 15, 45 … at most 6 hours apart, with up to a
 * quarter more by `draw` so that mails deferred together do not come back together; 0 = give up (after 48 hours in
 * all). */
int64_t throttle_retry_s(int deferrals, uint64_t draw);

#endif
