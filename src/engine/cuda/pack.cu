// Weights into the layout of gemm.h. Bytes: each weight read once, written once; when loading only.
#include <cuda_fp16.h>

#include "engine/cuda/gemm.h"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda {
namespace {

__device__ __nv_bfloat16 read_as_bf16(const void* source, SourceType type, size_t index) {
  switch (type) {
    case SourceType::kFloat32:
      return __float2bfloat16_rn(static_cast<const float*>(source)[index]);
    case SourceType::kFloat16:
      return __float2bfloat16_rn(__half2float(static_cast<const __half*>(source)[index]));
    default:
      return static_cast<const __nv_bfloat16*>(source)[index];
  }
}

__global__ void pack_kernel(PackArguments a) {
  const size_t count = static_cast<size_t>(a.features) * a.depth;
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < count;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    const int row = a.first_row + static_cast<int>(i / a.depth), k = static_cast<int>(i % a.depth);
    int feature = a.first_feature + row;
    if (a.interleave != 0) feature = row / 8 * 16 + (a.interleave - 1) * 8 + row % 8;
    a.out[activation_offset(feature, k, 64, a.out_depth)] = read_as_bf16(a.source, a.type, i);
  }
}

__global__ void convert_kernel(const void* source, SourceType type, size_t count,
                               __nv_bfloat16* out) {
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < count;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    out[i] = read_as_bf16(source, type, i);
  }
}

__global__ void gather_kernel(const __nv_bfloat16* weights, int depth, const int* ids, int count,
                              __nv_bfloat16* out) {
  const int feature = static_cast<int>(blockIdx.x);
  for (int k = static_cast<int>(threadIdx.x) * 8; k < depth;
       k += static_cast<int>(blockDim.x) * 8) {
    uint4 piece = {0, 0, 0, 0};
    if (feature < count) {
      piece =
          *reinterpret_cast<const uint4*>(weights + activation_offset(ids[feature], k, 64, depth));
    }
    *reinterpret_cast<uint4*>(out + activation_offset(feature, k, 64, depth)) = piece;
  }
}

}  // namespace

void pack_weights(const Stream& stream, const PackArguments& a) {
  launch({stream.stream, false}, "pack weights", pack_kernel, dim3(1024), dim3(256), 0, a);
}

void convert_vector(const Stream& stream, const void* source, SourceType type, size_t count,
                    __nv_bfloat16* out) {
  launch({stream.stream, false}, "convert", convert_kernel, dim3(16), dim3(256), 0, source, type,
         count, out);
}

void gather_weights(const Stream& stream, const __nv_bfloat16* weights, int depth, const int* ids,
                    int count, __nv_bfloat16* out) {
  launch({stream.stream, false}, "gather weights", gather_kernel,
         dim3(static_cast<unsigned>(padded(count, 64))), dim3(128), 0, weights, depth, ids, count,
         out);
}

}  // namespace molgen3d::cuda
