/* What mails link to. A link's token names a message, and so a person; showing a page changes nothing (mail scanners
 * follow links), only a form sent with POST does. Every choice becomes a fact with its source and the words shown. */
#include "web/pages.h"

#include "app/clock.h"
#include "app/links.h"
#include "fold/basis.h"
#include "store/erase.h"
#include "web/facts.h"
#include "web/pages_profile.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIELD_MAX = 2000, SIGNUP_AGAIN_S = 3600 };

#define T(fr, en) (page_french(r) ? (fr) : (en))

/* ---- who the link is of ---- */

bool page_link_message(struct request *r, enum token_purpose purpose, struct token *t, struct message_key *key)
{
	struct err err;
	bool found = false;
	struct str text = r->args[0];
	struct db *db;
	if (str_ends(text, STR(".gif")))
		text.n -= 4;
	if (!token_read(r->web->link_key, purpose, text, t) || !(db = request_db(r)) ||
	    !outbox_link_find(db, t->message, &r->arena, key, &found, &err) || !found) {
		page_problem(r, 404);
		return false;
	}
	if (strcmp(r->method, "POST") != 0 && purpose != TOKEN_CLICK && purpose != TOKEN_OPEN)
		visits_page(r->web, t, key);
	return true;
}

struct str page_field(struct request *r, const char *name)
{
	struct str rest = buf_view(&r->body);
	size_t n = strlen(name);
	while (rest.n) {
		const char *amp = memchr(rest.p, '&', rest.n);
		struct str pair = { rest.p, amp ? (size_t)(amp - rest.p) : rest.n };
		rest = amp ? (struct str){ amp + 1, rest.n - pair.n - 1 } : STR("");
		if (pair.n <= n || memcmp(pair.p, name, n) != 0 || pair.p[n] != '=')
			continue;
		char *out = arena_alloc(&r->arena, pair.n + 1);
		size_t len = 0;
		for (size_t i = n + 1; i < pair.n && len < FIELD_MAX; i++) {
			char c = pair.p[i];
			if (c == '%' && i + 2 < pair.n && isxdigit((unsigned char)pair.p[i + 1]) &&
			    isxdigit((unsigned char)pair.p[i + 2])) {
				char hex[3] = { pair.p[i + 1], pair.p[i + 2], 0 };
				c = (char)strtol(hex, NULL, 16);
				i += 2;
			} else if (c == '+') {
				c = ' ';
			}
			if (c)
				out[len++] = c;
		}
		return (struct str){ out, str_utf8_valid((struct str){ out, len }) };
	}
	return STR("");
}

void page_form_begin(struct request *r, const char *action, struct str token)
{
	buf_printf(&r->out, "<form method=\"post\" action=\"%s%.*s?lang=%s\">", action, STR_ARG(token), T("fr", "en"));
}

static struct incoming consent_of(struct request *r, customer_id c, enum channel channel, enum purpose purpose,
                                  enum consent_state state, const char *source, const char *wording)
{
	static const char *const NAMES[] = { "email", "sms", "postcard" };
	const char *about = purpose == PURPOSE_TRACKING ? "tracking" : NAMES[channel <= CHANNEL_POSTCARD ? channel : 0];
	return (struct incoming){ .kind = IN_CONSENT,
		                      .customer = c,
		                      .key = arena_printf(&r->arena, "page:consent/%s@%lld", about, (long long)clock_now().s),
		                      .consent = { .channel = channel,
		                                   .purpose = purpose,
		                                   .state = state,
		                                   .source = str_from(source),
		                                   .wording = str_from(wording) } };
}

bool page_write(struct request *r, const struct page_facts *f)
{
	struct err err;
	if (page_facts_write(r->web, f, &r->arena, &err))
		return true;
	page_problem(r, 503);
	return false;
}

/* ---- the message in a browser ---- */

void page_web(struct request *r)
{
	struct token t;
	struct message_key key;
	struct outbox_message m;
	struct err err;
	bool found = false;
	json_error_t why;
	if (!page_link_message(r, TOKEN_WEB, &t, &key))
		return;
	if (!outbox_message(request_db(r), &key, &r->arena, &m, &found, &err) || !found || !m.content.n) {
		page_problem(r, 404);
		return;
	}
	json_t *content = json_loadb(m.content.p, m.content.n, 0, &why);
	const char *html = content ? member(content, "html") : NULL, *text = content ? member(content, "text") : NULL;
	r->type = "text/html; charset=utf-8";
	if (html && html[0]) {
		buf_cstr(&r->out, html);
	} else {
		page_begin(r, T("Votre message", "Your message"));
		buf_cstr(&r->out, "<pre style=\"white-space:pre-wrap;font:inherit\">");
		buf_html(&r->out, str_from(text ? text : ""));
		buf_cstr(&r->out, "</pre>");
		page_end(r);
	}
	json_decref(content);
}

/* ---- unsubscribing ---- */

void page_unsubscribe(struct request *r)
{
	struct token t;
	struct message_key key;
	if (!page_link_message(r, TOKEN_UNSUBSCRIBE, &t, &key))
		return;
	page_begin(r, T("Ne plus recevoir ces messages\u202f?", "Stop these messages?"));
	page_text(r, "p",
	          T("Un seul geste suffit, et c’est immédiat.", "One press is enough, and it takes effect at once."));
	page_form_begin(r, "/u/", r->args[0]);
	page_text(r, "button", T("Me désinscrire", "Unsubscribe"));
	buf_cstr(&r->out, "</form>");
	page_end(r);
}

static const enum link_answer REASONS[] = { LINK_LEFT_DISAPPOINTED, LINK_LEFT_LATE, LINK_LEFT_EXPENSIVE,
	                                        LINK_LEFT_CHANGED, LINK_LEFT_OTHER };

/* In the words of the mail that the link was pressed in (messages/…/parts/reasons, survey). */
static const char *reason_words(struct request *r, enum link_answer a)
{
	switch (a) {
	case LINK_LEFT_DISAPPOINTED:
		return T("Un article ou l’accueil n’était pas à la hauteur", "A product or the service disappointed me");
	case LINK_LEFT_LATE: return T("La livraison a été trop longue", "Delivery took too long");
	case LINK_LEFT_EXPENSIVE: return T("C’est trop cher pour moi", "It is too expensive for me");
	case LINK_LEFT_CHANGED: return T("Mes besoins ont changé", "My needs have changed");
	case LINK_LEFT_OTHER: return T("Une autre raison", "Another reason");
	case LINK_VERY_SATISFIED: return T("Très satisfaisante", "Very satisfied");
	case LINK_SATISFIED: return T("Satisfaisante", "Satisfied");
	case LINK_UNSATISFIED: return T("Peu ou pas satisfaisante", "Little or not satisfied");
	}
	return "";
}

static void put_choices(struct request *r, const enum link_answer *choices, size_t count, int chosen)
{
	for (size_t i = 0; i < count; i++) {
		buf_printf(&r->out, "<label><input type=\"radio\" name=\"answer\" value=\"%s\"%s required>",
		           link_answer_name(choices[i]), (int)choices[i] == chosen ? " checked" : "");
		page_text(r, "span", reason_words(r, choices[i]));
		buf_cstr(&r->out, "</label>");
	}
}

static void preferences_link(struct request *r, const struct message_key *key, const char *words)
{
	char token[TOKEN_CHARS + 1];
	token_write(r->web->link_key, (struct token){ .purpose = TOKEN_PREFERENCES, .message = outbox_link_id(key) },
	            token);
	buf_printf(&r->out, "<p class=\"small\"><a href=\"/p/%s?lang=%s\">%s</a></p>", token, T("fr", "en"), words);
}

/* Also the one-click of RFC 8058: a POST without a cookie, whatever it holds. */
void page_unsubscribe_post(struct request *r)
{
	struct token t;
	struct message_key key;
	if (!page_link_message(r, TOKEN_UNSUBSCRIBE, &t, &key))
		return;
	bool one_click = str_is(page_field(r, "List-Unsubscribe"), "One-Click");
	struct page_facts f = { .count = 1, .message = &key, .receipt = RECEIPT_UNSUBSCRIBED, .answer = STR("") };
	enum channel channel = key.channel <= CHANNEL_POSTCARD ? key.channel : CHANNEL_EMAIL;
	f.items[0] = consent_of(r, key.customer, channel, PURPOSE_MARKETING, CONSENT_WITHDRAWN,
	                        one_click ? "one-click unsubscribe (RFC 8058)" : "unsubscribe page",
	                        T("Me désinscrire", "Unsubscribe"));
	if (!page_write(r, &f))
		return;
	page_begin(r, T("C’est fait", "Done"));
	page_text(r, "p",
	          T("Vous ne recevrez plus ces messages. Ce qui touche à vos commandes vous parvient toujours.",
	            "You will not receive these messages any more. What is about your orders still reaches you."));
	page_form_begin(r, "/r/", r->args[0]);
	buf_cstr(&r->out, "<fieldset>");
	page_text(r, "legend",
	          T("Si vous voulez nous dire pourquoi (facultatif)", "If you want to tell us why (optional)"));
	put_choices(r, REASONS, ARRAY_LEN(REASONS), 0);
	buf_cstr(&r->out, "</fieldset><button class=\"quiet\">");
	buf_html(&r->out, str_from(T("Envoyer", "Send")));
	buf_cstr(&r->out, "</button></form>");
	preferences_link(r, &key, T("Choisir ce que je reçois", "Choose what I receive"));
	page_end(r);
}

void page_reason_post(struct request *r)
{
	struct token t;
	struct message_key key;
	struct str answer = page_field(r, "answer");
	if (!page_link_message(r, TOKEN_UNSUBSCRIBE, &t, &key))
		return;
	bool known = false;
	for (size_t i = 0; i < ARRAY_LEN(REASONS); i++)
		known |= str_is(answer, link_answer_name(REASONS[i]));
	struct page_facts f = { .count = 1 };
	f.items[0] = (struct incoming){ .kind = IN_EVENT,
		                            .customer = key.customer,
		                            .key = arena_printf(&r->arena, "page:left/%lld", (long long)t.message),
		                            .event = { .name = STR("left_reason"), .text = answer } };
	if (!known) {
		page_problem(r, 422);
	} else if (page_write(r, &f)) {
		page_begin(r, T("Merci", "Thank you"));
		page_text(r, "p", T("Votre réponse nous aidera à mieux faire.", "Your answer will help us do better."));
		preferences_link(r, &key, T("Choisir ce que je reçois", "Choose what I receive"));
		page_end(r);
	}
}

/* ---- preferences ---- */

static const struct {
	enum channel channel;
	enum purpose purpose;
	const char *name, *fr, *en;
} CHOICES[] = {
	{ CHANNEL_EMAIL, PURPOSE_MARKETING, "email", "Par e-mail", "By e-mail" },
	{ CHANNEL_SMS, PURPOSE_MARKETING, "sms", "Par SMS", "By text message" },
	{ CHANNEL_POSTCARD, PURPOSE_MARKETING, "postcard", "Par courrier", "By post" },
	{ CHANNEL_EMAIL, PURPOSE_TRACKING, "tracking",
	  "J’accepte que la boutique sache si j’ouvre ses e-mails et si j’en suis les liens, pour ne pas m’écrire en vain",
	  "The shop may know whether I open its e-mails and follow their links, so as not to write to me in vain" },
};

static bool may_now(struct request *r, const struct version *v, customer_id c, size_t choice)
{
	struct subject s;
	struct thresholds t = web_thresholds(r->web);
	struct basis_rules rules = { .post_opt_in = r->web->settings->post_opt_in,
		                         .soft_opt_in = r->web->settings->soft_opt_in };
	if (c > v->customers)
		return false;
	expr_subject(r->web->book, v, NULL, book_survivor(v, c), clock_now(), &t, &s);
	return CHOICES[choice].purpose == PURPOSE_TRACKING
	           ? basis_may_track(&s)
	           : basis_allows(basis_of(&s, &rules, CHOICES[choice].channel, PURPOSE_MARKETING));
}

void page_preferences(struct request *r)
{
	struct token t;
	struct message_key key;
	const struct version *v;
	if (!page_link_message(r, TOKEN_PREFERENCES, &t, &key) || !(v = request_book(r)))
		return;
	if (t.extra == PREFERENCES_PROFILE || t.extra == PREFERENCES_REQUEST) {
		if (t.extra == PREFERENCES_PROFILE)
			page_profile(r, &key);
		else
			page_request(r);
		return;
	}
	page_begin(r, T("Ce que vous voulez recevoir", "What you want to receive"));
	page_text(r, "p",
	          T("Nos offres et nouvelles, seulement là où vous le voulez\u00a0:",
	            "Our offers and news, only where you want them:"));
	page_form_begin(r, "/p/", r->args[0]);
	buf_cstr(&r->out, "<fieldset>");
	for (size_t i = 0; i < ARRAY_LEN(CHOICES); i++) {
		if (CHOICES[i].purpose == PURPOSE_TRACKING)
			buf_cstr(&r->out, "</fieldset><fieldset>");
		buf_printf(&r->out, "<label><input type=\"checkbox\" name=\"%s\" value=\"yes\"%s>", CHOICES[i].name,
		           may_now(r, v, key.customer, i) ? " checked" : "");
		page_text(r, "span", T(CHOICES[i].fr, CHOICES[i].en));
		buf_cstr(&r->out, "</label>");
	}
	buf_cstr(&r->out, "</fieldset>");
	page_text(r, "button", T("Enregistrer", "Save"));
	buf_cstr(&r->out, "</form>");
	page_text(r, "p",
	          T("Les messages liés à vos commandes continuent d’arriver.", "Messages about your orders still arrive."));
	page_request_link(r, &key);
	page_end(r);
}

void page_preferences_post(struct request *r)
{
	struct token t;
	struct message_key key;
	const struct version *v;
	if (!page_link_message(r, TOKEN_PREFERENCES, &t, &key) || !(v = request_book(r)))
		return;
	if (t.extra == PREFERENCES_PROFILE || t.extra == PREFERENCES_REQUEST) {
		if (t.extra == PREFERENCES_PROFILE)
			page_profile_post(r, &key);
		else
			page_request_post(r, &t, &key);
		return;
	}
	struct page_facts f = { .count = 0 };
	for (size_t i = 0; i < ARRAY_LEN(CHOICES); i++) {
		bool wanted = str_is(page_field(r, CHOICES[i].name), "yes");
		if (wanted == may_now(r, v, key.customer, i))
			continue;
		f.items[f.count++] = consent_of(r, key.customer, CHOICES[i].channel, CHOICES[i].purpose,
		                                wanted ? CONSENT_GRANTED : CONSENT_WITHDRAWN, "preference centre",
		                                T(CHOICES[i].fr, CHOICES[i].en));
	}
	if (f.count && !page_write(r, &f))
		return;
	page_begin(r, T("C’est enregistré", "Saved"));
	page_text(r, "p",
	          T("Vos choix valent dès maintenant. Vous pouvez les changer à tout moment.",
	            "Your choices count from now on. You can change them at any time."));
	preferences_link(r, &key, T("Revoir mes choix", "See my choices"));
	page_end(r);
}

/* ---- the survey ---- */

static const enum link_answer ANSWERS[] = { LINK_VERY_SATISFIED, LINK_SATISFIED, LINK_UNSATISFIED };

static bool is_reason(uint16_t extra)
{
	return extra >= LINK_LEFT_DISAPPOINTED;
}

void page_survey(struct request *r)
{
	struct token t;
	struct message_key key;
	if (!page_link_message(r, TOKEN_ANSWER, &t, &key))
		return;
	bool why = is_reason(t.extra);
	page_begin(r, why ? T("Dites-nous pourquoi", "Tell us why") : T("Votre avis", "Your opinion"));
	page_form_begin(r, "/s/", r->args[0]);
	buf_cstr(&r->out, "<fieldset>");
	page_text(r, "legend",
	          why ? T("Ce qui vous a éloigné·e", "What kept you away")
	              : T("Dans l’ensemble, votre expérience a été", "All in all, you are"));
	put_choices(r, why ? REASONS : ANSWERS, why ? ARRAY_LEN(REASONS) : ARRAY_LEN(ANSWERS), t.extra);
	buf_cstr(&r->out, "</fieldset><label class=\"field\">");
	page_text(r, "span", T("Un mot de plus\u202f? (facultatif)", "Anything to add? (optional)"));
	buf_cstr(&r->out, "<textarea name=\"comment\" rows=\"4\" maxlength=\"1000\"></textarea></label>");
	page_text(r, "button", T("Envoyer ma réponse", "Send my answer"));
	buf_cstr(&r->out, "</form>");
	page_end(r);
}

static const struct {
	const char *name, *fr, *en;
} DETAILS[] = {
	{ "finding", "Trouver ce que je cherchais", "Finding what I was looking for" },
	{ "payment", "Le paiement", "The payment" },
	{ "delivery", "La livraison", "The delivery" },
	{ "overall", "L’ensemble", "All of it" },
};

/* Of those who are not satisfied; their answer is kept already. */
static void put_second_question(struct request *r)
{
	page_form_begin(r, "/q/", r->args[0]);
	buf_cstr(&r->out, "<fieldset>");
	page_text(r, "legend", T("Qu’est-ce qui n’allait pas\xC2\xA0? (facultatif)", "What was wrong? (optional)"));
	for (size_t i = 0; i < ARRAY_LEN(DETAILS); i++) {
		buf_printf(&r->out, "<label><input type=\"radio\" name=\"what\" value=\"%s\" required>", DETAILS[i].name);
		page_text(r, "span", T(DETAILS[i].fr, DETAILS[i].en));
		buf_cstr(&r->out, "</label>");
	}
	buf_cstr(&r->out, "</fieldset>");
	page_text(r, "button", T("Envoyer", "Send"));
	buf_cstr(&r->out, "</form>");
}

void page_survey_post(struct request *r)
{
	struct token t;
	struct message_key key;
	struct str answer = page_field(r, "answer"), comment = str_trim(page_field(r, "comment"));
	if (!page_link_message(r, TOKEN_ANSWER, &t, &key))
		return;
	bool why = is_reason(t.extra), known = false;
	for (size_t i = 0; i < (why ? ARRAY_LEN(REASONS) : ARRAY_LEN(ANSWERS)); i++)
		known |= str_is(answer, link_answer_name(why ? REASONS[i] : ANSWERS[i]));
	struct page_facts f = { .message = why ? NULL : &key, .receipt = RECEIPT_ANSWERED, .answer = answer };
	if (why)
		f.items[f.count++] = (struct incoming){ .kind = IN_EVENT,
			                                    .customer = key.customer,
			                                    .key = arena_printf(&r->arena, "page:left/%lld", (long long)t.message),
			                                    .event = { .name = STR("left_reason"), .text = answer } };
	if (comment.n)
		f.items[f.count++] =
			(struct incoming){ .kind = IN_EVENT,
			                   .customer = key.customer,
			                   .key = arena_printf(&r->arena, "page:comment/%lld", (long long)t.message),
			                   .event = { .name = STR("survey_comment"),
			                              .text = { comment.p, comment.n < 1000 ? comment.n : 1000 } } };
	for (size_t i = 0; i < f.count; i++)
		f.items[i].event.text.n = str_utf8_valid(f.items[i].event.text);
	if (!known) {
		page_problem(r, 422);
	} else if (page_write(r, &f)) {
		page_begin(r, T("Merci pour votre réponse", "Thank you for your answer"));
		page_text(r, "p", T("Nous la lisons vraiment.", "We really read it."));
		if (str_is(answer, link_answer_name(LINK_UNSATISFIED)))
			put_second_question(r);
		page_end(r);
	}
}

void page_detail_post(struct request *r)
{
	struct token t;
	struct message_key key;
	struct str what = page_field(r, "what");
	if (!page_link_message(r, TOKEN_ANSWER, &t, &key))
		return;
	bool known = false;
	for (size_t i = 0; i < ARRAY_LEN(DETAILS); i++)
		known |= str_is(what, DETAILS[i].name);
	struct page_facts f = { .count = 1 };
	f.items[0] = (struct incoming){ .kind = IN_EVENT,
		                            .customer = key.customer,
		                            .key = arena_printf(&r->arena, "page:detail/%lld", (long long)t.message),
		                            .event = { .name = STR("survey_detail"), .text = what } };
	if (!known) {
		page_problem(r, 422);
	} else if (page_write(r, &f)) {
		page_say(r, 200, T("C’est noté", "Noted"), T("Merci de nous l’avoir dit.", "Thank you for telling us."));
	}
}

/* ---- signing up, confirmed by a second step ---- */

static const char *join_wording(struct request *r)
{
	return T("J’accepte de recevoir par e-mail les offres et nouvelles de la boutique. Je peux me désinscrire à tout "
	         "moment, en un clic.",
	         "I agree to receive the shop’s offers and news by e-mail. I can unsubscribe at any time, in one click.");
}

static void put_join(struct request *r, const char *trouble)
{
	page_begin(r, T("Recevoir nos nouvelles", "Get our news"));
	if (trouble)
		page_trouble(r, trouble);
	page_form_begin(r, "/join", STR(""));
	buf_printf(&r->out,
	           "<label class=\"field\">%s<input type=\"text\" name=\"first_name\" autocomplete=\"given-name\" "
	           "maxlength=\"80\"></label>"
	           "<label class=\"field\">%s<input type=\"email\" name=\"email\" autocomplete=\"email\" maxlength=\"254\" "
	           "required></label>"
	           "<label><input type=\"checkbox\" name=\"agree\" value=\"yes\" required><span>",
	           T("Prénom (facultatif)", "First name (optional)"), T("Adresse e-mail", "E-mail address"));
	buf_html(&r->out, str_from(join_wording(r)));
	buf_cstr(&r->out, "</span></label>");
	page_text(r, "button", T("M’inscrire", "Sign up"));
	buf_cstr(&r->out, "</form>");
	buf_cstr(&r->out, "<p class=\"small\">");
	buf_html(&r->out, str_from(r->web->shop.name));
	buf_printf(
		&r->out, "%s</p>",
		T(" garde votre adresse pour vous écrire ce que vous avez accepté, et rien d’autre\xC2\xA0: ni vendue, ni "
	      "prêtée, conservée jusqu’à ce que vous en demandiez l’effacement. Pour la consulter, la corriger ou la faire "
	      "effacer, écrivez-nous\u202f; chaque message porte un lien pour vous désinscrire. Vous pouvez aussi vous "
	      "adresser à la CNIL.",
	      " keeps your address to write to you what you agreed to, and for nothing else: neither sold nor lent, kept "
	      "until you ask for its erasure. To see it, correct it or have it erased, write to us; every message has a "
	      "link "
	      "to unsubscribe. You may also turn to your data protection authority."));
	page_end(r);
}

void page_join(struct request *r)
{
	put_join(r, NULL);
}

static bool run_signup(struct request *r, int64_t id, struct str email, struct str name, struct err *err)
{
	struct db *db = live_db(r->web->live);
	int64_t now = clock_now().s;
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "web_signup_put");
	query_int(q, 1, id);
	query_text(q, 2, email);
	query_text(q, 3, name);
	query_text(q, 4, str_from(T("fr", "en")));
	query_text(q, 5, str_from(join_wording(r)));
	query_int(q, 6, now);
	bool ok = query_run(q, NULL, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

/* No mail has left for it: asked again, one may. */
static void drop_signup(struct request *r, int64_t id)
{
	struct db *db = live_db(r->web->live);
	struct err err;
	if (!db_begin(db, &err))
		return;
	struct query *q = db_query(db, "web_signup_drop");
	query_int(q, 1, id);
	if (!query_run(q, NULL, &err) || !db_commit(db, &err))
		db_rollback(db);
}

/* Nobody is mailed at somebody else's wish again and again, nor at an address that is dead or complained. */
static bool join_is_quiet(struct request *r, struct str email, bool *quiet, struct err *err)
{
	struct query *q = db_query(live_db(r->web->live), "web_signup_quiet");
	query_text(q, 1, email);
	query_int(q, 2, clock_now().s - SIGNUP_AGAIN_S);
	query_int(q, 3, (int64_t)store_address_hash(&r->web->shop, email));
	query_int(q, 4, CHANNEL_EMAIL);
	int got = query_next(q, err);
	*quiet = got == 1 && query_get_int(q, 0) > 0;
	query_done(q);
	return got >= 0;
}

void page_join_post(struct request *r)
{
	struct str email = str_trim(page_field(r, "email")), name = str_trim(page_field(r, "first_name"));
	if (door_lets_join(r)) {
		page_say(r, 429, T("Un peu de patience", "A little patience"),
		         T("Plusieurs inscriptions viennent d’arriver de votre connexion. Réessayez dans une minute.",
		           "Several sign-ups have just come from your connection. Try again in a minute."));
		return;
	}
	struct err err;
	int64_t id = 0;
	bool quiet = false;
	const char *at = email.n ? memchr(email.p, '@', email.n) : NULL;
	if (!at || at == email.p || at + 1 == email.p + email.n || email.n > 254 || memchr(email.p, ' ', email.n) ||
	    !str_is(page_field(r, "agree"), "yes")) {
		put_join(r,
		         T("Il nous faut une adresse e-mail et votre accord.", "We need an e-mail address and your consent."));
		r->status = 422;
		return;
	}
	randombytes_buf(&id, sizeof id);
	id &= INT64_MAX;
	name.n = name.n < 80 ? name.n : str_utf8_valid((struct str){ name.p, 80 });
	bool ok = join_is_quiet(r, email, &quiet, &err) && (quiet || run_signup(r, id, email, name, &err));
	if (ok && !quiet && !web_confirm_mail(r, id, email, page_french(r), &err)) {
		drop_signup(r, id);
		ok = false;
	}
	if (!ok) {
		fprintf(stderr, "relance: a sign-up was not taken: %s\n", err.text);
		page_problem(r, 503);
		return;
	}
	page_say(
		r, 200, T("Encore un geste", "One more step"),
		T("Nous venons de vous écrire. Ouvrez ce message et confirmez\u00a0: c’est ainsi que nous savons que l’adresse "
	      "est bien la vôtre.",
	      "We have just written to you. Open that message and confirm: that is how we know that the address is "
	      "yours."));
}

static bool find_signup(struct request *r, struct token *t, struct incoming *who, struct str *wording,
                        int64_t *confirmed)
{
	struct err err;
	struct db *db;
	int got = 0;
	if (token_read(r->web->link_key, TOKEN_SIGNUP, r->args[0], t) && (db = request_db(r))) {
		struct query *q = db_query(db, "web_signup_get");
		query_int(q, 1, t->message);
		got = query_next(q, &err);
		if (got == 1 && query_get_int(q, 4) > clock_now().s - SIGNUP_S) {
			*who = (struct incoming){ .kind = IN_PROFILE,
				                      .key = STR("page:profile"),
				                      .person = { .email = arena_str(&r->arena, query_get_text(q, 0)),
				                                  .first_name = arena_str(&r->arena, query_get_text(q, 1)) },
				                      .profile = { .locale = str_is(query_get_text(q, 2), "en") ? LOCALE_EN : LOCALE_FR,
				                                   .created = INSTANT_NEVER,
				                                   .born = DATE_UNKNOWN } };
			*wording = arena_str(&r->arena, query_get_text(q, 3));
			*confirmed = query_get_int(q, 5);
		} else {
			got = 0;
		}
		query_done(q);
	}
	if (got == 1)
		return true;
	page_problem(r, 404);
	return false;
}

void page_confirm(struct request *r)
{
	struct token t;
	struct incoming who;
	struct str wording;
	int64_t confirmed;
	if (!find_signup(r, &t, &who, &wording, &confirmed))
		return;
	page_begin(r, T("Confirmer votre inscription", "Confirm your sign-up"));
	page_text(r, "p",
	          T("C’est le dernier geste\u00a0: nous saurons que cette adresse est bien la vôtre.",
	            "This is the last step: we then know that this address is yours."));
	page_form_begin(r, "/d/", r->args[0]);
	page_text(r, "button", T("Je confirme", "I confirm"));
	buf_cstr(&r->out, "</form>");
	page_end(r);
}

void page_confirm_post(struct request *r)
{
	struct web *w = r->web;
	struct token t;
	struct page_facts f = { .count = 3 };
	struct str wording;
	struct err err;
	int64_t confirmed;
	customer_id known = 0;
	if (!find_signup(r, &t, &f.items[0], &wording, &confirmed))
		return;
	if (!confirmed) {
		struct db *db = live_db(w->live);
		struct str email = f.items[0].person.email;
		struct err none;
		if (!store_find_customer(db, &w->shop, email, &known, &none))
			known = 0;
		f.items[1] = consent_of(r, known, CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_GRANTED,
		                        "sign-up form, confirmed by e-mail", arena_cstr(&r->arena, wording));
		f.items[2] = (struct incoming){ .kind = IN_EVENT,
			                            .key = arena_printf(&r->arena, "page:newsletter/%lld", (long long)t.message),
			                            .event = { .name = STR("newsletter"), .text = STR("") } };
		for (size_t i = 0; i < f.count; i++) {
			f.items[i].customer = known;
			f.items[i].ref = known ? STR("") : arena_printf(&r->arena, "web-%lld", (long long)t.message);
		}
		if (!page_write(r, &f))
			return;
		struct query *q;
		bool ok = db_begin(db, &err);
		q = db_query(db, "web_signup_confirm");
		query_int(q, 1, t.message);
		query_int(q, 2, clock_now().s);
		/* who was erased may come back, by their own will */
		if (!ok || !query_run(q, NULL, &err) || !store_erased_forget(db, email, &err) || !db_commit(db, &err))
			db_rollback(db); /* the facts have the same keys the next time */
	}
	page_say(r, 200, T("Bienvenue\u202f!", "Welcome!"),
	         T("Votre inscription est confirmée.", "Your sign-up is confirmed."));
}
