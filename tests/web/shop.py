"""A small shop served on a free loopback port, for the tests of the web: Server(relance) in a with statement."""
import contextlib
import csv
import datetime
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import time

PASSWORD = "un mot de passe assez long"


def orders(path, customers=60):
    """Each customer's orders end one to fourteen months ago; days differ, sums are whole cents."""
    today = datetime.date.today()
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(["order", "customer", "date", "sku", "product_name", "quantity", "amount"])
        n = 0
        for c in range(1, customers + 1):
            for k in range(1 + c % 5):
                day = today - datetime.timedelta(days=20 + (c * 7) % 380 + 40 * k)
                n += 1
                out.writerow([n, 1000 + c, f"{day} 10:00", f"SKU{(c + k) % 7}", f"Article {(c + k) % 7}", 1 + k % 3, f"{12 + c}.50"])


def people(path, customers=60):
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(["customer", "first_name", "last_name", "email", "city", "born", "email_consent"])
        for c in range(1, customers + 1):
            out.writerow([1000 + c, f"Prénom{c}", f"Martin{c}", f"client{c}@example.net", "Lille", "1980-05-12", "yes"])


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode()


def postgres(schema):
    """A database of its own on the server of tools/with_postgres.sh; None without one."""
    server = os.environ.get("RELANCE_TEST_PG")
    return f"{server}&schema={schema}" if server else None


class Server:
    """address: instead of a file of its own; "postgresql:…"."""
    def __init__(self, relance, extra=(), listen="127.0.0.1:0", address=None):
        self.relance = relance
        self.address = address
        self.extra = list(extra)
        self.env = dict(os.environ)
        self.listen = listen

    def command(self, *args):
        done = subprocess.run([self.relance, *args], capture_output=True, text=True, timeout=60, check=False, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory()
        self.db = self.address or os.path.join(self.dir.name, "shop.db")
        self.outbox = os.path.join(self.dir.name, "shop.db.outbox")
        if self.address:
            self.env["RELANCE_KEYS"] = self.dir.name
            self.extra += ["--out", self.outbox]
        self.command("init", self.db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr", "--name", "Chez Léa")
        o, p = os.path.join(self.dir.name, "orders.csv"), os.path.join(self.dir.name, "people.csv")
        orders(o)
        people(p)
        self.command("import", self.db, o, "--as", "orders", "--source", "till")
        self.command("import", self.db, p, "--as", "customers", "--source", "till", "--consent-source", "formulaire du site")
        self.start()
        return self

    def start(self):
        self.log = open(os.path.join(self.dir.name, "log"), "a+", encoding="utf-8")
        self.process = subprocess.Popen([self.relance, "serve", self.db, "--listen", self.listen, *self.extra],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env)
        line = self.process.stdout.readline()
        found = re.search(r"(https?)://\[?([0-9a-f.:]+?)\]?:(\d+)$", line.strip())
        assert found, line
        self.scheme, self.host, self.port = found[1], found[2].replace("0.0.0.0", "127.0.0.1"), int(found[3])
        self.cookie = self.csrf = self.setup = None

    def first_run(self):
        self.setup = re.search(r"token=(\w+)", self.process.stdout.readline())[1]
        a = self.ask("POST", "/api/v1/setup", {"token": self.setup, "name": "léa", "password": PASSWORD, "locale": "fr"})
        assert a.status == 200, a.text()
        self.take_session(a)

    def take_session(self, a):
        self.cookie = a.headers["Set-Cookie"].split(";")[0]
        self.csrf = a.json()["csrf"]

    def ask(self, method, path, body=None, headers=None, signed=True, timeout=30):
        h = dict(headers or {})
        if signed and self.cookie:
            h.setdefault("Cookie", self.cookie)
            h.setdefault("X-CSRF-Token", self.csrf)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        if self.scheme == "https":
            c = http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=ssl._create_unverified_context())
        else:
            c = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            c.request(method, path, body=body, headers=h)
            return Answer(c.getresponse())
        finally:
            c.close()

    def raw(self, data, timeout=5):
        with socket.create_connection((self.host, self.port), timeout=timeout) as s:
            s.sendall(data)
            got = b""
            try:
                while block := s.recv(65536):
                    got += block
            except TimeoutError:
                pass
            return got

    def sql(self, text):
        """Rows of the database, every value as text."""
        if self.address:
            address, _, schema = self.address.partition("&schema=")
            done = subprocess.run(["psql", "-XAtq", "-F", "\t", address, "-c", f"SET search_path TO {schema}", "-c", text], capture_output=True, text=True, check=True)
            return [line.split("\t") for line in done.stdout.splitlines()]
        with contextlib.closing(sqlite3.connect(self.db, timeout=10)) as db, db:
            return [[str(v) for v in row] for row in db.execute(text)]

    def until(self, check, seconds=5):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            got = check()
            if got:
                return got
            time.sleep(0.05)
        raise AssertionError("it did not come")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        self.log.seek(0)
        text = self.log.read()
        self.log.close()
        return status, text

    def __exit__(self, *ignored):
        if self.process.poll() is None:
            self.stop()
        self.dir.cleanup()
