/* jtree: one JSON value (RFC 8259) as a tree, for bodies read by the hundred thousand a second.
 *
 * Strict: valid UTF-8, no control characters in strings, no NUL, integers within 64 bits, at most JTREE_DEPTH_MAX
 * levels. Strings without an escape point into the text, which has to live as long as the tree; everything else is in
 * the arena. Of a member named twice the last one holds. */
#ifndef RELANCE_BASE_JTREE_H
#define RELANCE_BASE_JTREE_H

#include "base/arena.h"

enum { JTREE_DEPTH_MAX = 256 };

enum jtype { J_NULL, J_FALSE, J_TRUE, J_INTEGER, J_REAL, J_STRING, J_ARRAY, J_OBJECT };

struct jnode {
	enum jtype type;
	struct str key;  /* in an object */
	struct str text; /* of a string; of anything else: as written */
	int64_t integer;
	size_t count; /* elements, members */
	struct jnode *first, *next;
};

/* Reads the value at the beginning of *text and moves *text behind it. NULL: it is none, and *text begins where that
 * shows. */
struct jnode *jtree_read(struct str *text, struct arena *a);

/* The member, NULL when there is none, or when o is no object. */
const struct jnode *jtree_get(const struct jnode *o, const char *name);

#endif
