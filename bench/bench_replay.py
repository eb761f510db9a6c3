"""Replay of three years of a simulated shop beside the same daily eligibility as indexed SQL: the anti-churn and abandoned-cart plans, then six.

    tools/with_postgres.sh python3 bench/bench_replay.py RELANCE [--json] [--keep FILE]

BENCH_CUSTOMERS (1000000) customers. Ours: `relance replay` over the whole history, one thread and all; its own clock, database read
and start-up left out, every decision of every customer written into the trace's hash. PostgreSQL: the facts in plain typed tables with
indexes, analysed, in a warm cache; for 30 days spread evenly over the history the two questions that a day asks: who has slept for six
months and may be written to, the 500 most valuable first; whose cart was left unpaid for three hours, no order since. Only eligibility:
no runs, no steps, no pressure, no control group, no story of why. Of two ways to write the first question the faster counts, day by day.
The six plans (welcome, anti-churn, birthday, abandoned cart, cross-sell, survey; the other plans shipped are left out) ask four
questions more of PostgreSQL: who is new, whose birthday month begins (on the first of a month alone), who bought thirty days ago and
not since, who bought seven days ago. The mean day × all days is the extrapolation that the ratio is against. Also: database bytes per customer and the size of the program.
"""
import datetime
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
YEARS, DAYS_SAMPLED, DAY = 3, 30, 86400
KERNEL = ("anti-churn", "abandoned-cart")
SIX = KERNEL + ("welcome", "birthday", "cross-sell", "survey")
UNTIL = "2026-01-01"
AS_JSON = "--json" in sys.argv
ORDER, CART, CONSENT, PROFILE = 1, 2, 3, 4


def say(work, ours, baseline=None, unit="", goal="-"):
    if AS_JSON:
        out = {"work": work, "ours": round(ours, 4), "unit": unit, "goal": goal}
        if baseline:
            out |= {"baseline": round(baseline, 4), "ratio": round(ours / baseline, 3)}
        print(json.dumps(out), flush=True)
    else:
        beside = f"{baseline:12.4g} {ours / baseline:8.2f}" if baseline else f"{'-':>12} {'-':>8}"
        print(f"{work:<58} {ours:12.4g} {beside}  {unit:<8} goal {goal}", flush=True)


def run(*args, **more):
    return subprocess.run([str(a) for a in args], check=True, capture_output=True, text=True, **more).stdout


def replay(relance, db, plans, threads):
    first = f"{int(UNTIL[:4]) - YEARS}-01-01"
    out = run(relance, "replay", db, "--plans", plans, "--from", first, "--to", "2025-12-31", "--threads", threads, "--format", "json")
    return json.loads(out)


def psql(text, **more):
    return run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", os.environ["RELANCE_TEST_PG"], "-c", text, **more)


TABLES = """
CREATE TABLE customer (id int, reach int, created bigint, month int);
CREATE TABLE sale (customer int, at bigint, total bigint, positive boolean);
CREATE TABLE cart (customer int, at bigint, cart text, state text);
CREATE TABLE consent (customer int, at bigint, channel text, state text);
"""
INDEXES = """
ALTER TABLE customer ADD PRIMARY KEY (id);
CREATE INDEX ON customer (created);
CREATE INDEX ON customer (month);
CREATE INDEX ON sale (customer, at DESC) INCLUDE (total, positive);
CREATE INDEX ON sale (at);
CREATE INDEX ON cart (at) INCLUDE (customer, cart, state);
CREATE INDEX ON cart (customer, cart, at);
CREATE INDEX ON consent (customer, channel, at DESC) INCLUDE (state);
VACUUM ANALYZE;
"""
ALLOWED = """ (SELECT state FROM consent n WHERE n.customer = {who} AND n.channel = 'email' AND n.at < {now}
    ORDER BY n.at DESC LIMIT 1) IN ('granted', 'soft') """
# Six months by the calendar, in the shop's zone; the day starts at {now}.
SLEEPERS_BY_CUSTOMER = """
SELECT c.id, s.spend FROM customer c
 CROSS JOIN LATERAL (SELECT at FROM sale o WHERE o.customer = c.id AND o.at < {now} AND o.positive ORDER BY at DESC LIMIT 1) l
 CROSS JOIN LATERAL (SELECT sum(total) spend FROM sale o WHERE o.customer = c.id AND o.at < {now}) s
WHERE l.at < {sleeping} AND (""" + ALLOWED + """ OR c.reach & 4 = 4)
ORDER BY s.spend DESC, c.id LIMIT 500"""
SLEEPERS_GROUPED = """
SELECT c.id, s.spend FROM (SELECT customer, sum(total) spend, max(at) FILTER (WHERE positive) last FROM sale WHERE at < {now}
   GROUP BY customer) s JOIN customer c ON c.id = s.customer
WHERE s.last < {sleeping} AND (""" + ALLOWED + """ OR c.reach & 4 = 4)
ORDER BY s.spend DESC, c.id LIMIT 500"""
CARTS = """
SELECT k.customer, k.cart FROM cart k
WHERE k.at >= {now} - 10800 AND k.at < {now} + 75600 AND k.state = 'changed'
 AND NOT EXISTS (SELECT 1 FROM cart x WHERE x.customer = k.customer AND x.cart = k.cart AND x.at > k.at AND x.at <= k.at + 10800)
 AND NOT EXISTS (SELECT 1 FROM sale o WHERE o.customer = k.customer AND o.at > k.at AND o.at <= k.at + 10800 AND o.positive)
 AND """ + ALLOWED


NEW = """
SELECT c.id FROM customer c WHERE c.created >= {now} AND c.created < {now} + 86400 AND """ + ALLOWED + """
UNION SELECT s.customer FROM sale s JOIN customer c ON c.id = s.customer
 WHERE s.at >= {now} AND s.at < {now} + 86400 AND s.positive
 AND NOT EXISTS (SELECT 1 FROM sale o WHERE o.customer = s.customer AND o.at < s.at AND o.positive) AND """ + ALLOWED
BIRTHDAYS = "SELECT c.id FROM customer c WHERE c.month = {month} AND " + ALLOWED
BOUGHT_THEN = """
SELECT s.customer FROM sale s WHERE s.at >= {now} - 30 * 86400 AND s.at < {now} - 29 * 86400 AND s.positive
 AND NOT EXISTS (SELECT 1 FROM sale o WHERE o.customer = s.customer AND o.at > s.at AND o.at < {now} AND o.positive) AND """ + ALLOWED
ASKED = """
SELECT s.customer FROM sale s JOIN customer c ON c.id = s.customer
WHERE s.at >= {now} - 7 * 86400 AND s.at < {now} - 6 * 86400 AND s.positive AND c.reach & 1 = 1"""


def born_month(day):
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).month


def fill(db):
    """The facts of the shop into the plain tables of PostgreSQL."""
    psql(TABLES)
    copies = {t: subprocess.Popen(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", os.environ["RELANCE_TEST_PG"], "-c", f"COPY {t} FROM STDIN"],
                                  stdin=subprocess.PIPE, text=True) for t in ("customer", "sale", "cart", "consent")}
    for customer, kind, at, body in sqlite3.connect(db).execute("SELECT customer_id, kind, at, body FROM fact WHERE kind <= 4"):
        b = json.loads(body)
        if kind == ORDER:
            copies["sale"].stdin.write(f"{customer}\t{at}\t{sum(l[2] for l in b['lines'])}\t{any(l[1] > 0 for l in b['lines'])}\n")
        elif kind == CART:
            copies["cart"].stdin.write(f"{customer}\t{at}\t{b['cart']}\t{b['state']}\n")
        elif kind == CONSENT:
            copies["consent"].stdin.write(f"{customer}\t{at}\t{b['channel']}\t{b['state']}\n")
        elif kind == PROFILE:
            month = born_month(b["born"]) if "born" in b else "\\N"
            copies["customer"].stdin.write(f"{customer}\t{b.get('reach', 0)}\t{b.get('created', 0)}\t{month}\n")
    for name, p in copies.items():
        p.stdin.close()
        if p.wait() != 0:
            sys.exit(f"bench_replay: COPY {name} failed")
    for statement in INDEXES.strip().split(";"):
        if statement.strip():
            psql(statement)


def midnight(text):
    return int(run("date", "-d", f'TZ="Europe/Paris" {text}', "+%s"))


def timed(text):
    t0 = time.monotonic()
    rows = psql(text).count("\n")
    return time.monotonic() - t0, rows


def sql_days():
    first, last = midnight("2023-01-01"), midnight("2025-12-31")
    days = (last - first) // DAY + 1
    none = min(timed("SELECT 1")[0] for _ in range(5))  # starting psql is not the database's work
    total, more, sleepers, carts, others = 0.0, 0.0, 0, 0, 0
    for i in range(DAYS_SAMPLED):
        day = run("date", "-d", f"2023-01-01 + {(2 * i + 1) * days // (2 * DAYS_SAMPLED)} days", "+%F").strip()
        now, sleeping = midnight(day), midnight(f"{day} 6 months ago")
        best, n = min(timed(q.format(now=now, sleeping=sleeping, who="c.id")) for q in (SLEEPERS_BY_CUSTOMER, SLEEPERS_GROUPED))
        t, k = timed(CARTS.format(now=now, who="k.customer"))
        total += best - none + t - none
        sleepers, carts = sleepers + n, carts + k
        for q, who in ((NEW, "c.id"), (BOUGHT_THEN, "s.customer"), (ASKED, "")):
            t, n = timed(q.format(now=now, who=who))
            more, others = more + t - none, others + n
    for month in range(1, 13):  # three times each in these years, each on one day
        t, n = timed(BIRTHDAYS.format(now=midnight(f"2025-{month:02}-01"), month=month, who="c.id"))
        more, others = more + (t - none) * YEARS * DAYS_SAMPLED / days, others + n * YEARS * DAYS_SAMPLED // days
    return total / DAYS_SAMPLED, (total + more) / DAYS_SAMPLED, days, sleepers, carts, others


def main():
    relance = pathlib.Path(sys.argv[1]).resolve()
    work = pathlib.Path(tempfile.mkdtemp(prefix="relance-bench-", dir=os.environ.get("BENCH_DIR")))
    try:
        db = work / "shop.db"
        t0 = time.monotonic()
        made = json.loads(run(relance, "simulate", db, "--customers", CUSTOMERS, "--years", YEARS, "--seed", 7, "--until", UNTIL,
                              "--format", "json"))
        say(f"simulate {CUSTOMERS} customers, {YEARS} years: facts", made["facts"] / (time.monotonic() - t0), None, "/s")
        say("database", made["bytes"] / CUSTOMERS, None, "B/cust.")
        say("program, dynamically linked", stripped(relance, work) / 1e6, None, "MB", "<= 10")
        kernel = played(relance, db, work, "two plans", KERNEL, ">= 2e6")
        six = played(relance, db, work, "six plans", SIX, ">= 1.5e6")
        if not os.environ.get("RELANCE_TEST_PG"):
            print("bench_replay: no PostgreSQL here: no baseline", file=sys.stderr)
            return
        fill(db)
        mean, mean_six, days, sleepers, carts, others = sql_days()
        print(f"# PostgreSQL: mean of {DAYS_SAMPLED} sampled days {mean:.4f} s ({sleepers / DAYS_SAMPLED:.0f} sleepers, "
              f"{carts / DAYS_SAMPLED:.0f} carts a day), extrapolated to {days} days: {mean * days:.1f} s; with the other four plans "
              f"({others / DAYS_SAMPLED:.0f} people more) {mean_six * days:.1f} s", file=sys.stderr)
        for name, (one, every), sql in (("two plans", kernel, mean), ("six plans", six, mean_six)):
            say(f"{name}: all days beside SQL, all threads: days", days / every["seconds"], 1 / sql, "/s", ">= 50x")
            say("  one thread: days", days / one["seconds"], 1 / sql, "/s", "-")
    finally:
        shutil.rmtree(work)


def played(relance, db, work, name, names, goal):
    """On one thread and on all: the same trace."""
    plans = work / name.replace(" ", "-")
    plans.mkdir()
    for plan in names:
        shutil.copy(ROOT / "plans" / f"{plan}.yaml", plans)
    one, every = replay(relance, db, plans, 1), replay(relance, db, plans, 0)
    if one["trace_sha256"] != every["trace_sha256"]:
        sys.exit("bench_replay: the trace depends on the number of threads")
    say(f"replay, {name}, one thread: facts", one["facts"] / one["seconds"], None, "/s", goal)
    say(f"replay, {name}, {os.cpu_count()} threads: facts", every["facts"] / every["seconds"], None, "/s",
        f">= 3x ({one['seconds'] / every['seconds']:.2f}x)")
    return one, every


def stripped(program, work):
    copy = work / "program"
    shutil.copy(program, copy)
    subprocess.run(["strip", str(copy)], check=True)
    return copy.stat().st_size


main()
