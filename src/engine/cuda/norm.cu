// Residual sum and RMSNorm, one thread block per row.
//
// Bytes per row of width H: residual 2 H read, 2 H written, each partial 4 H read, output 2 H
// written (all from and to the second-level cache). Operations: about 6 H. Numerics as Hugging
// Face: the product is rounded to bf16, then added; norm in fp32, rounded to bf16, then times the
// weight.
#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"
#include "engine/cuda/norm_row.cuh"

namespace molgen3d::cuda {
namespace {

constexpr int kThreads = kNormThreads;

/// kPieces: 8-element pieces of one thread.
template <int kPieces>
__global__ void __launch_bounds__(kThreads) norm_kernel(const __grid_constant__ NormArguments a) {
  __shared__ float warp_sums[kThreads / 32];
  Eight weight[kPieces];
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    const int k = (i * kThreads + static_cast<int>(threadIdx.x)) * 8;
    if (k < a.width) weight[i] = unpack_eight(*reinterpret_cast<const uint4*>(a.weight + k));
  }
  // The tables of the pass are there, but for the embedding, which follows the plan.
  const int entry = static_cast<int>(blockIdx.x);
  const bool embed = a.embedding != nullptr;
  int row = -1;
  if (!embed && entry < load_shared_word(a.row_count)) {
    row = a.row_map != nullptr ? load_shared_word(a.row_map + entry) : entry;
  }
  uint4 raw[kPieces] = {};
  const auto read_residual = [&] {
    const Bf16* residual = a.residual + static_cast<size_t>(max(row, 0)) * a.width;
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const int k = (i * kThreads + static_cast<int>(threadIdx.x)) * 8;
      if (k < a.width) raw[i] = __ldcg(reinterpret_cast<const uint4*>(residual + k));
    }
  };
  // Two kernels ago or earlier the residual was written, too, unless they start early.
  const bool read_ahead = !a.early_start && row >= 0;
  if (read_ahead) read_residual();
  meet_previous_kernel(a.early_start);
  if (embed && entry < load_shared_word(a.row_count)) row = entry;
  if (row < 0) return;

  Bf16* residual = a.residual + static_cast<size_t>(row) * a.width;
  const int token = embed ? min(max(a.row_token[row], 0), a.vocabulary - 1) : 0;
  if (!embed && !read_ahead) read_residual();
  Eight x[kPieces];
  float squares = 0;
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    const int k = (i * kThreads + static_cast<int>(threadIdx.x)) * 8;
    if (k >= a.width) continue;
    if (embed) {
      raw[i] = *reinterpret_cast<const uint4*>(
          a.embedding + activation_offset(token, k, 64, padded(a.width, 64)));
      *reinterpret_cast<uint4*>(residual + k) = raw[i];
    }
    x[i] = unpack_eight(raw[i]);
    if (a.partial != nullptr) {
      add_partials(x[i], a.partial + static_cast<size_t>(row) * a.width + k, a.splits,
                   a.split_stride);
      *reinterpret_cast<uint4*>(residual + k) = pack_eight(x[i]);
    }
    add_squares(squares, x[i]);
  }
  squares = warp_sum(squares);
  if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = squares;
  __syncthreads();
  const float scale = norm_scale(warp_sums, a.width, a.eps);
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    const int k = (i * kThreads + static_cast<int>(threadIdx.x)) * 8;
    if (k >= a.width) continue;
    *reinterpret_cast<uint4*>(a.out + activation_offset(entry, k, a.out_tile_rows, a.out_depth)) =
        normed_eight(x[i], scale, weight[i]);
  }
}

}  // namespace

void residual_norm(const Stream& stream, const NormArguments& a, int max_rows) {
  const dim3 grid(static_cast<unsigned>(max_rows)), block(kThreads);
  const int pieces = (a.width + 8 * kThreads - 1) / (8 * kThreads);
  const auto kernel = pieces <= 1   ? norm_kernel<1>
                      : pieces <= 2 ? norm_kernel<2>
                      : pieces <= 4 ? norm_kernel<4>
                                    : norm_kernel<8>;
  launch(stream, "norm", kernel, grid, block, 0, a);
}

}  // namespace molgen3d::cuda
