// Constraints as the sample kernel reads them, on the device.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "constraint/template_program.h"
#include "engine/cuda/device_memory.h"
#include "engine/cuda/step_types.h"

namespace molgen3d::cuda {

/// Most states and edges of the hole automaton that drafts are made for; Llama-3's has 110,000
/// edges.
inline constexpr uint32_t kDraftStates = 1U << 15, kDraftEdges = 1U << 18;

/// Keeps what constraints share (hole automata, masks) on the device, uploaded once.
class ConstraintUpload {
 public:
  explicit ConstraintUpload(cudaStream_t stream) : stream_(stream) {}

  /// The tables of one constraint as words for `program` (device memory that will hold them), and
  /// the struct that refers to them. Throws Error for a constraint of unknown kind.
  DeviceConstraint prepare(const std::shared_ptr<const Constraint>& constraint,
                           std::vector<int>& words);
  /// Points the struct into the memory that the words were copied to.
  static void place(DeviceConstraint& constraint, const int* program);

 private:
  struct Shared {
    std::shared_ptr<const void> keep_alive;  ///< so that an address names one table
    DeviceMemory memory;
  };
  const DeviceMemory& shared(const std::shared_ptr<const void>& key, const void* data, size_t bytes,
                             size_t index);

  bool drafts_fit(const std::shared_ptr<const HoleTables>& holes);

  cudaStream_t stream_;
  std::shared_ptr<const HoleTables> drafted_;  ///< the latest that drafts are made for
  std::unordered_map<const void*, std::vector<Shared>> shared_;
};

}  // namespace molgen3d::cuda
