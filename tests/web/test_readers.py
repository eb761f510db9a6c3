#!/usr/bin/env python3
"""Whoever reads does not keep the shop from turning, nor the next page waiting: test_readers.py RELANCE."""
import json
import os
import re
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
# a century of months, each beside the one before it: seconds of work on any shop
CENTURY = API + "/kpi?by=month&from=1927-01&to=2026-10"


class Readers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = shop.tempfile.TemporaryDirectory()
        cls.server = shop.Server(RELANCE)
        cls.server.dir = cls.dir
        cls.server.db = os.path.join(cls.dir.name, "shop.db")
        cls.server.command("simulate", cls.server.db, "--customers", "30000", "--years", "2", "--seed", "11")
        cls.server.command("plan", "on", cls.server.db, "welcome", "survey", "anti-churn")
        cls.server.start()
        cls.server.first_run()

    @classmethod
    def tearDownClass(cls):
        status, log = cls.server.stop()
        cls.dir.cleanup()
        assert status == 0 and "check failed" not in log, log

    def metrics(self):
        text = self.server.ask("GET", "/metrics").text()
        return {k: float(v) for k, v in re.findall(r"^relance_(\S+) (\S+)$", text, re.M)}

    def reading(self, path, many):
        """Threads that read `path` once each; ended[i] is when, and with what."""
        ended = [None] * many

        def read(i):
            a = self.server.ask("GET", path, timeout=170)
            ended[i] = (time.monotonic(), a.status)
        threads = [threading.Thread(target=read, args=(i,)) for i in range(many)]
        for t in threads:
            t.start()
        return threads, ended

    def test_a_slow_report_delays_no_decision(self):
        """Reports one after the other, more at once than threads that take such work; facts meanwhile."""
        stop, took = threading.Event(), []

        def read():
            while not stop.is_set():
                began = time.monotonic()
                self.assertEqual(self.server.ask("GET", CENTURY, timeout=170).status, 200)
                took.append(time.monotonic() - began)
        threads = [threading.Thread(target=read) for _ in range(5)]
        for t in threads:
            t.start()
        self.server.until(lambda: took, 60)
        before, told, end = self.metrics(), 0, time.monotonic() + 3
        while time.monotonic() < end:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5))
            a = self.server.ask("POST", API + "/facts", {"kind": "order", "key": f"slow:{told}", "customer": str(7 + told), "at": at,
                                                         "lines": [{"sku": "SKU1", "quantity": 1, "amount": 1000}]})
            self.assertEqual(a.status, 201, a.text())
            told += 1
            time.sleep(0.02)
        self.server.until(lambda: self.metrics()["fact_decision_seconds_count"] >= before["fact_decision_seconds_count"] + told, 10)
        after, report, pages = self.metrics(), sum(took) / len(took), time.monotonic()
        for path in ("/today", "/plans", "/customers?is=sent", "/segments"):
            self.assertEqual(self.server.ask("GET", API + path).status, 200, path)
        pages = time.monotonic() - pages
        stop.set()
        for t in threads:
            t.join()
        spent = (after["fact_decision_seconds_sum"] - before["fact_decision_seconds_sum"]) / told
        self.assertLess(spent, report / 4, "a decision waited for a report")
        self.assertLess(pages, report * 4, "a page waited for a report")

    def test_what_is_read_is_what_was_decided(self):
        """At once, or where everybody's copy took long to make (a loaded machine), when it is made anew."""
        self.server.ask("POST", API + "/facts", [{"kind": "profile", "key": "fresh:1", "customer": "fresh", "email": "f@example.net"}])
        before = self.metrics()["fact_decision_seconds_count"]
        self.server.ask("POST", API + "/facts", {"kind": "event", "key": "fresh:2", "customer": "fresh", "name": "account_created"})
        self.server.until(lambda: self.metrics()["fact_decision_seconds_count"] > before, 5)
        who = self.server.ask("GET", API + "/customers?q=fresh").json()["items"][0]["id"]
        def entered():
            rows = self.server.ask("GET", API + "/customers?is=entered&plan=welcome&segment=in_plan(welcome)&limit=200").json()["items"]
            return who in [c["id"] for c in rows]
        self.server.until(entered, 30)

        def agree():
            counts = {p["name"]: p for p in self.server.ask("GET", API + "/plans").json()["items"]}
            return counts["welcome"]["entered"] == self.server.ask("GET", API + "/customers?is=entered&plan=welcome").json()["total"]
        self.server.until(agree, 30)

    def test_a_backup_tells_how_far_it_is(self):
        seen = []

        def listen():
            data, end = b"", time.monotonic() + 40
            with socket.create_connection((self.server.host, self.server.port), timeout=20) as s:
                s.sendall(f"GET {API}/events HTTP/1.1\r\nHost: x\r\nCookie: {self.server.cookie}\r\n\r\n".encode())
                while b'"progress":1.000' not in data and time.monotonic() < end:
                    data += s.recv(65536)
            seen.extend(json.loads(x)["progress"] for x in re.findall(rb"event: backup\ndata: (.*)\n", data))
        listener = threading.Thread(target=listen)
        listener.start()
        time.sleep(0.3)
        a = self.server.ask("GET", API + "/backup")
        self.assertEqual((a.status, a.body[:15]), (200, b"SQLite format 3"))
        listener.join()
        self.assertEqual(seen[-1], 1)
        self.assertEqual(seen, sorted(seen))

    def test_many_at_once(self):
        paths = ["/today", "/plans", "/figures", "/kpi", "/report", "/case", "/benchmarks", "/objectives", "/experiments/welcome", "/lifecycle",
                 "/compliance", "/customers?is=waiting", "/customers?sort=-spend&segment=orders%20%3E%202", "/segments", "/kpi/conversion/rows", "/plans/welcome", "/customers/7/recommendations",
                 "/customers/9/recommendations?kind=again"]
        all_ = [self.reading(API + p, 2) for p in paths]
        for threads, _ in all_:
            for t in threads:
                t.join()
        self.assertEqual({p: [e[1] for e in ended] for p, (_, ended) in zip(paths, all_)}, {p: [200, 200] for p in paths})


if __name__ == "__main__":
    unittest.main()
