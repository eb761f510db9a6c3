#!/usr/bin/env python3
"""The HTTP API as a program uses it: test_api.py RELANCE. Every JSON answer is checked against the OpenAPI document that the
server itself gives."""
import csv
import datetime
import json
import os
import re
import shutil
import sqlite3
import sys
import threading
import tempfile
import time
from pathlib import Path
import unittest
import urllib.parse
import zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"


def fits(schema, value, at, wrong):
    """The part of JSON Schema that the document uses; what does not fit goes to `wrong`."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    real = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
    if kinds and not any(isinstance(value, real[k]) and not (isinstance(value, bool) and k in ("integer", "number")) for k in kinds):
        wrong.append(f"{at}: {value!r} is none of {kinds}")
        return
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at}: {value!r} is none of {schema['enum']}")
    if isinstance(value, str) and schema.get("format") == "date-time" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
        wrong.append(f"{at}: {value!r} is no instant")
    if isinstance(value, str) and schema.get("format") == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        wrong.append(f"{at}: {value!r} is no date")
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                wrong.append(f"{at}: {name} is missing")
        for name, v in value.items():
            s = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if s:
                fits(s, v, f"{at}.{name}", wrong)
    if isinstance(value, list):
        for i, v in enumerate(value):
            fits(schema.get("items", {}), v, f"{at}[{i}]", wrong)


def wait_for(holds, seconds):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "not within " + str(seconds) + " s"
        time.sleep(0.1)


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = shop.Server(RELANCE).__enter__()
        try:
            cls.server.first_run()
            cls.document = cls.server.ask("GET", API + "/openapi.json").json()
        except BaseException:
            cls.server.__exit__()
            raise
        cls.seen = set()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def operation(self, method, path):
        for template, methods in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in methods:
                if "{" in template and path in self.document["paths"]:
                    continue
                return template, methods[method.lower()]
        raise AssertionError(f"{method} {path} is not in the OpenAPI document")

    def ask(self, method, path, body=None, status=200, **more):
        a = self.server.ask(method, API + path, body, **more)
        self.assertEqual(a.status, status, a.body[:500])
        template, op = self.operation(method, path.split("?")[0])
        self.seen.add((method, template))
        answer = op["responses"].get(str(status), op["responses"]["default"])
        if status < 400:
            self.assertIn(str(status), op["responses"])
            schema = answer["content"]["application/json"]["schema"]
        else:
            self.assertEqual(a.headers["Content-Type"], "application/problem+json")
            schema = self.document["components"]["schemas"]["Problem"]
            self.assertEqual(a.json()["status"], status)
        wrong = []
        fits(schema, a.json(), path, wrong)
        self.assertEqual(wrong, [])
        return a.json()

    def openings(self):
        return re.search(r"^relance_openings_total (\d+)", self.server.ask("GET", "/metrics").text(), re.M)[1]

    def key(self, scopes):
        return {"Authorization": "Bearer " + self.ask("POST", "/keys", {"name": "test", "scopes": scopes}, 201)["key"]}

    # ---- who may ----

    def test_session(self):
        s = self.ask("GET", "/session")
        self.assertEqual((s["user"]["name"], s["user"]["role"], s["first_run"]), ("léa", "owner", False))
        self.assertEqual((s["shop"]["name"], s["shop"]["currency"], s["shop"]["exponent"]), ("Chez Léa", "EUR", 2))
        self.assertIsNone(self.ask("GET", "/session", signed=False)["user"])
        again = self.server.ask("POST", API + "/session", {"name": "léa", "password": shop.PASSWORD}, signed=False)
        self.assertEqual(again.status, 200)
        cookie = again.headers["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, cookie)
        mine = {"Cookie": cookie.split(";")[0], "X-CSRF-Token": again.json()["csrf"]}
        self.ask("GET", "/today", headers=mine)
        self.ask("DELETE", "/session", headers=mine)
        self.ask("GET", "/today", headers=mine, status=401)

    def test_setup_works_once(self):
        body = {"token": self.server.setup, "name": "autre", "password": shop.PASSWORD}
        self.ask("POST", "/setup", body, 410, signed=False)

    def test_wrong_passwords_are_slowed(self):
        for _ in range(5):
            self.ask("POST", "/session", {"name": "personne", "password": "deviné au hasard"}, 401, signed=False)
        self.ask("POST", "/session", {"name": "personne", "password": "deviné au hasard"}, 429, signed=False)
        self.ask("POST", "/session", {"name": "léa", "password": shop.PASSWORD}, signed=False)

    def test_a_page_is_never_older_than_what_was_done(self):
        """Answers about a person are kept for a moment by each thread that made them: what is changed shows at once, whichever answers."""
        who = self.ask("GET", "/customers?q=client9@")["items"][0]["id"]
        for n in range(25):
            self.ask("PATCH", f"/customers/{who}/person", {"city": f"Ville {n}"})
            for _ in range(8):  # a new connection each, and so any of the threads
                self.assertEqual(self.ask("GET", f"/customers/{who}")["person"]["city"], f"Ville {n}")
        reader = self.key("read")
        self.ask("GET", f"/customers/{who}", headers=reader, signed=False, status=403)

    def test_recommendations(self):
        found = self.ask("GET", "/customers/1/recommendations?kind=cross&n=2")["items"]
        self.assertLessEqual(len(found), 2)
        self.assertTrue(all(item["sku"] and item["why"] for item in found))
        self.ask("GET", "/customers/1/recommendations?kind=moon", status=422)
        self.ask("GET", "/customers/1/recommendations?n=99", status=422)
        self.ask("GET", "/customers/99999999/recommendations", status=404)

    def test_every_route_wants_its_permission(self):
        nothing = {"Authorization": "Bearer " + "0" * 64}
        scoped = {s: self.key(s) for s in ("read", "people", "plans", "facts", "admin", "privacy", "recommend")}
        for template, methods in self.document["paths"].items():
            for method, op in methods.items():
                path = API + re.sub(r"\{\w+\}", "1", template)
                if "security" not in op:
                    continue
                for who in ({}, nothing):
                    a = self.server.ask(method.upper(), path, {}, headers=who, signed=False)
                    self.assertEqual(a.status, 401, (method, template))
                for scope, who in scoped.items():
                    if scope != op["x-scope"]:
                        a = self.server.ask(method.upper(), path, {}, headers=who, signed=False)
                        self.assertEqual(a.status, 403, (method, template, scope))

    def test_roles(self):
        u = self.ask("POST", "/users", {"name": "marc", "role": "reader", "password": shop.PASSWORD}, 201)
        self.ask("POST", "/users", {"name": "marc", "role": "reader", "password": shop.PASSWORD}, 409)
        self.ask("POST", "/users", {"name": "x", "role": "reader", "password": "court"}, 422)
        self.ask("POST", "/users", {"name": "x", "role": "king", "password": shop.PASSWORD}, 422)
        a = self.server.ask("POST", API + "/session", {"name": "marc", "password": shop.PASSWORD}, signed=False)
        marc = {"Cookie": a.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": a.json()["csrf"]}
        self.ask("GET", "/today", headers=marc)
        for method, path in (("GET", "/customers"), ("POST", "/stop"), ("GET", "/users"), ("POST", "/facts")):
            self.ask(method, path, {} if method == "POST" else None, 403, headers=marc)
        users = self.ask("GET", "/users")["items"]
        self.assertNotIn("password", json.dumps(users))
        self.ask("DELETE", f"/users/{u['id']}")
        self.ask("GET", "/today", headers=marc, status=401)
        self.ask("DELETE", f"/users/{users[0]['id']}", status=409)

    def test_keys(self):
        self.ask("POST", "/keys", {"name": "x", "scopes": "everything"}, 422)
        who = self.key("read")
        self.ask("GET", "/today", headers=who, signed=False)
        last = self.ask("GET", "/keys")["items"][-1]
        self.ask("DELETE", f"/keys/{last['id']}")
        self.ask("GET", "/today", headers=who, signed=False, status=401)
        self.ask("DELETE", "/keys/999", status=404)

    def test_csrf(self):
        self.ask("POST", "/stop", {}, 403, headers={"X-CSRF-Token": "0" * 32})
        self.ask("POST", "/stop", {}, 403, headers={"X-CSRF-Token": ""})
        self.assertIsNone(self.ask("GET", "/today")["held_by"])

    # ---- reading ----

    def test_today(self):
        t = self.ask("GET", "/today")
        self.assertEqual(sum(t["lifecycle"].values()), self.ask("GET", "/customers")["total"])
        self.ask("GET", "/today?lang=en")

    def test_stop_and_resume(self):
        self.assertEqual(self.ask("POST", "/stop", {})["held_by"], "emergency_stop")
        self.server.until(lambda: self.ask("GET", "/today")["held_by"] == "emergency_stop")
        self.assertIn("relance_held 1", self.server.ask("GET", "/metrics").text())
        self.assertIsNone(self.ask("POST", "/resume", {})["held_by"])
        self.server.until(lambda: self.ask("GET", "/today")["held_by"] is None)

    def test_customers(self):
        seen, cursor = [], ""
        while cursor is not None:
            page = self.ask("GET", f"/customers?limit=25&cursor={cursor}")
            seen += [c["id"] for c in page["items"]]
            cursor = page["next"]
        self.assertGreaterEqual(len(seen), 60)
        self.assertEqual(len(seen), len(set(seen)))
        for q, ref in (("1017", "1017"), ("martin17", "1017"), ("MARTIN17", "1017"), ("client17@", "1017"), ("1017%20", "1017")):
            self.assertEqual([c["ref"] for c in self.ask("GET", f"/customers?q={q}")["items"]], [ref], q)
        self.assertEqual(self.ask("GET", "/customers?q=zzz")["items"], [])
        for q in ("%27%20OR%201=1--", "%25", "_", "%F4%8F%BF%BF"):
            self.assertEqual(self.ask("GET", f"/customers?q={q}")["items"], [], q)
        two = self.ask("GET", "/customers?segment=orders%20%3E%3D%205&limit=200")
        self.assertEqual(len(two["items"]), two["total"])
        self.assertTrue(all(c["orders"] >= 5 for c in two["items"]))
        self.assertEqual(two["total"], 12)

    def test_customers_in_order(self):
        for sort, of in (("-spend", "spend"), ("orders", "orders"), ("-last_order", "last_order")):
            rows, cursor = [], ""
            while cursor is not None:
                page = self.ask("GET", f"/customers?limit=20&sort={sort}&segment=orders%20%3E%3D%201&cursor={cursor}")
                rows += page["items"]
                cursor = page["next"]
            self.assertEqual(len({c["id"] for c in rows}), page["total"])
            values = [c[of] for c in rows]
            self.assertEqual(values, sorted(values, reverse=sort[0] == "-"), sort)
        self.ask("GET", "/customers?sort=colour", status=422)

    def all_of(self, query):
        rows, cursor = [], ""
        while cursor is not None:
            page = self.ask("GET", f"/customers?limit=20&{query}&cursor={cursor}")
            rows += page["items"]
            cursor = page["next"]
        self.assertEqual(len(rows), page["total"])
        return rows

    def test_customers_by_name(self):
        for n, name in enumerate(("Éluard", "eluard", "Zwyn", "", "Eluarde")):
            self.ask("POST", "/facts", {"kind": "profile", "key": f"by-name:{n}", "customer": f"by-name-{n}", "last_name": name, "email": f"n{n}@example.org"}, 201)
        names = self.server.until(lambda: len(n := [c["name"] for c in self.all_of("sort=name&q=by-name")]) == 5 and n)
        self.assertEqual(names, ["Éluard", "eluard", "Eluarde", "Zwyn", ""])
        self.assertEqual([c["name"] for c in self.all_of("sort=-name&q=by-name")], ["", "Zwyn", "Eluarde", "eluard", "Éluard"])

    def test_search_and_condition_together(self):
        found = {c["id"] for c in self.all_of("q=martin1")}
        many = {c["id"] for c in self.all_of("segment=orders%20%3E%3D%204")}
        both = [c for c in self.all_of("q=martin1&segment=orders%20%3E%3D%204&sort=-spend")]
        self.assertEqual({c["id"] for c in both}, found & many)
        self.assertTrue(0 < len(both) < len(found))
        self.assertEqual([c["spend"] for c in both], sorted((c["spend"] for c in both), reverse=True))

    def test_a_wrong_condition_in_french(self):
        for lang, says in (("fr", "aucun mot «\u00a0ordres\u00a0»"), ("en", 'no word "ordres"')):
            p = self.ask("POST", "/segments/count", {"text": "company and ordres > 3"}, 422, headers={"Accept-Language": lang})
            self.assertEqual(p["offset"], 12)
            self.assertTrue(p["hint"].startswith(says), p["hint"])

    def test_list_as_a_file(self):
        a = self.server.ask("GET", API + "/customers.csv?q=martin1&segment=orders%20%3E%3D%204&sort=-spend&columns=ref,spend,last_order&lang=fr")
        self.assertEqual((a.status, a.headers["Content-Type"]), (200, "text/csv; charset=utf-8"))
        lines = a.body.decode("utf-8-sig").split("\r\n")
        self.assertEqual(lines[0], "Client,Numéro,Dépense,Dernière commande")
        shown = self.all_of("q=martin1&segment=orders%20%3E%3D%204&sort=-spend")
        self.assertEqual(lines[1:-1], [f"{c['name']},{c['ref']},{c['spend'] / 100:.2f},{c['last_order']}" for c in shown])
        self.assertEqual(self.ask("GET", "/audit?limit=1")["items"][0]["action"], "customers exported")
        self.ask("GET", "/customers.csv?columns=colour", status=422)
        self.ask("POST", "/facts", {"kind": "profile", "key": "formula:1", "customer": "formula", "last_name": '=1+"a"', "email": "f1@example.org"}, 201)
        self.server.until(lambda: self.ask("GET", "/customers?q=formula")["items"], 5)
        self.assertIn(b'"\'=1+""a"""', self.server.ask("GET", API + "/customers.csv?q=formula").body)

    def test_people_behind_a_count(self):
        self.ask("POST", "/plans/abandoned-cart/switch", {"to": "on"})
        time.sleep(1.1)
        now = datetime.datetime.now(datetime.timezone.utc)
        cart = {"kind": "cart", "key": "k:1", "customer": "1007", "at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "cart": "k1", "state": "changed",
                "lines": [{"sku": "SKU1", "quantity": 1, "amount": 1200}]}
        self.ask("POST", "/facts", cart, 201)
        zone = zoneinfo.ZoneInfo("Europe/Paris")
        today = now.astimezone(zone).date() == (now + datetime.timedelta(hours=3)).astimezone(zone).date()
        if today:  # it falls due three hours later: foreseen, not decided
            self.server.until(lambda: [x for x in self.ask("GET", "/today")["leaving"] if x["plan"] == "abandoned-cart"], 60)
            self.assertEqual([c["ref"] for c in self.ask("GET", "/customers?is=leaving&plan=abandoned-cart&channel=email")["items"]], ["1007"])
            self.assertEqual(self.ask("GET", "/customers?is=leaving&channel=sms")["total"], 0)
        self.assertEqual(self.ask("GET", "/customers?is=queued")["total"], 0)
        for wrong in ("is=x", "is=held&reason=x", "is=sent&channel=x", "is=sent&plan=x", "is=waiting&plan=abandoned-cart&step=x", "is=waiting&step=x"):
            self.ask("GET", "/customers?" + wrong, status=422)
        self.ask("POST", "/plans/abandoned-cart/switch", {"to": "off"})

    def test_customer(self):
        c = self.ask("GET", "/customers?q=1003")["items"][0]
        d = self.ask("GET", f"/customers/{c['id']}")
        self.assertEqual((d["ref"], d["person"]["last_name"], d["orders"]), ("1003", "Martin3", 4))
        self.assertEqual(d["spend"], 4 * 1550)
        self.assertEqual(d["average_basket"], 1550)
        self.assertEqual(d["born"], "1980-05-12")
        self.assertEqual([(x["channel"], x["state"], x["may"]) for x in d["consents"]], [("email", "granted", True)])
        t = self.ask("GET", f"/customers/{c['id']}/timeline?limit=3")
        self.assertEqual(len(t["items"]), 3)
        ats = [x["at"] for x in t["items"]]
        self.assertEqual(ats, sorted(ats, reverse=True))
        rest = self.ask("GET", f"/customers/{c['id']}/timeline?limit=50&cursor={t['next']}")
        kinds = [x["kind"] for x in t["items"] + rest["items"]]
        self.assertEqual((kinds.count("order"), kinds.count("consent"), kinds.count("profile")), (4, 1, 1))
        order = [x for x in t["items"] + rest["items"] if x["kind"] == "order"][0]
        self.assertRegex(order["title"], r"^Achat de \d articles?$")
        self.assertEqual(order["detail"], "n°\u00a0" + order["ref"])
        consent = [x for x in t["items"] + rest["items"] if x["kind"] == "consent"][0]
        self.assertEqual((consent["title"], consent["state"], consent["channel"]), ("A accepté nos messages, par e-mail", "granted", "email"))
        english = self.ask("GET", f"/customers/{c['id']}/timeline?lang=en&limit=200")["items"]
        self.assertIn("Agreed to our messages, by e-mail", [x["title"] for x in english])
        self.ask("GET", f"/customers/{c['id']}/why")
        for wrong in ("0", "999999", "-1", "x", "1%27", "99999999999999999999"):
            self.ask("GET", f"/customers/{wrong}", status=404)

    def test_plan_mistakes_in_french(self):
        """What is wrong with a plan is said in the reader's language; every sentence of the checks has its French."""
        text = self.ask("GET", "/plans/birthday")["text"]
        for old, new, said in (
            ("priority: 60", "prioritie: 60", "aucune clé «\u00a0prioritie\u00a0» dans un plan\u202f; vouliez-vous dire «\u00a0priority\u00a0»\u202f?"),
            ("priority: 60", "priority: 6000000", "n’est pas un nombre entier de"),
            ("when: birthday month", "when: evry year", "aucun déclencheur"),
            ("at: J+4", "at: jamais", "n’est pas un moment"),
            ("opened any", "opnd any", "vouliez-vous dire"),
            ("control: 10%", "control: 10", "n’est pas un pourcentage"),
        ):
            self.assertIn(old, text)
            body = {"text": text.replace(old, new)}
            got = self.ask("POST", "/plans/check", body, headers={"Accept-Language": "fr"})["issues"]
            self.assertTrue(any(said in i["text"] for i in got), got)
            got = self.ask("POST", "/plans/check", body, headers={"Accept-Language": "en"})["issues"]
            self.assertFalse(any(said in i["text"] for i in got), got)
        source = Path(__file__).resolve().parents[2] / "src" / "engine"
        literal = r'"((?:[^"\\]|\\.)*)"'
        french = (source / "plan_french.c").read_text()
        known = {"".join(re.findall(literal, m)) for m in re.findall(r"\{\s*((?:" + literal.replace("((?:", "(?:(?:", 1) + r"\s*)+),", french)}
        found = 0
        for name in ("plan_file.c", "plan_file_check.c", "plan_file_step.c", "plan_file_when.c", "plan_file_words.c", "plan_file_yaml.c"):
            calls = re.findall(r"\b(?:issue_node|issue_at|issue_put|advise|advise_step)\(([^;{]*?)((?:\"(?:[^\"\\]|\\.)*\"\s*)+)", (source / name).read_text())
            for _before, text in calls:
                sentence = "".join(re.findall(literal, text))
                if " " in sentence:
                    found += 1
                    self.assertIn(sentence, known, name)
        self.assertGreater(found, 70)

    def test_segments(self):
        got = self.ask("POST", "/segments/count", {"text": "orders >= 2"})
        self.assertEqual(got["count"], 48)
        p = self.ask("POST", "/segments/count", {"text": "lifecicle = lapsing"}, 422)
        self.assertEqual((p["line"], p["column"]), (1, 1))
        self.assertIn("lifecycle", p["hint"])
        self.ask("PUT", "/segments/fid%C3%A8les", {"text": "orders >= 4"})
        self.ask("PUT", "/segments/x", {"text": "orders >="}, 422)
        saved = {s["name"]: s for s in self.ask("GET", "/segments")["items"]}
        self.assertEqual(saved["fidèles"]["count"], 24)
        self.assertEqual(self.ask("GET", "/customers?segment=fid%C3%A8les")["total"], 24)
        self.ask("PUT", "/segments/grands", {"text": 'segment("fidèles") and spend > 1 EUR'})
        p = self.ask("DELETE", "/segments/fid%C3%A8les", None, 409, headers={"Accept-Language": "fr"})  # another one is built on it
        self.assertIn("«\u00a0grands\u00a0»", p["detail"])
        for gone, status in (("grands", 200), ("fid%C3%A8les", 200), ("fid%C3%A8les", 404)):
            self.ask("DELETE", "/segments/" + gone, None, status)
        self.assertEqual(self.ask("GET", "/segments")["items"], [])
        self.assertGreater(len(self.ask("GET", "/segments/words")["items"]), 20)
        self.ask("POST", "/segments/count", {"text": "not entered(anti-churn)"})

    def test_figures(self):
        f = self.ask("GET", "/figures?from=2000-01-01")
        self.assertEqual(sum(m["orders"] for m in f["months"]), sum(1 + c % 5 for c in range(1, 61)))
        self.assertEqual(sum(m["revenue"] for m in f["months"]), sum((1 + c % 5) * (12 + c) * 100 + (1 + c % 5) * 50 for c in range(1, 61)))
        self.ask("GET", "/figures?from=yesterday", status=422)
        days = self.ask("GET", "/lifecycle")["days"]
        self.assertEqual(len(days), 53)
        self.ask("GET", "/lifecycle?from=2026-02-01&to=2026-01-01", status=422)
        for day in (days[0], days[20], days[-1]):  # as the command line counts that day alone
            alone = self.server.command("lifecycle", self.server.db, "--at", day["day"], "--format", "csv").split()
            said = dict(zip(alone[0].split(","), alone[1].split(",")))
            self.assertEqual({k: int(said[k]) for k in day if k not in ("day", "prospect")}, {k: v for k, v in day.items() if k not in ("day", "prospect")})
        self.assertGreaterEqual(self.ask("GET", "/compliance")["consents"]["email"]["granted"], 60)
        self.assertEqual(self.ask("GET", "/settings")["pressure"]["email"], {"limit": 2, "days": 7})

    def test_kpi(self):
        groups = self.ask("GET", "/kpi?by=year&from=2020-01")["groups"]
        self.assertEqual([g["name"] for g in groups], [None])
        by = {f["figure"]: f for f in groups[0]["figures"]}
        self.assertEqual(sum(v["value"] for v in by["orders"]["values"]), sum(1 + c % 5 for c in range(1, 61)))
        self.assertNotIn("arpa", by)  # no subscription in the shop
        self.assertIn("cost.acquisition", by["cac"]["values"][-1]["why"])
        today = datetime.date.today()
        year = f"by=year&from={today.year}-01&to={today.year}-12"
        here = {f["figure"]: f for f in self.ask("GET", "/kpi?" + year)["groups"][0]["figures"]}
        rows = self.ask("GET", "/kpi/orders/rows?limit=1000&" + year)
        self.assertEqual(len(rows["items"]), here["orders"]["values"][0]["value"])
        self.assertEqual({c["name"]: c["type"] for c in rows["columns"]}["value"], "money")
        some, seen, cursor = [], 0, "0"
        while cursor:
            page = self.ask("GET", f"/kpi/revenue/rows?limit=7&cursor={cursor}&{year}")
            some += page["items"]
            cursor = page["next"]
        self.assertEqual(sum(r["value"] for r in some), here["revenue"]["values"][0]["value"])
        loyal = {f["figure"]: f for f in self.ask("GET", "/kpi?segment=orders()%20%3E%3D%204&" + year)["groups"][0]["figures"]}
        self.assertLess(loyal["orders"]["values"][0]["value"], here["orders"]["values"][0]["value"])
        self.assertTrue(self.ask("GET", "/kpi?split=channel&" + year)["groups"][0]["name"])
        for wrong in ("by=week", "from=soon", "split=moon", "store=Nowhere", "segment=ordres()%3E1"):
            self.ask("GET", "/kpi?" + wrong, status=422)
        self.ask("GET", "/kpi/clv/rows", status=422)
        self.ask("GET", "/kpi/moon/rows", status=404)

    def rows_of(self, path, query):
        """All rows of a list, page by page."""
        out, cursor = [], "0"
        while cursor:
            page = self.ask("GET", f"{path}/rows?limit=1000&cursor={cursor}&{query}")
            out += page["items"]
            cursor = page["next"]
        return out

    def test_every_figure_opens(self):
        """What is listed is what was counted: each figure of each period, the one before it, and each group, worked out again
        from the rows that it opens."""
        share = lambda rows, of: 100 * sum(map(of, rows)) / len(rows)
        mean = lambda rows, of: sum(map(of, rows)) / len(rows)
        days = lambda r: (datetime.date.fromisoformat(r["first_order"]) - datetime.date.fromisoformat(r["met"])).days
        visits = lambda rows: 100 * sum(r["order"] for r in rows) / sum(not r["order"] for r in rows)
        AGAIN = {"revenue": lambda l: sum(r["value"] for r in l), "orders": len, "mean_basket": lambda l: mean(l, lambda r: r["value"]),
                 "sales_volume": lambda l: sum(r["pieces"] for r in l), "cross_sell_rate": lambda l: share(l, lambda r: r["complement"]),
                 "revenue_per_customer": lambda l: mean(l, lambda r: r["revenue"]), "new_customers": len, "web_conversion": visits,
                 "retention": lambda l: 100 * (sum(r["at_end"] for r in l) - sum(r["new"] for r in l)) / sum(r["at_start"] for r in l),
                 "conversion": lambda l: share(l, lambda r: r["sold"]), "time_to_convert": lambda l: mean(l, days),
                 "carts_abandoned": lambda l: share(l, lambda r: r["abandoned"]), "open_rate": lambda l: share(l, lambda r: r["opened"]),
                 "click_rate": lambda l: share(l, lambda r: r["clicked"]), "response_rate": lambda l: share(l, lambda r: r["answer"] is not None)}
        at = "1999-09-05T10:00:00Z"
        facts = [{"kind": "event", "key": f"ev:v{n}", "customer": f"op-{n % 3}", "name": "visit", "at": at} for n in range(4)]
        facts += [{"kind": "order", "key": f"ev:o{n}", "customer": f"op-{n}", "at": at, "channel": ("web", "store")[n % 2], "store": ("Lille", "Lyon")[n % 2],
                   "lines": [{"sku": f"SKU{n}", "quantity": 1 + n, "amount": 1000 + n}]} for n in range(3)]
        facts += [{"kind": "profile", "key": f"ev:p{n}", "customer": f"op-{n}", "created": f"1999-{7 + n:02}-02T10:00:00Z", "last_name": f"Ouvrard{n}"} for n in range(4)]
        facts += [{"kind": "cart", "key": f"ev:c{n}", "customer": f"op-{n}", "cart": f"ev{n}", "state": "changed", "at": "1999-08-05T10:00:00Z",
                   "lines": [{"sku": "SKU1", "quantity": 1, "amount": 500}]} for n in range(2)]
        self.ask("POST", "/facts", facts, 201)
        self.server.until(lambda: len(self.rows_of("/kpi/orders", "by=month&from=1999-09&to=1999-09")) == 3)
        opened = set()

        def opens(figure, value, query):
            if value is None or not figure["rows"]:
                return
            rows = self.rows_of(f"/kpi/{figure['figure']}", query)
            self.assertTrue(rows or value == 0, (figure["figure"], query))
            if figure["figure"] in AGAIN and rows:
                self.assertAlmostEqual(AGAIN[figure["figure"]](rows), value, delta=0.51, msg=(figure["figure"], query))
                opened.add(figure["figure"])

        today = datetime.date.today()
        for by, period, before in (("month", "1999-09", "1999-08"), ("year", str(today.year), str(today.year - 1))):
            month = lambda p: p if by == "month" else p + "-01"
            asked = f"by={by}&from={month(period)}&to={month(period)}"
            for f in self.ask("GET", "/kpi?" + asked)["groups"][0]["figures"]:
                opens(f, f["values"][0]["value"], asked)
                opens(f, f["values"][0]["previous"], f"by={by}&from={month(before)}&to={month(before)}")
            for split in ("channel", "store", "category"):
                for group in self.ask("GET", f"/kpi?split={split}&{asked}")["groups"]:
                    for f in group["figures"]:
                        opens(f, f["values"][0]["value"], f"{asked}&{split}={group['name']}")
        self.assertGreaterEqual(len(opened), 9, opened)

    def test_rows_name_people(self):
        """The file says what the screen says; who may not read names gets the rows without them."""
        query = f"by=year&from={datetime.date.today().year - 1}-01&to={datetime.date.today().year - 1}-12"
        items = self.rows_of("/kpi/orders", query)
        self.assertTrue(all(r["name"].startswith("Prénom") or r["customer"] > 60 for r in items), items[:3])
        a = self.server.ask("GET", f"{API}/kpi/orders/rows.csv?lang=fr&{query}")
        self.seen.add(("GET", "/kpi/{figure}/rows.csv"))
        self.assertEqual((a.status, a.headers["Content-Type"]), (200, "text/csv; charset=utf-8"))
        lines = list(csv.reader(a.body.decode("utf-8-sig").splitlines()))
        self.assertEqual(lines[0][:3], ["Client", "Jour", "Valeur"])
        self.assertEqual([(x[0], x[1], x[4]) for x in lines[1:]], [(r["name"], r["day"], "vente") for r in items])
        self.assertIn(("customers exported", f"{len(items)} rows of orders"), [(x["action"], x["object"]) for x in self.ask("GET", "/audit?limit=3")["items"]])
        reader = self.key("read")
        page = self.ask("GET", f"/kpi/orders/rows?limit=1000&{query}", headers=reader)
        self.assertEqual((page["masked"], len(page["items"])), (True, len(items)))
        self.assertTrue(all(r["customer"] is None and r["name"] is None and r["value"] for r in page["items"]))
        a = self.server.ask("GET", f"{API}/kpi/orders/rows.csv?{query}", headers=reader)
        self.assertNotIn("Martin", a.text())
        self.assertIn("•••", a.text())

    def test_every_line_of_the_case_opens(self):
        words = {x["name"]: x["value"] for x in self.ask("GET", "/case")["inputs"]}
        met = self.rows_of("/case/first_sales", "")
        self.assertEqual(len(met), words["prospects"])
        if met:
            self.assertAlmostEqual(100 * sum(r["sold"] for r in met) / len(met), words["rate-after"], places=3)
        became = self.rows_of("/case/becoming_loyal", "")
        self.assertAlmostEqual(100 * sum(r["loyal"] for r in became) / len(became), words["loyal-after"], places=3)
        self.assertAlmostEqual(sum(r["revenue"] for r in became if r["loyal"]) / sum(r["loyal"] for r in became), words["loyal-value-after"], delta=0.51)
        everybody = self.rows_of("/case/active_base", "")
        active = [r for r in everybody if r["active"]]
        self.assertEqual(len(everybody), words["customers"])
        self.assertAlmostEqual(100 * len(active) / len(everybody), words["active-after"], places=3)
        self.assertAlmostEqual(sum(r["revenue"] for r in active) / len(active), words["active-value-after"], delta=0.51)
        self.assertEqual(sorted(r["customer"] for r in self.rows_of("/case/extra_value", "")), sorted(r["customer"] for r in active))
        a = self.server.ask("GET", API + "/case/active_base/rows.csv")
        self.seen.add(("GET", "/case/{line}/rows.csv"))
        self.assertEqual(len(a.text().splitlines()), 1 + len(everybody))
        self.ask("GET", "/case/moon/rows", status=404)

    def test_every_consent_opens(self):
        facts = [{"kind": "consent", "key": f"oc:{n}", "customer": f"oc-{n}", "channel": ("email", "sms", "audience")[n % 3], "purpose": "marketing",
                  "state": ("granted", "soft", "withdrawn", "opposed")[n % 4], "source": "form", "at": "2024-01-01T10:00:00Z"} for n in range(12)]
        self.ask("POST", "/facts", facts, 201)
        self.server.until(lambda: self.ask("GET", "/compliance")["consents"]["audience"]["opposed"])
        for channel, counts in self.ask("GET", "/compliance")["consents"].items():
            for state, n in counts.items():
                asked = urllib.parse.quote(f"consent({channel}, marketing) = {state}")
                self.assertEqual(self.ask("GET", "/customers?segment=" + asked)["total"], n, (channel, state))

    def test_objectives(self):
        year = str(datetime.date.today().year)
        put = lambda **o: self.ask("POST", "/objectives", {"period": year, **o}, 201)["id"]
        ours = put(scope="shop", measure="revenue", target=100)
        put(scope="person", name="Marc2", measure="orders", target=5)
        put(scope="person", name="Zoé", measure="orders", target=5)
        put(scope="team", name="Rive", measure="orders", target=5, members=["Zoé", "marc2"])
        put(scope="plan", name="anti-churn", measure="conversion", target=8.5)
        self.assertEqual(put(scope="shop", measure="revenue", target=200), ours)  # changed, not doubled
        all_of_them = self.ask("GET", "/objectives?period=" + year)["items"]
        self.assertEqual(len(all_of_them), 5)
        mine = next(x for x in all_of_them if x["id"] == ours)
        self.assertEqual((mine["target"], mine["state"], mine["unit"]), (200, "met", "money"))
        self.assertEqual([x["target"] for x in all_of_them if x["scope"] == "plan"], [8.5])
        self.ask("POST", "/users", {"name": "marc2", "role": "seller", "password": shop.PASSWORD}, 201)
        a = self.server.ask("POST", API + "/session", {"name": "marc2", "password": shop.PASSWORD}, signed=False)
        marc = {"Cookie": a.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": a.json()["csrf"]}
        seen = {(x["scope"], x["name"]) for x in self.ask("GET", "/objectives", headers=marc)["items"]}
        self.assertEqual(seen, {("shop", ""), ("person", "Marc2"), ("team", "Rive")})  # his own, his team's, the shop's
        self.ask("POST", "/objectives", {"period": year, "scope": "shop", "measure": "orders", "target": 1}, 403, headers=marc)
        figures = self.ask("GET", f"/kpi?by=year&from={year}-01&to={year}-12")["groups"][0]["figures"]
        attained = next(f for f in figures if f["figure"] == "objective_attainment")["values"][0]["value"]
        self.assertAlmostEqual(attained, mine["attainment"], 6)
        for wrong in ({"scope": "moon"}, {"target": 0}, {"period": "2026-13"}, {"measure": "joy"}, {"scope": "person", "name": ""}):
            self.ask("POST", "/objectives", {"scope": "shop", "measure": "orders", "target": 1, "period": year, **wrong}, 422)
        for x in all_of_them:
            self.ask("DELETE", f"/objectives/{x['id']}")
        self.ask("DELETE", f"/objectives/{ours}", status=404)

    def test_value(self):
        v = self.ask("GET", "/value")
        self.assertGreaterEqual(v["customers"], 60)  # other tests bring their own
        self.assertEqual(v["customers"], sum(s["customers"] for s in v["segments"]))
        self.assertEqual(sum(s["spend"] for s in v["segments"]), v["share"]["total"])
        self.assertEqual(v["products"]["total"], v["share"]["total"])
        self.assertEqual(sum(c["active"][0] for c in v["cohorts"]), v["customers"])
        self.assertEqual(len(v["share"]["curve"]), 21)
        c = self.ask("GET", "/value/customers?limit=5")
        self.assertEqual(len(c["items"]), 5)
        for x in c["items"]:
            self.assertTrue(0 <= x["alive"] <= 1 and x["orders_low"] <= x["orders"] <= x["orders_high"] + 1)
        self.assertEqual([p["name"] for p in c["orders"]["params"]], ["r", "alpha", "a", "b"])
        h = self.ask("GET", "/value/holdout")
        self.assertEqual(sum(g["actual"] for g in h["groups"]), h["actual"])
        self.assertTrue(h["low"] <= h["predicted"] <= h["high"])
        self.ask("GET", "/value?until=soon", status=422)
        self.ask("GET", "/value?until=1990-01-01", status=422)
        self.ask("GET", "/value/customers?limit=0", status=422)

    def test_experiment(self):
        self.ask("GET", "/experiments/absent", status=404)
        self.ask("POST", "/plans/renewal/switch", {"to": "on"})
        for _ in range(50):  # the plan is taken at the next turn
            if self.server.ask("GET", API + "/experiments/renewal").status == 200:
                break
            time.sleep(0.1)
        e = self.ask("GET", "/experiments/renewal?window=30")
        self.assertEqual([o["outcome"] for o in e["outcomes"]], ["conversion", "orders", "revenue", "margin"])
        self.assertTrue(all(o["text"] for o in e["outcomes"]) and e["variants"] == [])
        self.ask("GET", "/experiments/renewal?window=0", status=422)
        self.ask("GET", "/experiments/renewal?from=soon", status=422)

    def test_report(self):
        items = self.ask("GET", "/benchmarks")["items"]
        self.assertEqual([(x["low"], x["high"]) for x in items], [(5, 20), (60, 70), (87, 87), (10, 10), (25, 25)])
        self.assertTrue(all(x["source"] and x["note"] for x in items))
        self.assertTrue(0 < items[1]["own"] <= 100)
        self.ask("GET", "/benchmarks?month=soon", status=422)
        page = self.server.ask("GET", API + "/report")
        self.assertEqual((page.status, page.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("Ce qui est habituel", page.text())
        self.ask("GET", "/report?month=2026", status=422)
        self.ask("GET", "/report?month=1999-01", status=422)

    def test_case(self):
        words = lambda answer: {x["name"]: x["value"] for x in answer["inputs"]}
        ours = self.ask("GET", "/case")
        self.assertEqual((ours["from"], ours["gain"], ours["plans"]), ("shop", 0, []))
        self.assertGreaterEqual(words(ours)["customers"], 60)
        self.assertTrue(0 < words(ours)["active"] < 100 and words(ours)["active"] == words(ours)["active-after"])
        more = self.ask("GET", f"/case?active-after=100&cost=100000&active-value-after={int(words(ours)['active-value'])}")
        self.assertEqual(more["gain"], more["lines"][2]["gain"])
        self.assertEqual(more["net"], more["gain"] - 100000)
        self.assertEqual(more["lines"][2]["after"], words(ours)["customers"] * int(words(ours)["active-value"]))
        book = self.ask("GET", "/case?from=reference")
        self.assertEqual([x["gain"] for x in book["lines"]], [12500000, 26250000, 225000000, 562500000])
        self.assertEqual(book["gain"], 826250000)
        for wrong in ("rate=200", "prospects=-1", "basket=1.5", "from=moon"):
            self.ask("GET", "/case?" + wrong, status=422)

    def test_backup(self):
        a = self.server.ask("GET", API + "/backup")
        self.assertEqual((a.status, a.headers["Content-Type"]), (200, "application/vnd.sqlite3"))
        with tempfile.TemporaryDirectory() as folder:
            copy, back = os.path.join(folder, "copy"), os.path.join(folder, "back.db")
            with open(copy, "wb") as f:
                f.write(a.body)
            shutil.copy(self.server.db + ".key", back + ".key")
            self.server.command("restore", copy, back)
            self.server.command("check", back)
        self.assertEqual(self.ask("GET", "/audit?limit=1")["items"][0]["action"], "backup taken")

    def test_one_backup_at_a_time(self):
        statuses = []
        for _ in range(20):
            threads = [threading.Thread(target=lambda: statuses.append(self.server.ask("GET", API + "/backup").status)) for _ in range(8)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            if 409 in statuses:
                break
        self.assertEqual(set(statuses), {200, 409})
        self.assertEqual(self.server.ask("GET", API + "/backup").status, 200)

    def test_value_of_the_base(self):
        v = self.ask("GET", "/value?lang=fr")
        buyers = v["share"]["count"]  # those erased meanwhile bought, too
        self.assertGreaterEqual(buyers, self.ask("POST", "/segments/count", {"text": "orders >= 1"})["count"])
        self.assertEqual(sum(s["customers"] for s in v["segments"]), buyers)
        self.assertEqual(sum(s["spend"] for s in v["segments"]), v["share"]["total"])
        self.assertEqual((v["share"]["curve"][0], v["share"]["curve"][-1]), (0, 1))
        self.assertEqual(v["share"]["curve"][4], v["share"]["top_20_share"])
        recent = sum(c["active"][0] for c in v["cohorts"])  # of the last 24 months
        self.assertTrue(60 <= recent <= buyers, recent)

    def test_messages(self):
        items = self.ask("GET", "/messages")["items"]
        self.assertIn(("winback-1", "fr"), [(m["name"], m["locale"]) for m in items])
        m = self.ask("GET", "/messages/fr/winback-1")
        self.assertIn("anti-churn", m["plans"])
        who = self.ask("GET", "/customers?q=1005")["items"][0]["id"]
        p = self.ask("POST", "/messages/preview", {"locale": "fr", "name": "winback-1", "customer": who, "text": m["text"] + "\n\nBonjour {{ customer.first_name }}!\n"})
        self.assertIn("Bonjour Prénom5!", p["html"])
        self.ask("POST", "/messages/preview", {"locale": "fr", "name": "winback-1", "text": "---\nsubject: x\n---\n{% if %}"}, 422)
        self.ask("POST", "/messages/preview", {"locale": "fr", "name": "../../etc/passwd"}, 422)
        self.ask("GET", "/messages/fr/nothing", status=404)
        self.ask("POST", "/messages/preview", {"locale": "fr", "name": "winback-1", "customer": 99999999}, 422)
        sent = self.ask("POST", "/messages/test", {"locale": "fr", "name": "winback-1", "to": "moi@example.org", "customer": who})
        self.assertIn("written as", sent["answer"])
        [name] = [f for f in os.listdir(self.server.db + ".outbox") if ".fr.winback-1." in f]
        with open(os.path.join(self.server.db + ".outbox", name), encoding="utf-8") as f:
            self.assertIn("To: moi@example.org", f.read().replace("<", "").replace(">", ""))
        self.ask("POST", "/messages/test", {"locale": "fr", "name": "winback-1"}, 422)

    def test_message_edited(self):
        path = "/messages/en/cart-3"
        first = self.ask("GET", path)
        self.assertEqual((first["from"], first["version"], first["versions"]), ("shipped", 0, []))
        bad = self.ask("POST", "/messages/check", {"locale": "en", "name": "cart-3", "text": "---\nsubject: x\n---\nHello\n{% if %}"})
        self.assertEqual((bad["ok"], bad["findings"][0]["level"], bad["findings"][0]["line"]), (False, "error", 5))
        advice = self.ask("POST", "/messages/check", {"locale": "en", "name": "cart-3", "text": first["text"] + "{{ customer.shoe_size }}\n"})
        self.assertTrue(advice["ok"])
        self.assertIn("shoe_size", json.dumps(advice["findings"]))
        p = self.ask("PUT", path, {"text": "---\nsubject: x\n---\n{% if %}"}, 422)
        self.assertEqual((p["line"], p["column"] > 0), (4, True))
        saved = self.ask("PUT", path, {"text": first["text"] + "\nA word of ours.\n", "version": 0})
        self.assertEqual((saved["from"], saved["version"], saved["versions"][0]["by"]), ("saved", 1, "léa"))
        self.assertIn("A word of ours.", saved["html"])
        self.assertIn("version 1", self.ask("PUT", path, {"text": first["text"], "version": 0}, 409)["detail"])
        self.ask("PUT", path, {"text": first["text"] + "\nAnother word.\n", "version": 1})
        self.assertIn("A word of ours.", self.ask("GET", path + "/versions/1")["text"])
        self.ask("GET", path + "/versions/9", status=404)
        # the shop's own programs, and a backup, have it
        listed = self.server.command("message", "render", "cart-3", "--locale", "en", "--part", "text", "--db", self.server.db)
        self.assertIn("Another word.", listed)
        copy = os.path.join(self.server.dir.name, "copy.db")
        self.server.command("backup", self.server.db, copy)
        shutil.copy(self.server.db + ".key", copy + ".key")
        self.assertIn("Another word.", self.server.command("message", "render", "cart-3", "--locale", "en", "--part", "text", "--db", copy))
        self.assertEqual(self.ask("DELETE", path), {"given_back": True, "there": True})
        self.assertEqual(self.ask("GET", path)["text"], first["text"])
        self.ask("DELETE", path, status=404)
        own = self.ask("PUT", "/messages/fr/our-own", {"text": "---\nsubject: Bonjour\nreason: vous nous l’avez demandé\n---\nUn mot.\n"})
        self.assertEqual(own["name"], "our-own")
        self.ask("PUT", "/messages/fr/..%2f..%2fx", {"text": "x"}, 404)

    def test_requests(self):
        who = self.ask("GET", "/customers?q=1041")["items"][0]["id"]
        before = self.ask("GET", "/requests")["open"]
        x = self.ask("POST", "/requests", {"kind": "access", "customer": who, "came_by": "letter", "asked_at": "2026-01-31"}, 201)
        self.assertEqual((x["due_at"], x["state"], x["late"], x["by"]), ("2026-02-28T22:59:59Z", "open", True, "léa"))
        for wrong in ({"kind": "marriage", "customer": who}, {"kind": "access", "customer": 99999999}, {"kind": "access", "customer": who, "came_by": "owl"}):
            self.ask("POST", "/requests", wrong, 422)
        for _ in range(3):
            self.ask("POST", "/requests", {"kind": "portability", "customer": who}, 201)
        page = self.ask("GET", "/requests?limit=2")
        self.assertEqual((page["items"][0]["id"], page["open"], page["late"]), (x["id"], before + 4, 1))
        self.assertEqual(len(self.ask("GET", f"/requests?limit=2&cursor={page['next']}")["items"]), 2)
        self.assertEqual(len(self.ask("GET", "/compliance")["requests"]), before + 4)
        self.assertIn("request", [n["kind"] for n in self.ask("GET", "/today")["needs_you"]])
        self.ask("POST", f"/requests/{x['id']}/extend", {"reason": ""}, 422)
        self.assertEqual(self.ask("POST", f"/requests/{x['id']}/extend", {"reason": "trois systèmes"})["due_at"], "2026-04-30T21:59:59Z")
        self.ask("POST", f"/requests/{x['id']}/close", {"state": "refused"}, 422)
        self.assertEqual(self.ask("POST", f"/requests/{x['id']}/close", {"state": "done", "answer": "envoyé"})["state"], "done")
        self.ask("POST", f"/requests/{x['id']}/close", {"state": "done"}, 409)
        lines = self.ask("GET", "/audit?limit=5")
        self.assertIn(("léa", "request done", f"request {x['id']}"), [(i["name"], i["action"], i["object"]) for i in lines["items"]])
        self.assertLess(self.ask("GET", f"/audit?limit=5&cursor={lines['next']}")["items"][0]["id"], lines["items"][-1]["id"])

    def test_rights(self):
        who = self.ask("GET", "/customers?q=1042")["items"][0]["id"]
        d = self.ask("GET", f"/customers/{who}")
        self.assertEqual(d["consents"][0]["source"], "formulaire du site (people.csv)")
        self.assertEqual(self.ask("GET", f"/customers/{who}/export")["person"]["last_name"], "Martin42")
        z = self.server.ask("GET", API + f"/customers/{who}/export?format=zip")
        self.assertEqual((z.body[:2], z.headers["Content-Type"]), (b"PK", "application/zip"))
        self.ask("PATCH", f"/customers/{who}/person", {"city": "Roubaix", "email": "autre42@example.net"})
        self.ask("PATCH", f"/customers/{who}/person", {"email": "nothing"}, 422)
        d = self.ask("GET", f"/customers/{who}")
        self.assertEqual((d["person"]["city"], d["person"]["email"], d["person"]["first_name"]), ("Roubaix", "autre42@example.net", "Prénom42"))
        time.sleep(1.1)
        self.ask("POST", f"/customers/{who}/object", {"wording": "plus rien"})
        d = self.server.until(lambda: (d := self.ask("GET", f"/customers/{who}"))["consents"][0]["state"] == "opposed" and d)
        self.assertEqual((d["consents"][0]["wording"], any(c["may"] for c in d["consents"] if c["purpose"] == "marketing")), ("plus rien", False))

    def test_suppressions(self):
        who = self.ask("GET", "/customers?q=1043")["items"][0]["id"]
        openings = self.openings()
        a = self.ask("POST", "/suppressions", {"address": "client43@example.net", "channel": "email", "reason": "demande au comptoir"})
        self.ask("POST", "/suppressions", {"address": "0612345678", "channel": "sms", "reason": "STOP"})
        for wrong in ({"address": "x", "channel": "email", "reason": "y"}, {"address": "a@b.fr", "channel": "owl", "reason": "y"}, {"address": "a@b.fr", "channel": "email"}):
            self.ask("POST", "/suppressions", wrong, 422)
        one = self.ask("GET", "/suppressions?limit=1")
        rest = self.ask("GET", f"/suppressions?cursor={one['next']}")
        self.assertIn((a["address"], "demande au comptoir"), [(s["address"], s["reason"]) for s in one["items"] + rest["items"]])
        self.assertNotIn("client43", json.dumps(one) + json.dumps(rest))
        self.assertEqual(self.ask("POST", "/segments/count", {"text": "suppressed(email) and not erased"}, 422)["status"], 422)
        self.server.until(lambda: who in [c["id"] for c in self.ask("GET", "/customers?segment=suppressed(email)")["items"]])
        self.ask("POST", "/suppressions/lift", {"address": a["address"], "channel": "email", "reason": "demande écrite"})
        self.server.until(lambda: self.ask("GET", "/customers?segment=suppressed(email)")["items"] == [])
        self.assertEqual(self.openings(), openings)

    def test_erased(self):
        facts = [{"kind": "profile", "key": "er:1", "customer": "gone-1", "last_name": "Effaçable", "email": "gone@example.net"},
                 {"kind": "order", "key": "er:2", "customer": "gone-1", "at": "1999-06-01T10:00:00Z", "lines": [{"sku": "SKU1", "quantity": 1, "amount": 700}]}]
        self.ask("POST", "/facts", facts, 201)
        who = self.server.until(lambda: self.ask("GET", "/customers?q=gone-1")["items"])[0]["id"]
        self.ask("POST", f"/customers/{who}/erase", {}, 422)
        self.assertEqual(self.ask("POST", f"/customers/{who}/erase", {"confirm": "gone-1"})["orders_kept_as_sums"], 1)
        self.ask("GET", f"/customers/{who}", status=404)
        self.assertEqual(self.ask("GET", "/customers?q=effa%C3%A7able")["items"], [])
        self.ask("POST", "/facts", facts, 201)
        time.sleep(0.5)
        self.assertEqual(self.ask("GET", "/customers?q=gone-1")["items"], [])
        self.assertIn(("customer erased", f"#{who}"), [(i["action"], i["object"]) for i in self.ask("GET", "/audit")["items"]])

    def test_duplicates(self):
        facts = [{"kind": "profile", "key": "du:1", "customer": "twin-1", "first_name": "Zoé", "last_name": "Jumel", "email": "zoe@jumel.example"},
                 {"kind": "profile", "key": "du:2", "customer": "twin-2", "first_name": "ZOE", "last_name": "jumel", "email": "ZOE@jumel.example", "phone": "0611223344"},
                 {"kind": "consent", "key": "du:3", "customer": "twin-2", "channel": "email", "purpose": "marketing", "state": "withdrawn", "at": "2024-01-01T10:00:00Z"},
                 {"kind": "consent", "key": "du:4", "customer": "twin-1", "channel": "email", "purpose": "marketing", "state": "granted", "source": "form", "at": "2024-06-01T10:00:00Z"},
                 {"kind": "order", "key": "du:5", "customer": "twin-2", "at": "1999-06-01T10:00:00Z", "lines": [{"sku": "SKU1", "quantity": 1, "amount": 700}]}]
        self.ask("POST", "/facts", facts, 201)
        one, other = (self.server.until(lambda r=r: self.ask("GET", f"/customers?q={r}")["items"])[0]["id"] for r in ("twin-1", "twin-2"))
        pair = lambda: [p for p in self.ask("GET", "/duplicates?limit=200")["items"] if (p["one"]["id"], p["other"]["id"]) == (one, other)]
        self.ask("POST", "/duplicates/dismiss", {"one": one, "other": other})
        self.assertEqual(pair(), [])
        self.ask("POST", "/duplicates/dismiss", {"one": f"#{one}", "other": "twin-2", "undo": True})
        self.assertEqual([(p["sure"], p["why"], p["other"]["ref"]) for p in pair()], [("high", ["email"], "twin-2")])
        self.ask("POST", "/duplicates/dismiss", {"one": one}, 422)
        self.ask("POST", f"/customers/{one}/merge", {"other": one}, 422)
        self.assertEqual(self.ask("POST", f"/customers/{one}/merge", {"other": other})["customer"], one)
        d = self.server.until(lambda: (d := self.ask("GET", f"/customers/{one}"))["orders"] == 1 and d)
        self.assertEqual(([m["id"] for m in d["merged"]], d["person"]["phone"], d["consents"][0]["state"]), ([other], "0611223344", "withdrawn"))
        self.assertEqual(self.ask("GET", f"/customers/{other}")["id"], one)
        self.assertIn("merge", [i["kind"] for i in self.ask("GET", f"/customers/{one}/timeline")["items"]])
        # one person in the key figures too, here and on the command line
        http = self.ask("GET", "/kpi?from=1999-06&to=1999-06")["groups"][0]["figures"]
        told = {r["figure"]: r["value"] for r in json.loads(self.server.command("kpi", self.server.db, "--from", "1999-06", "--to", "1999-06", "--format", "json"))}
        for f in http:
            value, cli = f["values"][0]["value"], told[f["figure"]]
            self.assertEqual(value is None, cli is None, f)
            if value is not None:
                self.assertAlmostEqual(value / (100 if f["unit"] == "money" else 1), cli, delta=0.006, msg=f["figure"])
        self.assertEqual([c["id"] for c in self.ask("GET", "/customers?q=jumel")["items"]], [one])
        self.ask("POST", f"/customers/{one}/merge", {"other": other}, 422)
        self.assertEqual(self.ask("POST", f"/customers/{other}/unmerge")["customer"], one)
        self.ask("POST", f"/customers/{other}/unmerge", status=422)
        self.server.until(lambda: self.ask("GET", f"/customers/{other}")["orders"] == 1 and self.ask("GET", f"/customers/{one}")["orders"] == 0)
        self.assertEqual(len(pair()), 1)
        self.assertIn(("customers merged", f"#{other} into #{one}"), [(i["action"], i["object"]) for i in self.ask("GET", "/audit")["items"]])

    def test_settings(self):
        names = {i["name"] for i in self.ask("GET", "/settings")["items"]}
        self.assertIn("pressure.email", names)
        self.ask("PUT", "/settings", {"shop.phone": "03 20 00 00 00"})
        self.assertEqual({i["name"]: i["value"] for i in self.ask("GET", "/settings")["items"]}["shop.phone"], "03 20 00 00 00")
        self.ask("PUT", "/settings", {"nonsense": "1"}, 422)
        self.ask("PUT", "/settings", {"pressure.email": "many"}, 422)

    # ---- plans ----

    def test_plans(self):
        names = {p["name"]: p for p in self.ask("GET", "/plans")["items"]}
        self.assertEqual(names["anti-churn"]["state"], "never")
        p = self.ask("GET", "/plans/anti-churn")
        self.assertTrue(p["steps"])
        checked = self.ask("POST", "/plans/check", {"text": p["text"]})
        self.assertEqual(checked["plan"]["name"], "anti-churn")
        bad = self.ask("POST", "/plans/check", {"text": "plan: x\nnonsense: 1\n"})
        self.assertTrue([i for i in bad["issues"] if i["level"] == "error"])
        self.ask("PUT", "/plans/anti-churn", {"text": "plan: x\n"}, 422)
        self.ask("PUT", "/plans/birthday", {"text": p["text"]}, 422)
        self.ask("GET", "/plans/nothing", status=404)
        text = re.sub(r"(?m)^priority: *\d+", "priority: 41", p["text"])
        self.assertNotEqual(text, p["text"])
        saved = self.ask("PUT", "/plans/anti-churn", {"text": text})
        self.assertTrue(saved["draft"])
        on = self.ask("POST", "/plans/anti-churn/switch", {"to": "on"})
        self.assertEqual((on["state"], on["version"], on["draft"], on["priority"]), ("on", 1, False, 41))
        self.ask("POST", "/plans/anti-churn/switch", {"to": "sideways"}, 422)
        self.assertEqual(self.ask("POST", "/plans/anti-churn/switch", {"to": "drain"})["state"], "draining")
        self.assertEqual(self.ask("POST", "/plans/anti-churn/switch", {"to": "off"})["state"], "off")

    def test_plan_as_a_form(self):
        p = self.ask("GET", "/plans/abandoned-cart")
        self.assertEqual((p["form"]["control"], p["form"]["steps"][0]), ("10%", {"at": "J", "send": "cart-1"}))
        form = {**p["form"], "control": "20%", "budget": "200 EUR per month"}
        form["steps"] = [*form["steps"][:2], {**form["steps"][2], "late": "9 days"}]
        tried = self.ask("POST", "/plans/form", {"text": p["text"], "form": form})
        self.assertEqual(tried["issues"], [])
        self.assertEqual((tried["plan"]["control"], tried["form"]), (20.0, form))
        self.assertEqual(tried["text"].count("#"), p["text"].count("#"))
        self.assertTrue(self.ask("POST", "/plans/form", {"text": p["text"], "form": {**form, "control": "a lot"}})["issues"])
        self.ask("POST", "/plans/form", {"text": p["text"], "form": []}, 422)
        self.ask("PUT", "/plans/abandoned-cart", {"form": {**form, "control": "a lot"}}, 422)
        saved = self.ask("PUT", "/plans/abandoned-cart", {"form": form})
        self.assertEqual((saved["text"], saved["draft"]), (tried["text"], True))
        self.ask("PUT", "/plans/abandoned-cart", {}, 422)

    def test_runs_are_moved(self):
        self.ask("GET", "/plans/nothing/moves", status=404)
        p = self.ask("GET", "/plans/survey")
        self.ask("POST", "/plans/survey/switch", {"to": "on"})
        time.sleep(1.1)
        self.ask("POST", "/facts", {"kind": "order", "key": "mv:1", "customer": "mover", "lines": [{"sku": "SKU1", "quantity": 1, "amount": 100}]}, 201)
        self.server.until(lambda: self.ask("GET", "/plans/survey")["counts"]["entered"] == 1, 10)
        self.ask("PUT", "/plans/survey", {"form": {**p["form"], "priority": "51"}})
        self.assertEqual(self.ask("POST", "/plans/survey/switch", {"to": "on"})["version"], 2)
        preview = self.ask("GET", "/plans/survey/moves")
        self.assertEqual((preview["to_version"], preview["moved"]), (2, 1))
        self.assertEqual(self.ask("POST", "/plans/survey/moves", {})["moved"], 1)
        self.assertEqual(self.ask("GET", "/plans/survey/moves")["moved"], 0)
        self.ask("POST", "/plans/survey/switch", {"to": "off"})

    def test_a_campaign_is_approved_by_another(self):
        self.ask("PUT", "/settings", {"approval.campaigns": "yes"})
        self.ask("POST", "/users", {"name": "second", "role": "marketer", "password": shop.PASSWORD}, 201)
        a = self.server.ask("POST", API + "/session", {"name": "second", "password": shop.PASSWORD}, signed=False)
        second = {"Cookie": a.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": a.json()["csrf"]}
        day = datetime.date.today() + datetime.timedelta(days=20)
        text = f"plan: fair\nenter: {{when: once on {day}, who: orders >= 1}}\nsteps:\n  - {{at: J, send: winback-1}}\n"
        self.ask("PUT", "/plans/fair", {"text": text})
        self.server.until(lambda: self.ask("POST", "/plans/fair/switch", {"to": "on"})["state"] == "waiting", 10)
        self.ask("POST", "/plans/fair/switch", {"to": "approve"}, 422)
        self.assertEqual(self.ask("POST", "/plans/fair/switch", {"to": "approve"}, headers=second)["state"], "on")
        self.ask("POST", "/plans/fair/switch", {"to": "off"})
        self.ask("PUT", "/settings", {"approval.campaigns": "no"})

    def test_a_plan_turns(self):
        self.ask("POST", "/plans/welcome/switch", {"to": "on"})
        time.sleep(1.1)  # what happened in the second of the switch was before it
        self.ask("POST", "/facts", {"kind": "profile", "key": "w:1", "customer": "newcomer", "email": "n@example.net"}, 201)
        self.ask("POST", "/facts", {"kind": "event", "key": "w:2", "customer": "newcomer", "name": "account_created"}, 201)
        self.server.until(lambda: self.ask("GET", "/plans/welcome")["counts"]["entered"] == 1, 10)
        who = self.ask("GET", "/customers?q=newcomer")["items"][0]["id"]
        for count in ("entered", "active", "waiting"):
            self.assertEqual([c["id"] for c in self.ask("GET", f"/customers?is={count}&plan=welcome")["items"]], [who], count)
        self.assertEqual(self.ask("GET", "/customers?is=entered&plan=welcome&segment=orders%20%3E%3D%201")["total"], 0)
        self.assertEqual(self.ask("GET", f"/customers/{who}")["runs"][0]["plan"], "welcome")
        whole = self.ask("GET", f"/customers/{who}/why")
        self.assertEqual((whole["decisions"][0]["plan"], whole["next"]), ("welcome", None))
        with sqlite3.connect(self.server.db) as c:  # a longer story: the same, later
            for n in (1, 2):
                c.execute(f"""INSERT INTO decision SELECT customer_id, plan, run_no, step, verdict, reason, argument, version, channel,
                    first_at + {n}, last_at + {n}, times, tick FROM decision WHERE customer_id = ? ORDER BY first_at LIMIT 1""", (who,))
        whole, pages, cursor = self.ask("GET", f"/customers/{who}/why")["decisions"], [], "0"
        while cursor:
            page = self.ask("GET", f"/customers/{who}/why?limit=1&cursor={cursor}")
            self.assertEqual(len(page["decisions"]), 1)
            pages, cursor = pages + page["decisions"], page["next"]
        self.assertEqual((pages, len(pages)), (whole, 3))
        self.ask("POST", "/plans/welcome/switch", {"to": "off"})
        # merged into another record: the number stays, and the people behind it are whoever goes on
        self.ask("POST", "/facts", {"kind": "profile", "key": "w:3", "customer": "stays", "email": "s@example.net"}, 201)
        stays = self.server.until(lambda: self.ask("GET", "/customers?q=stays")["items"])[0]["id"]
        self.ask("POST", f"/customers/{stays}/merge", {"other": who})
        self.server.until(lambda: self.ask("GET", "/plans/welcome")["counts"]["exited"] == 1, 10)
        counts = self.ask("GET", "/plans/welcome")["counts"]
        for count in ("entered", "active", "waiting", "exited"):
            behind = [c["id"] for c in self.ask("GET", f"/customers?is={count}&plan=welcome")["items"]]
            self.assertEqual(behind, [stays] if count in ("entered", "exited") else [], count)
            self.assertEqual(counts.get(count, len(behind)), len(behind), count)
        self.ask("POST", f"/customers/{who}/unmerge")
        self.server.until(lambda: [c["id"] for c in self.ask("GET", "/customers?is=exited&plan=welcome")["items"]] == [who], 10)

    def test_replay(self):
        last = datetime.date.today() - datetime.timedelta(days=1)
        job = self.ask("POST", "/plans/anti-churn/replay", {"from": str(last - datetime.timedelta(days=199)), "to": str(last), "consent": "assume"}, 202)["job"]
        done = self.server.until(lambda: (j := self.ask("GET", f"/jobs/{job}"))["state"] != "running" and j, 60)
        self.assertEqual(done["state"], "done")
        self.assertEqual(done["progress"], 1)
        self.assertEqual(len(done["result"]["days"]), 200)
        sent = sum(d["messages"] for d in done["result"]["days"])
        self.assertGreater(sent, 0)
        people = sum(p["customers"] for p in done["result"]["pressure"])
        self.assertEqual(people, self.ask("GET", "/customers")["total"])  # whoever was erased is not counted
        self.assertEqual(sent, done["result"]["plans"]["anti-churn"]["messages"])
        self.ask("GET", "/jobs/77", status=404)
        self.ask("POST", "/plans/anti-churn/replay", {"from": "2025-13-01", "to": "x"}, 422)
        self.ask("POST", "/plans/nothing/replay", {"from": "2025-01-01", "to": "2025-01-02"}, 404)

    def test_the_document_explains_itself(self):
        """Every operation, parameter and property has a sentence, so that whoever writes for a shop need not guess."""
        bare = []

        def look(schema, where):
            for name, v in schema.get("properties", {}).items():
                if not v.get("description", "$ref" in v):
                    bare.append(f"{where}.{name}")
                look(v, f"{where}.{name}")
            for inner in [schema[k] for k in ("items", "additionalProperties") if isinstance(schema.get(k), dict)] + schema.get("oneOf", []) + schema.get("anyOf", []):
                look(inner, where)
        for path, methods in self.document["paths"].items():
            for method, op in methods.items():
                where = f"{method.upper()} {path}"
                bare += [where] if not (op.get("summary") and op.get("description")) else []
                bare += [f"{where} ?{q['name']}" for q in op.get("parameters", []) if not q.get("description")]
                for part in [op.get("requestBody", {}), *op["responses"].values()]:
                    for content in part.get("content", {}).values():
                        look(content.get("schema", {}), where)
        for name, schema in self.document["components"]["schemas"].items():
            look(schema, name)
        self.assertEqual(bare, [])

    # ---- facts ----

    def test_facts(self):
        who = self.key("facts")
        order = {"kind": "order", "key": "web:1", "customer": "new-1", "at": "1999-06-01T10:00:00Z", "channel": "web",
                 "lines": [{"sku": "SKU1", "quantity": 2, "amount": 2500}, {"sku": "NEW", "name": "Neuf", "quantity": 1, "amount": 990}]}
        first = self.ask("POST", "/facts", order, 201, headers=who, signed=False)
        self.assertEqual((first["accepted"], first["unchanged"]), (1, 0))
        again = self.ask("POST", "/facts", order, 201, headers=who, signed=False)
        self.assertEqual((again["accepted"], again["unchanged"]), (0, 1))
        def spend():
            found = self.ask("GET", "/customers?q=new-1")["items"]
            return found[0]["spend"] if found else None
        self.server.until(lambda: spend() == 3490)
        order["lines"].pop()
        self.assertEqual(self.ask("POST", "/facts", order, 201)["accepted"], 1)
        self.server.until(lambda: spend() == 2500)
        batch = [{"kind": "profile", "key": "web:new-1", "customer": "new-1", "first_name": "Ève", "last_name": "Zola", "email": "eve@example.net"},
                 {"kind": "consent", "key": "web:c1", "customer": "new-1", "channel": "email", "state": "granted", "source": "formulaire"},
                 {"kind": "event", "key": "web:e1", "customer": "new-1", "name": "visit"},
                 {"kind": "cart", "key": "web:k1", "customer": "new-1", "cart": "k1", "lines": [{"sku": "SKU2", "quantity": 1, "amount": 500}]},
                 {"kind": "product", "sku": "SKU9", "name": "Neuvième", "price": 1500}]
        body = "\n".join(json.dumps(f) for f in batch) + "\n"
        self.assertEqual(self.ask("POST", "/facts", body, 201)["accepted"], 5)
        found = self.server.until(lambda: self.ask("GET", "/customers?q=zola")["items"])
        d = self.server.until(lambda: (d := self.ask("GET", f"/customers/{found[0]['id']}"))["consents"] and d)
        self.assertEqual((d["person"]["first_name"], d["consents"][0]["may"]), ("Ève", True))
        # somebody else's order now
        order["customer"] = "1001"
        self.ask("POST", "/facts", order, 201)
        self.server.until(lambda: spend() == 0)

    def test_asked_again(self):
        who = self.ask("GET", "/customers?q=1044")["items"][0]["id"]
        key = {"Idempotency-Key": "cle-1"}
        body = {"kind": "access", "customer": who}
        first = self.ask("POST", "/requests", body, 201, headers=key)
        a = self.server.ask("POST", API + "/requests", body, headers=key)
        self.assertEqual((a.status, a.json(), a.headers["Idempotency-Replayed"]), (201, first, "true"))
        self.assertNotEqual(self.ask("POST", "/requests", body, 201)["id"], first["id"])
        self.ask("POST", "/requests", {"kind": "erasure", "customer": who}, 422, headers=key)
        self.ask("POST", "/requests", body, 422, headers={"Idempotency-Key": "x" * 201})
        fact = {"kind": "event", "key": "again:1", "customer": "1001", "name": "visit"}
        self.assertEqual(self.ask("POST", "/facts", fact, 201, headers={"Idempotency-Key": "f"})["accepted"], 1)
        self.assertEqual(self.ask("POST", "/facts", fact, 201, headers={"Idempotency-Key": "f"})["accepted"], 1)
        self.assertEqual(self.ask("POST", "/facts", fact, 201)["accepted"], 0)
        other = {**self.key("facts"), **{"Idempotency-Key": "f"}}  # another asker's key is another key
        self.assertEqual(self.ask("POST", "/facts", fact, 201, headers=other, signed=False)["accepted"], 0)
        secret = {"Idempotency-Key": "k"}
        made = [self.ask("POST", "/keys", {"name": "k", "scopes": "read"}, 201, headers=secret)["key"] for _ in range(2)]
        self.assertNotEqual(*made)

    def test_asked_while_answering(self):
        """The same twice at once: one is done, the other is told so or to wait."""
        who = self.ask("GET", "/customers?q=1044")["items"][0]["id"]
        before = len(self.ask("GET", "/requests")["items"])
        statuses, replayed = [], []

        def ask(n):
            a = self.server.ask("POST", API + "/requests", {"kind": "access", "customer": who}, headers={"Idempotency-Key": f"at-once-{n}"})
            statuses.append(a.status)
            replayed.append(a.headers["Idempotency-Replayed"])

        for n in range(5):
            threads = [threading.Thread(target=ask, args=(n,)) for _ in range(6)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        self.assertEqual(len(self.ask("GET", "/requests")["items"]), before + 5)
        self.assertEqual(sum(s == 201 and not r for s, r in zip(statuses, replayed)), 5)
        self.assertLessEqual(set(statuses), {201, 409})

    def test_facts_refused(self):
        good = {"kind": "event", "key": "x:1", "customer": "never-kept", "name": "visit"}
        for wrong in ({"kind": "order"}, {"kind": "event", "key": "k", "customer": "c"}, {"kind": "nonsense"}, [1], {},
                      {"kind": "consent", "key": "k", "customer": "c", "channel": "email", "state": "granted"},
                      {"kind": "order", "key": "k", "lines": [{"sku": "a", "amount": 1.5}]}):
            p = self.ask("POST", "/facts", json.dumps(good) + "\n" + json.dumps(wrong), 422)
            if wrong != [1]:
                self.assertIn("line 2", p["detail"])
        self.ask("POST", "/facts", json.dumps(good) + "\n{", 400)
        self.ask("POST", "/facts", "", 422)
        self.assertEqual(self.ask("GET", "/customers?q=never-kept")["items"], [])

    def test_events(self):
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        c.request("GET", API + "/events", headers={"Cookie": self.server.cookie})
        r = c.getresponse()
        self.assertEqual((r.status, r.headers["Content-Type"]), (200, "text/event-stream"))
        self.ask("POST", "/facts", {"kind": "event", "key": "ev:1", "customer": "1001", "name": "visit"}, 201)
        self.assertEqual(r.readline(), b"event: tick\n")
        self.assertGreaterEqual(json.loads(r.readline().split(b" ", 1)[1])["facts"], 1)
        c.close()

    # ---- those who do harm ----

    def test_refused_cleanly(self):
        self.assertEqual(self.server.ask("GET", "/api/v1/nothing").status, 404)
        self.assertEqual(self.server.ask("PATCH", "/api/v1/today").status, 405)
        self.assertEqual(self.server.ask("POST", API + "/segments/count", "x" * (2 << 20)).status, 413)
        self.assertEqual(self.server.ask("POST", API + "/facts", " " * (17 << 20)).status, 413)
        self.assertEqual(self.server.ask("GET", "/" + "a" * 3000).status, 400)
        for body in ("", "null", "[]", "{", '{"text": "a", "text": "b"}', "\xff\xfe", '{"text":' + "[" * 5000):
            self.assertEqual(self.server.ask("POST", API + "/segments/count", body).status, 400, body[:20])
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd.txt", "/assets/../../shop.db", "//etc/passwd.x", "/%00.js", "/..%2fshop.db.key"):
            a = self.server.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            self.assertNotIn(b"root:", a)
            self.assertIn(a.split(b" ")[1], (b"404", b"200", b"400"), path)
        for data in (b"\x00\xff" * 100, b"GET / HTTP/9.9\r\n\r\n", b"GET /\r\n" + b"a" * 100000, b"POST /api/v1/facts HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"):
            self.server.raw(data, timeout=2)
        self.assertEqual(self.server.ask("GET", "/healthz").status, 200)

    def test_slow_clients_stop_nobody(self):
        import socket
        slow = []
        for _ in range(300):
            s = socket.create_connection(("127.0.0.1", self.server.port))
            s.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            slow.append(s)
        self.assertEqual(self.server.ask("GET", "/healthz", timeout=2).status, 200)
        for s in slow:
            s.close()

    def test_headers(self):
        for path in ("/", "/api/v1/session", "/healthz"):
            h = self.server.ask("GET", path).headers
            self.assertIn("default-src 'none'", h["Content-Security-Policy"])
            self.assertNotIn("script-src 'self' 'unsafe-inline'", h["Content-Security-Policy"])
            self.assertEqual(h["X-Content-Type-Options"], "nosniff")
        a = self.server.ask("GET", "/setup")
        self.assertEqual((a.status, a.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(self.server.ask("GET", "/customers/12").status, 404)  # pages stand behind the #
        self.assertEqual(self.server.ask("GET", "/nothing.js").status, 404)


class Fresh(unittest.TestCase):
    def test_recommendations_are_fresh(self):
        """What is bought, refused, sold out or hidden since is out of the next answer; a product that starts to sell with
        another is in it without a restart, once the models are made anew behind the scenes."""
        with shop.Server(RELANCE) as server:
            server.first_run()
            server.command("set", server.db, "recommend.cross_percent", "1000")
            self.live(server)

    def test_models_of_a_large_shop(self):
        """The same of models made aside from the first on (the page is empty until then), that take in what changes."""
        with shop.Server(RELANCE) as server:
            server.first_run()
            for name, value in {"cross_percent": 1000, "aside_customers": 1, "follow_lines": 1}.items():
                server.command("set", server.db, "recommend." + name, str(value))
            first = server.ask("GET", f"{API}/customers/1/recommendations?n=10")
            self.assertEqual((first.status, first.json()["items"]), (200, []))
            self.live(server)
            metrics = server.ask("GET", "/metrics").text()
            self.assertIn("relance_models_learnt_total 1\n", metrics)
            self.assertRegex(metrics, r"relance_models_followed_total [1-9]")

    def live(self, server):
        def proposed(customer):
            a = server.ask("GET", f"{API}/customers/{customer}/recommendations?n=10")
            self.assertEqual(a.status, 200)
            return [x["sku"] for x in a.json()["items"]]

        def fact(**what):
            self.assertEqual(server.ask("POST", API + "/facts", what).status, 201)

        who = 1
        wait_for(lambda: len(proposed(who)) >= 4, 10)
        bought, refused, gone, hidden = proposed(who)[:4]
        number = str(1000 + who)
        fact(kind="order", key="fresh-1", customer=number, lines=[{"sku": bought, "quantity": 1, "amount": 1000}])
        fact(kind="event", key="fresh-2", customer=number, name="refused", text=refused)
        wait_for(lambda: not {bought, refused} & set(proposed(who)), 5)
        self.assertIn(gone, proposed(who))
        fact(kind="product", sku=gone, name="Article", stock=0)
        wait_for(lambda: gone not in proposed(who), 10)
        fact(kind="product", sku=gone, name="Article", stock=5)
        wait_for(lambda: gone in proposed(who), 10)
        fact(kind="product", sku=gone, name="Article", stock=5, attributes={"hidden": True})
        wait_for(lambda: gone not in proposed(who), 10)
        fact(kind="product", sku=gone, hidden=False)  # by name; the rest stays
        wait_for(lambda: gone in proposed(who), 10)
        fact(kind="product", sku=gone, hidden=True)
        wait_for(lambda: gone not in proposed(who), 10)
        fact(kind="product", sku=gone, stock=7)
        time.sleep(3)
        self.assertNotIn(gone, proposed(who))
        refused_months = server.ask("POST", API + "/facts", {"kind": "product", "sku": gone, "months": [13]})
        self.assertEqual(refused_months.status, 422)
        server.command("set", server.db, "recommend.exclude", f"sku {hidden}")
        for n in range(12):
            fact(kind="order", key=f"new-{n}", customer=str(1030 + n), lines=[{"sku": "NEW", "name": "Nouveau", "quantity": 1, "amount": 100}])
        wait_for(lambda: "NEW" in proposed(who) and hidden not in proposed(who), 40)


class Life(unittest.TestCase):
    """Its own server: started twice."""

    def test_stops_and_comes_back(self):
        with shop.Server(RELANCE) as s:
            s.first_run()
            cookie = s.cookie
            self.assertEqual(s.ask("POST", API + "/facts", {"kind": "event", "key": "a:1", "customer": "1001", "name": "visit"}).status, 201)
            status, log = s.stop()
            self.assertEqual(status, 0)
            self.assertNotIn("example.net", log)
            s.command("check", s.db)
            s.start()
            got = s.ask("GET", API + "/session", headers={"Cookie": cookie}, signed=False).json()
            self.assertEqual((got["user"]["name"], got["first_run"]), ("léa", False))


if __name__ == "__main__":
    unittest.main()
