#!/usr/bin/env python3
"""The same history gives the same decisions on SQLite and PostgreSQL, with any number of threads, in one go or with the
program started anew at every tick: test_parity.py RELANCE. PostgreSQL is left out, with a message, without RELANCE_TEST_PG.

A little random shop is imported month by month; between the imports it is turned by `relance tick --at`. Compared: the hash
of `relance replay`, the tick rows' trace hashes, and what the audit makes of them."""
import datetime
import csv
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


def relance(*args):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout


def live(db, folder, threads):
    """Turns the shop through the ticks; the tick log."""
    parts = little_shop.slices(folder, START, TICKS)
    for n, at in enumerate(TICKS + [None]):
        for name in little_shop.FILES:
            if (n, name) in parts:
                path = folder / f"slice-{n}-{name}.csv"
                with open(path, "w", newline="", encoding="utf-8") as f:
                    csv.writer(f).writerows(parts[n, name])
                relance("import", db, path, "--as", name, "--consent-source", "form")
        if n == 0:
            for plan in ("anti-churn", "abandoned-cart", "cross-sell"):
                relance("plan", "on", db, plan, "--at", f"{START - datetime.timedelta(days=1)}T12:00:00Z")
        if at is not None:
            when = datetime.datetime.combine(START, datetime.time()) + at
            relance("tick", db, "--at", when.isoformat() + "Z", "--threads", threads, "--out", folder / "out")
    log = sql(db, "SELECT tick, at, seq_hi, decisions, trace_sha256 FROM tick ORDER BY tick")
    audit = json.loads(relance("replay", db, "--audit", "--format", "json"))
    assert audit["same"] == "yes" and 0 < audit["ticks"] <= len(log) and audit["unfinished"] == 0, audit
    assert sum(int(row[3]) for row in log) == audit["decisions"] > 50, audit
    return log, audit["trace_sha256"]


def init(db):
    relance("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    sql(db, "UPDATE shop SET value = '42' WHERE name = 'seed'")


def replayed(db, threads, *more):
    got = json.loads(relance("replay", db, "--from", "2022-03-01", "--to", "2024-03-31", "--threads", threads, "--format", "json", *more))
    del got["seconds"]
    return got


def tampered(db):
    """A logged hash that is not what the facts make is found: the audit can fail."""
    sql(db, "UPDATE round SET trace_sha256 = 'x' WHERE tick = (SELECT max(tick) FROM round WHERE decisions > 0)")
    done = subprocess.run([RELANCE, "replay", db, "--audit"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "differs" in done.stderr, done


def main():
    server = os.environ.get("RELANCE_TEST_PG")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ["RELANCE_KEYS"] = name
        little_shop.write(folder, 5)
        dbs = [(f"{name}/one.db", 1), (f"{name}/three.db", 3)]
        if server:
            dbs.append((server, 2))
        else:
            print("RELANCE_TEST_PG is not set: PostgreSQL is left out (tools/with_postgres.sh runs it)", file=sys.stderr)
        logs, replays = [], []
        for db, threads in dbs:
            init(db)
            logs.append(live(db, folder, threads))
            replays += [replayed(db, t, *more) for t, more in ((1, ()), (4, ()))]
            replays += [replayed(db, t, "--response", "rates", "--consent", "assume") for t in (1, 3)]
        for log in logs[1:]:
            assert log == logs[0], "the ticks differ"
        for i in range(0, len(replays), 4):
            assert replays[i] == replays[0] and replays[i + 1] == replays[0], "the replays differ"
            assert replays[i + 2] == replays[2] and replays[i + 3] == replays[2], "the replays with rates differ"
        assert replays[0]["trace_sha256"] != replays[2]["trace_sha256"]
        survey = replays[2]["plans"]["survey"]
        assert survey["messages"] > 0 and survey["goals"] == 0, survey  # it has no goal a purchase could meet
        tampered(dbs[1][0])
        print(f"{len(logs[0][0])} ticks and {len(replays)} replays on {len(dbs)} databases: the same")


main()
