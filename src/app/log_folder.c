#include "app/log_folder.h"

#include "base/arena.h"
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { LOG_BYTES = 16 << 20, LOOK_MS = 100 };

struct log_folder {
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping; /* lock */
};

static void in_a_moment(struct timespec *at)
{
	clock_gettime(CLOCK_MONOTONIC, at);
	at->tv_nsec += LOOK_MS * 1000000L;
	if (at->tv_nsec >= 1000000000L) {
		at->tv_nsec -= 1000000000L;
		at->tv_sec++;
	}
}

static bool told_to_stop(struct log_folder *f)
{
	struct timespec at;
	in_a_moment(&at);
	pthread_mutex_lock(&f->lock);
	if (!f->stopping)
		pthread_cond_timedwait(&f->wake, &f->lock, &at);
	bool stop = f->stopping;
	pthread_mutex_unlock(&f->lock);
	return stop;
}

static void *fold(void *ctx)
{
	struct log_folder *f = ctx;
	struct err told_by_who_commits;
	pthread_setname_np(pthread_self(), "log");
	while (!told_to_stop(f))
		if (!db_log_fold(f->db, LOG_BYTES, &told_by_who_commits))
			continue;
	return NULL;
}

bool log_folder_start(struct log_folder **out, struct db *writer, struct err *err)
{
	*out = NULL;
	if (db_kind(writer) != DB_SQLITE)
		return true;
	struct shop shop;
	struct db *db = store_open(db_address(writer), false, &shop, err);
	if (!db || !db_log_left(writer, err)) {
		db_close(db);
		return false;
	}
	struct log_folder *f = mem_alloc(sizeof *f);
	f->db = db;
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*out = f;
	if (pthread_create(&f->thread, NULL, fold, f) == 0)
		return true;
	f->thread = pthread_self();
	log_folder_stop(f);
	*out = NULL;
	return err_set(err, ERR_WORLD, "no thread could be made");
}

void log_folder_stop(struct log_folder *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	if (!pthread_equal(f->thread, pthread_self()))
		pthread_join(f->thread, NULL);
	db_close(f->db);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
