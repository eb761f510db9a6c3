#!/usr/bin/env python3
"""Turns files into a C source: embed.py --name NAME out.c files…

The source defines `const struct embedded_file NAME_files[]` and `const size_t NAME_file_count` (base/embed.h). A file is
named by its path below --root when that is given, else by its base name. A NUL follows the bytes and is not counted, so
that text can be used as a C string."""
import argparse
import os
import re


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--name", required=True)
    p.add_argument("--root")
    p.add_argument("out")
    p.add_argument("files", nargs="*")
    a = p.parse_args()
    rows, parts = [], ['#include "base/embed.h"\n']
    for i, path in enumerate(a.files):
        with open(path, "rb") as f:
            data = f.read()
        name = os.path.relpath(path, a.root) if a.root else os.path.basename(path)
        if not re.fullmatch(r"[A-Za-z0-9._/-]+", name):
            raise SystemExit(f"embed.py: {name}: a file name of letters, digits, . _ - / is needed")
        body = ",".join(map(str, data + b"\0"))
        parts.append(f"static const unsigned char f{i}[] = {{{body}}};\n")
        rows.append(f'\t{{ "{name}", f{i}, {len(data)} }},\n')
    if not rows:
        rows.append("\t{ NULL, NULL, 0 },\n")
    parts.append(f"const struct embedded_file {a.name}_files[] = {{\n{''.join(rows)}}};\n")
    parts.append(f"const size_t {a.name}_file_count = {len(a.files)};\n")
    with open(a.out, "w", encoding="utf-8") as f:
        f.write("".join(parts))


main()
