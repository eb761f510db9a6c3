/* Mails of the pages themselves: to confirm a sign-up (double opt-in), and tests. Written into the shop's folder of
 * messages; the courier sends only what plans decided. */
#include "web/pages.h"

#include "app/clock.h"
#include "app/links.h"
#include "channel/dir.h"
#include "channel/mime.h"

#include <stdio.h>

static struct str setting(struct request *r, const char *name, const char *otherwise, bool *ok, struct err *err)
{
	struct str text = STR("");
	bool found = false;
	*ok = *ok && store_shop_get(live_db(r->web->live), name, &r->arena, &text, &found, err);
	return found && text.n ? text : str_from(otherwise);
}

static struct str words(struct request *r, struct str url, bool fr)
{
	return fr ? arena_printf(
					&r->arena,
					"Bonjour,\n\nQuelqu’un, vous sans doute, a demandé à recevoir nos nouvelles à cette adresse.\n"
					"Pour confirmer\xC2\xA0: %.*s\n\nSi ce n’était pas vous, ne faites rien\xC2\xA0: nous ne vous "
					"écrirons plus.\n",
					STR_ARG(url))
	          : arena_printf(&r->arena,
	                         "Hello,\n\nSomebody, probably you, asked to get our news at this address.\n"
	                         "To confirm: %.*s\n\nIf it was not you, do nothing: we will not write again.\n",
	                         STR_ARG(url));
}

bool web_send_mail(struct request *r, struct str key, struct str to, struct str subject, struct str text,
                   struct str html, struct err *err)
{
	struct web *w = r->web;
	char folder[4096];
	bool ok = true;
	struct str from = setting(r, "shop.email", "shop@localhost", &ok, err);
	struct mime_mail mail = { .from_name = str_from(w->shop.name),
		                      .from_address = from,
		                      .to_address = to,
		                      .subject = subject,
		                      .message_id = arena_printf(&r->arena, "%.*s@relance.invalid", STR_ARG(key)),
		                      .date = clock_now(),
		                      .zone = w->shop.zone,
		                      .text = text,
		                      .html = html,
		                      .automatic = true };
	struct mime_result result;
	struct buf bytes;
	buf_init(&bytes, MIME_MAIL_MAX);
	if (w->o.out)
		snprintf(folder, sizeof folder, "%s", w->o.out);
	else
		snprintf(folder, sizeof folder, "%s.outbox", strstr(w->o.address, "://") ? "." : w->o.address);
	ok =
		ok && mime_build(&mail, &bytes, &result, err) && dir_write(folder, key, ".eml", buf_view(&bytes), NULL, 0, err);
	buf_release(&bytes);
	return ok;
}

bool web_confirm_mail(struct request *r, int64_t id, struct str email, bool fr, struct err *err)
{
	struct web *w = r->web;
	char token[TOKEN_CHARS + 1];
	bool ok = true;
	struct str base = setting(r, "public_url", "", &ok, err);
	if (!base.n)
		base = arena_printf(&r->arena, "http://%s", w->listens_at);
	token_write(w->link_key, (struct token){ .purpose = TOKEN_SIGNUP, .message = id }, token);
	struct str url = arena_printf(&r->arena, "%.*s/d/%s?lang=%s", STR_ARG(base), token, fr ? "fr" : "en");
	return ok && web_send_mail(r, arena_printf(&r->arena, "signup.%lld", (long long)id), email,
	                           fr ? STR("Confirmez votre inscription") : STR("Confirm your sign-up"), words(r, url, fr),
	                           STR(""), err);
}
