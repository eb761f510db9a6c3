#!/usr/bin/env bash
# Quality of the recommendations beside simple methods, on real baskets, same split for all.   bench/quality.sh [BUILD]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
data=${RELANCE_DATA:-$(realpath -m ../shared/data)}
[ -d "$data" ] || { echo "quality.sh: no data at $data (RELANCE_DATA says where)" >&2; exit 0; }
ninja -C "$build" bench/bench_quality src/cli/relance >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for f in fimi/retail.dat next_basket/DC.json next_basket/TMS.json online_retail/online_retail_2010-12_2011-08.csv; do
  zstd -qdfo "$work/$(basename "$f")" "$data/$f.zst"
done
"$build/bench/bench_quality" "$work/retail.dat" "$work/DC.json" "$work/TMS.json"
echo
shop=$work/shop.db
"$build/src/cli/relance" init "$shop" --timezone Europe/London --currency GBP --locale en >/dev/null
"$build/src/cli/relance" import "$shop" "$work/online_retail_2010-12_2011-08.csv" \
  --not-products "POST,D,C2,M,DOT,BANK CHARGES,CRUK,PADS,AMAZONFEE,S,B" >/dev/null
for split in 2011-06-01 2011-04-01 2011-05-01 2011-07-01; do # the first is the published one; the others: was it luck?
  printf '\nOnline Retail, learnt before %s\n' "$split"
  "$build/src/cli/relance" evaluate "$shop" --split "$split"
done
