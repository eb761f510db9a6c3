/* Markdown → mail HTML, and mail HTML → text.
 *
 * Liquid is taken out before Markdown sees it (each {{…}} and {%…%} becomes a word of letters and digits) and put back
 * afterwards; a paragraph that holds nothing but tags loses its <p>. Mail programs ignore style sheets, so each element
 * that Markdown makes gets its style on the spot. */
#include "outbox/message.h"

#include <cmark.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Markdown ---- */

#define MARK "zqliquid"

struct held {
	struct str *list;
	size_t count, cap;
};

static const char *liquid_end(const char *p, const char *end)
{
	char close = p[1] == '%' ? '%' : '}';
	for (const char *q = p + 2; q + 1 < end; q++)
		if (q[0] == close && q[1] == '}')
			return q + 2;
	return NULL;
}

static void take_out(struct str s, struct held *held, struct buf *out)
{
	const char *end = s.p + s.n;
	for (const char *p = s.p; p < end;) {
		const char *close = p + 1 < end && *p == '{' && (p[1] == '{' || p[1] == '%') ? liquid_end(p, end) : NULL;
		if (!close) {
			buf_char(out, *p++);
			continue;
		}
		held->list = mem_grow(held->list, &held->cap, held->count + 1, sizeof *held->list);
		held->list[held->count] = (struct str){ p, (size_t)(close - p) };
		buf_printf(out, MARK "%zuz", held->count++);
		p = close;
	}
}

static const char *style_of(struct str tag)
{
	static const char *const STYLES[][2] = {
		{ "<p>", "margin:0 0 16px;font-size:16px;line-height:25px" },
		{ "<h1>", "margin:0 0 16px;font-size:26px;line-height:33px;font-weight:700" },
		{ "<h2>", "margin:24px 0 12px;font-size:19px;line-height:26px;font-weight:700" },
		{ "<h3>", "margin:20px 0 8px;font-size:16px;line-height:24px;font-weight:700" },
		{ "<ul>", "margin:0 0 16px;padding-left:22px" },
		{ "<ol>", "margin:0 0 16px;padding-left:22px" },
		{ "<li>", "margin:0 0 6px;font-size:16px;line-height:25px" },
		{ "<hr />", "border:0;border-top:1px solid #e3ded6;margin:24px 0" },
		{ "<blockquote>", "margin:0 0 16px;padding:0 0 0 16px;border-left:3px solid #e3ded6" },
	};
	for (size_t i = 0; i < ARRAY_LEN(STYLES); i++)
		if (str_is(tag, STYLES[i][0]))
			return STYLES[i][1];
	return NULL;
}

static void put_tag(struct str tag, struct buf *out)
{
	const char *style = style_of(tag);
	if (style) {
		size_t n = tag.n - (tag.p[tag.n - 2] == '/' ? 3 : 1);
		buf_add(out, tag.p, n);
		buf_printf(out, " style=\"%s\">", style);
	} else if (str_starts(tag, STR("<a href=")) && !memmem(tag.p, tag.n, " style=", 7)) {
		buf_add(out, tag.p, tag.n - 1);
		buf_cstr(out, " class=\"link\" style=\"color:#8a4b2a;text-decoration:underline\">");
	} else {
		buf_str(out, tag);
	}
}

static bool read_mark(const char *p, const char *end, size_t *index, const char **after)
{
	size_t n = sizeof MARK - 1;
	if ((size_t)(end - p) <= n || memcmp(p, MARK, n) != 0)
		return false;
	char *stop;
	*index = strtoul(p + n, &stop, 10);
	*after = stop + 1;
	return stop > p + n && stop < end && *stop == 'z';
}

/* From "<p>": the paragraph's inside when it holds nothing but tags ({% … %}) and white space. */
static const char *bare_paragraph(const char *p, const char *end, const struct held *held)
{
	size_t marks = 0, index;
	for (p += 3; p < end;) {
		if (*p == '<')
			return marks && end - p >= 4 && memcmp(p, "</p>", 4) == 0 ? p : NULL;
		if (*p == ' ' || *p == '\n') {
			p++;
			continue;
		}
		if (!read_mark(p, end, &index, &p) || index >= held->count || held->list[index].p[1] != '%')
			return NULL;
		marks++;
	}
	return NULL;
}

static void put_back(const char *p, const char *end, const struct held *held, struct buf *out)
{
	const char *skip_close = NULL;
	while (p < end) {
		size_t index;
		const char *after, *close;
		if (*p == 'z' && read_mark(p, end, &index, &after) && index < held->count) {
			buf_str(out, held->list[index]);
			p = after;
		} else if (*p == '<' && p == skip_close) {
			p += 4;
		} else if (end - p >= 3 && memcmp(p, "<p>", 3) == 0 && (close = bare_paragraph(p, end, held))) {
			skip_close = close;
			p += 3;
		} else if (*p == '<' && (close = memchr(p, '>', (size_t)(end - p)))) {
			struct buf tag; /* may hold marks in its attributes */
			buf_init(&tag, LIQUID_SOURCE_MAX);
			put_tag((struct str){ p, (size_t)(close + 1 - p) }, &tag);
			for (const char *q = tag.p, *tag_end = tag.p + tag.n; q < tag_end;)
				if (*q == 'z' && read_mark(q, tag_end, &index, &after) && index < held->count) {
					buf_str(out, held->list[index]);
					q = after;
				} else {
					buf_char(out, *q++);
				}
			buf_release(&tag);
			p = close + 1;
		} else {
			buf_char(out, *p++);
		}
	}
}

bool markdown_to_html(struct str markdown, struct buf *out, struct err *err)
{
	struct held held = { 0 };
	struct buf plain;
	buf_init(&plain, LIQUID_SOURCE_MAX);
	take_out(markdown, &held, &plain);
	char *html = plain.full ? NULL : cmark_markdown_to_html(plain.p ? plain.p : "", plain.n, CMARK_OPT_UNSAFE);
	if (html)
		put_back(html, html + strlen(html), &held, out);
	free(html);
	free(held.list);
	buf_release(&plain);
	return (html && !out->full) || err_set(err, ERR_LIMIT, "the body is too long");
}

/* ---- text ---- */

struct texter {
	struct buf *out;
	size_t start; /* where our text begins in out */
	bool space;   /* white space is due */
	int newlines; /* due before the next word */
	int hidden;   /* inside style, script, head */
	struct str href, last_href;
	size_t link_at;
};

static void put_due(struct texter *t)
{
	if (t->out->n > t->start)
		for (; t->newlines > 0; t->newlines--, t->space = false)
			buf_char(t->out, '\n');
	t->newlines = 0;
	if (t->space && t->out->n > t->start && t->out->p[t->out->n - 1] != '\n')
		buf_char(t->out, ' ');
	t->space = false;
}

static void due(struct texter *t, int newlines)
{
	t->newlines = t->newlines > newlines ? t->newlines : newlines;
}

static size_t put_entity(struct texter *t, const char *p, const char *end)
{
	static const char *const ENTITIES[][2] = { { "&amp;", "&" },        { "&lt;", "<" },  { "&gt;", ">" },
		                                       { "&quot;", "\"" },      { "&#39;", "'" }, { "&nbsp;", " " },
		                                       { "&#8203;", "" },       { "&zwnj;", "" }, { "&copy;", "©" },
		                                       { "&#8239;", "\u202f" }, { "&#847;", "" }, { "&shy;", "" } };
	for (size_t i = 0; i < ARRAY_LEN(ENTITIES); i++) {
		size_t n = strlen(ENTITIES[i][0]);
		if ((size_t)(end - p) >= n && memcmp(p, ENTITIES[i][0], n) == 0) {
			if (ENTITIES[i][1][0] == ' ')
				t->space = true;
			else if (ENTITIES[i][1][0])
				put_due(t);
			buf_cstr(t->out, ENTITIES[i][1][0] == ' ' ? "" : ENTITIES[i][1]);
			return n;
		}
	}
	put_due(t);
	buf_char(t->out, '&');
	return 1;
}

static struct str attribute(struct str tag, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 1; i + n + 2 < tag.n; i++)
		if ((tag.p[i - 1] == ' ' || tag.p[i - 1] == '\n') && memcmp(tag.p + i, name, n) == 0 && tag.p[i + n] == '=' &&
		    tag.p[i + n + 1] == '"') {
			const char *from = tag.p + i + n + 2, *to = memchr(from, '"', (size_t)(tag.p + tag.n - from));
			return (struct str){ from, to ? (size_t)(to - from) : 0 };
		}
	return (struct str){ 0 };
}

static void put_decoded(struct texter *t, struct str s)
{
	for (size_t i = 0; i < s.n;)
		if (s.p[i] == '&')
			i += put_entity(t, s.p + i, s.p + s.n);
		else
			buf_char(t->out, s.p[i++]);
}

static void end_link(struct texter *t)
{
	struct str href = t->href;
	t->href = (struct str){ 0 };
	if (href.n == 0 || t->out->n == t->link_at)
		return;
	struct str label = { t->out->p + t->link_at, t->out->n - t->link_at };
	bool same = memmem(href.p, href.n, label.p, label.n) != NULL; /* mailto:x, tel:x, or the address itself */
	if (same)
		return;
	if (str_eq(href, t->last_href))
		return; /* twice in a row: the picture, then the name */
	t->last_href = href;
	buf_cstr(t->out, " (");
	put_decoded(t, href);
	buf_char(t->out, ')');
}

enum effect { EFFECT_NONE, EFFECT_LINE, EFFECT_PARAGRAPH, EFFECT_HIDE, EFFECT_SPACE, EFFECT_ITEM, EFFECT_LINK };

static enum effect effect_of(const char *name, size_t n)
{
	static const struct {
		const char *name;
		enum effect effect;
	} TAGS[] = { { "td", EFFECT_SPACE },        { "tr", EFFECT_LINE },      { "p", EFFECT_PARAGRAPH },
		         { "a", EFFECT_LINK },          { "div", EFFECT_LINE },     { "br", EFFECT_LINE },
		         { "table", EFFECT_PARAGRAPH }, { "li", EFFECT_ITEM },      { "h1", EFFECT_PARAGRAPH },
		         { "h2", EFFECT_PARAGRAPH },    { "h3", EFFECT_PARAGRAPH }, { "ul", EFFECT_PARAGRAPH },
		         { "ol", EFFECT_PARAGRAPH },    { "hr", EFFECT_PARAGRAPH }, { "blockquote", EFFECT_PARAGRAPH },
		         { "style", EFFECT_HIDE },      { "script", EFFECT_HIDE },  { "head", EFFECT_HIDE },
		         { "title", EFFECT_HIDE } };
	for (size_t i = 0; i < ARRAY_LEN(TAGS); i++)
		if (TAGS[i].name[0] == name[0] && strncmp(TAGS[i].name, name, n) == 0 && TAGS[i].name[n] == '\0')
			return TAGS[i].effect;
	return EFFECT_NONE;
}

static void on_tag(struct texter *t, struct str tag)
{
	bool closes = tag.n > 2 && tag.p[1] == '/';
	const char *name = tag.p + 1 + closes;
	size_t n = 0;
	while (name + n < tag.p + tag.n && ((name[n] >= 'a' && name[n] <= 'z') || (name[n] >= '0' && name[n] <= '9')))
		n++;
	switch (n ? effect_of(name, n) : EFFECT_NONE) {
	case EFFECT_NONE: return;
	case EFFECT_LINE: due(t, 1); return;
	case EFFECT_PARAGRAPH: due(t, 2); return;
	case EFFECT_HIDE: t->hidden += closes ? (t->hidden > 0 ? -1 : 0) : 1; return;
	case EFFECT_SPACE: t->space = true; return;
	case EFFECT_ITEM:
		due(t, 1);
		if (closes)
			return;
		put_due(t);
		buf_cstr(t->out, "- ");
		return;
	case EFFECT_LINK:
		if (closes) {
			end_link(t);
			return;
		}
		t->href = attribute(tag, "href");
		put_due(t);
		t->link_at = t->out->n;
		return;
	}
}

void html_to_text(struct str html, struct buf *out)
{
	struct texter t = { .out = out, .start = out->n };
	const char *p = html.p, *end = html.p + html.n;
	while (p < end && !out->full) {
		if (*p == '<') {
			const char *close;
			bool comment = end - p >= 4 && memcmp(p, "<!--", 4) == 0;
			close = comment ? memmem(p, (size_t)(end - p), "-->", 3) : memchr(p, '>', (size_t)(end - p));
			if (!close)
				break;
			close += comment ? 3 : 1;
			if (!comment)
				on_tag(&t, (struct str){ p, (size_t)(close - p) });
			p = close;
		} else if (t.hidden) {
			p++;
		} else if (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') {
			t.space = true;
			p++;
		} else if (*p == '&') {
			p += put_entity(&t, p, end);
		} else {
			const char *q = p + 1;
			while (q < end && *q != '<' && *q != '&' && *q != ' ' && *q != '\n' && *q != '\t' && *q != '\r')
				q++;
			put_due(&t);
			buf_add(out, p, (size_t)(q - p));
			p = q;
		}
	}
	if (out->n > t.start)
		buf_char(out, '\n');
}
