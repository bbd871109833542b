// Stands in for the CUDA backend in builds without CUDA.
#include "base/error.h"
#include "engine/cuda/cuda_backend.h"

namespace molgen3d {
namespace {
constexpr const char* kWithout = "CUDA backend: this program was built without CUDA (docs/gpu.md)";
}

bool cuda_available(std::string* why_not) {
  if (why_not != nullptr) *why_not = kWithout;
  return false;
}

std::vector<std::string> cuda_device_kinds() {
  return {};
}

bool cuda_fp8_available() {
  return false;
}

MemoryPlan plan_cuda_memory(const ModelConfig&, const BackendOptions&) {
  throw Error(kWithout);
}

std::unique_ptr<Backend> make_cuda_backend(std::shared_ptr<const Checkpoint>,
                                           const BackendOptions&) {
  throw Error(kWithout);
}

}  // namespace molgen3d
