/* The rights of people: what they ask, with its deadline; their data given, corrected, erased; objection; addresses not
 * to be written to; who did what. */
#include "app/dossier.h"
#include "app/request.h"
#include "model/names.h"
#include "web/facts.h"
#include "web/web_int.h"

#include "app/clock.h"
#include "app/courier.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- requests ---- */

/* What they are called here; empty when they were erased. */
static void put_name(struct request *r, customer_id c)
{
	struct person p;
	struct str ref, name = STR("");
	struct err err;
	if (request_db(r) && store_person(r->db, c, &r->arena, &p, &ref, &err))
		name = person_name(&r->arena, &p);
	put_str(&r->out, "name", name);
}

static bool put_request(void *ctx, const struct data_request *x, struct err *err)
{
	struct request *r = ctx;
	struct buf *b = &r->out;
	(void)err;
	put_open(b, NULL, '{');
	put_int(b, "id", x->id);
	put_str(b, "kind", x->kind);
	put_int(b, "customer", x->customer);
	put_name(r, x->customer);
	put_instant(b, "asked_at", x->asked_at);
	put_instant(b, "due_at", x->due_at);
	put_str(b, "came_by", x->came_by);
	put_str(b, "state", x->state);
	put_bool(b, "late", str_is(x->state, "open") && x->due_at.s < clock_now().s);
	put_str(b, "extended", x->extended);
	put_str(b, "answer", x->answer);
	put_instant(b, "closed_at", x->closed_at);
	put_str(b, "by", auth_actor_name(r, x->actor));
	put_close(b, '}');
	return true;
}

bool requests_put(struct request *r, struct db *db, bool open_only, int64_t from, int64_t limit, struct err *err)
{
	put_open(&r->out, open_only ? "requests" : "items", '[');
	if (!requests(db, open_only, from, limit, put_request, r, err))
		return false;
	put_close(&r->out, ']');
	return true;
}

void on_requests(struct request *r)
{
	struct err err;
	struct db *db = request_db(r);
	int64_t limit = number_query(r, "limit", 1, PAGE_MOST, PAGE_DEFAULT),
			from = number_query(r, "cursor", 0, INT32_MAX, 0), open, due;
	if (!db)
		return;
	put_open(&r->out, NULL, '{');
	size_t before = r->out.n;
	bool ok = request_counts(db, clock_now(), &open, &due, &err) && requests_put(r, db, false, from, limit, &err);
	if (!ok) {
		request_err(r, &err);
		return;
	}
	int64_t shown = 0; /* every item has one "asked_at" */
	for (const char *at = r->out.p + before; (at = memmem(at, (size_t)(r->out.p + r->out.n - at), "\"asked_at\":", 11));
	     at++)
		shown++;
	put_cursor(&r->out, from + limit, shown == limit);
	put_int(&r->out, "open", open);
	put_int(&r->out, "late", due);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

static void show_request(struct request *r, int64_t id, int status)
{
	struct data_request x;
	struct err err;
	bool found = false;
	if (!request_get(live_db(r->web->live), id, &r->arena, &x, &found, &err))
		request_err(r, &err);
	else if (!found)
		request_problem(r, 404, "there is no request of this number");
	else if (put_request(r, &x, &err))
		request_send_json(r, status);
}

/* Somebody who is there; false: a problem was set. On the ticker. */
static bool is_there(struct request *r, int64_t customer)
{
	struct err err;
	struct query *q = db_query(live_db(r->web->live), "web_customer_there");
	query_int(q, 1, customer);
	int got = query_next(q, &err);
	query_done(q);
	if (got < 0)
		request_err(r, &err);
	else if (got == 0)
		request_problem(r, 422, "\"customer\" is our number of somebody who is there; GET /customers?q= finds it");
	return got == 1;
}

void on_request_post(struct request *r)
{
	json_t *o = request_json(r);
	struct err err;
	if (!o)
		return;
	const char *kind = member(o, "kind"), *by = member(o, "came_by"), *asked = member(o, "asked_at");
	int64_t customer = json_integer_value(json_object_get(o, "customer")), id;
	struct instant now = clock_now(), at = now;
	int k = request_kind_find(str_from(kind ? kind : ""));
	if (k < 0)
		request_problem(r, 422, "\"kind\" is one of access, portability, rectification, erasure, objection");
	else if (asked && !instant_parse(str_from(asked), r->web->shop.zone, &at))
		request_problem(r, 422, "\"asked_at\" is no day such as 2026-05-12");
	else if (is_there(r, customer)) {
		if (request_add(live_db(r->web->live), (enum request_kind)k, (customer_id)customer, str_from(by ? by : ""), at,
		                r->who.actor, now, &id, &err))
			show_request(r, id, 201);
		else
			request_err(r, &err);
	}
	json_decref(o);
}

void on_request_close(struct request *r)
{
	json_t *o = request_json(r);
	struct err err;
	int64_t id = 0;
	if (!o)
		return;
	const char *state = member(o, "state"), *answer = member(o, "answer");
	bool done = state && strcmp(state, "done") == 0;
	if (!str_i64(r->args[0], &id))
		request_problem(r, 404, "there is no request of this number");
	else if (!done && !(state && strcmp(state, "refused") == 0))
		request_problem(r, 422, "\"state\" is done or refused");
	else if (!request_close(live_db(r->web->live), id, done, str_from(answer ? answer : ""), r->who.actor, clock_now(),
	                        &err))
		request_err(r, &err);
	else
		show_request(r, id, 200);
	json_decref(o);
}

void on_request_extend(struct request *r)
{
	json_t *o = request_json(r);
	struct err err;
	int64_t id = 0;
	if (!o)
		return;
	const char *reason = member(o, "reason");
	if (!str_i64(r->args[0], &id))
		request_problem(r, 404, "there is no request of this number");
	else if (!request_extend(live_db(r->web->live), id, str_from(reason ? reason : ""), r->who.actor, clock_now(),
	                         &err))
		request_err(r, &err);
	else
		show_request(r, id, 200);
	json_decref(o);
}

/* ---- access and portability ---- */

static bool audit_now(struct request *r, const char *action, customer_id c, struct err *err)
{
	struct db *db = live_db(r->web->live);
	char object[24];
	snprintf(object, sizeof object, "#%u", c);
	bool ok =
		db_begin(db, err) && store_audit(db, clock_now(), r->who.actor, action, object, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

/* On the ticker, once the file is made: that it was given is kept. */
static void told(struct request *r)
{
	struct err err;
	if (!audit_now(r, "data given", *(customer_id *)r->handed, &err))
		request_err(r, &err);
}

void on_export(struct request *r)
{
	struct err err;
	customer_id c = customer_arg(r);
	const char *format = request_query(r, "format");
	bool zip = format && strcmp(format, "zip") == 0;
	if (!c)
		return;
	bool ok = zip ? dossier_zip(r->db, c, request_locale(r), clock_now(), &r->out, &err)
	              : dossier_json(r->db, c, request_locale(r), clock_now(), &r->out, &err);
	if (!ok) {
		request_err(r, &err);
		return;
	}
	r->handed = arena_copy(&r->arena, &c, sizeof c);
	r->type = zip ? "application/zip" : "application/json";
	request_add_header(r, "Content-Disposition",
	                   arena_printf(&r->arena, "attachment; filename=\"customer-%u.%s\"", c, zip ? "zip" : "json"));
	request_hand_over(r, told);
}

/* ---- rectification ---- */

/* What is given takes the place of what was there; what is not given stays. */
void on_rectify(struct request *r)
{
	struct err err;
	char why[160];
	struct page_facts f = { .count = 1 };
	customer_id c = customer_arg(r);
	json_t *o = c ? request_json(r) : NULL;
	if (!o)
		return;
	json_object_set_new(o, "kind", json_string("profile"));
	json_object_set_new(o, "key", json_string("x"));
	json_object_set_new(o, "customer", json_string("x"));
	json_object_del(o, "at");
	char *told = json_dumps(o, JSON_COMPACT);
	struct str text = arena_str(&r->arena, str_from(told));
	free(told);
	if (!incoming_read(jtree_read(&text, &r->arena), &f.items[0], &r->arena, r->web->shop.zone, why)) {
		request_problem(r, 422, "%s", why);
	} else {
		f.items[0].key = STR("relance:profile");
		f.items[0].ref = STR("");
		f.items[0].customer = c;
		if (!page_facts_write(r->web, &f, &r->arena, &err) || !audit_now(r, "person corrected", c, &err)) {
			request_err(r, &err);
		} else {
			put_open(&r->out, NULL, '{');
			put_int(&r->out, "id", c);
			put_close(&r->out, '}');
			request_send_json(r, 200);
		}
	}
	json_decref(o);
}

/* ---- objection and erasure ---- */

void on_object(struct request *r)
{
	struct err err;
	customer_id c = customer_arg(r);
	json_t *o = c ? request_json(r) : NULL;
	if (!o)
		return;
	const char *wording = member(o, "wording"), *by = member(o, "came_by");
	struct str source = arena_printf(&r->arena, "request, by %s", by ? by : "page");
	if (!request_object(live_db(r->web->live), c, source, str_from(wording ? wording : ""), clock_now(), &err) ||
	    !audit_now(r, "objection", c, &err)) {
		request_err(r, &err);
	} else {
		put_open(&r->out, NULL, '{');
		put_bool(&r->out, "opposed", true);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
	json_decref(o);
}

/* ---- addresses not to be written to ---- */

void on_suppressions(struct request *r)
{
	struct err err;
	struct db *db = request_db(r);
	struct buf *b = &r->out;
	int64_t limit = number_query(r, "limit", 1, PAGE_MOST, PAGE_DEFAULT), n = 0, hash = 0, channel = 0;
	const char *cursor = request_query(r, "cursor");
	unsigned long long at = 0;
	int after = -1, got;
	if (!db)
		return;
	if (cursor && cursor[0] && sscanf(cursor, "%16llx.%d", &at, &after) != 2) {
		request_problem(r, 422, "\"cursor\" is the \"next\" of the page before");
		return;
	}
	struct query *q = db_query(db, "suppressions_from");
	query_int(q, 1, cursor && cursor[0] ? (int64_t)at : INT64_MIN);
	query_int(q, 2, after);
	query_int(q, 3, limit + 1);
	put_open(b, NULL, '{');
	put_open(b, "items", '[');
	while ((got = query_next(q, &err)) == 1) {
		if (n++ == limit)
			continue;
		hash = query_get_int(q, 0);
		channel = query_get_int(q, 1);
		put_open(b, NULL, '{');
		put_str(b, "address", arena_printf(&r->arena, "%016llx", (unsigned long long)hash));
		put_cstr(b, "channel", channel_name((enum channel)channel));
		put_str(b, "reason", query_get_text(q, 2));
		put_instant(b, "at", (struct instant){ query_get_int(q, 3) });
		put_close(b, '}');
	}
	put_close(b, ']');
	if (got < 0) {
		request_err(r, &err);
		return;
	}
	if (n > limit)
		put_str(b, "next", arena_printf(&r->arena, "%016llx.%lld", (unsigned long long)hash, (long long)channel));
	else
		put_null(b, "next");
	put_close(b, '}');
	request_send_json(r, 200);
}

struct suppressing {
	struct request *r;
	uint64_t hash;
	enum channel channel;
	const char *reason;
	bool lift;
};

/* By the ticker's own handle: its next turn reads the list anew, before anything is decided or sent (live_others.c). */
static bool suppress_now(const struct suppressing *s, struct err *err)
{
	struct db *db = live_db(s->r->web->live);
	struct instant now = clock_now();
	struct str object =
		arena_printf(&s->r->arena, "%s %016llx: %s", channel_name(s->channel), (unsigned long long)s->hash, s->reason);
	bool ok =
		db_begin(db, err) &&
		(s->lift ? suppression_lift(db, s->hash, s->channel, err)
	             : suppression_put(db, s->hash, s->channel, str_from(s->reason), now, err)) &&
		store_audit(db, now, s->r->who.actor, s->lift ? "suppression lifted" : "suppression added", object.p, err) &&
		db_commit(db, err);
	if (!ok)
		db_rollback(db);
	ticker_wake(s->r->web);
	return ok;
}

/* An e-mail address or phone, or the 16 digits of the list. */
static uint64_t hash_of(struct request *r, const char *address)
{
	char *end = NULL;
	unsigned long long hash = address && strlen(address) == 16 ? strtoull(address, &end, 16) : 0;
	if (end && !*end)
		return hash;
	return address ? store_address_hash(&r->web->shop, str_from(address)) : 0;
}

static void suppress(struct request *r, bool lift)
{
	struct err err;
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *channel = member(o, "channel"), *reason = member(o, "reason"), *address = member(o, "address");
	int ch = channel_find(str_from(channel ? channel : ""));
	struct suppressing s = {
		.r = r, .hash = hash_of(r, address), .channel = (enum channel)ch, .reason = reason, .lift = lift
	};
	if (!s.hash)
		request_problem(r, 422,
		                "\"address\" is needed: an e-mail address, a phone number, or the \"address\" of the list");
	else if (ch < 0 || ch >= CHANNEL_STAFF)
		request_problem(r, 422, "\"channel\" is one of email, sms, postcard, phone, audience, push");
	else if (!reason || !reason[0] || strlen(reason) > 60 || strchr(reason, '@'))
		request_problem(r, 422, "\"reason\" is needed: why, in at most 60 bytes, without the address");
	else if (!suppress_now(&s, &err))
		request_err(r, &err);
	else {
		put_open(&r->out, NULL, '{');
		put_str(&r->out, "address", arena_printf(&r->arena, "%016llx", (unsigned long long)s.hash));
		put_bool(&r->out, "suppressed", !lift);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
	json_decref(o);
}

void on_suppress(struct request *r)
{
	suppress(r, false);
}

void on_suppress_lift(struct request *r)
{
	suppress(r, true);
}

/* ---- who did what ---- */

static void put_audit(struct request *r, struct query *q)
{
	struct buf *b = &r->out;
	put_int(b, "id", query_get_int(q, 0));
	put_instant(b, "at", (struct instant){ query_get_int(q, 1) });
	put_str(b, "actor", query_get_text(q, 2));
	put_str(b, "name", auth_actor_name(r, query_get_text(q, 2)));
	put_str(b, "action", query_get_text(q, 3));
	put_str(b, "object", query_get_text(q, 4));
}

void on_audit(struct request *r)
{
	struct db *db = request_db(r);
	if (db)
		request_page(r, db_query(db, "audit_lines"), 1, put_audit);
}
