#!/usr/bin/env python3
"""relance kpi against a naive count straight from the rows, by month, quarter and year, whole and narrowed; rows behind a
figure add up to it; what is missing is said.

usage: test_kpi.py RELANCE"""
import calendar
import datetime
import json
import pathlib
import random
import subprocess
import sys
import tempfile
from collections import defaultdict

RELANCE = sys.argv[1]
CATEGORIES = {"pen": "Paper", "ink": "Paper", "lamp": "Light", "bulb": "Light", "desk": "Wood"}
COST = {"pen": 100, "ink": 200, "lamp": 1500, "bulb": 150, "desk": 9000}
COMPLEMENTS = {"ink", "bulb"}


def run(*args, status=0):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, f"{args}: status {done.returncode}: {done.stderr}"
    assert "nan" not in done.stdout.lower(), args
    return done.stdout if status == 0 else done.stderr


def make(folder):
    """Documents (customer, day, [(sku, quantity, cents)], channel), over two years; a few guests."""
    draw = random.Random(11)
    documents = []
    for n in range(900):
        customer = "" if draw.random() < 0.05 else f"c{int(draw.expovariate(1 / 60))}"
        day = datetime.date(2023, 1, 1) + datetime.timedelta(days=draw.randrange(730))
        channel = draw.choice(["store", "web"])
        sign = -1 if n % 11 == 0 else 1
        lines = [(sku, sign * draw.randint(1, 3), 0) for sku in draw.sample(sorted(CATEGORIES), draw.randint(1, 3))]
        documents.append((customer, day, [(sku, q, q * COST[sku] * 2) for sku, q, _ in lines], channel))
    orders, products = folder / "orders.csv", folder / "products.csv"
    rows = ["order,customer,date,sku,quantity,amount,sale_channel"]
    for n, (customer, day, lines, channel) in enumerate(documents):
        rows += [f"D{n},{customer},{day} 12:{n % 60:02d}:{n % 59:02d},{sku},{q},{cents / 100:.2f},{channel}" for sku, q, cents in lines]
    orders.write_text("\n".join(rows) + "\n")
    products.write_text("sku,name,category,price,cost,vat\n" + "".join(
        f"{sku},{sku},{CATEGORIES[sku]},{COST[sku] * 2 / 100:.2f},{COST[sku] / 100:.2f},20\n" for sku in CATEGORIES))
    db = folder / "shop.db"
    run("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    run("import", db, products, "--as", "products")
    run("import", db, orders, "--as", "orders")
    return db, documents


def plus_months(day, n):
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def naive(documents, start, end, category=None, channel=None):
    sales = defaultdict(list)
    for customer, day, lines, _ in documents:
        if customer and any(q > 0 for _, q, _ in lines):
            sales[customer].append(day)
    inside = [d for d in documents if start <= d[1] < end and channel in (None, d[3])]
    cut = [(c, d, [line for line in lines if category in (None, CATEGORIES[line[0]])]) for c, d, lines, _ in inside]
    orders = [x for x in cut if any(q > 0 for _, q, _ in x[2])]
    lines = [line for x in cut for line in x[2]]
    out = {"orders": len(orders), "revenue": sum(v for _, _, v in lines) / 100,
           "sales_volume": sum(q for _, q, _ in lines if q > 0)}
    buyers = {c for c, _, _ in orders if c}
    if orders:
        out["mean_basket"] = sum(v for x in orders for _, _, v in x[2]) / len(orders) / 100
    if buyers:
        out["revenue_per_customer"] = out["revenue"] / len(buyers)
    sold = sum(v for _, _, v in lines if v > 0)
    if sold:
        out["return_rate"] = -sum(v for _, _, v in lines if v < 0) / sold * 100
    if category is None and channel is None:
        active = lambda at: {c for c, days in sales.items() if any(d < at < plus_months(d, 12) for d in days)}
        new = {c for c, days in sales.items() if start <= min(days) < end}
        out["new_customers"] = len(new)
        if active(start):
            out["retention"] = (len(active(end)) - len(new)) / len(active(start)) * 100
        if orders:
            with_complement = [x for x in orders if any(sku in COMPLEMENTS and q > 0 for sku, q, _ in x[2])]
            out["cross_sell_rate"] = len(with_complement) / len(orders) * 100
    return out


def compare(db, documents, complements, by, months, **narrowed):
    options = [x for k, v in narrowed.items() for x in (f"--{k}", v)]
    answer = json.loads(run("kpi", db, "--by", by, "--from", "2023-01", "--to", "2024-12", "--complements", complements, *options,
                            "--format", "json"))
    periods = sorted({r["period"] for r in answer})
    assert len(periods) == 24 // months, periods
    seen = 0
    for i, period in enumerate(periods):
        start = plus_months(datetime.date(2023, 1, 1), i * months)
        values = {r["figure"]: r for r in answer if r["period"] == period}
        for name, wanted in naive(documents, start, plus_months(start, months), **narrowed).items():
            got = values[name]["value"]
            assert got is not None and abs(got - wanted) < 0.0051, (by, narrowed, period, name, got, wanted)
            seen += 1
        for r in values.values():
            assert (r["value"] is None) == (r["why"] is not None), r
            assert r["formula"], r
    assert seen > 4 * len(periods)
    for r in answer:  # against the period before
        before = periods.index(r["period"])
        if before and r["value"] is not None:
            earlier = next(x for x in answer if x["period"] == periods[before - 1] and x["figure"] == r["figure"])
            assert r["previous"] == earlier["value"], (r, earlier)


def rows_add_up(db):
    month = ("--to", "2024-06", "--format", "json")
    figure = lambda name: json.loads(run("kpi", db, "--explain", name, *month))[0]["value"]
    listed = json.loads(run("kpi", db, "--rows", "revenue", *month))
    assert abs(sum(float(r["value"]) for r in listed) - figure("revenue")) < 0.0051
    assert len(json.loads(run("kpi", db, "--rows", "orders", *month))) == figure("orders")
    assert len(json.loads(run("kpi", db, "--rows", "new_customers", *month))) == figure("new_customers")
    people = json.loads(run("kpi", db, "--rows", "retention", *month))
    kept = sum(r["at_end"] for r in people) - sum(r["new"] for r in people)
    assert abs(kept / sum(r["at_start"] for r in people) * 100 - figure("retention")) < 0.0051


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        db, documents = make(folder)
        complements = folder / "complements.txt"
        complements.write_text("\n".join(sorted(COMPLEMENTS)) + "\n")
        for by, months in (("month", 1), ("quarter", 3), ("year", 12)):
            compare(db, documents, complements, by, months)
            compare(db, documents, complements, by, months, category="Light")
            compare(db, documents, complements, by, months, channel="web")
        rows_add_up(db)
        margin = json.loads(run("kpi", db, "--explain", "margin_rate", "--to", "2024-06", "--format", "json"))[0]
        assert abs(margin["value"] - (2 / 1.2 - 1) / (2 / 1.2) * 100) < 0.1, margin
        whole, loyal = (json.loads(run("kpi", db, "--explain", "orders", "--to", "2024-06", "--format", "json", *o))[0]["value"]
                        for o in ((), ("--segment", "orders() >= 5")))
        assert 0 < loyal < whole, (loyal, whole)
        assert "did you mean retention" in run("kpi", db, "--explain", "retentoin", status=2)
        assert "none of month" in run("kpi", db, "--by", "week", status=1)
        assert "not both" in run("kpi", db, "--category", "Light", "--channel", "web", status=1)
        assert "has no list" in run("kpi", db, "--rows", "cac", status=1)
        run("init", folder / "empty.db", "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
        assert "no order yet" in run("kpi", folder / "empty.db", status=1)
    print("ok")


main()
