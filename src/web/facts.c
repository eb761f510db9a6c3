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

/* A number where text is meant is taken as its digits: tills send "customer": 17850. */
static struct str text(const json_t *o, const char *name, struct arena *a)
{
	const json_t *v = json_object_get(o, name);
	if (json_is_integer(v))
		return arena_printf(a, "%lld", (long long)json_integer_value(v));
	if (!json_is_string(v) || json_string_length(v) > FACT_TEXT_MAX)
		return STR("");
	return arena_str(a, (struct str){ json_string_value(v), json_string_length(v) });
}

static bool integer(const json_t *o, const char *name, int64_t least, int64_t most, int64_t otherwise, int64_t *out)
{
	const json_t *v = json_object_get(o, name);
	*out = otherwise;
	if (!v || json_is_null(v))
		return true;
	if (!json_is_integer(v))
		return false;
	*out = json_integer_value(v);
	return *out >= least && *out <= most;
}

static const int64_t AMOUNT_MAX = (int64_t)1 << 50;

static bool read_lines(const json_t *o, struct incoming *in, struct arena *a, char why[160])
{
	const json_t *lines = json_object_get(o, "lines"), *line;
	size_t i;
	if (!json_is_array(lines) || json_array_size(lines) > FACT_LINES_MAX)
		return say(why, "\"lines\" has to be a list of at most 2000 {sku, quantity, amount}");
	in->line_count = json_array_size(lines);
	in->lines = arena_array(a, struct incoming_line, in->line_count + 1);
	json_array_foreach(lines, i, line)
	{
		struct incoming_line *l = &in->lines[i];
		int64_t quantity;
		l->sku = str_trim(text(line, "sku", a));
		l->name = text(line, "name", a);
		if (!l->sku.n || l->sku.n > 64)
			return say(why, "every line needs its \"sku\" (1 to 64 bytes)");
		if (!integer(line, "quantity", -1000000, 1000000, 1, &quantity))
			return say(why, "\"quantity\" has to be a whole number");
		if (!json_is_integer(json_object_get(line, "amount")) ||
		    !integer(line, "amount", -AMOUNT_MAX, AMOUNT_MAX, 0, &l->amount))
			return say(why,
			           "every line needs its \"amount\": a whole number of cents for the whole line, VAT included");
		l->quantity = (int32_t)quantity;
	}
	return true;
}

static bool read_order(const json_t *o, struct incoming *in, struct arena *a, char why[160])
{
	struct str channel = text(o, "channel", a);
	int c = channel.n ? sale_channel_find(channel) : SALE_UNKNOWN;
	if (c < 0)
		return say(why, "\"channel\" is one of store, web, phone, app, marketplace, b2b");
	in->order = (struct order_body){ .channel = (enum sale_channel)c,
		                             .voucher = text(o, "voucher", a),
		                             .store = str_trim(text(o, "store", a)),
		                             .seller = str_trim(text(o, "seller", a)) };
	if (in->order.store.n > BODY_NAME_MAX || in->order.seller.n > BODY_NAME_MAX)
		return say(why, "\"store\" and \"seller\" are at most 100 bytes long");
	return read_lines(o, in, a, why);
}

static bool read_cart(const json_t *o, struct incoming *in, struct arena *a, char why[160])
{
	struct str state = text(o, "state", a);
	int s = state.n ? cart_state_find(state) : CART_CHANGED;
	if (s < 0)
		return say(why, "\"state\" is one of changed, paid, emptied");
	in->cart = (struct cart_body){ .cart = text(o, "cart", a), .state = (enum cart_state)s, .url = text(o, "url", a) };
	if (!in->cart.cart.n)
		return say(why, "a cart needs \"cart\", its number in the shop");
	if (!json_object_get(o, "lines") && s != CART_CHANGED)
		return true;
	return read_lines(o, in, a, why);
}

static bool read_consent(const json_t *o, struct incoming *in, struct arena *a, char why[160])
{
	struct str purpose = text(o, "purpose", a);
	int channel = channel_find(text(o, "channel", a)), state = consent_state_find(text(o, "state", a));
	int p = purpose.n ? purpose_find(purpose) : PURPOSE_MARKETING;
	if (channel < 0 || state < 0 || p < 0)
		return say(why, "a consent needs \"channel\" (email, sms …) and \"state\" (granted, withdrawn, soft, opposed)");
	in->consent = (struct consent_body){ .channel = (enum channel)channel,
		                                 .purpose = (enum purpose)p,
		                                 .state = (enum consent_state)state,
		                                 .source = text(o, "source", a),
		                                 .wording = text(o, "wording", a) };
	bool grants = state == CONSENT_GRANTED || state == CONSENT_SOFT;
	if (grants && !in->consent.source.n)
		return say(why, "a grant of consent needs its \"source\": where and how it was given is its proof");
	return true;
}

static bool read_event(const json_t *o, struct incoming *in, struct arena *a, char why[160])
{
	in->event = (struct event_body){ .name = text(o, "name", a), .text = text(o, "text", a) };
	if (!in->event.name.n || in->event.name.n > 64)
		return say(why, "an event needs its \"name\" (1 to 64 bytes)");
	if (!integer(o, "value", -AMOUNT_MAX, AMOUNT_MAX, 0, &in->event.value))
		return say(why, "\"value\" has to be a whole number");
	return true;
}

static size_t read_list(const json_t *o, const char *name, struct arena *a, struct str **out)
{
	const json_t *list = json_object_get(o, name), *v;
	size_t i, n = 0, most = json_array_size(list) < BODY_LIST_MAX ? json_array_size(list) : BODY_LIST_MAX;
	*out = arena_array(a, struct str, most + 1);
	json_array_foreach(list, i, v) if (n < most && json_is_string(v) && json_string_length(v) &&
	                                   json_string_length(v) <= 128)(*out)[n++] =
		arena_str(a, (struct str){ json_string_value(v), json_string_length(v) });
	return n;
}

static bool read_profile(const json_t *o, struct incoming *in, struct arena *a, zone_id zone, char why[160])
{
	struct person *p = &in->person;
	struct profile_body *b = &in->profile;
	*p = (struct person){ .civility = text(o, "civility", a),
		                  .first_name = text(o, "first_name", a),
		                  .last_name = text(o, "last_name", a),
		                  .company = text(o, "company", a),
		                  .email = str_trim(text(o, "email", a)),
		                  .phone = str_trim(text(o, "phone", a)),
		                  .address1 = text(o, "address1", a),
		                  .address2 = text(o, "address2", a),
		                  .postcode = text(o, "postcode", a),
		                  .city = text(o, "city", a),
		                  .country = text(o, "country", a),
		                  .attributes = STR("") };
	*b = (struct profile_body){ .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN };
	struct str born = text(o, "born", a), created = text(o, "created", a), locale = text(o, "locale", a),
			   gender = text(o, "gender", a);
	zone_id theirs;
	if (p->email.n && !memchr(p->email.p, '@', p->email.n))
		return say(why, "\"email\" is no e-mail address");
	if (born.n && !date_parse(born, &b->born))
		return say(why, "\"born\" is no date such as 1980-05-12");
	if (created.n && !instant_parse(created, zone, &b->created))
		return say(why, "\"created\" is no instant such as 2026-05-12T08:00:00Z");
	if (locale.n >= 2 && (b->locale = locale_find((struct str){ locale.p, 2 })) < 0)
		return say(why, "\"locale\" is fr or en");
	b->zone = text(o, "zone", a);
	if (b->zone.n && !zone_find(b->zone, &theirs))
		return say(why, "\"zone\" is no time zone such as Europe/Paris");
	b->gender = gender.n && strchr("fmx", gender.p[0]) ? gender.p[0] : 0;
	b->store = text(o, "store", a);
	b->sector = text(o, "sector", a);
	b->tag_count = read_list(o, "tags", a, &b->tags);
	b->interest_count = read_list(o, "interests", a, &b->interests);
	in->company_said = p->company.n > 0 || json_is_true(json_object_get(o, "is_company"));
	return true;
}

enum { PRODUCT_ATTRIBUTES_MAX = 16 << 10 };

static bool read_product(const json_t *o, struct incoming *in, struct arena *a, char why[160])
{
	struct product_row *p = &in->product;
	*p = (struct product_row){ .sku = str_trim(text(o, "sku", a)),
		                       .name = text(o, "name", a),
		                       .type = text(o, "type", a),
		                       .family = text(o, "family", a),
		                       .category = text(o, "category", a),
		                       .brand = text(o, "brand", a),
		                       .replaced_by = text(o, "replaced_by", a),
		                       .url = text(o, "url", a),
		                       .image = text(o, "image", a),
		                       .attributes = STR(""),
		                       .not_a_product = json_is_true(json_object_get(o, "not_a_product")) };
	const json_t *attributes = json_object_get(o, "attributes");
	char *kept = json_is_object(attributes) ? json_dumps(attributes, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (kept)
		p->attributes = arena_str(a, str_from(kept));
	free(kept);
	if (p->attributes.n > PRODUCT_ATTRIBUTES_MAX)
		return say(why, "\"attributes\" of a product take at most 16 KiB");
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

bool incoming_read(const json_t *o, struct incoming *in, struct arena *a, zone_id zone, char why[160])
{
	static const char *const KINDS[] = { "order", "cart", "consent", "profile", "event", "product" };
	const char *kind = member(o, "kind");
	struct str at = text(o, "at", a);
	size_t k = 0;
	*in = (struct incoming){ .key = text(o, "key", a), .ref = str_trim(text(o, "customer", a)) };
	while (k < ARRAY_LEN(KINDS) && !(kind && strcmp(KINDS[k], kind) == 0))
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
	struct arena one; /* of the fact being packed */
	size_t line;
};

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

static bool take_one(struct taking *t, json_t *o)
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
	arena_clear(&t->one);
	if (!json_is_object(o) ||
	    !incoming_read(o, &in, r->fact_count < FACTS_DIRECT ? &r->arena : &t->one, r->web->shop.zone, why)) {
		request_problem(r, 422, "line %zu: %s; nothing of this request was kept", t->line, why);
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
	return true;
}

static void skip_space(struct taking *t, struct str *rest)
{
	while (rest->n && strchr(" \t\r\n", rest->p[0])) {
		t->line += rest->p[0] == '\n';
		*rest = (struct str){ rest->p + 1, rest->n - 1 };
	}
}

/* One JSON object, an array of them, or one a line. */
static bool take_all(struct taking *t)
{
	struct str rest = buf_view(&t->r->body);
	bool ok = true;
	for (skip_space(t, &rest); ok && rest.n; skip_space(t, &rest)) {
		json_error_t why;
		json_t *o = json_loadb(rest.p, rest.n, JSON_DISABLE_EOF_CHECK, &why), *item;
		size_t i;
		if (!o) {
			request_problem(t->r, 400, "no JSON: line %zu, column %d; nothing of this request was kept",
			                t->line + (size_t)why.line - 1, why.column);
			return false;
		}
		if (json_is_array(o)) {
			json_array_foreach(o, i, item) ok = ok && take_one(t, item);
		} else {
			ok = take_one(t, o);
		}
		json_decref(o);
		for (int n = 0; n < why.position; n++)
			t->line += rest.p[n] == '\n';
		rest = (struct str){ rest.p + why.position, rest.n - (size_t)why.position };
	}
	if (ok && t->r->fact_count == 0)
		request_problem(t->r, 422, "there is no fact in the body");
	return ok && t->r->fact_count > 0;
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
	struct taking t = { .r = r, .line = 1 };
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
