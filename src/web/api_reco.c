/* What to propose to one customer, and the sentence a salesperson can say; what goes with a basket, for a page of the
 * shop (recommend.js). The models are the ones messages use, borrowed by a reading thread; when there are none yet, the
 * thread that turns the shop makes them. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/courier.h"
#include "base/embed.h"

EMBEDDED(shop_script)

enum { MANY = 10, USUAL = 3, BASKET_MAX = 20, RENEWAL_DAYS = 45 };

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

static void put_product(struct request *r, const struct reco *reco, const struct rec_answer *x, enum locale locale)
{
	struct buf why;
	const struct reco_words *words = &reco->words[x->item];
	buf_init(&why, 1 << 14);
	rec_why_text(reco->model, x, locale == LOCALE_FR ? REC_FRENCH : REC_ENGLISH, &why);
	put_str(&r->out, "sku", words->sku);
	put_str(&r->out, "name", words->name);
	if (x->price_minor > 0)
		put_int(&r->out, "price", x->price_minor);
	else
		put_cstr(&r->out, "price", NULL);
	put_str(&r->out, "why", buf_view(&why));
	buf_release(&why);
}

/* Models, borrowed; NULL: a problem was set, or the ticker makes them and `again` asks it for the answer, or (there
 * already) there are none. */
static struct reco *models(struct request *r, handler_fn again, struct rec_scratch **scratch)
{
	struct err err;
	const struct version *v = request_book(r);
	struct db *db = v ? request_db(r) : NULL;
	if (!db)
		return NULL;
	struct reco *reco = courier_borrow(r->web->courier, r->web->book, db, clock_now(), scratch, &err);
	if (!reco && err.kind != ERR_NONE)
		request_err(r, &err);
	else if (!reco && again)
		request_hand_over(r, again);
	return reco;
}

static bool make_models(struct request *r)
{
	struct err err;
	bool ok = courier_ready(r->web->courier, r->web->live, &err);
	if (!ok)
		request_err(r, &err);
	return ok;
}

static bool many_of(struct request *r, int64_t *n)
{
	const char *many = request_query(r, "n");
	*n = USUAL;
	return !many || (str_i64(str_from(many), n) && *n >= 1 && *n <= MANY);
}

/* ---- one customer ---- */

static void answer_customer(struct request *r, handler_fn again)
{
	struct rec_scratch *scratch;
	struct rec_list list = { .count = 0 };
	enum rec_kind kind;
	int64_t n;
	customer_id c = customer_arg(r);
	if (!c)
		return;
	if (!kind_of(request_query(r, "kind"), &kind) || !many_of(r, &n)) {
		request_problem(r, 422, "kind is cross, up, again or bundle; n is 1 to 10");
		return;
	}
	struct reco *reco = models(r, again, &scratch);
	if (r->next || r->status >= 400)
		return;
	if (reco && reco->model && c <= r->version->customers) {
		struct view v;
		view_at(&v, r->version, c, clock_now());
		struct rec_ask ask = { .customer = reco_fresh(reco, &v), .guards = &reco->guards };
		reco_answer(reco, scratch, kind, &ask, RENEWAL_DAYS, (size_t)n, &list);
	}
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < list.count; i++) {
		put_open(&r->out, NULL, '{');
		put_product(r, reco, &list.answers[i], request_locale(r));
		put_close(&r->out, '}');
	}
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	if (reco)
		courier_return(r->web->courier);
	request_send_json(r, 200);
}

static void on_recommendations_made(struct request *r)
{
	if (make_models(r))
		answer_customer(r, NULL);
}

void on_recommendations(struct request *r)
{
	answer_customer(r, on_recommendations_made);
}

/* ---- a page of the shop ---- */

/* The next of a list, between any of the separators; n = 0: no more. */
static struct str next_of(struct str *rest, const char *separators)
{
	size_t from = 0, to;
	while (from < rest->n && strchr(separators, rest->p[from]))
		from++;
	for (to = from; to < rest->n && !strchr(separators, rest->p[to]);)
		to++;
	struct str one = { rest->p + from, to - from };
	*rest = (struct str){ rest->p + to, rest->n - to };
	return one;
}

/* Pages of the origins in recommend.origins may ask, no others; the answer is for that origin. A page that relance
 * shares its address with (behind one proxy) need not be named: its browser sends no Origin, but says where the page is
 * from, which no page can make it say otherwise. */
static bool origin_may(struct request *r)
{
	struct db *db = request_db(r);
	struct str origins, one;
	struct err err;
	bool found;
	const char *origin = request_header(r, "Origin"), *site = request_header(r, "Sec-Fetch-Site");
	if (!db)
		return false;
	if (!store_shop_get(db, "recommend.origins", &r->arena, &origins, &found, &err)) {
		request_err(r, &err);
		return false;
	}
	if (!origin && site && strcmp(site, "same-origin") == 0)
		return request_add_header(r, "Vary", STR("Origin")), true;
	while (origin && (one = next_of(&origins, ", ")).n)
		if (str_is(one, origin)) {
			request_add_header(r, "Access-Control-Allow-Origin", one);
			request_add_header(r, "Vary", STR("Origin"));
			return true;
		}
	request_problem(r, 403, "this page's origin is not in the setting recommend.origins");
	return false;
}

static void put_address(struct request *r, const char *key, struct str url)
{
	bool web = str_starts(url, STR("https://")) || str_starts(url, STR("http://"));
	put_cstr(&r->out, key, web ? arena_cstr(&r->arena, url) : NULL);
}

/* The first BASKET_MAX; SKUs nobody sells are left out. */
static size_t read_basket(const struct reco *reco, struct str basket, uint32_t items[BASKET_MAX])
{
	size_t n = 0;
	size_t asked = 0;
	for (struct str sku; asked++ < BASKET_MAX && (sku = next_of(&basket, ",")).n;) {
		uint32_t item = reco_item(reco, str_trim(sku));
		if (item != REC_NONE)
			items[n++] = item;
	}
	return n;
}

static void answer_page(struct request *r, handler_fn again)
{
	struct rec_scratch *scratch;
	struct rec_list list = { .count = 0 };
	uint32_t items[BASKET_MAX];
	int64_t n;
	const char *basket = request_query(r, "basket"), *lang = request_query(r, "lang");
	enum locale locale = lang ? request_locale(r) : r->web->shop.locale;
	if (!many_of(r, &n)) {
		request_problem(r, 422, "n is 1 to 10");
		return;
	}
	struct reco *reco = models(r, again, &scratch);
	if (r->next || r->status >= 400)
		return;
	if (reco && reco->model) {
		struct rec_ask ask = { .customer = REC_NONE, .basket = items, .guards = &reco->guards };
		ask.basket_n = read_basket(reco, str_from(basket ? basket : ""), items);
		reco_answer(reco, scratch, REC_CROSS, &ask, RENEWAL_DAYS, (size_t)n, &list);
	}
	put_open(&r->out, NULL, '{');
	put_cstr(&r->out, "currency", r->web->shop.currency.code);
	put_int(&r->out, "exponent", r->web->shop.currency.exponent);
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < list.count; i++) {
		put_open(&r->out, NULL, '{');
		put_product(r, reco, &list.answers[i], locale);
		put_address(r, "url", reco->words[list.answers[i].item].url);
		put_address(r, "image", reco->words[list.answers[i].item].image);
		put_close(&r->out, '}');
	}
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	if (reco)
		courier_return(r->web->courier);
	request_add_header(r, "Cache-Control", reco ? STR("public, max-age=60") : STR("no-store"));
	request_send_json(r, 200);
}

static void on_shop_recommendations_made(struct request *r)
{
	if (make_models(r))
		answer_page(r, NULL);
}

void on_shop_recommendations(struct request *r)
{
	if (origin_may(r))
		answer_page(r, on_shop_recommendations_made);
}

void on_recommend_js(struct request *r)
{
	buf_add(&r->out, shop_script_files[0].data, shop_script_files[0].size);
	request_add_header(r, "Cache-Control", STR("public, max-age=3600"));
	request_add_header(r, "Cross-Origin-Resource-Policy", STR("cross-origin"));
	r->type = "text/javascript; charset=utf-8";
}
