/* Bodies of Shopify, WooCommerce and PrestaShop webhooks → facts. Amounts become whole minor units for the line, VAT
 * included, net of discounts; an article without a SKU is known by its number in the shop, "shopify-123"; what is no
 * sale (cancelled, failed, not paid) is the same order without lines; a refund is a document of its own beside it. */
#include "intake/number.h"
#include "web/hooks.h"

#include <ctype.h>
#include <stdio.h>

const char *const SHOP_PLATFORMS[SHOP_PLATFORM_COUNT] = { "shopify", "woocommerce", "prestashop" };

struct reading {
	const struct shop_hook_context *c;
	struct told *out;
	char *why;
};

/* ---- values ---- */

static struct str text(const struct reading *r, const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	if (json_is_integer(v))
		return arena_printf(r->c->a, "%lld", (long long)json_integer_value(v));
	if (json_is_array(v)) /* PrestaShop: [{"id": "1", "value": "…"}], one a language */
		v = json_object_get(json_array_get(v, 0), "value");
	if (!json_is_string(v) || json_string_length(v) > FACT_TEXT_MAX)
		return STR("");
	return str_trim(arena_str(r->c->a, (struct str){ json_string_value(v), json_string_length(v) }));
}

static struct str lower(const struct reading *r, struct str s)
{
	char *p = arena_cstr(r->c->a, s);
	for (char *c = p; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return (struct str){ p, s.n };
}

static int64_t whole(const struct reading *r, const json_t *o, const char *name)
{
	struct decimal d;
	int64_t n = 0;
	return number_parse(text(r, o, name), '.', &d) && number_whole(d, &n) ? n : 0;
}

/* A sum "12.50" (or a number) × times in minor units; 0 when it is none. */
static int64_t money(const struct reading *r, const json_t *o, const char *name, int64_t times)
{
	const json_t *v = json_object_get(o, name);
	struct decimal d;
	int64_t out = 0;
	struct str s = json_is_real(v) ? arena_printf(r->c->a, "%.6f", json_real_value(v)) : text(r, o, name);
	return number_parse(s, '.', &d) && number_scaled(d, times, r->c->currency.exponent, &out) ? out : 0;
}

static struct instant at(const struct reading *r, const json_t *o, const char *name)
{
	struct instant t;
	struct str s = text(r, o, name);
	if (s.n > 10 && s.p[10] == ' ') /* 2026-05-12 10:00:00 */
		s = arena_printf(r->c->a, "%.10sT%.*s", s.p, (int)s.n - 11, s.p + 11);
	return s.n && instant_parse(s, r->c->zone, &t) && t.s > 0 && t.s < UINT32_MAX ? t : (struct instant){ 0 };
}

static struct instant first_of(struct instant a, struct instant b)
{
	return a.s ? a : b;
}

static bool yes(const struct reading *r, const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	struct str s = text(r, o, name);
	return json_is_true(v) || str_is(s, "1") || str_is(s, "true");
}

static struct incoming *add(const struct reading *r, enum incoming_kind kind, const char *what, struct str id)
{
	if (r->out->count == TOLD_MAX)
		return NULL;
	struct incoming *in = &r->out->items[r->out->count++];
	*in = (struct incoming){ .kind = kind,
		                     .ref = r->out->person,
		                     .key = arena_printf(r->c->a, "%.*s:%s%.*s", STR_ARG(r->c->source), what, STR_ARG(id)) };
	return in;
}

static struct str sku_of(const struct reading *r, const json_t *o, const char *sku, const char *first,
                         const char *second)
{
	struct str s = text(r, o, sku);
	if (!s.n) {
		struct str id =
			first && text(r, o, first).n && !str_is(text(r, o, first), "0") ? text(r, o, first) : text(r, o, second);
		s = arena_printf(r->c->a, "%s-%.*s", SHOP_PLATFORMS[r->c->platform], STR_ARG(id));
	}
	return s.n <= 64 ? s : (struct str){ s.p, 64 };
}

/* ---- people ---- */

static void person_of(const struct reading *r, struct str id, struct str email)
{
	r->out->email = lower(r, email);
	bool guest = !id.n || str_is(id, "0");
	r->out->person = guest ? r->out->email : id;
}

static struct incoming *profile(const struct reading *r, const json_t *who, const json_t *address)
{
	if (!r->out->person.n)
		return NULL;
	struct incoming *in = add(r, IN_PROFILE, "customer/", r->out->person);
	if (!in)
		return NULL;
	struct str first = text(r, who, "first_name"), last = text(r, who, "last_name"),
			   street = text(r, address, "address1"), phone = text(r, who, "phone");
	in->person = (struct person){
		.first_name = first.n ? first : text(r, address, "first_name"),
		.last_name = last.n ? last : text(r, address, "last_name"),
		.email = memchr(r->out->email.p ? r->out->email.p : "", '@', r->out->email.n) ? r->out->email : STR(""),
		.phone = phone.n ? phone : text(r, address, "phone"),
		.company = text(r, address, "company"),
		.address1 = street.n ? street : text(r, address, "address_1"),
		.address2 = text(r, address, street.n ? "address2" : "address_2"),
		.postcode = text(r, address, "zip").n ? text(r, address, "zip") : text(r, address, "postcode"),
		.city = text(r, address, "city"),
		.country = text(r, address, "country_code").n ? text(r, address, "country_code") : text(r, address, "country"),
		.attributes = STR("")
	};
	in->profile = (struct profile_body){ .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN };
	in->company_said = in->person.company.n > 0;
	return in;
}

static void consent(const struct reading *r, enum channel channel, const char *name, bool granted, struct instant when,
                    struct str source)
{
	struct incoming *in = add(r, IN_CONSENT, name, r->out->person);
	if (!in)
		return;
	in->at = when;
	in->consent = (struct consent_body){ .channel = channel,
		                                 .purpose = PURPOSE_MARKETING,
		                                 .state = granted ? CONSENT_GRANTED : CONSENT_WITHDRAWN,
		                                 .source = source,
		                                 .wording = STR("") };
}

/* ---- lines ---- */

static struct incoming_line *lines_begin(const struct reading *r, struct incoming *in, const json_t *lines)
{
	size_t n = json_array_size(lines) < FACT_LINES_MAX ? json_array_size(lines) : FACT_LINES_MAX;
	in->lines = arena_array(r->c->a, struct incoming_line, n + 1);
	in->line_count = n;
	return in->lines;
}

static int64_t sum_of(const struct reading *r, const json_t *list, const char *name)
{
	const json_t *item;
	size_t i;
	int64_t sum = 0;
	json_array_foreach(list, i, item) sum += money(r, item, name, 1);
	return sum;
}

/* ---- Shopify ---- */

static int64_t shopify_amount(const struct reading *r, const json_t *line, int64_t quantity, bool vat_inside)
{
	int64_t amount = money(r, line, "price", quantity);
	const json_t *parts = json_object_get(line, "discount_allocations");
	amount -= json_array_size(parts) ? sum_of(r, parts, "amount") : money(r, line, "total_discount", 1);
	return vat_inside ? amount : amount + sum_of(r, json_object_get(line, "tax_lines"), "price");
}

static void shopify_lines(const struct reading *r, struct incoming *in, const json_t *order)
{
	const json_t *lines = json_object_get(order, "line_items"), *line;
	bool inside = json_is_true(json_object_get(order, "taxes_included"));
	struct incoming_line *to = lines_begin(r, in, lines);
	size_t i;
	json_array_foreach(lines, i, line)
	{
		if (i == in->line_count)
			break;
		int64_t quantity = whole(r, line, "quantity");
		to[i] = (struct incoming_line){ .sku = sku_of(r, line, "sku", "variant_id", "product_id"),
			                            .name = text(r, line, "title"),
			                            .quantity = (int32_t)quantity,
			                            .amount = shopify_amount(r, line, quantity, inside) };
	}
}

static void shopify_person(const struct reading *r, const json_t *o)
{
	const json_t *who = json_object_get(o, "customer");
	struct str email = text(r, o, "email");
	person_of(r, text(r, who, "id"), email.n ? email : text(r, who, "email"));
}

static void shopify_consents(const struct reading *r, const json_t *who)
{
	static const struct {
		const char *field, *key;
		enum channel channel;
	} KINDS[] = { { "email_marketing_consent", "email/", CHANNEL_EMAIL },
		          { "sms_marketing_consent", "sms/", CHANNEL_SMS } };
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
		const json_t *said = json_object_get(who, KINDS[i].field);
		struct str state = text(r, said, "state");
		bool granted = str_is(state, "subscribed"), gone = str_is(state, "unsubscribed") || str_is(state, "redacted");
		if (granted || gone)
			consent(r, KINDS[i].channel, KINDS[i].key, granted, at(r, said, "consent_updated_at"),
			        arena_printf(r->c->a, "Shopify, %.*s", STR_ARG(text(r, said, "opt_in_level"))));
	}
}

static void shopify_customer(const struct reading *r, const json_t *who)
{
	person_of(r, text(r, who, "id"), text(r, who, "email"));
	struct incoming *in = profile(r, who, json_object_get(who, "default_address"));
	if (in && at(r, who, "created_at").s)
		in->profile.created = at(r, who, "created_at");
	if (in)
		shopify_consents(r, who);
}

/* A refund stands in its order: alone it does not say whose it is. */
static void shopify_refund(const struct reading *r, const json_t *order, const json_t *o)
{
	const json_t *lines = json_object_get(o, "refund_line_items"), *line;
	size_t i;
	struct incoming *in = add(r, IN_ORDER, "refund/", text(r, o, "id"));
	if (!in)
		return;
	in->at = first_of(at(r, o, "processed_at"), at(r, o, "created_at"));
	struct incoming_line *to = lines_begin(r, in, lines);
	json_array_foreach(lines, i, line)
	{
		const json_t *sold = json_object_get(line, "line_item");
		if (i == in->line_count)
			break;
		to[i] = (struct incoming_line){ .sku = sku_of(r, sold, "sku", "variant_id", "product_id"),
			                            .name = text(r, sold, "title"),
			                            .quantity = (int32_t)-whole(r, line, "quantity"),
			                            .amount = -money(r, line, "subtotal", 1) };
		if (!json_is_true(json_object_get(order, "taxes_included")))
			to[i].amount -= money(r, line, "total_tax", 1);
	}
}

static void shopify_order(const struct reading *r, const json_t *o)
{
	shopify_person(r, o);
	profile(r, json_object_get(o, "customer"), json_object_get(o, "billing_address"));
	struct incoming *in = add(r, IN_ORDER, "", text(r, o, "name").n ? text(r, o, "name") : text(r, o, "id"));
	struct str paid = text(r, o, "financial_status");
	if (!in)
		return;
	in->at = first_of(at(r, o, "processed_at"), at(r, o, "created_at"));
	in->order.channel = str_is(text(r, o, "source_name"), "pos") ? SALE_STORE : SALE_WEB;
	in->order.voucher = text(r, json_array_get(json_object_get(o, "discount_codes"), 0), "code");
	if (!text(r, o, "cancelled_at").n && !str_is(paid, "voided") && !str_is(paid, "pending"))
		shopify_lines(r, in, o);
	const json_t *refunds = json_object_get(o, "refunds"), *refund;
	size_t i;
	json_array_foreach(refunds, i, refund) if (in->line_count) shopify_refund(r, o, refund);
}

static void shopify_checkout(const struct reading *r, const json_t *o)
{
	shopify_person(r, o);
	if (!r->out->person.n)
		return; /* nobody yet: there is nobody to remind */
	profile(r, json_object_get(o, "customer"), json_object_get(o, "billing_address"));
	struct incoming *in = add(r, IN_CART, "checkout/", text(r, o, "token"));
	if (!in)
		return;
	in->at = at(r, o, "updated_at");
	in->cart.cart = text(r, o, "token");
	in->cart.url = text(r, o, "abandoned_checkout_url");
	shopify_lines(r, in, o);
	in->cart.state = text(r, o, "completed_at").n ? CART_PAID : in->line_count ? CART_CHANGED : CART_EMPTIED;
	in->key = arena_printf(r->c->a, "%.*s@%lld", STR_ARG(in->key), (long long)in->at.s);
}

static struct product_row product_row(struct str sku, struct str name)
{
	struct product_row p = PRODUCT_UNSAID;
	p.sku = sku;
	p.name = name;
	return p;
}

static void shopify_product(const struct reading *r, const json_t *o)
{
	const json_t *variants = json_object_get(o, "variants"), *v;
	size_t i;
	json_array_foreach(variants, i, v)
	{
		struct incoming *in = add(r, IN_PRODUCT, "product/", text(r, v, "id"));
		if (!in)
			return;
		bool only = str_is(text(r, v, "title"), "Default Title");
		struct str name =
			only ? text(r, o, "title")
				 : arena_printf(r->c->a, "%.*s, %.*s", STR_ARG(text(r, o, "title")), STR_ARG(text(r, v, "title")));
		in->product = product_row(sku_of(r, v, "sku", "id", "product_id"), name);
		in->product.price = money(r, v, "price", 1);
		in->product.brand = text(r, o, "vendor");
		in->product.type = text(r, o, "product_type");
		in->product.image = text(r, json_object_get(o, "image"), "src");
		if (text(r, v, "inventory_management").n)
			in->product.stock = whole(r, v, "inventory_quantity") > 0 ? (int32_t)whole(r, v, "inventory_quantity") : 0;
	}
}

/* What is told, and of when: what is older than what was told already changes nothing. */
static void dated(const struct reading *r, const char *kind, struct str id, struct instant updated)
{
	if (!id.n || id.n > 64 || !updated.s)
		return;
	r->out->what = arena_printf(r->c->a, "%s/%.*s", kind, STR_ARG(id));
	r->out->updated = updated;
}

static void shopify(const struct reading *r, struct str topic, const json_t *o)
{
	struct str kind = { topic.p, strcspn(topic.p, "/") };
	struct str id = str_is(kind, "checkouts") ? text(r, o, "token") : text(r, o, "id");
	dated(r, arena_cstr(r->c->a, kind), id, at(r, o, "updated_at"));
	if (str_starts(topic, STR("orders/")))
		shopify_order(r, o);
	else if (str_starts(topic, STR("checkouts/")))
		shopify_checkout(r, o);
	else if (str_starts(topic, STR("products/")))
		shopify_product(r, o);
	else if (str_is(topic, "customers/redact") || str_is(topic, "customers/data_request")) {
		const json_t *who = json_object_get(o, "customer");
		person_of(r, text(r, who, "id"), text(r, who, "email"));
		r->out->asks = str_is(topic, "customers/redact") ? "erasure" : "access";
	} else if (str_starts(topic, STR("customers/")) && !str_is(topic, "customers/delete"))
		shopify_customer(r, o);
}

/* ---- WooCommerce ---- */

static void woo_lines(const struct reading *r, struct incoming *in, const json_t *o, bool back)
{
	const json_t *lines = json_object_get(o, "line_items"), *line;
	struct incoming_line *to = lines_begin(r, in, lines);
	size_t i;
	json_array_foreach(lines, i, line)
	{
		if (i == in->line_count)
			break;
		int sign = back ? -1 : 1;
		to[i] =
			(struct incoming_line){ .sku = sku_of(r, line, "sku", "variation_id", "product_id"),
			                        .name = text(r, line, "name"),
			                        .quantity = (int32_t)(sign * whole(r, line, "quantity")),
			                        .amount = sign * (money(r, line, "total", 1) + money(r, line, "total_tax", 1)) };
	}
}

/* A part given back, spread over the lines by their amounts; the last bears what rounding leaves. */
static void woo_part(const struct reading *r, struct incoming *in, const json_t *o, int64_t amount)
{
	int64_t all = 0, left = amount;
	woo_lines(r, in, o, false);
	for (size_t i = 0; i < in->line_count; i++)
		all += in->lines[i].amount;
	for (size_t i = 0; i < in->line_count; i++) {
		int64_t part = i + 1 == in->line_count ? left : all ? amount * in->lines[i].amount / all : 0;
		in->lines[i].quantity = 0;
		in->lines[i].amount = -part;
		left -= part;
	}
}

static void woo_order(const struct reading *r, const json_t *o)
{
	const json_t *billing = json_object_get(o, "billing"), *refunds = json_object_get(o, "refunds"), *refund;
	struct str status = text(r, o, "status"), number = text(r, o, "number").n ? text(r, o, "number") : text(r, o, "id");
	size_t i;
	person_of(r, text(r, o, "customer_id"), text(r, billing, "email"));
	profile(r, billing, billing);
	struct incoming *in = add(r, IN_ORDER, "", number);
	if (!in)
		return;
	bool sold = str_is(status, "processing") || str_is(status, "completed") || str_is(status, "refunded") ||
	            str_is(status, "on-hold");
	struct instant when = first_of(at(r, o, "date_paid"), at(r, o, "date_created"));
	in->at = when;
	in->order.channel = SALE_WEB;
	in->order.voucher = text(r, json_array_get(json_object_get(o, "coupon_lines"), 0), "code");
	if (sold)
		woo_lines(r, in, o, false);
	bool whole_back = str_is(status, "refunded");
	json_array_foreach(refunds, i, refund)
	{
		in = add(r, IN_ORDER, "refund/", text(r, refund, "id"));
		int64_t total = money(r, refund, "total", 1);
		if (!in)
			return;
		in->at = first_of(at(r, o, "date_modified"), when);
		if (whole_back && json_array_size(refunds) == 1)
			woo_lines(r, in, o, true);
		else
			woo_part(r, in, o, total < 0 ? -total : total);
	}
}

static void woo_product(const struct reading *r, const json_t *o)
{
	struct incoming *in = add(r, IN_PRODUCT, "product/", text(r, o, "id"));
	if (!in)
		return;
	in->product = product_row(sku_of(r, o, "sku", NULL, "id"), text(r, o, "name"));
	in->product.price = text(r, o, "price").n ? money(r, o, "price", 1) : -1;
	in->product.category = text(r, json_array_get(json_object_get(o, "categories"), 0), "name");
	in->product.url = text(r, o, "permalink");
	in->product.image = text(r, json_array_get(json_object_get(o, "images"), 0), "src");
	if (json_is_true(json_object_get(o, "manage_stock")))
		in->product.stock = whole(r, o, "stock_quantity") > 0 ? (int32_t)whole(r, o, "stock_quantity") : 0;
	else if (str_is(text(r, o, "stock_status"), "outofstock"))
		in->product.stock = 0;
}

/* The order holds no longer. All that is told is its number: it stays whose it was. */
static void woo_deleted(const struct reading *r, struct str topic, const json_t *o)
{
	struct incoming *in = str_is(topic, "order.deleted") ? add(r, IN_ORDER, "", text(r, o, "id")) : NULL;
	if (in)
		in->theirs = true;
}

static void woocommerce(const struct reading *r, struct str topic, const json_t *o)
{
	if (str_ends(topic, STR(".deleted"))) {
		woo_deleted(r, topic, o);
		return;
	}
	struct str kind = { topic.p, strcspn(topic.p, ".") };
	dated(r, arena_cstr(r->c->a, kind), text(r, o, "id"), at(r, o, "date_modified"));
	if (str_starts(topic, STR("order."))) {
		woo_order(r, o);
	} else if (str_starts(topic, STR("product."))) {
		woo_product(r, o);
	} else if (str_starts(topic, STR("customer."))) {
		person_of(r, text(r, o, "id"), text(r, o, "email"));
		struct incoming *in = profile(r, o, json_object_get(o, "billing"));
		if (in && at(r, o, "date_created").s)
			in->profile.created = at(r, o, "date_created");
	}
}

/* ---- PrestaShop: the resources of its webservice, as JSON ---- */

static int64_t price_of(const struct reading *r, struct str sku)
{
	struct err err;
	struct query *q = db_query(r->c->db, "product_price");
	query_text(q, 1, sku);
	int64_t price = query_next(q, &err) == 1 && query_get_int(q, 0) > 0 ? query_get_int(q, 0) : 0;
	query_done(q);
	return price;
}

static void presta_rows(const struct reading *r, struct incoming *in, const json_t *rows, bool back)
{
	const json_t *row;
	size_t i;
	struct incoming_line *to = lines_begin(r, in, rows);
	json_array_foreach(rows, i, row)
	{
		if (i == in->line_count)
			break;
		bool order = json_object_get(row, "product_quantity") != NULL;
		int64_t n = whole(r, row, order ? "product_quantity" : "quantity");
		struct str sku = order ? sku_of(r, row, "product_reference", NULL, "product_id")
		                       : sku_of(r, row, "reference", NULL, "id_product");
		to[i] =
			(struct incoming_line){ .sku = sku,
			                        .name = text(r, row, "product_name"),
			                        .quantity = (int32_t)(back ? -n : n),
			                        .amount = order ? money(r, row, "unit_price_tax_incl", n) : n * price_of(r, sku) };
		to[i].amount = back ? -to[i].amount : to[i].amount;
	}
}

enum { PRESTA_CANCELLED = 6, PRESTA_REFUNDED = 7, PRESTA_PAYMENT_ERROR = 8 };

static void presta_order(const struct reading *r, const json_t *o)
{
	const json_t *rows = json_object_get(json_object_get(o, "associations"), "order_rows");
	int64_t state = whole(r, o, "current_state");
	person_of(r, text(r, o, "id_customer"), STR(""));
	struct incoming *in = add(r, IN_ORDER, "", text(r, o, "reference").n ? text(r, o, "reference") : text(r, o, "id"));
	if (!in)
		return;
	in->at = at(r, o, "date_add");
	in->order.channel = SALE_WEB;
	bool back = state == PRESTA_REFUNDED;
	if (back || (state != PRESTA_CANCELLED && state != PRESTA_PAYMENT_ERROR &&
	             (yes(r, o, "valid") || !json_object_get(o, "valid"))))
		presta_rows(r, in, rows, false);
	if (back && (in = add(r, IN_ORDER, "refund/", text(r, o, "id")))) {
		in->at = at(r, o, "date_upd");
		presta_rows(r, in, rows, true);
	}
}

static void presta_customer(const struct reading *r, const json_t *o)
{
	person_of(r, text(r, o, "id"), text(r, o, "email"));
	struct incoming *in = profile(r, o, NULL);
	if (!in)
		return;
	in->person.first_name = text(r, o, "firstname");
	in->person.last_name = text(r, o, "lastname");
	in->person.company = text(r, o, "company");
	struct str born = text(r, o, "birthday");
	if (!date_parse(born, &in->profile.born))
		in->profile.born = DATE_UNKNOWN;
	if (at(r, o, "date_add").s)
		in->profile.created = at(r, o, "date_add");
	if (yes(r, o, "newsletter"))
		consent(r, CHANNEL_EMAIL, "newsletter/", true, at(r, o, "newsletter_date_add"), STR("PrestaShop, newsletter"));
	else
		r->out->newsletter_off = json_object_get(o, "newsletter") != NULL;
}

static void presta_cart(const struct reading *r, const json_t *o)
{
	person_of(r, text(r, o, "id_customer"), STR(""));
	struct incoming *in = r->out->person.n ? add(r, IN_CART, "cart/", text(r, o, "id")) : NULL;
	if (!in)
		return;
	in->at = first_of(at(r, o, "date_upd"), at(r, o, "date_add"));
	in->cart.cart = text(r, o, "id");
	in->cart.url = STR("");
	presta_rows(r, in, json_object_get(json_object_get(o, "associations"), "cart_rows"), false);
	in->cart.state = in->line_count ? CART_CHANGED : CART_EMPTIED;
	in->key = arena_printf(r->c->a, "%.*s@%lld", STR_ARG(in->key), (long long)in->at.s);
}

static void presta_product(const struct reading *r, const json_t *o)
{
	struct incoming *in = add(r, IN_PRODUCT, "product/", text(r, o, "id"));
	if (!in)
		return;
	in->product = product_row(sku_of(r, o, "reference", NULL, "id"), text(r, o, "name"));
	in->product.price = text(r, o, "price").n ? money(r, o, "price", 1) : -1;
	in->product.brand = text(r, o, "manufacturer_name");
}

static void prestashop(const struct reading *r, struct str topic, const json_t *o)
{
	static const char *const NAMES[] = { "order", "customer", "cart", "product" };
	void (*const READ[])(const struct reading *, const json_t *) = { presta_order, presta_customer, presta_cart,
		                                                             presta_product };
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		const json_t *inside = json_object_get(o, NAMES[i]);
		if (inside || str_starts(topic, str_from(NAMES[i]))) {
			inside = inside ? inside : o;
			dated(r, NAMES[i], text(r, inside, "id"), at(r, inside, "date_upd"));
			READ[i](r, inside);
			return;
		}
	}
}

bool shop_hook_read(const struct shop_hook_context *c, struct str topic, const json_t *body, struct told *out,
                    char why[160])
{
	const struct reading r = { c, out, why };
	*out = (struct told){ .count = 0 };
	if (!json_is_object(body)) {
		snprintf(why, 160, "the body is no JSON object");
		return false;
	}
	switch (c->platform) {
	case SHOP_SHOPIFY: shopify(&r, topic, body); break;
	case SHOP_WOOCOMMERCE: woocommerce(&r, topic, body); break;
	case SHOP_PRESTASHOP: prestashop(&r, topic, body); break;
	case SHOP_PLATFORM_COUNT: break;
	}
	for (size_t i = 0; i < out->count; i++)
		if (out->items[i].key.n > FACT_KEY_MAX || out->items[i].ref.n > 128) {
			snprintf(why, 160, "a number of the shop is longer than can be");
			return false;
		}
	return true;
}
