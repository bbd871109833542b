#!/usr/bin/env bash
# Runs every fuzzer for SECONDS (default 30), two at a time, on the seeds under tests/*/corpus_<name>.
# A finding is kept in build/fuzz/findings and makes the script fail.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
scripts/build.sh fuzz all
mkdir -p build/fuzz/findings
# Leaks are findings, but for those that are not ours.
export seconds LSAN_OPTIONS=suppressions=$PWD/scripts/lsan_suppressions.txt:print_suppressions=0
run_one() {
  local program=$1 name corpus
  name=$(basename "$program")
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  local seeds=(tests/*/corpus_"${name#fuzz_}")
  [ -d "${seeds[0]}" ] || seeds=()
  # Without its slow way through the stack the sanitizer does not see that it was RDKit's reader that
  # called the rest of RDKit.
  local stacks=1
  [[ $name =~ ^fuzz_(sdf|smiles)_reader$ ]] && stacks=0
  if ASAN_OPTIONS=fast_unwind_on_malloc=$stacks \
    "$program" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 -print_final_stats=0 \
      -artifact_prefix=build/fuzz/findings/"$name"- "$corpus" "${seeds[@]}" >build/fuzz/"$name".log 2>&1; then
    echo "$name: no finding in ${seconds} s, $(grep -oE '^#[0-9]+' build/fuzz/"$name".log | tail -1 | tr -d '#') runs"
  else
    tail -40 build/fuzz/"$name".log
    echo "$name: FINDING, see build/fuzz/findings" >&2
    return 1
  fi
}
export -f run_one
find build/fuzz/tests -type f -name 'fuzz_*' -perm -u+x -print0 | sort -z |
  xargs -0 -r -P 2 -I{} bash -c 'run_one {}'
