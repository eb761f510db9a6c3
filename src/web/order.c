/* Everybody in an order: by name as a reader of French or English looks for it, by orders, spend, last order, phase. A
 * list in an order is then a walk along it past those the list leaves out, which is instant at any size of the base.
 * An order is made by whoever asks first, by all processors, and kept as long as the book is the same; one of
 * a large base KEPT_TIMES as long as it took. Names come from the database, one pass; the rest from the book. */
#include "web/web_int.h"

#include "app/clock.h"
#include "base/par.h"

#include <stdlib.h>
#include <unicode/ucol.h>
#include <unicode/ustring.h>

enum { LARGE = 100000, KEPT_TIMES = 30, LIVES_AT_ONCE = 4096, NAME_KEY = 28, NAME_UNITS = 64 };

struct order {
	int readers;
	uint64_t version;
	double kept_until;
	uint32_t count;
	customer_id *ids;
};

struct orders {
	pthread_mutex_t lock;
	struct order *newest[SORT_COUNT]; /* or NULL */
};

void orders_new(struct web *w)
{
	w->orders = mem_alloc(sizeof *w->orders);
	pthread_mutex_init(&w->orders->lock, NULL);
}

static void let_go(struct order *o)
{
	if (!o || --o->readers)
		return;
	free(o->ids);
	free(o);
}

void orders_forget(struct web *w)
{
	pthread_mutex_lock(&w->orders->lock);
	for (int i = 0; i < SORT_COUNT; i++) {
		let_go(w->orders->newest[i]);
		w->orders->newest[i] = NULL;
	}
	pthread_mutex_unlock(&w->orders->lock);
}

void orders_free(struct web *w)
{
	orders_forget(w);
	pthread_mutex_destroy(&w->orders->lock);
	free(w->orders);
}

void order_let_go(struct web *w, struct order *o)
{
	pthread_mutex_lock(&w->orders->lock);
	let_go(o);
	pthread_mutex_unlock(&w->orders->lock);
}

/* ---- by what the book says ---- */

struct ranked {
	int64_t key;
	customer_id customer;
};

static int by_key(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->customer > b->customer) - (a->customer < b->customer);
}

static int64_t key_of(const struct lifecycle *l, enum list_sort by)
{
	switch (by) {
	case SORT_ORDERS: return l->orders;
	case SORT_SPEND: return l->spend;
	case SORT_LAST_ORDER: return date_known(l->last_order) ? l->last_order.day : INT32_MIN;
	case SORT_PHASE: return (int64_t)l->phase;
	case SORT_NONE:
	case SORT_NAME:
	case SORT_COUNT: break;
	}
	return 0;
}

struct keys {
	const struct world *w;
	enum list_sort by;
	struct ranked *out;
};

static void make_keys(void *ctx, size_t from, size_t to, int thread)
{
	struct keys *k = ctx;
	(void)thread;
	for (size_t i = from; i < to; i++) {
		struct lifecycle l = customer_life(k->w, (customer_id)i + 1);
		k->out[i] = (struct ranked){ key_of(&l, k->by), (customer_id)i + 1 };
	}
}

static void by_book(struct order *o, const struct world *w, enum list_sort by, int threads)
{
	struct keys k = { w, by, mem_alloc((o->count + 1) * sizeof *k.out) };
	par_for(o->count, LIVES_AT_ONCE, threads, make_keys, &k);
	qsort(k.out, o->count, sizeof *k.out, by_key);
	for (uint32_t i = 0; i < o->count; i++)
		o->ids[i] = k.out[i].customer;
	free(k.out);
}

/* ---- by name ---- */

struct named {
	uint8_t key[NAME_KEY]; /* of the collation, cut; zeros: no name, which comes last */
	customer_id customer;
};

static int by_name(const void *x, const void *y)
{
	const struct named *a = x, *b = y;
	int c = (a->key[0] == 0) - (b->key[0] == 0);
	c = c ? c : memcmp(a->key, b->key, NAME_KEY);
	return c ? c : (a->customer > b->customer) - (a->customer < b->customer);
}

/* "Martin Léa", as a list of people is looked through; a company by its name. */
static void name_key(UCollator *c, struct query *q, uint8_t key[NAME_KEY])
{
	UChar units[NAME_UNITS * 2 + 1];
	int32_t n = 0, got;
	for (int column = 1; column <= 3 && !(column == 3 && n); column++) {
		struct str part = query_get_text(q, column);
		UErrorCode code = U_ZERO_ERROR;
		if (!part.n)
			continue;
		if (n)
			units[n++] = ' ';
		u_strFromUTF8WithSub(units + n, NAME_UNITS - (n ? 1 : 0), &got, part.p, (int32_t)(part.n < 48 ? part.n : 48),
		                     0xFFFD, NULL, &code);
		if (U_SUCCESS(code))
			n += got;
	}
	memset(key, 0, NAME_KEY);
	if (n)
		(void)ucol_getSortKey(c, units, n, key, NAME_KEY);
}

static bool by_names(struct order *o, struct db *db, struct err *err)
{
	UErrorCode code = U_ZERO_ERROR;
	UCollator *c = ucol_open("fr", &code);
	if (U_FAILURE(code))
		return err_set(err, ERR_WORLD, "names cannot be put in order: %s", u_errorName(code));
	ucol_setStrength(c, UCOL_PRIMARY); /* capitals and accents tell nobody apart */
	struct named *all = mem_alloc(((size_t)o->count + 1) * sizeof *all);
	for (uint32_t i = 0; i < o->count; i++)
		all[i].customer = i + 1;
	struct query *q = db_query(db, "web_names");
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1) {
		int64_t who = query_get_int(q, 0);
		if (who > 0 && who <= o->count)
			name_key(c, q, all[who - 1].key);
	}
	ucol_close(c);
	qsort(all, o->count, sizeof *all, by_name);
	for (uint32_t i = 0; i < o->count; i++)
		o->ids[i] = all[i].customer;
	free(all);
	return got == 0;
}

/* ---- for requests ---- */

static struct order *make(struct request *r, const struct world *w, enum list_sort by)
{
	struct err err;
	double began = clock_monotonic();
	struct order *o = mem_alloc(sizeof *o);
	*o = (struct order){ .readers = 1, .version = w->version->number, .count = w->version->customers };
	o->ids = mem_alloc(((size_t)o->count + 1) * sizeof *o->ids);
	if (by != SORT_NAME) {
		by_book(o, w, by, r->web->o.threads);
	} else if (!by_names(o, r->db, &err)) {
		request_err(r, &err);
		let_go(o);
		return NULL;
	}
	double now = clock_monotonic(), cost = now - began;
	o->kept_until = o->count > LARGE ? now + KEPT_TIMES * cost : now;
	return o;
}

struct order *request_order(struct request *r, enum list_sort by)
{
	const struct world *w = request_world(r);
	struct orders *all = r->web->orders;
	if (!w || !request_db(r))
		return NULL;
	pthread_mutex_lock(&all->lock); /* who comes while one is made waits for it */
	struct order *o = all->newest[by];
	if (!o || (o->version != w->version->number && o->kept_until <= clock_monotonic())) {
		let_go(o);
		o = all->newest[by] = make(r, w, by);
	}
	if (o)
		o->readers++;
	pthread_mutex_unlock(&all->lock);
	return o;
}

size_t order_walk(const struct order *o, const uint64_t *bits, uint32_t customers, bool down, size_t from, size_t most,
                  customer_id *ids)
{
	size_t seen = 0, got = 0;
	for (uint32_t i = 0; i < o->count && got < most; i++) {
		customer_id c = o->ids[down ? o->count - 1 - i : i];
		if (c > customers || !(bits[c >> 6] >> (c & 63) & 1) || seen++ < from)
			continue;
		ids[got++] = c;
	}
	return got;
}
