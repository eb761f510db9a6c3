/* Method: the file's tree (plan_file_yaml.c) is walked beside the form; where they differ, an edit of the bytes of that
 * value is noted. Lists written as lines are cut into segments, each item with the comments above it, so that items may
 * come, go and change places. Edits are applied in one pass; everything between them is the old file. */
#include "engine/plan_form.h"

#include "engine/plan_file_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { EDITS_MAX = 1024, FORM_ITEMS_MAX = 512 };

struct edit {
	size_t from, to;
	struct str text;
};

struct writer {
	struct str text;
	struct arena *arena;
	struct edit *edits;
	size_t count;
	bool too_many;
};

/* ---- reading ---- */

static const struct node *tree(struct str file, struct str text, struct arena *a, struct plan_issues *issues)
{
	struct reader *r = arena_new(a, struct reader);
	*r = (struct reader){ .arena = a, .issues = issues, .file = file, .text = text };
	return node_read(r);
}

static json_t *form_of(const struct node *n)
{
	json_t *out = NULL;
	switch (n->kind) {
	case NODE_SCALAR: return json_stringn(n->text.p ? n->text.p : "", n->text.n);
	case NODE_LIST:
		out = json_array();
		for (const struct node *c = n->first; c; c = c->next)
			json_array_append_new(out, form_of(c));
		return out;
	case NODE_MAP:
		out = json_object();
		for (const struct node *k = n->first; k && k->next; k = k->next->next)
			if (k->kind == NODE_SCALAR)
				json_object_setn_new(out, k->text.p ? k->text.p : "", k->text.n, form_of(k->next));
		return out;
	case NODE_BAD: break;
	}
	return json_string("");
}

json_t *plan_form_read(struct str file, struct str text, struct arena *a, struct plan_issues *issues)
{
	const struct node *root = tree(file, text, a, issues);
	return root ? form_of(root) : NULL;
}

/* ---- values as text ---- */

static bool scalar(const json_t *v)
{
	return json_is_string(v) || json_is_integer(v) || json_is_boolean(v) || json_is_real(v);
}

static struct str text_of(const json_t *v, struct arena *a)
{
	if (json_is_string(v))
		return (struct str){ json_string_value(v), json_string_length(v) };
	if (json_is_integer(v))
		return arena_printf(a, "%lld", (long long)json_integer_value(v));
	if (json_is_real(v))
		return arena_printf(a, "%.10g", json_real_value(v));
	return json_is_true(v) ? STR("yes") : STR("no");
}

/* Whether a text can stand without quotes. */
static bool plain(struct str s, bool flow)
{
	bool dash = s.n > 1 && s.p[0] == '-' && s.p[1] != ' ';
	if (s.n == 0 || s.p[0] == ' ' || s.p[s.n - 1] == ' ' || (!dash && strchr("-?:,[]{}#&*!|>'\"%@`~", s.p[0])))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || c == 0x7f || (c == ':' && (i + 1 == s.n || s.p[i + 1] == ' ')) ||
		    (c == '#' && s.p[i - 1] == ' ') || (flow && strchr(",[]{}", c)))
			return false;
	}
	return true;
}

static void put_scalar(struct buf *b, struct str s, bool flow, bool quoted)
{
	if (!quoted && plain(s, flow)) {
		buf_str(b, s);
		return;
	}
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_cstr(b, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else
			buf_char(b, (char)c);
	}
	buf_char(b, '"');
}

/* On one line, with brackets. */
static void put_flow(struct buf *b, const json_t *v, struct arena *a, bool flow)
{
	const char *name;
	const json_t *item;
	size_t i, n = 0;
	if (json_is_object(v)) {
		buf_char(b, '{');
		json_object_foreach((json_t *)v, name, item)
		{
			if (json_is_null(item))
				continue;
			buf_cstr(b, n++ ? ", " : "");
			put_scalar(b, str_from(name), true, false);
			buf_cstr(b, ": ");
			put_flow(b, item, a, true);
		}
		buf_char(b, '}');
	} else if (json_is_array(v)) {
		buf_char(b, '[');
		json_array_foreach(v, i, item)
		{
			buf_cstr(b, i ? ", " : "");
			put_flow(b, item, a, true);
		}
		buf_char(b, ']');
	} else {
		put_scalar(b, text_of(v, a), flow, false);
	}
}

static struct str flow_text(const json_t *v, struct arena *a, bool flow)
{
	struct buf b;
	buf_init(&b, PLAN_FILE_MAX);
	put_flow(&b, v, a, flow);
	struct str s = arena_str(a, buf_view(&b));
	buf_release(&b);
	return s;
}

/* ---- comparing ---- */

static const struct node *pair_of(const struct node *map, struct str key)
{
	for (const struct node *k = map->first; k && k->next; k = k->next->next)
		if (k->kind == NODE_SCALAR && str_eq(k->text, key))
			return k;
	return NULL;
}

static size_t said(const json_t *object)
{
	const char *name;
	json_t *v;
	size_t n = 0;
	json_object_foreach((json_t *)object, name, v) n += !json_is_null(v);
	return n;
}

static bool same(const struct node *n, const json_t *v, struct arena *a)
{
	if (n->kind == NODE_SCALAR)
		return scalar(v) && str_eq(n->text, text_of(v, a));
	if (n->kind == NODE_LIST) {
		size_t i = 0;
		bool ok = json_is_array(v) && json_array_size(v) == n->count;
		for (const struct node *c = n->first; ok && c; c = c->next)
			ok = same(c, json_array_get(v, i++), a);
		return ok;
	}
	if (n->kind != NODE_MAP || !json_is_object(v) || said(v) != n->count)
		return false;
	for (const struct node *k = n->first; k && k->next; k = k->next->next) {
		const json_t *other =
			k->kind == NODE_SCALAR ? json_object_getn(v, k->text.p ? k->text.p : "", k->text.n) : NULL;
		if (!other || !same(k->next, other, a))
			return false;
	}
	return true;
}

/* ---- edits ---- */

static void edit(struct writer *w, size_t from, size_t to, struct str text)
{
	if (w->count == EDITS_MAX)
		w->too_many = true;
	else
		w->edits[w->count++] = (struct edit){ from, to, text };
}

static int edit_order(const void *x, const void *y)
{
	const struct edit *a = x, *b = y;
	return a->from != b->from ? (a->from < b->from ? -1 : 1) : (a->to > b->to) - (a->to < b->to);
}

/* The bytes from … to of the file with the edits in them. */
static void apply(struct writer *w, size_t from, size_t to, struct buf *out)
{
	size_t at = from;
	qsort(w->edits, w->count, sizeof *w->edits, edit_order);
	for (size_t i = 0; i < w->count; i++) {
		const struct edit *e = &w->edits[i];
		if (e->from < at || e->to > to)
			continue;
		buf_add(out, w->text.p + at, e->from - at);
		buf_str(out, e->text);
		at = e->to;
	}
	buf_add(out, w->text.p + at, to - at);
}

static size_t line_start(struct str s, size_t at)
{
	while (at && s.p[at - 1] != '\n')
		at--;
	return at;
}

/* After the line break of the line of `at`; the end of the file when it has none. */
static size_t line_end(struct str s, size_t at)
{
	while (at < s.n && s.p[at] != '\n')
		at++;
	return at < s.n ? at + 1 : at;
}

static bool blanks(struct str s, size_t from, size_t to)
{
	while (from < to && s.p[from] == ' ')
		from++;
	return from == to;
}

static void collect(struct writer *w, const struct node *n, const json_t *v, bool flow);

/* ---- maps ---- */

static void pair_remove(struct writer *w, const struct node *map, const struct node *k)
{
	const struct node *v = k->next, *next = v->next, *before = NULL;
	for (const struct node *p = map->first; p != k; p = p->next->next)
		before = p;
	size_t start = line_start(w->text, k->offset);
	if (!map->flow && blanks(w->text, start, k->offset))
		edit(w, start, line_end(w->text, v->end), STR(""));
	else if (next)
		edit(w, k->offset, next->offset, STR(""));
	else
		edit(w, before ? before->next->end : k->offset, v->end, STR(""));
}

/* Where new keys of a map go: after its last one; in the plan itself before the steps. */
static const struct node *pair_last(const struct node *map, const json_t *v)
{
	const struct node *last = NULL;
	for (const struct node *k = map->first; k && k->next; k = k->next->next) {
		if (!map->flow && last && str_is(k->text, "steps"))
			break;
		if (map->flow && !json_object_getn(v, k->text.p ? k->text.p : "", k->text.n))
			continue;
		last = k;
	}
	return last;
}

static void pairs_add(struct writer *w, const struct node *map, const json_t *v)
{
	const struct node *last = pair_last(map, v);
	struct str all = STR("");
	const char *name;
	json_t *item;
	size_t indent = last ? last->offset - line_start(w->text, last->offset) : 0;
	size_t at = !last ? map->offset + 1 : map->flow ? last->next->end : line_end(w->text, last->next->end);
	bool ended = map->flow || at == 0 || w->text.p[at - 1] == '\n';
	json_object_foreach((json_t *)v, name, item)
	{
		if (json_is_null(item) || pair_of(map, str_from(name)))
			continue;
		struct str value = flow_text(item, w->arena, map->flow);
		if (map->flow)
			all =
				arena_printf(w->arena, "%.*s%s%s: %.*s", STR_ARG(all), last || all.n ? ", " : "", name, STR_ARG(value));
		else
			all = arena_printf(w->arena, "%.*s%s%*s%s: %.*s\n", STR_ARG(all), ended || all.n ? "" : "\n", (int)indent,
			                   "", name, STR_ARG(value));
	}
	if (all.n)
		edit(w, at, at, all);
}

static void collect_map(struct writer *w, const struct node *map, const json_t *v)
{
	size_t kept = 0;
	for (const struct node *k = map->first; k && k->next; k = k->next->next) {
		const json_t *other =
			k->kind == NODE_SCALAR ? json_object_getn(v, k->text.p ? k->text.p : "", k->text.n) : NULL;
		kept += other && !json_is_null(other);
	}
	if (kept == 0) {
		edit(w, map->offset, map->end, flow_text(v, w->arena, map->flow));
		return;
	}
	for (const struct node *k = map->first; k && k->next; k = k->next->next) {
		const json_t *other =
			k->kind == NODE_SCALAR ? json_object_getn(v, k->text.p ? k->text.p : "", k->text.n) : NULL;
		if (!other || json_is_null(other))
			pair_remove(w, map, k);
		else if (k->next->kind == NODE_SCALAR && k->next->offset == k->next->end && !same(k->next, other, w->arena))
			edit(w, k->next->offset, k->next->end,
			     arena_printf(w->arena, " %.*s", STR_ARG(flow_text(other, w->arena, map->flow)))); /* "key:" alone */
		else
			collect(w, k->next, other, map->flow);
	}
	pairs_add(w, map, v);
}

/* ---- lists ---- */

/* What a step is known by when something else in it was changed. */
static bool known_by(const struct node *n, const json_t *v, const char *key, struct arena *a)
{
	const struct node *k = n->kind == NODE_MAP ? pair_of(n, str_from(key)) : NULL;
	const json_t *other = json_object_get(v, key);
	return k && other && same(k->next, other, a);
}

/* old[j]: the item of the file that item j of the form was; −1: a new one. */
static void match(struct writer *w, const struct node *const *items, size_t n, const json_t *v, int *old)
{
	static const char *const KEYS[] = { "name", "send", "notify", "tag", "untag" };
	bool used[FORM_ITEMS_MAX] = { false };
	size_t m = json_array_size(v);
	for (size_t j = 0; j < m; j++)
		old[j] = -1;
	for (int pass = -1; pass <= (int)ARRAY_LEN(KEYS); pass++)
		for (size_t j = 0; j < m; j++)
			for (size_t i = 0; old[j] < 0 && i < n; i++) {
				const json_t *item = json_array_get(v, j);
				bool fits = pass < 0                      ? same(items[i], item, w->arena)
				            : pass < (int)ARRAY_LEN(KEYS) ? known_by(items[i], item, KEYS[pass], w->arena)
				                                          : i == j && n == m;
				if (!used[i] && fits) {
					old[j] = (int)i;
					used[i] = true;
				}
			}
}

static size_t segment_end(struct writer *w, const struct node *item)
{
	return line_end(w->text, item->end);
}

/* The comments and empty lines above the first item belong to it. */
static size_t first_segment(struct writer *w, const struct node *item)
{
	size_t at = line_start(w->text, item->offset);
	while (at) {
		size_t above = line_start(w->text, at - 1), i = above;
		while (i < at && (w->text.p[i] == ' ' || w->text.p[i] == '\n'))
			i++;
		if (i < at && w->text.p[i] != '#')
			break;
		at = above;
	}
	return at;
}

static void put_segment(struct writer *w, const struct node *item, size_t from, const json_t *v, struct buf *out)
{
	struct writer one = { .text = w->text, .arena = w->arena, .edits = arena_array(w->arena, struct edit, EDITS_MAX) };
	collect(&one, item, v, false);
	w->too_many |= one.too_many;
	apply(&one, from, segment_end(w, item), out);
	if (out->n && out->p[out->n - 1] != '\n')
		buf_char(out, '\n');
}

static void collect_lines(struct writer *w, const struct node *list, const json_t *v)
{
	const struct node *items[FORM_ITEMS_MAX];
	int old[FORM_ITEMS_MAX];
	size_t n = 0, m = json_array_size(v);
	bool in_place = list->count == m;
	for (const struct node *c = list->first; c; c = c->next)
		items[n++] = c;
	match(w, items, n, v, old);
	for (size_t j = 0; j < m; j++)
		in_place &= old[j] == (int)j;
	for (size_t j = 0; in_place && j < m; j++)
		collect(w, items[j], json_array_get(v, j), false);
	if (in_place)
		return;
	struct buf out;
	buf_init(&out, PLAN_FILE_MAX);
	size_t begin = first_segment(w, items[0]), dash = items[0]->offset;
	while (dash > begin && w->text.p[dash] != '-')
		dash--;
	int indent = (int)(dash - line_start(w->text, dash));
	for (size_t j = 0; j < m; j++) {
		size_t i = old[j] < 0 ? 0 : (size_t)old[j];
		if (old[j] < 0)
			buf_printf(&out, "%*s- %.*s\n", indent, "", STR_ARG(flow_text(json_array_get(v, j), w->arena, false)));
		else
			put_segment(w, items[i], i ? segment_end(w, items[i - 1]) : begin, json_array_get(v, j), &out);
	}
	edit(w, begin, segment_end(w, items[n - 1]), arena_str(w->arena, buf_view(&out)));
	buf_release(&out);
}

static void collect(struct writer *w, const struct node *n, const json_t *v, bool flow)
{
	if (same(n, v, w->arena))
		return;
	flow |= n->flow;
	if (n->kind == NODE_MAP && json_is_object(v) && n->count) {
		collect_map(w, n, v);
	} else if (n->kind == NODE_LIST && json_is_array(v) && !n->flow && n->count && n->count <= FORM_ITEMS_MAX &&
	           json_array_size(v) && json_array_size(v) <= FORM_ITEMS_MAX) {
		collect_lines(w, n, v);
	} else if (n->kind == NODE_SCALAR && scalar(v)) {
		struct buf b;
		buf_init(&b, PLAN_FILE_MAX);
		put_scalar(&b, text_of(v, w->arena), flow, n->style == STYLE_DOUBLE || n->style == STYLE_SINGLE);
		edit(w, n->offset, n->end, arena_str(w->arena, buf_view(&b)));
		buf_release(&b);
	} else {
		edit(w, n->offset, n->end, flow_text(v, w->arena, flow));
	}
}

/* ---- writing ---- */

static bool form_fits(const json_t *v, int depth)
{
	const char *name;
	json_t *item;
	size_t i;
	bool ok = depth < PLAN_NESTING_MAX;
	if (json_is_object(v)) {
		json_object_foreach((json_t *)v, name, item) ok = ok && name[0] && form_fits(item, depth + 1);
		return ok;
	}
	if (!json_is_array(v))
		return ok && (scalar(v) || json_is_null(v));
	json_array_foreach(v, i, item) ok = ok && !json_is_null(item) && form_fits(item, depth + 1);
	return ok;
}

bool plan_form_write(struct str text, const json_t *form, struct arena *a, struct buf *out, struct err *err)
{
	struct plan_issues *issues = arena_new(a, struct plan_issues);
	struct writer w = { .text = text, .arena = a, .edits = arena_array(a, struct edit, EDITS_MAX) };
	if (!json_is_object(form) || !form_fits(form, 0))
		return err_set(err, ERR_INPUT, "\"form\" is the plan as keys and texts, as GET gives it");
	const struct node *root = tree(STR("plan"), text, a, issues);
	if (!root || root->kind != NODE_MAP)
		return err_set(err, ERR_INPUT, "the file is no YAML of keys and values: mend it as text first");
	collect(&w, root, form, false);
	apply(&w, 0, text.n, out);
	if (w.too_many || out->full)
		return err_set(err, ERR_LIMIT, "the plan would be larger than %d KiB", PLAN_FILE_MAX >> 10);
	const struct node *again = tree(STR("plan"), arena_str(a, buf_view(out)), a, issues);
	if (!again || !same(again, form, a))
		return err_set(err, ERR_INPUT, "this change cannot be written into the file as it stands: edit it as text");
	return true;
}
