#!/usr/bin/env bash
# The whole test suite: style, unit, case, command and simulation tests; unit tests, fuzz corpora and one simulation again under the
# address and undefined-behaviour sanitizers. Whatever happens it ends with one line "N passed, N failed, N skipped" and that status.
#
#   tools/test.sh [BUILD]     JOBS: how many at a time (all cores)   TEST_SANITIZERS=no leaves the second half out
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
jobs=${JOBS:-$(nproc)}
export PATH=/usr/bin:$PATH            # Debian's python3: its modules are Debian packages
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8
export RELANCE_DATA=${RELANCE_DATA:-$(realpath -m ../shared/data)}
export CK_TIMEOUT_MULTIPLIER=5        # of the tests' own time limits: the machine may be slow or shared
unset MAKEFLAGS MFLAGS MAKELEVEL
parts=()
log() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }
part() { # NAME CMD…: counted as one test
  local name=$1
  shift
  if "$@"; then parts+=(--passed "$name"); else parts+=(--failed "$name"); return 1; fi
}
setup() { # FOLDER OPTION…
  local folder=$1
  shift
  [ -f "$folder/build.ninja" ] || meson setup "$folder" -Dwerror=true "$@" >"$folder.log" 2>&1 </dev/null || { cat "$folder.log"; return 1; }
  rm -f "$folder.log" "$folder/meson-logs/testlog.json"
}
compile() { # FOLDER
  ninja -C "$1" -j"$jobs" >"$1/build.log" 2>&1 </dev/null || { grep -vE '^\[[0-9]+/[0-9]+\]' "$1/build.log" | head -60; return 1; }
  echo "$1: built"
}
finish() {
  python3 tools/count.py "${parts[@]}" "$@"
  exit $?
}

[ -d "$RELANCE_DATA" ] || echo "test.sh: no test data at $RELANCE_DATA (RELANCE_DATA says where): what needs it is skipped"
log "style"
part style python3 tools/tidy.py --no-format

log "build"
part build setup "$build" && part compile compile "$build" || finish

log "tests"
meson test -C "$build" --no-rebuild --print-errorlogs --num-processes "$jobs" </dev/null
log "web pages in a browser"
if [ ! -f ui/dist/index.html ]; then
  echo "skipped: the web pages were left out of this build"
elif ! command -v chromium >/dev/null || ! command -v node >/dev/null; then
  echo "skipped: chromium or node is not installed"
else
  part browser timeout 600 node ui/test/ui.mjs "$build/src/cli/relance" </dev/null
fi
if [ "${TEST_SANITIZERS:-yes}" = no ]; then finish "$build"; fi

log "build with sanitizers"
part build-san setup build-san -Dsanitizers=true -Db_sanitize=address,undefined -Db_lundef=false && part compile-san compile build-san ||
  finish "$build"
log "tests under the sanitizers"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export CK_TIMEOUT_MULTIPLIER=20
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
meson test -C build-san --no-rebuild --print-errorlogs --num-processes "$jobs" --suite unit --suite fuzz --suite sim -t 4 </dev/null
log "done"
finish "$build" build-san
