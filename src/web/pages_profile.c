/* What messages ask a person: the date and the tastes they tell us (« Compléter mon profil »), and what went wrong («
 * Dire ce qui s’est passé »). Both are the preference link with a number behind it. */
#include "web/pages_profile.h"

#include "app/clock.h"
#include "book/book.h"
#include "web/facts.h"

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
	buf_html(
		&r->out,
		str_from(T("Ces informations servent à vous conseiller et à vous fêter, à rien d’autre. Vous les changez ici "
	               "quand vous voulez.",
	               "This is used to advise you and to wish you well, for nothing else. You can change it here "
	               "at any time.")));
	buf_cstr(&r->out, "</p>");
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

void page_request(struct request *r)
{
	page_begin(r, T("Dites-nous ce qui s’est passé", "Tell us what happened"));
	page_text(
		r, "p",
		T("Votre message est gardé dans votre dossier client, où l’équipe peut le lire. Si vous attendez une réponse, "
	      "écrivez-nous plutôt directement.",
	      "Your message is kept in your customer file, where the team can read it. If you expect an answer, rather "
	      "write to us directly."));
	page_form_begin(r, "/p/", r->args[0]);
	field_begin(r, T("Votre message", "Your message"));
	buf_cstr(&r->out, "<textarea name=\"request\" rows=\"6\" maxlength=\"1000\" required></textarea></label>");
	page_text(r, "button", T("Envoyer", "Send"));
	buf_cstr(&r->out, "</form>");
	page_end(r);
}

void page_request_post(struct request *r, const struct token *t, const struct message_key *key)
{
	struct str said = str_trim(page_field(r, "request"));
	said.n = said.n < 1000 ? said.n : str_utf8_valid((struct str){ said.p, 1000 });
	if (!said.n) {
		page_request(r);
		r->status = 422;
		return;
	}
	struct page_facts f = { .count = 1 };
	f.items[0] = (struct incoming){ .kind = IN_EVENT,
		                            .customer = key->customer,
		                            .key = arena_printf(&r->arena, "page:request/%lld@%lld", (long long)t->message,
		                                                (long long)clock_now().s),
		                            .event = { .name = STR("request"), .text = said } };
	if (page_write(r, &f))
		page_say(r, 200, T("Votre message est arrivé", "Your message has arrived"),
		         T("Il est dans votre dossier client. Merci de nous l’avoir dit.",
		           "It is in your customer file. Thank you for telling us."));
}
