/* The baseline of bench_http.py: the least one could write with libmicrohttpd and SQLite: POST / stores the body in a
 * table, one commit each, to the disk when "full" is said; GET / answers a fixed body of the size given.
 * bench_http_base DB PORT BYTES [full] */
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sqlite3 *db;
static sqlite3_stmt *put;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *page;
static size_t page_n;

struct body {
	char *p;
	size_t n;
};

static enum MHD_Result answer(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
	struct body *b = *state;
	(void)ctx;
	(void)url;
	(void)version;
	if (!b) {
		*state = calloc(1, sizeof *b);
		return *state ? MHD_YES : MHD_NO;
	}
	if (*size) {
		b->p = realloc(b->p, b->n + *size);
		if (!b->p)
			abort();
		memcpy(b->p + b->n, data, *size);
		b->n += *size;
		*size = 0;
		return MHD_YES;
	}
	int status = MHD_HTTP_OK;
	struct MHD_Response *r;
	if (strcmp(method, "POST") == 0) {
		pthread_mutex_lock(&lock);
		sqlite3_bind_text(put, 1, b->p, (int)b->n, SQLITE_STATIC);
		if (sqlite3_step(put) != SQLITE_DONE)
			status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		sqlite3_reset(put);
		pthread_mutex_unlock(&lock);
		r = MHD_create_response_from_buffer(2, (void *)(size_t) "ok", MHD_RESPMEM_PERSISTENT);
	} else {
		r = MHD_create_response_from_buffer(page_n, page, MHD_RESPMEM_PERSISTENT);
	}
	enum MHD_Result done = MHD_queue_response(c, (unsigned)status, r);
	MHD_destroy_response(r);
	return done;
}

static void ended(void *ctx, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct body *b = *state;
	(void)ctx;
	(void)c;
	(void)why;
	if (b)
		free(b->p);
	free(b);
}

int main(int argc, char **argv)
{
	if (argc < 4 || argc > 5 || sqlite3_open(argv[1], &db) != SQLITE_OK)
		return 2;
	page_n = (size_t)strtoul(argv[3], NULL, 10);
	page = malloc(page_n + 1);
	if (!page)
		return 2;
	memset(page, 'x', page_n);
	sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE IF NOT EXISTS body (text TEXT)",
	             NULL, NULL, NULL);
	if (argc == 5)
		sqlite3_exec(db, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
	if (sqlite3_prepare_v2(db, "INSERT INTO body VALUES (?1)", -1, &put, NULL) != SQLITE_OK)
		return 2;
	struct MHD_Daemon *d =
		MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)strtoul(argv[2], NULL, 10), NULL, NULL, answer, NULL,
	                     MHD_OPTION_THREAD_POOL_SIZE, 4u, MHD_OPTION_NOTIFY_COMPLETED, ended, NULL, MHD_OPTION_END);
	if (!d)
		return 1;
	for (;;)
		pause();
}
