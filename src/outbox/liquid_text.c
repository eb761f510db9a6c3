/* Values as text: to_s and inspect of the reference. */
#include "outbox/liquid_int.h"

#include <stdlib.h>

enum { SPARE_MAX = 1 << 20 };

void lbuf_init(struct liquid *r, struct buf *b)
{
	*b = r->spare;
	r->spare = (struct buf){ 0 };
	b->max = r->memory_max;
	b->n = 0;
	b->full = false;
}

bool lfinish(struct liquid *r, struct buf *b, bool safe, struct lval *out)
{
	bool full = b->full || b->n > UINT32_MAX / 2;
	if (!full) {
		*out = lval_str((struct str){ arena_copy(&r->arena, b->p ? b->p : "", b->n), b->n });
		out->safe = safe;
	}
	uint64_t steps = b->n / 256;
	if (!r->spare.p && b->cap <= SPARE_MAX)
		r->spare = *b;
	else
		buf_release(b);
	*b = (struct buf){ 0 };
	if (full)
		return lfail(r, ERR_LIMIT, "a text is larger than %zu MiB", r->memory_max >> 20);
	return lcharge(r, steps);
}

/* How many bytes from p on need no entity. */
static size_t plain_run(const char *p, const char *end)
{
	typedef unsigned char bytes __attribute__((vector_size(16)));
	const char *q = p;
	for (bytes v, hit; end - q >= 16; q += 16) {
		memcpy(&v, q, 16);
		hit = (bytes)((v == '&') | (v == '<') | (v == '>') | (v == '"') | (v == '\''));
		uint64_t half[2];
		memcpy(half, &hit, 16);
		if (half[0] | half[1])
			break;
	}
	while (q < end && *q != '&' && *q != '<' && *q != '>' && *q != '"' && *q != '\'')
		q++;
	return (size_t)(q - p);
}

void lput_html(struct buf *b, struct str s)
{
	for (const char *p = s.p, *end = p + s.n; p < end; p++) {
		size_t run = plain_run(p, end);
		lput(b, p, run);
		p += run;
		if (p == end)
			return;
		buf_cstr(b, *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : *p == '"' ? "&quot;" : "&#39;");
	}
}

void lput_int(struct buf *b, uint64_t v, int width)
{
	char text[24];
	int i = sizeof text;
	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while ((v || (int)sizeof text - i < width) && i > 0);
	lput(b, text + i, sizeof text - (size_t)i);
}

struct lval lgive_number(struct liquid *r, struct ldecimal d)
{
	char text[48], *end = text + sizeof text, *p = end;
	if (d.inexact || !d.is_int || d.scale || (d.mantissa >= INT64_MIN && d.mantissa <= INT64_MAX))
		return ldecimal_value(d);
	unsigned __int128 left = d.mantissa < 0 ? -(unsigned __int128)d.mantissa : (unsigned __int128)d.mantissa;
	do
		*--p = (char)('0' + (int)(left % 10));
	while (left /= 10);
	if (d.mantissa < 0)
		*--p = '-';
	struct lval out;
	lgive(r, p, (size_t)(end - p), &out);
	return out;
}

static void inspect_string(struct buf *b, struct str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		static const char PLAIN[] = "\a\b\t\n\v\f\r\x1b", LETTER[] = "abtnvfre";
		const char *at = c ? strchr(PLAIN, c) : NULL;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '#' && i + 1 < s.n && strchr("{$@", s.p[i + 1]))
			buf_cstr(b, "\\#");
		else if (at)
			buf_printf(b, "\\%c", LETTER[at - PLAIN]);
		else if (c < 32 || c == 127)
			buf_printf(b, c == 127 ? "\\x7F" : c ? "\\u%04X" : "\\u0000", c);
		else
			buf_char(b, (char)c);
	}
	buf_char(b, '"');
}

void linspect_add(struct buf *b, struct lval v, int depth)
{
	if (v.type == LVAL_NIL) {
		buf_cstr(b, "nil");
	} else if (v.type == LVAL_STRING) {
		inspect_string(b, lval_view(v));
	} else if (v.type == LVAL_ARRAY && depth < LVAL_DEPTH_MAX * 2) {
		buf_char(b, '[');
		for (uint32_t i = 0; i < v.n && !b->full; i++) {
			if (i)
				buf_cstr(b, ", ");
			linspect_add(b, v.items[i], depth + 1);
		}
		buf_char(b, ']');
	} else if (v.type == LVAL_OBJECT && depth < LVAL_DEPTH_MAX * 2) {
		buf_char(b, '{');
		for (uint32_t i = 0; i < v.object->count && !b->full; i++) {
			const struct lpair *p = &v.object->pairs[i];
			if (i)
				buf_cstr(b, ", ");
			inspect_string(b, (struct str){ p->key, p->n });
			buf_cstr(b, "=>");
			linspect_add(b, p->value, depth + 1);
		}
		buf_char(b, '}');
	} else {
		ltext_add(b, v, depth);
	}
}

void ltext_add(struct buf *b, struct lval v, int depth)
{
	char text[48];
	switch ((enum lval_type)v.type) {
	case LVAL_NIL:
	case LVAL_EMPTY:
	case LVAL_BLANK: return;
	case LVAL_BOOL: buf_cstr(b, v.b ? "true" : "false"); return;
	case LVAL_INT: buf_i64(b, v.i); return;
	case LVAL_FLOAT: buf_add(b, text, lfloat_text(v.f, text)); return;
	case LVAL_STRING: buf_add(b, v.s, v.n); return;
	case LVAL_ARRAY:
	case LVAL_OBJECT:
		if (depth < LVAL_DEPTH_MAX * 2)
			linspect_add(b, v, depth);
		return;
	case LVAL_RANGE: buf_printf(b, "%lld..%lld", (long long)v.range->from, (long long)v.range->to); return;
	case LVAL_LOOP: buf_cstr(b, v.loop->table ? "Liquid::TablerowloopDrop" : "Liquid::ForloopDrop"); return;
	}
}

struct str ltext(struct liquid *r, struct lval v)
{
	if (v.type == LVAL_STRING)
		return lval_view(v);
	if (v.type == LVAL_NIL)
		return (struct str){ "", 0 };
	struct buf b;
	lbuf_init(r, &b);
	ltext_add(&b, v, 0);
	struct str s = { arena_copy(&r->arena, b.p ? b.p : "", b.n), b.n };
	buf_release(&r->spare);
	r->spare = b;
	return s;
}
