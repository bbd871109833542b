#!/usr/bin/env bash
# Installs missing packages and builds one preset: scripts/build.sh [--yes] [PRESET] [TARGET...]
# Without a target: the program alone for release, everything for the other presets. Says what it is
# doing on standard error, nothing when there is nothing to do; the compiler's output goes to
# build/PRESET/build.log and is shown when the build fails.
#
# GPU code takes minutes to compile, so a new build folder has it only where an NVIDIA GPU and nvcc
# are; MOLGEN3D_CUDA=ON, OFF or AUTO (wherever nvcc is) in the environment decides otherwise.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
yes=()
if [ "${1:-}" = --yes ]; then yes=(--yes); shift; fi
preset=${1:-release}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- $([ "$preset" = release ] && echo molgen3d || echo all)
cd "$root"
tests=()
[ "$*" = molgen3d ] || tests=(--tests)
scripts/install_dependencies.sh "${yes[@]}" "${tests[@]}"
# The 3D viewer of report pages. Tried once per build folder: later calls shall not wait for a missing network.
if [[ $preset =~ ^(release|debug)$ ]] &&
    { [ ${#tests[@]} -gt 0 ] || ! grep -qs MOLGEN3D_3DMOL "build/$preset/CMakeCache.txt"; }; then
  scripts/fetch_3dmol.sh ||
    echo "build: pages of this build will have no 3D viewer; the rest is not affected" >&2
  scripts/fetch_openchemlib.sh ||
    echo "build: the server's page of this build will have no sketch pad; the rest is not affected" >&2
fi
folder=build/$preset
mkdir -p "$folder"
log=$folder/build.log
options=()
if [ "$preset" = release ]; then
  if [ ${#tests[@]} -gt 0 ]; then
    options=(-DMOLGEN3D_TESTS=ON -DMOLGEN3D_PYTHON=ON)
    # Benchmarks are built when asked for: MOLGEN3D_BENCH=ON in the environment, or by hand.
    [ -f "$folder/CMakeCache.txt" ] || options+=(-DMOLGEN3D_BENCH=OFF)
    [ -z "${MOLGEN3D_BENCH:-}" ] || options+=("-DMOLGEN3D_BENCH=$MOLGEN3D_BENCH")
  elif [ ! -f "$folder/CMakeCache.txt" ]; then
    options=(-DMOLGEN3D_TESTS=OFF -DMOLGEN3D_BENCH=OFF)
  fi
fi
if [ -n "${MOLGEN3D_CUDA:-}" ]; then
  options+=("-DMOLGEN3D_CUDA=$MOLGEN3D_CUDA")
elif [[ $preset =~ ^(release|debug)$ ]] && [ ! -f "$folder/CMakeCache.txt" ] && [ ! -e /dev/nvidiactl ]; then
  options+=(-DMOLGEN3D_CUDA=OFF)
fi

fail() {
  cat "$log" >&2
  echo "build failed (preset $preset); the log is $root/$log" >&2
  exit 1
}
if [ ! -f "$folder/CMakeCache.txt" ]; then
  echo "build: configuring $folder; the first build takes minutes, later ones compile what changed" >&2
fi
cmake --preset "$preset" "${options[@]}" >"$log" 2>&1 || fail
# Ninja's own lines go to the log; shown are one line that moves on a terminal, one in twenty elsewhere.
terminal=0
[ -t 2 ] && terminal=1
NINJA_STATUS="[%f/%t] " cmake --build "$folder" --target "$@" 2>&1 | tee -a "$log" |
  awk -v terminal=$terminal -v name="build: $folder" '
    match($0, /^\[[0-9]+\/[0-9]+\] /) {
      split(substr($0, 2, RLENGTH - 3), count, "/")
      file = $NF; sub(/.*\//, "", file); sub(/\.o$/, "", file)
      if (terminal) printf "\r\033[K%s: %d of %d, %s", name, count[1], count[2], file
      else if (int(20 * count[1] / count[2]) > shown || count[1] == 1) print name ": " count[1] " of " count[2] ", " file
      shown = int(20 * count[1] / count[2])
      fflush()
    }
    END { if (terminal && shown) printf "\r\033[K" }' >&2 || fail
