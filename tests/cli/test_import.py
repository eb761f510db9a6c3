#!/usr/bin/env python3
"""relance import, on the real files: figures checked by Python's own csv and decimal modules, twice = nothing, corrections,
--complete, rejects, dry runs, kill -9, flat memory.   test_import.py RELANCE"""
import collections
import csv
import datetime
import io
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import zoneinfo
from decimal import ROUND_HALF_UP, Decimal

RELANCE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "relance"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("RELANCE_DATA", SOURCE.parent / "shared" / "data"))
if not DATA.is_dir():
    DATA = SOURCE.parent.parent / "shared" / "data"  # a work tree one level down


def unpack(path):
    return subprocess.run(["zstd", "-dc", str(path)], stdout=subprocess.PIPE, check=True).stdout


class Shop(unittest.TestCase):
    zone, currency, locale = "Europe/London", "GBP", "en"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.folder.name)
        self.db = self.dir / "shop.db"
        self.relance("init", self.db, "--timezone", self.zone, "--currency", self.currency, "--locale", self.locale)

    def tearDown(self):
        self.folder.cleanup()

    def relance(self, *args, status=0, stdin=None):
        done = subprocess.run([RELANCE, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, input=stdin)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        self.errors = done.stderr.decode()
        return done.stdout.decode()

    def imported(self, file, *args, stdin=None):
        return json.loads(self.relance("import", self.db, file, "--format", "json", *args, stdin=stdin))

    def imported_within(self, file, limit_mb):
        """Imports while looking at the private memory of the program (file pages of the database do not count)."""
        child = subprocess.Popen([RELANCE, "import", self.db, file, "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        peak_kb = 0
        while child.poll() is None:
            try:
                text = pathlib.Path(f"/proc/{child.pid}/status").read_text()
                peak_kb = max([peak_kb] + [int(x.split()[1]) for x in text.splitlines() if x.startswith("RssAnon")])
            except OSError:
                pass
            time.sleep(0.01)
        with child.stdout as out:
            figures = json.loads(out.read())
        self.assertEqual(child.returncode, 0)
        if "san" not in RELANCE:
            self.assertTrue(0 < peak_kb < limit_mb * 1024, peak_kb)
        return figures

    def refused(self, file, *args):
        self.relance("import", self.db, file, *args, status=1)
        return self.errors

    def file(self, name, text):
        path = self.dir / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def sql(self, text):
        with sqlite3.connect(self.db) as db:
            return db.execute(text).fetchall()

    def facts(self):
        """Everything but when it was learned."""
        return self.sql("SELECT customer_id, seq, kind, key, at, body FROM fact ORDER BY seq")

    def newest(self):
        """The newest order facts, by key."""
        out = {}
        for kind, key, at, body in self.sql("SELECT kind, key, at, body FROM fact WHERE kind IN (1, 7) ORDER BY seq"):
            if kind == 1:
                out[key] = (at, json.loads(body))
            else:
                out.pop(key, None)
        return out


class OnlineRetail(Shop):
    @classmethod
    def setUpClass(cls):
        packed = list(DATA.glob("online_retail/*.csv.zst"))
        if not packed:
            raise unittest.SkipTest("online_retail is not in RELANCE_DATA")
        cls.bytes = unpack(packed[0])
        cls.rows = list(csv.DictReader(io.StringIO(cls.bytes.decode())))

    def test_figures(self):
        rows, file = self.rows, self.file("orders.csv", self.bytes)
        r = self.imported(file, "--not-products", "POST,M,BANK CHARGES")
        self.assertEqual(r["rows"], len(rows))
        self.assertEqual((r["accepted"], r["rejected"], r["rejects_file"]), (len(rows), 0, None))
        self.assertFalse(os.path.exists(f"{file}.rejects.csv"))
        self.assertEqual(r["lines"], len(rows))
        self.assertEqual(r["returns"], sum(int(x["Quantity"]) < 0 for x in rows))
        self.assertEqual(r["orders"], len({x["InvoiceNo"] for x in rows if int(x["Quantity"]) > 0}))
        self.assertEqual(r["customers"], len({x["CustomerID"] for x in rows} - {""}))
        self.assertEqual(r["products"], len({x["StockCode"] for x in rows}))
        self.assertEqual(r["guest_lines"], sum(x["CustomerID"] == "" for x in rows))
        # every document: its customer, its lines in order, its instant
        want = collections.defaultdict(list)
        for x in rows:
            cents = (Decimal(x["Quantity"]) * Decimal(x["UnitPrice"]) * 100).quantize(Decimal(1), ROUND_HALF_UP)
            want["csv:" + x["InvoiceNo"]].append((x["StockCode"], int(x["Quantity"]), int(cents)))
        sku = dict(self.sql("SELECT product_id, sku FROM product"))
        got = {k: [(sku[p], q, a) for p, q, a in body["lines"]] for k, (at, body) in self.newest().items()}
        self.assertEqual(got, dict(want))
        owner = {x["InvoiceNo"]: x["CustomerID"] for x in rows}
        ref = dict(self.sql("SELECT customer_id, ref FROM customer"))
        ref[0] = ""
        for c, key in self.sql("SELECT customer_id, key FROM fact WHERE kind = 1"):
            self.assertEqual(ref[c], owner[key[4:]])
        self.assertEqual(self.sql("SELECT datetime(at, 'unixepoch') FROM fact WHERE key = 'csv:536365'"), [("2010-12-01 08:26:00",)])
        first = {}
        for x in rows:
            first[x["InvoiceNo"]] = min(first.get(x["InvoiceNo"], x["InvoiceDate"]), x["InvoiceDate"])
        london = zoneinfo.ZoneInfo("Europe/London")
        for key, at in self.sql("SELECT key, at FROM fact WHERE kind = 1"):
            civil = datetime.datetime.fromisoformat(first[key[4:]]).replace(tzinfo=london)
            self.assertEqual(at, int(civil.timestamp()))
        self.assertEqual({s for s, in self.sql("SELECT sku FROM product WHERE not_a_product = 1")}, {"POST", "M", "BANK CHARGES"})

        before = self.facts()
        r = self.imported(file)
        self.assertEqual((r["facts"], r["unchanged"], r["new_customers"], r["new_products"]), (0, len(want), 0, 0))
        self.assertEqual(self.facts(), before)

    def test_torn_orders(self):
        """The first 40,000 rows, in the file's order and with orders torn apart: the same documents."""
        head = self.bytes.split(b"\r\n")[:40001]
        whole = self.file("whole.csv", b"\r\n".join(head) + b"\r\n")
        torn = self.file("torn.csv", b"\r\n".join([head[0]] + head[1::2] + head[2::2]) + b"\r\n")
        self.imported(whole)
        lines = {k: (at, sorted(map(tuple, b["lines"]))) for k, (at, b) in self.newest().items()}
        r = self.imported(torn, "--source", "torn")
        got = {"csv:" + k[5:]: (at, sorted(map(tuple, b["lines"]))) for k, (at, b) in self.newest().items() if k.startswith("torn:")}
        self.assertEqual(got, lines)
        self.assertEqual(r["lines"], 40000)

    def test_kill(self):
        """Killed at any moment, an import is wholly in or wholly out; the next run completes it."""
        file = self.file("orders.csv", self.bytes)
        self.imported(file)
        want, n = self.facts(), 0
        for delay in (0.02, 0.05, 0.09, 0.13, 0.17, 0.2, 0.24):
            self.db = self.dir / f"kill{n}.db"
            n += 1
            self.relance("init", self.db, "--timezone", self.zone, "--currency", self.currency, "--locale", self.locale)
            child = subprocess.Popen([RELANCE, "import", self.db, file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
            child.wait()
            half = self.facts()
            self.assertIn(half, ([], want))
            self.imported(file)
            self.assertEqual(self.facts(), want)
            self.assertEqual(self.sql("SELECT count(*) FROM import WHERE state = 'running'"), [(0,)])

    def test_memory_is_flat(self):
        """200 MB, 2.2 million lines, more than are kept in memory: 256 MB of private memory are enough, and the documents are right."""
        body = self.bytes.split(b"\r\n", 1)[1]
        path = self.dir / "large.csv"
        with open(path, "wb") as f:
            f.write(self.bytes.split(b"\r\n", 1)[0] + b"\r\n")
            for i in range(7):
                f.write(body.replace(b"\n5", b"\n%d5" % i).replace(b"\nC5", b"\nC%d5" % i))
            f.write(b"0536367,LATE,A line 2 million rows later,1,2010-12-01 08:34:00,1.00,13047,United Kingdom\r\n")
        r = self.imported_within(path, 256)
        self.assertEqual(r["lines"], 7 * len(self.rows) + 1)
        def order(key):
            body, = [json.loads(b) for b, in self.sql(f"SELECT body FROM fact WHERE key = '{key}'")]
            return [tuple(line[1:]) for line in body["lines"]]
        self.assertEqual(order("csv:0536367"), order("csv:5536367") + [(1, 100)])


class BothDatabases(Shop):
    def test_same_facts(self):
        """The same files give the same facts, byte for byte, on PostgreSQL."""
        address = os.environ.get("RELANCE_TEST_PG")
        packed = list(DATA.glob("online_retail/*.csv.zst"))
        if not address or not packed:
            self.skipTest("needs RELANCE_TEST_PG (tools/with_postgres.sh) and online_retail")
        orders = self.file("orders.csv", unpack(packed[0]))
        people = self.file("people.csv", "id,email,first name,accepts marketing,created at\n" + "".join(
            f"{17800 + i},u{i}@example.com,A,{'yes' if i % 3 else 'no'},2010-06-01 10:00:00\n" for i in range(200)))
        os.environ["RELANCE_KEYS"] = str(self.dir)
        lite, self.db = self.db, address
        self.relance("init", self.db, "--timezone", self.zone, "--currency", self.currency, "--locale", self.locale)
        figures = []
        for self.db in (lite, address):
            for _ in range(2):
                figures.append([self.imported(f, "--consent-source", "form") for f in (orders, people)])
        for r in (x for pair in figures for x in pair):
            del r["seconds"]
        self.assertEqual(figures[:2], figures[2:])
        # an undated consent is dated by its import
        text = "SELECT customer_id, seq, kind, key, CASE WHEN key LIKE '%@%' OR kind = 1 THEN at END, body FROM fact WHERE kind <> 4 ORDER BY seq"
        got = subprocess.run(["psql", "-XAt", "-F", "|", address, "-c", text], stdout=subprocess.PIPE, check=True).stdout.decode()
        self.db = lite
        self.assertEqual(got.splitlines(), ["|".join("" if v is None else str(v) for v in row) for row in self.sql(text)])
        # profiles hold a hash under each shop's own key: all but that
        text = "SELECT customer_id, seq, at, length(body) FROM fact WHERE kind = 4 ORDER BY seq"
        got = subprocess.run(["psql", "-XAt", "-F", "|", address, "-c", text], stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertEqual(got.splitlines(), ["|".join("" if v is None else str(v) for v in row) for row in self.sql(text)])


class Rules(Shop):
    zone, currency, locale = "Europe/Paris", "EUR", "fr"
    HEAD = "order;date;customer;sku;quantity;amount\n"

    def test_correction_and_complete(self):
        one = self.HEAD + "1;2011-01-05 10:00;C1;A;1;10,00\n1;2011-01-05 10:00;C1;A;1;10,00\n1;2011-01-05 10:00;C1;B;2;4,00\n" \
                          "2;2011-01-06 10:00;C1;A;1;10,00\n3;2011-01-07 10:00;C2;A;1;10,00\n"
        f = self.file("o.csv", one)
        self.assertEqual(self.imported(f)["facts"], 3)
        self.assertEqual(len(self.newest()["csv:1"][1]["lines"]), 3)  # an exact repeat is a line of its own
        # the second A of order 1 corrected: one new version of one document
        f = self.file("o.csv", one.replace("A;1;10,00\n1;2011-01-05 10:00;C1;B", "A;1;9,00\n1;2011-01-05 10:00;C1;B"))
        r = self.imported(f)
        self.assertEqual((r["facts"], r["corrected"], r["unchanged"]), (1, 1, 2))
        self.assertEqual(self.newest()["csv:1"][1]["lines"], [[1, 1, 1000], [1, 1, 900], [2, 2, 400]])
        # a later export that has lost rows: they stay …
        f = self.file("o.csv", self.HEAD + "1;2011-01-05 10:00;C1;A;1;10,00\n3;2011-01-07 10:00;C2;A;1;10,00\n")
        r = self.imported(f)
        self.assertEqual((r["facts"], r["retracted"]), (0, 0))
        self.assertEqual(set(self.newest()), {"csv:1", "csv:2", "csv:3"})
        # … unless it is said to be complete: order 2 goes, order 1 has one line
        r = self.imported(f, "--complete")
        self.assertEqual((r["retracted"], r["corrected"]), (1, 1))
        self.assertEqual(set(self.newest()), {"csv:1", "csv:3"})
        self.assertEqual(self.newest()["csv:1"][1]["lines"], [[1, 1, 1000]])
        before = self.facts()
        self.assertEqual(self.imported(f, "--complete")["facts"], 0)
        self.assertEqual(self.facts(), before)
        # a row that cannot be read is not a row that is gone
        g = self.file("bad.csv", self.HEAD + "1;2011-01-05 10:00;C1;A;1;10,00\n3;2011-01-07 10:00;C2;A;x;10,00\n")
        self.assertIn("1 rows were rejected", self.refused(g, "--complete"))
        self.assertEqual(self.facts(), before)
        # outside the file's dates and for other sources --complete says nothing
        f = self.file("p.csv", self.HEAD + "9;2011-02-05 10:00;C1;A;1;10,00\n")
        self.assertEqual(self.imported(f, "--complete")["retracted"], 0)
        self.assertEqual(self.imported(self.file("q.csv", self.HEAD + "1;2011-01-01 10:00;C1;A;1;1\n8;2011-12-05 10:00;C1;A;1;1\n"),
                                       "--complete", "--source", "till")["retracted"], 0)
        # retracted and back again
        self.imported(self.file("r.csv", one))
        self.assertEqual(set(self.newest()), {"csv:1", "csv:2", "csv:3", "csv:9"} | {k for k in self.newest() if k.startswith("till:")})
        self.relance("check", self.db)

    def test_customer_moves(self):
        self.imported(self.file("o.csv", self.HEAD + "1;2011-01-05 10:00;;A;1;10,00\n"))
        r = self.imported(self.file("o.csv", self.HEAD + "1;2011-01-05 10:00;C1;A;1;10,00\n"))
        self.assertEqual((r["facts"], r["retracted"], r["corrected"]), (2, 1, 1))
        self.assertEqual(self.sql("SELECT customer_id, kind FROM fact ORDER BY seq"), [(0, 1), (0, 7), (1, 1)])

    def test_rejects(self):
        text = self.HEAD.encode() + "1;2011-01-05;C1;A;1;10,00\n2;hier;C1;A;1;1\n3;2011-01-05;C1;A;2,5x;1\n".encode() + \
            b"4;2011-01-05;C\0;A;1;1\n5;2011-01-05;L\xe9on;A;1;1\n6;1970-01-05;C1;A;1;1\n7;05/01/2011;C1;A;1;1;x\n"
        f = self.file("o.csv", text)
        r = self.imported(f)
        self.assertEqual((r["rows"], r["accepted"], r["rejected"]), (7, 2, 5))
        self.assertEqual(r["rejects_file"], str(f) + ".rejects.csv")
        with open(r["rejects_file"], newline="", errors="replace") as g:
            bad = list(csv.DictReader(g))
        self.assertEqual([(b["line"], b["column"], b["column_name"]) for b in bad],
                         [("3", "2", "date"), ("4", "5", "quantity"), ("5", "3", "customer"), ("7", "2", "date"), ("8", "7", "")])
        self.assertEqual(bad[1]["reason"], "quantity is not a number")
        self.assertEqual(bad[0]["row"], "2;hier;C1;A;1;1")
        self.assertEqual(self.sql("SELECT ref FROM customer ORDER BY 1"), [("C1",), ("Léon",)])
        self.file("o.csv", self.HEAD + "1;2011-01-05;C1;A;1;10,00\n")
        self.assertIsNone(self.imported(f)["rejects_file"])
        self.assertFalse(os.path.exists(str(f) + ".rejects.csv"))

    def test_dry_run_and_stdin(self):
        text = self.HEAD + "1;2011-01-05;C1;A;1;10,00\n"
        r = self.imported(self.file("o.csv", text), "--dry-run")
        self.assertEqual((r["orders"], r["facts"]), (1, 1))
        self.assertEqual(self.facts(), [])
        self.assertEqual(self.sql("SELECT count(*) FROM customer"), [(0,)])
        self.assertEqual(self.sql("SELECT count(*) FROM import"), [(0,)])
        self.assertEqual(self.imported("-", stdin=text.encode())["orders"], 1)
        self.assertEqual(len(self.facts()), 1)

    def test_dates_by_file(self):
        rows = "".join(f"{i};{i % 12 + 1:02}/{i % 11 + 1:02}/2011;C1;A;1;1\n" for i in range(400))
        r = self.imported(self.file("fr.csv", self.HEAD + rows))
        self.assertEqual(r["dates"], "day-first")
        r = self.imported(self.file("us.csv", self.HEAD + rows + "999;12/25/2011;C1;A;1;1\n"), "--source", "us")
        self.assertEqual((r["dates"], r["rejected"]), ("month-first", 0))
        self.assertEqual(self.sql("SELECT strftime('%m', at + 7200, 'unixepoch') FROM fact WHERE key = 'us:1'"), [("02",)])
        self.assertEqual(self.sql("SELECT count(*) FROM fact"), [(801,)])

    def test_future_is_quarantined(self):
        r = self.imported(self.file("o.csv", self.HEAD + "1;2199-01-05;C1;A;1;10,00\n2;2011-01-05;C1;A;1;1\n"))
        self.assertEqual((r["facts"], r["quarantined"]), (1, 1))
        self.assertIn("quarantine", self.errors)

    def test_consents(self):
        f = self.file("c.csv", "ID;Titre;Prénom;Nom;Adresse e-mail;Ventes;Activé;Newsletter;Offres partenaires;Inscription\n"
                               "1;M.;Jean;Lévy;jean@x.fr;0;1;1;0;2020-01-05 10:00:00\n2;Mme;Anne;Roy;anne@x.fr;0;1;0;0;2020-01-06 10:00:00\n")
        r = self.imported(f)
        self.assertEqual((r["customers"], r["consents"], r["consents_withheld"]), (2, 1, 1))
        self.assertIn("--consent-source", self.errors)
        self.assertEqual(self.sql("SELECT count(*) FROM fact WHERE body LIKE '%granted%'"), [(0,)])
        r = self.imported(f, "--consent-source", "formulaire du site")
        self.assertEqual(r["consents"], 1)
        body, = [json.loads(b) for b, in self.sql("SELECT body FROM fact WHERE kind = 3 AND body LIKE '%granted%'")]
        self.assertEqual(body["source"], "formulaire du site (c.csv)")
        self.assertEqual(self.imported(f, "--consent-source", "formulaire du site")["facts"], 0)
        # a list of the unsubscribed takes it back, whoever brings it, and an order does not give it again
        u = self.file("u.csv", "Email Address,First Name,UNSUB_TIME\nJEAN@x.fr,Jean,2021-01-05 10:00:00\n")
        self.assertEqual(self.imported(u)["consents"], 1)
        self.assertEqual(self.sql("SELECT count(*) FROM customer"), [(2,)])
        o = self.file("o.csv", "order,date,email,sku,amount\n1,2022-01-05,jean@x.fr,A,5\n2,2022-01-05,new@x.fr,A,5\n")
        self.assertEqual(self.imported(o, "--consent-source", "caisse")["consents"], 1)
        who = dict(self.sql("SELECT customer_id, ref FROM customer"))
        soft = self.sql("SELECT customer_id FROM fact WHERE body LIKE '%soft%'")
        self.assertEqual([who[c] for c, in soft], ["new@x.fr"])
        # the same address is the same person, by number too
        self.assertEqual(self.imported(self.file("p.csv", "id,email,first name\n77,new@x.fr,Zoé\n"), "--as", "customers")["new_customers"], 0)

    def test_map(self):
        f = self.file("m.csv", "colour;jour;valeur;qui\nred;03/04/2011;1.234,50;C1\n")
        self.assertIn("colour, jour, valeur, qui", self.refused(f))
        self.relance("import", self.db, f, "--as", "orders", status=1)
        m = self.file("map.yaml", "as: orders\nsource: till\ndates: day-first\ncolumns: {colour: sku, jour: date, valeur: amount, qui: customer}\n"
                                  "not_products: [red]\nconstants: {sale_channel: store}\n")
        r = self.imported(f, "--map", m)
        self.assertEqual((r["source"], r["orders"]), ("till", 1))
        self.assertEqual(self.sql("SELECT body, datetime(at, 'unixepoch') FROM fact"),
                         [('{"lines":[[1,1,123450]],"channel":"store"}', "2011-04-02 22:00:00")])
        self.assertEqual(self.sql("SELECT not_a_product FROM product"), [(1,)])
        bad = self.file("bad.yaml", "columns:\n  colour: skuu\n")
        self.assertIn("line 2, column 11", self.refused(f, "--map", bad))

    def test_template_map_works(self):
        f = self.file("m.csv", "colour;jour;Montant\nred;03/04/2011;5\n")
        out = self.relance("import", self.db, f, "--as", "orders", status=1)
        self.assertIn('"Montant": amount', out)
        m = self.file("map.yaml", out.replace('"jour": ignore', '"jour": date').replace('"colour": ignore', '"colour": order'))
        self.assertEqual(self.imported(f, "--map", m)["orders"], 1)

    def test_refused(self):
        for name, text, says in (("a.xlsx", b"PK\3\4" + b"\0" * 50, "save it as CSV"), ("a.pdf", b"%PDF-1.4", "PDF"), ("e.csv", b"", "empty"),
                                 ("x.json", b'[{"a":1', "not JSON"), ("y.json", b'[{"a":}]', "not JSON")):
            self.assertIn(says, self.refused(self.file(name, text), "--as", "customers"))
            self.assertEqual(self.errors.count("\n"), 1)
        self.assertIn("No such file", self.refused(self.dir / "absent.csv"))
        self.relance("import", self.db, "x", "--as", "things", status=2)
        self.assertEqual(self.facts(), [])

    def test_long_row_in_bounded_memory(self):
        """A line of 300 MB in 64 MB of memory: one reject, the rest goes in."""
        path = self.dir / "long.csv"
        with open(path, "wb") as f:
            f.write(self.HEAD.encode() + b"1;2011-01-05;C1;A;1;1\n")
            for _ in range(300):
                f.write(b"x" * (1 << 20))
            f.write(b"\n2;2011-01-05;C1;A;1;1\n")
        r = self.imported_within(path, 64)
        self.assertEqual((r["accepted"], r["rejected"], r["orders"]), (2, 1, 2))


class Platforms(Shop):
    zone, currency, locale = "Europe/Paris", "USD", "en"

    @classmethod
    def setUpClass(cls):
        packed = DATA / "platforms" / "platforms.tar.zst"
        if not packed.exists():
            raise unittest.SkipTest("platforms is not in RELANCE_DATA")
        cls.samples = tempfile.TemporaryDirectory()
        with tarfile.open(fileobj=io.BytesIO(unpack(packed))) as tar:
            tar.extractall(cls.samples.name)
        cls.root = pathlib.Path(cls.samples.name) / "platforms"

    @classmethod
    def tearDownClass(cls):
        cls.samples.cleanup()

    def test_samples(self):
        for name, kind, source, accepted in (
                ("magento2_sample_data/CustomerSampleData__customer_profile.csv", "customers", "magento", 1),
                ("magento2_sample_data/CatalogSampleData__SimpleProduct_products_gear_fitness_equipment.csv", "products", "magento", None),
                ("shopify_product_csvs/home-and-garden.csv", "products", "shopify", None),
                ("shopify_fixtures/customers_search.json", "customers", "shopify", 1),
                ("shopify_fixtures/carts.json", "carts", "shopify", 2),
                ("shopify_fixtures/product_listings.json", "products", "shopify", None),
                ("woocommerce_rest_docs/customers__list_all_customers.json", "customers", "woocommerce", 2),
                ("woocommerce_rest_docs/products__list_all_products.json", "products", "woocommerce", 2),
                ("woocommerce_rest_docs/orders__list_all_orders.json", "orders", "woocommerce", 6)):
            with self.subTest(name):
                r = self.imported(self.root / name)
                self.assertEqual((r["kind"], r["source"], r["rejected"]), (kind, source, 0))
                if accepted is not None:
                    self.assertEqual(r["accepted"], accepted)
                else:
                    with open(self.root / name, newline="") as f:
                        want = sum(1 for row in csv.reader(f) if row) - 1 if name.endswith(".csv") else r["rows"]
                    self.assertEqual(r["accepted"], want)
                before = self.facts()
                self.imported(self.root / name)
                self.assertEqual(self.facts(), before)

    def test_woocommerce_totals(self):
        path = self.root / "woocommerce_rest_docs" / "orders__list_all_orders.json"
        self.imported(path)
        newest = self.newest()
        for order in json.loads(path.read_text()):
            _, body = newest["woocommerce:" + order["number"]]
            self.assertEqual(sum(a for _, _, a in body["lines"]), int(Decimal(order["total"]) * 100))
            for refund in order["refunds"]:
                _, body = newest[f"woocommerce:{order['number']}/refund/{refund['id']}"]
                self.assertEqual(sum(a for _, _, a in body["lines"]), int(Decimal(refund["total"]) * 100))


if __name__ == "__main__":
    unittest.main(verbosity=1)
