#!/bin/sh
# Builds, checks and measures the CUDA backend, and prints the tables of bench/records.
#
#   bench/gpu.sh [OUT]      needs a CUDA device; OUT (default build/gpu_results) gets one file a table
#
# With MOLGEN3D_GPU_BUNDLE=DIR the programs in DIR are used and nothing is built (DIR: engine_bench,
# gemm_bench, test_engine_cuda and the libraries they need; bench/gpu/make_bundle.sh fills it).
# Sections can be chosen: MOLGEN3D_GPU_SECTIONS="steps endtoend".
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/build/gpu_results}
sections=${MOLGEN3D_GPU_SECTIONS:-tests gemm check steps kernels fp8 endtoend ablation memory llama transformers sanitizer}
mkdir -p "$out"
cd "$root" || exit 2
if [ -n "${MOLGEN3D_GPU_BUNDLE:-}" ]; then
  programs=$MOLGEN3D_GPU_BUNDLE
  LD_LIBRARY_PATH=$programs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  MOLGEN3D_MODELS=${MOLGEN3D_MODELS:-$root/models}  # the tests were built elsewhere
  export LD_LIBRARY_PATH MOLGEN3D_MODELS
else
  programs=$root/build/gpu/programs
  cmake -S . -B build/gpu -G Ninja -DCMAKE_BUILD_TYPE=Release -DMOLGEN3D_CUDA=ON -DMOLGEN3D_RDKIT=OFF >"$out/configure.log" &&
    ninja -C build/gpu engine_bench gemm_bench test_engine_cuda >"$out/build.log" || { tail -n 20 "$out"/*.log; exit 2; }
  mkdir -p "$programs"
  cp build/gpu/bench/gpu/engine_bench build/gpu/bench/gpu/gemm_bench build/gpu/tests/engine/cuda/test_engine_cuda "$programs"
fi

failed=""
section() { # name, seconds allowed, command...
  name=$1 limit=$2
  shift 2
  printf '\n== %s\n' "$name"
  timeout "$limit" "$@" >"$out/$name.txt" 2>&1
  status=$?
  case $name in
    tests* | sanitizer* ) grep -E "PASSED|FAILED|Failure|SUMMARY" "$out/$name.txt" | head -n 20 ;;
    *) cat "$out/$name.txt" ;;
  esac
  [ $status -eq 0 ] || { failed="$failed $name"; echo "$name: exit status $status"; }
}
for s in $sections; do
  case $s in
    tests) section tests 120 "$programs/test_engine_cuda" ;;
    gemm) section gemm 60 "$programs/gemm_bench" ;;
    check) section check 180 "$programs/engine_bench" check --count "${MOLGEN3D_GPU_MOLECULES:-1000}" ;;
    steps) section steps 60 "$programs/engine_bench" steps ;;
    kernels) section kernels 60 "$programs/engine_bench" kernels ;;
    fp8)
      section fp8_steps 60 "$programs/engine_bench" steps --kv-dtype fp8
      section fp8_endtoend 60 "$programs/engine_bench" endtoend --kv-dtype fp8
      ;;
    endtoend) section endtoend 60 "$programs/engine_bench" endtoend ;;
    ablation) section ablation 200 "$programs/engine_bench" ablation ;;
    memory) section memory 60 "$programs/engine_bench" memory ;;
    llama)
      section llama_steps 60 "$programs/engine_bench" steps --shape llama-380m
      section llama_endtoend 60 "$programs/engine_bench" endtoend --shape llama-380m
      ;;
    transformers) section transformers 420 python3 bench/gpu/transformers_baseline.py --tokens 64 ;;
    sanitizer)
      section sanitizer_memcheck 150 compute-sanitizer --tool memcheck "$programs/test_engine_cuda" \
        --gtest_filter='*dim128_group2*:*dim64_group4*:*Golden*tied:CudaSampling*:*TokensDepend*'
      section sanitizer_racecheck 120 compute-sanitizer --tool racecheck "$programs/test_engine_cuda" \
        --gtest_filter='*Qwen3*dim128_group2*:*Llama*dim64_group1*'
      ;;
    *) echo "no section $s" && exit 2 ;;
  esac
done
[ -z "$failed" ] || { echo; echo "not well:$failed"; exit 1; }
