// What becomes of a finished sample. (Drawing again is the search's, token by token, while the
// sample is made: geometry/search.h.)
#pragma once

#include <cstdint>
#include <string>

#include "generation/conformer.h"

namespace molgen3d {

enum class Acceptance : uint8_t {
  kKeep,  ///< written; marked when it lies outside its hard set
  kDrop,  ///< a failure, with a cause
};

/// --on-failure, for samples that stay outside their hard set within the budget: "fail" drops them,
/// "keep" keeps them. Throws Error for another word.
Acceptance acceptance_outside(const std::string& word);

/// A conformer that is not ok is dropped. One outside its hard set gets here ok only where
/// acceptance_outside() keeps it: otherwise the engine gave it up.
Acceptance acceptance_of(const Conformer& conformer);

}  // namespace molgen3d
