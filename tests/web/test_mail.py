#!/usr/bin/env python3
"""A mail's whole way: sent by a tick, its links followed through the pages served, what that told decides the next step:
test_mail.py RELANCE. Half the people agreed to opens and clicks being known; the mails of the others hold no trace."""
import csv
import datetime
import email
import email.policy
import glob
import os
import re
import socketserver
import sqlite3
import sys
import threading
import time
import unittest
import urllib.parse
import zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
BASE = "https://r.example.com"
BEGAN = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Paris"))
PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
PROXY = {"User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"}
SILENT = 20  # the first people of the shop asleep agreed to mails alone, the others to opens and clicks too
PEOPLE = 40
ASKED = 8  # bought lately: asked whether they are satisfied


def day(n):
    """The shop's day, n days from today; today is the day the tests began."""
    return (BEGAN + datetime.timedelta(days=n)).strftime("%Y-%m-%d")


def table(path, head, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([head, *rows])


class Shop(shop.Server):
    def __enter__(self):
        self.dir = shop.tempfile.TemporaryDirectory()
        self.db = os.path.join(self.dir.name, "shop.db")
        self.command("init", self.db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr", "--name", "Chez Léa")
        asleep, lately = range(1, PEOPLE + 1), range(PEOPLE + 1, PEOPLE + ASKED + 1)
        self.load("orders", ["order", "customer", "date", "sku", "product_name", "quantity", "amount"],
                  [[f"o{c}", 1000 + c, f"{day(-215)} 10:00", "LAMPE", "Lampe de bureau", 1, "49.90"] for c in asleep] +
                  [[f"o{c}", 1000 + c, f"{day(-9)} 09:00", "LAMPE", "Lampe de bureau", 1, "49.90"] for c in lately])
        self.load("customers", ["customer", "first_name", "last_name", "email", "email_consent", "consent_date"],
                  [[1000 + c, f"Prénom{c}", f"Martin{c}", f"client{c}@example.net", "yes", day(-300)] for c in range(1, PEOPLE + ASKED + 1)])
        self.load("consents", ["customer", "date", "channel", "purpose", "state"],
                  [[1000 + c, day(-300), "email", "tracking", "granted"] for c in range(SILENT + 1, PEOPLE + 1)])
        for name, value in (("public_url", BASE + "/"), ("shop.url", "https://lea.example/?a=1&b=2"), ("shop.email", "bonjour@lea.example"),
                            ("shop.reassurance", "Paiement sécurisé: carte ou PayPal; Retours: 30 jours"),
                            ("shop.news", "Un atelier: le premier samedi https://lea.example/atelier; Les lampes en rotin")):
            self.command("set", self.db, name, value)
        return self

    def load(self, kind, head, rows):
        path = os.path.join(self.dir.name, kind + ".csv")
        table(path, head, rows)
        self.command("import", self.db, path, "--as", kind, "--source", "till", "--consent-source", "formulaire du site")

    def tick(self, n, hour="10:30"):
        self.command("tick", self.db, "--at", f"{day(n)}T{hour}")

    def mails(self, step):
        """What was written for a step: {number of the customer: the mail}."""
        found = {}
        for name in glob.glob(f"{self.db}.outbox/*.{step}.email.eml"):
            with open(name, "rb") as f:
                mail = email.message_from_binary_file(f, policy=email.policy.default)
            found[int(re.search(r"client(\d+)@", mail["To"])[1])] = mail
        return found

    def receipts(self, name):
        """customers' numbers with such a receipt"""
        with sqlite3.connect(self.db) as c:
            got = c.execute("SELECT person.email FROM fact JOIN person USING (customer_id) WHERE kind = 6 AND key LIKE ?",
                            (f"%:{name}",)).fetchall()
        return {int(re.search(r"client(\d+)@", e)[1]) for e, in got}


def html(mail):
    return mail.get_body(("html",)).get_content()


def links(mail):
    return [u.replace("&amp;", "&") for u in re.findall(r'href="(http[^"]*)"', html(mail))]


def path(url):
    assert url.startswith(BASE + "/"), url
    return url[len(BASE):]


def pixel(mail):
    return path(re.search(r'src="([^"]*/o/[\w-]{36}\.gif)"', html(mail))[1])


class Taker(socketserver.StreamRequestHandler):
    """A mail server that takes everything."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"MAIL":
                self.server.senders.append(re.search(rb"<(.*?)>", line)[1].decode())
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                mail = b""
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    mail += part
                self.server.mails.append(mail)
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
            if verb == b"QUIT":
                return


class Mail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = s = Shop(RELANCE).__enter__()
        for plan in ("anti-churn", "survey"):
            s.command("plan", "on", s.db, plan, "--at", f"{day(-10)}T06:00")
        s.tick(-10, "09:00")  # enters before ten, so that the first mail is of the same day
        for n in (-10, -9, -2):
            s.tick(n)
        cls.first, cls.second = s.mails("winback-1"), s.mails("winback-2")
        s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.__exit__()

    def get(self, url, agent, status=None):
        a = self.s.ask("GET", url, headers=agent, signed=False)
        if status:
            self.assertEqual(a.status, status, a.body[-300:])
        return a

    def test_sign_up_is_confirmed_by_mail(self):
        s = self.s
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Taker) as server:
            server.mails, server.senders = [], []
            threading.Thread(target=server.serve_forever, daemon=True).start()
            for name, value in (("smtp.host", "127.0.0.1"), ("smtp.port", str(server.server_address[1])), ("smtp.tls", "none"),
                                ("bounce.address", "retours@lea.example")):
                s.command("set", s.db, name, value)
            asked = urllib.parse.urlencode({"email": "nouvelle@example.org", "agree": "yes"})
            self.assertEqual(s.ask("POST", "/join?lang=fr", asked, headers=form, signed=False).status, 200)
            self.assertEqual(len(server.mails), 1)
            self.assertEqual(server.senders, ["retours@lea.example"])  # where it goes when it cannot be delivered
            mail = email.message_from_bytes(server.mails[0], policy=email.policy.default)
            self.assertEqual((mail["To"], mail["From"].addresses[0].addr_spec), ("nouvelle@example.org", "bonjour@lea.example"))
            link = re.search(re.escape(BASE) + r"(/d/[\w-]{36})", mail.get_content())[1]
            self.assertEqual(s.ask("POST", link, "", headers=form, signed=False).status, 200)
            server.shutdown()
        # nobody is there: the visitor is told, not left to wait for a mail
        self.assertEqual(s.ask("POST", "/join?lang=fr", asked.replace("nouvelle", "autre"), headers=form, signed=False).status, 503)
        s.command("set", s.db, "smtp.host", "")
        s.command("set", s.db, "bounce.address", "")

    def test_whole_way(self):
        s, first, second = self.s, self.first, self.second
        silent, told = sorted(c for c in first if c <= SILENT), sorted(c for c in first if c > SILENT)
        self.assertGreater(len(silent), 12)
        self.assertGreater(len(told), 12)
        self.assertEqual(set(first), set(second), "nobody ordered: all get the second")

        # consent decides what a mail holds; nothing of the shop's is lost either way
        for c in silent:
            self.assertNotIn("/c/", html(first[c]))
            self.assertNotIn("/o/", html(first[c]))
            self.assertIn("https://lea.example/?a=1&b=2", first[c].get_body(("plain",)).get_content())
            self.assertNotIn("/c/", first[c].get_body(("plain",)).get_content())
            self.assertIn("https://lea.example/?a=1&b=2", links(first[c]))
        for c in told:
            self.assertFalse([u for u in links(first[c]) if u.startswith("https://lea.example")], links(first[c]))
            self.assertEqual(html(first[c]).count("/o/"), 1)
            text = first[c].get_body(("plain",)).get_content()
            self.assertNotIn("https://lea.example", text)
            in_text = re.findall(r"https?://\S+/c/[\w-]{36}", text)
            self.assertTrue(in_text and set(in_text) <= set(links(first[c])), "who reads plain text clicks the same links")
            own = [u for u in links(first[c]) if re.search(r"/[umps]/[\w-]{36}$", u)]
            self.assertGreaterEqual(len(own), 3, "relance's own pages are linked as they are")
        clicks = [u for u in links(first[told[0]]) if "/c/" in u]
        self.assertEqual(len(set(clicks)), len(clicks))

        # the shop's own words, as its settings have them
        for c in silent:
            self.assertIn("https://lea.example/atelier", links(first[c]))
            self.assertRegex(html(first[c]), "Un atelier</a>, le premier samedi")
            self.assertRegex(html(second[c]), "<strong>Paiement sécurisé</strong>.* carte ou PayPal")
            self.assertNotIn('href=""', html(first[c]) + html(second[c]))

        # an open, a click, a proxy, a scanner, one who withdrew; the others do nothing
        opener, clicker, proxied, scanned, left = told[:5]
        self.assertEqual(self.get(pixel(first[opener]), PERSON, 200).headers["Content-Type"], "image/gif")
        for u in clicks[:1]:
            self.get(path(u).replace("/c/", "/o/") + ".gif", PERSON)  # a click's token opens nothing
        u = next(u for u in links(second[clicker]) if "/c/" in u)
        self.assertEqual(self.get(path(u), PERSON, 302).headers["Location"], "https://lea.example/?a=1&b=2")
        self.get(pixel(first[proxied]), PROXY, 200)
        for m in (first[scanned], second[scanned]):  # a gateway that looks like a browser and follows everything
            self.get(pixel(m), PERSON, 200)
            for u in (u for u in links(m) if u.startswith(BASE)):
                self.get(path(u), PERSON)

        token = re.search(r"/p/([\w-]{36})", " ".join(links(first[left])))[1]
        page = self.get(f"/p/{token}?lang=fr", PERSON, 200).text()
        self.assertRegex(page, r'name="tracking" value="yes" checked')
        a = s.ask("POST", f"/p/{token}", urllib.parse.urlencode({"email": "yes", "postcard": "yes"}),
                  headers={"Content-Type": "application/x-www-form-urlencoded"}, signed=False)
        self.assertEqual(a.status, 200)
        s.until(lambda: "checked" not in re.search(r'name="tracking"[^>]*', self.get(f"/p/{token}", PERSON).text())[0], 5)
        self.get(pixel(first[left]), PERSON, 200)  # sent while it was allowed, tells nothing any more
        s.until(lambda: s.receipts("opened") and s.receipts("clicked"), 10)
        time.sleep(1.5)
        self.assertEqual(s.receipts("opened"), {opener})
        self.assertEqual(s.receipts("clicked"), {clicker})

        s.first_run()
        # rates are over the mails whose opening may be known, a click is an open; the figures are of their period, and so are the people
        def figures(to):
            a = s.ask("GET", f"/api/v1/figures?from=2000-01-01&to={to}")
            self.assertEqual(a.status, 200, a.text())
            plans = a.json()["plans"]
            p = next(p for p in plans if p["name"] == "anti-churn")
            return [p["entered"] - p["control"], *(p[k] for k in ("sent", "knowable", "opened", "clicked"))]

        def people(word, to):
            return s.ask("GET", f"/api/v1/customers?is={word}&plan=anti-churn&from=2000-01-01&to={to}").json()["total"]

        self.assertEqual(figures("2100-01-01"), [len(first), 2 * len(first), 2 * len(told), 2, 1])
        self.assertEqual(figures("2000-01-02"), [0, 0, 0, 0, 0])
        self.assertEqual([people(w, "2100-01-01") for w in ("sent", "opened", "clicked")], [len(first), 2, 1])
        self.assertEqual([people(w, "2000-01-02") for w in ("entered", "sent", "opened", "clicked")], [0, 0, 0, 0])
        steps = s.ask("GET", "/api/v1/plans/anti-churn").json()["steps"]
        self.assertEqual([(x["sent"], x["knowable"]) for x in steps[:2]], [(len(first), len(told))] * 2)

        # the way back to the message, and the survey: the page's press answers, not the link
        web = next(u for u in links(first[opener]) if "/m/" in u)
        shown = self.get(path(web), PERSON, 200).text()
        self.assertIn("https://lea.example/?a=1&amp;b=2", shown)
        self.assertNotIn("/o/", shown)
        asked = s.mails("survey-1")
        self.assertEqual(len(asked), ASKED)
        sad, glad = sorted(asked)[:2]
        for c, answer in ((sad, "unsatisfied"), (glad, "very_satisfied")):
            u = next(u for u in links(asked[c]) if "/s/" in u)
            self.get(path(u), PERSON, 200)
            a = s.ask("POST", path(u), urllib.parse.urlencode({"answer": answer}),
                      headers={"Content-Type": "application/x-www-form-urlencoded"}, signed=False)
            self.assertEqual(a.status, 200, a.text())
        s.until(lambda: set(s.mails("survey-sorry")) == {sad}, 10)
        self.assertEqual(s.receipts("answered"), {sad, glad})

        # of two records that are one person the mails count as before, known by that person's consents
        stays, goes = (s.ask("GET", f"/api/v1/customers?q={1000 + c}").json()["items"][0]["id"] for c in told[-2:])
        self.assertEqual(s.ask("POST", f"/api/v1/customers/{stays}/merge", {"other": goes}).status, 200)
        s.until(lambda: s.ask("GET", f"/api/v1/customers/{stays}").json()["orders"] == 2, 10)
        self.assertEqual(people("sent", "2100-01-01"), len(first) - 1)
        self.assertEqual(figures("2100-01-01"), [len(first), 2 * len(first), 2 * len(told), 2, 1])

        status, log = s.stop()
        self.assertEqual((status, re.sub("relance: (mail server|a sign-up was not taken): .*\n", "", log)), (0, ""))
        for n in (1, 2):
            s.tick(n)
        self.assertEqual(set(s.mails("winback-3")), {opener, clicker}, "the last message goes to who opened, a click is an open")
        self.assertEqual(set(s.mails("survey-thanks")), {glad})


if __name__ == "__main__":
    unittest.main()
