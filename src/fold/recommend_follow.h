/* recommend_follow: a model that takes in what has changed without being learnt anew.
 *
 * rec_build() with options.follow leaves what the counts of a model are made of: sums by item, for every item the
 * REC_WIDE heaviest of those bought with it (same order, afterwards, same customer; the same between types), and who
 * bought it. A change is a customer's history as it was and as it is, so that orders, corrections, merges, returns and
 * erasures are all alike. What it adds or takes away goes into the rows it names; a row whose REC_KEEP best can no
 * longer be told from what is kept is counted again from the histories of those who bought the item. The next model is
 * then what rec_build() would have made of the same histories, to the bit, but for what is taken over from the model
 * before: weights, trees, due dates' priors, and EASE, which is solved anew when a REC_EASE_RENEWED-th of the orders
 * has changed.
 *
 * Work: what changed, and some passes over items and their links (10,000 items: tens of milliseconds); on the first
 * order of a day, one pass over all histories. Memory: 12 bytes a kept pair, 4 a customer and item, and what changed.
 * One thread at a time; the models it gives are read by any. */
#ifndef RELANCE_FOLD_RECOMMEND_FOLLOW_H
#define RELANCE_FOLD_RECOMMEND_FOLLOW_H

#include "fold/recommend.h"

enum {
	REC_WIDE = 128,
	REC_WIDE_BESIDE = 320,
	REC_FOLLOW_ITEMS_MAX = 100000,
	REC_EASE_RENEWED = 200,
};

/* Who: a customer's number, or of one order of somebody unknown REC_GUEST and its number among those. */
#define REC_GUEST UINT32_C(0x80000000)

/* Arrays are the reader's. line_start: orders + 1, into the three below. */
struct rec_history {
	uint32_t orders;
	const int32_t *day; /* ascending */
	const uint32_t *line_start, *item;
	const float *quantity; /* NULL: all 1 */
	const int32_t *minor;  /* NULL: unknown */
};

/* All histories as they are now. read() is called from several threads; what it gives stays until that thread's next
 * call. Somebody without orders: an empty history. */
struct rec_reader {
	void *ctx;
	uint32_t customers, guests; /* numbers below these */
	void (*read)(void *ctx, int thread, uint32_t who, struct rec_history *out);
};

struct rec_change {
	uint32_t who;
	struct rec_history was, is;
	uint8_t segment_was, segment_is;
};

struct rec_follow;
/* What rec_build() left in the model; the caller's from then on. NULL: not asked for, or more than REC_FOLLOW_ITEMS_MAX
 * items. */
struct rec_follow *rec_model_follow(struct rec_model *m);
void rec_follow_free(struct rec_follow *f);

/* The items as they are now: those known before first, with the same numbers, type and family. False: they are not, or
 * the shop has just outgrown its first hundreds of customers: learn anew. */
bool rec_follow_items(struct rec_follow *f, const struct rec_data *d) MUST_CHECK;
/* After rec_follow_items(); a customer at most once before the next rec_follow_build(). */
void rec_follow_change(struct rec_follow *f, const struct rec_change *c);
/* The next model, over `d` (its orders are not looked at). before: the one of last time. NULL: as rec_follow_items(),
 * or told to stop; `f` is of no more use then. */
struct rec_model *rec_follow_build(struct rec_follow *f, const struct rec_data *d, const struct rec_model *before,
                                   const struct rec_reader *r, const struct rec_options *o, struct err *err) MUST_CHECK;
/* Rows counted again, and whether EASE was solved, at the last rec_follow_build(). */
struct rec_follow_told {
	uint64_t pairs, rows, histories;
	bool ease, days;
};
struct rec_follow_told rec_follow_told(const struct rec_follow *f);
size_t rec_follow_bytes(const struct rec_follow *f);

#endif
