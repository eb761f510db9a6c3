/* `when:` and `again:`: small grammars of a few English words.
 *
 *   inactive 6 months | order [+ 30 days] | first order [+ …] | cart + 3 hours | event NAME [+ …] | welcome
 *   birthday [month|day] | anniversary of NAME [± n days] | once on DATE | every year on RULE [± n days] | segment
 *   lifetime [± n days]
 *   RULE: MM-DD | easter | mothers-day | winter-sales | summer-sales | winter-sales-be | summer-sales-be
 *         | first…fourth, last WEEKDAY of MONTH */
#include "engine/plan_file_int.h"

#include <stdio.h>

static const char *const TRIGGERS[] = { "inactive", "order",       "first", "cart",  "event",   "welcome",
	                                    "birthday", "anniversary", "once",  "every", "segment", "lifetime" };
static const char WHEN_FORMS[] =
	"inactive 6 months; order + 30 days; first order; cart + 3 hours; event account_created + "
	"1 day; welcome; birthday month; anniversary of NAME; once on 2026-12-01; every year on "
	"12-06; segment; lifetime - 30 days";

static bool next_int(struct words *w, int64_t low, int64_t high, int64_t *out)
{
	if (!str_i64(words_peek(w), out) || *out < low || *out > high)
		return false;
	w->next++;
	return true;
}

static bool next_months(struct words *w, int32_t *months)
{
	int64_t n;
	if (!next_int(w, 1, 600, &n))
		return false;
	if (words_take(w, "months") || words_take(w, "month"))
		*months = (int32_t)n;
	else if (n <= 50 && (words_take(w, "years") || words_take(w, "year")))
		*months = (int32_t)n * 12;
	else
		return false;
	return true;
}

static void expected(struct reader *r, const struct words *w, const char *what)
{
	struct str at = words_peek(w);
	if (at.n)
		issue_at(r, words_offset(r, w), "\"%.*s\": %s", (int)(at.n < 60 ? at.n : 60), at.p, what);
	else
		issue_at(r, words_offset(r, w), "something is missing: %s", what);
}

/* An optional delay; days only when `hours` is false; never negative unless `before`. */
static bool when_delay(struct reader *r, struct words *w, bool hours, bool before)
{
	char unit;
	int64_t amount;
	bool bad;
	size_t at = words_offset(r, w);
	if (!words_delay(r, w, &unit, &amount, &bad))
		return !bad;
	if (unit == 'h' && !hours) {
		issue_at(r, at, "this trigger counts days: + 2 days");
		return false;
	}
	if (amount < 0 && !before) {
		issue_at(r, at, "nothing can enter before it happens: write + and a delay");
		return false;
	}
	if (unit == 'h') {
		r->plan->delay_s = amount;
		r->trigger_hours = true;
	} else {
		r->plan->delay_days = (int32_t)amount;
	}
	return true;
}

static bool when_name(struct reader *r, struct words *w, const char *example)
{
	struct str s = words_peek(w);
	if (s.n == 0 || s.n > PLAN_NAME_MAX || s.p[0] == '+' || s.p[0] == '-') {
		expected(r, w, example);
		return false;
	}
	r->plan->event = s;
	w->next++;
	return true;
}

static const char *const WEEKDAYS[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" };
static const char *const MONTHS[] = { "january", "february", "march",     "april",   "may",      "june",
	                                  "july",    "august",   "september", "october", "november", "december" };
static const char *const ORDINALS[] = { "first", "second", "third", "fourth", "last" };
static const struct {
	const char *word;
	enum yearly rule;
} RULES[] = {
	{ "easter", YEARLY_EASTER },
	{ "mothers-day", YEARLY_MOTHERS_DAY_FR },
	{ "winter-sales", YEARLY_WINTER_SALES_FR },
	{ "summer-sales", YEARLY_SUMMER_SALES_FR },
	{ "winter-sales-be", YEARLY_WINTER_SALES_BE },
	{ "summer-sales-be", YEARLY_SUMMER_SALES_BE },
};

static int word_index(struct words *w, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (words_take(w, list[i]))
			return (int)i;
	return -1;
}

static bool month_and_day(struct words *w, struct plan *p)
{
	struct str s = words_peek(w);
	int64_t m, d;
	if (s.n != 5 || s.p[2] != '-' || !str_i64((struct str){ s.p, 2 }, &m) || !str_i64((struct str){ s.p + 3, 2 }, &d) ||
	    m < 1 || m > 12 || d < 1 || d > date_days_in_month(2000, (int)m))
		return false;
	p->month = (int32_t)m;
	p->month_day = (int32_t)d;
	p->yearly = YEARLY_DATE;
	w->next++;
	return true;
}

static bool weekday_of_month(struct words *w, struct plan *p)
{
	int nth = word_index(w, ORDINALS, ARRAY_LEN(ORDINALS));
	if (nth < 0)
		return false;
	p->nth = nth == 4 ? -1 : nth + 1;
	p->weekday = word_index(w, WEEKDAYS, ARRAY_LEN(WEEKDAYS));
	if (p->weekday < 0 || !words_take(w, "of"))
		return false;
	p->month = word_index(w, MONTHS, ARRAY_LEN(MONTHS)) + 1;
	p->yearly = YEARLY_WEEKDAY;
	return p->month > 0;
}

static bool when_yearly(struct reader *r, struct words *w)
{
	struct plan *p = r->plan;
	p->trigger = TRIGGER_YEARLY;
	p->month = 1;
	bool found = words_take(w, "year") && words_take(w, "on");
	if (!found) {
		expected(r, w, "write every year on 12-06");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(RULES); i++)
		if (words_take(w, RULES[i].word)) {
			p->yearly = RULES[i].rule;
			p->month = 0;
			if (!when_delay(r, w, false, true))
				return false;
			if (p->yearly == YEARLY_EASTER) { /* the header's convention: Easter + month_day */
				p->month_day = p->delay_days;
				p->delay_days = 0;
			}
			return true;
		}
	if (!month_and_day(w, p) && !weekday_of_month(w, p)) {
		const char *words[ARRAY_LEN(RULES)];
		for (size_t i = 0; i < ARRAY_LEN(RULES); i++)
			words[i] = RULES[i].word;
		const char *near = str_nearest(words_peek(w), words, ARRAY_LEN(words), 3);
		char text[200];
		int n = 0;
		if (near)
			n = snprintf(text, sizeof text,
			             r->issues->french ? "vouliez-vous dire «\u00a0%s\u00a0»\u202f? " : "did you mean \"%s\"? ",
			             near);
		snprintf(text + n, sizeof text - (size_t)n, "%s",
		         r->issues->french
		             ? "écrivez un jour comme 12-06 (mois-jour), easter, mothers-day, winter-sales, "
		               "summer-sales ou last sunday of may"
		             : "write a day as 12-06 (month-day), easter, mothers-day, winter-sales, summer-sales "
		               "or last sunday of may");
		expected(r, w, text);
		return false;
	}
	return when_delay(r, w, false, true);
}

static bool when_event(struct reader *r, struct words *w)
{
	if (!when_name(r, w, "name the event: event account_created"))
		return false;
	bool cart = str_is(r->plan->event, "cart_changed");
	r->plan->trigger = cart ? TRIGGER_CART : TRIGGER_EVENT;
	if (str_is(r->plan->event, "order"))
		r->plan->trigger = TRIGGER_ORDER;
	if (r->plan->trigger != TRIGGER_EVENT)
		r->plan->event = (struct str){ 0 };
	return when_delay(r, w, true, false);
}

static bool when_once(struct reader *r, struct words *w)
{
	r->plan->trigger = TRIGGER_ONCE;
	if (!words_take(w, "on") || !date_parse(words_peek(w), &r->plan->once)) {
		expected(r, w, "write once on 2026-12-01 (year-month-day)");
		return false;
	}
	w->next++;
	return true;
}

static bool when_inactive(struct reader *r, struct words *w)
{
	r->plan->trigger = TRIGGER_INACTIVE;
	if (next_months(w, &r->plan->months))
		return true;
	expected(r, w, "write inactive 6 months (a number of months or years)");
	return false;
}

static bool when_birthday(struct reader *r, struct words *w)
{
	r->plan->trigger = TRIGGER_BIRTHDAY;
	r->plan->on_day = words_take(w, "day");
	if (!r->plan->on_day)
		(void)words_take(w, "month");
	return true;
}

static bool when_kind(struct reader *r, struct words *w)
{
	struct plan *p = r->plan;
	if (words_take(w, "inactive"))
		return when_inactive(r, w);
	if (words_take(w, "every"))
		return when_yearly(r, w);
	if (words_take(w, "event"))
		return when_event(r, w);
	if (words_take(w, "once"))
		return when_once(r, w);
	if (words_take(w, "birthday"))
		return when_birthday(r, w);
	if (words_take(w, "welcome"))
		return p->trigger = TRIGGER_WELCOME, true;
	if (words_take(w, "segment"))
		return p->trigger = TRIGGER_SEGMENT, true;
	if (words_take(w, "order"))
		return p->trigger = TRIGGER_ORDER, when_delay(r, w, true, false);
	if (words_take(w, "cart"))
		return p->trigger = TRIGGER_CART, when_delay(r, w, true, false);
	if (words_take(w, "lifetime"))
		return p->trigger = TRIGGER_LIFETIME, when_delay(r, w, false, true);
	if (words_take(w, "first")) {
		p->trigger = TRIGGER_FIRST_ORDER;
		if (words_take(w, "order"))
			return when_delay(r, w, true, false);
		expected(r, w, "write first order");
		return false;
	}
	if (words_take(w, "anniversary")) {
		p->trigger = TRIGGER_DATED_EVENT;
		if (words_take(w, "of"))
			return when_name(r, w, "name the event: anniversary of wedding") && when_delay(r, w, false, true);
		expected(r, w, "write anniversary of NAME");
		return false;
	}
	const char *near = str_nearest(words_peek(w), TRIGGERS, ARRAY_LEN(TRIGGERS), 2);
	struct str s = words_peek(w);
	issue_at(r, words_offset(r, w), "no trigger \"%.*s\"; %s%s%swrite one of: %s", (int)(s.n < 60 ? s.n : 60), s.p,
	         near ? "did you mean \"" : "", near ? near : "", near ? "\"? " : "", WHEN_FORMS);
	return false;
}

void read_when(struct reader *r, const struct node *n)
{
	struct str s;
	if (!read_scalar(r, n, "when", "inactive 6 months", &s))
		return;
	struct place at = place_of(r->text, n->offset);
	r->plan->when_line = at.line;
	r->plan->when_column = at.column;
	struct words w;
	words_split(n, &w);
	if (!when_kind(r, &w))
		return;
	if (w.next < w.count)
		expected(r, &w, "not understood after the trigger; for example: order + 30 days");
	struct plan *p = r->plan;
	if (p->trigger == TRIGGER_CART && p->delay_s == 0 && p->delay_days == 0)
		p->delay_s = 3 * HOUR_S;
	if (p->trigger == TRIGGER_CART && p->delay_days) { /* a cart counts hours, whatever the unit */
		p->delay_s = (int64_t)p->delay_days * DAY_S;
		p->delay_days = 0;
	}
	r->trigger_hours |= p->trigger == TRIGGER_CART;
}

void read_again(struct reader *r, const struct node *n)
{
	struct str s;
	if (!read_scalar(r, n, "again", "after 12 months", &s))
		return;
	struct plan *p = r->plan;
	struct words w;
	words_split(n, &w);
	bool good = true;
	p->again_months = p->again_days = -1;
	p->again_each_year = false;
	if (words_take(&w, "never")) {
	} else if (words_take(&w, "always")) {
		p->again_months = p->again_days = 0;
	} else if (words_take(&w, "each") && words_take(&w, "year")) {
		p->again_each_year = true;
		p->again_months = p->again_days = 0;
	} else if (words_take(&w, "after")) {
		size_t number = w.next;
		int64_t days;
		p->again_days = 0;
		good = next_months(&w, &p->again_months);
		if (!good) {
			w.next = number;
			p->again_months = 0;
			good = next_int(&w, 1, 18300, &days) && (words_take(&w, "days") || words_take(&w, "day"));
			p->again_days = good ? (int32_t)days : 0;
		}
	} else {
		good = false;
	}
	if (!good || w.next < w.count)
		expected(r, &w, "write again: after 12 months, after 30 days, each year, always or never");
	else
		r->again_given = true;
}
