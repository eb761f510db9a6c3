/* trace: decisions as text, one line each; the product's exact record (SEMANTICS "A tick"). Tab-separated:
 * instant UTC, customer number, plan, version, run, step (- for the run), verdict, channel (-), reason in English. */
#ifndef RELANCE_APP_TRACE_H
#define RELANCE_APP_TRACE_H

#include "engine/engine.h"

/* A writer remembers the words of the lines it wrote: traces have millions of lines and few different words. One
 * thread at a time. The plan set is the caller's, and may grow but not change while the writer lives. */
struct trace_writer;
struct trace_writer *trace_writer_new(const struct plan_set *plans, zone_id shop_zone);
void trace_writer_free(struct trace_writer *w); /* NULL is fine */

/* Appends a line for each decision. */
void trace_write(struct trace_writer *w, const struct decision *d, size_t count, struct buf *out);

/* The same for a few decisions, without a writer to keep. */
void trace_lines(const struct decision *d, size_t count, const struct plan_set *plans, zone_id shop_zone,
                 struct buf *out);

#endif
