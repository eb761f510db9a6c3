#!/usr/bin/env python3
"""People's rights on the command line: test_erase.py RELANCE. A person is given their data, and erased: nothing that names
them is left in any file of the shop, the sums are, an import does not bring them back, the audit still holds."""
import csv
import datetime
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import zipfile

RELANCE = os.path.abspath(sys.argv.pop(1))


class Erase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.db = os.path.join(self.dir.name, "shop.db")
        self.orders, self.people = os.path.join(self.dir.name, "orders.csv"), os.path.join(self.dir.name, "people.csv")
        with open(self.orders, "w", newline="", encoding="utf-8") as f:
            out = csv.writer(f)
            out.writerow(["order", "customer", "date", "sku", "product_name", "quantity", "amount", "store", "seller"])
            for c in (1001, 1002, 1003):
                for k in range(4):
                    out.writerow([f"{c}-{k}", c, f"2026-0{k + 1}-1{k} 10:00", f"S{k}", f"Article {k}", 1, "12.50", "Lille Centre", "Nadia"])
        with open(self.people, "w", newline="", encoding="utf-8") as f:
            out = csv.writer(f)
            out.writerow(["customer", "first_name", "last_name", "email", "phone", "city", "email_consent"])
            for c in (1001, 1002, 1003):
                out.writerow([c, f"Prénom{c}", f"Zyxwvut{c}", f"unique.{c}@example.net", f"06 12 34 5{c % 10} 78", "Lille", "yes"])
        self.begin()
        self.assertTrue(os.listdir(self.db + ".outbox"))

    def begin(self, plan="survey"):
        self.run_it("init", self.db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr", "--name", "Chez Léa")
        self.load()
        self.run_it("plan", "on", self.db, plan, "--at", "2026-04-01T00:00:00Z")
        for day in range(12, 22):
            self.run_it("tick", self.db, "--at", f"2026-04-{day:02}T12:00:00Z")

    def tearDown(self):
        self.dir.cleanup()

    def run_it(self, *args, status=0):
        done = subprocess.run([RELANCE, *args], capture_output=True, text=True, timeout=60, check=False, cwd=self.dir.name)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout + done.stderr

    def load(self):
        self.loaded = json.loads(self.run_it("import", self.db, self.orders, "--as", "orders", "--source", "till", "--format", "json").splitlines()[0])
        self.run_it("import", self.db, self.people, "--as", "customers", "--source", "till", "--consent-source", "formulaire")

    def everything(self):
        data = b""
        for root, _, names in os.walk(self.dir.name):
            for name in names:
                if os.path.join(root, name) not in (self.orders, self.people):
                    with open(os.path.join(root, name), "rb") as f:
                        data += f.read()
        return data

    def replayed(self):
        """Whom a what-if replay decides something about, even when everything unknown is assumed."""
        trace = os.path.join(self.dir.name, "trace.txt")
        self.run_it("replay", self.db, "--from", "2026-01-01", "--to", "2026-04-30", "--consent", "assume", "--trace", trace)
        with open(trace, encoding="utf-8") as f:
            lines = [line for line in f if not line.startswith("#")]
        os.remove(trace)
        return {line.split("\t")[1] for line in lines}

    def count(self, condition):
        return json.loads(self.run_it("segment", self.db, condition, "--format", "json"))["count"]

    def test_erased(self):
        self.assertIn(b"Zyxwvut1002", self.everything())
        spend = self.run_it("kpi", self.db, "--from", "2026-01", "--to", "2026-05", "--format", "json")
        self.run_it("erase", self.db, "1002", status=2)
        self.run_it("erase", self.db, "nobody", "--yes", status=1)
        self.assertEqual(self.replayed(), {"1", "2", "3"})
        self.assertIn("orders kept as sums  4", self.run_it("erase", self.db, "1002", "--yes"))
        left = self.everything()
        for word in (b"Zyxwvut1002", b"unique.1002", "Prénom1002".encode(), b"till:1002-", b"12 34 52 78", b"612345278"):
            self.assertNotIn(word, left)
        self.assertIn(b"Zyxwvut1003", left)
        self.run_it("check", self.db)
        # the sums are there: orders of a month stay in it
        after = self.run_it("kpi", self.db, "--from", "2026-01", "--to", "2026-05", "--format", "json")
        pick = lambda text, name: [x["value"] for x in json.loads(text) if name in json.dumps(x)][:1]
        self.assertEqual(pick(spend, "revenue"), pick(after, "revenue"))
        self.run_it("why", self.db, "1002", status=1)
        # told again, nobody comes back
        self.load()
        self.assertEqual((self.loaded["facts"], self.loaded["erased"]), (0, 4))
        with open(self.people, "a", encoding="utf-8") as f:
            f.write("9999,Prénom1002,Zyxwvut1002,UNIQUE.1002@example.net,,Lille,yes\n")
        self.load()
        self.assertNotIn(b"Zyxwvut1002", self.everything())
        self.run_it("check", self.db)
        self.assertIn("erased already", self.run_it("erase", self.db, "#2", "--yes"))
        for day in range(22, 24):
            self.run_it("tick", self.db, "--at", f"2026-04-{day:02}T12:00:00Z")
        audit = json.loads(self.run_it("replay", self.db, "--audit", "--format", "json"))
        self.assertEqual((audit["same"], audit["erased"], audit["blurred"] > 0), ("yes", 1, True), audit)
        self.assertLess(audit["blurred"], audit["rounds"])
        self.assertEqual(self.replayed(), {"1", "3"})
        self.run_it("check", self.db)

    def test_audit_with_budget(self):
        """Whoever is erased no longer asks for the money they got: the audit tells an erasure, not a difference."""
        plans = os.path.join(self.dir.name, "plans")
        os.mkdir(plans)
        with open(os.path.join(os.environ["RELANCE_SOURCE"], "plans", "survey.yaml"), encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(plans, "survey.yaml"), "w", encoding="utf-8") as f:
            f.write(text + "\nbudget: 5 EUR per month\n")
        self.db = os.path.join(self.dir.name, "budget.db")
        self.begin(os.path.join(plans, "survey.yaml"))
        audit = json.loads(self.run_it("replay", self.db, "--audit", "--format", "json"))
        self.assertEqual((audit["same"], audit["blurred"]), ("yes", 0), audit)
        with sqlite3.connect(self.db) as db:
            self.assertGreater(db.execute("SELECT count(*) FROM round WHERE kind = 3").fetchone()[0], 0)
        for who in ("1001", "1002", "1003"):
            self.run_it("erase", self.db, who, "--yes")
            audit = json.loads(self.run_it("replay", self.db, "--audit", "--format", "json"))
            self.assertEqual((audit["same"], audit["blurred"] > 0), ("yes", True), audit)

    def test_postgres_files(self):
        """On a server messages are written to ./outbox: an erasure takes them from there."""
        server = os.environ.get("RELANCE_TEST_PG")
        if not server:
            self.skipTest("no PostgreSQL: RELANCE_TEST_PG is not set (tools/with_postgres.sh)")
        os.environ["RELANCE_KEYS"] = os.path.join(self.dir.name, "keys")
        shutil.rmtree(self.db + ".outbox")
        self.db = f"{server}&schema=erased_{os.getpid()}"
        self.begin()
        box = os.path.join(self.dir.name, "outbox")
        theirs = [x for x in os.listdir(box) if x.startswith("2.")]
        self.assertTrue(theirs)
        self.assertIn(f"files deleted        {len(theirs)}\n", self.run_it("erase", self.db, "1002", "--yes"))
        self.assertEqual([x for x in os.listdir(box) if x.startswith("2.")], [])
        self.assertTrue(os.listdir(box))

    def test_requests(self):
        said = self.run_it("request", self.db, "add", "access", "1001", "--by", "letter", "--asked", "2026-01-31")
        self.assertIn("2026-02-28T22:59:59Z", said)
        self.run_it("request", self.db, "add", "erasure", "1002", "--by", "page", "--asked", "2026-01-15")
        self.run_it("request", self.db, "add", "marriage", "1002", status=1)
        self.run_it("request", self.db, "add", "access", "nobody", status=1)
        rows = json.loads(self.run_it("request", self.db, "list", "--format", "json"))
        self.assertEqual([r["kind"] for r in rows], ["erasure", "access"])
        self.run_it("request", self.db, "extend", "1", status=1)
        self.run_it("request", self.db, "extend", "1", "--note", "trois boutiques à interroger")
        self.run_it("request", self.db, "extend", "1", "--note", "encore", status=1)
        self.assertIn("2026-04-30T21:59:59Z", self.run_it("request", self.db, "list"))
        self.run_it("request", self.db, "refuse", "2", status=1)
        self.run_it("request", self.db, "done", "2", "--note", "fait")
        self.run_it("request", self.db, "done", "2", status=1)
        self.assertEqual(len(json.loads(self.run_it("request", self.db, "list", "--format", "json"))), 1)
        self.assertEqual(len(json.loads(self.run_it("request", self.db, "list", "--all", "--format", "json"))), 2)

    def test_what_is_left_is_told(self):
        """More rejects files than fit a list, wherever they were imported from; one that cannot be read; a log another program reads."""
        away = os.path.join(self.dir.name, "away")
        os.mkdir(away)
        for name in ("late.csv", "shut.csv"):
            with open(os.path.join(away, name), "w", encoding="utf-8") as f:
                f.write("order,customer,date,sku,quantity,amount\n1002-9,1002,2026-04-01 10:00,S1,many,1.00\n")
            subprocess.run([RELANCE, "import", self.db, name, "--as", "orders", "--source", "till"], capture_output=True, timeout=60, check=False, cwd=away)
            self.assertIn("1002", pathlib.Path(away, name + ".rejects.csv").read_text(encoding="utf-8"))
        shut = os.path.realpath(os.path.join(away, "shut.csv.rejects.csv"))
        os.remove(shut)
        os.mkdir(shut)  # what no right can open, whoever runs the test
        with sqlite3.connect(self.db) as db:  # as an older relance kept them: 300 files, by a relative path
            (last,) = db.execute("SELECT max(import_id) FROM import").fetchone()
            for i in range(1, 301):
                db.execute("INSERT INTO import SELECT ?, file_hash, ?, kind, started_at, finished_at, consent_source, rows_read, accepted, 1, state FROM import "
                           "WHERE import_id = ?", (last + i, f"old{i}.csv", last))
        db.close()
        with open(os.path.join(self.dir.name, "old300.csv.rejects.csv"), "w", encoding="utf-8") as f:
            f.write('9,,,quantity,"1002-9,1002,2026"\n')
        for i in range(1, 300):
            pathlib.Path(self.dir.name, f"old{i}.csv.rejects.csv").touch()
        os.remove(os.path.join(self.dir.name, "old7.csv.rejects.csv"))
        said = self.run_it("erase", self.db, "1002", "--yes", status=1)
        self.assertIn("rejected rows        2\n", said)
        self.assertIn(f"{shut}: ", said)
        self.assertIn("old7.csv.rejects.csv: not here", said)
        self.assertEqual(said.count("look in it for the person yourself"), 2, said)
        self.assertNotIn("1002", pathlib.Path(away, "late.csv.rejects.csv").read_text(encoding="utf-8"))

    def test_a_log_that_is_read_is_told(self):
        reader = sqlite3.connect(self.db, isolation_level=None)
        writer = sqlite3.connect(self.db, isolation_level=None)
        writer.execute("INSERT INTO shop (name, value) VALUES ('test', '1')")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM person").fetchone()
        self.assertIn("its log still holds what was erased", self.run_it("erase", self.db, "1002", "--yes", status=1))
        reader.execute("COMMIT")
        reader.close()
        writer.close()
        self.assertIn("nothing to do", self.run_it("erase", self.db, "#2", "--yes"))
        self.assertNotIn(b"Zyxwvut1002", self.everything())

    def test_data_given(self):
        path = os.path.join(self.dir.name, "data.zip")
        self.run_it("request", self.db, "export", "1001", "--out", path)
        with zipfile.ZipFile(path) as z:
            self.assertIsNone(z.testzip())
            names = z.namelist()
            data = json.loads(z.read("donnees.json"))
            rows = list(csv.DictReader(z.read("commandes.csv").decode().splitlines()))
            self.assertTrue([n for n in names if n.startswith("messages/") and n.endswith(".html")], names)
        self.assertEqual(data["person"]["last_name"], "Zyxwvut1001")
        self.assertEqual((data["consents"][0]["state"], data["consents"][0]["source"]), ("granted", "formulaire (people.csv)"))
        self.assertEqual((len(rows), rows[0]["name"], rows[0]["amount"]), (4, "Article 0", "12.50"))
        self.assertEqual((rows[0]["store"], rows[0]["seller"]), ("Lille Centre", "Nadia"))
        self.assertEqual((data["orders"][0]["store"], data["orders"][0]["seller"]), ("Lille Centre", "Nadia"))
        self.assertTrue(data["decisions"] and data["messages"][0]["content"]["text"])
        self.assertNotIn("Zyxwvut1002", json.dumps(data))
        path = os.path.join(self.dir.name, "data.json")
        self.run_it("request", self.db, "export", "1001", "--out", path)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(json.load(f)["person"], data["person"])

    def test_retention(self):
        """Listed first, by the shop's own periods; erased when asked for, and nobody else."""
        with open(self.people, "w", newline="", encoding="utf-8") as f:
            f.write("customer,last_name,email,created\nold-1,Ancien,ancien@example.net,2019-03-31\nold-2,Sursis,sursis@example.net,2019-03-31\n"
                    "new-1,Récent,recent@example.net,2024-01-10\nask-1,Demande,demande@example.net,2019-03-31\n")
        self.run_it("import", self.db, self.people, "--as", "customers", "--source", "till")
        carts = os.path.join(self.dir.name, "carts.csv")
        with open(carts, "w", encoding="utf-8") as f:
            f.write("customer,date,cart,state,sku,quantity,amount\nold-2,2023-05-02 10:00,c1,changed,S1,1,12.50\n")
        self.run_it("import", self.db, carts, "--as", "carts", "--source", "till")
        self.run_it("request", self.db, "add", "access", "ask-1", "--by", "letter", "--asked", "2026-04-15")
        due = lambda at: [(r["customer"], r["group"], r["last_contact"], r["due"]) for r in
                          json.loads(self.run_it("erase", self.db, "--due", "--at", at, "--format", "json"))]
        self.assertEqual(due("2022-03-30"), [])  # a day before: three years to the day; who asked something is left
        self.assertEqual(due("2022-03-31"), [("old-1", "prospect", "2019-03-31", "2022-03-31"), ("old-2", "prospect", "2019-03-31", "2022-03-31")])
        self.assertEqual([x[0] for x in due("2026-05-01")], ["old-1"])  # a cart is a contact
        self.assertEqual([x[0] for x in due("2026-05-02")], ["old-1", "old-2"])
        self.assertEqual([x[0] for x in due("2040-01-01") if x[1] == "customer"], ["1001", "1002", "1003"])
        self.run_it("set", self.db, "retention.prospects", "48")
        self.assertEqual([x[0] for x in due("2026-05-02")], ["old-1"])
        self.run_it("set", self.db, "retention.prospects", "0", status=1)
        self.run_it("set", self.db, "retention.prospects", "1201", status=1)
        self.run_it("erase", self.db, "--due", "1001", status=2)
        self.run_it("erase", self.db, "--due", "--yes", "--at", "2040-01-01", status=2)
        self.run_it("erase", self.db, status=2)
        self.assertEqual(len(json.loads(self.run_it("lifecycle", self.db, "--list", "--format", "json"))), 7)
        said = self.run_it("erase", self.db, "--due", "--yes")
        gone = ["old-1"] + (["old-2"] if datetime.date.today() >= datetime.date(2027, 5, 2) else [])
        self.assertIn(f"people erased        {len(gone)}\n", said)
        self.assertEqual(len(json.loads(self.run_it("lifecycle", self.db, "--list", "--format", "json"))), 7 - len(gone))
        self.assertNotIn(b"ancien@example.net", self.everything())
        self.assertIn(b"recent@example.net", self.everything())
        self.assertEqual([x[0] for x in due("2026-05-02")], [])
        self.run_it("check", self.db)

    def test_objection(self):
        self.assertEqual(self.count("may(email)"), 3)
        self.run_it("request", self.db, "object", "1001", "--note", "plus de publicité")
        self.assertEqual(self.count("may(email)"), 2)


if __name__ == "__main__":
    unittest.main()
