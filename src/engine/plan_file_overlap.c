/* Plans against each other: what one person can meet who enters several of them.
 *
 * Plans that start from the same thing (an order, a cart, an event, a birthday, the calendar, the time since the last
 * order) stand on one clock: how far apart their messages are is known. Their marketing messages are laid on it and the
 * pressure rule is played through, highest priority first, as the guard does; what is dropped together and would not be
 * alone is advice, and so are two messages on one day. Plans on different clocks may meet in any week: the fullest one
 * is a note. Audiences that exclude each other (expr_can_meet) never meet. Months count as 30.4 days. */
#include "engine/plan_file_int.h"
#include "engine/plan_words.h"

#include <stdlib.h>

enum { DAY_H = 24, MOMENTS_MAX = 2 * STEPS_MAX, YEARS_AHEAD = 3 };

struct moment { /* a message of a plan, on a clock */
	const struct plan *plan;
	const struct step *step;
	int64_t entry_h; /* from the entry */
	int64_t due_h;   /* on the clock */
	int64_t late_h;
	int64_t sent_h; /* −1: dropped */
};

struct pairing {
	struct arena *arena;
	struct plan_issues *issues;
	const struct settings *settings;
	struct date today;
	enum locale locale;
};

#define say(c, level, p, line, column, fr, en, ...)                                                                    \
	issue_put((c)->issues, (c)->arena, (level), (p)->file, (line), (column), (c)->locale == LOCALE_FR ? (fr) : (en),   \
	          __VA_ARGS__)

/* ---- messages of a plan on its clock ---- */

/* Marketing messages whose first channel is this one. Steps with a condition at the moment of the one before them are
 * taken for its alternatives. */
static size_t messages_of(const struct plan *p, enum channel channel, int64_t start_h, struct moment *out)
{
	int64_t hour[STEPS_MAX];
	size_t n = 0;
	plan_moments(p, hour);
	for (int i = 0; i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		bool counts =
			s->action == STEP_SEND && s->purpose == PURPOSE_MARKETING && s->channel_count && s->channels[0] == channel;
		if (!counts || (s->condition && n && out[n - 1].entry_h == hour[i]) || (s->condition && s->after_last))
			continue;
		int64_t late = s->drop_when_held ? 0 : (s->late_s >= 0 ? s->late_s : p->late_s) / HOUR_S;
		out[n++] = (struct moment){ p, s, hour[i], start_h + hour[i], late, -1 };
	}
	return n;
}

static int by_due(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;
	if (x->due_h / DAY_H != y->due_h / DAY_H)
		return x->due_h < y->due_h ? -1 : 1;
	if (x->plan->priority != y->plan->priority)
		return x->plan->priority > y->plan->priority ? -1 : 1;
	return (x->step > y->step) - (x->step < y->step);
}

/* When the rule has room for one more at `at`, given what has been sent: `at` itself, or later. */
static int64_t room_at(const struct moment *e, size_t n, const struct pressure_rule *rule, int64_t at)
{
	int64_t window = (int64_t)rule->window_days * DAY_H;
	for (;;) {
		int count = 0;
		int64_t oldest = INT64_MAX;
		for (size_t i = 0; i < n; i++)
			if (e[i].sent_h > at - window && e[i].sent_h >= 0) {
				count++;
				oldest = e[i].sent_h < oldest ? e[i].sent_h : oldest;
			}
		if (count < rule->limit)
			return at;
		at = oldest + window;
	}
}

/* Plays the rule over messages in order of their day: a better one of the same day goes first, one without room waits
 * for as long as it may be late. */
static void play(struct moment *e, size_t n, const struct pressure_rule *rule)
{
	int64_t first = n ? e[0].due_h : 0;
	for (size_t i = 1; i < n; i++)
		first = e[i].due_h < first ? e[i].due_h : first;
	first -= (first % DAY_H + DAY_H) % DAY_H;
	for (size_t i = 0; i < n; i++) /* from the first day on: the clock's zero may lie behind it */
		e[i].due_h -= first;
	qsort(e, n, sizeof *e, by_due);
	for (size_t i = 0; i < n; i++) {
		int64_t at = room_at(e, i, rule, e[i].due_h);
		e[i].sent_h = at <= e[i].due_h + e[i].late_h ? at : -1;
	}
}

static const struct moment *of_step(const struct moment *e, size_t n, const struct step *s)
{
	for (size_t i = 0; i < n; i++)
		if (e[i].step == s)
			return &e[i];
	return NULL;
}

/* "J", "J+30" */
static struct str moment_text(struct arena *a, int64_t hours)
{
	return hours < DAY_H ? STR("J") : arena_printf(a, "J+%lld", (long long)(hours / DAY_H));
}

/* ---- clocks ---- */

static bool same_clock(const struct plan *p, const struct plan *q)
{
	bool order_p = p->trigger == TRIGGER_ORDER || p->trigger == TRIGGER_FIRST_ORDER || p->trigger == TRIGGER_INACTIVE;
	bool order_q = q->trigger == TRIGGER_ORDER || q->trigger == TRIGGER_FIRST_ORDER || q->trigger == TRIGGER_INACTIVE;
	if (order_p || order_q)
		return order_p && order_q;
	if (p->trigger != q->trigger || p->trigger == TRIGGER_SEGMENT || p->trigger == TRIGGER_WELCOME)
		return false;
	return str_eq(p->event, q->event) && p->on_day == q->on_day;
}

static bool on_calendar(const struct plan *p)
{
	return p->trigger == TRIGGER_YEARLY || p->trigger == TRIGGER_ONCE;
}

/* Hours from the clock's zero to the entry. But for carts, which count hours, messages leave at the plan's hour: less
 * than a day makes no difference. */
static int64_t start_of(const struct plan *p)
{
	int64_t days = p->trigger == TRIGGER_INACTIVE ? p->months * 304LL / 10 : p->delay_days;
	return days * DAY_H + (p->trigger == TRIGGER_CART ? p->delay_s / HOUR_S : p->delay_s / DAY_S * DAY_H);
}

/* What a trigger says about who enters. */
static void triggered(const struct plan *p, struct expr_state *s)
{
	if (p->trigger == TRIGGER_ORDER || p->trigger == TRIGGER_FIRST_ORDER || p->trigger == TRIGGER_INACTIVE ||
	    p->trigger == TRIGGER_LIFETIME)
		s->orders = 1;
	if (p->trigger == TRIGGER_INACTIVE && p->months > s->months_idle)
		s->months_idle = p->months;
}

static bool audiences_meet(const struct plan *p, const struct plan *q)
{
	struct expr_state s = { 0 };
	const struct expr *who[] = { p->who, q->who };
	triggered(p, &s);
	triggered(q, &s);
	return expr_can_meet(who, 2, &s);
}

/* The two steps' conditions and the other plan's audience. */
static bool steps_meet(const struct moment *x, const struct moment *y)
{
	struct expr_state s = { 0 };
	const struct expr *all[] = { x->step->condition, y->step->condition, x->plan->who, y->plan->who };
	return expr_can_meet(all, ARRAY_LEN(all), &s);
}

/* ---- pairs on one clock ---- */

/* Two messages of the two plans on one day; the first such day. */
static bool say_same_day(const struct pairing *c, const struct moment *e, size_t n, struct str when)
{
	for (size_t i = 0; i + 1 < n; i++) {
		const struct moment *x = &e[i], *y = &e[i + 1];
		bool one_day = x->sent_h >= 0 && y->sent_h >= 0 && x->sent_h / DAY_H == y->sent_h / DAY_H;
		if (!one_day || x->plan == y->plan || !steps_meet(x, y))
			continue;
		say(c, ISSUE_ADVICE, y->plan, y->step->line, y->step->column,
		    "%.*s, l’étape «\xC2\xA0%.*s\xC2\xA0» (%.*s) part le même jour que «\xC2\xA0%.*s\xC2\xA0» (%.*s) du plan "
		    "«\xC2\xA0%.*s\xC2\xA0» (%.*s)\xC2\xA0: "
		    "décalez l’une des deux, ou séparez les publics avec «\xC2\xA0who\xC2\xA0»",
		    "%.*s, step \"%.*s\" (%.*s) goes out on the same day as \"%.*s\" (%.*s) of plan \"%.*s\" (%.*s): move one "
		    "of "
		    "them, or tell the audiences apart with \"who\"",
		    STR_ARG(when), STR_ARG(y->step->name), STR_ARG(moment_text(c->arena, y->entry_h)), STR_ARG(x->step->name),
		    STR_ARG(moment_text(c->arena, x->entry_h)), STR_ARG(x->plan->name), STR_ARG(x->plan->file));
		return true;
	}
	return false;
}

static bool say_dropped(const struct pairing *c, const struct moment *e, size_t n, const struct moment *alone,
                        size_t alone_n, const struct pressure_rule *rule, struct str when)
{
	for (size_t i = 0; i < n; i++) {
		const struct moment *x = &e[i], *by_itself = of_step(alone, alone_n, x->step), *other = NULL;
		if (x->sent_h >= 0 || !by_itself || by_itself->sent_h < 0)
			continue;
		for (size_t k = 0; k < i; k++)
			if (e[k].plan != x->plan && e[k].sent_h >= 0 && x->due_h - e[k].sent_h < (int64_t)rule->window_days * DAY_H)
				other = &e[k];
		if (!other || !steps_meet(x, other))
			continue;
		int64_t wait = room_at(e, n, rule, x->due_h) - x->due_h;
		int64_t days = (wait + DAY_H - 1) / DAY_H;
		say(c, ISSUE_ADVICE, x->plan, x->step->line, x->step->column,
		    "%.*s, l’étape «\xC2\xA0%.*s\xC2\xA0» (%.*s) tombe dans les %d jours de «\xC2\xA0%.*s\xC2\xA0» (%.*s) du "
		    "plan «\xC2\xA0%.*s\xC2\xA0» (%.*s)\xC2\xA0: la règle "
		    "laisse passer %d messages, elle devrait attendre %.*s et serait abandonnée\xC2\xA0; placez-la plus tard, "
		    "écrivez "
		    "late: %lld days, ou séparez les publics avec «\xC2\xA0who\xC2\xA0»",
		    "%.*s, step \"%.*s\" (%.*s) falls within %d days of \"%.*s\" (%.*s) of plan \"%.*s\" (%.*s): the rule lets "
		    "%d "
		    "messages through, so it would have to wait until %.*s and is dropped: move it later, write late: %lld "
		    "days, "
		    "or tell the audiences apart with \"who\"",
		    STR_ARG(when), STR_ARG(x->step->name), STR_ARG(moment_text(c->arena, x->entry_h)), rule->window_days,
		    STR_ARG(other->step->name), STR_ARG(moment_text(c->arena, other->entry_h)), STR_ARG(other->plan->name),
		    STR_ARG(other->plan->file), rule->limit, STR_ARG(moment_text(c->arena, x->entry_h + days * DAY_H)),
		    (long long)days);
		return true;
	}
	return false;
}

/* p and q, entered `apart_h` hours apart (q after p). True when something was said. */
static bool meet(const struct pairing *c, const struct plan *p, const struct plan *q, int64_t apart_h, struct str when)
{
	for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
		const struct pressure_rule *rule = &c->settings->pressure[channel];
		struct moment both[MOMENTS_MAX], alone[MOMENTS_MAX];
		size_t own = messages_of(p, (enum channel)channel, 0, both), n = own;
		n += messages_of(q, (enum channel)channel, apart_h, both + own);
		if (own == 0 || n == own || rule->limit <= 0)
			continue;
		memcpy(alone, both, n * sizeof *both);
		play(alone, own, rule);
		play(alone + own, n - own, rule);
		play(both, n, rule);
		if (say_dropped(c, both, n, alone, n, rule, when) || say_same_day(c, both, n, when))
			return true;
	}
	return false;
}

static const char *starts(const struct plan *p, enum locale l)
{
	bool fr = l == LOCALE_FR;
	switch (p->trigger) {
	case TRIGGER_INACTIVE:
	case TRIGGER_ORDER: return fr ? "après une commande" : "after an order";
	case TRIGGER_FIRST_ORDER: return fr ? "après la première commande" : "after a first order";
	case TRIGGER_CART: return fr ? "après un panier abandonné" : "after an abandoned cart";
	case TRIGGER_BIRTHDAY: return fr ? "pour l’anniversaire" : "for the birthday";
	case TRIGGER_LIFETIME: return fr ? "quand un produit est à remplacer" : "when a product is to be replaced";
	case TRIGGER_EVENT:
	case TRIGGER_DATED_EVENT:
	case TRIGGER_WELCOME:
	case TRIGGER_ONCE:
	case TRIGGER_YEARLY:
	case TRIGGER_SEGMENT: break;
	}
	return fr ? "après le même événement" : "after the same event";
}

static void meet_on_clock(const struct pairing *c, const struct plan *p, const struct plan *q)
{
	const struct plan *first = q->trigger == TRIGGER_FIRST_ORDER ? q : p;
	bool sleepers = p->trigger == TRIGGER_INACTIVE && q->trigger == TRIGGER_INACTIVE;
	if (sleepers) {
		int months = p->months > q->months ? p->months : q->months;
		struct str when = arena_printf(
			c->arena,
			c->locale == LOCALE_FR
				? "le jour où les deux plans sont mis en route, qui dort depuis %d mois entre dans les deux"
				: "on the day both plans are switched on whoever has slept for %d months enters both",
			months);
		if (meet(c, p, q, 0, when))
			return;
	}
	meet(c, p, q, start_of(q) - start_of(p), str_from(starts(first, c->locale)));
}

static struct date day_of(const struct plan *p, int year)
{
	return p->trigger == TRIGGER_ONCE ? p->once : plan_yearly_day(p, year);
}

/* Days between the two in the year where they are nearest, of those to come; false: no day. */
static bool nearest(const struct pairing *c, const struct plan *p, const struct plan *q, struct date *at,
                    int64_t *apart)
{
	int year, month, day;
	bool found = false;
	date_ymd(c->today, &year, &month, &day);
	for (int y = year; y <= year + YEARS_AHEAD; y++)
		for (int z = y - 1; z <= y + 1; z++) { /* Christmas and New Year */
			struct date x = day_of(p, y), w = day_of(q, z);
			int64_t d = (int64_t)w.day - x.day;
			if (!date_known(x) || !date_known(w) || x.day < c->today.day ||
			    (found && (d < 0 ? -d : d) >= (*apart < 0 ? -*apart : *apart)))
				continue;
			*at = x;
			*apart = d;
			found = true;
		}
	return found;
}

static void meet_on_calendar(const struct pairing *c, const struct plan *p, const struct plan *q)
{
	struct date at;
	int64_t apart;
	if (!nearest(c, p, q, &at, &apart))
		return;
	int year, month, day;
	date_ymd(at, &year, &month, &day);
	meet(c, p, q, apart * DAY_H,
	     arena_printf(c->arena,
	                  c->locale == LOCALE_FR ? "en %d (J de «\xC2\xA0%.*s\xC2\xA0»\xC2\xA0: %04d-%02d-%02d)"
	                                         : "in %d (J of \"%.*s\": %04d-%02d-%02d)",
	                  year, STR_ARG(p->name), year, month, day));
}

static bool said_already(const struct plan *p, const struct plan *q)
{
	return str_eq(p->name, q->name) ||
	       (p->trigger == q->trigger && p->months == q->months && p->delay_s == q->delay_s &&
	        p->delay_days == q->delay_days && !on_calendar(p) && str_eq(p->event, q->event) && p->on_day == q->on_day &&
	        str_eq(p->who_text, q->who_text));
}

/* ---- the fullest week ---- */

struct share { /* of one plan in the fullest week */
	const struct plan *plan;
	struct moment moments[STEPS_MAX];
	size_t count; /* within one window */
	size_t from;
};

static void fullest(struct share *s, enum channel channel, int window_days)
{
	size_t n = messages_of(s->plan, channel, 0, s->moments);
	for (size_t i = 0; i < n; i++) {
		size_t k = i;
		while (k < n && s->moments[k].entry_h - s->moments[i].entry_h < (int64_t)window_days * DAY_H)
			k++;
		if (k - i > s->count) {
			s->count = k - i;
			s->from = i;
		}
	}
}

/* Whether a message of each can fall within one window. */
static bool within_a_window(const struct share *x, const struct share *y, int64_t apart_h, int window_days)
{
	for (size_t i = 0; i < x->count; i++)
		for (size_t k = 0; k < y->count; k++) {
			int64_t d = y->moments[y->from + k].entry_h + apart_h - x->moments[x->from + i].entry_h;
			if ((d < 0 ? -d : d) < (int64_t)window_days * DAY_H)
				return true;
		}
	return false;
}

static bool share_a_window(const struct pairing *c, const struct share *x, const struct share *y, int window_days)
{
	const struct plan *p = x->plan, *q = y->plan;
	if (!audiences_meet(p, q))
		return false;
	if (on_calendar(p) && on_calendar(q)) {
		struct date at;
		int64_t apart;
		return nearest(c, p, q, &at, &apart) && within_a_window(x, y, apart * DAY_H, window_days);
	}
	if (same_clock(p, q))
		return within_a_window(x, y, start_of(q) - start_of(p), window_days);
	/* a welcome is over long before somebody has slept for months */
	return !((p->trigger == TRIGGER_WELCOME && q->trigger == TRIGGER_INACTIVE) ||
	         (q->trigger == TRIGGER_WELCOME && p->trigger == TRIGGER_INACTIVE));
}

static int by_weight(const void *a, const void *b)
{
	const struct share *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->plan->priority != y->plan->priority)
		return x->plan->priority > y->plan->priority ? -1 : 1;
	return str_cmp(x->plan->name, y->plan->name);
}

static int by_priority(const void *a, const void *b)
{
	const struct share *x = a, *y = b;
	return x->plan->priority != y->plan->priority ? (x->plan->priority > y->plan->priority ? -1 : 1)
	                                              : str_cmp(x->plan->name, y->plan->name);
}

static void say_fullest(const struct pairing *c, const struct share *list, size_t n, size_t total, enum channel channel)
{
	const struct pressure_rule *rule = &c->settings->pressure[channel];
	const struct plan *last = list[n - 1].plan;
	struct buf b;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "%s%.*s (%d)", i ? " · " : "", STR_ARG(list[i].plan->name), list[i].plan->priority);
		for (size_t k = 0; k < list[i].count; k++) {
			struct str m = moment_text(c->arena, list[i].moments[list[i].from + k].entry_h);
			buf_printf(&b, "%s%.*s", k ? ", " : " ", STR_ARG(m));
		}
	}
	say(c, ISSUE_NOTE, last, last->when_line, last->when_column,
	    "jusqu’à %zu messages (%s) peuvent échoir à une même personne en %d jours, par priorité\xC2\xA0: %.*s. La "
	    "règle en laisse "
	    "passer %d\xC2\xA0; les autres attendent leur «\xC2\xA0late\xC2\xA0», puis sont abandonnés, "
	    "«\xC2\xA0%.*s\xC2\xA0» en premier. relance replay dit "
	    "combien de personnes cela touche",
	    "up to %zu messages (%s) can fall due for one person within %d days, by priority: %.*s. The rule lets %d "
	    "through; "
	    "the others wait as long as their \"late\" and are then dropped, \"%.*s\" first. relance replay says how many "
	    "people "
	    "that is",
	    total, plan_channel_word(channel, c->locale), rule->window_days, STR_ARG(buf_view(&b)), rule->limit,
	    STR_ARG(last->name));
	buf_release(&b);
}

/* The plans that can all speak to one person in one window, and how much: the heaviest first, then whoever fits. */
static void fullest_window(const struct pairing *c, const struct plan *const *plans, size_t count, enum channel channel)
{
	const struct pressure_rule *rule = &c->settings->pressure[channel];
	struct share *all = arena_array(c->arena, struct share, count + 1),
				 *chosen = arena_array(c->arena, struct share, count + 1);
	size_t n = 0, total = 0;
	if (rule->limit < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		all[i].plan = plans[i];
		fullest(&all[i], channel, rule->window_days);
	}
	qsort(all, count, sizeof *all, by_weight);
	for (size_t i = 0; i < count && all[i].count; i++) {
		bool fits = true;
		for (size_t k = 0; k < n && fits; k++)
			fits = share_a_window(c, &chosen[k], &all[i], rule->window_days);
		if (fits) {
			chosen[n++] = all[i];
			total += all[i].count;
		}
	}
	if (n < 2 || total <= (size_t)rule->limit)
		return;
	qsort(chosen, n, sizeof *chosen, by_priority);
	say_fullest(c, chosen, n, total, channel);
}

void plan_check_together(const struct plan *const *plans, size_t count, const struct settings *settings,
                         struct date today, enum locale locale, struct arena *a, struct plan_issues *issues)
{
	struct pairing c = { a, issues, settings, today, locale };
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct plan *p = plans[k], *q = plans[i];
			if (said_already(p, q) || !audiences_meet(p, q))
				continue;
			if (on_calendar(p) && on_calendar(q))
				meet_on_calendar(&c, p, q);
			else if (same_clock(p, q))
				meet_on_clock(&c, p, q);
		}
	for (int channel = 0; channel < CHANNEL_COUNT && count > 1; channel++)
		fullest_window(&c, plans, count, (enum channel)channel);
}
