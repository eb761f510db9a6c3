#include "book/chunk.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>

static const size_t SIZES[C_NARROWED] = {
	4, 8, 1, sizeof(struct sale_desk), sizeof(struct cart), 8, sizeof(struct consent), 8, sizeof(struct event), 8,
};

void *column_add(struct column *c, size_t count)
{
	c->p = mem_grow(c->p, &c->cap, c->n + count, c->size);
	void *at = c->p + c->n * c->size;
	c->n += count;
	return at;
}

static void column_append(struct column *c, const void *items, size_t count)
{
	if (count)
		memcpy(column_add(c, count), items, count * c->size);
}

struct builder *builder_new(struct book *book)
{
	struct builder *b = mem_alloc(sizeof *b);
	b->book = book;
	intern_init(&b->words);
	arena_init(&b->arena);
	b->orders.size = sizeof(struct staged_order);
	b->carts.size = sizeof(struct staged_cart);
	b->consents.size = sizeof(struct staged_consent);
	b->events.size = sizeof(struct staged_event);
	b->lines.size = b->cart_lines.size = sizeof(struct line);
	b->words_now.size = 4;
	b->children_now.size = 4;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		b->out[i].size = i < C_NARROWED ? SIZES[i] : sizeof(int64_t);
	return b;
}

void builder_free(struct builder *b)
{
	if (!b)
		return;
	struct column *own[] = { &b->orders, &b->carts,      &b->consents,  &b->events,
		                     &b->lines,  &b->cart_lines, &b->words_now, &b->children_now };
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		free(own[i]->p);
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		free(b->out[i].p);
	intern_release(&b->words);
	free(b->profiles_said);
	free(b->word_numbers);
	arena_release(&b->arena);
	free(b);
}

void builder_start(struct builder *b, customer_id first)
{
	b->first = first;
	b->count = 0;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		b->out[i].n = 0;
	b->words_now.n = b->children_now.n = 0;
	b->desks = false;
	for (size_t k = 0; k < 6; k++)
		b->start[k][0] = 0;
}

static uint32_t builder_word(struct builder *b, struct str text)
{
	if (text.n == 0)
		return 0;
	bool is_new;
	uint32_t local = intern_put(&b->words, text, &is_new);
	b->word_numbers = mem_grow(b->word_numbers, &b->word_cap, local + 1, sizeof *b->word_numbers);
	if (is_new)
		b->word_numbers[local] = book_word(b->book, text);
	return b->word_numbers[local];
}

void builder_begin(struct builder *b, customer_id c)
{
	check(c == b->first + b->count && b->count < BOOK_CHUNK);
	const struct book_options *o = book_get_options(b->book);
	b->customer = c;
	b->profile = (struct profile){ .born = INT32_MIN, .zone = o->zone, .locale = (uint8_t)o->locale };
	b->orders.n = b->carts.n = b->consents.n = b->events.n = b->lines.n = b->cart_lines.n = 0;
	b->words_now.n = b->start[WORDS][b->count];
	b->children_now.n = b->start[CHILDREN][b->count];
	b->arrival = 0;
	b->group = NULL;
	b->profile_count = 0;
	arena_clear(&b->arena);
}

void builder_group(struct builder *b, const struct book_group *g)
{
	check(g->customer == b->customer);
	b->group = g;
	b->profile.merged = g->merged_into;
}

/* ---- from facts ---- */

static uint64_t key_hash(const struct fact *f)
{
	return hash64(f->key.p, f->key.n, (uint64_t)f->kind);
}

static struct staged head_of(struct builder *b, const struct fact *f)
{
	int64_t at = f->at.s < 0 ? 0 : f->at.s > UINT32_MAX ? UINT32_MAX : f->at.s;
	return (struct staged){ .key = key_hash(f), .at = (uint32_t)at, .arrival = b->arrival++, .member = f->customer };
}

static bool add_order(struct builder *b, const struct fact *f, struct err *err)
{
	struct order_body body;
	if (!body_read_order(f->body, &b->arena, &body, err))
		return false;
	struct staged_order *o = column_add(&b->orders, 1);
	*o = (struct staged_order){ .head = head_of(b, f),
		                        .line = (uint32_t)b->lines.n,
		                        .line_count = (uint32_t)body.line_count };
	o->flags = (uint8_t)((unsigned)body.channel << ORDER_CHANNEL_SHIFT);
	o->desk = (struct sale_desk){ builder_word(b, body.store), builder_word(b, body.seller) };
	for (size_t i = 0; i < body.line_count; i++) {
		if (__builtin_add_overflow(o->total, body.lines[i].amount, &o->total))
			return err_set(err, ERR_WORLD, "an order's amounts overflow: correct it at its source and import it again");
		if (body.lines[i].quantity > 0)
			o->flags |= ORDER_SALE;
	}
	column_append(&b->lines, body.lines, body.line_count);
	return true;
}

static bool add_cart(struct builder *b, const struct fact *f, struct err *err)
{
	struct cart_body body;
	if (!body_read_cart(f->body, &b->arena, &body, err))
		return false;
	struct staged_cart *c = column_add(&b->carts, 1);
	*c = (struct staged_cart){ .head = head_of(b, f) };
	c->cart = hash_str(body.cart);
	c->line = (uint32_t)b->cart_lines.n;
	c->line_count = (uint32_t)body.line_count;
	c->state = (uint8_t)body.state;
	int64_t total = 0;
	for (size_t i = 0; i < body.line_count; i++)
		if (__builtin_add_overflow(total, body.lines[i].amount, &total))
			return err_set(err, ERR_WORLD, "a cart's amounts overflow: correct it at its source and import it again");
	column_append(&b->cart_lines, body.lines, body.line_count);
	return true;
}

static bool add_consent(struct builder *b, const struct fact *f, struct err *err)
{
	struct consent_body body;
	if (!body_read_consent(f->body, &b->arena, &body, err))
		return false;
	struct staged_consent *c = column_add(&b->consents, 1);
	*c = (struct staged_consent){ .head = head_of(b, f) };
	c->consent = (struct consent){ .at = c->head.at,
		                           .channel = (uint8_t)body.channel,
		                           .purpose = (uint8_t)body.purpose,
		                           .state = (uint8_t)body.state };
	return true;
}

static bool add_event(struct builder *b, const struct fact *f, struct err *err)
{
	struct event_body body;
	if (!body_read_event(f->body, &b->arena, &body, err))
		return false;
	struct staged_event *e = column_add(&b->events, 1);
	*e = (struct staged_event){ .head = head_of(b, f) };
	e->event = (struct event){ .at = e->head.at, .name = builder_word(b, body.name) };
	e->value = body.value;
	if (str_is(body.name, "refused") && body.text.n) /* a product: who needs it looks for its SKU's hash */
		e->value = event_refused(body.text);
	return true;
}

static void take_profile(struct builder *b, const struct profile_body *said)
{
	struct profile_body body = *said;
	const struct book_options *o = book_get_options(b->book);
	struct profile *p = &b->profile;
	*p = (struct profile){ .address = body.address,
		                   .born = body.born.day,
		                   .reach = (uint8_t)body.reach,
		                   .company = body.company,
		                   .gender = (uint8_t)body.gender };
	if (body.created.s != INSTANT_NEVER.s && body.created.s >= 0 && body.created.s <= UINT32_MAX)
		p->created = (uint32_t)body.created.s;
	p->locale = (uint8_t)(body.locale < 0 ? (int)o->locale : body.locale);
	p->zone = o->zone;
	if (body.zone.n && !zone_find(body.zone, &p->zone)) {
		p->zone = o->zone;
		p->zone_unknown = 1;
	}
	p->postcode = builder_word(b, body.postcode);
	p->store = builder_word(b, body.store);
	p->sector = builder_word(b, body.sector);
	b->words_now.n = b->start[WORDS][b->count];
	for (size_t i = 0; i < body.tag_count; i++)
		*(uint32_t *)column_add(&b->words_now, 1) = builder_word(b, body.tags[i]) * 2;
	for (size_t i = 0; i < body.interest_count; i++)
		*(uint32_t *)column_add(&b->words_now, 1) = builder_word(b, body.interests[i]) * 2 + 1;
	b->children_now.n = b->start[CHILDREN][b->count];
	for (size_t i = 0; i < body.child_count; i++)
		*(int32_t *)column_add(&b->children_now, 1) = body.children[i].day;
}

/* Of several records each one's newest waits until all are there. */
static void keep_profile(struct builder *b, customer_id member, const struct profile_body *body)
{
	for (size_t i = 0; i < b->profile_count; i++)
		if (b->profiles_said[i].member == member) {
			b->profiles_said[i].body = *body;
			return;
		}
	b->profiles_said = mem_grow(b->profiles_said, &b->profile_cap, b->profile_count + 1, sizeof *b->profiles_said);
	b->profiles_said[b->profile_count++] = (struct join_profile){ member, *body };
}

static bool set_profile(struct builder *b, const struct fact *f, struct err *err)
{
	struct profile_body body;
	if (!body_read_profile(f->body, &b->arena, &body, err))
		return false;
	if (b->group)
		keep_profile(b, f->customer, &body);
	else
		take_profile(b, &body);
	return true;
}

/* The retracted fact's kind is in the body: {"kind":"order"}; its key is the key of the retraction. */
static void retract(struct builder *b, const struct fact *f)
{
	static const enum fact_kind KINDS[] = { FACT_ORDER, FACT_CART, FACT_CONSENT, FACT_EVENT };
	struct column *columns[] = { &b->orders, &b->carts, &b->consents, &b->events };
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
		char want[64];
		int n = snprintf(want, sizeof want, "{\"kind\":\"%s\"}",
		                 (const char *[]){ "order", "cart", "consent", "event" }[i]);
		if (!str_eq(f->body, (struct str){ want, (size_t)n }))
			continue;
		struct staged *head = memset(column_add(columns[i], 1), 0, columns[i]->size);
		*head = (struct staged){ .key = hash64(f->key.p, f->key.n, (uint64_t)KINDS[i]),
			                     .arrival = b->arrival++,
			                     .member = f->customer,
			                     .dead = true };
	}
}

bool builder_fact(struct builder *b, const struct fact *f, struct err *err)
{
	check(f->customer == b->customer || b->group);
	switch (f->kind) {
	case FACT_ORDER: return add_order(b, f, err);
	case FACT_CART: return add_cart(b, f, err);
	case FACT_CONSENT: return add_consent(b, f, err);
	case FACT_EVENT: return add_event(b, f, err);
	case FACT_PROFILE: return set_profile(b, f, err);
	case FACT_RETRACT: retract(b, f); return true;
	case FACT_RECEIPT:
	case FACT_SETTING:
	case FACT_SWITCH:
	case FACT_THRESHOLD:
	case FACT_GRANT:
	case FACT_CONTROL:
	case FACT_MERGE: /* the caller's: book_replace() */
	case FACT_DISTINCT:
	case FACT_KIND_COUNT: return true; /* not the book's */
	}
	return true;
}

/* ---- from the chunk as it was ---- */

void builder_open_old(struct builder *b, const struct chunk *k, uint32_t i)
{
	b->profile = k->profile[i];
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
		struct staged_order *s = column_add(&b->orders, 1);
		*s = (struct staged_order){ .head = { k->order_key[o], k->order_at[o], b->arrival++, b->customer, false },
			                        .total = order_total(k, o),
			                        .line = (uint32_t)b->lines.n,
			                        .line_count = order_line(k, o + 1) - order_line(k, o),
			                        .desk = k->order_desk ? k->order_desk[o] : (struct sale_desk){ 0, 0 },
			                        .flags = k->order_flags[o] };
		for (uint32_t l = order_line(k, o); l < order_line(k, o + 1); l++)
			*(struct line *)column_add(&b->lines, 1) =
				(struct line){ line_product(k, l), line_quantity(k, l), line_amount(k, l) };
	}
	for (uint32_t c = k->cart_start[i]; c < k->cart_start[i + 1]; c++) {
		const struct cart *old = &k->carts[c];
		uint32_t count = cart_line_count(k, old);
		*(struct staged_cart *)column_add(&b->carts, 1) =
			(struct staged_cart){ .head = { k->cart_key[c], old->at, b->arrival++, b->customer, false },
			                      .cart = old->cart,
			                      .line = (uint32_t)b->cart_lines.n,
			                      .line_count = count,
			                      .state = old->state };
		for (uint32_t l = old->line; l < old->line + count; l++)
			*(struct line *)column_add(&b->cart_lines, 1) =
				(struct line){ cart_line_product(k, l), cart_line_quantity(k, l), cart_line_amount(k, l) };
	}
	for (uint32_t c = k->consent_start[i]; c < k->consent_start[i + 1]; c++)
		*(struct staged_consent *)column_add(&b->consents, 1) =
			(struct staged_consent){ .head = { k->consent_key[c], k->consents[c].at, b->arrival++, b->customer, false },
			                         .consent = k->consents[c] };
	for (uint32_t e = k->event_start[i]; e < k->event_start[i + 1]; e++)
		*(struct staged_event *)column_add(&b->events, 1) =
			(struct staged_event){ .head = { k->event_key[e], k->events[e].at, b->arrival++, b->customer, false },
			                       .event = k->events[e],
			                       .value = event_value(k, e) };
	column_append(&b->words_now, k->words + k->word_start[i], k->word_start[i + 1] - k->word_start[i]);
	column_append(&b->children_now, k->children + k->child_start[i], k->child_start[i + 1] - k->child_start[i]);
}

/* ---- customers as they were ---- */

static void copy_starts(uint32_t *to, const uint32_t *start, uint32_t from, uint32_t end, size_t first)
{
	for (uint32_t i = from + 1; i <= end; i++)
		to[i] = (uint32_t)first + start[i] - start[from];
}

static void copy_ints(struct column *to, struct ints from, uint32_t first, uint32_t end)
{
	if (end > first)
		ints_read(from, first, end - first, column_add(to, end - first));
}

static void copy_orders(struct builder *b, const struct chunk *k, uint32_t from, uint32_t to)
{
	uint32_t o0 = k->order_start[from], o1 = k->order_start[to], n = o1 - o0;
	uint32_t l0 = order_line(k, o0), l1 = order_line(k, o1);
	int64_t shift = (int64_t)b->out[C_LINE_PRODUCT].n - l0;
	copy_starts(b->start[ORDERS], k->order_start, from, to, b->out[C_ORDER_AT].n);
	if (!n)
		return;
	column_append(&b->out[C_ORDER_AT], k->order_at + o0, n);
	column_append(&b->out[C_ORDER_KEY], k->order_key + o0, n);
	column_append(&b->out[C_ORDER_FLAGS], k->order_flags + o0, n);
	if (k->order_desk)
		column_append(&b->out[C_ORDER_DESK], k->order_desk + o0, n);
	else
		memset(column_add(&b->out[C_ORDER_DESK], n), 0, n * sizeof(struct sale_desk));
	b->desks |= k->order_desk != NULL;
	int64_t *line = column_add(&b->out[C_ORDER_LINE], n);
	ints_read(k->order_line, o0, n, line);
	for (uint32_t i = 0; i < n; i++)
		line[i] += shift;
	copy_ints(&b->out[C_ORDER_TOTAL], k->order_total, o0, o1);
	copy_ints(&b->out[C_LINE_PRODUCT], k->line_product, l0, l1);
	copy_ints(&b->out[C_LINE_QUANTITY], k->line_quantity, l0, l1);
	copy_ints(&b->out[C_LINE_AMOUNT], k->line_amount, l0, l1);
}

static void copy_carts(struct builder *b, const struct chunk *k, uint32_t from, uint32_t to)
{
	uint32_t c0 = k->cart_start[from], c1 = k->cart_start[to], n = c1 - c0;
	copy_starts(b->start[CARTS], k->cart_start, from, to, b->out[C_CARTS].n);
	if (!n)
		return;
	uint32_t l0 = k->carts[c0].line, l1 = k->carts[c1 - 1].line + cart_line_count(k, &k->carts[c1 - 1]);
	uint32_t shift = (uint32_t)b->out[C_CART_PRODUCT].n - l0;
	struct cart *carts = column_add(&b->out[C_CARTS], n);
	memcpy(carts, k->carts + c0, n * sizeof *carts);
	for (uint32_t i = 0; i < n; i++)
		carts[i].line = (carts[i].line + shift) & CART_LINE_MAX;
	column_append(&b->out[C_CART_KEY], k->cart_key + c0, n);
	copy_ints(&b->out[C_CART_PRODUCT], k->cart_product, l0, l1);
	copy_ints(&b->out[C_CART_QUANTITY], k->cart_quantity, l0, l1);
	copy_ints(&b->out[C_CART_AMOUNT], k->cart_amount, l0, l1);
	check(b->out[C_CART_PRODUCT].n <= CART_LINE_MAX);
}

void builder_copy(struct builder *b, const struct chunk *k, uint32_t from, uint32_t to)
{
	check(b->first == k->first && b->count == from && to <= BOOK_CHUNK);
	if (from == to)
		return;
	copy_orders(b, k, from, to);
	copy_carts(b, k, from, to);
	copy_starts(b->start[CONSENTS], k->consent_start, from, to, b->out[C_CONSENTS].n);
	uint32_t at = k->consent_start[from], n = k->consent_start[to] - at;
	column_append(&b->out[C_CONSENTS], k->consents + at, n);
	column_append(&b->out[C_CONSENT_KEY], k->consent_key + at, n);
	copy_starts(b->start[EVENTS], k->event_start, from, to, b->out[C_EVENTS].n);
	at = k->event_start[from], n = k->event_start[to] - at;
	column_append(&b->out[C_EVENTS], k->events + at, n);
	column_append(&b->out[C_EVENT_KEY], k->event_key + at, n);
	copy_ints(&b->out[C_EVENT_VALUE], k->event_value, at, at + n);
	copy_starts(b->start[WORDS], k->word_start, from, to, b->words_now.n);
	column_append(&b->words_now, k->words + k->word_start[from], k->word_start[to] - k->word_start[from]);
	copy_starts(b->start[CHILDREN], k->child_start, from, to, b->children_now.n);
	column_append(&b->children_now, k->children + k->child_start[from], k->child_start[to] - k->child_start[from]);
	memcpy(b->profiles + from, k->profile + from, (to - from) * sizeof *b->profiles);
	b->count = to;
}

/* ---- settling a customer ---- */

static int by_key(const void *x, const void *y)
{
	const struct staged *a = x, *b = y;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->member != b->member)
		return a->member < b->member ? -1 : 1;
	return (a->arrival > b->arrival) - (a->arrival < b->arrival);
}

static int by_time(const void *x, const void *y)
{
	const struct staged *a = x, *b = y;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

static bool same_document(const struct staged *a, const struct staged *b)
{
	return a->key == b->key && a->member == b->member;
}

enum { SMALL = 24 };

static bool has_repeats(const struct column *c)
{
	if (c->n > SMALL)
		return true; /* may have: sort */
	for (size_t i = 0; i < c->n; i++) {
		const struct staged *a = column_at(c, i);
		if (a->dead)
			return true;
		for (size_t j = i + 1; j < c->n; j++)
			if (same_document(a, column_at(c, j)))
				return true;
	}
	return false;
}

static bool in_time_order(const struct column *c)
{
	for (size_t i = 1; i < c->n; i++)
		if (by_time(column_at(c, i - 1), column_at(c, i)) > 0)
			return false;
	return true;
}

/* Keeps the last of each key, drops the dead, sorts by time. */
static void settle(struct column *c)
{
	if (c->n == 0)
		return;
	if (has_repeats(c)) {
		qsort(c->p, c->n, c->size, by_key);
		size_t kept = 0;
		for (size_t i = 0; i < c->n; i++) {
			const struct staged *s = column_at(c, i);
			bool last = i + 1 == c->n || !same_document(s, column_at(c, i + 1));
			if (last && !s->dead) {
				if (kept != i)
					memcpy(column_at(c, kept), s, c->size);
				kept++;
			}
		}
		c->n = kept;
	}
	if (!in_time_order(c))
		qsort(c->p, c->n, c->size, by_time);
}

static void emit_orders(struct builder *b)
{
	for (size_t i = 0; i < b->orders.n; i++) {
		const struct staged_order *o = column_at(&b->orders, i);
		*(uint32_t *)column_add(&b->out[C_ORDER_AT], 1) = o->head.at;
		*(int64_t *)column_add(&b->out[C_ORDER_TOTAL], 1) = o->total;
		*(int64_t *)column_add(&b->out[C_ORDER_LINE], 1) = (int64_t)b->out[C_LINE_PRODUCT].n;
		*(uint64_t *)column_add(&b->out[C_ORDER_KEY], 1) = o->head.key;
		*(uint8_t *)column_add(&b->out[C_ORDER_FLAGS], 1) = o->flags;
		*(struct sale_desk *)column_add(&b->out[C_ORDER_DESK], 1) = o->desk;
		b->desks |= o->desk.store || o->desk.seller;
		int64_t *product = column_add(&b->out[C_LINE_PRODUCT], o->line_count);
		int64_t *quantity = column_add(&b->out[C_LINE_QUANTITY], o->line_count);
		int64_t *amount = column_add(&b->out[C_LINE_AMOUNT], o->line_count);
		const struct line *lines = column_at(&b->lines, o->line);
		for (uint32_t l = 0; l < o->line_count; l++) {
			product[l] = lines[l].product;
			quantity[l] = lines[l].quantity;
			amount[l] = lines[l].amount;
		}
	}
}

static void emit_carts(struct builder *b)
{
	for (size_t i = 0; i < b->carts.n; i++) {
		const struct staged_cart *s = column_at(&b->carts, i);
		size_t first = b->out[C_CART_PRODUCT].n;
		check(first + s->line_count <= CART_LINE_MAX);
		*(struct cart *)column_add(&b->out[C_CARTS], 1) = (struct cart){
			.cart = s->cart, .at = s->head.at, .line = (uint32_t)first & CART_LINE_MAX, .state = s->state & 3
		};
		int64_t *product = column_add(&b->out[C_CART_PRODUCT], s->line_count);
		int64_t *quantity = column_add(&b->out[C_CART_QUANTITY], s->line_count);
		int64_t *amount = column_add(&b->out[C_CART_AMOUNT], s->line_count);
		const struct line *lines = column_at(&b->cart_lines, s->line);
		for (uint32_t l = 0; l < s->line_count; l++) {
			product[l] = lines[l].product;
			quantity[l] = lines[l].quantity;
			amount[l] = lines[l].amount;
		}
		*(uint64_t *)column_add(&b->out[C_CART_KEY], 1) = s->head.key;
	}
}

/* Whoever joined `into` fills what it leaves open, those who joined them next: as merges_members() has them. */
static void lay_members(struct builder *b, struct profile_body *own, customer_id into)
{
	for (size_t j = 0; j < b->group->join_count; j++) {
		if (b->group->joins[j].into != into)
			continue;
		for (size_t i = 0; i < b->profile_count; i++)
			if (b->profiles_said[i].member == b->group->joins[j].from)
				profile_lay(own, &b->profiles_said[i].body, &b->arena);
		lay_members(b, own, b->group->joins[j].from);
	}
}

/* Of a record that was merged away only the address stays: whoever shares it is this person too. */
static void end_group(struct builder *b)
{
	const struct book_group *g = b->group;
	struct profile_body body = { .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN }, *own = &body;
	for (size_t i = 0; i < b->profile_count; i++)
		if (b->profiles_said[i].member == g->customer)
			own = &b->profiles_said[i].body;
	if (g->merged_into) {
		body.address = own->address;
		own = &body;
		b->orders.n = b->carts.n = b->consents.n = b->events.n = 0;
	}
	lay_members(b, own, g->customer);
	if (b->profile_count)
		take_profile(b, own);
	b->profile.merged = g->merged_into;
	consents_join(&b->consents, g);
}

void builder_end(struct builder *b)
{
	settle(&b->orders);
	settle(&b->carts);
	settle(&b->consents);
	settle(&b->events);
	if (b->group)
		end_group(b);
	emit_orders(b);
	emit_carts(b);
	for (size_t i = 0; i < b->consents.n; i++) {
		const struct staged_consent *s = column_at(&b->consents, i);
		column_append(&b->out[C_CONSENTS], &s->consent, 1);
		column_append(&b->out[C_CONSENT_KEY], &s->head.key, 1);
	}
	for (size_t i = 0; i < b->events.n; i++) {
		const struct staged_event *s = column_at(&b->events, i);
		column_append(&b->out[C_EVENTS], &s->event, 1);
		column_append(&b->out[C_EVENT_KEY], &s->head.key, 1);
		column_append(&b->out[C_EVENT_VALUE], &s->value, 1);
	}
	uint32_t n = ++b->count;
	b->profiles[n - 1] = b->profile;
	b->start[ORDERS][n] = (uint32_t)b->out[C_ORDER_AT].n;
	b->start[CARTS][n] = (uint32_t)b->out[C_CARTS].n;
	b->start[CONSENTS][n] = (uint32_t)b->out[C_CONSENTS].n;
	b->start[EVENTS][n] = (uint32_t)b->out[C_EVENTS].n;
	b->start[WORDS][n] = (uint32_t)b->words_now.n;
	b->start[CHILDREN][n] = (uint32_t)b->children_now.n;
}
