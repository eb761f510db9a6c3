#!/usr/bin/env python3
"""relance evaluate --baskets: the figures of the simple methods and of the default computed a second time, here, from the file
and from the lists it writes; files that are odd (users of one basket, empty baskets, text, negative and repeated items, a list longer
than the catalogue) and files that are refused, with the place. usage: test_evaluate.py RELANCE"""
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
from collections import Counter

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "src" / "cli" / "relance")


def run(*args, status=0):
    r = subprocess.run([PROGRAM, "evaluate", *map(str, args)], capture_output=True, text=True)
    assert r.returncode == status, (args, r.returncode, r.stdout, r.stderr)
    return r


def evaluate(folder, data, *args):
    path = pathlib.Path(folder) / "baskets.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    lists = pathlib.Path(folder) / "lists.json"
    got = json.loads(run("--baskets", path, "--format", "json", "--lists", lists, *args).stdout)
    return got, json.loads(lists.read_text())


def made(seed, users, items, shortest=1, longest=9, name=lambda i: i):
    """Customers with staples of their own, a popular few, and steps from one item to another; some baskets empty or with an item twice."""
    r = random.Random(seed)
    data = {}
    for split, n in (("train", users), ("validate", users // 5), ("test", users // 4)):
        data[split] = {}
        for u in range(n):
            staples, before, baskets = [r.randrange(items) for _ in range(3)], 0, []
            for _ in range(r.randint(shortest, longest)):
                basket = [i for i in staples if r.random() < 0.5] + [int(items * r.random() ** 3) for _ in range(r.randint(0, 3))]
                basket += [(before * 7 + 1) % items] * (r.random() < 0.4)
                before = basket[-1] if basket else before
                baskets.append([name(i) for i in basket])
            data[split][f"u{u}"] = baskets if any(baskets) else [[name(staples[0])]]
    return data


def cases(data, split):
    """(user, history, truth) of the users with a basket; empty baskets are left out."""
    for user, baskets in data[split].items():
        full = [list(dict.fromkeys(b)) for b in baskets if b]
        if full:
            yield user, full[:-1], full[-1]


def measure(answers, k):
    """Recall, NDCG over all true items, hit or not: means; the same recall of what was bought before and of what was not."""
    total, repeat, new = Counter(), [], []
    n = 0
    for history, truth, top in answers:
        n += 1
        had = {i for b in history for i in b}
        hits = [i for i in top[:k] if i in truth]
        total["recall"] += len(hits) / len(truth)
        total["ndcg"] += sum(1 / math.log2(p + 2) for p, i in enumerate(top[:k]) if i in truth) / sum(1 / math.log2(p + 2) for p in range(len(truth)))
        total["phr"] += bool(hits)
        for kind, of in ((repeat, [i for i in truth if i in had]), (new, [i for i in truth if i not in had])):
            if of:
                kind.append(len(set(of) & set(hits)) / len(of))
    mean = lambda x: sum(x) / (len(x) or 1)
    return {"recall": total["recall"] / n, "ndcg": total["ndcg"] / n, "phr": total["phr"] / n, "users": n,
            "repeat": {"recall": mean(repeat), "users": len(repeat)}, "new": {"recall": mean(new), "users": len(new)}}


def simple(data, k):
    """Popularity, personal top and personal top filled up with popularity; ties by popularity, then by first appearance."""
    first, sold = {}, Counter()
    for split in ("train", "validate", "test"):
        for baskets in data[split].values():
            for b in baskets:
                for i in b:
                    first.setdefault(i, len(first))
    out = {m: {} for m in ("popularity", "p-top", "gp-top")}
    for before, split in (("train", "validate"), ("validate", "test")):  # test users are answered by train and validate users
        for baskets in data[before].values():
            for b in baskets:
                sold.update(set(b))
        popular = sorted((i for i in sold), key=lambda i: (-sold[i], first[i]))
        answers = {m: [] for m in out}
        for _, history, truth in cases(data, split):
            own = Counter(i for b in history for i in b)
            top = sorted(own, key=lambda i: (-own[i], -sold[i], first[i]))
            answers["popularity"].append((history, truth, popular[:k]))
            answers["p-top"].append((history, truth, top[:k]))
            answers["gp-top"].append((history, truth, (top + [i for i in popular if i not in own])[:k]))
        for m in out:
            out[m][split] = measure(answers[m], k)
    return out


def near(a, b, where):
    if isinstance(a, dict):
        for key in b:
            near(a[key], b[key], f"{where} {key}")
    else:
        assert abs(a - b) < 2e-6, (where, a, b)


def check_figures(folder, data, k):
    got, lists = evaluate(folder, data, "-k", k)
    want = simple(data, k)
    for m in want:
        near(got["methods"][m], want[m]["test"], m)
        near(got["methods"][m]["validate"], want[m]["validate"], m + " validate")
    assert list(lists) == list(data["test"]), "one list a test user, in the file's order"
    default = [(history, truth, lists[user]) for user, history, truth in cases(data, "test")]
    assert all(len(set(top)) == len(top) <= k for _, _, top in default)
    near(got["default"], measure(default, k), "default")
    assert got["methods"][got["default_method"]]["recall"] == got["default"]["recall"]
    assert got["k"] == k
    return got, lists


def check_odd_files(folder):
    # nobody has enough to learn from; a list longer than the catalogue; text with quotes and accents; negative numbers
    for name in (lambda i: i, lambda i: -i - 1, lambda i: f'art. "{i}" é'):
        data = made(3, 60, 6, name=name)
        data["test"]["nothing yet"] = []
        data["test"]["nothing in it"] = [[], []]
        got, lists = check_figures(folder, data, 10)
        assert lists["nothing yet"] == lists["nothing in it"] == []
        assert got["default"]["users"] == len(data["test"]) - 2
    # a number and the same in quotes are one item; without validate users the last train users take their place
    data = made(4, 400, 30)
    whole, _ = evaluate(folder, data, "--quick")
    data["test"] = {u: [[str(i) for i in b] for b in v] for u, v in data["test"].items()}
    mixed, _ = evaluate(folder, data, "--quick")
    assert mixed["default"] == whole["default"]
    del data["validate"]
    assert evaluate(folder, data, "--quick")[0]["default"]["users"] == whole["default"]["users"]


def check_default(folder):
    """On a few dozen validate users the best of eleven methods is often the luckiest: on these one of the blend's two halves."""
    for seed in (13, 14):
        got, _ = evaluate(folder, made(seed, 220, 60, shortest=3))
        assert got["default_method"] == "blend", (seed, got["default_method"])
        worth = lambda m: sum(m[x] for x in ("recall", "ndcg", "phr"))
        halves = [got["methods"][m]["validate"] for m in ("trees-logistic", "trees-softmax")]
        assert max(map(worth, halves)) > worth(got["default"]["validate"]), "no test: the blend is the best on validate"


def check_first_baskets(folder):
    """Customers of one basket have no history: what sells is proposed, whoever comes before them in the file."""
    data = made(5, 300, 60, shortest=1, longest=4)
    for n in (0, 1):  # and with the one before them in the file having bought something nobody else did
        data["test"] = {"before": [[7], [999 if n else 7]], **{f"new{i}": [[i % 9]] for i in range(40)}}
        got, lists = check_figures(folder, data, 5)
        answers = {tuple(v) for u, v in lists.items() if u.startswith("new")}
        assert len(answers) == 1 and len(answers.pop()) == 5, answers
        assert got["default"]["recall"] > 0.1, got["default"]


def check_refusals(folder):
    path = pathlib.Path(folder) / "bad.json"
    good = {"train": {"a": [[1], [2]]}, "validate": {"b": [[1], [2]]}, "test": {"c": [[1], [2]]}}
    for data, says in (
        ({k: v for k, v in good.items() if k != "train"}, 'no "train" split'),
        ({k: v for k, v in good.items() if k != "test"}, 'no "test" split'),
        ({**good, "train": {}}, "no baskets to learn from"),
        ({**good, "validate": {"b": [[]]}}, "no baskets to choose by"),
        ({**good, "test": {}}, "no baskets to test on"),
        ({**good, "test": {"c": [[1], [2.5]]}}, "test: user 1, basket 2: line 1, byte"),
        ({**good, "train": {"a": [[1]], "d": [[1, None]]}}, "train: user 2, basket 1: line 1, byte"),
        ({**good, "test": {"c": [1, 2]}}, "expected a basket: [item, …]"),
        ({**good, "test": [[[1], [2]]]}, "test"),
        ('{"train": {"a": [[1]', "line 1, byte"),
        ("user,basket\n1,2\n", 'line 1, byte 1: expected {"train"'),
        ("", "line 1, byte 1"),
    ):
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        said = run("--baskets", path, status=1).stderr
        assert says in said and "bad.json" in said and said.count("\n") == 1, (data, said)
    path.write_text(json.dumps(good))
    for k in (0, -1, 101, "x"):
        assert "-k" in run("--baskets", path, "-k", k, status=2).stderr
    assert "--lists" in run("--orders-csv", path, "--split", "2020-01-01", "--lists", "x", status=2).stderr
    assert "no-such" in run("--baskets", path, "--lists", f"{folder}/no-such/lists", status=1).stderr


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_figures(folder, made(1, 400, 120, shortest=3), 10)
        check_figures(folder, made(2, 300, 40), 3)
        check_odd_files(folder)
        check_default(folder)
        check_first_baskets(folder)
        check_refusals(folder)
    print("ok: figures computed twice, odd files, refusals")


main()
