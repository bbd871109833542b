// Hopper's asynchronous matrix instruction: 64 x kTokens x 16, bf16 from shared memory, fp32 in
// registers of one warpgroup. Lane l of warp w holds rows 16 w + l/4 (+8), columns 8 j + 2 (l%4)
// (+1) in d[4 j], d[4 j + 1] (d[4 j + 2], d[4 j + 3]): the layout of four 16 x 8 tiles of mma.sync.
#pragma once

#include <cstdint>

#include "engine/cuda/intrinsics.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

namespace molgen3d::cuda {

/// Descriptor of an operand whose 8 x 8 core matrices (128 contiguous bytes each) follow each other
/// along k at 128 bytes and along rows at `row_stride` bytes; no swizzle.
__device__ __forceinline__ uint64_t operand_descriptor(uint32_t address, uint32_t row_stride) {
  return static_cast<uint64_t>((address & 0x3FFFF) >> 4) | static_cast<uint64_t>(128 >> 4) << 16 |
         static_cast<uint64_t>(row_stride >> 4) << 32;
}
__device__ __forceinline__ void warpgroup_fence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void warpgroup_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kPending>
__device__ __forceinline__ void warpgroup_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// The registers of the sums, for each width those of the width before and then some.
#define MOLGEN3D_SUM_NAMES_8 "%0, %1, %2, %3"
#define MOLGEN3D_SUM_NAMES_16 MOLGEN3D_SUM_NAMES_8 ", %4, %5, %6, %7"
#define MOLGEN3D_SUM_NAMES_32 MOLGEN3D_SUM_NAMES_16 ", %8, %9, %10, %11, %12, %13, %14, %15"
#define MOLGEN3D_SUM_NAMES_48 MOLGEN3D_SUM_NAMES_32 ", %16, %17, %18, %19, %20, %21, %22, %23"
#define MOLGEN3D_SUM_NAMES_64 MOLGEN3D_SUM_NAMES_48 ", %24, %25, %26, %27, %28, %29, %30, %31"
#define MOLGEN3D_SUM_NAMES_96 \
  MOLGEN3D_SUM_NAMES_64       \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define MOLGEN3D_SUM_NAMES_128 \
  MOLGEN3D_SUM_NAMES_96        \
  ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define MOLGEN3D_SUMS_4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define MOLGEN3D_SUMS_8(i) MOLGEN3D_SUMS_4(i), MOLGEN3D_SUMS_4(i + 4)
#define MOLGEN3D_SUMS_16(i) MOLGEN3D_SUMS_8(i), MOLGEN3D_SUMS_8(i + 8)
#define MOLGEN3D_SUMS_32(i) MOLGEN3D_SUMS_16(i), MOLGEN3D_SUMS_16(i + 16)
/// `A`, `B`, `FLAG`: numbers of the operands that follow the sums.
#define MOLGEN3D_WARPGROUP_MULTIPLY(TOKENS, A, B, FLAG, ...)                                    \
  template <>                                                                                   \
  __device__ __forceinline__ void warpgroup_multiply<TOKENS>(float(&d)[TOKENS / 2], uint64_t a, \
                                                             uint64_t b, int accumulate) {      \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #FLAG                                     \
                 ", 0;\n"                                                                       \
                 "wgmma.mma_async.sync.aligned.m64n" #TOKENS                                    \
                 "k16.f32.bf16.bf16 {" MOLGEN3D_SUM_NAMES_##TOKENS "}, %" #A ", %" #B           \
                                                                   ", p, 1, 1, 0, 0;\n}\n"      \
                 : __VA_ARGS__                                                                  \
                 : "l"(a), "l"(b), "r"(accumulate));                                            \
  }

/// d = a x b + (accumulate ? d : 0).
template <int kTokens>
__device__ void warpgroup_multiply(float (&d)[kTokens / 2], uint64_t a, uint64_t b, int accumulate);

MOLGEN3D_WARPGROUP_MULTIPLY(8, 4, 5, 6, MOLGEN3D_SUMS_4(0))
MOLGEN3D_WARPGROUP_MULTIPLY(16, 8, 9, 10, MOLGEN3D_SUMS_8(0))
MOLGEN3D_WARPGROUP_MULTIPLY(32, 16, 17, 18, MOLGEN3D_SUMS_16(0))
MOLGEN3D_WARPGROUP_MULTIPLY(48, 24, 25, 26, MOLGEN3D_SUMS_16(0), MOLGEN3D_SUMS_8(16))
MOLGEN3D_WARPGROUP_MULTIPLY(64, 32, 33, 34, MOLGEN3D_SUMS_32(0))
MOLGEN3D_WARPGROUP_MULTIPLY(96, 48, 49, 50, MOLGEN3D_SUMS_32(0), MOLGEN3D_SUMS_16(32))
MOLGEN3D_WARPGROUP_MULTIPLY(128, 64, 65, 66, MOLGEN3D_SUMS_32(0), MOLGEN3D_SUMS_32(32))

#undef MOLGEN3D_WARPGROUP_MULTIPLY
#undef MOLGEN3D_SUMS_4
#undef MOLGEN3D_SUMS_8
#undef MOLGEN3D_SUMS_16
#undef MOLGEN3D_SUMS_32
#undef MOLGEN3D_SUM_NAMES_8
#undef MOLGEN3D_SUM_NAMES_16
#undef MOLGEN3D_SUM_NAMES_32
#undef MOLGEN3D_SUM_NAMES_48
#undef MOLGEN3D_SUM_NAMES_64
#undef MOLGEN3D_SUM_NAMES_96
#undef MOLGEN3D_SUM_NAMES_128

}  // namespace molgen3d::cuda

#endif
