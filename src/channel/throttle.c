#include "channel/throttle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FIRST_DAY = 50,
	RETRY_FIRST_S = 5 * MINUTE_S,
	RETRY_MAX_S = 6 * HOUR_S,
	GIVE_UP_S = 48 * HOUR_S,
	EASE_MS = HOUR_S * 1000,
	REFUSALS = 3,
	PAUSE_FIRST_S = 60,
	APART_MS = 100
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

/* ---- the settings ---- */

static bool read_rule(struct str text, struct throttle_rule *out)
{
	int64_t rate;
	text = str_trim(text);
	const char *space = text.n ? memchr(text.p, ' ', text.n) : NULL;
	struct str name = { text.p, space ? (size_t)(space - text.p) : 0 };
	if (!name.n || name.n > THROTTLE_NAME_MAX || !str_i64(str_trim((struct str){ space, text.n - name.n }), &rate) ||
	    rate < 0 || rate > 1000000)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
		bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
		if (!fits && !(c == '*' && i == 0 && (name.n == 1 || name.p[1] == '.')))
			return false;
		out->domain[i] = c;
	}
	out->domain[name.n] = '\0';
	out->per_minute = (int)rate;
	return true;
}

bool throttle_rules_read(struct str text, struct throttle_rule rules[THROTTLE_RULES_MAX], size_t *count)
{
	*count = 0;
	for (struct str rest = str_trim(text); rest.n;) {
		const char *comma = memchr(rest.p, ',', rest.n);
		struct str one = { rest.p, comma ? (size_t)(comma - rest.p) : rest.n };
		if (*count == THROTTLE_RULES_MAX || !read_rule(one, &rules[*count]))
			return false;
		++*count;
		rest = comma ? (struct str){ comma + 1, rest.n - one.n - 1 } : STR("");
	}
	return true;
}

bool throttle_warmup_read(struct str text, struct date *first, int64_t *target)
{
	text = str_trim(text);
	const char *space = text.n ? memchr(text.p, ' ', text.n) : NULL;
	*first = DATE_UNKNOWN;
	*target = 0;
	if (!text.n)
		return true;
	struct str day = { text.p, space ? (size_t)(space - text.p) : text.n };
	return space && date_parse(day, first) && str_i64(str_trim((struct str){ space, text.n - day.n }), target) &&
	       *target > 0 && *target <= 100000000;
}

/* ---- the buckets ---- */

/* The rule that names the domain, else "*.fr" for what ends so, else "*". */
static double limit_of(const struct throttle *t, struct str domain)
{
	const struct throttle_rule *best = NULL;
	for (size_t i = 0; i < t->rule_count; i++) {
		const struct throttle_rule *r = &t->rules[i];
		struct str name = str_from(r->domain);
		if (str_eq(domain, name))
			return r->per_minute / 60.0;
		bool fits = name.n == 1 || (name.p[0] == '*' && str_ends(domain, (struct str){ name.p + 1, name.n - 1 }));
		if (fits && name.p[0] == '*' && (!best || strlen(best->domain) < name.n))
			best = r;
	}
	return best ? best->per_minute / 60.0 : 0;
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

bool throttle_take(struct throttle *t, struct str address, int64_t now_ms, int64_t *wait_ms)
{
	*wait_ms = 0;
	if (t->day_cap && t->day_sent >= t->day_cap) {
		*wait_ms = -1;
		return false;
	}
	struct throttle_bucket *b = bucket_of(t, address, now_ms);
	bool pauses = b->until_ms > now_ms;
	if (pauses || b->limit > 0) {
		refill(b, now_ms);
		if (pauses || b->tokens < 1) {
			b->held = b->held_ms == now_ms ? b->held + 1 : 0;
			b->held_ms = now_ms;
		}
		if (pauses) {
			*wait_ms = b->until_ms - now_ms + b->held * APART_MS;
			return false;
		}
		if (b->tokens < 1) {
			*wait_ms = (int64_t)((1 - b->tokens + (double)b->held) / b->rate * 1000) + 1;
			return false;
		}
		b->tokens -= 1;
	}
	t->day_sent++;
	return true;
}

void throttle_give_back(struct throttle *t)
{
	if (t->day_sent > 0)
		t->day_sent--;
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
	t->troubled += b->refusals == 0;
	b->refusals++;
	if (b->refusals < REFUSALS || b->until_ms > now_ms)
		return;
	int64_t pause_s = PAUSE_FIRST_S;
	for (int i = REFUSALS; i < b->refusals && pause_s < THROTTLE_PAUSE_MAX_S; i++)
		pause_s *= 2;
	b->until_ms = now_ms + (pause_s < THROTTLE_PAUSE_MAX_S ? pause_s : THROTTLE_PAUSE_MAX_S) * 1000;
}

void throttle_accepted(struct throttle *t, struct str address)
{
	char lower[256];
	uint32_t id = t->troubled ? intern_find(&t->domains, domain_of(address, lower)) : INTERN_NONE;
	if (id == INTERN_NONE || id >= t->bucket_cap || t->buckets[id].refusals == 0)
		return;
	t->buckets[id].refusals = 0;
	t->buckets[id].until_ms = 0;
	t->troubled--;
}

bool throttle_is_open(const struct throttle *t)
{
	return t->rule_count == 0 && t->day_cap == 0 && t->troubled == 0;
}

/* ---- over a restart ---- */

void throttle_write(struct throttle *t, int64_t now_ms, struct buf *out)
{
	size_t kept = 0;
	for (uint32_t id = 0; id < t->domains.count && id < t->bucket_cap && kept < THROTTLE_KEPT_MAX; id++) {
		struct throttle_bucket *b = &t->buckets[id];
		if (!b->seen)
			continue;
		if (b->limit > 0)
			refill(b, now_ms);
		bool full = b->limit == 0 || (b->rate >= b->limit && b->tokens + 1 > b->limit * 60);
		if (full && b->refusals == 0)
			continue;
		buf_printf(out, "%.*s %.3f %.6f %" PRId64 " %" PRId64 " %d %" PRId64 "\n",
		           STR_ARG(intern_name(&t->domains, id)), b->tokens, b->limit > 0 ? b->rate / b->limit : 0, b->at_ms,
		           b->eased_ms, b->refusals, b->until_ms);
		kept++;
	}
}

static void read_bucket(struct throttle *t, const char *line, int64_t now_ms)
{
	char domain[THROTTLE_NAME_MAX + 1];
	double share; /* of its limit: halves, so exact */
	struct throttle_bucket r = { 0 };
	if (sscanf(line, "%255s %lf %lf %" SCNd64 " %" SCNd64 " %d %" SCNd64, domain, &r.tokens, &share, &r.at_ms,
	           &r.eased_ms, &r.refusals, &r.until_ms) != 7 ||
	    r.refusals < 0 || r.at_ms > now_ms || r.eased_ms > now_ms ||
	    r.until_ms > now_ms + THROTTLE_PAUSE_MAX_S * INT64_C(1000))
		return;
	struct throttle_bucket *b = bucket_of(t, str_from(domain), now_ms);
	if (b->limit > 0 && share > 0 && r.tokens >= 0) {
		b->tokens = r.tokens < b->tokens ? r.tokens : b->tokens;
		b->rate = share < 1 ? b->limit * share : b->limit;
		b->at_ms = r.at_ms;
		b->eased_ms = r.eased_ms;
	}
	t->troubled += b->refusals == 0 && r.refusals > 0;
	b->refusals = r.refusals;
	b->until_ms = r.until_ms;
}

void throttle_read(struct throttle *t, struct str text, int64_t now_ms)
{
	char line[THROTTLE_NAME_MAX + 160];
	for (size_t lines = 0; text.n && lines < THROTTLE_KEPT_MAX; lines++) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;
		if (n < sizeof line) {
			memcpy(line, text.p, n);
			line[n] = '\0';
			read_bucket(t, line, now_ms);
		}
		text = end ? (struct str){ end + 1, text.n - n - 1 } : STR("");
	}
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
