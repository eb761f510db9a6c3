#!/usr/bin/env python3
"""The plans of plans/examples over a simulated shop: no advice, messages in both languages, people enter each of them and
get its messages, and what a person reads is whole.
usage: test_examples.py RELANCE SOURCE"""
import email
import email.policy
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

RELANCE, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
FOLDERS = [SOURCE / "plans" / "examples", SOURCE / "plans" / "examples" / "occasions"]
ROUND_THE_YEAR = {"service-reminder", "replenishment", "range-launch", "private-sale", "event-invitation", "double-points", "arrival",
       "surprise", "reopening", "christmas", "saint-nicolas", "mothers-day-fr", "mothers-day-be", "winter-sales-fr",
       "winter-sales-be", "sunny-days", "loyalty-nudge", "appointment"}
# what the simulator does not invent: the shop's own events, and a tag of its card
EVENTS = {"appointment_tomorrow": "2026-03-10 09:00", "reward_near": "2026-04-14 11:00", "service_visit": "2026-05-20 15:00",
          "registered_open_doors": "2026-03-30 20:00"}


def run(*args):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (args, done.stdout, done.stderr)
    return done.stdout


def make_shop(folder):
    db = folder / "shop.db"
    run("simulate", db, "--customers", "2500", "--years", "4", "--seed", "11", "--until", "2026-11-01")
    with sqlite3.connect(db) as shop:
        refs = [r for (r,) in shop.execute("SELECT ref FROM customer ORDER BY customer_id")]
    rows = ["customer,date,event"]
    for name, at in EVENTS.items():
        rows += [f"{ref},{at},{name}" for ref in refs[::3]]
    rows += [f"{ref},2026-01-05 10:00,tag:loyalty-card,1" for ref in refs[::2]]
    rows = [rows[0] + ",value"] + [r if r.endswith(",1") else r + "," for r in rows[1:]]
    (folder / "events.csv").write_text("\n".join(rows) + "\n")
    run("import", db, folder / "events.csv", "--as", "events")
    return db


def one_year(folder):
    """All in one folder, the days of the campaigns in the year that is replayed."""
    plans = folder / "plans"
    plans.mkdir()
    for path in (p for f in FOLDERS for p in sorted(f.glob("*.yaml"))):
        (plans / path.name).write_text(path.read_text().replace("2027-", "2026-"))
    return plans


def replayed(db, plans):
    said = json.loads(run("replay", db, "--plans", plans, "--from", "2025-11-01", "--to", "2026-10-31", "--consent", "assume",
                          "--response", "rates", "--format", "json"))["plans"]
    assert ROUND_THE_YEAR <= set(said), ROUND_THE_YEAR - set(said)
    for name, p in sorted(said.items()):
        assert p["entered"] > 0, f"{name}: nobody enters"
        assert p["messages"] > 0, f"{name}: nothing leaves"
        print(f"{name}: {p['entered']} enter, {p['messages']} messages")
    assert said["private-sale"]["most_in_a_month"] <= 300, "the budget of the private sale"


def lived(db, plans, folder):
    """Every first message of a campaign as a person of each language gets it: nothing unfilled, nothing missing."""
    copy = folder / "live.db"
    with sqlite3.connect(db) as shop:
        shop.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(db, copy)
    shutil.copy(str(db) + ".key", str(copy) + ".key")
    with sqlite3.connect(copy) as shop:
        shop.execute("UPDATE shop SET value = '2000 in 7 days' WHERE name LIKE 'pressure%'")
    for name in ("private-sale", "reopening", "range-launch", "double-points", "event-invitation"):
        run("plan", "on", copy, plans / f"{name}.yaml", "--at", "2026-01-15T10:00")
    run("tick", copy, "--at", "2026-01-20T10:00")
    for day in ("02-02", "03-22", "04-06", "05-13", "06-10"):
        run("tick", copy, "--at", f"2026-{day}T10:00")
        run("resume", copy)
        run("tick", copy, "--at", f"2026-{day}T10:01")
    held = subprocess.run([RELANCE, "tick", copy, "--at", "2026-06-10T10:02"], capture_output=True, text=True, timeout=300).stderr
    assert not held, held
    mails = list(folder.glob("live.db.outbox/*.eml"))
    assert len(mails) > 100, len(mails)
    seen = set()
    for path in mails:
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        text = mail.get_body(("plain",)).get_content()
        seen.add(path.name.split(".")[1])
        assert mail["Subject"] and not re.search(r"\{\{|\{%|\[\[", text + mail["Subject"]), (path, text)
        assert mail["List-Unsubscribe"], path
    assert seen >= {"private-sale", "reopening", "range-launch", "double-points", "event-invitation"}, seen


def main():
    for path in FOLDERS:
        out = run("plan", "check", path, "--messages", SOURCE / "messages", "--average-basket", "60")
        assert " plans read, 0 errors, " in out.splitlines()[-1], out
        # two countries' calendars in one folder may meet on a day; one country's does not
        assert all("-be" in line for line in out.splitlines() if ": advice: " in line), out
    out = run("message", "check", "--messages", SOURCE / "messages")
    assert out.rstrip().endswith("0 findings"), out
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        db = make_shop(folder)
        plans = one_year(folder)
        replayed(db, plans)
        lived(db, plans, folder)


main()
