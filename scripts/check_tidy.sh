#!/usr/bin/env bash
# clang-tidy with the checks of .clang-tidy, findings are errors:
#   scripts/check_tidy.sh              files that differ from origin/main or main, and are not committed
#   scripts/check_tidy.sh --all        the whole tree: about 20 minutes on two cores
#   scripts/check_tidy.sh FILE.cpp...  these
# Compiles without precompiled headers, so a file that does not include what it uses is found too.
# Headers are seen through the files that include them; CUDA sources need nvcc and are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-tidy >/dev/null || { echo "check_tidy: clang-tidy is missing (scripts/install_dependencies.sh --tests)" >&2; exit 2; }
base=""
for name in origin/main main; do
  if git rev-parse -q --verify "$name" >/dev/null; then base=$(git merge-base "$name" HEAD); break; fi
done
case ${1:-} in
  --all) mapfile -t files < <(git ls-files 'src/*.cpp' 'testing/*.cpp' 'tests/*.cpp' 'python/*.cpp') ;;
  "") mapfile -t files < <(git diff --name-only --diff-filter=d "${base:-HEAD}" -- 'src/*.cpp' 'testing/*.cpp' 'tests/*.cpp' 'python/*.cpp') ;;
  *) files=("$@") ;;
esac
[ ${#files[@]} -gt 0 ] || exit 0
folder=build/tidy
[ -f $folder/build.ninja ] ||
  cmake --preset release -B $folder -DMOLGEN3D_PRECOMPILED=OFF -DMOLGEN3D_CUDA=OFF -DMOLGEN3D_BENCH=OFF \
    -DMOLGEN3D_PYTHON=ON >/dev/null
# What this build does not compile (fuzzers, CUDA, other processors) has no command to check it with.
mapfile -t known < <(for file in "${files[@]}"; do
  grep -qF "\"file\": \"$PWD/$file\"" $folder/compile_commands.json && echo "$file"; done || true)
[ ${#known[@]} -gt 0 ] || exit 0
echo "check_tidy: ${#known[@]} files" >&2
printf '%s\0' "${known[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy -p $folder --quiet \
  --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option \
  2> >(grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed' >&2)
