#!/usr/bin/env bash
# Fuzzes every parser for so many seconds each, starting from its corpus; what it finds is kept in build-fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ -f build-fuzz/build.ninja ] || CC=clang-14 meson setup build-fuzz -Dfuzz=true -Dsanitizers=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
ninja -C build-fuzz -j"$(nproc)" fuzzers
mkdir -p build-fuzz/found
for target in build-fuzz/tests/fuzz/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  name=$(basename "$target")
  corpus=build-fuzz/corpus/${name#fuzz_}
  mkdir -p "$corpus"
  echo "== $name, $seconds s"
  "$target" -max_total_time="$seconds" -artifact_prefix=build-fuzz/found/"$name"- -print_final_stats=0 -verbosity=0 \
    "$corpus" tests/fuzz/corpus/"${name#fuzz_}"
done
