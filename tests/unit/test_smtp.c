/* test_smtp: the sender against a server that plays the dialogues of tests/case/smtp (see the README there). The server
 * is a thread; connections are played one after the other. */
#include "channel/mailpart.h"
#include "channel/smtp.h"
#include "data.h"
#include "unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAILS_MAX = 8, LINES_MAX = 400, LINE_MAX_BYTES = 200, WAIT_MS = 20000 };

struct play {
	char lines[LINES_MAX][LINE_MAX_BYTES];
	int line_count, mails, sessions, retries, reply_ms, withdraw, utf8;
	size_t size;
	bool user, starttls;
	/* sender's side */
	struct smtp_mail mail[MAILS_MAX + 1];
	char from[MAILS_MAX + 1][40], to[MAILS_MAX + 1][40];
	int offers[MAILS_MAX + 1], outcomes[MAILS_MAX + 1], queue[MAILS_MAX * 8], head, tail, committed[MAILS_MAX + 1];
	char last[MAILS_MAX + 1][40];
	/* server's side */
	int listener, fd, port, taken[MAILS_MAX + 1], maybe[MAILS_MAX + 1];
	SSL *ssl;
	SSL_CTX *tls;
	char *in;
	size_t in_n;
	char failure[400];
};

/* ---- the server ---- */

static bool complain(struct play *p, const char *what, const char *line)
{
	if (!p->failure[0])
		snprintf(p->failure, sizeof p->failure, "%s: \"%.100s\"; the sender said \"%.120s\"", what, line,
		         p->in_n ? p->in : "");
	return false;
}

enum { IN_ROOM = 40 << 20 };

static bool more(struct play *p) /* reads a little; false at the end or after WAIT_MS */
{
	struct pollfd f = { p->fd, POLLIN, 0 };
	if (!(p->ssl && SSL_pending(p->ssl)) && poll(&f, 1, WAIT_MS) <= 0)
		return false;
	ssize_t n = p->ssl ? SSL_read(p->ssl, p->in + p->in_n, 65536) : recv(p->fd, p->in + p->in_n, 65536, 0);
	if (n <= 0 || p->in_n + (size_t)n + 65536 > IN_ROOM)
		return false;
	p->in_n += (size_t)n;
	p->in[p->in_n] = '\0';
	return true;
}

static void drop(struct play *p, size_t n)
{
	memmove(p->in, p->in + n, p->in_n - n + 1);
	p->in_n -= n;
}

static bool client_says(struct play *p, const char *wanted)
{
	char *end;
	while ((end = strstr(p->in, "\r\n")) == NULL)
		if (!more(p))
			return complain(p, "expected", wanted);
	size_t n = (size_t)(end - p->in), w = strlen(wanted);
	bool star = w && wanted[w - 1] == '*';
	bool ok = star ? n >= w - 1 && memcmp(p->in, wanted, w - 1) == 0 : n == w && memcmp(p->in, wanted, w) == 0;
	if (!ok)
		return complain(p, "expected", wanted);
	drop(p, n + 2);
	return true;
}

static bool same_mail(const struct smtp_mail *m, const char *data, size_t n) /* dots undone */
{
	size_t at = 0;
	bool start = true;
	for (size_t i = 0; i < n; i++) {
		if (start && data[i] == '.' && ++i >= n)
			return false;
		if (at >= m->data.n || data[i] != m->data.p[at++])
			return false;
		start = data[i] == '\n';
	}
	return at == m->data.n;
}

static bool client_sends(struct play *p, int mail)
{
	char *end;
	size_t from = 0; /* searched up to here */
	while ((end = memmem(p->in + from, p->in_n - from, "\r\n.\r\n", 5)) == NULL) {
		from = p->in_n > 4 ? p->in_n - 4 : 0;
		if (!more(p))
			return complain(p, "expected", "the end of data");
	}
	size_t n = (size_t)(end - p->in) + 2;
	if (mail && !same_mail(&p->mail[mail], p->in, n))
		return complain(p, "the data is not that of the mail", "");
	drop(p, n + 3);
	return true;
}

static void server_says(struct play *p, const char *text)
{
	char line[LINE_MAX_BYTES + 8];
	size_t n = 0;
	for (const char *c = text; *c; c++) {
		if (strncmp(c, "\\r\\n", 4) == 0) {
			line[n++] = '\r', line[n++] = '\n', c += 3;
			continue;
		}
		line[n++] = *c;
	}
	line[n++] = '\r', line[n++] = '\n';
	if (p->ssl)
		SSL_write(p->ssl, line, (int)n);
	else if (send(p->fd, line, n, MSG_NOSIGNAL) < 0)
		complain(p, "cannot say", text);
}

static void hang_up(struct play *p, bool rst)
{
	if (rst) {
		struct linger l = { 1, 0 };
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	}
	if (p->ssl)
		SSL_free(p->ssl);
	p->ssl = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->in_n = 0;
	p->in[0] = '\0';
}

static bool play_line(struct play *p, const char *line, int *got)
{
	const char *rest = line[0] && line[1] ? line + 2 : "";
	bool ends = strcmp(line, "reset") == 0 || strcmp(line, "close") == 0 || strcmp(line, "silence") == 0;
	if (*got) { /* what becomes of the mail just received */
		if (strncmp(line, "S 2", 3) == 0)
			p->taken[*got]++;
		else if (ends)
			p->maybe[*got]++;
		if (line[0] == 'S' || ends)
			*got = 0;
	}
	if (line[0] == 'S') {
		server_says(p, rest);
		return true;
	}
	if (line[0] == 'C')
		return client_says(p, rest);
	if (line[0] == 'M') {
		*got = rest[0] - '0';
		return client_sends(p, *got);
	}
	if (line[0] == 'V')
		return client_says(p, ".");
	if (strcmp(line, "half") == 0) {
		bool some = p->in_n > 0 || more(p);
		hang_up(p, true);
		return some || complain(p, "no data came", "");
	}
	if (strcmp(line, "tls") == 0) {
		p->ssl = SSL_new(p->tls);
		SSL_set_fd(p->ssl, p->fd);
		return SSL_accept(p->ssl) == 1 || complain(p, "TLS failed", "");
	}
	if (strcmp(line, "silence") == 0)
		while (more(p))
			;
	hang_up(p, strcmp(line, "reset") == 0);
	return true;
}

static void *serve(void *arg)
{
	struct play *p = arg;
	bool ok = true;
	int got = 0;
	for (int i = 0; i < p->line_count && ok; i++) {
		const char *line = p->lines[i];
		if (strcmp(line, "connection") == 0) {
			hang_up(p, false);
			struct pollfd f = { p->listener, POLLIN, 0 };
			if (poll(&f, 1, WAIT_MS) <= 0 || (p->fd = accept(p->listener, NULL, NULL)) < 0)
				ok = complain(p, "nobody connects", "");
		} else {
			ok = play_line(p, line, &got);
		}
	}
	if (p->fd >= 0) { /* let the sender read the last words */
		struct pollfd f = { p->fd, POLLIN, 0 };
		poll(&f, 1, 200);
	}
	hang_up(p, false);
	close(p->listener);
	return NULL;
}

static void listen_here(struct play *p)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	int small = 32768; /* so that a large mail cannot all stand in the kernel's buffers */
	setsockopt(p->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	ck_assert_int_eq(bind(p->listener, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(p->listener, 16), 0);
	ck_assert_int_eq(getsockname(p->listener, (struct sockaddr *)&a, &n), 0);
	p->port = ntohs(a.sin_port);
}

/* A certificate for localhost, trusted through a file. */
static void certificate(struct play *p, char *file)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME *name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
	X509_add_ext(x, alt, -1);
	X509_EXTENSION_free(alt);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	snprintf(file, 40, "%s", "/tmp/relance-cert-XXXXXX");
	FILE *f = fdopen(mkstemp(file), "w");
	PEM_write_X509(f, x);
	fclose(f);
	p->tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(p->tls, x);
	SSL_CTX_use_PrivateKey(p->tls, key);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* ---- the sender ---- */

static enum smtp_next next_mail(void *ctx, struct smtp_mail *out, int *wait_ms)
{
	struct play *p = ctx;
	if (p->head == p->tail) {
		int open = 0; /* what is still on its way may be deferred and come back */
		for (int i = 1; i <= p->mails; i++)
			open += p->offers[i] - p->outcomes[i];
		*wait_ms = 5;
		return open ? SMTP_WAIT : SMTP_DONE;
	}
	int i = p->queue[p->head++];
	p->offers[i]++;
	*out = p->mail[i];
	return SMTP_MAIL;
}

static void before_data(void *ctx, const struct smtp_mail *const *mails, bool *go, size_t count)
{
	struct play *p = ctx;
	for (size_t k = 0; k < count; k++) {
		int i = (int)(intptr_t)mails[k]->tag;
		p->committed[i]++;
		if (i == p->withdraw)
			go[k] = false;
	}
}

static void outcome(void *ctx, const struct smtp_mail *mail, const struct smtp_outcome *o)
{
	struct play *p = ctx;
	int i = (int)(intptr_t)mail->tag;
	p->outcomes[i]++;
	snprintf(p->last[i], sizeof p->last[i], "%s %s", smtp_result_name(o->result),
	         bounce_verdict_name(o->refusal.verdict));
	if (o->result == SMTP_DEFERRED && p->offers[i] <= p->retries)
		p->queue[p->tail++] = i;
}

static void make_mails(struct play *p)
{
	char *body = malloc(p->size + 400);
	size_t n = 0;
	while (n < p->size)
		n += (size_t)snprintf(body + n, p->size + 400 - n, "%s line %zu\r\n", n % 7 == 0 ? ".a dot" : "a", n);
	for (int i = 1; i <= p->mails; i++) {
		char *data = malloc(n + 300);
		int h = snprintf(data, 300, "From: b@shop.example\r\nSubject: %d\r\n\r\n.\r\n..\r\n", i);
		memcpy(data + h, body, n);
		snprintf(p->from[i], sizeof p->from[i], "b%d@shop.example", i);
		snprintf(p->to[i], sizeof p->to[i], "p%d@example.com", i);
		p->mail[i] = (struct smtp_mail){ .from = str_from(p->from[i]),
			                             .to = str_from(p->to[i]),
			                             .data = { data, (size_t)h + n },
			                             .smtputf8 = i == p->utf8,
			                             .tag = (void *)(intptr_t)i };
		p->queue[p->tail++] = i;
	}
	free(body);
}

/* ---- a case ---- */

static bool setting(struct play *p, const char *line, char expects[][LINE_MAX_BYTES], int *expect_count)
{
	int v;
	if (line[0] == '#' || line[0] == '\0')
		return true;
	if (sscanf(line, "mails %d", &p->mails) == 1 || sscanf(line, "sessions %d", &p->sessions) == 1 ||
	    sscanf(line, "retries %d", &p->retries) == 1 || sscanf(line, "reply_ms %d", &p->reply_ms) == 1 ||
	    sscanf(line, "withdraw %d", &p->withdraw) == 1 || sscanf(line, "utf8 %d", &p->utf8) == 1)
		return true;
	if (sscanf(line, "size %d", &v) == 1) {
		p->size = (size_t)v;
		return true;
	}
	if (strcmp(line, "user") == 0)
		return p->user = true;
	if (strcmp(line, "starttls") == 0)
		return p->starttls = true;
	if (strncmp(line, "expect ", 7) == 0) {
		snprintf(expects[(*expect_count)++], LINE_MAX_BYTES, "%s", line + 7);
		return true;
	}
	return false;
}

static void check_mail(const struct play *p, const char *file, int i)
{
	ck_assert_msg(p->outcomes[i] == p->offers[i], "%s: mail %d: %d offers, %d outcomes", file, i, p->offers[i],
	              p->outcomes[i]);
	ck_assert_msg(p->taken[i] + p->maybe[i] <= 1, "%s: mail %d was taken %d times, and maybe %d times", file, i,
	              p->taken[i], p->maybe[i]);
	bool accepted = strncmp(p->last[i], "accepted", 8) == 0, uncertain = strncmp(p->last[i], "uncertain", 9) == 0;
	ck_assert_msg(p->taken[i] == (accepted ? 1 : 0), "%s: mail %d: %s, but taken %d times", file, i, p->last[i],
	              p->taken[i]);
	ck_assert_msg(p->maybe[i] == (uncertain ? 1 : 0), "%s: mail %d: %s", file, i, p->last[i]);
	ck_assert_msg(!p->taken[i] || p->committed[i], "%s: mail %d was not committed before its data", file, i);
}

static void run_case(const char *path, const char *file)
{
	struct play *p = calloc(1, sizeof *p);
	char expects[16][LINE_MAX_BYTES], line[LINE_MAX_BYTES], port[16], cert[40] = "";
	int expect_count = 0;
	*p = (struct play){ .sessions = 1, .reply_ms = 20000, .size = 60, .fd = -1 };
	p->in = malloc(IN_ROOM);
	p->in[0] = '\0';
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!setting(p, line, expects, &expect_count))
			snprintf(p->lines[p->line_count++], LINE_MAX_BYTES, "%s", line);
	}
	fclose(f);
	make_mails(p);
	listen_here(p);
	if (p->starttls)
		certificate(p, cert);
	pthread_t thread;
	pthread_create(&thread, NULL, serve, p);
	snprintf(port, sizeof port, "%d", p->port);
	struct smtp_server server = { .host = p->starttls ? "localhost" : "127.0.0.1",
		                          .port = port,
		                          .helo = "shop.example",
		                          .tls = p->starttls ? SMTP_TLS_STARTTLS : SMTP_TLS_NONE,
		                          .ca_file = p->starttls ? cert : NULL,
		                          .user = p->user ? "shop" : NULL,
		                          .password = "secret" };
	struct smtp_limits limits = {
		.sessions = p->sessions, .reply_ms = p->reply_ms, .data_ms = p->reply_ms, .retry_ms = 10, .failures = 3
	};
	struct smtp_hooks hooks = { p, next_mail, before_data, outcome, NULL };
	struct smtp_counts counts;
	struct err err = { 0 };
	bool ok = smtp_run(&server, &limits, &hooks, &counts, &err);
	pthread_join(thread, NULL);
	ck_assert_msg(!p->failure[0], "%s: %s (sender: %s)", file, p->failure, err.text);
	const char *failure = NULL;
	for (int i = 0; i < expect_count; i++) {
		int mail, n = 0;
		if (strncmp(expects[i], "failure", 7) == 0) {
			failure = expects[i] + 8;
		} else if (sscanf(expects[i], "%d %n", &mail, &n) == 1 && n) {
			const char *got = p->offers[mail] ? p->last[mail] : "untouched";
			ck_assert_msg(strncmp(got, expects[i] + n, strlen(expects[i] + n)) == 0, "%s: mail %d: expected %s, got %s",
			              file, mail, expects[i] + n, got);
		}
	}
	ck_assert_msg(ok == (failure == NULL), "%s: %s", file, ok ? "did not fail" : err.text);
	if (failure)
		ck_assert_msg(strstr(err.text, failure) != NULL, "%s: failed with \"%s\"", file, err.text);
	for (int i = 1; i <= p->mails; i++) {
		check_mail(p, file, i);
		free((char *)(uintptr_t)p->mail[i].data.p);
	}
	if (cert[0])
		unlink(cert);
	SSL_CTX_free(p->tls);
	free(p->in);
	free(p);
}

START_TEST(smtp_cases)
{
	char folder[512], path[800];
	source_path("tests/case/smtp", folder, sizeof folder);
	DIR *d = opendir(folder);
	ck_assert_ptr_nonnull(d);
	int cases = 0;
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (!str_ends(str_from(e->d_name), STR(".txt")))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		run_case(path, e->d_name);
		cases++;
	}
	closedir(d);
	ck_assert_int_ge(cases, 18);
}
END_TEST

START_TEST(smtp_unreachable)
{
	struct play *p = calloc(1, sizeof *p);
	p->mails = 1, p->size = 10;
	make_mails(p);
	struct smtp_server server = { .host = "127.0.0.1", .port = "1", .helo = "x" };
	struct smtp_limits limits = { .retry_ms = 5, .failures = 3 };
	struct smtp_hooks hooks = { p, next_mail, before_data, outcome, NULL };
	struct smtp_counts counts;
	struct err err;
	ck_assert(!smtp_run(&server, &limits, &hooks, &counts, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "cannot connect"));
	ck_assert_int_eq(p->offers[1], 0);
	free((char *)(uintptr_t)p->mail[1].data.p);
	free(p);
}
END_TEST

UNIT_MAIN("smtp", smtp_cases, smtp_unreachable)
