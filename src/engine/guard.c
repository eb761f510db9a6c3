#include "engine/guard.h"

#include "base/hash.h"
#include "fold/basis.h"

static struct guard_answer answer(enum verdict v, enum reason r, int64_t argument)
{
	return (struct guard_answer){ .verdict = v, .reason = r, .argument = argument, .channel = CHANNEL_COUNT };
}

static struct guard_answer choose_channel(const struct world *w, const struct subject *s, const uint8_t *channels,
                                          uint8_t count, enum purpose purpose)
{
	struct basis_rules rules = { .post_opt_in = w->settings->post_opt_in, .soft_opt_in = w->settings->soft_opt_in };
	struct guard_answer first = answer(VERDICT_SKIPPED, REASON_NOT_REACHABLE, CHANNEL_EMAIL);
	for (uint8_t i = 0; i < count; i++) {
		enum channel ch = (enum channel)channels[i];
		struct guard_answer a;
		enum basis basis;
		if (!basis_reachable(s, ch))
			a = answer(VERDICT_SKIPPED, REASON_NOT_REACHABLE, ch);
		else if (s->state && s->state->suppressed >> ch & 1)
			a = answer(VERDICT_SKIPPED, REASON_SUPPRESSED, 0);
		else if ((basis = basis_of(s, &rules, ch, purpose)) == BASIS_REFUSED_OPPOSED)
			a = answer(VERDICT_SKIPPED, REASON_OPPOSED, 0);
		else if (!basis_allows(basis))
			a = answer(VERDICT_SKIPPED, REASON_NO_CONSENT, ch);
		else
			return (struct guard_answer){ .verdict = VERDICT_SEND, .channel = ch };
		if (i == 0)
			first = a;
	}
	return first;
}

static bool in_global_control(const struct world *w, customer_id c)
{
	return draw_per_million(draw_u64(w->seed, DRAW_GLOBAL_CONTROL, 0, c, 0, 0)) <
	       w->settings->global_control_per_million;
}

struct guard_answer guard_who(const struct world *w, const struct subject *s, uint16_t plan, const struct run *run,
                              const uint8_t *channels, uint8_t count, enum purpose purpose)
{
	if (w->hold_all != REASON_NONE)
		return answer(VERDICT_HELD, w->hold_all, 0);
	if (!w->plans->on[plan])
		return answer(VERDICT_HELD, REASON_PLAN_OFF, 0);
	if (s->state && s->state->erased)
		return answer(VERDICT_SKIPPED, REASON_ERASED, 0);
	struct guard_answer a = choose_channel(w, s, channels, count, purpose);
	if (a.verdict != VERDICT_SEND || purpose == PURPOSE_SERVICE)
		return a;
	if (run && run->control)
		return answer(VERDICT_SKIPPED, REASON_CONTROL_GROUP, 0);
	if (in_global_control(w, s->view.customer))
		return answer(VERDICT_SKIPPED, REASON_GLOBAL_CONTROL, 0);
	return a;
}

/* ---- quiet hours ---- */

enum { PHONE_FROM_S = 10 * HOUR_S, PHONE_NOON_S = 13 * HOUR_S, PHONE_AGAIN_S = 14 * HOUR_S, PHONE_TO_S = 20 * HOUR_S };

static bool quiet_day(const struct world *w, enum channel ch, struct date d)
{
	int weekday = date_weekday(d);
	if (ch == CHANNEL_PHONE)
		return weekday >= 5 || settings_is_holiday(w->settings, d); /* R223-1: Monday to Friday, not holidays */
	return (w->settings->quiet_sundays && weekday == 6) ||
	       (w->settings->quiet_holidays && settings_is_holiday(w->settings, d));
}

/* The next second of day ≥ `second` at which the channel may speak, or −1: not today any more. */
static int32_t speaks_from(const struct world *w, enum channel ch, int32_t second)
{
	if (ch == CHANNEL_PHONE) {
		if (second < PHONE_FROM_S)
			return PHONE_FROM_S;
		if (second >= PHONE_NOON_S && second < PHONE_AGAIN_S)
			return PHONE_AGAIN_S;
		return second < PHONE_TO_S ? second : -1;
	}
	int32_t from = w->settings->quiet_from_s, to = w->settings->quiet_to_s;
	if (from == to)
		return second;
	if (from > to) { /* over midnight: 20:00 – 08:00 */
		if (second < to)
			return to;
		return second < from ? second : -1;
	}
	return second >= from && second < to ? to : second;
}

enum { QUIET_DAYS_MAX = 30 };

static bool has_quiet_hours(enum channel ch)
{
	return ch == CHANNEL_SMS || ch == CHANNEL_PUSH || ch == CHANNEL_PHONE;
}

static struct guard_answer quiet(const struct world *w, const struct subject *s, enum channel ch)
{
	struct civil c = zone_civil(s->zone, s->view.now);
	bool day_quiet = quiet_day(w, ch, c.date);
	int32_t second = day_quiet ? -1 : speaks_from(w, ch, c.second);
	if (second == c.second)
		return answer(VERDICT_SEND, REASON_NONE, 0);
	struct date d = c.date;
	for (int i = 0; second < 0 && i < QUIET_DAYS_MAX; i++) {
		d.day++;
		second = quiet_day(w, ch, d) ? -1 : speaks_from(w, ch, 0);
	}
	struct instant until = zone_instant(s->zone, d, second < 0 ? 0 : second);
	return answer(VERDICT_HELD, day_quiet ? REASON_QUIET_DAY : REASON_QUIET_HOURS, until.s);
}

static struct guard_answer blackout(const struct plan *p, const struct subject *s)
{
	for (uint8_t i = 0; i < p->blackout_count; i++)
		if (p->blackout[i].day == s->today.day)
			return answer(VERDICT_HELD, REASON_BLACKOUT,
			              zone_instant(s->zone, (struct date){ s->today.day + 1 }, p->hour_s).s);
	return answer(VERDICT_SEND, REASON_NONE, 0);
}

/* ---- pressure: so many messages per window, over everyone who shares the address ---- */

enum { RECENT_MAX = 64 };

struct recent {
	uint32_t at[RECENT_MAX]; /* the latest sends, newest first */
	int count;
};

static void recent_add(struct recent *r, uint32_t at)
{
	int i = r->count < RECENT_MAX ? r->count++ : RECENT_MAX - 1;
	if (i == RECENT_MAX - 1 && r->count == RECENT_MAX && r->at[i] > at)
		return;
	for (; i > 0 && r->at[i - 1] < at; i--)
		r->at[i] = r->at[i - 1];
	r->at[i] = at;
}

static bool counts(const struct sent *m)
{
	return m->purpose == PURPOSE_MARKETING && m->channel != CHANNEL_STAFF &&
	       (m->state == SENT_QUEUED || m->state == SENT_ACCEPTED || m->state == SENT_UNCERTAIN);
}

/* Whoever was merged into somebody stands in their ring: its messages count there, and not as copies (`joined`). */
static void recent_of(const struct pstate *state, int channel, int64_t since, const struct sent *except, bool joined,
                      struct recent *r)
{
	for (uint16_t i = state->sent_count; i-- > 0;) {
		const struct sent *m = &state->sent[i];
		if (m->at > since && m != except && counts(m) && (joined || !run_is_joined(m->run_no)) &&
		    (channel < 0 || m->channel == channel))
			recent_add(r, m->at);
	}
}

static int64_t pressed_until(const struct world *w, const struct subject *s, const struct pressure_rule *rule,
                             int channel, const struct sent *except)
{
	if (rule->limit < 0)
		return 0;
	int64_t window_s = (int64_t)rule->window_days * DAY_S, now = s->view.now.s;
	if (rule->limit == 0)
		return now + window_s;
	struct recent r;
	r.count = 0;
	bool ring = w->peers && w->states;
	if (s->state)
		recent_of(s->state, channel, now - window_s, except, !ring, &r);
	if (ring)
		for (customer_id c = w->peers[s->view.customer]; c && c != s->view.customer; c = w->peers[c])
			recent_of(&w->states[c], channel, now - window_s, except, false, &r);
	int limit = rule->limit < RECENT_MAX ? rule->limit : RECENT_MAX;
	return r.count < limit ? 0 : r.at[limit - 1] + window_s;
}

static struct guard_answer pressure(const struct world *w, const struct subject *s, enum channel ch,
                                    const struct sent *except)
{
	int64_t until = pressed_until(w, s, &w->settings->pressure[ch], ch, except);
	if (until > 0)
		return answer(VERDICT_HELD, REASON_PRESSURE_CHANNEL, until);
	until = pressed_until(w, s, &w->settings->pressure_all, -1, except);
	if (until > 0)
		return answer(VERDICT_HELD, REASON_PRESSURE_ALL, until);
	return answer(VERDICT_SEND, REASON_NONE, 0);
}

struct guard_answer guard_when(const struct world *w, const struct subject *s, uint16_t plan, enum channel channel,
                               enum purpose purpose, const struct sent *except)
{
	struct guard_answer a = blackout(w->plans->plans[plan], s);
	if (a.verdict == VERDICT_SEND && has_quiet_hours(channel))
		a = quiet(w, s, channel);
	if (a.verdict == VERDICT_SEND && purpose == PURPOSE_MARKETING && channel != CHANNEL_STAFF)
		a = pressure(w, s, channel, except);
	if (a.verdict == VERDICT_SEND)
		a.channel = channel;
	return a;
}
