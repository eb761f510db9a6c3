#!/usr/bin/env python3
"""relance replay on the real shop: nine months of orders, consent assumed; the figures of table, CSV, JSON, trace and page
are the same figures, for any number of threads; a second folder beside the first; the forgotten-range segment counted once
more straight from the CSV. Skipped with a message when the data is not there.
usage: test_replay.py RELANCE"""
import collections
import csv
import datetime
import html.parser
import io
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zoneinfo

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("RELANCE_DATA", ROOT.parent / "shared" / "data"))
RELANCE = sys.argv[1]
PERIOD = ["--from", "2010-12-01", "--to", "2011-08-31", "--consent", "assume"]
FAILED = []


def run(*args, status=0):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        FAILED.append(f"{args}: status {done.returncode}, not {status}: {done.stderr.strip()}")
    return done.stdout if status == 0 else done.stderr


def check(what, value, wanted):
    if value != wanted:
        FAILED.append(f"{what}: {value!r}, not {wanted!r}")


def read_csv():
    found = sorted((DATA / "online_retail").glob("*.csv*")) if (DATA / "online_retail").is_dir() else []
    if not found or not shutil.which("zstdcat"):
        print(f"skipped: no Online Retail file under {DATA} (RELANCE_DATA says where), or no zstdcat")
        sys.exit(77)
    return subprocess.run(["zstdcat", found[0]], check=True, capture_output=True).stdout


class Page(html.parser.HTMLParser):
    """Balanced tags, and nothing that is loaded from elsewhere."""
    VOID = {"meta", "br", "link", "img"}

    def __init__(self, text):
        super().__init__()
        self.open, self.loads = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.loads += [v for k, v in attrs if k in ("src", "href", "xlink:href")] + [tag] * (tag in ("script", "link", "img"))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            FAILED.append(f"page: </{tag}> closes nothing")


def replays(db, folder):
    one = json.loads(run("replay", db, *PERIOD, "--threads", 1, "--format", "json", "--trace", folder / "trace"))
    four = json.loads(run("replay", db, *PERIOD, "--threads", 4, "--format", "json"))
    for figures in (one, four):
        figures.pop("seconds")
    check("threads", four, one)

    # the trace, counted once more: entries, messages per plan, messages per customer and week
    sent, weeks, reached = collections.Counter(), collections.Counter(), set()
    for line in (folder / "trace").read_text().splitlines():
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        at, customer, plan, verdict = cells[0], cells[1], cells[2], next(c for c in cells[3:] if c in VERDICTS)
        sent[plan, verdict] += 1
        if verdict == "send" and "staff" not in cells:
            reached.add(customer)
            day = datetime.date.fromisoformat(at[:10])
            weeks[customer, day - datetime.timedelta(day.weekday())] += 1
    for plan, p in one["plans"].items():
        name = plan.split("@")[0]
        check(f"{plan}: entered", p["entered"], sent[name, "entered"] + sent[name, "control"])
        check(f"{plan}: messages", p["messages"], sent[name, "send"])
        check(f"{plan}: held", p["held"], sent[name, "held"])
        check(f"{plan}: reasons of held", sum(p["held_by"].values()), p["held"])
        check(f"{plan}: cost", round(p["cost"], 2), round(p["channels"].get("email", 0) * 0.02, 2))
    check("reached", one["reached"], len(reached))
    check("weeks", one["customer_weeks"], {str(n): c for n, c in sorted(collections.Counter(weeks.values()).items())})
    for plan, p in one["plans"].items():
        check(f"{plan}: cost by channel", p["cost_by_channel"], {"email": p["cost"]} if p["cost"] else {})
    check("at least somebody entered", one["plans"]["anti-churn"]["entered"] > 500, True)

    rows = list(csv.DictReader(io.StringIO(run("replay", db, *PERIOD, "--format", "csv"))))
    check("csv", {r["plan"]: int(r["messages"]) for r in rows}, {k: p["messages"] for k, p in one["plans"].items()})
    return one


VERDICTS = {"entered", "control", "send", "held", "skipped", "dropped", "exited", "ended"}


def pages(db, folder, one):
    run("replay", db, *PERIOD, "--report", folder / "fr.html", "--locale", "fr")
    french = (folder / "fr.html").read_text()
    page = Page(french)
    check("page: everything closed", page.open, [])
    check("page: loads nothing", page.loads, [])
    check("page: no address", re.findall(r"https?://|url\(", french), [])
    grouped = f"{one['messages']:,}".replace(",", "\u202f")
    for wanted in ("Ce que les plans auraient fait", grouped, one["trace_sha256"], "Réveil des inactifs", "prefers-color-scheme"):
        check(f"page says {wanted}", wanted in french, True)
    run("replay", db, *PERIOD, "--report", folder / "en.html", "--locale", "en")
    english = (folder / "en.html").read_text()
    check("English page", "What the plans would have done" in english and f"{one['messages']:,}" in english, True)
    check("no French left", re.findall(r"Réveil|Retenus|semaine", english), [])
    check("unwritable", "could not be written" in run("replay", db, *PERIOD, "--report", folder / "no" / "x.html", status=1), True)


def compared(db, folder, one):
    gentle = folder / "gentle"
    shutil.copytree(ROOT / "plans", gentle, ignore=shutil.ignore_patterns("examples"))
    text = (gentle / "cross-sell.yaml").read_text()
    (gentle / "cross-sell.yaml").write_text(text.replace("again: always", "again: never"))
    (gentle / "renewal.yaml").unlink()
    both = json.loads(run("replay", db, *PERIOD, "--compare", gentle, "--format", "json", "--report", folder / "both.html"))
    both["a"].pop("seconds")
    check("the first side is the replay alone", both["a"], one)
    check("once only: fewer messages", both["b"]["plans"]["cross-sell"]["messages"] < one["plans"]["cross-sell"]["messages"], True)
    check("entries: one a person", both["b"]["plans"]["cross-sell"]["entered"] <= both["b"]["customers"], True)
    check("a plan taken away", "renewal" in both["b"]["plans"], False)
    rows = list(csv.DictReader(io.StringIO(run("replay", db, *PERIOD, "--compare", gentle, "--format", "csv"))))
    check("csv: both sides", collections.Counter(r["plan"] for r in rows)["cross-sell"], 2)
    page = (folder / "both.html").read_text()
    check("page: both hashes", [both[s]["trace_sha256"] in page for s in "ab"], [True, True])
    check("page: closed", Page(page).open, [])


def budget(db, folder, one):
    """Two pounds a month for the win-back: no month costs more, and what waited for money says so, on every face."""
    tight = folder / "tight"
    shutil.copytree(ROOT / "plans", tight, ignore=shutil.ignore_patterns("examples"))
    text = (tight / "anti-churn.yaml").read_text()
    (tight / "anti-churn.yaml").write_text(text + "budget: 2 GBP per month\n")
    period = ["--plans", tight, *PERIOD, "--format"]
    trace, page = folder / "tight.trace", folder / "tight.html"
    said = json.loads(run("replay", db, *period, "json", "--trace", trace, "--report", page, "--locale", "en", "--threads", 1))
    four = json.loads(run("replay", db, *period, "json", "--threads", 4))
    check("budget: threads", four["trace_sha256"], said["trace_sha256"])
    check("budget: looks", four["asked"], said["asked"])
    plan, free = said["plans"]["anti-churn"], one["plans"]["anti-churn"]
    months = collections.Counter()
    for line in trace.read_text().splitlines():
        cells = line.split("\t")
        if not line.startswith("#") and cells[2] == "anti-churn" and cells[6] == "send":
            at = datetime.datetime.fromisoformat(cells[0].replace("Z", "+00:00"))
            months[at.astimezone(zoneinfo.ZoneInfo("Europe/London")).strftime("%Y-%m")] += 1
    check("budget: no month is overspent", max(months.values()), 100)
    check("budget: the dearest month", (plan["budget"], plan["budget_per"], plan["most_in_a_month"]), (2, "month", 2))
    check("budget: fewer messages", plan["messages"] < free["messages"] and plan["messages"] == sum(months.values()), True)
    check("budget: what waited", plan["held_by"]["budget"] > 100, True)
    check("budget: without one, nothing said", "budget" in free, False)
    rows = {r["plan"]: r for r in csv.DictReader(io.StringIO(run("replay", db, *period, "csv")))}["anti-churn"]
    check("budget: csv", (float(rows["budget"]), int(rows["held for budget"])), (2, plan["held_by"]["budget"]))
    check("budget: csv, by channel", float(rows["cost email"]), plan["cost_by_channel"]["email"])
    table = run("replay", db, "--plans", tight, *PERIOD)
    check("budget: table", "anti-churn: 2.00 GBP spent in the dearest month, of a budget of 2.00 a month" in table, True)
    check("budget: page", all(w in page.read_text() for w in ("budget spent", "budget: £2 a month", "Channel by channel")), True)


def forgotten_range(db, text):
    """Bought a heart of the range, never a cake stand: by product name, straight from the file."""
    bought = collections.defaultdict(set)
    for row in csv.DictReader(io.StringIO(text.decode("utf-8", "replace"))):
        if row["CustomerID"] and int(row["Quantity"]) > 0:
            bought[row["StockCode"].upper()].add(row["CustomerID"])
    wanted = bought["85123A"] - bought["22423"]
    said = json.loads(run("segment", db, 'bought(sku = "85123A") and not bought(sku = "22423")', "--at", "2011-09-01",
                          "--format", "json"))
    said = said[0] if isinstance(said, list) else said
    counts = [v for v in said.values() if isinstance(v, int)]
    check("forgotten range", len(wanted) in counts, True)
    check("forgotten range: a real one", len(wanted) > 100, True)


def recorded(folder):
    """What the shop's own messages got is told again: the third win-back goes to those who opened, and to them only."""
    db = folder / "lived.db"
    run("simulate", db, "--customers", "600", "--years", "3", "--seed", "9", "--until", "2026-10-01")
    run("plan", "on", db, "anti-churn", "--at", "2026-10-01T08:00")
    for day in ("01", "02", "10", "14"):
        run("tick", db, "--at", f"2026-10-{day}T11:00")
    shop = sqlite3.connect(db)
    opened = shop.execute("UPDATE message SET opened_at = sent_at + 3600 WHERE state = 3 AND channel = 0 AND step = 'winback-1'").rowcount
    shop.commit()
    shop.close()
    period = ["--plans", ROOT / "plans" / "anti-churn.yaml", "--from", "2026-10-01", "--to", "2026-10-20", "--format", "json"]
    none = json.loads(run("replay", db, *period))["plans"]["anti-churn"]
    told = json.loads(run("replay", db, *period, "--response", "recorded"))["plans"]["anti-churn"]
    check("recorded: messages that were opened", opened > 20, True)
    check("recorded: opens told again", told["opened"], opened)
    check("recorded: nobody opens otherwise", none["opened"], 0)
    check("recorded: the third message leaves", told["messages"] > none["messages"], True)


def main():
    text = read_csv()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "orders.csv").write_bytes(text)
        db = folder / "shop.db"
        run("init", db, "--timezone", "Europe/London", "--currency", "GBP", "--locale", "en")
        run("import", db, folder / "orders.csv")
        one = replays(db, folder)
        pages(db, folder, one)
        compared(db, folder, one)
        budget(db, folder, one)
        forgotten_range(db, text)
        recorded(folder)
    print("\n".join(FAILED) or "replay: all figures agree")
    sys.exit(1 if FAILED else 0)


main()
