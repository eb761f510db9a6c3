/* Turning a slice of decisions into one commit: decisions, the runs that changed, the messages queued. */
#include "app/live_int.h"

#include "model/body.h"

#include <stdio.h>
#include <stdlib.h>

void live_turn_begin(struct live *l, struct live_slice *s, customer_id c)
{
	s->turns = mem_grow(s->turns, &s->turn_cap, s->turn_count + 1, sizeof *s->turns);
	const struct pstate *p = &l->states[c];
	s->turns[s->turn_count++] =
		(struct turn_out){ .customer = c,
		                   .from = (uint32_t)s->said.count,
		                   .before = arena_copy(&s->arena, p->runs, p->run_count * sizeof *p->runs),
		                   .before_count = p->run_count };
}

void live_turn_end(struct live *l, struct live_slice *s)
{
	struct turn_out *t = &s->turns[s->turn_count - 1];
	const struct pstate *p = &l->states[t->customer];
	t->to = (uint32_t)s->said.count;
	bool same = t->from == t->to && p->run_count == t->before_count;
	for (uint16_t i = 0; i < p->run_count && same; i++)
		same = memcmp(&p->runs[i], &t->before[i], sizeof *p->runs) == 0;
	if (same)
		s->turn_count--; /* nothing to write */
}

void live_slice_clear(struct live_slice *s)
{
	s->said.count = s->said.proposal_count = s->said.spend_count = 0;
	s->turn_count = 0;
	arena_clear(&s->arena);
}

void live_slice_release(struct live_slice *s)
{
	decisions_release(&s->said);
	free(s->turns);
	arena_release(&s->arena);
}

static struct outbox_run row_of(const struct live *l, customer_id c, const struct run *r)
{
	return (struct outbox_run){ .customer = c,
		                        .plan = l->plans->plans[r->plan]->name,
		                        .run_no = r->run_no,
		                        .plan_id = r->plan,
		                        .subject = r->subject,
		                        .entered_at = { r->entered_at },
		                        .anchor_at = { r->anchor_at },
		                        .last_sent_at = { r->last_sent_at },
		                        .last_done_at = { r->last_done_at },
		                        .hold_until = { r->hold_until },
		                        .day = { r->day },
		                        .state = r->state,
		                        .control = r->control,
		                        .step = r->step,
		                        .queued = r->queued,
		                        .held_reason = r->held_reason };
}

static struct outbox_decision decision_row(const struct live *l, const struct decision *d)
{
	const struct plan *p = l->plans->plans[d->plan];
	return (struct outbox_decision){ .customer = d->customer,
		                             .plan = p->name,
		                             .step = d->step >= 0 ? p->steps[d->step].name : STR(""),
		                             .run_no = d->run_no,
		                             .version = p->version,
		                             .verdict = (enum verdict)d->verdict,
		                             .reason = (enum reason)d->reason,
		                             .argument = d->argument,
		                             .channel = d->channel,
		                             .at = d->at,
		                             .tick = l->tick };
}

static struct outbox_message message_row(const struct live *l, const struct decision *d)
{
	const struct plan *p = l->plans->plans[d->plan];
	const struct step *st = &p->steps[d->step];
	struct view v;
	view_at(&v, l->world.version, d->customer, d->at);
	return (struct outbox_message){ .key = { .customer = d->customer,
		                                     .plan = p->name,
		                                     .step = st->name,
		                                     .run_no = d->run_no,
		                                     .channel = (enum channel)d->channel },
		                            .purpose =
		                                d->channel == CHANNEL_STAFF ? PURPOSE_SERVICE : (enum purpose)st->purpose,
		                            .locale = (enum locale)view_profile(&v)->locale,
		                            .version = p->version,
		                            .variant = d->variant,
		                            .message = st->variant_count ? st->variants[d->variant].message : st->tag,
		                            .due_at = d->at,
		                            .queued_at = d->at,
		                            .try_after = d->at };
}

static void add_turn(struct live *l, const struct live_slice *s, const struct turn_out *t, struct outbox_slice *out,
                     struct outbox_run *runs, struct outbox_decision *decisions, struct outbox_message *messages)
{
	const struct pstate *p = &l->states[t->customer];
	for (uint16_t i = 0; i < p->run_count; i++)
		if (!run_is_joined(p->runs[i].run_no) &&
		    (i >= t->before_count || memcmp(&p->runs[i], &t->before[i], sizeof *p->runs) != 0))
			runs[out->run_count++] = row_of(l, t->customer, &p->runs[i]);
	for (uint32_t i = t->from; i < t->to; i++) {
		decisions[out->decision_count++] = decision_row(l, &s->said.items[i]);
		if (s->said.items[i].verdict == VERDICT_SEND)
			messages[out->message_count++] = message_row(l, &s->said.items[i]);
	}
}

static void write_trace(struct live *l, const struct live_slice *s, struct buf *b)
{
	buf_init(b, SIZE_MAX / 2);
	trace_lines(s->said.items, s->said.count, l->plans, l->shop.shop.zone, b);
}

void live_plan_states(const struct plan_set *set, struct buf *out)
{
	for (size_t i = 0; i < set->count; i++)
		buf_printf(out, "%s%zu:%d:%d:%u", i ? " " : "", i, set->on[i], set->draining[i], set->on_since[i]);
}

/* The line of the tick log: which facts were known, who was asked, what was said. */
static bool put_round(struct live *l, const struct live_slice *s, const struct live_round *r, struct err *err)
{
	struct buf trace, plans;
	char hex[65];
	write_trace(l, s, &trace);
	struct sha256 *h = sha256_new();
	sha256_add(h, trace.p ? trace.p : "", trace.n);
	sha256_hex(h, hex);
	sha256_free(h);
	buf_release(&trace);
	buf_init(&plans, 1 << 20);
	live_plan_states(l->plans, &plans);
	uint64_t told = hash64(plans.p ? plans.p : "", plans.n, 1);
	struct round_row row = { .tick = l->tick,
		                     .round = l->round,
		                     .kind = r->kind,
		                     .fresh = l->fresh,
		                     .at = l->now,
		                     .seq_hi = l->seq_hi,
		                     .hold = l->world.hold_all,
		                     .upto = r->upto,
		                     .plans = l->fresh || told != l->plans_told ? buf_view(&plans) : (struct str){ "", 0 },
		                     .claims = r->claims,
		                     .decisions = (int64_t)s->said.count,
		                     .trace_sha256 = str_from(hex) };
	bool ok = round_put(l->shop.db, &row, err);
	l->plans_told = told;
	l->fresh = false;
	l->round++;
	buf_release(&plans);
	return ok;
}

bool live_put(struct live *l, const struct live_slice *s, const struct live_round *r, struct err *err)
{
	size_t runs = 0;
	for (size_t i = 0; i < s->turn_count; i++)
		runs += l->states[s->turns[i].customer].run_count;
	struct arena a;
	arena_init(&a);
	struct outbox_slice out = { .epoch = l->epoch };
	struct outbox_run *run_rows = arena_array(&a, struct outbox_run, runs + 1);
	struct outbox_decision *decisions = arena_array(&a, struct outbox_decision, s->said.count + 1);
	struct outbox_message *messages = arena_array(&a, struct outbox_message, s->said.count + 1);
	for (size_t i = 0; i < s->turn_count; i++)
		add_turn(l, s, &s->turns[i], &out, run_rows, decisions, messages);
	out.runs = run_rows;
	out.decisions = decisions;
	out.messages = messages;
	bool ok = outbox_put(l->shop.db, &out, err) && (!r || put_round(l, s, r, err));
	arena_release(&a);
	return ok || err_context(err, "committing decisions");
}

void live_told(struct live *l, const struct live_slice *s)
{
	struct buf b;
	write_trace(l, s, &b);
	if (l->hash && b.n)
		sha256_add(l->hash, b.p, b.n);
	if (l->o.trace && b.n)
		l->o.trace(l->o.trace_ctx, buf_view(&b));
	buf_release(&b);
	l->result->commits++;
	l->result->decisions += s->said.count;
	for (size_t i = 0; i < s->said.count; i++) {
		l->result->queued += s->said.items[i].verdict == VERDICT_SEND;
		l->result->entered +=
			s->said.items[i].verdict == VERDICT_ENTERED || s->said.items[i].verdict == VERDICT_CONTROL;
	}
}

/* A plan's tag is a fact like any other, so that every reader of facts knows it; written with the decision. */
static bool put_tag(struct live *l, struct store_batch *b, const struct decision *d, struct err *err)
{
	const struct plan *p = l->plans->plans[d->plan];
	const struct step *st = &p->steps[d->step];
	char key[2 * PLAN_NAME_MAX + 32], name[PLAN_NAME_MAX + 8];
	struct buf body;
	bool quarantined;
	int n = snprintf(key, sizeof key, "plan:%.*s:%u:%.*s", STR_ARG(p->name), d->run_no, STR_ARG(st->name));
	int name_n = snprintf(name, sizeof name, TAG_EVENT "%.*s", STR_ARG(st->tag));
	buf_init(&body, BODY_MAX);
	body_write_event(&(struct event_body){ .name = { name, (size_t)name_n }, .value = !st->untags }, &body);
	struct fact f = { .customer = d->customer,
		              .kind = FACT_EVENT,
		              .key = { key, (size_t)n },
		              .at = d->at,
		              .learned_at = d->at,
		              .body = buf_view(&body) };
	bool ok = store_batch_fact(b, &f, &quarantined, err);
	buf_release(&body);
	return ok;
}

static bool commit_with_tags(struct live *l, const struct live_slice *s, const struct live_round *r, struct err *err)
{
	struct store_batch *b = store_batch_begin(l->shop.db, NULL, l->now, err);
	bool ok = b && live_put(l, s, r, err);
	for (size_t i = 0; i < s->said.count && ok; i++)
		if (s->said.items[i].verdict == VERDICT_TAGGED)
			ok = put_tag(l, b, &s->said.items[i], err);
	if (ok)
		return store_batch_commit(b, err);
	store_batch_rollback(b);
	return false;
}

static bool commit_alone(struct live *l, const struct live_slice *s, const struct live_round *r, struct err *err)
{
	if (db_begin(l->shop.db, err) && live_put(l, s, r, err) && db_commit(l->shop.db, err))
		return true;
	db_rollback(l->shop.db);
	return false;
}

bool live_commit(struct live *l, const struct live_slice *s, const struct live_round *r, struct err *err)
{
	/* whom a slot was offered in vain waits no more; who asked for money is answered by the line after this one */
	bool tells = r && ((r->kind == ROUND_SLOTS && r->upto > 0) || r->kind == ROUND_SPENT || s->said.spend_count ||
	                   r->kind == ROUND_SUPPRESSED);
	if (s->turn_count == 0 && !tells)
		return true;
	bool tags = false;
	for (size_t i = 0; i < s->said.count && !tags; i++)
		tags = s->said.items[i].verdict == VERDICT_TAGGED;
	if (!(tags ? commit_with_tags(l, s, r, err) : commit_alone(l, s, r, err)))
		return false;
	live_told(l, s);
	return true;
}
