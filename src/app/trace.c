#include "app/trace.h"

#include "model/names.h"

static void two_digits(char *p, int v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
}

/* 2011-03-01T10:00:00Z without printf: traces have millions of lines. */
static void instant_add(struct instant t, struct buf *out)
{
	struct civil c = zone_civil(0, t);
	int y, m, d;
	date_ymd(c.date, &y, &m, &d);
	char text[20] = "0000-00-00T00:00:00Z";
	two_digits(text, y / 100);
	two_digits(text + 2, y % 100);
	two_digits(text + 5, m);
	two_digits(text + 8, d);
	two_digits(text + 11, c.second / HOUR_S);
	two_digits(text + 14, c.second / MINUTE_S % 60);
	two_digits(text + 17, c.second % 60);
	buf_add(out, text, sizeof text);
}

void trace_line(const struct decision *d, const struct plan_set *plans, zone_id zone, struct buf *out)
{
	const struct plan *p = plans->plans[d->plan];
	instant_add(d->at, out);
	buf_char(out, '\t');
	buf_i64(out, d->customer);
	buf_char(out, '\t');
	buf_str(out, p->name);
	buf_char(out, '\t');
	buf_i64(out, p->version);
	buf_char(out, '\t');
	buf_i64(out, d->run_no);
	buf_char(out, '\t');
	if (d->step >= 0)
		buf_str(out, p->steps[d->step].name);
	else
		buf_char(out, '-');
	buf_char(out, '\t');
	buf_cstr(out, verdict_name((enum verdict)d->verdict));
	buf_char(out, '\t');
	buf_cstr(out, d->channel < CHANNEL_COUNT ? channel_name((enum channel)d->channel) : "-");
	buf_char(out, '\t');
	reason_text((enum reason)d->reason, d->argument, zone, LOCALE_EN, out);
	buf_char(out, '\n');
}
