#include "testing/reference_backend.h"

#include <algorithm>

#include "base/error.h"
#include "engine/host_backend.h"
#include "testing/reference_operations.h"

namespace molgen3d {

std::unique_ptr<Backend> make_reference_backend(std::shared_ptr<const Checkpoint> checkpoint,
                                                const BackendOptions& options) {
  // The oracle is for small models: when no capacity is asked for, 1 GiB of cache at most.
  constexpr size_t kCacheBytes = size_t{1} << 30;
  const ModelConfig& config = checkpoint->config();
  MemoryPlan plan;
  plan.slots = options.slots;
  plan.weight_bytes = sizeof(double) * (config.total_parameters() +
                                        (config.tied_embeddings ? config.output_parameters() : 0));
  plan.page_bytes = sizeof(double) * kPageTokens * config.kv_elements_per_token();
  const size_t most = options.slots * static_cast<size_t>(config.max_positions);
  plan.pages = options.kv_tokens != 0
                   ? (options.kv_tokens + kPageTokens - 1) / kPageTokens
                   : std::clamp<size_t>((most + kPageTokens - 1) / kPageTokens, 1,
                                        std::max<size_t>(kCacheBytes / plan.page_bytes, 1));
  plan.scratch_bytes = host_scratch_bytes(config, options);
  auto operations = std::make_unique<ReferenceOperations>(*checkpoint, plan.pages);
  return make_host_backend(std::move(operations), plan, options,
                           "reference (CPU, double precision)");
}

}  // namespace molgen3d
