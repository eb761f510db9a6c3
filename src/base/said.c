#include "base/said.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *said_french(const struct said *table, size_t count, const char *en)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].en, en) == 0)
			return table[i].fr;
	return en;
}

static void put_long(struct buf *b, const char *p, va_list *args)
{
	long long v = va_arg(*args, long long);
	if (*p == '0')
		buf_printf(b, "%02lld", v);
	else
		buf_printf(b, "%lld", v);
}

/* One part of the format, whose '%' is at *f; *f is moved past it. */
static void put_part(const struct said *table, size_t count, struct buf *b, const char **f, va_list *args)
{
	const char *p = *f + 1;
	int most = -1;
	if (*p == '.') {
		p++;
		most = *p == '*' ? va_arg(*args, int) : (int)strtol(p, NULL, 10);
		while (*p == '*' || (*p >= '0' && *p <= '9'))
			p++;
	}
	if (*p == '%') {
		buf_cstr(b, "%");
	} else if (strncmp(p, "zu", 2) == 0) {
		buf_printf(b, "%zu", va_arg(*args, size_t));
		p++;
	} else if (strncmp(p, "lld", 3) == 0 || strncmp(p, "02lld", 5) == 0) {
		put_long(b, p, args);
		p += *p == '0' ? 4 : 2;
	} else if (*p == 'd') {
		buf_printf(b, "%d", va_arg(*args, int));
	} else if (*p == 'u') {
		buf_printf(b, "%u", va_arg(*args, unsigned));
	} else if (*p == 'c') {
		buf_printf(b, "%c", va_arg(*args, int));
	} else if (most >= 0) {
		buf_printf(b, "%.*s", most, va_arg(*args, const char *));
	} else {
		buf_cstr(b, said_french(table, count, va_arg(*args, const char *)));
	}
	*f = p + 1;
}

void said_format(const struct said *table, size_t count, char *out, size_t size, const char *fmt, va_list *args)
{
	struct buf b;
	buf_init(&b, 4096);
	for (const char *f = said_french(table, count, fmt); *f;) {
		size_t n = strcspn(f, "%");
		buf_add(&b, f, n);
		f += n;
		if (*f)
			put_part(table, count, &b, &f, args);
	}
	snprintf(out, size, "%.*s", (int)b.n, b.p ? b.p : "");
	buf_release(&b);
}
