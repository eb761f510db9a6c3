#!/usr/bin/env python3
"""Webhooks with shops and other programs: test_shop_hooks.py RELANCE. Bodies are of the shapes that Shopify, WooCommerce and
PrestaShop document; the receiver of ours fails at first."""
import base64
import contextlib
import email
import email.policy
import glob
import hashlib
import hmac
import http.server
import io
import json
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
import unittest
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
SECRET = "un secret de boutique"
DATA = pathlib.Path(os.environ.get("RELANCE_DATA", pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data"))
SIGNED = {"shopify": ("X-Shopify-Topic", "X-Shopify-Hmac-Sha256"), "woocommerce": ("X-WC-Webhook-Topic", "X-WC-Webhook-Signature"),
          "prestashop": ("X-Prestashop-Topic", "X-Prestashop-Signature")}

SHOPIFY_ORDER = {
    "id": 450789469, "name": "#1001", "email": "Bob.Norman@example.net", "processed_at": "2026-05-10T11:00:00-05:00", "source_name": "web",
    "financial_status": "paid", "cancelled_at": None, "taxes_included": False, "currency": "EUR", "discount_codes": [{"code": "TENOFF"}],
    "customer": {"id": 207119551, "email": "bob.norman@example.net", "first_name": "Bob", "last_name": "Norman"},
    "billing_address": {"address1": "3 rue du Four", "zip": "59000", "city": "Lille", "country_code": "FR"},
    "line_items": [
        {"id": 1, "sku": "IPOD-8", "title": "IPod Nano", "quantity": 2, "price": "199.00", "discount_allocations": [{"amount": "10.00"}],
         "tax_lines": [{"price": "7.76"}]},
        {"id": 2, "sku": "", "variant_id": 77, "title": "Étui", "quantity": 1, "price": "9.90", "total_discount": "0.00", "tax_lines": []}],
    "refunds": []}
WOO_ORDER = {
    "id": 727, "number": "727", "status": "processing", "customer_id": 0, "date_created": "2026-05-11T16:28:02", "date_paid": "2026-05-11T16:30:00",
    "billing": {"first_name": "John", "last_name": "Doe", "email": "john.doe@example.net", "phone": "0612345678", "address_1": "9 Market",
                "postcode": "59000", "city": "Lille", "country": "FR"},
    "coupon_lines": [], "refunds": [],
    "line_items": [{"name": "Woo Single", "product_id": 93, "variation_id": 0, "quantity": 2, "total": "6.00", "total_tax": "0.45", "sku": ""},
                   {"name": "Ship", "product_id": 22, "variation_id": 23, "quantity": 1, "total": "12.00", "total_tax": "0.90", "sku": "SHIP"}]}
PRESTA_ORDER = {"order": {
    "id": 5, "id_customer": "12", "reference": "XKBKNABJK", "current_state": "2", "valid": "1", "date_add": "2026-05-12 10:00:00",
    "associations": {"order_rows": [{"product_id": "1", "product_reference": "demo_1", "product_name": "T-shirt", "product_quantity": "3",
                                     "unit_price_tax_incl": "19.120000"}]}}}


class Receiver(http.server.BaseHTTPRequestHandler):
    """Refuses each delivery the first time."""
    told, tries = [], {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number = self.headers["X-Relance-Delivery"]
        self.tries[number] = self.tries.get(number, 0) + 1
        status = 500 if self.tries[number] == 1 else 200
        if status == 200:
            self.told.append((dict(self.headers), body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *ignored):
        pass


class Welcoming(Receiver):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()


class Hooks(unittest.TestCase):
    @staticmethod
    def address():
        return None

    @classmethod
    def setUpClass(cls):
        cls.server = s = shop.Server(RELANCE, address=cls.address()).__enter__()
        try:
            s.first_run()
            cls.ids = {p: cls.ask("POST", "/hooks/in", {"platform": p, "name": p[:4], "secret": SECRET}, 201)["id"]
                       for p in ("shopify", "woocommerce", "prestashop")}
        except BaseException:
            s.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    @classmethod
    def ask(cls, method, path, body=None, status=200):
        a = cls.server.ask(method, API + path, body)
        assert a.status == status, (method, path, a.status, a.body[:300])
        return a.json()

    def tell(self, platform, topic, body, delivery, status=200, secret=SECRET, hexa=False):
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        mac = hmac.new(secret.encode(), data, hashlib.sha256)
        text = "sha256=" + mac.hexdigest() if hexa else base64.b64encode(mac.digest()).decode()
        names = {"shopify": ("X-Shopify-Topic", "X-Shopify-Hmac-Sha256", "X-Shopify-Webhook-Id"),
                 "woocommerce": ("X-WC-Webhook-Topic", "X-WC-Webhook-Signature", "X-WC-Webhook-Delivery-ID"),
                 "prestashop": ("X-Prestashop-Topic", "X-Prestashop-Signature", "X-Prestashop-Delivery")}[platform]
        a = self.server.ask("POST", f"/w/{self.ids[platform]}", data.decode(), headers=dict(zip(names, (topic, text, delivery))), signed=False)
        self.assertEqual(a.status, status, a.text())
        return a.json()

    def customer(self, q):
        return self.server.until(lambda: (i := self.ask("GET", f"/customers?q={q}")["items"]) and self.ask("GET", f"/customers/{i[0]['id']}"))

    def spend(self, q, amount):
        self.server.until(lambda: self.customer(q)["spend"] == amount)

    def test_shopify(self):
        self.assertEqual(self.tell("shopify", "orders/create", SHOPIFY_ORDER, "d1")["accepted"], 2)
        # 2 × 199 − 10 + 7.76, and 9.90
        self.spend("207119551", 39576 + 990)
        d = self.customer("207119551")
        self.assertEqual((d["person"]["last_name"], d["person"]["city"], d["person"]["email"]), ("Norman", "Lille", "bob.norman@example.net"))
        t = self.ask("GET", f"/customers/{d['id']}/timeline")["items"]
        [o] = [x for x in t if x["kind"] == "order"]
        self.assertEqual((o["key"], o["at"], o["voucher"], [li["sku"] for li in o["lines"]]), ("shop:#1001", "2026-05-10T16:00:00Z", "TENOFF", ["IPOD-8", "shopify-77"]))
        self.assertTrue(self.tell("shopify", "orders/create", SHOPIFY_ORDER, "d1")["known"])
        self.assertEqual(self.tell("shopify", "orders/updated", SHOPIFY_ORDER, "d2")["accepted"], 0)
        back = {**SHOPIFY_ORDER, "refunds": [{"id": 509, "processed_at": "2026-05-20T10:00:00Z", "refund_line_items": [
            {"quantity": 1, "subtotal": "194.00", "total_tax": "3.88", "line_item": {"sku": "IPOD-8", "title": "IPod Nano"}}]}]}
        self.tell("shopify", "orders/updated", back, "d3")
        self.spend("207119551", 39576 + 990 - 19788)
        self.tell("shopify", "orders/cancelled", {**SHOPIFY_ORDER, "cancelled_at": "2026-05-21T10:00:00Z"}, "d4")
        self.server.until(lambda: self.customer("207119551")["orders"] == 0)

    def test_an_older_state_comes_later(self):
        """What a platform sends again may come behind what came after it: the newer state stays. At the same instant, the later word holds."""
        order = {**SHOPIFY_ORDER, "id": 88, "name": "#88", "email": "late@example.net", "customer": {"id": 8801}, "updated_at": "2026-05-12T10:00:00Z"}
        new, [line, _] = {**order, "updated_at": "2026-05-13T10:00:00Z"}, order["line_items"]
        new["line_items"] = [{**line, "price": "100.00", "discount_allocations": [], "tax_lines": []}]
        self.tell("shopify", "orders/updated", new, "o1")
        self.spend("8801", 20000)
        got = self.tell("shopify", "orders/create", order, "o2")
        self.assertEqual((got["older"], got["known"], got["accepted"]), (True, False, 0))
        got = self.tell("shopify", "orders/create", order, "o2")
        self.assertEqual((got["older"], got["known"]), (False, True))
        self.assertEqual(self.customer("8801")["spend"], 20000)
        self.tell("shopify", "orders/cancelled", {**new, "cancelled_at": "2026-05-13T10:00:00Z"}, "o3")
        self.server.until(lambda: self.customer("8801")["orders"] == 0)
        cart = {"token": "late1", "email": "late@example.net", "customer": {"id": 8801}, "completed_at": "2026-05-01T11:00:00Z", "updated_at": "2026-05-01T11:00:00Z", "line_items": []}
        self.tell("shopify", "checkouts/update", cart, "o4")
        self.assertTrue(self.tell("shopify", "checkouts/update", {**cart, "completed_at": None, "updated_at": "2026-05-01T10:00:00Z"}, "o5")["older"])
        product = {"id": 5, "title": "Vase", "updated_at": "2026-05-02T10:00:00Z", "variants": [{"id": 51, "sku": "VASE", "title": "Default Title", "price": "20.00"}]}
        self.tell("shopify", "products/update", product, "o6")
        self.assertTrue(self.tell("shopify", "products/update", {**product, "updated_at": "2026-05-01T10:00:00Z"}, "o7")["older"])
        woo = {**WOO_ORDER, "id": 728, "number": "728", "date_modified": "2026-05-12T10:00:00", "billing": {**WOO_ORDER["billing"], "email": "late.woo@example.net"}}
        self.tell("woocommerce", "order.updated", woo, "o8")
        self.spend("late.woo", 1935)
        self.assertTrue(self.tell("woocommerce", "order.updated", {**woo, "date_modified": "2026-05-11T10:00:00", "status": "cancelled"}, "o9")["older"])
        presta = json.loads(json.dumps(PRESTA_ORDER))
        presta["order"].update(id=6, reference="LATE", id_customer="1201", date_upd="2026-05-13 10:00:00")
        self.tell("prestashop", "order", presta, "o10")
        presta["order"].update(date_upd="2026-05-12 10:00:00", current_state="6")
        self.assertTrue(self.tell("prestashop", "order", presta, "o11")["older"])
        self.spend("1201", 5736)
        kept = [d for d, in self.server.sql("SELECT delivery FROM hook_delivery WHERE delivery LIKE 'newest:%'")]  # names nobody
        self.assertTrue(kept and all(re.fullmatch(r"newest:[0-9a-f]{16}", d) for d in kept))

    def test_what_must_be_taken_and_tells_nothing(self):
        """Shopify wants an answer to shop/redact; a refund alone does not say whose it is, and comes with its order."""
        for n, topic in enumerate(("shop/redact", "app/uninstalled", "refunds/create", "customers/delete")):
            got = self.tell("shopify", topic, {"id": 9, "order_id": 1, "shop_id": 954889, "shop_domain": "x.example"}, f"m{n}")
            self.assertEqual((got["accepted"], got["known"]), (0, False))
        number = self.tell("shopify", "customers/data_request", {"customer": {"id": 207119551}, "orders_requested": []}, "m9")
        self.assertFalse(number["known"])

    def test_woocommerce_deletes_an_order(self):
        order = {**WOO_ORDER, "id": 740, "number": "740", "billing": {**WOO_ORDER["billing"], "email": "gone.woo@example.net"}}
        self.tell("woocommerce", "order.created", order, "g1")
        self.spend("gone.woo", 1935)
        self.assertEqual(self.tell("woocommerce", "order.deleted", {"id": 740}, "g2")["accepted"], 1)
        self.server.until(lambda: self.customer("gone.woo")["orders"] == 0)
        self.assertEqual(self.tell("woocommerce", "order.deleted", {"id": 741}, "g3")["accepted"], 0)

    def test_shopify_people(self):
        who = {"id": 5001, "email": "ana@example.net", "first_name": "Ana", "last_name": "Costa", "created_at": "2026-01-01T10:00:00Z",
               "email_marketing_consent": {"state": "subscribed", "opt_in_level": "confirmed_opt_in", "consent_updated_at": "2026-01-02T10:00:00Z"}}
        self.tell("shopify", "customers/create", who, "p1")
        d = self.server.until(lambda: (d := self.customer("5001"))["consents"] and d)
        self.assertEqual((d["consents"][0]["state"], d["consents"][0]["source"], d["consents"][0]["at"]), ("granted", "Shopify, confirmed_opt_in", "2026-01-02T10:00:00Z"))
        who["email_marketing_consent"] = {"state": "unsubscribed", "opt_in_level": "confirmed_opt_in", "consent_updated_at": "2026-02-02T10:00:00Z"}
        self.tell("shopify", "customers/update", who, "p2")
        self.server.until(lambda: self.customer("5001")["consents"][0]["state"] == "withdrawn")
        cart = {"token": "tok1", "email": "ana@example.net", "customer": {"id": 5001}, "updated_at": "2026-05-01T10:00:00Z", "completed_at": None,
                "abandoned_checkout_url": "https://shop.example/c", "line_items": [{"sku": "A", "title": "A", "quantity": 1, "price": "10.00"}], "taxes_included": True}
        self.tell("shopify", "checkouts/update", cart, "p3")
        self.tell("shopify", "checkouts/update", {**cart, "completed_at": "2026-05-01T11:00:00Z", "updated_at": "2026-05-01T11:00:00Z"}, "p4")
        self.server.until(lambda: {"changed", "paid"} == {x["state"] for x in self.ask("GET", f"/customers/{d['id']}/timeline")["items"] if x["kind"] == "cart"})
        self.assertEqual(self.tell("shopify", "checkouts/create", {**cart, "email": None, "customer": None, "token": "t2"}, "p5")["accepted"], 0)
        number = self.tell("shopify", "customers/redact", {"customer": {"id": 5001, "email": "ana@example.net"}}, "p6")["request"]
        self.assertEqual([x["kind"] for x in self.ask("GET", "/requests")["items"] if x["id"] == number], ["erasure"])
        before = len(self.ask("GET", "/requests")["items"])
        again = self.tell("shopify", "customers/redact", {"customer": {"id": 5001, "email": "ana@example.net"}}, "p6")
        self.assertEqual((again["known"], again["request"]), (True, 0))
        self.assertEqual(len(self.ask("GET", "/requests")["items"]), before)

    def test_what_is_known_stays(self):
        """A profile told by another source is laid over what is known: a sign-up, a shop's webhook, a correction."""
        def profile():
            rows = self.server.sql("SELECT key, body FROM fact JOIN customer USING (customer_id) WHERE kind = 4 AND ref = '1007' ORDER BY seq")
            return rows[-1][0], json.loads(rows[-1][1])
        a = self.ask("POST", "/facts", [{"kind": "profile", "key": "crm:1007", "customer": "1007", "tags": ["vip", "jardin"], "zone": "Europe/Madrid"}], 201)
        self.assertEqual(a["accepted"], 1)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        joined = self.server.ask("POST", "/join?lang=en", "email=client7%40example.net&agree=yes", headers=form, signed=False)
        self.assertEqual(joined.status, 200)
        [name] = glob.glob(self.server.outbox + "/signup*.eml")
        with open(name, "rb") as f:
            token = re.search(r"/d/([\w-]{36})", email.message_from_binary_file(f, policy=email.policy.default).get_content())[1]
        self.assertEqual(self.server.ask("POST", f"/d/{token}", "", headers=form, signed=False).status, 200)
        told = [profile()]
        who = {"id": 1007, "email": "client7@example.net", "first_name": "Prénom7", "last_name": "Martin7", "phone": "+33612345678"}
        self.tell("shopify", "customers/update", who, "k1")
        told.append(profile())
        self.ask("PATCH", f"/customers/{self.customer('1007')['id']}/person", {"gender": "f"})
        told.append(profile())
        self.assertEqual(len({key for key, _ in told}), 3, told)
        for key, body in told:
            self.assertEqual((body["born"], body["tags"], body["zone"]), (3784, ["vip", "jardin"], "Europe/Madrid"), key)  # 1980-05-12, in days
        self.assertEqual((told[0][1]["locale"], told[2][1]["locale"], told[2][1]["gender"]), ("en", "en", "f"))

    def test_shopify_product(self):
        self.tell("shopify", "products/update", {"id": 9, "title": "Chaise", "vendor": "Léa", "product_type": "Sièges", "variants": [
            {"id": 1, "sku": "CH-1", "title": "Bleu", "price": "49.90", "inventory_management": "shopify", "inventory_quantity": 3}]}, "q1")

    def test_woocommerce(self):
        self.tell("woocommerce", "order.created", WOO_ORDER, "w1")
        self.spend("john.doe", 645 + 1290)
        self.tell("woocommerce", "order.updated", {**WOO_ORDER, "refunds": [{"id": 9, "total": "-10.00"}], "date_modified": "2026-05-15T10:00:00"}, "w2")
        self.spend("john.doe", 645 + 1290 - 1000)
        self.tell("woocommerce", "order.updated", {**WOO_ORDER, "status": "refunded", "refunds": [{"id": 9, "total": "-19.35"}]}, "w3")
        self.spend("john.doe", 0)
        a = self.server.ask("POST", f"/w/{self.ids['woocommerce']}", "webhook_id=3", signed=False)
        self.assertEqual(a.status, 200)
        self.tell("woocommerce", "customer.updated", {"id": 77, "email": "john.doe@example.net", "first_name": "Johnny", "last_name": "Doe", "billing": {}}, "w4")
        self.server.until(lambda: self.customer("john.doe")["person"]["first_name"] == "Johnny")  # one person, not two

    def test_prestashop(self):
        who = {"customer": {"id": 12, "firstname": "Marie", "lastname": "Durand", "email": "marie@example.net", "newsletter": "1",
                            "newsletter_date_add": "2026-01-05 10:00:00", "birthday": "1980-02-29", "date_add": "2026-01-01 10:00:00"}}
        self.tell("prestashop", "customer", who, "x1", hexa=True)
        self.tell("prestashop", "order", PRESTA_ORDER, "x2")
        self.spend("marie", 3 * 1912)
        d = self.customer("marie")
        self.assertEqual((d["born"], d["ref"], d["consents"][0]["state"]), ("1980-02-29", "12", "granted"))
        who["customer"]["newsletter"] = "0"
        self.tell("prestashop", "customer", who, "x3")
        self.server.until(lambda: self.customer("marie")["consents"][0]["state"] == "withdrawn")
        self.tell("prestashop", "order", {"order": {**PRESTA_ORDER["order"], "current_state": "7", "date_upd": "2026-05-20 10:00:00"}}, "x4")
        self.spend("marie", 0)

    def test_refused(self):
        self.tell("shopify", "orders/create", SHOPIFY_ORDER, "z1", 401, secret="autre")
        self.tell("shopify", "orders/create", b"{", "z2", 400)
        self.tell("shopify", "orders/create", [], "z3", 422)
        self.tell("shopify", "shop/update", {"id": 1}, "z4")
        a = self.server.ask("POST", "/w/99", "{}", signed=False)
        self.assertEqual(a.status, 404)
        a = self.server.ask("POST", f"/w/{self.ids['shopify']}", "{}", signed=False)
        self.assertEqual(a.status, 401)
        for wrong in ({"platform": "magento", "name": "m", "secret": SECRET}, {"platform": "shopify", "name": "A B", "secret": SECRET}, {"platform": "shopify", "name": "a", "secret": "x"}):
            self.ask("POST", "/hooks/in", wrong, 422)
        self.assertNotIn(SECRET, json.dumps(self.ask("GET", "/hooks")))
        self.assertNotIn(SECRET, str(self.server.sql("SELECT * FROM hook_in")))

    def test_out(self):
        Receiver.told.clear()
        Receiver.tries.clear()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for wrong in ({"url": "ftp://x", "events": "message.sent"}, {"url": "https://x.example/", "events": "everything"}, {"url": "https://x.example/"}):
            self.ask("POST", "/hooks/out", wrong, 422)
        made = self.ask("POST", "/hooks/out", {"url": f"http://127.0.0.1:{server.server_port}/x", "events": "customer.unsubscribed plan.goal"}, 201)
        consent = {"kind": "consent", "customer": "1007", "channel": "email", "state": "withdrawn", "source": "comptoir"}
        self.ask("POST", "/facts", [{**consent, "key": "out:1"}, {**consent, "key": "out:2", "state": "granted"}], 201)
        waiting = self.server.until(lambda: [e for e in self.ask("GET", f"/hooks/out/{made['id']}/events")["items"] if e["tries"] == 1], 10)
        self.assertEqual((len(waiting), waiting[0]["state"], waiting[0]["answer"]), (1, "waiting", "500"))
        self.assertEqual([h["waiting"] for h in self.ask("GET", "/hooks")["out"]], [1])
        self.server.stop()  # the queue outlives the program; its clock does not wait for us
        self.server.sql("UPDATE hook_event SET try_after = 0")
        cookie, csrf = self.server.cookie, self.server.csrf
        self.server.start()
        self.server.cookie, self.server.csrf = cookie, csrf
        headers, body = self.server.until(lambda: Receiver.told and Receiver.told[0], 10)
        at, mac = (p.split("=")[1] for p in headers["X-Relance-Signature"].split(","))
        self.assertEqual(mac, hmac.new(made["secret"].encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest())
        self.assertLess(abs(time.time() - int(at)), 60)
        told = json.loads(body)
        self.assertEqual((told["event"], told["ref"], told["channel"], headers["X-Relance-Event"]), ("customer.unsubscribed", "1007", "email", "customer.unsubscribed"))
        self.assertNotIn("client7@", body.decode())
        self.server.until(lambda: self.ask("GET", f"/hooks/out/{made['id']}/events")["items"][0]["state"] == "done")
        # a goal: the next order of somebody in a plan
        self.ask("POST", "/plans/cross-sell/switch", {"to": "on"})
        for n in (1, 2):
            time.sleep(1.1)
            self.ask("POST", "/facts", {"kind": "order", "key": f"g:{n}", "customer": "goal-1", "lines": [{"sku": "SKU1", "quantity": 1, "amount": 100}]}, 201)
            self.server.until(lambda n=n: self.ask("GET", "/plans/cross-sell")["counts"]["entered"] >= n, 10)
        goal = self.server.until(lambda: [e for e in self.ask("GET", f"/hooks/out/{made['id']}/events")["items"] if e["event"] == "plan.goal"], 10)
        self.assertEqual(len(goal), 1)
        self.ask("POST", "/plans/cross-sell/switch", {"to": "off"})
        self.ask("DELETE", f"/hooks/out/{made['id']}")
        self.ask("DELETE", f"/hooks/out/{made['id']}", status=404)
        server.shutdown()
        server.server_close()


class Samples(unittest.TestCase):
    """What the platforms themselves publish as examples (RELANCE_DATA): told with the right signature, and with wrong ones."""
    @staticmethod
    def address():
        return None

    @classmethod
    def setUpClass(cls):
        packed = DATA / "platforms" / "platforms.tar.zst"
        if not packed.exists():
            raise unittest.SkipTest("platforms is not in RELANCE_DATA")
        plain = subprocess.run(["zstd", "-qdc", packed], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            cls.files = {m.name.split("/", 1)[1]: tar.extractfile(m).read().decode() for m in tar if m.isfile() and "/" in m.name}
        cls.server = shop.Server(RELANCE, address=cls.address()).__enter__()
        try:
            cls.server.first_run()
            cls.ids = {p: cls.server.ask("POST", API + "/hooks/in", {"platform": p, "name": p[:4], "secret": SECRET}).json()["id"] for p in SIGNED}
        except BaseException:
            cls.server.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def tell(self, platform, topic, body, signature=None, delivery=""):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        topic_name, mac_name = SIGNED[platform]
        mac = base64.b64encode(hmac.new(SECRET.encode(), data, hashlib.sha256).digest()).decode()
        headers = {topic_name: topic, mac_name: mac if signature is None else signature, **({"X-Shopify-Webhook-Id": delivery} if delivery else {})}
        return self.server.ask("POST", f"/w/{self.ids[platform]}", data.decode(), headers=headers, signed=False)

    def taken(self, platform, topic, body, accepted):
        """Wrong signatures first: they leave nothing behind. Then the right one; then the same again."""
        data = json.dumps(body).encode()
        other = base64.b64encode(hmac.new(b"another secret", data, hashlib.sha256).digest()).decode()
        plain = base64.b64encode(hashlib.sha256(data).digest()).decode()
        right = hmac.new(SECRET.encode(), data, hashlib.sha256)
        before = self.facts()
        for wrong in ("", "x", other, plain, right.hexdigest()[:-1], right.hexdigest() + "0", base64.b64encode(right.digest()).decode()[:-2], "sha1=" + right.hexdigest(), "\u00e9".encode().decode("latin-1")):
            a = self.tell(platform, topic, body, wrong)
            self.assertEqual((a.status, a.headers["Content-Type"]), (401, "application/problem+json"), (wrong, a.body))
        self.assertEqual(self.tell(platform, topic, data.replace(b"1", b"2", 1), base64.b64encode(right.digest()).decode()).status, 401)
        self.assertEqual(self.facts(), before)
        a = self.tell(platform, topic, body)
        self.assertEqual(a.status, 200, a.body)
        if accepted is not None:
            self.assertEqual(a.json()["accepted"], accepted, (topic, a.body))
        self.assertTrue(self.tell(platform, topic, body).json()["known"])

    def facts(self):
        return self.server.sql("SELECT count(*), max(seq) FROM fact")

    def order(self, key):
        """The lines of an order as it is known."""
        rows = self.server.sql(f"SELECT body FROM fact WHERE key = '{key}' ORDER BY seq")
        return json.loads(rows[-1][0])["lines"]

    def read(self, name):
        return json.loads(self.files[name])

    def test_woocommerce(self):
        for order in self.read("woocommerce_rest_docs/orders__list_all_orders.json"):
            self.taken("woocommerce", "order.created", order, 2 + len(order["refunds"]))
            shipping = sum(Decimal(line["total"]) + Decimal(line["total_tax"]) for line in order["shipping_lines"])
            self.assertEqual(sum(line[2] for line in self.order("wooc:" + order["number"])), int((Decimal(order["total"]) - shipping) * 100))
        for who in self.read("woocommerce_rest_docs/customers__list_all_customers.json"):
            self.taken("woocommerce", "customer.created", who, 1)
            self.assertEqual(self.server.sql(f"SELECT email FROM person WHERE email = '{who['email']}'"), [[who["email"]]])
        for product in self.read("woocommerce_rest_docs/products__list_all_products.json"):
            self.taken("woocommerce", "product.updated", product, 1)
            self.assertEqual(self.server.sql(f"SELECT name FROM product WHERE sku = 'woocommerce-{product['id']}'"), [[product["name"]]])

    def test_shopify(self):
        [who] = self.read("shopify_fixtures/customers_search.json")["customers"]
        self.taken("shopify", "customers/create", who, 1)
        self.assertEqual(self.server.sql(f"SELECT last_name FROM person WHERE email = '{who['email']}'"), [[who["last_name"]]])
        for cart in self.read("shopify_fixtures/carts.json")["carts"]:
            self.taken("shopify", "checkouts/create", cart, 0)  # nobody's yet
            self.taken("shopify", "checkouts/update", {**cart, "email": who["email"], "customer": {"id": who["id"]}}, None)
            self.assertEqual(len(self.server.sql(f"SELECT key FROM fact WHERE key LIKE 'shop:checkout/{cart['token']}@%'")), 1)
        order = self.read("shopify_fixtures/draft_order.json")["draft_order"]
        self.taken("shopify", "orders/create", {**order, "financial_status": "paid"}, None)
        self.assertEqual(len(self.order("shop:" + order["name"])), len(order["line_items"]))

    def test_prestashop(self):
        """Its documentation has no example: every resource with every field it names, each of the plain value its format takes."""
        plain = {"isUnsignedId": "7", "isBool": "1", "isDate": "2026-05-12 10:00:00", "isPrice": "12.500000", "isUnsignedInt": "3"}
        for name in ("carts", "products", "order_details", "addresses", "order_states"):
            fields = re.findall(r"^\| \*\*(\w+)\*\*\s*\| (\w*)", self.files[f"prestashop/webservice_{name}.md"], re.M)
            self.assertGreater(len(fields), 8)
            resource = {"id": "7", **{field: plain.get(form, "x") for field, form in fields}}
            resource["associations"] = {"cart_rows": [{"id_product": "3", "id_product_attribute": "0", "quantity": "2"}]}
            kind = name[:-1] if name in ("carts", "products") else name
            self.taken("prestashop", kind, {kind: resource}, 1 if name in ("carts", "products") else None)

    def test_zz_everything_under_every_topic(self):
        """Whatever a signed body is, it is taken or refused, and the server stays up."""
        topics = {"shopify": ("orders/create", "orders/updated", "customers/update", "products/update", "checkouts/update", "customers/redact", "", "x" * 500),
                  "woocommerce": ("order.updated", "customer.updated", "product.updated", "order.deleted", "nothing"), "prestashop": ("order", "customer", "cart", "product", "")}
        count = 0
        for name, text in self.files.items():
            if not name.endswith(".json"):
                continue
            try:
                sample = json.loads(text)
            except ValueError:
                continue
            inner = [v for v in sample.values() if isinstance(v, (dict, list))] if isinstance(sample, dict) else sample
            for platform, of in topics.items():
                for n, topic in enumerate(of):
                    for body in [sample, *(inner[:2] if isinstance(inner, list) else [])]:
                        a = self.tell(platform, topic, body, delivery=f"e{count}")
                        count += 1
                        self.assertIn(a.status, (200, 400, 422), (name, topic, a.body))
        self.assertGreater(count, 500)
        self.assertEqual(self.server.ask("GET", "/healthz", signed=False).json()["status"], "ok")
        self.assertIn("is sound", self.server.command("check", self.server.db))


@unittest.skipUnless(shop.postgres(""), "no PostgreSQL: RELANCE_TEST_PG is not set (tools/with_postgres.sh)")
class SamplesOnPostgres(Samples):
    @staticmethod
    def address():
        return shop.postgres("samples")


@unittest.skipUnless(shop.postgres(""), "no PostgreSQL: RELANCE_TEST_PG is not set (tools/with_postgres.sh)")
class HooksOnPostgres(Hooks):
    @staticmethod
    def address():
        return shop.postgres("hooks")


class Numbers(unittest.TestCase):
    """Hooks that come and go, in a shop of its own."""
    NOWHERE = {"url": "http://127.0.0.1:9/x", "events": "customer.unsubscribed customer.subscribed plan.goal"}

    def setUp(self):
        self.server = shop.Server(RELANCE).__enter__()
        self.addCleanup(self.server.__exit__)
        self.server.first_run()

    def ask(self, method, path, body=None, status=200):
        a = self.server.ask(method, API + path, body)
        self.assertEqual(a.status, status, (method, path, a.body[:300]))
        return a.json()

    def sql(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.server.db, timeout=10)) as db, db:
            return db.execute(text, values).fetchall()

    def consent(self, n, state="withdrawn"):
        self.ask("POST", "/facts", [{"kind": "consent", "customer": "1007", "channel": "email", "state": state, "source": "comptoir", "key": f"n:{n}"}], 201)

    def events(self, hook, seconds=10):
        return self.server.until(lambda: self.ask("GET", f"/hooks/out/{hook}/events")["items"], seconds)

    def test_number_of_a_hook(self):
        first = self.ask("POST", "/hooks/out", self.NOWHERE, 201)["id"]
        self.consent(1)
        self.events(first)
        self.ask("DELETE", f"/hooks/out/{first}")
        self.assertEqual(self.sql("SELECT count(*) FROM hook_event"), [(0,)])
        second = self.ask("POST", "/hooks/out", self.NOWHERE, 201)["id"]
        self.assertGreater(second, first)
        self.assertEqual(self.ask("GET", f"/hooks/out/{second}/events")["items"], [])
        made = {"platform": "shopify", "name": "s", "secret": SECRET}
        first = self.ask("POST", "/hooks/in", made, 201)["id"]
        self.sql("INSERT INTO hook_delivery VALUES (?, 'd1', 4000000000)", first)
        self.ask("DELETE", f"/hooks/in/{first}")
        self.assertEqual(self.sql("SELECT count(*) FROM hook_delivery"), [(0,)])
        self.assertGreater(self.ask("POST", "/hooks/in", made, 201)["id"], first)

    def test_number_of_an_event(self):
        hook = self.ask("POST", "/hooks/out", self.NOWHERE, 201)["id"]
        self.consent(1)
        [old] = self.events(hook)
        self.sql("UPDATE hook_event SET state = 'done', created_at = 0")
        self.ask("POST", "/facts", {"kind": "event", "key": "n:e", "customer": "1001", "name": "visit"}, 201)
        self.server.until(lambda: self.sql("SELECT count(*) FROM hook_event") == [(0,)], 10)
        self.consent(2, "granted")
        self.assertGreater(self.events(hook)[0]["id"], old["id"])

    def test_goals_from_now(self):
        """Goals met while nobody wanted to be told are not told to who comes later; many are told in pages."""
        first = self.ask("POST", "/hooks/out", self.NOWHERE, 201)["id"]
        self.consent(1)
        self.events(first)
        self.ask("DELETE", f"/hooks/out/{first}")
        columns = [c[1] for c in self.sql("PRAGMA table_info(decision)")]

        def goals(tick, count, start=1):
            given = {"tick": tick, "plan": "p", "step": "", "verdict": 6, "reason": 19, "first_at": 1, "last_at": 1}
            rows = [{**dict.fromkeys(columns, 0), **given, "customer_id": c % 60 + 1, "run_no": c} for c in range(start, start + count)]
            with contextlib.closing(sqlite3.connect(self.server.db, timeout=10)) as db, db:
                db.executemany(f"INSERT INTO decision ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})", [[r[c] for c in columns] for r in rows])

        def looked():
            return int(self.sql("SELECT value FROM shop WHERE name = 'hooks.tick'")[0][0])

        def newest():
            return self.sql("SELECT max(tick) FROM tick")[0][0]

        def told(name):
            return self.sql("SELECT count(*) FROM hook_event WHERE name = ?", name)[0][0]

        self.consent(2, "granted")
        self.server.until(lambda: newest() > looked(), 10)
        goals(newest(), 3)
        second = self.ask("POST", "/hooks/out", self.NOWHERE, 201)["id"]
        self.consent(3)
        self.events(second)
        self.server.until(lambda: newest() == looked(), 10)
        self.assertEqual(told("plan.goal"), 0)
        top = newest()
        goals(top - 1, 2100, 100)
        goals(top, 5, 5000)
        self.sql("UPDATE shop SET value = ? WHERE name = 'hooks.tick'", str(top - 2))
        self.consent(4, "granted")
        due = self.sql("SELECT count(*) FROM decision WHERE verdict = 6 AND reason = 19 AND tick > ?", top - 2)[0][0]
        self.server.until(lambda: newest() == looked(), 20)
        self.assertEqual(told("plan.goal"), due)

    def test_one_does_not_hold_up_the_others(self):
        silent = socket.create_server(("127.0.0.1", 0))  # never answers
        self.addCleanup(silent.close)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Welcoming)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        lost, slow, good = (self.ask("POST", "/hooks/out", {**self.NOWHERE, "url": f"http://127.0.0.1:{port}/"}, 201)["id"]
                            for port in (9, silent.getsockname()[1], server.server_port))
        self.sql("UPDATE hook_out SET secret = 'no longer readable' WHERE hook_id = ?", lost)
        for n in range(60):
            self.sql("INSERT INTO hook_event VALUES (?, ?, 'plan.goal', '{}', 4000000000, 0, 0, 'waiting', '')", n + 1, (lost, slow)[n % 2])
        self.sql("INSERT INTO hook_event VALUES (99, ?, 'plan.goal', '{}', 4000000000, 0, 0, 'waiting', '')", good)
        self.server.until(lambda: self.events(good)[0]["state"] == "done", 25)
        self.server.until(lambda: self.sql("SELECT count(*) FROM hook_event WHERE hook_id = ? AND state = 'given_up'", lost) == [(30,)], 25)
        self.assertGreaterEqual(self.sql("SELECT count(*) FROM hook_event WHERE hook_id = ? AND state = 'waiting'", slow)[0][0], 30)
        for _ in range(29):
            self.ask("POST", "/hooks/out", self.NOWHERE, 201)
        self.ask("POST", "/hooks/out", self.NOWHERE, 409)


if __name__ == "__main__":
    unittest.main()
