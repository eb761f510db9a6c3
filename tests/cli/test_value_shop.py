#!/usr/bin/env python3
"""relance value on a shop: CDNOW by way of the import gives the published figures, and files and shops agree.

The first part needs the CDNOW sample and says so when it is absent; the second makes its own small shop.
usage: test_value_shop.py RELANCE"""
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("RELANCE_DATA", ROOT.parent / "shared" / "data"))
RELANCE = sys.argv[1]
REFERENCE = {
    "bgnbd": ({"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}, -9582.429, 2357),
    "mbgnbd": ({"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140}, -9582.136, 2357),
    "paretonbd": ({"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.6687}, -9594.976, 2357),
    "gammagamma": ({"p": 6.2496, "q": 3.7442, "gamma": 15.4435}, -4055.918, 946),
}
LEARN = ("--until", "1997-09-30", "--unit", "week", "--format", "json")
VIEWS = ("fit", "holdout", "customers", "segments", "share", "cohorts")


def run(*args, status=0):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, f"{args}: status {done.returncode}: {done.stderr}"
    return done.stdout if status == 0 else done.stderr


def shop(folder, name, *files):
    db = folder / f"{name}.db"
    run("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    for file in files:
        run("import", db, file)
    return db


def cdnow(folder):
    sample = DATA / "cdnow" / "CDNOW_sample.txt"
    if not sample.exists():
        print(f"skipped: {sample} is absent (RELANCE_DATA says where)")
        return False
    rows = [line.split() for line in sample.read_text().splitlines() if line.strip()]
    csv = folder / "orders.csv"  # no articles: one line an order
    csv.write_text("customer,date,amount\n" + "".join(f"{r[0]},{r[-3][:4]}-{r[-3][4:6]}-{r[-3][6:]},{r[-1]}\n" for r in rows))
    shops = [shop(folder, "raw", sample), shop(folder, "plain", csv)]
    for model, (params, loglik, customers) in REFERENCE.items():
        for db in shops:
            out = json.loads(run("value", db, "--fit", model, *LEARN))
            assert out["model"] == model and out["customers"] == customers, out
            assert abs(out["loglik"] - loglik) < 0.00051, (model, out["loglik"])
            for name, wanted in params.items():
                assert abs(out["params"][name] - wanted) < 0.000051, (model, name, out["params"])
    for view in VIEWS:  # a shop and its file say the same
        answers = {run("value", source, "--view", view, *LEARN) for source in (csv, *shops)}
        assert len(answers) == 1, (view, answers)
    out = json.loads(run("value", shops[0], "--predict", "2,30.43,38.86", "--span", 39, *LEARN))["prediction"]
    assert abs(out["orders"] - 1.2259) < 0.000051 and abs(out["alive"] - 0.7266) < 0.000051, out
    return True


def returns_zone_and_guests(folder):
    """A return makes no order, a sale at half past midnight in Paris is of that day, a guest is nobody."""
    csv = folder / "till.csv"
    rows = ["order,customer,date,sku,quantity,amount"]
    for c in range(30):
        rows.append(f"A{c},c{c},2024-01-{1 + c % 20:02d} 00:30:00,{'pen' if c % 2 else 'ink'},1,10.00")
        if c % 2:
            rows.append(f"B{c},c{c},2024-03-{1 + c % 9:02d} 00:30:00,ink,1,20.00")
        if c % 3 == 0:
            rows.append(f"R{c},c{c},2024-03-20 12:00:00,pen,-1,-4.00")
    rows.append("G1,,2024-03-02 12:00:00,ink,1,999.00")
    csv.write_text("\n".join(rows) + "\n")
    db = shop(folder, "till", csv)
    people = {p["customer"]: p for p in json.loads(run("value", db, "--view", "customers", "--top", 100, "--unit", "day",
                                                        "--until", "2024-04-01", "--format", "json"))}
    assert len(people) == 30, len(people)
    share = {s["of"]: s for s in json.loads(run("value", db, "--view", "share", "--format", "json", "--until", "2024-04-01"))}
    total = 30 * 10 + 15 * 20 - 10 * 4
    assert (share["customers"]["count"], float(share["customers"]["total"])) == (30, total), share
    assert (share["products"]["count"], float(share["products"]["total"])) == (2, total), share
    cohorts = json.loads(run("value", db, "--view", "cohorts", "--format", "json", "--until", "2024-04-01"))
    assert cohorts[0]["customers"] == 30 and "2024-01" in json.dumps(cohorts[0]), cohorts
    fit = json.loads(run("value", db, "--unit", "day", "--until", "2024-04-01", "--format", "json"))
    assert fit["customers"] == 30, fit


def segments_as_conditions(folder):
    """rfm in a condition names those whom the RFM view counts; a plan may not use it."""
    csv = folder / "rfm.csv"
    today = datetime.date.today()
    rows = ["customer,date,amount"]
    for c in range(200):
        rows += [f"c{c},{today - datetime.timedelta(days=(c * 7) % 300 + 40 * k)},{5 + c % 37}" for k in range(1 + c % 6)]
    csv.write_text("\n".join(rows) + "\n")
    db = shop(folder, "rfm", csv)
    total = 0
    for s in json.loads(run("value", db, "--view", "segments", "--format", "json")):
        if s["segment"] in ("best", "loyal", "recent", "cooling", "precious", "fading", "asleep"):
            found = json.loads(run("segment", db, f"rfm = {s['segment']}", "--format", "json"))
            found = found[0] if isinstance(found, list) else found
            assert found["count"] == s["customers"], (s, found)
            total += found["count"]
    assert total == 200, total
    plan = folder / "plan.yaml"
    plan.write_text("plan: p\nenter:\n  when: inactive 6 months\n  who: rfm = best\ngoal: order\ncontrol: 10%\n"
                    "steps:\n  - {at: J, send: winback-1, by: [email]}\n")
    refused = subprocess.run([RELANCE, "plan", "check", str(plan)], capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1 and "ranks everybody" in refused.stdout + refused.stderr, refused


def refusals(folder):
    empty = shop(folder, "empty")
    assert "no row of orders" in run("value", empty, status=1)
    assert "no such database" in run("value", folder / "absent.db", status=1)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        returns_zone_and_guests(folder)
        segments_as_conditions(folder)
        refusals(folder)
        full = cdnow(folder)
    print("ok" if full else "ok, without CDNOW")


main()
