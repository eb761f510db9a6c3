#include "outbox/liquid_value.h"

struct lobject *lobject_new(struct arena *a, uint32_t cap)
{
	struct lobject *o = arena_new(a, struct lobject);
	o->cap = cap ? cap : 4;
	o->pairs = arena_array(a, struct lpair, o->cap);
	return o;
}

static void index_add(struct lobject *o, uint32_t at)
{
	uint32_t i = o->pairs[at].hash & o->index_mask;
	while (o->index[i])
		i = (i + 1) & o->index_mask;
	o->index[i] = at + 1;
}

static void index_build(struct arena *a, struct lobject *o)
{
	uint32_t slots = 32;
	while (slots < o->cap * 2)
		slots *= 2;
	o->index = arena_array(a, uint32_t, slots);
	o->index_mask = slots - 1;
	for (uint32_t i = 0; i < o->count; i++)
		index_add(o, i);
}

const struct lval *lobject_find(const struct lobject *o, struct str key, uint32_t hash)
{
	if (o->index) {
		for (uint32_t i = hash & o->index_mask; o->index[i]; i = (i + 1) & o->index_mask) {
			const struct lpair *p = &o->pairs[o->index[i] - 1];
			if (p->hash == hash && p->n == key.n && lkey_same(p->key, key.p, key.n))
				return &p->value;
		}
		return NULL;
	}
	for (const struct lpair *p = o->pairs, *end = p + o->count; p < end; p++)
		if (p->hash == hash && p->n == key.n && lkey_same(p->key, key.p, key.n))
			return &p->value;
	return NULL;
}

void lobject_put(struct arena *a, struct lobject *o, struct str key, struct lval v)
{
	lobject_put_hashed(a, o, key, lkey_hash(key), v);
}

void lobject_put_hashed(struct arena *a, struct lobject *o, struct str key, uint32_t hash, struct lval v)
{
	struct lval *old = (struct lval *)(uintptr_t)lobject_find(o, key, hash);
	if (old) {
		*old = v;
		return;
	}
	bool grown = o->count == o->cap;
	if (grown) {
		struct lpair *pairs = arena_array(a, struct lpair, (size_t)o->cap * 2);
		memcpy(pairs, o->pairs, o->count * sizeof *pairs);
		o->pairs = pairs;
		o->cap *= 2;
	}
	o->pairs[o->count++] = (struct lpair){ .key = key.p, .n = (uint32_t)key.n, .hash = hash, .value = v };
	if (o->count > LOBJECT_INDEX_MIN) {
		if (!o->index || grown)
			index_build(a, o);
		else
			index_add(o, o->count - 1);
	}
}

static bool from_json(struct arena *a, const json_t *json, struct lval *out, int depth, struct err *err)
{
	if (depth > LVAL_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "data nested more than %d deep", LVAL_DEPTH_MAX);
	switch (json_typeof(json)) {
	case JSON_NULL: *out = lval_nil(); return true;
	case JSON_TRUE:
	case JSON_FALSE: *out = lval_bool(json_is_true(json)); return true;
	case JSON_INTEGER: *out = lval_int(json_integer_value(json)); return true;
	case JSON_REAL: *out = lval_float(json_real_value(json)); return true;
	case JSON_STRING:
		*out = lval_str(arena_str(a, (struct str){ json_string_value(json), json_string_length(json) }));
		return true;
	case JSON_ARRAY: {
		size_t n = json_array_size(json);
		struct lval *items = arena_array(a, struct lval, n ? n : 1);
		for (size_t i = 0; i < n; i++)
			if (!from_json(a, json_array_get(json, i), &items[i], depth + 1, err))
				return false;
		*out = lval_array(items, n);
		return true;
	}
	case JSON_OBJECT: {
		struct lobject *o = lobject_new(a, (uint32_t)json_object_size(json));
		const char *key;
		json_t *value;
		json_object_foreach((json_t *)(uintptr_t)json, key, value)
		{
			struct lval v;
			if (!from_json(a, value, &v, depth + 1, err))
				return false;
			lobject_put(a, o, arena_str(a, str_from(key)), v);
		}
		*out = lval_object(o);
		return true;
	}
	}
	return err_set(err, ERR_INPUT, "data is not JSON");
}

bool lval_from_json(struct arena *a, const json_t *json, struct lval *out, struct err *err)
{
	return from_json(a, json, out, 0, err);
}

static bool object_equal(const struct lobject *a, const struct lobject *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct lpair *p = &a->pairs[i];
		const struct lval *v = lobject_find(b, (struct str){ p->key, p->n }, p->hash);
		if (!v || !lval_equal(p->value, *v))
			return false;
	}
	return true;
}

bool lval_equal(struct lval a, struct lval b)
{
	if (a.type != b.type) {
		if (a.type == LVAL_INT && b.type == LVAL_FLOAT)
			return (double)a.i == b.f;
		return a.type == LVAL_FLOAT && b.type == LVAL_INT && a.f == (double)b.i;
	}
	switch ((enum lval_type)a.type) {
	case LVAL_NIL:
	case LVAL_EMPTY:
	case LVAL_BLANK: return true;
	case LVAL_BOOL: return a.b == b.b;
	case LVAL_INT: return a.i == b.i;
	case LVAL_FLOAT: return a.f == b.f;
	case LVAL_STRING: return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
	case LVAL_ARRAY:
		if (a.n != b.n)
			return false;
		for (uint32_t i = 0; i < a.n; i++)
			if (!lval_equal(a.items[i], b.items[i]))
				return false;
		return true;
	case LVAL_OBJECT: return a.object == b.object || object_equal(a.object, b.object);
	case LVAL_RANGE: return a.range->from == b.range->from && a.range->to == b.range->to;
	case LVAL_LOOP: return a.loop == b.loop;
	}
	return false;
}
