#!/usr/bin/env bash
# The whole test suite: style, unit, case, command and simulation tests; the same under the address and undefined-behaviour
# sanitizers; the fuzz corpora. Ends with one line "N passed, N failed, N skipped" and that status.
set -uo pipefail
build=${1:-build}
cd "$(dirname "$0")/.."
jobs=$(nproc)
log() { printf '\n== %s\n' "$*"; }

log "style"
python3 tools/tidy.py || exit 1

log "build"
[ -f "$build/build.ninja" ] || meson setup "$build" -Dwerror=true >/dev/null || exit 1
ninja -C "$build" -j"$jobs" | tail -1
[ "${PIPESTATUS[0]}" = 0 ] || exit 1
[ -f build-san/build.ninja ] ||
  meson setup build-san -Dwerror=true -Dsanitizers=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null || exit 1
ninja -C build-san -j"$jobs" | tail -1
[ "${PIPESTATUS[0]}" = 0 ] || exit 1

log "tests"
meson test -C "$build" --no-rebuild --print-errorlogs
log "tests under the sanitizers"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
meson test -C build-san --no-rebuild --print-errorlogs --suite unit --suite fuzz --suite sim -t 4

python3 tools/count.py "$build" build-san
