/* POST /w/ID: where a shop's platform tells what happens there. The platform signs the body (HMAC-SHA256 with the
 * secret of the connection); a delivery told again changes nothing; facts and the note that it was taken are one
 * transaction. Also who may tell: connections made and taken away. */
#include "app/request.h"
#include "fold/basis.h"
#include "web/auth.h"
#include "web/hooks.h"

#include "app/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { DELIVERIES_S = 30 * DAY_S, SECRET_MAX = 200, DELIVERY_MAX = 120 };

struct hook {
	int64_t id;
	enum shop_platform platform;
	struct str name, secret;
};

/* ---- the connection ---- */

static bool hook_find(struct request *r, struct hook *h)
{
	struct err err;
	struct db *db = request_db(r);
	bool found = false;
	if (!db || !str_i64(r->args[0], &h->id))
		return false;
	struct query *q = db_query(db, "hook_in_get");
	query_int(q, 1, h->id);
	if (query_next(q, &err) == 1) {
		struct str platform = query_get_text(q, 0);
		for (int i = 0; i < SHOP_PLATFORM_COUNT; i++)
			if (str_is(platform, SHOP_PLATFORMS[i])) {
				h->platform = (enum shop_platform)i;
				h->name = arena_str(&r->arena, query_get_text(q, 1));
				found = auth_unseal(r->web, arena_cstr(&r->arena, query_get_text(q, 2)), &r->arena, &h->secret);
			}
	}
	query_done(q);
	return found;
}

static const char *any_header(struct request *r, const char *const *names)
{
	const char *v = NULL;
	for (; *names && !v; names++)
		v = request_header(r, *names);
	return v;
}

static const char *signature_of(struct request *r, enum shop_platform p)
{
	static const char *const NAMES[SHOP_PLATFORM_COUNT][4] = {
		{ "X-Shopify-Hmac-Sha256" },
		{ "X-WC-Webhook-Signature" },
		{ "X-Prestashop-Signature", "X-Prestashop-Hmac-Sha256", "X-Hub-Signature-256" },
	};
	return any_header(r, NAMES[p]);
}

/* Base64 or hexadecimal digits, "sha256=" before them or not. */
static bool is_signed(struct request *r, const struct hook *h)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char base64[64], hex[2 * sizeof mac + 1];
	crypto_auth_hmacsha256_state st;
	const char *given = signature_of(r, h->platform);
	if (!given)
		return false;
	if (strncmp(given, "sha256=", 7) == 0)
		given += 7;
	crypto_auth_hmacsha256_init(&st, (const unsigned char *)h->secret.p, h->secret.n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)(r->body.p ? r->body.p : ""), r->body.n);
	crypto_auth_hmacsha256_final(&st, mac);
	sodium_bin2base64(base64, sizeof base64, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2hex(hex, sizeof hex, mac, sizeof mac);
	size_t n = strlen(given);
	return (n == strlen(base64) && sodium_memcmp(given, base64, n) == 0) ||
	       (n == strlen(hex) && sodium_memcmp(given, hex, n) == 0);
}

/* The platform's number of this delivery; without one, the hash of what was said. */
static struct str delivery_of(struct request *r)
{
	static const char *const NAMES[] = { "X-Shopify-Webhook-Id", "X-WC-Webhook-Delivery-ID", "X-Prestashop-Delivery",
		                                 NULL };
	const char *id = any_header(r, NAMES);
	char hash[TOKEN_HEX + 1];
	if (id && id[0] && strlen(id) <= DELIVERY_MAX)
		return str_from(id);
	auth_token_hash(arena_cstr(&r->arena, buf_view(&r->body)), hash);
	return arena_str(&r->arena, str_from(hash));
}

static struct str topic_of(struct request *r)
{
	static const char *const NAMES[] = { "X-Shopify-Topic", "X-WC-Webhook-Topic", "X-Prestashop-Topic", NULL };
	const char *topic = any_header(r, NAMES);
	return str_from(topic ? topic : "");
}

/* ---- whose it is ---- */

/* Somebody known under this number keeps it; else whoever has this e-mail address. */
static customer_id who_is(struct request *r, const struct told *t)
{
	struct err err;
	customer_id c = 0;
	struct db *db = request_db(r);
	if (!db)
		return 0;
	struct query *q = db_query(db, "hook_customer");
	query_text(q, 1, t->person);
	if (query_next(q, &err) == 1)
		c = (customer_id)query_get_int(q, 0);
	query_done(q);
	if (c || !t->email.n)
		return c;
	q = db_query(db, "address_holder");
	query_int(q, 1, (int64_t)store_address_hash(&r->web->shop, t->email));
	if (query_next(q, &err) == 1)
		c = (customer_id)query_get_int(q, 0);
	query_done(q);
	return c;
}

static bool subscribed(struct request *r, customer_id c)
{
	struct subject s;
	const struct world *w = c ? request_world(r) : NULL;
	if (!w || c > w->version->customers)
		return false;
	expr_subject(w->book, w->version, NULL, book_survivor(w->version, c), clock_now(), w->thresholds, &s);
	const struct consent *said = basis_said(&s.view, CHANNEL_EMAIL, PURPOSE_MARKETING);
	return said && said->state == CONSENT_GRANTED;
}

static void withdraw(struct request *r, struct told *t, const struct hook *h)
{
	if (t->count < TOLD_MAX)
		t->items[t->count++] = (struct incoming){ .kind = IN_CONSENT,
			                                      .ref = t->person,
			                                      .key = arena_printf(&r->arena, "%.*s:newsletter/%.*s",
			                                                          STR_ARG(h->name), STR_ARG(t->person)),
			                                      .consent = { .channel = CHANNEL_EMAIL,
			                                                   .purpose = PURPOSE_MARKETING,
			                                                   .state = CONSENT_WITHDRAWN,
			                                                   .source = STR("PrestaShop, newsletter"),
			                                                   .wording = STR("") } };
}

/* ---- taking ---- */

static bool note_delivery(struct db *db, const struct hook *h, struct str delivery, struct instant now, bool *fresh,
                          struct err *err)
{
	int64_t changed = 0;
	struct query *q = db_query(db, "hook_delivery_sweep");
	query_int(q, 1, now.s - DELIVERIES_S);
	if (!query_run(q, NULL, err))
		return false;
	q = db_query(db, "hook_delivery_put");
	query_int(q, 1, h->id);
	query_text(q, 2, delivery);
	query_int(q, 3, now.s);
	bool ok = query_run(q, &changed, err);
	*fresh = changed > 0;
	return ok;
}

/* Platforms try again what failed, so an older state may come behind a newer one. *fresh stays false for it. */
static bool note_newest(struct db *db, const struct hook *h, const struct told *t, bool *fresh, bool *older,
                        struct err *err)
{
	char what[32];
	int64_t changed = 0;
	if (!*fresh || !t->what.n)
		return true;
	struct query *q = db_query(db, "hook_newest_put");
	query_int(q, 1, h->id);
	snprintf(what, sizeof what, "newest:%016llx", (unsigned long long)store_ref_hash(store_shop(db), t->what));
	query_text(q, 2, str_from(what));
	query_int(q, 3, t->updated.s);
	bool ok = query_run(q, &changed, err);
	*older = ok && changed == 0;
	*fresh = !*older;
	return ok;
}

static bool write_told(struct request *r, const struct hook *h, struct told *t, struct facts_result *f, bool *fresh,
                       bool *older, struct err *err)
{
	struct web *w = r->web;
	struct instant now = clock_now();
	struct store_ids *ids;
	struct buf body;
	struct store_batch *b = writer_begin(w, &ids, now, err);
	if (!b)
		return false;
	buf_init(&body, BODY_MAX);
	bool ok = note_delivery(store_batch_db(b), h, delivery_of(r), now, fresh, err) &&
	          note_newest(store_batch_db(b), h, t, fresh, older, err);
	for (size_t i = 0; ok && *fresh && i < t->count; i++)
		ok = incoming_write(&w->shop, ids, b, &t->items[i], now, &r->arena, &body, f, err);
	buf_release(&body);
	return writer_end(w, b, ok, err);
}

struct asked {
	struct told *told;
	const struct hook *hook;
	struct str delivery;
};

/* On the ticker: the platform passes on what a person asked about their data. Told again it is no new request. */
static void take_request(struct request *r)
{
	const struct asked *a = r->handed;
	struct db *db = live_db(r->web->live);
	struct err err;
	int64_t id = 0;
	bool fresh = false;
	customer_id c = who_is(r, a->told);
	struct instant now = clock_now();
	enum request_kind kind = (enum request_kind)request_kind_find(str_from(a->told->asks));
	bool ok = db_begin(db, &err) && note_delivery(db, a->hook, a->delivery, now, &fresh, &err) &&
	          (!fresh || !c || request_add_within(db, kind, c, STR("page"), now, "shop platform", now, &id, &err)) &&
	          db_commit(db, &err);
	if (!ok) {
		db_rollback(db);
		request_err(r, &err);
		return;
	}
	put_open(&r->out, NULL, '{');
	put_bool(&r->out, "known", !fresh);
	put_int(&r->out, "request", id);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

static void answer(struct request *r, const struct facts_result *f, bool fresh, bool older)
{
	put_open(&r->out, NULL, '{');
	put_bool(&r->out, "known", !fresh && !older);
	put_bool(&r->out, "older", older);
	put_int(&r->out, "accepted", (int64_t)f->accepted);
	put_int(&r->out, "unchanged", (int64_t)f->unchanged);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

static void take(struct request *r, const struct hook *h, const json_t *body)
{
	struct told *t = arena_new(&r->arena, struct told);
	struct facts_result f = { 0 };
	struct err err;
	char why[160];
	bool fresh = false, older = false;
	struct shop_hook_context c = { h->platform, h->name, r->web->shop.currency, r->web->shop.zone, &r->arena, r->db };
	if (!shop_hook_read(&c, topic_of(r), body, t, why)) {
		request_problem(r, 422, "%s", why);
		return;
	}
	if (t->asks) {
		struct asked *a = arena_new(&r->arena, struct asked);
		struct hook *kept = arena_new(&r->arena, struct hook); /* ours ends with this call */
		*kept = *h;
		*a = (struct asked){ t, kept, arena_str(&r->arena, delivery_of(r)) };
		r->handed = a;
		request_hand_over(r, take_request);
		return;
	}
	customer_id known = t->person.n ? who_is(r, t) : 0;
	if (t->newsletter_off && subscribed(r, known))
		withdraw(r, t, h);
	for (size_t i = 0; i < t->count; i++)
		t->items[i].customer = t->items[i].kind == IN_PRODUCT || t->items[i].theirs ? 0 : known;
	if (write_told(r, h, t, &f, &fresh, &older, &err))
		answer(r, &f, fresh, older);
	else
		request_err(r, &err);
}

void on_shop_hook(struct request *r)
{
	struct hook h;
	json_error_t why;
	if (!hook_find(r, &h)) {
		request_problem(r, 404, "there is no connection of this number; the owner makes one under Settings");
		return;
	}
	/* WooCommerce tries a new address with an unsigned form: "webhook_id=1" */
	if (h.platform == SHOP_WOOCOMMERCE && !signature_of(r, h.platform) &&
	    str_starts(buf_view(&r->body), STR("webhook_id="))) {
		answer(r, &(struct facts_result){ 0 }, false, false);
		return;
	}
	if (!is_signed(r, &h)) {
		request_problem(r, 401, "the signature does not fit: the secret here and at the shop have to be the same");
		return;
	}
	json_t *body = json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, &why);
	if (!body)
		request_problem(r, 400, "the body is no JSON: line %d, column %d", why.line, why.column);
	else
		take(r, &h, body);
	json_decref(body);
}

/* ---- connections ---- */

void on_hooks(struct request *r)
{
	struct err err;
	struct buf *b = &r->out;
	struct db *db = request_db(r);
	int got;
	if (!db)
		return;
	put_open(b, NULL, '{');
	put_open(b, "in", '[');
	struct query *q = db_query(db, "hooks_in");
	while ((got = query_next(q, &err)) == 1) {
		put_open(b, NULL, '{');
		put_int(b, "id", query_get_int(q, 0));
		put_str(b, "platform", query_get_text(q, 1));
		put_str(b, "name", query_get_text(q, 2));
		put_str(b, "path", arena_printf(&r->arena, "/w/%lld", (long long)query_get_int(q, 0)));
		put_instant(b, "last_at", (struct instant){ query_get_int(q, 3) });
		put_int(b, "deliveries", query_get_int(q, 4));
		put_close(b, '}');
	}
	put_close(b, ']');
	put_open(b, "out", '[');
	q = got == 0 ? db_query(db, "hooks_out") : NULL;
	while (q && (got = query_next(q, &err)) == 1) {
		put_open(b, NULL, '{');
		put_int(b, "id", query_get_int(q, 0));
		put_str(b, "url", query_get_text(q, 1));
		put_str(b, "events", query_get_text(q, 2));
		put_int(b, "waiting", query_get_int(q, 3));
		put_int(b, "given_up", query_get_int(q, 4));
		put_close(b, '}');
	}
	put_close(b, ']');
	put_close(b, '}');
	if (got < 0)
		request_err(r, &err);
	else
		request_send_json(r, 200);
}

static bool name_fits(const char *name)
{
	size_t n = name ? strlen(name) : 0;
	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '-')
			return false;
	return n > 0 && n <= 32;
}

static bool count_out(struct db *db, int64_t *count, struct err *err)
{
	struct query *q = db_query(db, "hook_out_count");
	int got = query_next(q, err);
	*count = got == 1 ? query_get_int(q, 0) : 0;
	query_done(q);
	return got >= 0;
}

/* A number is never given twice: what is on its way to a hook taken away would come to the new one. */
static bool insert(struct request *r, const char *way, struct str *texts, int64_t *id, struct err *err)
{
	struct db *db = live_db(r->web->live);
	bool in = strcmp(way, "in") == 0;
	if (!db_begin(db, err) || !hooks_numbers(db, in ? "hooks.in" : "hooks.out",
	                                         in ? "hook_in_newest" : "hook_out_newest", 1, &r->arena, id, err))
		return false;
	int64_t others = 0;
	if (!in && !count_out(db, &others, err))
		return false;
	if (others >= HOOKS_OUT_MAX)
		return err_set(err, ERR_CONFLICT, "there are %d already: delete one first", HOOKS_OUT_MAX);
	if (!in && others == 0 && !hooks_begin(db, &r->arena, err))
		return false;
	struct query *q = db_query(db, in ? "hook_in_put" : "hook_out_put");
	for (int i = 0; i < 3; i++)
		query_text(q, i + 1, texts[i]);
	query_int(q, 4, clock_now().s);
	query_int(q, 5, *id);
	char object[40];
	snprintf(object, sizeof object, "%lld", (long long)*id);
	return query_run(q, NULL, err) &&
	       store_audit(db, clock_now(), r->who.actor, in ? "webhook in made" : "webhook out made", object, err) &&
	       db_commit(db, err);
}

void on_hook_in_post(struct request *r)
{
	json_t *o = request_json(r);
	struct db *db = live_db(r->web->live);
	struct err err;
	char sealed[SEALED_MAX];
	int64_t id;
	bool known = false;
	if (!o)
		return;
	const char *platform = member(o, "platform"), *name = member(o, "name"), *secret = member(o, "secret");
	for (int i = 0; i < SHOP_PLATFORM_COUNT; i++)
		known |= platform && strcmp(platform, SHOP_PLATFORMS[i]) == 0;
	if (!known)
		request_problem(r, 422, "\"platform\" is one of shopify, woocommerce, prestashop");
	else if (!name_fits(name))
		request_problem(r, 422,
		                "\"name\" is needed, in small letters, digits and -: orders are known as NAME:NUMBER, as "
		                "with import --source");
	else if (!secret || strlen(secret) < 8 || strlen(secret) > SECRET_MAX ||
	         !auth_seal(r->web, str_from(secret), sealed))
		request_problem(r, 422, "\"secret\" is needed: what the platform signs with, 8 to %d bytes", SECRET_MAX);
	else {
		struct str texts[] = { str_from(platform), str_from(name), str_from(sealed) };
		if (insert(r, "in", texts, &id, &err)) {
			put_open(&r->out, NULL, '{');
			put_int(&r->out, "id", id);
			put_str(&r->out, "path", arena_printf(&r->arena, "/w/%lld", (long long)id));
			put_close(&r->out, '}');
			request_send_json(r, 201);
		} else {
			db_rollback(db);
			request_err(r, &err);
		}
	}
	json_decref(o);
}

static bool delete_row(struct db *db, const char *query, int64_t id, int64_t *changed, struct err *err)
{
	struct query *q = db_query(db, query);
	query_int(q, 1, id);
	return query_run(q, changed, err);
}

/* With all that was waiting for it or known of it. */
static void delete_hook(struct request *r, const char *query, const char *forget, const char *what)
{
	struct db *db = live_db(r->web->live);
	struct err err;
	int64_t id = 0, changed = 0;
	if (!str_i64(r->args[0], &id))
		id = 0;
	bool ok = db_begin(db, &err) && delete_row(db, query, id, &changed, &err) &&
	          delete_row(db, forget, id, NULL, &err) &&
	          store_audit(db, clock_now(), r->who.actor, what, arena_cstr(&r->arena, r->args[0]), &err) &&
	          db_commit(db, &err);
	if (!ok)
		db_rollback(db);
	request_deleted(r, ok, id, changed, &err);
}

void on_hook_in_delete(struct request *r)
{
	delete_hook(r, "hook_in_delete", "hook_in_forget", "webhook in deleted");
}

void on_hook_out_delete(struct request *r)
{
	delete_hook(r, "hook_out_delete", "hook_out_forget", "webhook out deleted");
}

/* ---- who wants to be told ---- */

void on_hook_out_post(struct request *r)
{
	static const char *const EVENTS[] = { "message.sent",        "message.bounced", "customer.unsubscribed",
		                                  "customer.subscribed", "survey.answered", "survey.unsatisfied",
		                                  "plan.goal",           "request.asked" };
	json_t *o = request_json(r);
	struct db *db = live_db(r->web->live);
	struct err err;
	char sealed[SEALED_MAX], secret[TOKEN_HEX + 1];
	int64_t id;
	if (!o)
		return;
	const char *url = member(o, "url"), *events = member(o, "events");
	bool known = events && events[0];
	for (const char *p = events; known && *p;) {
		size_t n = strcspn(p, " "), i = 0;
		while (i < ARRAY_LEN(EVENTS) && !str_is((struct str){ p, n }, EVENTS[i]))
			i++;
		known = i < ARRAY_LEN(EVENTS);
		p += n + (p[n] != 0);
	}
	auth_token_make(secret);
	if (!url || strlen(url) > 500 || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) ||
	    strpbrk(url, " \r\n\""))
		request_problem(r, 422, "\"url\" is needed: an https:// address that takes POST");
	else if (!known)
		request_problem(
			r, 422,
			"\"events\" is needed, separated by spaces, out of: message.sent message.bounced "
			"customer.unsubscribed customer.subscribed survey.answered survey.unsatisfied plan.goal request.asked");
	else if (!auth_seal(r->web, str_from(secret), sealed))
		request_problem(r, 503, "the secret could not be kept; try again");
	else {
		struct str texts[] = { str_from(url), str_from(events), str_from(sealed) };
		if (insert(r, "out", texts, &id, &err)) {
			put_open(&r->out, NULL, '{');
			put_int(&r->out, "id", id);
			put_cstr(&r->out, "secret", secret);
			put_close(&r->out, '}');
			request_send_json(r, 201);
		} else {
			db_rollback(db);
			request_err(r, &err);
		}
	}
	json_decref(o);
}

static void put_event(struct request *r, struct query *q)
{
	struct buf *b = &r->out;
	put_int(b, "id", query_get_int(q, 0));
	put_str(b, "event", query_get_text(q, 1));
	put_instant(b, "created_at", (struct instant){ query_get_int(q, 2) });
	put_int(b, "tries", query_get_int(q, 3));
	put_str(b, "state", query_get_text(q, 4));
	put_str(b, "answer", query_get_text(q, 5));
	put_instant(b, "try_after", (struct instant){ query_get_int(q, 6) });
}

void on_hook_out_events(struct request *r)
{
	struct db *db = request_db(r);
	int64_t id;
	if (!db)
		return;
	struct query *q = db_query(db, "hook_events");
	query_int(q, 1, str_i64(r->args[0], &id) ? id : 0);
	request_page(r, q, 2, put_event);
}
