#!/usr/bin/env python3
"""What a plan's steps leave behind in a running shop: tags as facts, notices to the team, variants of a message.
usage: test_steps.py RELANCE"""
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

RELANCE = sys.argv[1]
FAILED = []
PLAN = """plan: greet
enter: {when: event hello, again: always}
control: 0%
purpose: service
steps:
  - {at: J, tag: warm}
  - {at: J, notify: customer-service}
  - {at: J+2, untag: warm, if: 'tag("warm")'}
"""


def run(*args, status=0):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        FAILED.append(f"{args}: status {done.returncode}, not {status}: {done.stderr.strip()}")
    return done.stdout if status == 0 else done.stderr


def check(what, value, wanted):
    if value != wanted:
        FAILED.append(f"{what}: {value!r}, not {wanted!r}")


def make_shop(folder, people):
    db = folder / "shop.db"
    run("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    rows = "customer,email,first_name,last_name,phone\n"
    events = "customer,date,event\n"
    for i in range(people):
        rows += f"c{i},c{i}@example.com,Ann{i},Martin,+3361234{i:04}\n"
        events += f"c{i},2026-03-02 08:00,hello\n"
    (folder / "customers.csv").write_text(rows)
    (folder / "events.csv").write_text(events)
    run("import", db, folder / "customers.csv", "--as", "customers", "--consent-source", "test form")
    (folder / "greet.yaml").write_text(PLAN)
    run("plan", "on", db, folder / "greet.yaml", "--at", "2026-03-01")
    run("import", db, folder / "events.csv", "--as", "events")
    return db


def tagged(db):
    said = json.loads(run("segment", db, 'tag("warm")', "--at", "2026-03-10", "--format", "json"))
    return (said[0] if isinstance(said, list) else said)["count"]


def facts(db):
    with sqlite3.connect(db) as shop:
        return shop.execute("SELECT customer_id, key, body FROM fact WHERE kind = 5 AND key LIKE 'plan:%' ORDER BY seq").fetchall()


def tags(db):
    run("tick", db, "--at", "2026-03-02T10:00")
    check("a fact for each tag", facts(db), [(i + 1, "plan:greet:1:tag-warm", '{"name":"tag:warm","value":1}') for i in range(3)])
    check("the segment knows it", tagged(db), 3)
    told = json.loads(run("why", db, "c1", "--format", "json"))["decisions"]
    check("why tells it", [d["verdict"] for d in told if d["step"] == "tag-warm"], ["tagged"])
    run("tick", db, "--at", "2026-03-04T10:00")
    check("and taken away", tagged(db), 0)
    check("by facts", [(c, k) for c, k, body in facts(db) if body == '{"name":"tag:warm"}'],
          [(i + 1, "plan:greet:1:untag-warm") for i in range(3)])
    run("check", db)
    run("replay", db, "--audit")


def main():
    with tempfile.TemporaryDirectory() as name:
        db = make_shop(pathlib.Path(name), 3)
        tags(db)
    print("\n".join(FAILED) or "steps: tags, notices and variants are kept")
    sys.exit(1 if FAILED else 0)


main()
