/* recommend_rows: for each of many, the heaviest of those counted with it, kept right while counts change. Inside
 * recommend_follow.
 *
 * A row holds the REC_WIDE heaviest as they were when it was counted, and of all others one thing: none comes before
 * `least`. Of those it adds up what changed since. So long as the last of the `keep` that are asked for comes before
 * all that others can have become, the keep best are exact; else the row asks to be counted again. */
#ifndef RELANCE_FOLD_RECOMMEND_ROWS_H
#define RELANCE_FOLD_RECOMMEND_ROWS_H

#include "fold/nextbasket_inner.h"

struct rec_row {
	struct nb_heavy *best;   /* heaviest first, at most REC_WIDE and what has come to them */
	struct nb_heavy *others; /* ascending by item: what was added to those that are not in `best` */
	size_t cap;              /* 0: `best` lies in the block */
	uint32_t n, others_n;
	struct nb_heavy least; /* weight 0: everything is in `best` */
	bool again;            /* to be counted again */
};

struct rec_rows {
	uint32_t n, keep, wide;
	struct rec_row *row;
	struct nb_heavy *block;
};

/* lists: the `wide` heaviest of each row. */
void rec_rows_init(struct rec_rows *r, const struct nb_rows *lists, uint32_t n, uint32_t keep, uint32_t wide);
void rec_rows_grow(struct rec_rows *r, uint32_t n);
void rec_rows_release(struct rec_rows *r);
/* changes: each item once, ascending; changed themselves. */
void rec_row_change(const struct rec_rows *r, uint32_t row, struct nb_heavy *changes, size_t n);
/* All there is with this row, in any order; the list is changed. */
void rec_row_set(const struct rec_rows *r, uint32_t row, struct nb_heavy *list, uint32_t n);
/* The `keep` heaviest of every row. */
void rec_rows_put(const struct rec_rows *r, struct nb_rows *out);
size_t rec_rows_bytes(const struct rec_rows *r);

#endif
