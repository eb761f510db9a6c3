#include "base/turn.h"

#include "base/check.h"

void turn_init(struct turn *t)
{
	t->next = 0;
	check(pthread_mutex_init(&t->lock, NULL) == 0 && pthread_cond_init(&t->moved, NULL) == 0);
}

void turn_release(struct turn *t)
{
	pthread_cond_destroy(&t->moved);
	pthread_mutex_destroy(&t->lock);
}

void turn_wait(struct turn *t, size_t piece)
{
	pthread_mutex_lock(&t->lock);
	while (t->next != piece)
		pthread_cond_wait(&t->moved, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

void turn_next(struct turn *t)
{
	pthread_mutex_lock(&t->lock);
	t->next++;
	pthread_cond_broadcast(&t->moved);
	pthread_mutex_unlock(&t->lock);
}
