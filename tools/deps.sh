#!/usr/bin/env bash
# deps.sh GROUP…: installs the Debian packages that the groups need and that are missing; says which. Nothing else comes from outside.
# Groups: build, ui, test, real, bench, tidy, fuzz; "real" is the mail server, the spam filter and the Liquid that tests are held
# against, which CI installs and a user's machine is not asked to: those tests are skipped without. The group ui is wanted but not
# needed: without it the program is built with no web pages.
set -euo pipefail
build="gcc libc6-dev make meson ninja-build pkg-config python3 libicu-dev libsqlite3-dev libpq-dev libjansson-dev libyajl-dev libyaml-dev
  libmicrohttpd-dev libqrencode-dev libcurl4-openssl-dev libssl-dev libsodium-dev libgmime-3.0-dev libcmark-dev libnlopt-dev libgsl-dev
  libopenblas-pthread-dev liblapacke-dev"
ui="nodejs npm"
test="check postgresql-15 sqlite3 zstd python3-dkim libasan8 libubsan1 chromium"
real="postfix spamassassin ruby-liquid"
bench="postgresql-15 sqlite3 zstd postfix ruby-liquid ruby-liquid-c r-base-core"
tidy="clang-format-14 python3"
fuzz="clang-14 libclang-rt-14-dev"
wanted="check"
for group in "$@"; do wanted="$wanted ${!group}"; done
missing=""
for p in $wanted; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "relance: install these packages, then run the command again:$missing" >&2; exit 1; }
  sudo=sudo
fi
echo "relance: installing from Debian:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
$sudo apt-get update -qq >"$log" 2>&1 || true
if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >>"$log" 2>&1 </dev/null; then
  grep -E '^(E|W):' "$log" >&2 || tail -5 "$log" >&2
  echo "relance: apt-get did not install them; the lines above say why" >&2
  exit 1
fi
