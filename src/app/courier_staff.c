/* Notices to the shop's own people: who waits, what was answered, how to reach them. With a mail server it is a mail to
 * `staff.email` (else the shop's own address); without one a file of the outbox folder, like a call or a card. */
#include "app/courier_int.h"
#include "app/live_int.h"

#define T(l, fr, en) ((l)->shop.shop.locale == LOCALE_FR ? (fr) : (en))

static const char *answer_of(const struct live *l, const struct outbox_message *m)
{
	const struct pstate *s = &l->states[m->key.customer];
	for (uint16_t i = s->sent_count; i-- > 0;) {
		const struct sent *x = &s->sent[i];
		if (x->answer == ANSWER_NONE || x->run_no != m->key.run_no ||
		    !str_eq(l->plans->plans[x->plan]->name, m->key.plan))
			continue;
		return x->answer == ANSWER_VERY_SATISFIED ? T(l, "très satisfait·e", "very satisfied")
		       : x->answer == ANSWER_SATISFIED    ? T(l, "satisfait·e", "satisfied")
		                                          : T(l, "peu ou pas satisfait·e", "little or not satisfied");
	}
	return NULL;
}

static void put_line(struct buf *b, const struct live *l, const char *label, struct str value)
{
	if (value.n)
		buf_printf(b, "%s%s %.*s\n", label, T(l, "\u00a0:", ":"), STR_ARG(value));
}

static struct str title_of(const struct live *l, struct str plan)
{
	for (size_t i = l->plans->count; i-- > 0;)
		if (str_eq(l->plans->plans[i]->name, plan))
			return l->plans->plans[i]->title[l->shop.shop.locale];
	return plan;
}

bool courier_staff_notice(struct courier_state *c, struct live *l, struct outbox_message *m, struct arena *a,
                          struct err *err)
{
	struct person who;
	struct str ref;
	struct courier_shop words;
	if (!store_person(l->shop.db, m->key.customer, a, &who, &ref, err) || !courier_shop_read(c, l, a, &words, err))
		return false;
	struct str name = arena_printf(a, "%.*s%s%.*s", STR_ARG(who.first_name),
	                               who.first_name.n && who.last_name.n ? " " : "", STR_ARG(who.last_name));
	if (!name.n)
		name = who.company.n ? who.company : arena_printf(a, T(l, "Client %.*s", "Customer %.*s"), STR_ARG(ref));
	const char *answer = answer_of(l, m);
	m->subject = arena_printf(a, "[%.*s] %.*s%s%s", STR_ARG(m->message), STR_ARG(name),
	                          answer ? T(l, "\u00a0: ", ": ") : "", answer ? answer : "");
	struct buf text, json;
	buf_init(&text, 1 << 16);
	buf_init(&json, 1 << 18);
	buf_printf(&text, T(l, "Pour %.*s. Plan «\u202f%.*s\u202f».\n\n", "For %.*s. Plan “%.*s”.\n\n"),
	           STR_ARG(m->message), STR_ARG(title_of(l, m->key.plan)));
	put_line(&text, l, T(l, "Client", "Customer"), name);
	put_line(&text, l, T(l, "Réponse", "Answer"), str_from(answer ? answer : ""));
	put_line(&text, l, T(l, "E-mail", "E-mail"), who.email);
	put_line(&text, l, T(l, "Téléphone", "Phone"), who.phone);
	put_line(&text, l, T(l, "Numéro", "Number"), ref);
	if (words.is_public)
		put_line(&text, l, T(l, "Fiche", "Record"),
		         arena_printf(a, "%.*s/customers/%u", STR_ARG(words.public_url), m->key.customer));
	buf_cstr(&json, "{\"text\":");
	buf_json(&json, buf_view(&text));
	buf_char(&json, '}');
	m->content = arena_str(a, buf_view(&json));
	buf_release(&text);
	buf_release(&json);
	return true;
}

bool courier_staff_address(struct courier_state *c, struct live *l, struct arena *a, struct str *out, struct err *err)
{
	struct courier_shop words;
	bool found;
	if (!store_shop_get(l->shop.db, "staff.email", a, out, &found, err))
		return false;
	if (found && out->n)
		return true;
	if (!courier_shop_read(c, l, a, &words, err))
		return false;
	*out = words.email;
	return true;
}

bool courier_staff_send(struct courier_state *c, struct live *l, const struct outbox_message *m, struct settlement *to,
                        struct arena *a, struct err *err)
{
	struct person team = { .first_name = m->message };
	*to = (struct settlement){ .to = MESSAGE_DEFERRED,
		                       .at = l->now,
		                       .try_after = { l->now.s + 300 },
		                       .outcome = STR("not handed over"),
		                       .untried = true };
	return courier_staff_address(c, l, a, &team.email, err) &&
	       courier_send_mails(c, l, &m, &team, &to, 1, false, a, err);
}
