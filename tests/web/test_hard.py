#!/usr/bin/env python3
"""What the server is thrown at, and that it stays up: test_hard.py RELANCE."""
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"


class Shop(unittest.TestCase):
    extra, listen = (), "127.0.0.1:0"

    @classmethod
    def setUpClass(cls):
        cls.server = shop.Server(RELANCE, extra=cls.extra, listen=cls.listen).__enter__()
        try:
            cls.server.first_run()
        except BaseException:
            cls.server.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def well(self):
        self.assertIsNone(self.server.process.poll())
        self.assertEqual(self.server.ask("GET", "/healthz", signed=False).status, 200)

    def problem(self, a, status):
        self.assertEqual(a.status, status, a.body[:300])
        self.assertEqual(a.headers["Content-Type"], "application/problem+json")
        p = a.json()
        self.assertEqual(p["status"], status)
        self.assertTrue(p["detail"])
        return p

    def key(self, scopes):
        return {"Authorization": "Bearer " + self.server.ask("POST", API + "/keys", {"name": "test", "scopes": scopes}).json()["key"]}


class Hard(Shop):
    extra = ("--request-time", "3", "--log-requests")

    def test_sign_ups_from_one_address(self):
        """Five at once, then one a minute, whatever they name; other addresses are not concerned."""
        def join(n, address):
            return self.server.ask("POST", "/join?lang=en", f"email=x{n}%40example.org&agree=yes", signed=False,
                                   headers={"X-Forwarded-For": address, "Content-Type": "application/x-www-form-urlencoded"})
        answers = [join(n, "203.0.113.9") for n in range(8)]
        self.assertEqual([a.status for a in answers], [200] * 5 + [429] * 3)
        self.assertIn("A little patience", answers[-1].text())
        self.assertTrue(1 <= int(answers[-1].headers["Retry-After"]) <= 60)
        self.assertEqual(join(20, "203.0.113.10").status, 200)
        self.assertEqual(self.server.ask("GET", "/join", signed=False, headers={"X-Forwarded-For": "203.0.113.9"}).status, 200)

    def test_malformed_requests(self):
        long = b"a" * 40000
        for data in (b"\r\n\r\n", b"\0\0\0\0\r\n\r\n", b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET /healthz\r\n\r\n", b"GET /healthz HTTP/9.9\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + long + b"\r\n\r\n", b"GET /" + long + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n0\r\n\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
                     b"BREW /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)):
            got = self.server.raw(data, timeout=0.3)
            self.assertNotIn(b" 200 ", got.split(b"\r\n")[0] if data[:12] != b"GET /healthz" else b"", data[:60])
            self.assertNotIn(b"500", got.split(b"\r\n")[0], data[:60])
        self.well()

    def test_oversized_bodies(self):
        key = self.key("facts read")
        self.problem(self.server.ask("POST", API + "/segments/count", b" " * (1 << 20) + b"{}", signed=False, headers=key), 413)
        self.problem(self.server.ask("POST", API + "/facts", b" " * (16 << 20) + b"{}", signed=False, headers=key), 413)
        many = "\n".join('{"kind":"event","key":"e%d","customer":"1","name":"n"}' % i for i in range(10001))
        self.problem(self.server.ask("POST", API + "/facts", many, signed=False, headers=key), 413)
        numbers = "[" + ",".join(["1e-9"] * 720) + "]"  # written out, four times as long
        wide = "\n".join('{"kind":"product","sku":"W%d","attributes":{"a":%s}}' % (i, numbers) for i in range(4400))
        self.problem(self.server.ask("POST", API + "/facts", wide, signed=False, headers=key), 413)
        deep = "[" * 100000
        self.problem(self.server.ask("POST", API + "/facts", deep, signed=False, headers=key), 400)
        deep = '{"a":' * 5000 + "1" + "}" * 5000
        self.problem(self.server.ask("POST", API + "/segments/count", deep, signed=False, headers=key), 400)
        self.well()

    def test_broken_json(self):
        key = self.key("facts")
        for body in (b"", b"{", b"nul", b"\xff\xfe{}", b'{"kind":"order"', b'{"kind":"order"}\0', b"[1,2]", b'"text"', b'{"kind":null}',
                     b'{"kind":"order","key":"k","customer":"1","lines":[{"sku":"a","amount":1e400}]}',
                     b'{"kind":"order","key":"k","customer":"1","lines":[{"sku":"a","amount":99999999999999999999}]}',
                     b'{"kind":"event","key":"\\ud800","customer":"1","name":"n"}'):
            a = self.server.ask("POST", API + "/facts", body, signed=False, headers=key)
            self.assertIn(a.status, (400, 422), body)
            self.problem(a, a.status)
        self.well()

    def test_paths(self):
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/../../etc/passwd", "/assets/..%2f..%2fetc%2fpasswd", "//etc/passwd",
                     "/..\\..\\etc\\passwd", "/%00", "/assets/%00.js", "/api/v1/../../healthz", "/api/v1/customers/1/../2", "/api/v1/customers/%2e%2e",
                     "/api/v1/jobs/99999999999999999999", "/api/v1/customers/-1", "/api/v1/customers/1e9", "/u/", "/u//", "/m/../p/x",
                     "/api/v1/messages/..%2f..%2f/passwd", "/" + "a/" * 2000, "/?" + "a=b&" * 3000):
            got = self.server.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {self.server.cookie}\r\nConnection: close\r\n\r\n".encode(), timeout=2)
            self.assertNotIn(b"root:", got, path)
            self.assertNotIn(b" 500 ", got.split(b"\r\n")[0], path)
            if path.startswith("/api"):
                self.assertRegex(got.split(b"\r\n")[0], rb" 4\d\d ", path)
        self.well()

    def test_forged_keys_and_sessions(self):
        real = self.server.cookie.split("=")[1]
        for cookie in ("", "x", "0" * 64, real[:-1], real + "0", real[::-1], real.upper() if real.upper() != real else "1" * 64, "'" * 64):
            a = self.server.ask("GET", API + "/today", signed=False, headers={"Cookie": "relance=" + cookie})
            self.problem(a, 401)
        for bearer in ("", "x", "0" * 64, "' OR 1=1 --", "\t" * 64, real):
            self.problem(self.server.ask("GET", API + "/today", signed=False, headers={"Authorization": "Bearer " + bearer}), 401)
        a = self.server.ask("POST", API + "/stop", {}, headers={"X-CSRF-Token": "0" * 32})
        self.problem(a, 403)
        self.well()

    def test_sql_and_templates_are_text(self):
        key = self.key("facts people read plans")
        evil = "x'; DROP TABLE customer; --"
        name = "{{ 6 | times: 7 }}<script>alert(1)</script>"
        facts = [{"kind": "profile", "key": evil, "customer": evil, "email": "evil@example.net", "first_name": name, "last_name": evil, "locale": "fr"},
                 {"kind": "event", "key": evil, "customer": evil, "name": "visit'\"", "text": evil}]
        self.assertEqual(self.server.ask("POST", API + "/facts", facts, signed=False, headers=key).status, 201)
        found = self.server.ask("GET", API + "/customers?q=x%27%3B%20DROP", signed=False, headers=key).json()["items"]
        self.assertEqual([c["ref"] for c in found], [evil])
        for q in ("%27%20OR%201%3D1%20--", "%25", "_", "%F4%8F%BF%BF"):
            self.assertEqual(self.server.ask("GET", API + "/customers?q=" + q, signed=False, headers=key).json()["items"], [], q)
        self.problem(self.server.ask("POST", API + "/segments/count", {"text": "orders >= 1'; DROP TABLE fact"}, signed=False, headers=key), 422)
        self.server.until(lambda: self.server.ask("GET", f"{API}/customers/{found[0]['id']}", signed=False, headers=key).json()["person"]["first_name"] == name)
        text = self.server.ask("GET", API + "/messages/fr/winback-1", signed=False, headers=key).json()["text"]
        a = self.server.ask("POST", API + "/messages/preview", {"locale": "fr", "name": "winback-1", "customer": found[0]["id"],
                            "text": text + "\n\nBonjour {{ customer.first_name }}!\n"}, signed=False, headers=key)
        self.assertEqual(a.status, 200, a.body)
        self.assertIn("{{ 6 | times: 7 }}&lt;script&gt;", a.json()["html"])
        self.assertNotIn("<script", a.json()["html"])
        self.assertGreater(self.server.ask("GET", API + "/customers", signed=False, headers=key).json()["total"], 60)
        self.well()

    def test_slow_requests_are_shut(self):
        """A byte now and then, in the headers or in the body, does not keep a connection (--request-time 3)."""
        before = self.metric("http_slow_total")
        heads = [b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"]
        open_ = []
        for head in heads * 5:
            s = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
            s.sendall(head)
            open_.append(s)
        began, shut = time.monotonic(), 0
        while shut < len(open_) and time.monotonic() - began < 12:
            shut = 0
            for s in open_:
                try:
                    s.sendall(b"a")
                    s.setblocking(False)
                    shut += s.recv(4096) == b""
                except BlockingIOError:
                    pass
                except OSError:
                    shut += 1
            self.well()
            time.sleep(0.25)
        for s in open_:
            s.close()
        self.assertEqual(shut, len(open_))
        self.assertGreater(time.monotonic() - began, 2.5)
        self.assertEqual(self.metric("http_slow_total") - before, len(open_))

    def metric(self, name):
        text = self.server.ask("GET", "/metrics", signed=False).text()
        return float(re.search(rf"^relance_{name} (\S+)$", text, re.M)[1])

    def test_ten_thousand_idle_connections(self):
        many = 10000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < many + 1000:
            self.skipTest(f"at most {hard} files may be open here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        idle = []
        try:
            for _ in range(many):
                s = socket.socket()
                s.connect(("127.0.0.1", self.server.port))
                idle.append(s)
            began = time.monotonic()
            self.well()
            self.assertLess(time.monotonic() - began, 2)
            a = self.server.ask("GET", API + "/customers/1")
            self.assertEqual(a.status, 200)
        finally:
            for s in idle:
                s.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.server.until(lambda: self.metric("connections") < 100, 10)

    def test_the_log_is_json_without_personal_data(self):
        self.server.ask("GET", API + "/customers?q=client7@example.net")
        self.server.ask("GET", "/u/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA?email=client7@example.net", signed=False)

        def lines():
            with open(os.path.join(self.server.dir.name, "log"), encoding="utf-8") as f:
                return [json.loads(x) for x in f if x.startswith("{")]
        self.server.until(lambda: any(x["route"] == "/u/{}" for x in lines()))
        wanted = {"at", "event", "method", "route", "status", "bytes", "ms", "who"}
        for x in lines():
            self.assertEqual(set(x), wanted)
            self.assertNotRegex(json.dumps(x), "@|AAAA|127\\.0\\.0\\.1")
        self.assertTrue(any(x["who"].startswith("account ") for x in lines()))


class Rates(Shop):
    extra = ("--rate", "5", "--rate-key", "5")

    def test_an_address(self):
        def ask(path, by):
            return self.server.ask("GET", path, signed=False, headers={"X-Forwarded-For": by})
        answers = [ask("/healthz", "203.0.113.9") for _ in range(30)]
        self.assertGreaterEqual(sum(a.status == 200 for a in answers), 15)
        refused = next(a for a in answers if a.status != 200)
        self.problem(refused, 429)
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.assertEqual(ask("/healthz", "203.0.113.10").status, 200)
        self.assertEqual(ask("/healthz", "203.0.113.9, 198.51.100.1").status, 200)  # the last one counts: ours added it
        six = [ask("/healthz", f"2001:db8::{i:x}").status for i in range(1, 31)]
        self.assertIn(429, six)  # one customer's 64 bits are one address
        self.assertEqual([self.server.ask("GET", "/healthz", signed=False).status for _ in range(30)], [200] * 30)
        time.sleep(int(refused.headers["Retry-After"]))
        self.assertEqual(ask("/healthz", "203.0.113.9").status, 200)

    def test_a_key(self):
        mine, other = self.key("read"), self.key("read")
        answers = [self.server.ask("GET", API + "/segments/words", signed=False, headers=mine) for _ in range(30)]
        self.problem(next(a for a in answers if a.status != 200), 429)
        self.assertEqual(self.server.ask("GET", API + "/segments/words", signed=False, headers=other).status, 200)

    def test_a_page_is_refused_as_a_page(self):
        answers = [self.server.ask("GET", "/join", signed=False, headers={"X-Forwarded-For": "203.0.113.77"}) for _ in range(30)]
        refused = next(a for a in answers if a.status == 429)
        self.assertIn("text/html", refused.headers["Content-Type"])
        self.assertIn("Retry-After", refused.headers)


class Six(Shop):
    listen = "[::1]:0"

    def test_ipv6(self):
        self.assertEqual(self.server.host, "::1")
        self.well()
        self.assertEqual(self.server.ask("GET", API + "/today").status, 200)


class Both(Shop):
    listen = "[::]:0"

    def test_every_address(self):
        for host in ("127.0.0.1", "::1"):
            self.server.host = host
            self.well()


class Tls(Shop):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.pem = [os.path.join(cls.folder.name, n) for n in ("cert.pem", "key.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-out", cls.pem[0], "-keyout", cls.pem[1]], check=True, capture_output=True)
        cls.extra = ("--tls-cert", cls.pem[0], "--tls-key", cls.pem[1])
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.folder.cleanup()

    def test_https(self):
        self.assertEqual(self.server.scheme, "https")
        self.well()
        a = self.server.ask("POST", API + "/session", {"name": "léa", "password": shop.PASSWORD}, signed=False)
        self.assertIn("Secure", a.headers["Set-Cookie"])
        self.assertIn("max-age", a.headers["Strict-Transport-Security"])
        for old in ("-tls1", "-tls1_1"):
            done = subprocess.run(["openssl", "s_client", old, "-cipher", "ALL:@SECLEVEL=0", "-connect", f"127.0.0.1:{self.server.port}"],
                                  input=b"", capture_output=True, timeout=20, check=False)
            self.assertNotEqual(done.returncode, 0, old)
        self.server.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", timeout=0.5)
        self.well()

    def test_wrong_files_are_said(self):
        for extra, word in ((["--tls-cert", self.pem[0]], "go together"), (["--tls-cert", self.pem[1], "--tls-key", self.pem[0]], "not a certificate"),
                            (["--tls-cert", "/nowhere.pem", "--tls-key", self.pem[1]], "cannot be read")):
            done = subprocess.run([RELANCE, "serve", self.other(), "--listen", "127.0.0.1:0", *extra], capture_output=True, text=True, timeout=20, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(word, done.stderr)

    def other(self):
        path = os.path.join(self.folder.name, "other.db")
        if not os.path.exists(path):
            self.server.command("init", path, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr", "--name", "X")
        return path


class Wrong(unittest.TestCase):
    def test_listen(self):
        with tempfile.TemporaryDirectory() as d:
            db = os.path.join(d, "shop.db")
            subprocess.run([RELANCE, "init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr", "--name", "X"], check=True,
                           capture_output=True)
            for listen in ("nowhere", "[::1", "::1:80", "1.2.3.4:99999", "[127.0.0.1]:80", "127.0.0.1:x", "[::1]x:80", ""):
                done = subprocess.run([RELANCE, "serve", db, "--listen", listen], capture_output=True, text=True, timeout=20, check=False)
                self.assertNotEqual(done.returncode, 0, listen)
                self.assertIn("ADDRESS:PORT", done.stderr, listen)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
