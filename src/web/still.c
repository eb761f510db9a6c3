/* Everybody's runs and messages as they stood between two turns: what counts, lists, figures and reports read, so that
 * none of them is worked out on the thread that turns the shop.
 *
 * The copy is made by whoever reads first, STRIPE people at a time, each stripe under the gate that a turn holds for
 * itself: a turn waits for one stripe at most, the copy for the turns. Each person is seen as between two turns; two
 * stripes may lie a turn apart. It is shared by those who read at the same time, until the shop was turned again; what
 * a large base takes is kept KEPT_TIMES as long. Given back IDLE_S after the last reader. */
#include "app/live_int.h"
#include "web/web_int.h"

#include "app/clock.h"

#include <stdlib.h>

enum { LARGE = 100000, STRIPE = 4096, ROOM = 65536, KEPT_TIMES = 20 };
static const double IDLE_S = 60;

/* The runs, then the messages of one stripe. */
struct stripe {
	struct stripe *next;
	struct run runs[];
};

struct gate {
	pthread_rwlock_t states; /* the ticker turns: for writing; a stripe is copied: for reading */
	bool shut;               /* the ticker's: it holds it */
	_Atomic uint64_t turn;
	pthread_mutex_t lock; /* of what follows */
	struct still *still;
	double asked;
};

void gate_new(struct web *w)
{
	struct gate *g = w->gate = mem_alloc(sizeof *g);
	pthread_rwlockattr_t a;
	pthread_rwlockattr_init(&a);
	pthread_rwlockattr_setkind_np(&a, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP); /* a turn comes first */
	pthread_rwlock_init(&g->states, &a);
	pthread_rwlockattr_destroy(&a);
	pthread_mutex_init(&g->lock, NULL);
}

void gate_free(struct web *w)
{
	pthread_rwlock_destroy(&w->gate->states);
	pthread_mutex_destroy(&w->gate->lock);
	free(w->gate);
	w->gate = NULL;
}

void gate_shut(struct web *w)
{
	pthread_rwlock_wrlock(&w->gate->states);
	w->gate->shut = true;
}

bool gate_open(struct web *w)
{
	bool shut = w->gate->shut;
	w->gate->shut = false;
	if (!shut)
		return false;
	w->gate->turn++;
	pthread_rwlock_unlock(&w->gate->states);
	return true;
}

/* ---- one copy ---- */

static void still_free(struct still *s)
{
	for (struct stripe *k = s->stripes, *next; k; k = next) {
		next = k->next;
		free(k);
	}
	summary_free(s->summary);
	free(s->states);
	free(s->peers);
	free(s->waiting);
	free(s);
}

static void still_let_go(struct still *s)
{
	if (s && --s->readers == 0)
		still_free(s);
}

/* People from … to. Under the gate. */
static void copy_stripe(struct still *s, const struct pstate *states, size_t from, size_t to)
{
	size_t runs = 0, sent = 0;
	for (size_t c = from; c < to; c++) {
		runs += states[c].run_count;
		sent += states[c].sent_count;
	}
	struct stripe *k = mem_alloc(sizeof *k + runs * sizeof(struct run) + sent * sizeof(struct sent));
	struct run *run = k->runs;
	struct sent *message = (struct sent *)(void *)(run + runs);
	k->next = s->stripes;
	s->stripes = k;
	memcpy(s->states + from, states + from, (to - from) * sizeof *states);
	for (size_t c = from; c < to; c++) {
		struct pstate *p = &s->states[c];
		if (p->run_count)
			memcpy(run, p->runs, p->run_count * sizeof *run);
		if (p->sent_count)
			memcpy(message, p->sent, p->sent_count * sizeof *message);
		p->runs = run;
		p->sent = message;
		p->run_cap = p->run_count;
		p->sent_cap = p->sent_count;
		run += p->run_count;
		message += p->sent_count;
	}
}

/* What there is one of: the shop as it was turned last, who shares an address, who waits for a slot. Under the gate. */
static void copy_shop(struct web *w, struct still *s)
{
	const struct live *l = w->live;
	s->world = scene_world(w);
	if (l->peers && l->people <= s->places) { /* else one turn's pressure is counted by person, not by address */
		s->peers = mem_alloc(s->places * sizeof *s->peers);
		memcpy(s->peers, l->peers, l->people * sizeof *s->peers);
		s->world.states = s->states;
		s->world.peers = s->peers;
	}
	s->waiting = mem_alloc((l->plans->count + 1) * sizeof *s->waiting);
	for (uint16_t i = 0; i < l->plans->count; i++)
		s->waiting[i] = live_waiting(l, i);
}

/* Of a shop that is open, and stays so: the caller holds the book. */
static struct still *still_take(struct web *w)
{
	struct gate *g = w->gate;
	struct still *s = mem_alloc(sizeof *s);
	double began = clock_monotonic();
	bool whole = false;
	s->turn = g->turn;
	for (size_t from = 0; !whole; from += STRIPE) {
		pthread_rwlock_rdlock(&g->states);
		const struct live *l = w->live;
		if (!s->states) {
			s->places = l->people + ROOM;
			s->states = mem_alloc(s->places * sizeof *s->states);
		}
		size_t people = l->people < s->places ? l->people : s->places; /* who came meanwhile */
		if (from < people)
			copy_stripe(s, l->states, from, from + STRIPE < people ? from + STRIPE : people);
		whole = from + STRIPE >= people;
		if (whole)
			copy_shop(w, s);
		pthread_rwlock_unlock(&g->states);
	}
	double now = clock_monotonic(), cost = now - began;
	s->kept_until = s->places - ROOM > LARGE ? now + KEPT_TIMES * cost : now;
	s->readers = 1; /* the gate itself */
	return s;
}

/* ---- for requests ---- */

const struct still *request_still(struct request *r)
{
	struct web *w = r->web;
	struct gate *g = w->gate;
	if (r->still)
		return r->still;
	check(!pthread_equal(pthread_self(), w->ticker)); /* it would wait for itself */
	const struct version *v = request_book(r);
	if (!v)
		return NULL;
	pthread_mutex_lock(&g->lock);
	struct still *s = g->still;
	g->asked = clock_monotonic();
	if (!s || s->places <= v->customers || (s->turn != g->turn && s->kept_until <= g->asked)) {
		g->still = NULL;
		still_let_go(s);
		s = g->still = still_take(w);
	}
	s->readers++;
	pthread_mutex_unlock(&g->lock);
	return r->still = s;
}

const struct world *request_still_world(struct request *r)
{
	const struct still *s = request_still(r);
	if (!s)
		return NULL;
	struct world *w = arena_new(&r->arena, struct world);
	*w = s->world;
	w->version = r->version;
	return w;
}

const struct summary *request_summary(struct request *r)
{
	const struct world *world = request_still_world(r);
	struct still *s = r->still;
	if (!world)
		return NULL;
	pthread_mutex_lock(&r->web->gate->lock);
	if (!s->summary)
		s->summary = summary_make(world, s->states, clock_now(), NULL);
	pthread_mutex_unlock(&r->web->gate->lock);
	return s->summary;
}

bool request_figures(struct request *r, struct figures_shop *out)
{
	const struct world *w = request_still_world(r);
	if (!w)
		return false;
	*out = (struct figures_shop){ .book = w->book,
		                          .version = w->version,
		                          .states = r->still->states,
		                          .plans = w->plans,
		                          .settings = w->settings,
		                          .now = clock_now(),
		                          .seed = w->seed,
		                          .threads = r->web->o.threads };
	return true;
}

void request_still_end(struct request *r)
{
	struct gate *g = r->web->gate;
	if (!r->still)
		return;
	pthread_mutex_lock(&g->lock);
	still_let_go(r->still);
	pthread_mutex_unlock(&g->lock);
	r->still = NULL;
}

/* ---- for the ticker ---- */

void gate_forget(struct web *w)
{
	pthread_mutex_lock(&w->gate->lock);
	still_let_go(w->gate->still);
	w->gate->still = NULL;
	pthread_mutex_unlock(&w->gate->lock);
}

void gate_sweep(struct web *w)
{
	struct gate *g = w->gate;
	if (pthread_mutex_trylock(&g->lock) != 0) /* somebody is reading: not now */
		return;
	if (g->still && clock_monotonic() - g->asked > IDLE_S) {
		still_let_go(g->still);
		g->still = NULL;
	}
	pthread_mutex_unlock(&g->lock);
}
