#!/usr/bin/env python3
"""A mail server that takes the connection and then says nothing, or greets and falls silent at the end of the data: the
shop goes on deciding within 100 ms, answers, can be stopped at once, ends in bounded time, and neither loses nor doubles a
mail; the tick log repeats. For `serve` and `run`: test_silent.py RELANCE."""
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
QUEUED, SENDING, ACCEPTED, DEFERRED, UNCERTAIN = 0, 2, 3, 4, 6


class MailServer(threading.Thread):
    """mode: "mute" never speaks; "deaf" never answers the end of the data; "kind" takes all."""

    def __init__(self, mode):
        super().__init__(daemon=True)
        self.mode = mode
        self.taken = []  # Message-IDs of whole mails
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        if self.mode == "mute":
            time.sleep(600)
            return
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 kind.example\r\n")
            while line := lines.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    connection.sendall(b"354 go on\r\n")
                    while (line := lines.readline()) not in (b".\r\n", b""):
                        if line.lower().startswith(b"message-id:"):
                            self.taken.append(line[11:].strip().decode())
                    if self.mode == "deaf":
                        time.sleep(600)
                    connection.sendall(b"250 kept\r\n")
                elif verb == b"QUIT":
                    connection.sendall(b"221 bye\r\n")
                    return
                elif verb == b"EHLO":
                    connection.sendall(b"250-kind.example\r\n250 PIPELINING\r\n")
                else:
                    connection.sendall(b"250 fine\r\n")


def order(n, customer):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"kind": "order", "key": f"t:{n}", "customer": customer, "at": at, "lines": [{"sku": "SKU1", "quantity": 1, "amount": 1000}]}


class Silent(unittest.TestCase):
    def setUp(self):
        self.server = shop.Server(RELANCE).__enter__()
        self.addCleanup(self.server.__exit__)

    def connect(self, mode, timeout="60"):
        mail, s = MailServer(mode), self.server
        for name, value in (("shop.email", "bonjour@example.com"), ("smtp.host", "127.0.0.1"), ("smtp.port", str(mail.port)), ("smtp.tls", "none"),
                            ("smtp.timeout", timeout), ("pressure.email", "no limit"), ("pressure.all", "no limit"), ("quiet.email", "no limit")):
            subprocess.run([RELANCE, "set", s.db, name, value], capture_output=True, check=False)
        return mail

    def greet(self):
        """Twenty people are to be written to at once."""
        self.switch_on("plan: hello\nenter: {when: event hello + 0 hours}\nexit: order\ncontrol: 0%\npriority: 90\nsteps:\n"
                       "  - {at: +0 hours, send: survey-1, purpose: service}\n")
        time.sleep(1.1)  # events before a plan was switched on do not enter it
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        facts = [{"kind": "event", "key": f"hello:{c}", "customer": str(1000 + c), "at": at, "name": "hello"} for c in range(1, 21)]
        self.assertEqual(self.server.ask("POST", API + "/facts", facts).status, 201)

    def switch_on(self, text):
        name = text.split("\n", 1)[0].split()[1]
        path = os.path.join(self.server.dir.name, name + ".yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        self.server.command("plan", "on", self.server.db, path)

    def rows(self, sql):
        with sqlite3.connect(f"file:{self.server.db}?mode=ro", uri=True, timeout=10) as db:
            return db.execute(sql).fetchall()

    def states(self):
        return dict(self.rows("SELECT state, count(*) FROM message GROUP BY state"))

    def thanks(self):
        self.switch_on("plan: thanks\nenter: {when: order}\ncontrol: 0%\nsteps:\n  - {at: J, tag: thanked}\n")

    def decided_in(self, n, customer):
        """How long until an order told over HTTP is decided upon, in seconds."""
        before = self.rows("SELECT count(*) FROM decision WHERE plan = 'thanks'")[0][0]
        start = time.monotonic()
        self.assertEqual(self.server.ask("POST", API + "/facts", order(n, customer)).status, 201)
        while self.rows("SELECT count(*) FROM decision WHERE plan = 'thanks'")[0][0] == before:
            self.assertLess(time.monotonic() - start, 10, "the order was not decided upon")
            time.sleep(0.002)
        return time.monotonic() - start

    def start_run(self):
        process = subprocess.Popen([RELANCE, "run", self.server.db], stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def sound(self):
        self.server.command("check", self.server.db)
        self.server.command("replay", self.server.db, "--audit")

    def test_a_mute_server_holds_nobody_up(self):
        s = self.server
        s.first_run()
        self.connect("mute")
        self.thanks()
        self.greet()
        s.until(lambda: self.states().get(SENDING), 20)
        took = sorted(self.decided_in(n, str(1041 + n)) for n in range(9))
        self.assertLess(took[4], 0.1, took)
        start = time.monotonic()
        self.assertEqual(s.ask("GET", "/healthz", signed=False).status, 200)
        self.assertLess(time.monotonic() - start, 1)
        self.assertTrue(self.states().get(SENDING), "the mails still wait for the server")
        # who signs up is told within seconds that no mail could be sent
        s.command("set", s.db, "public_url", "https://r.lea.example")
        start = time.monotonic()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(s.ask("POST", "/join", "email=a%40example.org&agree=yes", headers=form, signed=False).status, 503)
        self.assertLess(time.monotonic() - start, 10)
        # the emergency stop takes back at once what was not handed over
        s.command("stop", s.db)
        s.until(lambda: not self.states().get(SENDING), 5)
        self.assertEqual(set(self.states()) - {QUEUED, DEFERRED}, set(), self.states())
        s.command("resume", s.db)
        s.until(lambda: self.states().get(SENDING), 20)
        start = time.monotonic()
        status, text = s.stop()
        self.assertEqual(status, 0, text)
        self.assertLess(time.monotonic() - start, 15)
        self.assertEqual(set(self.states()) - {QUEUED, DEFERRED}, set(), "what was never handed over waits, nothing is uncertain")
        self.sound()
        print("decided in", ", ".join(f"{1000 * t:.0f}" for t in took), "ms beside a mute mail server")

    def test_what_was_handed_over_and_not_answered_is_uncertain(self):
        s = self.server
        s.first_run()
        mail = self.connect("deaf")
        self.greet()
        s.until(lambda: mail.taken, 20)
        start = time.monotonic()
        status, text = s.stop()
        self.assertEqual(status, 0, text)
        self.assertLess(time.monotonic() - start, 15)
        states = self.states()
        self.assertEqual(states.get(UNCERTAIN), len(mail.taken), (states, mail.taken))
        self.assertNotIn(SENDING, states)
        # with a kind server all the others leave, each once
        mail.mode = "kind"
        s.start()
        s.until(lambda: set(self.states()) <= {ACCEPTED, UNCERTAIN, DEFERRED}, 40)
        states = self.states()
        self.assertLessEqual(states.get(DEFERRED, 0), 4, "at most the envelopes behind what was on the wire: they wait five minutes")
        self.assertEqual(len(mail.taken), len(set(mail.taken)))
        self.assertEqual(len(mail.taken), states[ACCEPTED] + states[UNCERTAIN])
        self.sound()

    def test_who_leaves_is_no_longer_written_to(self):
        """News about a person takes her waiting mail back, and the guard is asked again."""
        s = self.server
        s.first_run()
        mail = self.connect("mute")
        self.greet()
        s.until(lambda: self.states().get(SENDING), 20)
        who, = self.rows("SELECT c.ref, c.customer_id FROM message m JOIN customer c USING (customer_id) WHERE m.state = 2 ORDER BY 2 DESC LIMIT 1")
        time.sleep(1.1)
        self.assertEqual(s.ask("POST", API + "/facts", order(1, who[0])).status, 201)
        s.until(lambda: self.rows(f"SELECT state FROM message WHERE customer_id = {who[1]}") == [(7,)], 5)
        self.assertTrue(self.states().get(SENDING))
        self.assertEqual(mail.taken, [])
        s.stop()
        self.sound()

    def test_run_ends_in_bounded_time_too(self):
        s = self.server
        s.first_run()
        mail = self.connect("mute")
        self.greet()
        s.stop()
        process = self.start_run()
        s.until(lambda: self.states().get(SENDING), 20)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, text = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, text)
        self.assertLess(time.monotonic() - start, 15)
        self.assertEqual(set(self.states()) - {QUEUED, DEFERRED}, set(), self.states())
        mail.mode = "kind"
        process = self.start_run()
        s.until(lambda: set(self.states()) == {ACCEPTED}, 40)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(len(set(mail.taken)), len(mail.taken))
        self.assertEqual(len(mail.taken), self.states()[ACCEPTED])
        self.sound()
        s.start()


if __name__ == "__main__":
    unittest.main()
