/* The library of include/relance.h. A loaded shop is immutable; a refresh makes another and swaps it in, the old one
 * goes when its last reader leaves. */
#include "relance.h"

#include "app/people.h"
#include "app/reco.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

enum { SCRATCHES_KEPT = 64 };

struct state {
	unsigned readers; /* under the shop's lock; the shop itself is one */
	struct shop_world world;
	struct people people;
	struct intern refs, skus; /* customer reference → numbers[…], SKU → item */
	customer_id *numbers;
	const struct version *version;
	struct reco reco;
	struct thresholds thresholds; /* of `day`, under the shop's lock */
	struct date day;
	struct rec_scratch *scratch[SCRATCHES_KEPT];
	size_t scratch_n;
};

struct relance_shop {
	char *address;
	pthread_mutex_t lock, compile; /* the state pointer and scratches; the compiling of conditions */
	struct state *state;
};

static int failed(char *error, const struct err *err)
{
	if (error)
		snprintf(error, RELANCE_ERROR_MAX, "%s", err->text);
	return -1;
}

static int failed_text(char *error, const char *text)
{
	if (error)
		snprintf(error, RELANCE_ERROR_MAX, "%s", text);
	return -1;
}

static void put_text(char *out, size_t room, struct str s)
{
	size_t n = s.n < room - 1 ? s.n : room - 1;
	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80) /* not inside a character */
		n--;
	memcpy(out, s.p, n);
	out[n] = '\0';
}

/* ---- one loaded shop ---- */

static void state_free(struct state *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->scratch_n; i++)
		rec_scratch_free(s->scratch[i]);
	reco_release(&s->reco);
	if (s->version)
		book_unpin(s->world.book, s->version);
	intern_release(&s->refs);
	intern_release(&s->skus);
	free(s->numbers);
	people_release(&s->people);
	if (s->world.db)
		load_release(&s->world);
	free(s);
}

static void index_names(struct state *s)
{
	s->numbers = mem_alloc((s->people.count + 1u) * sizeof *s->numbers);
	for (customer_id c = 1; c <= s->people.ids; c++)
		if (s->people.ref[c].p)
			s->numbers[intern_put(&s->refs, s->people.ref[c], NULL)] = c;
	for (uint32_t i = 0; i < s->reco.data.items; i++)
		intern_put(&s->skus, s->reco.words[i].sku, NULL); /* in order, each once: the number is the item's */
}

static struct instant now(void)
{
	return (struct instant){ (int64_t)time(NULL) };
}

static struct state *state_load(const char *address, struct err *err)
{
	struct state *s = mem_alloc(sizeof *s);
	struct load_options load = { .read_only = true, .known = INSTANT_NEVER };
	struct reco_options build = { .now = now() };
	s->readers = 1;
	s->day = DATE_UNKNOWN;
	intern_init(&s->refs);
	intern_init(&s->skus);
	bool ok = load_shop(address, &load, &s->world, err) && people_load(&s->world, &s->people, err) &&
	          reco_of_shop(&s->reco, &s->world, &build, err);
	if (!ok) {
		state_free(s);
		return NULL;
	}
	s->version = book_pin(s->world.book);
	index_names(s);
	return s;
}

static struct state *enter(struct relance_shop *shop)
{
	pthread_mutex_lock(&shop->lock);
	struct state *s = shop->state;
	s->readers++;
	pthread_mutex_unlock(&shop->lock);
	return s;
}

static void leave(struct relance_shop *shop, struct state *s)
{
	pthread_mutex_lock(&shop->lock);
	bool last = --s->readers == 0;
	pthread_mutex_unlock(&shop->lock);
	if (last)
		state_free(s);
}

EXPORT relance_shop *relance_open(const char *address, char *error)
{
	struct err err;
	struct state *s = state_load(address, &err);
	if (!s) {
		failed(error, &err);
		return NULL;
	}
	struct relance_shop *shop = mem_alloc(sizeof *shop);
	shop->address = strdup(address);
	shop->state = s;
	pthread_mutex_init(&shop->lock, NULL);
	pthread_mutex_init(&shop->compile, NULL);
	return shop;
}

EXPORT void relance_close(relance_shop *shop)
{
	if (!shop)
		return;
	state_free(shop->state);
	pthread_mutex_destroy(&shop->lock);
	pthread_mutex_destroy(&shop->compile);
	free(shop->address);
	free(shop);
}

EXPORT int relance_refresh(relance_shop *shop, char *error)
{
	struct err err;
	struct state *fresh = state_load(shop->address, &err);
	if (!fresh)
		return failed(error, &err);
	pthread_mutex_lock(&shop->lock);
	struct state *old = shop->state;
	shop->state = fresh;
	pthread_mutex_unlock(&shop->lock);
	leave(shop, old);
	return 0;
}

/* ---- answers ---- */

static struct rec_scratch *scratch_take(struct relance_shop *shop, struct state *s)
{
	pthread_mutex_lock(&shop->lock);
	struct rec_scratch *x = s->scratch_n ? s->scratch[--s->scratch_n] : NULL;
	pthread_mutex_unlock(&shop->lock);
	return x ? x : rec_scratch_new(s->reco.model);
}

static void scratch_give(struct relance_shop *shop, struct state *s, struct rec_scratch *x)
{
	pthread_mutex_lock(&shop->lock);
	bool kept = s->scratch_n < SCRATCHES_KEPT;
	if (kept)
		s->scratch[s->scratch_n++] = x;
	pthread_mutex_unlock(&shop->lock);
	if (!kept)
		rec_scratch_free(x);
}

static bool find_customer(const struct state *s, const char *ref, customer_id *out)
{
	uint32_t at = intern_find(&s->refs, str_from(ref));
	*out = at == INTERN_NONE ? GUESTS : s->numbers[at];
	return at != INTERN_NONE;
}

static void put_proposal(const struct state *s, const struct rec_answer *a, relance_proposal *out)
{
	const struct reco *r = &s->reco;
	struct buf why;
	*out = (relance_proposal){ .price_minor = a->price_minor, .both = a->both, .of = a->of, .score = (double)a->score };
	put_text(out->sku, sizeof out->sku, r->words[a->item].sku);
	put_text(out->name, sizeof out->name, r->words[a->item].name);
	if (a->because != REC_NONE)
		put_text(out->because, sizeof out->because, r->words[a->because].sku);
	buf_init(&why, 1 << 14);
	rec_why_text(r->model, a, s->world.shop.locale == LOCALE_FR ? REC_FRENCH : REC_ENGLISH, &why);
	put_text(out->why, sizeof out->why, buf_view(&why));
	buf_release(&why);
}

static struct rec_guards guards_now(const struct state *s)
{
	struct rec_guards g = s->reco.guards;
	int y, month, d;
	struct date today = zone_date(s->world.settings.zone, now());
	date_ymd(today, &y, &month, &d);
	g.today = today.day;
	g.month = month;
	return g;
}

EXPORT int relance_recommend(relance_shop *shop, const char *customer, relance_kind kind, const char *const *basket,
                             size_t basket_n, relance_proposal *out, size_t n, char *error)
{
	if (kind < RELANCE_CROSS || kind > RELANCE_BUNDLE)
		return failed_text(error, "no such kind of recommendation");
	struct state *s = enter(shop);
	uint32_t items[RECO_BASKET_MAX];
	struct rec_guards guards = guards_now(s);
	struct rec_ask ask = { .customer = REC_NONE, .basket = items, .guards = &guards };
	customer_id c;
	if (customer && !find_customer(s, customer, &c)) {
		leave(shop, s);
		return failed_text(error, "no such customer in this shop");
	}
	if (customer)
		ask.customer = c;
	for (size_t i = 0; i < basket_n && ask.basket_n < RECO_BASKET_MAX; i++) {
		uint32_t item = intern_find(&s->skus, str_from(basket[i]));
		if (item != INTERN_NONE)
			items[ask.basket_n++] = item;
	}
	int count = 0;
	if (s->reco.model) {
		struct rec_list list;
		struct rec_scratch *x = scratch_take(shop, s);
		reco_answer(&s->reco, x, (enum rec_kind)kind, &ask, RECO_DAYS_DEFAULT, n, &list);
		scratch_give(shop, s, x);
		for (; (size_t)count < list.count; count++)
			put_proposal(s, &list.answers[count], &out[count]);
	}
	leave(shop, s);
	return count;
}

/* The thresholds of today, worked out once a day. */
static struct thresholds thresholds_today(struct relance_shop *shop, struct state *s)
{
	struct date today = zone_date(s->world.settings.zone, now());
	pthread_mutex_lock(&shop->lock);
	if (s->day.day != today.day) {
		thresholds_compute(s->world.book, s->version, today, &s->world.settings.lifecycle, 0, &s->thresholds);
		s->day = today;
	}
	struct thresholds t = s->thresholds;
	pthread_mutex_unlock(&shop->lock);
	return t;
}

static int64_t count_people(const struct state *s, const uint64_t *bits)
{
	int64_t count = 0;
	for (customer_id c = 1; c <= s->people.ids; c++)
		count += s->people.ref[c].p && (bits[c >> 6] >> (c & 63) & 1);
	return count;
}

EXPORT int64_t relance_segment_count(relance_shop *shop, const char *condition, char *error)
{
	struct state *s = enter(shop);
	struct thresholds t = thresholds_today(shop, s);
	struct expr_context context;
	struct expr_error wrong;
	struct arena arena;
	int64_t count = -1;
	arena_init(&arena);
	pthread_mutex_lock(&shop->compile);
	people_context(&s->world, &s->people, NULL, &context);
	const struct expr *e = expr_compile(str_from(condition), &context, &arena, &wrong);
	pthread_mutex_unlock(&shop->compile);
	if (e) {
		uint64_t *bits = mem_alloc(((size_t)s->version->customers + 64) / 64 * sizeof *bits);
		expr_select(e, s->world.book, s->version, NULL, now(), &t, 0, bits);
		count = count_people(s, bits);
		free(bits);
	} else if (error) {
		snprintf(error, RELANCE_ERROR_MAX, "%zu:%zu: %s", wrong.line, wrong.column, wrong.text);
	}
	arena_release(&arena);
	leave(shop, s);
	return count;
}

EXPORT int relance_lifecycle(relance_shop *shop, const char *customer, relance_customer *out, char *error)
{
	struct state *s = enter(shop);
	struct thresholds t = thresholds_today(shop, s);
	customer_id c;
	bool found = find_customer(s, customer, &c);
	if (found) {
		struct lifecycle l = people_lifecycle(&s->world, s->version, c, &t);
		*out = (relance_customer){
			.phase = phase_name(l.phase), .orders = l.orders, .last_order = l.last_order.day, .spend_minor = l.spend
		};
	}
	leave(shop, s);
	return found ? 0 : failed_text(error, "no such customer in this shop");
}
