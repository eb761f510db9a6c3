#!/usr/bin/env python3
"""Merging two records and taking it back: test_merge.py RELANCE. PostgreSQL is left out, with a message, without
RELANCE_TEST_PG.

A little random shop is imported month by month and turned by `relance tick --at`, as test_parity.py does it:
 - merged and un-merged between two ticks: every tick decides what it decides without;
 - merged at one tick and un-merged some ticks later: runs of the record that goes end with that reason, nothing queued of it
   leaves while it is merged, everybody else's decisions stay the same; the folds are those of never having merged;
 - the audit replay repeats all of it byte for byte, and both databases log the same ticks."""
import csv
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sim"))
import little_shop  # noqa: E402
from little_shop import sql  # noqa: E402

RELANCE = os.path.abspath(sys.argv[1])
START = datetime.date(2023, 9, 1)
TICKS = [datetime.timedelta(days=d, hours=h) for d in range(0, 60, 2) for h in (3, 10)]
PAIRS = [(2 * i + 1, 2 * i + 2) for i in range(30)]  # every second of the first sixty goes into the one before
MERGED, BACK = 12, 36  # before which tick


def relance(*args, status=0):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, (args, done.stdout, done.stderr)
    return done.stdout + done.stderr if status else done.stdout


def when(n):
    return (datetime.datetime.combine(START, datetime.time()) + TICKS[n] - datetime.timedelta(minutes=1)).isoformat() + "Z"


def merge_all(db, n):
    for one, other in PAIRS:
        relance("merge", db, f"#{one}", f"#{other}", "--at", when(n))


def unmerge_all(db, n):
    for _, other in PAIRS:
        relance("unmerge", db, f"#{other}", "--at", when(n))


def live(db, folder, between, threads=2):
    relance("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    sql(db, "UPDATE shop SET value = '42' WHERE name = 'seed'")
    parts = little_shop.slices(folder, START, TICKS)
    for n, at in enumerate(TICKS):
        for name in little_shop.FILES:
            if (n, name) in parts:
                path = folder / f"slice-{n}-{name}.csv"
                with open(path, "w", newline="", encoding="utf-8") as f:
                    csv.writer(f).writerows(parts[n, name])
                relance("import", db, path, "--as", name, "--consent-source", "form")
        if n == 0:
            for plan in ("anti-churn", "abandoned-cart", "cross-sell"):
                relance("plan", "on", db, plan, "--at", f"{START - datetime.timedelta(days=1)}T12:00:00Z")
        between(db, n)
        at = datetime.datetime.combine(START, datetime.time()) + at
        relance("tick", db, "--at", at.isoformat() + "Z", "--threads", threads, "--out", folder / "out")
    audit = json.loads(relance("replay", db, "--audit", "--format", "json"))
    assert audit["same"] == "yes" and audit["unfinished"] == 0, audit
    assert "is sound" in relance("check", db)
    return audit


def decisions(db, where="1=1"):
    # in the order they were said: the first of a row that counts several
    return sql(db, "SELECT customer_id, plan, run_no, step, verdict, reason, channel, first_at FROM decision WHERE "
               f"{where} ORDER BY customer_id, plan, run_no, step, verdict, reason, first_at")


def at_once(db, n):
    if n in (MERGED, BACK):
        merge_all(db, n)
        unmerge_all(db, n)


def for_a_while(db, n):
    if n == MERGED:
        merge_all(db, n)
    if n == BACK:
        unmerge_all(db, n)


def folds(db):
    return [relance("lifecycle", db, "--at", "2023-11-01", "--list", "--format", "json"),
            json.loads(relance("segment", db, "orders >= 2 or consent(email, marketing) = granted", "--format", "json", "--at", "2023-11-01"))["count"]]


def look_at_merged(db):
    """While they are merged and after: who decided what about those that went."""
    merged = int(datetime.datetime.fromisoformat(when(MERGED)[:-1] + "+00:00").timestamp())
    back = int(datetime.datetime.fromisoformat(when(BACK)[:-1] + "+00:00").timestamp())
    gone = ", ".join(str(other) for _, other in PAIRS)
    ended = sql(db, f"SELECT count(*) FROM decision WHERE verdict = 6 AND reason = 36 AND customer_id IN ({gone})")
    assert int(ended[0][0]) >= 5, ended
    left = sql(db, f"SELECT count(*) FROM message WHERE customer_id IN ({gone}) AND state = 3 AND sent_at BETWEEN {merged} AND {back}")
    assert int(left[0][0]) == 0, left
    said = sql(db, f"SELECT count(*) FROM decision WHERE customer_id IN ({gone}) AND first_at BETWEEN {merged} AND {back} "
               "AND NOT (verdict = 6 AND reason = 36)")
    assert int(said[0][0]) == 0, said


def same_step_twice(db):
    """While they were one person nobody got a step of a plan for something the other record had got it for."""
    pairs = {other: one for one, other in PAIRS}
    got = {}
    merged = int(datetime.datetime.fromisoformat(when(MERGED)[:-1] + "+00:00").timestamp())
    back = int(datetime.datetime.fromisoformat(when(BACK)[:-1] + "+00:00").timestamp())
    for c, plan, step, at in sql(db, "SELECT customer_id, plan, step, sent_at FROM message WHERE state = 3 AND plan = 'anti-churn'"):
        got.setdefault((pairs.get(int(c), int(c)), plan, step), []).append(int(at))
    for key, times in got.items():
        while_one = [t for t in times if merged <= t < back]
        before = [t for t in times if t < merged]
        assert len(while_one) <= 1 and not (while_one and before), (key, times)  # again after 12 months: not within these


def figures_of_one_person(db, folder):
    """One person in every face; references of the record that went lead to the survivor; refusals say what to do."""
    relance("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    path = folder / "people.csv"
    path.write_text("customer,email,first_name,last_name,postcode,created\n"
                    "a1,jo@example.org,Zoé,Martin,59000,2023-01-01\na2,jo@EXAMPLE.org,Zoe,MARTIN,59000,2023-02-01\n"
                    "a3,li@example.org,Li,Wen,75001,2023-02-01\n")
    relance("import", db, path, "--as", "customers", "--consent-source", "form")
    orders = folder / "orders.csv"
    orders.write_text("order,customer,date,sku,quantity,amount\n1,a1,2023-03-01,LAMP,1,10.00\n2,a2,2023-04-01,LAMP,1,20.00\n")
    relance("import", db, orders, "--as", "orders")
    found = json.loads(relance("duplicates", db, "--format", "json"))
    assert [(d["sure"], d["reason"], d["one_ref"], d["other_ref"]) for d in found] == \
        [("high", "e-mail, name and postcode", "a1", "a2")], found
    relance("duplicates", db, "--dismiss", "a1", "a2")
    assert json.loads(relance("duplicates", db, "--format", "json")) == []
    relance("duplicates", db, "--dismiss", "a1", "a2", "--undo")
    assert len(json.loads(relance("duplicates", db, "--format", "json"))) == 1
    relance("merge", db, "a1", "a2", "--at", "2023-05-01")
    assert json.loads(relance("duplicates", db, "--format", "json")) == []
    rows = json.loads(relance("lifecycle", db, "--at", "2023-06-01", "--list", "--format", "json"))
    assert [(r["customer"], r["orders"], r["spend"]) for r in rows] == [("a1", 2, 30.0), ("a3", 0, 0.0)], rows
    assert json.loads(relance("why", db, "a2", "--at", "2023-06-01", "--format", "json"))["phase"] == "loyal"
    # a new order under the reference that went is the survivor's, and goes back with it
    orders.write_text("order,customer,date,sku,quantity,amount\n3,a2,2023-05-02,LAMP,1,5.00\n")
    relance("import", db, orders, "--as", "orders")
    rows = json.loads(relance("lifecycle", db, "--at", "2023-06-01", "--list", "--format", "json"))
    assert rows[0]["orders"] == 3 and len(rows) == 2, rows
    assert "already" in relance("merge", db, "a3", "a2", status=1)
    assert "one record" in relance("merge", db, "a1", "a1", status=1)
    assert "was not merged" in relance("unmerge", db, "a3", status=1)
    # a chain: a1 (with a2) into a3; taking a1 back leaves a2 with it
    relance("merge", db, "a3", "a1")
    rows = json.loads(relance("lifecycle", db, "--at", "2023-06-01", "--list", "--format", "json"))
    assert [(r["customer"], r["orders"]) for r in rows] == [("a3", 3)], rows
    assert "is sound" in relance("check", db)
    relance("unmerge", db, "a1")
    relance("unmerge", db, "a2")
    rows = json.loads(relance("lifecycle", db, "--at", "2023-06-01", "--list", "--format", "json"))
    assert [(r["customer"], r["orders"]) for r in rows] == [("a1", 1), ("a2", 2), ("a3", 0)], rows
    # what look-ups follow must be what the facts say
    sql(db, "UPDATE customer SET merged_into = 1 WHERE customer_id = 3")
    assert "merge" in relance("check", db, status=1)
    sql(db, "UPDATE customer SET merged_into = NULL WHERE customer_id = 3")
    relance("merge", db, "a1", "a2")
    relance("erase", db, "a1", "--yes")
    left = sql(db, "SELECT count(*) FROM person WHERE customer_id IN (1, 2)")
    assert int(left[0][0]) == 0, left
    assert "is sound" in relance("check", db)


def main():
    server = os.environ.get("RELANCE_TEST_PG")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ["RELANCE_KEYS"] = name
        little_shop.write(folder, 5)
        never, once, mine = f"{name}/never.db", f"{name}/once.db", f"{name}/while.db"
        without = live(never, folder, lambda db, n: None)
        merged_at_once = live(once, folder, at_once)
        assert merged_at_once["trace_sha256"] == without["trace_sha256"], "un-merged at once, and yet decided otherwise"
        assert folds(once) == folds(never), "un-merged, and yet other folds"
        ticks = live(mine, folder, for_a_while)
        assert ticks["trace_sha256"] != without["trace_sha256"], "merging changed nothing"
        look_at_merged(mine)
        same_step_twice(mine)
        assert folds(mine) == folds(never), "un-merged, and yet other folds"
        involved = ", ".join(str(c) for pair in PAIRS for c in pair)
        # those who share an address with somebody merged feel their messages too
        alone = f"customer_id NOT IN ({involved}) AND customer_id > 62"
        assert decisions(mine, alone) == decisions(never, alone), "somebody else's decisions changed"
        (folder / "people").mkdir()
        figures_of_one_person(f"{name}/people.db", folder / "people")
        if server:
            assert live(server, folder, for_a_while)["trace_sha256"] == ticks["trace_sha256"], "PostgreSQL decides otherwise"
        else:
            print("RELANCE_TEST_PG is not set: PostgreSQL is left out (tools/with_postgres.sh runs it)", file=sys.stderr)
        print(f"{len(PAIRS)} pairs merged and un-merged over {len(TICKS)} ticks: the same")


main()
