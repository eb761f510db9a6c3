/* The tags of a template, each read with what it holds. */
#include "outbox/liquid_parse.h"

#include <stdlib.h>

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
		lbody_add(body, LNODE_ASSIGN, tag->pos, true)->assign = a;
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
	bool ok = lparse_simple(ps, tag, &inner);
	c->block = lbody_finish(ps, &inner, false);
	if (ok)
		lbody_add(body, LNODE_CAPTURE, tag->pos, true)->capture = c;
	return ok;
}

static bool tag_ifchanged(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct body inner;
	bool ok = lparse_simple(ps, tag, &inner);
	struct lblock *block = arena_new(&ps->t->arena, struct lblock);
	*block = lbody_finish(ps, &inner, false);
	if (ok)
		lbody_add(body, LNODE_IFCHANGED, tag->pos, block->blank)->block = block;
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
		b->list[i].block = lbody_finish(ps, &b->bodies[i], blank);
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
		if (!lparse_inside(ps, tag, inner, &found))
			return false;
		*blank = *blank && b->bodies[at].blank;
		if (lparse_is_end_of(tag, &found))
			return true;
		if (!str_is(found.name, "else") && !str_is(found.name, "elsif"))
			return lparse_unexpected(ps, tag, &found);
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
		lbody_add(body, tag->name.n == 2 ? LNODE_IF : LNODE_UNLESS, tag->pos, blank)->branches = out;
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
	if (!lparse_inside(ps, tag, before, &found))
		return false;
	*blank = before->blank;
	while (!lparse_is_end_of(tag, &found)) {
		struct ltag head = found;
		bool is_else = str_is(head.name, "else");
		if (!is_else && !str_is(head.name, "when"))
			return lparse_unexpected(ps, tag, &found);
		if (is_else && !ltext_is_blank(head.markup))
			return lsyntax(ps->t, ps->err, head.pos, "else of a case takes nothing after it");
		struct body *inner = add_branch(b);
		size_t at = b->count - 1;
		if (!is_else && !parse_when(ps, &head, &b->list[at]))
			return false;
		if (!lparse_inside(ps, tag, inner, &found))
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
	lbody_finish(ps, &before, true);
	close_branches(ps, &b, blank, out);
	if (ok)
		lbody_add(body, LNODE_CASE, tag->pos, blank)->branches = out;
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
	bool ok = lparse_inside(ps, tag, &inner, &found);
	if (ok && str_is(found.name, "else"))
		ok = lparse_inside(ps, tag, &otherwise, &found);
	if (ok && !lparse_is_end_of(tag, &found))
		ok = lparse_unexpected(ps, tag, &found);
	bool blank = inner.blank && otherwise.blank;
	f->body = lbody_finish(ps, &inner, blank);
	f->otherwise = lbody_finish(ps, &otherwise, blank);
	if (ok)
		lbody_add(body, LNODE_FOR, tag->pos, blank)->loop = f;
	return ok;
}

static bool tag_tablerow(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lfor *f = arena_new(&ps->t->arena, struct lfor);
	if (!parse_for_head(ps, tag, f, true))
		return false;
	struct body inner;
	bool ok = lparse_simple(ps, tag, &inner);
	f->body = lbody_finish(ps, &inner, false);
	if (ok)
		lbody_add(body, LNODE_TABLEROW, tag->pos, f->body.blank)->loop = f;
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
	lbody_add(body, LNODE_CYCLE, tag->pos, false)->cycle = c;
	return true;
}

static bool tag_counter(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lcounter *c = arena_new(&ps->t->arena, struct lcounter);
	c->name = ltext_trimmed(tag->markup);
	lbody_add(body, tag->name.p[0] == 'i' ? LNODE_INCREMENT : LNODE_DECREMENT, tag->pos, false)->counter = c;
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
	lbody_add(body, isolated ? LNODE_RENDER : LNODE_INCLUDE, tag->pos, false)->partial = out;
	return true;
}

static bool tag_echo(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct lpipe pipe;
	if (!lparse_pipe(ps->t, tag->markup, &pipe, ps->err))
		return false;
	lbody_add(body, lparse_output_type(&pipe), tag->pos, false)->output = pipe;
	return true;
}

static bool tag_flow(struct parse *ps, struct body *body, struct ltag *tag)
{
	lbody_add(body, tag->name.p[0] == 'b' ? LNODE_BREAK : LNODE_CONTINUE, tag->pos, false);
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
			return lsyntax(ps->t, ps->err, lparse_pos(ps, p), "every line of a # comment begins with #");
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
	return lparse_never_closed(ps, tag);
}

static bool tag_comment(struct parse *ps, struct body *body, struct ltag *tag)
{
	struct str token;
	int open = 1;
	body->sealed = true;
	while (lcut_next(ps->tokens, &token)) {
		struct ltag inner;
		if (!lparse_read_tag(ps, token, &inner))
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
	return lparse_never_closed(ps, tag);
}

static bool tag_raw(struct parse *ps, struct body *body, struct ltag *tag)
{
	bool doc = str_is(tag->name, "doc");
	struct str token, name, before;
	const char *start = ps->tokens->p, *stop = NULL;
	if (!ltext_is_blank(tag->markup))
		return lsyntax(ps->t, ps->err, tag->pos, "%.*s takes nothing after it", STR_ARG(tag->name));
	while (!stop && lcut_next(ps->tokens, &token)) {
		if (!lcut_last_tag(token, &name, &before))
			continue;
		struct ltag found = { .name = name };
		if (doc && str_is(name, "doc"))
			return lsyntax(ps->t, ps->err, lparse_pos(ps, before.p + before.n), "doc does not nest");
		if (lparse_is_end_of(tag, &found))
			stop = before.p + before.n;
	}
	if (!stop)
		return lparse_never_closed(ps, tag);
	ps->trim = lcut_trims_after(token);
	struct str text = { start, (size_t)(stop - start) };
	if (doc)
		body->blank = body->blank && text.n == 0, body->sealed = true;
	else
		lbody_add(body, LNODE_RAW, tag->pos, text.n == 0)->text = text;
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
	enum stop stop = lparse_nodes(ps, body, &found);
	ps->tokens = before;
	ps->depth--;
	if (stop == STOP_TAG)
		return lparse_unexpected(ps, NULL, &found);
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

bool lparse_tag(struct parse *ps, struct body *body, struct ltag *tag, bool *known)
{
	*known = true;
	for (size_t i = 0; i < ARRAY_LEN(TAGS); i++)
		if (str_is(tag->name, TAGS[i].name))
			return TAGS[i].parse(ps, body, tag);
	*known = false;
	return true;
}
