#!/bin/sh
# Programs of bench/gpu.sh with their libraries in one folder, for a machine that cannot build them.
#
#   bench/gpu/make_bundle.sh BUILD_DIR BUNDLE_DIR
set -eu
build=$1 bundle=$2
mkdir -p "$bundle"
for program in bench/gpu/engine_bench bench/gpu/gemm_bench bench/gpu/profile_bench tests/engine/cuda/test_engine_cuda; do
  cp "$build/$program" "$bundle"
  strip "$bundle/$(basename "$program")"
  # The C and C++ run-time libraries are those of the machine.
  ldd "$build/$program" | awk '/=> \//{print $3}' | grep -vE '/(libc|libm|libgcc_s|libstdc\+\+|libpthread|librt|libdl)\.so' |
    while read -r library; do cp -L "$library" "$bundle"; done
done
