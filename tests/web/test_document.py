#!/usr/bin/env python3
"""Every operation of the OpenAPI document asked wrongly, as the document itself says how: test_document.py RELANCE. Each member of each body and
each parameter in turn is of every other kind of value; never a fault of the server's, always a problem that says what to do, soon. On SQLite and,
with RELANCE_TEST_PG, on PostgreSQL."""
import http.client
import json
import os
import re
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
# what ends the session, never ends, stops sending for the other questions, or hashes a password for a second
LEFT_OUT = {("delete", "/session"), ("delete", "/sessions"), ("get", "/events"), ("get", "/backup"), ("post", "/setup")}
SLOW = {("post", "/session"), ("post", "/users"), ("post", "/session/factor"), ("put", "/session/factor"), ("delete", "/session/factor")}
WRONG = [None, True, False, -1, 0, 1.5, 2**31, 2**63 - 1, -2**63, 1e300, "", " ", "x", "\u0000", "é\u202e", "x" * 3000, "1' OR '1'='1", "{{ 7 | times: 6 }}", "%s%n", "../../etc/passwd",
         "2026-02-30", "9999999999999999999999", [], [None], [[[[]]]], {}, {"a": {"b": None}}]
TEXTS = ["", " ", "x", "-1", "0", "1e9", "99999999999999999999", "NaN", "2026-13-01", "2026-13", "\u0000", "é", "x" * 2000, "'; DROP TABLE fact; --", "%25", "../x", "a,b;c", "true", "[]"]
# What goes through, so that a wrong member beside it is looked at; where the schema alone does not say it
RIGHT = {"name": "winback-1", "locale": "fr", "text": "orders >= 2", "scopes": "read", "role": "reader", "other": 2, "one": 1, "scope": "shop", "measure": "revenue", "period": "2026-01",
         "target": 1000, "from": "2026-01-01", "to": "2026-01-31", "consent": "recorded", "response": "none", "kind": "access", "customer": 1, "came_by": "mail", "asked_at": "2026-01-01",
         "state": "done", "address": "x@example.net", "channel": "email", "reason": "wish", "platform": "shopify", "secret": "un secret assez long", "url": "https://x.example/",
         "events": "plan.goal", "password": "not the right one", "token": "0" * 32, "born": "1980-05-12", "email": "new@example.net"}


class Document(unittest.TestCase):
    @staticmethod
    def address():
        return None

    @classmethod
    def setUpClass(cls):
        cls.server = shop.Server(RELANCE, address=cls.address()).__enter__()
        try:
            cls.server.first_run()
            cls.document = cls.server.ask("GET", API + "/openapi.json").json()
            cls.connection = http.client.HTTPConnection("127.0.0.1", cls.server.port, timeout=30)
        except BaseException:
            cls.server.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()
        cls.server.__exit__()

    def operations(self):
        for path, methods in self.document["paths"].items():
            shared = methods.get("parameters", [])
            for method, op in methods.items():
                if method != "parameters" and (method, path) not in LEFT_OUT:
                    yield method, path, op, shared + op.get("parameters", [])

    def schema_of(self, op):
        content = op.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    @staticmethod
    def right(name, schema):
        if schema.get("enum"):
            return schema["enum"][0]
        if name in RIGHT:
            return RIGHT[name]
        kinds = schema.get("type", "string")
        return {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}, "string": "x"}[kinds if isinstance(kinds, str) else kinds[0]]

    def bodies(self, op):
        schema = self.schema_of(op)
        good = {n: self.right(n, s) for n, s in schema.get("properties", {}).items()}
        yield from (json.dumps(v) for v in WRONG)
        for name in good:
            yield json.dumps({k: v for k, v in good.items() if k != name})
            for v in WRONG:
                yield json.dumps({**good, name: v})
        if schema.get("additionalProperties"):
            for v in WRONG:
                yield json.dumps({"shop.name": v})
                yield json.dumps({str(v): "x"})
        yield json.dumps({**good, "unknown": 1})
        yield '{"a":1,"a":2}'
        yield json.dumps(good)[:-1]

    @staticmethod
    def path_of(path, values):
        return API + re.sub(r"\{(\w+)\}", lambda m: urllib.parse.quote(values.get(m[1], {"locale": "fr", "name": "winback-1", "figure": "revenue", "plan": "welcome"}.get(m[1], "1")), safe=""), path)

    def addresses(self, path, parameters):
        """One parameter wrong at a time; then two of the same name."""
        for p in parameters:
            for v in TEXTS:
                if p.get("in") == "path":
                    if v:
                        yield self.path_of(path, {p["name"]: v})
                elif p.get("in") == "query":
                    yield f"{self.path_of(path, {})}?{urllib.parse.urlencode({p['name']: v})}"
            if p.get("in") == "query":
                yield f"{self.path_of(path, {})}?{p['name']}=1&{p['name']}=2&{p['name']}"

    def ask(self, method, address, body=None):
        began = time.monotonic()
        headers = {"Cookie": self.server.cookie, "X-CSRF-Token": self.server.csrf, "X-Forwarded-For": "127.0.0.1"}
        try:
            self.connection.request(method.upper(), address, body.encode() if body is not None else None, headers)
            r = self.connection.getresponse()
            text = r.read()
        except (http.client.HTTPException, OSError) as e:
            self.fail(f"{method} {address} {(body or '')[:200]}: {e!r}, {self.server.process.poll()}")
        what = f"{method} {address[:200]} {(body or '')[:300]}: {r.status} {text[:300]}"
        self.assertLess(time.monotonic() - began, 5, what)
        instance = urllib.parse.unquote(address.partition("?")[0].replace("%00", "%2500")).encode()[:1023].decode()
        if r.status >= 400:
            self.assertEqual(r.headers["Content-Type"], "application/problem+json", what)
            p = json.loads(text)
            self.assertEqual((p["status"], p["type"], p["instance"]), (r.status, "about:blank", instance), what)
            self.assertGreater(len(p["detail"]), 10, what)
            self.assertNotRegex(p["detail"], r"(?i)sqlite|syntax error at|select |insert |nul\b|0x[0-9a-f]{6}", what)
        self.assertIn(r.status, (200, 201, 202, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429), what)
        return r.status

    def test_wrong_bodies(self):
        seen = {}
        for method, path, op, _ in self.operations():
            if "requestBody" not in op:
                continue
            for n, body in enumerate(self.bodies(op)):
                if (method, path) in SLOW and n % 9:
                    continue
                status = self.ask(method, self.path_of(path, {"id": "999999"} if path.startswith("/requests") else {}), body)
                seen[method, path] = seen.get((method, path), set()) | {status}
        self.assertGreater(len(seen), 30)
        for key, statuses in seen.items():  # each refused something, where there is something to say
            self.assertTrue(key == ("post", "/session/factor") or statuses & {400, 401, 403, 404, 409, 410, 422, 429}, (key, statuses))

    def test_wrong_parameters(self):
        count = 0
        for method, path, op, parameters in self.operations():
            body = json.dumps({n: self.right(n, s) for n, s in self.schema_of(op).get("properties", {}).items()}) if "requestBody" in op else None
            for address in self.addresses(path, parameters):
                self.ask(method, address, body)
                count += 1
        self.assertGreater(count, 1500)

    def test_zz_all_is_well(self):
        """What was asked did no harm beyond what it says."""
        self.assertEqual(self.server.ask("GET", "/healthz", signed=False).json()["status"], "ok")
        self.assertGreater(int(self.server.sql("SELECT count(*) FROM fact")[0][0]), 100)
        self.assertIn("is sound", self.server.command("check", self.server.db))


@unittest.skipUnless(shop.postgres(""), "no PostgreSQL: RELANCE_TEST_PG is not set (tools/with_postgres.sh)")
class DocumentOnPostgres(Document):
    @staticmethod
    def address():
        return shop.postgres("document")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
