"""Every case that doc/semantics.md names as the guard of a sentence is there (a title may be shortened, and hold "…").

usage: titles.py SOURCE
"""
import glob
import os
import re
import sys

SOURCE = sys.argv[1]


def main():
    titles = []
    for path in glob.glob(os.path.join(SOURCE, "tests/case/*.case")):
        with open(path, encoding="utf-8") as f:
            titles += [line[len("case"):].strip() for line in f if line.startswith("case ")]
    with open(os.path.join(SOURCE, "doc/semantics.md"), encoding="utf-8") as f:
        text = f.read()
    named = 0
    for row in text[text.index("## What guards each sentence\n"):].splitlines():
        if not row.startswith("| "):
            continue
        for title in re.findall(r"\*([^*]+)\*", row.split(" | ", 1)[1]):
            parts = [part.strip() for part in title.split("…") if part.strip()]
            if title[0].isupper() or "…" in title:
                named += 1
                assert any(all(part in t for part in parts) for t in titles), f"no case \"{title}\": {row}"
    assert named > 100, named


if __name__ == "__main__":
    main()
