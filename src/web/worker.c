/* What each thread that answers keeps from request to request: a read handle of the database, and the memory of
 * requests that are over. No lock is shared for either. */
#include "web/web_int.h"

#include <stdlib.h>

enum { SPARE_MAX = 64, SPARE_BYTES = 128 << 10 };

struct worker {
	struct request *spare; /* by ->queue; their arenas keep a block */
	int spare_count;
	struct db *db;
	uint64_t opening; /* of the shop when db was opened */
	struct shelf *shelf;
	struct key_seen key;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void worker_end(void *ctx)
{
	struct worker *k = ctx;
	for (struct request *r = k->spare, *next; r; r = next) {
		next = r->queue;
		arena_release(&r->arena);
		free(r);
	}
	db_close(k->db);
	shelf_free(k->shelf);
	free(k);
}

static void make_key(void)
{
	check(pthread_key_create(&key, worker_end) == 0);
}

static struct worker *worker(void)
{
	pthread_once(&once, make_key);
	struct worker *k = pthread_getspecific(key);
	if (!k) {
		k = mem_alloc(sizeof *k);
		check(pthread_setspecific(key, k) == 0);
	}
	return k;
}

struct shelf **worker_shelf(void)
{
	return &worker()->shelf;
}

struct key_seen *worker_key(void)
{
	return &worker()->key;
}

struct request *worker_request(void)
{
	struct worker *k = worker();
	struct request *r = k->spare;
	if (!r)
		return mem_alloc(sizeof *r);
	k->spare = r->queue;
	k->spare_count--;
	struct arena arena = r->arena;
	*r = (struct request){ .arena = arena };
	return r;
}

void worker_keep(struct request *r)
{
	struct worker *k = worker();
	if (k->spare_count == SPARE_MAX || r->arena.total > SPARE_BYTES) {
		arena_release(&r->arena);
		free(r);
		return;
	}
	arena_clear(&r->arena);
	r->queue = k->spare;
	k->spare = r;
	k->spare_count++;
}

struct db *request_db(struct request *r)
{
	struct worker *k = worker();
	uint64_t opening = r->web->openings;
	struct shop shop;
	struct err err;
	if (k->db && k->opening != opening) { /* the file may be another one since */
		db_close(k->db);
		k->db = NULL;
	}
	if (!k->db && !(k->db = store_open(r->web->o.address, true, &shop, &err)))
		request_err(r, &err);
	k->opening = opening;
	return r->db = k->db;
}
