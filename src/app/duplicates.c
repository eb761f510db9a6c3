#include "app/duplicates.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

enum { NAME_MAX_CHARS = 160 };

const char *duplicate_sure_name(enum duplicate_sure s)
{
	static const char *const NAMES[] = { "low", "medium", "high" };
	return NAMES[s];
}

void duplicate_why_text(uint8_t why, bool french, struct buf *out)
{
	static const char *const EN[] = { "e-mail", "phone", "name and postcode" };
	static const char *const FR[] = { "e-mail", "téléphone", "nom et code postal" };
	bool first = true;
	for (int i = 0; i < 3; i++)
		if (why >> i & 1) {
			buf_printf(out, "%s%s", first ? "" : ", ", french ? FR[i] : EN[i]);
			first = false;
		}
}

/* ---- names without case, accents and what stands between letters ---- */

static const UNormalizer2 *nfkd;

static void icu_init(void)
{
	UErrorCode e = U_ZERO_ERROR;
	nfkd = unorm2_getNFKDInstance(&e);
	check(U_SUCCESS(e));
}

static uint64_t fold_unicode(struct str s, uint64_t seed)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, icu_init);
	UErrorCode e = U_ZERO_ERROR;
	UChar wide[NAME_MAX_CHARS], parts[NAME_MAX_CHARS * 4], folded[NAME_MAX_CHARS * 6];
	int32_t n = 0, kept = 0;
	u_strFromUTF8(wide, ARRAY_LEN(wide), &n, s.p, (int32_t)s.n, &e);
	n = unorm2_normalize(nfkd, wide, n, parts, ARRAY_LEN(parts), &e);
	n = u_strFoldCase(folded, ARRAY_LEN(folded), parts, n, U_FOLD_CASE_DEFAULT, &e);
	if (U_FAILURE(e))
		return hash64(s.p, s.n, seed);
	char out[NAME_MAX_CHARS * 18];
	for (int32_t i = 0; i < n;) {
		UChar32 c;
		U16_NEXT(folded, i, n, c);
		UBool failed = false;
		if (u_isalnum(c))
			U8_APPEND((uint8_t *)out, kept, (int32_t)sizeof out, c, failed);
		(void)failed;
	}
	return kept ? hash64(out, (size_t)kept, seed) : 0;
}

/* 0: nothing said. */
static uint64_t fold(struct str s, uint64_t seed)
{
	char out[NAME_MAX_CHARS];
	size_t n = 0;
	if (s.n == 0 || s.n > NAME_MAX_CHARS)
		return s.n ? hash64(s.p, s.n, seed) : 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x80)
			return fold_unicode(s, seed);
		if (c >= 'A' && c <= 'Z')
			out[n++] = (char)(c + 'a' - 'A');
		else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[n++] = (char)c;
	}
	return n ? hash64(out, n, seed) : 0;
}

/* ---- the pass ---- */

struct sign {
	uint64_t hash;
	customer_id customer; /* who stands by themselves; of a merged record, whoever goes on for it */
};

struct signs {
	struct sign *items;
	size_t count, cap;
};

struct named {
	customer_id customer;
	uint64_t name;
};

struct finding {
	const struct shop *shop;
	struct signs signs[3]; /* in the order of enum duplicate_why */
	struct named *names;   /* by customer, ascending */
	size_t name_count, name_cap;
	struct idmap apart; /* merge_pair() */
	struct idmap pairs; /* → place in out->items */
	struct duplicates *out;
};

static void sign_add(struct signs *s, uint64_t hash, customer_id c)
{
	if (!hash)
		return;
	s->items = mem_grow(s->items, &s->cap, s->count + 1, sizeof *s->items);
	s->items[s->count++] = (struct sign){ hash, c };
}

static uint64_t name_of(struct str first, struct str last, struct str company)
{
	uint64_t l = fold(last, 1), f = fold(first, 2);
	if (l && f)
		return hash_mix(l, f);
	return l || f ? 0 : fold(company, 3);
}

static bool read_persons(struct finding *f, struct db *db, struct err *err)
{
	struct query *q = db_query(db, "duplicate_persons");
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		customer_id c = (customer_id)query_get_int(q, 0), into = (customer_id)query_get_int(q, 1);
		customer_id who = into ? into : c;
		uint64_t name = name_of(query_get_text(q, 2), query_get_text(q, 3), query_get_text(q, 4));
		uint64_t mail = store_address_hash(f->shop, query_get_text(q, 5));
		uint64_t phone = store_address_hash(f->shop, query_get_text(q, 6));
		uint64_t place = fold(query_get_text(q, 7), 4);
		sign_add(&f->signs[0], mail, who);
		sign_add(&f->signs[1], phone, who);
		sign_add(&f->signs[2], name && place ? hash_mix(name, place) : 0, who);
		if (into || !name)
			continue;
		f->names = mem_grow(f->names, &f->name_cap, f->name_count + 1, sizeof *f->names);
		f->names[f->name_count++] = (struct named){ c, name };
	}
	return got == 0;
}

static uint64_t named(const struct finding *f, customer_id c)
{
	size_t from = 0, to = f->name_count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (f->names[middle].customer < c)
			from = middle + 1;
		else
			to = middle;
	}
	return from < f->name_count && f->names[from].customer == c ? f->names[from].name : 0;
}

/* ---- groups of one hash ---- */

static int by_hash(const void *x, const void *y)
{
	const struct sign *a = x, *b = y;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->customer > b->customer) - (a->customer < b->customer);
}

static bool apart(const struct finding *f, customer_id one, customer_id other)
{
	return f->apart.count && idmap_find(&f->apart, (int64_t)merge_pair(one, other)) != INTERN_NONE;
}

static void propose(struct finding *f, customer_id one, customer_id other, enum duplicate_why why)
{
	struct duplicates *d = f->out;
	uint32_t at = idmap_put(&f->pairs, (int64_t)merge_pair(one, other), NULL);
	if (at == d->count) {
		d->items = mem_grow(d->items, &d->cap, d->count + 1, sizeof *d->items);
		d->items[d->count++] = (struct duplicate){ .one = one, .other = other };
	}
	d->items[at].why |= (uint8_t)why;
}

/* Each with the oldest of them it was not told apart from. */
static void look_at_group(struct finding *f, const customer_id *who, size_t count, enum duplicate_why why)
{
	struct duplicates *d = f->out;
	if (count > DUPLICATE_SHARED_MAX) {
		d->shared = mem_grow(d->shared, &d->shared_cap, d->shared_count + 1, sizeof *d->shared);
		d->shared[d->shared_count++] = (struct duplicate_shared){ why, (uint32_t)count, who[0] };
		return;
	}
	for (size_t i = 1; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (!apart(f, who[k], who[i])) {
				propose(f, who[k], who[i], why);
				break;
			}
}

static void look_at_signs(struct finding *f, struct signs *s, enum duplicate_why why)
{
	customer_id *who = mem_alloc((s->count + 1) * sizeof *who);
	if (s->count)
		qsort(s->items, s->count, sizeof *s->items, by_hash);
	for (size_t i = 0; i < s->count;) {
		size_t n = 0, end = i;
		for (; end < s->count && s->items[end].hash == s->items[i].hash; end++)
			if (n == 0 || who[n - 1] != s->items[end].customer)
				who[n++] = s->items[end].customer;
		if (n > 1)
			look_at_group(f, who, n, why);
		i = end;
	}
	free(who);
}

/* ---- how sure ---- */

static int surest_first(const void *x, const void *y)
{
	const struct duplicate *a = x, *b = y;
	if (a->sure != b->sure)
		return a->sure > b->sure ? -1 : 1;
	if (a->one != b->one)
		return a->one < b->one ? -1 : 1;
	return (a->other > b->other) - (a->other < b->other);
}

static void weigh(struct finding *f)
{
	struct duplicates *d = f->out;
	for (size_t i = 0; i < d->count; i++) {
		struct duplicate *x = &d->items[i];
		uint64_t one = named(f, x->one), other = named(f, x->other);
		bool same = one && one == other, differ = one && other && one != other;
		int addresses = !!(x->why & DUPLICATE_EMAIL) + !!(x->why & DUPLICATE_PHONE);
		if (!addresses || differ) /* a household's address, or two of one name in a town */
			x->sure = addresses == 2 && differ ? DUPLICATE_MEDIUM : DUPLICATE_LOW;
		else
			x->sure = same || addresses == 2 ? DUPLICATE_HIGH : DUPLICATE_MEDIUM;
	}
	if (d->count)
		qsort(d->items, d->count, sizeof *d->items, surest_first);
}

/* What was said of two records holds for those they are merged into. */
static bool read_apart(struct finding *f, struct db *db, struct err *err)
{
	struct idmap said;
	struct merges m;
	idmap_init(&said);
	bool ok = store_distincts(db, &said, err);
	if (ok && said.count) {
		ok = merges_read(db, INSTANT_NEVER, &m, err);
		for (size_t i = 0; ok && i < said.count; i++) {
			uint64_t pair = (uint64_t)said.keys[i];
			customer_id one = merges_root(&m, (customer_id)(pair >> 32)), other = merges_root(&m, (customer_id)pair);
			idmap_put(&f->apart, (int64_t)merge_pair(one, other), NULL);
		}
		if (ok)
			merges_release(&m);
	}
	idmap_release(&said);
	return ok;
}

bool duplicates_find(struct db *db, const struct shop *shop, struct duplicates *out, struct err *err)
{
	static const enum duplicate_why WHY[] = { DUPLICATE_EMAIL, DUPLICATE_PHONE, DUPLICATE_NAME };
	struct finding f = { .shop = shop, .out = out };
	*out = (struct duplicates){ .count = 0 };
	idmap_init(&f.apart);
	idmap_init(&f.pairs);
	bool ok = read_apart(&f, db, err) && read_persons(&f, db, err);
	for (size_t i = 0; ok && i < ARRAY_LEN(WHY); i++)
		look_at_signs(&f, &f.signs[i], WHY[i]);
	if (ok)
		weigh(&f);
	else
		duplicates_release(out);
	for (size_t i = 0; i < ARRAY_LEN(WHY); i++)
		free(f.signs[i].items);
	free(f.names);
	idmap_release(&f.apart);
	idmap_release(&f.pairs);
	return ok;
}

void duplicates_release(struct duplicates *d)
{
	free(d->items);
	free(d->shared);
	*d = (struct duplicates){ .count = 0 };
}
