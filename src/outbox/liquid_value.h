/* liquid_value: what a template sees: nil, booleans, numbers, strings, arrays, objects, ranges.
 *
 * A value is 16 bytes, passed by copy; what it points to lives in an arena and is never changed once a template can see
 * it, so values are shared freely between threads and renderings. Build them from JSON, or with the builders below:
 *
 *     struct lobject *customer = lobject_new(&arena, 8);
 *     lobject_set(&arena, customer, "first_name", lval_str(name));
 *
 * Object keys keep their order; a key set twice keeps its first place. Lookups compare a 32-bit hash first and, past
 * LOBJECT_INDEX_MIN keys, go through a hash index. */
#ifndef RELANCE_OUTBOX_LIQUID_VALUE_H
#define RELANCE_OUTBOX_LIQUID_VALUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

#include <jansson.h>

enum {
	LVAL_DEPTH_MAX = 64, /* arrays and objects inside each other, from JSON */
	LOBJECT_INDEX_MIN = 12,
};

enum lval_type {
	LVAL_NIL,
	LVAL_BOOL,
	LVAL_INT,
	LVAL_FLOAT,
	LVAL_STRING,
	LVAL_ARRAY,
	LVAL_OBJECT,
	LVAL_RANGE,
	LVAL_LOOP,  /* forloop, tablerowloop */
	LVAL_EMPTY, /* the words `empty` and `blank` in a condition */
	LVAL_BLANK,
};

struct lobject;
struct lrange {
	int64_t from, to;
};
struct lloop;

struct lval {
	uint8_t type;
	bool safe;  /* strings: HTML already */
	uint32_t n; /* bytes of a string, items of an array */
	union {
		bool b;
		int64_t i;
		double f;
		const char *s;
		const struct lval *items;
		const struct lobject *object;
		const struct lrange *range;
		const struct lloop *loop;
	};
};

struct lpair {
	const char *key;
	uint32_t hash, n;
	struct lval value;
};

struct lobject {
	struct lpair *pairs;
	uint32_t *index; /* pair + 1, 0 = empty; NULL while small */
	uint32_t count, cap, index_mask;
};

static inline struct lval lval_nil(void)
{
	return (struct lval){ .type = LVAL_NIL };
}
static inline struct lval lval_bool(bool b)
{
	return (struct lval){ .type = LVAL_BOOL, .b = b };
}
static inline struct lval lval_int(int64_t i)
{
	return (struct lval){ .type = LVAL_INT, .i = i };
}
static inline struct lval lval_float(double f)
{
	return (struct lval){ .type = LVAL_FLOAT, .f = f };
}
static inline struct lval lval_str(struct str s) /* not copied */
{
	return (struct lval){ .type = LVAL_STRING, .n = (uint32_t)s.n, .s = s.p };
}
static inline struct lval lval_cstr(const char *s)
{
	return s ? lval_str(str_from(s)) : lval_nil();
}
static inline struct lval lval_array(const struct lval *items, size_t n)
{
	return (struct lval){ .type = LVAL_ARRAY, .n = (uint32_t)n, .items = items };
}
static inline struct lval lval_object(const struct lobject *o)
{
	return (struct lval){ .type = LVAL_OBJECT, .object = o };
}
static inline struct str lval_view(struct lval v) /* of a string */
{
	return (struct str){ v.s, v.n };
}
static inline bool lval_truthy(struct lval v)
{
	return !(v.type == LVAL_NIL || (v.type == LVAL_BOOL && !v.b));
}

static inline uint32_t lkey_hash(struct str key)
{
	return (uint32_t)hash_str(key);
}

/* Whether two keys of n bytes are the same: without a call, for the short ones that keys are. */
static inline bool lkey_same(const char *a, const char *b, size_t n)
{
	uint64_t x, y, u, v;
	uint32_t s, t, k, l;
	if (n > 16)
		return memcmp(a, b, n) == 0;
	if (n >= 8) {
		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
		memcpy(&u, a + n - 8, 8);
		memcpy(&v, b + n - 8, 8);
		return x == y && u == v;
	}
	if (n >= 4) {
		memcpy(&s, a, 4);
		memcpy(&t, b, 4);
		memcpy(&k, a + n - 4, 4);
		memcpy(&l, b + n - 4, 4);
		return s == t && k == l;
	}
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

struct lobject *lobject_new(struct arena *a, uint32_t cap);
void lobject_put(struct arena *a, struct lobject *o, struct str key, struct lval v); /* key not copied */
void lobject_put_hashed(struct arena *a, struct lobject *o, struct str key, uint32_t hash, struct lval v);
const struct lval *lobject_find(const struct lobject *o, struct str key, uint32_t hash); /* NULL when absent */
/* lobject_find for a key looked up again and again in objects of one shape: *hint remembers where it was last time.
 * Threads may share a hint: it is only ever a guess, checked. */
static inline const struct lval *lobject_find_hinted(const struct lobject *o, struct str key, uint32_t hash,
                                                     uint32_t *hint)
{
	uint32_t at = __atomic_load_n(hint, __ATOMIC_RELAXED);
	if (at < o->count && o->pairs[at].hash == hash && o->pairs[at].n == key.n &&
	    lkey_same(o->pairs[at].key, key.p, key.n))
		return &o->pairs[at].value;
	const struct lval *v = lobject_find(o, key, hash);
	if (v) {
		const char *pair = (const char *)v - offsetof(struct lpair, value);
		__atomic_store_n(hint, (uint32_t)((const struct lpair *)(const void *)pair - o->pairs), __ATOMIC_RELAXED);
	}
	return v;
}
static inline void lobject_set(struct arena *a, struct lobject *o, const char *key, struct lval v)
{
	lobject_put(a, o, str_from(key), v);
}
static inline const struct lval *lobject_get(const struct lobject *o, const char *key)
{
	return lobject_find(o, str_from(key), lkey_hash(str_from(key)));
}

/* Copies a JSON value into the arena. False past LVAL_DEPTH_MAX. */
bool lval_from_json(struct arena *a, const json_t *json, struct lval *out, struct err *err) MUST_CHECK;

/* Equality as `==` in a condition: 1 == 1.0, arrays and objects by content. */
bool lval_equal(struct lval a, struct lval b);

#endif
