#include "app/config.h"

#include "app/reco.h"
#include "base/buf.h"
#include "channel/throttle.h"
#include "model/names.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

const struct config_item CONFIG_ITEMS[] = {
	{ "shop.name", CONFIG_TEXT, "Chez Léa", "the shop's name, as customers read it" },
	{ "shop.url", CONFIG_TEXT, "https://www.example.com", "the shop on the web" },
	{ "shop.address", CONFIG_TEXT, "12 rue des Carmes, 44000 Nantes", "postal address, in every message" },
	{ "shop.phone", CONFIG_TEXT, "02 40 00 00 00", "telephone" },
	{ "shop.email", CONFIG_TEXT, "bonjour@example.com", "sender of mails" },
	{ "shop.signature", CONFIG_TEXT, "Claire et l'équipe", "how messages are signed" },
	{ "shop.review_url", CONFIG_TEXT, "https://…", "where customers leave a review" },
	{ "shop.loyalty", CONFIG_TEXT, "1 point par euro", "the loyalty programme in one line" },
	{ "shop.logo_url", CONFIG_URL, "https://www.example.com/logo.png", "the logo at the top of messages" },
	{ "shop.reassurance", CONFIG_TEXT, "Paiement sécurisé: carte ou PayPal; Livraison: en 3 jours chez vous",
	  "what reassures: points between \";\", each \"title: text\"" },
	{ "shop.social", CONFIG_TEXT, "Instagram https://www.instagram.com/…; Facebook https://…",
	  "social pages: between \";\", each a name and its address" },
	{ "shop.news", CONFIG_TEXT, "Un atelier de réparation: le premier samedi du mois https://…",
	  "news of win-back messages: between \";\", each \"title: text\" and an address" },
	{ "shop.hours", CONFIG_TEXT, "du mardi au samedi, de 10 h à 19 h", "opening hours" },
	{ "public_url", CONFIG_URL, "https://r.example.com", "where relance's own pages are reached from outside" },
	{ "bounce.address", CONFIG_TEXT, "b@example.com",
	  "mailbox of returned mails; each mail gets its own b+…@example.com" },
	{ "staff.email", CONFIG_TEXT, "equipe@example.com", "who is told when a plan notifies the team; else shop.email" },
	{ "hooks.sendgrid_key", CONFIG_TEXT, "MFkwEwYHKoZIzj0C…",
	  "SendGrid's verification key: what it posts is then believed only when signed" },
	{ "smtp.host", CONFIG_TEXT, "smtp.example.com", "mail server; empty: mails are written as files" },
	{ "smtp.port", CONFIG_NUMBER, "587", "its port" },
	{ "smtp.tls", CONFIG_TEXT, "starttls", "none, offered, starttls or tls" },
	{ "smtp.user", CONFIG_TEXT, "relance", "user name; the password stands in $RELANCE_SMTP_PASSWORD" },
	{ "smtp.timeout", CONFIG_NUMBER, "60", "seconds it has to answer; five times that for a whole mail" },
	{ "smtp.throttle", CONFIG_THROTTLE, "gmail.com 60, *.fr 200, * 300",
	  "mails a minute to a receiving domain, \"*\" for all others; empty: no limit" },
	{ "smtp.warmup", CONFIG_WARMUP, "2026-11-20 20000",
	  "a new sender's first day, and the mails a day it is to reach: 50 on the first, half as many more each day" },
	{ "dkim.keys", CONFIG_TEXT, "/etc/relance/dkim", "folder made by \"relance domain keys\"" },
	{ "report.to", CONFIG_TEXT, "claire@example.com, marc@example.com",
	  "who gets the report of the last month by mail; empty: nobody" },
	{ "report.day", CONFIG_NUMBER, "2", "day of the month from which on it goes out, at 8 in the morning" },
	{ "lifecycle.loyal_orders", CONFIG_NUMBER, "2", "orders from which a customer is loyal" },
	{ "lifecycle.ambassador_orders", CONFIG_NUMBER, "4", "orders an ambassador has at least" },
	{ "lifecycle.ambassador_percent", CONFIG_NUMBER, "10", "share of the best spenders who are ambassadors" },
	{ "lifecycle.lapsing_months", CONFIG_NUMBER, "6", "months without an order: lapsing" },
	{ "lifecycle.former_months", CONFIG_NUMBER, "24", "months without an order: former" },
	{ "pressure.email", CONFIG_PRESSURE, "2 in 7 days", "marketing mails a person gets at most; \"no limit\"" },
	{ "pressure.sms", CONFIG_PRESSURE, "2 in 30 days", "the same for SMS" },
	{ "pressure.postcard", CONFIG_PRESSURE, "1 in 30 days", "the same for post" },
	{ "pressure.phone", CONFIG_PRESSURE, "4 in 30 days", "the same for calls" },
	{ "pressure.all", CONFIG_PRESSURE, "3 in 7 days", "all channels together" },
	{ "quiet.from", CONFIG_HOUR, "20:00", "no SMS from this hour on" },
	{ "quiet.to", CONFIG_HOUR, "08:00", "until this one" },
	{ "quiet.sundays", CONFIG_YES_NO, "yes", "no SMS on Sundays" },
	{ "quiet.holidays", CONFIG_YES_NO, "yes", "no SMS on public holidays" },
	{ "post.opt_in", CONFIG_YES_NO, "no", "post needs an opt-in (else: until opposed)" },
	{ "soft_opt_in", CONFIG_YES_NO, "yes", "addresses collected at a sale may be written to (CPCE L34-5)" },
	{ "control.global", CONFIG_PERCENT, "0%", "share of customers no marketing plan speaks to" },
	{ "retention.on", CONFIG_YES_NO, "no",
	  "the running server erases, by itself, whose data may not be kept any longer; no: they are only shown" },
	{ "retention.prospects", CONFIG_NUMBER, "36", "months after a prospect's last contact (CNIL: 3 years)" },
	{ "retention.customers", CONFIG_NUMBER, "36", "months after a customer's last order or contact (CNIL: 3 years)" },
	{ "approval.campaigns", CONFIG_YES_NO, "no",
	  "a campaign (once on a day) is on only when a second person has approved it" },
	{ "recommend.cross_percent", CONFIG_NUMBER, "25", "what cross-sells may add, in percent of the basket" },
	{ "recommend.up_percent", CONFIG_NUMBER, "25", "how much dearer an up-sell may be, in percent" },
	{ "recommend.margin_percent", CONFIG_NUMBER, "20",
	  "least margin of what is proposed, in percent of the net price" },
	{ "recommend.per_type", CONFIG_NUMBER, "1", "proposals of one product type at most" },
	{ "recommend.follow_lines", CONFIG_NUMBER, "500000",
	  "from so many order lines on models take in what has changed; below they are learnt anew" },
	{ "recommend.aside_customers", CONFIG_NUMBER, "200000",
	  "from so many customers on the first models are made aside: until then nothing is proposed" },
	{ "recommend.better", CONFIG_TEXT, "warranty: more, weight: less",
	  "which way an attribute is better, for up-sells" },
	{ "recommend.exclude", CONFIG_TEXT, "type \"Vin\" unless age >= 18; sku 22423",
	  "what is never proposed, to whom (doc/recommend.md)" },
	{ "recommend.segments", CONFIG_TEXT, "bâtiment: company and tag(\"bâtiment\"); pro: company",
	  "whose best sellers stand in for what is not known (doc/recommend.md)" },
	{ "recommend.origins", CONFIG_ORIGINS, "https://www.example.com, https://example.com",
	  "the shop's own pages that may show proposals (recommend.js); empty: none" },
	{ "cost.email", CONFIG_COST, "0.02", "cost of one mail" },
	{ "cost.sms", CONFIG_COST, "0.10", "cost of one SMS" },
	{ "cost.postcard", CONFIG_COST, "0.90", "cost of one card, postage included" },
	{ "cost.phone", CONFIG_COST, "2.00", "cost of one call" },
	{ "cost.acquisition", CONFIG_COST, "0", "spent in a month on winning new customers; 0: not known" },
};
const size_t CONFIG_ITEM_COUNT = ARRAY_LEN(CONFIG_ITEMS);

const struct config_item *config_find(struct str name)
{
	for (size_t i = 0; i < CONFIG_ITEM_COUNT; i++)
		if (str_is(name, CONFIG_ITEMS[i].name))
			return &CONFIG_ITEMS[i];
	return NULL;
}

/* Where a named setting lives in struct settings. */
static const struct {
	const char *name;
	size_t offset;
} PLACES[] = {
	{ "lifecycle.loyal_orders", offsetof(struct settings, lifecycle.loyal_orders) },
	{ "lifecycle.ambassador_orders", offsetof(struct settings, lifecycle.ambassador_orders) },
	{ "lifecycle.ambassador_percent", offsetof(struct settings, lifecycle.ambassador_percent) },
	{ "lifecycle.lapsing_months", offsetof(struct settings, lifecycle.lapsing_months) },
	{ "lifecycle.former_months", offsetof(struct settings, lifecycle.former_months) },
	{ "pressure.email", offsetof(struct settings, pressure[CHANNEL_EMAIL]) },
	{ "pressure.sms", offsetof(struct settings, pressure[CHANNEL_SMS]) },
	{ "pressure.postcard", offsetof(struct settings, pressure[CHANNEL_POSTCARD]) },
	{ "pressure.phone", offsetof(struct settings, pressure[CHANNEL_PHONE]) },
	{ "pressure.all", offsetof(struct settings, pressure_all) },
	{ "quiet.from", offsetof(struct settings, quiet_from_s) },
	{ "quiet.to", offsetof(struct settings, quiet_to_s) },
	{ "quiet.sundays", offsetof(struct settings, quiet_sundays) },
	{ "quiet.holidays", offsetof(struct settings, quiet_holidays) },
	{ "post.opt_in", offsetof(struct settings, post_opt_in) },
	{ "soft_opt_in", offsetof(struct settings, soft_opt_in) },
	{ "control.global", offsetof(struct settings, global_control_per_million) },
	{ "retention.on", offsetof(struct settings, retention.on) },
	{ "retention.prospects", offsetof(struct settings, retention.prospect_months) },
	{ "retention.customers", offsetof(struct settings, retention.customer_months) },
	{ "approval.campaigns", offsetof(struct settings, approve_campaigns) },
	{ "cost.email", offsetof(struct settings, channel_cost[CHANNEL_EMAIL]) },
	{ "cost.sms", offsetof(struct settings, channel_cost[CHANNEL_SMS]) },
	{ "cost.postcard", offsetof(struct settings, channel_cost[CHANNEL_POSTCARD]) },
	{ "cost.phone", offsetof(struct settings, channel_cost[CHANNEL_PHONE]) },
	{ "report.day", offsetof(struct settings, report_day) },
	{ "cost.acquisition", offsetof(struct settings, acquisition_cost) },
};

static void *place_of(struct settings *s, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(PLACES); i++)
		if (str_is(str_from(name), PLACES[i].name))
			return (char *)s + PLACES[i].offset;
	return NULL;
}

static bool read_number(struct str text, int64_t low, int64_t high, int64_t *out)
{
	return str_i64(str_trim(text), out) && *out >= low && *out <= high;
}

/* "2 in 7 days", "2/7", "no limit", "none". */
static bool read_pressure(struct str text, struct pressure_rule *out)
{
	char copy[64];
	int limit, days;
	text = str_trim(text);
	if (str_is(text, "no limit")) {
		*out = (struct pressure_rule){ -1, 7 };
		return true;
	}
	if (text.n >= sizeof copy)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (sscanf(copy, "%d in %d", &limit, &days) != 2 && sscanf(copy, "%d/%d", &limit, &days) != 2)
		return false;
	if (limit < 0 || limit > 64 || days < 1 || days > 366)
		return false;
	*out = (struct pressure_rule){ limit, days };
	return true;
}

static bool read_hour(struct str text, int32_t *out)
{
	int64_t hour, minute;
	text = str_trim(text);
	const char *colon = memchr(text.p, ':', text.n);
	if (!colon || !read_number((struct str){ text.p, (size_t)(colon - text.p) }, 0, 23, &hour) ||
	    !read_number((struct str){ colon + 1, text.n - (size_t)(colon + 1 - text.p) }, 0, 59, &minute))
		return false;
	*out = (int32_t)(hour * HOUR_S + minute * MINUTE_S);
	return true;
}

static bool read_yes_no(struct str text, bool *out)
{
	text = str_trim(text);
	bool yes = str_is(text, "yes") || str_is(text, "true") || str_is(text, "1");
	*out = yes;
	return yes || str_is(text, "no") || str_is(text, "false") || str_is(text, "0");
}

static bool read_percent(struct str text, uint32_t *per_million)
{
	text = str_trim(text);
	if (text.n && text.p[text.n - 1] == '%')
		text.n--;
	double v;
	if (!str_f64(str_trim(text), &v) || v < 0 || v > 100)
		return false;
	*per_million = (uint32_t)lround(v * 10000.0);
	return true;
}

/* A price of one message, in the currency's unit: kept in thousandths of a minor unit. */
static bool read_cost(struct str text, struct currency currency, int64_t *out)
{
	double v;
	if (!str_f64(str_trim(text), &v) || v < 0 || v > 1000)
		return false;
	*out = (int64_t)llround(v * pow(10.0, currency.exponent) * 1000.0);
	return true;
}

static bool is_url(struct str text)
{
	bool web = str_starts(text, STR("https://")) || str_starts(text, STR("http://"));
	for (size_t i = 0; i < text.n; i++)
		web = web && (unsigned char)text.p[i] > ' ' && !strchr("\"<>?#", text.p[i]);
	return web;
}

/* Scheme, host and perhaps port, as browsers send it: between commas or spaces, with nothing behind. */
static bool are_origins(struct str text)
{
	for (size_t at = 0; at < text.n;) {
		size_t n = 0, from = at;
		while (at < text.n && text.p[at] != ',' && text.p[at] != ' ')
			at++;
		n = at++ - from;
		struct str one = { text.p + from, n };
		size_t scheme = str_starts(one, STR("https://")) ? 8 : 7;
		if (n && (!is_url(one) || n == scheme || memchr(one.p + scheme, '/', n - scheme)))
			return false;
		for (size_t i = 0; i < n; i++)
			if (one.p[i] >= 'A' && one.p[i] <= 'Z')
				return false;
	}
	return text.n <= 2000;
}

static bool read_value(struct settings *s, const struct config_item *item, struct str value)
{
	void *place = place_of(s, item->name);
	int64_t number = 0;
	bool ok = false;
	switch (item->kind) {
	case CONFIG_TEXT: return value.n <= 2000 && str_utf8_valid(value) == value.n;
	case CONFIG_URL: return !value.n || (value.n <= 500 && is_url(value));
	case CONFIG_ORIGINS: return are_origins(value);
	case CONFIG_THROTTLE: {
		struct throttle_rule rules[THROTTLE_RULES_MAX];
		size_t count;
		return throttle_rules_read(value, rules, &count);
	}
	case CONFIG_WARMUP: {
		struct date first;
		return throttle_warmup_read(value, &first, &number);
	}
	case CONFIG_NUMBER:
		ok = read_number(value, 1, 65535, &number);
		if (ok && place)
			*(int *)place = (int)number;
		return ok;
	case CONFIG_YES_NO: return read_yes_no(value, place);
	case CONFIG_PRESSURE: return read_pressure(value, place);
	case CONFIG_HOUR: return read_hour(value, place);
	case CONFIG_PERCENT: return read_percent(value, place);
	case CONFIG_COST: return read_cost(value, s->currency, place);
	}
	return false;
}

bool config_apply(struct settings *s, struct str name, struct str value, struct err *err)
{
	const struct config_item *item = config_find(name);
	if (!item) {
		const char *names[ARRAY_LEN(CONFIG_ITEMS)];
		for (size_t i = 0; i < CONFIG_ITEM_COUNT; i++)
			names[i] = CONFIG_ITEMS[i].name;
		const char *near = str_nearest(name, names, CONFIG_ITEM_COUNT, 3);
		return near ? err_set(err, ERR_INPUT, "no setting \"%.*s\"; did you mean \"%s\"?", STR_ARG(name), near)
		            : err_set(err, ERR_INPUT, "no setting \"%.*s\"; \"relance set DB\" lists them", STR_ARG(name));
	}
	struct settings trial = *s;
	if (!read_value(&trial, item, value))
		return err_set(err, ERR_INPUT, "%s: \"%.*s\" is not understood; for example: %s", item->name, STR_ARG(value),
		               item->example);
	if (trial.lifecycle.former_months < trial.lifecycle.lapsing_months)
		return err_set(err, ERR_INPUT, "%s: former customers are inactive for at least as long as lapsing ones",
		               item->name);
	if (trial.retention.prospect_months > RETENTION_MONTHS_MAX ||
	    trial.retention.customer_months > RETENTION_MONTHS_MAX)
		return err_set(err, ERR_INPUT, "%s: at most %d months", item->name, RETENTION_MONTHS_MAX);
	if (trial.report_day > 28)
		return err_set(err, ERR_INPUT, "%s: every month has days 1 to 28", item->name);
	if (!reco_setting_check(str_from(item->name), value, s, err))
		return false;
	*s = trial;
	return true;
}

/* ---- the database ---- */

static bool put_fact(struct store_batch *b, struct str name, struct str value, struct instant now, struct err *err)
{
	struct buf body;
	char key[160];
	int n = snprintf(key, sizeof key, "%.*s@%lld", STR_ARG(name), (long long)now.s);
	buf_init(&body, 1 << 16);
	buf_cstr(&body, "{\"name\":");
	buf_json(&body, name);
	buf_cstr(&body, ",\"value\":");
	buf_json(&body, value);
	buf_char(&body, '}');
	struct fact f = {
		.kind = FACT_SETTING, .key = { key, (size_t)n }, .at = now, .learned_at = now, .body = buf_view(&body)
	};
	bool quarantined;
	bool ok = store_batch_fact(b, &f, &quarantined, err);
	buf_release(&body);
	return ok;
}

bool config_set(struct db *db, const struct shop *shop, struct str name, struct str value, struct instant now,
                const char *actor, struct err *err)
{
	struct settings *s = mem_alloc(sizeof *s);
	bool ok = config_read(db, shop, s, err) && config_apply(s, name, value, err);
	free(s);
	const struct config_item *item = ok ? config_find(name) : NULL;
	struct store_batch *b = ok ? store_batch_begin(db, NULL, now, err) : NULL;
	if (b) {
		const char *row = str_is(name, "shop.name") ? "name" : item->name;
		ok = put_fact(b, name, value, now, err) && store_shop_set(store_batch_db(b), row, value, err) &&
		     store_audit(store_batch_db(b), now, actor, "set", item->name, err);
		if (ok)
			ok = store_batch_commit(b, err);
		else
			store_batch_rollback(b);
	} else {
		ok = false;
	}
	return ok;
}

bool config_read(struct db *db, const struct shop *shop, struct settings *out, struct err *err)
{
	settings_defaults(out, shop->zone, shop->locale, shop->currency);
	struct arena a;
	arena_init(&a);
	bool ok = true;
	for (size_t i = 0; i < CONFIG_ITEM_COUNT && ok; i++) {
		struct str value;
		bool found;
		if (!place_of(out, CONFIG_ITEMS[i].name) && CONFIG_ITEMS[i].kind != CONFIG_NUMBER)
			continue;
		ok = store_shop_get(db, CONFIG_ITEMS[i].name, &a, &value, &found, err) &&
		     (!found || config_apply(out, str_from(CONFIG_ITEMS[i].name), value, err));
	}
	arena_release(&a);
	return ok;
}

static struct str default_text(const struct settings *s, const struct config_item *item, struct arena *a)
{
	struct settings *mutable = (struct settings *)s;
	const void *place = place_of(mutable, item->name);
	if (!place)
		return STR("");
	switch (item->kind) {
	case CONFIG_TEXT:
	case CONFIG_URL:
	case CONFIG_THROTTLE:
	case CONFIG_ORIGINS:
	case CONFIG_WARMUP: return STR("");
	case CONFIG_NUMBER: return arena_printf(a, "%d", *(const int *)place);
	case CONFIG_YES_NO: return *(const bool *)place ? STR("yes") : STR("no");
	case CONFIG_PRESSURE: {
		const struct pressure_rule *r = place;
		return r->limit < 0 ? STR("no limit") : arena_printf(a, "%d in %d days", r->limit, r->window_days);
	}
	case CONFIG_HOUR: {
		int32_t t = *(const int32_t *)place;
		return arena_printf(a, "%02d:%02d", t / HOUR_S, t / MINUTE_S % 60);
	}
	case CONFIG_PERCENT: return arena_printf(a, "%g%%", *(const uint32_t *)place / 10000.0);
	case CONFIG_COST:
		return arena_printf(a, "%g", (double)*(const int64_t *)place / 1000.0 / pow(10.0, s->currency.exponent));
	}
	return STR("");
}

bool config_text(struct db *db, const struct settings *s, const struct config_item *item, struct arena *a,
                 struct str *out, struct err *err)
{
	bool found;
	const char *row = str_is(str_from(item->name), "shop.name") ? "name" : item->name;
	if (!store_shop_get(db, row, a, out, &found, err))
		return false;
	if (!found)
		*out = default_text(s, item, a);
	return true;
}
