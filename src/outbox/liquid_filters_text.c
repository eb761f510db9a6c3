/* Filters on texts. Lengths and positions are in code points, as the reference counts them. */
#include "outbox/liquid_int.h"

#include <pthread.h>
#include <stdlib.h>
#include <unicode/ucasemap.h>

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool keep_str(struct str s, bool safe, struct lval *out)
{
	*out = lval_str(s);
	out->safe = safe;
	return true;
}

static size_t count_chars(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static size_t char_offset(struct str s, size_t chars)
{
	size_t i = 0;
	while (i < s.n) {
		if (((unsigned char)s.p[i] & 0xc0) != 0x80 && chars-- == 0)
			break;
		i++;
	}
	return i;
}

/* ---- case ---- */

static UCaseMap *case_map;
static void case_map_open(void)
{
	UErrorCode status = U_ZERO_ERROR;
	case_map = ucasemap_open("", 0, &status);
	check(U_SUCCESS(status));
}

static bool change_case(struct liquid *r, struct str s, bool upper, struct buf *b)
{
	bool ascii = true;
	for (size_t i = 0; i < s.n && ascii; i++)
		ascii = (unsigned char)s.p[i] < 128;
	if (ascii) {
		char *p = buf_reserve(b, s.n);
		for (size_t i = 0; p && i < s.n; i++) {
			char c = s.p[i];
			p[i] = upper ? (c >= 'a' && c <= 'z' ? (char)(c - 32) : c) : (c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
		}
		b->n += p ? s.n : 0;
		return true;
	}
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, case_map_open);
	size_t room = s.n * 3 + 16;
	char *p = room < INT32_MAX ? buf_reserve(b, room) : NULL;
	if (!p)
		return true; /* b->full, or a text beyond every limit */
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = upper ? ucasemap_utf8ToUpper(case_map, p, (int32_t)room, s.p, (int32_t)s.n, &status)
	                  : ucasemap_utf8ToLower(case_map, p, (int32_t)room, s.p, (int32_t)s.n, &status);
	if (U_FAILURE(status))
		return lfail(r, ERR_INPUT, "this text is not UTF-8");
	b->n += (size_t)n;
	return true;
}

static bool cased(struct liquid *r, struct lval in, size_t upper_chars, struct lval *out)
{
	struct str s = ltext(r, in);
	size_t split = upper_chars == SIZE_MAX ? s.n : char_offset(s, upper_chars);
	struct buf b;
	lbuf_init(r, &b);
	if (!change_case(r, (struct str){ s.p, split }, true, &b) ||
	    !change_case(r, (struct str){ s.p + split, s.n - split }, false, &b)) {
		buf_release(&b);
		return false;
	}
	return lfinish(r, &b, false, out);
}

static bool f_upcase(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return cased(r, in, SIZE_MAX, out);
}

static bool f_downcase(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return cased(r, in, 0, out);
}

static bool f_capitalize(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return cased(r, in, 1, out);
}

/* ---- joining ---- */

static void add_escaped(struct buf *b, struct str s, bool escape)
{
	if (escape)
		lput_html(b, s);
	else
		buf_str(b, s);
}

/* a then b. With autoescape, when one of them is HTML already, so is the result, and the other is escaped. */
static bool glue(struct liquid *r, struct lval a, struct lval b, struct lval *out)
{
	bool safe = r->options->autoescape && (a.safe || b.safe);
	struct buf buf;
	lbuf_init(r, &buf);
	add_escaped(&buf, ltext(r, a), safe && !a.safe);
	add_escaped(&buf, ltext(r, b), safe && !b.safe);
	return lfinish(r, &buf, safe, out);
}

static bool f_append(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return glue(r, in, args[0], out);
}

static bool f_prepend(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return glue(r, args[0], in, out);
}

/* ---- replacing ---- */

static bool replace(struct liquid *r, struct str s, struct str what, struct str with, bool first, struct lval *out)
{
	struct buf b;
	lbuf_init(r, &b);
	size_t at = 0;
	while (at <= s.n && !b.full) {
		const char *hit = what.n == 0 ? s.p + at : at < s.n ? memmem(s.p + at, s.n - at, what.p, what.n) : NULL;
		if (!hit)
			break;
		buf_add(&b, s.p + at, (size_t)(hit - s.p) - at);
		buf_str(&b, with);
		at = (size_t)(hit - s.p) + what.n;
		if (first)
			break;
		if (what.n == 0) { /* between every two characters */
			if (at == s.n) {
				at = s.n + 1;
				break;
			}
			size_t step = char_offset((struct str){ s.p + at, s.n - at }, 1);
			buf_add(&b, s.p + at, step);
			at += step;
		}
	}
	if (at < s.n)
		buf_add(&b, s.p + at, s.n - at);
	return lfinish(r, &b, false, out) && lcharge(r, s.n / 64);
}

static bool f_replace(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return replace(r, ltext(r, in), ltext(r, args[0]), n > 1 ? ltext(r, args[1]) : STR(""), false, out);
}

static bool f_replace_first(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return replace(r, ltext(r, in), ltext(r, args[0]), n > 1 ? ltext(r, args[1]) : STR(""), true, out);
}

static bool replace_last(struct liquid *r, struct lval in, struct lval arg, struct str with, struct lval *out)
{
	struct str s = ltext(r, in), what = ltext(r, arg);
	size_t at = s.n + 1;
	for (size_t i = what.n <= s.n ? s.n - what.n + 1 : 0; i-- > 0;)
		if (memcmp(s.p + i, what.p, what.n) == 0) {
			at = i;
			break;
		}
	if (at > s.n)
		return keep_str(s, false, out);
	struct buf b;
	lbuf_init(r, &b);
	buf_add(&b, s.p, at);
	buf_str(&b, with);
	buf_add(&b, s.p + at + what.n, s.n - at - what.n);
	return lfinish(r, &b, false, out) && lcharge(r, s.n / 16);
}

static bool f_replace_last(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return replace_last(r, in, args[0], ltext(r, args[1]), out);
}

static bool f_remove_last(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return replace_last(r, in, args[0], STR(""), out);
}

/* ---- cutting ---- */

static struct str strip(struct str s, bool left, bool right)
{
	while (left && s.n && (is_space(s.p[0]) || s.p[0] == '\0'))
		s.p++, s.n--;
	while (right && s.n && (is_space(s.p[s.n - 1]) || s.p[s.n - 1] == '\0'))
		s.n--;
	return s;
}

static bool f_strip(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return keep_str(strip(ltext(r, in), true, true), in.safe, out);
}

static bool f_lstrip(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return keep_str(strip(ltext(r, in), true, false), in.safe, out);
}

static bool f_rstrip(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return keep_str(strip(ltext(r, in), false, true), in.safe, out);
}

static bool f_squish(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	if (in.type == LVAL_NIL)
		return *out = in, true;
	struct str s = strip(ltext(r, in), true, true);
	struct buf b;
	lbuf_init(r, &b);
	for (size_t i = 0; i < s.n; i++) {
		if (!is_space(s.p[i]))
			buf_char(&b, s.p[i]);
		else if (!is_space(s.p[i - 1]))
			buf_char(&b, ' ');
	}
	return lfinish(r, &b, in.safe, out);
}

static bool newlines(struct liquid *r, struct lval in, bool escape, bool safe, const char *instead, struct lval *out)
{
	struct str s = ltext(r, in);
	struct buf b;
	lbuf_init(r, &b);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			continue;
		if (s.p[i] == '\n')
			buf_cstr(&b, instead);
		else
			add_escaped(&b, (struct str){ s.p + i, 1 }, escape);
	}
	return lfinish(r, &b, safe, out);
}

static bool f_strip_newlines(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return newlines(r, in, false, in.safe, "", out);
}

static bool f_newline_to_br(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	bool html = r->options->autoescape;
	return newlines(r, in, html && !in.safe, html, "<br />\n", out);
}

/* From p: the length of a whole <script>…, <style>…, <!-- … --> block, or 0. */
static size_t block_length(const char *p, const char *end)
{
	static const char *const BLOCKS[][2] = { { "<script", "</script>" }, { "<!--", "-->" }, { "<style", "</style>" } };
	for (size_t i = 0; i < ARRAY_LEN(BLOCKS); i++) {
		size_t open = strlen(BLOCKS[i][0]), close = strlen(BLOCKS[i][1]);
		if ((size_t)(end - p) < open || memcmp(p, BLOCKS[i][0], open) != 0)
			continue;
		const char *hit = memmem(p + open, (size_t)(end - p) - open, BLOCKS[i][1], close);
		if (hit)
			return (size_t)(hit + close - p);
	}
	return 0;
}

static bool f_strip_html(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct str s = ltext(r, in);
	struct buf blocks, b;
	lbuf_init(r, &blocks);
	lbuf_init(r, &b);
	bool hopeless = false; /* no block closes any more: do not look again */
	for (size_t i = 0; i < s.n;) {
		size_t skip = s.p[i] == '<' && !hopeless ? block_length(s.p + i, s.p + s.n) : 0;
		if (!skip) {
			if (s.p[i] == '<' && !lcharge(r, s.n / 4096)) {
				buf_release(&blocks);
				return false;
			}
			buf_char(&blocks, s.p[i++]);
		}
		i += skip;
	}
	for (size_t i = 0; i < blocks.n;) {
		const char *close = blocks.p[i] == '<' && !hopeless ? memchr(blocks.p + i, '>', blocks.n - i) : NULL;
		hopeless = hopeless || (blocks.p[i] == '<' && !close);
		if (close)
			i = (size_t)(close - blocks.p) + 1;
		else
			buf_char(&b, blocks.p[i++]);
	}
	bool full = blocks.full;
	buf_release(&blocks);
	b.full = b.full || full;
	return lfinish(r, &b, false, out);
}

static bool f_truncate(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	int64_t length = 50;
	if (in.type == LVAL_NIL)
		return *out = in, true;
	if (n > 0 && !lto_integer(r, args[0], &length))
		return false;
	struct str s = ltext(r, in), end = n > 1 ? ltext(r, args[1]) : STR("...");
	if (length >= 0 && count_chars(s) <= (size_t)length)
		return keep_str(s, false, out);
	int64_t keep = length - (int64_t)count_chars(end);
	struct buf b;
	lbuf_init(r, &b);
	buf_add(&b, s.p, char_offset(s, keep > 0 ? (size_t)keep : 0));
	buf_str(&b, end);
	return lfinish(r, &b, false, out);
}

static bool f_truncatewords(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	int64_t words = 15;
	if (in.type == LVAL_NIL)
		return *out = in, true;
	if (n > 0 && !lto_integer(r, args[0], &words))
		return false;
	words = words < 1 ? 1 : words;
	struct str s = ltext(r, in), end = n > 1 ? ltext(r, args[1]) : STR("...");
	struct buf b;
	lbuf_init(r, &b);
	size_t i = 0;
	int64_t seen = 0;
	bool more = false;
	while (i < s.n && is_space(s.p[i]))
		i++;
	while (i < s.n && !more) {
		size_t start = i;
		while (i < s.n && !is_space(s.p[i]))
			i++;
		if (seen++)
			buf_char(&b, ' ');
		buf_add(&b, s.p + start, i - start);
		more = seen == words && i < s.n; /* what follows the last word counts, be it white space */
		while (i < s.n && is_space(s.p[i]))
			i++;
	}
	if (!more) {
		buf_release(&b);
		return keep_str(s, false, out);
	}
	buf_str(&b, end);
	return lfinish(r, &b, false, out);
}

static bool f_slice(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	int64_t from, length = 1;
	if (!lto_integer(r, args[0], &from) || (n > 1 && lval_truthy(args[1]) && !lto_integer(r, args[1], &length)))
		return false;
	struct str s = in.type == LVAL_ARRAY ? (struct str){ NULL, 0 } : ltext(r, in);
	int64_t total = in.type == LVAL_ARRAY ? in.n : (int64_t)count_chars(s);
	if (from < 0)
		from += total;
	if (from < 0 || from > total || length < 0)
		from = length = 0;
	if (length > total - from)
		length = total - from;
	if (in.type == LVAL_ARRAY) {
		*out = lval_array(in.items + from, (size_t)length);
		return true;
	}
	size_t a = char_offset(s, (size_t)from);
	size_t b = char_offset((struct str){ s.p + a, s.n - a }, (size_t)length);
	return keep_str((struct str){ s.p + a, b }, false, out);
}

/* ---- HTML, URL, base64 ---- */

static bool f_escape(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	if (in.type == LVAL_NIL || in.safe)
		return *out = in, true;
	struct buf b;
	lbuf_init(r, &b);
	lput_html(&b, ltext(r, in));
	return lfinish(r, &b, r->options->autoescape, out);
}

/* From "&": the length of an entity already there, or 0. */
static size_t entity_length(const char *p, const char *end)
{
	const char *q = p + 1;
	bool number = q < end && *q == '#';
	q += number;
	const char *start = q;
	while (q < end && (number ? *q >= '0' && *q <= '9' : (*q | 32) >= 'a' && (*q | 32) <= 'z'))
		q++;
	return q > start && q < end && *q == ';' ? (size_t)(q + 1 - p) : 0;
}

static bool f_escape_once(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct str s = ltext(r, in);
	struct buf b;
	lbuf_init(r, &b);
	for (size_t i = 0; i < s.n;) {
		size_t entity = s.p[i] == '&' ? entity_length(s.p + i, s.p + s.n) : 0;
		if (entity)
			buf_add(&b, s.p + i, entity);
		else
			lput_html(&b, (struct str){ s.p + i, 1 });
		i += entity ? entity : 1;
	}
	return lfinish(r, &b, r->options->autoescape, out);
}

static bool f_url_encode(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	if (in.type == LVAL_NIL)
		return *out = in, true;
	struct str s = ltext(r, in);
	struct buf b;
	lbuf_init(r, &b);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_.-~", c));
		if (plain || c == ' ')
			buf_char(&b, plain ? c : '+');
		else
			buf_printf(&b, "%%%02X", (unsigned char)c);
	}
	return lfinish(r, &b, false, out);
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool f_url_decode(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	if (in.type == LVAL_NIL)
		return *out = in, true;
	struct str s = ltext(r, in);
	struct buf b;
	lbuf_init(r, &b);
	for (size_t i = 0; i < s.n; i++) {
		bool coded = s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0;
		if (coded) {
			buf_char(&b, (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2])));
			i += 2;
		} else {
			buf_char(&b, s.p[i] == '+' ? ' ' : s.p[i]);
		}
	}
	if (str_utf8_valid(buf_view(&b)) != b.n) {
		buf_release(&b);
		return lfail(r, ERR_INPUT, "what url_decode finds is not UTF-8");
	}
	return lfinish(r, &b, false, out);
}

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char BASE64_URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool base64_encode(struct liquid *r, struct lval in, const char *alphabet, struct lval *out)
{
	struct str s = ltext(r, in);
	struct buf b;
	lbuf_init(r, &b);
	for (size_t i = 0; i < s.n; i += 3) {
		unsigned char c[3] = { 0 };
		size_t n = s.n - i < 3 ? s.n - i : 3;
		memcpy(c, s.p + i, n);
		uint32_t v = (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
		buf_char(&b, alphabet[v >> 18]);
		buf_char(&b, alphabet[v >> 12 & 63]);
		buf_char(&b, n > 1 ? alphabet[v >> 6 & 63] : '=');
		buf_char(&b, n > 2 ? alphabet[v & 63] : '=');
	}
	return lfinish(r, &b, false, out);
}

static bool base64_decode(struct liquid *r, struct lval in, bool url, struct lval *out)
{
	struct str s = ltext(r, in);
	struct buf b;
	lbuf_init(r, &b);
	uint32_t v = 0;
	size_t digits = 0, pads = 0;
	bool ok = true;
	for (size_t i = 0; i < s.n && ok; i++) {
		char c = s.p[i];
		if (url && (c == '-' || c == '_'))
			c = c == '-' ? '+' : '/';
		const char *at = c && c != '=' ? strchr(BASE64, c) : NULL;
		pads += c == '=';
		ok = c == '=' ? pads <= 2 : at && !pads;
		if (!at)
			continue;
		v = v << 6 | (uint32_t)(at - BASE64);
		if (++digits % 4 == 0) {
			buf_char(&b, (char)(v >> 16));
			buf_char(&b, (char)(v >> 8));
			buf_char(&b, (char)v);
		}
	}
	size_t left = digits % 4;
	bool padded = (left == 0 && pads == 0) || (left > 1 && left + pads == 4) || (url && left > 1 && pads == 0);
	ok = ok && padded && (left != 2 || (v & 15) == 0) && (left != 3 || (v & 3) == 0);
	if (left >= 2)
		buf_char(&b, (char)(left == 2 ? v >> 4 : v >> 10));
	if (left == 3)
		buf_char(&b, (char)(v >> 2));
	if (ok)
		return lfinish(r, &b, false, out);
	buf_release(&b);
	return lfail(r, ERR_INPUT, "this is not base64");
}

static bool f_base64_encode(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return base64_encode(r, in, BASE64, out);
}

static bool f_base64_decode(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return base64_decode(r, in, false, out);
}

static bool f_base64_url_safe_encode(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return base64_encode(r, in, BASE64_URL, out);
}

static bool f_base64_url_safe_decode(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return base64_decode(r, in, true, out);
}

static bool f_raw(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return keep_str(ltext(r, in), true, out);
}

const struct lfilter_def LFILTERS_TEXT[] = {
	{ "upcase", f_upcase, 0, 0 },
	{ "downcase", f_downcase, 0, 0 },
	{ "capitalize", f_capitalize, 0, 0 },
	{ "append", f_append, 1, 1 },
	{ "prepend", f_prepend, 1, 1 },
	{ "replace", f_replace, 1, 2 },
	{ "replace_first", f_replace_first, 1, 2 },
	{ "replace_last", f_replace_last, 2, 2 },
	{ "remove", f_replace, 1, 1 },
	{ "remove_first", f_replace_first, 1, 1 },
	{ "remove_last", f_remove_last, 1, 1 },
	{ "strip", f_strip, 0, 0 },
	{ "lstrip", f_lstrip, 0, 0 },
	{ "rstrip", f_rstrip, 0, 0 },
	{ "squish", f_squish, 0, 0 },
	{ "strip_newlines", f_strip_newlines, 0, 0 },
	{ "newline_to_br", f_newline_to_br, 0, 0 },
	{ "strip_html", f_strip_html, 0, 0 },
	{ "truncate", f_truncate, 0, 2 },
	{ "truncatewords", f_truncatewords, 0, 2 },
	{ "slice", f_slice, 1, 2 },
	{ "escape", f_escape, 0, 0 },
	{ "h", f_escape, 0, 0 },
	{ "escape_once", f_escape_once, 0, 0 },
	{ "url_encode", f_url_encode, 0, 0 },
	{ "url_decode", f_url_decode, 0, 0 },
	{ "base64_encode", f_base64_encode, 0, 0 },
	{ "base64_decode", f_base64_decode, 0, 0 },
	{ "base64_url_safe_encode", f_base64_url_safe_encode, 0, 0 },
	{ "base64_url_safe_decode", f_base64_url_safe_decode, 0, 0 },
	{ "raw", f_raw, 0, 0 },
	{ NULL, NULL, 0, 0 },
};
