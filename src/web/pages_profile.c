/* What messages ask a person: the date and the tastes they tell us (« Compléter mon profil »), and what went wrong («
 * Dire ce qui s’est passé »). Both are the preference link with a number behind it. */
#include "web/pages_profile.h"

#include "app/clock.h"
#include "app/request.h"
#include "book/book.h"
#include "web/facts.h"

#include <stdio.h>

#define T(fr, en) (page_french(r) ? (fr) : (en))

enum { INTERESTS_BYTES = 2000, AGE_MAX_DAYS = 120 * 366 };

/* ---- the profile ---- */

static void field_begin(struct request *r, const char *label)
{
	buf_cstr(&r->out, "<label class=\"field\">");
	page_text(r, "span", label);
}

static void put_interests(struct request *r, const struct view *v)
{
	const char *between = "";
	for (uint32_t i = v->k->word_start[v->i]; i < v->k->word_start[v->i + 1]; i++)
		if (v->k->words[i] & 1) {
			buf_cstr(&r->out, between);
			buf_html(&r->out, book_word_text(r->web->book, v->k->words[i] >> 1));
			between = ", ";
		}
}

void page_profile(struct request *r, const struct message_key *key)
{
	const struct version *v = request_book(r);
	struct view view;
	char born[16] = "";
	if (!v)
		return;
	view_at(&view, v, book_survivor(v, key->customer), clock_now());
	if (date_known((struct date){ view_profile(&view)->born }))
		date_text((struct date){ view_profile(&view)->born }, born);
	page_begin(r, T("Pour mieux vous connaître", "To know you better"));
	page_text(r, "p", T("Dites-nous ce que vous voulez, et rien d’autre.", "Tell us what you want, and nothing else."));
	page_form_begin(r, "/p/", r->args[0]);
	field_begin(r, T("Votre date de naissance (facultatif)", "Your date of birth (optional)"));
	buf_printf(&r->out, "<input type=\"date\" name=\"born\" value=\"%s\"></label>", born);
	if (born[0]) {
		buf_cstr(&r->out, "<label><input type=\"checkbox\" name=\"forget\" value=\"yes\">");
		page_text(r, "span", T("Effacer cette date", "Forget this date"));
		buf_cstr(&r->out, "</label>");
	}
	field_begin(r, T("Ce qui vous plaît, entre virgules (facultatif)", "What you like, between commas (optional)"));
	buf_printf(&r->out, "<input type=\"text\" name=\"interests\" maxlength=\"%d\" placeholder=\"%s\" value=\"",
	           INTERESTS_BYTES, T("jardin, lecture", "garden, reading"));
	put_interests(r, &view);
	buf_cstr(&r->out, "\"></label><input type=\"hidden\" name=\"listed\" value=\"yes\">");
	page_text(r, "button", T("Enregistrer", "Save"));
	buf_cstr(&r->out, "</form>");
	buf_cstr(&r->out, "<p class=\"small\">");
	buf_html(&r->out,
	         str_from(T("Ces informations servent à vous conseiller et à vous souhaiter votre anniversaire, à rien "
	                    "d’autre. Vous les changez ici quand vous voulez.",
	                    "This is used to advise you and to wish you well, for nothing else. You can change it here "
	                    "at any time.")));
	buf_cstr(&r->out, "</p>");
	page_request_link(r, key);
	page_end(r);
}

static size_t read_interests(struct request *r, struct str text, struct str **out)
{
	size_t count = 0;
	*out = arena_array(&r->arena, struct str, BODY_LIST_MAX);
	while (text.n && count < BODY_LIST_MAX) {
		const char *comma = memchr(text.p, ',', text.n);
		struct str one = str_trim((struct str){ text.p, comma ? (size_t)(comma - text.p) : text.n });
		text = comma ? (struct str){ comma + 1, text.n - (size_t)(comma + 1 - text.p) } : STR("");
		if (one.n && one.n <= 128)
			(*out)[count++] = one;
	}
	return count;
}

void page_profile_post(struct request *r, const struct message_key *key)
{
	struct str said = str_trim(page_field(r, "born")), interests = page_field(r, "interests");
	struct page_facts f = { .count = 1 };
	struct incoming *in = &f.items[0];
	struct date today = zone_date(r->web->shop.zone, clock_now());
	*in = (struct incoming){ .kind = IN_PROFILE,
		                     .customer = key->customer,
		                     .key = STR("page:profile"),
		                     .profile = { .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN } };
	in->forget_born = str_is(page_field(r, "forget"), "yes");
	if (said.n && !in->forget_born &&
	    (!date_parse(said, &in->profile.born) || in->profile.born.day > today.day ||
	     in->profile.born.day < today.day - AGE_MAX_DAYS)) {
		page_say(r, 422, T("Cette date ne va pas", "This date does not fit"),
		         T("Revenez en arrière et vérifiez-la\u202f: jour, mois, année.",
		           "Go back and check it: day, month, year."));
		return;
	}
	interests.n =
		interests.n < INTERESTS_BYTES ? interests.n : str_utf8_valid((struct str){ interests.p, INTERESTS_BYTES });
	in->profile.interest_count = read_interests(r, interests, &in->profile.interests);
	in->forget_interests = str_is(page_field(r, "listed"), "yes") && in->profile.interest_count == 0;
	if (page_write(r, &f))
		page_say(r, 200, T("C’est noté", "Noted"),
		         T("Merci. Vous pouvez changer tout cela à tout moment.",
		           "Thank you. You can change all of it at any time."));
}

/* ---- a request ---- */

/* What the message is about: those that the law gives a month for are told as what they are. */
static const struct {
	enum request_kind kind;
	const char *fr, *en;
} ABOUT[] = {
	{ REQUEST_MESSAGE, "Dire ce qui s’est passé", "Say what happened" },
	{ REQUEST_ACCESS, "Recevoir une copie de mes données", "Get a copy of my data" },
	{ REQUEST_PORTABILITY, "Emporter mes données ailleurs", "Take my data elsewhere" },
	{ REQUEST_RECTIFICATION, "Faire corriger mes données", "Have my data corrected" },
	{ REQUEST_ERASURE, "Faire effacer mes données", "Have my data erased" },
	{ REQUEST_OBJECTION, "Ne plus recevoir aucune publicité", "Get no advertising any more" },
};

static const char *about_words(struct request *r, enum request_kind kind)
{
	size_t i = ARRAY_LEN(ABOUT) - 1;
	while (i > 0 && ABOUT[i].kind != kind)
		i--;
	return T(ABOUT[i].fr, ABOUT[i].en);
}

void page_request_link(struct request *r, const struct message_key *key)
{
	char token[TOKEN_CHARS + 1];
	token_write(
		r->web->link_key,
		(struct token){ .purpose = TOKEN_PREFERENCES, .message = outbox_link_id(key), .extra = PREFERENCES_REQUEST },
		token);
	buf_printf(&r->out, "<p class=\"small\"><a href=\"/p/%s?lang=%s\">%s</a></p>", token, T("fr", "en"),
	           T("Voir, corriger ou effacer mes données", "See, correct or erase my data"));
}

static void put_request(struct request *r, const char *trouble)
{
	page_begin(r, T("Écrire à la boutique", "Write to the shop"));
	page_text(r, "p",
	          T("Quelqu’un de la boutique lit votre message. Pour vos données, vous avez une réponse dans le mois.",
	            "Somebody of the shop reads your message. About your data you get an answer within a month."));
	if (trouble)
		page_trouble(r, trouble);
	page_form_begin(r, "/p/", r->args[0]);
	buf_cstr(&r->out, "<fieldset>");
	page_text(r, "legend", T("Vous voulez", "You want to"));
	for (size_t i = 0; i < ARRAY_LEN(ABOUT); i++) {
		buf_printf(&r->out, "<label><input type=\"radio\" name=\"about\" value=\"%s\"%s>",
		           request_kind_name(ABOUT[i].kind), i == 0 ? " checked" : "");
		page_text(r, "span", T(ABOUT[i].fr, ABOUT[i].en));
		buf_cstr(&r->out, "</label>");
	}
	buf_cstr(&r->out, "</fieldset>");
	field_begin(r, T("Votre message", "Your message"));
	buf_cstr(&r->out, "<textarea name=\"request\" rows=\"6\" maxlength=\"1000\"></textarea></label>");
	page_text(r, "button", T("Envoyer", "Send"));
	buf_cstr(&r->out, "</form>");
	page_end(r);
}

void page_request(struct request *r)
{
	put_request(r, NULL);
}

static enum request_kind asked_about(struct request *r)
{
	struct str about = page_field(r, "about");
	for (size_t i = 0; i < ARRAY_LEN(ABOUT); i++)
		if (str_is(about, request_kind_name(ABOUT[i].kind)))
			return ABOUT[i].kind;
	return REQUEST_MESSAGE;
}

static bool page_failed(struct request *r, const struct err *err)
{
	fprintf(stderr, "relance: a request was not taken: %s\n", err->text);
	page_problem(r, 503);
	return false;
}

/* Counted on Today, with its day due on Compliance, told to the programs that listen. An opposition is done at once
 * (article 21(3)), and still shown. */
static bool take(struct request *r, const struct message_key *key, enum request_kind kind)
{
	struct db *db = live_db(r->web->live);
	struct instant now = clock_now();
	bool again;
	int64_t id;
	struct err err;
	if (kind == REQUEST_OBJECTION &&
	    !request_object(db, key->customer, STR("page of the shop"), str_from(about_words(r, kind)), now, &err))
		return page_failed(r, &err);
	if (!request_again(db, kind, key->customer, now, &again, &err) ||
	    (!again && !request_add(db, kind, key->customer, STR("page"), now, "page", now, &id, &err)))
		return page_failed(r, &err);
	ticker_wake(r->web);
	return true;
}

void page_request_post(struct request *r, const struct token *t, const struct message_key *key)
{
	struct str said = str_trim(page_field(r, "request"));
	enum request_kind kind = asked_about(r);
	said.n = said.n < 1000 ? said.n : str_utf8_valid((struct str){ said.p, 1000 });
	if (!said.n && (kind == REQUEST_MESSAGE || kind == REQUEST_RECTIFICATION)) { /* of what, to what? */
		put_request(r, T("Il manque votre message\u202f: dites-nous quoi.", "Your message is missing: tell us what."));
		r->status = 422;
		return;
	}
	if (kind != REQUEST_MESSAGE)
		said = arena_printf(&r->arena, "%s%s%.*s", about_words(r, kind), said.n ? " — " : "", STR_ARG(said));
	struct page_facts f = { .count = 1 };
	f.items[0] = (struct incoming){ .kind = IN_EVENT,
		                            .customer = key->customer,
		                            .key = arena_printf(&r->arena, "page:request/%lld@%lld", (long long)t->message,
		                                                (long long)clock_now().s),
		                            .event = { .name = STR("request"), .text = said } };
	if (!page_write(r, &f) || !take(r, key, kind))
		return;
	if (kind == REQUEST_MESSAGE)
		page_say(r, 200, T("Votre message est arrivé", "Your message has arrived"),
		         T("Quelqu’un de la boutique va le lire. Merci de nous l’avoir dit.",
		           "Somebody of the shop will read it. Thank you for telling us."));
	else
		page_say(r, 200, T("Votre demande est enregistrée", "Your request is recorded"),
		         kind == REQUEST_OBJECTION ? T("Vous ne recevrez plus de publicité de notre part, dès maintenant.",
		                                       "You get no more advertising from us, from now on.")
		                                   : T("La boutique vous répond dans le mois, comme la loi le lui demande.",
		                                       "The shop answers within a month, as the law asks."));
}
