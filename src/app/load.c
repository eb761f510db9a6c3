#include "app/load.h"

#include "app/arrival.h"
#include "app/config.h"
#include "app/together.h"

#include "base/par.h"

#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

/* ---- the catalogue ---- */

struct catalogue {
	struct book *book;
	struct product *items;
	size_t cap;
	uint32_t count;
	struct str *replaced_by; /* SKU by product, resolved once all are read */
	size_t replaced_cap;
};

static bool take_product(void *ctx, product_id id, const struct product_row *p, struct err *err)
{
	struct catalogue *c = ctx;
	struct arena *a = book_product_arena(c->book);
	(void)err;
	size_t had = c->cap;
	c->items = mem_grow(c->items, &c->cap, (size_t)id + 1, sizeof *c->items);
	if (c->cap > had)
		memset(c->items + had, 0, (c->cap - had) * sizeof *c->items);
	had = c->replaced_cap;
	c->replaced_by = mem_grow(c->replaced_by, &c->replaced_cap, (size_t)id + 1, sizeof *c->replaced_by);
	if (c->replaced_cap > had)
		memset(c->replaced_by + had, 0, (c->replaced_cap - had) * sizeof *c->replaced_by);
	c->items[id] = (struct product){
		.sku = arena_str(a, p->sku),
		.name = arena_str(a, p->name),
		.type = book_word(c->book, p->type),
		.family = book_word(c->book, p->family),
		.category = book_word(c->book, p->category),
		.price = p->price,
		.cost = p->cost,
		.stock = p->stock,
		.lifetime_days = p->lifetime_days > 0 ? p->lifetime_days : 0,
		.tier = (int16_t)(p->tier > 0 ? p->tier : 0),
		.vat_percent_x2 = (uint8_t)(p->vat_x2 > 0 ? p->vat_x2 : 0),
		.not_a_product = p->not_a_product,
	};
	c->replaced_by[id] = arena_str(a, p->replaced_by);
	if (id >= c->count)
		c->count = id + 1;
	return true;
}

static void resolve_replacements(struct catalogue *c)
{
	struct intern skus;
	intern_init(&skus);
	uint32_t *ids = mem_alloc((c->count + 1) * sizeof *ids);
	for (product_id id = 1; id < c->count; id++)
		if (c->items[id].sku.n)
			ids[intern_put(&skus, c->items[id].sku, NULL)] = id;
	for (product_id id = 1; id < c->count; id++) {
		uint32_t at = c->replaced_by[id].n ? intern_find(&skus, c->replaced_by[id]) : INTERN_NONE;
		c->items[id].replaced_by = at == INTERN_NONE ? 0 : ids[at];
	}
	free(ids);
	intern_release(&skus);
}

bool load_catalogue(struct db *db, struct book *book, struct err *err)
{
	struct catalogue c = { .book = book };
	bool ok = store_products(db, take_product, &c, err);
	if (ok)
		resolve_replacements(&c);
	free(c.replaced_by);
	if (!ok) {
		free(c.items);
		return false;
	}
	if (c.count == 0) {
		c.items = mem_realloc(c.items, sizeof *c.items);
		c.items[0] = (struct product){ 0 };
		c.count = 1;
	}
	book_set_products(book, c.items, c.count);
	return true;
}

/* ---- the facts ---- */

struct loading {
	const char *address;
	struct book *book;
	uint32_t customers;
	struct instant known;
	struct thresholds *thresholds;
	size_t chunks_each;
	const struct merges *merges;
	uint64_t *joined;         /* a bit per record that is one person with another; NULL: nobody is */
	struct together together; /* their facts, folded once all are there */
	pthread_mutex_t lock;
	bool failed;
	struct err err;
};

static bool take_fact(void *ctx, const struct fact *f, struct err *err)
{
	return book_loader_add(ctx, f, err);
}

struct sifting {
	struct loading *l;
	struct book_loader *loader;
};

static bool sift_fact(void *ctx, const struct fact *f, struct err *err)
{
	struct sifting *s = ctx;
	struct loading *l = s->l;
	if (!(l->joined[f->customer >> 6] >> (f->customer & 63) & 1))
		return book_loader_add(s->loader, f, err);
	pthread_mutex_lock(&l->lock);
	together_add(&l->together, f);
	pthread_mutex_unlock(&l->lock);
	return true;
}

/* {"day":15000,"top_decile_spend":…,"average_basket":…,"buyers":…}: what freeze_thresholds() writes. */
bool load_thresholds(struct str body, struct thresholds *out)
{
	json_error_t where;
	json_t *j = json_loadb(body.p, body.n, 0, &where);
	json_int_t day, top, mean, buyers;
	bool ok = j && json_unpack(j, "{s:I,s:I,s:I,s:I}", "day", &day, "top_decile_spend", &top, "average_basket", &mean,
	                           "buyers", &buyers) == 0;
	json_decref(j);
	if (ok)
		*out = (struct thresholds){
			.day = { (int32_t)day }, .top_decile_spend = top, .average_basket = mean, .buyers_12m = (uint32_t)buyers
		};
	return ok;
}

struct shop_facts {
	struct book_loader *loader;
	struct thresholds *thresholds;
};

/* Customer 0: the guests' facts, and the shop's own. */
static bool take_shop_fact(void *ctx, const struct fact *f, struct err *err)
{
	struct shop_facts *s = ctx;
	if (f->kind == FACT_THRESHOLD && !load_thresholds(f->body, s->thresholds))
		return err_set(err, ERR_WORLD, "the frozen thresholds %.*s cannot be read: run \"relance check\"",
		               STR_ARG(f->key));
	return book_loader_add(s->loader, f, err);
}

static bool read_facts(const struct loading *l, struct db *db, customer_id from, customer_id to, store_fact_fn fn,
                       void *ctx, struct err *err)
{
	if (l->known.s == INSTANT_NEVER.s)
		return store_facts_to_load(db, from, to, fn, ctx, err);
	return store_facts_by_customer(db, from, to, l->known, fn, ctx, err);
}

static bool load_guests(struct loading *l, struct db *db, struct err *err)
{
	struct shop_facts s = { .loader = book_loader_new(l->book), .thresholds = l->thresholds };
	bool ok = read_facts(l, db, GUESTS, GUESTS, take_shop_fact, &s, err);
	struct err ignored;
	bool finished = book_loader_finish(s.loader, ok ? err : &ignored);
	return ok && finished;
}

static bool load_range(struct loading *l, struct db *db, customer_id from, customer_id to, struct err *err)
{
	struct book_loader *loader = book_loader_new(l->book);
	struct sifting sifting = { l, loader };
	/* those of several records are put in order by their seq, which the fast way leaves out */
	bool ok = l->joined ? store_facts_by_customer(db, from, to, l->known, sift_fact, &sifting, err)
	                    : read_facts(l, db, from, to, take_fact, loader, err);
	struct err ignored;
	bool finished = book_loader_finish(loader, ok ? err : &ignored);
	return ok && finished;
}

/* Range 0 is the guests and the shop, the others whole chunks of customers. */
static bool load_nth(struct loading *l, struct db *db, size_t i, struct err *err)
{
	if (i == 0)
		return load_guests(l, db, err);
	customer_id first = (customer_id)(1 + (i - 1) * l->chunks_each * BOOK_CHUNK);
	uint64_t last = (uint64_t)first + l->chunks_each * BOOK_CHUNK - 1;
	return load_range(l, db, first, (customer_id)(last < l->customers ? last : l->customers), err);
}

static void load_ranges(void *ctx, size_t from, size_t to, int thread)
{
	struct loading *l = ctx;
	struct err err;
	struct shop shop;
	struct db *db =
		store_open(l->address, true, &shop, &err); /* for a range: its pages of the file are let go with it */
	bool ok = db;
	for (size_t i = from; i < to && ok; i++)
		ok = load_nth(l, db, i, &err);
	db_close(db);
	if (!ok) {
		pthread_mutex_lock(&l->lock);
		l->failed = true;
		l->err = err;
		pthread_mutex_unlock(&l->lock);
	}
}

static void mark_joined(struct loading *l)
{
	if (!l->merges->count)
		return;
	l->joined = mem_alloc(((size_t)l->customers / 64 + 1) * sizeof *l->joined);
	for (size_t i = 0; i < l->merges->count; i++) {
		const customer_id pair[] = { l->merges->items[i].from, l->merges->items[i].into };
		for (int k = 0; k < 2; k++)
			if (pair[k] <= l->customers)
				l->joined[pair[k] >> 6] |= (uint64_t)1 << (pair[k] & 63);
	}
}

static bool fold_joined(struct loading *l, struct err *err)
{
	size_t count;
	customer_id *some = mem_alloc((l->merges->count + 1) * sizeof *some);
	for (size_t i = 0; i < l->merges->count; i++)
		some[i] = l->merges->items[i].into;
	customer_id *all = together_all(l->merges, some, l->merges->count, &count);
	bool ok = count == 0 || together_fold(&l->together, l->book, l->merges, all, count, err);
	free(all);
	free(some);
	return ok;
}

/* One person alone, with the records that are them. */
static bool load_one(struct loading *l, struct db *db, customer_id c, int64_t seq_hi, struct err *err)
{
	size_t count;
	customer_id *all = together_all(l->merges, &c, 1, &count);
	bool ok = true;
	if (count == 1) {
		ok = load_range(l, db, c, c, err);
		book_load_done(l->book, l->customers, seq_hi);
	} else {
		for (size_t i = 0; i < count && ok; i++)
			ok = together_read(&l->together, db, all[i], INT64_MAX, l->known, err);
		book_load_done(l->book, l->customers, seq_hi);
		ok = ok && together_fold(&l->together, l->book, l->merges, all, count, err);
	}
	free(all);
	return ok;
}

/* Enough ranges that all threads end together. */
enum { RANGE_CHUNKS_MIN = 16, RANGES_A_THREAD = 8 };

static bool load_everybody(struct loading *l, int threads, int64_t seq_hi, struct err *err)
{
	size_t chunks = (l->customers + BOOK_CHUNK - 1) / BOOK_CHUNK;
	l->chunks_each = chunks / ((size_t)threads * RANGES_A_THREAD) + 1;
	if (l->chunks_each < RANGE_CHUNKS_MIN)
		l->chunks_each = RANGE_CHUNKS_MIN;
	size_t ranges = 1 + (chunks + l->chunks_each - 1) / l->chunks_each;
	mark_joined(l);
	pthread_mutex_init(&l->lock, NULL);
	par_for(ranges, 1, threads, load_ranges, l);
	pthread_mutex_destroy(&l->lock);
	book_load_done(l->book, l->customers, seq_hi);
	malloc_trim(0); /* what each thread read with is not needed again: a sixth of the process otherwise */
	if (l->failed)
		*err = l->err;
	return !l->failed && (!l->joined || fold_joined(l, err));
}

static bool load_facts(const char *address, const struct load_options *o, struct shop_world *w, struct err *err)
{
	w->thresholds.day = DATE_UNKNOWN;
	if (o->no_facts) {
		w->seq_hi = 0;
		book_load_done(w->book, w->customers, 0);
		return true;
	}
	struct loading l = { .address = address,
		                 .book = w->book,
		                 .customers = w->customers,
		                 .known = o->known,
		                 .thresholds = &w->thresholds,
		                 .merges = &w->merges };
	if (!merges_read(w->db, o->known, &w->merges, err))
		return false;
	together_init(&l.together);
	bool ok = o->one ? load_guests(&l, w->db, err) : load_everybody(&l, par_threads(o->threads), w->seq_hi, err);
	if (ok && o->one && o->only != GUESTS)
		ok = load_one(&l, w->db, o->only, w->seq_hi, err);
	else if (o->one)
		book_load_done(w->book, w->customers, w->seq_hi);
	together_release(&l.together);
	free(l.joined);
	return ok;
}

bool load_shop(const char *address, const struct load_options *o, struct shop_world *out, struct err *err)
{
	*out = (struct shop_world){ 0 };
	out->db = shop_open(address, o->read_only, &out->shop, err);
	if (!out->db)
		return false;
	out->book = book_new(&(struct book_options){ .zone = out->shop.zone, .locale = out->shop.locale });
	bool ok = store_changes(out->db, out->changes, err) && config_read(out->db, &out->shop, &out->settings, err) &&
	          store_seq_hi(out->db, &out->seq_hi, &out->customers, err) && load_catalogue(out->db, out->book, err) &&
	          load_facts(address, o, out, err);
	if (!ok)
		load_release(out);
	return ok;
}

void load_release(struct shop_world *w)
{
	book_free(w->book);
	db_close(w->db);
	merges_release(&w->merges);
	*w = (struct shop_world){ 0 };
}
