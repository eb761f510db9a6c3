/* smtp: the loop over all sessions, and what is common to them. */
#include "channel/smtp.h"

#include "base/arena.h"
#include "channel/smtp_session.h"

#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>

static const char *const RESULTS[] = { "accepted", "deferred", "refused", "uncertain", "withdrawn" };

const char *smtp_result_name(enum smtp_result r)
{
	return RESULTS[r];
}

/* ---- the loop ---- */

static void on_connected(struct sender *s, struct session *x)
{
	if (!smtp_io_connected(&x->io)) {
		session_lost(s, x, "cannot connect");
	} else if (s->server->tls == SMTP_TLS_WRAPPED) {
		session_start_tls(s, x);
	} else {
		x->phase = PHASE_OPENING;
		session_await(s, x, STEP_GREETING);
	}
}

static void on_event(struct sender *s, struct session *x, short events)
{
	if (x->phase == PHASE_CONNECTING) {
		if (events & (POLLOUT | POLLERR | POLLHUP))
			on_connected(s, x);
	} else if (x->phase == PHASE_HANDSHAKE) {
		session_handshake(s, x);
	} else if (events & (POLLIN | POLLERR | POLLHUP)) {
		session_input(s, x);
	}
}

static void flush(struct sender *s, struct session *x)
{
	uint64_t before = x->io.written;
	if (x->phase >= PHASE_OPENING && smtp_io_flush(&x->io) == IO_CLOSED) {
		session_input(s, x); /* the server may have said why before it closed */
		if (x->phase != PHASE_CLOSED)
			session_lost(s, x, "the connection was lost");
	} else if (x->io.written > before && x->step_count && x->steps[0] == STEP_END) {
		x->deadline = sender_now_ms() + s->limits.data_ms; /* a large mail on a slow line: counts from its last byte */
	}
}

/* Asks the caller once for all mails whose envelope is about to go. */
static void commit(struct sender *s)
{
	const struct smtp_mail *mails[SMTP_SESSIONS_MAX];
	struct session *owners[SMTP_SESSIONS_MAX];
	bool go[SMTP_SESSIONS_MAX];
	size_t count = 0;
	for (int i = 0; i < s->limits.sessions; i++)
		if (s->sessions[i].ready_to_commit) {
			owners[count] = &s->sessions[i];
			mails[count] = &s->sessions[i].envelope.mail;
			go[count++] = true;
		}
	if (count && s->hooks->before_data)
		s->hooks->before_data(s->hooks->ctx, mails, go, count);
	for (size_t i = 0; i < count; i++) {
		if (go[i]) {
			session_say_envelope(s, owners[i]);
		} else {
			owners[i]->ready_to_commit = false;
			session_settle(s, &owners[i]->envelope, SMTP_WITHDRAWN, "withdrawn");
		}
	}
}

/* Is there a reason to connect? Before the first success yes (the server may be unusable, and no mail is then touched);
 * later only with a mail in hand. */
static bool worth_connecting(struct sender *s)
{
	bool open = false;
	for (int i = 0; i < s->limits.sessions; i++)
		open = open || s->sessions[i].phase != PHASE_CLOSED;
	if (s->dead || (s->done && !s->held.used))
		return false;
	if (!open && s->was_ready && !s->held.used)
		s->held.used = sender_ask(s, &s->held.mail);
	return s->held.used || !s->done;
}

/* Connections that carry no mail end at once, the others are given stop_ms to be answered. */
static void stop(struct sender *s, int64_t now)
{
	if (!s->stop_at) {
		s->stop_at = now + s->limits.stop_ms;
		s->done = true;
	}
	if (s->held.used) {
		session_settle(s, &s->held, SMTP_DEFERRED, "stopped");
		s->held.used = false;
	}
	for (int i = 0; i < s->limits.sessions; i++) {
		struct session *x = &s->sessions[i];
		bool begun = x->body.used || x->envelope.used;
		bool opens = x->phase == PHASE_CONNECTING || x->phase == PHASE_HANDSHAKE || x->phase == PHASE_OPENING;
		if (!begun && x->phase != PHASE_CLOSED && (opens || now >= s->stop_at))
			session_close(s, x, 0);
		if (!begun || now < s->stop_at)
			continue;
		s->dead = true;
		err_set(s->err, ERR_WORLD, "mail server %s:%s: silent until the end", s->server->host, s->server->port);
		session_lost(s, x, "stopped");
	}
}

static bool advance(struct sender *s) /* between two polls; false when all is done */
{
	int64_t now = sender_now_ms();
	bool open = false;
	if (sender_told_to_stop(s))
		stop(s, now);
	for (int i = 0; i < s->limits.sessions; i++) {
		struct session *x = &s->sessions[i];
		bool turn =
			i == 0 || s->sessions[i - 1].phase == PHASE_READY || s->sessions[i - 1].open_at > now; /* one by one */
		if (x->phase == PHASE_CLOSED && turn && now >= x->open_at && (s->held.used || now >= s->wait_until) &&
		    worth_connecting(s) && (s->held.used || now >= s->wait_until)) {
			session_open(s, x);
		} else if (x->phase != PHASE_CLOSED && now >= x->deadline) {
			if (x->phase == PHASE_READY && x->step_count == 0 && !x->envelope.used)
				session_quit(s, x); /* idle for long */
			else if (x->phase == PHASE_QUITTING)
				session_close(s, x, 0);
			else
				session_lost(s, x, x->phase == PHASE_CONNECTING ? "cannot connect in time" : "no reply in time");
		}
		session_go_on(s, x);
	}
	commit(s);
	for (int i = 0; i < s->limits.sessions; i++) {
		flush(s, &s->sessions[i]);
		if (s->done || s->dead)
			session_go_on(s, &s->sessions[i]);
		open = open || s->sessions[i].phase != PHASE_CLOSED;
	}
	return open || (!s->dead && (!s->done || s->held.used));
}

static int64_t next_deadline(const struct sender *s, int64_t now)
{
	int64_t next = now + 1000;
	if (s->wait_until > now && s->wait_until < next)
		next = s->wait_until;
	for (int i = 0; i < s->limits.sessions; i++) {
		const struct session *x = &s->sessions[i];
		int64_t at = x->phase == PHASE_CLOSED ? x->open_at : x->deadline;
		if (at < next &&
		    (x->phase != PHASE_CLOSED || at > now)) /* a closed one whose time has come waits for its turn */
			next = at;
	}
	return next > now ? next - now : 0;
}

static void loop(struct sender *s)
{
	struct pollfd fds[SMTP_SESSIONS_MAX];
	struct session *owners[SMTP_SESSIONS_MAX];
	while (advance(s)) {
		nfds_t count = 0;
		for (int i = 0; i < s->limits.sessions; i++) {
			struct session *x = &s->sessions[i];
			if (x->phase == PHASE_CLOSED)
				continue;
			short events = x->phase == PHASE_CONNECTING ? POLLOUT : smtp_io_events(&x->io);
			owners[count] = x;
			fds[count++] = (struct pollfd){ x->io.fd, events, 0 };
		}
		bool begin = false; /* a session that can go on without waiting */
		for (nfds_t i = 0; i < count; i++)
			begin = begin || owners[i]->ready_to_commit;
		poll(fds, count, begin ? 0 : (int)next_deadline(s, sender_now_ms()));
		for (nfds_t i = 0; i < count; i++)
			if (fds[i].revents && owners[i]->phase != PHASE_CLOSED)
				on_event(s, owners[i], fds[i].revents);
	}
}

/* ---- beginning and end ---- */

static SSL_CTX *tls_context(const struct smtp_server *server, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	bool checked = server->tls != SMTP_TLS_IF_OFFERED;
	if (ctx && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    (!checked || (server->ca_file ? SSL_CTX_load_verify_file(ctx, server->ca_file) == 1
	                                  : SSL_CTX_set_default_verify_paths(ctx) == 1))) {
		SSL_CTX_set_verify(ctx, checked ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		return ctx;
	}
	SSL_CTX_free(ctx);
	ERR_clear_error();
	err_set(err, ERR_INPUT, "mail server %s: cannot read the certificates to trust%s%s", server->host,
	        server->ca_file ? " in " : "", server->ca_file ? server->ca_file : "");
	return NULL;
}

static int or_default(int value, int otherwise)
{
	return value > 0 ? value : otherwise;
}

static struct smtp_limits with_defaults(const struct smtp_limits *l)
{
	int sessions = or_default(l->sessions, 4);
	return (struct smtp_limits){
		.sessions = sessions > SMTP_SESSIONS_MAX ? SMTP_SESSIONS_MAX : sessions,
		.mails_per_session = or_default(l->mails_per_session, 1000),
		.connect_ms = or_default(l->connect_ms, 30000),
		.reply_ms = or_default(l->reply_ms, 300000),
		.data_ms = or_default(l->data_ms, 600000),
		.retry_ms = or_default(l->retry_ms, 1000),
		.failures = or_default(l->failures, 5),
		.stop_ms = or_default(l->stop_ms, 10000),
	};
}

bool smtp_run(const struct smtp_server *server, const struct smtp_limits *limits, const struct smtp_hooks *hooks,
              struct smtp_counts *counts, struct err *err)
{
	*counts = (struct smtp_counts){ 0 };
	struct sender s = {
		.server = server, .limits = with_defaults(limits), .hooks = hooks, .counts = counts, .err = err
	};
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	int code = getaddrinfo(server->host, server->port, &hints, &s.addresses);
	if (code != 0)
		return err_set(err, ERR_WORLD, "mail server %s:%s: %s", server->host, server->port, gai_strerror(code));
	if (server->tls != SMTP_TLS_NONE && !(s.tls = tls_context(server, err))) {
		freeaddrinfo(s.addresses);
		return false;
	}
	s.sessions = mem_alloc((size_t)s.limits.sessions * sizeof *s.sessions);
	for (int i = 0; i < s.limits.sessions; i++)
		smtp_io_init(&s.sessions[i].io);
	loop(&s);
	if (s.held.used)
		session_settle(&s, &s.held, SMTP_DEFERRED, err->text);
	for (int i = 0; i < s.limits.sessions; i++)
		smtp_io_release(&s.sessions[i].io);
	free(s.sessions);
	SSL_CTX_free(s.tls);
	freeaddrinfo(s.addresses);
	return !s.dead;
}
