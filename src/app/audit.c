#include "app/audit.h"

#include "app/live_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct logged_tick {
	int64_t tick;
	char sha256[65];
};

struct audit {
	struct live *l;
	struct audit_result *out;
	struct plan_set *every; /* all plans the database knows; l->plans holds those of the line */
	struct logged_tick *ticks;
	size_t tick_count, tick_cap, tick_at;
	struct live_slice said;
	struct tick_result figures;
	struct sha256 *all;
	int64_t tick; /* under way; 0: none */
	enum round_kind kind;
	customer_id upto;
	size_t pos; /* of l->due: asked so far */
	struct live_slots slots;
	struct instant erased_until; /* the latest erasure */
	bool astray;                 /* slots or claims blurred: states may differ from here on */
	bool blurred_tick;
	void (*trace)(void *ctx, struct str text);
	void *ctx;
};

PRINTF_LIKE(3, 4) static bool differs(struct audit *a, const struct round_row *r, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(a->out->what, sizeof a->out->what, fmt, args);
	va_end(args);
	a->out->same = false;
	a->out->tick = r ? r->tick : a->tick;
	a->out->round = r ? r->round : -1;
	a->out->at = a->l->now;
	return false;
}

/* ---- the state a line was written in ---- */

static void look_at_all(struct live *l, bool only_active)
{
	for (customer_id c = 1; c < l->people; c++) {
		bool active = false;
		for (uint16_t i = 0; i < l->states[c].run_count && !active; i++)
			active = l->states[c].runs[i].state == RUN_ACTIVE;
		if (active || !only_active)
			live_look_at(l, c, (uint32_t)l->now.s);
	}
}

/* "0:1:0:1700000000 1:0:0:…" */
static bool take_plans(struct audit *a, struct str text, struct err *err)
{
	struct live *l = a->l;
	char copy[65536];
	if (text.n >= sizeof copy)
		return err_set(err, ERR_LIMIT, "the tick log names more plans than can be");
	snprintf(copy, sizeof copy, "%.*s", STR_ARG(text));
	for (char *p = copy, *end; *p; p = end) {
		unsigned long id = strtoul(p, &end, 10), on = strtoul(end + (*end == ':'), &end, 10);
		unsigned long draining = strtoul(end + (*end == ':'), &end, 10), since = strtoul(end + (*end == ':'), &end, 10);
		if (end == p || (*end && *end != ' ') || id > l->plans->count || id >= a->every->count)
			return err_set(err, ERR_WORLD, "the tick log names a plan that is not there: run \"relance check\"");
		if (id == l->plans->count) {
			plan_set_add(l->plans, a->every->plans[id], on != 0, (uint32_t)since);
			l->plans->first_on[id] = a->every->first_on[id];
		}
		l->plans->on[id] = on != 0;
		l->plans->draining[id] = draining != 0;
		l->plans->on_since[id] = (uint32_t)since;
		end += *end == ' ';
	}
	allot_grow(&l->waiting, l->plans, l->people);
	l->world.words = plan_set_words(l->plans, &l->arena);
	look_at_all(l, false);
	return true;
}

/* The program was started: timers and the queue for slots are made anew, suppressions read. */
static bool start_again(struct audit *a, struct err *err)
{
	struct live *l = a->l;
	allot_release(&l->waiting);
	allot_init(&l->waiting, l->plans, l->people);
	l->purse.count = 0;
	l->timers.count = 0;
	for (customer_id c = 1; c < l->people; c++) {
		l->next_at[c] = UINT32_MAX;
		l->states[c].suppressed = 0;
	}
	look_at_all(l, false);
	return live_load_suppressed(l, err) && live_load_erased(l, err);
}

/* ---- what was said ---- */

static void hash_said(struct audit *a, char hex[65])
{
	struct buf b;
	struct sha256 *h = sha256_new();
	buf_init(&b, SIZE_MAX / 2);
	trace_lines(a->said.said.items, a->said.said.count, a->l->plans, a->l->shop.shop.zone, &b);
	if (b.n) {
		sha256_add(h, b.p, b.n);
		sha256_add(a->l->hash, b.p, b.n);
		sha256_add(a->all, b.p, b.n);
		if (a->trace)
			a->trace(a->ctx, buf_view(&b));
	}
	sha256_hex(h, hex);
	sha256_free(h);
	buf_release(&b);
}

/* Whether somebody who was erased since may be why this line comes out otherwise. */
static bool blurs(struct audit *a, enum round_kind kind, struct instant at)
{
	if (!a->astray && at.s > a->erased_until.s)
		return false;
	a->out->blurred++;
	a->blurred_tick = true;
	a->astray |= kind != ROUND_ASKED && kind != ROUND_CLAIMED;
	return true;
}

static bool compare(struct audit *a, const struct round_row *r)
{
	static const char *const KINDS[] = { "the due were asked", "slots were given", "messages were claimed",
		                                 "budgets were spent", "suppressions became known" };
	char hex[65];
	size_t count = a->said.said.count;
	hash_said(a, hex);
	a->out->decisions += count;
	a->out->rounds++;
	live_slice_clear(&a->said);
	if (str_is(r->trace_sha256, hex) || blurs(a, r->kind, r->at))
		return true;
	return differs(a, r, "when %s: %lld decisions were logged, the facts make %zu%s", KINDS[r->kind],
	               (long long)r->decisions, count, count == (size_t)r->decisions ? ", others" : "");
}

/* ---- the three kinds of lines ---- */

static void ask_next(struct audit *a)
{
	live_ask(a->l, a->l->due[a->pos], &a->said);
	live_look_again(a->l, a->l->due[a->pos]);
	a->pos++;
}

/* Those behind the last line of an asking: nothing was logged of them, so nothing may come of it. */
static bool ask_rest(struct audit *a)
{
	while (a->pos < a->l->due_count)
		ask_next(a);
	allot_take(&a->l->waiting, a->said.said.proposals, a->said.said.proposal_count);
	purse_take(&a->l->purse, &a->said.said);
	size_t count = a->said.said.count;
	customer_id who = count ? a->said.said.items[0].customer : 0;
	live_slice_clear(&a->said);
	return count == 0 || a->astray ||
	       differs(a, NULL, "%zu decisions (the first about customer #%u) were not logged", count, who);
}

static void gather(struct audit *a)
{
	live_gather_due(a->l);
	a->pos = 0;
}

static bool repeat_asked(struct audit *a, const struct round_row *r)
{
	while (a->pos < a->l->due_count && a->l->due[a->pos] <= (customer_id)r->upto)
		ask_next(a);
	a->upto = (customer_id)r->upto;
	allot_take(&a->l->waiting, a->said.said.proposals, a->said.said.proposal_count);
	purse_take(&a->l->purse, &a->said.said);
	return compare(a, r);
}

static bool repeat_slots(struct audit *a, const struct round_row *r)
{
	customer_id c;
	for (int64_t i = 0; i < r->upto; i++) {
		if (!live_slot_next(a->l, &a->slots, &c))
			return blurs(a, r->kind, r->at) ||
			       differs(a, r, "%lld slots were offered, %lld people wait", (long long)r->upto, (long long)i);
		live_slot_give(a->l, &a->slots, c, &a->said);
	}
	purse_take(&a->l->purse, &a->said.said);
	return compare(a, r);
}

static bool repeat_spent(struct audit *a, const struct round_row *r)
{
	struct live *l = a->l;
	struct spend s;
	purse_count(&l->purse, &l->world, l->states, l->people, l->now);
	for (int64_t i = 0; i < r->upto; i++) {
		if (!purse_next(&l->purse, &s))
			return blurs(a, r->kind, r->at) || differs(a, r, "%lld messages asked for money, the facts make %lld",
			                                           (long long)r->upto, (long long)i);
		live_spend_one(l, &s, &a->said);
	}
	return compare(a, r);
}

static void claim(struct audit *a, customer_id c, uint16_t plan, uint16_t run_no, uint8_t step, uint8_t channel)
{
	struct live *l = a->l;
	struct sent *m = NULL;
	for (uint16_t i = c < l->people ? l->states[c].sent_count : 0; i-- > 0 && !m;) {
		struct sent *x = &l->states[c].sent[i];
		if (x->plan == plan && x->run_no == run_no && x->step == step && x->channel == channel &&
		    x->state != SENT_DROPPED)
			m = x;
	}
	a->out->claims++;
	if (!m || m->state != SENT_QUEUED)
		return;
	struct instant retry;
	if (engine_claim(&l->world, c, &l->states[c], m, l->now, &a->said.said, &retry))
		return;
	if (retry.s == INSTANT_NEVER.s)
		m->state = SENT_DROPPED;
	live_look_at(l, c, l->states[c].wake);
}

static bool repeat_claims(struct audit *a, const struct round_row *r, struct err *err)
{
	struct str rest = r->claims;
	while (rest.n) {
		char one[128];
		const char *space = memchr(rest.p, ' ', rest.n);
		size_t n = space ? (size_t)(space - rest.p) : rest.n;
		unsigned c, run_no, step, channel;
		int plan;
		snprintf(one, sizeof one, "%.*s", (int)(n < sizeof one ? n : sizeof one - 1), rest.p);
		if (sscanf(one, "%u:%d:%u:%u:%u", &c, &plan, &run_no, &step, &channel) != 5)
			return err_set(err, ERR_WORLD, "tick %lld of the log cannot be read: run \"relance check\"",
			               (long long)r->tick);
		if (plan >= 0)
			claim(a, c, (uint16_t)plan, (uint16_t)run_no, (uint8_t)step, (uint8_t)channel);
		rest = space ? (struct str){ space + 1, rest.n - n - 1 } : (struct str){ "", 0 };
	}
	return compare(a, r);
}

/* ---- ticks ---- */

static bool end_tick(struct audit *a)
{
	char hex[65];
	if (a->tick == 0)
		return true;
	sha256_hex(a->l->hash, hex);
	sha256_free(a->l->hash);
	a->l->hash = sha256_new();
	while (a->tick_at < a->tick_count && a->ticks[a->tick_at].tick < a->tick)
		a->tick_at++;
	a->out->ticks++;
	bool blurred = a->blurred_tick;
	a->blurred_tick = false;
	if (a->tick_at == a->tick_count || a->ticks[a->tick_at].tick != a->tick) {
		a->out->unfinished++;
		return true;
	}
	return blurred || strcmp(hex, a->ticks[a->tick_at].sha256) == 0 ||
	       differs(a, NULL, "the tick as a whole has another hash");
}

/* False without an error: a difference was found. */
static bool begin_round(struct audit *a, const struct round_row *r, struct err *err)
{
	struct live *l = a->l;
	bool new_tick = r->tick != a->tick;
	/* The next slice of the same people: the rest is not due yet. Nothing is learned between two slices; what arrived
	 * of messages in the background, or a hold, makes another asking of the same second, which nothing else tells
	 * apart. */
	bool goes_on = !new_tick && !r->fresh && r->kind == ROUND_ASKED && a->kind == ROUND_ASKED &&
	               (customer_id)r->upto > a->upto && r->seq_hi == l->seq_max &&
	               (enum reason)r->hold == l->world.hold_all;
	if (!r->fresh && !goes_on && !ask_rest(a))
		return false;
	if (r->fresh) /* cut off before: whoever was due is asked again below */
		l->due_count = a->pos = 0;
	if (!r->fresh && r->kind != ROUND_SPENT && r->kind != ROUND_SLOTS && !goes_on && l->purse.count) {
		size_t left = l->purse.count;
		l->purse.count = 0; /* they belong to the line before: this one's ask anew */
		if (!blurs(a, ROUND_SPENT, l->now))
			return differs(a, r, "%zu messages asked for money and were not answered", left);
	}
	if (new_tick && !end_tick(a))
		return false;
	l->now = r->at;
	if (r->plans.n && !take_plans(a, r->plans, err))
		return false;
	bool turned = l->world.hold_all != (enum reason)r->hold;
	l->world.hold_all = (enum reason)r->hold;
	if (turned)
		look_at_all(l, true);
	l->seq_max = r->seq_hi;
	if (!live_take_facts(l, err) || (r->fresh && !start_again(a, err)))
		return false;
	bool asks = r->kind == ROUND_ASKED && !goes_on;
	bool first_slots = r->kind == ROUND_SLOTS && (new_tick || a->kind == ROUND_SUPPRESSED);
	if (asks || first_slots)
		gather(a);
	if (first_slots && !ask_rest(a))
		return false;
	if (r->kind == ROUND_SLOTS && (new_tick || a->kind != ROUND_SLOTS))
		a->slots = (struct live_slots){ .plan = 0 };
	a->tick = r->tick;
	a->kind = r->kind;
	return true;
}

static bool take_round(void *ctx, const struct round_row *r, struct err *err)
{
	struct audit *a = ctx;
	*err = (struct err){ .kind = ERR_NONE };
	if (!begin_round(a, r, err))
		return false;
	switch (r->kind) {
	case ROUND_ASKED: return repeat_asked(a, r);
	case ROUND_SLOTS: return repeat_slots(a, r);
	case ROUND_CLAIMED: return repeat_claims(a, r, err);
	case ROUND_SPENT: return repeat_spent(a, r);
	case ROUND_SUPPRESSED:
		if (live_repeat_suppressed(a->l, r->claims))
			return compare(a, r);
		break;
	}
	return err_set(err, ERR_WORLD, "tick %lld of the log cannot be read: run \"relance check\"", (long long)r->tick);
}

static bool take_tick(void *ctx, const struct tick_row *t, struct err *err)
{
	struct audit *a = ctx;
	(void)err;
	a->ticks = mem_grow(a->ticks, &a->tick_cap, a->tick_count + 1, sizeof *a->ticks);
	a->ticks[a->tick_count].tick = t->tick;
	snprintf(a->ticks[a->tick_count++].sha256, 65, "%.*s", STR_ARG(t->trace_sha256));
	return true;
}

static bool read_erased(struct audit *a, struct db *log, struct err *err)
{
	struct query *q = db_query(log, "erased_latest");
	int got = query_next(q, err);
	if (got == 1) {
		a->out->erased = (uint64_t)query_get_int(q, 0);
		a->erased_until.s = query_get_int(q, 1);
	}
	query_done(q);
	return got >= 0;
}

static bool repeat(struct audit *a, const char *address, struct err *err)
{
	struct shop shop;
	struct live *l = a->l;
	struct db *log = store_open(address, true, &shop, err);
	if (!log)
		return false;
	bool ok = read_erased(a, log, err) && ticks(log, 0, take_tick, a, err);
	if (ok) {
		*err = (struct err){ .kind = ERR_NONE };
		ok = rounds(log, take_round, a, err);
		if (ok)
			(void)(ask_rest(a) && end_tick(a));
		ok = err->kind == ERR_NONE;
	}
	a->out->facts = (uint64_t)l->seq_hi;
	db_close(log);
	return ok;
}

bool audit_run(const char *address, void (*trace)(void *ctx, struct str text), void *ctx, struct audit_result *out,
               struct err *err)
{
	*out = (struct audit_result){ .same = true };
	struct audit a = { .out = out, .trace = trace, .ctx = ctx, .all = sha256_new() };
	a.l = live_open_to_audit(address, err);
	bool ok = a.l != NULL;
	if (ok) {
		a.l->result = &a.figures;
		a.l->hash = sha256_new();
		a.every = a.l->plans;
		a.l->plans = mem_alloc(sizeof *a.l->plans);
		a.l->world.plans = a.l->plans;
		allot_release(&a.l->waiting);
		allot_init(&a.l->waiting, a.l->plans, a.l->people);
		arena_init(&a.said.arena);
		ok = repeat(&a, address, err);
		live_slice_release(&a.said);
		sha256_free(a.l->hash);
		free(a.every);
	}
	sha256_hex(a.all, out->trace_sha256);
	sha256_free(a.all);
	free(a.ticks);
	live_close(a.l);
	return ok;
}
