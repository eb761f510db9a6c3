#!/usr/bin/env python3
"""HTTP itself, spoken wrongly, oddly and in ways few speak it: test_protocol.py RELANCE. What no client library would send goes out as bytes."""
import csv
import email.message
import io
import json
import os
import re
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
PROBLEM = "application/problem+json"


def routes():
    """(method, path, flags) of the route table."""
    with open(os.path.join(os.path.dirname(__file__), "../../src/web/routes.c"), encoding="utf-8") as f:
        found = re.findall(r'\{ "([A-Z]+)", (API )?"([^"]+)", [^,]+, \w+,([^}]*)\}', f.read())
    return [(m, (API if api else "") + p, flags.strip()) for m, api, p, flags in found]


def parse(data):
    """The answers in a stream of bytes: [(status, headers, body)], and what is left over."""
    answers = []
    while data.startswith(b"HTTP/"):
        head, sep, rest = data.partition(b"\r\n\r\n")
        if not sep:
            break
        lines = head.split(b"\r\n")
        status, headers = int(lines[0].split()[1]), email.message.Message()
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            headers[name.decode()] = value.decode().strip()
        size = 0 if status < 200 or status in (204, 304) else int(headers.get("Content-Length", "0"))
        answers.append((status, headers, rest[:size]))
        data = rest[size:]
    return answers, data


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = shop.Server(RELANCE).__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.first_run()
        cls.key = cls.server.ask("POST", API + "/keys", {"name": "test", "scopes": "facts people read"}).json()["key"]

    def setUp(self):
        self.began = time.monotonic()

    def tearDown(self):
        self.assertIsNone(self.server.process.poll())
        self.assertEqual(self.server.ask("GET", "/healthz", signed=False, timeout=5).status, 200)

    def talk(self, data, timeout=3.0, until=None):
        """Everything that comes back until the server closes, `until` answers are there, or the time is over."""
        got = b""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=timeout) as s:
            s.sendall(data)
            try:
                while not (until and len(parse(got)[0]) >= until) and (block := s.recv(65536)):
                    got += block
            except (TimeoutError, ConnectionResetError):
                pass
        return parse(got)[0]

    def head(self, method, path, version="HTTP/1.1", more=""):
        host = "Host: x\r\n" if version == "HTTP/1.1" else ""
        return f"{method} {path} {version}\r\n{host}Authorization: Bearer {self.key}\r\n{more}".encode()

    # ---- one request, read as two or none ----

    def test_lengths_said_twice(self):
        """A request whose length could be read two ways is refused with its connection: what follows is nobody's request."""
        hidden = self.head("GET", API + "/session") + b"\r\n"
        chunked = b"0\r\n\r\n"
        for name, more, body in (
                ("length and coding", "Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(chunked + hidden), chunked + hidden),
                ("coding and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunked + hidden),
                ("two lengths", "Content-Length: 0\r\nContent-Length: %d\r\n" % len(hidden), hidden),
                ("two equal lengths", "Content-Length: 2\r\nContent-Length: 2\r\n", b"{}" + hidden),
                ("a list of lengths", "Content-Length: 0, %d\r\n" % len(hidden), hidden),
                ("a sign", "Content-Length: +0\r\n", hidden),
                ("negative", "Content-Length: -1\r\n", hidden),
                ("hexadecimal", "Content-Length: 0x0\r\n", hidden),
                ("beyond 64 bits", "Content-Length: 18446744073709551616\r\n", hidden),
                ("two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked + hidden),
                ("another coding", "Transfer-Encoding: xchunked\r\n", chunked + hidden),
                ("a coding before", "Transfer-Encoding: gzip, chunked\r\n", chunked + hidden),
                ("a control byte", "Transfer-Encoding: \x0bchunked\r\n", chunked + hidden),
                ("two hosts", "Host: y\r\n", hidden)):
            with self.subTest(name):
                answers = self.talk(self.head("POST", API + "/segments/count", more=more) + b"\r\n" + body)
                self.assertLessEqual(len(answers), 1, answers)
                for status, headers, _ in answers:
                    self.assertEqual(status, 413 if name == "beyond 64 bits" else 400)
                    self.assertEqual(headers["Connection"].lower(), "close")

    def test_odd_headers(self):
        """Spaces before the colon, folded lines, bare line ends, NULs: refused, or not taken for what they resemble; never a second answer."""
        hidden = self.head("GET", API + "/session") + b"\r\n"
        for name, more in (("space before the colon", b"Content-Length : %d\r\n" % len(hidden)), ("folded", b"X: a\r\n Content-Length: %d\r\n" % len(hidden)),
                           ("NUL in a value", b"X: a\0b\r\n"), ("NUL in a name", b"X\0Y: a\r\n"), ("no name", b": a\r\n"), ("CR alone", b"X: a\rContent-Length: 3\r\n"),
                           ("bytes", b"X: \xff\xfe\r\n"), ("long", b"X: " + b"a" * 60000 + b"\r\n"), ("many", b"".join(b"X%d: a\r\n" % i for i in range(4000)))):
            with self.subTest(name):
                answers = self.talk(self.head("GET", "/healthz") + more + b"Connection: close\r\n\r\n", 2)
                if name == "no name":  # libmicrohttpd takes it for the end; what follows is refused, and the connection shut
                    self.assertEqual([a[0] for a in answers], [200, 400])
                    continue
                self.assertLessEqual(len(answers), 1)
                for status, _, _ in answers:
                    self.assertIn(status, (200, 400, 413, 414, 431))

    def test_chunks(self):
        body = json.dumps({"text": "orders >= 2"}).encode()
        halves = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:5], body[5:])) + b"0\r\n\r\n"
        [(status, _, text)] = self.talk(self.head("POST", API + "/segments/count", more="Transfer-Encoding: chunked\r\nConnection: close\r\n") + b"\r\n" + halves)
        self.assertEqual((status, "count" in json.loads(text)), (200, True), text)
        for wrong in (b"ZZ\r\n", b"-1\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"5 \r\nabc", b"0x5\r\nabcde\r\n"):
            for status, _, _ in self.talk(self.head("POST", API + "/segments/count", more="Transfer-Encoding: chunked\r\nConnection: close\r\n") + b"\r\n" + wrong + b"0\r\n\r\n", 1):
                self.assertIn(status, (400, 413))

    def test_answers_in_order(self):
        """Several requests at once on one connection: as many answers, in that order, those that are worked out elsewhere too."""
        paths = ["/healthz", API + "/today", API + "/nowhere", API + "/customers/1", API + "/segments/words", API + "/kpi", "/healthz"]
        data = b"".join(self.head("GET", p) + b"\r\n" for p in paths)
        answers = self.talk(data, 20, until=len(paths))
        self.assertEqual([a[0] for a in answers], [200, 200, 404, 200, 200, 200, 200])
        self.assertIn(b'"status":"ok"', answers[0][2])
        self.assertEqual(json.loads(answers[3][2])["id"], 1)

    # ---- older and rarer HTTP ----

    def test_http_1_0(self):
        [(status, headers, body)] = self.talk(self.head("GET", "/healthz", "HTTP/1.0") + b"\r\n")
        self.assertEqual((status, len(body)), (200, int(headers["Content-Length"])))
        answers = self.talk(self.head("POST", API + "/segments/count", "HTTP/1.0", "Transfer-Encoding: chunked\r\n") + b"\r\n0\r\n\r\n")
        self.assertEqual([a[0] for a in answers], [400])

    def test_head_and_options_everywhere(self):
        """HEAD answers as GET does, without the body; what a path does not take is refused with what it takes; no route ends in a fault."""
        for method, path, _ in routes():
            concrete = path.replace("{}", "1")
            if concrete.endswith(("/events", "/backup")):
                continue
            for asked in ("OPTIONS", "TRACE", "PUT", "HEAD", "PROPFIND"):
                if asked == "HEAD" and method != "GET":
                    continue
                more = f"Cookie: {self.server.cookie}\r\nX-CSRF-Token: {self.server.csrf}\r\nContent-Length: 0\r\nConnection: close\r\n"
                [(status, headers, body)] = parse_head(self.raw(f"{asked} {concrete} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()), asked)
                self.assertNotIn(status, (500, 501, 502), (asked, concrete))
                if asked == "HEAD":
                    self.assertEqual(body, b"", concrete)
                elif status == 405:
                    self.assertIn(method, headers["Allow"].split(", "), (asked, concrete))
        a = self.server.ask("OPTIONS", API + "/facts")
        self.assertEqual((a.status, a.headers["Allow"], a.headers.get("Access-Control-Allow-Origin")), (405, "POST", None))
        self.assertIn("it takes POST", a.json()["detail"])

    def raw(self, data):
        return self.server.raw(data, timeout=20)

    def test_ranges_are_answered_whole(self):
        whole = self.server.ask("GET", "/", signed=False)
        for asked in ("bytes=0-1", "bytes=-1", "bytes=99999999-", "bytes=0-0,2-2,4-4", "bytes=a-b", "lines=1-2", "bytes=" + "0-1," * 500):
            a = self.server.ask("GET", "/", signed=False, headers={"Range": asked})
            self.assertEqual((a.status, a.body), (200, whole.body), asked)

    def test_who_asks_before_sending(self):
        """Expect: 100-continue: told to go on, or refused before the body is sent when it is too large."""
        body = json.dumps({"text": "orders >= 2"}).encode()
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=5) as s:
            s.sendall(self.head("POST", API + "/segments/count", more=f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n") + b"\r\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 100 "))
            s.sendall(body)
            got = b""
            while block := s.recv(4096):
                got += block
        self.assertEqual(parse(got)[0][0][0], 200)
        [(status, headers, text)] = self.talk(self.head("POST", API + "/segments/count", more="Content-Length: 2000000000\r\nExpect: 100-continue\r\n") + b"\r\n")
        self.assertEqual((status, headers["Connection"].lower(), json.loads(text)["status"]), (413, "close", 413))

    def test_compressed_bodies(self):
        """A body is read as it is: what says that it is compressed is refused, whatever it would become."""
        a = self.server.ask("POST", API + "/facts", b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(1000), headers={"Content-Encoding": "gzip"})
        self.assertEqual((a.status, a.headers["Content-Type"], a.headers["Accept-Encoding"]), (415, PROBLEM, "identity"))
        self.assertIn("without Content-Encoding", a.json()["detail"])
        a = self.server.ask("POST", API + "/segments/count", {"text": "orders >= 2"}, headers={"Content-Encoding": "identity"})
        self.assertEqual(a.status, 200)

    # ---- bytes where text is expected ----

    def test_nul_and_no_utf8(self):
        fact = b'{"kind":"event","key":"%s","customer":"1001","name":"n"}'
        for text in (b"a\\u0000b", b"\xc3(", b"\xed\xa0\x80", b"\\ud800", b"\\udc00\\ud800", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"a\0b"):
            for body in (fact % text, b"[" + fact % text + b"]", fact % b"before" + b"\n" + fact % text):
                a = self.server.ask("POST", API + "/facts", body)
                self.assertIn(a.status, (400, 422), (text, a.body))
                self.assertEqual((a.headers["Content-Type"], "nothing of this request was kept" in a.json()["detail"]), (PROBLEM, True), a.body)
            a = self.server.ask("POST", API + "/segments/count", b'{"text":"orders >= 2 and tag(\\"' + text + b'\\")"}')
            self.assertIn(a.status, (200, 400, 422), text)
        for path in ("/%00", "/%ff", "/a%00/b", API + "/customers/1%00", API + "/plans/%c3%28", API + "/plans/winback%00", API + "/customers?q=%00", API + "/customers?q=%c3%28",
                     API + "/customers?q=%ed%a0%80", "/u/%00", "/c/%0d%0aSet-Cookie:%20a=b", API + "/messages/fr%00/winback-1"):
            a = self.server.ask("GET", path)
            self.assertIn(a.status, (200, 400, 404, 422), (path, a.body[:200]))
            a.body.decode()

    def test_deep(self):
        """However deep: refused, at once."""
        for depth in (100, 3000, 300000):
            for body in (b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth,
                         b'{"kind":"product","sku":"D","attributes":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"):
                for path in ("/facts", "/segments/count", "/plans/check", "/session", "/settings"):
                    if len(body) >= 1 << 20 and path != "/facts":
                        continue
                    began = time.monotonic()
                    a = self.server.ask("POST" if path != "/settings" else "PUT", API + path, body)
                    self.assertIn(a.status, (201, 400, 413, 422), (depth, path, a.body[:200]))
                    self.assertLess(time.monotonic() - began, 3, (depth, path))

    # ---- what comes back ----

    def test_headers_of_every_answer(self):
        """Every answer, of a page, a file, the interface or a refusal: a policy without script of its own, no guessing of types, no framing."""
        asked = [("GET", p.replace("{}", "1")) for m, p, _ in routes() if m == "GET" and not p.endswith(("/events", "/backup"))]
        asked += [("GET", "/"), ("GET", "/customers"), ("GET", "/nowhere.js"), ("GET", "/favicon.ico"), ("DELETE", "/healthz"), ("GET", "/" + "a" * 2000)]
        for method, path in asked:
            a = self.server.ask(method, path)
            policy = dict(d.split(" ", 1) if " " in d else (d, "") for d in a.headers["Content-Security-Policy"].split("; "))
            self.assertEqual((policy["default-src"], policy["base-uri"], policy["frame-ancestors"]), ("'none'", "'none'", "'none'"), path)
            self.assertEqual(policy.get("script-src", "'self'"), "'self'", path)
            self.assertNotIn("unsafe-eval", a.headers["Content-Security-Policy"])
            self.assertEqual((a.headers["X-Content-Type-Options"], a.headers["X-Frame-Options"], a.headers["Referrer-Policy"]), ("nosniff", "DENY", "no-referrer"), path)
            self.assertIsNone(a.headers.get("Access-Control-Allow-Origin") if "public" not in path and "recommend" not in path else None, path)
            self.assertIsNone(a.headers.get("Server"))
            self.assertTrue(a.headers["Cache-Control"], path)
            if a.status >= 400 and "text/html" not in a.headers["Content-Type"]:
                p = a.json()
                self.assertEqual((a.headers["Content-Type"], p["status"], p["type"]), (PROBLEM, a.status, "about:blank"), path)
                self.assertGreater(len(p["detail"]), 10)

    def test_nothing_asked_becomes_a_header(self):
        for path in ("/c/x%0d%0aX-Evil:%201", "/%0d%0aX-Evil:%201", API + "/customers/1/export?format=csv%0d%0aX-Evil:%201", "/u/x?lang=%0d%0aX-Evil:1",
                     API + "/customers.csv?columns=%0d%0aX-Evil:1", "/join?lang=%0d%0aX-Evil:1"):
            a = self.server.ask("GET", path)
            self.assertIsNone(a.headers.get("X-Evil"), path)
            self.assertNotEqual(a.status, 500)
        a = self.server.ask("POST", API + "/session", {"name": "x\r\nX-Evil: 1", "password": "pas le bon mot"}, signed=False, headers={"User-Agent": "a\tb"})
        self.assertIsNone(a.headers.get("X-Evil"))

    def test_other_sites(self):
        """A browser says that another site's page sent a request: nothing changes, nobody is signed in. A sign-up form may stand on the shop's own site."""
        said = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "Content-Type": "text/plain"}
        right = {"name": "léa", "password": shop.PASSWORD}
        a = self.server.ask("POST", API + "/session", right, headers=said, signed=False)
        self.assertEqual((a.status, a.headers.get("Set-Cookie")), (403, None))
        self.assertEqual(self.server.ask("POST", API + "/session", right, headers={"Sec-Fetch-Site": "same-origin"}, signed=False).status, 200)
        self.assertEqual(self.server.ask("POST", API + "/stop", {}, headers={**said, "X-CSRF-Token": "0" * 32}).status, 403)
        for site in ("cross-site", "same-origin", "none"):
            self.assertEqual(self.server.ask("POST", API + "/segments/count", {"text": "orders >= 1"}, headers={"Sec-Fetch-Site": site}).status, 403 if site == "cross-site" else 200)
        form = {**said, "Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.server.ask("POST", "/join?lang=en", "email=from.shop%40example.net&agree=yes", headers=form, signed=False).status, 200)

    def test_cookies(self):
        a = self.server.ask("POST", API + "/session", {"name": "léa", "password": shop.PASSWORD}, signed=False)
        self.assertEqual(set(a.headers["Set-Cookie"].split("; ")[1:]) - {"Max-Age=1209600"}, {"Path=/", "HttpOnly", "SameSite=Strict"})
        a = self.server.ask("POST", API + "/session", {"name": "léa", "password": shop.PASSWORD}, signed=False, headers={"X-Forwarded-Proto": "https"})
        self.assertIn("Secure", a.headers["Set-Cookie"].split("; "))

    def test_formulas_in_a_file_for_a_spreadsheet(self):
        evil = ["=HYPERLINK(\"http://x\")", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]
        facts = [{"kind": "profile", "key": f"f:{i}", "customer": f"formula-{i}", "last_name": text, "city": text} for i, text in enumerate(evil)]
        self.assertEqual(self.server.ask("POST", API + "/facts", facts).status, 201)
        text = self.server.until(lambda: (t := self.server.ask("GET", API + "/customers.csv?columns=ref,city").text()).count("formula-") == len(evil) and t)
        rows = [r for r in csv.reader(io.StringIO(text, newline="")) if r[1].startswith("formula-")]
        self.assertEqual({r[2] for r in rows}, {"'" + t for t in evil})
        for row in rows:
            for cell in row:
                self.assertNotRegex(cell, "^[=+@\t\r-]", row)


def parse_head(data, method):
    """One answer; to HEAD, its head alone."""
    if method != "HEAD":
        return parse(data)[0]
    head, _, body = data.partition(b"\r\n\r\n")
    [(status, headers, _)] = parse(re.sub(rb"(?i)content-length: \d+", b"Content-Length: 0", head) + b"\r\n\r\n")[0]
    return [(status, headers, body)]


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
