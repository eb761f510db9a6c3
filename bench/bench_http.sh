#!/bin/sh
# Facts taken per second over HTTP (64 connections, one by one and by hundreds) and the customer page, beside a minimal
# libmicrohttpd + SQLite program that only stores the body, or serves a fixed page of the same size.
#   bench_http.sh RELANCE [SECONDS] [CUSTOMERS]
set -eu
relance=$(realpath "$1")
seconds=${2:-5}
customers=${3:-20000}
here=$(dirname "$(realpath "$0")")
command -v wrk >/dev/null || { echo "bench_http: wrk is not installed" >&2; exit 1; }
dir=$(mktemp -d)
cd "$dir"
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null || :; done; rm -rf "$dir"' EXIT
cc -O2 -o base "$here/bench_http_base.c" -lmicrohttpd -lsqlite3 -lpthread

"$relance" init shop.db --timezone Europe/Paris --currency EUR --locale fr >/dev/null
awk -v n="$customers" 'BEGIN { print "order,customer,date,sku,quantity,amount"; for (c = 1; c <= n; c++) for (k = 0; k < 5; k++)
	printf "%d-%d,%d,2026-%02d-%02d 10:00,SKU%d,1,%d.50\n", c, k, c, 1 + (c + k) % 9, 1 + c % 28, (c * k) % 500, 5 + c % 60 }' >orders.csv
"$relance" import shop.db orders.csv --as orders --source till >/dev/null
"$relance" serve shop.db --listen 127.0.0.1:0 >serve.log 2>serve.err &
pids="$pids $!"
for _ in 1 2 3 4 5 6 7 8 9 10; do grep -qs token serve.log && break; sleep 1; done
port=$(sed -n 's/.*serving at http:\/\/127.0.0.1:\([0-9]*\).*/\1/p' serve.log)
token=$(sed -n 's/.*token=//p' serve.log)
api=http://127.0.0.1:$port/api/v1
cookie=$(curl -sS -D - -o setup.json "$api/setup" -d "{\"token\":\"$token\",\"name\":\"bench\",\"password\":\"a long enough password\"}" |
	sed -n 's/^Set-Cookie: \([^;]*\).*/\1/ip' | tr -d '\r')
csrf=$(sed -n 's/.*"csrf":"\([^"]*\)".*/\1/p' setup.json)
key=$(curl -sS "$api/keys" -H "Cookie: $cookie" -H "X-CSRF-Token: $csrf" -d '{"name":"bench","scopes":"facts people read"}' |
	sed -n 's/.*"key":"\([^"]*\)".*/\1/p')
bytes=$(curl -sS "$api/customers/77" -H "Authorization: Bearer $key" | wc -c)
./base base.db 18099 "$bytes" &
pids="$pids $!"
sleep 0.5

cat >post.lua <<'EOF'
local batch, thread = tonumber(os.getenv("BATCH")), 0
function setup(t) thread = thread + 1; t:set("id", thread) end
local n = 0
function request()
	local lines = {}
	for i = 1, batch do
		n = n + 1
		lines[i] = string.format('{"kind":"order","key":"%s:%d-%d","customer":"%d","at":"2026-10-01T10:00:00Z","lines":[{"sku":"SKU%d","quantity":1,"amount":%d}]}',
			os.getenv("RUN"), id, n, 1 + (n * 7919 + id) % 20000, n % 500, 500 + n % 6000)
	end
	return wrk.format("POST", nil, {["Authorization"] = "Bearer " .. os.getenv("KEY")}, table.concat(lines, "\n"))
end
EOF
rate() { # batch, url → requests per second
	BATCH=$1 KEY=$key RUN=$(date +%N) wrk -t2 -c64 -d"${seconds}s" -s post.lua "$2" >wrk.out
	grep -q 'Non-2xx' wrk.out && { echo "bench_http: refused: $(grep Non-2xx wrk.out)" >&2; exit 1; }
	sed -n 's/^Requests\/sec: *//p' wrk.out
}
row() { printf '%-44s %12.0f %12.0f %8.2f   %s\n' "$1" "$2" "$3" "$(echo "$2 / $3" | bc -l)" "$4"; }
printf '%-44s %12s %12s %8s   %s\n' work ours baseline ratio goal
for batch in 1 100; do
	base=$(rate "$batch" http://127.0.0.1:18099/)
	ours=$(rate "$batch" "$api/facts")
	row "facts/s over HTTP, 64 connections, by $batch" "$(echo "$ours * $batch" | bc -l)" "$(echo "$base * $batch" | bc -l)" \
		"$([ "$batch" = 1 ] && echo '0.7, 15 k/s' || echo '0.7, 200 k/s')"
done
get() { wrk -t2 -c64 -d"${seconds}s" --latency -H "Authorization: Bearer $key" "$1" >wrk.out; sed -n 's/^Requests\/sec: *//p' wrk.out; }
base=$(get http://127.0.0.1:18099/)
ours=$(get "$api/customers/77")
p99=$(sed -n 's/^ *99% *//p' wrk.out)
row "customer page/s, $bytes bytes, 64 connections" "$ours" "$base" "0.5; p99 $p99 (goal 10 ms)"
idle=$(awk '{print $14 + $15}' "/proc/$(echo $pids | cut -d' ' -f1)/stat")
sleep 10
now=$(awk '{print $14 + $15}' "/proc/$(echo $pids | cut -d' ' -f1)/stat")
printf '%-44s %12s %12s %8s   %s\n' "idle process, share of a core" "$(echo "scale=2; ($now - $idle) / 10" | bc -l) %" - - "< 1 %"
