#!/usr/bin/env bash
# A simulated shop lives six weeks with its plans: what happened, to whom and why, what it brought, and where to look.
#
#   tools/demo.sh [BUILD]     DEMO_CUSTOMERS (3000)  DEMO_DIR (demo)  DEMO_SERVE=1 serves it at the end even without a terminal, 0 never
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
relance=$here/${1:-build}/src/cli/relance
dir=${DEMO_DIR:-demo}
customers=${DEMO_CUSTOMERS:-3000}
plans="anti-churn abandoned-cart welcome birthday cross-sell survey"
days=45
export LC_ALL=C.UTF-8
title() { printf '\n\033[1m%s\033[0m\n' "$*" | { if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }; }
shown() { printf '$ relance %s\n' "$*"; }

rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
today=$(date -u +%F)
first=$(date -u -d "$today - $days days" +%F)

title "A shop of $customers invented customers, three years of orders, carts and consents"
shown simulate shop.db --customers "$customers" --years 3 --seed 7 --until "$today"
"$relance" simulate shop.db --customers "$customers" --years 3 --seed 7 --until "$today" >simulate.txt
grep -E '^(orders|carts|carts abandoned|lines|consents) ' simulate.txt

title "Where they stood six weeks ago"
shown lifecycle shop.db --at "$first"
"$relance" lifecycle shop.db --at "$first"

title "The plans are switched on that morning"
shown plan on shop.db $plans --at "${first}T06:00"
"$relance" plan on shop.db $plans --at "${first}T06:00"

title "Six weeks of decisions: one turn at noon, one in the evening (live: relance run shop.db); at night the customers react"
echo 'day         entered  decisions  messages  opened  clicked  orders they caused'
for i in $(seq 0 $((days - 1))); do
  day=$(date -u -d "$first + $i days" +%F)
  for hour in 12 19; do
    "$relance" tick shop.db --at "${day}T$hour:00" --format json >>ticks.json
  done
  "$relance" simulate shop.db --react --seed 7 --at "${day}T20:00" --format json >reacted.json
  # the day's two turns and what followed, added up
  { tail -n 400 ticks.json | tr -d '\n' | sed 's/}/}\n/g' | tail -2 && cat reacted.json; } | awk -v day="$day" '
    function get(name,  m) { return match($0, "\"" name "\": *[0-9]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 : 0 }
    { e += get("entered"); d += get("decisions"); a += get("accepted"); o += get("opened"); c += get("clicked"); n += get("orders") }
    END { printf "%s %8d %10d %9d %7d %8d %19d\n", day, e, d, a, o, c, n }'
done

title "What left the shop, as files in $dir/shop.db.outbox"
ls shop.db.outbox | awk -F. '{ n[$2 "  " $4 "  " $5]++ } END { for (k in n) printf "%6d  %s\n", n[k], k }' | sort -k2,2 -k3,3
# Somebody with a story: the first who got a second win-back mail.
who=$(ls shop.db.outbox | awk -F. '$2 == "anti-churn" && $4 == "winback-2" && $5 == "email" { print $1 }' | sort -n | head -1)
if [ -n "$who" ]; then
  title "One customer's story"
  shown "why shop.db '#$who'"
  "$relance" why shop.db "#$who"
fi
title "What the win-back plan brought, against the customers it left alone"
shown experiment shop.db anti-churn
"$relance" experiment shop.db anti-churn
title "Nothing is out of order"
shown check shop.db
"$relance" check shop.db

title "Where to look"
cat <<END
  $dir/shop.db            the shop: one SQLite file (shop.db.key beside it is the secret of the address hashes)
  $dir/shop.db.outbox/    every message as it would have left: open an .eml with a mail program
  ${relance#"$here/"} why $dir/shop.db '#${who:-1}'
  ${relance#"$here/"} plan show anti-churn
  ${relance#"$here/"} segment $dir/shop.db 'lifecycle = lapsing and spend > 200 EUR'
  ${relance#"$here/"} replay $dir/shop.db --from $(date -u -d "$today - 1 year" +%F) --to $(date -u -d "$today - 1 day" +%F) --response rates
END
if "$relance" --help | grep -q '^  serve '; then
  serve="${relance#"$here/"} serve $dir/shop.db"
  if [ "${DEMO_SERVE:-}" = 1 ] || { [ -t 1 ] && [ "${DEMO_SERVE:-}" != 0 ]; }; then
    title "Open http://127.0.0.1:8025 in a browser (Ctrl-C ends it)"
    exec "$relance" serve shop.db
  fi
  echo "  $serve          then open http://127.0.0.1:8025"
fi
