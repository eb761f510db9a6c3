/* buf: bytes that grow, up to a maximum declared at birth.
 *
 * Appending past the maximum appends nothing and sets `full`, which the caller looks at once at the end: a buffer never
 * grows without bound. The content is always NUL-terminated (the NUL is not counted). */
#ifndef RELANCE_BASE_BUF_H
#define RELANCE_BASE_BUF_H

#include "base/check.h"
#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap, max;
	bool full; /* something did not fit */
};

void buf_init(struct buf *b, size_t max); /* allocates nothing yet */
void buf_release(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_cstr(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *buf_reserve(struct buf *b, size_t n); /* room for n more bytes, not counted yet (add to b->n); NULL when full */
void buf_json(struct buf *b, struct str s); /* a quoted JSON string; bytes that are not UTF-8 become U+FFFD */
void buf_csv(struct buf *b, struct str s);  /* a CSV field, quoted when needed (RFC 4180) */
void buf_html(struct buf *b, struct str s); /* & < > " ' as entities */

static inline struct str buf_view(const struct buf *b)
{
	return (struct str){ b->p ? b->p : "", b->n };
}

#endif
