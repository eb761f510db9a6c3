/* together: the records that are one person (store/merge.h), folded as one: their facts into the survivor's columns of
 * the book, their runs and messages beside the survivor's own. Derived, whenever it is wanted, from what each record
 * has of its own; so taking a merge back is doing it again without. */
#ifndef RELANCE_APP_TOGETHER_H
#define RELANCE_APP_TOGETHER_H

#include "book/book.h"
#include "fold/subject.h"
#include "store/merge.h"

/* Facts of some records, in seq order of each: copies. */
struct together {
	struct arena arena;
	struct fact *facts;
	size_t count, cap;
};

void together_init(struct together *t);
void together_release(struct together *t);
void together_add(struct together *t, const struct fact *f);
/* Those of one record up to number `upto`, learned before `known`. */
bool together_read(struct together *t, struct db *db, customer_id c, int64_t upto, struct instant known,
                   struct err *err) MUST_CHECK;

/* Of each record given: everybody it is one person with, itself too, in ascending order, each once. malloc'd. */
customer_id *together_all(const struct merges *m, const customer_id *records, size_t count, size_t *all);

/* Folds these anew (together_all), by the facts given, which are all of theirs. */
bool together_fold(struct together *t, struct book *book, const struct merges *m, const customer_id *all, size_t count,
                   struct err *err) MUST_CHECK;

/* One more record's runs and messages, as copies numbered from *next (RUN_JOINED at first): all over. */
struct plan_set;
void together_state(struct pstate *to, const struct pstate *from, uint16_t *next, const struct plan_set *set);
/* The survivor's state with copies of what the others' hold, in place of those it had. states: by customer number. */
void together_states(const struct merges *m, customer_id survivor, struct pstate *states, const struct plan_set *set);

#endif
