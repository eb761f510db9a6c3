#include "app/live_int.h"

#include "app/arrival.h"
#include "base/par.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SLICE = 256, SILENCE_MAX_S = 30 * DAY_S };

/* ---- opening ---- */

static bool read_flag(struct live *l, const char *name, bool *out, struct err *err)
{
	struct arena a;
	struct str text;
	bool found;
	arena_init(&a);
	bool ok = store_shop_get(l->shop.db, name, &a, &text, &found, err);
	*out = ok && found && !str_is(text, "0") && text.n > 0;
	arena_release(&a);
	return ok;
}

/* Read anew at every tick and before every hand-off: "relance stop" may come from another process. */
bool live_read_holds(struct live *l, struct err *err)
{
	bool stopped, jumped, restored;
	if (!read_flag(l, "stopped", &stopped, err) || !read_flag(l, "clock_hold", &jumped, err) ||
	    !read_flag(l, "restored_hold", &restored, err))
		return false;
	if (stopped || jumped || restored)
		live_recall(l, GUESTS);
	enum reason was = l->world.hold_all;
	l->world.hold_all = stopped    ? REASON_EMERGENCY_STOP
	                    : jumped   ? REASON_CLOCK_JUMP
	                    : restored ? REASON_RESTORED
	                               : REASON_NONE;
	if (was != l->world.hold_all)
		for (customer_id c = 1; c < l->people; c++)
			for (uint16_t i = 0; i < l->states[c].run_count; i++)
				if (l->states[c].runs[i].state == RUN_ACTIVE)
					live_look_at(l, c, (uint32_t)l->now.s);
	return true;
}

static bool recover(struct live *l, struct err *err)
{
	struct store_batch *b = store_batch_begin(l->shop.db, NULL, l->now, err);
	int64_t requeued, uncertain;
	if (!b)
		return false;
	if (!outbox_recover(b, l->epoch, l->now, &requeued, &uncertain, err)) {
		store_batch_rollback(b);
		return false;
	}
	return store_batch_commit(b, err);
}

static bool read_last_tick(struct live *l, struct err *err)
{
	struct tick_row last;
	bool found;
	struct arena a;
	arena_init(&a);
	bool ok = tick_last(l->shop.db, &a, &last, &found, err) && tick_next(l->shop.db, &l->tick, err);
	if (ok && found) {
		l->last_tick = last.at;
		l->allotted = last.thresholds_day;
	}
	arena_release(&a);
	if (l->now.s < l->last_tick.s) /* now never goes back */
		l->now = l->last_tick;
	return ok;
}

/* In a transaction of its own: a hold outlives this process. */
static bool set_flag(struct db *db, const char *name, struct err *err)
{
	if (db_begin(db, err) && store_shop_set(db, name, STR("1"), err) && db_commit(db, err))
		return true;
	db_rollback(db);
	return false;
}

/* After a silence of 30 days a machine's clock, or the shop, is not what it was: a person confirms (SEMANTICS "A
 * tick"). */
static bool check_silence(struct live *l, struct err *err)
{
	struct arena a;
	struct str text;
	bool found;
	int64_t confirmed = 0;
	arena_init(&a);
	bool ok = store_shop_get(l->shop.db, "clock_confirmed", &a, &text, &found, err);
	if (ok && found && !str_i64(text, &confirmed))
		confirmed = 0;
	arena_release(&a);
	if (!ok)
		return false;
	int64_t heard = l->last_tick.s > confirmed ? l->last_tick.s : confirmed;
	if (l->last_tick.s == 0 || l->now.s - heard <= SILENCE_MAX_S)
		return true;
	return set_flag(l->shop.db, "clock_hold", err);
}

bool live_watch_clock(struct live *l, struct instant wall, double running, bool *jumped, struct err *err)
{
	*jumped = clock_gained(&l->clock, wall, running) > l->shop.settings.jump_s;
	return !*jumped || set_flag(l->shop.db, "clock_hold", err);
}

static void begin_world(struct live *l)
{
	l->seq_hi = l->shop.seq_hi;
	l->thresholds = l->shop.thresholds;
	l->world = (struct world){ .book = l->shop.book,
		                       .version = book_pin(l->shop.book),
		                       .plans = l->plans,
		                       .settings = &l->shop.settings,
		                       .thresholds = &l->thresholds,
		                       .seed = l->shop.shop.seed };
	live_grow(l, l->world.version->customers);
}

static bool open_all(struct live *l, struct err *err)
{
	struct load_options o = { .known = INSTANT_NEVER, .threads = l->o.threads };
	if (!load_shop(l->address, &o, &l->shop, err))
		return false;
	memcpy(l->seen, l->shop.changes, sizeof l->seen);
	if (l->o.fold_log && !log_folder_start(&l->folder, l->shop.db, err))
		return false;
	if (!store_lease(l->shop.db, l->o.owner, l->now, l->o.lease_s, &l->epoch, err))
		return false;
	l->lease = true;
	bool restored = false;
	if (!store_mark_check(l->shop.db, &restored, err) || !read_last_tick(l, err) || !recover(l, err) ||
	    !check_silence(l, err))
		return false;
	if (restored && !set_flag(l->shop.db, "restored_hold", err))
		return false;
	begin_world(l);
	if (!live_load_plans(l, err) || !live_load_states(l, err))
		return false;
	l->world.words = plan_set_words(l->plans, &l->arena);
	l->peers = peers_find(l->world.version);
	if (l->peers)
		l->peers = mem_realloc(l->peers, l->people_cap * sizeof *l->peers);
	l->world.peers = l->peers;
	l->world.states = l->peers ? l->states : NULL;
	for (customer_id c = 1; c < l->people; c++) /* timers are derived: everybody is asked once */
		live_look_at(l, c, (uint32_t)l->now.s);
	return true;
}

struct live *live_open(const char *address, const struct live_options *o, struct instant now, struct err *err)
{
	struct live *l = mem_alloc(sizeof *l);
	l->o = *o;
	arena_init(&l->arena);
	l->address = arena_cstr(&l->arena, str_from(address));
	l->plans = mem_alloc(sizeof *l->plans);
	l->now = now;
	l->allotted = DATE_UNKNOWN;
	l->seq_max = INT64_MAX;
	l->fresh = true;
	struct tick_result none = { 0 };
	l->result = &none;
	bool ok = open_all(l, err);
	l->result = NULL;
	l->sound = ok;
	if (!ok) {
		live_close(l);
		return NULL;
	}
	return l;
}

static bool open_for(struct live *l, struct str who, customer_id *c, struct err *err)
{
	struct shop shop;
	struct db *db = shop_open(l->address, true, &shop, err);
	bool found = db && store_find_customer(db, &shop, who, c, err);
	db_close(db);
	struct load_options o = { .read_only = true, .known = INSTANT_NEVER, .one = true, .only = found ? *c : 0 };
	if (!found || !load_shop(l->address, &o, &l->shop, err))
		return false;
	begin_world(l);
	if (!live_load_plans(l, err) || !live_load_state(l, *c, err))
		return false;
	l->world.words = plan_set_words(l->plans, &l->arena);
	return true;
}

static bool open_to_look(struct live *l, struct instant known, struct err *err)
{
	struct load_options o = { .read_only = true, .known = known };
	if (!load_shop(l->address, &o, &l->shop, err))
		return false;
	begin_world(l);
	if (!live_load_plans(l, err) || !live_load_states(l, err))
		return false;
	l->world.words = plan_set_words(l->plans, &l->arena);
	return true;
}

struct live *live_open_to_audit(const char *address, struct err *err)
{
	struct live *l = mem_alloc(sizeof *l);
	arena_init(&l->arena);
	l->address = arena_cstr(&l->arena, str_from(address));
	l->plans = mem_alloc(sizeof *l->plans);
	l->audit = true;
	struct load_options o = { .read_only = true, .known = INSTANT_NEVER, .no_facts = true };
	if (load_shop(l->address, &o, &l->shop, err)) {
		begin_world(l);
		if (live_load_plans(l, err))
			return l;
	}
	live_close(l);
	return NULL;
}

struct live *live_open_to_look(const char *address, struct instant known, struct err *err)
{
	struct live *l = mem_alloc(sizeof *l);
	arena_init(&l->arena);
	l->address = arena_cstr(&l->arena, str_from(address));
	l->plans = mem_alloc(sizeof *l->plans);
	if (open_to_look(l, known, err))
		return l;
	live_close(l);
	return NULL;
}

struct live *live_open_for(const char *address, struct str who, customer_id *c, struct err *err)
{
	struct live *l = mem_alloc(sizeof *l);
	arena_init(&l->arena);
	l->address = arena_cstr(&l->arena, str_from(address));
	l->plans = mem_alloc(sizeof *l->plans);
	if (open_for(l, who, c, err))
		return l;
	live_close(l);
	return NULL;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	struct err ignored;
	live_finish(l);
	if (l->lease && !store_lease_release(l->shop.db, l->o.owner, l->epoch, &ignored))
		l->lease = false; /* it runs out by itself */
	log_folder_stop(l->folder);
	if (l->world.version)
		book_unpin(l->shop.book, l->world.version);
	load_release(&l->shop);
	for (size_t c = 0; c < l->people; c++)
		pstate_release(&l->states[c]);
	free(l->states);
	free(l->next_at);
	free(l->peers);
	free(l->due);
	free(l->plans);
	timers_release(&l->timers);
	suppressed_release(&l->suppressed);
	allot_release(&l->waiting);
	purse_release(&l->purse);
	for (size_t i = 0; i < l->slice_cap; i++)
		live_slice_release(&l->slices[i]);
	free(l->slices);
	arena_release(&l->arena);
	free(l);
}

/* ---- thresholds of the shop day ---- */

static bool freeze_thresholds(struct live *l, struct date day, struct err *err)
{
	thresholds_compute(l->shop.book, l->world.version, day, &l->shop.settings.lifecycle, l->o.threads, &l->thresholds);
	char text[128], key[16];
	int n = snprintf(text, sizeof text, "{\"day\":%d,\"top_decile_spend\":%lld,\"average_basket\":%lld,\"buyers\":%u}",
	                 day.day, (long long)l->thresholds.top_decile_spend, (long long)l->thresholds.average_basket,
	                 l->thresholds.buyers_12m);
	struct fact f = { .kind = FACT_THRESHOLD,
		              .key = str_from(date_text(day, key)),
		              .at = l->now,
		              .learned_at = l->now,
		              .body = { text, (size_t)n } };
	bool quarantined;
	struct store_batch *b = store_batch_begin(l->shop.db, NULL, l->now, err);
	if (!b)
		return false;
	if (!store_batch_fact(b, &f, &quarantined, err)) {
		store_batch_rollback(b);
		return false;
	}
	return store_batch_commit(b, err);
}

/* ---- asking ---- */

static void turn(struct live *l, customer_id c, struct live_slice *s)
{
	live_turn_begin(l, s, c);
	engine_person(&l->world, c, &l->states[c], l->now, &s->said);
	live_turn_end(l, s);
}

void live_ask(struct live *l, customer_id c, struct live_slice *s)
{
	size_t asked_money = s->said.spend_count;
	if (l->next_at[c] <= l->now.s)
		turn(l, c, s);
	if (!l->peers)
		return;
	for (customer_id p = l->peers[c]; p && p != c; p = l->peers[p]) {
		if (l->next_at[p] > l->now.s)
			continue;
		if (s->said.spend_count > asked_money) /* the pressure on their address depends on the answer */
			l->states[p].wake = (uint32_t)l->now.s;
		else
			turn(l, p, s);
	}
}

static void ask_slice(void *ctx, size_t from, size_t to, int thread)
{
	struct live *l = ctx;
	for (size_t i = from; i < to; i++) {
		size_t end = (i + 1) * SLICE < l->due_count ? (i + 1) * SLICE : l->due_count;
		for (size_t k = i * SLICE; k < end; k++)
			live_ask(l, l->due[k], &l->slices[i]);
	}
}

static int by_number(const void *x, const void *y)
{
	customer_id a = *(const customer_id *)x, b = *(const customer_id *)y;
	return (a > b) - (a < b);
}

void live_gather_due(struct live *l)
{
	l->due_count = 0;
	while (timers_next(&l->timers) <= l->now.s) {
		struct timer t = timers_take(&l->timers);
		if (l->next_at[t.customer] != t.at)
			continue;
		customer_id first = t.customer;
		if (l->peers)
			for (customer_id p = l->peers[first]; p && p != t.customer; p = l->peers[p])
				first = p < first ? p : first;
		l->due = mem_grow(l->due, &l->due_cap, l->due_count + 1, sizeof *l->due);
		l->due[l->due_count++] = first;
	}
	if (l->due_count > 1)
		qsort(l->due, l->due_count, sizeof *l->due, by_number);
	size_t n = 0;
	for (size_t i = 0; i < l->due_count; i++)
		if (n == 0 || l->due[n - 1] != l->due[i])
			l->due[n++] = l->due[i];
	l->due_count = n;
}

static void look_again(struct live *l, customer_id c)
{
	struct view v;
	view_at(&v, l->world.version, c, l->now);
	struct instant fact = view_next_fact(&v); /* one that lies a little ahead */
	uint32_t at = l->states[c].wake;
	if (fact.s < at)
		at = (uint32_t)fact.s;
	if (l->next_at[c] <= l->now.s)
		l->next_at[c] = UINT32_MAX;
	if (at != UINT32_MAX)
		live_look_at(l, c, at);
}

void live_look_again(struct live *l, customer_id c)
{
	look_again(l, c);
	if (l->peers)
		for (customer_id p = l->peers[c]; p && p != c; p = l->peers[p])
			look_again(l, p);
}

static void prepare_slices(struct live *l, size_t need)
{
	if (need > l->slice_cap) {
		l->slices = mem_realloc(l->slices, need * sizeof *l->slices);
		memset(l->slices + l->slice_cap, 0, (need - l->slice_cap) * sizeof *l->slices);
		l->slice_cap = need;
	}
	for (size_t i = 0; i < need; i++)
		live_slice_clear(&l->slices[i]);
}

static bool decide_due(struct live *l, struct err *err)
{
	live_gather_due(l);
	size_t need = (l->due_count + SLICE - 1) / SLICE;
	prepare_slices(l, need);
	par_for(need, 1, l->o.threads, ask_slice, l);
	l->result->asked += l->due_count;
	for (size_t i = 0; i < l->due_count; i++)
		live_look_again(l, l->due[i]);
	for (size_t i = 0; i < need; i++) {
		allot_take(&l->waiting, l->slices[i].said.proposals, l->slices[i].said.proposal_count);
		size_t last = (i + 1) * SLICE < l->due_count ? (i + 1) * SLICE : l->due_count;
		if (!live_commit(l, &l->slices[i], &(struct live_round){ .kind = ROUND_ASKED, .upto = l->due[last - 1] }, err))
			return false;
		purse_take(&l->purse, &l->slices[i].said);
	}
	return true;
}

/* Slots of this shop day that were given before: after a crash or a restart the day goes on, it does not begin anew. */
static int32_t given_today(const struct live *l, uint16_t plan, struct date day)
{
	int64_t from = zone_instant(l->shop.settings.zone, day, 0).s;
	int32_t n = 0;
	for (size_t c = 1; c < l->people; c++)
		for (uint16_t i = l->states[c].run_count; i-- > 0;)
			n += l->states[c].runs[i].entered_at >= from && !run_is_joined(l->states[c].runs[i].run_no) &&
			     l->plans->family[l->states[c].runs[i].plan] == l->plans->family[plan];
	return n;
}

bool live_slot_next(struct live *l, struct live_slots *at, customer_id *c)
{
	for (; at->plan < l->plans->count; at->plan++, at->begun = false) {
		if (!at->begun) {
			int32_t day = l->plans->on[at->plan] ? l->plans->plans[at->plan]->smooth_per_day : 0;
			at->left = day > 0 ? day - given_today(l, at->plan, zone_date(l->shop.settings.zone, l->now)) : 0;
			at->begun = true;
		}
		if (at->left > 0 && allot_next(&l->waiting, at->plan, c))
			return true;
	}
	return false;
}

void live_slot_give(struct live *l, struct live_slots *at, customer_id c, struct live_slice *s)
{
	live_turn_begin(l, s, c);
	at->left -= engine_enter(&l->world, c, &l->states[c], at->plan, l->now, &s->said);
	live_turn_end(l, s);
	look_again(l, c);
}

/* The day's slots of the smoothed plans. */
static bool give_slots(struct live *l, struct date day, struct err *err)
{
	struct live_slice s = { .turn_count = 0 };
	struct live_round round = { .kind = ROUND_SLOTS };
	struct live_slots at = { .plan = 0 };
	customer_id c;
	arena_init(&s.arena);
	bool ok = true;
	while (ok && live_slot_next(l, &at, &c)) {
		round.upto++;
		live_slot_give(l, &at, c, &s);
		if (round.upto >= SLICE) {
			ok = live_commit(l, &s, &round, err);
			purse_take(&l->purse, &s.said);
			live_slice_clear(&s);
			round.upto = 0;
		}
	}
	ok = ok && live_commit(l, &s, &round, err);
	purse_take(&l->purse, &s.said);
	live_slice_release(&s);
	l->allotted = day;
	return ok;
}

/* ---- a tick ---- */

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool log_tick(struct live *l, struct err *err)
{
	char hex[65];
	sha256_hex(l->hash, hex);
	struct tick_row row = { .tick = l->tick,
		                    .at = l->now,
		                    .seq_hi = l->seq_hi,
		                    .plans = (int64_t)l->plans->count,
		                    .decisions = (int64_t)l->result->decisions,
		                    .thresholds_day = l->thresholds.day,
		                    .tzdata = str_from(zone_data_version()),
		                    .engine = STR("1"),
		                    .trace_sha256 = str_from(hex) };
	bool ok = db_begin(l->shop.db, err) && tick_put(l->shop.db, &row, err) && db_commit(l->shop.db, err);
	if (!ok)
		db_rollback(l->shop.db);
	l->tick++;
	/* The mark may lag behind the facts, as long as it knows of every message that left. */
	bool mark = ok && (l->result->accepted || l->marked.s != l->now.s);
	if (mark)
		l->marked = l->now;
	return ok && (!mark || store_mark(l->shop.db, err));
}

/* In this order: a fact never names a product that is not known. */
static bool take_news(struct live *l, struct err *err)
{
	return live_take_facts(l, err) && live_read_others(l, err);
}

/* Decides, delivers, and goes on while a delivery made the next step due at once. */
static bool turn_world(struct live *l, struct err *err)
{
	struct date day = zone_date(l->shop.settings.zone, l->now);
	double started = seconds_now();
	if (!live_take_arrived(l, err) || !take_news(l, err))
		return false;
	if (l->thresholds.day.day != day.day && !freeze_thresholds(l, day, err))
		return false;
	if (!live_take_facts(l, err) || !decide_due(l, err) || !live_spend(l, err))
		return false;
	if ((!date_known(l->allotted) || l->allotted.day < day.day) && !give_slots(l, day, err))
		return false;
	if (!live_spend(l, err))
		return false;
	l->result->decided_s = seconds_now() - started;
	for (int round = 0; round < STEPS_MAX; round++) {
		if (!live_send(l, err))
			return false;
		if (timers_next(&l->timers) > l->now.s)
			return true;
		if (!take_news(l, err) || !decide_due(l, err) || !live_spend(l, err)) /* receipts of what just left too */
			return false;
	}
	l->result->more = true;
	return true;
}

static bool worth_a_line(const struct live *l, const struct tick_result *r)
{
	zone_id zone = l->shop.settings.zone;
	return r->commits || r->facts || r->accepted || zone_date(zone, l->last_tick).day != zone_date(zone, l->now).day;
}

/* Ticks may follow on each other by the hundred a second, and every commit is fenced by the epoch: the lease is renewed
 * once a second. */
static bool renew_lease(struct live *l, struct err *err)
{
	if (l->leased.s == l->now.s)
		return true;
	bool ok = store_lease(l->shop.db, l->o.owner, l->now, l->o.lease_s, &l->epoch, err);
	l->leased = ok ? l->now : (struct instant){ 0 };
	return ok;
}

bool live_tick(struct live *l, struct instant now, struct tick_result *out, struct err *err)
{
	double started = seconds_now();
	*out = (struct tick_result){ 0 };
	l->result = out;
	l->now = now.s < l->last_tick.s ? l->last_tick : now; /* now never goes back */
	l->round = 0;
	bool ok = renew_lease(l, err) && live_read_holds(l, err);
	out->hold_all = l->world.hold_all;
	if (ok &&
	    l->world.hold_all == REASON_CLOCK_JUMP) { /* at a wrong hour nothing is decided: it could not be taken back */
		l->result = NULL;
		return true;
	}
	if (ok) {
		l->hash = sha256_new();
		ok = turn_world(l, err);
		if (ok && worth_a_line(l, out))
			ok = log_tick(l, err);
		sha256_free(l->hash);
		l->hash = NULL;
	}
	out->total_s = seconds_now() - started;
	if (ok)
		l->last_tick = l->now;
	l->sound = ok;
	l->result = NULL;
	return ok;
}

struct instant live_next(const struct live *l)
{
	uint32_t at = timers_next(&l->timers);
	struct date tomorrow = { zone_date(l->shop.settings.zone, l->last_tick).day + 1 };
	struct instant day = zone_instant(l->shop.settings.zone, tomorrow, 0); /* slots are given, thresholds frozen */
	return at == UINT32_MAX || at > day.s ? day : (struct instant){ at };
}

bool live_has_news(struct live *l, struct instant now, bool *news, struct err *err)
{
	int64_t seq;
	uint32_t customers;
	*news = live_next(l).s <= now.s || (l->o.courier.arrived && l->o.courier.arrived(l->o.courier.ctx));
	if (*news)
		return true;
	if (!store_seq_hi(l->shop.db, &seq, &customers, err))
		return false;
	*news = seq > l->seq_hi;
	return true;
}

struct db *live_db(struct live *l)
{
	return l->shop.db;
}

const struct shop_world *live_shop(const struct live *l)
{
	return &l->shop;
}

const struct plan_set *live_plans(const struct live *l)
{
	return l->plans;
}

const struct pstate *live_state(const struct live *l, customer_id c)
{
	return c < l->people ? &l->states[c] : NULL;
}

const struct world *live_world(const struct live *l)
{
	return &l->world;
}

size_t live_waiting(const struct live *l, uint16_t plan)
{
	return allot_waiting(&l->waiting, plan);
}
