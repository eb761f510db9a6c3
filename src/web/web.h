/* web: a running shop with its pages: the HTTP API of doc/api.md, the public pages that mails link to, and the web UI.
 *
 * One thread turns the shop (struct live belongs to it alone); a pool of HTTP threads reads pinned versions of the book
 * and its own database handles, and hands everything that writes to the turning thread. Facts that arrive together are
 * one commit, answered after it. Limits: WEB_* below; a connection that says nothing for WEB_IDLE_S is closed, one
 * whose request does not come within a minute too (src/web/doors.c). */
#ifndef RELANCE_WEB_WEB_H
#define RELANCE_WEB_WEB_H

#include "base/err.h"

#include <signal.h>

enum {
	WEB_BODY_MAX = 1 << 20,        /* of a request */
	WEB_FACTS_BODY_MAX = 16 << 20, /* of POST /facts */
	WEB_CONNECTIONS_MAX = 12000,
	WEB_IDLE_S = 30,
	WEB_ANSWER_MAX = 64 << 20,
};

struct web_options {
	const char *address;  /* of the database */
	const char *listen;   /* "127.0.0.1:8025", "[::]:8025"; port 0: any free one, printed */
	const char *messages; /* folder over the messages shipped; may be NULL */
	const char *out;      /* folder where messages are written while no mail server is set; NULL: ADDRESS.outbox */
	int threads;          /* of the shop's own work; 0: all processors */
	const char *tls_cert, *tls_key; /* PEM files; NULL: in the clear */
	int rate, rate_key; /* requests a second from one address beyond this machine, with one key; 0: no limit */
	int64_t waiting;    /* facts kept and not applied, above which no more are taken */
	int64_t request_s;  /* in which a request has to come, or faster than 8 KB a second */
	bool log_requests;  /* a line of JSON on stderr for each */
};

/* Serves until *stop is not 0. Prints where it listens, and the one-time link while nobody has an account. */
bool web_run(const struct web_options *o, const volatile sig_atomic_t *stop, struct err *err) MUST_CHECK;

#endif
