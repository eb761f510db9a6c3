#include "fold/dense.h"

#include "base/arena.h"
#include "base/par.h"

#include <stdlib.h>

enum { PIVOTS = 128, LANES = 16, WIDE = 2 * LANES, ROWS = 4, ROW_BLOCK = 64 };

/* c[r][0 … 31] += sign · Σ_k a[r][k] · packed[k][0 … 31], for 4 rows. One copy a processor: the vector type is lowered
 * before target_clones would see it. */
#define KERNEL(name, target, width)                                                                                    \
	target static void name(const float *a, size_t lda, const float *packed, size_t k, float sign, float *c,           \
	                        size_t ldc)                                                                                \
	{                                                                                                                  \
		typedef float lanes __attribute__((vector_size((width) * sizeof(float)), aligned(4), may_alias));              \
		for (size_t half = 0; half < WIDE; half += 2 * (width)) {                                                      \
			lanes s00 = { 0 }, s01 = { 0 }, s10 = { 0 }, s11 = { 0 };                                                  \
			lanes s20 = { 0 }, s21 = { 0 }, s30 = { 0 }, s31 = { 0 };                                                  \
			for (size_t i = 0; i < k; i++) {                                                                           \
				lanes b0 = *(const lanes *)(packed + i * WIDE + half);                                                 \
				lanes b1 = *(const lanes *)(packed + i * WIDE + half + (width));                                       \
				s00 += a[i] * b0;                                                                                      \
				s01 += a[i] * b1;                                                                                      \
				s10 += a[lda + i] * b0;                                                                                \
				s11 += a[lda + i] * b1;                                                                                \
				s20 += a[2 * lda + i] * b0;                                                                            \
				s21 += a[2 * lda + i] * b1;                                                                            \
				s30 += a[3 * lda + i] * b0;                                                                            \
				s31 += a[3 * lda + i] * b1;                                                                            \
			}                                                                                                          \
			*(lanes *)(c + half) += sign * s00;                                                                        \
			*(lanes *)(c + half + (width)) += sign * s01;                                                              \
			*(lanes *)(c + ldc + half) += sign * s10;                                                                  \
			*(lanes *)(c + ldc + half + (width)) += sign * s11;                                                        \
			*(lanes *)(c + 2 * ldc + half) += sign * s20;                                                              \
			*(lanes *)(c + 2 * ldc + half + (width)) += sign * s21;                                                    \
			*(lanes *)(c + 3 * ldc + half) += sign * s30;                                                              \
			*(lanes *)(c + 3 * ldc + half + (width)) += sign * s31;                                                    \
		}                                                                                                              \
	}

typedef void kernel_fn(const float *, size_t, const float *, size_t, float, float *, size_t);

KERNEL(kernel_4, , 4)
#if defined(__x86_64__)
KERNEL(kernel_8, __attribute__((target("avx2,fma"))), 8)
KERNEL(kernel_16, __attribute__((target("avx512f,fma"))), 16)
#endif

static kernel_fn *kernel_choose(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		return kernel_16;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return kernel_8;
#endif
	return kernel_4;
}

/* ---- inverse: the matrix is padded to a multiple of PIVOTS by an identity, which stays apart ---- */

struct sweep {
	float *a, *panel, *scaled, *packed; /* n × n; n × PIVOTS twice; the panel by groups of WIDE columns of a */
	size_t n, at;
	kernel_fn *kernel;
	double inverse[PIVOTS][PIVOTS];
};

static void invert_block(struct sweep *s)
{
	static _Thread_local double m[PIVOTS][PIVOTS];
	for (size_t i = 0; i < PIVOTS; i++)
		for (size_t j = 0; j < PIVOTS; j++)
			m[i][j] = s->panel[(s->at + i) * PIVOTS + j];
	for (size_t k = 0; k < PIVOTS; k++) {
		double pivot = m[k][k] > 1e-30 ? m[k][k] : 1e-30;
		for (size_t j = 0; j < PIVOTS; j++)
			m[k][j] = j == k ? 1 / pivot : m[k][j] / pivot;
		for (size_t i = 0; i < PIVOTS; i++) {
			if (i == k)
				continue;
			double f = m[i][k];
			m[i][k] = 0;
			for (size_t j = 0; j < PIVOTS; j++)
				m[i][j] -= f * m[k][j];
		}
	}
	memcpy(s->inverse, m, sizeof(m));
}

static void gather_body(void *ctx, size_t from, size_t to, int thread)
{
	struct sweep *s = ctx;
	for (size_t i = from; i < to; i++)
		for (size_t j = 0; j < PIVOTS; j++) {
			size_t column = s->at + j;
			s->panel[i * PIVOTS + j] = i >= column ? s->a[i * s->n + column] : s->a[column * s->n + i];
		}
	for (size_t g = from / WIDE; g < to / WIDE; g++) /* WIDE divides ROW_BLOCK divides from and to */
		for (size_t k = 0; k < PIVOTS; k++)
			for (size_t j = 0; j < WIDE; j++)
				s->packed[(g * PIVOTS + k) * WIDE + j] = s->panel[(g * WIDE + j) * PIVOTS + k];
}

#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#else
#define CLONES
#endif

/* sum += f · row, PIVOTS of them */
CLONES static void add_row(double *restrict sum, double f, const double *restrict row)
{
	for (size_t j = 0; j < PIVOTS; j++)
		sum[j] += f * row[j];
}

static void scale_body(void *ctx, size_t from, size_t to, int thread)
{
	struct sweep *s = ctx;
	for (size_t i = from; i < to; i++) {
		double sum[PIVOTS] = { 0 };
		for (size_t k = 0; k < PIVOTS; k++) {
			double f = s->panel[i * PIVOTS + k];
			if (f != 0)
				add_row(sum, f, s->inverse[k]);
		}
		for (size_t j = 0; j < PIVOTS; j++)
			s->scaled[i * PIVOTS + j] = (float)sum[j];
	}
}

static void sweep_body(void *ctx, size_t from, size_t to, int thread)
{
	struct sweep *s = ctx;
	for (size_t b = from; b < to; b++) {
		size_t top = b * ROW_BLOCK, last = top + ROW_BLOCK;
		for (size_t j = 0; j < last; j += WIDE)
			for (size_t i = top; i < last; i += ROWS)
				s->kernel(s->scaled + i * PIVOTS, PIVOTS, s->packed + j * PIVOTS, PIVOTS, -1, s->a + i * s->n + j,
				          s->n);
	}
}

static void put_body(void *ctx, size_t from, size_t to, int thread)
{
	struct sweep *s = ctx;
	for (size_t i = from; i < to; i++)
		for (size_t j = 0; j < PIVOTS; j++) {
			size_t column = s->at + j;
			bool pivot = i >= s->at && i < s->at + PIVOTS;
			float v = pivot ? (float)-s->inverse[i - s->at][j] : s->scaled[i * PIVOTS + j];
			if (i >= column)
				s->a[i * s->n + column] = v;
			else
				s->a[column * s->n + i] = v;
		}
}

struct mirror {
	float *a;
	size_t n;
};

/* The upper triangle from the lower one, block by block. */
static void mirror_body(void *ctx, size_t from, size_t to, int thread)
{
	struct mirror *m = ctx;
	for (size_t b = from; b < to; b++)
		for (size_t c = b; c * ROW_BLOCK < m->n; c++)
			for (size_t i = b * ROW_BLOCK; i < (b + 1) * ROW_BLOCK && i < m->n; i++)
				for (size_t j = c * ROW_BLOCK > i ? c * ROW_BLOCK : i + 1; j < (c + 1) * ROW_BLOCK && j < m->n; j++)
					m->a[i * m->n + j] = m->a[j * m->n + i];
}

void dense_invert(float *given, size_t n, int threads)
{
	struct sweep *s = mem_alloc(sizeof(*s));
	s->kernel = kernel_choose();
	s->n = (n + PIVOTS - 1) / PIVOTS * PIVOTS;
	s->a = s->n == n ? given : mem_alloc(s->n * s->n * sizeof(float));
	for (size_t i = 0; i < s->n && s->a != given; i++) {
		if (i < n)
			memcpy(s->a + i * s->n, given + i * n, n * sizeof(float));
		else
			s->a[i * s->n + i] = 1;
	}
	s->panel = mem_alloc(s->n * PIVOTS * sizeof(float));
	s->scaled = mem_alloc(s->n * PIVOTS * sizeof(float));
	s->packed = mem_alloc(s->n * PIVOTS * sizeof(float));
	for (s->at = 0; s->at < s->n; s->at += PIVOTS) {
		par_for(s->n, ROW_BLOCK, threads, gather_body, s);
		invert_block(s);
		par_for(s->n, 64, threads, scale_body, s);
		par_for(s->n / ROW_BLOCK, 1, threads, sweep_body, s);
		par_for(s->n, ROW_BLOCK, threads, put_body, s);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++)
			given[i * n + j] = -s->a[i * s->n + j];
	struct mirror m = { given, n };
	par_for((n + ROW_BLOCK - 1) / ROW_BLOCK, 1, threads, mirror_body, &m);
	if (s->a != given)
		free(s->a);
	free(s->panel);
	free(s->scaled);
	free(s->packed);
	free(s);
}

/* ---- product ---- */

enum { DEPTH = 256 };

struct product {
	const float *a, *b;
	float *out, *packed; /* depth blocks × column groups × DEPTH × WIDE */
	size_t m, k, n, groups;
	kernel_fn *kernel;
};

static void pack_body(void *ctx, size_t from, size_t to, int thread)
{
	struct product *p = ctx;
	for (size_t g = from; g < to; g++)
		for (size_t k = 0; k < p->k; k++) {
			float *to_row = p->packed + (g * p->k + k) * WIDE;
			for (size_t j = 0; j < WIDE; j++)
				to_row[j] = g * WIDE + j < p->n ? p->b[k * p->n + g * WIDE + j] : 0;
		}
}

static void product_body(void *ctx, size_t from, size_t to, int thread)
{
	struct product *p = ctx;
	float tile[ROWS * WIDE], rows[ROWS * DEPTH];
	for (size_t top = from * ROWS; top < to * ROWS && top < p->m; top += ROWS)
		for (size_t g = 0; g < p->groups; g++) {
			memset(tile, 0, sizeof(tile));
			for (size_t k = 0; k < p->k; k += DEPTH) {
				size_t deep = p->k - k < DEPTH ? p->k - k : DEPTH;
				const float *a = p->a + top * p->k + k;
				size_t lda = p->k;
				if (top + ROWS > p->m) { /* the last rows, padded */
					memset(rows, 0, sizeof(rows));
					for (size_t r = top; r < p->m; r++)
						memcpy(rows + (r - top) * DEPTH, p->a + r * p->k + k, deep * sizeof(float));
					a = rows;
					lda = DEPTH;
				}
				p->kernel(a, lda, p->packed + (g * p->k + k) * WIDE, deep, 1, tile, WIDE);
			}
			for (size_t r = top; r < p->m && r < top + ROWS; r++)
				for (size_t j = 0; j < WIDE && g * WIDE + j < p->n; j++)
					p->out[r * p->n + g * WIDE + j] = tile[(r - top) * WIDE + j];
		}
}

void dense_product(const float *a, const float *b, float *out, size_t m, size_t k, size_t n, int threads)
{
	struct product p = { .a = a, .b = b, .out = out, .m = m, .k = k, .n = n, .groups = (n + WIDE - 1) / WIDE };
	p.kernel = kernel_choose();
	p.packed = mem_alloc((p.groups * k + 1) * WIDE * sizeof(float));
	par_for(p.groups, 8, threads, pack_body, &p);
	par_for((m + ROWS - 1) / ROWS, 16, threads, product_body, &p);
	free(p.packed);
}
