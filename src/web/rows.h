/* rows: answers with what stands behind a number (app/drill.h). */
#ifndef RELANCE_WEB_ROWS_H
#define RELANCE_WEB_ROWS_H

#include "app/drill.h"
#include "web/web_int.h"

#define ROWS_MASK "\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2" /* three dots, in place of a name */

struct rows {
	const char *name; /* of the file, without its ending */
	const struct drill_column *columns;
	int count;
	bool (*list)(void *ctx, const struct drill_sink *sink, struct err *err);
	void *ctx;
};

/* ?limit=&cursor= of them as JSON; or all as CSV, which is written down in the audit log when it names people. */
void rows_answer(struct request *r, const struct rows *rows, bool as_file);

#endif
