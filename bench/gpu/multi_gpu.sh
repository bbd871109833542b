#!/bin/bash
# One run on 1, 2 and 4 devices of a node: the same bytes, and the times of its parts.
#
#   bench/gpu/multi_gpu.sh PROGRAM MOLECULES [OUT]      MOLECULES: a file of SMILES, at least 20,000
#
# $MOLGEN3D_BENCH_DEVICES: "cuda:0 cuda:0,1 cuda:0,1,2,3" (those of them that are there are taken);
# $MOLGEN3D_BENCH_LIMIT: molecules [20000]; $MOLGEN3D_BENCH_OPTIONS: further options of generate.
# Each run is made twice: once to have files and code in memory, once measured. Prints a Markdown table; OUT (default a
# temporary folder) keeps outputs, traces and messages. Ends with code 1 when outputs differ.
set -euo pipefail
program=$(realpath "$1") molecules=$(realpath "$2")
out=${3:-$(mktemp -d)}
mkdir -p "$out"
limit=${MOLGEN3D_BENCH_LIMIT:-20000}
read -ra options <<<"${MOLGEN3D_BENCH_OPTIONS:-}"
present=$(nvidia-smi -L 2>/dev/null | wc -l)
echo "| devices | load, s | generate, s | write, s | whole command, s | molecules/s | against one | sha256 |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
first="" differ=0
for devices in ${MOLGEN3D_BENCH_DEVICES:-cuda:0 cuda:0,1 cuda:0,1,2,3}; do
  count=$(($(tr -cd , <<<"$devices" | wc -c) + 1))
  if [[ $devices == cuda* ]] && [ "$count" -gt "$present" ]; then
    echo "multi_gpu: $devices left out: $present devices are here" >&2
    continue
  fi
  file=$out/${devices//[:,]/_}
  for round in warm measured; do
    begin=$(date +%s.%N)
    "$program" generate "$molecules" --limit "$limit" -n 1 --seed 7 --device "$devices" "${options[@]}" --overwrite \
      --max-messages 5 --profile "$file.json" --profile-kernels none -o "$file.sdf" >"$file.$round.log" 2>&1 ||
      [ $? -eq 2 ] || { tail -n 5 "$file.$round.log" >&2; exit 1; }
    end=$(date +%s.%N)
  done
  sum=$(sha256sum "$file.sdf" | cut -c1-16)
  row=$(python3 - "$file.json" "$begin" "$end" "$limit" "$count" "${first:--}" <<'PYTHON'
import json, sys
path, begin, end, limit, count, first = sys.argv[1:]
spans = json.load(open(path))
spans = spans["traceEvents"] if isinstance(spans, dict) else spans
seconds = {}
for span in spans:
    if span.get("ph") == "X" and span.get("name") in ("load", "write", "release", "run"):
        seconds[span["name"]] = seconds.get(span["name"], 0) + span["dur"] / 1e6
whole = float(end) - float(begin)
load, write = seconds.get("load", 0), seconds.get("write", 0)
rest = seconds["run"] - load - write - seconds.get("release", 0)
gain = "1" if first == "-" else f"{float(first) / rest:.2f}"
print(f"{load:.2f} | {rest:.2f} | {write:.2f} | {whole:.2f} | {int(limit) / rest:.0f} | {gain}#{rest}")
PYTHON
  )
  [ -n "$first" ] || { first=${row##*#}; wanted=$sum; }
  echo "| $devices | ${row%%#*} | $sum |"
  [ "$sum" = "$wanted" ] || differ=1
done
[ "$differ" -eq 0 ] || { echo "multi_gpu: the outputs differ: $out" >&2; exit 1; }
