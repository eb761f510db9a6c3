/* Method: person and catalogue rows. A row is an array of texts (and numbers) so that merging is one loop: a field that
 * is said and differs replaces, a field not said leaves what is there. */
#include "store/batch.h"

#include "model/names.h"
#include "store/erase.h"
#include "store/merge.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { PERSON_FIELDS = 12, PRODUCT_TEXTS = 9, PRODUCT_INTS = 6 };

_Static_assert(sizeof(struct person) == PERSON_FIELDS * sizeof(struct str), "a person is its texts");

static bool merge_text(struct str *have, struct str said, struct arena *a)
{
	if (said.n == 0 || str_eq(*have, said))
		return false;
	*have = arena_str(a, said);
	return true;
}

/* ---- persons ---- */

static bool person_merge(struct person *have, const struct person *said, struct arena *a)
{
	struct str *h = (struct str *)have;
	const struct str *s = (const struct str *)said;
	bool changed = false;
	for (int i = 0; i < PERSON_FIELDS; i++)
		changed = merge_text(&h[i], s[i], a) || changed;
	return changed;
}

static int person_row(struct db *db, customer_id c, struct arena *a, struct person *out, struct err *err)
{
	struct query *q = db_query(db, "person_get");
	query_int(q, 1, c);
	int got = query_next(q, err);
	for (int i = 0; got == 1 && i < PERSON_FIELDS; i++)
		((struct str *)out)[i] = column_text(q, i, a);
	query_done(q);
	return got;
}

static bool address_change(struct db *db, customer_id c, struct str old, struct str new, struct str other,
                           struct err *err)
{
	const struct shop *shop = store_shop(db);
	uint64_t was = store_address_hash(shop, old), is = store_address_hash(shop, new);
	if (was == is)
		return true;
	if (was && was != store_address_hash(shop, other)) {
		struct query *q = db_query(db, "address_delete");
		query_int(q, 1, (int64_t)was);
		query_int(q, 2, c);
		if (!query_run(q, NULL, err))
			return false;
	}
	if (!is)
		return true;
	struct query *q = db_query(db, "address_insert");
	query_int(q, 1, (int64_t)is);
	query_int(q, 2, c);
	return query_run(q, NULL, err);
}

static bool person_write(struct db *db, customer_id c, const struct person *p, struct err *err)
{
	struct query *q = db_query(db, "person_put");
	query_int(q, 1, c);
	for (int i = 0; i < PERSON_FIELDS; i++) {
		struct str s = ((const struct str *)p)[i];
		if (s.n)
			query_text(q, i + 2, s);
		else
			query_null(q, i + 2);
	}
	return query_run(q, NULL, err);
}

bool store_batch_person(struct store_batch *b, customer_id c, const struct person *p, bool *changed, struct err *err)
{
	check(c != GUESTS);
	if (b->ids && store_is_erased(b->ids, c)) {
		if (changed)
			*changed = false;
		return true;
	}
	uint32_t waiting = idmap_find(&b->person_map, c);
	bool is_new = b->ids && c > b->customers_saved && waiting == INTERN_NONE;
	if (is_new) {
		waiting = idmap_put(&b->person_map, c, NULL);
		b->persons = mem_grow(b->persons, &b->person_cap, waiting + 1, sizeof *b->persons);
		b->persons[waiting] = (struct batch_person){ .customer = c };
	}
	if (waiting != INTERN_NONE) {
		bool any = person_merge(&b->persons[waiting].p, p, &b->row_arena);
		if (changed)
			*changed = any || is_new;
		return b->row_arena.total < STORE_FLUSH_BYTES || batch_flush(b, err);
	}
	struct arena a;
	arena_init(&a);
	struct person have = { 0 };
	int got = person_row(b->db, c, &a, &have, err);
	struct person old = have;
	bool any = got >= 0 && (person_merge(&have, p, &a) || got == 0);
	bool ok = got >= 0;
	if (any)
		ok = person_write(b->db, c, &have, err) && address_change(b->db, c, old.email, have.email, have.phone, err) &&
		     address_change(b->db, c, old.phone, have.phone, have.email, err);
	arena_release(&a);
	if (changed)
		*changed = any;
	return ok;
}

bool store_person_of(struct db *db, customer_id c, struct arena *a, struct person *out, struct str *ref,
                     struct err *err)
{
	*out = (struct person){ 0 };
	struct query *q = db_query(db, "customer_get");
	query_int(q, 1, c);
	int got = query_next(q, err);
	if (got == 0)
		return err_set(err, ERR_INPUT, "there is no customer #%u", c);
	if (got < 0)
		return false;
	if (ref)
		*ref = column_text(q, 0, a);
	query_done(q);
	return person_row(db, c, a, out, err) >= 0;
}

/* Parts that belong together are taken together: half of two names names nobody. */
static void lay_part(struct str *const *have, const struct str *const *other, int count)
{
	bool known = false, said = false;
	for (int i = 0; i < count; i++) {
		known |= have[i]->n > 0;
		said |= other[i]->n > 0;
	}
	for (int i = 0; i < count && !known && said; i++)
		*have[i] = *other[i];
}

static void person_lay(struct person *p, const struct person *o, struct arena *a)
{
	lay_part((struct str *const[]){ &p->last_name, &p->first_name, &p->civility },
	         (const struct str *const[]){ &o->last_name, &o->first_name, &o->civility }, 3);
	lay_part((struct str *const[]){ &p->address1, &p->address2, &p->postcode, &p->city, &p->country },
	         (const struct str *const[]){ &o->address1, &o->address2, &o->postcode, &o->city, &o->country }, 5);
	lay_part((struct str *const[]){ &p->company }, (const struct str *const[]){ &o->company }, 1);
	lay_part((struct str *const[]){ &p->email }, (const struct str *const[]){ &o->email }, 1);
	lay_part((struct str *const[]){ &p->phone }, (const struct str *const[]){ &o->phone }, 1);
	json_error_t why;
	json_t *mine = json_loadb(p->attributes.p ? p->attributes.p : "", p->attributes.n, 0, &why);
	json_t *theirs = json_loadb(o->attributes.p ? o->attributes.p : "", o->attributes.n, 0, &why);
	if (!mine)
		p->attributes = o->attributes;
	if (mine && theirs && json_object_update_missing(mine, theirs) == 0) {
		char *text = json_dumps(mine, JSON_COMPACT | JSON_PRESERVE_ORDER);
		p->attributes = arena_str(a, str_from(text));
		free(text);
	}
	json_decref(mine);
	json_decref(theirs);
}

bool store_person(struct db *db, customer_id c, struct arena *a, struct person *out, struct str *ref, struct err *err)
{
	struct merges m;
	customer_id *list = NULL;
	size_t count = 0, cap = 0;
	if (!store_person_of(db, c, a, out, ref, err) || !merges_read_of(db, c, &m, err))
		return false;
	merges_members(&m, c, &list, &count, &cap);
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++) {
		struct person other = { 0 };
		ok = person_row(db, list[i], a, &other, err) >= 0;
		person_lay(out, &other, a);
	}
	free(list);
	merges_release(&m);
	return ok;
}

/* ---- products ---- */

struct product_fields {
	struct str *texts[PRODUCT_TEXTS];
	int64_t *price, *cost;
	int32_t *ints[4];
};

static struct product_fields fields(struct product_row *p)
{
	return (struct product_fields){
		.texts = { &p->name, &p->type, &p->family, &p->category, &p->brand, &p->replaced_by, &p->url, &p->image,
		           &p->attributes },
		.price = &p->price,
		.cost = &p->cost,
		.ints = { &p->vat_x2, &p->stock, &p->lifetime_days, &p->tier },
	};
}

/* The attributes said, else those there are, with the marks among them. */
static struct str marked(struct str have, struct str said, struct str marks, struct arena *a)
{
	struct str base = said.n ? said : have;
	json_t *j = base.n ? json_loadb(base.p, base.n, 0, NULL) : NULL, *m = json_loadb(marks.p, marks.n, 0, NULL);
	if (!json_is_object(j)) {
		json_decref(j);
		j = json_object();
	}
	json_object_update(j, m);
	char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	struct str out = arena_str(a, str_from(text ? text : ""));
	free(text);
	json_decref(j);
	json_decref(m);
	return out;
}

static bool product_merge(struct product_row *have, const struct product_row *said, struct arena *a)
{
	struct product_row copy = *said;
	struct product_fields h = fields(have), s = fields(&copy);
	if (said->marks.n)
		copy.attributes = marked(have->attributes, said->attributes, said->marks, a);
	bool changed = false;
	for (int i = 0; i < PRODUCT_TEXTS; i++)
		changed = merge_text(h.texts[i], *s.texts[i], a) || changed;
	if (*s.price >= 0 && *s.price != *h.price)
		*h.price = *s.price, changed = true;
	if (*s.cost >= 0 && *s.cost != *h.cost)
		*h.cost = *s.cost, changed = true;
	for (int i = 0; i < 4; i++)
		if (*s.ints[i] >= 0 && *s.ints[i] != *h.ints[i])
			*h.ints[i] = *s.ints[i], changed = true;
	if (said->not_a_product && !have->not_a_product)
		have->not_a_product = changed = true;
	return changed;
}

static int64_t int_or_unknown(struct query *q, int column)
{
	return query_is_null(q, column) ? -1 : query_get_int(q, column);
}

/* Columns as in the queries product_get and products. */
static void product_of_row(struct query *q, struct product_row *p)
{
	struct product_fields f = fields(p);
	p->sku = query_get_text(q, 1);
	for (int i = 0; i < PRODUCT_TEXTS; i++)
		*f.texts[i] = query_get_text(q, 2 + i);
	*f.price = int_or_unknown(q, 11);
	*f.cost = int_or_unknown(q, 12);
	for (int i = 0; i < 4; i++)
		*f.ints[i] = (int32_t)int_or_unknown(q, 13 + i);
	p->not_a_product = query_get_int(q, 17) != 0;
}

static bool product_write(struct db *db, product_id id, struct product_row *p, struct err *err)
{
	struct product_fields f = fields(p);
	struct query *q = db_query(db, "product_update");
	query_int(q, 1, id);
	for (int i = 0; i < PRODUCT_TEXTS; i++) {
		if (f.texts[i]->n)
			query_text(q, 2 + i, *f.texts[i]);
		else
			query_null(q, 2 + i);
	}
	int64_t ints[] = { *f.price, *f.cost, *f.ints[0], *f.ints[1], *f.ints[2], *f.ints[3] };
	for (int i = 0; i < PRODUCT_INTS; i++) {
		if (ints[i] >= 0)
			query_int(q, 11 + i, ints[i]);
		else
			query_null(q, 11 + i);
	}
	query_int(q, 17, p->not_a_product);
	return query_run(q, NULL, err);
}

static void price_note(struct store_batch *b, product_id id, int64_t before, int64_t after)
{
	if (after < 0 || after == before)
		return;
	b->prices = mem_grow(b->prices, &b->price_cap, b->price_count + 1, sizeof *b->prices);
	b->prices[b->price_count++] = (struct batch_price){ id, after };
}

static bool product_stored(struct store_batch *b, product_id id, const struct product_row *said, bool *any,
                           struct err *err)
{
	struct arena a;
	arena_init(&a);
	struct product_row have;
	struct query *q = db_query(b->db, "product_get");
	query_int(q, 1, id);
	int got = query_next(q, err);
	bool ok = got == 1;
	if (got == 0)
		err_set(err, ERR_WORLD, "%s: product %u has no row: run \"relance check\"", db_address(b->db), id);
	*any = false;
	if (ok) {
		product_of_row(q, &have);
		struct product_fields f = fields(&have);
		have.sku = arena_str(&a, have.sku);
		for (int i = 0; i < PRODUCT_TEXTS; i++)
			*f.texts[i] = arena_str(&a, *f.texts[i]);
		query_done(q);
		int64_t before = have.price;
		*any = product_merge(&have, said, &a);
		ok = !*any || product_write(b->db, id, &have, err);
		b->catalogue |= *any;
		price_note(b, id, before, have.price);
	}
	arena_release(&a);
	return ok;
}

bool store_batch_product(struct store_batch *b, const struct product_row *p, bool *changed, struct err *err)
{
	check(b->ids);
	bool created, any;
	product_id id = store_product(b->ids, p->sku, &created);
	if (id <= b->products_saved) {
		bool ok = product_stored(b, id, p, &any, err);
		if (changed)
			*changed = any;
		return ok;
	}
	bool is_new;
	uint32_t row = idmap_put(&b->product_map, id, &is_new);
	b->products = mem_grow(b->products, &b->product_cap, row + 1, sizeof *b->products);
	struct batch_product *w = &b->products[row];
	if (is_new)
		*w = (struct batch_product){ id, PRODUCT_UNSAID };
	int64_t before = w->p.price;
	any = product_merge(&w->p, p, &b->row_arena);
	price_note(b, id, before, w->p.price);
	if (changed)
		*changed = any || created;
	return b->row_arena.total < STORE_FLUSH_BYTES || batch_flush(b, err);
}

bool store_products(struct db *db, store_product_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "products");
	struct product_row p;
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		product_of_row(q, &p);
		if (!fn(ctx, (product_id)query_get_int(q, 0), &p, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

/* ---- finding a person ---- */

static bool by_query(struct query *q, customer_id *out, struct err *err)
{
	int got = query_next(q, err);
	*out = got == 1 ? (customer_id)query_get_int(q, 0) : 0;
	query_done(q);
	return got >= 0;
}

static bool by_address(struct db *db, uint64_t hash, customer_id *out, struct err *err)
{
	struct query *q = db_query(db, "address_find");
	customer_id found[2] = { 0 };
	int n = 0, got;
	query_int(q, 1, (int64_t)hash);
	while (n < 2 && (got = query_next(q, err)) == 1)
		found[n++] = (customer_id)query_get_int(q, 0);
	if (n < 2 && got < 0)
		return false;
	query_done(q);
	*out = found[0];
	return n < 2 ||
	       err_set(err, ERR_INPUT, "several customers have this address, #%u and #%u among them: give the number",
	               found[0], found[1]);
}

bool store_find_customer(struct db *db, const struct shop *shop, struct str who, customer_id *out, struct err *err)
{
	who = str_trim(who);
	*out = 0;
	int64_t id;
	if (who.n > 1 && who.p[0] == '#' && str_i64((struct str){ who.p + 1, who.n - 1 }, &id) && id > 0) {
		struct query *q = db_query(db, "customer_by_id");
		query_int(q, 1, id);
		if (!by_query(q, out, err))
			return false;
	} else {
		struct query *q = db_query(db, "customer_by_ref");
		query_text(q, 1, who);
		if (!by_query(q, out, err))
			return false;
		uint64_t hash = *out ? 0 : store_address_hash(shop, who);
		if (hash && !by_address(db, hash, out, err))
			return false;
	}
	return *out != 0 || err_set(err, ERR_INPUT,
	                            "no such customer: give the shop's own number, #N, or an e-mail address that is known");
}
