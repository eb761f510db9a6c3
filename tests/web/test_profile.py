#!/usr/bin/env python3
"""The forms behind « Compléter mon profil » and « Dire ce qui s’est passé », reached from a mail really sent: test_profile.py RELANCE."""
import json
import os
import re
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_mail

MESSAGE = "---\nsubject: essai\n---\n[profil]({{ links.profile }}) [message]({{ links.request }})\n"


class Profile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = s = test_mail.Shop(test_mail.RELANCE).__enter__()
        messages = os.path.join(s.dir.name, "messages")
        os.makedirs(os.path.join(messages, "fr"))
        with open(os.path.join(messages, "fr", "winback-1.md"), "w", encoding="utf-8") as f:
            f.write(MESSAGE)
        s.command("plan", "on", s.db, "anti-churn", "--at", f"{test_mail.day(-10)}T06:00")
        s.command("tick", s.db, "--at", f"{test_mail.day(-10)}T09:00")
        s.command("tick", s.db, "--at", f"{test_mail.day(-10)}T10:30", "--messages", messages)
        cls.mails = s.mails("winback-1")
        s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.__exit__()

    def forms(self, c):
        return [test_mail.path(u) for u in test_mail.links(self.mails[c]) if "/p/" in u][:2]

    def get(self, url):
        a = self.s.ask("GET", url, headers=test_mail.PERSON, signed=False)
        self.assertEqual(a.status, 200)
        self.assertNotIn("<script", a.text())
        return a.text()

    def send(self, path, **fields):
        a = self.s.ask("POST", path + "?lang=fr", urllib.parse.urlencode(fields), headers={"Content-Type": "application/x-www-form-urlencoded"},
                       signed=False)
        return a.status

    def profile(self, c):
        with test_mail.sqlite3.connect(self.s.db) as db:
            [(body,)] = db.execute("SELECT body FROM fact JOIN person USING (customer_id) WHERE kind = 4 AND email = ? ORDER BY seq DESC LIMIT 1",
                                   (f"client{c}@example.net",)).fetchall()
        return json.loads(body)

    def test_profile(self):
        c = sorted(self.mails)[0]
        path, _ = self.forms(c)
        before = self.profile(c)
        self.assertRegex(self.get(path + "?lang=fr"), 'Votre date de naissance.*type="date" name="born" value=""')
        for wrong in ("2999-01-01", "1801-01-01", "hier"):
            self.assertEqual(self.send(path, born=wrong), 422)
        self.assertEqual(self.send(path, born="1984-07-21", interests="jardin, <b>lecture</b>"), 200)
        self.s.until(lambda: 'value="1984-07-21"' in self.get(path), 5)
        after = self.profile(c)
        self.assertEqual(after["interests"], ["jardin", "<b>lecture</b>"])
        self.assertEqual({k: after[k] for k in before}, before, "what was known of the person stays")
        self.s.until(lambda: re.search('name="interests"[^>]* value="(jardin, )?&lt;b&gt;lecture&lt;/b&gt;(, jardin)?"', self.get(path)), 5)
        self.assertEqual(self.send(path, born="1984-07-21"), 200)  # a form without the field says nothing of it
        self.assertEqual(len(self.profile(c)["interests"]), 2)
        self.assertEqual(self.send(path, born="1984-07-21", interests=" ", listed="yes"), 200)
        self.assertFalse(self.profile(c).get("interests"))
        self.assertEqual(self.send(path, born="1984-07-21", forget="yes"), 200)
        self.s.until(lambda: 'name="born" value=""' in self.get(path), 5)
        self.assertNotIn("born", self.profile(c))

    def test_request(self):
        _, path = self.forms(sorted(self.mails)[1])
        page = self.get(path + "?lang=en")
        self.assertIn("<textarea", page)
        self.assertIn("Somebody of the shop reads", page)  # they are told of it, below
        if not self.s.cookie:
            self.s.stop()
            self.s.start()
            self.s.first_run()
        hook = self.s.ask("POST", "/api/v1/hooks/out", {"url": "http://127.0.0.1:9/x", "events": "request.asked"}).json()
        self.assertEqual(self.send(path, request="  "), 422)
        self.assertEqual(self.send(path, request="", about="rectification"), 422)
        self.assertEqual(self.send(path, request="Le pied est cassé."), 200)
        for about in ("erasure", "erasure", "objection"):  # a form sent twice asks once
            self.assertEqual(self.send(path + "?lang=fr", request="", about=about), 200)
        with test_mail.sqlite3.connect(self.s.db) as db:
            said = [json.loads(b) for b, in db.execute("SELECT body FROM fact WHERE key LIKE 'page:request/%' ORDER BY seq")]
        self.assertEqual(said[0]["text"], "Le pied est cassé.")
        self.assertEqual({e["text"] for e in said[1:]}, {"Faire effacer mes données", "Ne plus recevoir aucune publicité"})
        asked = self.s.ask("GET", "/api/v1/requests").json()["items"]
        self.assertEqual(sorted((r["kind"], r["came_by"], r["state"]) for r in asked), [(k, "page", "open") for k in ("erasure", "message", "objection")])
        self.assertEqual({r["name"] for r in asked}, {asked[0]["name"]})
        self.assertTrue(asked[0]["name"], "the list says who")
        needs = {n["kind"]: n["count"] for n in self.s.ask("GET", "/api/v1/today").json()["needs_you"]}
        self.assertEqual(needs["request"], 3)
        consents = self.s.ask("GET", f"/api/v1/customers/{asked[0]['customer']}").json()["consents"]
        self.assertEqual({c["state"] for c in consents if c["purpose"] == "marketing"}, {"opposed"})
        told = self.s.until(lambda: len(t := self.s.ask("GET", f"/api/v1/hooks/out/{hook['id']}/events").json()["items"]) == 3 and t, 10)
        self.assertEqual({t["event"] for t in told}, {"request.asked"})


if __name__ == "__main__":
    unittest.main()
