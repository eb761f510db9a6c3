/* smtp_session: see the header. */
#include "channel/smtp_session.h"

#include "base/arena.h"
#include "channel/mailpart.h"

#include <openssl/err.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

int64_t sender_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- outcomes ---- */

static enum bounce_stage stage_of(enum step step)
{
	return step == STEP_MAIL                       ? STAGE_MAIL
	       : step == STEP_RCPT                     ? STAGE_RCPT
	       : step == STEP_DATA || step == STEP_END ? STAGE_DATA
	                                               : STAGE_CONNECT;
}

static void settle(struct sender *s, struct slot *slot)
{
	s->counts->by_result[slot->outcome.result]++;
	if (slot->outcome.result == SMTP_ACCEPTED)
		s->failures = 0;
	s->hooks->outcome(s->hooks->ctx, &slot->mail, &slot->outcome);
	slot->used = slot->failed = false;
}

void session_settle(struct sender *s, struct slot *slot, enum smtp_result result, const char *words)
{
	slot->outcome = (struct smtp_outcome){ .result = result };
	slot->outcome.refusal.recipient = slot->mail.to;
	if (result == SMTP_DEFERRED)
		slot->outcome.refusal.verdict = BOUNCE_SOFT;
	snprintf(slot->outcome.words, sizeof slot->outcome.words, "%.*s", SMTP_WORDS_MAX - 1, words);
	settle(s, slot);
}

/* What a 4xx or 5xx means, in the words of bounce.h. */
static void judge(struct slot *slot, const struct reply *reply, enum step step)
{
	struct smtp_outcome *o = &slot->outcome;
	struct arena a;
	arena_init(&a);
	struct str words = bounce_words(&a, (struct str){ reply->words, reply->n });
	struct bounce_codes codes;
	bounce_codes_find(words, &codes);
	*o = (struct smtp_outcome){ .result = reply->code < 500 ? SMTP_DEFERRED : SMTP_REFUSED };
	o->refusal.recipient = slot->mail.to;
	o->refusal.reply = reply->code;
	memcpy(o->refusal.status, codes.status, sizeof codes.status);
	o->refusal.reason = bounce_reason_of_text(words, codes.status, stage_of(step), true);
	if (o->refusal.reason == RETURN_UNDEFINED)
		o->refusal.reason = bounce_reason_of_status(codes.status);
	bool hard = o->result == SMTP_REFUSED && codes.status[0] != '4' && bounce_reason_hard(o->refusal.reason);
	o->refusal.verdict = hard                                                                 ? BOUNCE_HARD
	                     : o->result == SMTP_REFUSED && o->refusal.reason == RETURN_UNDEFINED ? BOUNCE_UNKNOWN
	                                                                                          : BOUNCE_SOFT;
	snprintf(o->words, sizeof o->words, "%.*s", (int)reply->n, reply->words);
	arena_release(&a);
}

/* ---- connections ---- */

void session_close(struct sender *s, struct session *x, int64_t again_ms)
{
	smtp_io_close(&x->io);
	x->phase = PHASE_CLOSED;
	x->step_count = x->in_n = 0;
	x->reply = (struct reply){ 0 };
	x->sent = 0;
	x->ready_to_commit = false;
	x->open_at = sender_now_ms() + again_ms;
}

void session_lost(struct sender *s, struct session *x, const char *why)
{
	bool end_left = x->body.used && x->io.written >= x->body.end_at;
	if (x->body.used)
		session_settle(s, &x->body, end_left ? SMTP_UNCERTAIN : SMTP_DEFERRED, why);
	if (x->envelope.used && x->envelope.failed)
		settle(s, &x->envelope);
	else if (x->envelope.used)
		session_settle(s, &x->envelope, SMTP_DEFERRED, why);
	if (x->phase == PHASE_CONNECTING && x->address && x->address->ai_next) { /* the host has another address */
		x->address = x->address->ai_next;
		session_close(s, x, 0);
		return;
	}
	s->failures++;
	int64_t pause = s->limits.retry_ms;
	for (int i = 1; i < s->failures && pause < 60 * (int64_t)s->limits.retry_ms; i++)
		pause *= 2;
	if (x->phase <= PHASE_OPENING)
		x->address = NULL; /* from the host's first address again */
	session_close(s, x, pause);
	if (s->failures >= s->limits.failures && !s->dead) {
		s->dead = true;
		err_set(s->err, ERR_WORLD, "mail server %s:%s: %s (%d times in a row)", s->server->host, s->server->port, why,
		        s->failures);
	}
}

/* The server cannot be used as configured: waiting does not help. */
static void give_up(struct sender *s, struct session *x, const char *why)
{
	if (!s->dead)
		err_set(s->err, ERR_WORLD, "mail server %s:%s: %s", s->server->host, s->server->port, why);
	s->dead = true;
	session_lost(s, x, why);
}

void session_await(struct sender *s, struct session *x, enum step step)
{
	check(x->step_count < STEPS_MAX);
	if (x->step_count == 0)
		x->deadline = sender_now_ms() + (step == STEP_END ? s->limits.data_ms : s->limits.reply_ms);
	x->steps[x->step_count++] = step;
	x->idle = false;
}

void session_open(struct sender *s, struct session *x)
{
	if (!x->address)
		x->address = s->addresses;
	x->phase = PHASE_CONNECTING;
	x->deadline = sender_now_ms() + s->limits.connect_ms;
	s->counts->connections++;
	if (!smtp_io_connect(&x->io, x->address))
		session_lost(s, x, "cannot connect");
}

void session_start_tls(struct sender *s, struct session *x)
{
	if (!smtp_io_tls(&x->io, s->tls, s->server->host)) {
		give_up(s, x, "cannot start TLS");
		return;
	}
	x->phase = PHASE_HANDSHAKE;
	x->deadline = sender_now_ms() + s->limits.connect_ms;
	session_handshake(s, x); /* we speak first */
}

static void say_ehlo(struct sender *s, struct session *x)
{
	x->pipelining = x->starttls = x->auth_plain = x->auth_login = x->utf8 = false;
	x->size_max = 0;
	x->phase = PHASE_OPENING;
	smtp_io_printf(&x->io, "EHLO %.255s\r\n", s->server->helo);
	session_await(s, x, STEP_EHLO);
}

/* ---- mails ---- */

static bool envelope_ok(struct str address, bool may_be_empty)
{
	for (size_t i = 0; i < address.n; i++)
		if ((unsigned char)address.p[i] <= 32 || address.p[i] == '<' || address.p[i] == '>' || address.p[i] == 127)
			return false;
	return address.n ? address.n <= 256 && memchr(address.p, '@', address.n) : may_be_empty;
}

/* What can be refused without asking the server. */
static const char *unsendable(const struct session *x, const struct smtp_mail *m)
{
	if (!envelope_ok(m->from, true) || !envelope_ok(m->to, false))
		return "not a mail address";
	if (m->smtputf8 && !x->utf8)
		return "the mail server does not take addresses beyond ASCII (SMTPUTF8)";
	if (x->size_max && m->data.n > x->size_max)
		return "the mail is larger than the mail server takes";
	return NULL;
}

bool sender_told_to_stop(const struct sender *s)
{
	return s->hooks->stop && atomic_load(s->hooks->stop);
}

/* Asks for the next mail; false when there is none now. */
bool sender_ask(struct sender *s, struct smtp_mail *out)
{
	int wait = 0;
	if (s->done || s->dead || sender_now_ms() < s->wait_until)
		return false;
	if (sender_told_to_stop(s)) {
		s->done = true;
		return false;
	}
	switch (s->hooks->next(s->hooks->ctx, out, &wait)) {
	case SMTP_DONE: s->done = true; return false;
	case SMTP_WAIT: s->wait_until = sender_now_ms() + (wait > 0 ? wait : 1); return false;
	case SMTP_MAIL: return true;
	}
	return false;
}

static void take_mail(struct sender *s, struct session *x)
{
	while (!x->envelope.used) {
		if (s->held.used)
			x->envelope = s->held;
		else if (!sender_ask(s, &x->envelope.mail))
			return;
		s->held.used = x->envelope.failed = false;
		x->envelope.used = true;
		const char *why = unsendable(x, &x->envelope.mail);
		if (why)
			session_settle(s, &x->envelope, SMTP_REFUSED, why);
		else
			x->ready_to_commit = true;
	}
}

static void say_mail(struct sender *s, struct session *x)
{
	const struct smtp_mail *m = &x->envelope.mail;
	char size[40] = "";
	if (x->size_max)
		snprintf(size, sizeof size, " SIZE=%zu", m->data.n);
	smtp_io_printf(&x->io, "MAIL FROM:<%.*s>%s%s\r\n", STR_ARG(m->from), size, m->smtputf8 ? " SMTPUTF8" : "");
	session_await(s, x, STEP_MAIL);
}

static void say_rcpt(struct sender *s, struct session *x)
{
	smtp_io_printf(&x->io, "RCPT TO:<%.*s>\r\n", STR_ARG(x->envelope.mail.to));
	session_await(s, x, STEP_RCPT);
}

static void say_data(struct sender *s, struct session *x)
{
	smtp_io_add(&x->io, STR("DATA\r\n"));
	session_await(s, x, STEP_DATA);
}

void session_say_envelope(struct sender *s, struct session *x)
{
	x->ready_to_commit = false;
	x->sent++;
	say_mail(s, x);
	if (x->pipelining) {
		say_rcpt(s, x);
		say_data(s, x);
	}
}

/* RFC 5321 section 4.5.2: a dot at the start of a line is doubled. Ends with CRLF "." CRLF. */
static bool say_content(struct session *x, struct str data)
{
	size_t dots = 0;
	for (const char *p = data.p, *end = data.p + data.n; p < end; p++) {
		dots += *p == '.';
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			break;
	}
	char *room = smtp_io_room(&x->io, data.n + dots + 8), *o = room;
	if (!room)
		return false;
	for (const char *p = data.p, *end = data.p + data.n; p < end;) {
		if (*p == '.')
			*o++ = '.';
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t n = eol ? (size_t)(eol + 1 - p) : (size_t)(end - p);
		memcpy(o, p, n);
		o += n;
		p += n;
	}
	if (data.n < 2 || memcmp(data.p + data.n - 2, "\r\n", 2) != 0) {
		*o++ = '\r';
		*o++ = '\n';
	}
	memcpy(o, ".\r\n", 3);
	smtp_io_queued(&x->io, (size_t)(o + 3 - room));
	return true;
}

void session_quit(struct sender *s, struct session *x)
{
	x->phase = PHASE_QUITTING;
	smtp_io_add(&x->io, STR("QUIT\r\n"));
	session_await(s, x, STEP_QUIT);
	x->deadline = sender_now_ms() + QUIT_MS;
}

/* Whatever the session may do next: another envelope, or good-bye. */
void session_go_on(struct sender *s, struct session *x)
{
	if (x->phase != PHASE_READY || x->envelope.used)
		return;
	s->was_ready = true;
	bool worn = x->sent >= s->limits.mails_per_session;
	if (!worn && (x->step_count == 0 || (x->pipelining && x->body.used && x->step_count == 1)))
		take_mail(s, x);
	if (!x->envelope.used && x->step_count == 0) {
		if ((s->done && !s->held.used) || s->dead || worn)
			session_quit(s, x);
		else if (!x->idle)
			x->deadline = sender_now_ms() + IDLE_MS;
		x->idle = true;
	}
}

/* ---- replies ---- */

static void on_ehlo_line(struct session *x, struct str line)
{
	if (str_eq_nocase(line, STR("PIPELINING")))
		x->pipelining = true;
	else if (str_eq_nocase(line, STR("STARTTLS")))
		x->starttls = true;
	else if (str_eq_nocase(line, STR("SMTPUTF8")))
		x->utf8 = true;
	else if (line.n >= 5 && strncasecmp(line.p, "SIZE ", 5) == 0) {
		int64_t size;
		if (str_i64((struct str){ line.p + 5, line.n - 5 }, &size) && size > 0)
			x->size_max = (uint64_t)size;
	} else if (line.n >= 5 && strncasecmp(line.p, "AUTH", 4) == 0) {
		x->auth_plain = x->auth_plain || str_has(line, "plain");
		x->auth_login = x->auth_login || str_has(line, "login");
	}
}

static void say_base64(struct session *x, const char *before, const char *p, size_t n)
{
	char coded[1100];
	if (n > 800)
		n = 800;
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)p, (int)n);
	smtp_io_printf(&x->io, "%s%s\r\n", before, coded);
}

static bool is_local(const struct sender *s)
{
	return strcmp(s->server->host, "localhost") == 0 || strncmp(s->server->host, "127.", 4) == 0 ||
	       strcmp(s->server->host, "::1") == 0;
}

static void say_auth(struct sender *s, struct session *x)
{
	const char *user = s->server->user, *password = s->server->password ? s->server->password : "";
	bool checked = x->io.secure && s->server->tls != SMTP_TLS_IF_OFFERED; /* we know whom we talk to */
	if (!checked && !is_local(s)) {
		give_up(s, x, "a password is sent only to a server whose certificate was checked: choose starttls or tls");
	} else if (x->auth_plain) {
		char plain[800];
		int n = snprintf(plain, sizeof plain, "%c%.350s%c%.350s", 0, user, 0, password);
		say_base64(x, "AUTH PLAIN ", plain, (size_t)n);
		session_await(s, x, STEP_AUTH);
	} else if (x->auth_login) {
		smtp_io_add(&x->io, STR("AUTH LOGIN\r\n"));
		session_await(s, x, STEP_LOGIN_USER);
	} else {
		give_up(s, x, "it offers no AUTH PLAIN or LOGIN: check user and port");
	}
}

static void on_ehlo(struct sender *s, struct session *x, const struct reply *r)
{
	enum smtp_tls tls = s->server->tls;
	if (r->code != 250) {
		if (r->code < 500)
			session_lost(s, x, r->words);
		else
			give_up(s, x, "it refuses EHLO: check the name we say");
	} else if (!x->io.secure && (tls == SMTP_TLS_STARTTLS || (tls == SMTP_TLS_IF_OFFERED && x->starttls))) {
		if (!x->starttls) {
			give_up(s, x, "it does not offer STARTTLS");
			return;
		}
		smtp_io_add(&x->io, STR("STARTTLS\r\n"));
		session_await(s, x, STEP_STARTTLS);
	} else if (s->server->user) {
		say_auth(s, x);
	} else {
		x->phase = PHASE_READY;
	}
}

static void fail_envelope(struct session *x, const struct reply *r, enum step step)
{
	if (x->envelope.failed)
		return;
	judge(&x->envelope, r, step);
	x->envelope.failed = true;
}

/* The envelope cannot go on: clears the server's state, then settles. */
static void abandon_envelope(struct sender *s, struct session *x)
{
	settle(s, &x->envelope);
	smtp_io_add(&x->io, STR("RSET\r\n"));
	session_await(s, x, STEP_RSET);
}

static void on_data(struct sender *s, struct session *x, const struct reply *r)
{
	if (r->code != 354) {
		fail_envelope(x, r, STEP_DATA);
		abandon_envelope(s, x);
	} else if (x->envelope.failed) { /* RFC 2920 section 3.1: an empty message ends what must not be sent */
		smtp_io_add(&x->io, STR(".\r\n"));
		session_await(s, x, STEP_VOID);
		settle(s, &x->envelope);
	} else if (!say_content(x, x->envelope.mail.data)) {
		session_lost(s, x, "the mail is too large to queue");
	} else {
		x->body = x->envelope;
		x->body.end_at = x->io.queued;
		x->envelope.used = false;
		session_await(s, x, STEP_END);
	}
}

static void on_envelope_reply(struct sender *s, struct session *x, enum step step, const struct reply *r)
{
	if (r->code / 100 != 2)
		fail_envelope(x, r, step);
	if (x->pipelining)
		return;
	if (x->envelope.failed)
		abandon_envelope(s, x);
	else if (step == STEP_MAIL)
		say_rcpt(s, x);
	else
		say_data(s, x);
}

static void on_end(struct sender *s, struct session *x, const struct reply *r)
{
	if (r->code / 100 == 2) {
		session_settle(s, &x->body, SMTP_ACCEPTED, r->words);
		return;
	}
	judge(&x->body, r, STEP_END);
	settle(s, &x->body);
}

static void on_reply(struct sender *s, struct session *x)
{
	struct reply r = x->reply;
	x->reply = (struct reply){ 0 };
	if (x->step_count == 0) { /* unasked: usually 421, good-bye */
		session_lost(s, x, r.words);
		return;
	}
	enum step step = x->steps[0];
	memmove(x->steps, x->steps + 1, --x->step_count * sizeof x->steps[0]);
	if (x->step_count)
		x->deadline = sender_now_ms() + (x->steps[0] == STEP_END ? s->limits.data_ms : s->limits.reply_ms);
	switch (step) {
	case STEP_GREETING:
		if (r.code == 220)
			say_ehlo(s, x);
		else
			session_lost(s, x, r.words);
		break;
	case STEP_EHLO: on_ehlo(s, x, &r); break;
	case STEP_STARTTLS:
		if (r.code == 220 && x->in_n == 0) /* bytes behind the reply would be taken for encrypted ones: refused */
			session_start_tls(s, x);
		else
			give_up(s, x, "STARTTLS failed");
		break;
	case STEP_LOGIN_USER:
	case STEP_LOGIN_PASSWORD:
		if (r.code == 334) {
			const char *p = step == STEP_LOGIN_USER ? s->server->user : s->server->password ? s->server->password : "";
			say_base64(x, "", p, strlen(p));
			session_await(s, x, step == STEP_LOGIN_USER ? STEP_LOGIN_PASSWORD : STEP_AUTH);
			break;
		}
		/* fall through */
	case STEP_AUTH:
		if (r.code == 235)
			x->phase = PHASE_READY;
		else if (r.code < 500)
			session_lost(s, x, "it cannot check the password now");
		else
			give_up(s, x, "it refuses user or password");
		break;
	case STEP_MAIL:
	case STEP_RCPT: on_envelope_reply(s, x, step, &r); break;
	case STEP_DATA: on_data(s, x, &r); break;
	case STEP_END: on_end(s, x, &r); break;
	case STEP_VOID:
	case STEP_RSET: break;
	case STEP_QUIT: session_close(s, x, 0); return;
	}
	if (r.code == 421 && x->phase != PHASE_CLOSED && x->step_count == 0)
		session_lost(s, x, r.words);
}

/* One line "250-text" or "250 text"; false when it is none. */
static bool on_line(struct sender *s, struct session *x, struct str line)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || line.p[1] < '0' || line.p[1] > '9' || line.p[2] < '0' ||
	    line.p[2] > '9' || (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-') || ++x->reply.lines > REPLY_LINES_MAX)
		return false;
	struct reply *r = &x->reply;
	r->code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
	bool last = line.n == 3 || line.p[3] == ' ';
	struct str text = { line.p + (line.n > 4 ? 4 : line.n), line.n > 4 ? line.n - 4 : 0 };
	if (x->step_count && x->steps[0] == STEP_EHLO)
		on_ehlo_line(x, text);
	struct str whole = r->n == 0 ? line : text; /* the first with its code, the others after it */
	size_t room = sizeof r->words - 2 - r->n;
	if (r->n && room)
		r->words[r->n++] = ' ', room--;
	for (size_t i = 0; i < whole.n && room; i++, room--)
		r->words[r->n++] = (char)((unsigned char)whole.p[i] < 32 ? ' ' : whole.p[i]);
	r->words[r->n] = '\0';
	if (last)
		on_reply(s, x);
	return true;
}

void session_input(struct sender *s, struct session *x)
{
	for (;;) {
		size_t n;
		enum io_state state = smtp_io_read(&x->io, x->in + x->in_n, sizeof x->in - x->in_n, &n);
		if (state == IO_WAIT)
			return;
		if (state == IO_CLOSED) {
			if (x->phase == PHASE_QUITTING)
				session_close(s, x, 0);
			else
				session_lost(s, x, "the connection was lost");
			return;
		}
		x->in_n += n;
		size_t at = 0;
		for (char *end; (end = memchr(x->in + at, '\n', x->in_n - at)) != NULL;) {
			struct str line = { x->in + at, (size_t)(end - x->in) - at };
			at = (size_t)(end - x->in) + 1;
			if (line.n && line.p[line.n - 1] == '\r')
				line.n--;
			char copy[SMTP_REPLY_LINE_MAX];
			line.n = line.n < sizeof copy ? line.n : sizeof copy;
			memcpy(copy, line.p, line.n);
			bool starttls = x->step_count && x->steps[0] == STEP_STARTTLS;
			if (starttls) /* so that on_reply sees whether anything stands behind it */
				x->in_n -= at, at = 0;
			if (!on_line(s, x, (struct str){ copy, line.n })) {
				session_lost(s, x, "it does not speak SMTP");
				return;
			}
			if (x->phase == PHASE_CLOSED || x->phase == PHASE_HANDSHAKE)
				return;
		}
		memmove(x->in, x->in + at, x->in_n - at);
		x->in_n -= at;
		if (x->in_n == sizeof x->in) {
			session_lost(s, x, "it sends lines without end");
			return;
		}
	}
}

void session_handshake(struct sender *s, struct session *x)
{
	enum io_state state = smtp_io_handshake(&x->io);
	if (state == IO_CLOSED) {
		bool certificate = SSL_get_verify_result(x->io.ssl) != X509_V_OK && s->server->tls != SMTP_TLS_IF_OFFERED;
		if (certificate)
			give_up(s, x, "its certificate is not valid for this name");
		else
			session_lost(s, x, "TLS failed");
	} else if (state == IO_OK && s->server->tls == SMTP_TLS_WRAPPED) {
		x->phase = PHASE_OPENING;
		session_await(s, x, STEP_GREETING);
	} else if (state == IO_OK) {
		say_ehlo(s, x);
	}
}
