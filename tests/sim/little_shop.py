"""A small random shop as the CSV files a user would import: little_shop.write(folder, seed, …).

Few people, many edges: orders a few months apart so that people fall asleep and come back, some at midnight or on the last
day of a month, returns, carts changed, emptied and paid around the hours the plan counts, consents withdrawn and given
again, two people with one address, people abroad. Everything is drawn from the seed."""
import csv
import datetime
import pathlib
import random
import sqlite3
import subprocess

UTC = datetime.timezone.utc
ZONES = ["", "", "", "America/New_York", "Asia/Tokyo"]


def iso(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(rng, start, days):
    day = start + datetime.timedelta(days=rng.randrange(days))
    if rng.random() < 0.08:  # the shop's midnight in winter, a second before, and the month's end
        day = day.replace(day=28) if rng.random() < 0.5 else day
        return day.replace(hour=23, minute=0, second=0) - datetime.timedelta(seconds=rng.randrange(2))
    return day + datetime.timedelta(seconds=rng.randrange(86400))


def table(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        w = csv.writer(f)
        w.writerow(header)
        w.writerows(rows)


def carts_of(rng, ref, start, days):
    rows = []
    for n in range(rng.randrange(4)):
        at = moment(rng, start, days)
        for _ in range(rng.randrange(1, 5)):
            state = rng.choices(["changed", "emptied", "paid"], [8, 1, 2])[0]
            rows.append([f"{ref}-{n}", ref, iso(at), "THING", 1, rng.randrange(500, 9000) / 100, state])
            at += datetime.timedelta(seconds=rng.choice([60, 3600, 10799, 10800, 10801, 30000, 86400, 200000]))
            if state == "paid":
                break
    return rows


def consents_of(rng, ref, start, days):
    rows = [[ref, "email", "granted", iso(start + datetime.timedelta(seconds=rng.randrange(86400)))]] if rng.random() < 0.8 else []
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        rows.append([ref, "email", rng.choice(["withdrawn", "withdrawn", "granted"]), iso(moment(rng, start, days))])
    return rows


def write(folder, seed, people=120, days=900, start=datetime.datetime(2022, 1, 3, tzinfo=UTC)):
    rng = random.Random(seed)
    folder = pathlib.Path(folder)
    customers, orders, carts, consents = [], [], [], []
    for i in range(people):
        ref = f"c{i}"
        address = f"p{i - 1 if i % 17 == 5 else i}@example.org" if rng.random() < 0.95 else ""
        customers.append([ref, address, rng.choice(ZONES), iso(start - datetime.timedelta(days=rng.randrange(300)))])
        for n in range(rng.choice([0, 1, 1, 1, 2, 2, 3, 5])):
            back = rng.random() < 0.06
            amount = rng.randrange(300, 20000) / 100
            orders.append([f"{ref}/{n}", ref, iso(moment(rng, start, days)), "THING", -1 if back else 1, -amount if back else amount])
        carts += carts_of(rng, ref, start, days)
        consents += consents_of(rng, ref, start, days)
    table(folder / "customers.csv", ["customer", "email", "zone", "created"], customers)
    table(folder / "orders.csv", ["order", "customer", "date", "sku", "quantity", "amount"], orders)
    table(folder / "carts.csv", ["cart", "customer", "date", "sku", "quantity", "amount", "cart_state"], carts)
    table(folder / "consents.csv", ["customer", "channel", "state", "date"], consents)


FILES = ["customers", "orders", "carts", "consents"]


def sql(db, text):
    """Rows as texts, of either database."""
    if db.startswith("postgresql:"):
        address = db.partition("?schema=")[0].partition("&schema=")[0]
        done = subprocess.run(["psql", "-XAtq", "-F", "|", address, "-c", text], capture_output=True, text=True, check=True)
        return [line.split("|") for line in done.stdout.splitlines()]
    with sqlite3.connect(db) as lite:
        return [[str(v) for v in row] for row in lite.execute(text)]


def slices(folder, start, ticks):
    """The files cut by date: what is known before each tick, and before the first."""
    cut = [(start + t).isoformat() + f"T{t.seconds // 3600:02}" for t in ticks]
    out = {}
    for name in FILES:
        with open(folder / f"{name}.csv", newline="", encoding="utf-8") as f:
            header, *rows = csv.reader(f)
        for row in rows:
            at = row[3] if name in ("customers", "consents") else row[2]
            out.setdefault((sum(c <= at for c in cut), name), [header]).append(row)
    return out
