/* liquid_cut: a template's source cut into text, {{ output }} and {% tag %} tokens, as the reference cuts it: a tag
 * ends at the first "%}", whatever its quotes say. For liquid_parse alone. */
#ifndef RELANCE_OUTBOX_LIQUID_CUT_H
#define RELANCE_OUTBOX_LIQUID_CUT_H

#include "outbox/liquid_int.h"

struct ltokens { /* of a document, or of the lines of a {% liquid %} tag */
	const char *p, *end;
	bool lines;
};

struct ltag {
	struct str name, markup;
	uint32_t pos;
};

static inline bool lis_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool lis_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool lcut_next(struct ltokens *t, struct str *token); /* false at the end; "{%" or "{{" alone: never terminated */
bool lcut_is_tag(struct str token);
bool lcut_tag(const struct ltokens *t, struct str token, struct ltag *tag); /* pos is left alone; false: no name */
bool lcut_trims_after(struct str token);                                    /* ends in "-%}" or "-}}" */
/* The last "{% name" in a token that ends with "%}", as raw and doc look for their end: *before is what precedes it. */
bool lcut_last_tag(struct str token, struct str *name, struct str *before);

#endif
