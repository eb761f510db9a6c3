/* smtp: hands mails to a mail server: pipelined, over several connections at once, with TLS and AUTH.
 *
 * What it promises: every mail taken from next() gets exactly one outcome, and no mail is sent twice by itself. A mail
 * is `uncertain` only if the end of its data was given to the network and the reply never came; everything lost before
 * that is `deferred` and may be sent again safely (RFC 5321 section 4.5.3.2.6 and RFC 1047 explain why that gap cannot
 * be closed).
 *
 * Protocol: ESMTP (RFC 5321), PIPELINING (RFC 2920; the next envelope travels with the end of the last mail, so that a
 * mail costs one round trip), STARTTLS (RFC 3207) or TLS from the start, AUTH PLAIN and LOGIN (RFC 4954; only to a
 * server whose certificate was checked, or on this machine), SIZE, SMTPUTF8 (RFC 6531). Connections are reused, and
 * opened again after a loss with growing pauses. One thread, poll(). One mail has one recipient: every message here is
 * personal.
 *
 * Strings given in smtp_mail stay the caller's and must live until the outcome. Errors and outcomes hold the server's
 * words, which may hold an address: they are for the message's record, not for logs. */
#ifndef RELANCE_CHANNEL_SMTP_H
#define RELANCE_CHANNEL_SMTP_H

#include "base/err.h"
#include "base/str.h"
#include "channel/bounce.h"

#include <stdatomic.h>

enum { SMTP_SESSIONS_MAX = 64, SMTP_WORDS_MAX = 512, SMTP_REPLY_LINE_MAX = 4096 };

enum smtp_tls {
	SMTP_TLS_NONE,
	SMTP_TLS_IF_OFFERED, /* STARTTLS when the server has it, the certificate unchecked (RFC 7435) */
	SMTP_TLS_STARTTLS,   /* STARTTLS or fail, certificate checked */
	SMTP_TLS_WRAPPED,    /* TLS from the first byte (port 465, RFC 8314), certificate checked */
};

struct smtp_server {
	const char *host, *port; /* "587" */
	const char *helo;        /* our name */
	enum smtp_tls tls;
	const char *ca_file;         /* NULL: the system's */
	const char *user, *password; /* NULL: no AUTH */
};

struct smtp_limits {       /* 0 = the default in brackets */
	int sessions;          /* at once [4] */
	int mails_per_session; /* then QUIT and connect again [1000] */
	int connect_ms;        /* [30,000] */
	int reply_ms;          /* a command's reply, RFC 5321 section 4.5.3.2 [300,000] */
	int data_ms;           /* the reply after the end of data [600,000] */
	int retry_ms;          /* first pause before connecting again, doubled up to 60 times it [1,000] */
	int failures;          /* connections lost in a row, no mail accepted between, before giving up [5] */
	int stop_ms;           /* how long a reply is still waited for once told to stop [10,000] */
};

struct smtp_mail {
	struct str from, to; /* envelope, ASCII domains (mime_address); from may be empty */
	struct str data;     /* the whole mail, CRLF lines, no dot-stuffing */
	bool smtputf8;
	void *tag; /* the caller's */
};

enum smtp_result {
	SMTP_ACCEPTED,
	SMTP_DEFERRED,  /* 4xx, or lost before the end of data: try again later */
	SMTP_REFUSED,   /* 5xx: see verdict */
	SMTP_UNCERTAIN, /* may have been taken: never sent again by itself */
	SMTP_WITHDRAWN, /* before_data said no */
};

struct smtp_outcome {
	enum smtp_result result;
	struct bounce refusal; /* of a refused or deferred mail: reply, status, reason, verdict (hard, soft, unknown) */
	char words[SMTP_WORDS_MAX]; /* the server's last reply, one line */
};

enum smtp_next { SMTP_MAIL, SMTP_WAIT, SMTP_DONE };

struct smtp_hooks {
	void *ctx;
	/* The next mail to send; or to wait *wait_ms and ask again (throttle); or that there is none left. */
	enum smtp_next (*next)(void *ctx, struct smtp_mail *out, int *wait_ms);
	/* Before the DATA command of these mails goes out: the caller commits that they are being sent, all at once. go[i]
	 * = false withdraws a mail (somebody unsubscribed). May be NULL. */
	void (*before_data)(void *ctx, const struct smtp_mail *const *mails, bool *go, size_t count);
	void (*outcome)(void *ctx, const struct smtp_mail *mail, const struct smtp_outcome *outcome);
	/* Set by any thread: take no more mails, finish those begun, for limits.stop_ms at most. May be NULL. */
	const atomic_bool *stop;
};

struct smtp_counts {
	uint64_t by_result[SMTP_WITHDRAWN + 1];
	uint64_t connections;
};

/* Runs until next() says SMTP_DONE, or it is told to stop, and every mail taken has its outcome. False when the server
 * cannot be used (unreachable, no TLS, AUTH refused …) or was still silent stop_ms after the stop; mails not taken are
 * then untouched. */
bool smtp_run(const struct smtp_server *server, const struct smtp_limits *limits, const struct smtp_hooks *hooks,
              struct smtp_counts *counts, struct err *err) MUST_CHECK;

const char *smtp_result_name(enum smtp_result r); /* "accepted" */

#endif
