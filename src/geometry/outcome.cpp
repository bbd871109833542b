#include "geometry/outcome.h"

namespace molgen3d::geometry {

const char* fault_name(Fault fault) {
  constexpr const char* kNames[] = {"none",       "bond length",   "bond angle",       "clash",
                                    "ring reach", "stereo centre", "double bond side", "flatness",
                                    "no room",    "dead end"};
  return kNames[static_cast<int>(fault)];
}

}  // namespace molgen3d::geometry
