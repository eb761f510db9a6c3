#include "fold/boost.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCKS = 8, SMALL_NODE = 4096, SAMPLE_FOR_BINS = 40000 };

struct node { /* internal: feature ≥ 0, go left when bin ≤ cut; leaf: feature −1 */
	int32_t feature;
	float threshold, value; /* x ≤ threshold goes left */
	int32_t left, right;
	uint8_t cut;
	double gain;
};

struct tree {
	struct node nodes[2 * BOOST_LEAVES_MAX];
	int count;
};

struct boost {
	size_t features;
	struct tree *trees;
	int tree_count;
	float *cuts; /* features × BOOST_BINS: upper edge of each bin */
	uint16_t *bins;
};

/* Gradient, curvature, rows, nothing: one addition in a register. Rows are exact, see ROWS_MAX. */
typedef float cell __attribute__((vector_size(4 * sizeof(float))));
enum { CELL_G, CELL_H, CELL_ROWS, ROWS_MAX = 1 << 24 };

struct leaf {
	uint32_t from, to; /* in order[] */
	cell *hist;        /* features × BOOST_BINS */
	double g, h;
	double gain; /* of the best split, ≤ 0 = none */
	int feature, cut, node;
};

struct trainer {
	const struct boost_rows *r;
	const struct boost_options *o;
	struct boost *b;
	uint8_t *binned;
	float *score, *g, *h;
	uint32_t *order, *spare;
	uint8_t *drawn; /* by query: the tree sees it */
	cell *partial;  /* BLOCKS histograms */
	cell *hists;    /* leaves */
	const struct leaf *current;
	bool use[BOOST_FEATURES_MAX];
	uint8_t counted[BOOST_FEATURES_MAX]; /* those used, and the first, whose sums are the leaf's */
	size_t counted_n;
	size_t cells;
};

static int by_float(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* Quantile edges from an even sample; equal values share a bin. */
static void cut_feature(struct trainer *t, size_t f, size_t rows, float *sample)
{
	size_t step = rows / SAMPLE_FOR_BINS + 1, n = 0;
	for (size_t i = 0; i < rows; i += step)
		sample[n++] = t->r->x[i * t->r->features + f];
	qsort(sample, n, sizeof(*sample), by_float);
	float *cuts = t->b->cuts + f * BOOST_BINS;
	uint16_t bins = 0;
	size_t i = 0;
	while (i < n && bins < BOOST_BINS - 1) {
		size_t want = i + (n - i) / (size_t)(BOOST_BINS - bins);
		float edge = sample[want < n ? want : n - 1];
		while (i < n && sample[i] <= edge)
			i++;
		cuts[bins++] = i < n ? edge + (sample[i] - edge) / 2 : INFINITY;
	}
	if (bins == 0 || cuts[bins - 1] != INFINITY)
		cuts[bins++] = INFINITY;
	t->b->bins[f] = bins;
	while (bins < BOOST_BINS)
		cuts[bins++] = INFINITY;
}

static void cut_body(void *ctx, size_t from, size_t to, int thread)
{
	struct trainer *t = ctx;
	size_t rows = t->r->query[t->r->queries];
	float *sample = mem_alloc((SAMPLE_FOR_BINS + 2) * sizeof(*sample));
	for (size_t f = from; f < to; f++)
		cut_feature(t, f, rows, sample);
	free(sample);
}

/* The first bin whose edge is not below v. */
static uint8_t bin_of(const float *cuts, float v)
{
	unsigned at = 0;
	for (unsigned half = BOOST_BINS / 2; half > 0; half /= 2)
		at += v > cuts[at + half - 1] ? half : 0;
	return (uint8_t)at;
}

static void bin_body(void *ctx, size_t from, size_t to, int thread)
{
	struct trainer *t = ctx;
	size_t features = t->r->features;
	for (size_t f = 0; f < features; f++)
		for (size_t i = from; i < to; i++)
			t->binned[i * features + f] = bin_of(t->b->cuts + f * BOOST_BINS, t->r->x[i * features + f]);
}

static void gradient_body(void *ctx, size_t from, size_t to, int thread)
{
	struct trainer *t = ctx;
	for (size_t q = from; q < to; q++) {
		uint32_t a = t->r->query[q], z = t->r->query[q + 1];
		float weight = t->r->weight ? t->r->weight[q] : 1;
		if (t->o->loss == BOOST_LOGISTIC) {
			for (uint32_t i = a; i < z; i++) {
				float p = 1.0f / (1.0f + expf(-t->score[i]));
				t->g[i] = weight * (p - t->r->truth[i]);
				t->h[i] = weight * p * (1.0f - p);
			}
			continue;
		}
		float top = -INFINITY, sum = 0;
		uint32_t truths = 0;
		for (uint32_t i = a; i < z; i++) {
			top = t->score[i] > top ? t->score[i] : top;
			truths += t->r->truth[i];
		}
		for (uint32_t i = a; i < z; i++)
			sum += t->h[i] = expf(t->score[i] - top);
		for (uint32_t i = a; i < z; i++) {
			float p = t->h[i] / sum;
			t->g[i] = truths ? weight * (p - (float)t->r->truth[i] / (float)truths) : 0;
			t->h[i] = truths ? weight * p * (1.0f - p) : 0;
		}
	}
}

static void hist_clear(const struct trainer *t, cell *hist)
{
	for (size_t k = 0; k < t->counted_n; k++)
		memset(hist + (size_t)t->counted[k] * BOOST_BINS, 0, BOOST_BINS * sizeof(*hist));
}

/* to += sign · from, where the tree looks. */
static void hist_add(const struct trainer *t, cell *to, const cell *from, float sign)
{
	for (size_t k = 0; k < t->counted_n; k++) {
		size_t at = (size_t)t->counted[k] * BOOST_BINS;
		for (size_t b = at; b < at + BOOST_BINS; b++)
			to[b] += sign * from[b];
	}
}

static void hist_block(const struct trainer *t, uint32_t from, uint32_t to, cell *hist)
{
	size_t features = t->r->features, counted_n = t->counted_n;
	hist_clear(t, hist);
	for (uint32_t i = from; i < to; i++) {
		uint32_t row = t->order[i];
		const uint8_t *bins = t->binned + (size_t)row * features;
		const cell one = { t->g[row], t->h[row], 1 };
		for (size_t k = 0; k < counted_n; k++) {
			size_t f = t->counted[k];
			hist[f * BOOST_BINS + bins[f]] += one;
		}
	}
}

static void hist_body(void *ctx, size_t from, size_t to, int thread)
{
	struct trainer *t = ctx;
	const struct leaf *l = t->current;
	uint32_t n = l->to - l->from, each = n / BLOCKS + 1;
	for (size_t b = from; b < to; b++) {
		uint32_t a = l->from + (uint32_t)b * each, z = a + each;
		a = a > l->to ? l->to : a;
		z = z > l->to ? l->to : z;
		hist_block(t, a, z, t->partial + b * t->cells);
	}
}

static void leaf_hist(struct trainer *t, struct leaf *l)
{
	if (l->to - l->from < SMALL_NODE) {
		hist_block(t, l->from, l->to, l->hist);
		return;
	}
	t->current = l;
	par_for(BLOCKS, 1, t->o->threads, hist_body, t);
	hist_clear(t, l->hist);
	for (size_t b = 0; b < BLOCKS; b++)
		hist_add(t, l->hist, t->partial + b * t->cells, 1);
}

static void leaf_best(const struct trainer *t, struct leaf *l)
{
	double ridge = t->o->ridge, whole = l->g * l->g / (l->h + ridge);
	uint32_t rows = l->to - l->from, least = t->o->leaf_rows_min;
	l->gain = 0;
	for (size_t f = 0; f < t->r->features; f++) {
		if (!t->use[f])
			continue;
		const cell *c = l->hist + f * BOOST_BINS;
		double g = 0, h = 0;
		uint32_t n = 0;
		for (int cut = 0; cut + 1 < t->b->bins[f]; cut++) {
			g += (double)c[cut][CELL_G];
			h += (double)c[cut][CELL_H];
			n += (uint32_t)c[cut][CELL_ROWS];
			if (n < least)
				continue;
			if (rows - n < least)
				break;
			double gain = g * g / (h + ridge) + (l->g - g) * (l->g - g) / (l->h - h + ridge) - whole;
			if (gain > l->gain + 1e-9) {
				l->gain = gain;
				l->feature = (int)f;
				l->cut = cut;
			}
		}
	}
}

static void leaf_sums(const struct trainer *t, struct leaf *l)
{
	l->g = l->h = 0;
	for (int b = 0; b < BOOST_BINS; b++) {
		l->g += (double)l->hist[b][CELL_G];
		l->h += (double)l->hist[b][CELL_H];
	}
}

/* Stable: rows keep their order, so the result does not depend on how a parent was split. */
static uint32_t partition(struct trainer *t, const struct leaf *l)
{
	uint32_t left = l->from, right = 0;
	for (uint32_t i = l->from; i < l->to; i++) {
		uint32_t row = t->order[i];
		if (t->binned[(size_t)row * t->r->features + (size_t)l->feature] <= l->cut)
			t->order[left++] = row;
		else
			t->spare[right++] = row;
	}
	memcpy(t->order + left, t->spare, right * sizeof(*t->order));
	return left;
}

static void split_leaf(struct trainer *t, struct tree *tree, struct leaf *l, struct leaf *other)
{
	struct node *n = &tree->nodes[l->node];
	*n = (struct node){ l->feature,
		                t->b->cuts[(size_t)l->feature * BOOST_BINS + (size_t)l->cut],
		                0,
		                tree->count,
		                tree->count + 1,
		                (uint8_t)l->cut,
		                l->gain };
	uint32_t middle = partition(t, l);
	struct leaf left = *l, right = *l;
	left.to = right.from = middle;
	left.node = tree->count++;
	right.node = tree->count++;
	bool left_small = left.to - left.from <= right.to - right.from;
	struct leaf *small = left_small ? &left : &right, *big = left_small ? &right : &left;
	small->hist = other->hist;
	big->hist = l->hist;
	leaf_hist(t, small);
	hist_add(t, big->hist, small->hist, -1);
	leaf_sums(t, &left);
	leaf_sums(t, &right);
	leaf_best(t, &left);
	leaf_best(t, &right);
	*l = left;
	*other = right;
}

static void grow(struct trainer *t, struct tree *tree, uint32_t rows)
{
	struct leaf leaves[BOOST_LEAVES_MAX];
	int count = 1;
	for (int i = 0; i < t->o->leaves; i++)
		leaves[i] = (struct leaf){ .hist = t->hists + (size_t)i * t->cells };
	leaves[0].to = rows;
	tree->count = 1;
	leaf_hist(t, &leaves[0]);
	leaf_sums(t, &leaves[0]);
	leaf_best(t, &leaves[0]);
	while (count < t->o->leaves) {
		int best = 0;
		for (int i = 1; i < count; i++)
			if (leaves[i].gain > leaves[best].gain)
				best = i;
		if (leaves[best].gain <= 0)
			break;
		split_leaf(t, tree, &leaves[best], &leaves[count]);
		count++;
	}
	for (int i = 0; i < count; i++) {
		float value = (float)(-leaves[i].g / (leaves[i].h + t->o->ridge) * t->o->rate);
		tree->nodes[leaves[i].node] = (struct node){ .feature = -1, .value = value };
		for (uint32_t k = leaves[i].from; k < leaves[i].to; k++)
			t->score[t->order[k]] += value;
	}
}

struct apply {
	struct trainer *t;
	const struct tree *tree;
};

/* The rows that the tree was not grown on: those it was know their leaf. */
static void apply_body(void *ctx, size_t from, size_t to, int thread)
{
	struct apply *a = ctx;
	const struct boost_rows *r = a->t->r;
	for (size_t q = from; q < to; q++)
		for (uint32_t i = r->query[q]; !a->t->drawn[q] && i < r->query[q + 1]; i++) {
			const uint8_t *bins = a->t->binned + (size_t)i * r->features;
			const struct node *n = a->tree->nodes;
			while (n->feature >= 0)
				n = a->tree->nodes + (bins[n->feature] <= n->cut ? n->left : n->right);
			a->t->score[i] += n->value;
		}
}

static uint32_t sample_rows(struct trainer *t, int tree)
{
	uint32_t rows = 0;
	for (size_t q = 0; q < t->r->queries; q++) {
		uint64_t draw = hash_mix(hash_mix(t->o->seed + 1, (uint64_t)tree + 1), q + 1) >> 11;
		t->drawn[q] = (double)draw * 0x1p-53 < t->o->sample;
		if (t->drawn[q])
			for (uint32_t i = t->r->query[q]; i < t->r->query[q + 1]; i++)
				t->order[rows++] = i;
	}
	t->counted_n = 0;
	for (size_t f = 0; f < t->r->features; f++) {
		uint64_t draw = hash_mix(hash_mix(t->o->seed + 2, (uint64_t)tree + 1), f + 1) >> 11;
		t->use[f] = (double)draw * 0x1p-53 < t->o->feature_sample;
		if (f == 0 || t->use[f])
			t->counted[t->counted_n++] = (uint8_t)f;
	}
	return rows;
}

struct boost *boost_train(const struct boost_rows *r, const struct boost_options *o)
{
	check(r->features <= BOOST_FEATURES_MAX && o->leaves <= BOOST_LEAVES_MAX && o->trees <= BOOST_TREES_MAX);
	size_t rows = r->query[r->queries];
	check(rows < ROWS_MAX);
	struct boost *b = mem_alloc(sizeof(*b));
	b->features = r->features;
	b->cuts = mem_alloc(r->features * BOOST_BINS * sizeof(*b->cuts));
	b->bins = mem_alloc(r->features * sizeof(*b->bins));
	b->trees = mem_alloc((size_t)o->trees * sizeof(*b->trees));
	struct trainer t = { .r = r, .o = o, .b = b, .cells = r->features * BOOST_BINS };
	par_for(r->features, 1, o->threads, cut_body, &t);
	t.binned = mem_alloc(rows * r->features + 1);
	par_for(rows, 4096, o->threads, bin_body, &t);
	t.score = mem_alloc((rows + 1) * sizeof(float));
	t.g = mem_alloc((rows + 1) * sizeof(float));
	t.h = mem_alloc((rows + 1) * sizeof(float));
	t.order = mem_alloc((rows + 1) * sizeof(uint32_t));
	t.spare = mem_alloc((rows + 1) * sizeof(uint32_t));
	t.drawn = mem_alloc(r->queries + 1);
	t.partial = mem_alloc(BLOCKS * t.cells * sizeof(cell));
	t.hists = mem_alloc((size_t)o->leaves * t.cells * sizeof(cell));
	for (int i = 0; i < o->trees; i++) {
		par_for(r->queries, 256, o->threads, gradient_body, &t);
		uint32_t n = sample_rows(&t, i);
		if (n == 0)
			continue;
		grow(&t, &b->trees[b->tree_count], n);
		struct apply a = { &t, &b->trees[b->tree_count++] };
		par_for(r->queries, 1024, o->threads, apply_body, &a);
	}
	free(t.binned);
	free(t.score);
	free(t.g);
	free(t.h);
	free(t.order);
	free(t.spare);
	free(t.drawn);
	free(t.partial);
	free(t.hists);
	return b;
}

void boost_free(struct boost *b)
{
	if (!b)
		return;
	free(b->cuts);
	free(b->bins);
	free(b->trees);
	free(b);
}

int boost_trees(const struct boost *b)
{
	return b->tree_count;
}

size_t boost_features(const struct boost *b)
{
	return b->features;
}

int boost_tree(const struct boost *b, int tree, struct boost_node out[2 * BOOST_LEAVES_MAX])
{
	const struct tree *t = &b->trees[tree];
	for (int i = 0; i < t->count; i++)
		out[i] = (struct boost_node){ t->nodes[i].feature, t->nodes[i].threshold, t->nodes[i].value, t->nodes[i].left,
			                          t->nodes[i].right };
	return t->count;
}

void boost_score(const struct boost *b, const float *x, size_t count, int trees, float *scores)
{
	if (trees <= 0 || trees > b->tree_count)
		trees = b->tree_count;
	for (size_t i = 0; i < count; i++) {
		const float *row = x + i * b->features;
		float sum = 0;
		for (int k = 0; k < trees; k++) {
			const struct node *n = b->trees[k].nodes;
			while (n->feature >= 0)
				n = b->trees[k].nodes + (row[n->feature] <= n->threshold ? n->left : n->right);
			sum += n->value;
		}
		scores[i] = sum;
	}
}

void boost_gain(const struct boost *b, double *gain)
{
	for (size_t f = 0; f < b->features; f++)
		gain[f] = 0;
	for (int k = 0; k < b->tree_count; k++)
		for (int i = 0; i < b->trees[k].count; i++)
			if (b->trees[k].nodes[i].feature >= 0)
				gain[b->trees[k].nodes[i].feature] += b->trees[k].nodes[i].gain;
}
