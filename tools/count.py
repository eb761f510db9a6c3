"""count.py [--passed NAME | --failed NAME]… BUILD…: adds up the test logs of meson build folders, and what failed outside of them.

Prints the failed and skipped tests by name, then the closing line "N passed, N failed, N skipped" alone on its line. Exits 1 when
something failed or nothing ran at all.
"""
import json
import pathlib
import sys

passed, failed, skipped = 0, [], []
args = sys.argv[1:]
while args:
    arg = args.pop(0)
    if arg == "--failed":
        failed.append(args.pop(0))
        continue
    if arg == "--passed":
        passed += 1
        args.pop(0)
        continue
    log = pathlib.Path(arg, "meson-logs", "testlog.json")
    if not log.is_file():
        failed.append(f"{arg}: no test log")
        continue
    for line in log.read_text().splitlines():
        test = json.loads(line)
        name = f"{arg}: {test['name']}"
        if test["result"] in ("OK", "EXPECTEDFAIL"):
            passed += 1
        elif test["result"] == "SKIP":
            skipped.append(name)
        else:
            failed.append(name)
print()
for name in skipped:
    print(f"skipped: {name}")
for name in failed:
    print(f"FAILED: {name}")
print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
sys.exit(1 if failed or not passed else 0)
