/* err: the one error type. The world failed, or the input was bad; a bug is check(), a business refusal is data.
 *
 * A function that can fail takes `struct err *` last and returns bool (false = failed, err filled) or a pointer
 * (NULL = failed). Whoever passes an error on adds what it was doing:
 *
 *     if (!csv_open(&csv, path, err))
 *             return err_context(err, "import %s", path);      // "import orders.csv: no such file"
 *
 * The text is one line, says where and what to do, and holds no personal data. It is cut at ERR_TEXT_MAX. */
#ifndef RELANCE_BASE_ERR_H
#define RELANCE_BASE_ERR_H

#include "base/check.h"

#include <stdbool.h>

enum { ERR_TEXT_MAX = 1024 };

enum err_kind {
	ERR_NONE = 0,
	ERR_INPUT,    /* what the user gave is wrong: mend it and try again */
	ERR_WORLD,    /* file, disk, network, database: the same call may work later */
	ERR_CONFLICT, /* somebody else was first (lease lost, serialization failure): retry from the start */
	ERR_LIMIT,    /* a named limit was reached */
};

struct err {
	enum err_kind kind;
	char text[ERR_TEXT_MAX];
};

/* Fills err and returns false, so that `return err_set(...)` reads well. err may not be NULL. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Like err_set(ERR_WORLD) with ": strerror(errno)" added. */
bool err_errno(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts "context: " before the text already there; returns false. */
bool err_context(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
