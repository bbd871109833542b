// The counts of an Outcome, by the names that records and journals give them.
#pragma once

#include "geometry/outcome.h"

namespace molgen3d::geometry {

struct OutcomeCount {
  const char* name;
  int32_t Outcome::*member;
};
inline constexpr OutcomeCount kOutcomeCounts[] = {
    {"redraws", &Outcome::redraws},         {"returns", &Outcome::returns},
    {"reflections", &Outcome::reflections}, {"masked_blocks", &Outcome::masked_blocks},
    {"set_blocks", &Outcome::set_blocks},   {"thrown_tokens", &Outcome::thrown_tokens},
};

}  // namespace molgen3d::geometry
