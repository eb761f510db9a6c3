/* replay_page_int: what the files of the replay's page share. */
#ifndef RELANCE_APP_REPLAY_PAGE_INT_H
#define RELANCE_APP_REPLAY_PAGE_INT_H

#include "app/replay_page.h"

struct page {
	struct buf *b;
	const struct page_options *o;
	bool fr;
};

#define T(p, french, english) ((p)->fr ? (french) : (english))

void page_number(const struct page *p, uint64_t v);
const char *page_month(const struct page *p, int m, bool brief);
void page_date(const struct page *p, struct date d);
const char *page_channel(const struct page *p, int c);
void page_tag(const struct page *p, size_t side);

/* replay_page_volumes.c: what would have left, and when. */
void page_volumes(const struct page *p);

#endif
