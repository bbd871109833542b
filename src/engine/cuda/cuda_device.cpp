#include "engine/cuda/cuda_device.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/cuda/cuda_backend.h"
#include "engine/cuda/gemm.h"

namespace molgen3d {
namespace {

/// Left for the driver, graphs and other programs.
constexpr size_t kReservedBytes = size_t{768} << 20;
/// Oldest devices that the kernels are compiled for.
constexpr int kLeastMajor = 8;

int compute_major(int device) {
  int major = 0;
  cuda::check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "device");
  return major;
}

}  // namespace

namespace cuda {

void use_device(const BackendOptions& options) {
  std::string why;
  if (!cuda_available(&why)) throw Error(why);
  int count = 0;
  check(cudaGetDeviceCount(&count), "device count");
  if (options.device < 0 || options.device >= count) {
    throw Error::format("device cuda:{}: there are {} CUDA devices, numbered from 0",
                        options.device, count);
  }
  if (compute_major(options.device) < kLeastMajor) {
    throw Error::format("device cuda:{}: compute capability {}.0 or later is needed",
                        options.device, kLeastMajor);
  }
  check(cudaSetDevice(options.device), "choice of device");
}

DevicePlan plan_current_device(const ModelConfig& config, const BackendOptions& options) {
  if (options.compute != DataType::kBFloat16) {
    throw Error("CUDA backend: computes in bf16 only; use --device cpu for fp32");
  }
  if (options.fp8_cache && !runs_hopper_code()) {
    throw Error("CUDA backend: keys and values in fp8 need compute capability 9.0 or later");
  }
  size_t free_bytes = 0, total_bytes = 0;
  check(cudaMemGetInfo(&free_bytes, &total_bytes), "memory of the device");
  return plan_device(config, options,
                     free_bytes > kReservedBytes ? free_bytes - kReservedBytes : 0);
}

}  // namespace cuda

bool cuda_available(std::string* why_not) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  std::string cause = status != cudaSuccess ? cudaGetErrorString(status) : "none is present";
  for (int device = 0; status == cudaSuccess && device < count; ++device) {
    if (compute_major(device) >= kLeastMajor) return true;
    cause = fmt::format("compute capability {}.0 or later is needed", kLeastMajor);
  }
  if (why_not != nullptr) *why_not = fmt::format("CUDA backend: no usable device ({})", cause);
  return false;
}

std::vector<std::string> cuda_device_kinds() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return {};
  std::vector<std::string> kinds;
  for (int device = 0; device < count; ++device) {
    int minor = 0;
    cuda::check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
                "device");
    kinds.push_back(fmt::format("compute capability {}.{}", compute_major(device), minor));
  }
  return kinds;
}

bool cuda_fp8_available() {
  return cuda_available(nullptr) && cuda::runs_hopper_code();
}

MemoryPlan plan_cuda_memory(const ModelConfig& config, const BackendOptions& options) {
  cuda::use_device(options);
  return cuda::plan_current_device(config, options).memory;
}

}  // namespace molgen3d
