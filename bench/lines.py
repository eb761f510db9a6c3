"""lines.py NAME: JSON of a benchmark on stdin (objects one a line, or an array) → one object a line, each with "bench": NAME."""
import json
import sys

for line in sys.stdin:
    line = line.strip()
    if line[:1] not in ("{", "["):
        continue
    try:
        found = json.loads(line)
    except ValueError:
        continue
    for one in found if isinstance(found, list) else [found]:
        print(json.dumps({"bench": sys.argv[1], **one}))
