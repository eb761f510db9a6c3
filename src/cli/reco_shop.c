#include "cli/reco_shop.h"

#include <string.h>
#include <time.h>

bool reco_shop_open(struct reco_shop *s, const char *address, const struct reco_shop_options *o, struct err *err)
{
	struct date day = DATE_UNKNOWN;
	struct load_options load = { .read_only = true, .known = INSTANT_NEVER, .threads = (int)o->threads };
	if (o->at && !date_parse(str_from(o->at), &day))
		return err_set(err, ERR_INPUT, "--at: \"%s\" is not a date such as 2011-09-01", o->at);
	if (o->threads < 0 || o->threads > 256)
		return err_set(err, ERR_INPUT, "--threads is from 0 to 256");
	if (!load_shop(address, &load, &s->world, err))
		return false;
	struct reco_options build = { .now = { (int64_t)time(NULL) },
		                          .threads = (int)o->threads,
		                          .no_model = o->no_model,
		                          .no_cross = o->no_cross,
		                          .no_rank = o->no_rank,
		                          .no_basket = o->no_basket };
	if (o->at)
		build.now.s = zone_instant(s->world.settings.zone, day, 0).s - 1;
	s->language = s->world.shop.locale == LOCALE_FR ? REC_FRENCH : REC_ENGLISH;
	if (reco_of_shop(&s->reco, &s->world, &build, err)) {
		if (o->at) { /* today is that day, of which nothing has happened */
			int y, m, d;
			date_ymd(day, &y, &m, &d);
			s->reco.guards.today = day.day;
			s->reco.guards.month = m;
		}
		struct str notes = s->reco.model ? rec_model_notes(s->reco.model) : STR("");
		if (notes.n)
			fprintf(stderr, "%.*s\n", STR_ARG(notes));
		return true;
	}
	load_release(&s->world);
	return false;
}

void reco_shop_close(struct reco_shop *s)
{
	reco_release(&s->reco);
	load_release(&s->world);
}

void reco_money(const struct reco_shop *s, struct table *t, int64_t minor)
{
	char text[32];
	table_number(t, str_from(money_plain((struct money){ minor }, s->world.settings.currency, text)));
}

bool reco_basket(const struct reco_shop *s, const char *text, uint32_t *items, size_t *n, struct err *err)
{
	*n = 0;
	for (const char *p = text; *p;) {
		const char *end = strchrnul(p, ',');
		struct str sku = str_trim((struct str){ p, (size_t)(end - p) });
		uint32_t item = sku.n ? reco_item(&s->reco, sku) : REC_NONE;
		if (sku.n && item == REC_NONE)
			return err_set(err, ERR_INPUT, "no product \"%.*s\" in this shop", STR_ARG(sku));
		if (*n == RECO_BASKET_MAX)
			return err_set(err, ERR_LIMIT, "a basket of more than %d products", RECO_BASKET_MAX);
		if (sku.n)
			items[(*n)++] = item;
		p = *end ? end + 1 : end;
	}
	return true;
}
