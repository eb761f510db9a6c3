/* relance run: turns a shop until it is told to stop. New facts are looked for a hundred times a second by one small
 * read; a whole tick is turned when there are some, when somebody is due, and twice a second for all else: a stop, the
 * lease, a new day. */
#include "app/clock.h"
#include "app/courier.h"
#include "app/live.h"
#include "app/monthly.h"
#include "cli/cli.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

int cmd_run(int argc, char **argv);

enum { POLL_MS = 10, TURN_MS = 500, RETRY_S = 5 };

static volatile sig_atomic_t told_to_stop;

static void on_signal(int signal)
{
	(void)signal;
	told_to_stop = 1;
}

static const struct usage USAGE = {
	.synopsis = "run DB [--out DIR]",
	.text =
		"Keeps the plans of a shop turning. Mails leave by a thread of their own, so that a mail server that is\n"
		"slow or silent holds nothing else up. Stops cleanly on SIGTERM or Ctrl-C: mails being handed over are waited\n"
		"for, ten seconds at most.",
	.example = "relance run shop.db",
	.positional_min = 1,
	.positional_max = 1,
};

static void nap(int ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };
	nanosleep(&t, NULL);
}

static bool keep_turning(struct live *l, struct courier_state *courier, struct err *err)
{
	struct monthly monthly = { { 0 } };
	while (!told_to_stop) {
		struct instant now = clock_now();
		bool jumped;
		if (!live_watch_clock(l, now, clock_running(), &jumped, err))
			return false;
		if (jumped)
			fputs(
				"relance: the clock jumped forward by more than an hour: nothing is sent until \"relance resume DB\"\n",
				stderr);
		struct tick_result r;
		if (!live_tick(l, now, &r, err) || !courier_look(courier, l, err) ||
		    (r.hold_all == REASON_NONE && !monthly_turn(&monthly, courier, l, now, err)))
			return false;
		if (r.decisions || r.accepted)
			fprintf(stderr, "relance: %llu decisions, %llu accepted, %llu deferred, %llu refused\n",
			        (unsigned long long)r.decisions, (unsigned long long)r.accepted, (unsigned long long)r.deferred,
			        (unsigned long long)r.refused);
		if (r.unrendered)
			fprintf(stderr, "relance: %llu messages could not be written and wait a quarter of an hour: %s\n",
			        (unsigned long long)r.unrendered, r.why_unrendered.text);
		bool news = r.more;
		for (int waited = 0; waited < TURN_MS && !news && !told_to_stop; waited += POLL_MS) {
			nap(POLL_MS);
			if (r.hold_all == REASON_NONE && !live_has_news(l, clock_now(), &news, err))
				return false;
		}
	}
	return true;
}

int cmd_run(int argc, char **argv)
{
	const char *out = NULL, *messages = NULL, *where[1];
	int64_t threads = 0;
	const struct opt opts[] = {
		{ "--out", OPT_TEXT, &out, "DIR", "where messages are written as files (default: DB.outbox)" },
		{ "--messages", OPT_TEXT, &messages, "DIR", "message files (default: those shipped)" },
		{ "--threads", OPT_INT, &threads, "N", "threads (default: all processors)" },
	};
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	char owner[96];
	clock_owner(owner);
	struct live_options o = { .owner = owner, .threads = (int)threads, .lease_s = 60, .fold_log = true };
	struct err err;
	bool ok = true;
	struct courier_state *courier = courier_for(where[0], messages, out, &err);
	if (!courier)
		return cli_fail(&err);
	courier_in_background(courier, where[0], NULL, NULL);
	o.courier = courier_of(courier);
	do { /* what another program or the server took away is opened again */
		struct live *l = live_open(where[0], &o, clock_now(), &err);
		ok = l && keep_turning(l, courier, &err);
		courier_rest(courier);
		live_close(l);
		if (!ok && err.kind != ERR_CONFLICT)
			break;
		if (!ok) {
			fprintf(stderr, "relance: %s; trying again in %d s\n", err.text, RETRY_S);
			for (int i = 0; i < RETRY_S * 1000 / POLL_MS && !told_to_stop; i++)
				nap(POLL_MS);
		}
	} while (!ok && !told_to_stop);
	courier_free(courier);
	return ok || told_to_stop ? EXIT_DONE : cli_fail(&err);
}
