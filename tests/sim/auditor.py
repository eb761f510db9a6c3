#!/usr/bin/env python3
"""A second, naive implementation of the two kernel plans, from doc/semantics.md and plans/*.yaml alone, compared decision by
decision with `relance replay --trace` on little random shops: auditor.py RELANCE [SEED…].

It reads the tables (sqlite3, JSON bodies), not the program's memory, looks at everybody at every instant something happens,
and computes every figure anew each time. From the trace it takes one thing, who was drawn into a control group, and checks
that these get nothing. Smoothing is set to 2 a day, so that the most valuable go first is seen with few people."""
import calendar
import datetime
import heapq
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import zoneinfo
from collections import defaultdict

import little_shop

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOP_ZONE = zoneinfo.ZoneInfo("Europe/Paris")
FROM, TO = datetime.date(2022, 2, 1), datetime.date(2024, 6, 30)
DAY, HOUR = 86400, 3600
SLOTS = 2
# plan: (steps: name, days after J, late in days, needs an open), priority
STEPS = {
    "anti-churn": [("winback-1", 0, 1, False), ("winback-2", 8, 1, False), ("winback-3", 12, 1, True)],
    "abandoned-cart": [("cart-1", 0, 1, False), ("cart-2", 1, 1, False), ("cart-3", 3, 5, True)],
}
PRIORITY = {"abandoned-cart": 90, "anti-churn": 40}


def plus_months(day, n):
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def instant(day, hour, zone):
    return int(datetime.datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp())


def date_of(t, zone):
    return datetime.datetime.fromtimestamp(t, zone).date()


class Person:
    def __init__(self, number):
        self.number, self.zone, self.address = number, SHOP_ZONE, None
        self.orders, self.carts, self.consents = [], [], []  # (at, total, sale), (at, cart, state), (at, state)
        self.runs, self.sent = [], []                        # sent: (at, run)

    def sales(self, now):
        return [o[0] for o in self.orders if o[2] and o[0] <= now]

    def may_mail(self, now):
        strict = ["granted", "soft", "withdrawn", "opposed"].index
        said = sorted((c for c in self.consents if c[0] <= now), key=lambda c: (c[0], strict(c[1])))
        return self.address is not None and bool(said) and said[-1][1] == "granted"


class Run:
    def __init__(self, plan, number, entered, anchor, cart, zone):
        self.plan, self.number, self.entered, self.anchor, self.cart = plan, number, entered, anchor, cart
        self.day = date_of(entered, zone)
        self.step, self.last, self.alive, self.control = 0, None, True, False
        self.held = None  # until when, once said


def read_people(db):
    people = {}
    with sqlite3.connect(db) as lite:
        for (number,) in lite.execute("SELECT customer_id FROM customer ORDER BY customer_id"):
            people[number] = Person(number)
        newest = {}
        for row in lite.execute("SELECT customer_id, kind, key, at, body FROM fact WHERE customer_id > 0 ORDER BY seq"):
            newest[row[:3]] = row
    for number, kind, _, at, body in newest.values():
        p, body = people[number], json.loads(body)
        if kind == 1:
            p.orders.append((at, sum(line[2] for line in body["lines"]), any(line[1] > 0 for line in body["lines"])))
        elif kind == 2:
            p.carts.append((at, body["cart"], body.get("state", "changed")))
        elif kind == 3:
            assert body["channel"] == "email" and body["purpose"] == "marketing"
            p.consents.append((at, body["state"]))
        elif kind == 4:
            p.zone = zoneinfo.ZoneInfo(body["zone"]) if body.get("zone") else SHOP_ZONE
            p.address = body.get("address")
    return people


class Auditor:
    def __init__(self, people, controls):
        self.people, self.controls, self.lines = people, controls, []
        self.begin = instant(FROM, 0, SHOP_ZONE)
        self.end = instant(TO + datetime.timedelta(days=1), 0, SHOP_ZONE)
        self.looks = []
        for p in people.values():
            for at in [f[0] for f in p.orders + p.carts + p.consents] + [f[0] + 3 * HOUR for f in p.carts]:
                if self.begin <= at < self.end:
                    heapq.heappush(self.looks, (at, p.number))

    def say(self, now, p, run, step, verdict, channel="-"):
        at = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.lines.append((at, p.number, run.plan, run.number, step, verdict, channel))

    def later(self, at, p):
        if at < self.end:
            heapq.heappush(self.looks, (at, p.number))

    def enter(self, now, p, plan, anchor, cart):
        run = Run(plan, 1 + sum(r.plan == plan for r in p.runs), now, anchor, cart, p.zone)
        run.control = (p.number, plan, run.number) in self.controls
        p.runs.append(run)
        self.say(now, p, run, "-", "control" if run.control else "entered")

    # what ends a run, at this instant
    def ended(self, now, p, run):
        if run.plan == "anti-churn":
            return any(t > run.entered for t in p.sales(now))
        return any(t > run.anchor for t in p.sales(now)) or \
            any(run.anchor < at <= now and cart == run.cart for at, cart, _ in p.carts)

    # carts whose last change is three hours old now
    def cart_entries(self, now, p):
        for cart in sorted({c[1] for c in p.carts}):
            seen = [c for c in p.carts if c[1] == cart and c[0] <= now]
            if not seen:
                continue
            at, _, state = max(seen, key=lambda c: c[0])
            if state != "changed" or at + 3 * HOUR != now or at <= self.begin - 1:
                continue
            runs = [r for r in p.runs if r.cart == cart]
            messages = sum(run in runs for _, run in p.sent)
            if any(r.alive for r in runs) or messages >= 3:
                continue
            self.enter(now, p, "abandoned-cart", at, cart)
            self.leave(now, p)  # bought something else within the three hours

    def due(self, p, run):
        _, after, _, _ = STEPS[run.plan][run.step]
        since = 0 if run.last is None else STEPS[run.plan][run.last[1]][1]
        if run.plan == "abandoned-cart":
            first = run.entered + after * DAY
            return first if run.last is None else max(first, run.last[0] + (after - since) * DAY)
        day = datetime.timedelta(days=1)
        first = instant(run.day + after * day, 10, p.zone)
        if first < run.entered:
            first = instant(run.day + (after + 1) * day, 10, p.zone)
        if run.last is not None:
            first = max(first, instant(date_of(run.last[0], p.zone) + (after - since) * day, 10, p.zone))
        return first

    @staticmethod
    def last_moment(due, late, p):  # days of the calendar: at the same hour, whatever the clocks did
        civil = datetime.datetime.fromtimestamp(due, p.zone).replace(tzinfo=None) + datetime.timedelta(days=late)
        return int(civil.replace(tzinfo=p.zone).timestamp())

    # two e-mails in seven days for everybody at one address: when the next may go
    def pressed(self, now, p):
        same = [q for q in self.people.values() if q is p or (p.address and q.address == p.address)]
        recent = sorted(at for q in same for at, _ in q.sent if at > now - 7 * DAY)
        return None if len(recent) < 2 else recent[-2] + 7 * DAY

    def advance(self, now, p, run):
        while run.alive:
            if run.step == len(STEPS[run.plan]):
                run.alive = False
                self.say(now, p, run, "-", "ended")
                return
            due = self.due(p, run)
            if due > now:
                self.later(due, p)
                return
            name, _, late, needs_open = STEPS[run.plan][run.step]
            last = self.last_moment(due, late, p)
            verdict = None
            if needs_open:
                verdict = "skipped"  # nobody opens
            elif now > last:
                verdict = "dropped"
            elif not p.may_mail(now) or run.control:
                verdict = "skipped"
            elif self.pressed(now, p) is not None:
                until = self.pressed(now, p)
                if run.held is None:
                    self.say(now, p, run, name, "held")
                run.held = until
                self.later(min(until, last + 1), p)
                return
            run.held = None
            self.say(now, p, run, name, verdict or "send", "email" if verdict is None else "-")
            if verdict is None:
                p.sent.append((now, run))
                run.last = (now, run.step)
            run.step += 1

    def leave(self, now, p):
        for run in p.runs:
            if run.alive and self.ended(now, p, run):
                run.alive = False
                self.say(now, p, run, "-", "exited")

    def look(self, now, p):
        self.leave(now, p)
        self.cart_entries(now, p)
        for run in sorted(p.runs, key=lambda r: (-PRIORITY[r.plan], r.entered)):
            self.advance(now, p, run)

    def candidates(self, now, day):
        out = []
        for p in self.people.values():
            mine = [r for r in p.runs if r.plan == "anti-churn"]
            sales = p.sales(now)
            if not sales or plus_months(date_of(max(sales), SHOP_ZONE), 6) > day or any(r.alive for r in mine):
                continue
            if mine and plus_months(date_of(mine[-1].entered, p.zone), 12) > date_of(now, p.zone):
                continue
            out.append((-sum(o[1] for o in p.orders if o[0] <= now), p.number))
        return sorted(out)

    def pass_until(self, until):
        while self.looks and self.looks[0][0] < until:
            now, number = heapq.heappop(self.looks)
            while self.looks and self.looks[0] == (now, number):
                heapq.heappop(self.looks)
            self.look(now, self.people[number])

    def run(self):
        day = FROM
        while day <= TO:
            start = instant(day, 0, SHOP_ZONE)
            self.pass_until(start + 1)
            for _, number in self.candidates(start, day)[:SLOTS]:
                self.enter(start, self.people[number], "anti-churn", start, None)
                self.look(start, self.people[number])
            day += datetime.timedelta(days=1)
            self.pass_until(instant(day, 0, SHOP_ZONE))
        return self.lines


def relance(program, *args):
    done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=120)
    if done.returncode:
        sys.exit(f"relance {' '.join(map(str, args))}: {done.stderr}")
    return done.stdout


def trace_of(program, db, folder):
    plans = folder / "plans"
    plans.mkdir()
    for name in STEPS:
        text = (ROOT / "plans" / f"{name}.yaml").read_text(encoding="utf-8")
        (plans / f"{name}.yaml").write_text(text.replace("smooth: 500 per day", f"smooth: {SLOTS} per day"), encoding="utf-8")
    relance(program, "replay", db, "--plans", plans, "--from", FROM, "--to", TO, "--trace", folder / "trace")
    out = []
    for line in (folder / "trace").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            at, number, plan, _, run, step, verdict, channel, _ = line.split("\t")
            out.append((at, int(number), plan, int(run), step, verdict, channel))
    return out


def one(program, seed):
    with tempfile.TemporaryDirectory() as name:
        folder, db = pathlib.Path(name), f"{name}/shop.db"
        little_shop.write(folder, seed)
        relance(program, "init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
        with sqlite3.connect(db) as lite:
            lite.execute("UPDATE shop SET value = ? WHERE name = 'seed'", (str(seed),))
        for f in little_shop.FILES:
            relance(program, "import", db, folder / f"{f}.csv", "--as", f, "--consent-source", "form")
        theirs = trace_of(program, db, folder)
        people = read_people(db)
    controls = {line[1:4] for line in theirs if line[5] == "control"}
    mine = Auditor(people, controls).run()
    wrong = sorted([(line, "only in the trace") for line in set(theirs) - set(mine)] +
                   [(line, "only in the auditor's") for line in set(mine) - set(theirs)])
    for line, where in wrong[:12]:
        print(f"seed {seed}: {where}: {line}")
    counts = defaultdict(int)
    for line in mine:
        counts[line[2], line[5]] += 1
    assert len(theirs) == len(set(theirs)) and len(mine) == len(set(mine))
    if wrong:
        sys.exit(f"seed {seed}: {len(wrong)} decisions differ")
    print(f"seed {seed}: {len(mine)} decisions, the same")
    return counts


def main():
    program = os.path.abspath(sys.argv[1])
    totals = defaultdict(int)
    for seed in map(int, sys.argv[2:] or [1, 2, 3, 4]):
        for key, n in one(program, seed).items():
            totals[key] += n
    for plan in STEPS:  # an auditor to whom nothing happens has seen nothing
        for verdict in ("send", "control", "exited", "skipped"):
            assert totals[plan, verdict] > 0, (plan, verdict)
    assert totals["abandoned-cart", "held"] and totals["abandoned-cart", "dropped"], dict(totals)


main()
