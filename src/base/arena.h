/* arena: memory with one lifetime: a tick, a request, an import batch.
 *
 * Allocation never fails (out of memory aborts) and is zeroed; nothing is freed alone. arena_clear() keeps the largest
 * block for reuse. Not thread-safe: one arena, one thread. */
#ifndef RELANCE_BASE_ARENA_H
#define RELANCE_BASE_ARENA_H

#include "base/check.h"
#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used;  /* in head */
	size_t total; /* bytes handed out since the last clear */
};

void arena_init(struct arena *a);
void arena_clear(struct arena *a);
void arena_release(struct arena *a);

void *arena_alloc(struct arena *a, size_t bytes); /* zeroed, aligned to 16 */
void *arena_copy(struct arena *a, const void *p, size_t bytes);
char *arena_cstr(struct arena *a, struct str s); /* NUL-terminated copy */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3); /* also NUL-terminated */

#define arena_new(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc((a), sizeof(type) * (count)))

/* malloc family that aborts when memory is out; for long-lived columns. Release with free(). */
void *mem_alloc(size_t bytes); /* zeroed */
void *mem_realloc(void *p, size_t bytes);

/* Grows array `p` (of `*cap` elements of `size`) so that it holds at least `need`; doubling. Returns the new pointer.
 */
void *mem_grow(void *p, size_t *cap, size_t need, size_t size);

#endif
