/* names: the enums of model.h as the words used in files, traces, JSON and the terminal; and back. */
#ifndef RELANCE_MODEL_NAMES_H
#define RELANCE_MODEL_NAMES_H

#include "base/buf.h"
#include "model/model.h"

const char *channel_name(enum channel c);
const char *purpose_name(enum purpose p);
const char *fact_kind_name(enum fact_kind k);
const char *sale_channel_name(enum sale_channel c);
const char *cart_state_name(enum cart_state s);
const char *consent_state_name(enum consent_state s);
const char *locale_name(enum locale l);
const char *receipt_name(enum receipt r);
const char *verdict_name(enum verdict v);
const char *reason_name(enum reason r);

/* The number of a word, or −1. */
int channel_find(struct str s);
int purpose_find(struct str s);
int sale_channel_find(struct str s);
int cart_state_find(struct str s);
int consent_state_find(struct str s);
int locale_find(struct str s);
int receipt_find(struct str s);

/* The reason as one sentence, with the moment of release in the person's zone: "quiet hours until 2026-05-12 08:00
 * Europe/Paris". The trace and the JSON carry the English one. */
void reason_text(enum reason r, int64_t argument, zone_id zone, enum locale locale, struct buf *out);

/* Its parts, for whoever writes millions: the words before the argument and those after; after->p NULL: it has none. */
struct str reason_words(enum reason r, enum locale locale, struct str *after);
void reason_argument(enum reason r, int64_t argument, zone_id zone, enum locale locale, struct buf *out);

#endif
