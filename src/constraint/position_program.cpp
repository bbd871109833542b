#include "constraint/template_program.h"

namespace molgen3d {

Choices PositionProgram::choices(ConstraintState state) const {
  Choices result;
  const size_t last = positions.size() - 1;
  const Position& position = positions[state.segment < last ? state.segment : last];
  if (position.forced >= 0) {
    result.kind = Choices::Kind::kForced;
    result.forced = position.forced;
    return result;
  }
  result.kind = masks_allow ? Choices::Kind::kAllowed : Choices::Kind::kBlocked;
  result.mask = masks[position.mask].get();
  return result;
}

ConstraintState PositionProgram::advance(ConstraintState state, TokenId) const {
  return {state.segment + 1, 0};
}

}  // namespace molgen3d
