/* {{ recommendations }}: up to three proposals, worked out when the message is rendered, from the orders known then.
 *
 * The person's own orders and refusals are read afresh every time, so nothing bought since is proposed; stock and
 * prices are read anew every two seconds. The models are built when first asked for. From then on, when there are new
 * facts or a new day, a thread of its own builds the next ones from a pinned version of the book, at most a twentieth
 * of the time; the ones at hand answer until they are replaced in one step. Between two full builds, once a day, a
 * large shop's models take in what has changed (reco_follow()), a small one's are learnt anew but for the slowest parts
 * (rec_options.before). A shop of fewer than ORDERS_MIN orders has none: too little to say something about. */
#include "app/clock.h"
#include "app/courier_int.h"
#include "app/live_int.h"
#include "app/reco.h"
#include "base/par.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { ORDERS_MIN = 50, PROPOSALS = 3, RENEWAL_DAYS = 45 };
enum { LARGE_SHOP = 200000, FOLLOW_LINES = 500000 }; /* unless the settings say otherwise */
enum { AGE_MIN_S = 10, AGE_OF_WORK = 20, STOCK_S = 2, STOCK_OF_WORK = 100 };

struct models {
	struct reco reco;
	struct rec_scratch *scratch;
	struct date day;
	uint64_t version; /* of the book they were read from */
};

struct courier_reco {
	struct models *now, *next;
	pthread_mutex_t *lock; /* of `now`, `of` and `stocked`: readers answer from them (courier_borrow) */
	uint32_t of, book;     /* serials of the books that `now` and `next` belong to */
	double begun, learn_took, follow_took, stocked, stock_took;
	struct reco_trail *trail; /* NULL: models are learnt anew */
	struct courier_models told;

	/* the thread that makes `next` */
	pthread_t thread;
	bool making, ok, followed;
	_Atomic bool made, stop;
	struct book *source;
	const struct version *pinned;
	struct settings settings;
	struct reco_options options;
	struct err err;
};

static void models_free(struct models *m)
{
	if (!m)
		return;
	rec_scratch_free(m->scratch);
	reco_release(&m->reco);
	free(m);
}

static void drop_trail(struct courier_reco *r)
{
	reco_trail_free(r->trail);
	r->trail = NULL;
}

/* A large shop's next models then follow. What cannot be followed is learnt anew, when its turn comes. */
static bool follow_or_learn(struct courier_reco *r, struct reco *next)
{
	r->followed = r->trail && r->options.before;
	if (r->followed)
		return reco_follow(r->trail, r->options.before, next, r->pinned, &r->settings, &r->options, &r->err);
	drop_trail(r);
	if (!reco_learn(next, r->source, r->pinned, &r->settings, &r->options, &r->err))
		return false;
	r->trail = reco_trail_new(next, r->source, r->pinned, r->options.now);
	return true;
}

static void *make(void *ctx)
{
	struct courier_reco *r = ctx;
	struct models *m = r->next;
	r->ok = follow_or_learn(r, &m->reco);
	if (r->ok && m->reco.model)
		m->scratch = rec_scratch_new(m->reco.model);
	atomic_store(&r->made, true);
	return NULL;
}

/* Reads the catalogue and the settings; the rest is make()'s. */
static bool begin(struct courier_reco *r, struct live *l, int threads, struct err *err)
{
	r->begun = clock_monotonic();
	r->settings = l->shop.settings;
	r->options = (struct reco_options){ .now = l->now,
		                                .threads = threads,
		                                .orders_min = ORDERS_MIN,
		                                .stop = &r->stop,
		                                .follow = true,
		                                .follow_lines_min = FOLLOW_LINES,
		                                .before = r->now ? &r->now->reco : NULL };
	r->next = mem_alloc(sizeof *r->next);
	r->next->day = zone_date(l->shop.settings.zone, l->now);
	r->next->version = l->world.version->number;
	if (r->now && r->next->day.day != r->now->day.day)
		r->options.before = NULL; /* everything once a day */
	if (!reco_number(l->shop.db, "recommend.follow_lines", 1, INT32_MAX, &r->options.follow_lines_min, err) ||
	    !reco_open(&r->next->reco, l->shop.db, l->shop.book, &l->shop.settings, &r->options, err)) {
		free(r->next);
		r->next = NULL;
		return false;
	}
	r->source = l->shop.book;
	r->book = book_serial(l->shop.book);
	r->pinned = book_pin(l->shop.book);
	atomic_store(&r->made, false);
	return true;
}

/* What make() left takes the place of what is at hand. */
static bool finish(struct courier_reco *r, struct err *err)
{
	if (r->making)
		pthread_join(r->thread, NULL);
	r->making = false;
	if (reco_trail_version(r->trail) != r->pinned)
		book_unpin(r->source, r->pinned);
	*(r->followed ? &r->follow_took : &r->learn_took) = clock_monotonic() - r->begun;
	if (r->ok && !atomic_load(&r->stop)) {
		pthread_mutex_lock(r->lock);
		models_free(r->now);
		r->now = r->next;
		r->of = r->book;
		r->stocked = r->begun;
		pthread_mutex_unlock(r->lock);
		r->told.followed += r->followed;
		r->told.learnt += !r->followed;
	} else {
		drop_trail(r);
		models_free(r->next);
		*err = r->err;
	}
	r->next = NULL;
	return r->ok;
}

static void rest(struct courier_reco *r)
{
	struct err ignored;
	if (!r)
		return;
	atomic_store(&r->stop, true);
	if (r->next)
		(void)!finish(r, &ignored);
	atomic_store(&r->stop, false);
	drop_trail(r);
	pthread_mutex_lock(r->lock);
	models_free(r->now);
	r->now = NULL;
	pthread_mutex_unlock(r->lock);
}

void courier_rest(struct courier_state *c)
{
	rest(c->reco);
}

void courier_reco_free(struct courier_state *c)
{
	rest(c->reco);
	free(c->reco);
	pthread_mutex_destroy(&c->reco_lock);
}

static bool is_stale(const struct courier_reco *r, const struct live *l)
{
	double age = clock_monotonic() - r->begun;
	if (r->now->day.day != zone_date(l->shop.settings.zone, l->now).day)
		return true;
	double work = r->trail ? r->follow_took : r->learn_took;
	return r->now->version != l->world.version->number && age > AGE_MIN_S && age > AGE_OF_WORK * work;
}

/* With the lock held. */
static bool restock(struct courier_reco *r, struct db *db, struct instant now, struct err *err)
{
	double at = clock_monotonic();
	if (at - r->stocked < STOCK_S || at - r->stocked < STOCK_OF_WORK * r->stock_took)
		return true;
	bool ok = reco_restock(&r->now->reco, db, now, err);
	r->stocked = clock_monotonic();
	r->stock_took = r->stocked - at;
	return ok;
}

/* Begins models on a thread of their own; when none is to be had: later. */
static bool begin_aside(struct courier_reco *r, struct live *l, struct err *err)
{
	if (!begin(r, l, par_threads(l->o.threads) / 2 + 1, err))
		return false;
	r->making = pthread_create(&r->thread, NULL, make, r) == 0;
	if (!r->making) {
		r->ok = true;
		atomic_store(&r->stop, true);
		(void)!finish(r, err);
		atomic_store(&r->stop, false);
	}
	return true;
}

bool courier_look(struct courier_state *c, struct live *l, struct err *err)
{
	struct courier_reco *r = c->reco;
	if (!r || (!r->now && !r->next) || r->book != book_serial(l->shop.book))
		return true;
	if (r->next) {
		struct err why; /* those at hand stay; the next try has what has changed since */
		if (atomic_load(&r->made))
			(void)!finish(r, &why);
	} else if (is_stale(r, l)) {
		if (!begin_aside(r, l, err))
			return false;
	}
	pthread_mutex_lock(r->lock);
	bool ok = !r->now || restock(r, l->shop.db, l->now, err);
	pthread_mutex_unlock(r->lock);
	return ok;
}

struct courier_models courier_models(struct courier_state *c)
{
	struct courier_models told = c->reco ? c->reco->told : (struct courier_models){ 0 };
	if (c->reco)
		c->reco->told = (struct courier_models){ 0 };
	return told;
}

static struct courier_reco *room(struct courier_state *c)
{
	if (!c->reco) {
		struct courier_reco *r = mem_alloc(sizeof *r);
		r->lock = &c->reco_lock;
		pthread_mutex_lock(&c->reco_lock);
		c->reco = r;
		pthread_mutex_unlock(&c->reco_lock);
	}
	return c->reco;
}

/* Models at hand, the newest there are; the first ones are waited for. */
static bool refresh(struct courier_state *c, struct live *l, struct err *err)
{
	struct courier_reco *r = room(c);
	if ((r->now || r->next) && r->book != book_serial(l->shop.book))
		rest(r);
	if (r->now) {
		if (!courier_look(c, l, err))
			return false;
	} else if (r->next) {
		if (!finish(r, err))
			return false;
	} else {
		if (!begin(r, l, l->o.threads, err))
			return false;
		make(r);
		if (!finish(r, err))
			return false;
	}
	return true;
}

static void set_day(struct reco *r, struct instant now)
{
	int y, month, d;
	struct date today = zone_date(r->zone, now);
	date_ymd(today, &y, &month, &d);
	r->guards.today = today.day;
	r->guards.month = month;
}

static enum rec_kind kind_of(struct str message)
{
	return str_starts(message, STR("up-")) ? REC_UP : str_starts(message, STR("renewal")) ? REC_AGAIN : REC_CROSS;
}

static void set_text(struct arena *a, struct lobject *o, const char *name, struct str text)
{
	if (text.n)
		lobject_set(a, o, name, lval_str(text));
}

static struct lval proposal(const struct reco *r, const struct rec_answer *x, enum locale locale, struct arena *a)
{
	struct buf why;
	struct lobject *o = lobject_new(a, 6);
	const struct reco_words *words = &r->words[x->item];
	buf_init(&why, 1 << 14);
	rec_why_text(r->model, x, locale == LOCALE_FR ? REC_FRENCH : REC_ENGLISH, &why);
	set_text(a, o, "name", arena_str(a, words->name));
	set_text(a, o, "category", arena_str(a, words->category));
	if (x->price_minor > 0)
		lobject_set(a, o, "price", lval_int(x->price_minor));
	set_text(a, o, "url", arena_str(a, words->url));
	set_text(a, o, "image", arena_str(a, words->image));
	set_text(a, o, "why", arena_str(a, buf_view(&why)));
	buf_release(&why);
	return lval_object(o);
}

static struct lval date_value(int32_t day, struct arena *a)
{
	char text[16];
	return lval_str(arena_str(a, str_from(date_text((struct date){ day }, text))));
}

/* The run's subject is the order and the product in it (engine/trigger.c). */
void courier_product(struct courier_state *c, struct live *l, const struct view *v, uint64_t subject,
                     struct lobject *data, struct arena *a)
{
	uint32_t count;
	const struct product *products = book_products(l->shop.book, &count);
	for (uint32_t o = v->order0; o < v->order1; o++)
		for (uint32_t q = order_line(v->k, o); q < order_line(v->k, o + 1); q++) {
			product_id p = line_product(v->k, q);
			if (p >= count || hash_mix(v->k->order_key[o], p) != subject)
				continue;
			struct lobject *product = lobject_new(a, 6);
			int32_t day = zone_date(view_profile(v)->zone, (struct instant){ v->k->order_at[o] }).day;
			set_text(a, product, "name", products[p].name.n ? products[p].name : products[p].sku);
			pthread_mutex_lock(&c->reco_lock);
			if (c->reco && c->reco->now && p < c->reco->now->reco.products &&
			    c->reco->now->reco.item_of[p] != REC_NONE) {
				const struct reco_words *words = &c->reco->now->reco.words[c->reco->now->reco.item_of[p]];
				set_text(a, product, "url", arena_str(a, words->url));
				set_text(a, product, "image", arena_str(a, words->image));
			}
			pthread_mutex_unlock(&c->reco_lock);
			lobject_set(a, product, "bought_at", date_value(day, a));
			lobject_set(a, product, "due_at", date_value(day + products[p].lifetime_days, a));
			lobject_set(a, product, "kind", lval_cstr("renewal"));
			lobject_set(a, data, "product", lval_object(product));
			return;
		}
}

bool courier_ready(struct courier_state *c, struct live *l, struct err *err)
{
	struct courier_reco *r = room(c);
	bool any = (r->now || r->next) && r->book == book_serial(l->shop.book);
	if (any)
		return courier_look(c, l, err);
	int large = LARGE_SHOP;
	if (!reco_number(l->shop.db, "recommend.aside_customers", 1, INT32_MAX, &large, err))
		return false;
	if (l->world.version->customers <= (uint32_t)large)
		return refresh(c, l, err);
	rest(r);
	return begin_aside(r, l, err);
}

struct reco *courier_borrow(struct courier_state *c, const struct book *book, struct db *db, struct instant now,
                            struct rec_scratch **scratch, struct err *err)
{
	*err = (struct err){ .kind = ERR_NONE };
	pthread_mutex_lock(&c->reco_lock);
	struct courier_reco *r = c->reco;
	if (r && r->now && r->of == book_serial(book) && restock(r, db, now, err)) {
		set_day(&r->now->reco, now);
		*scratch = r->now->scratch;
		return &r->now->reco;
	}
	pthread_mutex_unlock(&c->reco_lock);
	return NULL;
}

void courier_return(struct courier_state *c)
{
	pthread_mutex_unlock(&c->reco_lock);
}

bool courier_recommend(struct courier_state *c, struct live *l, const struct outbox_message *m, const struct view *v,
                       struct arena *a, struct lobject *data, struct err *err)
{
	lobject_set(a, data, "recommendations", lval_array(NULL, 0));
	if (m->purpose != PURPOSE_MARKETING || m->key.channel == CHANNEL_STAFF)
		return true;
	if (!refresh(c, l, err))
		return false;
	struct reco *r = &c->reco->now->reco;
	if (!r->model)
		return true;
	struct rec_list list;
	pthread_mutex_lock(&c->reco_lock);
	set_day(r, l->now);
	struct rec_ask ask = { .customer = reco_fresh(r, v), .guards = &r->guards };
	enum rec_kind kind = kind_of(m->message);
	reco_answer(r, c->reco->now->scratch, kind, &ask, RENEWAL_DAYS, PROPOSALS, &list);
	struct lval *items = arena_array(a, struct lval, list.count + 1);
	for (size_t i = 0; i < list.count; i++)
		items[i] = proposal(r, &list.answers[i], m->locale, a);
	pthread_mutex_unlock(&c->reco_lock);
	lobject_set(a, data, "recommendations", lval_array(items, list.count));
	return true;
}
