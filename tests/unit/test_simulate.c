/* The simulated shop: reactions to messages against the table of true effects, and a build that fails or is killed at
 * any point. What the rows hold is tested in tests/cli/test_simulate.py. */
#include "app/simulate.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PEOPLE = 200000, SEED = 7 };

static char dir[64], path[80];

static struct simulate_options options(uint32_t customers)
{
	return (struct simulate_options){ .address = path,
		                              .customers = customers,
		                              .years = 2,
		                              .seed = SEED,
		                              .until = date_from_ymd(2026, 1, 1),
		                              .threads = 2 };
}

static void dir_make(void)
{
	snprintf(dir, sizeof dir, "/tmp/relance-simulate-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/shop.db", dir);
}

static void dir_remove(void)
{
	static const char *const TAILS[] = {
		"",          "-wal",          "-shm",          ".key",          ".mark",
		".building", ".building-wal", ".building-shm", ".building.key", ".building.mark"
	};
	char file[128];
	for (size_t i = 0; i < ARRAY_LEN(TAILS); i++) {
		snprintf(file, sizeof file, "%s%s", path, TAILS[i]);
		unlink(file);
	}
	ck_assert_int_eq(rmdir(dir), 0); /* and nothing else was there */
}

static bool exists(const char *tail)
{
	char file[128];
	struct stat st;
	snprintf(file, sizeof file, "%s%s", path, tail);
	return stat(file, &st) == 0;
}

START_TEST(reactions_have_the_true_effects)
{
	struct instant at = { 1767222000 };
	for (size_t e = 0; e < SIMULATE_EFFECT_COUNT; e++) {
		const struct simulate_effect *f = &SIMULATE_EFFECTS[e];
		struct str plan = str_from(f->plan[0] ? f->plan : "my-own");
		double opened = 0, clicked = 0, ordered = 0, left = 0, delivered = 0, truth = 0;
		for (customer_id c = 1; c <= PEOPLE; c++) {
			struct simulate_reaction r;
			simulate_response(SEED, c, plan, STR("one-1"), at, &r);
			truth += simulate_uplift(SEED, c, plan, STR("one-1"));
			delivered += !r.hard_bounce && !r.soft_bounce;
			opened += r.opened;
			clicked += r.clicked;
			ordered += r.ordered;
			left += r.unsubscribed;
			ck_assert(!r.clicked || (r.opened && r.clicked_at.s > r.opened_at.s && r.opened_at.s > at.s));
			ck_assert(r.ordered == (r.spend_cents > 0) && (!r.ordered || r.ordered_at.s > at.s));
			ck_assert(r.ordered || r.ordered_at.s == INSTANT_NEVER.s);
		}
		ck_assert_double_eq_tol(opened / delivered, f->open, 0.006);
		ck_assert_double_eq_tol(clicked / opened, f->click_of_open, 0.006);
		ck_assert_double_eq_tol(ordered / delivered, f->order, 0.003);
		ck_assert_double_eq_tol(truth / PEOPLE, ordered / PEOPLE, 0.003);
		ck_assert_double_eq_tol(left / delivered, f->unsubscribe, 0.001);
		ck_assert_double_eq_tol(delivered / PEOPLE, 0.975, 0.003);
	}
}
END_TEST

START_TEST(reactions_are_repeatable)
{
	struct instant at = { 1767222000 }, tomorrow = { 1767222000 + DAY_S };
	int other = 0, first = 0, third = 0;
	for (customer_id c = 1; c <= 20000; c++) {
		struct simulate_reaction a, b, d;
		simulate_response(SEED, c, STR("anti-churn"), STR("winback-1"), at, &a);
		simulate_response(SEED, c, STR("anti-churn"), STR("winback-1"), at, &b);
		ck_assert(a.opened == b.opened && a.opened_at.s == b.opened_at.s && a.ordered_at.s == b.ordered_at.s &&
		          a.spend_cents == b.spend_cents && a.unsubscribed == b.unsubscribed);
		simulate_response(SEED, c, STR("anti-churn"), STR("winback-3"), tomorrow, &d);
		other += a.opened != d.opened;
		first += a.opened;
		third += d.opened;
	}
	ck_assert_int_gt(other, 4000);                              /* another message is another draw */
	ck_assert_double_eq_tol((double)third / first, 0.64, 0.04); /* step_decay twice */
}
END_TEST

/* The nth operation on the database fails, for rising n: no file under the name, or all of it. */
START_TEST(a_failure_leaves_nothing)
{
	dir_make();
	int64_t n = 1;
	for (bool fired = true; fired; n += 1 + n / 12) {
		struct simulate_options o = options(30);
		struct simulate_result r;
		struct err err = { 0 };
		db_fault(n);
		bool ok = simulate_run(&o, &r, &err);
		fired = db_fault(0) == 0;
		ck_assert_msg(ok == exists("") || !ok, "fault %lld", (long long)n);
		ck_assert(!exists(".building") && !exists(".building.key"));
		ck_assert(ok || err.text[0]);
		if (exists("")) { /* the mark beside a whole database may be what failed */
			ck_assert(exists(".key"));
			struct shop shop;
			int64_t findings = -1;
			struct db *db = store_open(path, false, &shop, &err);
			ck_assert_msg(db && store_check(db, NULL, NULL, &findings, &err) && findings == 0, "fault %lld: %s",
			              (long long)n, err.text);
			db_close(db);
		}
		dir_remove();
		dir_make();
	}
	ck_assert_int_gt(n, 200);
	dir_remove();
}
END_TEST

/* Killed on the way: the name is free, and the next run clears up. */
START_TEST(a_kill_leaves_the_name_free)
{
	static const int64_t AT[] = { 3, 60, 150, 700, 1200 };
	for (size_t i = 0; i < ARRAY_LEN(AT); i++) {
		struct simulate_options o = options(60);
		struct simulate_result r;
		struct err err = { 0 };
		int status;
		dir_make();
		pid_t child = fork();
		if (child == 0) {
			db_fault(-AT[i]);
			_exit(simulate_run(&o, &r, &err) ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(WEXITSTATUS(status), DB_FAULT_EXIT);
		ck_assert(!exists("") && exists(".building"));
		ck_assert_msg(simulate_run(&o, &r, &err), "%s", err.text);
		ck_assert(exists("") && !exists(".building"));
		dir_remove();
	}
}
END_TEST

UNIT_MAIN("simulate", reactions_have_the_true_effects, reactions_are_repeatable, a_failure_leaves_nothing,
          a_kill_leaves_the_name_free)
