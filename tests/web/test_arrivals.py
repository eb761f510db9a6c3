#!/usr/bin/env python3
"""Facts told by the hundred: kept, answered, applied behind, never lost and never twice: test_arrivals.py RELANCE."""
import http.client
import json
import os
import re
import signal
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
AT = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))


def order(key, customer="1001", amount=1000):
    return {"kind": "order", "key": key, "customer": customer, "at": AT, "lines": [{"sku": "SKU1", "quantity": 1, "amount": amount}]}


def lines(facts):
    return "\n".join(json.dumps(f) for f in facts)


class Arrivals(unittest.TestCase):
    extra = ()

    def setUp(self):
        self.server = shop.Server(RELANCE, self.extra).__enter__()
        self.addCleanup(self.server.__exit__)
        self.server.first_run()

    def tell(self, facts, status):
        a = self.server.ask("POST", API + "/facts", lines(facts))
        self.assertEqual(a.status, status, a.body)
        return a.json()

    def metric(self, name):
        text = self.server.ask("GET", "/metrics", signed=False).text()
        return float(re.search(rf"^relance_{name} (\S+)$", text, re.M)[1])

    def applied(self):
        self.server.until(lambda: self.metric("facts_waiting") == 0, 60)

    def keys(self, pattern):
        with sqlite3.connect(self.server.db) as c:
            return [k for k, in c.execute("SELECT key FROM fact WHERE key LIKE ? ORDER BY seq", (pattern,))]

    def waiting(self):
        with sqlite3.connect(self.server.db) as c:
            return c.execute("SELECT coalesce(sum(facts), 0) FROM arrival").fetchone()[0]

    def burst(self, name, batches, each, threads=8):
        """Told by several at once; the keys of what was answered, which is all that is owed."""
        kept, lock, todo = [], threading.Lock(), list(range(batches))

        def run():
            while True:
                with lock:
                    if not todo:
                        return
                    i = todo.pop()
                facts = [order(f"{name}:{i}-{k}", customer=str(2000 + (i * each + k) % 500)) for k in range(each)]
                try:
                    a = self.server.ask("POST", API + "/facts", lines(facts))
                except OSError:
                    return
                if a.status == 202:
                    with lock:
                        kept.extend(f["key"] for f in facts)
                elif a.status == 503:
                    with lock:
                        todo.append(i)
                        self.refused.append((a.headers["Retry-After"], a.json()))
                    time.sleep(0.05)
        self.refused = []
        all_ = [threading.Thread(target=run) for _ in range(threads)]
        for t in all_:
            t.start()
        return all_, kept

    def end(self, threads):
        for t in threads:
            t.join()


class Kept(Arrivals):
    def test_many_are_kept_then_applied(self):
        got = self.tell([order(f"m:{i}") for i in range(100)], 202)
        self.assertEqual(got, {"accepted": 100, "waiting": 100})
        self.applied()
        self.assertEqual(self.keys("m:%"), [f"m:{i}" for i in range(100)])  # in the order told
        self.assertEqual(self.metric("facts_applied_total"), 100)
        got = self.tell([order(f"m:{i}") for i in range(3)], 201)  # few, and nothing waits: written at once
        self.assertEqual((got["accepted"], got["unchanged"]), (0, 3))
        self.assertEqual(self.server.ask("GET", "/healthz", signed=False).json(), {"status": "ok", "facts_waiting": 0, "facts_waiting_s": 0})

    def test_few_behind_many_keep_their_place(self):
        threads, kept = self.burst("p", 20, 1000)
        last = None
        for n in range(200):  # told while the others wait: the newest said of a key is what holds
            a = self.server.ask("POST", API + "/facts", json.dumps(order("p:0-0", amount=5000 + n)))
            self.assertIn(a.status, (201, 202))
            last = 5000 + n
            if not any(t.is_alive() for t in threads):
                break
        self.end(threads)
        last = 9999
        self.server.ask("POST", API + "/facts", json.dumps(order("p:0-0", amount=last)))
        self.applied()
        with sqlite3.connect(self.server.db) as c:
            body = c.execute("SELECT body FROM fact WHERE key = 'p:0-0' ORDER BY seq DESC LIMIT 1").fetchone()[0]
        self.assertEqual(json.loads(body)["lines"][0][2], last)
        self.assertEqual(set(kept) - set(self.keys("p:%")), set())
        self.server.command("check", self.server.db)

    def test_a_line_that_cannot_be_taken_refuses_all(self):
        facts = [order(f"w:{i}") for i in range(60)]
        facts[55] = {**facts[55], "lines": [{"sku": "SKU1"}]}
        a = self.server.ask("POST", API + "/facts", lines(facts))
        self.assertEqual(a.status, 422)
        self.assertIn("line 56", a.json()["detail"])
        self.assertEqual((self.waiting(), self.keys("w:%")), (0, []))

    def test_the_same_key_asks_once(self):
        body = lines([order(f"i:{k}") for k in range(50)])
        first = self.server.ask("POST", API + "/facts", body, {"Idempotency-Key": "one"})
        again = self.server.ask("POST", API + "/facts", body, {"Idempotency-Key": "one"})
        self.assertEqual((first.status, again.status, again.headers["Idempotency-Replayed"]), (202, 202, "true"))
        self.assertEqual(first.json(), again.json())
        self.applied()
        self.assertEqual(len(self.keys("i:%")), 50)

    def test_killed_between_answer_and_facts(self):
        for round_ in range(2):  # the second time, what the first left is applied at the start
            threads, kept = self.burst(f"c{round_}", 300, 1000)
            self.server.until(lambda: len(kept) > 20000 and self.metric("facts_waiting") > 5000, 60)
            self.server.process.kill()
            self.server.process.wait()
            self.end(threads)
            self.assertGreater(self.waiting(), 0)  # else nothing is shown here
            said = self.server.command("check", self.server.db)
            self.assertIn("facts told over HTTP are kept and not applied yet", said)
            backup = os.path.join(self.server.dir.name, f"backup{round_}")
            self.assertIn("not applied yet are in it", self.server.command("backup", self.server.db, backup))
            if not round_:
                self.server.command("why", self.server.db, "1001")  # any command
                self.assertEqual(self.waiting(), 0)
            self.start()
            self.assertEqual(self.waiting(), 0)
            got = self.keys(f"c{round_}:%")
            self.assertEqual(len(got), len(set(got)))
            self.assertEqual(set(kept) - set(got), set())
            restored = os.path.join(self.server.dir.name, f"restored{round_}.db")
            with open(self.server.db + ".key", "rb") as f, open(restored + ".key", "wb") as to:
                to.write(f.read())
            self.server.command("restore", backup, restored)
            self.server.command("why", restored, "1001")
            with sqlite3.connect(restored) as c, sqlite3.connect(self.server.db) as here:
                select = "SELECT seq, customer_id, key, body FROM fact WHERE seq <= (SELECT max(seq) FROM fact WHERE key LIKE 'c%') AND key LIKE 'c%'"
                self.assertEqual(c.execute(select).fetchall(), here.execute(select).fetchall())
            self.assertIn("is sound", self.server.command("check", self.server.db))
            self.cookies()

    def start(self):
        """As after the minute in which the lease of the one that was killed runs out."""
        with sqlite3.connect(self.server.db) as c:
            c.execute("UPDATE shard SET lease_owner = NULL, lease_until = 0")
        self.server.start()

    def cookies(self):
        a = self.server.ask("POST", API + "/session", {"name": "léa", "password": shop.PASSWORD}, signed=False)
        self.assertEqual(a.status, 200, a.body)
        self.server.take_session(a)

    def test_stopped_with_facts_waiting(self):
        threads, kept = self.burst("s", 40, 1000)
        self.server.until(lambda: len(kept) > 15000, 60)
        self.server.process.send_signal(signal.SIGTERM)
        self.server.process.wait(timeout=60)
        self.end(threads)
        self.server.command("tick", self.server.db)
        self.assertEqual(set(kept) - set(self.keys("s:%")), set())
        self.server.start()

    def test_an_erasure_reaches_them(self):
        name, mail = "Inoubliable", "pending@example.net"
        people = [{"kind": "profile", "key": f"e:{i}", "customer": f"gone-{i}", "last_name": f"{name}{i};", "email": f"{i}{mail}"} for i in range(400)]
        threads, kept = self.burst("e", 40, 1000)
        self.server.until(lambda: len(kept) > 15000, 60)
        self.assertEqual(self.server.ask("POST", API + "/facts", lines(people)).status, 202)
        self.server.process.kill()
        self.server.process.wait()
        self.end(threads)
        with sqlite3.connect(self.server.db) as c:
            c.execute("UPDATE shard SET lease_owner = NULL, lease_until = 0")
            self.assertGreater(c.execute("SELECT count(*) FROM arrival WHERE body LIKE ?", (f"%{name}77;%",)).fetchone()[0], 0)
        self.server.command("erase", self.server.db, "gone-77", "--yes")
        for ending in ("", "-wal"):
            path = self.server.db + ending
            if os.path.exists(path):
                with open(path, "rb") as f:
                    self.assertLess(f.read().find(f"{name}77;".encode()), 0, f"still in {path}")
        self.server.start()


    def test_numbers_go_on(self):
        """A number is not given again when nothing waits: what was told later is not taken for what others applied before."""
        for n in (1, 2, 3):
            self.tell([order(f"g{n}:{i}") for i in range(100)], 202)
            self.applied()
            self.assertEqual(self.server.sql("SELECT value FROM shop WHERE name = 'arrival.applied'"), [[str(n)]])

    def test_others_apply_them(self):
        """Any command applies what waits; the server's measure of how long facts wait for their decision goes on."""
        threads, _ = self.burst("o", 60, 1000)
        others = 0
        while any(t.is_alive() for t in threads):
            before = self.waiting()
            self.server.command("why", self.server.db, "1001")
            others += before > 0
        self.end(threads)
        self.applied()
        self.assertGreater(others, 0)
        decided = self.metric("fact_decision_seconds_count")
        self.server.ask("POST", API + "/facts", json.dumps(order("o:last")))
        self.server.until(lambda: self.metric("fact_decision_seconds_count") > decided)

    def test_an_erasure_while_it_runs(self):
        """Told by the hundred, applied, erased: no byte of them is left in the file or in its log."""
        name = "Irrattrapable"
        people = [{"kind": "profile", "key": f"w:{i}", "customer": f"soon-{i}", "last_name": f"{name}{i};", "email": f"m{i}.soon@example.net"} for i in range(200)]
        self.tell(people, 202)
        self.applied()
        who = self.server.until(lambda: self.server.ask("GET", API + "/customers?q=soon-77").json()["items"])[0]["id"]
        self.burst("w", 3, 1000)
        a = self.server.ask("POST", f"{API}/customers/{who}/erase", {"confirm": "soon-77"})
        self.assertEqual(a.status, 200, a.body)
        for ending in ("", "-wal"):
            with open(self.server.db + ending, "rb") as f:
                text = f.read()
            for mark in (f"{name}77;", "m77.soon@example.net"):
                self.assertLess(text.find(mark.encode()), 0, f"{mark} in {ending}")
            self.assertTrue(ending or f"{name}78;".encode() in text)


class Bounded(Arrivals):
    extra = ("--waiting", "3000")

    def test_more_than_may_wait_is_refused_and_taken_later(self):
        threads, kept = self.burst("b", 40, 1000)
        self.end(threads)
        self.assertGreater(len(self.refused), 0)
        wait, problem = self.refused[0]
        self.assertEqual((wait, problem["status"]), ("10", 503))
        self.assertIn("send this request again", problem["detail"])
        self.assertGreater(self.metric("facts_refused_total"), 0)
        self.applied()
        got = self.keys("b:%")
        self.assertEqual((len(got), set(got)), (40000, set(kept)))


if __name__ == "__main__":
    unittest.main()
