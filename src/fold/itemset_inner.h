/* itemset_inner: what the reader and the two miners of itemset share. Not for other rooms. */
#ifndef RELANCE_FOLD_ITEMSET_INNER_H
#define RELANCE_FOLD_ITEMSET_INNER_H

#include "base/arena.h"
#include "base/par.h"
#include "fold/itemset.h"

#include <stdatomic.h>
#include <stdlib.h>

/* `flat` holds the baskets one after the other, each closed by ITEMSET_END; a segment starts with ITEMSET_END. As read:
 * item numbers in file order. As ranked for a support: ranks ascending, frequent ones only, no repeats. */
#define ITEMSET_END UINT32_MAX

struct itemset_segment {
	size_t from, to; /* in flat */
	uint64_t baskets;
	uint32_t *counts; /* by dense item: baskets of this segment that hold it */
};

struct itemset_baskets {
	uint32_t *flat; /* dense items */
	size_t flat_n;
	struct itemset_segment *segments;
	size_t segment_count;
	uint32_t *names; /* dense item → number in the file; NULL when they are the same */
	uint32_t dense_count;
	uint64_t baskets, distinct;
};

/* The baskets ranked for one support. */
struct itemset_ranked {
	uint32_t *flat;
	size_t flat_n;
	uint32_t m;        /* frequent items */
	uint32_t *names;   /* rank → item number */
	uint32_t *support; /* by rank */
	uint32_t *start;   /* m + 1: in occ */
	uint32_t *occ;     /* positions in flat of each rank */
};

void itemset_rank(const struct itemset_baskets *b, uint32_t support, int threads, struct itemset_ranked *out);
void itemset_ranked_release(struct itemset_ranked *r);

struct itemset_shared {
	const struct itemset_ranked *ranked;
	const struct itemset_options *options;
	uint64_t limit, baskets;
	const uint32_t *identity;
	_Atomic uint32_t next; /* first item to be taken */
	_Atomic uint64_t count;
	_Atomic bool stop; /* limit reached */
	_Atomic bool deep; /* ITEMSET_DEPTH_MAX reached */
	struct itemset_block *blocks;
};

void itemset_mine_all(struct itemset_shared *s, int threads);
void itemset_mine_closed(struct itemset_shared *s, int threads);
void itemset_emit(struct itemset_block *b, const uint32_t *names, const uint32_t *ranks, uint32_t n, uint32_t support);

#endif
