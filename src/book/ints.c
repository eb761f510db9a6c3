#include "book/ints.h"

#include <string.h>

/* One loop a width, which the compiler makes wide moves of. */
#define READ(type)                                                                                                     \
	for (size_t i = 0; i < n; i++)                                                                                     \
	out[i] = ((const type *)c.p)[from + i]
#define WRITE(type)                                                                                                    \
	for (size_t i = 0; i < n; i++)                                                                                     \
	((type *)to)[i] = (type)v[i]

void ints_read(struct ints c, size_t from, size_t n, int64_t *out)
{
	if (c.width == 1)
		READ(int8_t);
	else if (c.width == 2)
		READ(int16_t);
	else if (c.width == 4)
		READ(int32_t);
	else if (n)
		memcpy(out, (const int64_t *)c.p + from, n * sizeof *out);
}

uint32_t ints_width(const int64_t *v, size_t n)
{
	int64_t low = 0, high = 0;
	for (size_t i = 0; i < n; i++) {
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	if (low >= INT8_MIN && high <= INT8_MAX)
		return 1;
	if (low >= INT16_MIN && high <= INT16_MAX)
		return 2;
	return low >= INT32_MIN && high <= INT32_MAX ? 4 : 8;
}

void ints_narrow(const int64_t *v, size_t n, uint32_t width, void *to)
{
	if (width == 1)
		WRITE(int8_t);
	else if (width == 2)
		WRITE(int16_t);
	else if (width == 4)
		WRITE(int32_t);
	else if (n)
		memcpy(to, v, n * sizeof *v);
}
