#include "cli/rules_shop.h"

#include "base/zone.h"
#include "cli/asof.h"

#include <stdlib.h>

/* One bit a customer; NULL: err says why. */
static uint64_t *customers_of(const char *address, const char *segment, uint32_t customers, struct err *err)
{
	struct people people;
	struct expr_context context;
	struct expr_error error;
	struct arena arena;
	struct asof a;
	uint64_t *bits = NULL;
	struct live *l = live_open_to_look(address, INSTANT_NEVER, err);
	if (!l || !people_load(live_shop(l), &people, err)) {
		live_close(l);
		return NULL;
	}
	arena_init(&arena);
	people_context(live_shop(l), &people, l, &context);
	const struct expr *e = expr_compile(str_from(segment), &context, &arena, &error);
	if (!e) {
		struct buf b;
		buf_init(&b, 4 * EXPR_TEXT_MAX);
		expr_error_show(&error, str_from(segment), &b);
		err_set(err, ERR_INPUT, "--segment %.*s", STR_ARG(str_trim(buf_view(&b))));
		buf_release(&b);
	} else if (asof_init(&a, live_shop(l), NULL, err)) {
		uint32_t most = a.version->customers > customers ? a.version->customers : customers;
		bits = mem_alloc(((size_t)most + 64) / 64 * sizeof *bits);
		expr_select(e, live_shop(l)->book, a.version, live_state(l, 0), a.now, &a.thresholds, 0, bits);
		asof_release(&a, live_shop(l));
	}
	arena_release(&arena);
	people_release(&people);
	live_close(l);
	return bits;
}

static struct str group_name(const struct reco_words *w, enum rules_level level)
{
	switch (level) {
	case RULES_SKU: return w->sku;
	case RULES_TYPE: return w->type;
	case RULES_FAMILY: return w->family;
	case RULES_CATEGORY: return w->category;
	}
	return STR("");
}

/* By item: its number in the baskets, REC_NONE when its group is not known. */
static uint32_t *numbers_of(const struct reco_shop *s, enum rules_level level, struct intern *groups)
{
	uint32_t *number = mem_alloc((s->reco.data.items + 1u) * sizeof *number);
	for (uint32_t i = 0; i < s->reco.data.items; i++) {
		struct str name = group_name(&s->reco.words[i], level);
		number[i] = level == RULES_SKU ? i : name.n ? intern_put(groups, name, NULL) : REC_NONE;
	}
	return number;
}

static bool in_months(int32_t day, unsigned months)
{
	int y, month, d;
	date_ymd((struct date){ day }, &y, &month, &d);
	return !months || months >> (month - 1) & 1;
}

struct itemset_baskets *rules_shop_baskets(const struct reco_shop *s, const char *address, const struct rules_ask *ask,
                                           struct intern *groups, struct err *err)
{
	const struct rec_data *d = &s->reco.data;
	uint64_t *bits = ask->segment ? customers_of(address, ask->segment, s->reco.people, err) : NULL;
	if (ask->segment && !bits)
		return NULL;
	uint32_t *number = numbers_of(s, ask->level, groups);
	uint64_t *start = mem_alloc((s->reco.orders + 1) * sizeof *start);
	uint32_t *items = mem_alloc((s->reco.lines + 1) * sizeof *items);
	size_t n = 0, baskets = 0;
	for (uint32_t c = 0; c < d->customers; c++) {
		if (bits && (c == 0 || c > s->reco.people || !(bits[c >> 6] >> (c & 63) & 1)))
			continue;
		for (uint32_t o = d->order_start[c]; o < d->order_start[c + 1]; o++) {
			if (!in_months(d->order_day[o], ask->months))
				continue;
			for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++)
				if (d->line_quantity[q] > 0 && number[d->line_item[q]] != REC_NONE)
					items[n++] = number[d->line_item[q]];
			start[++baskets] = n;
		}
	}
	struct itemset_baskets *b = itemset_from_rows(start, items, baskets, err);
	free(start);
	free(items);
	free(number);
	free(bits);
	return b;
}

void rules_shop_dated(const struct reco_shop *s, struct dated_baskets *out)
{
	const struct rec_data *d = &s->reco.data;
	*out = (struct dated_baskets){ .d = nb_new(), .day = mem_alloc((s->reco.orders + 1) * sizeof(int32_t)) };
	uint32_t *items = mem_alloc((s->reco.lines + 1) * sizeof *items);
	out->customer = mem_alloc((s->reco.people + 1u) * sizeof(*out->customer));
	size_t baskets = 0;
	for (uint32_t c = 1; c <= s->reco.people; c++) {
		bool user = false;
		for (uint32_t o = d->order_start[c]; o < d->order_start[c + 1]; o++) {
			size_t n = 0;
			for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++)
				if (d->line_quantity[q] > 0)
					items[n++] = d->line_item[q];
			out->lines += n;
			out->skipped += d->line_start[o + 1] - d->line_start[o] - n;
			if (!n)
				continue;
			if (!user) {
				out->customer[out->d->users] = c;
				nb_add_user(out->d);
			}
			user = true;
			nb_add_basket(out->d, items, n);
			out->day[baskets++] = d->order_day[o];
		}
	}
	nb_end_split(out->d, NB_TRAIN);
	free(items);
}
