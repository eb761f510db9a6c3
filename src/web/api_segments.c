/* Segments: counted while one types, listed, saved. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/plans.h"
#include "store/segment.h"

#include <stdlib.h>

struct saved {
	struct arena *a;
	struct str names[512];
	const char *texts[512];
	size_t count;
};

static bool take_segment(void *ctx, struct str name, struct str text, struct err *err)
{
	struct saved *s = ctx;
	(void)err;
	if (s->count < ARRAY_LEN(s->names)) {
		s->names[s->count] = arena_str(s->a, name);
		s->texts[s->count++] = arena_cstr(s->a, text);
	}
	return true;
}

static const char *saved_text(void *user, struct str name)
{
	struct saved *s = user;
	for (size_t i = 0; i < s->count; i++)
		if (str_eq(s->names[i], name))
			return s->texts[i];
	return NULL;
}

void web_plan_context(const struct web *w, struct expr_context *out)
{
	plans_context(w->settings, out);
}

static struct saved *saved_segments(struct request *r)
{
	struct saved *s = arena_new(&r->arena, struct saved);
	struct err err;
	struct db *db = request_db(r);
	if (!db)
		return NULL;
	s->a = &r->arena;
	if (store_segments(db, take_segment, s, &err))
		return s;
	request_err(r, &err);
	return NULL;
}

bool bits_without_gone(struct request *r, uint64_t *bits, uint32_t customers)
{
	struct err err;
	struct db *db = request_db(r);
	int got;
	if (!db)
		return false;
	struct query *q = db_query(db, "web_customers_gone");
	while ((got = query_next(q, &err)) == 1) {
		int64_t c = query_get_int(q, 0);
		if (c <= customers)
			bits[c >> 6] &= ~(1ull << (c & 63));
	}
	if (got < 0)
		request_err(r, &err);
	return got == 0;
}

/* A bit for each who is named, in the request's arena. */
static uint64_t *select_people(struct request *r, const struct expr *e, uint64_t *count)
{
	struct web *w = r->web;
	bool messages = expr_needs(e).messages;
	const struct version *v = request_book(r);
	if (!v || (messages && !request_still(r)))
		return NULL;
	struct thresholds t = web_thresholds(w);
	size_t words = ((size_t)v->customers + 64) / 64;
	uint64_t *bits = arena_array(&r->arena, uint64_t, words);
	expr_select(e, w->book, v, messages ? r->still->states : NULL, clock_now(), &t, w->o.threads, bits);
	if (!bits_without_gone(r, bits, v->customers))
		return NULL;
	*count = bits_count(bits, v->customers);
	return bits;
}

static const struct expr *compile(struct request *r, struct str text, struct saved *s)
{
	struct expr_context context;
	struct expr_error error;
	const struct world *w = request_world(r);
	if (!w)
		return NULL;
	web_plan_context(r->web, &context);
	context.segment = saved_text;
	context.segment_user = s;
	context.french = request_locale(r) == LOCALE_FR;
	const struct plan_set *set = w->plans;
	const char **names = arena_array(&r->arena, const char *, set->count + 1);
	for (size_t i = 0; i < set->count; i++)
		names[i] = arena_cstr(&r->arena, set->plans[i]->name);
	context.plan_names = names;
	context.plan_count = set->count;
	context.plans = w->words;
	const struct expr *e = expr_compile(text, &context, &r->arena, &error);
	if (e)
		return e;
	request_problem(r, 422, "%s", error.text);
	r->out.n--; /* the problem goes on */
	put_int(&r->out, "line", (int64_t)error.line);
	put_int(&r->out, "column", (int64_t)error.column);
	put_int(&r->out, "offset", (int64_t)error.offset);
	put_cstr(&r->out, "hint", error.text);
	put_close(&r->out, '}');
	return NULL;
}

uint64_t *segment_bits(struct request *r, struct str text, uint64_t *count)
{
	struct saved *s = saved_segments(r);
	if (!s)
		return NULL;
	const char *known = saved_text(s, text); /* a saved one by its name */
	const struct expr *e = compile(r, known ? str_from(known) : text, s);
	return e ? select_people(r, e, count) : NULL;
}

void on_segment_count(struct request *r)
{
	uint64_t count;
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *text = member(o, "text");
	double started = clock_monotonic();
	struct str condition = arena_str(&r->arena, str_from(text ? text : ""));
	json_decref(o);
	if (!segment_bits(r, condition, &count))
		return;
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "count", (int64_t)count);
	put_int(&r->out, "total", request_book(r)->customers);
	put_real(&r->out, "ms", (clock_monotonic() - started) * 1000);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

void on_segments(struct request *r)
{
	struct saved *s = saved_segments(r);
	const struct world *w = s ? request_world(r) : NULL;
	if (!w)
		return;
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < s->count; i++) {
		uint64_t count;
		struct expr_context context;
		struct expr_error error;
		web_plan_context(r->web, &context);
		context.segment = saved_text;
		context.segment_user = s;
		context.plans = w->words;
		const struct expr *e = expr_compile(str_from(s->texts[i]), &context, &r->arena, &error);
		if (e && !select_people(r, e, &count))
			return;
		put_open(&r->out, NULL, '{');
		put_str(&r->out, "name", s->names[i]);
		put_cstr(&r->out, "text", s->texts[i]);
		if (e)
			put_int(&r->out, "count", (int64_t)count);
		else
			put_null(&r->out, "count");
		put_close(&r->out, '}');
	}
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

void on_segment_put(struct request *r)
{
	json_t *o = request_json(r);
	struct err err;
	if (!o)
		return;
	const char *text = member(o, "text");
	struct saved *s = text ? saved_segments(r) : NULL;
	if (!text)
		request_problem(r, 422, "\"text\" is needed: the condition");
	else if (s && compile(r, str_from(text), s)) {
		if (store_segment_put(live_db(r->web->live), r->args[0], str_from(text), clock_now(), &err)) {
			put_open(&r->out, NULL, '{');
			put_str(&r->out, "name", r->args[0]);
			put_cstr(&r->out, "text", text);
			put_close(&r->out, '}');
			request_send_json(r, 200);
		} else {
			request_err(r, &err);
		}
	}
	json_decref(o);
}

/* The first of the saved segments that is built on this one, or NULL. */
static const struct str *built_on(struct request *r, const struct saved *s, struct str name)
{
	const char *quoted = arena_cstr(&r->arena, arena_printf(&r->arena, "\"%.*s\"", STR_ARG(name)));
	for (size_t i = 0; i < s->count; i++)
		if (!str_eq(s->names[i], name) && strstr(s->texts[i], "segment") && strstr(s->texts[i], quoted))
			return &s->names[i];
	return NULL;
}

void on_segment_delete(struct request *r)
{
	struct err err;
	bool found;
	struct saved *s = saved_segments(r);
	if (!s)
		return;
	const struct str *other = built_on(r, s, r->args[0]);
	if (other)
		request_problem(r, 409,
		                request_locale(r) == LOCALE_FR
		                    ? "le segment «\xC2\xA0%.*s\xC2\xA0» s’appuie sur celui-ci\xC2\xA0: changez-le d’abord"
		                    : "the segment \"%.*s\" is built on this one: change it first",
		                STR_ARG(*other));
	else if (!store_segment_delete(live_db(r->web->live), r->args[0], &found, &err))
		request_err(r, &err);
	else if (!found)
		request_refuse(r, 404, "aucun segment ne porte ce nom", "no segment has this name");
	else {
		put_open(&r->out, NULL, '{');
		put_bool(&r->out, "forgotten", true);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
}

void on_segment_words(struct request *r)
{
	size_t count;
	const struct expr_word *words = expr_words(&count);
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < count; i++) {
		put_open(&r->out, NULL, '{');
		put_cstr(&r->out, "group", words[i].group);
		put_cstr(&r->out, "name", words[i].name);
		put_cstr(&r->out, "signature", words[i].signature);
		put_cstr(&r->out, "type", words[i].type);
		put_cstr(&r->out, "meaning", words[i].meaning);
		put_cstr(&r->out, "example", words[i].example);
		put_close(&r->out, '}');
	}
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	request_send_json(r, 200);
}
