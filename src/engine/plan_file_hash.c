/* The canonical text of a compiled plan, hashed: two files that mean the same are the same version. Its form is part of
 * the product (a change would make every running plan look edited): append only, and only what is not at its default.
 */
#include "base/buf.h"
#include "base/hash.h"
#include "engine/plan_file_int.h"

enum { CANONICAL_MAX = 16 * PLAN_FILE_MAX };

static void put_int(struct buf *b, const char *key, int64_t v, int64_t normal)
{
	if (v != normal)
		buf_printf(b, "%s=%lld\n", key, (long long)v);
}

static void put_str(struct buf *b, const char *key, struct str s)
{
	if (s.n == 0)
		return;
	buf_printf(b, "%s=", key);
	buf_json(b, s);
	buf_char(b, '\n');
}

/* An expression without its spacing: blanks count only inside quotes and between two words. */
static void put_expr(struct buf *b, const char *key, struct str s)
{
	if (s.n == 0)
		return;
	buf_printf(b, "%s=", key);
	char quote = 0, last = 0;
	bool blank = false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
		if (!quote && space) {
			blank = true;
			continue;
		}
		bool punctuation = strchr("(),=<>!", c) || (last && strchr("(),=<>!", last));
		if (blank && last && !punctuation)
			buf_char(b, ' ');
		blank = false;
		if (quote && c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
		buf_char(b, c);
		last = c;
	}
	buf_char(b, '\n');
}

static void put_exits(struct buf *b, const char *key, const struct plan_exit *e, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		put_int(b, key, e[i].kind, -1);
		put_str(b, " event", e[i].event);
		put_expr(b, " when", e[i].when_text);
	}
}

static void put_voucher(struct buf *b, const struct voucher_offer *v)
{
	put_int(b, " percent", v->percent, 0);
	put_int(b, " amount", v->amount, 0);
	put_int(b, " valid", v->valid_days, 0);
	put_int(b, " minimum", v->minimum, 0);
	put_str(b, " pool", v->pool);
	put_str(b, " text", v->text);
}

static void put_step(struct buf *b, const struct step *s)
{
	put_str(b, "step", s->name);
	put_int(b, " action", s->action, STEP_SEND);
	put_int(b, " days", s->after_days, 0);
	put_int(b, " seconds", s->after_s, 0);
	put_int(b, " last", s->after_last, 0);
	put_int(b, " hour", s->hour_s, -1);
	for (size_t i = 0; i < s->channel_count; i++)
		put_int(b, " by", s->channels[i], -1);
	put_int(b, " purpose", s->purpose, PURPOSE_MARKETING);
	put_int(b, " drop", s->drop_when_held, 0);
	put_int(b, " end", s->ends_run, 0);
	put_int(b, " goto", s->goto_step, -1);
	put_expr(b, " if", s->condition_text);
	put_expr(b, " until", s->wait_text);
	put_int(b, " until_day", s->wait_date.day, DATE_UNKNOWN.day);
	put_int(b, " late", s->late_s, -1);
	for (size_t i = 0; i < s->variant_count; i++) {
		const struct variant *v = &s->variants[i];
		put_str(b, " send", v->message);
		if (s->variant_count > 1 && !str_eq(v->name, v->message) && v->name.n > 1) /* one that was given */
			put_str(b, " variant", v->name);
		put_str(b, " subject", v->subject);
		put_int(b, " weight", v->weight, 1);
		put_int(b, " variant_hour", v->hour_s, -1);
	}
	if (s->has_voucher)
		put_voucher(b, &s->voucher);
	put_str(b, " tag", s->tag);
	put_int(b, " untag", s->untags, 0);
}

static void put_trigger(struct buf *b, const struct plan *p)
{
	put_int(b, "trigger", p->trigger, -1);
	put_int(b, "months", p->months, 0);
	put_int(b, "delay_s", p->delay_s, 0);
	put_int(b, "delay_days", p->delay_days, 0);
	put_str(b, "event", p->event);
	put_int(b, "once", p->once.day, DATE_UNKNOWN.day);
	put_int(b, "month", p->month, 0);
	put_int(b, "month_day", p->month_day, 0);
	put_int(b, "yearly", p->yearly, YEARLY_DATE);
	put_int(b, "nth", p->nth, 0);
	put_int(b, "weekday", p->weekday, 0);
	put_int(b, "on_day", p->on_day, 0);
	put_int(b, "again_months", p->again_months, 0);
	put_int(b, "again_days", p->again_days, 0);
	put_int(b, "each_year", p->again_each_year, 0);
	put_int(b, "smooth", p->smooth_per_day, 0);
	put_expr(b, "who", p->who_text);
	put_expr(b, "first", p->boost_text);
}

uint64_t plan_hash(const struct plan *p)
{
	struct buf b;
	buf_init(&b, CANONICAL_MAX);
	put_str(&b, "plan", p->name);
	put_str(&b, "fr", p->title[LOCALE_FR]);
	put_str(&b, "en", p->title[LOCALE_EN]);
	put_trigger(&b, p);
	put_exits(&b, "goal", p->goal, p->goal_count);
	put_exits(&b, "exit", p->exits, p->exit_count);
	put_int(&b, "control", p->control_per_million, 0);
	put_int(&b, "priority", p->priority, 0);
	put_int(&b, "hour", p->hour_s, -1);
	put_int(&b, "late", p->late_s, -1);
	put_int(&b, "max", p->max_messages, 0);
	put_int(&b, "budget", p->budget, 0);
	put_int(&b, "budget_total", p->budget_total, 0);
	put_str(&b, "experiment", p->experiment);
	put_int(&b, "purpose", p->purpose, PURPOSE_MARKETING);
	for (size_t i = 0; i < p->blackout_count; i++)
		put_int(&b, "blackout", p->blackout[i].day, INT32_MIN);
	for (size_t i = 0; i < p->step_count; i++)
		put_step(&b, &p->steps[i]);
	check(!b.full); /* every part comes from a file of at most PLAN_FILE_MAX bytes */
	uint64_t h = hash_str(buf_view(&b));
	buf_release(&b);
	return h;
}
