#include "fold/forest.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = 16, BESIDE = 2 * LANES }; /* BESIDE divides FOREST_ROWS_MAX */

struct cut {
	float threshold;
	uint32_t keeps, feature; /* leaves that remain for x > threshold */
};

struct forest {
	size_t features, trees;
	uint32_t *start; /* trees + 1, in cuts */
	struct cut *cuts;
	float (*leaf)[FOREST_LEAVES_MAX]; /* by tree, from left to right */
	size_t start_cap, cut_cap, leaf_cap;
};

struct laying {
	struct forest *f;
	struct boost_node nodes[2 * BOOST_LEAVES_MAX];
	uint32_t leaves, cuts;
};

static void lay_node(struct laying *l, int at)
{
	const struct boost_node *n = &l->nodes[at];
	struct forest *f = l->f;
	if (n->feature < 0) {
		f->leaf[f->trees][l->leaves++] = n->value;
		return;
	}
	uint32_t first = l->leaves, place = l->cuts++;
	f->cuts = mem_grow(f->cuts, &f->cut_cap, l->cuts, sizeof *f->cuts);
	lay_node(l, n->left);
	uint32_t left = (uint32_t)((1ull << l->leaves) - (1ull << first));
	f->cuts[place] = (struct cut){ n->threshold, ~left, (uint32_t)n->feature };
	lay_node(l, n->right);
}

struct forest *forest_of(struct boost *const *boosts, size_t count)
{
	struct forest *f = mem_alloc(sizeof *f);
	struct laying l = { .f = f };
	f->start = mem_grow(f->start, &f->start_cap, 1, sizeof *f->start);
	f->start[0] = 0;
	f->features = count ? boost_features(boosts[0]) : 0;
	for (size_t b = 0; b < count; b++)
		for (int i = 0; i < boost_trees(boosts[b]); i++) {
			f->leaf = mem_grow(f->leaf, &f->leaf_cap, f->trees + 1, sizeof *f->leaf);
			memset(f->leaf[f->trees], 0, sizeof *f->leaf);
			check(boost_tree(boosts[b], i, l.nodes) < 2 * FOREST_LEAVES_MAX);
			l.leaves = 0;
			lay_node(&l, 0);
			f->start = mem_grow(f->start, &f->start_cap, ++f->trees + 1, sizeof *f->start);
			f->start[f->trees] = l.cuts;
		}
	return f;
}

struct forest *forest_copy(const struct forest *from)
{
	struct forest *f = mem_alloc(sizeof *f);
	*f = (struct forest){ .features = from->features, .trees = from->trees };
	size_t cuts = from->start[f->trees];
	f->start = mem_grow(NULL, &f->start_cap, f->trees + 1, sizeof *f->start);
	f->cuts = mem_grow(NULL, &f->cut_cap, cuts + 1, sizeof *f->cuts);
	f->leaf = mem_grow(NULL, &f->leaf_cap, f->trees + 1, sizeof *f->leaf);
	memcpy(f->start, from->start, (f->trees + 1) * sizeof *f->start);
	if (f->trees) {
		memcpy(f->cuts, from->cuts, cuts * sizeof *f->cuts);
		memcpy(f->leaf, from->leaf, f->trees * sizeof *f->leaf);
	}
	return f;
}

void forest_free(struct forest *f)
{
	if (!f)
		return;
	free(f->start);
	free(f->cuts);
	free(f->leaf);
	free(f);
}

typedef float floats __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(4), may_alias));

/* column: features × FOREST_ROWS_MAX. Two groups of rows at a time stay in registers for all trees. The lowest bit
 * left, as a float, has its place in the exponent. One copy a processor: the vector type is lowered before
 * target_clones would see it. */
#define LEAF_OF(left) (((ints) __builtin_convertvector((left) & -(left), floats) >> 23) - 127)
#define WALK(name, target)                                                                                             \
	target static void name(const struct forest *f, const float *column, size_t rows, float *out)                      \
	{                                                                                                                  \
		for (size_t at = 0; at < rows; at += BESIDE) {                                                                 \
			floats sum0 = { 0 }, sum1 = { 0 };                                                                         \
			for (size_t t = 0; t < f->trees; t++) {                                                                    \
				const floats leaves = *(const floats *)f->leaf[t];                                                     \
				ints left0 = ~(ints){ 0 }, left1 = left0;                                                              \
				for (uint32_t c = f->start[t]; c < f->start[t + 1]; c++) {                                             \
					const struct cut *cut = &f->cuts[c];                                                               \
					const float *x = column + (size_t)cut->feature * FOREST_ROWS_MAX + at;                             \
					left0 &= (int32_t)cut->keeps | ~(*(const floats *)x > cut->threshold);                             \
					left1 &= (int32_t)cut->keeps | ~(*(const floats *)(x + LANES) > cut->threshold);                   \
				}                                                                                                      \
				sum0 += __builtin_shuffle(leaves, LEAF_OF(left0));                                                     \
				sum1 += __builtin_shuffle(leaves, LEAF_OF(left1));                                                     \
			}                                                                                                          \
			*(floats *)(out + at) = sum0;                                                                              \
			*(floats *)(out + at + LANES) = sum1;                                                                      \
		}                                                                                                              \
	}

#if defined(__x86_64__)
WALK(walk_avx512, __attribute__((target("avx512f"))))
WALK(walk_avx2, __attribute__((target("avx2"))))
#endif
WALK(walk_plain, )

void forest_score(const struct forest *f, const float *x, size_t rows, float *scores)
{
	float column[BOOST_FEATURES_MAX * FOREST_ROWS_MAX], sum[FOREST_ROWS_MAX];
	size_t whole = (rows + BESIDE - 1) / BESIDE * BESIDE;
	check(rows <= FOREST_ROWS_MAX);
	for (size_t k = 0; k < f->features; k++)
		for (size_t i = 0; i < whole; i++)
			column[k * FOREST_ROWS_MAX + i] = i < rows ? x[i * f->features + k] : 0;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		walk_avx512(f, column, rows, sum);
	else if (__builtin_cpu_supports("avx2"))
		walk_avx2(f, column, rows, sum);
	else
#endif
		walk_plain(f, column, rows, sum);
	memcpy(scores, sum, rows * sizeof *sum);
}
