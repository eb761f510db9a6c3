#include "web/facts.h"

#include "app/arrival.h"
#include "app/clock.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- reading ---- */

static bool say(char why[160], const char *what)
{
	snprintf(why, 160, "%s", what);
	return false;
}

/* A number where text is meant is taken as its digits: tills send "customer": 17850. Where the text was. */
static struct str text(const struct jnode *o, const char *name)
{
	const struct jnode *v = jtree_get(o, name);
	bool is_text = v && (v->type == J_STRING || v->type == J_INTEGER);
	return is_text && v->text.n <= FACT_TEXT_MAX ? v->text : STR("");
}

static bool is(const struct jnode *v, enum jtype type)
{
	return v && v->type == type;
}

static bool integer(const struct jnode *o, const char *name, int64_t least, int64_t most, int64_t otherwise,
                    int64_t *out)
{
	const struct jnode *v = jtree_get(o, name);
	*out = otherwise;
	if (!v || v->type == J_NULL)
		return true;
	if (v->type != J_INTEGER)
		return false;
	*out = v->integer;
	return *out >= least && *out <= most;
}

static const int64_t AMOUNT_MAX = (int64_t)1 << 50;

static bool read_lines(const struct jnode *o, struct incoming *in, struct arena *a, char why[160])
{
	const struct jnode *lines = jtree_get(o, "lines");
	if (!is(lines, J_ARRAY) || lines->count > FACT_LINES_MAX)
		return say(why, "\"lines\" has to be a list of at most 2000 {sku, quantity, amount}");
	in->line_count = lines->count;
	in->lines = arena_array(a, struct incoming_line, in->line_count + 1);
	struct incoming_line *l = in->lines;
	for (const struct jnode *line = lines->first; line; line = line->next, l++) {
		int64_t quantity;
		l->sku = str_trim(text(line, "sku"));
		l->name = text(line, "name");
		if (!l->sku.n || l->sku.n > 64)
			return say(why, "every line needs its \"sku\" (1 to 64 bytes)");
		if (!integer(line, "quantity", -1000000, 1000000, 1, &quantity))
			return say(why, "\"quantity\" has to be a whole number");
		if (!is(jtree_get(line, "amount"), J_INTEGER) ||
		    !integer(line, "amount", -AMOUNT_MAX, AMOUNT_MAX, 0, &l->amount))
			return say(why,
			           "every line needs its \"amount\": a whole number of cents for the whole line, VAT included");
		l->quantity = (int32_t)quantity;
	}
	return true;
}

static bool read_order(const struct jnode *o, struct incoming *in, struct arena *a, char why[160])
{
	struct str channel = text(o, "channel");
	int c = channel.n ? sale_channel_find(channel) : SALE_UNKNOWN;
	if (c < 0)
		return say(why, "\"channel\" is one of store, web, phone, app, marketplace, b2b");
	in->order = (struct order_body){ .channel = (enum sale_channel)c,
		                             .voucher = text(o, "voucher"),
		                             .store = str_trim(text(o, "store")),
		                             .seller = str_trim(text(o, "seller")) };
	if (in->order.store.n > BODY_NAME_MAX || in->order.seller.n > BODY_NAME_MAX)
		return say(why, "\"store\" and \"seller\" are at most 100 bytes long");
	return read_lines(o, in, a, why);
}

static bool read_cart(const struct jnode *o, struct incoming *in, struct arena *a, char why[160])
{
	struct str state = text(o, "state");
	int s = state.n ? cart_state_find(state) : CART_CHANGED;
	if (s < 0)
		return say(why, "\"state\" is one of changed, paid, emptied");
	in->cart = (struct cart_body){ .cart = text(o, "cart"), .state = (enum cart_state)s, .url = text(o, "url") };
	if (!in->cart.cart.n)
		return say(why, "a cart needs \"cart\", its number in the shop");
	if (!jtree_get(o, "lines") && s != CART_CHANGED)
		return true;
	return read_lines(o, in, a, why);
}

static bool read_consent(const struct jnode *o, struct incoming *in, struct arena *a, char why[160])
{
	struct str purpose = text(o, "purpose");
	int channel = channel_find(text(o, "channel")), state = consent_state_find(text(o, "state"));
	int p = purpose.n ? purpose_find(purpose) : PURPOSE_MARKETING;
	if (channel < 0 || state < 0 || p < 0)
		return say(why, "a consent needs \"channel\" (email, sms …) and \"state\" (granted, withdrawn, soft, opposed)");
	in->consent = (struct consent_body){ .channel = (enum channel)channel,
		                                 .purpose = (enum purpose)p,
		                                 .state = (enum consent_state)state,
		                                 .source = text(o, "source"),
		                                 .wording = text(o, "wording") };
	bool grants = state == CONSENT_GRANTED || state == CONSENT_SOFT;
	if (grants && !in->consent.source.n)
		return say(why, "a grant of consent needs its \"source\": where and how it was given is its proof");
	return true;
}

static bool read_event(const struct jnode *o, struct incoming *in, struct arena *a, char why[160])
{
	in->event = (struct event_body){ .name = text(o, "name"), .text = text(o, "text") };
	if (!in->event.name.n || in->event.name.n > 64)
		return say(why, "an event needs its \"name\" (1 to 64 bytes)");
	if (!integer(o, "value", -AMOUNT_MAX, AMOUNT_MAX, 0, &in->event.value))
		return say(why, "\"value\" has to be a whole number");
	return true;
}

static size_t read_list(const struct jnode *o, const char *name, struct arena *a, struct str **out)
{
	const struct jnode *list = jtree_get(o, name);
	size_t n = 0;
	if (!is(list, J_ARRAY))
		return 0;
	*out = arena_array(a, struct str, (list->count < BODY_LIST_MAX ? list->count : BODY_LIST_MAX) + 1);
	for (const struct jnode *v = list->first; v && n < BODY_LIST_MAX; v = v->next)
		if (v->type == J_STRING && v->text.n && v->text.n <= 128)
			(*out)[n++] = v->text;
	return n;
}

static bool read_profile(const struct jnode *o, struct incoming *in, struct arena *a, zone_id zone, char why[160])
{
	struct person *p = &in->person;
	struct profile_body *b = &in->profile;
	*p = (struct person){ .civility = text(o, "civility"),
		                  .first_name = text(o, "first_name"),
		                  .last_name = text(o, "last_name"),
		                  .company = text(o, "company"),
		                  .email = str_trim(text(o, "email")),
		                  .phone = str_trim(text(o, "phone")),
		                  .address1 = text(o, "address1"),
		                  .address2 = text(o, "address2"),
		                  .postcode = text(o, "postcode"),
		                  .city = text(o, "city"),
		                  .country = text(o, "country"),
		                  .attributes = STR("") };
	*b = (struct profile_body){ .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN };
	struct str born = text(o, "born"), created = text(o, "created"), locale = text(o, "locale"),
			   gender = text(o, "gender");
	zone_id theirs;
	if (p->email.n && !memchr(p->email.p, '@', p->email.n))
		return say(why, "\"email\" is no e-mail address");
	if (born.n && !date_parse(born, &b->born))
		return say(why, "\"born\" is no date such as 1980-05-12");
	if (created.n && !instant_parse(created, zone, &b->created))
		return say(why, "\"created\" is no instant such as 2026-05-12T08:00:00Z");
	if (locale.n >= 2 && (b->locale = locale_find((struct str){ locale.p, 2 })) < 0)
		return say(why, "\"locale\" is fr or en");
	b->zone = text(o, "zone");
	if (b->zone.n && !zone_find(b->zone, &theirs))
		return say(why, "\"zone\" is no time zone such as Europe/Paris");
	b->gender = gender.n && strchr("fmx", gender.p[0]) ? gender.p[0] : 0;
	b->store = text(o, "store");
	b->sector = text(o, "sector");
	b->tag_count = read_list(o, "tags", a, &b->tags);
	b->interest_count = read_list(o, "interests", a, &b->interests);
	in->company_said = p->company.n > 0 || is(jtree_get(o, "is_company"), J_TRUE);
	return true;
}

enum { PRODUCT_ATTRIBUTES_MAX = 16 << 10 };

/* An object without spaces, its keys sorted. */
static struct str canonical(struct str object, struct arena *a)
{
	json_t *o = json_loadb(object.p, object.n, 0, NULL);
	char *found = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	struct str kept = arena_str(a, str_from(found ? found : ""));
	free(found);
	json_decref(o);
	return kept;
}

static bool months_read(const struct jnode *v, json_t *into)
{
	json_t *months = is(v, J_ARRAY) ? json_loadb(v->text.p, v->text.n, 0, NULL) : NULL;
	bool ok = !v || months;
	for (size_t i = 0; i < json_array_size(months); i++) {
		json_int_t m = json_integer_value(json_array_get(months, i));
		ok = ok && m >= 1 && m <= 12;
	}
	if (months)
		json_object_set_new(into, "months", months);
	return ok;
}

/* What recommendations ask of a product, by name beside the other columns. */
static bool read_marks(const struct jnode *o, struct product_row *p, struct arena *a)
{
	static const char *const FLAGS[] = { "hidden", "excluded", "consumable" };
	struct str collection = text(o, "collection");
	json_t *j = json_object();
	bool ok = months_read(jtree_get(o, "months"), j) && collection.n <= 200 &&
	          (!jtree_get(o, "collection") || is(jtree_get(o, "collection"), J_STRING));
	for (size_t i = 0; i < ARRAY_LEN(FLAGS); i++) {
		const struct jnode *v = jtree_get(o, FLAGS[i]);
		ok = ok && (!v || is(v, J_TRUE) || is(v, J_FALSE));
		if (v)
			json_object_set_new(j, FLAGS[i], json_boolean(is(v, J_TRUE)));
	}
	if (collection.n)
		json_object_set_new(j, "collection", json_stringn(collection.p, collection.n));
	char *marks = ok && json_object_size(j) ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	p->marks = marks ? arena_str(a, str_from(marks)) : STR("");
	free(marks);
	json_decref(j);
	return ok;
}

static bool read_product(const struct jnode *o, struct incoming *in, struct arena *a, char why[160])
{
	struct product_row *p = &in->product;
	*p = (struct product_row){ .sku = str_trim(text(o, "sku")),
		                       .name = text(o, "name"),
		                       .type = text(o, "type"),
		                       .family = text(o, "family"),
		                       .category = text(o, "category"),
		                       .brand = text(o, "brand"),
		                       .replaced_by = text(o, "replaced_by"),
		                       .url = text(o, "url"),
		                       .image = text(o, "image"),
		                       .attributes = STR(""),
		                       .not_a_product = is(jtree_get(o, "not_a_product"), J_TRUE) };
	const struct jnode *attributes = jtree_get(o, "attributes");
	if (is(attributes, J_OBJECT))
		p->attributes = canonical(attributes->text, a);
	if (p->attributes.n > PRODUCT_ATTRIBUTES_MAX)
		return say(why, "\"attributes\" of a product take at most 16 KiB");
	if (!read_marks(o, p, a))
		return say(why,
		           "hidden, excluded and consumable are true or false, months a list from 1 to 12, collection a text");
	int64_t stock, lifetime, tier;
	if (!p->sku.n || p->sku.n > 64)
		return say(why, "a product needs its \"sku\" (1 to 64 bytes)");
	if (!integer(o, "price", 0, AMOUNT_MAX, -1, &p->price) || !integer(o, "cost", 0, AMOUNT_MAX, -1, &p->cost) ||
	    !integer(o, "stock", 0, INT32_MAX, -1, &stock) || !integer(o, "lifetime_days", 0, 100000, -1, &lifetime) ||
	    !integer(o, "tier", 0, 1000, -1, &tier))
		return say(why, "price, cost (cents), stock, lifetime_days and tier are whole numbers");
	p->stock = (int32_t)stock;
	p->lifetime_days = (int32_t)lifetime;
	p->tier = (int32_t)tier;
	p->vat_x2 = -1;
	return true;
}

bool incoming_read(const struct jnode *o, struct incoming *in, struct arena *a, zone_id zone, char why[160])
{
	static const char *const KINDS[] = { "order", "cart", "consent", "profile", "event", "product" };
	struct str kind = text(o, "kind"), at = text(o, "at");
	size_t k = 0;
	*in = (struct incoming){ .key = text(o, "key"), .ref = str_trim(text(o, "customer")) };
	while (k < ARRAY_LEN(KINDS) && !str_is(kind, KINDS[k]))
		k++;
	if (k == ARRAY_LEN(KINDS))
		return say(why, "\"kind\" is one of order, cart, consent, profile, event, product");
	in->kind = (enum incoming_kind)k;
	if (at.n && (!instant_parse(at, zone, &in->at) || in->at.s <= 0 || in->at.s >= UINT32_MAX))
		return say(why, "\"at\" is no instant such as 2026-05-12T08:00:00Z");
	if (in->kind == IN_PRODUCT)
		return read_product(o, in, a, why);
	if (!in->key.n || in->key.n > FACT_KEY_MAX)
		return say(why, "every fact needs its \"key\" (1 to 200 bytes): source and document, such as till:1234");
	if (in->ref.n > 128 || (!in->ref.n && in->kind != IN_ORDER))
		return say(why, "\"customer\" is needed: the shop's own number, at most 128 bytes");
	switch (in->kind) {
	case IN_ORDER: return read_order(o, in, a, why);
	case IN_CART: return read_cart(o, in, a, why);
	case IN_CONSENT: return read_consent(o, in, a, why);
	case IN_PROFILE: return read_profile(o, in, a, zone, why);
	case IN_EVENT: return read_event(o, in, a, why);
	case IN_PRODUCT: break;
	}
	return true;
}

/* ---- the program's own pages ---- */

bool page_facts_write(struct web *w, const struct page_facts *f, struct arena *a, struct err *err)
{
	struct instant now = clock_now();
	struct store_ids *ids;
	struct store_batch *b = writer_begin(w, &ids, now, err);
	struct facts_result r = { 0 };
	struct buf body;
	bool ok = true, known;
	if (!b)
		return false;
	buf_init(&body, BODY_MAX);
	for (size_t i = 0; ok && i < f->count; i++)
		ok = incoming_write(&w->shop, ids, b, &f->items[i], now, a, &body, &r, err);
	ok = ok && (!f->message || outbox_feedback(b, f->message, f->receipt, now, f->answer, &known, err));
	buf_release(&body);
	return writer_end(w, b, ok, err);
}

/* ---- POST /facts ---- */

/* One object after the other: the first FACTS_DIRECT are kept as they are, more of them only packed. */
struct taking {
	struct request *r;
	struct arena one; /* of what is being packed */
};

static struct arena *taking_arena(struct taking *t)
{
	return t->r->fact_count < FACTS_DIRECT ? &t->r->arena : &t->one;
}

static size_t line_of(const struct request *r, const char *at)
{
	size_t line = 1;
	for (const char *p = r->body.p; p < at; p++)
		line += *p == '\n';
	return line;
}

static void pack_all(struct request *r)
{
	buf_init(&r->packed, ARRIVAL_BYTES_MAX);
	arrival_begin(&r->packed);
	for (size_t i = 0; i < r->fact_count; i++)
		arrival_add(&r->packed, &r->facts[i]);
	free(r->facts);
	r->facts = NULL;
}

void facts_pack(struct request *r)
{
	if (!r->packed.n)
		pack_all(r);
}

static bool take_one(struct taking *t, const struct jnode *o, const char *at)
{
	struct request *r = t->r;
	struct incoming in;
	char why[160] = "a fact is a JSON object";
	if (r->fact_count == FACTS_MAX) {
		request_problem(r, 413, "at most %d facts a request: send the rest in another", FACTS_MAX);
		return false;
	}
	if (r->fact_count == FACTS_DIRECT)
		facts_pack(r);
	if (!is(o, J_OBJECT) || !incoming_read(o, &in, taking_arena(t), r->web->shop.zone, why)) {
		request_problem(r, 422, "line %zu: %s; nothing of this request was kept", line_of(r, at), why);
		return false;
	}
	if (r->packed.n) {
		arrival_add(&r->packed, &in);
	} else {
		if (!r->facts)
			r->facts = mem_alloc(FACTS_DIRECT * sizeof *r->facts);
		r->facts[r->fact_count] = in;
	}
	r->fact_count++;
	if (r->packed.full)
		request_problem(r, 413,
		                "these facts take more than %d MiB: send them in parts; nothing of this request was kept",
		                ARRIVAL_BYTES_MAX >> 20);
	return !r->packed.full;
}

static void skip_space(struct str *rest)
{
	while (rest->n && strchr(" \t\r\n", rest->p[0]))
		*rest = (struct str){ rest->p + 1, rest->n - 1 };
}

static bool no_json(struct request *r, const char *at)
{
	size_t column = 1;
	for (const char *p = at; p > r->body.p && p[-1] != '\n'; p--)
		column++;
	request_problem(r, 400, "no JSON: line %zu, column %zu; nothing of this request was kept", line_of(r, at), column);
	return false;
}

/* One JSON object, an array of them, or one a line. */
static bool take_all(struct taking *t)
{
	struct request *r = t->r;
	struct str rest = buf_view(&r->body);
	bool ok = true;
	for (skip_space(&rest); ok && rest.n; skip_space(&rest)) {
		const char *at = rest.p;
		arena_clear(&t->one);
		const struct jnode *o = jtree_read(&rest, taking_arena(t));
		if (!o || (o->type != J_ARRAY && o->type != J_OBJECT))
			return no_json(r, o ? at : rest.p);
		if (o->type == J_ARRAY) {
			for (const struct jnode *item = o->first; item && ok; item = item->next)
				ok = take_one(t, item, at);
		} else {
			ok = take_one(t, o, at);
		}
	}
	if (ok && r->fact_count == 0)
		request_problem(r, 422, "there is no fact in the body");
	return ok && r->fact_count > 0;
}

/* Facts come faster than they can be applied. */
static bool there_is_room(struct request *r)
{
	struct backlog b = writer_backlog(r->web);
	if (b.facts < r->web->o.waiting)
		return true;
	r->web->counters.facts_refused++;
	request_add_header(r, "Retry-After", STR("10"));
	request_problem(
		r, 503,
		"%lld facts wait to be applied, and more than %lld are not kept waiting: send this request again in 10 s",
		(long long)b.facts, (long long)r->web->o.waiting);
	return false;
}

void on_facts(struct request *r)
{
	struct taking t = { .r = r };
	if (!there_is_room(r))
		return;
	arena_init(&t.one);
	if (take_all(&t))
		request_hand_over(r, on_facts);
	else
		facts_release(r);
	arena_release(&t.one);
}

void facts_release(struct request *r)
{
	free(r->facts);
	r->facts = NULL;
	buf_release(&r->packed);
	r->fact_count = 0;
}

void facts_answer(struct request *r, const struct err *err)
{
	const struct facts_result *f = r->handed;
	size_t count = r->fact_count;
	facts_release(r);
	if (err) {
		request_err(r, err);
		return;
	}
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "accepted", f->arrival ? (int64_t)count : (int64_t)f->accepted);
	if (f->arrival) {
		put_int(&r->out, "waiting", (int64_t)count);
	} else {
		put_int(&r->out, "unchanged", (int64_t)f->unchanged);
		put_int(&r->out, "quarantined", (int64_t)f->quarantined);
		put_int(&r->out, "seq", f->seq);
	}
	put_close(&r->out, '}');
	request_send_json(r, f->arrival ? 202 : 201);
}
