#!/usr/bin/env python3
"""relance plan, as a user types it: plan.py RELANCE SOURCE"""
import email
import email.policy
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

RELANCE, SOURCE = sys.argv[1], sys.argv[2]


def run(*args, status=0):
    done = subprocess.run([RELANCE, "plan", *args], capture_output=True, text=True)
    assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def approval(folder, shop):
    """A campaign waits for a second person, where the shop wants it."""
    file = write(os.path.join(folder, "opening.yaml"), "plan: opening\nenter: {when: once on 2026-05-04, who: orders >= 1}\n"
                 "steps:\n  - {at: J, send: news}\n")

    def state():
        out, _ = run("list", shop, "--format", "json")
        return {p["plan"]: (p["state"], p["version"]) for p in json.loads(out)}["opening"]

    run("on", shop, file, "--at", "2026-03-01", "--by", "claire")
    assert state() == ("on", 1), "without the setting it is on at once"
    subprocess.run([RELANCE, "set", shop, "approval.campaigns", "yes"], check=True, stdout=subprocess.DEVNULL)
    run("on", shop, file, "--at", "2026-03-02", "--by", "claire")
    assert state() == ("on", 1), "what is on and unchanged needs no approval"
    write(file, open(file).read().replace("orders >= 1", "orders >= 2"))
    run("on", shop, file, "--at", "2026-03-03", "--by", "claire")
    assert state() == ("waiting", 2)
    _, err = run("approve", shop, "opening", "--at", "2026-03-04", "--by", "claire", status=1)
    assert "a second person approves it" in err, err
    _, err = run("approve", shop, "opening", "--at", "2026-05-04", "--by", "paul", status=1)
    assert "has begun" in err, err
    assert state() == ("waiting", 2)
    run("approve", shop, "opening", "--at", "2026-03-04", "--by", "paul")
    assert state() == ("on", 2)
    _, err = run("approve", shop, "opening", "--at", "2026-03-05", "--by", "paul", status=1)
    assert "waits for no approval" in err, err
    run("on", shop, "anti-churn", "--at", "2026-03-05")  # not a campaign: on at once
    run("off", shop, "opening")


def pools(folder):
    """A step that draws from the shop's own codes: one each, kept for the reminder; an empty pool holds the message."""
    shop, plan = os.path.join(folder, "pool.db"), os.path.join(folder, "pool.yaml")

    def relance(*args):
        return subprocess.run([RELANCE, *args], capture_output=True, text=True, check=True).stdout

    relance("init", shop, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    orders = "".join(f"{i},2025-01-10 10:00,c{i},lamp,1,50.00,c{i}@example.com\n" for i in range(3))
    relance("import", shop, write(os.path.join(folder, "o.csv"), "order,date,customer,sku,quantity,amount,email\n" + orders))
    write(plan, "plan: anti-churn\nenter: {when: inactive 6 months}\ncontrol: 0%\npurpose: service\nsteps:\n"
          "  - {at: J, send: winback-1, voucher: {percent: 10, valid: 20 days, pool: spring}}\n  - {at: J+8, send: winback-2}\n")
    codes = write(os.path.join(folder, "codes"), "AAA-1\nBBB-2\n\nAAA-1\n")
    out = json.loads(relance("voucher", "add", shop, "spring", codes, "--format", "json"))
    assert out == {"pool": "spring", "added": 2, "known": 1, "free": 2}, out
    run("on", shop, plan, "--at", "2025-07-01")
    for at in ("2025-07-01 12:00", "2025-07-10 10:00", "2025-07-18 10:00"):
        relance("tick", shop, "--at", at, "--out", os.path.join(folder, "out"))
    with sqlite3.connect(shop) as db:
        got = db.execute("select customer_id, step, voucher from message where state = 3 order by 3, 2").fetchall()
    assert [(step, code) for _, step, code in got] == [("winback-1", "AAA-1"), ("winback-2", "AAA-1"), ("winback-1", "BBB-2"),
                                                        ("winback-2", "BBB-2")], got
    assert len({c for c, _, _ in got}) == 2, got
    assert json.loads(relance("voucher", "free", shop, "spring", "--format", "json"))["free"] == 0


def amounts(folder):
    """What a voucher is worth is said as people write it."""
    shop, plan, out = (os.path.join(folder, name) for name in ("amount.db", "amount.yaml", "amounts"))
    for args in (("init", shop, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr"),
                 ("import", shop, write(os.path.join(folder, "a.csv"), "order,date,customer,sku,quantity,amount,email\n"
                                                                       "1,2025-01-10 10:00,c1,lamp,1,50.00,c1@example.com\n")),
                 ("plan", "on", shop, write(plan, "plan: anti-churn\nenter: {when: inactive 6 months}\ncontrol: 0%\npurpose: service\nsteps:\n"
                                                  "  - {at: J, send: winback-1, voucher: {amount: 5 EUR, valid: 20 days}}\n"
                                                  "  - {at: J+8, send: winback-2, voucher: {amount: 7.50 EUR, minimum: 40 EUR, valid: 20 days}}\n"),
                  "--at", "2025-07-01"),
                 *(("tick", shop, "--at", at, "--out", out) for at in ("2025-07-01 12:00", "2025-07-10 10:00", "2025-07-18 10:00"))):
        subprocess.run([RELANCE, *args], check=True, stdout=subprocess.DEVNULL)
    said = {}
    for name in os.listdir(out):
        with open(os.path.join(out, name), "rb") as f:
            mail = email.message_from_binary_file(f, policy=email.policy.default)
        said[name.split(".")[3]] = mail.get_body(("plain",)).get_content()
    assert "5\u00a0€ sur votre prochaine commande" in said["winback-1"], said
    assert "7,50\u00a0€ sur votre prochaine commande" in said["winback-2"], said
    assert "dès 40,00\u00a0€ d’achat" in said["winback-2"], said


def main(folder):
    good = os.path.join(SOURCE, "plans", "anti-churn.yaml")
    with open(good, encoding="utf-8") as f:
        text = f.read()
    for path in ("plans", "plans/examples", "plans/examples/occasions"):
        out, _ = run("check", os.path.join(SOURCE, path))
        advice = [line for line in out.splitlines() if ": advice: " in line]
        assert " plans read, 0 errors, " in out and all("-be" in line for line in advice), out  # the French or the Belgian calendar, not both
    out, _ = run("check", os.path.join(SOURCE, "plans"), "--locale", "fr")
    assert ": note: jusqu’à 8 messages (e-mail) peuvent échoir à une même personne" in out, out
    assert out.endswith(" plans read, 0 errors, 0 advice\n"), out
    bad = write(os.path.join(folder, "bad.yaml"), text.replace("priority: 40", "priorty: 40\ncontrol: 0%"))
    out, _ = run("check", bad, status=1)
    assert ":17:1: error: no key \"priorty\" in a plan; did you mean \"priority\"?\n" in out, out
    advised = write(os.path.join(folder, "advised.yaml"), text.replace("control: 10%", "control: 0%"))
    out, _ = run("check", advised, "--format", "json")
    issues = json.loads(out)
    assert [(i["level"], i["line"], i["column"]) for i in issues] == [("advice", 16, 10)], out
    subject = write(os.path.join(folder, "subject.yaml"), "plan: p\nenter: {when: order}\nexit: order\nsteps:\n"
                    "  - {at: J, send: [{message: a, subject: \"{{ x \"}, {message: b}], name: a}\n")
    out, _ = run("check", subject, status=1)
    assert 'subject.yaml:5:5: error: step "a": subject:1:1: "{{" is never closed' in out, out
    os.makedirs(os.path.join(folder, "messages", "fr"))
    write(os.path.join(folder, "messages", "fr", "winback-1.liquid"), "x")
    out, _ = run("check", good, "--messages", os.path.join(folder, "messages"), status=1)
    assert "advice: message \"winback-1\" is not written in English" in out, out
    assert out.count("error: no message ") == 2, out
    out, _ = run("diff", "anti-churn", write(os.path.join(folder, "new.yaml"), text.replace("J+8", "J+9")))
    assert out == "winback-2: moment: J+8 → J+9\n", out
    out, _ = run("diff", good, "anti-churn", "--locale", "fr")
    assert out == "aucun changement de sens\n", out
    out, _ = run("show", "birthday", "--format", "json")
    assert {"step": "birthday-2", "property": "moment", "text": "J+15"} in json.loads(out), out
    shop = os.path.join(folder, "shop.db")
    subprocess.run([RELANCE, "init", shop, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "en"], check=True,
                   stdout=subprocess.DEVNULL)
    run("on", shop, "anti-churn", "survey", "--at", "2026-01-01")
    out, _ = run("on", shop, os.path.join(folder, "new.yaml"), "--format", "json")
    assert json.loads(out) == [{"plan": "anti-churn", "state": "on", "version": 2, "new_version": True}], out
    run("off", shop, "survey")
    out, _ = run("move", shop, "anti-churn")
    assert out.endswith("0 runs would move to version 2, 0 stay; --yes does it\n"), out
    run("move", shop, "anti-churn", "--yes")
    out, _ = run("list", shop, "--format", "json")
    states = {p["plan"]: (p["state"], p["version"]) for p in json.loads(out)}
    assert states["anti-churn"] == ("on", 2) and states["survey"] == ("off", 1) and states["welcome"] == ("never on", None), out
    approval(folder, shop)
    pools(folder)
    amounts(folder)
    _, err = run("on", shop, "survy", status=1)
    assert err == "relance: no plan \"survy\"; did you mean \"survey\"? A file of your own is given by its path\n", err
    _, err = run("on", shop, bad, status=1)
    assert "did you mean \"priority\"?" in err, err
    for args in (("chek",), ("show",), ("on", shop), ()):
        run(*args, status=2)


with tempfile.TemporaryDirectory() as d:
    main(d)
