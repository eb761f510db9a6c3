/* The HTTP server: connections in, routes found, handlers run here or on the ticker, answers out. */
#include "web/facts.h"
#include "web/hooks.h"

#include "app/clock.h"
#include "app/courier.h"
#include "app/links.h"
#include "app/messages.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { HTTP_THREADS = 4, OUT_START = 1024 };

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

/* The route, or NULL; *other: the path exists under another method. */
static const struct route *find_route(struct request *r, bool *other)
{
	const char *method = strcmp(r->method, "HEAD") == 0 ? "GET" : r->method;
	*other = false;
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!match(ROUTES[i].path, r->path, r->args))
			continue;
		if (strcmp(ROUTES[i].method, method) == 0)
			return &ROUTES[i];
		*other = true;
	}
	return NULL;
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

static void security_headers(struct MHD_Response *m, bool page)
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
	(void)MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
	(void)MHD_add_response_header(m, "X-Frame-Options", "DENY");
	(void)MHD_add_response_header(m, "Referrer-Policy", "no-referrer");
	(void)MHD_add_response_header(m, "Cross-Origin-Opener-Policy", "same-origin");
	(void)MHD_add_response_header(m, "Permissions-Policy", "camera=(), microphone=(), geolocation=()");
}

static enum MHD_Result send_answer(struct request *r)
{
	struct MHD_Response *m = r->ready;
	r->ready = NULL;
	if (!m) {
		m = MHD_create_response_from_buffer(r->out.n, r->out.p ? r->out.p : (void *)"",
		                                    MHD_RESPMEM_MUST_FREE * (r->out.p != NULL));
		if (r->out.p)
			r->out = (struct buf){ .max = r->out.max };
		(void)MHD_add_response_header(m, "Cache-Control", "no-store");
		(void)MHD_add_response_header(m, "Content-Type", r->type ? r->type : "application/json");
	}
	if (!m)
		return MHD_NO;
	security_headers(m, r->route && r->route->flags & PAGE);
	for (size_t i = 0; i < r->header_count; i++)
		(void)MHD_add_response_header(m, r->headers[i].name, r->headers[i].value.p);
	if (r->status >= 400)
		r->web->counters.refused++;
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
	bool other = false;
	if (r->bad) {
		request_problem(r, 400, "the path is longer than %zu bytes", sizeof r->path - 1);
	} else if (!r->route && (find_route(r, &other) || other)) {
		request_problem(r, 405, "this path does not take %s", r->method);
	} else if (!r->route) {
		if (strncmp(r->path, "/api/", 5) != 0 && (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0))
			on_static(r);
		else
			request_problem(r, 404, "there is nothing at this path; /api/v1/openapi.json lists what there is");
	} else if (r->too_large) {
		request_problem(r, 413, "the request is larger than %d bytes: send it in parts",
		                r->route->flags & BIG_BODY ? WEB_FACTS_BODY_MAX : WEB_BODY_MAX);
	} else {
		auth_identify(r);
		if (auth_allowed(r) && !again_known(r)) {
			if (r->route->flags & ON_TICKER)
				r->next = r->route->handler;
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
	return send_answer(r);
}

static struct request *request_new(struct web *w, struct MHD_Connection *c, const char *url, const char *method)
{
	struct request *r = worker_request();
	r->web = w;
	r->connection = c;
	r->method = method;
	r->bad = strlen(url) >= sizeof r->path;
	snprintf(r->path, sizeof r->path, "%s", url);
	bool other;
	r->route = r->bad ? NULL : find_route(r, &other);
	buf_init(&r->body, r->route && r->route->flags & BIG_BODY ? WEB_FACTS_BODY_MAX : WEB_BODY_MAX);
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
	(void)version;
	if (!r) {
		*state = request_new(ctx, c, url, method);
		return MHD_YES;
	}
	if (*size) {
		buf_add(&r->body, data, *size);
		r->too_large |= r->body.full;
		*size = 0;
		return MHD_YES;
	}
	return take(r);
}

static void on_end(void *ctx, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct request *r = *state;
	(void)ctx;
	(void)c;
	(void)why;
	if (!r)
		return;
	request_release(r);
	facts_release(r);
	if (r->ready)
		MHD_destroy_response(r->ready);
	buf_release(&r->body);
	buf_release(&r->out);
	worker_keep(r);
	*state = NULL;
}

/* ---- the life of the server ---- */

static bool parse_listen(const char *text, struct sockaddr_in *out, struct err *err)
{
	char host[64];
	struct str port = STR("8025");
	int64_t number;
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	if (colon)
		port = str_from(colon + 1);
	if (n >= sizeof host)
		return err_set(err, ERR_INPUT, "--listen: \"%s\" is not ADDRESS:PORT such as 127.0.0.1:8025", text);
	memcpy(host, text, n);
	host[n] = 0;
	*out = (struct sockaddr_in){ .sin_family = AF_INET };
	if (!str_i64(port, &number) || number < 0 || number > 65535 ||
	    inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &out->sin_addr) != 1)
		return err_set(err, ERR_INPUT, "--listen: \"%s\" is not ADDRESS:PORT such as 127.0.0.1:8025", text);
	out->sin_port = htons((uint16_t)number);
	return true;
}

static bool start_http(struct web *w, struct err *err)
{
	struct sockaddr_in at;
	if (!parse_listen(w->o.listen, &at, err))
		return false;
	w->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, w,
	                             MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS,
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(32 << 10), MHD_OPTION_CONNECTION_LIMIT,
	                             (unsigned)WEB_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEB_IDLE_S,
	                             MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
	                             MHD_OPTION_END);
	if (!w->daemon)
		return err_errno(err, "cannot listen at %s; choose another with --listen", w->o.listen);
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_BIND_PORT);
	char host[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &at.sin_addr, host, sizeof host);
	unsigned port = info ? info->port : ntohs(at.sin_port);
	snprintf(w->listens_at, sizeof w->listens_at, "%s:%u", host, port);
	printf("relance: serving at http://%s:%u\n", host, port);
	if (w->setup_token[0])
		printf("relance: nobody has an account yet; make the owner's at http://%s:%u/setup?token=%s\n", host, port,
		       w->setup_token);
	fflush(stdout);
	return true;
}

static void web_release(struct web *w)
{
	jobs_release(w);
	auth_release(w);
	writer_free(w);
	message_set_free(w->messages);
	visits_release(w);
	courier_free(w->courier);
	pthread_rwlock_destroy(&w->world);
	pthread_rwlock_destroy(&w->messages_lock);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	sodium_memzero(w->link_key, sizeof w->link_key);
	free(w);
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
	struct web *w = mem_alloc(sizeof *w);
	w->o = *o;
	w->stop = stop;
	w->started = clock_monotonic();
	pthread_mutex_init(&w->lock, NULL);
	pthread_rwlock_init(&w->world, NULL);
	pthread_rwlock_init(&w->messages_lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	writer_new(w);
	hooks_new(w);
	bool ok = open_all(w, err) && ticker_start(w, err);
	if (ok) {
		ok = writer_start(w, err) && hooks_start(w, err) && start_http(w, err);
		while (ok && !*stop)
			nanosleep(&(struct timespec){ 0, 100 * 1000000L }, NULL);
		if (w->daemon)
			MHD_quiesce_daemon(w->daemon); /* nobody new; those here are answered by the ticker's last turn */
		hooks_stop(w);
		writer_stop(w);
		ticker_stop(w);
		if (w->daemon)
			MHD_stop_daemon(w->daemon);
	}
	hooks_stop(w);
	web_release(w);
	return ok;
}
