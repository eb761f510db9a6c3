/* Long work with progress: replays. A job has its own thread, reads a pinned version, and keeps its result until
 * JOBS_MAX younger ones have come. At most RUNNING_MAX at once. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/plans.h"
#include "app/replay.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>

EMBEDDED(plans)

enum { RUNNING_MAX = 2, REPLAY_DAYS_MAX = 3660, PRESSURE_MAX = 8 };

struct day_count {
	struct date day;
	uint64_t messages, held;
};

struct job_work {
	struct web *web;
	struct job *job;
	struct book *book; /* the version's */
	const struct version *version;
	struct arena arena;
	struct plan_set set;
	struct plan_issues issues;
	struct instant from, to;
	bool assume;
	enum replay_response response;
	struct day_count *days;
	size_t day_count, day_cap;
	int32_t week;
	uint8_t *this_week, *most; /* messages by customer */
	uint8_t *erased;           /* by customer */
};

/* ---- what the replay tells ---- */

static void end_week(struct job_work *k)
{
	for (uint32_t c = 0; c <= k->version->customers; c++) {
		if (k->this_week[c] > k->most[c])
			k->most[c] = k->this_week[c];
		k->this_week[c] = 0;
	}
}

static void decided(void *ctx, struct date day, const struct decision *said, size_t count)
{
	struct job_work *k = ctx;
	if (day.day / 7 != k->week) {
		end_week(k);
		k->week = day.day / 7;
	}
	k->days = mem_grow(k->days, &k->day_cap, k->day_count + 1, sizeof *k->days);
	struct day_count *d = &k->days[k->day_count++];
	*d = (struct day_count){ .day = day };
	for (size_t i = 0; i < count; i++) {
		d->messages += said[i].verdict == VERDICT_SEND;
		d->held += said[i].verdict == VERDICT_HELD;
		if (said[i].verdict == VERDICT_SEND && said[i].customer <= k->version->customers &&
		    k->this_week[said[i].customer] < 255)
			k->this_week[said[i].customer]++;
	}
}

static void progressed(void *ctx, uint64_t done, uint64_t total)
{
	struct job_work *k = ctx;
	struct web *w = k->web;
	double share = total ? (double)done / (double)total : 0;
	pthread_mutex_lock(&w->lock);
	bool told = share - k->job->progress < 0.02 && done < total;
	if (!told)
		k->job->progress = share;
	int64_t id = k->job->id;
	pthread_mutex_unlock(&w->lock);
	if (!told)
		web_event(w, "job", "{\"job\":%lld,\"progress\":%.3f}", (long long)id, share);
}

static void put_result(struct job_work *k, const struct replay_result *res, struct buf *b)
{
	int64_t cost = 0; /* thousandths of a minor unit */
	put_open(b, NULL, '{');
	put_open(b, "plans", '{');
	for (size_t i = 0; i < k->set.count; i++) {
		const struct replay_plan *p = &res->plans[i];
		put_open(b, arena_cstr(&k->arena, k->set.plans[i]->name), '{');
		const struct {
			const char *name;
			uint64_t v;
		} FIGURES[] = { { "entered", p->entered }, { "messages", p->messages }, { "held", p->held },
			            { "skipped", p->skipped }, { "control", p->control },   { "exited", p->exited },
			            { "dropped", p->dropped }, { "ended", p->ended },       { "opened", p->opened },
			            { "clicked", p->clicked }, { "goals", p->goals } };
		for (size_t f = 0; f < ARRAY_LEN(FIGURES); f++)
			put_int(b, FIGURES[f].name, (int64_t)FIGURES[f].v);
		put_open(b, "channels", '{');
		for (int c = 0; c < CHANNEL_COUNT; c++)
			if (p->by_channel[c]) {
				put_int(b, channel_name((enum channel)c), (int64_t)p->by_channel[c]);
				cost += (int64_t)p->by_channel[c] * k->web->settings->channel_cost[c];
			}
		put_close(b, '}');
		put_close(b, '}');
	}
	put_close(b, '}');
	put_open(b, "days", '[');
	zone_id zone = k->web->shop.zone;
	size_t at = 0;
	for (int32_t d = zone_date(zone, k->from).day; d < zone_date(zone, k->to).day; d++) { /* quiet days too */
		struct day_count sum = { .day = { d } };
		for (; at < k->day_count && k->days[at].day.day <= d; at++) {
			sum.messages += k->days[at].messages;
			sum.held += k->days[at].held;
		}
		put_open(b, NULL, '{');
		put_date(b, "day", sum.day);
		put_int(b, "messages", (int64_t)sum.messages);
		put_int(b, "held", (int64_t)sum.held);
		put_close(b, '}');
	}
	put_close(b, ']');
	uint64_t pressure[PRESSURE_MAX + 1] = { 0 };
	for (uint32_t c = 1; c <= k->version->customers; c++)
		if (!k->erased[c] && !book_profile(k->version, c)->merged)
			pressure[k->most[c] < PRESSURE_MAX ? k->most[c] : PRESSURE_MAX]++;
	put_open(b, "pressure", '[');
	for (int n = 0; n <= PRESSURE_MAX; n++)
		if (n == 0 || pressure[n]) {
			put_open(b, NULL, '{');
			put_int(b, "per_week", n);
			put_int(b, "customers", (int64_t)pressure[n]);
			put_close(b, '}');
		}
	put_close(b, ']');
	put_int(b, "cost", cost / 1000);
	put_int(b, "facts", (int64_t)res->facts);
	put_int(b, "decisions", (int64_t)res->decisions);
	put_real(b, "seconds", res->seconds);
	put_cstr(b, "trace_sha256", res->trace_sha256);
	put_close(b, '}');
}

static void job_free(struct job_work *k)
{
	if (k->web->book == k->book) /* else the book is gone, and its versions with it */
		book_unpin(k->book, k->version);
	free(k->days);
	free(k->this_week);
	free(k->most);
	free(k->erased);
	arena_release(&k->arena);
	free(k);
}

static void *job_main(void *ctx)
{
	struct job_work *k = ctx;
	struct web *w = k->web;
	struct job *j = k->job;
	struct err err;
	struct replay_result *res = mem_alloc(sizeof *res);
	struct buf out;
	pthread_rwlock_rdlock(&w->world); /* the starter holds it too until this thread runs */
	struct replay_options o = { .book = w->book,
		                        .version = k->version,
		                        .plans = &k->set,
		                        .words = plan_set_words(&k->set, &k->arena),
		                        .settings = w->settings,
		                        .from = k->from,
		                        .to = k->to,
		                        .seed = w->shop.seed,
		                        .assume_consent = k->assume,
		                        .response = k->response,
		                        .erased = k->erased,
		                        .threads = w->o.threads,
		                        .decided = decided,
		                        .progress = progressed,
		                        .ctx = k };
	buf_init(&out, WEB_ANSWER_MAX);
	bool ok = w->book == k->book ? replay_run(&o, res, &err)
	                             : err_set(&err, ERR_CONFLICT, "the shop was opened again: start the replay anew");
	if (ok) {
		end_week(k);
		put_result(k, res, &out);
	} else {
		buf_cstr(&out, err.text);
	}
	replay_result_release(res);
	free(res);
	job_free(k);
	pthread_rwlock_unlock(&w->world);
	pthread_mutex_lock(&w->lock);
	int64_t id = j->id;
	j->result = out;
	j->state = ok && !out.full ? JOB_DONE : JOB_FAILED;
	j->progress = 1;
	pthread_mutex_unlock(&w->lock);
	web_event(w, "job", "{\"job\":%lld,\"progress\":1}", (long long)id);
	return NULL;
}

/* ---- starting one ---- */

static bool read_request(struct request *r, json_t *o, struct job_work *k)
{
	const char *from = member(o, "from"), *to = member(o, "to"), *consent = member(o, "consent"),
			   *response = member(o, "response");
	struct date f, t;
	zone_id zone = r->web->shop.zone;
	if (!from || !to || !date_parse(str_from(from), &f) || !date_parse(str_from(to), &t) || t.day < f.day) {
		request_problem(r, 422, "\"from\" and \"to\" are dates such as 2026-01-01, the last day taken");
		return false;
	}
	if (t.day - f.day >= REPLAY_DAYS_MAX) {
		request_problem(r, 422, "at most ten years at once");
		return false;
	}
	k->from = zone_instant(zone, f, 0);
	k->to = zone_instant(zone, (struct date){ t.day + 1 }, 0);
	k->week = f.day / 7;
	k->assume = consent && strcmp(consent, "assume") == 0;
	k->response = response && strcmp(response, "rates") == 0 ? RESPONSE_RATES : RESPONSE_NONE;
	return true;
}

static bool known_erased(struct request *r, struct job_work *k)
{
	struct err err;
	if (!request_db(r))
		return false;
	if (replay_erased(r->db, k->version->customers, &k->erased, &err))
		return true;
	request_err(r, &err);
	return false;
}

struct text_of {
	struct request *r;
	struct str text;
};

static bool newest_text(void *ctx, const struct plan_row *p, struct err *err)
{
	struct text_of *t = ctx;
	(void)err;
	if (str_eq(p->name, t->r->args[0]))
		t->text = arena_str(&t->r->arena, p->text);
	return true;
}

static struct str plan_text(struct request *r, json_t *o)
{
	struct err err;
	struct text_of t = { .r = r, .text = { NULL, 0 } };
	char file[PLAN_NAME_MAX + 8];
	if (member(o, "text"))
		return str_from(member(o, "text"));
	if (!request_db(r) || !plans(r->db, newest_text, &t, &err))
		return t.text;
	struct query *q = db_query(r->db, "web_draft_get");
	query_text(q, 1, r->args[0]);
	if (query_next(q, &err) == 1)
		t.text = arena_str(&r->arena, query_get_text(q, 0));
	query_done(q);
	snprintf(file, sizeof file, "%.*s.yaml", (int)(r->args[0].n < PLAN_NAME_MAX ? r->args[0].n : PLAN_NAME_MAX),
	         r->args[0].p);
	const struct embedded_file *f = embedded_find(plans_files, plans_file_count, file);
	if (!t.text.n && f)
		t.text = (struct str){ (const char *)f->data, f->size };
	return t.text;
}

/* A place for a new job: a free one, else the oldest that is over. Under the lock. */
static struct job *job_place(struct web *w)
{
	struct job *best = NULL;
	int running = 0;
	for (int i = 0; i < JOBS_MAX; i++) {
		struct job *j = &w->jobs[i];
		running += j->id && j->state == JOB_RUNNING;
		if (j->id && j->state == JOB_RUNNING)
			continue;
		if (!best || j->id < best->id)
			best = j;
	}
	return running < RUNNING_MAX ? best : NULL;
}

static bool job_start(struct web *w, struct job_work *k, int64_t *id)
{
	pthread_mutex_lock(&w->lock);
	struct job *j = w->stopping ? NULL : job_place(w);
	if (j) {
		if (j->id)
			pthread_join(j->thread, NULL);
		buf_release(&j->result);
		*j = (struct job){ .id = ++w->job_last, .web = w };
		k->job = j;
		*id = j->id;
		if (pthread_create(&j->thread, NULL, job_main, k) != 0) {
			j->id = 0;
			j = NULL;
		}
	}
	pthread_mutex_unlock(&w->lock);
	return j != NULL;
}

void on_plan_replay(struct request *r)
{
	json_t *o = request_json(r);
	const struct version *v = o ? request_book(r) : NULL;
	int64_t id;
	if (!v) {
		json_decref(o);
		return;
	}
	struct job_work *k = mem_alloc(sizeof *k);
	k->web = r->web;
	arena_init(&k->arena);
	k->book = r->web->book;
	k->version = book_pin(k->book);
	k->this_week = mem_alloc((size_t)v->customers + 1);
	k->most = mem_alloc((size_t)v->customers + 1);
	struct str text = arena_str(&k->arena, plan_text(r, o));
	struct expr_context context;
	web_plan_context(r->web, &context);
	const struct plan *p =
		text.n ? plan_read(arena_str(&k->arena, r->args[0]), text, &context, &k->arena, &k->issues) : NULL;
	bool ok = read_request(r, o, k) && known_erased(r, k);
	if (ok && !text.n)
		request_problem(r, 404, "there is no plan of this name; send its \"text\"");
	else if (ok && !p)
		request_problem(r, 422, "line %u: %.*s", k->issues.items[0].line, STR_ARG(k->issues.items[0].text));
	else if (ok) {
		plan_set_add(&k->set, p, true, (uint32_t)(k->from.s > 0 ? k->from.s - 1 : 0));
		if (job_start(r->web, k, &id)) {
			k = NULL;
			put_open(&r->out, NULL, '{');
			put_int(&r->out, "job", id);
			put_close(&r->out, '}');
			request_send_json(r, 202);
		} else {
			request_problem(r, 503, "%d replays are running already; wait for one to end", RUNNING_MAX);
		}
	}
	if (k)
		job_free(k);
	json_decref(o);
}

void on_job(struct request *r)
{
	static const char *const STATES[] = { "running", "done", "failed" };
	struct web *w = r->web;
	int64_t id;
	bool found = false;
	struct buf *b = &r->out;
	if (!str_i64(r->args[0], &id) || id <= 0)
		id = -1;
	pthread_mutex_lock(&w->lock);
	for (int i = 0; i < JOBS_MAX && !found; i++) {
		const struct job *j = &w->jobs[i];
		if (j->id != id)
			continue;
		found = true;
		put_open(b, NULL, '{');
		put_int(b, "id", id);
		put_cstr(b, "state", STATES[j->state]);
		put_real(b, "progress", j->progress);
		if (j->state == JOB_DONE)
			put_raw(b, "result", buf_view(&j->result));
		if (j->state == JOB_FAILED)
			put_str(b, "detail", buf_view(&j->result));
		put_close(b, '}');
	}
	pthread_mutex_unlock(&w->lock);
	if (found)
		request_send_json(r, 200);
	else
		request_problem(r, 404, "there is no such job, or it was long ago");
}

void jobs_release(struct web *w)
{
	for (int i = 0; i < JOBS_MAX; i++)
		if (w->jobs[i].id) {
			pthread_join(w->jobs[i].thread, NULL);
			buf_release(&w->jobs[i].result);
			w->jobs[i].id = 0;
		}
}
