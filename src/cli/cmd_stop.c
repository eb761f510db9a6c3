/* relance stop, relance resume: the emergency stop of a shop and its end. */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/switch.h"
#include "cli/cli.h"
#include "model/names.h"

#include <stdlib.h>
#include <unistd.h>

int cmd_stop(int argc, char **argv);
int cmd_resume(int argc, char **argv);

enum { SHOWN_MAX = 1000 };

static const struct usage STOP = {
	.synopsis = "stop DB",
	.text = "Nothing leaves any more, from this moment, whatever process is running; shows what is in the queue.\n"
			"\"relance resume DB\" ends it: what is not too late by then goes out.",
	.example = "relance stop shop.db",
	.positional_min = 1,
	.positional_max = 1,
};

static const struct usage RESUME = {
	.synopsis = "resume DB",
	.text =
		"Ends an emergency stop, a hold after a clock jump or a silence of 30 days, and one after a restored backup.",
	.example = "relance resume shop.db",
	.positional_min = 1,
	.positional_max = 1,
};

static bool queue_row(void *ctx, const struct outbox_message *m, struct err *err)
{
	struct table *t = ctx;
	char due[32];
	(void)err;
	table_int(t, m->key.customer);
	table_text(t, m->key.plan);
	table_text(t, m->key.step);
	table_cstr(t, channel_name(m->key.channel));
	table_cstr(t, message_state_name(m->state));
	table_cstr(t, instant_text(m->due_at, due));
	return true;
}

static bool show_queue(struct db *db, enum format format, struct err *err)
{
	static const char *const COLUMNS[] = { "customer", "plan", "step", "channel", "state", "due_at" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	bool ok = outbox_queue(db, SHOWN_MAX, queue_row, t, err);
	if (ok)
		table_print(t, format, stdout);
	table_free(t);
	return ok;
}

static int act(const struct usage *usage, bool stop, int argc, char **argv)
{
	const char *where[1];
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = { { "--format", OPT_FORMAT, &format, "F", "table, csv or json" } };
	int count;
	int status = opts_parse(usage, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	struct err err;
	struct shop shop;
	struct db *db = shop_open(where[0], false, &shop, &err);
	char actor[32];
	snprintf(actor, sizeof actor, "uid %d", (int)getuid());
	bool ok = db && (stop ? switch_stop(db, clock_now(), actor, &err) : switch_resume(db, clock_now(), actor, &err));
	if (ok && format == FORMAT_TABLE)
		puts(stop ? "Stopped: nothing leaves any more. In the queue:" : "Resumed. In the queue:");
	ok = ok && show_queue(db, format, &err);
	db_close(db);
	return ok ? EXIT_DONE : cli_fail(&err);
}

int cmd_stop(int argc, char **argv)
{
	return act(&STOP, true, argc, argv);
}

int cmd_resume(int argc, char **argv)
{
	return act(&RESUME, false, argc, argv);
}
