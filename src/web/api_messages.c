/* Messages: listed, shown, previewed on the sample or on any customer, edited, tried. What is saved lands in the shop's
 * own table (app/messages.h), so the courier sends it and a backup holds it. */
#include "app/courier.h"
#include "app/messages.h"
#include "base/embed.h"
#include "web/web_int.h"

#include "app/clock.h"

#include <stdlib.h>

EMBEDDED(messages)
EMBEDDED(plans)

static const char *language(const struct message *m)
{
	return m->locale == LIQUID_FR ? "fr" : "en";
}

static const char *channel_of(const struct message *m)
{
	return m->channel == MESSAGE_SMS ? "sms" : m->channel == MESSAGE_POSTCARD ? "postcard" : "email";
}

static void put_message(struct buf *b, const struct message *m)
{
	put_cstr(b, "name", m->name);
	put_cstr(b, "locale", language(m));
	put_cstr(b, "subject", m->variant_count ? m->variants[0].subject_source : "");
	put_cstr(b, "channel", channel_of(m));
	put_cstr(b, "purpose", m->purpose == MESSAGE_SERVICE ? "service" : "marketing");
	put_open(b, "variants", '[');
	for (size_t i = 0; i < m->variant_count; i++) {
		put_open(b, NULL, '{');
		put_cstr(b, "name", m->variants[i].name);
		put_cstr(b, "subject", m->variants[i].subject_source);
		put_close(b, '}');
	}
	put_close(b, ']');
}

/* ---- the plans that send it ---- */

struct plan_texts {
	struct arena *a;
	struct str name[PLANS_MAX], text[PLANS_MAX];
	size_t count;
};

static void take_text(struct plan_texts *t, struct str name, struct str text)
{
	size_t i = 0;
	while (i < t->count && !str_eq(t->name[i], name))
		i++;
	if (i == PLANS_MAX)
		return;
	t->count += i == t->count;
	t->name[i] = arena_str(t->a, name);
	t->text[i] = arena_str(t->a, text);
}

static bool take_plan(void *ctx, const struct plan_row *p, struct err *err)
{
	(void)err;
	take_text(ctx, p->name, p->text); /* the newest comes last */
	return true;
}

static struct plan_texts *plan_texts(struct request *r)
{
	struct plan_texts *t = arena_new(&r->arena, struct plan_texts);
	struct err err;
	struct db *db = request_db(r);
	t->a = &r->arena;
	for (size_t i = 0; i < plans_file_count; i++)
		take_text(t, (struct str){ plans_files[i].name, strcspn(plans_files[i].name, ".") },
		          (struct str){ (const char *)plans_files[i].data, plans_files[i].size });
	if (!db)
		return NULL;
	if (plans(db, take_plan, t, &err)) {
		struct query *q = db_query(db, "web_drafts");
		int got;
		while ((got = query_next(q, &err)) == 1)
			take_text(t, query_get_text(q, 0), query_get_text(q, 1));
		if (got == 0)
			return t;
	}
	request_err(r, &err);
	return NULL;
}

static bool names_it(struct str text, struct str name)
{
	for (size_t i = 0; i + name.n <= text.n; i++)
		if (memcmp(text.p + i, name.p, name.n) == 0) {
			char before = i ? text.p[i - 1] : ' ', after = i + name.n < text.n ? text.p[i + name.n] : ' ';
			if (strchr(" [,:\"'", before) && !strchr("-_abcdefghijklmnopqrstuvwxyz0123456789", after))
				return true;
		}
	return false;
}

static void put_plans(struct buf *b, const struct plan_texts *t, const char *name)
{
	put_open(b, "plans", '[');
	for (size_t i = 0; i < t->count; i++)
		if (names_it(t->text[i], str_from(name)))
			put_str(b, NULL, t->name[i]);
	put_close(b, ']');
}

/* ---- list ---- */

void on_messages(struct request *r)
{
	const struct plan_texts *t = plan_texts(r);
	if (!t)
		return;
	pthread_rwlock_rdlock(&r->web->messages_lock);
	const struct message_set *set = r->web->messages;
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < message_count(set); i++) {
		const struct message *m = message_at(set, i);
		put_open(&r->out, NULL, '{');
		put_message(&r->out, m);
		put_plans(&r->out, t, m->name);
		put_close(&r->out, '}');
	}
	pthread_rwlock_unlock(&r->web->messages_lock);
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

/* ---- rendering on the sample ---- */

static bool sample_of(struct request *r, enum liquid_locale locale, const struct lobject **out, struct err *err)
{
	const struct embedded_file *f =
		embedded_find(messages_files, messages_file_count, locale == LIQUID_FR ? "sample.fr.json" : "sample.en.json");
	json_error_t why;
	struct lval v = lval_nil();
	json_t *sample = f ? json_loadb((const char *)f->data, f->size, 0, &why) : NULL;
	bool ok = (sample || err_set(err, ERR_WORLD, "the sample of this language is missing")) &&
	          lval_from_json(&r->arena, sample, &v, err);
	json_decref(sample);
	*out = v.object;
	return ok && v.type == LVAL_OBJECT;
}

static struct liquid_options options_of(struct request *r)
{
	return (struct liquid_options){ .now = clock_now(), .currency = r->web->shop.currency, .zone = r->web->shop.zone };
}

static void put_findings(struct request *r, const struct message_set *set, const struct message *m,
                         const struct lobject *data)
{
	struct message_findings found;
	struct liquid_options o = options_of(r);
	message_findings_init(&found);
	message_check(set, m, data, &o, &found);
	put_open(&r->out, "findings", '[');
	for (size_t i = 0; i < found.count; i++) {
		put_open(&r->out, NULL, '{');
		put_cstr(&r->out, "level", "advice");
		put_int(&r->out, "line", found.list[i].line);
		put_int(&r->out, "column", found.list[i].column);
		put_str(&r->out, "text", found.list[i].text);
		put_close(&r->out, '}');
	}
	put_close(&r->out, ']');
	message_findings_release(&found);
}

static void put_text(struct request *r, const struct message_text *t)
{
	bool whole = r->args[0].n != 0; /* beside the source, which has "subject" and "text" */
	put_str(&r->out, "preheader", buf_view(&t->preheader));
	put_str(&r->out, whole ? "rendered_subject" : "subject", buf_view(&t->subject));
	put_str(&r->out, "html", buf_view(&t->html));
	put_str(&r->out, whole ? "text_part" : "text", buf_view(&t->text));
	put_str(&r->out, "sms", buf_view(&t->sms));
	put_str(&r->out, "postcard", buf_view(&t->postcard));
}

/* A mistake in a message, with its place: "fr/x.md:3:5: what". */
static void mistake(struct request *r, const struct err *err)
{
	const char *at = strchr(err->text, ':');
	char *end = NULL;
	long line = at ? strtol(at + 1, &end, 10) : 0, column = line > 0 && *end == ':' ? strtol(end + 1, &end, 10) : 0;
	request_problem(r, 422, "%s", err->text);
	r->out.n--; /* the problem goes on */
	put_int(&r->out, "line", line > 0 ? line : 1);
	put_int(&r->out, "column", column > 0 ? column : 1);
	put_cstr(&r->out, "text", column > 0 && strncmp(end, ": ", 2) == 0 ? end + 2 : err->text);
	put_close(&r->out, '}');
}

/* Everything of one message with the sample's values, into the answer. */
static bool put_rendered(struct request *r, const struct message_set *set, const struct message *m, size_t variant)
{
	struct err err;
	struct message_text t;
	const struct lobject *data = NULL;
	struct liquid_options o = options_of(r);
	struct liquid *liquid = liquid_new();
	message_text_init(&t);
	bool ok = sample_of(r, m->locale, &data, &err) &&
	          message_render(set, m, variant < m->variant_count ? variant : 0, liquid, data, &o, &t, &err);
	if (ok) {
		put_text(r, &t);
		put_findings(r, set, m, data);
	} else {
		mistake(r, &err);
	}
	message_text_release(&t);
	liquid_free(liquid);
	return ok;
}

/* ---- one, with its source and history ---- */

static bool put_version(void *ctx, const struct message_version *v)
{
	struct request *r = ctx;
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "version", v->version);
	put_instant(&r->out, "saved_at", v->saved_at);
	put_str(&r->out, "by", auth_actor_name(r, v->actor));
	put_bool(&r->out, "given_back", v->text.n == 0);
	put_close(&r->out, '}');
	return true;
}

static bool put_source(struct request *r, struct db *db, const char *path, struct err *err)
{
	static const char *const FROM[] = { "shipped", "folder", "saved" };
	struct message_source s;
	bool found;
	if (!messages_source(r->web->o.messages, db, path, &r->arena, &s, &found, err))
		return false;
	put_str(&r->out, "text", s.text);
	put_cstr(&r->out, "from", FROM[s.from]);
	put_int(&r->out, "version", s.version);
	put_open(&r->out, "versions", '[');
	if (!messages_history(db, path, put_version, r, err))
		return false;
	put_close(&r->out, ']');
	return true;
}

/* The path the address names; false: a problem was set. */
static bool path_arg(struct request *r, char path[MESSAGE_PATH_MAX])
{
	if (messages_path(r->args[0], r->args[1], path))
		return true;
	request_problem(r, 404, "a message is /messages/fr/NAME or /messages/en/NAME, in small letters, digits, - and _");
	return false;
}

static void show(struct request *r, struct db *db)
{
	char path[MESSAGE_PATH_MAX];
	struct err err;
	const struct plan_texts *t;
	if (!path_arg(r, path) || !(t = plan_texts(r)))
		return;
	pthread_rwlock_rdlock(&r->web->messages_lock);
	const struct message *m = message_find(r->web->messages, liquid_locale_from(r->args[0]), r->args[1]);
	if (!m) {
		request_problem(r, 404, "there is no message of this name in this language; GET /messages lists them");
	} else {
		put_open(&r->out, NULL, '{');
		put_message(&r->out, m);
		put_plans(&r->out, t, m->name);
		if (!put_source(r, db, path, &err)) {
			request_err(r, &err);
		} else if (put_rendered(r, r->web->messages, m, 0)) {
			put_close(&r->out, '}');
			request_send_json(r, 200);
		}
	}
	pthread_rwlock_unlock(&r->web->messages_lock);
}

void on_message(struct request *r)
{
	struct db *db = request_db(r);
	if (db)
		show(r, db);
}

struct wanted_version {
	struct request *r;
	int64_t version;
	bool found;
};

static bool put_wanted(void *ctx, const struct message_version *v)
{
	struct wanted_version *w = ctx;
	if (v->version != w->version)
		return true;
	w->found = true;
	put_open(&w->r->out, NULL, '{');
	put_int(&w->r->out, "version", v->version);
	put_instant(&w->r->out, "saved_at", v->saved_at);
	put_str(&w->r->out, "by", auth_actor_name(w->r, v->actor));
	put_str(&w->r->out, "text", v->text);
	put_close(&w->r->out, '}');
	return false;
}

void on_message_version(struct request *r)
{
	char path[MESSAGE_PATH_MAX];
	struct err err;
	struct wanted_version w = { .r = r };
	struct db *db = path_arg(r, path) ? request_db(r) : NULL;
	if (!db)
		return;
	if (!str_i64(r->args[2], &w.version))
		w.version = 0;
	if (!messages_history(db, path, put_wanted, &w, &err))
		request_err(r, &err);
	else if (!w.found)
		request_problem(r, 404, "this message has no version of this number; GET the message lists them");
	else
		request_send_json(r, 200);
}

/* ---- edited ---- */

/* All messages, with `text` in the place of one: empty gives it back to what is shipped. */
static struct message_set *edited(struct request *r, struct db *db, const char *path, struct str text, struct err *err)
{
	struct message_set *set = messages_collect(r->web->o.messages, db, err);
	if (set && text.n)
		message_set_add(set, str_from(path), text);
	if (set && message_set_compile(set, err))
		return set;
	message_set_free(set);
	return NULL;
}

static bool save_text(struct request *r, const char *path, struct str text, struct err *err)
{
	struct db *db = live_db(r->web->live);
	bool ok = db_begin(db, err) && messages_save(db, path, text, r->who.actor, clock_now(), err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

static void take_set(struct web *w, struct message_set *set)
{
	pthread_rwlock_wrlock(&w->messages_lock);
	struct message_set *old = w->messages;
	w->messages = set;
	pthread_rwlock_unlock(&w->messages_lock);
	message_set_free(old);
}

static bool version_is(struct request *r, const char *path, const json_t *o, struct err *err)
{
	const json_t *v = json_object_get(o, "version");
	struct message_source s;
	bool found;
	if (!json_is_integer(v))
		return true;
	if (!messages_source(r->web->o.messages, live_db(r->web->live), path, &r->arena, &s, &found, err))
		return false;
	return s.version == json_integer_value(v) ||
	       err_set(err, ERR_CONFLICT,
	               "somebody saved version %lld meanwhile: look at it, then save again without "
	               "\"version\" to write over it",
	               (long long)s.version);
}

static bool keep_message(struct request *r, const char *path, struct str text, struct err *err)
{
	if (!save_text(r, path, text, err))
		return false;
	struct message_set *set = messages_load(r->web->o.messages, live_db(r->web->live), err);
	if (!set)
		return false;
	take_set(r->web, set);
	return true;
}

void on_message_put(struct request *r)
{
	char path[MESSAGE_PATH_MAX];
	struct err err;
	struct message_set *set = NULL;
	json_t *o = path_arg(r, path) ? request_json(r) : NULL;
	if (!o)
		return;
	const char *text = member(o, "text");
	struct db *db = live_db(r->web->live);
	if (!text || !text[0])
		request_problem(r, 422, "\"text\" is needed: the message's file; DELETE gives it back to what is shipped");
	else if (!version_is(r, path, o, &err))
		request_err(r, &err);
	else if (!(set = edited(r, db, path, str_from(text), &err)))
		mistake(r, &err);
	else if (!keep_message(r, path, str_from(text), &err))
		request_err(r, &err);
	else
		show(r, db);
	message_set_free(set);
	json_decref(o);
}

void on_message_delete(struct request *r)
{
	char path[MESSAGE_PATH_MAX];
	struct err err;
	struct message_source s;
	bool found;
	struct db *db = live_db(r->web->live);
	if (!path_arg(r, path))
		return;
	if (!messages_source(r->web->o.messages, db, path, &r->arena, &s, &found, &err) ||
	    (s.from == MESSAGE_SAVED && !keep_message(r, path, STR(""), &err)))
		request_err(r, &err);
	else if (s.from != MESSAGE_SAVED)
		request_problem(r, 404, "nothing was saved for this message: it is as shipped already");
	else {
		bool left = messages_source(r->web->o.messages, db, path, &r->arena, &s, &found, &err) && found;
		put_open(&r->out, NULL, '{');
		put_bool(&r->out, "given_back", true);
		put_bool(&r->out, "there", left); /* false: it was the shop's own, and is gone from the list */
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
}

/* ---- looked at and tried ---- */

struct trial {
	struct message_set *own; /* the message as edited; NULL: as it is */
	struct str name, locale, to;
	int64_t customer;
	size_t variant;
};

static bool trial_read(struct request *r, json_t *o, struct trial *t)
{
	char path[MESSAGE_PATH_MAX];
	struct err err;
	const char *locale = member(o, "locale"), *name = member(o, "name"), *text = member(o, "text"),
			   *to = member(o, "to");
	*t = (struct trial){ .name = arena_str(&r->arena, str_from(name ? name : "")),
		                 .locale = arena_str(&r->arena, str_from(locale ? locale : "")),
		                 .to = arena_str(&r->arena, str_from(to ? to : "")),
		                 .customer = json_integer_value(json_object_get(o, "customer")),
		                 .variant = (size_t)json_integer_value(json_object_get(o, "variant")) };
	if (!messages_path(t->locale, t->name, path)) {
		request_problem(r, 422, "\"locale\" (fr or en) and \"name\" are needed");
		return false;
	}
	if (t->customer != 0 &&
	    !(r->who.may & MAY_PEOPLE)) { /* a text of one's own can show all that is known of somebody */
		request_problem(r, 403,
		                "a message with a customer's values shows what is known of them: that needs the "
		                "permission people; without \"customer\" the sample is taken");
		return false;
	}
	if (!text)
		return true;
	struct db *db = request_db(r);
	if (db && !(t->own = edited(r, db, path, str_from(text), &err)))
		mistake(r, &err);
	return t->own != NULL;
}

/* On the ticker: as the shop would send it to this person. */
static bool open_person(struct request *r, const struct trial *t, const struct message *m, struct courier_preview *p,
                        struct message_text *text, struct err *err)
{
	*p =
		(struct courier_preview){ .courier = r->web->courier,
		                          .live = r->web->live,
		                          .set = t->own ? t->own : r->web->messages,
		                          .name = t->name,
		                          .locale = m->locale == LIQUID_FR ? LOCALE_FR : LOCALE_EN,
		                          .marketing = m->purpose != MESSAGE_SERVICE,
		                          .variant = t->variant < m->variant_count ? (uint32_t)t->variant : 0,
		                          .customer = t->customer > 0 ? arena_printf(&r->arena, "#%lld", (long long)t->customer)
		                                                      : STR("") };
	return sample_of(r, m->locale, &p->sample, err) && courier_preview_open(p, clock_now(), text, &r->arena, err);
}

static const struct message *trial_message(struct request *r, const struct trial *t)
{
	const struct message *m = message_find(t->own ? t->own : r->web->messages, liquid_locale_from(t->locale), t->name);
	if (!m)
		request_problem(r, 404, "there is no message of this name in this language; GET /messages lists them");
	return m;
}

static void preview_person(struct request *r)
{
	struct trial *t = r->handed;
	struct err err;
	struct message_text text;
	struct courier_preview p = { .live = NULL };
	const struct message *m = trial_message(r, t);
	message_text_init(&text);
	if (m && !open_person(r, t, m, &p, &text, &err)) {
		mistake(r, &err);
	} else if (m) {
		put_open(&r->out, NULL, '{');
		put_text(r, &text);
		put_findings(r, p.set, m, p.sample);
		put_int(&r->out, "bytes", (int64_t)text.html.n);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
	courier_preview_close(&p);
	message_text_release(&text);
	message_set_free(t->own);
}

static void preview_sample(struct request *r, const struct trial *t)
{
	pthread_rwlock_rdlock(&r->web->messages_lock);
	const struct message *m = trial_message(r, t);
	if (m) {
		put_open(&r->out, NULL, '{');
		if (put_rendered(r, t->own ? t->own : r->web->messages, m, t->variant)) {
			put_close(&r->out, '}');
			request_send_json(r, 200);
		}
	}
	pthread_rwlock_unlock(&r->web->messages_lock);
	message_set_free(t->own);
}

void on_message_preview(struct request *r)
{
	struct trial *t = arena_new(&r->arena, struct trial);
	json_t *o = request_json(r);
	if (!o)
		return;
	bool ok = trial_read(r, o, t);
	if (ok && t->customer > 0) {
		r->handed = t;
		request_hand_over(r, preview_person);
	} else if (ok) {
		preview_sample(r, t);
	}
	json_decref(o);
}

static void put_check(struct request *r, const struct message_set *set, const struct trial *t, const struct err *wrong)
{
	struct err err;
	const struct lobject *data = NULL;
	const struct message *m = set ? message_find(set, liquid_locale_from(t->locale), t->name) : NULL;
	put_open(&r->out, NULL, '{');
	put_bool(&r->out, "ok", m != NULL);
	if (m && sample_of(r, m->locale, &data, &err)) {
		put_findings(r, set, m, data);
	} else {
		long line = 1, column = 1;
		const char *at = strchr(wrong->text, ':');
		char *end = NULL;
		if (at && (line = strtol(at + 1, &end, 10)) > 0 && *end == ':')
			column = strtol(end + 1, &end, 10);
		put_open(&r->out, "findings", '[');
		put_open(&r->out, NULL, '{');
		put_cstr(&r->out, "level", "error");
		put_int(&r->out, "line", line > 0 ? line : 1);
		put_int(&r->out, "column", column > 0 ? column : 1);
		put_cstr(&r->out, "text", end && strncmp(end, ": ", 2) == 0 ? end + 2 : wrong->text);
		put_close(&r->out, '}');
		put_close(&r->out, ']');
	}
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

/* As one types: what is wrong, and the advice, each with its line and column; always 200. */
void on_message_check(struct request *r)
{
	char path[MESSAGE_PATH_MAX];
	struct err err = { 0 };
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *locale = member(o, "locale"), *name = member(o, "name"), *text = member(o, "text");
	struct trial t = { .name = str_from(name ? name : ""), .locale = str_from(locale ? locale : "") };
	struct db *db;
	if (!text || !messages_path(t.locale, t.name, path)) {
		request_problem(r, 422, "\"locale\" (fr or en), \"name\" and \"text\" are needed");
	} else if ((db = request_db(r))) {
		struct message_set *set = edited(r, db, path, str_from(text), &err);
		put_check(r, set, &t, &err);
		message_set_free(set);
	}
	json_decref(o);
}

/* A test, to oneself: through the shop's mail server, or into the folder of messages when it has none. */
static void test_person(struct request *r)
{
	struct trial *t = r->handed;
	struct err err;
	struct message_text text;
	struct str answer;
	struct courier_preview p = { .live = NULL };
	const struct message *m = trial_message(r, t);
	message_text_init(&text);
	if (m && !open_person(r, t, m, &p, &text, &err)) {
		mistake(r, &err);
	} else if (m) {
		p.to.first_name = p.to.last_name = STR(""); /* whoever tries it is not that person */
		p.message.subject = arena_printf(&r->arena, "[Test] %.*s", STR_ARG(p.message.subject));
		p.message.key.step =
			arena_printf(&r->arena, "%.*s.%.*s.%lld", STR_ARG(t->locale), STR_ARG(t->name), (long long)clock_now().s);
		p.message.key.plan = STR("test");
		if (!courier_preview_send(&p, t->to, NULL, &r->arena, &answer, &err)) {
			request_problem(r, 502, "%s", err.text);
		} else {
			put_open(&r->out, NULL, '{');
			put_bool(&r->out, "sent", true);
			put_str(&r->out, "answer", answer);
			put_close(&r->out, '}');
			request_send_json(r, 200);
		}
	}
	courier_preview_close(&p);
	message_text_release(&text);
	message_set_free(t->own);
}

void on_message_test(struct request *r)
{
	struct trial *t = arena_new(&r->arena, struct trial);
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *to = member(o, "to"), *at = to ? strchr(to, '@') : NULL;
	if (!at || at == to || !at[1] || strpbrk(to, " \r\n<>,"))
		request_problem(r, 422, "\"to\" is needed: the e-mail address that gets the test");
	else if (trial_read(r, o, t)) {
		r->handed = t;
		request_hand_over(r, test_person);
	}
	json_decref(o);
}
