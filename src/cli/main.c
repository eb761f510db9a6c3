/* relance: one program, one command table. */
#include "cli/cli.h"

#include <stdlib.h>

#define COMMAND(name, summary) int cmd_##name(int argc, char **argv);
#include "cli/commands.h"
#undef COMMAND

#define COMMAND(name, summary) { #name, summary, cmd_##name },
const struct command COMMANDS[] = {
#include "cli/commands.h"
	{ NULL, NULL, NULL },
};
#undef COMMAND
const size_t COMMAND_COUNT = ARRAY_LEN(COMMANDS) - 1;

static void help(FILE *out)
{
	fputs("relance " RELANCE_VERSION ": keeps a shop's customers coming back\n\n"
	      "usage: relance COMMAND [arguments]      relance COMMAND --help\n\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-12s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	struct str name = str_from(argv[1]);
	if (str_is(name, "--help") || str_is(name, "-h") || str_is(name, "help")) {
		help(stdout);
		return EXIT_DONE;
	}
	if (str_is(name, "--version")) {
		puts("relance " RELANCE_VERSION);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (str_is(name, COMMANDS[i].name)) {
			int status = COMMANDS[i].run(argc - 1, argv + 1);
			if (fflush(stdout) != 0 || ferror(stdout)) {
				fputs("relance: cannot write the result: is the disk full or the pipe closed?\n", stderr);
				return EXIT_REFUSED;
			}
			return status;
		}
	const char *names[64] = { NULL };
	size_t count = COMMAND_COUNT < ARRAY_LEN(names) ? COMMAND_COUNT : ARRAY_LEN(names);
	for (size_t i = 0; i < count; i++)
		names[i] = COMMANDS[i].name;
	const char *near = str_nearest(name, names, count, 2);
	if (near)
		return cli_usage_error("no command \"%s\"; did you mean \"%s\"?", argv[1], near);
	return cli_usage_error("no command \"%s\"; \"relance help\" lists them", argv[1]);
}
