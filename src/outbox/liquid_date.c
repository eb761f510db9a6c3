/* The date filter: what people write as dates → instants → text. Reading follows the reference's heuristics (month
 * names, ISO 8601, day/month/year); writing is its strftime, with French names when the locale is French, and named
 * formats. */
#include "outbox/liquid_int.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { DATE_TEXT_MAX = 128, PAD_MAX = 1024 };

static const char *const MONTHS[] = { "january", "february", "march",     "april",   "may",      "june",
	                                  "july",    "august",   "september", "october", "november", "december" };
static const char *const MONTH_NAMES[3][12] = {
	{ "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
	  "December" },
	{ "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
	  "décembre" },
	{ "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc." },
};
static const char *const DAYS[2][7] = {
	{ "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" },
	{ "dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi" },
};

/* ---- reading ---- */

struct reading {
	char text[DATE_TEXT_MAX];
	int year, month, day; /* -1 = not said */
	int yday;
	int second; /* of the day */
	int32_t nanos, offset_s;
	bool has_time, has_offset, utc;
};

static int digits(const char *p)
{
	int n = 0;
	while (isdigit((unsigned char)p[n]))
		n++;
	return n;
}

static int number(const char *p, int n)
{
	int v = 0;
	for (int i = 0; i < n && i < 9; i++)
		v = v * 10 + (p[i] - '0');
	return v;
}

static void blank_out(char *from, const char *to)
{
	while (from < to)
		*from++ = ' ';
}

/* " +02:00", "z", "utc", "cest" after a time. Returns the end of what it read. */
static char *read_zone(struct reading *d, char *p)
{
	static const struct {
		const char *name;
		int hours;
	} ZONES[] = { { "utc", 0 },  { "gmt", 0 },  { "z", 0 },    { "cest", 2 }, { "cet", 1 },
		          { "bst", 1 },  { "est", -5 }, { "edt", -4 }, { "cst", -6 }, { "cdt", -5 },
		          { "mst", -7 }, { "mdt", -6 }, { "pst", -8 }, { "pdt", -7 }, { "jst", 9 } };
	char *q = p;
	while (*q == ' ')
		q++;
	for (size_t i = 0; i < ARRAY_LEN(ZONES); i++) {
		size_t n = strlen(ZONES[i].name);
		if (strncmp(q, ZONES[i].name, n) == 0 && !isalpha((unsigned char)q[n])) {
			d->has_offset = true;
			d->offset_s = ZONES[i].hours * HOUR_S;
			d->utc = i < 3;
			p = q += n;
			break;
		}
	}
	if (*q != '+' && *q != '-')
		return p;
	int sign = *q == '-' ? -1 : 1, n = digits(q + 1);
	if (n != 2 && n != 4 && n != 1)
		return p;
	int hours = n == 4 ? number(q + 1, 2) : number(q + 1, n), minutes = n == 4 ? number(q + 3, 2) : 0;
	q += 1 + n;
	if (n != 4 && *q == ':' && digits(q + 1) == 2) {
		minutes = number(q + 1, 2);
		q += 3;
	}
	d->has_offset = true;
	d->utc = false;
	d->offset_s = sign * (hours * HOUR_S + minutes * MINUTE_S);
	return q;
}

static bool read_clock(struct reading *d, char *start, int hour, int minute, int second, char *p)
{
	char *q = p;
	while (*q == ' ')
		q++;
	if ((*q == 'a' || *q == 'p') && (q[1] == 'm' || (q[1] == '.' && q[2] == 'm'))) {
		hour = hour % 12 + (*q == 'p' ? 12 : 0);
		p = q + (q[1] == 'm' ? 2 : 3);
		p += *p == '.';
	}
	if (hour > 24 || minute > 59 || second > 60)
		return false;
	d->has_time = true;
	d->second = hour * HOUR_S + minute * MINUTE_S + second;
	p = read_zone(d, p);
	if (start > d->text && start[-1] == 't')
		start--;
	blank_out(start, p);
	return true;
}

static bool read_time(struct reading *d)
{
	char *colon = strchr(d->text, ':');
	if (!colon || !isdigit((unsigned char)colon[1])) {
		for (char *p = d->text; *p; p++) { /* "10 pm", "…t101112" */
			int n = digits(p);
			char *q = p + n;
			while (n && *q == ' ')
				q++;
			if (n && n <= 2 && (*q == 'a' || *q == 'p') && q[1] == 'm' && !isalpha((unsigned char)q[2]))
				return read_clock(d, p, number(p, n), 0, 0, p + n);
			if (*p == 't' && digits(p + 1) == 6 && p > d->text && isdigit((unsigned char)p[-1]))
				return read_clock(d, p + 1, number(p + 1, 2), number(p + 3, 2), number(p + 5, 2), p + 7);
			p += n ? n - 1 : 0;
		}
		return true;
	}
	char *start = colon;
	while (start > d->text && isdigit((unsigned char)start[-1]))
		start--;
	if (start == colon)
		return true;
	int hour = number(start, (int)(colon - start)), n = digits(colon + 1), minute = number(colon + 1, n), second = 0;
	char *p = colon + 1 + n;
	if (*p == ':' && (n = digits(p + 1))) {
		second = number(p + 1, n);
		p += 1 + n;
		if ((*p == '.' || *p == ',') && (n = digits(p + 1))) {
			d->nanos = number(p + 1, n > 9 ? 9 : n);
			for (int i = n; i < 9; i++)
				d->nanos *= 10;
			p += 1 + n;
		}
	}
	return read_clock(d, start, hour, minute, second, p);
}

static int month_number(const char *p, int n)
{
	for (int m = 0; m < 12; m++)
		if (n >= 3 && strncmp(p, MONTHS[m], 3) == 0) /* whatever follows, as the reference */
			return m + 1;
	return 0;
}

struct piece {
	int value, n;
	char before; /* the sign before it, ' ' for none */
};

/* Numbers left once time and month name are gone. */
static int read_pieces(const char *p, struct piece *list, int max)
{
	int count = 0;
	char before = ' ';
	while (*p && count < max) {
		int n = digits(p);
		if (n) {
			list[count++] = (struct piece){ number(p, n), n, before };
			before = ' ';
			p += n;
			continue;
		}
		before = *p == '-' || *p == '/' || *p == '.' || *p == '\'' ? *p : ' ';
		p++;
	}
	return count;
}

static int full_year(struct piece p)
{
	return p.n > 2 ? p.value : p.value + (p.value >= 69 ? 1900 : 2000);
}

static bool read_named(struct reading *d, const struct piece *p, int count)
{
	if (count == 0)
		return true;
	bool year_first = p[0].n > 2;
	if (count == 1) {
		*(year_first ? &d->year : &d->day) = year_first ? full_year(p[0]) : p[0].value;
		return true;
	}
	d->year = full_year(p[year_first ? 0 : 1]);
	d->day = p[year_first ? 1 : 0].value;
	return true;
}

static bool read_numbers(struct reading *d, const struct piece *p, int count)
{
	if (count == 1 && p[0].n == 8) {
		d->year = p[0].value / 10000;
		d->month = p[0].value / 100 % 100;
		d->day = p[0].value % 100;
		return true;
	}
	if (count == 2 && p[0].n == 4 && p[1].before == '-' && p[1].n == 3) {
		d->year = p[0].value;
		d->yday = p[1].value;
		return true;
	}
	if (count == 2 && p[1].before == '/') {
		bool year = p[0].n > 2;
		d->year = year ? p[0].value : -1;
		d->month = year ? p[1].value : p[0].value;
		d->day = year ? 1 : p[1].value;
		return true;
	}
	if (count < 3 || p[1].before == ' ' || p[1].before != p[2].before)
		return count == 0 && d->has_time;
	bool year_last = p[0].n <= 2 && p[2].n > 2;
	d->year = full_year(p[year_last ? 2 : 0]);
	d->month = p[1].value;
	d->day = p[year_last ? 0 : 2].value;
	return true;
}

static bool read_date(struct reading *d)
{
	int month = 0;
	for (char *p = d->text; *p; p++) {
		int n = 0;
		while (isalpha((unsigned char)p[n]))
			n++;
		if (!n)
			continue;
		int found = month ? 0 : month_number(p, n);
		month = month ? month : found;
		blank_out(p, p + n);
		p += n - 1;
	}
	struct piece pieces[4];
	int count = read_pieces(d->text, pieces, 4);
	if (count == 4)
		return false;
	if (!month)
		return read_numbers(d, pieces, count);
	d->month = month;
	return read_named(d, pieces, count);
}

static bool read_text(struct liquid *r, struct str s, struct ltime *out)
{
	struct reading d = { .year = -1, .month = -1, .day = -1 };
	if (s.n == 0 || s.n >= sizeof d.text)
		return false;
	for (size_t i = 0; i < s.n; i++)
		d.text[i] = (char)tolower((unsigned char)s.p[i]);
	if (!read_time(&d) || !read_date(&d))
		return false;
	int year, month, day;
	struct date today = zone_date(r->options->zone, r->options->now);
	date_ymd(today, &year, &month, &day);
	if (d.year < 0 && d.month < 0 && d.day < 0 && d.yday == 0) {
		if (!d.has_time)
			return false;
		d.year = year, d.month = month, d.day = day;
	}
	if (d.year < 0)
		d.year = year;
	if (d.month < 0)
		d.month = d.yday ? 1 : month;
	if (d.day < 0)
		d.day = d.yday ? d.yday : 1;
	if (d.month < 1 || d.month > 12 || d.day < 1 || (!d.yday && d.day > 31) || d.yday > 366 || d.year > 9999)
		return false;
	struct date date = date_from_ymd(d.year, d.month, d.day);
	if (d.has_offset)
		out->at.s = (int64_t)date.day * DAY_S + d.second - d.offset_s;
	else
		out->at = zone_instant(r->options->zone, (struct date){ date.day + d.second / DAY_S }, d.second % DAY_S);
	out->nanos = d.nanos;
	out->offset_s = d.offset_s;
	out->has_offset = d.has_offset;
	out->utc = d.utc;
	return true;
}

bool ltime_from(struct liquid *r, struct lval v, struct ltime *out)
{
	*out = (struct ltime){ 0 };
	if (v.type == LVAL_INT) {
		out->at.s = v.i;
	} else if (v.type == LVAL_STRING) {
		struct str s = lval_view(v);
		struct date date;
		size_t digit_count = 0;
		while (digit_count < s.n && s.p[digit_count] >= '0' && s.p[digit_count] <= '9')
			digit_count++;
		if (s.n == 10 && s.p[4] == '-' && date_parse(s, &date))
			out->at = zone_instant(r->options->zone, date, 0);
		else if (str_eq_nocase(s, STR("now")) || str_eq_nocase(s, STR("today")))
			out->at = r->options->now;
		else if (s.n && digit_count == s.n)
			out->at.s = lstring_to_i(s);
		else if (!read_text(r, s, out))
			return false;
	} else {
		return false;
	}
	if (out->at.s > 253402300799 || out->at.s < -62135596800) /* years 1 … 9999 */
		return false;
	if (!out->has_offset) {
		out->offset_s = zone_offset(r->options->zone, out->at);
		out->utc = r->options->zone == 0;
	}
	return true;
}

/* ---- writing ---- */

struct broken {
	int year, month, day, hour, minute, second, wday; /* 0 = Sunday */
	struct date date;
};

static void break_down(struct ltime t, struct broken *b)
{
	int64_t local = t.at.s + t.offset_s;
	int64_t day = local / DAY_S - (local % DAY_S < 0);
	int32_t second = (int32_t)(local - day * DAY_S);
	b->date = (struct date){ (int32_t)day };
	date_ymd(b->date, &b->year, &b->month, &b->day);
	b->hour = second / HOUR_S;
	b->minute = second / MINUTE_S % 60;
	b->second = second % 60;
	b->wday = (date_weekday(b->date) + 1) % 7;
}

static int year_day(const struct broken *b) /* from 1 */
{
	return b->date.day - date_from_ymd(b->year, 1, 1).day + 1;
}

static const char *lmonth_name(enum liquid_locale locale, int month, bool abbreviated)
{
	return MONTH_NAMES[locale != LIQUID_FR ? 0 : abbreviated ? 2 : 1][month - 1];
}

/* ISO 8601: a week belongs to the year of its Thursday. */
static int iso_week(const struct broken *b, int *year)
{
	struct date thursday = { b->date.day - date_weekday(b->date) + 3 };
	int m, d;
	date_ymd(thursday, year, &m, &d);
	return (thursday.day - date_from_ymd(*year, 1, 1).day) / 7 + 1;
}

struct spec {
	char pad; /* '0', ' ', or '\0' the directive's own */
	bool left, upper, swap;
	int width, colons; /* width 0: the directive's own */
};

static void put_fill(struct buf *out, char c, int n)
{
	for (int i = 0; i < n && i < PAD_MAX; i++)
		lput(out, &c, 1);
}

static void put_text(struct buf *out, const struct spec *s, const char *text)
{
	if (s->width && !s->left) {
		int n = 0;
		for (const char *p = text; *p; p++)
			n += ((unsigned char)*p & 0xc0) != 0x80;
		put_fill(out, s->pad ? s->pad : ' ', s->width - n);
	}
	if (!s->upper) {
		lput(out, text, strlen(text));
		return;
	}
	for (; *text; text++)
		buf_char(out, *text >= 'a' && *text <= 'z' ? (char)(*text - 32) : *text);
}

static void put_number(struct buf *out, const struct spec *s, long long v, char pad, int width)
{
	bool zeros = (s->pad ? s->pad : pad) == '0';
	width = s->left ? 1 : s->width ? s->width : width;
	if (v >= 0 && zeros && width <= 16) {
		lput_int(out, (uint64_t)v, width);
		return;
	}
	char text[32];
	int n = snprintf(text, sizeof text, "%lld", v < 0 ? -v : v) + (v < 0);
	if (v < 0 && zeros)
		buf_char(out, '-');
	put_fill(out, zeros ? '0' : ' ', width - n);
	if (v < 0 && !zeros)
		buf_char(out, '-');
	buf_cstr(out, text);
}

static void put_short(struct buf *out, const struct spec *s, const char *text)
{
	char three[8] = { 0 };
	memcpy(three, text, 3);
	put_text(out, s, three);
}

/* +hhmm, +hh:mm, +hh:mm:ss, or with three colons as much of that as says something. The width is filled between the
 * sign and the hours, with spaces before the sign. */
static void put_offset(struct buf *out, const struct spec *s, int32_t offset)
{
	int left = offset < 0 ? -offset : offset, hours = left / HOUR_S, minutes = left / MINUTE_S % 60,
		seconds = left % 60;
	bool with_minutes = s->colons < 3 || minutes || seconds,
		 with_seconds = s->colons == 2 || (s->colons == 3 && seconds);
	int tail = (with_minutes ? 2 + (s->colons > 0) : 0) + (with_seconds ? 3 : 0);
	int digits = 2, wide = s->width - 1 - tail;
	char hour[8], sign = offset < 0 ? '-' : '+';
	digits = wide > digits ? wide : digits;
	int n = snprintf(hour, sizeof hour, "%d", hours);
	if (s->pad == ' ') {
		put_fill(out, ' ', digits - n);
		buf_char(out, sign);
	} else {
		buf_char(out, sign);
		put_fill(out, '0', digits - n);
	}
	buf_cstr(out, hour);
	if (with_minutes)
		buf_printf(out, "%s%02d", s->colons ? ":" : "", minutes);
	if (with_seconds)
		buf_printf(out, ":%02d", seconds);
}

static void put_composed(struct ltime t, const struct spec *s, const char *format, enum liquid_locale locale,
                         struct buf *out)
{
	struct buf inner;
	struct spec whole = *s;
	whole.left = false;
	buf_init(&inner, 256);
	ltime_format(t, str_from(format), locale, &inner);
	put_text(out, &whole, inner.p ? inner.p : "");
	buf_release(&inner);
}

static void put_names(struct spec *s, char c, const struct broken *b, enum liquid_locale locale, struct buf *out)
{
	bool fr = locale == LIQUID_FR;
	s->upper = s->upper || s->swap;
	if (c == 'B' || c == 'A')
		put_text(out, s, c == 'B' ? lmonth_name(locale, b->month, false) : DAYS[fr][b->wday]);
	else if (fr && c != 'a')
		put_text(out, s, lmonth_name(locale, b->month, true));
	else
		put_short(out, s, c == 'a' ? DAYS[fr][b->wday] : lmonth_name(LIQUID_EN, b->month, false));
}

static void put_fraction(struct buf *out, const struct spec *s, char c, int32_t nanos)
{
	int n = s->width ? s->width : c == 'L' ? 3 : 9;
	char text[12];
	snprintf(text, sizeof text, "%09d", (int)nanos);
	for (int i = 0; i < n && i < PAD_MAX; i++)
		buf_char(out, i < 9 ? text[i] : '0');
}

/* AM, pm: "#" turns the case of %p, and makes %P large, as "^" does. */
static void put_half_day(struct spec *s, char c, const struct broken *b, struct buf *out)
{
	bool small = c == 'p' ? s->swap : !s->swap && !s->upper;
	s->upper = false;
	put_text(out, s, b->hour < 12 ? (small ? "am" : "AM") : (small ? "pm" : "PM"));
}

/* One directive; false when there is none of this letter. */
static bool put(struct ltime t, const struct broken *b, struct spec *s, char c, enum liquid_locale locale,
                struct buf *out)
{
	int year, week;
	switch (c) {
	case 'Y': put_number(out, s, b->year, '0', b->year < 0 ? 5 : 4); return true;
	case 'C': put_number(out, s, b->year / 100, '0', 2); return true;
	case 'y': put_number(out, s, b->year % 100, '0', 2); return true;
	case 'm': put_number(out, s, b->month, '0', 2); return true;
	case 'd': put_number(out, s, b->day, '0', 2); return true;
	case 'e': put_number(out, s, b->day, ' ', 2); return true;
	case 'j': put_number(out, s, year_day(b), '0', 3); return true;
	case 'H': put_number(out, s, b->hour, '0', 2); return true;
	case 'k': put_number(out, s, b->hour, ' ', 2); return true;
	case 'I': put_number(out, s, (b->hour + 11) % 12 + 1, '0', 2); return true;
	case 'l': put_number(out, s, (b->hour + 11) % 12 + 1, ' ', 2); return true;
	case 'M': put_number(out, s, b->minute, '0', 2); return true;
	case 'S': put_number(out, s, b->second, '0', 2); return true;
	case 'u': put_number(out, s, b->wday ? b->wday : 7, '0', 1); return true;
	case 'w': put_number(out, s, b->wday, '0', 1); return true;
	case 'G':
	case 'g':
	case 'V':
		week = iso_week(b, &year);
		put_number(out, s, c == 'V' ? week : c == 'G' ? year : year % 100, '0', c == 'G' ? 4 : 2);
		return true;
	case 'U': put_number(out, s, (year_day(b) + 6 - b->wday) / 7, '0', 2); return true;
	case 'W': put_number(out, s, (year_day(b) + 6 - (b->wday + 6) % 7) / 7, '0', 2); return true;
	case 's': put_number(out, s, t.at.s, '0', 1); return true;
	case 'B':
	case 'b':
	case 'h':
	case 'A':
	case 'a': put_names(s, c, b, locale, out); return true;
	case 'p':
	case 'P': put_half_day(s, c, b, out); return true;
	case 'L':
	case 'N': put_fraction(out, s, c, t.nanos); return true;
	case 'z': put_offset(out, s, t.offset_s); return true;
	case 'Z':
		s->upper = s->upper && !s->swap;
		if (t.utc)
			put_text(out, s, s->swap ? "utc" : "UTC");
		return true;
	case 'n': put_text(out, s, "\n"); return true;
	case 't': put_text(out, s, "\t"); return true;
	case '%': put_text(out, s, "%"); return true;
	case 'c': put_composed(t, s, "%a %b %e %H:%M:%S %Y", locale, out); return true;
	case 'D':
	case 'x': put_composed(t, s, "%m/%d/%y", locale, out); return true;
	case 'F': put_composed(t, s, "%Y-%m-%d", locale, out); return true;
	case 'T':
	case 'X': put_composed(t, s, "%H:%M:%S", locale, out); return true;
	case 'R': put_composed(t, s, "%H:%M", locale, out); return true;
	case 'r': put_composed(t, s, "%I:%M:%S %p", locale, out); return true;
	case 'v': put_composed(t, s, "%e-%^b-%4Y", locale, out); return true;
	default: return false; /* not a directive: printed as it is */
	}
}

/* Flags, then the width, then E or O before the letters that know them; colons before z alone. Returns where the letter
 * is; false: there is none. */
static bool read_spec(struct str format, size_t *at, struct spec *s)
{
	size_t k = *at;
	for (; k < format.n; k++) {
		char c = format.p[k];
		if (c == '-')
			s->left = true;
		else if (c == '^')
			s->upper = true;
		else if (c == '#')
			s->swap = true;
		else if (c == '_' || c == '0')
			s->pad = c == '_' ? ' ' : '0';
		else
			break;
	}
	for (; k < format.n && format.p[k] >= '0' && format.p[k] <= '9'; k++)
		s->width = s->width < PAD_MAX ? s->width * 10 + (format.p[k] - '0') : PAD_MAX;
	for (; k < format.n && format.p[k] == ':'; k++)
		s->colons++;
	if (k >= format.n || !format.p[k] || s->colons > 3 || (s->colons && format.p[k] != 'z'))
		return false;
	const char *known = format.p[k] == 'E' ? "cCxXyY" : format.p[k] == 'O' ? "deHkIlmMSuUVwWy" : NULL;
	if (known && (++k >= format.n || !format.p[k] || !strchr(known, format.p[k])))
		return false;
	*at = k;
	return true;
}

static void put_format(struct ltime t, const struct broken *b, struct str format, enum liquid_locale locale,
                       struct buf *out)
{
	for (size_t i = 0; i < format.n; i++) {
		struct spec s = { 0 };
		size_t k = i + 1;
		if (format.p[i] == '%' && read_spec(format, &k, &s) && put(t, b, &s, format.p[k], locale, out))
			i = k;
		else
			lput(out, &format.p[i], 1);
	}
}

void ltime_format(struct ltime t, struct str format, enum liquid_locale locale, struct buf *out)
{
	struct broken b;
	break_down(t, &b);
	put_format(t, &b, format, locale, out);
}

/* ---- the filter ---- */

static const struct {
	const char *name, *fr, *en;
} FORMATS[] = {
	{ "short", "%d/%m/%Y", "%-d %b %Y" },
	{ "long", "%-d %B %Y", "%-d %B %Y" },
	{ "day", "%-d %B", "%-d %B" },
	{ "weekday", "%A %-d %B", "%A %-d %B" },
	{ "full", "%A %-d %B %Y", "%A %-d %B %Y" },
	{ "month", "%B %Y", "%B %Y" },
	{ "month_name", "%B", "%B" },
	{ "time", "%-H\u202fh\u202f%M", "%H:%M" },
};

static void put_named(const struct broken *b, const char *format, enum liquid_locale locale, struct buf *out)
{
	bool fr = locale == LIQUID_FR;
	for (const char *p = format, *percent; *p; p++) {
		percent = strchr(p, '%');
		lput(out, p, percent ? (size_t)(percent - p) : strlen(p));
		if (!percent)
			return;
		p = percent + 1;
		int width = *p == '-' ? (p++, 1) : 2;
		const char *name = NULL;
		switch (*p) {
		case 'd':
			lput_int(out, (uint64_t)b->day, width);
			if (fr && width == 1 && b->day == 1)
				lput_literal(out, "er"); /* le 1er du mois */
			break;
		case 'm': lput_int(out, (uint64_t)b->month, width); break;
		case 'Y': lput_int(out, (uint64_t)b->year, 4); break;
		case 'H': lput_int(out, (uint64_t)b->hour, width); break;
		case 'M': lput_int(out, (uint64_t)b->minute, width); break;
		case 'A': name = DAYS[fr][b->wday]; break;
		case 'b': name = lmonth_name(locale, b->month, fr); break;
		default: name = lmonth_name(locale, b->month, false); break;
		}
		if (name)
			lput(out, name, *p == 'b' && !fr ? 3 : strlen(name));
	}
}

/* A date by one of our own names: a day written 2026-12-05 needs no clock and no zone. False: not a date. */
static bool named_date(struct liquid *r, struct lval in, size_t which, struct buf *out)
{
	struct broken b = { 0 };
	struct ltime t;
	if (in.type == LVAL_STRING && in.n == 10 && in.s[4] == '-' && date_parse(lval_view(in), &b.date)) {
		b.year = number(in.s, 4);
		b.month = number(in.s + 5, 2);
		b.day = number(in.s + 8, 2);
		b.wday = (date_weekday(b.date) + 1) % 7;
	} else if (ltime_from(r, in, &t)) {
		break_down(t, &b);
	} else {
		return false;
	}
	enum liquid_locale locale = r->options->locale;
	put_named(&b, locale == LIQUID_FR ? FORMATS[which].fr : FORMATS[which].en, locale, out);
	return true;
}

bool ldate_filter(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct str format = ltext(r, args[0]);
	struct ltime t;
	*out = in;
	if (format.n == 0)
		return true;
	char text[200]; /* nearly always enough */
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text - 1 };
	enum liquid_locale locale = r->options->locale;
	size_t named = ARRAY_LEN(FORMATS);
	for (size_t i = 0; i < ARRAY_LEN(FORMATS) && locale != LIQUID_NEUTRAL; i++)
		if (format.p[0] == FORMATS[i].name[0] && str_is(format, FORMATS[i].name))
			named = i;
	if (named < ARRAY_LEN(FORMATS))
		return !named_date(r, in, named, &b) || lgive(r, b.p, b.n, out);
	if (!ltime_from(r, in, &t))
		return true;
	ltime_format(t, format, locale, &b);
	if (!b.full)
		return lgive(r, b.p, b.n, out);
	lbuf_init(r, &b);
	ltime_format(t, format, locale, &b);
	return lfinish(r, &b, false, out);
}
