#!/usr/bin/env python3
"""The pages that mails link to, reached from a mail that the shop really sent: test_pages.py RELANCE."""
import datetime
import email
import email.policy
import glob
import os
import re
import sqlite3
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))


def form(**fields):
    return urllib.parse.urlencode(fields)


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = s = shop.Server(RELANCE).__enter__()
        try:
            s.stop()
            before = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
            path = os.path.join(s.dir.name, "ask.yaml")  # the shipped survey comes a week after an order: too long for a test
            with open(path, "w", encoding="utf-8") as f:
                f.write("plan: ask\npurpose: service\nenter: {when: event asked + 1 hour}\nsteps:\n  - {at: J, send: survey-1}\n")
            s.command("plan", "on", s.db, path, "--at", before)
            s.command("plan", "on", s.db, "abandoned-cart", "--at", before)
            s.start()
            s.first_run()
            at = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
            facts = [{"kind": "cart", "key": f"web:k{c}", "customer": str(c), "cart": f"k{c}", "at": at, "url": "https://shop.example/cart",
                      "lines": [{"sku": "SKU1", "quantity": 1, "amount": 4500}]} for c in range(1001, 1013)]
            facts.append({"kind": "event", "key": "web:ask", "customer": "1030", "name": "asked", "at": at})
            assert s.ask("POST", "/api/v1/facts", facts).status == 201
            s.until(lambda: glob.glob(s.db + ".outbox/*.survey-1.email.eml"), 15)
            s.until(lambda: len(glob.glob(s.db + ".outbox/*.cart-1.email.eml")) >= 6, 15)
            time.sleep(0.5)
            cls.mails = []
            for name in sorted(glob.glob(s.db + ".outbox/*.cart-1.email.eml")):
                with open(name, "rb") as f:
                    cls.mails.append(email.message_from_binary_file(f, policy=email.policy.default))
        except BaseException:
            cls.server.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def link(self, mail, letter):
        text = "".join(p.get_content() for p in mail.walk() if p.get_content_type().startswith("text/"))
        return re.search(rf"/{letter}/([\w-]{{36}})", text + str(mail["List-Unsubscribe"]))[1]

    def ask(self, method, path, body=None, status=200, headers=None):
        h = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        a = self.server.ask(method, path, body, headers={**h, **(headers or {})}, signed=False)
        self.assertEqual(a.status, status, a.text()[-300:])
        self.assertNotIn("<script", a.text())
        self.assertIn("default-src 'none'", a.headers["Content-Security-Policy"])
        self.assertNotIn("script-src", a.headers["Content-Security-Policy"])
        return a.text()

    def consents(self, mail):
        ref = int(re.search(r"client(\d+)@", mail["To"])[1]) + 1000
        c = self.server.ask("GET", f"/api/v1/customers?q={ref}").json()["items"][0]
        d = self.server.ask("GET", f"/api/v1/customers/{c['id']}").json()
        self.kinds = [(x["kind"], x.get("name", x["title"]), x.get("text", x["detail"])) for x in
                      self.server.ask("GET", f"/api/v1/customers/{c['id']}/timeline?limit=200").json()["items"]]
        return {x["channel"]: x["state"] for x in d["consents"]}

    def test_cart_is_one_press_away(self):
        html = self.mails[0].get_body(("html",)).get_content()
        self.assertIn('href="https://shop.example/cart"', html)
        self.assertNotIn('href=""', html)

    def test_unsubscribe(self):
        mail = self.mails[0]
        token = self.link(mail, "u")
        for lang, word in (("fr", "Me désinscrire"), ("en", "Unsubscribe")):
            self.assertIn(word, self.ask("GET", f"/u/{token}?lang={lang}"))
        self.ask("HEAD", f"/u/{token}")
        time.sleep(0.6)
        self.assertEqual(self.consents(mail)["email"], "granted")
        done = self.ask("POST", f"/u/{token}?lang=fr", "")
        self.assertIn("Vous ne recevrez plus", done)
        self.server.until(lambda: self.consents(mail)["email"] == "withdrawn")
        self.assertIn("unsubscribed", [k[0] for k in self.kinds])
        self.ask("POST", f"/r/{token}", form(answer="left_late"))
        self.server.until(lambda: self.consents(mail) and ("event", "left_reason", "left_late") in self.kinds)
        self.ask("POST", f"/r/{token}", form(answer="nonsense"), 422)

    def test_a_link_cut_short_is_no_door(self):
        for path in ("/u", "/nothing/here", "/p/" + "A" * 36):
            a = self.server.ask("GET", path + "?lang=fr", signed=False)
            self.assertEqual(a.status, 404)
            self.assertIn("Ce lien ne mène nulle part", a.text())
        for path in ("/", "/setup?token=x"):
            self.assertEqual(self.server.ask("GET", path, signed=False).status, 200)

    def test_what_is_missing_is_said_at_once(self):
        page = self.ask("POST", "/join?lang=fr", form(email="lea"), 422)
        self.assertRegex(page, r'role="alert">Il nous faut une adresse')
        self.assertRegex(page, r"<title>Recevoir nos nouvelles – [^<]")

    def test_one_click(self):
        mail = self.mails[1]
        self.assertEqual(mail["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        self.ask("POST", "/u/" + self.link(mail, "u"), "List-Unsubscribe=One-Click")
        self.server.until(lambda: self.consents(mail)["email"] == "withdrawn")
        self.assertTrue([k for k in self.kinds if k[0] == "consent" and "one-click" in k[2]])

    def test_survey(self):
        [name] = glob.glob(self.server.db + ".outbox/*.survey-1.email.eml")
        with open(name, "rb") as f:
            mail = email.message_from_binary_file(f, policy=email.policy.default)
        text = mail.get_body(("html",)).get_content()
        tokens = re.findall(r"/s/([\w-]{36})", text)
        for token in tokens:
            for lang in ("fr", "en"):
                self.assertIn("checked", self.ask("GET", f"/s/{token}?lang={lang}"))
        time.sleep(0.5)
        self.consents(mail)
        self.assertNotIn("answer", [k[0] for k in self.kinds])
        page = self.ask("POST", f"/s/{tokens[-1]}?lang=fr", form(answer="unsatisfied", comment="Le carton était ouvert"))
        self.assertIn("Qu’est-ce qui n’allait pas", page)
        self.ask("POST", f"/q/{tokens[-1]}", form(what="everything"), 422)
        self.assertIn("C’est noté", self.ask("POST", f"/q/{tokens[-1]}?lang=fr", form(what="delivery")))
        self.server.until(lambda: self.consents(mail) and ("event", "survey_detail", "delivery") in self.kinds)
        self.assertIn(("event", "survey_comment", "Le carton était ouvert"), self.kinds)
        self.assertIn(("answer", "A répondu", "Insatisfait·e"), self.kinds)
        self.assertNotIn("n’allait pas", self.ask("POST", f"/s/{tokens[0]}?lang=fr", form(answer="very_satisfied")))

    def test_preferences(self):
        mail = self.mails[2]
        page = self.ask("POST", f"/u/{self.link(mail, 'u')}", "")
        token = re.search(r"/p/([\w-]{36})", page)[1]
        self.server.until(lambda: self.consents(mail)["email"] == "withdrawn")
        self.assertNotRegex(self.ask("GET", f"/p/{token}"), 'name="email" value="yes" checked')
        time.sleep(1.1)  # consents of one second: the stricter counts
        saved = self.ask("POST", f"/p/{token}", form(email="yes"))
        self.assertIn(f"/p/{token}", saved)  # the way back to what was chosen
        self.server.until(lambda: self.consents(mail)["email"] == "granted")
        self.assertRegex(self.ask("GET", f"/p/{token}"), 'name="email" value="yes" checked')

    def test_timeline(self):
        mail = self.mails[5]
        self.consents(mail)
        who = self.server.ask("GET", "/api/v1/customers?q=" + mail["To"].addresses[0].addr_spec).json()["items"][0]["id"]
        items = self.server.ask("GET", f"/api/v1/customers/{who}/timeline?limit=200").json()["items"]
        [m] = [x for x in items if x["kind"] == "message"]
        self.assertEqual((m["plan"], m["plan_title"], m["step"], m["state"]), ("abandoned-cart", "Panier abandonné", "cart-1", "accepted"))
        self.assertEqual(m["detail"], "Panier abandonné, par e-mail\u00a0: envoyé")
        self.assertIn("</html>", self.ask("GET", m["web"]))
        said = [x["title"] for x in items if x["kind"] == "decision"]
        self.assertIn("Panier abandonné\u00a0: Entre dans le plan", said)
        self.assertIn("Panier rempli", [x["title"] for x in items if x["kind"] == "cart"])

    def test_web_version(self):
        html = self.ask("GET", "/m/" + self.link(self.mails[3], "m"))
        self.assertIn("</html>", html)

    def test_forged(self):
        token = self.link(self.mails[4], "u")
        for letter in "muprscod":
            for method in ("GET", "POST"):
                for wrong in ("A" * 36, token[:-1] + ("A" if token[-1] != "A" else "B"), token + "A", token[:20], "..", "%27%20OR%201=1"):
                    if letter in "mco" and method == "POST" or letter == "r" and method == "GET":
                        continue
                    if letter == "o":
                        continue
                    self.ask(method, f"/{letter}/{wrong}", None if method == "GET" else "answer=satisfied", 404)
        for letter in "mpscd":  # a token of another purpose
            self.ask("GET", f"/{letter}/{token}", status=404)
        self.assertEqual(self.server.ask("GET", "/o/" + "A" * 36 + ".gif", signed=False).body[:6], b"GIF89a")
        self.assertEqual(self.consents(self.mails[4])["email"], "granted")

    def test_no_open_redirect(self):
        self.ask("GET", "/c/" + "A" * 36 + "?u=https://evil.example/", status=404)

    def test_join_mails_an_address_once(self):
        """Asked again within the hour, or of an address that is not to be written to: the same page, and no mail."""
        sent = lambda: len(glob.glob(self.server.db + ".outbox/signup*.eml"))
        join = lambda who: self.ask("POST", "/join?lang=en", form(email=who, agree="yes"))
        before, first = sent(), join("encore@example.org")
        self.assertEqual(sent(), before + 1)
        self.assertEqual((join("encore@example.org"), join("Encore@Example.org ")), (first, first))
        dead = {"address": "morte@example.org", "channel": "email", "reason": "hard bounce"}
        self.assertEqual(self.server.ask("POST", "/api/v1/suppressions", dead).status, 200)
        self.assertEqual(join("morte@example.org"), first)
        self.assertEqual(sent(), before + 1)
        with sqlite3.connect(self.server.db) as db:
            db.execute("UPDATE signup SET asked_at = asked_at - 3700 WHERE email = 'encore@example.org'")
        join("encore@example.org")
        self.assertEqual(sent(), before + 2)

    def test_zz_signups_that_nobody_confirmed_go(self):
        self.ask("POST", "/join", form(email="perdue@example.org", agree="yes"))
        kept = lambda: sqlite3.connect(self.server.db).execute("SELECT count(*) FROM signup WHERE email = 'perdue@example.org'").fetchone()[0]
        self.assertEqual(kept(), 1)
        with sqlite3.connect(self.server.db) as db:
            db.execute("UPDATE signup SET asked_at = asked_at - 8 * 86400")
        signed_in = self.server.cookie, self.server.csrf
        self.server.stop()
        self.server.start()
        self.server.cookie, self.server.csrf = signed_in
        self.server.until(lambda: kept() == 0)

    def test_join(self):
        page = self.ask("GET", "/join?lang=fr")
        self.assertIn("jusqu’à ce que vous en demandiez l’effacement", page)
        self.assertIn("écrivez-nous\u202f; chaque message", page)
        self.assertIn("Je peux me désinscrire", page)
        self.ask("POST", "/join", form(email="nouvelle@example.org"), 422)
        self.ask("POST", "/join", form(email="nobody", agree="yes"), 422)
        self.ask("POST", "/join?lang=fr", form(email="nouvelle@example.org", first_name="<b>Zoé</b>", agree="yes"))
        mails = []
        for name in glob.glob(self.server.db + ".outbox/signup*.eml"):
            with open(name, "rb") as f:
                mails.append(email.message_from_binary_file(f, policy=email.policy.default))
        [mail] = [m for m in mails if m["To"] == "nouvelle@example.org"]
        token = re.search(r"/d/([\w-]{36})", mail.get_content())[1]
        find = lambda: self.server.ask("GET", "/api/v1/customers?q=nouvelle@").json()["items"]
        self.ask("GET", f"/d/{token}?lang=fr")
        time.sleep(0.6)
        self.assertEqual(find(), [])
        self.assertIn("Bienvenue", self.ask("POST", f"/d/{token}?lang=fr", ""))
        [c] = self.server.until(find)
        d = self.server.until(lambda: (d := self.server.ask("GET", f"/api/v1/customers/{c['id']}").json())["consents"] and d)
        self.assertEqual([(x["channel"], x["state"], x["may"]) for x in d["consents"]], [("email", "granted", True)])
        self.ask("POST", f"/d/{token}", "")
        self.assertEqual(len(find()), 1)

    def test_erased_comes_back(self):
        """Who was erased and signs up again is a customer again, under the number the till knows them by."""
        order = {"kind": "order", "key": "cb:2", "customer": "back-1", "lines": [{"sku": "SKU1", "quantity": 1, "amount": 700}]}
        facts = [{"kind": "profile", "key": "cb:1", "customer": "back-1", "email": "revenante@example.org"}, {**order, "at": "1999-06-01T10:00:00Z"}]
        tell = lambda what: self.assertEqual(self.server.ask("POST", "/api/v1/facts", what).status, 201)
        find = lambda: self.server.ask("GET", "/api/v1/customers?q=back-1").json()["items"]
        tell(facts)
        who = self.server.until(find)[0]["id"]
        self.assertEqual(self.server.ask("POST", f"/api/v1/customers/{who}/erase", {"confirm": "back-1"}).status, 200)
        tell({**order, "key": "cb:3"})
        time.sleep(0.6)
        self.assertEqual(find(), [])
        was = set(glob.glob(self.server.db + ".outbox/signup*.eml"))
        self.ask("POST", "/join?lang=fr", form(email="revenante@example.org", agree="yes"))
        [name] = set(glob.glob(self.server.db + ".outbox/signup*.eml")) - was
        with open(name, "rb") as f:
            mail = email.message_from_binary_file(f, policy=email.policy.default)
        os.unlink(name)
        token = re.search(r"/d/([\w-]{36})", mail.get_content())[1]
        self.ask("POST", f"/d/{token}?lang=fr", "")
        tell({**order, "key": "cb:4"})
        self.assertNotEqual(self.server.until(find)[0]["id"], who)


if __name__ == "__main__":
    unittest.main()
