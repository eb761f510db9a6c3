/* Filters on lists. The input of most becomes a flat list first: nested arrays are flattened, an object or a text is a
 * list of one, nil is empty, a range is its numbers. */
#include "outbox/liquid_int.h"

#include <stdlib.h>

static bool flatten_into(struct liquid *r, struct lval v, struct lval *items, size_t *n)
{
	if (v.type != LVAL_ARRAY) {
		items[(*n)++] = v;
		return true;
	}
	for (uint32_t i = 0; i < v.n; i++)
		flatten_into(r, v.items[i], items, n);
	return true;
}

static size_t flat_count(struct lval v, bool *nested)
{
	size_t n = 0;
	for (uint32_t i = 0; i < v.n; i++) {
		bool is = v.items[i].type == LVAL_ARRAY, dummy = false;
		*nested = *nested || is;
		n += is ? flat_count(v.items[i], &dummy) : 1;
	}
	return n;
}

static bool to_list(struct liquid *r, struct lval v, struct lval *list)
{
	bool nested = false;
	if (v.type == LVAL_ARRAY) {
		size_t n = flat_count(v, &nested), k = 0;
		if (!lcharge(r, 1 + n))
			return false;
		*list = v;
		if (!nested)
			return true;
		struct lval *items = arena_array(&r->arena, struct lval, n ? n : 1);
		flatten_into(r, v, items, &k);
		*list = lval_array(items, k);
		return true;
	}
	if (v.type == LVAL_RANGE) {
		uint64_t n = v.range->to < v.range->from ? 0 : (uint64_t)v.range->to - (uint64_t)v.range->from + 1;
		if (n > r->memory_max / sizeof(struct lval))
			return lfail(r, ERR_LIMIT, "this range is too long");
		if (!lcharge(r, 1 + n))
			return false;
		struct lval *items = arena_array(&r->arena, struct lval, n ? n : 1);
		for (uint64_t i = 0; i < n; i++)
			items[i] = lval_int(v.range->from + (int64_t)i);
		*list = lval_array(items, n);
		return true;
	}
	struct lval *one = arena_new(&r->arena, struct lval);
	*one = v;
	*list = lval_array(one, v.type != LVAL_NIL);
	return true;
}

/* item[property], with the reference's habits: a text answers with the part it contains. */
enum pick { PICK_OK, PICK_TYPE /* an error */, PICK_NONE /* this kind of value has no properties */ };

static enum pick pick(struct liquid *r, struct lval item, struct lval property, struct lval *out)
{
	*out = lval_nil();
	switch ((enum lval_type)item.type) {
	case LVAL_OBJECT:
		if (property.type == LVAL_STRING) {
			const struct lval *v = lobject_find(item.object, lval_view(property), lkey_hash(lval_view(property)));
			*out = v ? *v : lval_nil();
		}
		return PICK_OK;
	case LVAL_STRING:
		if (property.type == LVAL_STRING) {
			if (property.n == 0 || memmem(item.s, item.n, property.s, property.n))
				*out = property;
			return PICK_OK;
		}
		if (property.type == LVAL_INT || property.type == LVAL_FLOAT) {
			struct lval at = property.type == LVAL_INT ? property : lval_int((int64_t)property.f);
			if (!lfilter_find(STR("slice"))->fn(r, item, &at, 1, out) || out->n == 0)
				*out = lval_nil();
			return PICK_OK;
		}
		return PICK_TYPE;
	case LVAL_INT:
		if (property.type == LVAL_INT || property.type == LVAL_FLOAT) { /* a bit of the number */
			int64_t bit = property.type == LVAL_INT            ? property.i
			              : property.f > -1 && property.f < 63 ? (int64_t)property.f
			                                                   : -1;
			*out = lval_int(bit < 0 ? 0 : item.i >> (bit > 63 ? 63 : bit) & 1);
			return PICK_OK;
		}
		return PICK_TYPE;
	case LVAL_NIL:
	case LVAL_BOOL:
	case LVAL_FLOAT:
	case LVAL_ARRAY:
	case LVAL_RANGE:
	case LVAL_LOOP:
	case LVAL_EMPTY:
	case LVAL_BLANK: return PICK_NONE;
	}
	return PICK_NONE;
}

static bool has_properties(struct lval v)
{
	return v.type == LVAL_OBJECT || v.type == LVAL_STRING || v.type == LVAL_INT || v.type == LVAL_ARRAY;
}

static bool property_error(struct liquid *r, struct lval property)
{
	struct str s = ltext(r, property);
	return lfail(r, ERR_INPUT, "cannot select the property \"%.*s\"", (int)(s.n > 60 ? 60 : s.n), s.p);
}

static struct lval *new_items(struct liquid *r, size_t n)
{
	return arena_array(&r->arena, struct lval, n ? n : 1);
}

/* ---- where, reject, find, find_index, has ---- */

enum want { WANT_WHERE, WANT_REJECT, WANT_FIND, WANT_INDEX, WANT_HAS };

static bool select_items(struct liquid *r, struct lval in, const struct lval *args, int n, enum want want,
                         struct lval *out)
{
	struct lval list;
	if (!to_list(r, in, &list))
		return false;
	struct lval *kept = new_items(r, want <= WANT_REJECT ? list.n : 0);
	size_t count = 0;
	*out = lval_nil();
	for (uint32_t i = 0; i < list.n; i++) {
		struct lval v;
		enum pick p = pick(r, list.items[i], args[0], &v);
		if (p == PICK_TYPE)
			return property_error(r, args[0]);
		if (p == PICK_NONE)
			return true; /* nil, as the reference */
		bool match = n > 1 && args[1].type != LVAL_NIL ? lval_equal(v, args[1]) : lval_truthy(v);
		if (want <= WANT_REJECT) {
			if (match == (want == WANT_WHERE))
				kept[count++] = list.items[i];
		} else if (match) {
			*out = want == WANT_FIND ? list.items[i] : want == WANT_INDEX ? lval_int(i) : lval_bool(true);
			return true;
		}
	}
	if (want <= WANT_REJECT)
		*out = lval_array(kept, count);
	else if (want == WANT_HAS)
		*out = lval_bool(false);
	return true;
}

static bool f_where(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return select_items(r, in, args, n, WANT_WHERE, out);
}

static bool f_reject(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return select_items(r, in, args, n, WANT_REJECT, out);
}

static bool f_find(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return select_items(r, in, args, n, WANT_FIND, out);
}

static bool f_find_index(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return select_items(r, in, args, n, WANT_INDEX, out);
}

static bool f_has(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return select_items(r, in, args, n, WANT_HAS, out);
}

/* ---- sort: merge sort, so that equals keep their order ---- */

struct sort_entry {
	struct lval item, key;
};

struct sorter {
	struct liquid *r;
	bool natural, failed;
};

static int compare_keys(struct sorter *s, struct lval a, struct lval b)
{
	if (a.type == LVAL_NIL || b.type == LVAL_NIL)
		return (a.type == LVAL_NIL) - (b.type == LVAL_NIL);
	if (s->natural) {
		struct str x = ltext(s->r, a), y = ltext(s->r, b);
		for (size_t i = 0; i < x.n && i < y.n; i++) {
			int c = x.p[i] >= 'A' && x.p[i] <= 'Z' ? x.p[i] + 32 : (unsigned char)x.p[i];
			int d = y.p[i] >= 'A' && y.p[i] <= 'Z' ? y.p[i] + 32 : (unsigned char)y.p[i];
			if (c != d)
				return c < d ? -1 : 1;
		}
		return (x.n > y.n) - (x.n < y.n);
	}
	bool numbers = (a.type == LVAL_INT || a.type == LVAL_FLOAT) && (b.type == LVAL_INT || b.type == LVAL_FLOAT);
	if (numbers) {
		if (a.type == LVAL_INT && b.type == LVAL_INT)
			return (a.i > b.i) - (a.i < b.i);
		double x = a.type == LVAL_INT ? (double)a.i : a.f, y = b.type == LVAL_INT ? (double)b.i : b.f;
		return (x > y) - (x < y);
	}
	if (a.type == LVAL_STRING && b.type == LVAL_STRING)
		return str_cmp(lval_view(a), lval_view(b));
	if (a.type == LVAL_ARRAY && b.type == LVAL_ARRAY) {
		for (uint32_t i = 0; i < a.n && i < b.n; i++) {
			int c = compare_keys(s, a.items[i], b.items[i]);
			if (c)
				return c;
		}
		return (a.n > b.n) - (a.n < b.n);
	}
	s->failed = s->failed || !lval_equal(a, b);
	return 0;
}

static void merge_sort(struct sorter *s, struct sort_entry *e, struct sort_entry *spare, size_t n)
{
	if (n < 2 || s->failed)
		return;
	size_t half = n / 2, i = 0, j = half, k = 0;
	merge_sort(s, e, spare, half);
	merge_sort(s, e + half, spare, n - half);
	while (i < half && j < n)
		spare[k++] = compare_keys(s, e[j].key, e[i].key) < 0 ? e[j++] : e[i++];
	while (i < half)
		spare[k++] = e[i++];
	memcpy(e, spare, k * sizeof *e);
}

static bool sort(struct liquid *r, struct lval in, const struct lval *args, int n, bool natural, struct lval *out)
{
	struct lval list;
	if (!to_list(r, in, &list) || !lcharge(r, (uint64_t)list.n * 16))
		return false;
	struct sort_entry *e = arena_array(&r->arena, struct sort_entry, (size_t)list.n * 2 + 1);
	bool by_property = n > 0 && args[0].type != LVAL_NIL;
	for (uint32_t i = 0; by_property && i < list.n; i++)
		if (!has_properties(list.items[i]))
			return *out = lval_nil(), true;
	for (uint32_t i = 0; i < list.n; i++) {
		e[i].item = e[i].key = list.items[i];
		if (by_property && list.n > 1 && pick(r, list.items[i], args[0], &e[i].key) == PICK_TYPE)
			return property_error(r, args[0]);
	}
	struct sorter s = { r, natural, false };
	merge_sort(&s, e, e + list.n, list.n);
	if (s.failed)
		return lfail(r, ERR_INPUT, "cannot sort values of incompatible types");
	struct lval *items = new_items(r, list.n);
	for (uint32_t i = 0; i < list.n; i++)
		items[i] = e[i].item;
	*out = lval_array(items, list.n);
	return true;
}

static bool f_sort(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return sort(r, in, args, n, false, out);
}

static bool f_sort_natural(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	return sort(r, in, args, n, true, out);
}

/* ---- uniq, compact, map, sum ---- */

static bool same_key(struct lval a, struct lval b)
{
	return a.type == b.type && lval_equal(a, b); /* 1 and 1.0 differ here */
}

static bool f_uniq(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct lval list;
	if (!to_list(r, in, &list))
		return false;
	struct lval *items = new_items(r, list.n), *keys = new_items(r, list.n);
	struct lobject *seen = lobject_new(&r->arena, 16); /* texts: by hash; the rest: one by one */
	size_t count = 0, others = 0;
	for (uint32_t i = 0; i < list.n; i++) {
		struct lval key = list.items[i];
		if (n > 0 && args[0].type != LVAL_NIL && list.n > 1) {
			enum pick p = pick(r, list.items[i], args[0], &key);
			if (p == PICK_TYPE)
				return property_error(r, args[0]);
			if (p == PICK_NONE)
				return *out = lval_nil(), true;
		}
		bool known = false;
		if (key.type == LVAL_STRING) {
			uint32_t before = seen->count;
			lobject_put(&r->arena, seen, lval_view(key), key);
			known = seen->count == before;
		} else {
			for (size_t k = 0; k < others && !known; k++)
				known = same_key(keys[k], key);
			if (!known)
				keys[others++] = key;
			if (!lcharge(r, others / 4))
				return false;
		}
		if (!known)
			items[count++] = list.items[i];
	}
	*out = lval_array(items, count);
	return true;
}

static bool f_compact(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct lval list;
	if (!to_list(r, in, &list))
		return false;
	struct lval *items = new_items(r, list.n);
	size_t count = 0;
	for (uint32_t i = 0; i < list.n; i++) {
		struct lval v = list.items[i];
		if (n > 0 && args[0].type != LVAL_NIL) {
			enum pick p = pick(r, list.items[i], args[0], &v);
			if (p == PICK_TYPE)
				return property_error(r, args[0]);
			if (p == PICK_NONE)
				return *out = lval_nil(), true;
		}
		if (v.type != LVAL_NIL)
			items[count++] = list.items[i];
	}
	*out = lval_array(items, count);
	return true;
}

static bool f_map(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct lval list;
	if (!to_list(r, in, &list))
		return false;
	struct lval *items = new_items(r, list.n);
	for (uint32_t i = 0; i < list.n; i++)
		if (pick(r, list.items[i], args[0], &items[i]) == PICK_TYPE)
			return property_error(r, args[0]);
	*out = lval_array(items, list.n);
	return true;
}

static bool f_sum(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct lval list;
	if (!to_list(r, in, &list))
		return false;
	if (n > 0 && args[0].type != LVAL_NIL) {
		struct lval *items = new_items(r, list.n);
		for (uint32_t i = 0; i < list.n; i++)
			if (pick(r, list.items[i], args[0], &items[i]) == PICK_TYPE)
				return property_error(r, args[0]);
		if (!to_list(r, lval_array(items, list.n), &list))
			return false;
	}
	struct ldecimal total = { .is_int = true };
	for (uint32_t i = 0; i < list.n; i++) {
		struct ldecimal next;
		if (ldecimal_op(total, ldecimal_from(list.items[i]), '+', &next))
			total = next;
	}
	*out = lgive_number(r, total);
	return true;
}

/* ---- the rest ---- */

static bool f_reverse(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct lval list;
	if (!to_list(r, in, &list))
		return false;
	struct lval *items = new_items(r, list.n);
	for (uint32_t i = 0; i < list.n; i++)
		items[i] = list.items[list.n - 1 - i];
	*out = lval_array(items, list.n);
	return true;
}

static bool f_concat(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct lval list;
	if (args[0].type != LVAL_ARRAY)
		return lfail(r, ERR_INPUT, "concat needs a list");
	if (!to_list(r, in, &list) || !lcharge(r, args[0].n))
		return false;
	struct lval *items = new_items(r, (size_t)list.n + args[0].n);
	memcpy(items, list.items, list.n * sizeof *items);
	memcpy(items + list.n, args[0].items, args[0].n * sizeof *items);
	*out = lval_array(items, (size_t)list.n + args[0].n);
	return true;
}

static bool f_join(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct lval list;
	struct str glue = n > 0 ? ltext(r, args[0]) : STR(" ");
	if (!to_list(r, in, &list))
		return false;
	bool safe = r->options->autoescape && n > 0 && args[0].safe;
	for (uint32_t i = 0; i < list.n && r->options->autoescape && !safe; i++)
		safe = list.items[i].safe;
	struct buf b;
	lbuf_init(r, &b);
	for (uint32_t i = 0; i < list.n && !b.full; i++) {
		if (i && safe && !(n > 0 && args[0].safe))
			lput_html(&b, glue);
		else if (i)
			buf_str(&b, glue);
		if (safe && !list.items[i].safe)
			lput_html(&b, ltext(r, list.items[i]));
		else
			ltext_add(&b, list.items[i], 0);
	}
	return lfinish(r, &b, safe, out);
}

static size_t char_length(const char *p, const char *end)
{
	size_t n = 1;
	while (p + n < end && ((unsigned char)p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* The next piece of s from *at on; false at the end. */
static bool next_piece(struct str s, struct str by, size_t *at, struct str *piece)
{
	const char *p = s.p + *at, *end = s.p + s.n, *hit;
	if (by.n == 1 && by.p[0] == ' ') { /* words */
		while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
			p++;
		if (p == end)
			return false;
		for (hit = p; hit < end && *hit != ' ' && (*hit < '\t' || *hit > '\r');)
			hit++;
		*at = (size_t)(hit - s.p);
	} else if (*at >= s.n) {
		return false;
	} else if (by.n == 0) {
		hit = p + char_length(p, end);
		*at = (size_t)(hit - s.p);
	} else {
		hit = memmem(p, (size_t)(end - p), by.p, by.n);
		*at = hit ? (size_t)(hit - s.p) + by.n : s.n;
		hit = hit ? hit : end;
	}
	*piece = (struct str){ p, (size_t)(hit - p) };
	return true;
}

static bool f_split(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	struct str s = ltext(r, in), by = ltext(r, args[0]), piece;
	size_t at = 0, count = 0, kept = 0;
	while (next_piece(s, by, &at, &piece))
		count++;
	if (!lcharge(r, count))
		return false;
	struct lval *items = new_items(r, count);
	for (at = count = 0; next_piece(s, by, &at, &piece);) {
		items[count++] = lval_str(piece);
		if (piece.n)
			kept = count; /* empty pieces at the end are dropped */
	}
	*out = lval_array(items, kept);
	return true;
}

struct lval lsize_of(struct lval in)
{
	int64_t size = 0;
	switch ((enum lval_type)in.type) {
	case LVAL_STRING:
		for (uint32_t i = 0; i < in.n; i++)
			size += ((unsigned char)in.s[i] & 0xc0) != 0x80;
		break;
	case LVAL_ARRAY: size = in.n; break;
	case LVAL_OBJECT: size = in.object->count; break;
	case LVAL_RANGE: size = in.range->to < in.range->from ? 0 : in.range->to - in.range->from + 1; break;
	case LVAL_INT:
		size = 8; /* the bytes of a machine word, in the reference */
		break;
	case LVAL_NIL:
	case LVAL_BOOL:
	case LVAL_FLOAT:
	case LVAL_LOOP:
	case LVAL_EMPTY:
	case LVAL_BLANK: break;
	}
	return lval_int(size);
}

static bool f_size(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	*out = lsize_of(in);
	return true;
}

struct lval lend_item(struct liquid *r, struct lval in, bool last)
{
	struct lval out = lval_nil();
	if (in.type == LVAL_ARRAY && in.n)
		out = in.items[last ? in.n - 1 : 0];
	else if (in.type == LVAL_RANGE)
		out = lval_int(last ? in.range->to : in.range->from);
	else if (in.type == LVAL_LOOP)
		out = lval_bool(in.loop->index == (last ? in.loop->length - 1 : 0));
	else if (in.type == LVAL_OBJECT && !last && in.object->count)
		out = lval_pair(r, &in.object->pairs[0]);
	else if (in.type == LVAL_STRING) {
		size_t from = 0;
		if (last && in.n)
			for (from = in.n - 1; from > 0 && ((unsigned char)in.s[from] & 0xc0) == 0x80;)
				from--;
		size_t n = in.n ? char_length(in.s + from, in.s + in.n) : 0;
		out = lval_str((struct str){ in.s + from, n });
	}
	return out;
}

static bool f_first(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	*out = lend_item(r, in, false);
	return true;
}

static bool f_last(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	*out = lend_item(r, in, true);
	return true;
}

static bool f_default(struct liquid *r, struct lval in, const struct lval *args, int n, struct lval *out)
{
	bool options = n > 0 && args[n - 1].type == LVAL_OBJECT;
	const struct lval *allow = options && n != 1 ? lobject_get(args[n - 1].object, "allow_false") : NULL;
	bool missing = allow && lval_truthy(*allow) ? in.type == LVAL_NIL : !lval_truthy(in);
	bool empty = (in.type == LVAL_STRING && in.n == 0) || (in.type == LVAL_ARRAY && in.n == 0) ||
	             (in.type == LVAL_OBJECT && in.object->count == 0);
	*out = missing || empty ? (n > 0 ? args[0] : lval_cstr("")) : in;
	return true;
}

const struct lfilter_def LFILTERS_ARRAY[] = {
	{ "where", f_where, 1, 2 },
	{ "reject", f_reject, 1, 2 },
	{ "find", f_find, 1, 2 },
	{ "find_index", f_find_index, 1, 2 },
	{ "has", f_has, 1, 2 },
	{ "sort", f_sort, 0, 1 },
	{ "sort_natural", f_sort_natural, 0, 1 },
	{ "uniq", f_uniq, 0, 1 },
	{ "compact", f_compact, 0, 1 },
	{ "map", f_map, 1, 1 },
	{ "sum", f_sum, 0, 1 },
	{ "reverse", f_reverse, 0, 0 },
	{ "concat", f_concat, 1, 1 },
	{ "join", f_join, 0, 1 },
	{ "split", f_split, 1, 1 },
	{ "size", f_size, 0, 0 },
	{ "first", f_first, 0, 0 },
	{ "last", f_last, 0, 0 },
	{ "default", f_default, 0, 2 },
	{ NULL, NULL, 0, 0 },
};
