#!/usr/bin/env python3
"""A large shop's baskets (200,000 customers of 15 baskets of 10), made here from a seed: relance evaluate --baskets on them must end within
4 GB, the default at least as good as every simple method.   bench/large_baskets.py [BUILD] [CUSTOMERS]"""
import itertools
import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build"
CUSTOMERS = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
ITEMS, TOPICS, GIGABYTES_MAX = 20_000, 80, 4


def write(path):
    """Each customer draws from staples of their own, from two of the shop's 80 subjects and from what sells to everybody."""
    r = random.Random(1)
    sells = list(itertools.accumulate(1 / (i + 8) ** 0.9 for i in range(ITEMS)))
    subjects = [r.sample(range(ITEMS), ITEMS // TOPICS) for _ in range(TOPICS)]
    within = list(itertools.accumulate(1 / (i + 3) for i in range(ITEMS // TOPICS)))
    with open(path, "w") as f:
        at = 0
        for split, share in (("train", 0.7), ("validate", 0.1), ("test", 0.2)):
            f.write(("{" if at == 0 else "},\n") + f'"{split}": ' + "{")
            n = round(CUSTOMERS * share)
            for u in range(at, at + n):
                size = r.randint(5, 15)
                a, b = r.choices(subjects, k=2)
                own = r.choices(a, cum_weights=within, k=12) + r.choices(range(ITEMS), cum_weights=sells, k=8)
                baskets = []
                for _ in range(r.randint(8, 22)):
                    basket = r.choices(own, k=size * 6 // 10) + r.choices(b, cum_weights=within, k=size * 2 // 10)
                    baskets.append(basket + r.choices(range(ITEMS), cum_weights=sells, k=size - len(basket)))
                f.write(("," if u > at else "") + f'"{u}":' + json.dumps(baskets, separators=(",", ":")))
            at += n
        f.write("}}\n")


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "baskets.json"
    write(path)
    print(f"{CUSTOMERS} customers, {path.stat().st_size >> 20} MB", flush=True)
    start = time.monotonic()
    got = json.loads(subprocess.run([BUILD / "src/cli/relance", "evaluate", "--baskets", path, "--format", "json"], stdout=subprocess.PIPE, check=True).stdout)
    seconds, use = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{seconds:.0f} s, {use.ru_utime + use.ru_stime:.0f} s of processors, {use.ru_maxrss / 2**20:.2f} GB")
    for name, m in got["methods"].items():
        print(f"  {name:<16} {m['recall']:.4f} {m['ndcg']:.4f} {m['phr']:.4f}{'  default' if name == got['default_method'] else ''}")
    assert use.ru_maxrss < GIGABYTES_MAX << 20, "too much memory"
    simple = [m["recall"] for name, m in got["methods"].items() if name != "blend" and not name.startswith("trees")]
    chance = 0.1 / got["default"]["users"] ** 0.5  # of so many users' recall
    assert got["default"]["recall"] >= max(simple) - chance, "a simple method is better"
