#!/usr/bin/env python3
"""Turns files into a C table of bytes: embed.py --name plans [--root DIR] out.c FILES...

With --gzip every file that gets smaller by it is there a second time as NAME.gz. The output defines plans_files[] and plans_file_count (src/base/embed.h), sorted by name. With --depfile a
Makefile-style dependency list is written too."""
import argparse
import gzip
import os


def literal(data):
    """C string literals of at most 100 bytes each; octal escapes never run into the next digit."""
    out = []
    for at in range(0, len(data), 100):
        text = ""
        for byte in data[at:at + 100]:
            char = chr(byte)
            text += char if char.isascii() and char.isprintable() and char not in '"\\?' else "\\%03o" % byte
        out.append('\t"%s"' % text)
    return "\n".join(out) or '\t""'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--root", default="")
    parser.add_argument("--depfile")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("out")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    named = []
    for path in args.files:
        if args.root:
            name = os.path.relpath(path, args.root)
        else:
            name = os.path.basename(path)
        with open(path, "rb") as file:
            data = file.read()
        named.append((name.replace(os.sep, "/").encode(), path, data))
        packed = gzip.compress(data, 9, mtime=0) if args.gzip else data
        if len(packed) < len(data):
            named.append((name.replace(os.sep, "/").encode() + b".gz", path, packed))
    named.sort()
    with open(args.out, "w", encoding="ascii") as out:
        out.write('#include "base/embed.h"\n\nEMBEDDED(%s)\n\n' % args.name)
        sizes = []
        for index, (_, _, data) in enumerate(named):
            sizes.append(len(data))
            out.write("static const char file_%d[] =\n%s;\n\n" % (index, literal(data)))
        out.write("const struct embedded_file %s_files[] = {\n" % args.name)
        for index, (name, _, _) in enumerate(named):
            out.write("\t{ %s, (const unsigned char *)file_%d, %d },\n" % (literal(name).strip(), index, sizes[index]))
        out.write("\t{ 0, 0, 0 },\n};\nconst size_t %s_file_count = %d;\n" % (args.name, len(named)))
    if args.depfile:
        with open(args.depfile, "w", encoding="utf-8") as out:
            out.write("%s: %s\n" % (args.out, " ".join(path for _, path, _ in named)))


if __name__ == "__main__":
    main()
