/* turn: work done by many threads, results taken in order. Inside a par_for body with chunk 1, the thread that holds
 * piece i computes it, waits with turn_wait(t, i) until pieces 0 … i−1 are done, does what must be done in order, and
 * ends it with turn_next(). At most one thread is between the two; at most `threads` pieces are in memory. par_for
 * hands pieces out in ascending order, so the wait always ends. Every piece takes its turn, also after a failure: the
 * shared state says so, and the piece then does nothing. */
#ifndef RELANCE_BASE_TURN_H
#define RELANCE_BASE_TURN_H

#include <pthread.h>
#include <stddef.h>

struct turn {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	size_t next;
};

void turn_init(struct turn *t);
void turn_release(struct turn *t);
void turn_wait(struct turn *t, size_t piece);
void turn_next(struct turn *t);

#endif
