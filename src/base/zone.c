/* Method: days ↔ year-month-day by Hinnant's "chrono-compatible low-level date algorithms"; zones as sorted arrays of
 * (instant, offset), published once behind an atomic count so that readers take no lock. */
#include "base/zone.h"

#include "base/arena.h"
#include "base/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

struct date date_from_ymd(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return (struct date){ (int32_t)(era * 146097 + doe - 719468) };
}

void date_ymd(struct date d, int *year, int *month, int *day)
{
	int64_t z = (int64_t)d.day + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

int date_days_in_month(int year, int month)
{
	static const int DAYS[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : DAYS[month - 1];
}

bool date_valid_ymd(int year, int month, int day)
{
	return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= date_days_in_month(year, month);
}

int date_weekday(struct date d)
{
	int w = (d.day + 3) % 7; /* 1970-01-01 was a Thursday */
	return w < 0 ? w + 7 : w;
}

struct date date_add_months(struct date d, int n)
{
	int y, m, day;
	date_ymd(d, &y, &m, &day);
	int months = y * 12 + (m - 1) + n;
	y = months >= 0 ? months / 12 : (months - 11) / 12;
	m = months - y * 12 + 1;
	int last = date_days_in_month(y, m);
	return date_from_ymd(y, m, day < last ? day : last);
}

struct date date_easter(int year)
{
	int a = year % 19, b = year / 100, c = year % 100, d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
	int h = (19 * a + b - d - g + 15) % 30, i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
	int m = (a + 11 * h + 22 * l) / 451;
	int month = (h + l - 7 * m + 114) / 31, day = (h + l - 7 * m + 114) % 31 + 1;
	return date_from_ymd(year, month, day);
}

enum { ZONES_MAX = 1024, ZONE_NAME_MAX = 64 };

struct transition {
	int64_t at;
	int32_t offset; /* from `at` on */
};

/* Most days have no transition: their offset is looked up by day, without a search. */
enum { TABLE_FIRST_DAY = -365, TABLE_DAYS = 48213 /* to 2101 */, OFFSET_CHANGES = INT32_MAX };

struct zone {
	char name[ZONE_NAME_MAX];
	struct transition *transitions;
	size_t count;
	int32_t *utc_day;   /* offset all through the UTC day, or OFFSET_CHANGES */
	int32_t *local_day; /* offset all through the civil day and the days beside it, or OFFSET_CHANGES */
};

static struct zone zones[ZONES_MAX];
static atomic_uint zone_count;
static pthread_mutex_t zone_lock = PTHREAD_MUTEX_INITIALIZER;

static int32_t icu_offset(UCalendar *cal, UDate when)
{
	UErrorCode status = U_ZERO_ERROR;
	ucal_setMillis(cal, when, &status);
	int32_t raw = ucal_get(cal, UCAL_ZONE_OFFSET, &status);
	int32_t dst = ucal_get(cal, UCAL_DST_OFFSET, &status);
	check(U_SUCCESS(status));
	return (raw + dst) / 1000;
}

static void zone_load(struct zone *z, UCalendar *cal)
{
	size_t cap = 0;
	z->transitions = mem_grow(NULL, &cap, 1, sizeof *z->transitions);
	z->transitions[0] = (struct transition){ INT64_MIN, icu_offset(cal, 0.0) };
	z->count = 1;
	UDate t = 0.0;
	const UDate end = 4133980800000.0; /* 2101 */
	for (;;) {
		UErrorCode status = U_ZERO_ERROR;
		UDate next;
		ucal_setMillis(cal, t, &status);
		if (!ucal_getTimeZoneTransitionDate(cal, UCAL_TZ_TRANSITION_NEXT, &next, &status) || U_FAILURE(status) ||
		    next > end)
			return;
		z->transitions = mem_grow(z->transitions, &cap, z->count + 1, sizeof *z->transitions);
		z->transitions[z->count++] = (struct transition){ (int64_t)(next / 1000.0), icu_offset(cal, next) };
		t = next;
	}
}

static void zone_tables(struct zone *z)
{
	z->utc_day = mem_alloc(TABLE_DAYS * sizeof *z->utc_day);
	z->local_day = mem_alloc(TABLE_DAYS * sizeof *z->local_day);
	size_t at = 0;
	for (int32_t i = 0; i < TABLE_DAYS; i++) {
		int64_t start = ((int64_t)TABLE_FIRST_DAY + i) * DAY_S;
		while (at + 1 < z->count && z->transitions[at + 1].at <= start)
			at++;
		bool changes = at + 1 < z->count && z->transitions[at + 1].at < start + DAY_S;
		z->utc_day[i] = changes ? OFFSET_CHANGES : z->transitions[at].offset;
	}
	for (int32_t i = 0; i < TABLE_DAYS; i++) { /* offsets are under a day: a civil day lies within three UTC days */
		bool same =
			i > 0 && i + 1 < TABLE_DAYS && z->utc_day[i - 1] == z->utc_day[i] && z->utc_day[i + 1] == z->utc_day[i];
		z->local_day[i] = same ? z->utc_day[i] : OFFSET_CHANGES;
	}
}

static bool zone_search(struct str name, unsigned count, zone_id *out)
{
	for (unsigned i = 0; i < count; i++)
		if (str_is(name, zones[i].name)) {
			*out = (zone_id)i;
			return true;
		}
	return false;
}

/* ICU accepts any "GMT+3"-like name and answers unknown ones with Etc/Unknown; only canonical-list names count here. */
static bool zone_open(struct str name, struct zone *z)
{
	if (name.n == 0 || name.n >= ZONE_NAME_MAX)
		return false;
	UChar id[ZONE_NAME_MAX], canonical[ZONE_NAME_MAX];
	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] >= 0x80)
			return false;
		id[i] = (UChar)name.p[i];
	}
	UErrorCode status = U_ZERO_ERROR;
	UBool system = 0;
	ucal_getCanonicalTimeZoneID(id, (int32_t)name.n, canonical, ZONE_NAME_MAX, &system, &status);
	if (U_FAILURE(status) || !system)
		return false;
	UCalendar *cal = ucal_open(id, (int32_t)name.n, "en", UCAL_GREGORIAN, &status);
	if (U_FAILURE(status))
		return false;
	*z = (struct zone){ 0 };
	memcpy(z->name, name.p, name.n);
	zone_load(z, cal);
	zone_tables(z);
	ucal_close(cal);
	return true;
}

bool zone_find(struct str name, zone_id *out)
{
	if (zone_search(name, atomic_load_explicit(&zone_count, memory_order_acquire), out))
		return true;
	pthread_mutex_lock(&zone_lock);
	unsigned count = atomic_load_explicit(&zone_count, memory_order_relaxed);
	if (count == 0) {
		check(zone_open(STR("UTC"), &zones[0]));
		count = 1;
	}
	bool found = zone_search(name, count, out);
	if (!found && count < ZONES_MAX && zone_open(name, &zones[count])) {
		*out = (zone_id)count++;
		found = true;
	}
	atomic_store_explicit(&zone_count, count, memory_order_release);
	pthread_mutex_unlock(&zone_lock);
	return found;
}

static unsigned zone_first(void)
{
	zone_id utc;
	check(zone_find(STR("UTC"), &utc));
	return 1;
}

static inline const struct zone *zone_get(zone_id id)
{
	unsigned count = atomic_load_explicit(&zone_count, memory_order_acquire);
	if (__builtin_expect(count == 0, 0))
		count = zone_first();
	check(id < count);
	return &zones[id];
}

const char *zone_name(zone_id id)
{
	return zone_get(id)->name;
}

const char *zone_data_version(void)
{
	UErrorCode status = U_ZERO_ERROR;
	const char *version = ucal_getTZDataVersion(&status);
	return U_SUCCESS(status) ? version : "unknown";
}

/* The last transition at or before t. */
static size_t transition_at(const struct zone *z, int64_t t)
{
	size_t low = 0, high = z->count;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (z->transitions[middle].at <= t)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static inline int32_t offset_at(const struct zone *z, struct instant t)
{
	if (t.s >= 0 && t.s < ((int64_t)TABLE_FIRST_DAY + TABLE_DAYS) * DAY_S) {
		int32_t offset = z->utc_day[t.s / DAY_S - TABLE_FIRST_DAY];
		if (offset != OFFSET_CHANGES)
			return offset;
	}
	return z->transitions[transition_at(z, t.s)].offset;
}

int32_t zone_offset(zone_id id, struct instant t)
{
	return offset_at(zone_get(id), t);
}

struct civil zone_civil(zone_id id, struct instant t)
{
	int64_t local = t.s + offset_at(zone_get(id), t), day = local / DAY_S;
	int32_t second = (int32_t)(local - day * DAY_S);
	if (second < 0) { /* before 1970 */
		second += DAY_S;
		day--;
	}
	return (struct civil){ { (int32_t)day }, second };
}

struct date zone_date(zone_id id, struct instant t)
{
	return zone_civil(id, t).date;
}

struct instant zone_instant(zone_id id, struct date d, int32_t second)
{
	const struct zone *z = zone_get(id);
	int64_t local = (int64_t)d.day * DAY_S + second;
	if (d.day >= TABLE_FIRST_DAY && d.day < TABLE_FIRST_DAY + TABLE_DAYS && second >= 0 && second < DAY_S) {
		int32_t offset = z->local_day[d.day - TABLE_FIRST_DAY];
		if (offset != OFFSET_CHANGES)
			return (struct instant){ local - offset };
	}
	/* Offsets lie within ±16 h: try the offset in force before the earliest and after the latest possible instant. */
	size_t i = transition_at(z, local - 16 * HOUR_S), last = transition_at(z, local + 16 * HOUR_S);
	for (; i <= last; i++) {
		int64_t t = local - z->transitions[i].offset;
		bool after = t >= z->transitions[i].at;
		bool before = i + 1 >= z->count || t < z->transitions[i + 1].at;
		if (after && before)
			return (struct instant){ t };
		if (!after) /* in the gap that opened at transition i: the offset from before it moves the time forward */
			return (struct instant){ local - z->transitions[i - 1].offset };
	}
	return (struct instant){ local - z->transitions[last].offset };
}

static bool digits(struct str s, size_t at, size_t n, int *out)
{
	if (at + n > s.n)
		return false;
	int v = 0;
	for (size_t i = at; i < at + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
	}
	*out = v;
	return true;
}

bool date_parse(struct str s, struct date *out)
{
	int y, m, d;
	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !digits(s, 0, 4, &y) || !digits(s, 5, 2, &m) ||
	    !digits(s, 8, 2, &d) || !date_valid_ymd(y, m, d))
		return false;
	*out = date_from_ymd(y, m, d);
	return true;
}

bool instant_parse(struct str s, zone_id zone, struct instant *out)
{
	struct date d;
	if (s.n < 10 || !date_parse((struct str){ s.p, 10 }, &d))
		return false;
	if (s.n == 10) {
		*out = zone_instant(zone, d, 0);
		return true;
	}
	int hour, minute, second = 0;
	if ((s.p[10] != 'T' && s.p[10] != ' ') || !digits(s, 11, 2, &hour) || s.n < 16 || s.p[13] != ':' ||
	    !digits(s, 14, 2, &minute))
		return false;
	size_t i = 16;
	if (i < s.n && s.p[i] == ':') {
		if (!digits(s, 17, 2, &second))
			return false;
		i = 19;
		if (i < s.n && s.p[i] == '.')
			for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';)
				i++;
	}
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	int of_day = hour * HOUR_S + minute * MINUTE_S + (second == 60 ? 59 : second);
	while (i < s.n && s.p[i] == ' ')
		i++;
	if (i == s.n) {
		*out = zone_instant(zone, d, of_day);
		return true;
	}
	int64_t utc = (int64_t)d.day * DAY_S + of_day;
	if (s.p[i] == 'Z' && i + 1 == s.n) {
		out->s = utc;
		return true;
	}
	int oh, om;
	size_t colon = i + 3 < s.n && s.p[i + 3] == ':';
	if ((s.p[i] != '+' && s.p[i] != '-') || !digits(s, i + 1, 2, &oh) || !digits(s, i + 3 + colon, 2, &om) ||
	    i + 5 + colon != s.n || oh > 15 || om > 59)
		return false;
	int offset = oh * HOUR_S + om * MINUTE_S;
	out->s = s.p[i] == '+' ? utc - offset : utc + offset;
	return true;
}

bool duration_parse(struct str s, int64_t *seconds)
{
	static const struct {
		const char *name;
		int64_t s;
	} UNITS[] = {
		{ "s", 1 },         { "second", 1 },        { "seconds", 1 },
		{ "m", MINUTE_S },  { "minute", MINUTE_S }, { "minutes", MINUTE_S },
		{ "h", HOUR_S },    { "hour", HOUR_S },     { "hours", HOUR_S },
		{ "d", DAY_S },     { "day", DAY_S },       { "days", DAY_S },
		{ "w", 7 * DAY_S }, { "week", 7 * DAY_S },  { "weeks", 7 * DAY_S },
	};
	size_t i = 0;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	int64_t n;
	if (!str_i64((struct str){ s.p, i }, &n))
		return false;
	struct str unit = str_trim((struct str){ s.p + i, s.n - i });
	for (size_t k = 0; k < ARRAY_LEN(UNITS); k++)
		if (str_is(unit, UNITS[k].name))
			return !__builtin_mul_overflow(n, UNITS[k].s, seconds);
	return false;
}

char *date_text(struct date d, char out[16])
{
	int y, m, day;
	date_ymd(d, &y, &m, &day);
	if (y < 0 || y > 9999) {
		snprintf(out, 16, "%04d-%02d-%02d", y, m, day);
		return out;
	}
	const char text[] = { /* traces have millions of dates: no printf */
		                  (char)('0' + y / 1000),
		                  (char)('0' + y / 100 % 10),
		                  (char)('0' + y / 10 % 10),
		                  (char)('0' + y % 10),
		                  '-',
		                  (char)('0' + m / 10),
		                  (char)('0' + m % 10),
		                  '-',
		                  (char)('0' + day / 10),
		                  (char)('0' + day % 10),
		                  '\0'
	};
	memcpy(out, text, sizeof text);
	return out;
}

static char *two_digits(char *out, char before, int v)
{
	out[0] = before;
	out[1] = (char)('0' + v / 10);
	out[2] = (char)('0' + v % 10);
	return out + 3;
}

char *instant_text(struct instant t, char out[32])
{
	struct civil c = zone_civil(0, t);
	char day[16];
	size_t n = strlen(date_text(c.date, day));
	memcpy(out, day, n);
	two_digits(two_digits(two_digits(out + n, 'T', c.second / HOUR_S), ':', c.second / MINUTE_S % 60), ':',
	           c.second % 60);
	memcpy(out + n + 9, "Z", 2);
	return out;
}

char *instant_local(struct instant t, zone_id zone, char out[40])
{
	struct civil c = zone_civil(zone, t);
	int32_t offset = zone_offset(zone, t), a = offset < 0 ? -offset : offset;
	char day[16];
	snprintf(out, 40, "%sT%02d:%02d:%02d%c%02d:%02d", date_text(c.date, day), c.second / HOUR_S,
	         c.second / MINUTE_S % 60, c.second % 60, offset < 0 ? '-' : '+', a / HOUR_S, a / MINUTE_S % 60);
	return out;
}
