/* liquid_parse: what the two halves of the parser share: liquid_parse.c reads text, outputs and the ends of blocks,
 * liquid_tags.c the tags. */
#ifndef RELANCE_OUTBOX_LIQUID_PARSE_H
#define RELANCE_OUTBOX_LIQUID_PARSE_H

#include "outbox/liquid_cut.h"

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

static inline bool ltext_is_blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!lis_space(s.p[i]))
			return false;
	return true;
}

static inline struct str ltext_trimmed(struct str s)
{
	while (s.n && lis_space(s.p[0]))
		s.p++, s.n--;
	while (s.n && lis_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static inline uint32_t lparse_pos(const struct parse *ps, const char *p)
{
	return (uint32_t)(p - ps->t->source.p);
}

static inline bool lparse_read_tag(const struct parse *ps, struct str token, struct ltag *tag)
{
	tag->pos = lparse_pos(ps, token.p);
	return lcut_tag(ps->tokens, token, tag);
}

static inline enum lnode_type lparse_output_type(const struct lpipe *p)
{
	return p->expr && p->expr->slot && !p->filter_count ? LNODE_PATH : LNODE_OUTPUT;
}

struct lnode *lbody_add(struct body *b, enum lnode_type type, uint32_t pos, bool blank);
/* The body's nodes as a block in the template's arena; the body is empty then. */
struct lblock lbody_finish(struct parse *ps, struct body *b, bool drop_text);

/* These set the error and are false. inside NULL: no block is open. */
bool lparse_never_closed(struct parse *ps, const struct ltag *tag);
bool lparse_unexpected(struct parse *ps, const struct ltag *inside, const struct ltag *found);
bool lparse_is_end_of(const struct ltag *tag, const struct ltag *found);

/* Nodes up to the end of the tokens, or to a tag that is none (*tag): an end, else, when. */
enum stop lparse_nodes(struct parse *ps, struct body *body, struct ltag *tag);
/* Nodes up to the end of `tag` (*found is it) or to a tag that its caller may know (else, when). */
bool lparse_inside(struct parse *ps, const struct ltag *tag, struct body *body, struct ltag *found);
/* A block with one body and no other branch. */
bool lparse_simple(struct parse *ps, const struct ltag *tag, struct body *body);
/* One tag, with what it holds. *known false: there is none of the name. */
bool lparse_tag(struct parse *ps, struct body *body, struct ltag *tag, bool *known);

#endif
