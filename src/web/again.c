/* The same question asked again: a request with an Idempotency-Key on a route marked ONCE is answered from what was
 * answered the first time, for a day. The key is the asker's own (account or key of a program) and of that path; with
 * another body it is refused, and so it is while the first is being answered. Only small answers are kept, and only of
 * routes whose answers hold numbers, never a secret or a person. What failed in the world (5xx) or was slowed (429) is
 * not kept: it may be asked again. */
#include "base/hash.h"
#include "web/web_int.h"

#include "app/clock.h"

#include <stdio.h>

enum { KEY_MAX = 200, KEPT_BYTES_MAX = 4096 };

static void hash_parts(const char *const *parts, size_t count, char out[TOKEN_HEX + 1])
{
	struct sha256 *h = sha256_new();
	for (size_t i = 0; i < count; i++)
		sha256_add(h, parts[i], strlen(parts[i]) + 1);
	sha256_hex(h, out);
	sha256_free(h);
}

static void hash_body(const struct request *r, char out[TOKEN_HEX + 1])
{
	struct sha256 *h = sha256_new();
	if (r->body.n)
		sha256_add(h, r->body.p, r->body.n);
	sha256_hex(h, out);
	sha256_free(h);
}

static void answer_again(struct request *r, struct query *q, const char *body)
{
	if (!str_is(query_get_text(q, 0), body)) {
		request_problem(r, 422, "this Idempotency-Key was used with another body: make a new one for every request");
		return;
	}
	r->status = (int)query_get_int(q, 1);
	r->type = r->status >= 400 ? "application/problem+json" : "application/json";
	buf_str(&r->out, query_get_text(q, 2));
	request_add_header(r, "Idempotency-Replayed", STR("true"));
}

/* Among those being answered; false: somebody has this key already. */
static bool begin(struct request *r)
{
	struct web *w = r->web;
	pthread_mutex_lock(&w->lock);
	struct request *other = w->asking;
	while (other && strcmp(other->asking_key, r->again) != 0)
		other = other->asking;
	if (!other) {
		memcpy(r->asking_key, r->again, sizeof r->asking_key);
		r->asking = w->asking;
		w->asking = r;
	}
	pthread_mutex_unlock(&w->lock);
	return !other;
}

void again_done(struct request *r)
{
	struct web *w = r->web;
	if (!r->asking_key[0])
		return;
	pthread_mutex_lock(&w->lock);
	struct request **p = &w->asking;
	while (*p != r)
		p = &(*p)->asking;
	*p = r->asking;
	pthread_mutex_unlock(&w->lock);
	r->asking = NULL;
	r->asking_key[0] = 0;
}

bool again_known(struct request *r)
{
	const char *key = request_header(r, "Idempotency-Key");
	char body[TOKEN_HEX + 1];
	struct err err;
	if (!key || !(r->route->flags & ONCE) || !r->who.actor[0])
		return false;
	if (!key[0] || strlen(key) > KEY_MAX) {
		request_problem(r, 422, "Idempotency-Key has 1 to %d bytes", KEY_MAX);
		return true;
	}
	struct db *db = request_db(r);
	if (!db)
		return true;
	const char *parts[] = { r->who.actor, r->method, r->path, key };
	hash_parts(parts, ARRAY_LEN(parts), r->again);
	hash_body(r, body);
	if (!begin(r)) {
		r->again[0] = 0;
		request_problem(r, 409, "the first request with this Idempotency-Key is still being answered: ask again soon");
		return true;
	}
	struct query *q = db_query(db, "answered_get");
	query_text(q, 1, str_from(r->again));
	query_int(q, 2, clock_now().s - DAY_S);
	int got = query_next(q, &err);
	if (got == 1) {
		answer_again(r, q, body);
		r->again[0] = 0;
	}
	query_done(q);
	if (got < 0)
		request_err(r, &err);
	return got != 0;
}

/* On the ticker. That the answer is not kept is no reason to refuse it. */
static void keep(struct request *r)
{
	struct db *db = live_db(r->web->live);
	struct err err;
	char body[TOKEN_HEX + 1];
	int64_t now = clock_now().s;
	hash_body(r, body);
	bool ok = db_begin(db, &err);
	struct query *q = db_query(db, "answered_sweep");
	query_int(q, 1, now - DAY_S);
	ok = ok && query_run(q, NULL, &err);
	q = db_query(db, "answered_put");
	query_text(q, 1, str_from(r->again));
	query_text(q, 2, str_from(body));
	query_int(q, 3, now);
	query_int(q, 4, r->status);
	query_text(q, 5, buf_view(&r->out));
	ok = ok && query_run(q, NULL, &err) && db_commit(db, &err);
	if (!ok) {
		db_rollback(db);
		fprintf(stderr, "relance: an answer was not kept for its Idempotency-Key: %s\n", err.text);
	}
	r->again[0] = 0;
}

bool again_keep(struct request *r)
{
	if (!r->again[0] || r->ready || r->status >= 500 || r->status == 429 || r->out.n > KEPT_BYTES_MAX)
		return false;
	request_hand_over(r, keep);
	return true;
}
