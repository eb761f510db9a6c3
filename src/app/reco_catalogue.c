/* The catalogue of reco: one item a product, its words, its attributes and which way they are better. */
#include "app/reco_int.h"
#include "base/intern.h"

#include <jansson.h>
#include <stdlib.h>

enum { ATTRIBUTE_NAMES_MAX = 60000, GROUP_MAX = 100, PAIRS_MIN = 3 };
static const double AGREE = 0.3; /* Kendall's tau within a type from which on an attribute has a direction */

struct taking {
	struct reco *r;
	const struct product *catalogue;
	uint32_t catalogue_count;
	size_t item_of_cap;
	struct intern types, families, collections, attributes;
	uint32_t count;
	size_t items_cap, words_cap, product_cap, attribute_cap, attribute_n;
	product_id *replaced_by; /* by item */
	size_t replaced_cap;
};

static uint32_t number_of(struct intern *in, struct str text)
{
	return text.n ? intern_put(in, text, NULL) : REC_NONE;
}

static bool number_in(const json_t *v, double *out)
{
	if (json_is_boolean(v))
		*out = json_is_true(v);
	else if (json_is_number(v))
		*out = json_number_value(v);
	else if (json_is_string(v)) { /* "12 W" */
		const char *text = json_string_value(v);
		char *end;
		*out = strtod(text, &end);
		return end != text && *out == *out && (*text == '-' || (*text >= '0' && *text <= '9'));
	} else
		return false;
	return true;
}

static uint16_t months_of(const json_t *list)
{
	uint16_t months = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_int_t m = json_integer_value(json_array_get(list, i));
		if (m >= 1 && m <= 12)
			months |= (uint16_t)(1 << (m - 1));
	}
	return months;
}

static bool is_word(struct taking *t, struct rec_item *x, const char *name, const json_t *v)
{
	static const struct {
		const char *name;
		uint8_t flag;
	} FLAGS[] = { { "consumable", REC_CONSUMABLE }, { "hidden", REC_HIDDEN }, { "excluded", REC_EXCLUDED } };
	for (size_t i = 0; i < ARRAY_LEN(FLAGS); i++)
		if (str_is(str_from(name), FLAGS[i].name)) {
			x->flags |= json_is_true(v) ? FLAGS[i].flag : 0;
			return true;
		}
	if (str_is(str_from(name), "collection"))
		x->collection = json_is_string(v) ? number_of(&t->collections, str_from(json_string_value(v))) : REC_NONE;
	else if (str_is(str_from(name), "months"))
		x->months = months_of(v);
	else
		return false;
	return true;
}

static void take_attributes(struct taking *t, struct str text, struct rec_item *x)
{
	json_error_t where;
	json_t *j = text.n ? json_loadb(text.p, text.n, 0, &where) : NULL;
	const char *name;
	json_t *v;
	json_object_foreach(j, name, v)
	{
		double value;
		if (is_word(t, x, name, v) || x->attribute_count == REC_ATTRIBUTES_MAX || !number_in(v, &value))
			continue;
		uint32_t id = intern_find(&t->attributes, str_from(name));
		if (id == INTERN_NONE && (uint32_t)t->attributes.count >= ATTRIBUTE_NAMES_MAX)
			continue;
		id = intern_put(&t->attributes, str_from(name), NULL);
		struct reco *r = t->r;
		r->attributes = mem_grow(r->attributes, &t->attribute_cap, t->attribute_n + 1, sizeof *r->attributes);
		r->attributes[t->attribute_n++] = (struct rec_attribute){ .id = (uint16_t)id, .value = (float)value };
		x->attribute_count++;
	}
	json_decref(j);
}

/* What may change any day: price, cost, stock. */
static void set_offer(struct rec_item *x, const struct product_row *p)
{
	int vat = p->vat_x2 > 0 ? p->vat_x2 : 0;
	x->price_minor = p->price;
	x->price_net_minor = p->price < 0 ? p->price : p->price * 200 / (200 + vat);
	x->cost_minor = p->cost;
	x->stock = p->stock;
	x->flags &= (uint8_t) ~(REC_KNOWN_STOCK | REC_KNOWN_COST);
	x->flags |= (uint8_t)((p->stock >= 0 ? REC_KNOWN_STOCK : 0) | (p->cost >= 0 ? REC_KNOWN_COST : 0));
}

static bool restock(void *ctx, product_id id, const struct product_row *p, struct err *err)
{
	struct reco *r = ctx;
	(void)err;
	uint32_t i = id < r->products ? r->item_of[id] : REC_NONE;
	if (i == REC_NONE)
		return true;
	struct rec_item *x = &r->items[i], was = *x;
	set_offer(x, p);
	if (x->price_minor < 0) { /* what the sales say stays */
		x->price_minor = was.price_minor;
		x->price_net_minor = was.price_net_minor;
	}
	json_error_t where;
	json_t *j = p->attributes.n ? json_loadb(p->attributes.p, p->attributes.n, 0, &where) : NULL;
	x->flags &= (uint8_t) ~(REC_HIDDEN | REC_EXCLUDED);
	x->flags |= json_is_true(json_object_get(j, "hidden")) ? REC_HIDDEN : 0;
	x->flags |= json_is_true(json_object_get(j, "excluded")) || p->not_a_product ? REC_EXCLUDED : 0;
	json_decref(j);
	return true;
}

bool reco_restock(struct reco *r, struct db *db, struct instant now, struct err *err)
{
	return reco_guards_settings(r, db, now, err) && store_products(db, restock, r, err);
}

static bool take_product(void *ctx, product_id id, const struct product_row *p, struct err *err)
{
	struct taking *t = ctx;
	struct reco *r = t->r;
	(void)err;
	/* more than the book knows: the catalogue grows while a shop is live */
	r->item_of = mem_grow(r->item_of, &t->item_of_cap, id + 1u, sizeof *r->item_of);
	while (r->products <= id)
		r->item_of[r->products++] = REC_NONE;
	if (p->not_a_product || !p->sku.n)
		return true;
	uint32_t i = t->count++;
	r->items = mem_grow(r->items, &t->items_cap, i + 1, sizeof *r->items);
	r->words = mem_grow(r->words, &t->words_cap, i + 1, sizeof *r->words);
	r->product_of = mem_grow(r->product_of, &t->product_cap, i + 1, sizeof *r->product_of);
	t->replaced_by = mem_grow(t->replaced_by, &t->replaced_cap, i + 1, sizeof *t->replaced_by);
	t->replaced_by[i] = id < t->catalogue_count ? t->catalogue[id].replaced_by : 0;
	r->item_of[id] = i;
	r->product_of[i] = id;
	struct rec_item *x = &r->items[i];
	*x = (struct rec_item){ .type = number_of(&t->types, p->type),
		                    .family = number_of(&t->families, p->family.n ? p->family : p->category),
		                    .collection = REC_NONE,
		                    .replaced_by = REC_NONE,
		                    .lifetime_days = p->lifetime_days > 0 ? p->lifetime_days : 0,
		                    .tier = (uint8_t)(p->tier > 0 && p->tier < 255 ? p->tier : 0),
		                    .rules = reco_rules_of(&r->rules, p),
		                    .attribute_start = (uint32_t)t->attribute_n };
	set_offer(x, p);
	take_attributes(t, p->attributes, x);
	struct arena *a = &r->arena;
	r->words[i] = (struct reco_words){ arena_str(a, p->sku),      arena_str(a, p->name.n ? p->name : p->sku),
		                               arena_str(a, p->category), arena_str(a, p->url),
		                               arena_str(a, p->image),    arena_str(a, p->type),
		                               arena_str(a, p->family) };
	return true;
}

/* ---- which way is better ---- */

struct reading {
	uint32_t type, attribute;
	float value;
	int64_t price;
};

static int by_group(const void *a, const void *b)
{
	const struct reading *x = a, *y = b;
	if (x->attribute != y->attribute)
		return x->attribute < y->attribute ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->price != y->price)
		return x->price < y->price ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

/* Pairs of a type in which the dearer has more, less those in which it has less. */
static void compare(const struct reading *g, size_t n, int64_t *agree, int64_t *pairs)
{
	n = n < GROUP_MAX ? n : GROUP_MAX;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (g[i].price != g[j].price && g[i].value != g[j].value) {
				*agree += g[j].value > g[i].value ? 1 : -1;
				++*pairs;
			}
}

static void learn_directions(const struct reco *r, int8_t *direction, uint32_t names)
{
	struct reading *all = NULL;
	size_t n = 0, cap = 0;
	for (uint32_t i = 0; i < r->data.items; i++)
		for (uint32_t k = 0; k < r->items[i].attribute_count && r->items[i].price_minor > 0; k++) {
			const struct rec_attribute *x = &r->attributes[r->items[i].attribute_start + k];
			all = mem_grow(all, &cap, n + 1, sizeof *all);
			all[n++] = (struct reading){ r->items[i].type, x->id, x->value, r->items[i].price_minor };
		}
	int64_t *agree = mem_alloc((names + 1u) * sizeof *agree), *pairs = mem_alloc((names + 1u) * sizeof *pairs);
	if (n)
		qsort(all, n, sizeof *all, by_group);
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from; to < n && all[to].attribute == all[from].attribute && all[to].type == all[from].type;)
			to++;
		if (all[from].type != REC_NONE)
			compare(all + from, to - from, &agree[all[from].attribute], &pairs[all[from].attribute]);
	}
	for (uint32_t a = 0; a < names; a++) {
		double tau = pairs[a] >= PAIRS_MIN ? (double)agree[a] / (double)pairs[a] : 0;
		direction[a] = (int8_t)((tau >= AGREE) - (tau <= -AGREE));
	}
	free(all);
	free(agree);
	free(pairs);
}

/* "power: more, weight: less": over what was learnt. */
static bool given_directions(struct taking *t, struct db *db, int8_t *direction, struct err *err)
{
	struct str text;
	bool found;
	if (!store_shop_get(db, "recommend.better", &t->r->arena, &text, &found, err))
		return false;
	for (const char *p = text.p, *end = text.p + text.n; found && p < end;) {
		const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma ? comma : end;
		const char *colon = memchr(p, ':', (size_t)(stop - p));
		struct str name = str_trim((struct str){ p, (size_t)((colon ? colon : stop) - p) });
		struct str word = colon ? str_trim((struct str){ colon + 1, (size_t)(stop - colon - 1) }) : STR("");
		if (!str_is(word, "more") && !str_is(word, "less") && !str_is(word, "no"))
			return err_set(err, ERR_INPUT,
			               "the setting recommend.better: \"%.*s\" is followed by : and more, less or no",
			               STR_ARG(name));
		uint32_t id = intern_find(&t->attributes, name);
		if (id != INTERN_NONE)
			direction[id] = (int8_t)(str_is(word, "more") - str_is(word, "less"));
		p = stop + 1;
	}
	return true;
}

static bool set_directions(struct taking *t, struct db *db, struct err *err)
{
	struct reco *r = t->r;
	uint32_t names = (uint32_t)t->attributes.count;
	int8_t *direction = mem_alloc(names + 1u);
	r->attribute_names = mem_alloc((names + 1u) * sizeof *r->attribute_names);
	learn_directions(r, direction, names);
	bool ok = given_directions(t, db, direction, err);
	for (uint32_t a = 0; a < names; a++)
		r->attribute_names[a] = arena_str(&r->arena, intern_name(&t->attributes, a));
	for (size_t i = 0; i < t->attribute_n; i++)
		r->attributes[i].direction = direction[r->attributes[i].id];
	free(direction);
	return ok;
}

bool reco_catalogue(struct reco *r, struct db *db, const struct book *book, struct err *err)
{
	struct taking t = { .r = r };
	t.catalogue = book_products(book, &t.catalogue_count);
	r->item_of = mem_grow(r->item_of, &t.item_of_cap, 1, sizeof *r->item_of);
	intern_init(&t.types);
	intern_init(&t.families);
	intern_init(&t.collections);
	intern_init(&t.attributes);
	bool ok = store_products(db, take_product, &t, err);
	r->data.items = ok ? t.count : 0;
	for (uint32_t i = 0; i < r->data.items; i++)
		r->items[i].replaced_by =
			t.replaced_by[i] && t.replaced_by[i] < r->products ? r->item_of[t.replaced_by[i]] : REC_NONE;
	ok = ok && set_directions(&t, db, err);
	r->names = mem_alloc((r->data.items + 1u) * sizeof *r->names);
	for (uint32_t i = 0; i < r->data.items; i++)
		r->names[i] = r->words[i].name;
	r->data.item = r->items = mem_grow(r->items, &t.items_cap, r->data.items + 1u, sizeof *r->items);
	r->data.attribute = r->attributes;
	r->data.item_names = r->names;
	r->data.attribute_names = r->attribute_names;
	free(t.replaced_by);
	intern_release(&t.types);
	intern_release(&t.families);
	intern_release(&t.collections);
	intern_release(&t.attributes);
	return ok;
}
