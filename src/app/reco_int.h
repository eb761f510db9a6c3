/* reco_int: what the files of app/reco share. */
#ifndef RELANCE_APP_RECO_INT_H
#define RELANCE_APP_RECO_INT_H

#include "app/reco.h"

/* The setting recommend.exclude; strings and conditions in the arena. */
bool reco_rules_read(struct str text, const struct settings *settings, struct arena *a, struct reco_rules *out,
                     struct err *err) MUST_CHECK;
/* The text up to the next semicolon that stands in no quotes; `text` goes on behind it. */
struct str reco_next_rule(struct str *text);
/* A condition of a setting: no saved segments, no plans. */
const struct expr *reco_condition(const char *setting, struct str condition, const struct settings *settings,
                                  struct arena *a, struct err *err) MUST_CHECK;

/* The setting recommend.segments: "NAME: CONDITION; NAME: CONDITION". */
bool reco_segments_read(struct str text, const struct settings *settings, struct arena *a, struct reco_segments *out,
                        struct err *err) MUST_CHECK;
/* Who is in which; then the one in the last place. */
void reco_segments_ask(struct reco *r, const struct book *book, const struct version *v, struct instant now,
                       int threads);
void reco_segments_fresh(struct reco *r, uint32_t place, const struct subject *s);

/* The rules that keep this product out, a bit each. */
uint32_t reco_rules_of(const struct reco_rules *rules, const struct product_row *p);

/* Refusals and rules, once the orders are read. */
void reco_guards_read(struct reco *r, const struct book *book, const struct version *v, const struct settings *settings,
                      struct instant now, int threads);
/* The same of the customer in the last place. */
void reco_guards_fresh(struct reco *r, uint32_t place, const struct view *v);

/* The settings that are numbers, and the day. */
bool reco_guards_settings(struct reco *r, struct db *db, struct instant now, struct err *err) MUST_CHECK;

/* reco_catalogue.c: items, attributes, words */
bool reco_catalogue(struct reco *r, struct db *db, const struct book *book, struct err *err) MUST_CHECK;

#endif
