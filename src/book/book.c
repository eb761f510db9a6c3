/* Versions: an array of pointers to chunks. Chunk 0 holds the guests alone, chunk n ≥ 1 the customers
 * (n − 1) × 256 + 1 … n × 256. Guests may be many and decide nothing, so their live facts wait in a list and are folded
 * into their chunk once they are a sixteenth of it. */
#include "book/book.h"

#include "base/hash.h"
#include "book/chunk.h"

#include <pthread.h>
#include <stdlib.h>

enum { WORD_SEGMENTS = 26, WORD_SEGMENT_FIRST = 64 };

struct book {
	struct book_options options;
	pthread_mutex_t lock; /* current, words */
	struct version *current;
	struct intern words;
	struct str *word_text[WORD_SEGMENTS]; /* segment i holds 64 × 2^i texts; filled before the number is handed out */
	_Atomic uint32_t word_count;
	uint32_t serial;
	struct catalogue *_Atomic catalogue;
	struct catalogue *retired;    /* lock: replaced, and maybe still read */
	struct arena product_arena;   /* of the next catalogue */
	struct version *oldest_alive; /* lock; current is the newest of the list */
	struct builder *writer;

	/* bulk load: chunks handed in by loaders */
	struct chunk **loaded;
	size_t loaded_cap, loaded_count;

	/* guests' facts not in their chunk yet: deep copies */
	struct fact *guest_facts;
	size_t guest_count, guest_cap;
	struct arena guest_arena;
};

struct catalogue {
	struct catalogue *next;
	struct product *products;
	uint32_t count;
	struct arena strings;
	uint64_t last_version; /* whoever pinned this one, or an older one, may read it */
};

enum { GUEST_WAIT_MIN = 1024, GUEST_SHARE = 16 };

static size_t chunk_of(customer_id c)
{
	return c == GUESTS ? 0 : 1 + (c - 1) / BOOK_CHUNK;
}

static customer_id chunk_first(size_t index)
{
	return index == 0 ? 0 : (customer_id)((index - 1) * BOOK_CHUNK + 1);
}

static uint32_t chunk_room(size_t index)
{
	return index == 0 ? 1 : BOOK_CHUNK;
}

static struct version *version_new(size_t chunk_count, uint32_t customers, int64_t seq_hi)
{
	struct version *v = mem_alloc(sizeof *v);
	atomic_init(&v->refs, 1);
	v->chunk_count = chunk_count;
	v->chunks = mem_alloc(chunk_count * sizeof(struct chunk *));
	v->customers = customers;
	v->seq_hi = seq_hi;
	return v;
}

static void catalogue_free(struct catalogue *c)
{
	while (c) {
		struct catalogue *next = c->next;
		free(c->products);
		arena_release(&c->strings);
		free(c);
		c = next;
	}
}

/* Catalogues that no version alive can have led to: to be freed. Under the lock. */
static struct catalogue *take_unread(struct book *b)
{
	struct catalogue *unread = NULL;
	for (struct catalogue **at = &b->retired; *at;) {
		struct catalogue *c = *at;
		if (b->oldest_alive && c->last_version >= b->oldest_alive->number) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		c->next = unread;
		unread = c;
	}
	return unread;
}

static void version_bury(struct book *b, struct version *v)
{
	pthread_mutex_lock(&b->lock);
	if (v->older)
		v->older->newer = v->newer;
	else
		b->oldest_alive = v->newer;
	if (v->newer)
		v->newer->older = v->older;
	struct catalogue *unread = b->retired ? take_unread(b) : NULL;
	pthread_mutex_unlock(&b->lock);
	catalogue_free(unread);
}

static void version_unref(struct book *b, struct version *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	if (v->published)
		version_bury(b, v);
	for (size_t i = 0; i < v->chunk_count; i++)
		chunk_unref(v->chunks[i]);
	free(v->chunks);
	free(v);
}

static struct chunk *empty_chunk(struct book *b, size_t index)
{
	builder_start(b->writer, chunk_first(index));
	return builder_finish(b->writer);
}

struct book *book_new(const struct book_options *options)
{
	struct book *b = mem_alloc(sizeof *b);
	b->options = *options;
	pthread_mutex_init(&b->lock, NULL);
	intern_init(&b->words);
	static _Atomic uint32_t serials;
	b->serial = atomic_fetch_add(&serials, 1) + 1;
	book_word(b, STR("")); /* word 0: none */
	arena_init(&b->product_arena);
	arena_init(&b->guest_arena);
	b->writer = builder_new(b);
	b->current = version_new(1, 0, 0);
	b->current->chunks[0] = empty_chunk(b, 0);
	b->current->published = true;
	b->oldest_alive = b->current;
	b->catalogue = mem_alloc(sizeof *b->catalogue);
	return b;
}

void book_free(struct book *b)
{
	if (!b)
		return;
	version_unref(b, b->current);
	for (size_t i = 0; i < b->loaded_count; i++)
		chunk_unref(b->loaded[i]);
	free(b->loaded);
	builder_free(b->writer);
	intern_release(&b->words);
	for (size_t i = 0; i < WORD_SEGMENTS; i++)
		free(b->word_text[i]);
	catalogue_free(b->catalogue);
	catalogue_free(b->retired);
	arena_release(&b->product_arena);
	free(b->guest_facts);
	arena_release(&b->guest_arena);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

const struct book_options *book_get_options(const struct book *b)
{
	return &b->options;
}

/* Word → its place in the segments. */
static struct str *word_place(struct book *b, uint32_t word, bool make)
{
	uint32_t group = word / WORD_SEGMENT_FIRST + 1, segment = 31u - (uint32_t)__builtin_clz(group);
	check(segment < WORD_SEGMENTS);
	if (make && !b->word_text[segment])
		b->word_text[segment] = mem_alloc(((size_t)WORD_SEGMENT_FIRST << segment) * sizeof(struct str));
	return &b->word_text[segment][word - WORD_SEGMENT_FIRST * ((1u << segment) - 1)];
}

uint32_t book_word(struct book *b, struct str text)
{
	pthread_mutex_lock(&b->lock);
	bool is_new;
	uint32_t id = intern_put(&b->words, text, &is_new);
	if (is_new) {
		*word_place(b, id, true) = intern_name(&b->words, id);
		atomic_store_explicit(&b->word_count, id + 1, memory_order_release);
	}
	pthread_mutex_unlock(&b->lock);
	return id;
}

/* Conditions and triggers ask for the same few words millions of times, from every thread: each thread remembers its
 * last answers, good as long as the book has no new word. */
enum { REMEMBERED = 256 };

struct remembered {
	uint64_t hash;
	uint32_t serial, count, id;
};

uint32_t book_word_find(const struct book *b, struct str text)
{
	static _Thread_local struct remembered cache[REMEMBERED];
	uint64_t hash = hash_str(text);
	uint32_t count = atomic_load_explicit(&b->word_count, memory_order_acquire);
	struct remembered *r = &cache[hash % REMEMBERED];
	if (r->hash == hash && r->serial == b->serial && r->count == count)
		return r->id;
	struct book *mutable = (struct book *)b;
	pthread_mutex_lock(&mutable->lock);
	uint32_t id = intern_find(&b->words, text);
	pthread_mutex_unlock(&mutable->lock);
	id = id == INTERN_NONE ? 0 : id;
	*r = (struct remembered){ hash, b->serial, count, id };
	return id;
}

struct str book_word_text(const struct book *b, uint32_t word)
{
	check(word < atomic_load_explicit(&b->word_count, memory_order_acquire));
	return *word_place((struct book *)b, word, false);
}

uint32_t book_serial(const struct book *b)
{
	return b->serial;
}

uint32_t book_word_count(const struct book *b)
{
	return atomic_load_explicit(&b->word_count, memory_order_acquire);
}

const struct product *book_products(const struct book *b, uint32_t *count)
{
	const struct catalogue *c = b->catalogue;
	*count = c->count;
	return c->products;
}

struct arena *book_product_arena(struct book *b)
{
	return &b->product_arena;
}

/* ---- versions ---- */

const struct version *book_pin(struct book *b)
{
	pthread_mutex_lock(&b->lock);
	struct version *v = b->current;
	atomic_fetch_add(&v->refs, 1);
	pthread_mutex_unlock(&b->lock);
	return v;
}

void book_unpin(struct book *b, const struct version *v)
{
	version_unref(b, (struct version *)v);
}

static void publish(struct book *b, struct version *v)
{
	pthread_mutex_lock(&b->lock);
	struct version *old = b->current;
	v->number = old->number + 1;
	v->published = true;
	v->older = old; /* alive: the book still holds it */
	old->newer = v;
	b->current = v;
	pthread_mutex_unlock(&b->lock);
	version_unref(b, old);
}

/* The same chunks as now, and room for more. */
static struct version *version_next(struct book *b, size_t chunks, uint32_t customers, int64_t seq_hi)
{
	const struct version *now = b->current;
	struct version *v = version_new(chunks > now->chunk_count ? chunks : now->chunk_count, customers, seq_hi);
	for (size_t i = 0; i < v->chunk_count; i++) {
		if (i < now->chunk_count) {
			v->chunks[i] = now->chunks[i];
			atomic_fetch_add_explicit(&v->chunks[i]->refs, 1, memory_order_relaxed);
		} else {
			v->chunks[i] = empty_chunk(b, i);
		}
	}
	return v;
}

/* The old catalogue goes with the last version that could have led to it: whoever pins the version published here, or
 * a later one, finds the new one. */
void book_set_products(struct book *b, struct product *products, uint32_t count)
{
	struct catalogue *c = mem_alloc(sizeof *c), *old = b->catalogue;
	*c = (struct catalogue){ .products = products, .count = count, .strings = b->product_arena };
	arena_init(&b->product_arena);
	b->catalogue = c;
	pthread_mutex_lock(&b->lock);
	old->last_version = b->current->number;
	old->next = b->retired;
	b->retired = old;
	pthread_mutex_unlock(&b->lock);
	publish(b, version_next(b, 0, b->current->customers, b->current->seq_hi));
}

/* ---- applying facts ---- */

struct todo {
	const struct fact *fact;
	size_t order;
};

static int by_customer(const void *x, const void *y)
{
	const struct todo *a = x, *b = y;
	if (a->fact->customer != b->fact->customer)
		return a->fact->customer < b->fact->customer ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

/* A new chunk from the old one and the todo items that fall into it, by customer. */
static struct chunk *rebuild(struct book *b, size_t index, const struct chunk *old, const struct todo *todo,
                             size_t count, struct err *err)
{
	struct builder *w = b->writer;
	customer_id first = chunk_first(index);
	builder_start(w, first);
	size_t next = 0;
	while (next < count) {
		uint32_t i = todo[next].fact->customer - first;
		builder_copy(w, old, w->count, i);
		builder_begin(w, first + i);
		builder_open_old(w, old, i);
		for (; next < count && todo[next].fact->customer == first + i; next++)
			if (!builder_fact(w, todo[next].fact, err))
				return NULL;
		builder_end(w);
	}
	builder_copy(w, old, w->count, chunk_room(index));
	return builder_finish(w);
}

static struct fact fact_copy(struct arena *a, const struct fact *f)
{
	struct fact copy = *f;
	copy.key = arena_str(a, f->key);
	copy.body = arena_str(a, f->body);
	return copy;
}

/* Guests' facts wait; returns true when it is time to fold them in. */
static bool guests_wait(struct book *b, const struct fact *f)
{
	b->guest_facts = mem_grow(b->guest_facts, &b->guest_cap, b->guest_count + 1, sizeof *b->guest_facts);
	b->guest_facts[b->guest_count++] = fact_copy(&b->guest_arena, f);
	uint32_t known = b->current->chunks[0]->order_start[1];
	return b->guest_count >= GUEST_WAIT_MIN && b->guest_count * GUEST_SHARE >= known;
}

static bool in_book(enum fact_kind kind)
{
	return kind == FACT_ORDER || kind == FACT_CART || kind == FACT_CONSENT || kind == FACT_PROFILE ||
	       kind == FACT_EVENT || kind == FACT_RETRACT;
}

static bool apply_chunks(struct book *b, struct version *v, const struct todo *todo, size_t count, struct err *err)
{
	for (size_t i = 0; i < count;) {
		size_t index = chunk_of(todo[i].fact->customer), end = i;
		while (end < count && chunk_of(todo[end].fact->customer) == index)
			end++;
		struct chunk *fresh = rebuild(b, index, v->chunks[index], todo + i, end - i, err);
		if (!fresh)
			return false;
		chunk_unref(v->chunks[index]);
		v->chunks[index] = fresh;
		i = end;
	}
	return true;
}

static void fold_guests(struct book *b, struct todo **todo, size_t *count, size_t *cap)
{
	for (size_t i = 0; i < b->guest_count; i++) {
		*todo = mem_grow(*todo, cap, *count + 1, sizeof **todo);
		(*todo)[(*count)++] = (struct todo){ &b->guest_facts[i], i };
	}
}

bool book_apply(struct book *b, const struct fact *facts, size_t count, struct err *err)
{
	struct todo *todo = NULL;
	size_t n = 0, cap = 0;
	int64_t seq_hi = b->current->seq_hi;
	customer_id highest = b->current->customers;
	bool guests_due = false;
	for (size_t i = 0; i < count; i++) {
		check(facts[i].seq > b->current->seq_hi);
		if (facts[i].seq > seq_hi)
			seq_hi = facts[i].seq;
		if (facts[i].customer > highest)
			highest = facts[i].customer;
		if (!in_book(facts[i].kind))
			continue;
		if (facts[i].customer == GUESTS) {
			guests_due |= guests_wait(b, &facts[i]);
			continue;
		}
		todo = mem_grow(todo, &cap, n + 1, sizeof *todo);
		todo[n++] = (struct todo){ &facts[i], i };
	}
	if (guests_due)
		fold_guests(b, &todo, &n, &cap);
	if (n)
		qsort(todo, n, sizeof *todo, by_customer);
	struct version *v = version_next(b, chunk_of(highest) + 1, highest, seq_hi);
	bool ok = apply_chunks(b, v, todo, n, err);
	free(todo);
	if (!ok) {
		version_unref(b, v);
		return false;
	}
	if (guests_due) {
		b->guest_count = 0;
		arena_clear(&b->guest_arena);
	}
	publish(b, v);
	return true;
}

/* Those of the groups are folded from their facts alone, the others stay as they are. */
static struct chunk *regroup(struct book *b, size_t index, const struct chunk *old, const struct book_group *groups,
                             size_t count, struct err *err)
{
	struct builder *w = b->writer;
	customer_id first = chunk_first(index);
	builder_start(w, first);
	for (size_t g = 0; g < count; g++) {
		builder_copy(w, old, w->count, groups[g].customer - first);
		builder_begin(w, groups[g].customer);
		builder_group(w, &groups[g]);
		for (size_t f = 0; f < groups[g].fact_count; f++)
			if (!builder_fact(w, &groups[g].facts[f], err))
				return NULL;
		builder_end(w);
	}
	builder_copy(w, old, w->count, chunk_room(index));
	return builder_finish(w);
}

bool book_replace(struct book *b, const struct book_group *groups, size_t count, struct err *err)
{
	customer_id highest = count ? groups[count - 1].customer : 0;
	if (highest < b->current->customers)
		highest = b->current->customers;
	struct version *v = version_next(b, chunk_of(highest) + 1, highest, b->current->seq_hi);
	for (size_t i = 0; i < count;) {
		size_t index = chunk_of(groups[i].customer), end = i;
		while (end < count && chunk_of(groups[end].customer) == index)
			end++;
		struct chunk *fresh = regroup(b, index, v->chunks[index], groups + i, end - i, err);
		if (!fresh) {
			version_unref(b, v);
			return false;
		}
		chunk_unref(v->chunks[index]);
		v->chunks[index] = fresh;
		i = end;
	}
	publish(b, v);
	return true;
}

/* ---- bulk load ---- */

struct book_loader {
	struct book *book;
	struct builder *builder;
	bool open; /* a chunk is being built */
	bool in_customer;
	size_t index;
	struct chunk **done;
	size_t *done_index;
	size_t count, cap, index_cap;
};

struct book_loader *book_loader_new(struct book *b)
{
	struct book_loader *l = mem_alloc(sizeof *l);
	l->book = b;
	l->builder = builder_new(b);
	return l;
}

static void loader_close_chunk(struct book_loader *l)
{
	if (!l->open)
		return;
	if (l->in_customer)
		builder_end(l->builder);
	l->in_customer = false;
	l->done = mem_grow(l->done, &l->cap, l->count + 1, sizeof *l->done);
	l->done_index = mem_grow(l->done_index, &l->index_cap, l->count + 1, sizeof *l->done_index);
	l->done_index[l->count] = l->index;
	l->done[l->count++] = builder_finish(l->builder);
	l->open = false;
}

static void loader_go_to(struct book_loader *l, customer_id c)
{
	size_t index = chunk_of(c);
	if (!l->open || index != l->index) {
		loader_close_chunk(l);
		builder_start(l->builder, chunk_first(index));
		l->index = index;
		l->open = true;
	}
	if (l->in_customer && l->builder->customer == c)
		return;
	if (l->in_customer)
		builder_end(l->builder);
	while (l->builder->first + l->builder->count < c) { /* customers without facts */
		builder_begin(l->builder, l->builder->first + l->builder->count);
		builder_end(l->builder);
	}
	builder_begin(l->builder, c);
	l->in_customer = true;
}

bool book_loader_add(struct book_loader *l, const struct fact *f, struct err *err)
{
	if (!in_book(f->kind))
		return true;
	if (!l->in_customer || l->builder->customer != f->customer)
		loader_go_to(l, f->customer);
	return builder_fact(l->builder, f, err);
}

bool book_loader_finish(struct book_loader *l, struct err *err)
{
	(void)err;
	loader_close_chunk(l);
	struct book *b = l->book;
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < l->count; i++) {
		b->loaded = mem_grow(b->loaded, &b->loaded_cap, l->done_index[i] + 1, sizeof *b->loaded);
		while (b->loaded_count <= l->done_index[i])
			b->loaded[b->loaded_count++] = NULL;
		check(b->loaded[l->done_index[i]] == NULL);
		b->loaded[l->done_index[i]] = l->done[i];
	}
	pthread_mutex_unlock(&b->lock);
	builder_free(l->builder);
	free(l->done);
	free(l->done_index);
	free(l);
	return true;
}

void book_load_done(struct book *b, uint32_t customers, int64_t seq_hi)
{
	size_t chunks = chunk_of(customers) + 1;
	if (chunks < b->loaded_count)
		chunks = b->loaded_count;
	struct version *v = version_new(chunks, customers, seq_hi);
	for (size_t i = 0; i < chunks; i++) {
		if (i < b->loaded_count && b->loaded[i])
			v->chunks[i] = b->loaded[i];
		else
			v->chunks[i] = empty_chunk(b, i);
	}
	free(b->loaded);
	b->loaded = NULL;
	b->loaded_count = b->loaded_cap = 0;
	publish(b, v);
}

/* ---- sizes ---- */

size_t book_bytes(const struct book *b)
{
	const struct version *v = b->current;
	size_t bytes = sizeof *b + v->chunk_count * sizeof *v->chunks;
	for (size_t i = 0; i < v->chunk_count; i++)
		bytes += v->chunks[i]->bytes;
	return bytes;
}

size_t book_raw_bytes(const struct book *b)
{
	const struct version *v = b->current;
	size_t bytes = 0;
	for (size_t i = 0; i < v->chunk_count; i++) {
		const struct chunk *k = v->chunks[i];
		uint32_t n = chunk_room(i), orders = k->order_start[n];
		bytes += n * sizeof(struct profile) + orders * (4 + 8 + 4 + 8 + 1) +
		         (size_t)order_line(k, orders) * sizeof(struct line) + k->cart_start[n] * (sizeof(struct cart) + 8) +
		         k->cart_line_count * sizeof(struct line) + k->consent_start[n] * (sizeof(struct consent) + 8) +
		         k->event_start[n] * (sizeof(struct event) + 8 + 8) + k->word_start[n] * 4 + k->child_start[n] * 4;
	}
	return bytes;
}
