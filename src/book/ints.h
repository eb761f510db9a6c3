/* ints: a column of whole numbers, each as many bytes wide as the widest of the column needs: 1, 2, 4 or 8. So the
 * usual quantity takes one byte and an amount four, and any int64 is kept exactly. Written once, by ints_narrow. */
#ifndef RELANCE_BOOK_INTS_H
#define RELANCE_BOOK_INTS_H

#include <stddef.h>
#include <stdint.h>

struct ints {
	const void *p; /* somebody else's memory */
	uint32_t width;
};

static inline int64_t ints_at(struct ints c, size_t i)
{
	if (c.width == 2)
		return ((const int16_t *)c.p)[i];
	if (c.width == 1)
		return ((const int8_t *)c.p)[i];
	if (c.width == 4)
		return ((const int32_t *)c.p)[i];
	return ((const int64_t *)c.p)[i];
}

/* The numbers from … from + n − 1, into out. */
void ints_read(struct ints c, size_t from, size_t n, int64_t *out);

/* How wide a column of these has to be. */
uint32_t ints_width(const int64_t *v, size_t n);

/* `to` has room for n × width bytes; every number fits. */
void ints_narrow(const int64_t *v, size_t n, uint32_t width, void *to);

#endif
