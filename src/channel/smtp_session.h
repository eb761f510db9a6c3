/* smtp_session: the inside of the sender: one connection's dialogue (smtp_session.c), driven by the loop (smtp.c).
 *
 * A session holds at most two mails: `body`, whose data went out and whose last reply is awaited, and `envelope`, whose
 * MAIL, RCPT and DATA are on their way behind it. What is awaited is a queue of steps; each reply is taken by the step
 * at its head. Losing the connection settles both mails by what had left. */
#ifndef RELANCE_CHANNEL_SMTP_SESSION_H
#define RELANCE_CHANNEL_SMTP_SESSION_H

#include "channel/smtp.h"
#include "channel/smtp_io.h"

enum step {
	STEP_GREETING,
	STEP_EHLO,
	STEP_STARTTLS,
	STEP_AUTH,
	STEP_LOGIN_USER,
	STEP_LOGIN_PASSWORD,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_END,
	STEP_VOID,
	STEP_RSET,
	STEP_QUIT,
};

enum phase { PHASE_CLOSED, PHASE_CONNECTING, PHASE_HANDSHAKE, PHASE_OPENING, PHASE_READY, PHASE_QUITTING };

enum { STEPS_MAX = 16, IN_MAX = 8192, IDLE_MS = 20000, QUIT_MS = 3000, REPLY_LINES_MAX = 200 };

struct reply {
	int code, lines;
	char words[SMTP_WORDS_MAX];
	size_t n;
};

struct slot {
	bool used, failed;
	struct smtp_mail mail;
	struct smtp_outcome outcome; /* of a failed one, until the server has answered what was pipelined */
	uint64_t end_at;             /* io.queued after the end of data */
};

struct session {
	struct smtp_io io;
	enum phase phase;
	enum step steps[STEPS_MAX];
	size_t step_count;
	struct slot body, envelope;
	bool ready_to_commit; /* envelope waits for before_data */
	char in[IN_MAX];
	size_t in_n;
	struct reply reply;
	bool pipelining, starttls, auth_plain, auth_login, utf8, idle;
	uint64_t size_max;
	int sent;
	int64_t deadline, open_at; /* of the awaited reply; of the next attempt to connect */
	const struct addrinfo *address;
};

struct sender {
	const struct smtp_server *server;
	struct smtp_limits limits;
	const struct smtp_hooks *hooks;
	struct smtp_counts *counts;
	struct session *sessions;
	struct addrinfo *addresses;
	SSL_CTX *tls;
	int failures;                /* in a row */
	int64_t wait_until, stop_at; /* stop_at: when it ends whatever is open; 0: it was not told to stop */
	bool done, dead;             /* no more mails; the server cannot be used */
	bool was_ready;              /* a session has worked once */
	struct slot held;            /* taken before connecting again, so that one does not connect for nothing */
	struct err *err;
};

void session_open(struct sender *s, struct session *x);
void session_lost(struct sender *s, struct session *x, const char *why);
void session_close(struct sender *s, struct session *x, int64_t again_ms);
void session_quit(struct sender *s, struct session *x);
void session_go_on(struct sender *s, struct session *x);
void session_input(struct sender *s, struct session *x);
void session_handshake(struct sender *s, struct session *x);
void session_start_tls(struct sender *s, struct session *x);
void session_await(struct sender *s, struct session *x, enum step step);
void session_say_envelope(struct sender *s, struct session *x);
void session_settle(struct sender *s, struct slot *slot, enum smtp_result result, const char *words);
bool sender_ask(struct sender *s, struct smtp_mail *out);
bool sender_told_to_stop(const struct sender *s);
int64_t sender_now_ms(void);

#endif
