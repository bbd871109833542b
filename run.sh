#!/usr/bin/env bash
# Sets up what is missing, builds molgen3d, and runs it with the given arguments:
#   ./run.sh generate "CC(=O)Oc1ccccc1C(=O)O" -n 10 --seed 7 -o aspirin.sdf
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)
"$root/scripts/build.sh" >&2
exec "$root/build/release/src/cli/molgen3d" "$@"
