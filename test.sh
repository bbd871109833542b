#!/usr/bin/env bash
# Sets up what is missing, builds everything, and runs all tests: ./test.sh [ctest arguments]
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)
cd "$root"
scripts/build.sh release all
exec ctest --test-dir build/release --output-on-failure "$@"
