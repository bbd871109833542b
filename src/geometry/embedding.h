// Places that satisfy a whole hard set, found from nothing.
#pragma once

#include <vector>

#include "geometry/hard_set.h"

namespace molgen3d::geometry {

/// Places of all atoms that satisfy the set of `tables`; none when none were found within some
/// thousand rounds of projection (geometry/completion.h), as for a set that cannot be satisfied.
/// The same for the same tables, on any machine.
std::vector<Position> embed(const HardSetTables& tables);

}  // namespace molgen3d::geometry
