#!/usr/bin/env python3
"""The server under load: bench_http.py RELANCE [--json] [--seconds 5] [--customers N].

Facts told by 64 connections, one by one and by hundreds, beside a program of a page that stores the body with libmicrohttpd and
SQLite (bench_http_base.c); the page about a customer beside the same program serving a fixed body of its size; then, in a simulated shop
of N customers: searches and segment counts as one types, how long a fact waits for its decision while 64 readers read, and what the
process costs when nothing happens. wrk makes the load, on the same machine."""
import argparse
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
POST = """
local batch, customers, thread = tonumber(os.getenv("BATCH")), tonumber(os.getenv("CUSTOMERS")), 0
function setup(t) thread = thread + 1; t:set("id", thread) end
local n = 0
function request()
	local lines = {}
	for i = 1, batch do
		n = n + 1
		lines[i] = string.format('{"kind":"order","key":"%s:%d-%d","customer":"%d","at":"2026-01-01T10:00:00Z","lines":[{"sku":"SKU%d","quantity":1,"amount":%d}]}',
			os.getenv("RUN"), id, n, 1 + (n * 7919 + id) % customers, n % 500, 500 + n % 6000)
	end
	return wrk.format("POST", nil, {["Authorization"] = "Bearer " .. os.getenv("KEY")}, table.concat(lines, "\\n"))
end
"""
SLOWLY = "function delay() return 20 end\n"
ANOTHER = """
local thread = 0
function setup(t) thread = thread + 1; t:set("id", thread) end
function init() math.randomseed(id) end
function request() return wrk.format("GET", "/api/v1/customers/" .. math.random(tonumber(os.getenv("CUSTOMERS")))) end
"""


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Served:
    def __init__(self, relance, db):
        self.process = subprocess.Popen([relance, "serve", db, "--listen", "127.0.0.1:0", "--out", db + ".out"], stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r":(\d+)$", self.process.stdout.readline().strip())[1])
        token = re.search(r"token=(\w+)", self.process.stdout.readline())[1]
        answer = self.ask("POST", "/setup", {"token": token, "name": "bench", "password": "a long enough password"})
        headers = {"Cookie": answer.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": json.loads(answer.body)["csrf"]}
        self.key = json.loads(self.ask("POST", "/keys", {"name": "bench", "scopes": "facts people read"}, headers).body)["key"]
        self.api = f"http://127.0.0.1:{self.port}/api/v1"

    def ask(self, method, path, body=None, headers=None, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None,
                  headers or {"Authorization": "Bearer " + getattr(self, "key", "")})
        r = c.getresponse()
        r.body = r.read()
        if r.status >= 400:
            sys.exit(f"bench_http: {path}: {r.status} {r.body[:200]}")
        return r

    def decided(self):
        """The histogram of /metrics: {upper bound: count so far}."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request("GET", "/metrics")
        text = c.getresponse().read().decode()
        return {float(b.replace("+Inf", "inf")): int(n) for b, n in re.findall(r'fact_decision_seconds_bucket\{le="([^"]+)"\} (\d+)', text)}

    def metric(self, name):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request("GET", "/metrics")
        return float(re.search(rf"^relance_{name} (\S+)$", c.getresponse().read().decode(), re.M)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Bench:
    def __init__(self, o):
        self.o = o
        self.dir = tempfile.mkdtemp(dir=os.environ.get("BENCH_DIR"))
        self.base = os.path.join(self.dir, "base")
        subprocess.run(["cc", "-O2", "-o", self.base, os.path.join(HERE, "bench_http_base.c"), "-lmicrohttpd", "-lsqlite3", "-lpthread"], check=True)
        for name, text in (("post.lua", POST), ("slowly.lua", SLOWLY), ("another.lua", ANOTHER)):
            with open(os.path.join(self.dir, name), "w", encoding="ascii") as f:
                f.write(text)

    def row(self, work, ours, baseline, unit, goal):
        if self.o.json:
            print(json.dumps({"work": work, "ours": ours, "baseline": baseline, "unit": unit, "goal": goal}))
        else:
            print(f"{work:<70} {ours:12.1f} {baseline or 0:12.0f} {ours / baseline if baseline else 0:7.2f}x  {unit}; goal {goal}")
        sys.stdout.flush()

    def wrk(self, url, key, script=None, refusals=False, **env):
        command = ["wrk", "-t2", "-c64", f"-d{self.o.seconds}s", "--latency", "-H", "Authorization: Bearer " + key]
        command += ["-s", os.path.join(self.dir, script)] if script else []
        text = subprocess.run([*command, url], capture_output=True, text=True, check=True, env={**os.environ, "KEY": key, **env}).stdout
        if "Non-2xx" in text and not refusals:
            sys.exit("bench_http: refused: " + text)
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]]

    def with_base(self, size, *full):
        port = random.randrange(20000, 30000)
        process = subprocess.Popen([self.base, os.path.join(self.dir, "base.db"), str(port), str(size), *full])
        time.sleep(0.5)
        return process, f"http://127.0.0.1:{port}/"

    def facts(self, served, customers):
        for batch, goal in ((1, "0.7x, 15,000"), (100, "0.7x, 200,000")):
            env = {"BATCH": str(batch), "CUSTOMERS": str(customers), "RUN": str(time.time_ns())}
            theirs = {}
            for how in ((), ("full",)):
                base, url = self.with_base(10, *how)
                theirs[how], _ = self.wrk(url, "x", "post.lua", **env)
                base.kill()
            # counted by what is there afterwards: above what may wait the server says 503
            before = served.metric("facts_applied_total")
            rate, _ = self.wrk(served.api + "/facts", served.key, "post.lua", batch > 1, **env)
            there = served.metric("facts_applied_total") - before + served.metric("facts_waiting")
            ours = there / batch / self.o.seconds if batch > 1 else rate
            work = f"facts over HTTP, 64 connections, by {batch}"
            self.row(f"{work}: each commit on the disk, on both sides", ours * batch, theirs[("full",)] * batch, "facts/s", goal)
            self.row(f"{work}: only ours are; the baseline may lose them", ours * batch, theirs[()] * batch, "facts/s", goal)
            self.applied(served)

    def applied(self, served):
        while served.metric("facts_waiting"):
            time.sleep(0.1)

    def sustained(self, served, customers):
        """A minute of hundreds, refused while too much waits: accepted, and applied meanwhile; then what waits is applied alone."""
        before, seconds = served.metric("facts_applied_total"), self.o.seconds
        self.o.seconds = self.o.minute
        env = {"BATCH": "100", "CUSTOMERS": str(customers), "RUN": str(time.time_ns())}
        try:
            _, p99 = self.wrk(served.api + "/facts", served.key, "post.lua", True, **env)
        finally:
            self.o.seconds = seconds
        during, began = served.metric("facts_applied_total"), time.monotonic()
        accepted = during - before + served.metric("facts_waiting")
        self.applied(served)
        after, took = served.metric("facts_applied_total"), time.monotonic() - began
        what = f"facts by 100, {self.o.minute} s on end"
        self.row(f"{what}: accepted", accepted / self.o.minute, None, "facts/s", "-")
        self.row(f"{what}: 99 % answered within", p99, None, "ms", "-")
        self.row(f"{what}: applied meanwhile", (during - before) / self.o.minute, None, "facts/s", "-")
        self.row(f"{what}: what waited, applied alone", (after - during) / max(took, 0.001), None, "facts/s", "-")

    def page(self, served, what):
        path = "/customers/77"
        size = len(served.ask("GET", path).body)
        base, url = self.with_base(size)
        theirs, _ = self.wrk(url, "x")
        base.kill()
        for name, script in (("the same customer", None), ("another each time", "another.lua")):
            ours, p99 = self.wrk(served.api + path, served.key, script, CUSTOMERS=str(self.o.customers))
            self.row(f"page about a customer ({size} bytes), {what}, {name}", ours, theirs, "requests/s, 64 connections", "0.5x")
            self.row(f"page about a customer, {what}, {name}: 99 % within", p99, None, "ms", "10 ms")

    def typing(self, served, what):
        c = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        for work, goal, asks in (
                ("segment counted while typing", "50 ms", [("POST", "/segments/count", {"text": t}) for t in (
                    "orders >= 2", "orders >= 2 and spend > 100 EUR", "days_since(last_order) > 180", "spend(last 12 months) > 50 EUR or orders = 1") * 5]),
                ("customers found while typing", "50 ms", [("GET", "/customers?q=" + q, None) for q in ("m", "ma", "mar", "mart", "b", "l", "le") * 3])):
            took = []
            for method, path, body in asks:
                began = time.monotonic()
                served.ask(method, path, body, connection=c)
                took.append((time.monotonic() - began) * 1000)
            took.sort()
            self.row(f"{work}, {what}: median", took[len(took) // 2], None, "ms", goal)
            self.row(f"{work}, {what}: longest", took[-1], None, "ms", goal)

    def decisions(self, served, customers, what):
        stop, told, lock = threading.Event(), [0], threading.Lock()

        def tell(number, many):
            c = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
            random_, i, began = random.Random(number), 0, time.monotonic()
            while not stop.is_set():
                wait = began + i * many / 1000 - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                i += 1
                at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5))
                served.ask("POST", "/facts", {"kind": "order", "key": f"l{began}:{number}-{i}", "customer": str(random_.randrange(1, customers)), "at": at,
                                              "lines": [{"sku": f"SKU{i % 50}", "quantity": 1, "amount": 1000}]}, connection=c)
                with lock:
                    told[0] += 1
        before = served.decided()
        readers = subprocess.Popen(["wrk", "-t1", "-c64", f"-d{self.o.seconds + 1}s", "-s", os.path.join(self.dir, "slowly.lua"), "-H",
                                    "Authorization: Bearer " + served.key, served.api + "/customers/77"], stdout=subprocess.DEVNULL)
        tellers = [threading.Thread(target=tell, args=(n, 8)) for n in range(8)]
        for t in tellers:
            t.start()
        time.sleep(self.o.seconds)
        stop.set()
        for t in tellers:
            t.join()
        readers.wait()
        counts = {b: n - before[b] for b, n in served.decided().items()}
        all_, last = counts[float("inf")], 0.0
        p99 = next(b for b in sorted(counts) if counts[b] >= all_ * 0.99)
        for b in sorted(counts):  # within the bucket as Prometheus does it
            if counts[b] >= all_ * 0.99:
                under = counts.get(last, 0)
                p99 = last + (b - last) * (all_ * 0.99 - under) / max(1, counts[b] - under) if b != float("inf") else last
                break
            last = b
        self.row(f"fact to decision, {what}, {told[0] / self.o.seconds:.0f} facts/s, 64 readers: 99 % within", p99 * 1000, None, "ms", "50 ms")

    def idle(self, served, what):
        time.sleep(75)  # what a day begins with, the look for whom may not be kept any longer, is over
        before = cpu(served.process.pid)
        time.sleep(10)
        self.row(f"idle process, {what}: of a core", (cpu(served.process.pid) - before) * 10, None, "%", "1 %")

    def run(self):
        relance, small = self.o.relance, 20000
        db = os.path.join(self.dir, "small.db")
        subprocess.run([relance, "init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr"], check=True, capture_output=True)
        with open(db + ".csv", "w", encoding="ascii") as f:
            f.write("order,customer,date,sku,quantity,amount\n")
            for c in range(1, small + 1):
                for k in range(5):
                    f.write(f"{c}-{k},{c},2025-{1 + (c + k) % 12:02}-{1 + c % 28:02} 10:00,SKU{c * k % 500},1,{5 + c % 60}.50\n")
        subprocess.run([relance, "import", db, db + ".csv", "--as", "orders", "--source", "till"], check=True, capture_output=True)
        served = Served(relance, db)
        self.facts(served, small)
        self.sustained(served, small)
        served.stop()

        n = self.o.customers
        what = f"{n:,} customers"
        db = os.path.join(self.dir, "large.db")
        subprocess.run([relance, "simulate", db, "--customers", str(n), "--years", "3", "--seed", "7"], check=True, capture_output=True)
        subprocess.run([relance, "plan", "on", db, "abandoned-cart"], check=True, capture_output=True)
        served = Served(relance, db)
        self.idle(served, what)
        self.page(served, what)
        self.typing(served, what)
        self.decisions(served, n, what)
        served.stop()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("relance")
    p.add_argument("--json", action="store_true")
    p.add_argument("--seconds", type=int, default=5)
    p.add_argument("--minute", type=int, default=60, help="seconds of the sustained load")
    p.add_argument("--customers", type=int, default=int(os.environ.get("BENCH_CUSTOMERS", 1000000)))
    o = p.parse_args()
    o.relance = os.path.abspath(o.relance)
    if not shutil.which("wrk"):
        sys.exit("bench_http: wrk is not installed")
    b = Bench(o)
    try:
        b.run()
    finally:
        shutil.rmtree(b.dir, ignore_errors=True)


if __name__ == "__main__":
    main()
