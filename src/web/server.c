/* The HTTP server: connections in, routes found, handlers run here or on the ticker, answers out. */
#include "web/facts.h"
#include "web/hooks.h"

#include "app/clock.h"
#include "app/courier.h"
#include "app/links.h"
#include "app/messages.h"

#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { OUT_START = 1024, HEAP_KEEP = 64 << 20 };

/* ---- small readers of a request ---- */

const char *request_query(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

void request_hand_over(struct request *r, handler_fn next)
{
	r->next = next;
	r->lane = LANE_TICKER;
}

void request_read_on(struct request *r, handler_fn next, enum lane lane)
{
	r->next = next;
	r->lane = lane;
}

/* ---- routes ---- */

/* Matches "/a/{}/b"; segments of the path go to args. */
static bool match(const char *pattern, const char *path, struct str args[ARGS_MAX])
{
	size_t count = 0;
	for (;;) {
		if (pattern[0] == '{' && pattern[1] == '}') {
			size_t n = strcspn(path, "/");
			if (n == 0 || count == ARGS_MAX)
				return false;
			args[count++] = (struct str){ path, n };
			pattern += 2;
			path += n;
		} else if (*pattern != *path) {
			return false;
		} else if (*pattern == 0) {
			return true;
		} else {
			pattern++;
			path++;
		}
	}
}

/* The route, or NULL. */
static const struct route *find_route(struct request *r)
{
	const char *method = strcmp(r->method, "HEAD") == 0 ? "GET" : r->method;
	for (size_t i = 0; i < ROUTE_COUNT; i++)
		if (match(ROUTES[i].path, r->path, r->args) && strcmp(ROUTES[i].method, method) == 0)
			return &ROUTES[i];
	return NULL;
}

/* "GET, HEAD, POST": what the path takes; empty: there is no such path. */
static struct str methods_of(struct request *r)
{
	struct str list = STR("");
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		const char *method = ROUTES[i].method;
		if (match(ROUTES[i].path, r->path, r->args))
			list = arena_printf(&r->arena, "%.*s%s%s", STR_ARG(list), list.n ? ", " : "",
			                    strcmp(method, "GET") == 0 ? "GET, HEAD" : method);
	}
	return list;
}

/* ---- how long a request is ---- */

struct framing {
	int lengths, codings, hosts;
	bool odd, expects;
	uint64_t length;
};

static enum MHD_Result look_at_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *f = ctx;
	int64_t n;
	(void)kind;
	switch (name[0] | 0x20) {
	case 'c':
		if (strcasecmp(name, "Content-Length") != 0)
			break;
		f->lengths++;
		f->odd |= !value || strspn(value, "0123456789") != strlen(value) || !str_i64(str_from(value), &n);
		f->length = f->odd ? 0 : (uint64_t)n;
		break;
	case 't':
		if (strcasecmp(name, "Transfer-Encoding") != 0)
			break;
		f->codings++;
		f->odd |= !value || strcasecmp(value, "chunked") != 0;
		break;
	case 'h': f->hosts += strcasecmp(name, "Host") == 0; break;
	case 'e': f->expects |= strcasecmp(name, "Expect") == 0; break;
	}
	return MHD_YES;
}

/* Whoever stands before us may read two lengths the other way, and take the rest for somebody else's request (RFC 9112,
 * 6.3 and 11.2): refused, and the connection with it. */
static const char *framing_fault(const struct framing *f, const char *version)
{
	if (f->odd || f->lengths > 1 || f->codings > 1 || (f->lengths && f->codings))
		return "it has to be said once how long the request is: one Content-Length, or Transfer-Encoding: chunked";
	if (f->codings && strcmp(version, "HTTP/1.0") == 0)
		return "HTTP/1.0 knows no Transfer-Encoding: send a Content-Length";
	return f->hosts > 1 ? "more than one Host" : NULL;
}

static size_t body_max(const struct request *r)
{
	return r->route && r->route->flags & BIG_BODY ? WEB_FACTS_BODY_MAX : WEB_BODY_MAX;
}

/* ---- the world lent to a request ---- */

const struct version *request_book(struct request *r)
{
	struct web *w = r->web;
	if (r->version)
		return r->version;
	pthread_rwlock_rdlock(&w->world);
	if (!w->book) {
		pthread_rwlock_unlock(&w->world);
		request_problem(r, 503, "the shop is being opened; try again in a few seconds");
		return NULL;
	}
	r->version = book_pin(w->book);
	return r->version;
}

void request_release(struct request *r)
{
	struct web *w = r->web;
	request_still_end(r);
	if (r->version) {
		book_unpin(w->book, r->version);
		pthread_rwlock_unlock(&w->world);
		r->version = NULL;
	}
	r->db = NULL;
}

struct thresholds web_thresholds(struct web *w)
{
	pthread_mutex_lock(&w->lock);
	struct thresholds t = w->thresholds;
	pthread_mutex_unlock(&w->lock);
	return t;
}

/* ---- answering ---- */

static void security_headers(struct MHD_Response *m, bool page, bool tls)
{
	static const char CSP[] =
		"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src "
		"'self'; "
		"connect-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
		"frame-ancestors 'none'";
	static const char PAGE_CSP[] =
		"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: data:; form-action 'self'; "
		"base-uri 'none'; frame-ancestors 'none'";
	(void)MHD_add_response_header(m, "Content-Security-Policy", page ? PAGE_CSP : CSP);
	if (tls)
		(void)MHD_add_response_header(m, "Strict-Transport-Security", "max-age=31536000");
	(void)MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
	(void)MHD_add_response_header(m, "X-Frame-Options", "DENY");
	(void)MHD_add_response_header(m, "Referrer-Policy", "no-referrer");
	(void)MHD_add_response_header(m, "Cross-Origin-Opener-Policy", "same-origin");
	(void)MHD_add_response_header(m, "Permissions-Policy", "camera=(), microphone=(), geolocation=()");
}

/* A cookie given over TLS stays there. */
static void add_header(struct MHD_Response *m, struct request *r, const struct header *h)
{
	bool cookie = strcmp(h->name, "Set-Cookie") == 0 && door_secure(r);
	struct str value = cookie ? arena_printf(&r->arena, "%s; Secure", h->value.p) : h->value;
	(void)MHD_add_response_header(m, h->name, value.p);
}

static bool has_header(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (strcmp(r->headers[i].name, name) == 0)
			return true;
	return false;
}

static void add_headers(struct MHD_Response *m, struct request *r)
{
	security_headers(m, r->route && r->route->flags & PAGE, r->web->o.tls_cert);
	for (size_t i = 0; i < r->header_count; i++)
		add_header(m, r, &r->headers[i]);
}

struct MHD_Response *request_response(struct request *r)
{
	r->bytes = r->out.n;
	struct MHD_Response *m = MHD_create_response_from_buffer(r->out.n, r->out.p ? r->out.p : (void *)"",
	                                                         MHD_RESPMEM_MUST_FREE * (r->out.p != NULL));
	if (!m)
		return NULL;
	r->out = (struct buf){ .max = r->out.max };
	if (!has_header(r, "Cache-Control"))
		(void)MHD_add_response_header(m, "Cache-Control", "no-store");
	(void)MHD_add_response_header(m, "Content-Type", r->type ? r->type : "application/json");
	add_headers(m, r);
	return m;
}

static enum MHD_Result send_answer(struct request *r)
{
	if (r->kept) {
		door_sends(r, r->bytes);
		return MHD_queue_response(r->connection, (unsigned)r->status, r->kept);
	}
	struct MHD_Response *m = r->ready;
	if (m)
		add_headers(m, r);
	else
		m = request_response(r);
	r->ready = NULL;
	if (!m)
		return MHD_NO;
	if (r->status >= 400)
		r->web->counters.refused++;
	if (!r->streams)
		door_sends(r, r->bytes);
	enum MHD_Result done = MHD_queue_response(r->connection, (unsigned)r->status, m);
	MHD_destroy_response(m);
	return done;
}

static void finish(struct request *r)
{
	request_release(r);
	if (r->out.full)
		request_problem(r, 500, "the answer would be larger than %d MiB; ask for less", WEB_ANSWER_MAX >> 20);
	r->answered = true;
}

static void run_here(struct request *r)
{
	struct str methods = r->bad || r->route ? STR("") : methods_of(r);
	if (r->bad) {
		request_problem(r, 400, "%s", r->bad);
	} else if (methods.n) {
		request_add_header(r, "Allow", methods);
		request_problem(r, 405, "this path does not take %.16s; it takes %.*s", r->method, STR_ARG(methods));
	} else if (!r->route) {
		if (strncmp(r->path, "/api/", 5) != 0 && (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0))
			on_static(r);
		else
			request_problem(r, 404, "there is nothing at this path; /api/v1/openapi.json lists what there is");
	} else if (r->too_large) {
		request_problem(r, 413, "the request is larger than %zu bytes: send it in parts", body_max(r));
	} else if (r->encoded) {
		request_add_header(r, "Accept-Encoding", STR("identity"));
		request_problem(r, 415, "the body is compressed: send it as it is, without Content-Encoding");
	} else {
		auth_identify(r);
		if (door_lets_in(r) && auth_allowed(r) && !again_known(r)) {
			if (r->route->flags & ON_TICKER)
				request_hand_over(r, r->route->handler);
			else if (r->route->flags & HASHES)
				request_read_on(r, r->route->handler, LANE_HASH);
			else if (r->route->flags & READS)
				request_read_on(r, r->route->handler, r->route->flags & LONG ? LANE_LONG : LANE_QUICK);
			else
				r->route->handler(r);
		}
	}
}

static enum MHD_Result take(struct request *r)
{
	if (!r->answered) {
		run_here(r);
		request_release(r);
		if (r->next) {
			r->suspended = true;
			MHD_suspend_connection(r->connection);
			ticker_submit(r->web, r);
			return MHD_YES;
		}
		finish(r);
	}
	if (again_keep(r)) {
		r->suspended = true;
		MHD_suspend_connection(r->connection);
		ticker_submit(r->web, r);
		return MHD_YES;
	}
	again_done(r);
	return send_answer(r);
}

static bool is_encoded(struct request *r)
{
	const char *coding = request_header(r, "Content-Encoding");
	return coding && strcasecmp(coding, "identity") != 0;
}

/* Refused before its body is read. */
static enum MHD_Result refuse(struct request *r)
{
	run_here(r);
	request_add_header(r, "Connection", STR("close"));
	door_answers(r, true);
	finish(r);
	return send_answer(r);
}

/* The head of a request has come. */
static enum MHD_Result begin(struct request *r, const char *version)
{
	struct framing f = { .lengths = 0 };
	(void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, look_at_header, &f);
	r->bad = r->bad ? r->bad : framing_fault(&f, version);
	r->too_large = f.expects && f.length > body_max(r); /* who asks first is told first */
	r->encoded = (f.length || f.codings) && is_encoded(r);
	return r->bad || r->too_large ? refuse(r) : MHD_YES;
}

static struct request *request_new(struct web *w, struct MHD_Connection *c, const char *url, const char *method)
{
	struct request *r = worker_request();
	r->web = w;
	r->connection = c;
	r->method = method;
	r->bad = strlen(url) >= sizeof r->path ? "the path is longer than 1023 bytes" : NULL;
	snprintf(r->path, sizeof r->path, "%s", url);
	r->route = r->bad ? NULL : find_route(r);
	buf_init(&r->body, body_max(r));
	buf_init(&r->out, WEB_ANSWER_MAX);
	(void)buf_reserve(&r->out, OUT_START);
	r->status = 200;
	r->began = clock_monotonic();
	w->counters.requests++;
	return r;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state)
{
	struct request *r = *state;
	if (!r) {
		*state = r = request_new(ctx, c, url, method);
		return begin(r, version);
	}
	if (*size) {
		door_received(r, *size);
		buf_add(&r->body, data, *size);
		r->too_large |= r->body.full;
		*size = 0;
		return MHD_YES;
	}
	if (!r->answered)
		door_answers(r, true);
	return take(r);
}

/* One line a request for whoever collects logs: the route's pattern instead of the path, no address, no parameters. */
static void log_request(const struct request *r)
{
	char at[32];
	if (!r->web->o.log_requests)
		return;
	fprintf(stderr,
	        "{\"at\":\"%s\",\"event\":\"request\",\"method\":\"%.8s\",\"route\":\"%s\",\"status\":%d,\"bytes\":%zu,"
	        "\"ms\":%.1f,\"who\":\"%s\"}\n",
	        instant_text(clock_now(), at),
	        strspn(r->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(r->method) ? r->method : "?",
	        r->route ? r->route->path : "other", r->status, r->bytes, (clock_monotonic() - r->began) * 1000,
	        r->who.actor);
}

static void on_end(void *ctx, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct request *r = *state;
	(void)ctx;
	(void)c;
	(void)why;
	if (!r)
		return;
	door_answers(r, false);
	again_done(r);
	log_request(r);
	request_release(r);
	facts_release(r);
	if (r->let_go)
		r->let_go(r);
	if (r->ready)
		MHD_destroy_response(r->ready);
	buf_release(&r->body);
	buf_release(&r->out);
	worker_keep(r);
	*state = NULL;
}

/* ---- the life of the server ---- */

static void web_release(struct web *w)
{
	jobs_release(w);
	auth_release(w);
	retention_free(w);
	writer_free(w);
	readers_free(w);
	forecast_free(w);
	orders_free(w);
	gate_free(w);
	message_set_free(w->messages);
	visits_release(w);
	courier_free(w->courier);
	pthread_rwlock_destroy(&w->world);
	pthread_rwlock_destroy(&w->messages_lock);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->doors);
	pthread_mutex_destroy(&w->duplicates_lock);
	duplicates_close(w);
	pthread_cond_destroy(&w->wake);
	sodium_memzero(w->link_key, sizeof w->link_key);
	free(w);
}

static void mail_arrived(void *ctx)
{
	ticker_wake(ctx);
}

static bool open_all(struct web *w, struct err *err)
{
	struct db *db = store_open(w->o.address, false, &w->shop, err);
	if (!db)
		return false;
	bool ok = auth_load(w, db, err) && (w->messages = messages_load(w->o.messages, db, err)) &&
	          (w->courier = courier_for(w->o.address, w->o.messages, w->o.out, err));
	db_close(db);
	if (!ok)
		return false;
	courier_in_background(w->courier, w->o.address, mail_arrived, w);
	links_key(&w->shop, w->link_key);
	if (w->account_count == 0) {
		unsigned char bytes[16];
		randombytes_buf(bytes, sizeof bytes);
		sodium_bin2hex(w->setup_token, sizeof w->setup_token, bytes, sizeof bytes);
	}
	return true;
}

bool web_run(const struct web_options *o, const volatile sig_atomic_t *stop, struct err *err)
{
	if (sodium_init() < 0)
		return err_set(err, ERR_WORLD, "libsodium could not be started");
	mallopt(M_MMAP_THRESHOLD, HEAP_KEEP); /* threads take and give back by the thousand a second */
	mallopt(M_TRIM_THRESHOLD, HEAP_KEEP);
	struct web *w = mem_alloc(sizeof *w);
	w->o = *o;
	w->stop = stop;
	w->started = clock_monotonic();
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->doors, NULL);
	pthread_mutex_init(&w->duplicates_lock, NULL);
	pthread_rwlock_init(&w->world, NULL);
	pthread_rwlock_init(&w->messages_lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	gate_new(w);
	forecast_new(w);
	orders_new(w);
	writer_new(w);
	hooks_new(w);
	retention_new(w);
	bool ok = open_all(w, err) && ticker_start(w, err);
	if (ok) {
		ok = writer_start(w, err) && readers_start(w, err) && hooks_start(w, err) && retention_start(w, err) &&
		     door_open(w, on_request, on_end, err);
		for (int turn = 1; ok && !*stop; turn++) {
			nanosleep(&(struct timespec){ 0, 100 * 1000000L }, NULL);
			if (turn % 10 == 0)
				door_sweep(w);
		}
		if (w->daemon)
			MHD_quiesce_daemon(w->daemon); /* nobody new; those here are answered by the ticker's last turn */
		hooks_stop(w);
		writer_stop(w);
		readers_stop(w);
		ticker_stop(w);
		retention_stop(w);
		if (w->daemon)
			MHD_stop_daemon(w->daemon);
	}
	hooks_stop(w);
	retention_stop(w);
	web_release(w);
	return ok;
}
