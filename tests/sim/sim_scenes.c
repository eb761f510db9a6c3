/* Scenes of a shop whose tick has messages to send, each told as what happens and what must hold afterwards:
 *
 *   faults      the nth database operation of the tick fails, then the process dies at it; n rises until none fires
 *   restore     an old backup is put back: what was in the queue is uncertain, nothing leaves until a person confirms
 *   two         a second process on the same database is refused; after the lease has run out it takes over, and the
 * first cannot commit any more clock       back: now never goes back; 30 days of silence: nothing is decided until it
 * is confirmed stop        the emergency stop in the middle of a batch: not one more leaves; after the resume the rest
 * does, once each off         the plan is switched off between decision and claim late        the order that ends it
 * becomes known between decision and claim future      a fact dated two days ahead is put aside
 *   others      while it runs, another process stops an address, moves somebody to it, adds a product
 *
 * After each: no message twice, "relance check" finds nothing, the audit decides the same.
 * *   sim_scenes quick      leaves the faults out */
#include "app/audit.h"
#include "app/live_int.h"
#include "app/switch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SEED = 12 /* nobody of the five is drawn into the control group */,
	PEOPLE = 5,
	DELIVERIES_MAX = 4096,
	FAULTS_MAX = 4000
};
static const int64_t NOW = 1760000000; /* 2025-10-09 08:53 UTC: the steps of the day are due at 10:00 in Paris */
static const char PLAN[] = "abandoned-cart";

struct delivery {
	customer_id who;
	char step[32];
};

struct record { /* shared with the processes that die */
	uint32_t count;
	struct delivery deliveries[DELIVERIES_MAX];
};

static struct record *record;
static char folder[256], address[300];
static const char *scene;
static int64_t fault_at;

_Noreturn static void die(const char *what)
{
	printf("%s (%" PRId64 "): %s\n", scene, fault_at, what);
	exit(1);
}

#define MUST(call)       ((call) ? (void)0 : die(err.text))
#define HOLDS(condition) ((condition) ? (void)0 : die("does not hold: " #condition))

static void shell(const char *fmt, ...)
{
	char command[1200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(command, sizeof command, fmt, args);
	va_end(args);
	if (system(command) != 0)
		die(command);
}

/* ---- the courier ---- */

static int stop_after; /* hand-offs until somebody presses the button; 0: nobody does */

static bool render(void *ctx, struct live *l, struct outbox_message *m, struct arena *a, struct err *err)
{
	(void)ctx, (void)l, (void)a, (void)err;
	m->subject = m->content = STR("hello");
	return true;
}

static void press_stop(void)
{
	struct err err;
	struct shop shop;
	struct db *db = store_open(address, false, &shop, &err);
	MUST(db != NULL);
	MUST(switch_stop(db, (struct instant){ NOW }, "test", &err));
	db_close(db);
}

static struct settlement hand_off(void *ctx, struct live *l, const struct outbox_message *m, struct arena *a,
                                  struct instant now)
{
	(void)ctx, (void)l, (void)a;
	struct delivery *d = &record->deliveries[record->count++];
	HOLDS(record->count < DELIVERIES_MAX);
	d->who = m->key.customer;
	snprintf(d->step, sizeof d->step, "%.*s", STR_ARG(m->key.step));
	if (stop_after && --stop_after == 0)
		press_stop();
	return (struct settlement){ .to = MESSAGE_ACCEPTED, .at = now, .outcome = STR("250") };
}

static struct live_options options(const char *owner, bool sends)
{
	struct live_options o = { .owner = owner, .threads = 1, .lease_s = 60 };
	if (sends)
		o.courier = (struct courier){ .render = render, .hand_off = hand_off };
	return o;
}

/* ---- the shop: everybody left a cart three hours ago ---- */

static void put_fact(struct db *db, struct fact f, struct buf *body, bool *quarantined)
{
	struct err err;
	struct store_batch *b = store_batch_begin(db, NULL, f.learned_at, &err);
	MUST(b != NULL);
	f.body = buf_view(body);
	MUST(store_batch_fact(b, &f, quarantined, &err));
	MUST(store_batch_commit(b, &err));
	buf_release(body);
}

static void put_order(struct db *db, customer_id c, int64_t at, const char *key, bool *quarantined)
{
	struct buf body;
	struct line line = { 1, 1, 5000 };
	buf_init(&body, BODY_MAX);
	body_write_order(&(struct order_body){ .lines = &line, .line_count = 1 }, &body);
	struct fact f = { .customer = c, .kind = FACT_ORDER, .key = str_from(key), .at = { at }, .learned_at = { NOW } };
	put_fact(db, f, &body, quarantined);
}

static void put_person(struct db *db, customer_id c)
{
	bool ahead;
	char key[32], id[16];
	struct buf body;
	struct line line = { 1, 1, 5000 };
	snprintf(key, sizeof key, "profile:%u", c);
	snprintf(id, sizeof id, "k%u", c);
	buf_init(&body, BODY_MAX);
	body_write_profile(
		&(struct profile_body){
			.locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN, .reach = REACH_EMAIL, .address = 100 + c },
		&body);
	put_fact(db,
	         (struct fact){ .customer = c,
	                        .kind = FACT_PROFILE,
	                        .key = str_from(key),
	                        .at = { NOW - DAY_S },
	                        .learned_at = { NOW - DAY_S } },
	         &body, &ahead);
	buf_init(&body, BODY_MAX);
	body_write_consent(
		&(struct consent_body){
			.channel = CHANNEL_EMAIL, .purpose = PURPOSE_MARKETING, .state = CONSENT_GRANTED, .source = STR("form") },
		&body);
	snprintf(key, sizeof key, "consent:%u", c);
	put_fact(db,
	         (struct fact){ .customer = c,
	                        .kind = FACT_CONSENT,
	                        .key = str_from(key),
	                        .at = { NOW - DAY_S },
	                        .learned_at = { NOW - DAY_S } },
	         &body, &ahead);
	buf_init(&body, BODY_MAX);
	body_write_cart(&(struct cart_body){ .cart = str_from(id), .state = CART_CHANGED, .lines = &line, .line_count = 1 },
	                &body);
	snprintf(key, sizeof key, "cart:%u", c);
	put_fact(db,
	         (struct fact){ .customer = c,
	                        .kind = FACT_CART,
	                        .key = str_from(key),
	                        .at = { NOW - 3 * HOUR_S - 60 },
	                        .learned_at = { NOW - 3 * HOUR_S } },
	         &body, &ahead);
}

static struct db *open_db(void)
{
	struct err err;
	struct shop shop;
	struct db *db = store_open(address, false, &shop, &err);
	MUST(db != NULL);
	return db;
}

static void make_base(void)
{
	struct err err;
	struct shop shop = { .seed = SEED };
	HOLDS(zone_find(STR("Europe/Paris"), &shop.zone) && currency_find(STR("EUR"), &shop.currency));
	MUST(store_init(address, &shop, &err));
	struct db *db = open_db();
	struct store_ids *ids = store_ids_load(db, &err);
	struct store_batch *b = store_batch_begin(db, ids, (struct instant){ NOW - DAY_S }, &err);
	MUST(b != NULL);
	store_product(ids, STR("THING"), NULL);
	for (customer_id c = 1; c <= PEOPLE; c++) {
		char ref[16];
		snprintf(ref, sizeof ref, "p%u", c);
		store_customer(ids, str_from(ref), NULL);
	}
	MUST(store_batch_commit(b, &err));
	store_ids_free(ids);
	for (customer_id c = 1; c <= PEOPLE; c++)
		put_person(db, c);
	struct arena a;
	struct settings *settings = mem_alloc(sizeof *settings);
	struct plan_set *set = mem_alloc(sizeof *set);
	struct plan_issues *issues = mem_alloc(sizeof *issues);
	arena_init(&a);
	settings_defaults(settings, shop.zone, shop.locale, shop.currency);
	MUST(plans_load(NULL, settings, (struct instant){ 0 }, &a, set, issues, &err));
	for (size_t i = 0; i < set->count; i++) {
		struct switch_result r;
		((struct plan *)set->plans[i])->control_per_million = 0;
		if (str_is(set->plans[i]->name, PLAN))
			MUST(switch_plan_on(db, set->plans[i], (struct instant){ NOW - DAY_S }, &r, &err));
	}
	arena_release(&a);
	free(settings);
	free(set);
	free(issues);
	db_close(db);
	shell("mkdir %s/base && cp %s* %s/base/", folder, address, folder);
}

static void begin(const char *name)
{
	scene = name;
	fault_at = 0;
	stop_after = 0;
	record->count = 0;
	shell("rm -f %s* && cp %s/base/* %s/", address, folder, folder);
}

static void tick(const char *owner, int64_t at, bool sends, struct tick_result *r)
{
	struct err err;
	struct live_options o = options(owner, sends);
	struct live *l = live_open(address, &o, (struct instant){ at }, &err);
	MUST(l != NULL);
	MUST(live_tick(l, (struct instant){ at }, r, &err));
	live_close(l);
}

/* ---- what holds after every scene ---- */

static void finding(void *ctx, const char *text)
{
	(void)ctx;
	printf("check: %s\n", text);
}

static void sound(void)
{
	struct err err;
	struct audit_result r;
	int64_t findings;
	for (uint32_t i = 0; i < record->count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (record->deliveries[i].who == record->deliveries[k].who &&
			    !strcmp(record->deliveries[i].step, record->deliveries[k].step))
				die("a message left twice");
	struct db *db = open_db();
	MUST(store_check(db, finding, NULL, &findings, &err));
	HOLDS(findings == 0);
	db_close(db);
	MUST(audit_run(address, NULL, NULL, &r, &err));
	if (!r.same)
		die(r.what);
}

static int64_t in_state(enum message_state s)
{
	struct err err;
	int64_t counts[MESSAGE_STATE_COUNT];
	struct db *db = open_db();
	MUST(outbox_counts(db, counts, &err));
	db_close(db);
	return counts[s];
}

/* ---- scenes ---- */

/* One tick with the nth operation failing (or the process ending at it). True: the fault had nothing left to hit. */
static bool faulty_tick(int64_t nth, bool ends)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct err err;
		struct tick_result r;
		struct live_options o = options("first", true);
		db_fault(ends ? -nth : nth);
		struct live *l = live_open(address, &o, (struct instant){ NOW }, &err);
		bool ok = l && live_tick(l, (struct instant){ NOW }, &r, &err);
		int64_t left = db_fault(0);
		live_close(l);
		_exit(left != 0                                                        ? (ok ? 3 : 4)
		      : ok                                                             ? 0
		      : err.kind != ERR_NONE && err.text[0] && !strchr(err.text, '\n') ? 1
		                                                                       : 2);
	}
	int status;
	HOLDS(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status))
		die("the tick crashed");
	int code = WEXITSTATUS(status);
	if (code == 2 || code == 4)
		die("no clear error");
	return code == 3;
}

static void faults(bool ends)
{
	int64_t n = 1;
	for (bool over = false; !over; n++) {
		begin(ends ? "faults, the process ends" : "faults");
		fault_at = n;
		HOLDS(n < FAULTS_MAX);
		over = faulty_tick(n, ends);
		struct tick_result r;
		tick("second", NOW + 120, true, &r);
		int64_t left = in_state(MESSAGE_ACCEPTED) + in_state(MESSAGE_UNCERTAIN);
		HOLDS(left == PEOPLE);
		HOLDS(in_state(MESSAGE_QUEUED) == 0 && in_state(MESSAGE_SENDING) == 0 && in_state(MESSAGE_CLAIMED) == 0);
		HOLDS(record->count <= PEOPLE && (!over || record->count == PEOPLE));
		if (n % 5 && !over)
			continue;
		/* the next step goes on from there, also after what is uncertain */
		tick("third", NOW + 120 + DAY_S + HOUR_S, true, &r);
		HOLDS(in_state(MESSAGE_ACCEPTED) + in_state(MESSAGE_UNCERTAIN) == 2 * PEOPLE);
		sound();
	}
	HOLDS(n > 50);
	printf("%s: %" PRId64 " places, the same end\n", scene, n - 1);
}

static void restore(void)
{
	struct err err;
	struct tick_result r;
	char backup[320];
	begin("restore");
	tick("first", NOW, false, &r);
	HOLDS(r.queued == PEOPLE);
	snprintf(backup, sizeof backup, "%s.backup", address);
	struct db *db = open_db();
	MUST(store_backup(db, backup, NULL, NULL, &err));
	db_close(db);
	tick("first", NOW + 60, true, &r);
	HOLDS(r.accepted == PEOPLE);
	MUST(store_restore(backup, address, true, &err));
	tick("second", NOW + 3600, true, &r);
	HOLDS(r.accepted == 0 && record->count == PEOPLE);
	HOLDS(in_state(MESSAGE_UNCERTAIN) == PEOPLE && in_state(MESSAGE_QUEUED) == 0);
	db = open_db();
	MUST(switch_resume(db, (struct instant){ NOW + 3700 }, "test", &err));
	db_close(db);
	tick("second", NOW + 3800, true, &r);
	HOLDS(record->count == PEOPLE);

	begin("restore: a plain copy put back");
	tick("first", NOW, false, &r);
	shell("mkdir -p %s/copy && rm -f %s/copy/* && cp %s %s/copy/", folder, folder, address, folder);
	tick("first", NOW + 60, true, &r);
	HOLDS(r.accepted == PEOPLE);
	shell("rm -f %s-wal %s-shm && cp %s/copy/* %s/", address, address, folder, folder);
	tick("second", NOW + 120, true, &r);
	HOLDS(r.accepted == 0 && r.hold_all == REASON_RESTORED && record->count == PEOPLE);
	HOLDS(in_state(MESSAGE_UNCERTAIN) == PEOPLE);
}

static void two(void)
{
	struct err err;
	struct tick_result r;
	begin("two");
	struct live_options first = options("first", true), second = options("second", true);
	struct live *a = live_open(address, &first, (struct instant){ NOW - 600 }, &err);
	MUST(a != NULL);
	MUST(live_tick(a, (struct instant){ NOW - 600 }, &r, &err));
	struct live *b = live_open(address, &second, (struct instant){ NOW - 590 }, &err);
	HOLDS(b == NULL && err.kind == ERR_CONFLICT && strstr(err.text, "first"));
	b = live_open(address, &second, (struct instant){ NOW }, &err); /* the lease has run out */
	MUST(b != NULL);
	HOLDS(!live_tick(a, (struct instant){ NOW + 1 }, &r, &err) && err.kind == ERR_CONFLICT && record->count == 0);
	MUST(live_tick(b, (struct instant){ NOW + 2 }, &r, &err));
	HOLDS(r.accepted == PEOPLE);
	live_close(a);
	live_close(b);
	sound();
}

static void clock_scene(void)
{
	struct err err;
	struct tick_result r;
	begin("clock");
	tick("first", NOW - HOUR_S, true, &r);
	HOLDS(record->count == PEOPLE - PEOPLE);
	struct live_options o = options("first", true);
	struct live *l = live_open(address, &o, (struct instant){ NOW - DAY_S }, &err); /* the clock was put back */
	MUST(l != NULL);
	MUST(live_tick(l, (struct instant){ NOW - DAY_S }, &r, &err));
	HOLDS(l->last_tick.s >= NOW - HOUR_S);
	live_close(l);
	int64_t later = NOW + 40 * (int64_t)DAY_S;
	tick("first", later, true, &r);
	HOLDS(r.hold_all == REASON_CLOCK_JUMP && r.decisions == 0 && record->count == 0);
	tick("first", NOW, true, &r); /* the clock is right again, and nothing was lost; but somebody must say so */
	HOLDS(r.hold_all == REASON_CLOCK_JUMP && record->count == 0);
	struct db *db = open_db();
	MUST(switch_resume(db, (struct instant){ NOW + 10 }, "test", &err));
	db_close(db);
	tick("first", NOW + 10, true, &r);
	HOLDS(r.accepted == PEOPLE && record->count == PEOPLE);
	tick("first", later, true, &r);
	HOLDS(r.hold_all == REASON_CLOCK_JUMP);
	db = open_db();
	MUST(switch_resume(db, (struct instant){ later + 10 }, "test", &err));
	db_close(db);
	tick("first", later + 10, true, &r); /* confirmed: too late for the second message, never a belated burst */
	HOLDS(r.hold_all == REASON_NONE && r.accepted == 0 && r.decisions >= PEOPLE && record->count == PEOPLE);
	sound();
}

/* The clocks of a program that keeps turning: the wall clock jumps, sleeps with the machine, is put back. */
static void jump(void)
{
	struct err err;
	struct tick_result r;
	bool jumped;
	begin("jump");
	struct live_options o = options("first", true);
	struct live *l = live_open(address, &o, (struct instant){ NOW - 7200 }, &err);
	MUST(l != NULL);
	MUST(live_watch_clock(l, (struct instant){ NOW - 7200 }, 1000, &jumped, &err));
	HOLDS(!jumped);
	MUST(live_tick(l, (struct instant){ NOW - 7200 }, &r, &err));
	MUST(live_watch_clock(l, (struct instant){ NOW - 3600 }, 1000 + 1, &jumped, &err)); /* an hour less a second */
	HOLDS(!jumped);
	MUST(live_watch_clock(l, (struct instant){ NOW - 7000 }, 1000 + 2, &jumped, &err)); /* put back */
	HOLDS(!jumped);
	MUST(live_watch_clock(l, (struct instant){ NOW - 1 }, 1000 + 7001, &jumped, &err)); /* the machine slept */
	HOLDS(!jumped);
	MUST(live_watch_clock(l, (struct instant){ NOW + 3602 }, 1000 + 7002, &jumped, &err));
	HOLDS(jumped);
	MUST(live_tick(l, (struct instant){ NOW + 3602 }, &r, &err));
	HOLDS(r.hold_all == REASON_CLOCK_JUMP && r.decisions == 0 && record->count == 0);
	MUST(live_watch_clock(l, (struct instant){ NOW }, 1000 + 7003, &jumped, &err)); /* right again: a person says so */
	MUST(live_tick(l, (struct instant){ NOW }, &r, &err));
	HOLDS(!jumped && r.hold_all == REASON_CLOCK_JUMP && record->count == 0);
	struct db *db = open_db();
	MUST(switch_resume(db, (struct instant){ NOW + 10 }, "test", &err));
	db_close(db);
	MUST(live_tick(l, (struct instant){ NOW + 10 }, &r, &err));
	HOLDS(r.accepted == PEOPLE);
	live_close(l);
	sound();
}

static void stop(void)
{
	struct err err;
	struct tick_result r;
	begin("stop");
	stop_after = 3;
	tick("first", NOW, true, &r);
	HOLDS(record->count == 3 && r.accepted == 3);
	tick("first", NOW + 60, true, &r);
	HOLDS(record->count == 3 && r.hold_all == REASON_EMERGENCY_STOP);
	struct db *db = open_db();
	MUST(switch_resume(db, (struct instant){ NOW + 120 }, "test", &err));
	db_close(db);
	tick("first", NOW + 180, true, &r);
	HOLDS(record->count == PEOPLE);
	sound();
}

static void off(void)
{
	struct err err;
	struct tick_result r;
	begin("off");
	tick("first", NOW, false, &r);
	HOLDS(r.queued == PEOPLE);
	struct db *db = open_db();
	MUST(switch_plan(db, STR("abandoned-cart"), SWITCH_OFF, (struct instant){ NOW + 10 }, &err));
	db_close(db);
	tick("first", NOW + 20, true, &r);
	HOLDS(record->count == 0);
	tick("first", NOW + 2 * DAY_S, true, &r); /* longer than the plan's `late`: dropped */
	HOLDS(record->count == 0);
	sound();
}

static void late(void)
{
	struct tick_result r;
	bool ahead;
	begin("late");
	tick("first", NOW, false, &r);
	struct db *db = open_db();
	put_order(db, 4, NOW - HOUR_S, "till:late", &ahead);
	db_close(db);
	tick("first", NOW + 60, true, &r);
	HOLDS(record->count == PEOPLE - 1);
	for (uint32_t i = 0; i < record->count; i++)
		HOLDS(record->deliveries[i].who != 4);
	sound();
}

static void future(void)
{
	struct tick_result r;
	bool ahead;
	begin("future");
	struct db *db = open_db();
	put_order(db, 4, NOW + 2 * DAY_S, "till:future", &ahead);
	HOLDS(ahead);
	db_close(db);
	tick("first", NOW, true, &r);
	HOLDS(record->count == PEOPLE);
	sound();
}

static void put_address(struct db *db, customer_id c, uint64_t hash, int64_t at)
{
	struct buf body;
	char key[32];
	bool ahead;
	snprintf(key, sizeof key, "profile:%u", c);
	buf_init(&body, BODY_MAX);
	body_write_profile(
		&(struct profile_body){
			.locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN, .reach = REACH_EMAIL, .address = hash },
		&body);
	put_fact(
		db,
		(struct fact){ .customer = c, .kind = FACT_PROFILE, .key = str_from(key), .at = { at }, .learned_at = { at } },
		&body, &ahead);
}

/* While the shop runs, other processes stop an address, somebody takes it, a product is added, the address is freed. */
static void others(void)
{
	struct err err;
	struct tick_result r;
	uint32_t products;
	begin("others");
	tick("first", NOW, false, &r); /* five messages wait */
	struct live_options o = options("second", true);
	struct live *l = live_open(address, &o, (struct instant){ NOW + 10 }, &err);
	MUST(l != NULL);
	struct db *db = open_db();
	MUST(suppression_put(db, 101, CHANNEL_EMAIL, STR("complaint"), (struct instant){ NOW + 11 }, &err));
	put_address(db, 2, 101, NOW + 12);
	struct store_ids *ids = store_ids_load(db, &err);
	struct store_batch *b = store_batch_begin(db, ids, (struct instant){ NOW + 13 }, &err);
	MUST(b != NULL);
	const struct product_row row = { .sku = STR("NEW"), .name = STR("New thing"), .price = 1200, .lifetime_days = 30 };
	MUST(store_batch_product(b, &row, NULL, &err));
	MUST(store_batch_commit(b, &err));
	(void)book_products(live_shop(l)->book, &products);
	HOLDS(products == 2);
	MUST(live_tick(l, (struct instant){ NOW + 20 }, &r, &err));
	HOLDS(live_state(l, 1)->suppressed && live_state(l, 2)->suppressed && !live_state(l, 3)->suppressed);
	HOLDS(record->count == PEOPLE - 2);
	for (uint32_t i = 0; i < record->count; i++)
		HOLDS(record->deliveries[i].who > 2);
	const struct product *catalogue = book_products(live_shop(l)->book, &products);
	HOLDS(products == 3 && str_is(catalogue[2].name, "New thing") && catalogue[2].price == 1200);
	MUST(suppression_lift(db, 101, CHANNEL_EMAIL, &err));
	MUST(live_tick(l, (struct instant){ NOW + 30 }, &r, &err));
	HOLDS(!live_state(l, 1)->suppressed && !live_state(l, 2)->suppressed);
	live_close(l);
	store_ids_free(ids);
	db_close(db);
	sound();
}

/* The address of somebody is stopped, then corrected: the right one is written to, at once as after a start. */
static void corrected(void)
{
	struct err err;
	struct tick_result r;
	begin("corrected");
	tick("first", NOW, false, &r);
	struct live_options o = options("second", true);
	struct live *l = live_open(address, &o, (struct instant){ NOW + 10 }, &err);
	MUST(l != NULL);
	struct db *db = open_db();
	put_address(db, 2, 102, NOW + 11);
	put_address(db, 3, 103, NOW + 11);
	MUST(suppression_put(db, 102, CHANNEL_EMAIL, STR("hard_bounce"), (struct instant){ NOW + 11 }, &err));
	MUST(suppression_put(db, 103, CHANNEL_EMAIL, STR("hard_bounce"), (struct instant){ NOW + 11 }, &err));
	MUST(suppression_put(db, 104, CHANNEL_EMAIL, STR("complaint"), (struct instant){ NOW + 11 }, &err));
	MUST(live_tick(l, (struct instant){ NOW + 20 }, &r, &err));
	HOLDS(live_state(l, 2)->suppressed && live_state(l, 3)->suppressed);
	put_address(db, 2, 202, NOW + 21);
	put_address(db, 3, 104, NOW + 21);
	MUST(live_tick(l, (struct instant){ NOW + 30 }, &r, &err));
	HOLDS(!live_state(l, 2)->suppressed && live_state(l, 3)->suppressed);
	live_close(l);
	l = live_open(address, &o, (struct instant){ NOW + 40 }, &err);
	MUST(l != NULL);
	HOLDS(!live_state(l, 2)->suppressed && live_state(l, 3)->suppressed);
	MUST(live_tick(l, (struct instant){ NOW + 50 }, &r, &err));
	live_close(l);
	db_close(db);
	sound();
}

int main(int argc, char **argv)
{
	scene = "making the shop";
	record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(record != MAP_FAILED);
	snprintf(folder, sizeof folder, "%s/relance-scenes-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	check(mkdtemp(folder));
	snprintf(address, sizeof address, "%s/shop.db", folder);
	make_base();
	restore();
	two();
	clock_scene();
	jump();
	stop();
	off();
	late();
	future();
	others();
	corrected();
	if (argc < 2) {
		faults(false);
		faults(true);
	}
	shell("rm -rf %s", folder);
	puts("all scenes hold");
	return 0;
}
