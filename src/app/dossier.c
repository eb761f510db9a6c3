#include "app/dossier.h"

#include "app/zip.h"
#include "model/names.h"
#include "store/merge.h"
#include "store/outbox.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct dossier {
	struct db *db;
	const struct shop *shop;
	enum locale locale;
	struct arena arena;
	json_t *all, *consents, *profiles, *orders, *carts, *events, *receipts, *messages, *decisions;
	struct message_key *keys;
	size_t key_count, key_cap;
};

static json_t *text(struct str s)
{
	return json_stringn(s.p ? s.p : "", s.n);
}

static json_t *when(struct instant t)
{
	char at[32];
	return t.s > 0 && t.s != INSTANT_NEVER.s ? json_string(instant_text(t, at)) : json_null();
}

/* ---- facts ---- */

static bool product_words(struct dossier *d, json_t *line, struct err *err)
{
	struct query *q = db_query(d->db, "product_words");
	query_int(q, 1, json_integer_value(json_object_get(line, "product")));
	int got = query_next(q, err);
	if (got == 1) {
		json_object_set_new(line, "sku", text(query_get_text(q, 0)));
		json_object_set_new(line, "name", text(query_get_text(q, 1)));
	}
	query_done(q);
	json_object_del(line, "product");
	return got >= 0;
}

/* Once the facts are read: their stream holds the connection. */
static bool name_products(struct dossier *d, const json_t *documents, struct err *err)
{
	json_t *o, *line;
	size_t i, k;
	bool ok = true;
	json_array_foreach(documents, i, o) json_array_foreach(json_object_get(o, "lines"), k, line) ok =
		ok && product_words(d, line, err);
	return ok;
}

static void put_lines(json_t *o, const struct line *lines, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *line = json_object();
		json_object_set_new(line, "product", json_integer(lines[i].product));
		json_object_set_new(line, "quantity", json_integer(lines[i].quantity));
		json_object_set_new(line, "amount", json_integer(lines[i].amount));
		json_array_append_new(list, line);
	}
	json_object_set_new(o, "lines", list);
}

static json_t *entry(json_t *list, const struct fact *f)
{
	json_t *o = json_object();
	json_object_set_new(o, "key", text(f->key));
	json_object_set_new(o, "at", when(f->at));
	json_object_set_new(o, "learned_at", when(f->learned_at));
	json_array_append_new(list, o);
	return o;
}

static bool take_order(struct dossier *d, const struct fact *f, struct err *err)
{
	struct order_body b;
	if (!body_read_order(f->body, &d->arena, &b, err))
		return false;
	json_t *o = entry(d->orders, f);
	json_object_set_new(o, "channel", json_string(sale_channel_name(b.channel)));
	json_object_set_new(o, "voucher", text(b.voucher));
	json_object_set_new(o, "store", text(b.store));
	json_object_set_new(o, "seller", text(b.seller));
	put_lines(o, b.lines, b.line_count);
	return true;
}

static bool take_cart(struct dossier *d, const struct fact *f, struct err *err)
{
	struct cart_body b;
	if (!body_read_cart(f->body, &d->arena, &b, err))
		return false;
	json_t *o = entry(d->carts, f);
	json_object_set_new(o, "cart", text(b.cart));
	json_object_set_new(o, "state", json_string(cart_state_name(b.state)));
	json_object_set_new(o, "url", text(b.url));
	put_lines(o, b.lines, b.line_count);
	return true;
}

/* Bodies are JSON already: their members are told as they are. */
static bool take_body(json_t *list, const struct fact *f, struct err *err)
{
	json_error_t why;
	json_t *body = json_loadb(f->body.p, f->body.n, 0, &why), *o = entry(list, f);
	if (!body)
		return err_set(err, ERR_WORLD, "fact %lld cannot be read: run \"relance check\"", (long long)f->seq);
	json_object_update(o, body);
	json_decref(body);
	return true;
}

static bool take_fact(void *ctx, const struct fact *f, struct err *err)
{
	struct dossier *d = ctx;
	switch (f->kind) {
	case FACT_ORDER: return take_order(d, f, err);
	case FACT_CART: return take_cart(d, f, err);
	case FACT_CONSENT: return take_body(d->consents, f, err);
	case FACT_PROFILE: return take_body(d->profiles, f, err);
	case FACT_EVENT: return take_body(d->events, f, err);
	case FACT_RECEIPT: return take_body(d->receipts, f, err);
	case FACT_RETRACT:
	case FACT_SETTING:
	case FACT_SWITCH:
	case FACT_THRESHOLD:
	case FACT_GRANT:
	case FACT_CONTROL:
	case FACT_MERGE:
	case FACT_DISTINCT:
	case FACT_KIND_COUNT: break;
	}
	return true;
}

/* ---- what was sent, decided, refused ---- */

static bool take_key(void *ctx, const struct outbox_message *m, struct err *err)
{
	struct dossier *d = ctx;
	(void)err;
	d->keys = mem_grow(d->keys, &d->key_cap, d->key_count + 1, sizeof *d->keys);
	struct message_key *k = &d->keys[d->key_count++];
	*k = m->key;
	k->plan = arena_str(&d->arena, m->key.plan);
	k->step = arena_str(&d->arena, m->key.step);
	return true;
}

static bool put_message(struct dossier *d, const struct message_key *key, struct err *err)
{
	struct outbox_message m;
	bool found;
	json_error_t why;
	if (!outbox_message(d->db, key, &d->arena, &m, &found, err))
		return false;
	if (!found)
		return true;
	json_t *o = json_object(), *content = json_loadb(m.content.p ? m.content.p : "", m.content.n, 0, &why);
	json_object_set_new(o, "plan", text(m.key.plan));
	json_object_set_new(o, "step", text(m.key.step));
	json_object_set_new(o, "channel", json_string(channel_name(m.key.channel)));
	json_object_set_new(o, "purpose", json_string(purpose_name(m.purpose)));
	json_object_set_new(o, "state", json_string(message_state_name(m.state)));
	json_object_set_new(o, "sent_at", when(m.sent_at));
	json_object_set_new(o, "opened_at", when(m.opened_at));
	json_object_set_new(o, "clicked_at", when(m.clicked_at));
	json_object_set_new(o, "answer", text(m.answer));
	json_object_set_new(o, "lawful_basis", text(m.basis));
	json_object_set_new(o, "voucher", text(m.voucher));
	json_object_set_new(o, "subject", text(m.subject));
	json_object_set_new(o, "content", content ? content : json_null());
	json_array_append_new(d->messages, o);
	return true;
}

static bool take_decision(void *ctx, const struct outbox_decision *x, struct err *err)
{
	struct dossier *d = ctx;
	struct buf words;
	json_t *o = json_object();
	(void)err;
	buf_init(&words, 4096);
	reason_text(x->reason, x->argument, d->shop->zone, d->locale, &words);
	json_object_set_new(o, "at", when(x->first_at));
	json_object_set_new(o, "last_at", when(x->at));
	json_object_set_new(o, "plan", text(x->plan));
	json_object_set_new(o, "step", text(x->step));
	json_object_set_new(o, "verdict", json_string(verdict_name(x->verdict)));
	json_object_set_new(o, "reason", text(buf_view(&words)));
	json_array_append_new(d->decisions, o);
	buf_release(&words);
	return true;
}

static bool put_suppressed(struct dossier *d, json_t *list, uint64_t hash, struct err *err)
{
	struct query *q = db_query(d->db, "suppressions_of");
	int got;
	if (!hash)
		return true;
	query_int(q, 1, (int64_t)hash);
	while ((got = query_next(q, err)) == 1) {
		json_t *o = json_object();
		json_object_set_new(o, "channel", json_string(channel_name((enum channel)query_get_int(q, 0))));
		json_object_set_new(o, "reason", text(query_get_text(q, 1)));
		json_object_set_new(o, "at", when((struct instant){ query_get_int(q, 2) }));
		json_array_append_new(list, o);
	}
	return got == 0;
}

/* ---- the person ---- */

static void put_person(struct dossier *d, const struct person *p)
{
	json_error_t why;
	json_t *o = json_object(), *more = json_loadb(p->attributes.p ? p->attributes.p : "", p->attributes.n, 0, &why);
	const struct {
		const char *name;
		struct str value;
	} FIELDS[] = { { "civility", p->civility }, { "first_name", p->first_name }, { "last_name", p->last_name },
		           { "company", p->company },   { "email", p->email },           { "phone", p->phone },
		           { "address1", p->address1 }, { "address2", p->address2 },     { "postcode", p->postcode },
		           { "city", p->city },         { "country", p->country } };
	for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
		json_object_set_new(o, FIELDS[i].name, text(FIELDS[i].value));
	json_object_set_new(o, "attributes", more ? more : json_object());
	json_object_set_new(d->all, "person", o);
}

static void put_about(struct dossier *d, customer_id c, struct str ref, struct instant now)
{
	json_t *o = json_object();
	json_object_set_new(o, "shop", json_string(d->shop->name));
	json_object_set_new(o, "customer", json_integer(c));
	json_object_set_new(o, "reference", text(ref));
	json_object_set_new(o, "made_at", when(now));
	json_object_set_new(o, "currency", json_string(d->shop->currency.code));
	json_object_set_new(o, "amounts", json_string("minor units, VAT included"));
	json_object_set_new(o, "zone", json_string(zone_name(d->shop->zone)));
	json_object_set_new(d->all, "about", o);
}

static json_t *list(struct dossier *d, const char *name)
{
	json_t *l = json_array();
	json_object_set_new(d->all, name, l);
	return l;
}

/* Everything of one record; a person may have had several. */
static bool collect_record(struct dossier *d, customer_id c, json_t *suppressed, struct err *err)
{
	struct person p;
	size_t from = d->key_count;
	bool ok = store_person_of(d->db, c, &d->arena, &p, NULL, err) &&
	          store_facts_by_customer(d->db, c, c, INSTANT_NEVER, take_fact, d, err) &&
	          outbox_messages(d->db, c, c, take_key, d, err);
	for (size_t i = from; ok && i < d->key_count; i++)
		ok = put_message(d, &d->keys[i], err);
	return ok && (!p.email.n || put_suppressed(d, suppressed, store_address_hash(d->shop, p.email), err)) &&
	       (!p.phone.n || put_suppressed(d, suppressed, store_address_hash(d->shop, p.phone), err));
}

static bool collect(struct dossier *d, customer_id c, struct instant now, struct err *err)
{
	customer_id *records;
	size_t count;
	struct person p;
	struct str ref;
	if (!store_person(d->db, c, &d->arena, &p, &ref, err))
		return false;
	d->all = json_object();
	put_about(d, c, ref, now);
	put_person(d, &p);
	d->profiles = list(d, "profile");
	d->consents = list(d, "consents");
	d->orders = list(d, "orders");
	d->carts = list(d, "carts");
	d->events = list(d, "events");
	d->messages = list(d, "messages");
	d->receipts = list(d, "message_events");
	d->decisions = list(d, "decisions");
	json_t *suppressed = list(d, "not_to_be_written_to");
	bool ok = store_records(d->db, c, &d->arena, &records, &count, err);
	for (size_t i = 0; ok && i < count; i++)
		ok = collect_record(d, records[i], suppressed, err);
	return ok && outbox_decisions(d->db, c, take_decision, d, err) && name_products(d, d->orders, err) &&
	       name_products(d, d->carts, err);
}

static bool dossier_open(struct dossier *d, struct db *db, customer_id c, enum locale locale, struct instant now,
                         struct err *err)
{
	*d = (struct dossier){ .db = db, .shop = store_shop(db), .locale = locale };
	arena_init(&d->arena);
	return collect(d, c, now, err);
}

static void dossier_close(struct dossier *d)
{
	json_decref(d->all);
	free(d->keys);
	arena_release(&d->arena);
}

static int add_bytes(const char *bytes, size_t n, void *ctx)
{
	buf_add(ctx, bytes, n);
	return 0;
}

static bool full(const struct buf *out, struct err *err)
{
	return !out->full || err_set(err, ERR_LIMIT,
	                             "there is more about this person than %d MiB: use the command line "
	                             "on the tables (doc/store.md)",
	                             DOSSIER_MAX >> 20);
}

bool dossier_json(struct db *db, customer_id c, enum locale locale, struct instant now, struct buf *out,
                  struct err *err)
{
	struct dossier d;
	bool ok = dossier_open(&d, db, c, locale, now, err);
	if (ok)
		json_dump_callback(d.all, add_bytes, out, JSON_INDENT(1));
	dossier_close(&d);
	return ok && full(out, err);
}

/* ---- the archive ---- */

static void csv_field(struct buf *b, const char *s)
{
	buf_char(b, '"');
	for (; *s; s++) {
		if (*s == '"')
			buf_char(b, '"');
		buf_char(b, *s);
	}
	buf_char(b, '"');
}

static void orders_csv(const struct dossier *d, struct buf *b)
{
	json_t *o, *line;
	size_t i, k;
	int digits = d->shop->currency.exponent;
	int64_t unit = 1;
	for (int n = 0; n < digits; n++)
		unit *= 10;
	buf_cstr(b, "order,date,sku,name,quantity,amount,store,seller\r\n");
	json_array_foreach(d->orders, i, o) json_array_foreach(json_object_get(o, "lines"), k, line)
	{
		long long amount = json_integer_value(json_object_get(line, "amount"));
		static const char *const FIELDS[] = { "sku", "name" }, *const SOLD[] = { "store", "seller" };
		csv_field(b, json_string_value(json_object_get(o, "key")));
		buf_printf(b, ",%s", json_string_value(json_object_get(o, "at")));
		for (size_t n = 0; n < ARRAY_LEN(FIELDS); n++) {
			const char *v = json_string_value(json_object_get(line, FIELDS[n]));
			buf_char(b, ',');
			csv_field(b, v ? v : "");
		}
		buf_printf(b, ",%lld,%s%lld", (long long)json_integer_value(json_object_get(line, "quantity")),
		           amount < 0 ? "-" : "", (amount < 0 ? -amount : amount) / (long long)unit);
		if (digits)
			buf_printf(b, ".%0*lld", digits, (amount < 0 ? -amount : amount) % (long long)unit);
		for (size_t n = 0; n < ARRAY_LEN(SOLD); n++) {
			const char *v = json_string_value(json_object_get(o, SOLD[n]));
			buf_char(b, ',');
			csv_field(b, v ? v : "");
		}
		buf_cstr(b, "\r\n");
	}
}

static void add_messages(struct dossier *d, struct zip *z)
{
	json_t *o;
	size_t i;
	json_array_foreach(d->messages, i, o)
	{
		json_t *content = json_object_get(o, "content");
		const char *html = json_string_value(json_object_get(content, "html")),
				   *plain = json_string_value(json_object_get(content, "text")),
				   *sms = json_string_value(json_object_get(content, "sms"));
		const char *body = html && html[0] ? html : plain && plain[0] ? plain : sms;
		if (!body || !body[0])
			continue;
		const char *at = json_string_value(json_object_get(o, "sent_at"));
		zip_add(z,
		        arena_printf(&d->arena, "messages/%03zu-%.10s-%s.%s", i + 1, at ? at : "not-sent",
		                     json_string_value(json_object_get(o, "step")), body == html ? "html" : "txt"),
		        str_from(body));
	}
}

static const char *read_me(enum locale locale)
{
	return locale == LOCALE_FR
	           ? "Vos données\r\n\r\ndonnees.json  tout ce que la boutique détient à votre sujet, lisible par un "
	             "programme\r\ncommandes.csv  vos commandes, pour un tableur\r\nmessages/      chaque message, tel "
	             "qu’il vous a été envoyé\r\n\r\nVous pouvez demander à la boutique de corriger ces données, de les "
	             "effacer, ou de ne plus vous écrire.\r\nVous pouvez aussi vous adresser à la CNIL (www.cnil.fr).\r\n"
	           : "Your data\r\n\r\ndata.json   all the shop holds about you, for programs to read\r\norders.csv  your "
	             "orders, for a spreadsheet\r\nmessages/   every message as it was sent to you\r\n\r\nYou may ask the "
	             "shop to correct these data, to erase them, or not to write to you any more.\r\nYou may also turn to "
	             "your data protection authority.\r\n";
}

bool dossier_zip(struct db *db, customer_id c, enum locale locale, struct instant now, struct buf *out, struct err *err)
{
	struct dossier d;
	struct zip z;
	bool fr = locale == LOCALE_FR, ok = dossier_open(&d, db, c, locale, now, err);
	if (ok) {
		struct buf part;
		buf_init(&part, DOSSIER_MAX);
		zip_init(&z, out, d.shop->zone, now);
		zip_add(&z, fr ? STR("lisez-moi.txt") : STR("readme.txt"), str_from(read_me(locale)));
		json_dump_callback(d.all, add_bytes, &part, JSON_INDENT(1));
		zip_add(&z, fr ? STR("donnees.json") : STR("data.json"), buf_view(&part));
		out->full |= part.full;
		buf_clear(&part);
		orders_csv(&d, &part);
		zip_add(&z, fr ? STR("commandes.csv") : STR("orders.csv"), buf_view(&part));
		add_messages(&d, &z);
		zip_end(&z);
		buf_release(&part);
	}
	dossier_close(&d);
	return ok && full(out, err);
}
