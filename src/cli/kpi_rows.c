#include "cli/kpi_rows.h"

#include <stdio.h>

struct listing {
	const struct figures_shop *s;
	const struct figures_ask *ask;
	int64_t from, to;
	struct table *t;
};

enum rows_kind { ROWS_NONE, ROWS_DOCUMENTS, ROWS_SALES, ROWS_BUYERS, ROWS_NEW, ROWS_ACTIVE };

static enum rows_kind kind_of(enum kpi k)
{
	switch ((int)k) {
	case KPI_REVENUE:
	case KPI_RETURN_RATE:
	case KPI_MARGIN_RATE: return ROWS_DOCUMENTS;
	case KPI_ORDERS:
	case KPI_MEAN_BASKET:
	case KPI_SALES_VOLUME:
	case KPI_CROSS_SELL_RATE:
	case KPI_BASKET_UPLIFT: return ROWS_SALES;
	case KPI_REVENUE_PER_CUSTOMER: return ROWS_BUYERS;
	case KPI_NEW_CUSTOMERS: return ROWS_NEW;
	case KPI_RETENTION: return ROWS_ACTIVE;
	default: return ROWS_NONE;
	}
}

static void who(const struct listing *l, customer_id c)
{
	char text[16];
	if (c == GUESTS) {
		table_null(l->t);
		return;
	}
	if (l->s->ref && c <= l->s->ids && l->s->ref[c].p) {
		table_text(l->t, l->s->ref[c]);
		return;
	}
	snprintf(text, sizeof text, "#%u", c);
	table_cstr(l->t, text);
}

static void amount(const struct listing *l, int64_t minor)
{
	char text[32];
	table_number(l->t, str_from(money_plain((struct money){ minor }, l->s->settings->currency, text)));
}

static void day(const struct listing *l, int64_t at)
{
	char text[16];
	table_cstr(l->t, date_text(zone_date(l->s->settings->zone, (struct instant){ at }), text));
}

struct document {
	int64_t value;
	int64_t pieces;
	bool complement, counts;
};

/* The lines that count: all, or those of the category. */
static struct document document_of(const struct listing *l, const struct chunk *k, uint32_t o)
{
	struct document d = { .counts = l->ask->category == 0 };
	uint32_t count;
	const struct product *p = book_products(l->s->book, &count);
	if (l->ask->channel >= 0 && k->order_flags[o] >> ORDER_CHANNEL_SHIFT != l->ask->channel)
		return (struct document){ 0 };
	for (uint32_t i = k->order_line[o]; i < k->order_line[o + 1]; i++) {
		product_id id = k->line_product[i] < count ? k->line_product[i] : 0;
		if (l->ask->category && p[id].category != l->ask->category)
			continue;
		d.counts = true;
		d.value += k->line_amount[i];
		if (k->line_quantity[i] > 0 && !p[id].not_a_product)
			d.pieces += k->line_quantity[i];
		d.complement = d.complement || (l->ask->complementary && l->ask->complementary[id] && k->line_quantity[i] > 0);
	}
	return d;
}

static void documents_of(const struct listing *l, const struct chunk *k, uint32_t i, bool sales_only)
{
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
		if (k->order_at[o] < l->from || k->order_at[o] >= l->to || (sales_only && !order_is_sale(k, o)))
			continue;
		struct document d = document_of(l, k, o);
		if (!d.counts)
			continue;
		who(l, k->first + i);
		day(l, k->order_at[o]);
		amount(l, d.value);
		table_int(l->t, d.pieces);
		table_cstr(l->t, order_is_sale(k, o) ? "sale" : "return");
		table_raw(l->t, !l->ask->complementary ? STR("null") : d.complement ? STR("true") : STR("false"));
	}
}

/* Active at a date: a sale in the twelve months before it. */
static bool active_at(const struct listing *l, const struct chunk *k, uint32_t i, int64_t at)
{
	struct date d = zone_date(l->s->settings->zone, (struct instant){ at });
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
		struct date bought = zone_date(l->s->settings->zone, (struct instant){ k->order_at[o] });
		if (order_is_sale(k, o) && k->order_at[o] < at && date_add_months(bought, KPI_ACTIVE_MONTHS).day > d.day)
			return true;
	}
	return false;
}

static void customer_of(const struct listing *l, const struct chunk *k, uint32_t i, enum rows_kind kind)
{
	int64_t orders = 0, spend = 0, first = INT64_MAX, first_in = INT64_MAX;
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
		int64_t at = k->order_at[o];
		bool sale = order_is_sale(k, o);
		first = sale && at < first ? at : first;
		if (at < l->from || at >= l->to)
			continue;
		struct document d = document_of(l, k, o);
		first_in = sale && d.counts && at < first_in ? at : first_in;
		orders += sale && d.counts;
		spend += d.value;
	}
	bool is_new = first >= l->from && first < l->to, before = active_at(l, k, i, l->from),
		 after = active_at(l, k, i, l->to);
	if (kind == ROWS_BUYERS ? orders == 0 : kind == ROWS_NEW ? !is_new : !before && !after)
		return;
	who(l, k->first + i);
	table_int(l->t, orders);
	amount(l, spend);
	day(l, first);
	table_raw(l->t, before ? STR("true") : STR("false"));
	table_raw(l->t, after ? STR("true") : STR("false"));
	table_raw(l->t, is_new ? STR("true") : STR("false"));
}

bool kpi_rows_print(enum kpi k, const struct figures_shop *s, const struct figures_ask *ask, enum format format,
                    struct err *err)
{
	static const char *const DOCUMENTS[] = { "customer", "day", "value", "pieces", "kind", "complement" };
	static const char *const CUSTOMERS[] = {
		"customer", "orders", "revenue", "first_order", "at_start", "at_end", "new"
	};
	enum rows_kind kind = kind_of(k);
	if (kind == ROWS_NONE)
		return err_set(
			err, ERR_INPUT,
			"--rows: %s has no list; those of revenue, orders, mean_basket, sales_volume, return_rate, "
			"margin_rate, cross_sell_rate, basket_uplift, revenue_per_customer, new_customers, retention have",
			kpi_definition(k)->key);
	bool documents = kind == ROWS_DOCUMENTS || kind == ROWS_SALES;
	struct figures_time time;
	figures_time_make(s, ask, &time);
	struct listing l = { .s = s, .ask = ask, .from = time.start[1], .to = time.start[time.count] };
	l.t = documents ? table_new(DOCUMENTS, ARRAY_LEN(DOCUMENTS)) : table_new(CUSTOMERS, ARRAY_LEN(CUSTOMERS));
	for (size_t n = 0; n < s->version->chunk_count; n++) {
		const struct chunk *c = s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && c->first + i <= s->version->customers; i++) {
			customer_id id = c->first + i;
			if (id == GUESTS && n != 0)
				continue;
			if (ask->segment && (id == GUESTS || !(ask->segment[id >> 6] >> (id & 63) & 1)))
				continue;
			if (documents)
				documents_of(&l, c, i, kind == ROWS_SALES);
			else if (id != GUESTS)
				customer_of(&l, c, i, kind);
			if (id == GUESTS)
				break;
		}
	}
	table_print(l.t, format, stdout);
	table_free(l.t);
	return true;
}
