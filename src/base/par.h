/* par: a loop over 0 … n−1 spread over threads, in chunks taken from a shared counter.
 *
 * The caller makes results independent of the schedule (each chunk writes its own place). threads ≤ 0 means the number
 * of processors. With one thread or one chunk everything runs in the caller. Loops may run at the same time, and within
 * each other. Threads are kept for the next loop, as many as there are processors. */
#ifndef RELANCE_BASE_PAR_H
#define RELANCE_BASE_PAR_H

#include <stddef.h>

enum { PAR_THREADS_MAX = 256 };

int par_threads(int wanted); /* wanted, or the number of online processors; at most PAR_THREADS_MAX */
void par_for(size_t n, size_t chunk, int threads, void (*body)(void *ctx, size_t from, size_t to, int thread),
             void *ctx);

#endif
