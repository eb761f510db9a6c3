"""Style as a test: rooms include only rooms below them, banned functions, file length, marks left behind, format.

Run by `make tidy` and, with --no-format, by `make test`. Prints file:line: what, and exits 1 when there is anything to mend.
"""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# What each room may include, beside itself (doc/architecture.md).
CORE = {"base", "model"}
ALLOWED = {
    "base": set(),
    "model": {"base"},
    "intake": CORE,
    "store": CORE,
    "book": CORE,
    "fold": CORE | {"book"},
    "engine": CORE | {"book", "fold"},
    "outbox": CORE,
    "channel": CORE | {"outbox"},
    "app": CORE | {"intake", "store", "book", "fold", "engine", "outbox", "channel"},
}
FACE = ALLOWED["app"] | {"app"}
ALLOWED |= {"web": FACE, "cli": FACE | {"web"}, "lib": FACE}

BANNED = {
    "strcpy": "arena_cstr or buf_cstr", "strcat": "buf_cstr", "sprintf": "snprintf or buf_printf", "vsprintf": "vsnprintf",
    "atoi": "str_i64", "atol": "str_i64", "atof": "str_f64", "gets": "fgets", "gmtime": "zone_civil", "localtime": "zone_civil",
    "mktime": "zone_instant", "strtok": "struct str", "rand": "draw_u64 or struct rng", "alloca": "arena_alloc",
}
# Rooms that are pure: no clock, no file, no database.
PURE = {"model", "intake", "book", "fold", "engine"}
IMPURE = ("time", "clock_gettime", "gettimeofday", "fopen", "open", "socket", "getenv")
LENGTH_MAX = 800
SHOWN_MAX = 200
FORMAT = "--no-format" not in sys.argv[1:]
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

problems = []


def problem(path, line, what):
    problems.append(f"{path.relative_to(ROOT)}:{line}: {what}")


def strip_comments_and_strings(text):
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_file(path):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    in_src = SRC in path.parents
    room = path.relative_to(SRC).parts[0] if in_src else None
    for n, line in enumerate(lines, 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if m and in_src and "/" in m.group(1):
            other = m.group(1).split("/")[0]
            if other in ALLOWED and other != room and other not in ALLOWED[room]:
                problem(path, n, f"{room} may not include {other}: includes go up the table in doc/architecture.md only")
        if MARKS.search(line):
            problem(path, n, "a mark left behind")
        if FORMAT and len(line.expandtabs(4)) > 132:
            problem(path, n, "line longer than 132 columns")
    code = strip_comments_and_strings(text)
    for name, instead in BANNED.items():
        for m in re.finditer(rf"(?<![\w.>]){name}\s*\(", code):
            problem(path, code.count("\n", 0, m.start()) + 1, f"{name} is banned: use {instead}")
    if room in PURE:
        for name in IMPURE:
            for m in re.finditer(rf"(?<![\w.>]){name}\s*\(", code):
                problem(path, code.count("\n", 0, m.start()) + 1, f"{name} in {room}, which touches memory only")
    if in_src and len(lines) > LENGTH_MAX:
        problem(path, len(lines), f"{len(lines)} lines: files stay under some 600, {LENGTH_MAX} at most")
    if in_src and path.suffix == ".h" and not text.lstrip().startswith("/*"):
        problem(path, 1, "a header opens with what it is for")


def check_format(files):
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        print("tidy: clang-format is not installed: format not checked", file=sys.stderr)
        return
    run = subprocess.run([tool, "--dry-run", "--Werror", *map(str, files)], cwd=ROOT, capture_output=True, text=True)
    for m in re.finditer(r"^(\S+?):(\d+):\d+: error: code should be clang-formatted", run.stderr, re.M):
        problem((ROOT / m.group(1)).resolve(), m.group(2), "not in the house format: run tools/format.sh")


def check_features():
    """doc/features.md: every command and every file it names is there."""
    path = ROOT / "doc" / "features.md"
    commands = set(re.findall(r"^COMMAND\((\w+),", (SRC / "cli" / "commands.h").read_text(), re.M))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for name in re.findall(r"`(?:[^`]*\brelance) ([a-z]+)", line):
            if name not in commands:
                problem(path, n, f"there is no command {name}")
        for name in re.findall(r"`make ([a-z-]+)`", line):
            if name not in targets:
                problem(path, n, f"there is no make {name}")
        for name in re.findall(r"`((?:tests|tools|bench|ui|doc)/[^`*]+)`", line):
            if not (ROOT / name).exists():
                problem(path, n, f"there is no {name}")
        if line.startswith("| ") and "| ---" not in line and not line.startswith("| what |") and line.count(" | ") < 2:
            problem(path, n, "what, command, guarded by: one is missing")
    for name in sorted(commands - set(re.findall(r"`relance ([a-z]+)", path.read_text(encoding="utf-8")))):
        if FORMAT:
            problem(path, 1, f"the command {name} is not told of")


def check_links(path):
    """A document's links to files of the project lead somewhere."""
    for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for name in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", line):
            if not (path.parent / name).exists():
                problem(path, n, f"there is no {name}")


def main():
    files = [p for d in ("src", "include", "tests", "bench") for p in sorted((ROOT / d).rglob("*.[ch]"))]
    for path in files:
        check_file(path)
    check_features()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "doc").glob("*.md")]):
        check_links(path)
    if FORMAT:
        check_format(files)
    found = sorted(set(problems))
    for line in found[:SHOWN_MAX]:
        print(line)
    if len(found) > SHOWN_MAX:
        print(f"… and {len(found) - SHOWN_MAX} more")
    print(f"tidy: {len(files)} files, {len(found)} to mend")
    sys.exit(1 if found else 0)


main()
