#!/usr/bin/env bash
# Packs the program with every library it needs into one archive, for machines without its packages
# and without root, such as the nodes of a cluster. Builds it when it is not built yet, and checks the
# archive before it gets its name: every library but the C library comes from the archive, and the
# program in it runs without the environment and makes a conformer.
#
#
#   scripts/make_bundle.sh [--without-models] [--build DIR] [OUTPUT]
#
# OUTPUT defaults to molgen3d-VERSION-ARCHITECTURE.tar.xz in the build folder. The archive unpacks to one folder that may lie
# anywhere: bin/molgen3d finds lib/ and share/molgen3d/models/ beside itself. Needed on the other machine: a C library not
# older than the one the archive names in README.txt; for --device cuda the NVIDIA driver, no CUDA toolkit.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/release models=yes output=""
while [ $# -gt 0 ]; do
  case $1 in
    --without-models) models=no ;;
    --build) build=$2; shift ;;
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) echo "make_bundle: unknown option $1; see --help" >&2; exit 2 ;;
    *) output=$1 ;;
  esac
  shift
done
program=$build/src/cli/molgen3d
[ -x "$program" ] || [ "$build" != "$root/build/release" ] || "$root/scripts/build.sh" release molgen3d
[ -x "$program" ] || { echo "make_bundle: $program is not built (scripts/build.sh)" >&2; exit 2; }
name=molgen3d-$("$program" --version | awk '{print $2}')-$(uname -m)
[ -n "$output" ] || output=$build/$name.tar.xz

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bundle=$work/$name
mkdir -p "$bundle/bin" "$bundle/lib" "$bundle/share/licenses" "$bundle/share/molgen3d"
strip -o "$bundle/bin/molgen3d" "$program"
cp "$root/LICENSE" "$bundle/share/licenses/molgen3d"

# Everything but the C library, which belongs to the kernel and the driver of the other machine.
missing=$(ldd "$program" | awk '/not found/{print $1}')
[ -z "$missing" ] || { echo "make_bundle: $program lacks" $missing >&2; exit 1; }
ldd "$program" | awk '$3 ~ /^\//{print $3}' | grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*)\.so' |
  while read -r library; do
    strip --strip-unneeded -o "$bundle/lib/$(basename "$library")" "$(realpath "$library")"
    # Debian keeps a licence text for each package; some register their files as /lib, some as /usr/lib.
    real=$(realpath "$library")
    package=$(dpkg -S "$real" "${real#/usr}" 2>/dev/null | head -n 1 | cut -d: -f1 || true)
    text=/usr/share/doc/$package/copyright
    if [ -n "$package" ] && [ -f "$text" ]; then cp -L "$text" "$bundle/share/licenses/$package"; fi
  done
# Compiled into the program when it was there (scripts/fetch_3dmol.sh).
for library in 3dmol openchemlib; do
  if [ -f "$root/build/$library/licence.txt" ]; then cp "$root/build/$library/licence.txt" "$bundle/share/licenses/$library"; fi
done
[ "$models" = no ] || cp -R "$root/models" "$bundle/share/molgen3d/models"

glibc=$(objdump -T "$bundle"/bin/* "$bundle"/lib/* | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | cut -d_ -f2)
cat >"$bundle/README.txt" <<TEXT
$name: bin/molgen3d --help

The folder may be moved. Needs glibc $glibc or newer (ldd --version) and, for --device cuda, an NVIDIA driver.
Models: $([ "$models" = yes ] && echo "share/molgen3d/models" || echo "not included; --model DIR or MOLGEN3D_MODELS=DIR"). Licences of all parts: share/licenses.
TEXT
mkdir -p "$(dirname "$output")"
XZ_OPT=${XZ_OPT:--6e -T0} tar -C "$work" --owner=0 --group=0 --sort=name -cJf "$output.part" "$name"

check() { echo "make_bundle: the archive does not hold: $*" >&2; rm -f "$output.part"; exit 1; }
mkdir "$work/unpacked"
tar -C "$work/unpacked" -xJf "$output.part"
moved=$work/unpacked/$name
outside=$(env -i ldd "$moved/bin/molgen3d" | awk '$3 ~ /^\//{print $3}' | grep -v "^$moved/" |
  grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*)\.so' || true)
[ -z "$outside" ] || check "from outside come" $outside
[ "$(env -i "$moved/bin/molgen3d" --version)" = "$("$program" --version)" ] || check "another version"
if [ "$models" = yes ]; then
  (cd / && env -i "$moved/bin/molgen3d" generate CCO --device cpu --seed 7 -q --format enriched) | grep -q '^\[C\]<' ||
    check "it makes no conformer of CCO"
fi
mv "$output.part" "$output"
echo "$output: $(du -h --apparent-size "$output" | cut -f1), needs glibc $glibc"
