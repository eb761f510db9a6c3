/* Method: a list of those who wait, each with a condition of its own: whoever ends hands over to the first. */
#include "store/turn.h"

#include "base/arena.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct waiter {
	struct waiter *next;
	pthread_cond_t come;
	bool mine;
};

struct turn {
	struct turn *next;
	dev_t device;
	ino_t file;
	unsigned handles;
	bool taken;
	struct waiter *first, **last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct turn *turns;

struct turn *turn_open(const struct stat *file)
{
	pthread_mutex_lock(&lock);
	struct turn *t = turns;
	while (t && (t->device != file->st_dev || t->file != file->st_ino))
		t = t->next;
	if (!t) {
		t = mem_alloc(sizeof *t);
		t->next = turns;
		t->device = file->st_dev;
		t->file = file->st_ino;
		t->last = &t->first;
		turns = t;
	}
	t->handles++;
	pthread_mutex_unlock(&lock);
	return t;
}

void turn_close(struct turn *t)
{
	pthread_mutex_lock(&lock);
	if (--t->handles == 0) {
		struct turn **at = &turns;
		while (*at != t)
			at = &(*at)->next;
		*at = t->next;
		free(t);
	}
	pthread_mutex_unlock(&lock);
}

static void leave(struct turn *t, const struct waiter *w)
{
	struct waiter **at = &t->first;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (!w->next)
		t->last = at;
}

static void wait_for(struct turn *t, struct waiter *w, int ms)
{
	struct timespec until;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->come, &attr);
	pthread_condattr_destroy(&attr);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	*t->last = w;
	t->last = &w->next;
	while (!w->mine && pthread_cond_timedwait(&w->come, &lock, &until) == 0)
		;
	if (!w->mine)
		leave(t, w);
	pthread_cond_destroy(&w->come);
}

bool turn_take(struct turn *t, int ms)
{
	struct waiter w = { .next = NULL };
	pthread_mutex_lock(&lock);
	if (t->taken)
		wait_for(t, &w, ms);
	else
		t->taken = w.mine = true;
	pthread_mutex_unlock(&lock);
	return w.mine;
}

void turn_give(struct turn *t)
{
	pthread_mutex_lock(&lock);
	struct waiter *next = t->first;
	if (next) {
		t->first = next->next;
		if (!t->first)
			t->last = &t->first;
		next->mine = true;
		pthread_cond_signal(&next->come);
	} else {
		t->taken = false;
	}
	pthread_mutex_unlock(&lock);
}
