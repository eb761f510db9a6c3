/* spend_window: the thresholds of every shop day of a period, one day after the other, without looking at everybody
 * each day.
 *
 * Method: all documents in order of their civil day; a day's step adds yesterday's and takes away those that leave the
 * twelve months. The exact k-th largest spend comes from counts per minor unit in two levels (SPEND_EXACT_MAX covers
 * all but the richest, who are kept in a short sorted list). Same result as thresholds_compute(), day by day:
 * O(documents) for the whole period. Memory: 8 bytes a document, 12 bytes a customer. */
#ifndef RELANCE_FOLD_SPEND_WINDOW_H
#define RELANCE_FOLD_SPEND_WINDOW_H

#include "fold/lifecycle.h"

struct spend_window;

/* Documents before `until` of all persons of the version; the first day asked for may be any. */
struct spend_window *spend_window_new(const struct version *v, zone_id shop_zone, struct instant until,
                                      const struct lifecycle_settings *s);
void spend_window_free(struct spend_window *w);

/* Thresholds as of the start of `day`; days must not go back. */
void spend_window_at(struct spend_window *w, struct date day, struct thresholds *out);

#endif
