#include "app/courier.h"

#include "app/courier_int.h"
#include "app/links.h"
#include "app/live_int.h"
#include "app/messages.h"
#include "base/hash.h"
#include "channel/dir.h"
#include "channel/mime.h"
#include "fold/basis.h"
#include "model/names.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct courier_state *courier_new(const char *messages, const char *folder, struct err *err)
{
	struct courier_state *c = mem_alloc(sizeof *c);
	pthread_mutex_init(&c->reco_lock, NULL);
	c->folder = strdup(folder);
	c->messages = messages ? strdup(messages) : NULL;
	c->liquid = liquid_new();
	message_text_init(&c->text);
	c->set = messages_load(messages, NULL, err);
	if (c->set)
		return c;
	courier_free(c);
	return NULL;
}

/* What was saved in the shop since the last look; one small read a second. */
bool courier_refresh(struct courier_state *c, struct db *db, struct instant now, struct err *err)
{
	int64_t revision;
	if (c->looked_at.s == now.s)
		return true;
	if (!messages_revision(db, &revision, err))
		return false;
	if (revision != c->revision) {
		struct message_set *set = messages_load(c->messages, db, err);
		if (!set)
			return false;
		message_set_free(c->set);
		c->set = set;
		c->revision = revision;
	}
	c->looked_at = now;
	return true;
}

void courier_folder(const char *address, char out[COURIER_FOLDER_MAX])
{
	bool server =
		str_starts(str_from(address), STR("postgresql://")) || str_starts(str_from(address), STR("postgres://"));
	snprintf(out, COURIER_FOLDER_MAX, "%s%s", server ? "" : address, server ? "outbox" : ".outbox");
}

struct courier_state *courier_for(const char *address, const char *messages, const char *folder, struct err *err)
{
	char path[COURIER_FOLDER_MAX];
	courier_folder(address, path);
	return courier_new(messages, folder ? folder : path, err);
}

void courier_free(struct courier_state *c)
{
	if (!c)
		return;
	dispatch_free(c->dispatch);
	courier_reco_free(c);
	courier_pace_free(c->pace);
	message_text_release(&c->text);
	liquid_free(c->liquid);
	message_set_free(c->set);
	free(c->folder);
	free(c->messages);
	free(c);
}

/* ---- content ---- */

static const struct message *find_message(const struct courier_state *c, const struct outbox_message *m)
{
	enum liquid_locale first = m->locale == LOCALE_FR ? LIQUID_FR : LIQUID_EN;
	const struct message *found = message_find(c->set, first, m->message);
	return found ? found : message_find(c->set, first == LIQUID_FR ? LIQUID_EN : LIQUID_FR, m->message);
}

/* What is kept at the claim: a retry and the web version need nothing else. */
struct str courier_content(const struct message_text *t, struct str variant, struct arena *a)
{
	struct buf b;
	buf_init(&b, 16 << 20);
	buf_cstr(&b, "{\"from\":");
	buf_json(&b, buf_view(&t->from));
	buf_cstr(&b, ",\"preheader\":");
	buf_json(&b, buf_view(&t->preheader));
	buf_cstr(&b, ",\"html\":");
	buf_json(&b, buf_view(&t->html));
	buf_cstr(&b, ",\"text\":");
	buf_json(&b, buf_view(&t->text));
	buf_cstr(&b, ",\"sms\":");
	buf_json(&b, buf_view(&t->sms));
	buf_cstr(&b, ",\"postcard\":");
	buf_json(&b, buf_view(&t->postcard));
	if (variant.n) {
		buf_cstr(&b, ",\"variant\":");
		buf_json(&b, variant);
	}
	buf_char(&b, '}');
	struct str s = arena_str(a, buf_view(&b));
	buf_release(&b);
	return s;
}

/* The variant of the plan's step that was drawn at the decision; NULL: the step has but one. */
static const struct variant *step_variant(const struct live *l, const struct outbox_message *m)
{
	uint16_t plan;
	uint8_t step;
	if (!live_find_step(l, m->key.customer, m->key.plan, m->key.run_no, m->key.step, &plan, &step))
		return NULL;
	const struct step *st = &l->plans->plans[plan]->steps[step];
	return m->variant < st->variant_count ? &st->variants[m->variant] : NULL;
}

/* A variant's own subject stands in for the message's. */
static bool render_subject(struct courier_state *c, const struct outbox_message *m, struct str subject,
                           const struct lobject *data, const struct liquid_options *o, struct err *err)
{
	struct liquid_options plain = *o;
	plain.autoescape = false;
	struct liquid_template *t = liquid_parse("subject", subject, err);
	if (!t)
		return err_context(err, "plan %.*s, step %.*s", STR_ARG(m->key.plan), STR_ARG(m->key.step));
	buf_clear(&c->text.subject);
	bool ok = liquid_render(c->liquid, t, data, &plain, &c->text.subject, err);
	liquid_template_free(t);
	message_one_line(&c->text.subject);
	return ok;
}

/* What is kept of a test: the name of the step's variant, of the message's own, or both: "evening/b". */
static struct str variant_name(const struct variant *own, const struct message *found, size_t variant, struct arena *a)
{
	struct str of_step = own ? own->name : STR("");
	bool own_subject = own && own->subject.n; /* a message's variants are subjects: this one replaces them */
	struct str of_message =
		found->variant_count > 1 && !own_subject ? str_from(found->variants[variant].name) : STR("");
	return arena_printf(a, "%.*s%s%.*s", STR_ARG(of_step), of_step.n && of_message.n ? "/" : "", STR_ARG(of_message));
}

static bool render(void *ctx, struct live *l, struct outbox_message *m, struct arena *a, struct err *err)
{
	struct courier_state *c = ctx;
	if (m->content.n)
		return true; /* a retry: what the first try stored */
	if (m->key.channel == CHANNEL_STAFF)
		return courier_staff_notice(c, l, m, a, err);
	if (!courier_refresh(c, live_db(l), l->now, err))
		return false;
	const struct message *found = find_message(c, m);
	if (!found)
		return err_set(err, ERR_INPUT,
		               "message \"%.*s\" of plan %.*s is not among the messages: write messages/%s/%.*s.md",
		               STR_ARG(m->message), STR_ARG(m->key.plan), locale_name(m->locale), STR_ARG(m->message));
	struct lobject *data;
	if (!courier_context(c, l, m, a, &data, err))
		return false;
	struct liquid_options o = { .autoescape = true,
		                        .locale = m->locale == LOCALE_FR ? LIQUID_FR : LIQUID_EN,
		                        .currency = live_shop(l)->shop.currency,
		                        .zone = live_shop(l)->shop.zone,
		                        .now = m->queued_at };
	size_t variant = message_variant_of(found, draw_u64(live_shop(l)->shop.seed, DRAW_VARIANT, hash_str(m->message),
	                                                    m->key.customer, m->key.run_no, 0));
	message_text_clear(&c->text);
	if (!message_render(c->set, found, variant, c->liquid, data, &o, &c->text, err))
		return false;
	const struct variant *own = step_variant(l, m);
	if (own && own->subject.n && !render_subject(c, m, own->subject, data, &o, err))
		return false;
	m->subject = arena_str(a, buf_view(&c->text.subject));
	m->content = courier_content(&c->text, variant_name(own, found, variant, a), a);
	return true;
}

/* ---- hand-off ---- */

static struct str json_field(json_t *j, const char *name)
{
	json_t *v = json_object_get(j, name);
	return v && json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR("");
}

struct str courier_variant(struct str content, struct arena *a)
{
	json_error_t where;
	json_t *j = content.n ? json_loadb(content.p, content.n, 0, &where) : NULL;
	struct str name = arena_str(a, json_field(j, "variant"));
	json_decref(j);
	return name;
}

struct str courier_key_name(const struct message_key *k, struct arena *a)
{
	return arena_printf(a, "%u.%.*s.%u.%.*s.%s", k->customer, STR_ARG(k->plan), k->run_no, STR_ARG(k->step),
	                    channel_name(k->channel));
}

bool courier_may_track(const struct live *l, customer_id c)
{
	return c && c <= l->world.version->customers &&
	       basis_may_track_at(l->shop.book, l->world.version, &l->thresholds, c, l->now);
}

static bool build_mail(struct courier_state *c, struct live *l, const struct outbox_message *m, json_t *j,
                       const struct person *to, bool track, struct arena *a, struct buf *out, struct err *err)
{
	const struct shop *shop = &live_shop(l)->shop;
	struct courier_shop s;
	unsigned char key[TOKEN_KEY_BYTES];
	if (!courier_shop_read(c, l, a, &s, err))
		return false;
	links_key(shop, key);
	struct buf id;
	buf_init(&id, 512);
	mime_message_id(courier_key_name(&m->key, a), s.domain, &id);
	struct str name = arena_printf(a, "%.*s%s%.*s", STR_ARG(to->first_name),
	                               to->first_name.n && to->last_name.n ? " " : "", STR_ARG(to->last_name));
	struct mime_mail mail = { .from_name = json_field(j, "from").n ? json_field(j, "from") : str_from(shop->name),
		                      .from_address = s.email,
		                      .to_name = name,
		                      .to_address = to->email,
		                      .subject = m->subject,
		                      .message_id = buf_view(&id),
		                      .date = m->claimed_at.s ? m->claimed_at : m->queued_at,
		                      .zone = shop->zone,
		                      .text = json_field(j, "text"),
		                      .html = json_field(j, "html"),
		                      .automatic = m->purpose == PURPOSE_SERVICE };
	if (m->purpose == PURPOSE_MARKETING)
		mail.unsubscribe_url = links_url(key, s.public_url, TOKEN_UNSUBSCRIBE, &m->key, 0, a);
	if (track && s.is_public && mail.html.n) {
		mail.text = links_tracked_text(key, s.public_url, &m->key, mail.html, mail.text, a);
		mail.html = links_tracked(key, s.public_url, &m->key, mail.html, a);
	}
	struct mime_result result;
	bool ok = mime_build(&mail, out, &result, err);
	buf_release(&id);
	return ok;
}

bool courier_mail(struct courier_state *c, struct live *l, const struct outbox_message *m, const struct person *to,
                  bool track, struct arena *a, struct buf *out, struct err *err)
{
	json_error_t where;
	json_t *j = json_loadb(m->content.p, m->content.n, 0, &where);
	bool ok = j ? build_mail(c, l, m, j, to, track, a, out, err)
	            : err_set(err, ERR_WORLD, "a message's stored content cannot be read");
	json_decref(j);
	return ok;
}

static struct settlement settled(enum message_state to, struct instant at, const char *outcome)
{
	return (struct settlement){ .to = to, .at = at, .outcome = str_from(outcome) };
}

static bool write_file(struct courier_state *c, struct live *l, const struct outbox_message *m, json_t *j,
                       const struct person *to, struct arena *a, struct err *err)
{
	if (m->key.channel == CHANNEL_EMAIL) {
		struct buf mail;
		buf_init(&mail, MIME_MAIL_MAX);
		bool ok = build_mail(c, l, m, j, to, courier_may_track(l, m->key.customer), a, &mail, err) &&
		          dir_write(c->folder, courier_key_name(&m->key, a), ".eml", buf_view(&mail), NULL, 0, err);
		buf_release(&mail);
		return ok;
	}
	struct str address = to->phone, text = json_field(j, "sms");
	if (m->key.channel == CHANNEL_POSTCARD) {
		address = arena_printf(a, "%.*s %.*s, %.*s, %.*s %.*s", STR_ARG(to->first_name), STR_ARG(to->last_name),
		                       STR_ARG(to->address1), STR_ARG(to->postcode), STR_ARG(to->city));
		text = json_field(j, "postcard");
	} else if (m->key.channel == CHANNEL_STAFF) {
		if (!courier_staff_address(c, l, a, &address, err))
			return false;
		text = json_field(j, "text");
	}
	if (!text.n)
		text = json_field(j, "text");
	return dir_write_text(c->folder, courier_key_name(&m->key, a), address, text, NULL, 0, err);
}

static struct settlement hand_off(void *ctx, struct live *l, const struct outbox_message *m, struct arena *a,
                                  struct instant now)
{
	struct courier_state *c = ctx;
	struct err err;
	struct person to = { .email = STR("") };
	struct str ref;
	json_error_t where;
	if (m->key.channel != CHANNEL_STAFF && !store_person(live_db(l), m->key.customer, a, &to, &ref, &err))
		return (struct settlement){
			.to = MESSAGE_DEFERRED, .at = now, .try_after = { now.s + 300 }, .outcome = STR("person not read")
		};
	if (m->key.channel == CHANNEL_EMAIL && !to.email.n)
		return settled(MESSAGE_REFUSED, now, "no address");
	json_t *j = json_loadb(m->content.p, m->content.n, 0, &where);
	bool ok = j && write_file(c, l, m, j, &to, a, &err);
	json_decref(j);
	if (ok)
		return settled(MESSAGE_ACCEPTED, now, "written as a file");
	if (j && err.kind != ERR_WORLD)
		return (struct settlement){ .to = MESSAGE_DEFERRED,
			                        .at = now,
			                        .try_after = { now.s + 15 * MINUTE_S },
			                        .outcome = arena_printf(a, "cannot be built: %.300s", err.text),
			                        .untried = true };
	return (struct settlement){
		.to = MESSAGE_DEFERRED, .at = now, .try_after = { now.s + 300 }, .outcome = STR("folder not writable")
	};
}

/* Once a tick, however many batches wait for the same reason. */
static void say_unsent(struct courier_state *c, const struct live *l, const struct err *err)
{
	if (c->told_at.s != l->now.s)
		fprintf(stderr, "relance: no mail can be handed over, all of it waits: %s\n", err->text);
	c->told_at = l->now;
}

/* Mail goes to the server in one go, the rest one by one. */
static void hand_off_all(void *ctx, struct live *l, const struct outbox_message *messages, size_t count,
                         struct settlement *out, struct arena *a, struct instant now)
{
	struct courier_state *c = ctx;
	struct err err;
	bool server = courier_has_server(l, a);
	const struct outbox_message *mails[OUTBOX_CLAIM_MAX];
	struct settlement *to[OUTBOX_CLAIM_MAX];
	size_t n = 0;
	for (size_t i = 0; i < count; i++) {
		if (server && messages[i].key.channel == CHANNEL_EMAIL) {
			mails[n] = &messages[i];
			to[n++] = &out[i];
		} else if (server && messages[i].key.channel == CHANNEL_STAFF) {
			if (!courier_staff_send(c, l, &messages[i], &out[i], a, &err))
				say_unsent(c, l, &err);
		} else {
			out[i] = hand_off(ctx, l, &messages[i], a, now);
		}
	}
	if (n && !courier_send_mails(c, l, mails, NULL, to, n, false, a, &err))
		say_unsent(c, l, &err);
}

struct courier courier_of(struct courier_state *c)
{
	struct courier out = { .ctx = c,
		                   .render = render,
		                   .wait = courier_wait,
		                   .give_back = courier_give_back,
		                   .batch_done = courier_pace_keep,
		                   .hand_off = hand_off,
		                   .hand_off_all = hand_off_all };
	if (c->dispatch) {
		out.room = courier_room;
		out.arrived = courier_arrived;
		out.collect = courier_collect;
		out.collected = courier_collected;
		out.recall = courier_recall;
		out.finish = courier_finish;
	}
	return out;
}
