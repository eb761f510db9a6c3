#include "engine/plan.h"

/* The nth weekday of a month, nth −1: the last. A fifth that does not exist is the last. */
static struct date nth_weekday(int year, int month, int nth, int weekday)
{
	int days = date_days_in_month(year, month);
	int first = 1 + (weekday - date_weekday(date_from_ymd(year, month, 1)) + 7) % 7;
	int day = nth > 0 ? first + 7 * (nth - 1) : first + 28;
	while (day > days)
		day -= 7;
	return date_from_ymd(year, month, day);
}

static struct date clamped(int year, int month, int day)
{
	int days = date_days_in_month(year, month);
	return date_from_ymd(year, month, day < days ? day : days);
}

static struct date mothers_day_fr(int year)
{
	struct date last_may = nth_weekday(year, 5, -1, 6);
	bool pentecost = last_may.day == date_easter(year).day + 49;
	return pentecost ? nth_weekday(year, 6, 1, 6) : last_may;
}

/* The nth Wednesday, a week earlier when it falls after day `limit`. */
static struct date sales_fr(int year, int month, int nth, int limit)
{
	struct date d = nth_weekday(year, month, nth, 2);
	return d.day > date_from_ymd(year, month, limit).day ? (struct date){ d.day - 7 } : d;
}

static struct date not_sunday(struct date d)
{
	return date_weekday(d) == 6 ? (struct date){ d.day - 1 } : d;
}

static struct date rule_day(const struct plan *p, int year)
{
	switch (p->yearly) {
	case YEARLY_DATE: return clamped(year, p->month, p->month_day);
	case YEARLY_EASTER: return (struct date){ date_easter(year).day + p->month_day };
	case YEARLY_WEEKDAY: return nth_weekday(year, p->month, p->nth, p->weekday);
	case YEARLY_MOTHERS_DAY_FR: return mothers_day_fr(year);
	case YEARLY_WINTER_SALES_FR: return sales_fr(year, 1, 2, 12);
	case YEARLY_SUMMER_SALES_FR: return sales_fr(year, 6, -1, 28);
	case YEARLY_WINTER_SALES_BE: return not_sunday(date_from_ymd(year, 1, 3));
	case YEARLY_SUMMER_SALES_BE: return not_sunday(date_from_ymd(year, 7, 1));
	}
	check(!"a rule");
	return DATE_UNKNOWN;
}

struct date plan_yearly_day(const struct plan *p, int year)
{
	if (p->trigger != TRIGGER_YEARLY)
		return DATE_UNKNOWN;
	struct date d = rule_day(p, year);
	d.day += p->delay_days;
	return d;
}
