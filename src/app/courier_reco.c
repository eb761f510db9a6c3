/* {{ recommendations }}: up to three proposals, worked out when the message is rendered, from the orders known then.
 *
 * The models are built when first asked for and again on each new day of the shop; the person's own orders are read
 * afresh every time, so nothing bought since is proposed. A shop of fewer than ORDERS_MIN orders has none: too little
 * to say something about. A large one does without the slowest model. */
#include "app/courier_int.h"
#include "app/live_int.h"
#include "app/reco.h"

#include <stdlib.h>

enum { ORDERS_MIN = 50, PROPOSALS = 3, RENEWAL_DAYS = 45, LARGE_SHOP = 200000 };

struct courier_reco {
	struct reco reco;
	struct rec_scratch *scratch;
	struct date day;
	bool built;
};

void courier_reco_free(struct courier_reco *r)
{
	if (!r)
		return;
	rec_scratch_free(r->scratch);
	reco_release(&r->reco);
	free(r);
}

static bool refresh(struct courier_reco *r, struct live *l, struct err *err)
{
	struct date today = zone_date(l->shop.settings.zone, l->now);
	if (r->built && r->day.day == today.day)
		return true;
	rec_scratch_free(r->scratch);
	r->scratch = NULL;
	reco_release(&r->reco);
	struct reco_options o = { .now = l->now,
		                      .threads = l->o.threads,
		                      .orders_min = ORDERS_MIN,
		                      .no_ease = l->world.version->customers > LARGE_SHOP };
	r->built = reco_build(&r->reco, l->shop.db, l->shop.book, l->world.version, &l->shop.settings, &o, err);
	r->day = today;
	if (r->reco.model)
		r->scratch = rec_scratch_new(r->reco.model);
	return r->built;
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
void courier_product(const struct courier_state *c, struct live *l, const struct view *v, uint64_t subject,
                     struct lobject *data, struct arena *a)
{
	uint32_t count;
	const struct product *products = book_products(l->shop.book, &count);
	for (uint32_t o = v->order0; o < v->order1; o++)
		for (uint32_t q = v->k->order_line[o]; q < v->k->order_line[o + 1]; q++) {
			product_id p = v->k->line_product[q];
			if (p >= count || hash_mix(v->k->order_key[o], p) != subject)
				continue;
			struct lobject *product = lobject_new(a, 6);
			int32_t day = zone_date(view_profile(v)->zone, (struct instant){ v->k->order_at[o] }).day;
			set_text(a, product, "name", products[p].name.n ? products[p].name : products[p].sku);
			if (c->reco && p < c->reco->reco.products && c->reco->reco.item_of[p] != REC_NONE) {
				const struct reco_words *words = &c->reco->reco.words[c->reco->reco.item_of[p]];
				set_text(a, product, "url", arena_str(a, words->url));
				set_text(a, product, "image", arena_str(a, words->image));
			}
			lobject_set(a, product, "bought_at", date_value(day, a));
			lobject_set(a, product, "due_at", date_value(day + products[p].lifetime_days, a));
			lobject_set(a, product, "kind", lval_cstr("renewal"));
			lobject_set(a, data, "product", lval_object(product));
			return;
		}
}

bool courier_propose(struct courier_state *c, struct live *l, enum rec_kind kind, size_t n, const struct view *v,
                     const struct reco **out, struct rec_list *list, struct err *err)
{
	*list = (struct rec_list){ .count = 0 };
	if (!c->reco)
		c->reco = mem_alloc(sizeof *c->reco);
	*out = &c->reco->reco;
	struct date today = zone_date(l->shop.settings.zone, l->now);
	bool at_hand = c->reco->built && c->reco->day.day == today.day;
	if (!at_hand && l->world.version->customers > LARGE_SHOP)
		return true; /* too long to make somebody wait: the day's first message makes it */
	if (!refresh(c->reco, l, err))
		return false;
	if (!(*out)->model)
		return true;
	struct rec_ask ask = { .customer = reco_fresh(&c->reco->reco, v), .guards = &(*out)->guards };
	reco_answer(*out, c->reco->scratch, kind, &ask, RENEWAL_DAYS, n, list);
	return true;
}

bool courier_recommend(struct courier_state *c, struct live *l, const struct outbox_message *m, const struct view *v,
                       struct arena *a, struct lobject *data, struct err *err)
{
	lobject_set(a, data, "recommendations", lval_array(NULL, 0));
	if (m->purpose != PURPOSE_MARKETING || m->key.channel == CHANNEL_STAFF)
		return true;
	if (!c->reco)
		c->reco = mem_alloc(sizeof *c->reco);
	if (!refresh(c->reco, l, err))
		return false;
	struct reco *r = &c->reco->reco;
	if (!r->model)
		return true;
	struct rec_list list;
	struct rec_ask ask = { .customer = reco_fresh(r, v), .guards = &r->guards };
	enum rec_kind kind = kind_of(m->message);
	reco_answer(r, c->reco->scratch, kind, &ask, RENEWAL_DAYS, PROPOSALS, &list);
	struct lval *items = arena_array(a, struct lval, list.count + 1);
	for (size_t i = 0; i < list.count; i++)
		items[i] = proposal(r, &list.answers[i], m->locale, a);
	lobject_set(a, data, "recommendations", lval_array(items, list.count));
	return true;
}
