/* Any bytes as a condition: compiled or refused with a place inside the text; what compiles gives the same answer for
 * one person and for everyone at once. */
#include "base/arena.h"
#include "base/buf.h"
#include "fold/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct book *shop(zone_id zone)
{
	struct book *b = book_new(&(struct book_options){ .zone = zone });
	struct product *p = mem_alloc(3 * sizeof *p);
	p[1] = (struct product){ .sku = STR("A"), .category = book_word(b, STR("Salon")), .price = 1000, .tier = 1 };
	p[2] =
		(struct product){ .sku = STR("B"), .name = STR("Lampe"), .category = book_word(b, STR("Jardin")), .price = -1 };
	book_set_products(b, p, 3);
	struct buf body;
	struct err err;
	buf_init(&body, BODY_MAX);
	struct date children[] = { { 18000 } };
	struct str tags[] = { STR("vip") };
	body_write_profile(&(struct profile_body){ .locale = -1,
	                                           .created.s = 1600000000,
	                                           .born = { 7000 },
	                                           .reach = 3,
	                                           .gender = 'f',
	                                           .postcode = STR("59100"),
	                                           .store = STR("Lille"),
	                                           .tags = tags,
	                                           .tag_count = 1,
	                                           .children = children,
	                                           .child_count = 1 },
	                   &body);
	struct fact f = {
		.customer = 1, .seq = 1, .kind = FACT_PROFILE, .key = STR("p"), .at = { 1000000 }, .body = buf_view(&body)
	};
	check(book_apply(b, &f, 1, &err));
	for (int i = 0; i < 6; i++) {
		struct line lines[] = { { 1, i == 3 ? -1 : 2, i == 3 ? -1000 : 5000 }, { 2, 1, 900 } };
		char key[2] = { (char)('a' + i), 0 };
		buf_clear(&body);
		if (i < 4)
			body_write_order(&(struct order_body){ .lines = lines, .line_count = i == 3 ? 1 : 2, .channel = SALE_WEB },
			                 &body);
		else
			body_write_event(&(struct event_body){ .name = STR("visit"), .value = i, .text = STR("") }, &body);
		f = (struct fact){ .customer = (customer_id)(1 + i % 2),
			               .seq = 2 + i,
			               .kind = i < 4 ? FACT_ORDER : FACT_EVENT,
			               .key = str_from(key),
			               .at = { 1700000000 + i * 5000000 },
			               .body = buf_view(&body) };
		check(book_apply(b, &f, 1, &err));
	}
	buf_release(&body);
	return b;
}

static const char *saved(void *user, struct str name)
{
	return str_is(name, "me") ? "segment(\"me\")" : str_is(name, "vip") ? "tag(\"vip\")" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct book *book;
	static const char *const NAMES[] = { "welcome", "birthday" };
	static struct expr_context k = { .segment = saved, .plan_names = NAMES, .plan_count = 2 };
	if (!book) {
		check(zone_find(STR("Europe/Paris"), &k.shop_zone) && currency_find(STR("EUR"), &k.currency));
		k.lifecycle = LIFECYCLE_DEFAULTS;
		book = shop(k.shop_zone);
	}
	struct arena a;
	struct expr_error error;
	arena_init(&a);
	/* a copy of its own, so that a read beyond the end is seen */
	char *copy = malloc(size + 1);
	check(copy);
	memcpy(copy, data, size);
	struct str text = { copy, size };
	const struct expr *e = expr_compile(text, &k, &a, &error);
	if (!e) {
		check(error.text[0] && error.offset <= size && error.line >= 1 && error.column >= 1);
		struct buf shown;
		buf_init(&shown, 1 << 20);
		expr_error_show(&error, text, &shown);
		buf_release(&shown);
	} else {
		const struct version *v = book_pin(book);
		struct instant now = { 1721000000 };
		struct thresholds t = { .day = { (int32_t)(now.s / DAY_S) }, .top_decile_spend = 5000, .average_basket = 4000 };
		uint64_t bits[1];
		expr_select(e, book, v, NULL, now, &t, 1, bits);
		for (customer_id c = 1; c <= v->customers; c++) {
			struct subject who;
			expr_subject(book, v, NULL, c, now, &t, &who);
			enum tri r = expr_test(e, &who);
			check(r == TRI_FALSE || r == TRI_TRUE || r == TRI_UNKNOWN);
			check((bits[0] >> c & 1) == (r == TRI_TRUE));
		}
		book_unpin(book, v);
		(void)expr_needs(e);
	}
	free(copy);
	arena_release(&a);
	return 0;
}
