/* mailpart: see the header. One pass over the bytes; a part's body is copied only when an encoding has to be undone. */
#include "channel/mailpart.h"

#include "base/buf.h"

#include <strings.h>

bool line_next(struct str *text, struct str *line)
{
	if (text->n == 0)
		return false;
	const char *end = memchr(text->p, '\n', text->n);
	size_t n = end ? (size_t)(end - text->p) : text->n;
	*line = (struct str){ text->p, n };
	size_t skip = n + (end ? 1 : 0);
	text->p += skip;
	text->n -= skip;
	while (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

bool str_has(struct str s, const char *lower)
{
	size_t n = strlen(lower);
	if (n == 0 || s.n < n)
		return false;
	char first = lower[0], upper = first >= 'a' && first <= 'z' ? (char)(first - 32) : first;
	for (size_t i = 0; i + n <= s.n; i++)
		if ((s.p[i] == first || s.p[i] == upper) && strncasecmp(s.p + i, lower, n) == 0)
			return true;
	return false;
}

/* ---- headers ---- */

static bool header_name(struct str line, size_t *colon)
{
	size_t i = 0;
	while (i < line.n && line.p[i] > 32 && line.p[i] < 127 && line.p[i] != ':')
		i++;
	size_t name = i;
	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	if (name == 0 || i >= line.n || line.p[i] != ':')
		return false;
	*colon = i;
	return true;
}

static struct str unfold(struct arena *a, struct str first, struct str rest)
{
	char *out = arena_alloc(a, first.n + rest.n + 1);
	size_t n = first.n;
	memcpy(out, first.p, n);
	struct str line;
	while (line_next(&rest, &line)) {
		line = str_trim(line);
		out[n++] = ' ';
		memcpy(out + n, line.p, line.n);
		n += line.n;
	}
	return (struct str){ out, n };
}

size_t headers_read(struct arena *a, struct str text, struct headers *out)
{
	struct str rest = text, line;
	out->list = arena_array(a, struct header, 64);
	out->count = 0;
	size_t cap = 64;
	while (rest.n) {
		struct str before = rest;
		line_next(&rest, &line);
		if (line.n == 0)
			break;
		size_t colon;
		if (!header_name(line, &colon)) {
			if (out->count == 0 || line.p[0] == '>' || str_starts(line, STR("From ")))
				continue;  /* an mbox line, or noise before the first field */
			rest = before; /* not a header: the body started without its blank line */
			break;
		}
		struct str value = { line.p + colon + 1, line.n - colon - 1 };
		struct str folded = { rest.p, 0 };
		while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t')) {
			struct str ahead = rest, more;
			line_next(&ahead, &more);
			if (str_trim(more).n == 0)
				break;
			rest = ahead;
		}
		folded.n = (size_t)(rest.p - folded.p);
		if (out->count == MAIL_HEADERS_MAX)
			continue;
		if (out->count == cap) {
			struct header *bigger = arena_array(a, struct header, cap * 2);
			memcpy(bigger, out->list, cap * sizeof *bigger);
			out->list = bigger;
			cap *= 2;
		}
		value = str_trim(value);
		if (folded.n)
			value = str_trim(unfold(a, value, folded));
		struct str name = { line.p, colon };
		out->list[out->count++] = (struct header){ str_trim(name), value };
	}
	return (size_t)(rest.p - text.p);
}

struct str headers_find(const struct headers *h, const char *name)
{
	struct str wanted = str_from(name);
	for (size_t i = 0; i < h->count; i++)
		if (str_eq_nocase(h->list[i].name, wanted))
			return h->list[i].value;
	return (struct str){ NULL, 0 };
}

/* ---- transfer encodings ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct str quoted_printable(struct arena *a, struct str s, bool header)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (header && c == '_') {
			out[n++] = ' ';
		} else if (c != '=') {
			out[n++] = c;
		} else if (i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 && hex_digit(s.p[i + 2]) >= 0) {
			out[n++] = (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]));
			i += 2;
		} else {
			size_t j = i + 1; /* soft line break: "=", white space, LF */
			while (j < s.n && (s.p[j] == ' ' || s.p[j] == '\t' || s.p[j] == '\r'))
				j++;
			if (j < s.n && s.p[j] == '\n')
				i = j;
			else
				out[n++] = c;
		}
	}
	return (struct str){ out, n };
}

static int base64_digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static struct str base64(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n / 4 * 3 + 4);
	size_t n = 0;
	uint32_t bits = 0;
	int have = 0;
	for (size_t i = 0; i < s.n; i++) {
		int v = base64_digit((unsigned char)s.p[i]);
		if (v < 0)
			continue;
		bits = bits << 6 | (uint32_t)v;
		if (++have == 4) {
			out[n++] = (char)(bits >> 16);
			out[n++] = (char)(bits >> 8);
			out[n++] = (char)bits;
			have = 0;
			bits = 0;
		}
	}
	if (have == 3) {
		out[n++] = (char)(bits >> 10);
		out[n++] = (char)(bits >> 2);
	} else if (have == 2) {
		out[n++] = (char)(bits >> 4);
	}
	return (struct str){ out, n };
}

static struct str decode(struct arena *a, struct str body, struct str encoding)
{
	if (str_has(encoding, "quoted-printable"))
		return quoted_printable(a, body, false);
	if (str_has(encoding, "base64"))
		return base64(a, body);
	return body;
}

/* ---- encoded words ---- */

static void add_latin1(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x80) {
			buf_char(b, (char)c);
		} else {
			buf_char(b, (char)(0xc0 | c >> 6));
			buf_char(b, (char)(0x80 | (c & 0x3f)));
		}
	}
}

/* One word at s ("=?charset?q?text?="); returns its length, or 0 when it is none. */
static size_t encoded_word(struct arena *a, struct buf *out, struct str s)
{
	if (s.n < 8 || s.p[0] != '=' || s.p[1] != '?')
		return 0;
	const char *end = s.p + s.n, *charset = s.p + 2;
	const char *q1 = memchr(charset, '?', (size_t)(end - charset));
	if (!q1 || q1 + 3 >= end || q1[2] != '?')
		return 0;
	const char *text = q1 + 3, *q3 = text;
	while (q3 + 1 < end && !(q3[0] == '?' && q3[1] == '='))
		q3++;
	if (q3 + 1 >= end)
		return 0;
	struct str set = { charset, (size_t)(q1 - charset) }, coded = { text, (size_t)(q3 - text) };
	bool utf8 = str_has(set, "utf-8") || str_has(set, "us-ascii");
	if (!utf8 && !str_has(set, "iso-8859-1") && !str_has(set, "windows-1252"))
		return 0;
	char how = (char)(q1[1] | 32);
	if (how != 'q' && how != 'b')
		return 0;
	struct str plain = how == 'q' ? quoted_printable(a, coded, true) : base64(a, coded);
	if (utf8)
		buf_str(out, plain);
	else
		add_latin1(out, plain);
	return (size_t)(q3 + 2 - s.p);
}

struct str header_words(struct arena *a, struct str value)
{
	if (!str_has(value, "=?"))
		return value;
	struct buf out;
	buf_init(&out, value.n * 4 + 16);
	for (size_t i = 0; i < value.n;) {
		size_t n = encoded_word(a, &out, (struct str){ value.p + i, value.n - i });
		if (n) {
			i += n;
			size_t gap = 0; /* white space between two words is dropped */
			while (i + gap < value.n && (value.p[i + gap] == ' ' || value.p[i + gap] == '\t'))
				gap++;
			if (gap && i + gap + 1 < value.n && value.p[i + gap] == '=' && value.p[i + gap + 1] == '?')
				i += gap;
			continue;
		}
		buf_char(&out, value.p[i++]);
	}
	struct str copy = arena_str(a, buf_view(&out));
	buf_release(&out);
	return copy;
}

/* ---- html ---- */

static size_t entity(struct str s, char *out)
{
	static const struct {
		const char *name;
		char c;
	} ENTITIES[] = { { "&lt;", '<' },   { "&gt;", '>' },  { "&amp;", '&' }, { "&quot;", '"' }, { "&nbsp;", ' ' },
		             { "&#39;", '\'' }, { "&#64;", '@' }, { "&#46;", '.' }, { "&apos;", '\'' } };
	for (size_t i = 0; i < ARRAY_LEN(ENTITIES); i++) {
		size_t n = strlen(ENTITIES[i].name);
		if (s.n >= n && strncasecmp(s.p, ENTITIES[i].name, n) == 0) {
			*out = ENTITIES[i].c;
			return n;
		}
	}
	return 0;
}

static bool block_tag(struct str tag)
{
	static const char *const NAMES[] = { "br", "p", "div", "tr", "td", "li", "h1", "h2", "h3", "pre", "table" };
	if (tag.n && tag.p[0] == '/')
		tag = (struct str){ tag.p + 1, tag.n - 1 };
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		size_t n = strlen(NAMES[i]);
		if (tag.n >= n && strncasecmp(tag.p, NAMES[i], n) == 0 &&
		    (tag.n == n || tag.p[n] == ' ' || tag.p[n] == '/' || tag.p[n] == '>' || tag.p[n] == '\n'))
			return true;
	}
	return false;
}

struct str text_of_html(struct arena *a, struct str html)
{
	char *out = arena_alloc(a, html.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < html.n; i++) {
		char c = html.p[i];
		struct str rest = { html.p + i, html.n - i };
		if (c == '<') {
			struct str tag = { rest.p + 1, rest.n - 1 };
			bool address = false; /* "<a@b.c>" left bare in the markup */
			const char *end = memchr(rest.p, '>', rest.n);
			if (!end) {
				out[n++] = c;
				continue;
			}
			tag.n = (size_t)(end - tag.p);
			address = memchr(tag.p, '@', tag.n) && !memchr(tag.p, '=', tag.n);
			if (address) {
				memcpy(out + n, rest.p, tag.n + 2);
				n += tag.n + 2;
			} else if (block_tag(tag)) {
				out[n++] = '\n';
			}
			i += tag.n + 1;
			continue;
		}
		char plain;
		size_t skip = c == '&' ? entity(rest, &plain) : 0;
		if (skip) {
			out[n++] = plain;
			i += skip - 1;
		} else {
			out[n++] = c;
		}
	}
	return (struct str){ out, n };
}

/* ---- addresses ---- */

static bool local_char(unsigned char c)
{
	return c > 32 && c != 127 && c != '<' && c != '>' && c != '(' && c != ')' && c != '[' && c != ']' && c != ',' &&
	       c != ';' && c != ':' && c != '"' && c != '@' && c != '\\';
}

static bool domain_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c >= 0x80;
}

bool address_next(struct str s, size_t *from, struct str *out)
{
	for (size_t i = *from; i < s.n; i++) {
		if (s.p[i] != '@')
			continue;
		size_t start = i, end = i + 1;
		if (start > *from && s.p[start - 1] == '"') {
			start--;
			while (start > *from && s.p[start - 1] != '"')
				start--;
			if (start > *from)
				start--;
			else
				start = i;
		} else {
			while (start > *from && local_char((unsigned char)s.p[start - 1]))
				start--;
			while (start < i && (s.p[start] == '\'' || s.p[start] == '`' ||
			                     (s.p[start] == '=' && i - start < 64 && s.p[start + 1] != '?')))
				start++;
		}
		if (end < s.n && s.p[end] == '[')
			end++;
		while (end < s.n && domain_char((unsigned char)s.p[end]))
			end++;
		while (end > i + 1 && (s.p[end - 1] == '.' || s.p[end - 1] == '-'))
			end--;
		if (end < s.n && s.p[end] == ']' && s.p[i + 1] == '[')
			end++;
		if (start < i && end > i + 1 && i - start <= 256 && end - i <= 256) {
			*out = (struct str){ s.p + start, end - start };
			*from = end;
			return true;
		}
	}
	*from = s.n;
	return false;
}

/* ---- parts ---- */

static struct str parameter(struct arena *a, struct str type, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i + n < type.n; i++) {
		if (strncasecmp(type.p + i, name, n) != 0)
			continue;
		if (i && type.p[i - 1] != ';' && type.p[i - 1] != ' ' && type.p[i - 1] != '\t')
			continue;
		size_t j = i + n;
		while (j < type.n && (type.p[j] == ' ' || type.p[j] == '='))
			j++;
		bool quoted = j < type.n && type.p[j] == '"';
		size_t start = j + (quoted ? 1 : 0), end = start;
		while (end < type.n && (quoted ? type.p[end] != '"' : type.p[end] != ';' && type.p[end] != ' '))
			end++;
		return arena_str(a, (struct str){ type.p + start, end - start });
	}
	return (struct str){ NULL, 0 };
}

static void add_part(struct mail *m, enum part_kind kind, struct str body)
{
	if (m->part_count < MAIL_PARTS_MAX)
		m->parts[m->part_count++] = (struct part){ kind, body };
}

static enum part_kind kind_of(struct str type)
{
	static const struct {
		const char *name;
		enum part_kind kind;
	} KINDS[] = {
		{ "message/delivery-status", PART_STATUS },
		{ "message/global-delivery-status", PART_STATUS },
		{ "text/delivery-status", PART_STATUS },
		{ "message/feedback-report", PART_FEEDBACK },
		{ "message/rfc822", PART_ORIGINAL },
		{ "message/global", PART_ORIGINAL },
		{ "text/rfc822", PART_ORIGINAL },
		{ "message/xdelivery-status", PART_STATUS },
		{ "text/html", PART_HTML },
		{ "text/", PART_TEXT },
		{ "message/", PART_OTHER },
	};
	if (type.n == 0)
		return PART_TEXT;
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
		if (type.n >= strlen(KINDS[i].name) && strncasecmp(type.p, KINDS[i].name, strlen(KINDS[i].name)) == 0)
			return KINDS[i].kind;
	return memchr(type.p, '/', type.n) ? PART_OTHER : PART_TEXT;
}

static void walk(struct arena *a, struct mail *m, const struct headers *h, struct str body, int depth);

static bool is_delimiter(struct str line, struct str boundary, bool *last)
{
	if (line.n < boundary.n + 2 || line.p[0] != '-' || line.p[1] != '-' ||
	    memcmp(line.p + 2, boundary.p, boundary.n) != 0)
		return false;
	struct str rest = { line.p + 2 + boundary.n, line.n - 2 - boundary.n };
	*last = rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-';
	return *last || str_trim(rest).n == 0;
}

static void one_part(struct arena *a, struct mail *m, struct str raw, int depth)
{
	struct headers h;
	size_t taken = headers_read(a, raw, &h);
	walk(a, m, &h, (struct str){ raw.p + taken, raw.n - taken }, depth + 1);
}

/* Splits at the boundary. False when not one delimiter was found. */
static bool walk_multipart(struct arena *a, struct mail *m, struct str body, struct str boundary, int depth)
{
	struct str rest = body, line;
	const char *start = NULL;
	bool found = false;
	for (;;) {
		const char *at = rest.p;
		bool more = line_next(&rest, &line), last = false;
		if (more && !is_delimiter(line, boundary, &last))
			continue;
		if (start && at > start)
			one_part(a, m, (struct str){ start, (size_t)(at - start) }, depth);
		if (!more)
			return found;
		found = true;
		start = last ? NULL : rest.p;
	}
}

static void walk(struct arena *a, struct mail *m, const struct headers *h, struct str body, int depth)
{
	struct str type = headers_find(h, "Content-Type");
	struct str encoding = headers_find(h, "Content-Transfer-Encoding");
	if (str_has(type, "multipart/") && depth < MAIL_DEPTH_MAX) {
		struct str boundary = parameter(a, type, "boundary");
		if (boundary.n && walk_multipart(a, m, body, boundary, depth))
			return;
		add_part(m, PART_TEXT, body);
		return;
	}
	enum part_kind kind = kind_of(type);
	add_part(m, kind, kind == PART_OTHER ? body : decode(a, body, encoding));
}

void mail_read(struct arena *a, struct str bytes, struct mail *out)
{
	if (bytes.n > MAIL_MAX)
		bytes.n = MAIL_MAX;
	while (bytes.n && (bytes.p[0] == '\n' || bytes.p[0] == '\r'))
		bytes = (struct str){ bytes.p + 1, bytes.n - 1 };
	size_t taken = headers_read(a, bytes, &out->headers);
	out->body = (struct str){ bytes.p + taken, bytes.n - taken };
	out->parts = arena_array(a, struct part, MAIL_PARTS_MAX);
	out->part_count = 0;
	walk(a, out, &out->headers, out->body, 0);
}
