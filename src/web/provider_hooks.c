/* POST /h/TOKEN: where e-mail providers tell of mails sent through them. The token in the path is the shop's secret and
 * says which provider it was made for; Mailgun's and SendGrid's signatures are checked too where the shop has their
 * key. The answer holds counts alone. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/provider.h"
#include "fold/basis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct str header(struct request *r, const char *name)
{
	const char *text = request_header(r, name);
	return str_from(text ? text : "");
}

static bool is_signed(struct request *r, enum webhook_provider p)
{
	struct str body = buf_view(&r->body), key = STR("");
	const char *mailgun = getenv("RELANCE_MAILGUN_KEY");
	struct err err;
	bool found = false;
	if (p == PROVIDER_MAILGUN)
		return !mailgun || webhook_mailgun_signed(body, str_from(mailgun), clock_now());
	if (p != PROVIDER_SENDGRID)
		return true;
	if (!store_shop_get(live_db(r->web->live), "hooks.sendgrid_key", &r->arena, &key, &found, &err))
		return false;
	return !found || !key.n ||
	       webhook_sendgrid_signed(body, header(r, "X-Twilio-Email-Event-Webhook-Timestamp"),
	                               header(r, "X-Twilio-Email-Event-Webhook-Signature"), key);
}

static bool may(void *ctx, customer_id c)
{
	struct request *r = ctx;
	const struct version *v = request_book(r);
	struct thresholds t = web_thresholds(r->web);
	return v && c <= v->customers && basis_may_track_at(r->web->book, v, &t, c, clock_now());
}

void on_provider_hook(struct request *r)
{
	enum webhook_provider p;
	struct webhook_events events;
	struct provider_taken t;
	struct err err;
	if (!provider_hook_find(r->web->link_key, r->args[0], &p)) {
		request_problem(r, 404, "no such address; \"relance bounce DB --hook PROVIDER\" says the right one");
		return;
	}
	if (!is_signed(r, p)) {
		request_problem(r, 403, "the signature does not fit");
		return;
	}
	if (!webhook_parse(&r->arena, p, buf_view(&r->body), &events, &err) ||
	    !provider_take(live_db(r->web->live), &r->web->shop, p, &events, may, r, clock_now(), &r->arena, &t, &err)) {
		request_err(r, &err);
		return;
	}
	if (t.confirm.n)
		fprintf(stderr, "relance: %s asks to confirm its notifications; open this address once: %.*s\n",
		        webhook_provider_name(p), STR_ARG(t.confirm));
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "events", (int64_t)t.events);
	put_int(&r->out, "receipts", (int64_t)t.receipts);
	put_int(&r->out, "suppressed", (int64_t)t.suppressed);
	put_int(&r->out, "unsubscribed", (int64_t)t.unsubscribed);
	put_int(&r->out, "unknown_here", (int64_t)t.unknown);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}
