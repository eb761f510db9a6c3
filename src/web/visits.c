/* What mails tell of: the pixel (/o/) and links (/c/). Both are answered at once and the same for everybody; what was
 * seen waits for VISITOR_BURST_S before the ticker writes it, since a security gateway that follows every link of a
 * mail looks like a person at its first one. Kept only where the person's consent allows at that moment: a mail sent
 * before it was withdrawn tells nothing any more. */
#include "app/clock.h"
#include "channel/visitor.h"
#include "fold/basis.h"
#include "web/pages.h"

#include <stdio.h>
#include <stdlib.h>

enum { VISITS_MAX = 4096 }; /* messages within a burst's time; those beyond are let go */

struct visits {
	struct visit_seen {
		int64_t message;
		struct message_key key;         /* its strings are the entry's */
		struct instant opened, clicked; /* s = 0: not */
		uint16_t links[VISITOR_BURST_LINKS];
		int link_count; /* different ones */
		double last;
	} * list;
	size_t count, cap;
};

static void forget(struct visit_seen *s)
{
	free((char *)s->key.plan.p);
	free((char *)s->key.step.p);
}

void visits_release(struct web *w)
{
	for (size_t i = 0; w->visits && i < w->visits->count; i++)
		forget(&w->visits->list[i]);
	if (w->visits)
		free(w->visits->list);
	free(w->visits);
	w->visits = NULL;
}

static struct str own(struct str s)
{
	return (struct str){ strndup(s.p, s.n), s.n };
}

static struct visit_seen *seen_of(struct visits *v, int64_t message, const struct message_key *key)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->list[i].message == message)
			return &v->list[i];
	if (v->count == VISITS_MAX)
		return NULL;
	v->list = mem_grow(v->list, &v->cap, v->count + 1, sizeof *v->list);
	struct visit_seen *s = &v->list[v->count++];
	*s = (struct visit_seen){ .message = message, .key = *key };
	s->key.plan = own(key->plan);
	s->key.step = own(key->step);
	return s;
}

enum { LINK_PIXEL = 0, LINK_PAGE = 0x8000 }; /* beside the numbers of the message's own links */

static void note(struct web *w, const struct token *t, const struct message_key *key, uint16_t link, bool count)
{
	pthread_mutex_lock(&w->lock);
	if (!w->visits)
		w->visits = mem_alloc(sizeof *w->visits);
	struct visit_seen *s = seen_of(w->visits, t->message, key);
	if (s) {
		struct instant *first = link == LINK_PIXEL ? &s->opened : &s->clicked;
		bool known = link == LINK_PIXEL;
		if (count && !first->s)
			*first = clock_now();
		for (int i = 0; i < s->link_count; i++)
			known |= s->links[i] == link;
		if (!known && s->link_count < VISITOR_BURST_LINKS)
			s->links[s->link_count++] = link;
		s->last = clock_monotonic();
	}
	pthread_mutex_unlock(&w->lock);
}

void visits_page(struct web *w, const struct token *t, const struct message_key *key)
{
	note(w, t, key, (uint16_t)(LINK_PAGE + ((int)t->purpose << 8) + t->extra), false);
}

static struct visit_seen *take_settled(struct web *w, bool all, size_t *count)
{
	double now = clock_monotonic();
	struct visit_seen *taken = NULL;
	size_t cap = 0;
	*count = 0;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; w->visits && i < w->visits->count;) {
		struct visit_seen *s = &w->visits->list[i];
		if (!all && now - s->last < VISITOR_BURST_S) {
			i++;
			continue;
		}
		taken = mem_grow(taken, &cap, *count + 1, sizeof *taken);
		taken[(*count)++] = *s;
		*s = w->visits->list[--w->visits->count];
	}
	pthread_mutex_unlock(&w->lock);
	return taken;
}

static bool by_person(const struct visit_seen *s)
{
	return s->link_count < VISITOR_BURST_LINKS && (s->opened.s || s->clicked.s);
}

static bool write_one(struct store_batch *b, const struct visit_seen *s, struct err *err)
{
	bool known;
	return (!s->opened.s || outbox_feedback(b, &s->key, RECEIPT_OPENED, s->opened, STR(""), &known, err)) &&
	       (!s->clicked.s || outbox_feedback(b, &s->key, RECEIPT_CLICKED, s->clicked, STR(""), &known, err));
}

void visits_settle(struct web *w, bool all)
{
	size_t n, persons = 0;
	struct err err;
	struct visit_seen *taken = take_settled(w, all, &n);
	for (size_t i = 0; i < n; i++)
		persons += by_person(&taken[i]);
	struct store_batch *b = persons ? store_batch_begin(live_db(w->live), NULL, clock_now(), &err) : NULL;
	bool ok = b != NULL;
	for (size_t i = 0; i < n && ok; i++)
		ok = !by_person(&taken[i]) || write_one(b, &taken[i], &err);
	if (ok)
		ok = store_batch_commit(b, &err);
	else if (b)
		store_batch_rollback(b);
	if (persons && !ok)
		fprintf(stderr, "relance: %zu opens and clicks were not kept: %s\n", persons, err.text);
	for (size_t i = 0; i < n; i++)
		forget(&taken[i]);
	free(taken);
}

/* ---- the two addresses ---- */

/* A person as far as one request tells, with consent to be told of, and not known yet. */
static bool worth_keeping(struct request *r, const struct message_key *key, bool open)
{
	struct outbox_message m;
	struct err err;
	bool found = false;
	const struct version *v = request_book(r);
	struct thresholds t = web_thresholds(r->web);
	const char *agent = request_header(r, "User-Agent");
	if (!v || key->customer > v->customers || !outbox_message(request_db(r), key, &r->arena, &m, &found, &err) ||
	    !found)
		return false;
	struct visit visit = { .user_agent = str_from(agent ? agent : ""),
		                   .method = str_from(r->method),
		                   .open = open,
		                   .after_accept_s = m.sent_at.s ? clock_now().s - m.sent_at.s : -1,
		                   .links_within_burst = 1 };
	return visitor_of(&visit) == VISITOR_PERSON &&
	       basis_may_track_at(r->web->book, v, &t, key->customer, clock_now()) &&
	       !(open ? m.opened_at.s : m.clicked_at.s);
}

/* The nth address (from 1) that the message's HTML links to, decoded; only what we sent ourselves is redirected to. */
static struct str nth_link(struct request *r, const struct message_key *key, uint16_t n)
{
	struct outbox_message m;
	struct err err;
	bool found = false;
	json_error_t why;
	struct str url = STR("");
	if (!n || n > LINKS_MAX || !outbox_message(request_db(r), key, &r->arena, &m, &found, &err) || !found)
		return url;
	json_t *content = json_loadb(m.content.p ? m.content.p : "", m.content.n, 0, &why);
	const char *html = content ? member(content, "html") : NULL;
	size_t at = 0;
	for (uint16_t i = 0; html && i < n; i++)
		url = links_next(str_from(html), &at);
	struct str out = links_plain(url, &r->arena);
	json_decref(content);
	return out;
}

void page_click(struct request *r)
{
	struct token t;
	struct message_key key;
	struct str url;
	if (!page_link_message(r, TOKEN_CLICK, &t, &key))
		return;
	if (!(url = nth_link(r, &key, t.extra)).n) {
		page_problem(r, 404);
		return;
	}
	request_add_header(r, "Location", url);
	r->status = 302;
	if (worth_keeping(r, &key, false))
		note(r->web, &t, &key, t.extra, true);
}

void page_pixel(struct request *r)
{
	static const char GIF[] = "GIF89a\1\0\1\0\200\0\0\0\0\0\377\377\377!\371\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;";
	struct token t;
	struct message_key key;
	if (page_link_message(r, TOKEN_OPEN, &t, &key) && worth_keeping(r, &key, true))
		note(r->web, &t, &key, LINK_PIXEL, true);
	buf_clear(&r->out);
	buf_add(&r->out, GIF, sizeof GIF - 1);
	r->status = 200; /* the same for everybody: a forged one learns nothing */
	r->type = "image/gif";
}
