/* `steps:`: when, what, to whom, on what condition. */
#include "engine/plan_file_int.h"

static const char *const CHANNELS[] = { "email", "sms", "postcard", "phone", "audience", "push" };
static const char STEP_EXAMPLE[] = "- {at: J+8, send: message-name}";

/* ---- at ---- */

static void at_hours(struct step *s, int64_t seconds)
{
	s->after_days = -1;
	s->after_s = seconds;
}

/* J, J+8: civil days at the hour; in a plan that counts hours (a cart), days of 24 hours after the entry. */
static bool at_day(struct reader *r, struct words *w)
{
	int64_t days = 0;
	if (words_take(w, "+")) {
		if (!str_i64(words_peek(w), &days) || days < 0 || days > 3660)
			return false;
		w->next++;
		if (!words_take(w, "days"))
			(void)words_take(w, "day");
	}
	r->step->after_days = (int32_t)days;
	return true;
}

static bool at_delay(struct reader *r, struct words *w, bool *told)
{
	char unit;
	int64_t amount;
	if (!words_delay(r, w, &unit, &amount, told))
		return false;
	if (amount < 0)
		return false;
	if (unit == 'h' || !r->step->after_last)
		at_hours(r->step, unit == 'h' ? amount : amount * DAY_S);
	else
		r->step->after_days = (int32_t)amount;
	return true;
}

static void step_at(struct reader *r, const struct node *n)
{
	struct str s;
	if (!read_scalar(r, n, "at", "J+8", &s))
		return;
	struct words w;
	words_split(n, &w);
	bool told = false, good;
	if (words_take(&w, "J") || words_take(&w, "j")) {
		good = at_day(r, &w);
	} else if (words_take(&w, "then")) {
		r->step->after_last = true;
		at_hours(r->step, 0);
		good = w.next == w.count || at_delay(r, &w, &told);
	} else {
		good = at_delay(r, &w, &told);
	}
	if (!told && (!good || w.next < w.count))
		issue_node(r, n,
		           "\"at\": \"%.*s\" is not a moment; write J, J+8 (days after the entry), +3 hours (after what "
		           "started the plan), then or then + 1 day (after the step before)",
		           (int)(s.n < 60 ? s.n : 60), s.p);
}

/* ---- send ---- */

static void variant_send(struct reader *r, const struct node *n)
{
	read_name(r, n, "send", "winback-1", &r->variant->message);
}

static void variant_weight(struct reader *r, const struct node *n)
{
	int64_t v;
	if (read_int(r, n, "weight", "50", 1, 1000000, &v))
		r->variant->weight = (int32_t)v;
}

static void variant_subject(struct reader *r, const struct node *n)
{
	read_scalar(r, n, "subject", "\"Your cart is waiting\"", &r->variant->subject);
}

static void variant_name(struct reader *r, const struct node *n)
{
	read_name(r, n, "name", "short", &r->variant->name);
}

static void variant_hour(struct reader *r, const struct node *n)
{
	read_hour(r, n, "hour", "18:30", &r->variant->hour_s);
}

static const struct key VARIANT_KEYS[] = {
	{ "message", variant_send, "winback-1" }, { "weight", variant_weight, "50" },
	{ "subject", variant_subject, "\"…\"" },  { "hour", variant_hour, "18:30" },
	{ "name", variant_name, "short" },
};

/* So that every variant can be told from the others. */
static void variants_name(struct reader *r, struct step *s, const struct node *n)
{
	static const char *const LETTERS[VARIANTS_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	bool shared = false;
	for (size_t i = 0; i < s->variant_count; i++)
		for (size_t k = 0; k < i; k++)
			shared |= str_eq(s->variants[i].message, s->variants[k].message);
	for (size_t i = 0; i < s->variant_count && s->variant_count > 1; i++) {
		if (!s->variants[i].name.n)
			s->variants[i].name = shared ? str_from(LETTERS[i]) : s->variants[i].message;
		for (size_t k = 0; k < i; k++)
			if (str_eq(s->variants[i].name, s->variants[k].name))
				issue_node(r, n, "two variants are named \"%.*s\": give each its own name",
				           STR_ARG(s->variants[i].name));
	}
}

static struct variant *variant_add(struct reader *r, const struct node *n)
{
	struct step *s = r->step;
	if (s->variant_count == VARIANTS_MAX) {
		issue_node(r, n, "at most %d variants of a message", VARIANTS_MAX);
		return NULL;
	}
	struct variant *v = &s->variants[s->variant_count++];
	*v = (struct variant){ .weight = 1, .hour_s = -1 };
	return v;
}

static void step_send(struct reader *r, const struct node *n)
{
	r->step->action = STEP_SEND;
	if (n->kind != NODE_LIST) {
		r->variant = variant_add(r, n);
		if (n->kind == NODE_MAP)
			keys_read(r, n, VARIANT_KEYS, ARRAY_LEN(VARIANT_KEYS), "a variant", "{message: winback-1, weight: 50}");
		else
			read_name(r, n, "send", "winback-1", &r->variant->message);
	}
	for (const struct node *c = n->kind == NODE_LIST ? n->first : NULL; c; c = c->next) {
		r->variant = variant_add(r, c);
		if (!r->variant)
			break;
		if (c->kind == NODE_MAP)
			keys_read(r, c, VARIANT_KEYS, ARRAY_LEN(VARIANT_KEYS), "a variant", "{message: winback-1, weight: 50}");
		else
			variant_send(r, c);
	}
	for (size_t i = 0; i < r->step->variant_count; i++)
		if (r->step->variants[i].message.n == 0 && n->kind == NODE_MAP)
			issue_node(r, n, "a variant needs its \"message\"; for example: {message: winback-1, weight: 50}");
	if (n->kind == NODE_LIST && n->count == 0)
		issue_node(r, n, "\"send\": the list is empty; name a message");
	variants_name(r, r->step, n);
}

/* ---- by ---- */

void read_by(struct reader *r, const struct node *n, struct step *s)
{
	const struct node *single = n->kind == NODE_SCALAR ? n : NULL;
	s->channel_count = 0;
	if (n->kind == NODE_MAP)
		issue_node(r, n, "\"by\": channels in order of preference; for example: by: [email, postcard]");
	for (const struct node *c = single                 ? single
	                            : n->kind == NODE_LIST ? n->first
	                                                   : NULL;
	     c; c = single ? NULL : c->next) {
		int channel;
		if (!read_word(r, c, "by", CHANNELS, ARRAY_LEN(CHANNELS), &channel))
			continue;
		if (memchr(s->channels, channel, s->channel_count))
			issue_node(r, c, "\"by\": %s is there twice", CHANNELS[channel]);
		else
			s->channels[s->channel_count++] = (uint8_t)channel;
	}
}

static void step_by(struct reader *r, const struct node *n)
{
	read_by(r, n, r->step);
}

/* ---- voucher ---- */

static void voucher_percent(struct reader *r, const struct node *n)
{
	uint32_t million;
	struct str s = str_trim(n->text);
	int64_t v;
	if (n->kind == NODE_SCALAR && str_ends(s, STR("%"))) {
		if (read_per_million(r, n, "percent", "10", &million))
			r->step->voucher.percent = (int32_t)(million / 10000);
		if (r->issues->errors == 0 && million % 10000)
			issue_node(r, n, "\"percent\": whole percents only; for example: percent: 10");
	} else if (read_int(r, n, "percent", "10", 1, 100, &v)) {
		r->step->voucher.percent = (int32_t)v;
	}
}

static void voucher_amount(struct reader *r, const struct node *n)
{
	read_money(r, n, "amount", "5 EUR", &r->step->voucher.amount);
}

static void voucher_minimum(struct reader *r, const struct node *n)
{
	read_money(r, n, "minimum", "50 EUR", &r->step->voucher.minimum);
}

static void voucher_text(struct reader *r, const struct node *n)
{
	read_scalar(r, n, "text", "\"a workshop for two\"", &r->step->voucher.text);
}

static void voucher_valid(struct reader *r, const struct node *n)
{
	read_days(r, n, "valid", "20 days", &r->step->voucher.valid_days);
}

static void voucher_pool(struct reader *r, const struct node *n)
{
	read_name(r, n, "pool", "spring-codes", &r->step->voucher.pool);
}

static const struct key VOUCHER_KEYS[] = {
	{ "percent", voucher_percent, "10" },  { "amount", voucher_amount, "5 EUR" },    { "text", voucher_text, "\"…\"" },
	{ "valid", voucher_valid, "20 days" }, { "minimum", voucher_minimum, "50 EUR" }, { "pool", voucher_pool, "spring" },
};

static void step_voucher(struct reader *r, const struct node *n)
{
	static const char EXAMPLE[] = "{percent: 10, valid: 20 days}";
	struct step *s = r->step;
	size_t errors = r->issues->errors;
	keys_read(r, n, VOUCHER_KEYS, ARRAY_LEN(VOUCHER_KEYS), "a voucher", EXAMPLE);
	s->has_voucher = true;
	struct place at = place_of(r->text, n->offset);
	s->voucher_line = at.line;
	s->voucher_column = at.column;
	if (r->issues->errors > errors)
		return;
	int kinds = (s->voucher.percent > 0) + (s->voucher.amount > 0) + (s->voucher.text.n > 0);
	if (kinds != 1)
		issue_node(r, n, "a voucher is one of percent, amount or text; for example: voucher: %s", EXAMPLE);
	if (s->voucher.valid_days == 0)
		issue_node(r, n, "a voucher needs its validity; for example: voucher: %s", EXAMPLE);
}

/* ---- the other keys ---- */

static void step_name(struct reader *r, const struct node *n)
{
	read_name(r, n, "name", "reminder", &r->step->name);
}

static void step_hour(struct reader *r, const struct node *n)
{
	read_hour(r, n, "hour", "18:30", &r->step->hour_s);
}

static void step_if(struct reader *r, const struct node *n)
{
	read_expr_later(r, n, 0, "if", &r->step->condition, &r->step->condition_text);
}

static void step_until(struct reader *r, const struct node *n)
{
	if (n->kind == NODE_SCALAR && date_parse(str_trim(n->text), &r->step->wait_date))
		return;
	read_expr_later(r, n, 0, "until", &r->step->wait, &r->step->wait_text);
}

static void step_purpose(struct reader *r, const struct node *n)
{
	static const char *const WORDS[] = { "marketing", "service" };
	int v;
	if (read_word(r, n, "purpose", WORDS, ARRAY_LEN(WORDS), &v))
		r->step->purpose = (uint8_t)v;
}

static void step_notify(struct reader *r, const struct node *n)
{
	r->step->action = STEP_NOTIFY;
	read_name(r, n, "notify", "customer-service", &r->step->tag);
}

static void step_tag(struct reader *r, const struct node *n)
{
	r->step->action = STEP_TAG;
	read_name(r, n, "tag", "vip", &r->step->tag);
}

static void step_untag(struct reader *r, const struct node *n)
{
	r->step->action = STEP_TAG;
	r->step->untags = true;
	read_name(r, n, "untag", "vip", &r->step->tag);
}

static void step_then(struct reader *r, const struct node *n)
{
	static const char *const WORDS[] = { "end", "next" };
	int v;
	if (read_word(r, n, "then", WORDS, ARRAY_LEN(WORDS), &v))
		r->step->ends_run = v == 0;
}

static void step_goto(struct reader *r, const struct node *n)
{
	size_t i = (size_t)(r->step - r->plan->steps);
	if (read_name(r, n, "goto", "a-later-step", &r->goto_names[i]))
		r->goto_nodes[i] = n;
}

static void step_held(struct reader *r, const struct node *n)
{
	static const char *const WORDS[] = { "later", "drop" };
	int v;
	if (read_word(r, n, "held", WORDS, ARRAY_LEN(WORDS), &v))
		r->step->drop_when_held = v == 1;
}

static void step_late(struct reader *r, const struct node *n)
{
	read_duration(r, n, "late", "1 day", &r->step->late_s);
}

enum { KEY_SEND = 2, KEY_UNTIL = 5, KEY_NOTIFY = 11, KEY_TAG = 12, KEY_THEN = 13, KEY_GOTO = 14, KEY_UNTAG = 15 };
static const struct key STEP_KEYS[] = {
	{ "at", step_at, "J+8" },
	{ "hour", step_hour, "18:30" },
	[KEY_SEND] = { "send", step_send, "winback-1" },
	{ "by", step_by, "[email, postcard]" },
	{ "if", step_if, "opened any" },
	[KEY_UNTIL] = { "until", step_until, "2026-12-01" },
	{ "name", step_name, "reminder" },
	{ "purpose", step_purpose, "service" },
	{ "voucher", step_voucher, "{percent: 10, valid: 20 days}" },
	{ "late", step_late, "1 day" },
	{ "held", step_held, "drop" },
	[KEY_NOTIFY] = { "notify", step_notify, "customer-service" },
	[KEY_TAG] = { "tag", step_tag, "vip" },
	[KEY_THEN] = { "then", step_then, "end" },
	[KEY_GOTO] = { "goto", step_goto, "a-later-step" },
	[KEY_UNTAG] = { "untag", step_untag, "vip" },
};

static void step_actions(struct reader *r, const struct node *n, uint64_t seen)
{
	struct step *s = r->step;
	int actions = (int)(seen >> KEY_SEND & 1) + (int)(seen >> KEY_NOTIFY & 1) + (int)(seen >> KEY_TAG & 1) +
	              (int)(seen >> KEY_UNTAG & 1);
	if (actions == 0) {
		s->action = STEP_WAIT;
		if (!(seen & (1 << KEY_UNTIL | 1 << KEY_THEN | 1 << KEY_GOTO)))
			issue_node(r, n,
			           "this step does nothing: give it send, notify, tag, untag, until, then or goto; for example: %s",
			           STEP_EXAMPLE);
	}
	if (actions > 1)
		issue_node(r, n, "one thing a step: send, notify, tag or untag; write the other as a step of its own");
	if (!(seen & 1))
		issue_node(r, n, "when? a step needs \"at\"; for example: %s", STEP_EXAMPLE);
	if (actions && !(seen >> KEY_SEND & 1) && s->has_voucher)
		issue_node(r, n, "a voucher goes with a message: this step sends none");
	if (s->ends_run && r->goto_names[s - r->plan->steps].n)
		issue_node(r, n, "\"then: end\" and \"goto\" contradict each other: keep one");
}

static void step_read(struct reader *r, const struct node *n, size_t index)
{
	struct step *s = &r->plan->steps[index];
	*s = (struct step){ .hour_s = -1, .late_s = -1, .goto_step = -1, .purpose = UINT8_MAX };
	s->wait_date = DATE_UNKNOWN;
	struct place at = place_of(r->text, n->offset);
	s->line = at.line;
	s->column = at.column;
	r->step = s;
	uint64_t seen = keys_read(r, n, STEP_KEYS, ARRAY_LEN(STEP_KEYS), "a step", STEP_EXAMPLE);
	if (n->kind == NODE_MAP)
		step_actions(r, n, seen);
}

void read_steps(struct reader *r, const struct node *n)
{
	if (n->kind == NODE_BAD)
		return;
	if (n->kind != NODE_LIST || n->count == 0) {
		issue_node(r, n, "\"steps\" is a list of at least one step; for example: %s", STEP_EXAMPLE);
		return;
	}
	for (const struct node *c = n->first; c; c = c->next) {
		if (r->plan->step_count == STEPS_MAX) {
			issue_node(r, c, "at most %d steps in a plan", STEPS_MAX);
			return;
		}
		step_read(r, c, r->plan->step_count++);
	}
}

/* ---- what needs the whole plan ---- */

static struct str default_name(struct reader *r, const struct step *s, size_t index)
{
	struct str base = STR("wait");
	switch (s->action) {
	case STEP_SEND: base = s->variants[0].message; break;
	case STEP_NOTIFY: base = arena_printf(r->arena, "notify-%.*s", STR_ARG(s->tag)); break;
	case STEP_TAG: base = arena_printf(r->arena, s->untags ? "untag-%.*s" : "tag-%.*s", STR_ARG(s->tag)); break;
	case STEP_WAIT: base = arena_printf(r->arena, "wait-%zu", index + 1); break;
	}
	return base;
}

/* In a plan that counts hours J+n is n times 24 hours after the entry. The engine does so for carts and delayed events;
 * for orders the step is written as the seconds from the order. */
static void step_hours(struct reader *r, struct step *s)
{
	const struct plan *p = r->plan;
	if (!r->trigger_hours || s->after_days < 0 || s->after_last)
		return;
	if (s->hour_s >= 0 || r->hour_given)
		issue_put(
			r->issues, r->arena, ISSUE_ERROR, r->file, s->line, s->column,
			"this plan counts hours from what starts it: \"hour\" has no meaning; remove it, or give the trigger days");
	else if (p->trigger == TRIGGER_ORDER || p->trigger == TRIGGER_FIRST_ORDER)
		at_hours(s, p->delay_s + (int64_t)s->after_days * DAY_S);
}

static void step_names(struct reader *r)
{
	struct plan *p = r->plan;
	for (size_t i = 0; i < p->step_count; i++)
		for (size_t k = 0; k < i; k++)
			if (p->steps[i].name.n && str_eq(p->steps[i].name, p->steps[k].name)) {
				issue_put(r->issues, r->arena, ISSUE_ERROR, r->file, p->steps[i].line, p->steps[i].column,
				          "two steps are named \"%.*s\" (the other is on line %u): give this one its own \"name\"",
				          STR_ARG(p->steps[i].name), p->steps[k].line);
				break;
			}
	for (size_t i = 0; i < p->step_count; i++) {
		struct str to = r->goto_names[i];
		if (to.n == 0)
			continue;
		for (size_t k = 0; k < p->step_count; k++)
			if (str_eq(p->steps[k].name, to))
				p->steps[i].goto_step = (int32_t)k;
		if (p->steps[i].goto_step < 0)
			issue_node(r, r->goto_nodes[i], "\"goto\": no step is named \"%.*s\"", STR_ARG(to));
		else if (p->steps[i].goto_step <= (int32_t)i)
			issue_node(r, r->goto_nodes[i], "\"goto\" leads to a later step only: a message is sent once in a run");
	}
}

void steps_finish(struct reader *r)
{
	struct plan *p = r->plan;
	struct step shared = { .channels = { CHANNEL_EMAIL }, .channel_count = 1 };
	if (r->plan_by)
		read_by(r, r->plan_by, &shared);
	for (size_t i = 0; i < p->step_count; i++) {
		struct step *s = &p->steps[i];
		if (s->name.n == 0)
			s->name = default_name(r, s, i);
		if (s->purpose == UINT8_MAX)
			s->purpose = p->purpose;
		step_hours(r, s);
		if (s->action == STEP_NOTIFY) {
			s->channels[0] = CHANNEL_STAFF;
			s->channel_count = 1;
			s->purpose = PURPOSE_SERVICE;
		} else if (s->action != STEP_SEND) {
			s->channel_count = 0;
		} else if (s->channel_count == 0) {
			memcpy(s->channels, shared.channels, sizeof s->channels);
			s->channel_count = shared.channel_count;
		}
	}
	step_names(r);
}
