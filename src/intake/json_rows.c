/* json_rows: the documents of each platform's API → records of fields. */
#include "intake/json.h"

#include <stdio.h>

enum { FLAT_DEPTH_MAX = 3, FLAT_KEYS_MAX = 300 };

static struct str first_of(const struct json *o, const char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct str s = json_text(o, paths[i]);
		if (s.n)
			return s;
	}
	return (struct str){ "", 0 };
}
#define FIRST(o, ...)                                                                                                  \
	first_of((o), (const char *const[]){ __VA_ARGS__ }, ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

static const struct json *array_of(const struct json *o, const char *path)
{
	const struct json *v = json_get(o, path);
	return v && v->type == JSON_ARRAY ? v : NULL;
}

/* ---- keys as headers ---- */

struct flat {
	struct str keys[FLAT_KEYS_MAX], values[FLAT_KEYS_MAX];
	size_t count;
};

static struct str join_strings(struct arena *a, const struct json *array)
{
	struct buf b;
	buf_init(&b, 4096);
	for (const struct json *v = array->first; v; v = v->next)
		if (v->type == JSON_STRING || v->type == JSON_NUMBER) {
			if (b.n)
				buf_char(&b, ',');
			buf_str(&b, v->text);
		}
	struct str s = arena_str(a, buf_view(&b));
	buf_release(&b);
	return s;
}

static void flatten(struct arena *a, const struct json *o, struct str prefix, int depth, struct flat *out)
{
	for (const struct json *m = o->first; m && out->count < FLAT_KEYS_MAX; m = m->next) {
		struct str key = prefix.n ? arena_printf(a, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(m->key)) : m->key;
		if (m->type == JSON_OBJECT) {
			if (depth < FLAT_DEPTH_MAX)
				flatten(a, m, key, depth + 1, out);
			continue;
		}
		struct str value = m->type == JSON_ARRAY ? join_strings(a, m) : m->text;
		out->keys[out->count] = key;
		out->values[out->count++] = value;
	}
}

static int map_field(const struct intake_map *m, struct str key)
{
	for (size_t i = 0; m && i < m->column_count; i++)
		if (str_eq(m->columns[i].header, key))
			return (int)m->columns[i].field;
	return -1;
}

/* emit_record clears the emitter's arena: what a record of several rows needs beyond one row lives here. */
struct sheet {
	struct emitter *e;
	struct arena *a;
	struct err *err;
	struct str raw;
	uint64_t row;
};

/* Every key that means a field in this kind fills it, unless already filled; a key that is a field's own name comes
 * first. */
static void fill(const struct sheet *s, struct record *r, const struct json *o, enum intake_kind kind)
{
	struct flat *flat = arena_new(s->a, struct flat);
	int best[FIELD_COUNT];
	for (int f = 0; f < FIELD_COUNT; f++)
		best[f] = r->f[f].n ? -10 : 1 << 30;
	flatten(s->a, o, STR(""), 0, flat);
	for (size_t i = 0; i < flat->count; i++) {
		int rank = -2, f = map_field(s->e->o->map, flat->keys[i]);
		if (f < 0 && (f = field_find(flat->keys[i])) >= 0)
			rank = -1;
		if (f < 0)
			f = field_guess(flat->keys[i], kind, &rank);
		if (f < 0 || f == FIELD_IGNORE || rank >= best[f] || flat->values[i].n == 0)
			continue;
		r->f[f] = flat->values[i];
		best[f] = rank;
	}
}

static struct record blank(uint64_t row, struct str raw)
{
	struct record r = { .row = row, .raw = raw };
	for (int f = 0; f < FIELD_COUNT; f++)
		r.f[f] = (struct str){ "", 0 };
	return r;
}

static struct str gmt(struct arena *a, struct str s)
{
	return s.n && s.p[s.n - 1] != 'Z' ? arena_printf(a, "%.*sZ", STR_ARG(s)) : s;
}

static struct str nth_text(const struct json *o, const char *array, const char *path)
{
	const struct json *v = array_of(o, array);
	return v && v->first && v->first->type == JSON_OBJECT ? json_text(v->first, path) : (struct str){ "", 0 };
}

/* ---- orders ---- */

static struct str negated(struct arena *a, struct str s)
{
	if (s.n && s.p[0] == '-')
		return s;
	return s.n ? arena_printf(a, "-%.*s", STR_ARG(s)) : s;
}

static bool send(const struct sheet *s, enum intake_kind kind, const struct record *head)
{
	struct record r = *head;
	return emit_record(s->e, kind, &r, s->err);
}

static void shopify_line(struct record *r, const struct json *item)
{
	r->f[FIELD_SKU] = FIRST(item, "sku", "variant_id", "product_id");
	r->f[FIELD_PRODUCT] = FIRST(item, "name", "title");
	r->f[FIELD_QUANTITY] = json_text(item, "quantity");
	r->f[FIELD_UNIT_PRICE] = json_text(item, "price");
	r->f[FIELD_LINE_DISCOUNT] = FIRST(item, "total_discount", "applied_discount.amount");
}

static bool shopify_refunds(const struct sheet *s, const struct json *order, const struct record *head)
{
	const struct json *refunds = array_of(order, "refunds");
	for (const struct json *f = refunds ? refunds->first : NULL; f; f = f->next) {
		const struct json *items = array_of(f, "refund_line_items");
		for (const struct json *i = items ? items->first : NULL; i; i = i->next) {
			struct record r = *head;
			r.f[FIELD_ORDER] =
				arena_printf(s->a, "%.*s/refund/%.*s", STR_ARG(head->f[FIELD_ORDER]), STR_ARG(json_text(f, "id")));
			r.f[FIELD_DATE] = json_text(f, "created_at").n ? json_text(f, "created_at") : head->f[FIELD_DATE];
			r.f[FIELD_TOTAL] = r.f[FIELD_UNIT_PRICE] = r.f[FIELD_LINE_DISCOUNT] = (struct str){ "", 0 };
			r.f[FIELD_SKU] = FIRST(i, "line_item.sku", "line_item.variant_id", "line_item_id");
			r.f[FIELD_PRODUCT] = FIRST(i, "line_item.name", "line_item.title");
			r.f[FIELD_QUANTITY] = negated(s->a, json_text(i, "quantity"));
			r.f[FIELD_AMOUNT] = negated(s->a, json_text(i, "subtotal"));
			r.f[FIELD_LINE_TAX] = negated(s->a, json_text(i, "total_tax"));
			if (!send(s, INTAKE_ORDERS, &r))
				return false;
		}
	}
	return true;
}

static bool shopify_order(const struct sheet *s, const struct json *o, bool draft)
{
	struct record head = blank(s->row, s->raw);
	head.f[FIELD_ORDER] = FIRST(o, "name", "order_number", "id");
	head.f[FIELD_CUSTOMER] = json_text(o, "customer.id");
	head.f[FIELD_EMAIL] = FIRST(o, "email", "contact_email", "customer.email");
	head.f[FIELD_DATE] = FIRST(o, "created_at", "processed_at");
	head.f[FIELD_STATUS] = draft ? (str_is(json_text(o, "status"), "completed") ? STR("paid") : STR("draft"))
	                             : json_text(o, "financial_status");
	head.f[FIELD_CANCELLED_AT] = json_text(o, "cancelled_at");
	head.f[FIELD_CURRENCY] = json_text(o, "currency");
	head.f[FIELD_SALE_CHANNEL] = json_text(o, "source_name");
	head.f[FIELD_VOUCHER] = nth_text(o, "discount_codes", "code");
	head.f[FIELD_EMAIL_CONSENT] = json_text(o, "buyer_accepts_marketing");
	head.f[FIELD_TOTAL] = json_text(o, "total_price");
	const struct json *items = array_of(o, "line_items");
	if (!items || !items->first)
		return send(s, INTAKE_ORDERS, &head);
	for (const struct json *i = items->first; i; i = i->next) {
		struct record r = head;
		shopify_line(&r, i);
		if (!send(s, INTAKE_ORDERS, &r))
			return false;
	}
	return shopify_refunds(s, o, &head);
}

static bool woo_refunds(const struct sheet *s, const struct json *o, const struct record *head)
{
	const struct json *refunds = array_of(o, "refunds");
	for (const struct json *f = refunds ? refunds->first : NULL; f; f = f->next) {
		struct record r = *head;
		r.f[FIELD_ORDER] =
			arena_printf(s->a, "%.*s/refund/%.*s", STR_ARG(head->f[FIELD_ORDER]), STR_ARG(json_text(f, "id")));
		struct str modified = json_text(o, "date_modified_gmt");
		if (modified.n)
			r.f[FIELD_DATE] = gmt(s->a, modified);
		r.f[FIELD_TOTAL] = (struct str){ "", 0 };
		r.f[FIELD_QUANTITY] = STR("-1");
		r.f[FIELD_AMOUNT] = negated(s->a, json_text(f, "total"));
		if (!send(s, INTAKE_ORDERS, &r))
			return false;
	}
	return true;
}

static bool woo_order(const struct sheet *s, const struct json *o)
{
	struct record head = blank(s->row, s->raw);
	head.f[FIELD_ORDER] = FIRST(o, "number", "id");
	head.f[FIELD_CUSTOMER] = json_text(o, "customer_id");
	head.f[FIELD_EMAIL] = json_text(o, "billing.email");
	struct str utc = json_text(o, "date_created_gmt");
	head.f[FIELD_DATE] = utc.n ? gmt(s->a, utc) : json_text(o, "date_created");
	head.f[FIELD_STATUS] = json_text(o, "status");
	head.f[FIELD_CURRENCY] = json_text(o, "currency");
	head.f[FIELD_SALE_CHANNEL] = json_text(o, "created_via");
	head.f[FIELD_VOUCHER] = nth_text(o, "coupon_lines", "code");
	head.f[FIELD_TOTAL] = json_text(o, "total");
	const struct json *items = array_of(o, "line_items");
	if (!items || !items->first)
		return send(s, INTAKE_ORDERS, &head);
	for (const struct json *i = items->first; i; i = i->next) {
		struct record r = head;
		r.f[FIELD_SKU] = FIRST(i, "sku", "variation_id", "product_id");
		if (str_is(r.f[FIELD_SKU], "0"))
			r.f[FIELD_SKU] = json_text(i, "product_id");
		r.f[FIELD_PRODUCT] = json_text(i, "name");
		r.f[FIELD_QUANTITY] = json_text(i, "quantity");
		r.f[FIELD_AMOUNT] = json_text(i, "total");
		r.f[FIELD_LINE_TAX] = json_text(i, "total_tax");
		if (!send(s, INTAKE_ORDERS, &r))
			return false;
	}
	return str_is(head.f[FIELD_STATUS], "cancelled") || woo_refunds(s, o, &head);
}

static bool prestashop_order(const struct sheet *s, const struct json *o)
{
	struct record head = blank(s->row, s->raw);
	head.f[FIELD_ORDER] = FIRST(o, "reference", "id");
	head.f[FIELD_CUSTOMER] = json_text(o, "id_customer");
	head.f[FIELD_DATE] = json_text(o, "date_add");
	head.f[FIELD_STATUS] = str_is(json_text(o, "valid"), "0") ? STR("pending") : STR("");
	head.f[FIELD_TOTAL] = FIRST(o, "total_paid_tax_incl", "total_paid");
	const struct json *items = array_of(o, "associations.order_rows");
	if (!items || !items->first)
		return send(s, INTAKE_ORDERS, &head);
	for (const struct json *i = items->first; i; i = i->next) {
		struct record r = head;
		r.f[FIELD_SKU] = FIRST(i, "product_reference", "product_id");
		r.f[FIELD_PRODUCT] = json_text(i, "product_name");
		r.f[FIELD_QUANTITY] = json_text(i, "product_quantity");
		r.f[FIELD_UNIT_PRICE] = FIRST(i, "unit_price_tax_incl", "product_price");
		if (!send(s, INTAKE_ORDERS, &r))
			return false;
	}
	return true;
}

/* Our own form, and what a map makes of another: keys are fields, lines stand in an array. */
static bool generic_order(const struct sheet *s, const struct json *o, enum intake_kind kind)
{
	struct record head = blank(s->row, s->raw);
	fill(s, &head, o, kind);
	static const char *const ARRAYS[] = { "lines",    "line_items", "items",
		                                  "products", "order_rows", "associations.cart_rows" };
	const struct json *items = NULL;
	for (size_t i = 0; i < ARRAY_LEN(ARRAYS) && !items; i++)
		items = array_of(o, ARRAYS[i]);
	if (!items || !items->first)
		return send(s, kind, &head);
	head.f[FIELD_AMOUNT] = head.f[FIELD_SKU] = head.f[FIELD_QUANTITY] = head.f[FIELD_UNIT_PRICE] =
		(struct str){ "", 0 };
	head.f[FIELD_PRODUCT] = (struct str){ "", 0 };
	for (const struct json *i = items->first; i; i = i->next) {
		struct record line = blank(s->row, s->raw), r = head;
		if (i->type != JSON_OBJECT)
			continue;
		fill(s, &line, i, kind);
		static const enum field OF_LINE[] = { FIELD_SKU,        FIELD_PRODUCT,  FIELD_QUANTITY,
			                                  FIELD_UNIT_PRICE, FIELD_AMOUNT,   FIELD_LINE_DISCOUNT,
			                                  FIELD_LINE_TAX,   FIELD_CATEGORY, FIELD_IS_RETURN };
		for (size_t k = 0; k < ARRAY_LEN(OF_LINE); k++)
			if (line.f[OF_LINE[k]].n)
				r.f[OF_LINE[k]] = line.f[OF_LINE[k]];
		if (r.f[FIELD_AMOUNT].n == 0 && r.f[FIELD_UNIT_PRICE].n == 0)
			r.f[FIELD_AMOUNT] = line.f[FIELD_TOTAL];
		if (!send(s, kind, &r))
			return false;
	}
	return true;
}

static bool shop_cart(const struct sheet *s, const struct json *o)
{
	struct record head = blank(s->row, s->raw);
	head.f[FIELD_ORDER] = FIRST(o, "token", "cart_token", "id");
	head.f[FIELD_CUSTOMER] = FIRST(o, "customer.id", "id_customer");
	head.f[FIELD_EMAIL] = FIRST(o, "email", "customer.email");
	head.f[FIELD_DATE] = FIRST(o, "completed_at", "updated_at", "date_upd", "created_at", "date_add");
	head.f[FIELD_CART_STATE] = json_text(o, "completed_at").n ? STR("paid") : STR("");
	head.f[FIELD_URL] = json_text(o, "abandoned_checkout_url");
	head.f[FIELD_CURRENCY] = json_text(o, "currency");
	const struct json *items = array_of(o, "line_items");
	if (!items)
		items = array_of(o, "associations.cart_rows");
	if (!items || !items->first) {
		if (!head.f[FIELD_CART_STATE].n)
			head.f[FIELD_CART_STATE] = STR("emptied");
		return send(s, INTAKE_CARTS, &head);
	}
	for (const struct json *i = items->first; i; i = i->next) {
		struct record r = head;
		shopify_line(&r, i);
		r.f[FIELD_AMOUNT] = json_text(i, "line_price");
		if (json_text(i, "id_product").n)
			r.f[FIELD_SKU] = json_text(i, "id_product");
		if (!r.f[FIELD_SKU].n)
			r.f[FIELD_SKU] = r.f[FIELD_PRODUCT];
		if (!send(s, INTAKE_CARTS, &r))
			return false;
	}
	return true;
}

/* ---- customers, products, the rest ---- */

static bool one_customer(const struct sheet *s, const struct json *o, const char *platform)
{
	struct record r = blank(s->row, s->raw);
	if (strcmp(platform, "woocommerce") == 0)
		r.f[FIELD_CREATED] = gmt(s->a, json_text(o, "date_created_gmt"));
	if (strcmp(platform, "json") != 0)
		r.f[FIELD_CUSTOMER] = json_text(o, "id");
	fill(s, &r, o, INTAKE_CUSTOMERS);
	return send(s, INTAKE_CUSTOMERS, &r);
}

/* PrestaShop gives translated texts as [{"id": 1, "value": "…"}]. */
static struct str translated(const struct json *o, const char *key)
{
	struct str s = json_text(o, key);
	return s.n ? s : nth_text(o, key, "value");
}

static bool shopify_product(const struct sheet *s, const struct json *o)
{
	const struct json *variants = array_of(o, "variants");
	for (const struct json *v = variants ? variants->first : NULL; v; v = v->next) {
		struct record r = blank(s->row, s->raw);
		r.f[FIELD_SKU] = FIRST(v, "sku", "id");
		struct str variant = json_text(v, "title");
		r.f[FIELD_PRODUCT] = json_text(o, "title");
		if (variant.n && !str_is(variant, "Default Title"))
			r.f[FIELD_PRODUCT] = arena_printf(s->a, "%.*s - %.*s", STR_ARG(r.f[FIELD_PRODUCT]), STR_ARG(variant));
		r.f[FIELD_TYPE] = json_text(o, "product_type");
		r.f[FIELD_BRAND] = json_text(o, "vendor");
		r.f[FIELD_PRICE] = FIRST(v, "price", "formatted_price");
		r.f[FIELD_STOCK] = json_text(v, "inventory_quantity");
		r.f[FIELD_IMAGE] = FIRST(o, "image.src");
		if (!r.f[FIELD_IMAGE].n)
			r.f[FIELD_IMAGE] = nth_text(o, "images", "src");
		if (!send(s, INTAKE_PRODUCTS, &r))
			return false;
	}
	return true;
}

static bool one_product(const struct sheet *s, const struct json *o, const char *platform)
{
	if (array_of(o, "variants"))
		return shopify_product(s, o);
	struct record r = blank(s->row, s->raw);
	if (strcmp(platform, "woocommerce") == 0) {
		r.f[FIELD_SKU] = FIRST(o, "sku", "id");
		r.f[FIELD_PRICE] = FIRST(o, "regular_price", "price");
		r.f[FIELD_CATEGORY] = nth_text(o, "categories", "name");
		r.f[FIELD_IMAGE] = nth_text(o, "images", "src");
		r.f[FIELD_URL] = json_text(o, "permalink");
	} else if (strcmp(platform, "prestashop") == 0) {
		r.f[FIELD_SKU] = FIRST(o, "reference", "id");
		r.f[FIELD_PRODUCT] = translated(o, "name");
	}
	fill(s, &r, o, INTAKE_PRODUCTS);
	return send(s, INTAKE_PRODUCTS, &r);
}

static enum intake_kind group_kind(struct str group)
{
	static const struct {
		const char *group;
		enum intake_kind kind;
	} GROUPS[] = {
		{ "orders", INTAKE_ORDERS },      { "order", INTAKE_ORDERS },        { "draft_orders", INTAKE_ORDERS },
		{ "draft_order", INTAKE_ORDERS }, { "customers", INTAKE_CUSTOMERS }, { "customer", INTAKE_CUSTOMERS },
		{ "contacts", INTAKE_CUSTOMERS }, { "products", INTAKE_PRODUCTS },   { "product", INTAKE_PRODUCTS },
		{ "carts", INTAKE_CARTS },        { "cart", INTAKE_CARTS },          { "checkouts", INTAKE_CARTS },
		{ "checkout", INTAKE_CARTS },     { "consents", INTAKE_CONSENTS },   { "events", INTAKE_EVENTS }
	};
	for (size_t i = 0; i < ARRAY_LEN(GROUPS); i++)
		if (str_is(group, GROUPS[i].group))
			return GROUPS[i].kind;
	return INTAKE_GUESS;
}

static enum intake_kind record_kind(struct arena *a, struct str group, const struct json *o)
{
	enum intake_kind kind = group_kind(group);
	if (kind != INTAKE_GUESS)
		return kind;
	if (json_get(o, "abandoned_checkout_url") || json_get(o, "associations.cart_rows"))
		return INTAKE_CARTS;
	if (array_of(o, "line_items") || array_of(o, "lines") || json_get(o, "associations.order_rows") ||
	    json_get(o, "order_key"))
		return json_get(o, "cart") && !json_get(o, "order") ? INTAKE_CARTS : INTAKE_ORDERS;
	if (json_get(o, "regular_price") || array_of(o, "variants") || (json_get(o, "sku") && json_get(o, "price")))
		return INTAKE_PRODUCTS;
	struct flat *flat = arena_new(a, struct flat);
	flatten(a, o, STR(""), 0, flat);
	return layout_kind(flat->keys, flat->count);
}

static const char *record_platform(const struct json *o, enum intake_kind kind)
{
	if (json_get(o, "date_add") || json_get(o, "associations") || json_get(o, "id_default_group") ||
	    json_get(o, "date_upd"))
		return "prestashop";
	if (json_get(o, "date_created_gmt") || json_get(o, "date_created") || json_get(o, "_links"))
		return "woocommerce";
	bool order = json_get(o, "total_price") || json_get(o, "financial_status") || json_get(o, "subtotal_price");
	bool person = json_get(o, "default_address") || json_get(o, "verified_email") || json_get(o, "accepts_marketing") ||
	              json_get(o, "email_marketing_consent");
	bool cart = kind == INTAKE_CARTS && (json_get(o, "token") || json_get(o, "abandoned_checkout_url"));
	if (order || person || cart || (kind == INTAKE_PRODUCTS && array_of(o, "variants")))
		return "shopify";
	return "json";
}

/* What a rejected record looked like: compact JSON again, cut at 4 KiB. */
static void write_json(const struct json *v, struct buf *out)
{
	char close = v->type == JSON_OBJECT ? '}' : ']';
	if (out->full)
		return;
	if (v->type == JSON_STRING)
		buf_json(out, v->text);
	else if (v->type == JSON_NULL)
		buf_cstr(out, "null");
	else if (v->type == JSON_NUMBER || v->type == JSON_BOOL)
		buf_str(out, v->text);
	else {
		buf_char(out, v->type == JSON_OBJECT ? '{' : '[');
		for (const struct json *m = v->first; m && !out->full; m = m->next) {
			if (v->type == JSON_OBJECT) {
				buf_json(out, m->key);
				buf_char(out, ':');
			}
			write_json(m, out);
			if (m->next)
				buf_char(out, ',');
		}
		buf_char(out, close);
	}
}

static bool dispatch(const struct sheet *s, struct str group, const struct json *o)
{
	struct intake_report *report = s->e->report;
	const char *platform = report->platform;
	bool mapped = s->e->o->map && s->e->o->map->column_count;
	switch (report->kind) {
	case INTAKE_ORDERS:
		if (!mapped && !strcmp(platform, "shopify"))
			return shopify_order(s, o, str_starts(group, STR("draft")));
		if (!mapped && !strcmp(platform, "woocommerce") && array_of(o, "line_items"))
			return woo_order(s, o);
		if (!mapped && !strcmp(platform, "prestashop"))
			return prestashop_order(s, o);
		return generic_order(s, o, INTAKE_ORDERS);
	case INTAKE_CARTS:
		return !mapped && strcmp(platform, "json") != 0 ? shop_cart(s, o) : generic_order(s, o, INTAKE_CARTS);
	case INTAKE_CUSTOMERS: return one_customer(s, o, platform);
	case INTAKE_PRODUCTS: return one_product(s, o, platform);
	case INTAKE_CONSENTS:
	case INTAKE_EVENTS: {
		struct record r = blank(s->row, s->raw);
		fill(s, &r, o, report->kind);
		return send(s, report->kind, &r);
	}
	case INTAKE_GUESS: break;
	}
	return err_set(s->err, ERR_INPUT,
	               "cannot tell what these records are: say --as orders, customers, products, carts, consents or "
	               "events");
}

bool json_record(struct emitter *e, struct str group, const struct json *record, uint64_t row, struct str raw,
                 struct err *err)
{
	struct arena a;
	struct buf text;
	arena_init(&a);
	buf_init(&text, 4096);
	if (e->report->rows == 0) {
		if (e->report->kind == INTAKE_GUESS)
			e->report->kind = record_kind(&a, group, record);
		snprintf(e->report->platform, sizeof e->report->platform, "%s", record_platform(record, e->report->kind));
	}
	if (raw.n == 0) {
		write_json(record, &text);
		raw = buf_view(&text);
	}
	struct sheet s = { e, &a, err, raw, row };
	bool ok = dispatch(&s, group, record);
	buf_release(&text);
	arena_release(&a);
	return ok;
}
