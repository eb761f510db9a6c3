#!/usr/bin/env python3
"""Who may: test_auth.py RELANCE. The second factor as a telephone makes it, sessions, invitations, and every route of
src/web/routes.c tried with every role."""
import base64
import hashlib
import hmac
import json
import os
import re
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
ROLES = {"owner": "read people plans facts admin privacy", "marketer": "read people plans", "seller": "read people facts",
         "service": "read people", "privacy": "read people privacy", "reader": "read"}


def totp(secret, at):
    """RFC 6238, written a second time."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def routes():
    """(method, path, permissions) of the route table."""
    with open(os.path.join(HERE, "..", "..", "src", "web", "routes.c"), encoding="utf-8") as f:
        text = f.read()
    for method, path, may in re.findall(r'\{ "(\w+)", API "([^"]+)", ([\w| ]+),', text):
        yield method, path, "" if may == "0" else may.replace("MAY_", "").lower()


class Auth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = shop.Server(RELANCE).__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.first_run()

    def ask(self, method, path, body=None, status=200, who=None):
        a = self.server.ask(method, API + path, body, headers=who, signed=who is None)
        self.assertEqual(a.status, status, (method, path, a.body[:300]))
        return a.json()

    def sign_in(self, name, code=None, status=200):
        a = self.server.ask("POST", API + "/session", {"name": name, "password": shop.PASSWORD, **({"code": code} if code else {})},
                            signed=False, headers={"User-Agent": "Firefox of " + name})
        self.assertEqual(a.status, status, a.text())
        return {"Cookie": a.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": a.json()["csrf"]} if status == 200 else a.json()

    def user(self, name, role):
        return self.ask("POST", "/users", {"name": name, "role": role, "password": shop.PASSWORD}, 201)["id"]

    def enrol(self, name):
        who = self.sign_in(name)
        new = self.ask("POST", "/session/factor", {}, who=who)
        self.assertIn(f"secret={new['secret']}", new["uri"])
        self.assertTrue(new["qr"].startswith("<svg") and "script" not in new["qr"])
        code = totp(new["secret"], time.time())
        self.ask("PUT", "/session/factor", {"secret": new["secret"], "code": code, "password": "x"}, 403, who)
        self.ask("PUT", "/session/factor", {"secret": new["secret"], "code": f"{(int(code) + 1) % 1000000:06}", "password": shop.PASSWORD}, 422, who)
        self.ask("PUT", "/session/factor", {"secret": "AAAA", "code": code, "password": shop.PASSWORD}, 422, who)
        codes = self.ask("PUT", "/session/factor", {"secret": new["secret"], "code": code, "password": shop.PASSWORD}, who=who)["backup_codes"]
        return new["secret"], code, codes

    def test_vectors(self):
        """RFC 6238, appendix B, of the code this test makes its own by."""
        secret = base64.b32encode(b"12345678901234567890").decode()
        self.assertEqual([totp(secret, t) for t in (59, 1111111109, 20000000000)], ["287082", "081804", "353130"])

    def test_second_factor(self):
        self.user("anne", "marketer")
        secret, used, codes = self.enrol("anne")
        self.assertEqual((len(codes), len(set(codes))), (10, 10))
        self.assertTrue(self.sign_in("anne", status=401)["factor"])
        self.sign_in("anne", used, 401)  # a step is taken once
        nxt = totp(secret, time.time() + 30)
        who = self.sign_in("anne", nxt)
        self.sign_in("anne", nxt, 401)
        me = self.ask("GET", "/session", who=who)["user"]
        self.assertEqual((me["factor"], me["backup_codes_left"]), (True, 10))
        who = self.sign_in("anne", codes[0])
        self.sign_in("anne", codes[0], 401)
        self.sign_in("anne", codes[1].replace("-", " "))
        self.assertEqual(self.ask("GET", "/session", who=who)["user"]["backup_codes_left"], 8)
        for name in (self.server.db, self.server.db + "-wal"):  # neither secret nor codes lie open in the file
            with open(name, "rb") as f:
                data = f.read()
            for word in (secret, codes[5], codes[5].replace("-", "")):
                self.assertNotIn(word.encode(), data)
        self.ask("DELETE", "/session/factor", {"password": "x"}, 403, who)
        self.ask("DELETE", "/session/factor", {"password": shop.PASSWORD}, who=who)
        self.sign_in("anne")

    def test_the_owner_resets(self):
        number = self.user("bruno", "seller")
        self.enrol("bruno")
        self.sign_in("bruno", status=401)
        self.assertTrue([u for u in self.ask("GET", "/users")["items"] if u["id"] == number][0]["factor"])
        self.ask("DELETE", "/users/99/factor", status=404)
        self.ask("DELETE", f"/users/{number}/factor")
        self.sign_in("bruno")
        self.assertIn("second factor reset", [i["action"] for i in self.ask("GET", "/audit")["items"]])

    def test_codes_are_slowed(self):
        self.user("chloe", "reader")
        self.enrol("chloe")
        for _ in range(4):  # one wrong password before
            self.sign_in("chloe", "000000", 401)
        self.sign_in("chloe", "000000", 429)

    def test_sessions(self):
        self.user("denis", "service")
        first, second, third = (self.sign_in("denis") for _ in range(3))
        items = self.ask("GET", "/sessions", who=first)["items"]
        self.assertEqual((len(items), [i["agent"] for i in items if i["current"]]), (3, ["Firefox of denis"]))
        other = self.ask("GET", "/sessions", who=second)["items"]
        [mine] = [i["id"] for i in other if i["current"]]
        self.ask("DELETE", f"/sessions/{mine}", status=404, who=second)
        self.assertEqual(self.ask("DELETE", f"/sessions/{mine}", who=first), {"ended": 1})
        self.ask("GET", "/today", status=401, who=second)
        self.ask("GET", "/today", who=third)
        self.assertEqual(self.ask("DELETE", "/sessions", who=first), {"ended": 1})
        self.ask("GET", "/today", status=401, who=third)
        self.ask("GET", "/today", who=first)
        self.ask("GET", "/today")  # nobody else's

    def test_invitation(self):
        self.ask("POST", "/invites", {"role": "king"}, 422)
        made = self.ask("POST", "/invites", {"role": "marketer", "note": "Élise"}, 201)
        token = made["link"].split("=")[1]
        self.assertNotIn(token, json.dumps(self.ask("GET", "/invites")))
        nobody = {"Cookie": ""}
        self.ask("POST", "/setup", {"token": token, "name": "élise", "password": "court"}, 422, nobody)
        self.ask("POST", "/setup", {"token": "0" * 64, "name": "élise", "password": shop.PASSWORD}, 410, nobody)
        done = self.ask("POST", "/setup", {"token": token, "name": "élise", "password": shop.PASSWORD, "locale": "fr"}, who=nobody)
        self.assertEqual(done["user"]["role"], "marketer")
        self.ask("POST", "/setup", {"token": token, "name": "encore", "password": shop.PASSWORD}, 410, nobody)
        self.ask("POST", "/invites", {"role": "reader", "note": "x"}, 201)
        last = self.ask("GET", "/invites")["items"][-1]["id"]
        self.ask("DELETE", f"/invites/{last}")
        self.ask("DELETE", f"/invites/{last}", status=404)

    def test_messages_show_nobody_to_those_who_may_not_see_people(self):
        spy = "---\nsubject: x\n---\n{{ customer.first_name }} {{ customer.email }}\n"
        who = self.ask("GET", "/customers?q=client7@")["items"][0]["id"]
        wanted = {"locale": "fr", "name": "winback-1", "text": spy, "customer": who}
        self.user("ludo", "reader")
        reader = self.sign_in("ludo")
        plans = {"Authorization": "Bearer " + self.ask("POST", "/keys", {"name": "texts", "scopes": "read plans"}, 201)["key"]}
        for path, asker in (("preview", reader), ("preview", plans), ("test", plans)):
            body = {**wanted, **({"to": "spy@example.org"} if path == "test" else {})}
            self.ask("POST", "/messages/" + path, body, 403, asker)
            self.ask("POST", "/messages/" + path, {**body, "customer": -1}, 403, asker)
            self.ask("POST", "/messages/" + path, {k: v for k, v in body.items() if k != "customer"}, who=asker)
        self.assertIn("client7@example.net", self.ask("POST", "/messages/preview", wanted)["text"])

    def test_the_table_is_documented(self):
        document = self.ask("GET", "/openapi.json")["paths"]
        told = {(m.upper(), re.sub(r"\{\w+\}", "{}", p)): o.get("x-scope", "") for p, ms in document.items() for m, o in ms.items()}
        table = {(m, p): may for m, p, may in routes()}
        self.assertGreater(len(table), 70)
        for key, may in table.items():
            if key[1] != "/openapi.json":
                self.assertEqual(told.get(key), may.replace("signed_in", "signed in"), key)
        self.assertEqual(set(told) - set(table), set())

    def test_zz_every_route_with_every_role(self):
        """A route answers 403 to a role that lacks its permission, and never to one that has it."""
        harmful = {("DELETE", "/session"), ("POST", "/stop"), ("GET", "/events")}
        for role, scopes in ROLES.items():
            name = "role-" + role
            self.user(name, role)
            who = self.sign_in(name)
            for method, path, may in routes():
                if not may or (method, path) in harmful and (may == "signed_in" or may in scopes.split()):
                    continue
                a = self.server.ask(method, API + path.replace("{}", "999999"), None if method == "GET" else "[]", headers=who, signed=False)
                if may == "signed_in" or may in scopes.split():
                    self.assertNotIn(a.status, (401, 403, 405, 500), (role, method, path, a.body[:200]))
                else:
                    self.assertEqual(a.status, 403, (role, method, path))
                bare = self.server.ask(method, API + path.replace("{}", "999999"), None if method == "GET" else "[]", signed=False)
                self.assertEqual(bare.status, 401, (method, path))
                if method != "GET":
                    forged = self.server.ask(method, API + path.replace("{}", "999999"), "[]", headers={"Cookie": who["Cookie"]}, signed=False)
                    self.assertEqual(forged.status, 403, (method, path))


if __name__ == "__main__":
    unittest.main()
