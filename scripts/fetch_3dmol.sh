#!/usr/bin/env bash
# Fetches 3Dmol.js, the 3D viewer of report pages, from npm: scripts/fetch_3dmol.sh
# Leaves in build/3dmol what the build compiles into the program: the minified library (gzip, base64), its licence
# and its name. Does nothing when that is there. A build without it works, and its pages say that they have no 3D viewer.
set -euo pipefail
version=2.5.5
sha512=92a347a2e1aaab761f5b9f35ef8b5d111be6d1761398fd2d6af40a3aa230d68b9cd8e27b7a9917105aed1245575747250594f665edb11d10bfab15f4bb4a8277
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/build/3dmol
[ "$(cat "$folder/name.txt" 2>/dev/null)" != "3Dmol.js $version" ] || exit 0
command -v npm >/dev/null || command -v curl >/dev/null || {
  echo "fetch_3dmol: neither npm nor curl was found (Debian packages npm, curl)" >&2
  exit 1
}
mkdir -p "$root/build"
work=$(mktemp -d "$root/build/3dmol.XXXXXX")
trap 'rm -rf "$work"' EXIT
archive=$work/3dmol-$version.tgz
# Few and short tries: a build on a machine without a network shall not wait for minutes. npm knows a site's own
# registry; curl is there where npm is not.
if command -v npm >/dev/null; then
  call="npm pack 3dmol@$version"
  fetch() { cd "$work" && timeout 120 npm pack "3dmol@$version" --prefer-offline --ignore-scripts --fetch-retries=1 \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 --fetch-timeout=60000; }
else
  call="curl https://registry.npmjs.org/3dmol/-/3dmol-$version.tgz"
  fetch() { curl -fsSL --retry 1 --connect-timeout 10 --max-time 120 -o "$archive" "${call#curl }"; }
fi
if ! (fetch) >"$work/fetch.log" 2>&1; then
  cause=$(sed -nE 's/^(npm (error|ERR!)|curl:) //p' "$work/fetch.log" | head -n 1)
  echo "fetch_3dmol: $call failed: ${cause:-no answer in time}" >&2
  exit 1
fi
if ! echo "$sha512  $archive" | sha512sum --check --status; then
  echo "fetch_3dmol: 3dmol-$version.tgz is not the expected file: sha512 $(sha512sum "$archive" | cut -d' ' -f1)" >&2
  exit 1
fi
tar -xzf "$archive" -C "$work" package/build/3Dmol-min.js package/LICENSE
mkdir "$work/out"
gzip -9nc "$work/package/build/3Dmol-min.js" | base64 -w0 >"$work/out/library.txt"
cp "$work/package/LICENSE" "$work/out/licence.txt"
printf '3Dmol.js %s' "$version" >"$work/out/name.txt"
rm -rf "$folder"
mv "$work/out" "$folder"
