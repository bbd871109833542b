#include "engine/cuda/launch.h"

#include "base/error.h"

namespace molgen3d::cuda {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw Error::format("CUDA: {}: {} ({})", what, cudaGetErrorString(status),
                      cudaGetErrorName(status));
}

}  // namespace molgen3d::cuda
