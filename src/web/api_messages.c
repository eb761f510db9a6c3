/* Messages: listed, shown, previewed on the shipped sample or with a real customer's name in it. */
#include "web/web_int.h"

#include "app/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

EMBEDDED(messages)

static bool add_file(struct message_set *set, const char *path, const char *name, struct err *err)
{
	struct buf bytes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	buf_init(&bytes, LIQUID_SOURCE_MAX);
	ssize_t got = 1;
	char *room;
	while (got > 0 && (room = buf_reserve(&bytes, 65536)))
		if ((got = read(fd, room, 65536)) > 0)
			bytes.n += (size_t)got;
	close(fd);
	bool ok = got == 0;
	if (ok)
		message_set_add(set, str_from(name), buf_view(&bytes));
	buf_release(&bytes);
	return ok || err_set(err, ERR_INPUT, "%s: cannot be read, or is larger than %d MiB", path, LIQUID_SOURCE_MAX >> 20);
}

static bool add_folder(struct message_set *set, const char *root, const char *below, int depth, struct err *err)
{
	char path[4096], name[2048];
	snprintf(path, sizeof path, "%s/%s", root, below);
	DIR *dir = opendir(path);
	if (!dir)
		return err_errno(err, "%s", path);
	bool ok = true;
	for (struct dirent *e; ok && (e = readdir(dir));) {
		struct stat st;
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s%s%s", below, below[0] ? "/" : "", e->d_name);
		snprintf(path, sizeof path, "%s/%s", root, name);
		if (stat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
			ok = depth == 0 || add_folder(set, root, name, depth - 1, err);
		else
			ok = add_file(set, path, name, err);
	}
	closedir(dir);
	return ok;
}

bool web_messages_folder(struct message_set *set, const char *root, struct err *err)
{
	return add_folder(set, root, "", 2, err);
}

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

EMBEDDED(plans)

/* The shipped plans that send it. */
static void put_plans(struct request *r, const char *name)
{
	struct buf *b = &r->out;
	size_t n = strlen(name);
	put_open(b, "plans", '[');
	for (size_t i = 0; i < plans_file_count; i++) {
		const char *text = (const char *)plans_files[i].data, *at = text;
		bool found = false;
		while (!found && (at = strstr(at, name))) {
			found = !strchr("-_abcdefghijklmnopqrstuvwxyz0123456789", at[n] ? at[n] : ' ') &&
			        (at == text || strchr(" [,\"'", at[-1]));
			at += n;
		}
		if (found)
			put_str(b, NULL, (struct str){ plans_files[i].name, strcspn(plans_files[i].name, ".") });
	}
	put_close(b, ']');
}

void on_messages(struct request *r)
{
	struct message_set *set = r->web->messages;
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < message_count(set); i++) {
		const struct message *m = message_at(set, i);
		put_open(&r->out, NULL, '{');
		put_message(&r->out, m);
		put_plans(r, m->name);
		put_close(&r->out, '}');
	}
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

/* ---- rendering ---- */

static void overlay(json_t *sample, const struct person *p)
{
	json_t *customer = json_object_get(sample, "customer");
	const struct {
		const char *name;
		struct str value;
	} FIELDS[] = { { "civility", p->civility },   { "first_name", p->first_name },
		           { "last_name", p->last_name }, { "email", p->email },
		           { "city", p->city },           { "company", p->company } };
	for (size_t i = 0; json_is_object(customer) && i < ARRAY_LEN(FIELDS); i++)
		json_object_set_new(customer, FIELDS[i].name,
		                    json_stringn(FIELDS[i].value.p ? FIELDS[i].value.p : "", FIELDS[i].value.n));
}

static bool sample_for(struct request *r, enum liquid_locale locale, int64_t customer, const struct lobject **out,
                       struct err *err)
{
	const struct embedded_file *f =
		embedded_find(messages_files, messages_file_count, locale == LIQUID_FR ? "sample.fr.json" : "sample.en.json");
	json_error_t why;
	struct lval v = lval_nil();
	struct person p;
	json_t *sample = f ? json_loadb((const char *)f->data, f->size, 0, &why) : NULL;
	bool ok = sample || err_set(err, ERR_WORLD, "the sample of this language is missing");
	if (ok && customer > 0 && request_db(r)) {
		ok = store_person(r->db, (customer_id)customer, &r->arena, &p, NULL, err);
		if (ok)
			overlay(sample, &p);
	}
	ok = ok && lval_from_json(&r->arena, sample, &v, err);
	json_decref(sample);
	*out = v.object;
	return ok && v.type == LVAL_OBJECT;
}

static void put_findings(struct request *r, const struct message_set *set, const struct message *m,
                         const struct lobject *data, const struct liquid_options *o)
{
	struct message_findings found;
	message_findings_init(&found);
	message_check(set, m, data, o, &found);
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

static struct liquid_options options_of(struct request *r)
{
	return (struct liquid_options){ .now = clock_now(), .currency = r->web->shop.currency, .zone = r->web->shop.zone };
}

/* Everything of one message, rendered, into the answer. */
static bool put_rendered(struct request *r, const struct message_set *set, const struct message *m, int64_t customer)
{
	struct err err;
	struct message_text t;
	const struct lobject *data = NULL;
	struct liquid_options o = options_of(r);
	struct liquid *liquid = liquid_new();
	message_text_init(&t);
	bool ok = sample_for(r, m->locale, customer, &data, &err) && message_render(set, m, 0, liquid, data, &o, &t, &err);
	if (ok) {
		put_str(&r->out, "preheader", buf_view(&t.preheader));
		put_str(&r->out, r->args[0].n ? "rendered_subject" : "subject", buf_view(&t.subject));
		put_str(&r->out, "html", buf_view(&t.html));
		put_str(&r->out, r->args[0].n ? "text_part" : "text", buf_view(&t.text));
		put_str(&r->out, "sms", buf_view(&t.sms));
		put_findings(r, set, m, data, &o);
	} else {
		request_problem(r, 422, "%s", err.text);
	}
	message_text_release(&t);
	liquid_free(liquid);
	return ok;
}

static struct str source_of(struct request *r, const struct message *m)
{
	const struct embedded_file *f = embedded_find(messages_files, messages_file_count, m->file);
	if (r->web->o.messages) {
		char path[4096];
		struct buf bytes;
		snprintf(path, sizeof path, "%s/%s", r->web->o.messages, m->file);
		FILE *file = fopen(path, "re");
		if (file) {
			buf_init(&bytes, LIQUID_SOURCE_MAX);
			char block[4096];
			for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
				buf_add(&bytes, block, n);
			fclose(file);
			struct str s = arena_str(&r->arena, buf_view(&bytes));
			buf_release(&bytes);
			return s;
		}
	}
	return f ? (struct str){ (const char *)f->data, f->size } : STR("");
}

void on_message(struct request *r)
{
	const struct message *m = message_find(r->web->messages, liquid_locale_from(r->args[0]), r->args[1]);
	if (!m) {
		request_problem(r, 404, "there is no message of this name in this language");
		return;
	}
	put_open(&r->out, NULL, '{');
	put_message(&r->out, m);
	put_str(&r->out, "text", source_of(r, m));
	put_plans(r, m->name);
	if (!put_rendered(r, r->web->messages, m, 0))
		return;
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

/* The message as edited: a set of its own, with every other file as it is. */
static struct message_set *edited(struct request *r, const char *locale, const char *name, const char *text,
                                  struct err *err)
{
	struct message_set *set = message_set_new();
	for (size_t i = 0; i < messages_file_count; i++)
		message_set_add(set, str_from(messages_files[i].name),
		                (struct str){ (const char *)messages_files[i].data, messages_files[i].size });
	bool ok = !r->web->o.messages || web_messages_folder(set, r->web->o.messages, err);
	if (ok) {
		message_set_add(set, arena_printf(&r->arena, "%s/%s.md", locale, name), str_from(text));
		ok = message_set_compile(set, err);
	}
	if (ok)
		return set;
	message_set_free(set);
	return NULL;
}

void on_message_preview(struct request *r)
{
	struct err err;
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *locale = member(o, "locale"), *name = member(o, "name"), *text = member(o, "text");
	int64_t customer = json_integer_value(json_object_get(o, "customer"));
	struct message_set *own = NULL;
	bool fits = locale && name && (strcmp(locale, "fr") == 0 || strcmp(locale, "en") == 0) && strlen(name) < 100 &&
	            !strchr(name, '/');
	if (!fits)
		request_problem(r, 422, "\"locale\" (fr or en) and \"name\" are needed");
	else if (text && !(own = edited(r, locale, name, text, &err)))
		request_problem(r, 422, "%s", err.text);
	else {
		const struct message_set *set = own ? own : r->web->messages;
		const struct message *m = message_find(set, liquid_locale_from(str_from(locale)), str_from(name));
		if (!m) {
			request_problem(r, 404, "there is no message of this name in this language");
		} else {
			put_open(&r->out, NULL, '{');
			if (put_rendered(r, set, m, customer)) {
				put_close(&r->out, '}');
				request_send_json(r, 200);
			}
		}
	}
	message_set_free(own);
	json_decref(o);
}

/* ---- a test, to oneself ---- */

void on_message_test(struct request *r)
{
	struct err err;
	json_t *o = request_json(r);
	if (!o)
		return;
	const char *locale = member(o, "locale"), *name = member(o, "name"), *to = member(o, "to");
	int64_t customer = json_integer_value(json_object_get(o, "customer"));
	const struct message *m =
		locale && name ? message_find(r->web->messages, liquid_locale_from(str_from(locale)), str_from(name)) : NULL;
	struct message_text t;
	const struct lobject *data = NULL;
	struct liquid_options options = options_of(r);
	struct liquid *liquid = liquid_new();
	message_text_init(&t);
	if (!to || !strchr(to, '@'))
		request_problem(r, 422, "\"to\" is needed: the e-mail address that gets the test");
	else if (!m)
		request_problem(r, 404, "there is no message of this name in this language");
	else if (!sample_for(r, m->locale, customer, &data, &err) ||
	         !message_render(r->web->messages, m, 0, liquid, data, &options, &t, &err) ||
	         !web_send_mail(r, arena_printf(&r->arena, "test.%s.%s.%lld", locale, name, (long long)clock_now().s),
	                        str_from(to), arena_printf(&r->arena, "[Test] %.*s", STR_ARG(buf_view(&t.subject))),
	                        buf_view(&t.text), buf_view(&t.html), &err))
		request_err(r, &err);
	else {
		put_open(&r->out, NULL, '{');
		put_bool(&r->out, "sent", true);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
	message_text_release(&t);
	liquid_free(liquid);
	json_decref(o);
}
