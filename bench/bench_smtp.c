/* bench_smtp: 30,000 mails to Postfix's smtp-sink, by us and by Postfix's own smtp-source, with the same sessions and
 * size. */
#include "channel/smtp.h"
#include "figure.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAILS = 30000, SESSIONS = 8, BODY_BYTES = 3000, ROUNDS = 3 };

struct run {
	struct str data;
	int next, accepted, other;
};

static enum smtp_next next_mail(void *ctx, struct smtp_mail *out, int *wait_ms)
{
	struct run *r = ctx;
	if (r->next++ >= MAILS)
		return SMTP_DONE;
	*out = (struct smtp_mail){ .from = STR("b@shop.example"), .to = STR("p@example.com"), .data = r->data };
	return SMTP_MAIL;
}

static void outcome(void *ctx, const struct smtp_mail *mail, const struct smtp_outcome *o)
{
	struct run *r = ctx;
	if (o->result == SMTP_ACCEPTED)
		r->accepted++;
	else
		r->other++;
}

static pid_t spawn(const char *const argv[])
{
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

static bool answers(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                     .sin_port = htons((uint16_t)port) };
	for (int i = 0; i < 100; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
		close(fd);
		if (ok)
			return true;
		usleep(20000);
	}
	return false;
}

static double ours(const char *port)
{
	char *data = malloc(BODY_BYTES + 200);
	size_t n = (size_t)snprintf(data, 200, "From: b@shop.example\r\nTo: p@example.com\r\nSubject: hello\r\n\r\n");
	for (size_t i = 0; i < BODY_BYTES; i++)
		data[n++] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : 'x';
	data[n++] = '\r', data[n++] = '\n';
	struct run r = { .data = { data, n } };
	struct smtp_server server = { .host = "127.0.0.1", .port = port, .helo = "shop.example" };
	struct smtp_limits limits = { .sessions = SESSIONS, .mails_per_session = MAILS };
	struct smtp_hooks hooks = { &r, next_mail, NULL, outcome, NULL };
	struct smtp_counts counts;
	struct err err = { 0 };
	double start = figure_seconds();
	bool ok = smtp_run(&server, &limits, &hooks, &counts, &err);
	double took = figure_seconds() - start;
	free(data);
	if (!ok || r.accepted != MAILS || r.other) {
		fprintf(stderr, "bench_smtp: %d accepted, %d not: %s\n", r.accepted, r.other, err.text);
		exit(1);
	}
	return MAILS / took;
}

static double theirs(const char *port, bool keep)
{
	char target[40], mails[16], sessions[16], length[16];
	snprintf(target, sizeof target, "127.0.0.1:%s", port);
	snprintf(mails, sizeof mails, "%d", MAILS);
	snprintf(sessions, sizeof sessions, "%d", SESSIONS);
	snprintf(length, sizeof length, "%d", BODY_BYTES);
	const char *const once[] = { "smtp-source", "-d", "-s", sessions, "-m", mails, "-l", length, target, NULL };
	const char *const anew[] = { "smtp-source", "-s", sessions, "-m", mails, "-l", length, target, NULL };
	double start = figure_seconds();
	int status;
	waitpid(spawn(keep ? once : anew), &status, 0);
	return status == 0 ? MAILS / (figure_seconds() - start) : 0;
}

int main(int argc, char **argv)
{
	char port[8], target[40];
	int number = 20000 + (int)(getpid() % 20000);
	snprintf(port, sizeof port, "%d", number);
	snprintf(target, sizeof target, "127.0.0.1:%s", port);
	const char *const as_root[] = { "smtp-sink", "-u", "nobody", target, "1000", NULL };
	const char *const as_user[] = { "smtp-sink", target, "1000", NULL };
	pid_t sink = spawn(geteuid() == 0 ? as_root : as_user);
	if (!answers(number)) {
		fprintf(stderr, "bench_smtp: smtp-sink did not start; is postfix installed?\n");
		kill(sink, SIGTERM);
		return 1;
	}
	double best_ours = 0, best_theirs = 0;
	for (int i = 0; i < ROUNDS; i++) { /* in turn, the best of each: the machine is shared */
		double t = theirs(port, true), a = theirs(port, false), o = ours(port);
		best_theirs = t > best_theirs ? t : best_theirs;
		best_theirs = a > best_theirs ? a : best_theirs;
		best_ours = o > best_ours ? o : best_ours;
	}
	kill(sink, SIGTERM);
	waitpid(sink, NULL, 0);
	figure_print(figure_json(argc, argv), "smtp: 30,000 mails to smtp-sink, 8 sessions", best_ours, best_theirs,
	             "mails/s", "0.9x smtp-source");
	return 0;
}
