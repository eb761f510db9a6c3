#!/usr/bin/env python3
"""A thousand connections that dawdle, by slowhttptest, in each of its ways: who asks meanwhile is answered: test_attacks.py RELANCE. Loopback only,
bounded in count and time."""
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
MANY, SECONDS, PATIENCE_S = 1000, 8, 0.4


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = shop.Server(RELANCE, ("--request-time", "3")).__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.first_run()
        cls.key = cls.server.ask("POST", API + "/keys", {"name": "test", "scopes": "read people"}).json()["key"]

    def probe(self, path, stop, took):
        """One connection each time, as a monitor does it."""
        while not stop.is_set():
            began = time.monotonic()
            c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
            try:
                c.request("GET", path, headers={"Authorization": "Bearer " + self.key})
                status = c.getresponse().status
            except OSError as e:
                status = repr(e)
            c.close()
            took.append((time.monotonic() - began, status))
            time.sleep(0.02)

    def metric(self, name):
        text = self.server.ask("GET", "/metrics", signed=False).text()
        return float(re.search(rf"^relance_{name} (\S+)$", text, re.M)[1])

    def under(self, attack):
        """How long each question took while `attack` ran: /healthz, and a page of a customer."""
        stop, took = threading.Event(), {p: [] for p in ("/healthz", "/metrics", API + "/customers/1")}
        probes = [threading.Thread(target=self.probe, args=(p, stop, t)) for p, t in took.items()]
        for p in probes:
            p.start()
        try:
            attack()
        finally:
            stop.set()
            for p in probes:
                p.join()
        for path, all_ in took.items():
            self.assertGreater(len(all_), 20, path)
            self.assertEqual({status for _, status in all_}, {200}, path)
        return max(s for all_ in took.values() for s, _ in all_)

    def slowhttptest(self, *how):
        if not shutil.which("slowhttptest"):
            self.skipTest("slowhttptest is not installed")

        def attack():
            subprocess.run(["slowhttptest", "-c", str(MANY), "-r", "500", "-l", str(SECONDS), "-p", "20", *how], capture_output=True, text=True,
                           timeout=60, check=False, env={**os.environ, "TERM": "dumb"})
        longest = self.under(attack)
        if longest > PATIENCE_S:  # the machine may have had other work
            longest = min(longest, self.under(attack))
        print(f"{' '.join(how)}: longest answer {longest * 1000:.0f} ms", file=sys.stderr)
        self.assertLess(longest, PATIENCE_S, how)
        self.server.until(lambda: self.metric("connections") < 50, 20)

    def url(self, path):
        return f"http://127.0.0.1:{self.server.port}{path}"

    def test_slow_headers(self):
        self.slowhttptest("-H", "-i", "1", "-u", self.url("/healthz"))

    def test_slow_bodies(self):
        self.slowhttptest("-B", "-i", "1", "-s", "8192", "-u", self.url(API + "/session"))

    def test_ranges(self):
        self.slowhttptest("-R", "-a", "1", "-b", "3000", "-u", self.url("/"))

    def test_slow_reads(self):
        self.slowhttptest("-X", "-w", "1", "-y", "8", "-n", "1", "-z", "1", "-k", "3", "-u", self.url(API + "/openapi.json"))

    def test_an_answer_that_is_not_taken(self):
        """Who asks for much and takes a few bytes now and then, so that the connection is never idle, is let go: --request-time and the bytes
        at 8 KiB a second."""
        before, readers = self.metric("http_slow_total"), []
        for _ in range(20):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.connect(("127.0.0.1", self.server.port))
            s.setblocking(False)
            readers.append(s)
        asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 1000

        def all_shut():
            for s in readers:
                try:
                    s.send(asked)
                except OSError:
                    pass
                try:
                    s.recv(60)
                except OSError:
                    pass
            time.sleep(0.2)
            return self.metric("http_slow_total") - before >= len(readers)
        self.server.until(all_shut, 40)
        for s in readers:
            s.close()

    def test_sign_ins_keep_nobody_waiting(self):
        """Passwords are hashed for a tenth of a second each, by the dozen: not where the others are answered."""
        slowest = []

        def attack():
            def one(n):
                for k in range(2):
                    began = time.monotonic()
                    self.server.ask("POST", API + "/session", {"name": f"nobody-{n}-{k}", "password": "guessed at random"}, signed=False,
                                    headers={"X-Forwarded-For": f"203.0.113.{n}"})
                    slowest.append(time.monotonic() - began)
            all_ = [threading.Thread(target=one, args=(n,)) for n in range(24)]
            for t in all_:
                t.start()
            for t in all_:
                t.join()
        longest = self.under(attack)
        self.assertLess(longest, max(slowest) / 2)  # they wait for each other, nobody for them


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
