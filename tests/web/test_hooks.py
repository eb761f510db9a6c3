#!/usr/bin/env python3
"""What e-mail providers post about mails the shop sent: to the address made for each, signed where they sign, twice the same, about
strangers, forged: test_hooks.py RELANCE."""
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_mail

MAILGUN_KEY = "key-0123456789abcdef"


class Hooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ["RELANCE_MAILGUN_KEY"] = MAILGUN_KEY
        cls.s = s = test_mail.Shop(test_mail.RELANCE).__enter__()
        s.command("plan", "on", s.db, "anti-churn", "--at", f"{test_mail.day(-10)}T06:00")
        s.tick(-10, "09:00")
        s.tick(-10)
        cls.mails = s.mails("winback-1")
        cls.ids = {c: re.search("<(.*)>", m["Message-ID"])[1] for c, m in cls.mails.items()}
        cls.silent = sorted(c for c in cls.mails if c <= test_mail.SILENT)
        cls.told = sorted(c for c in cls.mails if c > test_mail.SILENT)
        s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.__exit__()

    def hook(self, provider):
        url = self.s.command("bounce", self.s.db, "--hook", provider).strip()
        self.assertTrue(url.startswith(test_mail.BASE + "/h/"), url)
        return url[len(test_mail.BASE):]

    def post(self, provider, body, status=200, path=None):
        a = self.s.ask("POST", path or self.hook(provider), body, headers={"Content-Type": "application/json"}, signed=False)
        self.assertEqual(a.status, status, a.body[-300:])
        return a.json()

    def rows(self, sql):
        with test_mail.sqlite3.connect(self.s.db) as c:
            return c.execute(sql).fetchall()

    def test_bounce_once(self):
        c = self.silent[0]
        event = {"event": "hard_bounce", "email": f"client{c}@example.net", "message-id": f"<{self.ids[c]}>", "ts_event": int(time.time()) - 3600,
                 "reason": "550 5.1.1 user unknown"}
        before = int(time.time())
        got = self.post("brevo", event)
        self.assertEqual((got["events"], got["receipts"], got["suppressed"], got["unknown_here"]), (1, 1, 1, 0))
        self.assertIn(c, self.s.receipts("hard_bounce"))
        self.assertEqual(self.rows("SELECT at FROM fact WHERE kind = 6 AND body LIKE '%hard_bounce%'"), [(event["ts_event"],)])
        known = self.rows("SELECT at FROM suppression WHERE reason = 'hard_bounce'")
        self.assertTrue(known and min(at for at, in known) >= before, "known since it was told, whenever it happened")
        again = self.post("brevo", event)
        self.assertEqual(again["receipts"], 0, "the same again writes nothing")
        full = {**event, "email": f"client{self.silent[1]}@example.net", "message-id": f"<{self.ids[self.silent[1]]}>", "event": "soft_bounce",
                "reason": "452 4.2.2 mailbox full"}
        self.assertEqual(self.post("brevo", full)["suppressed"], 0)
        self.assertIn(self.silent[1], self.s.receipts("soft_bounce"))

    def test_complaint_and_unsubscription(self):
        plaintiff, leaver = self.silent[2], self.silent[3]
        self.post("postmark", {"RecordType": "SpamComplaint", "Email": f"client{plaintiff}@example.net", "MessageID": "not-ours"})
        self.assertIn(plaintiff, self.s.receipts("complaint"), "found by its recipient")
        got = self.post("mailjet", [{"event": "unsub", "email": f"client{leaver}@example.net", "time": int(time.time())},
                                    {"event": "unsub", "email": "stranger@example.org", "time": int(time.time())}])
        self.assertEqual((got["unsubscribed"], got["unknown_here"], got["suppressed"]), (1, 1, 1))
        said = self.rows("SELECT person.email, fact.body FROM fact JOIN person USING (customer_id) WHERE fact.key LIKE 'provider:mailjet/%'")
        self.assertEqual([e for e, _ in said], [f"client{leaver}@example.net"])
        self.assertEqual(json.loads(said[0][1])["state"], "withdrawn")

    def test_opens_of_those_who_agreed(self):
        agent = test_mail.PERSON["User-Agent"]

        def opened(c, agent=agent, key=None):
            return {"event": "open", "email": f"client{c}@example.net", "timestamp": int(time.time()), "useragent": agent,
                    "smtp-id": f"<{key or self.ids[c]}>"}

        a, b, c = self.told[:3]
        self.post("sendgrid", [opened(a), opened(b, test_mail.PROXY["User-Agent"]), opened(c, key="x@elsewhere"), opened(self.silent[4])])
        self.assertEqual(self.s.receipts("opened"), {a})

    def test_only_the_provider(self):
        body = {"event": "hard_bounce", "email": f"client{self.silent[5]}@example.net", "reason": "550 5.1.1 user unknown"}
        self.post("brevo", body, 404, "/h/" + "A" * 36)
        self.post("brevo", body, 404, test_mail.path(next(u for u in test_mail.links(self.mails[self.told[0]]) if "/c/" in u)).replace("/c/", "/h/"))
        self.post("brevo", "{", 422)
        self.assertNotIn(self.silent[5], self.s.receipts("hard_bounce"))

        def mailgun(key, age=0):
            stamp = str(int(time.time()) - age)
            return {"signature": {"timestamp": stamp, "token": "t" * 50,
                                  "signature": hmac.new(key.encode(), (stamp + "t" * 50).encode(), hashlib.sha256).hexdigest()},
                    "event-data": {"event": "failed", "severity": "permanent", "recipient": f"client{self.silent[6]}@example.net",
                                   "timestamp": time.time(), "message": {"headers": {"message-id": self.ids[self.silent[6]]}},
                                   "delivery-status": {"message": "5.1.1 no such user"}}}

        self.post("mailgun", mailgun("wrong"), 403)
        self.post("mailgun", mailgun(MAILGUN_KEY, 3600), 403)
        self.assertEqual(self.post("mailgun", mailgun(MAILGUN_KEY))["receipts"], 1)

    def test_command(self):
        c = self.silent[7]
        event = {"notificationType": "Bounce", "mail": {"destination": [f"client{c}@example.net"], "commonHeaders": {"messageId": f"<{self.ids[c]}>"}},
                 "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2026-01-02T10:00:00Z",
                            "bouncedRecipients": [{"emailAddress": f"client{c}@example.net", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown"}]}}

        def run(*args, text=json.dumps({"Type": "Notification", "Message": json.dumps(event)})):
            return subprocess.run([test_mail.RELANCE, "bounce", *args], input=text, capture_output=True, text=True, timeout=60, check=False)

        said = json.loads(run("--webhook", "ses", "--format", "json").stdout)
        self.assertEqual([(e["event"], e["verdict"]) for e in said], [("bounced", "hard")])
        took = json.loads(run(self.s.db, "--webhook", "ses", "--format", "json").stdout)
        self.assertEqual((took["events"], took["receipts"], took["suppressed"]), (1, 1, 1))
        self.assertIn(c, self.s.receipts("hard_bounce"))
        wrong = run("--webhook", "brvo")
        self.assertEqual((wrong.returncode, "did you mean \"brevo\"" in wrong.stderr), (1, True), wrong.stderr)
        self.assertIn("line 1", run("--webhook", "brevo", text="{").stderr)


if __name__ == "__main__":
    unittest.main()
