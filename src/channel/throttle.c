#include "channel/throttle.h"

#include <stdlib.h>

enum {
	FIRST_DAY = 50,
	RETRY_FIRST_S = 5 * MINUTE_S,
	RETRY_MAX_S = 6 * HOUR_S,
	GIVE_UP_S = 48 * HOUR_S,
	EASE_MS = HOUR_S * 1000
};

void throttle_init(struct throttle *t, const struct throttle_rule *rules, size_t count)
{
	*t = (struct throttle){ .rules = rules, .rule_count = count, .day = DATE_UNKNOWN };
	intern_init(&t->domains);
}

void throttle_release(struct throttle *t)
{
	intern_release(&t->domains);
	free(t->buckets);
}

static struct str domain_of(struct str address, char lower[256])
{
	const char *at = address.n ? memrchr(address.p, '@', address.n) : NULL;
	struct str d = at ? (struct str){ at + 1, (size_t)(address.p + address.n - at - 1) } : address;
	if (d.n > 255)
		d.n = 255;
	for (size_t i = 0; i < d.n; i++)
		lower[i] = (char)(d.p[i] >= 'A' && d.p[i] <= 'Z' ? d.p[i] + 32 : d.p[i]);
	return (struct str){ lower, d.n };
}

static double limit_of(const struct throttle *t, struct str domain)
{
	const struct throttle_rule *other = NULL;
	for (size_t i = 0; i < t->rule_count; i++) {
		if (!t->rules[i].domain)
			other = &t->rules[i];
		else if (str_is(domain, t->rules[i].domain))
			return t->rules[i].per_minute / 60.0;
	}
	return other ? other->per_minute / 60.0 : 0;
}

static struct throttle_bucket *bucket_of(struct throttle *t, struct str address, int64_t now_ms)
{
	char lower[256];
	struct str domain = domain_of(address, lower);
	uint32_t id = intern_find(&t->domains, domain);
	if (id == INTERN_NONE)
		id = intern_put(&t->domains, t->domains.count < THROTTLE_DOMAINS_MAX ? domain : STR("*"), NULL);
	size_t old = t->bucket_cap;
	t->buckets = mem_grow(t->buckets, &t->bucket_cap, id + 1, sizeof *t->buckets);
	if (t->bucket_cap > old)
		memset(t->buckets + old, 0, (t->bucket_cap - old) * sizeof *t->buckets);
	struct throttle_bucket *b = &t->buckets[id];
	if (!b->seen) {
		double limit = limit_of(t, domain);
		*b = (struct throttle_bucket){ .tokens = limit * 60 > 1 ? limit * 60 : 1,
			                           .rate = limit,
			                           .limit = limit,
			                           .at_ms = now_ms,
			                           .eased_ms = now_ms,
			                           .seen = true };
	}
	return b;
}

static void refill(struct throttle_bucket *b, int64_t now_ms)
{
	while (b->rate < b->limit && now_ms - b->eased_ms >= EASE_MS) {
		b->rate = b->rate * 2 < b->limit ? b->rate * 2 : b->limit;
		b->eased_ms += EASE_MS;
	}
	double most = b->rate * 60 > 1 ? b->rate * 60 : 1, passed = (double)(now_ms - b->at_ms) / 1000;
	if (passed > 0) {
		b->tokens = b->tokens + passed * b->rate < most ? b->tokens + passed * b->rate : most;
		b->at_ms = now_ms;
	}
}

bool throttle_take(struct throttle *t, struct str address, int64_t now_ms, int *wait_ms)
{
	*wait_ms = 0;
	if (t->day_cap && t->day_sent >= t->day_cap) {
		*wait_ms = MINUTE_S * 1000;
		return false;
	}
	struct throttle_bucket *b = bucket_of(t, address, now_ms);
	if (b->limit > 0) {
		refill(b, now_ms);
		if (b->tokens < 1) {
			*wait_ms = (int)((1 - b->tokens) / b->rate * 1000) + 1;
			return false;
		}
		b->tokens -= 1;
	}
	t->day_sent++;
	return true;
}

void throttle_deferred(struct throttle *t, struct str address, int64_t now_ms)
{
	struct throttle_bucket *b = bucket_of(t, address, now_ms);
	refill(b, now_ms);
	if (b->limit > 0 && b->rate > b->limit / 16)
		b->rate /= 2;
	if (b->tokens > 1)
		b->tokens /= 2;
	b->eased_ms = now_ms;
}

void throttle_day(struct throttle *t, struct date day, int64_t cap, int64_t sent)
{
	t->day = day;
	t->day_cap = cap;
	t->day_sent = sent;
}

int64_t throttle_warmup(int day_index, int64_t target)
{
	int64_t cap = FIRST_DAY;
	for (int i = 0; i < day_index && cap < target; i++)
		cap += cap / 2;
	return cap < target ? cap : target;
}

int64_t throttle_retry_s(int deferrals, uint64_t draw)
{
	int64_t wait = RETRY_FIRST_S, total = wait;
	for (int i = 1; i < deferrals; i++) {
		wait = wait * 3 < RETRY_MAX_S ? wait * 3 : RETRY_MAX_S;
		total += wait;
		if (total > GIVE_UP_S)
			return 0;
	}
	return wait + (int64_t)(draw % (uint64_t)(wait / 4 + 1));
}
