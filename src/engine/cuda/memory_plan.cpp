#include "engine/cuda/memory_plan.h"

#include <algorithm>

#include "base/error.h"

namespace molgen3d::cuda {
namespace {

/// A slot needs at least this much cache to be of use: a small molecule.
constexpr size_t kLeastSlotTokens = 256;

}  // namespace

int pass_rows(uint32_t slots) {
  return std::max(slots < 16 ? 1024 : 2048, padded(static_cast<int>(slots) * 3 / 2 + 8, 128));
}

int micro_batches(const BackendOptions& options, size_t sequences) {
  if (sequences < 2) return 1;
  return options.micro_batches != 0 ? options.micro_batches : sequences >= kLeastDivided ? 2 : 1;
}

DevicePlan plan_device(const ModelConfig& config, const BackendOptions& options, size_t available) {
  const int dim = padded_head_dim(config.head_dim, options.fp8_cache);
  const bool lanes_fit =
      dim > 0 && config.head_dim % (2 * dim / 32) == 0;  // halves are whole lanes
  if (!lanes_fit || config.hidden % 8 != 0 || config.hidden > 8192 ||
      config.intermediate % 8 != 0) {
    throw Error::format(
        "CUDA backend: head dimension {} (even; above 32 a multiple of 4, above 64 of 8, at most "
        "128), "
        "hidden width {} (a multiple of 8, at most 8192) or inner width {} (a multiple of 8) is "
        "not "
        "supported",
        config.head_dim, config.hidden, config.intermediate);
  }
  const size_t positions = static_cast<size_t>(config.max_positions);
  const uint32_t asked = std::clamp<uint32_t>(options.slots, 1, kMaxActive);
  const size_t slot_tokens =
      options.kv_tokens == 0 ? positions : std::max<size_t>(options.kv_tokens / asked, kPageTokens);
  DevicePlan plan;
  for (uint32_t slots = asked; slots >= 1; slots = slots > 8 ? slots * 3 / 4 : slots - 1) {
    Extent& extent = plan.extent;
    extent.slots = slots;
    extent.max_rows = pass_rows(slots);
    extent.audit = options.audit;
    extent.fp8 = options.fp8_cache;
    extent.micro_batches = std::min(micro_batches(options, slots), kMicroBatches);
    extent.pages = (slots * slot_tokens + kPageTokens - 1) / kPageTokens;
    extent.context = static_cast<int>(std::min(positions, extent.pages * kPageTokens));
    plan.memory = CudaModel::memory(config, extent);
    if (plan.memory.total_bytes() <= available) return plan;
    const size_t fixed = plan.memory.weight_bytes + plan.memory.scratch_bytes;
    if (fixed >= available) continue;
    // Every slot may come close to the context, but few do: fewer pages than the worst case are
    // fine.
    const size_t pages = (available - fixed) / plan.memory.page_bytes;
    const size_t least =
        options.kv_tokens == 0 ? std::min(slot_tokens, kLeastSlotTokens) : slot_tokens;
    if (pages * kPageTokens < slots * least) continue;
    extent.pages = pages;
    extent.context = static_cast<int>(std::min(positions, pages * kPageTokens));
    plan.memory = CudaModel::memory(config, extent);
    return plan;
  }
  throw Error::format(
      "CUDA backend: one sequence needs {:.2f} GB (weights {:.2f} GB), but {:.2f} GB are free on "
      "the "
      "device",
      static_cast<double>(plan.memory.total_bytes()) * 1e-9,
      static_cast<double>(plan.memory.weight_bytes) * 1e-9, static_cast<double>(available) * 1e-9);
}

}  // namespace molgen3d::cuda
