/* A simulated shop lived through with faults: every tick runs in a process of its own that may be killed at any
 * hand-off, whose mail server answers anything, at once or later, while customers order, fill carts, withdraw. A log
 * outside the database holds what really left. After every tick, looked at from that log and from the list of facts
 * given, never from the engine:
 *
 *   - nothing left for somebody who had withdrawn or opposed before that tick
 *   - no message key was handed over twice once a hand-over had been accepted
 *   - at most 2 marketing mails in 7 days, at most 3 messages
 *   - nobody in a control group got a message of that plan
 *   - no cart reminder left after that cart was paid
 *   - a plan with a budget of ten mails a month never had more than ten in a month's queue
 * At the end the faults are off: what is due drains, "relance check" finds nothing, and the audit decides every tick
 * again from the facts alone, those cut off by a crash as far as they came.
 *
 *   sim_live SEED [ADDRESS]      ADDRESS: another database than a file in a temporary folder; postgres:
 * $RELANCE_TEST_PG A failure prints the seed; the same seed does the same again. */
#include "app/audit.h"
#include "app/live_int.h"
#include "app/switch.h"
#include "base/hash.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PEOPLE = 60, DAYS = 120, DELIVERIES_MAX = 100000, HAPPENINGS_MAX = 100000, CRASHED = 77 };

enum kind { ORDERED, CART_FILLED, PAID, WITHDREW, GRANTED };

struct happening {
	customer_id who;
	enum kind kind;
	int64_t at;
	uint64_t cart;
};

struct delivery {
	customer_id who;
	uint64_t key, cart;
	int64_t at;
	bool marketing, email, accepted, control;
	char plan[32];
};

/* Shared with the child processes. */
struct record {
	uint32_t delivery_count, happening_count;
	uint64_t crashes, refusals, deferrals, uncertain;
	struct delivery deliveries[DELIVERIES_MAX];
	struct happening happenings[HAPPENINGS_MAX];
};

struct sim {
	uint64_t seed;
	char address[512], folder[256];
	struct record *record;
	struct rng rng;
	bool faults;
	int64_t now;
	uint32_t crash_after; /* hand-offs until the process dies; 0: it lives */
	int64_t next_id;
};

static struct sim sim;
static int days = DAYS;

static void die(const char *what)
{
	printf("seed %" PRIu64 ": %s\n", sim.seed, what);
	exit(1);
}

/* ---- the courier of the simulation ---- */

static bool render(void *ctx, struct live *l, struct outbox_message *m, struct arena *a, struct err *err)
{
	(void)ctx, (void)l, (void)a, (void)err;
	m->subject = m->message;
	m->content = STR("hello");
	return true;
}

static const struct run *run_of(struct live *l, const struct outbox_message *m)
{
	const struct pstate *s = &l->states[m->key.customer];
	for (uint16_t i = s->run_count; i-- > 0;)
		if (s->runs[i].run_no == m->key.run_no && str_eq(l->plans->plans[s->runs[i].plan]->name, m->key.plan))
			return &s->runs[i];
	return NULL;
}

static void note_delivery(struct live *l, const struct outbox_message *m, bool accepted)
{
	check(sim.record->delivery_count < DELIVERIES_MAX);
	char key[256];
	int n = snprintf(key, sizeof key, "%u %.*s %u %.*s %d", m->key.customer, STR_ARG(m->key.plan), m->key.run_no,
	                 STR_ARG(m->key.step), m->key.channel);
	const struct run *r = run_of(l, m);
	struct delivery *d = &sim.record->deliveries[sim.record->delivery_count];
	*d = (struct delivery){ .who = m->key.customer,
		                    .key = hash64(key, (size_t)n, 0),
		                    .cart = r ? r->subject : 0,
		                    .at = sim.now,
		                    .marketing = m->purpose == PURPOSE_MARKETING,
		                    .email = m->key.channel == CHANNEL_EMAIL,
		                    .accepted = accepted,
		                    .control = r && r->control };
	snprintf(d->plan, sizeof d->plan, "%.*s", STR_ARG(m->key.plan));
	sim.record->delivery_count++;
}

static struct settlement hand_off(void *ctx, struct live *l, const struct outbox_message *m, struct arena *a,
                                  struct instant now)
{
	(void)ctx, (void)a;
	struct settlement s = { .to = MESSAGE_ACCEPTED, .at = now, .outcome = STR("250") };
	uint32_t luck = sim.faults ? rng_below(&sim.rng, 100) : 99;
	if (sim.crash_after && --sim.crash_after == 0) {
		bool arrived = rng_below(&sim.rng, 2); /* before or after the server took it: nobody can know */
		if (arrived)
			note_delivery(l, m, true);
		_exit(CRASHED);
	}
	if (luck < 6) {
		s.to = MESSAGE_DEFERRED;
		s.try_after.s = now.s + 600;
		sim.record->deferrals++;
	} else if (luck < 9) {
		s.to = MESSAGE_REFUSED;
		sim.record->refusals++;
	} else if (luck < 11) {
		s.to = MESSAGE_UNCERTAIN;
		sim.record->uncertain++;
		note_delivery(l, m, true); /* it may well have arrived */
	} else {
		note_delivery(l, m, true);
	}
	return s;
}

/* ---- the same in the background: what became of messages is told later, a few at a time ---- */

enum { ON_THE_WIRE_MAX = 4096 };

static struct {
	struct delivered all[ON_THE_WIRE_MAX];
	size_t from, to; /* not told yet */
	struct arena arena;
	bool over; /* nothing is kept back any more */
} wire;

static void put_on_the_wire(void *ctx, struct live *l, const struct outbox_message *messages, size_t count,
                            struct settlement *out, struct arena *a, struct instant now)
{
	for (size_t i = 0; i < count; i++) {
		check(wire.to < ON_THE_WIRE_MAX);
		struct delivered *d = &wire.all[wire.to++];
		*d = (struct delivered){ .key = messages[i].key, .said = hand_off(ctx, l, &messages[i], a, now) };
		d->key.plan = arena_str(&wire.arena, d->key.plan);
		d->key.step = arena_str(&wire.arena, d->key.step);
		out[i] = (struct settlement){ .to = MESSAGE_SENDING, .at = now };
	}
}

static bool wire_room(void *ctx, struct live *l)
{
	return true;
}

static bool wire_arrived(void *ctx)
{
	return wire.from < wire.to;
}

static size_t wire_collect(void *ctx, struct live *l, struct delivered out[OUTBOX_CLAIM_MAX], struct arena *a)
{
	size_t n = wire.to - wire.from;
	n = n < OUTBOX_CLAIM_MAX ? n : OUTBOX_CLAIM_MAX;
	if (!wire.over && n) /* half of the times nothing, else one or two */
		n = rng_below(&sim.rng, 2) ? 0 : n < 2 ? n : 1 + rng_below(&sim.rng, 2);
	for (size_t i = 0; i < n; i++) {
		out[i] = wire.all[wire.from + i];
		out[i].said.at = l->now;
	}
	return n;
}

static void wire_collected(void *ctx, size_t count)
{
	wire.from += count;
}

static void wire_recall(void *ctx, customer_id who)
{
	/* what is on the wire does not come back */
}

static void wire_finish(void *ctx)
{
	wire.over = true;
}

static const struct courier AT_ONCE = { .render = render, .hand_off = hand_off };
static const struct courier IN_BACKGROUND = { .render = render,
	                                          .hand_off_all = put_on_the_wire,
	                                          .hand_off = hand_off,
	                                          .room = wire_room,
	                                          .arrived = wire_arrived,
	                                          .collect = wire_collect,
	                                          .collected = wire_collected,
	                                          .recall = wire_recall,
	                                          .finish = wire_finish };

/* ---- the shop's people ---- */

static void put(struct store_batch *b, struct fact *f, struct buf *body)
{
	struct err err;
	bool quarantined;
	f->body = buf_view(body);
	if (!store_batch_fact(b, f, &quarantined, &err))
		die(err.text);
	buf_release(body);
}

static void put_happening(struct store_batch *b, customer_id who, enum kind kind, int64_t at, uint32_t cart)
{
	char key[64], id[32];
	struct buf body;
	struct fact f = { .customer = who, .at = { at }, .learned_at = { sim.now } };
	snprintf(key, sizeof key, "sim:%" PRId64, sim.next_id++);
	snprintf(id, sizeof id, "c%u", cart);
	f.key = str_from(key);
	buf_init(&body, BODY_MAX);
	struct line line = { 1, 1, 1000 + (int64_t)rng_below(&sim.rng, 9000) };
	switch (kind) {
	case ORDERED:
		f.kind = FACT_ORDER;
		body_write_order(&(struct order_body){ .lines = &line, .line_count = 1 }, &body);
		break;
	case CART_FILLED:
	case PAID:
		f.kind = FACT_CART;
		body_write_cart(&(struct cart_body){ .cart = str_from(id),
		                                     .state = kind == PAID ? CART_PAID : CART_CHANGED,
		                                     .lines = &line,
		                                     .line_count = 1 },
		                &body);
		break;
	case WITHDREW:
	case GRANTED:
		f.kind = FACT_CONSENT;
		body_write_consent(&(struct consent_body){ .channel = CHANNEL_EMAIL,
		                                           .purpose = PURPOSE_MARKETING,
		                                           .state = kind == WITHDREW ? CONSENT_WITHDRAWN : CONSENT_GRANTED,
		                                           .source = STR("simulation") },
		                   &body);
		break;
	}
	put(b, &f, &body);
	check(sim.record->happening_count < HAPPENINGS_MAX);
	sim.record->happenings[sim.record->happening_count++] =
		(struct happening){ who, kind, at, hash64(id, strlen(id), 0) };
}

static struct db *open_shop(struct shop *shop)
{
	struct err err;
	struct db *db = store_open(sim.address, false, shop, &err);
	if (!db)
		die(err.text);
	return db;
}

/* A plan of the simulation's own: a budget, a tag, and a step that asks for the tag. */
static const char THANKS[] = "plan: thanks\nenter: {when: order}\ncontrol: 0%\npriority: 90\n"
							 "budget: 0.20 EUR per month\n"
							 "steps:\n  - {at: J, send: thanks}\n  - {at: J, tag: thanked}\n"
							 "  - {at: J+3, send: more, if: 'tag(\"thanked\")'}\n";

static void switch_thanks_on(struct db *db, const struct settings *settings, struct plan_issues *issues)
{
	struct err err;
	struct arena a;
	struct switch_result r;
	struct expr_context context;
	arena_init(&a);
	plans_context(settings, &context);
	const struct plan *p = plan_read(STR("thanks"), str_from(THANKS), &context, &a, issues);
	if (!p || !switch_plan_on(db, p, (struct instant){ sim.now }, &r, &err))
		die(p ? err.text : "the simulation's own plan does not compile");
	arena_release(&a);
}

static void make_shop(void)
{
	struct err err;
	struct shop shop = { .seed = sim.seed };
	check(zone_find(STR("Europe/Paris"), &shop.zone));
	check(currency_find(STR("EUR"), &shop.currency));
	if (!store_init(sim.address, &shop, &err))
		die(err.text);
	struct db *db = open_shop(&shop);
	struct store_ids *ids = store_ids_load(db, &err);
	struct store_batch *b = store_batch_begin(db, ids, (struct instant){ sim.now }, &err);
	if (!ids || !b)
		die(err.text);
	store_product(ids, STR("THING"), &(bool){ false });
	for (int i = 0; i < PEOPLE; i++) {
		char ref[16], key[32];
		snprintf(ref, sizeof ref, "p%d", i);
		snprintf(key, sizeof key, "profile:%d", i);
		customer_id c = store_customer(ids, str_from(ref), &(bool){ false });
		struct buf body;
		buf_init(&body, BODY_MAX);
		body_write_profile(&(struct profile_body){ .locale = -1,
		                                           .created = { sim.now - 400 * DAY_S },
		                                           .born = DATE_UNKNOWN,
		                                           .reach = REACH_EMAIL,
		                                           .address = i % 20 == 1 ? 77 : 1000u + (unsigned)i,
		                                           .zone = i % 7 ? STR("") : STR("America/New_York") },
		                   &body);
		struct fact f = { .customer = c,
			              .kind = FACT_PROFILE,
			              .key = str_from(key),
			              .at = { sim.now - DAY_S },
			              .learned_at = { sim.now } };
		put(b, &f, &body);
		if (rng_below(&sim.rng, 10) < 9)
			put_happening(b, c, GRANTED, sim.now - 300 * DAY_S, 0);
		if (rng_below(&sim.rng, 10) < 7)
			put_happening(b, c, ORDERED, sim.now - (int64_t)(60 + rng_below(&sim.rng, 200)) * DAY_S, 0);
	}
	if (!store_batch_commit(b, &err))
		die(err.text);
	store_ids_free(ids);
	struct settings *settings = mem_alloc(sizeof *settings);
	settings_defaults(settings, shop.zone, shop.locale, shop.currency);
	struct plan_set *set = mem_alloc(sizeof *set);
	struct plan_issues issues;
	struct arena a;
	arena_init(&a);
	if (!plans_load(NULL, settings, (struct instant){ 0 }, &a, set, &issues, &err))
		die(err.text);
	for (size_t i = 0; i < set->count; i++) {
		struct switch_result r;
		if (!switch_plan_on(db, set->plans[i], (struct instant){ sim.now }, &r, &err))
			die(err.text);
	}
	switch_thanks_on(db, settings, &issues);
	arena_release(&a);
	free(set);
	free(settings);
	db_close(db);
}

/* Between two ticks: what people do. */
static void live_a_while(int64_t from, int64_t to)
{
	struct err err;
	struct shop shop;
	struct db *db = open_shop(&shop);
	struct store_batch *b = store_batch_begin(db, NULL, (struct instant){ to }, &err);
	if (!b)
		die(err.text);
	sim.now = to;
	for (customer_id c = 1; c <= PEOPLE; c++) {
		int64_t at = from + 1 + (int64_t)rng_below(&sim.rng, (uint32_t)(to - from));
		uint32_t luck = rng_below(&sim.rng, 1000), cart = c * 100 + rng_below(&sim.rng, 3);
		if (luck < 8)
			put_happening(b, c, ORDERED, at, 0);
		else if (luck < 30)
			put_happening(b, c, CART_FILLED, at, cart);
		else if (luck < 42)
			put_happening(b, c, PAID, at, cart);
		else if (luck < 44)
			put_happening(b, c, WITHDREW, at, 0);
		else if (luck < 46)
			put_happening(b, c, GRANTED, at, 0);
	}
	if (!store_batch_commit(b, &err))
		die(err.text);
	db_close(db);
}

/* ---- a tick in a process of its own ---- */

static void tick(int64_t at)
{
	uint32_t crash = sim.faults && rng_below(&sim.rng, 4) == 0 ? 1 + rng_below(&sim.rng, 6) : 0;
	uint64_t stream = rng_u64(&sim.rng);
	int64_t again = rng_below(&sim.rng, 4) == 0 ? at + 900 : 0; /* the process lives on for a second tick */
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct err err;
		rng_init(&sim.rng, sim.seed, stream);
		sim.crash_after = crash;
		sim.now = at;
		struct live_options o = { .owner = "sim",
			                      .threads = 1 + (int)rng_below(&sim.rng, 3),
			                      .lease_s = 1,
			                      .courier = rng_below(&sim.rng, 2) ? IN_BACKGROUND : AT_ONCE };
		arena_init(&wire.arena);
		struct live *l = live_open(sim.address, &o, (struct instant){ at }, &err);
		struct tick_result r;
		if (!l || !live_tick(l, (struct instant){ at }, &r, &err)) {
			printf("seed %" PRIu64 ": tick: %s\n", sim.seed, err.text);
			fflush(stdout);
			_exit(1);
		}
		sim.now = again;
		if (again && !live_tick(l, (struct instant){ again }, &r, &err)) {
			printf("seed %" PRIu64 ": second tick: %s\n", sim.seed, err.text);
			fflush(stdout);
			_exit(1);
		}
		live_close(l);
		_exit(0);
	}
	int status;
	sim.now = again ? again : at;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		die("a tick died");
	if (WEXITSTATUS(status) == CRASHED)
		sim.record->crashes++;
	else if (WEXITSTATUS(status) != 0)
		exit(1);
}

/* ---- what must hold ---- */

static bool allowed_at(customer_id who, int64_t before)
{
	bool yes = false;
	int64_t when = INT64_MIN;
	for (uint32_t i = 0; i < sim.record->happening_count; i++) {
		const struct happening *h = &sim.record->happenings[i];
		if (h->who != who || h->at > before || (h->kind != WITHDREW && h->kind != GRANTED))
			continue;
		if (h->at > when || (h->at == when && h->kind == WITHDREW)) {
			yes = h->kind == GRANTED;
			when = h->at;
		}
	}
	return yes;
}

static void check_pressure(const struct delivery *d, uint32_t until)
{
	int mails = 0, all = 0;
	for (uint32_t i = 0; i <= until; i++) {
		const struct delivery *e = &sim.record->deliveries[i];
		if (e->who != d->who || !e->marketing || e->at <= d->at - 7 * DAY_S)
			continue;
		mails += e->email;
		all++;
	}
	if (mails > 2)
		die("more than two marketing mails in seven days");
	if (all > 3)
		die("more than three messages in seven days");
}

static void check_since(uint32_t from)
{
	for (uint32_t i = from; i < sim.record->delivery_count; i++) {
		const struct delivery *d = &sim.record->deliveries[i];
		if (d->marketing && !allowed_at(d->who, d->at))
			die("a message left for somebody who had withdrawn");
		if (d->control && d->marketing)
			die("a message left for somebody in the control group");
		for (uint32_t k = 0; k < i; k++)
			if (sim.record->deliveries[k].key == d->key)
				die("one message was handed over twice");
		if (d->marketing)
			check_pressure(d, i);
		if (strcmp(d->plan, "abandoned-cart") == 0) {
			int64_t last = INT64_MIN;
			enum kind state = CART_FILLED;
			for (uint32_t k = 0; k < sim.record->happening_count; k++) {
				const struct happening *h = &sim.record->happenings[k];
				if (h->who == d->who && h->cart == d->cart && (h->kind == PAID || h->kind == CART_FILLED) &&
				    h->at >= last && h->at <= d->at) {
					last = h->at;
					state = h->kind;
				}
			}
			if (state == PAID)
				die("a cart reminder left after the cart was paid");
		}
	}
}

/* Of the plan with the budget: how many were queued in each month and not dropped or refused since. */
static bool count_month(void *ctx, const struct outbox_message *m, struct err *err)
{
	int *months = ctx, y, month, d;
	zone_id paris;
	(void)err;
	if (!str_is(m->key.plan, "thanks") || m->state == MESSAGE_DROPPED || m->state == MESSAGE_REFUSED)
		return true;
	check(zone_find(STR("Europe/Paris"), &paris));
	date_ymd(zone_date(paris, m->queued_at), &y, &month, &d);
	months[(y - 2025) * 12 + month - 1]++;
	return true;
}

static void check_budget(struct db *db)
{
	struct err err;
	int months[36] = { 0 }, full = 0;
	if (!outbox_messages(db, 1, PEOPLE, count_month, months, &err))
		die(err.text);
	for (size_t i = 0; i < ARRAY_LEN(months); i++) {
		if (months[i] > 10)
			die("a month's budget was overspent");
		full += months[i] == 10;
	}
	if (full == 0)
		die("no month's budget was ever spent: the simulation shows nothing");
}

static void finding(void *ctx, const char *text)
{
	(void)ctx;
	printf("check: %s\n", text);
}

static void check_end(void)
{
	struct err err;
	struct shop shop;
	struct db *db = open_shop(&shop);
	int64_t findings, counts[MESSAGE_STATE_COUNT];
	if (!store_check(db, finding, NULL, &findings, &err) || !outbox_counts(db, counts, &err))
		die(err.text);
	if (findings)
		die("relance check found something");
	if (counts[MESSAGE_CLAIMED] || counts[MESSAGE_SENDING] || counts[MESSAGE_DEFERRED])
		die("messages are left in flight after the faults ended");
	printf("seed %" PRIu64 ": %u messages left, %" PRIu64 " crashes, %" PRIu64 " deferred, %" PRIu64
	       " refused, %" PRIu64 " uncertain; accepted %" PRId64 ", uncertain %" PRId64 ", dropped %" PRId64 "\n",
	       sim.seed, sim.record->delivery_count, sim.record->crashes, sim.record->deferrals, sim.record->refusals,
	       sim.record->uncertain, counts[MESSAGE_ACCEPTED], counts[MESSAGE_UNCERTAIN], counts[MESSAGE_DROPPED]);
	if (sim.record->delivery_count == 0)
		die("nothing left at all");
	check_budget(db);
	db_close(db);
}

static void check_audit(void)
{
	struct err err;
	struct audit_result r;
	if (!audit_run(sim.address, NULL, NULL, &r, &err))
		die(err.text);
	if (!r.same) {
		printf("tick %" PRId64 " round %" PRId64 " at %" PRId64 ": %s\n", r.tick, r.round, r.at.s, r.what);
		die("the audit differs");
	}
	if (r.decisions == 0 || r.claims == 0)
		die("the audit repeated nothing");
	printf("audit: %" PRIu64 " ticks (%" PRIu64 " cut off), %" PRIu64 " decisions, %" PRIu64 " claims: the same\n",
	       r.ticks, r.unfinished, r.decisions, r.claims);
}

int main(int argc, char **argv)
{
	sim.seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	rng_init(&sim.rng, sim.seed, 0);
	if (argc > 2 && strcmp(argv[2], "postgres") == 0)
		days = 40; /* the same for less long: a server of its own is slow to be asked */
	sim.record = mmap(NULL, sizeof *sim.record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(sim.record != MAP_FAILED);
	snprintf(sim.folder, sizeof sim.folder, "%s/relance-sim-XXXXXX",
	         getenv("TMPDIR")                ? getenv("TMPDIR")
	         : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
	                                         : "/tmp");
	check(mkdtemp(sim.folder));
	const char *server = getenv("RELANCE_TEST_PG");
	if (argc > 2 && strcmp(argv[2], "postgres") == 0 && (!server || !*server)) {
		puts("skipped: RELANCE_TEST_PG is not set (tools/with_postgres.sh sets it)");
		return 77;
	}
	if (argc > 2 && strcmp(argv[2], "postgres") == 0)
		snprintf(sim.address, sizeof sim.address, "%s", server);
	else if (argc > 2)
		snprintf(sim.address, sizeof sim.address, "%s", argv[2]);
	else
		snprintf(sim.address, sizeof sim.address, "%s/shop.db", sim.folder);
	sim.now = 1735689600 + (int64_t)rng_below(&sim.rng, 300) * DAY_S; /* somewhere in 2025 */
	make_shop();
	int64_t end = sim.now + days * (int64_t)DAY_S;
	sim.faults = true;
	while (sim.now < end) {
		int64_t from = sim.now, to = from + 1800 + (int64_t)rng_below(&sim.rng, 8 * HOUR_S);
		live_a_while(from, to);
		uint32_t before = sim.record->delivery_count;
		tick(to);
		check_since(before);
	}
	sim.faults = false;
	for (int i = 0; i < 20; i++) {
		uint32_t before = sim.record->delivery_count;
		sim.now += 12 * HOUR_S;
		tick(sim.now);
		check_since(before);
	}
	check_end();
	check_audit();
	char command[300];
	snprintf(command, sizeof command, "rm -rf '%s'", sim.folder);
	return system(command) == 0 ? 0 : 1;
}
