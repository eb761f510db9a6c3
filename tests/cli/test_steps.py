#!/usr/bin/env python3
"""What a plan's steps leave behind in a running shop: tags as facts, notices to the team, variants of a message.
usage: test_steps.py RELANCE"""
import json
import pathlib
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading

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


TEST = """plan: test
enter: {when: event hello, again: always}
purpose: service
steps:
  - at: J
    name: first
    send:
      - {message: winback-1, weight: 1, name: early, subject: "{{ customer.first_name }}, only until Sunday"}
      - {message: winback-1, weight: 1, name: late, hour: 18:30, subject: "We miss you"}
"""


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


def variants(folder, people):
    """Half gets each variant, at its hour, with its subject; the message and why keep which."""
    folder.mkdir()
    db = make_shop(folder, people)
    (folder / "test.yaml").write_text(TEST)
    run("plan", "off", db, "greet", "--at", "2026-03-01T01:00")
    run("plan", "on", db, folder / "test.yaml", "--at", "2026-03-01T01:00")
    run("tick", db, "--at", "2026-03-02T10:00")
    with sqlite3.connect(db) as shop:
        early = shop.execute("SELECT variant, subject, customer_id FROM message WHERE plan = 'test' AND state = 3").fetchall()
    check("variant: at ten only the early ones", {(v, s.split(",")[1]) for v, s, _ in early}, {(0, " only until Sunday")})
    check("variant: the subject knows the person", all(s.startswith(f"Ann{c - 1},") for _, s, c in early), True)
    run("tick", db, "--at", "2026-03-02T18:30")
    with sqlite3.connect(db) as shop:
        count = dict(shop.execute("SELECT variant, count(*) FROM message WHERE plan = 'test' AND state = 3 GROUP BY variant"))
        subjects = {s for (s,) in shop.execute("SELECT subject FROM message WHERE plan = 'test' AND variant = 1")}
    check("variant: everybody has one", sum(count.values()), people)
    check("variant: about half each", people * 0.3 < count.get(0, 0) < people * 0.7, True)
    check("variant: the late ones' subject", subjects, {"We miss you"})
    named = set()
    for _, _, c in early[:3]:
        told = json.loads(run("why", db, f"#{c}", "--format", "json"))["decisions"]
        named |= {d["variant"].split("/")[0] for d in told if d["plan"] == "test" and d["verdict"] == "send"}
    check("variant: why names it", named, {"early"})
    run("replay", db, "--audit")
    run("check", db)


def notices(db, folder):
    """Without a mail server the team's notice is a file, addressed to the team, with the contact."""
    files = sorted(folder.glob("shop.db.outbox/*notify-customer-service.staff*"))
    check("notice: one each", len(files), 3)
    text = files[0].read_text() if files else ""
    for wanted in ("equipe@example.com", "Ann0 Martin", "c0@example.com", "+33612340000", "customer-service"):
        check(f"notice: says {wanted}", wanted in text, True)


class Session(socketserver.StreamRequestHandler):
    """A mail server that takes everything."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                self.server.to.append(line.decode().split("<")[1].split(">")[0])
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                mail = b""
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    mail += part
                self.server.mails.append(mail.decode())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")


def mailed(folder):
    """With a mail server the notice is a mail to the team, in the shop's language, once."""
    folder.mkdir()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads, server.to, server.mails = True, [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        db = make_shop(folder, 2)
        for key, value in (("smtp.host", "127.0.0.1"), ("smtp.port", server.server_address[1]), ("smtp.tls", "none"),
                           ("staff.email", "equipe@example.com")):
            run("set", db, key, value)
        run("tick", db, "--at", "2026-03-02T10:00")
        run("tick", db, "--at", "2026-03-02T10:01")
        server.shutdown()
    check("mail: to the team", server.to, ["equipe@example.com"] * 2)
    mail = next((m for m in server.mails if "c0@example.com" in m), "")
    for wanted in ("Subject: [customer-service] Ann0 Martin", "Auto-Submitted: auto-generated", "+33612340000", "Num=C3=A9ro"):
        check(f"mail: says {wanted}", wanted in mail, True)
    check("mail: no link to stop, it is the team's", "List-Unsubscribe" in mail, False)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        db = make_shop(folder, 3)
        run("set", db, "staff.email", "equipe@example.com")
        tags(db)
        notices(db, folder)
        variants(folder / "variants", 40)
        mailed(folder / "mailed")
    print("\n".join(FAILED) or "steps: tags, notices and variants are kept")
    sys.exit(1 if FAILED else 0)


main()
