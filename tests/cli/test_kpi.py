#!/usr/bin/env python3
"""relance kpi against a naive count straight from the rows, by month, quarter and year, whole and narrowed; rows behind a
figure add up to it; what is missing is said.

usage: test_kpi.py RELANCE"""
import calendar
import datetime
import json
import os
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
FAMILIES = {"pen": "write", "ink": "write", "lamp": "light", "bulb": "light", "desk": "sit"}


def run(*args, status=0):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, f"{args}: status {done.returncode}: {done.stderr}"
    assert "nan" not in done.stdout.lower(), args
    return done.stdout if status == 0 else done.stderr


def sector_of(customer):
    return ["Hotels", "Schools"][int(customer[1:]) % 2]


def make(folder):
    """Documents (customer, day, [(sku, quantity, cents)], channel), over two years; a few guests."""
    draw = random.Random(11)
    documents = []
    for n in range(900):
        customer = "" if draw.random() < 0.05 else f"c{int(draw.expovariate(1 / 60))}"
        day = datetime.date(2023, 1, 1) + datetime.timedelta(days=draw.randrange(730))
        channel = draw.choice(["store", "web"])
        place, seller = draw.choice([("Lille", "Ana"), ("Lille", "Bob"), ("Lyon", "Ana"), ("", "")])
        sign = -1 if n % 11 == 0 else 1
        lines = [(sku, sign * draw.randint(1, 3), 0) for sku in draw.sample(sorted(CATEGORIES), draw.randint(1, 3))]
        documents.append((customer, day, [(sku, q, q * COST[sku] * 2) for sku, q, _ in lines], channel, place, seller))
    orders, products = folder / "orders.csv", folder / "products.csv"
    rows = ["order,customer,date,sku,quantity,amount,sale_channel,store,seller"]
    for n, (customer, day, lines, channel, place, seller) in enumerate(documents):
        rows += [f"D{n},{customer},{day} 12:{n % 60:02d}:{n % 59:02d},{sku},{q},{cents / 100:.2f},{channel},{place},{seller}" for sku, q, cents in lines]
    orders.write_text("\n".join(rows) + "\n")
    products.write_text("sku,name,category,family,price,cost,vat\n" + "".join(
        f"{sku},{sku},{CATEGORIES[sku]},{FAMILIES[sku]},{COST[sku] * 2 / 100:.2f},{COST[sku] / 100:.2f},20\n" for sku in CATEGORIES))
    db = folder / "shop.db"
    run("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    run("import", db, products, "--as", "products")
    run("import", db, orders, "--as", "orders")
    people = folder / "people.csv"
    people.write_text("customer,last_name,secteur\n" + "".join(f"c{n},N{n},{sector_of(f'c{n}')}\n" for n in range(1000)))
    run("import", db, people, "--as", "customers")
    return db, documents


def plus_months(day, n):
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def naive(documents, start, end, category=None, channel=None, store=None, seller=None, sector=None):
    if sector:
        documents = [d for d in documents if d[0] and sector_of(d[0]) == sector]
    sales = defaultdict(list)
    for customer, day, lines, *_ in documents:
        if customer and any(q > 0 for _, q, _ in lines):
            sales[customer].append(day)
    inside = [d for d in documents if start <= d[1] < end and channel in (None, d[3]) and store in (None, d[4])
              and seller in (None, d[5])]
    cut = [(c, d, [line for line in lines if category in (None, CATEGORIES[line[0]])]) for c, d, lines, *_ in inside]
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
    if category is channel is store is seller is None:
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


def split(db, documents):
    """Every value of a dimension at once: as many lines as values, and the same figures as one by one."""
    start = datetime.date(2024, 6, 1)
    for by, values in (("store", ["Lille", "Lyon"]), ("seller", ["Ana", "Bob"]), ("channel", ["store", "web"]),
                       ("category", ["Light", "Paper", "Wood"]), ("sector", ["Hotels", "Schools"])):
        got = json.loads(run("kpi", db, "--split", by, "--explain", "revenue", "--to", "2024-06", "--format", "json"))
        assert [r[by] for r in got] == values, (by, got)
        for r in got:
            assert abs(r["value"] - naive(documents, start, plus_months(start, 1), **{by: r[by]})["revenue"]) < 0.0051, r
    assert "names no" not in run("kpi", db, "--split", "store")
    assert "none of sector" in run("kpi", db, "--split", "moon", status=1)
    assert "did you mean \"Lille\"" in run("kpi", db, "--store", "Lile", status=1)
    assert "--store" in run("kpi", db, "--split", "store", "--rows", "orders", status=2)


def families(db, documents):
    """Without a list: an article of another family than the rest of its order."""
    answer = json.loads(run("kpi", db, "--explain", "cross_sell_rate", "--to", "2024-06", "--format", "json"))[0]
    sales = [d for d in documents if (d[1].year, d[1].month) == (2024, 6) and any(q > 0 for _, q, _ in d[2])]
    crossed = [d for d in sales if len({FAMILIES[sku] for sku, q, _ in d[2] if q > 0}) > 1]
    assert 0 < len(crossed) < len(sales)
    assert abs(answer["value"] - len(crossed) / len(sales) * 100) < 0.0051, answer
    listed = json.loads(run("kpi", db, "--rows", "cross_sell_rate", "--to", "2024-06", "--format", "json"))
    assert sum(r["complement"] for r in listed) == len(crossed) and len(listed) == len(sales)


def business(folder):
    """Accounts, subscriptions, leads, deals, proposals and what acquisition costs, by hand."""
    db, events = folder / "b2b.db", folder / "events.csv"
    run("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    (folder / "o.csv").write_text("order,customer,date,amount\n1,a1,2024-05-03,100\n2,a2,2024-06-20,300\n")
    run("import", db, folder / "o.csv", "--as", "orders")
    shown = {r["figure"]: r for r in json.loads(run("kpi", db, "--to", "2024-06", "--format", "json"))}
    assert "arpa" not in shown and "attach_rate" not in shown and "no proposal" in shown["acceptance_rate"]["why"]
    assert "cost.acquisition" in shown["cac"]["why"]
    events.write_text("customer,date,event,value\n" + "".join(f"{c},{day},{name},{value}\n" for c, day, name, value in [
        ("a1", "2024-01-10", "subscription", "10000"), ("a1", "2024-02-01", "add_on", "2000"), ("a1", "2024-03-01", "add_on", "3000"),
        ("a1", "2024-06-15", "add_on_ended", "3000"), ("a2", "2024-06-02", "subscription", "5000"),
        ("a3", "2024-01-05", "subscription", "8000"), ("a3", "2024-06-30", "subscription_ended", ""),
        ("a2", "2024-06-05", "lead_qualified", ""), ("a4", "2024-06-06", "lead_qualified", ""), ("a4", "2024-07-02", "deal_won", ""),
        ("a5", "2024-04-01", "deal_opened", ""), ("a5", "2024-06-11", "deal_won", ""),
        ("a1", "2024-06-01", "proposal", ""), ("a2", "2024-06-01", "proposal", ""), ("a3", "2024-06-01", "proposal", ""),
        ("a3", "2024-06-03", "proposal", ""), ("a1", "2024-06-04", "proposal_accepted", "")]))
    run("import", db, events, "--as", "events")
    run("set", db, "cost.acquisition", "120")
    got = {r["figure"]: r["value"] for r in json.loads(run("kpi", db, "--to", "2024-06", "--format", "json"))}
    wanted = {"add_on_mrr": 20, "add_on_arr": 240, "attach_rate": 50, "add_on_churn": 50, "arpa": (120 + 50) / 2,
              "qualified_conversion": 50, "sales_cycle": 71, "acceptance_rate": 25, "cac": 120}
    for name, value in wanted.items():
        assert got[name] is not None and abs(got[name] - value) < 0.051, (name, got[name], value)
    accounts = json.loads(run("kpi", db, "--rows", "arpa", "--to", "2024-06", "--format", "json"))
    assert sorted(float(r["monthly"]) for r in accounts) == [50, 120] and [r["add_on"] for r in accounts] == [True, False], accounts
    for figure, rows in (("qualified_conversion", 2), ("sales_cycle", 1), ("acceptance_rate", 5), ("cac", 1)):
        assert len(json.loads(run("kpi", db, "--rows", figure, "--to", "2024-06", "--format", "json"))) == rows, figure


def trial(folder):
    """Add-on churn is of those that ran when the month began: a trial of a week within it is none of them."""
    db = folder / "trial.db"
    run("init", db, "--timezone", "UTC", "--currency", "EUR", "--locale", "fr")
    (folder / "to.csv").write_text("order,customer,date,amount\n1,a1,2024-06-03,100\n2,a1,2024-07-20,300\n")
    (folder / "te.csv").write_text("customer,date,event,value\na1,2024-01-10,subscription,10000\na1,2024-02-01,add_on,2000\n"
                                   "a1,2024-06-05,add_on,500\na1,2024-06-12,add_on_ended,500\na1,2024-07-02,add_on,500\n"
                                   "a1,2024-07-09,add_on_ended,2000\n")
    run("import", db, folder / "to.csv", "--as", "orders")
    run("import", db, folder / "te.csv", "--as", "events")
    churn = lambda month: json.loads(run("kpi", db, "--explain", "add_on_churn", "--to", month, "--format", "json"))[0]["value"]
    assert churn("2024-06") == 0 and churn("2024-07") == 100, (churn("2024-06"), churn("2024-07"))


def many_stores(folder):
    """More stores than a split shows: one of them can still be asked for."""
    db = folder / "stores.db"
    run("init", db, "--timezone", "UTC", "--currency", "EUR", "--locale", "fr")
    (folder / "so.csv").write_text("order,customer,date,amount,store\n" + "".join(
        f"{n},c{n},2024-06-03,{n + 1},Shop {n}\n" for n in range(600)))
    run("import", db, folder / "so.csv", "--as", "orders")
    got = json.loads(run("kpi", db, "--explain", "revenue", "--to", "2024-06", "--store", "Shop 571", "--format", "json"))
    assert got[0]["value"] == 572, got
    assert "did you mean \"Shop 571\"" in run("kpi", db, "--store", "Shopp 571", status=1)
    assert "more than 500" in run("kpi", db, "--split", "store", status=1)


def behind(folder):
    """Prospects, carts and visits: what is listed is what was counted."""
    db = folder / "web.db"
    run("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    (folder / "o.csv").write_text("order,customer,date,amount,sale_channel\n1,p1,2024-06-20 12:00,100,web\n2,p9,2024-01-02,9,web\n")
    (folder / "p.csv").write_text("customer,last_name,created\n" + "".join(f"p{n},N,2024-05-0{n}\n" for n in (1, 2, 3, 4)))
    (folder / "c.csv").write_text("cart,customer,date,sku,quantity,amount,state\nk1,p1,2024-06-20 08:00,x,1,100,changed\n"
                                  "k2,p2,2024-06-21 08:00,x,1,40,changed\n")
    (folder / "e.csv").write_text("customer,date,event\np1,2024-06-19,visit\np2,2024-06-21,visit\np2,2024-06-22,visit\np3,2024-05-22,visit\n")
    for file, kind in (("o", "orders"), ("p", "customers"), ("c", "carts"), ("e", "events")):
        run("import", db, folder / f"{file}.csv", "--as", kind)
    got = {r["figure"]: r["value"] for r in json.loads(run("kpi", db, "--to", "2024-06", "--format", "json"))}
    assert (got["conversion"], got["carts_abandoned"], got["time_to_convert"]) == (25, 50, 50), got
    assert abs(got["web_conversion"] - 100 / 3) < 0.0051
    listed = lambda figure: json.loads(run("kpi", db, "--rows", figure, "--to", "2024-06", "--format", "json"))
    assert [r["customer"] for r in listed("conversion") if r["sold"]] == ["p1"] and len(listed("conversion")) == 4
    assert [(r["value"], r["abandoned"]) for r in listed("carts_abandoned")] == [("100.00", False), ("40.00", True)] or \
        [(float(r["value"]), r["abandoned"]) for r in listed("carts_abandoned")] == [(100, False), (40, True)], listed("carts_abandoned")
    assert [r["order"] for r in listed("web_conversion")].count(True) == 1 and len(listed("web_conversion")) == 4


def objectives(folder, address):
    """Each scope and measure by hand; kept in both databases; shown beside the figures."""
    run("init", address, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    (folder / "po.csv").write_text("order,customer,date,sku,quantity,amount,store,seller\n"
                                   "1,p1,2024-06-20 12:00,x,2,100,Lille,Ana\n2,p2,2024-06-21 12:00,x,1,60,Lille,Bob\n"
                                   "3,p1,2024-06-22 12:00,x,-1,-50,Lille,Ana\n4,p3,2024-05-22 12:00,x,9,900,Lyon,Cleo\n")
    (folder / "pp.csv").write_text("customer,last_name,created,store\n" + "".join(
        f"p{n},N,2024-05-0{n},{'Lille' if n < 4 else 'Lyon'}\n" for n in range(1, 9)))
    run("import", address, folder / "po.csv", "--as", "orders")
    run("import", address, folder / "pp.csv", "--as", "customers")
    month = ("--period", "2024-06")
    run("objective", "set", address, *month, "--revenue", "200", "--orders", 2, "--volume", 6, "--conversion", "50%")
    run("objective", "set", address, *month, "--person", "Ana", "--revenue", "100")
    run("objective", "set", address, *month, "--team", "both", "--members", "Ana, Bob", "--orders", 4)
    run("objective", "set", address, *month, "--team", "Lille", "--volume", 3, "--conversion", 100)
    run("objective", "set", address, "--period", "2024-Q2", "--person", "Cleo", "--revenue", "450")
    run("objective", "set", address, "--period", "2024", "--plan", "absent", "--orders", 3)
    got = {(r["scope"], r["name"], r["measure"]): r for r in json.loads(run("objective", "list", address, "--format", "json"))}
    wanted = {("shop", "", "revenue"): (110, "missed"), ("shop", "", "orders"): (2, "met"), ("shop", "", "volume"): (3, "missed"),
              ("shop", "", "conversion"): (28.57, "missed"),  # p1 and p2 of seven: p3 had bought in May
              ("person", "Ana", "revenue"): (50, "missed"), ("team", "both", "orders"): (2, "missed"),
              ("team", "Lille", "volume"): (3, "met"), ("team", "Lille", "conversion"): (100, "met"),
              ("person", "Cleo", "revenue"): (900, "met")}
    for key, (reached, state) in wanted.items():
        assert abs(float(got[key]["reached"]) - reached) < 0.0051 and got[key]["state"] == state, (key, got[key])
    unknown = got["plan", "absent", "orders"]
    assert unknown["state"] == "unknown" and unknown["reached"] is None and "no plan" in unknown["text"]
    figures = {r["figure"]: r for r in json.loads(run("kpi", address, "--to", "2024-06", "--format", "json"))}
    assert (figures["revenue"]["objective"], figures["revenue"]["attainment"]) == (200, 55), figures["revenue"]
    assert figures["conversion"]["objective"] == 50 and figures["objective_attainment"]["value"] == 55
    assert figures["objectives_reached"]["value"] == 37.5, figures["objectives_reached"]  # three of the eight of that month
    ana = {r["figure"]: r for r in json.loads(run("kpi", address, "--to", "2024-06", "--seller", "Ana", "--format", "json"))}
    assert ana["revenue"]["objective"] == 100 and ana["revenue"]["value"] == 50
    number = got["person", "Ana", "revenue"]["number"]
    run("objective", "set", address, *month, "--person", "Ana", "--revenue", "40")
    again = [r for r in json.loads(run("objective", "list", address, "--format", "json", *month)) if r["name"] == "Ana"]
    assert [(r["number"], r["state"]) for r in again] == [(number, "met")]
    run("objective", "remove", address, number)
    assert "no objective" in run("objective", "remove", address, number, status=1)
    for wrong, say in ((("--revenue", "0"), "above 0"), (("--conversion", "120"), "up to 100"), (("--orders", "many"), "whole number"),
                       ((), "set what"), (("--orders", "1", "--members", "A"), "--team"),
                       (("--orders", "1", "--person", "A", "--plan", "b"), "one of")):
        assert say in run("objective", "set", address, *month, *wrong, status=1), wrong
    assert "2026-Q4" in run("objective", "set", address, "--period", "June", "--orders", 1, status=1)
    assert "--period" in run("objective", "set", address, "--orders", 1, status=2)


def pace(folder):
    """A month that is not over: a sale a day, more on some; the projection holds what a steady pace gives."""
    db = folder / "pace.db"
    run("init", db, "--timezone", "UTC", "--currency", "EUR", "--locale", "fr")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    first = today.replace(month=1, day=1)
    days = (today - first).days
    if days == 0:
        return  # the first of January: no day was lived yet
    (folder / "pace.csv").write_text("order,customer,date,amount\n" + "".join(
        f"{d},c{d},{first + datetime.timedelta(days=d)},{100 + 50 * (d % 2)}\n" for d in range(days)))
    run("import", db, folder / "pace.csv", "--as", "orders")
    run("objective", "set", db, "--period", today.year, "--revenue", 1, "--orders", 100000)
    orders, revenue = json.loads(run("objective", "list", db, "--format", "json"))
    assert revenue["state"] == "met" and float(revenue["reached"]) == sum(100 + 50 * (d % 2) for d in range(days))
    if days < 7:
        return
    length = (first.replace(year=first.year + 1) - first).days
    whole = sum(100 + 50 * (d % 2) for d in range(days)) / days * length  # the mean of the days lived: today has no sale yet
    assert float(revenue["low"]) <= whole <= float(revenue["high"]), revenue
    assert abs(float(revenue["expected"]) - whole) < 0.02 * whole, revenue
    assert orders["reached"] == days and orders["state"] in ("off_track", "open")


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
            compare(db, documents, complements, by, months, store="Lille")
            compare(db, documents, complements, by, months, seller="Ana", channel="store")
            compare(db, documents, complements, by, months, category="Light", store="Lyon")
            compare(db, documents, complements, by, months, sector="Hotels")
        split(db, documents)
        families(db, documents)
        business(folder)
        trial(folder)
        many_stores(folder)
        behind(folder)
        objectives(folder, folder / "objectives.db")
        pace(folder)
        base = os.environ.get("RELANCE_TEST_PG")
        if base:
            objectives(folder, f"{base}{'&' if '?' in base else '?'}schema=objectives")
        else:
            print("objectives: PostgreSQL is not there: SQLite only")
        rows_add_up(db)
        margin = json.loads(run("kpi", db, "--explain", "margin_rate", "--to", "2024-06", "--format", "json"))[0]
        assert abs(margin["value"] - (2 / 1.2 - 1) / (2 / 1.2) * 100) < 0.1, margin
        whole, loyal = (json.loads(run("kpi", db, "--explain", "orders", "--to", "2024-06", "--format", "json", *o))[0]["value"]
                        for o in ((), ("--segment", "orders() >= 5")))
        assert 0 < loyal < whole, (loyal, whole)
        assert "did you mean retention" in run("kpi", db, "--explain", "retentoin", status=2)
        assert "none of month" in run("kpi", db, "--by", "week", status=1)
        assert "has no list" in run("kpi", db, "--rows", "clv", status=1)
        run("init", folder / "empty.db", "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
        assert "no order yet" in run("kpi", folder / "empty.db", status=1)
    print("ok")


main()
