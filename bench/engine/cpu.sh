#!/bin/sh
# CPU decode speed beside a prebuilt llama.cpp, same shapes, same run, random weights.
#   bench/engine/cpu.sh [BUILD_FOLDER=build] [THREADS=2] [CONTEXT=400] [REPEATS=5]
# Downloads llama.cpp's libraries (npm, @node-llama-cpp/linux-x64) into build/llama and writes
# 2.5 GB of model files there. Needs npm and python3 with numpy. THREADS=1 reports processor time,
# which other programs on the machine do not disturb.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} threads=${2:-2} context=${3:-400} repeats=${4:-5}
work=build/llama
libraries=$work/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64
mkdir -p "$work"
if [ ! -d "$libraries" ]; then
  [ -f "$work/package.json" ] || echo '{"private": true}' > "$work/package.json"
  npm install --prefix "$work" --ignore-scripts @node-llama-cpp/linux-x64@3.22.1
fi
for shape in default qwen3-0.6b; do
  for kind in bf16 f16; do
    file=$work/$shape-$kind.gguf
    [ -f "$file" ] || python3 bench/engine/make_gguf.py "$shape" "$kind" "$file"
  done
  "$build/bench/engine/bench_operations" "$shape" "$threads" "$context" "$repeats" 1 8 32
  for kind in bf16 f16; do
    "$build/bench/engine/bench_llama" "$libraries" "$work/$shape-$kind.gguf" "$threads" "$context" \
      "$repeats" 1 8 32
  done
done
