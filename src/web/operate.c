/* What whoever runs the server looks at: health, metrics, and the stream of events the pages listen to. */
#include "web/facts.h"

#include "app/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- health ---- */

void on_healthz(struct request *r)
{
	struct web *w = r->web;
	struct backlog backlog = writer_backlog(w);
	pthread_mutex_lock(&w->lock);
	bool well = w->trouble[0] == 0;
	pthread_mutex_unlock(&w->lock);
	put_open(&r->out, NULL, '{');
	put_cstr(&r->out, "status", well ? "ok" : "opening the shop again");
	put_int(&r->out, "facts_waiting", backlog.facts);
	put_real(&r->out, "facts_waiting_s", backlog.age_s);
	put_close(&r->out, '}');
	request_send_json(r, well ? 200 : 503);
}

/* ---- metrics: the text format of Prometheus, 0.0.4 ---- */

static const double BOUNDS[HISTOGRAM_BOUNDS] = {
	0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
};

void histogram_add(struct histogram *h, double seconds, uint64_t times)
{
	size_t i = 0;
	while (i < HISTOGRAM_BOUNDS && seconds > BOUNDS[i])
		i++;
	h->upto[i] += times;
	h->micros += (uint64_t)(seconds * 1e6) * times;
}

static void put_histogram(struct buf *b, const char *name, const char *help, const struct histogram *h)
{
	uint64_t sum = 0;
	buf_printf(b, "# HELP relance_%s %s\n# TYPE relance_%s histogram\n", name, help, name);
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		sum += h->upto[i];
		buf_printf(b, "relance_%s_bucket{le=\"%g\"} %llu\n", name, BOUNDS[i], (unsigned long long)sum);
	}
	sum += h->upto[HISTOGRAM_BOUNDS];
	buf_printf(b, "relance_%s_bucket{le=\"+Inf\"} %llu\nrelance_%s_sum %.6f\nrelance_%s_count %llu\n", name,
	           (unsigned long long)sum, name, (double)h->micros / 1e6, name, (unsigned long long)sum);
}

static void put_metric(struct buf *b, const char *name, const char *kind, const char *help, double v)
{
	buf_printf(b, "# HELP relance_%s %s\n# TYPE relance_%s %s\nrelance_%s %.17g\n", name, help, name, kind, name, v);
}

void on_metrics(struct request *r)
{
	struct web *w = r->web;
	struct counters *c = &w->counters;
	struct buf *b = &r->out;
	put_metric(b, "uptime_seconds", "gauge", "Seconds since the server started.", clock_monotonic() - w->started);
	put_metric(b, "http_requests_total", "counter", "Requests received.", (double)c->requests);
	put_metric(b, "http_refused_total", "counter", "Requests answered with a problem.", (double)c->refused);
	put_metric(b, "facts_total", "counter", "Facts accepted over HTTP.", (double)c->facts);
	put_metric(b, "fact_commits_total", "counter", "Transactions these facts took.", (double)c->fact_batches);
	put_metric(b, "facts_applied_total", "counter", "Of these, those kept first and applied behind.",
	           (double)c->facts_applied);
	put_metric(b, "facts_refused_total", "counter", "Requests refused because too many facts waited.",
	           (double)c->facts_refused);
	struct backlog backlog = writer_backlog(w);
	put_metric(b, "facts_waiting", "gauge", "Facts kept and not applied yet.", (double)backlog.facts);
	put_metric(b, "facts_waiting_seconds", "gauge", "How long the oldest of them have waited.", backlog.age_s);
	put_metric(b, "openings_total", "counter", "How often the shop was read from its database.", (double)w->openings);
	put_metric(b, "ticks_total", "counter", "Turns of the shop.", (double)c->ticks);
	put_metric(b, "decisions_total", "counter", "Decisions made.", (double)c->decisions);
	put_metric(b, "messages_accepted_total", "counter", "Messages that left.", (double)c->accepted);
	put_metric(b, "models_learnt_total", "counter", "How often what to propose was learnt from all orders.",
	           (double)c->models_learnt);
	put_metric(b, "models_followed_total", "counter", "How often it took in what had changed instead.",
	           (double)c->models_followed);
	put_metric(b, "sign_ins_total", "counter", "Sessions begun.", (double)c->sign_ins);
	put_metric(b, "sign_in_failures_total", "counter", "Wrong passwords.", (double)c->sign_in_failures);
	put_histogram(b, "fact_decision_seconds", "From a fact's request to the decision upon it.", &c->decided);
	put_metric(b, "http_limited_total", "counter", "Requests refused because there were too many.", (double)c->limited);
	put_metric(b, "http_slow_total", "counter",
	           "Connections shut because their request did not come, or their answer was not taken.", (double)c->slow);
	pthread_mutex_lock(&w->doors);
	put_metric(b, "connections", "gauge", "Connections open.", (double)w->connection_count);
	pthread_mutex_unlock(&w->doors);
	pthread_mutex_lock(&w->lock);
	put_metric(b, "held", "gauge", "1 while nothing may leave.", w->hold_all != REASON_NONE);
	put_metric(b, "event_streams", "gauge", "Browsers that listen to events.", (double)w->listener_count);
	pthread_mutex_unlock(&w->lock);
	r->type = "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- events ---- */

static ssize_t stream(void *ctx, uint64_t at, char *p, size_t room)
{
	struct listener *l = ctx;
	struct web *w = l->web;
	size_t n = 0;
	(void)at;
	pthread_mutex_lock(&w->lock);
	if (w->stopping) {
		n = (size_t)MHD_CONTENT_READER_END_OF_STREAM;
	} else if (l->seen < w->events) {
		if (w->events - l->seen > ARRAY_LEN(w->event))
			l->seen = w->events - ARRAY_LEN(w->event);
		const char *text = w->event[l->seen++ % ARRAY_LEN(w->event)];
		n = strlen(text) < room ? strlen(text) : room;
		memcpy(p, text, n);
	} else if (!l->suspended && clock_monotonic() - l->opened > 15) { /* keeps the connection known to be alive */
		l->opened = clock_monotonic();
		n = (size_t)snprintf(p, room, ": \n\n");
	} else {
		l->suspended = true;
		MHD_suspend_connection(l->connection);
	}
	pthread_mutex_unlock(&w->lock);
	return (ssize_t)n;
}

static void stream_end(void *ctx)
{
	struct listener *l = ctx;
	struct web *w = l->web;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->listener_count; i++)
		if (w->listeners[i] == l)
			w->listeners[i] = w->listeners[--w->listener_count];
	pthread_mutex_unlock(&w->lock);
	free(l);
}

void on_events(struct request *r)
{
	struct web *w = r->web;
	struct listener *l = mem_alloc(sizeof *l);
	*l = (struct listener){ .web = w, .connection = r->connection, .opened = clock_monotonic() };
	pthread_mutex_lock(&w->lock);
	bool room = w->listener_count < LISTENERS_MAX && !w->stopping;
	if (room) {
		l->seen = w->events;
		w->listeners[w->listener_count++] = l;
	}
	pthread_mutex_unlock(&w->lock);
	if (!room) {
		free(l);
		request_problem(r, 503, "at most %d event streams at once", LISTENERS_MAX);
		return;
	}
	r->streams = true;
	r->ready = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, stream, l, stream_end);
	(void)MHD_add_response_header(r->ready, "Content-Type", "text/event-stream");
	(void)MHD_add_response_header(r->ready, "Cache-Control", "no-store");
}
