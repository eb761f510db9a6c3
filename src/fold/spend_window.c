#include "fold/spend_window.h"

#include "base/arena.h"

#include <stdlib.h>

enum { SPEND_EXACT_MAX = 1 << 22, BLOCK = 2048, BLOCKS = SPEND_EXACT_MAX / BLOCK };

struct document {
	customer_id customer;
	uint32_t order; /* within the customer's chunk */
};

struct spend_window {
	const struct version *v;
	struct lifecycle_settings settings;
	struct document *docs; /* by civil day */
	size_t count;
	int32_t first_day, last_day;
	size_t *day_start; /* docs of day d: day_start[d − first] … day_start[d − first + 1] */
	int32_t entered;   /* days < entered are in */
	int32_t left;      /* days < left are out again */

	int64_t *spend;           /* per customer, in the window */
	uint32_t *sales;          /* orders in the window */
	uint32_t *exact, *blocks; /* counts of buyers by spend, 0 … SPEND_EXACT_MAX − 1 */
	int64_t *rich;            /* spends from SPEND_EXACT_MAX up, ascending */
	size_t rich_count, rich_cap;
	uint32_t poor; /* buyers whose spend is negative */
	uint32_t buyers;
	int64_t sales_total; /* sum of sales documents in the window, for the average basket */
	int64_t sales_count;
};

static const struct chunk *chunk_of(const struct spend_window *w, customer_id c)
{
	return w->v->chunks[1 + (c - 1) / BOOK_CHUNK];
}

static void gather(struct spend_window *w, zone_id zone, struct instant until)
{
	size_t total = 0;
	int32_t low = INT32_MAX, high = INT32_MIN;
	for (size_t k = 1; k < w->v->chunk_count; k++)
		total += w->v->chunks[k]->order_start[BOOK_CHUNK];
	int32_t *days = mem_alloc(total * sizeof *days);
	struct document *docs = mem_alloc(total * sizeof *docs);
	size_t n = 0;
	for (size_t k = 1; k < w->v->chunk_count; k++) {
		const struct chunk *c = w->v->chunks[k];
		for (uint32_t i = 0; i < BOOK_CHUNK; i++)
			for (uint32_t o = c->order_start[i]; o < c->order_start[i + 1]; o++) {
				if (c->order_at[o] >= until.s)
					continue;
				docs[n] = (struct document){ c->first + i, o };
				days[n] = zone_date(zone, (struct instant){ c->order_at[o] }).day;
				low = days[n] < low ? days[n] : low;
				high = days[n] > high ? days[n] : high;
				n++;
			}
	}
	w->count = n;
	w->first_day = n ? low : 0;
	w->last_day = n ? high : -1;
	size_t span = (size_t)(w->last_day - w->first_day + 1);
	w->day_start = mem_alloc((span + 2) * sizeof *w->day_start);
	for (size_t i = 0; i < n; i++)
		w->day_start[days[i] - w->first_day + 2]++;
	for (size_t d = 2; d < span + 2; d++)
		w->day_start[d] += w->day_start[d - 1];
	w->docs = mem_alloc((n ? n : 1) * sizeof *w->docs);
	for (size_t i = 0; i < n; i++) /* counting sort: stable, so by customer within a day */
		w->docs[w->day_start[days[i] - w->first_day + 1]++] = docs[i];
	free(days);
	free(docs);
	w->entered = w->left = w->first_day;
}

struct spend_window *spend_window_new(const struct version *v, zone_id shop_zone, struct instant until,
                                      const struct lifecycle_settings *s)
{
	struct spend_window *w = mem_alloc(sizeof *w);
	w->v = v;
	w->settings = *s;
	gather(w, shop_zone, until);
	w->spend = mem_alloc(((size_t)v->customers + 1) * sizeof *w->spend);
	w->sales = mem_alloc(((size_t)v->customers + 1) * sizeof *w->sales);
	w->exact = mem_alloc(SPEND_EXACT_MAX * sizeof *w->exact);
	w->blocks = mem_alloc(BLOCKS * sizeof *w->blocks);
	return w;
}

void spend_window_free(struct spend_window *w)
{
	if (!w)
		return;
	free(w->docs);
	free(w->day_start);
	free(w->spend);
	free(w->sales);
	free(w->exact);
	free(w->blocks);
	free(w->rich);
	free(w);
}

/* First place in rich[] whose value is ≥ spend. */
static size_t rich_place(const struct spend_window *w, int64_t spend)
{
	size_t low = 0, high = w->rich_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (w->rich[middle] < spend)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void count_buyer(struct spend_window *w, int64_t spend, bool add)
{
	w->buyers += add ? 1 : (uint32_t)-1;
	if (spend < 0) {
		w->poor += add ? 1 : (uint32_t)-1;
		return;
	}
	if (spend < SPEND_EXACT_MAX) {
		w->exact[spend] += add ? 1 : (uint32_t)-1;
		w->blocks[spend / BLOCK] += add ? 1 : (uint32_t)-1;
		return;
	}
	size_t at = rich_place(w, spend);
	if (add) {
		w->rich = mem_grow(w->rich, &w->rich_cap, w->rich_count + 1, sizeof *w->rich);
		memmove(w->rich + at + 1, w->rich + at, (w->rich_count - at) * sizeof *w->rich);
		w->rich[at] = spend;
		w->rich_count++;
	} else {
		check(at < w->rich_count && w->rich[at] == spend);
		memmove(w->rich + at, w->rich + at + 1, (w->rich_count - at - 1) * sizeof *w->rich);
		w->rich_count--;
	}
}

static void move_day(struct spend_window *w, int32_t day, bool add)
{
	size_t d = (size_t)(day - w->first_day);
	for (size_t i = w->day_start[d]; i < w->day_start[d + 1]; i++) {
		customer_id c = w->docs[i].customer;
		const struct chunk *k = chunk_of(w, c);
		uint32_t o = w->docs[i].order;
		bool sale = order_is_sale(k, o);
		if (w->sales[c])
			count_buyer(w, w->spend[c], false);
		w->spend[c] += add ? order_total(k, o) : -order_total(k, o);
		if (sale) {
			w->sales[c] += add ? 1 : (uint32_t)-1;
			w->sales_total += add ? order_total(k, o) : -order_total(k, o);
			w->sales_count += add ? 1 : -1;
		}
		if (w->sales[c])
			count_buyer(w, w->spend[c], true);
	}
}

/* The k-th largest spend (k ≥ 1) of the buyers. */
static int64_t kth_largest(const struct spend_window *w, uint32_t k)
{
	if (k <= w->rich_count)
		return w->rich[w->rich_count - k];
	k -= (uint32_t)w->rich_count;
	for (size_t b = BLOCKS; b-- > 0;) {
		if (w->blocks[b] < k) {
			k -= w->blocks[b];
			continue;
		}
		for (size_t i = BLOCK; i-- > 0;) {
			uint32_t here = w->exact[b * BLOCK + i];
			if (here >= k)
				return (int64_t)(b * BLOCK + i);
			k -= here;
		}
	}
	/* among those who gave back more than they bought: look at them one by one, it hardly ever happens */
	int64_t best = INT64_MIN;
	for (uint32_t rank = 0; rank < k; rank++) {
		int64_t below = rank ? best : 0, found = INT64_MIN;
		for (customer_id c = 1; c <= w->v->customers; c++)
			if (w->sales[c] && w->spend[c] < below && w->spend[c] > found)
				found = w->spend[c];
		if (found == INT64_MIN)
			break;
		uint32_t same = 0;
		for (customer_id c = 1; c <= w->v->customers; c++)
			same += w->sales[c] && w->spend[c] == found;
		best = found;
		if (same > k - rank - 1)
			break;
		rank += same - 1;
	}
	return best;
}

void spend_window_at(struct spend_window *w, struct date day, struct thresholds *out)
{
	for (; w->entered < day.day && w->entered <= w->last_day; w->entered++)
		move_day(w, w->entered, true);
	int32_t from = date_add_months(day, -12).day;
	for (; w->left < from && w->left < w->entered; w->left++)
		move_day(w, w->left, false);
	*out = (struct thresholds){ .day = day, .top_decile_spend = INT64_MAX, .buyers_12m = w->buyers };
	uint32_t top = (uint32_t)(((uint64_t)w->buyers * (uint32_t)w->settings.ambassador_percent + 99) / 100);
	if (top > 0)
		out->top_decile_spend = kth_largest(w, top);
	if (w->sales_count > 0) { /* rounded half away from zero */
		struct money mean;
		if (money_share((struct money){ w->sales_total }, 1, w->sales_count, &mean))
			out->average_basket = mean.minor;
	}
}
