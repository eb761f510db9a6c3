#!/usr/bin/env python3
"""relance report: one page that stands alone, well formed, in both languages, whose figures are those of relance kpi; and
relance experiment on a plan of the same simulated shop.

usage: test_report.py RELANCE"""
import datetime
import email
import email.policy
import html.parser
import json
import os
import pathlib
import re
import shutil
import signal
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

RELANCE = sys.argv[1]
VOID = {"meta", "br", "link", "img", "rect", "line", "path"}


def run(*args, status=0):
    done = subprocess.run([RELANCE, *map(str, args)], capture_output=True, text=True, timeout=180)
    assert done.returncode == status, f"{args}: status {done.returncode}: {done.stderr}"
    return done.stdout if status == 0 else done.stderr


class Page(html.parser.HTMLParser):
    """Checks that tags close in order and collects the words."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.titles = [], [], []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            assert not name.startswith("on") and name not in ("src", "href"), (tag, name)
            assert "nan" not in (value or "").lower() and "inf" not in re.sub("[a-z]*info[a-z]*", "", value or ""), (tag, value)
        assert tag not in ("script", "link", "img", "iframe"), tag
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID, tag

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if "h2" in self.open:
            self.titles.append(data)


def report(db, folder, lang, *more):
    path = folder / f"{lang}.html"
    run("report", db, "--html", path, "--lang", lang, "--month", "2025-10", *more)
    text = path.read_text(encoding="utf-8")
    assert "http" not in text and "url(" not in text and "@import" not in text
    assert f'<html lang="{lang}">' in text
    page = Page(text)
    return "".join(page.words), page.titles


def spaced(value, thousands):
    return f"{round(value):,}".replace(",", thousands)


def pages(db, folder):
    figures = {r["figure"]: r["value"] for r in json.loads(run("kpi", db, "--to", "2025-10", "--format", "json"))}
    english, titles_en = report(db, folder, "en")
    french, titles_fr = report(db, folder, "fr")
    assert len(titles_en) == len(titles_fr) == 10 and not set(titles_en) & set(titles_fr) - {"20/80"}, (titles_en, titles_fr)
    for words, thousands in ((english, ","), (french, "\u202f")):
        for figure in ("revenue", "orders", "new_customers"):
            assert spaced(figures[figure], thousands) in words, (figure, figures[figure])
    assert "octobre 2025" in french and "October 2025" in english
    for word in ("Life cycle", "orders", "revenue"):
        assert word not in french, word
    again = folder / "again.html"
    run("report", db, "--html", again, "--lang", "fr", "--month", "2025-10")
    assert again.read_bytes() == (folder / "fr.html").read_bytes()


class Session(socketserver.StreamRequestHandler):
    """A mail server that puts off its first mail and takes the others."""
    mails, puts_off = [], 1

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 test")
        to, data = None, b""
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                to = re.search(rb"<(.*?)>", line)[1].decode()
                if Session.puts_off:
                    Session.puts_off -= 1
                    self.say("451 4.7.1 later")
                    continue
            if verb == b"DATA":
                self.say("354 go on")
                data = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    data += part[1:] if part.startswith(b".") else part
                Session.mails.append((to, data))
            self.say("221 bye" if verb == b"QUIT" else "250 fine")
            if verb == b"QUIT":
                return


def one_order(folder):
    """A month of one order by one customer is told in the singular."""
    db, out = folder / "one.db", folder / "one"
    run("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    (folder / "one.csv").write_text("order,customer,date,amount\n1,a,2025-10-03,10\n2,a,2025-09-04,20\n")
    run("import", db, folder / "one.csv", "--as", "orders")
    for lang, words in (("fr", "1 commande d’un client, dont 0 "), ("en", "1 order from 1 customer, 0 ")):
        run("report", db, "--mail", f"{lang}@example.com", "--lang", lang, "--month", "2025-10", "--out", out)
        said = [email.message_from_bytes(f.read_bytes(), policy=email.policy.default) for f in out.glob("report.*.eml")]
        text = next(m for m in said if m["To"] == f"{lang}@example.com").get_body(("plain",)).get_content()
        assert words in text, text


def lease(db):
    base = sqlite3.connect(db, timeout=30)
    until = base.execute("SELECT max(lease_until) FROM shard").fetchone()[0]
    base.close()
    return until


def turn(db, folder, wanted=0):
    """relance run until a turn was done and as many report mails as wanted are there; those in its folder."""
    here = lambda: sorted(p.name for p in folder.glob("report.*.eml"))
    end, seen, before = time.monotonic() + 60, set(), lease(db)
    with subprocess.Popen([RELANCE, "run", str(db), "--out", str(folder)], stderr=subprocess.PIPE, text=True) as run_:
        # each turn begins by renewing the lease: the first may be the opening's, the third begins after a whole turn
        while (len(seen) < 3 or len(here()) < wanted) and time.monotonic() < end and run_.poll() is None:
            time.sleep(0.05)
            seen |= {lease(db)} - {0, before}
        run_.send_signal(signal.SIGTERM)
        said = run_.communicate(timeout=30)[1]
    assert run_.returncode == 0 and len(seen) >= 3, (said, seen)
    return here()


def mail(db, folder):
    """The month by mail: once for a month and an address, by file and by server, asked for and by itself."""
    figures = {r["figure"]: r["value"] for r in json.loads(run("kpi", db, "--to", "2025-10", "--format", "json"))}
    out = folder / "out"
    month = ("--month", "2025-10", "--out", out)
    assert ": sent" in run("report", db, "--mail", "lea@example.com", "--lang", "en", *month)
    assert "before" in run("report", db, "--mail", "lea@example.com", *month)
    assert ": sent" in run("report", db, "--mail", "marc@example.com", "--lang", "fr", *month)
    assert "no e-mail address" in run("report", db, "--mail", "nobody", *month, status=1)
    files = sorted(out.glob("report.2025-10.*.eml"))
    assert len(files) == 2, files
    mails = [email.message_from_bytes(f.read_bytes(), policy=email.policy.default) for f in files]
    by = {m["To"]: m for m in mails}
    for to, word, thousands in (("lea@example.com", "October 2025", ","), ("marc@example.com", "octobre 2025", "\u202f")):
        m = by[to]
        assert word in m["Subject"] and spaced(figures["revenue"], thousands) in m["Subject"], m["Subject"]
        for kind in ("plain", "html"):
            assert spaced(figures["orders"], thousands) in m.get_body((kind,)).get_content()
        page = [p for p in m.iter_attachments()]
        assert [p.get_filename() for p in page] == ["relance-2025-10.html"]
        Page(page[0].get_payload(decode=True).decode())
    run("report", db, "--html", folder / "fr.html", "--lang", "fr", "--month", "2025-10")
    attached = list(by["marc@example.com"].iter_attachments())[0].get_payload(decode=True).decode()
    assert attached.split() == (folder / "fr.html").read_text(encoding="utf-8").split()

    today = datetime.date.today()
    if today.day == 1:
        print("the first of a month: what goes out by itself was not looked at")
        return
    run("set", db, "report.day", "1")
    assert "days 1 to 28" in run("set", db, "report.day", "31", status=1)
    assert turn(db, folder / "own") == []  # nobody is to get it
    run("set", db, "report.to", "lea@example.com; anne@example.com")
    assert len(turn(db, folder / "own", wanted=2)) == 2
    shutil.rmtree(folder / "own")
    assert turn(db, folder / "own") == []  # never twice
    base = sqlite3.connect(db)
    base.execute("UPDATE report_mail SET state = 0 WHERE month = (SELECT max(month) FROM report_mail)")  # as if killed while sending
    base.commit()
    assert turn(db, folder / "own") == []
    states = {s for (s,) in base.execute("SELECT state FROM report_mail WHERE month = (SELECT max(month) FROM report_mail)")}
    assert states == {3}, states  # uncertain: not known whether it arrived
    base.close()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, value in (("smtp.host", "127.0.0.1"), ("smtp.port", server.server_address[1]), ("smtp.tls", "none"),
                            ("shop.email", "bonjour@example.com")):
            run("set", db, name, value)
        assert "puts it off" in run("report", db, "--mail", "zoe@example.com", "--month", "2025-10", status=1)
        assert ": sent" in run("report", db, "--mail", "zoe@example.com", "--month", "2025-10")
        assert "before" in run("report", db, "--mail", "zoe@example.com", "--month", "2025-10")
        server.shutdown()
    assert [to for to, _ in Session.mails] == ["zoe@example.com"]
    arrived = email.message_from_bytes(Session.mails[0][1], policy=email.policy.default)
    assert arrived["From"].addresses[0].addr_spec == "bonjour@example.com" and len(list(arrived.iter_attachments())) == 1


def mail_postgres(folder):
    base = os.environ.get("RELANCE_TEST_PG")
    if not base:
        print("the month by mail: PostgreSQL is not there: SQLite only")
        return
    os.environ["RELANCE_KEYS"] = str(folder)
    address = f"{base}{'&' if '?' in base else '?'}schema=monthly"
    run("init", address, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
    (folder / "pg.csv").write_text("customer,date,amount\na,2025-10-03,10\nb,2025-10-04,20\n")
    run("import", address, folder / "pg.csv", "--as", "orders")
    asked = ("report", address, "--mail", "lea@example.com", "--month", "2025-10", "--out", folder / "pg")
    assert ": sent" in run(*asked)
    assert "before" in run(*asked)
    assert len(list((folder / "pg").glob("report.*.eml"))) == 1


def experiment(db):
    """Runs written as the engine writes them: the control group is every tenth."""
    run("plan", "on", db, "anti-churn", "--at", "2025-01-02")
    base = sqlite3.connect(db)
    customers = [c for (c,) in base.execute("SELECT DISTINCT customer_id FROM fact WHERE kind = 1 AND customer_id > 0")]
    entered = 1743494400  # 2025-04-01 08:00 UTC
    base.executemany("INSERT INTO run (customer_id, plan, run_no, plan_id, subject, entered_at, anchor_at, day, state, control, step,"
                     " queued, last_sent_at, last_done_at, hold_until, held_reason)"
                     " VALUES (?, 'anti-churn', 1, 0, 0, ?, ?, 20179, 1, ?, 0, 0, 0, 0, 0, 0)",
                     [(c, entered, entered, i % 10 == 0) for i, c in enumerate(customers)])
    base.commit()
    naive = {arm: [0, 0, 0] for arm in ("control", "treated")}  # converted, orders, revenue
    documents = {}
    for c, key, at, body in base.execute("SELECT customer_id, key, at, body FROM fact WHERE kind = 1 AND customer_id > 0 ORDER BY seq"):
        documents[c, key] = (at, json.loads(body)["lines"])  # the newest of a document counts
    sums = {c: [0, 0] for c in customers}
    for (c, _), (at, lines) in documents.items():
        if entered < at <= entered + 30 * 86400:
            sums[c][0] += any(quantity > 0 for _, quantity, _ in lines)
            sums[c][1] += sum(amount for _, _, amount in lines)
    for i, c in enumerate(customers):
        arm = naive["treated" if i % 10 else "control"]
        arm[0] += sums[c][0] > 0
        arm[1] += sums[c][0]
        arm[2] += sums[c][1]
    assert naive["control"][1] > 10, naive
    base.close()
    out = json.loads(run("experiment", db, "anti-churn", "--format", "json"))
    control = [c for i, c in enumerate(customers) if i % 10 == 0]
    assert out["control"]["customers"] == len(control)
    assert out["treated"]["customers"] == len(customers) - len(control)
    assert abs(out["planned_control"] - 0.1) < 1e-9 and out["srm_alarm"] is False and out["srm_p"] > 0.9
    for arm, (converted, orders, revenue) in naive.items():
        assert (out[arm]["converted"], out[arm]["orders"]) == (converted, orders), (arm, out[arm], naive)
        assert abs(out[arm]["revenue"] * 100 - revenue) < 0.5, (arm, out[arm], naive)
    by = {o["outcome"]: o for o in out["outcomes"]}
    assert list(by) == ["conversion", "orders", "revenue", "margin"]
    for o in by.values():
        assert o["low"] < o["difference"] < o["high"]
        if o["seq_low"] is not None:
            assert o["seq_low"] < o["low"] and o["high"] < o["seq_high"]
    assert by["margin"]["treated_mean"] < by["revenue"]["treated_mean"]
    assert out["text"] and "témoins" in run("experiment", db, "anti-churn", "--lang", "fr")
    assert "did you mean" in run("experiment", db, "anti-chrun", status=1)
    assert "no global control group" in run("experiment", db, "--global", "--from", "2025-02-01", status=1)
    assert "which plan" in run("experiment", db, status=2)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        db = folder / "shop.db"
        run("simulate", db, "--customers", 3000, "--years", 3, "--seed", 5, "--until", "2025-11-01")
        experiment(db)
        run("objective", "set", db, "--period", "2025-10", "--revenue", "1000")
        run("objective", "set", db, "--period", "2025", "--orders", "10000000")
        pages(db, folder)
        words, _ = report(db, folder, "fr")
        assert "Objectifs" in words and "atteint" in words and "en retard" in words and "60\u00a0à\u00a070\u202f%" in words
        one_order(folder)
        mail(db, folder)
        mail_postgres(folder)
        assert "nothing to report" in run("report", db, "--html", folder / "x.html", "--month", "1999-01", status=1)
        assert "is not a month" in run("report", db, "--html", folder / "x.html", "--month", "Oct", status=1)
        assert "--html" in run("report", db, status=2)
        assert "cannot write" in run("report", db, "--html", folder / "absent" / "x.html", status=1)
        if shutil.which("chromium"):
            run("report", db, "--html", folder / "p.html", "--month", "2025-10", "--pdf", folder / "p.pdf")
            assert (folder / "p.pdf").read_bytes().startswith(b"%PDF-")
        else:
            print("chromium is absent: no PDF was made")
    print("ok")


main()
