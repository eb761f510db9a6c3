"""lines.py NAME: what a benchmark printed, on stdin → one JSON object a line, each with "bench": NAME.

Objects and arrays of objects are taken wherever they start at the beginning of a line; other lines become {"text": …}.
"""
import json
import sys

name, text, decoder = sys.argv[1], sys.stdin.read(), json.JSONDecoder()
at = 0
while at < len(text):
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    start = at + len(text[at:end]) - len(text[at:end].lstrip())
    found = {"text": text[at:end].strip()}
    if text[start:start + 1] in ("{", "["):
        try:
            found, end = decoder.raw_decode(text, start)
        except ValueError:
            pass
    for one in found if isinstance(found, list) else [found]:
        if one.get("text") != "":
            print(json.dumps({"bench": name, **one}))
    at = end + 1
