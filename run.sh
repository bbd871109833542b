#!/usr/bin/env bash
# Sets up what is missing, builds molgen3d, and runs it with the given arguments:
#   ./run.sh generate "CC(=O)Oc1ccccc1C(=O)O" -n 10 --seed 7 -o aspirin.sdf
# Missing packages are named and installed with sudo after a question; ./run.sh --yes ARGUMENTS... asks none.
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)
yes=()
if [ "${1:-}" = --yes ]; then yes=(--yes); shift; fi
"$root/scripts/build.sh" "${yes[@]}" >&2
exec "$root/build/release/src/cli/molgen3d" "$@"
