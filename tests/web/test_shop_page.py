#!/usr/bin/env python3
"""What a page of the web shop may ask (recommend.js): test_shop_page.py RELANCE."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop

RELANCE = os.path.abspath(sys.argv.pop(1))
API = "/api/v1"
OURS = "https://www.chez-lea.example"


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = shop.Server(RELANCE).__enter__()
        try:
            cls.server.first_run()
            cls.server.command("set", cls.server.db, "recommend.cross_percent", "1000")
            cls.server.command("set", cls.server.db, "recommend.origins", "https://chez-lea.example, " + OURS)
            for n in range(7):
                fact = {"kind": "product", "sku": f"SKU{n}", "name": f"Article {n}", "image": "javascript:alert(1)" if n % 2 else f"https://i.example/{n}.png"}
                assert cls.server.ask("POST", API + "/facts", fact).status == 201
            cls.key = cls.make("recommend")
        except BaseException:
            cls.server.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    @classmethod
    def make(cls, scopes):
        a = cls.server.ask("POST", API + "/keys", {"name": "page", "scopes": scopes})
        assert a.status == 201, a.text()
        return a.json()["key"]

    def get(self, query, key=None, origin=OURS, **headers):
        if origin:
            headers["Origin"] = origin
        return self.server.ask("GET", f"{API}/public/recommendations?key={key or self.key}&{query}", headers=headers, signed=False)

    def test_products_for_a_basket(self):
        a = self.get("basket=SKU1,nothing,SKU2&n=3&lang=en")
        self.assertEqual(a.status, 200, a.text())
        got = a.json()
        self.assertEqual((got["currency"], got["exponent"], len(got["items"])), ("EUR", 2, 3))
        for item in got["items"]:
            self.assertEqual(set(item), {"sku", "name", "price", "why", "url", "image"})
            self.assertNotIn(item["sku"], ("SKU1", "SKU2"))
            self.assertNotIn("javascript", str(item["image"]))
        self.assertTrue(any(item["image"] for item in self.get("n=10").json()["items"]))
        self.assertNotEqual([i["why"] for i in self.get("basket=SKU1,SKU2&lang=fr").json()["items"]], [i["why"] for i in got["items"]])
        self.assertNotIn("Martin", a.text())
        self.assertNotIn("Prénom", a.text())
        self.assertEqual(self.get("n=11").status, 422)

    def test_a_minute_for_one_origin_and_no_cookie(self):
        h = self.get("basket=SKU1").headers
        self.assertEqual(h.get_all("Access-Control-Allow-Origin"), [OURS])
        self.assertEqual(h.get_all("Cache-Control"), ["public, max-age=60"])
        self.assertEqual(h["Vary"], "Origin")
        self.assertIsNone(h["Set-Cookie"])
        self.assertIsNone(h["Access-Control-Allow-Credentials"])

    def test_other_origins_are_refused(self):
        for origin in ("https://elsewhere.example", "http://www.chez-lea.example", OURS + ".example", OURS[:-1], "null", None):
            a = self.get("basket=SKU1", origin=origin)
            self.assertEqual((a.status, a.headers["Access-Control-Allow-Origin"]), (403, None), origin)

    def test_a_page_at_the_same_address_need_not_be_named(self):
        for site, status in (("same-origin", 200), ("same-site", 403), ("cross-site", 403), ("none", 403)):
            a = self.get("basket=SKU1", origin=None, **{"Sec-Fetch-Site": site})
            self.assertEqual((a.status, a.headers["Access-Control-Allow-Origin"]), (status, None), site)
        self.assertEqual(self.get("basket=SKU1", origin="https://elsewhere.example", **{"Sec-Fetch-Site": "same-origin"}).status, 403)

    def test_the_key_can_do_nothing_else(self):
        for path in ("/today", "/customers", "/customers/1", "/customers/1/recommendations", "/settings", "/keys", "/session/factor"):
            a = self.server.ask("GET", API + path, headers={"Authorization": "Bearer " + self.key}, signed=False)
            self.assertIn(a.status, (403, 405), path)
            self.assertIn(self.server.ask("GET", f"{API}{path}?key={self.key}", signed=False).status, (401, 405), path)
        self.assertEqual(self.server.ask("POST", API + "/keys", {"name": "x", "scopes": "recommend people"}).status, 422)
        self.assertEqual(self.get("basket=SKU1", key=self.make("people")).status, 401)  # no key of more in an address
        self.assertEqual(self.get("basket=SKU1", key="0" * 64).status, 401)
        self.assertEqual(self.server.ask("GET", API + "/public/recommendations", headers={"Origin": OURS}).status, 403)  # a session is no key

    def test_its_rate(self):
        many = [self.get("basket=SKU1", **{"X-Forwarded-For": "203.0.113.7"}) for _ in range(40)]
        self.assertEqual(many[0].status, 200)
        self.assertEqual(many[-1].status, 429)
        self.assertGreaterEqual(int(many[-1].headers["Retry-After"]), 1)
        self.assertEqual(self.get("basket=SKU1", **{"X-Forwarded-For": "203.0.113.99"}).status, 200)

    def test_the_script(self):
        a = self.server.ask("GET", "/recommend.js", signed=False)
        self.assertEqual((a.status, a.headers["Content-Type"]), (200, "text/javascript; charset=utf-8"))
        self.assertEqual(a.headers.get_all("Cache-Control"), ["public, max-age=3600"])
        self.assertLessEqual(len(a.body), 3000)
        self.assertNotIn("innerHTML", a.text())
        self.assertNotIn("cookie =", a.text())

    def test_the_setting(self):
        for wrong in ("www.chez-lea.example", OURS + "/", "*", "https://", "https://A.example"):
            a = self.server.ask("PUT", API + "/settings", {"recommend.origins": wrong})
            self.assertEqual(a.status, 422, wrong)


if __name__ == "__main__":
    unittest.main(verbosity=1)
