/* said: the French of a sentence that its place says in English, as a format and its parts. */
#ifndef RELANCE_BASE_SAID_H
#define RELANCE_BASE_SAID_H

#include <stdarg.h>
#include <stddef.h>

/* A format or a part of one, word for word, and its French with the parts in the same order. */
struct said {
	const char *en, *fr;
};

#define SAID_NB        "\xC2\xA0"     /* before : and inside « » */
#define SAID_NN        "\xE2\x80\xAF" /* before ; ! ? */
#define SAID_Q(inside) "«" SAID_NB inside SAID_NB "»"

/* The French of a text that is in the table; else the text itself. */
const char *said_french(const struct said *table, size_t count, const char *en);

/* Writes `fmt` filled with `args` in French, cut at `size`; %s parts that are in the table are said in French too. A
 * format that is missing stays in English. Takes s, .*s, .Ns, d, u, c, zu, lld, 02lld and %%. */
void said_format(const struct said *table, size_t count, char *out, size_t size, const char *fmt, va_list *args);

#endif
