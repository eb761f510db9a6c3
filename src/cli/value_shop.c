/* Orders of a shop for `relance value`: the book's documents, customer by customer, one sale per line. Dates are those
 * of the shop's zone. A document without a sold article (a return, a credit note) only lowers the spend; one whose
 * total is positive all the same is left out and counted. Guests are nobody in particular: a till's anonymous sales are
 * not in. */
#include "cli/sales.h"

#include "app/people.h"

#include <stdio.h>
#include <stdlib.h>

struct shop_sales {
	struct shop_world world;
	struct people people;
	const struct version *version;
	const struct product *products;
	uint32_t product_count;
	uint32_t chunk, i, order, line; /* where reading stands */
	bool in_order;
	char key[16];
};

static void reject(struct sale_source *s, const struct shop_sales *f, const struct chunk *k)
{
	if (s->rejected++ == 0)
		snprintf(s->first_reason, sizeof s->first_reason,
		         "customer #%u: a document with no sold article has a positive total", k->first + f->i);
}

static bool counts(struct sale_source *s, const struct shop_sales *f, const struct chunk *k)
{
	if (order_is_sale(k, f->order) || order_total(k, f->order) <= 0)
		return true;
	reject(s, f, k);
	return false;
}

/* Moves to the next order that counts; false at the end. */
static bool next_order(struct sale_source *s, struct shop_sales *f)
{
	const struct version *v = f->version;
	for (; f->chunk < v->chunk_count; f->chunk++, f->i = 0, f->order = 0) {
		const struct chunk *k = v->chunks[f->chunk];
		if (!k)
			continue;
		for (; f->order < k->order_start[BOOK_CHUNK]; f->order++) {
			while (f->order >= k->order_start[f->i + 1])
				f->i++;
			if (k->first + f->i != GUESTS && counts(s, f, k)) {
				f->line = order_line(k, f->order);
				return true;
			}
		}
	}
	return false;
}

static struct str key_of(struct shop_sales *f, customer_id c)
{
	if (c <= f->people.ids && f->people.ref[c].p)
		return f->people.ref[c];
	snprintf(f->key, sizeof f->key, "#%u", c);
	return str_from(f->key);
}

static struct str product_of(const struct shop_sales *f, product_id p)
{
	return p < f->product_count && !f->products[p].not_a_product ? f->products[p].sku : STR("");
}

/* A line of a return document may be positive (a fee kept back); as a sale it would be an order, so such a document is
 * given whole. */
static bool given_whole(const struct chunk *k, uint32_t order)
{
	uint32_t line = order_line(k, order), end = order_line(k, order + 1);
	if (line == end)
		return true;
	bool whole = false;
	for (; line < end && !order_is_sale(k, order); line++)
		whole = whole || line_amount(k, line) > 0;
	return whole;
}

static enum sale_next shop_next(struct sale_source *s, struct sale *out, struct err *err)
{
	struct shop_sales *f = s->state;
	(void)err;
	if (!f->in_order && !next_order(s, f))
		return SALE_END;
	const struct chunk *k = f->version->chunks[f->chunk];
	bool whole = given_whole(k, f->order);
	out->customer = key_of(f, k->first + f->i);
	out->date = zone_date(f->world.shop.zone, (struct instant){ k->order_at[f->order] });
	out->minor = whole ? order_total(k, f->order) : line_amount(k, f->line);
	out->product = whole ? STR("") : product_of(f, line_product(k, f->line));
	f->in_order = !whole && ++f->line < order_line(k, f->order + 1);
	if (!f->in_order)
		f->order++;
	return SALE_MORE;
}

static void shop_close(struct sale_source *s)
{
	struct shop_sales *f = s->state;
	book_unpin(f->world.book, f->version);
	people_release(&f->people);
	load_release(&f->world);
	free(f);
}

bool value_open_shop(const char *shop, struct sale_source *out, struct err *err)
{
	memset(out, 0, sizeof *out);
	struct shop_sales *f = mem_alloc(sizeof *f);
	struct load_options o = { .read_only = true, .known = INSTANT_NEVER };
	if (!load_shop(shop, &o, &f->world, err)) {
		free(f);
		return false;
	}
	if (!people_load(&f->world, &f->people, err)) {
		load_release(&f->world);
		free(f);
		return false;
	}
	f->version = book_pin(f->world.book);
	f->products = book_products(f->world.book, &f->product_count);
	*out = (struct sale_source){
		.next = shop_next, .close = shop_close, .exponent = f->world.shop.currency.exponent, .state = f
	};
	return true;
}
