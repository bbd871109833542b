#!/usr/bin/env bash
# Installs missing packages and builds one preset quietly: scripts/build.sh [PRESET] [TARGET...]
# Prints the compiler's output only when the build fails.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
preset=${1:-release}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- $([ "$preset" = release ] && echo molgen3d || echo all)
cd "$root"
tests=""
[ "$*" = molgen3d ] || tests=--tests
scripts/install_dependencies.sh $tests
# The 3D viewer of report pages. Tried once per build folder: later calls shall not wait for a missing network.
if [[ $preset =~ ^(release|debug)$ ]] && { [ -n "$tests" ] || ! grep -qs MOLGEN3D_3DMOL "build/$preset/CMakeCache.txt"; }; then
  scripts/fetch_3dmol.sh ||
    echo "build: pages of this build will have no 3D viewer; the rest is not affected" >&2
  scripts/fetch_openchemlib.sh ||
    echo "build: the server's page of this build will have no sketch pad; the rest is not affected" >&2
fi
mkdir -p "build/$preset"
log=build/$preset/build.log
options=()
[ "$preset" = release ] && [ "$*" = molgen3d ] && [ ! -f build/release/CMakeCache.txt ] && \
  options=(-DMOLGEN3D_TESTS=OFF -DMOLGEN3D_BENCH=OFF)
[ -n "$tests" ] && [ "$preset" = release ] && options=(-DMOLGEN3D_TESTS=ON -DMOLGEN3D_BENCH=ON -DMOLGEN3D_PYTHON=ON)
if ! { cmake --preset "$preset" "${options[@]}" && cmake --build "build/$preset" --target "$@"; } >"$log" 2>&1; then
  cat "$log"
  echo "build failed (preset $preset); the log is $log" >&2
  exit 1
fi
