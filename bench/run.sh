#!/usr/bin/env bash
# Every benchmark, each beside its baseline measured in the same run: one table, or JSON lines with --json.
#
#   bench/run.sh [BUILD] [--json] [--only NAME]…     BENCH_CUSTOMERS (1000000)  BENCH_LINES (12000000)  BENCH_TIMEOUT (1800 s each)
#
# NAME: import csv store replay tick size segment kpi value recommend itemset liquid mail smtp bounce http view. A benchmark whose baseline is not
# installed says so and goes on. The figures of a machine that others use at the same time mean little.
set -uo pipefail
cd "$(dirname "$0")/.."
build=build json="" only=""
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=--json ;;
    --only) only="$only $2 "; shift ;;
    *) build=$1 ;;
  esac
  shift
done
customers=${BENCH_CUSTOMERS:-1000000}
lines=${BENCH_LINES:-12000000}
export BENCH_CUSTOMERS=$customers LC_ALL=C.UTF-8 PATH=/usr/bin:$PATH
export RELANCE_DATA=${RELANCE_DATA:-$(realpath -m ../shared/data)} RELANCE_SOURCE=$PWD
relance=$build/src/cli/relance
ninja -C "$build" $(ninja -C "$build" -t targets all | grep -oE '^bench/bench_[a-z_]+:' | tr -d :) src/cli/relance >"$build/bench.log" 2>&1 ||
  { tail -20 "$build/bench.log"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
bench() { # NAME CMD…
  local name=$1
  shift
  [ -z "$only" ] || case $only in *" $name "*) ;; *) return 0 ;; esac
  [ -n "$json" ] || printf '\n== %s\n' "$name"
  if timeout "${BENCH_TIMEOUT:-1800}" "$@" >"$work/out" 2>"$work/err" </dev/null; then
    :
  else
    echo "bench $name: failed (exit status $?)" >&2
    tail -5 "$work/err" >&2
    failed=1
  fi
  if [ -n "$json" ]; then python3 bench/lines.py "$name" <"$work/out"; else cat "$work/out"; grep -E '^#|skipped|not installed' "$work/err"; fi
}
unpack() { # FILE.zst: prints where it is, empty when there is none
  local to
  to=$work/$(basename "${1%.zst}")
  [ -f "$1" ] && zstd -qdfo "$to" "$1" && echo "$to"
}
pg=tools/with_postgres.sh
if [ -z "$json" ]; then
  echo "$(nproc) cores, $(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo), load $(cut -d' ' -f1 /proc/loadavg), $customers customers"
  printf '%-58s %12s %12s %8s  %s\n' work ours baseline ratio "unit, goal"
fi
bench import bench/bench_import.sh $json "$relance"
retailer=$(unpack "$RELANCE_DATA/online_retail/online_retail_2010-12_2011-08.csv.zst")
[ -z "$retailer" ] || bench csv "$build/bench/bench_csv" "$retailer" $json
bench store $pg "$build/bench/bench_store" $json --dir "$work" --facts $((customers < 100000 ? customers * 10 : 1000000))
bench replay env BENCH_DIR="$work" $pg python3 bench/bench_replay.py "$relance" $json
tick() {
  [ -z "$only" ] || case $only in *" tick "*) ;; *) return 0 ;; esac
  "$relance" simulate "$work/tick.db" --customers "$customers" --years 3 --seed 7 >/dev/null && bench tick "$build/bench/bench_tick" "$work/tick.db" $json
  rm -f "$work"/tick.db*
}
tick
size() {
  [ -z "$only" ] || case $only in *" size "*) ;; *) return 0 ;; esac
  "$relance" simulate "$work/size.db" --customers $((customers < 3000 ? customers : 3000)) --years 5 --seed 7 --until "$(date -u +%F)" >/dev/null &&
    bench size "$build/bench/bench_size" "$work/size.db" $json
  rm -f "$work"/size.db*
}
size
bench segment $pg "$build/bench/bench_segment" --customers "$customers" $json
bench kpi $pg "$build/bench/bench_kpi" --lines "$lines" --sql $json
bench value "$build/bench/bench_value" --customers "$customers" $json
bench uplift "$build/bench/bench_uplift" --customers "$customers" $json
bench recommend "$build/bench/bench_recommend" --customers "$customers" $json
retail=$(unpack "$RELANCE_DATA/fimi/retail.dat.zst")
quest=$(unpack "$RELANCE_DATA/fimi/T10I4D100K.dat.zst")
itemset() {
  [ -z "$only" ] || case $only in *" itemset "*) ;; *) return 0 ;; esac
  "$build/bench/bench_itemset" --quest 1000000 >"$work/million.dat"
  bench itemset "$build/bench/bench_itemset" $json "$retail" "$quest" "$work/million.dat" 100
  rm -f "$work/million.dat"
}
[ -z "$retail" ] || [ -z "$quest" ] || itemset
bench liquid "$build/bench/bench_liquid" $json
bench mail "$build/bench/bench_mail" $json
bench smtp "$build/bench/bench_smtp" $json
bench bounce "$build/bench/bench_bounce" $json
bench http env BENCH_DIR="$work" python3 bench/bench_http.py "$relance" $json --customers "$customers"
if [ -d ui/node_modules ] && command -v chromium >/dev/null; then
  bench view node ui/test/view.mjs "$relance" $json
else
  echo "# view: chromium or ui/node_modules is not installed" >&2
fi
exit $failed
