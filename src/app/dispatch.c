#include "app/dispatch.h"

#include "app/clock.h"
#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SESSIONS = 4,
	CONNECT_MS = 10000,
	QUICK_MS = 5000,
	QUICK_DATA_MS = 20000,
	STOP_MS = 8000,
	IDLE_MS = 300,
	NAP_MS = 5,
	HOLD_LOOK_MS = 50,
	SIGNATURES_MAX = 64 << 10
};

/* A server that could not be used is left alone for a while: mails wait in the outbox, not here. */
static const double PAUSE_S = 15;

struct dispatch {
	char *address;
	void (*notify)(void *ctx);
	void *ctx;
	bool alone; /* no thread: one parcel, at once */
	bool quick; /* the parcel's */
	pthread_t thread;
	bool started;
	atomic_bool stop;
	struct db *db; /* of the thread: to read the holds; NULL: nothing to read */

	pthread_mutex_t lock; /* everything below, and the letters' states */
	pthread_cond_t wake;
	struct parcel *first, *last;
	struct letter *done, *done_last;
	size_t out; /* letters put and not taken */
	struct mail_server unreached;
	double reached_from; /* monotonic: before it that server is left alone */

	/* of the run under way, by the thread alone */
	struct mail_server server;
	double idle_since, held_at;
	bool held;
};

/* ---- what became of letters; under the lock ---- */

static void end(struct dispatch *d, struct letter *x, enum letter_state state)
{
	x->state = state;
	x->next = NULL;
	if (d->done_last)
		d->done_last->next = x;
	else
		d->done = x;
	d->done_last = x;
}

/* Parcels all of whose letters have their outcome leave the queue. */
static void unqueue_ended(struct dispatch *d)
{
	struct parcel **at = &d->first;
	d->last = NULL;
	while (*at) {
		struct parcel *p = *at;
		bool open = false;
		for (size_t i = 0; i < p->count && !open; i++)
			open = p->letters[i].state <= LETTER_TAKEN;
		if (open) {
			d->last = p;
			at = &p->queue;
		} else {
			*at = p->queue;
			p->queue = NULL;
		}
	}
}

static bool end_waiting(struct dispatch *d, enum letter_state state)
{
	bool any = false;
	for (struct parcel *p = d->first; p; p = p->queue)
		for (size_t i = 0; i < p->count; i++)
			if (p->letters[i].state == LETTER_WAITING) {
				end(d, &p->letters[i], state);
				any = true;
			}
	unqueue_ended(d);
	return any;
}

/* What a person may have mended when the server could not be used. */
static bool same_place(const struct mail_server *a, const struct mail_server *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0 && strcmp(a->user, b->user) == 0 &&
	       a->tls == b->tls;
}

static bool same_server(const struct mail_server *a, const struct mail_server *b)
{
	return same_place(a, b) && strcmp(a->helo, b->helo) == 0 && a->timeout_s == b->timeout_s;
}

/* The oldest that waits (for this server; NULL: any). */
static struct letter *oldest(const struct dispatch *d, const struct mail_server *server)
{
	for (struct parcel *p = d->first; p; p = p->queue)
		for (size_t i = 0; i < p->count; i++)
			if (p->letters[i].state == LETTER_WAITING && (!server || same_server(&p->server, server)))
				return &p->letters[i];
	return NULL;
}

static void tell(struct dispatch *d)
{
	if (d->notify)
		d->notify(d->ctx);
}

/* ---- the run ---- */

static bool flag_is_set(struct db *db, const char *name, bool *set)
{
	struct arena a;
	struct err ignored;
	struct str text;
	bool found;
	arena_init(&a);
	bool ok = store_shop_get(db, name, &a, &text, &found, &ignored);
	*set = !ok || (found && text.n && !str_is(text, "0")); /* what cannot be read holds */
	arena_release(&a);
	return ok;
}

/* On the thread. */
static bool is_held(struct dispatch *d)
{
	static const char *const HOLDS[] = { "stopped", "clock_hold", "restored_hold" };
	double now = clock_monotonic();
	if (!d->db || (d->held_at && now - d->held_at < HOLD_LOOK_MS / 1000.0))
		return d->held;
	d->held = false;
	for (size_t i = 0; i < ARRAY_LEN(HOLDS) && !d->held; i++)
		if (!flag_is_set(d->db, HOLDS[i], &d->held))
			break;
	d->held_at = now;
	return d->held;
}

/* The next letter for this run's server. *others: letters wait for another one. */
static struct letter *take(struct dispatch *d, bool *others)
{
	bool held = is_held(d), recalled = false;
	pthread_mutex_lock(&d->lock);
	if (held)
		recalled = end_waiting(d, LETTER_RECALLED);
	struct letter *found = oldest(d, &d->server);
	if (found)
		found->state = LETTER_TAKEN;
	*others = oldest(d, NULL) != NULL;
	pthread_mutex_unlock(&d->lock);
	if (recalled)
		tell(d);
	return found;
}

/* A signature costs more than all the rest: made here, and not by the thread that turns the shop. */
static bool sign(struct letter *x)
{
	struct err err;
	struct buf all;
	const struct signing *s = &x->parcel->sign;
	if (!s->signer)
		return true;
	buf_init(&all, x->mail.data.n + SIGNATURES_MAX);
	bool ok = dkim_sign(s->signer, x->mail.data, &all, &err);
	buf_str(&all, x->mail.data);
	ok = ok && !all.full;
	if (ok)
		x->mail.data = arena_str(&x->parcel->arena, buf_view(&all));
	buf_release(&all);
	return ok;
}

static enum smtp_next next(void *ctx, struct smtp_mail *out, int *wait_ms)
{
	struct dispatch *d = ctx;
	bool others;
	struct letter *x;
	while ((x = take(d, &others)) && !sign(x)) {
		pthread_mutex_lock(&d->lock);
		end(d, x, LETTER_UNSIGNED);
		unqueue_ended(d);
		pthread_mutex_unlock(&d->lock);
		tell(d);
	}
	double now = clock_monotonic();
	if (x) {
		d->idle_since = 0;
		*out = x->mail;
		out->tag = x;
		return SMTP_MAIL;
	}
	d->idle_since = d->idle_since ? d->idle_since : now;
	if (d->alone || others || now - d->idle_since > IDLE_MS / 1000.0)
		return SMTP_DONE;
	*wait_ms = NAP_MS;
	return SMTP_WAIT;
}

/* The last moment: the envelope is about to go. */
static void before_data(void *ctx, const struct smtp_mail *const *mails, bool *go, size_t count)
{
	struct dispatch *d = ctx;
	bool held = is_held(d);
	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < count; i++)
		go[i] = !held && !((const struct letter *)mails[i]->tag)->recalled;
	pthread_mutex_unlock(&d->lock);
}

static void outcome(void *ctx, const struct smtp_mail *mail, const struct smtp_outcome *o)
{
	struct dispatch *d = ctx;
	struct letter *x = mail->tag;
	pthread_mutex_lock(&d->lock);
	x->result = o->result;
	for (int i = 0; i < 3 && o->words[i] >= '0' && o->words[i] <= '9'; i++)
		x->code[i] = o->words[i];
	end(d, x, o->result == SMTP_WITHDRAWN ? LETTER_RECALLED : LETTER_ANSWERED);
	unqueue_ended(d);
	pthread_mutex_unlock(&d->lock);
	tell(d);
}

/* Until nothing waits for this server any more. */
static void run(struct dispatch *d)
{
	const struct mail_server *m = &d->server;
	struct smtp_server server = { .host = m->host,
		                          .port = m->port,
		                          .helo = m->helo,
		                          .tls = m->tls,
		                          .user = m->user[0] ? m->user : NULL,
		                          .password = getenv("RELANCE_SMTP_PASSWORD") };
	struct smtp_limits limits = { .sessions = SESSIONS,
		                          .connect_ms = CONNECT_MS,
		                          .failures = 2,
		                          .stop_ms = STOP_MS,
		                          .reply_ms = m->timeout_s * 1000,
		                          .data_ms = m->timeout_s * 5000 };
	if (d->quick) {
		limits.connect_ms = QUICK_MS;
		limits.reply_ms = limits.reply_ms < QUICK_MS ? limits.reply_ms : QUICK_MS;
		limits.data_ms = limits.data_ms < QUICK_DATA_MS ? limits.data_ms : QUICK_DATA_MS;
		limits.failures = 1;
	}
	struct smtp_hooks hooks = {
		.ctx = d, .next = next, .before_data = before_data, .outcome = outcome, .stop = &d->stop
	};
	struct smtp_counts counts;
	struct err err;
	d->idle_since = 0;
	bool used = smtp_run(&server, &limits, &hooks, &counts, &err);
	if (!used)
		fprintf(stderr, "relance: mail server: %s\n", err.text);
	pthread_mutex_lock(&d->lock);
	bool stopping = atomic_load(&d->stop);
	if (!used || stopping)
		end_waiting(d, stopping ? LETTER_RECALLED : LETTER_UNREACHED);
	if (!used) {
		d->unreached = d->server;
		d->reached_from = clock_monotonic() + PAUSE_S;
	}
	pthread_mutex_unlock(&d->lock);
	tell(d);
}

static void *dispatch_main(void *ctx)
{
	struct dispatch *d = ctx;
	pthread_setname_np(pthread_self(), "mail");
	pthread_mutex_lock(&d->lock);
	while (!atomic_load(&d->stop)) {
		const struct letter *x = oldest(d, NULL);
		if (!x) {
			pthread_cond_wait(&d->wake, &d->lock);
			continue;
		}
		d->server = x->parcel->server;
		pthread_mutex_unlock(&d->lock);
		run(d);
		pthread_mutex_lock(&d->lock);
	}
	end_waiting(d, LETTER_RECALLED);
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- the caller's side ---- */

struct dispatch *dispatch_new(const char *address, void (*notify)(void *ctx), void *ctx)
{
	struct dispatch *d = mem_alloc(sizeof *d);
	d->address = strdup(address);
	d->notify = notify;
	d->ctx = ctx;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	return d;
}

void dispatch_free(struct dispatch *d)
{
	struct letter *lost[DISPATCH_MAX];
	size_t n;
	if (!d)
		return;
	dispatch_stop(d);
	while ((n = dispatch_look(d, lost, ARRAY_LEN(lost))))
		dispatch_taken(d, n);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d->address);
	free(d);
}

bool dispatch_room(struct dispatch *d, const struct mail_server *to, size_t n)
{
	pthread_mutex_lock(&d->lock);
	bool room = d->out + n <= DISPATCH_MAX && (clock_monotonic() >= d->reached_from || !same_place(&d->unreached, to));
	pthread_mutex_unlock(&d->lock);
	return room;
}

static bool start(struct dispatch *d, struct err *err)
{
	struct shop shop;
	if (d->started)
		return true;
	d->db = store_open(d->address, true, &shop, err);
	if (!d->db)
		return false;
	atomic_store(&d->stop, false);
	d->held_at = 0;
	d->started = pthread_create(&d->thread, NULL, dispatch_main, d) == 0;
	if (d->started)
		return true;
	db_close(d->db);
	d->db = NULL;
	return err_set(err, ERR_WORLD, "no thread could be made for the mail server");
}

static void put(struct dispatch *d, struct parcel *p)
{
	if (d->last)
		d->last->queue = p;
	else
		d->first = p;
	d->last = p;
	p->left = p->count;
	d->out += p->count;
}

bool dispatch_put(struct dispatch *d, struct parcel *p, struct err *err)
{
	if (!start(d, err))
		return false;
	pthread_mutex_lock(&d->lock);
	put(d, p);
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	return true;
}

void dispatch_recall(struct dispatch *d, customer_id c)
{
	pthread_mutex_lock(&d->lock);
	for (struct parcel *p = d->first; p; p = p->queue)
		for (size_t i = 0; i < p->count; i++) {
			struct letter *x = &p->letters[i];
			if (c && x->key.customer != c)
				continue;
			x->recalled = true;
			if (x->state == LETTER_WAITING)
				end(d, x, LETTER_RECALLED);
		}
	unqueue_ended(d);
	pthread_mutex_unlock(&d->lock);
}

bool dispatch_arrived(struct dispatch *d)
{
	pthread_mutex_lock(&d->lock);
	bool arrived = d->done != NULL;
	pthread_mutex_unlock(&d->lock);
	return arrived;
}

size_t dispatch_look(struct dispatch *d, struct letter **out, size_t max)
{
	size_t n = 0;
	pthread_mutex_lock(&d->lock);
	for (struct letter *x = d->done; x && n < max; x = x->next)
		out[n++] = x;
	pthread_mutex_unlock(&d->lock);
	return n;
}

void dispatch_taken(struct dispatch *d, size_t n)
{
	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < n && d->done; i++) {
		struct letter *x = d->done;
		d->done = x->next;
		d->done_last = d->done ? d->done_last : NULL;
		d->out--;
		if (--x->parcel->left == 0)
			parcel_free(x->parcel);
	}
	pthread_mutex_unlock(&d->lock);
}

void dispatch_stop(struct dispatch *d)
{
	if (!d->started)
		return;
	pthread_mutex_lock(&d->lock);
	atomic_store(&d->stop, true);
	end_waiting(d, LETTER_RECALLED);
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	d->started = false;
	db_close(d->db);
	d->db = NULL;
	d->reached_from = 0;
}

void dispatch_now(struct dispatch *d, struct parcel *p)
{
	struct dispatch now = { .alone = true, .quick = p->quick, .server = p->server };
	pthread_mutex_init(&now.lock, NULL);
	put(&now, p);
	run(&now);
	pthread_mutex_destroy(&now.lock);
	if (!d || now.reached_from == 0)
		return;
	pthread_mutex_lock(&d->lock);
	d->unreached = now.unreached;
	d->reached_from = now.reached_from;
	pthread_mutex_unlock(&d->lock);
}
