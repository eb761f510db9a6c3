/* str: a view of bytes that somebody else owns. Not NUL-terminated; n bytes, usually UTF-8. Compared byte by byte. */
#ifndef RELANCE_BASE_STR_H
#define RELANCE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_ARG(s)   (int)(s).n, (s).p /* for "%.*s" */

static inline struct str str_from(const char *c)
{
	return (struct str){ c, c ? strlen(c) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *c)
{
	return str_eq(a, str_from(c));
}

int str_cmp(struct str a, struct str b);        /* byte order, shorter first: <0, 0, >0 */
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s);        /* ASCII white space and U+00A0, both ends */
bool str_i64(struct str s, int64_t *out); /* all of s a decimal integer, within int64; else false */
bool str_f64(struct str s, double *out);  /* all of s a finite decimal number, '.' as point; else false */
size_t str_utf8_valid(struct str s);      /* length of the longest prefix that is valid UTF-8 */

/* The candidate nearest to s by edit distance (at most limit), or NULL: for "did you mean". */
const char *str_nearest(struct str s, const char *const *candidates, size_t count, int limit);

#endif
