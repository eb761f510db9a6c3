/* trace: decisions as text, one line each; the product's exact record (SEMANTICS "A tick"). Tab-separated:
 * instant UTC, customer number, plan, version, run, step (- for the run), verdict, channel (-), reason in English. */
#ifndef RELANCE_APP_TRACE_H
#define RELANCE_APP_TRACE_H

#include "engine/engine.h"

void trace_line(const struct decision *d, const struct plan_set *plans, zone_id zone, struct buf *out);

#endif
