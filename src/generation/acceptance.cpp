#include "generation/acceptance.h"

#include "base/error.h"

namespace molgen3d {

Acceptance acceptance_outside(const std::string& word) {
  if (word == "fail") return Acceptance::kDrop;
  if (word == "keep") return Acceptance::kKeep;
  throw Error::format("on-failure {}: not one of fail, keep", in_quotes(word));
}

Acceptance acceptance_of(const Conformer& conformer) {
  return conformer.ok ? Acceptance::kKeep : Acceptance::kDrop;
}

}  // namespace molgen3d
