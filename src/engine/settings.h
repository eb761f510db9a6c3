/* settings: what a shop can set, with the defaults of SEMANTICS ("Guard") and LAW. Stored as SETTING facts. */
#ifndef RELANCE_ENGINE_SETTINGS_H
#define RELANCE_ENGINE_SETTINGS_H

#include "fold/lifecycle.h"
#include "fold/retention.h"

enum { HOLIDAYS_MAX = 512 };

struct pressure_rule {
	int32_t limit;       /* messages; 0: none at all; −1: no rule */
	int32_t window_days; /* sliding */
};

struct settings {
	zone_id zone;
	enum locale locale;
	struct currency currency;
	struct lifecycle_settings lifecycle;
	struct pressure_rule pressure[CHANNEL_COUNT]; /* e-mail 2 in 7 days, SMS 2 in 30, post 1 in 30 */
	struct pressure_rule pressure_all;            /* 3 in 7 days */
	int32_t quiet_from_s, quiet_to_s;             /* SMS and push: 20:00 – 08:00 */
	bool quiet_sundays, quiet_holidays;           /* SMS and phone */
	int32_t phone_from_s[2], phone_to_s[2];       /* calls: 10:00–13:00 and 14:00–20:00 in the person's zone */
	bool phone_weekdays_only;                     /* calls: Monday to Friday (Décret 2026-662) */
	bool post_opt_in;                             /* post needs an opt-in (else: until opposed) */
	bool soft_opt_in;                             /* CPCE L34-5 exception used */
	uint32_t global_control_per_million;
	bool approve_campaigns;             /* a second person approves `once on DATE` plans */
	struct date holidays[HOLIDAYS_MAX]; /* sorted; filled for the shop's country by settings_holidays() */
	size_t holiday_count;
	int64_t channel_cost[CHANNEL_COUNT]; /* thousandths of a minor unit per message; CHANNEL_STAFF and others 0 */
	int64_t acquisition_cost;            /* of winning customers, thousandths of a minor unit a month; 0: not known */
	int32_t report_day;               /* of the month, from which on the report of the month before goes out by mail */
	struct retention_rules retention; /* 36 months each; nothing is erased by itself before the shop says so */
	int64_t jump_s;                   /* a clock jump beyond this holds sending: 1 hour */
	uint64_t version;
};

void settings_defaults(struct settings *s, zone_id zone, enum locale locale, struct currency currency);

/* French public holidays (C. travail L3133-1) of the years from … to, added to s->holidays, which stays sorted and
 * without repeats; a day beyond HOLIDAYS_MAX is left out. settings_defaults() adds 2000 … 2045. */
void settings_holidays(struct settings *s, int from, int to);
bool settings_is_holiday(const struct settings *s, struct date d);

#endif
