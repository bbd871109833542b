// How kernels are launched: checked, and with an early start beside the end of the kernel before.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace molgen3d::cuda {

/// Throws Error naming `what` and CUDA's cause.
void check(cudaError_t status, const char* what);

/// Where and how the kernels of a pass go.
struct Stream {
  cudaStream_t stream = nullptr;
  bool overlap = true;  ///< programmatic dependent launch
};

/// Allows more than 48 KB of dynamic shared memory. Call outside of captures.
template <typename... Parameters>
void allow_shared_memory(void (*kernel)(Parameters...), size_t bytes) {
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
        "cudaFuncSetAttribute");
}

template <typename... Parameters, typename... Arguments>
void launch(const Stream& stream, const char* what, void (*kernel)(Parameters...), dim3 grid,
            dim3 block, size_t shared_bytes, const Arguments&... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream.stream;
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = stream.overlap ? 1 : 0;
  check(cudaLaunchKernelEx(&config, kernel, arguments...), what);
}

}  // namespace molgen3d::cuda
