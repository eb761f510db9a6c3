/* Template source → blocks of nodes. A block tag reads tokens until its end tag.
 *
 * A block that can print nothing but white space prints nothing: its text nodes are dropped (`blank`). */
#include "outbox/liquid_parse.h"

#include <stdlib.h>

/* ---- bodies ---- */

struct lnode *lbody_add(struct body *b, enum lnode_type type, uint32_t pos, bool blank)
{
	b->nodes = mem_grow(b->nodes, &b->cap, b->count + 1, sizeof *b->nodes);
	struct lnode *n = &b->nodes[b->count++];
	*n = (struct lnode){ .type = type, .pos = pos };
	b->sealed = false;
	b->blank = b->blank && blank;
	return n;
}

struct lblock lbody_finish(struct parse *ps, struct body *b, bool drop_text)
{
	size_t kept = 0;
	for (size_t i = 0; i < b->count; i++) {
		bool text = b->nodes[i].type == LNODE_TEXT;
		if (text && (drop_text || b->nodes[i].text.n == 0))
			continue;
		b->nodes[kept++] = b->nodes[i];
	}
	struct lblock block = { arena_copy(&ps->t->arena, b->nodes, kept * sizeof *b->nodes), (uint32_t)kept, b->blank };
	free(b->nodes);
	*b = (struct body){ 0 };
	return block;
}

bool lparse_never_closed(struct parse *ps, const struct ltag *tag)
{
	return lsyntax(ps->t, ps->err, tag->pos, "\"%.*s\" is never closed: {%% end%.*s %%} is missing", STR_ARG(tag->name),
	               STR_ARG(tag->name));
}

bool lparse_unexpected(struct parse *ps, const struct ltag *inside, const struct ltag *found)
{
	static const char *const NAMES[] = { "assign", "break",     "capture",   "case",    "comment",   "continue",
		                                 "cycle",  "decrement", "doc",       "echo",    "else",      "elsif",
		                                 "for",    "if",        "ifchanged", "include", "increment", "liquid",
		                                 "raw",    "render",    "tablerow",  "unless",  "when" };
	struct str name = found->name;
	if (name.n > 60)
		name.n = 60;
	if (inside && str_starts(name, STR("end")))
		return lsyntax(ps->t, ps->err, found->pos, "\"%.*s\" does not close \"%.*s\": {%% end%.*s %%} comes first",
		               STR_ARG(name), STR_ARG(inside->name), STR_ARG(inside->name));
	if (str_is(name, "else") || str_is(name, "elsif") || str_is(name, "when") || str_starts(name, STR("end")))
		return lsyntax(ps->t, ps->err, found->pos, "\"%.*s\" has nothing to belong to here", STR_ARG(name));
	const char *near = str_nearest(name, NAMES, ARRAY_LEN(NAMES), 2);
	return lsyntax(ps->t, ps->err, found->pos, "no tag \"%.*s\"%s%s%s", STR_ARG(name), near ? "; did you mean \"" : "",
	               near ? near : "", near ? "\"?" : "");
}

bool lparse_is_end_of(const struct ltag *tag, const struct ltag *found)
{
	return found->name.n == tag->name.n + 3 && memcmp(found->name.p, "end", 3) == 0 &&
	       memcmp(found->name.p + 3, tag->name.p, tag->name.n) == 0;
}

/* Reads nodes up to the end of `tag` (*found is it) or to a tag that its caller may know (else, when). */
bool lparse_inside(struct parse *ps, const struct ltag *tag, struct body *body, struct ltag *found)
{
	if (ps->depth == LIQUID_NESTING_MAX)
		return lsyntax(ps->t, ps->err, tag->pos, "blocks nested more than %d deep", LIQUID_NESTING_MAX);
	ps->depth++;
	enum stop stop = lparse_nodes(ps, body, found);
	ps->depth--;
	if (stop == STOP_EOF)
		return lparse_never_closed(ps, tag);
	return stop == STOP_TAG;
}

/* A block with one body and no other branch. */
bool lparse_simple(struct parse *ps, const struct ltag *tag, struct body *body)
{
	struct ltag found;
	*body = (struct body){ .blank = true };
	if (!lparse_inside(ps, tag, body, &found))
		return false;
	return lparse_is_end_of(tag, &found) || lparse_unexpected(ps, tag, &found);
}

/* ---- nodes ---- */

static void trim_before(struct parse *ps, struct body *body, struct str token)
{
	if (token.n > 2 && token.p[2] == '-' && body->count && !body->sealed &&
	    body->nodes[body->count - 1].type == LNODE_TEXT) {
		struct str *text = &body->nodes[body->count - 1].text;
		while (text->n && lis_space(text->p[text->n - 1]))
			text->n--;
	}
	ps->trim = lcut_trims_after(token);
}

static bool parse_output(struct parse *ps, struct body *body, struct str token)
{
	if (token.n < 4 || token.p[token.n - 1] != '}' || token.p[token.n - 2] != '}')
		return lsyntax(ps->t, ps->err, lparse_pos(ps, token.p), "\"{{\" is never closed: \"}}\" is missing");
	const char *p = token.p + 2, *end = token.p + token.n - 2;
	if (p < end && *p == '-')
		p++;
	if (p < end && end[-1] == '-')
		end--;
	struct lpipe pipe;
	if (!lparse_pipe(ps->t, (struct str){ p, (size_t)(end - p) }, &pipe, ps->err))
		return false;
	lbody_add(body, lparse_output_type(&pipe), lparse_pos(ps, token.p), false)->output = pipe;
	return true;
}

static void parse_text(struct parse *ps, struct body *body, struct str token)
{
	bool blank = ltext_is_blank(token);
	if (ps->trim)
		while (token.n && lis_space(token.p[0]))
			token.p++, token.n--;
	ps->trim = false;
	lbody_add(body, LNODE_TEXT, lparse_pos(ps, token.p), blank)->text = token;
}

enum stop lparse_nodes(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct str token;
	while (lcut_next(ps->tokens, &token)) {
		bool lines = ps->tokens->lines;
		bool is_tag = lines || (token.n >= 2 && token.p[0] == '{' && token.p[1] == '%');
		bool is_output = !is_tag && token.n >= 2 && token.p[0] == '{' && token.p[1] == '{';
		if (lines && ltext_is_blank(token))
			continue;
		if (!lines && (is_tag || is_output))
			trim_before(ps, body, token);
		if (is_output) {
			if (!parse_output(ps, body, token))
				return STOP_ERROR;
		} else if (!is_tag) {
			parse_text(ps, body, token);
		} else {
			if (!lines && !lcut_is_tag(token)) {
				lsyntax(ps->t, ps->err, lparse_pos(ps, token.p), "\"{%%\" is never closed: \"%%}\" is missing");
				return STOP_ERROR;
			}
			bool known;
			if (!lparse_read_tag(ps, token, tag)) {
				lsyntax(ps->t, ps->err, lparse_pos(ps, token.p), "a tag begins with its name");
				return STOP_ERROR;
			}
			if (!lparse_tag(ps, body, tag, &known))
				return STOP_ERROR;
			if (!known)
				return STOP_TAG;
		}
	}
	return STOP_EOF;
}

struct liquid_template *liquid_parse(const char *name, struct str source, struct err *err)
{
	if (source.n > LIQUID_SOURCE_MAX) {
		err_set(err, ERR_LIMIT, "%s:1:1: the template is larger than %d MiB", name, LIQUID_SOURCE_MAX >> 20);
		return NULL;
	}
	struct liquid_template *t = mem_alloc(sizeof *t);
	arena_init(&t->arena);
	t->name = arena_cstr(&t->arena, str_from(name));
	char *copy = arena_alloc(&t->arena, source.n + LSOURCE_SLACK);
	memcpy(copy, source.p, source.n);
	t->source = (struct str){ copy, source.n };
	t->slots = lobject_new(&t->arena, 16);
	struct ltokens tokens = { t->source.p, t->source.p + source.n, false };
	struct parse ps = { .t = t, .err = err, .tokens = &tokens };
	struct body body = { .blank = true };
	struct ltag found;
	enum stop stop = lparse_nodes(&ps, &body, &found);
	if (stop == STOP_TAG)
		lparse_unexpected(&ps, NULL, &found);
	t->root = lbody_finish(&ps, &body, false);
	if (stop == STOP_EOF)
		return t;
	liquid_template_free(t);
	return NULL;
}

void liquid_template_free(struct liquid_template *t)
{
	if (!t)
		return;
	arena_release(&t->arena);
	free(t);
}
