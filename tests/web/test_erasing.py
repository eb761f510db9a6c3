#!/usr/bin/env python3
"""People are erased from a shop that others use meanwhile: test_erasing.py RELANCE. Nobody else's request fails or waits for the
shop to be read again; what is in memory afterwards is what a new start reads; nothing that names them is left in any file."""
import datetime
import json
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
GONE = [1003, 1008, 1013, 1018, 1023, 1028, 1033, 1038]
SLOW_S = 3  # a start of the shop is not waited for; generous, for a machine that is busy


class Lived(shop.Server):
    """Two months of surveys and win-backs lie behind it."""

    def start(self):
        if not hasattr(self, "process"):
            today = datetime.datetime.now(datetime.timezone.utc).replace(hour=12, minute=0, second=0, microsecond=0)
            at = lambda days: (today - datetime.timedelta(days=days)).isoformat()[:19] + "Z"
            for plan in ("survey", "anti-churn"):
                self.command("plan", "on", self.db, plan, "--at", at(60))
            for days in range(59, 0, -1):
                self.command("tick", self.db, "--at", at(days))
        super().start()


class Erasing(unittest.TestCase):
    def setUp(self):
        self.server = Lived(RELANCE).__enter__()
        self.addCleanup(self.server.__exit__)
        self.server.first_run()

    def ask(self, method, path, body=None, status=200):
        a = self.server.ask(method, API + path, body)
        self.assertEqual(a.status, status, a.body[:300])
        return a.json()

    def openings(self):
        return [x for x in self.server.ask("GET", "/metrics").text().splitlines() if x.startswith("relance_openings_total")]

    def seen(self):
        """What is in memory, as the pages show it."""
        names = [p["name"] for p in self.ask("GET", "/plans")["items"]]
        return {"plans": {n: self.ask("GET", "/plans/" + n)["counts"] for n in names},
                "people": self.ask("GET", "/customers?sort=name&limit=200"),
                "sums": self.ask("GET", "/kpi?by=year")["groups"],
                "who": self.ask("GET", "/customers?segment=consent(email,%20marketing)%20=%20granted&limit=200")["items"],
                "compliance": self.ask("GET", "/compliance")["consents"]}

    def everything(self):
        data = b""
        for root, _, names in os.walk(self.server.dir.name):
            for name in names:
                if name not in ("orders.csv", "people.csv"):
                    with open(os.path.join(root, name), "rb") as f:
                        data += f.read()
        return data

    def test_others_go_on(self):
        ask, over, wrong, waits = self.ask, threading.Event(), [], []
        twin = [{"kind": "profile", "key": "tw:1", "customer": "twin-1", "last_name": "Jumelle", "email": "client13@example.net"},
                {"kind": "order", "key": "tw:2", "customer": "twin-1", "at": "2024-06-01T10:00:00Z", "lines": [{"sku": "SKU1", "quantity": 1, "amount": 700}]}]
        ask("POST", "/facts", twin, 201)
        self.server.until(lambda: ask("GET", "/customers")["total"] == 61)
        ids = {c["ref"]: c["id"] for c in ask("GET", "/customers?limit=200")["items"]}
        ask("POST", f"/customers/{ids['1013']}/merge", {"other": "twin-1"})
        self.server.until(lambda: ask("GET", "/customers")["total"] == 60)
        self.assertGreater(ask("GET", "/plans/survey")["counts"]["entered"], 5)
        box = os.listdir(self.server.db + ".outbox")
        self.assertTrue([x for x in box if int(x.split(".")[0]) in [ids[str(r)] for r in GONE]], box)
        openings = self.openings()

        def read(path):
            while not over.is_set():
                began = time.monotonic()
                a = self.server.ask("GET", API + path)
                waits.append((time.monotonic() - began, path))
                if a.status != 200:
                    wrong.append((path, a.status, a.body[:200]))

        def tell():
            n = 0
            while not over.is_set():
                n += 1
                began = time.monotonic()
                a = self.server.ask("POST", API + "/facts", [{"kind": "event", "key": f"go:{n}", "customer": "1001", "name": "visit", "at": "2026-01-01T10:00:00Z"}])
                waits.append((time.monotonic() - began, "/facts"))
                if a.status != 201:
                    wrong.append(("/facts", a.status, a.body[:200]))

        paths = ["/customers?sort=-spend", "/today", "/customers/1", "/kpi?by=year", "/plans/survey"]
        threads = [threading.Thread(target=read, args=(p,)) for p in paths] + [threading.Thread(target=tell)]
        for t in threads:
            t.start()
        for ref in GONE:
            said = ask("POST", f"/customers/{ids[str(ref)]}/erase", {"confirm": str(ref)})
            self.assertGreater(said["orders_kept_as_sums"], 0)
            self.assertTrue(said["log_emptied"], said)
            self.assertEqual(self.server.ask("GET", f"{API}/customers/{ids[str(ref)]}").status, 404)
            ask("POST", f"/customers/{ids['1002']}/merge", {"other": "1004"})  # nor does that make anybody wait
            ask("POST", f"/customers/{ids['1004']}/unmerge")
        over.set()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])
        self.assertLess(max(waits)[0], SLOW_S, sorted(waits)[-3:])
        self.assertEqual(self.openings(), openings)
        self.assertEqual(ask("GET", "/customers")["total"], 60 - len(GONE))
        # told of again, nobody comes back
        ask("POST", "/facts", [{"kind": "profile", "key": f"ag:{r}", "customer": str(r), "last_name": "Revenant", "email": f"client{r - 1000}@example.net"} for r in GONE], 201)
        ask("POST", "/facts", twin, 201)
        time.sleep(0.6)
        self.assertEqual(ask("GET", "/customers")["total"], 60 - len(GONE))
        before = self.seen()
        page = self.server.ask("GET", API + "/report?lang=fr").text()  # who is gone is in no phase of the life cycle
        self.assertEqual(page, self.server.command("report", self.server.db, "--html", "-", "--lang", "fr"))
        self.assertEqual([x["action"] for x in ask("GET", "/audit?limit=200")["items"]].count("customer erased"), len(GONE) + 1)
        # a new start knows nothing else
        self.server.stop()
        left = self.everything()
        for word in [f"client{r - 1000}@" for r in GONE] + ["Jumelle", "Revenant"]:
            self.assertNotIn(word.encode(), left)
        audit = json.loads(self.server.command("replay", self.server.db, "--audit", "--format", "json"))
        self.assertEqual(audit["same"], "yes", audit)
        self.server.command("check", self.server.db)
        cookie, csrf = self.server.cookie, self.server.csrf
        self.server.start()
        self.server.cookie, self.server.csrf = cookie, csrf
        self.assertEqual(self.seen(), before)

    def test_retention(self):
        """Off: counted, shown on the page of the day, listed; nobody is erased. On: those and no others, by the server itself."""
        ask = self.ask
        facts = [{"kind": "profile", "key": f"rt:{n}", "customer": f"kept-{n}", "last_name": f"Gardien{n}", "email": f"gardien{n}@example.net",
                  "created": ("2015-02-01T10:00:00Z", "2015-02-01T10:00:00Z", "2026-01-01T10:00:00Z")[n % 3]} for n in range(36)]
        facts += [{"kind": "order", "key": "rt:o", "customer": "kept-1", "at": "2016-02-01T10:00:00Z", "lines": [{"sku": "SKU1", "quantity": 1, "amount": 700}]}]
        for n in range(0, len(facts), 10):
            ask("POST", "/facts", facts[n:n + 10], 201)
        kept = lambda: self.server.until(lambda: (k := ask("GET", "/retention")) and k["prospects"] + k["customers"] == 24 and k)
        self.assertEqual(kept(), {"on": False, "prospect_months": 36, "customer_months": 36, "prospects": 23, "customers": 1})
        rows = ask("GET", "/retention/rows?limit=1000")["items"]
        self.assertEqual(sorted(r["name"] for r in rows), sorted(f"Gardien{n}" for n in range(36) if n % 3 < 2))
        self.assertEqual([(r["group"], r["last_contact"], r["due"]) for r in rows if r["name"] == "Gardien1"], [("customer", "2016-02-01", "2019-02-01")])
        self.assertEqual(self.server.ask("GET", API + "/retention/rows.csv?lang=fr").text().count("Gardien"), 24)
        ask("PUT", "/settings", {"retention.prospects": "35"})  # changed periods are looked at anew
        self.server.until(lambda: ask("GET", "/retention")["prospect_months"] == 35)
        needs = self.server.until(lambda: [n for n in ask("GET", "/today")["needs_you"] if n["kind"] == "retention"])
        self.assertEqual((needs[0]["count"], needs[0]["link"]), (24, "/compliance?tab=retention"))
        people, openings = ask("GET", "/customers")["total"], self.openings()
        time.sleep(0.5)
        self.assertEqual(ask("GET", "/customers")["total"], people)
        ask("PUT", "/settings", {"retention.on": "yes"})
        self.server.until(lambda: ask("GET", "/customers")["total"] == people - 24, 20)
        self.assertEqual([n for n in ask("GET", "/today")["needs_you"] if n["kind"] == "retention"], [])
        self.assertEqual((ask("GET", "/retention")["on"], ask("GET", "/retention/rows")["items"]), (True, []))
        lines = self.server.until(lambda: (l := ask("GET", "/audit?limit=200")["items"]) and sum(int(x["object"].split()[0]) for x in l if x["action"] == "retention applied") == 24 and l, 30)
        self.assertEqual([x["actor"] for x in lines if x["action"] == "customer erased"], ["retention"] * 24)
        self.assertEqual(self.openings(), openings)
        self.server.stop()
        left = self.everything()
        for n in range(36):
            self.assertEqual(f"gardien{n}@".encode() in left, n % 3 == 2, n)
        self.assertEqual(json.loads(self.server.command("replay", self.server.db, "--audit", "--format", "json"))["same"], "yes")
        self.server.command("check", self.server.db)

    def test_who_comes_back_is_another(self):
        """The shop's own number leads to nobody any more, also for who writes facts in the same process."""
        ask = self.ask
        facts = [{"kind": "order", "key": "cb:1", "customer": "back-7", "at": "2024-06-01T10:00:00Z", "lines": [{"sku": "SKU1", "quantity": 1, "amount": 700}]},
                 {"kind": "profile", "key": "cb:2", "customer": "back-7", "last_name": "Retour", "email": "retour@example.net"}]
        ask("POST", "/facts", facts, 201)
        who = self.server.until(lambda: ask("GET", "/customers?q=back-7")["items"])[0]["id"]
        ask("POST", f"/customers/{who}/erase", {"confirm": "back-7"})
        ask("POST", "/facts", facts, 201)
        self.server.command("check", self.server.db)
        ask("POST", "/facts", [{"kind": "event", "key": "cb:3", "customer": f"erased-{who}", "name": "visit", "at": "2026-01-01T10:00:00Z"}], 201)
        self.server.command("check", self.server.db)
        self.assertEqual(ask("GET", "/customers")["total"], 60)


if __name__ == "__main__":
    unittest.main()
