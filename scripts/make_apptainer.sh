#!/usr/bin/env bash
# Writes the Apptainer definition of a bundle (scripts/make_bundle.sh), for clusters that run containers:
#
#   scripts/make_apptainer.sh BUNDLE.tar.xz [OUTPUT.def]
#   apptainer build molgen3d.sif OUTPUT.def && apptainer run --nv molgen3d.sif generate "CCO"
#
# The base is the oldest of the Debian images whose C library the bundle can use: `--nv` brings libraries of the host's
# driver in, which need a C library that is not newer than the image's.
set -euo pipefail
case ${1:-} in
  "" | -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; [ -n "${1:-}" ]; exit ;;
esac
archive=$(realpath "$1")
output=${2:-${archive%.tar.xz}.def}
here=$(cd "$(dirname "$0")" && pwd)
readme=$(tar -xJOf "$archive" --wildcards '*/README.txt')
version=$(head -n 1 <<<"$readme" | sed -E 's/^molgen3d-([^-]*)-.*/\1/')
glibc=$(grep -oE 'glibc [0-9.]+' <<<"$readme" | cut -d' ' -f2)
[ -n "$version" ] && [ -n "$glibc" ] || { echo "make_apptainer: $archive: no bundle of molgen3d" >&2; exit 2; }
base=""
for known in 2.31=debian:11-slim 2.36=debian:12-slim 2.41=debian:13-slim; do
  if [ "$(printf '%s\n' "$glibc" "${known%%=*}" | sort -V | tail -n 1)" = "${known%%=*}" ]; then
    base=${known#*=}
    break
  fi
done
[ -n "$base" ] || { echo "make_apptainer: no image with glibc $glibc or newer is known" >&2; exit 2; }
escaped=$(sed 's/[&|\\]/\\&/g' <<<"$archive")
sed -e "s|@BASE@|$base|; s|@ARCHIVE@|$escaped|; s|@VERSION@|$version|" "$here/molgen3d.def.in" >"$output.part"
mv "$output.part" "$output"
echo "$output: from $base (glibc $glibc is needed)"
