/* replay_page: a replay's figures as one HTML page that needs nothing else: style, charts (SVG) and tables inside, both
 * themes, French or English. One side, or two plan folders side by side (the same history and questions). No personal
 * data: counts only. */
#ifndef RELANCE_APP_REPLAY_PAGE_H
#define RELANCE_APP_REPLAY_PAGE_H

#include "app/replay_tally.h"

struct page_side {
	const char *label; /* the folder, as given */
	const struct tally *tally;
	const struct replay_result *result;
};

struct page_options {
	struct str shop;
	enum locale locale;
	struct currency currency;
	struct date from, to; /* to: the last day */
	const char *consent, *response;
	const struct page_side *sides;
	size_t side_count; /* 1 or 2 */
};

enum { PAGE_MAX = 64 << 20 };

void replay_page(const struct page_options *o, struct buf *out);

/* What a reason is called in a table, without its instant or channel. */
void replay_reason_label(enum reason r, enum locale locale, struct buf *out);

#endif
