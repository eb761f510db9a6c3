/* What a template may say of the person, the shop, the order, the cart, the voucher (doc/messages.md). */
#include "app/courier_int.h"
#include "app/links.h"
#include "app/live_int.h"
#include "base/hash.h"
#include "model/names.h"

#include <stdio.h>

static bool shop_word(struct live *l, const char *name, struct str fallback, struct arena *a, struct str *out,
                      struct err *err)
{
	bool found;
	if (!store_shop_get(l->shop.db, name, a, out, &found, err))
		return false;
	if (!found || !out->n)
		*out = fallback;
	return true;
}

bool courier_shop_read(struct courier_state *c, struct live *l, struct arena *a, struct courier_shop *s,
                       struct err *err)
{
	(void)c;
	bool ok = shop_word(l, "shop.url", STR(""), a, &s->url, err) &&
	          shop_word(l, "shop.address", STR(""), a, &s->address, err) &&
	          shop_word(l, "shop.phone", STR(""), a, &s->phone, err) &&
	          shop_word(l, "shop.email", STR("shop@localhost.localdomain"), a, &s->email, err) &&
	          shop_word(l, "shop.signature", str_from(l->shop.shop.name), a, &s->signature, err) &&
	          shop_word(l, "shop.review_url", STR(""), a, &s->review_url, err) &&
	          shop_word(l, "shop.loyalty", STR(""), a, &s->loyalty, err) &&
	          shop_word(l, "shop.hours", STR(""), a, &s->hours, err) &&
	          shop_word(l, "shop.logo_url", STR(""), a, &s->logo_url, err) &&
	          shop_word(l, "shop.reassurance", STR(""), a, &s->reassurance, err) &&
	          shop_word(l, "shop.social", STR(""), a, &s->social, err) &&
	          shop_word(l, "shop.news", STR(""), a, &s->news, err) &&
	          shop_word(l, "public_url", STR(""), a, &s->public_url, err);
	if (!ok)
		return false;
	while (s->public_url.n && s->public_url.p[s->public_url.n - 1] == '/')
		s->public_url.n--;
	s->is_public = s->public_url.n > 0;
	if (!s->is_public)
		s->public_url = STR("http://127.0.0.1:8025");
	const char *at = memchr(s->email.p, '@', s->email.n);
	s->domain = at ? (struct str){ at + 1, s->email.n - (size_t)(at + 1 - s->email.p) } : STR("localhost.localdomain");
	return true;
}

static void set(struct arena *a, struct lobject *o, const char *name, struct str text)
{
	if (text.n)
		lobject_set(a, o, name, lval_str(text));
}

static struct lval date_value(struct date d, struct arena *a)
{
	char text[16];
	return lval_str(arena_str(a, str_from(date_text(d, text))));
}

static struct lobject *customer_of(struct live *l, const struct view *v, const struct person *p, struct arena *a)
{
	struct lobject *o = lobject_new(a, 10);
	const struct profile *profile = view_profile(v);
	struct lifecycle life;
	lifecycle_of(v, l->shop.settings.zone, zone_date(l->shop.settings.zone, l->now), &l->thresholds,
	             &l->shop.settings.lifecycle, &life);
	set(a, o, "first_name", p->first_name);
	set(a, o, "last_name", p->last_name);
	set(a, o, "civility", p->civility);
	set(a, o, "city", p->city);
	set(a, o, "postcode", p->postcode);
	set(a, o, "email", p->email);
	lobject_set(a, o, "lifecycle", lval_cstr(phase_name(life.phase)));
	if (profile->gender == 'f' || profile->gender == 'm')
		lobject_set(a, o, "gender", lval_cstr(profile->gender == 'f' ? "f" : "m"));
	return o;
}

/* "title: text https://…; title …": each with what it has. name: what the first part is called. */
static struct lval list_of(struct str text, const char *name, struct arena *a)
{
	enum { LIST_MAX = 12 };
	struct lval *items = arena_array(a, struct lval, LIST_MAX);
	size_t count = 0;
	while (text.n && count < LIST_MAX) {
		const char *end = memchr(text.p, ';', text.n);
		struct str one = str_trim((struct str){ text.p, end ? (size_t)(end - text.p) : text.n });
		text = end ? (struct str){ end + 1, text.n - (size_t)(end + 1 - text.p) } : STR("");
		struct lobject *o = lobject_new(a, 3);
		const char *space = one.n ? memrchr(one.p, ' ', one.n) : NULL;
		struct str last = space ? (struct str){ space + 1, one.n - (size_t)(space + 1 - one.p) } : one;
		if (str_starts(last, STR("https://")) || str_starts(last, STR("http://"))) {
			set(a, o, "url", last);
			one = str_trim((struct str){ one.p, one.n - last.n });
		}
		const char *colon = one.n ? memchr(one.p, ':', one.n) : NULL;
		struct str title = str_trim((struct str){ one.p, colon ? (size_t)(colon - one.p) : one.n });
		if (!title.n)
			continue;
		set(a, o, name, title);
		if (colon)
			set(a, o, "text", str_trim((struct str){ colon + 1, one.n - (size_t)(colon + 1 - one.p) }));
		items[count++] = lval_object(o);
	}
	return lval_array(items, count);
}

static struct lobject *shop_of(struct live *l, const struct courier_shop *s, struct arena *a)
{
	struct lobject *o = lobject_new(a, 16);
	lobject_set(a, o, "name", lval_cstr(l->shop.shop.name));
	set(a, o, "url", s->url);
	set(a, o, "address", s->address);
	set(a, o, "phone", s->phone);
	set(a, o, "email", s->email);
	set(a, o, "signature", s->signature);
	set(a, o, "review_url", s->review_url);
	set(a, o, "loyalty", s->loyalty);
	set(a, o, "hours", s->hours);
	set(a, o, "logo_url", s->logo_url);
	lobject_set(a, o, "reassurance", list_of(s->reassurance, "title", a));
	lobject_set(a, o, "social", list_of(s->social, "name", a));
	lobject_set(a, o, "news", list_of(s->news, "title", a));
	return o;
}

static struct lval lines_of(struct live *l, const struct line *lines, size_t n, struct arena *a)
{
	uint32_t count;
	const struct product *catalogue = book_products(l->shop.book, &count);
	struct lval *items = arena_array(a, struct lval, n + 1);
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		const struct line *at = &lines[i];
		if (at->product >= count || catalogue[at->product].not_a_product || at->quantity <= 0)
			continue;
		const struct product *p = &catalogue[at->product];
		struct lobject *o = lobject_new(a, 6);
		lobject_set(a, o, "name", lval_str(p->name.n ? p->name : p->sku));
		set(a, o, "category", p->category ? book_word_text(l->shop.book, p->category) : STR(""));
		lobject_set(a, o, "quantity", lval_int(at->quantity));
		lobject_set(a, o, "price", lval_int(at->amount / at->quantity));
		lobject_set(a, o, "total", lval_int(at->amount));
		items[kept++] = lval_object(o);
	}
	return lval_array(items, kept);
}

/* The last sale. */
static void add_order(struct live *l, const struct view *v, struct lobject *data, struct arena *a)
{
	for (uint32_t o = v->order1; o-- > v->order0;) {
		if (!order_is_sale(v->k, o))
			continue;
		uint32_t first = order_line(v->k, o), n = order_line(v->k, o + 1) - first;
		struct lobject *order = lobject_new(a, 4);
		lobject_set(a, order, "date",
		            date_value(zone_date(view_profile(v)->zone, (struct instant){ v->k->order_at[o] }), a));
		lobject_set(a, order, "total", lval_int(order_total(v->k, o)));
		struct line *lines = arena_array(a, struct line, n + 1u);
		for (uint32_t i = 0; i < n; i++)
			lines[i] = (struct line){ line_product(v->k, first + i), line_quantity(v->k, first + i),
				                      line_amount(v->k, first + i) };
		lobject_set(a, order, "lines", lines_of(l, lines, n, a));
		lobject_set(a, data, "order", lval_object(order));
		return;
	}
}

/* Where the shop shows the cart: the newest fact of it that says so. */
struct cart_page {
	uint64_t subject;
	struct arena *arena;
	struct str url;
};

static bool look_for_cart(void *ctx, const struct fact *f, struct err *err)
{
	struct cart_page *page = ctx;
	struct cart_body body;
	struct err broken;
	(void)err;
	if (f->kind == FACT_CART && body_read_cart(f->body, page->arena, &body, &broken) &&
	    hash_str(body.cart) == page->subject && body.url.n)
		page->url = arena_str(page->arena, body.url);
	return true;
}

static bool cart_url(struct live *l, customer_id c, uint64_t subject, struct arena *a, struct str *out, struct err *err)
{
	struct cart_page page = { .subject = subject, .arena = a };
	customer_id *records;
	size_t count;
	bool ok = store_records(l->shop.db, c, a, &records, &count, err);
	for (size_t i = 0; ok && i < count; i++)
		ok = store_facts_by_customer(l->shop.db, records[i], records[i], INSTANT_NEVER, look_for_cart, &page, err);
	*out = page.url;
	return ok;
}

static void add_cart(struct live *l, const struct view *v, uint64_t subject, struct str url, struct lobject *data,
                     struct arena *a)
{
	for (uint32_t i = v->cart1; i-- > v->cart0;) {
		const struct cart *c = &v->k->carts[i];
		if (c->cart != subject)
			continue;
		uint32_t count = cart_line_count(v->k, c);
		struct line *lines = arena_array(a, struct line, count + 1u);
		for (uint32_t k = 0; k < count; k++)
			lines[k] = (struct line){ cart_line_product(v->k, c->line + k), cart_line_quantity(v->k, c->line + k),
				                      cart_line_amount(v->k, c->line + k) };
		struct lobject *cart = lobject_new(a, 4);
		lobject_set(a, cart, "total", lval_int(cart_total(v->k, c)));
		set(a, cart, "url", url);
		lobject_set(a, cart, "lines", lines_of(l, lines, count, a));
		lobject_set(a, data, "cart", lval_object(cart));
		return;
	}
}

/* Letters and digits that are not taken for one another when read aloud. */
static struct str voucher_code(struct live *l, const struct outbox_message *m, uint64_t plan, struct arena *a)
{
	static const char ALPHABET[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; /* 32: no I, O, 0, 1 */
	uint64_t draw = draw_u64(l->shop.shop.seed ^ l->shop.shop.address_key[0], DRAW_VOUCHER, plan, m->key.customer,
	                         m->key.run_no, (uint32_t)hash_str(m->key.step));
	char code[10];
	for (int i = 0; i < 9; i++) {
		code[i] = i == 4 ? '-' : ALPHABET[draw & 31];
		draw = i == 4 ? draw : draw >> 5;
	}
	return arena_str(a, (struct str){ code, 9 });
}

/* "5 €", "7,50 €"; "€5". */
static struct str voucher_amount(const struct currency *currency, int64_t minor, enum locale locale, struct arena *a)
{
	char text[32], *point;
	const char *sign = currency_sign(currency);
	money_plain((struct money){ minor }, *currency, text);
	point = strchr(text, '.');
	if (point && strspn(point + 1, "0") == strlen(point + 1))
		*point = 0;
	else if (point && locale == LOCALE_FR)
		*point = ',';
	if (locale == LOCALE_FR)
		return arena_printf(a, "%s\u00a0%s", text, sign);
	return arena_printf(a, sign == currency->code ? "%s\u00a0%s" : "%s%s", sign, text);
}

static struct str voucher_text(struct live *l, const struct voucher_offer *v, enum locale locale, struct arena *a)
{
	struct str amount;
	if (v->text.n)
		return v->text;
	if (v->percent)
		return locale == LOCALE_FR ? arena_printf(a, "%d\u202f%% sur votre prochaine commande", v->percent)
		                           : arena_printf(a, "%d%% off your next order", v->percent);
	amount = voucher_amount(&l->shop.shop.currency, v->amount, locale, a);
	return locale == LOCALE_FR ? arena_printf(a, "%.*s sur votre prochaine commande", STR_ARG(amount))
	                           : arena_printf(a, "%.*s off your next order", STR_ARG(amount));
}

/* A code of the shop's own: the one this message already has (a retry, a reminder), else the next free one. */
static bool pool_code(struct live *l, const struct voucher_offer *v, bool draw, struct outbox_voucher *row,
                      struct arena *a, struct err *err)
{
	struct db *db = live_db(l);
	struct instant until;
	bool found = false;
	bool ok = db_begin(db, err) && voucher_of(db, v->pool, &row->key, a, &row->code, &until, &found, err);
	if (ok && found && until.s) {
		row->valid_until = until;
	} else if (ok && (found || draw)) {
		ok = (found || voucher_draw(db, v->pool, &row->key, a, &row->code, &found, err)) &&
		     (!found || voucher_start(db, row->code, row->valid_from, row->valid_until, err));
	}
	ok = ok && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	if (ok && !found)
		return err_set(err, ERR_INPUT, "plan %.*s: the pool \"%.*s\" has no free code: relance voucher add",
		               STR_ARG(row->key.plan), STR_ARG(v->pool));
	return ok;
}

/* The code exists before it is promised; its validity starts now. The step of a reminder without an offer of its own
 * recalls the run's last one. */
static bool add_voucher(struct live *l, struct outbox_message *m, const struct plan *p, int step, struct lobject *data,
                        struct arena *a, struct err *err)
{
	int with = step;
	while (with >= 0 && !p->steps[with].has_voucher)
		with--;
	if (with < 0)
		return true;
	const struct voucher_offer *v = &p->steps[with].voucher;
	struct outbox_message first = *m;
	first.key.step = p->steps[with].name;
	struct outbox_voucher row = { .code = voucher_code(l, &first, p->draw_key, a),
		                          .key = first.key,
		                          .percent = v->percent,
		                          .amount = v->amount,
		                          .minimum = v->minimum,
		                          .valid_from = l->now };
	struct date last = { zone_date(l->shop.settings.zone, l->now).day + v->valid_days };
	if (with != step) { /* promised at the earlier step: its deadline holds */
		const struct pstate *s = &l->states[m->key.customer];
		for (uint16_t i = 0; i < s->sent_count; i++)
			if (s->sent[i].run_no == m->key.run_no && s->sent[i].step == with && l->plans->plans[s->sent[i].plan] == p)
				last.day = zone_date(l->shop.settings.zone, (struct instant){ s->sent[i].at }).day + v->valid_days;
	}
	row.valid_until = zone_instant(l->shop.settings.zone, (struct date){ last.day + 1 }, 0);
	if (v->pool.n && !pool_code(l, v, with == step, &row, a, err))
		return false;
	last = zone_date(l->shop.settings.zone, (struct instant){ row.valid_until.s - 1 });
	m->voucher = row.code;
	struct lobject *o = lobject_new(a, 4);
	lobject_set(a, o, "code", lval_str(row.code));
	lobject_set(a, o, "text", lval_str(voucher_text(l, v, m->locale, a)));
	lobject_set(a, o, "valid_until", date_value(last, a));
	if (v->minimum)
		lobject_set(a, o, "minimum", lval_int(v->minimum));
	lobject_set(a, data, "voucher", lval_object(o));
	return with != step || v->pool.n || courier_voucher_put(l, &row, err);
}

static void add_links(struct live *l, const struct outbox_message *m, struct str base, struct lobject *data,
                      struct arena *a)
{
	static const struct {
		const char *name;
		enum token_purpose purpose;
		uint16_t extra;
	} LINKS[] = {
		{ "unsubscribe", TOKEN_UNSUBSCRIBE, 0 },
		{ "preferences", TOKEN_PREFERENCES, 0 },
		{ "profile", TOKEN_PREFERENCES, 1 },
		{ "request", TOKEN_PREFERENCES, 2 },
		{ "web", TOKEN_WEB, 0 },
		{ "survey_very", TOKEN_ANSWER, LINK_VERY_SATISFIED },
		{ "survey_satisfied", TOKEN_ANSWER, LINK_SATISFIED },
		{ "survey_unsatisfied", TOKEN_ANSWER, LINK_UNSATISFIED },
		{ "leave_reason_disappointed", TOKEN_ANSWER, LINK_LEFT_DISAPPOINTED },
		{ "leave_reason_late", TOKEN_ANSWER, LINK_LEFT_LATE },
		{ "leave_reason_expensive", TOKEN_ANSWER, LINK_LEFT_EXPENSIVE },
		{ "leave_reason_changed", TOKEN_ANSWER, LINK_LEFT_CHANGED },
		{ "leave_reason_other", TOKEN_ANSWER, LINK_LEFT_OTHER },
	};
	unsigned char key[TOKEN_KEY_BYTES];
	links_key(&l->shop.shop, key);
	struct lobject *o = lobject_new(a, ARRAY_LEN(LINKS));
	for (size_t i = 0; i < ARRAY_LEN(LINKS); i++)
		lobject_set(a, o, LINKS[i].name, lval_str(links_url(key, base, LINKS[i].purpose, &m->key, LINKS[i].extra, a)));
	lobject_set(a, data, "links", lval_object(o));
}

bool courier_context(struct courier_state *c, struct live *l, struct outbox_message *m, struct arena *a,
                     struct lobject **out, struct err *err)
{
	struct person person;
	struct str ref;
	struct courier_shop words;
	struct view v;
	if (!store_person(l->shop.db, m->key.customer, a, &person, &ref, err) || !courier_shop_read(c, l, a, &words, err))
		return false;
	view_at(&v, l->world.version, m->key.customer, l->now);
	struct lobject *data = *out = lobject_new(a, 10);
	lobject_set(a, data, "customer", lval_object(customer_of(l, &v, &person, a)));
	lobject_set(a, data, "shop", lval_object(shop_of(l, &words, a)));
	if (!courier_recommend(c, l, m, &v, a, data, err))
		return false;
	add_order(l, &v, data, a);
	add_links(l, m, words.public_url, data, a);
	uint16_t plan;
	uint8_t step;
	if (!live_find_step(l, m->key.customer, m->key.plan, m->key.run_no, m->key.step, &plan, &step))
		return true;
	const struct plan *p = l->plans->plans[plan];
	struct lobject *about = lobject_new(a, 2);
	lobject_set(a, about, "name", lval_str(p->name));
	set(a, about, "title", p->title[m->locale]);
	lobject_set(a, data, "plan", lval_object(about));
	const struct pstate *s = &l->states[m->key.customer];
	for (uint16_t i = 0; i < s->run_count; i++) {
		if (s->runs[i].plan != plan || s->runs[i].run_no != m->key.run_no)
			continue;
		struct str url;
		if (p->trigger == TRIGGER_CART && !cart_url(l, m->key.customer, s->runs[i].subject, a, &url, err))
			return false;
		if (p->trigger == TRIGGER_CART)
			add_cart(l, &v, s->runs[i].subject, url, data, a);
		else if (p->trigger == TRIGGER_LIFETIME)
			courier_product(c, l, &v, s->runs[i].subject, data, a);
	}
	return add_voucher(l, m, p, step, data, a, err);
}

bool courier_voucher_put(struct live *l, const struct outbox_voucher *v, struct err *err)
{
	if (l->voucher_count == OUTBOX_CLAIM_MAX)
		return err_set(err, ERR_LIMIT, "more than %d vouchers in one batch of messages", OUTBOX_CLAIM_MAX);
	l->vouchers[l->voucher_count++] = *v;
	return true;
}
