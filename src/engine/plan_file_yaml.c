/* libyaml's events → nodes with byte offsets. The input is checked as UTF-8 first and fed without its BOM; libyaml
 * counts characters, so a cursor that only moves forward turns its indices into bytes. Anchors, aliases and tags are
 * refused: no plan needs them, and they are how a small file becomes a huge one. */
#include "engine/plan_file_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

struct place place_of(struct str text, size_t offset)
{
	struct place p = { 1, 1 };
	if (offset > text.n)
		offset = text.n;
	size_t i = str_starts(text, STR("\xEF\xBB\xBF")) ? 3 : 0;
	for (; i < offset; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '\n') {
			p.line++;
			p.column = 1;
		} else if ((c & 0xC0) != 0x80) {
			p.column++;
		}
	}
	return p;
}

static void issue_vput(struct plan_issues *issues, struct arena *a, enum issue_level level, struct str file,
                       struct place at, const char *fmt, va_list args)
{
	if (level == ISSUE_ERROR)
		issues->errors++;
	if (issues->count == PLAN_ISSUES_MAX) {
		issues->dropped++;
		return;
	}
	char text[1024];
	if (issues->french) {
		va_list parts; /* a va_list that is a parameter has no address to pass on */
		va_copy(parts, args);
		plan_french(text, sizeof text, fmt, &parts);
		va_end(parts);
	} else {
		vsnprintf(text, sizeof text, fmt, args);
	}
	size_t n = str_utf8_valid(str_from(text)); /* a value cut in the middle of a character */
	for (size_t i = 0; i < n; i++)             /* one line, whatever was written between quotes */
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	issues->items[issues->count++] =
		(struct plan_issue){ level, file, at.line, at.column, arena_str(a, (struct str){ text, n }) };
}

void issue_at(struct reader *r, size_t offset, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	issue_vput(r->issues, r->arena, ISSUE_ERROR, r->file, place_of(r->text, offset), fmt, args);
	va_end(args);
}

void issue_put(struct plan_issues *issues, struct arena *a, enum issue_level level, struct str file, uint32_t line,
               uint32_t column, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	issue_vput(issues, a, level, file, (struct place){ line, column }, fmt, args);
	va_end(args);
}

struct tree {
	struct reader *r;
	yaml_parser_t parser;
	size_t base;               /* 3 when there is a BOM */
	size_t characters, offset; /* the cursor */
	bool failed, alias_told, tag_told;
};

static size_t tree_offset(struct tree *t, yaml_mark_t mark)
{
	struct str text = t->r->text;
	if (mark.index < t->characters) { /* never with libyaml's order of events; safe all the same */
		t->characters = 0;
		t->offset = t->base;
	}
	while (t->characters < mark.index && t->offset < text.n) {
		t->offset++;
		while (t->offset < text.n && ((unsigned char)text.p[t->offset] & 0xC0) == 0x80)
			t->offset++;
		t->characters++;
	}
	return t->offset;
}

static void tree_syntax(struct tree *t)
{
	const yaml_parser_t *p = &t->parser;
	const char *problem = p->problem ? p->problem : "cannot be read";
	const char *hint = "";
	size_t at = tree_offset(t, p->problem_mark);
	struct str text = t->r->text;
	if (at < text.n && text.p[at] == '\t')
		hint = ": indent with spaces, not with tabs";
	else if (strstr(problem, "mapping values are not allowed"))
		hint = ": put a text that contains \": \" between quotes";
	else if (strstr(problem, "cannot start any token"))
		hint = ": put a text that begins with this sign between quotes";
	else if (strstr(problem, "expected ',' or"))
		hint = ": a comma or a closing bracket is missing, or the text before must stand between quotes";
	else if (strstr(problem, "did not find expected") || strstr(problem, "could not find expected"))
		hint = ": look at the indentation, and for a missing \":\", quote or bracket";
	issue_at(t->r, at, "this is not YAML (%s)%s", problem, hint);
	t->failed = true;
}

static bool tree_next(struct tree *t, yaml_event_t *event)
{
	if (!yaml_parser_parse(&t->parser, event)) {
		tree_syntax(t);
		return false;
	}
	return true;
}

static void tree_refuse(struct tree *t, size_t at, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor && !t->alias_told) {
		issue_at(t->r, at, "anchors (&name) and aliases (*name) are refused in a plan: write the value out");
		t->alias_told = true;
	}
	if (tag && !t->tag_told) {
		issue_at(t->r, at, "tags (!name) are refused in a plan: write the value alone");
		t->tag_told = true;
	}
}

static struct node *node_new(struct tree *t, enum node_kind kind, const yaml_event_t *e)
{
	if (++t->r->nodes > PLAN_NODES_MAX) {
		issue_at(t->r, tree_offset(t, e->start_mark), "too many values: at most %d in a plan", PLAN_NODES_MAX);
		t->failed = true;
		return NULL;
	}
	struct node *n = arena_new(t->r->arena, struct node);
	n->kind = kind;
	n->offset = tree_offset(t, e->start_mark);
	n->end = n->offset;
	return n;
}

static struct node *tree_node(struct tree *t, yaml_event_t *e, int depth);

static void tree_children(struct tree *t, struct node *parent, int depth)
{
	struct node **link = &parent->first;
	yaml_event_type_t end = parent->kind == NODE_LIST ? YAML_SEQUENCE_END_EVENT : YAML_MAPPING_END_EVENT;
	size_t children = 0;
	while (!t->failed) {
		yaml_event_t e;
		if (!tree_next(t, &e))
			return;
		if (e.type == end) {
			if (parent->flow)
				parent->end = tree_offset(t, e.end_mark);
			yaml_event_delete(&e);
			break;
		}
		struct node *child = tree_node(t, &e, depth + 1);
		yaml_event_delete(&e);
		if (!child)
			return;
		*link = child;
		link = &child->next;
		if (!parent->flow) /* libyaml ends a block at the next token, past the comments */
			parent->end = child->end;
		children++;
	}
	parent->count = parent->kind == NODE_MAP ? children / 2 : children;
}

static struct node *tree_scalar(struct tree *t, const yaml_event_t *e)
{
	struct node *n = node_new(t, NODE_SCALAR, e);
	if (!n)
		return NULL;
	tree_refuse(t, n->offset, e->data.scalar.anchor, e->data.scalar.tag);
	n->text = arena_str(t->r->arena, (struct str){ (const char *)e->data.scalar.value, e->data.scalar.length });
	switch (e->data.scalar.style) {
	case YAML_ANY_SCALAR_STYLE:
	case YAML_PLAIN_SCALAR_STYLE: n->style = STYLE_PLAIN; break;
	case YAML_SINGLE_QUOTED_SCALAR_STYLE: n->style = STYLE_SINGLE; break;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE: n->style = STYLE_DOUBLE; break;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE: n->style = STYLE_BLOCK; break;
	}
	n->end = tree_offset(t, e->end_mark);
	return n;
}

static struct node *tree_collection(struct tree *t, const yaml_event_t *e, int depth)
{
	bool list = e->type == YAML_SEQUENCE_START_EVENT;
	struct node *n = node_new(t, list ? NODE_LIST : NODE_MAP, e);
	if (!n)
		return NULL;
	if (depth >= PLAN_NESTING_MAX) {
		issue_at(t->r, n->offset, "nested too deep: at most %d levels", PLAN_NESTING_MAX);
		t->failed = true;
		return NULL;
	}
	tree_refuse(t, n->offset, list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor,
	            list ? e->data.sequence_start.tag : e->data.mapping_start.tag);
	n->flow = list ? e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
	               : e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	tree_children(t, n, depth);
	return t->failed ? NULL : n;
}

/* At most PLAN_NESTING_MAX deep. */
static struct node *tree_node(struct tree *t, yaml_event_t *e, int depth)
{
	if (e->type == YAML_SCALAR_EVENT)
		return tree_scalar(t, e);
	if (e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT)
		return tree_collection(t, e, depth);
	struct node *n = node_new(t, NODE_BAD, e);
	if (n && e->type == YAML_ALIAS_EVENT)
		tree_refuse(t, n->offset, e->data.alias.anchor, NULL);
	return n;
}

static const struct node *tree_document(struct tree *t)
{
	struct node *root = NULL;
	bool more = true;
	while (more && !t->failed) {
		yaml_event_t e;
		if (!tree_next(t, &e))
			break;
		more = e.type != YAML_STREAM_END_EVENT;
		if (e.type == YAML_DOCUMENT_START_EVENT && root) {
			issue_at(t->r, tree_offset(t, e.start_mark), "a second document (\"---\"): one plan a file");
			t->failed = true;
		} else if (e.type == YAML_SCALAR_EVENT || e.type == YAML_SEQUENCE_START_EVENT ||
		           e.type == YAML_MAPPING_START_EVENT || e.type == YAML_ALIAS_EVENT) {
			root = tree_node(t, &e, 0);
		}
		yaml_event_delete(&e);
	}
	return t->failed ? NULL : root;
}

static bool text_is_clean(struct reader *r)
{
	if (r->text.n > PLAN_FILE_MAX) {
		issue_at(r, 0, "the file has %zu bytes: a plan has at most %d", r->text.n, PLAN_FILE_MAX);
		return false;
	}
	size_t valid = str_utf8_valid(r->text);
	if (valid < r->text.n) {
		issue_at(r, valid, "this byte is not UTF-8: save the file as UTF-8");
		return false;
	}
	const char *nul = r->text.n ? memchr(r->text.p, 0, r->text.n) : NULL;
	if (nul) {
		issue_at(r, (size_t)(nul - r->text.p), "a NUL byte: this is not a text file");
		return false;
	}
	return true;
}

const struct node *node_read(struct reader *r)
{
	if (!text_is_clean(r))
		return NULL;
	struct tree t = { .r = r };
	t.base = str_starts(r->text, STR("\xEF\xBB\xBF")) ? 3 : 0;
	t.offset = t.base;
	check(yaml_parser_initialize(&t.parser)); /* fails only when memory is out */
	yaml_parser_set_encoding(&t.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&t.parser, (const unsigned char *)r->text.p + t.base, r->text.n - t.base);
	const struct node *root = tree_document(&t);
	yaml_parser_delete(&t.parser);
	if (!root && !t.failed)
		issue_at(r, 0, "the file is empty: a plan begins with \"plan: its-name\"");
	return root;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Length of the escape at p[0] == '\\' in a double-quoted scalar; *nothing when it stands for no character. */
static size_t escape_length(struct str s, bool *nothing)
{
	size_t n = 2;
	*nothing = false;
	if (s.n > 1 && s.p[1] == 'x')
		n = 4;
	else if (s.n > 1 && s.p[1] == 'u')
		n = 6;
	else if (s.n > 1 && s.p[1] == 'U')
		n = 10;
	else if (s.n > 1 && (s.p[1] == '\n' || s.p[1] == '\r')) {
		*nothing = true;
		while (n < s.n && blank(s.p[n]))
			n++;
	}
	return n < s.n ? n : s.n;
}

static size_t content_start(const struct reader *r, const struct node *n)
{
	size_t s = n->offset;
	if (n->style == STYLE_SINGLE || n->style == STYLE_DOUBLE)
		return s + 1;
	if (n->style == STYLE_BLOCK) {
		while (s < n->end && r->text.p[s] != '\n')
			s++;
		while (s < n->end && blank(r->text.p[s]))
			s++;
	}
	return s;
}

size_t node_offset(const struct reader *r, const struct node *n, size_t k)
{
	size_t s = content_start(r, n), end = n->end < r->text.n ? n->end : r->text.n;
	if (k > n->text.n)
		k = n->text.n;
	for (size_t i = 0; i < k && s < end; i++) {
		char c = n->text.p[i], f = r->text.p[s];
		if (n->style == STYLE_DOUBLE && f == '\\') {
			bool nothing;
			size_t length = escape_length((struct str){ r->text.p + s, end - s }, &nothing);
			s += length;
			if (nothing)
				i--; /* the value's byte is still to come */
			else
				while (i + 1 < k && ((unsigned char)n->text.p[i + 1] & 0xC0) == 0x80)
					i++;
		} else if ((c == ' ' || c == '\n') && blank(f)) {
			bool line = false;
			size_t e = s;
			for (; e < end && blank(r->text.p[e]); e++)
				line |= r->text.p[e] == '\n';
			s = line ? e : s + 1; /* a folded line end is one blank in the value */
		} else if (n->style == STYLE_SINGLE && f == '\'') {
			s += 2;
		} else if (c == f) {
			s++;
		}
	}
	return s < end ? s : end;
}
