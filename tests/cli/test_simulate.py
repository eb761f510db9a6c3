#!/usr/bin/env python3
"""The simulated shop: test_simulate.py RELANCE. Shares are held against the parameters the program prints."""
import collections
import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

RELANCE = os.path.abspath(sys.argv.pop(1))
SOURCE = os.environ.get("RELANCE_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
SIZE = ["--customers", "2000", "--years", "3", "--seed", "7", "--until", "2026-01-01"]
ORDER, CART, CONSENT, PROFILE, EVENT, RECEIPT = 1, 2, 3, 4, 5, 6


def run_it(*args, status=0):
    done = subprocess.run([RELANCE, *args], capture_output=True, text=True, timeout=300)
    if done.returncode != status:
        raise AssertionError(f"{args}: {done.returncode}: {done.stderr}")
    return done.stderr if status else done.stdout


def rows(path):
    """Everything but what belongs to the moment of making: the shop's random name for its files, and its birth."""
    db = sqlite3.connect(path)
    tables = [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    out = {}
    for table in tables:
        where = " WHERE name NOT IN ('shop_id', 'created_at')" if table == "shop" else ""
        out[table] = sorted(db.execute(f"SELECT * FROM {table}{where}"), key=repr)
    indexes = sorted(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"))
    db.close()
    return out, indexes


class Simulate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.dir.name, "shop.db")
        cls.truth_path = os.path.join(cls.dir.name, "truth.csv")
        cls.got = json.loads(run_it("simulate", cls.path, *SIZE, "--threads", "1", "--truth", cls.truth_path,
                                    "--format", "json"))
        cls.parameters = {p["parameter"]: float(p["value"])
                          for p in json.loads(run_it("simulate", "--parameters", "--format", "json"))}
        cls.db = sqlite3.connect(cls.path)
        cls.facts = [(c, k, key, at, json.loads(body)) for c, k, key, at, body in
                     cls.db.execute("SELECT customer_id, kind, key, at, body FROM fact ORDER BY seq")]
        with open(cls.truth_path, encoding="utf-8") as f:
            cls.truth = {int(r["customer_id"]): r for r in csv.DictReader(f)}

    @classmethod
    def tearDownClass(cls):
        cls.db.close()
        cls.dir.cleanup()

    def near(self, share, parameter, tolerance):
        self.assertAlmostEqual(share, self.parameters[parameter], delta=tolerance, msg=parameter)

    def test_same_seed_same_shop(self):
        again = os.path.join(self.dir.name, "again.db")
        run_it("simulate", again, *SIZE, "--threads", "5")
        self.assertEqual(rows(self.path), rows(again))
        other = os.path.join(self.dir.name, "other.db")
        run_it("simulate", other, *SIZE[:-4], "--seed", "8", "--until", "2026-01-01")
        self.assertNotEqual(rows(self.path)[0]["fact"], rows(other)[0]["fact"])

    def test_its_mails_say_who_writes(self):
        said = {x["name"]: x["value"] for x in json.loads(run_it("set", self.path, "--format", "json"))}
        for name in ("shop.url", "shop.address", "shop.phone", "shop.email", "shop.hours", "shop.signature", "shop.reassurance"):
            self.assertTrue(said[name], name)

    def test_sound(self):
        self.assertEqual(json.loads(run_it("check", self.path, "--format", "json")), [])
        fresh = os.path.join(self.dir.name, "fresh.db")
        run_it("init", fresh, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr")
        self.assertEqual(rows(self.path)[1], rows(fresh)[1], "the schema is the one of init")
        mode = sqlite3.connect(self.path).execute("PRAGMA journal_mode").fetchone()[0]
        self.assertEqual(mode, "wal")
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertFalse([f for f in os.listdir(self.dir.name) if "building" in f])

    def test_figures_are_counted_from_the_facts(self):
        kinds = collections.Counter(f[1] for f in self.facts)
        self.assertEqual(self.got["facts"], len(self.facts))
        self.assertEqual(self.got["orders"] + self.got["returns"], kinds[ORDER])
        self.assertEqual(self.got["cart_facts"], kinds[CART])
        self.assertEqual(self.got["consents"], kinds[CONSENT])
        self.assertEqual(self.got["events"], kinds[EVENT])
        self.assertEqual(kinds[PROFILE], 2000)
        self.assertTrue(4 <= self.got["orders"] / 2000 <= 6, self.got["orders"])
        self.assertTrue(10 <= self.got["lines"] / 2000 <= 14, self.got["lines"])
        self.assertTrue(550 <= self.got["products"] <= 650)

    def test_carts(self):
        states, times = collections.defaultdict(set), {}
        for customer, kind, _, at, body in self.facts:
            if kind == CART:
                states[body["cart"]].add(body["state"])
                times[body["cart"]] = (customer, at)
        left = sum("paid" not in s for s in states.values())
        self.assertEqual(self.got["carts"], len(states))
        self.assertEqual(self.got["carts_abandoned"], left)
        self.assertAlmostEqual(left / len(states), 0.65, delta=0.03)
        emptied = sum("emptied" in s for s in states.values())
        self.near(emptied / left, "cart_emptied_share", 0.02)
        orders = collections.defaultdict(list)
        for customer, kind, _, at, body in self.facts:
            if kind == ORDER:
                orders[customer].append(at)
        for cart, seen in states.items():
            if "paid" in seen:
                customer, at = times[cart]
                self.assertTrue(any(0 < o - at <= 3600 for o in orders[customer]), cart)

    def test_returns(self):
        sold = collections.Counter()
        returns = orders = 0
        for customer, kind, _, _, body in self.facts:
            if kind != ORDER:
                continue
            for product, quantity, amount in body["lines"]:
                sold[customer, product] += quantity
                self.assertGreaterEqual(sold[customer, product], 0, "returned before it was bought")
                self.assertEqual(quantity > 0, amount > 0)
            returns += body["lines"][0][1] < 0
            orders += body["lines"][0][1] > 0
        self.near(returns / orders, "return_share", 0.01)

    def test_complements(self):
        types = dict(self.db.execute("SELECT product_id, type FROM product"))
        baskets = [{types[l[0]] for l in b["lines"]} for _, k, _, _, b in self.facts if k == ORDER]
        lock = [b for b in baskets if "antivol" in b]
        bikes = [b for b in baskets if b & {"velo_ville", "velo_electrique", "velo_pliant"}]
        base, with_bike = len(lock) / len(baskets), sum("antivol" in b for b in bikes) / len(bikes)
        self.assertGreater(with_bike, 0.25)
        self.assertGreater(with_bike / base, 5)

    def test_seasons(self):
        types = dict(self.db.execute("SELECT product_id, type FROM product"))
        month = collections.Counter()
        for _, kind, _, at, body in self.facts:
            if kind == ORDER:
                for product, quantity, _ in body["lines"]:
                    if types[product] in ("terreau", "boules_noel") and quantity > 0:
                        month[types[product], (at // 2629800) % 12] += 1
        self.assertGreater(sum(month["terreau", m] for m in (3, 4)), 1.8 * sum(month["terreau", m] for m in (10, 11)))
        self.assertGreater(month["boules_noel", 11], 3 * month["boules_noel", 6])

    def test_people(self):
        n, mail, phone, born, women = 0, 0, 0, 0, 0
        for email, tel in self.db.execute("SELECT email, phone FROM person"):
            n += 1
            mail += email is not None
            phone += tel is not None
            if email:
                self.assertRegex(email, r"^[a-z.0-9]+@example\.(org|net|com)$")
            if tel:
                self.assertRegex(tel, r"^(06 39 98|01 99 00|02 61 91|03 53 01|04 65 71|05 36 49) \d\d \d\d$")
        self.near(mail / n, "email_share", 0.03)
        self.near(phone / n, "phone_share", 0.03)
        profiles = [b for _, k, _, _, b in self.facts if k == PROFILE]
        people = [b for b in profiles if "company" not in b]
        self.near(sum("born" in b for b in people) / len(people), "born_share", 0.03)
        self.near(sum(b["gender"] == "f" for b in people) / len(people), "female_share", 0.04)
        self.near(1 - len(people) / n, "company_share", 0.015)
        shared = n - len({r[0] for r in self.db.execute("SELECT DISTINCT email FROM person WHERE email IS NOT NULL")})
        shared -= n - mail
        self.assertTrue(5 <= shared <= 60, shared)
        twice = [t for t in self.truth.values() if t["same_person_as"] != t["customer_id"]]
        self.near(len(twice) / n, "same_person_share", 0.01)

    def test_truth(self):
        orders, last = collections.Counter(), {}
        for customer, kind, _, at, body in self.facts:
            if kind == ORDER and body["lines"][0][1] > 0:
                orders[customer] += 1
                last[customer] = at
        for customer, t in self.truth.items():
            self.assertEqual(orders[customer], int(t["orders"]))
        buyers = [t for t in self.truth.values() if t["kind"] == "buyer"]
        mean = sum(float(t["rate_per_year"]) for t in buyers) / len(buyers)
        expected = self.parameters["rate_shape"] / self.parameters["rate_alpha"]
        self.assertAlmostEqual(mean / expected, 1, delta=0.1)
        # leaving: after each repeat purchase with the chance a / (a + b), weighted by who has repeat purchases
        left = sum(t["alive"] == "0" for t in buyers)
        chances = sum(float(t["leaving_chance"]) * max(0, int(t["orders"]) - 1) for t in self.truth.values())
        left_all = sum(t["alive"] == "0" for t in self.truth.values())
        self.assertAlmostEqual(left_all / chances, 1, delta=0.08)
        self.assertGreater(left, 500)

    def test_history_ends(self):
        end = 1767222000  # 2026-01-01 00:00 in Paris
        self.assertLess(max(f[3] for f in self.facts), end)
        self.assertGreater(min(f[3] for f in self.facts), end - 3 * 366 * 86400)

    def test_lifecycle_and_replay(self):
        got = json.loads(run_it("lifecycle", self.path, "--at", "2026-01-01", "--format", "json"))
        got = got[0] if isinstance(got, list) else got
        phases = [got[p] for p in ("prospect", "new", "loyal", "ambassador", "lapsing", "former")]
        self.assertEqual(sum(phases), 2000)
        self.assertTrue(all(p >= 20 for p in phases), phases)
        plans = os.path.join(SOURCE, "plans")
        got = json.loads(run_it("replay", self.path, "--plans", plans, "--from", "2025-10-01", "--to", "2025-11-30",
                                "--format", "json"))
        self.assertGreater(got["plans"]["anti-churn"]["entered"], 0)
        self.assertGreater(got["plans"]["abandoned-cart"]["messages"], 0)

    def test_postgres(self):
        """The same rows on PostgreSQL, read through a backup, which is an SQLite file."""
        server = os.environ.get("RELANCE_TEST_PG")
        if not server:
            self.skipTest("no PostgreSQL: RELANCE_TEST_PG is not set (tools/with_postgres.sh)")
        os.environ["RELANCE_KEYS"] = os.path.join(self.dir.name, "keys")
        address = f"{server}&schema=simulated_{os.getpid()}"
        run_it("simulate", address, *SIZE)
        self.assertIn("holds a shop already", run_it("simulate", address, *SIZE, status=1))
        self.assertEqual(json.loads(run_it("check", address, "--format", "json")), [])
        copy = os.path.join(self.dir.name, "copy.backup")
        run_it("backup", address, copy)
        ours, theirs = rows(self.path)[0], rows(copy)[0]
        for table in ("fact", "customer", "person", "product", "price", "document", "address", "shard"):
            self.assertEqual(ours[table], theirs[table], table)

    def test_refuses(self):
        before = os.stat(self.path).st_mtime_ns
        self.assertIn("holds a shop already", run_it("simulate", self.path, *SIZE, status=1))
        self.assertEqual(os.stat(self.path).st_mtime_ns, before)
        new = os.path.join(self.dir.name, "new.db")
        for wrong, says in ((["--customers", "0"], "--customers"), (["--customers", "many"], "--customers"),
                            (["--years", "21"], "--years"), (["--seed", "-1"], "--seed"),
                            (["--until", "2026-02-30"], "--until"), (["--threads", "1000"], "--threads")):
            self.assertIn(says, run_it("simulate", new, *SIZE, *wrong, status=2))
        self.assertIn("which database", run_it("simulate", *SIZE, status=2))
        self.assertIn("cannot be made", run_it("simulate", os.path.join(self.dir.name, "no", "x.db"), *SIZE, status=1))
        self.assertIn("is there already", run_it("simulate", new, *SIZE, "--truth", self.truth_path, status=1))
        self.assertFalse([f for f in os.listdir(self.dir.name) if f.startswith("new.db")])

    def test_full_disk(self):
        """A limit on the size of files stands for a full disk."""
        path = os.path.join(self.dir.name, "full.db")
        done = subprocess.run(["bash", "-c", 'ulimit -f 1500; trap "" XFSZ; exec "$@"', "sh", RELANCE, "simulate", path,
                               *SIZE], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("free space", done.stderr)
        self.assertFalse([f for f in os.listdir(self.dir.name) if f.startswith("full.db")])


class React(unittest.TestCase):
    """The customers of an invented shop react to its messages as often as the parameters say, once, and after they were sent."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.dir.name, "shop.db")
        run_it("simulate", cls.path, "--customers", "3000", *SIZE[2:])
        run_it("plan", "on", cls.path, "anti-churn", "--at", "2026-01-02T06:00")
        run_it("tick", cls.path, "--at", "2026-01-02T12:00")
        run_it("tick", cls.path, "--at", "2026-01-03T12:00")

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def react(self, at):
        return json.loads(run_it("simulate", self.path, "--react", "--seed", "7", "--at", at, "--format", "json"))

    def facts(self):
        db = sqlite3.connect(self.path)
        rows = [(c, k, at, json.loads(body)) for c, k, at, body in db.execute("SELECT customer_id, kind, at, body FROM fact")]
        db.close()
        return rows

    def test_reactions(self):
        self.assertEqual(self.react("2026-01-02T11:00")["messages"], 0, "nothing had been sent yet")
        soon, later = self.react("2026-01-03T14:00"), self.react("2026-01-12T20:00")
        self.assertGreater(soon["messages"], 300)
        self.assertGreater(soon["opened"], 0)
        self.assertGreater(soon["bounced"], 0)
        order = next(float(p["value"]) for p in json.loads(run_it("simulate", "--parameters", "--format", "json"))
                     if p["parameter"] == "effect/anti-churn/order")
        wanted = order * soon["messages"]
        self.assertAlmostEqual(soon["orders"] + later["orders"], wanted, delta=3 * wanted ** 0.5)
        facts = self.facts()
        sent = {c: at for c, k, at, b in facts if k == RECEIPT and b["receipt"] == "accepted"}
        told = [(c, at, b["receipt"]) for c, k, at, b in facts if k == RECEIPT and b["receipt"] != "accepted"]
        for what in ("opened", "clicked"):
            self.assertEqual(sum(t[2] == what for t in told), soon[what] + later[what])
        for customer, at, what in told:
            self.assertGreater(at, sent[customer], what)
        agreed = {c for c, k, at, b in facts if k == CONSENT and b["purpose"] == "tracking" and b["state"] == "granted"}
        self.assertLessEqual({c for c, at, what in told if what == "opened"}, agreed, "an open is known only of who agreed")
        again = self.react("2026-01-12T20:00")
        self.assertEqual([again[k] for k in ("bounced", "opened", "clicked", "orders", "unsubscribed")], [0] * 5)
        self.assertEqual(len(self.facts()), len(facts))
        self.assertEqual(json.loads(run_it("check", self.path, "--format", "json")), [])

    def test_only_its_own_shop(self):
        said = run_it("simulate", self.path, "--react", "--seed", "8", status=1)
        self.assertIn("not the invented shop of this seed", said)
        self.assertEqual(said.count("\n"), 1)


unittest.main()
