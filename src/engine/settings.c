#include "engine/settings.h"

#include <stdlib.h>

enum { DEFAULT_YEAR_FROM = 2000, DEFAULT_YEAR_TO = 2045, FRENCH_HOLIDAYS = 11 };
_Static_assert((DEFAULT_YEAR_TO - DEFAULT_YEAR_FROM + 1) * FRENCH_HOLIDAYS <= HOLIDAYS_MAX, "the default years fit");

/* Tariffs in cents of a two-decimal currency, scaled to the shop's: e-mail 20 per 1,000, SMS 0.10, a postcard printed
 * and posted about 0.95. Starting points: a shop sets its own. */
static int64_t tariff(int64_t thousandths_of_cent, struct currency currency)
{
	int64_t v = thousandths_of_cent;
	for (int e = currency.exponent; e > 2; e--)
		v *= 10;
	for (int e = currency.exponent; e < 2; e++)
		v /= 10;
	return v;
}

void settings_defaults(struct settings *s, zone_id zone, enum locale locale, struct currency currency)
{
	*s = (struct settings){ .zone = zone, .locale = locale, .currency = currency, .lifecycle = LIFECYCLE_DEFAULTS };
	for (int c = 0; c < CHANNEL_COUNT; c++)
		s->pressure[c] = (struct pressure_rule){ -1, 0 };
	s->pressure[CHANNEL_EMAIL] = (struct pressure_rule){ 2, 7 };
	s->pressure[CHANNEL_SMS] = (struct pressure_rule){ 2, 30 };
	s->pressure[CHANNEL_POSTCARD] = (struct pressure_rule){ 1, 30 };
	s->pressure[CHANNEL_PHONE] = (struct pressure_rule){ 4, 30 }; /* C. conso. D223-9 */
	s->pressure_all = (struct pressure_rule){ 3, 7 };
	s->quiet_from_s = 20 * HOUR_S;
	s->quiet_to_s = 8 * HOUR_S;
	s->quiet_sundays = s->quiet_holidays = true;
	s->phone_from_s[0] = 10 * HOUR_S;
	s->phone_to_s[0] = 13 * HOUR_S;
	s->phone_from_s[1] = 14 * HOUR_S;
	s->phone_to_s[1] = 20 * HOUR_S;
	s->phone_weekdays_only = true;
	s->post_opt_in = false; /* France: allowed until opposed */
	s->soft_opt_in = true;
	s->channel_cost[CHANNEL_EMAIL] = tariff(2000, currency);
	s->channel_cost[CHANNEL_SMS] = tariff(10000, currency);
	s->channel_cost[CHANNEL_POSTCARD] = tariff(95000, currency);
	s->jump_s = HOUR_S;
	s->report_day = 2;
	s->retention = (struct retention_rules){ .prospect_months = 36, .customer_months = 36 };
	s->version = 1;
	settings_holidays(s, DEFAULT_YEAR_FROM, DEFAULT_YEAR_TO);
}

static int by_day(const void *a, const void *b)
{
	const struct date *x = a, *y = b;
	return (x->day > y->day) - (x->day < y->day);
}

static void holiday_add(struct settings *s, struct date d)
{
	size_t i = s->holiday_count;
	while (i > 0 && s->holidays[i - 1].day > d.day)
		i--;
	if (s->holiday_count == HOLIDAYS_MAX || (i > 0 && s->holidays[i - 1].day == d.day))
		return;
	memmove(s->holidays + i + 1, s->holidays + i, (s->holiday_count - i) * sizeof *s->holidays);
	s->holidays[i] = d;
	s->holiday_count++;
}

void settings_holidays(struct settings *s, int from, int to)
{
	static const int FIXED[][2] = { { 1, 1 },  { 5, 1 },  { 5, 8 },   { 7, 14 },
		                            { 8, 15 }, { 11, 1 }, { 11, 11 }, { 12, 25 } };
	static const int EASTER[] = { 1, 39, 50 }; /* Easter Monday, Ascension, Whit Monday */
	_Static_assert(ARRAY_LEN(FIXED) + ARRAY_LEN(EASTER) == FRENCH_HOLIDAYS, "eleven days");
	for (int year = from; year <= to; year++) {
		for (size_t i = 0; i < ARRAY_LEN(FIXED); i++)
			holiday_add(s, date_from_ymd(year, FIXED[i][0], FIXED[i][1]));
		for (size_t i = 0; i < ARRAY_LEN(EASTER); i++)
			holiday_add(s, (struct date){ date_easter(year).day + EASTER[i] });
	}
}

bool settings_is_holiday(const struct settings *s, struct date d)
{
	return s->holiday_count && bsearch(&d, s->holidays, s->holiday_count, sizeof *s->holidays, by_day) != NULL;
}
