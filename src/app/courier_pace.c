/* How fast mail may leave: a bucket per receiving domain and a new sender's warm-up (channel/throttle.h), with the
 * settings of the shop, read once a tick. A message that has to wait goes back to the queue unrendered. The day's count
 * and the domains that wait are kept in the database (rows mail.sent and mail.pace), so that a restart begins neither
 * the day nor a domain's minute again, and leaves alone whom it had to leave alone. */
#include "app/courier_int.h"
#include "app/live_int.h"
#include "channel/throttle.h"

#include <stdio.h>
#include <stdlib.h>

enum { MORNING_S = 8 * HOUR_S };

struct courier_pace {
	struct throttle throttle;
	struct throttle_rule rules[THROTTLE_RULES_MAX];
	uint64_t settings; /* hash of their texts */
	struct instant read_at;
	int64_t kept;       /* throttle.day_sent as stored */
	uint64_t kept_pace; /* hash of the domains as stored */
	bool open, server;
};

void courier_pace_free(struct courier_pace *p)
{
	if (!p)
		return;
	if (p->open)
		throttle_release(&p->throttle);
	free(p);
}

static bool text_of(struct live *l, const char *name, struct arena *a, struct str *out, struct err *err)
{
	bool found;
	if (!store_shop_get(l->shop.db, name, a, out, &found, err))
		return false;
	if (!found)
		*out = STR("");
	return true;
}

/* "2026-11-20 431": what left on that day. */
static bool sent_on(struct live *l, struct date today, struct arena *a, int64_t *sent, struct err *err)
{
	struct str text;
	struct date day;
	int64_t n;
	*sent = 0;
	if (!text_of(l, "mail.sent", a, &text, err))
		return false;
	if (text.n > 11 && date_parse((struct str){ text.p, 10 }, &day) && day.day == today.day &&
	    str_i64((struct str){ text.p + 11, text.n - 11 }, &n))
		*sent = n;
	return true;
}

static bool read_settings(struct courier_state *c, struct live *l, struct arena *a, struct err *err)
{
	struct courier_pace *p = c->pace;
	struct str host, rules, warmup;
	struct date first, today = zone_date(l->shop.settings.zone, l->now);
	int64_t target, sent;
	size_t count;
	if (!text_of(l, "smtp.host", a, &host, err) || !text_of(l, "smtp.throttle", a, &rules, err) ||
	    !text_of(l, "smtp.warmup", a, &warmup, err))
		return false;
	p->read_at = l->now;
	p->server = host.n > 0;
	uint64_t settings = hash_mix(hash_str(rules), hash_str(warmup));
	if (p->open && settings == p->settings && p->throttle.day.day == today.day)
		return true;
	if (!throttle_rules_read(rules, p->rules, &count) || !throttle_warmup_read(warmup, &first, &target))
		return err_set(err, ERR_INPUT, "the settings smtp.throttle and smtp.warmup are not understood");
	if (!sent_on(l, today, a, &sent, err))
		return false;
	if (!p->open || settings != p->settings) {
		if (p->open)
			throttle_release(&p->throttle);
		throttle_init(&p->throttle, p->rules, count);
		struct str pace;
		if (!text_of(l, "mail.pace", a, &pace, err))
			return false;
		throttle_read(&p->throttle, pace, l->now.s * 1000);
		p->kept_pace = hash_str(pace);
	}
	p->settings = settings;
	p->open = true;
	p->kept = sent;
	bool warming = target && today.day >= first.day;
	throttle_day(&p->throttle, today, warming ? throttle_warmup(today.day - first.day, target) : 0, sent);
	return true;
}

bool courier_wait(void *ctx, struct live *l, const struct outbox_message *m, struct arena *a, struct instant *until,
                  struct err *err)
{
	struct courier_state *c = ctx;
	struct person to;
	struct str ref;
	int64_t wait_ms;
	if (m->key.channel != CHANNEL_EMAIL)
		return true;
	if (!c->pace)
		c->pace = mem_alloc(sizeof *c->pace);
	struct courier_pace *p = c->pace;
	if ((!p->open || p->read_at.s != l->now.s) && !read_settings(c, l, a, err))
		return false;
	if (!p->server || throttle_is_open(&p->throttle))
		return true;
	if (!store_person(l->shop.db, m->key.customer, a, &to, &ref, err))
		return false;
	if (throttle_take(&p->throttle, to.email, l->now.s * 1000, &wait_ms))
		return true;
	until->s = wait_ms < 0 ? zone_instant(l->shop.settings.zone, (struct date){ p->throttle.day.day + 1 }, MORNING_S).s
	                       : l->now.s + (wait_ms + 999) / 1000;
	return true;
}

/* Only a day with a cap counts, and then every mail was counted. */
void courier_give_back(void *ctx, const struct message_key *key)
{
	struct courier_state *c = ctx;
	if (key->channel == CHANNEL_EMAIL && c->pace && c->pace->open && c->pace->server && c->pace->throttle.day_cap)
		throttle_give_back(&c->pace->throttle);
}

void courier_pace_deferred(struct courier_state *c, struct str address, struct instant now)
{
	if (c->pace && c->pace->open)
		throttle_deferred(&c->pace->throttle, address, now.s * 1000);
}

void courier_pace_accepted(struct courier_state *c, struct str address)
{
	if (c->pace && c->pace->open)
		throttle_accepted(&c->pace->throttle, address);
}

static bool keep(struct live *l, const struct courier_pace *p, struct str day, struct str pace, struct err *err)
{
	bool sent = !p->throttle.day_cap || p->kept == p->throttle.day_sent;
	if (db_begin(l->shop.db, err) && (sent || store_shop_set(l->shop.db, "mail.sent", day, err)) &&
	    (p->kept_pace == hash_str(pace) || store_shop_set(l->shop.db, "mail.pace", pace, err)) &&
	    db_commit(l->shop.db, err))
		return true;
	db_rollback(l->shop.db);
	return false;
}

void courier_pace_keep(void *ctx, struct live *l)
{
	struct courier_state *c = ctx;
	struct courier_pace *p = c->pace;
	struct err err;
	struct buf pace;
	char day[16], text[48];
	if (!p || !p->open)
		return;
	buf_init(&pace, (size_t)THROTTLE_KEPT_MAX * (THROTTLE_NAME_MAX + 160));
	throttle_write(&p->throttle, l->now.s * 1000, &pace);
	uint64_t hash = hash_str(buf_view(&pace));
	int n = snprintf(text, sizeof text, "%s %lld", date_text(p->throttle.day, day), (long long)p->throttle.day_sent);
	if ((!p->throttle.day_cap || p->kept == p->throttle.day_sent) && p->kept_pace == hash) {
		buf_release(&pace);
		return;
	}
	if (keep(l, p, (struct str){ text, (size_t)n }, buf_view(&pace), &err)) {
		p->kept = p->throttle.day_sent;
		p->kept_pace = hash;
	} else {
		fprintf(stderr, "relance: how many mails left today could not be kept: %s\n", err.text);
	}
	buf_release(&pace);
}
