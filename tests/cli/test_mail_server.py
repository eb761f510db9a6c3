"""A mail server on a bad day, and what a shop makes of it: it answers 4xx in bursts, refuses one person, falls silent, resets in
the middle of DATA, dies between DATA and its reply (with the mail or without), and once the program itself is killed there. Ticks go
on until nothing is open. Every mail ends in one state that says what is known; none is taken twice, none is lost.
Then the shop's own pace: mails a minute to a domain, a new sender's first days. On SQLite and, with RELANCE_TEST_PG, PostgreSQL.

usage: test_mail_server.py RELANCE
"""
import collections
import datetime
import hashlib
import json
import os
import re
import signal
import socket
import socketserver
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

RELANCE = sys.argv[1]
ACCEPTED, DEFERRED, REFUSED, UNCERTAIN = 3, 4, 5, 6


class Server(socketserver.ThreadingTCPServer):
    """What becomes of a person's first offer is drawn from the address: the same on every machine."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.lock = threading.Lock()
        self.taken = collections.Counter()  # Message-ID: whole mails that the server keeps
        self.replied = set()  # Message-ID: 250 was said
        self.silent = set()  # Message-ID: whole, but never answered
        self.half = set()  # Message-ID: reset while it was read; all of it may have left the shop
        self.did = collections.Counter()
        self.offers = collections.Counter()
        self.nobody = self.victim = None  # refused for ever; at whose mail the program is killed
        self.process = None
        self.kind = True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):  # a client that is killed, a session that is reset: meant
        del request, client_address

    def fate(self, recipient):
        """What happens now to a mail for this person."""
        with self.lock:
            self.offers[recipient] += 1
            offer = self.offers[recipient]
            if not self.kind and len(self.offers) == 6:
                self.nobody = self.nobody or recipient
            elif not self.kind and len(self.offers) == 100:
                self.victim = self.victim or recipient
            if recipient == self.nobody:
                what = "refuse"
            elif recipient == self.victim and offer == 1:
                what = "kill"
            elif self.kind or offer > 2:
                what = "take"
            else:
                draw = hashlib.sha256(recipient.encode()).digest()[offer] % 24
                what = {0: "burst", 1: "burst", 2: "burst", 3: "burst_at_end", 4: "silent_at_mail", 5: "reset", 6: "reset", 7: "die_taken",
                        8: "die_untaken", 9: "good_bye"}.get(draw, "take")
            self.did[what] += 1
            return what


def message_id(mail):
    """its left side: the name of the message"""
    return re.search(rb"^Message-ID:\s*<(.*?)@", mail, re.M | re.I)[1].decode()


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def cut(self):
        """RST, at once"""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def data(self, fate):
        mail, server = b"", self.server
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            mail += line
            if fate == "reset" and len(mail) > 2000:
                with server.lock:
                    server.half.add(message_id(mail))
                self.cut()
                return False
        if not line:
            return False
        key = message_id(mail)
        if fate == "burst_at_end":
            self.say("452 4.3.1 no room just now")
            return True
        lost = fate in ("die_taken", "die_untaken", "kill")
        with server.lock:
            server.taken[key] += fate != "die_untaken"
            (server.silent if lost else server.replied).add(key)
        if fate == "kill":
            server.process.send_signal(signal.SIGKILL)
        if lost:
            self.cut()
            return False
        self.say("250 2.0.0 kept")
        return True

    def handle(self):
        self.say("220 bad.example")
        fate = None
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.say("250-bad.example\r\n250 PIPELINING")
            elif verb == b"RCPT":
                fate = self.server.fate(re.search(rb"<(.*?)>", line)[1].decode())
                if fate == "silent_at_mail":
                    time.sleep(1.6)  # longer than the shop waits
                    return
                if fate == "good_bye":
                    self.say("421 4.3.2 closing down")
                    return
                self.say({"refuse": "550 5.1.1 no such person", "burst": "451 4.7.1 greylisted, come back later"}.get(fate, "250 fine"))
            elif verb == b"DATA":
                if fate in ("refuse", "burst"):
                    self.say("503 5.5.1 nobody to send to")
                    continue
                self.say("354 go on")
                if not self.data(fate):
                    return
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")


def relance(*args, status=0):
    done = subprocess.run([RELANCE, *args], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, (args, done.returncode, done.stderr)
    return done


class Shop:
    def __init__(self, db, folder):
        self.db, self.folder = db, folder
        relance("simulate", db, "--customers", "900", "--years", "3", "--seed", "7", "--until", "2026-01-01")
        for name, value in (("shop.email", "bonjour@example.com"), ("smtp.host", "127.0.0.1"), ("smtp.tls", "none"), ("smtp.timeout", "1")):
            relance("set", db, name, value)

    def rows(self, sql):
        if "://" in self.db:
            address, _, schema = self.db.partition("&schema=")
            sql = f"SET search_path TO {schema}; {sql}"
            done = subprocess.run(["psql", "-XAtq", "-F", "|", address, "-c", sql], capture_output=True, text=True, check=True)
        else:
            with sqlite3.connect(self.db) as db:
                return [tuple(map(str, row)) for row in db.execute(sql)]
        return [tuple(line.split("|")) for line in done.stdout.splitlines()]

    def tick(self, at, server=None):
        """The tick's figures; None: killed."""
        process = subprocess.Popen([RELANCE, "tick", self.db, "--at", at.strftime("%Y-%m-%dT%H:%M:%SZ"), "--out", self.folder, "--format", "json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if server:
            server.process = process
        out, trouble = process.communicate(timeout=200)
        if process.returncode == -signal.SIGKILL:
            return None
        assert process.returncode == 0, trouble
        return json.loads(out)

    def states(self):
        """{Message-ID's left side: state} of all mails"""
        return {f"{c}.{plan}.{run}.{step}.email": int(state)
                for c, plan, run, step, state in self.rows("SELECT customer_id, plan, run_no, step, state FROM message WHERE channel = 0")}


def at(day, hour, minute=0):
    return datetime.datetime(2026, 1, day, hour, minute, tzinfo=datetime.UTC)


def bad_day(shop):
    server = Server()
    relance("set", shop.db, "smtp.port", str(server.server_address[1]))
    relance("plan", "on", shop.db, "anti-churn", "--at", "2026-01-02T08:00")
    server.kind = False
    now, open_mails, killed, ticks = at(2, 9), 1, 0, 0
    while open_mails and ticks < 60:
        killed += shop.tick(now, server) is None
        now += datetime.timedelta(minutes=17)
        ticks += 1
        (open_mails,), = ((int(n),) for n, in shop.rows("SELECT count(*) FROM message WHERE channel = 0 AND state IN (0, 1, 2, 4)"))
    states = shop.states()
    server.shutdown()
    by = collections.Counter(states.values())
    said, silent, taken = server.replied, server.silent, server.taken
    ended = {s: {k for k, v in states.items() if v == s} for s in (ACCEPTED, REFUSED, UNCERTAIN)}
    assert open_mails == 0, (open_mails, by)
    assert set(by) <= {ACCEPTED, REFUSED, UNCERTAIN}, ("lost: dropped or never settled", by)
    assert max(taken.values()) == 1, [k for k, n in taken.items() if n > 1]
    assert ended[ACCEPTED] <= said, "what is called accepted was answered with 250"
    assert silent <= ended[UNCERTAIN], "what was whole and never answered is uncertain"
    assert not set(taken) - ended[ACCEPTED] - ended[UNCERTAIN], "what the server keeps is known here"
    assert killed == 1, killed
    at_kill = ended[UNCERTAIN] - silent - server.half  # handed over in the batch that the kill cut off: at most one batch
    assert len(at_kill) < 50, len(at_kill)
    assert len(ended[REFUSED]) == 1, ended[REFUSED]
    for what in ("burst", "burst_at_end", "silent_at_mail", "reset", "die_taken", "die_untaken", "good_bye", "kill", "refuse"):
        assert server.did[what], (what, server.did)
    print(f"{len(states)} mails, {ticks} ticks, {sum(server.offers.values())} offers: {by[ACCEPTED]} accepted, {by[REFUSED]} refused, "
          f"{by[UNCERTAIN]} uncertain ({len(silent)} never answered, {len(server.half & ended[UNCERTAIN])} reset, {len(at_kill)} in the batch of the kill); taken {len(taken)}, twice 0; "
          + ", ".join(f"{n} {what}" for what, n in sorted(server.did.items())))


def pace(shop):
    """Twenty a minute to each domain, the others one after the other; then a new sender's days."""
    server = Server()
    for name, value in (("smtp.port", str(server.server_address[1])), ("smtp.throttle", "example.com 30, * 20"), ("pressure.email", "no limit"),
                        ("pressure.all", "no limit")):
        relance("set", shop.db, name, value)
    wrong = relance("set", shop.db, "smtp.throttle", "example.com quick", status=1)
    assert "for example" in wrong.stderr, wrong.stderr
    relance("plan", "on", shop.db, "anti-churn", "--at", "2026-02-10T08:00")
    first = datetime.datetime(2026, 2, 10, 9, 0, tzinfo=datetime.UTC)
    # mail for the world, and nowhere to stop it: it waits
    relance("set", shop.db, "smtp.host", "mail.example.invalid")
    shop.tick(first)
    said = shop.rows("SELECT DISTINCT outcome FROM message WHERE channel = 0 AND state = 4")
    assert said == [("public_url is not set",)] and not server.offers, said
    relance("set", shop.db, "smtp.host", "127.0.0.1")
    first += datetime.timedelta(minutes=6)
    got = shop.tick(first)
    domains = collections.Counter(who.partition("@")[2] for who in server.offers)
    assert domains.pop("example.com") == 30 and set(domains.values()) == {20}, domains
    assert got["paced"] > 200 and got["deferred"] == 0 and len(server.taken) == 30 + 20 * len(domains), got
    (kept,), = shop.rows("SELECT value FROM shop WHERE name = 'mail.pace'")
    assert len(kept.splitlines()) == len(domains) + 1 and re.search(r"^example\.com 0\.000 1\.0", kept, re.M), "a restart does not begin a minute anew: " + kept
    due = [int(n) for n, in shop.rows("SELECT try_after FROM message WHERE channel = 0 AND state IN (0, 4) AND try_after > 0 ORDER BY try_after")]
    assert len(due) == got["paced"] and due[-1] - due[0] >= len(due) / (len(domains) + 1) * 2, "one after the other"
    total = len(server.taken) + got["paced"]
    relance("set", shop.db, "smtp.warmup", "2026-02-09 1000")
    relance("set", shop.db, "smtp.throttle", "")
    shop.tick(first + datetime.timedelta(hours=1))
    assert len(server.taken) == 30 + 20 * len(domains) + 75, "the second day's share; what left before it was said does not count"
    shop.tick(first + datetime.timedelta(hours=2))
    assert len(server.taken) == 30 + 20 * len(domains) + 75, "a new process does not begin the day again"
    shop.tick(datetime.datetime(2026, 2, 11, 7, 0, tzinfo=datetime.UTC))
    assert len(server.taken) == min(total, 30 + 20 * len(domains) + 75 + 112), (len(server.taken), total)
    assert max(server.taken.values()) == 1
    print(f"{total} mails paced by domain; then a new sender's 112 on its third day")


def broken_key(shop, folder):
    """One DKIM key that cannot be read: nothing was handed over, so all mails wait, whatever the batch, and leave once it is mended."""
    server, keys, now = Server(), os.path.join(folder, "dkim"), at(3, 9)
    relance("domain", "keys", "example.com", "--out", keys)
    relance("set", shop.db, "smtp.port", str(server.server_address[1]))
    relance("set", shop.db, "dkim.keys", keys)
    relance("plan", "on", shop.db, "anti-churn", "--at", "2026-01-02T08:00")
    bad = os.path.join(keys, "broken.pem")
    with open(bad, "w", encoding="ascii") as f:
        f.write("no key\n")
    for _ in range(2):
        done = relance("tick", shop.db, "--at", now.strftime("%Y-%m-%dT%H:%M:%SZ"), "--out", shop.folder)
        assert done.stderr.count("broken.pem") == 1, done.stderr
        states = collections.Counter(shop.states().values())
        assert set(states) == {DEFERRED} and states[DEFERRED] > 50 and not server.offers, states
        now += datetime.timedelta(minutes=6)
    os.remove(bad)
    shop.tick(now)
    left = collections.Counter(shop.states().values())
    assert left == {ACCEPTED: states[DEFERRED]} and len(server.taken) == left[ACCEPTED], (left, states)
    server.shutdown()
    print(f"{left[ACCEPTED]} mails waited for a DKIM key to be mended, none uncertain")


def unbuilt(shop):
    """A sender's address that is none: mails wait, `why` and the outbox say what to mend, and they leave once it is mended. So do those whose
    template cannot be rendered."""
    server, now = Server(), at(3, 9)
    relance("set", shop.db, "smtp.port", str(server.server_address[1]))
    relance("plan", "on", shop.db, "anti-churn", "--at", "2026-01-02T08:00")
    broken = os.path.join(shop.folder, "messages")
    os.makedirs(os.path.join(broken, "fr"))
    with open(os.path.join(broken, "fr", "winback-1.md"), "w", encoding="utf-8") as f:
        f.write("---\nsubject: Bonjour\nchannel: email\n---\n\n{% for i in (1..90000000) %}endless{% endfor %}\n")

    def tick(*more):
        nonlocal now
        relance("tick", shop.db, "--at", now.strftime("%Y-%m-%dT%H:%M:%SZ"), "--out", shop.folder, *more)
        now += datetime.timedelta(minutes=16)
        return shop.rows("SELECT DISTINCT state, outcome FROM message WHERE channel = 0")

    waiting = tick("--messages", broken)
    assert len(waiting) == 1 and waiting[0][0] == "0" and waiting[0][1].startswith("cannot be written: "), waiting
    with sqlite3.connect(shop.db) as db:
        db.execute("UPDATE shop SET value = 'no address' WHERE name = 'shop.email'")
    waiting = tick()
    assert len(waiting) == 1 and waiting[0][0] == str(DEFERRED) and waiting[0][1].startswith("cannot be built: "), waiting
    (who,), = shop.rows("SELECT ref FROM message JOIN customer USING (customer_id) WHERE channel = 0 LIMIT 1")
    told = relance("why", shop.db, who).stdout
    assert "deferred: cannot be built" in told, told
    assert not server.offers
    relance("set", shop.db, "shop.email", "bonjour@example.com")
    tick()
    states = collections.Counter(shop.states().values())
    assert set(states) == {ACCEPTED} and len(server.taken) == states[ACCEPTED], states
    server.shutdown()
    print(f"{states[ACCEPTED]} mails waited for their text and for the sender's address to be mended")


def unreached(shop):
    """A mail server that is not there takes nothing from a new sender's first day: its 50 leave once it is back."""
    server, now = Server(), at(3, 9)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        for name, value in (("smtp.port", str(nobody.getsockname()[1])), ("smtp.warmup", "2026-01-03 1000")):
            relance("set", shop.db, name, value)
        relance("plan", "on", shop.db, "anti-churn", "--at", "2026-01-02T08:00")
        for _ in range(3):
            shop.tick(now)
            now += datetime.timedelta(minutes=6)
    assert not server.offers and set(shop.states().values()) <= {0, DEFERRED}, collections.Counter(shop.states().values())
    relance("set", shop.db, "smtp.port", str(server.server_address[1]))
    shop.tick(now)
    shop.tick(now + datetime.timedelta(hours=1))
    assert len(server.taken) == 50, len(server.taken)
    # the day's count cannot be written: said, and what the server took is accepted all the same
    with sqlite3.connect(shop.db) as db:
        for what in ("INSERT", "UPDATE"):
            db.execute(f"CREATE TRIGGER no_{what} BEFORE {what} ON shop WHEN NEW.name = 'mail.sent' BEGIN SELECT RAISE(ABORT, 'full'); END")
    done = relance("tick", shop.db, "--at", "2026-01-04T09:00:00Z", "--out", shop.folder)
    assert "could not be kept" in done.stderr, done.stderr
    states = collections.Counter(shop.states().values())
    assert len(server.taken) == states[ACCEPTED] == 50 + 75 and UNCERTAIN not in states and 2 not in states, (states, len(server.taken))
    server.shutdown()
    print("a new sender's 50 of the first day left after three ticks without a server")


def main():
    with tempfile.TemporaryDirectory() as folder:
        databases = [os.path.join(folder, "s.db")]
        if os.environ.get("RELANCE_TEST_PG"):
            databases.append(os.environ["RELANCE_TEST_PG"] + "&schema=bad_day")
        else:
            print("PostgreSQL is left out: RELANCE_TEST_PG is not set (tools/with_postgres.sh)")
        for db in databases:
            bad_day(Shop(db, folder))
        broken_key(Shop(os.path.join(folder, "key.db"), folder), folder)
        unbuilt(Shop(os.path.join(folder, "unbuilt.db"), os.path.join(folder, "unbuilt")))
        unreached(Shop(os.path.join(folder, "unreached.db"), folder))
        pace(Shop(os.path.join(folder, "pace.db"), folder))


main()
