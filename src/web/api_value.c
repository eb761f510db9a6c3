/* GET /value: who the customers are by recency, frequency and amount; which few make most of the revenue; who comes
 * back, by month of the first order. The same figures as the report's. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/figures.h"
#include "fold/value_views.h"

#include <stdio.h>
#include <stdlib.h>

enum { COHORTS_MAX = 24, CURVE = 21 };

static void put_month(struct buf *b, const char *key, int month)
{
	char text[32];
	snprintf(text, sizeof text, "%04d-%02d", month / 12, month % 12 + 1);
	put_cstr(b, key, text);
}

static void put_segments(struct buf *b, const struct value_summary *s, bool french)
{
	struct group {
		int64_t customers, spend;
	} group[RFM_SEGMENTS] = { 0 };
	struct rfm *rfm = mem_alloc((s->count + 1) * sizeof *rfm);
	rfm_scores(s, rfm);
	for (size_t i = 0; i < s->count; i++) {
		group[rfm[i].segment].customers++;
		group[rfm[i].segment].spend += s->first[i] + s->repeat[i];
	}
	free(rfm);
	put_open(b, "segments", '[');
	for (int k = 0; k < RFM_SEGMENTS; k++) {
		put_open(b, NULL, '{');
		put_cstr(b, "key", rfm_key((enum rfm_segment)k));
		put_cstr(b, "name", rfm_name((enum rfm_segment)k, french));
		put_cstr(b, "advice", rfm_advice((enum rfm_segment)k, french));
		put_int(b, "customers", group[k].customers);
		put_int(b, "spend", group[k].spend);
		put_close(b, '}');
	}
	put_close(b, ']');
}

/* `customers` is the count: of articles, too. */
static void put_few(struct buf *b, const char *key, const int64_t *amounts, size_t count)
{
	struct share_view v;
	if (!share_view_make(amounts, count, &v)) {
		put_null(b, key);
		return;
	}
	put_open(b, key, '{');
	put_int(b, "customers", (int64_t)v.count);
	put_int(b, "total", v.total);
	put_real(b, "top_20_share", v.top_20_share);
	put_int(b, "customers_for_80", (int64_t)v.count_for_80);
	put_open(b, "curve", '[');
	for (int i = 0; i < CURVE; i++)
		put_real(b, NULL, v.curve[i]);
	put_close(b, ']');
	put_close(b, '}');
}

static void put_share(struct buf *b, const struct value_summary *s)
{
	int64_t *spend = mem_alloc((s->count + 1) * sizeof *spend);
	for (size_t i = 0; i < s->count; i++)
		spend[i] = s->first[i] + s->repeat[i];
	put_few(b, "share", spend, s->count);
	free(spend);
}

static void put_products(struct buf *b, const struct figures_shop *shop)
{
	uint32_t count;
	const struct product *p = book_products(shop->book, &count);
	int64_t *amounts = mem_alloc((count + 1) * sizeof *amounts);
	size_t sold = 0;
	for (size_t n = 0; n < shop->version->chunk_count; n++) {
		const struct chunk *k = shop->version->chunks[n];
		for (uint32_t l = 0; l < k->order_line[k->order_start[BOOK_CHUNK]]; l++)
			if (k->line_product[l] && k->line_product[l] < count && !p[k->line_product[l]].not_a_product)
				amounts[k->line_product[l]] += k->line_amount[l];
	}
	for (uint32_t i = 1; i < count; i++)
		if (amounts[i])
			amounts[sold++] = amounts[i];
	put_few(b, "products", amounts, sold);
	free(amounts);
}

static void put_cohorts(struct buf *b, const struct value_row *rows, size_t count, struct date until)
{
	struct cohorts c;
	struct err too_short;
	put_open(b, "cohorts", '[');
	if (count && cohorts_make(rows, count, until, &c, &too_short)) {
		for (int row = c.months > COHORTS_MAX ? c.months - COHORTS_MAX : 0; row < c.months; row++) {
			const uint32_t *active = c.active + (size_t)row * (size_t)c.months;
			put_open(b, NULL, '{');
			put_month(b, "month", c.first_month + row);
			put_open(b, "active", '[');
			for (int k = 0; k < c.months - row && k < COHORTS_MAX; k++)
				put_int(b, NULL, active[k]);
			put_close(b, ']');
			put_close(b, '}');
		}
		cohorts_release(&c);
	}
	put_close(b, ']');
}

void on_value(struct request *r)
{
	const struct world *w = request_world(r);
	struct buf *b = &r->out;
	struct instant now = clock_now();
	struct value_summary s;
	struct err none;
	if (!w)
		return;
	struct figures_shop shop = { .book = w->book,
		                         .version = w->version,
		                         .plans = w->plans,
		                         .settings = w->settings,
		                         .now = now,
		                         .seed = w->seed,
		                         .threads = r->web->o.threads };
	struct date until = zone_date(w->settings->zone, now);
	size_t count = 0;
	struct value_row *rows = figures_rows(&shop, &(struct figures_ask){ .channel = -1 }, &count);
	bool known =
		rows && count && value_summarise(rows, count, until, VALUE_DAY, w->settings->currency.exponent, &s, &none);
	put_open(b, NULL, '{');
	put_date(b, "until", until);
	if (known) {
		put_segments(b, &s, request_locale(r) == LOCALE_FR);
		put_share(b, &s);
		put_products(b, &shop);
		value_summary_release(&s);
	} else {
		put_open(b, "segments", '[');
		put_close(b, ']');
		put_null(b, "share");
		put_null(b, "products");
	}
	put_cohorts(b, rows, known ? count : 0, until);
	put_close(b, '}');
	free(rows);
	request_send_json(r, 200);
}
