#include "app/monthly.h"

#include "app/courier_int.h"
#include "channel/mime.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOOK_S = 60, SUBJECT_MAX = 400, LETTER_MAX = 1 << 18 };

/* ---- one mail ---- */

static struct str file_name(const struct monthly_letter *m, struct arena *a)
{
	char month[12];
	figures_month_text(m->report->month, 1, month);
	return arena_printf(a, "relance-%s.html", month);
}

static bool build(const struct monthly_letter *m, struct instant now, struct str key, struct arena *a, struct buf *mail,
                  struct err *err)
{
	struct buf page, subject, text, html, id;
	struct courier_shop words;
	struct mime_result result;
	buf_init(&page, REPORT_BYTES_MAX);
	buf_init(&subject, SUBJECT_MAX);
	buf_init(&text, LETTER_MAX);
	buf_init(&html, LETTER_MAX);
	buf_init(&id, 512);
	bool ok = courier_shop_read(m->courier, m->live, a, &words, err) && report_make(m->shop, m->report, &page, err) &&
	          report_letter(m->shop, m->report, &subject, &text, &html, err);
	if (ok) {
		const struct mime_file file = { file_name(m, a), STR("text/html"), buf_view(&page) };
		mime_message_id(key, words.domain, &id);
		const struct mime_mail mime = { .from_name = str_from(m->report->shop),
			                            .from_address = words.email,
			                            .to_address = m->to,
			                            .subject = buf_view(&subject),
			                            .message_id = buf_view(&id),
			                            .date = now,
			                            .zone = m->shop->settings->zone,
			                            .text = buf_view(&text),
			                            .html = buf_view(&html),
			                            .automatic = true,
			                            .files = &file,
			                            .file_count = 1 };
		ok = mime_build(&mime, mail, &result, err);
	}
	struct buf *all[] = { &page, &subject, &text, &html, &id };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		buf_release(all[i]);
	return ok;
}

static enum report_mail state_of(const struct settlement *s, enum monthly_sent *out)
{
	switch (s->to) {
	case MESSAGE_ACCEPTED: *out = MONTHLY_SENT; return REPORT_ACCEPTED;
	case MESSAGE_DEFERRED: *out = MONTHLY_DEFERRED; return REPORT_DEFERRED;
	case MESSAGE_UNCERTAIN: *out = MONTHLY_KNOWN; return REPORT_UNCERTAIN;
	default: *out = MONTHLY_REFUSED; return REPORT_REFUSED;
	}
}

bool monthly_send(const struct monthly_letter *m, struct instant now, enum monthly_sent *out, struct err *err)
{
	struct arena a;
	struct buf mail, address;
	bool utf8, ours = false;
	uint64_t who = store_address_hash(store_shop(m->db), m->to);
	char month[12];
	*out = MONTHLY_KNOWN;
	arena_init(&a);
	buf_init(&mail, MIME_MAIL_MAX);
	buf_init(&address, 1024);
	figures_month_text(m->report->month, 1, month);
	struct str key = arena_printf(&a, "report.%s.%016llx", month, (unsigned long long)who);
	bool ok = mime_address(m->to, &address, &utf8) || err_set(err, ERR_INPUT, "this is no e-mail address to write to");
	ok = ok && build(m, now, key, &a, &mail, err) &&
	     report_mail_claim(m->db, m->report->month, who, now, m->asked, &ours, err);
	if (ok && ours) {
		struct settlement s = { .to = MESSAGE_REFUSED, .outcome = STR("") };
		struct err trouble;
		if (!courier_send_letter(m->courier, m->live, key, buf_view(&address), utf8, &mail, now, &s, &a, &trouble)) {
			fprintf(stderr, "relance: the monthly report: %s\n", trouble.text);
			s = (struct settlement){ .to = MESSAGE_DEFERRED, .outcome = STR("not handed over") };
		}
		enum report_mail state = state_of(&s, out);
		ok = report_mail_settle(m->db, m->report->month, who, state, s.outcome.p ? s.outcome : STR(""), now, err);
	}
	buf_release(&mail);
	buf_release(&address);
	arena_release(&a);
	return ok;
}

/* ---- by itself ---- */

/* The month to report of today: from report.day at eight on, the one before. False: not yet. */
static bool due_month(const struct settings *s, struct instant now, int *month)
{
	int y, m, d;
	struct date today = zone_date(s->zone, now);
	date_ymd(today, &y, &m, &d);
	*month = y * 12 + m - 2;
	return d > s->report_day || (d == s->report_day && now.s >= zone_instant(s->zone, today, MONTHLY_HOUR * HOUR_S).s);
}

/* Settled: accepted, refused for good or uncertain; no report has to be made to know. */
static bool is_settled(struct db *db, int month, struct str to, struct instant now, bool *settled, struct err *err)
{
	enum report_mail state;
	struct instant at;
	bool found;
	uint64_t who = store_address_hash(store_shop(db), to);
	if (!report_mail_state(db, month, who, &found, &state, &at, err))
		return false;
	*settled = found && (state != REPORT_DEFERRED || at.s > now.s - REPORT_RETRY_S);
	return true;
}

static bool send_to(struct courier_state *c, struct live *l, struct str to, int month, struct arena *a,
                    struct instant now, struct err *err)
{
	static const char *const SAID[] = { "sent", "sent before", "put off by the mail server",
		                                "refused by the mail server" };
	const struct shop_world *w = live_shop(l);
	struct figures_shop s;
	struct report_ask ask = {
		.month = month, .shop = w->shop.name, .margin_per_mille = -1, .french = w->shop.locale == LOCALE_FR
	};
	struct objective *list;
	enum monthly_sent sent;
	struct err why;
	char text[12];
	if (!objectives_read(live_db(l), a, &list, &ask.objective_count, err))
		return false;
	ask.objectives = list;
	figures_shop_of(l, NULL, 0, now, &s);
	const struct monthly_letter letter = {
		.shop = &s, .report = &ask, .courier = c, .live = l, .db = live_db(l), .to = to
	};
	bool ok = monthly_send(&letter, now, &sent, &why);
	book_unpin(w->book, s.version);
	figures_month_text(month, 1, text);
	if (ok) {
		fprintf(stderr, "relance: the report of %s: %s\n", text, SAID[sent]);
		return true;
	}
	if (why.kind == ERR_WORLD || why.kind == ERR_CONFLICT) {
		*err = why;
		return false;
	}
	fprintf(stderr, "relance: the report of %s: %s\n", text, why.text);
	return true;
}

/* report.to: addresses separated by commas, semicolons or spaces. */
static bool next_address(struct str *rest, struct str *out)
{
	while (rest->n && strchr(",; \t", rest->p[0]))
		*rest = (struct str){ rest->p + 1, rest->n - 1 };
	size_t n = 0;
	while (n < rest->n && !strchr(",; \t", rest->p[n]))
		n++;
	*out = (struct str){ rest->p, n };
	*rest = (struct str){ rest->p + n, rest->n - n };
	return n > 0;
}

bool monthly_turn(struct monthly *m, struct courier_state *c, struct live *l, struct instant now, struct err *err)
{
	const struct settings *settings = &live_shop(l)->settings;
	struct db *db = live_db(l);
	struct arena a;
	struct str list, to;
	bool found, first = m->looked_at.s == 0, ok;
	int month, sent = 0;
	if (!first && now.s < m->looked_at.s + LOOK_S && now.s >= m->looked_at.s)
		return true;
	m->looked_at = now;
	if (first && !report_mail_recover(db, err))
		return false;
	if (!due_month(settings, now, &month))
		return true;
	arena_init(&a);
	ok = store_shop_get(db, "report.to", &a, &list, &found, err);
	for (struct str rest = ok && found ? list : STR(""); ok && sent < MONTHLY_ADDRESSES_MAX && next_address(&rest, &to);
	     sent++) {
		bool settled;
		ok = is_settled(db, month, to, now, &settled, err) && (settled || send_to(c, l, to, month, &a, now, err));
	}
	arena_release(&a);
	return ok;
}
