#!/bin/sh
# Builds the web UI into ui/dist, each text file with its .gz beside it. Needs Node 18 or later.
set -eu
cd "$(dirname "$0")"
npm install --no-save --no-audit --no-fund --loglevel=error # not "npm ci": the lock holds no other systems' builds
./node_modules/.bin/vite build --logLevel warn
find dist -type f \( -name '*.js' -o -name '*.css' -o -name '*.html' -o -name '*.svg' \) -exec gzip -9 -n -k -f {} +
