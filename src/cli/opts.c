#include "cli/cli.h"

#include <stdarg.h>

int cli_fail(const struct err *err)
{
	fprintf(stderr, "relance: %s\n", err->text);
	return EXIT_REFUSED;
}

int cli_usage_error(const char *fmt, ...)
{
	va_list args;
	fputs("relance: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

static void help(const struct usage *usage, const struct opt *opts, size_t count)
{
	printf("usage: relance %s\n", usage->synopsis);
	if (usage->text)
		printf("\n%s\n", usage->text);
	if (count)
		puts("");
	for (size_t i = 0; i < count; i++) {
		char left[64];
		snprintf(left, sizeof left, "%s%s%s", opts[i].name, opts[i].value ? " " : "",
		         opts[i].value ? opts[i].value : "");
		printf("  %-26s %s\n", left, opts[i].help);
	}
	if (usage->example)
		printf("\nexample:\n  %s\n", usage->example);
}

static const struct opt *opt_find(const struct opt *opts, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(name, opts[i].name))
			return &opts[i];
	return NULL;
}

static int opt_set(const struct opt *opt, const char *value)
{
	switch (opt->kind) {
	case OPT_FLAG: *(bool *)opt->to = true; return -1;
	case OPT_TEXT: *(const char **)opt->to = value; return -1;
	case OPT_INT:
		if (!str_i64(str_from(value), opt->to))
			return cli_usage_error("%s: \"%s\" is not a whole number", opt->name, value);
		return -1;
	case OPT_FLOAT:
		if (!str_f64(str_from(value), opt->to))
			return cli_usage_error("%s: \"%s\" is not a number", opt->name, value);
		return -1;
	case OPT_FORMAT: {
		struct str v = str_from(value);
		enum format *f = opt->to;
		if (str_is(v, "table"))
			*f = FORMAT_TABLE;
		else if (str_is(v, "csv"))
			*f = FORMAT_CSV;
		else if (str_is(v, "json"))
			*f = FORMAT_JSON;
		else
			return cli_usage_error("%s: \"%s\" is none of table, csv, json", opt->name, value);
		return -1;
	}
	case OPT_LIST: {
		struct opt_list *list = opt->to;
		if (list->count == OPT_LIST_MAX)
			return cli_usage_error("%s: given more than %d times", opt->name, OPT_LIST_MAX);
		list->values[list->count++] = value;
		return -1;
	}
	}
	return -1;
}

static int unknown(const struct usage *usage, const struct opt *opts, size_t count, const char *given)
{
	const char *names[64] = { NULL };
	size_t n = count < ARRAY_LEN(names) ? count : ARRAY_LEN(names);
	for (size_t i = 0; i < n; i++)
		names[i] = opts[i].name;
	struct str s = str_from(given);
	const char *equals = memchr(s.p, '=', s.n);
	if (equals)
		s.n = (size_t)(equals - s.p);
	const char *near = str_nearest(s, names, n, 2);
	if (near)
		return cli_usage_error("no option \"%.*s\"; did you mean %s?", STR_ARG(s), near);
	return cli_usage_error("no option \"%.*s\"; usage: relance %s", STR_ARG(s), usage->synopsis);
}

int opts_parse(const struct usage *usage, const struct opt *opts, size_t count, int argc, char **argv,
               const char **positional, int *positional_count)
{
	int n = 0;
	bool ended = false;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		struct str s = str_from(a);
		if (ended || a[0] != '-' || a[1] == '\0') {
			if (n >= usage->positional_max)
				return cli_usage_error("one argument too many, \"%s\"; usage: relance %s", a, usage->synopsis);
			positional[n++] = a;
			continue;
		}
		if (str_is(s, "--")) {
			ended = true;
			continue;
		}
		if (str_is(s, "--help") || str_is(s, "-h")) {
			help(usage, opts, count);
			return EXIT_DONE;
		}
		const char *value = NULL;
		const char *equals = memchr(a, '=', s.n);
		if (equals && a[1] == '-') {
			s.n = (size_t)(equals - a);
			value = equals + 1;
		}
		const struct opt *opt = opt_find(opts, count, s);
		if (!opt)
			return unknown(usage, opts, count, a);
		if (opt->kind == OPT_FLAG && value)
			return cli_usage_error("%s takes no value", opt->name);
		if (opt->kind != OPT_FLAG && !value) {
			if (i + 1 >= argc)
				return cli_usage_error("%s needs a value, %s", opt->name, opt->value ? opt->value : "VALUE");
			value = argv[++i];
		}
		int status = opt_set(opt, value);
		if (status >= 0)
			return status;
	}
	if (n < usage->positional_min)
		return cli_usage_error("something is missing; usage: relance %s", usage->synopsis);
	*positional_count = n;
	return -1;
}
