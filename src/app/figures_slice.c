#include "app/figures_slice.h"

#include "model/names.h"

#include <stdlib.h>

static const char *const NAMES[SLICE_COUNT] = { "sector", "category", "store", "channel", "seller" };

/* Where they come from: files of customers, articles, orders. */
static const char *const COLUMNS[SLICE_COUNT] = { "sector", "category", "store", "sale_channel", "seller" };

const char *slice_name(enum slice_by by)
{
	return NAMES[by];
}

bool slice_find(struct str name, enum slice_by *out)
{
	for (int i = 0; i < SLICE_COUNT; i++)
		if (str_is(name, NAMES[i])) {
			*out = (enum slice_by)i;
			return true;
		}
	return false;
}

/* ---- which there are: a bit per word number, or channel ---- */

struct marks {
	uint8_t *seen;
	size_t count;
};

static void mark(struct marks *m, uint32_t number)
{
	if (number && number < m->count)
		m->seen[number] = 1;
}

static void mark_orders(struct marks *m, const struct chunk *k, enum slice_by by)
{
	for (uint32_t o = 0; o < k->order_start[BOOK_CHUNK]; o++) {
		if (by == SLICE_CHANNEL)
			m->seen[k->order_flags[o] >> ORDER_CHANNEL_SHIFT] = 1;
		else if (k->order_desk)
			mark(m, by == SLICE_STORE ? k->order_desk[o].store : k->order_desk[o].seller);
	}
}

static void mark_all(struct marks *m, const struct figures_shop *s, enum slice_by by)
{
	uint32_t products;
	const struct product *p = book_products(s->book, &products);
	for (uint32_t i = 1; by == SLICE_CATEGORY && i < products; i++)
		mark(m, p[i].category);
	for (size_t n = 0; by != SLICE_CATEGORY && n < s->version->chunk_count; n++) {
		const struct chunk *k = s->version->chunks[n];
		for (uint32_t i = 0; by == SLICE_SECTOR && i < BOOK_CHUNK; i++)
			mark(m, k->profile[i].sector);
		if (by != SLICE_SECTOR)
			mark_orders(m, k, by);
	}
}

/* seen: to be freed. */
static void marks_make(struct marks *m, const struct figures_shop *s, enum slice_by by)
{
	*m = (struct marks){ .count = book_word_count(s->book) + SALE_CHANNEL_COUNT + 1 };
	m->seen = mem_alloc(m->count);
	mark_all(m, s, by);
}

static struct str mark_name(const struct figures_shop *s, enum slice_by by, uint32_t number)
{
	return by == SLICE_CHANNEL ? str_from(sale_channel_name((enum sale_channel)number))
	                           : book_word_text(s->book, number);
}

static int by_name(const void *x, const void *y)
{
	const struct slice *a = x, *b = y;
	size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
	int order = memcmp(a->name.p, b->name.p, n);
	return order ? order : (a->name.n > b->name.n) - (a->name.n < b->name.n);
}

bool slices_list(const struct figures_shop *s, enum slice_by by, struct slice **out, size_t *count, struct err *err)
{
	struct marks m;
	marks_make(&m, s, by);
	*out = mem_alloc((SLICES_MAX + 1) * sizeof **out);
	*count = 0;
	for (uint32_t i = 0; i < m.count && *count <= SLICES_MAX; i++)
		if (m.seen[i])
			(*out)[(*count)++] = (struct slice){ mark_name(s, by, i), i };
	free(m.seen);
	if (*count <= SLICES_MAX) {
		qsort(*out, *count, sizeof **out, by_name);
		return true;
	}
	free(*out);
	*out = NULL;
	return err_set(err, ERR_LIMIT, "there are more than %d different values of %s: ask for one", SLICES_MAX,
	               slice_name(by));
}

static void narrow_to_sector(const struct figures_shop *s, uint32_t sector, struct figures_ask *ask, uint64_t **segment)
{
	size_t words = ((size_t)s->version->customers + 64) / 64;
	uint64_t *bits = mem_alloc(words * sizeof *bits);
	for (size_t n = 0; n < s->version->chunk_count; n++) {
		const struct chunk *k = s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && k->first + i <= s->version->customers; i++) {
			customer_id c = k->first + i;
			if (k->profile[i].sector == sector && (!*segment || ((*segment)[c >> 6] >> (c & 63) & 1)))
				bits[c >> 6] |= UINT64_C(1) << (c & 63);
		}
	}
	free(*segment);
	ask->segment = *segment = bits;
}

void slice_narrow(const struct figures_shop *s, enum slice_by by, const struct slice *to, struct figures_ask *ask,
                  uint64_t **segment)
{
	switch (by) {
	case SLICE_SECTOR: narrow_to_sector(s, to->number, ask, segment); break;
	case SLICE_CATEGORY: ask->category = to->number; break;
	case SLICE_STORE: ask->store = to->number; break;
	case SLICE_CHANNEL: ask->channel = (int)to->number; break;
	case SLICE_SELLER: ask->seller = to->number; break;
	case SLICE_COUNT: break;
	}
}

/* There is no `name`: says which it may have been. */
static void refuse(const struct marks *m, const struct figures_shop *s, enum slice_by by, struct str name,
                   struct err *err)
{
	const char **names = mem_alloc(m->count * sizeof *names);
	size_t count = 0;
	struct arena text;
	arena_init(&text);
	for (uint32_t i = 0; i < m->count; i++)
		if (m->seen[i])
			names[count++] = arena_cstr(&text, mark_name(s, by, i));
	const char *near = count ? str_nearest(name, names, count, 6) : NULL;
	if (count == 0)
		err_set(err, ERR_INPUT, "--%s: the shop holds none: import the column \"%s\"", slice_name(by), COLUMNS[by]);
	else
		err_set(err, ERR_INPUT, "--%s: there is no \"%.*s\"%s%s%s", slice_name(by), STR_ARG(name),
		        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	arena_release(&text);
	free(names);
}

bool slice_narrow_to(const struct figures_shop *s, enum slice_by by, struct str name, struct figures_ask *ask,
                     uint64_t **segment, struct err *err)
{
	struct marks m;
	marks_make(&m, s, by);
	uint32_t number = by == SLICE_CHANNEL ? 0 : book_word_find(s->book, name);
	while (by == SLICE_CHANNEL && number < SALE_CHANNEL_COUNT && !str_eq(mark_name(s, by, number), name))
		number++;
	bool found = number < m.count && m.seen[number];
	if (found)
		slice_narrow(s, by, &(struct slice){ name, number }, ask, segment);
	else
		refuse(&m, s, by, name, err);
	free(m.seen);
	return found;
}
