// Search for NaN and infinity among the weights.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.h"

namespace molgen3d {

struct NonFinite {
  std::string tensor;
  size_t index = 0;     ///< of the first such element, row-major
  bool is_nan = false;  ///< else an infinity
};

/// Index of the first element of `tensor` that is NaN or infinite.
std::optional<size_t> first_non_finite(const TensorView& tensor);

/// The first tensor, by name, that holds a NaN or an infinity. Reads every weight once, at the
/// speed of memory, on all cores.
std::optional<NonFinite> find_non_finite(const Checkpoint& checkpoint);

/// Throws Error naming directory, tensor and element when find_non_finite finds something.
void require_finite_weights(const Checkpoint& checkpoint);

}  // namespace molgen3d
