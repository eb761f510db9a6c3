"""relance value, experiment, case from the command line: figures, formats, and what is said of bad input.

usage: figures.py RELANCE
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

RELANCE = sys.argv[1]
FAILED = []


def run(*args, status=0):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=60)
    if done.returncode != status:
        FAILED.append(f"{args}: status {done.returncode}, not {status}: {done.stderr.strip()}")
    for word in ("nan", "inf,", "-inf"):
        if word in done.stdout.lower():
            FAILED.append(f"{args}: prints {word}")
    return done.stdout if status == 0 else done.stderr


def check(what, value, wanted, digits=None):
    good = value is not None and (value == wanted if digits is None else abs(value - wanted) <= 0.5001 * 10**-digits)
    if not good:
        FAILED.append(f"{what}: {value!r}, not {wanted!r}")


def says(what, text, wanted):
    if wanted not in text:
        FAILED.append(f"{what}: {text.strip()!r} does not say {wanted!r}")
    if text.count("\n") > 1:
        FAILED.append(f"{what}: more than one line")


def experiment():
    out = json.loads(run("experiment", "--means", "a:3407:1396.87:52377.9767", "b:3461:2422.7:134698.29", "--format", "json"))
    for key, wanted in (("lift", 0.70732), ("ci_low", -0.03526), ("ci_high", 1.44989), ("p", 0.06191)):
        check(key, out[key], wanted, 5)
    check("verdict", out["verdict"], "not_yet_known")
    out = json.loads(run("experiment", "--proportions", "14/28", "16/30", "--format=json"))
    for key, wanted in (("lift", 0.06667), ("ci_low", -0.47767), ("ci_high", 0.61101)):
        check(key, out[key], wanted, 5)
    check("srm", json.loads(run("experiment", "--counts", "1000,1200", "--format", "json"))["srm_p"], 0.000020079, 9)
    check("srm", json.loads(run("experiment", "--counts", "310,98", "--expected", ".75,.25", "--format", "json"))["srm_p"],
          0.647434186, 9)
    says("three", json.loads(run("experiment", "--means", "3:3:9", "900:950:2000", "--format", "json"))["why"],
         "the control group has 3 customers")
    says("proportion", run("experiment", "--proportions", "5/3", "1/2", status=1), "not above")
    says("squares", run("experiment", "--means", "a:10:100:1", "b:10:100:1", status=1), "belong together")
    says("nothing", run("experiment", status=2), "FILE.csv")


def experiment_csv(folder):
    path = folder / "trial.csv"
    rows = ["groupe;marge;avant;date"]
    for i in range(2000):  # the treated earn 2 more; the past explains most of the rest
        arm, pre = ("témoin", "contact")[i % 2], i * 7919 % 101
        rows.append(f"{arm};{pre + 2 * (i % 2) + i * 31 % 7:.2f};{pre};2024-01-{1 + i % 28:02d}".replace(".", ","))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    out = json.loads(run("experiment", path, "--format", "json"))
    check("control", out["control"], "témoin")
    check("difference", round(out["difference"]), 2)
    check("verdict", out["verdict"], "brought")
    if not out["cuped_variance_cut"] or out["cuped_variance_cut"] < 0.9:
        FAILED.append(f"CUPED took away {out['cuped_variance_cut']}")
    says("french", json.loads(run("experiment", path, "--lang", "fr", "--format", "json"))["text"], "a rapporté ")
    for text, wanted in (("", "empty"), ("a,b,c\n1,2,3\n", "no column \"arm\""), ("arm,outcome\na,1\n", "only one arm"),
                         ("arm,outcome\na,x\n", "no row with an arm and a number")):
        path.write_text(text)
        says(repr(text), run("experiment", path, status=1), wanted)


def value(folder):
    path = folder / "orders.csv"
    for text, wanted in (("", "empty"), ("a,b,c\n1,2,3\n", "no column \"customer\""),
                         ("customer,date,amount\nx,2024-01-01,5\n", "one customer"),
                         ("customer,date,amount\n" + "".join(f"{i},2024-01-0{1 + i % 9},-5\n" for i in range(40)), "no order on or before"),
                         ("customer,date,amount\n" + "".join(f"{i},2024-01-0{1 + i % 8},5\n" for i in range(40)) + "0,2024-03-01,x\n",
                          "ordered on a second day"),
                         ("customer,date,amount\nx,yesterday,5\n", "line 2")):
        path.write_text(text)
        run_text = subprocess.run([RELANCE, "value", str(path)], capture_output=True, text=True, timeout=60)
        if run_text.returncode != 1 or wanted not in run_text.stderr:
            FAILED.append(f"value of {text[:40]!r}: {run_text.stderr.strip()!r} does not say {wanted!r}")
    says("model", run("value", path, "--fit", "magic", status=2), "none of bgnbd")
    says("no file", run("value", folder / "absent.csv", status=1), "No such file")


def value_cdnow():
    roots = [os.environ.get("RELANCE_DATA"), pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data"]
    paths = [pathlib.Path(r) / "cdnow" / "CDNOW_sample.txt" for r in roots if r]
    path = next((p for p in paths if p.exists()), None)
    if not path:
        print("skipped: cdnow/CDNOW_sample.txt is absent; set RELANCE_DATA")
        return
    common = (path, "--until", "1997-09-30", "--unit", "week", "--format", "json")
    wanted = {
        "bgnbd": ({"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}, -9582.429, 2357),
        "mbgnbd": ({"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140}, -9582.136, 2357),
        "paretonbd": ({"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.6687}, -9594.976, 2357),
        "gammagamma": ({"p": 6.2496, "q": 3.7442, "gamma": 15.4435}, -4055.918, 946),
    }
    for model, (params, loglik, customers) in wanted.items():
        out = json.loads(run("value", *common, "--fit", model))
        check("model", out["model"], model)
        check("customers", out["customers"], customers)
        check(f"{model} loglik", out["loglik"], loglik, 3)
        for name, v in params.items():
            check(f"{model} {name}", out["params"][name], v, 4)
    out = json.loads(run("value", *common, "--predict", "2,30.43,38.86", "--span", 39))["prediction"]
    check("E[39]", out["orders"], 1.2259, 4)
    check("alive", out["alive"], 0.7266, 4)
    out = json.loads(run("value", *common, "--view", "customers", "--top", 7))
    check("top", len(out), 7)
    if not all(0 <= c["alive"] <= 1 and c["revenue_low"] <= c["revenue"] <= c["revenue_high"] for c in out):
        FAILED.append("customers: revenue outside its interval")
    check("segments", sum(s["customers"] for s in json.loads(run("value", *common, "--view", "segments"))), 2357)
    check("holdout", json.loads(run("value", *common, "--view", "holdout"))["actual"], 1882)
    check("share", json.loads(run("value", *common, "--view", "share"))[0]["count"], 2357)
    check("cohort", json.loads(run("value", *common, "--view", "cohorts"))[0]["customers"], 781)


def case():
    out = json.loads(run("case", "--format", "json"))
    check("gains", [line["gain"] for line in out["lines"]], [125000, 262500, 2250000, 5625000])
    check("total", (out["before"], out["after"], out["gain"]), (9550000, 17812500, 8262500))
    out = json.loads(run("case", "--prospects", 1000, "--rate", "2%", "--basket", "10,50", "--format", "json"))
    check("basket", out["lines"][0]["before"], 210)
    says("rate", run("case", "--rate", "200", status=1), "between 0 and 100")
    says("no shop", run("case", "absent.db", status=1), "absent.db")
    says("currency", run("case", "absent.db", "--currency", "CHF", status=2), "has its own")


with tempfile.TemporaryDirectory() as name:
    experiment()
    experiment_csv(pathlib.Path(name))
    value(pathlib.Path(name))
    value_cdnow()
    case()
for line in FAILED:
    print(line)
sys.exit(bool(FAILED))
