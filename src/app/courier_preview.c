/* A message before it is on: with one person's data, to look at or to send to oneself. */
#include "app/courier_int.h"
#include "app/live_int.h"
#include "channel/dir.h"
#include "channel/mime.h"

static const struct message_set *set_of(const struct courier_preview *p)
{
	return p->set ? p->set : p->courier->set;
}

static const struct message *message_of(const struct courier_preview *p)
{
	enum liquid_locale first = p->locale == LOCALE_FR ? LIQUID_FR : LIQUID_EN;
	const struct message *found = message_find(set_of(p), first, p->name);
	return found ? found : message_find(set_of(p), first == LIQUID_FR ? LIQUID_EN : LIQUID_FR, p->name);
}

static void add_all(struct arena *a, struct lobject *to, const struct lobject *from)
{
	for (uint32_t i = 0; i < from->count; i++)
		lobject_put(a, to, (struct str){ from->pairs[i].key, from->pairs[i].n }, from->pairs[i].value);
}

/* The sample, with what is known of the person and the shop over it. */
static bool data_of(struct courier_preview *p, struct arena *a, struct lobject **out, struct err *err)
{
	struct lobject *known;
	*out = lobject_new(a, p->sample->count + 16);
	add_all(a, *out, p->sample);
	if (!p->customer.n)
		return true;
	if (!courier_context(p->courier, p->live, &p->message, a, &known, err))
		return false;
	add_all(a, *out, known);
	return true;
}

static bool render(struct courier_preview *p, struct message_text *t, struct arena *a, struct err *err)
{
	struct lobject *data;
	const struct message *found = message_of(p);
	if (!found)
		return err_set(err, ERR_INPUT, "no message \"%.*s\"; \"relance message list\" lists them", STR_ARG(p->name));
	struct liquid_options o = { .autoescape = true,
		                        .locale = found->locale,
		                        .currency = p->live->shop.shop.currency,
		                        .zone = p->live->shop.shop.zone,
		                        .now = p->live->now };
	return data_of(p, a, &data, err) &&
	       message_render(set_of(p), found, p->variant, p->courier->liquid, data, &o, t, err);
}

bool courier_preview_open(struct courier_preview *p, struct instant now, struct message_text *t, struct arena *a,
                          struct err *err)
{
	customer_id c = 0;
	struct str ref;
	struct buf mail;
	bool lent = p->live != NULL;
	if (!lent) {
		p->courier = p->own_courier = courier_for(p->address, p->messages, NULL, err);
		p->live = p->own_live = p->courier ? live_open_to_look(p->address, INSTANT_NEVER, err) : NULL;
	}
	if (!p->live)
		return false;
	struct live *l = p->live;
	if (!lent)
		l->now = now;
	if (!courier_refresh(p->courier, l->shop.db, now, err))
		return false;
	if (p->customer.n && (!store_find_customer(l->shop.db, &l->shop.shop, p->customer, &c, err) ||
	                      !store_person(l->shop.db, c, a, &p->to, &ref, err)))
		return false;
	p->message = (struct outbox_message){
		.key = { .customer = c, .plan = STR("preview"), .run_no = 1, .step = p->name, .channel = CHANNEL_EMAIL },
		.purpose = p->marketing ? PURPOSE_MARKETING : PURPOSE_SERVICE,
		.locale = p->locale,
		.message = p->name,
		.queued_at = now,
		.claimed_at = now
	};
	if (!render(p, t, a, err))
		return false;
	p->message.subject = arena_str(a, buf_view(&t->subject));
	p->message.content = courier_content(t, STR(""), a);
	if (!p->to.email.n)
		p->to.email = STR("preview@example.invalid");
	buf_init(&mail, MIME_MAIL_MAX);
	bool ok = courier_mail(p->courier, l, &p->message, &p->to, false, a, &mail, err);
	p->mail = ok ? arena_str(a, buf_view(&mail)) : STR("");
	buf_release(&mail);
	return ok;
}

bool courier_preview_send(struct courier_preview *p, struct str to, const char *folder, struct arena *a,
                          struct str *answer, struct err *err)
{
	p->to.email = to;
	if (courier_has_server(p->live, a)) {
		struct settlement s = { .to = MESSAGE_DEFERRED }, *out = &s;
		const struct outbox_message *m = &p->message;
		if (!courier_send_mails(p->courier, p->live, &m, &p->to, &out, 1, true, a, err))
			return false;
		*answer = s.outcome;
		return s.to == MESSAGE_ACCEPTED || err_set(err, ERR_WORLD, "the mail did not leave: %.*s", STR_ARG(s.outcome));
	}
	struct buf mail;
	char path[4200];
	buf_init(&mail, MIME_MAIL_MAX);
	bool ok = courier_mail(p->courier, p->live, &p->message, &p->to, false, a, &mail, err) &&
	          dir_write(folder ? folder : p->courier->folder, courier_key_name(&p->message.key, a), ".eml",
	                    buf_view(&mail), path, sizeof path, err);
	buf_release(&mail);
	if (ok)
		*answer = arena_printf(a, "written as %s (the shop has no mail server: relance set DB smtp.host …)", path);
	return ok;
}

void courier_preview_close(struct courier_preview *p)
{
	live_close(p->own_live);
	courier_free(p->own_courier);
}
