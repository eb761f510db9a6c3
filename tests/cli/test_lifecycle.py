#!/usr/bin/env python3
"""relance lifecycle and segment on the real shop, against a naive count straight from the CSV.

The definitions of doc/semantics.md ("Life cycle and figures") are written here once more, without looking at the program's
way: for each customer, each day asked, over all of their lines. Skipped with a message when the data is not there.
usage: test_lifecycle.py RELANCE"""
import calendar
import csv
import datetime
import decimal
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("RELANCE_DATA", ROOT.parent / "shared" / "data"))
DAYS = ["2010-12-01", "2010-12-02", "2011-01-15", "2011-03-31", "2011-06-01", "2011-06-30", "2011-08-31", "2011-09-01",
        "2012-02-29", "2012-12-01", "2013-02-28", "2014-01-01"]
PHASES = ["prospect", "new", "loyal", "ambassador", "lapsing", "former"]


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def read_csv():
    found = sorted((DATA / "online_retail").glob("*.csv*")) if (DATA / "online_retail").is_dir() else []
    if not found:
        skip(f"no Online Retail file under {DATA} (RELANCE_DATA says where)")
    if found[0].suffix == ".zst":
        if not shutil.which("zstdcat"):
            skip("zstdcat is missing (package zstd)")
        return subprocess.run(["zstdcat", found[0]], check=True, capture_output=True).stdout
    return found[0].read_bytes()


def plus_months(day, n):
    months = day.year * 12 + day.month - 1 + n
    year, month = divmod(months, 12)
    month += 1
    return datetime.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def documents(text):
    """customer → list of (date, amount, is an order)"""
    lines = defaultdict(list)
    cents = decimal.Decimal("0.01")
    for row in csv.DictReader(io.StringIO(text.decode("utf-8", "replace"))):
        if not row["CustomerID"]:
            continue  # a guest counts for products, not for people
        at = datetime.datetime.strptime(row["InvoiceDate"][:16], "%Y-%m-%d %H:%M")
        quantity = int(row["Quantity"])
        amount = (quantity * decimal.Decimal(row["UnitPrice"])).quantize(cents, decimal.ROUND_HALF_UP)
        lines[row["CustomerID"].removesuffix(".0"), row["InvoiceNo"]].append((at, quantity, amount))
    people = defaultdict(list)
    for (customer, _), items in lines.items():
        people[customer].append((min(i[0] for i in items).date(), sum(i[2] for i in items), any(i[1] > 0 for i in items)))
    return people


def naive(people, day):
    year_ago = plus_months(day, -12)
    recent = {}
    for customer, docs in people.items():
        window = [d for d in docs if year_ago <= d[0] < day]
        if any(d[2] for d in window):
            recent[customer] = sum(d[1] for d in window)
    top = sorted(recent.values(), reverse=True)
    bar = top[-(-len(top) // 10) - 1] if top else None
    out = {}
    for customer, docs in people.items():
        seen = [d for d in docs if d[0] < day]
        orders = [d for d in seen if d[2]]
        last = max((d[0] for d in orders), default=None)
        if not orders:
            phase = "prospect"
        elif plus_months(last, 24) <= day:
            phase = "former"
        elif plus_months(last, 6) <= day:
            phase = "lapsing"
        elif len(orders) >= 4 and customer in recent and recent[customer] >= bar:
            phase = "ambassador"
        else:
            phase = "loyal" if len(orders) >= 2 else "new"
        out[customer] = (phase, len(orders), last.isoformat() if last else None, sum((d[1] for d in seen), decimal.Decimal(0)))
    return out


def relance(program, *args):
    r = subprocess.run([program, *args, "--format", "json"], capture_output=True, text=True)
    if r.returncode != 0:
        sys.exit(f"relance {' '.join(args)}: {r.stderr}")
    return json.loads(r.stdout, parse_float=decimal.Decimal)


def check_day(program, db, people, day):
    want = naive(people, datetime.date.fromisoformat(day))
    counts = {p: sum(1 for v in want.values() if v[0] == p) for p in PHASES}
    got = relance(program, "lifecycle", db, "--at", day)
    assert got["at"] == day, got
    assert {p: got[p] for p in PHASES} == counts, (day, got, counts)
    rows = relance(program, "lifecycle", db, "--at", day, "--list")
    assert len(rows) == len(want), (day, len(rows), len(want))
    for r in rows:
        mine = want[r["customer"]]
        theirs = (r["phase"], r["orders"], r["last_order"], decimal.Decimal(r["spend"]))
        assert theirs == mine, (day, r["customer"], theirs, mine)
    for phase in PHASES:
        n = relance(program, "segment", db, f"lifecycle = {phase}", "--at", day)["count"]
        assert n == counts[phase], (day, phase, n, counts[phase])
    return counts


def check_segments(program, db, people):
    day = datetime.date(2011, 9, 1)
    since = plus_months(day, -3)
    want = sum(1 for docs in people.values()
               if sum(1 for d in docs if d[2] and since <= d[0] < day) >= 2
               and sum(d[1] for d in docs if d[0] < day) > 500)
    got = relance(program, "segment", db, "orders(last 3 months) >= 2 and spend > 500 GBP", "--at", day.isoformat())["count"]
    assert got == want, (got, want)
    relance(program, "segment", db, "orders(last 3 months) >= 2", "--at", day.isoformat(), "--save", "recent")
    again = relance(program, "segment", db, 'segment("recent") and spend > 500 GBP', "--at", day.isoformat())["count"]
    assert again == want, (again, want)
    listed = relance(program, "segment", db, 'segment("recent") and spend > 500 GBP', "--at", day.isoformat(), "--list")
    assert len(listed) == want
    bad = subprocess.run([program, "segment", db, 'orders > 1 and lifecicle = new'], capture_output=True, text=True)
    assert bad.returncode == 1 and bad.stdout == "", bad
    assert '1:16: no word "lifecicle"; did you mean "lifecycle"?' in bad.stderr, bad.stderr
    assert bad.stderr.splitlines()[2].index("^") == 2 + 15, bad.stderr
    circle = subprocess.run([program, "segment", db, 'segment("recent") or segment("x")', "--save", "x"],
                            capture_output=True, text=True)
    assert circle.returncode == 1 and "circle" in circle.stderr, circle.stderr


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "src" / "cli" / "relance")
    text = read_csv()
    people = documents(text)
    with tempfile.TemporaryDirectory() as folder:
        db, orders = f"{folder}/shop.db", f"{folder}/orders.csv"
        pathlib.Path(orders).write_bytes(text)
        subprocess.run([program, "init", db, "--timezone", "Europe/London", "--currency", "GBP", "--locale", "en"],
                       check=True, capture_output=True)
        relance(program, "import", db, orders)
        for day in DAYS:
            print(day, check_day(program, db, people, day))
        check_segments(program, db, people)
        unknown = relance(program, "lifecycle", db, "--at", "2011-09-01", "--known", "2000-01-01")
        assert unknown["prospect"] == unknown["customers"], unknown  # nothing had been learned yet
    print("ok")


main()
