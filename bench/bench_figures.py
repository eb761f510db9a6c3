#!/usr/bin/env python3
"""Figures of a whole shop from its database, load included: kpi by month, value, report, experiment. No other program
stands beside them: bench_kpi --sql and bench_value.R measure their cores against PostgreSQL and R.

usage: bench_figures.py RELANCE [--customers N] [--json]"""
import argparse
import json
import pathlib
import sqlite3
import subprocess
import tempfile
import time


def seconds(relance, *args, runs=3):
    best = None
    for _ in range(runs):
        started = time.monotonic()
        subprocess.run([relance, *map(str, args)], check=True, stdout=subprocess.DEVNULL)
        took = time.monotonic() - started
        best = took if best is None else min(best, took)
    return best


def enter_everybody(db):
    """Every buyer in a plan, a tenth in the control group."""
    base = sqlite3.connect(db)
    buyers = [c for (c,) in base.execute("SELECT DISTINCT customer_id FROM fact WHERE kind = 1 AND customer_id > 0")]
    at = 1743494400
    base.executemany("INSERT INTO run (customer_id, plan, run_no, plan_id, subject, entered_at, anchor_at, day, state, control, step,"
                     " queued, last_sent_at, last_done_at, hold_until, held_reason)"
                     " VALUES (?, 'anti-churn', 1, 0, 0, ?, ?, ?, 1, ?, 0, 0, 0, 0, 0, 0)",
                     [(c, at, at, at // 86400, i % 10 == 0) for i, c in enumerate(buyers)])
    base.commit()
    base.close()
    return len(buyers)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("relance")
    options.add_argument("--customers", type=int, default=100000)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        db = pathlib.Path(folder) / "shop.db"
        run = lambda *a: subprocess.run([asked.relance, *map(str, a)], check=True, capture_output=True, text=True).stdout
        made = json.loads(run("simulate", db, "--customers", asked.customers, "--years", 3, "--seed", 7, "--until", "2025-11-01",
                              "--format", "json"))
        made = made[0] if isinstance(made, list) else made
        run("plan", "on", db, "anti-churn", "--at", "2025-01-02")
        entered = enter_everybody(db)
        work = (("load alone (kpi of one month, one figure)", ("kpi", db, "--to", "2025-10", "--rows", "new_customers")),
                ("kpi, 36 months", ("kpi", db, "--from", "2022-11", "--to", "2025-10", "--format", "json")),
                ("value, BG/NBD", ("value", db, "--format", "json")),
                (f"experiment, {entered} customers", ("experiment", db, "anti-churn", "--format", "json")),
                ("report", ("report", db, "--html", pathlib.Path(folder) / "r.html", "--month", "2025-10")))
        for name, args in work:
            took = seconds(asked.relance, *args)
            if asked.json:
                print(json.dumps({"work": name, "customers": asked.customers, "lines": made.get("lines"), "ours_s": round(took, 3),
                                  "baseline": None, "ratio": None, "goal": None}))
            else:
                print(f"{name}: {took:.3f} s ({asked.customers} customers, {made.get('lines')} lines)")


main()
