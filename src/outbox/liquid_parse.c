/* Template source → blocks of nodes. A block tag reads tokens until its end tag.
 *
 * A block that can print nothing but white space prints nothing: its text nodes are dropped (`blank`). */
#include "outbox/liquid_cut.h"

#include <stdlib.h>

struct body {
	struct lnode *nodes;
	size_t count, cap;
	bool blank;
	bool sealed; /* a tag that leaves no node came last: a "-" after it does not reach the text before it */
};

struct parse {
	struct liquid_template *t;
	struct err *err;
	struct ltokens *tokens;
	bool trim; /* white space at the start of the next text */
	int depth;
};

enum stop { STOP_ERROR, STOP_EOF, STOP_TAG };

static enum stop parse_nodes(struct parse *ps, struct body *body, struct ltag *tag);

static bool is_blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!lis_space(s.p[i]))
			return false;
	return true;
}

static struct str trimmed(struct str s)
{
	while (s.n && lis_space(s.p[0]))
		s.p++, s.n--;
	while (s.n && lis_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static uint32_t pos_of(const struct parse *ps, const char *p)
{
	return (uint32_t)(p - ps->t->source.p);
}

static bool read_tag(const struct parse *ps, struct str token, struct ltag *tag)
{
	tag->pos = pos_of(ps, token.p);
	return lcut_tag(ps->tokens, token, tag);
}

/* ---- bodies ---- */

static struct lnode *add_node(struct body *b, enum lnode_type type, uint32_t pos, bool blank)
{
	b->nodes = mem_grow(b->nodes, &b->cap, b->count + 1, sizeof *b->nodes);
	struct lnode *n = &b->nodes[b->count++];
	*n = (struct lnode){ .type = type, .pos = pos };
	b->sealed = false;
	b->blank = b->blank && blank;
	return n;
}

static struct lblock finish(struct parse *ps, struct body *b, bool drop_text)
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

static bool never_closed(struct parse *ps, const struct ltag *tag)
{
	return lsyntax(ps->t, ps->err, tag->pos, "\"%.*s\" is never closed: {%% end%.*s %%} is missing", STR_ARG(tag->name),
	               STR_ARG(tag->name));
}

static bool unexpected(struct parse *ps, const struct ltag *inside, const struct ltag *found)
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

static bool is_end_of(const struct ltag *tag, const struct ltag *found)
{
	return found->name.n == tag->name.n + 3 && memcmp(found->name.p, "end", 3) == 0 &&
	       memcmp(found->name.p + 3, tag->name.p, tag->name.n) == 0;
}

/* Reads nodes up to the end of `tag` (*found is it) or to a tag that its caller may know (else, when). */
static bool parse_inside(struct parse *ps, const struct ltag *tag, struct body *body, struct ltag *found)
{
	if (ps->depth == LIQUID_NESTING_MAX)
		return lsyntax(ps->t, ps->err, tag->pos, "blocks nested more than %d deep", LIQUID_NESTING_MAX);
	ps->depth++;
	enum stop stop = parse_nodes(ps, body, found);
	ps->depth--;
	if (stop == STOP_EOF)
		return never_closed(ps, tag);
	return stop == STOP_TAG;
}

/* A block with one body and no other branch. */
static bool parse_simple(struct parse *ps, const struct ltag *tag, struct body *body)
{
	struct ltag found;
	*body = (struct body){ .blank = true };
	if (!parse_inside(ps, tag, body, &found))
		return false;
	return is_end_of(tag, &found) || unexpected(ps, tag, &found);
}

/* ---- tags ---- */

static bool is_signature(char c)
{
	return lis_word(c) || c == '-' || c == '.' || c == '[' || c == ']';
}

static struct str next_signature(struct str s, size_t *from)
{
	size_t i = *from;
	while (i < s.n && !is_signature(s.p[i]))
		i++;
	size_t start = i;
	while (i < s.n && is_signature(s.p[i]))
		i++;
	*from = i;
	return (struct str){ s.p + start, i - start };
}

static bool tag_assign(struct parse *ps, struct body *body, struct ltag *tag)
{
	size_t at = 0;
	for (;;) {
		struct str name = next_signature(tag->markup, &at);
		if (!name.n)
			return lsyntax(ps->t, ps->err, tag->pos, "assign is written {%% assign name = value %%}");
		size_t i = at;
		while (i < tag->markup.n && lis_space(tag->markup.p[i]))
			i++;
		if (i == tag->markup.n || tag->markup.p[i] != '=')
			continue;
		struct lassign *a = arena_new(&ps->t->arena, struct lassign);
		a->name = name;
		a->hash = lkey_hash(name);
		struct str value = { tag->markup.p + i + 1, tag->markup.n - i - 1 };
		if (!lparse_pipe(ps->t, value, &a->value, ps->err))
			return false;
		add_node(body, LNODE_ASSIGN, tag->pos, true)->assign = a;
		return true;
	}
}

static bool tag_capture(struct parse *ps, struct body *body, struct ltag *tag)
{
	size_t at = 0;
	struct lcapture *c = arena_new(&ps->t->arena, struct lcapture);
	c->name = next_signature(tag->markup, &at);
	if (!c->name.n)
		return lsyntax(ps->t, ps->err, tag->pos, "capture is written {%% capture name %%} … {%% endcapture %%}");
	c->hash = lkey_hash(c->name);
	struct body inner;
	bool ok = parse_simple(ps, tag, &inner);
	c->block = finish(ps, &inner, false);
	if (ok)
		add_node(body, LNODE_CAPTURE, tag->pos, true)->capture = c;
	return ok;
}

static bool tag_ifchanged(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct body inner;
	bool ok = parse_simple(ps, tag, &inner);
	struct lblock *block = arena_new(&ps->t->arena, struct lblock);
	*block = finish(ps, &inner, false);
	if (ok)
		add_node(body, LNODE_IFCHANGED, tag->pos, block->blank)->block = block;
	return ok;
}

struct branch_list {
	struct lbranch *list;
	struct body *bodies;
	size_t count, cap, bodies_cap;
};

static struct body *add_branch(struct branch_list *b)
{
	b->list = mem_grow(b->list, &b->cap, b->count + 1, sizeof *b->list);
	b->bodies = mem_grow(b->bodies, &b->bodies_cap, b->count + 1, sizeof *b->bodies);
	b->list[b->count] = (struct lbranch){ 0 };
	b->bodies[b->count] = (struct body){ .blank = true };
	return &b->bodies[b->count++];
}

static void close_branches(struct parse *ps, struct branch_list *b, bool blank, struct lbranches *out)
{
	for (size_t i = 0; i < b->count; i++)
		b->list[i].block = finish(ps, &b->bodies[i], blank);
	out->list = arena_copy(&ps->t->arena, b->list, b->count * sizeof *b->list);
	out->count = (uint32_t)b->count;
	free(b->list);
	free(b->bodies);
}

static bool parse_if(struct parse *ps, struct ltag *tag, struct branch_list *b, bool *blank)
{
	struct ltag head = *tag, found;
	for (;;) {
		struct body *inner = add_branch(b);
		if (!str_is(head.name, "else") &&
		    !lparse_condition(ps->t, head.markup, &b->list[b->count - 1].condition, ps->err))
			return false;
		size_t at = b->count - 1;
		if (!parse_inside(ps, tag, inner, &found))
			return false;
		*blank = *blank && b->bodies[at].blank;
		if (is_end_of(tag, &found))
			return true;
		if (!str_is(found.name, "else") && !str_is(found.name, "elsif"))
			return unexpected(ps, tag, &found);
		head = found;
	}
}

static bool tag_if(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct branch_list b = { 0 };
	struct lbranches *out = arena_new(&ps->t->arena, struct lbranches);
	bool blank = true;
	bool ok = parse_if(ps, tag, &b, &blank);
	close_branches(ps, &b, blank, out);
	if (ok)
		add_node(body, tag->name.n == 2 ? LNODE_IF : LNODE_UNLESS, tag->pos, blank)->branches = out;
	return ok;
}

static bool parse_when(struct parse *ps, const struct ltag *tag, struct lbranch *branch)
{
	struct lparser p;
	const struct lexpr *list[LIQUID_NESTING_MAX];
	if (!lparser_init(&p, ps->t, tag->markup, ps->err))
		return false;
	do {
		if (branch->when_count == LIQUID_NESTING_MAX)
			return lsyntax(ps->t, ps->err, tag->pos, "more than %d values in one when", LIQUID_NESTING_MAX);
		if (!(list[branch->when_count++] = lparse_expr(&p, true)))
			return false;
		while (lpeek(&p)->type != LTOK_END && lpeek(&p)->type != LTOK_COMMA && !lis_id(lpeek(&p), "or"))
			p.at++;
	} while (lpeek(&p)->type != LTOK_END && p.tokens[++p.at].type != LTOK_END);
	branch->when = arena_copy(&ps->t->arena, list, branch->when_count * sizeof *list);
	return true;
}

static bool parse_case(struct parse *ps, struct ltag *tag, struct branch_list *b, struct body *before, bool *blank)
{
	struct ltag found;
	if (!parse_inside(ps, tag, before, &found))
		return false;
	*blank = before->blank;
	while (!is_end_of(tag, &found)) {
		struct ltag head = found;
		bool is_else = str_is(head.name, "else");
		if (!is_else && !str_is(head.name, "when"))
			return unexpected(ps, tag, &found);
		if (is_else && !is_blank(head.markup))
			return lsyntax(ps->t, ps->err, head.pos, "else of a case takes nothing after it");
		struct body *inner = add_branch(b);
		size_t at = b->count - 1;
		if (!is_else && !parse_when(ps, &head, &b->list[at]))
			return false;
		if (!parse_inside(ps, tag, inner, &found))
			return false;
		*blank = *blank && b->bodies[at].blank;
	}
	return true;
}

static bool tag_case(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lparser p;
	struct lbranches *out = arena_new(&ps->t->arena, struct lbranches);
	if (!lparser_init(&p, ps->t, tag->markup, ps->err) || !(out->subject = lparse_expr(&p, false)))
		return false;
	struct branch_list b = { 0 };
	struct body before = { .blank = true };
	bool blank = true;
	bool ok = parse_case(ps, tag, &b, &before, &blank);
	finish(ps, &before, true);
	close_branches(ps, &b, blank, out);
	if (ok)
		add_node(body, LNODE_CASE, tag->pos, blank)->branches = out;
	return ok;
}

static bool for_attribute(struct parse *ps, struct lparser *p, struct lfor *f, bool table)
{
	struct ltoken *key = lpeek(p);
	if (key->type != LTOK_ID || p->tokens[p->at + 1].type != LTOK_COLON) {
		p->at++; /* a comma, or words the reference ignores too */
		return true;
	}
	p->at += 2;
	if (lis_id(key, "offset") && !table && lis_id(lpeek(p), "continue")) {
		p->at++;
		f->has_offset = f->offset_continue = true;
		return true;
	}
	const struct lexpr *e = lparse_expr(p, false);
	if (!e)
		return false;
	if (lis_id(key, "limit"))
		f->limit = e, f->has_limit = true;
	else if (lis_id(key, "offset"))
		f->offset = e, f->has_offset = true, f->offset_continue = false;
	else if (lis_id(key, "cols"))
		f->cols = e, f->has_cols = true;
	else if (!table)
		return lsyntax(ps->t, ps->err, key->pos, "a for loop knows limit and offset, not \"%.*s\"",
		               (int)(key->text.n > 40 ? 40 : key->text.n), key->text.p);
	return true;
}

/* "i-(1..3)": the loop's name, with the collection as it is written but for white space. */
static struct str loop_name(struct parse *ps, struct lparser *p, size_t from)
{
	struct buf b;
	buf_init(&b, LIQUID_SOURCE_MAX);
	buf_str(&b, p->tokens[0].text);
	buf_char(&b, '-');
	for (size_t i = from; i < p->at; i++) {
		struct str text = p->tokens[i].text;
		if (p->tokens[i].type == LTOK_STRING) {
			text.p--;
			text.n += 2;
		}
		buf_str(&b, text);
	}
	struct str name = arena_str(&ps->t->arena, buf_view(&b));
	buf_release(&b);
	return name;
}

static bool parse_for_head(struct parse *ps, const struct ltag *tag, struct lfor *f, bool table)
{
	struct lparser p;
	if (!lparser_init(&p, ps->t, tag->markup, ps->err))
		return false;
	if (lpeek(&p)->type != LTOK_ID || !lis_id(&p.tokens[1], "in"))
		return lsyntax(ps->t, ps->err, tag->pos, "%.*s is written {%% %.*s item in list %%}", STR_ARG(tag->name),
		               STR_ARG(tag->name));
	f->variable = p.tokens[0].text;
	f->hash = lkey_hash(f->variable);
	p.at = 2;
	if (!(f->collection = lparse_expr(&p, false)))
		return false;
	f->name = loop_name(ps, &p, 2);
	if (!table && lis_id(lpeek(&p), "reversed")) {
		f->reversed = true;
		p.at++;
	}
	while (lpeek(&p)->type != LTOK_END)
		if (!for_attribute(ps, &p, f, table))
			return false;
	return true;
}

static bool tag_for(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lfor *f = arena_new(&ps->t->arena, struct lfor);
	if (!parse_for_head(ps, tag, f, false))
		return false;
	struct body inner = { .blank = true }, otherwise = { .blank = true };
	struct ltag found;
	bool ok = parse_inside(ps, tag, &inner, &found);
	if (ok && str_is(found.name, "else"))
		ok = parse_inside(ps, tag, &otherwise, &found);
	if (ok && !is_end_of(tag, &found))
		ok = unexpected(ps, tag, &found);
	bool blank = inner.blank && otherwise.blank;
	f->body = finish(ps, &inner, blank);
	f->otherwise = finish(ps, &otherwise, blank);
	if (ok)
		add_node(body, LNODE_FOR, tag->pos, blank)->loop = f;
	return ok;
}

static bool tag_tablerow(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lfor *f = arena_new(&ps->t->arena, struct lfor);
	if (!parse_for_head(ps, tag, f, true))
		return false;
	struct body inner;
	bool ok = parse_simple(ps, tag, &inner);
	f->body = finish(ps, &inner, false);
	if (ok)
		add_node(body, LNODE_TABLEROW, tag->pos, f->body.blank)->loop = f;
	return ok;
}

static void cycle_key(struct parse *ps, struct lcycle *c, uint32_t pos)
{
	struct buf b;
	buf_init(&b, LIQUID_SOURCE_MAX);
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->items[i]->type == LEXPR_LITERAL) {
			linspect_add(&b, c->items[i]->literal, 0);
			buf_char(&b, ',');
		} else {
			buf_printf(&b, "@%u", pos); /* the reference, too, tells such cycles apart by their place */
		}
	}
	c->key = arena_str(&ps->t->arena, buf_view(&b));
	buf_release(&b);
}

static bool tag_cycle(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lparser p;
	const struct lexpr *items[LIQUID_NESTING_MAX];
	struct lcycle *c = arena_new(&ps->t->arena, struct lcycle);
	if (!lparser_init(&p, ps->t, tag->markup, ps->err))
		return false;
	if (lpeek(&p)->type == LTOK_END)
		return lsyntax(ps->t, ps->err, tag->pos, "cycle is written {%% cycle 'one', 'two' %%}");
	while (lpeek(&p)->type != LTOK_END) {
		if (lpeek(&p)->type == LTOK_COMMA) {
			p.at++;
			continue;
		}
		const struct lexpr *e = lparse_expr(&p, false);
		if (!e)
			return false;
		if (lpeek(&p)->type == LTOK_COLON && !c->group && c->count == 0) {
			c->group = e;
			p.at++;
			continue;
		}
		if (c->count == LIQUID_NESTING_MAX)
			return lsyntax(ps->t, ps->err, tag->pos, "more than %d values in one cycle", LIQUID_NESTING_MAX);
		bool nothing = e->type == LEXPR_LITERAL && e->literal.type == LVAL_NIL; /* left out, as by the reference */
		if (!nothing)
			items[c->count++] = e;
		while (lpeek(&p)->type != LTOK_END && lpeek(&p)->type != LTOK_COMMA)
			p.at++;
	}
	c->items = arena_copy(&ps->t->arena, items, c->count * sizeof *items);
	if (!c->group)
		cycle_key(ps, c, tag->pos);
	add_node(body, LNODE_CYCLE, tag->pos, false)->cycle = c;
	return true;
}

static bool tag_counter(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lcounter *c = arena_new(&ps->t->arena, struct lcounter);
	c->name = trimmed(tag->markup);
	add_node(body, tag->name.p[0] == 'i' ? LNODE_INCREMENT : LNODE_DECREMENT, tag->pos, false)->counter = c;
	return true;
}

static bool tag_partial(struct parse *ps, struct body *body, struct ltag *tag)
{
	bool isolated = str_is(tag->name, "render");
	struct lparser p;
	struct lkwarg args[LIQUID_NESTING_MAX];
	struct lpartial *out = arena_new(&ps->t->arena, struct lpartial);
	if (!lparser_init(&p, ps->t, tag->markup, ps->err))
		return false;
	if (isolated && lpeek(&p)->type != LTOK_STRING)
		return lsyntax(ps->t, ps->err, lpeek(&p)->pos, "render needs the partial's name in quotes");
	if (!(out->name = lparse_expr(&p, false)))
		return false;
	while (lpeek(&p)->type != LTOK_END) {
		struct ltoken *key = lpeek(&p), *next = key->type == LTOK_END ? key : key + 1;
		p.at++;
		if (key->type != LTOK_ID)
			continue;
		if (next->type == LTOK_COLON) {
			p.at++;
			if (out->arg_count == LIQUID_NESTING_MAX)
				return lsyntax(ps->t, ps->err, key->pos, "more than %d arguments", LIQUID_NESTING_MAX);
			args[out->arg_count].name = key->text;
			if (!(args[out->arg_count++].value = lparse_expr(&p, false)))
				return false;
		} else if (!out->with && (lis_id(key, "with") || lis_id(key, "for"))) {
			out->each = key->text.n == 3;
			const struct lexpr *with = lparse_expr(&p, false);
			if (!with)
				return false;
			bool nothing = with->type == LEXPR_LITERAL && !lval_truthy(with->literal);
			out->with = nothing ? NULL : with; /* `with false` is none, for the reference */
		} else if (lis_id(key, "as") && next->type == LTOK_ID) {
			out->alias = next->text;
			p.at++;
		}
	}
	out->args = arena_copy(&ps->t->arena, args, out->arg_count * sizeof *args);
	add_node(body, isolated ? LNODE_RENDER : LNODE_INCLUDE, tag->pos, false)->partial = out;
	return true;
}

static enum lnode_type output_type(const struct lpipe *p)
{
	return p->expr && p->expr->slot && !p->filter_count ? LNODE_PATH : LNODE_OUTPUT;
}

static bool tag_echo(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lpipe pipe;
	if (!lparse_pipe(ps->t, tag->markup, &pipe, ps->err))
		return false;
	add_node(body, output_type(&pipe), tag->pos, false)->output = pipe;
	return true;
}

static bool tag_flow(struct parse *ps, struct body *body, struct ltag *tag)
{
	add_node(body, tag->name.p[0] == 'b' ? LNODE_BREAK : LNODE_CONTINUE, tag->pos, false);
	return true;
}

static bool tag_inline_comment(struct parse *ps, struct body *body, struct ltag *tag)
{
	const char *p = tag->markup.p, *end = p + tag->markup.n;
	body->sealed = true;
	while ((p = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL)) {
		while (p < end && lis_space(*p))
			p++;
		if (p < end && *p != '#')
			return lsyntax(ps->t, ps->err, pos_of(ps, p), "every line of a # comment begins with #");
	}
	return true;
}

/* ---- what is not parsed inside: comment, raw, doc ---- */

static bool skip_raw(struct parse *ps, const struct ltag *tag)
{
	struct str token, name, before;
	while (lcut_next(ps->tokens, &token))
		if (lcut_last_tag(token, &name, &before) && str_is(name, "endraw"))
			return true;
	return never_closed(ps, tag);
}

static bool tag_comment(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct str token;
	int open = 1;
	body->sealed = true;
	while (lcut_next(ps->tokens, &token)) {
		struct ltag inner;
		if (!read_tag(ps, token, &inner))
			continue;
		if (str_is(inner.name, "raw") && !skip_raw(ps, &inner))
			return false;
		if (str_is(inner.name, "comment"))
			open++;
		else if (str_is(inner.name, "endcomment") && --open == 0) {
			if (!ps->tokens->lines)
				ps->trim = lcut_trims_after(token);
			return true;
		}
	}
	return never_closed(ps, tag);
}

static bool tag_raw(struct parse *ps, struct body *body, struct ltag *tag)
{
	bool doc = str_is(tag->name, "doc");
	struct str token, name, before;
	const char *start = ps->tokens->p, *stop = NULL;
	if (!is_blank(tag->markup))
		return lsyntax(ps->t, ps->err, tag->pos, "%.*s takes nothing after it", STR_ARG(tag->name));
	while (!stop && lcut_next(ps->tokens, &token)) {
		if (!lcut_last_tag(token, &name, &before))
			continue;
		struct ltag found = { .name = name };
		if (doc && str_is(name, "doc"))
			return lsyntax(ps->t, ps->err, pos_of(ps, before.p + before.n), "doc does not nest");
		if (is_end_of(tag, &found))
			stop = before.p + before.n;
	}
	if (!stop)
		return never_closed(ps, tag);
	ps->trim = lcut_trims_after(token);
	struct str text = { start, (size_t)(stop - start) };
	if (doc)
		body->blank = body->blank && text.n == 0, body->sealed = true;
	else
		add_node(body, LNODE_RAW, tag->pos, text.n == 0)->text = text;
	return true;
}

static bool tag_liquid(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct ltokens lines = { tag->markup.p, tag->markup.p + tag->markup.n, true };
	struct ltokens *before = ps->tokens;
	struct ltag found;
	if (ps->depth == LIQUID_NESTING_MAX)
		return lsyntax(ps->t, ps->err, tag->pos, "blocks nested more than %d deep", LIQUID_NESTING_MAX);
	ps->depth++;
	ps->tokens = &lines;
	enum stop stop = parse_nodes(ps, body, &found);
	ps->tokens = before;
	ps->depth--;
	if (stop == STOP_TAG)
		return unexpected(ps, NULL, &found);
	return stop == STOP_EOF;
}

static const struct {
	const char *name;
	bool (*parse)(struct parse *ps, struct body *body, struct ltag *tag);
} TAGS[] = {
	{ "if", tag_if },
	{ "unless", tag_if },
	{ "for", tag_for },
	{ "assign", tag_assign },
	{ "capture", tag_capture },
	{ "case", tag_case },
	{ "comment", tag_comment },
	{ "#", tag_inline_comment },
	{ "cycle", tag_cycle },
	{ "render", tag_partial },
	{ "include", tag_partial },
	{ "increment", tag_counter },
	{ "decrement", tag_counter },
	{ "echo", tag_echo },
	{ "break", tag_flow },
	{ "continue", tag_flow },
	{ "ifchanged", tag_ifchanged },
	{ "raw", tag_raw },
	{ "doc", tag_raw },
	{ "tablerow", tag_tablerow },
	{ "liquid", tag_liquid },
};

static bool parse_tag(struct parse *ps, struct body *body, struct ltag *tag, bool *known)
{
	*known = true;
	for (size_t i = 0; i < ARRAY_LEN(TAGS); i++)
		if (str_is(tag->name, TAGS[i].name))
			return TAGS[i].parse(ps, body, tag);
	*known = false;
	return true;
}

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
		return lsyntax(ps->t, ps->err, pos_of(ps, token.p), "\"{{\" is never closed: \"}}\" is missing");
	const char *p = token.p + 2, *end = token.p + token.n - 2;
	if (p < end && *p == '-')
		p++;
	if (p < end && end[-1] == '-')
		end--;
	struct lpipe pipe;
	if (!lparse_pipe(ps->t, (struct str){ p, (size_t)(end - p) }, &pipe, ps->err))
		return false;
	add_node(body, output_type(&pipe), pos_of(ps, token.p), false)->output = pipe;
	return true;
}

static void parse_text(struct parse *ps, struct body *body, struct str token)
{
	bool blank = is_blank(token);
	if (ps->trim)
		while (token.n && lis_space(token.p[0]))
			token.p++, token.n--;
	ps->trim = false;
	add_node(body, LNODE_TEXT, pos_of(ps, token.p), blank)->text = token;
}

static enum stop parse_nodes(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct str token;
	while (lcut_next(ps->tokens, &token)) {
		bool lines = ps->tokens->lines;
		bool is_tag = lines || (token.n >= 2 && token.p[0] == '{' && token.p[1] == '%');
		bool is_output = !is_tag && token.n >= 2 && token.p[0] == '{' && token.p[1] == '{';
		if (lines && is_blank(token))
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
				lsyntax(ps->t, ps->err, pos_of(ps, token.p), "\"{%%\" is never closed: \"%%}\" is missing");
				return STOP_ERROR;
			}
			bool known;
			if (!read_tag(ps, token, tag)) {
				lsyntax(ps->t, ps->err, pos_of(ps, token.p), "a tag begins with its name");
				return STOP_ERROR;
			}
			if (!parse_tag(ps, body, tag, &known))
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
	enum stop stop = parse_nodes(&ps, &body, &found);
	if (stop == STOP_TAG)
		unexpected(&ps, NULL, &found);
	t->root = finish(&ps, &body, false);
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
