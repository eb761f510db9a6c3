/* Programs that want to be told: one thread, with a database of its own, looks through what was written since (facts by
 * their number, goals by their tick), queues an event for every hook that wants it, and posts what is due. The queue is
 * in the database: nothing is lost by a stop, something may be told twice after a crash, so an event has a number. A
 * hook that does not answer 2xx is tried again after 30 s, twice as long each time, at most six hours apart, TRIES_MAX
 * times. Bodies hold numbers; the shop's own reference of the person is added when it is sent. */
#include "app/clock.h"
#include "model/names.h"
#include "store/outbox.h"
#include "web/auth.h"
#include "web/hooks.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	LOOK_MS = 500,
	FACTS_AT_ONCE = 2000,
	GOALS_AT_ONCE = 2000,
	REQUESTS_AT_ONCE = 200,
	DUE_AT_ONCE = 20,
	TRIES_MAX = 14,
	FIRST_WAIT_S = 30,
	LONGEST_WAIT_S = 6 * HOUR_S,
	POST_S = 10,
	KEPT_S = 7 * DAY_S
};

struct hook_out {
	int64_t id, seq;
	struct str url, events, secret;
	bool usable; /* its secret can be read */
};

struct news {
	size_t hook;
	const char *name;
	struct str body; /* in the arena */
};

struct hooks {
	struct web *web;
	struct db *db;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
	/* one look */
	struct arena arena;
	struct hook_out hooks[HOOKS_OUT_MAX];
	size_t count;
	struct news *news;
	size_t news_count, news_cap;
	int64_t seen;    /* the newest fact looked at */
	int64_t tick;    /* the newest whose goals were */
	int64_t request; /* the newest told */
	struct instant now;
};

void hooks_sign(struct str secret, int64_t at, struct str body, char out[65])
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state st;
	char stamp[32];
	int n = snprintf(stamp, sizeof stamp, "%lld.", (long long)at);
	crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret.p, secret.n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)stamp, (size_t)n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)body.p, body.n);
	crypto_auth_hmacsha256_final(&st, mac);
	sodium_bin2hex(out, 65, mac, sizeof mac);
}

/* ---- what happened → events ---- */

static bool wants(const struct hook_out *h, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = h->events.p, *end = p + h->events.n; p < end;) {
		const char *space = memchr(p, ' ', (size_t)(end - p));
		size_t len = space ? (size_t)(space - p) : (size_t)(end - p);
		if (len == n && memcmp(p, name, n) == 0)
			return true;
		p += len + 1;
	}
	return false;
}

static bool shop_int(struct db *db, const char *name, struct arena *a, int64_t *out, bool *found, struct err *err)
{
	struct str text;
	if (!store_shop_get(db, name, a, &text, found, err))
		return false;
	*found = *found && str_i64(text, out);
	return true;
}

static bool one_int(struct db *db, const char *query, int64_t *out, struct err *err)
{
	struct query *q = db_query(db, query);
	int got = query_next(q, err);
	*out = got == 1 ? query_get_int(q, 0) : 0;
	query_done(q);
	return got >= 0;
}

bool hooks_numbers(struct db *db, const char *name, const char *newest, int64_t count, struct arena *a, int64_t *first,
                   struct err *err)
{
	int64_t given = 0, stands = 0;
	bool found;
	if (!shop_int(db, name, a, &given, &found, err) || !one_int(db, newest, &stands, err))
		return false;
	*first = (found && given > stands ? given : stands) + 1;
	return store_shop_set(db, name, arena_printf(a, "%lld", (long long)(*first + count - 1)), err);
}

static bool queue_event(struct hooks *x, int64_t id, const struct hook_out *h, const char *name, struct str body,
                        struct err *err)
{
	struct query *q = db_query(x->db, "hook_event_put");
	query_int(q, 1, h->id);
	query_text(q, 2, str_from(name));
	query_text(q, 3, body);
	query_int(q, 4, x->now.s);
	query_int(q, 5, id);
	return query_run(q, NULL, err);
}

/* Kept until the rows are read: a stream of facts holds the connection. */
static void tell(struct hooks *x, int64_t seq, const char *name, struct str body)
{
	for (size_t i = 0; i < x->count; i++) {
		if (!x->hooks[i].usable || x->hooks[i].seq >= seq || !wants(&x->hooks[i], name))
			continue;
		x->news = mem_grow(x->news, &x->news_cap, x->news_count + 1, sizeof *x->news);
		x->news[x->news_count++] = (struct news){ i, name, arena_str(&x->arena, body) };
	}
}

static bool queue_news(struct hooks *x, struct err *err)
{
	int64_t first = 0;
	bool ok = x->news_count == 0 ||
	          hooks_numbers(x->db, "hooks.event", "hook_event_newest", (int64_t)x->news_count, &x->arena, &first, err);
	for (size_t i = 0; ok && i < x->news_count; i++)
		ok = queue_event(x, first + (int64_t)i, &x->hooks[x->news[i].hook], x->news[i].name, x->news[i].body, err);
	x->news_count = 0;
	return ok;
}

static struct buf *event_begin(struct buf *b, const char *name, customer_id c, struct instant at)
{
	buf_init(b, 4096);
	put_open(b, NULL, '{');
	put_cstr(b, "event", name);
	put_instant(b, "at", at);
	put_int(b, "customer", c);
	return b;
}

static void event_end(struct hooks *x, struct buf *b, int64_t seq, const char *name)
{
	put_close(b, '}');
	tell(x, seq, name, buf_view(b));
	buf_release(b);
}

static void told_receipt(struct hooks *x, const struct fact *f, const char *name, const struct receipt_body *o)
{
	struct buf b;
	event_begin(&b, name, f->customer, f->at);
	put_str(&b, "plan", o->plan);
	put_int(&b, "run", o->run);
	put_str(&b, "step", o->step);
	put_cstr(&b, "channel", channel_name(o->channel));
	if (o->answer.n)
		put_str(&b, "answer", o->answer);
	event_end(x, &b, f->seq, name);
}

static bool take_receipt(struct hooks *x, const struct fact *f, struct err *err)
{
	struct receipt_body o;
	if (!body_read_receipt(f->body, &x->arena, &o, err))
		return false;
	switch (o.receipt) {
	case RECEIPT_ACCEPTED: told_receipt(x, f, "message.sent", &o); break;
	case RECEIPT_HARD_BOUNCE:
	case RECEIPT_COMPLAINT: told_receipt(x, f, "message.bounced", &o); break;
	case RECEIPT_ANSWERED:
		told_receipt(x, f, "survey.answered", &o);
		if (str_is(o.answer, "unsatisfied"))
			told_receipt(x, f, "survey.unsatisfied", &o);
		break;
	case RECEIPT_REFUSED:
	case RECEIPT_UNCERTAIN:
	case RECEIPT_OPENED:
	case RECEIPT_CLICKED:
	case RECEIPT_SOFT_BOUNCE:
	case RECEIPT_UNSUBSCRIBED: /* its consent tells */
	case RECEIPT_DROPPED:
	case RECEIPT_COUNT: break;
	}
	return true;
}

static bool take_consent(struct hooks *x, const struct fact *f, struct err *err)
{
	struct consent_body o;
	struct buf b;
	if (!body_read_consent(f->body, &x->arena, &o, err))
		return false;
	if (o.purpose != PURPOSE_MARKETING)
		return true;
	bool on = o.state == CONSENT_GRANTED || o.state == CONSENT_SOFT;
	const char *name = on ? "customer.subscribed" : "customer.unsubscribed";
	event_begin(&b, name, f->customer, f->at);
	put_cstr(&b, "channel", channel_name(o.channel));
	put_cstr(&b, "state", consent_state_name(o.state));
	event_end(x, &b, f->seq, name);
	return true;
}

static bool take_fact(void *ctx, const struct fact *f, struct err *err)
{
	struct hooks *x = ctx;
	x->seen = f->seq;
	if (f->kind == FACT_RECEIPT)
		return take_receipt(x, f, err);
	return f->kind != FACT_CONSENT || take_consent(x, f, err);
}

/* ---- goals: decisions, known by the tick that said them ---- */

bool hooks_begin(struct db *db, struct arena *a, struct err *err)
{
	int64_t tick, request;
	return one_int(db, "tick_newest", &tick, err) && one_int(db, "request_newest", &request, err) &&
	       store_shop_set(db, "hooks.tick", arena_printf(a, "%lld", (long long)tick), err) &&
	       store_shop_set(db, "hooks.request", arena_printf(a, "%lld", (long long)request), err);
}

/* Whole ticks, as few as hold GOALS_AT_ONCE goals. */
static bool page_of_goals(struct hooks *x, int64_t from, int64_t *to, struct err *err)
{
	struct query *q = db_query(x->db, "goals_page");
	query_int(q, 1, from);
	query_int(q, 2, *to);
	query_int(q, 3, GOALS_AT_ONCE);
	int got = query_next(q, err);
	if (got == 1 && query_get_int(q, 1) == GOALS_AT_ONCE)
		*to = query_get_int(q, 0);
	query_done(q);
	return got >= 0;
}

/* *to: the newest tick, and then the one that was reached. */
static bool look_at_goals(struct hooks *x, int64_t *to, struct err *err)
{
	int64_t from = 0;
	bool found;
	_Static_assert(VERDICT_EXITED == 6 && REASON_GOAL_MET == 19, "as goals_since and its index say");
	if (!shop_int(x->db, "hooks.tick", &x->arena, &from, &found, err))
		return false;
	from = found ? from : *to;
	if (!page_of_goals(x, from, to, err))
		return false;
	struct query *q = db_query(x->db, "goals_since");
	query_int(q, 1, from);
	query_int(q, 2, *to);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct buf b;
		event_begin(&b, "plan.goal", (customer_id)query_get_int(q, 0), (struct instant){ query_get_int(q, 3) });
		put_str(&b, "plan", query_get_text(q, 1));
		put_int(&b, "run", query_get_int(q, 2));
		event_end(x, &b, INT64_MAX, "plan.goal");
	}
	query_done(q);
	return got == 0 && ((found && from == *to) ||
	                    store_shop_set(x->db, "hooks.tick", arena_printf(&x->arena, "%lld", (long long)*to), err));
}

/* ---- what people asked about their data ---- */

/* *to: the newest, and then the one that was reached. A shop without hooks so far: those from now on. */
static bool look_at_requests(struct hooks *x, int64_t *to, struct err *err)
{
	int64_t from = 0, newest = *to;
	bool found;
	if (!shop_int(x->db, "hooks.request", &x->arena, &from, &found, err))
		return false;
	from = found ? from : newest;
	*to = from;
	struct query *q = db_query(x->db, "requests_since");
	query_int(q, 1, from);
	query_int(q, 2, REQUESTS_AT_ONCE);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct buf b;
		event_begin(&b, "request.asked", (customer_id)query_get_int(q, 2), (struct instant){ query_get_int(q, 3) });
		put_int(&b, "request", query_get_int(q, 0));
		put_str(&b, "kind", query_get_text(q, 1));
		put_str(&b, "came_by", query_get_text(q, 5));
		put_instant(&b, "due_at", (struct instant){ query_get_int(q, 4) });
		event_end(x, &b, INT64_MAX, "request.asked");
		*to = query_get_int(q, 0);
	}
	query_done(q);
	return got == 0 && ((found && from == *to) ||
	                    store_shop_set(x->db, "hooks.request", arena_printf(&x->arena, "%lld", (long long)*to), err));
}

/* ---- one look ---- */

static bool load_hooks(struct hooks *x, struct err *err)
{
	struct query *q = db_query(x->db, "hook_out_all");
	int got;
	x->count = 0;
	while ((got = query_next(q, err)) == 1) {
		struct hook_out h = { .id = query_get_int(q, 0),
			                  .url = arena_str(&x->arena, query_get_text(q, 1)),
			                  .events = arena_str(&x->arena, query_get_text(q, 2)),
			                  .seq = query_get_int(q, 4) };
		if (x->count == HOOKS_OUT_MAX)
			continue;
		h.usable = auth_unseal(x->web, arena_cstr(&x->arena, query_get_text(q, 3)), &x->arena, &h.secret);
		x->hooks[x->count++] = h;
	}
	return got == 0;
}

static bool move_on(struct hooks *x, struct err *err)
{
	for (size_t i = 0; i < x->count; i++) {
		if (x->hooks[i].seq >= x->seen)
			continue;
		struct query *q = db_query(x->db, "hook_out_seq");
		query_int(q, 1, x->hooks[i].id);
		query_int(q, 2, x->seen);
		if (!query_run(q, NULL, err))
			return false;
	}
	return true;
}

static bool clear_old(struct hooks *x, struct err *err)
{
	struct query *q = db_query(x->db, "hook_event_sweep");
	query_int(q, 1, x->now.s - KEPT_S);
	return query_run(q, NULL, err) && query_run(db_query(x->db, "hook_event_orphans"), NULL, err);
}

/* Whether there is anything new is one small read: the transaction is begun only then. */
static bool look(struct hooks *x, bool *more, struct err *err)
{
	int64_t hi, tick, reached, request, asked, from = INT64_MAX;
	uint32_t customers;
	*more = false;
	if (!store_seq_hi(x->db, &hi, &customers, err) || !one_int(x->db, "tick_newest", &tick, err) ||
	    !one_int(x->db, "request_newest", &request, err))
		return false;
	for (size_t i = 0; i < x->count; i++)
		from = x->hooks[i].seq < from ? x->hooks[i].seq : from;
	if (from >= hi && tick == x->tick && request == x->request)
		return true;
	if (!db_begin(x->db, err))
		return false;
	x->seen = from;
	x->news_count = 0;
	reached = tick;
	asked = request;
	bool ok = store_facts_after(x->db, from, FACTS_AT_ONCE, take_fact, x, err) && move_on(x, err) &&
	          look_at_goals(x, &reached, err) && look_at_requests(x, &asked, err) && queue_news(x, err) &&
	          clear_old(x, err) && db_commit(x->db, err);
	if (!ok)
		db_rollback(x->db);
	x->tick = ok ? reached : x->tick;
	x->request = ok ? asked : x->request;
	*more = ok && (x->seen < hi || reached < tick || asked < request);
	return ok;
}

/* ---- telling ---- */

struct due {
	int64_t id, tries;
	struct str name, body;
};

static size_t ignore(char *bytes, size_t size, size_t n, void *ctx)
{
	(void)bytes;
	(void)ctx;
	return size * n;
}

/* The body as it is sent: the event's number, and the person's reference. */
static struct str whole_body(struct hooks *x, const struct due *d)
{
	json_error_t why;
	json_t *o = json_loadb(d->body.p, d->body.n, 0, &why);
	struct person p;
	struct str ref;
	struct err err;
	customer_id c = (customer_id)json_integer_value(json_object_get(o, "customer"));
	if (o)
		json_object_set_new(o, "id", json_integer(d->id));
	if (o && c && store_person(x->db, c, &x->arena, &p, &ref, &err))
		json_object_set_new(o, "ref", json_stringn(ref.p, ref.n));
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	struct str body = text ? arena_str(&x->arena, str_from(text)) : d->body;
	free(text);
	json_decref(o);
	return body;
}

/* The status; 0: no answer, *why says so. */
static long post(const struct hook_out *h, const struct due *d, struct str body, struct instant now,
                 char why[CURL_ERROR_SIZE])
{
	char mac[65], line[160];
	long status = 0;
	struct curl_slist *headers = NULL;
	CURL *c = curl_easy_init();
	if (!c)
		return 0;
	hooks_sign(h->secret, now.s, body, mac);
	headers = curl_slist_append(headers, "Content-Type: application/json");
	snprintf(line, sizeof line, "X-Relance-Event: %.*s", STR_ARG(d->name));
	headers = curl_slist_append(headers, line);
	snprintf(line, sizeof line, "X-Relance-Delivery: %lld", (long long)d->id);
	headers = curl_slist_append(headers, line);
	snprintf(line, sizeof line, "X-Relance-Signature: t=%lld,v1=%s", (long long)now.s, mac);
	headers = curl_slist_append(headers, line);
	why[0] = 0;
	char url[512];
	snprintf(url, sizeof url, "%.*s", STR_ARG(h->url));
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)POST_S);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body.n);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "relance");
	if (curl_easy_perform(c) == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	return status;
}

static bool answered_well(long status)
{
	return status >= 200 && status < 300;
}

static bool settle(struct hooks *x, const struct due *d, bool again, long status, const char *why, struct err *err)
{
	bool done = answered_well(status), over = !done && (!again || d->tries + 1 >= TRIES_MAX || status == 410);
	int64_t wait = FIRST_WAIT_S;
	for (int64_t i = 0; i < d->tries && wait < LONGEST_WAIT_S; i++)
		wait *= 2;
	struct query *q = db_query(x->db, "hook_event_settle");
	query_int(q, 1, d->id);
	query_text(q, 2, done ? STR("done") : over ? STR("given_up") : STR("waiting"));
	query_text(q, 3, status ? arena_printf(&x->arena, "%ld", status) : str_from(why[0] ? why : "no answer"));
	query_int(q, 4, x->now.s + (wait < LONGEST_WAIT_S ? wait : LONGEST_WAIT_S));
	bool ok = db_begin(x->db, err) && query_run(q, NULL, err) && db_commit(x->db, err);
	if (!ok)
		db_rollback(x->db);
	return ok;
}

static bool is_stopping(struct hooks *x)
{
	pthread_mutex_lock(&x->lock);
	bool stopping = x->stopping;
	pthread_mutex_unlock(&x->lock);
	return stopping;
}

static bool read_due(struct hooks *x, const struct hook_out *h, struct due due[DUE_AT_ONCE], size_t *n, struct err *err)
{
	struct query *q = db_query(x->db, "hook_event_due");
	int got;
	*n = 0;
	query_int(q, 1, x->now.s);
	query_int(q, 2, DUE_AT_ONCE);
	query_int(q, 3, h->id);
	while ((got = query_next(q, err)) == 1)
		due[(*n)++] = (struct due){ .id = query_get_int(q, 0),
			                        .name = arena_str(&x->arena, query_get_text(q, 1)),
			                        .body = arena_str(&x->arena, query_get_text(q, 2)),
			                        .tries = query_get_int(q, 3) };
	return got == 0;
}

/* A hook that does not answer costs the others one try a turn, not one for each event. */
static bool deliver_to(struct hooks *x, const struct hook_out *h, struct err *err)
{
	struct due due[DUE_AT_ONCE];
	size_t n;
	if (!read_due(x, h, due, &n, err))
		return false;
	for (size_t i = 0; i < n && !is_stopping(x); i++) {
		char why[CURL_ERROR_SIZE] = "its secret cannot be read: make it anew";
		long status = h->usable ? post(h, &due[i], whole_body(x, &due[i]), clock_now(), why) : 0;
		if (!settle(x, &due[i], h->usable, status, why, err))
			return false;
		if (h->usable && !answered_well(status))
			break;
	}
	return true;
}

static bool deliver(struct hooks *x, struct err *err)
{
	bool ok = true;
	for (size_t k = 0; ok && k < x->count && !is_stopping(x); k++)
		ok = deliver_to(x, &x->hooks[k], err);
	return ok;
}

/* ---- the thread ---- */

static bool turn(struct hooks *x, struct err *err)
{
	struct shop shop;
	bool more = true;
	if (!x->db && !(x->db = store_open(x->web->o.address, false, &shop, err)))
		return false;
	x->now = clock_now();
	arena_clear(&x->arena);
	if (!load_hooks(x, err))
		return false;
	for (int i = 0; more && x->count && i < 100; i++)
		if (!look(x, &more, err) || (more && !load_hooks(x, err)))
			return false;
	return x->count == 0 || deliver(x, err);
}

static void *hooks_main(void *ctx)
{
	struct hooks *x = ctx;
	struct err err;
	pthread_mutex_lock(&x->lock);
	while (!x->stopping) {
		pthread_mutex_unlock(&x->lock);
		if (!turn(x, &err)) {
			fprintf(stderr, "relance: webhooks: %s\n", err.text);
			db_close(x->db);
			x->db = NULL;
		}
		pthread_mutex_lock(&x->lock);
		struct timespec t;
		clock_gettime(CLOCK_MONOTONIC, &t);
		int64_t ns = t.tv_nsec + (int64_t)LOOK_MS * 1000000;
		t.tv_sec += ns / 1000000000;
		t.tv_nsec = ns % 1000000000;
		if (!x->stopping)
			pthread_cond_timedwait(&x->wake, &x->lock, &t);
	}
	pthread_mutex_unlock(&x->lock);
	return NULL;
}

void hooks_new(struct web *w)
{
	struct hooks *x = w->hooks = mem_alloc(sizeof *x);
	pthread_condattr_t attr;
	x->web = w;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	arena_init(&x->arena);
	pthread_mutex_init(&x->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&x->wake, &attr);
	pthread_condattr_destroy(&attr);
}

bool hooks_start(struct web *w, struct err *err)
{
	struct hooks *x = w->hooks;
	x->started = pthread_create(&x->thread, NULL, hooks_main, x) == 0;
	return x->started || err_set(err, ERR_WORLD, "no thread could be made");
}

void hooks_stop(struct web *w)
{
	struct hooks *x = w->hooks;
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	x->stopping = true;
	pthread_cond_signal(&x->wake);
	pthread_mutex_unlock(&x->lock);
	if (x->started)
		pthread_join(x->thread, NULL);
	db_close(x->db);
	arena_release(&x->arena);
	free(x->news);
	pthread_cond_destroy(&x->wake);
	pthread_mutex_destroy(&x->lock);
	free(x);
	w->hooks = NULL;
	curl_global_cleanup();
}
