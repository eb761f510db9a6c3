#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_BLOCK_MIN = 64 * 1024, ARENA_ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(ARENA_ALIGN) char data[];
};

void *mem_alloc(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);
	if (!p) {
		fputs("relance: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_realloc(void *p, size_t bytes)
{
	p = realloc(p, bytes ? bytes : 1);
	if (!p) {
		fputs("relance: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return p;
	size_t n = *cap ? *cap : 16;
	while (n < need)
		n *= 2;
	check(n <= SIZE_MAX / size);
	p = mem_realloc(p, n * size);
	*cap = n;
	return p;
}

void arena_init(struct arena *a)
{
	*a = (struct arena){ 0 };
}

void arena_clear(struct arena *a)
{
	struct arena_block *keep = NULL;
	for (struct arena_block *b = a->head, *next; b; b = next) {
		next = b->next;
		if (!keep || b->size > keep->size) {
			free(keep);
			keep = b;
		} else {
			free(b);
		}
	}
	if (keep)
		keep->next = NULL;
	*a = (struct arena){ .head = keep };
}

void arena_release(struct arena *a)
{
	for (struct arena_block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	check(bytes < SIZE_MAX / 2);
	bytes = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (!a->head || a->head->size - a->used < bytes) {
		size_t size = a->head ? a->head->size * 2 : ARENA_BLOCK_MIN;
		if (size > (16u << 20))
			size = 16u << 20;
		if (size < bytes)
			size = bytes;
		struct arena_block *b = malloc(sizeof *b + size);
		if (!b) {
			fputs("relance: out of memory\n", stderr);
			abort();
		}
		b->next = a->head;
		b->size = size;
		a->head = b;
		a->used = 0;
	}
	void *p = a->head->data + a->used;
	a->used += bytes;
	a->total += bytes;
	memset(p, 0, bytes);
	return p;
}

void *arena_copy(struct arena *a, const void *p, size_t bytes)
{
	void *q = arena_alloc(a, bytes);
	if (bytes)
		memcpy(q, p, bytes);
	return q;
}

char *arena_cstr(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

struct str arena_str(struct arena *a, struct str s)
{
	return (struct str){ arena_cstr(a, s), s.n };
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;
	check(fmt); /* said outright: gcc 12's sanitizers follow the path where it is null */
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	check(n >= 0);
	char *p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return (struct str){ p, (size_t)n };
}
