/* when: a date in up to three pieces, then perhaps a time, then perhaps a zone; one cursor walks over the text. */
#include "intake/when.h"

#include "intake/number.h"

struct cursor {
	const char *p, *end;
};

struct moment {
	int year, month, day;
	int32_t second;
	bool zoned, absolute;
	int32_t offset;
	int64_t instant_s; /* absolute */
};

static bool digit_at(const struct cursor *c, size_t i)
{
	return c->p + i < c->end && c->p[i] >= '0' && c->p[i] <= '9';
}

/* Digits here: their number (0 … 18) and value. */
static int digits(struct cursor *c, int64_t *value)
{
	int n = 0;
	*value = 0;
	while (n < 18 && digit_at(c, 0)) {
		*value = *value * 10 + (*c->p++ - '0');
		n++;
	}
	return n;
}

static bool skip(struct cursor *c, char ch)
{
	if (c->p < c->end && *c->p == ch) {
		c->p++;
		return true;
	}
	return false;
}

static void skip_spaces(struct cursor *c)
{
	while (c->p < c->end) {
		if (*c->p == ' ' || *c->p == '\t')
			c->p++;
		else if (c->end - c->p >= 2 && memcmp(c->p, "\xc2\xa0", 2) == 0)
			c->p += 2;
		else if (c->end - c->p >= 3 && memcmp(c->p, "\xe2\x80\xaf", 3) == 0)
			c->p += 3;
		else
			return;
	}
}

/* A word in lower-case ASCII, accents dropped; at most n − 1 bytes. */
static size_t word(struct cursor *c, char *out, size_t n)
{
	size_t k = 0;
	while (c->p < c->end) {
		unsigned char b = (unsigned char)*c->p;
		char add = 0;
		size_t step = 1;
		if ((b | 32) >= 'a' && (b | 32) <= 'z') {
			add = (char)(b | 32);
		} else if (b == 0xc3 && c->end - c->p >= 2) { /* é É û Û */
			unsigned char second = (unsigned char)c->p[1] & 0x9f;
			step = 2;
			add = second >= 0x88 && second <= 0x8b ? 'e' : second >= 0x99 && second <= 0x9c ? 'u' : 0;
		}
		if (!add || k + 1 >= n)
			break;
		out[k++] = add;
		c->p += step;
	}
	out[k] = 0;
	return k;
}

/* Longest first where one begins another: juin before ju…; three letters tell all but jui(n|llet). */
static int month_find(const char *w, size_t n)
{
	static const struct {
		const char *begin;
		int month;
	} MONTHS[] = { { "jan", 1 }, { "fev", 2 }, { "feb", 2 },  { "mar", 3 },  { "avr", 4 },  { "apr", 4 },
		           { "mai", 5 }, { "may", 5 }, { "juin", 6 }, { "jun", 6 },  { "juil", 7 }, { "jul", 7 },
		           { "aou", 8 }, { "aug", 8 }, { "sep", 9 },  { "oct", 10 }, { "nov", 11 }, { "dec", 12 } };
	if (n < 3)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(MONTHS); i++)
		if (n >= strlen(MONTHS[i].begin) && memcmp(w, MONTHS[i].begin, strlen(MONTHS[i].begin)) == 0)
			return MONTHS[i].month;
	return 0;
}

static int full_year(int64_t y, int width)
{
	return width > 2 ? (int)y : (int)(y >= 70 ? 1900 + y : 2000 + y);
}

/* All digits: a packed date, a Unix time, an Excel serial with perhaps a fraction of a day. */
static bool packed(struct cursor *c, struct moment *m)
{
	struct cursor t = *c;
	int64_t v, fraction = 0;
	int n = digits(&t, &v), decimals = 0;
	bool mark = n == 5 && (skip(&t, '.') || skip(&t, ','));
	if (mark)
		decimals = digits(&t, &fraction);
	if (t.p != t.end || (mark && !decimals))
		return false;
	if (n == 10 || n == 13) {
		m->absolute = true;
		m->instant_s = n == 13 ? v / 1000 : v;
	} else if (n == 8 || n == 14 || n == 12) {
		int64_t ymd = n == 8    ? v
		              : n == 14 ? v / 1000000
		                        : v / 10000,
				hms = n == 8    ? 0
		              : n == 14 ? v % 1000000
		                        : v % 10000 * 100;
		m->year = (int)(ymd / 10000);
		m->month = (int)(ymd / 100 % 100);
		m->day = (int)(ymd % 100);
		if (hms / 10000 > 23 || hms / 100 % 100 > 59 || hms % 100 > 60)
			return false;
		m->second = (int32_t)(hms / 10000 * HOUR_S + hms / 100 % 100 * MINUTE_S + hms % 100);
	} else if (n == 5 && v >= 10000 && v < 80000) {
		struct date d = { (int32_t)(v - 25569) };
		date_ymd(d, &m->year, &m->month, &m->day);
		m->second = (int32_t)(((__int128)fraction * DAY_S + number_pow10(decimals) / 2) / number_pow10(decimals));
		m->second = m->second >= DAY_S ? DAY_S - 1 : m->second;
	} else {
		return false;
	}
	c->p = t.p;
	return true;
}

/* "à", "at", "T", a comma: what stands between a date and its time. */
static bool time_lead(struct cursor *c)
{
	bool any = false;
	for (;;) {
		const char *was = c->p;
		skip_spaces(c);
		if (skip(c, ',') || skip(c, 'T') || skip(c, 't')) {
			any = true;
			continue;
		}
		if (c->end - c->p >= 2 && memcmp(c->p, "\xc3\xa0", 2) == 0)
			c->p += 2;
		else if (c->end - c->p >= 2 && memcmp(c->p, "at", 2) == 0)
			c->p += 2;
		if (c->p == was)
			return any;
		any = true;
	}
}

static bool zone_tail(struct cursor *c, struct moment *m)
{
	skip_spaces(c);
	if (c->p == c->end)
		return true;
	if (*c->p == '+' || *c->p == '-') {
		int sign = *c->p++ == '-' ? -1 : 1;
		int64_t v, minutes = 0;
		int n = digits(c, &v);
		if (n == 2 && skip(c, ':')) {
			if (digits(c, &minutes) != 2)
				return false;
		} else if (n == 4) {
			minutes = v % 100;
			v /= 100;
		} else if (n != 2) {
			return false;
		}
		if (v > 18 || minutes > 59)
			return false;
		m->zoned = true;
		m->offset = (int32_t)(sign * (v * HOUR_S + minutes * MINUTE_S));
		return c->p == c->end;
	}
	char w[8];
	size_t n = word(c, w, sizeof w);
	m->zoned = (n == 1 && w[0] == 'z') || (n == 3 && (memcmp(w, "utc", 3) == 0 || memcmp(w, "gmt", 3) == 0));
	return m->zoned && c->p == c->end;
}

/* 8:26[:00[.5]] [PM], 8h26, 8h */
static bool time_tail(struct cursor *c, struct moment *m)
{
	int64_t h, min = 0, s = 0, fraction;
	if (!digit_at(c, 0))
		return zone_tail(c, m);
	int n = digits(c, &h);
	if (n > 2 || n == 0 || h > 24)
		return false;
	if (skip(c, ':')) {
		if (digits(c, &min) != 2)
			return false;
		if (skip(c, ':') && digits(c, &s) != 2)
			return false;
		if ((skip(c, '.') || skip(c, ',')) && digits(c, &fraction) == 0)
			return false;
	} else if (skip(c, 'h') || skip(c, 'H')) {
		if (digit_at(c, 0) && digits(c, &min) != 2)
			return false;
		if (skip(c, ':') && digits(c, &s) != 2)
			return false;
	} else {
		return false;
	}
	skip_spaces(c);
	struct cursor t = *c;
	char w[8];
	size_t k = word(&t, w, sizeof w);
	if (k == 2 && w[1] == 'm' && (w[0] == 'a' || w[0] == 'p') && h >= 1 && h <= 12) {
		h = h % 12 + (w[0] == 'p' ? 12 : 0);
		*c = t;
	}
	if (h > 23 || min > 59 || s > 60)
		return false;
	m->second = (int32_t)(h * HOUR_S + min * MINUTE_S + (s > 59 ? 59 : s));
	return zone_tail(c, m);
}

/* 2010-12-01, 01/12/2010, 1.12.10 */
static bool date_numeric(struct cursor *c, bool month_first, struct moment *m, int64_t parts[3])
{
	int n[3];
	n[0] = digits(c, &parts[0]);
	char mark = c->p < c->end ? *c->p : 0;
	if ((mark != '/' && mark != '-' && mark != '.') || !(n[0] == 1 || n[0] == 2 || n[0] == 4))
		return false;
	c->p++;
	n[1] = digits(c, &parts[1]);
	if (n[1] < 1 || n[1] > 2 || !skip(c, mark))
		return false;
	n[2] = digits(c, &parts[2]);
	if (n[0] == 4) {
		if (n[2] < 1 || n[2] > 2)
			return false;
		*m = (struct moment){ .year = (int)parts[0], .month = (int)parts[1], .day = (int)parts[2] };
		parts[0] = parts[1] = 0; /* no question of order */
		return true;
	}
	if (n[2] != 4 && n[2] != 2)
		return false;
	m->year = full_year(parts[2], n[2]);
	m->month = (int)parts[month_first ? 0 : 1];
	m->day = (int)parts[month_first ? 1 : 0];
	return true;
}

/* 1 déc. 2010, 01-Dec-2010, Wednesday, December 1st, 2010, 1er mars 2011 */
static bool date_words(struct cursor *c, struct moment *m)
{
	int64_t v;
	char w[16];
	for (int pieces = 0; pieces < 8; pieces++) {
		skip_spaces(c);
		while (skip(c, '.') || skip(c, ',') || skip(c, '-') || skip(c, '/'))
			skip_spaces(c);
		int n = digits(c, &v);
		if (n > 0 && m->day == 0 && n <= 2) {
			m->day = (int)v;
			struct cursor t = *c;
			size_t k = word(&t, w, sizeof w);
			if (k == 2 && (!memcmp(w, "er", 2) || !memcmp(w, "st", 2) || !memcmp(w, "nd", 2) || !memcmp(w, "rd", 2) ||
			               !memcmp(w, "th", 2)))
				*c = t;
		} else if (n == 4 || n == 2) {
			m->year = full_year(v, n);
		} else if (n > 0) {
			return false;
		} else {
			size_t k = word(c, w, sizeof w);
			int month = month_find(w, k);
			/* "mar." is Tuesday before the day, March after it */
			bool weekday_first = month == 3 && k == 3 && m->day == 0 && c->p < c->end && *c->p == '.';
			if (k == 0 || (month && m->month))
				return false;
			if (!weekday_first && month)
				m->month = month;
		}
		if (m->year && m->month && m->day)
			return true;
	}
	return false;
}

static enum when_result read_moment(struct str s, bool month_first, struct moment *m, int64_t parts[3])
{
	s = str_trim(s);
	struct cursor c = { s.p, s.p + s.n };
	parts[0] = parts[1] = 0;
	*m = (struct moment){ 0 };
	if (s.n == 0 || s.n >= WHEN_TEXT_MAX)
		return WHEN_UNREADABLE;
	if (packed(&c, m)) {
		if (m->absolute)
			return WHEN_OK;
	} else {
		struct cursor again = c;
		if (!date_numeric(&c, month_first, m, parts)) {
			*m = (struct moment){ 0 };
			c = again;
			parts[0] = parts[1] = 0;
			if (!date_words(&c, m))
				return WHEN_UNREADABLE;
			skip(&c, '.');
		}
		if (c.p < c.end && (!time_lead(&c) || !time_tail(&c, m)))
			return WHEN_UNREADABLE;
	}
	if (m->year < 1850 || m->year > 2999)
		return WHEN_UNREADABLE;
	if (date_valid_ymd(m->year, m->month, m->day))
		return WHEN_OK;
	return parts[0] && date_valid_ymd(m->year, m->day, m->month) ? WHEN_WRONG_ORDER : WHEN_NO_SUCH_DAY;
}

static int two(const char *p)
{
	return (p[0] - '0') * 10 + (p[1] - '0');
}

/* "2010-12-01 08:26:00" exactly. */
static bool iso_fast(struct str s, struct moment *m)
{
	static const char SHAPE[] = "dddd-dd-dd dd:dd:dd";
	if (s.n != sizeof SHAPE - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (SHAPE[i] == 'd' ? (unsigned char)(s.p[i] - '0') > 9 : s.p[i] != SHAPE[i] && !(i == 10 && s.p[i] == 'T'))
			return false;
	int h = two(s.p + 11), min = two(s.p + 14), sec = two(s.p + 17);
	*m = (struct moment){ .year = two(s.p) * 100 + two(s.p + 2),
		                  .month = two(s.p + 5),
		                  .day = two(s.p + 8),
		                  .second = h * HOUR_S + min * MINUTE_S + sec };
	return h < 24 && min < 60 && sec < 60 && m->year >= 1850 && date_valid_ymd(m->year, m->month, m->day);
}

enum when_result when_instant(struct when *w, struct str s, struct instant *out)
{
	if (s.n && s.n == w->text_n && memcmp(s.p, w->text, s.n) == 0) {
		*out = w->at;
		return WHEN_OK;
	}
	struct moment m;
	int64_t parts[3] = { 0 };
	enum when_result r = iso_fast(s, &m) ? WHEN_OK : read_moment(s, w->month_first, &m, parts);
	if (r != WHEN_OK)
		return r;
	w->ambiguous |= parts[0] > 0 && parts[0] != parts[1] && parts[0] <= 12 && parts[1] <= 12;
	struct instant t = { m.instant_s };
	if (!m.absolute) {
		struct date d = date_from_ymd(m.year, m.month, m.day);
		t = m.zoned ? (struct instant){ (int64_t)d.day * DAY_S + m.second - m.offset }
		            : zone_instant(w->zone, d, m.second);
	}
	if (t.s < WHEN_EARLIEST_S)
		return WHEN_TOO_EARLY;
	if (s.n < WHEN_TEXT_MAX) {
		memcpy(w->text, s.p, s.n);
		w->text_n = s.n;
		w->at = t;
	}
	*out = t;
	return WHEN_OK;
}

enum when_result when_day(const struct when *w, struct str s, struct date *out)
{
	struct moment m;
	int64_t parts[3];
	enum when_result r = read_moment(s, w->month_first, &m, parts);
	if (r == WHEN_OK)
		*out = m.absolute ? zone_date(w->zone, (struct instant){ m.instant_s }) : date_from_ymd(m.year, m.month, m.day);
	return r;
}

int when_evidence(struct str s)
{
	struct moment m;
	int64_t parts[3];
	enum when_result r = read_moment(s, false, &m, parts);
	if ((r != WHEN_OK && r != WHEN_WRONG_ORDER) || !parts[0] || !parts[1])
		return 0;
	return parts[0] > 12 ? 1 : parts[1] > 12 ? -1 : 0;
}

const char *when_problem(enum when_result r)
{
	switch (r) {
	case WHEN_OK: return "";
	case WHEN_UNREADABLE: return "is not a date";
	case WHEN_NO_SUCH_DAY: return "is no day of the calendar";
	case WHEN_WRONG_ORDER: return "has day and month the other way round from the rest of the file";
	case WHEN_TOO_EARLY: return "is before 1971";
	}
	return "";
}
