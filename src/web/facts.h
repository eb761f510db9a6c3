/* facts: what happened, told over HTTP, read on an HTTP thread and written by the writer. The key of a fact is the
 * caller's (source and document, "till:1234"): the same key again takes the place of what was said before, the same
 * content again writes nothing. Limits: FACTS_MAX a request, FACT_LINES_MAX lines a document. */
#ifndef RELANCE_WEB_FACTS_H
#define RELANCE_WEB_FACTS_H

#include "app/incoming.h"
#include "base/jtree.h"
#include "web/web_int.h"

/* FACTS_DIRECT: a request of at most so many is among the facts when it is answered, if nothing waits before it. */
enum { FACTS_MAX = 10000, FACTS_DIRECT = 32, FACT_KEY_MAX = 200, FACT_TEXT_MAX = 1024 };

/* One object. False: *why says what is missing, for a person. Strings are the tree's. */
bool incoming_read(const struct jnode *o, struct incoming *out, struct arena *a, zone_id zone,
                   char why[160]) MUST_CHECK;

/* Facts of the program's own pages, and what became of a message, in one transaction. */
struct page_facts {
	struct incoming items[8];
	size_t count;
	const struct message_key *message; /* NULL: none */
	enum receipt receipt;
	struct str answer;
};
bool page_facts_write(struct web *w, const struct page_facts *f, struct arena *a, struct err *err) MUST_CHECK;

/* ---- writer.c: one thread writes what is told ---- */

void writer_new(struct web *w);
bool writer_open(struct web *w, struct err *err) MUST_CHECK; /* its database; closed again when that fails */
void writer_close(struct web *w);
bool writer_start(struct web *w, struct err *err) MUST_CHECK; /* its thread */
void writer_stop(struct web *w);
void writer_free(struct web *w);

/* From any thread: a batch of one's own, between those of the writer. writer_end commits it when ok, and must come
 * soon: facts wait meanwhile. NULL, false: failed. */
struct store_batch *writer_begin(struct web *w, struct store_ids **ids, struct instant now, struct err *err) MUST_CHECK;
bool writer_end(struct web *w, struct store_batch *b, bool ok, struct err *err) MUST_CHECK;

/* A request with facts; false: the server is stopping. */
/* Nobody of this process writes facts while fn runs; whom it erased is known to those who write afterwards. */
bool writer_alone(struct web *w, bool (*fn)(void *ctx, struct err *err), void *ctx, struct err *err) MUST_CHECK;
bool writer_submit(struct web *w, struct request *r) MUST_CHECK;
/* The ticker has decided upon everything up to seq. */
void writer_decided(struct web *w, int64_t seq);

/* What was told and is not among the facts yet. */
struct backlog {
	int64_t facts;
	double age_s; /* of the oldest */
};
struct backlog writer_backlog(const struct web *w);

/* Of a request that was not packed: its facts become one body. */
void facts_pack(struct request *r);

/* Fills in the answer: err NULL: they are written, r->handed is their struct facts_result. */
void facts_answer(struct request *r, const struct err *err);

#endif
