#include "base/buf.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->full = false;
	if (b->p)
		b->p[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->full || n > b->max - b->n) {
		b->full = true;
		return NULL;
	}
	if (b->n + n + 1 > b->cap)
		b->p = mem_grow(b->p, &b->cap, b->n + n + 1, 1);
	return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_reserve(b, n);
	if (!to)
		return;
	if (n)
		memcpy(to, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void buf_cstr(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_i64(struct buf *b, int64_t v)
{
	char text[24];
	size_t i = sizeof text;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		text[--i] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	if (v < 0)
		text[--i] = '-';
	buf_add(b, text + i, sizeof text - i);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	check(n >= 0);
	char *to = buf_reserve(b, (size_t)n);
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

/* How many bytes from here on stand in a JSON string as they are. */
static size_t json_plain(struct str s)
{
	size_t n = 0;
	while (n < s.n && (unsigned char)s.p[n] >= 0x20 && (unsigned char)s.p[n] < 0x80 && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	return n;
}

/* The length of the character of several bytes that begins here; 0: it is none. */
static size_t utf8_long(struct str s)
{
	unsigned char first = (unsigned char)s.p[0];
	size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
	return first >= 0x80 && n <= s.n && str_utf8_valid((struct str){ s.p, n }) == n ? n : 0;
}

static void json_escape(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"': buf_cstr(b, "\\\""); break;
	case '\\': buf_cstr(b, "\\\\"); break;
	case '\n': buf_cstr(b, "\\n"); break;
	case '\r': buf_cstr(b, "\\r"); break;
	case '\t': buf_cstr(b, "\\t"); break;
	default:
		if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else
			buf_cstr(b, "\xEF\xBF\xBD");
	}
}

void buf_json(struct buf *b, struct str s)
{
	size_t plain = json_plain(s);
	char *to = plain == s.n ? buf_reserve(b, plain + 2) : NULL;
	if (to) { /* nearly always */
		to[0] = '"';
		if (plain)
			memcpy(to + 1, s.p, plain);
		to[plain + 1] = '"';
		to[plain + 2] = '\0';
		b->n += plain + 2;
		return;
	}
	buf_char(b, '"');
	while (s.n > 0) {
		size_t n = json_plain(s);
		n = n ? n : utf8_long(s);
		if (n)
			buf_add(b, s.p, n);
		else
			json_escape(b, (unsigned char)s.p[n++]);
		s.p += n;
		s.n -= n;
	}
	buf_char(b, '"');
}

void buf_csv(struct buf *b, struct str s)
{
	bool quote = false;
	for (size_t i = 0; i < s.n && !quote; i++)
		quote = s.p[i] == ',' || s.p[i] == ';' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
	if (!quote) {
		buf_str(b, s);
		return;
	}
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_char(b, '"');
		buf_char(b, s.p[i]);
	}
	buf_char(b, '"');
}

void buf_html(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&': buf_cstr(b, "&amp;"); break;
		case '<': buf_cstr(b, "&lt;"); break;
		case '>': buf_cstr(b, "&gt;"); break;
		case '"': buf_cstr(b, "&quot;"); break;
		case '\'': buf_cstr(b, "&#39;"); break;
		default: buf_char(b, s.p[i]); break;
		}
	}
}
