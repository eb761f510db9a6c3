/* Method: one function goes through the fields of a fact, for writing and for reading: the two cannot differ. */
#include "app/arrival.h"

#include "app/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { FORM = 1, DIGITS_MAX = 20 };

/* ---- fields ---- */

struct pack {
	bool reading, bad;
	struct buf *out;
	const char *p, *end;
	struct arena *a;
};

static void write_int(struct buf *out, int64_t v, char after)
{
	char digits[DIGITS_MAX + 2], *end = digits + sizeof digits, *p = end;
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	*--p = after;
	do
		*--p = (char)('0' + left % 10);
	while (left /= 10);
	if (v < 0)
		*--p = '-';
	buf_add(out, p, (size_t)(end - p));
}

static int64_t read_int(struct pack *k, char after)
{
	bool minus = k->p < k->end && *k->p == '-';
	const char *from = k->p += minus;
	uint64_t v = 0;
	while (k->p < k->end && k->p - from < DIGITS_MAX && *k->p >= '0' && *k->p <= '9')
		v = v * 10 + (uint64_t)(*k->p++ - '0');
	if (k->bad || k->p == from || k->p == k->end || *k->p++ != after) {
		k->bad = true;
		return 0;
	}
	return (int64_t)(minus ? 0 - v : v);
}

static int64_t number(struct pack *k, int64_t v)
{
	if (k->reading)
		return read_int(k, ',');
	write_int(k->out, v, ',');
	return v;
}

/* One of 0 … count − 1; what is read and is none makes the row a bad one. */
static int64_t choice(struct pack *k, int64_t v, int64_t count)
{
	v = number(k, v);
	k->bad |= v < 0 || v >= count;
	return k->bad ? 0 : v;
}

static void text(struct pack *k, struct str *s)
{
	if (!k->reading) {
		write_int(k->out, (int64_t)s->n, ':');
		buf_str(k->out, *s);
		return;
	}
	int64_t n = read_int(k, ':');
	k->bad |= n < 0 || n > k->end - k->p;
	*s = (struct str){ k->p, k->bad ? 0 : (size_t)n };
	k->p += s->n;
}

/* How many elements follow, and room for them. */
static size_t count_of(struct pack *k, size_t n, size_t most)
{
	return (size_t)choice(k, (int64_t)n, (int64_t)most + 1);
}

static void texts(struct pack *k, struct str **list, size_t *n)
{
	*n = count_of(k, *n, BODY_LIST_MAX);
	if (k->reading)
		*list = arena_array(k->a, struct str, *n + 1);
	for (size_t i = 0; i < *n; i++)
		text(k, &(*list)[i]);
}

static void lines(struct pack *k, struct incoming *in)
{
	in->line_count = count_of(k, in->line_count, FACT_LINES_MAX);
	if (k->reading)
		in->lines = arena_array(k->a, struct incoming_line, in->line_count + 1);
	for (size_t i = 0; i < in->line_count; i++) {
		struct incoming_line *l = &in->lines[i];
		text(k, &l->sku);
		text(k, &l->name);
		l->quantity = (int32_t)number(k, l->quantity);
		l->amount = number(k, l->amount);
	}
}

static void product(struct pack *k, struct product_row *p)
{
	struct str *const fields[] = { &p->sku,   &p->name,        &p->type, &p->family, &p->category,
		                           &p->brand, &p->replaced_by, &p->url,  &p->image,  &p->attributes };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		text(k, fields[i]);
	p->price = number(k, p->price);
	p->cost = number(k, p->cost);
	p->vat_x2 = (int32_t)number(k, p->vat_x2);
	p->stock = (int32_t)number(k, p->stock);
	p->lifetime_days = (int32_t)number(k, p->lifetime_days);
	p->tier = (int32_t)number(k, p->tier);
	p->not_a_product = number(k, p->not_a_product) != 0;
	text(k, &p->marks);
}

static void profile(struct pack *k, struct incoming *in)
{
	struct person *p = &in->person;
	struct profile_body *b = &in->profile;
	struct str *const fields[] = { &p->civility, &p->first_name, &p->last_name, &p->company,  &p->email,
		                           &p->phone,    &p->address1,   &p->address2,  &p->postcode, &p->city,
		                           &p->country,  &p->attributes, &b->zone,      &b->store,    &b->sector };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		text(k, fields[i]);
	b->locale = (int)choice(k, b->locale + 1, LOCALE_COUNT + 1) - 1;
	b->created.s = number(k, b->created.s);
	b->born.day = (int32_t)number(k, b->born.day);
	b->gender = (char)choice(k, b->gender, 128);
	texts(k, &b->tags, &b->tag_count);
	texts(k, &b->interests, &b->interest_count);
	in->company_said = number(k, in->company_said) != 0;
	in->forget_born = number(k, in->forget_born) != 0;
	in->forget_interests = number(k, in->forget_interests) != 0;
}

static void consent(struct pack *k, struct consent_body *b)
{
	b->channel = (enum channel)choice(k, b->channel, CHANNEL_COUNT);
	b->purpose = (enum purpose)choice(k, b->purpose, PURPOSE_COUNT);
	b->state = (enum consent_state)choice(k, b->state, CONSENT_OPPOSED + 1);
	text(k, &b->source);
	text(k, &b->wording);
}

static void fact(struct pack *k, struct incoming *in)
{
	in->kind = (enum incoming_kind)choice(k, in->kind, IN_PRODUCT + 1);
	text(k, &in->key);
	text(k, &in->ref);
	in->at.s = number(k, in->at.s);
	switch (in->kind) {
	case IN_ORDER:
		in->order.channel = (enum sale_channel)choice(k, in->order.channel, SALE_CHANNEL_COUNT);
		text(k, &in->order.voucher);
		text(k, &in->order.store);
		text(k, &in->order.seller);
		lines(k, in);
		break;
	case IN_CART:
		in->cart.state = (enum cart_state)choice(k, in->cart.state, CART_EMPTIED + 1);
		text(k, &in->cart.cart);
		text(k, &in->cart.url);
		lines(k, in);
		break;
	case IN_CONSENT: consent(k, &in->consent); break;
	case IN_PROFILE: profile(k, in); break;
	case IN_EVENT:
		text(k, &in->event.name);
		text(k, &in->event.text);
		in->event.value = number(k, in->event.value);
		break;
	case IN_PRODUCT: product(k, &in->product); break;
	}
}

void arrival_begin(struct buf *out)
{
	write_int(out, FORM, ',');
}

void arrival_add(struct buf *out, const struct incoming *in)
{
	check(in->customer == 0);
	struct pack k = { .out = out };
	struct incoming copy = *in;
	fact(&k, &copy);
}

/* Calls fn for each fact of a body; texts point into it. False: fn failed, or *bad. */
static bool unpack(struct str body, struct arena *a, bool (*fn)(void *ctx, struct incoming *in, struct err *err),
                   void *ctx, bool *bad, struct err *err)
{
	struct pack k = { .reading = true, .p = body.p, .end = body.p + body.n, .a = a };
	bool ok = true;
	k.bad = number(&k, 0) != FORM;
	while (ok && !k.bad && k.p < k.end) {
		struct incoming in = { .at.s = 0 };
		arena_clear(a);
		fact(&k, &in);
		ok = k.bad || fn(ctx, &in, err);
	}
	*bad = k.bad;
	return ok && !k.bad;
}

/* ---- rows ---- */

bool arrivals_put(struct db *db, const struct arrival *list, size_t count, struct instant now, int64_t *last,
                  struct err *err)
{
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "shard_lock"); /* numbers in the order of the commits */
	int got = query_next(q, err);
	query_done(q);
	bool ok = got == 1;
	q = db_query(db, "arrival_newest");
	ok = ok && query_next(q, err) == 1;
	*last = ok ? query_get_int(q, 0) : 0;
	query_done(q);
	ok = ok && db_pipeline(db, true, err);
	q = db_query(db, "arrival_put");
	for (size_t i = 0; ok && i < count; i++) {
		query_int(q, 1, ++*last);
		query_int(q, 2, now.s);
		query_int(q, 3, (int64_t)list[i].facts);
		query_text(q, 4, list[i].body);
		ok = query_run(q, NULL, err);
	}
	ok = ok && db_pipeline(db, false, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

bool arrivals_waiting(struct db *db, struct arrivals *out, struct err *err)
{
	struct query *q = db_query(db, "arrivals_waiting");
	bool ok = query_next(q, err) == 1;
	if (ok)
		*out = (struct arrivals){ query_get_int(q, 0), query_get_int(q, 1), { query_get_int(q, 2) } };
	query_done(q);
	return ok;
}

/* The oldest after `after`: 1, with its text copied into `body`; 0 none; −1. */
static int next_row(struct db *db, int64_t after, int64_t upto, int64_t *id, struct instant *at, int64_t *facts,
                    struct buf *body, struct err *err)
{
	struct query *q = db_query(db, "arrival_next");
	query_int(q, 1, after);
	query_int(q, 2, upto);
	int got = query_next(q, err);
	if (got == 1) {
		*id = query_get_int(q, 0);
		at->s = query_get_int(q, 1);
		*facts = query_get_int(q, 2);
		buf_clear(body);
		buf_str(body, query_get_text(q, 3));
	}
	query_done(q);
	return got;
}

static bool damaged(struct db *db, int64_t id, struct err *err)
{
	return err_set(
		err, ERR_WORLD,
		"%s: what was told under number %lld (table arrival) cannot be read: restore a backup, or delete that "
		"row and have it told again",
		db_address(db), (long long)id);
}

/* ---- applying ---- */

struct applying {
	struct store_ids *ids;
	struct store_batch *b;
	const struct shop *shop;
	struct instant at;
	struct arena work;
	struct buf fact;
	struct facts_result result;
};

static bool apply_one(void *ctx, struct incoming *in, struct err *err)
{
	struct applying *x = ctx;
	arena_clear(&x->work);
	return incoming_write(x->shop, x->ids, x->b, in, x->at, &x->work, &x->fact, &x->result, err);
}

/* They are facts now. Their numbers are not given again: who waits to hear of one would hear of another's. */
static bool forget(struct db *db, int64_t last, struct err *err)
{
	char text[24];
	struct query *q = db_query(db, "arrival_delete");
	query_int(q, 1, last);
	snprintf(text, sizeof text, "%lld", (long long)last);
	return query_run(q, NULL, err) && store_shop_set(db, "arrival.applied", str_from(text), err);
}

static bool apply_rows(struct db *db, struct applying *x, int64_t upto, int64_t most, struct applied *out,
                       struct err *err)
{
	struct arena a;
	struct buf body;
	int64_t facts;
	int got = 1;
	bool ok = true, bad = false;
	arena_init(&a);
	buf_init(&body, ARRIVAL_BYTES_MAX);
	while (ok && out->facts < most &&
	       (got = next_row(db, out->last, upto, &out->last, &x->at, &facts, &body, err)) == 1) {
		out->facts += facts;
		ok = unpack(buf_view(&body), &a, apply_one, x, &bad, err) || (bad && damaged(db, out->last, err));
	}
	buf_release(&body);
	arena_release(&a);
	return ok && got >= 0 && (!out->facts || forget(db, out->last, err));
}

/* None was left to apply: how far others came. */
static bool told_before(struct db *db, struct applied *out, struct err *err)
{
	uint32_t customers;
	struct query *q = db_query(db, "arrival_applied");
	int got = query_next(q, err);
	out->last = got == 1 ? query_get_int(q, 0) : 0;
	query_done(q);
	return got >= 0 && store_seq_hi(db, &out->seq, &customers, err);
}

bool arrivals_apply(struct db *db, struct store_ids *ids, int64_t upto, int64_t most, struct applied *out,
                    struct err *err)
{
	struct applying x = { .ids = ids, .shop = store_shop(db) };
	*out = (struct applied){ 0 };
	/* what is deleted may name people: it is overwritten */
	if (db_kind(db) == DB_SQLITE && !db_exec(db, "PRAGMA secure_delete=ON", err))
		return false;
	x.b = store_batch_begin(db, ids, clock_now(), err);
	if (!x.b)
		return false;
	arena_init(&x.work);
	buf_init(&x.fact, BODY_MAX);
	bool ok = apply_rows(db, &x, upto, most, out, err);
	arena_release(&x.work);
	buf_release(&x.fact);
	out->seq = x.result.seq;
	out->at = x.at;
	ok = ok && (out->facts || told_before(db, out, err));
	if (ok)
		return store_batch_commit(x.b, err);
	store_batch_rollback(x.b);
	return false;
}

bool arrivals_settle(struct db *db, struct err *err)
{
	struct arrivals w;
	struct applied done = { .facts = 1 };
	if (!arrivals_waiting(db, &w, err))
		return false;
	if (!w.last)
		return true;
	struct store_ids *ids = store_ids_load(db, err);
	bool ok = ids;
	while (ok && done.facts)
		ok = arrivals_apply(db, ids, w.last, ARRIVAL_SLICE_FACTS, &done, err);
	store_ids_free(ids);
	return ok;
}

struct db *shop_open(const char *address, bool read_only, struct shop *out, struct err *err)
{
	struct arrivals w;
	struct db *db = store_open(address, read_only, out, err), *writer;
	if (!db)
		return NULL;
	bool ok = arrivals_waiting(db, &w, err);
	if (ok && w.last && !read_only)
		ok = arrivals_settle(db, err);
	if (ok && w.last && read_only) {
		struct err why;
		writer = store_open(address, false, NULL, &why);
		if (!writer || !arrivals_settle(writer, &why))
			fprintf(stderr, "relance: %lld facts told over HTTP are not among what follows yet: %s\n",
			        (long long)w.facts, why.text);
		db_close(writer);
	}
	if (ok)
		return db;
	db_close(db);
	return NULL;
}

static bool read_one(void *ctx, struct incoming *in, struct err *err)
{
	return true;
}

bool arrivals_check(struct db *db, int64_t *bad, struct err *err)
{
	struct arena a;
	struct buf body;
	struct instant at;
	int64_t id = 0, facts;
	int got;
	bool broken = false;
	arena_init(&a);
	buf_init(&body, ARRIVAL_BYTES_MAX);
	*bad = 0;
	while (!*bad && (got = next_row(db, id, INT64_MAX, &id, &at, &facts, &body, err)) == 1)
		if (!unpack(buf_view(&body), &a, read_one, NULL, &broken, err))
			*bad = id;
	arena_release(&a);
	buf_release(&body);
	return *bad || got == 0;
}
