#!/bin/sh
# Makes a fresh clone ready: installs what the lock file names, builds what is newer than dist/. Run by every npm script; says nothing when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing packages (about a minute) ..." >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
fi
newest=$(find bin src agent commands test package.json -newer dist/.built -type f \( -name '*.ts' -o -name '*.cjs' -o -name package.json \) 2>/dev/null | head -n 1 || true)
if [ ! -e dist/.built ] || [ -n "$newest" ]; then
  mkdir -p dist
  touch dist/.building
  node_modules/.bin/node bin/build.cjs
  mv dist/.building dist/.built
fi
