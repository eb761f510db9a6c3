/* Reading basket sequences: a strict reader of the one JSON shape the format has. */
#include "fold/nextbasket.h"

#include "base/arena.h"
#include "base/intern.h"

#include <stdlib.h>

struct nb_names {
	struct intern items;
	struct arena text;
	struct str *user;
	size_t user_cap;
	bool quoted;
};

struct str nb_item_name(const struct nb_data *d, uint32_t item)
{
	return intern_name(&d->names->items, item);
}

bool nb_items_quoted(const struct nb_data *d)
{
	return d->names->quoted;
}

struct str nb_user_key(const struct nb_data *d, uint32_t user)
{
	return d->names->user[user];
}

static void names_free(struct nb_names *n)
{
	if (!n)
		return;
	intern_release(&n->items);
	arena_release(&n->text);
	free(n->user);
	free(n);
}

struct nb_data *nb_new(void)
{
	struct nb_data *d = mem_alloc(sizeof(*d));
	d->user_start = mem_grow(d->user_start, &d->users_cap, 1, sizeof(*d->user_start));
	d->basket_start = mem_grow(d->basket_start, &d->baskets_cap, 1, sizeof(*d->basket_start));
	d->user_start[0] = d->basket_start[0] = 0;
	return d;
}

void nb_free(struct nb_data *d)
{
	if (!d)
		return;
	free(d->user_start);
	free(d->basket_start);
	free(d->item);
	names_free(d->names);
	free(d);
}

void nb_add_user(struct nb_data *d)
{
	d->user_start = mem_grow(d->user_start, &d->users_cap, d->users + 2, sizeof(*d->user_start));
	d->user_start[d->users + 1] = d->user_start[d->users];
	d->users++;
}

static int by_item(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void nb_add_basket(struct nb_data *d, const uint32_t *items, size_t n)
{
	check(d->users > 0);
	if (n == 0)
		return;
	uint32_t basket = d->user_start[d->users];
	d->basket_start = mem_grow(d->basket_start, &d->baskets_cap, basket + 2, sizeof(*d->basket_start));
	d->item = mem_grow(d->item, &d->items_cap, d->item_n + n, sizeof(*d->item));
	uint32_t *out = d->item + d->item_n;
	memcpy(out, items, n * sizeof(*out));
	qsort(out, n, sizeof(*out), by_item);
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || out[i] != out[i - 1])
			out[kept++] = out[i];
	if (out[kept - 1] >= d->items)
		d->items = out[kept - 1] + 1;
	d->item_n += kept;
	d->basket_start[basket + 1] = (uint32_t)d->item_n;
	d->user_start[d->users]++;
}

void nb_end_split(struct nb_data *d, enum nb_split split)
{
	for (int s = (int)split + 1; s <= NB_SPLITS; s++)
		d->split_start[s] = d->users;
}

/* ---- JSON ---- */

enum { NB_LINES_MAX = 1 << 30, NB_BASKET_MAX = 100000 };

struct reader {
	const char *p, *end, *start;
	struct nb_names *names;
	uint32_t *basket;
	size_t basket_cap;
	struct nb_data *d;
	struct err *err;
};

static bool bad(struct reader *r, const char *expected)
{
	unsigned long line = 1;
	for (const char *s = r->start; (s = memchr(s, '\n', (size_t)(r->p - s))); s++)
		line++;
	return err_set(r->err, ERR_INPUT, "line %lu, byte %zu: expected %s", line, (size_t)(r->p - r->start) + 1, expected);
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
		r->p++;
}

static bool take(struct reader *r, char c)
{
	skip_space(r);
	if (r->p < r->end && *r->p == c) {
		r->p++;
		return true;
	}
	return false;
}

static bool read_string(struct reader *r, struct str *out, const char *what)
{
	if (!take(r, '"'))
		return bad(r, what);
	const char *from = r->p;
	while (r->p < r->end && *r->p != '"') {
		if (*r->p == '\\')
			r->p++;
		if (r->p < r->end)
			r->p++;
	}
	if (r->p >= r->end) {
		r->p = r->end;
		return bad(r, "the end of a string");
	}
	*out = (struct str){ from, (size_t)(r->p - from) };
	r->p++;
	return true;
}

static bool read_item(struct reader *r, uint32_t *out)
{
	skip_space(r);
	struct str name;
	if (r->p < r->end && *r->p == '"') {
		if (!read_string(r, &name, "an item"))
			return false;
		r->names->quoted = true;
	} else {
		const char *from = r->p, *digits = from + (from < r->end && *from == '-');
		r->p = digits;
		while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
			r->p++;
		name = (struct str){ from, (size_t)(r->p - from) };
		if (r->p == digits || (r->p < r->end && (*r->p == '.' || *r->p == 'e' || *r->p == 'E'))) {
			r->p = from;
			return bad(r, "an item (a whole number or a string)");
		}
	}
	struct intern *items = &r->names->items;
	if (items->count >= NB_ITEMS_MAX && intern_find(items, name) == INTERN_NONE)
		return err_set(r->err, ERR_LIMIT, "more than %d different items", NB_ITEMS_MAX);
	*out = intern_put(items, name, NULL);
	return true;
}

static bool read_basket(struct reader *r)
{
	if (!take(r, '['))
		return bad(r, "a basket: [item, …]");
	size_t n = 0;
	if (!take(r, ']')) {
		do {
			if (n >= NB_BASKET_MAX)
				return err_set(r->err, ERR_LIMIT, "a basket of more than %d items", NB_BASKET_MAX);
			r->basket = mem_grow(r->basket, &r->basket_cap, n + 1, sizeof(*r->basket));
			if (!read_item(r, &r->basket[n]))
				return false;
			n++;
		} while (take(r, ','));
		if (!take(r, ']'))
			return bad(r, "\",\" or \"]\" in a basket");
	}
	if (r->d->item_n + n > NB_LINES_MAX)
		return err_set(r->err, ERR_LIMIT, "more than %d items in all baskets together", NB_LINES_MAX);
	nb_add_basket(r->d, r->basket, n);
	return true;
}

/* first: how many users there were before this split. */
static bool read_user(struct reader *r, uint32_t first)
{
	struct str key;
	if (!read_string(r, &key, "a user key in quotes"))
		return false;
	if (!take(r, ':') || !take(r, '['))
		return bad(r, "\": [\" after a user key");
	if (r->d->users >= NB_USERS_MAX)
		return err_set(r->err, ERR_LIMIT, "more than %d users", NB_USERS_MAX);
	struct nb_names *names = r->names;
	names->user = mem_grow(names->user, &names->user_cap, r->d->users + 1u, sizeof(*names->user));
	names->user[r->d->users] = arena_str(&names->text, key);
	nb_add_user(r->d);
	if (take(r, ']'))
		return true;
	uint32_t basket = 0;
	do {
		basket++;
		if (!read_basket(r)) /* counted, not named: a key may be an address */
			return err_context(r->err, "user %u, basket %u", r->d->users - first, basket);
	} while (take(r, ','));
	return take(r, ']') || bad(r, "\",\" or \"]\" after a basket");
}

static bool read_split(struct reader *r)
{
	if (!take(r, '{'))
		return bad(r, "{user: [[item, …], …]}");
	if (take(r, '}'))
		return true;
	uint32_t first = r->d->users;
	do
		if (!read_user(r, first))
			return false;
	while (take(r, ','));
	return take(r, '}') || bad(r, "\",\" or \"}\" after a user");
}

/* The splits may come in any order; their users are kept in split order. Two passes over the text: find, then read. */
static bool skip_split(struct reader *r)
{
	size_t depth = 0;
	skip_space(r);
	while (r->p < r->end) {
		char c = *r->p;
		if (c == '"') {
			struct str ignored;
			if (!read_string(r, &ignored, "a string"))
				return false;
			continue;
		}
		r->p++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth-- == 1)
			return true;
		else if (depth == 0)
			break;
	}
	return bad(r, "{user: [[item, …], …]}");
}

static bool read_all(struct reader *r)
{
	static const char *const NAMES[NB_SPLITS] = { "train", "validate", "test" };
	const char *at[NB_SPLITS] = { NULL };
	if (!take(r, '{'))
		return bad(r, "{\"train\": …, \"validate\": …, \"test\": …}");
	do {
		struct str name;
		if (!read_string(r, &name, "\"train\", \"validate\" or \"test\""))
			return false;
		if (!take(r, ':'))
			return bad(r, "\":\"");
		for (int s = 0; s < NB_SPLITS; s++)
			if (str_is(name, NAMES[s]) && !at[s])
				at[s] = r->p;
		if (!skip_split(r))
			return false;
	} while (take(r, ','));
	if (!take(r, '}'))
		return bad(r, "\"}\" at the end");
	skip_space(r);
	if (r->p != r->end)
		return bad(r, "nothing after the last \"}\"");
	for (int s = 0; s < NB_SPLITS; s++) {
		if (!at[s] && s != NB_VALIDATE)
			return err_set(r->err, ERR_INPUT, "no \"%s\" split", NAMES[s]);
		r->p = at[s];
		if (at[s] && !read_split(r))
			return err_context(r->err, "%s", NAMES[s]);
		nb_end_split(r->d, (enum nb_split)s);
	}
	return true;
}

struct nb_data *nb_parse(struct str json, struct err *err)
{
	struct reader r = { .p = json.p, .end = json.p + json.n, .start = json.p, .d = nb_new(), .err = err };
	r.d->names = r.names = mem_alloc(sizeof(*r.names));
	intern_init(&r.names->items);
	bool ok = read_all(&r);
	free(r.basket);
	if (!ok) {
		nb_free(r.d);
		return NULL;
	}
	return r.d;
}
