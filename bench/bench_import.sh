#!/usr/bin/env bash
# Import of Online Retail into a new SQLite database, validated and keyed, beside `sqlite3 .import` of the same file into one untyped
# table. Best of N runs each, in turn. Also the same file again, and the raw rate of the CSV reader.   bench_import.sh [--json] [RELANCE]
set -euo pipefail
cd "$(dirname "$0")/.."
json=no
[ "${1:-}" = --json ] && json=yes && shift
relance=$(realpath "${1:-build/src/cli/relance}")
data=${RELANCE_DATA:-../shared/data}
[ -d "$data" ] || data=../../shared/data
packed=$(ls "$data"/online_retail/*.csv.zst 2>/dev/null) || { echo "skipped: online_retail is not in RELANCE_DATA" >&2; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zstd -qdc "$packed" >"$work/orders.csv"
rows=$(($(wc -l <"$work/orders.csv") - 1))
seconds() { local t0; t0=$(date +%s.%N); "$@" >/dev/null; echo "$(date +%s.%N) $t0" | awk '{printf "%.4f", $1 - $2}'; }
fresh() { rm -f "$work"/shop.db*; "$relance" init "$work/shop.db" --timezone Europe/London --currency GBP --locale en >/dev/null; }
best_ours=999 best_base=999 best_again=999
for _ in 1 2 3 4 5; do
  rm -f "$work/base.db"
  t=$(seconds sqlite3 "$work/base.db" ".import --csv $work/orders.csv t")
  best_base=$(echo "$t $best_base" | awk '{print $1 < $2 ? $1 : $2}')
  fresh
  t=$(seconds "$relance" import "$work/shop.db" "$work/orders.csv" --format json)
  best_ours=$(echo "$t $best_ours" | awk '{print $1 < $2 ? $1 : $2}')
  t=$(seconds "$relance" import "$work/shop.db" "$work/orders.csv" --format json)
  best_again=$(echo "$t $best_again" | awk '{print $1 < $2 ? $1 : $2}')
done
awk -v rows="$rows" -v ours="$best_ours" -v base="$best_base" -v again="$best_again" -v json="$json" 'BEGIN {
  if (json == "yes") {
    printf "[{\"work\":\"import Online Retail\",\"rows\":%d,\"ours_rows_s\":%.0f,\"baseline_rows_s\":%.0f,\"ratio\":%.2f,\"goal\":1.0},", rows, rows / ours, rows / base, base / ours
    printf "{\"work\":\"the same file again\",\"rows\":%d,\"ours_rows_s\":%.0f,\"baseline_rows_s\":%.0f,\"ratio\":%.2f,\"goal\":1.0}]\n", rows, rows / again, rows / base, base / again
  } else {
    printf "%-24s %12s %12s %7s %6s\n", "work", "ours rows/s", ".import", "ratio", "goal"
    printf "%-24s %12.0f %12.0f %7.2f %6s\n", "import Online Retail", rows / ours, rows / base, base / ours, "1.0"
    printf "%-24s %12.0f %12.0f %7.2f %6s\n", "the same file again", rows / again, rows / base, base / again, "1.0"
  }
}'
