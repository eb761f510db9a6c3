/* What a stretch of days said, brought into the one order that hangs on nothing but the facts: day, first instant
 * before slots before the rest, unit; then written down and told.
 *
 * Method: slices hold their segments by unit already; a counting sort by pass over the slices keeps that. The few who
 * went day by day are sorted within their pass and merged in. Days are written by all threads at once, each into its
 * own block; hashing is what must go in order, so a thread of its own does it while the others look at people again. */
#include "app/replay_int.h"

#include <stdlib.h>

enum { PENDING_MAX = 1 << 20 }; /* decisions written down and not told yet: some 100 MB */

/* ---- telling, in order ---- */

static void count_decisions(struct replay *r, const struct said_day *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct decision *d = &s->items[i];
		struct replay_plan *p = &r->out->plans[d->plan];
		switch ((enum verdict)d->verdict) {
		case VERDICT_ENTERED: p->entered++; break;
		case VERDICT_CONTROL:
			p->entered++;
			p->control++;
			break;
		case VERDICT_SEND:
			p->messages++;
			p->by_channel[d->channel]++;
			break;
		case VERDICT_HELD: p->held++; break;
		case VERDICT_SKIPPED: p->skipped++; break;
		case VERDICT_DROPPED: p->dropped++; break;
		case VERDICT_EXITED:
			p->exited++;
			p->goals += d->reason == REASON_GOAL_MET;
			break;
		case VERDICT_ENDED: p->ended++; break;
		case VERDICT_TAGGED: p->tagged++; break;
		case VERDICT_COUNT: break;
		}
	}
	r->out->decisions += s->count;
}

static void tell_text(struct replay *r, struct str text)
{
	sha256_add(r->hash, text.p, text.n);
	if (!atomic_load(&r->failed) && r->o->trace && text.n && !r->o->trace(r->o->ctx, text, r->err))
		atomic_store(&r->failed, true);
}

static void tell(struct replay *r, int32_t day, const struct said_day *s)
{
	tell_text(r, buf_view(&s->text));
	count_decisions(r, s);
	if (r->o->decided && s->count)
		r->o->decided(r->o->ctx, (struct date){ r->first_day + day }, s->items, s->count);
	if (r->o->progress)
		r->o->progress(r->o->ctx, (uint64_t)day + 1, (uint64_t)r->day_count);
}

/* The next day when it is made; NULL: not yet. With the lock held. */
static struct said_day *take_made(struct replay *r)
{
	struct said_day *s = r->told < r->day_count ? r->made[r->told] : NULL;
	if (s)
		r->made[r->told] = NULL;
	return s;
}

static void give_back(struct replay *r, struct said_day *s)
{
	r->pending -= s->count;
	r->told++;
	s->next = r->free;
	r->free = s;
}

static void *tell_all(void *ctx)
{
	struct replay *r = ctx;
	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct said_day *s = take_made(r);
		if (!s && r->finished)
			break;
		if (!s) {
			pthread_cond_wait(&r->changed, &r->lock);
			continue;
		}
		pthread_mutex_unlock(&r->lock);
		tell(r, r->told, s);
		pthread_mutex_lock(&r->lock);
		give_back(r, s);
		pthread_cond_broadcast(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* A block to write the day into; waits while too much is untold, but not when this day is the next to be told. */
static struct said_day *block_for(struct replay *r, int32_t day)
{
	pthread_mutex_lock(&r->lock);
	while (r->pending > PENDING_MAX && r->told != day)
		pthread_cond_wait(&r->changed, &r->lock);
	struct said_day *s = r->free;
	if (s)
		r->free = s->next;
	pthread_mutex_unlock(&r->lock);
	if (!s) {
		s = mem_alloc(sizeof *s);
		buf_init(&s->text, SIZE_MAX / 2);
	}
	s->count = 0;
	buf_clear(&s->text);
	return s;
}

static void hand_over(struct replay *r, int32_t day, struct said_day *s)
{
	if (!r->teller_apart) { /* one thread: days come in order */
		tell(r, day, s);
		r->pending += s->count;
		give_back(r, s);
		return;
	}
	pthread_mutex_lock(&r->lock);
	r->made[day] = s;
	r->pending += s->count;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* ---- the order ---- */

/* After a pass's segments of all earlier slices come those of this one. */
static void count_body(void *ctx, size_t from, size_t to, int thread)
{
	struct replay *r = ctx;
	size_t passes = 2 * (size_t)r->length;
	for (size_t i = from; i < to; i++) {
		const struct slice *s = &r->slices[i];
		const struct segment *all = r->hands[s->hand].segments;
		for (size_t k = s->from; k < s->to; k++)
			r->counts[i * passes + all[k].pass]++;
	}
}

static void place_body(void *ctx, size_t from, size_t to, int thread)
{
	struct replay *r = ctx;
	size_t passes = 2 * (size_t)r->length;
	for (size_t i = from; i < to; i++) {
		const struct slice *s = &r->slices[i];
		const struct segment *all = r->hands[s->hand].segments;
		for (size_t k = s->from; k < s->to; k++)
			r->sorted[r->counts[i * passes + all[k].pass]++] = all[k];
	}
}

static void sort_slices(struct replay *r)
{
	size_t passes = 2 * (size_t)r->length, at = 0;
	r->counts = mem_realloc(r->counts, (r->slice_count * passes + 1) * sizeof *r->counts);
	memset(r->counts, 0, r->slice_count * passes * sizeof *r->counts);
	par_for(r->slice_count, 4, r->threads, count_body, r);
	for (size_t p = 0; p < passes; p++) {
		r->sorted_at[p].from = at;
		for (size_t i = 0; i < r->slice_count; i++) {
			uint32_t n = r->counts[i * passes + p];
			r->counts[i * passes + p] = (uint32_t)at;
			at += n;
		}
		r->sorted_at[p].count = at - r->sorted_at[p].from;
	}
	check(at < UINT32_MAX);
	r->sorted = mem_grow(r->sorted, &r->sorted_cap, at + 1, sizeof *r->sorted);
	par_for(r->slice_count, 4, r->threads, place_body, r);
}

/* The segments made after the slices, by pass; each pass is sorted by unit when its day is written. */
static void sort_late(struct replay *r)
{
	size_t passes = 2 * (size_t)r->length, at = 0;
	memset(r->late_at, 0, sizeof r->late_at);
	for (int t = 0; t < r->threads; t++)
		for (size_t k = r->hands[t].late_from; k < r->hands[t].segment_count; k++)
			r->late_at[r->hands[t].segments[k].pass].count++;
	for (size_t p = 0; p < passes; p++) {
		r->late_at[p].from = at;
		at += r->late_at[p].count;
		r->late_at[p].count = 0;
	}
	r->late = mem_grow(r->late, &r->late_cap, at + 1, sizeof *r->late);
	for (int t = 0; t < r->threads; t++)
		for (size_t k = r->hands[t].late_from; k < r->hands[t].segment_count; k++) {
			struct span *s = &r->late_at[r->hands[t].segments[k].pass];
			r->late[s->from + s->count++] = r->hands[t].segments[k];
		}
}

static int by_unit(const void *x, const void *y)
{
	const struct segment *a = x, *b = y;
	return (a->unit > b->unit) - (a->unit < b->unit);
}

static void append(struct said_day *day, const struct decision *items, size_t count)
{
	day->items = mem_grow(day->items, &day->cap, day->count + count, sizeof *day->items);
	memcpy(day->items + day->count, items, count * sizeof *items);
	day->count += count;
}

static void append_pass(struct replay *r, size_t pass, struct said_day *day)
{
	struct segment *a = r->sorted + r->sorted_at[pass].from, *b = r->late + r->late_at[pass].from;
	size_t n = r->sorted_at[pass].count, m = r->late_at[pass].count, i = 0, k = 0;
	if (m > 1)
		qsort(b, m, sizeof *b, by_unit);
	while (i < n || k < m) {
		enum { AHEAD = 8 };
		if (i + AHEAD < n)
			__builtin_prefetch(&r->hands[a[i + AHEAD].hand].said.items[a[i + AHEAD].from]);
		const struct segment *s = k == m || (i < n && a[i].unit < b[k].unit) ? &a[i++] : &b[k++];
		append(day, r->hands[s->hand].said.items + s->from, s->count);
	}
}

static void day_body(void *ctx, size_t from, size_t to, int thread)
{
	struct replay *r = ctx;
	struct hand *h = &r->hands[thread];
	for (size_t d = from; d < to; d++) {
		struct said_day *s = block_for(r, r->stretch + (int32_t)d);
		for (size_t p = 2 * d; p < 2 * d + 2; p++) {
			append_pass(r, p, s);
			if (r->apart[p].count)
				append(s, r->hands[0].said.items + r->apart[p].from, r->apart[p].count);
		}
		if (!h->writer)
			h->writer = trace_writer_new(r->world.plans, r->o->settings->zone);
		trace_write(h->writer, s->items, s->count, &s->text);
		hand_over(r, r->stretch + (int32_t)d, s);
	}
}

void say_stretch(struct replay *r)
{
	sort_slices(r);
	sort_late(r);
	par_for((size_t)r->length, 1, r->threads, day_body, r);
}

/* ---- begin and end ---- */

/* What the result depends on beside the facts, so that two hashes are only the same when the question was. */
static void say_head(struct replay *r)
{
	struct buf b;
	char from[32], to[32];
	buf_init(&b, 1 << 20);
	buf_printf(&b, "# relance replay\tfrom %s\tto %s\tzone %s\tseed %llu\tconsent %s\tresponse %s\n",
	           instant_text(r->o->from, from), instant_text(r->o->to, to), zone_name(r->o->settings->zone),
	           (unsigned long long)r->o->seed, r->o->assume_consent ? "assume" : "recorded",
	           (const char *[]){ "none", "rates", "recorded" }[r->o->response]);
	for (size_t i = 0; i < r->world.plans->count; i++)
		buf_printf(&b, "# plan %.*s\tversion %u\t%016llx\n", STR_ARG(r->world.plans->plans[i]->name),
		           r->world.plans->plans[i]->version, (unsigned long long)r->world.plans->plans[i]->hash);
	tell_text(r, buf_view(&b));
	buf_release(&b);
}

void say_begin(struct replay *r)
{
	r->hash = sha256_new();
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->made = mem_alloc((size_t)r->day_count * sizeof(struct said_day *));
	say_head(r);
	r->teller_apart = r->threads > 1 && pthread_create(&r->teller, NULL, tell_all, r) == 0;
	if (!r->teller_apart)
		r->threads = 1; /* days are told as they are made */
}

void say_end(struct replay *r)
{
	if (r->teller_apart) {
		pthread_mutex_lock(&r->lock);
		r->finished = true;
		pthread_cond_broadcast(&r->changed);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->teller, NULL);
	}
	sha256_hex(r->hash, r->out->trace_sha256);
	sha256_free(r->hash);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	while (r->free) {
		struct said_day *s = r->free;
		r->free = s->next;
		free(s->items);
		buf_release(&s->text);
		free(s);
	}
	free(r->made);
	free(r->counts);
	free(r->sorted);
	free(r->late);
}
