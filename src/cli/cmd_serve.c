/* relance serve: a running shop with its pages, its HTTP API and its web UI. */
#include "app/arrival.h"
#include "cli/cli.h"
#include "web/web.h"

#include <stdlib.h>

int cmd_serve(int argc, char **argv);

enum { RATE_MAX = 1000000, REQUEST_MAX_S = 86400 };

static volatile sig_atomic_t told_to_stop;

static void on_signal(int signal)
{
	(void)signal;
	told_to_stop = 1;
}

static const struct usage USAGE = {
	.synopsis = "serve DB [--listen 127.0.0.1:8025] [--tls-cert FILE --tls-key FILE] [--messages DIR] [--out DIR]",
	.text = "Keeps the plans of a shop turning, and serves its web pages and HTTP API (doc/api.md). The first time, it "
			"prints\n"
			"a link that makes the owner's account, once. Stops cleanly on SIGTERM or Ctrl-C: what was taken is "
			"answered first.",
	.example = "relance serve shop.db\n  relance serve shop.db --listen 127.0.0.1:9000",
	.positional_min = 1,
	.positional_max = 1,
};

int cmd_serve(int argc, char **argv)
{
	const char *where[1];
	int64_t threads = 0, rate = 100, rate_key = 0, request_s = 60, waiting = ARRIVALS_FACTS_MAX;
	struct web_options o = { .listen = "127.0.0.1:8025" };
	const struct opt opts[] = {
		{ "--listen", OPT_TEXT, &o.listen, "ADDRESS:PORT",
		  "where (default 127.0.0.1:8025; [::]:8025: every address; port 0: any free one)" },
		{ "--tls-cert", OPT_TEXT, &o.tls_cert, "FILE", "certificate chain (PEM): serve HTTPS" },
		{ "--tls-key", OPT_TEXT, &o.tls_key, "FILE", "its private key (PEM)" },
		{ "--rate", OPT_INT, &rate, "N",
		  "requests a second from one address beyond this machine (default 100; 0: any)" },
		{ "--rate-key", OPT_INT, &rate_key, "N", "requests a second with one key (default 0: any)" },
		{ "--waiting", OPT_INT, &waiting, "FACTS",
		  "kept and not applied yet, above which no more are taken (default 5000000)" },
		{ "--request-time", OPT_INT, &request_s, "SECONDS", "in which a request has to come (default 60)" },
		{ "--log-requests", OPT_FLAG, &o.log_requests, NULL,
		  "one line of JSON per request on standard error, without personal data" },
		{ "--messages", OPT_TEXT, &o.messages, "DIR", "messages of this folder over those shipped" },
		{ "--out", OPT_TEXT, &o.out, "DIR", "where messages are written as files (default DB.outbox)" },
		{ "--threads", OPT_INT, &threads, "N", "threads of the shop's work (default: all processors)" },
	};
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	o.address = where[0];
	o.threads = (int)threads;
	struct err err;
	if (rate < 0 || rate > RATE_MAX || rate_key < 0 || rate_key > RATE_MAX || request_s < 1 ||
	    request_s > REQUEST_MAX_S || waiting < 1 || waiting > ARRIVALS_FACTS_MAX) {
		err_set(&err, ERR_INPUT,
		        "--rate and --rate-key are 0 to %d a second, --request-time 1 to %d seconds, --waiting 1 to %d facts",
		        RATE_MAX, REQUEST_MAX_S, ARRIVALS_FACTS_MAX);
		return cli_fail(&err);
	}
	o.rate = (int)rate;
	o.request_s = request_s;
	o.waiting = waiting;
	o.rate_key = (int)rate_key;
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	struct sigaction quiet = { .sa_handler = SIG_IGN };
	sigaction(SIGPIPE, &quiet, NULL);
	return web_run(&o, &told_to_stop, &err) ? EXIT_DONE : cli_fail(&err);
}
