/* What to propose to one customer, and the sentence a salesperson can say. Runs where the shop is turned: the models
 * are the ones messages use. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/courier.h"

static bool kind_of(const char *text, enum rec_kind *out)
{
	static const struct {
		const char *name;
		enum rec_kind kind;
	} KINDS[] = { { "cross", REC_CROSS }, { "up", REC_UP }, { "again", REC_AGAIN }, { "bundle", REC_BUNDLE } };
	*out = REC_CROSS;
	if (!text)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
		if (str_is(str_from(text), KINDS[i].name)) {
			*out = KINDS[i].kind;
			return true;
		}
	return false;
}

static void put_proposal(struct request *r, const struct reco *reco, const struct rec_answer *x)
{
	struct buf why;
	const struct reco_words *words = &reco->words[x->item];
	buf_init(&why, 1 << 14);
	rec_why_text(reco->model, x, request_locale(r) == LOCALE_FR ? REC_FRENCH : REC_ENGLISH, &why);
	put_open(&r->out, NULL, '{');
	put_str(&r->out, "sku", words->sku);
	put_str(&r->out, "name", words->name);
	if (x->price_minor > 0)
		put_int(&r->out, "price", x->price_minor);
	else
		put_cstr(&r->out, "price", NULL);
	put_str(&r->out, "why", buf_view(&why));
	put_close(&r->out, '}');
	buf_release(&why);
}

void on_recommendations(struct request *r)
{
	enum { MANY = 10, USUAL = 3 };
	struct live *l = r->web->live;
	const struct reco *reco;
	struct rec_list list;
	struct err err;
	struct view v;
	enum rec_kind kind;
	int64_t n = USUAL;
	customer_id c = customer_arg(r);
	const char *many = request_query(r, "n");
	if (!c)
		return;
	if (!kind_of(request_query(r, "kind"), &kind) || (many && (!str_i64(str_from(many), &n) || n < 1 || n > MANY))) {
		request_problem(r, 422, "kind is cross, up, again or bundle; n is 1 to 10");
		return;
	}
	const struct world *w = live_world(l);
	list.count = 0;
	if (c <= w->version->customers) {
		view_at(&v, w->version, c, clock_now());
		if (!courier_propose(r->web->courier, l, kind, (size_t)n, &v, &reco, &list, &err)) {
			request_err(r, &err);
			return;
		}
	}
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < list.count; i++)
		put_proposal(r, reco, &list.answers[i]);
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	request_send_json(r, 200);
}
