#include "app/move.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOVE_SLICE = 256, MOVE_LEASE_S = 60 };

struct move {
	struct db *db;
	struct str name;
	struct arena *arena;
	const struct plan *version[PLANS_MAX]; /* by plan_id, of this name only */
	struct expr_context context;
	uint32_t target; /* plan_id of the newest */
	struct outbox_run *run;
	size_t count, cap;
	uint64_t *made; /* bit per step of the old version that has a message in this run */
	struct move_report *out;
	size_t at; /* run whose messages are read */
};

static bool take_version(void *ctx, const struct plan_row *p, struct err *err)
{
	struct move *m = ctx;
	if (!str_eq(p->name, m->name))
		return true;
	struct plan_issues *issues = arena_new(m->arena, struct plan_issues);
	struct plan *plan = (struct plan *)plan_read(p->name, p->text, &m->context, m->arena, issues);
	if (!plan || p->plan_id >= PLANS_MAX)
		return err_set(err, ERR_WORLD, "plan %.*s version %u of the database no longer compiles", STR_ARG(p->name),
		               p->version);
	plan->version = p->version;
	m->version[p->plan_id] = plan;
	m->target = p->plan_id;
	m->out->to_version = p->version;
	return true;
}

static bool take_run(void *ctx, const struct outbox_run *r, struct err *err)
{
	struct move *m = ctx;
	(void)err;
	if (r->state != 0 || r->plan_id == m->target || !str_eq(r->plan, m->name) || r->plan_id >= PLANS_MAX ||
	    !m->version[r->plan_id])
		return true;
	m->run = mem_grow(m->run, &m->cap, m->count + 1, sizeof *m->run);
	m->run[m->count] = *r;
	m->run[m->count++].plan = m->name;
	return true;
}

static int step_of(const struct plan *p, struct str name)
{
	for (int i = 0; i < p->step_count; i++)
		if (str_eq(p->steps[i].name, name))
			return i;
	return -1;
}

static bool take_message(void *ctx, const struct outbox_message *x, struct err *err)
{
	struct move *m = ctx;
	const struct outbox_run *r = &m->run[m->at];
	(void)err;
	int step =
		str_eq(x->key.plan, m->name) && x->key.run_no == r->run_no ? step_of(m->version[r->plan_id], x->key.step) : -1;
	if (step >= 0)
		m->made[m->at] |= UINT64_C(1) << step;
	return true;
}

/* Where the run stands in the newest version; −1 and why when it stays. */
static int target_step(const struct move *m, size_t i, const char **stays)
{
	const struct outbox_run *r = &m->run[i];
	const struct plan *from = m->version[r->plan_id], *to = m->version[m->target];
	int next = r->step < from->step_count ? step_of(to, from->steps[r->step].name) : to->step_count;
	bool same = next >= 0;
	*stays = NULL;
	for (int k = r->step - 1; k >= 0 && next < 0; k--) {
		int passed = step_of(to, from->steps[k].name);
		next = passed >= 0 ? passed + 1 : -1;
	}
	next = next < 0 ? 0 : next;
	if (r->queued && !same)
		*stays = "its message is in the queue and the step is gone";
	for (int k = 0; k < from->step_count && !*stays; k++) {
		int now = m->made[i] >> k & 1 ? step_of(to, from->steps[k].name) : -2;
		if (now == -1)
			*stays = "a message it got belongs to a step that is gone";
		else if (now >= next && !(r->queued && now == next))
			*stays = "a step it has passed now comes later";
	}
	return *stays ? -1 : next;
}

static void count_line(struct move *m, const struct outbox_run *r, int step, const char *stays)
{
	const struct plan *from = m->version[r->plan_id], *to = m->version[m->target];
	struct str a = r->step < from->step_count ? from->steps[r->step].name : STR("");
	struct str b = step >= 0 && step < to->step_count ? to->steps[step].name : STR("");
	struct move_report *o = m->out;
	*(stays ? &o->stay : &o->moved) += 1;
	for (size_t i = 0; i < o->line_count; i++)
		if (o->line[i].from_version == from->version && str_eq(o->line[i].from_step, a) &&
		    str_eq(o->line[i].to_step, b) && o->line[i].stays == stays) {
			o->line[i].runs++;
			return;
		}
	if (o->line_count < MOVE_LINES_MAX) /* beyond: counted in the totals alone */
		o->line[o->line_count++] = (struct move_line){ from->version, a, b, stays, 1 };
}

static bool write_slices(struct move *m, const struct outbox_run *moved, size_t count, int64_t epoch,
                         struct instant now, struct err *err)
{
	for (size_t i = 0; i < count; i += MOVE_SLICE) {
		size_t n = count - i < MOVE_SLICE ? count - i : MOVE_SLICE;
		struct outbox_slice slice = { .epoch = epoch, .runs = moved + i, .run_count = n };
		char object[128];
		snprintf(object, sizeof object, "plan %.*s version %u: %zu runs", STR_ARG(m->name), m->out->to_version, n);
		if (!db_begin(m->db, err))
			return false;
		if (!outbox_put(m->db, &slice, err) || !store_audit(m->db, now, "", "move runs", object, err) ||
		    !db_commit(m->db, err)) {
			db_rollback(m->db);
			return false;
		}
	}
	return true;
}

static bool move_all(struct move *m, bool preview, int64_t epoch, struct instant now, struct err *err)
{
	uint32_t customers;
	int64_t seq;
	if (!store_seq_hi(m->db, &seq, &customers, err) || !outbox_runs(m->db, 1, customers, take_run, m, err))
		return false;
	m->made = mem_alloc((m->count + 1) * sizeof *m->made);
	size_t moved = 0;
	for (m->at = 0; m->at < m->count; m->at++) {
		struct outbox_run *r = &m->run[m->at];
		const char *stays;
		if (!outbox_messages(m->db, r->customer, r->customer, take_message, m, err))
			return false;
		int step = target_step(m, m->at, &stays);
		count_line(m, r, step, stays);
		if (stays)
			continue;
		struct outbox_run to = *r;
		to.plan_id = m->target;
		to.step = (uint8_t)step;
		to.hold_until.s = 0;
		to.held_reason = 0;
		m->run[moved++] = to; /* moved ≤ at: what is overwritten has been looked at */
	}
	return preview || write_slices(m, m->run, moved, epoch, now, err);
}

bool move_runs(struct db *db, const struct settings *s, struct str plan, bool preview, const char *owner,
               struct instant now, struct arena *a, struct move_report *out, struct err *err)
{
	struct move m = { .db = db, .name = plan, .arena = a, .target = UINT32_MAX, .out = out };
	int64_t epoch = 0;
	*out = (struct move_report){ 0 };
	plans_context(s, &m.context);
	if (!plans(db, take_version, &m, err))
		return false;
	if (m.target == UINT32_MAX)
		return err_set(err, ERR_INPUT,
		               "no plan \"%.*s\" was ever switched on here; \"relance plan list DB\" shows them",
		               STR_ARG(plan));
	if (!preview && !store_lease(db, owner, now, MOVE_LEASE_S, &epoch, err))
		return err_context(err, "stop \"relance run\" before runs are moved");
	bool ok = move_all(&m, preview, epoch, now, err);
	struct err ignored; /* not given back, the lease ends by itself within a minute */
	if (!preview && !store_lease_release(db, owner, epoch, &ignored) && ok)
		*err = ignored;
	free(m.run);
	free(m.made);
	return ok;
}
