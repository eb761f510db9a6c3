/* The book against a naive list of facts: the same customers, orders and lines, however the facts came in. */
#include "unit.h"

#include "base/buf.h"
#include "base/hash.h"
#include "book/book.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { CUSTOMERS = 700, FACTS = 6000 };

static const struct book_options OPTIONS = { 0 };

struct made {
	struct arena arena;
	struct fact *facts;
	size_t count;
};

static struct str body_of(struct arena *a, const struct order_body *o)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_order(o, &b);
	struct str s = arena_str(a, buf_view(&b));
	buf_release(&b);
	return s;
}

static void make(struct made *m, uint64_t seed)
{
	struct rng r;
	rng_init(&r, seed, 1);
	arena_init(&m->arena);
	m->facts = arena_array(&m->arena, struct fact, FACTS);
	m->count = FACTS;
	for (size_t i = 0; i < FACTS; i++) {
		struct fact *f = &m->facts[i];
		*f = (struct fact){ .customer = rng_below(&r, CUSTOMERS + 1), .seq = (int64_t)i + 1, .kind = FACT_ORDER };
		/* keys repeat within a customer, so that corrections and retractions happen */
		f->key = arena_printf(&m->arena, "till:%u", rng_below(&r, 12));
		f->at.s = f->learned_at.s = 1300000000 + rng_below(&r, 50000000);
		if (rng_below(&r, 10) == 0) {
			f->kind = FACT_RETRACT;
			f->body = STR("{\"kind\":\"order\"}");
			continue;
		}
		struct line lines[8];
		size_t n = 1 + rng_below(&r, 7);
		for (size_t l = 0; l < n; l++)
			lines[l] = (struct line){ 1 + rng_below(&r, 50), (int32_t)rng_below(&r, 5) - 1,
				                      (int64_t)rng_below(&r, 9000) - 999 };
		f->body = body_of(&m->arena, &(struct order_body){ .lines = lines, .line_count = n, .channel = SALE_WEB });
	}
}

/* The newest fact of each key, or none when it is a retraction: count and sum of amounts of one customer up to `now`.
 */
static void naive(const struct made *m, customer_id c, int64_t now, uint32_t *orders, int64_t *total)
{
	*orders = 0;
	*total = 0;
	struct arena a;
	arena_init(&a);
	for (size_t i = 0; i < m->count; i++) {
		const struct fact *f = &m->facts[i];
		bool newest = f->customer == c;
		for (size_t j = i + 1; j < m->count && newest; j++)
			newest = !(m->facts[j].customer == c && str_eq(m->facts[j].key, f->key));
		if (!newest || f->kind == FACT_RETRACT || f->at.s > now)
			continue;
		struct order_body body;
		struct err err;
		ck_assert(body_read_order(f->body, &a, &body, &err));
		++*orders;
		for (size_t l = 0; l < body.line_count; l++)
			*total += body.lines[l].amount;
	}
	arena_release(&a);
}

static void compare(struct book *b, const struct made *m, customer_id c, int64_t now)
{
	const struct version *v = book_pin(b);
	struct view w;
	view_at(&w, v, c, (struct instant){ now });
	uint32_t orders;
	int64_t total, seen = 0;
	naive(m, c, now, &orders, &total);
	ck_assert_uint_eq(w.order1 - w.order0, orders);
	uint32_t before = 0;
	for (uint32_t o = w.order0; o < w.order1; o++) {
		ck_assert_uint_ge(w.k->order_at[o], before);
		before = w.k->order_at[o];
		int64_t lines = 0;
		bool sale = false;
		for (uint32_t l = order_line(w.k, o); l < order_line(w.k, o + 1); l++) {
			lines += line_amount(w.k, l);
			sale |= line_quantity(w.k, l) > 0;
		}
		ck_assert_int_eq(lines, order_total(w.k, o));
		ck_assert_int_eq(sale, order_is_sale(w.k, o));
		seen += lines;
	}
	ck_assert_int_eq(seen, total);
	struct instant next = view_next_fact(&w);
	if (next.s != INSTANT_NEVER.s)
		ck_assert_int_gt(next.s, now);
	book_unpin(b, v);
}

static void compare_some(struct book *b, const struct made *m)
{
	for (customer_id c = 1; c <= CUSTOMERS; c += 7) {
		compare(b, m, c, INT64_MAX);
		compare(b, m, c, 1325000000);
	}
}

START_TEST(facts_in_batches_of_any_size)
{
	static const size_t BATCHES[] = { 1, 3, 100, FACTS };
	for (size_t k = 0; k < ARRAY_LEN(BATCHES); k++) {
		struct made m;
		make(&m, 11);
		struct book *b = book_new(&OPTIONS);
		struct err err;
		for (size_t i = 0; i < m.count; i += BATCHES[k]) {
			size_t n = m.count - i < BATCHES[k] ? m.count - i : BATCHES[k];
			ck_assert_msg(book_apply(b, m.facts + i, n, &err), "%s", err.text);
		}
		compare_some(b, &m);
		book_free(b);
		arena_release(&m.arena);
	}
}
END_TEST

START_TEST(bulk_load_gives_the_same)
{
	struct made m;
	make(&m, 12);
	struct book *b = book_new(&OPTIONS);
	struct err err;
	for (customer_id from = 0; from <= CUSTOMERS; from = from ? from + BOOK_CHUNK : 1) { /* one loader a chunk */
		struct book_loader *l = book_loader_new(b);
		for (customer_id c = from; c < (from ? from + BOOK_CHUNK : 1); c++)
			for (size_t i = 0; i < m.count; i++)
				if (m.facts[i].customer == c)
					ck_assert(book_loader_add(l, &m.facts[i], &err));
		ck_assert(book_loader_finish(l, &err));
	}
	book_load_done(b, CUSTOMERS, FACTS);
	compare_some(b, &m);
	compare(b, &m, GUESTS, INT64_MAX);
	ck_assert_uint_lt(book_bytes(b), 2 * book_raw_bytes(b));
	book_free(b);
	arena_release(&m.arena);
}
END_TEST

START_TEST(a_pinned_version_does_not_move)
{
	struct made m;
	make(&m, 13);
	struct book *b = book_new(&OPTIONS);
	struct err err;
	ck_assert(book_apply(b, m.facts, 3000, &err));
	const struct version *v = book_pin(b);
	struct view before, after;
	view_at(&before, v, 5, INSTANT_NEVER);
	ck_assert(book_apply(b, m.facts + 3000, 3000, &err));
	view_at(&after, v, 5, INSTANT_NEVER);
	ck_assert_mem_eq(&before, &after, sizeof before);
	book_unpin(b, v);
	book_free(b);
	arena_release(&m.arena);
}
END_TEST

enum { CART_FACTS = 40 };

struct cart_facts {
	struct line lines[CART_FACTS][3];
	size_t counts[CART_FACTS];
};

/* Every cart fact again, naively: at, state, lines and total of each person's carts, in order of time. */
static void compare_carts(struct book *b, const struct cart_facts *f, size_t facts)
{
	const struct version *v = book_pin(b);
	for (customer_id c = 1; c <= 3; c++) {
		struct view w;
		view_at(&w, v, c, INSTANT_NEVER);
		uint32_t at = w.cart0;
		for (size_t i = c - 1; i < facts; i += 3) {
			ck_assert_uint_lt(at, w.cart1);
			const struct cart *cart = &w.k->carts[at++];
			int64_t total = 0;
			ck_assert_uint_eq(cart->at, 1000 + i);
			ck_assert_uint_eq(cart->state, i % 3);
			ck_assert_uint_eq(cart_line_count(w.k, cart), f->counts[i]);
			for (uint32_t l = 0; l < f->counts[i]; l++) {
				ck_assert_uint_eq(cart_line_product(w.k, cart->line + l), f->lines[i][l].product);
				ck_assert_int_eq(cart_line_quantity(w.k, cart->line + l), f->lines[i][l].quantity);
				ck_assert_int_eq(cart_line_amount(w.k, cart->line + l), f->lines[i][l].amount);
				total += f->lines[i][l].amount;
			}
			ck_assert_int_eq(cart_total(w.k, cart), total);
		}
		ck_assert_uint_eq(at, w.cart1);
	}
	book_unpin(b, v);
}

static struct fact cart_fact(struct arena *a, struct cart_facts *f, size_t i, int64_t largest)
{
	struct buf body;
	f->counts[i] = i % 4;
	for (size_t l = 0; l < f->counts[i]; l++)
		f->lines[i][l] = (struct line){ (product_id)(i + l + 1), (int32_t)l + 1, (int64_t)(100 * i + l) };
	if (i == 9)
		f->lines[i][0].amount = largest;
	buf_init(&body, BODY_MAX);
	body_write_cart(&(struct cart_body){ .cart = arena_printf(a, "cart %zu", i / 6),
	                                     .state = (enum cart_state)(i % 3),
	                                     .lines = f->lines[i],
	                                     .line_count = f->counts[i],
	                                     .url = STR("") },
	                &body);
	struct fact fact = { .customer = (customer_id)(1 + i % 3),
		                 .seq = (int64_t)i + 1,
		                 .kind = FACT_CART,
		                 .at = { 1000 + (int64_t)i },
		                 .key = arena_printf(a, "%zu", i),
		                 .body = arena_str(a, buf_view(&body)) };
	buf_release(&body);
	return fact;
}

/* One fact at a time: each rebuilds what was known. The largest amount fits four bytes, then it does not. */
START_TEST(carts_keep_their_lines)
{
	for (int wide = 0; wide < 2; wide++) {
		struct cart_facts f;
		struct book *b = book_new(&OPTIONS);
		struct arena a;
		struct err err;
		arena_init(&a);
		for (size_t i = 0; i < CART_FACTS; i++) {
			struct fact fact = cart_fact(&a, &f, i, (int64_t)INT32_MAX + wide);
			ck_assert_msg(book_apply(b, &fact, 1, &err), "%s", err.text);
			compare_carts(b, &f, i + 1);
		}
		book_free(b);
		arena_release(&a);
	}
}
END_TEST

START_TEST(a_corrupt_body_is_refused_and_nothing_changes)
{
	struct book *b = book_new(&OPTIONS);
	struct err err;
	static const char *const BAD[] = { "",
		                               "{",
		                               "{\"lines\":[[1,2]]}",
		                               "{\"lines\":[[1,2,99999999999999999999]]}",
		                               "[]",
		                               "{\"lines\":[],\"channel\":\"moon\"}",
		                               "{\"lines\":[[1,1,1]]} ",
		                               "{\"voucher\":\"a" };
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		struct fact f = { .customer = 1, .seq = 1, .kind = FACT_ORDER, .key = STR("k"), .body = str_from(BAD[i]) };
		ck_assert_msg(!book_apply(b, &f, 1, &err), "%s", BAD[i]);
	}
	const struct version *v = book_pin(b);
	ck_assert_uint_eq(v->customers, 0);
	book_unpin(b, v);
	book_free(b);
}
END_TEST

START_TEST(profiles_go_round)
{
	struct arena a;
	struct err err;
	struct buf out;
	arena_init(&a);
	buf_init(&out, BODY_MAX);
	struct str tags[] = { STR("vip"), STR("a \"b\"\n\x01") };
	struct date children[] = { { 16000 }, { -5 } };
	struct profile_body p = { .zone = STR("Europe/Paris"),
		                      .locale = LOCALE_EN,
		                      .created = { 1291191960 },
		                      .born = { -3925 },
		                      .reach = 7,
		                      .address = 0xfedcba9876543210u,
		                      .company = true,
		                      .gender = 'f',
		                      .postcode = STR("59000"),
		                      .tags = tags,
		                      .tag_count = 2,
		                      .children = children,
		                      .child_count = 2 };
	body_write_profile(&p, &out);
	struct profile_body q;
	ck_assert_msg(body_read_profile(buf_view(&out), &a, &q, &err), "%s", err.text);
	ck_assert_int_eq(q.born.day, -3925);
	ck_assert_uint_eq(q.address, p.address);
	ck_assert(str_eq(q.tags[1], tags[1]) && q.child_count == 2 && q.children[1].day == -5 && q.gender == 'f');
	struct buf again;
	buf_init(&again, BODY_MAX);
	body_write_profile(&q, &again);
	ck_assert_str_eq(again.p, out.p);
	buf_release(&out);
	buf_release(&again);
	arena_release(&a);
}
END_TEST

static void set_catalogue(struct book *b, uint32_t products, const char *name)
{
	struct product *p = mem_alloc((products + 1) * sizeof *p);
	for (uint32_t i = 1; i <= products; i++)
		p[i].name = arena_printf(book_product_arena(b), "%s %u", name, i);
	book_set_products(b, p, products + 1);
}

struct catalogue_reader {
	struct book *book;
	atomic_bool stop;
	uint64_t wrong;
};

static void *read_catalogues(void *ctx)
{
	struct catalogue_reader *r = ctx;
	while (!r->stop) {
		uint32_t n;
		const struct version *v = book_pin(r->book);
		const struct product *p = book_products(r->book, &n);
		for (uint32_t i = 1; i < n; i++) /* all of one catalogue, and still there */
			r->wrong += p[i].name.n < 4 || p[i].name.p[0] != p[1].name.p[0];
		book_unpin(r->book, v);
	}
	return NULL;
}

/* What was read under a pinned version stays, whatever is put in its place. */
START_TEST(a_catalogue_read_stays)
{
	struct book *b = book_new(&OPTIONS);
	uint32_t n;
	set_catalogue(b, 50, "first");
	const struct version *v = book_pin(b);
	const struct product *first = book_products(b, &n);
	struct catalogue_reader reader = { .book = b };
	pthread_t threads[2];
	for (int t = 0; t < 2; t++)
		ck_assert_int_eq(pthread_create(&threads[t], NULL, read_catalogues, &reader), 0);
	for (uint32_t i = 0; i < 300; i++)
		set_catalogue(b, 50 + i % 7, i % 2 ? "another" : "third");
	reader.stop = true;
	for (int t = 0; t < 2; t++)
		pthread_join(threads[t], NULL);
	ck_assert_uint_eq(reader.wrong, 0);
	ck_assert_uint_eq(n, 51);
	for (uint32_t i = 1; i < n; i++)
		ck_assert(str_starts(first[i].name, STR("first ")));
	book_unpin(b, v);
	(void)book_products(b, &n);
	ck_assert_uint_eq(n, 50 + 299 % 7 + 1);
	book_free(b);
}
END_TEST

static struct fact said(customer_id c, int64_t seq, enum fact_kind kind, const char *key, const char *body)
{
	return (struct fact){ .customer = c,
		                  .seq = seq,
		                  .kind = kind,
		                  .key = str_from(key),
		                  .at = { 1000 + seq },
		                  .learned_at = { 1000 + seq },
		                  .body = str_from(body) };
}

/* What two records call by one name is two things, also after their neighbours' chunk was built again. */
START_TEST(records_joined_and_parted)
{
	struct err err;
	struct view v;
	struct book *b = book_new(&OPTIONS);
	const char *visit = "{\"name\":\"visit\",\"value\":1}", *other = "{\"name\":\"visit\",\"value\":2}";
	struct fact facts[] = {
		said(1, 1, FACT_EVENT, "k", visit),
		said(2, 2, FACT_EVENT, "k", other),
		said(2, 3, FACT_EVENT, "gone", other),
		said(2, 4, FACT_RETRACT, "gone", "{\"kind\":\"event\"}"),
		said(1, 5, FACT_RETRACT, "none", "{\"kind\":\"event\"}"),
		said(2, 6, FACT_PROFILE, "p", "{\"reach\":1,\"address\":\"00000000000000ff\",\"postcode\":\"59000\"}"),
	};
	struct fact neighbour = said(3, 7, FACT_EVENT, "k", visit);
	ck_assert(book_apply(b, facts, 6, &err));
	struct book_join join = { .from = 2, .into = 1, .at = 5000 };
	const struct book_group together[] = {
		{ .customer = 1, .joins = &join, .join_count = 1, .facts = facts, .fact_count = 6 },
		{ .customer = 2, .merged_into = 1, .facts = &facts[5], .fact_count = 1 },
	};
	ck_assert(book_replace(b, together, 2, &err));
	ck_assert(book_apply(b, &neighbour, 1, &err));
	const struct version *now = book_pin(b);
	view_at(&v, now, 1, INSTANT_NEVER);
	ck_assert_uint_eq(v.event1 - v.event0, 2);
	ck_assert_int_eq(event_value(v.k, v.event0) + event_value(v.k, v.event0 + 1), 3);
	ck_assert(view_profile(&v)->reach == REACH_EMAIL && view_profile(&v)->address == 255 && view_profile(&v)->postcode);
	view_at(&v, now, 2, INSTANT_NEVER); /* nothing of its own but the address */
	ck_assert_uint_eq(v.event1, v.event0);
	ck_assert(view_profile(&v)->merged == 1 && view_profile(&v)->address == 255 && !view_profile(&v)->reach);
	ck_assert_uint_eq(book_survivor(now, 2), 1);
	book_unpin(b, now);
	const struct book_group apart[] = {
		{ .customer = 1, .facts = facts, .fact_count = 1 },
		{ .customer = 2, .facts = facts + 1, .fact_count = 3 },
	};
	ck_assert(book_replace(b, apart, 2, &err));
	now = book_pin(b);
	view_at(&v, now, 2, INSTANT_NEVER);
	ck_assert(v.event1 - v.event0 == 1 && event_value(v.k, v.event0) == 2 && !view_profile(&v)->merged);
	book_unpin(b, now);
	book_free(b);
}
END_TEST

/* ---- a chunk made anew: whom no fact names is copied as a range ---- */

enum { MIXED = 900, MIXED_PEOPLE = 300 };

static struct str mixed_body(struct arena *a, struct rng *r, enum fact_kind kind, int64_t largest)
{
	struct line lines[3];
	size_t n = rng_below(r, 4);
	for (size_t l = 0; l < n; l++)
		lines[l] = (struct line){ 1 + rng_below(r, 400), (int32_t)rng_below(r, 300) - 20,
			                      rng_below(r, 40) ? (int64_t)rng_below(r, 90000) - 999 : largest };
	struct buf b;
	buf_init(&b, BODY_MAX);
	switch (rng_below(r, 2) + (unsigned)kind * 2) {
	case FACT_ORDER * 2: body_write_order(&(struct order_body){ .lines = lines, .line_count = n }, &b); break;
	case FACT_ORDER * 2 + 1:
		body_write_order(
			&(struct order_body){ .lines = lines, .line_count = n, .store = STR("Lille"), .seller = STR("Ada") }, &b);
		break;
	case FACT_CART * 2:
	case FACT_CART * 2 + 1:
		body_write_cart(&(struct cart_body){ .cart = arena_printf(a, "cart %u", rng_below(r, 90)),
		                                     .lines = lines,
		                                     .line_count = n },
		                &b);
		break;
	case FACT_CONSENT * 2:
		buf_cstr(&b, "{\"channel\":\"sms\",\"purpose\":\"marketing\",\"state\":\"withdrawn\"}");
		break;
	case FACT_CONSENT * 2 + 1:
		buf_cstr(&b, "{\"channel\":\"email\",\"purpose\":\"marketing\",\"state\":\"granted\"}");
		break;
	case FACT_EVENT * 2: buf_cstr(&b, "{\"name\":\"Lille\",\"value\":7}"); break;
	case FACT_EVENT * 2 + 1: buf_cstr(&b, "{\"name\":\"Ada\",\"value\":-1}"); break;
	case FACT_PROFILE * 2: buf_cstr(&b, "{\"store\":\"Lille\",\"tags\":[\"Ada\",\"vip\"],\"children\":[12000]}"); break;
	default: buf_cstr(&b, "{\"postcode\":\"59000\",\"interests\":[\"Ada\"],\"children\":[12000,13000]}"); break;
	}
	struct str s = arena_str(a, buf_view(&b));
	buf_release(&b);
	return s;
}

static struct fact *mixed(struct arena *a, uint64_t seed, int64_t largest)
{
	static const enum fact_kind KINDS[] = { FACT_ORDER, FACT_CART, FACT_CONSENT, FACT_EVENT, FACT_PROFILE };
	struct rng r;
	rng_init(&r, seed, 2);
	struct fact *facts = arena_array(a, struct fact, MIXED);
	for (size_t i = 0; i < MIXED; i++) {
		enum fact_kind kind = KINDS[rng_below(&r, ARRAY_LEN(KINDS))];
		facts[i] = (struct fact){ .customer = 1 + rng_below(&r, MIXED_PEOPLE),
			                      .seq = (int64_t)i + 1,
			                      .kind = kind,
			                      .key = arena_printf(a, "%u", rng_below(&r, 6)),
			                      .at = { 1000 + rng_below(&r, 5000) },
			                      .body = mixed_body(a, &r, kind, largest) };
	}
	return facts;
}

static struct book *book_with_words(void)
{
	struct book *b = book_new(&OPTIONS);
	const char *words[] = { "Lille", "Ada", "vip", "59000" }; /* numbered alike, in whatever order facts come */
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		book_word(b, str_from(words[i]));
	return b;
}

static void same_numbers(struct ints x, struct ints y, uint32_t n)
{
	ck_assert_uint_eq(x.width, y.width);
	ck_assert_mem_eq(x.p, y.p, n * x.width);
}

static void same_desks(const struct chunk *x, const struct chunk *y, uint32_t orders)
{
	ck_assert_int_eq(x->order_desk != NULL, y->order_desk != NULL);
	if (x->order_desk)
		ck_assert_mem_eq(x->order_desk, y->order_desk, orders * sizeof *x->order_desk);
}

static void same_carts(const struct chunk *x, const struct chunk *y)
{
	uint32_t n = x->cart_start[BOOK_CHUNK];
	ck_assert_mem_eq(x->carts, y->carts, n * sizeof *x->carts);
	ck_assert_mem_eq(x->cart_key, y->cart_key, n * 8);
	ck_assert_uint_eq(x->cart_line_count, y->cart_line_count);
	same_numbers(x->cart_product, y->cart_product, x->cart_line_count);
	same_numbers(x->cart_quantity, y->cart_quantity, x->cart_line_count);
	same_numbers(x->cart_amount, y->cart_amount, x->cart_line_count);
}

/* Every column, but for what the compiler puts between. */
static void same_chunk(const struct chunk *x, const struct chunk *y)
{
	uint32_t orders = x->order_start[BOOK_CHUNK], lines = order_line(x, orders);
	ck_assert_uint_eq(x->bytes, y->bytes);
	ck_assert_mem_eq(x->order_start, y->order_start, sizeof x->order_start);
	ck_assert_mem_eq(x->cart_start, y->cart_start, sizeof x->cart_start);
	ck_assert_mem_eq(x->consent_start, y->consent_start, sizeof x->consent_start);
	ck_assert_mem_eq(x->event_start, y->event_start, sizeof x->event_start);
	ck_assert_mem_eq(x->word_start, y->word_start, sizeof x->word_start);
	ck_assert_mem_eq(x->child_start, y->child_start, sizeof x->child_start);
	ck_assert_mem_eq(x->order_at, y->order_at, orders * 4);
	same_numbers(x->order_line, y->order_line, orders + 1);
	ck_assert_mem_eq(x->order_key, y->order_key, orders * 8);
	ck_assert_mem_eq(x->order_flags, y->order_flags, orders);
	same_desks(x, y, orders);
	same_numbers(x->order_total, y->order_total, orders);
	same_numbers(x->line_product, y->line_product, lines);
	same_numbers(x->line_quantity, y->line_quantity, lines);
	same_numbers(x->line_amount, y->line_amount, lines);
	same_carts(x, y);
	for (uint32_t i = 0; i < x->consent_start[BOOK_CHUNK]; i++)
		ck_assert(x->consents[i].at == y->consents[i].at && x->consents[i].channel == y->consents[i].channel &&
		          x->consents[i].state == y->consents[i].state && x->consent_key[i] == y->consent_key[i]);
	for (uint32_t i = 0; i < x->event_start[BOOK_CHUNK]; i++)
		ck_assert(x->events[i].at == y->events[i].at && x->events[i].name == y->events[i].name &&
		          x->event_key[i] == y->event_key[i]);
	same_numbers(x->event_value, y->event_value, x->event_start[BOOK_CHUNK]);
	ck_assert_mem_eq(x->words, y->words, x->word_start[BOOK_CHUNK] * 4);
	ck_assert_mem_eq(x->children, y->children, x->child_start[BOOK_CHUNK] * 4);
	for (uint32_t i = 0; i < BOOK_CHUNK; i++)
		ck_assert(x->profile[i].store == y->profile[i].store && x->profile[i].postcode == y->profile[i].postcode);
}

START_TEST(one_at_a_time_is_as_all_at_once)
{
	static const int64_t LARGEST[] = { 90000, INT32_MAX, 9000000000, INT64_MAX / 8, -9000000000 };
	struct arena a;
	struct err err;
	arena_init(&a);
	for (size_t i = 0; i < ARRAY_LEN(LARGEST); i++) {
		struct fact *facts = mixed(&a, i + 1, LARGEST[i]);
		struct book *one = book_with_words(), *all = book_with_words();
		for (size_t f = 0; f < MIXED; f++)
			ck_assert_msg(book_apply(one, &facts[f], 1, &err), "%s", err.text);
		struct book_loader *l = book_loader_new(all);
		for (customer_id c = 1; c <= MIXED_PEOPLE; c++)
			for (size_t f = 0; f < MIXED; f++)
				if (facts[f].customer == c)
					ck_assert_msg(book_loader_add(l, &facts[f], &err), "%s", err.text);
		ck_assert(book_loader_finish(l, &err));
		book_load_done(all, MIXED_PEOPLE, MIXED);
		const struct version *x = book_pin(one), *y = book_pin(all);
		for (size_t k = 1; k <= 2; k++)
			same_chunk(x->chunks[k], y->chunks[k]);
		book_unpin(one, x);
		book_unpin(all, y);
		book_free(one);
		book_free(all);
	}
	arena_release(&a);
}
END_TEST

/* A usual line takes 7 bytes instead of 16, and any amount is kept to the cent. */
START_TEST(numbers_are_as_wide_as_they_need)
{
	static const struct {
		int64_t amount;
		uint32_t width;
	} CASES[] = { { 127, 1 },       { 128, 2 },          { -32768, 2 },     { 32768, 4 },
		          { INT32_MAX, 4 }, { INT32_MIN, 4 },    { 2147483648, 8 }, { 9000000000 /* 90,000,000.00 EUR */, 8 },
		          { INT64_MAX, 8 }, { INT64_MIN + 1, 8 } };
	struct arena a;
	struct err err;
	arena_init(&a);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct book *b = book_new(&OPTIONS);
		struct line lines[] = { { 300, 100, CASES[i].amount }, { 7, -1, 0 } };
		struct fact f = { .customer = 1,
			              .seq = 1,
			              .kind = FACT_ORDER,
			              .key = STR("1"),
			              .at = { 1000 },
			              .body = body_of(&a, &(struct order_body){ .lines = lines, .line_count = 2 }) };
		ck_assert_msg(book_apply(b, &f, 1, &err), "%s", err.text);
		const struct version *v = book_pin(b);
		const struct chunk *k = v->chunks[1];
		ck_assert_int_eq(line_amount(k, 0), CASES[i].amount);
		ck_assert_int_eq(order_total(k, 0), CASES[i].amount);
		ck_assert_uint_eq(line_product(k, 0), 300);
		ck_assert_int_eq(line_quantity(k, 1), -1);
		ck_assert_uint_eq(k->line_amount.width, CASES[i].width);
		ck_assert_uint_eq(k->line_product.width, 2);
		ck_assert_uint_eq(k->line_quantity.width, 1);
		book_unpin(b, v);
		book_free(b);
	}
	arena_release(&a);
}
END_TEST

UNIT_MAIN("book", records_joined_and_parted, one_at_a_time_is_as_all_at_once, numbers_are_as_wide_as_they_need,
          facts_in_batches_of_any_size, bulk_load_gives_the_same, a_pinned_version_does_not_move,
          carts_keep_their_lines, a_corrupt_body_is_refused_and_nothing_changes, a_catalogue_read_stays,
          profiles_go_round)
