/* Where the server listens, in the clear or with TLS, and whom it lets in: how many connections, how slowly a request
 * may come, how many a second from one address or with one key.
 *
 * libmicrohttpd closes a connection that says nothing for WEB_IDLE_S. One that says, or takes, a byte now and then
 * would stay for ever, so every connection is listed with the instant since which it is expected to send, or by which
 * it has taken its answer: --request-time and the bytes at SLOWEST_RATE later it is shut. Rates are token buckets by
 * hash; two that share a place share its tokens. */
#include "web/web_int.h"

#include "app/clock.h"
#include "base/hash.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum {
	HTTP_THREADS = 4,
	SLOWEST_RATE = 8 << 10,
	UNSENT_MAX = 16 << 10,
	PEM_MAX = 1 << 20,
	BURST = 3,
	JOIN_AT_ONCE = 5,
	JOIN_EVERY_S = 60,
	VISITOR_RATE = 5
};

/* ---- connections ---- */

struct connection {
	struct connection *before, *after;
	int socket;
	_Atomic bool answering;
	_Atomic int64_t since_ms, received; /* of the request that is coming */
	_Atomic int64_t leaves_by;          /* ms: its answer; 0: none is leaving, or one without an end */
};

static int64_t now_ms(void)
{
	return (int64_t)(clock_monotonic() * 1000);
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode what)
{
	struct web *w = ctx;
	struct connection *k = *state;
	pthread_mutex_lock(&w->doors);
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		k = *state = mem_alloc(sizeof *k);
		k->socket = i ? i->connect_fd : -1;
		k->since_ms = now_ms();
		k->after = w->connections;
		if (k->after)
			k->after->before = k;
		w->connections = k;
		w->connection_count++;
	} else if (k) {
		*(k->before ? &k->before->after : &w->connections) = k->after;
		if (k->after)
			k->after->before = k->before;
		w->connection_count--;
		free(k);
	}
	pthread_mutex_unlock(&w->doors);
}

static struct connection *connection_of(struct request *r)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return i ? i->socket_context : NULL;
}

void door_received(struct request *r, size_t bytes)
{
	struct connection *k = connection_of(r);
	if (k)
		k->received += (int64_t)bytes;
}

void door_answers(struct request *r, bool begins)
{
	struct connection *k = connection_of(r);
	if (!k)
		return;
	k->answering = begins;
	k->received = 0;
	k->leaves_by = 0;
	k->since_ms = now_ms();
}

/* What may take so long to come. */
static int64_t patience_ms(const struct web *w, int64_t bytes)
{
	return w->o.request_s * 1000 + bytes * 1000 / SLOWEST_RATE;
}

void door_sends(struct request *r, size_t bytes)
{
	struct connection *k = connection_of(r);
	if (k)
		k->leaves_by = now_ms() + patience_ms(r->web, (int64_t)bytes);
}

void door_sweep(struct web *w)
{
	int64_t now = now_ms();
	pthread_mutex_lock(&w->doors); /* its socket cannot be another's meanwhile */
	for (struct connection *k = w->connections; k; k = k->after) {
		bool slow = k->answering ? k->leaves_by && now > k->leaves_by : now - k->since_ms > patience_ms(w, k->received);
		if (slow && k->socket >= 0) {
			shutdown(k->socket, SHUT_RDWR);
			k->socket = -1;
			w->counters.slow++;
		}
	}
	pthread_mutex_unlock(&w->doors);
}

/* ---- rates ---- */

/* A peer as far as the limits are concerned: an IPv4 address, or the 64 bits an IPv6 customer is given. 0: this
 * machine. */
static uint64_t peer_hash(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET) {
		const struct in_addr *v4 = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
		return ntohl(v4->s_addr) >> 24 == 127 ? 0 : hash64(v4, sizeof *v4, 7);
	}
	if (a->sa_family != AF_INET6)
		return 0;
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(v6))
		return v6->s6_addr[12] == 127 ? 0 : hash64(v6->s6_addr + 12, 4, 7);
	return IN6_IS_ADDR_LOOPBACK(v6) ? 0 : hash64(v6, 8, 8);
}

static bool parse_address(const char *text, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, text, &((struct sockaddr_in *)(void *)out)->sin_addr) == 1)
		out->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)(void *)out)->sin6_addr) == 1)
		out->ss_family = AF_INET6;
	return out->ss_family != 0;
}

/* A web server on this machine says whom it forwards for: the last address, which it added itself. */
uint64_t door_client(struct request *r)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	uint64_t peer = i && i->client_addr ? peer_hash(i->client_addr) : 0;
	const char *by = peer ? NULL : request_header(r, "X-Forwarded-For");
	if (!by)
		return peer;
	const char *comma = strrchr(by, ',');
	struct str last = str_trim(str_from(comma ? comma + 1 : by));
	char text[INET6_ADDRSTRLEN];
	struct sockaddr_storage at;
	if (last.n >= sizeof text)
		return 0;
	snprintf(text, sizeof text, "%.*s", STR_ARG(last));
	return parse_address(text, &at) ? peer_hash((struct sockaddr *)&at) : 0;
}

bool door_secure(struct request *r)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *by = request_header(r, "X-Forwarded-Proto");
	return r->web->o.tls_cert || (by && strcmp(by, "https") == 0 && i && i->client_addr && !peer_hash(i->client_addr));
}

/* Takes a token; else the seconds after which there is one. */
static double take_token(struct web *w, uint64_t who, double per_second, double most)
{
	struct bucket *b = &w->buckets[who % BUCKETS];
	double now = clock_monotonic();
	pthread_mutex_lock(&w->doors);
	b->tokens = b->at > 0 ? fmin(most, b->tokens + (now - b->at) * per_second) : most;
	b->at = now;
	double wait = b->tokens >= 1 ? 0 : (1 - b->tokens) / per_second;
	b->tokens -= wait > 0 ? 0 : 1;
	pthread_mutex_unlock(&w->doors);
	return wait;
}

static bool within(struct request *r, uint64_t who, int per_second, const char *whose)
{
	double wait = per_second && who ? take_token(r->web, who, per_second, (double)per_second * BURST) : 0;
	if (wait <= 0)
		return true;
	request_add_header(r, "Retry-After", arena_printf(&r->arena, "%d", (int)ceil(wait)));
	request_problem(r, 429, "more than %d requests a second %s: wait %d s", per_second, whose, (int)ceil(wait));
	r->web->counters.limited++;
	return false;
}

bool door_lets_in(struct request *r)
{
	if (r->who.may == MAY_RECOMMEND) { /* all visitors of a shop have the same key */
		uint64_t who = door_client(r);
		return within(r, who ? hash_mix(who, 'r') : 0, VISITOR_RATE, "from this address");
	}
	if (r->key_used)
		return within(r, hash64(r->who.actor, strlen(r->who.actor), 9), r->web->o.rate_key, "with this key");
	return within(r, door_client(r), r->web->o.rate, "from this address");
}

int door_lets_join(struct request *r)
{
	uint64_t who = door_client(r);
	double wait = who ? take_token(r->web, hash_mix(who, 'j'), 1.0 / JOIN_EVERY_S, JOIN_AT_ONCE) : 0;
	if (wait <= 0)
		return 0;
	request_add_header(r, "Retry-After", arena_printf(&r->arena, "%d", (int)ceil(wait)));
	r->web->counters.limited++;
	return (int)ceil(wait);
}

/* ---- listening ---- */

static bool bad_listen(const char *text, struct err *err)
{
	return err_set(err, ERR_INPUT, "--listen: \"%s\" is not ADDRESS:PORT such as 127.0.0.1:8025 or [::1]:8025", text);
}

/* "HOST", "HOST:PORT", "[V6]", "[V6]:PORT". */
static bool parse_listen(const char *text, struct sockaddr_storage *out, struct err *err)
{
	char host[64];
	struct str port = STR("8025");
	int64_t number;
	bool six = text[0] == '[';
	const char *close = six ? strchr(text, ']') : NULL, *colon = strrchr(six ? close ? close : "" : text, ':');
	const char *end = six ? close : colon ? colon : text + strlen(text);
	size_t n = end ? (size_t)(end - text) - six : sizeof host;
	if (colon)
		port = str_from(colon + 1);
	if (n >= sizeof host || (six && close[1] != 0 && close + 1 != colon))
		return bad_listen(text, err);
	memcpy(host, text + six, n);
	host[n] = 0;
	if (!str_i64(port, &number) || number < 0 || number > 65535 ||
	    !parse_address(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, out) || six != (out->ss_family == AF_INET6))
		return bad_listen(text, err);
	if (six)
		((struct sockaddr_in6 *)(void *)out)->sin6_port = htons((uint16_t)number);
	else
		((struct sockaddr_in *)(void *)out)->sin_port = htons((uint16_t)number);
	return true;
}

static bool read_pem(const char *path, struct buf *out, struct err *err)
{
	char block[4096];
	size_t n;
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_errno(err, "%s: cannot be read", path);
	buf_init(out, PEM_MAX);
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		buf_add(out, block, n);
	bool ok = !ferror(f) && !out->full && out->n;
	fclose(f);
	if (!ok)
		buf_release(out);
	return ok || err_set(err, ERR_INPUT, "%s is no PEM file", path);
}

static void print_where(struct web *w, const struct sockaddr_storage *at, unsigned port)
{
	char host[INET6_ADDRSTRLEN];
	bool six = at->ss_family == AF_INET6;
	const void *bytes = six ? (const void *)&((const struct sockaddr_in6 *)(const void *)at)->sin6_addr
	                        : (const void *)&((const struct sockaddr_in *)(const void *)at)->sin_addr;
	const char *scheme = w->o.tls_cert ? "https" : "http";
	inet_ntop(at->ss_family, bytes, host, sizeof host);
	snprintf(w->listens_at, sizeof w->listens_at, six ? "[%s]:%u" : "%s:%u", host, port);
	printf("relance: serving at %s://%s\n", scheme, w->listens_at);
	if (w->setup_token[0])
		printf("relance: nobody has an account yet; make the owner's at %s://%s/setup?token=%s\n", scheme,
		       w->listens_at, w->setup_token);
	fflush(stdout);
}

/* An answer waits here, not in the kernel: it cuts what it holds for a reader with a window of a few bytes into pieces
 * as small, each with a kilobyte of its own. A thousand such readers of one large file had all threads busy for
 * seconds.
 */
static void send_sparingly(struct MHD_Daemon *d)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_LISTEN_FD);
	int unsent = UNSENT_MAX;
	if (info && info->listen_fd >= 0) /* connections have it from there; without it, too, all works */
		(void)setsockopt(info->listen_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

static void raise_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* As libmicrohttpd's own, but a NUL stays as it came, "%00": it would end the path, or what is asked, there. */
static size_t unescape(void *ctx, struct MHD_Connection *c, char *s)
{
	char *to = s;
	(void)ctx;
	(void)c;
	for (const char *from = s; *from; to++) {
		char hex[3] = { from[0] == '%' ? from[1] : 0, 0, 0 };
		hex[1] = hex[0] ? from[2] : 0;
		bool coded = isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1]) && strcmp(hex, "00") != 0;
		*to = coded ? (char)strtol(hex, NULL, 16) : *from;
		from += coded ? 3 : 1;
	}
	*to = 0;
	return (size_t)(to - s);
}

bool door_open(struct web *w, MHD_AccessHandlerCallback handler, MHD_RequestCompletedCallback end, struct err *err)
{
	struct sockaddr_storage at;
	struct buf cert = { .p = NULL }, secret = { .p = NULL };
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
	if (!parse_listen(w->o.listen, &at, err))
		return false;
	if (!w->o.tls_cert != !w->o.tls_key)
		return err_set(err, ERR_INPUT, "--tls-cert and --tls-key go together");
	if (w->o.tls_cert && (!read_pem(w->o.tls_cert, &cert, err) || !read_pem(w->o.tls_key, &secret, err))) {
		buf_release(&cert);
		return false;
	}
	if (at.ss_family == AF_INET6)
		flags |= IN6_IS_ADDR_UNSPECIFIED(&((struct sockaddr_in6 *)(void *)&at)->sin6_addr) ? MHD_USE_DUAL_STACK
		                                                                                   : MHD_USE_IPv6;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, cert.p },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, secret.p },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1" },
		{ MHD_OPTION_END, 0, NULL },
	};
	raise_files();
	errno = 0;
	w->daemon = MHD_start_daemon(flags | (cert.p ? MHD_USE_TLS : 0), 0, NULL, NULL, handler, w, MHD_OPTION_SOCK_ADDR,
	                             &at, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS,
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(32 << 10), MHD_OPTION_CONNECTION_LIMIT,
	                             (unsigned)WEB_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEB_IDLE_S,
	                             MHD_OPTION_NOTIFY_COMPLETED, end, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, w,
	                             MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
	                             MHD_OPTION_ARRAY, cert.p ? tls : &tls[ARRAY_LEN(tls) - 1], MHD_OPTION_END);
	int failed = errno;
	buf_release(&cert);
	if (secret.p)
		explicit_bzero(secret.p, secret.n);
	buf_release(&secret);
	errno = failed;
	if (!w->daemon && w->o.tls_cert && !failed)
		return err_set(err, ERR_INPUT, "%s and %s are not a certificate and its key in PEM form", w->o.tls_cert,
		               w->o.tls_key);
	if (!w->daemon)
		return err_errno(err, "cannot listen at %s; choose another with --listen", w->o.listen);
	send_sparingly(w->daemon);
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_BIND_PORT);
	print_where(w, &at, info ? info->port : 0);
	return true;
}
