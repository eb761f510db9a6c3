/* zone: instants, civil dates, IANA time zones.
 *
 * Instants are UTC seconds; a date is a day of the proleptic Gregorian calendar; a zone turns one into the other. The
 * transitions of a zone are read from ICU once (1970 … 2100) and looked up by binary search: 10 ns, thread-safe, no
 * lock. Nothing here reads a clock.
 *
 * Civil → instant (RFC 5545's choice): a time that does not exist (spring) is moved forward by the gap; a time that
 * exists twice (autumn) is the first. */
#ifndef RELANCE_BASE_ZONE_H
#define RELANCE_BASE_ZONE_H

#include "base/str.h"

struct instant {
	int64_t s; /* seconds since 1970-01-01T00:00:00Z */
};

struct date {
	int32_t day; /* days since 1970-01-01 */
};

struct civil {
	struct date date;
	int32_t second; /* of the day, wall clock: 0 … 86399 */
};

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

#define INSTANT_NEVER ((struct instant){ INT64_MAX })
#define DATE_UNKNOWN  ((struct date){ INT32_MIN })

static inline bool date_known(struct date d)
{
	return d.day != INT32_MIN;
}

struct date date_from_ymd(int year, int month,
                          int day); /* month 1…12; day may overflow the month (Feb 30 = Mar 1 or 2) */
bool date_valid_ymd(int year, int month, int day);
void date_ymd(struct date d, int *year, int *month, int *day);
int date_weekday(struct date d);                   /* 0 = Monday … 6 = Sunday */
struct date date_add_months(struct date d, int n); /* clamped to the month's end: Jan 31 + 1 month = Feb 28 or 29 */
struct date date_easter(int year);                 /* Gregorian; Meeus/Jones/Butcher */
int date_days_in_month(int year, int month);

/* A zone number, valid for the life of the process. 0 is UTC. */
typedef uint16_t zone_id;

/* Finds an IANA zone ("Europe/Paris"); false when unknown (caller uses the shop's zone and reports it). Thread-safe. */
bool zone_find(struct str name, zone_id *out) __attribute__((warn_unused_result));
const char *zone_name(zone_id zone);
const char *zone_data_version(void); /* e.g. "2024a", ICU's */

struct civil zone_civil(zone_id zone, struct instant t);
struct date zone_date(zone_id zone, struct instant t);
struct instant zone_instant(zone_id zone, struct date d, int32_t second_of_day);
int32_t zone_offset(zone_id zone, struct instant t); /* seconds east of UTC */

/* Text. Parsers take all of s; false when it is none of the forms. */
bool date_parse(struct str s, struct date *out); /* 2011-09-01 */
bool instant_parse(struct str s, zone_id zone,
                   struct instant *out);             /* 2011-09-01[T ]10:00[:00[.123]][Z|+02:00]; date alone = 00:00 */
bool duration_parse(struct str s, int64_t *seconds); /* 90s 15m 3h 8d 2w, or "3 hours", "8 days" */
char *date_text(struct date d, char out[16]);        /* 2011-09-01 */
char *instant_text(struct instant t, char out[32]);  /* 2011-09-01T08:00:00Z */
char *instant_local(struct instant t, zone_id zone, char out[40]); /* 2011-09-01T10:00:00+02:00 */

#endif
