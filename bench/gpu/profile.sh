#!/bin/sh
# What recording costs on the device, and what the record says: decoding without a recorder, with
# spans of the host only, with one span a graph launch, and with one a kernel.
#
#   bench/gpu/profile.sh BUNDLE_DIR [OUT]      (BUNDLE_DIR: as of make_bundle.sh)
#
# CUPTI: that of the toolkit or of NVIDIA's Python package, or $MOLGEN3D_CUPTI.
set -u
bundle=$(cd "$1" && pwd) out=${2:-profile}
mkdir -p "$out"
export LD_LIBRARY_PATH="$bundle${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if [ -z "${MOLGEN3D_CUPTI:-}" ]; then
  found=$(find / -name 'libcupti.so.13*' -not -path '/proc/*' 2>/dev/null | head -1)
  [ -n "$found" ] && export MOLGEN3D_CUPTI="$found"
fi
echo "CUPTI: ${MOLGEN3D_CUPTI:-not found}"
bench="$bundle/profile_bench"
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
failed=0
for round in 1 2; do
  for detail in off none graph node; do
    "$bench" record $detail --trace /tmp/$detail.json.gz --repeats 2 || failed=1
  done
done
for detail in graph node; do
  [ -f /tmp/$detail.json.gz ] || continue
  ls -l /tmp/$detail.json.gz
  "$bench" report /tmp/$detail.json.gz >"$out/report_$detail.txt" || failed=1
  head -3 "$out/report_$detail.txt"
done
# Why is one faster: the constraint against free decoding, answers of equal lengths, by kernel.
for rule in exact none; do
  "$bench" record node --rule $rule --trace /tmp/rule_$rule.json.gz --molecules 8 --batch 8 --repeats 1 --lengths /tmp/lengths.txt || failed=1
  "$bench" record graph --rule $rule --trace "$out/graph_$rule.json.gz" --molecules 8 --batch 8 --repeats 1 --lengths /tmp/lengths.txt || failed=1
done
"$bench" compare /tmp/rule_exact.json.gz /tmp/rule_none.json.gz >"$out/compare.txt" || failed=1
exit $failed
