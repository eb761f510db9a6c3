/* Reading baskets and ranking their items. Both passes are cut in segments that threads take; a segment's place in the
 * flat array is known beforehand: k items take at least 2 k bytes of text with their line end, and one word more. What
 * is not needed of it is never touched. */
#include "fold/itemset_inner.h"

#include "base/intern.h"

enum {
	SEGMENT_BYTES = 1 << 19,
	SEGMENT_COUNT_MAX = 16,
	DENSE_MAX = 1 << 22, /* item numbers up to here index arrays directly; beyond, they are renumbered */
	SORT_SMALL = 40,
};

struct parse_fault {
	size_t at; /* byte offset, SIZE_MAX = none */
	const char *what;
};

struct parse {
	const char *text;
	size_t bytes;
	struct itemset_baskets *b;
	size_t *cuts; /* segment_count + 1 byte offsets, each after a line end */
	struct parse_fault *faults;
	uint32_t *top; /* largest item of each segment */
};

static void parse_segment(struct parse *p, size_t index)
{
	struct itemset_segment *seg = &p->b->segments[index];
	const unsigned char *s = (const unsigned char *)p->text + p->cuts[index];
	const unsigned char *end = (const unsigned char *)p->text + p->cuts[index + 1];
	uint32_t *out = p->b->flat + seg->from, *row;
	uint32_t top = 0;
	*out++ = ITEMSET_END;
	row = out;
	while (s < end) {
		unsigned digit = *s - '0';
		if (digit <= 9) {
			const unsigned char *first = s;
			uint64_t v = digit;
			while (++s < end && (digit = *s - '0') <= 9)
				v = v * 10 + digit;
			if (s - first > 10 || v > ITEMSET_ITEM_MAX) {
				while (first < s - 1 && *first == '0')
					first++;
				if (s - first > 10 || v > ITEMSET_ITEM_MAX) {
					p->faults[index] = (struct parse_fault){ (size_t)(first - (const unsigned char *)p->text),
						                                     "an item number above 4294967294" };
					return;
				}
			}
			*out++ = (uint32_t)v;
			if (v > top)
				top = (uint32_t)v;
			if (s < end && (unsigned)(*s - '0') > 9 && *s == ' ')
				s++;
		} else if (*s == '\n') {
			s++;
			if (out != row) {
				*out++ = ITEMSET_END;
				row = out;
				seg->baskets++;
			}
		} else if (*s == ' ' || *s == '\t' || *s == '\r' || *s == ',') {
			s++;
		} else {
			p->faults[index] = (struct parse_fault){ (size_t)(s - (const unsigned char *)p->text),
				                                     "something that is not a whole number" };
			return;
		}
	}
	if (out != row) {
		*out++ = ITEMSET_END;
		seg->baskets++;
	}
	seg->to = (size_t)(out - p->b->flat);
	p->top[index] = top;
}

static void parse_body(void *ctx, size_t from, size_t to, int thread)
{
	for (size_t i = from; i < to; i++)
		parse_segment(ctx, i);
}

static void plan_segments(struct parse *p)
{
	size_t want = p->bytes / SEGMENT_BYTES + 1;
	want = want > SEGMENT_COUNT_MAX ? SEGMENT_COUNT_MAX : want;
	p->cuts = mem_alloc((want + 1) * sizeof(*p->cuts));
	size_t n = 0;
	for (size_t i = 1; i < want; i++) {
		size_t at = p->bytes / want * i;
		if (at <= p->cuts[n])
			continue;
		const char *nl = memchr(p->text + at, '\n', p->bytes - at);
		if (!nl || (size_t)(nl + 1 - p->text) >= p->bytes)
			break;
		if ((size_t)(nl + 1 - p->text) > p->cuts[n])
			p->cuts[++n] = (size_t)(nl + 1 - p->text);
	}
	p->cuts[++n] = p->bytes;
	p->b->segment_count = n;
	p->b->segments = mem_alloc(n * sizeof(*p->b->segments));
	for (size_t i = 0; i < n; i++)
		p->b->segments[i].from = p->cuts[i] + 4 * i;
	p->b->flat_n = p->bytes + 4 * n + 8;
}

static bool report_fault(const struct parse *p, struct err *err)
{
	for (size_t i = 0; i < p->b->segment_count; i++) {
		if (p->faults[i].at == SIZE_MAX)
			continue;
		uint64_t line = 1;
		for (const char *s = p->text; (s = memchr(s, '\n', (size_t)(p->text + p->faults[i].at - s))); s++)
			line++;
		return err_set(err, ERR_INPUT, "line %llu: %s; a basket is a line of item numbers separated by spaces",
		               (unsigned long long)line, p->faults[i].what);
	}
	return true;
}

/* Numbers beyond DENSE_MAX: renumber in order of first sight. */
static void densify(struct itemset_baskets *b, uint32_t top)
{
	b->dense_count = top + 1;
	if (top < DENSE_MAX)
		return;
	struct idmap map;
	idmap_init(&map);
	for (size_t i = 0; i < b->segment_count; i++)
		for (size_t q = b->segments[i].from; q < b->segments[i].to; q++)
			if (b->flat[q] != ITEMSET_END)
				b->flat[q] = idmap_put(&map, b->flat[q], NULL);
	b->dense_count = (uint32_t)map.count;
	b->names = mem_alloc((map.count + 1) * sizeof(*b->names));
	for (size_t i = 0; i < map.count; i++)
		b->names[i] = (uint32_t)map.keys[i];
	idmap_release(&map);
}

static void count_body(void *ctx, size_t from, size_t to, int thread)
{
	struct itemset_baskets *b = ctx;
	uint32_t *seen = mem_alloc(((size_t)b->dense_count + 1) * sizeof(*seen));
	uint32_t row = 1;
	for (size_t i = from; i < to; i++) {
		struct itemset_segment *seg = &b->segments[i];
		seg->counts = mem_alloc(((size_t)b->dense_count + 1) * sizeof(*seg->counts));
		for (size_t q = seg->from + 1; q < seg->to; q++) {
			uint32_t item = b->flat[q];
			if (item == ITEMSET_END)
				row++;
			else if (seen[item] != row) {
				seen[item] = row;
				seg->counts[item]++;
			}
		}
	}
	free(seen);
}

static void count_items(struct itemset_baskets *b, int threads)
{
	size_t per = (b->segment_count + (size_t)threads - 1) / (size_t)threads;
	par_for(b->segment_count, per ? per : 1, threads, count_body, b);
	for (uint32_t item = 0; item < b->dense_count; item++)
		for (size_t i = 0; i < b->segment_count; i++)
			if (b->segments[i].counts[item]) {
				b->distinct++;
				break;
			}
	for (size_t i = 0; i < b->segment_count; i++)
		b->baskets += b->segments[i].baskets;
}

struct itemset_baskets *itemset_parse(const char *text, size_t bytes, int threads, struct err *err)
{
	if (bytes > ITEMSET_FILE_MAX) {
		err_set(err, ERR_LIMIT, "the baskets take more than 4,000 MiB of text: split the file");
		return NULL;
	}
	threads = par_threads(threads);
	struct itemset_baskets *b = mem_alloc(sizeof(*b));
	struct parse p = { text, bytes, b, NULL, NULL, NULL };
	plan_segments(&p);
	b->flat = malloc(b->flat_n * sizeof(*b->flat)); /* not zeroed: pages are touched by the thread that fills them */
	check(b->flat != NULL);
	p.faults = mem_alloc(b->segment_count * sizeof(*p.faults));
	p.top = mem_alloc(b->segment_count * sizeof(*p.top));
	for (size_t i = 0; i < b->segment_count; i++)
		p.faults[i].at = SIZE_MAX;
	par_for(b->segment_count, 1, threads, parse_body, &p);
	bool ok = report_fault(&p, err);
	if (ok) {
		uint32_t top = 0;
		for (size_t i = 0; i < b->segment_count; i++)
			top = p.top[i] > top ? p.top[i] : top;
		densify(b, top);
		count_items(b, threads);
	}
	free(p.cuts);
	free(p.faults);
	free(p.top);
	if (!ok) {
		itemset_free(b);
		return NULL;
	}
	return b;
}

struct itemset_baskets *itemset_from_rows(const uint64_t *start, const uint32_t *items, size_t baskets, struct err *err)
{
	uint64_t total = baskets ? start[baskets] - start[0] : 0;
	if (total + baskets > UINT32_MAX - 16) {
		err_set(err, ERR_LIMIT, "more than 4,294,967,279 items and baskets");
		return NULL;
	}
	struct itemset_baskets *b = mem_alloc(sizeof(*b));
	b->flat_n = total + baskets + 2;
	b->flat = mem_alloc(b->flat_n * sizeof(*b->flat));
	b->segment_count = 1;
	b->segments = mem_alloc(sizeof(*b->segments));
	uint32_t *out = b->flat, top = 0;
	*out++ = ITEMSET_END;
	for (size_t r = 0; r < baskets; r++) {
		if (start[r] == start[r + 1])
			continue;
		for (uint64_t q = start[r]; q < start[r + 1]; q++) {
			check(items[q] <= ITEMSET_ITEM_MAX);
			top = items[q] > top ? items[q] : top;
			*out++ = items[q];
		}
		*out++ = ITEMSET_END;
		b->segments[0].baskets++;
	}
	b->segments[0].to = (size_t)(out - b->flat);
	densify(b, top);
	count_items(b, 1);
	return b;
}

void itemset_free(struct itemset_baskets *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->segment_count; i++)
		free(b->segments[i].counts);
	free(b->segments);
	free(b->flat);
	free(b->names);
	free(b);
}

uint64_t itemset_basket_count(const struct itemset_baskets *b)
{
	return b->baskets;
}

uint64_t itemset_item_count(const struct itemset_baskets *b)
{
	return b->distinct;
}

/* ---- ranking ---- */

struct ranking {
	const struct itemset_baskets *b;
	struct itemset_ranked *r;
	const uint32_t *rank; /* dense item → rank, ITEMSET_END when rare */
	uint32_t **next;      /* per segment, by rank: where its next occurrence goes */
};

static int by_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void sort_row(uint32_t *row, size_t n)
{
	if (n > SORT_SMALL) {
		qsort(row, n, sizeof(*row), by_u32);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint32_t v = row[i];
		size_t j = i;
		for (; j > 0 && row[j - 1] > v; j--)
			row[j] = row[j - 1];
		row[j] = v;
	}
}

static void rank_segment(struct ranking *k, size_t index)
{
	const struct itemset_segment *seg = &k->b->segments[index];
	const uint32_t *in = k->b->flat;
	uint32_t *flat = k->r->flat, *next = k->next[index];
	size_t out = seg->from;
	flat[out++] = ITEMSET_END;
	size_t row = out;
	for (size_t q = seg->from + 1; q < seg->to; q++) {
		if (in[q] != ITEMSET_END) {
			uint32_t rank = k->rank[in[q]];
			if (rank != ITEMSET_END)
				flat[out++] = rank;
			continue;
		}
		sort_row(flat + row, out - row);
		size_t kept = row;
		for (size_t i = row; i < out; i++)
			if (i == row || flat[i] != flat[i - 1])
				flat[kept++] = flat[i];
		for (size_t i = row; i < kept; i++)
			k->r->occ[next[flat[i]]++] = (uint32_t)i;
		out = kept;
		if (out > row)
			flat[out++] = ITEMSET_END;
		row = out;
	}
	free(next);
}

static void rank_body(void *ctx, size_t from, size_t to, int thread)
{
	for (size_t i = from; i < to; i++)
		rank_segment(ctx, i);
}

struct rank_key {
	uint32_t support, name, dense;
};

static int by_support(const void *a, const void *b)
{
	const struct rank_key *x = a, *y = b;
	if (x->support != y->support)
		return x->support < y->support ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

void itemset_rank(const struct itemset_baskets *b, uint32_t support, int threads, struct itemset_ranked *r)
{
	*r = (struct itemset_ranked){ .flat_n = b->flat_n };
	uint32_t *rank = mem_alloc(((size_t)b->dense_count + 1) * sizeof(*rank));
	struct rank_key *keys = NULL;
	size_t keys_cap = 0;
	for (uint32_t item = 0; item < b->dense_count; item++) {
		uint64_t total = 0;
		for (size_t i = 0; i < b->segment_count; i++)
			total += b->segments[i].counts[item];
		rank[item] = ITEMSET_END;
		if (total >= support && total > 0) {
			keys = mem_grow(keys, &keys_cap, r->m + 1, sizeof(*keys));
			keys[r->m++] = (struct rank_key){ (uint32_t)total, b->names ? b->names[item] : item, item };
		}
	}
	if (r->m)
		qsort(keys, r->m, sizeof(*keys), by_support);
	r->names = mem_alloc((r->m + 1) * sizeof(*r->names));
	r->support = mem_alloc((r->m + 1) * sizeof(*r->support));
	r->start = mem_alloc((r->m + 1) * sizeof(*r->start));
	struct ranking k = { b, r, rank, mem_alloc(b->segment_count * sizeof(*k.next)) };
	for (size_t i = 0; i < b->segment_count; i++)
		k.next[i] = mem_alloc((r->m + 1) * sizeof(**k.next));
	uint32_t total = 0;
	for (uint32_t j = 0; j < r->m; j++) {
		rank[keys[j].dense] = j;
		r->names[j] = keys[j].name;
		r->support[j] = keys[j].support;
		r->start[j] = total;
		for (size_t i = 0; i < b->segment_count; i++) {
			k.next[i][j] = total;
			total += b->segments[i].counts[keys[j].dense];
		}
	}
	r->start[r->m] = total;
	r->occ = malloc(((size_t)total + 1) * sizeof(*r->occ));
	r->flat = malloc((b->flat_n + 1) * sizeof(*r->flat));
	check(r->occ && r->flat);
	par_for(b->segment_count, 1, threads, rank_body, &k);
	free(k.next);
	free(rank);
	free(keys);
}

void itemset_ranked_release(struct itemset_ranked *r)
{
	free(r->flat);
	free(r->names);
	free(r->support);
	free(r->start);
	free(r->occ);
	*r = (struct itemset_ranked){ 0 };
}
