// Matrix products of a pass. One thread block multiplies 64 features by a tile of 8 .. 128 rows
// over one part of K (gemm_hopper.cuh, gemm_ampere.cuh).
//
// Bytes: weights once per row tile, 128 K per 64 features; activations once per feature block,
// 2 K x rows (from the second-level cache). Operations: 2 x 64 x rows x K.
// The order of the sum over K is fixed by gemm_splits() alone: never by the batch or the tile.
#include "engine/cuda/gemm.h"

#include "engine/cuda/gemm_ampere.cuh"
#include "engine/cuda/gemm_hopper.cuh"

namespace molgen3d::cuda {
namespace {

template <int kRows, bool kLatency, Epilogue kEpilogue>
__global__ void __launch_bounds__(TileShape<kRows, kLatency>::kThreads)
    gemm_kernel(const __grid_constant__ GemmArguments a) {
  multiply_tile<kRows, kLatency, kEpilogue>(a);
}

template <int kRows, bool kLatency>
void launch_shape(const Stream& stream, Epilogue epilogue, const GemmArguments& a, int max_rows) {
  using Shape = TileShape<kRows, kLatency>;
  const dim3 grid(static_cast<unsigned>(padded(a.features, kBlockFeatures) / kBlockFeatures),
                  static_cast<unsigned>((max_rows + kRows - 1) / kRows),
                  static_cast<unsigned>(a.splits));
  const auto kernel = epilogue == Epilogue::kBf16 ? gemm_kernel<kRows, kLatency, Epilogue::kBf16>
                      : epilogue == Epilogue::kSwiGlu
                          ? gemm_kernel<kRows, kLatency, Epilogue::kSwiGlu>
                          : gemm_kernel<kRows, kLatency, Epilogue::kPartial>;
  launch(stream, "gemm", kernel, grid, dim3(Shape::kThreads), Shape::kSharedBytes, a);
}

/// Small tiles have too little work for anything but latency to count.
template <int kRows>
constexpr bool kHasThroughput = kRows > 32;

template <int kRows>
void launch_tile(const Stream& stream, Epilogue epilogue, const GemmArguments& a, int max_rows) {
  if constexpr (kHasThroughput<kRows>) {
    if (!a.early_start) return launch_shape<kRows, false>(stream, epilogue, a, max_rows);
  }
  launch_shape<kRows, true>(stream, epilogue, a, max_rows);
}

template <int kRows, bool kLatency>
void prepare_shape() {
  constexpr size_t kBytes = TileShape<kRows, kLatency>::kSharedBytes;
  allow_shared_memory(gemm_kernel<kRows, kLatency, Epilogue::kBf16>, kBytes);
  allow_shared_memory(gemm_kernel<kRows, kLatency, Epilogue::kSwiGlu>, kBytes);
  allow_shared_memory(gemm_kernel<kRows, kLatency, Epilogue::kPartial>, kBytes);
}
template <int kRows>
void prepare_tile() {
  if constexpr (kHasThroughput<kRows>) prepare_shape<kRows, false>();
  prepare_shape<kRows, true>();
}

bool find_hopper_code() {
  int device = 0, major = 0;
  check(cudaGetDevice(&device), "device");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "device");
  // Code for the device itself, not for an older one.
  cudaFuncAttributes attributes;
  check(cudaFuncGetAttributes(&attributes, gemm_kernel<8, true, Epilogue::kBf16>), "gemm");
  return major >= 9 && attributes.binaryVersion >= 90 && attributes.ptxVersion >= 90;
}

}  // namespace

int gemm_splits(int depth) {
  // Deep products have few feature blocks in these models: four parts fill the chip.
  if (depth >= 1024 && depth % (4 * kBlockDepth) == 0) return 4;
  return 1;
}

int gemm_tile_rows(int rows) {
  for (const int tile : {8, 16, 32, 48, 64, 96}) {
    if (rows <= tile) return tile;
  }
  // Two tiles of 96 hold up to 192 rows with less padding than two of 128.
  return rows > 128 && rows <= 192 ? 96 : 128;
}

bool runs_hopper_code() {
  static const bool hopper = find_hopper_code();
  return hopper;
}

void gemm(const Stream& stream, Epilogue epilogue, const GemmArguments& a, int max_rows) {
  // A tile is cut in two where its blocks would leave half of the chip idle.
  int rows = a.tile_rows;
  const int blocks = padded(a.features, kBlockFeatures) / kBlockFeatures * a.splits;
  if (rows >= 64 && blocks * ((max_rows + rows - 1) / rows) <= 66) rows /= 2;
  switch (rows) {
    case 8:
      return launch_tile<8>(stream, epilogue, a, max_rows);
    case 16:
      return launch_tile<16>(stream, epilogue, a, max_rows);
    case 32:
      return launch_tile<32>(stream, epilogue, a, max_rows);
    case 48:
      return launch_tile<48>(stream, epilogue, a, max_rows);
    case 64:
      return launch_tile<64>(stream, epilogue, a, max_rows);
    case 96:
      return launch_tile<96>(stream, epilogue, a, max_rows);
    default:
      return launch_tile<128>(stream, epilogue, a, max_rows);
  }
}

void prepare_gemm() {
  prepare_tile<8>();
  prepare_tile<16>();
  prepare_tile<32>();
  prepare_tile<48>();
  prepare_tile<64>();
  prepare_tile<96>();
  prepare_tile<128>();
}

}  // namespace molgen3d::cuda
