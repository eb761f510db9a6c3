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
void reco_segments_place(struct reco *r);
uint8_t reco_segment_of(const struct reco *r, const struct subject *s);
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

/* Instead of reco_guards_read() and reco_segments_ask(): room for the customer in the last place alone. */
void reco_guards_place(struct reco *r, const struct book *book, const struct version *v, const struct reco *before,
                       const struct settings *settings, struct instant now, int threads);

/* reco.c: of the arrays behind `data`. */
void reco_no_orders(struct reco *r);
/* False: nothing of it is a product. */
bool reco_put_order(struct reco *r, const struct chunk *k, uint32_t o);
void reco_place(struct reco *r); /* nobody but the one in the last place */
bool reco_same_items(const struct reco *r, const struct reco *before);

/* reco_catalogue.c: items, attributes, words */
bool reco_catalogue(struct reco *r, struct db *db, const struct book *book, struct err *err) MUST_CHECK;

#endif
