#!/usr/bin/env bash
# Builds the web pages (ui/dist) when their sources changed. Wanted, not needed: without Node, or without the network that its packages
# come from the first time, the program is built without its pages, and a line says so.
set -uo pipefail
cd "$(dirname "$0")/.."
[ -f ui/build.sh ] || exit 0
left_out() { echo "relance: the web pages are left out: $*; the rest is whole"; exit 0; }
if [ -f ui/dist/index.html ] &&
  [ -z "$(find ui \( -name node_modules -o -name dist -o -name test \) -prune -o -type f -newer ui/dist/index.html -print -quit)" ]; then
  exit 0
fi
command -v npm >/dev/null || tools/deps.sh ui || left_out "Node is not installed (Debian: nodejs, npm)"
command -v npm >/dev/null || left_out "npm is not installed (Debian: npm)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "relance: building the web pages"
sh ui/build.sh >"$log" 2>&1 </dev/null || { grep -m1 -E 'npm ERR!|rror' "$log"; left_out "ui/build.sh failed"; }
touch ui/dist/index.html src/web/meson.build # the build looks again for what there is to embed
