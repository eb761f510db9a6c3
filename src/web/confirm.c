/* The mail of the pages themselves: to confirm a sign-up (double opt-in). */
#include "web/pages.h"

#include "app/clock.h"
#include "app/courier.h"
#include "app/links.h"
#include "channel/mime.h"

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

bool web_confirm_mail(struct request *r, int64_t id, struct str email, bool fr, struct err *err)
{
	struct web *w = r->web;
	char token[TOKEN_CHARS + 1];
	bool ok = true;
	struct str base = setting(r, "public_url", "", &ok, err);
	while (base.n && base.p[base.n - 1] == '/')
		base.n--;
	if (!base.n)
		base = arena_printf(&r->arena, "http://%s", w->listens_at);
	token_write(w->link_key, (struct token){ .purpose = TOKEN_SIGNUP, .message = id }, token);
	struct str url = arena_printf(&r->arena, "%.*s/d/%s?lang=%s", STR_ARG(base), token, fr ? "fr" : "en");
	struct mime_mail mail = { .to_address = email,
		                      .subject = fr ? STR("Confirmez votre inscription") : STR("Confirm your sign-up"),
		                      .date = clock_now(),
		                      .zone = w->shop.zone,
		                      .text = words(r, url, fr),
		                      .automatic = true };
	return ok && courier_post(w->courier, w->live, arena_printf(&r->arena, "signup.%lld", (long long)id), &mail, NULL,
	                          &r->arena, err);
}

bool web_signups_sweep(struct web *w, struct instant now, struct err *err)
{
	struct db *db = live_db(w->live);
	if (now.s >= w->signups_swept && now.s - w->signups_swept < HOUR_S)
		return true;
	w->signups_swept = now.s;
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "web_signup_sweep");
	query_int(q, 1, now.s - SIGNUP_S);
	bool ok = query_run(q, NULL, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}
