#!/usr/bin/env python3
"""The server as whoever operates it sees it: what other processes change is seen within a second, it is measured, watched,
backed up while it works, and ended without losing what it took: test_live.py RELANCE."""
import csv
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
API = "/api/v1"


def order(n, customer="1001", sku="SKU1", **more):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    return {"kind": "order", "key": f"t:{n}", "customer": customer, "at": at, "lines": [{"sku": sku, "quantity": 1, "amount": 1000}], **more}


class Live(unittest.TestCase):
    def setUp(self):
        self.server = shop.Server(RELANCE).__enter__()
        self.addCleanup(self.server.__exit__)
        self.server.first_run()

    def get(self, path):
        a = self.server.ask("GET", API + path)
        self.assertEqual(a.status, 200, a.body)
        return a.json()

    def tell(self, facts, status=201):
        a = self.server.ask("POST", API + "/facts", facts)
        self.assertEqual(a.status, status, a.body)
        return a.json()

    def newest_line(self):
        lines = [line for x in self.get("/customers/1/timeline")["items"] for line in x.get("lines", ()) if line["sku"] == "NEU-1"]
        return lines[0] if lines else {"name": None}

    def metrics(self):
        a = self.server.ask("GET", "/metrics", signed=False)
        self.assertTrue(a.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        return a.text()

    def metric(self, name):
        return float(re.search(rf"^relance_{re.escape(name)} (\S+)$", self.metrics(), re.M)[1])

    # ---- what others change ----

    def test_what_other_processes_change_is_seen_within_a_second(self):
        s, folder = self.server, self.server.dir.name
        # a product first seen in an order over HTTP
        self.tell([order(1, sku="NEU-1"), {"kind": "product", "sku": "NEU-1", "name": "Lampe neuve", "price": 1900}])
        s.until(lambda: self.newest_line()["name"] == "Lampe neuve", 1)
        # its name, in a file another process imports
        path = os.path.join(folder, "products.csv")
        with open(path, "w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows([["sku", "name", "price", "type"], ["NEU-1", "Lampe d'angle", "19.50", "lampe"]])
        s.command("import", s.db, path, "--as", "products")
        s.until(lambda: self.newest_line()["name"] == "Lampe d'angle", 1)
        # conditions know the type at once
        self.assertEqual(self.server.ask("POST", API + "/segments/count", {"text": 'bought(type = "lampe")'}).json().get("count"), 1)
        # a setting
        before = self.get("/customers/1")["phase"]
        s.command("set", s.db, "lifecycle.loyal_orders", "50")
        s.command("set", s.db, "lifecycle.ambassador_orders", "60")
        s.until(lambda: self.get("/customers/5")["phase"] not in ("loyal", "ambassador"), 1)
        self.assertIsNotNone(before)
        # a plan
        self.assertNotIn("on", [p["state"] for p in self.get("/plans")["items"]])
        s.command("plan", "on", s.db, "abandoned-cart")
        s.until(lambda: [p["name"] for p in self.get("/plans")["items"] if p["state"] == "on"] == ["abandoned-cart"], 1)
        s.until(lambda: [p["plan"] for p in self.get("/customers/1")["plans"]] == ["abandoned-cart"], 1)
        # a consent withdrawn in an import
        path = os.path.join(folder, "withdrawn.csv")
        with open(path, "w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows([["customer", "email", "email_consent"], ["1001", "client1@example.net", "no"]])
        s.command("import", s.db, path, "--as", "customers", "--source", "till")
        s.until(lambda: {"withdrawn", "opposed"} & {c["state"] for c in self.get("/customers/1")["consents"] if c["channel"] == "email"}, 1)
        # somebody new
        path = os.path.join(folder, "new.csv")
        with open(path, "w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows([["customer", "first_name", "last_name", "email"], ["9001", "Zoé", "Nouvelle", "zoe@example.net"]])
        s.command("import", s.db, path, "--as", "customers", "--source", "till")
        s.until(lambda: [c["name"] for c in self.get("/customers?q=nouvelle")["items"]] == ["Zoé Nouvelle"], 1)

    def test_a_product_added_later_is_known_to_conditions_and_plans(self):
        """By HTTP and by a file another program imports, after the shop was read: categories nobody used before, in a segment and in who a plan is for."""
        s, folder = self.server, self.server.dir.name
        opened = self.metric("openings_total")
        plan = os.path.join(folder, "lamps.yaml")
        with open(plan, "w", encoding="utf-8") as f:
            f.write("plan: lamps\ntitle: {fr: Luminaires, en: Lamps}\nenter:\n  when: order\n"
                    '  who: bought(category = "Luminaires") or bought(category = "Tapis")\n'
                    "steps:\n  - {at: J+30, send: cross-1}\n")
        s.command("plan", "on", s.db, plan)
        time.sleep(1.1)  # what was bought before a plan was switched on does not enter it
        now = lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        count = lambda category: self.server.ask("POST", API + "/segments/count", {"text": f'bought(category = "{category}")'}).json().get("count")
        entered = lambda who: [run["plan"] for run in self.get(f"/customers/{who}")["runs"]]
        self.assertEqual((count("Luminaires"), count("Tapis")), (0, 0))
        # told over HTTP, the product first and in the same breath
        self.tell([{"kind": "product", "sku": "LUX-1", "name": "Lampe", "category": "Luminaires", "price": 1900}])
        self.tell([order(901, customer="1002", sku="LUX-1", at=now())])
        s.until(lambda: count("Luminaires") == 1, 20)
        s.until(lambda: "lamps" in entered(2), 20)
        # a file
        path = os.path.join(folder, "rugs.csv")
        with open(path, "w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows([["sku", "name", "price", "category"], ["RUG-1", "Kilim", "90.00", "Tapis"]])
        s.command("import", s.db, path, "--as", "products")
        self.tell([order(902, customer="1003", sku="RUG-1", at=now())])
        s.until(lambda: count("Tapis") == 1, 20)
        s.until(lambda: "lamps" in entered(3), 20)
        self.assertNotIn("lamps", entered(4))
        self.assertEqual(self.metric("openings_total"), opened)

    # ---- facts ----

    def test_facts_told_at_once_are_all_kept(self):
        """Sixteen connections, singles and batches, the same document twice in one batch and from two sides."""
        errors = []

        def tell(t):
            c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
            for i in range(30):
                facts = [order(f"{t}-{i}-{k}", customer=str(2000 + (t * 7 + i + k) % 40), sku=f"N{k}") for k in range(1 + i % 5)]
                facts += [order("shared", customer="2000"), facts[0]]
                c.request("POST", API + "/facts", json.dumps(facts), {"Cookie": self.server.cookie, "X-CSRF-Token": self.server.csrf})
                r = c.getresponse()
                got = json.loads(r.read())
                if r.status != 201 or got["accepted"] + got["unchanged"] != len(facts):
                    errors.append(got)
        threads = [threading.Thread(target=tell, args=(t,)) for t in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(errors, [])
        with sqlite3.connect(self.server.db) as c:
            self.assertEqual(c.execute("SELECT count(DISTINCT key) FROM fact WHERE key LIKE 't:%'").fetchone()[0], 16 * 30 * 3 + 1)
            self.assertEqual(c.execute("SELECT count(*) FROM fact WHERE key = 't:1-0-0'").fetchone()[0], 1)
        self.assertEqual(self.tell(order("1-0-0", customer="2007", sku="N0"))["accepted"] >= 0, True)
        status, _ = self.server.stop()
        self.assertEqual(status, 0)
        self.server.command("check", self.server.db)
        self.server.command("replay", self.server.db, "--audit")

    def test_a_fact_is_decided_upon_at_once(self):
        before = self.metric("fact_decision_seconds_count")
        for i in range(20):
            self.tell(order(i))
            time.sleep(0.01)
        self.server.until(lambda: self.metric("fact_decision_seconds_count") == before + 20, 2)
        within = float(re.search(r'relance_fact_decision_seconds_bucket\{le="0.25"\} (\S+)', self.metrics())[1])
        self.assertGreaterEqual(within, 15)

    def test_stopping_keeps_what_was_answered(self):
        """SIGTERM in the middle of it: every fact answered with 201 is in the database, the others are refused or cut off."""
        kept, threads, go = [], [], threading.Event()

        def tell(t):
            c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
            go.wait()
            for i in range(100000):
                try:
                    c.request("POST", API + "/facts", json.dumps(order(f"{t}-{i}")), {"Cookie": self.server.cookie, "X-CSRF-Token": self.server.csrf})
                    r = c.getresponse()
                    r.read()
                except (OSError, http.client.HTTPException):
                    return
                if r.status != 201:
                    return
                kept.append(f"t:{t}-{i}")
        threads = [threading.Thread(target=tell, args=(t,)) for t in range(8)]
        for t in threads:
            t.start()
        go.set()
        time.sleep(0.5)
        self.server.process.send_signal(signal.SIGTERM)
        for t in threads:
            t.join()
        self.assertEqual(self.server.process.wait(timeout=20), 0)
        with sqlite3.connect(self.server.db) as c:
            there = {k for k, in c.execute("SELECT key FROM fact WHERE key LIKE 't:%'")}
            self.assertEqual(c.execute("SELECT lease_owner FROM shard").fetchone()[0], None)  # given back
        self.assertGreater(len(kept), 20)
        self.assertEqual(set(kept) - there, set())
        self.server.command("check", self.server.db)

    def test_killed_keeps_what_was_answered(self):
        keys = [f"t:{i}" for i in range(300)]
        for i in range(0, 300, 10):
            self.tell([order(k) for k in range(i, i + 10)])
        self.server.process.kill()
        self.server.process.wait()
        with sqlite3.connect(self.server.db) as c:
            self.assertEqual({k for k, in c.execute("SELECT key FROM fact WHERE key LIKE 't:%'")}, set(keys))

    def test_a_backup_while_facts_come(self):
        stop, answers = threading.Event(), []

        def tell():
            i = 0
            while not stop.is_set():
                answers.append(self.server.ask("POST", API + "/facts", [order(f"b{i}-{k}") for k in range(20)]).status)
                i += 1
        t = threading.Thread(target=tell)
        t.start()
        try:
            for n in range(3):
                to = os.path.join(self.server.dir.name, f"backup{n}.db")
                self.server.command("backup", self.server.db, to)
                with sqlite3.connect(to) as c:
                    self.assertEqual(c.execute("PRAGMA integrity_check").fetchone()[0], "ok")
                    seq, facts = c.execute("SELECT (SELECT seq_hi FROM shard), (SELECT count(*) FROM fact)").fetchone()
                    self.assertEqual(seq, facts)  # one moment: no gap, nothing half
        finally:
            stop.set()
            t.join()
        self.assertEqual(set(answers), {201})

    # ---- watched ----

    def test_health(self):
        a = self.server.ask("GET", "/healthz", signed=False)
        self.assertEqual((a.status, a.json()["status"]), (200, "ok"))

    def test_metrics_are_what_prometheus_reads(self):
        """The rules of the text format 0.0.4, and promtool's lint: HELP and TYPE before the samples of a family, once each; counters end
        in _total; histograms are cumulative, end with +Inf, and agree with their count."""
        self.tell(order(1))
        self.server.until(lambda: self.metric("fact_decision_seconds_count") >= 1, 2)
        text = self.metrics()
        self.assertTrue(text.endswith("\n"))
        kind, help_, samples, family = {}, {}, {}, None
        for line in text.splitlines():
            if m := re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*)", line):
                self.assertNotIn(m[1], help_)
                help_[m[1]] = m[2]
                family = m[1]
            elif m := re.fullmatch(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)", line):
                self.assertEqual(m[1], family)
                self.assertNotIn(m[1], kind)
                kind[m[1]] = m[2]
            else:
                m = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{le="([^"]+)"\})? ([-+0-9.eE]+|\+Inf|NaN)', line)
                self.assertTrue(m, line)
                name = re.sub(r"_(bucket|sum|count)$", "", m[1]) if kind[family] == "histogram" else m[1]
                self.assertEqual(name, family, line)
                samples.setdefault(family, []).append((m[1], m[3], float(m[4])))
        self.assertEqual(set(kind), set(help_))
        self.assertEqual(set(kind), set(samples))
        for name, k in kind.items():
            self.assertEqual(name.endswith("_total"), k == "counter", name)
            self.assertRegex(help_[name], r"\.$")
            self.assertTrue(name.startswith("relance_"))
        buckets = [(b, v) for n, b, v in samples["relance_fact_decision_seconds"] if n.endswith("_bucket")]
        self.assertEqual(buckets[-1][0], "+Inf")
        self.assertEqual([v for _, v in buckets], sorted(v for _, v in buckets))
        self.assertEqual(buckets[-1][1], self.metric("fact_decision_seconds_count"))
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_unit_file(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        with tempfile.TemporaryDirectory() as d:
            unit = os.path.join(d, "relance.service")
            with open(os.path.join(SOURCE, "tools", "relance.service"), encoding="utf-8") as f:
                text = f.read()
            self.assertIn("ExecStart=/usr/local/bin/relance serve", text)
            with open(unit, "w", encoding="utf-8") as f:
                f.write(text.replace("/usr/local/bin/relance", RELANCE))
            done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60, check=False)
            ours = [x for x in (done.stdout + done.stderr).splitlines() if "relance.service" in x]
            self.assertEqual((done.returncode, ours), (0, []))

    def listen(self):
        s = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
        s.sendall(f"GET {API}/events HTTP/1.1\r\nHost: x\r\nCookie: {self.server.cookie}\r\n\r\n".encode())
        return s

    @staticmethod
    def hears(s, word, seconds=5):
        got, end = b"", time.monotonic() + seconds
        while time.monotonic() < end:
            s.settimeout(max(0.01, end - time.monotonic()))
            try:
                block = s.recv(65536)
            except TimeoutError:
                return False
            got += block
            if word in got:
                return True
            if not block:
                return False
        return False

    def test_many_listeners(self):
        """250 pages hear of what happens and do not slow it down; one that left may come again; one too many is told so."""
        all_ = [self.listen() for _ in range(250)]
        self.assertTrue(all(self.hears(s, b"text/event-stream") for s in all_))
        self.tell(order(1))
        self.assertTrue(all(self.hears(s, b"event: tick") for s in all_))
        before = self.metric("fact_decision_seconds_count")
        for i in range(100):
            self.tell(order(f"l{i}"))
        self.server.until(lambda: self.metric("fact_decision_seconds_count") == before + 100, 3)
        for s in all_[:100]:
            s.close()
        again = self.listen()
        self.assertTrue(self.hears(again, b"text/event-stream"))
        self.tell(order("again"))
        self.assertTrue(self.hears(again, b"event: tick"))
        self.assertTrue(self.hears(all_[200], b"event: tick"))
        self.server.until(lambda: self.metric("event_streams") <= 160, 35)
        for s in [*all_[100:], again]:
            s.close()

    def test_a_job_tells_how_far_it_is(self):
        s = self.listen()
        self.assertTrue(self.hears(s, b"text/event-stream"))
        plans = self.get("/plans")["items"]
        a = self.server.ask("POST", f"{API}/plans/{plans[0]['name']}/replay", {"from": "2025-01-01", "to": "2026-01-01", "consent": "assume"})
        self.assertIn(a.status, (200, 202), a.body)
        self.assertTrue(self.hears(s, b"event: job", 20))
        s.close()


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
