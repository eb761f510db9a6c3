"""relance bounce DB: a small shop sends a day of mails to a server of the test's own; some come back. Found by their return
path, their Message-ID or their recipient, read twice, read from a maildir: what is written, and who is written to no more.

A message is looked at and sent to oneself on the way.

usage: test_bounce.py RELANCE
"""
import email
import email.policy
import json
import os
import re
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading

RELANCE = sys.argv[1]
MAILS = []  # (return path, recipient, bytes)


class Session(socketserver.StreamRequestHandler):
    """Accepts whatever comes."""

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 test")
        sender = recipient = None
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb in (b"MAIL", b"RCPT"):
                address = re.search(rb"<(.*?)>", line).group(1).decode()
                sender, recipient = (address, None) if verb == b"MAIL" else (sender, address)
            if verb == b"DATA":
                self.say("354 go on")
                data = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    data += part[1:] if part.startswith(b".") else part
                MAILS.append((sender, recipient, data))
            self.say("221 bye" if verb == b"QUIT" else "250 fine")
            if verb == b"QUIT":
                return


def relance(*args, stdin=b"", status=0):
    done = subprocess.run([RELANCE, *args], input=stdin, capture_output=True, timeout=120, check=False)
    assert done.returncode == status, (args, done.returncode, done.stderr)
    return done.stdout.decode()


def report(to, recipient, status, action, original):
    """A delivery report (RFC 3464), as a mail server makes it."""
    head = original.split(b"\r\n\r\n")[0].decode()
    return (f"From: MAILER-DAEMON@mx.example.net\r\nTo: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n\r\n"
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
            f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
            f"Diagnostic-Code: smtp; {'550' if status[0] == '5' else '452'} {status} "
            f"{'User unknown' if status[0] == '5' else 'Mailbox full'}\r\n\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n\r\n--b--\r\n").encode()


def complaint(recipient, original):
    """RFC 5965."""
    head = original.split(b"\r\n\r\n")[0].decode()
    return ("From: feedback@mail.example.net\r\nTo: abuse@example.com\r\nSubject: FW: complaint\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n\r\n"
            "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: Test/1\r\nVersion: 1\r\n"
            f"Original-Rcpt-To: {recipient}\r\n\r\n"
            f"--b\r\nContent-Type: message/rfc822\r\n\r\n{head}\r\n\r\nHello\r\n--b--\r\n").encode()


def rows(db, sql):
    with sqlite3.connect(db) as connection:
        return connection.execute(sql).fetchall()


def feed(db, mail, *extra):
    found = json.loads(relance("bounce", db, "--at", "2026-01-03 09:00", "--format", "json", *extra, stdin=mail))
    assert len(found) == 1, found
    return found[0]


def check(folder, port):
    db = os.path.join(folder, "s.db")
    relance("simulate", db, "--customers", "300", "--years", "3", "--seed", "7", "--until", "2026-01-01")
    for name, value in (("shop.email", "bonjour@example.com"), ("bounce.address", "b@bounces.example.com"), ("smtp.host", "127.0.0.1"),
                        ("smtp.port", str(port)), ("smtp.tls", "none")):
        relance("set", db, name, value)
    relance("plan", "on", db, "anti-churn", "--at", "2026-01-02T08:00")
    relance("tick", db, "--at", "2026-01-02T10:00", "--out", os.path.join(folder, "out"))
    sent = sorted(MAILS)
    assert len(sent) > 20, len(sent)
    assert len({path for path, _, _ in sent}) == len(sent), "every mail has a return path of its own"
    for path, _, _ in sent:
        assert re.fullmatch(r"b\+[a-z2-7]{26}@bounces\.example\.com", path), path

    (a_path, a, a_mail), (_, b, b_mail), (_, c, c_mail), (d_path, d, d_mail), (e_path, e, e_mail), (_, f, _) = sent[:6]
    hidden = report(a_path, "gone@forward.example", "5.1.1", "failed", b"Subject: no\r\n\r\n")
    assert feed(db, hidden, "--dry-run").keys() == {"recipient", "status", "verdict", "reason"}
    assert rows(db, "SELECT count(*) FROM suppression") == [(0,)], "--dry-run writes nothing"

    found = feed(db, hidden)
    assert (found["found_by"], found["verdict"], found["receipt"], found["suppressed"]) == ("path", "hard", "written", "yes"), found
    again = feed(db, hidden)
    assert again["message"] == found["message"] and again["receipt"] is None, again
    found = feed(db, report("b@bounces.example.com", b, "5.1.1", "failed", b_mail))
    assert (found["found_by"], found["receipt"]) == ("message_id", "written"), found
    found = feed(db, complaint(c, c_mail))
    assert (found["verdict"], found["receipt"], found["suppressed"]) == ("complaint", "written", "yes"), found
    found = feed(db, report(d_path.upper(), d, "4.2.2", "delayed", d_mail))
    assert (found["found_by"], found["verdict"], found["receipt"], found["suppressed"]) == ("path", "soft", "written", None), found
    found = feed(db, report("b@bounces.example.com", f, "5.1.1", "failed", b"Subject: no\r\n\r\n"))
    assert (found["found_by"], found["receipt"]) == ("recipient", "written"), found
    forged = "b+" + "a" * 26 + "@bounces.example.com"
    found = feed(db, report(forged, "nobody@elsewhere.example", "5.1.1", "failed", b"Subject: no\r\n\r\n"))
    assert found["message"] is None and found["receipt"] is None, found

    box = os.path.join(folder, "box")
    for part in ("new", "cur", "tmp"):
        os.makedirs(os.path.join(box, part))
    with open(os.path.join(box, "new", "1.a.host"), "wb") as out:
        out.write(report(e_path, e, "5.1.1", "failed", e_mail))
    with open(os.path.join(box, "new", "2.b.host"), "wb") as out:
        out.write(b"Subject: hello\r\n\r\nno report at all\r\n")
    took = json.loads(relance("bounce", db, "--maildir", box, "--once", "--at", "2026-01-03 09:00", "--format", "json"))
    assert (took["mails"], took["hard"]) == (2, 1), took
    assert sorted(os.listdir(os.path.join(box, "cur"))) == ["1.a.host:2,S", "2.b.host:2,S"] and not os.listdir(os.path.join(box, "new"))
    relance("bounce", db, "--maildir", os.path.join(folder, "nowhere"), "--once", status=1)

    receipts = dict(rows(db, "SELECT substr(key, length(rtrim(key, replace(key, ':', ''))) + 1), count(*) FROM fact "
                         "WHERE kind = 6 AND (key LIKE '%bounce' OR key LIKE '%complaint') GROUP BY 1"))
    assert receipts == {"hard_bounce": 4, "soft_bounce": 1, "complaint": 1}, receipts

    MAILS.clear()
    relance("tick", db, "--at", "2026-01-10T10:30", "--out", os.path.join(folder, "out"))
    later = {to for _, to, _ in MAILS}
    assert not later & {a, b, c, e, f}, "a dead or complaining address is written to no more"
    assert d in later and len(later) > 15, "a soft bounce stops nothing"
    for who in (a, c):
        why = relance("why", db, who)
        assert re.search(r"winback-2 +(held|dropped|skipped|skip|drop|hold)", why) or "suppress" in why or "bounce" in why, why
    relance("check", db)
    preview(folder, db, d)


def preview(folder, db, who):
    """A message looked at with a person's data, and sent to oneself; the database does not change."""
    before = rows(db, "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM fact), (SELECT count(*) FROM voucher)")
    out = os.path.join(folder, "preview")
    relance("message", "preview", "winback-1", "--db", db, "--customer", who, "--out", out)
    with open(os.path.join(out, "winback-1.fr.eml"), "rb") as f:
        mail = email.message_from_binary_file(f, policy=email.policy.default)
    assert mail["To"].addresses[0].addr_spec == who, mail["To"]
    first_name = rows(db, f"SELECT first_name FROM person WHERE email = '{who}'")[0][0]
    assert f"Bonjour {first_name}" in mail.get_body(("plain",)).get_content(), "the person's own name"
    MAILS.clear()
    relance("message", "test", "winback-1", "--db", db, "--customer", who, "--to", "me@example.com")
    assert [to for _, to, _ in MAILS] == ["me@example.com"], MAILS
    relance("message", "test", "winback-1", "--db", db, status=1)
    relance("message", "preview", "winback-1", "--db", db, "--customer", "nobody", "--out", out, status=1)
    after = rows(db, "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM fact), (SELECT count(*) FROM voucher)")
    assert after == before, (before, after)


def main():
    with tempfile.TemporaryDirectory() as folder, socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        check(folder, server.server_address[1])
        server.shutdown()


main()
